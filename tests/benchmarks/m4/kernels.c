/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Each kernel by itself. The same file is built with the plain and with the DSP kernels. */

#include <string.h>

#include "bench.h"
#include "crc32.h"
#include "engine_internal.h"
#include "gf4.h"
#include "kernels.h"
#include "llama_kernels.h"

static int16_t block[4 * COLUMNS];
static int8_t bytes[TOKENS * COLUMNS];
_Alignas(8) static int8_t weights[OUTPUTS * COLUMNS];
static struct cats_image_channel channels[OUTPUTS];
static struct cats_image_norm norms[COLUMNS];
static int16_t table[TOKENS * OUTPUTS];
static int16_t out[TOKENS * OUTPUTS];
_Alignas(8) static int8_t keys[TOKENS * OUTPUTS];
static int32_t scores[TOKENS];
static uint16_t picked[OUTPUTS];
static int8_t scales[OUTPUTS * (COLUMNS / CATS_SCALE_GROUP)];

static uint32_t seed;

void draw_seed(uint32_t value)
{
	seed = value;
}

/* Numerical Recipes' generator: its high half. */
uint32_t draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 16;
}

void draw_bytes(int8_t *to, size_t n, int32_t bound)
{
	while (n-- > 0) {
		*to++ = (int8_t)((int32_t)(draw() % (2u * bound + 1u)) - bound);
	}
}

static char *append(char *to, const char *text)
{
	while (*text != '\0') {
		*to++ = *text++;
	}
	*to = '\0';
	return to;
}

static char *append_number(char *to, uint32_t v)
{
	char text[12];
	char *at = text + sizeof(text);

	*--at = '\0';
	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return append(to, at);
}

/* "kernel/partNUMBER/partNUMBER", parts without a name left out */
const char *name_of(const char *kernel, const char *first, uint32_t a, const char *second,
		    uint32_t b)
{
	static char name[48];
	char *to = append(name, kernel);

	if (first != NULL) {
		to = append_number(append(append(to, "/"), first), a);
	}
	if (second != NULL) {
		append_number(append(append(to, "/"), second), b);
	}
	return name;
}

static const int8_t *row_of(uint32_t row)
{
	return bytes + row * COLUMNS;
}

static void fill_block(uint32_t first, uint32_t rows, uint32_t view)
{
	const uint32_t stride = cats_round_up4(view);
	const uint32_t step = cats_row_step(rows);

	for (uint32_t r = 0; r < rows; r++) {
		int16_t *y = cats_row(block, r, stride);

		cats_unpack(y, step, 0, row_of(first + r), view);
		cats_unpack_zeros(y, step, view, stride - view);
		cats_arrange(block, r, (uint16_t)stride);
	}
}

/* A row of the block back in natural order, as int8. */
static void read_block(uint32_t rows, uint32_t stride, uint32_t columns, int8_t *to)
{
	const uint32_t step = cats_row_step(rows);

	for (uint32_t r = 0; r < rows; r++) {
		const int16_t *y = cats_row(block, r, stride);

		for (uint32_t j = 0; j < columns; j++) {
			*to++ = (int8_t)y[j / 2 * step + j % 2];
		}
	}
}

/* Products */

static void run_product(void *argument)
{
	cats_multiply(argument);
}

/* A product over all tokens, four rows at a time, each block as it stands. */
static void run_tokens(void *argument)
{
	struct cats_product p = *(const struct cats_product *)argument;

	for (uint32_t row = 0; row < TOKENS; row += p.rows) {
		p.out = (int8_t *)out + row * p.row_step;
		cats_multiply(&p);
	}
}

/* The same from int8 rows: what a gather without a norm costs. */
static void run_layer(void *argument)
{
	const struct layer *layer = argument;
	const uint32_t stride = cats_round_up4(layer->view);
	struct cats_product p = {
		.y = block,
		.weights = layer->weights,
		.channels = layer->channels,
		.row_step = layer->outputs,
		.output_step = 1,
		.rows = 4,
		.stride = (uint16_t)stride,
		.outputs = (uint16_t)layer->outputs,
		.shift = LAYER_SHIFT,
		.store = CATS_STORE_INT8,
	};

	for (uint32_t row = 0; row < TOKENS; row += p.rows) {
		fill_block(row, p.rows, layer->view);
		p.out = (int8_t *)out + row * p.row_step;
		cats_multiply(&p);
	}
}

void layer_draw(struct layer *layer, uint32_t view, uint32_t output_count)
{
	const uint32_t stride = cats_round_up4(view);

	draw_seed(1000 * view + output_count);
	draw_bytes(weights, sizeof(weights), 127);
	for (uint32_t o = 0; o < output_count; o++) {
		memset(weights + o * stride + view, 0, stride - view);
		channels[o].bias = (int32_t)draw() - 32768;
		channels[o].multiplier = (int32_t)(1u << 30 | draw() << 14);
	}
	*layer = (struct layer){view, output_count, stride, bytes, weights, channels};
}

static struct cats_product product(uint32_t rows, uint32_t view, uint32_t outputs,
				   enum cats_store store)
{
	struct layer layer;

	layer_draw(&layer, view, outputs);
	fill_block(0, rows, view);
	memset(out, 0, sizeof(out));
	return (struct cats_product){
		.y = block,
		.weights = weights,
		.channels = channels,
		.table = table,
		.out = out,
		.row_step = outputs,
		.output_step = 1,
		.rows = (uint16_t)rows,
		.stride = (uint16_t)layer.stride,
		.outputs = (uint16_t)outputs,
		.shift = LAYER_SHIFT,
		.store = (uint8_t)store,
	};
}

/* The same, the weights taken for words of four bits. */
static struct cats_product four_bits(uint32_t rows, uint32_t view, uint32_t outputs)
{
	const uint32_t stride = (view + 7) & ~7u;
	const uint32_t step = cats_row_step(rows);
	struct cats_product p = product(rows, view, outputs, CATS_STORE_INT8);

	p.stride = (uint16_t)stride;
	p.scales = scales;
	for (uint32_t r = 0; r < rows; r++) {
		int16_t *y = cats_row(block, r, stride);

		cats_unpack(y, step, 0, row_of(r), view);
		cats_unpack_zeros(y, step, view, stride - view);
		cats_arrange(block, r, (uint16_t)stride);
	}
	return p;
}

static void count_product(const char *name, struct cats_product p, uint32_t view)
{
	run_product(&p);
	report(name_of(name, "in", view, "out", p.outputs), count(run_product, &p),
	       p.rows * view * p.outputs, cats_crc32((const uint8_t *)out, p.rows * p.outputs));
}

static void products(void)
{
	static const uint16_t views[] = VIEWS;
	static const uint16_t outputs[] = WIDTHS;
	static const char *const stores[] = {"int8/n",  "relu/n", "table/n",
					     "int16/n", "add/n",  "embed/n"};
	struct cats_product p;
	struct layer layer;

	for (uint32_t i = 0; i < ARRAY_SIZE(views); i++) {
		for (uint32_t o = 0; o < ARRAY_SIZE(outputs); o++) {
			p = product(4, views[i], outputs[o], CATS_STORE_INT8);
			run_tokens(&p);
			report(name_of("product", "in", views[i], "out", outputs[o]),
			       count(run_tokens, &p), TOKENS * views[i] * outputs[o],
			       cats_crc32((const uint8_t *)out, TOKENS * outputs[o]));
			layer_draw(&layer, views[i], outputs[o]);
			run_layer(&layer);
			report(name_of("layer", "in", views[i], "out", outputs[o]),
			       count(run_layer, &layer), TOKENS * views[i] * outputs[o],
			       cats_crc32((const uint8_t *)out, TOKENS * outputs[o]));
		}
	}
	for (uint32_t rows = 1; rows <= 4; rows++) {
		p = product(rows, 167, 64, CATS_STORE_INT8);
		run_product(&p);
		report(name_of("product", "in167/out64/rows", rows, NULL, 0),
		       count(run_product, &p), rows * 167 * 64,
		       cats_crc32((const uint8_t *)out, rows * 64));
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(views); i++) {
		count_product("row", product(1, views[i], 64, CATS_STORE_INT8), views[i]);
		count_product("four-bits", four_bits(4, views[i], 64), views[i]);
		count_product("four-bits-row", four_bits(1, views[i], 64), views[i]);
	}
	/* Nothing to sum: what is left is an output. */
	for (uint32_t store = 0; store <= CATS_STORE_EMBED; store++) {
		uint32_t crc;

		p = product(4, 0, 64, store);
		p.shift = 40;
		run_product(&p);
		crc = cats_crc32((const uint8_t *)out, sizeof(out)); /* of one run: some add up */
		report(name_of("requantise", stores[store], 64, NULL, 0), count(run_product, &p),
		       4 * 64, crc);
	}
}

/* Rows */

struct rows {
	uint32_t view;
	uint32_t first;
};

static void run_unpack(void *argument)
{
	const struct rows *a = argument;
	const uint32_t step = cats_row_step(4);

	for (uint32_t r = 0; r < 4; r++) {
		cats_unpack(cats_row(block, r, cats_round_up4(a->first + a->view)), step, a->first,
			    row_of(r), a->view);
	}
}

static void run_unpack_residual(void *argument)
{
	const struct rows *a = argument;
	const uint32_t step = cats_row_step(4);

	for (uint32_t r = 0; r < 4; r++) {
		cats_unpack_residual(cats_row(block, r, cats_round_up4(a->first + a->view)), step,
				     a->first, table + r * 2 * OUTPUTS, a->view, 1467891234, 38);
	}
}

static void run_pick_residual(void *argument)
{
	const struct rows *a = argument;

	for (uint32_t r = 0; r < 4; r++) {
		cats_pick_residual((int8_t *)block + r * a->view, table + r * 2 * OUTPUTS, picked,
				   a->view, 1467891234, 38);
	}
}

/* What is normalised the second time is not what it was, but takes as long. */
static void run_norm(void *argument)
{
	const struct rows *a = argument;

	for (uint32_t r = 0; r < 4; r++) {
		cats_norm(cats_row(block, r, cats_round_up4(a->view)), cats_row_step(4),
			  (uint16_t)a->view, (uint16_t)a->view, norms, 777);
	}
}

static void rows(void)
{
	static const struct rows unpacked[] = {{13, 0}, {13, 1}, {128, 0}, {128, 39}};
	static const uint16_t normed[] = {32, 64, 128, 167, 512};
	static int8_t result[4 * COLUMNS];

	for (uint32_t i = 0; i < ARRAY_SIZE(unpacked); i++) {
		struct rows a = unpacked[i];
		const uint32_t columns = a.first + a.view;

		memset(block, 0, sizeof(block));
		run_unpack(&a);
		read_block(4, cats_round_up4(columns), columns, result);
		report(name_of("unpack", "int8/n", a.view, "from", a.first), count(run_unpack, &a),
		       4 * a.view, cats_crc32((const uint8_t *)result, 4 * columns));
		memset(block, 0, sizeof(block));
		run_unpack_residual(&a);
		read_block(4, cats_round_up4(columns), columns, result);
		report(name_of("unpack", "residual/n", a.view, "from", a.first),
		       count(run_unpack_residual, &a), 4 * a.view,
		       cats_crc32((const uint8_t *)result, 4 * columns));
	}
	for (uint32_t j = 0; j < OUTPUTS; j++) {
		picked[j] = (uint16_t)(2 * j);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(unpacked); i += 2) {
		struct rows a = unpacked[i];

		run_pick_residual(&a);
		report(name_of("pick", "residual/n", a.view, NULL, 0), count(run_pick_residual, &a),
		       4 * a.view, cats_crc32((const uint8_t *)block, 4 * a.view));
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(normed); i++) {
		struct rows a = {.view = normed[i]};
		const uint32_t stride = cats_round_up4(a.view);

		for (uint32_t r = 0; r < 4; r++) {
			cats_unpack(cats_row(block, r, stride), cats_row_step(4), 0, row_of(r),
				    a.view);
		}
		run_norm(&a);
		read_block(4, stride, a.view, result);
		report(name_of("norm", "n", a.view, NULL, 0), count(run_norm, &a), 4 * a.view,
		       cats_crc32((const uint8_t *)result, 4 * a.view));
	}
}

/* Attention */

struct head {
	struct cats_attention a;
	const int8_t *query;
	uint32_t n;
	int32_t top;
	int8_t out[64];
};

static void run_score(void *argument)
{
	struct head *h = argument;

	h->top = cats_score(&h->a, h->query, (uint16_t)h->n);
}

/* Weights in place of scores: the second time they are other scores, which take as long. */
static void run_softmax(void *argument)
{
	struct head *h = argument;

	cats_softmax(h->a.scores, (uint16_t)h->n, h->top, h->a.score_multiplier);
}

static void run_weigh(void *argument)
{
	struct head *h = argument;

	cats_weigh(&h->a, 1234567890, (uint16_t)h->n, h->out);
}

static void run_attend(void *argument)
{
	struct head *h = argument;

	cats_attend(&h->a, h->query, (uint16_t)h->n, h->out);
}

static void heads(void)
{
	static const uint16_t widths[] = {4, 8, 16, 32, 64};
	static const uint16_t tokens[] = {64, 63, 33};
	uint32_t crc;

	for (uint32_t i = 0; i < 15; i++) {
		const uint32_t width = widths[i / 3];
		const uint32_t n = tokens[i % 3];
		const struct cats_attention a = {
			.key = keys,
			.value = keys,
			.scores = scores,
			.score_multiplier = 50000000,
			.value_multiplier = 1234567890,
			.value_step = (uint16_t)cats_round_up4(n),
			.value_shift = 45,
			.width = (uint16_t)width,
		};
		struct head h = {.a = a, .query = row_of(0), .n = n};

		run_score(&h);
		crc = cats_crc32((const uint8_t *)scores, n * sizeof(scores[0]));
		report(name_of("score", "width", width, "n", n), count(run_score, &h), n * width,
		       crc);
		run_attend(&h);
		crc = cats_crc32((const uint8_t *)h.out, width);
		report(name_of("weigh", "width", width, "n", n), count(run_weigh, &h), n * width,
		       crc);
		report(name_of("attend", "width", width, "n", n), count(run_attend, &h),
		       n * width * 2, crc);
		run_score(&h);
		report(name_of("softmax", "width", width, "n", n), count(run_softmax, &h), n, crc);
	}
}

/* Llama models */

struct gated {
	struct cats_gate gate;
	uint32_t n;
};

struct turned {
	struct cats_turn angles[32];
	uint32_t turn[32];
	uint32_t pairs;
};

/* The second time the values are others, which take as long. */
static void run_rms_norm(void *argument)
{
	const struct rows *a = argument;

	cats_rms_norm(block, cats_row_step(1), (uint16_t)a->view, (uint16_t)a->view, norms, 777);
}

static void run_gated(void *argument)
{
	const struct gated *a = argument;

	cats_gated(&a->gate, (int8_t *)out, table, table + a->n, a->n);
}

static void run_turns(void *argument)
{
	struct turned *a = argument;

	cats_turns(a->angles, 123456789, a->turn, a->pairs);
}

static void run_turn_query(void *argument)
{
	const struct turned *a = argument;

	cats_turn(out, a->angles, a->pairs, CATS_TURN_QUERY);
}

static void run_turn_key(void *argument)
{
	const struct turned *a = argument;

	cats_turn_key((int8_t *)block, table, a->angles, a->pairs);
}

static int16_t turned_query[64];

static void run_score_turned(void *argument)
{
	struct head *h = argument;

	h->top = cats_score_turned(&h->a, turned_query, h->n);
}

static void run_score_wide(void *argument)
{
	struct head *h = argument;

	h->top = cats_score_wide(&h->a, turned_query, h->n);
}

static void turned_scores(void)
{
	static const uint16_t widths[] = {8, 16, 32, 64};

	for (uint32_t j = 0; j < ARRAY_SIZE(turned_query); j++) {
		turned_query[j] = (int16_t)(table[j] % 1450);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct head h = {.a = {.key = keys, .scores = scores, .width = widths[i]},
				 .n = TOKENS};

		run_score_turned(&h);
		report(name_of("score-turned", "width", widths[i], NULL, 0),
		       count(run_score_turned, &h), h.n * widths[i],
		       cats_crc32((const uint8_t *)scores, sizeof(scores)));
		h.a.key = (const int8_t *)table;
		run_score_wide(&h);
		report(name_of("score-wide", "width", widths[i], NULL, 0),
		       count(run_score_wide, &h), h.n * widths[i],
		       cats_crc32((const uint8_t *)scores, sizeof(scores)));
	}
}

static void llama(void)
{
	static const uint16_t normed[] = {64, 128, 167, 512};
	static const uint16_t widths[] = {8, 32, 64};
	static struct turned t;

	for (uint32_t j = 0; j < COLUMNS; j++) {
		norms[j].gain = (int16_t)(draw() % 4000 - 2000);
		norms[j].bias = (int16_t)(draw() % 4);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(normed); i++) {
		struct rows a = {.view = normed[i]};

		cats_unpack(block, cats_row_step(1), 0, bytes, a.view);
		run_rms_norm(&a);
		report(name_of("rms-norm", "n", a.view, NULL, 0), count(run_rms_norm, &a), a.view,
		       cats_crc32((const uint8_t *)block, a.view * sizeof(block[0])));
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(normed); i++) {
		struct gated a = {{table + 2 * COLUMNS, 1234567890, 45}, normed[i]};

		run_gated(&a);
		report(name_of("gate", "n", a.n, NULL, 0), count(run_gated, &a), a.n,
		       cats_crc32((const uint8_t *)out, a.n));
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(widths); i++) {
		uint32_t crc;

		t.pairs = widths[i] / 2;
		for (uint32_t j = 0; j < t.pairs; j++) {
			t.turn[j] = (draw() << 16) + draw();
		}
		run_turns(&t);
		report(name_of("turn", "angles/pairs", t.pairs, NULL, 0), count(run_turns, &t),
		       t.pairs, cats_crc32((const uint8_t *)t.angles, sizeof(t.angles)));
		memcpy(out, table, widths[i] * sizeof(out[0]));
		run_turn_query(&t);
		crc = cats_crc32((const uint8_t *)out, widths[i] * sizeof(out[0]));
		report(name_of("turn", "query/n", widths[i], NULL, 0), count(run_turn_query, &t),
		       widths[i], crc);
		run_turn_key(&t);
		report(name_of("turn", "key/n", widths[i], NULL, 0), count(run_turn_key, &t),
		       widths[i], cats_crc32((const uint8_t *)block, widths[i]));
	}
}

/* Codes */

struct code {
	uint32_t n;
	uint8_t *y;
	const uint8_t *x;
};

static void run_gf_add(void *argument)
{
	const struct code *c = argument;

	cats_gf4_add(c->y, c->x, c->n);
}

static void run_gf_turn(void *argument)
{
	const struct code *c = argument;

	cats_gf4_turn(c->y, c->n);
}

/* Payloads as they stand in a frame, at an odd place. */
static void codes(void)
{
	static const uint16_t lengths[] = {13, 52, 106, 245};
	static uint8_t payload[256];

	for (uint32_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct code c = {lengths[i], payload + 1, (const uint8_t *)bytes + i};
		uint32_t crc;

		memcpy(payload, weights, sizeof(payload));
		run_gf_add(&c);
		crc = cats_crc32(payload, sizeof(payload));
		report(name_of("gf", "add/n", c.n, NULL, 0), count(run_gf_add, &c), c.n, crc);
		memcpy(payload, weights, sizeof(payload));
		run_gf_turn(&c);
		crc = cats_crc32(payload, sizeof(payload));
		report(name_of("gf", "turn/n", c.n, NULL, 0), count(run_gf_turn, &c), c.n, crc);
	}
}

void bench_kernels(void)
{
	draw_seed(5);
	draw_bytes(bytes, sizeof(bytes), 127);
	draw_bytes(keys, sizeof(keys), 60);
	draw_bytes(scales, sizeof(scales), 127);
	for (uint32_t i = 0; i < TOKENS * OUTPUTS; i++) {
		table[i] = (int16_t)draw();
	}
	for (uint32_t j = 0; j < COLUMNS; j++) {
		norms[j].gain = (int16_t)(draw() % 20000 - 10000);
		norms[j].bias = (int16_t)(draw() % 8000 - 4000);
	}
	products();
	rows();
	heads();
	codes();
	turned_scores();
	llama();
}
