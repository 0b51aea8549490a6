/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>

#include "calibrate.h"

#define WAKES 100
#define PINGS 100

/* Long enough for every transport. */
#define LEAD_MAX_US 20000
#define GAP_MAX_US 20000
#define PAUSE_MS 3
#define PATIENCE_MS 200

/* Of as many in a row none may fail. */
#define TRIES 5
/* Binary searches end at this, microseconds. */
#define STEP 5

/* As exactly as a clock that counts ticks tells. */
#define TICKS_US ((int32_t)(2 * USEC_PER_SEC / CONFIG_SYS_CLOCK_TICKS_PER_SEC))

static struct cats_port port;

/* What the air queue and main() hand each other: one asks, the other tells by a semaphore. */
static struct {
	uint8_t frame[FRAME_SIZE];
	int32_t lead;
	uint32_t at;
	int result;
} out;
static struct {
	bool ok;
	uint32_t start;
} sent;
static struct {
	uint32_t number, start, stamp;
	int32_t latency; /* from its end to the call */
} heard;
static K_SEM_DEFINE(out_done, 0, 1);
static K_SEM_DEFINE(sent_done, 0, 1);
static K_SEM_DEFINE(heard_done, 0, 1);

static void port_received(struct cats_port *p, const uint8_t *frame, uint16_t size, uint32_t start)
{
	ARG_UNUSED(p);
	if (size != FRAME_SIZE || sys_get_le32(frame + AT_MAGIC) != FRAME_MAGIC ||
	    frame[AT_TYPE] != FRAME_ANSWER) {
		return;
	}
	heard.number = sys_get_le32(frame + AT_NUMBER);
	heard.stamp = sys_get_le32(frame + AT_STAMP);
	heard.start = start;
	heard.latency = cats_time_diff(TRANSPORT.now(), start + FRAME_US);
	k_sem_give(&heard_done);
}

static void port_sent(struct cats_port *p, bool ok, uint32_t start)
{
	ARG_UNUSED(p);
	sent.ok = ok;
	sent.start = start;
	k_sem_give(&sent_done);
}

/*
 * Waking up
 */

static struct {
	uint32_t due;
	int32_t late;
} wake;
static K_SEM_DEFINE(wake_done, 0, 1);

static void wake_work(struct k_work *work)
{
	ARG_UNUSED(work);
	wake.late = cats_time_diff(TRANSPORT.now(), wake.due);
	k_sem_give(&wake_done);
}

static K_WORK_DELAYABLE_DEFINE(wake_item, wake_work);

static void measure_wakes(struct air_figures *figures)
{
	figures->wake_min = INT32_MAX;
	figures->wake_max = INT32_MIN;
	for (uint32_t i = 0; i < WAKES; i++) {
		uint32_t us = 3000 + 37 * i;

		wake.due = TRANSPORT.now() + us;
		if (TRANSPORT.wake != NULL) {
			TRANSPORT.wake(&port, &wake_item, wake.due);
		} else {
			(void)k_work_schedule_for_queue(&cats_air_queue, &wake_item, K_USEC(us));
		}
		(void)k_sem_take(&wake_done, K_FOREVER);
		figures->wake_min = MIN(figures->wake_min, wake.late);
		figures->wake_max = MAX(figures->wake_max, wake.late);
	}
}

/*
 * Sending
 */

static void out_work(struct k_work *work)
{
	ARG_UNUSED(work);
	out.at = TRANSPORT.now() + (uint32_t)out.lead;
	out.result = TRANSPORT.send(&port, out.frame, sizeof(out.frame), out.at);
	k_sem_give(&out_done);
}

static K_WORK_DEFINE(out_item, out_work);

/* Whether a ping that is to start in `lead` is sent then. */
static bool send_ping(int32_t lead, uint32_t number, uint32_t gap)
{
	k_msleep(PAUSE_MS);
	memset(out.frame, 0, sizeof(out.frame));
	sys_put_le32(FRAME_MAGIC, out.frame + AT_MAGIC);
	out.frame[AT_TYPE] = FRAME_PING;
	sys_put_le32(number, out.frame + AT_NUMBER);
	sys_put_le32(gap, out.frame + AT_GAP);
	out.lead = lead;
	(void)k_work_submit_to_queue(&cats_air_queue, &out_item);
	(void)k_sem_take(&out_done, K_FOREVER);
	return out.result == 0 && k_sem_take(&sent_done, K_MSEC(PATIENCE_MS)) == 0 && sent.ok &&
	       cats_time_diff(sent.start, out.at) <= TICKS_US;
}

/* Whether ping `number` is answered when it asks for it; the answer is in `heard`. */
static bool ping(int32_t lead, uint32_t number, uint32_t gap)
{
	k_sem_reset(&heard_done);
	if (!send_ping(lead, number, gap)) {
		return false;
	}
	while (k_sem_take(&heard_done, K_MSEC(PATIENCE_MS)) == 0) {
		if (heard.number == number) {
			return true;
		}
	}
	return false;
}

static uint32_t next_number;

static bool lead_works(int32_t lead)
{
	for (int i = 0; i < TRIES; i++) {
		/* Nobody answers a gap of 0. */
		if (!send_ping(lead, next_number++, 0)) {
			return false;
		}
	}
	return true;
}

static bool gap_works(int32_t gap, int32_t lead)
{
	for (int i = 0; i < TRIES; i++) {
		if (!ping(lead, next_number++, (uint32_t)gap)) {
			return false;
		}
	}
	return true;
}

static void measure_hand(struct air_figures *figures)
{
	int32_t low = 0;
	int32_t high = LEAD_MAX_US;

	figures->hand = -1;
	if (!lead_works(high)) {
		return;
	}
	while (high - low > STEP) {
		int32_t middle = low + (high - low) / 2;

		if (lead_works(middle)) {
			high = middle;
		} else {
			low = middle;
		}
	}
	figures->hand = high;
}

static void measure_turn(struct air_figures *figures, int32_t lead)
{
	int32_t low = FRAME_US;
	int32_t high = GAP_MAX_US;

	figures->turn = -1;
	if (!gap_works(high, lead)) {
		return;
	}
	while (high - low > STEP) {
		int32_t middle = low + (high - low) / 2;

		if (gap_works(middle, lead)) {
			high = middle;
		} else {
			low = middle;
		}
	}
	figures->turn = high - FRAME_US;
}

static void measure_round_trip(struct air_figures *figures, int32_t lead)
{
	uint32_t first_start = 0;
	uint32_t first_stamp = 0;
	int64_t sum = 0;

	figures->late_min = figures->heard_min = INT32_MAX;
	figures->late_max = figures->heard_max = INT32_MIN;
	for (figures->pings = 0; figures->pings < PINGS; figures->pings++) {
		int32_t late;

		if (!ping(lead, next_number++, GAP_MAX_US)) {
			continue;
		}
		late = cats_time_diff(heard.start, sent.start + GAP_MAX_US);
		sum += late;
		figures->late_min = MIN(figures->late_min, late);
		figures->late_max = MAX(figures->late_max, late);
		figures->heard_min = MIN(figures->heard_min, heard.latency);
		figures->heard_max = MAX(figures->heard_max, heard.latency);
		if (figures->answers++ == 0) {
			first_start = sent.start;
			first_stamp = heard.stamp;
		} else {
			int64_t here = cats_time_diff(sent.start, first_start);
			int64_t there = cats_time_diff(heard.stamp, first_stamp);

			figures->drift_ppm = (int32_t)((there - here) * 1000000 / here);
		}
	}
	if (figures->answers > 0) {
		figures->late_mean = (int32_t)(sum / figures->answers);
	}
}

int air_measure(struct air_figures *figures)
{
	int32_t lead;
	int ret;

	memset(figures, 0, sizeof(*figures));
	port.received = port_received;
	port.sent = port_sent;
	ret = TRANSPORT.attach(&port);
	if (ret != 0) {
		return ret;
	}
	measure_wakes(figures);
	measure_hand(figures);
	/* Pings themselves are always in time. */
	lead = MAX(2 * figures->hand, 1000);
	if (figures->hand >= 0) {
		measure_round_trip(figures, lead);
	}
	figures->turn = -1;
	if (figures->answers > 0) {
		measure_turn(figures, lead);
	}
	TRANSPORT.detach(&port);
	return 0;
}
