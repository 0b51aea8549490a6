/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What an instance sends and hears. All of it runs on cats_air_queue but cats_air_kick() and what is
 * done once at the start.
 */

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "energy.h"
#include "instance.h"
#include "secure/secure.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

BUILD_ASSERT(-CONFIG_CATS_AIR_PRIORITY <= CONFIG_NUM_COOP_PRIORITIES,
	     "CATS_AIR_PRIORITY asks for more cooperative priorities than there are");

static K_KERNEL_STACK_DEFINE(air_stack, CONFIG_CATS_AIR_STACK_SIZE);
struct k_work_q cats_air_queue;

static int transmit(struct cats_instance_data *d, const struct cats_todo *todo)
{
	const uint8_t *frame = todo->frame;
	uint16_t size = todo->length;

#ifdef CONFIG_CATS_SECURE
	size = cats_secure_send(&d->secure, &d->image, frame, size);
	frame = d->secure.frame;
	if (size == 0) {
		return -EACCES;
	}
#endif
	cats_energy_send(d, size);
	return d->self->transport->send(&d->port, frame, size, todo->at);
}

/* Do what the node asks for, until it waits. Locked. */
static void drive(struct cats_instance_data *d)
{
	const struct cats_transport *transport = d->self->transport;
	struct cats_todo todo;

	/* A result stays valid until the next poll, so the thread must be through with it. */
	while (cats_alive(d) && !d->result_ready) {
		cats_node_poll(&d->node, cats_now(d), &todo);
		if (todo.compute) {
			k_sem_give(&d->work);
		}
		if (todo.what == CATS_TODO_SEND) {
			int ret = transmit(d, &todo);

			if (ret != 0) {
				LOG_DBG("%s: frame not sent (%d)", d->self->name, ret);
				d->glue.send_failed++;
				(void)cats_node_sent(&d->node, false, todo.at);
			}
		} else if (todo.what == CATS_TODO_DONE) {
			d->result = todo.result;
			d->result_ready = true;
			cats_energy_done(d, &d->result);
			k_sem_give(&d->work);
		} else {
			int32_t delay = todo.forever ? 0 : cats_time_diff(todo.at, cats_now(d));
			uint32_t us = (uint32_t)MAX(delay, 1);

			if (!todo.forever) {
				(void)k_work_reschedule_for_queue(&cats_air_queue, &d->air,
								  transport->timeout != NULL
									  ? transport->timeout(us)
									  : K_USEC(us));
			}
			break;
		}
	}
}

static void air_work(struct k_work *work)
{
	struct k_work_delayable *air = k_work_delayable_from_work(work);
	struct cats_instance_data *d = CONTAINER_OF(air, struct cats_instance_data, air);

	cats_lock(d);
	drive(d);
	cats_unlock(d);
}

void cats_air_kick(struct cats_instance_data *d)
{
	(void)k_work_reschedule_for_queue(&cats_air_queue, &d->air, K_NO_WAIT);
}

static void frame_received(struct cats_port *port, const uint8_t *frame, uint16_t size,
			   uint32_t start)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	cats_lock(d);
	if (cats_alive(d)) {
#ifdef CONFIG_CATS_SECURE
		int ret = cats_secure_receive(&d->secure, &d->image, frame, size, &frame);

		if (ret < 0) {
			d->glue.refused[-1 - ret]++;
			cats_unlock(d);
			return;
		}
		size = (uint16_t)ret;
#endif
		if (IS_ENABLED(CONFIG_CATS_LOSS) && cats_lost(d, frame, size)) {
			d->glue.dropped++;
			cats_unlock(d);
			return;
		}
		(void)cats_node_receive(&d->node, frame, size, start, cats_now(d));
		drive(d);
	}
	cats_unlock(d);
}

static void frame_sent(struct cats_port *port, bool ok, uint32_t start)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	cats_lock(d);
	if (!ok) {
		d->glue.send_failed++;
	} else {
		cats_energy_sent(d);
	}
	(void)cats_node_sent(&d->node, ok, start);
	/* Not drive(): it may be what called send(), which calls this. */
	cats_air_kick(d);
	cats_unlock(d);
}

void cats_air_init(struct cats_instance_data *d)
{
	k_work_init_delayable(&d->air, air_work);
	d->port.received = frame_received;
	d->port.sent = frame_sent;
}

void cats_air_start(void)
{
	static const struct k_work_queue_config config = {.name = "cats_air"};

	k_work_queue_init(&cats_air_queue);
	k_work_queue_start(&cats_air_queue, air_stack, K_KERNEL_STACK_SIZEOF(air_stack),
			   CONFIG_CATS_AIR_PRIORITY, &config);
}
