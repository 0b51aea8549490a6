/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Steps of a stream: doc/numerics.rst, "Steps". Keys and values of the rows that a node has stand
 * side by side, whichever rows these are: attention does not ask for their order. So a row that it
 * has not takes no place, and is not looked at.
 */

#include <string.h>

#include "engine_internal.h"
#include "kernels.h"
#include "requantize.h"
#include "rows.h"

#ifndef CATS_NO_STREAM

uint16_t cats_context_rows(const struct cats_image *image)
{
	return cats_streams(image->model) ? cats_stream(image)->rows : 0;
}

void cats_engine_seek(struct cats_engine *engine, uint32_t position, bool follows)
{
	const struct cats_image_model *m = engine->image->model;
	const struct cats_image_stream *stream;

	if (!cats_streams(m)) {
		return;
	}
	if (CATS_LLAMA && cats_is_llama(m)) {
		cats_llama_seek(engine, position, follows);
		return;
	}
	stream = cats_stream(engine->image);
	position = cats_min(position, stream->rows - m->tokens);
	/* Rows that it has are before this position, so there is room for these. */
	engine->rows = follows && position > engine->position ? engine->had : 0;
	engine->position = position;
	engine->had = engine->rows + m->tokens;
}

uint16_t cats_engine_rows(const struct cats_engine *engine)
{
#if CATS_LLAMA
	if (cats_is_llama(engine->image->model)) {
		return engine->held;
	}
#endif
	return engine->had;
}

int32_t cats_spread(const struct cats_engine *engine, int32_t sum)
{
	/* Whatever stood there: of rows, |sum| is at most 2^15 a row. */
	const int32_t of = cats_stream(engine->image)->rows;
	const int32_t rows = engine->had;
	int32_t mean = sum / rows;
	int32_t rest = sum % rows;

	if (rest < 0) {
		mean--;
		rest += rows;
	}
	rest = (2 * rest * of + rows) / (2 * rows);
	return (int32_t)((uint32_t)mean * (uint32_t)of + (uint32_t)rest);
}

void cats_pool_steps(const struct cats_engine *engine, const struct cats_image_gather *gather)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t own = cats_own_features(m);
	const int16_t *residual = cats_residual(engine);
	/* Unsigned: whatever stood there cannot overflow. */
	uint32_t *sums = (uint32_t *)(engine->arena + m->arena_sums);
	int8_t *out = (int8_t *)engine->arena + m->arena_pooled;

	if (engine->rows == 0) {
		memset(sums, 0, own * sizeof(*sums));
	}
	for (uint32_t c = 0; c < own; c++) {
		for (uint32_t i = 0; i < m->tokens; i++) {
			sums[c] += (uint32_t)residual[i * own + c];
		}
		out[c] = (int8_t)cats_sat8(cats_requantize(cats_spread(engine, (int32_t)sums[c]),
							   gather->send_multiplier,
							   gather->send_shift));
	}
}

#endif /* CATS_NO_STREAM */
