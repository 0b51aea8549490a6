/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "score_dsp.h"

#if CATS_DSP

_Static_assert(offsetof(struct cats_attention, key) == 0 &&
		       offsetof(struct cats_attention, scores) == 8,
	       "dot_dsp.S must say the same");

/* dot_dsp.S: for those widths. */
int32_t cats_score_8(const struct cats_attention *a, const int8_t *query, uint32_t n);
int32_t cats_score_16(const struct cats_attention *a, const int8_t *query, uint32_t n);
int32_t cats_score_32(const struct cats_attention *a, const int8_t *query, uint32_t n);

#define MAX_WIDTH 64 /* a query of up to so many columns is unpacked once, 128 bytes of stack */

/* A multiple of four columns, at most MAX_WIDTH. */
static int32_t __attribute__((__noinline__)) score_pairs(const struct cats_attention *a,
							 const int8_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const cats_word_t *from = (const cats_word_t *)query;
	cats_word_t unpacked[MAX_WIDTH / 2];
	cats_word_t *to = unpacked;
	struct cats_dot dot = cats_score_dot(a, unpacked, width, n);

	while (to != dot.end) {
		const int8x4_t four = *from++;

		to[0] = __sxtb16(four);
		to[1] = cats_sxtb16_odd(four);
		to += 2;
	}
	return cats_score_pairs(a, &dot, width, n);
}

/* Any width. */
static int32_t __attribute__((__noinline__)) score_any(const struct cats_attention *a,
						       const int8_t *query, uint32_t n)
{
	const uint32_t width = a->width;
	const int8_t *key = a->key;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++) {
		int32_t sum = 0;
		uint32_t e = 0;

		for (; e + 4 <= width; e += 4) {
			const int8x4_t q = cats_load(query + e);
			const int8x4_t k = cats_load(key + e);

			sum = __smlad(__sxtb16(q), __sxtb16(k), sum);
			sum = __smlad(cats_sxtb16_odd(q), cats_sxtb16_odd(k), sum);
		}
		for (; e < width; e++) {
			sum += query[e] * key[e];
		}
		key += width;
		a->scores[j] = sum;
		top = sum > top ? sum : top;
	}
	return top;
}

int32_t cats_score(const struct cats_attention *a, const int8_t *query, uint16_t n)
{
	const uint32_t width = a->width;

	if (width == 8) {
		return cats_score_8(a, query, n);
	}
	if (width == 16) {
		return cats_score_16(a, query, n);
	}
	if (width == 32) {
		return cats_score_32(a, query, n);
	}
	if (width % 4 != 0 || width > MAX_WIDTH) {
		return score_any(a, query, n);
	}
	return score_pairs(a, query, n);
}

#endif /* CATS_DSP */
