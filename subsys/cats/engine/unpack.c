/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "kernels.h"
#include "requantize.h"

#if !CATS_DSP

void cats_unpack(int16_t *y, uint32_t step, uint32_t column, const int8_t *from, uint32_t n)
{
	(void)step; /* 2 */
	y += column;
	for (uint32_t j = 0; j < n; j++) {
		y[j] = from[j];
	}
}

void cats_unpack_residual(int16_t *y, uint32_t step, uint32_t column, const int16_t *from,
			  uint32_t n, int32_t multiplier, uint32_t shift)
{
	(void)step; /* 2 */
	y += column;
	for (uint32_t j = 0; j < n; j++) {
		y[j] = (int16_t)cats_sat8(cats_requantize(from[j], multiplier, shift));
	}
}

void cats_pick_residual(int8_t *to, const int16_t *from, const uint16_t *columns, uint32_t n,
			int32_t multiplier, uint32_t shift)
{
	for (uint32_t i = 0; i < n; i++) {
		to[i] = (int8_t)cats_sat8(cats_requantize(from[columns[i]], multiplier, shift));
	}
}

void cats_unpack_zeros(int16_t *y, uint32_t step, uint32_t column, uint32_t n)
{
	(void)step; /* 2 */
	memset(y + column, 0, n * sizeof(*y));
}

#endif /* !CATS_DSP */
