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

/* Own rows of an exchange, and what is computed of those that were passed over. */
static double producing_ns(const struct cats_job *job, uint16_t gather)
{
	double us = times[gather][0];

#ifdef CONFIG_CATS_LLAMA
	for (uint16_t g = gather - job->passed; g < gather; g++) {
		us += times[g][0] + times[g][1];
	}
#endif
	return us * 1e3;
}

void __real_cats_job_run(const struct cats_job *job);

void __wrap_cats_job_run(const struct cats_job *job)
{
	double ns = 0;

	if (times != NULL && job->what == CATS_JOB_PRODUCE) {
		ns += producing_ns(job, job->x.gather);
	} else if (times != NULL && job->what == CATS_JOB_CONSUME) {
		ns += times[job->x.gather][1] * 1e3;
#ifdef CONFIG_CATS_LLAMA
		ns += job->both ? producing_ns(job, job->next.gather) : 0;
#endif
	}
	__real_cats_job_run(job);
	host_hold(ns);
}
