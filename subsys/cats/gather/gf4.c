/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Arithmetic in GF(4), four elements a byte: gf4.h. A coded frame spends most of its time here. */

#include "gf4.h"

/* Words at any address. */
struct loose_word {
	uint32_t word;
} __attribute__((__packed__, __may_alias__));

/* A word at a time, which memset() of a small library does not. */
void cats_gf4_clear(uint8_t *y, uint32_t length)
{
	for (; length >= 4; length -= 4, y += 4) {
		((struct loose_word *)y)->word = 0;
	}
	for (; length != 0; length--) {
		*y++ = 0;
	}
}

/* y += x */
void cats_gf4_add(void *y, const void *x, uint32_t length)
{
	struct loose_word *to = y;
	const struct loose_word *from = x;
	struct loose_word *end = to + (length & ~15u) / 4;
	uint8_t *byte;

	for (; to != end; to += 4, from += 4) {
		to[0].word ^= from[0].word;
		to[1].word ^= from[1].word;
		to[2].word ^= from[2].word;
		to[3].word ^= from[3].word;
	}
	byte = (uint8_t *)to;
	for (uint32_t i = 0; i < (length & 15); i++) {
		byte[i] ^= ((const uint8_t *)from)[i];
	}
}

/* y += the sum of fragments: most of the time is spent here. */
static void add_all(uint8_t *y, const uint8_t *const *from, const uint8_t *const *end,
		    uint32_t length)
{
	uint32_t at = 0;

	for (; at + 16 <= length; at += 16) {
		struct loose_word *to = (struct loose_word *)(y + at);
		uint32_t a = to[0].word;
		uint32_t b = to[1].word;
		uint32_t c = to[2].word;
		uint32_t d = to[3].word;

		for (const uint8_t *const *p = from; p != end; p++) {
			const struct loose_word *x = (const struct loose_word *)(*p + at);

			a ^= x[0].word;
			b ^= x[1].word;
			c ^= x[2].word;
			d ^= x[3].word;
		}
		to[0].word = a;
		to[1].word = b;
		to[2].word = c;
		to[3].word = d;
	}
	for (; at + 4 <= length; at += 4) {
		uint32_t a = ((struct loose_word *)(y + at))->word;

		for (const uint8_t *const *p = from; p != end; p++) {
			a ^= ((const struct loose_word *)(*p + at))->word;
		}
		((struct loose_word *)(y + at))->word = a;
	}
	for (; at < length; at++) {
		uint8_t a = y[at];

		for (const uint8_t *const *p = from; p != end; p++) {
			a ^= (*p)[at];
		}
		y[at] = a;
	}
}

/* Elements of a word times w: w (a w + b) = (a + b) w + a. */
static uint32_t turned(uint32_t x)
{
	return (x >> 1 & 0x55555555) | ((x ^ x << 1) & 0xaaaaaaaa);
}

/* y *= w */
void cats_gf4_turn(uint8_t *y, uint32_t length)
{
	for (; length >= 4; length -= 4, y += 4) {
		((struct loose_word *)y)->word = turned(((struct loose_word *)y)->word);
	}
	for (; length != 0; length--, y++) {
		*y = (uint8_t)turned(*y);
	}
}

/* What stands in fragments' places times their factors, to y, of so many bytes. */
void cats_gf4_sum(const struct cats_code *code, const uint32_t *factors, uint8_t *y,
		  uint32_t length)
{
	const uint8_t *whole[CATS_MAX_CODED_FRAGMENTS];

	cats_gf4_clear(y, length);
	for (uint32_t factor = 3;; factor--) {
		const uint8_t **end = whole;
		uint32_t n = 0;

		for (uint32_t word = 0; n < code->total; word++) {
			uint32_t left = factors[word];

			for (; left != 0; left >>= 2, n++) {
				if ((left & 3) != factor) {
					continue;
				}
				if (code->size[n] >= length) {
					*end++ = code->place[n];
				} else {
					cats_gf4_add(y, code->place[n], code->size[n]);
				}
			}
			n = 16 * word + 16;
		}
		add_all(y, whole, end, length);
		if (factor == 1) {
			return;
		}
		cats_gf4_turn(y, length); /* w (w x + y) + z, for 3 is w w */
	}
}
