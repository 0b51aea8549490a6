/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#ifdef CONFIG_CPU_CORTEX_M_HAS_DWT
#include <cmsis_core.h>
#endif

#include <cats/selftest.h>

#include "calibrate.h"

/* What node 0 of this case executes by the planner's estimate (cats.plan.cost); a test compares. */
#define CASE "four_even"
#define INSTRUCTIONS 51439

#define CLOCK_MS 200

static uint8_t __aligned(8) scratch[12 * 1024];

/* Cycles of the processor in a second of the kernel's clock. */
static uint32_t clock_hz(void)
{
#ifdef CONFIG_CPU_CORTEX_M_HAS_DWT
	uint32_t cycles;
	int64_t ticks;

	CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
#ifdef CONFIG_CPU_CORTEX_M7
	DWT->LAR = 0xc5acce55;
#endif
	DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
	ticks = k_uptime_ticks();
	while (k_uptime_ticks() == ticks) {
		/* begin with a tick */
	}
	cycles = DWT->CYCCNT;
	ticks = k_uptime_ticks();
	/* The counter stands still while the processor sleeps. */
	k_busy_wait(CLOCK_MS * USEC_PER_MSEC);
	cycles = DWT->CYCCNT - cycles;
	ticks = k_uptime_ticks() - ticks;
	return (uint32_t)((uint64_t)cycles * CONFIG_SYS_CLOCK_TICKS_PER_SEC / (uint64_t)ticks);
#else
	return 0;
#endif
}

static uint32_t cycles_of(const struct compute_figures *figures, uint32_t ns)
{
	return (uint32_t)((uint64_t)ns * figures->clock_hz / NSEC_PER_SEC);
}

static void print_steps(const struct compute_figures *figures, const struct cats_step_times *times)
{
	printk("%-12s %5s %14s %14s\n", "step", "tiles", "produce cycles", "consume cycles");
	for (unsigned int kind = 0; kind < CATS_GATHER_KINDS; kind++) {
		printk("%-12s %5u %14u %14u\n", cats_gather_name(kind), times->exchanges[kind],
		       cycles_of(figures, times->produce_ns[kind]),
		       cycles_of(figures, times->consume_ns[kind]));
	}
}

void compute_measure(struct compute_figures *figures)
{
	struct cats_step_times times;
	struct cats_image image;

	*figures = (struct compute_figures){.clock_hz = clock_hz()};
	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		if (strcmp(golden->name, CASE) != 0 ||
		    cats_image_verify(golden->images[0], golden->image_sizes[0], &image) !=
			    CATS_IMAGE_OK ||
		    cats_time_steps(&image, scratch, sizeof(scratch), &times) != 0) {
			continue;
		}
		figures->total_ns = times.total_ns;
		printk("engine: %s, node 0: %u ns", CASE, times.total_ns);
		if (times.total_ns == 0 || figures->clock_hz == 0) {
			printk(": code takes no time here, or the processor has no counter\n");
			continue;
		}
		figures->cycles_per_instruction =
			(uint32_t)((uint64_t)cycles_of(figures, times.total_ns) * 1000 /
				   INSTRUCTIONS);
		printk(", %u cycles of %u Hz\n", cycles_of(figures, times.total_ns),
		       figures->clock_hz);
		print_steps(figures, &times);
	}
}
