/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Every shell command: what it does, and what it says when it cannot. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zephyr/sys/base64.h>
#include <zephyr/sys/util.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"
#include "golden.h"

#define BYTES (GOLDEN_TOKENS * GOLDEN_INPUTS)

static const int16_t labels[GOLDEN_SAMPLES] = {3, 1, 4};
static const struct cats_samples samples = {
	.count = GOLDEN_SAMPLES,
	.tokens = GOLDEN_TOKENS,
	.inputs = GOLDEN_INPUTS,
	.data = &golden_inputs[0][0][0],
	.labels = labels,
};

/* "output 1 2 3" of a sample. */
static const char *output_line(const int16_t *values)
{
	static char line[160];
	size_t at = snprintk(line, sizeof(line), "output");

	for (int i = 0; i < GOLDEN_OUTPUTS; i++) {
		at += snprintk(line + at, sizeof(line) - at, " %d", values[i]);
	}
	return line;
}

static int best(const int16_t *values)
{
	int found = 0;

	for (int i = 1; i < GOLDEN_OUTPUTS; i++) {
		found = values[i] > values[found] ? i : found;
	}
	return found;
}

static void *setup(void)
{
	WAIT_FOR(shell_ready(shell_backend_dummy_get_ptr()), 20000, k_msleep(1));
	zassert_true(shell_ready(shell_backend_dummy_get_ptr()));
	return NULL;
}

static void before(void *fixture)
{
	int ret;

	ARG_UNUSED(fixture);
	cats_samples = NULL;
	(void)run(&ret, "cats use 0");
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_start(cats_local(n), NULL, 0));
		cats_loss_seed(cats_local(n), 0);
		(void)cats_loss(cats_local(n), CATS_NODE_ANY, 0);
	}
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
}

ZTEST(shell, test_help)
{
	static const char *const commands[] = {
		"info", "use", "start", "stop", "infer", "stats", "loss", "selftest",
	};
	int ret;
	const char *said = run(&ret, "cats");

	ARRAY_FOR_EACH(commands, c) {
		zassert_not_null(strstr(said, commands[c]), "no %s in: %s", commands[c], said);
	}
	ARRAY_FOR_EACH(commands, c) {
		said = run(&ret, "cats %s --help", commands[c]);
		zassert_equal(ret, SHELL_CMD_HELP_PRINTED, "%s: %d", commands[c], ret);
		zassert_true(strlen(said) > 20, "%s: %s", commands[c], said);
	}
	EXPECT(SHELL_CMD_HELP_PRINTED, "selftest", "cats nothing");
}

static void count_own(const struct cats_result *result, void *user)
{
	*(int *)user += result->submitted;
}

ZTEST(shell, test_input_of_the_application_stays)
{
	int own = 0;

	/* It waits, since the nodes have just begun to listen. */
	cats_on_result(cats_local(0), count_own, &own);
	zassert_ok(cats_submit(cats_local(0), &golden_inputs[0][0][0], K_NO_WAIT));
	EXPECT(0, "class", "cats infer zeros");
	/* The callback comes behind those who wait. */
	(void)WAIT_FOR(own == 2, USEC_PER_SEC, k_msleep(1));
	zassert_equal(own, 2, "%d", own);
	cats_on_result(cats_local(0), NULL, NULL);
	/* And what the command gave to the others is in no later inference. */
	zassert_equal(cats_withdraw(cats_local(1)), -ENOENT);
}

ZTEST(shell, test_info_start_stop)
{
	EXPECT(0, "*0 cats_local_0 on loopback: runs", "cats info");
	EXPECT(0, " 3 cats_local_3 on loopback: runs", "cats info");
	EXPECT(0, "node 2 of 4 in group 0, model", "cats info");
	EXPECT(0, "", "cats use 2");
	EXPECT(0, "*2 cats_local_2", "cats info");
	EXPECT(0, "", "cats stop");
	EXPECT(0, "*2 cats_local_2 on loopback: stopped", "cats info");
	/* What it would start with. */
	EXPECT(0, "node 2 of 4, model", "cats info");
	EXPECT(-EALREADY, "does not run", "cats stop");
	EXPECT(-ENOTCONN, "does not run", "cats infer zeros");
	EXPECT(0, "", "cats start");
	EXPECT(-EALREADY, "runs already", "cats start");
	EXPECT(-ENOENT, "no instance 4", "cats use 4");
	EXPECT(-EINVAL, "whole number", "cats use two");
	EXPECT(-EINVAL, "whole number", "cats use -1");
}

ZTEST(shell, test_refused_image)
{
	static const uint8_t __aligned(8) garbage[64] = "CATS";

	zassert_ok(cats_stop(cats_local(1)));
	zassert_equal(cats_start(cats_local(1), garbage, sizeof(garbage)), -EBADMSG);
	EXPECT(0, "cats_local_1 on loopback: image refused", "cats info");
	EXPECT(0, cats_image_strerror(cats_refused(cats_local(1))), "cats info");
	EXPECT(0, "", "cats use 1");
	EXPECT(-ENOTCONN, "image was refused", "cats infer zeros");
	EXPECT(0, "", "cats start");
	EXPECT(0, "cats_local_1 on loopback: runs", "cats info");
}

ZTEST(shell, test_infer)
{
	char text[2 * BYTES + 1];
	size_t size;
	int ret;
	const char *said;
	char class[16];

	bin2hex((const uint8_t *)golden_inputs[1], BYTES, text, sizeof(text));
	snprintk(class, sizeof(class), "class %d", best(golden_outputs[1]));
	said = run(&ret, "cats infer hex %s", text);
	zassert_ok(ret, "%d: %s", ret, said);
	zassert_not_null(strstr(said, output_line(golden_outputs[1])), "%s", said);
	zassert_not_null(strstr(said, class), "%s", said);
	zassert_not_null(strstr(said, "lost 0 of "), "%s", said);

	/* At another node: the same. */
	EXPECT(0, "", "cats use 3");
	EXPECT(0, output_line(golden_outputs[1]), "cats infer hex %s", text);

	zassert_ok(base64_encode((uint8_t *)text, sizeof(text), &size,
				 (const uint8_t *)golden_inputs[2], BYTES));
	EXPECT(0, output_line(golden_outputs[2]), "cats infer base64 %s", text);

	/* In pieces of a multiple of three bytes; nothing is left of the input before. */
	EXPECT(-EINVAL, "0 bytes given", "cats infer run");
	for (size_t at = 0; at < BYTES; at += 6) {
		zassert_ok(base64_encode((uint8_t *)text, sizeof(text), &size,
					 (const uint8_t *)golden_inputs[0] + at, 6));
		EXPECT(0, "bytes", "cats infer add %s", text);
	}
	EXPECT(0, output_line(golden_outputs[0]), "cats infer run");
	EXPECT(-EINVAL, "0 bytes given", "cats infer run");
	EXPECT(0, "output", "cats infer zeros");
}

ZTEST(shell, test_infer_errors)
{
	EXPECT(-EINVAL, "30", "cats infer hex 00ff");
	EXPECT(-EINVAL, "pairs", "cats infer hex 00f");
	EXPECT(-EINVAL, "pairs", "cats infer hex xy");
	EXPECT(-EINVAL, "base64", "cats infer base64 ====");
	EXPECT(-EINVAL, "at most 32 bytes",
	       "cats infer hex 000000000000000000000000000000000000000000000000000000000000000000");
	EXPECT(-ENOENT, "no samples", "cats infer sample 0");
	cats_samples = &samples;
	EXPECT(0, "label 4", "cats infer sample 2");
	EXPECT(0, output_line(golden_outputs[0]), "cats infer sample 0");
	EXPECT(-EINVAL, "from 0 to 2", "cats infer sample 3");
	EXPECT(-EINVAL, "whole number", "cats infer sample one");
}

ZTEST(shell, test_stats)
{
	int ret;
	const char *said;

	EXPECT(0, "cats_local_0: 0 inferences", "cats stats");
	EXPECT(0, "output", "cats infer zeros");
	said = run(&ret, "cats stats");
	zassert_not_null(strstr(said, "cats_local_0: 1 inferences"), "%s", said);
	zassert_not_null(strstr(said, "attention"), "%s", said);
	zassert_not_null(strstr(said, "rejected short 0"), "%s", said);
	zassert_not_null(strstr(said, "microjoules"), "%s", said);
	zassert_is_null(strstr(said, " 0 us listening"), "%s", said);
	zassert_not_null(strstr(said, "microamperes on average"), "%s", said);
}

/* The number behind a name in a line of JSON; the first of a list. */
static long value_of(const char *said, const char *name)
{
	char wanted[32];
	const char *at;

	snprintk(wanted, sizeof(wanted), "\"%s\":", name);
	at = strstr(said, wanted);
	zassert_not_null(at, "no %s in %s", wanted, said);
	at += strlen(wanted);
	return strtol(*at == '[' ? at + 1 : at, NULL, 10);
}

ZTEST(shell, test_stats_json)
{
	int ret;
	const char *said;

	said = run(&ret, "cats stats json");
	zassert_ok(ret);
	zassert_is_null(strstr(said, "\"last\""), "%s", said);
	EXPECT(0, "", "cats loss 100 1");
	EXPECT(0, "output", "cats infer zeros");
	said = run(&ret, "cats stats json");
	zassert_ok(ret);
	zassert_equal(value_of(said, "inferences"), 1, "%s", said);
	zassert_equal(value_of(said, "nodes"), GOLDEN_NODES, "%s", said);
	zassert_not_null(strstr(said, "\"runs\":true"), "%s", said);
	/* The loopback's receiver is always on. */
	zassert_true(value_of(said, "average_ua") >= CONFIG_CATS_ENERGY_RECEIVE_UA * 9 / 10, "%s",
		     said);
	zassert_true(value_of(said, "elapsed_ms") >= value_of(said, "between_on_ms"), "%s", said);
	zassert_equal(value_of(said, "sleep_ms"), 0, "%s", said);
	/* Node 0 of itself, of node 1, which it does not hear, and of node 2. */
	zassert_not_null(strstr(said, "\"link_lost\":[0,"), "%s", said);
	zassert_equal(strtol(strstr(said, "\"link_lost\":[0,") + 15, NULL, 10),
		      strtol(strstr(said, "\"link_fragments\":[0,") + 20, NULL, 10), "%s", said);
	zassert_equal(value_of(said, "silent"), 2, "%s", said);
	zassert_true(value_of(said, "latency_us") > 0, "%s", said);
	zassert_equal(value_of(strstr(said, "\"last\""), "lost"), value_of(said, "lost"), "%s",
		      said);
	/* A line for each node of the firmware. */
	zassert_not_null(strstr(said, "\n{\"instance\":\"cats_local_1\""), "%s", said);
	zassert_ok(cats_stop(cats_local(3)));
	EXPECT(0, "\"instance\":\"cats_local_3\",\"transport\":\"loopback\"", "cats stats json");
	EXPECT(0, "\"runs\":false}", "cats stats json");
}

/* The application's own callback still hears of every exchange. */
static void count_exchanges(void *user, uint16_t inference, struct cats_exchange x,
			    const struct cats_availability *available)
{
	ARG_UNUSED(inference);
	ARG_UNUSED(x);
	ARG_UNUSED(available);
	(*(uint32_t *)user)++;
}

ZTEST(shell, test_links_beside_the_application)
{
	struct cats_stats stats;
	uint32_t exchanges = 0;
	uint32_t fragments = 0;
	uint32_t lost = 0;
	uint32_t heard = 0;

	EXPECT(0, "", "cats loss 30");
	cats_on_available(cats_local(0), count_exchanges, &exchanges);
	EXPECT(0, "output", "cats infer zeros");
	cats_on_available(cats_local(0), NULL, NULL);
	zassert_equal(exchanges, cats_exchange_count(cats_running(cats_local(0))));
	cats_stats(cats_local(0), &stats);
	for (int s = 0; s < GOLDEN_NODES; s++) {
		fragments += stats.links.fragments[s];
		lost += stats.links.lost[s];
		heard += stats.links.heard[s];
	}
	zassert_equal(fragments, stats.links.last.fragments);
	zassert_equal(lost, stats.links.last.lost);
	zassert_true(heard > 0 && heard <= fragments - lost, "%u of %u", heard, fragments);
	EXPECT(0, "from    frames     heard      %   dBm", "cats links");
	zassert_true(lost > 0 && lost < fragments, "%u of %u", lost, fragments);
}

ZTEST(shell, test_loss)
{
	char line[200];
	int ret;
	const char *said;

	cats_samples = &samples;
	EXPECT(0, "0.0000 0.0000 0.0000 0.0000, seed 0", "cats loss");
	EXPECT(0, "cats_local_3: per cent by source 12.5000 12.5000 12.5000 12.5000",
	       "cats loss 12.5");
	EXPECT(0, "0.0000", "cats loss 0");
	EXPECT(0, "cats_local_3: per cent by source 0.0000 30.0000 0.0000", "cats loss 30 1");
	EXPECT(0, "cats_local_2: per cent by source 0.0000 30.0000 1.0001 0.0000",
	       "cats loss 1.0001 2 2");
	EXPECT(0, "cats_local_3: per cent by source 0.0000 30.0000 0.0000 0.0000", "cats loss");
	EXPECT(0, "", "cats loss seed 7");
	EXPECT(0, "seed 7", "cats loss");

	/* The case of the golden losses. */
	EXPECT(0, "", "cats loss 0");
	for (int s = 1; s < GOLDEN_NODES; s++) {
		EXPECT(0, "30.0000", "cats loss 30 %d", s);
	}
	zassert_equal(golden_losses[1][0], 7);
	zassert_equal(golden_losses[1][2], 300000);
	strcpy(line, output_line(golden_lossy[1][0][0]));
	said = run(&ret, "cats infer sample 0");
	zassert_not_null(strstr(said, line), "no %s in %s", line, said);
	zassert_is_null(strstr(said, "lost 0 of"), "%s", said);

	EXPECT(-EINVAL, "per cent", "cats loss 101");
	EXPECT(-EINVAL, "per cent", "cats loss 100.0001");
	EXPECT(-EINVAL, "per cent", "cats loss 1.00001");
	EXPECT(-EINVAL, "per cent", "cats loss -1");
	EXPECT(-EINVAL, "per cent", "cats loss x");
	EXPECT(-EINVAL, "per cent", "cats loss 1.2.3");
	EXPECT(-EINVAL, "per cent", "cats loss 99999999999999999999");
	EXPECT(-EINVAL, "whole number from 0 to 3", "cats loss 1 4");
	EXPECT(-EINVAL, "whole number from 0 to 3", "cats loss 1 2 4");
	EXPECT(-EINVAL, "whole number", "cats loss 1 1 x");
	EXPECT(-EINVAL, "whole number", "cats loss seed x");
	EXPECT(0, "30.0000", "cats loss");

	/* And a receiver must be here. */
	EXPECT(0, "", "cats use 2");
	EXPECT(0, "", "cats stop");
	EXPECT(-ENOENT, "node 2 does not run here", "cats loss 1 1 2");
	EXPECT(0, "30.0000", "cats loss");
}

ZTEST(shell, test_selftest)
{
	/* The arena of this small model is too small for the golden case. */
	EXPECT(0, "skipped", "cats selftest");
	EXPECT(0, "computing of one inference", "cats selftest");
	EXPECT(0, "self test passed", "cats selftest");
	EXPECT(0, "*0 cats_local_0 on loopback: runs", "cats info");
	EXPECT(0, "output", "cats infer zeros");
}

ZTEST_SUITE(shell, NULL, setup, before, after, NULL);
