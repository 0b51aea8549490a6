/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"
#include "requantize.h"

/* round(32767 * sin(2 pi j / 256)) of the first quarter of a turn */
static const int16_t quarter[] = {
	0,     804,   1608,  2410,  3212,  4011,  4808,  5602,  6393,  7179,  7962,  8739,  9512,
	10278, 11039, 11793, 12539, 13279, 14010, 14732, 15446, 16151, 16846, 17530, 18204, 18868,
	19519, 20159, 20787, 21403, 22005, 22594, 23170, 23731, 24279, 24811, 25329, 25832, 26319,
	26790, 27245, 27683, 28105, 28510, 28898, 29268, 29621, 29956, 30273, 30571, 30852, 31113,
	31356, 31580, 31785, 31971, 32137, 32285, 32412, 32521, 32609, 32678, 32728, 32757, 32767,
};

/* Of a whole turn's 256 steps. */
static int32_t sine_at(uint32_t j)
{
	const uint32_t half = j & 127;
	const int32_t sine = quarter[half <= 64 ? half : 128 - half];

	return (j & 128) != 0 ? -sine : sine;
}

/* Q15 of an angle in 2^-24 of a turn */
static int32_t sine_of(uint32_t angle)
{
	const uint32_t j = angle >> 16;
	const int32_t from = sine_at(j);

	return from + (((sine_at(j + 1) - from) * (int32_t)(angle & 65535) + (1 << 15)) >> 16);
}

void cats_turns(struct cats_turn *to, uint32_t position, const uint32_t *turn, uint32_t pairs)
{
	for (uint32_t i = 0; i < pairs; i++) {
		const uint32_t angle = position * turn[i] >> 8;

		to[i].cos = (int16_t)sine_of(angle + (64u << 16));
		to[i].sin = (int16_t)sine_of(angle);
	}
}

/* A pair, turned: real and imaginary part, each below 1.42 * 2^30 in magnitude. */
static inline void turn_pair(const int16_t *pair, const struct cats_turn *turn, int32_t *re,
			     int32_t *im)
{
#if CATS_DSP
	const int16x2_t x = *(const cats_word_t *)pair;
	const int16x2_t angle = *(const cats_word_t *)turn;

	*re = __smusd(x, angle);
	*im = __smuadx(x, angle);
#else
	*re = pair[0] * turn->cos - pair[1] * turn->sin;
	*im = pair[0] * turn->sin + pair[1] * turn->cos;
#endif
}

void cats_turn(int16_t *head, const struct cats_turn *turns, uint32_t pairs, uint32_t shift)
{
	const int32_t half = 1 << (shift - 1);

	for (const struct cats_turn *end = turns + pairs; turns != end; turns++, head += 2) {
		int32_t re;
		int32_t im;

		turn_pair(head, turns, &re, &im);
		head[0] = (int16_t)((re + half) >> shift);
		head[1] = (int16_t)((im + half) >> shift);
	}
}

static inline int8_t narrow(int32_t v)
{
	v = (v + (1 << 21)) >> 22;
#if CATS_DSP
	return (int8_t)__ssat(v, 8);
#else
	return (int8_t)cats_sat8(v);
#endif
}

void cats_turn_key(int8_t *key, const int16_t *head, const struct cats_turn *turns, uint32_t pairs)
{
	for (const struct cats_turn *end = turns + pairs; turns != end; turns++, head += 2) {
		int32_t re;
		int32_t im;

		turn_pair(head, turns, &re, &im);
		*key++ = narrow(re);
		*key++ = narrow(im);
	}
}
