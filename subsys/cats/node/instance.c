/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>
#if CONFIG_CATS_FIRST_INFERENCE < 0
#include <zephyr/random/random.h>
#endif

#include <cats/cats.h>

#ifdef CONFIG_CATS_IMAGE_FLASH
#include <cats/update.h>
#include "storage/image_flash.h"
#endif
#include "energy.h"
#include "instance.h"

LOG_MODULE_REGISTER(cats, CONFIG_CATS_LOG_LEVEL);

BUILD_ASSERT(CONFIG_CATS_THREAD_PRIORITY < CONFIG_NUM_PREEMPT_PRIORITIES);
BUILD_ASSERT(-CONFIG_CATS_AIR_PRIORITY <= CONFIG_NUM_COOP_PRIORITIES,
	     "CATS_AIR_PRIORITY asks for more cooperative priorities than there are");

/* What a thread that waits for a result puts on its stack; in a list under the lock. */
struct waiter {
	sys_snode_t list;
	struct k_sem done;
	int16_t *output;
	struct cats_result *result;
	bool own; /* of an input that was submitted here */
	int status;
};

static K_KERNEL_STACK_DEFINE(air_stack, CONFIG_CATS_AIR_STACK_SIZE);
struct k_work_q cats_air_queue;

static uint32_t now(const struct cats_instance_data *d)
{
	return d->self->transport->now();
}

static void lock(struct cats_instance_data *d)
{
	(void)k_mutex_lock(&d->lock, K_FOREVER);
}

static void unlock(struct cats_instance_data *d)
{
	(void)k_mutex_unlock(&d->lock);
}

static bool alive(const struct cats_instance_data *d)
{
	return d->running && !d->stopping;
}

/*
 * The air: everything below runs on cats_air_queue.
 */

static int transmit(struct cats_instance_data *d, const struct cats_todo *todo)
{
	const uint8_t *frame = todo->frame;
	uint16_t size = todo->length;

#ifdef CONFIG_CATS_SECURE
	size = cats_secure_send(&d->secure, &d->image, frame, size);
	frame = d->secure.frame;
	if (size == 0) {
		return -EACCES;
	}
#endif
	cats_energy_send(d, size);
	return d->self->transport->send(&d->port, frame, size, todo->at);
}

/* Do what the node asks for, until it waits. Locked. */
static void drive(struct cats_instance_data *d)
{
	const struct cats_transport *transport = d->self->transport;
	struct cats_todo todo;

	/* A result stays valid until the next poll, so the thread must be through with it. */
	while (alive(d) && !d->result_ready) {
		cats_node_poll(&d->node, now(d), &todo);
		if (todo.compute) {
			k_sem_give(&d->work);
		}
		if (todo.what == CATS_TODO_SEND) {
			int ret = transmit(d, &todo);

			if (ret != 0) {
				LOG_DBG("%s: frame not sent (%d)", d->self->name, ret);
				d->glue.send_failed++;
				(void)cats_node_sent(&d->node, false, todo.at);
			}
		} else if (todo.what == CATS_TODO_DONE) {
			d->result = todo.result;
			d->result_ready = true;
			cats_energy_done(d, &d->result);
			k_sem_give(&d->work);
		} else {
			int32_t delay = todo.forever ? 0 : cats_time_diff(todo.at, now(d));
			uint32_t us = (uint32_t)MAX(delay, 1);

			if (!todo.forever) {
				(void)k_work_reschedule_for_queue(&cats_air_queue, &d->air,
								  transport->timeout != NULL
									  ? transport->timeout(us)
									  : K_USEC(us));
			}
			break;
		}
	}
}

static void air_work(struct k_work *work)
{
	struct k_work_delayable *air = k_work_delayable_from_work(work);
	struct cats_instance_data *d = CONTAINER_OF(air, struct cats_instance_data, air);

	lock(d);
	drive(d);
	unlock(d);
}

/* From any thread: the node changed, look at it. */
static void kick(struct cats_instance_data *d)
{
	(void)k_work_reschedule_for_queue(&cats_air_queue, &d->air, K_NO_WAIT);
}

static void frame_received(struct cats_port *port, const uint8_t *frame, uint16_t size,
			   uint32_t start)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	lock(d);
	if (alive(d)) {
#ifdef CONFIG_CATS_SECURE
		int ret = cats_secure_receive(&d->secure, &d->image, frame, size, &frame);

		if (ret < 0) {
			d->glue.refused[-1 - ret]++;
			unlock(d);
			return;
		}
		size = (uint16_t)ret;
#endif
		if (IS_ENABLED(CONFIG_CATS_LOSS) && cats_lost(d, frame, size)) {
			d->glue.dropped++;
			unlock(d);
			return;
		}
		(void)cats_node_receive(&d->node, frame, size, start, now(d));
		drive(d);
	}
	unlock(d);
}

static void frame_sent(struct cats_port *port, bool ok, uint32_t start)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	lock(d);
	if (!ok) {
		d->glue.send_failed++;
	} else {
		cats_energy_sent(d);
	}
	(void)cats_node_sent(&d->node, ok, start);
	/* Not drive(): it may be what called send(), which calls this. */
	kick(d);
	unlock(d);
}

/*
 * The instance's thread: computes, and tells results.
 */

static void wake(struct waiter *w, int status)
{
	w->status = status;
	k_sem_give(&w->done);
}

/* Give the result to whom it may concern. Locked; unlocked while the callback runs. */
static void tell(struct cats_instance_data *d)
{
	const struct cats_result *r = &d->result;
	cats_result_cb callback = d->callback;
	void *user = d->user;
	struct waiter *w;
	struct waiter *next;
	sys_snode_t *before = NULL;

	SYS_SLIST_FOR_EACH_CONTAINER_SAFE(&d->waiters, w, next, list) {
		if (w->own && !r->submitted) {
			before = &w->list;
			continue;
		}
		sys_slist_remove(&d->waiters, before, &w->list);
		if (w->output != NULL) {
			memcpy(w->output, r->output, sizeof(int16_t) * r->rows * r->columns);
		}
		if (w->result != NULL) {
			*w->result = *r;
			w->result->output = w->output;
		}
		wake(w, 0);
	}
	if (callback != NULL) {
		unlock(d);
		callback(r, user);
		lock(d);
	}
	if (r->submitted) {
		d->submitted = false;
		k_sem_give(&d->slot);
	}
	d->result_ready = false;
}

/* An input that nobody reads any more may go. Locked. */
static void let_input_go(struct cats_instance_data *d)
{
	d->input_held = false;
	(void)k_condvar_broadcast(&d->event);
}

static void instance_thread(void *p1, void *p2, void *p3)
{
	struct cats_instance_data *d = p1;
	struct cats_job job;

	ARG_UNUSED(p2);
	ARG_UNUSED(p3);

	lock(d);
	while (!d->stopping) {
		if (d->result_ready) {
			tell(d);
		} else if (cats_node_compute_begin(&d->node, &job, now(d)) == 0) {
			unlock(d);
			cats_job_run(&job);
			lock(d);
			(void)cats_node_compute_end(&d->node, &job, now(d));
			if (job.what == CATS_JOB_BEGIN && job.input != NULL) {
				let_input_go(d);
			}
		} else {
			unlock(d);
			(void)k_sem_take(&d->work, K_FOREVER);
			lock(d);
			continue;
		}
		kick(d);
	}
	unlock(d);
}

/*
 * API
 */

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
#if CONFIG_CATS_FIRST_INFERENCE < 0
	return sys_rand16_get();
#else
	return CONFIG_CATS_FIRST_INFERENCE;
#endif
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
	};
	int ret;

	d->refused = CATS_IMAGE_OK;
	ret = load(instance, image, size);
	if (ret != 0) {
		return ret;
	}
#ifdef CONFIG_CATS_SECURE
	if ((d->image.model->flags & CATS_FLAG_SEALED) == 0 && d->image.header->nodes > 1) {
		LOG_ERR("%s: slots are too short for sealed frames: cats export --secure",
			instance->name);
		return -EMSGSIZE;
	}
	ret = cats_secure_start(&d->secure, d->image.header->node);
	if (ret != 0) {
		return ret;
	}
#endif

	lock(d);
	config.available = d->available;
	config.user = d->available_user;
	d->glue = (struct cats_glue_stats){0};
	cats_energy_reset(d);
	d->result_ready = false;
	d->input_held = false;
	d->submitted = false;
	d->stopping = false;
	k_sem_reset(&d->work);
	ret = cats_node_init(&d->node, &config, now(d));
	d->running = ret == 0;
	unlock(d);
	if (ret != 0) {
		return ret;
	}
	ret = instance->transport->attach(&d->port);
	if (ret != 0) {
		lock(d);
		d->running = false;
		unlock(d);
		return ret;
	}
	(void)k_thread_create(&d->thread, instance->stack, instance->stack_size, instance_thread, d,
			      NULL, NULL, K_PRIO_PREEMPT(CONFIG_CATS_THREAD_PRIORITY), 0,
			      K_NO_WAIT);
	(void)k_thread_name_set(&d->thread, instance->name);
	k_sem_give(&d->slot);
	kick(d);
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
	sys_snode_t *node;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	__ASSERT(k_current_get() != &d->thread, "cats_stop() from a result callback");
	(void)k_mutex_lock(&d->control, K_FOREVER);
	if (!d->running) {
		(void)k_mutex_unlock(&d->control);
		return -EALREADY;
	}

	lock(d);
	d->stopping = true;
	unlock(d);
	k_sem_give(&d->work);
	(void)k_thread_join(&d->thread, K_FOREVER);
	instance->transport->detach(&d->port);
	(void)k_work_cancel_delayable_sync(&d->air, &sync);
#ifdef CONFIG_CATS_SECURE
	cats_secure_stop(&d->secure);
#endif

	lock(d);
	d->running = false;
	let_input_go(d);
	while ((node = sys_slist_get(&d->waiters)) != NULL) {
		wake(CONTAINER_OF(node, struct waiter, list), -ESHUTDOWN);
	}
	unlock(d);
	/* Whoever waits for its turn to submit is woken and finds the instance stopped. */
	k_sem_reset(&d->slot);
	unload(d);
	(void)k_mutex_unlock(&d->control);
	LOG_INF("%s: stopped", instance->name);
	return 0;
}

int cats_refused(const struct cats_instance *instance)
{
	return instance->data->refused;
}

const struct cats_image *cats_running(const struct cats_instance *instance)
{
	return instance->data->running ? &instance->data->image : NULL;
}

size_t cats_input_size(const struct cats_image *image)
{
	return (size_t)image->model->tokens_in * image->model->own_inputs;
}

size_t cats_output_count(const struct cats_image *image)
{
	return (size_t)cats_output_rows(image) * image->model->outputs;
}

/*
 * Take the slot and submit. Returns locked with 0, unlocked otherwise. The slot is given back when
 * the inference is told, or when the input is withdrawn.
 */
static int submit(struct cats_instance_data *d, const int8_t *input, k_timeout_t timeout)
{
	bool at_once = K_TIMEOUT_EQ(timeout, K_NO_WAIT);
	int ret;

	if (!d->running) {
		return -ENOTCONN;
	}
	ret = k_sem_take(&d->slot, timeout);
	lock(d);
	if (!alive(d)) {
		ret = -ESHUTDOWN;
	} else if (ret != 0) {
		ret = at_once ? -EBUSY : -ETIMEDOUT;
	} else {
		ret = cats_node_submit(&d->node, input, now(d));
	}
	if (ret != 0) {
		unlock(d);
		return ret;
	}
	d->input_held = input != NULL;
	kick(d);
	return 0;
}

int cats_submit(const struct cats_instance *instance, const int8_t *input, k_timeout_t timeout)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	ret = submit(d, input, timeout);
	if (ret == 0) {
		d->submitted = true;
		unlock(d);
	}
	return ret;
}

/* When this returns, nobody reads the submitted input. Locked; false where it will be told. */
static bool take_back(struct cats_instance_data *d)
{
	bool withdrawn = alive(d) && cats_node_withdraw(&d->node) == 0;

	if (withdrawn) {
		d->submitted = false;
		let_input_go(d);
		k_sem_give(&d->slot);
	}
	while (d->input_held && d->running) {
		(void)k_condvar_wait(&d->event, &d->lock, K_FOREVER);
	}
	return withdrawn;
}

int cats_withdraw(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	lock(d);
	if (!alive(d)) {
		ret = -ENOTCONN;
	} else if (!d->submitted) {
		ret = -ENOENT;
	} else {
		ret = take_back(d) ? 0 : -EALREADY;
	}
	unlock(d);
	return ret;
}

/* Wait for a result; entered locked, left unlocked. */
static int await(struct cats_instance_data *d, struct waiter *w, k_timepoint_t end)
{
	int ret;

	w->status = -EINPROGRESS;
	(void)k_sem_init(&w->done, 0, 1);
	sys_slist_append(&d->waiters, &w->list);
	unlock(d);
	ret = k_sem_take(&w->done, sys_timepoint_timeout(end));
	lock(d);
	if (w->status != -EINPROGRESS) {
		ret = w->status;
	} else {
		(void)sys_slist_find_and_remove(&d->waiters, &w->list);
		if (w->own) {
			(void)take_back(d);
		}
		ret = -ETIMEDOUT;
	}
	unlock(d);
	return ret;
}

int cats_infer(const struct cats_instance *instance, const int8_t *input, int16_t *output,
	       size_t count, struct cats_result *result, k_timeout_t timeout)
{
	struct waiter w = {.output = output, .result = result, .own = true};
	k_timepoint_t end = sys_timepoint_calc(timeout);
	struct cats_instance_data *d;
	bool fits;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	lock(d);
	fits = output == NULL || !d->running || cats_output_count(&d->image) <= count;
	unlock(d);
	if (!fits) {
		return -ENOSPC;
	}
	ret = submit(d, input, timeout);
	if (ret == -EBUSY) {
		ret = -ETIMEDOUT;
	}
	return ret != 0 ? ret : await(d, &w, end);
}

int cats_wait(const struct cats_instance *instance, int16_t *output, size_t count,
	      struct cats_result *result, k_timeout_t timeout)
{
	struct waiter w = {.output = output, .result = result};
	k_timepoint_t end = sys_timepoint_calc(timeout);
	struct cats_instance_data *d;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	lock(d);
	if (!alive(d)) {
		unlock(d);
		return -ENOTCONN;
	}
	if (output != NULL && cats_output_count(&d->image) > count) {
		unlock(d);
		return -ENOSPC;
	}
	return await(d, &w, end);
}

void cats_on_result(const struct cats_instance *instance, cats_result_cb callback, void *user)
{
	struct cats_instance_data *d = instance->data;

	lock(d);
	d->callback = callback;
	d->user = user;
	unlock(d);
}

void cats_on_available(const struct cats_instance *instance, cats_available_cb callback, void *user)
{
	struct cats_instance_data *d = instance->data;

	lock(d);
	d->available = callback;
	d->available_user = user;
	d->node.config.available = callback;
	d->node.config.user = user;
	unlock(d);
}

void cats_stats(const struct cats_instance *instance, struct cats_stats *stats)
{
	struct cats_instance_data *d = instance->data;

	lock(d);
	stats->node = d->node.stats;
	stats->glue = d->glue;
#ifdef CONFIG_CATS_ENERGY
	stats->energy = d->energy.stats;
#endif
	unlock(d);
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

const struct cats_samples *cats_samples;

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
		(void)k_sem_init(&d->slot, 0, 1);
		(void)k_condvar_init(&d->event);
		k_work_init_delayable(&d->air, air_work);
		sys_slist_init(&d->waiters);
		d->port.received = frame_received;
		d->port.sent = frame_sent;
		if (IS_ENABLED(CONFIG_CATS_LOSS)) {
			cats_loss_init(instance);
		}
	}
	return 0;
}

SYS_INIT(cats_init, APPLICATION, CONFIG_KERNEL_INIT_PRIORITY_DEFAULT);
