/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "links.h"

void cats_links_reset(struct cats_instance_data *d)
{
	d->links = (struct cats_link_stats){0};
}

void cats_links_available(void *user, uint16_t inference, struct cats_exchange x,
			  const struct cats_availability *available)
{
	struct cats_instance_data *d = user;
	const struct cats_image_header *header = d->image.header;

	for (uint8_t s = 0; s < header->nodes; s++) {
		uint16_t count = cats_fragment_count(&d->image, x, s);

		if (s == header->node) {
			continue;
		}
		d->links.fragments[s] += count;
		for (uint16_t f = 0; f < count; f++) {
			d->links.lost[s] += !cats_has(available, s, f);
		}
	}
	if (d->available != NULL) {
		d->available(d->available_user, inference, x, available);
	}
}

void cats_links_heard(struct cats_instance_data *d, const uint8_t *frame)
{
	uint8_t source = frame[1] & 15;
	int16_t *power = &d->links.power[source];
	int16_t now = d->port.power * CATS_POWER_UNIT;

	if ((frame[0] & 15) != CATS_FRAME_DATA) {
		return;
	}
	d->links.heard[source]++;
	*power = *power == 0 || now == 0 ? now : *power + (now - *power) / 8;
}

void cats_links_done(struct cats_instance_data *d, const struct cats_result *result)
{
	d->links.last.inference = result->inference;
	d->links.last.silent = result->silent;
	d->links.last.answer = MAX(cats_result_class(result, result->rows - 1), -1);
	d->links.last.fragments = result->fragments;
	d->links.last.lost = result->lost;
	d->links.last.latency_us = result->ended_us - result->started_us;
}
