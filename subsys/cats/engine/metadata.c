/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What stands around the engine: samples to an input, outputs to answers. doc/numerics.rst defines
 * the integer functions bit by bit, cats/integer/samples.py is the same in NumPy.
 */

#include <errno.h>
#include <string.h>

#include <cats/engine.h>
#include <cats/metadata.h>

#include "engine_internal.h"

#define MAX_SHIFT 62
#define MAX_HIGH (1L << 30) /* |addend| <= 2^62: a sum with 2^46 fits int64 */
#define EPSILON 1e-5f       /* of the window's variance, as in training */
#define LOG2_E 3098164009u  /* Q31 */
#define FRACTION_BITS 16    /* of an exponent of two */
#define WEIGHT_ONE (UINT32_C(1) << 30)
#define NOWHERE SIZE_MAX

/* Single precision, > 0: mantissa * 2^(exponent - 150). */
struct scale {
	uint32_t mantissa; /* 2^23..2^24-1 */
	int32_t exponent;  /* 1..254 */
};

/* Where a node's columns stand in a window. */
struct layout {
	uint32_t patch;    /* columns of one channel in a token */
	uint32_t across;   /* tokens side by side */
	uint32_t skip;     /* oldest steps that fill no token */
	uint32_t channels; /* of a sample, as it is given */
	uint32_t first;    /* the first of these, by its number in the record */
};

static struct scale scale_of(uint32_t bits)
{
	return (struct scale){(bits & 0x7fffffu) | 0x800000u, (int32_t)(bits >> 23)};
}

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static bool is_finite(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return (bits >> 23 & 255u) != 255u;
}

/* Normal, positive: what scales and deviations are. */
static bool is_scale(uint32_t bits)
{
	return bits >= 0x00800000u && bits < 0x7f800000u;
}

static int64_t addend_of(const struct cats_image_sensor *sensor)
{
	return (int64_t)sensor->addend_high * ((int64_t)1 << 32) + sensor->addend_low;
}

/* The record */

static bool array_fits(const struct cats_image *image, uint32_t offset, uint32_t bytes)
{
	const uint32_t size = image->header->image_size;

	return offset >= sizeof(*image->header) && offset % 4 == 0 && offset <= size &&
	       bytes <= size - offset;
}

static bool in_range(uint32_t v, uint32_t low, uint32_t high)
{
	return low <= v && v <= high;
}

/* Columns of one channel in a token: of its patch and of what is around it. */
static uint32_t columns_of(const struct cats_image_metadata *r)
{
	return (r->patch_height + 2u * r->overlap) * (r->patch_width + 2u * r->overlap);
}

static bool layout_fits(const struct cats_image_model *m, const struct cats_image_metadata *r)
{
	const uint32_t columns = columns_of(r);

	if (!in_range(r->patch_height, 1, m->inputs) || !in_range(r->patch_width, 1, m->inputs) ||
	    r->channels == 0 || r->height % r->patch_height != 0 ||
	    (uint32_t)(r->height / r->patch_height) * (r->width / r->patch_width) != m->tokens_in ||
	    m->inputs % columns != 0 || m->inputs / columns != r->channels) {
		return false;
	}
	if (r->normalisation == CATS_NORMALISATION_WINDOW) {
		return m->tokens_in * columns <= CATS_MAX_WINDOW && r->overlap == 0;
	}
	return r->normalisation == CATS_NORMALISATION_FIXED &&
	       (r->overlap == 0 || r->width % r->patch_width == 0);
}

static bool sensor_fits(const struct cats_image_metadata *r, const struct cats_image_sensor *s,
			bool by_window)
{
	if (s->name >= r->text_size || s->unit >= r->text_size || !is_finite(float_of(s->mean)) ||
	    !is_scale(s->deviation) || !is_scale(s->counts_per_unit)) {
		return false;
	}
	if (by_window) {
		return s->multiplier == 0 && s->shift == 0 && s->addend_high >= 0 &&
		       s->addend_high < MAX_HIGH;
	}
	return s->multiplier >= 1 && s->multiplier <= INT32_MAX && s->shift >= 1 &&
	       s->shift <= MAX_SHIFT && s->addend_high >= -MAX_HIGH && s->addend_high < MAX_HIGH;
}

/* Outputs are classes, values, steps to come of the first channels, or nothing that is named. */
static bool outputs_fit(const struct cats_image *image, const struct cats_image_metadata *r)
{
	const uint16_t outputs = image->model->outputs;

	if (r->classes != 0) {
		return r->classes == outputs && r->horizon == 0 && r->targets == 0 &&
		       array_fits(image, r->class_names, r->classes * sizeof(uint16_t));
	}
	if (r->horizon != 0) {
		return (uint32_t)r->horizon * r->targets == outputs && r->targets <= r->channels &&
		       r->normalisation == CATS_NORMALISATION_WINDOW;
	}
	return r->targets == 0 ||
	       (r->targets == outputs &&
		array_fits(image, r->values, r->targets * sizeof(struct cats_image_sensor)));
}

static bool record_fits(const struct cats_image *image, const struct cats_image_metadata *r)
{
	const struct cats_image_model *m = image->model;
	const struct cats_image_sensor *sensors = cats_table(image, r->sensors);
	const struct cats_image_sensor *values = cats_table(image, r->values);
	const uint16_t *names = cats_table(image, r->class_names);
	const char *text = cats_table(image, r->text);

	if (!layout_fits(m, r) || !is_scale(m->input_scale) || !is_scale(m->output_scale) ||
	    !outputs_fit(image, r) || r->step_ns >= 1000000000u || r->text_size == 0 ||
	    !array_fits(image, r->sensors, r->channels * sizeof(*sensors)) ||
	    !array_fits(image, r->text, r->text_size) || text[r->text_size - 1] != '\0') {
		return false;
	}
	for (uint16_t c = 0; c < r->channels; c++) {
		if (!sensor_fits(r, &sensors[c], r->normalisation == CATS_NORMALISATION_WINDOW)) {
			return false;
		}
	}
	for (uint16_t v = 0; r->horizon == 0 && v < r->targets; v++) {
		if (!sensor_fits(r, &values[v], false)) {
			return false;
		}
	}
	for (uint16_t c = 0; c < r->classes; c++) {
		if (names[c] >= r->text_size) {
			return false;
		}
	}
	return true;
}

int cats_metadata(const struct cats_image *image, struct cats_metadata *metadata)
{
	const struct cats_image_model *m = image->model;
	const uint32_t offset = image->header->metadata;
	const struct cats_image_metadata *record;
	uint32_t columns;

	if (offset == 0) {
		return -ENODATA;
	}
	if (!array_fits(image, offset, sizeof(*record))) {
		return -EINVAL;
	}
	record = cats_table(image, offset);
	if (!record_fits(image, record)) {
		return -EINVAL;
	}
	columns = columns_of(record);
	*metadata = (struct cats_metadata){
		.model = m,
		.record = record,
		.sensors = cats_table(image, record->sensors),
		.values = cats_table(image, record->values),
		.class_names = cats_table(image, record->class_names),
		.text = cats_table(image, record->text),
	};
	if (m->own_inputs != 0) {
		metadata->first_channel = m->first_input / columns;
		metadata->own_channels = (m->first_input + m->own_inputs - 1) / columns -
					 metadata->first_channel + 1;
	}
	return 0;
}

size_t cats_window_samples(const struct cats_metadata *metadata, uint16_t channels)
{
	return (size_t)metadata->record->height * metadata->record->width * channels;
}

const char *cats_class_name(const struct cats_metadata *metadata, int index)
{
	if (index < 0 || index >= metadata->record->classes) {
		return "?";
	}
	return metadata->text + metadata->class_names[index];
}

const char *cats_channel_name(const struct cats_metadata *metadata, int channel)
{
	if (channel < 0 || channel >= metadata->record->channels) {
		return "?";
	}
	return metadata->text + metadata->sensors[channel].name;
}

const char *cats_channel_unit(const struct cats_metadata *metadata, int channel)
{
	if (channel < 0 || channel >= metadata->record->channels) {
		return "";
	}
	return metadata->text + metadata->sensors[channel].unit;
}

static const struct cats_image_sensor *value_of(const struct cats_metadata *metadata, int index)
{
	const struct cats_image_metadata *r = metadata->record;

	return r->horizon != 0 || index < 0 || index >= r->targets ? NULL
								   : &metadata->values[index];
}

const char *cats_value_name(const struct cats_metadata *metadata, int index)
{
	const struct cats_image_sensor *value = value_of(metadata, index);

	return value == NULL ? "?" : metadata->text + value->name;
}

const char *cats_value_unit(const struct cats_metadata *metadata, int index)
{
	const struct cats_image_sensor *value = value_of(metadata, index);

	return value == NULL ? "" : metadata->text + value->unit;
}

/* Samples */

static int find_layout(const struct cats_metadata *metadata, uint16_t channels,
		       struct layout *layout)
{
	const struct cats_image_metadata *r = metadata->record;

	if (metadata->own_channels == 0) {
		return -ENODATA;
	}
	if (channels != r->channels && channels != metadata->own_channels) {
		return -EINVAL;
	}
	*layout = (struct layout){
		.patch = columns_of(r),
		.across = r->width / r->patch_width,
		.skip = r->width % r->patch_width,
		.channels = channels,
		.first = channels == r->channels ? 0 : metadata->first_channel,
	};
	return 0;
}

/* Which sample, counted from the window's first, is an input column of a token; NOWHERE beyond an
 * image's edge.
 */
static size_t place(const struct cats_image_metadata *r, const struct layout *layout,
		    uint32_t token, uint32_t column)
{
	const uint32_t channel = column / layout->patch;
	const uint32_t in_patch = column % layout->patch;
	const uint32_t wide = r->patch_width + 2u * r->overlap;
	/* Above the first row, and before the first step, these wrap around. */
	const uint32_t row =
		token / layout->across * r->patch_height + in_patch / wide - r->overlap;
	const uint32_t step = layout->skip + token % layout->across * r->patch_width +
			      in_patch % wide - r->overlap;

	if (row >= r->height || step >= r->width) {
		return NOWHERE;
	}
	return ((size_t)row * r->width + step) * layout->channels + channel - layout->first;
}

static int8_t saturate(int64_t value)
{
	return value > INT8_MAX ? INT8_MAX : value < INT8_MIN ? INT8_MIN : (int8_t)value;
}

/* factor * 2^-shift of a product of at most 2^62, rounded to nearest, ties up. */
static int64_t shift_right(int64_t product, int32_t shift)
{
	if (shift > MAX_SHIFT) {
		return 0;
	}
	return (product + ((int64_t)1 << (shift - 1))) >> shift;
}

/* Integers */

static uint32_t square_root(uint64_t value)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
		if (value >= root + bit) {
			value -= root + bit;
			root += 2 * bit;
		}
		root >>= 1;
	}
	return (uint32_t)root;
}

/* Of one channel in a window: up to 2^15 where it is normalised by itself. */
static uint32_t steps_of(const struct cats_metadata *metadata)
{
	return (uint32_t)metadata->model->tokens_in * metadata->record->patch_height *
	       metadata->record->patch_width;
}

/* Sum of a channel's n counts, and the root of n^2 (variance + epsilon). */
static void count_window(const struct cats_metadata *metadata, const struct layout *layout,
			 uint32_t channel, const int16_t *samples, struct cats_window *window)
{
	const struct cats_image_model *m = metadata->model;
	const uint32_t begin = channel * layout->patch;
	const int64_t n = steps_of(metadata);
	/* Q16, below 2^62 */
	const uint64_t epsilon = (uint64_t)addend_of(&metadata->sensors[channel]);
	int64_t sum = 0;
	int64_t squares = 0;
	uint64_t variance; /* n^2 of them: up to 2^60 */
	int32_t shift = 0;

	for (uint32_t t = 0; t < m->tokens_in; t++) {
		for (uint32_t c = begin; c < begin + layout->patch; c++) {
			const int32_t x = samples[place(metadata->record, layout, t, c)];

			sum += x;
			squares += (int64_t)x * x;
		}
	}
	variance = (uint64_t)(n * squares - sum * sum);
	if (variance >> 46 == 0) {
		variance = (variance << 16) + epsilon;
		shift = 8;
	} else {
		variance += epsilon >> 16;
	}
	variance += variance == 0;
	while (variance >> 62 == 0) {
		variance <<= 2;
		shift++;
	}
	window->sum = (int32_t)sum;
	window->root = square_root(variance);
	window->root_shift = shift;
}

/* Which of a channel's columns a node owns, by their numbers in a token: first <= c < end. */
struct columns {
	uint32_t first;
	uint32_t end;
};

static struct columns own_columns(const struct cats_metadata *metadata, const struct layout *layout,
				  uint32_t channel)
{
	const struct cats_image_model *m = metadata->model;
	const uint32_t begin = channel * layout->patch;
	const uint32_t own_end = (uint32_t)m->first_input + m->own_inputs;
	struct columns columns = {begin, begin + layout->patch};

	if (columns.first < m->first_input) {
		columns.first = m->first_input;
	}
	if (columns.end > own_end) {
		columns.end = own_end;
	}
	return columns;
}

static void quantize_counts(const struct cats_metadata *metadata, const struct layout *layout,
			    uint32_t channel, const int16_t *samples,
			    const struct cats_window *window, int8_t *input)
{
	const struct cats_image_model *m = metadata->model;
	const struct cats_image_sensor *sensor = &metadata->sensors[channel];
	const struct columns own = own_columns(metadata, layout, channel);
	const bool fixed = metadata->record->normalisation == CATS_NORMALISATION_FIXED;
	const struct scale scale = scale_of(m->input_scale);
	const int64_t n = steps_of(metadata);
	int64_t factor = 0; /* up to 2^31 */
	int32_t shift = 0;

	if (!fixed) {
		factor = (int64_t)(((UINT64_C(1) << 63) / scale.mantissa << 22) / window->root);
		shift = scale.exponent - 65 - window->root_shift;
	}
	for (uint32_t t = 0; t < m->tokens_in; t++) {
		for (uint32_t c = own.first; c < own.end; c++) {
			const size_t at = place(metadata->record, layout, t, c);
			const int64_t x = at == NOWHERE ? 0 : samples[at];
			int64_t value;

			if (at == NOWHERE) {
				value = 0;
			} else if (fixed) {
				value = (x * sensor->multiplier + addend_of(sensor)) >>
					sensor->shift;
			} else if (shift < 1) {
				value = (n * x - window->sum) * INT8_MAX * 2;
			} else {
				value = shift_right((n * x - window->sum) * factor, shift);
			}
			input[(size_t)t * m->own_inputs + c - m->first_input] = saturate(value);
		}
	}
}

int cats_input_quantize_int16(const struct cats_metadata *metadata, const int16_t *samples,
			      uint16_t channels, struct cats_window *window, int8_t *input)
{
	struct layout layout;
	int ret = find_layout(metadata, channels, &layout);

	if (ret != 0) {
		return ret;
	}
	for (uint16_t i = 0; i < channels; i++) {
		const uint32_t channel = layout.first + i;
		struct cats_window own = {.channel = (uint16_t)channel};

		if (metadata->record->normalisation == CATS_NORMALISATION_WINDOW) {
			count_window(metadata, &layout, channel, samples, &own);
			if (window != NULL) {
				window[i] = own;
			}
		}
		quantize_counts(metadata, &layout, channel, samples, &own, input);
	}
	return 0;
}

/* 2^-(exponent / 2^16) as 2^30 times that. */
static uint32_t power(uint64_t exponent)
{
	/* 2^-(2^-i) in Q32, i from 1 */
	static const uint32_t halves[FRACTION_BITS] = {
		3037000500u, 3611622603u, 3938502376u, 4112874773u, 4202935003u, 4248701965u,
		4271771996u, 4283353945u, 4289156690u, 4292061010u, 4293513907u, 4294240540u,
		4294603903u, 4294785595u, 4294876445u, 4294921870u,
	};
	uint32_t value = WEIGHT_ONE;

	if (exponent >> FRACTION_BITS > 30) {
		return 0;
	}
	for (int i = 0; i < FRACTION_BITS; i++) {
		if (exponent >> (FRACTION_BITS - 1 - i) & 1) {
			value = (uint32_t)((uint64_t)value * halves[i] >> 32);
		}
	}
	return value >> (exponent >> FRACTION_BITS);
}

/* exp(scale * -difference), 2^30 times that; the difference is 0..65535. */
static uint32_t weight(struct scale scale, uint32_t difference)
{
	const uint64_t product = ((uint64_t)scale.mantissa * LOG2_E >> 24) * difference;
	const int32_t shift = 141 - scale.exponent;

	if (product == 0 || shift > 63) {
		return WEIGHT_ONE;
	}
	return shift < 0 ? 0 : power(product >> shift);
}

int32_t cats_output_probability(const struct cats_metadata *metadata, const int16_t *output,
				int index)
{
	const int classes = metadata->record->classes;
	const struct scale scale = scale_of(metadata->model->output_scale);
	int32_t best = CATS_OUTPUT_MISSING;
	uint64_t sum = 0;

	if (index < 0 || index >= classes) {
		return -EINVAL;
	}
	if (output[index] == CATS_OUTPUT_MISSING) {
		return -ENODATA;
	}
	for (int c = 0; c < classes; c++) {
		best = output[c] > best ? output[c] : best;
	}
	for (int c = 0; c < classes; c++) {
		if (output[c] != CATS_OUTPUT_MISSING) {
			sum += weight(scale, (uint32_t)(best - output[c]));
		}
	}
	return (int32_t)((((uint64_t)weight(scale, (uint32_t)(best - output[index])) << 16) +
			  sum / 2) /
			 sum);
}

static int32_t saturate_count(int64_t value)
{
	return value > INT32_MAX ? INT32_MAX : value < -INT32_MAX ? -INT32_MAX : (int32_t)value;
}

int cats_output_value_int32(const struct cats_metadata *metadata, const int16_t *output, int index,
			    int32_t *value)
{
	const struct cats_image_sensor *described = value_of(metadata, index);

	if (described == NULL) {
		return -EINVAL;
	}
	if (output[index] == CATS_OUTPUT_MISSING) {
		return -ENODATA;
	}
	*value = saturate_count(
		((int64_t)output[index] * described->multiplier + addend_of(described)) >>
		described->shift);
	return 0;
}

static bool is_target(const struct cats_metadata *metadata, const struct cats_window *window)
{
	return metadata->record->horizon != 0 && window->channel < metadata->record->targets;
}

/* In counts, times n * 2^16, of the window's spread alone. */
static int64_t spread_out(const struct cats_window *window, struct scale scale, int16_t output)
{
	const int64_t factor = (int64_t)((uint64_t)window->root * scale.mantissa >> 25);
	const int32_t shift = 125 + window->root_shift - scale.exponent - 16;
	const int64_t product = output * factor; /* up to 2^46 */

	if (shift > 0) {
		return shift_right(product, shift);
	}
	if (shift >= -15) {
		return product * ((int64_t)1 << -shift);
	}
	return product > 0 ? INT64_MAX / 2 : product < 0 ? -INT64_MAX / 2 : 0;
}

int cats_output_forecast_int32(const struct cats_metadata *metadata,
			       const struct cats_window *window, const int16_t *output,
			       int32_t *forecast)
{
	const struct cats_image_model *m = metadata->model;
	const struct scale scale = scale_of(m->output_scale);
	const int64_t steps = (int64_t)steps_of(metadata) * 65536;

	if (!is_target(metadata, window)) {
		return -ENOTSUP;
	}
	output += (size_t)window->channel * metadata->record->horizon;
	for (uint16_t i = 0; i < metadata->record->horizon; i++) {
		int64_t value = spread_out(window, scale, output[i]);

		value += (int64_t)window->sum * 65536 + steps / 2;
		/* rounded down, also below 0 */
		value = value / steps - (value % steps < 0);
		forecast[i] = output[i] == CATS_OUTPUT_MISSING ? CATS_FORECAST_MISSING
							       : saturate_count(value);
	}
	return 0;
}

/* Single precision */

struct sum {
	float high;
	float low; /* what high has lost so far */
};

/* Kahan's compensated sum. */
static void add(struct sum *sum, float value)
{
	const float high = sum->high + (value - sum->low);
	const float gained = high - sum->high;

	sum->low = gained - (value - sum->low);
	sum->high = high;
}

/* Of a finite value > 0, by Newton's iteration: no libm. */
static float float_root(float value)
{
	uint32_t bits;
	float root;

	memcpy(&bits, &value, sizeof(bits));
	root = float_of((bits >> 1) + 0x1fc00000u);
	for (int i = 0; i < 4; i++) {
		root = 0.5f * (root + value / root);
	}
	return root;
}

static float normalised(const struct cats_image_sensor *sensor, float value)
{
	return (value - float_of(sensor->mean)) / float_of(sensor->deviation);
}

static int float_window(const struct cats_metadata *metadata, const struct layout *layout,
			uint32_t channel, const float *samples, struct cats_window *window)
{
	const struct cats_image_model *m = metadata->model;
	const uint32_t begin = channel * layout->patch;
	const float n = (float)steps_of(metadata);
	struct sum sum = {0};
	struct sum squares = {0};
	float variance;

	for (int squared = 0; squared < 2; squared++) {
		for (uint32_t t = 0; t < m->tokens_in; t++) {
			for (uint32_t c = begin; c < begin + layout->patch; c++) {
				const float x =
					normalised(&metadata->sensors[channel],
						   samples[place(metadata->record, layout, t, c)]);

				if (squared == 0) {
					add(&sum, x);
				} else {
					add(&squares, (x - window->mean) * (x - window->mean));
				}
			}
		}
		window->mean = sum.high / n;
	}
	variance = squares.high / n + EPSILON;
	if (!is_finite(variance)) {
		return -EDOM;
	}
	window->deviation = float_root(variance);
	return 0;
}

static int quantize_floats(const struct cats_metadata *metadata, const struct layout *layout,
			   uint32_t channel, const float *samples, const struct cats_window *window,
			   int8_t *input)
{
	const struct cats_image_model *m = metadata->model;
	const struct columns own = own_columns(metadata, layout, channel);
	const bool fixed = metadata->record->normalisation == CATS_NORMALISATION_FIXED;
	const float scale = float_of(m->input_scale);

	for (uint32_t t = 0; t < m->tokens_in; t++) {
		for (uint32_t c = own.first; c < own.end; c++) {
			const size_t at = place(metadata->record, layout, t, c);
			const float sample = at == NOWHERE ? 0.0f : samples[at];
			float x = normalised(&metadata->sensors[channel], sample);

			if (!is_finite(sample)) {
				return -EDOM;
			}
			if (at == NOWHERE) {
				x = 0.0f;
			}
			if (!fixed) {
				x = (x - window->mean) / window->deviation;
			}
			x /= scale;
			x = x > 127.0f ? 127.0f : x < -128.0f ? -128.0f : x;
			input[(size_t)t * m->own_inputs + c - m->first_input] =
				(int8_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
		}
	}
	return 0;
}

int cats_input_quantize_float(const struct cats_metadata *metadata, const float *samples,
			      uint16_t channels, struct cats_window *window, int8_t *input)
{
	struct layout layout;
	int ret = find_layout(metadata, channels, &layout);

	for (uint16_t i = 0; ret == 0 && i < channels; i++) {
		const uint32_t channel = layout.first + i;
		struct cats_window own = {.channel = (uint16_t)channel};

		if (metadata->record->normalisation == CATS_NORMALISATION_WINDOW) {
			ret = float_window(metadata, &layout, channel, samples, &own);
			if (ret == 0 && window != NULL) {
				window[i] = own;
			}
		}
		if (ret == 0) {
			ret = quantize_floats(metadata, &layout, channel, samples, &own, input);
		}
	}
	return ret;
}

int cats_output_value_float(const struct cats_metadata *metadata, const int16_t *output, int index,
			    float *value)
{
	const struct cats_image_sensor *described = value_of(metadata, index);

	if (described == NULL) {
		return -EINVAL;
	}
	if (output[index] == CATS_OUTPUT_MISSING) {
		return -ENODATA;
	}
	*value = output[index] * float_of(metadata->model->output_scale) *
			 float_of(described->deviation) +
		 float_of(described->mean);
	return 0;
}

int cats_output_forecast_float(const struct cats_metadata *metadata,
			       const struct cats_window *window, const int16_t *output,
			       float *forecast)
{
	const struct cats_image_sensor *sensor;
	const float scale = float_of(metadata->model->output_scale);

	if (!is_target(metadata, window)) {
		return -ENOTSUP;
	}
	sensor = &metadata->sensors[window->channel];
	output += (size_t)window->channel * metadata->record->horizon;
	for (uint16_t i = 0; i < metadata->record->horizon; i++) {
		const float x = output[i] * scale * window->deviation + window->mean;

		forecast[i] = output[i] == CATS_OUTPUT_MISSING
				      ? float_of(0x7fc00000u)
				      : x * float_of(sensor->deviation) + float_of(sensor->mean);
	}
	return 0;
}
