/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The arithmetic of Llama models beside that of kernels.h: doc/numerics-llama.rst defines every bit
 * of it.
 */

#ifndef CATS_LLAMA_KERNELS_H_
#define CATS_LLAMA_KERNELS_H_

#include <stdint.h>

#include "kernels.h"

/*
 * rms_norm.c: normalise a row of int8 values y [columns] in place, to -1023..1023. n of them,
 * 1..4096, are available, the others hold 0 and keep it. gains: where a layer norm has a bias, the
 * shift c of the column, 0..3. step as in kernels.h.
 */
void cats_rms_norm(int16_t *y, uint32_t step, uint16_t columns, uint16_t n,
		   const struct cats_image_norm *gains, uint32_t epsilon);

/* Cosine and sine of an angle, Q15. One word, the cosine in its low half. */
struct cats_turn {
	int16_t cos;
	int16_t sin;
};

/* rotary.c: angles of all pairs of columns of a head at a position: turn, to [pairs]. */
void cats_turns(struct cats_turn *to, uint32_t position, const uint32_t *turn, uint32_t pairs);

/* To what cats_turn() shifts. */
#define CATS_TURN_QUERY 20
#define CATS_TURN_WIDE_KEY 18

/* rotary.c: turn a query or a wide key, int16 [2 * pairs], in place. */
void cats_turn(int16_t *head, const struct cats_turn *turns, uint32_t pairs, uint32_t shift);

/* rotary.c: turn a key, int16 [2 * pairs], to int8. key may begin where head does. */
void cats_turn_key(int8_t *key, const int16_t *head, const struct cats_turn *turns, uint32_t pairs);

/*
 * score_turned.c: cats_score() of a turned query, int16 [width], width even; and of wide keys as
 * well, which are int16 at a->key. Both at a multiple of four bytes.
 */
int32_t cats_score_turned(const struct cats_attention *a, const int16_t *query, uint32_t n);
int32_t cats_score_wide(const struct cats_attention *a, const int16_t *query, uint32_t n);

/* attention.c: what cats_attend() does behind its scores, of which top is the largest. */
void cats_attend_scored(const struct cats_attention *a, int32_t top, uint16_t n, int8_t *out);

/* The middle of a gated feed-forward, of one block. */
struct cats_gate {
	const int16_t *table; /* [257] the activation, at every 256th value of the gate */
	int32_t multiplier;   /* 1..2^31-1 */
	uint8_t shift;        /* 1..62 */
};

/* gate.c: hidden columns, int8 [n], of gates and ups, int16 [n]. to may begin where gate does. */
void cats_gated(const struct cats_gate *g, int8_t *to, const int16_t *gate, const int16_t *up,
		uint32_t n);

#endif /* CATS_LLAMA_KERNELS_H_ */
