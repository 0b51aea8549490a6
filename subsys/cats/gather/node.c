/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* One node: its phases, leaders that are gone, and what its driver is to do. doc/protocol.rst. */

#include <errno.h>
#include <string.h>

#include "node_internal.h"

/* What start_us is, where it is not given: so many timeouts, or this. */
#define START_TIMEOUTS 10
#define START_MAX_US 60000000u

bool cats_node_leads(const struct cats_node *node)
{
	return node->leader == self_of(node);
}

int cats_node_init(struct cats_node *node, const struct cats_node_config *config, uint32_t now_us)
{
	const struct cats_image *image = config->image;
	uint16_t mtu = config->mtu != 0 ? config->mtu : CATS_FRAME_MAX;
	int error;

	if (image == NULL || config->arena == NULL) {
		return -EINVAL;
	}
	for (uint32_t g = 0; g < image->header->gathers; g++) {
		for (uint32_t s = 0; s < image->header->nodes; s++) {
			struct cats_exchange x = {g, 0};

			if (CATS_FRAME_HEADER + cats_coded_size(image, x, s) >
			    (mtu < CATS_FRAME_MAX ? mtu : CATS_FRAME_MAX)) {
				return -EMSGSIZE;
			}
		}
	}
	memset(node, 0, sizeof(*node));
	error = cats_engine_init(&node->engine, image, config->arena, config->arena_size);
	if (error != 0) {
		return error;
	}
	node->config = *config;
	if (node->config.timeout_us == 0) {
		node->config.timeout_us = cats_silence_us(image);
	}
	if (node->config.start_us == 0) {
		node->config.start_us = START_TIMEOUTS * node->config.timeout_us < START_MAX_US
						? START_TIMEOUTS * node->config.timeout_us
						: START_MAX_US;
	}
	node->phase = image->header->nodes > 1 ? CATS_NODE_STARTING : CATS_NODE_WAITING;
	node->born_us = now_us;
	node->heard_us = now_us;
	node->not_before_us = now_us;
	return 0;
}

int cats_node_submit(struct cats_node *node, const int8_t *input, uint32_t now_us)
{
	if (node->pending) {
		return -EBUSY;
	}
	node->pending = true;
	node->input = input;
	node->submitted_us = now_us;
	return 0;
}

int cats_node_withdraw(struct cats_node *node)
{
	if (!node->pending) {
		return cats_node_runs(node) && node->used_input ? -EALREADY : -ENOENT;
	}
	node->pending = false;
	return 0;
}

int cats_node_sent(struct cats_node *node, bool sent, uint32_t start_us)
{
	if (node->sending == CATS_SENDING_NOTHING) {
		return -EINVAL;
	}
	if (sent && node->sending == CATS_SENDING_SYNC && node->round == 0 &&
	    cats_node_leads(node)) {
		node->base_us = start_us;
	}
	node->sending = CATS_SENDING_NOTHING;
	return 0;
}

/* Time */

static void consider(struct cats_todo *todo, uint32_t at)
{
	if (todo->forever || cats_time_diff(at, todo->at) < 0) {
		todo->at = at;
	}
	todo->forever = false;
}

/* Whether a time has come; else poll() is to be called then. */
static bool reached(struct cats_todo *todo, uint32_t now_us, uint32_t at)
{
	if (past(now_us, at)) {
		return true;
	}
	consider(todo, at);
	return false;
}

/* Leaders */

/* Place in the order in which nodes take over from a leader that is gone, from 1. */
static uint32_t rank(const struct cats_node *node)
{
	uint32_t before = 0;

	for (uint32_t s = 0; s < self_of(node); s++) {
		before += s != node->leader && !source_gone(node, s);
	}
	return before + 1;
}

static void take_over(struct cats_node *node)
{
	node->leader = self_of(node);
	node->stats.takeovers++;
}

/* Who took over for a leader that is heard again, or whom it only failed to hear, steps back. */
static void step_back(struct cats_node *node)
{
	for (uint32_t s = 0; s < self_of(node) && cats_node_leads(node); s++) {
		if ((node->heard >> s & 1) && !source_gone(node, s)) {
			node->leader = s;
		}
	}
}

/* An idle leader is taken for gone when it does not open an inference for this node's input. */
static bool idle_leader_gone(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	uint32_t since_us = node->heard_us;

	if (node->silence || cats_time_diff(node->submitted_us, since_us) > 0) {
		since_us = node->submitted_us;
	}
	return reached(todo, now_us, since_us + rank(node) * node->config.start_us);
}

/* In an inference a leader is taken for gone when nobody is heard where it is to open an exchange:
 * the leader itself, and all who take over before this node.
 */
static bool leader_gone(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	return reached(todo, now_us, node->heard_us + rank(node) * node->config.timeout_us);
}

/* The last exchange is all that is left, and this node has nothing to say in it. */
static bool exchange_is_for_others(const struct cats_node *node)
{
	return last_exchange(node) && fragments_of(node, self_of(node)) == 0;
}

/* A follower's exchange without its leader: over, or led by this node. */
static void miss_leader(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	if (node->exchange == CATS_EXCHANGE_OVER || cats_node_leads(node)) {
		return;
	}
	if (node->exchange != CATS_EXCHANGE_WAITING) {
		if (node->silence) {
			cats_exchange_close(node, now_us);
		}
	} else if (exchange_is_for_others(node)) {
		/* Only the result is missed: no reason to wait for a new leader. */
		if (reached(todo, now_us,
			    node->heard_us + node->config.timeout_us / CATS_SILENT_EXCHANGES)) {
			cats_exchange_close(node, now_us);
		}
	} else if (leader_gone(node, now_us, todo)) {
		take_over(node);
	}
}

/* Phases: one function each */

static void waiting(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	if (!node->pending) {
		return;
	}
	if (self_of(node) < node->leader) {
		node->leader = self_of(node);
	}
	if (!cats_node_leads(node) && idle_leader_gone(node, now_us, todo)) {
		take_over(node);
	}
	if (cats_node_leads(node)) {
		cats_inference_begin(node,
				     node->numbered ? node->seen + 1 : node->config.first_inference,
				     now_us);
	}
}

static void running(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_exchange x;

	do {
		x = node->x;
		cats_exchange_tick(node, now_us);
		miss_leader(node, now_us, todo);
		cats_inference_settle(node, now_us);
	} while (node->phase == CATS_NODE_RUNNING && !same_exchange(x, node->x));
}

static void done(struct cats_node *node, struct cats_todo *todo)
{
	const struct cats_image *image = image_of(node);

	node->phase = CATS_NODE_TOLD;
	todo->what = CATS_TODO_DONE;
	todo->result = (struct cats_result){
		.output = cats_engine_output(&node->engine),
		.rows = cats_output_rows(image),
		.columns = image->model->outputs,
		.inference = node->number,
		.submitted = node->used_input,
		.led = cats_node_leads(node),
		.silent = (uint16_t)(~(node->heard | 1u << self_of(node)) &
				     ((1u << nodes_of(node)) - 1)),
		.fragments = node->fragments,
		.lost = node->lost,
		.started_us = node->started_us,
		.ended_us = node->ended_us,
	};
}

/* The frame whose time has come, if there is one. */
static void hand_out(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_frame frame;
	uint32_t at;

	while (node->sending == CATS_SENDING_NOTHING && cats_send_next(node, now_us, &frame, &at)) {
		if (!reached(todo, now_us, at - node->config.lead_us)) {
			break;
		}
		todo->length = cats_send_build(node, &frame, at);
		if (todo->length != 0) {
			todo->what = CATS_TODO_SEND;
			todo->at = at;
			todo->frame = node->frame;
			stats_of(node, frame.x)->sent++;
		}
	}
}

void cats_node_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_job job;
	uint32_t at;

	memset(todo, 0, sizeof(*todo));
	todo->forever = true;
	if (node->phase == CATS_NODE_TOLD) {
		node->phase = CATS_NODE_WAITING;
		step_back(node);
	}
	if (!node->silence && reached(todo, now_us, node->heard_us + node->config.timeout_us)) {
		node->silence = true;
	}
	if (node->phase == CATS_NODE_STARTING && node->silence) {
		node->phase = CATS_NODE_WAITING;
	}
	if (node->phase == CATS_NODE_WAITING) {
		waiting(node, now_us, todo);
	}
	if (node->phase == CATS_NODE_RUNNING) {
		running(node, now_us, todo);
	}
	todo->compute = cats_inference_job(node, &job);
	if (node->phase == CATS_NODE_DONE) {
		done(node, todo);
	} else if (node->phase == CATS_NODE_RUNNING) {
		if (cats_exchange_wake(node, &at)) {
			consider(todo, at);
		}
		hand_out(node, now_us, todo);
	}
}
