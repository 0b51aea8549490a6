/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What may be set on each board: the settings cats/...
 */

#ifndef CATS_STORAGE_SETTINGS_H_
#define CATS_STORAGE_SETTINGS_H_

#include <errno.h>
#include <stddef.h>

/** The setting TREE/NAME. */
struct cats_setting {
	const char *name;
	void *value; /**< changed where it is set */
	size_t size; /**< bytes, in the board's order */
};

#ifdef CONFIG_SETTINGS
/**
 * @brief Read settings from where they are stored.
 *
 * @retval 0 on success, also where none is stored
 * @retval -EINVAL one has another size
 * @return another negative errno value where they cannot be read
 */
int cats_settings(const char *tree, const struct cats_setting *settings, size_t count);
#else
static inline int cats_settings(const char *tree, const struct cats_setting *settings, size_t count)
{
	(void)tree;
	(void)settings;
	(void)count;
	return 0;
}
#endif

#endif /* CATS_STORAGE_SETTINGS_H_ */
