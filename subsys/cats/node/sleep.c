/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Meetings of nodes that sleep between inferences. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "instance.h"
#include "sleep.h"
#include "storage/settings.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

BUILD_ASSERT(CONFIG_CATS_PERIOD_MS >= CATS_PERIOD_MIN_US / USEC_PER_MSEC &&
	     CONFIG_CATS_PERIOD_MS <= CATS_PERIOD_MAX_US / USEC_PER_MSEC);

int cats_sleep_configure(const struct cats_instance *instance, struct cats_node_config *config)
{
	uint32_t ms = CONFIG_CATS_PERIOD_MS;
	const struct cats_setting known[] = {{"period", &ms, sizeof(ms)}};
	int ret = cats_settings("cats", known, ARRAY_SIZE(known));

	config->period_us = CLAMP(ms, 1u, UINT32_MAX / USEC_PER_MSEC) * USEC_PER_MSEC;
	config->clock_ppm = CONFIG_CATS_CLOCK_PPM;
	config->jitter_us = instance->transport->jitter_us;
	if (ret == 0 && config->image->header->nodes > 1 &&
	    !cats_period_valid(config->image, config->period_us)) {
		LOG_ERR("%s: nodes cannot meet every %u ms: 10 to 600000, at least %u here",
			instance->name, ms, 2 * cats_meeting_us(config->image) / USEC_PER_MSEC + 1);
		ret = -EINVAL;
	}
	return ret;
}

uint32_t cats_period(const struct cats_instance *instance)
{
	struct cats_instance_data *d = instance->data;
	uint32_t us;

	cats_lock(d);
	us = cats_alive(d) ? cats_node_period(&d->node) : 0;
	cats_unlock(d);
	return us / USEC_PER_MSEC;
}

int cats_set_period(const struct cats_instance *instance, uint32_t ms)
{
	struct cats_instance_data *d = instance->data;
	int ret = -ENOTCONN;

	if (ms > CATS_PERIOD_MAX_US / USEC_PER_MSEC) {
		return -EINVAL;
	}
	cats_lock(d);
	if (cats_alive(d)) {
		ret = cats_node_set_period(&d->node, ms * USEC_PER_MSEC);
	}
	cats_unlock(d);
	return ret;
}

int cats_next_meeting(const struct cats_instance *instance, uint32_t *us)
{
	struct cats_instance_data *d = instance->data;
	int ret = -ENOTCONN;
	uint32_t at;

	cats_lock(d);
	if (cats_alive(d)) {
		ret = cats_node_next_meeting(&d->node, &at);
	}
	if (ret == 0) {
		*us = (uint32_t)MAX(cats_time_diff(at, cats_now(d)), 0);
	}
	cats_unlock(d);
	return ret;
}
