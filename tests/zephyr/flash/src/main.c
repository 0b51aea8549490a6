/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The image in flash, its update, and a power cut at every write of it. */

#include <string.h>

#include <zephyr/logging/log_backend.h>
#include <zephyr/logging/log_output.h>
#include <zephyr/shell/shell.h>
#include <zephyr/shell/shell_dummy.h>
#include <zephyr/stats/stats.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/base64.h>
#include <zephyr/sys/crc.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>
#include <cats/update.h>

#include "one/golden.h"

static const uint8_t __aligned(8) one[] = {
#include "one_node_00.inc"
};
static const uint8_t __aligned(8) four_2[] = {
#include "four_node_02.inc"
};
static uint8_t __aligned(8) copy[ROUND_UP(sizeof(four_2), 32)];
BUILD_ASSERT(sizeof(one) <= sizeof(four_2));

/* What was logged since it was cleared. */
static char logged[1024];

static int keep(uint8_t *data, size_t length, void *ctx)
{
	size_t used = strlen(logged);

	ARG_UNUSED(ctx);
	memcpy(logged + used, data, MIN(length, sizeof(logged) - 1 - used));
	return (int)length;
}

static uint8_t piece[32];
LOG_OUTPUT_DEFINE(keeper, keep, piece, sizeof(piece));

static void process(const struct log_backend *const backend, union log_msg_generic *msg)
{
	ARG_UNUSED(backend);
	log_output_msg_process(&keeper, &msg->log, 0);
}

static void panic(const struct log_backend *const backend)
{
	ARG_UNUSED(backend);
}

static const struct log_backend_api keeper_api = {.process = process, .panic = panic};
LOG_BACKEND_DEFINE(keeper_backend, keeper_api, true);

/* The flash simulator's switch for power: after so many writes nothing is written any more. */
STATS_SECT_START(flash_sim_thresholds)
STATS_SECT_ENTRY32(max_write_calls)
STATS_SECT_ENTRY32(max_erase_calls)
STATS_SECT_ENTRY32(max_len)
STATS_SECT_END;
extern STATS_SECT_DECL(flash_sim_thresholds) flash_sim_thresholds;

static int find_write_calls(struct stats_hdr *hdr, void *arg, const char *name, uint16_t offset)
{
	if (strcmp(name, "flash_write_calls") == 0) {
		*(uint32_t *)arg = *(uint32_t *)((uint8_t *)hdr + offset);
	}
	return 0;
}

static uint32_t write_calls(void)
{
	uint32_t calls = UINT32_MAX;

	zassert_ok(stats_walk(stats_group_find("flash_sim_stats"), find_write_calls, &calls));
	return calls;
}

static const struct cats_instance *node;
static const void *mapped;
static size_t room;

static void *setup(void)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();

	WAIT_FOR(shell_ready(sh), 20000, k_msleep(1));
	node = cats_local(0);
	zassert_not_null(node);
	zassert_is_null(cats_local(1));
	zassert_ok(cats_flash_map(&mapped, &room));
	zassert_equal(room, 0x4000);
	return NULL;
}

static void erase_all(void)
{
	const struct flash_area *area;

	zassert_ok(flash_area_open(FIXED_PARTITION_ID(cats_partition), &area));
	zassert_ok(flash_area_erase(area, 0, area->fa_size));
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	erase_all();
	memcpy(copy, one, sizeof(one));
	memset(logged, 0, sizeof(logged));
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	flash_sim_thresholds.max_write_calls = 0;
	flash_sim_thresholds.max_len = 0;
	(void)cats_stop(node);
	cats_update_abort();
}

/* A whole update in chunks; 0, or the first error. */
static int install(const uint8_t *data, size_t size, size_t chunk, int *reason)
{
	int ret = cats_update_begin(size);

	for (size_t at = 0; at < size && ret == 0; at += chunk) {
		ret = cats_update_write(data + at, MIN(chunk, size - at));
	}
	if (ret != 0) {
		cats_update_abort();
		return ret;
	}
	return cats_update_finish(reason);
}

static void expect_works(void)
{
	int16_t output[GOLDEN_OUTPUTS];

	zassert_ok(cats_start(node, NULL, 0));
	zassert_equal_ptr(cats_running(node)->base, mapped);
	for (int s = 0; s < GOLDEN_SAMPLES; s++) {
		zassert_ok(cats_infer(node, &golden_inputs[s][0][0], output, ARRAY_SIZE(output),
				      NULL, K_SECONDS(10)));
		zassert_mem_equal(output, golden_outputs[s], sizeof(output));
	}
	zassert_ok(cats_stop(node));
}

static void expect_refused(const char *why)
{
	zassert_equal(cats_start(node, NULL, 0), -EBADMSG, "%s", why);
	zassert_not_equal(cats_refused(node), CATS_IMAGE_OK);
	zassert_is_null(cats_running(node));
}

ZTEST(flash, test_empty_partition)
{
	expect_refused("erased");
	zassert_equal(cats_refused(node), CATS_IMAGE_FOREIGN);
}

ZTEST(flash, test_update_in_chunks_of_any_size)
{
	static const size_t chunks[] = {1, 3, 7, 31, 39, 40, 41, 63, 64, 65, 200, 4096, 100000};

	ARRAY_FOR_EACH(chunks, c) {
		int reason = -1;

		zassert_ok(install(one, sizeof(one), chunks[c], &reason), "chunk %zu", chunks[c]);
		zassert_mem_equal(mapped, one, sizeof(one));
		expect_works();
	}
}

ZTEST(flash, test_longer_than_the_image)
{
	/* What follows an image, here the padding of a file, does not matter. */
	zassert_ok(cats_update_begin(sizeof(one) + 100));
	zassert_ok(cats_update_write(one, sizeof(one)));
	memset(copy, 0x33, 100);
	zassert_ok(cats_update_write(copy, 100));
	zassert_ok(cats_update_finish(NULL));
	expect_works();
}

ZTEST(flash, test_power_cut_at_every_write)
{
	uint32_t start = write_calls();
	uint32_t writes;

	zassert_ok(install(one, sizeof(one), 100, NULL));
	writes = write_calls() - start;
	zassert_true(writes > sizeof(one) / 64);

	/* Of the last write that happens at all, so many bytes are written. */
	for (uint32_t length = 0; length < 64; length += 12) {
		for (uint32_t n = 1; n <= writes; n++) {
			int ret;

			zassert_ok(install(four_2, sizeof(four_2), 100, NULL));
			flash_sim_thresholds.max_len = length;
			flash_sim_thresholds.max_write_calls = write_calls() + n;
			ret = install(one, sizeof(one), 100, NULL);
			flash_sim_thresholds.max_write_calls = 0;
			if (ret == 0) {
				/* The last piece was shorter than what was written of it. */
				zassert_equal(n, writes);
				expect_works();
			} else {
				expect_refused("power cut");
			}
		}
	}
	zassert_ok(install(one, sizeof(one), 100, NULL));
	expect_works();
}

ZTEST(flash, test_power_cut_without_a_word)
{
	/* The firmware does not even get to say that it is over. */
	for (size_t taken = 0; taken <= sizeof(one); taken += 29) {
		zassert_ok(install(one, sizeof(one), 100, NULL));
		zassert_ok(cats_update_begin(sizeof(one)));
		zassert_ok(cats_update_write(one, taken));
		cats_update_abort();
		expect_refused("half an update");
		zassert_equal(cats_refused(node), CATS_IMAGE_FOREIGN);
	}
}

static void seal(void)
{
	struct cats_image_header *header = (struct cats_image_header *)copy;
	size_t from = offsetof(struct cats_image_header, model_id);

	header->crc32 = crc32_ieee(copy + from, header->image_size - from);
}

static void expect_reason(int wanted, size_t size)
{
	int reason = -1;

	zassert_equal(install(copy, size, 64, &reason), -EBADMSG);
	zassert_equal(reason, wanted, "%s", cats_image_strerror(reason));
	zassert_not_null(strstr(logged, cats_image_strerror(wanted)), "logged: %s", logged);
	memset(logged, 0, sizeof(logged));
	expect_refused("refused");
	zassert_equal(cats_update_write(copy, 1), -EPERM);
	/* Another is welcome. */
	zassert_ok(install(one, sizeof(one), 64, NULL));
	expect_works();
}

ZTEST(flash, test_foreign)
{
	copy[0] ^= 1;
	expect_reason(CATS_IMAGE_FOREIGN, sizeof(one));
}

ZTEST(flash, test_newer)
{
	copy[4]++;
	seal();
	expect_reason(CATS_IMAGE_VERSION, sizeof(one));
}

ZTEST(flash, test_truncated)
{
	expect_reason(CATS_IMAGE_TRUNCATED, sizeof(one) - 8);
}

ZTEST(flash, test_corrupt)
{
	for (size_t at = 16; at < sizeof(one); at += 307) {
		copy[at] ^= 4;
		expect_reason(CATS_IMAGE_CORRUPT, sizeof(one));
		copy[at] ^= 4;
	}
}

ZTEST(flash, test_invalid)
{
	((struct cats_image_header *)copy)->gathers++;
	seal();
	expect_reason(CATS_IMAGE_INVALID, sizeof(one));
}

ZTEST(flash, test_fewer_bytes_than_announced)
{
	int reason = -1;

	zassert_ok(cats_update_begin(sizeof(one)));
	zassert_ok(cats_update_write(one, sizeof(one) - 1));
	zassert_equal(cats_update_finish(&reason), -EBADMSG);
	zassert_equal(reason, CATS_IMAGE_TRUNCATED);
	expect_refused("too short");
}

ZTEST(flash, test_another_node)
{
	zassert_ok(install(four_2, sizeof(four_2), 64, NULL));
	if (CONFIG_CATS_NODE_ID < 0) {
		zassert_ok(cats_start(node, NULL, 0));
		zassert_equal(cats_running(node)->header->node, 2);
	} else {
		expect_refused("of node 2");
		zassert_equal(cats_refused(node), CATS_IMAGE_NODE);
		zassert_ok(install(one, sizeof(one), 64, NULL));
		expect_works();
	}
}

ZTEST(flash, test_misuse)
{
	zassert_equal(cats_update_write(one, 1), -EPERM);
	zassert_equal(cats_update_finish(NULL), -EPERM);
	cats_update_abort();
	zassert_equal(cats_update_begin(room + 1), -EFBIG);
	zassert_equal(cats_update_begin(39), -EINVAL);
	zassert_ok(cats_update_begin(sizeof(one)));
	zassert_equal(cats_update_begin(sizeof(one)), -EBUSY);
	zassert_equal(cats_start(node, NULL, 0), -EBUSY);
	zassert_ok(cats_update_write(one, sizeof(one)));
	zassert_equal(cats_update_write(one, 1), -EFBIG);
	zassert_ok(cats_update_finish(NULL));

	zassert_ok(cats_start(node, NULL, 0));
	zassert_equal(cats_update_begin(sizeof(one)), -EBUSY);
	zassert_ok(cats_stop(node));
	zassert_ok(cats_update_begin(sizeof(one)));
	cats_update_abort();
	/* A refused start lets go of the partition. */
	expect_refused("aborted");
	zassert_ok(cats_update_begin(sizeof(one)));
}

ZTEST(flash, test_image_from_elsewhere)
{
	/* It does not hold the partition. */
	zassert_ok(cats_start(node, one, sizeof(one)));
	zassert_ok(cats_update_begin(sizeof(one)));
}

static void shell(int want, const char *text, const char *line)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();
	const char *said;
	size_t size;
	int ret;

	shell_backend_dummy_clear_output(sh);
	ret = shell_execute_cmd(sh, line);
	said = shell_backend_dummy_get_output(sh, &size);
	zassert_equal(ret, want, "%s: returned %d and said %s", line, ret, said);
	zassert_not_null(strstr(said, text), "%s: no \"%s\" in: %s", line, text, said);
}

/* As a programmer leaves it: no update has looked at it. */
static void expect_refused_where_it_lies(int reason)
{
	const char *why = cats_image_strerror(reason);
	const struct flash_area *area;

	erase_all();
	zassert_ok(flash_area_open(FIXED_PARTITION_ID(cats_partition), &area));
	zassert_ok(flash_area_write(area, 0, copy, sizeof(copy)));
	memset(logged, 0, sizeof(logged));
	zassert_equal(cats_start(node, NULL, 0), -EBADMSG, "%s", why);
	zassert_equal(cats_refused(node), reason, "%s", why);
	zassert_not_null(strstr(logged, why), "logged: %s", logged);
	shell(-EBADMSG, why, "cats start");
	shell(0, why, "cats info");
	shell(-ENOTCONN, why, "cats infer zeros");
	memcpy(copy, one, sizeof(one));
}

ZTEST(flash, test_refused_where_it_lies)
{
	struct cats_image_header *header = (struct cats_image_header *)copy;

	header->magic ^= 1;
	expect_refused_where_it_lies(CATS_IMAGE_FOREIGN);
	header->format_version++;
	expect_refused_where_it_lies(CATS_IMAGE_VERSION);
	header->image_size = room + 8;
	expect_refused_where_it_lies(CATS_IMAGE_TRUNCATED);
	copy[sizeof(one) - 1] ^= 1;
	expect_refused_where_it_lies(CATS_IMAGE_CORRUPT);
	header->gathers++;
	seal();
	expect_refused_where_it_lies(CATS_IMAGE_INVALID);
	if (CONFIG_CATS_NODE_ID >= 0) {
		memcpy(copy, four_2, sizeof(four_2));
		expect_refused_where_it_lies(CATS_IMAGE_NODE);
	}
	/* The node is alive and takes another. */
	zassert_ok(install(one, sizeof(one), 64, NULL));
	expect_works();
}

ZTEST(flash, test_shell)
{
	char line[160];
	size_t size;

	shell(-EBADMSG, cats_image_strerror(CATS_IMAGE_FOREIGN), "cats start");
	shell(0, cats_image_strerror(CATS_IMAGE_FOREIGN), "cats info");
	shell(-EPERM, "no update is open", "cats update add AAAA");
	shell(-EPERM, "no update is open", "cats update finish");
	shell(-EFBIG, "larger", "cats update begin 100000");
	shell(-EINVAL, "smaller", "cats update begin 39");
	shell(-EINVAL, "whole number", "cats update begin x");

	snprintk(line, sizeof(line), "cats update begin %zu", sizeof(one));
	shell(0, "", line);
	shell(-EBUSY, "another update", line);
	shell(-EBUSY, "update is open", "cats start");
	shell(-EINVAL, "base64", "cats update add ===");
	for (size_t at = 0; at < sizeof(one); at += 60) {
		strcpy(line, "cats update add ");
		zassert_ok(base64_encode((uint8_t *)line + strlen(line),
					 sizeof(line) - strlen(line), &size, one + at,
					 MIN(60, sizeof(one) - at)));
		shell(0, "", line);
	}
	shell(-EFBIG, "more bytes", "cats update add AAAA");
	shell(0, "valid", "cats update finish");
	shell(0, "", "cats start");
	shell(0, "runs", "cats info");
	shell(0, "class", "cats infer zeros");
	shell(0, "every byte is right", "cats selftest");
	shell(0, "runs", "cats info");
	snprintk(line, sizeof(line), "cats update begin %zu", sizeof(one));
	shell(-EBUSY, "cats stop", line);
	shell(0, "", "cats stop");
	shell(0, "", line);
	shell(0, "", "cats update abort");
	shell(-EBADMSG, "refused", "cats start");
}

ZTEST_SUITE(flash, NULL, setup, before, after, NULL);
