/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A board gets its group and the settings of its radio over the shell. */

#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

/* Run a command line; its output, and its return value in *ret. */
static const char *run(int *ret, const char *line)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();
	size_t size;

	shell_backend_dummy_clear_output(sh);
	*ret = shell_execute_cmd(sh, line);
	return shell_backend_dummy_get_output(sh, &size);
}

#define EXPECT(value, text, line)                                                                  \
	do {                                                                                       \
		int ret_;                                                                          \
		const char *said_ = run(&ret_, line);                                              \
                                                                                                   \
		zassert_equal(ret_, value, "returned %d and said: %s", ret_, said_);               \
		zassert_not_null(strstr(said_, text), "no \"%s\" in: %s", text, said_);            \
	} while (false)

static void *setup(void)
{
	WAIT_FOR(shell_ready(shell_backend_dummy_get_ptr()), 20000, k_msleep(1));
	return NULL;
}

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

ZTEST_SUITE(settings, NULL, setup, NULL, after, NULL);
