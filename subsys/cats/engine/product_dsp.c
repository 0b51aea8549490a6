/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "product_dsp.h"
#include "requantize.h"

#if CATS_DSP

#if CATS_SIDE_BY_SIDE
void cats_arrange(int16_t *block, uint32_t row, uint16_t stride)
{
	(void)block;
	(void)row;
	(void)stride;
}
#else
#include <arm_nnsupportfunctions.h>

/* Rows become int8 [rows][stride]: each moves to where what was read before begins. */
void cats_arrange(int16_t *block, uint32_t row, uint16_t stride)
{
	const cats_word_t *from = (const cats_word_t *)cats_row(block, row, stride);
	cats_word_t *to = (cats_word_t *)((int8_t *)block + row * stride);

	for (uint32_t fours = stride / 4; fours != 0; fours--, from += 2) {
		/* The order of the weights, 0, 2, 1, 3, comes by itself. */
		*to++ = (cats_word_t)(__uxtb16((uint32_t)from[0]) | __uxtb16((uint32_t)from[1])
									    << 8);
	}
}
#endif

int32_t cats_requantize(int32_t v, int32_t multiplier, unsigned int shift)
{
	return cats_requantize_inline(v, multiplier, shift);
}

/* So many outputs are summed before they are requantised. */
#define BATCH 8

#if CATS_SIDE_BY_SIDE
const int8_t *cats_sum(const struct cats_product *p, const struct cats_sums *sums, const int8_t *w)
{
	struct cats_product part = *p;

	part.weights = w;
	part.channels = sums->channel;
	part.out = sums->at;
	part.output_step = 1;
	part.outputs = (uint16_t)(sums->last - sums->at);
	part.store = CATS_STORE_SUMS;
	cats_multiply_dsp(&part);
	return w + part.outputs * part.stride;
}

/* Adds up the next sums, from weights w on, and returns the weights behind them. */
static const int8_t *add_up(const struct cats_product *p, struct cats_sums *sums, const int8_t *w)
{
#ifndef CATS_NO_FOUR_BITS
	static cats_sum_t *const four_bits[] = {cats_four_bits_1, cats_four_bits_2,
						cats_four_bits_3, cats_four_bits_4};

	if (p->scales != NULL) {
		return four_bits[p->rows - 1](sums, w);
	}
#endif
	return cats_sum(p, sums, w);
}
#else
static const int8_t *add_up(const struct cats_product *p, struct cats_sums *sums, const int8_t *w)
{
	const uint32_t rows = p->rows;
	const uint32_t outputs = (uint32_t)(sums->last - sums->at);
	int32_t *sum = sums->at[0]; /* [outputs][rows] */

#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		for (uint32_t o = 0; o < outputs; o++, sums->channel++) {
			cats_sum_four_bits(p, (uint32_t)(sums->channel - p->channels), sums->at[o]);
		}
		return w;
	}
#endif
	for (uint32_t o = 0; o < outputs; o++, sums->channel++) {
		for (uint32_t r = 0; r < rows; r++) {
			*sum++ = sums->channel->bias;
		}
	}
	(void)arm_nn_mat_mult_nt_t_s8_s32(w, (const int8_t *)p->y, sums->at[0], (int32_t)outputs,
					  p->stride, (int32_t)rows, 0, 1);
	for (uint32_t o = outputs; rows != CATS_MAX_BLOCK_ROWS && o-- > 0;) {
		for (uint32_t r = rows; r-- > 0;) {
			sums->at[o][r] = *--sum;
		}
	}
	return w + outputs * p->stride;
}
#endif

/* Requantise and store sums as cats_finish_sums() does, for any shift. */
static void finish_any(const struct cats_product *p, const int32_t (*sum)[CATS_MAX_BLOCK_ROWS])
{
	const struct cats_image_channel *const end = p->channels + p->outputs;
	const uint32_t kind = p->store;
	size_t output = 0;

	for (const struct cats_image_channel *channel = p->channels; channel != end; channel++) {
		for (uint32_t r = 0; r < p->rows; r++) {
			const int32_t v = cats_requantize((*sum)[r], channel->multiplier, p->shift);
			const size_t at = output + r * p->row_step;
			int16_t *const out = (int16_t *)p->out + at;

			if (kind <= CATS_STORE_TABLE) {
				store8((int8_t *)p->out + at, v, p->table, kind);
			} else if (kind == CATS_STORE_EMBED) {
				store16(out, v, ((const int16_t *)p->table)[at], kind);
			} else {
				store16(out, v - (kind == CATS_STORE_INT16), *out, kind);
			}
		}
		output += p->output_step;
		sum++;
	}
}

/* Not inlined: cats_multiply_dsp() needs none of its registers and stack. */
static void __attribute__((__noinline__)) multiply_sums(const struct cats_product *p)
{
	const size_t size = p->store <= CATS_STORE_TABLE ? 1 : 2;
	const int8_t *w = p->weights;
	struct cats_product part = *p; /* the next outputs */
	int32_t buffer[BATCH][CATS_MAX_BLOCK_ROWS];
	struct cats_sums sums;

#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		cats_sums_begin(&sums, p, p->rows);
	}
#endif
	part.weights = (const int8_t *)buffer;
	for (uint32_t left = p->outputs; left != 0; left -= part.outputs) {
		part.outputs = (uint16_t)(left > BATCH ? BATCH : left);
		sums.channel = part.channels;
		sums.at = buffer;
		sums.last = buffer + part.outputs;
		CATS_BARRIER();
		w = add_up(p, &sums, w);
		CATS_BARRIER();
		if (CATS_FROM_SUMS && p->shift > 32) {
			cats_finish_sums(&part);
		} else {
			finish_any(&part, buffer);
		}
		CATS_BARRIER();
		part.channels += part.outputs;
		part.out = (int8_t *)part.out + part.outputs * part.output_step * size;
		if (p->store == CATS_STORE_EMBED) {
			part.table = (const int16_t *)p->table +
				     (part.channels - p->channels) * part.output_step;
		}
	}
}

void cats_multiply(const struct cats_product *p)
{
#if CATS_FAST_ROW
	if (p->rows == 1) {
		cats_multiply_row(p);
		return;
	}
#endif
#if CATS_SIDE_BY_SIDE
	if (p->shift > 32 && !CATS_SCALED(p)) {
		cats_multiply_dsp(p);
		return;
	}
#endif
	multiply_sums(p);
}

#endif /* CATS_DSP */
