/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What Zephyr takes around the calls of a node: from an interrupt to a work item on the air queue
 * and back to the thread that was interrupted, an instance's lock, a time to wake up at, and a
 * thread for jobs that is woken. Threads have the priorities that they have in CATS.
 */

#include <cmsis_core.h>
#include <zephyr/irq.h>
#include <zephyr/kernel.h>

#include "bench.h"
#include "count.h"

#define AIR_PRIORITY -2
#define JOB_PRIORITY 8
#define IRQ (CONFIG_NUM_IRQS - 1)
#define STACK_SIZE 1024

static K_THREAD_STACK_DEFINE(air_stack, STACK_SIZE);
static struct k_work_q air_queue;
static K_MUTEX_DEFINE(lock);
static K_SEM_DEFINE(job, 0, 1);
static K_SEM_DEFINE(done, 0, 1);
static bool submits;

static void handle(struct k_work *work)
{
	ARG_UNUSED(work);
}

static K_WORK_DEFINE(heard, handle);
static K_WORK_DELAYABLE_DEFINE(air, handle);

static void isr(const void *argument)
{
	ARG_UNUSED(argument);
	if (submits) {
		(void)k_work_submit_to_queue(&air_queue, &heard);
	}
}

static void interrupt(void *argument)
{
	ARG_UNUSED(argument);
	NVIC_SetPendingIRQ(IRQ);
	__DSB();
	__ISB();
}

static void lock_and_unlock(void *argument)
{
	ARG_UNUSED(argument);
	(void)k_mutex_lock(&lock, K_FOREVER);
	(void)k_mutex_unlock(&lock);
}

static void reschedule(void *argument)
{
	(void)k_work_reschedule_for_queue(&air_queue, &air, K_USEC(*(const uint32_t *)argument));
}

/* Long enough for a timeout of a tick. */
static void pass_time(void *argument)
{
	uint32_t rounds = 2 * NSEC_PER_SEC / CONFIG_SYS_CLOCK_TICKS_PER_SEC;

	ARG_UNUSED(argument);
	__asm__ volatile("1: subs %0, %0, #1\n\tbne 1b" : "+r"(rounds) : : "cc");
}

static void expire(void *argument)
{
	reschedule(argument);
	pass_time(argument);
}

static void give_and_take(void *argument)
{
	ARG_UNUSED(argument);
	k_sem_give(&job);
	(void)k_sem_take(&done, K_FOREVER);
}

static void work(void *p1, void *p2, void *p3)
{
	ARG_UNUSED(p1);
	ARG_UNUSED(p2);
	ARG_UNUSED(p3);
	for (;;) {
		(void)k_sem_take(&job, K_FOREVER);
		k_sem_give(&done);
	}
}

static K_THREAD_DEFINE(job_thread, STACK_SIZE, work, NULL, NULL, NULL, JOB_PRIORITY, 0, 0);

void count_kernel(void)
{
	const uint32_t soon_us = 1;
	const uint32_t later_us = 10 * USEC_PER_SEC;
	struct k_work_sync sync;

	k_work_queue_start(&air_queue, air_stack, K_THREAD_STACK_SIZEOF(air_stack), AIR_PRIORITY,
			   NULL);
	IRQ_CONNECT(IRQ, 1, isr, NULL, 0);
	irq_enable(IRQ);
	report("kernel/interrupt", count_calls(interrupt, NULL), 1, 0);
	submits = true;
	report("kernel/wake", count_calls(interrupt, NULL), 1, 0);
	report("kernel/lock", count_calls(lock_and_unlock, NULL), 1, 0);
	report("kernel/reschedule", count_calls(reschedule, (void *)&later_us), 1, 0);
	(void)k_work_cancel_delayable_sync(&air, &sync);
	report("kernel/expire",
	       count_calls(expire, (void *)&soon_us) - count_calls(pass_time, NULL), 1, 0);
	report("kernel/job", count_calls(give_and_take, NULL), 1, 0);
}
