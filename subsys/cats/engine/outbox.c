/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What this node broadcasts of an exchange, made once and then read: see cats_engine_fragment(). */

#include "engine_internal.h"
#include "kernels.h"
#include "rows.h"

static const struct cats_image_source *own_source(const struct cats_image *image,
						  struct cats_exchange x)
{
	return cats_source(image, x.gather, image->header->node);
}

void cats_outbox_write(const struct cats_engine *engine, struct cats_exchange x)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	const struct cats_image_source *source = own_source(image, x);
	const uint16_t *keep = cats_table(image, gather->own_keep);
	const uint16_t rows = cats_exchange_rows(image, x);
	const bool whole = source->width == source->columns * gather->element;
	uint8_t *to = engine->arena + gather->outbox[x.tile & 1];
	uint32_t width;

	if ((CATS_LLAMA && cats_moves_row(image, x)) || cats_sent_in_place(gather, source)) {
		return;
	}
	for (uint32_t column = 0; column < source->width; column += width) {
		width = cats_min(source->segment_width, source->width - column);
		for (uint16_t row = 0; row < rows; row++, to += width) {
			const struct cats_own_row own = cats_own_row(engine, x, row);

			if (own.bytes == NULL) {
				cats_pick_residual((int8_t *)to, own.residual, keep + column, width,
						   own.multiplier, own.shift);
			} else {
				for (uint32_t c = column; c < column + width; c++) {
					to[c - column] = (uint8_t)own.bytes[whole ? c : keep[c]];
				}
			}
		}
	}
}

const uint8_t *cats_engine_fragment(const struct cats_engine *engine, struct cats_exchange x,
				    uint16_t fragment, uint16_t *size)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	struct cats_region region;

	*size = 0;
	if (!cats_find_region(image, x, image->header->node, fragment, &region)) {
		return NULL;
	}
	*size = region.rows * region.width;
	if (CATS_LLAMA && cats_moves_row(image, x)) {
		return cats_llama_row(engine) + region.column;
	}
	if (cats_sent_in_place(gather, own_source(image, x))) {
		return (const uint8_t *)cats_own_row(engine, x, region.row).bytes;
	}
	return engine->arena + gather->outbox[x.tile & 1] +
	       (uint32_t)cats_exchange_rows(image, x) * region.column +
	       (uint32_t)region.row * region.width;
}
