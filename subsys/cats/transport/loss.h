/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Which frames a simulated air loses: a pure function of the seed and of the frame's name.
 *
 * Portable C11 without state, so that every simulated air loses the same frames whatever the order
 * in which threads, timers or loops ask: the loopback transport of the Zephyr module and the host's
 * simulator (python/cats/_native/air.c, its independent losses) both take the decision here. The
 * same seed therefore gives the same availability, and so the same bytes, in both.
 *
 * A frame's name is made of header fields only: no time stamp, no payload, no retransmission
 * counter. Two frames of one name meet the same fate on one link.
 */

#ifndef CATS_SUBSYS_TRANSPORT_LOSS_H_
#define CATS_SUBSYS_TRANSPORT_LOSS_H_

#include <stdbool.h>
#include <stdint.h>

/** Threshold at which every frame is lost. */
#define CATS_LOSS_ALL UINT32_MAX

/** The name of one frame on one link. */
struct cats_loss_frame {
	uint16_t model;     /**< low 16 bits of the model id */
	uint16_t inference; /**< inference number as in the frame, low 16 bits */
	uint16_t gather;    /**< 0..G-1 */
	uint16_t tile;      /**< 0..tiles of the gather - 1 */
	uint8_t type;       /**< frame type as in the frame */
	uint8_t round;      /**< repair round, 0 for what is sent before the first */
	uint16_t index;     /**< fragment number, or number of the coded frame within the round */
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
	uint64_t v;

	v = cats_loss_mix(((uint64_t)seed << 32) | ((uint32_t)f->model << 16) | f->inference);
	v = cats_loss_mix(v ^ (((uint64_t)f->gather << 48) | ((uint64_t)f->tile << 32) |
			       ((uint32_t)f->source << 24) | ((uint32_t)f->receiver << 16) |
			       ((uint32_t)f->type << 8) | f->round));
	v = cats_loss_mix(v ^ f->index);
	return (uint32_t)(v >> 32);
}

/**
 * @brief Does @p f get lost?
 *
 * @param threshold probability * 2^32, rounded, at most CATS_LOSS_ALL, which loses everything;
 *                  0 loses nothing
 */
static inline bool cats_loss_lost(uint32_t seed, uint32_t threshold, const struct cats_loss_frame *f)
{
	return threshold == CATS_LOSS_ALL || cats_loss_draw(seed, f) < threshold;
}

#endif /* CATS_SUBSYS_TRANSPORT_LOSS_H_ */
