/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Streams: windows that begin, steps, where they are. */

#include <errno.h>
#include <limits.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "instance.h"

/* Whether it runs and its image is of a stream. Locked. */
static int streaming(const struct cats_instance_data *d)
{
	if (!cats_alive(d)) {
		return -ENOTCONN;
	}
	return cats_context_rows(&d->image) != 0 ? 0 : -ENOTSUP;
}

int cats_stream_begin(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	ret = streaming(d);
	if (ret == 0) {
		ret = cats_node_rewind(&d->node);
	}
	cats_unlock(d);
	return ret;
}

int cats_stream_position(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	ret = streaming(d);
	if (ret == 0) {
		ret = (int)MIN(cats_node_position(&d->node), INT_MAX);
	}
	cats_unlock(d);
	return ret;
}

int cats_step(const struct cats_instance *instance, const int8_t *input, int16_t *output,
	      size_t count, struct cats_result *result, k_timeout_t timeout)
{
	int ret = cats_stream_position(instance);

	return ret < 0 ? ret : cats_infer(instance, input, output, count, result, timeout);
}
