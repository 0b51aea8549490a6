/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "gather.h"

static uint8_t bytes[CATS_FRAME_MAX];

static struct cats_frame frame;

static void seal(void *argument)
{
	(void)argument;
	cats_frame_seal(1, &frame, bytes);
}

void pieces(const struct cats_engine *engine, struct cats_exchange x)
{
	const uint16_t size = cats_fragment_size(engine->image, x, engine->image->header->node, 0);

	worst("frame/seal/control", count(seal, NULL), CATS_FRAME_HEADER);
	frame.length = size;
	worst("frame/seal/payload", count(seal, NULL), CATS_FRAME_HEADER + size);
}
