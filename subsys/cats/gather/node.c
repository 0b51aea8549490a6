/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* One node: inferences, leaders, and the way from one exchange to the next. doc/protocol.rst. */

#include <errno.h>
#include <string.h>

#include "node_internal.h"

static uint8_t nodes_of(const struct cats_node *node)
{
	return node->config.image->header->nodes;
}

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
	node->wary = image->header->nodes > 1;
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
		return node->running && node->used_input ? -EALREADY : -ENOENT;
	}
	node->pending = false;
	return 0;
}

/* Inferences */

static void begin(struct cats_node *node, uint16_t number, uint32_t now_us)
{
	node->running = true;
	node->begun = false;
	node->used_input = false;
	node->numbered = true;
	node->wary = false;
	node->number = number;
	node->seen = number;
	node->heard = 0;
	node->started_us = now_us;
	node->fragments = 0;
	node->lost = 0;
	node->leap = false;
	node->abandon = false;
	node->produced = false;
	node->produced_next = false;
	node->consumed = true; /* there is none before the first */
	node->consumed_air = false;
	if (node->silence) {
		node->not_before_us = now_us; /* what it was is long ago */
	}
	node->silence = false;
	node->heard_us = now_us;
	exchange_enter(node, (struct cats_exchange){0, 0});
}

void node_settle(struct cats_node *node, uint32_t now_us)
{
	const struct cats_image *image = image_of(node);

	while (node->running && !node->done && !node->told) {
		struct cats_exchange x = node->x;

		if (!node->closed &&
		    (node->abandon ||
		     (node->leap && cats_exchange_before(image, x, node->front)))) {
			exchange_close(node, now_us);
		}
		if (!node->closed || !node->consumed || !node->produced) {
			break;
		}
		if (node->last) {
			if (node->consumed_air) {
				node->done = true;
				node->ended_us = now_us;
				node->stats.inferences++;
			}
			break;
		}
		cats_exchange_next(image, &x);
		node->air ^= 1;
		node->consumed = node->consumed_air;
		node->consumed_air = false;
		node->produced = node->produced_next;
		node->produced_next = false;
		exchange_enter(node, x);
	}
}

static void tell_result(struct cats_node *node, struct cats_result *result)
{
	const struct cats_image *image = image_of(node);

	*result = (struct cats_result){
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

/* Frames */

/* What cats_frame_parse() returns for a frame that is dropped. */
static int reject(enum cats_reject reason)
{
	return -1 - reason;
}

static bool stale(uint16_t number, uint16_t last)
{
	return (uint16_t)(last - number) < STALE_NUMBERS;
}

/* Whether an idle node takes part in the inference that a frame belongs to. */
static bool joins(const struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		  bool silence)
{
	if (node->numbered && !silence && stale(frame->inference, node->number)) {
		return false;
	}
	if (!node->wary) {
		return frame->x.gather < JOIN_GATHERS;
	}
	/* It may have been in this inference before it restarted: only where that began later. */
	return frame->x.gather == 0 && frame->x.tile == 0 && frame->round == 0 &&
	       cats_time_diff(exchange_base(image_of(node), frame, start_us), node->born_us) >= 0;
}

/* The leader whom the sender of a frame follows, as far as the frame says. */
static uint8_t leader_of(const struct cats_node *node, const struct cats_frame *frame)
{
	switch (frame->type) {
	case CATS_FRAME_DATA:
		return frame->slot & 15;
	case CATS_FRAME_REPORT:
		return frame->index;
	case CATS_FRAME_CODED:
		return node->leader;
	default:
		return frame->source;
	}
}

/* Whether a leader may be followed: of two, the lower one, unless that is not heard any more. */
static bool acceptable(const struct cats_node *node, uint8_t leader)
{
	return leader <= node->leader || (!cats_node_leads(node) && node->quiet[node->leader] != 0);
}

/* Whether the tile buffer of the exchange on the air is free. */
static bool placeable(struct cats_node *node)
{
	return node->consumed || node->x.gather != previous_of(node)->x.gather ||
	       node->gather->buffers == 2;
}

static int take_payload(struct cats_node *node, const struct cats_frame *frame)
{
	struct cats_gather_stats *stats = stats_of(node, frame->x);
	bool used;

	if (frame->type == CATS_FRAME_REPORT && frame->round == node->round && !node->granted) {
		cats_counts_merge(image_of(node), frame->payload, node->counts);
		node->reported |= frame->slot == nodes_of(node) - 2;
	}
	if (frame->type != CATS_FRAME_DATA && frame->type != CATS_FRAME_CODED) {
		return 0;
	}
	if (!placeable(node)) {
		return reject(CATS_REJECT_BUSY);
	}
	if (frame->type == CATS_FRAME_DATA &&
	    frame->index < cats_fragment_count(image_of(node), frame->x, frame->source)) {
		used = cats_reception_data(image_of(node), current_of(node), node->config.arena,
					   frame);
		stats->heard += used;
	} else {
		used = cats_reception_coded(image_of(node), current_of(node), node->config.arena,
					    frame);
	}
	stats->duplicates += !used;
	return 0;
}

/* Take part in the inference of a frame, or go on to its exchange; else why not. */
static int catch_up(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us)
{
	const struct cats_image *image = image_of(node);
	bool accepted = acceptable(node, leader_of(node, frame));

	if (frame->inference != node->number) {
		if (frame->x.gather >= JOIN_GATHERS || stale(frame->inference, node->number)) {
			return reject(CATS_REJECT_INFERENCE);
		}
		if (!accepted) {
			return reject(CATS_REJECT_LEADER);
		}
		node->abandon = true;
		node_settle(node, now_us);
		return reject(CATS_REJECT_BUSY);
	}
	node->quiet[frame->source] = 0;
	node->heard |= (uint16_t)(1u << frame->source);
	if (cats_exchange_before(image, frame->x, node->x)) {
		return reject(CATS_REJECT_LATE);
	}
	if (!same_exchange(frame->x, node->x)) {
		if (!accepted) {
			return reject(CATS_REJECT_LEADER);
		}
		if (!node->leap || cats_exchange_before(image, node->front, frame->x)) {
			node->front = frame->x;
			node->leap = true;
		}
		node_settle(node, now_us);
		if (!same_exchange(frame->x, node->x)) {
			return reject(CATS_REJECT_BUSY);
		}
	}
	if (node->closed) {
		return reject(CATS_REJECT_LATE);
	}
	if (leader_of(node, frame) == frame->source && frame->source != node->leader) {
		if (accepted) {
			node->leader = frame->source;
		} else if (frame->type != CATS_FRAME_DATA) {
			return reject(CATS_REJECT_LEADER);
		}
	}
	return 0;
}

static int receive(struct cats_node *node, const uint8_t *data, size_t length, uint32_t start_us,
		   uint32_t now_us)
{
	bool silence = node->silence;
	struct cats_frame frame;
	int error = cats_frame_parse(image_of(node), data, length, &frame);

	if (error != 0) {
		return error;
	}
	node->heard_us = now_us;
	node->silence = false;
	if (!node->running) {
		if (!joins(node, &frame, start_us, silence)) {
			if (!node->numbered || frame.inference != node->number) {
				node->wary = true;
				node->born_us = now_us;
			}
			if (!node->numbered || !stale(frame.inference, node->seen)) {
				node->numbered = true;
				node->number = frame.inference - 1;
				node->seen = frame.inference;
			}
			return reject(CATS_REJECT_INFERENCE);
		}
		begin(node, frame.inference, now_us);
		node->leader = leader_of(node, &frame);
		if (cats_node_leads(node)) {
			node->leader = frame.source;
		}
	}
	error = catch_up(node, &frame, now_us);
	if (error != 0) {
		return error;
	}
	exchange_clock(node, &frame, start_us, now_us);
	return take_payload(node, &frame);
}

int cats_node_receive(struct cats_node *node, const uint8_t *data, size_t length, uint32_t start_us,
		      uint32_t now_us)
{
	int error = receive(node, data, length, start_us, now_us);

	if (error != 0) {
		node->stats.rejected[-1 - error]++;
		return -EBADMSG;
	}
	return 0;
}

int cats_node_sent(struct cats_node *node, bool sent, uint32_t start_us)
{
	if (!node->sending) {
		return -EINVAL;
	}
	node->sending = false;
	if (sent && node->sync && node->round == 0 && cats_node_leads(node)) {
		node->base_us = start_us;
	}
	node->sync = false;
	return 0;
}

/* Time */

/* Place in the order in which nodes take over from a leader that is gone, from 1. */
static uint32_t rank(const struct cats_node *node)
{
	uint32_t before = 0;

	for (uint32_t s = 0; s < self_of(node); s++) {
		before += s != node->leader && node->quiet[s] < GONE_EXCHANGES;
	}
	return before + 1;
}

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
	if (cats_time_diff(now_us, at) >= 0) {
		return true;
	}
	consider(todo, at);
	return false;
}

static void take_over(struct cats_node *node)
{
	node->leader = self_of(node);
	node->stats.takeovers++;
}

/* Whether the last exchange is all that is left, and this node has nothing to say in it. */
static bool exchange_is_for_others(struct cats_node *node)
{
	return node->last && cats_fragment_count(image_of(node), node->x, self_of(node)) == 0;
}

/* Who took over for a leader that is heard again, or whom it only failed to hear, steps back. */
static void step_back(struct cats_node *node)
{
	for (uint32_t s = 0; s < self_of(node) && cats_node_leads(node); s++) {
		if ((node->heard >> s & 1) && node->quiet[s] < GONE_EXCHANGES) {
			node->leader = s;
		}
	}
}

static void tick(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	uint32_t timeout_us = node->config.timeout_us;
	uint32_t since_us = node->heard_us;

	if (!node->silence && reached(todo, now_us, node->heard_us + timeout_us)) {
		node->silence = true;
		node->wary = false;
	}
	if (!node->running && node->pending && !node->wary) {
		if (self_of(node) < node->leader) {
			node->leader = self_of(node);
		}
		if (node->silence || cats_time_diff(node->submitted_us, since_us) > 0) {
			since_us = node->submitted_us;
		}
		if (!cats_node_leads(node) &&
		    reached(todo, now_us, since_us + rank(node) * node->config.start_us)) {
			take_over(node);
		}
		if (cats_node_leads(node)) {
			begin(node, node->numbered ? node->seen + 1 : node->config.first_inference,
			      now_us);
		}
	}
	if (!node->running || node->done) {
		return;
	}
	exchange_tick(node, now_us);
	if (!cats_node_leads(node) && !node->closed) {
		if (node->open && node->silence) {
			exchange_close(node, now_us);
		} else if (!node->open && exchange_is_for_others(node)) {
			/* Only the result is missed: no reason to wait for a new leader. */
			if (reached(todo, now_us,
				    node->heard_us + timeout_us / CATS_SILENT_EXCHANGES)) {
				exchange_close(node, now_us);
			}
		} else if (!node->open &&
			   reached(todo, now_us, node->heard_us + rank(node) * timeout_us)) {
			take_over(node);
		}
	}
	node_settle(node, now_us);
}

void cats_node_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_exchange x;
	struct cats_frame frame;
	struct cats_job job;
	uint32_t at;

	memset(todo, 0, sizeof(*todo));
	todo->forever = true;
	if (node->told) {
		node->told = false;
		node->running = false;
		step_back(node);
	}
	do {
		x = node->x;
		tick(node, now_us, todo);
	} while (node->running && !node->done && !same_exchange(x, node->x));
	todo->compute = job_next(node, &job);
	if (node->done) {
		node->done = false;
		node->told = true;
		todo->what = CATS_TODO_DONE;
		tell_result(node, &todo->result);
		return;
	}
	if (!node->running) {
		return;
	}
	if (exchange_wake(node, &at)) {
		consider(todo, at);
	}
	while (!node->sending && exchange_frame(node, now_us, &frame, &at)) {
		if (!reached(todo, now_us, at - node->config.lead_us)) {
			break;
		}
		todo->length = exchange_build(node, &frame, at);
		if (todo->length != 0) {
			node->sending = true;
			todo->what = CATS_TODO_SEND;
			todo->at = at;
			todo->frame = node->frame;
			stats_of(node, frame.x)->sent++;
			break;
		}
	}
}
