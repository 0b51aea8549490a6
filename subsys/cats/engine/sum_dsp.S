/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * const int8_t *cats_sum_R(struct cats_sums *sums, const int8_t *w) for blocks of R = 1..4 rows:
 * sums from sums->at to sums->last, from weights w on; returns the weights of the next output. Eight
 * columns are written out several times: an output first skips what makes it whole rounds.
 *
 * Four weights 0, 2, 1, 3 of one word become two pairs with two instructions, and all rows share
 * them. An LDM brings as many activations as there are registers that nothing else needs just then,
 * five or six, so eight columns of four rows take 24 instructions, three of them such: 0.75 a MAC.
 *
 *   r1      weights         r2-r5   the sums of one output, so far
 *   r10     two weights     r11 r12 words of weights, at last two weights themselves
 *   lr      activations     r0 r6-r9, and r5 of three rows, r10 of four: activations
 */

#include "dsp.h"

#if CATS_DSP

/* struct cats_sums of product_dsp.h, copied to the stack */
#define AT     4 /* and the channel behind it */
#define EIGHTS 16 /* and the end behind it */
#define ENTRY  24 /* where an output begins */
#define SIZE   28

	.syntax unified
	.thumb

/* Four columns of four rows, whose weights are in a word that they take. */
.macro four_of_four word
	ldmia	lr!, {r0, r6-r9}
	sxtb16	r10, \word
	smlad	r2, r0, r10, r2
	smlad	r3, r6, r10, r3
	smlad	r4, r7, r10, r4
	smlad	r5, r8, r10, r5
	sxtb16	\word, \word, ror #8
	smlad	r2, r9, \word, r2
	ldmia	lr!, {r0, r6, r7}
	smlad	r3, r0, \word, r3
	smlad	r4, r6, \word, r4
	smlad	r5, r7, \word, r5
.endm

/* Twice that; the second LDM ends in the third pair of columns. */
.macro eight_of_four
	ldmia	lr!, {r0, r6-r9}
	sxtb16	r10, r11
	smlad	r2, r0, r10, r2
	smlad	r3, r6, r10, r3
	smlad	r4, r7, r10, r4
	smlad	r5, r8, r10, r5
	sxtb16	r11, r11, ror #8
	smlad	r2, r9, r11, r2
	ldmia	lr!, {r0, r6-r10}
	smlad	r3, r0, r11, r3
	smlad	r4, r6, r11, r4
	smlad	r5, r7, r11, r5
	sxtb16	r11, r12
	smlad	r2, r8, r11, r2
	smlad	r3, r9, r11, r3
	smlad	r4, r10, r11, r4
	ldmia	lr!, {r0, r6-r9}
	smlad	r5, r0, r11, r5
	sxtb16	r12, r12, ror #8
	smlad	r2, r6, r12, r2
	smlad	r3, r7, r12, r3
	smlad	r4, r8, r12, r4
	smlad	r5, r9, r12, r5
.endm

/* Four columns, whose weights are in that word. */
.macro four rows, word
	.if \rows == 4
	four_of_four \word
	.elseif \rows == 3
	ldmia	lr!, {r0, r5-r9}
	sxtb16	r10, \word
	smlad	r2, r0, r10, r2
	smlad	r3, r5, r10, r3
	smlad	r4, r6, r10, r4
	sxtb16	r10, \word, ror #8
	smlad	r2, r7, r10, r2
	smlad	r3, r8, r10, r3
	smlad	r4, r9, r10, r4
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
	.if \rows == 4
	eight_of_four
	.elseif \rows >= 2
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

/* The next output, r7 its place, r8 its channel: its bias is where all its sums begin. */
.macro open rows
	ldr	r2, [r8], #8
	strd	r7, r8, [sp, #AT]
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
	ldmia	sp, {r6-r8, lr}
	stmia	r7!, {r2-r5}
	cmp	r7, r6
.endm

/* "count", a power of two, times eight columns of so many "bytes" of code. */
.macro function rows, count, bytes
	.section .text.cats_sum_\rows, "ax", %progbits
	.balign	4
	.global	cats_sum_\rows
	.type	cats_sum_\rows, %function
	.thumb_func
cats_sum_\rows:
	push	{r4-r11, lr}
	ldmia	r0, {r6-r12}
	rsbs	r12, #0
	ite	eq
	moveq	r12, #\count
	andne	r12, #\count - 1
	mov	r2, #\bytes
	adr	r3, 2f + 1
	mla	r12, r12, r2, r3
	push	{r6-r12}
	mov	lr, r9
1:	open	\rows
	ldr	pc, [sp, #ENTRY]
2:	.rept	\count
	eight	\rows
	.endr
3:	.if	(3b - 2b) - \count * \bytes
	.error	"eight columns have another size"
	.endif
	ldrd	r10, r11, [sp, #EIGHTS]
	cmp	lr, r10
	bne	2b
	cmp	lr, r11
	beq	4f
	ldr	r11, [r1], #4
	four	\rows, r11
4:	close
	bne	1b
	add	sp, #SIZE
	mov	r0, r1
	pop	{r4-r11, pc}
	.size	cats_sum_\rows, . - cats_sum_\rows
.endm

	function 1, 4, 40
	function 2, 4, 60
	function 3, 2, 76
	function 4, 8, 96

#endif /* CATS_DSP */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
