/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What a node does beside its jobs, counted call by call: an image of its own for QEMU's mps2-an386
 * (tests/benchmarks/m4/bench.h), compiled as firmware is. scripts/bench/gather.py builds it, gives
 * it the images of all nodes of a deployment, and reads what it prints: of each call the worst.
 */

#ifndef GATHER_H_
#define GATHER_H_

#include <cats/node.h>

#include "bench.h"

/* What QEMU's loader puts at IMAGE_ADDRESS, the nodes' images behind it. */
struct deployment {
	uint32_t nodes;
	uint32_t image[CATS_MAX_NODES]; /* byte offsets from here */
	uint32_t size[CATS_MAX_NODES];
};

/* worst.c: keep the worst of all counts of one name; units: how much it handled. */
void worst(const char *name, uint32_t instructions, uint32_t units);
/* Whether a call that took so many ticks may be the worst of its name. */
bool may_be_worst(const char *name, uint32_t ticks);
void report_worst(void);

/* pieces.c: functions by themselves, for frames of the size that there is. */
void pieces(const struct cats_engine *engine, struct cats_exchange x);

/* A frame on the air. */
struct flight {
	const uint8_t *frame;
	uint16_t length;
	uint32_t start;
	uint32_t end;
};

bool carries_payload(const uint8_t *frame);

/* calls.c: what a driver calls, and where the node is the one that is counted, the worst is kept.
 */
void calls_count(struct cats_node *node);
void calls_receive(struct cats_node *node, const struct flight *flight, uint32_t now);
void calls_poll(struct cats_node *node, struct cats_todo *todo, uint32_t now);
void calls_sent(struct cats_node *node, const struct flight *flight);
void calls_begin(struct cats_node *node, struct cats_job *job, uint32_t now);
/* The job itself, and its end. */
void calls_end(struct cats_node *node, const struct cats_job *job, uint32_t now);

/* air.c: what is lost in an inference of all nodes. */
enum loss {
	LOSS_NONE,
	LOSS_DATA,    /* a fragment in eight, at all nodes: all is repaired */
	LOSS_CONTROL, /* the same, and at the counted node all that says when */
	LOSSES,
};

/* air.c: all nodes, set up anew, and an inference in which the calls of one are counted. */
void air_infer(const struct deployment *deployment, uint32_t counted, enum loss loss);
const struct cats_engine *air_engine(uint32_t node);

#endif /* GATHER_H_ */
