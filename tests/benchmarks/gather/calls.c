/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Calls of one node. Each is made once, and where it may be the worst of its kind it is counted,
 * time and again from the state that was before it.
 */

#include <string.h>

#include "gather.h"

#define SPARE_SIZE (128 * 1024)

static struct cats_node *counted;
static struct cats_node before;
static uint64_t spare[SPARE_SIZE / 8];

struct call {
	struct cats_node *node;
	uint32_t now;
	const struct flight *flight;
	struct cats_todo todo;
	struct cats_job job;
	/* set by about() */
	const char *name;
	uint32_t units;
};

void calls_count(struct cats_node *node)
{
	counted = node;
}

static void copy(void *to, const void *from, size_t size)
{
	uint32_t *d = to;
	const uint32_t *s = from;

	for (size_t i = 0; i < size / 4; i++) {
		d[i] = s[i];
	}
}

static void reset_node(void)
{
	copy(counted, &before, sizeof(before));
}

/* What is solved for changes the arena. */
static void reset_all(void)
{
	copy(counted->config.arena, spare, (counted->config.arena_size + 3) / 4 * 4);
	reset_node();
}

static void reset_nothing(void)
{
}

/* about() tells a call's name and units when it has been made. */
static void make(struct call *call, void (*run)(void *), void (*about)(struct call *),
		 void (*reset)(void))
{
	uint32_t ticks;

	if (call->node != counted) {
		run(call);
		return;
	}
	copy(&before, counted, sizeof(before));
	reset();
	ticks_begin();
	run(call);
	ticks = ticks_now();
	about(call);
	if (may_be_worst(call->name, ticks)) {
		worst(call->name, count_after(reset, run, call), call->units);
		run(call);
	}
}

/* Frames */

bool carries_payload(const uint8_t *frame)
{
	const uint8_t type = frame[0] & 15;

	return type == CATS_FRAME_DATA || type == CATS_FRAME_CODED;
}

static void run_receive(void *argument)
{
	const struct call *c = argument;

	(void)cats_node_receive(c->node, c->flight->frame, c->flight->length, c->flight->start,
				c->now);
}

static void about_receive(struct call *c)
{
	static const char *const names[] = {"receive/sync", "receive/data", "receive/need",
					    "receive/coded", "receive/ask"};

	c->name = names[c->flight->frame[0] & 15];
	if ((c->flight->frame[0] & 15) == CATS_FRAME_CODED && before.code.total == 0) {
		c->name = "receive/first"; /* who has not heard of the round: it is laid out */
	}
	c->units = c->flight->length;
}

static void about_again(struct call *c)
{
	c->name = "receive/again";
	c->units = c->flight->length;
}

static void run_parse(void *argument)
{
	const struct call *c = argument;
	struct cats_frame frame;

	(void)cats_frame_parse(c->node->config.image, c->node->key, c->flight->frame,
			       c->flight->length, &frame);
}

static void about_parse(struct call *c)
{
	c->name = carries_payload(c->flight->frame) ? "frame/parse/payload" : "frame/parse/control";
	c->units = c->flight->length;
}

void calls_receive(struct cats_node *node, const struct flight *flight, uint32_t now)
{
	struct call c = {.node = node, .flight = flight, .now = now};
	const bool open = !node->reception[node->air].final;

	if (node != counted) {
		run_receive(&c);
		return;
	}
	if (node->config.arena_size > sizeof(spare) - 3) {
		stop(8);
	}
	copy(spare, node->config.arena, (node->config.arena_size + 3) / 4 * 4);
	make(&c, run_receive, about_receive, reset_all);
	make(&c, run_parse, about_parse, reset_nothing);
	if (carries_payload(flight->frame) && open) {
		make(&c, run_receive, about_again, reset_node); /* a copy that comes late */
	}
}

/* Time */

static void run_poll(void *argument)
{
	struct call *c = argument;

	cats_node_poll(c->node, c->now, &c->todo);
}

static void about_poll(struct call *c)
{
	static const char *const sent[] = {"poll/sync", "poll/data", "poll/need", "poll/coded",
					   "poll/ask"};
	static const char *const idle[] = {"poll/idle/waiting", "poll/idle/sync",
					   "poll/idle/data",    "poll/idle/need",
					   "poll/idle/coded",   "poll/idle/over"};
	static const char *const end[] = {"poll/end/waiting", "poll/end/sync",  "poll/end/data",
					  "poll/end/need",    "poll/end/coded", "poll/end/over"};

	c->units = c->todo.length;
	if (c->todo.what == CATS_TODO_SEND) {
		c->name = sent[c->todo.frame[0] & 15];
	} else if (before.phase != CATS_NODE_RUNNING || c->node->phase != CATS_NODE_RUNNING) {
		c->name = "poll/between";
	} else if (memcmp(&before, c->node, sizeof(before)) == 0) {
		c->name = idle[before.exchange];
	} else {
		c->name = end[before.exchange];
	}
}

void calls_poll(struct cats_node *node, struct cats_todo *todo, uint32_t now)
{
	struct call c = {.node = node, .now = now};

	make(&c, run_poll, about_poll, reset_node);
	*todo = c.todo;
}

static void run_sent(void *argument)
{
	const struct call *c = argument;

	(void)cats_node_sent(c->node, true, c->flight->start);
}

static void about_sent(struct call *c)
{
	c->name = "frame/sent";
	c->units = c->flight->length;
}

void calls_sent(struct cats_node *node, const struct flight *flight)
{
	struct call c = {.node = node, .flight = flight};

	make(&c, run_sent, about_sent, reset_node);
}

/* Jobs */

static void run_begin(void *argument)
{
	struct call *c = argument;

	(void)cats_node_compute_begin(c->node, &c->job, c->now);
}

static void about_begin(struct call *c)
{
	c->name = "job/begin";
}

static void run_end(void *argument)
{
	const struct call *c = argument;

	(void)cats_node_compute_end(c->node, &c->job, c->now);
}

static void about_end(struct call *c)
{
	c->name = "job/end";
}

void calls_begin(struct cats_node *node, struct cats_job *job, uint32_t now)
{
	struct call c = {.node = node, .now = now};

	make(&c, run_begin, about_begin, reset_node);
	*job = c.job;
}

void calls_end(struct cats_node *node, const struct cats_job *job, uint32_t now)
{
	struct call c = {.node = node, .now = now, .job = *job};

	cats_job_run(job);
	make(&c, run_end, about_end, reset_node);
}
