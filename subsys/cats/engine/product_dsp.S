/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * void cats_multiply_dsp(const struct cats_product *p): a product of 1 to 4 rows, requantised in
 * the registers that its sums are in, or (CATS_STORE_SUMS) left as int32 [outputs][4].
 * void cats_finish_sums(const struct cats_product *p): requantise and store sums from there.
 *
 * Four weights 0, 2, 1, 3 of one word become two pairs with two instructions, and all rows share
 * them. Of four rows an LDM brings as many words as there are registers that nothing else needs
 * just then: of eight, those that hold weights grow fewer on the way through the three words of one
 * LDM, and those for activations more. So 24 columns take 71 instructions, 11 of them loads: 0.74
 * a MAC.
 *
 *   r1      weights         r2-r5   the sums of one output, so far
 *   lr      activations     else    words of weights, two weights, activations
 *
 * An output of four rows is: none, one or two eights of columns, the first of them added to the
 * bias in r5 in place of moves; whole 24s, in rounds of three, of which the first is entered where
 * what is left makes whole ones; four columns, or none. "ne" in a round says that another one
 * follows. Of fewer rows it is rounds of eights, entered alike. Where to go from each of these is
 * the same for all outputs, and waits on the stack.
 *
 * CONFIG_CATS_FAST_TILES pays for longer rounds: then most outputs have but one, which is entered at
 * once, and "cs" says that another one follows.
 */

#include "dsp.h"

#if CATS_DSP

/* struct cats_product of kernels.h */
#define P_ROWS    28 /* seven words before it */
#define P_STRIDE  30
#define P_OUTPUTS 32
#define P_SHIFT   34
#define P_STORE   35

/* What waits on the stack; the first nine words for r0, r6-r12 and lr of what ends an output. */
#define OUT    8 /* behind multiplier and next channel */
#define OPEN   36 /* how an output begins, */
#define ENTRY  40 /* where it goes on from there, */
#define INTO   44 /* behind a second eight, */
#define UNIT   48 /* into the first round, */
#define NEXT   56 /* behind all rounds, */
#define FINISH 60 /* behind its sums, */
#define KIND   72 /* and, of those less often stored, behind requantising */
#define LAST   52 /* where activations of the last round begin (of long ones, a byte before it);
		   * of fewer rows, where it ends */
#define TABLE  64 /* its middle; of CATS_STORE_EMBED, from out to it */
#define STEP   68 /* from output to output, but for the one that each store takes */
#define SIZE   76

#define HALVES 3 /* CATS_STORE_INT16, and those beyond it */

#ifdef CATS_NO_FAST_TILES
#define UNITS      3   /* of 24 columns a round */
#else
#define UNITS      7
#define LONG       1
#endif
#define SHIFTS      16 /* from 33 on for which int8 results have a code of their own, */
#define SHIFT_BYTES 38 /* of so many bytes */
#define UNIT_BYTES 284 /* of code */
#define STEP_BYTES 8   /* of "step" */

	.syntax unified
	.thumb

/* Eight columns; "bias" is where the first sums begin. */
.macro eight bias=0
	ldrd	r11, r12, [r1], #8
	ldmia	lr!, {r0, r6-r9}
	sxtb16	r10, r11
	.if \bias
	smlad	r2, r0, r10, r5
	smlad	r3, r6, r10, r5
	smlad	r4, r7, r10, r5
	.else
	smlad	r2, r0, r10, r2
	smlad	r3, r6, r10, r3
	smlad	r4, r7, r10, r4
	.endif
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

/* 24 columns. */
.macro unit
	ldmia	r1!, {r10-r12}
	ldmia	lr!, {r0, r6-r8}
	sxtb16	r9, r10
	smlad	r2, r0, r9, r2
	smlad	r3, r6, r9, r3
	smlad	r4, r7, r9, r4
	smlad	r5, r8, r9, r5
	ldmia	lr!, {r0, r6-r9}
	sxtb16	r10, r10, ror #8
	smlad	r2, r0, r10, r2
	smlad	r3, r6, r10, r3
	smlad	r4, r7, r10, r4
	smlad	r5, r8, r10, r5
	sxtb16	r10, r11
	smlad	r2, r9, r10, r2
	ldmia	lr!, {r0, r6-r9}
	smlad	r3, r0, r10, r3
	smlad	r4, r6, r10, r4
	smlad	r5, r7, r10, r5
	sxtb16	r11, r11, ror #8
	smlad	r2, r8, r11, r2
	smlad	r3, r9, r11, r3
	ldmia	lr!, {r0, r6-r10}
	smlad	r4, r0, r11, r4
	smlad	r5, r6, r11, r5
	sxtb16	r11, r12
	smlad	r2, r7, r11, r2
	smlad	r3, r8, r11, r3
	smlad	r4, r9, r11, r4
	smlad	r5, r10, r11, r5
	ldmia	lr!, {r0, r6-r11}
	sxtb16	r12, r12, ror #8
	smlad	r2, r0, r12, r2
	smlad	r3, r6, r12, r3
	smlad	r4, r7, r12, r4
	smlad	r5, r8, r12, r5
	ldmia	r1!, {r7, r8, r12}
	sxtb16	r6, r7
	smlad	r2, r9, r6, r2
	smlad	r3, r10, r6, r3
	smlad	r4, r11, r6, r4
	ldmia	lr!, {r0, r9-r11}
	smlad	r5, r0, r6, r5
	sxtb16	r7, r7, ror #8
	smlad	r2, r9, r7, r2
	smlad	r3, r10, r7, r3
	smlad	r4, r11, r7, r4
	ldmia	lr!, {r0, r6, r9-r11}
	smlad	r5, r0, r7, r5
	sxtb16	r7, r8
	smlad	r2, r6, r7, r2
	smlad	r3, r9, r7, r3
	smlad	r4, r10, r7, r4
	smlad	r5, r11, r7, r5
	ldmia	lr!, {r0, r6, r7, r9-r11}
	sxtb16	r8, r8, ror #8
	smlad	r2, r0, r8, r2
	smlad	r3, r6, r8, r3
	smlad	r4, r7, r8, r4
	smlad	r5, r9, r8, r5
	sxtb16	r9, r12
	smlad	r2, r10, r9, r2
	smlad	r3, r11, r9, r3
	ldmia	lr!, {r0, r6-r8, r10, r11}
	smlad	r4, r0, r9, r4
	smlad	r5, r6, r9, r5
	sxtb16	r12, r12, ror #8
	smlad	r2, r7, r12, r2
	smlad	r3, r8, r12, r3
	smlad	r4, r10, r12, r4
	smlad	r5, r11, r12, r5
.endm

/* Four columns of fewer rows, whose weights are in that word. */
.macro four_of rows, word
	.if \rows == 3
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

/* Eight. */
.macro eight_of rows
	ldrd	r11, r12, [r1], #8
	.if \rows >= 2
	four_of	\rows, r11
	four_of	\rows, r12
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

/* Four sums times the multiplier. r7 out, r8 and r11 to row 3 and 1, r10 the shift, r0 r9 free. */
.macro scale
	ldmia	sp, {r0, r6-r12, lr}
	smmla	r2, r2, r0, r9
	smmla	r3, r3, r0, r9
	smmla	r4, r4, r0, r9
	smmla	r5, r5, r0, r9
.endm

/* Requantised, but for saturation; r10 is free. */
.macro requantise
	scale
	asr	r2, r10
	asr	r3, r10
	asr	r4, r10
	asr	r5, r10
.endm

/* Saturated: "ssat" or "usat" to so many bits. */
.macro saturate how, bits
	\how	r2, #\bits, r2
	\how	r3, #\bits, r3
	\how	r4, #\bits, r4
	\how	r5, #\bits, r5
.endm

/* Store bytes or ("h") halves. */
.macro store size, step
	str\size	r5, [r7, r8]
	str\size	r4, [r7, r11, lsl #1]
	str\size	r3, [r7, r11]
	str\size	r2, [r7], #\step
.endm

/* Results go on a step further, where outputs do not stand side by side. */
.macro step
	ldr.w	r8, [sp, #STEP]
	add.n	r7, r8
	str.n	r7, [sp, #OUT]
.endm

/* On to the next output, if there is one. */
.macro next
	cmp	r6, r12
	bne	.Lopen
	b	.Lend
.endm

/* Of two rows, r5 takes the place of row 3: see .Lof_rows. */
.macro behind rows
	.if \rows == 2
	mov	r5, r3
	.endif
.endm

/* Outputs of so many rows: "count", a power of two, times eight columns a round. */
.macro fewer rows, count, bytes
.Lopen_\rows:
	step
	.if \rows == 3
.Lbias:					/* of four rows, too */
	.endif
	mov	r2, r5
	.if \rows >= 2
	mov	r3, r5
	.endif
	.if \rows == 3
	mov	r4, r5
	.endif
	ldr	pc, [sp, #ENTRY]
.Lround_\rows:
	.rept	\count
	eight_of \rows
	.endr
.Lbehind_\rows:
	.if	(.Lbehind_\rows - .Lround_\rows) - \count * \bytes
	.error	"eight columns have another size"
	.endif
	ldr	r10, [sp, #LAST]
	cmp	lr, r10
	bne	.Lround_\rows
	behind	\rows
	ldr	pc, [sp, #NEXT]
.Lfour_\rows:
	ldr	r11, [r1], #4
	four_of	\rows, r11
	behind	\rows
	ldr	pc, [sp, #FINISH]
.endm

/* Of them, what the beginning needs. */
.macro shape rows, count, bytes
	.hword	.Lopen_\rows - .Lkinds + 1
	.hword	.Lround_\rows - .Lkinds + 1
	.hword	.Lfour_\rows - .Lkinds + 1
	.byte	\count - 1
	.byte	\bytes
.endm

	.section .text.cats_multiply_dsp, "ax", %progbits
	.balign	4
#if CATS_FROM_SUMS
	.global	cats_finish_sums
	.type	cats_finish_sums, %function
	.thumb_func
cats_finish_sums:
	push	{r4-r11, lr}
	movs	r3, #1
	b	1f
	.size	cats_finish_sums, . - cats_finish_sums
#endif

	.global	cats_multiply_dsp
	.type	cats_multiply_dsp, %function
	.thumb_func
cats_multiply_dsp:
	push	{r4-r11, lr}
#if CATS_FROM_SUMS
	movs	r3, #0
#endif
1:	sub	sp, #SIZE
	ldm	r0, {r1, r4-r7, r11, lr}
	ldrh	r12, [r0, #P_OUTPUTS]
	ldrb	r10, [r0, #P_SHIFT]
	ldrb	r2, [r0, #P_STORE]
	add	r12, r6, r12, lsl #3
	movs	r9, #1			/* half of what the shift takes away */
	sub	r10, #33
	lsl	r9, r10
	add	r10, #1
	subs	r5, #1
	cmp	r2, #HALVES
	bhs	2f
	add	r4, #128
3:	sub	r7, r5
	str	r5, [sp, #STEP]
	adr	r8, .Lkinds
	ldrh	r2, [r8, r2, lsl #1]
	add	r2, r8
	str	r2, [sp, #KIND]
	adr	r5, .Ladd
	cmp	r2, r5
	it	lo
	adrlo	r2, .Lrare + 1
#if LONG
	ldrb	r5, [r0, #P_STORE]
	cmp	r5, #0
	bne	6f
	subs	r8, r10, #1
	cmp	r8, #SHIFTS
	bhs	6f
	adr	r2, .Lshifts + 1
	movs	r5, #SHIFT_BYTES
	mla	r2, r8, r5, r2
6:
#endif
	strd	r2, r4, [sp, #FINISH]
	ldrh	r4, [r0, #P_ROWS]
	add	r8, r11, r11, lsl #1
	cmp	r4, #3
	bls	.Lof_rows
4:	add	r5, sp, #OUT
	stmia	r5, {r7-r12, lr}
#if CATS_FROM_SUMS
	cmp	r3, #0
	bne	.Lof_sums
#endif
	ldrh	r3, [r0, #P_STRIDE]
	cmp	r4, #4
	bne	.Lfewer

	lsls	r4, r3, #29
	it	mi
	adrmi	r2, .Lfour + 1
	str	r2, [sp, #NEXT]
	lsrs	r3, #3
	movs	r4, #3
	udiv	r0, r3, r4		/* whole 24s, */
	mls	r3, r4, r0, r3		/* the eights before them, */
	add	r5, lr, r3, lsl #6	/* and the end of their activations */
	adr	r8, .Lfirst + 1
	cmp	r3, #1
	it	lo
	adrlo	r8, .Lbias + 1
	ldr	r9, [sp, #STEP]
	cmp	r9, #0
	it	ne
	subne	r8, #STEP_BYTES
	str	r8, [sp, #OPEN]
	subs	r8, r0, #1
#if LONG
	movs	r4, #UNITS
#endif
	udiv	r10, r8, r4
	mls	r8, r4, r10, r8
	rsb	r8, #UNITS - 1
	mov	r10, #UNIT_BYTES
	adr	r11, .Lround + 1
	mla	r11, r8, r10, r11	/* all others are whole rounds */
	adr	r4, .Linto + 1
	mov	r8, #24 * 8
	subs	r10, r0, #UNITS
#if LONG
	it	ls
	movls	r4, r11
	mla	r5, r10, r8, r5
	subs	r5, #1
#else
	itt	hi
	movhi	r4, r11
	mlahi	r5, r10, r8, r5
#endif
	cmp	r0, #0
	it	eq
	moveq	r4, r2
	strd	r4, r11, [sp, #INTO]
	str	r5, [sp, #LAST]
	cmp	r3, #2
	it	eq
	adreq	r4, .Llead + 1
	str	r4, [sp, #ENTRY]
	b	.Lbegin

2:	lsl	r5, #1			/* halves: steps in bytes */
	lsl	r11, #1
	sub	r4, r7			/* EMBED: from out to table */
	it	eq			/* INT16 */
	rsbeq	r9, #0
	b	3b

/* What is stored beyond the rows comes before the first row, to its place; of two, r5 is row 1. */
.Lof_rows:
	mov	r8, #0
	beq	4b
	cmp	r4, #2
	it	eq
	moveq	r8, r11
	mov	r11, #0
	b	4b

#if CATS_FROM_SUMS
.Lof_sums:
	adr	r2, .Lloaded + 1
	cmp	r4, #2
	it	eq
	adreq	r2, .Ltwo + 1
	str	r2, [sp, #OPEN]
	b	.Lbegin
#endif

.Lfewer:
	adr	r0, .Lkinds
	adr	r8, .Lshapes - 8
	add	r8, r8, r4, lsl #3
	ldrh	r9, [r8]
	ldrh	r10, [r8, #2]
	add	r9, r0
	str	r9, [sp, #OPEN]
	add	r10, r0
	lsls	r5, r3, #29
	itt	mi
	ldrhmi	r2, [r8, #4]
	addmi	r2, r0
	str	r2, [sp, #NEXT]
	ldrb	r11, [r8, #6]
	ldrb	r8, [r8, #7]
	lsrs	r3, #3
	muls	r4, r3, r4
	add	r4, lr, r4, lsl #4
	str	r4, [sp, #LAST]
	rsb	r5, r3, #0
	and	r5, r11
	mla	r10, r5, r8, r10
	cmp	r3, #0
	it	eq
	moveq	r10, r2
	str	r10, [sp, #ENTRY]
.Lbegin:
	cmp	r6, r12
	bne	.Lopen
.Lend:	add	sp, #SIZE
	pop	{r4-r11, pc}

#if CATS_FROM_SUMS
.Ltwo:	ldmia	r1!, {r2-r5}
	mov	r5, r3
	b	5f
.Lloaded:
	ldmia	r1!, {r2-r5}
5:	step
	ldr	pc, [sp, #FINISH]
#endif

	.balign	4
.Lkinds:
	.hword	.Lint8 - .Lkinds + 1
	.hword	.Lrelu - .Lkinds + 1
	.hword	.Ltable - .Lkinds + 1
	.hword	.Lint16 - .Lkinds + 1
	.hword	.Ladd - .Lkinds + 1
	.hword	.Lembed - .Lkinds + 1
	.hword	.Lsat16 - .Lkinds + 1
	.hword	.Lsums - .Lkinds + 1
.Lshapes:
	shape	1, 4, 40
	shape	2, 2, 60
	shape	3, 2, 76

/* One instruction more: kinds that are less often stored. */
.Lrare:	requantise
	ldr	pc, [sp, #KIND]

.Ltable:
	saturate ssat, 8
	ldr	r9, [sp, #TABLE]
	ldrb	r2, [r9, r2]
	ldrb	r3, [r9, r3]
	ldrb	r4, [r9, r4]
	ldrb	r5, [r9, r5]
	b	.Lbytes

.Lint16:
	saturate ssat, 16
	mov	r9, #1			/* one too small: so no sum comes out as INT16_MIN */
	qadd16	r2, r2, r9
	qadd16	r3, r3, r9
	qadd16	r4, r4, r9
	qadd16	r5, r5, r9
	b	.Lhalves

.Lembed:
	ldr	r9, [sp, #TABLE]
	add	r9, r7
	ldrsh	r0, [r9, r8]
	add	r5, r0
	ldrsh	r0, [r9, r11, lsl #1]
	add	r4, r0
	ldrsh	r0, [r9, r11]
	add	r3, r0
	ldrsh	r0, [r9]
	add	r2, r0
.Lsat16:
	saturate ssat, 16
	b	.Lhalves

.Ladd:	requantise
	saturate ssat, 16
	ldrh	r0, [r7, r8]
	ldrh	r9, [r7, r11, lsl #1]
	ldrh	r10, [r7, r11]
	qadd16	r5, r5, r0
	ldrh	r0, [r7]
	qadd16	r4, r4, r9
	qadd16	r3, r3, r10
	qadd16	r2, r2, r0
.Lhalves:
	store	h, 2
	next

.Lrelu:	requantise
	saturate usat, 7
	store	b, 1
	next

.Lsums:	ldmia	sp, {r0, r6-r12, lr}
	stmia	r7!, {r2-r5}
	next

#if LONG
.Lshifts:
	.set	shift, 0
	.rept	SHIFTS
	.set	shift, shift + 1
	scale
	ssat	r2, #8, r2, asr #shift
	ssat	r3, #8, r3, asr #shift
	ssat	r4, #8, r4, asr #shift
	ssat	r5, #8, r5, asr #shift
	b.n	.Lbytes
	.endr
	.if	(. - .Lshifts) - SHIFTS * SHIFT_BYTES
	.error	"a shift has another size"
	.endif
#endif

.Lint8:	requantise
	saturate ssat, 8
.Lbytes:
	store	b, 1
	cmp	r6, r12
	beq	.Lend
.Lopen:	ldrd	r5, r0, [r6], #8
	stmia	sp, {r0, r6, r7}
	ldr	pc, [sp, #OPEN]

.Lstepped:
	step
.Lfirst:
	.if	(.Lfirst - .Lstepped) - STEP_BYTES
	.error	"a step has another size"
	.endif
	eight	bias=1
	ldr	pc, [sp, #ENTRY]

.Llead:	eight
	ldr	pc, [sp, #INTO]

.Linto:	cmp	r0, r0			/* no other round, or, of long ones, another one */
	ldr	pc, [sp, #UNIT]

.Lmore:	ldr	r10, [sp, #LAST]
#if LONG
	cmp	r10, lr
#else
	cmp	lr, r10
#endif
.Lround:
	.rept	UNITS
	unit
	.endr
.Lbehind:
	.if	(.Lbehind - .Lround) - UNITS * UNIT_BYTES
	.error	"24 columns have another size"
	.endif
#if LONG
	bcs	.Lmore
#else
	bne	.Lmore
#endif
	ldr	pc, [sp, #NEXT]

.Lfour:	ldr	r11, [r1], #4
	ldmia	lr!, {r0, r6-r9}
	sxtb16	r10, r11
	smlad	r2, r0, r10, r2
	smlad	r3, r6, r10, r3
	smlad	r4, r7, r10, r4
	smlad	r5, r8, r10, r5
	sxtb16	r11, r11, ror #8
	smlad	r2, r9, r11, r2
	ldmia	lr!, {r0, r6, r7}
	smlad	r3, r0, r11, r3
	smlad	r4, r6, r11, r4
	smlad	r5, r7, r11, r5
	ldr	pc, [sp, #FINISH]

	fewer	1, 4, 40
	fewer	2, 2, 60
	fewer	3, 2, 76
	.size	cats_multiply_dsp, . - cats_multiply_dsp

#endif /* CATS_DSP */

#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
