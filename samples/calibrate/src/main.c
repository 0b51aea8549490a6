/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "calibrate.h"

static void print_air(const struct air_figures *air)
{
	printk("wake-up: 100 times, %d to %d us late\n", air->wake_min, air->wake_max);
	if (air->hand < 0) {
		printk("no frame was sent in time: is the radio there?\n");
		return;
	}
	printk("transmit: in time where the frame is there %d us before\n", air->hand);
	printk("round trip: %u of %u answered", air->answers, air->pings);
	if (air->answers == 0) {
		printk(": no board answers, build another one with CONFIG_CALIBRATE_ANSWER=y\n");
		return;
	}
	printk(", %d us late (%d to %d) over both ways\n", air->late_mean, air->late_min,
	       air->late_max);
	printk("receive: handed over %d to %d us behind the frame's end\n", air->heard_min,
	       air->heard_max);
	printk("turn-around: %d us from a frame's end to the answer's start\n", air->turn);
	printk("clocks: the other's is %d ppm faster\n", air->drift_ppm);
}

/* A transmission that is late each time is begun so much earlier, half of it at either end. */
static void print_kconfig(const struct air_figures *air)
{
	printk("Kconfig:\n");
#if defined(CONFIG_CATS_TRANSPORT_IEEE802154)
	printk("CONFIG_CATS_IEEE802154_TX_US=%d\n",
	       MAX(CONFIG_CATS_IEEE802154_TX_US + air->late_mean / 2, 0));
#elif defined(CONFIG_CATS_TRANSPORT_BLE)
	printk("CONFIG_CATS_BLE_TX_US=%d\n", MAX(CONFIG_CATS_BLE_TX_US + air->late_mean / 2, 0));
#else
	ARG_UNUSED(air);
	printk("# none: this transport has no latency to set\n");
#endif
}

static void print_number(const char *name, uint32_t value)
{
	if (value == 0) {
		printk(" \"%s\": null,", name);
	} else {
		printk(" \"%s\": %u,", name, value);
	}
}

/* The entries of cats plan --board FILE (cats.plan.boards.read_board); null: not known here. */
static void print_json(const struct compute_figures *compute, const struct air_figures *air)
{
	printk("board.json:\n{\"board\": \"%s\",", CONFIG_BOARD_TARGET);
#ifdef CONFIG_SRAM_SIZE
	print_number("ram", CONFIG_SRAM_SIZE * 1024u);
#endif
#ifdef CONFIG_FLASH_SIZE
	print_number("flash", CONFIG_FLASH_SIZE * 1024u);
#endif
	print_number("clock_hz", compute->clock_hz);
	if (compute->cycles_per_instruction != 0) {
		printk(" \"cycles_per_instruction\": %u.%03u,",
		       compute->cycles_per_instruction / 1000,
		       compute->cycles_per_instruction % 1000);
	} else {
		printk(" \"cycles_per_instruction\": null,");
	}
	printk(" \"radios\": ");
	if (air->hand >= 0 && !IS_ENABLED(CONFIG_CATS_TRANSPORT_LOOPBACK)) {
		printk("{\"%s\": {\"hand_us\": %d, \"tick_us\": %d}}}\n", TRANSPORT.name, air->hand,
		       MAX(air->wake_max, 0));
	} else {
		printk("null}\n");
	}
}

int main(void)
{
	struct compute_figures compute;
	struct air_figures air;
	int ret;

	printk("CATS calibration of %s, %s\n", CONFIG_BOARD_TARGET, TRANSPORT.name);
	if (IS_ENABLED(CONFIG_CALIBRATE_ANSWER) || IS_ENABLED(CONFIG_CATS_TRANSPORT_LOOPBACK)) {
		ret = answer_start();
		if (ret != 0) {
			printk("%s does not start: error %d\n", TRANSPORT.name, ret);
			return 0;
		}
	}
	if (IS_ENABLED(CONFIG_CALIBRATE_ANSWER)) {
		printk("answering\n");
		return 0;
	}
	compute_measure(&compute);
	ret = air_measure(&air);
	if (ret != 0) {
		printk("%s does not start: error %d\n", TRANSPORT.name, ret);
		return 0;
	}
	print_air(&air);
	print_kconfig(&air);
	print_json(&compute, &air);
	printk("calibration done\n");
	return 0;
}
