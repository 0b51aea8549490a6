/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What goes wrong: losses, copies, wrong bits, chosen faults, nodes that go off and on. */

#include "air_internal.h"

#include <string.h>

#include "loss.h"

/* As cats_loss() on a device: equal seeds lose equal frames. */
static bool lost_by_name(struct air *air, int r, const struct frame *frame, double p)
{
	struct cats_loss_frame name;

	cats_loss_name(&name, air->antenna[r].image.header->model_id, frame->data,
		       (uint8_t)air_node_of(air, r));
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
		*bad = *bad ? !air_chance(air, link->leave, RANDOM_LOSS, s, r)
			    : air_chance(air, link->enter, RANDOM_LOSS, s, r);
	}
	return air_chance(air, *bad ? link->bad_loss : link->loss, RANDOM_LOSS, s, r);
}

void air_fate(struct air *air, int r, const struct frame *frame, struct air_fate *fate)
{
	const struct air_config *c = &air->config;
	int s = frame->source;

	fate->lost = lost_on_link(air, s, r, frame);
	fate->twice = air_chance(air, c->duplicate, RANDOM_DUPLICATE, s, r);
	fate->late = air_chance(air, c->delay, RANDOM_DELAY, s, r);
	fate->twice_us = fate->twice ? (double)(air_draw(air, RANDOM_DUPLICATE, s, r) % 1000) *
					       c->delay_us / 1e3
				     : 0;
	fate->late_us =
		fate->late ? (double)(air_draw(air, RANDOM_DELAY, s, r) % 1000) * c->delay_us / 1e3
			   : 0;
	memcpy(fate->data, frame->data, frame->length);
	if (air_chance(air, c->flip, RANDOM_FLIP, s, r)) {
		for (uint64_t bits = 1 + air_draw(air, RANDOM_FLIP, s, r) % 3; bits > 0; bits--) {
			uint64_t bit = air_draw(air, RANDOM_FLIP, s, r) % (frame->length * 8u);

			fate->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	for (size_t i = 0; i < c->fault_count; i++) {
		const struct air_fault *f = &air->faults[i];

		if (f->frame != frame->number || (f->receiver >= 0 && f->receiver != r)) {
			continue;
		}
		switch (f->kind) {
		case AIR_DROP:
			fate->lost = true;
			break;
		case AIR_DUPLICATE:
			fate->twice = true;
			fate->twice_us = f->value;
			break;
		case AIR_DELAY:
			fate->late = true;
			fate->late_us = f->value;
			break;
		default:
			fate->data[(f->value >> 8) % frame->length] ^= (uint8_t)f->value;
			break;
		}
	}
}

void air_apply_events(struct air *air, bool by_frame, uint64_t at)
{
	for (size_t i = 0; i < air->config.event_count; i++) {
		struct air_event *e = &air->events[i];

		if (air->happened[i] || e->by_frame != by_frame || e->at > at) {
			continue;
		}
		air->happened[i] = true;
		if (e->kind == AIR_JUMP) {
			air->antenna[e->node].jump_us += e->value;
		} else if (e->kind == AIR_DRIFT) {
			air_set_drift(air, e->node, e->value / 1e3);
		} else if (e->kind == AIR_ON && !air->antenna[e->node].on) {
			air_switch_on(air, e->node);
		} else if (e->kind == AIR_OFF && air->antenna[e->node].on) {
			air_switch_off(air, e->node);
		}
	}
}
