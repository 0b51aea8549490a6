/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the module's own instances have in common.
 */

#ifndef CATS_NODE_LOCAL_H_
#define CATS_NODE_LOCAL_H_

#include <cats/cats.h>

/** The transport that Kconfig chooses. */
#if defined(CONFIG_CATS_TRANSPORT_LOOPBACK)
#define CATS_TRANSPORT cats_loopback
#elif defined(CONFIG_CATS_TRANSPORT_IEEE802154)
#define CATS_TRANSPORT cats_ieee802154
#elif defined(CONFIG_CATS_TRANSPORT_BLE)
#define CATS_TRANSPORT cats_ble
#elif defined(CONFIG_CATS_TRANSPORT_NRF_RADIO)
#define CATS_TRANSPORT cats_nrf_radio
#elif defined(CONFIG_CATS_TRANSPORT_APPLICATION)
#define CATS_TRANSPORT cats_transport
extern const struct cats_transport cats_transport;
#else
#error "this file does not know the transport that Kconfig chose"
#endif

#endif /* CATS_NODE_LOCAL_H_ */
