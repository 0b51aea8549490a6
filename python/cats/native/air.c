/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The run: what happens next, one inference after the other. */

#include "air_internal.h"

#include <stdlib.h>
#include <string.h>

/* Time */

/* The next thing that happens, or false where nothing ever does before `until`. */
static bool step(struct air *air, int64_t until)
{
	enum {
		QUEUE,
		JOB,
		START,
		SENSE,
		END,
		COPY,
		BABBLE,
		BABBLED,
		EVENT,
		CHANGE,
		NEIGHBOUR,
		NOTHING
	} what = NOTHING;
	int64_t at = until;
	int which = 0;

#define CONSIDER(condition, time, kind, index)                                                     \
	if ((condition) && (time) < at) {                                                          \
		at = (time);                                                                       \
		what = kind;                                                                       \
		which = index;                                                                     \
	}
	for (int n = 0; n < air->antennas; n++) {
		struct antenna *a = &air->antenna[n];

		/* A frame's end before its receivers' wishes. */
		CONSIDER(a->sending, a->frame[0].end_ns, END, n)
	}
	for (size_t i = 0; i < air->config.babble_count; i++) {
		CONSIDER(air->babbler[i].sending, air->babbler[i].frame.end_ns, BABBLED, (int)i)
		CONSIDER(true, air->babbler[i].next_ns, BABBLE, (int)i)
	}
	for (int i = 0; i < AIR_COPIES; i++) {
		CONSIDER(true, air->copies[i].at_ns, COPY, i)
	}
	CONSIDER(air->changed < air->config.change_count,
		 (int64_t)air->changes[air->changed].at_us * 1000, CHANGE, 0)
	CONSIDER(true, air->neighbour_ns, NEIGHBOUR, 0)
	for (int n = 0; n < air->antennas; n++) {
		struct antenna *a = &air->antenna[n];

		CONSIDER(a->handed != 0 && !a->sending, a->frame[0].start_ns, START, n)
		CONSIDER(a->on, a->sense_ns, SENSE, n)
		CONSIDER(a->computing, a->job_end_ns, JOB, n)
		CONSIDER(a->on, air_due_ns(air, n), QUEUE, n)
	}
	for (size_t i = 0; i < air->config.event_count; i++) {
		CONSIDER(!air->happened[i] && !air->events[i].by_frame,
			 (int64_t)air->events[i].at * 1000, EVENT, (int)i)
	}
#undef CONSIDER
	air->now_ns = at > air->now_ns ? at : air->now_ns;
	switch (what) {
	case QUEUE:
		air_run_queue(air, which);
		break;
	case JOB:
		air_end_job(air, which);
		air_kick(air, which);
		break;
	case START:
		air_start_frame(air, which);
		break;
	case SENSE:
		air_sense(air, which);
		break;
	case END:
		air_end_frame(air, which);
		break;
	case COPY: {
		struct copy copy = air->copies[which];

		air->copies[which].at_ns = AIR_NEVER;
		if (air->antenna[copy.receiver].on &&
		    air->antenna[copy.receiver].boot == copy.boot) {
			air_hear(air, copy.receiver, copy.data, copy.length, copy.start_ns);
		}
		break;
	}
	case BABBLE:
		air_babble(air, &air->babbler[which]);
		break;
	case BABBLED:
		air_end_babble(air, &air->babbler[which]);
		break;
	case EVENT:
		air_apply_events(air, false, air->events[which].at);
		break;
	case CHANGE:
		memcpy(air->config.link, air->changes[air->changed++].link,
		       sizeof(air->config.link));
		break;
	case NEIGHBOUR:
		air->neighbour_ns += (int64_t)air->config.neighbour_us * 1000;
		for (int n = air->config.nodes; n < air->antennas; n++) {
			cats_node_submit(&air->antenna[n].node, NULL,
					 air_clock_us(air, n, air->now_ns));
			air_kick(air, n);
		}
		break;
	default:
		return false;
	}
	return true;
}

static bool anybody_runs(const struct air *air)
{
	for (int n = 0; n < air->config.nodes; n++) {
		if (air->antenna[n].on && cats_node_runs(&air->antenna[n].node)) {
			return true;
		}
	}
	return false;
}

/* Whether a result is due. Who babbles may keep nodes busy that have given theirs. */
static bool unanswered(const struct air *air, int n)
{
	const struct antenna *a = &air->antenna[n];
	bool babble = air->config.babble_count != 0 && air->record->flags[n] & AIR_FLAG_DONE;

	return a->on && !babble && (cats_node_runs(&a->node) || a->node.pending);
}

/* What a node's application does; one that writes a text leaves it to the node. */
static void submit(struct air *air, int n, const int8_t *input)
{
	struct antenna *a = &air->antenna[n];
	uint32_t now_us = air_clock_us(air, n, air->now_ns);

	if (input == NULL && (a->image.model->flags & CATS_FLAG_LLAMA) != 0) {
		(void)cats_node_next(&a->node, now_us);
	} else {
		/* What waits still is of an inference that gave its result without it. */
		(void)cats_node_withdraw(&a->node);
		cats_node_submit(&a->node, input, now_us);
	}
	air_kick(air, n);
}

int air_infer(struct air *air, const int8_t *const *inputs, uint64_t gap_us, uint64_t deadline_us,
	      struct air_record *record)
{
	int64_t until = air->now_ns + (int64_t)gap_us * 1000;
	bool waiting = true;

	air->record = NULL;
	record->idle_ns = gap_us * 1000;
	for (int n = 0; n < air->config.nodes; n++) {
		record->idle_on_ns[n] = air_on_ns(air, n);
	}
	while (step(air, until)) {
	}
	for (int n = 0; n < air->config.nodes; n++) {
		record->idle_on_ns[n] = air_on_ns(air, n) - record->idle_on_ns[n];
	}
	/* An inference that somebody asked for too late is nobody's: it is not recorded. Who
	 * babbles may begin them without end.
	 */
	until = air->now_ns + (int64_t)deadline_us * 1000;
	while (anybody_runs(air) && air->config.babble_count == 0 && step(air, until)) {
	}
	air->record = record;
	air->submitted_ns = air->now_ns;
	record->hung = -1;
	for (int n = 0; n < air->config.nodes; n++) {
		struct antenna *a = &air->antenna[n];

		record->on_ns[n] = air_on_ns(air, n);
		record->latency_us[n] = -1;
		record->number[n] = -1;
		a->heard = false;
		a->began = false;
		record->mixed |= a->on && cats_node_runs(&a->node);
		if (a->on) {
			record->flags[n] = AIR_FLAG_ON;
		}
		if (a->on && !air->config.idle[n]) {
			submit(air, n, inputs[n]);
		}
	}
	until = air->now_ns + (int64_t)deadline_us * 1000;
	while (waiting) {
		bool any_done = false;
		bool any_running = anybody_runs(air);

		waiting = false;
		for (int n = 0; n < air->config.nodes; n++) {
			any_done = any_done || record->flags[n] & AIR_FLAG_DONE;
		}
		for (int n = 0; n < air->config.nodes && any_done && !any_running; n++) {
			struct antenna *a = &air->antenna[n];

			/* Who heard the others but could not join gives up: its application. */
			if (a->on && a->heard && cats_node_withdraw(&a->node) == 0) {
				air_kick(air, n);
			}
		}
		for (int n = 0; n < air->config.nodes; n++) {
			waiting = waiting || unanswered(air, n);
		}
		if (waiting && !step(air, until)) {
			for (int n = 0; n < air->config.nodes; n++) {
				record->hung = unanswered(air, n) ? n : record->hung;
			}
			waiting = false;
		}
	}
	record->span_ns = (uint64_t)(air->now_ns - air->submitted_ns);
	for (int n = 0; n < air->config.nodes; n++) {
		record->on_ns[n] = air_on_ns(air, n) - record->on_ns[n];
	}
	air->record = NULL;
	return record->hung < 0 ? 0 : -1;
}

/* Life */

static void *copy_of(const void *data, size_t size)
{
	void *copy = malloc(size != 0 ? size : 1);

	if (copy != NULL && size != 0) {
		memcpy(copy, data, size);
	}
	return copy;
}

static const char *setup(struct air *air)
{
	struct air_config *c = &air->config;
	const struct cats_image *image = &air->antenna[0].image;
	size_t exchanges = 0;

	for (int n = 0; n < air->antennas; n++) {
		const char *error = air_plug(air, n);

		if (error != NULL) {
			return error;
		}
		if (c->period_us != 0 && c->nodes > 1 &&
		    !cats_period_valid(&air->antenna[n].image, c->period_us)) {
			return "nodes cannot meet so often, or so seldom";
		}
		if ((n >= c->nodes || c->on[n]) && air_switch_on(air, n) != 0) {
			return "a frame of the plan is too long";
		}
	}
	air->gathers = image->header->gathers;
	air->first_exchange = calloc(air->gathers, sizeof(*air->first_exchange));
	air->compute_us = c->compute_us == NULL
				  ? NULL
				  : copy_of(c->compute_us,
					    (size_t)c->nodes * air->gathers * 2 * sizeof(uint32_t));
	if (air->first_exchange == NULL || (c->compute_us != NULL && air->compute_us == NULL)) {
		return "out of memory";
	}
	for (size_t g = 0; g < air->gathers; g++) {
		const struct cats_image_gather *gather = &image->gathers[g];

		air->first_exchange[g] = exchanges;
		exchanges += (gather->rows + gather->tile_rows - 1u) / gather->tile_rows;
	}
	return NULL;
}

struct air *air_open(const struct air_config *config, const char **error)
{
	struct air *air = calloc(1, sizeof(*air));

	if (air == NULL) {
		*error = "out of memory";
		return NULL;
	}
	air->config = *config;
	air->faults = copy_of(config->faults, config->fault_count * sizeof(*config->faults));
	air->events = copy_of(config->events, config->event_count * sizeof(*config->events));
	air->changes = copy_of(config->changes, config->change_count * sizeof(*config->changes));
	air->happened = calloc(config->event_count + 1, sizeof(bool));
	air->antennas = config->nodes * (config->neighbour_us != 0 ? 2 : 1);
	air->neighbour_ns =
		config->neighbour_us != 0 ? (int64_t)config->neighbour_us * 1000 : AIR_NEVER;
	for (size_t i = 0; i < config->babble_count; i++) {
		air->babbler[i].what = config->babbles[i];
		air->babbler[i].left = config->babbles[i].count;
		air->babbler[i].next_ns = (int64_t)config->babbles[i].from_us * 1000;
	}
	for (int i = 0; i < AIR_COPIES; i++) {
		air->copies[i].at_ns = AIR_NEVER;
	}
	for (int p = 0; p < RANDOM_PURPOSES; p++) {
		for (int s = 0; s < AIR_NODES; s++) {
			for (int r = 0; r < AIR_NODES; r++) {
				air->random[p][s][r] = air_mix(
					air_mix(config->seed + 1) +
					(uint64_t)((p * AIR_NODES + s) * AIR_NODES + r + 1) *
						0x9e3779b97f4a7c15u);
			}
		}
	}
	*error = air->faults == NULL || air->events == NULL || air->changes == NULL ||
				 air->happened == NULL
			 ? "out of memory"
			 : setup(air);
	if (*error != NULL) {
		air_close(air);
		return NULL;
	}
	return air;
}

void air_close(struct air *air)
{
	if (air == NULL) {
		return;
	}
	for (int n = 0; n < AIR_NODES; n++) {
		free(air->antenna[n].arena);
	}
	free(air->faults);
	free(air->events);
	free(air->changes);
	free(air->happened);
	free(air->compute_us);
	free(air->first_exchange);
	free(air);
}

void air_rewind(struct air *air)
{
	for (int n = 0; n < air->config.nodes; n++) {
		if (air->antenna[n].on) {
			(void)cats_node_rewind(&air->antenna[n].node);
		}
	}
}

struct cats_node *air_node(struct air *air, int node)
{
	return &air->antenna[node].node;
}

uint32_t air_frames(const struct air *air)
{
	return air->frames;
}

size_t air_spans(const struct air *air)
{
	return air->spans;
}

uint64_t air_now_ns(const struct air *air)
{
	return (uint64_t)air->now_ns;
}

uint64_t air_sent_ns(const struct air *air, int node)
{
	return air->antenna[node].sent_ns;
}

uint64_t air_computed_ns(const struct air *air, int node)
{
	return air->antenna[node].computed_ns;
}

uint64_t air_code_ns(const struct air *air, int node)
{
	return air->antenna[node].code_ns;
}

uint64_t air_off_ns(const struct air *air, int node)
{
	return air->antenna[node].receiver_off_ns;
}

const struct cats_image *air_image(const struct air *air)
{
	return &air->antenna[0].image;
}
