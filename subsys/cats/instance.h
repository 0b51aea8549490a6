/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the parts of an instance have of each other.
 */

#ifndef CATS_SUBSYS_INSTANCE_H_
#define CATS_SUBSYS_INSTANCE_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/cats.h>

/** @brief loss.c: set the losses that Kconfig asks for. */
void cats_loss_init(const struct cats_instance *instance);

/** @brief loss.c: is this frame to be dropped on purpose? With the instance locked and running. */
bool cats_lost(const struct cats_instance_data *d, const uint8_t *frame, uint16_t size);

#endif /* CATS_SUBSYS_INSTANCE_H_ */
