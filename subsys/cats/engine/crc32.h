/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* CRC-32 as in IEEE 802.3 and zlib. */

#ifndef CATS_CRC32_H_
#define CATS_CRC32_H_

#include <stddef.h>
#include <stdint.h>

/* Of bytes that follow those of crc; 0 begins. */
uint32_t cats_crc32_update(uint32_t crc, const void *data, size_t size);

static inline uint32_t cats_crc32(const void *data, size_t size)
{
	return cats_crc32_update(0, data, size);
}

#endif /* CATS_CRC32_H_ */
