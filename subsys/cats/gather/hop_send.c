/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's turns in an exchange over several hops: doc/protocol.rst, "Hops". */

#include "node_internal.h"

bool cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	struct cats_hop *h = &node->hop;

	for (;; node->next++) {
		if (h->turn != node->next) {
			h->turn = (uint8_t)node->next;
			h->slot = (uint8_t)cats_hop_slot(image_of(node), node->x.gather,
							 self_of(node), node->next);
		}
		*at = cats_exchange_data_at(node, h->slot);
		if (h->slot == node->slots) {
			return false;
		}
		if (past(*at, late)) {
			break;
		}
	}
	frame->index = h->turn;
	if (h->turn < fragments_of(node, self_of(node))) {
		return node->produced != 0;
	}
	frame->type = CATS_FRAME_CODED;
	frame->index = node->leader;
	frame->slot = h->slot;
	return true;
}
