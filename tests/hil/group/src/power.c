/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The power of a simulated board. All of BabbleSim's devices are there when the simulation begins,
 * so one that is to be switched on later, as a new one or in place of one that was killed, waits
 * here for a file: before its flash is read and its pseudo-terminal made. Runs on the host.
 */

#include <stdbool.h>
#include <unistd.h>

#include "NRF_HWLowL.h"
#include "bs_cmd_line.h"
#include "bs_dynargs.h"
#include "bs_types.h"
#include "nsi_tasks.h"
#include "xo_if.h"

#define PERIOD_US 100000

static char *power;

static void add_option(void)
{
	static bs_args_struct_t table[] = {
		{false, false, false, "power", "file", 's', (void *)&power, NULL,
		 "Stay off until this file exists (default: on at once)"},
		ARG_TABLE_ENDMARKER,
	};

	bs_add_extra_dynargs(table);
}

NSI_TASK(add_option, PRE_BOOT_1, 112);

static void wait_for_power(void)
{
	bs_time_t now = 0;

	if (power == NULL) {
		return;
	}
	while (access(power, F_OK) != 0) {
		now += PERIOD_US;
		hwll_wait_for_phy_simu_time(now);
	}
	/* Its clock begins now. */
	xo_model_set_toffset((double)now);
}

/* Connected to the channel, and before all peripherals. */
NSI_TASK(wait_for_power, HW_INIT, 1);
