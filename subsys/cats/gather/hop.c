/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's turns in an exchange over several hops: doc/protocol.rst, "Hops". */

#include "node_internal.h"

/* From one node to the next when several pass an ASK on: longer than that frame. */
#define PASS_US 2048u

void cats_hop_pass(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	if (past(now_us, node->ask_us)) {
		node->asked = true;
		node->asked_number = frame->inference;
		node->ask_us = now_us + self_of(node) * PASS_US;
	}
}

bool cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	for (;; node->next++) {
		if (node->turn != node->next) {
			node->turn = (uint8_t)node->next;
			node->turn_slot = (uint8_t)cats_hop_slot(image_of(node), node->x.gather,
								 self_of(node), node->next);
		}
		*at = cats_exchange_data_at(node, node->turn_slot);
		if (node->turn_slot == node->slots) {
			return false;
		}
		if (past(*at, late)) {
			break;
		}
	}
	frame->index = node->turn;
	if (node->turn < fragments_of(node, self_of(node))) {
		return node->produced != 0;
	}
	frame->type = CATS_FRAME_CODED;
	frame->index = node->leader;
	frame->slot = node->turn_slot;
	return true;
}
