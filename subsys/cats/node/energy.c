/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "energy.h"
#include "instance.h"

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

static uint64_t picocoulombs(uint64_t transmit_us, uint64_t listen_us, uint64_t compute_us,
			     uint64_t sleep_us)
{
	return transmit_us * CONFIG_CATS_ENERGY_TRANSMIT_UA +
	       listen_us * CONFIG_CATS_ENERGY_RECEIVE_UA +
	       compute_us * CONFIG_CATS_ENERGY_COMPUTE_UA + sleep_us * CONFIG_CATS_ENERGY_SLEEP_UA;
}

static uint64_t microjoules(uint64_t charge)
{
	return charge / 1000u * CONFIG_CATS_ENERGY_MILLIVOLT / 1000000u;
}

static uint32_t rested(const struct cats_instance_data *d)
{
	const struct cats_transport *transport = d->self->transport;

	return transport->rested_us != NULL ? transport->rested_us() : 0;
}

void cats_energy_reset(struct cats_instance_data *d)
{
	d->energy = (struct cats_energy_state){.looked_us = cats_now(d), .rested_us = rested(d)};
}

void cats_energy_look(struct cats_instance_data *d)
{
	struct cats_energy_state *state = &d->energy;
	struct cats_energy_stats *e = &state->stats;
	uint32_t elapsed = cats_now(d) - state->looked_us;
	uint32_t off = rested(d) - state->rested_us;
	uint64_t charge;

	state->looked_us += elapsed;
	state->rested_us += off;
	e->elapsed_us += elapsed;
	if (d->image.header->nodes == 1) {
		e->sleep_us = e->elapsed_us - computed(&d->node);
	} else {
		e->sleep_us += off;
		if (state->inside) {
			state->off_us += off;
		} else {
			/* A transport may tell of a rest at its end. */
			state->between_us += (int64_t)elapsed - off;
		}
	}
	state->inside = d->node.phase == CATS_NODE_RUNNING;

	e->between_listen_us = 0;
	if (state->between_us > (int64_t)e->between_transmit_us) {
		e->between_listen_us = (uint64_t)state->between_us - e->between_transmit_us;
	}
	charge = picocoulombs(e->transmit_us + e->between_transmit_us,
			      e->listen_us + e->between_listen_us, e->compute_us, e->sleep_us);
	e->all_microjoules = microjoules(charge);
	e->average_na = (uint32_t)(charge / MAX(e->elapsed_us / 1000u, 1u));
}

void cats_energy_sent(struct cats_instance_data *d, uint16_t size)
{
	uint32_t us = air_us(d->self->transport, size);

	if (cats_node_runs(&d->node)) {
		d->energy.sent_us += us;
	} else {
		d->energy.stats.between_transmit_us += us;
	}
}

void cats_energy_done(struct cats_instance_data *d, const struct cats_result *result)
{
	struct cats_energy_state *state = &d->energy;
	struct cats_energy_stats *e = &state->stats;
	uint64_t total = computed(&d->node);
	uint32_t span = result->ended_us - result->started_us;
	uint32_t not_listened;

	cats_energy_look(d);
	not_listened = state->sent_us + state->off_us;
	e->inferences++;
	e->compute_us += total - state->computed_us;
	state->computed_us = total;
	if (d->image.header->nodes > 1) {
		e->transmit_us += state->sent_us;
		e->listen_us += span > not_listened ? span - not_listened : 0;
	}
	state->sent_us = 0;
	state->off_us = 0;
	e->microjoules = microjoules(picocoulombs(e->transmit_us, e->listen_us, e->compute_us, 0));
}
