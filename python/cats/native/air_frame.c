/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames on the air: who hears them, and what destroys them. */

#include "air_internal.h"

#include <string.h>

static void hear_later(struct air *air, int n, const struct frame *frame, const uint8_t *data,
		       double after_us)
{
	for (int i = 0; i < AIR_COPIES; i++) {
		struct copy *copy = &air->copies[i];

		if (copy->at_ns == AIR_NEVER) {
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

/* What one receiver makes of a frame. */
static void arrive(struct air *air, int r, const struct frame *frame)
{
	struct air_fate fate;

	air_fate(air, r, frame, &fate);
	if (!air->antenna[r].on || air->antenna[r].boot_ns > frame->start_ns) {
		return;
	}
	if (frame->unheard >> r & 1) {
		if (air_record_of(air, r) != NULL && !fate.lost) {
			air->record->unheard++;
		}
		return;
	}
	if (fate.lost) {
		air_note_frame(air, r, AIR_SPAN_MISSED, frame, frame->end_ns);
		return;
	}
	if (fate.twice) {
		hear_later(air, r, frame, fate.data, fate.twice_us);
	}
	if (fate.late) {
		hear_later(air, r, frame, fate.data, fate.late_us);
	} else {
		air_hear(air, r, fate.data, frame->length, frame->told_ns);
	}
}

bool air_busy(struct air *air, int n)
{
	for (int s = 0; s < air->antennas; s++) {
		if (s != n && air->antenna[s].sending && air->config.link[s][n].loss < 1 &&
		    !air_chance(air, air->config.blind, RANDOM_BLIND, s, n)) {
			return true;
		}
	}
	for (size_t i = 0; i < air->config.babble_count; i++) {
		if (air->babbler[i].sending) {
			return true;
		}
	}
	return false;
}

/* Whether it is one of those that are sent at the same time. */
static bool of_need(const struct air *air, const struct frame *frame)
{
	return (frame->data[0] & 15) == CATS_FRAME_NEED && cats_senses(&air->antenna[0].image);
}

/* Where a frame is not heard since another one is on the air. */
static void destroy(struct air *air, struct frame *frame, const struct frame *other)
{
	uint32_t where = 0;

	for (int r = 0; r < air->antennas; r++) {
		bool reaches = r == other->source || air->config.link[other->source][r].loss < 1;

		where |= r != frame->source && reaches ? UINT32_C(1) << r : 0;
	}
	if (air->record != NULL && !(of_need(air, frame) && of_need(air, other))) {
		air->record->collisions += frame->destroyed == 0 && where != 0;
	}
	frame->destroyed |= where;
}

/* Begin to send, in spite of all who send already. */
static void transmit(struct air *air, struct frame *frame)
{
	uint32_t bytes = air->config.overhead + frame->length;
	double us = air->config.ramp_us + bytes * air->config.byte_us;

	frame->number = air->frames++;
	frame->end_ns = frame->start_ns + (int64_t)(us * 1e3);
	frame->destroyed = 0;
	frame->unheard = 0;
	for (int n = 0; n < air->antennas; n++) {
		frame->unheard |= air_listens(air, n, frame) ? 0 : UINT32_C(1) << n;
	}
	for (int n = 0; n < air->antennas; n++) {
		struct antenna *a = &air->antenna[n];

		if (a->sending && &a->frame[0] != frame) {
			destroy(air, frame, &a->frame[0]);
			destroy(air, &a->frame[0], frame);
		}
	}
	for (size_t i = 0; i < air->config.babble_count; i++) {
		struct babbler *b = &air->babbler[i];

		if (b->sending && &b->frame != frame) {
			destroy(air, frame, &b->frame);
			destroy(air, &b->frame, frame);
		}
	}
}

static void hear_all(struct air *air, const struct frame *frame)
{
	for (int r = 0; r < air->antennas; r++) {
		if (r == frame->source) {
			continue;
		}
		if ((frame->destroyed >> r & 1) == 0) {
			arrive(air, r, frame);
		} else if (air->antenna[r].on) {
			air_note_frame(air, r, AIR_SPAN_MISSED, frame, frame->end_ns);
		}
	}
}

void air_start_frame(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	struct frame *frame = &a->frame[0];
	struct air_record *record = air_record_of(air, n);
	int64_t ns;

	a->sending = true;
	transmit(air, frame);
	ns = frame->end_ns - frame->start_ns;
	a->sent_ns += (uint64_t)ns;
	if (frame->start_ns < a->off_until_ns) {
		int64_t end_ns = frame->end_ns < a->off_until_ns ? frame->end_ns : a->off_until_ns;
		int64_t on_ns = frame->start_ns;

		if (air->config.start_to_send) {
			on_ns -= (int64_t)air->config.start_ns;
			on_ns = on_ns > a->off_from_ns ? on_ns : a->off_from_ns;
		}
		*a->rests_ns -= (uint64_t)(end_ns - on_ns);
	}
	if (record != NULL) {
		uint8_t type = frame->data[0] & 15;

		record->frames++;
		record->coded += type == CATS_FRAME_CODED;
		record->control += type != CATS_FRAME_CODED && type != CATS_FRAME_DATA;
		record->bytes += air->config.overhead + frame->length;
		record->air_ns += (uint64_t)ns;
	}
	air_keep_frame(air, frame);
	air_apply_events(air, true, frame->number);
}

void air_end_frame(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	const struct frame frame = a->frame[0];

	a->sending = false;
	a->frame[0] = a->frame[1];
	a->handed--;
	if (a->handed != 0 && a->frame[0].start_ns < air->now_ns) {
		a->frame[0].start_ns = air->now_ns;
	}
	air_note_frame(air, n, AIR_SPAN_FRAME, &frame, frame.end_ns);
	hear_all(air, &frame);
	/* If it was destroyed on the air, its sender does not know. */
	air_sent(air, n, frame.told_ns);
}

void air_start_babble(struct air *air, struct babbler *b)
{
	b->sending = true;
	b->frame.start_ns = air->now_ns;
	b->frame.told_ns = air->now_ns + (int64_t)(air->config.before_us * 1e3);
	transmit(air, &b->frame);
}

void air_end_babble(struct air *air, struct babbler *b)
{
	b->sending = false;
	hear_all(air, &b->frame);
}
