/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if CATS_DSP

#define MAX_WIDTH 64 /* a query of up to so many columns is unpacked once, 128 bytes of stack */

/* Two keys at a time; where n is odd, the last is both. */
static int32_t score_pairs(const struct cats_attention *a, const cats_word *query, uint32_t n)
{
	const uint32_t width = a->width;
	struct cats_dot dot = {
		.y = query,
		.sixteens = query + width / 16 * 8,
		.end = query + width / 2,
		.gap = 0,
		.step = (int32_t)width,
		.at = a->scores,
		.last = a->scores + (n & ~1u),
	};
	int32_t top = INT32_MIN;
	int32_t odd;

	if (n > 1) {
		top = cats_dot(&dot, a->key);
	}
	if (n % 2 != 0) {
		dot.step = 0;
		dot.at = a->scores + n - 1;
		dot.last = dot.at + 2; /* N is rounded up to four */
		odd = cats_dot(&dot, a->key + (n - 1) * width);
		top = odd > top ? odd : top;
	}
	return top;
}

/* Any width. */
static int32_t score_any(const struct cats_attention *a, const int8_t *query, uint32_t n)
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
	const cats_word *from = (const cats_word *)query;
	const cats_word *const end = (const cats_word *)(query + a->width);
	cats_word unpacked[MAX_WIDTH / 2];
	cats_word *to = unpacked;

	if (a->width == 8) {
		return cats_dot_eight(query, a->key, a->scores, n);
	}
	if (a->width % 4 != 0 || a->width > MAX_WIDTH) {
		return score_any(a, query, n);
	}
	while (from != end) {
		const int8x4_t four = *from++;

		to[0] = __sxtb16(four);
		to[1] = cats_sxtb16_odd(four);
		to += 2;
	}
	CATS_BARRIER();
	return score_pairs(a, unpacked, n);
}

#endif /* CATS_DSP */
