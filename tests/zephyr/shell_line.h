/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Command lines for the shell of a test, by its dummy backend, and what it says to them.
 */

#ifndef SHELL_LINE_H_
#define SHELL_LINE_H_

#include <stdarg.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/sys/printk.h>
#include <zephyr/ztest.h>

/** @brief Setup of a suite: the shell takes lines. */
static inline void *wait_for_shell(void)
{
	WAIT_FOR(shell_ready(shell_backend_dummy_get_ptr()), 20000, k_msleep(1));
	return NULL;
}

/** @brief Run a command line; its output, and its return value in *ret. */
static inline const char *run(int *ret, const char *format, ...)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();
	char line[160];
	size_t size;
	va_list arguments;

	va_start(arguments, format);
	vsnprintk(line, sizeof(line), format, arguments);
	va_end(arguments);
	shell_backend_dummy_clear_output(sh);
	*ret = shell_execute_cmd(sh, line);
	return shell_backend_dummy_get_output(sh, &size);
}

/** @brief A command line returns @p value and says @p text among other things. */
#define EXPECT(value, text, ...)                                                                   \
	do {                                                                                       \
		int ret_;                                                                          \
		const char *said_ = run(&ret_, __VA_ARGS__);                                       \
                                                                                                   \
		zassert_equal(ret_, value, "returned %d and said: %s", ret_, said_);               \
		zassert_not_null(strstr(said_, text), "no \"%s\" in: %s", text, said_);            \
	} while (false)

#endif /* SHELL_LINE_H_ */
