/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "energy.h"

/* What a frame takes on the air: ramp-up, bytes around it, time of a byte; as cats.plan.radio. */
struct framing {
	const struct cats_transport *transport;
	uint16_t ramp_us;
	uint16_t overhead;
	uint32_t byte_ns;
};

static const struct framing framings[] = {
#ifdef CONFIG_CATS_IEEE802154
	{&cats_ieee802154, 40, 17, 32000},
#endif
#ifdef CONFIG_CATS_BLE
	{&cats_ble, 1250, 25, 4000},
#endif
#ifdef CONFIG_CATS_LOOPBACK
	{&cats_loopback, 0, 0, CONFIG_CATS_LOOPBACK_BYTE_NS},
#endif
	{NULL, 40, 11, 4000}, /* 2 Mbit/s of Bluetooth LE */
};

static uint32_t air_us(const struct cats_transport *transport, uint16_t size)
{
	const struct framing *f = framings;

	while (f->transport != NULL && f->transport != transport) {
		f++;
	}
	return f->ramp_us + (f->overhead + size) * f->byte_ns / 1000u;
}

static uint64_t computed(const struct cats_node *node)
{
	uint64_t us = 0;

	for (int k = 0; k < CATS_GATHER_KINDS; k++) {
		us += node->stats.gather[k].compute_us;
	}
	return us;
}

static uint64_t microjoules(const struct cats_energy_stats *e)
{
	uint64_t picocoulombs = e->transmit_us * CONFIG_CATS_ENERGY_TRANSMIT_UA +
				e->listen_us * CONFIG_CATS_ENERGY_RECEIVE_UA +
				e->compute_us * CONFIG_CATS_ENERGY_COMPUTE_UA;

	return picocoulombs / 1000u * CONFIG_CATS_ENERGY_MILLIVOLT / 1000000u;
}

void cats_energy_reset(struct cats_instance_data *d)
{
	d->energy = (struct cats_energy_state){0};
}

void cats_energy_sent(struct cats_instance_data *d, uint16_t size)
{
	d->energy.sent_us += air_us(d->self->transport, size);
}

void cats_energy_done(struct cats_instance_data *d, const struct cats_result *result)
{
	struct cats_energy_state *state = &d->energy;
	struct cats_energy_stats *e = &state->stats;
	uint64_t total = computed(&d->node);
	uint32_t span = result->ended_us - result->started_us;
	uint32_t not_listened = state->sent_us;

	if (d->self->transport->rested_us != NULL) {
		uint32_t rested = d->self->transport->rested_us();

		not_listened += rested - state->rested_us;
		state->rested_us = rested;
	}
	e->inferences++;
	e->compute_us += total - state->computed_us;
	state->computed_us = total;
	if (d->image.header->nodes > 1) {
		e->transmit_us += state->sent_us;
		e->listen_us += span > not_listened ? span - not_listened : 0;
	}
	state->sent_us = 0;
	e->microjoules = microjoules(e);
}
