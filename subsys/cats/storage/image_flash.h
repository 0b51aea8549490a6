/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief An instance holds the flash partition while it runs from it, so that no update starts.
 */

#ifndef CATS_STORAGE_IMAGE_FLASH_H_
#define CATS_STORAGE_IMAGE_FLASH_H_

/**
 * @brief Hold the partition; may be nested.
 *
 * @retval 0 on success
 * @retval -EBUSY an update is open
 */
int cats_flash_acquire(void);

/** @brief Let go of it, once for each acquisition. */
void cats_flash_release(void);

#endif /* CATS_STORAGE_IMAGE_FLASH_H_ */
