/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Coding over all fragments of an exchange, in GF(4): doc/protocol.rst, "Coded frames".
 *
 * Fragments are numbered through, source by source. A row is an equation over those that are not
 * there, the columns: its coefficients, two bits each, and its content, in whose bytes four
 * elements stand as well. Row c stands in the place of column c's fragment, whose coefficient is 1
 * in it and 0 in all others (reduced row echelon form); where all of its others are 0 too, its
 * content is the fragment. A row's pivot is the longest of its fragments, so it has no byte behind
 * that, and needs no other room than the fragment's.
 *
 * Within one hop columns are what lacks as the first coded frame comes; over several all fragments.
 */

#include <string.h>

#include "gf4.h"
#include "node_internal.h"

_Static_assert(CATS_CODE_WORDS * 16 == CATS_CODE_COLUMNS, "two bits for each column");
_Static_assert(CATS_MAX_CODED_FRAGMENTS % 16 == 0, "whole words of factors");

/* Bytes of a row's coefficients. */
#define ROW_BYTES (CATS_CODE_WORDS * sizeof(uint32_t))
/* Words of factors of all fragments. */
#define FACTOR_WORDS (CATS_MAX_CODED_FRAGMENTS / 16)

/* v = coefficients of rows times their factors. */
static void sum_rows(const struct cats_code *code, const uint32_t *factors, uint32_t *v)
{
	memset(v, 0, ROW_BYTES);
	for (uint32_t factor = 3;; factor--) {
		for (uint32_t c = 0; c < code->columns; c++) {
			if (cats_gf4_get(factors, c) == factor) {
				cats_gf4_add(v, code->row[c], ROW_BYTES);
			}
		}
		if (factor == 1) {
			return;
		}
		cats_gf4_turn((uint8_t *)v, ROW_BYTES);
	}
}

/* A row times w. */
static void turn_row(const struct cats_code *code, uint32_t c)
{
	uint32_t n = code->fragment[c];

	cats_gf4_turn((uint8_t *)code->row[c], ROW_BYTES);
	cats_gf4_turn(code->place[n], code->size[n]);
}

/* Take row c's fragment out of all other rows. */
static void spread(struct cats_code *code, uint32_t c)
{
	uint32_t n = code->fragment[c];

	for (uint32_t part = 2; part != 0; part--) { /* of those that have it times w, then not */
		turn_row(code, c);
		if (part == 1) {
			turn_row(code, c); /* w w w = 1 */
		}
		for (uint32_t other = 0; other < code->columns; other++) {
			if (other != c && (cats_gf4_get(code->row[other], c) & part) != 0) {
				cats_gf4_add(code->row[other], code->row[c], ROW_BYTES);
				cats_gf4_add(code->place[code->fragment[other]], code->place[n],
					     code->size[n]);
			}
		}
	}
}

/* Whether row c has no other fragment than its own. */
static bool alone(const struct cats_code *code, uint32_t c)
{
	uint32_t others = 0;

	for (uint32_t i = 0; i < CATS_CODE_WORDS; i++) {
		others |= code->row[c][i] ^ (i == c / 16 ? 1u << (c % 16 * 2) : 0);
	}
	return others == 0;
}

/* Fragment number f of source s, n of all, is one that lacks: the next column, if there is room. */
static void add_column(struct cats_code *code, uint32_t n, uint32_t s, uint32_t f)
{
	if (code->columns < CATS_CODE_COLUMNS) {
		cats_gf4_clear((uint8_t *)code->row[code->columns], ROW_BYTES);
		code->fragment[code->columns] = (uint8_t)n;
		code->source[code->columns] = (uint8_t)s;
		code->index[code->columns] = (uint8_t)f;
	}
	code->columns++;
}

void cats_code_lay(struct cats_node *node)
{
	struct cats_reception *r = current_of(node);
	uint8_t *at = (uint8_t *)node->config.arena + node->gather->tile[node->x.tile & 1];
	struct cats_code *code = &node->code;
	uint32_t n = 0;

	code->total = 0;
	code->columns = 0;
	code->width = 0;
	if (node->slots > CATS_MAX_CODED_FRAGMENTS && !relays(image_of(node))) {
		return; /* the exporter's bug: nothing is repaired */
	}
	for (uint32_t s = 0; s < nodes_of(node); s++) {
		uint16_t count = cats_fragment_sizes(image_of(node), node->x, s, code->size + n);

		for (uint32_t f = 0; f < count; f++, n++) {
			uint8_t size = code->size[n];

			code->place[n] = at;
			code->width = size > code->width ? size : code->width;
			at += s != self_of(node) ? size : 0;
			if (relays(image_of(node)) ||
			    (s != self_of(node) && !cats_has(&r->available, s, f))) {
				add_column(code, n, s, f);
			}
		}
	}
	if (code->columns > CATS_CODE_COLUMNS) {
		code->columns = 0; /* more than can be solved for; nothing is told of the rest */
		return;
	}
	code->total = (uint8_t)n;
}

/* Bytes of a bit for each fragment, with which a coded frame begins that is not relayed. */
static uint32_t mask_bytes(const struct cats_code *code)
{
	return (code->total + 7u) / 8;
}

static bool own_made(struct cats_node *node)
{
	struct cats_code *code = &node->code;
	uint16_t count = fragments_of(node, self_of(node));
	uint32_t n = node->first_slot;
	uint16_t size;

	for (uint32_t f = 0; f < count && node->produced != 0; f++, n++) {
		code->place[n] = (uint8_t *)cats_engine_fragment(&node->engine, node->x, f, &size);
		if (relays(image_of(node))) {
			cats_gf4_put(code->row[n], n, 1);
		}
	}
	return node->produced != 0;
}

/* Fragments that were not there before may be: rows of nothing else. */
static void mark(struct cats_node *node, uint32_t *counter)
{
	struct cats_reception *r = current_of(node);
	const struct cats_code *code = &node->code;

	for (uint32_t c = 0; c < code->columns; c++) {
		uint8_t s = code->source[c];

		if (s != self_of(node) && !cats_has(&r->available, s, code->index[c]) &&
		    alone(code, c)) {
			cats_reception_has(r, s, code->index[c]);
			(*counter)++;
			node->quiet[s] = 0; /* whoever passed it on */
			node->heard |= (uint16_t)(1u << s);
		}
	}
}

static uint32_t next(uint32_t *random)
{
	*random = *random * 1664525 + 1013904223;
	*random ^= *random >> 16; /* else factors of one turn follow from those of another */
	return *random;
}

/* A factor, 1 to 3: never 0, so who lacks one fragment only learns it. */
static uint32_t factor_of(uint32_t random)
{
	return 1 + ((random >> 16 & 0x7fff) * 3 >> 15);
}

/* Of what stands in a bitmap. Where that are many, each second turn takes one half of them, and the
 * turn behind it the other: that is half the work, and all that a node lacks stands in two turns.
 */
static void draw(const struct cats_node *node, const struct cats_frame *frame,
		 const uint8_t *bitmap, uint32_t *factors)
{
	const bool dense = node->code.total <= CATS_DENSE_FRAGMENTS;
	uint32_t random = frame->inference;

	next(&random);
	random ^= (uint32_t)frame->x.gather << 8 | frame->x.tile;
	next(&random);
	random ^= (uint32_t)frame->round << 8 | (dense ? frame->slot : frame->slot >> 1);
	for (uint32_t n = 0; n < node->code.total; n++) {
		uint32_t drawn = next(&random);

		if ((bitmap[n / 8] >> (n % 8) & 1) != 0 &&
		    (dense || (drawn >> 31 ^ frame->slot) & 1)) {
			cats_gf4_put(factors, n, factor_of(drawn));
		}
	}
}

/* Factors of columns, out of those of all fragments: what stays there is known. */
static void split(struct cats_code *code, uint32_t *factors, uint32_t *given)
{
	for (uint32_t c = 0; c < code->columns; c++) {
		uint32_t n = code->fragment[c];
		uint32_t factor = cats_gf4_get(factors, n);

		cats_gf4_put(given, c, factor);
		if (cats_gf4_get(code->row[c], c) == 0) {
			factors[n / 16] &= ~(3u << (n % 16 * 2));
		}
	}
}

/* Behind the node's own fragments. */
static uint32_t own_end(const struct cats_node *node)
{
	return node->first_slot + fragments_of(node, self_of(node));
}

/* Over several hops: of all rows that there are, their coefficients in front. */
static uint16_t relayed(struct cats_node *node, const struct cats_frame *frame, uint8_t *payload)
{
	const struct cats_code *code = &node->code;
	uint32_t size = cats_hop_of(image_of(node), node->x.gather)->size;
	uint32_t random = (uint32_t)node->number << 16 ^ node->key ^ self_of(node);
	uint32_t bytes = (code->total + 3u) / 4;
	uint32_t factors[FACTOR_WORDS] = {0};
	uint32_t v[CATS_CODE_WORDS];

	/* Of each exchange others: what did not suffice in one does in the next. */
	next(&random);
	random ^= (uint32_t)node->x.gather << 16 ^ (uint32_t)node->x.tile << 8 ^ frame->slot;
	for (uint32_t c = 0; c < code->columns; c++) {
		uint32_t factor = factor_of(next(&random));

		if (cats_gf4_get(code->row[c], c) != 0) {
			cats_gf4_put(factors, c, factor);
		}
	}
	sum_rows(code, factors, v);
	memcpy(payload, v, bytes);
	cats_gf4_sum(code, factors, payload + bytes, size - bytes);
	return (uint16_t)size;
}

uint16_t cats_code_build(struct cats_node *node, const struct cats_frame *frame, uint8_t *payload)
{
	const struct cats_code *code = &node->code;
	uint32_t factors[FACTOR_WORDS] = {0};
	uint32_t bytes = mask_bytes(code);
	bool made = own_made(node);
	uint32_t last = own_end(node);
	bool any = false;

	if (relays(image_of(node))) {
		return relayed(node, frame, payload);
	}
	memset(payload, 0, bytes);
	for (uint32_t n = 0, c = 0; n < code->total; n++) {
		bool known = made || n < node->first_slot || n >= last;

		if (c < code->columns && code->fragment[c] == n) {
			known = alone(code, c++);
		}
		payload[n / 8] |= (uint8_t)(known << (n % 8));
		any |= known;
	}
	if (!any) {
		return 0;
	}
	draw(node, frame, payload, factors);
	cats_gf4_sum(code, factors, payload + bytes, code->width);
	return (uint16_t)(bytes + code->width);
}

/* Bytes of a frame's payload. */
static uint32_t code_bytes(const struct cats_node *node, const struct cats_frame *frame)
{
	if (frame->type == CATS_FRAME_DATA) {
		return 0; /* looked at */
	}
	if (relays(image_of(node))) {
		return cats_hop_of(image_of(node), node->x.gather)->size;
	}
	return mask_bytes(&node->code) + node->code.width;
}

bool cats_code_take(struct cats_node *node, const struct cats_frame *frame, uint32_t *counter)
{
	struct cats_code *code = &node->code;
	uint32_t given[CATS_CODE_WORDS] = {0};
	uint32_t factors[FACTOR_WORDS] = {0};
	uint32_t v[CATS_CODE_WORDS];
	uint32_t pivot = CATS_CODE_COLUMNS;
	uint32_t length = 0;
	uint32_t bytes = 0;

	if (current_of(node)->final || current_of(node)->lacking == 0 || code->columns == 0 ||
	    frame->length < code_bytes(node, frame)) {
		return false;
	}
	if (frame->type == CATS_FRAME_DATA) {
		cats_gf4_put(factors,
			     cats_slot_first(image_of(node), node->x, frame->source) + frame->index,
			     1);
	} else if (relays(image_of(node))) {
		bytes = (code->total + 3u) / 4;
		memcpy(factors, frame->payload, bytes);
	} else {
		bytes = mask_bytes(code);
		draw(node, frame, frame->payload, factors);
	}
	if (!own_made(node)) {
		for (uint32_t n = node->first_slot; n < own_end(node); n++) {
			if (cats_gf4_get(factors, n) != 0) {
				return false; /* nobody has one that is not made */
			}
		}
	}
	split(code, factors, given);
	sum_rows(code, given, v);
	cats_gf4_add(v, given, ROW_BYTES);
	for (uint32_t c = 0; c < code->columns; c++) {
		if (cats_gf4_get(v, c) != 0 && code->size[code->fragment[c]] > length) {
			pivot = c;
			length = code->size[code->fragment[c]];
		}
	}
	if (length == 0) {
		return false;
	}
	cats_gf4_sum(code, factors, code->place[code->fragment[pivot]], length);
	/* The last tile's combinations over several hops are as long as those of others. */
	cats_gf4_add(code->place[code->fragment[pivot]], frame->payload + bytes, length);
	memcpy(code->row[pivot], v, ROW_BYTES);
	while (cats_gf4_get(code->row[pivot], pivot) != 1) {
		turn_row(code, pivot);
	}
	spread(code, pivot);
	mark(node, counter);
	return true;
}
