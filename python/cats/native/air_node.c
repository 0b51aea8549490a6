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
	return air->config.clock_us[n] + (uint32_t)air->antenna[n].jump_us +
	       (uint32_t)air->antenna[n].wobble_us + (uint32_t)local_us(air, n, ns);
}

void air_set_drift(struct air *air, int n, double ppm)
{
	int64_t before = local_us(air, n, air->now_ns);

	air->config.drift_ppm[n] = ppm;
	air->antenna[n].jump_us += (int32_t)(before - local_us(air, n, air->now_ns));
}

/* Behind a sleep a clock goes on as exactly as the one does that went on meanwhile. */
static void wobble(struct air *air, int n)
{
	uint32_t range = air->config.jitter_us + 1u;

	air->antenna[n].wobble_us =
		(int32_t)(air_draw(air, RANDOM_WOBBLE, n, 0) % range) - (int32_t)(range / 2);
}

/* When a node's clock shows a time that is near @p near_ns. */
static int64_t global_ns(const struct air *air, int n, uint32_t at_us, int64_t near_ns)
{
	int32_t wait = (int32_t)(at_us - air_clock_us(air, n, near_ns));
	int64_t rate = 1000000000 + (int64_t)(air->config.drift_ppm[n] * 1e3);
	__int128 ns = (__int128)(local_us(air, n, near_ns) + wait) * 1000000000000;

	return (int64_t)((ns + rate - 1) / rate);
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
	if (air_record_of(air, (int)n) == NULL) {
		return;
	}
	bits = air->record->bits +
	       ((air->first_exchange[x.gather] + x.tile) * nodes + n) * nodes * bytes;
	for (size_t s = 0; s < nodes; s++) {
		const uint16_t count = cats_fragment_count(&antenna->image, x, (uint8_t)s);

		/* of who sends nothing in it there is what was before */
		memcpy(bits + s * bytes, a->bits[s], count != 0 ? bytes : 0);
		air->record->fragments += s == n ? 0 : count;
	}
}

const char *air_plug(struct air *air, int n)
{
	const struct air_config *c = &air->config;
	struct antenna *a = &air->antenna[n];
	int node = air_node_of(air, n);
	int error = cats_image_verify(c->image[node], c->image_size[node], &a->image);

	if (error == CATS_IMAGE_OK) {
		error = cats_image_expect(&a->image, node, air->antenna[0].image.header->model_id);
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
		.group = n < c->nodes ? c->group : c->neighbour_group,
		.first_inference = c->first_inference,
		.lead_us = c->lead_us,
		.early_us = c->early_us,
		.late_us = c->late_us,
		.timeout_us = c->timeout_us,
		.start_us = c->start_us,
		.replay = c->replay,
		.period_us = c->period_us,
		.clock_ppm = c->clock_ppm,
		.jitter_us = c->jitter_us,
		.available = available,
		.user = a,
	};
	a->wake_ns = AIR_NEVER;
	return a->arena == NULL ? "out of memory" : NULL;
}

struct air_span *air_note(struct air *air, int n, enum air_span_kind kind, int64_t start_ns,
			  int64_t end_ns)
{
	struct air_span *span;

	if (air->config.spans == NULL || n >= air->config.nodes ||
	    air->spans++ >= air->config.span_count) {
		return NULL;
	}
	span = &air->config.spans[air->spans - 1];
	*span = (struct air_span){
		.start_ns = (uint64_t)start_ns,
		.end_ns = (uint64_t)end_ns,
		.inference = air->antenna[n].node.number,
		.kind = (uint8_t)kind,
		.node = (uint8_t)n,
	};
	return span;
}

void air_note_frame(struct air *air, int n, enum air_span_kind kind, const struct frame *frame,
		    int64_t end_ns)
{
	int64_t start_ns = kind == AIR_SPAN_FRAME ? frame->start_ns : end_ns;
	struct air_span *span = air_note(air, n, kind, start_ns, end_ns);
	struct cats_frame parsed;
	/* Its own sender would refuse it. */
	const struct antenna *reader =
		&air->antenna[(air_node_of(air, frame->source) + 1) % air->config.nodes];

	if (span == NULL) {
		return;
	}
	span->length = frame->length;
	span->source = (uint8_t)air_node_of(air, frame->source);
	if (cats_frame_parse(&reader->image, reader->node.key, frame->data, frame->length,
			     &parsed) == 0) {
		span->inference = parsed.inference;
		span->what = (uint8_t)parsed.type;
		span->gather = (uint8_t)parsed.x.gather;
		span->tile = (uint8_t)parsed.x.tile;
		span->round = parsed.round;
		span->index = parsed.index;
	}
}

/* Whether a receiver goes off for so long, or one that is off stays so. */
static bool rests(const struct antenna *a, int64_t ns, bool off)
{
	return ns > (off ? 0 : (int64_t)a->air->config.rest_ns);
}

/* What was said before counts until then. Whether the receiver is off then. */
static bool stop_resting(struct antenna *a, int64_t ns)
{
	bool off = a->off_until_ns > ns;
	int64_t window = a->window_ns;

	if (off) {
		*a->rests_ns -= (uint64_t)(a->off_until_ns - ns);
		a->off_until_ns = ns;
	}
	a->window_ns = AIR_NEVER;
	if (window < ns && rests(a, a->again_ns - window, false)) {
		int64_t end = a->again_ns < ns ? a->again_ns : ns;

		*a->rests_ns += (uint64_t)(end - window);
		off = a->again_ns > ns;
	}
	return off;
}

uint64_t air_on_ns(const struct air *air, int node)
{
	const struct antenna *a = &air->antenna[node];
	int64_t later = a->off_until_ns - air->now_ns;
	uint64_t on = a->powered_ns - a->receiver_off_ns - a->asleep_ns;

	if (a->on) {
		on += (uint64_t)(air->now_ns - a->boot_ns) + (uint64_t)(later > 0 ? later : 0);
	}
	return on;
}

int air_switch_on(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (air->now_ns > a->off_ns) {
		(void)air_note(air, n, AIR_SPAN_OFF, a->off_ns, air->now_ns);
	}
	a->on = true;
	a->boot++;
	a->boot_ns = air->now_ns;
	a->code_end_ns = AIR_NEVER;
	a->wake_ns = air->now_ns;
	a->free_ns = air->now_ns;
	a->heard_count = 0;
	a->ended_count = 0;
	a->taking = false;
	a->computing = false;
	a->handed = 0;
	a->off_until_ns = air->now_ns;
	a->rests_ns = &a->asleep_ns;
	a->window_ns = AIR_NEVER;
	a->sense_ns = AIR_NEVER;
	a->sensed_ns = AIR_NEVER;
	a->polled.open = false;
	return cats_node_init(&a->node, &a->config, air_clock_us(air, n, air->now_ns));
}

void air_switch_off(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	stop_resting(a, air->now_ns);
	a->powered_ns += (uint64_t)(air->now_ns - a->boot_ns);
	a->on = false;
	a->off_ns = air->now_ns;
	a->wake_ns = AIR_NEVER;
	a->sense_ns = AIR_NEVER;
	a->sensed_ns = AIR_NEVER;
	a->computing = false;
	a->handed = 0;
	a->sending = false; /* cut off */
	/* What it held is lost. */
	memset(a->arena, 0xa5, a->image.header->arena_size);
}

/* The processor */

/* Code that follows code is one span. */
static void note_code(struct antenna *a, int64_t ns)
{
	if (ns != 0 && a->code_end_ns != a->free_ns) {
		a->code_span = air_note(a->air, (int)(a - a->air->antenna), AIR_SPAN_CODE,
					a->free_ns, a->free_ns);
	}
	if (ns != 0 && a->code_span != NULL) {
		a->code_span->end_ns += (uint64_t)ns;
	}
	a->code_end_ns = a->free_ns + ns;
}

/* The air queue works for so long; a job that runs waits. */
static void spend(struct antenna *a, double ns)
{
	if (!a->air->config.code_counted) {
		return;
	}
	note_code(a, (int64_t)ns);
	a->free_ns += (int64_t)ns;
	a->code_ns += (uint64_t)ns;
	a->job_end_ns += a->computing ? (int64_t)ns : 0;
}

static uint32_t clock_us(const struct antenna *a)
{
	return air_clock_us(a->air, (int)(a - a->air->antenna), a->free_ns);
}

/* Whether others are in the inference that began here still, since before this node went on last:
 * it speaks twice with different content under one number, which no node may.
 */
static bool again(const struct antenna *a)
{
	const struct air *air = a->air;

	if (a->number != a->node.number) {
		return false;
	}
	for (int n = 0; n < air->config.nodes; n++) {
		const struct antenna *other = &air->antenna[n];

		if (other != a && other->on && cats_node_runs(&other->node) &&
		    other->node.number == a->number && other->begun_ns < a->boot_ns) {
			return true;
		}
	}
	return false;
}

/* Whether a node follows into an inference that nobody began since the last submit: a frame of one
 * that is over came so late that it looked like a beginning. The others had the inputs of that one.
 */
static bool of_before(const struct antenna *a)
{
	const struct air *air = a->air;

	if (cats_node_leads(&a->node)) {
		return false;
	}
	for (int n = 0; n < air->config.nodes; n++) {
		if (air->antenna[n].began && air->antenna[n].number == a->node.number) {
			return false;
		}
	}
	return true;
}

/* An inference begins here; after a restart it may be the second one of a record. */
static void note_begin(struct antenna *a, int n)
{
	struct air_record *record = a->air->record;

	record->mixed |= (a->began && !again(a)) || of_before(a);
	a->began = true;
	a->number = a->node.number;
	record->number[n] = a->node.number;
	record->known[n] = cats_engine_rows(&a->node.engine);
	record->position[n] = a->node.engine.position;
	record->token[n] = a->node.texts.word;
	record->top[n] = a->node.texts.text.position;
	record->text[n] = a->node.texts.text.text;
	record->flags[n] &= (uint8_t)~(AIR_FLAG_INPUT | AIR_FLAG_REPLAY | AIR_FLAG_TOLD);
	record->flags[n] |= a->node.texts.replays ? AIR_FLAG_REPLAY : 0;
	record->flags[n] |= a->node.texts.sure ? AIR_FLAG_TOLD : 0;
	record->flags[n] |= a->node.used_input ? AIR_FLAG_INPUT : 0;
}

static int64_t computing_ns(const struct air *air, int n, struct cats_exchange x, bool consume)
{
	const struct antenna *a = &air->antenna[n];
	const struct cats_image_gather *gather = &a->image.gathers[x.gather];
	size_t row = (size_t)air_node_of(air, n) * air->gathers + x.gather;
	const uint16_t flags = a->image.model->flags;
	const int attends = flags & CATS_FLAG_PARALLEL ? CATS_GATHER_HIDDEN : CATS_GATHER_HEADS;
	int64_t us = air->compute_us == NULL ? 0 : air->compute_us[row * 2 + consume];

	if (us != 0 && !consume && (flags & CATS_FLAG_LLAMA) != 0 && gather->kind == attends) {
		us -= cats_unseen_us(gather - 1, cats_context_rows(&a->image) - a->node.engine.had);
	}
	return us * 1000;
}

/* Own rows of an exchange, and what is computed of those that were passed over. */
static int64_t producing_ns(const struct air *air, int n, struct cats_exchange x)
{
	struct cats_exchange s = {.gather = x.gather - air->antenna[n].job.passed};
	int64_t ns = computing_ns(air, n, x, false);

	for (; s.gather != x.gather; s.gather++) {
		ns += computing_ns(air, n, s, false) + computing_ns(air, n, s, true);
	}
	return ns;
}

static bool start_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	int64_t ns = 0;

	if (a->computing || cats_node_compute_begin(&a->node, &a->job, clock_us(a)) != 0) {
		return false;
	}
	spend(a, air->config.code.job);
	if (a->job.what == CATS_JOB_BEGIN) {
		a->begun_ns = a->free_ns;
		if (air_record_of(air, n) != NULL) {
			note_begin(a, n);
		}
	}
	if (a->job.what == CATS_JOB_PRODUCE) {
		ns = producing_ns(air, n, a->job.x);
	} else if (a->job.what == CATS_JOB_CONSUME) {
		ns = computing_ns(air, n, a->job.x, true);
		ns += a->job.both ? producing_ns(air, n, a->job.next) : 0;
	}
	if (air->config.code_counted) {
	}
	a->computing = true;
	a->job_start_ns = a->free_ns;
	a->job_end_ns = a->free_ns + ns;
	/* All of its work at its start or all at its end: frames that arrive meanwhile must not
	 * matter.
	 */
	a->ran = ns == 0 || air_draw(air, RANDOM_JOB, n, 0) & 1;
	if (a->ran) {
		cats_job_run(&a->job);
	}
	a->computed_ns += (uint64_t)ns;
	return true;
}

static void note_job(struct air *air, int n)
{
	const struct antenna *a = &air->antenna[n];
	struct air_span *span = NULL;

	if (a->job_end_ns > a->job_start_ns) {
		span = air_note(air, n, AIR_SPAN_JOB, a->job_start_ns, a->job_end_ns);
	}
	if (span != NULL) {
		span->what = (uint8_t)a->job.what;
		span->gather = (uint8_t)a->job.x.gather;
		span->tile = (uint8_t)a->job.x.tile;
	}
}

void air_end_job(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (!a->ran) {
		cats_job_run(&a->job);
	}
	note_job(air, n);
	a->computing = false;
	if (a->free_ns < air->now_ns) {
		a->free_ns = air->now_ns;
	}
	cats_node_compute_end(&a->node, &a->job, clock_us(a));
}

static void take_result(struct antenna *a, int n, const struct cats_result *result)
{
	struct air *air = a->air;
	struct air_record *record = air_record_of(air, n);
	size_t size = (size_t)result->rows * result->columns;

	(void)air_note(air, n, AIR_SPAN_INFERENCE, a->begun_ns, a->free_ns);
	if (record == NULL || record->flags[n] & AIR_FLAG_DONE) {
		return;
	}
	memcpy(record->outputs + (size_t)n * size, result->output, size * sizeof(int16_t));
	record->flags[n] |= AIR_FLAG_DONE | (result->led ? AIR_FLAG_LED : 0);
	record->lost[n] = result->lost;
	record->latency_us[n] = (a->free_ns - air->submitted_ns) / 1000;
}

static void hand(struct air *air, int n, const struct cats_todo *todo)
{
	struct antenna *a = &air->antenna[n];
	const struct air_code *code = &air->config.code;
	struct frame *frame = &a->frame[a->handed];

	frame->source = n;
	frame->length = todo->length;
	frame->told_ns = global_ns(air, n, todo->at, a->free_ns);
	frame->start_ns = frame->told_ns - (int64_t)(air->config.before_us * 1e3);
	memcpy(frame->data, todo->frame, todo->length);
	spend(a, air_code_built(code, &a->image, frame->data, frame->length) +
			 air_code_aes(code, frame->length));
	if (!air->config.code_counted) {
		frame->told_ns = frame->told_ns > a->free_ns ? frame->told_ns : a->free_ns;
	} else if (a->free_ns > frame->told_ns - (int64_t)air->config.hand_ns) {
		if (air_record_of(air, n) != NULL) {
			air->record->late++;
		}
		air_note_frame(air, n, AIR_SPAN_LATE, frame, a->free_ns);
		cats_node_sent(&a->node, false, todo->at);
		return;
	}
	if (frame->start_ns < a->free_ns) {
		frame->start_ns = a->free_ns;
	}
	a->handed++;
}

/* It looks in the middle of the shortest frame that may have begun then. */
static void sense(struct air *air, int n, uint32_t at)
{
	struct antenna *a = &air->antenna[n];
	double us = (air->config.overhead + CATS_FRAME_HEADER) * air->config.byte_us / 2;
	int64_t start_ns = global_ns(air, n, at, a->free_ns);

	a->sensed_ns = start_ns + (int64_t)air->config.sense_ns;
	a->sense_ns = start_ns + (int64_t)(us * 1e3);
	a->sense_ns = a->sense_ns < a->sensed_ns ? a->sense_ns : a->sensed_ns;
}

void air_sense(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	a->sense_ns = AIR_NEVER;
	a->busy = air_busy(air, n);
}

/* When the node is looked at that asked for it: the kernel's timer has ticks. */
static int64_t wake_ns(const struct antenna *a, int64_t at_ns)
{
	int64_t tick = (int64_t)a->air->config.tick_ns;

	if (at_ns < a->free_ns) {
		return a->free_ns;
	}
	return !a->air->config.code_counted || tick == 0 ? at_ns : (at_ns / tick + 2) * tick;
}

/* Whether a frame is noticed as soon as the receiver is to go off. */
static bool noticed(const struct air *air, const struct frame *frame, int64_t off_ns)
{
	double us = air->config.ramp_us + air->config.detect_us;

	return frame->start_ns + (int64_t)(us * 1e3) <= off_ns;
}

/* A frame that is being received stays so; one that has just begun is cut off by going off. */
static bool receives(struct air *air, int n, int64_t off_ns, bool off)
{
	uint32_t me = UINT32_C(1) << n;

	for (int s = 0; s < air->antennas; s++) {
		struct frame *frame = &air->antenna[s].frame[0];

		if (s == n || !air->antenna[s].sending || (frame->unheard & me) != 0) {
			continue;
		}
		if (noticed(air, frame, off_ns)) {
			return true;
		}
		if (off) {
			frame->unheard |= me;
		}
	}
	return false;
}

bool air_listens(struct air *air, int n, const struct frame *frame)
{
	struct antenna *a = &air->antenna[n];
	int64_t first_ns = frame->start_ns + (int64_t)(air->config.ramp_us * 1e3); /* bit */

	if (first_ns < a->off_until_ns) {
		if (!noticed(air, frame, a->off_from_ns)) {
			return false;
		}
		/* Its code is to put it off, but has not come to that. */
		*a->rests_ns -= (uint64_t)(a->off_until_ns - a->off_from_ns);
		a->off_until_ns = a->off_from_ns;
	}
	if (noticed(air, frame, a->window_ns)) {
		a->window_ns = AIR_NEVER;
	}
	return a->window_ns == AIR_NEVER || first_ns >= a->again_ns;
}

/* When a receiver is started that is to hear by then. */
static int64_t on_ns(const struct air *air, int n, uint32_t at_us)
{
	return global_ns(air, n, at_us, air->antenna[n].free_ns) - (int64_t)air->config.start_ns;
}

/* The receiver off, where nothing comes. Returns when the node is to be asked again. */
static int64_t listen(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	bool runs = cats_node_runs(&a->node);
	struct cats_listen listen = {0};
	int64_t until;
	bool off;

	if (runs ? air->config.listens : air->config.period_us != 0) {
		cats_node_listen(&a->node, clock_us(a), (uint32_t)air->config.detect_us, &listen);
	}
	off = stop_resting(a, a->free_ns);
	a->rests_ns = runs ? &a->receiver_off_ns : &a->asleep_ns;
	until = listen.off ? on_ns(air, n, listen.from_us) : a->free_ns;
	off = rests(a, until - a->free_ns, off);
	if (receives(air, n, a->free_ns, off)) {
		return listen.ask ? global_ns(air, n, listen.ask_us, a->free_ns) : AIR_NEVER;
	}
	if (off) {
		if (a->off_until_ns < a->free_ns) {
			a->off_from_ns = a->free_ns;
			if (!runs && until - a->free_ns > AIR_SLEEP_NS) {
				wobble(air, n);
				until = on_ns(air, n, listen.from_us);
			}
		}
		*a->rests_ns += (uint64_t)(until - a->free_ns);
		a->off_until_ns = until;
	}
	if (!listen.ask) {
		return AIR_NEVER;
	}
	a->window_ns = global_ns(air, n, listen.ask_us, a->free_ns);
	a->again_ns = on_ns(air, n, listen.again_us);
	return a->window_ns;
}

/* It waits: its receiver is off, where it may be. */
static void rest(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (air->config.listens || air->config.period_us != 0) {
		int64_t ask = listen(air, n);

		if (ask != AIR_NEVER && wake_ns(a, ask) < a->wake_ns) {
			a->wake_ns = wake_ns(a, ask);
		}
	}
}

/* Do what a node asks for until it waits. */
static void serve(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	struct cats_todo todo;

	do {
		cats_node_poll(&a->node, clock_us(a), &todo);
		spend(a, air_code_polled(&air->config.code, &a->polled, &a->node));
		a->wake_ns = AIR_NEVER;
		if (todo.what == CATS_TODO_SEND) {
			hand(air, n, &todo);
		} else if (todo.what == CATS_TODO_DONE) {
			take_result(a, n, &todo.result);
		} else if (todo.what == CATS_TODO_SENSE) {
			sense(air, n, todo.at);
		} else if (!todo.forever) {
			a->wake_ns = wake_ns(a, global_ns(air, n, todo.at, a->free_ns));
		}
		if (todo.what == CATS_TODO_WAIT) {
			rest(air, n);
		}
		/* Behind it: a job's thread waits for this code. */
		if (todo.what == CATS_TODO_WAIT && todo.compute && start_job(air, n) &&
		    a->job_end_ns == a->free_ns) {
			air_end_job(air, n);
		}
	} while (todo.what != CATS_TODO_WAIT || todo.compute);
}

int64_t air_due_ns(const struct air *air, int n)
{
	const struct antenna *a = &air->antenna[n];
	bool waits = a->heard_count != 0 || a->ended_count != 0;
	int64_t at_ns = a->wake_ns < a->sensed_ns ? a->wake_ns : a->sensed_ns;

	return waits || at_ns < a->free_ns ? a->free_ns : at_ns;
}

/* The drivers' frames before anything else, all that have come: they tell them in one go. */
void air_run_queue(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	const struct air_code *code = &air->config.code;

	if (a->free_ns < air->now_ns) {
		a->free_ns = air->now_ns;
	}
	if (a->sensed_ns <= a->free_ns) {
		a->sensed_ns = AIR_NEVER;
		a->taking = false;
		if (a->off_until_ns > a->free_ns) {
			*a->rests_ns -= (uint64_t)(air->config.start_ns + air->config.sense_ns);
		}
		spend(a, code->isr + code->wake);
		cats_node_sensed(&a->node, a->busy);
		serve(air, n);
		return;
	}
	spend(a, a->heard_count + a->ended_count != 0 ? code->wake : code->expire);
	if (a->heard_count != 0) {
		struct waiting frame = a->ring[0];

		a->heard_count--;
		memmove(a->ring, a->ring + 1, (size_t)a->heard_count * sizeof(a->ring[0]));
		a->taking = true;
		spend(a, air_code_aes(code, frame.length));
		cats_node_receive(&a->node, frame.data, frame.length,
				  air_clock_us(air, n, frame.start_ns), clock_us(a));
		spend(a, air_code_received(code, a->node.config.image, frame.data, frame.length));
	} else {
		a->taking = false;
		if (a->ended_count != 0) {
			cats_node_sent(&a->node, true, air_clock_us(air, n, a->ended_ns[0]));
			a->ended_ns[0] = a->ended_ns[--a->ended_count];
		}
	}
	serve(air, n);
}

void air_kick(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];

	if (air->config.code_counted) {
		a->wake_ns = air->now_ns;
	} else {
		air_run_queue(air, n);
	}
}

void air_hear(struct air *air, int n, const uint8_t *data, uint16_t length, int64_t start_ns)
{
	struct antenna *a = &air->antenna[n];
	bool taking = a->taking && a->free_ns > air->now_ns;
	struct waiting *frame = &a->ring[a->heard_count];

	a->heard = a->heard || (data[0] & 15) != CATS_FRAME_ASK; /* an inference of others */
	if (a->heard_count + taking == AIR_WAITING) {
		if (air_record_of(air, n) != NULL) {
			air->record->overrun++;
		}
		return;
	}
	a->heard_count++;
	frame->start_ns = start_ns;
	frame->length = length;
	memcpy(frame->data, data, length);
	if (!air->config.code_counted) {
		air_run_queue(air, n);
	}
}

void air_sent(struct air *air, int n, int64_t told_ns)
{
	struct antenna *a = &air->antenna[n];

	a->ended_ns[a->ended_count++] = told_ns;
	if (!air->config.code_counted) {
		air_run_queue(air, n);
	}
}
