/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the files share that check an image. */

#ifndef CATS_IMAGE_CHECK_H_
#define CATS_IMAGE_CHECK_H_

#include "engine_internal.h"

#define MAX_SHIFT 62u /* doc/numerics.rst: requantisation */

static inline bool in_range(uint32_t v, uint32_t low, uint32_t high)
{
	return low <= v && v <= high;
}

/* An array of the image, from its offset. */
static inline bool table_fits(const struct cats_image_header *header, uint32_t offset,
			      uint32_t bytes)
{
	return offset >= sizeof(*header) && offset % 4 == 0 && offset <= header->image_size &&
	       bytes <= header->image_size - offset;
}

static inline bool buffer_fits(const struct cats_image_header *header, uint32_t offset,
			       uint32_t bytes)
{
	return offset % 4 == 0 && offset <= header->arena_size &&
	       bytes <= header->arena_size - offset;
}

static inline bool apart(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return b >= a + a_size || a >= b + b_size;
}

/*
 * image_llama.c: what an image with CATS_FLAG_LLAMA has beside that of other streams: its shape and
 * record, the step of each gather, and the arena, where rows of so many bytes are multiplied.
 */
bool cats_llama_model_fits(const struct cats_image *image);
bool cats_llama_step_fits(const struct cats_image *image, const struct cats_image_gather *gather);
bool cats_llama_arena_fits(const struct cats_image *image, uint32_t rows_size);

/*
 * image_llama.c: with CATS_FLAG_ROWS the sources of INPUT, and its buffers; gives the most data
 * slots of a step.
 */
bool cats_rows_fit(const struct cats_image *image, uint32_t *slots);

/* image_llama.c: scales of weights of four bits, where a gather has such. */
bool cats_scales_fit(const struct cats_image *image, const struct cats_image_gather *gather);

#endif /* CATS_IMAGE_CHECK_H_ */
