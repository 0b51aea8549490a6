/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The check of what only images of Llama models have: see image.c. */

#include "image_check.h"
#include "kernels.h"

#if CATS_LLAMA

#define MAX_EXPONENT 3
#define MAX_WIDE_HEAD 128u  /* doc/numerics-llama.rst: scores fit 32 bits */
#define MAX_FOUR_BITS 1024u /* there: sums behind a norm fit 32 bits */

#define REPLICATED_FLAGS (CATS_LLAMA_REPLICATED | CATS_LLAMA_REPLICATED_FORWARD)
#define LLAMA_FLAGS (CATS_LLAMA_WIDE_KEYS | REPLICATED_FLAGS)

/* A norm's sum of 2^14 * 4^c over its columns fits 32 bits. */
#define MAX_SQUARES (UINT32_MAX >> 14)

/* How a source cuts a row: all who have any alike, so that slots do not depend on who sends. */
static bool cut_fits(const struct cats_image_source *s, uint32_t bytes)
{
	if (bytes == 0) {
		return s->width == 0 && s->segments == 0;
	}
	return s->width == bytes && in_range(s->segment_width, 1, bytes) && s->fragment_rows == 1 &&
	       s->segments == cats_ceil_div(bytes, s->segment_width) &&
	       s->segments <= CATS_MAX_FRAGMENTS;
}

bool cats_rows_fit(const struct cats_image *image, uint32_t *slots)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_gather *gather = image->gathers;
	const uint32_t bytes = h->nodes == 1 ? 0 : cats_row_bytes(image);
	uint32_t tokens = 0;
	uint16_t segment = 0;

	for (uint8_t d = 0; d < h->nodes; d++) {
		const struct cats_image_source *s = cats_source(image, 0, d);

		if (!cut_fits(s, s->columns == 0 ? 0 : bytes) ||
		    (s->width != 0 && segment != 0 && s->segment_width != segment)) {
			return false;
		}
		segment = s->width != 0 ? s->segment_width : segment;
		*slots = s->segments > *slots ? s->segments : *slots;
		tokens += s->columns;
	}
	return tokens == image->model->inputs && gather->buffers == 1 && gather->own_keep == 0 &&
	       buffer_fits(h, gather->tile[0], cats_row_bytes(image)) &&
	       buffer_fits(h, gather->outbox[0], 0);
}

/* Whether rows of own tokens can be read out of the weights of OUTPUT: those of the same tokens,
 * each with all columns, of eight bits. What a gather points to is checked with it.
 */
static bool tied_fits(const struct cats_image *image, uint32_t tokens)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	uint32_t first = 0;

	for (uint8_t s = 0; s < h->node; s++) {
		first += cats_source(image, 0, s)->columns;
	}
	return cats_llama(image)->multipliers == 1 && tokens == m->own_outputs &&
	       first == m->first_output && cats_output_gather(image)->view == m->features &&
	       cats_scales(image, h->gathers - 2u) == NULL;
}

/* The rows of own tokens, and that they are no longer than a source may be. */
static bool parts_fit(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *l = cats_llama(image);
	const uint32_t tokens = cats_source(image, 0, h->node)->columns;
	const uint32_t own = cats_residual_columns(image);
	uint32_t bytes;
	const uint8_t *row;

	if (l->multipliers != 1 && l->multipliers != 1u + m->blocks) {
		return false;
	}
	bytes = cats_row_bytes(image);
	if (bytes > UINT16_MAX ||
	    (own == 0 ? l->exponents != 0 : !table_fits(h, l->exponents, own))) {
		return false;
	}
	if (l->rows == 0) {
		return tokens == 0 || tied_fits(image, tokens);
	}
	if (tokens == 0 || tokens > h->image_size / bytes ||
	    !table_fits(h, l->rows, tokens * bytes)) {
		return false;
	}
	row = cats_table(image, l->rows);
	for (uint32_t part = 0; part < tokens * l->multipliers; part++) {
		if (row[3] > INT8_MAX || (row[0] | row[1] | row[2] | row[3]) == 0) {
			return false; /* a multiplier is 1..2^31-1 */
		}
		row += sizeof(int32_t) + m->features;
	}
	return true;
}

/* What a node has of the embedding: one without columns of the residual nothing. */
static bool rows_fit(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *l = cats_llama(image);
	const uint32_t own = cats_residual_columns(image);

	if (cats_has_rows(m)) {
		return parts_fit(image);
	}
	if (own == 0) {
		return l->rows == 0 && l->multipliers == 0 && l->exponents == 0;
	}
	return table_fits(h, l->rows, m->inputs * own) &&
	       table_fits(h, l->multipliers, m->inputs * sizeof(int32_t)) &&
	       table_fits(h, l->exponents, own);
}

/* What is replicated; of parallel blocks HIDDEN is on the air, as heads are. */
static bool flags_fit(const struct cats_image *image)
{
	const struct cats_image_model *m = image->model;
	const uint8_t flags = cats_llama(image)->flags;

	return (flags & ~LLAMA_FLAGS) == 0 &&
	       (flags & REPLICATED_FLAGS) != CATS_LLAMA_REPLICATED_FORWARD &&
	       (!cats_replicates_hidden(image) ||
		(!cats_is_parallel(m) && m->own_hidden == m->hidden));
}

static bool record_fits(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *l = cats_llama(image);

	return table_fits(h, image->gathers[0].table, sizeof(*l)) &&
	       ((m->flags & CATS_FLAG_FOUR_BITS) != 0
			? table_fits(h, l->scales, h->gathers * sizeof(uint32_t))
			: l->scales == 0) &&
	       in_range(l->key_heads, 1, m->heads) && m->heads % l->key_heads == 0 &&
	       in_range(l->embed_shift, 1, MAX_SHIFT - MAX_EXPONENT) && flags_fit(image) &&
	       (!cats_has_wide_keys(image) || m->head_width <= MAX_WIDE_HEAD) && rows_fit(image) &&
	       table_fits(h, l->turn, m->head_width / 2u * sizeof(uint32_t));
}

bool cats_llama_model_fits(const struct cats_image *image)
{
	const struct cats_image_model *m = image->model;
	const struct cats_image_llama *l = cats_llama(image);
	const uint16_t others =
		CATS_FLAG_OWN_EMBEDDING | CATS_FLAG_STEM | CATS_FLAG_SIGNED_STEM | CATS_FLAG_HELD;
	const int32_t *multipliers;
	const uint8_t *exponents;
	uint32_t rows;

	if (!cats_streams(m) || (m->flags & others) != 0 || m->tokens != 1 ||
	    m->pool != CATS_POOL_ALL || m->head_width % 2 != 0 ||
	    m->own_inputs != sizeof(uint32_t) || m->first_input != 0 ||
	    (cats_is_parallel(m) && m->features + m->hidden > CATS_MAX_COLUMNS) ||
	    !record_fits(image)) {
		return false;
	}
	rows = cats_has_rows(m) || cats_residual_columns(image) == 0 ? 0 : m->inputs;
	multipliers = cats_table(image, l->multipliers);
	for (uint32_t t = 0; t < rows; t++) {
		if (multipliers[t] < 1) {
			return false;
		}
	}
	exponents = cats_table(image, l->exponents);
	for (uint32_t c = 0; c < cats_residual_columns(image); c++) {
		if (exponents[c] > MAX_EXPONENT) {
			return false;
		}
	}
	return true;
}

#if CATS_FOUR_BITS
bool cats_scales_fit(const struct cats_image *image, const struct cats_image_gather *gather)
{
	const struct cats_image_header *h = image->header;
	const uint32_t *offsets;
	uint32_t offset;

	if ((image->model->flags & CATS_FLAG_FOUR_BITS) == 0) {
		return true;
	}
	offsets = cats_table(image, cats_llama(image)->scales);
	offset = offsets[gather - image->gathers];
	return offset == 0 ||
	       (gather->products != 0 && (gather->norm == 0 || gather->view <= MAX_FOUR_BITS) &&
		table_fits(h, offset, gather->products * cats_scale_groups(gather->stride)));
}
#endif

static bool norm_fits(const struct cats_image *image, const struct cats_image_gather *gather)
{
	const struct cats_image_norm *norm = cats_table(image, gather->norm);
	uint32_t squares = 0;

	if (gather->send_multiplier < 1 || !in_range(gather->send_shift, 1, MAX_SHIFT)) {
		return false;
	}
	if (gather->products == 0) {
		return gather->norm == 0; /* nobody reads it */
	}
	if (!table_fits(image->header, gather->norm, gather->view * sizeof(*norm))) {
		return false;
	}
	for (uint32_t c = 0; c < gather->view; c++) {
		if (norm[c].bias < 0 || norm[c].bias > MAX_EXPONENT) {
			return false;
		}
		squares += 1u << (2 * norm[c].bias);
	}
	return squares <= MAX_SQUARES;
}

/* The table of the gate's activation, of a gather that has it. */
static bool gate_fits(const struct cats_image *image, const struct cats_image_gather *gather)
{
	return table_fits(image->header, gather->table, 257 * sizeof(int16_t));
}

bool cats_llama_step_fits(const struct cats_image *image, const struct cats_image_gather *gather)
{
	const bool parallel = cats_is_parallel(image->model);
	const bool scaled =
		gather->value_multiplier >= 1 && in_range(gather->value_shift, 1, MAX_SHIFT);

	switch (gather->kind) {
	case CATS_GATHER_INPUT:
		return gather->norm == 0;
	case CATS_GATHER_HIDDEN:
		return gather->norm == 0 && (!parallel || (scaled && gate_fits(image, gather)));
	case CATS_GATHER_HEADS:
		return gather->norm == 0 && scaled;
	case CATS_GATHER_FORWARD:
		return scaled && norm_fits(image, gather) && gate_fits(image, gather);
	case CATS_GATHER_ATTENTION:
		return (scaled || !parallel) && norm_fits(image, gather) &&
		       cats_unseen_us(gather, cats_stream(image)->rows) <= gather->spacing_us;
	default: /* OUTPUT */
		return norm_fits(image, gather);
	}
}

bool cats_llama_arena_fits(const struct cats_image *image, uint32_t rows_size)
{
	const struct cats_image_model *m = image->model;
	const uint32_t rows = cats_stream(image)->rows;
	const uint32_t keys = cats_key_columns(image);
	const uint32_t heads = cats_own_features(m) + keys;
	const uint32_t turns = m->head_width / 2u;
	const uint32_t key_bytes = cats_has_wide_keys(image) ? sizeof(int16_t) : 1;
	const struct {
		uint32_t offset;
		uint32_t bytes;
	} buffers[] = {
		{m->arena_key, m->blocks * keys * rows * key_bytes},
		{m->arena_heads, heads * sizeof(int16_t) + turns * sizeof(uint32_t)},
		{m->arena_hidden, cats_columns_beside(m) + 2u * m->own_hidden * sizeof(int16_t)},
		{m->arena_sums, (2 * rows + 1) * sizeof(uint16_t)},
	};

	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) {
		if (!buffer_fits(image->header, buffers[i].offset, buffers[i].bytes) ||
		    !apart(buffers[i].offset, buffers[i].bytes, m->arena_rows, rows_size)) {
			return false;
		}
	}
	return true;
}

#endif /* CATS_LLAMA */
