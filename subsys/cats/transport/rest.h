/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What listen() told, for a transport whose thread switches the driver's receiver.
 */

#ifndef CATS_TRANSPORT_REST_H_
#define CATS_TRANSPORT_REST_H_

#include <stdbool.h>
#include <stdint.h>

#include <zephyr/irq.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>

/** Zeros: the receiver is on. Times are the transport's. */
struct cats_rest {
	bool told; /**< to be off until then */
	uint32_t until_us;
	bool off;
	uint32_t since_us; /**< off or on since then */
	uint32_t total_us; /**< off before that */
};

/** @brief The receiver is to be off until @p until_us, or on. */
static inline void cats_rest_tell(struct cats_rest *rest, bool off, uint32_t until_us)
{
	unsigned int key = irq_lock();

	rest->told = off;
	rest->until_us = until_us;
	irq_unlock(key);
}

/**
 * @brief Whether the receiver is to be off now.
 *
 * @param first_us microseconds until it has to be on for something else
 * @param on_us    so long before it is started
 * @param least_us shorter rests are none
 * @param left_us  is set to the microseconds until it is to be started
 */
static inline bool cats_rest_wanted(struct cats_rest *rest, uint32_t now, int32_t first_us,
				    int32_t on_us, int32_t least_us, int32_t *left_us)
{
	unsigned int key = irq_lock();
	bool wanted;

	*left_us = MIN(cats_time_diff(rest->until_us, now), first_us) - on_us;
	rest->told = rest->told && *left_us > 0;
	wanted = rest->told && (rest->off || *left_us > least_us);
	irq_unlock(key);
	return wanted;
}

/** @brief The receiver is off, or on. */
static inline void cats_rest_is(struct cats_rest *rest, bool off, uint32_t now)
{
	unsigned int key = irq_lock();

	if (rest->off) {
		rest->total_us += now - rest->since_us;
	}
	rest->off = off;
	rest->since_us = now;
	irq_unlock(key);
}

/** @brief Microseconds for which it was off. */
static inline uint32_t cats_rest_total(const struct cats_rest *rest, uint32_t now)
{
	unsigned int key = irq_lock();
	uint32_t us = rest->total_us + (rest->off ? now - rest->since_us : 0);

	irq_unlock(key);
	return us;
}

#endif /* CATS_TRANSPORT_REST_H_ */
