/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What an instance tells the energy statistics; all under its lock.
 */

#ifndef CATS_NODE_ENERGY_H_
#define CATS_NODE_ENERGY_H_

#include <cats/cats.h>

#ifdef CONFIG_CATS_ENERGY

/** It was started. */
void cats_energy_reset(struct cats_instance_data *d);

/** A frame of @p size bytes has been sent. */
void cats_energy_sent(struct cats_instance_data *d, uint16_t size);

/** An inference has ended. */
void cats_energy_done(struct cats_instance_data *d, const struct cats_result *result);

#else

static inline void cats_energy_reset(struct cats_instance_data *d)
{
	ARG_UNUSED(d);
}

static inline void cats_energy_sent(struct cats_instance_data *d, uint16_t size)
{
	ARG_UNUSED(d);
	ARG_UNUSED(size);
}

static inline void cats_energy_done(struct cats_instance_data *d, const struct cats_result *result)
{
	ARG_UNUSED(d);
	ARG_UNUSED(result);
}

#endif

#endif /* CATS_NODE_ENERGY_H_ */
