/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief How a transport waits: for a time of its clock, for its driver.
 */

#ifndef CATS_TRANSPORT_WAIT_H_
#define CATS_TRANSPORT_WAIT_H_

#include <zephyr/kernel.h>

#include <cats/gather.h>
#include <cats/transport.h>

/** So many ticks of the kernel's in microseconds. */
#define CATS_TICKS_US(ticks) ((int32_t)((ticks) * USEC_PER_SEC / CONFIG_SYS_CLOCK_TICKS_PER_SEC))

/**
 * @brief Sleep until about @p at.
 *
 * The nRF's timer wakes nobody within three ticks, so that an alarm is up to two ticks late where
 * another one is just before it. It is set to the tick before the nearest one: both errors are
 * alike.
 *
 * @return microseconds by which it is later, or, less than 0, earlier: by one and a half ticks and
 *         what else has the processor
 */
static inline int32_t cats_wait_until(uint32_t at, uint32_t (*now)(void))
{
	int32_t us = cats_time_diff(at, now());
	uint32_t ticks = k_us_to_ticks_near32((uint32_t)MAX(us, 0));

	if (ticks > 1) {
		(void)k_sleep(K_TICKS(MAX(ticks - 2, 1))); /* counted from the next tick on */
	}
	return cats_time_diff(now(), at);
}

/** A driver that has not sent a frame after so long does not come back. */
#define CATS_DRIVER_MS 500

/**
 * @brief Wait until all frames have left, unless the driver hangs.
 *
 * @param free the places for frames that are not in use, of CATS_TRANSPORT_FRAMES; they are taken
 *
 * @return places taken, to be given back when the driver is off
 */
static inline int cats_wait_frames_sent(struct k_sem *free)
{
	int taken = 0;

	while (taken < CATS_TRANSPORT_FRAMES && k_sem_take(free, K_MSEC(CATS_DRIVER_MS)) == 0) {
		taken++;
	}
	return taken;
}

#endif /* CATS_TRANSPORT_WAIT_H_ */
