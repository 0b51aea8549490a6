/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Boards that tell each other whom they hear.
 *
 * In each period every board has a slot, by its number, in which it sends what it knows: its own
 * column of the matrix, how often it heard each other board in the last periods, and by turns that
 * of another one. So all columns come to all boards, over any number of hops. Time is that of the
 * lowest number, handed on in the same way.
 */

#ifndef SURVEY_H_
#define SURVEY_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/kernel.h>

#include <cats/transport.h>

/** The transport that Kconfig chooses. */
#if defined(CONFIG_CATS_TRANSPORT_IEEE802154)
#define TRANSPORT cats_ieee802154
#elif defined(CONFIG_CATS_TRANSPORT_BLE)
#define TRANSPORT cats_ble
#elif defined(CONFIG_CATS_TRANSPORT_NRF_RADIO)
#define TRANSPORT cats_nrf_radio
#else
#define TRANSPORT cats_loopback
#endif

/** Long enough for the largest frame of every transport, and to hand it over. */
#define SLOT_US 20000u
#define PERIOD_US (CONFIG_SURVEY_NODES * SLOT_US)

/** What a board heard; as it is on the air. */
struct column {
	uint8_t owner;                      /**< which board */
	uint8_t periods;                    /**< in the last so many; 0: nothing is known */
	uint8_t stamp[2];                   /**< its periods so far, to tell old from new */
	uint8_t heard[CONFIG_SURVEY_NODES]; /**< frames of each board */
	int8_t power[CONFIG_SURVEY_NODES];  /**< dBm of the last one; 0: not known */
};

/** One board. */
struct survey {
	struct cats_port port;
	struct k_work_delayable due; /* its next slot is near */
	struct k_mutex lock;         /* guards columns */
	uint8_t self;
	uint8_t root;   /* whose time this is */
	uint8_t hops;   /* over which it came */
	uint8_t parent; /* from whom */
	uint8_t silent; /* periods since */
	uint8_t told;   /* whose column was sent last, beside the own one */
	uint16_t period;
	uint32_t slot_us;                      /* start of the next own slot */
	uint64_t history[CONFIG_SURVEY_NODES]; /* bit i: heard i periods ago */
	struct column columns[CONFIG_SURVEY_NODES];
};

/** @brief Begin; 0, or the transport's error. */
int survey_start(struct survey *survey, uint8_t self);

/** @brief What all boards heard, as far as it has come here; columns by board. */
void survey_read(struct survey *survey, struct column columns[CONFIG_SURVEY_NODES]);

#endif /* SURVEY_H_ */
