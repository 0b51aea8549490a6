/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* When the receiver may be off inside an inference: doc/protocol.rst, "Listening". */

#include "node_internal.h"

/* By what two clocks may differ: so much, and 1/4096 of the time since the exchange was opened. */
#define GUARD_US 16u
#define DRIFT_SHIFT 12

/* How far from its time a frame of others may begin. */
static uint32_t spread_us(const struct cats_node *node, uint32_t now_us)
{
	return late_us(node) + GUARD_US + ((now_us - node->opened_us) >> DRIFT_SHIFT);
}

/* What is looked for: the first slot that is not over yet, and the one behind it. */
struct search {
	uint32_t now_us;
	uint32_t before_us; /* a frame may begin so long before its slot */
	uint32_t window_us; /* and is known of, or does not come, so long behind it */
	uint32_t at[2];
	uint8_t found;
};

static bool slot(struct search *search, uint32_t at)
{
	if (!past(search->now_us, at + search->window_us)) {
		search->at[search->found++] = at;
	}
	return search->found == 2;
}

/* @p count slots from @p at on. */
static void slots(struct search *search, uint32_t at, uint32_t count, uint32_t slot_us)
{
	for (uint32_t i = 0; i < count && !slot(search, at + i * slot_us); i++) {
	}
}

/* Data slots of the sources of which something lacks. */
static void sources(const struct cats_node *node, struct search *search)
{
	const struct cats_reception *r = &node->reception[node->air];
	uint32_t at = cats_exchange_data_at(node, 0);

	for (uint32_t s = 0; s < nodes_of(node) && search->found < 2; s++) {
		uint32_t count = fragments_of(node, s);

		if (r->lack[s] != 0) {
			slots(search, at, count, node->gather->slot_us);
		}
		at += count * node->gather->slot_us;
	}
}

/* Where the others say whether they lack anything; a slot that all share is sensed. */
static void needs(const struct cats_node *node, struct search *search)
{
	if (!cats_senses(image_of(node))) {
		slots(search,
		      round_at(node, node->round) + cats_need_us(node->gather, node->round, 0),
		      nodes_of(node), node->gather->control_us);
	}
}

/* Whether this node knows when others speak: it follows a clock, or all follow its own. */
static bool knows_slots(const struct cats_node *node, uint32_t now_us)
{
	/* In the first exchange a leader may hear another one; behind the last one comes more. */
	bool between = (first_exchange(node->x) &&
			(leads(node) || node->exchange == CATS_EXCHANGE_WAITING)) ||
		       (last_exchange(node) && node->exchange == CATS_EXCHANGE_OVER);

	return node->phase == CATS_NODE_RUNNING && !between && !node->silence &&
	       node->lonely == 0 && hears_enough(node) &&
	       !past(now_us, node->heard_us + node->config.timeout_us / 2);
}

void cats_node_listen(const struct cats_node *node, uint32_t now_us, uint32_t detect_us,
		      struct cats_listen *listen)
{
	struct search search = {.now_us = now_us};
	uint32_t end_us; /* nothing comes before it where no slot was found */

	*listen = (struct cats_listen){0};
	if (sleeps(node) && !cats_node_runs(node)) {
		cats_sleep_listen(node, now_us, listen);
		return;
	}
	if (!knows_slots(node, now_us)) {
		return;
	}
	search.before_us = spread_us(node, now_us);
	search.window_us = search.before_us + detect_us;
	if (detect_us == 0) {
		search.window_us += node->gather->slot_us;
	}
	switch (node->exchange) {
	case CATS_EXCHANGE_WAITING:
	case CATS_EXCHANGE_OVER:
		/* Nobody speaks before the leader does, and this leader is not ready yet. */
		end_us = leads(node) ? now_us + node->config.timeout_us / 2 : node->not_before_us;
		break;
	case CATS_EXCHANGE_SYNC:
	case CATS_EXCHANGE_DATA:
		if (relays(image_of(node)) && node->reception[node->air].lacking != 0) {
			return; /* any frame may tell of anybody's */
		}
		sources(node, &search);
		end_us = cats_exchange_data_at(node, node->slots);
		break;
	case CATS_EXCHANGE_NEED:
		needs(node, &search);
		end_us = round_at(node, node->round) +
			 cats_round_us(image_of(node), node->gather, node->round);
		break;
	case CATS_EXCHANGE_CODED:
		if (node->reception[node->air].lacking != 0) {
			return; /* any frame may tell of anybody's */
		}
		end_us = round_at(node, node->round + 1);
		break;
	default:
		return;
	}
	if (search.found != 0) {
		listen->ask = true;
		listen->ask_us = search.at[0] + search.window_us;
		listen->again_us = (search.found == 2 ? search.at[1] : end_us) - search.before_us;
		end_us = search.at[0];
	}
	listen->from_us = end_us - search.before_us;
	listen->off = !past(now_us, listen->from_us);
}
