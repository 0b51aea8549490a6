/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"
#include "requantize.h"

#if !CATS_DSP

/* floor(v * 2^14 / total), v below 2^31, total 2^14..2^24-1: digits of 7 bits fit 32. */
static uint32_t ratio(uint32_t v, uint32_t total)
{
	uint32_t quotient = v / total;
	uint32_t rest = v % total;

	for (int i = 0; i < 2; i++) {
		rest <<= 7;
		quotient = (quotient << 7) + rest / total;
		rest %= total;
	}
	return quotient;
}

void cats_attend(const struct cats_attention *a, const int8_t *query, uint16_t n, int8_t *out)
{
	const uint16_t width = a->width;
	const int64_t half = (int64_t)1 << (a->value_shift - 1);
	int32_t *scores = a->scores; /* [n] */
	const cats_weight_t *weights = (const cats_weight_t *)scores;
	const int8_t *key = a->key;     /* [n][width] */
	const int8_t *value = a->value; /* [width][n], rows value_step apart */
	int32_t top = INT32_MIN;
	uint32_t factor;

	for (uint16_t j = 0; j < n; j++, key += width) {
		int32_t score = 0;

		for (uint16_t e = 0; e < width; e++) {
			score += query[e] * key[e];
		}
		scores[j] = score;
		top = score > top ? score : top;
	}
	factor = ratio((uint32_t)a->value_multiplier,
		       cats_softmax(scores, n, top, a->score_multiplier));
	for (uint16_t e = 0; e < width; e++, value += a->value_step) {
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
