/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The exchange on the air: its phases, its rounds, its clock. doc/protocol.rst, "An exchange". */

#include <string.h>

#include "node_internal.h"

/* Timeouts from one SYNC to the next of a node that leads alone. */
#define CALL_TIMEOUTS 8

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

void cats_exchange_enter(struct cats_node *node, struct cats_exchange x)
{
	node->x = x;
	node->gather = &image_of(node)->gathers[x.gather];
	cats_reception_begin(image_of(node), current_of(node), x);
	if (relays(image_of(node))) {
		cats_hop_enter(node);
	}
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
	if (relays(image_of(node))) {
		cats_hop_enter(node);
	}
	node->fragments += r->lacking;
	node->quiet[owner] += r->lack[owner] != 0 && node->quiet[owner] < UINT8_MAX;
}
#endif

static void start_round(struct cats_node *node, uint8_t round, uint32_t base_us)
{
	for (uint32_t s = 0; s < CATS_MAX_NODES; s++) {
		/* Until the last reporter is heard, any source may be wanted. */
		node->wanted[s] =
			round < 2 ? node->gather->rounds > 1
				  : node->counts[s] != 0 || (node->wanted[s] && !node->reported);
		node->counts[s] = 0;
	}
	node->exchange = round == 0 ? CATS_EXCHANGE_DATA : CATS_EXCHANGE_REPORTS;
	node->round = round;
	node->base_us = base_us;
	node->reported = false;
	node->next = 0;
}

static void open_at(struct cats_node *node, uint8_t round, uint32_t base_us, uint32_t now_us)
{
	node->opened_us = base_us;
	node->not_before_us = base_us + node->gather->spacing_us;
	node->limit_us = now_us + cats_exchange_us(image_of(node), node->x) + late_us(node);
	start_round(node, round, base_us);
}

/* So many coded frames of each source follow its data: the slots of this exchange are known. */
static void lay_out(struct cats_node *node, uint8_t ahead)
{
	if (relays(image_of(node))) {
		node->slots = cats_hop_of(image_of(node), node->x.gather)->slots;
		return;
	}
	node->ahead = ahead;
	node->first_slot = (uint16_t)cats_data_slot(image_of(node), node->x, ahead, self_of(node));
	node->slots = (uint16_t)cats_data_slot(image_of(node), node->x, ahead, nodes_of(node));
}

void cats_exchange_open(struct cats_node *node, uint32_t at_us)
{
	open_at(node, 0, at_us, at_us);
	lay_out(node, node->gather->rounds > 1 && node->probe != 0 ? node->plenty : 0);
	node->probe -= node->probe != 0;
	node->clocked = true;
	if (leads_alone(node)) {
		node->alone_us = at_us;
	} else if (first_exchange(node->x)) {
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
	uint16_t repaired;
	uint16_t lost;

	if (r->final) {
		return;
	}
	lost = cats_reception_finish(r, &repaired);
	stats->exchanges++;
	stats->repaired += repaired;
	stats->lost += lost;
	node->lost += lost;
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
	int32_t missed = -3 * node->taken;

	for (uint32_t s = 0; s < nodes_of(node); s++) {
		if (s != self_of(node) && !source_gone(node, s)) {
			missed += fragments_of(node, s);
		}
	}
	missed = within(missed, -DULL_STEP, DULL_STEP);
	node->dull = (uint8_t)within(node->dull + missed, 0, 2 * DULL_LIMIT);
}

void cats_exchange_close(struct cats_node *node, uint32_t now_us)
{
	if (exchange_open(node)) {
		cats_stats_of(node, node->x)->air_us += now_us - node->opened_us;
		look_back(node);
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

void cats_exchange_grant(struct cats_node *node, enum cats_grant then)
{
	uint32_t slots = cats_grant_slots(node, nodes_of(node));

	node->exchange = leads(node) ? CATS_EXCHANGE_GRANT : CATS_EXCHANGE_CODED;
	node->then = then;
	node->next = 0;
	node->end_us = node->base_us + cats_round_us(image_of(node), node->x) +
		       slots * node->gather->slot_us;
	if (slots == 0 && then != CATS_GRANT_AGAIN) {
		/* Nothing lacks: no round follows, and no copy of the grant. */
		node->exchange = CATS_EXCHANGE_CODED;
		node->then = CATS_GRANT_LAST;
		node->end_us -= node->gather->control_us + node->gather->turn_us;
	}
}

uint32_t cats_exchange_base(const struct cats_image *image, const struct cats_frame *frame,
			    uint32_t start_us)
{
	const struct cats_image_gather *gather = &image->gathers[frame->x.gather];

	if (relays(image) && frame->type != CATS_FRAME_SYNC) {
		uint32_t slot = frame->slot;

		if (frame->type == CATS_FRAME_DATA) {
			slot = cats_hop_slot(image, frame->x.gather, frame->source, frame->index);
		}
		return start_us - cats_sync_us(image, frame->x) - slot * gather->slot_us;
	}
	switch (frame->type) {
	case CATS_FRAME_SYNC:
		return start_us - frame->slot * gather->control_us;
	case CATS_FRAME_REPORT:
		return start_us - cats_report_us(image, frame->x, frame->slot);
	case CATS_FRAME_DATA:
		return start_us - cats_sync_us(image, frame->x) -
		       (cats_data_slot(image, frame->x, cats_frame_ahead(frame), frame->source) +
			frame->index) *
			       gather->slot_us;
	case CATS_FRAME_GRANT:
		return start_us -
		       cats_report_us(image, frame->x, image->header->nodes - 1u + frame->slot);
	default:
		return start_us; /* CODED tells the end of its round, not the start */
	}
}

/* Take the time from a frame of the round that runs: the leader's before anybody's, and of the same
 * kind never a later one, which is that of a frame that came late.
 */
static void adopt(struct cats_node *node, bool leader, uint32_t base_us)
{
	bool better = leader && !node->clocked;
	bool same = leader == node->clocked;

	if (better || (same && !past(base_us, node->base_us + late_us(node) + 1))) {
		node->end_us += base_us - node->base_us;
		node->base_us = base_us;
		node->clocked = leader;
	}
}

void cats_exchange_clock(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
			 uint32_t now_us)
{
	const struct cats_image *image = image_of(node);
	uint32_t base_us = cats_exchange_base(image, frame, start_us);
	bool leader = frame->source == node->leader;

	if (node->exchange == CATS_EXCHANGE_WAITING) {
		open_at(node, frame->round, base_us, now_us);
		lay_out(node, cats_frame_ahead(frame));
		node->clocked = leader;
	} else if (frame->round > node->round) {
		start_round(node, frame->round, base_us);
		node->clocked = leader;
	} else if (frame->round < node->round) {
		return;
	} else if (frame->type != CATS_FRAME_CODED || (HOPS && frame->round == 0)) {
		adopt(node, leader, base_us);
	}
	if (frame->type == CATS_FRAME_GRANT &&
	    (node->exchange == CATS_EXCHANGE_REPORTS || node->exchange == CATS_EXCHANGE_HEARSAY)) {
		memset(node->counts, 0, sizeof(node->counts));
		cats_counts_merge(image, node->x, frame->payload, 1, node->counts);
		cats_exchange_grant(node, frame->index);
	} else if (frame->type == CATS_FRAME_CODED && node->exchange == CATS_EXCHANGE_REPORTS) {
		/* Others know their slots. This node knows of none, but of the end. */
		memset(node->counts, 0, sizeof(node->counts));
		node->exchange = CATS_EXCHANGE_HEARSAY;
		node->then =
			(frame->index & CATS_CODED_LAST) != 0 ? CATS_GRANT_LAST : CATS_GRANT_ROUND;
		node->end_us = start_us + (frame->slot + 1u) * node->gather->slot_us;
	}
}

/* Time */

uint32_t cats_exchange_data_at(const struct cats_node *node, uint32_t slot)
{
	return node->base_us + cats_sync_us(image_of(node), node->x) + slot * node->gather->slot_us;
}

/* What ends a phase that is open, and what comes behind it. */
struct phase_end {
	uint32_t at;
	bool known; /* else only a frame can tell */
	bool round; /* another round of repair follows, else nothing */
};

static struct phase_end data_end(const struct cats_node *node)
{
	return (struct phase_end){
		.at = cats_exchange_data_at(node, node->slots),
		.known = true,
		.round = node->gather->rounds != 0,
	};
}

static struct phase_end reports_end(struct cats_node *node)
{
	bool idle = last_exchange(node) && current_of(node)->lacking == 0 &&
		    fragments_of(node, self_of(node)) == 0;

	/* No slot was left for this leader's grant; or what it says does not matter here. */
	return (struct phase_end){
		.at = node->base_us + cats_round_us(image_of(node), node->x),
		.known = leads(node) || idle,
	};
}

static struct phase_end coded_end(const struct cats_node *node)
{
	return (struct phase_end){
		.at = node->end_us,
		.known = true,
		.round = node->round < node->gather->rounds && node->then != CATS_GRANT_LAST,
	};
}

static struct phase_end end_of(struct cats_node *node)
{
	struct phase_end end;

	switch (node->exchange) {
	case CATS_EXCHANGE_SYNC:
	case CATS_EXCHANGE_DATA:
		end = data_end(node);
		break;
	case CATS_EXCHANGE_REPORTS:
		end = reports_end(node);
		break;
	default:
		end = coded_end(node);
		break;
	}
	if (end.round) {
		/* A round is entered so early that its first report is handed out in time. */
		end.at -= node->config.early_us;
	} else if (current_of(node)->lacking != 0 && (node->round == node->gather->rounds ||
						      node->exchange == CATS_EXCHANGE_REPORTS)) {
		end.at += late_us(node);
	}
	return end;
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
		open_at(node, 0, now_us, now_us);
		lay_out(node, 0);
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
		} else if (!end.known || !past(now_us, end.at)) {
			break;
		} else if (end.round) {
			start_round(node, node->round + 1, end.at + node->config.early_us);
		} else {
			if (!past(node->not_before_us, end.at)) {
				node->not_before_us = end.at;
			}
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
	*at = node->limit_us;
	if (end.known && !past(end.at, *at)) {
		*at = end.at;
	}
	return true;
}
