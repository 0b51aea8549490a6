/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The shell command cats: its subcommands add themselves, a file for each group. */

#include <errno.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/base64.h>
#include <zephyr/sys/iterable_sections.h>

#include <cats/cats.h>

#include "shell_internal.h"

struct cats_shell_bytes cats_shell_given;
size_t cats_shell_selected;

const struct cats_instance *cats_shell_instance_at(size_t number)
{
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		if (number-- == 0) {
			return instance;
		}
	}
	return NULL;
}

const struct cats_instance *cats_shell_instance(const struct shell *sh)
{
	const struct cats_instance *instance = cats_shell_instance_at(cats_shell_selected);

	if (instance == NULL) {
		shell_error(sh, "this firmware has no instance");
	}
	return instance;
}

const struct cats_image *cats_shell_image(const struct shell *sh)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	const struct cats_image *image;

	if (instance == NULL) {
		return NULL;
	}
	image = cats_running(instance);
	if (image == NULL) {
		int refused = cats_refused(instance);

		shell_error(sh, "%s does not run%s%s", instance->name,
			    refused != CATS_IMAGE_OK ? ", its image was refused: " : ": cats start",
			    refused != CATS_IMAGE_OK ? cats_image_strerror(refused) : "");
	}
	return image;
}

int cats_shell_number(const struct shell *sh, const char *text, unsigned long most,
		      unsigned long *value)
{
	int err = 0;

	*value = shell_strtoul(text, 10, &err);
	if (err != 0 || *value > most) {
		shell_error(sh, "%s: a whole number from 0 to %lu is wanted", text, most);
		return -EINVAL;
	}
	return 0;
}

int cats_shell_add_base64(const struct shell *sh, const char *text)
{
	size_t added;

	if (base64_decode(cats_shell_given.data + cats_shell_given.size,
			  sizeof(cats_shell_given.data) - cats_shell_given.size, &added, text,
			  strlen(text)) != 0) {
		shell_error(sh, "base64 is wanted, at most %zu bytes in all",
			    sizeof(cats_shell_given.data));
		return -EINVAL;
	}
	cats_shell_given.size += added;
	return 0;
}

SHELL_SUBCMD_SET_CREATE(cats_commands, (cats));
SHELL_CMD_REGISTER(cats, &cats_commands, "One transformer on several nodes", NULL);
