/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>

#include <cats/cats.h>
#include <cats/metadata.h>

/* a window of seven steps of one channel, oldest first: counts, as the sensor gives them */
static const int16_t samples[] = {-7320, -2195, 5627, 1491, -7257, -1729, 313};

int main(void)
{
	const struct cats_instance *node;
	struct cats_metadata metadata;
	struct cats_result result;
	int16_t output[3];
	int8_t input[6];

	for (int n = 0; (node = cats_local(n)) != NULL; n++) {
		if (cats_start(node, NULL, 0) != 0) {
			return 0; /* the log says why */
		}
	}
	node = cats_local(0);
	if (cats_metadata(cats_running(node), &metadata) != 0 ||
	    cats_input_quantize_int16(&metadata, samples, 1, NULL, input) != 0 ||
	    cats_infer(node, input, output, ARRAY_SIZE(output), &result, K_SECONDS(5)) != 0) {
		return 0;
	}
	printk("class %s, %u of %u fragments lost: %d %d %d\n",
	       cats_class_name(&metadata, cats_result_class(&result, 0)), result.lost,
	       result.fragments, output[0], output[1], output[2]);
	return 0;
}
