/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The bytes of sealed frames are those of doc/security.rst, and any other bytes are refused. */

#include <string.h>

#include <zephyr/ztest.h>

#include "seal.h"

#include "frames.h"

/* RFC 3610, packet vector 1. */
static const uint8_t rfc_key[] = {
	0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
	0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf,
};
static const uint8_t rfc_nonce[CATS_SECURE_NONCE] = {
	0x00, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5,
};
static const uint8_t rfc_sealed[] = {
	0x58, 0x8c, 0x97, 0x9a, 0x61, 0xc6, 0x63, 0xd2, 0xf0, 0x66, 0xd0,
	0xc2, 0xc0, 0xf9, 0x89, 0x80, 0x6d, 0x5f, 0x6b, 0x61, 0xda, 0xc3,
	0x84, 0x17, 0xe8, 0xd1, 0x2c, 0xfd, 0xf9, 0x26, 0xe0,
};

static psa_key_id_t import(const uint8_t *key, uint8_t tag)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t handle;

	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
	psa_set_key_algorithm(&attributes, CATS_SECURE_ALG(tag));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_bits(&attributes, 128);
	zassert_equal(psa_import_key(&attributes, key, 16, &handle), PSA_SUCCESS);
	return handle;
}

static void *setup(void)
{
	zassert_equal(psa_crypto_init(), PSA_SUCCESS);
	return NULL;
}

ZTEST(bytes, test_rfc_3610)
{
	uint8_t header[8];
	uint8_t plain[23];
	uint8_t sealed[sizeof(rfc_sealed)];
	psa_key_id_t key = import(rfc_key, 8);
	size_t length;

	for (size_t i = 0; i < sizeof(header) + sizeof(plain); i++) {
		*(i < 8 ? &header[i] : &plain[i - 8]) = (uint8_t)i;
	}
	zassert_equal(psa_aead_encrypt(key, CATS_SECURE_ALG(8), rfc_nonce, sizeof(rfc_nonce),
				       header, sizeof(header), plain, sizeof(plain), sealed,
				       sizeof(sealed), &length),
		      PSA_SUCCESS);
	zassert_equal(length, sizeof(rfc_sealed));
	zassert_mem_equal(sealed, rfc_sealed, sizeof(rfc_sealed));
	(void)psa_destroy_key(key);
}

ZTEST(bytes, test_known_frames)
{
	ARRAY_FOR_EACH(cases, c) {
		const struct cats_image_header header = {.model_id = cases[c].model_id};
		const struct cats_image image = {.header = &header};
		const struct cats_secure_key key = {
			.handle = import(cases[c].key, 8), .id = cases[c].key_id, .tag = 8};
		struct cats_secure_name name;
		uint8_t sealed[CATS_FRAME_MAX];
		uint8_t frame[CATS_FRAME_MAX];

		zassert_equal(cats_secure_seal(&key, cases[c].counter, &image, cases[c].group,
					       cases[c].frame, cases[c].size, sealed),
			      cases[c].sealed_size);
		zassert_mem_equal(sealed, cases[c].sealed, cases[c].sealed_size, "case %zu", c);

		zassert_ok(cats_secure_peek(sealed, cases[c].sealed_size, 8, &name));
		zassert_equal(name.key_id, cases[c].key_id);
		zassert_equal(name.source, cases[c].frame[1] & 15);
		zassert_equal(name.counter, cases[c].counter);
		zassert_equal(cats_secure_open(&key, &image, cases[c].group, sealed,
					       cases[c].sealed_size, frame),
			      cases[c].size);
		zassert_mem_equal(frame, cases[c].frame, cases[c].size, "case %zu", c);
		(void)psa_destroy_key(key.handle);
	}
}

/* Whether a frame would reach the node. */
static bool passes(const struct cats_secure_key *key, const struct cats_image *image,
		   uint32_t group, const uint8_t *sealed, uint16_t size)
{
	struct cats_secure_name name;
	uint8_t frame[CATS_FRAME_MAX];

	return cats_secure_peek(sealed, size, key->tag, &name) == 0 &&
	       cats_secure_open(key, image, group, sealed, size, frame) != 0;
}

ZTEST(bytes, test_nothing_else_passes)
{
	ARRAY_FOR_EACH(cases, c) {
		struct cats_image_header header = {.model_id = cases[c].model_id};
		const struct cats_image image = {.header = &header};
		const struct cats_secure_key key = {
			.handle = import(cases[c].key, 8), .id = cases[c].key_id, .tag = 8};
		const uint32_t group = cases[c].group;
		const uint16_t size = cases[c].sealed_size;
		uint8_t changed[CATS_FRAME_MAX + 1];

		memcpy(changed, cases[c].sealed, size);
		changed[size] = 0;
		zassert_true(passes(&key, &image, group, changed, size));
		for (uint16_t bit = 0; bit < 8 * size; bit++) {
			changed[bit / 8] ^= (uint8_t)BIT(bit % 8);
			zassert_false(passes(&key, &image, group, changed, size),
				      "case %zu, bit %u", c, bit);
			changed[bit / 8] ^= (uint8_t)BIT(bit % 8);
		}
		for (uint16_t length = 0; length <= size + 1; length++) {
			zassert_equal(passes(&key, &image, group, changed, length), length == size,
				      "case %zu, %u bytes", c, length);
		}
		header.model_id ^= 0x80000000u;
		zassert_false(passes(&key, &image, group, changed, size), "another deployment");
		header.model_id ^= 0x80000000u;
		for (uint32_t bit = 0; bit < 32; bit++) {
			zassert_false(passes(&key, &image, group ^ BIT(bit), changed, size),
				      "another group");
		}
		(void)psa_destroy_key(key.handle);
	}
}

/* Any bytes are safe: the same pseudorandom ones in every run. */
ZTEST(bytes, test_noise)
{
	const struct cats_image_header header = {.model_id = 1};
	const struct cats_image image = {.header = &header};
	const struct cats_secure_key key = {.handle = import(rfc_key, 8), .id = 1, .tag = 8};
	uint8_t noise[CATS_FRAME_MAX + 1];
	uint32_t state = 1;

	for (int i = 0; i < 20000; i++) {
		uint16_t size;

		state = state * 1664525u + 1013904223u;
		size = (state >> 16) % (sizeof(noise) + 1);
		for (uint16_t j = 0; j < size; j++) {
			state = state * 1664525u + 1013904223u;
			noise[j] = (uint8_t)(state >> 24);
		}
		if (size > 0 && i % 2 == 0) {
			noise[0] = (uint8_t)(0xb0 | (noise[0] & 15));
		}
		zassert_false(passes(&key, &image, 0, noise, size), "%d", i);
	}
	(void)psa_destroy_key(key.handle);
}

ZTEST_SUITE(bytes, NULL, setup, NULL, NULL, NULL);
