/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Four nodes on one board, for pytest/test_device.py to drive by their shell. */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <cats/cats.h>

/* Never started: its arena holds any golden case, for `cats selftest`. */
CATS_INSTANCE_DEFINE(spare, &cats_loopback, 24 * 1024);

int main(void)
{
	for (unsigned int n = 0; n < CONFIG_CATS_LOCAL_NODES; n++) {
		int ret = cats_start(cats_local(n), NULL, 0);

		if (ret != 0) {
			printk("%s does not start: %d\n", cats_local(n)->name, ret);
		}
	}
	return 0;
}
