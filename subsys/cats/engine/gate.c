/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "llama_kernels.h"
#include "requantize.h"

/* The activation of a gate. */
static inline int32_t activate(const int16_t *table, int32_t gate)
{
	const int16_t *at = table + (gate >> 8) + 128;

#if CATS_DSP
	/* at[0] * (256 - f) + at[1] * f: the same before it is shifted */
	return __smlad(cats_load(at), (gate & 255) * 65535 + 256, 1 << 7) >> 8;
#else
	return at[0] + (((at[1] - at[0]) * (gate & 255) + (1 << 7)) >> 8);
#endif
}

void cats_gated(const struct cats_gate *g, int8_t *to, const int16_t *gate, const int16_t *up,
		uint32_t n)
{
	const int16_t *const table = g->table;
	const int16_t *const end = gate + n;

#if CATS_DSP
	if (g->shift > 32) {
		/* The low word of the product never matters: requantize.h. */
		const int32_t multiplier = g->multiplier;
		const uint32_t shift = g->shift - 32u;
		const int32_t half = 1 << (shift - 1);

		while (gate != end) {
			const int32_t v = activate(table, *gate++) * *up++;

			*to++ = (int8_t)__ssat(cats_smmla(v, multiplier, half) >> shift, 8);
		}
		return;
	}
#endif
	while (gate != end) {
		const int32_t v = activate(table, *gate++) * *up++;

		*to++ = (int8_t)cats_sat8(cats_requantize(v, g->multiplier, g->shift));
	}
}
