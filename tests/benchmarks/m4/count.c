/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * With -icount shift=0 every instruction takes QEMU one nanosecond. SysTick counts the board's
 * 25 MHz clock, so one tick is 40 instructions, and the ticks of 40 equal runs are the instructions
 * of one (at 32 MHz: those of 125 are four times as many). What the counting itself costs is
 * measured with functions whose length is known.
 */

#include "bench.h"

#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)

#define WRAP 0x1000000u

/* Ticks of so many runs. SysTick counts down, 24 bits: runs may take 671 million instructions. */
static uint32_t __attribute__((__noinline__, __noclone__)) ticks(void (*run)(void *),
								 void *argument, uint32_t runs)
{
	uint32_t begin;

	SYST_RVR = WRAP - 1;
	SYST_CVR = 0;
	SYST_CSR = 5; /* the processor's clock, no interrupt */
	begin = SYST_CVR;
	while (runs-- != 0) {
		run(argument);
	}
	return (begin - SYST_CVR) & (WRAP - 1);
}

void ticks_begin(void)
{
	SYST_RVR = WRAP - 1;
	SYST_CVR = 0;
	SYST_CSR = 5;
}

uint32_t ticks_now(void)
{
	return WRAP - 1 - SYST_CVR;
}

uint32_t instructions_of(uint32_t ticks)
{
	return ticks / TICK_PARTS * TICK_INSTRUCTIONS +
	       ticks % TICK_PARTS * TICK_INSTRUCTIONS / TICK_PARTS;
}

/* A function of one instruction. */
void __attribute__((__naked__, __noinline__)) nothing(void *argument);
void nothing(void *argument)
{
	(void)argument;
	__asm__ volatile("bx lr");
}

uint32_t count(void (*run)(void *), void *argument)
{
	const uint32_t once = ticks(run, argument, 1);
	/* Short ones ten times as often: then the last digit is exact, else it is one off. */
	const uint32_t more = once < 500 ? 10 : 1;
	uint32_t all;

	if (once > 5000) {
		return instructions_of(once); /* within 80 */
	}
	all = ticks(run, argument, more * TICK_INSTRUCTIONS) -
	      ticks(nothing, NULL, more * TICK_INSTRUCTIONS);
	return (all + more * TICK_PARTS / 2) / (more * TICK_PARTS) + 1;
}

struct after {
	void (*reset)(void);
	void (*run)(void *argument);
	void *argument;
};

static void reset_and_run(void *argument)
{
	const struct after *after = argument;

	after->reset();
	after->run(after->argument);
}

uint32_t count_after(void (*reset)(void), void (*run)(void *), void *argument)
{
	struct after both = {reset, run, argument};
	struct after alone = {reset, nothing, NULL};

	/* One off, at most. */
	return (ticks(reset_and_run, &both, TICK_INSTRUCTIONS) -
		ticks(reset_and_run, &alone, TICK_INSTRUCTIONS)) /
		       TICK_PARTS +
	       1;
}
