/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The embedding of a node's own inputs, where it is more or less than a product of the view: one of
 * two layers, or none, of a node without inputs. And the stem, which makes of own inputs what the
 * node sends.
 */

#include <string.h>

#include "engine_internal.h"
#include "kernels.h"
#include "rows.h"

/* A block of rows of int8 columns that stand one behind the other, ready to be multiplied. */
static void take(int16_t *block, uint32_t rows, const int8_t *from, uint32_t columns)
{
	const uint32_t stride = cats_round_up4(columns);
	const uint32_t step = cats_row_step(rows);

	for (uint32_t r = 0; r < rows; r++, from += columns) {
		int16_t *y = cats_row(block, r, stride);

		cats_unpack(y, step, 0, from, columns);
		cats_unpack_zeros(y, step, columns, stride - columns);
		cats_arrange(block, r, stride);
	}
}

void cats_embed(const struct cats_tile *tile)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = tile->gather;
	const struct cats_image_embed *embed = cats_table(image, gather->norm);
	const uint32_t own = cats_own_features(m);
	const uint32_t at = (gather->row_begin + tile->first) * own;
	uint8_t *arena = tile->engine->arena;
	int16_t *y = (int16_t *)(arena + m->arena_rows);
	int16_t *residual = cats_residual(tile->engine) + at;
	const int16_t *table = (const int16_t *)cats_table(image, gather->table) + at +
			       cats_position(tile->engine) * own;
	const int8_t *input = (const int8_t *)arena + m->arena_input + tile->first * gather->view;
	struct cats_product first = {
		.y = y,
		.weights = cats_table(image, gather->weights),
		.channels = cats_table(image, gather->channels),
		.row_step = gather->products,
		.output_step = 1,
		.stride = gather->stride,
		.outputs = gather->products,
		.shift = gather->shift,
		.store = CATS_STORE_RELU,
	};
	struct cats_product second = {
		.y = y,
		.row_step = own,
		.output_step = 1,
		.stride = cats_round_up4(gather->products),
		.outputs = own,
		.store = CATS_STORE_EMBED,
	};

	if (gather->products == 0) {
		memcpy(residual, table, tile->rows * own * sizeof(*residual));
		return;
	}
	first.out = arena + embed->arena_hidden;
	second.weights = cats_table(image, embed->weights);
	second.channels = cats_table(image, embed->channels);
	second.shift = embed->shift;
	for (uint32_t row = 0; row < tile->rows; row += first.rows) {
		first.rows = cats_min(m->block_rows, tile->rows - row);
		take(y, first.rows, input + row * gather->view, gather->view);
		cats_multiply(&first);
		take(y, first.rows, first.out, gather->products);
		second.rows = first.rows;
		second.out = residual + row * own;
		second.table = table + row * own;
		cats_multiply(&second);
	}
}

const int8_t *cats_stem_row(const struct cats_engine *engine, uint32_t row)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_embed *stem = cats_table(image, image->gathers->norm);

	return (const int8_t *)engine->arena + stem->arena_hidden +
	       row * cats_source(image, 0, image->header->node)->columns;
}

void cats_stem(const struct cats_engine *engine, uint16_t begin, uint16_t end)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_embed *stem = cats_table(image, image->gathers->norm);
	const uint16_t columns = cats_source(image, 0, image->header->node)->columns;
	const int8_t *input = (const int8_t *)engine->arena + m->arena_input;
	int16_t *y = (int16_t *)(engine->arena + m->arena_rows);
	struct cats_product p = {
		.y = y,
		.weights = cats_table(image, stem->weights),
		.channels = cats_table(image, stem->channels),
		.row_step = columns,
		.output_step = 1,
		.stride = cats_round_up4(m->own_inputs),
		.outputs = columns,
		.shift = stem->shift,
		.store = (m->flags & CATS_FLAG_SIGNED_STEM) ? CATS_STORE_INT8 : CATS_STORE_RELU,
	};

	for (uint32_t row = begin; row < end; row += p.rows) {
		p.rows = cats_min(m->block_rows, end - row);
		take(y, p.rows, input + row * m->own_inputs, m->own_inputs);
		p.out = engine->arena + stem->arena_hidden + row * columns;
		cats_multiply(&p);
	}
}
