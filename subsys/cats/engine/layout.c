/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The order of exchanges, and where each fragment stands: include/cats/engine.h. */

#include <cats/engine.h>

#include "engine_internal.h"

bool cats_exchange_next(const struct cats_image *image, struct cats_exchange *x)
{
	const struct cats_image_gather *gathers = image->gathers;
	const uint16_t count = image->header->gathers;
	const uint8_t phase = gathers[x->gather].phase;
	uint16_t next = x->gather + 1;

	if (CATS_LLAMA) {
		x->owner = 0;
	}
	if (next < count && gathers[next].phase == phase) {
		x->gather = next; /* the same tile of the phase's next gather */
		return true;
	}
	if (x->tile + 1u < cats_tiles(&gathers[x->gather])) {
		while (x->gather > 0 && gathers[x->gather - 1].phase == phase) {
			x->gather--;
		}
		x->tile++;
		return true;
	}
	if (next == count) {
		return false;
	}
	x->gather = next;
	x->tile = 0;
	return true;
}

uint32_t cats_exchange_count(const struct cats_image *image)
{
	uint32_t count = 0;

	for (uint32_t g = 0; g < image->header->gathers; g++) {
		count += cats_tiles(&image->gathers[g]);
	}
	return count;
}

uint16_t cats_exchange_rows(const struct cats_image *image, struct cats_exchange x)
{
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	const uint16_t begin = x.tile * gather->tile_rows;

	return cats_min(gather->tile_rows, gather->rows - begin);
}

bool cats_find_region(const struct cats_image *image, struct cats_exchange x, uint8_t source,
		      uint16_t fragment, struct cats_region *region)
{
	const struct cats_image_source *s = cats_source(image, x.gather, source);
	const uint16_t rows = cats_exchange_rows(image, x);
	uint16_t groups, segment;

	if (fragment >= cats_fragment_count(image, x, source)) {
		return false;
	}
	groups = cats_row_groups(s, rows);
	segment = fragment / groups;
	region->row = (fragment % groups) * s->fragment_rows;
	region->rows = cats_min(s->fragment_rows, rows - region->row);
	region->column = segment * s->segment_width;
	region->width = cats_min(s->segment_width, s->width - region->column);
	return true;
}

uint16_t cats_fragment_count(const struct cats_image *image, struct cats_exchange x, uint8_t source)
{
	const struct cats_image_source *s = cats_source(image, x.gather, source);

	if (s->segments == 0 || (cats_moves_row(image, x) && source != x.owner)) {
		return 0;
	}
	return s->segments * cats_row_groups(s, cats_exchange_rows(image, x));
}

uint16_t cats_fragment_size(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			    uint16_t fragment)
{
	struct cats_region region;

	if (!cats_find_region(image, x, source, fragment, &region)) {
		return 0;
	}
	return region.rows * region.width;
}

uint16_t cats_fragment_sizes(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			     uint8_t *sizes)
{
	const struct cats_image_source *s = cats_source(image, x.gather, source);
	const uint16_t rows = cats_exchange_rows(image, x);
	uint8_t *const first = sizes;

	if (cats_moves_row(image, x) && source != x.owner) {
		return 0;
	}
	for (uint32_t column = 0; column < s->width; column += s->segment_width) {
		const uint32_t width = cats_min(s->segment_width, s->width - column);

		for (uint32_t row = 0; row < rows; row += s->fragment_rows) {
			*sizes++ = (uint8_t)(cats_min(s->fragment_rows, rows - row) * width);
		}
	}
	return (uint16_t)(sizes - first);
}

uint32_t cats_fragment_place(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			     uint16_t fragment)
{
	const uint16_t rows = cats_exchange_rows(image, x);
	uint32_t place = image->gathers[x.gather].tile[x.tile & 1];
	struct cats_region region;

	if (!cats_find_region(image, x, source, fragment, &region)) {
		return place;
	}
	for (uint32_t s = 0; s < source; s++) {
		if (s != image->header->node && !cats_moves_row(image, x)) {
			place += (uint32_t)rows * cats_source(image, x.gather, s)->width;
		}
	}
	return place + (uint32_t)rows * region.column + (uint32_t)region.row * region.width;
}

uint16_t cats_output_rows(const struct cats_image *image)
{
	return image->model->pool == CATS_POOL_ALL ? image->model->tokens : 1;
}
