/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_selftest Self test
 * @ingroup cats
 * @brief One board proves that its engine gives the right bytes, and says how long steps take.
 *
 * A golden case is a small deployment with inputs, losses and the outputs that the integer
 * reference gives (tests/vectors of the source tree). Its nodes run one after the other in one
 * thread, without radio, and every output byte of every node is compared. Cases are linked with
 * the CMake function cats_golden() and stand in an iterable section; CONFIG_CATS_SELFTEST links
 * one of two nodes.
 *
 * @{
 */

#ifndef CATS_SELFTEST_H_
#define CATS_SELFTEST_H_

#include <stddef.h>
#include <stdint.h>

#include <zephyr/sys/iterable_sections.h>

#include <cats/engine.h>
#include <cats/image.h>
#include <cats/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One run of a golden case: what arrives, and what must come out. */
struct cats_golden_run {
	const char *name;         /**< "clean", "lossy", "deaf" */
	const uint8_t *available; /**< [exchange][receiver D][source D][row] bits */
	size_t available_size;    /**< bytes */
	const uint8_t *output;    /**< int16 [receiver D][output rows][C], little-endian */
	size_t output_size;       /**< bytes */
};

/** A golden case. */
struct cats_golden {
	const char *name;                   /**< for people */
	uint8_t nodes;                      /**< D */
	uint8_t run_count;                  /**< runs */
	const uint8_t *const *images;       /**< [D], each aligned to CATS_IMAGE_ALIGN */
	const size_t *image_sizes;          /**< [D] */
	const int8_t *input;                /**< [tokens_in][P] */
	const struct cats_golden_run *runs; /**< [run_count] */
};

/** Where a golden case failed. */
struct cats_golden_failure {
	const char *run; /**< NULL: an image was refused */
	uint8_t node;    /**< whose output, or whose image */
	int reason;      /**< of a refused image: enum cats_image_error */
};

/** @brief Bytes of scratch memory that cats_golden_check() needs; 0 where an image is invalid. */
size_t cats_golden_scratch(const struct cats_golden *golden);

/**
 * @brief Run all inferences of a case and compare all outputs.
 *
 * Stack: below 1 KiB.
 *
 * @param scratch aligned to 8 bytes
 * @param size    bytes of it
 * @param failure filled with -EILSEQ and -EBADMSG; may be NULL
 * @retval 0 every byte is right
 * @retval -ENOMEM  the scratch memory is too small
 * @retval -EILSEQ  an output differs
 * @retval -EBADMSG an image of the case was refused
 */
int cats_golden_check(const struct cats_golden *golden, void *scratch, size_t size,
		      struct cats_golden_failure *failure);

/** What the steps of an image take on this processor. */
struct cats_step_times {
	uint32_t exchanges[CATS_GATHER_KINDS];  /**< of each kind, by enum cats_gather_kind */
	uint32_t produce_ns[CATS_GATHER_KINDS]; /**< sum over them */
	uint32_t consume_ns[CATS_GATHER_KINDS]; /**< sum over them */
	uint32_t total_ns;                      /**< all of an inference, the input included */
};

/**
 * @brief Time one inference of this node alone, with every fragment taken for arrived.
 *
 * The numbers are those of an inference in which nothing is lost, but for what the data themselves
 * change (next to nothing). On native_sim code takes no time: all are 0. With
 * CONFIG_TIMING_FUNCTIONS the resolution is that of the processor's cycle counter.
 *
 * @param arena at least image->header->arena_size bytes, aligned to 8, not in use
 * @retval 0 on success
 * @retval -ENOMEM, -EINVAL as cats_engine_init()
 */
int cats_time_steps(const struct cats_image *image, void *arena, size_t arena_size,
		    struct cats_step_times *times);

/** @brief "attention", for enum cats_gather_kind. */
const char *cats_gather_name(unsigned int kind);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_SELFTEST_H_ */
