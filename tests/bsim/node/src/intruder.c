/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Somebody who knows everything of a deployment but its key. It listens, then sends a burst as fast
 * as the transport can, and again: frames that it heard as they were, with a bit flipped, in
 * another node's name, their payload in an unsealed frame with the right check, and noise.
 */

#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/crc.h>
#include <zephyr/sys/util.h>

#include "bs_tracing.h"
#include "bs_types.h"

#include <cats/cats.h>

#include "host.h"
#include "local.h"

#define KEPT 64
#define BURST 8
#define REFUSED_US 100u
/* The first time that the transport can still make. */
#ifdef CONFIG_CATS_BLE
#define SOON_US (CONFIG_CATS_BLE_TX_US + 500u)
#else
#define SOON_US 100u
#endif
/* From doc/security.rst. */
#define SEALED_HEADER 14
#define TAG 8

static struct {
	uint16_t size;
	uint8_t bytes[CATS_FRAME_MAX];
} kept[KEPT];

static unsigned int heard;
static unsigned int sent;
static unsigned int left; /* of the burst */
static uint8_t frame[CATS_FRAME_MAX];
static uint16_t key; /* of the check */
static uint8_t nodes;

static void attack(struct k_work *work);
static K_WORK_DELAYABLE_DEFINE(next, attack);

/* xorshift32 */
static uint32_t draw(void)
{
	static uint32_t state;

	state = state == 0 ? options.seed * 2 + 1 : state;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void later(k_timeout_t delay)
{
	(void)k_work_reschedule_for_queue(&cats_air_queue, &next, delay);
}

static void received(struct cats_port *port, const uint8_t *data, uint16_t size, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(start);
	/* The first half stays: frames of inferences that are over. */
	unsigned int at = heard < KEPT ? heard : KEPT / 2 + heard % (KEPT / 2);

	memcpy(kept[at].bytes, data, size);
	kept[at].size = size;
	heard++;
}

static void done(struct cats_port *port, bool ok, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(start);
	sent += ok;
	/* A refusal takes no simulated time: asked again at once, it would stand still for ever. */
	later(K_USEC(MAX(left > 0 ? 0u : options.intrude_us, ok ? 0u : REFUSED_US)));
}

static struct cats_port port = {.received = received, .sent = done};

/* The frame that would be right if the deployment did not seal its frames. */
static uint16_t unseal(uint16_t size)
{
	uint16_t plain = size - (SEALED_HEADER - CATS_FRAME_HEADER) - TAG;

	memmove(&frame[CATS_FRAME_HEADER], &frame[SEALED_HEADER], plain - CATS_FRAME_HEADER);
	frame[0] &= 0x7f;
	sys_put_le16(crc16_itu_t(crc16_itu_t(key, frame, 2), &frame[4], plain - 4), &frame[2]);
	return plain;
}

static uint16_t make(void)
{
	unsigned int at = draw() % MIN(heard, KEPT);
	uint16_t size = kept[at].size;

	memcpy(frame, kept[at].bytes, size);
	switch (draw() % 5) {
	case 0:
		break;
	case 1:
		frame[draw() % size] ^= BIT(draw() % 8);
		break;
	case 2: /* newer, from another */
		frame[1] = (frame[1] & 0xf0) | draw() % nodes;
		frame[10]++;
		break;
	case 3:
		return size > SEALED_HEADER + TAG ? unseal(size) : size;
	default:
		for (uint16_t i = 1; i < size; i++) {
			frame[i] = draw();
		}
	}
	return size;
}

static void attack(struct k_work *work)
{
	ARG_UNUSED(work);
	if (heard == 0) {
		later(K_MSEC(1));
		return;
	}
	left = left > 0 ? left - 1 : BURST - 1;
	if (CATS_TRANSPORT.send(&port, frame, make(), CATS_TRANSPORT.now() + SOON_US) != 0) {
		left = 0;
		later(K_USEC(MAX(options.intrude_us, REFUSED_US)));
	}
}

unsigned int intrude(const struct cats_image_header *image)
{
	const struct cats_image whole = {.header = image};
	unsigned int before;

	nodes = image->nodes;
	key = cats_frame_key(&whole, CONFIG_CATS_GROUP);
	if (CATS_TRANSPORT.attach(&port) != 0) {
		bs_trace_error_line("the intruder cannot listen\n");
	}
	later(K_MSEC(1));
	do {
		before = heard;
		k_sleep(K_USEC(options.quiet_us));
	} while (heard != before || heard == 0);
	return sent;
}
