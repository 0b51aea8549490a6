/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * const int8_t *cats_sum_R(struct cats_sums *sums, const int8_t *w) for blocks of R = 1..4 rows:
 * sums from sums->at to sums->last, from weights w on; returns the weights of the next output.
 *
 * Four weights 0, 2, 1, 3 of one word become two pairs with two instructions, and all rows share
 * them. One LDM brings the activations of one pair of columns for all rows, so eight columns of four
 * rows take 25 instructions: 0.78 a MAC. That needs every register:
 *
 *   r0      sums            r2-r5   the sums of one output, so far
 *   r1      weights         r6-r9   activations
 *   r10     two weights     r11 r12 words of weights
 *   lr      activations
 */

#include "dsp.h"

#if CATS_DSP

/* struct cats_sums of product_dsp.c */
#define BEGIN   0 /* and the channel behind it */
#define CHANNEL 4
#define ROUNDS  8 /* and the end behind it */
#define END     12
#define AT      16 /* and the last behind it */

	.syntax unified
	.thumb

/* One pair of columns. */
.macro pair rows
	.if \rows == 4
	ldmia	lr!, {r6-r9}
	.else
	ldmia	lr!, {r6-r8}
	.endif
	smlad	r2, r6, r10, r2
	smlad	r3, r7, r10, r3
	smlad	r4, r8, r10, r4
	.if \rows == 4
	smlad	r5, r9, r10, r5
	.endif
.endm

/* Four columns, whose weights are in that word. */
.macro four rows, word
	.if \rows >= 3
	sxtb16	r10, \word
	pair	\rows
	sxtb16	r10, \word, ror #8
	pair	\rows
	.elseif \rows == 2
	ldmia	lr!, {r6-r9}
	sxtb16	r10, \word
	smlad	r2, r6, r10, r2
	smlad	r3, r7, r10, r3
	sxtb16	r10, \word, ror #8
	smlad	r2, r8, r10, r2
	smlad	r3, r9, r10, r3
	.else
	ldmia	lr!, {r6, r7}
	sxtb16	r10, \word
	smlad	r2, r6, r10, r2
	sxtb16	r10, \word, ror #8
	smlad	r2, r7, r10, r2
	.endif
.endm

.macro eight rows
	ldrd	r11, r12, [r1], #8
	.if \rows >= 2
	four	\rows, r11
	four	\rows, r12
	.else
	ldmia	lr!, {r6-r9}
	sxtb16	r10, r11
	smlad	r2, r6, r10, r2
	sxtb16	r10, r11, ror #8
	smlad	r2, r7, r10, r2
	sxtb16	r10, r12
	smlad	r2, r8, r10, r2
	sxtb16	r10, r12, ror #8
	smlad	r2, r9, r10, r2
	.endif
.endm

/* The next output: its bias is where all its sums begin. */
.macro open rows
	ldrd	lr, r10, [r0, #BEGIN]
	ldr	r2, [r10], #8
	str	r10, [r0, #CHANNEL]
	.if \rows >= 2
	mov	r3, r2
	.endif
	.if \rows >= 3
	mov	r4, r2
	.endif
	.if \rows == 4
	mov	r5, r2
	.endif
.endm

/* Four sums, those beyond the rows garbage; "eq" behind the last output. */
.macro close
	ldrd	r10, r11, [r0, #AT]
	stmia	r10!, {r2-r5}
	str	r10, [r0, #AT]
	cmp	r10, r11
.endm

.macro function rows
	.section .text.cats_sum_\rows, "ax", %progbits
	.balign	4
	.global	cats_sum_\rows
	.type	cats_sum_\rows, %function
	.thumb_func
cats_sum_\rows:
	push	{r4-r11, lr}
	ldr	r10, [r0, #BEGIN]
	ldr	r11, [r0, #ROUNDS]
	cmp	r10, r11
	beq	5f
1:	open	\rows			/* outputs of at least 32 columns */
2:	eight	\rows
	eight	\rows
	eight	\rows
	eight	\rows
	ldrd	r10, r11, [r0, #ROUNDS]
	cmp	lr, r10
	bne	2b
	cmp	lr, r11
	beq	4f
3:	ldr	r11, [r1], #4
	four	\rows, r11
	ldr	r10, [r0, #END]
	cmp	lr, r10
	bne	3b
4:	close
	bne	1b
	mov	r0, r1
	pop	{r4-r11, pc}

5:	open	\rows			/* fewer */
	ldr	r10, [r0, #END]
	cmp	lr, r10
	beq	7f
6:	ldr	r11, [r1], #4
	four	\rows, r11
	ldr	r10, [r0, #END]
	cmp	lr, r10
	bne	6b
7:	close
	bne	5b
	mov	r0, r1
	pop	{r4-r11, pc}
	.size	cats_sum_\rows, . - cats_sum_\rows
.endm

	function 1
	function 2
	function 3
	function 4

#endif /* CATS_DSP */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
