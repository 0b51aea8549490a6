/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats stats */

#include <errno.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "shell_internal.h"

static int cmd_stats(const struct shell *sh, size_t argc, char **argv)
{
	static const char *const gathers[CATS_GATHER_KINDS] = {
		"input", "attention", "heads", "forward", "hidden", "output", "result",
	};
	static const char *const rejects[] = {
		"short",    "version", "check",     "type", "source", "exchange",
		"fragment", "length",  "inference", "late", "busy",   "leader",
	};
	const struct cats_instance *instance = cats_shell_instance(sh);
	static struct cats_stats stats;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	BUILD_ASSERT(ARRAY_SIZE(rejects) == CATS_REJECT_REASONS);
	if (instance == NULL) {
		return -ENOENT;
	}
	cats_stats(instance, &stats);
	shell_print(sh,
		    "%s: %u inferences, %u takeovers, %u frames not sent, %u dropped on purpose",
		    instance->name, stats.node.inferences, stats.node.takeovers,
		    stats.glue.send_failed, stats.glue.dropped);
	shell_print(sh, "%-10s %9s %7s %7s %8s %6s %5s %10s %10s", "gather", "exchanges", "sent",
		    "heard", "repaired", "lost", "twice", "air us", "compute us");
	for (size_t k = 0; k < ARRAY_SIZE(gathers); k++) {
		const struct cats_gather_stats *g = &stats.node.gather[k];

		shell_print(sh, "%-10s %9u %7u %7u %8u %6u %5u %10u %10u", gathers[k], g->exchanges,
			    g->sent, g->heard, g->repaired, g->lost, g->duplicates, g->air_us,
			    g->compute_us);
	}
#ifdef CONFIG_CATS_ENERGY
	const struct cats_energy_stats *e = &stats.energy;
	uint32_t count = MAX(e->inferences, 1u);

	shell_print(sh,
		    "an inference: %u us sending, %u us listening, %u us computing, %u microjoules",
		    (uint32_t)(e->transmit_us / count), (uint32_t)(e->listen_us / count),
		    (uint32_t)(e->compute_us / count), (uint32_t)(e->microjoules / count));
#endif
	shell_fprintf(sh, SHELL_NORMAL, "rejected");
	for (size_t r = 0; r < ARRAY_SIZE(rejects); r++) {
		shell_fprintf(sh, SHELL_NORMAL, " %s %u", rejects[r], stats.node.rejected[r]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "\n");
#ifdef CONFIG_CATS_SECURE
	static const char *const refusals[] = {
		"short", "plain", "source", "key", "replay", "forged",
	};

	BUILD_ASSERT(ARRAY_SIZE(refusals) == CATS_SECURE_REASONS);
	shell_fprintf(sh, SHELL_NORMAL, "refused");
	for (size_t r = 0; r < ARRAY_SIZE(refusals); r++) {
		shell_fprintf(sh, SHELL_NORMAL, " %s %u", refusals[r], stats.glue.refused[r]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "\n");
#endif
	return 0;
}

SHELL_SUBCMD_ADD((cats), stats, NULL, SHELL_HELP("Show counters of frames and time", ""), cmd_stats,
		 1, 0);
