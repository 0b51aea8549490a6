/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The bytes of a sealed frame: doc/security.rst. */

#include <string.h>

#include "seal.h"

/* In the version's nibble: this frame is sealed. */
#define SEALED 8

static uint64_t counter_of(const uint8_t *sealed)
{
	const uint8_t *low = sealed + 2;
	const uint8_t *high = sealed + CATS_FRAME_HEADER;

	return low[0] | (uint32_t)low[1] << 8 | (uint32_t)high[0] << 16 | (uint32_t)high[1] << 24 |
	       (uint64_t)high[2] << 32;
}

/* Deployment and group, source and counter: no two frames have the same. Two boards whose counters
 * meet must not be there: the inference and the gather of a frame tell most of theirs apart.
 */
static void make_nonce(const uint8_t *sealed, const struct cats_image *image, uint32_t group,
		       uint8_t nonce[CATS_SECURE_NONCE])
{
	const uint32_t names = image->header->model_id ^ group;
	const uint8_t bytes[CATS_SECURE_NONCE] = {
		(uint8_t)names,
		(uint8_t)(names >> 8),
		(uint8_t)(names >> 16),
		(uint8_t)(names >> 24),
		sealed[1] & 15,
		sealed[2],
		sealed[3],
		sealed[CATS_FRAME_HEADER],
		sealed[CATS_FRAME_HEADER + 1],
		sealed[CATS_FRAME_HEADER + 2],
		sealed[4],
		sealed[5],
		sealed[6],
	};

	memcpy(nonce, bytes, sizeof(bytes));
}

uint16_t cats_secure_seal(const struct cats_secure_key *key, uint64_t counter,
			  const struct cats_image *image, uint32_t group, const uint8_t *frame,
			  uint16_t size, uint8_t *sealed)
{
	const uint16_t payload = size - CATS_FRAME_HEADER;
	uint8_t nonce[CATS_SECURE_NONCE];
	size_t length = 0;

	memcpy(sealed, frame, CATS_FRAME_HEADER);
	sealed[0] |= SEALED << 4;
	/* The check is of no use here: the counter takes its place. */
	sealed[2] = (uint8_t)counter;
	sealed[3] = (uint8_t)(counter >> 8);
	sealed[CATS_FRAME_HEADER] = (uint8_t)(counter >> 16);
	sealed[CATS_FRAME_HEADER + 1] = (uint8_t)(counter >> 24);
	sealed[CATS_FRAME_HEADER + 2] = (uint8_t)(counter >> 32);
	sealed[CATS_FRAME_HEADER + 3] = key->id;
	make_nonce(sealed, image, group, nonce);
	if (psa_aead_encrypt(key->handle, CATS_SECURE_ALG(key->tag), nonce, sizeof(nonce), sealed,
			     CATS_SECURE_HEADER, frame + CATS_FRAME_HEADER, payload,
			     sealed + CATS_SECURE_HEADER, payload + key->tag,
			     &length) != PSA_SUCCESS) {
		return 0;
	}
	return (uint16_t)(CATS_SECURE_HEADER + length);
}

int cats_secure_peek(const uint8_t *sealed, uint16_t size, uint8_t tag,
		     struct cats_secure_name *name)
{
	if (size < CATS_SECURE_HEADER + tag || size > CATS_FRAME_MAX) {
		return -1 - CATS_SECURE_SHORT;
	}
	if (sealed[0] >> 4 != (SEALED | CATS_PROTOCOL_VERSION)) {
		return -1 - CATS_SECURE_PLAIN;
	}
	name->key_id = sealed[CATS_FRAME_HEADER + 3];
	name->source = sealed[1] & 15;
	name->counter = counter_of(sealed);
	return 0;
}

uint16_t cats_secure_open(const struct cats_secure_key *key, const struct cats_image *image,
			  uint32_t group, const uint8_t *sealed, uint16_t size, uint8_t *frame)
{
	struct cats_frame header = {
		.type = sealed[0] & 15,
		.source = sealed[1] & 15,
		.round = sealed[1] >> 4,
		.inference = (uint16_t)(sealed[4] | sealed[5] << 8),
		.x = {sealed[6], sealed[7]},
		.index = sealed[8],
		.slot = sealed[9],
	};
	uint8_t nonce[CATS_SECURE_NONCE];
	size_t length;

	make_nonce(sealed, image, group, nonce);
	if (psa_aead_decrypt(key->handle, CATS_SECURE_ALG(key->tag), nonce, sizeof(nonce), sealed,
			     CATS_SECURE_HEADER, sealed + CATS_SECURE_HEADER,
			     size - CATS_SECURE_HEADER, frame + CATS_FRAME_HEADER,
			     CATS_FRAME_MAX - CATS_FRAME_HEADER, &length) != PSA_SUCCESS) {
		return 0;
	}
	header.length = (uint16_t)length;
	return cats_frame_seal(cats_frame_key(image, group), &header, frame);
}
