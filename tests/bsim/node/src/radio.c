/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * When the simulated radio begins to receive it tells the channel until when nothing can happen on
 * this device: until the next event that is known. Where the program itself starts the receiver, it
 * goes on only after that, and may set a timer for earlier: the channel, which is ahead by then,
 * would stop the simulation. So another event comes at once.
 */

#include <hal/nrf_radio.h>

#include "bs_types.h"
#include "fake_timer.h"
#include "nsi_hw_scheduler.h"

#include "host.h"

__typeof__(nrf_radio_task_trigger) __real_nrf_radio_task_trigger;

void __wrap_nrf_radio_task_trigger(NRF_RADIO_Type *radio, nrf_radio_task_t task)
{
#ifdef CONFIG_CATS_BSIM_PREEMPT
	preempt_pass((uintptr_t)__builtin_return_address(0));
#endif
	if (task == NRF_RADIO_TASK_START) {
		nhw_fake_timer_wake_in_time(CONFIG_NATIVE_SIMULATOR_MCU_N, nsi_hws_get_time() + 2);
	}
	__real_nrf_radio_task_trigger(radio, task);
}
