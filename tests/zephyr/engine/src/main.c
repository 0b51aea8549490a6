/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The engine gives the bytes of tests/vectors on this processor. */

#include <string.h>

#include <zephyr/ztest.h>

#include <cats/selftest.h>

static uint8_t __aligned(8) scratch[24 * 1024];

ZTEST(engine, test_golden_cases)
{
	size_t cases;

	STRUCT_SECTION_COUNT(cats_golden, &cases);
	zassert_equal(cases, 18);
	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		struct cats_golden_failure failure;
		size_t size = cats_golden_scratch(golden);
		int ret = cats_golden_check(golden, scratch, sizeof(scratch), &failure);

		zassert_ok(ret, "%s: %s: node %u: %d, scratch %zu", golden->name,
			   failure.run != NULL ? failure.run : "image", failure.node, ret, size);
		TC_PRINT("%s: %u nodes equal in %u runs, %zu bytes of scratch\n", golden->name,
			 golden->nodes, golden->run_count, size);
	}
}

/* A test that cannot fail proves nothing: one wrong bit anywhere is found. */
ZTEST(engine, test_differences_are_found)
{
	struct cats_golden_failure failure;
	struct cats_golden_run runs[3];
	struct cats_golden wrong;
	static uint8_t output[256];

	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		if (strcmp(golden->name, "two_class") != 0) {
			continue;
		}
		wrong = *golden;
		wrong.runs = runs;
		memcpy(runs, golden->runs, sizeof(runs));
		zassert_true(runs[1].output_size <= sizeof(output));
		memcpy(output, runs[1].output, runs[1].output_size);
		output[runs[1].output_size - 1] ^= 1;
		runs[1].output = output;
		zassert_equal(cats_golden_check(&wrong, scratch, sizeof(scratch), &failure),
			      -EILSEQ);
		zassert_str_equal(failure.run, golden->runs[1].name);
		zassert_equal(failure.node, golden->nodes - 1);

		/* What is said to have arrived matters as well. */
		runs[1] = golden->runs[1];
		runs[1].available = golden->runs[0].available;
		zassert_equal(cats_golden_check(&wrong, scratch, sizeof(scratch), &failure),
			      -EILSEQ);
	}
}

ZTEST(engine, test_scratch_and_images_are_checked)
{
	struct cats_golden_failure failure;
	static uint8_t damaged[8192] __aligned(8);

	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		const uint8_t *images[CATS_MAX_NODES];
		struct cats_golden wrong = *golden;
		size_t size = cats_golden_scratch(golden);

		for (size_t less = 0; less < size; less += 40) {
			zassert_equal(cats_golden_check(golden, scratch, less, NULL), -ENOMEM,
				      "%s with %zu of %zu bytes", golden->name, less, size);
		}
		zassert_ok(cats_golden_check(golden, scratch, size, NULL));

		zassert_true(golden->image_sizes[0] <= sizeof(damaged));
		memcpy(images, golden->images, golden->nodes * sizeof(images[0]));
		memcpy(damaged, images[0], golden->image_sizes[0]);
		damaged[golden->image_sizes[0] / 2] ^= 0x10;
		images[0] = damaged;
		wrong.images = images;
		zassert_equal(cats_golden_check(&wrong, scratch, sizeof(scratch), &failure),
			      -EBADMSG);
		zassert_equal(failure.reason, CATS_IMAGE_CORRUPT);
		zassert_equal(cats_golden_scratch(&wrong), 0);
	}
}

ZTEST(engine, test_step_times)
{
	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		struct cats_step_times times;
		struct cats_image image;
		uint32_t exchanges = 0;
		uint64_t sum = 0;

		zassert_equal(cats_image_verify(golden->images[0], golden->image_sizes[0], &image),
			      CATS_IMAGE_OK);
		zassert_equal(cats_time_steps(&image, scratch, 8, &times), -ENOMEM);
		zassert_ok(cats_time_steps(&image, scratch, sizeof(scratch), &times));
		for (int k = 0; k < CATS_GATHER_KINDS; k++) {
			exchanges += times.exchanges[k];
			sum += times.produce_ns[k] + times.consume_ns[k];
		}
		zassert_equal(exchanges, cats_exchange_count(&image));
		zassert_true(sum <= times.total_ns);
		if (!IS_ENABLED(CONFIG_ARCH_POSIX)) {
			zassert_true(times.total_ns > 0);
		}
		TC_PRINT("%s: %u ns\n", golden->name, times.total_ns);
	}
}

ZTEST_SUITE(engine, NULL, NULL, NULL, NULL, NULL);
