/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What of the 802.15.4 transport can be tested without a radio.
 */

#ifndef CATS_TRANSPORT_IEEE802154_H_
#define CATS_TRANSPORT_IEEE802154_H_

#include <stddef.h>
#include <stdint.h>

/**
 * @brief Whether a MAC frame is a broadcast data frame of a PAN, as this transport sends them.
 *
 * @param psdu MAC frame without its checksum
 * @return bytes of the CATS frame that ends it, or 0
 */
uint16_t cats_ieee802154_open(const uint8_t *psdu, size_t size, uint16_t pan);

#endif /* CATS_TRANSPORT_IEEE802154_H_ */
