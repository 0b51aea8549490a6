/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Arithmetic in GF(4) = {0, 1, w, w w}, two bits an element: 1 is 1, w is 2, w w = w + 1 is 3.
 * Adding is exclusive or.
 */

#ifndef CATS_GF4_H_
#define CATS_GF4_H_

#include <cats/node.h>

/* Coefficient of column, or fragment, n. */
static inline uint32_t cats_gf4_get(const uint32_t *row, uint32_t n)
{
	return row[n / 16] >> (n % 16 * 2) & 3;
}

static inline void cats_gf4_put(uint32_t *row, uint32_t n, uint32_t coefficient)
{
	row[n / 16] |= coefficient << (n % 16 * 2);
}

/* y = 0: a word at a time, which memset() of a small library does not. */
void cats_gf4_clear(uint8_t *y, uint32_t length);
/* y += x */
void cats_gf4_add(void *y, const void *x, uint32_t length);
/* y *= w */
void cats_gf4_turn(uint8_t *y, uint32_t length);
/* y = what stands in fragments' places times their factors, of so many bytes. */
void cats_gf4_sum(const struct cats_code *code, const uint32_t *factors, uint8_t *y,
		  uint32_t length);

#endif /* CATS_GF4_H_ */
