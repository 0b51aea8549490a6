/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The window of a Llama model: doc/numerics-llama.rst, "Steps". Keys and values of the rows that a
 * node has stand side by side, in any order, as in steps.c; but the window slides, so it is known
 * where each of its rows stands. A row that is computed again sees those before it: these are
 * brought to the front.
 */

#include <errno.h>
#include <string.h>

#include "engine_internal.h"
#include "rows.h"
#include "window.h"

#if CATS_LLAMA

/* No row of the window stands there. */
#define NO_ROW UINT16_MAX
/* It is not known which token was a row's: no image has so many. */
#define NO_TOKEN UINT16_MAX

static uint32_t rows_of(const struct cats_engine *engine)
{
	return cats_stream(engine->image)->rows;
}

/*
 * Where each row stands: [rows of the window], one behind the other and round again, or NO_ROW;
 * then which of them is the newest row; then the tokens of these rows, likewise.
 */
static uint16_t *places(const struct cats_engine *engine)
{
	return (uint16_t *)(engine->arena + engine->image->model->arena_sums);
}

/* Which of them is the row so many behind the newest one. */
static uint32_t index_of(const struct cats_engine *engine, uint32_t back)
{
	const uint32_t rows = rows_of(engine);
	const uint32_t top =
		cats_min(places(engine)[rows], rows - 1); /* whatever became of the arena */

	return top >= back ? top - back : top + rows - back;
}

static uint16_t *token_at(const struct cats_engine *engine, uint32_t index)
{
	return places(engine) + rows_of(engine) + 1 + index;
}

static bool has_row(const struct cats_engine *engine, uint32_t index)
{
	return places(engine)[index] < engine->held;
}

/* Exchange two bytes' worth of rows, or with @p both false write over the first. */
static void move_bytes(void *to, void *from, uint32_t bytes, bool both)
{
	uint8_t *a = to;
	uint8_t *b = from;

	for (uint32_t i = 0; i < bytes; i++) {
		const uint8_t kept = a[i];

		a[i] = b[i];
		if (both) {
			b[i] = kept;
		}
	}
}

/* The keys and values of a row come to stand at another place; with @p both they change places. */
static void move_row(const struct cats_engine *engine, uint32_t to, uint32_t from, bool both)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t heads = cats_key_columns(engine->image) / m->head_width;
	const uint32_t padded = cats_round_up4(rows_of(engine));

	for (uint32_t block = 0; block < m->blocks; block++) {
		for (uint32_t head = 0; head < heads; head++) {
			int8_t *value = cats_value_at(engine, block, head, 0);

			move_bytes(cats_key_at(engine, block, head, to),
				   cats_key_at(engine, block, head, from),
				   m->head_width * cats_key_size(engine->image), both);
			for (uint32_t e = 0; e < m->head_width; e++, value += padded) {
				move_bytes(value + to, value + from, 1, both);
			}
		}
	}
}

/* Whose row stands there; the window's rows where it is nobody's. */
static uint32_t row_at(const struct cats_engine *engine, uint32_t place)
{
	uint32_t i = 0;

	while (i < rows_of(engine) && places(engine)[i] != place) {
		i++;
	}
	return i;
}

/* A row is not true any more, and none takes its place: the last one does. */
static void drop(struct cats_engine *engine, uint32_t index)
{
	uint16_t *place = places(engine);
	const uint16_t hole = place[index];
	uint32_t last;

	if (!has_row(engine, index)) {
		return;
	}
	place[index] = NO_ROW;
	last = row_at(engine, --engine->held);
	if (last < rows_of(engine)) {
		move_row(engine, hole, engine->held, false);
		place[last] = hole;
	}
}

/* A row stands at a place, and what stood there in its own. */
static void bring(struct cats_engine *engine, uint32_t index, uint32_t place)
{
	uint16_t *places_of = places(engine);
	uint32_t other;

	if (places_of[index] == place) {
		return;
	}
	other = row_at(engine, place);
	if (other < rows_of(engine)) {
		move_row(engine, place, places_of[index], true);
		places_of[other] = places_of[index];
		places_of[index] = place;
	}
}

/* A new row, behind the others. */
static void append(struct cats_engine *engine, uint32_t index)
{
	engine->held = cats_min(engine->held, rows_of(engine) - 1);
	places(engine)[index] = engine->held++;
}

static void forget(struct cats_engine *engine)
{
	engine->held = 0;
	memset(places(engine), 0xff, (2 * rows_of(engine) + 1) * sizeof(uint16_t));
	places(engine)[rows_of(engine)] = 0;
}

/* The newest row is another one, @p further ahead or behind: rows leave the window, the last but
 * with @p over, to be written over.
 */
static void slide(struct cats_engine *engine, int32_t further, bool over)
{
	const uint32_t rows = rows_of(engine);
	uint16_t *top = &places(engine)[rows];

	for (; further < 0; further++) {
		drop(engine, index_of(engine, 0));
		*token_at(engine, index_of(engine, 0)) = NO_TOKEN;
		*top = index_of(engine, 1 % rows);
	}
	for (; further > 0; further--) {
		*top = index_of(engine, rows - 1);
		if (!over || further > 1) {
			drop(engine, index_of(engine, 0));
		}
		*token_at(engine, index_of(engine, 0)) = NO_TOKEN;
	}
}

/* What the last step left, and the newest row is at @p top from now on. */
static void go_on(struct cats_engine *engine, uint32_t top, bool follows, bool over)
{
	const int32_t further = (int32_t)(top - engine->top);
	const int32_t rows = (int32_t)rows_of(engine);

	if (engine->passing) {
		drop(engine, index_of(engine, engine->top - engine->position));
	}
	engine->passing = false;
	if (follows && further < rows && further > -rows) {
		slide(engine, further, over);
	} else {
		forget(engine);
	}
	engine->top = top;
}

/* Where this step's row is computed, behind so many that it sees. */
static void begin(struct cats_engine *engine, uint32_t position, uint32_t index, uint32_t sees)
{
	engine->position = position;
	engine->slot = cats_min(places(engine)[index], rows_of(engine) - 1);
	engine->rows = sees;
	engine->had = sees + 1;
}

void cats_llama_seek(struct cats_engine *engine, uint32_t position, bool follows)
{
	uint32_t index;

	go_on(engine, position, follows && (int32_t)(position - engine->top) >= 0, true);
	index = index_of(engine, 0);
	if (!has_row(engine, index)) {
		append(engine, index);
	}
	engine->kept = false;
	begin(engine, position, index, engine->held - 1u);
}

int cats_engine_replay(struct cats_engine *engine, uint32_t position, uint32_t top, bool follows,
		       bool told)
{
	uint32_t back = top - position;
	uint32_t sees = 0;
	uint32_t index;

	if (!cats_is_llama(engine->image->model) || back >= rows_of(engine)) {
		return -EINVAL;
	}
	go_on(engine, top, follows, false);
	for (uint32_t b = rows_of(engine) - 1u; b > back; b--) {
		index = index_of(engine, b);
		if (has_row(engine, index)) {
			bring(engine, index, sees++);
		}
	}
	index = index_of(engine, back);
	engine->kept = has_row(engine, index);
	if (!engine->kept) {
		append(engine, index);
	}
	bring(engine, index, sees);
	engine->passing = !engine->kept && !told;
	begin(engine, position, index, sees);
	return 0;
}

uint16_t cats_engine_lacks(const struct cats_engine *engine, uint32_t from)
{
	const uint32_t rows = rows_of(engine);
	const uint32_t ahead = engine->top - from;
	uint32_t back = cats_min(rows, cats_min(ahead, engine->top) + 1u);

	/* The oldest row leaves the window with the next step. */
	if (back == rows) {
		back--;
	}
	if (engine->image->model->own_heads == 0 || (int32_t)ahead < 0) {
		return 0;
	}
	for (; back > 0; back--) {
		if (!has_row(engine, index_of(engine, back - 1)) ||
		    (engine->passing && engine->top - engine->position == back - 1)) {
			return (uint16_t)back;
		}
	}
	return 0;
}

void cats_engine_note(struct cats_engine *engine, uint32_t token)
{
	const uint32_t back = engine->top - engine->position;

	if (cats_is_llama(engine->image->model) && back < rows_of(engine)) {
		*token_at(engine, index_of(engine, back)) =
			token < NO_TOKEN ? (uint16_t)token : NO_TOKEN;
	}
}

uint32_t cats_engine_noted(const struct cats_engine *engine, uint32_t position)
{
	const uint32_t back = engine->top - position;
	uint16_t token = NO_TOKEN;

	if (cats_is_llama(engine->image->model) && back < rows_of(engine)) {
		token = *token_at(engine, index_of(engine, back));
	}
	return token < engine->image->model->inputs ? token : UINT32_MAX;
}

#endif /* CATS_LLAMA */
