/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's frames in the exchange on the air: doc/protocol.rst, "Schedule". One function a phase
 * says which is next and when; a slot that began too long ago is passed over.
 */

#include <string.h>

#include "node_internal.h"

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
	frame->type = CATS_FRAME_SYNC;
	frame->slot = 1;
	frame->index = node->ahead;
	*at = node->base_us + node->gather->control_us;
	if (leads(node) && past(*at, late)) {
		return true;
	}
	node->exchange = CATS_EXCHANGE_DATA;
	return false;
}

static bool data(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	uint16_t slots = fragments_of(node, self_of(node));

	slots += slots != 0 ? node->ahead : 0;
	frame->type = CATS_FRAME_DATA;
#if CATS_TEXTS
	frame->lack = cats_replay_tell(node);
#endif
	frame->slot =
		(uint8_t)(node->ahead << 4 | node->leader | (hears_enough(node) ? 0 : CATS_DULL));
	if (relays(image_of(node))) {
		return cats_hop_next(node, late, frame, at);
	}
	for (; node->produced != 0 && node->next < slots; node->next++) {
		frame->index = (uint8_t)node->next;
		*at = cats_exchange_data_at(node, node->first_slot + node->next);
		if (past(*at, late)) {
			return true;
		}
	}
	return false;
}

static bool report(const struct cats_node *node, uint32_t late, struct cats_frame *frame,
		   uint32_t *at)
{
	uint8_t self = self_of(node);

	frame->type = CATS_FRAME_REPORT;
	frame->slot = self - (self > node->leader);
	frame->index = node->leader;
	*at = node->base_us + cats_report_us(image_of(node), node->x, frame->slot);
	return node->next == 0 && past(*at, late);
}

static bool grant(const struct cats_node *node, uint8_t copy, uint32_t late,
		  struct cats_frame *frame, uint32_t *at)
{
	frame->type = CATS_FRAME_GRANT;
	frame->slot = copy;
	*at = node->base_us + cats_report_us(image_of(node), node->x, nodes_of(node) - 1u + copy);
	return past(*at, late);
}

static bool grant_copy(struct cats_node *node, uint32_t late, struct cats_frame *frame,
		       uint32_t *at)
{
	if (leads(node) && grant(node, 1, late, frame, at)) {
		return true;
	}
	node->exchange = CATS_EXCHANGE_CODED;
	return false;
}

static bool coded(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	uint8_t self = self_of(node);
	uint32_t slots;

	if (node->produced == 0 || fragments_of(node, self) == 0) {
		return false;
	}
	frame->type = CATS_FRAME_CODED;
	for (; node->next < node->counts[self]; node->next++) {
		slots = cats_grant_slots(node, self) + node->next;
		*at = node->base_us + cats_round_us(image_of(node), node->x) +
		      slots * node->gather->slot_us;
		if (past(*at, late)) {
			frame->index =
				(uint8_t)((node->round - 1) << 4 | node->next |
					  (node->then == CATS_GRANT_LAST ? CATS_CODED_LAST : 0));
			frame->slot = (uint8_t)(cats_grant_slots(node, nodes_of(node)) - slots - 1);
			return true;
		}
	}
	return false;
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
	case CATS_EXCHANGE_REPORTS:
		return leads(node)
			       ? grant(node, 0, late, frame, at) || grant(node, 1, late, frame, at)
			       : report(node, late, frame, at);
	case CATS_EXCHANGE_GRANT:
		return grant_copy(node, late, frame, at) || coded(node, late, frame, at);
	case CATS_EXCHANGE_CODED:
		return coded(node, late, frame, at);
	default:
		return false;
	}
}

/* Coded frame number @p ahead of those that follow the data unasked. */
static uint8_t ahead_index(uint8_t ahead)
{
	return (uint8_t)(CATS_CODED_AHEAD + ahead);
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
	struct cats_exchange x = frame->x;
	uint16_t fragments = fragments_of(node, self_of(node));
	uint8_t slot = cats_send_slot(node);
	uint8_t *payload = node->frame[slot] + CATS_FRAME_HEADER;

	switch (frame->type) {
	case CATS_FRAME_SYNC:
		if (node->exchange == CATS_EXCHANGE_WAITING) {
			cats_exchange_open(node, at);
			frame->index = node->ahead | (leads_alone(node) ? CATS_DULL : 0);
			node->opening = (uint8_t)(1 << slot);
		} else {
			node->exchange = CATS_EXCHANGE_DATA;
		}
#if CATS_TEXTS
		frame->length = cats_text_tell(node, frame, payload);
#endif
		break;
	case CATS_FRAME_DATA:
		frame->length =
			frame->index < fragments
				? copy_fragment(&node->engine, x, frame->index, payload)
				: cats_code_own(&node->engine, x,
						ahead_index(frame->index - fragments), payload);
		node->next++;
		break;
	case CATS_FRAME_REPORT:
		node->next++;
		if (!cats_grant_needs(node) && frame->slot != nodes_of(node) - 2) {
			return 0;
		}
		frame->length = cats_counts_size(image);
		cats_counts_pack(image, node->counts, payload);
		break;
	case CATS_FRAME_GRANT:
		frame->index = node->then;
		if (node->exchange == CATS_EXCHANGE_REPORTS) {
			frame->index = cats_grant_decide(node);
			cats_exchange_grant(node, frame->index);
		}
		if (frame->slot == 1) {
			node->exchange = CATS_EXCHANGE_CODED;
		}
		frame->length = cats_counts_size(image);
		cats_counts_pack(image, node->counts, payload);
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
		if (relays(image)) {
			cats_hop_build(node, frame, payload);
			node->next++;
			break;
		}
		frame->length = cats_code_own(&node->engine, x, frame->index, payload);
		node->next++;
		node->heard_us = at; /* who has the word hears nobody */
		break;
	}
	node->sending++;
	return cats_frame_seal(node->key, frame, node->frame[slot]);
}
