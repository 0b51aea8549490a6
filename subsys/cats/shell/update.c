/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats update */

#include <errno.h>

#include <zephyr/shell/shell.h>

#include <cats/image.h>
#include <cats/update.h>

#include "shell_internal.h"

static int cmd_update_begin(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long size;
	int ret;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT32_MAX, &size) != 0) {
		return -EINVAL;
	}
	ret = cats_update_begin(size);
	switch (ret) {
	case 0:
		break;
	case -EBUSY:
		shell_error(sh, "an instance runs from the partition (cats stop), or another "
				"update is open (cats update abort)");
		break;
	case -EFBIG:
		shell_error(sh, "larger than the partition");
		break;
	case -EINVAL:
		shell_error(sh, "smaller than an image's header");
		break;
	default:
		shell_error(sh, "the flash driver fails (%d)", ret);
		break;
	}
	return ret;
}

static int cmd_update_add(const struct shell *sh, size_t argc, char **argv)
{
	int ret;

	ARG_UNUSED(argc);
	cats_shell_given.size = 0;
	ret = cats_shell_add_base64(sh, argv[1]);
	if (ret != 0) {
		return ret;
	}
	ret = cats_update_write(cats_shell_given.data, cats_shell_given.size);
	cats_shell_given.size = 0;
	if (ret == -EPERM) {
		shell_error(sh, "no update is open: cats update begin");
	} else if (ret == -EFBIG) {
		shell_error(sh, "more bytes than were announced");
	} else if (ret != 0) {
		shell_error(sh, "the flash driver fails (%d)", ret);
	}
	return ret;
}

static int cmd_update_finish(const struct shell *sh, size_t argc, char **argv)
{
	int reason = 0;
	int ret = cats_update_finish(&reason);

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (ret == 0) {
		shell_print(sh, "the new image is valid: cats start");
	} else if (ret == -EPERM) {
		shell_error(sh, "no update is open: cats update begin");
	} else if (ret == -EBADMSG) {
		shell_error(sh, "image refused: %s", cats_image_strerror(reason));
	} else if (ret == -EACCES) {
		shell_error(sh, "image refused: no valid signature: cats sign");
	} else {
		shell_error(sh, "the flash driver fails (%d)", ret);
	}
	return ret;
}

static int cmd_update_abort(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	cats_update_abort();
	return 0;
}

SHELL_STATIC_SUBCMD_SET_CREATE(
	update_commands,
	SHELL_CMD_ARG(begin, NULL,
		      SHELL_HELP("Erase the partition's image and expect another", "<bytes>"),
		      cmd_update_begin, 2, 0),
	SHELL_CMD_ARG(add, NULL, SHELL_HELP("Append bytes of it", "<base64>"), cmd_update_add, 2,
		      0),
	SHELL_CMD_ARG(finish, NULL, SHELL_HELP("Verify it and write its header", ""),
		      cmd_update_finish, 1, 0),
	SHELL_CMD_ARG(abort, NULL, SHELL_HELP("Leave the partition without an image", ""),
		      cmd_update_abort, 1, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), update, &update_commands, SHELL_HELP("Replace the image in flash", ""),
		 NULL, 0, 0);
