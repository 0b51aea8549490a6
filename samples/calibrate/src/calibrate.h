/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the parts of the sample share.
 */

#ifndef CALIBRATE_H_
#define CALIBRATE_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/transport.h>

/* The transport that Kconfig chooses, its name in cats plan, and bytes around a frame on the air,
 * nanoseconds of one, and microseconds from a frame's start to its first bit.
 */
#if defined(CONFIG_CATS_TRANSPORT_IEEE802154)
#define TRANSPORT cats_ieee802154
#define AIR_OVERHEAD 15
#define AIR_BYTE_NS 32000
#define AIR_BEFORE_US 40
#elif defined(CONFIG_CATS_TRANSPORT_BLE)
#define TRANSPORT cats_ble
#define AIR_OVERHEAD 25
#define AIR_BYTE_NS 4000
#define AIR_BEFORE_US 0
#elif defined(CONFIG_CATS_TRANSPORT_NRF_RADIO)
#define TRANSPORT cats_nrf_radio
#define AIR_OVERHEAD 11
#define AIR_BYTE_NS 4000
#define AIR_BEFORE_US 0
#else
#define TRANSPORT cats_loopback
#define AIR_OVERHEAD 0
#define AIR_BYTE_NS CONFIG_CATS_LOOPBACK_BYTE_NS
#define AIR_BEFORE_US 0
#endif

/* Bytes of each frame of this sample. */
#define FRAME_SIZE 32
#define FRAME_US ((int32_t)(AIR_BEFORE_US + (AIR_OVERHEAD + FRAME_SIZE) * AIR_BYTE_NS / 1000))

/* What the frames say, little-endian. */
#define FRAME_MAGIC 0x53544143u /* "CATS" */
#define AT_MAGIC 0              /* 32 bits */
#define AT_TYPE 4               /* 8 bits: enum frame_type */
#define AT_NUMBER 8             /* 32 bits: of a ping, and of its answer */
#define AT_GAP 12               /* 32 bits: microseconds from a ping's start to its answer's */
#define AT_STAMP 16             /* 32 bits: when the other heard the ping start, by its clock */

enum frame_type {
	FRAME_PING,
	FRAME_ANSWER,
};

/** What was measured; microseconds. */
struct air_figures {
	/** From a time that was set to the wake-up. */
	int32_t wake_min, wake_max;
	/** From send() to the earliest start that is kept; negative: none was. */
	int32_t hand;
	/** Pings and answers. */
	uint32_t pings, answers;
	/** By how much an answer started later than it was asked to, over both ways. */
	int32_t late_min, late_mean, late_max;
	/** From a frame's end to its hand-over on the air queue. */
	int32_t heard_min, heard_max;
	/** From a frame's end to the start of the earliest answer; negative: none. */
	int32_t turn;
	/** The other clock's rate, parts in a million more than this one's. */
	int32_t drift_ppm;
};

/** What an inference takes on this processor. */
struct compute_figures {
	/** Of the processor; 0: its cycle counter does not count. */
	uint32_t clock_hz;
	/** Of all of an inference; 0: no time passed. */
	uint32_t total_ns;
	/** Thousandths of a cycle for an instruction; 0: not known. */
	uint32_t cycles_per_instruction;
};

/** Time an inference, and print a line for each kind of step. */
void compute_measure(struct compute_figures *figures);

/** Measure the transport against the board that answers; 0, or the transport's error. */
int air_measure(struct air_figures *figures);

/** Answer pings from now on; 0, or the transport's error. */
int answer_start(void);

#endif /* CALIBRATE_H_ */
