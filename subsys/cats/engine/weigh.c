/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if !CATS_DSP

void cats_weigh(const struct cats_attention *a, uint32_t factor, uint16_t n, int8_t *out)
{
	const cats_weight_t *weights = (const cats_weight_t *)a->scores; /* [n] */
	const int8_t *value = a->value; /* [width][n], rows value_step apart */

	for (uint16_t e = 0; e < a->width; e++, value += a->value_step) {
		int32_t sum = 0;

		for (uint16_t j = 0; j < n; j++) {
			sum += weights[j] * value[j];
		}
		out[e] = (int8_t)cats_sat8(cats_requantize(sum, (int32_t)factor, a->value_shift));
	}
}

#endif /* !CATS_DSP */
