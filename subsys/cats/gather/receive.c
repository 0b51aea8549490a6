/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames of others: which inference a node joins, whom it follows, what it takes. */

#include <errno.h>

#include "node_internal.h"

/* A node may join an inference during its first gathers. */
#define JOIN_GATHERS 2

/* What cats_frame_parse() returns for a frame that is dropped. */
static int reject(enum cats_reject reason)
{
	return -1 - reason;
}

static bool stale(uint16_t number, uint16_t last)
{
	return (uint16_t)(last - number) < STALE_NUMBERS;
}

/* Whether an idle node takes part in the inference that a frame belongs to. */
static bool joins(const struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		  bool silence)
{
	if (node->numbered && !silence && stale(frame->inference, node->number)) {
		return false;
	}
	if (node->phase == CATS_NODE_WAITING) {
		return frame->x.gather < JOIN_GATHERS;
	}
	/* It may have been in this inference before it restarted: only where that began later. */
	return first_exchange(frame->x) && frame->round == 0 &&
	       past(cats_exchange_base(image_of(node), frame, start_us), node->born_us);
}

/* The leader whom the sender of a frame follows, as far as the frame says. */
static uint8_t leader_of(const struct cats_node *node, const struct cats_frame *frame)
{
	switch (frame->type) {
	case CATS_FRAME_DATA:
		return frame->slot & 15;
	case CATS_FRAME_REPORT:
		return frame->index;
	case CATS_FRAME_CODED:
		return node->leader;
	default:
		return frame->source;
	}
}

/* Join the inference of a frame, or remember what is heard of one that is not this node's. */
static bool join(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		 bool silence, uint32_t now_us)
{
	if (joins(node, frame, start_us, silence)) {
		cats_inference_begin(node, frame->inference, now_us);
		node->leader = leader_of(node, frame);
		if (cats_node_leads(node)) {
			node->leader = frame->source;
		}
		return true;
	}
	if (!node->numbered || frame->inference != node->number) {
		node->phase = CATS_NODE_STARTING;
		node->born_us = now_us;
	}
	if (!node->numbered || !stale(frame->inference, node->seen)) {
		node->numbered = true;
		node->number = frame->inference - 1;
		node->seen = frame->inference;
	}
	return false;
}

/* Whether a leader may be followed: of two, the lower one, unless that is not heard any more. */
static bool acceptable(const struct cats_node *node, uint8_t leader)
{
	return leader <= node->leader || (!cats_node_leads(node) && node->quiet[node->leader] != 0);
}

/* Go on to the exchange of a frame, and follow its leader; else why not. */
static int catch_up(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	const struct cats_image *image = image_of(node);
	bool accepted = acceptable(node, leader_of(node, frame));

	if (frame->inference != node->number) {
		if (frame->x.gather >= JOIN_GATHERS || stale(frame->inference, node->number)) {
			return reject(CATS_REJECT_INFERENCE);
		}
		if (!accepted) {
			return reject(CATS_REJECT_LEADER);
		}
		node->abandon = true;
		cats_inference_settle(node, now_us);
		return reject(CATS_REJECT_BUSY);
	}
	node->quiet[frame->source] = 0;
	node->heard |= (uint16_t)(1u << frame->source);
	if (cats_exchange_before(image, frame->x, node->x)) {
		return reject(CATS_REJECT_LATE);
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
			return reject(CATS_REJECT_BUSY);
		}
	}
	if (node->exchange == CATS_EXCHANGE_OVER) {
		return reject(CATS_REJECT_LATE);
	}
	if (leader_of(node, frame) == frame->source && frame->source != node->leader) {
		if (accepted) {
			node->leader = frame->source;
		} else if (frame->type != CATS_FRAME_DATA) {
			return reject(CATS_REJECT_LEADER);
		}
	}
	return 0;
}

/* Whether the tile buffer of the exchange on the air is free. */
static bool placeable(struct cats_node *node)
{
	return node->consumed != 0 || first_exchange(node->x) ||
	       node->x.gather != previous_of(node)->x.gather || node->gather->buffers == 2;
}

static int take_payload(struct cats_node *node, const struct cats_frame *frame)
{
	struct cats_gather_stats *stats = stats_of(node, frame->x);
	bool used;

	if (frame->type == CATS_FRAME_REPORT && frame->round == node->round &&
	    node->exchange == CATS_EXCHANGE_REPORTS) {
		cats_counts_merge(image_of(node), frame->payload, node->counts);
		node->reported |= frame->slot == nodes_of(node) - 2;
	}
	if (frame->type != CATS_FRAME_DATA && frame->type != CATS_FRAME_CODED) {
		return 0;
	}
	if (!placeable(node)) {
		return reject(CATS_REJECT_BUSY);
	}
	if (frame->type == CATS_FRAME_DATA && frame->index < fragments_of(node, frame->source)) {
		used = cats_reception_data(image_of(node), current_of(node), node->config.arena,
					   frame);
		stats->heard += used;
	} else {
		used = cats_reception_coded(image_of(node), current_of(node), node->config.arena,
					    frame);
	}
	stats->duplicates += !used;
	return 0;
}

static int receive(struct cats_node *node, const uint8_t *data, size_t length, uint32_t start_us,
		   uint32_t now_us)
{
	bool silence = node->silence;
	struct cats_frame frame;
	int error = cats_frame_parse(image_of(node), data, length, &frame);

	if (error != 0) {
		return error;
	}
	node->heard_us = now_us;
	node->silence = false;
	if (!cats_node_runs(node) && !join(node, &frame, start_us, silence, now_us)) {
		return reject(CATS_REJECT_INFERENCE);
	}
	error = catch_up(node, &frame, now_us);
	if (error != 0) {
		return error;
	}
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
