/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* This node's turns in an exchange over several hops: doc/protocol.rst, "Hops". */

#include "node_internal.h"

bool cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at)
{
	const struct cats_image *image = image_of(node);
	const uint8_t *list = image->base + cats_hops(image)[node->x.gather].list;
	struct cats_hop *h = &node->hop;

	for (;; node->next++) {
		if (node->next == node->slots) {
			return false;
		}
		if (list[node->next] != self_of(node)) {
			continue;
		}
		if (h->slot != node->next) {
			h->slot = (uint8_t)node->next;
			h->turn++;
		}
		*at = cats_exchange_data_at(node, node->next);
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
