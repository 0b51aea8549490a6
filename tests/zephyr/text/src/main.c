/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Texts, from the application's side. */

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"

#define NODES 4
#define AUTHOR 1 /* another one leads */
#define ALL_LOST 1000000

/* Longer than a node that is new listens. */
#define SETTLED_MS 500
#define LONG K_SECONDS(100)

static const uint16_t prompt[] = {30, 27, 25};

static struct cats_token last[NODES];
static uint32_t count[NODES];
static K_SEM_DEFINE(ended, 0, NODES);

/* Where a callback is to stop: a position in the author's text. */
static bool stops_at_token;
static bool stops_at_result;
static uint32_t stops_at;
static K_SEM_DEFINE(arrived, 0, 1);
static K_SEM_DEFINE(go_on, 0, 1);

static void stop_here(bool *stops)
{
	if (*stops && last[AUTHOR].position == stops_at) {
		*stops = false;
		k_sem_give(&arrived);
		(void)k_sem_take(&go_on, K_FOREVER);
	}
}

static void on_token(const struct cats_token *token, void *user)
{
	const int n = POINTER_TO_INT(user);

	last[n] = *token;
	count[n]++;
	if (n == AUTHOR) {
		stop_here(&stops_at_token);
	}
	if (cats_token_last(token)) {
		k_sem_give(&ended);
	}
}

static void on_result(const struct cats_result *result, void *user)
{
	ARG_UNUSED(result);
	ARG_UNUSED(user);
	stop_here(&stops_at_result);
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	stops_at_token = false;
	stops_at_result = false;
	k_sem_reset(&ended);
	k_sem_reset(&arrived);
	k_sem_reset(&go_on);
	for (int n = 0; n < NODES; n++) {
		count[n] = 0;
		cats_on_token(cats_local(n), on_token, INT_TO_POINTER(n));
		zassert_ok(cats_start(cats_local(n), NULL, 0));
	}
	cats_on_result(cats_local(AUTHOR), on_result, NULL);
	k_msleep(SETTLED_MS);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)cats_loss(cats_local(AUTHOR), CATS_NODE_ANY, 0);
	k_sem_give(&go_on); /* a test that failed */
	for (int n = 0; n < NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
}

static struct cats_generation text(size_t tokens, uint16_t written)
{
	return (struct cats_generation){.prompt = prompt, .count = tokens, .tokens = written};
}

/* Begin one that stops in a callback of the author. */
static void begin(bool *where, uint32_t position, size_t tokens, uint16_t written)
{
	const struct cats_generation generation = text(tokens, written);

	stops_at = position;
	*where = true;
	zassert_ok(cats_generate_begin(cats_local(AUTHOR), &generation));
	zassert_ok(k_sem_take(&arrived, LONG));
}

/* All have heard so many tokens, of which that was the last. */
static void expect_end(uint32_t tokens, uint32_t position)
{
	for (int n = 0; n < NODES; n++) {
		zassert_ok(k_sem_take(&ended, LONG));
	}
	for (int n = 0; n < NODES; n++) {
		zassert_equal(count[n], tokens, "node %d: %u", n, count[n]);
		zassert_equal(last[n].position, position);
		zassert_equal(last[n].token, last[0].token);
		zassert_equal(last[n].own, n == AUTHOR);
	}
}

ZTEST(text, test_all_are_told)
{
	const struct cats_generation generation = text(3, 4);

	for (int i = 1; i <= 2; i++) {
		zassert_ok(cats_generate(cats_local(AUTHOR), &generation, LONG));
		expect_end(7 * i, 6);
	}
}

ZTEST(text, test_errors)
{
	const struct cats_instance *node = cats_local(AUTHOR);
	struct cats_generation generation = text(0, 1);

	zassert_equal(cats_generate(node, &generation, LONG), -EINVAL);
	generation = text(3, 60000);
	zassert_equal(cats_generate_stop(node), -EALREADY);
	zassert_equal(cats_generate(node, &generation, K_SECONDS(1)), -ETIMEDOUT);
	zassert_ok(cats_stop(node));
	zassert_equal(cats_generate(node, &generation, LONG), -ENOTCONN);
	zassert_equal(cats_generate_stop(node), -ENOTCONN);
}

/* A result is told, of which nothing more is done behind the callback. */
ZTEST(text, test_begins_while_a_result_is_told)
{
	const struct cats_generation next = text(2, 2);

	begin(&stops_at_result, 0, 1, 0);
	zassert_ok(cats_generate_begin(cats_local(AUTHOR), &next));
	k_sem_give(&go_on);
	expect_end(1, 0);
	expect_end(5, 3);
}

/* What nodes choose themselves is nobody's input: not for the time being, not for this timeout. */
ZTEST(text, test_inputs_wait_for_no_text)
{
	static const int8_t token[4] = {30};

	begin(&stops_at_token, 3, 3, 9);
	for (int n = 0; n < NODES; n++) {
		const struct cats_instance *node = cats_local(n);

		zassert_equal(cats_infer(node, token, NULL, 0, NULL, LONG), -EBUSY);
		zassert_equal(cats_step(node, token, NULL, 0, NULL, K_NO_WAIT), -EBUSY);
		zassert_equal(cats_submit(node, token, K_NO_WAIT), -EBUSY);
	}
	k_sem_give(&go_on);
	expect_end(12, 11);
	zassert_ok(cats_infer(cats_local(0), token, NULL, 0, NULL, LONG));
}

/* Its prompt is known to the author alone: the others wait for more of it until all is silent. */
ZTEST(text, test_stopped_within_the_prompt)
{
	const struct cats_instance *other = cats_local(AUTHOR + 1);
	const struct cats_generation next = text(2, 2);
	uint32_t silence_us = cats_silence_us(cats_running(other));

	begin(&stops_at_token, 1, 3, 9);
	zassert_ok(cats_generate_stop(cats_local(AUTHOR)));
	k_sem_give(&go_on);
	zassert_equal(cats_generate_begin(other, &next), -EBUSY);
	k_usleep(silence_us + SETTLED_MS * USEC_PER_MSEC);
	zassert_ok(cats_generate(other, &next, LONG));
}

static K_THREAD_STACK_DEFINE(stack, 4096);
static struct k_thread thread;
static int answer;

static void write(void *p1, void *p2, void *p3)
{
	const struct cats_generation generation = text(2, 2);

	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	answer = cats_generate(cats_local(AUTHOR), &generation, LONG);
}

/* The last token that is told meanwhile is of the text before. */
ZTEST(text, test_begins_while_a_token_is_told)
{
	begin(&stops_at_token, 0, 1, 0);
	zassert_equal(cats_generate_stop(cats_local(AUTHOR)), -EALREADY);
	answer = 1;
	k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), write, NULL, NULL, NULL,
			K_PRIO_PREEMPT(0), 0, K_NO_WAIT);
	k_msleep(1);
	zassert_equal(answer, 1);
	k_sem_give(&go_on);
	zassert_ok(k_thread_join(&thread, LONG));
	zassert_ok(answer);
	zassert_equal(count[AUTHOR], 5);
	zassert_equal(last[AUTHOR].position, 3);
}

/* The prompt of one that is stopped is nobody's any more. */
ZTEST(text, test_begins_behind_one_that_is_stopped)
{
	const struct cats_generation next = text(2, 2);

	begin(&stops_at_token, 1, 3, 9);
	zassert_equal(cats_generate_begin(cats_local(AUTHOR), &next), -EBUSY);
	zassert_ok(cats_generate_stop(cats_local(AUTHOR)));
	zassert_ok(cats_generate_begin(cats_local(AUTHOR), &next));
	k_sem_give(&go_on);
	expect_end(6, 3);
}

static void give_up(const struct cats_token *token, void *user)
{
	struct cats_instance_data *data = user;

	if (token->chosen) {
		data->node.texts.has_next = false; /* as where no result was heard */
		(void)cats_loss(cats_local(AUTHOR), CATS_NODE_ANY, ALL_LOST);
	}
}

/* It is not -EBUSY for ever. */
ZTEST(text, test_last_token_is_not_heard)
{
	const struct cats_instance *node = cats_local(AUTHOR);
	const struct cats_generation generation = text(3, 9);

	cats_on_token(node, give_up, node->data);
	zassert_equal(cats_generate(node, &generation, LONG), -ENODATA);
	zassert_ok(cats_generate_begin(node, &generation));
}

ZTEST(text, test_stopped_meanwhile)
{
	answer = 1;
	k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), write, NULL, NULL, NULL,
			K_PRIO_PREEMPT(0), 0, K_NO_WAIT);
	k_msleep(1);
	zassert_ok(cats_stop(cats_local(AUTHOR)));
	zassert_ok(k_thread_join(&thread, LONG));
	zassert_equal(answer, -ESHUTDOWN);
	zassert_ok(cats_start(cats_local(AUTHOR), NULL, 0));
}

/* A step of the shell takes a token and tells the next one, however many outputs there are. */
ZTEST(text, test_shell)
{
	const struct cats_generation generation = text(1, 1);
	char line[40];

	zassert_ok(cats_generate(cats_local(AUTHOR), &generation, LONG));
	expect_end(2, 1);
	snprintk(line, sizeof(line), "token %u", last[0].token);
	for (int n = 0; n < NODES; n++) {
		EXPECT(0, "", "cats use %d", n);
		EXPECT(0, "", "cats step begin");
		EXPECT(0, line, "cats step hex 1e000000");
		EXPECT(0, "position 1 of 256, 2 rows known", "cats step base64 HgAAAA==");
	}
	EXPECT(0, "", "cats step begin");
	EXPECT(0, "65 outputs are not shown: raise CONFIG_CATS", "cats step zeros");
	EXPECT(-EINVAL, "1 bytes given, a step takes a token: 4 bytes", "cats step hex 1e");
	EXPECT(-EINVAL, "token 65: the model has 0 to 64", "cats step hex 41000000");
	EXPECT(-EINVAL, "token 4294967295", "cats step hex ffffffff");
	begin(&stops_at_token, 0, 1, 9);
	EXPECT(-EBUSY, "a text is being written", "cats step zeros");
	k_sem_give(&go_on);
	EXPECT(0, "", "cats use 0");
}

ZTEST_SUITE(text, NULL, wait_for_shell, before, after, NULL);
