/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "bench.h"
#include "count.h"

int main(void)
{
	count_begin();
	count_kernel();
	sealing();
	stop(0);
	return 0;
}
