/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "air.h"

#include <stdlib.h>
#include <string.h>

#include <cats/node.h>

#include "loss.h"

#define NEVER INT64_MAX
#define COPIES 64 /* frames that are delayed or duplicated at a time */

/* Streams of random numbers: splitmix64, each with its own start. */
enum purpose {
	RANDOM_LOSS,
	RANDOM_DUPLICATE,
	RANDOM_DELAY,
	RANDOM_FLIP,
	RANDOM_JOB,
	RANDOM_PURPOSES,
};

struct frame {
	int source;
	uint32_t boot;
	uint32_t number;
	int64_t start_ns;
	int64_t told_ns; /* what counts as its start */
	int64_t end_ns;
	uint16_t length;
	bool destroyed;
	uint8_t data[CATS_FRAME_MAX];
};

/* A frame that one receiver hears later. */
struct copy {
	int64_t at_ns; /* NEVER: the entry is free */
	int receiver;
	uint32_t boot;
	int64_t start_ns;
	uint16_t length;
	uint8_t data[CATS_FRAME_MAX];
};

struct antenna {
	struct air *air;
	struct cats_image image;
	struct cats_node node;
	struct cats_node_config config;
	uint8_t *arena;
	bool on;
	bool heard;    /* anything since the last submit */
	bool began;    /* an inference since the last submit */
	uint32_t boot; /* times it went on */
	int64_t boot_ns;
	int64_t wake_ns;
	/* job */
	bool computing;
	bool ran;
	struct cats_job job;
	int64_t job_end_ns;
	/* transmission: handed out, on air, or neither */
	bool handed;
	bool sending;
	struct frame frame;
	uint64_t sent_ns;
	uint64_t computed_ns;
};

struct air {
	struct air_config config;
	struct air_fault *faults;
	struct air_event *events;
	bool *happened;
	uint32_t *compute_us;
	struct antenna antenna[AIR_NODES];
	bool bad[AIR_NODES][AIR_NODES];
	uint64_t random[RANDOM_PURPOSES][AIR_NODES][AIR_NODES];
	struct copy copies[COPIES];
	int64_t now_ns;
	uint32_t frames;
	size_t gathers;
	size_t *first_exchange; /* [gathers] */
	struct air_record *record;
	int64_t submitted_ns;
};

/* Random numbers */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t draw(struct air *air, enum purpose purpose, int source, int receiver)
{
	return mix(air->random[purpose][source][receiver] += 0x9e3779b97f4a7c15u);
}

static bool chance(struct air *air, double p, enum purpose purpose, int source, int receiver)
{
	return p > 0 && (double)(draw(air, purpose, source, receiver) >> 11) * 0x1p-53 < p;
}

/* Clocks */

static int64_t local_us(const struct air *air, int n, int64_t ns)
{
	return (int64_t)((__int128)ns * (1000000000 + (int64_t)(air->config.drift_ppm[n] * 1e3)) /
			 1000000000000);
}

static uint32_t clock_us(const struct air *air, int n, int64_t ns)
{
	return air->config.clock_us[n] + (uint32_t)local_us(air, n, ns);
}

/* When a node's clock shows a time, at the earliest now. */
static int64_t global_ns(const struct air *air, int n, uint32_t at_us)
{
	int32_t wait = (int32_t)(at_us - clock_us(air, n, air->now_ns));
	int64_t rate = 1000000000 + (int64_t)(air->config.drift_ppm[n] * 1e3);
	__int128 ns = (__int128)(local_us(air, n, air->now_ns) + wait) * 1000000000000;

	ns = (ns + rate - 1) / rate;
	return wait <= 0 || ns < air->now_ns ? air->now_ns : (int64_t)ns;
}

/* Nodes */

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

static int switch_on(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	a->on = true;
	a->boot++;
	a->boot_ns = air->now_ns;
	a->wake_ns = air->now_ns;
	a->computing = false;
	a->handed = false;
	return cats_node_init(&a->node, &a->config, clock_us(air, n, air->now_ns));
}

static void switch_off(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	a->on = false;
	a->wake_ns = NEVER;
	a->computing = false;
	a->handed = false;
	a->sending = false; /* cut off */
	/* What it held is lost. */
	memset(a->arena, 0xa5, a->image.header->arena_size);
}

static void start_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	uint32_t us = 0;

	if (a->computing ||
	    cats_node_compute_begin(&a->node, &a->job, clock_us(air, n, air->now_ns)) != 0) {
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
	a->ran = us == 0 || draw(air, RANDOM_JOB, n, 0) & 1;
	if (a->ran) {
		cats_job_run(&a->job);
	}
	a->computed_ns += (uint64_t)us * 1000;
}

static void end_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (!a->ran) {
		cats_job_run(&a->job);
	}
	a->computing = false;
	cats_node_compute_end(&a->node, &a->job, clock_us(air, n, air->now_ns));
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

/* Do what a node asks for until it waits. */
static void serve(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	struct cats_todo todo;

	do {
		cats_node_poll(&a->node, clock_us(air, n, air->now_ns), &todo);
		a->wake_ns = NEVER;
		if (todo.what == CATS_TODO_SEND) {
			a->handed = true;
			a->frame.source = n;
			a->frame.boot = a->boot;
			a->frame.length = todo.length;
			a->frame.told_ns = global_ns(air, n, todo.at);
			a->frame.start_ns =
				a->frame.told_ns - (int64_t)(air->config.before_us * 1e3);
			if (a->frame.start_ns < air->now_ns) {
				a->frame.start_ns = air->now_ns;
			}
			memcpy(a->frame.data, todo.frame, todo.length);
		} else if (todo.what == CATS_TODO_DONE) {
			take_result(air, n, &todo.result);
		} else if (!todo.forever) {
			a->wake_ns = global_ns(air, n, todo.at);
		}
		if (todo.compute) {
			start_job(air, n);
			if (a->computing && a->job_end_ns == air->now_ns) {
				end_job(air, n);
			}
		}
	} while (todo.what != CATS_TODO_WAIT || todo.compute);
}

/* Frames */

static void hear(struct air *air, int n, const uint8_t *data, uint16_t length, int64_t start_ns)
{
	struct antenna *a = &air->antenna[n];

	if (air->record != NULL && air->record->flags[n] & AIR_FLAG_DONE &&
	    !cats_node_runs(&a->node)) {
		return; /* it has its result and listens again for the next */
	}
	a->heard = true;
	cats_node_receive(&a->node, data, length, clock_us(air, n, start_ns),
			  clock_us(air, n, air->now_ns));
	serve(air, n);
}

static void hear_later(struct air *air, int n, const struct frame *frame, const uint8_t *data,
		       double after_us)
{
	for (int i = 0; i < COPIES; i++) {
		struct copy *copy = &air->copies[i];

		if (copy->at_ns == NEVER) {
			copy->at_ns = air->now_ns + (int64_t)(after_us * 1e3);
			copy->receiver = n;
			copy->boot = air->antenna[n].boot;
			/* As one would hear it who does not know that it is late. */
			copy->start_ns = frame->told_ns + (int64_t)(after_us * 1e3);
			copy->length = frame->length;
			memcpy(copy->data, data, frame->length);
			return;
		}
	}
}

/* As cats_loss() on a device: equal seeds lose equal frames. */
static bool lost_by_name(struct air *air, int r, const struct frame *frame, double p)
{
	struct cats_loss_frame name;

	cats_loss_name(&name, air->antenna[r].image.header->model_id, frame->data, (uint8_t)r);
	return cats_loss_lost((uint32_t)air->config.seed,
			      cats_loss_threshold((uint32_t)(p * 1e6 + 0.5)), &name);
}

static bool lost_on_link(struct air *air, int s, int r, const struct frame *frame)
{
	const struct air_link *link = &air->config.link[s][r];
	bool *bad = &air->bad[s][r];

	if (air->config.named && link->enter == 0) {
		return lost_by_name(air, r, frame, link->loss);
	}
	if (link->enter > 0) {
		*bad = *bad ? !chance(air, link->leave, RANDOM_LOSS, s, r)
			    : chance(air, link->enter, RANDOM_LOSS, s, r);
	}
	return chance(air, *bad ? link->bad_loss : link->loss, RANDOM_LOSS, s, r);
}

/* What one receiver makes of a frame. */
static void arrive(struct air *air, int r, const struct frame *frame)
{
	const struct air_config *c = &air->config;
	int s = frame->source;
	bool lost = lost_on_link(air, s, r, frame);
	bool twice = chance(air, c->duplicate, RANDOM_DUPLICATE, s, r);
	bool late = chance(air, c->delay, RANDOM_DELAY, s, r);
	double twice_us =
		twice ? (double)(draw(air, RANDOM_DUPLICATE, s, r) % 1000) * c->delay_us / 1e3 : 0;
	double late_us =
		late ? (double)(draw(air, RANDOM_DELAY, s, r) % 1000) * c->delay_us / 1e3 : 0;
	uint8_t data[CATS_FRAME_MAX];

	memcpy(data, frame->data, frame->length);
	if (chance(air, c->flip, RANDOM_FLIP, s, r)) {
		for (uint64_t bits = 1 + draw(air, RANDOM_FLIP, s, r) % 3; bits > 0; bits--) {
			uint64_t bit = draw(air, RANDOM_FLIP, s, r) % (frame->length * 8u);

			data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	for (size_t i = 0; i < c->fault_count; i++) {
		const struct air_fault *f = &air->faults[i];

		if (f->frame != frame->number || (f->receiver >= 0 && f->receiver != r)) {
			continue;
		}
		switch (f->kind) {
		case AIR_DROP:
			lost = true;
			break;
		case AIR_DUPLICATE:
			twice = true;
			twice_us = f->value;
			break;
		case AIR_DELAY:
			late = true;
			late_us = f->value;
			break;
		default:
			data[(f->value >> 8) % frame->length] ^= (uint8_t)f->value;
			break;
		}
	}
	if (lost || !air->antenna[r].on || air->antenna[r].boot_ns > frame->start_ns) {
		return;
	}
	if (twice) {
		hear_later(air, r, frame, data, twice_us);
	}
	if (late) {
		hear_later(air, r, frame, data, late_us);
	} else {
		hear(air, r, data, frame->length, frame->told_ns);
	}
}

static void apply_events(struct air *air, bool by_frame, uint64_t at)
{
	for (size_t i = 0; i < air->config.event_count; i++) {
		struct air_event *e = &air->events[i];

		if (air->happened[i] || e->by_frame != by_frame || e->at > at) {
			continue;
		}
		air->happened[i] = true;
		if (e->on && !air->antenna[e->node].on) {
			switch_on(air, e->node);
		} else if (!e->on && air->antenna[e->node].on) {
			switch_off(air, e->node);
		}
	}
}

static void start_frame(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	uint32_t bytes = air->config.overhead + a->frame.length;
	double us = air->config.ramp_us + bytes * air->config.byte_us;

	a->handed = false;
	a->sending = true;
	a->frame.number = air->frames++;
	a->frame.end_ns = a->frame.start_ns + (int64_t)(us * 1e3);
	a->frame.destroyed = false;
	a->sent_ns += (uint64_t)(us * 1e3);
	if (air->record != NULL) {
		uint8_t type = a->frame.data[0] & 15;

		air->record->frames++;
		air->record->coded += type == CATS_FRAME_CODED;
		air->record->control += type != CATS_FRAME_CODED && type != CATS_FRAME_DATA;
		air->record->bytes += bytes;
		air->record->air_ns += (uint64_t)(us * 1e3);
	}
	for (int other = 0; other < air->config.nodes; other++) {
		struct antenna *o = &air->antenna[other];

		if (other != n && o->sending) {
			if (air->record != NULL) {
				air->record->collisions += !o->frame.destroyed;
				air->record->collisions += !a->frame.destroyed;
			}
			o->frame.destroyed = true;
			a->frame.destroyed = true;
		}
	}
	apply_events(air, true, a->frame.number);
}

static void end_frame(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	const struct frame frame = a->frame;

	a->sending = false;
	for (int r = 0; r < air->config.nodes; r++) {
		if (r != n && !frame.destroyed) {
			arrive(air, r, &frame);
		}
	}
	if (a->on && a->boot == frame.boot) {
		/* If it was destroyed on the air, its sender does not know. */
		cats_node_sent(&a->node, true, clock_us(air, n, frame.told_ns));
		serve(air, n);
	}
}

/* Time */

/* The next thing that happens, or false where nothing ever does before `until`. */
static bool step(struct air *air, int64_t until)
{
	enum {
		WAKE,
		JOB,
		START,
		END,
		COPY,
		EVENT,
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
	for (int n = 0; n < air->config.nodes; n++) {
		struct antenna *a = &air->antenna[n];

		/* A frame's end before its receivers' wishes. */
		CONSIDER(a->sending, a->frame.end_ns, END, n)
	}
	for (int i = 0; i < COPIES; i++) {
		CONSIDER(true, air->copies[i].at_ns, COPY, i)
	}
	for (int n = 0; n < air->config.nodes; n++) {
		struct antenna *a = &air->antenna[n];

		CONSIDER(a->handed, a->frame.start_ns, START, n)
		CONSIDER(a->computing, a->job_end_ns, JOB, n)
		CONSIDER(a->on, a->wake_ns, WAKE, n)
	}
	for (size_t i = 0; i < air->config.event_count; i++) {
		CONSIDER(!air->happened[i] && !air->events[i].by_frame,
			 (int64_t)air->events[i].at * 1000, EVENT, (int)i)
	}
#undef CONSIDER
	air->now_ns = at > air->now_ns ? at : air->now_ns;
	switch (what) {
	case WAKE:
		serve(air, which);
		break;
	case JOB:
		end_job(air, which);
		serve(air, which);
		break;
	case START:
		start_frame(air, which);
		break;
	case END:
		end_frame(air, which);
		break;
	case COPY: {
		struct copy copy = air->copies[which];

		air->copies[which].at_ns = NEVER;
		if (air->antenna[copy.receiver].on &&
		    air->antenna[copy.receiver].boot == copy.boot) {
			hear(air, copy.receiver, copy.data, copy.length, copy.start_ns);
		}
		break;
	}
	case EVENT:
		apply_events(air, false, air->events[which].at);
		break;
	default:
		return false;
	}
	return true;
}

int air_infer(struct air *air, const int8_t *const *inputs, uint64_t gap_us, uint64_t deadline_us,
	      struct air_record *record)
{
	int64_t until = air->now_ns + (int64_t)gap_us * 1000;
	bool waiting = true;

	air->record = NULL;
	while (step(air, until)) {
	}
	air->record = record;
	for (int i = 0; i < COPIES; i++) {
		/* Numbers tell inferences apart, unless nodes that did not hear each other reuse
		 * them: what was late is not to cross into the next.
		 */
		air->copies[i].at_ns = NEVER;
	}
	air->submitted_ns = air->now_ns;
	record->hung = -1;
	for (int n = 0; n < air->config.nodes; n++) {
		struct antenna *a = &air->antenna[n];

		record->latency_us[n] = -1;
		a->heard = false;
		a->began = false;
		if (a->on) {
			record->flags[n] = AIR_FLAG_ON;
			cats_node_submit(&a->node, inputs[n], clock_us(air, n, air->now_ns));
			serve(air, n);
		}
	}
	until = air->now_ns + (int64_t)deadline_us * 1000;
	while (waiting) {
		bool any_done = false;
		bool any_running = false;

		waiting = false;
		for (int n = 0; n < air->config.nodes; n++) {
			struct antenna *a = &air->antenna[n];

			any_done = any_done || record->flags[n] & AIR_FLAG_DONE;
			any_running = any_running || (a->on && cats_node_runs(&a->node));
		}
		for (int n = 0; n < air->config.nodes && any_done && !any_running; n++) {
			struct antenna *a = &air->antenna[n];

			/* Who heard the others but could not join gives up, as its application
			 * would. */
			if (a->on && a->heard && cats_node_withdraw(&a->node) == 0) {
				serve(air, n);
			}
		}
		for (int n = 0; n < air->config.nodes; n++) {
			struct antenna *a = &air->antenna[n];

			waiting =
				waiting || (a->on && (cats_node_runs(&a->node) || a->node.pending));
		}
		if (waiting && !step(air, until)) {
			for (int n = 0; n < air->config.nodes; n++) {
				struct antenna *a = &air->antenna[n];

				if (a->on && (cats_node_runs(&a->node) || a->node.pending)) {
					record->hung = n;
				}
			}
			waiting = false;
		}
	}
	record->span_ns = (uint64_t)(air->now_ns - air->submitted_ns);
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

	for (int n = 0; n < c->nodes; n++) {
		struct antenna *a = &air->antenna[n];
		int error = cats_image_verify(c->image[n], c->image_size[n], &a->image);

		if (error == CATS_IMAGE_OK) {
			error = cats_image_expect(&a->image, n, image->header->model_id);
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
		a->wake_ns = NEVER;
		if (a->arena == NULL) {
			return "out of memory";
		}
		if (c->on[n] && switch_on(air, n) != 0) {
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
	air->happened = calloc(config->event_count + 1, sizeof(bool));
	for (int i = 0; i < COPIES; i++) {
		air->copies[i].at_ns = NEVER;
	}
	for (int p = 0; p < RANDOM_PURPOSES; p++) {
		for (int s = 0; s < AIR_NODES; s++) {
			for (int r = 0; r < AIR_NODES; r++) {
				air->random[p][s][r] =
					mix(mix(config->seed + 1) +
					    (uint64_t)((p * AIR_NODES + s) * AIR_NODES + r + 1) *
						    0x9e3779b97f4a7c15u);
			}
		}
	}
	*error = air->faults == NULL || air->events == NULL || air->happened == NULL
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
	free(air->happened);
	free(air->compute_us);
	free(air->first_exchange);
	free(air);
}

struct cats_node *air_node(struct air *air, int node)
{
	return &air->antenna[node].node;
}

uint32_t air_frames(const struct air *air)
{
	return air->frames;
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

const struct cats_image *air_image(const struct air *air)
{
	return &air->antenna[0].image;
}
