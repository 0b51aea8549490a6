/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Arithmetic in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d). Adding is exclusive or. */

#include <cats/gather.h>

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0));
}

uint8_t cats_gf_multiply(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1) {
			product ^= a;
		}
		a = twice(a);
	}
	return product;
}

uint8_t cats_gf_invert(uint8_t a)
{
	uint8_t power = a;
	uint8_t inverse = 1;

	/* a^254: the product of a^2, a^4, ... a^128. */
	for (int i = 0; i < 7; i++) {
		power = cats_gf_multiply(power, power);
		inverse = cats_gf_multiply(inverse, power);
	}
	return inverse;
}

uint8_t cats_coefficient(uint8_t index, uint8_t fragment)
{
	/* x = 128 + index and y = fragment never meet, so no sum is zero. */
	return cats_gf_invert((uint8_t)(0x80 + index) ^ fragment);
}

void cats_gf_add(uint8_t *y, const uint8_t *x, uint8_t factor, uint16_t length)
{
	/* factor * 0..15 and factor * 0x00, 0x10 .. 0xf0: any product is the sum of one of each */
	uint8_t low[16];
	uint8_t high[16];
	uint8_t top = cats_gf_multiply(factor, 0x10);

	low[0] = 0;
	high[0] = 0;
	for (int i = 1; i < 16; i++) {
		low[i] = twice(low[i / 2]) ^ (i & 1 ? factor : 0);
		high[i] = twice(high[i / 2]) ^ (i & 1 ? top : 0);
	}
	for (uint32_t i = 0; i < length; i++) {
		y[i] ^= low[x[i] & 15] ^ high[x[i] >> 4];
	}
}

void cats_gf_scale(uint8_t *y, uint8_t factor, uint16_t length)
{
	cats_gf_add(y, y, factor ^ 1, length); /* y + (factor + 1) y */
}
