/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * One node of a deployment on a simulated radio. It reports, a line each, what the runner
 * (python/cats/zephyr/bsim.py) needs to ask the reference for the very same outputs:
 *
 *	start NODE MODEL TIME
 *	submit SAMPLE TIME
 *	heard INFERENCE GATHER TILE BITS...       bits of source 0, 1, ... as hexadecimal bytes
 *	step INFERENCE ROW NEWEST REPLAYED TOLD KNOWN
 *	restart TIME
 *	result INFERENCE SAMPLE LED LOST FRAGMENTS SILENT STARTED ENDED TIME OUTPUT
 *	gather KIND EXCHANGES SENT HEARD REPAIRED LOST DUPLICATES AIR_US COMPUTE_US
 *	rejected COUNT...
 *	refused COUNT...                          by enum cats_secure_reject
 *	energy SENT_US LISTENED_US                in inferences
 *	stop REASON RESULTS TAKEOVERS SEND_FAILED DROPPED
 *	writes COUNT                              of settings
 *	meetings TIME LEADER NEXT PERIOD MEETINGS MISSED SEARCHES TAKEOVERS ELAPSED_US ON_US
 *	token POSITION TOKEN CHOSEN TOLD TIME      of a text
 *	intruder FRAMES
 *	beside CONNECTIONS SEEN                   of its application, or of the phone
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include "bs_types.h"
#include "bs_tracing.h"
#include "nsi_main.h"

#include <cats/cats.h>

#include "host.h"
#include "local.h"

#define ARENA_SIZE (256 * 1024)
#define LINE 2048

CATS_INSTANCE_DEFINE(node, &CATS_TRANSPORT, ARENA_SIZE);

static K_SEM_DEFINE(ended, 0, K_SEM_MAX_LIMIT);
static const struct cats_image *image;
static const int8_t *inputs;
static unsigned int samples;
static unsigned int results;
static unsigned int begun;
static int sample = -1; /* the last that was submitted */

static void leave(const char *reason)
{
	struct cats_stats stats;

	cats_stats(&node, &stats);
	for (int kind = 0; kind < CATS_GATHER_KINDS; kind++) {
		const struct cats_gather_stats *g = &stats.node.gather[kind];

		report("gather %d %u %u %u %u %u %u %" PRIu64 " %" PRIu64 "\n", kind, g->exchanges,
		       g->sent, g->heard, g->repaired, g->lost, g->duplicates, g->air_us,
		       g->compute_us);
	}
	report("rejected %u %u %u %u %u %u %u %u %u %u %u %u\n", stats.node.rejected[0],
	       stats.node.rejected[1], stats.node.rejected[2], stats.node.rejected[3],
	       stats.node.rejected[4], stats.node.rejected[5], stats.node.rejected[6],
	       stats.node.rejected[7], stats.node.rejected[8], stats.node.rejected[9],
	       stats.node.rejected[10], stats.node.rejected[11]);
#ifdef CONFIG_CATS_SECURE
	report("refused %u %u %u %u %u %u\n", stats.glue.refused[0], stats.glue.refused[1],
	       stats.glue.refused[2], stats.glue.refused[3], stats.glue.refused[4],
	       stats.glue.refused[5]);
#endif
#ifdef CONFIG_SETTINGS
	report("writes %u\n", stored_writes());
#endif
#ifdef CONFIG_CATS_BSIM_BESIDE
	beside_report();
#endif
#ifdef CONFIG_CATS_SLEEP
	meetings_report();
#endif
	report("energy %" PRIu64 " %" PRIu64 "\n", stats.energy.transmit_us,
	       stats.energy.listen_us);
	report("stop %s %u %u %u %u\n", reason, results, stats.node.takeovers,
	       stats.glue.send_failed, stats.glue.dropped);
	nsi_exit(0);
}

static void die(struct k_timer *timer)
{
	ARG_UNUSED(timer);
	report("stop killed %u 0 0 0\n", results);
	nsi_exit(0);
}

static K_TIMER_DEFINE(death, die, NULL);

static void arrived(void *user, uint16_t inference, struct cats_exchange x,
		    const struct cats_availability *available)
{
	char line[LINE];
	size_t end = 0;

	ARG_UNUSED(user);
	if (x.gather == 0 && x.tile == 0 && begun++ == options.kill_inference) {
		k_timer_start(&death, K_USEC(options.kill_us), K_NO_WAIT);
	}
	for (uint8_t s = 0; s < image->header->nodes; s++) {
		uint16_t bytes = DIV_ROUND_UP(cats_fragment_count(image, x, s), 8);

		line[end++] = ' ';
		line[end++] = '.';
		for (uint16_t b = 0; b < bytes; b++) {
			end += snprintf(line + end, sizeof(line) - end, "%02x",
					available->bits[s][b]);
		}
	}
	line[end] = '\0';
	report("heard %u %u %u%s\n", inference, x.gather, x.tile, line);
}

static void told(const struct cats_result *result, void *user)
{
	static char line[4 * 65536 + 1]; /* as many outputs as a model can have, of one row */
	size_t end = 0;

	ARG_UNUSED(user);
	for (uint32_t i = 0; i < (uint32_t)result->rows * result->columns; i++) {
		end += snprintf(line + end, sizeof(line) - end, "%04x",
				(uint16_t)result->output[i]);
	}
	report("result %u %d %d %u %u %u %u %u %llu %s\n", result->inference,
	       result->submitted ? sample : -1, result->led, result->lost, result->fragments,
	       result->silent, result->started_us, result->ended_us,
	       (unsigned long long)host_time(), line);
#ifdef CONFIG_CATS_LLAMA
	report("step %u %u %u %d %d %u\n", result->inference, result->position,
	       result->token.position, result->replayed, result->token.told, result->known);
#endif
	results++;
	k_sem_give(&ended);
}

/* At most so long, and not over the end. */
static k_timeout_t patience(k_timepoint_t end, uint32_t us)
{
	k_timepoint_t then = sys_timepoint_calc(us == UINT32_MAX ? K_FOREVER : K_USEC(us));

	return sys_timepoint_timeout(sys_timepoint_cmp(then, end) < 0 ? then : end);
}

static void *image_file(size_t *size)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "node_%02u/cats_partition.bin", options.node);
	return host_file(name, size);
}

static int load(void)
{
	size_t size;
	void *data = image_file(&size);

	cats_on_available(&node, arrived, NULL);
	cats_on_result(&node, told, NULL);
	return cats_start(&node, data, size);
}

#ifdef CONFIG_CATS_LLAMA
/* The node forgets all, as when it is reset. */
static void begin_anew(struct k_work *work)
{
	ARG_UNUSED(work);
	(void)cats_stop(&node);
	k_sleep(K_MSEC(options.off_ms));
	report("restart %llu\n", (unsigned long long)host_time());
	if (load() != 0) {
		bs_trace_error("node %u does not start again\n", options.node);
	}
}

static K_WORK_DELAYABLE_DEFINE(restarting, begin_anew);
#endif

int main(void)
{
	k_timepoint_t end = sys_timepoint_calc(K_FOREVER);
	size_t size;
	int ret;

	host_begin();
	if (options.compute != NULL) {
		compute_load(options.compute, options.node);
	}
#ifdef CONFIG_CATS_BSIM_CODE_TIME
	if (options.code != NULL) {
		code_time_load(options.code);
	}
#endif
	k_sleep(K_USEC(options.start_us));
#ifdef CONFIG_CATS_LOSS
	cats_loss_seed(&node, options.seed);
	(void)cats_loss(&node, CATS_NODE_ANY, options.loss);
#endif
	if (options.intrude_us != UINT32_MAX) {
		report("intruder %u\n", intrude(image_file(&size)));
		nsi_exit(0);
	}
#ifdef CONFIG_CATS_BSIM_BESIDE
	if (options.phone) {
		beside_phone();
		beside_report();
		nsi_exit(0);
	}
	if (options.beside) {
		beside_begin();
	}
#endif
	ret = load();
	if (ret != 0) {
		bs_trace_error("node %u does not start: %d\n", options.node, ret);
	}
#ifdef CONFIG_CATS_SLEEP
	meetings_begin(&node);
#endif
	if (options.until_ms != UINT32_MAX) {
		end = sys_timepoint_calc(K_MSEC(options.until_ms));
	}
	if (options.die_ms != UINT32_MAX) {
		k_timer_start(&death, K_MSEC(options.die_ms), K_NO_WAIT);
	}
	image = cats_running(&node);
	report("start %u %08x %llu\n", image->header->node, image->header->model_id,
	       (unsigned long long)host_time());

#ifdef CONFIG_CATS_LLAMA
	if (options.prompt != NULL) {
		bool whole;

		if (options.restart_ms != UINT32_MAX) {
			(void)k_work_schedule(&restarting, K_MSEC(options.restart_ms));
		}
		whole = text_write(&node);
		k_sleep(K_MSEC(50));
		leave(whole ? "done" : "quiet");
	}
#endif
	if (cats_input_size(image) != 0) {
		char name[32];

		(void)snprintf(name, sizeof(name), "inputs_%02u.bin", options.node);
		inputs = host_file(name, &size);
		samples = size / cats_input_size(image);
	}
	if (options.submit == UINT32_MAX) {
		options.submit = options.node == 0 || inputs != NULL;
	}
	sample = (int)options.first - 1;
	while (results < options.inferences && !sys_timepoint_expired(end)) {
		if (options.submit) {
			const int8_t *input = NULL;

			sample++;
			if (inputs != NULL) {
				input = inputs + sample % samples * cats_input_size(image);
			}
			report("submit %d %llu\n", sample, (unsigned long long)host_time());
			ret = cats_infer(&node, input, NULL, 0, NULL,
					 patience(end, options.quiet_us));
			k_sleep(patience(end, options.gap_us));
		} else {
			ret = k_sem_take(&ended, patience(end, options.quiet_us));
		}
		if (ret != 0 && !sys_timepoint_expired(end)) {
			leave("quiet");
		}
	}
	/* Others may still be in the last exchange, and wait for this node's frames. */
	k_sleep(K_MSEC(50));
	leave("done");
	return 0;
}
