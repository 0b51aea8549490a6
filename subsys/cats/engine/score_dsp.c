/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if CATS_DSP

#define EIGHTS 8 /* a query of up to 64 columns is unpacked once, 128 bytes of stack */

/* Eight columns, in the order that unpacking leaves: even, odd, even, odd. */
CATS_INLINE int32_t add_eight(int32_t sum, const int8_t *key, int16x2_t a, int16x2_t b,
			      int16x2_t c, int16x2_t d)
{
	const struct cats_two_words eight = cats_load_two(key);

	sum = __smlad(__sxtb16(eight.low), a, sum);
	sum = __smlad(cats_sxtb16_odd(eight.low), b, sum);
	sum = __smlad(__sxtb16(eight.high), c, sum);
	return __smlad(cats_sxtb16_odd(eight.high), d, sum);
}

static int32_t score_eight(const struct cats_attention *a, const int16x2_t *query, uint32_t n)
{
	const int16x2_t q0 = query[0];
	const int16x2_t q1 = query[1];
	const int16x2_t q2 = query[2];
	const int16x2_t q3 = query[3];
	const int8_t *key = a->key;
	int32_t *score = a->scores;
	int32_t top = INT32_MIN;

	for (uint32_t j = 0; j < n; j++, key += 8) {
		const int32_t s = add_eight(0, key, q0, q1, q2, q3);

		*score++ = s;
		top = s > top ? s : top;
	}
	return top;
}

/* Two keys share what is loaded of the query. The last may be computed twice. */
static int32_t score_eights(const struct cats_attention *a, const int16x2_t *query, uint32_t n)
{
	register int16x2_t q0 __asm__("r8");
	register int16x2_t q1 __asm__("r9");
	register int16x2_t q2 __asm__("r10");
	register int16x2_t q3 __asm__("r11");
	const uint32_t width = a->width;
	const int16x2_t *const end = query + width / 2;
	const int8_t *key = a->key;
	int32_t *score = a->scores;
	int32_t top = INT32_MIN;

	CATS_BARRIER();
	for (uint32_t j = 0; j < n; j += 2) {
		const int8_t *other = j + 1 < n ? key + width : key;
		const int16x2_t *q = query;
		int32_t first = 0;
		int32_t second = 0;

		do {
			CATS_LOAD4(q, q0, q1, q2, q3);
			first = add_eight(first, key, q0, q1, q2, q3);
			second = add_eight(second, other, q0, q1, q2, q3);
			key += 8;
			other += 8;
		} while (q != end);
		key = other;
		score[0] = first;
		score[1] = second; /* N is rounded up to four */
		score += 2;
		top = first > top ? first : top;
		top = second > top ? second : top;
	}
	CATS_BARRIER();
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
	int16x2_t unpacked[EIGHTS * 4];

	if (a->width % 8 != 0 || a->width > EIGHTS * 8) {
		return score_any(a, query, n);
	}
	for (uint32_t e = 0; e < a->width; e += 4) {
		const int8x4_t four = *(const cats_word *)(query + e);

		unpacked[e / 2] = __sxtb16(four);
		unpacked[e / 2 + 1] = cats_sxtb16_odd(four);
	}
	return a->width == 8 ? score_eight(a, unpacked, n) : score_eights(a, unpacked, n);
}

#endif /* CATS_DSP */
