/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats key */

#include <errno.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/secure.h>

#include "engine/crc32.h"
#include "shell_internal.h"

static int cmd_key(const struct shell *sh, size_t argc, char **argv)
{
	struct cats_key_info info;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	cats_key_info(&info);
	if (info.count == 0) {
		shell_print(sh, "no key: cats key set");
	}
	for (uint8_t k = 0; k < info.count; k++) {
		shell_print(sh, "key %u%s", info.ids[k],
			    info.ids[k] == info.sending ? ", frames are sealed with it" : "");
	}
	return 0;
}

static int key_done(const struct shell *sh, int ret)
{
	switch (ret) {
	case 0:
		break;
	case -ENOENT:
		shell_error(sh, "there is no such key: cats key");
		break;
	case -EBUSY:
		shell_error(sh, "frames are sealed with it: cats key use another");
		break;
	default:
		shell_error(sh, "the settings or the crypto library fail (%d)", ret);
		break;
	}
	return ret;
}

#define DIGITS (2 * CATS_KEY_SIZE)
#define CHECK_SIZE sizeof(uint32_t)

/* The key that is being typed. It is read beside the shell, so that it is neither echoed nor in the
 * history of commands. A program that types it puts its CRC-32 behind it: nobody sees a digit that
 * the line damages, and frames would be lost for no reason that is told.
 */
static struct {
	uint8_t id;
	size_t length;
	char digits[DIGITS + 2 * CHECK_SIZE];
} typed;

static int keep_typed(const struct shell *sh)
{
	uint8_t bytes[CATS_KEY_SIZE + CHECK_SIZE];
	int ret;

	if ((typed.length != DIGITS && typed.length != sizeof(typed.digits)) ||
	    hex2bin(typed.digits, typed.length, bytes, sizeof(bytes)) != typed.length / 2) {
		shell_error(sh, "a key has %d hexadecimal digits", DIGITS);
		return -EINVAL;
	}
	if (typed.length > DIGITS &&
	    sys_get_be32(bytes + CATS_KEY_SIZE) != cats_crc32(bytes, CATS_KEY_SIZE)) {
		shell_error(sh, "the key is not what its CRC-32 says: send it again");
		memset(bytes, 0, sizeof(bytes));
		return -EINVAL;
	}
	ret = key_done(sh, cats_key_set(typed.id, bytes));
	memset(bytes, 0, sizeof(bytes));
	if (ret == 0) {
		shell_print(sh, "key %u is kept", typed.id);
	}
	return ret;
}

static void type_key(const struct shell *sh, uint8_t *data, size_t size)
{
	const char interrupt = 0x03;

	for (size_t i = 0; i < size; i++) {
		const char c = (char)data[i];
		const bool end = c == '\r' || c == '\n';

		if (end && typed.length == 0) {
			continue; /* of the line before */
		}
		if (end || c == interrupt) {
			if (end) {
				(void)keep_typed(sh);
			}
			memset(&typed, 0, sizeof(typed));
			shell_set_bypass(sh, NULL);
			return;
		}
		if (typed.length < sizeof(typed.digits)) {
			typed.digits[typed.length] = c;
		}
		typed.length++;
	}
}

static int cmd_key_set(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long id;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	memset(&typed, 0, sizeof(typed));
	typed.id = (uint8_t)id;
	shell_print(sh, "%d hexadecimal digits, which are not shown:", DIGITS);
	shell_set_bypass(sh, type_key);
	return 0;
}

static int cmd_key_use(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long id;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	return key_done(sh, cats_key_use((uint8_t)id));
}

static int cmd_key_forget(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long id;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	return key_done(sh, cats_key_forget((uint8_t)id));
}

SHELL_STATIC_SUBCMD_SET_CREATE(
	key_commands,
	SHELL_CMD_ARG(set, NULL, SHELL_HELP("Keep a group key, which is asked for", "<number>"),
		      cmd_key_set, 2, 0),
	SHELL_CMD_ARG(use, NULL, SHELL_HELP("Seal frames with a key", "<number>"), cmd_key_use, 2,
		      0),
	SHELL_CMD_ARG(forget, NULL, SHELL_HELP("Forget a key", "<number>"), cmd_key_forget, 2, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), key, &key_commands, SHELL_HELP("Show the numbers of the group keys", ""),
		 cmd_key, 1, 0);
