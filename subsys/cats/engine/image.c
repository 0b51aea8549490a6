/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The whole check of an image. The engine and the gather index with what stands in it and check
 * nothing, so what is not refused here is trusted everywhere.
 */

#include <cats/image.h>

#include "crc32.h"
#include "engine_internal.h"
#include "image_check.h"
#include "image_header.h"

#define CRC_BEGIN 16u
#define MAX_BLOCKS 63u      /* G = 4 L + 3 fits the byte of a frame */
#define MAX_BIAS (1L << 30) /* with 4096 columns of 128 * 128 the sum fits int32 */

#define LLAMA_FLAGS (CATS_FLAG_FOUR_BITS | CATS_FLAG_PARALLEL | CATS_FLAG_ROWS)
#define STEM_FLAGS (CATS_FLAG_STEM | CATS_FLAG_SIGNED_STEM)

/* Flags that an image may have; what this build leaves out is refused before. */
#define KNOWN_FLAGS                                                                                \
	(CATS_FLAG_CAUSAL | CATS_FLAG_HELD | CATS_FLAG_SEALED | CATS_FLAG_OWN_EMBEDDING |          \
	 CATS_FLAG_EMPTY_GATHERS | CATS_FLAG_RADIO | CATS_FLAG_STEM | CATS_FLAG_STREAM |           \
	 CATS_FLAG_LLAMA | (CATS_OWN_EMBEDDING ? CATS_FLAG_SIGNED_STEM : 0) |                      \
	 (CATS_FOUR_BITS ? CATS_FLAG_FOUR_BITS : 0) | (CATS_HOPS ? CATS_FLAG_HOPS : 0) |           \
	 (CATS_LLAMA ? CATS_FLAG_PARALLEL | CATS_FLAG_ROWS : 0))

/* Flags of what this build leaves out. */
#define LEFT_OUT                                                                                   \
	((CATS_OWN_EMBEDDING ? 0 : STEM_FLAGS | CATS_FLAG_OWN_EMBEDDING) |                         \
	 (CATS_EMPTY_GATHERS ? 0 : CATS_FLAG_EMPTY_GATHERS) |                                      \
	 (CATS_STREAM ? 0 : CATS_FLAG_STREAM) | (CATS_LLAMA ? 0 : CATS_FLAG_LLAMA) |               \
	 (CATS_FOUR_BITS ? 0 : CATS_FLAG_FOUR_BITS) | (CATS_HOPS ? 0 : CATS_FLAG_HOPS))

/* What the exchange of a gather moves, by kind. */
struct tensor {
	uint32_t total; /* columns */
	uint32_t own;   /* this node's */
	uint32_t first; /* the first of them */
};

/* The same of one that may be empty: then it has none. */
static bool used_table_fits(const struct cats_image_header *header, uint32_t offset, uint32_t bytes)
{
	return bytes == 0 ? offset == 0 : table_fits(header, offset, bytes);
}

/* The same of one that a node has which computes. */
static bool step_table_fits(const struct cats_image *image, uint32_t offset, uint32_t bytes)
{
	if (cats_only_senses(image->model) && bytes == 0) {
		return offset == 0;
	}
	return table_fits(image->header, offset, bytes);
}

static bool header_fits(const struct cats_image_header *h)
{
	return in_range(h->nodes, 1, CATS_MAX_NODES) && h->node < h->nodes &&
	       h->gathers <= 4 * MAX_BLOCKS + 3 && h->arena_size % 8 == 0 &&
	       table_fits(h, h->model, sizeof(struct cats_image_model)) &&
	       table_fits(h, h->gather_table, h->gathers * sizeof(struct cats_image_gather)) &&
	       table_fits(h, h->source_table,
			  (uint32_t)h->gathers * h->nodes * sizeof(struct cats_image_source));
}

/* What is left of the linear path's, of attention that is held, of a class token is no stream's. */
static bool stream_fits(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const struct cats_image_stream *stream = cats_stream(image);

	return (m->flags & (CATS_FLAG_CAUSAL | CATS_FLAG_HELD)) == CATS_FLAG_CAUSAL &&
	       m->pool != CATS_POOL_CLASS && m->linear_weights == 0 &&
	       table_fits(h, image->gathers[1].table, sizeof(*stream)) && stream->reserved == 0 &&
	       in_range(stream->rows, m->tokens, CATS_MAX_TOKENS) && stream->rows % m->tokens == 0;
}

/* What a node computes: heads and hidden columns, or neither of both, and nothing of the result. */
static bool share_fits(const struct cats_image_model *m)
{
	const bool held = (m->flags & CATS_FLAG_HELD) != 0;

	if (cats_only_senses(m)) {
		return cats_may_keep_none(m) && !cats_embeds_own(m) && m->own_hidden == 0 &&
		       m->own_outputs == 0 && m->heads_per_pass == 0 && m->first_head <= m->heads;
	}
	if (cats_has_rows(m) && m->own_heads == 0 && m->own_hidden == 0) { /* it has tokens alone */
		return m->own_outputs <= m->outputs && m->heads_per_pass == 0 &&
		       m->first_head <= m->heads;
	}
	return in_range(m->own_heads, !(CATS_LLAMA && cats_is_llama(m)), m->heads) &&
	       m->first_head <= m->heads - m->own_heads && in_range(m->own_hidden, 1, m->hidden) &&
	       m->own_outputs <= m->outputs &&
	       in_range(m->heads_per_pass, held ? 1 : m->own_heads, m->own_heads);
}

/* Gathers of a block. */
static uint16_t block_gathers(const struct cats_image_model *m)
{
	return cats_is_parallel(m) ? 2 : 4;
}

static bool model_fits(const struct cats_image_header *h, const struct cats_image_model *m)
{
	return in_range(m->tokens, 1, CATS_MAX_TOKENS) &&
	       m->tokens_in == m->tokens - (m->pool == CATS_POOL_CLASS) && m->tokens_in >= 1 &&
	       in_range(m->features, 1, CATS_MAX_COLUMNS) &&
	       in_range(m->hidden, 1, CATS_MAX_COLUMNS) &&
	       in_range(m->inputs, 1, cats_is_llama(m) ? UINT16_MAX : CATS_MAX_COLUMNS) &&
	       in_range(m->outputs, 1, cats_is_llama(m) ? UINT16_MAX : CATS_MAX_COLUMNS) &&
	       in_range(m->blocks, 1, MAX_BLOCKS) &&
	       h->gathers == block_gathers(m) * m->blocks + 3 &&
	       (uint32_t)m->heads * m->head_width == m->features && share_fits(m) &&
	       (cats_is_llama(m) || m->own_inputs <= m->inputs) &&
	       (!CATS_MEAN_OF_NORM || m->pool <= CATS_POOL_MEAN_OF_NORM) &&
	       (m->flags & ~KNOWN_FLAGS) == 0 &&
	       (!CATS_LLAMA || (m->flags & LLAMA_FLAGS) == 0 || cats_is_llama(m)) &&
	       (!CATS_OWN_EMBEDDING || (m->flags & STEM_FLAGS) != CATS_FLAG_SIGNED_STEM) &&
	       (!cats_has_stem(m) || (!cats_embeds_own(m) && !cats_has_linear(m))) &&
	       in_range(m->block_rows, 1, CATS_MAX_BLOCK_ROWS) &&
	       in_range(m->hidden_rows, 1, m->tokens) && m->arena_heads == m->arena_query;
}

/* The canonical order of gathers, and the rows that each moves. */
static bool order_fits(const struct cats_image_model *m, const struct cats_image_gather *gather,
		       uint16_t g)
{
	const uint16_t blocks = m->blocks;
	const uint16_t each = block_gathers(m);
	const uint16_t step = cats_is_parallel(m) ? CATS_GATHER_HIDDEN - CATS_GATHER_ATTENTION : 1;
	uint8_t kind, block;
	uint16_t begin = 0, rows = m->tokens;

	if (g == 0) {
		kind = CATS_GATHER_INPUT;
		block = 0;
		begin = m->tokens - m->tokens_in;
		rows = m->tokens_in;
	} else if (g <= each * blocks) {
		kind = CATS_GATHER_ATTENTION + (g - 1) % each * step;
		block = (g - 1) / each;
	} else {
		kind = CATS_GATHER_OUTPUT + g - each * blocks - 1;
		block = blocks - 1;
	}
	if (kind >= CATS_GATHER_HEADS && block == blocks - 1) {
		/* From here on only the rows that the head reads. */
		if (m->pool == CATS_POOL_CLASS) {
			rows = 1;
		} else if (m->pool == CATS_POOL_LAST) {
			begin = m->tokens - 1;
			rows = 1;
		} else if (m->pool == CATS_POOL_MEAN && kind >= CATS_GATHER_OUTPUT) {
			rows = 1;
		} else if (cats_averages(m) && kind == CATS_GATHER_RESULT) {
			rows = 1;
		}
	}
	return gather->kind == kind && gather->block == block && gather->row_begin == begin &&
	       gather->rows == rows;
}

/* Phases ascend, so that equal ones are neighbours. Interleaved are HEADS, FORWARD and HIDDEN of
 * one block, all three or two neighbours; HIDDEN of a parallel block stands behind ATTENTION.
 */
static bool phase_fits(const struct cats_image_gather *gather)
{
	const struct cats_image_gather *before = gather - 1;

	if (gather->kind == CATS_GATHER_FORWARD ||
	    (gather->kind == CATS_GATHER_HIDDEN &&
	     !(CATS_LLAMA && before->kind == CATS_GATHER_ATTENTION))) {
		return gather->phase >= before->phase;
	}
	return gather->kind == CATS_GATHER_INPUT || gather->phase > before->phase;
}

static bool exchange_fits(const struct cats_image_model *m, const struct cats_image_gather *gather)
{
	const bool held = (m->flags & CATS_FLAG_HELD) != 0;

	if (!in_range(gather->tile_rows, 1, gather->rows) || cats_tiles(gather) > CATS_MAX_TILES ||
	    !in_range(gather->buffers, 1, 2) || gather->rounds > CATS_MAX_ROUNDS ||
	    (gather->element != (gather->kind == CATS_GATHER_RESULT ? 2 : 1) &&
	     !(CATS_LLAMA && cats_has_candidates(m, gather))) ||
	    (gather->buffers == 1 &&
	     (gather->tile[0] != gather->tile[1] || gather->outbox[0] != gather->outbox[1]))) {
		return false;
	}
	if (gather->kind != CATS_GATHER_INPUT && gather->phase == (gather - 1)->phase &&
	    gather->tile_rows != (gather - 1)->tile_rows) {
		return false;
	}
	if (held && gather->kind == CATS_GATHER_ATTENTION) {
		return gather->tile_rows == gather->rows;
	}
	if (gather->kind == CATS_GATHER_HIDDEN) {
		/* The hidden buffer holds the whole gather, or one tile of a common phase. */
		return gather->rows <= m->hidden_rows || (gather->phase == (gather - 1)->phase &&
							  gather->tile_rows <= m->hidden_rows);
	}
	return true;
}

static bool source_fits(const struct cats_image *image, const struct cats_image_gather *gather,
			const struct cats_image_source *s)
{
	const struct cats_image_header *h = image->header;
	const uint32_t all = (uint32_t)s->columns * gather->element;
	const bool prunable = gather->kind != CATS_GATHER_INPUT &&
			      (gather->kind != CATS_GATHER_RESULT ||
			       (CATS_LLAMA && cats_has_candidates(image->model, gather)));

	if (h->nodes == 1 || s->columns == 0 ||
	    (gather->kind != CATS_GATHER_RESULT && s->width == 0 &&
	     cats_may_keep_none(image->model)) ||
	    (gather->kind == CATS_GATHER_INPUT && cats_embeds_own(image->model))) {
		return s->width == 0 && s->segments == 0;
	}
	return in_range(s->width, prunable ? gather->element : all, all) &&
	       in_range(s->segment_width, gather->element, s->width) &&
	       s->width % gather->element == 0 && s->segment_width % gather->element == 0 &&
	       s->segments == cats_ceil_div(s->width, s->segment_width) &&
	       in_range(s->fragment_rows, 1, gather->tile_rows) &&
	       (uint32_t)s->fragment_rows * s->segment_width <= UINT16_MAX &&
	       s->segments * cats_row_groups(s, gather->tile_rows) <= CATS_MAX_FRAGMENTS;
}

/* Columns of stems, which are only counted; UINT32_MAX, which none are, where they cannot be. */
static struct tensor stem_tensor(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	struct tensor tensor = {0, cats_source(image, 0, h->node)->columns, UINT32_MAX};

	for (uint8_t s = 0; s < h->nodes; s++) {
		tensor.total += cats_source(image, 0, s)->columns;
	}
	if (!in_range(tensor.total, 1, CATS_MAX_COLUMNS) ||
	    (tensor.own == 0) != (image->model->own_inputs == 0)) {
		tensor.total = UINT32_MAX;
	}
	return tensor;
}

/* Whether each node has all columns of a gather: then nobody sends any. */
static bool is_replicated(const struct cats_image *image, uint8_t kind)
{
	switch (kind) {
	case CATS_GATHER_ATTENTION:
	case CATS_GATHER_FORWARD:
	case CATS_GATHER_OUTPUT:
		return cats_is_replicated(image);
	case CATS_GATHER_HIDDEN:
		return cats_replicates_hidden(image);
	default:
		return false;
	}
}

static struct tensor tensor_of(const struct cats_image *image, uint8_t kind)
{
	const struct cats_image_model *m = image->model;

	switch (kind) {
	case CATS_GATHER_INPUT:
		if (CATS_LLAMA && cats_is_llama(m)) {
			return (struct tensor){0, 0, UINT32_MAX};
		}
		if (cats_has_stem(m)) {
			return stem_tensor(image);
		}
		return (struct tensor){m->inputs, m->own_inputs, m->first_input};
	case CATS_GATHER_HIDDEN:
		/* The first is not needed: hidden columns are only counted. */
		if (CATS_LLAMA && is_replicated(image, kind)) {
			return (struct tensor){(uint32_t)m->hidden * image->header->nodes,
					       m->hidden, UINT32_MAX};
		}
		return (struct tensor){m->hidden + (cats_is_parallel(m) ? m->features : 0u),
				       m->own_hidden + cats_columns_beside(m), UINT32_MAX};
	case CATS_GATHER_RESULT:
		return (struct tensor){m->outputs, m->own_outputs, m->first_output};
	default:
		if (CATS_LLAMA && is_replicated(image, kind)) {
			return (struct tensor){(uint32_t)m->features * image->header->nodes,
					       m->features,
					       (uint32_t)m->features * image->header->node};
		}
		return (struct tensor){m->features, cats_own_features(m),
				       (uint32_t)m->first_head * m->head_width};
	}
}

static bool outbox_fits(const struct cats_image_header *h, const struct cats_image_gather *gather,
			const struct cats_image_source *own)
{
	const uint32_t bytes =
		cats_sent_in_place(gather, own) ? 0 : (uint32_t)gather->tile_rows * own->width;

	return buffer_fits(h, gather->outbox[0], bytes) && buffer_fits(h, gather->outbox[1], bytes);
}

/* Columns of all sources, the buffers and the keep set; gives the columns of the view, and the data
 * slots of a tile.
 */
static bool sources_fit(const struct cats_image *image, uint16_t g, uint32_t *view, uint32_t *slots)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_gather *gather = &image->gathers[g];
	const struct tensor tensor = tensor_of(image, gather->kind);
	const struct cats_image_source *own = cats_source(image, g, h->node);
	const uint32_t kept = own->width / gather->element;
	const uint16_t *keep;
	uint32_t first = 0, heard = 0;

	if (CATS_LLAMA && g == 0 && cats_has_rows(image->model)) {
		*view = 0;
		return cats_rows_fit(image, slots);
	}

	for (uint8_t s = 0; s < h->nodes; s++) {
		const struct cats_image_source *source = cats_source(image, g, s);

		if (!source_fits(image, gather, source) ||
		    (s == h->node && tensor.first != UINT32_MAX && tensor.first != first)) {
			return false;
		}
		first += source->columns;
		heard += s == h->node ? 0 : source->width;
		if (source->segments != 0) {
			*slots += source->segments * cats_row_groups(source, gather->tile_rows);
		}
	}
	if (first != tensor.total || own->columns != tensor.own ||
	    (CATS_LLAMA && is_replicated(image, gather->kind) && (heard | own->width) != 0) ||
	    !buffer_fits(h, gather->tile[0], gather->tile_rows * heard) ||
	    !buffer_fits(h, gather->tile[1], gather->tile_rows * heard) ||
	    !outbox_fits(h, gather, own) ||
	    !used_table_fits(h, gather->own_keep, kept * sizeof(*keep))) {
		return false;
	}
	keep = cats_table(image, gather->own_keep);
	for (uint32_t i = 0; i < kept; i++) {
		if (keep[i] >= own->columns || (i > 0 && keep[i] <= keep[i - 1])) {
			return false;
		}
	}
	*view = tensor.own + heard;
	return true;
}

static uint32_t products_of(const struct cats_image *image, uint8_t kind)
{
	const struct cats_image_model *m = image->model;

	if (CATS_LLAMA && cats_is_llama(m)) {
		switch (kind) {
		case CATS_GATHER_INPUT:
			return 0;
		case CATS_GATHER_ATTENTION:
			return cats_own_features(m) + 2 * cats_key_columns(image) +
			       (cats_is_parallel(m) ? 2u * m->own_hidden : 0u);
		case CATS_GATHER_FORWARD:
			return 2u * m->own_hidden;
		default:
			break;
		}
	}
	switch (kind) {
	case CATS_GATHER_ATTENTION:
		return 3 * cats_own_features(m);
	case CATS_GATHER_FORWARD:
		return m->own_hidden;
	case CATS_GATHER_OUTPUT:
		return m->own_outputs;
	default:
		return cats_residual_columns(image);
	}
}

static bool matrix_fits(const struct cats_image *image, uint32_t weights, uint32_t channels,
			uint32_t outputs, uint32_t stride, uint32_t shift)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_channel *channel = cats_table(image, channels);

	if (!in_range(shift, 1, MAX_SHIFT) || !table_fits(h, weights, outputs * stride) ||
	    !table_fits(h, channels, outputs * sizeof(*channel))) {
		return false;
	}
	for (uint32_t o = 0; o < outputs; o++, channel++) {
		if (channel->multiplier < 1 || channel->bias > MAX_BIAS ||
		    channel->bias < -MAX_BIAS) {
			return false;
		}
	}
	return true;
}

/* The second product of an embedding of two layers, of a node that has inputs, and its place. */
static bool embed_fits(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = image->gathers;
	const struct cats_image_embed *embed = cats_table(image, gather->norm);

	return table_fits(h, gather->norm, sizeof(*embed)) &&
	       in_range(gather->products, 1, CATS_MAX_COLUMNS) && gather->view != 0 &&
	       matrix_fits(image, embed->weights, embed->channels, cats_own_features(m),
			   cats_round_up4(gather->products), embed->shift) &&
	       buffer_fits(h, embed->arena_hidden, m->block_rows * gather->products);
}

/* The stem of a node that has inputs, and the place of what it makes. */
static bool stem_fits(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const uint32_t offset = image->gathers->norm;
	const struct cats_image_embed *stem = cats_table(image, offset);
	const uint32_t columns = cats_source(image, 0, h->node)->columns;

	if (m->own_inputs == 0) {
		return offset == 0;
	}
	return m->first_input <= m->inputs - m->own_inputs &&
	       table_fits(h, offset, sizeof(*stem)) &&
	       matrix_fits(image, stem->weights, stem->channels, columns,
			   cats_round_up4(m->own_inputs), stem->shift) &&
	       buffer_fits(h, stem->arena_hidden, m->tokens_in * columns);
}

/* Output columns of the product behind a gather; a node without inputs has none to embed. */
static bool products_fit(const struct cats_image *image, const struct cats_image_gather *gather)
{
	if (gather->kind == CATS_GATHER_INPUT && cats_has_stem(image->model) && !stem_fits(image)) {
		return false;
	}
	if (gather->kind == CATS_GATHER_INPUT && cats_embeds_own(image->model)) {
		if (gather->norm != 0) {
			return embed_fits(image);
		}
		if (gather->view == 0) {
			return gather->products == 0;
		}
	}
	return gather->products == products_of(image, gather->kind);
}

static bool product_fits(const struct cats_image *image, const struct cats_image_gather *gather,
			 uint32_t view)
{
	uint32_t stride = cats_round_up4(view);
	uint32_t bytes = stride; /* of a row of weights */

	if (CATS_FOUR_BITS && !cats_scales_fit(image, gather)) {
		return false;
	}
	if (CATS_FOUR_BITS && cats_scales(image, gather - image->gathers) != NULL) {
		bytes = cats_round_up4(cats_ceil_div(view, 2));
		stride = 2 * bytes;
	}
	/* No more than the tensor's columns. */
	if (gather->view != view || gather->stride != stride || !products_fit(image, gather)) {
		return false;
	}
	return gather->products == 0 || matrix_fits(image, gather->weights, gather->channels,
						    gather->products, bytes, gather->shift);
}

static bool step_fits(const struct cats_image *image, const struct cats_image_gather *gather)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;

	if (CATS_LLAMA && cats_is_llama(m)) {
		return cats_llama_step_fits(image, gather);
	}
	switch (gather->kind) {
	case CATS_GATHER_INPUT:
		return (gather->norm == 0 || cats_embeds_own(m) || cats_has_stem(m)) &&
		       step_table_fits(image, gather->table,
				       2 * cats_cache_rows(image, m) * cats_own_features(m));
	case CATS_GATHER_HEADS:
		return gather->norm == 0 && gather->value_multiplier >= 1 &&
		       in_range(gather->value_shift, 1, MAX_SHIFT);
	case CATS_GATHER_HIDDEN:
		return gather->norm == 0;
	case CATS_GATHER_FORWARD:
		if (gather->table != 0 && !table_fits(h, gather->table, 256)) {
			return false;
		}
		break;
	default: /* ATTENTION, OUTPUT */
		if (gather->kind == CATS_GATHER_OUTPUT && cats_averages(m) &&
		    (gather->value_multiplier < 1 ||
		     !in_range(gather->value_shift, 1, MAX_SHIFT))) {
			return false;
		}
		break;
	}
	return gather->send_multiplier >= 1 && in_range(gather->send_shift, 1, MAX_SHIFT) &&
	       step_table_fits(image, gather->norm, gather->view * sizeof(struct cats_image_norm));
}

/* The sums of the rows' columns, which make the row that is multiplied. */
static bool sums_fit(const struct cats_image *image, uint32_t rows_size)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const uint32_t bytes = 4 * image->gathers[h->gathers - 2].view; /* OUTPUT */

	return m->own_outputs == 0 || (buffer_fits(h, m->arena_sums, bytes) &&
				       apart(m->arena_sums, bytes, m->arena_rows, rows_size));
}

/*
 * The linear path, of a node that has all of the input and of the result. Its row is apart from
 * what is written while it is read, or it might hold more than eight bits and a sum overflow.
 */
static bool linear_fits(const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const uint32_t stride = cats_round_up4((uint32_t)m->tokens_in * m->inputs);

	return m->own_inputs == m->inputs && m->own_outputs == m->outputs &&
	       m->pool != CATS_POOL_ALL && stride <= CATS_MAX_COLUMNS &&
	       matrix_fits(image, m->linear_weights, m->linear_channels, m->outputs, stride,
			   m->linear_shift) &&
	       buffer_fits(h, m->arena_window, 2 * stride) &&
	       buffer_fits(h, m->arena_linear, 2 * m->outputs) &&
	       apart(m->arena_window, 2 * stride, m->arena_linear, 2 * m->outputs);
}

/* The hidden columns of an embedding of two layers, or those of a stem. */
static bool embedding_apart(const struct cats_image *image, uint32_t rows_size)
{
	const struct cats_image_model *m = image->model;
	const struct cats_image_gather *gather = image->gathers;
	const struct cats_image_embed *embed = cats_table(image, gather->norm);
	uint32_t bytes = m->block_rows * gather->products;

	if (cats_has_stem(m)) {
		bytes = m->tokens_in * cats_source(image, 0, image->header->node)->columns;
	}
	return gather->norm == 0 || apart(embed->arena_hidden, bytes, m->arena_rows, rows_size);
}

/* Stride of the rows that a node's own product reads; 0 where it has none. */
static uint32_t own_stride(const struct cats_image *image)
{
	const struct cats_image_gather *gather = image->gathers;

	if (gather->norm == 0) {
		return 0;
	}
	return cats_round_up4(cats_has_stem(image->model) ? image->model->own_inputs
							  : gather->products);
}

/*
 * Each buffer inside the arena; the rows apart from all that is in use with them, or they might
 * hold more than eight bits and a sum overflow.
 */
static bool arena_fits(const struct cats_image *image, uint32_t stride)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;
	const uint32_t own = cats_own_features(m);
	const uint32_t residual = CATS_LLAMA ? cats_residual_columns(image) : own;
	const uint32_t cache = cats_cache_rows(image, m);
	const uint32_t columns = CATS_LLAMA && cats_is_llama(m)
					 ? cats_key_columns(image)
					 : (uint32_t)m->heads_per_pass * m->head_width;
	const uint32_t pass = columns * (cats_streams(m) ? m->blocks : 1u);
	const uint32_t rows_size = 2 * m->block_rows * stride;
	const uint32_t pooled = cats_averages(m) ? m->tokens : cats_output_rows(image);
	const struct {
		uint32_t offset;
		uint32_t bytes;
	} buffers[] = {
		{m->arena_rows, rows_size},
		{m->arena_residual, 2 * m->tokens * residual},
		{m->arena_key, cache * pass},
		{m->arena_value, cats_round_up4(cache) * pass},
		{m->arena_heads, m->tokens * own},
		{m->arena_hidden, (uint32_t)m->hidden_rows * m->own_hidden},
		{m->arena_input, (uint32_t)m->tokens_in * m->own_inputs},
		{m->arena_pooled, pooled * residual},
		{m->arena_output, 2 * cats_output_rows(image) * m->outputs},
	};

	for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++) {
		if (!buffer_fits(h, buffers[i].offset, buffers[i].bytes) ||
		    (i > 0 && buffers[i].bytes > 0 &&
		     !apart(buffers[i].offset, buffers[i].bytes, m->arena_rows, rows_size))) {
			return false;
		}
	}
	return buffer_fits(h, m->arena_scores, 4 * cats_round_up4(cache)) &&
	       (!cats_streams(m) || m->pool != CATS_POOL_MEAN ||
		buffer_fits(h, m->arena_sums, 4 * own)) &&
	       (!CATS_OWN_EMBEDDING || embedding_apart(image, rows_size)) &&
	       (!CATS_LLAMA || !cats_is_llama(m) || cats_llama_arena_fits(image, rows_size)) &&
	       (!cats_averages(m) || sums_fit(image, rows_size)) &&
	       (!cats_has_linear(m) || linear_fits(image));
}

/* The turns of an exchange over several hops, which has not too many fragments; gives its slots. */
static bool hop_fits(const struct cats_image *image, const struct cats_image_gather *gather,
		     uint32_t *slots)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_hop *hop = cats_hops(image) + (gather - image->gathers);
	const uint32_t fragments = *slots;

	if (!table_fits(h, (uint32_t)((const uint8_t *)hop - image->base), sizeof(*hop))) {
		return false;
	}
	*slots = hop->slots;
	return fragments <= CATS_MAX_HOP_FRAGMENTS && gather->rounds == 0 &&
	       hop->slots <= CATS_MAX_HOP_SLOTS && table_fits(h, hop->list, hop->slots);
}

/* How long nothing is heard, of what was looked at so far. */
struct quiet {
	uint32_t longest_us; /* an exchange that is on the air */
	uint32_t empty_us;   /* all that are on none */
};

/* An exchange, and all that may be on no air behind it, are no longer than one may be. */
static bool quiet_fits(const struct cats_image_gather *gather, uint32_t data_us,
		       struct quiet *quiet)
{
	const uint32_t tiles = cats_tiles(gather);

	if (data_us == 0 && gather->spacing_us > (CATS_MAX_EXCHANGE_US - quiet->empty_us) / tiles) {
		return false;
	}
	if (data_us == 0) {
		quiet->empty_us += tiles * gather->spacing_us;
	} else {
		data_us += gather->spacing_us;
		quiet->longest_us = data_us > quiet->longest_us ? data_us : quiet->longest_us;
	}
	return quiet->longest_us + quiet->empty_us <= CATS_MAX_EXCHANGE_US;
}

/* Why the content is refused. */
static int content_reason(const struct cats_image *image)
{
	struct quiet quiet = {0};
	uint32_t stride = 0;

	if ((!CATS_MEAN_OF_NORM && image->model->pool > CATS_POOL_ALL) ||
	    (image->model->flags & LEFT_OUT) != 0 ||
	    (!CATS_LINEAR && image->model->linear_weights != 0)) {
		return CATS_IMAGE_FEATURE;
	}
	if (!model_fits(image->header, image->model) ||
	    (cats_streams(image->model) && !stream_fits(image)) ||
	    (CATS_LLAMA && cats_is_llama(image->model) && !cats_llama_model_fits(image))) {
		return CATS_IMAGE_INVALID;
	}
	for (uint16_t g = 0; g < image->header->gathers; g++) {
		const struct cats_image_gather *gather = &image->gathers[g];
		uint32_t slots = 0;
		uint32_t data_us;
		uint32_t view;

		if (!order_fits(image->model, gather, g)) {
			return CATS_IMAGE_INVALID;
		}
		if (!phase_fits(gather)) {
			return CATS_IMAGE_PHASE;
		}
		if (!exchange_fits(image->model, gather) || !sources_fit(image, g, &view, &slots)) {
			return CATS_IMAGE_INVALID;
		}
		if ((CATS_OWN_EMBEDDING || CATS_EMPTY_GATHERS || CATS_LLAMA) && slots == 0 &&
		    image->header->nodes > 1 && gather->rounds != 0) {
			return CATS_IMAGE_INVALID; /* there is nothing to repair */
		}
		if (CATS_HOPS && (image->model->flags & CATS_FLAG_HOPS) != 0 &&
		    !hop_fits(image, gather, &slots)) {
			return CATS_IMAGE_INVALID;
		}
		data_us = slots * gather->slot_us;
		if (gather->slot_us > CATS_MAX_SLOT_US || data_us > CATS_MAX_EXCHANGE_US) {
			return CATS_IMAGE_SLOT;
		}
		if (gather->spacing_us > CATS_MAX_EXCHANGE_US - data_us ||
		    (cats_may_keep_none(image->model) && !quiet_fits(gather, data_us, &quiet))) {
			return CATS_IMAGE_SPACING;
		}
		if (gather->kind == CATS_GATHER_RESULT) {
			if (gather->view != 0 || gather->stride != 0 || gather->products != 0) {
				return CATS_IMAGE_INVALID;
			}
			continue;
		}
		if (!product_fits(image, gather, view) || !step_fits(image, gather)) {
			return CATS_IMAGE_INVALID;
		}
		stride = gather->stride > stride ? gather->stride : stride;
		if (CATS_OWN_EMBEDDING && gather->kind == CATS_GATHER_INPUT &&
		    own_stride(image) > stride) {
			stride = own_stride(image);
		}
	}
	return arena_fits(image, stride) ? CATS_IMAGE_OK : CATS_IMAGE_INVALID;
}

int cats_image_verify(const void *data, size_t size, struct cats_image *image)
{
	const struct cats_image_header *header = data;
	struct cats_image found = {.base = data, .header = header};
	int reason;

	if (data == NULL || (uintptr_t)data % CATS_IMAGE_ALIGN != 0) {
		return CATS_IMAGE_FOREIGN;
	}
	reason = cats_image_check_header(header, size);
	if (reason != CATS_IMAGE_OK) {
		return reason;
	}
	if (header->crc32 != cats_crc32(found.base + CRC_BEGIN, header->image_size - CRC_BEGIN)) {
		return CATS_IMAGE_CORRUPT;
	}
	if (header->image_size % CATS_IMAGE_ALIGN != 0 || !header_fits(header)) {
		return CATS_IMAGE_INVALID;
	}
	found.model = cats_table(&found, header->model);
	found.gathers = cats_table(&found, header->gather_table);
	found.sources = cats_table(&found, header->source_table);
	reason = content_reason(&found);
	if (reason != CATS_IMAGE_OK) {
		return reason;
	}
	*image = found;
	return CATS_IMAGE_OK;
}

int cats_image_expect(const struct cats_image *image, int node, uint32_t model_id)
{
	if (model_id != 0 && image->header->model_id != model_id) {
		return CATS_IMAGE_MODEL;
	}
	if (node >= 0 && image->header->node != node) {
		return CATS_IMAGE_NODE;
	}
	return CATS_IMAGE_OK;
}

/* One behind the other, so that there is no table of pointers. */
static const char reasons[] =
	"image is fine\0"
	"truncated image: write it all\0"
	"no image here, or not aligned to 8: check its address\0"
	"another format version: export again or update firmware\0"
	"corrupt image: write it again\0"
	"image contradicts itself: export again\0"
	"of another node: write this node's\0"
	"of another deployment: write one export to all nodes\0"
	"phase does not ascend: export again\0"
	"slot_us too long: export again\0"
	"spacing_us too long: export again\0"
	"needs LINEAR/MEAN_OF_NORM/OWN_EMBEDDING/EMPTY_GATHERS/STREAM/LLAMA/FOUR_BITS/HOPS\0"
	"unknown error";

const char *cats_image_strerror(int error)
{
	const char *reason = reasons;

	if (error < CATS_IMAGE_OK || error > CATS_IMAGE_FEATURE) {
		error = CATS_IMAGE_FEATURE + 1;
	}
	while (error > 0) {
		error -= *reason++ == '\0';
	}
	return reason;
}
