/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* An image that is not right is refused by cats_start() with the reason, and the next may come. */

#include <string.h>

#include <zephyr/sys/crc.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "images.h"
#include "one/golden.h"

static uint8_t __aligned(8) copy[4096];

CATS_INSTANCE_DEFINE(image_node, &cats_loopback, ROUND_UP(GOLDEN_ARENA, 8));

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_true(one.size <= sizeof(copy) - 8);
	memcpy(copy, one.data, one.size);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)cats_stop(&image_node);
}

static struct cats_image_header *header(void)
{
	return (struct cats_image_header *)copy;
}

static void seal(void)
{
	size_t from = offsetof(struct cats_image_header, model_id);

	header()->crc32 = crc32_ieee(copy + from, header()->image_size - from);
}

static void expect_refused(int reason, size_t size)
{
	zassert_equal(cats_start(&image_node, copy, size), -EBADMSG);
	zassert_equal(cats_refused(&image_node), reason, "refused for %d: %s",
		      cats_refused(&image_node), cats_image_strerror(cats_refused(&image_node)));
	zassert_is_null(cats_running(&image_node));
	zassert_equal(cats_infer(&image_node, NULL, NULL, 0, NULL, K_NO_WAIT), -ENOTCONN);
}

ZTEST(image, test_as_it_is)
{
	zassert_ok(cats_start(&image_node, copy, one.size));
	zassert_equal(cats_refused(&image_node), CATS_IMAGE_OK);
	zassert_equal(cats_running(&image_node)->base, copy);
}

ZTEST(image, test_truncated)
{
	for (size_t size = 0; size < one.size; size += size < 64 ? 1 : 97) {
		expect_refused(CATS_IMAGE_TRUNCATED, size);
	}
	expect_refused(CATS_IMAGE_TRUNCATED, one.size - 1);
}

ZTEST(image, test_longer_memory)
{
	zassert_ok(cats_start(&image_node, copy, sizeof(copy)));
}

ZTEST(image, test_foreign)
{
	header()->magic ^= 1;
	seal();
	expect_refused(CATS_IMAGE_FOREIGN, one.size);
	memcpy(copy + 4, one.data, one.size);
	zassert_equal(cats_start(&image_node, copy + 4, one.size), -EBADMSG);
	zassert_equal(cats_refused(&image_node), CATS_IMAGE_FOREIGN);
}

ZTEST(image, test_newer)
{
	header()->format_version = CATS_FORMAT_VERSION + 1;
	seal();
	expect_refused(CATS_IMAGE_VERSION, one.size);
}

ZTEST(image, test_corrupt)
{
	for (size_t at = offsetof(struct cats_image_header, crc32); at < one.size; at += 53) {
		copy[at] ^= 0x20;
		expect_refused(CATS_IMAGE_CORRUPT, one.size);
		copy[at] ^= 0x20;
	}
	zassert_ok(cats_start(&image_node, copy, one.size));
}

ZTEST(image, test_invalid)
{
	header()->gathers++;
	seal();
	expect_refused(CATS_IMAGE_INVALID, one.size);
}

ZTEST(image, test_refused_then_right)
{
	header()->magic = 0;
	expect_refused(CATS_IMAGE_FOREIGN, one.size);
	zassert_ok(cats_start(&image_node, one.data, one.size));
	zassert_equal(cats_refused(&image_node), CATS_IMAGE_OK);
	zassert_ok(cats_stop(&image_node));
	/* The reason is that of the last start. */
	expect_refused(CATS_IMAGE_FOREIGN, one.size);
}

ZTEST_SUITE(image, NULL, NULL, before, after, NULL);
