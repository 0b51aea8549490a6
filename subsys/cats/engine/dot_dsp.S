/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Rows of int8 as they lie in memory, times one row: scores (keys times a query) and the weighing of
 * values. Two rows share each load of the one, so eight columns of two rows take 19 instructions:
 * 1.19 a MAC. That needs every register.
 */

#include "dsp.h"

#if CATS_DSP

/* struct cats_dot of dsp.h, copied to the stack */
#define Y    0
#define GAP  12 /* and the step behind it */
#define END  8
#define AT   20 /* and the last behind it */
#define REST 28 /* bytes of y behind whole sixteens of columns */

	.syntax unified
	.thumb

/* Four columns in one word: into a sum, with two words of y. */
.macro four word, sum, y0, y1
	sxtb16	r7, \word
	smlad	\sum, r7, \y0, \sum
	sxtb16	r7, \word, ror #8
	smlad	\sum, r7, \y1, \sum
.endm

.macro eight row, sum
	ldrd	r5, r6, [\row], #8
	four	r5, \sum, r8, r9
	four	r6, \sum, r10, r11
.endm

.macro eight_of_two
	ldmia	r12!, {r8-r11}
	eight	r1, r3
	eight	r2, r4
.endm

.macro four_of_two
	ldrd	r8, r9, [r12], #8
	ldr	r5, [r1], #4
	ldr	r6, [r2], #4
	four	r5, r3, r8, r9
	four	r6, r4, r8, r9
.endm

.macro open
	ldr	r12, [sp, #Y]
	mov	r3, #0
	mov	r4, #0
.endm

/* To the next two rows; both sums are stored. */
.macro close
	ldrd	r5, r6, [sp, #GAP]
	add	r1, r2, r5
	add	r2, r1, r6
	ldrd	r6, r5, [sp, #AT]
	strd	r3, r4, [r6], #8
	str	r6, [sp, #AT]
.endm

/*
 * int32_t cats_dot(const struct cats_dot *dot, const int8_t *rows)
 *
 *   r0      the largest sum         r5 r6   words of rows
 *   r1 r2   two rows                r7      two columns
 *   r3 r4   their sums              r8-r11  columns of y
 *   r12     y                       lr      y behind whole sixteens of columns
 */
	.section .text.cats_dot, "ax", %progbits
	.balign	4
	.global	cats_dot
	.type	cats_dot, %function
	.thumb_func
cats_dot:
	push	{r4-r11, lr}
	ldmia	r0, {r2-r8}
	sub	r9, r4, r3
	push	{r2-r9}
	mov	lr, r3
	cmp	r2, r3
	add	r2, r1, r6
	mov	r0, #0x80000000
	beq	6f
1:	open				/* at least sixteen columns */
2:	eight_of_two
	eight_of_two
	cmp	r12, lr
	bne	2b
	ldr	r7, [sp, #REST]
	cbz	r7, 4f
3:	four_of_two
	ldr	r7, [sp, #END]
	cmp	r12, r7
	bne	3b
4:	close
	cmp	r3, r0
	bgt	10f
5:	cmp	r4, r0
	bgt	11f
	cmp	r6, r5
	bne	1b
	add	sp, #32
	pop	{r4-r11, pc}
10:	mov	r0, r3			/* rarely */
	b	5b
11:	mov	r0, r4
	cmp	r6, r5
	bne	1b
	add	sp, #32
	pop	{r4-r11, pc}

6:	open				/* fewer */
	ldr	r7, [sp, #REST]
	cbz	r7, 8f
7:	four_of_two
	ldr	r7, [sp, #END]
	cmp	r12, r7
	bne	7b
8:	close
	cmp	r3, r0
	bgt	12f
9:	cmp	r4, r0
	bgt	13f
	cmp	r6, r5
	bne	6b
	add	sp, #32
	pop	{r4-r11, pc}
12:	mov	r0, r3
	b	9b
13:	mov	r0, r4
	cmp	r6, r5
	bne	6b
	add	sp, #32
	pop	{r4-r11, pc}
	.size	cats_dot, . - cats_dot

/*
 * int32_t cats_dot_eight(const int8_t *query, const int8_t *rows, int32_t *at, uint32_t n)
 *
 *   r0      the largest sum         r7      two columns
 *   r1      rows                    r8-r11  the query
 *   r2      sums go there           r12     the first of two sums
 *   r3-r6   words of two rows       lr      behind an even number of sums
 */
.macro eight_of_one low, high, sum
	sxtb16	r7, \low
	smuad	\sum, r7, r8
	sxtb16	r7, \low, ror #8
	smlad	\sum, r7, r9, \sum
	four	\high, \sum, r10, r11
.endm

	.section .text.cats_dot_eight, "ax", %progbits
	.balign	4
	.global	cats_dot_eight
	.type	cats_dot_eight, %function
	.thumb_func
cats_dot_eight:
	push	{r3-r11, lr}
	ldrd	r5, r6, [r0]
	sxtb16	r8, r5
	sxtb16	r9, r5, ror #8
	sxtb16	r10, r6
	sxtb16	r11, r6, ror #8
	mov	r0, #0x80000000
	bic	r7, r3, #1
	add	lr, r2, r7, lsl #2
	cmp	r2, lr
	beq	3f
1:	ldmia	r1!, {r3-r6}
	eight_of_one r3, r4, r12
	eight_of_one r5, r6, r4
	strd	r12, r4, [r2], #8
	cmp	r12, r0
	bgt	5f
2:	cmp	r4, r0
	bgt	6f
	cmp	r2, lr
	bne	1b
3:	ldr	r3, [sp]		/* n */
	tst	r3, #1
	beq	4f
	ldrd	r5, r6, [r1]
	eight_of_one r5, r6, r4
	str	r4, [r2]
	cmp	r4, r0
	it	gt
	movgt	r0, r4
4:	pop	{r3-r11, pc}
5:	mov	r0, r12			/* rarely */
	b	2b
6:	mov	r0, r4
	cmp	r2, lr
	bne	1b
	b	3b
	.size	cats_dot_eight, . - cats_dot_eight

#endif /* CATS_DSP */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
