/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What a node has of an exchange, and what it needs repaired: doc/protocol.rst, "Repair". */

#include <string.h>

#include "node_internal.h"

void cats_reception_begin(const struct cats_image *image, struct cats_reception *r,
			  struct cats_exchange x)
{
	r->x = x;
	r->final = false;
	r->lacking = 0;
	for (uint32_t s = 0; s < image->header->nodes; s++) {
		uint16_t fragments = cats_fragment_count(image, x, s);

		memset(r->available.bits[s], 0, (fragments + 7u) / 8);
		r->lack[s] = s != image->header->node ? (uint8_t)fragments : 0;
		r->lacking += r->lack[s];
	}
}

void cats_reception_has(struct cats_reception *r, uint8_t source, uint16_t fragment)
{
	r->available.bits[source][fragment / 8] |= (uint8_t)(1 << (fragment % 8));
	r->lack[source]--;
	r->lacking--;
}

bool cats_reception_data(const struct cats_image *image, struct cats_reception *r, uint8_t *arena,
			 const struct cats_frame *frame)
{
	if (r->final || cats_has(&r->available, frame->source, frame->index)) {
		return false;
	}
	memcpy(arena + cats_fragment_place(image, r->x, frame->source, frame->index),
	       frame->payload, frame->length);
	cats_reception_has(r, frame->source, frame->index);
	return true;
}

bool cats_needs(const struct cats_node *node)
{
	const struct cats_reception *r = &node->reception[node->air];

	for (uint32_t s = 0; s < nodes_of(node) && hears_enough(node); s++) {
		bool silent = source_dull(node, s) && r->lack[s] == fragments_of(node, s);

		if (r->lack[s] != 0 && !source_gone(node, s) && !silent) {
			return true;
		}
	}
	return false;
}
