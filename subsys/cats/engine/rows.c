/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A row of a tile: its own columns, what arrived of the others, normalised and padded. */

#include <string.h>

#include "engine_internal.h"
#include "kernels.h"
#include "llama_kernels.h"
#include "rows.h"

struct cats_own_row cats_own_row(const struct cats_engine *engine, struct cats_exchange x,
				 uint16_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const struct cats_image_gather *gather = &engine->image->gathers[x.gather];
	const int8_t *arena = (const int8_t *)engine->arena;
	const uint32_t own = cats_own_features(m);
	const uint32_t moved = (uint32_t)x.tile * gather->tile_rows + row;
	const uint32_t at = (gather->row_begin + moved) * own;
	struct cats_own_row found = {0};

	switch (gather->kind) {
	case CATS_GATHER_INPUT:
		found.bytes = arena + m->arena_input + moved * m->own_inputs;
		if (CATS_OWN_EMBEDDING && cats_has_stem(m) && gather->norm != 0) {
			found.bytes = cats_stem_row(engine, moved);
		}
		break;
	case CATS_GATHER_HEADS:
		found.bytes = arena + m->arena_heads + at;
		break;
	case CATS_GATHER_HIDDEN:
		found.bytes = arena + m->arena_hidden +
			      cats_hidden_row(m, gather, x, row) * m->own_hidden;
		break;
	case CATS_GATHER_OUTPUT:
		found.bytes = arena + m->arena_pooled + moved * own;
		break;
	case CATS_GATHER_RESULT:
		found.bytes = (const int8_t *)(cats_engine_output(engine) + moved * m->outputs +
					       m->first_output);
		break;
	default: /* ATTENTION, FORWARD */
		found.residual = cats_residual(engine) + at;
		found.multiplier = gather->send_multiplier;
		found.shift = gather->send_shift;
		break;
	}
	return found;
}

void cats_tile_open(struct cats_tile *tile, const struct cats_engine *engine,
		    struct cats_exchange x, const struct cats_availability *available)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_gather *gather = &image->gathers[x.gather];

	*tile = (struct cats_tile){
		.engine = engine,
		.gather = gather,
		.available = available,
		.x = x,
		.first = (uint16_t)(x.tile * gather->tile_rows),
		.rows = cats_exchange_rows(image, x),
	};
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		const uint16_t count =
			s == image->header->node ? 0 : cats_fragment_count(image, x, s);

		for (uint16_t f = 0; f < count; f++) {
			if (!cats_has(available, s, f)) {
				memset(engine->arena + cats_fragment_place(image, x, s, f), 0,
				       cats_fragment_size(image, x, s, f));
				tile->lossy = true;
			}
		}
	}
}

/* Own columns and what stands in the tile's buffer, in view order. */
static void unpack_row(const struct cats_tile *tile, uint16_t row, int16_t *y, uint32_t step)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_own_row own = cats_own_row(tile->engine, tile->x, row);
	/* Segment after segment, int8 [tile rows][segment width] */
	const int8_t *data =
		(const int8_t *)tile->engine->arena + tile->gather->tile[tile->x.tile & 1];
	const struct cats_image_source *source = cats_source(image, tile->x.gather, 0);
	const uint32_t nodes = image->header->nodes;
	const uint32_t rows = tile->rows;
	uint32_t column = 0;

	for (uint32_t s = 0; s < nodes; s++, source++) {
		if (s == image->header->node) {
			if (own.bytes != NULL) {
				cats_unpack(y, step, column, own.bytes, source->columns);
			} else {
				cats_unpack_residual(y, step, column, own.residual, source->columns,
						     own.multiplier, own.shift);
			}
			column += source->columns;
			continue;
		}
		for (uint32_t left = source->width; left != 0;) {
			const uint32_t width = cats_min(source->segment_width, left);

			cats_unpack(y, step, column, data + row * width, width);
			column += width;
			data += rows * width;
			left -= width;
		}
	}
}

/* Set the missing columns of a row's view to zero, and count them. */
static uint16_t clear_missing(const struct cats_tile *tile, uint16_t row, int16_t *y, uint32_t step)
{
	const struct cats_image *image = tile->engine->image;
	uint32_t column = 0;
	uint16_t missing = 0;

	for (uint8_t s = 0; s < image->header->nodes; s++) {
		const struct cats_image_source *source = cats_source(image, tile->x.gather, s);
		uint32_t width, groups;

		if (s == image->header->node || source->segments == 0) {
			column += s == image->header->node ? source->columns : 0;
			continue;
		}
		groups = cats_row_groups(source, tile->rows);
		for (uint32_t i = 0; i < source->segments; i++, column += width) {
			width = cats_min(source->segment_width,
					 source->width - i * source->segment_width);
			if (!cats_has(tile->available, s,
				      i * groups + row / source->fragment_rows)) {
				cats_unpack_zeros(y, step, column, width);
				missing += width;
			}
		}
	}
	return missing;
}

void cats_tile_row(const struct cats_tile *tile, uint16_t row, int16_t *y, uint32_t step)
{
	const struct cats_image_gather *gather = tile->gather;
	uint16_t missing = 0;

	unpack_row(tile, row, y, step);
	if (gather->norm != 0 && !(CATS_OWN_EMBEDDING && gather->kind == CATS_GATHER_INPUT)) {
		if (tile->lossy) {
			missing = clear_missing(tile, row, y, step);
		}
		if (CATS_LLAMA && cats_is_llama(tile->engine->image->model)) {
			cats_rms_norm(y, step, gather->view, gather->view - missing,
				      cats_table(tile->engine->image, gather->norm),
				      gather->norm_epsilon);
		} else {
			cats_norm(y, step, gather->view, gather->view - missing,
				  cats_table(tile->engine->image, gather->norm),
				  gather->norm_epsilon);
		}
		if (missing != 0) {
			clear_missing(tile, row, y, step);
		}
	}
	cats_unpack_zeros(y, step, gather->view, gather->stride - gather->view);
}
