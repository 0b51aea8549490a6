/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* An instance's thread: computes, and tells results. */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "instance.h"

/* Give the result to whom it may concern. Locked; unlocked while the callback runs. */
static void tell_result(struct cats_instance_data *d)
{
	const struct cats_result *r = &d->result;
	cats_result_cb callback = d->callback;
	void *user = d->user;

	cats_waiters_tell(d);
	if (callback != NULL) {
		cats_unlock(d);
		callback(r, user);
		cats_lock(d);
	}
	if (r->submitted) {
		d->submitted = false;
		k_sem_give(&d->slot);
	}
	d->result_ready = false;
}

void cats_instance_thread(void *p1, void *p2, void *p3)
{
	struct cats_instance_data *d = p1;
	struct cats_job job;

	ARG_UNUSED(p2);
	ARG_UNUSED(p3);

	cats_lock(d);
	while (!d->stopping) {
		if (d->result_ready) {
			tell_result(d);
		} else if (cats_node_compute_begin(&d->node, &job, cats_now(d)) == 0) {
			cats_unlock(d);
			cats_job_run(&job);
			cats_lock(d);
			(void)cats_node_compute_end(&d->node, &job, cats_now(d));
			if (job.what == CATS_JOB_BEGIN && job.input != NULL) {
				cats_input_release(d);
			}
		} else {
			cats_unlock(d);
			(void)k_sem_take(&d->work, K_FOREVER);
			cats_lock(d);
			continue;
		}
		cats_air_kick(d);
	}
	cats_unlock(d);
}
