/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Exchanges over several hops: the plan's turns, and what a node has of all sources' fragments:
 * doc/protocol.rst, "Hops".
 *
 * Fragments of an exchange are numbered through, source by source. A row is an equation over them:
 * its coefficients in GF(4), two bits each, and its content, in whose bytes four elements stand as
 * well. Row n stands in the place of fragment n, whose coefficient is 1 in it and 0 in all others
 * (reduced row echelon form); where all of its others are 0 too, its content is the fragment. A
 * row's pivot is the longest of its fragments, so it has no byte behind that, and needs no other
 * room than the fragment's.
 */

#include <string.h>

#include "node_internal.h"

_Static_assert(CATS_HOP_WORDS * 16 == CATS_MAX_HOP_FRAGMENTS, "two bits for each fragment");

/* Bytes of a row's coefficients. */
#define ROW_BYTES (CATS_HOP_WORDS * sizeof(uint32_t))

/* Words at any address. */
struct loose_word {
	uint32_t word;
} __attribute__((__packed__, __may_alias__));

/* Coefficient of fragment n. */
static uint32_t get(const uint32_t *row, uint32_t n)
{
	return row[n / 16] >> (n % 16 * 2) & 3;
}

static void put(uint32_t *row, uint32_t n, uint32_t coefficient)
{
	row[n / 16] |= coefficient << (n % 16 * 2);
}

/* y += x: most of the time is spent here. */
static void add(void *y, const void *x, uint32_t length)
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

/* Elements of a word times w: w (a w + b) = (a + b) w + a. */
static uint32_t turned(uint32_t x)
{
	return (x >> 1 & 0x55555555) | ((x ^ x << 1) & 0xaaaaaaaa);
}

/* y *= w */
static void turn(uint8_t *y, uint32_t length)
{
	for (; length >= 4; length -= 4, y += 4) {
		((struct loose_word *)y)->word = turned(((struct loose_word *)y)->word);
	}
	for (; length != 0; length--, y++) {
		*y = (uint8_t)turned(*y);
	}
}

/* The same of a row: v, and so much content y. */
static void turn_row(uint32_t *v, uint8_t *y, uint32_t length)
{
	turn((uint8_t *)v, ROW_BYTES);
	turn(y, length);
}

/* Add all rows that there are, times their factors, to a row; or, @p out, that one to all. */
static void mix(const struct cats_hop *h, const uint32_t *factors, uint32_t *v, uint8_t *y,
		uint32_t length, bool out)
{
	for (uint32_t part = 2; part != 0; part--) { /* what is times w, then what is not */
		if (out) {
			turn_row(v, y, length);
		}
		for (uint32_t n = 0; n < h->total; n++) {
			uint32_t *row = (uint32_t *)h->row[n];

			if ((get(factors, n) & part) == 0 || get(row, n) == 0) {
				continue;
			}
			if (out) {
				add(row, v, ROW_BYTES);
				add(h->place[n], y, length);
			} else {
				add(v, row, ROW_BYTES);
				add(y, h->place[n], h->size[n] < length ? h->size[n] : length);
			}
		}
		if (part == 2) {
			turn_row(v, y, length); /* w w w = 1 */
		}
	}
}

uint32_t cats_hop_slot(const struct cats_image *image, uint8_t gather, uint8_t source,
		       uint32_t turn)
{
	const struct cats_image_hop *hop = cats_hops(image) + gather;
	const uint8_t *list = image->base + hop->list;
	uint32_t slot = 0;

	while (slot < hop->slots && (list[slot] != source || turn-- != 0)) {
		slot++;
	}
	return slot;
}

void cats_hop_enter(struct cats_node *node)
{
	uint8_t *at = (uint8_t *)node->config.arena + node->gather->tile[node->x.tile & 1];
	struct cats_hop *h = &node->hop;

	memset(h, 0, sizeof(*h));
	for (uint32_t s = 0; s < nodes_of(node); s++) {
		uint16_t count = fragments_of(node, s);

		for (uint32_t f = 0; f < count; f++) {
			uint16_t size = cats_fragment_size(image_of(node), node->x, s, f);

			h->place[h->total] = at;
			h->size[h->total++] = (uint8_t)size;
			h->width = size > h->width ? (uint8_t)size : h->width;
			at += s != self_of(node) ? size : 0;
		}
	}
	if ((h->total + 3) / 4 + h->width > cats_hops(image_of(node))[node->x.gather].size) {
		h->total = 0; /* no room in a frame: the exporter's bug */
	}
}

/* This node's own fragments stand elsewhere, once they are made. Whether what is given can be told
 * from them: nobody has one that is not made.
 */
static bool own(struct cats_node *node, const uint32_t *given)
{
	struct cats_hop *h = &node->hop;
	uint32_t n = cats_slot_first(image_of(node), node->x, self_of(node));
	uint16_t count = fragments_of(node, self_of(node));
	uint16_t size;

	for (uint32_t f = 0; f < count; f++, n++) {
		if (node->produced != 0) {
			h->place[n] =
				(uint8_t *)cats_engine_fragment(&node->engine, node->x, f, &size);
			put(h->row[n], n, 1);
		} else if (get(given, n) != 0) {
			return false;
		}
	}
	return true;
}

/* A sum of what is there. */
static void collect(const struct cats_hop *h, const uint32_t *factors, uint32_t *v, uint8_t *y,
		    uint32_t length)
{
	memset(y, 0, length);
	memset(v, 0, ROW_BYTES);
	mix(h, factors, v, y, length, false);
}

void cats_hop_build(struct cats_node *node, struct cats_frame *frame, uint8_t *payload)
{
	struct cats_hop *h = &node->hop;
	uint32_t random =
		(uint32_t)node->number << 16 ^ node->key ^ frame->slot << 8 ^ self_of(node);
	uint32_t bytes = (h->total + 3u) / 4;
	uint32_t factors[CATS_HOP_WORDS] = {0};
	uint32_t v[CATS_HOP_WORDS];

	own(node, factors);
	for (uint32_t n = 0; n < h->total; n++) {
		random = random * 1664525 + 1013904223;
		put(factors, n, 1 + (random >> 16) % 3);
	}
	frame->length = cats_hops(image_of(node))[node->x.gather].size;
	collect(h, factors, v, payload + bytes, frame->length - bytes);
	memcpy(payload, v, bytes);
}

/* Whether a row has no other fragment than n. */
static bool alone(const uint32_t *row, uint32_t n)
{
	uint32_t others = 0;

	for (uint32_t i = 0; i < CATS_HOP_WORDS; i++) {
		others |= row[i] ^ (i == n / 16 ? 1u << (n % 16 * 2) : 0);
	}
	return others == 0;
}

/* Fragments that were not there before may be: rows of nothing else. */
static void mark(struct cats_node *node, uint32_t *counter)
{
	struct cats_reception *r = current_of(node);
	const uint32_t *row = node->hop.row[0];
	uint32_t n = 0;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		uint16_t count = fragments_of(node, s);

		for (uint32_t f = 0; f < count; f++, n++, row += CATS_HOP_WORDS) {
			if (s != self_of(node) && !cats_has(&r->available, s, f) && alone(row, n)) {
				r->available.bits[s][f / 8] |= (uint8_t)(1 << (f % 8));
				r->lack[s]--;
				r->lacking--;
				(*counter)++;
				node->quiet[s] = 0; /* whoever passed it on */
				node->heard |= (uint16_t)(1u << s);
			}
		}
	}
}

bool cats_hop_take(struct cats_node *node, const struct cats_frame *frame, uint32_t *counter)
{
	struct cats_hop *h = &node->hop;
	uint32_t bytes = (h->total + 3u) / 4;
	uint32_t given[2 * CATS_HOP_WORDS] = {0};
	uint32_t *factors = given + CATS_HOP_WORDS;
	uint32_t v[CATS_HOP_WORDS];
	uint32_t pivot = h->total;
	uint32_t length = 0;
	uint8_t *y;

	if (frame->type == CATS_FRAME_DATA) {
		bytes = 0;
		put(given, cats_slot_first(image_of(node), node->x, frame->source) + frame->index,
		    1);
	} else {
		memcpy(given, frame->payload, bytes);
	}
	if (current_of(node)->final || !own(node, given)) {
		return false;
	}
	collect(h, given, v, (uint8_t *)v, 0);
	add(v, given, ROW_BYTES);
	for (uint32_t n = 0; n < h->total; n++) {
		if (get(v, n) != 0 && h->size[n] > length) {
			pivot = n;
			length = h->size[n];
		}
	}
	if (pivot == h->total) {
		return false;
	}
	y = h->place[pivot];
	collect(h, given, v, y, length);
	add(v, given, ROW_BYTES);
	/* The last tile's combinations are as long as those of others. */
	add(y, frame->payload + bytes, length);
	while (get(v, pivot) != 1) {
		turn_row(v, y, length);
	}
	for (uint32_t n = 0; n < h->total; n++) {
		put(factors, n, get(h->row[n], pivot));
	}
	mix(h, factors, v, y, length, true);
	memcpy(h->row[pivot], v, ROW_BYTES);
	node->taken++;
	mark(node, counter);
	return true;
}
