/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats loss */

#include <ctype.h>
#include <errno.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "shell_internal.h"

/* "12.5" percent as millionths; false for anything else than 0..100 with up to four decimals. */
static bool parse_percent(const char *text, uint32_t *ppm)
{
	uint32_t value = 0;
	int decimals = -1;

	if (!isdigit((unsigned char)text[0])) {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (*text == '.' && decimals < 0) {
			decimals = 0;
		} else if (isdigit((unsigned char)*text) && decimals < 4 && value <= 1000000) {
			value = value * 10 + (uint32_t)(*text - '0');
			decimals += decimals >= 0;
		} else {
			return false;
		}
	}
	for (int d = MAX(decimals, 0); d < 4; d++) {
		if (value > 1000000) {
			return false;
		}
		value *= 10;
	}
	*ppm = value;
	return value <= 1000000;
}

static void print_loss(const struct shell *sh, const struct cats_instance *instance)
{
	const struct cats_image *image = cats_running(instance);
	uint8_t nodes = image != NULL ? image->header->nodes : CATS_MAX_NODES;
	uint32_t seed = 0;
	uint32_t ppm;

	shell_fprintf(sh, SHELL_NORMAL, "%s: per cent by source", instance->name);
	for (uint8_t s = 0; s < nodes; s++) {
		cats_loss_get(instance, s, &seed, &ppm);
		shell_fprintf(sh, SHELL_NORMAL, " %u.%04u", ppm / 10000, ppm % 10000);
	}
	shell_fprintf(sh, SHELL_NORMAL, ", seed %u\n", seed);
}

/* The most nodes that an image has that runs here; of none as many as there may be. */
static uint8_t most_nodes(void)
{
	uint8_t most = 0;

	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *image = cats_running(instance);

		most = image != NULL ? MAX(most, image->header->nodes) : most;
	}
	return most != 0 ? most : CATS_MAX_NODES;
}

static bool is_here(int node)
{
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *image = cats_running(instance);

		if (image != NULL && image->header->node == node) {
			return true;
		}
	}
	return false;
}

static int cmd_loss(const struct shell *sh, size_t argc, char **argv)
{
	const uint8_t nodes = most_nodes();
	int source = CATS_NODE_ANY;
	int receiver = CATS_NODE_ANY;
	unsigned long value;
	uint32_t ppm = 0;

	if (argc > 1 && !parse_percent(argv[1], &ppm)) {
		shell_error(sh, "%s: per cent from 0 to 100 with up to four decimals are wanted",
			    argv[1]);
		return -EINVAL;
	}
	if (argc > 2) {
		if (cats_shell_number(sh, argv[2], nodes - 1u, &value) != 0) {
			return -EINVAL;
		}
		source = (int)value;
	}
	if (argc > 3) {
		if (cats_shell_number(sh, argv[3], nodes - 1u, &value) != 0) {
			return -EINVAL;
		}
		receiver = (int)value;
		if (!is_here(receiver)) {
			shell_error(sh, "node %d does not run here", receiver);
			return -ENOENT;
		}
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *image = cats_running(instance);

		if (argc > 1 && (receiver == CATS_NODE_ANY ||
				 (image != NULL && image->header->node == receiver))) {
			(void)cats_loss(instance, source, ppm);
		}
		print_loss(sh, instance);
	}
	return 0;
}

static int cmd_loss_seed(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long seed;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT32_MAX, &seed) != 0) {
		return -EINVAL;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		cats_loss_seed(instance, (uint32_t)seed);
	}
	return 0;
}

SHELL_STATIC_SUBCMD_SET_CREATE(loss_commands,
			       SHELL_CMD_ARG(seed, NULL,
					     SHELL_HELP("Set the seed of the losses", "<number>"),
					     cmd_loss_seed, 2, 0),
			       SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), loss, &loss_commands,
		 SHELL_HELP("Show or set the frames dropped on purpose",
			    "[<per cent> [<source> [<receiver>]]]"),
		 cmd_loss, 1, 3);
