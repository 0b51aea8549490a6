/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include <zephyr/logging/log.h>
#include <zephyr/settings/settings.h>

#include "settings.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

struct wanted {
	const char *tree;
	const struct cats_setting *settings;
	size_t count;
	int error;
};

static int load_one(const char *key, size_t size, settings_read_cb read, void *from, void *param)
{
	struct wanted *wanted = param;

	for (size_t i = 0; key != NULL && i < wanted->count; i++) {
		const struct cats_setting *setting = &wanted->settings[i];

		if (strcmp(key, setting->name) != 0) {
			continue;
		}
		if (size != setting->size ||
		    read(from, setting->value, size) != (ssize_t)setting->size) {
			LOG_ERR("setting %s/%s: %u bytes, not %u", wanted->tree, key,
				(unsigned int)setting->size, (unsigned int)size);
			wanted->error = -EINVAL;
		}
	}
	return 0;
}

int cats_settings(const char *tree, const struct cats_setting *settings, size_t count)
{
	struct wanted wanted = {tree, settings, count, 0};
	int ret = settings_subsys_init();

	if (ret == 0) {
		ret = settings_load_subtree_direct(tree, load_one, &wanted);
	}
	return ret != 0 ? ret : wanted.error;
}
