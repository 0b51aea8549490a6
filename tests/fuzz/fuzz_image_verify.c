/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * An image of any bytes, with this version and a right checksum, is refused, or a whole inference
 * with it stays inside the image and an arena of the size that it asks for, whatever is heard; so
 * do the functions that go by its metadata, where that is taken, whatever the samples are.
 * Frames, losses and input come from a generator that the checksum seeds, so that an input file
 * replays alone.
 *
 * clang -fsanitize=fuzzer makes a libFuzzer target of this file; with -DCATS_FUZZ_FILES it has a
 * main() instead that runs each file named, and says how many images were accepted.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cats/engine.h>
#include <cats/metadata.h>

#define MAX_ARENA (1u << 20) /* bytes */
#define MAX_SAMPLES (1u << 20)
#define STEPS 4u             /* of a stream, at random positions */
#define MAX_WORK 20000000.0f /* products of an inference: some hundred milliseconds */

static uint32_t state;
static unsigned long accepted;
static unsigned long described;

static uint32_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void draw_bytes(uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = (uint8_t)(draw() >> 11);
	}
}

static void *allocate(size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL) {
		abort();
	}
	return memory;
}

static uint32_t crc32(const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
		}
	}
	return ~crc;
}

static float work(const struct cats_image *image)
{
	const struct cats_image_model *m = image->model;
	const uint16_t context = cats_context_rows(image);
	const uint16_t rows = context != 0 ? context : m->tokens;
	const int attends = m->flags & CATS_FLAG_PARALLEL ? CATS_GATHER_HIDDEN : CATS_GATHER_HEADS;
	float sum = 0;

	for (uint16_t g = 0; g < image->header->gathers; g++) {
		const struct cats_image_gather *gather = &image->gathers[g];

		sum += (float)gather->rows * gather->products * gather->stride;
		sum += gather->kind == attends
			       ? 2.0f * gather->rows * rows * m->own_heads * m->head_width
			       : 0;
		sum += gather->kind == CATS_GATHER_ATTENTION
			       ? (float)gather->rows * gather->stride * m->own_heads * 10
			       : 0;
		sum += (float)(gather->rows / gather->tile_rows + 1) * image->header->nodes *
		       CATS_MAX_FRAGMENTS;
	}
	return context != 0 ? STEPS * sum : sum;
}

static void exchange(struct cats_engine *engine, struct cats_exchange x, uint32_t loss)
{
	const struct cats_image *image = engine->image;
	const uint8_t node = image->header->node;
	struct cats_availability available = {0};

	cats_engine_produce(engine, x);
	for (uint16_t f = 0; f < cats_fragment_count(image, x, node); f++) {
		uint16_t size;
		const uint8_t *payload = cats_engine_fragment(engine, x, f, &size);
		uint8_t *copy = allocate(size);

		if (size == 0 || size != cats_fragment_size(image, x, node, f)) {
			abort();
		}
		memcpy(copy, payload, size);
		free(copy);
	}
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		const uint16_t count = s == node ? 0 : cats_fragment_count(image, x, s);

		for (uint16_t f = 0; f < count; f++) {
			if (draw() % 4 >= loss) {
				draw_bytes(engine->arena + cats_fragment_place(image, x, s, f),
					   cats_fragment_size(image, x, s, f));
				available.bits[s][f / 8] |= 1 << f % 8;
			}
		}
	}
	cats_engine_consume(engine, x, &available);
}

static void all_exchanges(struct cats_engine *engine, uint32_t loss)
{
	uint32_t exchanges = cats_exchange_count(engine->image);
	struct cats_exchange x = {.owner = (uint8_t)(draw() % engine->image->header->nodes)};

	do {
		exchange(engine, x, loss);
		exchanges--;
	} while (cats_exchange_next(engine->image, &x));
	if (exchanges != 0) {
		abort();
	}
}

static void infer(const struct cats_image *image)
{
	const struct cats_image_header *header = image->header;
	const size_t size = (size_t)image->model->tokens_in * image->model->own_inputs;
	uint8_t *arena = allocate(header->arena_size);
	uint8_t *input = allocate(size);
	const uint32_t loss = draw() % 5;
	struct cats_engine engine;
	volatile int16_t seen = 0;

	draw_bytes(arena, header->arena_size);
	draw_bytes(input, size);
	if (cats_engine_init(&engine, image, arena, header->arena_size) != 0) {
		abort();
	}
	cats_engine_begin(&engine, (int8_t *)input);
	all_exchanges(&engine, loss);
	for (uint32_t i = 1; i < STEPS && cats_context_rows(image) != 0; i++) {
		cats_engine_seek(&engine, (uint16_t)draw(), draw() % 4 != 0);
		cats_engine_begin(&engine, (int8_t *)input);
		all_exchanges(&engine, loss);
		if (cats_engine_rows(&engine) > cats_context_rows(image)) {
			abort();
		}
	}
	for (uint32_t i = 0; i < (uint32_t)cats_output_rows(image) * image->model->outputs; i++) {
		seen = cats_engine_output(&engine)[i];
	}
	(void)seen;
	free(input);
	free(arena);
}

/* One window of any samples, all channels or those of this node, and what any output means. */
static void apply(const struct cats_metadata *metadata, uint16_t channels)
{
	const struct cats_image_model *m = metadata->model;
	const struct cats_image_metadata *record = metadata->record;
	const size_t count = cats_window_samples(metadata, channels);
	int8_t *input = allocate((size_t)m->tokens_in * m->own_inputs);
	int16_t *output = allocate(m->outputs * sizeof(*output));
	int32_t *counts = allocate(m->outputs * sizeof(*counts));
	float *values = allocate(m->outputs * sizeof(*values));
	int16_t *samples = allocate(count * sizeof(*samples));
	float *reals = allocate(count * sizeof(*reals));
	struct cats_window *windows = allocate(channels * sizeof(*windows));
	int32_t count_of_value;
	float value;
	int ret;

	draw_bytes((uint8_t *)samples, count * sizeof(*samples));
	draw_bytes((uint8_t *)reals, count * sizeof(*reals));
	draw_bytes((uint8_t *)output, m->outputs * sizeof(*output));
	ret = cats_input_quantize_int16(metadata, samples, channels, windows, input);
	for (uint16_t i = 0; ret == 0 && record->horizon != 0 && i < channels; i++) {
		const bool target = windows[i].channel < record->targets;

		ret = cats_output_forecast_int32(metadata, &windows[i], output, counts);
		ret = ret == (target ? 0 : -ENOTSUP) ? 0 : -EIO;
	}
	if (ret != (m->own_inputs == 0 ? -ENODATA : 0)) {
		abort();
	}
	ret = cats_input_quantize_float(metadata, reals, channels, windows, input);
	for (uint16_t i = 0; ret == 0 && record->horizon != 0 && i < channels; i++) {
		const bool target = windows[i].channel < record->targets;

		ret = cats_output_forecast_float(metadata, &windows[i], output, values);
		ret = ret == (target ? 0 : -ENOTSUP) ? 0 : -EIO;
	}
	if (ret != 0 && ret != -EDOM && ret != -ENODATA) {
		abort();
	}
	for (int v = -1; v <= record->targets; v++) {
		const bool known = v >= 0 && v < record->targets && record->horizon == 0;
		const int wanted = !known                             ? -EINVAL
				   : output[v] == CATS_OUTPUT_MISSING ? -ENODATA
								      : 0;

		if (cats_output_value_int32(metadata, output, v, &count_of_value) != wanted ||
		    cats_output_value_float(metadata, output, v, &value) != wanted) {
			abort();
		}
	}
	for (int c = -1; c < 3; c++) {
		if (cats_output_probability(metadata, output, c) > CATS_PROBABILITY_ONE) {
			abort();
		}
	}
	free(windows);
	free(reals);
	free(samples);
	free(values);
	free(counts);
	free(output);
	free(input);
}

static void describe(const struct cats_image *image)
{
	struct cats_metadata metadata;
	volatile size_t length = 0;

	if (cats_metadata(image, &metadata) != 0) {
		return;
	}
	described++;
	for (int c = -1; c <= metadata.record->classes; c++) {
		length += strlen(cats_class_name(&metadata, c));
	}
	for (int c = -1; c <= metadata.record->channels; c++) {
		length += strlen(cats_channel_name(&metadata, c)) +
			  strlen(cats_channel_unit(&metadata, c));
	}
	for (int v = -1; v <= metadata.record->targets; v++) {
		length += strlen(cats_value_name(&metadata, v)) +
			  strlen(cats_value_unit(&metadata, v));
	}
	if (cats_window_samples(&metadata, metadata.record->channels) <= MAX_SAMPLES) {
		apply(&metadata, metadata.record->channels);
		apply(&metadata, metadata.own_channels);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = allocate(size);
	struct cats_image image;

	memcpy(copy, data, size);
	(void)cats_image_verify(copy, size, &image); /* as it is */
	size &= ~(size_t)7;
	if (size >= sizeof(struct cats_image_header)) {
		struct cats_image_header *header = (struct cats_image_header *)copy;

		header->format_version = CATS_FORMAT_VERSION; /* kept inputs outlive a format */
		header->image_size = (uint32_t)size;
		header->crc32 = crc32(copy + 16, size - 16);
		state = header->crc32 | 1;
		if (cats_image_verify(copy, size, &image) == CATS_IMAGE_OK) {
			accepted++;
			describe(&image);
			if (header->arena_size <= MAX_ARENA && work(&image) <= MAX_WORK) {
				infer(&image);
			}
		}
	}
	free(copy);
	return 0;
}

#ifdef CATS_FUZZ_FILES
#include "fuzz_files.h"

int main(int argc, char **argv)
{
	if (!run_files(argc - 1, argv + 1)) {
		return 1;
	}
	printf("%lu of %d accepted, %lu with metadata\n", accepted, argc - 1, described);
	return 0;
}
#endif
