/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The bytes of a frame: doc/protocol.rst, "Frames". */

#include "node_internal.h"

#if HOPS
const struct cats_image_hop *cats_hop_of(const struct cats_image *image, uint32_t gather)
{
	return cats_hops(image) + gather;
}
#endif

/* CRC-16, polynomial 0x1021, a byte at a time without a table. */
static uint16_t crc16(uint16_t crc, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t x = (uint32_t)(crc >> 8) ^ data[i];

		x ^= x >> 4;
		crc = (uint16_t)((uint32_t)crc << 8 ^ x << 12 ^ x << 5 ^ x);
	}
	return crc;
}

uint16_t cats_frame_key(const struct cats_image *image, uint32_t group)
{
	uint8_t names[8];

	for (uint32_t i = 0; i < 4; i++) {
		names[i] = (uint8_t)(image->header->model_id >> 8 * i);
		names[4 + i] = (uint8_t)(group >> 8 * i);
	}
	return crc16(0xffff, names, sizeof(names));
}

/* Of all but the check itself. */
static uint16_t check_of(uint16_t key, const uint8_t *data, size_t length)
{
	return crc16(crc16(key, data, 2), data + 4, length - 4);
}

uint16_t cats_frame_seal(uint16_t key, const struct cats_frame *frame, uint8_t *buffer)
{
	uint16_t length = (uint16_t)(CATS_FRAME_HEADER + frame->length);
	uint16_t check;

	buffer[0] = (uint8_t)(CATS_PROTOCOL_VERSION << 4 | frame->type);
	buffer[1] = (uint8_t)(frame->round << 4 | frame->source);
	buffer[4] = (uint8_t)frame->inference;
	buffer[5] = (uint8_t)(frame->inference >> 8);
	buffer[6] = (uint8_t)frame->x.gather;
	buffer[7] = frame->x.tile;
#if CATS_TEXTS
	/* One of INPUT, the other behind it; there is one tile then. */
	buffer[7] += frame->x.owner + frame->lack;
#endif
	buffer[8] = frame->index;
	buffer[9] = frame->slot;
	check = check_of(key, buffer, length);
	buffer[2] = (uint8_t)check;
	buffer[3] = (uint8_t)(check >> 8);
	return length;
}

#if CATS_TEXTS
bool cats_tells_text(const struct cats_image *image, const struct cats_frame *frame)
{
	return (image->model->flags & CATS_FLAG_LLAMA) != 0 && frame->length == CATS_TEXT_SIZE &&
	       (frame->type == CATS_FRAME_SYNC || frame->type == CATS_FRAME_ASK) &&
	       first_exchange(frame->x);
}
#endif

/* The fields that depend on the type. */
static int check_type(const struct cats_image *image, const struct cats_frame *f)
{
	uint8_t rounds = image->gathers[f->x.gather].rounds;
	uint8_t effort = rounds > 1 ? CATS_EFFORT : 0;
	uint8_t nodes = image->header->nodes;
	uint8_t last_index = 0;
	uint8_t last_slot = 0;
	uint16_t length = 0;

	switch (f->type) {
	case CATS_FRAME_SYNC:
		last_slot = (uint8_t)(cats_openings(image, f->x, 0) - 1); /* or fewer */
		last_index = f->index & (effort | (first_exchange(f->x) ? CATS_DULL : 0));
		break;
	case CATS_FRAME_DATA:
		if (f->index >= cats_fragment_count(image, f->x, f->source) ||
		    (f->slot & ~(CATS_DULL | effort)) >= nodes) {
			return -1 - CATS_REJECT_FRAGMENT;
		}
		last_index = f->index;
		last_slot = f->slot;
		length = cats_fragment_size(image, f->x, f->source, f->index);
		break;
	case CATS_FRAME_NEED:
		last_index = (f->index & (CATS_NEEDED | effort)) + nodes - 1;
		last_slot = cats_need_slots(image) - 1;
		break;
	case CATS_FRAME_CODED:
		last_index = (f->index & effort) + nodes - 1;
		last_slot = UINT8_MAX;
		length = f->length; /* cats_code_take() knows it */
		if (relays(image)) {
			last_slot = (uint8_t)cats_hop_of(image, f->x.gather)->slots;
			length = cats_hop_of(image, f->x.gather)->size;
		}
		break;
	case CATS_FRAME_ASK:
		if (f->x.gather != 0 || f->x.tile != 0) {
			return -1 - CATS_REJECT_EXCHANGE;
		}
		last_index = 1;
		break;
#ifndef CATS_NO_SLEEP
	case CATS_FRAME_BEACON:
		if (f->x.gather != 0 || f->x.tile != 0) {
			return -1 - CATS_REJECT_EXCHANGE;
		}
		last_index = CATS_BEACON_BEGIN | CATS_BEACON_GUESS;
		last_slot = CATS_ANSWERS;
		if (relays(image)) {
			last_index += (uint8_t)((nodes - 1u) << CATS_BEACON_LEADER);
			last_slot = (uint8_t)(repeats_of(image) * nodes);
		}
		length = CATS_BEACON_SIZE;
		break;
#endif
	default:
		return -1 - CATS_REJECT_TYPE;
	}
	if (f->type <= CATS_FRAME_DATA || f->type >= CATS_FRAME_ASK || relays(image)
		    ? f->round != 0
		    : f->round < 1 || f->round > rounds) {
		return -1 - CATS_REJECT_EXCHANGE;
	}
	if (f->index > last_index || f->slot > last_slot) {
		return -1 - CATS_REJECT_FRAGMENT;
	}
	return f->length == length || cats_tells_text(image, f) ? 0 : -1 - CATS_REJECT_LENGTH;
}

int cats_frame_parse(const struct cats_image *image, uint16_t key, const uint8_t *data,
		     size_t length, struct cats_frame *f)
{
	const struct cats_image_gather *gather;

	if (length < CATS_FRAME_HEADER || length > CATS_FRAME_MAX) {
		return -1 - CATS_REJECT_SHORT;
	}
	if (data[0] >> 4 != CATS_PROTOCOL_VERSION) {
		return -1 - CATS_REJECT_VERSION;
	}
	if (check_of(key, data, length) != (data[2] | data[3] << 8)) {
		return -1 - CATS_REJECT_CHECK;
	}
	f->type = data[0] & 15;
	f->source = data[1] & 15;
	f->round = data[1] >> 4;
	f->inference = (uint16_t)(data[4] | data[5] << 8);
	f->x.gather = data[6];
	f->x.tile = data[7];
	f->index = data[8];
	f->slot = data[9];
	f->payload = data + CATS_FRAME_HEADER;
	f->length = (uint16_t)(length - CATS_FRAME_HEADER);
	if (f->source >= image->header->nodes || f->source == image->header->node) {
		return -1 - CATS_REJECT_SOURCE;
	}
	if (f->x.gather >= image->header->gathers) {
		return -1 - CATS_REJECT_EXCHANGE;
	}
#if CATS_TEXTS
	f->x.owner = 0;
	f->lack = 0;
	if ((image->model->flags & CATS_FLAG_LLAMA) != 0 && f->type == CATS_FRAME_DATA &&
	    f->x.gather != 0) {
		f->lack = f->x.tile;
		f->x.tile = 0;
	}
	if (f->x.gather == 0 && has_rows(image)) {
		f->x.owner = f->x.tile;
		f->x.tile = 0;
		if (f->x.owner >= image->header->nodes) {
			return -1 - CATS_REJECT_EXCHANGE;
		}
	}
#endif
	gather = &image->gathers[f->x.gather];
	if ((uint32_t)f->x.tile * gather->tile_rows >= gather->rows) {
		return -1 - CATS_REJECT_EXCHANGE;
	}
	return check_type(image, f);
}

static uint32_t get32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static void put32(uint8_t *to, uint32_t value)
{
	for (uint32_t i = 0; i < 4; i++) {
		to[i] = (uint8_t)(value >> 8 * i);
	}
}

void cats_beacon_pack(const struct cats_beacon *beacon, uint8_t *payload)
{
	put32(payload, beacon->next_us);
	put32(payload + 4, beacon->period_us);
	payload[8] = (uint8_t)beacon->meeting;
	payload[9] = (uint8_t)(beacon->meeting >> 8);
}

bool cats_beacon_unpack(const uint8_t *payload, struct cats_beacon *beacon)
{
	beacon->next_us = get32(payload);
	beacon->period_us = get32(payload + 4);
	beacon->meeting = (uint16_t)(payload[8] | payload[9] << 8);
	/* A leader calls before its first meeting, and who joins another's may leave one out. */
	return beacon->period_us >= CATS_PERIOD_MIN_US && beacon->period_us <= CATS_PERIOD_MAX_US &&
	       beacon->next_us >= CATS_PERIOD_MIN_US / 10 &&
	       beacon->next_us <= 2 * CATS_PERIOD_MAX_US;
}
