/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Rounding and saturation: doc/numerics.rst, "Requantisation". */

#ifndef CATS_REQUANTIZE_H_
#define CATS_REQUANTIZE_H_

#include <stdint.h>

#include "dsp.h"

static inline int32_t cats_sat8(int32_t v)
{
	return v < INT8_MIN ? INT8_MIN : v > INT8_MAX ? INT8_MAX : v;
}

static inline int32_t cats_sat16(int32_t v)
{
	return v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v;
}

/* As the result holds it: -32768 is CATS_OUTPUT_MISSING. */
static inline int16_t cats_result(int32_t v)
{
	v = cats_sat16(v);
	return (int16_t)(v < -INT16_MAX ? -INT16_MAX : v);
}

static inline int32_t cats_requantize_inline(int32_t v, int32_t multiplier, unsigned int shift)
{
	const int64_t product = (int64_t)v * multiplier + ((int64_t)1 << (shift - 1));
	const int64_t bound = (int64_t)1 << 30;
	int64_t result;

	if (shift >= 32) {
		return (int32_t)(product >> 32) >> (shift - 32);
	}
	result = product >> shift;
	return (int32_t)(result < -bound ? -bound : result > bound ? bound : result);
}

/*
 * (v * multiplier + 2^(shift - 1)) >> shift, exact where it lies within +-2^30, else beyond that
 * bound on the same side and still within +-2^31 - 2^16: whoever asks saturates far below.
 * multiplier 0..2^31-1, shift 1..62.
 */
#if CATS_DSP
/* product_dsp.c: the kernels have shorter ways for the shifts that are usual. */
int32_t cats_requantize(int32_t v, int32_t multiplier, unsigned int shift);
#else
static inline int32_t cats_requantize(int32_t v, int32_t multiplier, unsigned int shift)
{
	return cats_requantize_inline(v, multiplier, shift);
}
#endif

#endif /* CATS_REQUANTIZE_H_ */
