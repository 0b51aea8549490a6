/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What node.c, exchange.c and job.c share. */

#ifndef CATS_NODE_INTERNAL_H_
#define CATS_NODE_INTERNAL_H_

#include <cats/node.h>

/* Exchanges without a sign of life after which a source is no longer asked for repair. */
#define GONE_EXCHANGES 4
/* A node may join an inference during its first gathers. */
#define JOIN_GATHERS 2
/* What start_us is, where it is not given: so many timeouts, or this. */
#define START_TIMEOUTS 10
#define START_MAX_US 60000000u
/* How far back an inference number counts as stale rather than as new. */
#define STALE_NUMBERS 64

static inline const struct cats_image *image_of(const struct cats_node *node)
{
	return node->config.image;
}

static inline uint8_t self_of(const struct cats_node *node)
{
	return node->config.image->header->node;
}

static inline struct cats_reception *current_of(struct cats_node *node)
{
	return &node->reception[node->air];
}

static inline struct cats_reception *previous_of(struct cats_node *node)
{
	return &node->reception[node->air ^ 1];
}

static inline struct cats_gather_stats *stats_of(struct cats_node *node, struct cats_exchange x)
{
	return &node->stats.gather[image_of(node)->gathers[x.gather].kind];
}

static inline bool same_exchange(struct cats_exchange a, struct cats_exchange b)
{
	return a.gather == b.gather && a.tile == b.tile;
}

/* Whether produce() of an exchange may come before consume() of @p x, the one before it. */
static inline bool streams(const struct cats_image *image, struct cats_exchange x,
			   struct cats_exchange next)
{
	return x.gather == next.gather && image->gathers[x.gather].buffers == 2;
}

/* exchange.c */

/* Wait for exchange x to be opened. */
void exchange_enter(struct cats_node *node, struct cats_exchange x);
/* When the round of a frame began; of a CODED frame only roughly. */
uint32_t exchange_base(const struct cats_image *image, const struct cats_frame *frame,
		       uint32_t start_us);
/* Take the clock, and a grant, from a frame of the exchange on the air. */
void exchange_clock(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
		    uint32_t now_us);
/* Rounds and the end, as time passes. */
void exchange_tick(struct cats_node *node, uint32_t now_us);
/* It is over. */
void exchange_close(struct cats_node *node, uint32_t now_us);
/* Nothing is added to what the node has of it. */
void exchange_finish(struct cats_node *node);
/* Earliest time at which exchange_tick() has something to do; false where there is none. */
bool exchange_wake(struct cats_node *node, uint32_t *at);
/* This node's next frame and the start of its slot; false where none is to be sent now. */
bool exchange_frame(struct cats_node *node, uint32_t now_us, struct cats_frame *frame,
		    uint32_t *at);
/* The driver takes that frame: write it into node->frame. */
uint16_t exchange_build(struct cats_node *node, struct cats_frame *frame, uint32_t at);

/* job.c */

/* The job that is due, into @p job; false where there is none. */
bool job_next(struct cats_node *node, struct cats_job *job);

/* node.c */

/* Go on to the next exchange as far as the jobs have come; end the inference after the last. */
void node_settle(struct cats_node *node, uint32_t now_us);

#endif /* CATS_NODE_INTERNAL_H_ */
