/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Who judges a new image: an application's check; with CONFIG_CATS_UPDATE_SIGNED a signature. */

#include <string.h>

#include <zephyr/sys/crc.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>
#include <cats/update.h>

#include "storage/image_flash.h"

#define SIGNATURE 64

static const uint8_t __aligned(8) good[] = {
#include "one_signed.inc"
};
#define IMAGE (sizeof(good) - SIGNATURE)

static uint8_t __aligned(8) bytes[sizeof(good) + 8];
static const struct cats_instance *node;
static const void *mapped;

static void *setup(void)
{
	size_t room;

	node = cats_local(0);
	zassert_ok(cats_flash_map(&mapped, &room));
	return NULL;
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	memcpy(bytes, good, sizeof(good));
	memset(bytes + sizeof(good), 0xff, sizeof(bytes) - sizeof(good));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	(void)cats_stop(node);
	cats_update_abort();
	cats_update_check_set(COND_CODE_1(CONFIG_CATS_UPDATE_SIGNED, (cats_update_signed), (NULL)));
}

static int install(size_t size)
{
	zassert_ok(cats_update_begin(size));
	zassert_ok(cats_update_write(bytes, size));
	return cats_update_finish(NULL);
}

static void expect(int ret, size_t size)
{
	zassert_equal(install(size), ret);
	zassert_equal(cats_start(node, NULL, 0), ret == 0 ? 0 : -EBADMSG);
	if (ret != 0) {
		zassert_equal(cats_refused(node), CATS_IMAGE_FOREIGN, "something is left");
	}
	(void)cats_stop(node);
}

static uint8_t pieces[sizeof(bytes)];
static size_t tail;
static int answer;

static int gather(const struct cats_update_image *image)
{
	memcpy(pieces, image->head, image->head_size);
	memcpy(pieces + image->head_size, image->body, image->body_size);
	memcpy(pieces + image->head_size + image->body_size, image->tail, image->tail_size);
	tail = image->tail_size;
	zassert_equal(image->head_size + image->body_size, IMAGE);
	/* The header is not in flash yet. */
	zassert_not_equal(memcmp(mapped, good, 4), 0);
	return answer;
}

ZTEST(judged, test_check_of_the_application)
{
	cats_update_check_set(gather);
	answer = 0;
	expect(0, sizeof(good));
	zassert_mem_equal(pieces, good, sizeof(good));
	zassert_equal(tail, SIGNATURE);
	expect(0, IMAGE);
	zassert_equal(tail, 0);
	answer = -EINVAL;
	expect(-EACCES, sizeof(good));

	cats_update_check_set(NULL);
	expect(0, IMAGE);
}

ZTEST(judged, test_damaged_images_do_not_reach_it)
{
	cats_update_check_set(gather);
	memset(pieces, 0, sizeof(pieces));
	bytes[IMAGE - 1] ^= 1;
	zassert_equal(install(sizeof(good)), -EBADMSG);
	zassert_equal(pieces[0], 0);
}

#ifdef CONFIG_CATS_UPDATE_SIGNED
ZTEST(judged, test_signature)
{
	expect(0, sizeof(good));
	/* Padding of a file does not matter. */
	expect(0, sizeof(bytes));
}

ZTEST(judged, test_no_signature)
{
	expect(-EACCES, IMAGE);
	expect(-EACCES, sizeof(good) - 1);
	memset(bytes + IMAGE, 0, SIGNATURE);
	expect(-EACCES, sizeof(good));
}

ZTEST(judged, test_signature_of_another_image)
{
	struct cats_image_header *header = (struct cats_image_header *)bytes;

	for (size_t at = IMAGE; at < sizeof(good); at += 9) {
		bytes[at] ^= 0x10;
		expect(-EACCES, sizeof(good));
		bytes[at] ^= 0x10;
	}
	/* As one would who can compute the checksum. */
	header->model_id ^= 1;
	header->crc32 = crc32_ieee(bytes + offsetof(struct cats_image_header, model_id),
				   IMAGE - offsetof(struct cats_image_header, model_id));
	expect(-EACCES, sizeof(good));
	cats_update_check_set(NULL);
	expect(0, sizeof(good));
}
#endif

ZTEST_SUITE(judged, NULL, setup, before, after, NULL);
