/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "local.h"

#if defined(CONFIG_CATS_IMAGE_HEADER)

/* CATS_LOCAL_COUNT: of CMakeLists.txt, CONFIG_CATS_LOCAL_NODES or as many as there are. */
#define DECLARE(n, _) extern const struct cats_instance cats_local_##n
#define ADDRESS(n, _) &cats_local_##n

LISTIFY(CATS_LOCAL_COUNT, DECLARE, (;));

static const struct cats_instance *const local[] = {LISTIFY(CATS_LOCAL_COUNT, ADDRESS, (,)) };

#elif defined(CONFIG_CATS_IMAGE_FLASH)

BUILD_ASSERT(CONFIG_CATS_ARENA_SIZE % 8 == 0, "an arena is a multiple of 8 bytes");

Z_CATS_INSTANCE_DEFINE(cats_local_0, &CATS_TRANSPORT, CONFIG_CATS_ARENA_SIZE, NULL, 0, true,
		       CONFIG_CATS_NODE_ID);

static const struct cats_instance *const local[] = {&cats_local_0};

#endif

const struct cats_instance *cats_local(unsigned int number)
{
#if defined(CONFIG_CATS_IMAGE_APPLICATION)
	ARG_UNUSED(number);
	return NULL;
#else
	return number < ARRAY_SIZE(local) ? local[number] : NULL;
#endif
}
