/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The command `story`. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
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
	case -ENOTCONN:
		shell_error(sh, "the node does not run: cats use %lu, then cats start", instance);
		break;
	default:
		shell_error(sh, "no story (%d)", ret);
		break;
	}
	return ret;
}

/* Where the text ends that a quote at its begin opens; NULL where that is not the end of all. */
static char *closing(char *text)
{
	char *at = text + 1;

	while (*at != '\0' && *at != text[0]) {
		at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	}
	return at[0] == text[0] && at[1] == '\0' ? at : NULL;
}

/* A text as it was typed, without quotes around all of it. Inside of them \x0a is a byte, and what
 * stands behind another backslash is itself.
 */
static char *unquoted(char *text)
{
	bool quoted = text[0] == '"' || text[0] == '\'';
	char *end = quoted ? closing(text) : NULL;
	char *to = text;

	if (end == NULL) {
		return text;
	}
	for (char *from = text + 1; from < end; from++) {
		uint8_t byte;

		if (from[0] == '\\' && from[1] == 'x' && hex2bin(from + 2, 2, &byte, 1) == 1) {
			*to++ = (char)byte;
			from += 3;
			continue;
		}
		from += from[0] == '\\';
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

/* The rest of the line is one argument, as it was typed: a sentence has more words than a command
 * line may have arguments, and apostrophes.
 */
static int cmd_story(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *node = cats_local((unsigned int)instance);

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		shell_help(sh);
		return SHELL_CMD_HELP_PRINTED;
	}
	if (node == NULL) {
		shell_error(sh, "instance %lu is not here", instance);
		return -ENOENT;
	}
	how.seed++;
	return answer(sh, story_tell(node, unquoted(argv[1]), length, &how));
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
	if (which == 4 && cats_local((unsigned int)value) == NULL) {
		shell_error(sh, "instance %lu is not here", value);
		return -ENOENT;
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
		       cmd_story, 1, SHELL_OPT_ARG_RAW);
SHELL_CMD_ARG_REGISTER(story_set, NULL,
		       SHELL_HELP("How: temperature (thousandths), top_k, seed, tokens, instance",
				  "<name> <number>"),
		       cmd_set, 3, 0);
