/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What an instance sends and hears. All but cats_air_kick() runs on cats_air_queue. */

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "energy.h"
#include "instance.h"
#include "links.h"
#include "secure/secure.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

static int transmit(struct cats_instance_data *d, const struct cats_todo *todo)
{
	const uint8_t *frame = todo->frame;
	uint16_t size = todo->length;
	int ret;

#ifdef CONFIG_CATS_SECURE
	size = cats_secure_send(&d->secure, &d->image, frame, size, &frame);
	if (size == 0) {
		return -EACCES;
	}
#endif
	/* Before send(), which may tell already that it is sent. */
	d->sizes[(d->oldest + d->handed) % CATS_TRANSPORT_FRAMES] = size;
	d->handed++;
	ret = d->self->transport->send(&d->port, frame, size, todo->at);
	if (ret != 0) {
		d->handed--;
	}
	return ret;
}

/* The node counts on hearing of its frames in their order. */
static void not_sent(struct cats_instance_data *d)
{
	d->glue.send_failed++;
	if (d->handed == 0) {
		(void)cats_node_sent(&d->node, false, 0);
	} else {
		d->refused_behind = true;
	}
}

/* Look at the node again then, or a little later. */
static void wait_until(struct cats_instance_data *d, uint32_t at)
{
	const struct cats_transport *transport = d->self->transport;

	if (transport->wake != NULL) {
		transport->wake(&d->port, &d->air, at);
	} else {
		int32_t delay = cats_time_diff(at, transport->now());

		(void)k_work_reschedule_for_queue(&cats_air_queue, &d->air, K_USEC(MAX(delay, 1)));
	}
}

/* When frames may be handed over next. In an inference slots are narrower than what a rest of the
 * transport's clock does to the time.
 */
static uint32_t ready_us(const struct cats_instance_data *d, const struct cats_todo *todo,
			 const struct cats_listen *listen)
{
	if (cats_node_runs(&d->node)) {
		return cats_now(d);
	}
	return todo->forever ? listen->from_us : todo->at;
}

/* Nothing is to be done before todo->at, if there is such a time. The receiver is off where nothing
 * comes.
 */
static void rest(struct cats_instance_data *d, const struct cats_todo *todo)
{
	const struct cats_transport *transport = d->self->transport;
	struct cats_listen listen = {0};

	if ((IS_ENABLED(CONFIG_CATS_RECEIVER_OFF) || IS_ENABLED(CONFIG_CATS_SLEEP)) &&
	    transport->listen != NULL) {
		if (IS_ENABLED(CONFIG_CATS_RECEIVER_OFF) || !cats_node_runs(&d->node)) {
			cats_node_listen(&d->node, cats_now(d), transport->detect_us, &listen);
		}
		transport->listen(&d->port, &listen, ready_us(d, todo, &listen));
	}
	if (listen.ask && (todo->forever || cats_time_diff(listen.ask_us, todo->at) < 0)) {
		wait_until(d, listen.ask_us);
	} else if (!todo->forever) {
		wait_until(d, todo->at);
	} else if (IS_ENABLED(CONFIG_CATS_ENERGY)) {
		wait_until(d, cats_now(d) + CATS_ENERGY_LOOK_US);
	}
	cats_energy_look(d);
}

/* Do what the node asks for, until it waits. Locked. */
static void drive(struct cats_instance_data *d)
{
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
				not_sent(d);
			}
		} else if (todo.what == CATS_TODO_SENSE) {
			const struct cats_transport *transport = d->self->transport;

			if (transport->sense == NULL || transport->sense(&d->port, todo.at) != 0) {
				cats_node_sensed(&d->node, true);
			}
		} else if (todo.what == CATS_TODO_DONE) {
			if ((todo.result.silent & ~d->result.silent) != 0) {
				LOG_WRN("silent nodes 0x%x", todo.result.silent);
			}
			d->result = todo.result;
			d->result_ready = true;
			cats_energy_done(d, &d->result);
			cats_links_done(d, &d->result);
			k_sem_give(&d->work);
		} else {
#ifdef CONFIG_CATS_LLAMA
			cats_text_look(d);
#endif
			rest(d, &todo);
			break;
		}
	}
}

void cats_air_work(struct k_work *work)
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

void cats_air_received(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t start)
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
		if (cats_node_receive(&d->node, frame, size, start, cats_now(d)) == 0) {
			cats_links_heard(d, frame);
		}
		drive(d);
	}
	cats_unlock(d);
}

void cats_air_sensed(struct cats_port *port, bool busy)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	cats_lock(d);
	if (cats_alive(d)) {
		cats_node_sensed(&d->node, busy);
		drive(d);
	}
	cats_unlock(d);
}

void cats_air_sent(struct cats_port *port, bool ok, uint32_t start)
{
	struct cats_instance_data *d = CONTAINER_OF(port, struct cats_instance_data, port);

	cats_lock(d);
	if (!ok) {
		d->glue.send_failed++;
	} else {
		cats_energy_sent(d, d->sizes[d->oldest]);
	}
	d->oldest = (d->oldest + 1) % CATS_TRANSPORT_FRAMES;
	d->handed--;
	(void)cats_node_sent(&d->node, ok, start);
	if (d->refused_behind) {
		d->refused_behind = false;
		(void)cats_node_sent(&d->node, false, 0);
	}
	/* Not drive(): it may be what called send(), which calls this. */
	cats_air_kick(d);
	cats_unlock(d);
}
