/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What is due at meetings, and between: doc/protocol.rst, "Meetings". */

#include <errno.h>

#include "node_internal.h"

#define DEFAULT_PPM 50u
/* Meetings after which a leader that does not hear all others looks for meetings of theirs: so
 * many, then twice as many, at last so many.
 */
#define SCAN_FIRST 4
#define SCAN_LAST 4096
/* So long who leads in another's place listens for that one's beacon with a wide guard time. */
#define RETURN_MEETINGS 64u
/* After so many meetings in which nobody answered a node begins its inference by itself. */
#define ATTEMPTS 64
/* So long who knows of no meetings listens for those of others, from one call to the next, and so
 * much longer than the node before it, where all search at once.
 */
#define SEARCH_CALLS 26
#define CALLS_HEARD 3

static void go_to_sleep(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	s->phase = CATS_MEETING_ASLEEP;
#if CATS_TEXTS
	node->texts.told = false; /* by who asked in this meeting */
#endif
	s->attempts += s->attempts < UINT8_MAX && node->pending && !leads(node);
	node->silence = true; /* all do */
}

static void search(struct cats_node *node, uint32_t now_us)
{
	struct cats_sleep *s = &node->sleep;

	s->phase = CATS_MEETING_SEARCH;
	s->calls = (uint8_t)(SEARCH_CALLS + self_of(node) * CALLS_HEARD);
	s->until_us = now_us + s->period_us / CATS_CALLS;
	node->stats.searches++;
}

static void lead(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	s->to = self_of(node);
	s->calls = 0;
	s->sure = false;
	s->company = false;
	s->complete = false;
	s->lonely = 0;
	s->scan_after = SCAN_FIRST;
	/* By the clock of who led before: all others, and that one, go on by it. */
	s->steady = false;
}

/* An inference begins with the beacon that starts at @p at. */
static void begin(struct cats_node *node, uint32_t at, uint32_t now_us)
{
	node->silence = false;
	/* Who follows it has heard so: whom it heard before does not count. */
	node->lonely = 0;
	node->dull = 0;
	node->not_before_us = at + cats_ask_us(image_of(node), 0);
	node->sleep.phase = CATS_MEETING_BEGIN;
#if CATS_TEXTS
	const bool told = node->texts.told; /* by who asked */
#endif

	cats_inference_found(node, now_us);
#if CATS_TEXTS
	node->texts.told = told;
#endif
}

/* What a leader hears of the others tells whether there may be meetings that it does not know. */
static void look_for_others(struct cats_sleep *s)
{
	if (++s->lonely >= s->scan_after) {
		s->lonely = 0;
		s->scan_after = s->complete || 2u * s->scan_after > SCAN_LAST
					? SCAN_LAST
					: (uint16_t)(2u * s->scan_after);
		s->scans = true;
	}
}

/* Its own meetings end with this one: those of another go on. */
static void merge(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	node->leader = s->to;
	s->to = self_of(node);
	s->scans = false;
	s->next_us = s->to_us;
	s->meeting = s->to_meeting;
	s->period_us = s->to_period_us;
	s->elapsed_us = s->period_us;
	cats_meeting_forget(s, s->next_us - s->period_us);
	s->leader_us = s->period_us;
	go_to_sleep(node);
}

/* Over several hops: repeat the beacon that was sent, or heard, in this node's slot of each round.
 * False where that is done.
 */
static bool repeat(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_sleep *s = &node->sleep;
	uint32_t nodes = nodes_of(node);
	struct cats_frame frame = {
		.type = CATS_FRAME_BEACON,
		.source = self_of(node),
		.index = s->phase == CATS_MEETING_BEGIN ? CATS_BEACON_BEGIN : 0,
	};

	for (; s->answers < repeats_of(image_of(node)); s->answers++) {
		/* One way and back again, so that it gets far from either end. */
		uint32_t place = s->answers % 2 == 0 ? self_of(node) : nodes - 1 - self_of(node);
		uint32_t slot = 1 + s->answers * nodes + place;
		uint32_t at = s->begun_us + slot * repeat_us(image_of(node));

		if (!past(at, now_us)) {
			continue;
		}
		if (node->sending < 2 && reached(todo, now_us, at - node->config.lead_us)) {
			s->answers++;
			frame.slot = (uint8_t)slot;
			hand_out(node, &frame, at, todo);
		}
		return true;
	}
	return false;
}

static bool open_meeting(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_sleep *s = &node->sleep;
	uint32_t at = s->next_us + cats_meeting_place(node, self_of(node));
	bool asked = node->pending || (relays(image_of(node)) && s->asked);
	bool begins = asked && s->sure && s->to == self_of(node) && !holds(node);
	struct cats_frame frame = {.type = CATS_FRAME_BEACON,
				   .source = self_of(node),
				   .index = begins ? CATS_BEACON_BEGIN : 0};

	if (node->sending > 1 || !reached(todo, now_us, at - node->config.lead_us)) {
		return false;
	}
	s->scans = false;
	s->asked = false;
	s->answers = 0;
	s->begun_us = at;
	s->beacons = (uint8_t)(1 << cats_send_slot(node));
	hand_out(node, &frame, at, todo);
	node->stats.meetings++;
	if (s->to != self_of(node)) {
		merge(node);
		return true;
	}
	if (s->calls != 0) {
		s->calls--;
		cats_meeting_advance(s, s->period_us / CATS_CALLS);
		return true;
	}
	/* The first time only so that others of whom it does not know can say so. */
	s->sure = true;
	s->phase = CATS_MEETING_ASK;
	if (s->elapsed_us > RETURN_MEETINGS * (uint64_t)s->period_us) {
		s->elapsed_us = 0;
	}
	cats_meeting_advance(s, s->period_us);
	if (begins && relays(image_of(node))) {
		s->phase = CATS_MEETING_BEGIN; /* when all have heard of it */
	} else if (begins) {
		begin(node, at, now_us);
	}
	return true;
}

/* The leader's answer to those who asked, or nothing. */
static bool answer(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_sleep *s = &node->sleep;
	struct cats_frame frame = {.type = CATS_FRAME_BEACON,
				   .source = self_of(node),
				   .index = CATS_BEACON_BEGIN,
				   .slot = s->answers + 1u};
	uint32_t at = s->begun_us;

	at += relays(image_of(node)) ? cats_meeting_us(image_of(node)) + node->config.lead_us
				     : cats_answer_us(image_of(node), s->answers);
	if (node->sending > 1 || !reached(todo, now_us, at - node->config.lead_us)) {
		return false;
	}
	if ((s->asked || holds(node)) && !relays(image_of(node))) {
		hand_out(node, &frame, at, todo);
		if (++s->answers == CATS_ANSWERS) {
			begin(node, at, now_us);
		}
		return true;
	}
	if (cats_meeting_stands_in(node) && !reached(todo, now_us, at + cats_meeting_guard(node))) {
		return false;
	}
	look_for_others(s);
	go_to_sleep(node);
	return true;
}

static void ask(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_sleep *s = &node->sleep;
	struct cats_frame frame = {
		.type = CATS_FRAME_ASK,
		.source = self_of(node),
		.inference = cats_next_number(node),
		.index = !node->numbered,
	};

	if (!s->asks || !(node->pending || (relays(image_of(node)) && s->asked)) ||
	    node->sending > 1 || !reached(todo, now_us, s->until_us - node->config.lead_us)) {
		return;
	}
	s->asks = false;
	s->asked = false;
	if (s->attempts >= ATTEMPTS) {
		/* Its leader is heard, but does not hear it. */
		take_over(node);
		lead(node);
		begin(node, s->until_us, now_us);
	} else if (!past(now_us, s->until_us)) {
		hand_out(node, &frame, s->until_us, todo);
	}
}

static void miss(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	node->stats.missed++;
	s->missed += s->missed < UINT8_MAX;
	cats_meeting_advance(s, s->period_us);
	if (s->missed > rank(node)) {
		take_over(node);
		lead(node);
	}
}

/* Nobody was found: meetings begin here. */
static void found(struct cats_node *node, uint32_t now_us)
{
	struct cats_sleep *s = &node->sleep;

	node->leader = self_of(node);
	node->phase = CATS_NODE_WAITING;
	lead(node);
	s->calls = CATS_CALLS;
	s->complete = true; /* it would have found others, or finds who calls now by one look */
	cats_meeting_forget(s, now_us);
	s->next_us = now_us + node->config.lead_us;
	s->elapsed_us = 0;
	go_to_sleep(node);
}

/* What is due in a phase; true where another one, or the next meeting, is to be looked at. */
static bool step(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_sleep *s = &node->sleep;

	switch (s->phase) {
	case CATS_MEETING_SEARCH:
		if (!reached(todo, now_us, s->until_us)) {
			return false;
		}
		s->until_us += s->period_us / CATS_CALLS;
		if (--s->calls == 0) {
			found(node, now_us);
		}
		return true;
	case CATS_MEETING_ASLEEP:
		if (leads(node)) {
			return open_meeting(node, now_us, todo);
		}
		if (!reached(todo, now_us, cats_meeting_closes(node))) {
			return false;
		}
		miss(node);
		return true;
	case CATS_MEETING_ASK:
		if (relays(image_of(node)) && repeat(node, now_us, todo)) {
			return false;
		}
		if (leads(node)) {
			return answer(node, now_us, todo);
		}
		ask(node, now_us, todo);
		if (todo->what != CATS_TODO_WAIT || cats_node_runs(node) ||
		    !reached(todo, now_us,
			     s->begun_us + cats_meeting_us(image_of(node)) +
				     cats_meeting_spread(node))) {
			return false;
		}
		break;
	default:
		if (relays(image_of(node)) && repeat(node, now_us, todo)) {
			return false;
		}
		if (relays(image_of(node)) && leads(node)) {
			begin(node, s->begun_us, now_us);
			return false;
		}
		if (!reached(todo, now_us, s->until_us)) {
			return false;
		}
		break;
	}
	go_to_sleep(node);
	return true;
}

void cats_sleep_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	while (todo->what == CATS_TODO_WAIT && !cats_node_runs(node) && step(node, now_us, todo)) {
	}
}

void cats_sleep_resume(struct cats_node *node, uint32_t now_us)
{
	struct cats_sleep *s = &node->sleep;
	uint16_t all = (uint16_t)((1u << nodes_of(node)) - 1);

	s->attempts = 0;
	s->company = s->company || node->heard != 0;
	if ((node->heard | 1u << self_of(node)) == all) {
		s->complete = true;
		s->scan_after = SCAN_LAST;
		s->lonely = 0;
	} else if (s->complete) {
		s->complete = false;
		s->scan_after = SCAN_FIRST;
		s->lonely = 0;
	}
	if (s->phase == CATS_MEETING_SEARCH) {
		search(node, now_us);
		return;
	}
	go_to_sleep(node);
	/* Meetings that fell into the inference. */
	while (past(now_us,
		    s->next_us + cats_meeting_place(node, node->leader) - node->config.lead_us)) {
		cats_meeting_advance(s, s->period_us);
	}
}

int cats_sleep_init(struct cats_node *node, uint32_t now_us)
{
	struct cats_sleep *s = &node->sleep;

	if (node->config.period_us == 0 || nodes_of(node) == 1) {
		return 0;
	}
	if (!cats_period_valid(image_of(node), node->config.period_us)) {
		return -EINVAL;
	}
	if (node->config.clock_ppm == 0) {
		node->config.clock_ppm = DEFAULT_PPM;
	}
	s->period_us = node->config.period_us;
	s->to = self_of(node);
	search(node, now_us);
	return 0;
}

int cats_node_set_period(struct cats_node *node, uint32_t period_us)
{
	struct cats_sleep *s = &node->sleep;

	if (s->period_us == 0) {
		return -ENOTSUP;
	}
	if (!cats_period_valid(image_of(node), period_us)) {
		return -EINVAL;
	}
	if (!leads(node) && s->phase != CATS_MEETING_SEARCH) {
		return -EACCES;
	}
	s->period_us = period_us;
	return 0;
}
