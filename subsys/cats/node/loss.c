/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include <zephyr/kernel.h>

#include <cats/cats.h>

#include "instance.h"
#include "transport/loss.h"

bool cats_lost(const struct cats_instance_data *d, const uint8_t *frame, uint16_t size)
{
	const struct cats_image_header *header = d->image.header;
	struct cats_loss_frame name;

	if (size < CATS_FRAME_HEADER) {
		return false;
	}
	cats_loss_name(&name, header->model_id, frame, header->node);
	return cats_loss_lost(d->loss_seed, cats_loss_threshold(d->loss[name.source]), &name);
}

int cats_loss(const struct cats_instance *instance, int source, uint32_t ppm)
{
	struct cats_instance_data *d = instance->data;

	if (source < CATS_NODE_ANY || source >= CATS_MAX_NODES || ppm > 1000000) {
		return -EINVAL;
	}
	cats_lock(d);
	for (int s = 0; s < CATS_MAX_NODES; s++) {
		if (source == CATS_NODE_ANY || source == s) {
			d->loss[s] = ppm;
		}
	}
	cats_unlock(d);
	return 0;
}

void cats_loss_seed(const struct cats_instance *instance, uint32_t seed)
{
	struct cats_instance_data *d = instance->data;

	cats_lock(d);
	d->loss_seed = seed;
	cats_unlock(d);
}

void cats_loss_get(const struct cats_instance *instance, uint8_t source, uint32_t *seed,
		   uint32_t *ppm)
{
	struct cats_instance_data *d = instance->data;

	__ASSERT_NO_MSG(source < CATS_MAX_NODES);
	cats_lock(d);
	*seed = d->loss_seed;
	*ppm = d->loss[source];
	cats_unlock(d);
}

void cats_loss_init(const struct cats_instance *instance)
{
	cats_loss_seed(instance, CONFIG_CATS_LOSS_SEED);
	(void)cats_loss(instance, CATS_NODE_ANY, CONFIG_CATS_LOSS_PPM);
}
