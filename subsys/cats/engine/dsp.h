/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Which kernels are built, and the instructions of the DSP extension that arm_acle.h has no name
 * for or that gcc 12 does not form.
 */

#ifndef CATS_DSP_H_
#define CATS_DSP_H_

/* Cortex-M4, M7, M33 with DSP; CATS_PLAIN asks for the portable kernels there too. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(__ARM_BIG_ENDIAN) &&             \
	!defined(CATS_PLAIN)
#define CATS_DSP 1
#else
#define CATS_DSP 0
#endif

/* CATS_CMSIS_NN asks for CMSIS-NN's sums in products: it wants rows of int8, one after another. */
#if CATS_DSP && !defined(CATS_CMSIS_NN)
#define CATS_SIDE_BY_SIDE 1
#else
#define CATS_SIDE_BY_SIDE 0
#endif

/* Whether sums that stand in memory are requantised, beside those of products that end with it. */
#if !CATS_SIDE_BY_SIDE || !defined(CATS_NO_FOUR_BITS)
#define CATS_FROM_SUMS 1
#else
#define CATS_FROM_SUMS 0
#endif

#if CATS_DSP && !defined(__ASSEMBLER__)

#include <stddef.h>
#include <stdint.h>

#include <arm_acle.h>

#define CATS_INLINE static inline __attribute__((__always_inline__))

/* c + (a * b >> 32) */
CATS_INLINE int32_t cats_smmla(int32_t a, int32_t b, int32_t c)
{
	int32_t result;

	__asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
	return result;
}

/* (a * b + 2^31) >> 32 */
CATS_INLINE int32_t cats_smmulr(int32_t a, int32_t b)
{
	int32_t result;

	__asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
	return result;
}

/* Bytes 1 and 3 of a word; 0 and 2 are __sxtb16(w). */
CATS_INLINE int16x2_t cats_sxtb16_odd(int8x4_t w)
{
	int16x2_t result;

	__asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(w));
	return result;
}

/* The low half of a, below the low half of b. */
CATS_INLINE int16x2_t cats_pack_low(int32_t a, int32_t b)
{
	int16x2_t result;

	__asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
	return result;
}

/* The high half of a, below the high half of b. */
CATS_INLINE int16x2_t cats_pack_high(int32_t a, int32_t b)
{
	int16x2_t result;

	__asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
	return result;
}

/* Words at any address, and pairs of int16 at even ones. */
typedef int32_t __attribute__((__may_alias__)) cats_word_t;
struct cats_loose_word {
	int32_t word;
} __attribute__((__packed__, __may_alias__));

CATS_INLINE int32_t cats_load(const void *from)
{
	return ((const struct cats_loose_word *)from)->word;
}

/*
 * LDRD from p on, which moves; and LDM, into variables of registers in ascending order.
 * CATS_BARRIER() puts them behind what wrote there, and before what will.
 */
#define CATS_LOAD_PAIR(p, a, b)                                                                    \
	__asm__ volatile("ldrd %1, %2, [%0], #8" : "+r"(p), "=r"(a), "=r"(b))
#define CATS_LOAD2(p, a, b) __asm__ volatile("ldmia %0!, {%1, %2}" : "+r"(p), "=r"(a), "=r"(b))
#define CATS_LOAD3(p, a, b, c)                                                                     \
	__asm__ volatile("ldmia %0!, {%1, %2, %3}" : "+r"(p), "=r"(a), "=r"(b), "=r"(c))
#define CATS_LOAD4(p, a, b, c, d)                                                                  \
	__asm__ volatile("ldmia %0!, {%1, %2, %3, %4}"                                             \
			 : "+r"(p), "=r"(a), "=r"(b), "=r"(c), "=r"(d))
#define CATS_BARRIER() __asm__ volatile("" : : : "memory")

/* Rows of bytes, each multiplied with the same y: dot_dsp.S, which knows the order. */
struct cats_dot {
	int32_t *at;            /* a sum a row */
	int32_t rest;           /* bytes of y behind whole sixteens of columns */
	int32_t gap;            /* bytes from a row's last column to the next row */
	int32_t step;           /* bytes from row to row */
	const int32_t *last;    /* where the sums end */
	const cats_word_t *y;   /* int16 [columns], each four of them in the order 0, 2, 1, 3 */
	const cats_word_t *end; /* of it */
	const cats_word_t *sixteens; /* end of its whole sixteens of columns */
};

_Static_assert(offsetof(struct cats_dot, y) == 20 && offsetof(struct cats_dot, sixteens) == 28 &&
		       sizeof(struct cats_dot) == 32,
	       "dot_dsp.S must say the same");

/*
 * rows: at a multiple of four, as are gap and step. An even number of rows, at least two; a
 * multiple of four columns.
 */
void cats_dot(const struct cats_dot *dot, const int8_t *rows);

/* The largest of an even number of sums, at least two. */
int32_t cats_largest(const int32_t *at, const int32_t *end);

#endif /* CATS_DSP */

#endif /* CATS_DSP_H_ */
