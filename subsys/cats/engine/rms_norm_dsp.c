/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"

#if CATS_DSP

/* A column's gain is in the low half of its word, its shift in the high half. */
CATS_INLINE int32_t widen(int32_t x, int32_t gain)
{
	return x << (gain >> 16);
}

/* Saturated to -1024..1023. */
CATS_INLINE int32_t scale(int32_t v, uint32_t factor, int32_t inverse, int32_t gain)
{
	const int32_t z = cats_smmulr((int32_t)((uint32_t)v * factor), inverse);

	return __ssat(__smlabb(z, gain, 1 << 12) >> 13, 11);
}

/* No half below -1023. */
CATS_INLINE int16x2_t bound(int16x2_t two)
{
	const int16x2_t lowest = (int16x2_t)0xfc01fc01;

	(void)__ssub16(two, lowest);
	return (int16x2_t)__sel((uint8x4_t)two, (uint8x4_t)lowest);
}

void cats_rms_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
		   const struct cats_image_norm *gains, uint32_t epsilon)
{
	const cats_word_t *gain = (const cats_word_t *)gains;
	const cats_word_t *const even = gain + (columns & ~1u);
	int16_t *at = y;
	int32_t squares = 0;
	int32_t inverse;
	uint32_t factor;
	int32_t first;
	int32_t second;

	while (gain != even) {
		const int16x2_t two = *(const cats_word_t *)at;
		int16x2_t wide;

		CATS_LOAD_PAIR(gain, first, second);
		wide = cats_pack_low(widen((int16_t)two, first), widen(two >> 16, second));
		squares = __smlad(wide, wide, squares);
		*(cats_word_t *)at = wide;
		at += step;
	}
	if ((columns & 1) != 0) {
		*at = (int16_t)widen(*at, *gain);
		squares += *at * *at;
	}
	inverse = cats_inverse_deviation(n, 0, (uint32_t)squares, epsilon, &factor);
	factor *= n;
	gain = (const cats_word_t *)gains;
	while (gain != even) {
		const int16x2_t two = *(const cats_word_t *)y;

		CATS_LOAD_PAIR(gain, first, second);
		first = scale((int16_t)two, factor, inverse, first);
		second = scale(two >> 16, factor, inverse, second);
		*(cats_word_t *)y = bound(cats_pack_low(first, second));
		y += step;
	}
	if ((columns & 1) != 0) {
		*y = (int16_t)bound(scale(*y, factor, inverse, *gain));
	}
}

#endif /* CATS_DSP */
