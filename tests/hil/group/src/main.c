/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* One node of a deployment, for pytest/test_group.py to drive by its shell, with all the others. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/shell/shell.h>

#include <cats/cats.h>
#include <cats/secure.h>

#include "group.h"
#include "shell_internal.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

#ifndef CONFIG_CATS_IMAGE_APPLICATION
const struct cats_instance *group_node(void)
{
	return cats_local(0);
}
#endif

/* What is submitted when the next inference has ended: at all nodes at the same time, which no
 * tester at several serial ports can do.
 */
static int8_t columns[CONFIG_CATS_SHELL_INPUT_SIZE];
static int sample; /* its number */

enum input_state {
	INPUT_NONE,
	INPUT_LOADED,
	INPUT_SUBMITTED, /* columns and sample do not change until it is told */
};

static atomic_t state = ATOMIC_INIT(INPUT_NONE);

int group_told(bool submitted)
{
	if (!submitted) {
		return SAMPLE_NONE;
	}
	return atomic_cas(&state, INPUT_SUBMITTED, INPUT_NONE) ? sample : SAMPLE_OTHER;
}

/* cats next <number> */
static int cmd_next(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_image *image = cats_running(group_node());
	const struct cats_image_model *m;
	size_t given = cats_shell_given.size;
	unsigned long number;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], INT16_MAX, &number) != 0) {
		return -EINVAL;
	}
	if (image == NULL) {
		shell_error(sh, "%s does not run", group_node()->name);
		return -ENOTCONN;
	}
	m = image->model;
	if (given != (size_t)m->tokens_in * m->inputs) {
		shell_error(sh, "%zu bytes given, the model takes %u x %u", given, m->tokens_in,
			    m->inputs);
		return -EINVAL;
	}
	if (!atomic_cas(&state, INPUT_LOADED, INPUT_NONE) &&
	    atomic_get(&state) == INPUT_SUBMITTED) {
		shell_error(sh, "the one before it is in use");
		return -EBUSY;
	}
	cats_input_own(image, (const int8_t *)cats_shell_given.data, columns);
	sample = (int)number;
	cats_shell_given.size = 0;
	atomic_set(&state, INPUT_LOADED);
	return 0;
}

SHELL_SUBCMD_ADD((cats), next, NULL,
		 SHELL_HELP("Submit what was added when the next inference has ended", "<number>"),
		 cmd_next, 2, 0);

/* A board that has no key yet waits for it. */
static void wait_for_key(void)
{
#ifdef CONFIG_CATS_SECURE
	struct cats_key_info info = {0};

	while (info.count == 0) {
		cats_key_info(&info);
		k_sleep(K_MSEC(100));
	}
#endif
}

int main(void)
{
	const struct cats_instance *node = group_node();
	int ret;

	record_begin(node);
	wait_for_key();
	ret = cats_start(node, NULL, 0);
	if (ret != 0) {
		LOG_ERR("%s does not start: %d", node->name, ret);
		return 0;
	}
	while (true) {
		record_wait();
		if (!atomic_cas(&state, INPUT_LOADED, INPUT_SUBMITTED)) {
			continue;
		}
		ret = cats_submit(node, cats_input_size(cats_running(node)) ? columns : NULL,
				  K_FOREVER);
		if (ret != 0) {
			LOG_ERR("the input is not taken: %d", ret);
			atomic_set(&state, INPUT_NONE);
		}
	}
	return 0;
}
