/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The check of a header by itself: in an image, and before the rest of an image is in flash. */

#ifndef CATS_IMAGE_HEADER_H_
#define CATS_IMAGE_HEADER_H_

#include <stddef.h>

#include <cats/image.h>

/* Of an image that has size bytes, or will have. CATS_IMAGE_OK, or why the image is refused. */
static inline int cats_image_check_header(const struct cats_image_header *header, size_t size)
{
	if (size < sizeof(*header)) {
		return CATS_IMAGE_TRUNCATED;
	}
	if (header->magic != CATS_IMAGE_MAGIC) {
		return CATS_IMAGE_FOREIGN;
	}
	if (header->format_version != CATS_FORMAT_VERSION) {
		return CATS_IMAGE_VERSION;
	}
	if (header->image_size > size) {
		return CATS_IMAGE_TRUNCATED;
	}
	if (header->header_size != sizeof(*header) || header->image_size < sizeof(*header)) {
		return CATS_IMAGE_CORRUPT;
	}
	return CATS_IMAGE_OK;
}

#endif /* CATS_IMAGE_HEADER_H_ */
