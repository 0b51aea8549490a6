/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The benchmark's image: QEMU's boards (link.ld), no operating system, results as lines of text by
 * semihosting. scripts/bench/m4.py builds it, runs it and reads what it prints.
 */

#ifndef BENCH_H_
#define BENCH_H_

#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

/* Where QEMU's loader puts a partition image and what it is to work on; see inference.c. */
#define IMAGE_ADDRESS 0x21200000u
#define TAPE_ADDRESS 0x21300000u

#ifndef ARRAY_SIZE /* of Zephyr */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

int main(void);

/* print.c */
void print(const char *text);
void stop(int status) __attribute__((noreturn));
/* One line "name instructions units crc32". */
void report(const char *name, uint32_t instructions, uint32_t units, uint32_t crc);

/* count.c: instructions of run(argument), entry and return included, call excluded. */
uint32_t count(void (*run)(void *), void *argument);

/* count.c: the same where each run is to find what reset() leaves; that is not counted. */
uint32_t count_after(void (*reset)(void), void (*run)(void *), void *argument);

/* A tick of SysTick is so many instructions, as a fraction: 25 MHz, and 32 MHz on mps3-an547. */
#ifdef __ARM_FEATURE_MVE
#define TICK_INSTRUCTIONS 125u
#define TICK_PARTS 4u
#else
#define TICK_INSTRUCTIONS 40u
#define TICK_PARTS 1u
#endif

/* count.c: for pieces of one long run: ticks so far, modulo 2^24; and ticks as instructions. */
uint32_t instructions_of(uint32_t ticks);
void ticks_begin(void);
uint32_t ticks_now(void);

/* known.c, kernels.c, sweep.c, inference.c, cmsis.c: all there is to count. */
void bench_known(void);
void bench_kernels(void);
void bench_sweep(void);
void bench_inference(void);
void bench_cmsis(void);

/* kernels.c: for the others. */
uint32_t draw(void);
void draw_seed(uint32_t seed);
void draw_bytes(int8_t *to, size_t n, int32_t bound);
/* "kernel/firstA/secondB"; parts without a name are left out */
const char *name_of(const char *kernel, const char *first, uint32_t a, const char *second,
		    uint32_t b);

/* 64 tokens, so many columns in and out: the products that are compared. */
#define TOKENS 64
#define COLUMNS 512
#define OUTPUTS 128
#define VIEWS {32, 64, 128, 167, 256, 512}
#define WIDTHS {8, 16, 32, 64, 128}

struct layer {
	uint32_t view;
	uint32_t outputs;
	uint32_t stride;
	const int8_t *rows;    /* [TOKENS][COLUMNS] */
	const int8_t *weights; /* [outputs][stride], in the order of the image */
	const struct cats_image_channel *channels;
};
#define LAYER_SHIFT 43

/* kernels.c: the same numbers whenever it is asked for the same sizes. */
void layer_draw(struct layer *layer, uint32_t view, uint32_t outputs);

#endif /* BENCH_H_ */
