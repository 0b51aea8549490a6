/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Streams, from the application's side and by the shell. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"
#include "golden.h"

/* Longer than a node that is new listens. */
#define SETTLED_MS 500

static int16_t output[GOLDEN_NODES][GOLDEN_OUTPUTS];
static struct cats_result results[GOLDEN_NODES];
static K_SEM_DEFINE(told, 0, GOLDEN_NODES);

static void keep(const struct cats_result *result, void *user)
{
	const int n = POINTER_TO_INT(user);

	memcpy(output[n], result->output, sizeof(output[n]));
	results[n] = *result;
	k_sem_give(&told);
}

static void stop(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
}

static void start(void)
{
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_on_result(cats_local(n), keep, INT_TO_POINTER(n));
		zassert_ok(cats_start(cats_local(n), NULL, 0));
	}
	k_msleep(SETTLED_MS);
}

/* The own columns of a golden input. */
static const int8_t *input(int node, int sample)
{
	static int8_t own[GOLDEN_NODES][sizeof(golden_inputs[0])];
	const struct cats_image *image = cats_running(cats_local(node));

	cats_input_own(image, &golden_inputs[sample][0][0], own[node]);
	return own[node];
}

/* A step of all nodes that run: each one's output and result. */
static void step(int sample)
{
	int nodes = 0;

	k_sem_reset(&told);
	for (int n = GOLDEN_NODES - 1; n >= 0; n--) {
		if (cats_running(cats_local(n)) != NULL) {
			zassert_ok(cats_submit(cats_local(n), input(n, sample), K_SECONDS(1)));
			nodes++;
		}
	}
	for (; nodes > 0; nodes--) {
		zassert_ok(k_sem_take(&told, K_SECONDS(10)));
	}
}

ZTEST(stream, test_windows)
{
	const struct cats_instance *node = cats_local(0);

	start();
	zassert_equal(cats_stream_position(node), 0);
	for (int window = 0; window < 2; window++) {
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_ok(cats_stream_begin(cats_local(n)));
		}
		for (int i = 0; i < GOLDEN_SAMPLES; i++) {
			step(i);
			for (int n = 0; n < GOLDEN_NODES; n++) {
				zassert_equal(results[n].lost, 0);
				zassert_equal(results[n].position, i);
				zassert_equal(results[n].known, i + 1);
				zassert_mem_equal(output[n], golden_outputs[i], sizeof(output[n]));
			}
			zassert_equal(cats_stream_position(node), i + 1);
		}
	}
	zassert_equal(cats_context_rows(cats_running(node)), GOLDEN_SAMPLES);
}

/* A node that comes back joins at the position where the others are, and says which rows it has. */
ZTEST(stream, test_restart)
{
	start();
	for (int i = 0; i < GOLDEN_SAMPLES; i++) {
		const bool back = i >= GOLDEN_BACK;

		if (i == GOLDEN_FIRST_AWAY) {
			zassert_ok(cats_stop(cats_local(GOLDEN_AWAY)));
		} else if (i == GOLDEN_BACK) {
			zassert_ok(cats_start(cats_local(GOLDEN_AWAY), NULL, 0));
			k_msleep(SETTLED_MS);
		}
		step(i);
		for (int n = 0; n < GOLDEN_NODES; n++) {
			if (cats_running(cats_local(n)) == NULL) {
				continue;
			}
			zassert_equal(results[n].position, i);
			zassert_equal(results[n].known,
				      n == GOLDEN_AWAY && back ? i + 1 - GOLDEN_BACK : i + 1);
			zassert_mem_equal(output[n], golden_missed[i][n], sizeof(output[n]),
					  "step %d node %d", i, n);
		}
	}
}

ZTEST(stream, test_errors)
{
	const struct cats_instance *node = cats_local(0);

	zassert_equal(cats_stream_begin(node), -ENOTCONN);
	zassert_equal(cats_stream_position(node), -ENOTCONN);
	zassert_equal(cats_step(node, NULL, NULL, 0, NULL, K_SECONDS(1)), -ENOTCONN);
	start();
	for (int i = 0; i < GOLDEN_SAMPLES; i++) {
		zassert_ok(cats_step(node, NULL, output[0], ARRAY_SIZE(output[0]), &results[0],
				     K_SECONDS(10)));
		zassert_equal(results[0].position, i);
	}
	zassert_equal(cats_stream_position(node), GOLDEN_SAMPLES);
	zassert_equal(cats_step(node, NULL, NULL, 0, NULL, K_SECONDS(1)), -EOVERFLOW);
	zassert_equal(cats_infer(node, NULL, NULL, 0, NULL, K_SECONDS(1)), -EOVERFLOW);
	zassert_equal(cats_submit(node, NULL, K_NO_WAIT), -EOVERFLOW);
	zassert_ok(cats_stream_begin(node));
	zassert_equal(cats_stream_position(node), 0);
	zassert_equal(cats_step(node, NULL, output[0], 1, NULL, K_SECONDS(1)), -ENOSPC);
	zassert_ok(cats_step(node, NULL, NULL, 0, &results[0], K_SECONDS(10)));
	zassert_equal(results[0].position, 0);
}

ZTEST(stream, test_shell)
{
	start();
	EXPECT(0, "position 0 of 5", "cats step position");
	EXPECT(0, "position 0 of 5, 1 rows known", "cats step zeros");
	EXPECT(0, "position 1 of 5, 2 rows known", "cats step hex 01020304");
	EXPECT(0, "", "cats step begin");
	EXPECT(0, "position 0 of 5, 1 rows known", "cats infer zeros");
	for (int i = 1; i < GOLDEN_SAMPLES; i++) {
		EXPECT(0, "rows known", "cats step zeros");
	}
	EXPECT(0, "position 5 of 5", "cats step position");
	EXPECT(-EOVERFLOW, "cats step begin", "cats step zeros");
}

ZTEST_SUITE(stream, NULL, wait_for_shell, NULL, stop, stop);
