/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A node that sleeps: its period, and how it does, told from time to time. */

#include <inttypes.h>

#include <zephyr/kernel.h>

#include "bs_types.h"
#include "bs_tracing.h"

#include <cats/cats.h>

#include "host.h"

static const struct cats_instance *node;

void meetings_report(void)
{
	struct cats_stats stats;
	const struct cats_energy_stats *e = &stats.energy;
	uint64_t now = host_time();
	uint32_t us;

	cats_stats(node, &stats);
	report("meetings %" PRIu64 " %u %" PRIu64 " %u %u %u %u %u %" PRIu64 " %" PRIu64 "\n", now,
	       node->data->node.leader, cats_next_meeting(node, &us) == 0 ? now + us : 0,
	       cats_period(node), stats.node.meetings, stats.node.missed, stats.node.searches,
	       stats.node.takeovers, e->elapsed_us,
	       e->transmit_us + e->listen_us + e->between_transmit_us + e->between_listen_us);
}

static void look(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	for (;;) {
		k_sleep(K_MSEC(options.look_ms));
		meetings_report();
	}
}

static K_THREAD_STACK_DEFINE(stack, 4096);
static struct k_thread thread;

static void change(struct k_work *work)
{
	ARG_UNUSED(work);
	(void)cats_set_period(node, options.then_ms); /* for who leads */
}

static K_WORK_DELAYABLE_DEFINE(changing, change);

void meetings_begin(const struct cats_instance *instance)
{
	int ret = 0;

	node = instance;
	if (options.period_ms != UINT32_MAX) {
		ret = cats_set_period(node, options.period_ms);
	}
	if (ret != 0) {
		bs_trace_error("no period of %u ms: %d\n", options.period_ms, ret);
	}
	if (options.change_ms != UINT32_MAX) {
		k_work_schedule(&changing, K_MSEC(options.change_ms));
	}
	if (options.look_ms != UINT32_MAX) {
		(void)k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), look, NULL,
				      NULL, NULL, K_LOWEST_APPLICATION_THREAD_PRIO, 0, K_NO_WAIT);
	}
}
