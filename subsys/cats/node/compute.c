/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* An instance's thread: computes, and has results told. */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "instance.h"

void cats_instance_thread(void *p1, void *p2, void *p3)
{
	struct cats_instance_data *d = p1;
	struct cats_job job;

	ARG_UNUSED(p2);
	ARG_UNUSED(p3);

	cats_lock(d);
	while (!d->stopping) {
		if (d->result_ready) {
			cats_result_tell(d);
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
