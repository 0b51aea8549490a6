/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What the 802.15.4 transport does with drivers that cannot do everything. */

#include <errno.h>
#include <string.h>

#include <zephyr/device.h>
#include <zephyr/net/ieee802154_radio.h>
#include <zephyr/ztest.h>

#include <cats/transport.h>

/* Of the driver: what it refuses, and what it was told. */
static int16_t power_max;
static int power_error;
static int channel_error;
static enum ieee802154_tx_mode tx_mode;
static int16_t power;
static bool started;
static unsigned int on_air;

static struct ieee802154_radio_api api;

static enum ieee802154_hw_caps get_capabilities(const struct device *dev)
{
	ARG_UNUSED(dev);
	return IEEE802154_HW_FCS;
}

static int set_channel(const struct device *dev, uint16_t channel)
{
	ARG_UNUSED(dev);
	ARG_UNUSED(channel);
	return channel_error;
}

static int set_txpower(const struct device *dev, int16_t dbm)
{
	ARG_UNUSED(dev);
	if (dbm > power_max) {
		return power_error;
	}
	power = dbm;
	return 0;
}

static int start(const struct device *dev)
{
	ARG_UNUSED(dev);
	started = true;
	return 0;
}

static int stop(const struct device *dev)
{
	ARG_UNUSED(dev);
	started = false;
	return 0;
}

static int tx(const struct device *dev, enum ieee802154_tx_mode mode, struct net_pkt *pkt,
	      struct net_buf *frag)
{
	ARG_UNUSED(dev);
	ARG_UNUSED(pkt);
	ARG_UNUSED(frag);
	if (mode != tx_mode) {
		return -ENOTSUP;
	}
	on_air++;
	return 0;
}

static int cca_result;

static int cca(const struct device *dev)
{
	ARG_UNUSED(dev);
	return cca_result;
}

static const struct ieee802154_radio_api whole = {
	.get_capabilities = get_capabilities,
	.set_channel = set_channel,
	.set_txpower = set_txpower,
	.start = start,
	.stop = stop,
	.tx = tx,
	.cca = cca,
};

DEVICE_DT_DEFINE(DT_CHOSEN(zephyr_ieee802154), NULL, NULL, NULL, NULL, POST_KERNEL, 0, &api);

static K_SEM_DEFINE(told, 0, 10);
static bool sent_ok;
static bool sensed_busy;

static void received(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t at)
{
	ARG_UNUSED(port);
	ARG_UNUSED(frame);
	ARG_UNUSED(size);
	ARG_UNUSED(at);
}

static void sent(struct cats_port *port, bool ok, uint32_t at)
{
	ARG_UNUSED(port);
	ARG_UNUSED(at);
	sent_ok = ok;
	k_sem_give(&told);
}

static void sensed(struct cats_port *port, bool busy)
{
	ARG_UNUSED(port);
	sensed_busy = busy;
	k_sem_give(&told);
}

static struct cats_port port = {.received = received, .sent = sent, .sensed = sensed};

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	api = whole;
	power_max = 20;
	power_error = -EINVAL;
	channel_error = 0;
	tx_mode = IEEE802154_TX_MODE_DIRECT;
	started = false;
	on_air = 0;
}

static void send_one(void)
{
	const uint8_t frame[] = "a frame";

	zassert_ok(cats_ieee802154.send(&port, frame, sizeof(frame), cats_ieee802154.now() + 1000));
	zassert_ok(k_sem_take(&told, K_MSEC(100)));
}

/* The air is busy where the driver says so, and where it cannot tell. */
ZTEST(ieee802154, test_sense)
{
	static const int results[] = {0, -EBUSY, -ENOTSUP};

	zassert_ok(cats_ieee802154.attach(&port));
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		cca_result = results[i];
		zassert_ok(cats_ieee802154.sense(&port, cats_ieee802154.now() + 1000));
		zassert_ok(k_sem_take(&told, K_MSEC(100)));
		zassert_equal(sensed_busy, results[i] != 0);
	}
	send_one();
	zassert_true(sent_ok);
	api.cca = NULL;
	zassert_equal(cats_ieee802154.sense(&port, cats_ieee802154.now() + 1000), -ENOTSUP);
	cats_ieee802154.detach(&port);
}

ZTEST(ieee802154, test_whole_driver)
{
	zassert_ok(cats_ieee802154.attach(&port));
	zassert_true(started);
	zassert_equal(power, CONFIG_CATS_IEEE802154_POWER);
	send_one();
	zassert_true(sent_ok);
	zassert_equal(on_air, 1);
	cats_ieee802154.detach(&port);
	zassert_false(started);
}

ZTEST(ieee802154, test_power_is_the_next_one_below)
{
	power_max = 3;
	zassert_ok(cats_ieee802154.attach(&port));
	zassert_equal(power, 3);
	cats_ieee802154.detach(&port);
}

ZTEST(ieee802154, test_no_power_at_all)
{
	power_max = -41;
	zassert_equal(cats_ieee802154.attach(&port), -EINVAL);
	zassert_false(started);
	/* Another error is not a matter of the value. */
	power_error = -EIO;
	power_max = 3;
	zassert_equal(cats_ieee802154.attach(&port), -EIO);
	zassert_false(started);
}

ZTEST(ieee802154, test_no_such_channel)
{
	channel_error = -ENOTSUP;
	zassert_equal(cats_ieee802154.attach(&port), -ENOTSUP);
	zassert_false(started);
}

ZTEST(ieee802154, test_driver_lacks_a_function)
{
	api.set_txpower = NULL;
	zassert_equal(cats_ieee802154.attach(&port), -ENOTSUP);
	api = whole;
	api.tx = NULL;
	zassert_equal(cats_ieee802154.attach(&port), -ENOTSUP);
	zassert_false(started);
}

/* It is told of every frame that it was not sent; the node goes on. */
ZTEST(ieee802154, test_no_direct_transmission)
{
	tx_mode = IEEE802154_TX_MODE_CSMA_CA;
	zassert_ok(cats_ieee802154.attach(&port));
	for (int i = 0; i < 3; i++) {
		send_one();
		zassert_false(sent_ok);
	}
	zassert_equal(on_air, 0);
	cats_ieee802154.detach(&port);
}

ZTEST_SUITE(ieee802154, NULL, NULL, before, NULL, NULL);
