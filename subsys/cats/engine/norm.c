/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

/* floor(log2 v), v at least 1 */
static int floor_log2(uint64_t v)
{
	const uint32_t high = (uint32_t)(v >> 32);

	return high != 0 ? 63 - __builtin_clz(high) : 31 - __builtin_clz((uint32_t)v);
}

/* floor(sqrt v), v 2^30..2^32-1: two of Newton's steps from the tangent at 2^31 */
static uint32_t square_root(uint32_t v)
{
	uint32_t root = 23171 + (uint32_t)(((uint64_t)v * 46341) >> 32); /* 6 % above at most */

	root = (root + v / root) >> 1;
	root = (root + v / root) >> 1; /* one above at most */
	return root - (v / root < root);
}

int32_t cats_inverse_deviation(uint32_t n, int32_t sum, uint32_t squares, uint32_t epsilon,
			       uint32_t *scale)
{
	const uint64_t square = (uint64_t)n * n * epsilon;
	uint64_t w = (uint64_t)n * squares - (uint64_t)((int64_t)sum * sum) + (square >> 16);
	int k;

	w = w == 0 ? 1 : w;
	k = (floor_log2(w) - 30) >> 1; /* -15..5 */
	*scale = 1u << (9 - k);
	return (int32_t)((1u << 31) /
			 square_root((uint32_t)(k >= 0 ? w >> (2 * k) : w << (-2 * k))));
}

#if !CATS_DSP

void cats_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
	       const struct cats_image_norm *gains, uint32_t epsilon)
{
	int32_t sum = 0;
	uint32_t squares = 0;
	int32_t inverse;
	uint32_t scale;

	(void)step; /* 2 */
	for (uint16_t j = 0; j < columns; j++) {
		sum += y[j];
		squares += (uint32_t)((int32_t)y[j] * y[j]);
	}
	inverse = cats_inverse_deviation(n, sum, squares, epsilon, &scale);
	for (uint16_t j = 0; j < columns; j++) {
		/* Unsigned, as t of a column that is not available may leave 32 bits. */
		const uint32_t t = (uint32_t)((int32_t)n * y[j] - sum) * scale;
		const int32_t z = (int32_t)(((int64_t)(int32_t)t * inverse + (1ll << 31)) >> 32);

		y[j] = (int16_t)cats_sat8(
			(z * gains[j].gain + gains[j].bias * (1 << 8) + (1 << 15)) >> 16);
	}
}

#endif /* !CATS_DSP */
