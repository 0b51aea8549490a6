/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * An application with Bluetooth of its own beside the node: it advertises, looks at what its
 * neighbours advertise, and whoever wants to may connect to it. And the phone that does.
 */

#include <string.h>

#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/conn.h>
#include <zephyr/bluetooth/gap.h>
#include <zephyr/bluetooth/hci_types.h>
#include <zephyr/kernel.h>

#include "bs_tracing.h"
#include "bs_types.h"

#include "host.h"

#define NAME "beside cats"
/* How long a connection lasts, and until the next one. */
#define CONNECTED_MS 500
#define PAUSE_MS 200

static const struct bt_data advertised[] = {
	BT_DATA_BYTES(BT_DATA_FLAGS, BT_LE_AD_GENERAL | BT_LE_AD_NO_BREDR),
	BT_DATA(BT_DATA_NAME_COMPLETE, NAME, sizeof(NAME) - 1),
};

static unsigned int connections;
static unsigned int seen; /* reports of neighbours */

/* The phone's. */
static bool calling;
static bt_addr_le_t peer;
static K_SEM_DEFINE(found, 0, 1);
static K_SEM_DEFINE(up, 0, 1);
static K_SEM_DEFINE(down, 0, 1);

static bool is_name(struct bt_data *data, void *user)
{
	bool *is = user;

	*is = data->type == BT_DATA_NAME_COMPLETE && data->data_len == sizeof(NAME) - 1 &&
	      memcmp(data->data, NAME, sizeof(NAME) - 1) == 0;
	return !*is;
}

static void scanned(const struct bt_le_scan_recv_info *info, struct net_buf_simple *buf)
{
	bool is = false;

	if ((info->adv_props & BT_GAP_ADV_PROP_CONNECTABLE) == 0) {
		return;
	}
	bt_data_parse(buf, is_name, &is);
	if (is) {
		seen++;
		bt_addr_le_copy(&peer, info->addr);
		k_sem_give(&found);
	}
}

static void start_advertising(struct k_work *work)
{
	int ret =
		bt_le_adv_start(BT_LE_ADV_CONN_FAST_2, advertised, ARRAY_SIZE(advertised), NULL, 0);

	ARG_UNUSED(work);
	if (ret != 0) {
		bs_trace_error("the application cannot advertise: %d\n", ret);
	}
}

static K_WORK_DEFINE(advertise_item, start_advertising);

static void connected(struct bt_conn *conn, uint8_t err)
{
	ARG_UNUSED(conn);
	if (err == 0) {
		connections++;
		k_sem_give(&up);
	}
}

static void disconnected(struct bt_conn *conn, uint8_t reason)
{
	ARG_UNUSED(conn);
	ARG_UNUSED(reason);
	k_sem_give(&down);
}

static void recycled(void)
{
	if (!calling) {
		(void)k_work_submit(&advertise_item);
	}
}

BT_CONN_CB_DEFINE(callbacks) = {
	.connected = connected,
	.disconnected = disconnected,
	.recycled = recycled,
};

static struct bt_le_scan_cb scanning = {.recv = scanned};

static void enable(void)
{
	int ret = bt_enable(NULL);

	if (ret == 0) {
		ret = bt_le_scan_cb_register(&scanning);
	}
	if (ret != 0) {
		bs_trace_error("the application has no Bluetooth: %d\n", ret);
	}
}

void beside_begin(void)
{
	enable();
	start_advertising(NULL);
}

void beside_report(void)
{
	report("beside %u %u\n", connections, seen);
}

static void call(void)
{
	struct bt_conn *conn = NULL;

	/* That of the last connection may still be in use. */
	if (bt_conn_le_create(&peer, BT_CONN_LE_CREATE_CONN, BT_LE_CONN_PARAM_DEFAULT, &conn) !=
	    0) {
		return;
	}
	if (k_sem_take(&up, K_SECONDS(4)) == 0) {
		k_sleep(K_MSEC(CONNECTED_MS));
	}
	(void)bt_conn_disconnect(conn, BT_HCI_ERR_REMOTE_USER_TERM_CONN);
	(void)k_sem_take(&down, K_SECONDS(4));
	bt_conn_unref(conn);
}

void beside_phone(void)
{
	static const struct bt_le_scan_param all = {
		.type = BT_LE_SCAN_TYPE_PASSIVE,
		.interval = BT_GAP_SCAN_FAST_INTERVAL,
		.window = BT_GAP_SCAN_FAST_INTERVAL,
	};

	calling = true;
	enable();
	while (true) {
		int ret = bt_le_scan_start(&all, NULL);

		if (ret != 0) {
			bs_trace_error("the phone cannot scan: %d\n", ret);
		}
		k_sem_reset(&found);
		ret = k_sem_take(&found, K_USEC(options.quiet_us));
		(void)bt_le_scan_stop();
		if (ret != 0) {
			return;
		}
		call();
		k_sleep(K_MSEC(PAUSE_MS));
	}
}
