/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the engine's files share. Nothing of it is API. */

#ifndef CATS_ENGINE_INTERNAL_H_
#define CATS_ENGINE_INTERNAL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/engine.h>
#include <cats/image.h>

/* What an image may ask for: all of it, unless the build says otherwise (CONFIG_CATS_LINEAR,
 * CONFIG_CATS_MEAN_OF_NORM, CONFIG_CATS_OWN_EMBEDDING, CONFIG_CATS_EMPTY_GATHERS,
 * CONFIG_CATS_HOPS, CONFIG_CATS_STREAM, CONFIG_CATS_LLAMA, CONFIG_CATS_FOUR_BITS, of which the last
 * two need the one before them).
 */
#ifdef CATS_NO_LINEAR
#define CATS_LINEAR 0
#else
#define CATS_LINEAR 1
#endif
#ifdef CATS_NO_MEAN_OF_NORM
#define CATS_MEAN_OF_NORM 0
#else
#define CATS_MEAN_OF_NORM 1
#endif

#ifdef CATS_NO_OWN_EMBEDDING
#define CATS_OWN_EMBEDDING 0
#else
#define CATS_OWN_EMBEDDING 1
#endif

#ifdef CATS_NO_EMPTY_GATHERS
#define CATS_EMPTY_GATHERS 0
#else
#define CATS_EMPTY_GATHERS 1
#endif

#ifdef CATS_NO_STREAM
#define CATS_STREAM 0
#else
#define CATS_STREAM 1
#endif

#if defined(CATS_NO_LLAMA) || defined(CATS_NO_STREAM)
#define CATS_LLAMA 0
#else
#define CATS_LLAMA 1
#endif

#ifdef CATS_NO_HOPS
#define CATS_HOPS 0
#else
#define CATS_HOPS 1
#endif

#if defined(CATS_NO_FOUR_BITS) || !CATS_LLAMA
#define CATS_FOUR_BITS 0
#else
#define CATS_FOUR_BITS 1
#endif

static inline uint32_t cats_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t cats_round_up4(uint32_t v)
{
	return (v + 3u) & ~3u;
}

static inline uint32_t cats_ceil_div(uint32_t a, uint32_t b)
{
	return (a + b - 1u) / b;
}

static inline uint32_t cats_tiles(const struct cats_image_gather *gather)
{
	return cats_ceil_div(gather->rows, gather->tile_rows);
}

static inline const struct cats_image_source *cats_source(const struct cats_image *image,
							  uint16_t gather, uint8_t source)
{
	return &image->sources[(uint32_t)gather * image->header->nodes + source];
}

/* Fragments of one segment in a tile of so many rows. */
static inline uint32_t cats_row_groups(const struct cats_image_source *source, uint16_t rows)
{
	return cats_ceil_div(rows, source->fragment_rows);
}

/*
 * Whether what a node broadcasts of a gather stands in the arena just so: all own columns, int8, in
 * one segment.
 */
static inline bool cats_sent_in_place(const struct cats_image_gather *gather,
				      const struct cats_image_source *own)
{
	return gather->kind != CATS_GATHER_ATTENTION && gather->kind != CATS_GATHER_FORWARD &&
	       own->segments == 1 && own->width == own->columns &&
	       (!CATS_LLAMA || gather->element == 1);
}

/* A table of the image. */
static inline const void *cats_table(const struct cats_image *image, uint32_t offset)
{
	return image->base + offset;
}

static inline uint32_t cats_own_features(const struct cats_image_model *model)
{
	return (uint32_t)model->own_heads * model->head_width;
}

static inline int16_t *cats_residual(const struct cats_engine *engine)
{
	return (int16_t *)(engine->arena + engine->image->model->arena_residual);
}

/* Where a row of a tile of FORWARD or HIDDEN stands in the hidden buffer. */
static inline uint32_t cats_hidden_row(const struct cats_image_model *model,
				       const struct cats_image_gather *gather,
				       struct cats_exchange x, uint16_t row)
{
	return gather->rows <= model->hidden_rows ? (uint32_t)x.tile * gather->tile_rows + row
						  : row;
}

static inline bool cats_has_linear(const struct cats_image_model *model)
{
	return CATS_LINEAR && model->linear_weights != 0;
}

static inline bool cats_averages(const struct cats_image_model *model)
{
	return CATS_MEAN_OF_NORM && model->pool == CATS_POOL_MEAN_OF_NORM;
}

/* Whether each node embeds its own inputs: then nobody sends any. */
static inline bool cats_embeds_own(const struct cats_image_model *model)
{
	return CATS_OWN_EMBEDDING && (model->flags & CATS_FLAG_OWN_EMBEDDING) != 0;
}

/* Whether INPUT carries what stems make of the inputs. */
static inline bool cats_has_stem(const struct cats_image_model *model)
{
	return CATS_OWN_EMBEDDING && (model->flags & CATS_FLAG_STEM) != 0;
}

/* Whether a source may keep none of its columns. */
static inline bool cats_may_keep_none(const struct cats_image_model *model)
{
	return CATS_EMPTY_GATHERS && (model->flags & CATS_FLAG_EMPTY_GATHERS) != 0;
}

/* Whether an inference is a step. */
static inline bool cats_streams(const struct cats_image_model *model)
{
	return CATS_STREAM && (model->flags & CATS_FLAG_STREAM) != 0;
}

static inline const struct cats_image_stream *cats_stream(const struct cats_image *image)
{
	return cats_table(image, image->gathers[1].table); /* ATTENTION of block 0 */
}

/* Rows that keys and values have room for. */
static inline uint16_t cats_cache_rows(const struct cats_image *image,
				       const struct cats_image_model *model)
{
	return cats_streams(model) ? cats_stream(image)->rows : model->tokens;
}

/* Whether it is of the Llama family: a stream whose steps are one row. */
static inline bool cats_is_llama(const struct cats_image_model *model)
{
	return CATS_LLAMA && (model->flags & CATS_FLAG_LLAMA) != 0;
}

/* Whether a block has two gathers, ATTENTION and HIDDEN, for attention and feed-forward. */
static inline bool cats_is_parallel(const struct cats_image_model *model)
{
	return CATS_LLAMA && (model->flags & CATS_FLAG_PARALLEL) != 0;
}

/* Whether INPUT carries the row of a step's token, from the node that has it. */
static inline bool cats_has_rows(const struct cats_image_model *model)
{
	return CATS_LLAMA && (model->flags & CATS_FLAG_ROWS) != 0;
}

/* Whether it is an exchange of a row. */
static inline bool cats_moves_row(const struct cats_image *image, struct cats_exchange x)
{
	return CATS_LLAMA && x.gather == 0 && cats_has_rows(image->model);
}

/* Whether a node of a Llama model attends before it sends a gather. */
static inline bool cats_llama_attends(const struct cats_image_model *model,
				      const struct cats_image_gather *gather)
{
	return cats_is_llama(model) &&
	       gather->kind == (cats_is_parallel(model) ? CATS_GATHER_HIDDEN : CATS_GATHER_HEADS);
}

/* Columns of own heads that stand in front of the hidden columns that a node sends with them. */
static inline uint32_t cats_columns_beside(const struct cats_image_model *model)
{
	return cats_is_parallel(model) ? cats_own_features(model) : 0;
}

static inline const struct cats_image_llama *cats_llama(const struct cats_image *image)
{
	return cats_table(image, image->gathers[0].table);
}

/* Whether its keys are int16. */
static inline bool cats_has_wide_keys(const struct cats_image *image)
{
	return (cats_llama(image)->flags & CATS_LLAMA_WIDE_KEYS) != 0;
}

/* Whether each node has the whole residual. */
static inline bool cats_is_replicated(const struct cats_image *image)
{
	return cats_is_llama(image->model) &&
	       (cats_llama(image)->flags & CATS_LLAMA_REPLICATED) != 0;
}

/* Whether each node computes all hidden columns. */
static inline bool cats_replicates_hidden(const struct cats_image *image)
{
	return cats_is_llama(image->model) &&
	       (cats_llama(image)->flags & CATS_LLAMA_REPLICATED_FORWARD) != 0;
}

/* Columns of the residual that this node has. */
static inline uint32_t cats_residual_columns(const struct cats_image *image)
{
	return cats_is_replicated(image) ? image->model->features : cats_own_features(image->model);
}

/* The first of them. */
static inline uint32_t cats_first_column(const struct cats_image *image)
{
	return cats_is_replicated(image)
		       ? 0
		       : (uint32_t)image->model->first_head * image->model->head_width;
}

/* Bytes of a token's row. */
static inline uint32_t cats_row_bytes(const struct cats_image *image)
{
	return cats_llama(image)->multipliers * (sizeof(int32_t) + image->model->features);
}

/* OUTPUT, the last gather but one. */
static inline const struct cats_image_gather *cats_output_gather(const struct cats_image *image)
{
	return &image->gathers[image->header->gathers - 2];
}

/* Scales of the weights behind a gather, NULL where these have eight bits. */
static inline const int8_t *cats_scales(const struct cats_image *image, uint16_t gather)
{
	const uint32_t *offsets;

	if (!CATS_FOUR_BITS || (image->model->flags & CATS_FLAG_FOUR_BITS) == 0) {
		return NULL;
	}
	offsets = cats_table(image, cats_llama(image)->scales);
	return offsets[gather] != 0 ? cats_table(image, offsets[gather]) : NULL;
}

/* Whether of a RESULT each node sends those of its outputs that are largest. */
static inline bool cats_has_candidates(const struct cats_image_model *model,
				       const struct cats_image_gather *gather)
{
	return cats_is_llama(model) && gather->kind == CATS_GATHER_RESULT &&
	       gather->element == sizeof(struct cats_candidate);
}

/* The key/value head that an own head reads, among those that this node has. */
static inline uint32_t cats_key_of(const struct cats_image *image, uint32_t head)
{
	const struct cats_image_model *m = image->model;
	const uint32_t shared = m->heads / cats_llama(image)->key_heads;

	return (m->first_head + head) / shared - m->first_head / shared;
}

/* Columns of keys, and of values, of a block. */
static inline uint32_t cats_key_columns(const struct cats_image *image)
{
	const struct cats_image_model *m = image->model;

	if (m->own_heads == 0) {
		return 0;
	}
	return (cats_key_of(image, m->own_heads - 1u) + 1) * m->head_width;
}

/* Whether this node has inputs, and no part of the transformer. */
static inline bool cats_only_senses(const struct cats_image_model *model)
{
	return CATS_EMPTY_GATHERS && model->own_heads == 0 && !(CATS_LLAMA && cats_is_llama(model));
}

/* One fragment as a rectangle of its source's kept bytes of a tile. */
struct cats_region {
	uint16_t row; /* first row in the tile */
	uint16_t rows;
	uint16_t column; /* first byte of a row */
	uint16_t width;  /* bytes a row */
};

/* False where there is no such fragment. */
bool cats_find_region(const struct cats_image *image, struct cats_exchange x, uint8_t source,
		      uint16_t fragment, struct cats_region *region);

#endif /* CATS_ENGINE_INTERNAL_H_ */
