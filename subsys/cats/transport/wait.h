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
 * @brief Wait until @p at, asleep but for the last ticks.
 *
 * A timer that is set for fewer than three ticks may come later: that of the nRF's RTC does.
 *
 * @return microseconds by which it is later
 */
static inline int32_t cats_wait_until(uint32_t at, uint32_t (*now)(void))
{
	int32_t us = cats_time_diff(at, now());

	if (us > CATS_TICKS_US(5)) {
		(void)k_sleep(K_TICKS(k_us_to_ticks_floor32((uint32_t)us) - 2));
		us = cats_time_diff(at, now());
	}
	if (us > 0) {
		k_busy_wait((uint32_t)us);
	}
	return MAX(cats_time_diff(now(), at), 0);
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
