/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What a node's code takes beside its jobs, in nanoseconds: on the simulated air, and of the
 * nodes on BabbleSim (tests/bsim/node/src/code_time.c).
 */

#ifndef CATS_AIR_CODE_H_
#define CATS_AIR_CODE_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/node.h>

/** cats.plan.code_time.CodeTime, which has the words; nothing but doubles, as in a file. */
struct air_code {
	double isr;
	double wake;   /**< the air queue has a frame that was heard, or own ones that ended */
	double expire; /**< it has something else to do */
	double job;    /**< cats_node_compute_begin() that begins one */
	double parse;
	double parse_byte;
	double take[5]; /**< by enum cats_frame_type */
	double take_byte;
	double poll[6]; /**< by enum cats_exchange_phase */
	double close;
	double build[5]; /**< by enum cats_frame_type */
	double copy_byte;
	double seal;
	double seal_byte;
	double aes; /**< 0: frames are not sealed */
	double aes_byte;
	double send;
	double send_byte;
	double lay;        /**< an exchange's fragments are laid out: a fragment */
	double coded;      /**< a combination: a fragment of the exchange */
	double coded_byte; /**< a byte and fragment that is combined */
	/* over several hops, more for a frame that is taken or built: a fragment, its byte */
	double relay;
	double relay_byte;
	double relay_build;
	double relay_build_byte;
};

/** @brief Sealing or opening of a CATS frame of so many bytes; 0 where frames are not sealed. */
double air_code_aes(const struct air_code *code, uint16_t length);

/** @brief A transport's interrupt, and cats_node_receive(). */
double air_code_received(const struct air_code *code, const struct cats_image *image,
			 const uint8_t *frame, uint16_t length);

/** An exchange that was on the air when a node was polled last; zeros for one that begins. */
struct air_polled {
	bool open;
	struct cats_exchange x;
};

/** @brief cats_node_poll(), after it. */
double air_code_polled(const struct air_code *code, struct air_polled *last,
		       const struct cats_node *node);

/** @brief What it takes on top where it hands a frame out, and that one's send(). */
double air_code_built(const struct air_code *code, const struct cats_image *image,
		      const uint8_t *frame, uint16_t length);

#endif /* CATS_AIR_CODE_H_ */
