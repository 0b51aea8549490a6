/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if CATS_DSP

/*
 * Four weights 0, 2, 1, 3 of one word become two pairs with two instructions, and all rows of the
 * block share them. One LDM brings the activations of one pair of columns for all rows, so four
 * columns of four rows take 13 instructions: 0.81 a MAC.
 */

void cats_arrange(int16_t *y, uint32_t step, uint16_t stride)
{
	(void)y;
	(void)step;
	(void)stride;
}

/* One pair of columns of all rows, from y on. */
CATS_INLINE const int16_t *add_pair(int32_t sum[CATS_MAX_BLOCK_ROWS], const int16_t *y,
				    int16x2_t weights, const uint32_t rows)
{
	register int32_t a __asm__("r8");
	register int32_t b __asm__("r9");
	register int32_t c __asm__("r10");
	register int32_t d __asm__("r11");

	if (rows == 4) {
		CATS_LOAD4(y, a, b, c, d);
		sum[3] = __smlad(d, weights, sum[3]);
	} else {
		CATS_LOAD3(y, a, b, c);
	}
	sum[0] = __smlad(a, weights, sum[0]);
	sum[1] = __smlad(b, weights, sum[1]);
	sum[2] = __smlad(c, weights, sum[2]);
	return y;
}

/* Four columns of all rows. */
CATS_INLINE const int16_t *add_four(int32_t sum[CATS_MAX_BLOCK_ROWS], const int16_t *y,
				    int8x4_t weights, const uint32_t rows)
{
	register int32_t a __asm__("r8");
	register int32_t b __asm__("r9");
	register int32_t c __asm__("r10");
	register int32_t d __asm__("r11");

	if (rows >= 3) {
		y = add_pair(sum, y, __sxtb16(weights), rows);
		return add_pair(sum, y, cats_sxtb16_odd(weights), rows);
	}
	if (rows == 2) {
		CATS_LOAD4(y, a, b, c, d);
		sum[0] = __smlad(a, __sxtb16(weights), sum[0]);
		sum[1] = __smlad(b, __sxtb16(weights), sum[1]);
		sum[0] = __smlad(c, cats_sxtb16_odd(weights), sum[0]);
		sum[1] = __smlad(d, cats_sxtb16_odd(weights), sum[1]);
		return y;
	}
	CATS_LOAD2(y, a, b);
	sum[0] = __smlad(a, __sxtb16(weights), sum[0]);
	sum[0] = __smlad(b, cats_sxtb16_odd(weights), sum[0]);
	return y;
}

/* requantize.h for a shift above 32: the low word of the product never matters. */
CATS_INLINE void requantize_high(int32_t sum[CATS_MAX_BLOCK_ROWS], int32_t multiplier,
				 uint32_t shift, const uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++) {
		sum[r] = cats_smmla(sum[r], multiplier, 1 << (shift - 33)) >> (shift - 32);
	}
}

static void __attribute__((__noinline__)) requantize_any(int32_t sum[CATS_MAX_BLOCK_ROWS],
							 int32_t multiplier, uint32_t shift)
{
	for (uint32_t r = 0; r < CATS_MAX_BLOCK_ROWS; r++) {
		sum[r] = cats_requantize(sum[r], multiplier, shift);
	}
}

CATS_INLINE void store8(int8_t *out, uint32_t row_step, const int32_t sum[CATS_MAX_BLOCK_ROWS],
			uint32_t store, const int8_t *table, const uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++, out += row_step) {
		if (store == CATS_STORE_INT8) {
			*out = (int8_t)__ssat(sum[r], 8);
		} else if (store == CATS_STORE_RELU) {
			*out = (int8_t)__usat(sum[r], 7);
		} else {
			*out = table[__ssat(sum[r], 8)];
		}
	}
}

CATS_INLINE void store16(int16_t *out, uint32_t row_step, const int32_t sum[CATS_MAX_BLOCK_ROWS],
			 uint32_t store, const int16_t *table, const uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++, out += row_step, table += row_step) {
		int32_t v = __ssat(sum[r], 16);

		if (store == CATS_STORE_INT16) {
			v = v < -INT16_MAX ? -INT16_MAX : v;
		} else if (store == CATS_STORE_ADD) {
			v = __ssat(*out + v, 16);
		} else {
			v = __ssat(sum[r] + *table, 16);
		}
		*out = (int16_t)v;
	}
}

CATS_INLINE void multiply_rows(const struct cats_product *p, const uint32_t rows)
{
	const uint32_t row_step = p->row_step;
	const uint32_t shift = p->shift;
	const int16_t *const end = p->y + (size_t)p->stride * rows;
	/* whole rounds of 16 columns */
	const int16_t *const rounds = p->y + (size_t)(p->stride & ~15u) * rows;
	const struct cats_image_channel *channel = p->channels;
	const int8_t *w = p->weights;

	for (uint32_t o = 0; o < p->outputs; o++, channel++) {
		const size_t at = (size_t)o * p->output_step;
		const int16_t *y = p->y;
		int32_t sum[CATS_MAX_BLOCK_ROWS] = {channel->bias, channel->bias, channel->bias,
						    channel->bias};

		while (y != rounds) {
			for (uint32_t i = 0; i < 16; i += 8, w += 8) {
				const struct cats_two_words eight = cats_load_two(w);

				y = add_four(sum, y, eight.low, rows);
				y = add_four(sum, y, eight.high, rows);
			}
		}
		for (; y != end; w += 4) {
			y = add_four(sum, y, *(const cats_word *)w, rows);
		}
		if (shift > 32) {
			requantize_high(sum, channel->multiplier, shift, rows);
		} else {
			int32_t copy[CATS_MAX_BLOCK_ROWS] = {sum[0], sum[1], sum[2], sum[3]};

			requantize_any(copy, channel->multiplier, shift);
			for (uint32_t r = 0; r < rows; r++) {
				sum[r] = copy[r];
			}
		}
		switch (p->store) {
		case CATS_STORE_INT8:
			store8((int8_t *)p->out + at, row_step, sum, CATS_STORE_INT8, NULL, rows);
			break;
		case CATS_STORE_RELU:
			store8((int8_t *)p->out + at, row_step, sum, CATS_STORE_RELU, NULL, rows);
			break;
		case CATS_STORE_TABLE:
			store8((int8_t *)p->out + at, row_step, sum, CATS_STORE_TABLE,
			       (const int8_t *)p->table + 128, rows);
			break;
		case CATS_STORE_INT16:
			store16((int16_t *)p->out + at, row_step, sum, CATS_STORE_INT16, NULL,
				rows);
			break;
		case CATS_STORE_ADD:
			store16((int16_t *)p->out + at, row_step, sum, CATS_STORE_ADD, NULL, rows);
			break;
		default: /* CATS_STORE_EMBED */
			store16((int16_t *)p->out + at, row_step, sum, CATS_STORE_EMBED,
				(const int16_t *)p->table + at, rows);
			break;
		}
	}
}

void cats_multiply(const struct cats_product *p)
{
	CATS_BARRIER();
	switch (p->rows) {
	case 1:
		multiply_rows(p, 1);
		break;
	case 2:
		multiply_rows(p, 2);
		break;
	case 3:
		multiply_rows(p, 3);
		break;
	default:
		multiply_rows(p, 4);
		break;
	}
	CATS_BARRIER();
}

#endif /* CATS_DSP */
