/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What is counted with Zephyr's kernel around it, on QEMU's mps2-an386; the kernel has SysTick, so
 * a timer of the board counts its 25 MHz here. Names, text and end: ../../m4/bench.h.
 */

#ifndef COUNT_H_
#define COUNT_H_

#include <stdint.h>

void count_begin(void);
/* Instructions of run(argument), one off at most, where nothing interrupts it. */
uint32_t count_calls(void (*run)(void *), void *argument);

/* kernel.c: interrupts, switches, locks. seal.c: AES-CCM. */
void count_kernel(void);
void sealing(void);

#endif /* COUNT_H_ */
