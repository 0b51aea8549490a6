/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Reset, faults, and what newlib would have to be linked for. */

#include <stddef.h>
#include <stdint.h>

#include "bench.h"

extern uint32_t data_begin[], data_end[], data_load[], bss_begin[], bss_end[], stack_top[];

void reset(void)
{
	const uint32_t *from = data_load;

#ifdef __ARM_FP
	/* gcc may keep integers in the registers of the FPU, which is off after a reset. */
	*(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
	__asm__ volatile("dsb\n\tisb" : : : "memory");
#endif
	for (uint32_t *to = data_begin; to < data_end;) {
		*to++ = *from++;
	}
	for (uint32_t *to = bss_begin; to < bss_end;) {
		*to++ = 0;
	}
	stop(main());
}

/* frame: R0 to R3, R12, LR, PC and PSR as the exception pushed them */
static void __attribute__((__used__)) report_fault(const uint32_t *frame)
{
	report("fault/pc", frame[6], frame[5], frame[1]);
	stop(3);
}

static void __attribute__((__naked__)) fault(void)
{
	__asm__ volatile("mov r0, sp\n\tb report_fault");
}

static const void *const vectors[16] __attribute__((section(".vectors"), used)) = {
	stack_top, reset, fault, fault, fault, fault, fault, 0,
	0,         0,     0,     fault, fault, 0,     fault, fault,
};
