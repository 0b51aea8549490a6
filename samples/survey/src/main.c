/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#include "survey.h"

#define LOCAL (IS_ENABLED(CONFIG_CATS_TRANSPORT_LOOPBACK) ? CONFIG_SURVEY_NODES : 1)

static struct survey surveys[LOCAL];
static struct column columns[CONFIG_SURVEY_NODES];

#ifdef CONFIG_SOC_SERIES_BSIM_NRFXX
unsigned int bsim_args_get_global_device_nbr(void); /* its header needs those of the simulator */
#endif

static int number(void)
{
#if defined(CONFIG_CATS_TRANSPORT_LOOPBACK)
	return 0;
#elif defined(CONFIG_SOC_SERIES_BSIM_NRFXX)
	return CONFIG_SURVEY_NODE >= 0 ? CONFIG_SURVEY_NODE
				       : (int)bsim_args_get_global_device_nbr();
#else
	return CONFIG_SURVEY_NODE;
#endif
}

/* A links file: row s, column r is the probability that r hears a frame of s. */
static void print_links(void)
{
	printk("links.csv:\n");
	for (int r = 0; r < CONFIG_SURVEY_NODES; r++) {
		printk(r == 0 ? "%d" : ",%d", r);
	}
	printk("\n");
	for (int s = 0; s < CONFIG_SURVEY_NODES; s++) {
		for (int r = 0; r < CONFIG_SURVEY_NODES; r++) {
			unsigned int of = MAX(columns[r].periods, 1u);
			unsigned int thousandths = 1000u * columns[r].heard[s] / of;

			if (r == s) {
				printk(r == 0 ? "1" : ",1");
			} else {
				printk(r == 0 ? "%u.%03u" : ",%u.%03u", thousandths / 1000,
				       thousandths % 1000);
			}
		}
		printk("\n");
	}
	printk("\n");
}

/* The same as power; 0 where nothing was heard, or the radio does not tell. */
static void print_power(void)
{
	printk("dBm:\n");
	for (int s = 0; s < CONFIG_SURVEY_NODES; s++) {
		for (int r = 0; r < CONFIG_SURVEY_NODES; r++) {
			printk(r == 0 ? "%d" : ",%d", columns[r].power[s]);
		}
		printk("\n");
	}
	printk("\n");
}

int main(void)
{
	int self = number();

	if (!IN_RANGE(self, 0, CONFIG_SURVEY_NODES - 1)) {
		printk("no number: set CONFIG_SURVEY_NODE to 0 to %d\n", CONFIG_SURVEY_NODES - 1);
		return 0;
	}
	for (int i = 0; i < LOCAL; i++) {
		int ret = survey_start(&surveys[i], (uint8_t)(self + i));

		if (ret != 0) {
			printk("%s does not start: error %d\n", TRANSPORT.name, ret);
			return 0;
		}
	}
	printk("CATS survey: node %d of %d on %s\n", self, CONFIG_SURVEY_NODES, TRANSPORT.name);
	k_sleep(K_USEC(4 * PERIOD_US)); /* until all have begun */
	while (true) {
		int known = 0;

		k_sleep(K_USEC((uint64_t)PERIOD_US * CONFIG_SURVEY_PERIODS));
		survey_read(&surveys[0], columns);
		for (int r = 0; r < CONFIG_SURVEY_NODES; r++) {
			known += columns[r].periods != 0;
		}
		printk("time of node %u over %u hops, columns of %d of %d nodes\n", surveys[0].root,
		       surveys[0].hops, known, CONFIG_SURVEY_NODES);
		print_links();
		print_power();
	}
	return 0;
}
