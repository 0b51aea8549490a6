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
/* What adds up the next sums, from weights w on, and returns the weights behind them. */
CATS_INLINE cats_sum_t *adder(const struct cats_product *p)
{
	static cats_sum_t *const sum[] = {cats_sum_1, cats_sum_2, cats_sum_3, cats_sum_4};
#ifndef CATS_NO_FOUR_BITS
	static cats_sum_t *const four_bits[] = {cats_four_bits_1, cats_four_bits_2,
						cats_four_bits_3, cats_four_bits_4};

	if (p->scales != NULL) {
		return four_bits[p->rows - 1];
	}
#endif
	return sum[p->rows - 1];
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

/* What one batch of sums becomes. */
struct target {
	const struct cats_image_channel *channel;
	const struct cats_image_channel *end;
	void *out;        /* of the first row; elements of one or two bytes */
	uint32_t rows[3]; /* elements from there to the other rows; 0 beyond the block */
};

/*
 * Four sums of one output, requantised. requantize.h for a shift above 32, less 32: the low word of
 * the product never matters.
 */
#define TAKE_SUMS(sums, multiplier, half, shift, a, b, c, d)                                       \
	do {                                                                                       \
		CATS_LOAD4(sums, a, b, c, d);                                                      \
		a = cats_smmla(a, multiplier, half) >> (shift);                                    \
		b = cats_smmla(b, multiplier, half) >> (shift);                                    \
		c = cats_smmla(c, multiplier, half) >> (shift);                                    \
		d = cats_smmla(d, multiplier, half) >> (shift);                                    \
	} while (0)

/*
 * kind is a constant. Rows beyond the block are stored where the first row comes to stand after
 * them.
 */
CATS_INLINE void finish8(const struct cats_product *p, const struct target *t, const void *sums,
			 const uint32_t kind)
{
	register int32_t a __asm__("r8");
	register int32_t b __asm__("r9");
	register int32_t c __asm__("r10");
	register int32_t d __asm__("r11");
	const int32_t *channel = &t->channel->multiplier; /* every second word */
	const int32_t *const end = &t->end->multiplier;
	const int8_t *const table = p->table;
	const uint32_t shift = p->shift - 32u;
	const int32_t half = 1 << (shift - 1);
	const uint32_t row1 = t->rows[0];
	const uint32_t row2 = t->rows[1];
	const uint32_t row3 = t->rows[2];
	uint32_t output_step = p->output_step;
	int8_t *out = t->out;

	do {
		const int32_t multiplier = *channel;

		__asm__("" : "+r"(output_step)); /* no second loop for a step of one */

		TAKE_SUMS(sums, multiplier, half, shift, a, b, c, d);
		store8(out + row3, d, table, kind);
		store8(out + row2, c, table, kind);
		store8(out + row1, b, table, kind);
		store8(out, a, table, kind);
		out += output_step;
		channel += sizeof(*t->channel) / sizeof(*channel);
	} while (channel != end);
}

CATS_INLINE void finish16(const struct cats_product *p, const struct target *t, const void *sums,
			  const uint32_t kind)
{
	register int32_t a __asm__("r8");
	register int32_t b __asm__("r9");
	register int32_t c __asm__("r10");
	register int32_t d __asm__("r11");
	const struct cats_image_channel *channel = t->channel;
	const struct cats_image_channel *const end = t->end;
	const uint32_t shift = p->shift - 32u;
	const int32_t half = (kind == CATS_STORE_INT16 ? -1 : 1) * (1 << (shift - 1));
	const uint32_t row1 = t->rows[0];
	const uint32_t row2 = t->rows[1];
	const uint32_t row3 = t->rows[2];
	uint32_t output_step = p->output_step;
	int16_t *out = t->out;
	const int16_t *from = out;

	if (kind == CATS_STORE_EMBED) {
		from = (const int16_t *)p->table + (out - (int16_t *)p->out);
	}
	do {
		const int32_t multiplier = channel->multiplier;
		const int32_t first = *from;

		__asm__("" : "+r"(output_step));
		TAKE_SUMS(sums, multiplier, half, shift, a, b, c, d);
		store16(out + row3, d, from[row3], kind);
		store16(out + row2, c, from[row2], kind);
		store16(out + row1, b, from[row1], kind);
		store16(out, a, first, kind);
		out += output_step;
		from += output_step;
		channel++;
	} while (channel != end);
}

static void __attribute__((__noinline__)) finish(const struct cats_product *p,
						 const struct target *t, const void *sums)
{
	switch (p->store) {
	case CATS_STORE_INT8:
		finish8(p, t, sums, CATS_STORE_INT8);
		break;
	case CATS_STORE_RELU:
		finish8(p, t, sums, CATS_STORE_RELU);
		break;
	case CATS_STORE_TABLE:
		finish8(p, t, sums, CATS_STORE_TABLE);
		break;
	case CATS_STORE_INT16:
		finish16(p, t, sums, CATS_STORE_INT16);
		break;
	case CATS_STORE_ADD:
		finish16(p, t, sums, CATS_STORE_ADD);
		break;
#ifndef CATS_NO_LLAMA
	case CATS_STORE_SAT16:
		finish16(p, t, sums, CATS_STORE_SAT16);
		break;
#endif
	default:
		finish16(p, t, sums, CATS_STORE_EMBED);
		break;
	}
}

/* The same for any shift. */
static void __attribute__((__noinline__)) finish_any(const struct cats_product *p,
						     const struct target *t, const void *sums)
{
	const int32_t (*sum)[CATS_MAX_BLOCK_ROWS] = sums;
	const struct cats_image_channel *channel = t->channel;
	const uint32_t kind = p->store;

	for (size_t output = 0; channel != t->end; output += p->output_step, channel++, sum++) {
		for (uint32_t r = 0; r < p->rows; r++) {
			const int32_t v = cats_requantize((*sum)[r], channel->multiplier, p->shift);
			const size_t at = output + r * p->row_step;
			int16_t *const out = (int16_t *)t->out + at;

			if (kind <= CATS_STORE_TABLE) {
				store8((int8_t *)t->out + at, v, p->table, kind);
			} else if (kind == CATS_STORE_EMBED) {
				store16(out, v,
					((const int16_t *)p->table)[out - (int16_t *)p->out], kind);
			} else {
				store16(out, v - (kind == CATS_STORE_INT16), *out, kind);
			}
		}
	}
}

void cats_multiply(const struct cats_product *p)
{
	const struct cats_image_channel *const end = p->channels + p->outputs;
#if CATS_SIDE_BY_SIDE
	cats_sum_t *const add_up = adder(p);
#endif
	const int8_t *w = p->weights;
	int32_t buffer[BATCH][CATS_MAX_BLOCK_ROWS];
	struct target t;
	struct cats_sums sums;

#if CATS_FAST_ROW
	if (p->rows == 1) {
		cats_multiply_row(p);
		return;
	}
#endif
	/* One by one: what is set below needs no zero before. */
	t.channel = p->channels;
	t.out = p->out;
	t.rows[0] = p->row_step;
	t.rows[1] = p->row_step * 2;
	t.rows[2] = p->row_step * 3;
	for (uint32_t r = CATS_MAX_BLOCK_ROWS - 1; r >= p->rows; r--) {
		t.rows[r - 1] = 0;
	}
	cats_sums_begin(&sums, p, p->rows);
	while (t.channel != end) {
		t.end = end - t.channel > BATCH ? t.channel + BATCH : end;
		sums.channel = t.channel;
		sums.at = buffer;
		sums.last = buffer + (t.end - t.channel);
		CATS_BARRIER();
#if CATS_SIDE_BY_SIDE
		w = add_up(&sums, w);
#else
		w = add_up(p, &sums, w);
#endif
		if (p->shift > 32) {
			finish(p, &t, buffer);
		} else {
			finish_any(p, &t, buffer);
		}
		if (t.end == end) {
			break;
		}
		t.channel = t.end;
		t.out = (int8_t *)t.out +
			BATCH * p->output_step * (p->store <= CATS_STORE_TABLE ? 1 : 2);
	}
	CATS_BARRIER();
}

#endif /* CATS_DSP */
