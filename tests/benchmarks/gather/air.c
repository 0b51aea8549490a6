/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * All nodes of a deployment on an air of their own. A job takes JOB_US, a call no time: what is
 * looked for are the states in which it takes longest, not when that is.
 */

#include <string.h>

#include "crc32.h"
#include "gather.h"

#define POOL_SIZE (1024 * 1024)
#define LEAD_US 200
#define JOB_US 2000
#define AGES_US 600000000u

struct peer {
	struct cats_image image;
	struct cats_node node;
	struct cats_job job;
	bool computing;
	uint32_t computed;        /* when */
	struct flight flights[2]; /* the oldest first */
	uint32_t flying;
	uint32_t wake;
	bool asleep;     /* only an event wakes it */
	bool senses;     /* whether the air is busy, */
	uint32_t sensed; /* then */
	bool done;
	uint32_t missed; /* fragments */
	uint32_t output; /* CRC-32 */
};

static struct peer peers[CATS_MAX_NODES];
static uint64_t pool[POOL_SIZE / 8];
static uint32_t nodes;
static uint32_t now;
static const struct peer *deaf; /* to what LOSS_CONTROL is */
static enum loss lost;

static bool is_lost(const struct peer *receiver, const uint8_t *frame)
{
	const uint8_t type = frame[0] & 15;
	const bool first = frame[6] == 0 && frame[7] == 0;
	const uint32_t name = 5u * (receiver - peers) + 3u * frame[1] + 5u * frame[8];

	if (lost == LOSS_NONE || first) {
		return false;
	}
	return (type == CATS_FRAME_DATA && name % 8 == 0) ||
	       (lost == LOSS_CONTROL && receiver == deaf && type != CATS_FRAME_CODED);
}

static void wake(struct peer *peer)
{
	peer->wake = now;
	peer->asleep = false;
}

static void launch(struct peer *peer, const struct cats_todo *todo)
{
	const struct cats_image_gather *gather = &peer->image.gathers[todo->frame[6]];
	const uint32_t slot = carries_payload(todo->frame) ? gather->slot_us : gather->control_us;

	peer->flights[peer->flying++] = (struct flight){
		.frame = todo->frame,
		.length = todo->length,
		.start = todo->at,
		.end = todo->at + slot - slot / 8,
	};
}

static void land(struct peer *peer)
{
	for (uint32_t d = 0; d < nodes; d++) {
		if (&peers[d] != peer && !is_lost(&peers[d], peer->flights[0].frame)) {
			calls_receive(&peers[d].node, &peer->flights[0], now);
			wake(&peers[d]);
		}
	}
	calls_sent(&peer->node, &peer->flights[0]);
	peer->flights[0] = peer->flights[1];
	peer->flying--;
	wake(peer);
}

static void drive(struct peer *peer)
{
	struct cats_todo todo;

	do {
		calls_poll(&peer->node, &todo, now);
		if (todo.what == CATS_TODO_SEND) {
			launch(peer, &todo);
		}
		if (todo.what == CATS_TODO_SENSE) {
			peer->senses = true;
			peer->sensed = todo.at + 1;
		}
		if (todo.what == CATS_TODO_DONE && !peer->done) {
			peer->done = true;
			peer->missed = todo.result.lost;
			peer->output = cats_crc32(todo.result.output,
						  todo.result.rows * todo.result.columns *
							  sizeof(*todo.result.output));
		}
		if (todo.compute) {
			calls_begin(&peer->node, &peer->job, now);
			peer->computing = true;
			peer->computed = now + JOB_US;
		}
	} while (todo.compute || todo.what != CATS_TODO_WAIT);
	peer->wake = todo.at;
	peer->asleep = todo.forever;
}

static bool is_busy(void)
{
	for (uint32_t d = 0; d < nodes; d++) {
		if (peers[d].flying != 0 && cats_time_diff(peers[d].flights[0].start, now) <= 0) {
			return true;
		}
	}
	return false;
}

static void until(uint32_t *next, uint32_t at)
{
	if (cats_time_diff(at, *next) < 0) {
		*next = at;
	}
}

static void step(void)
{
	uint32_t next = now + AGES_US;

	for (uint32_t d = 0; d < nodes; d++) {
		if (!peers[d].asleep) {
			until(&next, peers[d].wake);
		}
		if (peers[d].flying != 0) {
			until(&next, peers[d].flights[0].end);
		}
		if (peers[d].computing) {
			until(&next, peers[d].computed);
		}
		if (peers[d].senses) {
			until(&next, peers[d].sensed);
		}
	}
	if (cats_time_diff(next, now) > 0) {
		now = next;
	}
	for (uint32_t d = 0; d < nodes; d++) {
		while (peers[d].flying != 0 && cats_time_diff(peers[d].flights[0].end, now) <= 0) {
			land(&peers[d]);
		}
	}
	for (uint32_t d = 0; d < nodes; d++) {
		if (peers[d].senses && cats_time_diff(peers[d].sensed, now) <= 0) {
			peers[d].senses = false;
			cats_node_sensed(&peers[d].node, is_busy());
			wake(&peers[d]);
		}
	}
	for (uint32_t d = 0; d < nodes; d++) {
		if (peers[d].computing && cats_time_diff(peers[d].computed, now) <= 0) {
			peers[d].computing = false;
			calls_end(&peers[d].node, &peers[d].job, now);
			wake(&peers[d]);
		}
	}
	for (uint32_t d = 0; d < nodes; d++) {
		if (!peers[d].asleep && cats_time_diff(peers[d].wake, now) <= 0) {
			drive(&peers[d]);
		}
	}
}

static void open_nodes(const struct deployment *deployment)
{
	uint8_t *arena = (uint8_t *)pool;

	memset(peers, 0, sizeof(peers));
	nodes = deployment->nodes;
	for (uint32_t d = 0; d < nodes; d++) {
		struct peer *peer = &peers[d];
		struct cats_node_config config = {
			.image = &peer->image,
			.arena = arena,
			.lead_us = LEAD_US,
		};

		if (cats_image_verify((const uint8_t *)deployment + deployment->image[d],
				      deployment->size[d], &peer->image) != 0) {
			stop(6);
		}
		config.arena_size = peer->image.header->arena_size;
		arena += (config.arena_size + 7) / 8 * 8;
		if (arena > (uint8_t *)pool + sizeof(pool) ||
		    cats_node_init(&peer->node, &config, now) != 0) {
			stop(7);
		}
		/* Inputs of zeros. */
		(void)cats_node_submit(&peer->node, NULL, now);
		wake(peer);
	}
}

static bool all_done(void)
{
	for (uint32_t d = 0; d < nodes; d++) {
		if (!peers[d].done) {
			return false;
		}
	}
	return true;
}

void air_infer(const struct deployment *deployment, uint32_t counted, enum loss loss)
{
	open_nodes(deployment);
	calls_count(&peers[counted].node);
	deaf = &peers[counted];
	lost = loss;
	while (!all_done()) {
		step();
	}
	report("output", peers[counted].missed, loss * nodes + counted, peers[counted].output);
}

const struct cats_engine *air_engine(uint32_t node)
{
	return &peers[node].node.engine;
}
