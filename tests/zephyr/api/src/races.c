/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A thread stands between what a call looked at and what it does then, and others go on. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"

#define ONE_OUTPUTS 5
#define FOUR_OUTPUTS 10
#define PATTERN 0x5a5a

CATS_INSTANCE_DEFINE(race_node, &cats_loopback, 4096);

static K_THREAD_STACK_DEFINE(stack, 2048 + CONFIG_TEST_EXTRA_STACK_SIZE);
static struct k_thread thread;
static K_SEM_DEFINE(arrived, 0, 1);
static K_SEM_DEFINE(go_on, 0, 1);
static bool held; /* the thread stops where it would take its turn */
static int answer;
static int16_t output[FOUR_OUTPUTS];

int __real_z_impl_k_sem_take(struct k_sem *sem, k_timeout_t timeout);

int __wrap_z_impl_k_sem_take(struct k_sem *sem, k_timeout_t timeout)
{
	if (held && sem == &race_node.data->slot && k_current_get() == &thread) {
		held = false;
		k_sem_give(&arrived);
		(void)__real_z_impl_k_sem_take(&go_on, K_FOREVER);
	}
	return __real_z_impl_k_sem_take(sem, timeout);
}

static void infer(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	answer = cats_infer(&race_node, NULL, output, ONE_OUTPUTS, NULL, K_FOREVER);
}

/* The thread has seen that the instance runs and that its output fits; then this one goes on. */
static void hold(void)
{
	zassert_ok(cats_start(&race_node, one.data, one.size));
	for (int i = 0; i < FOUR_OUTPUTS; i++) {
		output[i] = PATTERN;
	}
	answer = 1;
	held = true;
	k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), infer, NULL, NULL, NULL,
			K_PRIO_PREEMPT(5), 0, K_NO_WAIT);
	zassert_ok(k_sem_take(&arrived, K_SECONDS(10)));
}

static void let_go(void)
{
	k_sem_give(&go_on);
	zassert_ok(k_thread_join(&thread, K_SECONDS(100)), "it sleeps for ever");
	zassert_equal(answer, -ESHUTDOWN, "%d", answer);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	k_thread_abort(&thread);
	(void)cats_stop(&race_node);
}

ZTEST(races, test_stopped)
{
	hold();
	zassert_ok(cats_stop(&race_node));
	let_go();
}

/* It is another image whose output is larger. */
ZTEST(races, test_started_anew)
{
	hold();
	zassert_ok(cats_stop(&race_node));
	zassert_ok(cats_start(&race_node, four[0].data, four[0].size));
	let_go();
	for (int i = 0; i < FOUR_OUTPUTS; i++) {
		zassert_equal(output[i], PATTERN);
	}
	/* The turn that it had is the next one's. */
	zassert_ok(cats_infer(&race_node, NULL, output, FOUR_OUTPUTS, NULL, K_SECONDS(100)));
}

/* The same where another input is in use all the time. */
ZTEST(races, test_waits_over_a_stop)
{
	hold();
	zassert_ok(cats_submit(&race_node, NULL, K_NO_WAIT));
	k_sem_give(&go_on);
	zassert_ok(cats_stop(&race_node));
	zassert_ok(cats_start(&race_node, four[0].data, four[0].size));
	zassert_ok(k_thread_join(&thread, K_SECONDS(100)));
	zassert_equal(answer, -ESHUTDOWN, "%d", answer);
	zassert_ok(cats_submit(&race_node, NULL, K_NO_WAIT));
}

ZTEST_SUITE(races, NULL, NULL, NULL, after, NULL);
