/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The API used wrongly, from several threads, and while it is stopped. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"
#include "one/golden.h"

/* Moments are tried in steps so many times longer where simulated time is not free. */
#define COARSE (IS_ENABLED(CONFIG_ARCH_POSIX) ? 1 : 5)

#define ARENA ROUND_UP(GOLDEN_ARENA, 8)

CATS_INSTANCE_DEFINE(node, &cats_loopback, ARENA);
CATS_INSTANCE_DEFINE(tight_node, &cats_loopback, ARENA - 8);
CATS_INSTANCE_DEFINE(four_node, &cats_loopback, 4096);

/* A transport whose every answer the test decides. */
static int attach_answer;
static int send_answer;
static struct cats_port *port;
static uint32_t sends;

static int fake_attach(struct cats_port *p)
{
	port = attach_answer == 0 ? p : NULL;
	return attach_answer;
}

static void fake_detach(struct cats_port *p)
{
	zassert_equal_ptr(p, port);
	port = NULL;
}

static uint32_t fake_now(void)
{
	return k_uptime_get_32() * 1000u;
}

static int fake_send(struct cats_port *p, const uint8_t *frame, uint16_t size, uint32_t at)
{
	ARG_UNUSED(frame);
	ARG_UNUSED(size);
	sends++;
	if (send_answer == 0) {
		p->sent(p, true, at);
	} else if (send_answer > 0) {
		p->sent(p, false, at);
		return 0;
	}
	return send_answer;
}

static const struct cats_transport fake = {
	.name = "fake",
	.mtu = 64,
	.attach = fake_attach,
	.detach = fake_detach,
	.now = fake_now,
	.send = fake_send,
};

static const struct cats_transport narrow = {
	.name = "narrow",
	.mtu = 20,
	.attach = fake_attach,
	.detach = fake_detach,
	.now = fake_now,
	.send = fake_send,
};

static const struct cats_transport other_radio = {
	.name = "other radio",
	.radio = CATS_RADIO_NRF_RADIO,
	.mtu = 255,
	.attach = fake_attach,
	.detach = fake_detach,
	.now = fake_now,
	.send = fake_send,
};

CATS_INSTANCE_DEFINE(fake_node, &fake, 4096);
CATS_INSTANCE_DEFINE(other_node, &other_radio, 4096);
CATS_INSTANCE_DEFINE(narrow_node, &narrow, 4096);

static int16_t output[GOLDEN_OUTPUTS];

/* What a job takes longer than it does. */
static uint32_t job_us;

void __real_cats_job_run(const struct cats_job *job);

void __wrap_cats_job_run(const struct cats_job *job)
{
	__real_cats_job_run(job);
	k_busy_wait(job_us);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	attach_answer = 0;
	send_answer = 0;
	job_us = 0;
	cats_on_result(&node, NULL, NULL);
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		(void)cats_stop(instance);
	}
}

static void start(void)
{
	zassert_ok(cats_start(&node, one.data, one.size));
}

static const int8_t *sample(int s)
{
	return &golden_inputs[s][0][0];
}

ZTEST(api, test_infer)
{
	struct cats_result result;

	start();
	zassert_equal(cats_input_size(cats_running(&node)), GOLDEN_TOKENS * GOLDEN_INPUTS);
	zassert_equal(cats_output_count(cats_running(&node)), GOLDEN_OUTPUTS);
	for (int s = 0; s < GOLDEN_SAMPLES; s++) {
		zassert_ok(cats_infer(&node, sample(s), output, ARRAY_SIZE(output), &result,
				      K_SECONDS(10)));
		zassert_mem_equal(output, golden_outputs[s], sizeof(output));
		zassert_equal(result.rows, 1);
		zassert_equal(result.columns, GOLDEN_OUTPUTS);
		zassert_equal(result.inference, s);
		zassert_true(result.submitted && result.led);
		zassert_equal(cats_result_missing(&result), 0);
	}
	/* Neither the output nor the result need be asked for. */
	zassert_ok(cats_infer(&node, sample(0), NULL, 0, NULL, K_SECONDS(10)));
	/* NULL stands for zeros. */
	zassert_ok(cats_infer(&node, NULL, output, ARRAY_SIZE(output), NULL, K_SECONDS(10)));
}

ZTEST(api, test_not_running)
{
	struct cats_stats stats;

	zassert_is_null(cats_running(&node));
	zassert_is_null(cats_local(0));
	zassert_equal(cats_stop(&node), -EALREADY);
	zassert_equal(cats_start(&node, NULL, 0), -ENOENT);
	zassert_equal(cats_infer(&node, NULL, NULL, 0, NULL, K_FOREVER), -ENOTCONN);
	zassert_equal(cats_submit(&node, NULL, K_FOREVER), -ENOTCONN);
	zassert_equal(cats_withdraw(&node), -ENOTCONN);
	zassert_equal(cats_wait(&node, NULL, 0, NULL, K_FOREVER), -ENOTCONN);
	cats_stats(&node, &stats);
	start();
	zassert_equal(cats_start(&node, one.data, one.size), -EALREADY);
}

ZTEST(api, test_wrong_sizes)
{
	start();
	zassert_equal(
		cats_infer(&node, sample(0), output, ARRAY_SIZE(output) - 1, NULL, K_SECONDS(1)),
		-ENOSPC);
	zassert_equal(cats_wait(&node, output, 0, NULL, K_SECONDS(1)), -ENOSPC);
	zassert_equal(cats_start(&tight_node, one.data, one.size), -ENOMEM);
	zassert_is_null(cats_running(&tight_node));
	/* Its frames have 26 bytes, and there are some since it is one of four. */
	zassert_equal(cats_start(&narrow_node, four[0].data, four[0].size), -EMSGSIZE);
	/* It is planned for ieee802154; alone it sends nothing. */
	zassert_equal(cats_start(&other_node, four[0].data, four[0].size), -ENOTSUP);
	zassert_ok(cats_start(&other_node, one.data, one.size));
	zassert_ok(cats_stop(&other_node));
}

ZTEST(api, test_wait_and_withdraw)
{
	struct cats_result result;

	start();
	zassert_equal(cats_wait(&node, output, ARRAY_SIZE(output), &result, K_MSEC(10)),
		      -ETIMEDOUT);
	zassert_equal(cats_withdraw(&node), -ENOENT);
	zassert_ok(cats_submit(&node, sample(1), K_NO_WAIT));
	zassert_ok(cats_withdraw(&node));
	zassert_ok(cats_submit(&node, sample(2), K_NO_WAIT));
	zassert_equal(cats_submit(&node, sample(1), K_NO_WAIT), -EBUSY);
	zassert_ok(cats_wait(&node, output, ARRAY_SIZE(output), &result, K_SECONDS(10)));
	zassert_mem_equal(output, golden_outputs[2], sizeof(output));
	zassert_equal(cats_withdraw(&node), -ENOENT);
}

ZTEST(api, test_timeouts)
{
	static int8_t input[GOLDEN_TOKENS * GOLDEN_INPUTS];

	start();
	/* Shorter than the silence that the node keeps first. */
	memcpy(input, sample(0), sizeof(input));
	zassert_equal(cats_infer(&node, input, output, ARRAY_SIZE(output), NULL, K_NO_WAIT),
		      -ETIMEDOUT);
	/* The input is the caller's again. */
	memset(input, 0x55, sizeof(input));
	zassert_ok(cats_infer(&node, sample(1), output, ARRAY_SIZE(output), NULL, K_SECONDS(10)));
	zassert_mem_equal(output, golden_outputs[1], sizeof(output));
}

/* One of four nodes, the others absent. On native_sim code takes no time: jobs wait for a while. */
#define LONELY_INPUTS (6 * 2)
#define LONELY_OUTPUTS 10

static int16_t lonely_wanted[2][LONELY_OUTPUTS];
static int8_t lonely_inputs[2][LONELY_INPUTS];

static void start_lonely(void)
{
	job_us = 500;
	zassert_ok(cats_start(&four_node, four[0].data, four[0].size));
	zassert_equal(cats_input_size(cats_running(&four_node)), LONELY_INPUTS);
	for (int i = 0; i < 2; i++) {
		memset(lonely_inputs[i], 100 - 77 * i, LONELY_INPUTS);
		zassert_ok(cats_infer(&four_node, lonely_inputs[i], lonely_wanted[i],
				      LONELY_OUTPUTS, NULL, K_SECONDS(100)));
	}
	zassert_true(memcmp(lonely_wanted[0], lonely_wanted[1], sizeof(lonely_wanted[0])) != 0);
}

/* Whatever moment a call gives up, the next one works and has its own result. */
ZTEST(api, test_timeouts_at_every_moment)
{
	int16_t mine[LONELY_OUTPUTS];
	int late = 0;
	int in_time = 0;

	start_lonely();
	for (int us = 0; us < 80000; us += us < 3000 ? 100 * COARSE : 1100 * COARSE) {
		int8_t input[LONELY_INPUTS];
		int ret;

		memcpy(input, lonely_inputs[0], sizeof(input));
		ret = cats_infer(&four_node, input, mine, ARRAY_SIZE(mine), NULL, K_USEC(us));
		/* From here on the buffer is ours. */
		memset(input, 0x55, sizeof(input));
		zassert_true(ret == 0 || ret == -ETIMEDOUT, "%d after %d us", ret, us);
		late += ret != 0;
		in_time += ret == 0;
		ret = cats_infer(&four_node, lonely_inputs[1], mine, ARRAY_SIZE(mine), NULL,
				 K_SECONDS(100));
		zassert_ok(ret, "%d", ret);
		zassert_mem_equal(mine, lonely_wanted[1], sizeof(mine), "after %d us", us);
	}
	if (IS_ENABLED(CONFIG_ARCH_POSIX)) {
		zassert_true(late > 10 && in_time > 10, "%d late, %d in time", late, in_time);
	}
}

static struct cats_result told;
static atomic_t calls;

static void on_result(const struct cats_result *result, void *user)
{
	zassert_equal_ptr(user, &told);
	zassert_equal(cats_result_missing(result), 0);
	zassert_equal(cats_result_class(result, 0) >= 0, true);
	told = *result;
	memcpy(output, result->output, sizeof(output));
	atomic_inc(&calls);
}

ZTEST(api, test_callback)
{
	atomic_clear(&calls);
	cats_on_result(&node, on_result, &told);
	start();
	zassert_ok(cats_submit(&node, sample(1), K_NO_WAIT));
	/* The next is taken when the first was told. */
	zassert_ok(cats_submit(&node, sample(2), K_SECONDS(10)));
	zassert_equal(atomic_get(&calls), 1);
	zassert_ok(cats_wait(&node, NULL, 0, NULL, K_SECONDS(10)));
	k_sleep(K_MSEC(1));
	zassert_equal(atomic_get(&calls), 2);
	zassert_mem_equal(output, golden_outputs[2], sizeof(output));
	zassert_equal(told.inference, 1);
	cats_on_result(&node, NULL, NULL);
	zassert_ok(cats_infer(&node, NULL, NULL, 0, NULL, K_SECONDS(10)));
	zassert_equal(atomic_get(&calls), 2);
}

#define THREADS 3
#define ROUNDS 8
static K_THREAD_STACK_ARRAY_DEFINE(stacks, THREADS, 2048 + CONFIG_TEST_EXTRA_STACK_SIZE);
static struct k_thread threads[THREADS];
static atomic_t right;
static atomic_t shut;

/* Infer until stopped, or for some rounds. */
static void infer_thread(void *p1, void *p2, void *p3)
{
	int me = (int)(intptr_t)p1;
	int rounds = (int)(intptr_t)p2;
	int16_t mine[LONELY_OUTPUTS];

	ARG_UNUSED(p3);
	for (int i = 0; i < rounds; i++) {
		int which = (me + i) % 2;
		int ret = cats_infer(&four_node, lonely_inputs[which], mine, ARRAY_SIZE(mine), NULL,
				     K_SECONDS(1000));

		if (ret == -ESHUTDOWN || ret == -ENOTCONN) {
			atomic_inc(&shut);
			return;
		}
		zassert_ok(ret, "thread %d, round %d: %d", me, i, ret);
		if (memcmp(mine, lonely_wanted[which], sizeof(mine)) == 0) {
			atomic_inc(&right);
		}
	}
}

static void spawn(int rounds)
{
	atomic_clear(&right);
	atomic_clear(&shut);
	for (int t = 0; t < THREADS; t++) {
		k_thread_create(&threads[t], stacks[t], K_THREAD_STACK_SIZEOF(stacks[t]),
				infer_thread, (void *)(intptr_t)t, (void *)(intptr_t)rounds, NULL,
				K_PRIO_PREEMPT(2 + 5 * t), 0, K_NO_WAIT);
	}
}

static void join(void)
{
	for (int t = 0; t < THREADS; t++) {
		zassert_ok(k_thread_join(&threads[t], K_SECONDS(2000)));
	}
}

/* Each gets the result of its own input. */
ZTEST(api, test_several_threads)
{
	start_lonely();
	spawn(ROUNDS);
	join();
	zassert_equal(atomic_get(&right), THREADS * ROUNDS);
	zassert_equal(atomic_get(&shut), 0);
}

/* Stopped in the middle, again and again: all who wait are told, and it starts again. */
ZTEST(api, test_stop_while_others_wait)
{
	for (int i = 0; i < 20; i += COARSE) {
		start_lonely();
		spawn(INT32_MAX);
		k_sleep(K_USEC(3700 * i));
		zassert_ok(cats_stop(&four_node));
		join();
		zassert_equal(atomic_get(&shut), THREADS);
	}
	zassert_equal(cats_stop(&four_node), -EALREADY);
	start_lonely();
}

/* What a transport answers is counted or handed on, and never hangs an inference. */
ZTEST(api, test_transport_fails)
{
	struct cats_result result;
	struct cats_stats stats;

	attach_answer = -EIO;
	zassert_equal(cats_start(&fake_node, four[0].data, four[0].size), -EIO);
	zassert_is_null(cats_running(&fake_node));
	attach_answer = 0;
	zassert_ok(cats_start(&fake_node, four[0].data, four[0].size));
	zassert_not_null(port);

	for (send_answer = -ENOBUFS; send_answer <= 1;
	     send_answer = send_answer < 0 ? 0 : send_answer + 1) {
		cats_stats(&fake_node, &stats);
		sends = stats.glue.send_failed;
		zassert_ok(cats_infer(&fake_node, NULL, NULL, 0, &result, K_SECONDS(100)),
			   "answer %d", send_answer);
		zassert_equal(result.silent, 0xe);
		zassert_equal(result.lost, result.fragments);
		cats_stats(&fake_node, &stats);
		zassert_equal(stats.glue.send_failed != 0, true);
	}
	zassert_ok(cats_stop(&fake_node));
	zassert_is_null(port);
}

/* Any bytes may come from the air. */
ZTEST(api, test_garbage_from_the_air)
{
	uint32_t random = 1;
	struct cats_stats stats;
	uint32_t rejected = 0;
	uint8_t frame[300];

	zassert_ok(cats_start(&fake_node, four[1].data, four[1].size));
	for (int i = 0; i < 2000; i++) {
		uint16_t size;

		random = random * 1664525u + 1013904223u;
		size = (random >> 16) % sizeof(frame);
		for (uint16_t b = 0; b < size; b++) {
			random = random * 1664525u + 1013904223u;
			frame[b] = random >> 24;
		}
		port->received(port, frame, size, fake_now());
	}
	cats_stats(&fake_node, &stats);
	for (int r = 0; r < CATS_REJECT_REASONS; r++) {
		rejected += stats.node.rejected[r];
	}
	zassert_equal(rejected, 2000);
	zassert_ok(cats_infer(&fake_node, NULL, NULL, 0, NULL, K_SECONDS(100)));
}

ZTEST(api, test_loss_arguments)
{
	uint32_t seed;
	uint32_t ppm;

	zassert_equal(cats_loss(&node, -2, 0), -EINVAL);
	zassert_equal(cats_loss(&node, CATS_MAX_NODES, 0), -EINVAL);
	zassert_equal(cats_loss(&node, 0, 1000001), -EINVAL);
	zassert_ok(cats_loss(&node, 15, 1000000));
	cats_loss_get(&node, 15, &seed, &ppm);
	zassert_equal(ppm, 1000000);
	zassert_ok(cats_loss(&node, CATS_NODE_ANY, 0));
	cats_loss_get(&node, 15, &seed, &ppm);
	zassert_equal(ppm, 0);
	zassert_equal(seed, 0);
}

ZTEST(api, test_result_helpers)
{
	static const int16_t values[] = {3,
					 9,
					 CATS_OUTPUT_MISSING,
					 9,
					 CATS_OUTPUT_MISSING,
					 CATS_OUTPUT_MISSING,
					 CATS_OUTPUT_MISSING,
					 CATS_OUTPUT_MISSING,
					 CATS_OUTPUT_MISSING,
					 -32767,
					 -5,
					 CATS_OUTPUT_MISSING};
	const struct cats_result result = {.output = values, .rows = 3, .columns = 4};

	zassert_equal(cats_result_class(&result, 0), 1);
	zassert_equal(cats_result_class(&result, 1), -ENODATA);
	zassert_equal(cats_result_class(&result, 2), 2);
	zassert_equal(cats_result_missing(&result), 7);
}

ZTEST_SUITE(api, NULL, NULL, NULL, after, NULL);
