/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* With repair rounds three nodes lose next to nothing, whatever node's frames are lost. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"
#include "repaired/golden.h"

CATS_INSTANCE_DEFINE(repair_0, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(repair_1, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));
CATS_INSTANCE_DEFINE(repair_2, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));

static const struct cats_instance *const nodes[] = {&repair_0, &repair_1, &repair_2};

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_start(nodes[n], repaired[n].data, repaired[n].size));
	}
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_loss_seed(nodes[n], 0);
		(void)cats_loss(nodes[n], CATS_NODE_ANY, 0);
		(void)cats_stop(nodes[n]);
	}
}

/* Node 0 owns all inputs of this model. Fragments lost after repair. */
static uint32_t infer(int sample, bool *equal)
{
	static int16_t output[GOLDEN_OUTPUTS];
	struct cats_result result;

	zassert_ok(cats_infer(nodes[0], &golden_inputs[sample][0][0], output, ARRAY_SIZE(output),
			      &result, K_SECONDS(60)));
	zassert_equal_ptr(result.output, output);
	*equal = memcmp(output, golden_outputs[sample], sizeof(output)) == 0;
	return result.lost;
}

ZTEST(repair, test_clean)
{
	for (int s = 0; s < GOLDEN_SAMPLES; s++) {
		bool equal;

		zassert_equal(infer(s, &equal), 0);
		zassert_true(equal);
	}
}

ZTEST(repair, test_lossy)
{
	uint32_t repaired_count = 0;
	uint32_t lost = 0;
	struct cats_stats stats;

	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_loss_seed(nodes[n], 3);
		zassert_ok(cats_loss(nodes[n], CATS_NODE_ANY, 100000));
	}
	for (int i = 0; i < 10; i++) {
		bool equal;

		lost += infer(i % GOLDEN_SAMPLES, &equal);
	}
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_stats(nodes[n], &stats);
		zassert_true(stats.glue.dropped > 0);
		for (int k = 0; k < CATS_GATHER_KINDS; k++) {
			repaired_count += stats.node.gather[k].repaired;
		}
	}
	TC_PRINT("%u fragments repaired, %u lost at node 0\n", repaired_count, lost);
	zassert_true(repaired_count > 20);
	zassert_true(lost < 10);
}

#ifdef CONFIG_CATS_ENERGY
/* A node sends or listens as long as its inferences take; nothing is counted twice. */
ZTEST(repair, test_energy)
{
	const uint64_t most = 4u * CONFIG_CATS_LOOPBACK_MTU;
	struct cats_result result;
	struct cats_stats stats;
	uint64_t charge;
	uint64_t took = 0;
	uint64_t sent = 0;

	for (int i = 0; i < 3; i++) {
		zassert_ok(cats_infer(nodes[0], NULL, NULL, 0, &result, K_SECONDS(60)));
		took += result.ended_us - result.started_us;
	}
	cats_stats(nodes[0], &stats);
	for (int k = 0; k < CATS_GATHER_KINDS; k++) {
		sent += stats.node.gather[k].sent;
	}
	zassert_equal(stats.energy.inferences, 3);
	zassert_equal(stats.energy.transmit_us + stats.energy.listen_us, took);
	zassert_between_inclusive(stats.energy.transmit_us, 4 * 10 * sent, most * sent);
	charge = stats.energy.transmit_us * CONFIG_CATS_ENERGY_TRANSMIT_UA +
		 stats.energy.listen_us * CONFIG_CATS_ENERGY_RECEIVE_UA +
		 stats.energy.compute_us * CONFIG_CATS_ENERGY_COMPUTE_UA;
	zassert_within(stats.energy.microjoules, charge * 3 / 1000000, 1);
	zassert_ok(cats_stop(nodes[0]));
	zassert_ok(cats_start(nodes[0], repaired[0].data, repaired[0].size));
	cats_stats(nodes[0], &stats);
	zassert_equal(stats.energy.inferences + stats.energy.microjoules, 0);
}
#endif

#ifdef CONFIG_CATS_ENERGY
/* The loopback's receiver is on in between as well: each microsecond is one of the sums. For 80
 * minutes, since its clock wraps after 71.
 */
ZTEST(repair, test_energy_between)
{
	const uint64_t pause_us = 80 * 60 * (uint64_t)USEC_PER_SEC;
	const struct cats_energy_stats *e;
	struct cats_result result;
	struct cats_stats stats;

	Z_TEST_SKIP_IFNDEF(CONFIG_ARCH_POSIX); /* where such a time takes none */
	zassert_ok(cats_infer(nodes[0], NULL, NULL, 0, &result, K_SECONDS(60)));
	k_sleep(K_MINUTES(80 * CONFIG_CATS_LOOPBACK_SLOWDOWN));
	zassert_ok(cats_infer(nodes[0], NULL, NULL, 0, &result, K_SECONDS(60)));
	cats_stats(nodes[0], &stats);
	e = &stats.energy;
	zassert_equal(e->inferences, 2);
	zassert_equal(e->sleep_us, 0);
	zassert_between_inclusive(e->elapsed_us, pause_us, pause_us + 60 * USEC_PER_SEC);
	zassert_within(e->transmit_us + e->listen_us + e->between_transmit_us +
			       e->between_listen_us,
		       e->elapsed_us, 10 * USEC_PER_MSEC);
	zassert_within(e->average_na, 1000 * CONFIG_CATS_ENERGY_RECEIVE_UA, 2000);
	zassert_within(e->all_microjoules, e->elapsed_us / 1000 * 3 * e->average_na / 1000000,
		       1000);
}
#endif

/* A node that stops in the middle costs its columns, never the inference. */
ZTEST(repair, test_node_gone)
{
	struct cats_result result;
	bool equal;

	zassert_equal(infer(0, &equal), 0);
	zassert_ok(cats_stop(nodes[2]));
	zassert_true(infer(0, &equal) > 0);
	zassert_ok(cats_infer(nodes[0], NULL, NULL, 0, &result, K_SECONDS(60)));
	zassert_equal(result.silent, BIT(2), "silent 0x%x", result.silent);
	zassert_ok(cats_start(nodes[2], repaired[2].data, repaired[2].size));
	k_sleep(K_SECONDS(1));
	(void)infer(0, &equal);
	zassert_equal(infer(0, &equal), 0);
	zassert_true(equal);
}

/* The lowest number gone: another opens inferences. */
ZTEST(repair, test_leader_gone)
{
	struct cats_result result;

	zassert_ok(cats_stop(nodes[0]));
	zassert_ok(cats_infer(nodes[1], NULL, NULL, 0, &result, K_SECONDS(60)));
	zassert_true(result.led);
	zassert_true(result.submitted);
	zassert_equal(result.silent, BIT(0), "silent 0x%x", result.silent);
}

ZTEST_SUITE(repair, NULL, NULL, before, after, NULL);
