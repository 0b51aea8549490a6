/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* On native_sim the accelerometer is an emulated one. It measures the motions of motions.h. */

#include <zephyr/devicetree.h>
#include <zephyr/drivers/emul.h>
#include <zephyr/drivers/emul_sensor.h>
#include <zephyr/sys/__assert.h>
#include <zephyr/sys/util.h>

#include "emulated.h"
#include "motions.h"

/* Bits before the point of a value in m/s2: +-16 g are +-157. */
#define SHIFT 8

static const struct emul *const emulator = EMUL_DT_GET(DT_ALIAS(accel0));

const char *emulated_step(void)
{
	static size_t at;
	size_t motion = at / MOTION_STEPS;
	size_t step = at % MOTION_STEPS;

	if (motion == ARRAY_SIZE(motions)) {
		return NULL;
	}
	for (int axis = 0; axis < 3; axis++) {
		struct sensor_chan_spec channel = {.chan_type = SENSOR_CHAN_ACCEL_X + axis};
		int64_t cm_s2 = motions[motion].cm_s2[step][axis];
		q31_t value = (q31_t)(cm_s2 * (INT64_C(1) << (31 - SHIFT)) / 100);
		int ret = emul_sensor_backend_set_channel(emulator, channel, &value, SHIFT);

		__ASSERT(ret == 0, "the emulator takes no value: %d", ret);
		ARG_UNUSED(ret);
	}
	at++;
	return motions[motion].name;
}
