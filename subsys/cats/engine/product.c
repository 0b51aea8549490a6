/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if !CATS_DSP

/*
 * The image's weights stand 0, 2, 1, 3 within each four columns. Portable C has no use for that,
 * so the rows are brought into the same order and both are read straight through.
 */
void cats_arrange(int16_t *block, uint32_t row, uint16_t stride)
{
	int16_t *y = cats_row(block, row, stride);

	for (uint16_t j = 0; j < stride; j += 4) {
		const int16_t second = y[j + 1];

		y[j + 1] = y[j + 2];
		y[j + 2] = second;
	}
}

static void store(const struct cats_product *p, uint32_t row, uint32_t output, int32_t v)
{
	const size_t at = (size_t)row * p->row_step + (size_t)output * p->output_step;
	int8_t *out8 = p->out;
	int16_t *out16 = p->out;

	switch (p->store) {
	case CATS_STORE_INT8:
		out8[at] = (int8_t)cats_sat8(v);
		break;
	case CATS_STORE_RELU:
		out8[at] = (int8_t)cats_sat8(v < 0 ? 0 : v);
		break;
	case CATS_STORE_TABLE:
		out8[at] = ((const int8_t *)p->table)[cats_sat8(v) + 128];
		break;
	case CATS_STORE_INT16:
		out16[at] = cats_result(v);
		break;
	case CATS_STORE_ADD:
		out16[at] = (int16_t)cats_sat16(out16[at] + cats_sat16(v));
		break;
#ifndef CATS_NO_LLAMA
	case CATS_STORE_SAT16:
		out16[at] = (int16_t)cats_sat16(v);
		break;
#endif
	default: /* CATS_STORE_EMBED */
		out16[at] = (int16_t)cats_sat16(v + ((const int16_t *)p->table)[at]);
		break;
	}
}

static inline void finish(const struct cats_product *p, uint32_t row, uint32_t output, int32_t sum)
{
	store(p, row, output, cats_requantize(sum, p->channels[output].multiplier, p->shift));
}

/* The rows that share each weight as it is read: a constant where this is inlined. */
static inline void multiply_rows(const struct cats_product *p, uint32_t row, const uint32_t rows)
{
	const uint32_t stride = p->stride;
	const int16_t *y = p->y + row * stride;
	const int8_t *w = p->weights;

	for (uint32_t o = 0; o < p->outputs; o++, w += stride) {
		int32_t sum[CATS_MAX_BLOCK_ROWS] = {0};

		for (uint32_t j = 0; j < stride; j++) {
			for (uint32_t r = 0; r < rows; r++) {
				sum[r] += y[r * stride + j] * w[j];
			}
		}
		for (uint32_t r = 0; r < rows; r++) {
			finish(p, row + r, o, p->channels[o].bias + sum[r]);
		}
	}
}

#ifndef CATS_NO_FOUR_BITS
static void multiply_four_bits(const struct cats_product *p)
{
	for (uint32_t o = 0; o < p->outputs; o++) {
		int32_t sum[CATS_MAX_BLOCK_ROWS];

		cats_sum_four_bits(p, o, sum);
		for (uint32_t r = 0; r < p->rows; r++) {
			finish(p, r, o, sum[r]);
		}
	}
}
#endif

void cats_multiply(const struct cats_product *p)
{
	uint32_t row = 0;

#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		multiply_four_bits(p);
		return;
	}
#endif
	if (p->rows == 4) {
		multiply_rows(p, 0, 4);
		return;
	}
	if (p->rows >= 2) {
		multiply_rows(p, 0, 2);
		row = 2;
	}
	if (row < p->rows) {
		multiply_rows(p, row, 1);
	}
}

#endif /* !CATS_DSP */
