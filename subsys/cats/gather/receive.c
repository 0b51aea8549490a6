/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames of others: which inference a node joins, whom it follows, what it takes. */

#include <errno.h>

#include "node_internal.h"

/* The form in which a reason is told: as cats_frame_parse() does. */
static int reject(enum cats_reject reason)
{
	return -1 - reason;
}

/* The second gather that is on the air. */
static uint16_t second_gather(const struct cats_node *node)
{
	const struct cats_image *image = image_of(node);
	struct cats_exchange x = {.gather = 1};
	bool looks = MAY_BE_EMPTY && (image->model->flags & CATS_FLAG_EMPTY_GATHERS) != 0;

	while (looks && x.gather + 1u < image->header->gathers &&
	       cats_slot_first(image, x, nodes_of(node)) == 0) {
		x.gather++;
	}
	return x.gather;
}

/* Whether a node may join an inference by a frame of that gather. */
static bool may_join(const struct cats_node *node, uint16_t gather)
{
	return gather <= 1 || (MAY_BE_EMPTY && gather <= second_gather(node));
}

/* A number that a late frame may have. */
static bool recent(uint16_t number, uint16_t newest)
{
	return (uint16_t)(newest - number) < STALE_NUMBERS;
}

/* A sign of life that counts: nobody is taken for gone for a timeout. */
static void hear(struct cats_node *node, uint32_t now_us)
{
	node->heard_us = now_us;
	node->silence = false;
	node->lonely = 0;
}

/* A frame of the exchange that begins an inference. Where that is its opening alone, too little not
 * to be missed, the one behind it begins it as well.
 */
static bool begins(const struct cats_node *node, const struct cats_frame *frame)
{
	if (MAY_SEND_NO_INPUT && frame->x.gather != 0 &&
	    (image_of(node)->model->flags & (CATS_FLAG_OWN_EMBEDDING | CATS_FLAG_LLAMA)) != 0 &&
	    frame->x.gather == second_gather(node)) {
		return frame->x.tile == 0 && frame->round == 0;
	}
	return first_exchange(frame->x) && frame->round == 0;
}

/* Whether a frame began after this node did, and was not late on its way: a node that is new may
 * have been in any inference that is older than itself.
 */
static bool since_birth(const struct cats_node *node, uint32_t start_us)
{
	return node->phase != CATS_NODE_STARTING ||
	       past(start_us, node->born_us + node->config.timeout_us / 2);
}

/* Whether a number is one to go on from. Older than what comes late is what all others begin with
 * who have restarted, and what another leader has for whom this one gave way; but then nobody goes
 * back to the inference that this node was in, in which it has sent other data already.
 */
static bool believed(const struct cats_node *node, uint16_t number)
{
	return !node->numbered ||
	       (!recent(number, node->left) &&
		(newer(number, node->seen) ||
		 ((node->silence || node->abandon) && !recent(number, node->seen))));
}

/* Whether an idle node takes part in the inference that a frame belongs to. */
static bool joins(const struct cats_node *node, const struct cats_frame *frame, uint32_t start_us)
{
	if (!believed(node, frame->inference)) {
		return false;
	}
	if (node->phase == CATS_NODE_STARTING) {
		return begins(node, frame) &&
		       since_birth(node, cats_exchange_base(node, frame, start_us));
	}
	/* What comes late after a silence is no beginning. */
	return node->silence ? frame->type == CATS_FRAME_SYNC && begins(node, frame)
			     : may_join(node, frame->x.gather);
}

/* The leader whom the sender of a frame follows, as far as the frame says. */
static uint8_t leader_of(const struct cats_frame *frame)
{
	switch (frame->type) {
	case CATS_FRAME_DATA:
		return frame->slot & 15;
	case CATS_FRAME_NEED:
	case CATS_FRAME_CODED:
		return frame->index & 15;
	default:
		return frame->source;
	}
}

/* Whether an inference goes on in which this node takes no part: at a later exchange than before,
 * or in one for no longer than that can last. Who repeats one frame holds nobody up.
 */
static bool advances(const struct cats_node *node, struct cats_exchange x, uint32_t now_us)
{
	return cats_exchange_before(image_of(node), node->front, x) ||
	       (same_exchange(x, node->front) && !past(now_us, node->limit_us));
}

/* Join the inference of a frame, or remember what is heard of one that is not this node's. */
static bool __attribute__((__noinline__))
join(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us, uint32_t now_us)
{
	bool news = believed(node, frame->inference);

	if (joins(node, frame, start_us)) {
		cats_inference_begin(node, frame->inference, now_us);
		node->leader = leader_of(frame);
		if (leads(node)) {
			node->leader = frame->source;
		}
		return true;
	}
	if (news) {
		if (node->phase == CATS_NODE_STARTING || !may_join(node, frame->x.gather)) {
			cats_inference_see(node, frame->inference);
		}
		if (since_birth(node, start_us)) {
			node->phase = CATS_NODE_LISTENING;
		}
	}
	if (news || (frame->inference == node->seen && advances(node, frame->x, now_us))) {
		if (news || cats_exchange_before(image_of(node), node->front, frame->x)) {
			node->front = frame->x;
			node->limit_us = now_us + cats_exchange_us(image_of(node), frame->x);
		}
		hear(node, now_us);
		if (leader_of(frame) < node->leader) {
			node->leader = leader_of(frame); /* who leads in its place gives way */
		}
	}
	return false;
}

/* Whether nothing was heard for so long that the leader may have changed. */
static bool leader_quiet(const struct cats_node *node, uint32_t now_us)
{
	return node->silence || past(now_us, node->heard_us + node->config.timeout_us / 2);
}

/* Whether a leader may be followed: of two, the lower one, unless that is not heard any more. */
static bool acceptable(const struct cats_node *node, uint8_t leader, uint32_t now_us)
{
	return leader <= node->leader || (!leads(node) && leader_quiet(node, now_us));
}

/* Whether a frame of another inference ends this one: its leader has gone on, or is not heard any
 * more; or this node leads, and others follow a lower leader, or nobody follows this one.
 */
static bool ends_mine(const struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	uint8_t leader = leader_of(frame);
	bool alone = node->heard == 0;

	if (leads(node)) {
		return !recent(frame->inference, node->number) &&
		       (leader < self_of(node) ? alone || frame->source != leader
					       : alone && !may_join(node, frame->x.gather));
	}
	return newer(frame->inference, node->number) && may_join(node, frame->x.gather) &&
	       (leader == node->leader || leader_quiet(node, now_us));
}

/* A frame of an exchange that is over here. The others may still be in it, until its latest end. */
static int too_late(struct cats_node *node, uint32_t now_us)
{
	if (!past(now_us, node->limit_us)) {
		hear(node, now_us);
	}
	return reject(CATS_REJECT_LATE);
}

/* Go on to the exchange of a frame, and follow its leader; else why not. */
static int catch_up(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	const struct cats_image *image = image_of(node);
	bool accepted = acceptable(node, leader_of(frame), now_us);

	if (frame->inference != node->number) {
		if (!ends_mine(node, frame, now_us)) {
			return reject(CATS_REJECT_INFERENCE);
		}
		node->abandon = true;
		cats_inference_settle(node, now_us);
		return reject(CATS_REJECT_BUSY);
	}
	node->quiet[frame->source] = 0;
	if (frame->type == CATS_FRAME_DATA) {
		node->dullards &= (uint16_t)~(1u << frame->source);
		node->dullards |= (uint16_t)((frame->slot & CATS_DULL) != 0) << frame->source;
	}
	node->heard |= (uint16_t)(1u << frame->source);
	if (cats_exchange_before(image, frame->x, node->x)) {
		return too_late(node, now_us);
	}
	if (!same_exchange(frame->x, node->x)) {
		if (!accepted) {
			return reject(CATS_REJECT_LEADER);
		}
		if (cats_exchange_before(image, node->front, frame->x)) {
			node->front = frame->x;
		}
		cats_inference_settle(node, now_us);
		if (!same_exchange(frame->x, node->x)) {
			hear(node, now_us);
			return reject(CATS_REJECT_BUSY);
		}
	}
	if (node->exchange == CATS_EXCHANGE_OVER) {
		return too_late(node, now_us);
	}
	if (leader_of(frame) == frame->source && frame->source != node->leader) {
		if (accepted) {
			node->leader = frame->source;
		} else if (frame->type != CATS_FRAME_DATA) {
			return reject(CATS_REJECT_LEADER);
		}
	}
	hear(node, now_us);
	return 0;
}

#if CATS_TEXTS
/* Who sends in INPUT is the leader's word, as that of which token it is; not once this node has its
 * own.
 */
static bool follows_owner(struct cats_node *node, const struct cats_frame *frame)
{
	if (!first_exchange(frame->x) || !has_rows(image_of(node))) {
		return true;
	}
	if (node->exchange == CATS_EXCHANGE_WAITING && node->consumed == 0 && !node->job_running) {
		cats_exchange_own(node, frame->x.owner);
	}
	return frame->x.owner == node->x.owner;
}
#endif

/* Whether the tile buffer of the exchange on the air is free. */
static bool placeable(struct cats_node *node)
{
	return node->consumed != 0 || first_exchange(node->x) ||
	       node->x.gather != previous_of(node)->x.gather || node->gather->buffers == 2;
}

static int take_payload(struct cats_node *node, const struct cats_frame *frame)
{
	struct cats_gather_stats *stats = cats_stats_of(node, frame->x);
	bool used;

	cats_text_hear(node, frame);
	cats_replay_hear(node, frame);
	if (frame->type != CATS_FRAME_DATA && frame->type != CATS_FRAME_CODED) {
		return 0;
	}
	if (!placeable(node)) {
		return reject(CATS_REJECT_BUSY);
	}
	if (node->code.columns != 0 || frame->type == CATS_FRAME_CODED) {
		used = cats_code_take(node, frame,
				      frame->type == CATS_FRAME_DATA ? &stats->heard
								     : &stats->repaired);
	} else {
		used = cats_reception_data(image_of(node), current_of(node), node->config.arena,
					   frame);
		stats->heard += used;
	}
	node->taken += used && (frame->type == CATS_FRAME_DATA || relays(image_of(node)));
	stats->duplicates += !used;
	return 0;
}

/* An input waits somewhere: the idle leader begins an inference, without one of its own. */
static int asked(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	bool known = frame->index == 0;
	bool late = known && node->numbered && !newer(frame->inference, node->seen);
	bool mine = self_of(node) <= node->leader && !late;
	bool idle = node->phase == CATS_NODE_WAITING || (!cats_node_runs(node) && node->silence);
	int error = 0;

	if (sleeps(node)) {
		error = cats_sleep_asked(node);
		mine = error == 0 && !late;
		if (error == 0) {
			cats_text_hear(node, frame);
		}
	}
	if (known && !cats_node_runs(node) && (mine || !node->numbered)) {
		/* Else it would begin with a number that the others had. */
		node->numbered = true;
		node->seen = frame->inference - 1;
	}
	if (sleeps(node)) {
		return error; /* it begins behind the slots for asking */
	}
	if (!idle || !mine) {
		return reject(CATS_REJECT_INFERENCE);
	}
	node->leader = self_of(node);
	hear(node, now_us);
	cats_inference_found(node, now_us);
	cats_text_hear(node, frame);
	return 0;
}

#ifndef CATS_NO_SLEEP
/* A meeting: others have no inference, and the newest one of theirs was this. */
static int meet(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		uint32_t now_us)
{
	int error = cats_sleep_beacon(node, frame, start_us);

	if (error != 0) {
		return error;
	}
	if ((frame->index & CATS_BEACON_GUESS) == 0 && believed(node, frame->inference)) {
		cats_inference_see(node, frame->inference);
	}
	hear(node, now_us);
	return 0;
}
#endif

/* Whether a leader may call that hears nobody: it cannot know of another one. */
static bool wants_leader(const struct cats_node *node)
{
	return leads_alone(node) || (!cats_node_runs(node) && node->silence);
}

static int receive(struct cats_node *node, const uint8_t *data, size_t length, uint32_t start_us,
		   uint32_t now_us)
{
	struct cats_frame frame;
	int error = cats_frame_parse(image_of(node), node->key, data, length, &frame);

	if (error != 0) {
		return error;
	}
	if (frame.type == CATS_FRAME_ASK) {
		if (relays(image_of(node))) {
			cats_hop_pass(node, &frame, now_us);
		}
		return asked(node, &frame, now_us);
	}
#ifndef CATS_NO_SLEEP
	if (frame.type == CATS_FRAME_BEACON) {
		return meet(node, &frame, start_us, now_us);
	}
#endif
	if (frame.type == CATS_FRAME_SYNC && (frame.index & CATS_DULL) != 0 &&
	    !wants_leader(node)) {
		return reject(CATS_REJECT_LEADER);
	}
	if (!cats_node_runs(node) && !join(node, &frame, start_us, now_us)) {
		return reject(CATS_REJECT_INFERENCE);
	}
	error = catch_up(node, &frame, now_us);
	if (error != 0) {
		return error;
	}
#if CATS_TEXTS
	if (!follows_owner(node, &frame)) {
		return reject(CATS_REJECT_LEADER);
	}
#endif
	cats_exchange_clock(node, &frame, start_us, now_us);
	return take_payload(node, &frame);
}

int cats_node_receive(struct cats_node *node, const uint8_t *data, size_t length, uint32_t start_us,
		      uint32_t now_us)
{
	int error = receive(node, data, length, start_us, now_us);

	if (error != 0) {
		node->stats.rejected[-1 - error]++;
		return -EBADMSG;
	}
	return 0;
}
