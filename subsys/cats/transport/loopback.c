/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>
#include <cats/transport.h>

BUILD_ASSERT(CONFIG_SYS_CLOCK_TICKS_PER_SEC >= DIV_ROUND_UP(10000, CONFIG_CATS_LOOPBACK_SLOWDOWN),
	     "a tick is too long for slots: raise CONFIG_SYS_CLOCK_TICKS_PER_SEC");

/* A frame from send() until all have heard it. */
struct air_frame {
	sys_snode_t list;
	const struct cats_port *from;
	uint32_t start;
	uint32_t end;
	uint16_t size;
	uint8_t data[CONFIG_CATS_LOOPBACK_MTU];
};

K_MEM_SLAB_DEFINE_STATIC(slab, sizeof(struct air_frame), CONFIG_CATS_LOOPBACK_FRAMES,
			 __alignof__(struct air_frame));

static K_MUTEX_DEFINE(ports_lock);
static sys_slist_t ports = SYS_SLIST_STATIC_INIT(&ports);

/* By their ends; touched on cats_air_queue only. */
static sys_slist_t frames = SYS_SLIST_STATIC_INIT(&frames);

/* Of frames that have ended: the starts of the newest ones of the last sender, and of the last one
 * but that.
 */
static struct {
	const struct cats_port *from;
	uint32_t start;
} newest[2];

static void air_work(struct k_work *work);
static void sense_work(struct k_work *work);
static K_WORK_DELAYABLE_DEFINE(air, air_work);
static K_WORK_DELAYABLE_DEFINE(sensing, sense_work);

static uint32_t loopback_now(void)
{
	uint64_t us = k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());

	return (uint32_t)(us / CONFIG_CATS_LOOPBACK_SLOWDOWN);
}

static k_timeout_t loopback_timeout(uint32_t us)
{
	return K_TICKS(
		(k_ticks_t)k_us_to_ticks_ceil64((uint64_t)us * CONFIG_CATS_LOOPBACK_SLOWDOWN));
}

static void loopback_wake(struct cats_port *port, struct k_work_delayable *work, uint32_t at)
{
	int32_t us = cats_time_diff(at, loopback_now());

	ARG_UNUSED(port);
	(void)k_work_reschedule_for_queue(&cats_air_queue, work,
					  us > 0 ? loopback_timeout((uint32_t)us) : K_NO_WAIT);
}

static int loopback_attach(struct cats_port *port)
{
	port->senses = false;
	(void)k_mutex_lock(&ports_lock, K_FOREVER);
	sys_slist_append(&ports, &port->list);
	(void)k_mutex_unlock(&ports_lock);
	return 0;
}

static void loopback_detach(struct cats_port *port)
{
	(void)k_mutex_lock(&ports_lock, K_FOREVER);
	(void)sys_slist_find_and_remove(&ports, &port->list);
	(void)k_mutex_unlock(&ports_lock);
}

static void wait_for_first(void)
{
	struct air_frame *first = SYS_SLIST_PEEK_HEAD_CONTAINER(&frames, first, list);

	if (first != NULL) {
		loopback_wake(NULL, &air, first->end);
	}
}

static void air_work(struct k_work *work)
{
	struct air_frame *frame;

	ARG_UNUSED(work);
	while ((frame = SYS_SLIST_PEEK_HEAD_CONTAINER(&frames, frame, list)) != NULL &&
	       cats_time_diff(frame->end, loopback_now()) <= 0) {
		struct cats_port *port;

		(void)sys_slist_get(&frames);
		if (newest[0].from != frame->from) {
			newest[1] = newest[0];
			newest[0].from = frame->from;
		}
		newest[0].start = frame->start;
		(void)k_mutex_lock(&ports_lock, K_FOREVER);
		SYS_SLIST_FOR_EACH_CONTAINER(&ports, port, list) {
			if (port != frame->from) {
				port->received(port, frame->data, frame->size, frame->start);
			}
		}
		(void)k_mutex_unlock(&ports_lock);
		k_mem_slab_free(&slab, frame);
	}
	wait_for_first();
}

/* It is told when the shortest frame of then has ended. */
static uint32_t sensed_at(const struct cats_port *port)
{
	return port->sense_us +
	       DIV_ROUND_UP(CATS_FRAME_HEADER * CONFIG_CATS_LOOPBACK_BYTE_NS, 1000u);
}

static bool begins_then(const struct cats_port *port, uint32_t start)
{
	int32_t apart = cats_time_diff(start, port->sense_us);

	return apart >= -CONFIG_CATS_LATE_US && apart <= CONFIG_CATS_LATE_US;
}

/* Frames may be handed over long before they start, so that the last one that was is not it. */
static bool busy(const struct cats_port *port)
{
	int i = newest[0].from == port;
	struct air_frame *frame;

	SYS_SLIST_FOR_EACH_CONTAINER(&frames, frame, list) {
		if (frame->from != port && begins_then(port, frame->start)) {
			return true;
		}
	}
	return newest[i].from != NULL && begins_then(port, newest[i].start);
}

static void sense_work(struct k_work *work)
{
	struct cats_port *port;

	ARG_UNUSED(work);
	(void)k_mutex_lock(&ports_lock, K_FOREVER);
	SYS_SLIST_FOR_EACH_CONTAINER(&ports, port, list) {
		if (port->senses && cats_time_diff(sensed_at(port), loopback_now()) <= 0) {
			port->senses = false;
			port->sensed(port, busy(port));
		}
	}
	SYS_SLIST_FOR_EACH_CONTAINER(&ports, port, list) {
		if (port->senses) {
			loopback_wake(port, &sensing, sensed_at(port));
			break;
		}
	}
	(void)k_mutex_unlock(&ports_lock);
}

static int loopback_sense(struct cats_port *port, uint32_t at)
{
	port->sense_us = at;
	port->senses = true;
	if (!k_work_delayable_is_pending(&sensing)) {
		loopback_wake(port, &sensing, sensed_at(port));
	}
	return 0;
}

static int loopback_send(struct cats_port *port, const uint8_t *data, uint16_t size, uint32_t at)
{
	uint32_t time = loopback_now();
	struct air_frame *frame;
	struct air_frame *other;
	sys_snode_t *before = NULL;
	void *memory;

	if (size == 0 || size > CONFIG_CATS_LOOPBACK_MTU) {
		return -EMSGSIZE;
	}
	if (cats_time_diff(time, at) > CONFIG_CATS_LATE_US) {
		return -ETIME;
	}
	if (k_mem_slab_alloc(&slab, &memory, K_NO_WAIT) != 0) {
		return -ENOBUFS;
	}
	frame = memory;
	frame->from = port;
	frame->start = cats_time_diff(at, time) > 0 ? at : time;
	frame->end =
		frame->start + DIV_ROUND_UP((uint32_t)size * CONFIG_CATS_LOOPBACK_BYTE_NS, 1000u);
	frame->size = size;
	memcpy(frame->data, data, size);
	SYS_SLIST_FOR_EACH_CONTAINER(&frames, other, list) {
		if (cats_time_diff(other->end, frame->end) > 0) {
			break;
		}
		before = &other->list;
	}
	sys_slist_insert(&frames, before, &frame->list);
	wait_for_first();
	port->sent(port, true, frame->start);
	return 0;
}

const struct cats_transport cats_loopback = {
	.name = "loopback",
	.mtu = CONFIG_CATS_LOOPBACK_MTU,
	.attach = loopback_attach,
	.detach = loopback_detach,
	.now = loopback_now,
	.send = loopback_send,
	.sense = loopback_sense,
	.wake = loopback_wake,
};
