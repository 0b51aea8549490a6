/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Which frames get lost on purpose: a pure function of the seed, the link and the frame.
 *
 * Portable C11 without state, so that losses do not depend on the order in which threads, timers or
 * loops ask: cats_loss() of the Zephyr module, over any transport, and the host's simulator
 * (python/cats/native/air_faults.c, its independent losses) both take the decision here. The
 * same seed therefore gives the same availability, and so the same bytes, in both:
 *
 *	struct cats_loss_frame name;
 *
 *	cats_loss_name(&name, model_id, frame, receiver);
 *	lost = cats_loss_lost(seed, cats_loss_threshold(ppm), &name);
 *
 * A frame's name is made of header fields only: no time, no payload. Two frames of one name meet
 * the same fate on one link.
 */

#ifndef CATS_TRANSPORT_LOSS_H_
#define CATS_TRANSPORT_LOSS_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/gather.h>

/** Threshold at which every frame is lost. */
#define CATS_LOSS_ALL UINT32_MAX

/** The name of one frame on one link. */
struct cats_loss_frame {
	uint16_t model;     /**< low 16 bits of the model id */
	uint16_t inference; /**< number of the inference */
	uint16_t gather;    /**< 0..G-1 */
	uint16_t tile;      /**< 0..tiles of the gather - 1 */
	uint8_t type;       /**< enum cats_frame_type */
	uint8_t round;      /**< 0: data; 1..R: repair round */
	uint16_t index;     /**< DATA: index; NEED, CODED: slot */
	uint8_t source;     /**< node that sends */
	uint8_t receiver;   /**< node that would hear */
};

/** @brief One bijective mixing step of 64 bits (the finaliser of splitmix64). */
static inline uint64_t cats_loss_mix(uint64_t v)
{
	v += UINT64_C(0x9e3779b97f4a7c15);
	v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

/** @brief Uniform in 0..2^32-1, independent for any two different names or seeds. */
static inline uint32_t cats_loss_draw(uint32_t seed, const struct cats_loss_frame *f)
{
	const uint64_t words[] = {
		((uint64_t)seed << 32) | ((uint32_t)f->model << 16) | f->inference,
		((uint64_t)f->gather << 48) | ((uint64_t)f->tile << 32) |
			((uint32_t)f->source << 24) | ((uint32_t)f->receiver << 16) |
			((uint32_t)f->type << 8) | f->round,
		f->index,
	};
	uint64_t v = 0;

	for (int i = 0; i < 3; i++) {
		v = cats_loss_mix(v ^ words[i]);
	}
	return (uint32_t)(v >> 32);
}

/**
 * @brief The name of a frame by its header.
 *
 * @param model_id of the deployment
 * @param frame    CATS_FRAME_HEADER bytes or more, as cats_frame_seal() wrote them
 * @param receiver node that would hear
 */
static inline void cats_loss_name(struct cats_loss_frame *f, uint32_t model_id,
				  const uint8_t *frame, uint8_t receiver)
{
	f->model = (uint16_t)model_id;
	f->type = frame[0] & 15;
	f->round = frame[1] >> 4;
	f->source = frame[1] & 15;
	f->inference = (uint16_t)(frame[4] | frame[5] << 8);
	f->gather = frame[6];
	f->tile = frame[7];
	f->index = frame[8];
	if (f->type == CATS_FRAME_NEED || f->type == CATS_FRAME_CODED) {
		f->index = frame[9];
	}
	f->receiver = receiver;
}

/** @brief A probability in millionths, 0..1000000, as a threshold. */
static inline uint32_t cats_loss_threshold(uint32_t ppm)
{
	return ppm >= 1000000u ? CATS_LOSS_ALL
			       : (uint32_t)((((uint64_t)ppm << 32) + 500000u) / 1000000u);
}

/**
 * @brief Does @p f get lost?
 *
 * @param threshold probability * 2^32, see cats_loss_threshold(); CATS_LOSS_ALL loses
 *                  everything, 0 nothing
 */
static inline bool cats_loss_lost(uint32_t seed, uint32_t threshold,
				  const struct cats_loss_frame *f)
{
	return threshold == CATS_LOSS_ALL || cats_loss_draw(seed, f) < threshold;
}

#endif /* CATS_TRANSPORT_LOSS_H_ */
