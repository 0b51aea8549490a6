/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Rows of int8 as they lie in memory, times one row: scores (keys times a query) and the weighing of
 * values. That needs every register.
 */

#include "dsp.h"

#if CATS_DSP

/* struct cats_attention of kernels.h */
#define KEY    0
#define SCORES 8

	.syntax unified
	.thumb

/* Four columns in one word, times two words of y: into a sum, or (smuad) the first of it. */
.macro four word, sum, y0, y1, two, first=smlad
	sxtb16	\two, \word
	.ifc \first, smuad
	smuad	\sum, \two, \y0
	.else
	smlad	\sum, \two, \y0, \sum
	.endif
	sxtb16	\two, \word, ror #8
	smlad	\sum, \two, \y1, \sum
.endm

/*
 * void cats_dot(const struct cats_dot *dot, const int8_t *rows)
 *
 * Two rows share each load of the one, so eight columns of two rows take 19 instructions: 1.19 a
 * MAC.
 *
 *   r0      sums go there           r7      two columns
 *   r1 r2   two rows                r8-r11  columns of y
 *   r3 r4   their sums              r12     y
 *   r5 r6   words of rows           lr      y behind whole sixteens of columns
 */
#define REST 0 /* struct cats_dot of dsp.h from there on, copied to the stack */
#define Y    16
#define END  20

.macro eight row, sum
	ldrd	r5, r6, [\row], #8
	four	r5, \sum, r8, r9, r7
	four	r6, \sum, r10, r11, r7
.endm

.macro eight_of_two
	ldmia	r12!, {r8-r11}
	eight	r1, r3
	eight	r2, r4
.endm

.macro open
	ldr	r12, [sp, #Y]
	mov	r3, #0
	mov	r4, #0
.endm

/* To the next two rows, with REST and what is behind it in r5-r8; "eq" behind the last. */
.macro close
	add	r1, r2, r6
	add	r2, r1, r7
	strd	r3, r4, [r0], #8
	cmp	r0, r8
.endm

	.section .text.cats_dot, "ax", %progbits
	.balign	4
	.global	cats_dot
	.type	cats_dot, %function
	.thumb_func
cats_dot:
	push	{r4-r11, lr}
	ldmia	r0, {r0, r2-r7, lr}
	push	{r2-r7}
	add	r2, r1, r4
1:	open
	cmp	r12, lr
	bne	4f
2:	ldrd	r8, r9, [r12], #8	/* what is behind whole sixteens, or fewer */
	ldr	r5, [r1], #4
	ldr	r6, [r2], #4
	four	r5, r3, r8, r9, r7
	four	r6, r4, r8, r9, r7
	ldr	r7, [sp, #END]
	cmp	r12, r7
	bne	2b
	ldmia	sp, {r5-r8}
	close
	bne	1b
	add	sp, #24
	pop	{r4-r11, pc}
3:	open
4:	eight_of_two
	eight_of_two
	cmp	r12, lr
	bne	4b
	ldmia	sp, {r5-r8}
	cbz	r5, 5f
	b	2b
5:	close
	bne	3b
	add	sp, #24
	pop	{r4-r11, pc}
	.size	cats_dot, . - cats_dot

/*
 * int32_t cats_largest(const int32_t *at, const int32_t *end)
 */
	.section .text.cats_largest, "ax", %progbits
	.balign	4
	.global	cats_largest
	.type	cats_largest, %function
	.thumb_func
cats_largest:
	mov	r12, #0x80000000
1:	ldmia	r0!, {r2, r3}
	cmp	r2, r12
	bgt	3f
2:	cmp	r3, r12
	it	gt
	movgt	r12, r3
	cmp	r0, r1
	bne	1b
	mov	r0, r12
	bx	lr
3:	mov	r12, r2			/* rarely */
	b	2b
	.size	cats_largest, . - cats_largest

/*
 * int32_t cats_score_8(const struct cats_attention *a, const int8_t *query, uint32_t n)
 *
 *   r0      the largest sum         r7      two columns
 *   r1      rows                    r8-r11  the query
 *   r2      sums go there           r12     the first of two sums
 *   r3-r6   words of two rows       lr      behind whole fours of sums
 */
.macro eight_of_one low, high, sum
	four	\low, \sum, r8, r9, r7, smuad
	four	\high, \sum, r10, r11, r7
.endm

/* "first" and "second" are labels: rarely, a sum is the largest so far. */
.macro two_rows first, second
	ldmia	r1!, {r3-r6}
	eight_of_one r3, r4, r12
	eight_of_one r5, r6, r4
	strd	r12, r4, [r2], #8
	cmp	r12, r0
	bgt	\first\()1f
\first\()2:
	cmp	r4, r0
	bgt	\second\()1f
\second\()2:
.endm

.macro larger label, sum
\label\()1:
	mov	r0, \sum
	b	\label\()2b
.endm

	.section .text.cats_score_8, "ax", %progbits
	.balign	4
	.global	cats_score_8
	.type	cats_score_8, %function
	.thumb_func
cats_score_8:
	ldr	r12, [r0, #SCORES]
	add	r3, r12, r2, lsl #2
	push	{r3-r11, lr}
	bic	r2, r2, #3
	add	lr, r12, r2, lsl #2
	mov	r2, r12
	ldrd	r5, r6, [r1]
	sxtb16	r8, r5
	sxtb16	r9, r5, ror #8
	sxtb16	r10, r6
	sxtb16	r11, r6, ror #8
	ldr	r1, [r0, #KEY]
	mov	r0, #0x80000000
	cmp	r2, lr
	beq	2f
1:	two_rows 1, 2
	two_rows 3, 4
	cmp	r2, lr
	bne	1b
2:	ldr	lr, [sp]
	cmp	r2, lr
	beq	4f
3:	ldrd	r5, r6, [r1], #8
	eight_of_one r5, r6, r4
	str	r4, [r2], #4
	cmp	r4, r0
	it	gt
	movgt	r0, r4
	cmp	r2, lr
	bne	3b
4:	pop	{r3-r11, pc}
	larger	1, r12
	larger	2, r4
	larger	3, r12
	larger	4, r4
	.size	cats_score_8, . - cats_score_8

/*
 * int32_t cats_score_16(const struct cats_attention *a, const int8_t *query, uint32_t n)
 * int32_t cats_score_32(const struct cats_attention *a, const int8_t *query, uint32_t n)
 *
 * Sixteen columns of the query stay in registers, so 32 are two passes over all rows.
 *
 *   r0 r3   words of a row          r4-r11  the query
 *   r1      rows                    r12     two columns
 *   r2      sums go there           lr      a sum
 */
#define TOP  0 /* the largest sum, and behind it where sums end */
#define LAST 4
#define MORE 8 /* rows, the second half of the query, sums */

.macro unpack query
	ldmia	\query!, {r4, r6, r8, r10}
	sxtb16	r5, r4, ror #8
	sxtb16	r4, r4
	sxtb16	r7, r6, ror #8
	sxtb16	r6, r6
	sxtb16	r9, r8, ror #8
	sxtb16	r8, r8
	sxtb16	r11, r10, ror #8
	sxtb16	r10, r10
.endm

/* A row's sixteen columns, and the way to the next. */
.macro sixteen step, first=smlad
	ldrd	r0, r3, [r1], #8
	four	r0, lr, r4, r5, r12, \first
	four	r3, lr, r6, r7, r12
	ldrd	r0, r3, [r1], #\step - 8
	four	r0, lr, r8, r9, r12
	four	r3, lr, r10, r11, r12
	str	lr, [r2], #4
.endm

.macro enter
	push	{r4-r11, lr}
	ldr	r3, [r0, #SCORES]
	ldr	r0, [r0, #KEY]
	add	r12, r3, r2, lsl #2
	mov	r2, r3
	unpack	r1
	push	{r0-r2}
	mov	r1, r0
	mov	r3, #0x80000000
	push	{r3, r12}
.endm

	.section .text.cats_score_16, "ax", %progbits
	.balign	4
	.global	cats_score_16
	.type	cats_score_16, %function
	.thumb_func
cats_score_16:
	enter
1:	sixteen	16, smuad
	ldrd	r0, r3, [sp, #TOP]
	cmp	lr, r0
	bgt	3f
2:	cmp	r2, r3
	bne	1b
	pop	{r0-r3, r12}
	pop	{r4-r11, pc}
3:	str	lr, [sp, #TOP]		/* rarely */
	b	2b
	.size	cats_score_16, . - cats_score_16

	.section .text.cats_score_32, "ax", %progbits
	.balign	4
	.global	cats_score_32
	.type	cats_score_32, %function
	.thumb_func
cats_score_32:
	enter
1:	sixteen	32, smuad
	ldr	r3, [sp, #LAST]
	cmp	r2, r3
	bne	1b
	add	r0, sp, #MORE
	ldmia	r0, {r0-r2}
	unpack	r1
	add	r1, r0, #16
2:	ldr	lr, [r2]
	sixteen	32
	ldrd	r0, r3, [sp, #TOP]
	cmp	lr, r0
	bgt	4f
3:	cmp	r2, r3
	bne	2b
	pop	{r0-r3, r12}
	pop	{r4-r11, pc}
4:	str	lr, [sp, #TOP]		/* rarely */
	b	3b
	.size	cats_score_32, . - cats_score_32

#endif /* CATS_DSP */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
