/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief The bytes of sealed frames (doc/security.rst): portable C11 on the PSA Crypto API, without
 *        state.
 */

#ifndef CATS_SECURE_SEAL_H_
#define CATS_SECURE_SEAL_H_

#include <stdbool.h>
#include <stdint.h>

#include <psa/crypto.h>

#include <cats/gather.h>
#include <cats/image.h>
#include <cats/secure.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes in front of a sealed payload: the frame's header, 3 more of the counter, the key's id. */
#define CATS_SECURE_HEADER (CATS_FRAME_HEADER + 4)
/** Bytes of a nonce. */
#define CATS_SECURE_NONCE 13
/** A counter has 40 bits; this one is never used. */
#define CATS_SECURE_COUNTER_END (UINT64_C(1) << 40)

/** A group key, imported. */
struct cats_secure_key {
	psa_key_id_t handle; /**< usage ENCRYPT and DECRYPT, algorithm CATS_SECURE_ALG(tag) */
	uint8_t id;          /**< its number in the deployment */
	uint8_t tag;         /**< bytes of a tag: 4 or 8 */
};

/** AES-CCM with a tag of so many bytes. */
#define CATS_SECURE_ALG(tag) PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, tag)

/** What a sealed frame says of itself before anything is decrypted. */
struct cats_secure_name {
	uint8_t key_id;
	uint8_t source;
	uint64_t counter;
};

/**
 * @brief Seal a frame.
 *
 * @param counter never used before with this key and source; below CATS_SECURE_COUNTER_END
 * @param group   of the node's configuration
 * @param frame   as cats_frame_seal() wrote it, CATS_FRAME_HEADER bytes or more
 * @param sealed  size + CATS_SECURE_HEADER - CATS_FRAME_HEADER + key->tag bytes
 * @return bytes of the sealed frame; 0 where the crypto library fails
 */
uint16_t cats_secure_seal(const struct cats_secure_key *key, uint64_t counter,
			  const struct cats_image *image, uint32_t group, const uint8_t *frame,
			  uint16_t size, uint8_t *sealed);

/**
 * @brief Read the name of a frame from the air.
 *
 * @param tag bytes of a tag
 * @return 0, or -1 - reason (CATS_SECURE_SHORT, _PLAIN)
 */
int cats_secure_peek(const uint8_t *sealed, uint16_t size, uint8_t tag,
		     struct cats_secure_name *name);

/**
 * @brief Open a frame that cats_secure_peek() accepted.
 *
 * @param frame CATS_FRAME_MAX bytes for the frame as cats_frame_seal() wrote it; garbage on failure
 * @return its bytes; 0 where the key did not seal it, or not with these bytes
 */
uint16_t cats_secure_open(const struct cats_secure_key *key, const struct cats_image *image,
			  uint32_t group, const uint8_t *sealed, uint16_t size, uint8_t *frame);

#ifdef __cplusplus
}
#endif

#endif /* CATS_SECURE_SEAL_H_ */
