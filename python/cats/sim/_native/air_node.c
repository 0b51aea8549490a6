/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* One node behind its antenna: its clock, its computing, what it asks for. */

#include "air_internal.h"

#include <stdlib.h>
#include <string.h>

/* Clocks */

static int64_t local_us(const struct air *air, int n, int64_t ns)
{
	return (int64_t)((__int128)ns * (1000000000 + (int64_t)(air->config.drift_ppm[n] * 1e3)) /
			 1000000000000);
}

uint32_t air_clock_us(const struct air *air, int n, int64_t ns)
{
	return air->config.clock_us[n] + (uint32_t)local_us(air, n, ns);
}

/* When a node's clock shows a time, at the earliest now. */
static int64_t global_ns(const struct air *air, int n, uint32_t at_us)
{
	int32_t wait = (int32_t)(at_us - air_clock_us(air, n, air->now_ns));
	int64_t rate = 1000000000 + (int64_t)(air->config.drift_ppm[n] * 1e3);
	__int128 ns = (__int128)(local_us(air, n, air->now_ns) + wait) * 1000000000000;

	ns = (ns + rate - 1) / rate;
	return wait <= 0 || ns < air->now_ns ? air->now_ns : (int64_t)ns;
}

/* Node */

static void available(void *user, uint16_t inference, struct cats_exchange x,
		      const struct cats_availability *a)
{
	struct antenna *antenna = user;
	struct air *air = antenna->air;
	size_t nodes = (size_t)air->config.nodes;
	size_t bytes = air->config.bits_bytes;
	size_t n = (size_t)(antenna - air->antenna);
	uint8_t *bits;

	(void)inference;
	if (air->record == NULL) {
		return;
	}
	if (x.gather == 0 && x.tile == 0) {
		air->record->mixed |= antenna->began;
		antenna->began = true;
	}
	bits = air->record->bits +
	       ((air->first_exchange[x.gather] + x.tile) * nodes + n) * nodes * bytes;
	for (size_t s = 0; s < nodes; s++) {
		memcpy(bits + s * bytes, a->bits[s], bytes);
		air->record->fragments +=
			s == n ? 0 : cats_fragment_count(&antenna->image, x, (uint8_t)s);
	}
}

const char *air_plug(struct air *air, int n)
{
	const struct air_config *c = &air->config;
	struct antenna *a = &air->antenna[n];
	int error = cats_image_verify(c->image[n], c->image_size[n], &a->image);

	if (error == CATS_IMAGE_OK) {
		error = cats_image_expect(&a->image, n, air->antenna[0].image.header->model_id);
	}
	if (error != CATS_IMAGE_OK) {
		return cats_image_strerror(error);
	}
	if (a->image.header->nodes != c->nodes) {
		return "the images are for another number of nodes";
	}
	a->air = air;
	a->arena = calloc(1, a->image.header->arena_size);
	a->config = (struct cats_node_config){
		.image = &a->image,
		.arena = a->arena,
		.arena_size = a->image.header->arena_size,
		.first_inference = c->first_inference,
		.lead_us = c->lead_us,
		.early_us = c->early_us,
		.late_us = c->late_us,
		.timeout_us = c->timeout_us,
		.start_us = c->start_us,
		.available = available,
		.user = a,
	};
	a->wake_ns = AIR_NEVER;
	return a->arena == NULL ? "out of memory" : NULL;
}

int air_switch_on(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	a->on = true;
	a->boot++;
	a->boot_ns = air->now_ns;
	a->wake_ns = air->now_ns;
	a->computing = false;
	a->handed = 0;
	return cats_node_init(&a->node, &a->config, air_clock_us(air, n, air->now_ns));
}

void air_switch_off(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	a->on = false;
	a->wake_ns = AIR_NEVER;
	a->computing = false;
	a->handed = 0;
	a->sending = false; /* cut off */
	/* What it held is lost. */
	memset(a->arena, 0xa5, a->image.header->arena_size);
}

static void start_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	uint32_t us = 0;

	if (a->computing ||
	    cats_node_compute_begin(&a->node, &a->job, air_clock_us(air, n, air->now_ns)) != 0) {
		return;
	}
	if (air->compute_us != NULL && a->job.what != CATS_JOB_BEGIN) {
		us = air->compute_us[((size_t)n * air->gathers + a->job.x.gather) * 2 +
				     (a->job.what == CATS_JOB_CONSUME)];
	}
	a->computing = true;
	a->job_end_ns = air->now_ns + (int64_t)us * 1000;
	/* All of its work at its start or all at its end: frames that arrive meanwhile must not
	 * matter.
	 */
	a->ran = us == 0 || air_draw(air, RANDOM_JOB, n, 0) & 1;
	if (a->ran) {
		cats_job_run(&a->job);
	}
	a->computed_ns += (uint64_t)us * 1000;
}

void air_end_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (!a->ran) {
		cats_job_run(&a->job);
	}
	a->computing = false;
	cats_node_compute_end(&a->node, &a->job, air_clock_us(air, n, air->now_ns));
}

static void take_result(struct air *air, int n, const struct cats_result *result)
{
	struct air_record *record = air->record;
	size_t size = (size_t)result->rows * result->columns;

	if (record == NULL || record->flags[n] & AIR_FLAG_DONE) {
		return;
	}
	memcpy(record->outputs + (size_t)n * size, result->output, size * sizeof(int16_t));
	record->flags[n] |= AIR_FLAG_DONE | (result->submitted ? AIR_FLAG_INPUT : 0) |
			    (result->led ? AIR_FLAG_LED : 0);
	record->lost[n] = result->lost;
	record->latency_us[n] = (air->now_ns - air->submitted_ns) / 1000;
}

static void hand(struct air *air, int n, const struct cats_todo *todo)
{
	struct antenna *a = &air->antenna[n];
	struct frame *frame = &a->frame[a->handed++];

	frame->source = n;
	frame->length = todo->length;
	frame->told_ns = global_ns(air, n, todo->at);
	frame->start_ns = frame->told_ns - (int64_t)(air->config.before_us * 1e3);
	if (frame->start_ns < air->now_ns) {
		frame->start_ns = air->now_ns;
	}
	memcpy(frame->data, todo->frame, todo->length);
}

void air_serve(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	struct cats_todo todo;

	do {
		cats_node_poll(&a->node, air_clock_us(air, n, air->now_ns), &todo);
		a->wake_ns = AIR_NEVER;
		if (todo.what == CATS_TODO_SEND) {
			hand(air, n, &todo);
		} else if (todo.what == CATS_TODO_DONE) {
			take_result(air, n, &todo.result);
		} else if (!todo.forever) {
			a->wake_ns = global_ns(air, n, todo.at);
		}
		if (todo.compute) {
			start_job(air, n);
			if (a->computing && a->job_end_ns == air->now_ns) {
				air_end_job(air, n);
			}
		}
	} while (todo.what != CATS_TODO_WAIT || todo.compute);
}
