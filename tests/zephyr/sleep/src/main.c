/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Nodes that sleep, from the application's side and by the shell. */

#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"
#include "golden.h"

/* The longest search of the last node, and the calls behind it. */
#define FOUND_MS (6 * CONFIG_CATS_PERIOD_MS)

static int16_t output[GOLDEN_OUTPUTS];

static void stop(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
	(void)settings_delete("cats/period");
}

static void start(void)
{
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_start(cats_local(n), NULL, 0));
	}
}

/* The own columns of a golden input. */
static const int8_t *input(int node, int sample)
{
	static int8_t own[GOLDEN_NODES][sizeof(golden_inputs[0])];
	const struct cats_image *image = cats_running(cats_local(node));

	cats_input_own(image, &golden_inputs[sample][0][0], own[node]);
	return own[node];
}

/* The leader's input waits for a meeting, and its output is the reference's. */
ZTEST(sleep, test_infer)
{
	struct cats_result result;
	uint32_t in_us;

	start();
	zassert_equal(cats_next_meeting(cats_local(0), &in_us), -EAGAIN);
	k_msleep(FOUND_MS);
	for (int i = 0; i < GOLDEN_SAMPLES; i++) {
		int64_t asked;

		zassert_ok(cats_next_meeting(cats_local(0), &in_us));
		zassert_true(in_us <= CONFIG_CATS_PERIOD_MS * USEC_PER_MSEC);
		asked = k_uptime_get();
		for (int n = 1; n < GOLDEN_NODES; n++) {
			if (cats_input_size(cats_running(cats_local(n))) != 0) {
				zassert_ok(cats_submit(cats_local(n), input(n, i), K_NO_WAIT));
			}
		}
		zassert_ok(cats_infer(cats_local(0), input(0, i), output, ARRAY_SIZE(output),
				      &result, K_SECONDS(10)));
		zassert_equal(result.lost, 0);
		zassert_mem_equal(output, golden_outputs[i], sizeof(output));
		zassert_true(k_uptime_get() - asked >= in_us / USEC_PER_MSEC);
		k_msleep(3 * CONFIG_CATS_PERIOD_MS / 2);
	}
}

/* Any other node asks at a meeting. */
ZTEST(sleep, test_ask)
{
	struct cats_result result;

	start();
	k_msleep(FOUND_MS);
	for (int n = 1; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_infer(cats_local(n), NULL, NULL, 0, &result, K_SECONDS(10)));
		zassert_true(result.submitted);
		zassert_equal(result.lost, 0);
		zassert_equal(result.silent, 0);
	}
}

ZTEST(sleep, test_period)
{
	uint32_t in_us;

	zassert_equal(cats_period(cats_local(0)), 0);
	zassert_equal(cats_set_period(cats_local(0), 100), -ENOTCONN);
	zassert_equal(cats_next_meeting(cats_local(0), &in_us), -ENOTCONN);
	start();
	k_msleep(FOUND_MS);
	zassert_equal(cats_period(cats_local(3)), CONFIG_CATS_PERIOD_MS);
	zassert_equal(cats_set_period(cats_local(3), 100), -EACCES);
	zassert_equal(cats_set_period(cats_local(0), 9), -EINVAL);
	zassert_equal(cats_set_period(cats_local(0), 600001), -EINVAL);
	zassert_equal(cats_set_period(cats_local(0), UINT32_MAX), -EINVAL);
	zassert_ok(cats_set_period(cats_local(0), 500));
	k_msleep(2 * CONFIG_CATS_PERIOD_MS);
	zassert_equal(cats_period(cats_local(3)), 500);
	zassert_ok(cats_infer(cats_local(3), NULL, NULL, 0, NULL, K_SECONDS(10)));
}

/* Who is started later finds the others. */
ZTEST(sleep, test_late)
{
	struct cats_result result;

	start();
	k_msleep(FOUND_MS);
	zassert_ok(cats_stop(cats_local(0)));
	k_msleep(10 * CONFIG_CATS_PERIOD_MS);
	zassert_ok(cats_infer(cats_local(2), NULL, NULL, 0, &result, K_SECONDS(10)));
	zassert_equal(result.silent, BIT(0));
	zassert_ok(cats_start(cats_local(0), NULL, 0));
	k_msleep(2 * CONFIG_CATS_PERIOD_MS);
	zassert_ok(cats_infer(cats_local(0), NULL, NULL, 0, &result, K_SECONDS(10)));
	zassert_equal(result.silent, 0);
	zassert_equal(result.lost, 0);
	zassert_false(result.led);
}

ZTEST(sleep, test_shell)
{
	uint32_t stored = 0;

	EXPECT(0, "meets nobody: cats start", "cats period");
	start();
	EXPECT(0, "searching for the others", "cats period");
	k_msleep(FOUND_MS);
	EXPECT(0, "next meeting in ", "cats period");
	EXPECT(-EINVAL, "at least 10 ms", "cats period 9");
	EXPECT(-EINVAL, "from 0 to 600000 is wanted", "cats period 600001");
	EXPECT(-EINVAL, "is wanted", "cats period often");
	EXPECT(0, "period 300 ms", "cats period 300");
	zassert_equal(settings_load_one("cats/period", &stored, sizeof(stored)), sizeof(stored));
	zassert_equal(stored, 300);
	EXPECT(0, "", "cats use 1");
	EXPECT(0, "another node leads", "cats period 400");
	EXPECT(0, "", "cats use 0");
}

/* The setting, from the next start on; one that no node can keep is refused. */
ZTEST(sleep, test_setting)
{
	uint32_t stored = 400;

	zassert_ok(settings_subsys_init());
	zassert_ok(settings_save_one("cats/period", &stored, sizeof(stored)));
	zassert_ok(cats_start(cats_local(0), NULL, 0));
	zassert_equal(cats_period(cats_local(0)), 400);
	zassert_ok(cats_stop(cats_local(0)));
	stored = 1;
	zassert_ok(settings_save_one("cats/period", &stored, sizeof(stored)));
	zassert_equal(cats_start(cats_local(0), NULL, 0), -EINVAL);
}

ZTEST_SUITE(sleep, NULL, wait_for_shell, NULL, stop, NULL);
