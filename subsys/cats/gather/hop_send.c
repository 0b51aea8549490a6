/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's turns in an exchange over several hops: doc/protocol.rst, "Hops". */

#include "node_internal.h"

bool cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	uint32_t slot;

	for (;; node->next++) {
		slot = cats_hop_slot(image_of(node), node->x.gather, self_of(node), node->next);
		*at = cats_exchange_data_at(node, slot);
		if (slot == node->slots) {
			return false;
		}
		if (past(*at, late)) {
			break;
		}
	}
	frame->index = (uint8_t)node->next;
	if (node->next < fragments_of(node, self_of(node))) {
		return node->produced != 0;
	}
	frame->type = CATS_FRAME_CODED;
	frame->index = node->leader;
	frame->slot = (uint8_t)slot;
	return true;
}
