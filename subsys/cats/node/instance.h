/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the parts of an instance have of each other.
 */

#ifndef CATS_NODE_INSTANCE_H_
#define CATS_NODE_INSTANCE_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/cats.h>

/** @brief loss.c: set the losses that Kconfig asks for. */
void cats_loss_init(const struct cats_instance *instance);

/** @brief loss.c: is this frame to be dropped on purpose? With the instance locked and running. */
bool cats_lost(const struct cats_instance_data *d, const uint8_t *frame, uint16_t size);

#ifdef CONFIG_CATS_SECURE

/** Bytes by which frames on the air are longer. */
#define CATS_SECURE_OVERHEAD (4 + CONFIG_CATS_SECURE_TAG)

/**
 * @brief keys.c: before an instance sends or receives.
 *
 * @retval 0 on success
 * @retval -EACCES there is no key
 * @retval -errno  of the settings
 */
int cats_secure_start(struct cats_secure_state *state, uint8_t node);

/** @brief keys.c: after it did so last; writes what was heard to the settings. */
void cats_secure_stop(struct cats_secure_state *state);

/**
 * @brief keys.c: seal a frame into state->frame. With the instance locked.
 *
 * @return its bytes; 0 where there is no key or no number left
 */
uint16_t cats_secure_send(struct cats_secure_state *state, const struct cats_image *image,
			  const uint8_t *frame, uint16_t size);

/**
 * @brief keys.c: open a frame. On cats_air_queue, with the instance locked.
 *
 * @param[out] frame the opened one, valid until the next call for any instance
 * @return its bytes, or -1 - reason (enum cats_secure_reject)
 */
int cats_secure_receive(struct cats_secure_state *state, const struct cats_image *image,
			const uint8_t *sealed, uint16_t size, const uint8_t **frame);

#else

#define CATS_SECURE_OVERHEAD 0

#endif /* CONFIG_CATS_SECURE */

#endif /* CATS_NODE_INSTANCE_H_ */
