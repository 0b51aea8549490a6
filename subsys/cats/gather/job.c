/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What a node computes, and in which order: doc/protocol.rst, "Computing". */

#include <errno.h>

#include "node_internal.h"

bool job_next(struct cats_node *node, struct cats_job *job)
{
	struct cats_reception *current = current_of(node);
	struct cats_exchange next = node->x;

	if (!node->running || node->done || node->told || node->job_running) {
		return false;
	}
	job->x = node->x;
	if (!node->begun) {
		job->what = CATS_JOB_BEGIN;
		return true;
	}
	if (!node->produced &&
	    (node->consumed || streams(image_of(node), previous_of(node)->x, node->x))) {
		job->what = CATS_JOB_PRODUCE;
		return true;
	}
	if (!node->consumed) {
		job->what = CATS_JOB_CONSUME;
		job->x = previous_of(node)->x;
		return true;
	}
	if (!node->produced_next && cats_exchange_next(image_of(node), &next) &&
	    streams(image_of(node), node->x, next)) {
		job->what = CATS_JOB_PRODUCE;
		job->x = next;
		return true;
	}
	/* Nothing lacks, so why wait for the end of the exchange? */
	if (!node->consumed_air && (node->closed || current->lacking == 0)) {
		job->what = CATS_JOB_CONSUME;
		return true;
	}
	return false;
}

int cats_node_compute_begin(struct cats_node *node, struct cats_job *job, uint32_t now_us)
{
	if (node->job_running) {
		return -EBUSY;
	}
	if (!job_next(node, job)) {
		return -EAGAIN;
	}
	job->engine = &node->engine;
	job->input = NULL;
	job->reception = NULL;
	job->began_us = now_us;
	if (job->what == CATS_JOB_BEGIN && node->pending) {
		job->input = node->input;
		node->pending = false;
		node->used_input = true;
	} else if (job->what == CATS_JOB_CONSUME) {
		if (same_exchange(job->x, node->x)) {
			exchange_finish(node);
			job->reception = current_of(node);
		} else {
			job->reception = previous_of(node);
		}
	}
	node->job_running = true;
	return 0;
}

void cats_job_run(const struct cats_job *job)
{
	switch (job->what) {
	case CATS_JOB_BEGIN:
		cats_engine_begin(job->engine, job->input);
		break;
	case CATS_JOB_PRODUCE:
		cats_engine_produce(job->engine, job->x);
		break;
	case CATS_JOB_CONSUME:
		cats_reception_solve(job->engine->image, job->reception, job->engine->arena);
		cats_engine_consume(job->engine, job->x, &job->reception->available);
		break;
	}
}

int cats_node_compute_end(struct cats_node *node, const struct cats_job *job, uint32_t now_us)
{
	bool current = same_exchange(job->x, node->x);

	if (!node->job_running) {
		return -EINVAL;
	}
	node->job_running = false;
	stats_of(node, job->x)->compute_us += now_us - job->began_us;
	switch (job->what) {
	case CATS_JOB_BEGIN:
		node->begun = true;
		break;
	case CATS_JOB_PRODUCE:
		/* The exchange it was ahead of may have been left meanwhile. */
		*(current ? &node->produced : &node->produced_next) = true;
		break;
	case CATS_JOB_CONSUME:
		*(current ? &node->consumed_air : &node->consumed) = true;
		break;
	}
	node_settle(node, now_us);
	return 0;
}
