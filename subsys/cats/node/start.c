/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats_start() and cats_stop(): the image, the node, the thread, the port. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>
#include <zephyr/random/random.h>

#include <cats/cats.h>

#include "energy.h"
#include "instance.h"
#include "links.h"
#include "secure/secure.h"
#include "sleep.h"
#include "storage/settings.h"
#ifdef CONFIG_CATS_IMAGE_FLASH
#include <cats/update.h>
#include "storage/image_flash.h"
#endif

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

BUILD_ASSERT(CONFIG_CATS_THREAD_PRIORITY < CONFIG_NUM_PREEMPT_PRIORITIES);

static int refuse(const struct cats_instance *instance, int reason)
{
	instance->data->refused = (uint8_t)reason;
	LOG_ERR("%s: image refused: %s", instance->name, cats_image_strerror(reason));
	return -EBADMSG;
}

/* Find and verify the image. */
static int load(const struct cats_instance *instance, const void *image, size_t size)
{
	struct cats_instance_data *d = instance->data;
	int reason;

	if (image == NULL) {
		image = instance->image;
		size = instance->image_size;
	}
#ifdef CONFIG_CATS_IMAGE_FLASH
	const void *partition = NULL;
	size_t room = 0;
	int ret = cats_flash_map(&partition, &room);

	if (image == NULL && instance->flash) {
		if (ret != 0) {
			return ret;
		}
		image = partition;
		size = room;
	}
	if (ret == 0 && (uintptr_t)image - (uintptr_t)partition < room) {
		ret = cats_flash_acquire();
		if (ret != 0) {
			return ret;
		}
		d->in_flash = true;
	}
#endif
	if (image == NULL) {
		return -ENOENT;
	}
	reason = cats_image_verify(image, size, &d->image);
	if (reason == CATS_IMAGE_OK) {
		reason = cats_image_expect(&d->image, instance->node, 0);
	}
	return reason == CATS_IMAGE_OK ? 0 : refuse(instance, reason);
}

static void unload(struct cats_instance_data *d)
{
#ifdef CONFIG_CATS_IMAGE_FLASH
	if (d->in_flash) {
		cats_flash_release();
		d->in_flash = false;
	}
#else
	ARG_UNUSED(d);
#endif
}

static uint16_t first_inference(void)
{
#if CONFIG_CATS_FIRST_INFERENCE >= 0
	return CONFIG_CATS_FIRST_INFERENCE;
#elif defined(CONFIG_ENTROPY_HAS_DRIVER) || defined(CONFIG_TEST_RANDOM_GENERATOR)
	return sys_rand16_get();
#else
	return (uint16_t)k_cycle_get_32();
#endif
}

static int load_group(uint32_t *group)
{
	const struct cats_setting known[] = {{"group", group, sizeof(*group)}};

	*group = CONFIG_CATS_GROUP;
	return cats_settings("cats", known, ARRAY_SIZE(known));
}

/* Whether the slots of the plan are those of this transport's frames. */
static bool planned_for(const struct cats_image *image, const struct cats_transport *transport)
{
	uint8_t radio = (image->model->flags & CATS_FLAG_RADIO) >> CATS_RADIO_SHIFT;

	return radio == transport->radio || radio == CATS_RADIO_ANY ||
	       transport->radio == CATS_RADIO_ANY;
}

static int start(const struct cats_instance *instance, const void *image, size_t size)
{
	struct cats_instance_data *d = instance->data;
	struct cats_node_config config = {
		.image = &d->image,
		.arena = instance->arena,
		.arena_size = instance->arena_size,
		.mtu = instance->transport->mtu - CATS_SECURE_OVERHEAD,
		.first_inference = first_inference(),
		.lead_us = CONFIG_CATS_LEAD_US,
		.early_us = CONFIG_CATS_EARLY_US,
		.late_us = CONFIG_CATS_LATE_US,
#ifdef CONFIG_CATS_LLAMA
		.replay = IS_ENABLED(CONFIG_CATS_REPLAY_ALWAYS)  ? CATS_REPLAY_ALWAYS
			  : IS_ENABLED(CONFIG_CATS_REPLAY_ASKED) ? CATS_REPLAY_ASKED
								 : CATS_REPLAY_WORTH,
#endif
	};
	int ret;

	d->refused = CATS_IMAGE_OK;
	ret = load(instance, image, size);
	if (ret == 0) {
		ret = load_group(&d->group);
		config.group = d->group;
	}
	if (ret == 0) {
		ret = cats_sleep_configure(instance, &config);
	}
	if (ret != 0) {
		return ret;
	}
	if (!planned_for(&d->image, instance->transport)) {
		return -ENOTSUP;
	}
#ifdef CONFIG_CATS_SECURE
	if ((d->image.model->flags & CATS_FLAG_SEALED) == 0 && d->image.header->nodes > 1) {
		LOG_ERR("%s: slots are too short for sealed frames: cats export --secure",
			instance->name);
		return -EMSGSIZE;
	}
	ret = cats_secure_start(&d->secure, d->image.header->node, d->group);
	if (ret != 0) {
		return ret;
	}
#endif

	cats_lock(d);
	cats_links_listen(d, &config);
	d->glue = (struct cats_glue_stats){0};
	cats_energy_reset(d);
	cats_links_reset(d);
	d->result.silent = 0;
	d->oldest = 0;
	d->handed = 0;
	d->refused_behind = false;
	d->stopping = false;
	d->result_ready = false;
	d->input_held = false;
#ifdef CONFIG_CATS_LLAMA
	d->writing = false;
#endif
	k_sem_reset(&d->work);
	ret = cats_node_init(&d->node, &config, cats_now(d));
	cats_unlock(d);
	if (ret == 0) {
		ret = instance->transport->attach(&d->port);
	}
	if (ret != 0) {
		return ret;
	}
	cats_lock(d);
	d->running = true;
	d->run++;
	cats_unlock(d);
	(void)k_thread_create(&d->thread, instance->stack, instance->stack_size,
			      cats_instance_thread, d, NULL, NULL,
			      K_PRIO_PREEMPT(CONFIG_CATS_THREAD_PRIORITY), 0, K_NO_WAIT);
	(void)k_thread_name_set(&d->thread, instance->name);
	cats_air_kick(d);
	LOG_INF("%s: node %u of %u, model %08x, %s", instance->name, d->image.header->node,
		d->image.header->nodes, d->image.header->model_id, instance->transport->name);
	return 0;
}

int cats_start(const struct cats_instance *instance, const void *image, size_t size)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	(void)k_mutex_lock(&d->control, K_FOREVER);
	if (d->running) {
		ret = -EALREADY;
	} else {
		ret = start(instance, image, size);
		if (ret != 0) {
			LOG_ERR("%s: does not start on %s (%d)", instance->name,
				instance->transport->name, ret);
			unload(d);
		}
	}
	(void)k_mutex_unlock(&d->control);
	return ret;
}

int cats_stop(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	struct k_work_sync sync;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	__ASSERT(k_current_get() != &d->thread, "a result callback cannot stop its instance");
	(void)k_mutex_lock(&d->control, K_FOREVER);
	if (!d->running) {
		(void)k_mutex_unlock(&d->control);
		return -EALREADY;
	}

	cats_lock(d);
	d->stopping = true;
	cats_unlock(d);
	k_sem_give(&d->work);
	(void)k_thread_join(&d->thread, K_FOREVER);
	instance->transport->detach(&d->port);
	(void)k_work_cancel_delayable_sync(&d->air, &sync);
#ifdef CONFIG_CATS_SECURE
	cats_secure_stop(&d->secure);
#endif

	cats_lock(d);
	d->running = false;
	cats_input_release(d);
	cats_slot_release(d);
	cats_waiters_stop(d);
	cats_unlock(d);
	unload(d);
	(void)k_mutex_unlock(&d->control);
	return 0;
}
