/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lockstep.h"

#include <stdlib.h>
#include <string.h>

/* Exactly so many bytes at a multiple of 8, so that a checker sees the first byte beyond them. */
static uint8_t *allocate(size_t size)
{
	uint8_t *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL || (uintptr_t)memory % 8 != 0) {
		abort();
	}
	return memory;
}

int lockstep_add(struct lockstep *all, const uint8_t *data, size_t size)
{
	const uint8_t node = all->nodes;
	int error;

	all->data[node] = allocate(size);
	memcpy(all->data[node], data, size);
	error = cats_image_verify(all->data[node], size, &all->image[node]);
	if (error != 0) {
		free(all->data[node]);
		return error;
	}
	all->arena[node] = allocate(all->image[node].header->arena_size);
	memset(all->arena[node], 0xa5, all->image[node].header->arena_size);
	if (cats_engine_init(&all->engine[node], &all->image[node], all->arena[node],
			     all->image[node].header->arena_size) != 0) {
		abort();
	}
	all->nodes++;
	return 0;
}

static void begin(struct lockstep *all, const int8_t *input)
{
	for (uint8_t d = 0; d < all->nodes; d++) {
		const struct cats_image_model *m = all->image[d].model;
		int8_t *own = (int8_t *)allocate((size_t)m->tokens_in * m->own_inputs);

		for (uint16_t row = 0; row < m->tokens_in; row++) {
			memcpy(own + (size_t)row * m->own_inputs,
			       input + (size_t)row * m->inputs + m->first_input, m->own_inputs);
		}
		cats_engine_begin(&all->engine[d], own);
		free(own);
	}
}

void lockstep_run(struct lockstep *all, const int8_t *input, lockstep_air air, void *context)
{
	struct cats_exchange x = {.gather = 0};
	uint32_t exchange = 0;

	begin(all, input);
	do {
		struct cats_availability available[CATS_MAX_NODES] = {0};

		for (uint8_t s = 0; s < all->nodes; s++) {
			const uint16_t count = cats_fragment_count(&all->image[s], x, s);

			cats_engine_produce(&all->engine[s], x);
			for (uint16_t f = 0; f < count; f++) {
				uint16_t size;
				const uint8_t *payload =
					cats_engine_fragment(&all->engine[s], x, f, &size);

				for (uint8_t d = 0; d < all->nodes; d++) {
					if (d == s || !air(context, exchange, d, s, f)) {
						continue;
					}
					memcpy(all->arena[d] +
						       cats_fragment_place(&all->image[d], x, s, f),
					       payload, size);
					available[d].bits[s][f / 8] |= 1 << f % 8;
				}
			}
		}
		for (uint8_t d = 0; d < all->nodes; d++) {
			cats_engine_consume(&all->engine[d], x, &available[d]);
		}
		exchange++;
	} while (cats_exchange_next(&all->image[0], &x));
}

void lockstep_free(struct lockstep *all)
{
	for (uint8_t d = 0; d < all->nodes; d++) {
		free(all->data[d]);
		free(all->arena[d]);
	}
	all->nodes = 0;
}
