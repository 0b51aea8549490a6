/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "kernels.h"

#if CATS_DSP

/*
 * Beyond 15 octaves nothing is left of 2^14, so 15 stands for all of them. u is below 2^27, as a
 * score's columns are at most CATS_MAX_COLUMNS.
 */
CATS_INLINE int32_t weight(int32_t top, int32_t score, uint32_t multiplier)
{
	const uint32_t below = (uint32_t)(top - score);
	const uint32_t u = __usat((int32_t)(((uint64_t)below * multiplier) >> 32), 12);

	return cats_exp2[u & 255] >> (u >> 8);
}

uint32_t cats_softmax(int32_t *scores, uint16_t n, int32_t top, uint32_t multiplier)
{
	const int32_t *from = scores;
	cats_word_t *to = (cats_word_t *)scores; /* overwrites what was read before */
	uint32_t sum = 0;

	for (uint32_t j = n / 4; j != 0; j--, from += 4, to += 2) {
		const int32_t a = weight(top, from[0], multiplier);
		const int32_t b = weight(top, from[1], multiplier);
		const int32_t c = weight(top, from[2], multiplier);
		const int32_t d = weight(top, from[3], multiplier);

		to[0] = cats_pack_low(a, c);
		to[1] = cats_pack_low(b, d);
		sum += (uint32_t)(a + b + c + d);
	}
	if (n % 4 != 0) {
		int32_t rest[4] = {0};

		for (uint32_t j = 0; j < n % 4; j++) {
			rest[j] = weight(top, from[j], multiplier);
			sum += (uint32_t)rest[j];
		}
		to[0] = cats_pack_low(rest[0], rest[2]);
		to[1] = cats_pack_low(rest[1], rest[3]);
	}
	return sum;
}

#endif /* CATS_DSP */
