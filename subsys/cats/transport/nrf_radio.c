/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The nRF RADIO peripheral with BLE 2M framing, driven directly. TIMER0 is the clock. It captures
 * the address of each frame that is heard (CC1), and starts the transmitter (CC0), both without the
 * processor. An interrupt before that (CC2) stops the receiver. Between own frames the receiver is
 * always on. Radio and timer interrupts have one priority and exclude each other.
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
#include <hal/nrf_dppi.h>
#else
#include <hal/nrf_ppi.h>
#endif

#include <cats/gather.h>
#include <cats/transport.h>

#include "storage/radio_settings.h"

#define TIMER NRF_TIMER0
#define CC_TXEN NRF_TIMER_CC_CHANNEL0
#define CC_ADDR NRF_TIMER_CC_CHANNEL1
#define CC_PREP NRF_TIMER_CC_CHANNEL2
#define CC_NOW NRF_TIMER_CC_CHANNEL3

#define HEADER_SIZE 2 /* S0 and length */

/* Microseconds. Product specification: fast ramp-up 40, transmitter's delay 1, receiver's 5. */
#define RAMP_US 41    /* TXEN to the first bit on the air */
#define ADDRESS_US 29 /* first bit on the air to the event: 16 bits of preamble, 32 of address */
#define PREPARE_US 62 /* stop of the receiver to the first bit: RAMP_US, and two interrupts */
#define MARGIN_US 8   /* a compare value this far ahead is not missed */
#define DISABLE_US 10 /* longest ramp-down */

BUILD_ASSERT(!IS_ENABLED(CONFIG_BT_CTLR) && !IS_ENABLED(CONFIG_NRF_802154_RADIO_DRIVER),
	     "the CATS radio owns RADIO");
BUILD_ASSERT(!DT_NODE_HAS_STATUS_OKAY(DT_NODELABEL(timer0)), "the CATS radio owns TIMER0");
BUILD_ASSERT(CONFIG_CATS_LEAD_US > PREPARE_US + MARGIN_US,
	     "CATS_LEAD_US leaves no time to load the radio");

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
	uint8_t packet[HEADER_SIZE + CATS_FRAME_MAX];
};

static enum {
	OFF,
	RECEIVING,
	STOPPING, /* the receiver, for the frame that waits */
	SENDING,
} state;

static struct heard ring[CONFIG_CATS_NRF_RADIO_FRAMES];
static volatile uint8_t head; /* is being received; the interrupt's */
static volatile uint8_t tail; /* is told next; cats_air_queue's */
static uint8_t out[HEADER_SIZE + CATS_FRAME_MAX];
static uint32_t out_at;
static bool out_waits; /* from send() until it is on the air */
static bool out_sent;
static struct cats_port *user;
static bool ticking;
static struct onoff_client crystal;
struct cats_nrf_radio_stats cats_nrf_radio_stats;

static void tell_heard(struct k_work *work);
static void tell_sent(struct k_work *work);
static K_WORK_DEFINE(heard_work, tell_heard);
static K_WORK_DEFINE(sent_work, tell_sent);

/*
 * What differs between PPI and DPPI. The first has fixed channels for what is needed here.
 */
#if defined(DPPI_PRESENT)
#define DPPI_TXEN 0
#define DPPI_ADDR 1

static void connect_events(void)
{
	nrf_timer_publish_set(TIMER, NRF_TIMER_EVENT_COMPARE0, DPPI_TXEN);
	nrf_radio_subscribe_set(NRF_RADIO, NRF_RADIO_TASK_TXEN, DPPI_TXEN);
	nrf_radio_publish_set(NRF_RADIO, NRF_RADIO_EVENT_ADDRESS, DPPI_ADDR);
	nrf_timer_subscribe_set(TIMER, NRF_TIMER_TASK_CAPTURE1, DPPI_ADDR);
	nrf_dppi_channels_enable(NRF_DPPIC, BIT(DPPI_ADDR));
}

static void disconnect_events(void)
{
	nrf_dppi_channels_disable(NRF_DPPIC, BIT(DPPI_ADDR) | BIT(DPPI_TXEN));
}

static void arm(bool on)
{
	if (on) {
		nrf_dppi_channels_enable(NRF_DPPIC, BIT(DPPI_TXEN));
	} else {
		nrf_dppi_channels_disable(NRF_DPPIC, BIT(DPPI_TXEN));
	}
}
#else
#define PPI_TXEN NRF_PPI_CHANNEL20
#define PPI_ADDR NRF_PPI_CHANNEL26

static void connect_events(void)
{
	nrf_ppi_channel_enable(NRF_PPI, PPI_ADDR);
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

static uint32_t radio_now(void)
{
	unsigned int key = irq_lock();
	uint32_t now;

	if (!ticking) {
		nrf_timer_mode_set(TIMER, NRF_TIMER_MODE_TIMER);
		nrf_timer_bit_width_set(TIMER, NRF_TIMER_BIT_WIDTH_32);
		nrf_timer_prescaler_set(TIMER, NRF_TIMER_FREQ_1MHz);
		nrf_timer_task_trigger(TIMER, NRF_TIMER_TASK_START);
		ticking = true;
	}
	nrf_timer_task_trigger(TIMER, NRF_TIMER_TASK_CAPTURE3);
	now = nrf_timer_cc_get(TIMER, CC_NOW);
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

static void receive(void)
{
	state = RECEIVING;
	nrf_radio_packetptr_set(NRF_RADIO, ring[head].packet);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
	nrf_radio_shorts_set(NRF_RADIO, NRF_RADIO_SHORT_READY_START_MASK);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_RXEN);
}

/* A frame has ended. */
static void take(void)
{
	if (!nrf_radio_crc_status_check(NRF_RADIO) || ring[head].packet[1] == 0) {
		cats_nrf_radio_stats.damaged++;
	} else if (after(head) == tail) {
		cats_nrf_radio_stats.overrun++;
	} else {
		cats_nrf_radio_stats.heard++;
		ring[head].start = nrf_timer_cc_get(TIMER, CC_ADDR) - ADDRESS_US;
		head = after(head);
		(void)k_work_submit_to_queue(&cats_air_queue, &heard_work);
	}
}

static void done(bool sent)
{
	out_waits = false;
	out_sent = sent;
	(void)k_work_submit_to_queue(&cats_air_queue, &sent_work);
	receive();
}

static void radio_isr(const void *arg)
{
	ARG_UNUSED(arg);
	if (nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_END)) {
		nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
		if (state == RECEIVING) {
			take();
			nrf_radio_packetptr_set(NRF_RADIO, ring[head].packet);
			nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_START);
		}
	}
	if (!nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_DISABLED)) {
		return;
	}
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_DISABLED);
	if (state == STOPPING) {
		if (cats_time_diff(out_at - RAMP_US, radio_now()) <= 1) {
			cats_nrf_radio_stats.late++;
			done(false);
			return;
		}
		state = SENDING;
		nrf_radio_packetptr_set(NRF_RADIO, out);
		nrf_radio_shorts_set(NRF_RADIO, NRF_RADIO_SHORT_READY_START_MASK |
							NRF_RADIO_SHORT_END_DISABLE_MASK);
		arm(true);
	} else if (state == SENDING) {
		arm(false);
		cats_nrf_radio_stats.sent++;
		done(true);
	}
}

static void timer_isr(const void *arg)
{
	ARG_UNUSED(arg);
	if (!nrf_timer_event_check(TIMER, NRF_TIMER_EVENT_COMPARE2)) {
		return;
	}
	nrf_timer_event_clear(TIMER, NRF_TIMER_EVENT_COMPARE2);
	nrf_timer_int_disable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
	if (state != RECEIVING || !out_waits) {
		return;
	}
	if (nrf_radio_event_check(NRF_RADIO, NRF_RADIO_EVENT_END)) {
		nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
		take();
	}
	state = STOPPING;
	nrf_radio_shorts_set(NRF_RADIO, 0);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
}

/*
 * The air queue
 */

static void tell_heard(struct k_work *work)
{
	ARG_UNUSED(work);
	while (user != NULL && tail != head) {
		struct heard *frame = &ring[tail];

		user->received(user, &frame->packet[HEADER_SIZE], frame->packet[1], frame->start);
		tail = after(tail);
	}
}

static void tell_sent(struct k_work *work)
{
	ARG_UNUSED(work);
	if (user != NULL) {
		user->sent(user, out_sent, out_at);
	}
}

static int radio_send(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at)
{
	unsigned int key;
	uint32_t soonest;

	if (size == 0 || size > CATS_FRAME_MAX) {
		return -EMSGSIZE;
	}
	if (port != user || out_waits) {
		return -ENOBUFS;
	}
	out[0] = 0;
	out[1] = (uint8_t)size;
	memcpy(&out[HEADER_SIZE], frame, size);

	key = irq_lock();
	soonest = radio_now() + PREPARE_US + MARGIN_US;
	out_at = cats_time_diff(at, soonest) > 0 ? at : soonest;
	out_waits = true;
	nrf_timer_cc_set(TIMER, CC_TXEN, out_at - RAMP_US);
	nrf_timer_cc_set(TIMER, CC_PREP, out_at - PREPARE_US);
	nrf_timer_event_clear(TIMER, NRF_TIMER_EVENT_COMPARE2);
	nrf_timer_int_enable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
	irq_unlock(key);
	return 0;
}

/*
 * On and off
 */

static int start_crystal(void)
{
	struct onoff_manager *manager = z_nrf_clock_control_get_onoff(CLOCK_CONTROL_NRF_SUBSYS_HF);
	int result;
	int ret;

	sys_notify_init_spinwait(&crystal.notify);
	ret = onoff_request(manager, &crystal);
	if (ret < 0) {
		return ret;
	}
	while (sys_notify_fetch_result(&crystal.notify, &result) == -EAGAIN) {
		k_sleep(K_USEC(100));
	}
	return result;
}

static int load_settings(void)
{
	const struct cats_radio_setting known[] = {
		{"address", &settings.address, sizeof(settings.address)},
		{"channel", &settings.channel, sizeof(settings.channel)},
		{"power", &settings.power, sizeof(settings.power)},
	};
	int ret = cats_radio_settings(known, ARRAY_SIZE(known));

	if (ret == 0 && (settings.channel > CHANNEL_MAX || !IN_RANGE(settings.power, -40, 8))) {
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

	nrf_radio_shorts_set(NRF_RADIO, 0);
	nrf_radio_int_disable(NRF_RADIO, UINT32_MAX);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_END);
	nrf_radio_event_clear(NRF_RADIO, NRF_RADIO_EVENT_DISABLED);
	nrf_radio_mode_set(NRF_RADIO, NRF_RADIO_MODE_BLE_2MBIT);
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
	nrf_radio_txpower_set(NRF_RADIO, (nrf_radio_txpower_t)(uint8_t)settings.power);
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
	ret = start_crystal();
	if (ret < 0) {
		return ret;
	}
	(void)radio_now();
	configure();
	connect_events();
	IRQ_CONNECT(DT_IRQN(DT_NODELABEL(radio)), CONFIG_CATS_NRF_RADIO_IRQ_PRIORITY, radio_isr,
		    NULL, 0);
	IRQ_CONNECT(DT_IRQN(DT_NODELABEL(timer0)), CONFIG_CATS_NRF_RADIO_IRQ_PRIORITY, timer_isr,
		    NULL, 0);
	key = irq_lock();
	head = 0;
	tail = 0;
	out_waits = false;
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

	if (port != user) {
		irq_unlock(key);
		return;
	}
	state = OFF;
	user = NULL;
	irq_disable(DT_IRQN(DT_NODELABEL(radio)));
	irq_disable(DT_IRQN(DT_NODELABEL(timer0)));
	disconnect_events();
	nrf_timer_int_disable(TIMER, NRF_TIMER_INT_COMPARE2_MASK);
	nrf_radio_shorts_set(NRF_RADIO, 0);
	nrf_radio_task_trigger(NRF_RADIO, NRF_RADIO_TASK_DISABLE);
	irq_unlock(key);

	(void)k_work_cancel_sync(&heard_work, &sync);
	(void)k_work_cancel_sync(&sent_work, &sync);
	k_busy_wait(DISABLE_US);
	nrf_timer_task_trigger(TIMER, NRF_TIMER_TASK_STOP);
	ticking = false;
	(void)onoff_cancel_or_release(z_nrf_clock_control_get_onoff(CLOCK_CONTROL_NRF_SUBSYS_HF),
				      &crystal);
}

/*
 * The kernel's clock is another one, and coarse: wake up a tick early, then wait here. A report
 * that is to be the first after the data comes as late as this wakes up.
 */
static k_timeout_t radio_timeout(uint32_t us)
{
	k_ticks_t ticks = k_us_to_ticks_floor64(us);

	if (ticks > 2) {
		return K_TICKS(ticks - 2);
	}
	k_busy_wait(us);
	return K_NO_WAIT;
}

const struct cats_transport cats_nrf_radio = {
	.name = "nrf_radio",
	.mtu = CATS_FRAME_MAX,
	.attach = radio_attach,
	.detach = radio_detach,
	.now = radio_now,
	.send = radio_send,
	.timeout = radio_timeout,
};
