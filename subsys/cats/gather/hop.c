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

/* From one node to the next when several pass an ASK on: longer than that frame. */
#define PASS_US 2048u

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

/* Add one to it. */
static void put(uint32_t *row, uint32_t n)
{
	row[n / 16] ^= 1u << (n % 16 * 2);
}

/* y += x: most of the time is spent here. */
static void add(void *y, const void *x, uint32_t length)
{
	struct loose_word *to = y;
	const struct loose_word *from = x;

	for (; length >= 16; length -= 16, to += 4, from += 4) {
		to[0].word ^= from[0].word;
		to[1].word ^= from[1].word;
		to[2].word ^= from[2].word;
		to[3].word ^= from[3].word;
	}
	for (; length >= 4; length -= 4) {
		(to++)->word ^= (from++)->word;
	}
	while (length-- != 0) {
		((uint8_t *)to)[length] ^= ((const uint8_t *)from)[length];
	}
}

/* Elements of a word times w: w (a w + b) = (a + b) w + a. */
static uint32_t turned(uint32_t x)
{
	return (x >> 1 & 0x55555555) | ((x ^ x << 1) & 0xaaaaaaaa);
}

/* y *= w */
static void turn(void *y, uint32_t length)
{
	struct loose_word *to = y;

	for (; length >= 4; length -= 4, to++) {
		to->word = turned(to->word);
	}
	while (length-- != 0) {
		((uint8_t *)to)[length] = (uint8_t)turned(((uint8_t *)to)[length]);
	}
}

/* What is mixed: coefficients, or content; of all rows, or into all of them. */
enum {
	CONTENT = 1,
	OUT = 2,
};

/* Add all rows, times their factors, to y; or, OUT, y, divided by them, to all rows: those of one
 * factor after those of the other, y being turned between, three times in all. w w w = 1.
 */
static void mix(struct cats_hop *h, void *y, uint32_t length, uint32_t what)
{
	for (uint32_t factor = 3; factor != 0; factor--) {
		turn(y, length);
		for (const uint8_t *at = h->factor + h->total; at != h->factor;) {
			uint32_t size = length;
			void *row;

			if (*--at != factor) {
				continue;
			}
			row = h->row[at - h->factor];
			if ((what & CONTENT) != 0) {
				row = h->place[at - h->factor];
				size = h->size[at - h->factor];
				size = size < length ? size : length;
			}
			if ((what & OUT) != 0) {
				add(row, y, size);
			} else {
				add(y, row, size);
			}
		}
	}
}

uint32_t cats_hop_slot(const struct cats_image *image, uint8_t gather, uint8_t source,
		       uint32_t turn)
{
	const struct cats_image_hop *hop = cats_hop_of(image, gather);
	const uint8_t *list = image->base + hop->list;
	uint32_t slot = 0;

	while (slot < hop->slots && (list[slot] != source || turn-- != 0)) {
		slot++;
	}
	return slot;
}

void cats_hop_pass(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	if (past(now_us, node->ask_us)) {
		node->hop.asked = true;
		node->hop.number = frame->inference;
		node->ask_us = now_us + self_of(node) * PASS_US;
	}
}

void cats_hop_enter(struct cats_node *node)
{
	uint8_t *at = (uint8_t *)node->config.arena + node->gather->tile[node->x.tile & 1];
	struct cats_hop *h = &node->hop;
	uint32_t width = 0;
	uint32_t n = 0;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		uint16_t count = fragments_of(node, s);

		for (uint32_t f = 0; f < count; f++, n++) {
			uint16_t size = cats_fragment_size(image_of(node), node->x, s, f);

			memset(h->row[n], 0, ROW_BYTES);
			h->place[n] = at;
			h->size[n] = (uint8_t)size;
			h->source[n] = (uint8_t)s;
			h->fragment[n] = (uint8_t)f;
			width = size > width ? size : width;
			at += s != self_of(node) ? size : 0;
		}
	}
	h->total = (uint8_t)n;
	h->turn = UINT8_MAX; /* none was looked for */
	h->asked = false;
	if ((n + 3) / 4 + width > cats_hop_of(image_of(node), node->x.gather)->size) {
		h->total = 0; /* no room in a frame: the exporter's bug */
	}
}

/* This node's own fragments stand elsewhere, once they are made. Whether what is given can be told
 * from them: nobody has one that is not made.
 */
static bool own(struct cats_node *node, const uint32_t *given)
{
	struct cats_hop *h = &node->hop;
	uint16_t size;

	for (uint32_t n = 0; n < h->total; n++) {
		if (h->source[n] != self_of(node) || get(h->row[n], n) != 0) {
			continue;
		}
		if (node->produced != 0) {
			h->place[n] = (uint8_t *)cats_engine_fragment(&node->engine, node->x,
								      h->fragment[n], &size);
			put(h->row[n], n);
		} else if (get(given, n) != 0) {
			return false;
		}
	}
	return true;
}

void cats_hop_build(struct cats_node *node, struct cats_frame *frame, uint8_t *payload)
{
	struct cats_hop *h = &node->hop;
	uint32_t place = node->key ^ frame->slot << 8 ^ self_of(node) << 1;
	uint32_t random = 1 | (uint32_t)node->number << 16 | place;
	uint32_t bytes = (h->total + 3u) / 4;
	uint32_t v[CATS_HOP_WORDS] = {0};

	own(node, v);
	for (uint32_t n = 0; n < h->total; n++) {
		random *= 1664525;
		h->factor[n] = (uint8_t)(get(h->row[n], n) * (1 + ((random >> 16) * 3 >> 16)));
	}
	mix(h, v, ROW_BYTES, 0);
	frame->length = cats_hop_of(image_of(node), node->x.gather)->size;
	memset(payload, 0, frame->length);
	memcpy(payload, v, bytes);
	mix(h, payload + bytes, frame->length - bytes, CONTENT);
}

/* Whether a row has no other fragment than n. */
static bool alone(uint32_t *row, uint32_t n)
{
	uint32_t others = 0;

	put(row, n);
	for (uint32_t i = 0; i < CATS_HOP_WORDS; i++) {
		others |= row[i];
	}
	put(row, n);
	return others == 0;
}

/* Fragments that were not there before may be: rows of nothing else. */
static void mark(struct cats_node *node, uint32_t *counter)
{
	struct cats_reception *r = current_of(node);
	struct cats_hop *h = &node->hop;

	for (uint32_t n = 0; n < h->total; n++) {
		uint32_t s = h->source[n];
		uint32_t f = h->fragment[n];

		if (s != self_of(node) && !cats_has(&r->available, s, f) && alone(h->row[n], n)) {
			r->available.bits[s][f / 8] |= (uint8_t)(1 << (f % 8));
			r->lack[s]--;
			r->lacking--;
			(*counter)++;
			node->quiet[s] = 0; /* whoever passed it on */
			node->heard |= (uint16_t)(1u << s);
		}
	}
}

bool cats_hop_take(struct cats_node *node, const struct cats_frame *frame, uint32_t *counter)
{
	struct cats_hop *h = &node->hop;
	uint32_t bytes = (h->total + 3u) / 4;
	uint32_t v[CATS_HOP_WORDS] = {0};
	uint32_t pivot = h->total;
	uint32_t length = 0;
	uint8_t *y;

	if (frame->type == CATS_FRAME_DATA) {
		bytes = 0;
		put(v, cats_slot_first(image_of(node), node->x, frame->source) + frame->index);
	} else {
		memcpy(v, frame->payload, bytes);
	}
	if (current_of(node)->final || !own(node, v)) {
		return false;
	}
	for (uint32_t n = 0; n < h->total; n++) {
		h->factor[n] = (uint8_t)(get(h->row[n], n) * get(v, n));
	}
	mix(h, v, ROW_BYTES, 0);
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
	/* The last tile's combinations are as long as those of others. */
	memcpy(y, frame->payload + bytes, length);
	mix(h, y, length, CONTENT);
	while (get(v, pivot) != 1) {
		turn(v, ROW_BYTES);
		turn(y, length);
	}
	for (uint32_t n = 0; n < h->total; n++) {
		uint32_t times = get(h->row[n], pivot);

		h->factor[n] = (uint8_t)(times ^ times >> 1); /* 1 / w = w w */
	}
	mix(h, v, ROW_BYTES, OUT);
	mix(h, y, length, CONTENT | OUT);
	memcpy(h->row[pivot], v, ROW_BYTES);
	node->taken++;
	mark(node, counter);
	return true;
}
