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

/** It is looked at at least so often, half of the time that a clock's difference can tell. */
#define CATS_ENERGY_LOOK_US 1800000000u

/** It was started. */
void cats_energy_reset(struct cats_instance_data *d);

/**
 * Add up what has passed since the last look. Whether an inference runs may have changed only just
 * before it.
 */
void cats_energy_look(struct cats_instance_data *d);

/** A frame of @p size bytes has been sent. */
void cats_energy_sent(struct cats_instance_data *d, uint16_t size);

/** An inference has ended. */
void cats_energy_done(struct cats_instance_data *d, const struct cats_result *result);

#else

#define CATS_ENERGY_LOOK_US 0

static inline void cats_energy_reset(struct cats_instance_data *d)
{
	ARG_UNUSED(d);
}

static inline void cats_energy_look(struct cats_instance_data *d)
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
