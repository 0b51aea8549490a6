/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * const int8_t *cats_four_bits_R(struct cats_sums *sums, const int8_t *w) for blocks of R = 1..4
 * rows: sums from sums->at to sums->last, from weights w of four bits on (doc/numerics.rst); returns
 * the weights of the next output.
 *
 * A word holds eight weights, and one AND leaves two neighbours in the upper four bits of its
 * halves: as int16 they are 4096 times the weights, with their sign. So eight columns of four rows
 * take 25 instructions, as with eight bits. SMLAW takes the 4096 away again as it scales the sum
 * of a group: (4096 sum * 16 scale) >> 16 is exact. 4096 sum is at most 2^27, and 2^30 behind an
 * RMS norm.
 *
 *   r0      sums            r2-r5   the sums of one group, so far
 *   r1      weights         r6-r9   activations
 *   r10     two weights     r11     a word of weights
 *   lr      activations     r12     the mask
 *
 * One row: r3 the sum of all groups, r4 scales, r5 a second word of weights. Else the sums of all
 * groups stand where they are going.
 */

#include "dsp.h"

#if CATS_SIDE_BY_SIDE && !defined(CATS_NO_FOUR_BITS)

/* struct cats_sums of product_dsp.c */
#define LAST    0 /* and the place behind it */
#define AT      4
#define CHANNEL 8 /* and the beginning behind it */
#define BEGIN   12
#define ROUNDS  16 /* and the end behind it */
#define END     20
#define SCALES  24

/* From one sum of one row to the next: row_dsp.c wants them one after another. */
#ifdef CATS_NO_FAST_ROW
#define SUM_BYTES 16
#else
#define SUM_BYTES 4
#endif

	.syntax unified
	.thumb

/* The next two weights of a word: shift 12, 8, 4, 0. */
.macro two shift, word=r11
	.if \shift
	and	r10, r12, \word, lsl #\shift
	.else
	and	r10, r12, \word
	.endif
.endm

/* Times the activations of one row: into a sum, or (smuad) the first of it. */
.macro row sum, y, first=smlad
	.ifc \first, smuad
	smuad	\sum, \y, r10
	.else
	smlad	\sum, \y, r10, \sum
	.endif
.endm

.macro pair rows, first=smlad
	.if \rows == 4
	ldmia	lr!, {r6-r9}
	.else
	ldmia	lr!, {r6-r8}
	.endif
	row	r2, r6, \first
	row	r3, r7, \first
	row	r4, r8, \first
	.if \rows == 4
	row	r5, r9, \first
	.endif
.endm

.macro eight_of_one word=r11, first=smlad
	ldmia	lr!, {r6-r9}
	two	12, \word
	row	r2, r6, \first
	two	8, \word
	row	r2, r7
	two	4, \word
	row	r2, r8
	two	0, \word
	row	r2, r9
.endm

.macro four_of_two high, low, first=smlad
	ldmia	lr!, {r6-r9}
	two	\high
	row	r2, r6, \first
	row	r3, r7, \first
	two	\low
	row	r2, r8
	row	r3, r9
.endm

.macro eight rows, first=smlad
	ldr	r11, [r1], #4
	.if \rows >= 3
	two	12
	pair	\rows, \first
	two	8
	pair	\rows
	two	4
	pair	\rows
	two	0
	pair	\rows
	.elseif \rows == 2
	four_of_two 12, 8, \first
	four_of_two 4, 0
	.else
	eight_of_one r11, \first
	.endif
.endm

.macro group rows
	.if \rows == 1
	ldrd	r5, r11, [r1], #8
	eight_of_one r5, smuad
	eight_of_one r11
	ldrd	r5, r11, [r1], #8
	eight_of_one r5
	eight_of_one r11
	.else
	eight	\rows, smuad
	eight	\rows
	eight	\rows
	eight	\rows
	.endif
.endm

/* The sums of a group, scaled, added to those of all. */
.macro scale rows
	.if \rows == 1
	ldrsb	r10, [r4], #1
	lsl	r10, #4
	smlawb	r3, r2, r10, r3
	.else
	ldr	r10, [r0, #SCALES]
	ldrsb	r11, [r10], #1
	str	r10, [r0, #SCALES]
	ldr	r10, [r0, #AT]
	lsl	r11, #4
	ldmia	r10, {r6-r9}
	smlawb	r6, r2, r11, r6
	smlawb	r7, r3, r11, r7
	.if \rows >= 3
	smlawb	r8, r4, r11, r8
	.endif
	.if \rows == 4
	smlawb	r9, r5, r11, r9
	.endif
	stmia	r10, {r6-r9}
	.endif
.endm

/* The next output: its bias is where all its sums begin. */
.macro open rows
	ldrd	r10, lr, [r0, #CHANNEL]
	.if \rows == 1
	ldr	r3, [r10], #8
	str	r10, [r0, #CHANNEL]
	.else
	ldr	r2, [r10], #8
	str	r10, [r0, #CHANNEL]
	ldr	r10, [r0, #AT]
	mov	r3, r2
	mov	r4, r2
	mov	r5, r2
	stmia	r10, {r2-r5}
	.endif
.endm

/* "eq" behind the last output. */
.macro close rows
	ldrd	r11, r10, [r0, #LAST]
	.if \rows == 1
	str	r3, [r10], #SUM_BYTES
	.else
	add	r10, #16
	.endif
	str	r10, [r0, #AT]
	cmp	r10, r11
.endm

.macro function rows
	.section .text.cats_four_bits_\rows, "ax", %progbits
	.balign	4
	.global	cats_four_bits_\rows
	.type	cats_four_bits_\rows, %function
	.thumb_func
cats_four_bits_\rows:
	push	{r4-r11, lr}
	mov	r12, #0xf000f000
	.if \rows == 1
	ldr	r4, [r0, #SCALES]
	.endif
	ldr	r10, [r0, #BEGIN]
	ldr	r11, [r0, #ROUNDS]
	cmp	r10, r11
	beq	6f
1:	open	\rows			/* outputs of at least one whole group */
2:	group	\rows
	scale	\rows
	ldrd	r10, r11, [r0, #ROUNDS]
	cmp	lr, r10
	bne	2b
	cmp	lr, r11
	beq	5f
	eight	\rows, smuad
	b	4f
3:	eight	\rows
4:	ldr	r10, [r0, #END]
	cmp	lr, r10
	bne	3b
	scale	\rows
5:	close	\rows
	bne	1b
	b	9f

6:	open	\rows			/* fewer columns, or none */
	ldr	r10, [r0, #END]
	cmp	lr, r10
	beq	8f
	eight	\rows, smuad
	b	10f
7:	eight	\rows
10:	ldr	r10, [r0, #END]
	cmp	lr, r10
	bne	7b
	scale	\rows
8:	close	\rows
	bne	6b
9:
	.if \rows == 1
	str	r4, [r0, #SCALES]
	.endif
	mov	r0, r1
	pop	{r4-r11, pc}
	.size	cats_four_bits_\rows, . - cats_four_bits_\rows
.endm

	function 1
	function 2
	function 3
	function 4

#endif /* CATS_SIDE_BY_SIDE && !CATS_NO_FOUR_BITS */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
