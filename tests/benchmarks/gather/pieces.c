/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "gather.h"

static uint8_t bytes[CATS_FRAME_MAX];
static uint8_t other[CATS_FRAME_MAX];

static struct cats_frame frame;

static void seal(void *argument)
{
	(void)argument;
	cats_frame_seal(1, &frame, bytes);
}

static void add(void *argument)
{
	cats_gf_add(bytes, other, 0xff, *(const uint16_t *)argument);
}

static void scale(void *argument)
{
	cats_gf_scale(bytes, 0xff, *(const uint16_t *)argument);
}

struct coding {
	const struct cats_engine *engine;
	struct cats_exchange x;
	uint8_t index;
};

static void code(void *argument)
{
	const struct coding *c = argument;

	cats_code_own(c->engine, c->x, c->index, bytes);
}

void pieces(const struct cats_engine *engine, struct cats_exchange x)
{
	const uint8_t self = engine->image->header->node;
	const uint16_t fragments = cats_fragment_count(engine->image, x, self);
	uint16_t size = cats_coded_size(engine->image, x, self);
	struct coding c = {engine, x, 0};

	worst("frame/seal/control", count(seal, NULL), CATS_FRAME_HEADER);
	frame.length = size;
	worst("frame/seal/payload", count(seal, NULL), CATS_FRAME_HEADER + size);
	worst("code/add", count(add, &size), size);
	worst("code/scale", count(scale, &size), size);
	for (c.index = 0; c.index < CATS_MAX_CODED; c.index++) {
		worst("code/own", count(code, &c), (uint32_t)fragments * size);
	}
}
