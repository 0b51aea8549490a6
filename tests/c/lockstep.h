/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* D engines of one deployment, exchange by exchange, over an air that loses what it is told to. */

#ifndef CATS_TESTS_LOCKSTEP_H_
#define CATS_TESTS_LOCKSTEP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/engine.h>

struct lockstep {
	uint8_t nodes;
	struct cats_image image[CATS_MAX_NODES];
	struct cats_engine engine[CATS_MAX_NODES];
	uint8_t *data[CATS_MAX_NODES];  /* owned copies of the images, exactly as long */
	uint8_t *arena[CATS_MAX_NODES]; /* owned, exactly as long as the image asks */
};

/* Whether a fragment arrives. exchange: its number in running order. */
typedef bool (*lockstep_air)(void *context, uint32_t exchange, uint8_t receiver, uint8_t source,
			     uint16_t fragment);

/* Take a copy of one node's image. Returns 0 or enum cats_image_error. */
int lockstep_add(struct lockstep *all, const uint8_t *data, size_t size);

/* One inference. input: int8 [tokens_in][P], all columns. The arenas keep what was in them. */
void lockstep_run(struct lockstep *all, const int8_t *input, lockstep_air air, void *context);

void lockstep_free(struct lockstep *all);

#endif /* CATS_TESTS_LOCKSTEP_H_ */
