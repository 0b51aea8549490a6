/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"
#include "score_dsp.h"

#if CATS_DSP

#define MAX_WIDTH 128 /* 256 bytes of stack */

/* Any even width. */
static int32_t __attribute__((__noinline__)) score_any(const struct cats_attention *a,
						       const int16_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const int8_t *key = a->key;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++) {
		int32_t sum = 0;

		for (uint32_t e = 0; e < width; e++) {
			sum += query[e] * *key++;
		}
		a->scores[j] = sum;
		top = sum > top ? sum : top;
	}
	return top;
}

int32_t cats_score_turned(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const cats_word_t *from = (const cats_word_t *)query;
	cats_word_t arranged[MAX_WIDTH / 2];
	cats_word_t *to = arranged;
	struct cats_dot dot = cats_score_dot(a, arranged, width, n);

	if (width % 4 != 0 || width > MAX_WIDTH) {
		return score_any(a, query, n);
	}
	while (to != dot.end) {
		const int16x2_t low = *from++;
		const int16x2_t high = *from++;

		to[0] = cats_pack_low(low, high);
		to[1] = cats_pack_high(low, high);
		to += 2;
	}
	return cats_score_pairs(a, &dot, width, n);
}

int32_t cats_score_wide(const struct cats_attention *a, const int16_t *query, uint32_t n)
{
	const uint32_t pairs = a->width / 2u;
	const cats_word_t *key = (const cats_word_t *)a->key;
	const cats_word_t *const end = (const cats_word_t *)query + pairs;
	int32_t *score = a->scores;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j += 2) {
		/* Two keys share each load of the query; where n is odd, the last is both. */
		const cats_word_t *second = j + 1 == n ? key : key + pairs;
		const cats_word_t *q = (const cats_word_t *)query;
		int32_t sums[2] = {0, 0};

		do {
			const int16x2_t two = *q++;

			sums[0] = __smlad(two, *key++, sums[0]);
			sums[1] = __smlad(two, *second++, sums[1]);
		} while (q != end);
		key = second;
		*score++ = sums[0];
		*score++ = sums[1]; /* N is rounded up to four */
		top = sums[0] > top ? sums[0] : top;
		top = sums[1] > top ? sums[1] : top;
	}
	return top;
}

#endif /* CATS_DSP */
