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

/* The exchange of a frame; gather G where there is none. */
static struct cats_exchange exchange_of(const struct cats_image *image, const uint8_t *frame)
{
	struct cats_exchange x = {.gather = frame[6], .tile = frame[7]};

	if (x.gather > image->header->gathers) {
		x.gather = image->header->gathers;
	}
	if ((image->model->flags & CATS_FLAG_LLAMA) != 0) {
		if (x.gather == 0 && (image->model->flags & CATS_FLAG_ROWS) != 0) {
			x.owner = x.tile % image->header->nodes;
		}
		x.tile = 0;
	}
	return x;
}

/* Fragments of all sources in the exchange of a frame; 0 where there is none. */
static uint32_t fragments_of(const struct cats_image *image, const uint8_t *frame)
{
	struct cats_exchange x = exchange_of(image, frame);

	return x.gather < image->header->gathers ? cats_slot_first(image, x, image->header->nodes)
						 : 0;
}

/* What combining takes of a coded frame of repair. */
static double combining(const struct air_code *code, const struct cats_image *image,
			const uint8_t *frame, uint16_t length)
{
	uint32_t fragments = fragments_of(image, frame);
	uint32_t combined = fragments <= CATS_DENSE_FRAGMENTS ? fragments : fragments / 2;

	return code->coded * fragments + code->coded_byte * payload_of(length) * combined;
}

/* Whether a frame carries a payload over several hops. */
static bool relayed(const struct cats_image *image, const uint8_t *frame)
{
	uint8_t type = type_of(frame);

	return (image->model->flags & CATS_FLAG_HOPS) != 0 &&
	       (type == CATS_FRAME_CODED || type == CATS_FRAME_DATA);
}

double air_code_received(const struct air_code *code, const struct cats_image *image,
			 const uint8_t *frame, uint16_t length)
{
	uint8_t type = type_of(frame);
	double more = 0;

	if (relayed(image, frame)) {
		type = CATS_FRAME_DATA; /* whatever it carries */
		more = fragments_of(image, frame) *
		       (code->relay + code->relay_byte * payload_of(length));
	} else if (type == CATS_FRAME_CODED) {
		more = combining(code, image, frame, length);
	}
	return more + code->isr + code->parse + code->parse_byte * length +
	       code->take[type <= CATS_FRAME_ASK ? type : CATS_FRAME_SYNC] +
	       code->take_byte * payload_of(length);
}

double air_code_polled(const struct air_code *code, struct air_polled *last,
		       const struct cats_node *node)
{
	const struct air_polled was = *last;
	double close = code->close;

	if ((node->config.image->model->flags & CATS_FLAG_HOPS) != 0) {
		close += code->lay * node->code.total; /* of the next one */
	}
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
	uint8_t type = type_of(frame);
	double filled = code->copy_byte * payload_of(length);

	if (type == CATS_FRAME_CODED && relayed(image, frame)) {
		type = CATS_FRAME_DATA;
		filled = fragments_of(image, frame) *
			 (code->relay_build + code->relay_build_byte * payload_of(length));
	} else if (type == CATS_FRAME_CODED) {
		filled = combining(code, image, frame, length);
	}
	return code->build[type <= CATS_FRAME_ASK ? type : CATS_FRAME_SYNC] + filled + code->seal +
	       code->send + (code->seal_byte + code->send_byte) * length;
}
