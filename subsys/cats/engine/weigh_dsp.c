/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if CATS_DSP

#define BATCH 16 /* columns are summed before they are requantised */

static void finish(const int32_t *sum, const int32_t *end, int32_t factor, uint32_t shift,
		   int8_t *out)
{
	if (shift > 32) {
		/* requantize.h: the low word of the product never matters */
		const int32_t half = 1 << (shift - 33);

		shift -= 32;
#pragma GCC unroll 2
		while (sum != end) {
			*out++ = (int8_t)__ssat(cats_smmla(*sum++, factor, half) >> shift, 8);
		}
		return;
	}
	while (sum != end) {
		*out++ = (int8_t)__ssat(cats_requantize(*sum++, factor, shift), 8);
	}
}

/* Two columns share each weight. Weights beyond n are zero up to a multiple of four. */
void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out)
{
	const cats_word *const weights = (const cats_word *)a->scores;
	const uint32_t fours = (n + 3u) / 4;
	const int8_t *value = a->value;
	int32_t sums[BATCH];
	struct cats_dot dot = {
		.y = weights,
		.sixteens = weights + fours / 4 * 8,
		.end = weights + fours * 2,
		.gap = (int32_t)(a->value_step - fours * 4),
		.step = a->value_step,
	};

	CATS_BARRIER();
	for (uint32_t left = a->width; left != 0;) {
		const uint32_t columns = left < BATCH ? left : BATCH;

		if (columns > 1) {
			dot.at = sums;
			dot.last = sums + (columns & ~1u);
			cats_dot(&dot, value);
		}
		value += columns * a->value_step;
		if (columns % 2 != 0) {
			/* The last column is both. */
			dot.step = 0;
			dot.at = sums + columns - 1;
			dot.last = dot.at + 2;
			cats_dot(&dot, value - a->value_step);
		}
		finish(sums, sums + columns, (int32_t)factor, a->value_shift, out);
		out += columns;
		left -= columns;
	}
}

#endif /* CATS_DSP */
