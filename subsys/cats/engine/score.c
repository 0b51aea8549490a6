/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if !CATS_DSP

int32_t cats_score(const struct cats_attention *a, const int8_t *query, uint16_t n)
{
	const uint16_t width = a->width;
	const int8_t *key = a->key; /* [n][width] */
	int32_t top = INT32_MIN;

	for (uint16_t j = 0; j < n; j++, key += width) {
		int32_t score = 0;

		for (uint16_t e = 0; e < width; e++) {
			score += query[e] * key[e];
		}
		a->scores[j] = score;
		top = score > top ? score : top;
	}
	return top;
}

#endif /* !CATS_DSP */
