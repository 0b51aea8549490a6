/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Code runs in no simulated time: jobs wait for as long as the planner says that they take. */

#include <zephyr/kernel.h>

#include <cats/node.h>

#include "host.h"

static const uint32_t (*times)[2]; /* [gathers]: produce, consume */

void compute_load(const char *name, unsigned int node)
{
	size_t size;
	const uint32_t *file = host_file(name, &size);

	/* The number of gathers comes first. */
	times = (const uint32_t (*)[2])(file + 1 + 2 * file[0] * node);
}

void __real_cats_job_run(const struct cats_job *job);

void __wrap_cats_job_run(const struct cats_job *job)
{
	__real_cats_job_run(job);
	if (times != NULL && job->what != CATS_JOB_BEGIN) {
		k_busy_wait(times[job->x.gather][job->what == CATS_JOB_CONSUME]);
	}
}
