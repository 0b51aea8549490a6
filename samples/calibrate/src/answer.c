/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Each ping is answered at the time that it asks for, if that can be kept. */

#include <string.h>

#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include "calibrate.h"

static void answer_received(struct cats_port *port, const uint8_t *frame, uint16_t size,
			    uint32_t start)
{
	uint8_t answer[FRAME_SIZE];

	if (size != FRAME_SIZE || sys_get_le32(frame + AT_MAGIC) != FRAME_MAGIC ||
	    frame[AT_TYPE] != FRAME_PING) {
		return;
	}
	memcpy(answer, frame, sizeof(answer));
	answer[AT_TYPE] = FRAME_ANSWER;
	sys_put_le32(start, answer + AT_STAMP);
	/* One that is asked for too early is not sent: the other takes it for lost. */
	(void)TRANSPORT.send(port, answer, sizeof(answer), start + sys_get_le32(frame + AT_GAP));
}

static void answer_sent(struct cats_port *port, bool ok, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(ok);
	ARG_UNUSED(start);
}

int answer_start(void)
{
	static struct cats_port port = {.received = answer_received, .sent = answer_sent};

	return TRANSPORT.attach(&port);
}
