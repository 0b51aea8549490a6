/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the parts of the simulated air share: air_node.c (one node behind its antenna) <
 * air_faults.c (what goes wrong) < air_frame.c (frames on the air) < air_babble.c (frames that
 * nobody expects) < air.c (the run).
 */

#ifndef CATS_AIR_INTERNAL_H_
#define CATS_AIR_INTERNAL_H_

#include <cats/node.h>

#include "air.h"

#define AIR_NEVER INT64_MAX
#define AIR_COPIES 64 /* frames that are delayed or duplicated at a time */
#define AIR_WAITING                                                                                \
	3 /* frames that a driver holds, as nrf_radio with 4, of which one is received */

/* Streams of random numbers: splitmix64, each with its own start. */
enum purpose {
	RANDOM_LOSS,
	RANDOM_DUPLICATE,
	RANDOM_DELAY,
	RANDOM_FLIP,
	RANDOM_JOB,
	RANDOM_WOBBLE,
	RANDOM_BLIND,
	RANDOM_PURPOSES,
};

struct frame {
	int source;
	uint32_t number;
	int64_t start_ns;
	int64_t told_ns; /* what counts as its start */
	int64_t end_ns;
	uint16_t length;
	uint32_t destroyed; /* bit r: at antenna r */
	uint32_t unheard;   /* bit r: antenna r does not listen */
	uint8_t data[CATS_FRAME_MAX];
};

/* A frame that one receiver hears later. */
struct copy {
	int64_t at_ns; /* AIR_NEVER: the entry is free */
	int receiver;
	uint32_t boot;
	int64_t start_ns;
	uint16_t length;
	uint8_t data[CATS_FRAME_MAX];
};

/* A frame that waits for the processor. */
struct waiting {
	int64_t start_ns;
	uint16_t length;
	uint8_t data[CATS_FRAME_MAX];
};

struct antenna {
	struct air *air;
	struct cats_image image;
	struct cats_node node;
	struct cats_node_config config;
	uint8_t *arena;
	bool on;
	bool heard; /* anything since the last submit */
	bool began; /* an inference since the last submit, of that number */
	uint16_t number;
	int64_t begun_ns; /* when its last one began */
	int64_t off_ns;
	uint32_t boot; /* times it went on */
	int64_t boot_ns;
	int64_t wake_ns;
	/* The processor: until when the air queue has it, what waits for that (the oldest first,
	 * and whether the first is being taken), and how many own frames have ended.
	 */
	int64_t free_ns;
	int heard_count;
	bool taking;
	struct waiting ring[AIR_WAITING];
	int ended_count;
	int64_t ended_ns[2]; /* what counts as their start */
	uint64_t code_ns;
	struct air_span *code_span; /* the last one of this node's code, if it is kept */
	int64_t code_end_ns;
	struct air_polled polled;
	int32_t jump_us;   /* its clock's, so far */
	int32_t wobble_us; /* its clock's, since it slept last */
	/* job */
	bool computing;
	bool ran;
	struct cats_job job;
	int64_t job_start_ns;
	int64_t job_end_ns;
	/* transmission: how many frames are handed out, the oldest first; whether that is on the
	 * air
	 */
	int handed;
	bool sending;
	struct frame frame[2];
	uint64_t sent_ns;
	uint64_t computed_ns;
	/* it looks whether the air is busy, and is told so: AIR_NEVER: there is nothing to tell */
	int64_t sense_ns;
	int64_t sensed_ns;
	bool busy;
	/* its receiver is off from then to then */
	int64_t off_from_ns;
	int64_t off_until_ns;
	/* Where no frame is noticed until its window ends, it is off again. */
	int64_t window_ns; /* AIR_NEVER: there is none */
	int64_t again_ns;
	uint64_t receiver_off_ns; /* inside inferences */
	uint64_t asleep_ns;       /* outside of them */
	uint64_t *rests_ns;       /* what it is off for now counts as; but for own frames */
	uint64_t powered_ns;      /* until it was switched off last */
};

/* Somebody who sends what he likes. */
struct babbler {
	struct air_babble what;
	uint32_t left;
	int64_t next_ns; /* AIR_NEVER: no more */
	bool sending;
	struct frame frame; /* on the air, or the one that is repeated */
};

struct air {
	struct air_config config;
	struct air_fault *faults;
	struct air_event *events;
	struct air_change *changes;
	bool *happened;
	int antennas; /* of the set, and of its neighbour */
	size_t changed;
	int64_t neighbour_ns;
	struct babbler babbler[AIR_NODES];
	uint32_t *compute_us;
	struct antenna antenna[AIR_NODES];
	bool bad[AIR_NODES][AIR_NODES];
	uint64_t random[RANDOM_PURPOSES][AIR_NODES][AIR_NODES];
	struct copy copies[AIR_COPIES];
	int64_t now_ns;
	size_t spans;
	uint32_t frames;
	size_t gathers;
	size_t *first_exchange; /* [gathers] */
	struct air_record *record;
	int64_t submitted_ns;
};

static inline uint64_t air_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint64_t air_draw(struct air *air, enum purpose purpose, int source, int receiver)
{
	return air_mix(air->random[purpose][source][receiver] += 0x9e3779b97f4a7c15u);
}

static inline bool air_chance(struct air *air, double p, enum purpose purpose, int source,
			      int receiver)
{
	return p > 0 && (double)(air_draw(air, purpose, source, receiver) >> 11) * 0x1p-53 < p;
}

/* What a frame is to one receiver. */
struct air_fate {
	bool lost;
	bool twice; /* heard once more, after... */
	bool late;  /* heard not at once, but after... */
	double twice_us;
	double late_us;
	uint8_t data[CATS_FRAME_MAX];
};

/* A sleep is longer than this. */
#define AIR_SLEEP_NS 3000000

/* From now on a node's clock is wrong by so much. */
void air_set_drift(struct air *air, int n, double ppm);

/* What a node's clock shows. */
uint32_t air_clock_us(const struct air *air, int n, int64_t ns);

/* Write a span into the trace: NULL where none is kept, or no more fit. Of a frame: its bytes. */
struct air_span *air_note(struct air *air, int n, enum air_span_kind kind, int64_t start_ns,
			  int64_t end_ns);
void air_note_frame(struct air *air, int n, enum air_span_kind kind, const struct frame *frame,
		    int64_t end_ns);

/* Put an image behind an antenna, off; NULL, or what is wrong. */
const char *air_plug(struct air *air, int n);

int air_switch_on(struct air *air, int n);
void air_switch_off(struct air *air, int n);

/* Something happened to a node: have it looked at as soon as its processor is free. */
void air_kick(struct air *air, int n);
/* What waits for a node's processor: when it is due, or AIR_NEVER; and do that. */
int64_t air_due_ns(const struct air *air, int n);
void air_run_queue(struct air *air, int n);
/* A node looks whether anybody sends. */
void air_sense(struct air *air, int n);
/* Whether a receiver hears the start of a frame that is on the air from now on. */
bool air_listens(struct air *air, int n, const struct frame *frame);
void air_end_job(struct air *air, int n);

/* What an antenna's image, times and record are those of. */
static inline int air_node_of(const struct air *air, int antenna)
{
	return antenna % air->config.nodes;
}

/* Frames of the set alone count, not those of its neighbour. */
static inline struct air_record *air_record_of(const struct air *air, int antenna)
{
	return antenna < air->config.nodes ? air->record : NULL;
}

/* What happens to the nodes whose events are due, by frames or by microseconds. */
void air_apply_events(struct air *air, bool by_frame, uint64_t at);

/* Whether a node would notice that somebody sends. */
bool air_busy(struct air *air, int n);

void air_fate(struct air *air, int r, const struct frame *frame, struct air_fate *fate);

/* A frame has ended at a receiver; an own frame has ended. */
void air_hear(struct air *air, int n, const uint8_t *data, uint16_t length, int64_t start_ns);
void air_sent(struct air *air, int n, int64_t told_ns);
void air_start_frame(struct air *air, int n);
void air_end_frame(struct air *air, int n);
void air_babble(struct air *air, struct babbler *b);
void air_start_babble(struct air *air, struct babbler *b);
void air_end_babble(struct air *air, struct babbler *b);
/* A node's frames are kept for those who repeat them. */
void air_keep_frame(struct air *air, const struct frame *frame);

#endif /* CATS_AIR_INTERNAL_H_ */
