/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the products for the DSP extension share. */

#ifndef CATS_PRODUCT_DSP_H_
#define CATS_PRODUCT_DSP_H_

#include "kernels.h"

#if CATS_DSP

#if CATS_SIDE_BY_SIDE && !defined(CATS_NO_FAST_ROW)
#define CATS_FAST_ROW 1
#else
#define CATS_FAST_ROW 0
#endif

/* What the sums are made of and where they go; row_dsp.S and four_bits_dsp.S know the order. */
struct cats_sums {
	const int32_t (*last)[CATS_MAX_BLOCK_ROWS];
	int32_t (*at)[CATS_MAX_BLOCK_ROWS];
	const struct cats_image_channel *channel;
	const int16_t *begin; /* the block */
	const int16_t *whole; /* its end, but for the last columns: see cats_sums_begin() */
	const int16_t *end;
	const int8_t *scales; /* of weights of four bits; four_bits_dsp.S moves it */
};

_Static_assert(offsetof(struct cats_sums, at) == 4 && offsetof(struct cats_sums, channel) == 8 &&
		       offsetof(struct cats_sums, begin) == 12 &&
		       offsetof(struct cats_sums, whole) == 16 &&
		       offsetof(struct cats_sums, scales) == 24 &&
		       sizeof(struct cats_image_channel) == 8,
	       "row_dsp.S and four_bits_dsp.S must say the same");

_Static_assert(offsetof(struct cats_product, weights) == 0 &&
		       offsetof(struct cats_product, table) == 4 &&
		       offsetof(struct cats_product, output_step) == 8 &&
		       offsetof(struct cats_product, channels) == 12 &&
		       offsetof(struct cats_product, out) == 16 &&
		       offsetof(struct cats_product, row_step) == 20 &&
		       offsetof(struct cats_product, y) == 24 &&
		       offsetof(struct cats_product, rows) == 28 &&
		       offsetof(struct cats_product, stride) == 30 &&
		       offsetof(struct cats_product, outputs) == 32 &&
		       offsetof(struct cats_product, shift) == 34 &&
		       offsetof(struct cats_product, store) == 35,
	       "product_dsp.S and row_dsp.S must say the same");

/* Where so many rows of a product lie, and of their columns those that are taken by eights, or, of
 * four bits, in rounds of 32.
 */
CATS_INLINE void cats_sums_begin(struct cats_sums *sums, const struct cats_product *p,
				 const uint32_t rows)
{
	const uint32_t rest = p->stride % (CATS_SCALED(p) ? 32u : 8u);

	sums->begin = p->y;
	sums->end = p->y + (size_t)p->stride * rows;
	sums->whole = sums->end - rest * rows;
#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		sums->scales = p->scales;
	}
#endif
}

#if CATS_SIDE_BY_SIDE
#ifndef CATS_NO_FOUR_BITS
/* four_bits_dsp.S, for blocks of 1 to 4 rows: returns the weights behind the sums. */
typedef const int8_t *cats_sum_t(struct cats_sums *sums, const int8_t *w);
cats_sum_t cats_four_bits_1, cats_four_bits_2, cats_four_bits_3, cats_four_bits_4;
#endif

/* The same of weights of eight bits: product_dsp.c. */
const int8_t *cats_sum(const struct cats_product *p, const struct cats_sums *sums, const int8_t *w);
#endif

/* Of cats_multiply_dsp(), beside enum cats_store: sums, int32 [outputs][4]. */
#define CATS_STORE_SUMS 7

/*
 * product_dsp.S: cats_multiply() of weights that have eight bits, with a shift above 32; for
 * CATS_STORE_SUMS any shift, and steps of 1.
 */
void cats_multiply_dsp(const struct cats_product *p);

/* product_dsp.S: with a shift above 32; "weights" are sums, int32 [outputs][4]. */
void cats_finish_sums(const struct cats_product *p);

#if CATS_FAST_ROW
/* row_dsp.c: cats_multiply() of one row. */
void cats_multiply_row(const struct cats_product *p);
#endif

CATS_INLINE void store8(int8_t *out, int32_t v, const int8_t *table, const uint32_t kind)
{
	if (kind == CATS_STORE_INT8) {
		*out = (int8_t)__ssat(v, 8);
	} else if (kind == CATS_STORE_RELU) {
		*out = (int8_t)__usat(v, 7);
	} else {
		*out = table[__ssat(v, 8) + 128];
	}
}

/* other: what is added to v, of out or of a table */
CATS_INLINE void store16(int16_t *out, int32_t v, int32_t other, const uint32_t kind)
{
	if (kind == CATS_STORE_INT16) {
		/* v is one too small: so no sum comes out as INT16_MIN */
		*out = (int16_t)__qadd16(__ssat(v, 16), 1);
#ifndef CATS_NO_LLAMA
	} else if (kind == CATS_STORE_SAT16) {
		*out = (int16_t)__ssat(v, 16);
#endif
	} else if (kind == CATS_STORE_ADD) {
		*out = (int16_t)__ssat(other + __ssat(v, 16), 16);
	} else {
		*out = (int16_t)__ssat(other + v, 16);
	}
}

#endif /* CATS_DSP */

#endif /* CATS_PRODUCT_DSP_H_ */
