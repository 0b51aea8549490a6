/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What an instance asks of CONFIG_CATS_SECURE.
 */

#ifndef CATS_SECURE_SECURE_H_
#define CATS_SECURE_SECURE_H_

#include <stdint.h>

#include <cats/cats.h>

#ifdef CONFIG_CATS_SECURE

/** Bytes by which frames on the air are longer. */
#define CATS_SECURE_OVERHEAD (4 + CONFIG_CATS_SECURE_TAG)

/**
 * @brief Before an instance sends or receives.
 *
 * @retval 0 on success
 * @retval -EACCES there is no key
 * @retval -errno  of the settings
 */
int cats_secure_start(struct cats_secure_state *state, uint8_t node, uint32_t group);

/** @brief After it did so last; writes what was heard to the settings. */
void cats_secure_stop(struct cats_secure_state *state);

/**
 * @brief Seal a frame. On cats_air_queue, with the instance locked.
 *
 * @param[out] sealed the sealed one, valid until either of these is called for any instance
 * @return its bytes; 0 where there is no key or no number left
 */
uint16_t cats_secure_send(struct cats_secure_state *state, const struct cats_image *image,
			  const uint8_t *frame, uint16_t size, const uint8_t **sealed);

/**
 * @brief Open a frame. On cats_air_queue, with the instance locked.
 *
 * @param[out] frame the opened one, valid until either of these is called for any instance
 * @return its bytes, or -1 - reason (enum cats_secure_reject)
 */
int cats_secure_receive(struct cats_secure_state *state, const struct cats_image *image,
			const uint8_t *sealed, uint16_t size, const uint8_t **frame);

#else

#define CATS_SECURE_OVERHEAD 0

#endif /* CONFIG_CATS_SECURE */

#endif /* CATS_SECURE_SECURE_H_ */
