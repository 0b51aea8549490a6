/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Functions whose length can be read off: is the count what it should be? */

#include "bench.h"

#define FUNCTION(name, text)                                                                       \
	static void __attribute__((__naked__, __noinline__)) name(void *argument)                  \
	{                                                                                          \
		(void)argument;                                                                    \
		__asm__ volatile(text "bx lr");                                                    \
	}

/* n rounds of four instructions */
#define LOOP(n) "ldr r0, =" #n "\n1: nop\n nop\n subs r0, #1\n bne 1b\n"

FUNCTION(ten, ".rept 9\n nop\n .endr\n")
FUNCTION(thousand, LOOP(250))
FUNCTION(many, LOOP(25000))
FUNCTION(millions, LOOP(1250000))
/* What is not executed counts as well, and so does IT. */
FUNCTION(skipped, "cmp r0, r0\n itt ne\n addne r0, #1\n addne r0, #1\n")
/* However many registers or cycles */
FUNCTION(wide, "push {r4-r7}\n ldm sp, {r4-r7}\n ldrd r4, r5, [sp]\n mov r5, #3\n"
	       "umull r4, r6, r6, r7\n udiv r4, r4, r5\n pop {r4-r7}\n")

void bench_known(void)
{
	static const struct {
		const char *name;
		void (*run)(void *argument);
		uint32_t instructions;
	} cases[] = {
		{"known/straight", ten, 10},       {"known/loop", thousand, 1002},
		{"known/loop-long", many, 100002}, {"known/loop-longest", millions, 5000002},
		{"known/skipped", skipped, 5},     {"known/wide", wide, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		report(cases[i].name, count(cases[i].run, NULL), cases[i].instructions, 0);
	}
}
