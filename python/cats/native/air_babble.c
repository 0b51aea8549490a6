/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames that nobody expects: valid by every check, at any time, in the name of a node. */

#include "air_internal.h"

#include <string.h>

void air_keep_frame(struct air *air, const struct frame *frame)
{
	for (size_t i = 0; i < air->config.babble_count; i++) {
		struct babbler *b = &air->babbler[i];
		bool kept = b->frame.length != 0 && b->what.kind == AIR_STALE;

		if (b->what.kind <= AIR_STALE && b->what.node == frame->source && !kept &&
		    !b->sending) {
			b->frame.length = frame->length;
			memcpy(b->frame.data, frame->data, frame->length);
		}
	}
}

/* The node that is furthest, or NULL where none runs. */
static const struct cats_node *furthest(const struct air *air)
{
	const struct cats_node *found = NULL;

	for (int n = 0; n < air->config.nodes; n++) {
		const struct antenna *a = &air->antenna[n];

		if (a->on && cats_node_runs(&a->node) &&
		    (found == NULL || (int16_t)(uint16_t)(a->node.number - found->number) > 0)) {
			found = &a->node;
		}
	}
	return found;
}

static uint16_t newest(const struct air *air)
{
	uint16_t number = air->config.first_inference;

	for (int n = 0; n < air->config.nodes; n++) {
		const struct cats_node *node = &air->antenna[n].node;

		if (node->numbered && (int16_t)(uint16_t)(node->seen - number) > 0) {
			number = node->seen;
		}
	}
	return number;
}

/* Whether there is something to say; it stands in b->frame then. */
static bool compose(struct air *air, struct babbler *b)
{
	const struct cats_node *node = furthest(air);
	struct cats_frame frame = {
		.type = b->what.kind == AIR_SYNC ? CATS_FRAME_SYNC : CATS_FRAME_NEED,
		.source = (uint8_t)b->what.node,
		.inference = (uint16_t)(newest(air) + b->what.value),
	};

	if (b->what.kind == AIR_NEED) {
		if (node == NULL || node->round == 0 || node->leader == b->what.node) {
			return false;
		}
		frame.inference = node->number;
		frame.x = node->x;
		frame.round = node->round;
		frame.index = node->leader | CATS_NEEDED;
		frame.slot = cats_senses(&air->antenna[0].image) ? 0 : frame.source;
	}
	if (b->what.kind >= AIR_SYNC) {
		b->frame.length =
			cats_frame_seal(cats_frame_key(&air->antenna[0].image, air->config.group),
					&frame, b->frame.data);
	}
	b->frame.source = b->what.node;
	return b->frame.length != 0;
}

void air_babble(struct air *air, struct babbler *b)
{
	bool says = !b->sending && compose(air, b);

	b->next_ns = air->now_ns + (int64_t)b->what.every_us * 1000;
	if (says && b->what.count != 0 && --b->left == 0) {
		b->next_ns = AIR_NEVER;
	}
	if (says) {
		air_start_babble(air, b);
	}
}
