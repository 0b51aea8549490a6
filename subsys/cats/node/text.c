/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Texts: who has one written, who is told of its tokens. */

#include <errno.h>

#include <zephyr/kernel.h>

#include <cats/cats.h>

#include "instance.h"

/* A text of this node is over, well or not. Locked. */
static void finish(struct cats_instance_data *d, int status)
{
	if (!d->writing) {
		return;
	}
	d->writing = false;
	if (d->written != NULL) {
		*d->written = status;
		d->written = NULL;
		(void)k_condvar_broadcast(&d->event);
	}
}

/* A result's token is told; it may be of the text that this node began. Locked. */
static void follow(struct cats_instance_data *d, const struct cats_result *r)
{
	if (d->behind) {
		return;
	}
	if (r->has_token && r->token.own && cats_token_last(&r->token)) {
		finish(d, 0);
	} else if (r->has_token && !r->token.own && d->begun) {
		finish(d, -ECANCELED);
	}
	d->begun = d->writing && r->token.own;
}

void cats_token_tell(struct cats_instance_data *d)
{
	const struct cats_result *r = &d->result;
	cats_token_cb callback = d->token_callback;
	void *user = d->token_user;

	if (r->has_token && callback != NULL) {
		cats_unlock(d);
		callback(&r->token, user);
		cats_lock(d);
	}
	follow(d, r);
	(void)cats_node_next(&d->node, cats_now(d));
}

void cats_text_look(struct cats_instance_data *d)
{
	if (d->writing && cats_node_generate_over(&d->node, cats_now(d))) {
		finish(d, -ENODATA);
	}
}

void cats_on_token(const struct cats_instance *instance, cats_token_cb callback, void *user)
{
	struct cats_instance_data *d = instance->data;

	cats_lock(d);
	d->token_callback = callback;
	d->token_user = user;
	cats_unlock(d);
}

/* Begin one. Locked. */
static int begin(struct cats_instance_data *d, const struct cats_generation *generation)
{
	int ret = -ENOTCONN;

	if (cats_alive(d)) {
		/* The last token of a text is told before the next one begins. */
		ret = d->writing ? -EBUSY : cats_node_generate(&d->node, generation);
	}
	if (ret == 0) {
		d->writing = true;
		d->written = NULL;
		d->begun = false;
		d->behind = d->result_ready;
		(void)cats_node_next(&d->node, cats_now(d));
		cats_air_kick(d);
	}
	return ret;
}

/* End it. Locked. */
static int end(struct cats_instance_data *d)
{
	int ret = cats_alive(d) ? cats_node_generate_stop(&d->node) : -ENOTCONN;

	finish(d, -ECANCELED);
	return ret;
}

int cats_generate_begin(const struct cats_instance *instance,
			const struct cats_generation *generation)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && generation != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	ret = begin(d, generation);
	cats_unlock(d);
	return ret;
}

int cats_generate_stop(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	ret = end(d);
	cats_unlock(d);
	return ret;
}

int cats_replay(const struct cats_instance *instance)
{
	struct cats_instance_data *d;
	int ret = -ENOTCONN;

	__ASSERT_NO_MSG(instance != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	if (cats_alive(d)) {
		ret = cats_node_replay(&d->node);
	}
	if (ret == 0) {
		(void)cats_node_next(&d->node, cats_now(d));
		cats_air_kick(d);
	}
	cats_unlock(d);
	return ret;
}

int cats_generate(const struct cats_instance *instance, const struct cats_generation *generation,
		  k_timeout_t timeout)
{
	k_timepoint_t until = sys_timepoint_calc(timeout);
	struct cats_instance_data *d;
	int status = -EINPROGRESS;
	uint32_t run;
	int ret;

	__ASSERT_NO_MSG(instance != NULL && generation != NULL && !k_is_in_isr());
	d = instance->data;
	cats_lock(d);
	run = d->run;
	ret = begin(d, generation);
	if (ret != 0) {
		cats_unlock(d);
		return ret;
	}
	d->written = &status;
	while (ret == 0 && status == -EINPROGRESS && cats_alive(d) && d->run == run) {
		ret = k_condvar_wait(&d->event, &d->lock, sys_timepoint_timeout(until));
	}
	if (status != -EINPROGRESS) {
		ret = status;
	} else if (!cats_alive(d) || d->run != run) {
		ret = -ESHUTDOWN;
	} else {
		(void)end(d);
		ret = -ETIMEDOUT;
	}
	if (d->written == &status) {
		d->written = NULL;
	}
	cats_unlock(d);
	return ret;
}
