/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What is lacking, and what is granted for it: doc/protocol.rst, "Repair". */

#include "node_internal.h"

#define COUNT_MAX 15
/* So many exchanges have coded frames ahead before one without tells how many are needed. */
#define PROBE_EXCHANGES 7

uint32_t cats_grant_slots(const struct cats_node *node, uint8_t source)
{
	uint32_t slots = 0;

	for (uint32_t s = 0; s < source; s++) {
		slots += node->counts[s];
	}
	return slots;
}

bool cats_grant_needs(struct cats_node *node)
{
	bool any = false;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		uint16_t lack = 0;

		if (s != self_of(node) && !source_gone(node, s) && hears_enough(node)) {
			lack = current_of(node)->lack[s];
		}
		if (source_dull(node, s) && lack == fragments_of(node, s)) {
			lack = 0;
		}
		if (lack > node->counts[s]) {
			node->counts[s] = (uint8_t)(lack < COUNT_MAX ? lack : COUNT_MAX);
		}
		any = any || node->counts[s] != 0;
	}
	return any;
}

/* A round without coded frames ahead tells how many are to be ahead in the next exchanges. */
static void look_ahead(struct cats_node *node)
{
	uint32_t slots = cats_grant_slots(node, nodes_of(node));
	uint32_t sources = 0;
	uint32_t each;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		sources += fragments_of(node, s) != 0;
	}
	if (sources == 0) {
		return; /* nobody sends anything here */
	}
	each = (3 * slots + 2 * sources) / (3 * sources);
	each = each < CATS_MAX_AHEAD ? each : CATS_MAX_AHEAD;
	/* What nobody needs is to take less time than the round that is saved. */
	if (each * sources > slots && (each * sources - slots) * node->gather->slot_us >
					      cats_round_us(image_of(node), node->x)) {
		each = 0;
	}
	node->plenty = (uint8_t)each;
	node->probe = PROBE_EXCHANGES;
}

/* Whether there may be another round, and the slots of this one are not much cheaper than that.
 * What the last round leaves is lost, so it is not brought forward for a little time.
 */
static bool round_worth(const struct cats_node *node)
{
	uint32_t asked = 0;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		asked += node->counts[s] != 0;
	}
	return node->ahead == 0 ||
	       3 * asked * node->gather->slot_us > cats_round_us(image_of(node), node->x);
}

/* Whether somebody may lack what this leader does not know of: it missed the last report. One who
 * hears little cannot wait for reports either.
 */
static bool misses_report(const struct cats_node *node)
{
	uint8_t nodes = nodes_of(node);
	uint8_t last = node->leader == nodes - 1 ? nodes - 2 : nodes - 1;

	return !node->reported && !source_gone(node, last) && !source_dull(node, last) &&
	       hears_enough(node);
}

/* Others pass on what they hear of a report, but nobody passes on the last one. Where the leader
 * missed it, there is another round; or, in the last round, one frame of each source that may still
 * be wanted. Nobody can ask after the last round, so it sends one frame more than is needed. Where
 * that costs less than a third of a round's time, and few lack anything since coded frames were
 * ahead, this is the last round.
 */
enum cats_grant cats_grant_decide(struct cats_node *node)
{
	uint8_t nodes = nodes_of(node);
	bool unsure = misses_report(node);
	bool any = cats_grant_needs(node);

	if (node->round == 1 && node->ahead == 0) {
		look_ahead(node);
	}
	if (node->round < node->gather->rounds && (unsure || round_worth(node))) {
		return unsure && !any ? CATS_GRANT_AGAIN : CATS_GRANT_ROUND;
	}
	for (uint32_t s = 0; s < nodes; s++) {
		if (node->counts[s] != 0) {
			node->counts[s] += node->counts[s] < COUNT_MAX;
		} else {
			node->counts[s] = unsure && node->wanted[s] && fragments_of(node, s) != 0;
		}
	}
	return CATS_GRANT_LAST;
}
