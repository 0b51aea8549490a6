/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Frames on the air: who hears them, and what destroys them. */

#include "air_internal.h"

#include <string.h>

void air_hear(struct air *air, int n, const uint8_t *data, uint16_t length, int64_t start_ns)
{
	struct antenna *a = &air->antenna[n];

	a->heard = true;
	cats_node_receive(&a->node, data, length, air_clock_us(air, n, start_ns),
			  air_clock_us(air, n, air->now_ns));
	air_serve(air, n);
}

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
	if (fate.lost || !air->antenna[r].on || air->antenna[r].boot_ns > frame->start_ns) {
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

void air_start_frame(struct air *air, int n)
{
	struct antenna *a = &air->antenna[n];
	struct frame *frame = &a->frame[0];
	uint32_t bytes = air->config.overhead + frame->length;
	double us = air->config.ramp_us + bytes * air->config.byte_us;

	a->sending = true;
	frame->number = air->frames++;
	frame->end_ns = frame->start_ns + (int64_t)(us * 1e3);
	frame->destroyed = false;
	a->sent_ns += (uint64_t)(us * 1e3);
	if (air->record != NULL) {
		uint8_t type = frame->data[0] & 15;

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
				air->record->collisions += !o->frame[0].destroyed;
				air->record->collisions += !frame->destroyed;
			}
			o->frame[0].destroyed = true;
			frame->destroyed = true;
		}
	}
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
	for (int r = 0; r < air->config.nodes; r++) {
		if (r != n && !frame.destroyed) {
			arrive(air, r, &frame);
		}
	}
	/* If it was destroyed on the air, its sender does not know. */
	cats_node_sent(&a->node, true, air_clock_us(air, n, frame.told_ns));
	air_serve(air, n);
}
