/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Rows of a gather: what a node sends of them, and what it works on. */

#ifndef CATS_ROWS_H_
#define CATS_ROWS_H_

#include <cats/engine.h>

struct cats_product;

/* One tile that is being consumed. */
struct cats_tile {
	const struct cats_engine *engine;
	const struct cats_image_gather *gather;
	const struct cats_availability *available;
	struct cats_exchange x;
	uint16_t first; /* the tile's first row, counted from the gather's first */
	uint16_t rows;
	bool lossy; /* some fragment is missing */
};

/* Look at the tile of exchange x: what is missing becomes zero in its buffer. */
void cats_tile_open(struct cats_tile *tile, const struct cats_engine *engine,
		    struct cats_exchange x, const struct cats_availability *available);

/* The view of one row of the tile, normalised where the gather has a norm: a row of [stride] that
 * begins at y, ready for cats_arrange().
 */
void cats_tile_row(const struct cats_tile *tile, uint16_t row, int16_t *y, uint32_t step);

/* Own columns of one row of a gather, before they are broadcast or put into a view. */
struct cats_own_row {
	const int8_t *bytes;     /* int8 [own columns], of RESULT their bytes, or NULL: */
	const int16_t *residual; /* int16 [own columns], still to be requantised */
	int32_t multiplier;
	uint8_t shift;
};

/* row: in the tile of exchange x. */
struct cats_own_row cats_own_row(const struct cats_engine *engine, struct cats_exchange x,
				 uint16_t row);

/* linear.c: the share of a tile of INPUT of the linear path's outputs, and all of them added to the
 * result. Only where the image has the path.
 */
void cats_linear(const struct cats_tile *tile);
void cats_linear_add(const struct cats_engine *engine);

/* Of a stream rows of the window before this step, that the node has; and its first row. */
static inline uint32_t cats_earlier_rows(const struct cats_engine *engine)
{
#ifndef CATS_NO_STREAM
	return engine->rows;
#else
	(void)engine;
	return 0;
#endif
}

static inline uint32_t cats_position(const struct cats_engine *engine)
{
#ifndef CATS_NO_STREAM
	return engine->position;
#else
	(void)engine;
	return 0;
#endif
}

/* steps.c: the sum over the rows that a node has as the whole context would have it. */
int32_t cats_spread(const struct cats_engine *engine, int32_t sum);

/* steps.c: own columns of the mean over the rows that a node has, these included. */
void cats_pool_steps(const struct cats_engine *engine, const struct cats_image_gather *gather);

/*
 * llama.c: with CATS_FLAG_LLAMA, of the one row of a step. Its place among the rows that are kept,
 * its residual, its queries, keys and values (p: the product behind ATTENTION), own heads, and
 * hidden columns (p: the product behind FORWARD).
 */
void cats_llama_seek(struct cats_engine *engine, uint32_t position, bool follows);
void cats_llama_embed(const struct cats_engine *engine);

/*
 * With CATS_FLAG_ROWS, llama.c: the row of this step's token, this node's own or as it was heard;
 * before INPUT is on the air one that is made, of a token that nobody can send zeros; and in front
 * of a block, behind the product of INPUT or of HIDDEN, what it adds to the residual.
 */
const uint8_t *cats_llama_row(const struct cats_engine *engine);
void cats_llama_make_row(const struct cats_engine *engine, struct cats_exchange x);
void cats_llama_add_table(const struct cats_engine *engine, const struct cats_image_gather *gather);

void cats_llama_project(const struct cats_tile *tile, struct cats_product *p);
void cats_llama_attend(const struct cats_engine *engine, const struct cats_image_gather *gather);
void cats_llama_hide(const struct cats_tile *tile, struct cats_product *p);

/* llama.c: where a RESULT has candidates: own ones into the outbox, largest first; and those of all
 * that arrived, as the output, in which nothing else is.
 */
void cats_llama_offer(const struct cats_engine *engine, struct cats_exchange x);
void cats_llama_collect(const struct cats_tile *tile);

/* embed.c: a tile of INPUT on a node without inputs, or with an embedding of two layers. */
void cats_embed(const struct cats_tile *tile);

/* embed.c: what the stem of a node with inputs makes of some rows of them, and where it stands. */
void cats_stem(const struct cats_engine *engine, uint16_t begin, uint16_t end);
const int8_t *cats_stem_row(const struct cats_engine *engine, uint32_t row);

/* mean.c: a tile of OUTPUT with CATS_POOL_MEAN_OF_NORM, on a node that computes some of the result.
 */
void cats_consume_mean(const struct cats_tile *tile);

/* outbox.c: put down this node's fragments of exchange x, whose own rows are made. */
void cats_outbox_write(const struct cats_engine *engine, struct cats_exchange x);

#endif /* CATS_ROWS_H_ */
