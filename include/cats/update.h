/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_update Image in flash
 * @ingroup cats
 * @brief The partition image in flash: where it is, and how it is replaced while running.
 *
 * The devicetree has a fixed partition labelled cats_partition in memory-mapped flash; the image
 * runs in place from there. `cats export --format image` writes the bytes.
 *
 * An update erases the old image first, writes the new one in order, and writes its header last,
 * after the checksum of everything was found right. Whenever power fails, what is in flash is
 * the whole new image or nothing that cats_image_verify() accepts; never the old one, since there
 * is room for one only.
 *
 * The checksum finds errors, not forgeries: whoever can write to the partition, or reach what calls
 * cats_update_write(), chooses the model. CONFIG_CATS_UPDATE_SIGNED takes an image only with a
 * signature behind it, which `cats sign` makes; cats_update_check_set() is for another scheme.
 *
 * All functions may be called from any thread; one update at a time. With CONFIG_CATS_IMAGE_FLASH.
 *
 * @{
 */

#ifndef CATS_UPDATE_H_
#define CATS_UPDATE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Where the partition is mapped.
 *
 * @param[out] data first byte, whether or not an image is there
 * @param[out] size bytes of the partition
 * @retval 0 on success
 * @retval -ENODEV the flash device is not ready, or is not mapped into memory
 */
int cats_flash_map(const void **data, size_t *size);

/**
 * @brief Begin an update: the image that is there is lost.
 *
 * Erases the first page here and each other page when the bytes reach it.
 *
 * @param size bytes of the new image
 * @retval 0 on success
 * @retval -EBUSY  an instance runs from the partition (cats_stop() it), or another update is open
 * @retval -EFBIG  larger than the partition
 * @retval -EINVAL smaller than an image's header
 * @retval -ENODEV see cats_flash_map()
 * @retval -errno  of the flash driver
 */
int cats_update_begin(size_t size);

/**
 * @brief Append bytes of the image, in pieces of any size.
 *
 * @retval 0 on success
 * @retval -EPERM  no update is open
 * @retval -EFBIG  more bytes than were announced
 * @retval -errno  of the flash driver; the update is over
 */
int cats_update_write(const void *data, size_t size);

/**
 * @brief End the update: check what is in flash, then write the header, then verify the whole.
 *
 * The update is over whatever is returned. An image that is refused is not left in flash.
 *
 * @param[out] reason NULL, or receives the enum cats_image_error when -EBADMSG is returned
 * @retval 0 the image is there and valid; cats_start() runs it
 * @retval -EPERM   no update is open
 * @retval -EBADMSG refused; the reason is logged
 * @retval -EACCES  the check of cats_update_check_set() refused it, or it has no valid signature
 * @retval -errno   of the flash driver
 */
int cats_update_finish(int *reason);

/** A new image that is whole and right by its checksum, in the pieces in which it stands. */
struct cats_update_image {
	const uint8_t *head; /**< its first bytes, in RAM: they go to flash last */
	size_t head_size;    /**< bytes */
	const uint8_t *body; /**< those behind, in flash, to the image's end */
	size_t body_size;    /**< bytes */
	const uint8_t *tail; /**< what followed the image in the update: a signature */
	size_t tail_size;    /**< bytes */
};

/**
 * @brief Judges a new image before its header is written.
 *
 * On the thread of cats_update_finish(); the other functions here are not to be called from it.
 *
 * @retval 0 it is taken
 * @retval -errno it is not
 */
typedef int (*cats_update_check)(const struct cats_update_image *image);

/**
 * @brief Choose who judges new images: an application's own check of a signature or a version.
 *
 * @param check NULL: nobody, the checksum is enough. At first it is the signature's check with
 *              CONFIG_CATS_UPDATE_SIGNED, else nobody.
 */
void cats_update_check_set(cats_update_check check);

/** @brief Give an update up: the partition is without an image. Harmless when none is open. */
void cats_update_abort(void);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_UPDATE_H_ */
