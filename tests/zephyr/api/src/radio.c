/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The glue and a transport that keeps frames until their time, as a radio does. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"

/* How much later than it should the first SYNC of an exchange starts. */
#define OFF_US 300
#define NODES 3

/* QEMU's mps2/an385 computes so much slower than the plan's processor. */
#define SLOWER 16

static struct {
	struct cats_port *port;
	uint32_t at[CATS_TRANSPORT_FRAMES];
	struct cats_frame frame[CATS_TRANSPORT_FRAMES];
	uint8_t waiting;
	uint8_t most;
	uint8_t next; /* the first of them */
	/* What is refused: what comes while another frame waits, or a SYNC when it is told. */
	bool refuse_behind;
	bool refuse_sync;
	uint32_t refused;
	/* True start of the exchange that is open, and how many needs were where it puts them. */
	uint32_t opened;
	struct cats_exchange x;
	uint32_t needs;
} air;

/* For how long its receiver was off. */
static uint32_t rested;

static void end(struct k_work *work);
static K_WORK_DELAYABLE_DEFINE(ending, end);

static int air_attach(struct cats_port *port)
{
	memset(&air, 0, sizeof(air));
	air.port = port;
	return 0;
}

static void air_detach(struct cats_port *port)
{
	struct k_work_sync sync;

	zassert_equal_ptr(port, air.port);
	air.port = NULL;
	(void)k_work_cancel_delayable_sync(&ending, &sync);
}

static uint32_t air_now(void)
{
	return (uint32_t)(k_ticks_to_us_floor64((uint64_t)k_uptime_ticks()) / SLOWER);
}

static void wait_for_end(void)
{
	int32_t us = cats_time_diff(air.at[air.next], air_now());

	(void)k_work_reschedule_for_queue(&cats_air_queue, &ending, K_USEC(MAX(us, 1) * SLOWER));
}

static void end(struct k_work *work)
{
	const struct cats_frame *frame = &air.frame[air.next];
	uint32_t start = air.at[air.next];
	bool ok = true;

	ARG_UNUSED(work);
	if (frame->type == CATS_FRAME_SYNC && frame->slot == 0) {
		ok = !air.refuse_sync;
		air.x = frame->x;
		if (ok) {
			start += OFF_US;
		}
		air.opened = start;
	}
	air.next = (air.next + 1) % CATS_TRANSPORT_FRAMES;
	air.waiting--;
	if (air.waiting != 0) {
		wait_for_end();
	}
	air.port->sent(air.port, ok, start);
}

static int air_send(struct cats_port *port, const uint8_t *data, uint16_t size, uint32_t at)
{
	const struct cats_image *image =
		cats_running(CONTAINER_OF(port, struct cats_instance_data, port)->self);
	struct cats_frame *frame = &air.frame[(air.next + air.waiting) % CATS_TRANSPORT_FRAMES];

	zassert_true(air.waiting < CATS_TRANSPORT_FRAMES, "a third frame");
	zassert_true(size <= 64);
	if ((air.waiting != 0 && air.refuse_behind) || cats_time_diff(at, air_now()) < 0) {
		air.refused++;
		return -ETIME;
	}
	*frame = (struct cats_frame){
		.type = data[0] & 15,
		.round = data[1] >> 4,
		.x = {data[6], data[7]},
		.index = data[8],
		.slot = data[9],
	};
	if (frame->type == CATS_FRAME_NEED && frame->round == 1) {
		const struct cats_image_gather *gather = &image->gathers[frame->x.gather];
		const uint32_t slots = cats_slot_first(image, air.x, NODES);

		zassert_equal(frame->x.gather, air.x.gather);
		zassert_equal(frame->index & CATS_NEEDED, CATS_NEEDED);
		zassert_equal(at, air.opened + cats_sync_us(image, air.x, 0, slots) +
					  slots * gather->slot_us + cats_need_us(gather, 1, 0));
		air.needs++;
	}
	air.at[(air.next + air.waiting) % CATS_TRANSPORT_FRAMES] = at;
	air.waiting++;
	air.most = MAX(air.most, air.waiting);
	if (air.waiting == 1) {
		wait_for_end();
	}
	return 0;
}

static uint32_t air_rested(void)
{
	return rested;
}

static const struct cats_transport keeping = {
	.name = "keeping",
	.mtu = 64,
	.attach = air_attach,
	.detach = air_detach,
	.now = air_now,
	.send = air_send,
	.rested_us = air_rested,
};

CATS_INSTANCE_DEFINE(keeping_node, &keeping, 4096);

/* The leader of three, the others absent. Microseconds of the inference. */
static uint32_t infer(void)
{
	struct cats_result result;

	zassert_ok(cats_infer(&keeping_node, NULL, NULL, 0, &result, K_SECONDS(100)));
	zassert_true(result.led);
	zassert_equal(air.waiting, 0);
	/* Three exchanges in which others have something to say, then it keeps quiet. */
	zassert_true(air.needs >= CATS_SILENT_EXCHANGES);
	return result.ended_us - result.started_us;
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_ok(cats_start(&keeping_node, repaired[0].data, repaired[0].size));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)cats_stop(&keeping_node);
}

/* The next frame is with the transport while one waits or is sent. */
ZTEST(radio, test_two_at_a_time)
{
	struct cats_stats stats;

	(void)infer();
	zassert_equal(air.most, CATS_TRANSPORT_FRAMES);
	cats_stats(&keeping_node, &stats);
	zassert_equal(stats.glue.send_failed, 0);
}

/* What is refused behind a frame is not taken for that frame: its start is still the exchange's. */
ZTEST(radio, test_refused_behind)
{
	struct cats_stats stats;

	air.refuse_behind = true;
	(void)infer();
	zassert_equal(air.most, 1);
	zassert_true(air.refused > 0);
	cats_stats(&keeping_node, &stats);
	zassert_equal(stats.glue.send_failed, air.refused);
}

/* A SYNC that is not sent is lost, and nothing else: the exchange goes on. */
ZTEST(radio, test_refused_sync)
{
	struct cats_stats stats;

	air.refuse_sync = true;
	(void)infer();
	cats_stats(&keeping_node, &stats);
	zassert_true(stats.glue.send_failed >= CATS_SILENT_EXCHANGES);
}

#ifdef CONFIG_CATS_ENERGY
/* Between two inferences the receiver is off for all but a second of ten minutes. */
ZTEST(radio, test_energy_of_sleep)
{
	const uint32_t pause_s = 10 * 60;
	struct cats_energy_stats once;
	struct cats_stats stats;
	uint64_t took;

	Z_TEST_SKIP_IFNDEF(CONFIG_ARCH_POSIX); /* where such a time takes none */
	took = infer();
	cats_stats(&keeping_node, &stats);
	once = stats.energy;
	zassert_equal(once.sleep_us, 0);
	k_sleep(K_SECONDS(pause_s * SLOWER));
	rested += (pause_s - 1) * USEC_PER_SEC;
	took += infer();
	cats_stats(&keeping_node, &stats);
	zassert_equal(stats.energy.inferences, 2);
	zassert_equal(stats.energy.sleep_us, (pause_s - 1) * (uint64_t)USEC_PER_SEC);
	zassert_equal(stats.energy.transmit_us + stats.energy.listen_us, took);
	zassert_within(stats.energy.between_listen_us - once.between_listen_us, USEC_PER_SEC,
		       20 * USEC_PER_MSEC);
	zassert_between_inclusive(stats.energy.average_na, 1000 * CONFIG_CATS_ENERGY_SLEEP_UA,
				  20000);
}
#endif

ZTEST_SUITE(radio, NULL, NULL, before, after, NULL);

/*
 * The loopback
 */

static uint32_t heard;
static uint32_t told;
static uint32_t late_us; /* how late a frame is given */
static int gave;
static struct k_sem done;

static void hear(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(start);
	heard += size == 3 && frame[0] == 1; /* others are on this air as well */
}

static void tell(struct cats_port *port, bool ok, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(start);
	told += ok;
}

static bool busy;

static void sense_told(struct cats_port *port, bool is_busy)
{
	ARG_UNUSED(port);
	busy = is_busy;
	k_sem_give(&done);
}

static struct cats_port ports[2] = {{.received = hear, .sent = tell, .sensed = sense_told},
				    {.received = hear, .sent = tell, .sensed = sense_told}};

static void give(struct k_work *work)
{
	const uint8_t frame[] = {1, 2, 3};

	ARG_UNUSED(work);
	gave = cats_loopback.send(&ports[0], frame, sizeof(frame), cats_loopback.now() - late_us);
	k_sem_give(&done);
}

static K_WORK_DEFINE(giving, give);

/* Sent at its time, or not at all. */
ZTEST(loopback, test_never_late)
{
	for (int i = 0; i < 2; i++) {
		zassert_ok(cats_loopback.attach(&ports[i]));
	}
	k_sem_init(&done, 0, 1);
	heard = 0;
	told = 0;
	for (int late = 0; late < 2; late++) {
		late_us = late * (CONFIG_CATS_LATE_US + 1000);
		(void)k_work_submit_to_queue(&cats_air_queue, &giving);
		zassert_ok(k_sem_take(&done, K_SECONDS(1)));
		k_sleep(K_MSEC(100));
		zassert_equal(gave, late ? -ETIME : 0);
		zassert_equal(heard, 1);
		zassert_equal(told, 1);
	}
	for (int i = 0; i < 2; i++) {
		cats_loopback.detach(&ports[i]);
	}
}

static uint32_t sense_us;

static void look(struct k_work *work)
{
	ARG_UNUSED(work);
	zassert_ok(cats_loopback.sense(&ports[1], sense_us));
}

static K_WORK_DEFINE(looking, look);

/* A frame of another port is noticed where it begins, an own one, or one of then, is not. */
ZTEST(loopback, test_sense)
{
	for (int i = 0; i < 2; i++) {
		zassert_ok(cats_loopback.attach(&ports[i]));
	}
	k_sem_init(&done, 0, 1);
	late_us = 0;
	for (int after = 0; after < 2; after++) {
		(void)k_work_submit_to_queue(&cats_air_queue, &giving);
		zassert_ok(k_sem_take(&done, K_SECONDS(1)));
		sense_us = cats_loopback.now() + after * 10000;
		(void)k_work_submit_to_queue(&cats_air_queue, &looking);
		zassert_ok(k_sem_take(&done, K_SECONDS(1)));
		zassert_equal(busy, after == 0);
	}
	for (int i = 0; i < 2; i++) {
		cats_loopback.detach(&ports[i]);
	}
}

ZTEST_SUITE(loopback, NULL, NULL, NULL, NULL, NULL);
