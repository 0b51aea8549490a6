/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats selftest */

#include <errno.h>

#include <zephyr/shell/shell.h>

#include <cats/cats.h>
#include <cats/selftest.h>

#include "shell_internal.h"

static int check_golden(const struct shell *sh, const struct cats_instance *instance)
{
	struct cats_golden_failure failure;
	int failed = 0;

	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		int ret =
			cats_golden_check(golden, instance->arena, instance->arena_size, &failure);

		switch (ret) {
		case 0:
			shell_print(sh, "%s: %u nodes, %u runs: every byte is right", golden->name,
				    golden->nodes, golden->run_count);
			break;
		case -ENOMEM:
			shell_warn(sh, "%s: skipped, needs %zu bytes and the arena has %zu",
				   golden->name, cats_golden_scratch(golden), instance->arena_size);
			break;
		case -EILSEQ:
			shell_error(sh, "%s: run %s: an output of node %u is wrong", golden->name,
				    failure.run, failure.node);
			failed = ret;
			break;
		default:
			shell_error(sh, "%s: image of node %u: %s", golden->name, failure.node,
				    cats_image_strerror(failure.reason));
			failed = ret;
			break;
		}
	}
	return failed;
}

static int time_steps(const struct shell *sh, const struct cats_instance *instance,
		      const struct cats_image *image)
{
	struct cats_step_times times;
	int ret = cats_time_steps(image, instance->arena, instance->arena_size, &times);

	if (ret != 0) {
		return ret;
	}
	shell_print(sh, "%-10s %9s %12s %12s", "step", "exchanges", "produce us", "consume us");
	for (unsigned int k = 0; k < CATS_GATHER_KINDS; k++) {
		if (times.exchanges[k] != 0) {
			shell_print(sh, "%-10s %9u %12u %12u", cats_gather_name(k),
				    times.exchanges[k], times.produce_ns[k] / 1000,
				    times.consume_ns[k] / 1000);
		}
	}
	shell_print(sh, "computing of one inference: %u us", times.total_ns / 1000);
	return 0;
}

static int cmd_selftest(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	struct cats_image image = {0};
	bool ran;
	int ret;
	int again;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (instance == NULL) {
		return -ENOENT;
	}
	ran = cats_running(instance) != NULL;
	if (ran) {
		/* The arena is what the test runs in. */
		image = *cats_running(instance);
		(void)cats_stop(instance);
	}
	ret = check_golden(sh, instance);
	if (ran) {
		if (ret == 0) {
			ret = time_steps(sh, instance, &image);
		}
		again = cats_start(instance, image.base, image.header->image_size);
		if (again != 0) {
			shell_error(sh, "%s does not start again (%d)", instance->name, again);
			ret = again;
		}
	}
	if (ret == 0) {
		shell_print(sh, "self test passed");
	} else {
		shell_error(sh, "self test failed");
	}
	return ret;
}

SHELL_SUBCMD_ADD((cats), selftest, NULL,
		 SHELL_HELP("Check the engine against golden answers, time its steps", ""),
		 cmd_selftest, 1, 0);
