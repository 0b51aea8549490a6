/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Code runs in no simulated time: jobs hold the processor for as long as the planner says. */

#include <zephyr/sys/util.h>

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
	double ns = IS_ENABLED(CONFIG_CATS_BSIM_CODE_TIME) ? code_time_solved(job) : 0;

	if (times != NULL && job->what != CATS_JOB_BEGIN) {
		ns += times[job->x.gather][job->what == CATS_JOB_CONSUME] * 1e3;
	}
	__real_cats_job_run(job);
	host_hold(ns);
}
