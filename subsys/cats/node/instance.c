/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What an instance is, and what may be asked of it at any time. */

#include <errno.h>
#include <string.h>

#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>

#include <cats/cats.h>

#include "energy.h"
#include "instance.h"
#include "links.h"

LOG_MODULE_REGISTER(cats, CONFIG_CATS_LOG_LEVEL);

BUILD_ASSERT(-CONFIG_CATS_AIR_PRIORITY <= CONFIG_NUM_COOP_PRIORITIES,
	     "CATS_AIR_PRIORITY asks for more cooperative priorities than there are");

static K_KERNEL_STACK_DEFINE(air_stack, CONFIG_CATS_AIR_STACK_SIZE);
struct k_work_q cats_air_queue;

const struct cats_samples *cats_samples;

void cats_lock(struct cats_instance_data *d)
{
	(void)k_mutex_lock(&d->lock, K_FOREVER);
}

void cats_unlock(struct cats_instance_data *d)
{
	(void)k_mutex_unlock(&d->lock);
}

int cats_refused(const struct cats_instance *instance)
{
	return instance->data->refused;
}

const struct cats_image *cats_running(const struct cats_instance *instance)
{
	return instance->data->running ? &instance->data->image : NULL;
}

uint32_t cats_group(const struct cats_instance *instance)
{
	return instance->data->group;
}

size_t cats_input_size(const struct cats_image *image)
{
	return (size_t)image->model->tokens_in * image->model->own_inputs;
}

void cats_input_own(const struct cats_image *image, const int8_t *whole, int8_t *own)
{
	const struct cats_image_model *m = image->model;

	for (uint16_t t = 0; t < m->tokens_in; t++) {
		memcpy(own + (size_t)t * m->own_inputs,
		       whole + (size_t)t * m->inputs + m->first_input, m->own_inputs);
	}
}

size_t cats_output_count(const struct cats_image *image)
{
	return (size_t)cats_output_rows(image) * image->model->outputs;
}

void cats_on_result(const struct cats_instance *instance, cats_result_cb callback, void *user)
{
	struct cats_instance_data *d = instance->data;

	cats_lock(d);
	d->callback = callback;
	d->user = user;
	cats_unlock(d);
}

void cats_on_available(const struct cats_instance *instance, cats_available_cb callback, void *user)
{
	struct cats_instance_data *d = instance->data;

	cats_lock(d);
	d->available = callback;
	d->available_user = user;
	cats_links_listen(d, &d->node.config);
	cats_unlock(d);
}

void cats_stats(const struct cats_instance *instance, struct cats_stats *stats)
{
	struct cats_instance_data *d = instance->data;

	cats_lock(d);
	stats->node = d->node.stats;
	stats->glue = d->glue;
#ifdef CONFIG_CATS_ENERGY
	if (cats_alive(d)) {
		cats_energy_look(d);
	}
	stats->energy = d->energy.stats;
#endif
#ifdef CONFIG_CATS_LINKS
	stats->links = d->links;
#endif
	cats_unlock(d);
}

int cats_result_class(const struct cats_result *result, uint16_t row)
{
	const int16_t *values = result->output + (size_t)row * result->columns;
	int best = -ENODATA;

	for (int c = 0; c < result->columns; c++) {
		if (values[c] != CATS_OUTPUT_MISSING && (best < 0 || values[c] > values[best])) {
			best = c;
		}
	}
	return best;
}

uint32_t cats_result_missing(const struct cats_result *result)
{
	uint32_t missing = 0;

	for (uint32_t i = 0; i < (uint32_t)result->rows * result->columns; i++) {
		missing += result->output[i] == CATS_OUTPUT_MISSING;
	}
	return missing;
}

static int cats_init(void)
{
	static const struct k_work_queue_config config = {.name = "cats_air"};

	k_work_queue_init(&cats_air_queue);
	k_work_queue_start(&cats_air_queue, air_stack, K_KERNEL_STACK_SIZEOF(air_stack),
			   CONFIG_CATS_AIR_PRIORITY, &config);

	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		struct cats_instance_data *d = instance->data;

		d->self = instance;
		(void)k_mutex_init(&d->control);
		(void)k_mutex_init(&d->lock);
		(void)k_sem_init(&d->work, 0, 1);
		(void)k_sem_init(&d->slot, 1, 1);
		(void)k_condvar_init(&d->event);
		sys_slist_init(&d->waiters);
		k_work_init_delayable(&d->air, cats_air_work);
		d->port.received = cats_air_received;
		d->port.sent = cats_air_sent;
		d->port.sensed = cats_air_sensed;
		if (IS_ENABLED(CONFIG_CATS_LOSS)) {
			cats_loss_init(instance);
		}
	}
	return 0;
}

SYS_INIT(cats_init, APPLICATION, CONFIG_KERNEL_INIT_PRIORITY_DEFAULT);
