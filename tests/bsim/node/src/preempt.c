/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Something more urgent holds the processor while nrf_radio.c runs, in its interrupts and in
 * threads, also where interrupts are locked, as a zero latency interrupt would. When it is time for
 * that, one of the places that were passed before is drawn, all alike, and the next time that the
 * driver comes there it waits; if it does not for a while, it waits where it is. Every third time
 * it waits again soon after: what comes of one preemption is preempted too. Where it sets an alarm
 * of its timer it can be held until that has passed.
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#include <hal/nrf_radio.h>
#include <hal/nrf_timer.h>

#include "bs_tracing.h"
#include "bs_types.h"
#include "bsim_args_runner.h"
#include "posix_board_if.h"
#include "posix_native_task.h"

#include "host.h"

#define PLACES 512
#define SOON 20 /* places */
/* The lengths are 5 to 500 us, short ones as often as long ones: 5 * 10^(2 * n / STEPS). */
#define SHORTEST_US 5.0
#define STEPS 64
#define STEP 1.0746078283213174 /* 10^(2 / STEPS) */

#define AGAIN 3

/* The driver's alarm, and the longest that it is preempted there. */
#define CC_ALARM NRF_TIMER_CC_CHANNEL2
#define ALARM_US 5000

static unsigned int seed;
static unsigned int every_us;
static unsigned int first_us;
static unsigned int arming;

static void add_options(void)
{
	static bs_args_struct_t table[] = {
		{false, false, false, "preempt", "seed", 'u', &seed, NULL,
		 "Preempt the driver at random places (default: never)"},
		{false, false, false, "preempt_every", "us", 'u', &every_us, NULL,
		 "So often (default 100000)"},
		{false, false, false, "preempt_first", "us", 'u', &first_us, NULL,
		 "The first time, of the channel's time (default 0)"},
		{false, false, false, "preempt_arming", "number", 'u', &arming, NULL,
		 "Once in so many alarms that it sets, until it has passed (default never)"},
		ARG_TABLE_ENDMARKER,
	};

	bs_add_extra_dynargs(table);
}

NATIVE_TASK(add_options, PRE_BOOT_1, 112);

/* Addresses behind the calls of preempt_pass(). */
static uintptr_t places[PLACES];
static unsigned int known;

static uint64_t next_us;   /* when the driver is to be preempted */
static uint64_t late_us;   /* when at the latest, wherever it is then */
static uintptr_t drawn;    /* where; 0: that is not drawn yet */
static unsigned int again; /* places until it is preempted once more; 0: it is not */
static bool holding;

/* xorshift32 */
static uint32_t draw(void)
{
	static uint32_t state;

	state = state == 0 ? seed * 2 + 1 : state;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void hold(uintptr_t place, uint32_t us)
{
	report("preempt %lx %u %llu\n", (unsigned long)place, us, (unsigned long long)host_time());
	holding = true;
	posix_cpu_hold(us);
	holding = false;
}

static uint32_t draw_us(void)
{
	double us = SHORTEST_US;

	for (unsigned int n = draw() % (STEPS + 1); n > 0; n--) {
		us *= STEP;
	}
	return (uint32_t)us;
}

/* The number of times that are over, and when the next one is. */
static void plan(void)
{
	static unsigned int count;

	every_us = every_us == UINT32_MAX ? 100000 : every_us;
	first_us = first_us == UINT32_MAX ? 0 : first_us;
	next_us = first_us + (uint64_t)count * every_us + draw() % (every_us / 32);
	late_us = next_us + every_us / 16;
	drawn = 0;
	count++;
}

static void learn(uintptr_t place)
{
	for (unsigned int i = 0; i < known; i++) {
		if (places[i] == place) {
			return;
		}
	}
	if (known == PLACES) {
		bs_trace_error("more than %d places\n", PLACES);
	}
	places[known++] = place;
}

void preempt_pass(uintptr_t place)
{
	uint64_t now = host_time();

	if (seed == UINT32_MAX || holding) {
		return;
	}
	if (late_us == 0) {
		plan();
	}
	learn(place);
	if (again > 0) {
		again--;
		if (again == 0) {
			hold(place, draw_us());
		}
	} else if (now >= next_us) {
		if (drawn == 0) {
			drawn = places[draw() % known];
		}
		if (place == drawn || now >= late_us) {
			plan();
			again = draw() % AGAIN == 0 ? 1 + draw() % SOON : 0;
			hold(place, draw_us());
		}
	}
}

__typeof__(nrf_timer_cc_get) __real_nrf_timer_cc_get;
__typeof__(nrf_timer_task_trigger) __real_nrf_timer_task_trigger;

/* The driver has compared an alarm with the clock, and is about to set it. */
static void preempt_arming(NRF_TIMER_Type *timer, uint32_t alarm, uintptr_t place)
{
	int32_t left;

	if (arming == UINT32_MAX || draw() % arming != 0) {
		return;
	}
	__real_nrf_timer_task_trigger(timer, NRF_TIMER_TASK_CAPTURE3);
	left = (int32_t)(alarm - __real_nrf_timer_cc_get(timer, NRF_TIMER_CC_CHANNEL3));
	if (left >= 0 && left < ALARM_US) {
		hold(place, (uint32_t)left + 2);
	}
}

#define BEHIND_CALL ((uintptr_t)__builtin_return_address(0))

/* The compiler's, for each function of the driver. */
void __cyg_profile_func_enter(void *function, void *caller)
{
	ARG_UNUSED(function);
	ARG_UNUSED(caller);
	preempt_pass(BEHIND_CALL);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
	ARG_UNUSED(function);
	ARG_UNUSED(caller);
	preempt_pass(BEHIND_CALL);
}

/*
 * Before an access to a register
 */

__typeof__(nrf_radio_crc_status_check) __real_nrf_radio_crc_status_check;

bool __wrap_nrf_radio_crc_status_check(const NRF_RADIO_Type *radio)
{
	preempt_pass(BEHIND_CALL);
	return __real_nrf_radio_crc_status_check(radio);
}

__typeof__(nrf_radio_event_check) __real_nrf_radio_event_check;

bool __wrap_nrf_radio_event_check(const NRF_RADIO_Type *radio, nrf_radio_event_t event)
{
	preempt_pass(BEHIND_CALL);
	return __real_nrf_radio_event_check(radio, event);
}

__typeof__(nrf_radio_event_clear) __real_nrf_radio_event_clear;

void __wrap_nrf_radio_event_clear(NRF_RADIO_Type *radio, nrf_radio_event_t event)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_radio_event_clear(radio, event);
}

__typeof__(nrf_radio_shorts_set) __real_nrf_radio_shorts_set;

void __wrap_nrf_radio_shorts_set(NRF_RADIO_Type *radio, uint32_t mask)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_radio_shorts_set(radio, mask);
}

__typeof__(nrf_radio_state_get) __real_nrf_radio_state_get;

nrf_radio_state_t __wrap_nrf_radio_state_get(const NRF_RADIO_Type *radio)
{
	preempt_pass(BEHIND_CALL);
	return __real_nrf_radio_state_get(radio);
}

uint32_t __wrap_nrf_timer_cc_get(const NRF_TIMER_Type *timer, nrf_timer_cc_channel_t channel)
{
	preempt_pass(BEHIND_CALL);
	return __real_nrf_timer_cc_get(timer, channel);
}

__typeof__(nrf_timer_cc_set) __real_nrf_timer_cc_set;

void __wrap_nrf_timer_cc_set(NRF_TIMER_Type *timer, nrf_timer_cc_channel_t channel, uint32_t value)
{
	preempt_pass(BEHIND_CALL);
	if (channel == CC_ALARM) {
		preempt_arming(timer, value, BEHIND_CALL);
	}
	__real_nrf_timer_cc_set(timer, channel, value);
}

__typeof__(nrf_timer_event_clear) __real_nrf_timer_event_clear;

void __wrap_nrf_timer_event_clear(NRF_TIMER_Type *timer, nrf_timer_event_t event)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_timer_event_clear(timer, event);
}

__typeof__(nrf_timer_int_disable) __real_nrf_timer_int_disable;

void __wrap_nrf_timer_int_disable(NRF_TIMER_Type *timer, uint32_t mask)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_timer_int_disable(timer, mask);
}

__typeof__(nrf_timer_int_enable) __real_nrf_timer_int_enable;

void __wrap_nrf_timer_int_enable(NRF_TIMER_Type *timer, uint32_t mask)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_timer_int_enable(timer, mask);
}

void __wrap_nrf_timer_task_trigger(NRF_TIMER_Type *timer, nrf_timer_task_t task)
{
	preempt_pass(BEHIND_CALL);
	__real_nrf_timer_task_trigger(timer, task);
}
