/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * One row times the weights of three outputs at a time: they share each load of the row, so eight
 * columns take 28 instructions, 1.17 a MAC. That needs every register:
 *
 *   r0        activations        r4 r6 r8  three sums
 *   r1 r2 r3  weights            r5 r7 lr  a pair of words of weights, two weights
 *   r9-r12    activations
 *
 * All else is on the stack. A round is so many times eight columns, and the first round of an
 * output enters it where as many are left as make whole rounds of the others.
 */

#include "dsp.h"

#if CATS_SIDE_BY_SIDE && !defined(CATS_NO_FAST_ROW)

	.syntax unified
	.thumb

/* struct cats_product of kernels.h */
#define PRODUCT_STRIDE   30
#define PRODUCT_OUTPUTS  32
#define PRODUCT_SHIFT    34

/* Four columns of one output: their word, two words of activations. */
.macro four word, sum, y0, y1
	sxtb16	lr, \word
	smlad	\sum, \y0, lr, \sum
	sxtb16	lr, \word, ror #8
	smlad	\sum, \y1, lr, \sum
.endm

.macro eight_of_one weights, sum
	ldrd	r5, r7, [\weights], #8
	four	r5, \sum, r9, r10
	four	r7, \sum, r11, r12
.endm

#define STEP_BYTES 112 /* of this */
.macro eight
	ldmia	r0!, {r9-r12}
	eight_of_one r1, r4
	eight_of_one r2, r6
	eight_of_one r3, r8
.endm

/* The four columns that a stride beyond a multiple of eight has; they come first. */
.macro rest entry
	ldrd	r9, r10, [r0], #8
	ldr	r5, [r1], #4
	four	r5, r4, r9, r10
	ldr	r5, [r2], #4
	four	r5, r6, r9, r10
	ldr	r5, [r3], #4
	four	r5, r8, r9, r10
	ldr	pc, [sp, #\entry]
.endm

/* The whole row. \end, \entry: where those are on the stack. */
.macro rounds steps, end
1:	.rept	\steps
	eight
	.endr
2:	ldr	r9, [sp, #\end]
	cmp	r0, r9
	bne	1b
.endm

/*
 * In r9 the stride: where to enter the rounds, at r10; where to begin, in r11. Label 2 must be
 * behind the rounds, 3 the four columns. Uses r12.
 */
.macro enter steps
	lsr	r10, r9, #3
	sub	r10, #1
	mov	r11, #\steps
	udiv	r12, r10, r11
	mls	r10, r12, r11, r10
	add	r10, #1			/* 1..steps of the first round */
	mov	r11, #STEP_BYTES
	adr	r12, 2f
	mls	r10, r10, r11, r12
	orr	r10, #1			/* Thumb */
	mov	r11, r10
	tst	r9, #4
	beq	6f
	adr	r11, 3f
	orr	r11, #1
6:
.endm

/*
 * const int8_t *cats_row_sums(struct cats_sums *sums, const int8_t *w): sums of one row, one after
 * another, for a multiple of three outputs and at least eight columns; returns the weights behind.
 */
#define LIMIT   0 /* struct cats_sums of product_dsp.h: the last, and the place behind it */
#define CHANNEL 8 /* and the beginning behind it */
#define END     20

#define SUMS_Y      0 /* on the stack */
#define SUMS_STRIDE 4
#define SUMS_AT     8
#define SUMS_NEXT   12 /* the channel of the next three */
#define SUMS_LAST   16
#define SUMS_END    20
#define SUMS_ENTRY  24 /* and behind it where to begin */
#define SUMS_BYTES  32

	.section .text.cats_row_sums, "ax", %progbits
	.balign	4
	.global	cats_row_sums
	.type	cats_row_sums, %function
	.thumb_func
cats_row_sums:
	push	{r4-r11, lr}
	sub	sp, #SUMS_BYTES
	mov	r3, r1
	ldrd	r7, r1, [r0, #CHANNEL]
	ldr	r2, [r0, #END]
	ldrd	r5, r4, [r0, #LIMIT]
	sub	r9, r2, r1		/* the stride: two bytes a column */
	lsr	r9, #1
	strd	r1, r9, [sp, #SUMS_Y]	/* and the stride */
	str	r4, [sp, #SUMS_AT]
	strd	r5, r2, [sp, #SUMS_LAST] /* and the end */
	enter	4
	strd	r10, r11, [sp, #SUMS_ENTRY]
	mov	r0, r1
	mov	r2, r9
	b	5f
3:	rest	SUMS_ENTRY
	rounds	4, SUMS_END
	ldmia	sp, {r0, r2, r5, r7, r9}
	stmia	r5!, {r4, r6, r8}
	str	r5, [sp, #SUMS_AT]
	cmp	r5, r9
	beq	4f
5:	add	r10, r7, #24
	str	r10, [sp, #SUMS_NEXT]
	ldmia	r7, {r4-r8}		/* biases, and multipliers between them */
	mov	r1, r3
	add	r3, r3, r2, lsl #1
	add	r2, r1
	ldr	pc, [sp, #SUMS_ENTRY + 4]
4:	mov	r0, r3
	add	sp, #SUMS_BYTES
	pop	{r4-r11, pc}
	.size	cats_row_sums, . - cats_row_sums

/*
 * void cats_row_int8(const struct cats_product *p): cats_multiply() of one row where the shift is
 * above 32 and results are int8, with at least three outputs and eight columns. Requantised where
 * they are, sums need no place and no second loop.
 */
#define HALF  0 /* on the stack: see product_dsp.c */
#define SHIFT 4
#define STEP  8
#define OUT   12 /* and behind it the multiplier of the next channel */
#define NEXT  16
#define Y     20
#define LAST  24 /* the next channel behind the last three */
#define STRIDE 28
#define STEPS 32 /* from the first of three results to the next */
#define Y_END 36
#define ENTRY 40 /* and behind it where to begin */
#define LEFT  48 /* outputs behind the last three */
#define BYTES 56

.macro eight_alone
	ldmia	r0!, {r9-r12}
	ldrd	r5, r2, [r3], #8
	four	r5, r4, r9, r10
	four	r2, r4, r11, r12
.endm

	.section .text.cats_row_int8, "ax", %progbits
	.balign	4
	.global	cats_row_int8
	.type	cats_row_int8, %function
	.thumb_func
cats_row_int8:
	push	{r4-r11, lr}
	sub	sp, #BYTES
	ldrb	r4, [r0, #PRODUCT_SHIFT]
	sub	r5, r4, #33
	mov	r6, #1
	lsl	r6, r5			/* half */
	sub	r4, #32
	strd	r6, r4, [sp, #HALF]
	ldm	r0, {r3-r5, r7-r10}	/* weights, table, output_step, channels, out, row_step, y */
	mov	r1, r10
	strd	r5, r8, [sp, #STEP]
	add	r4, r5, r5, lsl #1
	ldrh	r6, [r0, #PRODUCT_OUTPUTS]
	mov	r8, #3
	udiv	r8, r6, r8
	add	r9, r8, r8, lsl #1
	sub	r6, r9
	str	r6, [sp, #LEFT]
	add	r8, r7, r9, lsl #3
	add	r8, #4
	ldrh	r9, [r0, #PRODUCT_STRIDE]
	add	r10, r1, r9, lsl #1
	strd	r4, r10, [sp, #STEPS]
	strd	r8, r9, [sp, #LAST]
	enter	12
	strd	r10, r11, [sp, #ENTRY]
	mov	r0, r1
	str	r0, [sp, #Y]
	mov	r10, r9
	b	5f
3:	rest	ENTRY
	rounds	12, Y_END
	ldmia	sp, {r0, r1, r2, r5, r7}
	ldmia	r7!, {r9-r12, lr}	/* multipliers, and biases between them */
	smmla	r4, r4, r9, r0
	asr	r4, r1
	ssat	r4, #8, r4
	strb	r4, [r5]
	smmla	r6, r6, r11, r0
	asr	r6, r1
	ssat	r6, #8, r6
	strb	r6, [r5, r2]
	smmla	r8, r8, lr, r0
	asr	r8, r1
	ssat	r8, #8, r8
	strb	r8, [r5, r2, lsl #1]
	add	r9, sp, #Y
	ldmia	r9, {r0, r9-r11}	/* Y, LAST, STRIDE, STEPS */
	add	r5, r11
	add	r11, r7, #4
	strd	r5, r11, [sp, #OUT]
	cmp	r11, r9
	beq	7f
4:	ldmia	r7, {r4-r8}		/* biases, and multipliers between them */
	mov	r1, r3
	add	r2, r3, r10
	add	r3, r3, r10, lsl #1
	ldr	pc, [sp, #ENTRY + 4]
5:	add	r11, r7, #4
	str	r11, [sp, #NEXT]
	b	4b

	/* one or two outputs more, each by itself */
7:	ldr	r8, [sp, #LEFT]
	ldr	r6, [sp, #Y_END]
	cmp	r8, #0
	beq	9f
	lsr	r1, r10, #3
	sub	r1, #1
	and	r1, #3
	add	r1, #1			/* of the first round */
	mov	r2, #40			/* bytes of eight_alone */
	adr	r5, 12f
	mls	r1, r1, r2, r5
	orr	r1, #1
	str	r1, [sp, #ENTRY]
8:	ldr	r0, [sp, #Y]
	ldr	r4, [r7], #4
	tst	r10, #4
	beq	10f
	ldrd	r9, r10, [r0], #8
	ldr	r5, [r3], #4
	four	r5, r4, r9, r10
10:	ldr	pc, [sp, #ENTRY]
11:	.rept	4
	eight_alone
	.endr
12:	cmp	r0, r6
	bne	11b
	ldmia	sp, {r0-r2, r5}
	ldr	r9, [r7], #4
	ldr	r10, [sp, #STRIDE]
	smmla	r4, r4, r9, r0
	asr	r4, r1
	ssat	r4, #8, r4
	strb	r4, [r5]
	add	r5, r2
	str	r5, [sp, #OUT]
	subs	r8, #1
	bne	8b
9:	add	sp, #BYTES
	pop	{r4-r11, pc}
	.size	cats_row_int8, . - cats_row_int8

#endif /* CATS_SIDE_BY_SIDE && !CATS_NO_FAST_ROW */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
