/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Every shell command: what it does, and what it says when it cannot. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/sys/base64.h>
#include <zephyr/sys/util.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

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

/* Run a command line; its output, and its return value in *ret. */
static const char *run(int *ret, const char *format, ...)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();
	char line[160];
	size_t size;
	va_list arguments;

	va_start(arguments, format);
	vsnprintk(line, sizeof(line), format, arguments);
	va_end(arguments);
	shell_backend_dummy_clear_output(sh);
	*ret = shell_execute_cmd(sh, line);
	return shell_backend_dummy_get_output(sh, &size);
}

#define EXPECT(value, text, ...)                                                                   \
	do {                                                                                       \
		int ret_;                                                                          \
		const char *said_ = run(&ret_, __VA_ARGS__);                                       \
                                                                                                   \
		zassert_equal(ret_, value, "returned %d and said: %s", ret_, said_);               \
		zassert_not_null(strstr(said_, text), "no \"%s\" in: %s", text, said_);            \
	} while (false)

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

ZTEST(shell, test_info_start_stop)
{
	EXPECT(0, "*0 cats_local_0 on loopback: runs", "cats info");
	EXPECT(0, " 3 cats_local_3 on loopback: runs", "cats info");
	EXPECT(0, "node 2 of 4 in group 0, model", "cats info");
	EXPECT(0, "", "cats use 2");
	EXPECT(0, "*2 cats_local_2", "cats info");
	EXPECT(0, "", "cats stop");
	EXPECT(0, "*2 cats_local_2 on loopback: stopped", "cats info");
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
	EXPECT(-EINVAL, "whole number", "cats loss 1 16");
	EXPECT(-EINVAL, "whole number", "cats loss 1 1 x");
	EXPECT(-EINVAL, "whole number", "cats loss seed x");
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
