/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/sys_io.h>

#include "bench.h"
#include "count.h"

/* CMSDK dual timer (Arm DDI 0479), its first one: free-running, 32 bits, counts down. */
#define TIMER DT_REG_ADDR(DT_NODELABEL(dtimer0))
#define VALUE (TIMER + 4)
#define CONTROL (TIMER + 8)
#define CONTROL_ENABLE 0x80
#define CONTROL_32BIT 0x02

/* So that their ticks are ten times the instructions of one. */
#define RUNS (10 * TICK_INSTRUCTIONS)

void count_begin(void)
{
	sys_write32(CONTROL_ENABLE | CONTROL_32BIT, CONTROL);
}

static uint32_t __noinline ticks(void (*run)(void *), void *argument)
{
	uint32_t begin = sys_read32(VALUE);

	for (uint32_t i = 0; i < RUNS; i++) {
		run(argument);
	}
	return begin - sys_read32(VALUE);
}

/* One instruction. */
static void __attribute__((__naked__, __noinline__)) nothing(void *argument)
{
	ARG_UNUSED(argument);
	__asm__ volatile("bx lr");
}

uint32_t count_calls(void (*run)(void *), void *argument)
{
	run(argument);
	return (ticks(run, argument) - ticks(nothing, NULL) + 5) / 10 + 1;
}
