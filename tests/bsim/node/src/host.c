/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdbool.h>
#include <stdio.h>

#include <zephyr/kernel.h>

#include "bs_types.h"
#include "bs_tracing.h"
#include "bsim_args_runner.h"
#include "nsi_host_trampolines.h"
#include "nsi_hw_scheduler.h"
#include "posix_board_if.h"
#include "posix_native_task.h"

#include "host.h"

#define NOT_GIVEN UINT32_MAX
#define FILE_MAX (4 << 20)
#define CRYSTAL_US 400 /* it takes so long to start; the nRF52840 360 us */
#define CLOCK_HF 1     /* NHW_CLKPWR_CLK_IDX_HF */
#define CLOCK_INSTANCE IS_ENABLED(CONFIG_SOC_NRF5340_CPUNET)

struct options options;

extern bs_time_t hwll_phy_time_from_dev(bs_time_t d_t);
extern void nhw_clock_cheat_set_start_time(unsigned int instance, unsigned int clock,
					   unsigned int source, bs_time_t time);

static void add_options(void)
{
	static bs_args_struct_t table[] = {
		{false, true, false, "deploy", "folder", 's', &options.deploy, NULL,
		 "What `cats export --format image` wrote, and inputs.bin"},
		{false, false, false, "compute", "file", 's', &options.compute, NULL,
		 "uint32 [nodes][gathers][2]: microseconds of produce and consume (default: none)"},
		{false, false, false, "code", "file", 's', &options.code, NULL,
		 "struct air_code: nanoseconds of all other code (default: none)"},
		{false, false, false, "node", "number", 'u', &options.node, NULL,
		 "Its number in the deployment (default: the device's)"},
		{false, false, false, "inferences", "count", 'u', &options.inferences, NULL,
		 "End after so many (default 10)"},
		{false, false, false, "first", "sample", 'u', &options.first, NULL,
		 "Sample to submit first (default 0)"},
		{false, false, false, "submit", "0|1", 'u', &options.submit, NULL,
		 "Whether it submits inputs (default: node 0, and who has inputs)"},
		{false, false, false, "gap", "us", 'u', &options.gap_us, NULL,
		 "From an inference's end to the next submit (default 5000)"},
		{false, false, false, "start", "us", 'u', &options.start_us, NULL,
		 "When it starts (default 0)"},
		{false, false, false, "quiet", "us", 'u', &options.quiet_us, NULL,
		 "End where no inference has ended for so long (default 3 s; with -until never)"},
		{false, false, false, "loss", "ppm", 'u', &options.loss, NULL,
		 "Frames dropped by cats_loss() beside those that the channel loses (default 0)"},
		{false, false, false, "seed", "number", 'u', &options.seed, NULL,
		 "Seed of these losses (default 0)"},
		{false, false, false, "kill_inference", "count", 'u', &options.kill_inference, NULL,
		 "Die in the inference with this number, from 0 (default: never)"},
		{false, false, false, "kill_us", "us", 'u', &options.kill_us, NULL,
		 "So long after its first exchange (default 0)"},
		{false, false, false, "intrude", "us", 'u', &options.intrude_us, NULL,
		 "No node: send bursts of forged frames, so long apart"},
		{false, false, false, "beside", "0|1", 'u', &options.beside, NULL,
		 "An application with Bluetooth of its own beside the node (default 0)"},
		{false, false, false, "phone", "0|1", 'u', &options.phone, NULL,
		 "No node: connect to such applications (default 0)"},
		{false, false, false, "period", "ms", 'u', &options.period_ms, NULL,
		 "From one meeting to the next, of a node that sleeps (default: its setting)"},
		{false, false, false, "change", "ms", 'u', &options.change_ms, NULL,
		 "So long after the start the leader changes that (default: never)"},
		{false, false, false, "then", "ms", 'u', &options.then_ms, NULL, "To this"},
		{false, false, false, "look", "ms", 'u', &options.look_ms, NULL,
		 "Tell so often of its meetings (default: at the end only)"},
		{false, false, false, "until", "ms", 'u', &options.until_ms, NULL,
		 "End so long after the start, whatever the inferences (default: never)"},
		{false, false, false, "die", "ms", 'u', &options.die_ms, NULL,
		 "Die so long after the start (default: never)"},
		{false, false, false, "prompt", "file", 's', &options.prompt, NULL,
		 "uint16 tokens: no inputs, but a text behind them (default: none)"},
		{false, false, false, "tokens", "count", 'u', &options.tokens, NULL,
		 "Tokens of the text behind the prompt (default 16)"},
		{false, false, false, "author", "node", 'u', &options.author, NULL,
		 "The node that begins the text (default 0)"},
		{false, false, false, "restart", "ms", 'u', &options.restart_ms, NULL,
		 "Stop, and forget all, so long after the text began (default: never)"},
		{false, false, false, "off", "ms", 'u', &options.off_ms, NULL,
		 "Start again so long behind that (default 50)"},
		ARG_TABLE_ENDMARKER,
	};

	bs_add_extra_dynargs(table);
}

NATIVE_TASK(add_options, PRE_BOOT_1, 110);

/* The command line's parser leaves this where an option is not given. */
static void set_default(unsigned int *option, unsigned int value)
{
	if (*option == NOT_GIVEN) {
		*option = value;
	}
}

void host_begin(void)
{
	nhw_clock_cheat_set_start_time(CLOCK_INSTANCE, CLOCK_HF, 0, CRYSTAL_US);
	set_default(&options.node, bsim_args_get_global_device_nbr());
	set_default(&options.inferences, 10);
	set_default(&options.first, 0);
	set_default(&options.gap_us, 5000);
	set_default(&options.start_us, 0);
	if (options.until_ms == NOT_GIVEN) {
		set_default(&options.quiet_us, 3000000);
	}
	set_default(&options.loss, 0);
	set_default(&options.seed, 0);
	set_default(&options.kill_us, 0);
	set_default(&options.tokens, 16);
	set_default(&options.author, 0);
	set_default(&options.off_ms, 50);
	set_default(&options.beside, 0);
	set_default(&options.phone, 0);
}

void *host_file(const char *name, size_t *size)
{
	char path[512];
	char *data = nsi_host_malloc(FILE_MAX);
	long got;
	int file;

	(void)snprintf(path, sizeof(path), "%s/%s", options.deploy, name);
	file = nsi_host_open(path, 0);
	if (file < 0) {
		bs_trace_error("cannot read %s\n", path);
	}
	for (*size = 0; (got = nsi_host_read(file, data + *size, FILE_MAX - *size)) > 0;) {
		*size += got;
	}
	(void)nsi_host_close(file);
	return data;
}

uint64_t host_time(void)
{
	return hwll_phy_time_from_dev(nsi_hws_get_time());
}

void host_hold(double ns)
{
	static double owed;
	uint32_t us;

	owed += ns;
	us = (uint32_t)(owed / NSEC_PER_USEC);
	owed -= (double)us * NSEC_PER_USEC;
	posix_cpu_hold(us);
}
