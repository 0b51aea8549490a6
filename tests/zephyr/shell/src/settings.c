/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A board gets its group and the settings of its radio over the shell. */

#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)cats_stop(cats_local(0));
	(void)settings_delete("cats/group");
}

ZTEST(settings, test_group)
{
	uint32_t stored = 0;

	zassert_ok(settings_subsys_init());
	EXPECT(0, "group 0\r\n", "cats group");
	EXPECT(0, "", "cats start");
	EXPECT(0, "group a1b2c3d4, from the next cats start on", "cats group a1b2c3d4");
	zassert_equal(settings_load_one("cats/group", &stored, sizeof(stored)), sizeof(stored));
	zassert_equal(stored, 0xa1b2c3d4);
	EXPECT(0, "node 0 of 4 in group 0,", "cats info");
	EXPECT(0, "", "cats stop");
	EXPECT(0, "", "cats start");
	EXPECT(0, "group a1b2c3d4\r\n", "cats group");
	EXPECT(0, "node 0 of 4 in group a1b2c3d4,", "cats info");
	EXPECT(0, "\"group\":\"a1b2c3d4\"", "cats stats json");
}

ZTEST(settings, test_what_is_no_group)
{
	EXPECT(-EINVAL, "at most eight hexadecimal digits", "cats group xyz");
	EXPECT(-EINVAL, "at most eight hexadecimal digits", "cats group 123456789");
	EXPECT(-EINVAL, "at most eight hexadecimal digits", "cats group -1");
	EXPECT(0, "group 0\r\n", "cats group");
}

ZTEST(settings, test_no_radio)
{
	EXPECT(-ENOTSUP, "loopback has no settings", "cats radio");
	EXPECT(-ENOTSUP, "loopback has no settings", "cats radio channel 15");
}

ZTEST_SUITE(settings, NULL, wait_for_shell, NULL, after, NULL);
