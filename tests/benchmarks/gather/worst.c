/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The worst counts so far, by name. Names are compared by their addresses. */

#include "gather.h"

#define NAMES 96

static struct {
	const char *name;
	uint32_t instructions;
	uint32_t units;
} all[NAMES];

static uint32_t place(const char *name)
{
	uint32_t i = 0;

	while (i < NAMES && all[i].name != NULL && all[i].name != name) {
		i++;
	}
	if (i == NAMES) {
		stop(5);
	}
	all[i].name = name;
	return i;
}

void worst(const char *name, uint32_t instructions, uint32_t units)
{
	const uint32_t i = place(name);

	if (instructions > all[i].instructions) {
		all[i].instructions = instructions;
		all[i].units = units;
	}
}

bool may_be_worst(const char *name, uint32_t ticks)
{
	return instructions_of(ticks + 1) >= all[place(name)].instructions;
}

void report_worst(void)
{
	for (uint32_t i = 0; i < NAMES && all[i].name != NULL; i++) {
		report(all[i].name, all[i].instructions, all[i].units, 0);
	}
}
