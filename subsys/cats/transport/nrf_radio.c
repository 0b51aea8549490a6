/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The nRF RADIO peripheral with BLE 2M framing, driven directly. TIMER0 is the clock. It captures
 * the address of each frame that is heard (CC1), and starts the transmitter (CC0), both without the
 * processor. An interrupt before that (CC2) stops the receiver; the same looks whether a frame came
 * to its end, and wakes the node. The receiver is on between own frames, but where they follow each
 * other at once. Radio and timer interrupts have one priority and exclude each other.
 *
 * With CONFIG_CATS_SLEEP the timer and the crystal stop for long rests. The kernel's clock then
 * goes on with the time from where both were read, and its alarm starts the crystal again.
 *
 * Anything more urgent may hold them for any time, at any place: what was decided by the clock is
 * looked at again behind the register that it led to. The receiver is on, or a radio event is to
 * come, or the timer's.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/drivers/clock_control.h>
#include <zephyr/drivers/clock_control/nrf_clock_control.h>
#include <zephyr/irq.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <hal/nrf_radio.h>
#include <hal/nrf_timer.h>
#if defined(DPPI_PRESENT)
#include <nrfx_dppi.h>
#else
#include <hal/nrf_ppi.h>
#endif

#include <cats/gather.h>
#include <cats/transport.h>

#include "storage/settings.h"
#include "wait.h"

#define TIMER NRF_TIMER0
#define CC_TXEN NRF_TIMER_CC_CHANNEL0
#define CC_ADDR NRF_TIMER_CC_CHANNEL1
#define CC_WAKE NRF_TIMER_CC_CHANNEL2
#define CC_NOW NRF_TIMER_CC_CHANNEL3

#define HEADER_SIZE 2 /* S0 and length */
#define BYTE_US 4
#define OVERHEAD 11 /* bytes on the air around a frame */

/* Microseconds. Product specification: fast ramp-up 40, transmitter's delay 1, receiver's 5. */
#define RAMP_US 41     /* TXEN to the first bit on the air */
#define ADDRESS_US 29  /* first bit on the air to the event: 16 bits of preamble, 32 of address */
#define PREPARE_US 62  /* stop of the receiver to the first bit: RAMP_US, and two interrupts */
#define MARGIN_US 8    /* between the receiver's stop and what it takes to ask for it */
#define LISTEN_US 48   /* receiver's ramp-up, and an interrupt before it */
#define REST_US 24     /* least rest; two interrupts are less */
#define DISABLE_US 10  /* longest ramp-down */
#define ENDED_US 30    /* so long behind its end a frame has ended */
#define SENSE_US 42    /* stop of the receiver to where frames begin: ramp-up, interrupts */
#define ENERGY_US 128  /* for which energy is measured */
#define SENSED_US 40   /* so much later at most: else too little of a frame is left */
#define CRYSTAL_MS 100 /* longer than any crystal takes to start */
#define STOP_MS 2      /* longer than DISABLE_US by the kernel's clock */

#ifdef CONFIG_CATS_SLEEP
/* Alarm to a clock that runs: a tick that is cut off, and the fewest that an alarm takes. */
#define WAKE_US (CONFIG_CATS_NRF_RADIO_CRYSTAL_US + CATS_TICKS_US(4))
#define SLEEP_US (WAKE_US + 2000) /* least time for which the clock stops */
#define TICK_US (CATS_TICKS_US(1) + 1)
#define LOOK_US 10 /* to read both clocks; more: something came in between */
#define LOOKS 4    /* that often at most */
#endif

BUILD_ASSERT(!IS_ENABLED(CONFIG_BT_CTLR) && !IS_ENABLED(CONFIG_NRF_802154_RADIO_DRIVER),
	     "the CATS radio owns RADIO");
BUILD_ASSERT(!DT_NODE_HAS_STATUS_OKAY(DT_NODELABEL(timer0)), "the CATS radio owns TIMER0");
BUILD_ASSERT(!IS_ENABLED(CONFIG_CATS_SLEEP) ||
		     (IS_ENABLED(CONFIG_TIMEOUT_64BIT) && CONFIG_SYS_CLOCK_TICKS_PER_SEC >= 32768),
	     "the kernel's clock is too coarse to sleep by");
BUILD_ASSERT(CONFIG_CATS_LEAD_US > PREPARE_US + MARGIN_US,
	     "CATS_LEAD_US leaves no time to load the radio");

/* What counts as energy, in units of 1 dB; Product specification: 0 is -93 dBm, about. */
#define ENERGY_MIN (CONFIG_CATS_NRF_RADIO_ENERGY + 93)

#define CHANNEL_MAX 100 /* 2400 to 2500 MHz */

static struct {
	uint32_t address;
	uint16_t channel; /* MHz above 2400 */
	int16_t power;    /* dBm */
} settings = {
	.address = CONFIG_CATS_NRF_RADIO_ADDRESS,
	.channel = CONFIG_CATS_NRF_RADIO_FREQUENCY,
	.power = CONFIG_CATS_NRF_RADIO_POWER,
};

struct heard {
	uint32_t start;
	int8_t power; /* dBm */
	uint8_t packet[HEADER_SIZE + CATS_FRAME_MAX];
};

struct out {
	uint32_t at;
	bool sent;
	uint8_t packet[HEADER_SIZE + CATS_FRAME_MAX];
};

static enum {
	OFF,
	RECEIVING,
	RESTING,  /* off until the receiver or the frame that waits is to be on */
	STOPPING, /* the receiver, for the frame that waits or to rest */
	SENDING,  /* from when the start of a frame is set to its end */
	SENSING,  /* from when the receiver is to measure energy to when it is off again */
	SLEEPING, /* as RESTING, and timer and crystal are off until the alarm */
	WAKING,   /* until the crystal runs */
} state;

static struct heard ring[CONFIG_CATS_NRF_RADIO_FRAMES];
static volatile uint8_t head; /* is being received; the interrupt's */
static volatile uint8_t tail; /* is told next; cats_air_queue's */

/* Frames to send, by their number: send() took those below `out_taken`, the interrupt is through
 * with those below `out_ended`, and cats_air_queue has told of those below `out_told`.
 */
static struct out outs[CATS_TRANSPORT_FRAMES];
static uint8_t out_taken;
static volatile uint8_t out_ended;
static uint8_t out_told;

/* What radio_sense() was told: the time, until the node is told what was on the air then. */
static bool senses;
static uint32_t sense_us;
static volatile bool busy;

/* What radio_listen() was told, as long as it is to come: nothing is heard before `rests_until`; if
 * no frame has begun at `window_us`, nothing is before `again_us`. From `ready_us` on frames are
 * handed over at short notice.
 */
static bool rests;
static bool windowed;
static uint32_t rests_until;
static uint32_t window_us;
static uint32_t again_us;
static __maybe_unused uint32_t ready_us;
static uint32_t rested_at; /* RESTING, SLEEPING and WAKING: since then */
static uint32_t rested_us; /* in all */

/* What CC_WAKE waits for: the driver itself, if it is waking, and the node, if it has work. */
static uint32_t wake_us;
static bool waking;
static uint32_t work_us;
static struct k_work_delayable *work_due;

static struct cats_port *user;
static bool ticking;
static uint32_t ticked_us; /* time at which TIMER0 was 0 */
static struct onoff_client crystal;
static K_SEM_DEFINE(settled, 0, 1); /* the crystal runs, or the radio is off */
struct cats_nrf_radio_stats cats_nrf_radio_stats;

static void tell_heard(struct k_work *work);
static void tell_sent(struct k_work *work);
static void tell_sensed(struct k_work *work);
static K_WORK_DEFINE(heard_work, tell_heard);
static K_WORK_DEFINE(sent_work, tell_sent);
static K_WORK_DEFINE(sensed_work, tell_sensed);

/*
 * What differs between PPI and DPPI. The first has fixed channels for what is needed here, which
 * the allocator gives to nobody and only the other owners of RADIO use; of the second we take two.
 */
#if defined(DPPI_PRESENT)
static const nrfx_dppi_t dppi = NRFX_DPPI_INSTANCE(0);
static uint8_t dppi_txen;
static uint8_t dppi_addr;

static int connect_events(void)
{
	if (nrfx_dppi_channel_alloc(&dppi, &dppi_txen) != NRFX_SUCCESS) {
		return -ENOMEM;
	}
	if (nrfx_dppi_channel_alloc(&dppi, &dppi_addr) != NRFX_SUCCESS) {
		(void)nrfx_dppi_channel_free(&dppi, dppi_txen);
		return -ENOMEM;
	}
	nrf_timer_publish_set(TIMER, NRF_TIMER_EVENT_COMPARE0, dppi_txen);
	nrf_radio_subscribe_set(NRF_RADIO, NRF_RADIO_TASK_TXEN, dppi_txen);
	nrf_radio_publish_set(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS, dppi_addr);
	nrf_timer_subscribe_set(TIMER, NRF_TIMER_TASK_CAPTURE1, dppi_addr);
	nrf_dppi_channels_enable(dppi.p_reg, BIT(dppi_addr));
	return 0;
}

static void disconnect_events(void)
{
	/* This disables them. */
	(void)nrfx_dppi_channel_free(&dppi, dppi_txen);
	(void)nrfx_dppi_channel_free(&dppi, dppi_addr);
	nrf_timer_publish_clear(TIMER, NRF_TIMER_EVENT_COMPARE0);
	nrf_radio_subscribe_clear(NRF_RADIO, NRF_RADIO_TASK_TXEN);
	nrf_radio_publish_clear(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS);
	nrf_timer_subscribe_clear(TIMER, NRF_TIMER_TASK_CAPTURE1);
}

static void arm(bool on)
{
	if (on) {
		nrf_dppi_channels_enable(dppi.p_reg, BIT(dppi_txen));
	} else {
		nrf_dppi_channels_disable(dppi.p_reg, BIT(dppi_txen));
	}
}
#else
#define PPI_TXEN NRF_PPI_CHANNEL20
#define PPI_ADDR NRF_PPI_CHANNEL26

static int connect_events(void)
{
	nrf_ppi_channel_enable(NRF_PPI, PPI_ADDR);
	return 0;
}

static void disconnect_events(void)
{
	nrf_ppi_channel_disable(NRF_PPI, PPI_ADDR);
	nrf_ppi_channel_disable(NRF_PPI, PPI_TXEN);
}

static void arm(bool on)
{
	if (on) {
		nrf_ppi_channel_enable(NRF_PPI, PPI_TXEN);
	} else {
		nrf_ppi_channel_disable(NRF_PPI, PPI_TXEN);
	}
}
#endif

/*
 * The clock
 */

static uint32_t timer_read(void)
{
	nrf_timer_task_trigger(TIMER, NRF_TIMER_TASK_CAPTURE3);
	return nrf_timer_cc_get(TIMER, CC_NOW);
}

static void timer_start(void)
{
	nrf_timer_mode_set(TIMER, NRF_TIMER_MODE_TIMER);
	nrf_timer_bit_width_set(TIMER, NRF_TIMER_BIT_WIDTH_32);
	nrf_timer_prescaler_set(TIMER, NRF_TIMER_FREQ_1MHz);
	nrf_timer_task_trigger(TIMER, NRF_TIMER_TASK_START);
	ticking = true;
}

static void timer_stop(void)
{
	nrf_timer_int_disable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
	/* nRF52 anomaly 78: after STOP alone the timer goes on taking current. */
	nrf_timer_task_trigger(TIMER, COND_CODE_1(NRF_TIMER_HAS_SHUTDOWN, (NRF_TIMER_TASK_SHUTDOWN),
						  (NRF_TIMER_TASK_STOP)));
	ticking = false;
}

static struct onoff_manager *crystal_manager(void)
{
	return z_nrf_clock_control_get_onoff(CLOCK_CONTROL_NRF_SUBSYS_HF);
}

#ifdef CONFIG_CATS_SLEEP
/* The kernel's ticks tell the time of all rests, not only of one: what is cut off of a tick where
 * TIMER0 stops and starts then never adds up.
 */
static uint32_t kernel_us; /* the time at the kernel's tick 0 */
static uint32_t slept_us;  /* when TIMER0 stopped */
static int64_t slept_ticks;

static bool asleep(void)
{
	return state == SLEEPING || state == WAKING;
}

static uint32_t kernel_time(int64_t ticks)
{
	return kernel_us + (uint32_t)k_ticks_to_us_floor64((uint64_t)ticks);
}

/* The time in a tick behind slept_ticks. TIMER0 may have been ahead by one. */
static uint32_t slept_until(int64_t ticks)
{
	uint32_t us = kernel_time(ticks);

	return ticks <= slept_ticks + 2 && cats_time_diff(us, slept_us) < 0 ? slept_us : us;
}

/* TIMER0's value, and the kernel's tick in which it had that. */
static uint32_t read_both(int64_t *ticks)
{
	uint32_t us;

	for (int i = 0; i < LOOKS; i++) {
		us = timer_read();
		*ticks = k_uptime_ticks();
		if (timer_read() - us <= LOOK_US) {
			break;
		}
	}
	return us;
}

/* From TIMER0 to the kernel's clock. They differ by what is cut off of a tick; by more, since they
 * are two crystals, or the kernel's tells no time yet: then it follows TIMER0.
 */
static void clock_stop(void)
{
	int32_t ahead;

	slept_us = ticked_us + read_both(&slept_ticks);
	ahead = cats_time_diff(slept_us, kernel_time(slept_ticks));
	if (!IN_RANGE(ahead, -TICK_US, TICK_US)) {
		kernel_us += ahead;
	}
	timer_stop();
	(void)onoff_release(crystal_manager());
}

/* And back. The crystal runs. */
static void clock_start(void)
{
	int64_t ticks;
	uint32_t us;

	timer_start();
	us = read_both(&ticks);
	ticked_us = slept_until(ticks) - us;
}

static uint32_t slept_now(void)
{
	return slept_until(k_uptime_ticks());
}
#else
static bool asleep(void)
{
	return false;
}

static uint32_t slept_now(void)
{
	return 0;
}
#endif /* CONFIG_CATS_SLEEP */

static uint32_t radio_now(void)
{
	unsigned int key = irq_lock();
	uint32_t now;

	if (asleep()) {
		now = slept_now();
	} else {
		if (!ticking) {
			timer_start();
		}
		now = ticked_us + timer_read();
	}
	irq_unlock(key);
	return now;
}

/*
 * Interrupts. Everything that touches the radio runs in them or with interrupts locked.
 */

static uint8_t after(uint8_t i)
{
	return (i + 1) % CONFIG_CATS_NRF_RADIO_FRAMES;
}

static uint32_t earlier(uint32_t a, uint32_t b)
{
	return cats_time_diff(a, b) < 0 ? a : b;
}

/* timer_isr() is to come for the first of both, or at once where that has passed: a compare value
 * that is set too late would come round in 71 minutes.
 */
static void set_wake(void)
{
	uint32_t at = waking ? wake_us : work_us;

	if (!waking && work_due == NULL) {
		nrf_timer_int_disable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
		return;
	}
	if (work_due != NULL) {
		at = earlier(at, work_us);
	}
	nrf_timer_cc_set(TIMER, CC_WAKE, at - ticked_us);
	nrf_timer_event_clear(TIMER, NRF_TIMER_EVENT_COMPARE2);
	nrf_timer_int_enable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
	if (cats_time_diff(at, radio_now()) <= 0) {
		NVIC_SetPendingIRQ(DT_IRQN(DT_NODELABEL(timer0)));
	}
}

/* timer_isr() is to look at the radio then. */
static void wake_at(uint32_t at)
{
	wake_us = at;
	waking = true;
	set_wake();
}

static void receive(void)
{
	state = RECEIVING;
	nrf_radio_packetptr_set(NRF_RADIO, ring[head].packet);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
	nrf_radio_shorts_set(NRF_RADIO, NRF_RADIO_SHORT_READY_START_MASK |
						NRF_RADIO_SHORT_ADDRESS_RSSISTART_MASK);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_RXEN);
}

/* Of the last sample, dBm. */
static int8_t power(void)
{
	return (int8_t)-nrf_radio_rssi_sample_get(NRF_RADIO);
}

/* A frame has been heard. */
static void take(void)
{
	if (!nrf_radio_crc_status_check(NRF_RADIO) || ring[head].packet[1] == 0) {
		cats_nrf_radio_stats.damaged++;
	} else if (after(head) == tail) {
		cats_nrf_radio_stats.overrun++;
	} else {
		cats_nrf_radio_stats.heard++;
		ring[head].power = power();
		ring[head].start = ticked_us + nrf_timer_cc_get(TIMER, CC_ADDR) - ADDRESS_US;
		head = after(head);
		(void)k_work_submit_to_queue(&cats_air_queue, &heard_work);
	}
}

/* The frame that is sent next. */
static struct out *out_next(void)
{
	return &outs[out_ended % CATS_TRANSPORT_FRAMES];
}

static bool out_waits(void)
{
	return out_ended != out_taken;
}

static void out_end(bool sent)
{
	out_next()->sent = sent;
	out_ended++;
	if (sent) {
		cats_nrf_radio_stats.sent++;
	} else {
		cats_nrf_radio_stats.late++;
	}
	(void)k_work_submit_to_queue(&cats_air_queue, &sent_work);
}

/* Set the start of the next frame; the radio is off. False: it has passed. */
static bool transmit(void)
{
	const struct out *next = out_next();
	uint32_t start = next->at - RAMP_US;

	if (cats_time_diff(start, radio_now()) <= 1) {
		return false;
	}
	state = SENDING;
	nrf_radio_packetptr_set(NRF_RADIO, next->packet);
	nrf_radio_shorts_set(NRF_RADIO,
			     NRF_RADIO_SHORT_READY_START_MASK | NRF_RADIO_SHORT_END_DISABLE_MASK);
	nrf_timer_cc_set(TIMER, CC_TXEN, start - ticked_us);
	arm(true);
	/* An interrupt above this one may have taken the time that was left. */
	if (cats_time_diff(start, radio_now()) < 0 &&
	    nrf_radio_state_get(NRF_RADIO) == NRF_RADIO_STATE_DISABLED &&
	    !nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_DISABLED)) {
		arm(false);
		return false;
	}
	wake_at(next->at + (OVERHEAD + next->packet[1]) * BYTE_US + ENDED_US);
	return true;
}

/*
 * Energy. The radio measures it in the mode of IEEE 802.15.4 alone; frames of Bluetooth's are as
 * much on the air then. Without that mode the air is always busy.
 */

static void sense_end(bool found)
{
	senses = false;
	busy = found;
	(void)k_work_submit_to_queue(&cats_air_queue, &sensed_work);
}

/* When the receiver is to stop for it. */
static uint32_t sense_at(void)
{
	return sense_us - SENSE_US;
}

static bool sense_due(void)
{
	return senses && cats_time_diff(sense_at(), radio_now()) <= 0;
}

#if defined(RADIO_EDSAMPLE_EDLVL_Msk)
/* Measure; the radio is off. False: it is too late for that. */
static bool sense(void)
{
	if (cats_time_diff(radio_now(), sense_us) > SENSED_US - SENSE_US) {
		return false;
	}
	state = SENSING;
	nrf_radio_mode_set(NRF_RADIO, NRF_RADIO_MODE_IEEE802154_250KBIT);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_EDEND);
	nrf_radio_shorts_set(NRF_RADIO, NRF_RADIO_SHORT_READY_EDSTART_MASK |
						NRF_RADIO_SHORT_EDEND_DISABLE_MASK);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_RXEN);
	wake_at(radio_now() + RAMP_US + ENERGY_US + ENDED_US);
	return true;
}

/* The radio is off again. */
static void sensed(void)
{
	bool known = nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_EDEND);

	nrf_radio_mode_set(NRF_RADIO, NRF_RADIO_MODE_BLE_2MBIT);
	sense_end(!known || nrf_radio_ed_sample_get(NRF_RADIO) >= ENERGY_MIN);
}
#else
static bool sense(void)
{
	return false;
}

static void sensed(void)
{
	sense_end(true);
}
#endif

/* Whether there is more time to be off than that. */
static bool may_rest(int32_t least_us)
{
	rests = rests && cats_time_diff(rests_until - LISTEN_US, radio_now()) > least_us;
	return rests;
}

/* Whether the receiver is to stop for the next frame. */
static bool out_due(void)
{
	return out_waits() && cats_time_diff(out_next()->at - PREPARE_US, radio_now()) <= 0;
}

/* The receiver off, if there is time to be. */
static bool rest(void)
{
	if (!may_rest(REST_US)) {
		return false;
	}
	state = STOPPING;
	nrf_radio_shorts_set(NRF_RADIO, 0);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
	wake_at(radio_now() + 4 * DISABLE_US);
	return true;
}

/* The receiver is on, until the next frame is to be prepared or its window ends. */
static void wake_listening(void)
{
	uint32_t stop = out_next()->at - PREPARE_US;

	if (senses) {
		/* No frame waits that is to be sent before, and no window ends that matters. */
		wake_at(sense_at());
	} else if (windowed && !(out_waits() && cats_time_diff(stop, window_us) < 0)) {
		wake_at(window_us);
	} else if (out_waits()) {
		wake_at(stop);
	}
}

/* When a radio that is off is to be on again; the time to prepare the next frame counts as well. */
static uint32_t rest_end(void)
{
	uint32_t end = rests_until - LISTEN_US;

	if (senses) {
		end = earlier(sense_at(), end);
	}
	return out_waits() ? earlier(out_next()->at - PREPARE_US, end) : end;
}

#ifdef CONFIG_CATS_SLEEP
static void alarm_expired(struct k_timer *timer);
static K_TIMER_DEFINE(alarm_timer, alarm_expired, NULL);

/* When the clock is to run again. */
static uint32_t sleep_end(void)
{
	uint32_t end = earlier(rest_end(), ready_us);

	return work_due != NULL ? earlier(work_us, end) : end;
}

/* The alarm, by the kernel's clock alone. Locked. */
static void set_alarm(void)
{
	int64_t ticks = k_uptime_ticks();
	int32_t us = rests ? cats_time_diff(sleep_end() - WAKE_US, slept_until(ticks)) : 0;

	ticks += us > 0 ? k_us_to_ticks_floor32((uint32_t)us) : 0;
	k_timer_start(&alarm_timer, K_TIMEOUT_ABS_TICKS(ticks), K_NO_WAIT);
}

/* RESTING becomes SLEEPING if there is time. */
static bool fall_asleep(void)
{
	unsigned int key;

	if (cats_time_diff(sleep_end(), radio_now()) <= SLEEP_US) {
		return false;
	}
	key = irq_lock();
	waking = false;
	clock_stop();
	state = SLEEPING;
	set_alarm();
	irq_unlock(key);
	return true;
}
#else
static void set_alarm(void)
{
}

static bool fall_asleep(void)
{
	return false;
}
#endif /* CONFIG_CATS_SLEEP */

/* RESTING, with the clock or without. */
static void rest_on(void)
{
	if (!fall_asleep()) {
		wake_at(rest_end());
	}
}

/* The radio is off: on with the next frame if that is near, else with the receiver, unless nothing
 * comes.
 */
static void go_on(void)
{
	waking = false;
	if (state == RESTING) {
		rested_us += radio_now() - rested_at;
		state = STOPPING;
	}
	while (out_waits()) {
		if (cats_time_diff(out_next()->at - PREPARE_US, radio_now()) > RAMP_US) {
			break;
		}
		if (transmit()) {
			return;
		}
		out_end(false);
	}
	if (sense_due()) {
		if (sense()) {
			return;
		}
		sense_end(true);
	}
	if (may_rest(MARGIN_US)) {
		state = RESTING;
		rested_at = radio_now();
		rest_on();
		return;
	}
	receive();
	wake_listening();
}

#ifdef CONFIG_CATS_SLEEP
/* Where the crystal does not start somebody else has it: the radio then goes on all the same. */
static void crystal_runs(struct onoff_manager *manager, struct onoff_client *client, uint32_t onoff,
			 int result)
{
	unsigned int key = irq_lock();

	ARG_UNUSED(manager);
	ARG_UNUSED(client);
	ARG_UNUSED(onoff);
	ARG_UNUSED(result);
	if (state == WAKING) {
		clock_start();
		state = RESTING;
		go_on();
		set_wake();
	}
	irq_unlock(key);
}

static void alarm_expired(struct k_timer *timer)
{
	unsigned int key = irq_lock();

	ARG_UNUSED(timer);
	if (state == SLEEPING) {
		state = WAKING;
		sys_notify_init_callback(&crystal.notify, crystal_runs);
		if (onoff_request(crystal_manager(), &crystal) < 0) {
			crystal_runs(NULL, NULL, 0, 0);
		}
	}
	irq_unlock(key);
}
#endif /* CONFIG_CATS_SLEEP */

/* Whatever the radio does. True: it is off; false: radio_isr() follows when it is. */
static bool stop(void)
{
	arm(false);
	nrf_radio_shorts_set(NRF_RADIO, 0);
	if (nrf_radio_state_get(NRF_RADIO) != NRF_RADIO_STATE_DISABLED) {
		nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
		return false;
	}
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_DISABLED);
	return true;
}

static void radio_isr(const void *arg)
{
	ARG_UNUSED(arg);
	if (nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_END)) {
		nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
		if (state == RECEIVING) {
			take();
			nrf_radio_packetptr_set(NRF_RADIO, ring[head].packet);
			nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS);
			nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_START);
		}
	}
	if (!nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_DISABLED)) {
		return;
	}
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_DISABLED);
	if (state == OFF) {
		k_sem_give(&settled);
		return;
	}
	if (state == SENDING) {
		arm(false);
		out_end(true);
	} else if (state == SENSING) {
		sensed();
	}
	go_on();
}

/* What the driver was waking for. */
static void look(void)
{
	if (nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_DISABLED)) {
		return; /* radio_isr() follows */
	}
	if (state == RESTING) {
		go_on();
	} else if (state == RECEIVING && sense_due()) {
		state = STOPPING;
		nrf_radio_shorts_set(NRF_RADIO, 0);
		nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
		wake_at(radio_now() + 4 * DISABLE_US);
	} else if (state == RECEIVING && !out_due()) {
		windowed = false;
		rests = !nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS);
		rests_until = again_us;
		if (!rest()) {
			wake_listening();
		}
	} else if (state == RECEIVING) {
		if (nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_END)) {
			nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
			take();
		}
		state = STOPPING;
		nrf_radio_shorts_set(NRF_RADIO, 0);
		nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
		wake_at(out_next()->at);
	} else {
		/* It did not stop, or did not start, or did not come to an end: go_on() finds the
		 * frame too late.
		 */
		if (state == SENSING) {
			sensed();
		}
		state = STOPPING;
		if (stop()) {
			go_on();
		} else {
			wake_at(radio_now() + DISABLE_US);
		}
	}
}

static void timer_isr(const void *arg)
{
	ARG_UNUSED(arg);
	nrf_timer_event_clear(TIMER, NRF_TIMER_EVENT_COMPARE2);
	if (waking && cats_time_diff(wake_us, radio_now()) <= 0) {
		waking = false;
		look();
	}
	if (work_due != NULL && !asleep() && cats_time_diff(work_us, radio_now()) <= 0) {
		(void)k_work_reschedule_for_queue(&cats_air_queue, work_due, K_NO_WAIT);
		work_due = NULL;
	}
	if (!asleep()) {
		set_wake();
	}
}

/*
 * The air queue
 */

static void radio_wake(struct cats_port *port, struct k_work_delayable *work, uint32_t at)
{
	unsigned int key = irq_lock();

	if (port == user) {
		work_due = work;
		work_us = at;
		if (state == SLEEPING) {
			set_alarm();
		} else if (state == RESTING && rests) {
			rest_on(); /* until then, perhaps longer than before */
		} else if (!asleep()) {
			set_wake();
		}
	}
	irq_unlock(key);
}

static void tell_heard(struct k_work *work)
{
	ARG_UNUSED(work);
	while (user != NULL && tail != head) {
		struct heard *frame = &ring[tail];

		user->power = frame->power;
		user->received(user, &frame->packet[HEADER_SIZE], frame->packet[1], frame->start);
		tail = after(tail);
	}
}

static void tell_sent(struct k_work *work)
{
	ARG_UNUSED(work);
	while (user != NULL && out_told != out_ended) {
		const struct out *out = &outs[out_told % CATS_TRANSPORT_FRAMES];
		uint32_t at = out->at;
		bool sent = out->sent;

		out_told++;
		user->sent(user, sent, at);
	}
}

static void tell_sensed(struct k_work *work)
{
	ARG_UNUSED(work);
	if (user != NULL) {
		user->sensed(user, busy);
	}
}

static int radio_sense(struct cats_port *port, uint32_t at)
{
	unsigned int key = irq_lock();

	if (port != user) {
		irq_unlock(key);
		return -EBUSY;
	}
	senses = true;
	sense_us = at;
	if (state == SLEEPING) {
		set_alarm();
	} else if (state == RESTING) {
		wake_at(rest_end());
	} else if (state == RECEIVING && !out_waits()) {
		wake_listening();
	}
	irq_unlock(key);
	return 0;
}

static int radio_send(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at)
{
	struct out *out = &outs[out_taken % CATS_TRANSPORT_FRAMES];
	unsigned int key;
	int ret = 0;

	if (size == 0 || size > CATS_FRAME_MAX) {
		return -EMSGSIZE;
	}
	if (port != user || (uint8_t)(out_taken - out_told) == CATS_TRANSPORT_FRAMES) {
		return -ENOBUFS;
	}
	out->at = at;
	out->packet[0] = 0;
	out->packet[1] = (uint8_t)size;
	memcpy(&out->packet[HEADER_SIZE], frame, size);

	key = irq_lock();
	if (out_waits()) {
		out_taken++; /* go_on() will see whether it is in time */
	} else if (state == RESTING) {
		out_taken++;
		wake_at(rest_end());
	} else if (asleep()) {
		out_taken++;
		if (state == SLEEPING) {
			set_alarm();
		}
	} else if (cats_time_diff(at - PREPARE_US, radio_now()) >= MARGIN_US) {
		out_taken++;
		wake_listening();
	} else {
		cats_nrf_radio_stats.late++;
		ret = -ETIME;
	}
	irq_unlock(key);
	return ret;
}

#if defined(CONFIG_CATS_RECEIVER_OFF) || defined(CONFIG_CATS_SLEEP)
static void radio_listen(struct cats_port *port, const struct cats_listen *listen, uint32_t ready)
{
	unsigned int key = irq_lock();

	if (port != user) {
		irq_unlock(key);
		return;
	}
	rests = listen->off;
	rests_until = listen->from_us;
	windowed = listen->ask;
	window_us = listen->ask_us;
	again_us = listen->again_us;
	ready_us = ready;
	if (state == SLEEPING) {
		set_alarm();
	} else if (state == RESTING && rests) {
		rest_on();
	} else if (state == RESTING) {
		wake_at(radio_now());
	} else if (state == RECEIVING) {
		/* A frame that is being received, or has just been, comes first. */
		rests = rests && !nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS);
		if (!rest()) {
			wake_listening();
		}
	}
	irq_unlock(key);
}

static uint32_t radio_rested(void)
{
	unsigned int key = irq_lock();
	uint32_t us = rested_us;

	if (state == RESTING || asleep()) {
		us += radio_now() - rested_at;
	}
	irq_unlock(key);
	return us;
}
#endif

/*
 * On and off
 */

static void crystal_settled(struct onoff_manager *manager, struct onoff_client *client,
			    uint32_t onoff, int result)
{
	ARG_UNUSED(manager);
	ARG_UNUSED(client);
	ARG_UNUSED(onoff);
	ARG_UNUSED(result);
	k_sem_give(&settled);
}

static int start_crystal(void)
{
	struct onoff_manager *manager = crystal_manager();
	int result;
	int ret;

	k_sem_reset(&settled);
	sys_notify_init_callback(&crystal.notify, crystal_settled);
	ret = onoff_request(manager, &crystal);
	if (ret < 0) {
		return ret;
	}
	if (k_sem_take(&settled, K_MSEC(CRYSTAL_MS)) != 0) {
		(void)onoff_cancel_or_release(manager, &crystal);
		return -ETIMEDOUT;
	}
	ret = sys_notify_fetch_result(&crystal.notify, &result);
	return ret < 0 ? ret : result;
}

/* The register's value for a power in dBm. False: this radio does not have that. */
static bool power_value(int16_t dbm, nrf_radio_txpower_t *value)
{
	static const struct {
		int8_t dbm;
		nrf_radio_txpower_t value;
	} known[] = {
		{-40, NRF_RADIO_TXPOWER_NEG40DBM}, {-20, NRF_RADIO_TXPOWER_NEG20DBM},
		{-16, NRF_RADIO_TXPOWER_NEG16DBM}, {-12, NRF_RADIO_TXPOWER_NEG12DBM},
		{-8, NRF_RADIO_TXPOWER_NEG8DBM},   {-4, NRF_RADIO_TXPOWER_NEG4DBM},
		{0, NRF_RADIO_TXPOWER_0DBM},
#if defined(RADIO_TXPOWER_TXPOWER_Pos3dBm)
		{3, NRF_RADIO_TXPOWER_POS3DBM},
#endif
#if defined(RADIO_TXPOWER_TXPOWER_Pos4dBm)
		{4, NRF_RADIO_TXPOWER_POS4DBM},
#endif
#if defined(RADIO_TXPOWER_TXPOWER_Pos8dBm)
		{8, NRF_RADIO_TXPOWER_POS8DBM},
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].dbm == dbm) {
			*value = known[i].value;
			return true;
		}
	}
	return false;
}

static int load_settings(void)
{
	const struct cats_setting known[] = {
		{"address", &settings.address, sizeof(settings.address)},
		{"channel", &settings.channel, sizeof(settings.channel)},
		{"power", &settings.power, sizeof(settings.power)},
	};
	nrf_radio_txpower_t power;
	int ret = cats_settings("cats/radio", known, ARRAY_SIZE(known));

	if (ret == 0 && (settings.channel > CHANNEL_MAX || !power_value(settings.power, &power))) {
		ret = -EINVAL;
	}
	return ret;
}

static void configure(void)
{
	const nrf_radio_packet_conf_t packet = {
		.lflen = 8,
		.s0len = 1,
		.plen = NRF_RADIO_PREAMBLE_LENGTH_16BIT,
		.maxlen = CATS_FRAME_MAX,
		.balen = 3,
		.whiteen = true,
	};
	nrf_radio_txpower_t power = NRF_RADIO_TXPOWER_0DBM;

	nrf_radio_shorts_set(NRF_RADIO, 0);
	nrf_radio_int_disable(NRF_RADIO, UINT32_MAX);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_DISABLED);
	nrf_radio_mode_set(NRF_RADIO, NRF_RADIO_MODE_BLE_2MBIT);
#if defined(CONFIG_SOC_NRF5340_CPUNET) && !defined(CONFIG_SOC_SERIES_BSIM_NRFXX)
	/* nRF5340 anomaly 117: the trim for 2 Mbit/s is in FICR. */
	*(volatile uint32_t *)0x41008588 = *(const volatile uint32_t *)0x01ff0084;
#endif
	nrf_radio_modecnf0_set(NRF_RADIO, true, RADIO_MODECNF0_DTX_Center);
	nrf_radio_packet_configure(NRF_RADIO, &packet);
	nrf_radio_base0_set(NRF_RADIO, settings.address << 8);
	nrf_radio_prefix0_set(NRF_RADIO, settings.address >> 24);
	nrf_radio_txaddress_set(NRF_RADIO, 0);
	nrf_radio_rxaddresses_set(NRF_RADIO, BIT(0));
	/* CRC-24 and whitening as in Bluetooth. */
	nrf_radio_crc_configure(NRF_RADIO, RADIO_CRCCNF_LEN_Three, NRF_RADIO_CRC_ADDR_SKIP,
				0x00065b);
	nrf_radio_crcinit_set(NRF_RADIO, 0x555555);
	nrf_radio_frequency_set(NRF_RADIO, 2400 + settings.channel);
	nrf_radio_datawhiteiv_set(NRF_RADIO, settings.channel & 0x3f);
	(void)power_value(settings.power, &power);
	nrf_radio_txpower_set(NRF_RADIO, power);
	nrf_radio_int_enable(NRF_RADIO, NRF_RADIO_INT_END_MASK | NRF_RADIO_INT_DISABLED_MASK);
}

static int radio_attach(struct cats_port *port)
{
	unsigned int key;
	int ret;

	if (user != NULL) {
		return -EBUSY;
	}
	ret = load_settings();
	if (ret < 0) {
		return ret;
	}
	ret = connect_events();
	if (ret < 0) {
		return ret;
	}
	ret = start_crystal();
	if (ret < 0) {
		disconnect_events();
		return ret;
	}
	(void)radio_now();
	configure();
	IRQ_CONNECT(DT_IRQN(DT_NODELABEL(radio)), CONFIG_CATS_NRF_RADIO_IRQ_PRIORITY, radio_isr,
		    NULL, 0);
	IRQ_CONNECT(DT_IRQN(DT_NODELABEL(timer0)), CONFIG_CATS_NRF_RADIO_IRQ_PRIORITY, timer_isr,
		    NULL, 0);
	key = irq_lock();
	head = 0;
	tail = 0;
	out_taken = 0;
	out_ended = 0;
	out_told = 0;
	waking = false;
	rests = false;
	windowed = false;
	senses = false;
	user = port;
	irq_enable(DT_IRQN(DT_NODELABEL(radio)));
	irq_enable(DT_IRQN(DT_NODELABEL(timer0)));
	receive();
	irq_unlock(key);
	return 0;
}

static void radio_detach(struct cats_port *port)
{
	struct k_work_sync sync;
	unsigned int key = irq_lock();
	bool crystal_off;
	bool stopped;

	if (port != user) {
		irq_unlock(key);
		return;
	}
	crystal_off = IS_ENABLED(CONFIG_CATS_SLEEP) && state == SLEEPING;
	state = OFF;
	user = NULL;
	work_due = NULL;
	irq_disable(DT_IRQN(DT_NODELABEL(timer0)));
	k_sem_reset(&settled);
	stopped = stop();
	irq_unlock(key);

	if (!stopped) {
		(void)k_sem_take(&settled, K_MSEC(STOP_MS));
	}
	irq_disable(DT_IRQN(DT_NODELABEL(radio)));
	disconnect_events();
	(void)k_work_cancel_sync(&heard_work, &sync);
	(void)k_work_cancel_sync(&sent_work, &sync);
	(void)k_work_cancel_sync(&sensed_work, &sync);
	timer_stop();
	if (!crystal_off) {
		(void)onoff_cancel_or_release(crystal_manager(), &crystal);
	}
}

const struct cats_transport cats_nrf_radio = {
	.name = "nrf_radio",
	.radio = CATS_RADIO_NRF_RADIO,
	.mtu = CATS_FRAME_MAX,
	.attach = radio_attach,
	.detach = radio_detach,
	.now = radio_now,
	.send = radio_send,
	.sense = radio_sense,
	.wake = radio_wake,
#if defined(CONFIG_CATS_RECEIVER_OFF) || defined(CONFIG_CATS_SLEEP)
	.listen = radio_listen,
	.rested_us = radio_rested,
	.detect_us = ADDRESS_US + 6,
#endif
#ifdef CONFIG_CATS_SLEEP
	.jitter_us = CATS_TICKS_US(2),
#endif
};
