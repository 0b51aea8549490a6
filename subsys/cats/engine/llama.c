/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A step of a Llama model, one row: doc/numerics-llama.rst. Keys and values of the rows that a node
 * has stand side by side, in any order, as in steps.c; but the window slides, so it is known where
 * each of its rows stands.
 */

#include <string.h>

#include "engine_internal.h"
#include "llama_kernels.h"
#include "requantize.h"
#include "rows.h"

#if CATS_LLAMA

#define NO_ROW UINT16_MAX

/*
 * Where each row stands: [rows of the window], one behind the other and round again, or NO_ROW; and
 * then which of them is the row of this step.
 */
static uint16_t *places(const struct cats_engine *engine)
{
	return (uint16_t *)(engine->arena + engine->image->model->arena_sums);
}

/* The place of this step's row. */
static uint16_t *own_place(const struct cats_engine *engine)
{
	const uint32_t rows = cats_stream(engine->image)->rows;
	uint16_t *place = places(engine);

	return &place[cats_min(place[rows], rows - 1)]; /* whatever became of the arena */
}

/* Bytes of a key's column. */
static uint32_t key_size(const struct cats_image *image)
{
	return cats_has_wide_keys(image) ? sizeof(int16_t) : 1;
}

/* Keys of a key/value head of a block, [rows][E], from a row on. */
static uint8_t *key_at(const struct cats_engine *engine, uint32_t block, uint32_t head,
		       uint32_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t before = block * cats_key_columns(engine->image) + head * m->head_width;
	const uint32_t rows = cats_stream(engine->image)->rows;

	return engine->arena + m->arena_key +
	       (before * rows + row * m->head_width) * key_size(engine->image);
}

/* Values of such a head, [E][rows rounded up to 4], from a row on. */
static int8_t *value_at(const struct cats_engine *engine, uint32_t block, uint32_t head,
			uint32_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t before = block * cats_key_columns(engine->image) + head * m->head_width;
	const uint32_t rows = cats_stream(engine->image)->rows;

	return (int8_t *)engine->arena + m->arena_value + before * cats_round_up4(rows) + row;
}

static void move_row(const struct cats_engine *engine, uint32_t to, uint32_t from)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t heads = cats_key_columns(engine->image) / m->head_width;
	const uint32_t padded = cats_round_up4(cats_stream(engine->image)->rows);

	for (uint32_t block = 0; block < m->blocks; block++) {
		for (uint32_t head = 0; head < heads; head++) {
			int8_t *value = value_at(engine, block, head, 0);

			memcpy(key_at(engine, block, head, to), key_at(engine, block, head, from),
			       m->head_width * key_size(engine->image));
			for (uint32_t e = 0; e < m->head_width; e++, value += padded) {
				value[to] = value[from];
			}
		}
	}
}

/* A row has left the window, and none takes its place: the last one does. */
static void drop(struct cats_engine *engine, uint16_t *left)
{
	const uint32_t rows = cats_stream(engine->image)->rows;
	uint16_t *place = places(engine);
	const uint16_t hole = *left;

	*left = NO_ROW;
	if (hole >= engine->rows) {
		return;
	}
	engine->rows--;
	for (uint32_t i = 0; i < rows; i++) {
		if (place[i] == engine->rows) {
			move_row(engine, hole, engine->rows);
			place[i] = hole;
		}
	}
}

void cats_llama_seek(struct cats_engine *engine, uint32_t position, bool follows)
{
	const uint32_t rows = cats_stream(engine->image)->rows;
	const uint32_t further = position - engine->position;
	uint16_t *place = places(engine);
	uint16_t *own = place;

	if (follows && further == 0) {
		return; /* the step that was, once more */
	}
	if (follows && further - 1 < rows - 1) {
		own = own_place(engine);
		engine->rows = engine->had;
		for (uint32_t i = 0; i < further; i++) {
			if (i > 0) {
				drop(engine, own);
			}
			own = own + 1 == place + rows ? place : own + 1;
		}
	} else {
		engine->rows = 0;
		memset(place, 0xff, rows * sizeof(*place));
	}
	place[rows] = own - place;
	engine->position = position;
	if (*own < engine->rows) {
		engine->rows--; /* the row that leaves the window is written over */
	} else {
		engine->rows = cats_min(engine->rows, rows - 1);
		*own = engine->rows;
	}
	engine->had = engine->rows + 1;
}

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

/* Whether this node has the row of this step's token itself; then that. */
static const uint8_t *own_row(const struct cats_engine *engine)
{
	const struct cats_image *image = engine->image;
	const uint8_t node = image->header->node;
	uint32_t token;

	memcpy(&token, engine->arena + image->model->arena_input, sizeof(token));
	for (uint8_t s = 0; s < node; s++) {
		token -= cats_source(image, 0, s)->columns; /* of an earlier one: it wraps */
	}
	if (token >= cats_source(image, 0, node)->columns) {
		return NULL;
	}
	return (const uint8_t *)cats_table(image, cats_llama(image)->rows) +
	       token * cats_row_bytes(image);
}

static uint8_t *heard_row(const struct cats_engine *engine)
{
	return engine->arena + engine->image->gathers->tile[0];
}

const uint8_t *cats_llama_row(const struct cats_engine *engine)
{
	const uint8_t *row = own_row(engine);

	return row != NULL ? row : heard_row(engine);
}

void cats_llama_clear_row(const struct cats_engine *engine, struct cats_exchange x)
{
	const struct cats_image *image = engine->image;

	/* Nobody sends it. */
	if ((x.owner == image->header->node || cats_fragment_count(image, x, x.owner) == 0) &&
	    own_row(engine) == NULL) {
		memset(heard_row(engine), 0, cats_row_bytes(image));
	}
}

/* Own residual columns of a part of the row of this step's token: they begin it, or are added. */
static void take_part(const struct cats_engine *engine, uint32_t part)
{
	const struct cats_image *image = engine->image;
	const struct cats_image_llama *llama = cats_llama(image);
	const uint8_t *exponent = cats_table(image, llama->exponents);
	const uint8_t *from = cats_llama_row(engine) +
			      part * (sizeof(int32_t) + (uint32_t)image->model->features);
	const int8_t *columns = (const int8_t *)from + sizeof(int32_t) + cats_first_column(image);
	const uint32_t own = cats_residual_columns(image);
	int16_t *residual = cats_residual(engine);
	int32_t multiplier;

	memcpy(&multiplier, from, sizeof(multiplier));
	multiplier &= INT32_MAX; /* it came from the air */
	for (uint32_t c = 0; c < own; c++) {
		const int32_t value = cats_sat16(
			cats_requantize(columns[c], multiplier, llama->embed_shift + exponent[c]));

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
	const uint32_t place = cats_min(*own_place(engine), cats_stream(image)->rows - 1u);
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
	p->out = value_at(engine, block, 0, place);
	p->output_step = cats_round_up4(cats_stream(image)->rows);
	cats_multiply(p);
	cats_skip_outputs(p, p->outputs);

	cats_turns(turns, engine->position, cats_table(image, llama->turn), pairs);
	for (; head != key; head += width) {
		cats_turn(head, turns, pairs, CATS_TURN_QUERY);
	}
	for (uint32_t i = 0; i < keys / width; i++, head += width) {
		uint8_t *to = key_at(engine, block, i, place);

		if (cats_has_wide_keys(image)) {
			cats_turn(head, turns, pairs, CATS_TURN_WIDE_KEY);
			memcpy(to, head, width * sizeof(*head));
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

		a.key = (const int8_t *)key_at(engine, gather->block, from, 0);
		a.value = value_at(engine, gather->block, from, 0);
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
