/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief An instance holds the flash partition while it runs from it, so that no update starts; the
 * signature of a new image.
 */

#ifndef CATS_STORAGE_IMAGE_FLASH_H_
#define CATS_STORAGE_IMAGE_FLASH_H_

#include <cats/update.h>

/**
 * @brief Hold the partition; may be nested.
 *
 * @retval 0 on success
 * @retval -EBUSY an update is open
 */
int cats_flash_acquire(void);

/** @brief Let go of it, once for each acquisition. */
void cats_flash_release(void);

/**
 * @brief A cats_update_check: whether the signature behind the image is that of
 * CONFIG_CATS_UPDATE_PUBLIC_KEY, of which `cats sign` has the private part.
 *
 * The tail of the image begins with it: r and s, 32 bytes each, big-endian (IEEE P1363).
 *
 * @retval 0 it is
 * @retval -EACCES  it is not
 * @retval -ENODATA there is none
 * @retval -EINVAL  the public key is no point of the curve
 * @retval -ENOMEM  heap of Mbed TLS is short: CONFIG_MBEDTLS_HEAP_SIZE
 * @retval -EIO     the PSA Crypto API fails
 */
int cats_update_signed(const struct cats_update_image *image);

#endif /* CATS_STORAGE_IMAGE_FLASH_H_ */
