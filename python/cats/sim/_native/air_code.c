/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "air_code.h"

/* Where doc/protocol.rst has them in a frame. */
static uint8_t type_of(const uint8_t *frame)
{
	return frame[0] & 15;
}

static uint16_t payload_of(uint16_t length)
{
	return length > CATS_FRAME_HEADER ? length - CATS_FRAME_HEADER : 0;
}

double air_code_aes(const struct air_code *code, uint16_t length)
{
	return code->aes > 0 ? code->aes + code->aes_byte * payload_of(length) : 0;
}

/* HOP_TAKE and HOP_CLOSE of cats.plan.code_time. */
#define HOP_TAKE 1.5
#define HOP_CLOSE 1.0

/* Of a frame over several hops that carries a payload: for all fragments of its exchange, if there
 * is such a one; 0 of others.
 */
static double hop(const struct air_code *code, const struct cats_image *image, const uint8_t *frame,
		  uint16_t length, double times)
{
	struct cats_exchange x = {.gather = frame[6], .tile = frame[7]};
	uint8_t type = type_of(frame);
	bool row = x.gather == 0 && (image->model->flags & CATS_FLAG_ROWS) != 0;

	if ((image->model->flags & CATS_FLAG_HOPS) == 0 || x.gather >= image->header->gathers ||
	    (type != CATS_FRAME_CODED && type != CATS_FRAME_DATA)) {
		return 0;
	}
	if (row) {
		x.owner = x.tile % image->header->nodes;
		x.tile = 0;
	}
	return cats_slot_first(image, x, image->header->nodes) *
	       (times * code->hop + code->hop_byte * payload_of(length));
}

double air_code_received(const struct air_code *code, const struct cats_image *image,
			 const uint8_t *frame, uint16_t length)
{
	uint8_t type = type_of(frame);
	double hops = hop(code, image, frame, length, HOP_TAKE);

	if (hops > 0) {
		type = CATS_FRAME_DATA; /* whatever it carries */
	}
	return hops + code->isr + code->parse + code->parse_byte * length +
	       code->take[type <= CATS_FRAME_ASK ? type : CATS_FRAME_SYNC] +
	       code->take_byte * payload_of(length);
}

double air_code_polled(const struct air_code *code, struct air_polled *last,
		       const struct cats_node *node)
{
	const struct air_polled was = *last;
	double close = code->close;

#ifndef CATS_NO_HOPS
	close += HOP_CLOSE * code->hop * node->hop.total; /* of the next one */
#endif

	last->x = node->x;
	last->open =
		node->exchange != CATS_EXCHANGE_WAITING && node->exchange != CATS_EXCHANGE_OVER;
	return was.open && (!last->open || was.x.gather != node->x.gather ||
			    was.x.tile != node->x.tile)
		       ? close
		       : code->poll[node->exchange];
}

double air_code_built(const struct air_code *code, const struct cats_image *image,
		      const uint8_t *frame, uint16_t length)
{
	struct cats_exchange x = {.gather = frame[6], .tile = frame[7]};
	uint16_t fragments;
	uint8_t type = type_of(frame);
	double byte = code->copy_byte;

	if (x.gather == 0 && (image->model->flags & CATS_FLAG_ROWS) != 0) {
		x.owner = x.tile;
		x.tile = 0;
	}
	fragments = cats_fragment_count(image, x, image->header->node);
	if (type == CATS_FRAME_DATA && frame[8] >= fragments) {
		type = CATS_FRAME_CODED; /* ahead of the reports */
	}
	if ((image->model->flags & CATS_FLAG_HOPS) != 0 && type == CATS_FRAME_CODED) {
		return code->build[CATS_FRAME_DATA] + hop(code, image, frame, length, 1) +
		       code->seal + code->send + (code->seal_byte + code->send_byte) * length;
	}
	if (type == CATS_FRAME_CODED) {
		byte = code->coded_byte * fragments;
	}
	return code->build[type] + byte * payload_of(length) + code->seal + code->send +
	       (code->seal_byte + code->send_byte) * length;
}

double air_code_solved(const struct air_code *code, const struct cats_job *job)
{
	const struct cats_image *image = job->engine->image;
	const struct cats_reception *r = job->reception;
	double bytes = 0;

	if (job->what != CATS_JOB_CONSUME) {
		return 0;
	}
	for (uint32_t i = 0; i < r->held_count; i++) {
		uint8_t source = r->held[i].source;

		bytes += (double)cats_coded_size(image, r->x, source) *
			 cats_fragment_count(image, r->x, source);
	}
	return r->held_count * code->solve + bytes * code->solve_byte;
}
