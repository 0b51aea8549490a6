/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* When nodes that sleep meet, and what they hear of it: doc/protocol.rst, "Meetings". */

#include <errno.h>

#include "node_internal.h"

/* A clock's drift is in units of 2^-30. */
#define UNIT_SHIFT 30
#define UNITS_PPM 1074u
/* Drift is learned over so long, and anew behind so many misses in a row. */
#define LEARN_US 16000000u
#define FORGET_MISSES 4
/* By what two clocks differ within a meeting. */
#define GUARD_US 16u
/* After a miss a meeting's number may have gone back by any number but the last of these. */
#define STALE_MEETINGS 64

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t ask_us(const struct cats_node *node, uint8_t slot)
{
	return cats_ask_us(image_of(node), slot);
}

uint32_t cats_meeting_place(const struct cats_node *node, uint8_t leader)
{
	return cats_beacon_us(image_of(node), node->sleep.period_us, leader);
}

/* How far from its time a frame may begin, in a meeting. */
uint32_t cats_meeting_spread(const struct cats_node *node)
{
	uint32_t late = node->config.late_us;

	late = (late != 0 ? late : image_of(node)->gathers[0].slot_us / 32) + GUARD_US;
	/* What is repeated is as much later with each hop. */
	return relays(image_of(node)) ? late * repeats_of(image_of(node)) : late;
}

/* How much earlier or later than expected the next meeting may be. */
uint32_t cats_meeting_guard(const struct cats_node *node)
{
	const struct cats_sleep *s = &node->sleep;
	uint32_t units = s->error;

	if (!s->steady || s->missed != 0) {
		units = 2u * node->config.clock_ppm * UNITS_PPM +
			(uint32_t)(s->drift < 0 ? -s->drift : s->drift);
	}
	return least(cats_meeting_spread(node) + 2u * node->config.jitter_us +
			     (uint32_t)((uint64_t)s->elapsed_us * units >> UNIT_SHIFT),
		     s->period_us / 4);
}

bool cats_meeting_stands_in(const struct cats_node *node)
{
	return leads(node) && node->sleep.missed != 0 &&
	       cats_meeting_place(node, self_of(node)) != 0;
}

/* Who missed two meetings in a row expects that another one leads the next. */
static bool leader_unsure(const struct cats_node *node)
{
	return node->sleep.missed > 1;
}

/* When a follower begins to listen for the next beacon. */
static uint32_t opens_at(const struct cats_node *node)
{
	uint32_t first = leader_unsure(node) ? 0 : cats_meeting_place(node, node->leader);

	return node->sleep.next_us + first - cats_meeting_guard(node);
}

/* When it has missed the meeting: behind a beacon that it does not hear it may hear an inference
 * that begins, or the answer to those who asked.
 */
uint32_t cats_meeting_closes(const struct cats_node *node)
{
	uint32_t last = cats_meeting_place(node, node->leader);

	for (uint32_t n = 0; n < nodes_of(node) && leader_unsure(node); n++) {
		last = last > cats_meeting_place(node, n) ? last : cats_meeting_place(node, n);
	}
	if (relays(image_of(node))) {
		/* Far from the leader an inference is heard when its first exchange goes on. */
		last += cats_data_us(image_of(node), (struct cats_exchange){0});
	}
	return node->sleep.next_us + last + cats_meeting_us(image_of(node)) +
	       cats_meeting_guard(node);
}

/* The meeting behind the next one, so much later by the leader's clock. */
void cats_meeting_advance(struct cats_sleep *s, uint32_t us)
{
	s->next_us += us + (uint32_t)((int64_t)us * s->drift >> UNIT_SHIFT);
	s->elapsed_us = us > INT32_MAX - s->elapsed_us ? INT32_MAX : s->elapsed_us + us;
	s->leader_us = us > INT32_MAX - s->leader_us ? INT32_MAX : s->leader_us + us;
	s->meeting++;
}

/* Drift is to be learned from this meeting on. */
static void doubt_drift(struct cats_sleep *s, uint32_t at)
{
	s->steady = false;
	s->since_us = at;
	s->leader_us = 0;
}

void cats_meeting_forget(struct cats_sleep *s, uint32_t at)
{
	doubt_drift(s, at);
	s->drift = 0;
}

/* The meeting that was to be next is at @p at. */
static void learn(struct cats_node *node, uint32_t at)
{
	struct cats_sleep *s = &node->sleep;
	uint32_t ppm = node->config.clock_ppm;
	uint32_t jitter_us =
		node->config.jitter_us + (relays(image_of(node)) ? cats_meeting_spread(node) : 0);
	uint32_t own_us = at - s->since_us;
	int64_t differs = (int32_t)(own_us - s->leader_us);
	int32_t drift;
	int32_t change;

	if (s->missed > FORGET_MISSES || differs > s->leader_us / 256 ||
	    differs < -(int64_t)(s->leader_us / 256)) {
		cats_meeting_forget(s, at); /* it is no drift that makes such a difference */
		return;
	}
	if (s->leader_us < LEARN_US) {
		return;
	}
	drift = (int32_t)(differs * (1 << UNIT_SHIFT) / s->leader_us);
	change = drift - s->drift;
	s->error = ppm * UNITS_PPM / 8 +
		   (uint32_t)(((uint64_t)jitter_us << (UNIT_SHIFT + 1)) / s->leader_us) +
		   2u * (uint32_t)(s->steady ? (change < 0 ? -change : change) : 0);
	s->error = least(s->error, 2 * ppm * UNITS_PPM);
	/* Half of a change is what a clock with ticks tells wrong, about. */
	s->drift += s->steady ? change / 2 : change;
	s->steady = true;
	s->since_us = at;
	s->leader_us = 0;
}

/* Whether the meeting at @p at is this node's next one, or the one in which it is. */
static bool same_meetings(const struct cats_node *node, uint32_t at)
{
	const struct cats_sleep *s = &node->sleep;
	bool inside = s->phase == CATS_MEETING_ASK;
	uint32_t most = cats_meeting_guard(node) + cats_meeting_us(image_of(node));
	uint32_t own = inside ? s->begun_us - cats_meeting_place(node, node->leader) : s->next_us;
	int32_t from = cats_time_diff(at, own);

	return from < (int32_t)most && -from < (int32_t)most;
}

/* Whether a meeting's number is none of a beacon that comes again, or late. */
static bool fresh(const struct cats_sleep *s, uint16_t meeting)
{
	return (int16_t)(meeting - s->meeting) >= 0 ||
	       (s->missed > 1 && (uint16_t)(s->meeting - meeting) > STALE_MEETINGS);
}

/* A beacon of who leads as well. */
static int rival(struct cats_node *node, uint8_t leader, uint32_t at,
		 const struct cats_beacon *beacon)
{
	struct cats_sleep *s = &node->sleep;

	if (leader > self_of(node) && s->company) {
		return -1 - CATS_REJECT_LEADER;
	}
	s->to = leader;
	s->to_us = at + beacon->next_us;
	s->to_meeting = beacon->meeting + 1;
	s->to_period_us = beacon->period_us;
	/* Its own next beacon tells those who follow it. */
	while (cats_time_diff(s->to_us, s->next_us) < (int32_t)(CATS_PERIOD_MIN_US / 2)) {
		s->to_us += s->to_period_us;
		s->to_meeting++;
	}
	return 0;
}

#if CATS_TEXTS
/* Of nodes that all ask for one thing as many do as there are slots, others in each meeting. */
static void take_turns_to_ask(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;
	uint32_t place = s->meeting, count = 0;

	for (uint32_t d = 0; d < nodes_of(node); d++) {
		bool other = d != node->leader && (node->heard >> d & 1) != 0;
		bool asks = d == self_of(node) || other;

		count += asks;
		place += asks && d < self_of(node);
	}
	place %= count;
	s->asks = place < cats_ask_slots(image_of(node));
	s->until_us = s->begun_us + ask_us(node, (uint8_t)place);
}
#endif

/* When this node asks in this meeting, if it does: the more seldom the more often nobody heard it.
 * By exponential backoff one of any number of nodes is heard.
 */
static void plan_to_ask(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;
	uint32_t draw = (s->begun_us ^ self_of(node) * 0x9e3779b9u) * 0x85ebca6bu;
	uint8_t halvings = s->attempts / 2 < 4 ? s->attempts / 2 : 4;

	if (relays(image_of(node))) {
		/* Farther numbers first: of a line, what they ask for goes all the way at once. */
		uint8_t self = self_of(node);
		uint8_t last = nodes_of(node) - 1;

		s->asks = true;
		s->until_us = s->begun_us + ask_us(node, self > node->leader
								 ? last - self
								 : last - node->leader + self);
		return;
	}
#if CATS_TEXTS
	if (cats_text_common(node)) {
		take_turns_to_ask(node);
		return;
	}
#endif
	draw = (draw ^ draw >> 15) * 0xc2b2ae35u;
	s->asks = node->pending && (draw >> 8 & ((1u << halvings) - 1)) == 0;
	s->until_us = s->begun_us +
		      ask_us(node, (uint8_t)((draw >> 16) % cats_ask_slots(image_of(node))));
}

/* An inference of this meeting begins. */
static void expect_inference(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	s->phase = CATS_MEETING_BEGIN;
	s->until_us = s->begun_us + cats_meeting_us(image_of(node)) + node->config.timeout_us;
}

/* A beacon of the meeting that was heard of already, which may have just ended for this node. */
static int heard_again(struct cats_node *node, const struct cats_frame *frame, uint32_t begun)
{
	struct cats_sleep *s = &node->sleep;
	int32_t apart = cats_time_diff(begun, s->begun_us);
	int32_t most = (int32_t)(2u * cats_meeting_spread(node));

	if (frame->slot == 0 || s->phase == CATS_MEETING_BEGIN || apart > most || apart < -most ||
	    relays(image_of(node))) {
		return -1 - CATS_REJECT_LATE;
	}
	expect_inference(node);
	return 0;
}

/* Its leader's meeting is at @p at. */
static void follow(struct cats_node *node, uint8_t leader, uint32_t at,
		   const struct cats_beacon *beacon)
{
	struct cats_sleep *s = &node->sleep;

	if (s->phase != CATS_MEETING_SEARCH && leader == node->leader) {
		learn(node, at);
	} else if (s->phase != CATS_MEETING_SEARCH && same_meetings(node, at)) {
		doubt_drift(s, at);
	} else {
		cats_meeting_forget(s, at);
	}
	node->leader = leader;
	node->phase = CATS_NODE_WAITING;
	node->stats.meetings++;
	/* Who calls does so again, and that is repeated as well. */
	s->scans = relays(image_of(node)) &&
		   (s->phase == CATS_MEETING_SEARCH || beacon->next_us < beacon->period_us);
	s->period_us = beacon->period_us;
	s->missed = 0;
	s->elapsed_us = 0;
	s->next_us = at;
	s->meeting = beacon->meeting;
	s->answers = 0;
#if HOPS
	s->said_us = beacon->next_us;
#endif
	cats_meeting_advance(s, beacon->next_us);
}

int cats_sleep_beacon(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us)
{
	struct cats_sleep *s = &node->sleep;
	struct cats_beacon beacon;
	uint8_t leader = frame->source;
	uint32_t begun = start_us;
	uint32_t at;

	if (!sleeps(node) || cats_node_runs(node) || !cats_beacon_unpack(frame->payload, &beacon)) {
		return -1 - CATS_REJECT_INFERENCE;
	}
	if (relays(image_of(node))) {
		leader = frame->index >> CATS_BEACON_LEADER;
		begun -= frame->slot * repeat_us(image_of(node));
		if (leader == self_of(node)) {
			return -1 - CATS_REJECT_LATE; /* its own, passed on */
		}
	} else if (frame->slot != 0) {
		begun -= cats_answer_us(image_of(node), frame->slot - 1u);
	}
	at = begun - cats_beacon_us(image_of(node), beacon.period_us, leader);
	if (s->phase != CATS_MEETING_SEARCH && leader == node->leader) {
		if (beacon.meeting == (uint16_t)(s->meeting - 1)) {
			return heard_again(node, frame, begun);
		}
		if (!fresh(s, beacon.meeting)) {
			return -1 - CATS_REJECT_LATE;
		}
	} else if (leads(node) && s->phase != CATS_MEETING_SEARCH && !same_meetings(node, at)) {
		return rival(node, leader, at, &beacon);
	} else if (s->phase != CATS_MEETING_SEARCH && leader > node->leader &&
		   (leads(node) || s->missed == 0)) {
		return -1 - CATS_REJECT_LEADER;
	}
	follow(node, leader, at, &beacon);
	s->begun_us = begun;
	if ((frame->index & CATS_BEACON_BEGIN) != 0) {
		s->asked = false;
		expect_inference(node);
	} else {
		s->phase = CATS_MEETING_ASK;
		plan_to_ask(node);
	}
	return 0;
}

int cats_sleep_asked(struct cats_node *node)
{
	struct cats_sleep *s = &node->sleep;

	if ((!leads(node) && !relays(image_of(node))) || s->phase != CATS_MEETING_ASK) {
		return -1 - CATS_REJECT_INFERENCE;
	}
	s->asked = true;
	s->company = true;
	return 0;
}

void cats_sleep_build(struct cats_node *node, struct cats_frame *frame, uint8_t *payload)
{
	struct cats_sleep *s = &node->sleep;
	bool again = frame->slot != 0;
	struct cats_beacon beacon = {
		.next_us = s->period_us,
		.period_us = s->period_us,
		.meeting = s->meeting - again,
	};

	if (s->calls != 0) {
		beacon.next_us = s->calls * (s->period_us / CATS_CALLS);
	} else if (s->to != self_of(node)) {
		beacon.next_us = s->to_us - s->next_us;
		beacon.period_us = s->to_period_us;
	}
#if HOPS
	if (again && relays(image_of(node))) {
		beacon.next_us = s->said_us;
		beacon.period_us = s->period_us;
	}
	s->said_us = beacon.next_us;
	frame->index |= (uint8_t)(relays(image_of(node)) ? node->leader << CATS_BEACON_LEADER : 0);
#endif
	frame->inference = node->seen;
	frame->index |= node->numbered ? 0 : CATS_BEACON_GUESS;
	frame->length = CATS_BEACON_SIZE;
	cats_beacon_pack(&beacon, payload);
}

void cats_sleep_sent(struct cats_node *node, bool sent, uint32_t start_us)
{
	struct cats_sleep *s = &node->sleep;

	if (s->beacons >> node->oldest & 1) {
		if (sent && leads(node)) {
			s->next_us += start_us - s->begun_us;
			s->begun_us = start_us;
		}
		s->beacons = 0;
	}
}

void cats_sleep_listen(const struct cats_node *node, uint32_t now_us, struct cats_listen *listen)
{
	const struct cats_sleep *s = &node->sleep;

	switch (s->phase) {
	case CATS_MEETING_ASLEEP:
		if (s->scans) {
			return;
		}
		listen->from_us = opens_at(node);
		if (leads(node)) {
			/* The lower ones speak first, where there are any. */
			listen->from_us = s->next_us;
			listen->from_us -= cats_meeting_place(node, self_of(node)) != 0
						   ? cats_meeting_guard(node)
						   : 0;
		}
		break;
	case CATS_MEETING_ASK:
		if (cats_meeting_stands_in(node)) {
			return;
		}
		listen->from_us =
			s->begun_us - cats_meeting_spread(node) +
			(leads(node) || relays(image_of(node)) ? ask_us(node, 0)
							       : cats_answer_us(image_of(node), 0));
		break;
	default:
		return;
	}
	listen->off = !past(now_us, listen->from_us);
}

bool cats_period_valid(const struct cats_image *image, uint32_t period_us)
{
	return period_us >= CATS_PERIOD_MIN_US && period_us <= CATS_PERIOD_MAX_US &&
	       cats_meeting_us(image) <= period_us / (relays(image) ? CATS_CALLS : 2);
}

uint32_t cats_node_period(const struct cats_node *node)
{
	return node->sleep.period_us;
}

int cats_node_next_meeting(const struct cats_node *node, uint32_t *at_us)
{
	const struct cats_sleep *s = &node->sleep;

	if (s->period_us == 0) {
		return -ENOTSUP;
	}
	if (s->phase == CATS_MEETING_SEARCH) {
		return -EAGAIN;
	}
	*at_us = s->next_us;
	return 0;
}
