/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the groups of subcommands of `cats` share.
 */

#ifndef CATS_SHELL_INTERNAL_H_
#define CATS_SHELL_INTERNAL_H_

#include <stddef.h>
#include <stdint.h>

#include <zephyr/shell/shell.h>

#include <cats/cats.h>

/** Bytes given so far: of an input for all nodes, or of an image. */
struct cats_shell_bytes {
	size_t size;
	uint8_t data[CONFIG_CATS_SHELL_INPUT_SIZE];
};

extern struct cats_shell_bytes cats_shell_given;

/** Which instance the commands are about: `cats use`. */
extern size_t cats_shell_selected;

/** @brief The instance of that number, or NULL. */
const struct cats_instance *cats_shell_instance_at(size_t number);

/** @brief The selected instance, or NULL and the reason. */
const struct cats_instance *cats_shell_instance(const struct shell *sh);

/** @brief The selected instance's image, or NULL and the reason. */
const struct cats_image *cats_shell_image(const struct shell *sh);

/**
 * @brief Read a whole number.
 *
 * @retval 0 on success
 * @retval -EINVAL it is none, or larger than @p most; said
 */
int cats_shell_number(const struct shell *sh, const char *text, unsigned long most,
		      unsigned long *value);

/**
 * @brief Append to cats_shell_given.
 *
 * @retval 0 on success
 * @retval -EINVAL it is no base64, or too much; said
 */
int cats_shell_add_base64(const struct shell *sh, const char *text);

#endif /* CATS_SHELL_INTERNAL_H_ */
