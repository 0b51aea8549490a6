/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The embedding of a node's own inputs, where it is more or less than a product of the view: one of
 * two layers, or none, of a node without inputs.
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
	const int16_t *table = (const int16_t *)cats_table(image, gather->table) + at;
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
