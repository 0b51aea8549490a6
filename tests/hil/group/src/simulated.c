/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A simulated board: its image is a file of `cats export --format image`. */

#include <string.h>

#include <zephyr/init.h>
#include <zephyr/sys/reboot.h>

#include "bs_tracing.h"
#include "nsi_main.h"

#include <cats/cats.h>

#include "group.h"
#include "host.h"
#include "local.h"

#define ARENA_SIZE (256 * 1024)
#define IMAGE_SIZE (512 * 1024)

static uint8_t image[IMAGE_SIZE] __aligned(CATS_IMAGE_ALIGN);

/* As the linked one of a board: `cats start` finds the image. */
Z_CATS_INSTANCE_DEFINE(simulated, &CATS_TRANSPORT, ARENA_SIZE, image, sizeof(image), false,
		       CATS_NODE_ANY);

const struct cats_instance *group_node(void)
{
	return &simulated;
}

static int load(void)
{
	char name[32];
	size_t size;
	const void *data;

	host_begin();
	(void)snprintf(name, sizeof(name), "node_%02u/cats_partition.bin", options.node);
	data = host_file(name, &size);
	if (size > sizeof(image)) {
		bs_trace_error("%s has %zu bytes: raise IMAGE_SIZE\n", name, size);
	}
	memcpy(image, data, size);
	if (options.compute != NULL) {
		compute_load(options.compute, options.node);
	}
	if (options.code != NULL) {
		code_time_load(options.code);
	}
	return 0;
}

SYS_INIT(load, APPLICATION, 0);

/* A reset ends the process; who started it gives the board its next one. */
void sys_arch_reboot(int type)
{
	ARG_UNUSED(type);
	nsi_exit(0);
}
