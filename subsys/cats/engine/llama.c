/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A step of a Llama model, one row: doc/numerics-llama.rst. Where its keys and values go is known
 * by window.c.
 */

#include <string.h>

#include "engine_internal.h"
#include "llama_kernels.h"
#include "requantize.h"
#include "rows.h"
#include "window.h"

#if CATS_LLAMA

uint8_t cats_row_owner(const struct cats_image *image, uint32_t token)
{
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		const uint32_t tokens = cats_source(image, 0, s)->columns;

		if (token < tokens) {
			return s;
		}
		token -= tokens;
	}
	return 0;
}

/* Whether rows of own tokens are read out of the weights of OUTPUT. */
static bool is_tied(const struct cats_image *image)
{
	return cats_llama(image)->rows == 0;
}

/* Which of the own tokens that of this step is, or at least as many as these are. */
static uint32_t own_token(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;
	uint32_t token;

	memcpy(&token, engine->arena + image->model->arena_input, sizeof(token));
	for (uint8_t s = 0; s < image->header->node; s++) {
		token -= cats_source(image, 0, s)->columns; /* of an earlier one: it wraps */
	}
	return token;
}

static bool has_row(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;

	return own_token(engine) < cats_source(image, 0, image->header->node)->columns;
}

static uint8_t *heard_row(const struct cats_engine *engine)
{
	return engine->arena + engine->image->gathers->tile[0];
}

const uint8_t *cats_llama_row(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;

	if (is_tied(image) || !has_row(engine)) {
		return heard_row(engine);
	}
	return (const uint8_t *)cats_table(image, cats_llama(image)->rows) +
	       own_token(engine) * cats_row_bytes(image);
}

/* Where a column stands in a row of weights, of which each four are 0, 2, 1, 3. */
static uint32_t weight_at(uint32_t column)
{
	return (column & ~3u) | (column & 1) << 1 | (column >> 1 & 1);
}

/* A token's embedding: columns, where they stand, and their multiplier. */
struct row {
	const int8_t *columns;
	int32_t multiplier;
};

/* That of an own token, out of the weights of its output. */
static struct row tied_row(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_gather *output = cats_output_gather(image);
	const struct cats_image_channel *channels = cats_table(image, output->channels);
	const int8_t *weights = cats_table(image, output->weights);
	const uint32_t token = own_token(engine);

	return (struct row){weights + token * output->stride, channels[token].multiplier};
}

/* That row as nodes send it. */
static void put_row(const struct cats_engine *engine, uint8_t *to)
{
	const struct row row = tied_row(engine);
	const uint32_t features = engine->image->model->features;

	memcpy(to, &row.multiplier, sizeof(row.multiplier));
	to += sizeof(row.multiplier);
	for (uint32_t c = 0; c < features; c++) {
		to[c] = (uint8_t)row.columns[weight_at(c)];
	}
}

void cats_llama_make_row(const struct cats_engine *engine, struct cats_exchange x)
{
	const struct cats_image *image = engine->image;
	const bool own = x.owner == image->header->node;
	uint8_t *row = heard_row(engine);

	if (has_row(engine)) {
		if (own && is_tied(image)) {
			put_row(engine, row);
		}
	} else if (own || cats_fragment_count(image, x, x.owner) == 0) { /* nobody sends it */
		memset(row, 0, cats_row_bytes(image));
	}
}

/* A part of the row of this step's token, of which there may be more. */
static struct row part_of_row(const struct cats_engine *engine, uint32_t part)
{
	const uint8_t *from = cats_llama_row(engine) +
			      part * (sizeof(int32_t) + (uint32_t)engine->image->model->features);
	int32_t multiplier;

	memcpy(&multiplier, from, sizeof(multiplier));
	/* it came from the air */
	return (struct row){(const int8_t *)from + sizeof(multiplier), multiplier & INT32_MAX};
}

/* Own residual columns of a part of the row of this step's token: they begin it, or are added. */
static void take_part(const struct cats_engine *engine, uint32_t part)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_llama *llama = cats_llama(image);
	const uint8_t *exponent = cats_table(image, llama->exponents);
	const uint32_t first = cats_first_column(image);
	const uint32_t own = cats_residual_columns(image);
	const bool tied = is_tied(image) && has_row(engine);
	const struct row row = tied ? tied_row(engine) : part_of_row(engine, part);
	int16_t *residual = cats_residual(engine);

	for (uint32_t c = 0; c < own; c++) {
		const uint32_t at = tied ? weight_at(first + c) : first + c;
		const int32_t value = cats_sat16(cats_requantize(row.columns[at], row.multiplier,
								 llama->embed_shift + exponent[c]));

		residual[c] = (int16_t)cats_sat16(part == 0 ? value : residual[c] + value);
	}
}

void cats_llama_add_table(const struct cats_engine *engine, const struct cats_image_gather *gather)
{
	const uint32_t part = gather->kind == CATS_GATHER_INPUT ? 1 : gather->block + 2u;

	if (part < cats_llama(engine->image)->multipliers) { /* else none, or no block follows */
		take_part(engine, part);
	}
}

void cats_llama_embed(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *llama = cats_llama(image);
	const uint8_t *exponent = cats_table(image, llama->exponents);
	const int32_t *multiplier = cats_table(image, llama->multipliers);
	const uint32_t own = cats_residual_columns(image);
	int16_t *residual = cats_residual(engine);
	const int8_t *row;
	uint32_t token;

	if (cats_has_rows(m)) {
		take_part(engine, 0);
		return;
	}
	memcpy(&token, engine->arena + m->arena_input, sizeof(token));
	if (token >= m->inputs) { /* none, CATS_TOKEN_NONE */
		memset(residual, 0, own * sizeof(*residual));
		return;
	}
	row = (const int8_t *)cats_table(image, llama->rows) + token * own;
	for (uint32_t c = 0; c < own; c++) {
		residual[c] = (int16_t)cats_sat16(cats_requantize(
			row[c], multiplier[token], llama->embed_shift + exponent[c]));
	}
}

/* q, k, v of the own heads, of which there is one at least. */
static void project_heads(const struct cats_tile *tile, struct cats_product *p)
{
	const struct cats_engine *engine = tile->engine;
	const struct cats_image *image = engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *llama = cats_llama(image);
	const uint32_t block = tile->gather->block;
	const uint32_t place = engine->slot;
	const uint32_t width = m->head_width;
	const uint32_t pairs = width / 2;
	const uint32_t keys = cats_key_columns(image);
	int16_t *head = (int16_t *)(engine->arena + m->arena_query);
	int16_t *const key = head + cats_own_features(m);
	struct cats_turn *turns = (struct cats_turn *)(key + keys);

	p->store = CATS_STORE_SAT16;
	p->outputs = cats_own_features(m) + keys;
	p->out = head;
	p->output_step = 1;
	cats_multiply(p);
	cats_skip_outputs(p, p->outputs);
	p->store = CATS_STORE_INT8;
	p->outputs = keys;
	p->out = cats_value_at(engine, block, 0, place);
	p->output_step = cats_round_up4(cats_stream(image)->rows);
	if (!engine->kept) {
		cats_multiply(p);
	}
	cats_skip_outputs(p, p->outputs);

	cats_turns(turns, engine->position, cats_table(image, llama->turn), pairs);
	for (; head != key; head += width) {
		cats_turn(head, turns, pairs, CATS_TURN_QUERY);
	}
	for (uint32_t i = 0; i < keys / width && !engine->kept; i++, head += width) {
		uint8_t *to = cats_key_at(engine, block, i, place);

		if (cats_has_wide_keys(image)) {
			cats_turn(head, turns, pairs, CATS_TURN_WIDE_KEY);
			memmove(to, head, width * sizeof(*head)); /* the image says where */
		} else {
			cats_turn_key((int8_t *)to, head, turns, pairs);
		}
	}
}

void cats_llama_project(const struct cats_tile *tile, struct cats_product *p)
{
	const struct cats_image_model *m = tile->engine->image->model;

	if (m->own_heads != 0) {
		project_heads(tile, p);
	}
	if (cats_is_parallel(m)) {
		cats_llama_hide(tile, p);
	}
}

void cats_llama_attend(const struct cats_engine *engine, const struct cats_image_gather *gather)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_model *m = image->model;
	const int16_t *query = (const int16_t *)(engine->arena + m->arena_query);
	/* In place of queries, never behind the own one; or in front of hidden columns. */
	int8_t *head =
		(int8_t *)engine->arena + (cats_is_parallel(m) ? m->arena_hidden : m->arena_heads);
	struct cats_attention a = {
		.scores = (int32_t *)(engine->arena + m->arena_scores),
		.score_multiplier = gather->score_multiplier,
		.value_multiplier = gather->value_multiplier,
		.value_step = cats_round_up4(cats_stream(image)->rows),
		.value_shift = gather->value_shift,
		.width = m->head_width,
	};

	for (uint32_t h = 0; h < m->own_heads; h++) {
		const uint32_t from = cats_key_of(image, h);
		int32_t top;

		a.key = (const int8_t *)cats_key_at(engine, gather->block, from, 0);
		a.value = cats_value_at(engine, gather->block, from, 0);
		if (cats_has_wide_keys(image)) {
			top = cats_score_wide(&a, query, engine->had);
		} else {
			top = cats_score_turned(&a, query, engine->had);
		}
		cats_attend_scored(&a, top, engine->had, head);
		query += m->head_width;
		head += m->head_width;
	}
}

void cats_llama_hide(const struct cats_tile *tile, struct cats_product *p)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = tile->gather;
	const struct cats_image_gather *next = gather + 1; /* HIDDEN */
	int16_t *out = (int16_t *)(tile->engine->arena + m->arena_hidden + cats_columns_beside(m));
	const struct cats_gate gate = {
		.table = cats_table(image, cats_is_parallel(m) ? next->table : gather->table),
		.multiplier = gather->value_multiplier,
		.shift = gather->value_shift,
	};

	p->store = CATS_STORE_SAT16;
	p->outputs = 2u * m->own_hidden;
	p->out = out;
	p->output_step = 1;
	cats_multiply(p);
	cats_gated(&gate, (int8_t *)out, out, out + m->own_hidden, m->own_hidden);
}

void cats_llama_offer(const struct cats_engine *engine, struct cats_exchange x)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	const uint32_t most =
		cats_source(image, x.gather, image->header->node)->width / gather->element;
	const int16_t *result = cats_engine_output(engine) + m->first_output;
	struct cats_candidate *best =
		(struct cats_candidate *)(engine->arena + gather->outbox[x.tile & 1]);
	uint32_t count = 0;

	for (uint32_t c = 0; most != 0 && c < m->own_outputs; c++) {
		uint32_t i = count;

		if (count < most) {
			count++;
		} else if (result[c] > best[most - 1].result) {
			i = most - 1;
		} else {
			continue; /* of equals the first counts as larger */
		}
		for (; i > 0 && best[i - 1].result < result[c]; i--) {
			best[i] = best[i - 1];
		}
		best[i] = (struct cats_candidate){(uint16_t)c, result[c]};
	}
}

/* Candidates of a source, some of them, into the output from that source's first column on. */
static void place(int16_t *output, const void *from, uint32_t bytes, uint32_t columns)
{
	const struct cats_candidate *candidate = from;

	for (uint32_t i = 0; i < bytes / sizeof(*candidate); i++) {
		if (candidate[i].column < columns) { /* it came from the air */
			output[candidate[i].column] = candidate[i].result;
		}
	}
}

void cats_llama_collect(const struct cats_tile *tile)
{
	const struct cats_image *image = tile->engine->image;
	const struct cats_image_model *m = image->model;
	const uint8_t *arena = tile->engine->arena;
	int16_t *output = (int16_t *)(tile->engine->arena + m->arena_output);
	struct cats_region region;

	for (uint32_t c = 0; c < m->outputs; c++) {
		output[c] = CATS_OUTPUT_MISSING;
	}
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		const struct cats_image_source *source = cats_source(image, tile->x.gather, s);

		if (s == image->header->node) {
			place(output, arena + tile->gather->outbox[tile->x.tile & 1], source->width,
			      source->columns);
		}
		for (uint32_t f = 0;
		     s != image->header->node && cats_find_region(image, tile->x, s, f, &region);
		     f++) {
			if (cats_has(tile->available, s, f)) {
				place(output, arena + cats_fragment_place(image, tile->x, s, f),
				      region.width, source->columns);
			}
		}
		output += source->columns;
	}
}

#endif /* CATS_LLAMA */
