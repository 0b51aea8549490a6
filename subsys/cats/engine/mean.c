/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The mean of normed rows, tile by tile, and the head's product of it. */

#include <string.h>

#include "engine_internal.h"
#include "kernels.h"
#include "requantize.h"
#include "rows.h"

void cats_consume_mean(const struct cats_tile *tile)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = tile->gather;
	uint8_t *arena = tile->engine->arena;
	int16_t *y = (int16_t *)(arena + m->arena_rows);
	/* Unsigned: whatever stood there cannot overflow. Of rows, 18 bits with the sign. */
	uint32_t *sum = (uint32_t *)(arena + m->arena_sums);
	const struct cats_product p = {
		.y = y,
		.weights = cats_table(image, gather->weights),
		.channels = cats_table(image, gather->channels),
		.out = (int16_t *)(arena + m->arena_output) + m->first_output,
		.output_step = 1,
		.rows = 1,
		.stride = gather->stride,
		.outputs = gather->products,
		.shift = gather->shift,
		.store = CATS_STORE_INT16,
	};

	/* Of a stream it goes on. */
	if (tile->first == 0 && (!CATS_STREAM || cats_earlier_rows(tile->engine) == 0)) {
		memset(sum, 0, gather->view * sizeof(*sum));
	}
	for (uint16_t row = 0; row < tile->rows; row++) {
		cats_tile_row(tile, row, y, cats_row_step(1));
		for (uint16_t j = 0; j < gather->view; j++) {
			sum[j] += (uint32_t)y[j];
		}
	}
	if (tile->first + tile->rows < gather->rows) {
		return;
	}
	/* Behind the view stand the last row's zeros. */
	for (uint16_t j = 0; j < gather->view; j++) {
		int32_t total = (int32_t)sum[j];

		if (CATS_STREAM && cats_streams(m)) {
			total = cats_spread(tile->engine, total);
		}
		y[j] = (int16_t)cats_sat8(
			cats_requantize(total, gather->value_multiplier, gather->value_shift));
	}
	cats_arrange(y, 0, gather->stride);
	cats_multiply(&p);
}
