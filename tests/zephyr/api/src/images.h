/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef IMAGES_H_
#define IMAGES_H_

#include <stddef.h>
#include <stdint.h>

/** An image of tests/zephyr/data. */
struct bytes {
	const uint8_t *data;
	size_t size;
};

extern const struct bytes four[4];
extern const struct bytes repaired[3];
extern const struct bytes one;

#endif /* IMAGES_H_ */
