/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A board gets its keys over the shell. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"

#define KEY "000102030405060708090a0b0c0d0e0f"

/* Type a key behind "cats key set <number>"; what the shell says to it. */
static const char *type(const char *command, const char *digits)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();
	uint8_t text[80];
	size_t size;
	int ret;

	(void)run(&ret, command);
	zassert_ok(ret, "%s", command);
	zassert_not_null(sh->ctx->bypass);
	shell_backend_dummy_clear_output(sh);
	/* Terminals end a line in three ways, and send it in pieces. */
	size = snprintk(text, sizeof(text), "\n%s", digits);
	sh->ctx->bypass(sh, text, size / 2);
	sh->ctx->bypass(sh, text + size / 2, size - size / 2);
	if (sh->ctx->bypass != NULL) {
		sh->ctx->bypass(sh, "\r", 1);
	}
	zassert_is_null(sh->ctx->bypass);
	return shell_backend_dummy_get_output(sh, &size);
}

#define TYPED(text, command, digits)                                                               \
	do {                                                                                       \
		const char *said_ = type(command, digits);                                         \
                                                                                                   \
		zassert_not_null(strstr(said_, text), "no \"%s\" in: %s", text, said_);            \
	} while (false)

static void before(void *fixture)
{
	struct cats_key_info info;

	ARG_UNUSED(fixture);
	cats_key_info(&info);
	for (uint8_t k = 0; k < info.count; k++) {
		if (info.ids[k] != info.sending) {
			zassert_ok(cats_key_forget(info.ids[k]));
		}
	}
	(void)cats_key_forget(info.sending);
}

ZTEST(shell, test_keys)
{
	EXPECT(0, "no key", "cats key");
	EXPECT(-EACCES, "there is no key", "cats start");
	TYPED("key 3 is kept", "cats key set 3", KEY);
	EXPECT(0, "key 3, frames are sealed with it", "cats key");
	EXPECT(0, "", "cats start");
	EXPECT(0, "refused short 0 plain 0 source 0 key 0 replay 0 forged 0", "cats stats");
	TYPED("key 255 is kept", "cats key set 255", "ffeeddccbbaa99887766554433221100");
	TYPED("key 3 is kept", "cats key set 3", KEY "cecee288");
	EXPECT(0, "key 255", "cats key");
	EXPECT(0, "", "cats key use 255");
	EXPECT(0, "key 255, frames are sealed with it", "cats key");
	EXPECT(-EBUSY, "sealed with it", "cats key forget 255");
	EXPECT(0, "", "cats key forget 3");
	EXPECT(-ENOENT, "no such key", "cats key use 3");
	EXPECT(-ENOENT, "no such key", "cats key forget 3");
	EXPECT(0, "", "cats stop");
	EXPECT(0, "", "cats key forget 255");
	EXPECT(0, "no key", "cats key");
}

ZTEST(shell, test_key_errors)
{
	EXPECT(-EINVAL, "whole number from 0 to 255", "cats key set 256");
	EXPECT(-EINVAL, "", "cats key set 1 " KEY);
	EXPECT(-EINVAL, "whole number", "cats key use x");
	EXPECT(-EINVAL, "whole number", "cats key forget -1");
	TYPED("32 hexadecimal digits", "cats key set 1", "00");
	TYPED("32 hexadecimal digits", "cats key set 1", KEY "00");
	TYPED("32 hexadecimal digits", "cats key set 1", "x00102030405060708090a0b0c0d0e0f");
	TYPED("", "cats key set 1", "0001\x03");
	/* With its CRC-32, as a program types it. */
	TYPED("32 hexadecimal digits", "cats key set 1", KEY "cecee28");
	TYPED("not what its CRC-32 says", "cats key set 1", KEY "cecee289");
	EXPECT(0, "no key", "cats key");
}

ZTEST_SUITE(shell, NULL, wait_for_shell, before, NULL, NULL);
