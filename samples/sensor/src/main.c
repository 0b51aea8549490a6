/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A node with an accelerometer tells what is moving; the others take part. Where the deployment is
 * a stream, a window has no end to wait for: each new patch of samples gives a result.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/device.h>
#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/printk.h>

#include <cats/cats.h>
#include <cats/metadata.h>

#include "emulated.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

#define AXES 3
#define RANGE_G 8
#define MOST_STEPS 256
#define MOST_INPUT (MOST_STEPS * AXES)
#define MOST_OUTPUT 32

static const struct device *const accelerometer = DEVICE_DT_GET_OR_NULL(DT_ALIAS(accel0));

/* A window, or what a step of a stream takes of it, oldest first, in m/s2; what the node makes of
 * it; the result.
 */
static float samples[MOST_STEPS][AXES];
static int8_t input[MOST_INPUT];
static int16_t output[MOST_OUTPUT];

static int start_all(void)
{
	const struct cats_instance *node;

	for (int n = 0; (node = cats_local(n)) != NULL; n++) {
		int ret = cats_start(node, NULL, 0);

		if (ret != 0) {
			LOG_ERR("%s does not start: %d", node->name, ret);
			return ret;
		}
	}
	return 0;
}

/* The model looks at windows of this sensor, and they fit. */
static int check(const struct cats_image *image, const struct cats_metadata *metadata)
{
	if (metadata->record->channels != AXES || metadata->record->classes == 0) {
		LOG_ERR("the model is no classifier of three axes");
		return -ENOTSUP;
	}
	if (metadata->record->width > MOST_STEPS || cats_input_size(image) > sizeof(input) ||
	    cats_output_count(image) > ARRAY_SIZE(output)) {
		LOG_ERR("the model's window or output is larger than this sample's");
		return -ENOSPC;
	}
	if (metadata->own_channels != AXES) {
		LOG_ERR("the model wants the axes from several nodes");
		return -ENOTSUP;
	}
	return 0;
}

/* More than the usual 2 g, for who runs. */
static void set_range(void)
{
	struct sensor_value range;
	int ret;

	sensor_g_to_ms2(RANGE_G, &range);
	ret = sensor_attr_set(accelerometer, SENSOR_CHAN_ACCEL_XYZ, SENSOR_ATTR_FULL_SCALE, &range);
	if (ret != 0) {
		LOG_WRN("the accelerometer keeps its range: %d", ret);
	}
}

static int measure(float *values)
{
	struct sensor_value read[AXES];
	int ret = sensor_sample_fetch(accelerometer);

	if (ret == 0) {
		ret = sensor_channel_get(accelerometer, SENSOR_CHAN_ACCEL_XYZ, read);
	}
	if (ret != 0) {
		LOG_ERR("the accelerometer does not answer: %d", ret);
		return ret;
	}
	for (int axis = 0; axis < AXES; axis++) {
		values[axis] = sensor_value_to_float(&read[axis]);
	}
	return 0;
}

/* One inference; of a stream a step, the first of a new window where the one before has ended. */
static int infer(const struct cats_instance *node, struct cats_result *result)
{
	int ret = cats_infer(node, input, output, ARRAY_SIZE(output), result, K_SECONDS(30));

#ifdef CONFIG_CATS_STREAM
	if (ret == -EOVERFLOW) {
		ret = cats_stream_begin(node);
		if (ret == 0) {
			ret = cats_step(node, input, output, ARRAY_SIZE(output), result,
					K_SECONDS(30));
		}
	}
#endif
	return ret;
}

/* What moves in the window that ends now, or in that of which a step is new. */
static void classify(const struct cats_instance *node, const struct cats_metadata *metadata,
		     const char *played)
{
	struct cats_result result;
	int class;
	int ret;

	ret = cats_input_quantize_float(metadata, samples[0], AXES, NULL, input);
	if (ret == 0) {
		ret = infer(node, &result);
	}
	if (ret != 0) {
		LOG_ERR("no result: %d", ret);
		return;
	}
	class = cats_result_class(&result, 0);
	printk("%s, %d %%, ", cats_class_name(metadata, class),
	       100 * cats_output_probability(metadata, output, class) / CATS_PROBABILITY_ONE);
#ifdef CONFIG_CATS_STREAM
	printk("%u patches of %u, ", result.known, result.position + metadata->model->tokens);
#endif
	printk("%u of %u fragments lost", result.lost, result.fragments);
	printk(played != NULL ? " (%s was played)\n" : "\n", played);
}

/* Measure and classify, window after window; returns when the sensor fails, or an emulated one has
 * no more to measure.
 */
static void watch(const struct cats_instance *node, const struct cats_metadata *metadata)
{
	struct k_timer period;
	size_t steps = metadata->record->width;
	size_t filled = 0;
	const char *played = NULL;

	k_timer_init(&period, NULL, NULL);
	k_timer_start(&period, K_NO_WAIT, K_MSEC(CONFIG_SAMPLE_PERIOD_MS));
	while (true) {
		k_timer_status_sync(&period);
#ifdef CONFIG_EMUL_BMI160
		const char *plays = emulated_step();

		if (plays == NULL) {
			printk("all was played\n");
			break;
		}
		if (plays != played) {
			filled = 0; /* no window of two motions */
		}
		played = plays;
#endif
		if (filled == steps) {
			filled -= MIN(CONFIG_SAMPLE_NEW_STEPS, steps);
			memmove(samples[0], samples[steps - filled], filled * sizeof(samples[0]));
		}
		if (measure(samples[filled]) != 0) {
			break;
		}
		if (++filled == steps) {
			classify(node, metadata, played);
		}
	}
	k_timer_stop(&period);
}

int main(void)
{
	const struct cats_instance *node = cats_local(0);
	struct cats_metadata metadata;
	const struct cats_image *image;

	if (start_all() != 0) {
		return 0;
	}
	image = cats_running(node);
	printk("node %u of %u, deployment %08x\n", image->header->node, image->header->nodes,
	       image->header->model_id);
	if (cats_input_size(image) == 0) {
		printk("this node has no sensor; it takes part\n");
		return 0;
	}
	if (accelerometer == NULL || !device_is_ready(accelerometer)) {
		LOG_ERR("no accelerometer: the devicetree's alias accel0");
		return 0;
	}
	if (cats_metadata(image, &metadata) != 0) {
		LOG_ERR("the deployment does not say what its input is: export it again");
		return 0;
	}
	if (check(image, &metadata) == 0) {
		set_range();
		watch(node, &metadata);
	}
	return 0;
}
