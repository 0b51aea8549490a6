/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <cats/selftest.h>

/* The largest case of this sample, four_held, needs the most. */
static uint8_t __aligned(8) scratch[24 * 1024];

static int check(const struct cats_golden *golden)
{
	struct cats_golden_failure failure = {0};
	int ret = cats_golden_check(golden, scratch, sizeof(scratch), &failure);

	switch (ret) {
	case 0:
		printk("%s: %u nodes, %u runs: every byte is right\n", golden->name, golden->nodes,
		       golden->run_count);
		break;
	case -ENOMEM:
		printk("%s: needs %u bytes of scratch memory\n", golden->name,
		       (unsigned int)cats_golden_scratch(golden));
		break;
	case -EILSEQ:
		printk("%s: run %s: another output on node %u\n", golden->name, failure.run,
		       failure.node);
		break;
	default:
		printk("%s: the image of node %u is refused: %s\n", golden->name, failure.node,
		       cats_image_strerror(failure.reason));
		break;
	}
	return ret;
}

static void print_times(const struct cats_golden *golden)
{
	struct cats_step_times times;
	struct cats_image image;

	if (cats_image_verify(golden->images[0], golden->image_sizes[0], &image) != CATS_IMAGE_OK ||
	    cats_time_steps(&image, scratch, sizeof(scratch), &times) != 0) {
		return;
	}
	printk("times of node 0 of %s, %u us in all\n", golden->name, times.total_ns / 1000);
	printk("%-12s %5s %12s %12s\n", "step", "tiles", "produce us", "consume us");
	for (unsigned int kind = 0; kind < CATS_GATHER_KINDS; kind++) {
		printk("%-12s %5u %12u %12u\n", cats_gather_name(kind), times.exchanges[kind],
		       times.produce_ns[kind] / 1000, times.consume_ns[kind] / 1000);
	}
}

int main(void)
{
	int cases = 0;
	int failed = 0;

	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		failed += check(golden) != 0;
		cases++;
	}
	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		if (golden->nodes == 4) {
			print_times(golden);
		}
	}
	printk("self test %s: %d cases\n", failed == 0 ? "passed" : "FAILED", cases);
	return 0;
}
