/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdbool.h>

#include "llama_kernels.h"

#if !CATS_DSP

/* wide is a constant where this is inlined. */
static inline int32_t score(const struct cats_attention *a, const int16_t *query, uint32_t n,
			    const bool wide)
{
	const uint32_t width = a->width;
	const int8_t *key = a->key;
	const int16_t *wide_key = (const int16_t *)a->key;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++) {
		uint32_t sum = 0; /* of what no product left there it may wrap */

		for (uint32_t e = 0; e < width; e++) {
			const int16_t k = wide ? wide_key[j * width + e] : key[j * width + e];

			sum += (uint32_t)(query[e] * k);
		}
		a->scores[j] = (int32_t)sum;
		top = a->scores[j] > top ? a->scores[j] : top;
	}
	return top;
}

int32_t cats_score_turned(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	return score(a, query, n, false);
}

int32_t cats_score_wide(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	return score(a, query, n, true);
}

#endif /* !CATS_DSP */
