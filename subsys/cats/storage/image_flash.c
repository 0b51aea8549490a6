/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>

#include <zephyr/drivers/flash.h>
#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/util.h>

#include <cats/image.h>
#include <cats/update.h>

#include "engine/crc32.h"
#include "engine/image_header.h"
#include "image_flash.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

#define PARTITION DT_NODELABEL(cats_partition)
#define SIMULATED DT_NODE_HAS_COMPAT(DT_MTD_FROM_FIXED_PARTITION(PARTITION), zephyr_sim_flash)

BUILD_ASSERT(DT_NODE_EXISTS(PARTITION),
	     "CONFIG_CATS_IMAGE_FLASH needs a fixed partition with the node label cats_partition");

#if SIMULATED
#include <zephyr/drivers/flash/flash_simulator.h>
#endif

/* Bytes written at once; the header is held back in a buffer of this size. */
#define BLOCK 64
/* The checksum covers the image from here on. */
#define CHECKED offsetof(struct cats_image_header, model_id)

BUILD_ASSERT(sizeof(struct cats_image_header) <= BLOCK);

static K_MUTEX_DEFINE(lock);

static cats_update_check new_check =
	COND_CODE_1(CONFIG_CATS_UPDATE_SIGNED, (cats_update_signed), (NULL));

/* All under the lock. */
static struct {
	const struct flash_area *area;
	int users;     /* instances that run from the partition */
	bool open;     /* an update is open */
	size_t size;   /* bytes announced */
	size_t taken;  /* bytes given so far */
	size_t erased; /* bytes of the partition that are erased */
	size_t head;   /* bytes held back: the header, rounded up to a write block */
	uint8_t header[BLOCK] __aligned(8);
	uint8_t block[BLOCK] __aligned(8);
} update;

int cats_flash_map(const void **data, size_t *size)
{
	if (!device_is_ready(FIXED_PARTITION_DEVICE(cats_partition))) {
		return -ENODEV;
	}
#if SIMULATED
	size_t all;
	const uint8_t *memory =
		flash_simulator_get_memory(FIXED_PARTITION_DEVICE(cats_partition), &all);

	if (memory == NULL) {
		return -ENODEV;
	}
	*data = memory + FIXED_PARTITION_OFFSET(cats_partition);
#else
	*data = (const void *)(uintptr_t)DT_FIXED_PARTITION_ADDR(PARTITION);
#endif
	*size = FIXED_PARTITION_SIZE(cats_partition);
	return 0;
}

int cats_flash_acquire(void)
{
	int ret = 0;

	k_mutex_lock(&lock, K_FOREVER);
	if (update.open) {
		ret = -EBUSY;
	} else {
		update.users++;
	}
	k_mutex_unlock(&lock);
	return ret;
}

void cats_flash_release(void)
{
	k_mutex_lock(&lock, K_FOREVER);
	__ASSERT(update.users > 0, "the partition is let go of more often than it was held");
	update.users--;
	k_mutex_unlock(&lock);
}

/* Erase page by page until the first `end` bytes of the partition are erased. */
static int erase_to(size_t end)
{
	const struct flash_area *area = update.area;

	while (update.erased < end) {
		struct flash_pages_info page;
		int ret = flash_get_page_info_by_offs(flash_area_get_device(area),
						      area->fa_off + update.erased, &page);

		if (ret == 0) {
			ret = flash_area_flatten(area, update.erased, page.size);
		}
		if (ret != 0) {
			LOG_ERR("flash: cannot erase at %zu (%d)", update.erased, ret);
			return ret;
		}
		update.erased += page.size;
	}
	return 0;
}

static int program(size_t at, const void *data, size_t size)
{
	int ret = erase_to(at + size);

	if (ret == 0) {
		ret = flash_area_write(update.area, at, data, size);
		if (ret != 0) {
			LOG_ERR("flash: cannot write at %zu (%d)", at, ret);
		}
	}
	return ret;
}

/* Forget the image: without its first page it has no header. */
static int invalidate(void)
{
	update.erased = 0;
	return erase_to(1);
}

int cats_update_begin(size_t size)
{
	const void *data;
	size_t room;
	size_t unit;
	int ret = cats_flash_map(&data, &room);

	if (ret != 0) {
		return ret;
	}
	if (size < sizeof(struct cats_image_header)) {
		return -EINVAL;
	}
	if (size > room) {
		return -EFBIG;
	}

	k_mutex_lock(&lock, K_FOREVER);
	if (update.open || update.users > 0) {
		ret = -EBUSY;
		goto out;
	}
	ret = flash_area_open(FIXED_PARTITION_ID(cats_partition), &update.area);
	if (ret != 0) {
		goto out;
	}
	unit = flash_area_align(update.area);
	if (unit == 0 || BLOCK % unit != 0) {
		LOG_ERR("flash: write blocks of %zu bytes do not divide %d", unit, BLOCK);
		ret = -ENODEV;
		goto out;
	}
	update.size = size;
	update.taken = 0;
	update.head = ROUND_UP(sizeof(struct cats_image_header), unit);
	ret = invalidate();
	update.open = ret == 0;
out:
	k_mutex_unlock(&lock);
	return ret;
}

int cats_update_write(const void *data, size_t size)
{
	const uint8_t *from = data;
	int ret = 0;

	k_mutex_lock(&lock, K_FOREVER);
	if (!update.open) {
		ret = -EPERM;
	} else if (size > update.size - update.taken) {
		ret = -EFBIG;
	} else {
		while (size > 0 && ret == 0) {
			size_t body = update.taken - MIN(update.taken, update.head);
			bool first = update.taken < update.head;
			size_t used = first ? update.taken : body % BLOCK;
			size_t some = MIN(size, (first ? update.head : BLOCK) - used);

			memcpy((first ? update.header : update.block) + used, from, some);
			from += some;
			size -= some;
			update.taken += some;
			if (!first && used + some == BLOCK) {
				ret = program(update.taken - BLOCK, update.block, BLOCK);
			}
		}
		update.open = ret == 0;
	}
	k_mutex_unlock(&lock);
	return ret;
}

/* What is left in the block buffer, padded with erased bytes to whole write blocks. */
static int flush(void)
{
	size_t left = update.taken > update.head ? (update.taken - update.head) % BLOCK : 0;
	size_t padded = ROUND_UP(left, flash_area_align(update.area));

	if (left == 0) {
		return 0;
	}
	memset(update.block + left, flash_area_erased_val(update.area), padded - left);
	return program(update.taken - left, update.block, padded);
}

/* Everything but the header stands in flash: is it what the header promises? */
static int check(const uint8_t *data)
{
	const struct cats_image_header *header = (const void *)update.header;
	uint32_t crc;
	int reason;

	if (update.taken < update.size) {
		return CATS_IMAGE_TRUNCATED;
	}
	reason = cats_image_check_header(header, update.size);
	if (reason != CATS_IMAGE_OK) {
		return reason;
	}
	if (header->image_size < update.head) {
		return CATS_IMAGE_TRUNCATED;
	}
	crc = cats_crc32(update.header + CHECKED, update.head - CHECKED);
	crc = cats_crc32_update(crc, data + update.head, header->image_size - update.head);
	return crc == header->crc32 ? CATS_IMAGE_OK : CATS_IMAGE_CORRUPT;
}

/* Whether who judges new images takes it. */
static int judge(const uint8_t *data)
{
	const struct cats_image_header *header = (const void *)update.header;
	struct cats_update_image image = {
		.head = update.header,
		.head_size = update.head,
		.body = data + update.head,
		.body_size = header->image_size - update.head,
		.tail = data + header->image_size,
		.tail_size = update.size - header->image_size,
	};
	int ret;

	if (new_check == NULL) {
		return 0;
	}
	ret = new_check(&image);
	if (ret == 0) {
		return 0;
	}
	LOG_ERR("new image refused: its signature or its check fails (%d)", ret);
	ret = invalidate();
	return ret != 0 ? ret : -EACCES;
}

/* The first write block holds the magic number and goes last. */
static int program_header(void)
{
	size_t unit = flash_area_align(update.area);
	int ret = 0;

	if (update.head > unit) {
		ret = program(unit, update.header + unit, update.head - unit);
	}
	return ret != 0 ? ret : program(0, update.header, unit);
}

int cats_update_finish(int *reason)
{
	struct cats_image image;
	const void *data = NULL;
	size_t room = 0;
	int refused;
	int ret;

	k_mutex_lock(&lock, K_FOREVER);
	if (!update.open) {
		k_mutex_unlock(&lock);
		return -EPERM;
	}
	ret = cats_flash_map(&data, &room);
	if (ret == 0) {
		ret = flush();
	}
	if (ret == 0) {
		refused = check(data);
		if (refused == CATS_IMAGE_OK) {
			ret = judge(data);
			if (ret == 0) {
				ret = program_header();
			}
			if (ret == 0) {
				refused = cats_image_verify(data, room, &image);
			}
		}
		if (ret == 0 && refused != CATS_IMAGE_OK) {
			LOG_ERR("new image refused: %s", cats_image_strerror(refused));
			ret = invalidate();
			if (ret == 0) {
				ret = -EBADMSG;
			}
			if (reason != NULL) {
				*reason = refused;
			}
		}
	}
	update.open = false;
	k_mutex_unlock(&lock);
	return ret;
}

void cats_update_check_set(cats_update_check check)
{
	k_mutex_lock(&lock, K_FOREVER);
	new_check = check;
	k_mutex_unlock(&lock);
}

void cats_update_abort(void)
{
	k_mutex_lock(&lock, K_FOREVER);
	update.open = false;
	k_mutex_unlock(&lock);
}
