/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Broadcast data frames of IEEE 802.15.4 at 2.4 GHz, by any Zephyr driver in raw mode. */

#include <errno.h>
#include <string.h>

#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#ifdef CONFIG_CATS_IEEE802154_CRYSTAL_US
#include <zephyr/drivers/clock_control/nrf_clock_control.h>
#endif
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/net/ieee802154_radio.h>
#include <zephyr/net/net_pkt.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>
#include <cats/transport.h>

#include "rest.h"
#include "storage/settings.h"
#include "wait.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

/* Frame control (data frame, short destination, no source: the CATS header names it), sequence
 * number, PAN id and destination: IEEE 802.15.4-2020, 7.2 and 7.3.2.
 */
#define MAC_CONTROL 0x0801
#define MAC_HEADER 7
#define MAC_CHECKSUM 2
#define MAC_BROADCAST 0xffff
#define MAC_NO_ADDRESS 0xfffe
#define PSDU_MAX 127
#define POWER_MIN -40 /* dBm */
#define CHANNEL_MIN 11
#define FRAME_MAX (PSDU_MAX - MAC_HEADER - MAC_CHECKSUM)

/* O-QPSK at 250 kbit/s. A frame starts with the ramp-up; drivers stamp its length byte. */
#define BYTE_US 32
#define RAMP_US 40
#define HEAD_US (RAMP_US + 5 * BYTE_US)

/* As exactly as a clock that counts ticks tells. */
#define LATE_US CATS_TICKS_US(2)

#ifdef CONFIG_CATS_SLEEP
/* From the thread's alarm, which is rounded up and takes three ticks, to a receiver that is on. A
 * frame is waited for from NEAR_US before it on.
 */
#define ON_US (CONFIG_CATS_IEEE802154_START_US + CATS_TICKS_US(5))
#define REST_US 500 /* least time for which the receiver goes off */
#define NEAR_US CATS_TICKS_US(8)
#endif
#ifdef CONFIG_CATS_IEEE802154_CRYSTAL_US
/* From that alarm to a crystal that runs. */
#define CRYSTAL_US (CONFIG_CATS_IEEE802154_CRYSTAL_US + CATS_TICKS_US(5))
#endif

BUILD_ASSERT(CONFIG_SYS_CLOCK_TICKS_PER_SEC >= 10000,
	     "a tick is too long for slots: raise CONFIG_SYS_CLOCK_TICKS_PER_SEC");
/* What a driver does not tell of itself. */
#define DRIVER_IS(compat) DT_NODE_HAS_COMPAT(DT_CHOSEN(zephyr_ieee802154), compat)

BUILD_ASSERT(!DRIVER_IS(nxp_kw41z_ieee802154) && !DRIVER_IS(ti_cc1200),
	     "the driver of zephyr,ieee802154 has no raw mode: choose another radio");
BUILD_ASSERT(!DRIVER_IS(ti_cc13xx_cc26xx_ieee802154),
	     "the driver of zephyr,ieee802154 cannot transmit at once: choose another radio");
BUILD_ASSERT(CONFIG_NET_BUF_DATA_SIZE >= PSDU_MAX, "a frame has one buffer");
BUILD_ASSERT(CONFIG_CATS_AIR_PRIORITY > -CONFIG_NUM_COOP_PRIORITIES,
	     "no priority is left above CATS_AIR_PRIORITY");

static const struct device *const radio = DEVICE_DT_GET(DT_CHOSEN(zephyr_ieee802154));

static struct {
	uint16_t channel;
	uint16_t pan;
	int16_t power; /* dBm */
	bool cca;
} settings = {
	.channel = CONFIG_CATS_IEEE802154_CHANNEL,
	.pan = CONFIG_CATS_IEEE802154_PAN,
	.power = CONFIG_CATS_IEEE802154_POWER,
	.cca = IS_ENABLED(CONFIG_CATS_IEEE802154_CCA),
};

/* Guards the port, whose callbacks run under it. */
static K_MUTEX_DEFINE(port_lock);
static struct cats_port *the_port;

/* Behind a frame's start, when its length has been received for sure: what is received is busy as
 * well, and goes on.
 */
#define SENSE_US 300

/* A frame from send() to sent(), or from sense() to sensed(). */
struct out {
	struct net_pkt *pkt;
	bool senses;
	enum ieee802154_tx_mode mode;
	uint32_t start;
	int result;
};

/* They are sent and told in their order. */
static struct out outs[CATS_TRANSPORT_FRAMES];
static struct k_sem out_free;      /* frames that send() may take */
static struct k_sem out_go;        /* something is new for the thread */
static volatile uint8_t out_taken; /* cats_air_queue's */
static volatile uint8_t out_ended; /* the thread's */
static uint8_t out_told;
static uint8_t sequence;

static K_FIFO_DEFINE(heard); /* struct net_pkt whose time is the frame's start */

static void heard_work(struct k_work *work);
static K_WORK_DEFINE(heard_item, heard_work);
static void sent_work(struct k_work *work);
static K_WORK_DEFINE(sent_item, sent_work);

static const struct ieee802154_radio_api *api(void)
{
	return radio->api;
}

static uint32_t radio_now(void)
{
	if (api()->get_time != NULL) {
		return (uint32_t)(api()->get_time(radio) / (net_time_t)NSEC_PER_USEC);
	}
	return (uint32_t)k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

/*
 * Receiving
 */

/* The driver's hand-over, on its own thread or in an interrupt. */
int net_recv_data(struct net_if *iface, struct net_pkt *pkt)
{
	net_time_t stamp = net_pkt_timestamp_ns(pkt);
	uint32_t start;

	ARG_UNUSED(iface);
	if (stamp > 0) {
		start = (uint32_t)(stamp / (net_time_t)NSEC_PER_USEC) - HEAD_US;
	} else {
		size_t psdu = net_pkt_get_len(pkt);

		if (!IS_ENABLED(CONFIG_IEEE802154_L2_PKT_INCL_FCS)) {
			psdu += MAC_CHECKSUM;
		}
		start = radio_now() - CONFIG_CATS_IEEE802154_RX_US -
			(uint32_t)(1 + psdu) * BYTE_US - HEAD_US;
	}
	net_pkt_set_timestamp_ns(pkt, start);
	k_fifo_put(&heard, pkt);
	(void)k_work_submit_to_queue(&cats_air_queue, &heard_item);
	return 0;
}

/* Nobody asks for acknowledgements. */
enum net_verdict ieee802154_handle_ack(struct net_if *iface, struct net_pkt *pkt)
{
	ARG_UNUSED(iface);
	ARG_UNUSED(pkt);
	return NET_CONTINUE;
}

/* Bytes of the CATS frame that ends a broadcast data frame of this PAN; 0: it is none. */
static uint16_t payload_size(const uint8_t *psdu, size_t size)
{
	if (size <= MAC_HEADER || size > MAC_HEADER + FRAME_MAX ||
	    sys_get_le16(psdu) != MAC_CONTROL || sys_get_le16(psdu + 3) != settings.pan ||
	    sys_get_le16(psdu + 5) != MAC_BROADCAST) {
		return 0;
	}
	return (uint16_t)(size - MAC_HEADER);
}

static void heard_work(struct k_work *work)
{
	struct net_pkt *pkt;

	ARG_UNUSED(work);
	while ((pkt = k_fifo_get(&heard, K_NO_WAIT)) != NULL) {
		const struct net_buf *buf = pkt->buffer;
		uint16_t size = 0;

		if (buf != NULL && buf->frags == NULL) {
			size_t psdu = buf->len;

			if (IS_ENABLED(CONFIG_IEEE802154_L2_PKT_INCL_FCS)) {
				psdu -= MIN(psdu, MAC_CHECKSUM);
			}
			size = payload_size(buf->data, psdu);
		}
		(void)k_mutex_lock(&port_lock, K_FOREVER);
		if (size != 0 && the_port != NULL) {
			int16_t dbm = net_pkt_ieee802154_rssi_dbm(pkt);

			the_port->power = IN_RANGE(dbm, INT8_MIN, -1) ? (int8_t)dbm : 0;
			the_port->received(the_port, buf->data + MAC_HEADER, size,
					   (uint32_t)net_pkt_timestamp_ns(pkt));
		}
		(void)k_mutex_unlock(&port_lock);
		net_pkt_unref(pkt);
	}
}

/*
 * Sending
 */

static bool can_time(void)
{
	return IS_ENABLED(CONFIG_CATS_IEEE802154_TXTIME) &&
	       (api()->get_capabilities(radio) & IEEE802154_HW_TXTIME) != 0 &&
	       api()->get_time != NULL;
}

static bool timed(const struct out *out)
{
	return !out->senses && out->mode != IEEE802154_TX_MODE_DIRECT &&
	       out->mode != IEEE802154_TX_MODE_CCA;
}

/* That is known when it is asked to, and then of every frame. */
static void tell_unsupported(enum ieee802154_tx_mode mode)
{
	static bool told;

	if (!told) {
		told = true;
		LOG_ERR("%s sends nothing: it has no transmit mode %d, see doc/transports.rst",
			radio->name, mode);
	}
}

/*
 * The receiver, on or off: the thread's that sends, for that must not meet a change of it.
 */

#ifdef CONFIG_CATS_SLEEP
#ifdef CONFIG_CATS_IEEE802154_CRYSTAL_US
/* Nordic's driver starts the crystal, waits for it and starts the receiver. The crystal is started
 * ahead of that, and goes on in rests that are too short to start it again.
 */
static void hold_crystal(bool hold)
{
	static struct onoff_client crystal;
	static bool held;
	struct onoff_manager *manager = z_nrf_clock_control_get_onoff(CLOCK_CONTROL_NRF_SUBSYS_HF);

	if (hold && !held) {
		sys_notify_init_spinwait(&crystal.notify);
		held = onoff_request(manager, &crystal) >= 0;
	} else if (!hold && held) {
		(void)onoff_cancel_or_release(manager, &crystal);
		held = false;
	}
}

/* Where the crystal runs already the driver starts its receiver twice, which would then start by
 * itself behind the first frame. A change of the channel ends both and starts it once.
 */
static void start_driver(void)
{
	(void)api()->set_channel(radio,
				 settings.channel == CHANNEL_MIN ? CHANNEL_MIN + 1 : CHANNEL_MIN);
	(void)api()->start(radio);
	(void)api()->set_channel(radio, settings.channel);
}

/* For a rest of so many microseconds. Those until this is to be called again. */
static int32_t rest_crystal(int32_t us)
{
	hold_crystal(us <= CRYSTAL_US);
	return us <= CRYSTAL_US ? us : us - CRYSTAL_US;
}
#else
static void hold_crystal(bool hold)
{
	ARG_UNUSED(hold);
}

static void start_driver(void)
{
	(void)api()->start(radio);
}

static int32_t rest_crystal(int32_t us)
{
	return us;
}
#endif /* CONFIG_CATS_IEEE802154_CRYSTAL_US */

static K_MUTEX_DEFINE(switching); /* with attach and detach */
static bool switches;             /* there is a port */

static struct cats_rest rest;

static void switch_receiver(bool on)
{
	const struct ieee802154_config config = {.rx_on_when_idle = on};
	bool idle = (api()->get_capabilities(radio) & IEEE802154_RX_ON_WHEN_IDLE) != 0 &&
		    api()->configure != NULL;

	/* Without this, a frame that is being received may be cut off. */
	if (idle) {
		(void)api()->configure(radio, IEEE802154_CONFIG_RX_ON_WHEN_IDLE, &config);
	}
	if (on) {
		start_driver();
	} else if (!idle) {
		(void)api()->stop(radio);
	}
	cats_rest_is(&rest, !on, radio_now());
}

/* Do what radio_listen() was told, and be on for a frame that is sent in so many microseconds: not
 * all drivers send while they are stopped, and Nordic's would wait for its crystal. Microseconds
 * until this is to be called again; INT32_MAX: never.
 */
static int32_t obey(int32_t frame_us)
{
	int32_t us;
	bool off = cats_rest_wanted(&rest, radio_now(), frame_us, ON_US, REST_US, &us);

	if (off != rest.off) {
		switch_receiver(!off);
	}
	return off ? rest_crystal(us) : INT32_MAX;
}

/* The next frame, when it is near. Until then, and without a port, what radio_listen() told. */
static struct out *next_out(void)
{
	for (;;) {
		struct out *out = &outs[out_ended % CATS_TRANSPORT_FRAMES];
		bool waits = out_ended != out_taken;
		int32_t us = INT32_MAX;
		int32_t look_us;

		if (waits) {
			us = cats_time_diff(out->start - CONFIG_CATS_IEEE802154_TX_US, radio_now());
		}
		(void)k_mutex_lock(&switching, K_FOREVER);
		look_us = switches ? obey(us) : INT32_MAX;
		(void)k_mutex_unlock(&switching);
		if (waits && (us <= NEAR_US || timed(out) || !switches)) {
			return out;
		}
		us = MIN(waits ? us - NEAR_US : us, look_us);
		(void)k_sem_take(&out_go, us == INT32_MAX
						  ? K_FOREVER
						  : K_TICKS(k_us_to_ticks_ceil32((uint32_t)us)));
	}
}

/* Whether the driver has been started for long enough to send then. */
static bool has_started(uint32_t at)
{
	return !rest.off && cats_time_diff(at, rest.since_us) >= CONFIG_CATS_IEEE802154_START_US;
}

static void radio_listen(struct cats_port *port, const struct cats_listen *listen, uint32_t ready)
{
	uint32_t sends = ready + CONFIG_CATS_LEAD_US - CONFIG_CATS_IEEE802154_TX_US;
	bool first = cats_time_diff(sends, listen->from_us) < 0;

	ARG_UNUSED(port);
	cats_rest_tell(&rest, listen->off, first ? sends : listen->from_us);
	k_sem_give(&out_go);
}

static uint32_t radio_rested(void)
{
	return cats_rest_total(&rest, radio_now());
}

/* With a port the receiver is on until told otherwise. */
static void allow_switches(bool allowed)
{
	(void)k_mutex_lock(&switching, K_FOREVER);
	switches = allowed;
	cats_rest_tell(&rest, false, 0);
	if (rest.off) {
		switch_receiver(true);
	}
	hold_crystal(false);
	(void)k_mutex_unlock(&switching);
}
#else
static struct out *next_out(void)
{
	(void)k_sem_take(&out_go, K_FOREVER);
	return &outs[out_ended % CATS_TRANSPORT_FRAMES];
}

static bool has_started(uint32_t at)
{
	ARG_UNUSED(at);
	return true;
}

static void allow_switches(bool allowed)
{
	ARG_UNUSED(allowed);
}
#endif

/* At its time, or not at all. */
static int transmit(struct out *out)
{
	if (!timed(out)) {
		int32_t late =
			cats_wait_until(out->start - CONFIG_CATS_IEEE802154_TX_US, radio_now);

		if (late > LATE_US) {
			return -ETIME;
		}
		out->start += late;
	}
	if (out->senses) {
		return api()->cca(radio);
	}
	if (!has_started(out->start)) {
		return -ETIME;
	}
	return api()->tx(radio, out->mode, out->pkt, out->pkt->buffer);
}

static void out_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	for (;;) {
		struct out *out = next_out();

		out->result = transmit(out);
		if (out->result == -ENOTSUP && !out->senses) {
			tell_unsupported(out->mode);
		}
		out_ended++;
		(void)k_work_submit_to_queue(&cats_air_queue, &sent_item);
	}
}

static K_KERNEL_THREAD_DEFINE(cats_ieee802154_out, CONFIG_CATS_IEEE802154_STACK_SIZE, out_thread,
			      NULL, NULL, NULL, CONFIG_CATS_AIR_PRIORITY - 1, 0, 0);

static void sent_work(struct k_work *work)
{
	ARG_UNUSED(work);
	while (out_told != out_ended) {
		const struct out *out = &outs[out_told % CATS_TRANSPORT_FRAMES];
		uint32_t start = out->start;
		bool senses = out->senses;
		bool ok = out->result == 0;

		out_told++;
		k_sem_give(&out_free);
		(void)k_mutex_lock(&port_lock, K_FOREVER);
		if (the_port != NULL && senses) {
			the_port->sensed(the_port, !ok);
		} else if (the_port != NULL) {
			the_port->sent(the_port, ok, start);
		}
		(void)k_mutex_unlock(&port_lock);
	}
}

static void write_header(struct net_buf *buf)
{
	net_buf_reset(buf);
	net_buf_add_le16(buf, MAC_CONTROL);
	net_buf_add_u8(buf, sequence++);
	net_buf_add_le16(buf, settings.pan);
	net_buf_add_le16(buf, MAC_BROADCAST);
}

static int radio_send(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at)
{
	struct out *out = &outs[out_taken % CATS_TRANSPORT_FRAMES];
	int32_t us = cats_time_diff(at - CONFIG_CATS_IEEE802154_TX_US, radio_now());

	ARG_UNUSED(port);
	if (size == 0 || size > FRAME_MAX) {
		return -EMSGSIZE;
	}
	if (us < -LATE_US) {
		return -ETIME;
	}
	if (k_sem_take(&out_free, K_NO_WAIT) != 0) {
		return -ENOBUFS;
	}
	write_header(out->pkt->buffer);
	(void)net_buf_add_mem(out->pkt->buffer, frame, size);
	out->start = at;
	out->senses = false;
	if (can_time() && us > 0) {
		/* All of the driver's 64 bits of time from 32 of them. */
		net_time_t now = api()->get_time(radio);

		us = cats_time_diff(at, (uint32_t)(now / (net_time_t)NSEC_PER_USEC));
		net_pkt_set_timestamp_ns(out->pkt,
					 now + (net_time_t)(us + HEAD_US) * NSEC_PER_USEC);
		out->mode =
			settings.cca ? IEEE802154_TX_MODE_TXTIME_CCA : IEEE802154_TX_MODE_TXTIME;
	} else {
		out->mode = settings.cca ? IEEE802154_TX_MODE_CCA : IEEE802154_TX_MODE_DIRECT;
	}
	out_taken++;
	k_sem_give(&out_go);
	return 0;
}

/* A clear channel assessment, where the driver has one; how long that takes is its own. */
static int radio_sense(struct cats_port *port, uint32_t at)
{
	struct out *out = &outs[out_taken % CATS_TRANSPORT_FRAMES];

	ARG_UNUSED(port);
	if (api()->cca == NULL) {
		return -ENOTSUP;
	}
	if (k_sem_take(&out_free, K_NO_WAIT) != 0) {
		return -ENOBUFS;
	}
	out->senses = true;
	out->start = at + SENSE_US + CONFIG_CATS_IEEE802154_TX_US;
	out_taken++;
	k_sem_give(&out_go);
	return 0;
}

/*
 * Ports
 */

static int filter(enum ieee802154_filter_type type, uint16_t value)
{
	struct ieee802154_filter content = {0};

	if (type == IEEE802154_FILTER_TYPE_PAN_ID) {
		content.pan_id = value;
	} else {
		content.short_addr = value;
	}
	return api()->filter(radio, true, type, &content);
}

/* The power in the settings, or the next one below that the driver takes. */
static int set_power(void)
{
	int16_t dbm = settings.power;
	int ret = api()->set_txpower(radio, dbm);

	while (ret == -EINVAL && dbm > POWER_MIN) {
		dbm--;
		ret = api()->set_txpower(radio, dbm);
	}
	if (ret != 0) {
		LOG_ERR("%s takes no power of %d dBm or less: %d", radio->name, settings.power,
			ret);
	} else if (dbm != settings.power) {
		LOG_WRN("%s takes %d dBm, not %d", radio->name, dbm, settings.power);
	}
	return ret;
}

static int set_channel(void)
{
	int ret = api()->set_channel(radio, settings.channel);

	if (ret != 0) {
		LOG_ERR("%s has no channel %u: %d", radio->name, settings.channel, ret);
	}
	return ret;
}

/* Drivers leave out what they do not have. */
static int check_driver(void)
{
	if (api()->get_capabilities == NULL || api()->set_channel == NULL ||
	    api()->set_txpower == NULL || api()->start == NULL || api()->stop == NULL ||
	    api()->tx == NULL) {
		LOG_ERR("%s lacks a function of the 802.15.4 drivers' API", radio->name);
		return -ENOTSUP;
	}
	return 0;
}

static int configure(void)
{
	const struct cats_setting known[] = {
		{"channel", &settings.channel, sizeof(settings.channel)},
		{"pan", &settings.pan, sizeof(settings.pan)},
		{"power", &settings.power, sizeof(settings.power)},
		{"cca", &settings.cca, sizeof(settings.cca)},
	};
	int ret = cats_settings("cats/radio", known, ARRAY_SIZE(known));

	if (ret == 0) {
		ret = set_channel();
	}
	if (ret == 0) {
		ret = set_power();
	}
	if (ret == 0 && (api()->get_capabilities(radio) & IEEE802154_HW_FILTER) != 0 &&
	    api()->filter != NULL) {
		ret = filter(IEEE802154_FILTER_TYPE_PAN_ID, settings.pan);
		if (ret == 0) {
			ret = filter(IEEE802154_FILTER_TYPE_SHORT_ADDR, MAC_NO_ADDRESS);
		}
	}
	return ret != 0 ? ret : api()->start(radio);
}

/* Packets to send, once. */
static int allocate(void)
{
	for (int i = 0; i < CATS_TRANSPORT_FRAMES; i++) {
		if (outs[i].pkt == NULL) {
			outs[i].pkt = net_pkt_alloc_with_buffer(NULL, PSDU_MAX - MAC_CHECKSUM,
								AF_UNSPEC, 0, K_NO_WAIT);
		}
		if (outs[i].pkt == NULL) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int radio_attach(struct cats_port *port)
{
	int ret;

	if (!device_is_ready(radio)) {
		return -ENODEV;
	}
	(void)k_mutex_lock(&port_lock, K_FOREVER);
	if (the_port != NULL) {
		ret = -EBUSY;
	} else {
		ret = check_driver();
		if (ret == 0) {
			ret = allocate();
		}
		if (ret == 0) {
			ret = configure();
		}
		if (ret == 0) {
			the_port = port;
			allow_switches(true);
		}
	}
	(void)k_mutex_unlock(&port_lock);
	return ret;
}

static void radio_detach(struct cats_port *port)
{
	struct k_work_sync sync;
	int ended;

	ARG_UNUSED(port);
	(void)k_mutex_lock(&port_lock, K_FOREVER);
	the_port = NULL;
	(void)k_mutex_unlock(&port_lock);
	ended = cats_wait_frames_sent(&out_free);
	allow_switches(false);
	(void)api()->stop(radio);
	(void)k_work_flush(&heard_item, &sync);
	(void)k_work_flush(&sent_item, &sync);
	while (ended-- > 0) {
		k_sem_give(&out_free);
	}
}

static int radio_init(void)
{
	(void)k_sem_init(&out_free, CATS_TRANSPORT_FRAMES, CATS_TRANSPORT_FRAMES);
	(void)k_sem_init(&out_go, 0, CATS_TRANSPORT_FRAMES);
	return 0;
}

SYS_INIT(radio_init, PRE_KERNEL_1, CONFIG_KERNEL_INIT_PRIORITY_DEFAULT);

const struct cats_transport cats_ieee802154 = {
	.name = "ieee802154",
	.radio = CATS_RADIO_IEEE802154,
	.mtu = FRAME_MAX,
	.attach = radio_attach,
	.detach = radio_detach,
	.now = radio_now,
	.send = radio_send,
	.sense = radio_sense,
#ifdef CONFIG_CATS_SLEEP
	.listen = radio_listen,
	.rested_us = radio_rested,
	.jitter_us = CATS_TICKS_US(2),
#endif
};
