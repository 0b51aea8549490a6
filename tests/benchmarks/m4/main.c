/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <cats/image.h>

#include "bench.h"

/* Not linked where its sources are not at hand. */
void __attribute__((__weak__)) bench_cmsis(void)
{
}

int main(void)
{
	if (*(const volatile uint32_t *)IMAGE_ADDRESS == CATS_IMAGE_MAGIC) {
		bench_inference();
		return 0;
	}
	bench_known();
	bench_kernels();
	bench_sweep();
	bench_cmsis();
	return 0;
}
