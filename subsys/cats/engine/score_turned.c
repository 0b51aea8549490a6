/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"

#if !CATS_DSP

int32_t cats_score_turned(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const int8_t *key = a->key;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++, key += width) {
		int32_t score = 0;

		for (uint32_t e = 0; e < width; e++) {
			score += query[e] * key[e];
		}
		a->scores[j] = score;
		top = score > top ? score : top;
	}
	return top;
}

int32_t cats_score_wide(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const int16_t *key = (const int16_t *)a->key;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++, key += width) {
		int32_t score = 0;

		for (uint32_t e = 0; e < width; e++) {
			score += query[e] * key[e];
		}
		a->scores[j] = score;
		top = score > top ? score : top;
	}
	return top;
}

#endif /* !CATS_DSP */
