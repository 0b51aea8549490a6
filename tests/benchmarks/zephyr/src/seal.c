/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* AES-CCM as cats_secure_seal() and cats_secure_open() call it, by whole sealed frames. */

#include <zephyr/kernel.h>

#include "bench.h"
#include "count.h"
#include "seal.h"

#define TAG 8

static uint8_t plain[CATS_FRAME_MAX];
static uint8_t sealed[CATS_FRAME_MAX];
static const uint8_t nonce[CATS_SECURE_NONCE];

struct crypt {
	psa_key_id_t key;
	size_t payload;
};

static void seal(void *argument)
{
	const struct crypt *c = argument;
	size_t length;

	if (psa_aead_encrypt(c->key, CATS_SECURE_ALG(TAG), nonce, sizeof(nonce), sealed,
			     CATS_SECURE_HEADER, plain, c->payload, sealed + CATS_SECURE_HEADER,
			     c->payload + TAG, &length) != PSA_SUCCESS) {
		stop(4);
	}
}

static void unseal(void *argument)
{
	const struct crypt *c = argument;
	size_t length;

	if (psa_aead_decrypt(c->key, CATS_SECURE_ALG(TAG), nonce, sizeof(nonce), sealed,
			     CATS_SECURE_HEADER, sealed + CATS_SECURE_HEADER, c->payload + TAG,
			     plain, sizeof(plain), &length) != PSA_SUCCESS) {
		stop(4);
	}
}

static psa_key_id_t import(void)
{
	static const uint8_t bytes[CATS_KEY_SIZE];
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t key;

	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
	psa_set_key_algorithm(&attributes, CATS_SECURE_ALG(TAG));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_bits(&attributes, 8 * CATS_KEY_SIZE);
	if (psa_crypto_init() != PSA_SUCCESS ||
	    psa_import_key(&attributes, bytes, sizeof(bytes), &key) != PSA_SUCCESS) {
		stop(4);
	}
	return key;
}

void sealing(void)
{
	static const struct {
		const char *seal;
		const char *open;
		uint16_t size;
	} frames[] = {
		{"aes/seal/22", "aes/open/22", 22},
		{"aes/seal/30", "aes/open/30", 30},
		{"aes/seal/127", "aes/open/127", 127},
		{"aes/seal/255", "aes/open/255", 255},
	};
	struct crypt c = {.key = import()};

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		c.payload = frames[i].size - CATS_SECURE_HEADER - TAG;
		report(frames[i].seal, count_calls(seal, &c), frames[i].size, 0);
		report(frames[i].open, count_calls(unseal, &c), frames[i].size, 0);
	}
}
