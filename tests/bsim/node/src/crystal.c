/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The simulated crystal, which has the same drift for ever, gets warm and cold by turns. Part of
 * the simulator and not of the node: BabbleSim asks for a device's time and for the channel's.
 */

#include <math.h>

#include "bs_types.h"
#include "bs_tracing.h"
#include "bs_cmd_line.h"
#include "bs_dynargs.h"
#include "nsi_tasks.h"

static double step;    /* of the drift while it is warm */
static double seconds; /* it is cold for so long, then warm */
static double offset;  /* it is switched on then, seconds of the channel */

static void add_options(void)
{
	static bs_args_struct_t table[] = {
		{false, false, false, "xo_step", "drift", 'f', &step, NULL,
		 "By so much its drift is another one while it is warm, as xo_drift (default 0)"},
		{false, false, false, "xo_step_s", "seconds", 'f', &seconds, NULL,
		 "So long it is cold, then warm, by turns (default: for ever)"},
		ARG_TABLE_ENDMARKER,
	};

	bs_add_extra_dynargs(table);
}

NSI_TASK(add_options, PRE_BOOT_1, 110);

/* What the device's time is ahead, of being warm until now. */
static long double ahead(long double now)
{
	long double begun;

	if (!(seconds > 0) || now <= 0) {
		return 0;
	}
	begun = floorl(now / (2 * seconds));
	return step * (begun * seconds + fmaxl(now - (2 * begun + 1) * seconds, 0));
}

void __real_xo_model_set_toffset(double us);
long double __real_dev_time_from_phy(long double time);
long double __real_phy_time_from_dev(long double time);

void __wrap_xo_model_set_toffset(double us)
{
	offset = us * 1e-6;
	__real_xo_model_set_toffset(us);
}

/* What a device that starts with an offset has drifted before: without this, one with a fast
 * crystal starts before the channel lets it.
 */
static long double before(void)
{
	return __real_dev_time_from_phy(offset) + ahead(offset);
}

long double __wrap_dev_time_from_phy(long double time)
{
	return __real_dev_time_from_phy(time) + ahead(time) - before();
}

long double __wrap_phy_time_from_dev(long double time)
{
	long double found;

	time += before();
	found = __real_phy_time_from_dev(time);
	/* Each round leaves a share of the size of the drift. */
	for (int round = 0; round < 5; round++) {
		found = __real_phy_time_from_dev(time - ahead(found));
	}
	return found;
}
