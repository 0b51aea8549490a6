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

/* Words at any address. */
struct loose_word {
	uint32_t word;
} __attribute__((__packed__, __may_alias__));

/* Coefficient of fragment n. */
static uint32_t get(const uint32_t *row, uint32_t n)
{
	return row[n / 16] >> (n % 16 * 2) & 3;
}

/* The row of fragment n by itself; the row was zero. */
static void unit(uint32_t *row, uint32_t n)
{
	row[n / 16] = 1u << (n % 16 * 2);
}

/* w times the 16 elements of a word: w (a w + b) = (a + b) w + a. */
static inline uint32_t turned(uint32_t x)
{
	return (x >> 1 & 0x55555555) | ((x ^ x << 1) & 0xaaaaaaaa);
}

/* y += x */
static void add(uint8_t *y, const uint8_t *x, uint32_t length)
{
	for (; length >= 4; length -= 4, x += 4, y += 4) {
		((struct loose_word *)y)->word ^= ((const struct loose_word *)x)->word;
	}
	for (; length != 0; length--) {
		*y++ ^= *x++;
	}
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

static const struct cats_image_hop *hop_of(const struct cats_image *image, uint8_t gather)
{
	return cats_hops(image) + gather;
}

uint32_t cats_hop_slots(const struct cats_image *image, uint8_t gather)
{
	return hop_of(image, gather)->slots;
}

uint32_t cats_hop_slot(const struct cats_image *image, uint8_t gather, uint8_t source, uint32_t turn)
{
	const struct cats_image_hop *hop = hop_of(image, gather);
	const uint8_t *list = image->base + hop->list;
	uint32_t slot = UINT32_MAX;

	for (uint32_t i = 0; i < hop->turns; i++) {
		slot += (list[i] & CATS_HOP_SHARED) == 0;
		if ((list[i] & 15) == source && turn-- == 0) {
			return slot;
		}
	}
	return hop->slots;
}

uint16_t cats_hop_size(const struct cats_image *image, struct cats_exchange x)
{
	uint16_t size = 0;

	for (uint32_t s = 0; s < image->header->nodes; s++) {
		uint16_t coded = cats_coded_size(image, x, s);

		size = coded > size ? coded : size;
	}
	return (uint16_t)(size + (cats_slot_first(image, x, image->header->nodes) + 3) / 4);
}

void cats_hop_enter(struct cats_node *node)
{
	const struct cats_image *image = image_of(node);
	uint8_t *at = (uint8_t *)node->config.arena + node->gather->tile[node->x.tile & 1];
	struct cats_hop *h = &node->hop;

	memset(h, 0, sizeof(*h));
	for (uint32_t s = 0; s < nodes_of(node); s++) {
		for (uint32_t f = fragments_of(node, s); f != 0; f--) {
			uint16_t size = cats_fragment_size(image, node->x, s,
							   fragments_of(node, s) - f);

			h->place[h->total] = at;
			h->size[h->total++] = (uint8_t)size;
			h->width = size > h->width ? (uint8_t)size : h->width;
			at += s != self_of(node) ? size : 0;
		}
	}
}

/* This node's own fragments stand elsewhere, once they are made. Whether what is given can be told
 * from them: nobody has one that is not made.
 */
static bool own(struct cats_node *node, const uint32_t *given)
{
	struct cats_hop *h = &node->hop;
	uint32_t n = cats_slot_first(image_of(node), node->x, self_of(node));
	uint16_t size;

	for (uint32_t f = 0; f < fragments_of(node, self_of(node)); f++, n++) {
		if (node->produced != 0) {
			h->place[n] = (uint8_t *)cats_engine_fragment(&node->engine, node->x, f,
								      &size);
			unit(h->row[n], n);
		} else if (get(given, n) != 0) {
			return false;
		}
	}
	return true;
}

/* Sum of all rows that there are times their factors: coefficients v, and so much content y. */
static void sum(const struct cats_hop *h, const uint32_t *factors, uint32_t *v, uint8_t *y,
		uint32_t length)
{
	memset(v, 0, sizeof(h->row[0]));
	memset(y, 0, length);
	for (uint32_t part = 2; part != 0; part--) { /* what is times w, then what is not */
		for (uint32_t n = 0; n < h->total; n++) {
			if ((get(factors, n) & part) != 0 && get(h->row[n], n) != 0) {
				add((uint8_t *)v, (const uint8_t *)h->row[n], sizeof(h->row[n]));
				add(y, h->place[n], h->size[n] < length ? h->size[n] : length);
			}
		}
		if (part == 2) {
			turn((uint8_t *)v, sizeof(h->row[0]));
			turn(y, length);
		}
	}
}

uint32_t cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame)
{
	const uint16_t fragments = fragments_of(node, self_of(node));
	uint32_t slot;

	for (;; node->next++) {
		slot = cats_hop_slot(image_of(node), node->x.gather, self_of(node), node->next);
		if (slot == node->slots || past(cats_exchange_data_at(node, slot), late)) {
			break;
		}
	}
	frame->index = (uint8_t)node->next;
	if (node->next >= fragments) {
		frame->type = CATS_FRAME_CODED;
		frame->index = node->leader;
		frame->slot = (uint8_t)slot;
	}
	return slot;
}

bool cats_hop_build(struct cats_node *node, struct cats_frame *frame, uint8_t *payload)
{
	struct cats_hop *h = &node->hop;
	uint32_t factors[CATS_HOP_WORDS] = {0};
	uint32_t v[CATS_HOP_WORDS];
	uint32_t random = (uint32_t)node->number << 16 ^ node->key ^ frame->slot << 8 ^
			  self_of(node);
	uint32_t bytes = (h->total + 3u) / 4;
	bool any = h->total == 0;

	own(node, factors);
	for (uint32_t n = 0; n < h->total; n++) {
		random = random * 1664525 + 1013904223;
		factors[n / 16] |= (1 + (random >> 16) % 3) << (n % 16 * 2);
		any = any || get(h->row[n], n) != 0;
	}
	frame->length = (uint16_t)(bytes + h->width);
	sum(h, factors, v, payload + bytes, h->width);
	memcpy(payload, v, bytes);
	return any;
}

/* Whether row n is its fragment and nothing else. */
static bool solved(const uint32_t *row, uint32_t n)
{
	uint32_t others = 0;

	for (uint32_t i = 0; i < CATS_HOP_WORDS; i++) {
		others |= row[i] ^ (i == n / 16 ? 1u << (n % 16 * 2) : 0);
	}
	return others == 0;
}

/* Fragments that were not there before are. */
static void mark(struct cats_node *node)
{
	struct cats_reception *r = current_of(node);
	uint32_t n = 0;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		for (uint32_t f = 0; f < fragments_of(node, s); f++, n++) {
			if (s != self_of(node) && !cats_has(&r->available, s, f) &&
			    solved(node->hop.row[n], n)) {
				r->available.bits[s][f / 8] |= (uint8_t)(1 << (f % 8));
				r->lack[s]--;
				r->lacking--;
				node->quiet[s] = 0; /* whoever passed it on */
				node->heard |= (uint16_t)(1u << s);
			}
		}
	}
}

/* The longest fragment that a row has; as many as there are where it has none. */
static uint32_t longest(const struct cats_hop *h, const uint32_t *row)
{
	uint32_t found = h->total;

	for (uint32_t n = 0; n < h->total; n++) {
		if (get(row, n) != 0 && (found == h->total || h->size[n] > h->size[found])) {
			found = n;
		}
	}
	return found;
}

/* A row and its content are new: its pivot goes out of all others. */
static void eliminate(struct cats_hop *h, uint32_t pivot, uint32_t *v)
{
	const uint32_t length = h->size[pivot];
	uint32_t factors[CATS_HOP_WORDS] = {0};
	uint8_t *y = h->place[pivot];

	/* Until its coefficient is 1: the inverse of w is w w, that of w w is w. */
	for (; get(v, pivot) != 1; turn(y, length)) {
		turn((uint8_t *)v, sizeof(h->row[0]));
	}
	for (uint32_t n = 0; n < h->total; n++) {
		factors[n / 16] |= get(h->row[n], pivot) << (n % 16 * 2);
	}
	memcpy(h->row[pivot], v, sizeof(h->row[0]));
	for (uint32_t part = 1; part <= 3; part++) { /* w w w = 1 */
		for (uint32_t n = 0; n < h->total && part < 3; n++) {
			if ((get(factors, n) & part) != 0) {
				add((uint8_t *)h->row[n], (const uint8_t *)v, sizeof(h->row[0]));
				add(h->place[n], y, length);
			}
		}
		turn((uint8_t *)v, sizeof(h->row[0]));
		turn(y, length);
	}
}

bool cats_hop_take(struct cats_node *node, const struct cats_frame *frame)
{
	struct cats_hop *h = &node->hop;
	uint32_t bytes = (h->total + 3u) / 4;
	uint32_t given[CATS_HOP_WORDS] = {0};
	uint32_t v[CATS_HOP_WORDS];
	uint32_t pivot;
	uint32_t length;

	if (current_of(node)->final) {
		return false;
	}
	if (frame->type == CATS_FRAME_DATA) {
		bytes = 0;
		unit(given, cats_slot_first(image_of(node), node->x, frame->source) + frame->index);
	} else {
		memcpy(given, frame->payload, bytes);
	}
	if (!own(node, given)) {
		return false;
	}
	sum(h, given, v, (uint8_t *)v, 0);
	add((uint8_t *)v, (const uint8_t *)given, sizeof(v));
	pivot = longest(h, v);
	if (pivot == h->total) {
		return false;
	}
	length = h->size[pivot] < frame->length - bytes ? h->size[pivot] : frame->length - bytes;
	sum(h, given, v, h->place[pivot], h->size[pivot]);
	add((uint8_t *)v, (const uint8_t *)given, sizeof(v));
	add(h->place[pivot], frame->payload + bytes, length);
	eliminate(h, pivot, v);
	mark(node);
	return true;
}
