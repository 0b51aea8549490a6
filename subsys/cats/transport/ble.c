/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Each frame is one event of an extended advertising set that nobody connects to or scans. */

#include <errno.h>
#include <string.h>

#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/gap.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>
#include <cats/transport.h>

#include "rest.h"
#include "wait.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

/* Advertising data: length, type, and the company that says what follows: Core specification
 * vol 3 part C, 11 and supplement, part A.
 */
#define AD_HEADER 4
#define COMPANY 2

/* A frame's air time: ADV_EXT_IND on the primary channels, then AUX_ADV_IND at 2 Mbit/s with 25
 * bytes around the frame.
 */
#define BYTE_US 4
#define OVERHEAD 25

/* An event that does not end in this time never will. */
#define EVENT_MS 200

/* As exactly as a clock that counts ticks tells. */
#define LATE_US CATS_TICKS_US(2)

#define SCAN_INTERVAL 0x4000 /* 10.24 s: the longest that every controller takes */

/* What else uses the radio's time, as a write to flash does, may end a scan until the next
 * interval. So scanning begins anew where nobody at all was heard for so long.
 */
#define DEAF_MS 100

#ifdef CONFIG_CATS_SLEEP
/* From the thread's alarm, which is rounded up and takes three ticks, to a scanner that hears. The
 * data of a frame is set from NEAR_US before its event on.
 */
#define ON_US (CONFIG_CATS_BLE_START_US + CATS_TICKS_US(5))
#define REST_US 12000 /* least time for which it goes off */
#define NEAR_US 1000
#define BEGUN_US (CONFIG_CATS_BLE_START_US / 2) /* a controller scans so much later, about */
#endif

BUILD_ASSERT(CONFIG_CATS_AIR_PRIORITY > -CONFIG_NUM_COOP_PRIORITIES,
	     "no priority is left above CATS_AIR_PRIORITY");
#ifdef CONFIG_BT_CTLR_ADV_DATA_LEN_MAX
BUILD_ASSERT(CONFIG_BT_CTLR_ADV_DATA_LEN_MAX >= AD_HEADER + CONFIG_CATS_BLE_MTU,
	     "the controller sends less data: raise CONFIG_BT_CTLR_ADV_DATA_LEN_MAX");
#endif

/* A frame that was heard, on its way to cats_air_queue. */
struct heard_frame {
	void *fifo;
	uint32_t start;
	uint16_t size;
	int8_t power;
	uint8_t data[CONFIG_CATS_BLE_MTU];
};

K_MEM_SLAB_DEFINE_STATIC(slab, ROUND_UP(sizeof(struct heard_frame), sizeof(void *)),
			 CONFIG_CATS_BLE_FRAMES, sizeof(void *));
static K_FIFO_DEFINE(heard);
static volatile uint32_t heard_us; /* anybody, last */

/* Guards the port, whose callbacks run under it. */
static K_MUTEX_DEFINE(port_lock);
static struct cats_port *the_port;

/* A frame from send() to sent(). */
struct out {
	uint8_t data[COMPANY + CONFIG_CATS_BLE_MTU];
	uint16_t size;
	uint32_t start;
	bool ok;
};

/* They are sent and told in their order. */
static struct out outs[CATS_TRANSPORT_FRAMES];
static struct k_sem out_free;      /* frames that send() may take */
static struct k_sem out_go;        /* something is new for the thread */
static volatile uint8_t out_taken; /* cats_air_queue's */
static volatile uint8_t out_ended; /* the thread's */
static uint8_t out_told;

static struct bt_le_ext_adv *set;
static struct k_sem event_over;

static void heard_work(struct k_work *work);
static K_WORK_DEFINE(heard_item, heard_work);
static void sent_work(struct k_work *work);
static K_WORK_DEFINE(sent_item, sent_work);

static uint32_t ble_now(void)
{
	return (uint32_t)k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

/*
 * Receiving
 */

/* Of a report, on the host's receiving thread. */
static void scan_received(const struct bt_le_scan_recv_info *info, struct net_buf_simple *buf)
{
	uint32_t now = ble_now();
	const uint8_t *data = buf->data;
	struct heard_frame *frame;
	uint16_t size;
	void *memory;

	heard_us = now;
	if ((info->adv_props & BT_GAP_ADV_PROP_EXT_ADV) == 0 || buf->len <= AD_HEADER ||
	    data[0] + 1 != buf->len || data[1] != BT_DATA_MANUFACTURER_DATA ||
	    sys_get_le16(data + 2) != CONFIG_CATS_BLE_COMPANY) {
		return;
	}
	size = buf->len - AD_HEADER;
	if (size > CONFIG_CATS_BLE_MTU || k_mem_slab_alloc(&slab, &memory, K_NO_WAIT) != 0) {
		return;
	}
	frame = memory;
	frame->start = now - CONFIG_CATS_BLE_RX_US - (OVERHEAD + size) * BYTE_US;
	frame->size = size;
	frame->power = MIN(info->rssi, 0); /* BT_GAP_RSSI_INVALID: not known */
	memcpy(frame->data, data + AD_HEADER, size);
	k_fifo_put(&heard, frame);
	(void)k_work_submit_to_queue(&cats_air_queue, &heard_item);
}

static int scan(void)
{
	static const struct bt_le_scan_param scanning = {
		.type = BT_LE_SCAN_TYPE_PASSIVE,
		.interval = SCAN_INTERVAL,
		.window = SCAN_INTERVAL,
	};

	heard_us = ble_now();
	return bt_le_scan_start(&scanning, NULL);
}

/* The thread's that sends, which does not meet attach and detach in it. */
static K_MUTEX_DEFINE(scanner);
static bool scans; /* there is a port */

static void scan_anew_if_deaf(void)
{
	if (cats_time_diff(ble_now(), heard_us) >= DEAF_MS * (int32_t)USEC_PER_MSEC) {
		(void)bt_le_scan_stop();
		(void)scan();
	}
}

#ifdef CONFIG_CATS_SLEEP
static struct cats_rest rest;

static void switch_scanner(bool on)
{
	uint32_t now = ble_now();

	if (on) {
		(void)scan();
		now += BEGUN_US;
	} else {
		(void)bt_le_scan_stop();
	}
	cats_rest_is(&rest, !on, now);
}

/* Do what ble_listen() was told; microseconds until this is to be called again. */
static int32_t obey(void)
{
	int32_t us;
	bool off = cats_rest_wanted(&rest, ble_now(), INT32_MAX, ON_US, REST_US, &us);

	if (off != rest.off) {
		switch_scanner(!off);
	}
	if (!off) {
		scan_anew_if_deaf();
		us = DEAF_MS * USEC_PER_MSEC;
	}
	return us;
}

/* Microseconds until a frame is to be prepared. */
static int32_t near_in(const struct out *out)
{
	return cats_time_diff(out->start - CONFIG_CATS_BLE_TX_US, ble_now()) - NEAR_US;
}

static void ble_listen(struct cats_port *port, const struct cats_listen *listen, uint32_t ready)
{
	/* Sending needs no scanner, but in an inference there is no time to stop and start it. */
	bool off = listen->off && cats_time_diff(ready, ble_now()) > 0;

	ARG_UNUSED(port);
	cats_rest_tell(&rest, off, listen->from_us);
	k_sem_give(&out_go);
}

static uint32_t ble_rested(void)
{
	return cats_rest_total(&rest, ble_now());
}
#else
static int32_t obey(void)
{
	scan_anew_if_deaf();
	return DEAF_MS * USEC_PER_MSEC;
}

static int32_t near_in(const struct out *out)
{
	ARG_UNUSED(out);
	return 0;
}
#endif

static void heard_work(struct k_work *work)
{
	struct heard_frame *frame;

	ARG_UNUSED(work);
	while ((frame = k_fifo_get(&heard, K_NO_WAIT)) != NULL) {
		(void)k_mutex_lock(&port_lock, K_FOREVER);
		if (the_port != NULL) {
			the_port->power = frame->power;
			the_port->received(the_port, frame->data, frame->size, frame->start);
		}
		(void)k_mutex_unlock(&port_lock);
		k_mem_slab_free(&slab, frame);
	}
}

/*
 * Sending
 */

static void event_ended(struct bt_le_ext_adv *adv, struct bt_le_ext_adv_sent_info *info)
{
	ARG_UNUSED(adv);
	ARG_UNUSED(info);
	k_sem_give(&event_over);
}

/* One event at its time, or none. */
static int advertise(struct out *out)
{
	const struct bt_data data = {
		.type = BT_DATA_MANUFACTURER_DATA,
		.data_len = (uint8_t)(COMPANY + out->size),
		.data = out->data,
	};
	int32_t late;
	int ret;

	ret = bt_le_ext_adv_set_data(set, &data, 1, NULL, 0);
	if (ret != 0) {
		return ret;
	}
	late = cats_wait_until(out->start - CONFIG_CATS_BLE_TX_US, ble_now);
	if (late > LATE_US) {
		return -ETIME;
	}
	out->start += late;
	k_sem_reset(&event_over);
	ret = bt_le_ext_adv_start(set, BT_LE_EXT_ADV_START_PARAM(0, 1));
	if (ret == 0 && k_sem_take(&event_over, K_MSEC(EVENT_MS)) != 0) {
		(void)bt_le_ext_adv_stop(set);
		ret = -ETIMEDOUT;
	}
	return ret;
}

static void out_thread(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	for (;;) {
		struct out *out = &outs[out_ended % CATS_TRANSPORT_FRAMES];
		bool waits = out_ended != out_taken;
		int32_t us = INT32_MAX;

		if (waits && near_in(out) <= 0) {
			int ret = advertise(out);

			if (ret != 0) {
				LOG_DBG("advertising: %d", ret);
			}
			out->ok = ret == 0;
			out_ended++;
			(void)k_work_submit_to_queue(&cats_air_queue, &sent_item);
			continue;
		}
		(void)k_mutex_lock(&scanner, K_FOREVER);
		if (scans) {
			us = obey();
		}
		(void)k_mutex_unlock(&scanner);
		if (waits) {
			us = MIN(us, MAX(near_in(out), 0));
		}
		(void)k_sem_take(&out_go, us == INT32_MAX
						  ? K_FOREVER
						  : K_TICKS(k_us_to_ticks_ceil32((uint32_t)us)));
	}
}

static K_KERNEL_THREAD_DEFINE(cats_ble_out, CONFIG_CATS_BLE_STACK_SIZE, out_thread, NULL, NULL,
			      NULL, CONFIG_CATS_AIR_PRIORITY - 1, 0, 0);

static void sent_work(struct k_work *work)
{
	ARG_UNUSED(work);
	while (out_told != out_ended) {
		const struct out *out = &outs[out_told % CATS_TRANSPORT_FRAMES];
		uint32_t start = out->start;
		bool ok = out->ok;

		out_told++;
		k_sem_give(&out_free);
		(void)k_mutex_lock(&port_lock, K_FOREVER);
		if (the_port != NULL) {
			the_port->sent(the_port, ok, start);
		}
		(void)k_mutex_unlock(&port_lock);
	}
}

static int ble_send(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at)
{
	struct out *out = &outs[out_taken % CATS_TRANSPORT_FRAMES];

	ARG_UNUSED(port);
	if (size == 0 || size > CONFIG_CATS_BLE_MTU) {
		return -EMSGSIZE;
	}
	if (cats_time_diff(ble_now(), at - CONFIG_CATS_BLE_TX_US) > LATE_US) {
		return -ETIME;
	}
	if (k_sem_take(&out_free, K_NO_WAIT) != 0) {
		return -ENOBUFS;
	}
	sys_put_le16(CONFIG_CATS_BLE_COMPANY, out->data);
	memcpy(out->data + COMPANY, frame, size);
	out->size = size;
	out->start = at;
	out_taken++;
	k_sem_give(&out_go);
	return 0;
}

/*
 * Ports
 */

static struct bt_le_scan_cb scan_callback = {.recv = scan_received};

/* The host, with the identities that it keeps, where the application has not enabled it. */
static int enable_host(void)
{
	int ret = bt_is_ready() ? -EALREADY : bt_enable(NULL);

	if (ret == -EALREADY) {
		return 0;
	}
#ifdef CONFIG_BT_SETTINGS
	if (ret == 0) {
		ret = settings_load_subtree("bt");
	}
#endif
	return ret;
}

static int enable(void)
{
	static const struct bt_le_ext_adv_cb callback = {.sent = event_ended};
	static const struct bt_le_adv_param advertising = {
		.id = BT_ID_DEFAULT,
		.options = BT_LE_ADV_OPT_EXT_ADV | BT_LE_ADV_OPT_USE_IDENTITY,
		.interval_min = BT_GAP_ADV_FAST_INT_MIN_1,
		.interval_max = BT_GAP_ADV_FAST_INT_MAX_1,
	};
	int ret = enable_host();

	if (ret != 0) {
		return ret;
	}
	if (set == NULL) {
		ret = bt_le_ext_adv_create(&advertising, &callback, &set);
		if (ret == -ENOMEM) {
			LOG_ERR("no advertising set is free: raise CONFIG_BT_EXT_ADV_MAX_ADV_SET");
			return -ENOBUFS;
		}
		if (ret != 0) {
			return ret;
		}
		ret = bt_le_scan_cb_register(&scan_callback);
		if (ret != 0 && ret != -EEXIST) {
			return ret;
		}
	}
	ret = scan();
	if (ret == -EALREADY) {
		LOG_ERR("somebody else scans, and cats has to all the time");
		return -EBUSY;
	}
	return ret;
}

static int ble_attach(struct cats_port *port)
{
	int ret = -EBUSY;

	(void)k_mutex_lock(&port_lock, K_FOREVER);
	if (the_port == NULL) {
		ret = enable();
		if (ret == 0) {
			the_port = port;
			(void)k_mutex_lock(&scanner, K_FOREVER);
			scans = true;
			(void)k_mutex_unlock(&scanner);
			k_sem_give(&out_go);
		}
	}
	(void)k_mutex_unlock(&port_lock);
	return ret;
}

static void ble_detach(struct cats_port *port)
{
	struct k_work_sync sync;
	int ended;

	ARG_UNUSED(port);
	(void)k_mutex_lock(&port_lock, K_FOREVER);
	the_port = NULL;
	(void)k_mutex_unlock(&port_lock);
	ended = cats_wait_frames_sent(&out_free);
	(void)k_mutex_lock(&scanner, K_FOREVER);
	scans = false;
#ifdef CONFIG_CATS_SLEEP
	cats_rest_tell(&rest, false, 0);
	cats_rest_is(&rest, false, ble_now());
#endif
	(void)bt_le_scan_stop();
	(void)k_mutex_unlock(&scanner);
	(void)k_work_flush(&heard_item, &sync);
	(void)k_work_flush(&sent_item, &sync);
	while (ended-- > 0) {
		k_sem_give(&out_free);
	}
}

static int ble_init(void)
{
	(void)k_sem_init(&out_free, CATS_TRANSPORT_FRAMES, CATS_TRANSPORT_FRAMES);
	(void)k_sem_init(&out_go, 0, CATS_TRANSPORT_FRAMES);
	(void)k_sem_init(&event_over, 0, 1);
	return 0;
}

SYS_INIT(ble_init, PRE_KERNEL_1, CONFIG_KERNEL_INIT_PRIORITY_DEFAULT);

const struct cats_transport cats_ble = {
	.name = "ble",
	.radio = CATS_RADIO_BLE,
	.mtu = CONFIG_CATS_BLE_MTU,
	.attach = ble_attach,
	.detach = ble_detach,
	.now = ble_now,
	.send = ble_send,
#ifdef CONFIG_CATS_SLEEP
	.listen = ble_listen,
	.rested_us = ble_rested,
	.jitter_us = CONFIG_CATS_BLE_JITTER_US,
#endif
};
