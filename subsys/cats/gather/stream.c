/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Numbers of a stream: doc/protocol.rst, "Streams". The number of an inference tells its position:
 * numbers that are equal when divided by the steps of a window are of one window, and the rest is
 * the step. So every frame tells its position, and who joins late knows it.
 */

#include <errno.h>

#include "node_internal.h"

#ifndef CATS_NO_STREAM

/* Steps of a window, of which numbers tell; 0: it is no stream, or of a language model. */
static uint32_t steps_of(const struct cats_node *node)
{
	if (is_text(node)) {
		return 0;
	}
	return cats_context_rows(image_of(node)) / image_of(node)->model->tokens;
}

/* Numbers behind the last whole window are not used. */
static uint16_t wrapped(uint32_t number, uint32_t steps)
{
	const uint32_t numbers = (UINT16_MAX + 1u) / steps * steps;

	return (uint16_t)(number >= numbers ? number - numbers : number);
}

/* The first number from that on that begins a window. */
static uint16_t first_of_window(uint32_t number, uint32_t steps)
{
	return wrapped((number + steps - 1) / steps * steps, steps);
}

uint16_t cats_next_number(const struct cats_node *node)
{
	const uint32_t steps = steps_of(node);
	const uint32_t number = node->seen + 1u;

	if (steps == 0) {
		return (uint16_t)number;
	}
	return node->begins ? first_of_window(number, steps) : wrapped(number, steps);
}

uint16_t cats_inference_number(struct cats_node *node, bool unheard)
{
	const uint32_t steps = steps_of(node);
	uint32_t jump;

	if (!node->numbered) {
		return first_of_window(node->config.first_inference, steps);
	}
	node->unheard = unheard ? node->unheard + (node->unheard < 2) : 0;
	if (node->unheard < 2 && (!unheard || node->seen % steps != 0)) {
		return cats_next_number(node);
	}
	/* Nobody followed: steps may have looked late to all. The window goes on in other numbers;
	 * to others it is a new one.
	 */
	jump = (STALE_NUMBERS / steps + 1) * steps;
	node->step = wrapped(node->step + jump, steps);
	return wrapped(cats_next_number(node) + jump, steps);
}

void cats_inference_seek(struct cats_node *node)
{
	const uint32_t steps = steps_of(node);
	const uint16_t number = node->number;

	if (steps == 0) {
		return;
	}
	cats_engine_seek(&node->engine, (uint16_t)(number % steps * image_of(node)->model->tokens),
			 node->stepped && node->step / steps == number / steps);
	node->stepped = true;
	node->step = number;
	if (number % steps == 0) {
		node->begins = false;
	}
}

int cats_node_rewind(struct cats_node *node)
{
	if (!is_stream(node)) {
		return -ENOTSUP;
	}
	node->begins = true;
	return 0;
}

uint32_t cats_node_position(const struct cats_node *node)
{
	const uint32_t steps = steps_of(node);

#if CATS_TEXTS
	if (is_text(node) && node->stepped && !node->begins) {
		return node->texts.text.position + 1;
	}
#endif
	if (steps == 0 || !node->numbered || node->begins) {
		return 0;
	}
	return (node->seen % steps + 1) * image_of(node)->model->tokens;
}

#endif /* CATS_NO_STREAM */
