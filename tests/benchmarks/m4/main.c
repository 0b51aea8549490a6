/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cats/image.h>

#include "bench.h"

/* Not linked where its sources are not at hand. */
void __attribute__((__weak__)) cmsis(void)
{
}

int main(void)
{
	if (*(const volatile uint32_t *)IMAGE_ADDRESS == CATS_IMAGE_MAGIC) {
		inference();
		return 0;
	}
	known();
	kernels();
	sweep();
	cmsis();
	return 0;
}
