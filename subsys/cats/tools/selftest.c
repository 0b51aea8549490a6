/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>
#ifdef CONFIG_TIMING_FUNCTIONS
#include <zephyr/timing/timing.h>
#endif

#include <cats/gather.h>
#include <cats/selftest.h>

/* One node of a case; the arenas follow the nodes in the scratch memory. */
struct golden_node {
	struct cats_image image;
	struct cats_engine engine;
};

static size_t nodes_size(const struct cats_golden *golden)
{
	return ROUND_UP(golden->nodes * sizeof(struct golden_node), 8);
}

size_t cats_golden_scratch(const struct cats_golden *golden)
{
	size_t size = nodes_size(golden);
	size_t input = 0;
	struct cats_image image;

	for (uint8_t d = 0; d < golden->nodes; d++) {
		if (cats_image_verify(golden->images[d], golden->image_sizes[d], &image) !=
		    CATS_IMAGE_OK) {
			return 0;
		}
		size += ROUND_UP(image.header->arena_size, 8);
		input = MAX(input, (size_t)image.model->tokens_in * image.model->own_inputs);
	}
	return size + input;
}

static bool heard(const struct cats_golden *golden, const struct cats_golden_run *run, size_t row,
		  uint32_t exchange, uint8_t receiver, uint8_t source, uint16_t fragment)
{
	size_t at = ((exchange * golden->nodes + receiver) * golden->nodes + source) * row;

	return (run->available[at + fragment / 8] >> fragment % 8) & 1;
}

static void infer(const struct cats_golden *golden, const struct cats_golden_run *run,
		  struct golden_node *nodes, uint8_t *buffer)
{
	const struct cats_image *first = &nodes[0].image;
	size_t row =
		run->available_size / (cats_exchange_count(first) * golden->nodes * golden->nodes);
	struct cats_exchange x = {.gather = 0};
	struct cats_availability available;
	uint32_t exchange = 0;

	for (uint8_t d = 0; d < golden->nodes; d++) {
		const struct cats_image_model *m = nodes[d].image.model;

		for (uint16_t t = 0; t < m->tokens_in; t++) {
			memcpy(buffer + (size_t)t * m->own_inputs,
			       golden->input + (size_t)t * m->inputs + m->first_input,
			       m->own_inputs);
		}
		cats_engine_begin(&nodes[d].engine, (const int8_t *)buffer);
	}
	do {
		for (uint8_t s = 0; s < golden->nodes; s++) {
			uint16_t count = cats_fragment_count(first, x, s);

			cats_engine_produce(&nodes[s].engine, x);
			for (uint16_t f = 0; f < count; f++) {
				uint16_t size;
				const uint8_t *payload =
					cats_engine_fragment(&nodes[s].engine, x, f, &size);

				for (uint8_t d = 0; d < golden->nodes; d++) {
					if (d != s && heard(golden, run, row, exchange, d, s, f)) {
						memcpy(nodes[d].engine.arena +
							       cats_fragment_place(&nodes[d].image,
										   x, s, f),
						       payload, size);
					}
				}
			}
		}
		for (uint8_t d = 0; d < golden->nodes; d++) {
			memset(&available, 0, sizeof(available));
			for (uint8_t s = 0; s < golden->nodes; s++) {
				memcpy(available.bits[s],
				       run->available +
					       ((exchange * golden->nodes + d) * golden->nodes +
						s) * row,
				       row);
			}
			cats_engine_consume(&nodes[d].engine, x, &available);
		}
		exchange++;
	} while (cats_exchange_next(first, &x));
}

static bool equal(const struct cats_golden *golden, const struct cats_golden_run *run, uint8_t d,
		  const struct golden_node *node)
{
	size_t count = (size_t)cats_output_rows(&node->image) * node->image.model->outputs;
	const int16_t *output = cats_engine_output(&node->engine);

	if (run->output_size != golden->nodes * count * sizeof(int16_t)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *want = run->output + (d * count + i) * sizeof(int16_t);

		if (output[i] != (int16_t)sys_get_le16(want)) {
			return false;
		}
	}
	return true;
}

static int check_runs(const struct cats_golden *golden, struct golden_node *nodes, uint8_t *buffer,
		      struct cats_golden_failure *failure)
{
	for (uint8_t r = 0; r < golden->run_count; r++) {
		infer(golden, &golden->runs[r], nodes, buffer);
		for (uint8_t d = 0; d < golden->nodes; d++) {
			if (!equal(golden, &golden->runs[r], d, &nodes[d])) {
				failure->run = golden->runs[r].name;
				failure->node = d;
				return -EILSEQ;
			}
		}
	}
	return 0;
}

int cats_golden_check(const struct cats_golden *golden, void *scratch, size_t size,
		      struct cats_golden_failure *failure)
{
	struct cats_golden_failure unused;
	struct golden_node *nodes = scratch;
	uint8_t *end = (uint8_t *)scratch + size;
	uint8_t *next = (uint8_t *)scratch + nodes_size(golden);

	failure = failure != NULL ? failure : &unused;
	*failure = (struct cats_golden_failure){0};
	if (nodes_size(golden) > size) {
		return -ENOMEM;
	}
	for (uint8_t d = 0; d < golden->nodes; d++) {
		uint32_t arena_size;

		failure->node = d;
		failure->reason = cats_image_verify(golden->images[d], golden->image_sizes[d],
						    &nodes[d].image);
		if (failure->reason != CATS_IMAGE_OK) {
			return -EBADMSG;
		}
		arena_size = nodes[d].image.header->arena_size;
		if (arena_size > (size_t)(end - next) ||
		    cats_engine_init(&nodes[d].engine, &nodes[d].image, next, arena_size) != 0) {
			return -ENOMEM;
		}
		/* What was in the arena must not matter. */
		memset(next, 0xa5, arena_size);
		next += arena_size;
	}
	if (cats_golden_scratch(golden) > size) {
		return -ENOMEM;
	}
	return check_runs(golden, nodes, next, failure);
}

static uint64_t timer_start(void)
{
#ifdef CONFIG_TIMING_FUNCTIONS
	timing_init();
	timing_start();
	return timing_counter_get();
#else
	return k_cycle_get_32();
#endif
}

/* Nanoseconds since *then, which becomes now. */
static uint32_t lap(uint64_t *then)
{
#ifdef CONFIG_TIMING_FUNCTIONS
	timing_t start = *then;
	timing_t end = timing_counter_get();

	*then = end;
	return (uint32_t)timing_cycles_to_ns(timing_cycles_get(&start, &end));
#else
	uint32_t end = k_cycle_get_32();
	uint32_t cycles = end - (uint32_t)*then;

	*then = end;
	return (uint32_t)k_cyc_to_ns_floor64(cycles);
#endif
}

int cats_time_steps(const struct cats_image *image, void *arena, size_t arena_size,
		    struct cats_step_times *times)
{
	struct cats_exchange x = {.gather = 0};
	struct cats_availability available;
	struct cats_engine engine;
	uint64_t then;
	int ret = cats_engine_init(&engine, image, arena, arena_size);

	if (ret != 0) {
		return ret;
	}
	memset(times, 0, sizeof(*times));
	memset(arena, 0, image->header->arena_size);
	memset(&available, 0xff, sizeof(available));
	then = timer_start();
	cats_engine_begin(&engine, NULL);
	times->total_ns = lap(&then);
	do {
		uint8_t kind = image->gathers[x.gather].kind;
		uint32_t ns;

		cats_engine_produce(&engine, x);
		ns = lap(&then);
		times->produce_ns[kind] += ns;
		times->total_ns += ns;
		cats_engine_consume(&engine, x, &available);
		ns = lap(&then);
		times->consume_ns[kind] += ns;
		times->total_ns += ns;
		times->exchanges[kind]++;
	} while (cats_exchange_next(image, &x));
#ifdef CONFIG_TIMING_FUNCTIONS
	timing_stop();
#endif
	return 0;
}

const char *cats_gather_name(unsigned int kind)
{
	static const char *const names[CATS_GATHER_KINDS] = {
		[CATS_GATHER_INPUT] = "input",   [CATS_GATHER_ATTENTION] = "attention",
		[CATS_GATHER_HEADS] = "heads",   [CATS_GATHER_FORWARD] = "forward",
		[CATS_GATHER_HIDDEN] = "hidden", [CATS_GATHER_OUTPUT] = "output",
		[CATS_GATHER_RESULT] = "result",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}
