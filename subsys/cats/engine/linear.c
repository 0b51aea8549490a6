/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The linear path from the input's window to the result, which no message can take away. */

#include "engine_internal.h"
#include "kernels.h"
#include "requantize.h"
#include "rows.h"

/* Each tile of INPUT takes its share of the outputs, so that none waits for all of them. */
void cats_linear(const struct cats_tile *tile)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	uint8_t *arena = tile->engine->arena;
	const uint32_t window = (uint32_t)m->tokens_in * m->inputs;
	const uint32_t stride = cats_round_up4(window);
	const uint32_t first = (uint32_t)m->outputs * tile->first / m->tokens_in;
	const uint32_t end = (uint32_t)m->outputs * (tile->first + tile->rows) / m->tokens_in;
	const struct cats_image_channel *channels = cats_table(image, m->linear_channels);
	const int8_t *weights = cats_table(image, m->linear_weights);
	int16_t *y = (int16_t *)(arena + m->arena_window);
	const struct cats_product p = {
		.y = y,
		.weights = weights + first * stride,
		.channels = channels + first,
		.out = (int16_t *)(arena + m->arena_linear) + first,
		.output_step = 1,
		.rows = 1,
		.stride = stride,
		.outputs = end - first,
		.shift = m->linear_shift,
		.store = CATS_STORE_INT16,
	};

	if (first == end) {
		return;
	}
	cats_unpack(y, cats_row_step(1), 0, (const int8_t *)arena + m->arena_input, window);
	cats_unpack_zeros(y, cats_row_step(1), window, stride - window);
	cats_arrange(y, 0, stride);
	cats_multiply(&p);
}

void cats_linear_add(const struct cats_engine *engine)
{
	const struct cats_image_model *m = engine->image->model;
	const int16_t *linear = (const int16_t *)(engine->arena + m->arena_linear);
	int16_t *output = (int16_t *)(engine->arena + m->arena_output);

	for (uint32_t c = 0; c < m->outputs; c++) {
		output[c] = cats_result(output[c] + linear[c]);
	}
}
