/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"

#if !CATS_DSP

#define LARGEST 1023

void cats_rms_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
		   const struct cats_image_norm *gains, uint32_t epsilon)
{
	uint32_t squares = 0;
	uint32_t scale;
	int32_t inverse;

	(void)step; /* 2 */
	for (uint16_t j = 0; j < columns; j++) {
		y[j] = (int16_t)(y[j] * (1 << gains[j].bias));
		squares += (uint32_t)((int32_t)y[j] * y[j]);
	}
	inverse = cats_inverse_deviation(n, 0, squares, epsilon, &scale);
	for (uint16_t j = 0; j < columns; j++) {
		const int32_t t = (int32_t)n * y[j] * (int32_t)scale;
		const int32_t z = (int32_t)(((int64_t)t * inverse + (1ll << 31)) >> 32);
		const int32_t v = (z * gains[j].gain + (1 << 12)) >> 13;

		y[j] = (int16_t)(v < -LARGEST ? -LARGEST : v > LARGEST ? LARGEST : v);
	}
}

#endif /* !CATS_DSP */
