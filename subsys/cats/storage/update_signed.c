/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* ECDSA on P-256 over SHA-256 of a new image, by the PSA Crypto API. */

#include <errno.h>

#include <psa/crypto.h>
#include <zephyr/sys/util.h>

#include <cats/update.h>

#include "image_flash.h"

#define POINT_SIZE 65
#define SIGNATURE_SIZE 64
#define HASH_SIZE 32

BUILD_ASSERT(sizeof(CONFIG_CATS_UPDATE_PUBLIC_KEY) == 2 * POINT_SIZE + 1,
	     "CONFIG_CATS_UPDATE_PUBLIC_KEY has 130 digits: cats sign --public --key KEY.pem");

static psa_status_t hash_of(const struct cats_update_image *image, uint8_t hash[HASH_SIZE])
{
	psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
	psa_status_t status = psa_hash_setup(&operation, PSA_ALG_SHA_256);
	size_t size;

	if (status == PSA_SUCCESS) {
		status = psa_hash_update(&operation, image->head, image->head_size);
	}
	if (status == PSA_SUCCESS) {
		status = psa_hash_update(&operation, image->body, image->body_size);
	}
	if (status == PSA_SUCCESS) {
		return psa_hash_finish(&operation, hash, HASH_SIZE, &size);
	}
	(void)psa_hash_abort(&operation);
	return status;
}

static psa_status_t import(psa_key_id_t *key)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	uint8_t point[POINT_SIZE];

	if (hex2bin(CONFIG_CATS_UPDATE_PUBLIC_KEY, 2 * POINT_SIZE, point, sizeof(point)) == 0) {
		return PSA_ERROR_INVALID_ARGUMENT;
	}
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	return psa_import_key(&attributes, point, sizeof(point), key);
}

static int errno_of(psa_status_t status)
{
	switch (status) {
	case PSA_SUCCESS:
		return 0;
	case PSA_ERROR_INVALID_SIGNATURE:
		return -EACCES;
	case PSA_ERROR_INVALID_ARGUMENT:
		return -EINVAL; /* no point of the curve */
	case PSA_ERROR_INSUFFICIENT_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

int cats_update_signed(const struct cats_update_image *image)
{
	uint8_t hash[HASH_SIZE];
	psa_key_id_t key;
	psa_status_t status = psa_crypto_init();

	/* Padding of a file may stand behind the signature. */
	if (image->tail_size < SIGNATURE_SIZE) {
		return -ENODATA;
	}
	if (status == PSA_SUCCESS) {
		status = hash_of(image, hash);
	}
	if (status == PSA_SUCCESS) {
		status = import(&key);
	}
	if (status != PSA_SUCCESS) {
		return errno_of(status);
	}
	status = psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
				 image->tail, SIGNATURE_SIZE);
	(void)psa_destroy_key(key);
	return errno_of(status);
}
