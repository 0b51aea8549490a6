/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats stats: for people, and as one line of JSON a node */

#include <errno.h>
#include <inttypes.h>

#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "shell_internal.h"

/* Too large for the shell's stack. */
static struct cats_stats stats;

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
#ifdef CONFIG_CATS_LLAMA
	shell_print(sh, "%u replays of %u rows, of which it lacked %u", stats.node.replays,
		    stats.node.replayed, stats.node.refilled);
#endif
	shell_print(sh, "%-10s %9s %7s %7s %8s %6s %5s %10s %10s", "gather", "exchanges", "sent",
		    "heard", "repaired", "lost", "twice", "air us", "compute us");
	for (size_t k = 0; k < ARRAY_SIZE(gathers); k++) {
		const struct cats_gather_stats *g = &stats.node.gather[k];

		shell_print(sh, "%-10s %9u %7u %7u %8u %6u %5u %10" PRIu64 " %10" PRIu64,
			    gathers[k], g->exchanges, g->sent, g->heard, g->repaired, g->lost,
			    g->duplicates, g->air_us, g->compute_us);
	}
#ifdef CONFIG_CATS_ENERGY
	const struct cats_energy_stats *e = &stats.energy;
	uint32_t count = MAX(e->inferences, 1u);

	shell_print(sh,
		    "an inference: %u us sending, %u us listening, %u us computing, %u microjoules",
		    (uint32_t)(e->transmit_us / count), (uint32_t)(e->listen_us / count),
		    (uint32_t)(e->compute_us / count), (uint32_t)(e->microjoules / count));
	shell_print(
		sh,
		"in all %u s: between inferences %u ms sending, %u ms listening; %u s radio off; "
		"%u.%03u microamperes on average",
		(uint32_t)(e->elapsed_us / USEC_PER_SEC),
		(uint32_t)(e->between_transmit_us / USEC_PER_MSEC),
		(uint32_t)(e->between_listen_us / USEC_PER_MSEC),
		(uint32_t)(e->sleep_us / USEC_PER_SEC), e->average_na / 1000u,
		e->average_na % 1000u);
#endif
	shell_fprintf(sh, SHELL_NORMAL, "rejected");
	for (size_t r = 0; r < ARRAY_SIZE(rejects); r++) {
		shell_fprintf(sh, SHELL_NORMAL, " %s %u", rejects[r], stats.node.rejected[r]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "\n");
	if (stats.node.rejected[CATS_REJECT_SOURCE] != 0) {
		shell_warn(sh, "%u frames in this node's name: another board has its number",
			   stats.node.rejected[CATS_REJECT_SOURCE]);
	}
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

static __maybe_unused void print_list(const struct shell *sh, const char *name,
				      const uint32_t *values, size_t count)
{
	shell_fprintf(sh, SHELL_NORMAL, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		shell_fprintf(sh, SHELL_NORMAL, i == 0 ? "%u" : ",%u", values[i]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "]");
}

/* What the line has of all gathers together. */
static void print_sums(const struct shell *sh, const struct cats_node_stats *node)
{
	struct cats_gather_stats sum = {0};
	uint32_t rejected = 0;

	for (size_t k = 0; k < CATS_GATHER_KINDS; k++) {
		sum.sent += node->gather[k].sent;
		sum.heard += node->gather[k].heard;
		sum.repaired += node->gather[k].repaired;
		sum.lost += node->gather[k].lost;
	}
	for (size_t r = 0; r < CATS_REJECT_REASONS; r++) {
		rejected += node->rejected[r];
	}
	shell_fprintf(sh, SHELL_NORMAL,
		      ",\"inferences\":%u,\"takeovers\":%u,\"sent\":%u,\"heard\":%u,"
		      "\"repaired\":%u,\"lost\":%u,\"rejected\":%u,\"twin\":%u",
		      node->inferences, node->takeovers, sum.sent, sum.heard, sum.repaired,
		      sum.lost, rejected, node->rejected[CATS_REJECT_SOURCE]);
}

static void print_json(const struct shell *sh, const struct cats_instance *instance)
{
	const struct cats_image *image = cats_running(instance);

	shell_fprintf(sh, SHELL_NORMAL,
		      "{\"instance\":\"%s\",\"transport\":\"%s\",\"uptime_ms\":%u,"
		      "\"runs\":%s",
		      instance->name, instance->transport->name, k_uptime_get_32(),
		      image != NULL ? "true" : "false");
	if (image != NULL) {
		const struct cats_image_header *h = image->header;

		cats_stats(instance, &stats);
		shell_fprintf(sh, SHELL_NORMAL,
			      ",\"node\":%u,\"nodes\":%u,\"model\":\"%08x\",\"group\":\"%x\"",
			      h->node, h->nodes, h->model_id, cats_group(instance));
		print_sums(sh, &stats.node);
		shell_fprintf(sh, SHELL_NORMAL, ",\"not_sent\":%u,\"dropped\":%u",
			      stats.glue.send_failed, stats.glue.dropped);
#ifdef CONFIG_CATS_SECURE
		print_list(sh, "refused", stats.glue.refused, CATS_SECURE_REASONS);
#endif
#ifdef CONFIG_CATS_ENERGY
		const struct cats_energy_stats *e = &stats.energy;

		shell_fprintf(sh, SHELL_NORMAL,
			      ",\"microjoules\":%u,\"average_ua\":%u.%03u,"
			      "\"elapsed_ms\":%" PRIu64 ",\"between_on_ms\":%" PRIu64
			      ",\"sleep_ms\":%" PRIu64,
			      (uint32_t)(e->microjoules / MAX(e->inferences, 1u)),
			      e->average_na / 1000u, e->average_na % 1000u,
			      e->elapsed_us / USEC_PER_MSEC,
			      (e->between_transmit_us + e->between_listen_us) / USEC_PER_MSEC,
			      e->sleep_us / USEC_PER_MSEC);
#endif
#ifdef CONFIG_CATS_LINKS
		const struct cats_link_stats *l = &stats.links;

		print_list(sh, "link_fragments", l->fragments, h->nodes);
		print_list(sh, "link_lost", l->lost, h->nodes);
		print_list(sh, "link_heard", l->heard, h->nodes);
		if (stats.node.inferences != 0) {
			shell_fprintf(sh, SHELL_NORMAL,
				      ",\"last\":{\"inference\":%u,\"class\":%d,"
				      "\"latency_us\":%u,\"fragments\":%u,\"lost\":%u,"
				      "\"silent\":%u}",
				      l->last.inference, l->last.answer, l->last.latency_us,
				      l->last.fragments, l->last.lost, l->last.silent);
		}
#endif
	}
	shell_fprintf(sh, SHELL_NORMAL, "}\n");
}

#ifdef CONFIG_CATS_LINKS
static int cmd_links(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
	const struct cats_image *image;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (instance == NULL) {
		return -ENOENT;
	}
	image = cats_running(instance);
	if (image == NULL) {
		shell_error(sh, "%s does not run: cats start", instance->name);
		return -EAGAIN;
	}
	cats_stats(instance, &stats);
	shell_print(sh, "%-4s %9s %9s %6s %5s", "from", "frames", "heard", "%", "dBm");
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		uint32_t count = stats.links.fragments[s];
		uint32_t heard = MIN(stats.links.heard[s], count);
		uint32_t thousandths;

		if (s == image->header->node || count == 0) {
			continue;
		}
		thousandths = (uint32_t)((uint64_t)heard * 1000 / count);
		shell_print(sh, "%4u %9u %9u %4u.%u %5d", s, count, heard, thousandths / 10,
			    thousandths % 10, stats.links.power[s] / CATS_POWER_UNIT);
	}
	return 0;
}

SHELL_SUBCMD_ADD((cats), links, NULL, SHELL_HELP("Show whom this node hears, and how well", ""),
		 cmd_links, 1, 0);
#endif

static int cmd_stats_json(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		print_json(sh, instance);
	}
	return 0;
}

SHELL_STATIC_SUBCMD_SET_CREATE(
	stats_commands,
	SHELL_CMD_ARG(json, NULL, SHELL_HELP("For programs: a line of JSON for each instance", ""),
		      cmd_stats_json, 1, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), stats, &stats_commands, SHELL_HELP("Show counters of frames and time", ""),
		 cmd_stats, 1, 0);
