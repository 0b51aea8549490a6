/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Settings of the radio and of sealed frames, stored before the node starts. */

#include <zephyr/init.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/util.h>

#include "bs_types.h"
#include "bs_tracing.h"
#include "bsim_args_runner.h"
#include "posix_native_task.h"

#include "host.h"

static unsigned int channel;
static unsigned int power;
static unsigned int numbers;

static void add_options(void)
{
	static bs_args_struct_t table[] = {
		{false, false, false, "channel", "number", 'u', &channel, NULL,
		 "The setting cats/radio/channel (default: none)"},
		{false, false, false, "bad_power", "bytes", 'u', &power, NULL,
		 "The setting cats/radio/power, so many zeros (default: none)"},
		{false, false, false, "numbers", "0|1", 'u', &numbers, NULL,
		 "Whether it sealed frames before, as many as the others (default 1)"},
		ARG_TABLE_ENDMARKER,
	};

	bs_add_extra_dynargs(table);
}

NATIVE_TASK(add_options, PRE_BOOT_1, 111);

static int store(void)
{
	const uint8_t zeros[8] = {0};
	/* The last one that may be in use, and the newest one heard: struct stored_numbers. */
	const uint8_t used[10] = {[3] = 1, [8] = 1};
	uint16_t value = (uint16_t)channel;
	int ret = settings_subsys_init();

	if (ret == 0 && channel != UINT32_MAX) {
		ret = settings_save_one("cats/radio/channel", &value, sizeof(value));
	}
	if (ret == 0 && power != UINT32_MAX) {
		ret = settings_save_one("cats/radio/power", zeros, MIN(power, sizeof(zeros)));
	}
	if (ret == 0 && IS_ENABLED(CONFIG_CATS_SECURE) && numbers != 0) {
		ret = settings_save_one("cats/secure/numbers", used, sizeof(used));
	}
	if (ret != 0) {
		bs_trace_error("settings cannot be stored: %d\n", ret);
	}
	return ret;
}

SYS_INIT(store, APPLICATION, 99);

static unsigned int writes;

unsigned int stored_writes(void)
{
	return writes;
}

__typeof__(settings_save_one) __real_settings_save_one;

int __wrap_settings_save_one(const char *name, const void *value, size_t size)
{
	writes++;
	return __real_settings_save_one(name, value, size);
}
