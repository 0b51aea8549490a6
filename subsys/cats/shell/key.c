/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats key */

#include <errno.h>
#include <string.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/secure.h>

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

static int cmd_key_set(const struct shell *sh, size_t argc, char **argv)
{
	uint8_t key[CATS_KEY_SIZE];
	unsigned long id;
	int ret;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	if (strlen(argv[2]) != 2 * sizeof(key) ||
	    hex2bin(argv[2], strlen(argv[2]), key, sizeof(key)) != sizeof(key)) {
		shell_error(sh, "a key has %zu hexadecimal digits", 2 * sizeof(key));
		return -EINVAL;
	}
	ret = cats_key_set((uint8_t)id, key);
	memset(key, 0, sizeof(key));
	return key_done(sh, ret);
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
	SHELL_CMD_ARG(set, NULL, SHELL_HELP("Keep a group key", "<number> <32 digits>"),
		      cmd_key_set, 3, 0),
	SHELL_CMD_ARG(use, NULL, SHELL_HELP("Seal frames with a key", "<number>"), cmd_key_use, 2,
		      0),
	SHELL_CMD_ARG(forget, NULL, SHELL_HELP("Forget a key", "<number>"), cmd_key_forget, 2, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), key, &key_commands, SHELL_HELP("Show the numbers of the group keys", ""),
		 cmd_key, 1, 0);
