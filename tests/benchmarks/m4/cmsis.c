/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The same products by CMSIS-NN, where its sources are at hand. With one multiplier a column it
 * must give the very bytes of the layers in kernels.c.
 */

#include <string.h>

#include <arm_nnfunctions.h>
#include <arm_nnsupportfunctions.h>

#include "bench.h"
#include "crc32.h"

static struct layer layer;
static int8_t rows[TOKENS * COLUMNS];
static int8_t weights[OUTPUTS * COLUMNS];
static int8_t out[TOKENS * OUTPUTS];
static int32_t bias[OUTPUTS];
static int32_t multipliers[OUTPUTS];
static int32_t shifts[OUTPUTS];

static void run_matrix(void *argument)
{
	(void)argument;
	arm_nn_mat_mult_nt_t_s8(rows, weights, bias, out, multipliers, shifts, TOKENS,
				(int32_t)layer.outputs, (int32_t)layer.view, 0, 0, INT8_MIN,
				INT8_MAX, (int32_t)layer.outputs, (int32_t)layer.view);
}

/* One multiplier for all columns. */
static void run_connected(void *argument)
{
	cmsis_nn_context context = {NULL, 0};
	cmsis_nn_fc_params parameters = {0, 0, 0, {INT8_MIN, INT8_MAX}};
	cmsis_nn_per_tensor_quant_params quantisation = {multipliers[0], shifts[0]};
	cmsis_nn_dims input = {TOKENS, 1, 1, (int32_t)layer.view};
	cmsis_nn_dims filter = {(int32_t)layer.view, 1, 1, (int32_t)layer.outputs};
	cmsis_nn_dims output = {TOKENS, 1, 1, (int32_t)layer.outputs};

	(void)argument;
	arm_fully_connected_s8(&context, &parameters, &quantisation, &input, rows, &filter, weights,
			       &output, bias, &output, out);
}

static void take(void)
{
	for (uint32_t row = 0; row < TOKENS; row++) {
		memcpy(rows + row * layer.view, layer.rows + row * COLUMNS, layer.view);
	}
	for (uint32_t o = 0; o < layer.outputs; o++) {
		for (uint32_t j = 0; j < layer.view; j++) {
			static const uint8_t place[4] = {0, 2, 1, 3};

			weights[o * layer.view + j] =
				layer.weights[o * layer.stride + j / 4 * 4 + place[j % 4]];
		}
		bias[o] = layer.channels[o].bias;
		multipliers[o] = layer.channels[o].multiplier;
		shifts[o] = 31 - LAYER_SHIFT;
	}
}

void bench_cmsis(void)
{
	static const uint16_t views[] = VIEWS;
	static const uint16_t outputs[] = WIDTHS;

	for (uint32_t i = 0; i < ARRAY_SIZE(views); i++) {
		for (uint32_t o = 0; o < ARRAY_SIZE(outputs); o++) {
			const uint32_t units = TOKENS * views[i] * outputs[o];

			layer_draw(&layer, views[i], outputs[o]);
			take();
			run_connected(NULL);
			report(name_of("connected", "in", views[i], "out", outputs[o]),
			       count(run_connected, NULL), units,
			       cats_crc32((const uint8_t *)out, TOKENS * outputs[o]));
			run_matrix(NULL);
			report(name_of("matrix", "in", views[i], "out", outputs[o]),
			       count(run_matrix, NULL), units,
			       cats_crc32((const uint8_t *)out, TOKENS * outputs[o]));
		}
	}
}
