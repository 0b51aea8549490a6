/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Where keys and values of a Llama model's rows stand. */

#ifndef CATS_WINDOW_H_
#define CATS_WINDOW_H_

#include "engine_internal.h"

/* Bytes of a key's column. */
static inline uint32_t cats_key_size(const struct cats_image *image)
{
	return cats_has_wide_keys(image) ? sizeof(int16_t) : 1;
}

/* Keys of a key/value head of a block, [rows][E], from a row on. */
static inline uint8_t *cats_key_at(const struct cats_engine *engine, uint32_t block, uint32_t head,
				   uint32_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t before = block * cats_key_columns(engine->image) + head * m->head_width;
	const uint32_t rows = cats_stream(engine->image)->rows;

	return engine->arena + m->arena_key +
	       (before * rows + row * m->head_width) * cats_key_size(engine->image);
}

/* Values of such a head, [E][rows rounded up to 4], from a row on. */
static inline int8_t *cats_value_at(const struct cats_engine *engine, uint32_t block, uint32_t head,
				    uint32_t row)
{
	const struct cats_image_model *m = engine->image->model;
	const uint32_t before = block * cats_key_columns(engine->image) + head * m->head_width;
	const uint32_t rows = cats_stream(engine->image)->rows;

	return (int8_t *)engine->arena + m->arena_value + before * cats_round_up4(rows) + row;
}

#endif /* CATS_WINDOW_H_ */
