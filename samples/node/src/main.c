/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A node of a deployment. The node that owns the input classifies digits; the others take part. */

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/printk.h>

#include <cats/cats.h>

#include "digits.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

#define OUTPUTS 10

static int start_all(void)
{
	const struct cats_instance *node;
	int started = 0;

	for (int n = 0; (node = cats_local(n)) != NULL; n++) {
		int ret = cats_start(node, NULL, 0);

		if (ret != 0) {
			LOG_ERR("%s does not start: %d", node->name, ret);
			return ret;
		}
		started++;
	}
	return started;
}

/* One image through all nodes; whether the answer is right. */
static bool classify(const struct cats_instance *node, int digit)
{
	int16_t output[OUTPUTS];
	struct cats_result result;
	int class;
	int ret;

	ret = cats_infer(node, digits[digit], output, ARRAY_SIZE(output), &result, K_SECONDS(30));
	if (ret != 0) {
		LOG_ERR("digit %d: no result: %d", digit, ret);
		return false;
	}
	class = cats_result_class(&result, 0);
	printk("digit %d: class %d, %u of %u fragments lost, output", digit, class, result.lost,
	       result.fragments);
	for (int c = 0; c < OUTPUTS; c++) {
		printk(" %d", output[c]);
	}
	printk("\n");
	return class == digit;
}

int main(void)
{
	const struct cats_instance *node = cats_local(0);
	const struct cats_image *image;
	int started = start_all();
	int right = 0;

	if (started < 0) {
		return 0;
	}
	image = cats_running(node);
	printk("node %u of %u, deployment %08x, %d here\n", image->header->node,
	       image->header->nodes, image->header->model_id, started);
	if (cats_input_size(image) != sizeof(digits[0]) || cats_output_count(image) > OUTPUTS) {
		printk("this node has no digits to ask about; it takes part\n");
		return 0;
	}
	if (image->header->model_id != DIGITS_MODEL_ID) {
		printk("another deployment than the digits were made for; answers may be wrong\n");
	}
	for (int digit = 0; digit < (int)ARRAY_SIZE(digits); digit++) {
		right += classify(node, digit);
	}
	printk("%d of %d digits right\n", right, (int)ARRAY_SIZE(digits));
	return 0;
}
