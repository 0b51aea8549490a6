/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <cats/engine.h>

#include "engine_internal.h"
#include "kernels.h"
#include "requantize.h"
#include "rows.h"

int cats_engine_init(struct cats_engine *engine, const struct cats_image *image, void *arena,
		     size_t arena_size)
{
	if ((uintptr_t)arena % 8 != 0) {
		return -EINVAL;
	}
	if (arena == NULL || arena_size < image->header->arena_size) {
		return -ENOMEM;
	}
	*engine = (struct cats_engine){.image = image, .arena = arena};
#ifndef CATS_NO_STREAM
	engine->had = cats_streams(image->model) ? image->model->tokens : 0;
#endif
	if (CATS_LLAMA && cats_is_llama(image->model)) {
		cats_llama_seek(engine, 0, false);
	}
	return 0;
}

void cats_engine_begin(struct cats_engine *engine, const int8_t *input)
{
	const struct cats_image_model *m = engine->image->model;
	const size_t size = (size_t)m->tokens_in * m->own_inputs;

	if (input == NULL) {
		/* CATS_TOKEN_NONE is all ones. */
		memset(engine->arena + m->arena_input, cats_is_llama(m) ? 0xff : 0, size);
	} else {
		memcpy(engine->arena + m->arena_input, input, size);
	}
	if (m->pool == CATS_POOL_CLASS) {
		/* The class token stands in row 0 of the table, which no gather moves. */
		memcpy(cats_residual(engine),
		       cats_table(engine->image, engine->image->gathers[0].table),
		       cats_own_features(m) * sizeof(int16_t));
	}
}

/* Columns of keys, and of values, of the blocks in front of a gather's: of a stream each has its
 * own.
 */
static uint32_t cache_columns(const struct cats_engine *engine,
			      const struct cats_image_gather *gather)
{
	const struct cats_image_model *m = engine->image->model;

	return cats_streams(m) ? gather->block * cats_own_features(m) : 0;
}

/* A row of some own heads, from the first on, whose k and v stand there: q becomes h. */
static void attend(const struct cats_engine *engine, const struct cats_image_gather *gather,
		   uint16_t row, uint16_t first, uint16_t heads)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t width = m->head_width;
	const uint32_t cache = cats_cache_rows(engine->image, m);
	const uint32_t before = cache_columns(engine, gather);
	const uint16_t n =
		(m->flags & CATS_FLAG_CAUSAL) ? cats_earlier_rows(engine) + row + 1 : m->tokens;
	int8_t *head = (int8_t *)engine->arena + m->arena_heads + row * cats_own_features(m) +
		       first * width;
	struct cats_attention a = {
		.key = (const int8_t *)engine->arena + m->arena_key + before * cache,
		.value = (const int8_t *)engine->arena + m->arena_value +
			 before * cats_round_up4(cache),
		.scores = (int32_t *)(engine->arena + m->arena_scores),
		.score_multiplier = gather->score_multiplier,
		.value_multiplier = gather->value_multiplier,
		.value_step = cats_round_up4(cache),
		.value_shift = gather->value_shift,
		.width = m->head_width,
	};

	for (uint32_t h = 0; h < heads; h++, head += width) {
		cats_attend(&a, head, n, head);
		a.key += cats_cache_rows(engine->image, m) * width;
		a.value += a.value_step * width;
	}
}

/* Own columns of one row that the head reads, or of their sum over all rows. */
static void pool(const struct cats_engine *engine, const struct cats_image_gather *gather,
		 uint16_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t own = cats_residual_columns(engine->image);
	const uint32_t rows = m->pool == CATS_POOL_MEAN ? m->tokens : 1;
	const int16_t *residual = cats_residual(engine) + (gather->row_begin + row) * own;
	int8_t *out = (int8_t *)engine->arena + m->arena_pooled + row * own;

	for (uint32_t c = 0; c < own; c++) {
		int32_t sum = 0;

		for (uint32_t i = 0; i < rows; i++) {
			sum += residual[i * own + c];
		}
		out[c] = (int8_t)cats_sat8(
			cats_requantize(sum, gather->send_multiplier, gather->send_shift));
	}
}

void cats_engine_produce(struct cats_engine *engine, struct cats_exchange x)
{
	const struct cats_image_model *m = engine->image->model;
	const struct cats_image_gather *gather = &engine->image->gathers[x.gather];
	const uint16_t begin = x.tile * gather->tile_rows;
	const uint16_t end = begin + cats_exchange_rows(engine->image, x);
	uint16_t row = begin;

	if (CATS_OWN_EMBEDDING && gather->kind == CATS_GATHER_INPUT && cats_has_stem(m) &&
	    m->own_inputs != 0) {
		cats_stem(engine, begin, end);
	}
	if (CATS_LLAMA && cats_moves_row(engine->image, x)) {
		cats_llama_make_row(engine, x);
	}
	if (CATS_LLAMA && cats_llama_attends(m, gather)) {
		cats_llama_attend(engine, gather);
		row = end; /* it has but one */
	}
	for (; row < end; row++) {
		if (CATS_STREAM && gather->kind == CATS_GATHER_OUTPUT && cats_streams(m) &&
		    m->pool == CATS_POOL_MEAN) {
			cats_pool_steps(engine, gather);
		} else if (gather->kind == CATS_GATHER_OUTPUT) {
			pool(engine, gather, row);
		} else if (gather->kind == CATS_GATHER_HEADS && !(m->flags & CATS_FLAG_HELD)) {
			attend(engine, gather, gather->row_begin + row, 0, m->own_heads);
		}
	}
	if (CATS_LLAMA && cats_has_candidates(m, gather)) {
		cats_llama_offer(engine, x);
		return;
	}
	cats_outbox_write(engine, x);
}

/* A place in this block's cache of a stream, behind earlier rows; a column has so many rows. */
static int8_t *append(const struct cats_tile *tile, int8_t *place, uint32_t rows, uint32_t step)
{
	return place + cache_columns(tile->engine, tile->gather) * rows +
	       cats_earlier_rows(tile->engine) * step;
}

/* q, k and v of some own heads, from a block of normalised rows. */
static void multiply_heads(const struct cats_tile *tile, struct cats_product *p, uint16_t row,
			   uint16_t first, uint16_t heads)
{
	const struct cats_image_model *m = tile->engine->image->model;
	const struct cats_image_gather *next = tile->gather + 1; /* HEADS */
	int8_t *arena = (int8_t *)tile->engine->arena;
	const uint32_t width = m->head_width;
	const uint32_t own = cats_own_features(m);
	const uint32_t padded = cats_round_up4(cats_cache_rows(tile->engine->image, m));
	const bool query_read =
		row < next->row_begin + next->rows && next->row_begin < row + p->rows;

	p->store = CATS_STORE_INT8;
	p->outputs = m->head_width;
	p->weights += 3 * first * width * p->stride;
	p->channels += 3 * first * width;
	for (uint32_t h = 0; h < heads; h++) {
		for (uint32_t i = 0; i < 3; i++) {
			p->row_step = width;
			p->output_step = 1;
			if (i == 0) {
				p->out = arena + m->arena_heads + row * own + (first + h) * width;
				p->row_step = own;
			} else if (i == 1) {
				p->out =
					arena + m->arena_key +
					(h * cats_cache_rows(tile->engine->image, m) + row) * width;
			} else {
				p->out = arena + m->arena_value + h * width * padded + row;
				p->row_step = 1;
				p->output_step = padded;
			}
			if (CATS_STREAM && i == 1) {
				p->out = append(tile, p->out,
						cats_cache_rows(tile->engine->image, m), width);
			} else if (CATS_STREAM && i == 2) {
				p->out = append(tile, p->out, padded, 1);
			}
			if (i > 0 || query_read) {
				cats_multiply(p);
			}
			p->weights += width * p->stride;
			p->channels += width;
		}
	}
}

/* Any other product: one matrix, one place. row: in the tile. */
static void multiply(const struct cats_tile *tile, struct cats_product *p, uint16_t row)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = tile->gather;
	uint8_t *arena = tile->engine->arena;
	const uint32_t own = cats_own_features(m); /* of a Llama model: its one row begins at 0 */
	const uint32_t moved = tile->first + row;
	const uint32_t at = (gather->row_begin + moved) * own;

	p->outputs = gather->products;
	p->output_step = 1;
	p->row_step = own;
	p->out = cats_residual(tile->engine) + at;
	switch (gather->kind) {
	case CATS_GATHER_INPUT:
		p->store = CATS_STORE_EMBED;
		p->table = (const int16_t *)cats_table(image, gather->table) + at +
			   cats_position(tile->engine) * own;
		break;
	case CATS_GATHER_FORWARD:
		p->store = gather->table != 0 ? CATS_STORE_TABLE : CATS_STORE_RELU;
		p->table = cats_table(image, gather->table);
		p->out = arena + m->arena_hidden +
			 cats_hidden_row(m, gather, tile->x, row) * m->own_hidden;
		p->row_step = m->own_hidden;
		break;
	case CATS_GATHER_OUTPUT:
		p->store = CATS_STORE_INT16;
		p->out =
			(int16_t *)(arena + m->arena_output) + moved * m->outputs + m->first_output;
		p->row_step = m->outputs;
		break;
	default: /* HEADS, HIDDEN */
		p->store = CATS_STORE_ADD;
		break;
	}
	cats_multiply(p);
}

/* The rows of a tile, block by block; of ATTENTION some own heads. */
static void consume_rows(const struct cats_tile *tile, uint16_t first, uint16_t heads)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_gather *gather = tile->gather;
	int16_t *y = (int16_t *)(tile->engine->arena + image->model->arena_rows);
	struct cats_product p = {
		.y = y,
		.stride = gather->stride,
		.shift = gather->shift,
	};

	for (uint16_t row = 0; row < tile->rows; row += p.rows) {
		p.rows = cats_min(image->model->block_rows, tile->rows - row);
		for (uint32_t r = 0; r < p.rows; r++) {
			cats_tile_row(tile, row + r, cats_row(y, r, p.stride),
				      cats_row_step(p.rows));
			cats_arrange(y, r, p.stride);
		}
		p.weights = cats_table(image, gather->weights);
		p.channels = cats_table(image, gather->channels);
#ifndef CATS_NO_FOUR_BITS
		p.scales = cats_scales(image, tile->x.gather);
#endif
		if (CATS_LLAMA && gather->kind == CATS_GATHER_ATTENTION &&
		    cats_is_llama(image->model)) {
			cats_llama_project(tile, &p);
		} else if (CATS_LLAMA && gather->kind == CATS_GATHER_FORWARD &&
			   cats_is_llama(image->model)) {
			cats_llama_hide(tile, &p);
		} else if (gather->kind == CATS_GATHER_ATTENTION) {
			multiply_heads(tile, &p, tile->first + row, first, heads);
		} else {
			multiply(tile, &p, row);
		}
	}
}

/* The whole ATTENTION gather stands in its one tile: a few heads at a time, up to their rows. */
static void consume_held(const struct cats_tile *tile)
{
	const struct cats_image_model *m = tile->engine->image->model;
	const struct cats_image_gather *next = tile->gather + 1; /* HEADS */
	uint16_t heads;

	for (uint16_t first = 0; first < m->own_heads; first += heads) {
		heads = cats_min(m->heads_per_pass, m->own_heads - first);
		consume_rows(tile, first, heads);
		for (uint16_t row = 0; row < next->rows; row++) {
			attend(tile->engine, next, next->row_begin + row, first, heads);
		}
	}
}

/* Others' output columns; own ones stand already. */
static void consume_result(const struct cats_tile *tile)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	int16_t *output = (int16_t *)(tile->engine->arena + m->arena_output);
	struct cats_region region;

	output += tile->first * m->outputs;
	for (uint32_t s = 0; s < image->header->nodes;
	     output += cats_source(image, tile->x.gather, s)->columns, s++) {
		if (s == image->header->node) {
			continue;
		}
		for (uint32_t f = 0; cats_find_region(image, tile->x, s, f, &region); f++) {
			const uint8_t *from =
				tile->engine->arena + cats_fragment_place(image, tile->x, s, f);
			const bool here = cats_has(tile->available, s, f);

			for (uint32_t r = region.row; r < region.row + region.rows; r++) {
				for (uint32_t c = region.column / 2;
				     c < (region.column + region.width) / 2; c++, from += 2) {
					output[r * m->outputs + c] =
						here ? (int16_t)(from[0] | from[1] << 8)
						     : CATS_OUTPUT_MISSING;
				}
			}
		}
	}
}

void cats_engine_consume(struct cats_engine *engine, struct cats_exchange x,
			 const struct cats_availability *available)
{
	const struct cats_image_model *m = engine->image->model;
	struct cats_tile tile;

	cats_tile_open(&tile, engine, x, available);
	if (CATS_LLAMA && cats_has_candidates(m, tile.gather)) {
		cats_llama_collect(&tile);
	} else if (tile.gather->kind == CATS_GATHER_RESULT) {
		consume_result(&tile);
	} else if (tile.gather->kind == CATS_GATHER_ATTENTION && (m->flags & CATS_FLAG_HELD)) {
		consume_held(&tile);
	} else if (CATS_MEAN_OF_NORM && tile.gather->kind == CATS_GATHER_OUTPUT &&
		   cats_averages(m)) {
		if (tile.gather->products > 0) {
			cats_consume_mean(&tile);
		}
	} else if (CATS_OWN_EMBEDDING && tile.gather->kind == CATS_GATHER_INPUT &&
		   cats_embeds_own(m) && (tile.gather->products == 0 || tile.gather->norm != 0)) {
		cats_embed(&tile);
	} else if (CATS_LLAMA && tile.gather->kind == CATS_GATHER_INPUT && cats_is_llama(m)) {
		cats_llama_embed(engine);
	} else if (tile.gather->products > 0) {
		consume_rows(&tile, 0, m->own_heads);
	}
	if (CATS_LLAMA && cats_has_rows(m) &&
	    (tile.gather->kind == CATS_GATHER_INPUT || tile.gather->kind == CATS_GATHER_HIDDEN)) {
		cats_llama_add_table(engine, tile.gather);
	}
	/* The build's word first: without optimisation, too, nothing is called that is left out. */
	if (CATS_LINEAR && cats_has_linear(m)) {
		if (tile.gather->kind == CATS_GATHER_INPUT) {
			cats_linear(&tile);
		} else if (tile.gather->kind == CATS_GATHER_OUTPUT &&
			   tile.first + tile.rows == tile.gather->rows) {
			cats_linear_add(engine);
		}
	}
}

const int16_t *cats_engine_output(const struct cats_engine *engine)
{
	return (const int16_t *)(engine->arena + engine->image->model->arena_output);
}
