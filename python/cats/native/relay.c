/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "relay.h"

#include <string.h>

#include <cats/image.h>

/* A frame is built so many slots ahead; who hears the first one of an exchange may speak from the
 * slot behind the next one on.
 */
#define BUILT 3
#define READY 2

/* Vectors over GF(4), of elements low + high w. */
struct row {
	uint64_t low, high;
};

/* What a node has of an exchange: rows in reduced echelon form, row n with its pivot at n. */
struct holder {
	struct row row[CATS_MAX_HOP_FRAGMENTS];
	uint64_t pivots;
	uint32_t first, own, built, sent;
	/* The slot from which on it speaks; UINT32_MAX: it does not know the time. */
	uint32_t ready;
};

struct exchange {
	const struct relay *relay;
	struct holder node[CATS_MAX_NODES];
	uint32_t total;
	uint64_t random, luck;
};

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* to += factor * row, of a factor low + high w. */
static void add(struct row *to, struct row row, uint64_t low, uint64_t high)
{
	low = -(low & 1);
	high = -(high & 1);
	to->low ^= (row.low & low) ^ (row.high & high);
	to->high ^= (row.high & low) ^ ((row.high ^ row.low) & high);
}

/* A random combination of all that a node has, or its next fragment. */
static struct row build(struct exchange *x, uint32_t self)
{
	struct holder *node = &x->node[self];
	struct row frame = {0};

	if (node->built < node->own) {
		frame.low = 1ull << (node->first + node->built++);
		return frame;
	}
	for (uint64_t left = node->pivots; left != 0; left &= left - 1) {
		uint64_t factor;

		x->random = mix(x->random);
		factor = 1 + (x->random >> 32) * 3 / (1ull << 32);
		add(&frame, node->row[__builtin_ctzll(left)], factor, factor >> 1);
	}
	return frame;
}

static void take(struct holder *node, struct row frame)
{
	struct row left = frame;
	uint32_t pivot;

	for (uint64_t p = (frame.low | frame.high) & node->pivots; p != 0; p &= p - 1) {
		uint32_t n = __builtin_ctzll(p);

		add(&left, node->row[n], frame.low >> n, frame.high >> n);
	}
	if ((left.low | left.high) == 0) {
		return;
	}
	pivot = __builtin_ctzll(left.low | left.high);
	while ((left.high >> pivot & 1) != 0) { /* until its factor is 1 */
		left = (struct row){.low = left.high, .high = left.high ^ left.low};
	}
	for (uint64_t p = node->pivots; p != 0; p &= p - 1) {
		struct row *row = &node->row[__builtin_ctzll(p)];

		add(row, left, row->low >> pivot, row->high >> pivot);
	}
	node->row[pivot] = left;
	node->pivots |= 1ull << pivot;
}

static bool hears(const struct exchange *x, uint32_t from, uint32_t sent, uint32_t to)
{
	uint64_t drawn = mix(x->luck ^ (uint64_t)sent << 16 ^ from << 8 ^ to);

	return (drawn & 0xffff) < x->relay->links[from * x->relay->nodes + to];
}

static void begin(struct exchange *x, uint32_t number)
{
	const struct relay *relay = x->relay;

	x->luck = mix(relay->seed ^ (uint64_t)number << 32);
	x->random = ~x->luck;
	x->total = 0;
	for (uint32_t n = 0; n < relay->nodes; n++) {
		struct holder *node = &x->node[n];

		memset(node, 0, sizeof(*node));
		node->first = x->total;
		node->own =
			relay->any_owner && n != number % relay->nodes ? 0 : relay->fragments[n];
		x->total += node->own;
		for (uint32_t f = node->first; f < x->total; f++) {
			node->row[f].low = 1ull << f;
			node->pivots |= 1ull << f;
		}
		/* The leader's opening tells the time. */
		node->ready = n == 0 || hears(x, 0, UINT16_MAX, n) ? 0 : UINT32_MAX;
	}
}

static void run(struct exchange *x, const uint8_t *turns, uint32_t slots)
{
	struct row built[BUILT];
	uint32_t next = 0;

	for (uint32_t slot = 0; slot < slots; slot++) {
		struct holder *self = &x->node[turns[slot]];
		uint32_t sent = self->sent++;

		for (; next < slots && next < slot + BUILT; next++) {
			built[next % BUILT] = build(x, turns[next]);
		}
		for (uint32_t n = 0; n < x->relay->nodes; n++) {
			struct holder *node = &x->node[n];

			if (node == self || self->ready > slot || !hears(x, turns[slot], sent, n)) {
				continue;
			}
			if (node->ready == UINT32_MAX) {
				node->ready = slot + READY;
			}
			take(node, built[slot % BUILT]);
		}
	}
}

static uint32_t bits(uint64_t x)
{
	return (uint32_t)__builtin_popcountll(x);
}

struct relay_shares relay_draw(const struct relay *relay, const uint8_t *turns, uint32_t slots)
{
	struct relay_shares shares = {0};
	struct exchange x = {.relay = relay};
	double needed = 0;

	for (uint32_t number = 0; number < relay->count; number++) {
		begin(&x, number);
		run(&x, turns, slots);
		for (uint32_t n = 0; n < relay->nodes; n++) {
			const struct holder *node = &x.node[n];

			if (x.total == 0) {
				shares.delivered += node->ready != UINT32_MAX;
				needed++;
				continue;
			}
			needed += x.total - node->own;
			shares.rank += bits(node->pivots) - node->own;
			for (uint64_t p = node->pivots; p != 0; p &= p - 1) {
				uint32_t f = __builtin_ctzll(p);

				shares.delivered +=
					node->row[f].low == 1ull << f && node->row[f].high == 0;
			}
			shares.delivered -= node->own;
		}
	}
	shares.delivered /= needed;
	shares.rank = x.total == 0 ? shares.delivered : shares.rank / needed;
	return shares;
}
