/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The exchange on the air: its clock, its rounds, this node's slots. doc/protocol.rst, "Schedule"
 * and "Repair".
 */

#include <string.h>

#include "node_internal.h"

#define COUNT_MAX 15
/* So many exchanges have coded frames ahead before one without tells how many are needed. */
#define PROBE_EXCHANGES 7

static uint16_t fragments_of(struct cats_node *node, uint8_t source)
{
	return cats_fragment_count(image_of(node), node->x, source);
}

/* How far a frame, or the processing of one, may be behind its slot. */
static uint32_t late_us(struct cats_node *node)
{
	return node->config.late_us != 0 ? node->config.late_us : node->gather->slot_us / 32;
}

static bool past(uint32_t now_us, uint32_t at)
{
	return cats_time_diff(now_us, at) >= 0;
}

void exchange_enter(struct cats_node *node, struct cats_exchange x)
{
	struct cats_exchange next = x;

	node->x = x;
	node->gather = &image_of(node)->gathers[x.gather];
	cats_reception_begin(image_of(node), current_of(node), x);
	node->last = !cats_exchange_next(image_of(node), &next);
	node->open = false;
	node->clocked = false;
	node->closed = false;
	node->sync = false;
	node->syncs = UINT8_MAX; /* who does not open it sends none */
	node->fragments += current_of(node)->lacking;
	for (uint32_t s = 0; s < image_of(node)->header->nodes; s++) {
		node->quiet[s] += fragments_of(node, s) != 0 && node->quiet[s] < UINT8_MAX;
	}
}

static void start_round(struct cats_node *node, uint8_t round, uint32_t base_us)
{
	for (uint32_t s = 0; s < CATS_MAX_NODES; s++) {
		/* Until the last reporter is heard, any source may be wanted. */
		node->wanted[s] =
			round < 2 ? node->gather->rounds > 1
				  : node->counts[s] != 0 || (node->wanted[s] && !node->reported);
		node->counts[s] = 0;
	}
	node->round = round;
	node->base_us = base_us;
	node->granted = false;
	node->hearsay = false;
	node->final = false;
	node->over = false;
	node->reported = false;
	node->grants = 0;
	node->next = 0;
}

static void open(struct cats_node *node, uint8_t round, uint32_t base_us, uint32_t now_us)
{
	node->open = true;
	node->opened_us = base_us;
	node->not_before_us = base_us + node->gather->spacing_us;
	node->limit_us = now_us + cats_exchange_us(image_of(node), node->x) + late_us(node);
	start_round(node, round, base_us);
}

void exchange_finish(struct cats_node *node)
{
	struct cats_reception *r = current_of(node);
	struct cats_gather_stats *stats = stats_of(node, node->x);
	uint16_t repaired;
	uint16_t lost;

	if (r->final) {
		return;
	}
	lost = cats_reception_finish(image_of(node), r, &repaired);
	stats->exchanges++;
	stats->repaired += repaired;
	stats->lost += lost;
	node->lost += lost;
	if (node->config.available != NULL) {
		node->config.available(node->config.user, node->number, node->x, &r->available);
	}
}

void exchange_close(struct cats_node *node, uint32_t now_us)
{
	if (node->open) {
		stats_of(node, node->x)->air_us += now_us - node->opened_us;
	}
	if (node->last && !past(node->not_before_us, now_us + node->gather->control_us)) {
		/* Others end a little later, and are to hear the next inference's first frame. */
		node->not_before_us = now_us + node->gather->control_us;
	}
	node->closed = true;
	node->sync = false;
	exchange_finish(node);
}

/* The clock */

/* Coded slots of this round before those of a source. */
static uint32_t count_slots(const struct cats_node *node, uint8_t source)
{
	uint32_t slots = 0;

	for (uint32_t s = 0; s < source; s++) {
		slots += node->counts[s];
	}
	return slots;
}

/* counts[] are the coded slots of this round. Without any the exchange is over, unless the leader
 * wants to hear reports once more.
 */
static void grant(struct cats_node *node, uint8_t then)
{
	uint32_t slots = count_slots(node, image_of(node)->header->nodes);

	node->granted = true;
	node->hearsay = false;
	node->final = then == CATS_GRANT_LAST;
	node->over = slots == 0 && then != CATS_GRANT_AGAIN;
	node->next = 0;
	node->end_us = node->base_us + cats_round_us(image_of(node), node->x) +
		       slots * node->gather->slot_us;
	if (node->over) {
		/* The copy is not sent. */
		node->end_us -= node->gather->control_us + node->gather->turn_us;
	}
}

uint32_t exchange_base(const struct cats_image *image, const struct cats_frame *frame,
		       uint32_t start_us)
{
	const struct cats_image_gather *gather = &image->gathers[frame->x.gather];

	switch (frame->type) {
	case CATS_FRAME_SYNC:
		return start_us - frame->slot * gather->control_us;
	case CATS_FRAME_REPORT:
		return start_us - cats_report_us(image, frame->x, frame->slot);
	case CATS_FRAME_DATA:
		return start_us - cats_sync_us(image, frame->x) -
		       (cats_data_slot(image, frame->x, frame->slot >> 4, frame->source) +
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

void exchange_clock(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		    uint32_t now_us)
{
	const struct cats_image *image = image_of(node);
	uint32_t base_us = exchange_base(image, frame, start_us);
	bool leader = frame->source == node->leader;

	if (!node->open) {
		open(node, frame->round, base_us, now_us);
		node->ahead = frame->type == CATS_FRAME_SYNC ? frame->index : frame->slot >> 4;
		node->clocked = leader;
	} else if (frame->round > node->round) {
		start_round(node, frame->round, base_us);
		node->clocked = leader;
	} else if (frame->round < node->round) {
		return;
	} else if (frame->type != CATS_FRAME_CODED) {
		adopt(node, leader, base_us);
	}
	if (frame->type == CATS_FRAME_GRANT && (!node->granted || node->hearsay)) {
		memset(node->counts, 0, sizeof(node->counts));
		cats_counts_merge(image, frame->payload, node->counts);
		grant(node, frame->index);
	} else if (frame->type == CATS_FRAME_CODED && !node->granted) {
		/* Others know their slots. This node knows of none, but of the end. */
		memset(node->counts, 0, sizeof(node->counts));
		node->granted = true;
		node->hearsay = true;
		node->final = (frame->index & CATS_CODED_LAST) != 0;
		node->end_us = start_us + (frame->slot + 1u) * node->gather->slot_us;
	}
}

/* The start of a source's data slots. */
static uint32_t data_at(struct cats_node *node, uint8_t source)
{
	const struct cats_image *image = image_of(node);
	struct cats_exchange x = node->x;

	return node->base_us + cats_sync_us(image, x) +
	       cats_data_slot(image, x, node->ahead, source) * node->gather->slot_us;
}

/* The time at which the phase that runs is over; false where only a frame can tell. */
static bool phase_end(struct cats_node *node, uint32_t *at)
{
	bool final_phase = node->round == node->gather->rounds;

	if (node->round == 0) {
		*at = data_at(node, image_of(node)->header->nodes);
	} else if (node->granted) {
		*at = node->end_us;
	} else if (node->leader == self_of(node) || (node->last && current_of(node)->lacking == 0 &&
						     fragments_of(node, self_of(node)) == 0)) {
		/* No slot was left for the grant; or what it says does not matter here. */
		*at = node->base_us + cats_round_us(image_of(node), node->x);
		final_phase = true;
	} else {
		return false;
	}
	if (final_phase && current_of(node)->lacking != 0) {
		*at += late_us(node);
	}
	return true;
}

/* Whether a round of repair is behind the phase that runs. */
static bool another_round(struct cats_node *node)
{
	return node->round < node->gather->rounds && (node->round == 0 || node->granted) &&
	       !node->over && !node->final;
}

/* A round is entered so early that its first report is handed out in time. */
static uint32_t early_us(struct cats_node *node)
{
	return another_round(node) ? node->config.early_us : 0;
}

void exchange_tick(struct cats_node *node, uint32_t now_us)
{
	uint32_t at;

	if (!node->open && node->produced &&
	    cats_slot_first(image_of(node), node->x, image_of(node)->header->nodes) == 0) {
		exchange_close(node, now_us); /* nobody has anything to send */
	}
	while (node->open && !node->closed) {
		if (past(now_us, node->limit_us)) {
			exchange_close(node, now_us);
		} else if (!phase_end(node, &at) || !past(now_us, at - early_us(node))) {
			break;
		} else if (another_round(node)) {
			start_round(node, node->round + 1, at);
		} else {
			if (!past(node->not_before_us, at)) {
				node->not_before_us = at;
			}
			exchange_close(node, now_us);
		}
	}
}

bool exchange_wake(struct cats_node *node, uint32_t *at)
{
	uint32_t end;

	if (!node->open || node->closed) {
		return false;
	}
	*at = node->limit_us;
	if (phase_end(node, &end) && !past(end, *at)) {
		*at = end - early_us(node);
	}
	return true;
}

/* Own frames */

static uint16_t own_slots(struct cats_node *node)
{
	uint16_t fragments = fragments_of(node, self_of(node));

	return fragments != 0 ? fragments + node->ahead : 0;
}

/* SYNC of who leads, then DATA. */
static bool data_frame(struct cats_node *node, uint32_t late, struct cats_frame *frame,
		       uint32_t *at)
{
	frame->type = CATS_FRAME_SYNC;
	frame->index = node->ahead;
	for (; cats_node_leads(node) &&
	       node->syncs < (node->x.gather == 0 && node->x.tile == 0 ? 2 : 1);
	     node->syncs++) {
		frame->slot = node->syncs;
		*at = node->base_us + node->syncs * node->gather->control_us;
		if (past(*at, late)) {
			return true;
		}
	}
	frame->type = CATS_FRAME_DATA;
	frame->slot = (uint8_t)(node->ahead << 4 | node->leader);
	for (; node->produced && node->next < own_slots(node); node->next++) {
		frame->index = (uint8_t)node->next;
		*at = data_at(node, self_of(node)) + node->next * node->gather->slot_us;
		if (past(*at, late)) {
			return true;
		}
	}
	return false;
}

/* REPORT, or GRANT of who leads, then CODED. */
static bool repair_frame(struct cats_node *node, uint32_t late, struct cats_frame *frame,
			 uint32_t *at)
{
	const struct cats_image *image = image_of(node);
	bool leads = cats_node_leads(node);
	uint8_t self = self_of(node);
	uint32_t slots;

	if (!node->granted && !leads) {
		frame->type = CATS_FRAME_REPORT;
		frame->slot = self - (self > node->leader);
		frame->index = node->leader;
		*at = node->base_us + cats_report_us(image, node->x, frame->slot);
		return node->next == 0 && past(*at, late);
	}
	for (; leads && node->grants < 2 && !node->over && !node->hearsay; node->grants++) {
		frame->type = CATS_FRAME_GRANT;
		frame->slot = node->grants;
		*at = node->base_us +
		      cats_report_us(image, node->x, image->header->nodes - 1u + node->grants);
		if (past(*at, late)) {
			return true;
		}
	}
	if (!node->granted || !node->produced || fragments_of(node, self) == 0) {
		return false;
	}
	frame->type = CATS_FRAME_CODED;
	for (; node->next < node->counts[self]; node->next++) {
		slots = count_slots(node, self) + node->next;
		*at = node->base_us + cats_round_us(image, node->x) + slots * node->gather->slot_us;
		if (past(*at, late)) {
			frame->index = (uint8_t)((node->round - 1) << 4 | node->next |
						 (node->final ? CATS_CODED_LAST : 0));
			frame->slot =
				(uint8_t)(count_slots(node, image->header->nodes) - slots - 1);
			return true;
		}
	}
	return false;
}

bool exchange_frame(struct cats_node *node, uint32_t now_us, struct cats_frame *frame, uint32_t *at)
{
	uint32_t late = now_us - late_us(node); /* a slot that began before is lost */

	*frame = (struct cats_frame){
		.type = CATS_FRAME_SYNC,
		.source = self_of(node),
		.inference = node->number,
		.x = node->x,
	};
	if (node->closed) {
		return false;
	}
	if (!node->open) {
		*at = now_us + node->config.lead_us;
		if (!past(*at, node->not_before_us)) {
			*at = node->not_before_us;
		}
		return node->produced && cats_node_leads(node);
	}
	frame->round = node->round;
	return node->round == 0 ? data_frame(node, late, frame, at)
				: repair_frame(node, late, frame, at);
}

static bool gone(const struct cats_node *node, uint8_t source)
{
	return node->quiet[source] >= GONE_EXCHANGES;
}

/* Add what this node lacks to what was reported. */
static bool count_needs(struct cats_node *node)
{
	bool any = false;

	for (uint32_t s = 0; s < image_of(node)->header->nodes; s++) {
		uint16_t lack = 0;

		if (s != self_of(node) && !gone(node, s)) {
			lack = cats_reception_lack(image_of(node), current_of(node), s);
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
	uint32_t slots = count_slots(node, image_of(node)->header->nodes);
	uint32_t sources = 0;
	uint32_t each;

	for (uint32_t s = 0; s < image_of(node)->header->nodes; s++) {
		sources += fragments_of(node, s) != 0;
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

/* What each source is granted, from what was reported, and what follows.
 *
 * Others pass on what they hear of a report, but nobody passes on the last one. Where the leader
 * missed it, there is another round; or, in the last round, one frame of each source that may still
 * be wanted. Nobody can ask after the last round, so it sends one frame more than is needed. Where
 * that costs less time than a round, and few lack anything since coded frames were ahead, this round
 * is the last.
 */
static uint8_t decide(struct cats_node *node)
{
	const struct cats_image_gather *gather = node->gather;
	uint8_t nodes = image_of(node)->header->nodes;
	uint8_t last = node->leader == nodes - 1 ? nodes - 2 : nodes - 1;
	bool unsure = !node->reported && !gone(node, last);
	bool any = count_needs(node);
	uint32_t asked = 0;

	for (uint32_t s = 0; s < nodes; s++) {
		asked += node->counts[s] != 0;
	}
	if (node->round == 1 && node->ahead == 0) {
		look_ahead(node);
	}
	if (node->round < gather->rounds &&
	    (unsure || node->ahead == 0 ||
	     asked * gather->slot_us > cats_round_us(image_of(node), node->x))) {
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

uint16_t exchange_build(struct cats_node *node, struct cats_frame *frame, uint32_t at)
{
	const struct cats_image *image = image_of(node);
	struct cats_exchange x = frame->x;
	uint8_t *payload = node->frame + CATS_FRAME_HEADER;

	switch (frame->type) {
	case CATS_FRAME_SYNC:
		if (!node->open) {
			open(node, 0, at, at);
			node->ahead =
				node->gather->rounds > 1 && node->probe != 0 ? node->plenty : 0;
			node->probe -= node->probe != 0;
			frame->index = node->ahead;
			node->clocked = true;
			node->sync = true;
			node->syncs = 0;
		}
		node->syncs++;
		break;
	case CATS_FRAME_DATA:
		frame->length =
			frame->index < fragments_of(node, frame->source)
				? cats_engine_fill(&node->engine, x, frame->index, payload)
				: cats_code_own(&node->engine, x,
						(uint8_t)(CATS_CODED_AHEAD + frame->index -
							  fragments_of(node, frame->source)),
						payload);
		node->next++;
		break;
	case CATS_FRAME_REPORT:
		node->next++;
		if (!count_needs(node) && frame->slot != image->header->nodes - 2) {
			return 0;
		}
		frame->length = cats_counts_size(image);
		cats_counts_pack(image, node->counts, payload);
		break;
	case CATS_FRAME_GRANT:
		if (!node->granted) {
			node->then = decide(node);
			grant(node, node->then);
		}
		frame->index = node->then;
		node->grants = frame->slot + 1;
		frame->length = cats_counts_size(image);
		cats_counts_pack(image, node->counts, payload);
		break;
	default:
		frame->length = cats_code_own(&node->engine, x, frame->index, payload);
		node->next++;
		node->heard_us = at; /* who has the word hears nobody */
		break;
	}
	return cats_frame_seal(image, frame, node->frame);
}
