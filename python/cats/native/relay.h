/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Exchanges over several hops by chance alone, without time: for the planner (cats.plan.hop). */

#ifndef RELAY_H_
#define RELAY_H_

#include <stdbool.h>
#include <stdint.h>

/* What is drawn, of up to 16 nodes and 64 fragments. */
struct relay {
	uint32_t nodes;
	/* [from][to]: of 65,536 frames so many are heard. */
	const uint32_t *links;
	/* [node]: fragments of each; any_owner: of one node alone, of each in turn. */
	const uint8_t *fragments;
	bool any_owner;
	/* Exchanges drawn, and from where. */
	uint32_t count;
	uint64_t seed;
};

/* Shares of what is to be delivered. */
struct relay_shares {
	/* Equations that nodes have, of as many as they need. */
	double rank;
	/* Fragments that nodes have. Without any: nodes that know of the exchange. */
	double delivered;
};

/* What a list of turns brings. The n-th frame of a node is heard by the same nodes in any list. */
struct relay_shares relay_draw(const struct relay *relay, const uint8_t *turns, uint32_t slots);

#endif /* RELAY_H_ */
