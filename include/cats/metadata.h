/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_metadata Metadata
 * @ingroup cats
 * @brief From a sensor's samples to an input, from an output to an answer.
 *
 * @code
 *	static int16_t samples[STEPS][CHANNELS]; // counts, as the sensor gives them, oldest first
 *	struct cats_metadata metadata;
 *	struct cats_window window;
 *
 *	cats_metadata(cats_running(node), &metadata);
 *	cats_input_quantize_int16(&metadata, &samples[0][0], CHANNELS, &window, input);
 *	cats_infer(node, input, output, ARRAY_SIZE(output), &result, K_SECONDS(5));
 *	class = cats_result_class(&result, 0);
 *	printk("%s, %d %%\n", cats_class_name(&metadata, class),
 *	       100 * cats_output_probability(&metadata, output, class) / 65536);
 * @endcode
 *
 * The image says how the training data was normalised, cut into tokens and named; these functions
 * do the same to a device's samples. doc/partition-format.rst shows the record, doc/numerics.rst
 * defines every bit of the integer functions.
 *
 * A *window* is what one inference looks at: [height][width][channels] samples, the channels of a
 * step together, as a sensor gives them. A series has height 1 and width steps, oldest first. Where
 * the width is no multiple of the patch, the oldest steps are left out.
 *
 * Samples are int16 *counts* or float values in the channel's *unit*; `cats export
 * --counts-per-unit` says how many counts a unit has. Functions with int16 and int32 use integers
 * only.
 *
 * RAM: what the caller hands in, no heap. Stack: below 256 bytes. Functions may be called from any
 * thread and from interrupts; they keep nothing. Portable C11 without an operating system; what is
 * not called is not linked.
 *
 * @{
 */

#ifndef CATS_METADATA_H_
#define CATS_METADATA_H_

#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A probability of one, of cats_output_probability(). */
#define CATS_PROBABILITY_ONE 65536
/** A forecast that did not arrive, of cats_output_forecast_int32(). */
#define CATS_FORECAST_MISSING INT32_MIN
/** Most steps of a window that is normalised by its own mean and variance. */
#define CATS_MAX_WINDOW 32767

/** Metadata of an image. Filled by cats_metadata(); the image must outlive it, unchanged. */
struct cats_metadata {
	const struct cats_image_model *model;     /**< shape and scales */
	const struct cats_image_metadata *record; /**< layout of a window, counts of names */
	const struct cats_image_sensor *sensors;  /**< [record->channels] */
	const struct cats_image_sensor *values; /**< [record->targets], where there is no horizon */
	const uint16_t *class_names;            /**< [record->classes], places in the text */
	const char *text;                       /**< names and units */
	uint16_t first_channel; /**< the first channel of which this node owns input columns */
	uint16_t own_channels;  /**< channels from there on of which it does; 0: it has no input */
};

/**
 * Mean and deviation of one channel in one window, by which its forecast is scaled back. Filled by
 * cats_input_quantize_int16() or _float(), read by the function of the same type that gives the
 * forecast; several windows may be under way, each with one for each channel. Where the
 * normalisation is FIXED it is not used. 24 bytes.
 */
struct cats_window {
	uint16_t channel; /**< whose it is, 0..channels-1 of the image */
	/** @cond INTERNAL_HIDDEN */
	int32_t sum;        /* int16: of the counts */
	uint32_t root;      /* int16: of n * n variances, times 2^root_shift; 2^31..2^32-1 */
	int32_t root_shift; /* int16 */
	float mean;         /* float: of the normalised samples */
	float deviation;    /* float: likewise */
			    /** @endcond */
};

/**
 * @brief Find and check the metadata of a verified image.
 *
 * @param image    of cats_image_verify() or cats_running()
 * @param metadata filled on success, untouched otherwise
 * @retval 0 on success
 * @retval -ENODATA the image has none: its model was not trained by `cats train`
 * @retval -EINVAL  it contradicts itself or the model: export again
 */
int cats_metadata(const struct cats_image *image, struct cats_metadata *metadata);

/**
 * @brief Samples of a window with so many channels: height * width * channels.
 *
 * @param channels as for cats_input_quantize_int16()
 */
size_t cats_window_samples(const struct cats_metadata *metadata, uint16_t channels);

/**
 * @brief Name of a class.
 *
 * @param index 0..classes-1, as cats_result_class() gives it
 * @return UTF-8, in the image; "?" where there is no such class (a negative number: none arrived)
 */
const char *cats_class_name(const struct cats_metadata *metadata, int index);

/** @brief Name of a channel, 0..channels-1; UTF-8, in the image; "?" where there is no such one. */
const char *cats_channel_name(const struct cats_metadata *metadata, int channel);

/**
 * @brief Unit of a channel, 0..channels-1, and of its forecast.
 *
 * @return UTF-8, in the image; "" where it is not known, or there is no such channel
 */
const char *cats_channel_unit(const struct cats_metadata *metadata, int channel);

/**
 * @brief Make a node's input from a window of counts; integers only.
 *
 * Rounds to nearest, ties up, and saturates.
 *
 * @param samples  [height][width][channels] counts
 * @param channels of a sample: all, record->channels; or this node's own, metadata->own_channels
 *                 from metadata->first_channel on, where it has sensors of its own
 * @param window   [channels]: statistics of each, for cats_output_forecast_int32(), or NULL
 * @param input    int8 [tokens_in][own_inputs], as cats_infer() takes it: cats_input_size() bytes
 * @retval 0 on success
 * @retval -EINVAL @p channels is neither of both
 * @retval -ENODATA this node owns no input columns: it need not submit
 */
int cats_input_quantize_int16(const struct cats_metadata *metadata, const int16_t *samples,
			      uint16_t channels, struct cats_window *window, int8_t *input);

/**
 * @brief The same from samples in the channels' units.
 *
 * Single precision, without libm. Equal to what Python makes of the same samples, but where a value
 * lies within 1/1000 of a step of the middle between two steps.
 *
 * @retval -EDOM a sample is infinite, no number, or so large that the variance is
 */
int cats_input_quantize_float(const struct cats_metadata *metadata, const float *samples,
			      uint16_t channels, struct cats_window *window, int8_t *input);

/**
 * @brief Probability of one class among those that arrived; integers only.
 *
 * Softmax of one output row. The probability of a class that did not arrive is not known; the
 * others are as if it were zero.
 *
 * @param output int16 [classes], one row of a result
 * @param index 0..classes-1
 * @return 0..CATS_PROBABILITY_ONE, within 2 of the exact value
 * @retval -EINVAL  there is no such class (also a negative one)
 * @retval -ENODATA it did not arrive
 */
int32_t cats_output_probability(const struct cats_metadata *metadata, const int16_t *output,
				int index);

/** @brief Name of a value that the model estimates; "?" where there is no such one. */
const char *cats_value_name(const struct cats_metadata *metadata, int index);

/** @brief Unit of a value that the model estimates; "" where it is not known, or no such one. */
const char *cats_value_unit(const struct cats_metadata *metadata, int index);

/**
 * @brief A value that the model estimates, in counts; integers only.
 *
 * `cats export` prints how many counts a unit has: the largest power of ten with which the values
 * of the training fit 30 bits, so that a count is a decimal place.
 *
 * @param output int16 [values], one row of a result
 * @param index 0..values-1
 * @param value rounded to nearest, ties up, saturated; left alone on an error
 * @retval 0 on success
 * @retval -EINVAL  there is no such value (also a negative one)
 * @retval -ENODATA it did not arrive
 */
int cats_output_value_int32(const struct cats_metadata *metadata, const int16_t *output, int index,
			    int32_t *value);

/**
 * @brief The same in the value's unit, in single precision.
 *
 * @retval 0 on success
 * @retval -EINVAL  there is no such value (also a negative one)
 * @retval -ENODATA it did not arrive
 */
int cats_output_value_float(const struct cats_metadata *metadata, const int16_t *output, int index,
			    float *value);

/**
 * @brief Scale the forecast of one channel back to its counts; integers only.
 *
 * Of several channels that are forecast each is scaled by its own window. A node that has sensors
 * of its own knows the windows of these alone, and scales their forecasts.
 *
 * @param window   of the channel, as cats_input_quantize_int16() filled it for the input of this
 *                 result
 * @param output   int16 [targets][horizon], one row of a result: the whole
 * @param forecast int32 [horizon], counts, rounded to nearest, saturated;
 *                 CATS_FORECAST_MISSING where the value did not arrive
 * @retval 0 on success
 * @retval -ENOTSUP the model does not forecast this channel
 */
int cats_output_forecast_int32(const struct cats_metadata *metadata,
			       const struct cats_window *window, const int16_t *output,
			       int32_t *forecast);

/**
 * @brief Scale the forecast of one channel back to its unit.
 *
 * @param window   of the channel, as cats_input_quantize_float() filled it
 * @param output   int16 [targets][horizon], one row of a result: the whole
 * @param forecast float [horizon]; NaN where the value did not arrive
 * @retval 0 on success
 * @retval -ENOTSUP the model does not forecast this channel
 */
int cats_output_forecast_float(const struct cats_metadata *metadata,
			       const struct cats_window *window, const int16_t *output,
			       float *forecast);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_METADATA_H_ */
