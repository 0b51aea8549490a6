/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's frames in the exchange on the air: doc/protocol.rst, "Schedule". One function a phase
 * says which is next and when; a slot that began too long ago is passed over.
 */

#include <string.h>

#include "node_internal.h"

/* What all frames of the exchange on the air say of its repair. */
static uint8_t effort(const struct cats_node *node)
{
	return (uint8_t)(node->effort << CATS_EFFORT_SHIFT);
}

static uint32_t turns_of(const struct cats_node *node, uint8_t round)
{
	return cats_repair_turns(image_of(node), node->gather, node->slots, node->effort, round);
}

/* A SYNC opens the exchange as soon as this node's part of it is made. */
static bool opening(const struct cats_node *node, uint32_t now_us, struct cats_frame *frame,
		    uint32_t *at)
{
	frame->type = CATS_FRAME_SYNC;
	*at = now_us + node->config.lead_us;
	if (!past(*at, node->not_before_us)) {
		*at = node->not_before_us;
	}
	return node->produced != 0 && leads(node);
}

static bool sync_copy(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	uint8_t openings = cats_openings(image_of(node), node->x, node->slots);

	frame->type = CATS_FRAME_SYNC;
	frame->index = effort(node);
	for (; leads(node) && node->next + 1 < openings; node->next++) {
		frame->slot = (uint8_t)(node->next + 1);
		*at = node->opened_us + frame->slot * node->gather->control_us;
		if (past(*at, late)) {
			return true;
		}
	}
	node->exchange = CATS_EXCHANGE_DATA;
	node->next = 0;
	return false;
}

static bool data(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	frame->type = CATS_FRAME_DATA;
#if CATS_TEXTS
	frame->lack = cats_replay_tell(node);
#endif
	frame->slot = (uint8_t)(node->leader | effort(node) | (hears_enough(node) ? 0 : CATS_DULL));
	if (relays(image_of(node))) {
		return cats_hop_next(node, late, frame, at);
	}
	for (; node->produced != 0 && node->next < fragments_of(node, self_of(node));
	     node->next++) {
		frame->index = (uint8_t)node->next;
		*at = cats_exchange_data_at(node, node->first_slot + node->next);
		if (past(*at, late)) {
			return true;
		}
	}
	return false;
}

/* This node's turns of a round: all have theirs one after the other, from the leader's neighbour
 * on, who is the first to miss its own slots where it has not heard the opening.
 */
static bool coded(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	const uint32_t base_us = round_at(node, node->round) +
				 cats_round_us(image_of(node), node->gather, node->round);
	const uint32_t turns = turns_of(node, node->round);
	uint32_t whose = node->leader + 1;

	for (uint32_t r = 1; r < node->round; r++) {
		whose += turns_of(node, r);
	}
	frame->type = CATS_FRAME_CODED;
	frame->index = node->leader | effort(node);
	for (; node->next < turns; node->next++) {
		frame->slot = (uint8_t)node->next;
		*at = base_us + node->next * cats_coded_us(node->gather);
		if ((whose + node->next) % nodes_of(node) == self_of(node) && past(*at, late)) {
			return true;
		}
	}
	return false;
}

/* Whoever lacks something says so, in one slot of all, the others sensing whether there are any; or
 * each node in its own slot, also that it lacks nothing. Then come the turns of the round.
 */
static bool need(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	bool lacks = node->needed || cats_needs(node);

	frame->type = CATS_FRAME_NEED;
	frame->slot = cats_senses(image_of(node)) ? 0 : self_of(node);
	frame->index = node->leader | effort(node) | (lacks ? CATS_NEEDED : 0);
	*at = round_at(node, node->round) + cats_need_us(node->gather, node->round, frame->slot);
	if (node->next == 0 && past(*at, late)) {
		return true;
	}
	if (!node->needed && (node->next != 0 || !lacks)) {
		return false;
	}
	cats_exchange_need(node);
	node->exchange = CATS_EXCHANGE_CODED;
	node->next = 0;
	return coded(node, late, frame, at);
}

bool cats_send_next(struct cats_node *node, uint32_t now_us, struct cats_frame *frame, uint32_t *at)
{
	uint32_t late = now_us - late_us(node);

	*frame = (struct cats_frame){
		.source = self_of(node),
		.round = exchange_open(node) ? node->round : 0,
		.inference = node->number,
		.x = node->x,
	};
	if (leads_alone(node) && node->exchange != CATS_EXCHANGE_WAITING) {
		return false;
	}
	switch (node->exchange) {
	case CATS_EXCHANGE_WAITING:
		return opening(node, now_us, frame, at);
	case CATS_EXCHANGE_SYNC:
		return sync_copy(node, late, frame, at) || data(node, late, frame, at);
	case CATS_EXCHANGE_DATA:
		return data(node, late, frame, at);
	case CATS_EXCHANGE_NEED:
		return need(node, late, frame, at);
	case CATS_EXCHANGE_CODED:
		return coded(node, late, frame, at);
	default:
		return false;
	}
}

static uint16_t copy_fragment(const struct cats_engine *engine, struct cats_exchange x,
			      uint16_t fragment, uint8_t *payload)
{
	uint16_t size;
	const uint8_t *from = cats_engine_fragment(engine, x, fragment, &size);

	memcpy(payload, from, size);
	return size;
}

uint8_t cats_send_slot(const struct cats_node *node)
{
	return (node->oldest + node->sending) % 2;
}

uint16_t cats_send_build(struct cats_node *node, struct cats_frame *frame, uint32_t at)
{
	const struct cats_image *image = image_of(node);
	uint8_t slot = cats_send_slot(node);
	uint8_t *payload = node->frame[slot] + CATS_FRAME_HEADER;

	switch (frame->type) {
	case CATS_FRAME_SYNC:
		if (node->exchange == CATS_EXCHANGE_WAITING) {
			cats_exchange_open(node, at);
			frame->index = effort(node) | (leads_alone(node) ? CATS_DULL : 0);
			node->opening = (uint8_t)(1 << slot);
		} else {
			node->next++;
		}
#if CATS_TEXTS
		frame->length = cats_text_tell(node, frame, payload);
#endif
		break;
	case CATS_FRAME_DATA:
		frame->length = copy_fragment(&node->engine, frame->x, frame->index, payload);
		node->next++;
		break;
	case CATS_FRAME_NEED:
		node->next++;
		if ((frame->index & CATS_NEEDED) != 0) {
			cats_exchange_need(node);
		} else if (cats_senses(image)) {
			return 0; /* it is sensed whether others lack something */
		}
		break;
	case CATS_FRAME_ASK:
#if CATS_TEXTS
		frame->length = cats_text_tell(node, frame, payload);
#endif
		break;
#ifndef CATS_NO_SLEEP
	case CATS_FRAME_BEACON:
		cats_sleep_build(node, frame, payload);
		break;
#endif
	default:
		node->next++;
		frame->length = cats_code_build(node, frame, payload);
		if (frame->length == 0) {
			return 0;
		}
		if (!relays(image)) {
			node->heard_us = at; /* who has the word hears nobody */
		}
		break;
	}
	node->sending++;
	return cats_frame_seal(node->key, frame, node->frame[slot]);
}
