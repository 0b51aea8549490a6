/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

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

#ifndef CATS_NO_LLAMA
void cats_attend_scored(const struct cats_attention *a, int32_t top, uint16_t n, int8_t *out)
{
	const uint32_t total = cats_softmax(a->scores, n, top, a->score_multiplier);

	cats_weigh(a, ratio((uint32_t)a->value_multiplier, total), n, out);
}
#endif

void cats_attend(const struct cats_attention *a, const int8_t *query, uint16_t n, int8_t *out)
{
	const int32_t top = cats_score(a, query, n);
	const uint32_t total = cats_softmax(a->scores, n, top, a->score_multiplier);

	cats_weigh(a, ratio((uint32_t)a->value_multiplier, total), n, out);
}
