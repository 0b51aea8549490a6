/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Text by semihosting, and the end. */

#include "bench.h"

static int semihost(int operation, const void *argument)
{
	register int r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = argument;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

void print(const char *text)
{
	semihost(0x04, text); /* SYS_WRITE0 */
}

void stop(int status)
{
	const uint32_t block[2] = {0x20026, (uint32_t)status}; /* ADP_Stopped_ApplicationExit */

	for (;;) {
		semihost(0x20, block); /* SYS_EXIT_EXTENDED */
	}
}

static void print_number(uint32_t v, uint32_t base)
{
	char text[12];
	char *at = text + sizeof(text);

	*--at = '\0';
	do {
		*--at = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	print(at);
}

void report(const char *name, uint32_t instructions, uint32_t units, uint32_t crc)
{
	print(name);
	print(" ");
	print_number(instructions, 10);
	print(" ");
	print_number(units, 10);
	print(" ");
	print_number(crc, 16);
	print("\n");
}
