/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* One inference: from exchange to exchange, and what is computed between: doc/protocol.rst,
 * "Computing".
 */

#include <errno.h>

#include "node_internal.h"

void cats_inference_see(struct cats_node *node, uint16_t number)
{
	node->left = node->numbered && newer(node->seen, number) ? node->seen : number;
	node->numbered = true;
	node->seen = number;
}

void cats_inference_begin(struct cats_node *node, uint16_t number, uint32_t now_us)
{
	node->phase = CATS_NODE_RUNNING;
	node->used_input = false;
	node->number = number;
	cats_inference_see(node, number);
	node->heard = 0;
	node->started_us = now_us;
	node->fragments = 0;
	node->lost = 0;
	node->front = (struct cats_exchange){.gather = 0};
	node->abandon = false;
	node->produced = 0;
	node->consumed = 0;
	if (node->silence) {
		node->not_before_us = now_us; /* what it was is long ago */
	}
	node->silence = false;
	node->heard_us = now_us;
#if CATS_TEXTS
	node->texts.told = false;
	node->texts.lacks = 0;
#endif
	cats_exchange_enter(node, (struct cats_exchange){.gather = 0});
}

/* Whether nobody was heard in the newest inference, which was this node's. */
static bool unheard(const struct cats_node *node)
{
	return node->heard == 0 && node->number == node->seen && nodes_of(node) > 1;
}

void cats_inference_found(struct cats_node *node, uint32_t now_us)
{
	uint16_t number = node->config.first_inference;

#ifndef CATS_NO_STREAM
	if (is_stream(node) && !is_text(node)) {
		cats_inference_begin(node, cats_inference_number(node, unheard(node)), now_us);
		return;
	}
#endif
	if (node->numbered) {
		number = node->seen + 1;
		if (unheard(node)) {
			/* Nobody followed: the last one may have looked late to all. */
			number += STALE_NUMBERS;
		}
	}
	cats_inference_begin(node, number, now_us);
}

static bool left_behind(const struct cats_node *node)
{
	return node->abandon || cats_exchange_before(image_of(node), node->x, node->front);
}

/* Whether an exchange is passed over: nobody sends anything in it, and what is computed of it is
 * computed ahead of the next one that is on the air, whose frames may come meanwhile. Arenas of
 * images without the flag have no room for them yet.
 */
static bool passed_over(const struct cats_image *image, struct cats_exchange x)
{
	const struct cats_image_llama *llama =
		(const void *)(image->base + image->gathers[0].table);

	return CATS_TEXTS && MAY_BE_EMPTY && (image->model->flags & CATS_FLAG_LLAMA) != 0 &&
	       (llama->flags & CATS_LLAMA_REPLICATED) != 0 && image->header->nodes > 1 &&
	       x.gather != 0 && cats_slot_first(image, x, image->header->nodes) == 0;
}

/* The next exchange that is not passed over; false where there is none. */
static bool next_exchange(const struct cats_node *node, struct cats_exchange *x)
{
	const struct cats_image *image = image_of(node);
	bool found = !ends_replay(node, *x) && cats_exchange_next(image, x);

	while (found && passed_over(image, *x)) {
		found = cats_exchange_next(image, x); /* RESULT never is */
	}
	return found;
}

#if CATS_TEXTS
/* Exchanges that are passed over in front of one: what follows waits for their computing too. */
static uint8_t passed_before(const struct cats_image *image, struct cats_exchange x)
{
	uint8_t passed = 0;

	for (struct cats_exchange s = {.gather = x.gather - 1u};
	     x.gather != 0 && passed_over(image, s); s.gather--) {
		passed++;
	}
	return passed;
}

/* Leave the exchange on the air for @p next: its opening waits for what is computed until then. */
static void pass_over(struct cats_node *node, struct cats_exchange next)
{
	const struct cats_image_gather *gather = node->gather;

	cats_text_hurry(node, gather);
	for (uint8_t left = passed_before(image_of(node), next); left > 0; left--) {
		gather = &image_of(node)->gathers[next.gather - left];
		node->not_before_us += gather->spacing_us;
		cats_text_hurry(node, gather);
	}
}
#endif

void cats_inference_settle(struct cats_node *node, uint32_t now_us)
{
	while (node->phase == CATS_NODE_RUNNING) {
		struct cats_exchange next = node->x;

		if (node->exchange != CATS_EXCHANGE_OVER && left_behind(node)) {
			cats_exchange_close(node, now_us);
		}
		if (node->exchange != CATS_EXCHANGE_OVER || node->consumed == 0 ||
		    node->produced == 0) {
			break;
		}
		if (!next_exchange(node, &next)) {
			if (node->consumed == 2) {
				node->phase = CATS_NODE_DONE;
				node->ended_us = now_us;
				node->stats.inferences++;
				cats_text_end(node);
			}
			break;
		}
#if CATS_TEXTS
		pass_over(node, next);
#endif
		node->air ^= 1;
		node->consumed--;
		node->produced--;
		cats_exchange_enter(node, next);
	}
}

/* Whether @p next may be produced before @p x, the exchange in front of it, is consumed. */
static bool streams(const struct cats_image *image, struct cats_exchange x,
		    struct cats_exchange next)
{
	return x.gather == next.gather && image->gathers[x.gather].buffers == 2;
}

/* Whether @p x may be consumed while this node's fragments of it are still asked for. */
static bool outlasts_consume(const struct cats_image *image, struct cats_exchange x)
{
	return image->gathers[x.gather].kind != CATS_GATHER_ATTENTION ||
	       (image->model->flags & CATS_FLAG_HELD) == 0;
}

#if CATS_TEXTS
/* Whether a job that consumes the exchange on the air may produce the next one as well: nobody asks
 * for what this node sent of it; and where others are passed over, which may write over it, it is
 * over. In steps of one row jobs are short, and each costs its time.
 */
static bool does_both(const struct cats_node *node, struct cats_exchange *next)
{
	*next = node->x;
	if (!is_text(node) || node->produced != 1 || !next_exchange(node, next)) {
		return false;
	}
	return node->exchange == CATS_EXCHANGE_OVER ||
	       (node->gather->rounds == 0 && !relays(image_of(node)) &&
		node->next >= fragments_of(node, self_of(node)) &&
		passed_before(image_of(node), *next) == 0);
}
#endif

bool cats_inference_job(struct cats_node *node, struct cats_job *job)
{
	struct cats_exchange previous = previous_of(node)->x;
	struct cats_exchange next = node->x;

	if (node->phase != CATS_NODE_RUNNING || node->job_running) {
		return false;
	}
	job->x = node->x;
#if CATS_TEXTS
	job->both = false;
	job->passed = passed_before(image_of(node), node->x);
#endif
	if (node->consumed == 0 && first_exchange(node->x)) {
		job->what = CATS_JOB_BEGIN;
		return true;
	}
	if (node->produced == 0 &&
	    (node->consumed != 0 || streams(image_of(node), previous, node->x))) {
		job->what = CATS_JOB_PRODUCE;
		return true;
	}
	if (node->consumed == 0) {
		job->what = CATS_JOB_CONSUME;
		job->x = previous;
		return true;
	}
	if (node->produced == 1 && next_exchange(node, &next) &&
	    streams(image_of(node), node->x, next)) {
		job->what = CATS_JOB_PRODUCE;
		job->x = next;
		return true;
	}
	/* Nothing lacks, so why wait for the end of the exchange? */
	if (node->consumed == 1 &&
	    (node->exchange == CATS_EXCHANGE_OVER ||
	     (current_of(node)->lacking == 0 && outlasts_consume(image_of(node), node->x)))) {
		job->what = CATS_JOB_CONSUME;
#if CATS_TEXTS
		job->both = does_both(node, &job->next);
		job->passed = passed_before(image_of(node), job->next);
#endif
		return true;
	}
	return false;
}

int cats_node_compute_begin(struct cats_node *node, struct cats_job *job, uint32_t now_us)
{
	if (node->job_running) {
		return -EBUSY;
	}
	if (!cats_inference_job(node, job)) {
		return -EAGAIN;
	}
	job->engine = &node->engine;
	job->input = NULL;
	job->reception = NULL;
	job->began_us = now_us;
#ifndef CATS_NO_STREAM
	if (job->what == CATS_JOB_BEGIN) {
		cats_inference_seek(node);
	}
#endif
#if CATS_TEXTS
	if (job->what == CATS_JOB_BEGIN && is_text(node)) {
		job->input = cats_text_begin(node);
		if (leads(node) && has_rows(image_of(node))) {
			cats_exchange_own(node, cats_row_owner(image_of(node), node->texts.word));
		}
		node->job_running = true;
		return 0;
	}
#endif
	if (job->what == CATS_JOB_BEGIN && node->pending) {
		job->input = node->input;
		node->pending = false;
		node->used_input = true;
	} else if (job->what == CATS_JOB_CONSUME) {
		if (same_exchange(job->x, node->x)) {
			cats_exchange_finish(node);
			job->reception = current_of(node);
		} else {
			job->reception = previous_of(node);
		}
	}
	node->job_running = true;
	return 0;
}

#if CATS_TEXTS
/* What is computed of those exchanges that were passed over in front of one. */
static void run_passed(const struct cats_job *job, struct cats_exchange x)
{
	struct cats_exchange s = {.gather = x.gather - job->passed};

	for (; s.gather != x.gather; s.gather++) {
		cats_engine_produce(job->engine, s);
		cats_engine_consume(job->engine, s, NULL); /* there is nothing that could lack */
	}
}
#endif

void cats_job_run(const struct cats_job *job)
{
	switch (job->what) {
	case CATS_JOB_BEGIN:
		cats_engine_begin(job->engine, job->input);
		break;
	case CATS_JOB_PRODUCE:
#if CATS_TEXTS
		run_passed(job, job->x);
#endif
		cats_engine_produce(job->engine, job->x);
		break;
	case CATS_JOB_CONSUME:
		cats_engine_consume(job->engine, job->x, &job->reception->available);
#if CATS_TEXTS
		if (job->both) {
			run_passed(job, job->next);
			cats_engine_produce(job->engine, job->next);
		}
#endif
		break;
	}
}

int cats_node_compute_end(struct cats_node *node, const struct cats_job *job, uint32_t now_us)
{
	if (!node->job_running) {
		return -EINVAL;
	}
	node->job_running = false;
	cats_stats_of(node, job->x)->compute_us += now_us - job->began_us;
	if (job->what == CATS_JOB_PRODUCE) {
		node->produced++;
	} else {
		node->consumed++;
#if CATS_TEXTS
		node->produced += job->both;
#endif
	}
	cats_inference_settle(node, now_us);
	return 0;
}
