/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdbool.h>

#include "kernels.h"
#include "requantize.h"

#if CATS_DSP

/* Eight tokens of one column; weights in the order of cats_softmax(). */
CATS_INLINE int32_t add_eight(int32_t sum, const int8_t *value, int16x2_t a, int16x2_t b,
			      int16x2_t c, int16x2_t d)
{
	const struct cats_two_words eight = cats_load_two(value);

	sum = __smlad(__sxtb16(eight.low), a, sum);
	sum = __smlad(cats_sxtb16_odd(eight.low), b, sum);
	sum = __smlad(__sxtb16(eight.high), c, sum);
	return __smlad(cats_sxtb16_odd(eight.high), d, sum);
}

CATS_INLINE int8_t finish(int32_t sum, int32_t factor, uint32_t shift)
{
	/* requantize.h for a shift above 32: the low word of the product never matters. */
	const int32_t v = shift > 32
				  ? cats_smmla(sum, factor, 1 << (shift - 33)) >> (shift - 32)
				  : cats_requantize(sum, factor, shift);

	return (int8_t)__ssat(v, 8);
}

/* Two columns share each weight. Weights beyond n are zero up to a multiple of four. */
void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out)
{
	register int16x2_t w0 __asm__("r8");
	register int16x2_t w1 __asm__("r9");
	register int16x2_t w2 __asm__("r10");
	register int16x2_t w3 __asm__("r11");
	const cats_word *const weights = (const cats_word *)a->scores;
	const cats_word *const end = weights + n / 8 * 4;
	const uint32_t step = a->value_step;
	const uint32_t shift = a->value_shift;
	const int8_t *value = a->value;

	CATS_BARRIER();
	for (uint32_t e = 0; e < a->width; e += 2) {
		const bool alone = e + 1 == a->width;
		const int8_t *first_value = value;
		const int8_t *second_value = alone ? value : value + step;
		const cats_word *w = weights;
		int32_t first = 0;
		int32_t second = 0;

		while (w != end) {
			CATS_LOAD4(w, w0, w1, w2, w3);
			first = add_eight(first, first_value, w0, w1, w2, w3);
			second = add_eight(second, second_value, w0, w1, w2, w3);
			first_value += 8;
			second_value += 8;
		}
		if (n % 8 != 0) {
			/* Four tokens, then up to four */
			for (uint32_t left = n % 8; left != 0; left = left > 4 ? left - 4 : 0) {
				const int8x4_t four = *(const cats_word *)first_value;
				const int8x4_t other = *(const cats_word *)second_value;

				CATS_LOAD2(w, w0, w1);
				first = __smlad(__sxtb16(four), w0, first);
				first = __smlad(cats_sxtb16_odd(four), w1, first);
				second = __smlad(__sxtb16(other), w0, second);
				second = __smlad(cats_sxtb16_odd(other), w1, second);
				first_value += 4;
				second_value += 4;
			}
		}
		out[e] = finish(first, (int32_t)factor, shift);
		if (!alone) {
			out[e + 1] = finish(second, (int32_t)factor, shift);
		}
		value += 2 * step;
	}
	CATS_BARRIER();
}

#endif /* CATS_DSP */
