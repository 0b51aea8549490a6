/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The command `story`. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "story.h"

/* How the next stories are told; `story set`. */
static struct cats_sampling how = {.temperature = 800, .top_k = 20};
static uint16_t length = CONFIG_STORY_TOKENS;
static unsigned long instance;

static int answer(const struct shell *sh, int ret)
{
	switch (ret) {
	case 0:
		break;
	case -ENOSPC:
		shell_error(sh, "too long: raise CONFIG_STORY_PROMPT_TOKENS (%d)",
			    CONFIG_STORY_PROMPT_TOKENS);
		break;
	case -EINVAL:
		shell_error(sh, "the model has no tokens for this prompt");
		break;
	case -EBUSY:
		shell_error(sh, "another story is being told");
		break;
	case -ENOTSUP:
		shell_error(sh, "the deployment is of no language model");
		break;
	default:
		shell_error(sh, "no story (%d)", ret);
		break;
	}
	return ret;
}

static int cmd_story(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *node = cats_local((unsigned int)instance);
	char prompt[CONFIG_SHELL_CMD_BUFF_SIZE];
	size_t size = 0;

	for (size_t i = 1; i < argc; i++) {
		size += snprintf(prompt + size, sizeof(prompt) - size, i > 1 ? " %s" : "%s",
				 argv[i]);
	}
	if (node == NULL) {
		shell_error(sh, "instance %lu is not here", instance);
		return -ENOENT;
	}
	how.seed++;
	return answer(sh, story_tell(node, prompt, length, &how));
}

static int cmd_set(const struct shell *sh, size_t argc, char **argv)
{
	const char *const names[] = {"temperature", "top_k", "seed", "tokens", "instance"};
	const unsigned long most[] = {UINT16_MAX, UINT8_MAX, UINT32_MAX, UINT16_MAX,
				      CATS_MAX_NODES - 1};
	int err = 0;
	unsigned long value = shell_strtoul(argv[2], 10, &err);
	size_t which = 0;

	ARG_UNUSED(argc);
	while (which < ARRAY_SIZE(names) && strcmp(names[which], argv[1]) != 0) {
		which++;
	}
	if (which == ARRAY_SIZE(names) || err != 0 || value > most[which]) {
		shell_error(sh, "temperature (thousandths), top_k, seed, tokens or instance, and a "
				"number");
		return -EINVAL;
	}
	switch (which) {
	case 0:
		how.temperature = (uint16_t)value;
		break;
	case 1:
		how.top_k = (uint8_t)value;
		break;
	case 2:
		how.seed = (uint32_t)value - 1u; /* of the next story */
		break;
	case 3:
		length = (uint16_t)value;
		break;
	default:
		instance = value;
		break;
	}
	return 0;
}

SHELL_CMD_ARG_REGISTER(story, NULL,
		       SHELL_HELP("Have the nodes tell a story that begins with these words",
				  "<words>"),
		       cmd_story, 2, SHELL_OPT_ARG_CHECK_SKIP);
SHELL_CMD_ARG_REGISTER(story_set, NULL,
		       SHELL_HELP("How: temperature (thousandths), top_k, seed, tokens, instance",
				  "<name> <number>"),
		       cmd_set, 3, 0);
