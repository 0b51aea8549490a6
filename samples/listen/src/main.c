/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A node hears sounds and asks the deployment what they are; every node tells the answer. */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/printk.h>

#include <cats/cats.h>
#include <cats/log_mel.h>
#include <cats/metadata.h>

#include <cats_log_mel.h>

#include "sounds.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

/* Samples that a microphone's driver gives at once. */
#define BLOCK 100
#define MOST_FRAMES 64
#define MOST_OUTPUT 32

static int16_t kept[CATS_LOG_MEL_FRAME];
static int32_t work[CATS_LOG_MEL_FRAME];
/* Features of the window, oldest first; what the node makes of them; the result. */
static int16_t features[MOST_FRAMES][CATS_LOG_MEL_MELS];
static int8_t input[MOST_FRAMES * CATS_LOG_MEL_MELS];
static int16_t output[MOST_OUTPUT];

static void tell(const struct cats_instance *node, const struct cats_result *result)
{
	const struct cats_image *image = cats_running(node);
	struct cats_metadata metadata;
	int class = cats_result_class(result, 0);

	if (image == NULL || cats_metadata(image, &metadata) != 0) {
		return;
	}
	printk("node %u: %s, %d %%, %u lost\n", image->header->node,
	       cats_class_name(&metadata, class),
	       100 * cats_output_probability(&metadata, result->output, class) /
		       CATS_PROBABILITY_ONE,
	       result->lost);
}

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

/* The model looks at the features that cats_log_mel.h is of, and they fit. */
static int check(const struct cats_image *image, const struct cats_metadata *metadata)
{
	if (metadata->record->channels != CATS_LOG_MEL_MELS || metadata->record->classes == 0 ||
	    metadata->own_channels != CATS_LOG_MEL_MELS) {
		LOG_ERR("the model is no classifier of these features on this node");
		return -ENOTSUP;
	}
	if (metadata->record->width > MOST_FRAMES || cats_input_size(image) > sizeof(input) ||
	    cats_output_count(image) > ARRAY_SIZE(output)) {
		LOG_ERR("the model's window or output is larger than this sample's");
		return -ENOSPC;
	}
	return 0;
}

/* Hear one sound, as its samples come from a microphone, until the window is full. */
static int hear(const int16_t *samples, size_t count, uint32_t frames)
{
	struct cats_log_mel mel;
	uint32_t filled = 0;
	int ret = cats_log_mel_init(&mel, &cats_log_mel_tables, kept, work);

	while (ret == 0 && filled < frames) {
		size_t taken = cats_log_mel_feed(&mel, samples, MIN(BLOCK, count));

		samples += taken;
		count -= taken;
		if (cats_log_mel_take(&mel, features[filled])) {
			filled++;
		} else if (count == 0) {
			ret = -ENODATA;
		}
	}
	return ret;
}

/* Whether the answer is right. */
static bool classify(const struct cats_instance *node, const struct cats_metadata *metadata,
		     int sound)
{
	struct cats_result result;
	const char *name;
	int ret = hear(sounds[sound].samples, SOUND_SAMPLES, metadata->record->width);

	if (ret == 0) {
		ret = cats_input_quantize_int16(metadata, features[0], CATS_LOG_MEL_MELS, NULL,
						input);
	}
	if (ret == 0) {
		ret = cats_infer(node, input, output, ARRAY_SIZE(output), &result, K_SECONDS(30));
	}
	if (ret != 0) {
		LOG_ERR("%s: no result: %d", sounds[sound].name, ret);
		return false;
	}
	tell(node, &result);
	name = cats_class_name(metadata, cats_result_class(&result, 0));
	return strcmp(name, sounds[sound].name) == 0;
}

static void told(const struct cats_result *result, void *user)
{
	tell(user, result);
}

int main(void)
{
	const struct cats_instance *node = cats_local(0);
	const struct cats_instance *other;
	struct cats_metadata metadata;
	const struct cats_image *image;
	int known = 0;

	if (start_all() != 0) {
		return 0;
	}
	image = cats_running(node);
	printk("node %u of %u, deployment %08x\n", image->header->node, image->header->nodes,
	       image->header->model_id);
	for (int n = 1; (other = cats_local(n)) != NULL; n++) {
		cats_on_result(other, told, (void *)other);
	}
	if (cats_input_size(image) == 0) {
		cats_on_result(node, told, (void *)node);
		printk("this node hears nothing; it takes part\n");
		return 0;
	}
	if (cats_metadata(image, &metadata) != 0) {
		LOG_ERR("the deployment does not say what its input is: export it again");
		return 0;
	}
	if (check(image, &metadata) != 0) {
		return 0;
	}
	for (int sound = 0; sound < (int)ARRAY_SIZE(sounds); sound++) {
		known += classify(node, &metadata, sound);
		k_sleep(K_MSEC(100)); /* the others tell theirs */
	}
	printk("%d of %d sounds known\n", known, (int)ARRAY_SIZE(sounds));
	return 0;
}
