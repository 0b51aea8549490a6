/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The slots of an exchange: doc/protocol.rst, "Schedule". */

#include "node_internal.h"

/* Control slots and turns of cats_silence_us(), at most. */
#define CONTROL_US ((CATS_MAX_NODES + 8u) * UINT16_MAX)

_Static_assert((CATS_MAX_EXCHANGE_US + (uint64_t)CONTROL_US) * CATS_SILENT_EXCHANGES *
			       CATS_MAX_NODES <=
		       INT32_MAX,
	       "the last node to take over waits for as many silences as there are nodes");

bool cats_exchange_before(const struct cats_image *image, struct cats_exchange a,
			  struct cats_exchange b)
{
	uint8_t phase_a = image->gathers[a.gather].phase;
	uint8_t phase_b = image->gathers[b.gather].phase;

	/* Consecutive gathers of one phase take turns tile by tile. */
	if (phase_a == phase_b && a.tile != b.tile) {
		return a.tile < b.tile;
	}
	return a.gather < b.gather;
}

uint32_t cats_slot_first(const struct cats_image *image, struct cats_exchange x, uint8_t source)
{
	return cats_data_slot(image, x, 0, source);
}

uint32_t cats_sync_us(const struct cats_image *image, struct cats_exchange x)
{
	/* The first one is sent twice: who hears nothing of the first exchange may miss it all. */
	uint32_t slots = x.gather == 0 && x.tile == 0 ? 2 : 1;

	return slots * image->gathers[x.gather].control_us + image->gathers[x.gather].turn_us;
}

uint32_t cats_data_slot(const struct cats_image *image, struct cats_exchange x, uint8_t ahead,
			uint8_t source)
{
	uint32_t slots = 0;

	for (uint32_t s = 0; s < source; s++) {
		uint16_t fragments = cats_fragment_count(image, x, s);

		slots += fragments != 0 ? fragments + ahead : 0u;
	}
	return slots;
}

uint32_t cats_report_us(const struct cats_image *image, struct cats_exchange x, uint8_t slot)
{
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	uint8_t last = image->header->nodes - 2;

	/* A turn before the first, before the last, and before the grant. */
	return slot * gather->control_us + (1u + (slot >= last) + (slot > last)) * gather->turn_us;
}

uint32_t cats_data_us(const struct cats_image *image, struct cats_exchange x)
{
	uint32_t slots = relays(image) ? cats_hop_of(image, x.gather)->slots
				       : cats_slot_first(image, x, image->header->nodes);

	return cats_sync_us(image, x) + slots * image->gathers[x.gather].slot_us;
}

uint32_t cats_round_us(const struct cats_image *image, struct cats_exchange x)
{
	/* A report of every node but the leader, then the leader's grant, its copy, and a turn. */
	return cats_report_us(image, x, image->header->nodes + 1) +
	       image->gathers[x.gather].turn_us;
}

uint32_t cats_exchange_us(const struct cats_image *image, struct cats_exchange x)
{
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	uint32_t coded = image->header->nodes * (CATS_MAX_CODED + CATS_MAX_AHEAD) * gather->slot_us;

	return cats_data_us(image, x) + gather->rounds * (cats_round_us(image, x) + coded);
}

/* Whether an exchange is on no air: then nothing is heard for longer. */
static bool unheard(const struct cats_image *image, struct cats_exchange x)
{
	return MAY_BE_EMPTY && (image->model->flags & CATS_FLAG_EMPTY_GATHERS) != 0 &&
	       x.gather != 0 && cats_slot_first(image, x, image->header->nodes) == 0;
}

uint32_t cats_silence_us(const struct cats_image *image)
{
	struct cats_exchange x = {.gather = 0};
	uint32_t longest = 0;
	uint32_t us = 0;

	do {
		if (!unheard(image, x)) {
			us = cats_data_us(image, x) + cats_round_us(image, x);
		}
		us += image->gathers[x.gather].spacing_us;
		longest = us > longest ? us : longest;
	} while (cats_exchange_next(image, &x));
	return CATS_SILENT_EXCHANGES * longest;
}

uint8_t cats_ask_slots(const struct cats_image *image)
{
	if (relays(image)) {
		return image->header->nodes - 1; /* one of each but the leader */
	}
	return image->header->nodes > 2 ? 2 : 1;
}

/* Slots of a beacon, in which it is repeated as well. */
static uint32_t repeats_us(const struct cats_image *image)
{
	return (1u + repeats_of(image) * image->header->nodes) * repeat_us(image);
}

/* A beacon may be longer than other control frames: two slots. */
uint32_t cats_beacon_us(const struct cats_image *image, uint32_t period_us, uint8_t leader)
{
	uint32_t slots = relays(image) ? repeats_us(image) : 2u * image->gathers[0].control_us;
	uint32_t places = period_us / 4 / slots;

	return slots * (places > 1 ? leader % places : 0);
}

uint32_t cats_ask_us(const struct cats_image *image, uint8_t slot)
{
	const struct cats_image_gather *gather = &image->gathers[0];

	if (relays(image)) {
		/* Who hears one asks in the next slot. */
		return repeats_us(image) + slot * (gather->control_us + gather->turn_us);
	}
	return (2u + slot) * gather->control_us + gather->turn_us;
}

uint32_t cats_answer_us(const struct cats_image *image, uint8_t copy)
{
	const struct cats_image_gather *gather = &image->gathers[0];

	return cats_ask_us(image, cats_ask_slots(image)) + gather->turn_us +
	       3u * copy * gather->control_us / 2;
}

uint32_t cats_meeting_us(const struct cats_image *image)
{
	if (relays(image)) {
		return cats_ask_us(image, cats_ask_slots(image)); /* the next meeting answers */
	}
	/* Until the last answer is being received, if there is one. */
	return cats_answer_us(image, CATS_ANSWERS - 1) + image->gathers[0].control_us / 2;
}
