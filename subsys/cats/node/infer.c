/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Inputs that are submitted, and who waits for results. */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "instance.h"

/* What a thread that waits for a result puts on its stack; in a list under the lock. */
struct waiter {
	sys_snode_t list;
	struct k_sem done;
	int16_t *output;
	size_t count; /* values that fit there */
	struct cats_result *result;
	bool own; /* of an input that was submitted here */
	int status;
};

static void wake(struct waiter *w, int status)
{
	w->status = status;
	k_sem_give(&w->done);
}

void cats_result_tell(struct cats_instance_data *d)
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
#ifdef CONFIG_CATS_LLAMA
	cats_token_tell(d);
#endif
	if (callback != NULL) {
		cats_unlock(d);
		callback(r, user);
		cats_lock(d);
	}
	if (r->submitted) {
		cats_slot_release(d);
	}
	d->result_ready = false;
#ifdef CONFIG_CATS_LLAMA
	d->behind = false;
#endif
}

void cats_input_release(struct cats_instance_data *d)
{
	d->input_held = false;
	(void)k_condvar_broadcast(&d->event);
}

void cats_waiters_stop(struct cats_instance_data *d)
{
	sys_snode_t *node;

	while ((node = sys_slist_get(&d->waiters)) != NULL) {
		wake(CONTAINER_OF(node, struct waiter, list), -ESHUTDOWN);
	}
}

void cats_slot_release(struct cats_instance_data *d)
{
	if (d->slot_taken) {
		d->slot_taken = false;
		d->submitted = false;
		k_sem_give(&d->slot);
	}
}

/* Does it run, and does an output of its image fit? Locked. */
static int ready(const struct cats_instance_data *d, const struct waiter *w)
{
	if (!cats_alive(d)) {
		return -ENOTCONN;
	}
	if (w->output != NULL && cats_output_count(&d->image) > w->count) {
		return -ENOSPC;
	}
	return 0;
}

/* Whether nodes choose the inputs themselves. Locked. */
static bool writes(const struct cats_instance_data *d)
{
#ifdef CONFIG_CATS_LLAMA
	return cats_node_writes(&d->node);
#else
	ARG_UNUSED(d);
	return false;
#endif
}

/*
 * Take the slot and submit. Returns locked with 0, unlocked otherwise. The slot is given back when
 * the inference is told, or when the input is withdrawn. It is free while the instance is stopped:
 * whoever waits for it over a stop gets it then, finds another run, and passes it on.
 */
static int submit(struct cats_instance_data *d, const int8_t *input, const struct waiter *w,
		  k_timeout_t timeout)
{
	uint32_t run;
	int taken;
	int ret;

	cats_lock(d);
	run = d->run;
	ret = ready(d, w);
	cats_unlock(d);
	if (ret != 0) {
		return ret;
	}
	taken = k_sem_take(&d->slot, timeout);
	cats_lock(d);
	if (!cats_alive(d) || d->run != run) {
		ret = -ESHUTDOWN;
	} else if (taken != 0) {
		ret = -ETIMEDOUT;
	} else if (writes(d)) {
		ret = -EBUSY;
	} else {
		ret = cats_node_submit(&d->node, input, cats_now(d));
	}
	if (ret != 0) {
		if (taken == 0) {
			k_sem_give(&d->slot);
		}
		cats_unlock(d);
		return ret;
	}
	d->slot_taken = true;
	d->input_held = input != NULL;
	cats_air_kick(d);
	return 0;
}

int cats_submit(const struct cats_instance *instance, const int8_t *input, k_timeout_t timeout)
{
	const struct waiter nobody = {0};
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	ret = submit(d, input, &nobody, timeout);
	if (ret == 0) {
		d->submitted = true;
		cats_unlock(d);
	}
	if (ret == -ETIMEDOUT && K_TIMEOUT_EQ(timeout, K_NO_WAIT)) {
		ret = -EBUSY;
	}
	return ret;
}

/* When this returns, nobody reads the submitted input. Locked; false where it will be told. */
static bool take_back(struct cats_instance_data *d)
{
	bool withdrawn = cats_alive(d) && cats_node_withdraw(&d->node) == 0;
	uint32_t run = d->run;

	if (withdrawn) {
		cats_input_release(d);
		cats_slot_release(d);
	}
	while (d->input_held && d->running && d->run == run) {
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
	cats_lock(d);
	if (!cats_alive(d)) {
		ret = -ENOTCONN;
	} else if (!d->submitted) {
		ret = -ENOENT;
	} else {
		ret = take_back(d) ? 0 : -EALREADY;
	}
	cats_unlock(d);
	return ret;
}

/* Wait for a result; entered locked, left unlocked. */
static int await(struct cats_instance_data *d, struct waiter *w, k_timepoint_t end)
{
	int ret;

	w->status = -EINPROGRESS;
	(void)k_sem_init(&w->done, 0, 1);
	sys_slist_append(&d->waiters, &w->list);
	cats_unlock(d);
	ret = k_sem_take(&w->done, sys_timepoint_timeout(end));
	cats_lock(d);
	if (w->status != -EINPROGRESS) {
		ret = w->status;
	} else {
		(void)sys_slist_find_and_remove(&d->waiters, &w->list);
		if (w->own) {
			(void)take_back(d);
		}
		ret = -ETIMEDOUT;
	}
	cats_unlock(d);
	return ret;
}

int cats_infer(const struct cats_instance *instance, const int8_t *input, int16_t *output,
	       size_t count, struct cats_result *result, k_timeout_t timeout)
{
	struct waiter w = {.output = output, .count = count, .result = result, .own = true};
	k_timepoint_t end = sys_timepoint_calc(timeout);
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	ret = submit(d, input, &w, timeout);
	return ret != 0 ? ret : await(d, &w, end);
}

int cats_wait(const struct cats_instance *instance, int16_t *output, size_t count,
	      struct cats_result *result, k_timeout_t timeout)
{
	struct waiter w = {.output = output, .count = count, .result = result};
	k_timepoint_t end = sys_timepoint_calc(timeout);
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	ret = ready(d, &w);
	if (ret != 0) {
		cats_unlock(d);
		return ret;
	}
	return await(d, &w, end);
}
