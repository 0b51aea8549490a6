/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What the glue in subsys/cats/node calls takes as long as on the simulated air of `cats simulate`:
 * each wrapper is the place where air_node.c lets that time pass. Drivers and the kernel have no
 * time of their own beside the constants for an interrupt, a wake-up and the transport's send().
 */

#include <string.h>

#include <cats/cats.h>

#include "bs_tracing.h"

#include "air_code.h"
#include "host.h"
#include "instance.h"
#include "secure/secure.h"

static struct air_code code; /* zeros: no time */
static struct air_polled polled;
static bool sent; /* an own frame has ended, and the node is not looked at yet */

void code_time_load(const char *name)
{
	size_t size;
	const void *file = host_file(name, &size);

	if (size != sizeof(code)) {
		bs_trace_error("%s: %zu bytes, not %zu\n", name, size, sizeof(code));
	}
	memcpy(&code, file, size);
}

/*
 * The air queue's work
 */

__typeof__(cats_air_work) __real_cats_air_work;

void __wrap_cats_air_work(struct k_work *work)
{
	host_hold(sent ? code.wake : code.expire);
	sent = false;
	__real_cats_air_work(work);
}

__typeof__(cats_air_sent) __real_cats_air_sent;

void __wrap_cats_air_sent(struct cats_port *port, bool ok, uint32_t start)
{
	sent = true;
	__real_cats_air_sent(port, ok, start);
}

__typeof__(cats_air_sensed) __real_cats_air_sensed;

void __wrap_cats_air_sensed(struct cats_port *port, bool busy)
{
	host_hold(code.isr + code.wake);
	__real_cats_air_sensed(port, busy);
}

__typeof__(cats_air_received) __real_cats_air_received;

void __wrap_cats_air_received(struct cats_port *port, const uint8_t *frame, uint16_t size,
			      uint32_t start)
{
	host_hold(code.wake);
	__real_cats_air_received(port, frame, size, start);
}

/*
 * What that calls
 */

__typeof__(cats_node_receive) __real_cats_node_receive;

int __wrap_cats_node_receive(struct cats_node *node, const uint8_t *data, uint16_t length,
			     uint32_t start_us, uint32_t now_us)
{
	int ret = __real_cats_node_receive(node, data, length, start_us, now_us);

	host_hold(air_code_received(&code, node->config.image, data, length));
	return ret;
}

__typeof__(cats_node_poll) __real_cats_node_poll;

void __wrap_cats_node_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	__real_cats_node_poll(node, now_us, todo);
	host_hold(air_code_polled(&code, &polled, node));
	if (todo->what == CATS_TODO_SEND) {
		host_hold(air_code_built(&code, node->config.image, todo->frame, todo->length));
	}
}

__typeof__(cats_node_compute_begin) __real_cats_node_compute_begin;

int __wrap_cats_node_compute_begin(struct cats_node *node, struct cats_job *job, uint32_t now_us)
{
	int ret = __real_cats_node_compute_begin(node, job, now_us);

	host_hold(ret == 0 ? code.job : 0);
	return ret;
}

#ifdef CONFIG_CATS_SECURE
__typeof__(cats_secure_send) __real_cats_secure_send;

uint16_t __wrap_cats_secure_send(struct cats_secure_state *state, const struct cats_image *image,
				 const uint8_t *frame, uint16_t size, const uint8_t **sealed)
{
	host_hold(air_code_aes(&code, size));
	return __real_cats_secure_send(state, image, frame, size, sealed);
}

__typeof__(cats_secure_receive) __real_cats_secure_receive;

/* A frame that is refused before it is opened takes nothing. */
int __wrap_cats_secure_receive(struct cats_secure_state *state, const struct cats_image *image,
			       const uint8_t *sealed, uint16_t size, const uint8_t **frame)
{
	int ret = __real_cats_secure_receive(state, image, sealed, size, frame);

	if (ret > 0 || ret == -1 - CATS_SECURE_FORGED) {
		host_hold(air_code_aes(&code, size - CATS_SECURE_OVERHEAD));
	}
	return ret;
}
#endif /* CONFIG_CATS_SECURE */
