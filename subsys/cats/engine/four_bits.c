/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Sums of products whose weights have four bits; four_bits_dsp.S has those for the DSP extension.
 */

#include "kernels.h"

#if !CATS_SIDE_BY_SIDE && !defined(CATS_NO_FOUR_BITS)

/* A column of a block as cats_arrange() left it. */
#if CATS_DSP
typedef int8_t cats_column_t;
#else
typedef int16_t cats_column_t;
#endif

/* A word's bytes, in the order of the columns as cats_arrange() leaves them: 0, 2, 1, 3. */
static const uint8_t order[] = {0, 2, 1, 3};

/* Eight columns, the word of their weights at w. rows is a constant where this is inlined. */
static inline void eight(const cats_column_t *y, uint32_t stride, const uint8_t *w,
			 const uint32_t rows, int32_t *sum)
{
	for (uint32_t i = 0; i < sizeof(order); i++) {
		const uint8_t two = w[order[i]];
		const int32_t low = (two & 15) - ((two & 8) << 1);
		const int32_t high = (two >> 4) - ((two & 128) >> 3);

		for (uint32_t r = 0; r < rows; r++) {
			sum[r] += y[r * stride + 2 * i] * low + y[r * stride + 2 * i + 1] * high;
		}
	}
}

static inline void sum_up(const struct cats_product *p, const uint32_t rows, uint32_t output,
			  int32_t *total)
{
	const uint32_t stride = p->stride;
	const cats_column_t *y = (const cats_column_t *)p->y;
	const uint8_t *w = (const uint8_t *)p->weights + output * (stride / 2);
	const int8_t *scale = p->scales + output * cats_scale_groups(stride);

	for (uint32_t r = 0; r < rows; r++) {
		total[r] = p->channels[output].bias;
	}
	for (uint32_t first = 0; first < stride; first += CATS_SCALE_GROUP, scale++) {
		const uint32_t columns =
			stride - first < CATS_SCALE_GROUP ? stride - first : CATS_SCALE_GROUP;
		int32_t sum[CATS_MAX_BLOCK_ROWS] = {0};

		for (uint32_t j = 0; j < columns; j += 8, w += 4) {
			eight(y + first + j, stride, w, rows, sum);
		}
		for (uint32_t r = 0; r < rows; r++) {
			total[r] += sum[r] * *scale;
		}
	}
}

void cats_sum_four_bits(const struct cats_product *p, uint32_t output, int32_t *total)
{
	if (p->rows == 4) {
		sum_up(p, 4, output, total);
	} else if (p->rows == 1) {
		sum_up(p, 1, output, total);
	} else {
		sum_up(p, p->rows, output, total);
	}
}

#endif /* !CATS_SIDE_BY_SIDE && !CATS_NO_FOUR_BITS */
