/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The exchange on the air: its phases, its rounds, its clock. doc/protocol.rst, "An exchange". */

#include <string.h>

#include "node_internal.h"

/* Timeouts from one SYNC to the next of a node that leads alone. */
#define CALL_TIMEOUTS 8

/* So much is each second round to the leader, and so much more each exchange takes off of it; from
 * MUCH on the first round has many turns, since one that is not enough costs more.
 */
#define TROUBLE 4
#define MUCH_TROUBLE 8
#define MOST_TROUBLE (MUCH_TROUBLE + TROUBLE)
/* Of 64 fragments so many are missed where each effort is needed. */
#define SOME_LOSSES 4
#define MORE_LOSSES 9
#define MOST_LOSSES 16

/* Into and out of it */

/* Whether nobody has anything to say in it. The first one of several nodes is opened all the same:
 * that begins the inference.
 */
static bool of_nobody(struct cats_node *node)
{
	if (current_of(node)->lacking != 0 || fragments_of(node, self_of(node)) != 0) {
		return false;
	}
	return !MAY_SEND_NO_INPUT || !first_exchange(node->x) || nodes_of(node) == 1;
}

/* Who sends in it is known, and how many slots that takes. */
static void lay_out(struct cats_node *node)
{
	node->code.total = 0;
	node->code.columns = 0;
	node->first_slot = (uint16_t)cats_slot_first(image_of(node), node->x, self_of(node));
	node->slots = (uint16_t)cats_slot_first(image_of(node), node->x, nodes_of(node));
	if (relays(image_of(node))) {
		node->slots = cats_hop_of(image_of(node), node->x.gather)->slots;
#if HOPS
		node->turn = UINT8_MAX; /* none was looked for */
		node->asked = false;
#endif
		cats_code_lay(node);
	}
}

void cats_exchange_enter(struct cats_node *node, struct cats_exchange x)
{
	node->x = x;
	node->gather = &image_of(node)->gathers[x.gather];
	cats_reception_begin(image_of(node), current_of(node), x);
	lay_out(node);
	node->exchange = CATS_EXCHANGE_WAITING;
	node->clocked = false;
	node->taken = 0;
	node->fragments += current_of(node)->lacking;
	for (uint32_t s = 0; s < nodes_of(node); s++) {
		node->quiet[s] += current_of(node)->lack[s] != 0 && node->quiet[s] < UINT8_MAX;
	}
	if (MAY_BE_EMPTY && of_nobody(node) && nodes_of(node) > 1) {
		node->not_before_us += node->gather->spacing_us; /* the others compute it as well */
	}
}

#if CATS_TEXTS
void cats_exchange_own(struct cats_node *node, uint8_t owner)
{
	struct cats_reception *r = current_of(node);
	const uint8_t before = node->x.owner;

	if (owner == before || r->final) {
		return; /* what was lost of it has been counted */
	}
	node->fragments -= r->lacking;
	node->quiet[before] -= r->lack[before] != 0 && node->quiet[before] != 0;
	node->x.owner = owner;
	cats_reception_begin(image_of(node), r, node->x);
	lay_out(node);
	node->fragments += r->lacking;
	node->quiet[owner] += r->lack[owner] != 0 && node->quiet[owner] < UINT8_MAX;
}
#endif

static void start_round(struct cats_node *node, uint8_t round)
{
	node->exchange = round == 0 ? CATS_EXCHANGE_DATA : CATS_EXCHANGE_NEED;
	node->round = round;
	node->needed = false;
	node->told = false;
	node->answers = 0;
	node->next = 0;
}

void cats_exchange_need(struct cats_node *node)
{
	node->needed = true;
	if (node->code.total == 0) {
		cats_code_lay(node);
	}
}

static void open_at(struct cats_node *node, uint32_t base_us, uint32_t now_us)
{
	node->base_us = base_us;
	node->opened_us =
		base_us - cats_sync_us(image_of(node), node->x, node->leader, node->slots);
	node->not_before_us = node->opened_us + node->gather->spacing_us;
	node->limit_us = now_us + base_us - node->opened_us +
			 cats_repair_us(image_of(node), node->gather, node->slots, CATS_EFFORT_MAX,
					node->gather->rounds + 1) +
			 late_us(node);
	start_round(node, 0);
}

/* What this leader takes to be needed. */
static uint8_t effort_of(const struct cats_node *node)
{
	if (node->gather->rounds < 2) {
		return 0;
	}
	return (node->trouble >= MUCH_TROUBLE || node->losses >= SOME_LOSSES) +
	       (node->losses >= MORE_LOSSES) + (node->losses >= MOST_LOSSES);
}

void cats_exchange_open(struct cats_node *node, uint32_t at_us)
{
	open_at(node, at_us + cats_sync_us(image_of(node), node->x, node->leader, node->slots),
		at_us);
	node->clocked = true;
	node->effort = effort_of(node);
	if (leads_alone(node)) {
		node->alone_us = at_us;
	} else if (cats_openings(image_of(node), node->x, node->slots) > 1) {
		node->exchange = CATS_EXCHANGE_SYNC;
	}
}

struct cats_gather_stats *cats_stats_of(struct cats_node *node, struct cats_exchange x)
{
	return &node->stats.gather[image_of(node)->gathers[x.gather].kind];
}

void cats_exchange_finish(struct cats_node *node)
{
	struct cats_reception *r = current_of(node);
	struct cats_gather_stats *stats = cats_stats_of(node, node->x);

	if (r->final) {
		return;
	}
	r->final = true;
	stats->exchanges++;
	stats->lost += r->lacking;
	node->lost += r->lacking;
	if (node->config.available != NULL) {
		node->config.available(node->config.user, node->number, node->x, &r->available);
	}
}

/* Whether so much of an inference is left that the others take for gone who says nothing from now
 * on. Else they expect the next one of it, and wait for that as for an idle leader.
 */
static bool leaves_in_time(const struct cats_node *node)
{
	return node->x.gather + GONE_EXCHANGES + 1 < image_of(node)->header->gathers;
}

/* What this exchange tells a leader of those to come: whether anybody is heard. */
static void look_back(struct cats_node *node)
{
	uint32_t sources = 0;
	uint32_t silent = 0;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		if (s != self_of(node) && fragments_of(node, s) != 0) {
			sources++;
			silent += node->quiet[s] != 0;
		}
	}
	if (!leads(node) || sources == 0) {
		return;
	}
	if (silent < sources) {
		node->lonely = 0;
	} else if (node->lonely + 1 != ALONE_EXCHANGES || leaves_in_time(node)) {
		node->lonely += node->lonely < UINT8_MAX;
	}
}

static int32_t within(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value < high ? value : high;
}

/* How much of the data this node hears itself, of all who are there. */
static void measure_hearing(struct cats_node *node)
{
	int32_t all = 0;
	int32_t missed;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		if (s != self_of(node) && !source_gone(node, s)) {
			all += fragments_of(node, s);
		}
	}
	missed = all - node->taken;
	if (all >= 8) { /* of fewer they say little */
		node->losses = (uint8_t)((3 * node->losses + within(64 * missed / all, 0, 64)) / 4);
	}
	missed = within(missed - 2 * node->taken, -DULL_STEP, DULL_STEP);
	node->dull = (uint8_t)within(node->dull + missed, 0, 2 * DULL_LIMIT);
}

void cats_exchange_close(struct cats_node *node, uint32_t now_us)
{
	if (exchange_open(node)) {
		cats_stats_of(node, node->x)->air_us += now_us - node->opened_us;
		look_back(node);
		node->trouble -= node->trouble != 0;
		if (node->round > 1 && node->trouble < MOST_TROUBLE - TROUBLE) {
			node->trouble += 1 + TROUBLE;
		}
	}
	if (last_exchange(node) && !past(node->not_before_us, now_us + node->gather->control_us)) {
		/* Others end a little later, and are to hear the next inference's first frame. */
		node->not_before_us = now_us + node->gather->control_us;
	}
	measure_hearing(node);
	node->opening = 0;
	node->exchange = CATS_EXCHANGE_OVER;
	cats_exchange_finish(node);
}

/* What others say of it */

/* The leader's word how many turns rounds of repair have, 0..CATS_EFFORT_MAX. */
static uint8_t said_effort(const struct cats_frame *frame)
{
	uint8_t said = frame->type == CATS_FRAME_DATA ? frame->slot : frame->index;

	return (said & CATS_EFFORT) >> CATS_EFFORT_SHIFT;
}

uint32_t cats_exchange_base(const struct cats_node *node, const struct cats_frame *frame,
			    uint32_t start_us)
{
	const struct cats_image *image = image_of(node);
	const struct cats_image_gather *gather = &image->gathers[frame->x.gather];
	uint8_t effort = said_effort(frame);
	uint32_t slot = frame->slot;

	switch (frame->type) {
	case CATS_FRAME_SYNC:
		return start_us - slot * gather->control_us +
		       cats_sync_us(image, frame->x, frame->source, node->slots);
	case CATS_FRAME_DATA:
		slot = relays(image)
			       ? cats_hop_slot(image, frame->x.gather, frame->source, frame->index)
			       : cats_slot_first(image, frame->x, frame->source) + frame->index;
		break;
	case CATS_FRAME_NEED:
		return start_us - cats_repair_us(image, gather, node->slots, effort, frame->round) -
		       cats_need_us(gather, frame->round, frame->slot);
	default:
		if (!relays(image)) {
			start_us -=
				slot * gather->coded_us +
				cats_repair_us(image, gather, node->slots, effort, frame->round) +
				cats_round_us(image, gather, frame->round);
		}
		break;
	}
	return start_us - slot * gather->slot_us;
}

/* Take the time from a frame: the leader's before anybody's, and of the same kind never a later
 * one, which is that of a frame that came late.
 */
static void adopt(struct cats_node *node, bool leader, uint32_t base_us)
{
	bool better = leader && !node->clocked;
	bool same = leader == node->clocked;

	if (better || (same && !past(base_us, node->base_us + late_us(node) + 1))) {
		node->base_us = base_us;
		node->clocked = leader;
	}
}

void cats_exchange_clock(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
			 uint32_t now_us)
{
	uint32_t base_us = cats_exchange_base(node, frame, start_us);
	bool leader = frame->source == node->leader;

	if (node->exchange == CATS_EXCHANGE_WAITING) {
		open_at(node, base_us, now_us);
		node->clocked = leader;
		node->effort = said_effort(frame);
	} else {
		adopt(node, leader, base_us);
	}
	if (frame->round > node->round) {
		start_round(node, frame->round);
	}
	if (frame->round == 0 || frame->round < node->round) {
		return;
	}
	if (frame->type == CATS_FRAME_CODED || (frame->index & CATS_NEEDED) != 0) {
		cats_exchange_need(node);
	}
	if (frame->type == CATS_FRAME_CODED) {
		node->exchange = CATS_EXCHANGE_CODED;
	} else {
		node->answers |= (uint16_t)(1u << frame->source);
	}
}

void cats_node_sensed(struct cats_node *node, bool busy)
{
	if (node->exchange != CATS_EXCHANGE_NEED) {
		return;
	}
	if (busy) {
		cats_exchange_need(node);
	} else {
		node->told = true;
	}
}

/* Time */

uint32_t cats_exchange_data_at(const struct cats_node *node, uint32_t slot)
{
	return node->base_us + slot * node->gather->slot_us;
}

/* Whether nodes may lack something of which this one has not heard: it could not sense in time, or
 * some who are there did not say that they lack nothing.
 */
static bool unsure(const struct cats_node *node)
{
	if (cats_senses(image_of(node))) {
		return !node->told;
	}
	for (uint32_t s = 0; s < nodes_of(node); s++) {
		if (s != self_of(node) && !source_gone(node, s) && !source_dull(node, s) &&
		    (node->answers >> s & 1) == 0) {
			return hears_enough(node);
		}
	}
	return false;
}

/* What ends a phase that is open, and whether a round of repair follows, else nothing. */
struct phase_end {
	uint32_t at;
	bool round;
};

static struct phase_end end_of(const struct cats_node *node)
{
	struct phase_end end = {.round = node->round < node->gather->rounds};

	switch (node->exchange) {
	case CATS_EXCHANGE_SYNC:
	case CATS_EXCHANGE_DATA:
		end.at = cats_exchange_data_at(node, node->slots);
		break;
	case CATS_EXCHANGE_NEED:
		end.round = false;
		end.at = round_at(node, node->round);
		if (!node->told) {
			end.at += cats_need_us(node->gather, node->round,
					       cats_need_slots(image_of(node)));
		}
		break;
	default:
		end.at = round_at(node, node->round + 1);
		break;
	}
	if (end.round) {
		/* A round is entered so early that its first frame is handed out in time. */
		end.at -= node->config.early_us;
	} else if (node->exchange == CATS_EXCHANGE_NEED ? !node->told
							: node->reception[node->air].lacking != 0) {
		end.at += late_us(node);
	}
	return end;
}

/* The next exchange is not opened before the last of its fragments can have been used: where that
 * is computed behind the air, and not beside it, it takes what the spacing is more than the air.
 */
static void give_time(struct cats_node *node, uint32_t end_us)
{
	uint8_t need_slots = cats_senses(image_of(node)) ? 0 : nodes_of(node);
	uint32_t air_us = cats_exchange_data_at(node, node->slots) - node->opened_us +
			  need_slots * node->gather->control_us;
	uint32_t spacing_us = node->gather->spacing_us;
	uint32_t next_us = end_us + (spacing_us > air_us ? spacing_us - air_us : 0);

	if (!past(node->not_before_us, next_us)) {
		node->not_before_us = next_us;
	}
}

/* Whether a node that leads alone sends a SYNC again: not often, for who hears it waits for more.
 */
static bool calls_others(const struct cats_node *node, uint32_t now_us)
{
	return now_us - node->alone_us >= CALL_TIMEOUTS * node->config.timeout_us;
}

/* An exchange whose opening is on no air: nobody sends anything, or who leads alone keeps quiet,
 * but listens for as long as the first one takes.
 */
static void open_unheard(struct cats_node *node, uint32_t now_us)
{
	if (of_nobody(node) || (leads_alone(node) && !first_exchange(node->x))) {
		cats_exchange_close(node, now_us);
	} else if (leads_alone(node) && !calls_others(node, now_us)) {
		open_at(node, now_us, now_us);
		node->clocked = true;
	}
}

void cats_exchange_tick(struct cats_node *node, uint32_t now_us)
{
	if (node->exchange == CATS_EXCHANGE_WAITING && node->produced != 0) {
		open_unheard(node, now_us);
	}
	while (exchange_open(node)) {
		struct phase_end end = end_of(node);

		if (past(now_us, node->limit_us)) {
			cats_exchange_close(node, now_us);
		} else if (!past(now_us, end.at)) {
			break;
		} else if (end.round) {
			start_round(node, node->round + 1);
		} else if (node->exchange == CATS_EXCHANGE_NEED &&
			   (node->needed || cats_needs(node) || unsure(node))) {
			cats_exchange_need(node);
			node->exchange = CATS_EXCHANGE_CODED;
		} else {
			give_time(node, end.at);
			cats_exchange_close(node, now_us);
		}
	}
}

bool cats_exchange_wake(struct cats_node *node, uint32_t *at)
{
	struct phase_end end;

	if (!exchange_open(node)) {
		return false;
	}
	end = end_of(node);
	*at = past(end.at, node->limit_us) ? node->limit_us : end.at;
	return true;
}
