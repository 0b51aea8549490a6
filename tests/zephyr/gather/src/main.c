/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Four nodes in one process give the bytes of the integer reference, whatever is lost. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "golden.h"

#define TIMEOUT K_SECONDS(60)

BUILD_ASSERT(GOLDEN_NODES == CONFIG_CATS_LOCAL_NODES);

static int8_t inputs[GOLDEN_NODES][GOLDEN_TOKENS * GOLDEN_INPUTS];
static int16_t outputs[GOLDEN_NODES][GOLDEN_OUTPUTS];
static struct cats_result results[GOLDEN_NODES];
static struct k_sem told;

/* A node's own columns of a sample. */
static const int8_t *own_input(int node, int sample)
{
	const struct cats_image *image = cats_running(cats_local(node));
	int first = image->model->first_input;
	int own = image->model->own_inputs;

	for (int t = 0; t < GOLDEN_TOKENS; t++) {
		memcpy(inputs[node] + t * own, golden_inputs[sample][t] + first, own);
	}
	return own == 0 ? NULL : inputs[node];
}

static void on_result(const struct cats_result *result, void *user)
{
	int node = (int)(intptr_t)user;

	zassert_equal(result->rows * result->columns, GOLDEN_OUTPUTS);
	memcpy(outputs[node], result->output, sizeof(outputs[node]));
	results[node] = *result;
	k_sem_give(&told);
}

static void start_all(void)
{
	k_sem_init(&told, 0, GOLDEN_NODES);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		const struct cats_instance *node = cats_local(n);

		/* The arena's content at the start must not matter. */
		memset(node->arena, 0xa5 + n, node->arena_size);
		cats_on_result(node, on_result, (void *)(intptr_t)n);
		zassert_ok(cats_start(node, NULL, 0));
		zassert_not_null(cats_running(node));
		zassert_equal(cats_running(node)->header->model_id, GOLDEN_MODEL_ID);
	}
}

static void stop_all(void)
{
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_stop(cats_local(n)));
	}
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
}

/* All nodes submit, node 0 last since it opens the inference; all results are in. */
static void infer_all(int sample)
{
	for (int n = GOLDEN_NODES - 1; n >= 0; n--) {
		zassert_ok(cats_submit(cats_local(n), own_input(n, sample), TIMEOUT));
	}
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(k_sem_take(&told, TIMEOUT), "%d results of %d", n, GOLDEN_NODES);
	}
}

/* Every node loses so much of what the sources from `first` on send. */
static void lose(uint32_t seed, uint32_t first, uint32_t ppm)
{
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_loss_seed(cats_local(n), seed);
		zassert_ok(cats_loss(cats_local(n), CATS_NODE_ANY, 0));
		for (uint32_t s = first; s < GOLDEN_NODES; s++) {
			zassert_ok(cats_loss(cats_local(n), s, ppm));
		}
	}
}

ZTEST(gather, test_nothing_lost)
{
	lose(0, 0, 0);
	start_all();
	for (int s = 0; s < GOLDEN_SAMPLES; s++) {
		infer_all(s);
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_equal(results[n].inference, s);
			zassert_true(results[n].submitted);
			zassert_equal(results[n].lost, 0, "node %d lost %u", n, results[n].lost);
			zassert_equal(results[n].silent, 0);
			zassert_equal(results[n].led, n == 0);
			zassert_mem_equal(outputs[n], golden_outputs[s], sizeof(outputs[n]),
					  "node %d, sample %d", n, s);
		}
	}
	stop_all();
}

ZTEST(gather, test_losses_by_seed)
{
	for (int l = 0; l < GOLDEN_LOSSES; l++) {
		lose(golden_losses[l][0], golden_losses[l][1], golden_losses[l][2]);
		start_all();
		for (int s = 0; s < GOLDEN_SAMPLES; s++) {
			infer_all(s);
			for (int n = 0; n < GOLDEN_NODES; n++) {
				zassert_mem_equal(outputs[n], golden_lossy[l][s][n],
						  sizeof(outputs[n]),
						  "loss %d, node %d, sample %d: %u of %u lost", l,
						  n, s, results[n].lost, results[n].fragments);
			}
		}
		stop_all();
	}
}

ZTEST_SUITE(gather, NULL, NULL, NULL, after, NULL);
