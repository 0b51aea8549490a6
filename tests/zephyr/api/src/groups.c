/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Two sets of one product in one room are told apart by their groups, a setting. */

#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"
#include "repaired/golden.h"

#define SETS 2

CATS_INSTANCE_DEFINE(left_0, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(left_1, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(left_2, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(right_0, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(right_1, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(right_2, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));

static const struct cats_instance *const nodes[SETS][GOLDEN_NODES] = {
	{&left_0, &left_1, &left_2},
	{&right_0, &right_1, &right_2},
};

/* The board's settings: one, of so many bytes. */
static uint32_t group;
static size_t group_size;

static ssize_t read_group(void *argument, void *to, size_t size)
{
	ARG_UNUSED(argument);
	size = MIN(size, group_size);
	memcpy(to, &group, size);
	return (ssize_t)size;
}

static int load(struct settings_store *store, const struct settings_load_arg *argument)
{
	ARG_UNUSED(store);
	return group_size == 0 ? 0
			       : settings_call_set_handler("cats/group", group_size, read_group,
							   NULL, argument);
}

static const struct settings_store_itf interface = {.csi_load = load};
static struct settings_store store = {.cs_itf = &interface};

int settings_backend_init(void)
{
	settings_src_register(&store);
	return 0;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	group_size = 0;
	for (int s = 0; s < SETS; s++) {
		for (int n = 0; n < GOLDEN_NODES; n++) {
			(void)cats_stop(nodes[s][n]);
		}
	}
}

static struct k_sem told;
static int16_t outputs[SETS][GOLDEN_OUTPUTS];
static uint32_t lost[SETS];

static void on_result(const struct cats_result *result, void *user)
{
	int s = (int)(intptr_t)user;

	memcpy(outputs[s], result->output, sizeof(outputs[s]));
	lost[s] = result->lost;
	k_sem_give(&told);
}

/* All nodes of both, at the same time with other inputs. */
ZTEST(groups, test_two_sets)
{
	struct cats_stats stats;

	k_sem_init(&told, 0, SETS);
	group_size = sizeof(group);
	for (int s = 0; s < SETS; s++) {
		group = 0x1000u + s;
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_ok(cats_start(nodes[s][n], repaired[n].data, repaired[n].size));
			zassert_equal(cats_group(nodes[s][n]), 0x1000u + s);
		}
		cats_on_result(nodes[s][0], on_result, (void *)(intptr_t)s);
	}
	for (int i = 0; i < GOLDEN_SAMPLES; i++) {
		for (int s = 0; s < SETS; s++) {
			zassert_ok(cats_submit(nodes[s][0],
					       &golden_inputs[(i + s) % GOLDEN_SAMPLES][0][0],
					       K_SECONDS(10)));
		}
		for (int s = 0; s < SETS; s++) {
			zassert_ok(k_sem_take(&told, K_SECONDS(60)));
		}
		for (int s = 0; s < SETS; s++) {
			zassert_equal(lost[s], 0);
			zassert_mem_equal(outputs[s], golden_outputs[(i + s) % GOLDEN_SAMPLES],
					  sizeof(outputs[s]), "set %d", s);
		}
	}
	for (int s = 0; s < SETS; s++) {
		cats_stats(nodes[s][1], &stats);
		zassert_true(stats.node.rejected[CATS_REJECT_CHECK] > 0);
		cats_on_result(nodes[s][0], NULL, NULL);
	}
}

/* Not set: that of Kconfig. */
ZTEST(groups, test_default)
{
	zassert_ok(cats_start(&left_0, repaired[0].data, repaired[0].size));
	zassert_equal(cats_group(&left_0), CONFIG_CATS_GROUP);
}

ZTEST(groups, test_wrong_size)
{
	group_size = 2;
	zassert_equal(cats_start(&left_0, repaired[0].data, repaired[0].size), -EINVAL);
	zassert_is_null(cats_running(&left_0));
}

ZTEST_SUITE(groups, NULL, NULL, NULL, after, NULL);
