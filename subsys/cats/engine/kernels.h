/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The arithmetic, one kernel a file: doc/numerics.rst defines every bit of it. x_dsp.c beside x.c
 * holds the same functions for cores with the DSP extension. A build names both files: by CATS_DSP
 * (dsp.h) one of the two is empty. Nothing here knows a gather or checks an argument.
 */

#ifndef CATS_KERNELS_H_
#define CATS_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#include "dsp.h"

/*
 * A block of 1..CATS_MAX_BLOCK_ROWS rows is int16 [rows * stride]. Column j of a row that begins at
 * y stands at y[j / 2 * step + j % 2]: row after row in portable C, where step is 2; pair beside
 * pair of all rows for the DSP kernels, so that one instruction loads the same columns of all rows.
 */
static inline uint32_t cats_row_step(uint32_t rows)
{
	return CATS_SIDE_BY_SIDE ? 2 * rows : 2;
}

/* Where a row of a block begins. */
static inline int16_t *cats_row(int16_t *block, uint32_t row, uint32_t stride)
{
	return block + row * (CATS_SIDE_BY_SIDE ? 2 : stride);
}

/* unpack.c: put n values into a row from a column on. step as above. */
void cats_unpack(int16_t *y, uint32_t step, uint32_t column, const int8_t *from, uint32_t n);

/* unpack.c: the same of a residual, requantised and saturated to int8. */
void cats_unpack_residual(int16_t *y, uint32_t step, uint32_t column, const int16_t *from,
			  uint32_t n, int32_t multiplier, uint32_t shift);

/* unpack.c: some columns of a residual, requantised and saturated to int8, one behind the other. */
void cats_pick_residual(int8_t *to, const int16_t *from, const uint16_t *columns, uint32_t n,
			int32_t multiplier, uint32_t shift);

/* unpack.c: put n zeros into a row from a column on. */
void cats_unpack_zeros(int16_t *y, uint32_t step, uint32_t column, uint32_t n);

/* Where the results of a product go. out[r][o] stands at out + r * row_step + o * output_step. */
enum cats_store {
	CATS_STORE_INT8 = 0,  /* int8: sat8 */
	CATS_STORE_RELU = 1,  /* int8: 0..127 */
	CATS_STORE_TABLE = 2, /* int8: table[sat8 + 128], table int8 [256] */
	CATS_STORE_INT16 = 3, /* int16: sat16, but never CATS_OUTPUT_MISSING */
	CATS_STORE_ADD = 4,   /* int16: sat16(what stands there + sat16) */
	CATS_STORE_EMBED = 5, /* int16: sat16(table + product), table int16 as out, steps too */
	CATS_STORE_SAT16 = 6, /* int16: sat16; for Llama models */
};

/* Columns of weights of four bits that share a scale, and how many such groups a row has. */
#define CATS_SCALE_GROUP 32

static inline uint32_t cats_scale_groups(uint32_t stride)
{
	return (stride + CATS_SCALE_GROUP - 1) / CATS_SCALE_GROUP;
}

/* out[r][o] = requantize(bias[o] + sum over j of y[r][j] * weights[o][j])
 * product_dsp.S and row_dsp.S know the order.
 */
struct cats_product {
	const int8_t *weights; /* [outputs][stride], in the order of the image */
	const void *table;
	uint32_t output_step;                      /* elements */
	const struct cats_image_channel *channels; /* [outputs] */
	void *out;
	uint32_t row_step; /* elements */
	/* A block as cats_arrange() left each row: int8 range, or +-1023 behind an RMS norm. */
	const int16_t *y;
	uint16_t rows;   /* 1..CATS_MAX_BLOCK_ROWS */
	uint16_t stride; /* a multiple of 4 */
	uint16_t outputs;
	uint8_t shift;
	uint8_t store; /* enum cats_store */
#ifndef CATS_NO_FOUR_BITS
	/*
	 * NULL, or scales of weights of four bits: int8 [outputs][groups of a row]. Then the stride
	 * is a multiple of 8, and weights are [outputs][stride / 2], words as the image has them.
	 */
	const int8_t *scales;
#endif
};

/* Has the product p weights of four bits? */
#ifdef CATS_NO_FOUR_BITS
#define CATS_SCALED(p) 0
#else
#define CATS_SCALED(p) ((p)->scales != NULL)
#endif

/* Go on behind the first outputs. */
static inline void cats_skip_outputs(struct cats_product *p, uint32_t outputs)
{
	p->channels += outputs;
	p->weights += outputs * (CATS_SCALED(p) ? p->stride / 2u : p->stride);
#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		p->scales += outputs * cats_scale_groups(p->stride);
	}
#endif
}

/* product.c */
void cats_multiply(const struct cats_product *p);

#if !CATS_SIDE_BY_SIDE
/* four_bits.c: the sums of one output, bias included: total [rows]. */
void cats_sum_four_bits(const struct cats_product *p, uint32_t output, int32_t *total);
#endif

/*
 * product.c: bring a row of a block from natural order into the one that cats_multiply() reads. In
 * turns, from row 0 on.
 */
void cats_arrange(int16_t *block, uint32_t row, uint16_t stride);

/*
 * norm.c: normalise a row of int8 values y [columns] in place. n of them are available, the others
 * hold 0 and are garbage afterwards.
 */
void cats_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
	       const struct cats_image_norm *gains, uint32_t epsilon);

/*
 * norm.c: of n values with that sum and sum of squares, "inv" of doc/numerics.rst and 2^(9 - k) in
 * scale.
 */
int32_t cats_inverse_deviation(uint32_t n, int32_t sum, uint32_t squares, uint32_t epsilon,
			       uint32_t *scale);

/* A weight of the attention, 0..2^14. It takes the place of a score, hence the attribute. */
typedef int16_t __attribute__((__may_alias__)) cats_weight_t;

/*
 * softmax.c: scores int32 [n] become weights [n] from the same address on, top being the
 * largest score. The DSP kernels order each four weights 0, 2, 1, 3 and add zeros up to a multiple
 * of four. Returns the sum of the weights, at least 2^14.
 */
uint32_t cats_softmax(int32_t *scores, uint16_t n, int32_t top, uint32_t multiplier);

/* softmax.c: round(2^14 * 2^(-i / 256)) */
extern const uint16_t cats_exp2[256];

/* One head. Row steps in bytes. */
struct cats_attention {
	const int8_t *key;   /* [N][width] */
	const int8_t *value; /* [width][N rounded up to 4] */
	int32_t *scores;     /* [N rounded up to 4] */
	uint32_t score_multiplier;
	int32_t value_multiplier;
	uint16_t value_step; /* N rounded up to 4 */
	uint8_t value_shift;
	uint16_t width; /* E */
};

/* score.c: scores of one row, n of them. Returns the largest. */
int32_t cats_score(const struct cats_attention *a, const int8_t *query, uint16_t n);

/* weigh.c: out int8 [width] from weights as cats_softmax() left them, n of them. factor below 2^31.
 */
void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out);

/* attention.c: the three above. query and out int8 [width], which may be the same place. */
void cats_attend(const struct cats_attention *a, const int8_t *query, uint16_t n, int8_t *out);

#endif /* CATS_KERNELS_H_ */
