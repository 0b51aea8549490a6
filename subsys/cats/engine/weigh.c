/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if !CATS_DSP

void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out)
{
	const int64_t half = (int64_t)1 << (a->value_shift - 1);
	const cats_weight_t *weights = (const cats_weight_t *)a->scores; /* [n] */
	const int8_t *value = a->value; /* [width][n], rows value_step apart */

	for (uint16_t e = 0; e < a->width; e++, value += a->value_step) {
		int32_t sum = 0;
		int64_t scaled;

		for (uint16_t j = 0; j < n; j++) {
			sum += weights[j] * value[j];
		}
		scaled = ((int64_t)sum * factor + half) >> a->value_shift;
		out[e] = (int8_t)(scaled < INT8_MIN   ? INT8_MIN
				  : scaled > INT8_MAX ? INT8_MAX
						      : scaled);
	}
}

#endif /* !CATS_DSP */
