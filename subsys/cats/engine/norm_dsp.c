/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if CATS_DSP

/* y of one column: gain in the low half of a word, bias in the high half; t = n * x - sum, shifted.
 */
CATS_INLINE int32_t scale(int32_t t, int32_t inverse, int16x2_t gain_bias)
{
	const int16x2_t z = cats_pack_low(cats_smmulr(t, inverse), 1 << 8);

	return __ssat(__smlad(z, gain_bias, 1 << 15) >> 16, 8);
}

void cats_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
	       const struct cats_image_norm *gains, uint32_t epsilon)
{
	const cats_word_t *gain = (const cats_word_t *)gains;
	const cats_word_t *const even = gain + (columns & ~1u);
	const int16x2_t ones = 0x00010001;
	const int16_t *from = y;
	int32_t sum = 0;
	int32_t squares = 0;
	int32_t inverse;
	uint32_t shifted;
	uint32_t factor;
	uint32_t offset;

#pragma GCC unroll 2
	for (uint32_t j = columns / 2; j != 0; j--, from += step) {
		const int16x2_t two = *(const cats_word_t *)from;

		sum = __smlad(two, ones, sum);
		squares = __smlad(two, two, squares);
	}
	if ((columns & 1) != 0) {
		sum += *from;
		squares += *from * *from;
	}
	inverse = cats_inverse_deviation(n, sum, (uint32_t)squares, epsilon, &shifted);
	/* Modulo 2^32, as t of a column that is not available may leave 32 bits. */
	offset = (uint32_t)-sum * shifted;
	factor = n * shifted;
	__asm__("" : "+r"(offset)); /* one MLA, not MUL and SUB */

	for (; gain != even; y += step) {
		__asm__("" : "+r"(factor)); /* no copy of it */
		const uint32_t first = (uint32_t)(int32_t)y[0] * factor + offset;
		const uint32_t second = (uint32_t)(int32_t)y[1] * factor + offset;
		int16x2_t first_gain;
		int16x2_t second_gain;

		CATS_LOAD_PAIR(gain, first_gain, second_gain);
		*(cats_word_t *)y = cats_pack_low(scale((int32_t)first, inverse, first_gain),
						  scale((int32_t)second, inverse, second_gain));
	}
	if ((columns & 1) != 0) {
		*y = (int16_t)scale((int32_t)((uint32_t)(int32_t)*y * factor + offset), inverse,
				    *gain);
	}
}

#endif /* CATS_DSP */
