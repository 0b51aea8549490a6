/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A node of a deployment. The node that owns the input classifies digits; the others take part.
 * With a shell it goes on and on, to be watched.
 */

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/printk.h>

#include <cats/cats.h>

#include "digits.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

#define OUTPUTS 10
#define PAUSE K_MSEC(250)

/* Somebody else stops and starts it: the shell. */
static void wait_for_start(const struct cats_instance *node)
{
	while (cats_running(node) == NULL) {
		k_sleep(PAUSE);
	}
}

static int start_all(void)
{
	const struct cats_instance *node;
	int started = 0;

	for (int n = 0; (node = cats_local(n)) != NULL; n++) {
		int ret = cats_start(node, NULL, 0);

		if (ret == -EACCES && IS_ENABLED(CONFIG_CATS_SHELL)) {
			printk("no key yet: cats provision, or cats key set and cats start\n");
			wait_for_start(node);
		} else if (ret != 0) {
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

/* Inference after inference; results are in `cats stats`. Never returns. */
static void go_on(const struct cats_instance *node, bool with_digits)
{
	for (int i = 0;; i++) {
		const int8_t *input = with_digits ? digits[i % ARRAY_SIZE(digits)] : NULL;

		(void)cats_infer(node, input, NULL, 0, NULL, K_SECONDS(30));
		k_sleep(PAUSE);
		wait_for_start(node);
	}
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
		if (IS_ENABLED(CONFIG_CATS_SHELL) && cats_input_size(image) != 0) {
			go_on(node, false);
		}
		return 0;
	}
	if (image->header->model_id != DIGITS_MODEL_ID) {
		printk("another deployment than the digits were made for; answers may be wrong\n");
	}
	for (int digit = 0; digit < (int)ARRAY_SIZE(digits); digit++) {
		right += classify(node, digit);
	}
	printk("%d of %d digits right\n", right, (int)ARRAY_SIZE(digits));
	if (IS_ENABLED(CONFIG_CATS_SHELL)) {
		go_on(node, true);
	}
	return 0;
}
