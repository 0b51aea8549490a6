/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if CATS_DSP

#define BATCH 16 /* columns are summed before they are requantised */

/* Any shift. */
static void __attribute__((__noinline__)) finish_any(const int32_t *sum, const int32_t *end,
						     int32_t factor, uint32_t shift, int8_t *out)
{
	while (sum != end) {
		*out++ = (int8_t)__ssat(cats_requantize(*sum++, factor, shift), 8);
	}
}

/* requantize.h for a shift above 32: the low word of the product never matters. */
CATS_INLINE void finish(const int32_t *sum, const int32_t *end, int32_t factor, uint32_t shift,
			int8_t *out)
{
	const int32_t half = 1 << (shift - 33);

	shift -= 32;
#pragma GCC unroll 2
	while (sum != end) {
		*out++ = (int8_t)__ssat(cats_smmla(*sum++, factor, half) >> shift, 8);
	}
}

/* Two columns share each weight. Weights beyond n are zero up to a multiple of four. */
void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out)
{
	const cats_word_t *const weights = (const cats_word_t *)a->scores;
	const uint32_t fours = (n + 3u) / 4;
	const uint32_t step = a->value_step;
	const uint32_t shift = a->value_shift;
	const int8_t *value = a->value;
	uint32_t left = a->width;
	int32_t sums[BATCH];
	struct cats_dot dot = {
		.at = sums,
		.rest = (int32_t)(fours % 4 * 8),
		.gap = (int32_t)(step - fours * 4),
		.step = (int32_t)step,
		.y = weights,
		.end = weights + fours * 2,
		.sixteens = weights + fours / 4 * 8,
	};

	CATS_BARRIER();
	do {
		const uint32_t columns = left < BATCH ? left : BATCH;

		dot.last = sums + (columns & ~1u);
		if (columns > 1) {
			cats_dot(&dot, value);
		}
		value += columns * step;
		if (columns % 2 != 0) {
			/* The last column of all is both. */
			dot.step = 0;
			dot.at = sums + columns - 1;
			dot.last = dot.at + 2;
			cats_dot(&dot, value - step);
		}
		if (shift > 32) {
			finish(sums, sums + columns, (int32_t)factor, shift, out);
		} else {
			finish_any(sums, sums + columns, (int32_t)factor, shift, out);
		}
		out += columns;
		left -= columns;
	} while (left != 0);
}

#endif /* CATS_DSP */
