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
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(__ARM_BIG_ENDIAN) && \
	!defined(CATS_PLAIN)
#define CATS_DSP 1
#else
#define CATS_DSP 0
#endif

#if CATS_DSP

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
typedef int32_t __attribute__((__may_alias__)) cats_word;
struct cats_loose_word {
	int32_t word;
} __attribute__((__packed__, __may_alias__));

CATS_INLINE int32_t cats_load(const void *from)
{
	return ((const struct cats_loose_word *)from)->word;
}

/* Two words at a multiple of four: gcc makes one LDRD of it. */
struct cats_two_words {
	int32_t low;
	int32_t high;
};

CATS_INLINE struct cats_two_words cats_load_two(const void *from)
{
	typedef uint64_t __attribute__((__may_alias__, __aligned__(4))) two;
	const uint64_t v = *(const two *)from;

	return (struct cats_two_words){.low = (int32_t)v, .high = (int32_t)(v >> 32)};
}

/*
 * LDM from p on, which moves; into variables of registers in ascending order. CATS_BARRIER() puts
 * them behind what wrote there, and before what will.
 */
#define CATS_LOAD2(p, a, b) __asm__ volatile("ldmia %0!, {%1, %2}" : "+r"(p), "=r"(a), "=r"(b))
#define CATS_LOAD3(p, a, b, c)                                                                     \
	__asm__ volatile("ldmia %0!, {%1, %2, %3}" : "+r"(p), "=r"(a), "=r"(b), "=r"(c))
#define CATS_LOAD4(p, a, b, c, d)                                                                  \
	__asm__ volatile("ldmia %0!, {%1, %2, %3, %4}"                                             \
			 : "+r"(p), "=r"(a), "=r"(b), "=r"(c), "=r"(d))
#define CATS_BARRIER() __asm__ volatile("" : : : "memory")

#endif /* CATS_DSP */

#endif /* CATS_DSP_H_ */
