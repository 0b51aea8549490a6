/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef CATS_SCORE_DSP_H_
#define CATS_SCORE_DSP_H_

#include "kernels.h"

#if CATS_DSP

/*
 * Keys int8 [n][width], two at a time, times a query int16 [width] that is still to be put at y,
 * each four columns in the order 0, 2, 1, 3 and a multiple of four.
 */
CATS_INLINE struct cats_dot cats_score_dot(const struct cats_attention *a, const cats_word_t *y,
					   uint32_t width, uint32_t n)
{
	return (struct cats_dot){
		.at = a->scores,
		.rest = (int32_t)(width % 16 * 2),
		.step = (int32_t)width,
		.last = a->scores + (n & ~1u),
		.y = y,
		.end = y + width / 2,
		.sixteens = y + width / 16 * 8,
	};
}

/* The scores; where n is odd, the last key is both of two. Returns the largest. */
CATS_INLINE int32_t cats_score_pairs(const struct cats_attention *a, struct cats_dot *dot,
				     uint32_t width, uint32_t n)
{
	CATS_BARRIER();
	if (n > 1) {
		cats_dot(dot, a->key);
	}
	if (n % 2 != 0) {
		dot->step = 0;
		dot->at = a->scores + n - 1;
		dot->last = dot->at + 2; /* N is rounded up to four */
		cats_dot(dot, a->key + (n - 1) * width);
	}
	return cats_largest(a->scores, dot->last);
}

#endif /* CATS_DSP */

#endif /* CATS_SCORE_DSP_H_ */
