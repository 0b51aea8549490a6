/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Byte by byte, as Zephyr's minimal C library does it where it is not told to be fast: a firmware's
 * library does not take longer.
 */

#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	while (n > 0) {
		*(d++) = *(s++);
		n--;
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	unsigned char *d = to;
	unsigned char byte = (unsigned char)c;

	while (n > 0) {
		*(d++) = byte;
		n--;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; n > 0; n--, x++, y++) {
		if (*x != *y) {
			return *x - *y;
		}
	}
	return 0;
}
