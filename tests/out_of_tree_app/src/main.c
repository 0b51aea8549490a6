/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>

#include <cats/cats.h>

/* [token][column] of the columns that node 0 owns, here all of them */
static const int8_t input[] = {100, -40, 7, 90, -120, 33};

int main(void)
{
	const struct cats_instance *node;
	struct cats_result result;
	int16_t output[3];

	for (int n = 0; (node = cats_local(n)) != NULL; n++) {
		if (cats_start(node, NULL, 0) != 0) {
			return 0; /* the log says why */
		}
	}
	node = cats_local(0);
	if (cats_infer(node, input, output, ARRAY_SIZE(output), &result, K_SECONDS(5)) == 0) {
		printk("class %d, %u of %u fragments lost: %d %d %d\n",
		       cats_result_class(&result, 0), result.lost, result.fragments, output[0],
		       output[1], output[2]);
	}
	return 0;
}
