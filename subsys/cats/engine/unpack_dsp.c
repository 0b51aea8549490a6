/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdbool.h>

#include "kernels.h"
#include "requantize.h"

#if CATS_DSP

static int16_t *element(int16_t *y, uint32_t step, uint32_t column)
{
	return y + (column >> 1) * step + (column & 1);
}

void cats_unpack(int16_t *y, uint32_t step, uint32_t column, const int8_t *from, uint32_t n)
{
	y += (column >> 1) * step;
	if ((column & 1) != 0 && n != 0) {
		y[1] = *from++;
		y += step;
		n--;
	}
	for (uint32_t fours = n >> 2; fours != 0; fours--) {
		const int8x4_t four = cats_load(from);
		const int16x2_t even = __sxtb16(four);
		const int16x2_t odd = cats_sxtb16_odd(four);

		__asm__("" : "+r"(step)); /* no second loop for one value of it */
		*(cats_word_t *)y = cats_pack_low(even, odd);
		*(cats_word_t *)(y + step) = cats_pack_high(even, odd);
		from += 4;
		y += 2 * step;
	}
	if ((n & 2) != 0) {
		y[0] = *from++;
		y[1] = *from++;
		y += step;
	}
	if ((n & 1) != 0) {
		y[0] = *from;
	}
}

/* Beyond, SMLAW has no room for the half; below, the low bits of the product matter. */
static bool has_short_way(uint32_t shift)
{
	return shift >= 17 && shift <= 46;
}

void cats_unpack_residual(int16_t *y, uint32_t step, uint32_t column, const int16_t *from,
			  uint32_t n, int32_t multiplier, uint32_t shift)
{
	const int16_t *const end = from + n;
	int32_t half;

	if (!has_short_way(shift)) {
		for (; from < end; column++) {
			*element(y, step, column) =
				(int16_t)cats_sat8(cats_requantize(*from++, multiplier, shift));
		}
		return;
	}
	half = 1 << (shift - 17);
	shift -= 16;
	if ((column & 1) != 0 && n != 0) {
		*element(y, step, column++) =
			(int16_t)__ssat(__smlawb(multiplier, *from++, half) >> shift, 8);
	}
	y = element(y, step, column);
	for (; end - from >= 2; from += 2, y += step) {
		const int16x2_t two = cats_load(from);

		__asm__("" : "+r"(step));
		*(cats_word_t *)y =
			cats_pack_low(__ssat(__smlawb(multiplier, two, half) >> shift, 8),
				      __ssat(__smlawt(multiplier, two, half) >> shift, 8));
	}
	if (from < end) {
		*y = (int16_t)__ssat(__smlawb(multiplier, *from, half) >> shift, 8);
	}
}

void cats_pick_residual(int8_t *to, const int16_t *from, const uint16_t *columns, uint32_t n,
			int32_t multiplier, uint32_t shift)
{
	const uint16_t *const end = columns + n;
	int32_t half;

	if (!has_short_way(shift)) {
		while (columns < end) {
			*to++ = (int8_t)cats_sat8(
				cats_requantize(from[*columns++], multiplier, shift));
		}
		return;
	}
	half = 1 << (shift - 17);
	shift -= 16;
	while (columns < end) {
		*to++ = (int8_t)__ssat(__smlawb(multiplier, from[*columns++], half) >> shift, 8);
	}
}

void cats_unpack_zeros(int16_t *y, uint32_t step, uint32_t column, uint32_t n)
{
	for (uint32_t end = column + n; column < end; column++) {
		*element(y, step, column) = 0;
	}
}

#endif /* CATS_DSP */
