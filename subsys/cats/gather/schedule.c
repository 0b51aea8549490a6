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
	uint32_t slots = 0;

	for (uint32_t s = 0; s < source; s++) {
		slots += cats_fragment_count(image, x, s);
	}
	return slots;
}

uint8_t cats_openings(const struct cats_image *image, struct cats_exchange x, uint32_t fragments)
{
	if (image->gathers[x.gather].rounds != 0 && fragments <= CATS_FEW_FRAGMENTS) {
		return 3;
	}
	return first_exchange(x) ? 2 : 1;
}

uint32_t cats_sync_us(const struct cats_image *image, struct cats_exchange x, uint8_t leader,
		      uint32_t fragments)
{
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	uint8_t openings = cats_openings(image, x, fragments);

	if (openings == 1 && leader == 0 && !relays(image) &&
	    cats_fragment_count(image, x, 0) != 0 &&
	    (image->model->flags & CATS_FLAG_SEALED) == 0) {
		/* Who speaks first behind it need not have heard it, if it seals soon. */
		return gather->control_us;
	}
	return openings * gather->control_us + gather->turn_us;
}

static inline bool over_ble(const struct cats_image *image)
{
	return (image->model->flags & CATS_FLAG_RADIO) == CATS_RADIO_BLE << CATS_RADIO_SHIFT;
}

bool cats_senses(const struct cats_image *image)
{
	return !over_ble(image);
}

uint8_t cats_need_slots(const struct cats_image *image)
{
	return over_ble(image) ? image->header->nodes : 1;
}

uint32_t cats_repair_turns(const struct cats_image *image, const struct cats_image_gather *gather,
			   uint32_t fragments, uint8_t effort, uint8_t round)
{
	uint32_t own = fragments / image->header->nodes;
	uint32_t least = effort == 0 ? 1 : effort;
	/* By what a node is to hear of others. */
	uint32_t turns = 4 + least * (fragments - own) / 6;

	uint32_t first = turns;

	if (round == 3) {
		return 4 + fragments / 8;
	}
	if (effort == 0 && gather->rounds > 1) {
		first = 2 + fragments / 24;
	}
	return round == 1 ? first : turns - first + 5 * least + own / 4;
}

uint32_t cats_need_us(const struct cats_image_gather *gather, uint8_t round, uint8_t slot)
{
	/* What is coded takes longer to be taken. */
	return (round > 1 ? 2u : 1u) * gather->turn_us + slot * gather->control_us;
}

uint32_t cats_round_us(const struct cats_image *image, const struct cats_image_gather *gather,
		       uint8_t round)
{
	uint32_t slots = cats_need_slots(image);
	/* Who speaks first builds its frame meanwhile. */
	uint32_t us = cats_coded_us(gather);

	if (slots == 1 && us > 2u * gather->turn_us) {
		us = 2u * gather->turn_us;
	}
	return cats_need_us(gather, round, slots) + us;
}

uint32_t cats_repair_us(const struct cats_image *image, const struct cats_image_gather *gather,
			uint32_t fragments, uint8_t effort, uint8_t round)
{
	uint32_t us = fragments * gather->slot_us;

	for (uint32_t r = 1; r < round; r++) {
		us += cats_round_us(image, gather, r) +
		      cats_repair_turns(image, gather, fragments, effort, r) *
			      cats_coded_us(gather);
	}
	return us;
}

/* Data slots of an exchange, of which the nodes of several hops have more than fragments. */
static uint32_t data_slots(const struct cats_image *image, struct cats_exchange x)
{
	return relays(image) ? cats_hop_of(image, x.gather)->slots
			     : cats_slot_first(image, x, image->header->nodes);
}

uint32_t cats_data_us(const struct cats_image *image, struct cats_exchange x)
{
	uint32_t slots = data_slots(image, x);

	return cats_sync_us(image, x, image->header->nodes, slots) +
	       slots * image->gathers[x.gather].slot_us;
}

uint32_t cats_exchange_us(const struct cats_image *image, struct cats_exchange x)
{
	const struct cats_image_gather *gather = &image->gathers[x.gather];
	uint32_t slots = data_slots(image, x);

	return cats_sync_us(image, x, image->header->nodes, slots) +
	       cats_repair_us(image, gather, slots, CATS_EFFORT_MAX, gather->rounds + 1);
}

uint16_t cats_coded_size(const struct cats_image *image, struct cats_exchange x)
{
	uint16_t longest = 0;

	if (relays(image)) {
		return cats_hop_of(image, x.gather)->size;
	}
	for (uint32_t s = 0; s < image->header->nodes; s++) {
		/* Of each source the first fragment: first segment, first rows; none is longer. */
		uint16_t size = cats_fragment_size(image, x, s, 0);

		longest = size > longest ? size : longest;
	}
	return (uint16_t)((cats_slot_first(image, x, image->header->nodes) + 7) / 8 + longest);
}

#if HOPS
uint32_t cats_hop_slot(const struct cats_image *image, uint8_t gather, uint8_t source,
		       uint32_t turn)
{
	const struct cats_image_hop *hop = cats_hop_of(image, gather);
	const uint8_t *list = image->base + hop->list;
	uint32_t slot = 0;

	while (slot < hop->slots && (list[slot] != source || turn-- != 0)) {
		slot++;
	}
	return slot;
}
#endif

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
			us = cats_data_us(image, x) +
			     cats_round_us(image, &image->gathers[x.gather], 1);
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
