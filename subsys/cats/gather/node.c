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
/* So many times start_us an input waits at most, whatever is heard. */
#define PATIENCE 4

bool cats_node_leads(const struct cats_node *node)
{
	return leads(node);
}

/* The longest payload of a gather's frames. */
static uint16_t longest_payload(const struct cats_image *image, uint32_t g)
{
	bool coded = relays(image) || image->gathers[g].rounds != 0;
	uint16_t longest = 0;

	for (uint32_t s = 0; s < image->header->nodes; s++) {
		struct cats_exchange x = {
			.gather = (uint16_t)g,
#if CATS_TEXTS
			.owner = (uint8_t)s,
#endif
		};
		uint16_t size =
			coded ? cats_coded_size(image, x) : cats_fragment_size(image, x, s, 0);

		longest = size > longest ? size : longest;
	}
	return longest;
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
		if (CATS_FRAME_HEADER + longest_payload(image, g) >
		    (mtu < CATS_FRAME_MAX ? mtu : CATS_FRAME_MAX)) {
			return -EMSGSIZE;
		}
	}
#ifndef CATS_NO_SLEEP
	if (relays(image) && config->period_us != 0 &&
	    (repeats_of(image) == 0 || repeats_of(image) > CATS_MAX_REPEATS)) {
		return -ENOTSUP;
	}
#endif
	memset(node, 0, sizeof(*node));
	error = cats_engine_init(&node->engine, image, config->arena, config->arena_size);
	if (error != 0) {
		return error;
	}
	node->config = *config;
	node->key = cats_frame_key(image, config->group);
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
	return cats_sleep_init(node, now_us);
}

/* When to ask an idle leader: not before it could open an inference itself, and one after the
 * other.
 */
static uint32_t ask_after(const struct cats_node *node, uint32_t now_us)
{
	return now_us + node->config.timeout_us / CATS_SILENT_EXCHANGES +
	       self_of(node) * image_of(node)->gathers[0].control_us;
}

int cats_node_submit(struct cats_node *node, const int8_t *input, uint32_t now_us)
{
	if (node->pending) {
		return -EBUSY;
	}
#ifndef CATS_NO_STREAM
	if (is_stream(node) && !is_text(node) &&
	    cats_node_position(node) == cats_context_rows(image_of(node))) {
		return -EOVERFLOW;
	}
#endif
	node->pending = true;
	node->input = input;
	node->submitted_us = now_us;
	node->ask_us = ask_after(node, now_us);
	return 0;
}

#if CATS_TEXTS
int cats_node_next(struct cats_node *node, uint32_t now_us)
{
	if (node->pending) {
		return -EBUSY;
	}
	return cats_text_next(node)
		       ? cats_node_submit(node, (const int8_t *)&node->texts.offered, now_us)
		       : -ENODATA;
}
#endif

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
	if (node->sending == 0) {
		return -EINVAL;
	}
	if (sent && (node->opening >> node->oldest & 1) && node->round == 0 && leads(node)) {
		node->base_us += start_us - node->opened_us;
		node->opened_us = start_us;
	}
	cats_sleep_sent(node, sent, start_us);
	node->opening &= (uint8_t)~(1 << node->oldest);
	node->oldest ^= 1;
	node->sending--;
	return 0;
}

/* Leaders */

/* Who took over for a leader that is heard again, or whom it only failed to hear, steps back. */
static void step_back(struct cats_node *node)
{
	for (uint32_t s = 0; s < self_of(node) && leads(node); s++) {
		if ((node->heard >> s & 1) && !source_gone(node, s)) {
			node->leader = s;
		}
	}
}

/* An idle leader is taken for gone when it does not open an inference for this node's input: not
 * while others are heard, but they do not hold it up for ever.
 */
static bool idle_leader_gone(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	uint32_t wait_us = rank(node) * node->config.start_us;
	uint32_t latest_us = node->submitted_us + (PATIENCE - 1) * wait_us;
	uint32_t since_us = node->heard_us;

	if (node->silence || !past(since_us, node->submitted_us)) {
		since_us = node->submitted_us;
	} else if (past(since_us, latest_us)) {
		since_us = latest_us;
	}
	return reached(todo, now_us, since_us + wait_us);
}

/* Whether this node may begin an inference: where others are in one, it waits for a silence. */
static bool air_is_free(const struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	return node->phase == CATS_NODE_WAITING || node->silence ||
	       reached(todo, now_us, node->submitted_us + PATIENCE * node->config.start_us);
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
	if (node->exchange == CATS_EXCHANGE_OVER || leads(node)) {
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
		if (hears_enough(node)) {
			take_over(node);
		} else {
			cats_exchange_close(node, now_us); /* others may go on all the same */
		}
	}
}

/* Phases: one function each */

static void waiting(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	if (!node->pending || !air_is_free(node, now_us, todo)) {
		return;
	}
	if (self_of(node) < node->leader) {
		node->leader = self_of(node);
	}
	if (!leads(node) && idle_leader_gone(node, now_us, todo)) {
		take_over(node);
	}
#if CATS_TEXTS
	if (leads(node) && cats_replay_holds(node, now_us, todo)) {
		return;
	}
#endif
	if (leads(node)) {
		cats_inference_found(node, now_us);
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
		.led = leads(node),
		.silent = (uint16_t)(~(node->heard | 1u << self_of(node)) &
				     ((1u << nodes_of(node)) - 1)),
		.fragments = node->fragments,
		.lost = node->lost,
		.started_us = node->started_us,
		.ended_us = node->ended_us,
	};
#ifndef CATS_NO_STREAM
	todo->result.position = node->engine.position;
	todo->result.known = cats_engine_rows(&node->engine);
#endif
#if CATS_TEXTS
	cats_text_result(node, &todo->result);
#endif
}

/* Slots by which a coded frame of repair is built earlier, since others are taken meanwhile. */
#define CODED_EARLY 3

/* Frames that carry a payload are handed out a slot earlier: they are ready when the one before
 * them is still on the air. What the others answer to is not known so early.
 */
static uint32_t lead_of(const struct cats_node *node, const struct cats_frame *frame)
{
	bool payload = frame->type == CATS_FRAME_DATA || frame->type == CATS_FRAME_CODED;
	uint32_t slots = frame->round != 0 ? CODED_EARLY : 1;

	return node->config.lead_us + (payload ? slots * cats_coded_us(node->gather) : 0);
}

/* The frame whose time has come, if there is one. */
static void send_due(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_frame frame;
	uint32_t at;

	while (todo->what == CATS_TODO_WAIT && node->sending < 2 &&
	       cats_send_next(node, now_us, &frame, &at) &&
	       reached(todo, now_us, at - lead_of(node, &frame))) {
		hand_out(node, &frame, at, todo);
	}
}

/* Ask an idle leader for an inference: who has no input does not begin one. */
static void ask(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_frame frame = {
		.type = CATS_FRAME_ASK,
		.source = self_of(node),
		.inference = cats_next_number(node),
		.index = !node->numbered,
	};

	bool asks = node->pending;

#if HOPS
	if (!asks && node->asked) {
		asks = true;
		frame.inference = node->asked_number;
	}
#endif
	if (!asks || leads(node) || node->sending != 0 ||
	    (node->phase != CATS_NODE_WAITING && !node->silence) ||
	    !reached(todo, now_us, node->ask_us)) {
		return;
	}
#if HOPS
	node->asked = false;
#endif
	node->ask_us = now_us + node->config.timeout_us;
	hand_out(node, &frame, now_us + node->config.lead_us, todo);
}

void cats_node_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_job job;
	uint32_t at;

	memset(todo, 0, sizeof(*todo));
	todo->forever = true;
	if (node->phase == CATS_NODE_TOLD) {
		/* Who left one inference for another begins none before that is heard or over. */
		node->phase = node->abandon ? CATS_NODE_LISTENING : CATS_NODE_WAITING;
		if (sleeps(node)) {
			cats_sleep_resume(node, now_us);
		} else {
			step_back(node);
		}
	}
	/* First: who goes to sleep waits for no silence. */
	if (sleeps(node) && !cats_node_runs(node)) {
		cats_sleep_poll(node, now_us, todo);
		if (todo->what != CATS_TODO_WAIT) {
			return; /* poll() comes again at once */
		}
	}
	if (!node->silence && reached(todo, now_us, node->heard_us + node->config.timeout_us)) {
		node->silence = true;
		node->ask_us = ask_after(node, now_us);
	}
	if (node->phase == CATS_NODE_LISTENING && node->silence) {
		node->phase = CATS_NODE_WAITING;
	}
	if (!sleeps(node) && !cats_node_runs(node)) {
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
		send_due(node, now_us, todo);
	} else if (!sleeps(node)) {
		ask(node, now_us, todo);
	}
}
