/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Odd sizes, odd places, odd numbers: not counted, but all kernels must give the same bytes. */

#include <string.h>

#include "bench.h"
#include "crc32.h"
#include "engine_internal.h"
#include "kernels.h"
#include "llama_kernels.h"
#include "requantize.h"

#define WIDEST 76
#define WIDEST_PRODUCT 208 /* several rounds of four rows */

_Alignas(8) static int8_t bytes[4096];
static int16_t block[4 * WIDEST_PRODUCT];
static int8_t plain[4 * WIDEST];
static uint32_t crc;

static void add(const void *data, size_t size)
{
	static uint8_t both[4096];

	memcpy(both, &crc, sizeof(crc));
	memcpy(both + sizeof(crc), data, size);
	crc = cats_crc32(both, size + sizeof(crc));
}

static void add_row(const int16_t *y, uint32_t step, uint32_t columns)
{
	for (uint32_t j = 0; j < columns; j++) {
		plain[j] = (int8_t)y[j / 2 * step + j % 2];
	}
	add(plain, columns);
}

static uint32_t draw_word(void)
{
	const uint32_t high = draw() << 16;

	return high | draw();
}

/* An int16 residual, extremes among them. */
static int16_t draw_residual(void)
{
	static const int16_t extremes[] = {INT16_MIN, INT16_MAX, 0, -1};

	return draw() % 4 == 0 ? extremes[draw() % 4] : (int16_t)draw();
}

static void unpacking(void)
{
	static const uint16_t columns[] = {0, 1, 2, 4, 5, 7, 8, 11, 12, 13, 15};
	static int16_t residual[16];

	for (uint32_t rows = 1; rows <= 4; rows++) {
		const uint32_t step = cats_row_step(rows);

		for (uint32_t column = 0; column < 4; column++) {
			for (uint32_t n = 0; n <= 12; n++) {
				int16_t *y = cats_row(block, n % rows, 16);

				memset(block, 0, sizeof(block));
				cats_unpack(y, step, column, bytes + n % 5, n);
				add_row(y, step, 16);
				if (n > 2) {
					cats_unpack_zeros(y, step, column + 1, n - 2);
				}
				add_row(y, step, 16);
			}
			for (uint32_t shift = 1; shift <= 62; shift++) {
				int16_t *y = cats_row(block, shift % rows, 16);
				const uint32_t n = 5 + shift % 7;
				const int32_t multiplier =
					(int32_t)(draw_word() >> (1 + draw() % 31));

				for (uint32_t j = 0; j < 16; j++) {
					residual[j] = draw_residual();
				}
				memset(block, 0, sizeof(block));
				cats_unpack_residual(y, step, column, residual, n, multiplier,
						     shift);
				add_row(y, step, 16);
				cats_pick_residual(plain, residual, columns, n, multiplier, shift);
				add(plain, n);
			}
		}
	}
}

static void norms(void)
{
	static struct cats_image_norm gains[WIDEST];

	for (uint32_t i = 0; i < 400; i++) {
		const uint32_t rows = 1 + i % 4;
		const uint32_t step = cats_row_step(rows);
		const uint32_t columns = 1 + draw() % WIDEST;
		const uint32_t stride = cats_round_up4(columns);
		const uint32_t size = draw() % 8; /* small numbers, for small deviations */
		int16_t *y = cats_row(block, draw() % rows, stride);

		for (uint32_t j = 0; j < columns; j++) {
			gains[j].gain = draw_residual();
			gains[j].bias = draw_residual();
			plain[j] = (int8_t)((int8_t)draw() >> size);
		}
		cats_unpack(y, step, 0, plain, columns);
		cats_norm(y, step, (uint16_t)columns, (uint16_t)columns, gains,
			  i % 3 == 0 ? 0 : draw_word() >> draw() % 32);
		add_row(y, step, columns);
	}
}

static void products(void)
{
	static const uint8_t shifts[] = {1, 20, 31, 32, 33, 34, 43, 48, 49, 62};
	static struct cats_image_channel channels[19];
	static int16_t table[128]; /* or int8 [256] */
	static int16_t out[4 * 19];

	for (uint32_t i = 0; i < 2000; i++) {
		const uint32_t rows = 1 + i % 4;
		const uint32_t store = i / 4 % 7;
		const uint32_t outputs = 1 + draw() % 19;
		const uint32_t view = draw() % (WIDEST_PRODUCT + 1);
		const uint32_t stride = cats_round_up4(view);
		const uint32_t across = draw() % 2; /* as values stand */
		const struct cats_product p = {
			.y = block,
			.weights = bytes + 4 * (draw() % 8),
			.channels = channels,
			.table = table,
			.out = out,
			.row_step = across ? 1 : outputs,
			.output_step = across ? rows : 1,
			.rows = (uint16_t)rows,
			.stride = (uint16_t)stride,
			.outputs = (uint16_t)outputs,
			.shift = shifts[draw() % 10],
			.store = (uint8_t)store,
		};

		for (uint32_t r = 0; r < rows; r++) {
			int16_t *y = cats_row(block, r, stride);

			cats_unpack(y, cats_row_step(rows), 0, bytes + r * WIDEST_PRODUCT, view);
			cats_unpack_zeros(y, cats_row_step(rows), view, stride - view);
			cats_arrange(block, r, (uint16_t)stride);
		}
		for (uint32_t o = 0; o < outputs; o++) {
			channels[o].bias = (int32_t)draw_word() >> draw() % 32;
			if (channels[o].bias > 1 << 30 || channels[o].bias < -(1 << 30)) {
				channels[o].bias /= 2; /* the exporter's bound */
			}
			channels[o].multiplier = (int32_t)(draw_word() >> (1 + draw() % 8)) | 1;
		}
		for (uint32_t k = 0; k < rows * outputs; k++) {
			out[k] = draw_residual();
			table[k] = draw_residual();
		}
		if (store == CATS_STORE_TABLE) {
			draw_bytes((int8_t *)table, sizeof(table), 127);
		}
		cats_multiply(&p);
		add(out, sizeof(out));
	}
}

/* Also all weights -8 or 7, all activations -128 or 127. */
static void four_bits(void)
{
	static struct cats_image_channel channels[19];
	static int8_t scales[19 * 3];
	static int8_t wide[19 * WIDEST / 2];
	static int8_t y[WIDEST];
	static int16_t out[4 * 19];

	for (uint32_t i = 0; i < 1000; i++) {
		const uint32_t rows = 1 + i % 4;
		const uint32_t outputs = 1 + draw() % 19;
		const uint32_t view = draw() % (WIDEST - 3);
		const uint32_t stride = (view + 7) & ~7u;
		const uint32_t extreme = i / 4 % 4;
		const struct cats_product p = {
			.y = block,
			.weights = extreme == 0 ? bytes + 4 * (draw() % 8) : wide,
			.channels = channels,
			.out = out,
			.row_step = outputs,
			.output_step = 1,
			.rows = (uint16_t)rows,
			.stride = (uint16_t)stride,
			.outputs = (uint16_t)outputs,
			.shift = 38,
			.store = CATS_STORE_INT16,
			.scales = scales,
		};

		memset(wide, extreme == 1 ? 0x88 : 0x77, sizeof(wide));
		for (uint32_t r = 0; r < rows; r++) {
			int16_t *to = cats_row(block, r, stride);

			memset(y, extreme == 2 ? INT8_MIN : INT8_MAX, sizeof(y));
			cats_unpack(to, cats_row_step(rows), 0,
				    extreme == 0 ? bytes + r * WIDEST : y, view);
			cats_unpack_zeros(to, cats_row_step(rows), view, stride - view);
			cats_arrange(block, r, (uint16_t)stride);
		}
		draw_bytes(scales, sizeof(scales), 127);
		for (uint32_t o = 0; o < outputs; o++) {
			channels[o].bias = (int32_t)draw_word() >> (2 + draw() % 30);
			channels[o].multiplier = (int32_t)(draw_word() >> 1) | 1;
		}
		cats_multiply(&p);
		add(out, rows * outputs * sizeof(out[0]));
	}
}

static void attention(void)
{
	_Alignas(8) static int8_t out[80];
	static int32_t scores[68];

	for (uint32_t width = 1; width <= WIDEST; width++) {
		for (uint32_t i = 0; i < 8; i++) {
			const uint32_t tokens = 1 + draw() % 37;
			const uint32_t n = 1 + draw() % tokens;
			const struct cats_attention a = {
				.key = bytes + 4 * (draw() % 8) + (width % 4 == 0 ? 0 : draw() % 4),
				.value = bytes + 4 * (draw() % 8),
				.scores = scores,
				.score_multiplier = draw_word() >> draw() % 32,
				.value_multiplier = (int32_t)(1u << 30 | draw_word() >> 2),
				.value_step = (uint16_t)cats_round_up4(tokens),
				.value_shift =
					(uint8_t)(i == 0 ? 1 + draw() % 62 : 42 + draw() % 6),
				.width = (uint16_t)width,
			};

			memcpy(out, bytes + 4 * draw() % 64, width);
			cats_attend(&a, out, (uint16_t)n, out);
			add(out, width);
		}
	}
}

static void llama(void)
{
	static struct cats_image_norm gains[WIDEST];
	static int16_t table[257];
	static int16_t pairs[2 * WIDEST];
	static struct cats_turn angles[WIDEST / 2];
	static uint32_t turn[WIDEST / 2];

	for (uint32_t i = 0; i < 400; i++) {
		const uint32_t rows = 1 + i % 4;
		const uint32_t step = cats_row_step(rows);
		const uint32_t columns = 1 + draw() % WIDEST;
		const uint32_t size = draw() % 8;
		int16_t *y = cats_row(block, draw() % rows, cats_round_up4(columns));
		const struct cats_gate gate = {table, (int32_t)(draw_word() >> 1) | 1,
					       (uint8_t)(1 + draw() % 62)};

		for (uint32_t j = 0; j < columns; j++) {
			gains[j].gain = draw_residual();
			gains[j].bias = (int16_t)(draw() % 4);
			plain[j] = (int8_t)((int8_t)draw() >> size);
		}
		cats_unpack(y, step, 0, plain, columns);
		cats_rms_norm(y, step, (uint16_t)columns, (uint16_t)columns, gains,
			      i % 3 == 0 ? 0 : draw_word() >> draw() % 32);
		for (uint32_t j = 0; j < columns; j++) {
			add(&y[j / 2 * step + j % 2], sizeof(*y));
		}
		for (uint32_t j = 0; j < ARRAY_SIZE(table); j++) {
			table[j] = draw_residual();
		}
		for (uint32_t j = 0; j < ARRAY_SIZE(pairs); j++) {
			pairs[j] = draw_residual();
		}
		cats_gated(&gate, plain, pairs, pairs + columns, columns);
		add(plain, columns);
		for (uint32_t j = 0; j < ARRAY_SIZE(turn); j++) {
			turn[j] = draw_word();
		}
		cats_turns(angles, draw_word(), turn, ARRAY_SIZE(turn));
		cats_turn_key(plain, pairs, angles, columns / 2);
		add(plain, columns / 2 * 2);
		cats_turn(pairs, angles, columns / 2,
			  i % 2 == 0 ? CATS_TURN_QUERY : CATS_TURN_WIDE_KEY);
		add(pairs, sizeof(pairs));
	}
}

/* As turned queries and keys are: nothing leaves 32 bits. */
static void turned_scores(void)
{
	_Alignas(4) static int16_t query[WIDEST];
	_Alignas(4) static int16_t key[12 * WIDEST];
	static int32_t scores[12];

	for (uint32_t width = 2; width <= WIDEST; width += 2) {
		for (uint32_t n = 1; n <= 11; n++) {
			const struct cats_attention turned = {
				.key = bytes + 4 * (draw() % 8), .scores = scores, .width = width};
			struct cats_attention wide = turned;
			int32_t top;

			for (uint32_t j = 0; j < ARRAY_SIZE(key); j++) {
				query[j % WIDEST] = (int16_t)(draw_residual() % 1450);
				key[j] = (int16_t)(draw_residual() % 5794);
			}
			top = cats_score_turned(&turned, query, n);
			add(&top, sizeof(top));
			add(scores, n * sizeof(scores[0]));
			wide.key = (const int8_t *)key;
			top = cats_score_wide(&wide, query, n);
			add(&top, sizeof(top));
			add(scores, n * sizeof(scores[0]));
		}
	}
}

void bench_sweep(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} all[] = {
		{"sweep/unpack", unpacking},
		{"sweep/norm", norms},
		{"sweep/product", products},
		{"sweep/four-bits", four_bits},
		{"sweep/attention", attention},
		{"sweep/llama", llama},
		{"sweep/turned-scores", turned_scores},
	};

	draw_seed(11);
	draw_bytes(bytes, sizeof(bytes), 127);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		crc = 0;
		all[i].run();
		report(all[i].name, 0, 0, crc);
	}
}
