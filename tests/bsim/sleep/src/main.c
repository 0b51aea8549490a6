/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * A port of the chosen transport that does what a script says, without a node. A line of the file
 * script_NN.txt, of the device with that number, is a time and what is done then; times are
 * microseconds of this device's crystal, since its start:
 *
 *	TIME on                 listen
 *	TIME off FROM READY     do not, before FROM; frames are handed over as ever from READY on
 *	TIME send AT SIZE       hand a frame over
 *	TIME end
 *
 * It reports, a line each, what tests/python/zephyr/test_bsim_sleep_transports.py asserts on:
 *
 *	step LINE SHIFT RESTED  before each; what now() is ahead of the crystal; rested_us()
 *	gone OK LINE            its line
 *	heard START SIZE LINE   by now() and by the sender's line
 *	clock BACKWARDS LEAST MOST JITTER    how often now() went back; the shifts; .jitter_us
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>

#include "bs_types.h"
#include "bs_tracing.h"
#include "nsi_hw_scheduler.h"
#include "nsi_main.h"

#include <cats/gather.h>
#include <cats/transport.h>

#include "host.h"
#include "local.h"

#define SAMPLE_US 250000 /* the clock is looked at so often */

struct step {
	unsigned int line;
	uint64_t time;
	char what[8];
	uint64_t first;
	uint64_t second;
};

static struct cats_port port;
static struct step step;
static struct cats_listen listening; /* said again behind each frame, as a node does */
static uint32_t offset;              /* of now() from the crystal's time */
static K_SEM_DEFINE(done, 0, 1);

static unsigned int sending[CATS_TRANSPORT_FRAMES];
static unsigned int given;
static unsigned int told;

static unsigned int backwards;
static int32_t least;
static int32_t most;

/* What now() is ahead, and whether it went on. */
static int32_t look(void)
{
	static uint32_t last;
	uint64_t hw;
	uint32_t now;
	int32_t shift;

	do {
		hw = nsi_hws_get_time();
		now = CATS_TRANSPORT.now();
	} while (hw != nsi_hws_get_time()); /* preempted */
	shift = cats_time_diff(now, (uint32_t)hw + offset);
	backwards += cats_time_diff(now, last) < 0;
	last = now;
	least = MIN(least, shift);
	most = MAX(most, shift);
	return shift;
}

static void received(struct cats_port *self, const uint8_t *frame, uint16_t size, uint32_t start)
{
	int32_t ago = cats_time_diff(CATS_TRANSPORT.now(), start);

	ARG_UNUSED(self);
	report("heard %llu %u %u\n", (unsigned long long)(nsi_hws_get_time() - ago), size,
	       sys_get_le16(frame));
}

static void sent(struct cats_port *self, bool ok, uint32_t start)
{
	ARG_UNUSED(self);
	ARG_UNUSED(start);
	report("gone %d %u\n", ok, sending[told++ % CATS_TRANSPORT_FRAMES]);
	CATS_TRANSPORT.listen(&port, &listening, listening.from_us);
}

static void send(const struct step *this)
{
	uint8_t frame[CATS_FRAME_MAX] = {0};

	sys_put_le16((uint16_t)this->line, frame);
	sending[given++ % CATS_TRANSPORT_FRAMES] = this->line;
	if (CATS_TRANSPORT.send(&port, frame, (uint16_t)this->second,
				(uint32_t)this->first + offset) != 0) {
		given--;
		report("gone 0 %u\n", this->line);
	}
}

/* On cats_air_queue. */
static void run(struct k_work *work)
{
	ARG_UNUSED(work);
	report("step %u %d %u\n", step.line, look(), CATS_TRANSPORT.rested_us());
	if (strcmp(step.what, "send") == 0) {
		send(&step);
	} else {
		listening.off = strcmp(step.what, "off") == 0;
		listening.from_us = (uint32_t)step.first + offset;
		CATS_TRANSPORT.listen(&port, &listening, (uint32_t)step.second + offset);
	}
	k_sem_give(&done);
}

static K_WORK_DEFINE(run_work, run);

static void wait_until(uint64_t time)
{
	uint64_t now;

	while ((now = nsi_hws_get_time()) < time) {
		k_sleep(K_USEC(MIN(time - now, SAMPLE_US)));
		(void)look();
	}
}

/* The next line of a script. */
static bool next_step(const char **script)
{
	if (step.line != 0) {
		*script += strcspn(*script, "\n") + 1;
	}
	step.line++;
	return sscanf(*script, "%" SCNu64 " %7s %" SCNu64 " %" SCNu64, &step.time, step.what,
		      &step.first, &step.second) >= 2;
}

int main(void)
{
	char name[32];
	size_t size;
	const char *text;
	char *script;
	int ret;

	host_begin();
	(void)snprintf(name, sizeof(name), "script_%02u.txt", options.node);
	script = host_file(name, &size);
	script[size] = '\0';
	text = script;

	port.received = received;
	port.sent = sent;
	ret = CATS_TRANSPORT.attach(&port);
	if (ret != 0) {
		bs_trace_error("no port: %d\n", ret);
	}
	offset = CATS_TRANSPORT.now() - (uint32_t)nsi_hws_get_time();
	while (next_step(&text) && strcmp(step.what, "end") != 0) {
		wait_until(step.time);
		(void)k_work_submit_to_queue(&cats_air_queue, &run_work);
		(void)k_sem_take(&done, K_FOREVER);
	}
	wait_until(step.time);
	report("step %u %d %u\n", step.line, look(), CATS_TRANSPORT.rested_us());
	report("clock %u %d %d %u\n", backwards, least, most, CATS_TRANSPORT.jitter_us);
	CATS_TRANSPORT.detach(&port);
	nsi_exit(0);
}
