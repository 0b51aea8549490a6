/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * What the tester asks the integer reference with. `cats record` shows, a line each, and forgets:
 *
 *	heard INFERENCE GATHER TILE BITS...    bits of source 0, 1, ... as hexadecimal bytes
 *	result INFERENCE SAMPLE LED LOST FRAGMENTS SILENT STARTED ENDED OUTPUT
 *	no room for RECORDS
 *
 * OUTPUT: int16, little-endian, as hexadecimal bytes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "group.h"

/* A record's size, then one of these. All are appended and read in order. */
struct heard {
	uint16_t inference;
	uint8_t gather;
	uint8_t tile;
	uint8_t nodes;
	uint8_t bytes[CATS_MAX_NODES]; /* of each source's bits, which follow */
};

struct told {
	uint16_t inference;
	uint16_t silent;
	uint32_t lost;
	uint32_t fragments;
	uint32_t started_us;
	uint32_t ended_us;
	uint16_t values; /* of the output, which follows */
	int16_t sample;  /* or SAMPLE_NONE, SAMPLE_OTHER */
	bool led;
};

enum kind {
	HEARD,
	TOLD,
};

struct head {
	uint16_t size; /* of what follows */
	uint8_t kind;
};

/* The bits of 16 sources, or an output of 250 values. */
#define LINE 1100

static uint8_t records[CONFIG_HIL_RECORD_SIZE];
static size_t used;
static uint32_t dropped;
static struct k_spinlock lock; /* of the three */

static K_SEM_DEFINE(ended, 0, K_SEM_MAX_LIMIT);

/* Room for a record of so many bytes, or NULL. Locked. */
static uint8_t *append(enum kind kind, size_t size)
{
	const struct head head = {(uint16_t)size, kind};
	uint8_t *at = records + used;

	if (size > sizeof(records) - used || sizeof(head) > sizeof(records) - used - size) {
		dropped++;
		return NULL;
	}
	memcpy(at, &head, sizeof(head));
	used += sizeof(head) + size;
	return at + sizeof(head);
}

static void arrived(void *user, uint16_t inference, struct cats_exchange x,
		    const struct cats_availability *available)
{
	const struct cats_image *image = &group_node()->data->image;
	struct heard h = {inference, x.gather, x.tile, image->header->nodes, {0}};
	size_t size = sizeof(h);
	k_spinlock_key_t key;
	uint8_t *at;

	ARG_UNUSED(user);
	for (uint8_t s = 0; s < h.nodes; s++) {
		h.bytes[s] = (uint8_t)DIV_ROUND_UP(cats_fragment_count(image, x, s), 8);
		size += h.bytes[s];
	}
	key = k_spin_lock(&lock);
	at = append(HEARD, size);
	if (at != NULL) {
		memcpy(at, &h, sizeof(h));
		at += sizeof(h);
		for (uint8_t s = 0; s < h.nodes; s++) {
			memcpy(at, available->bits[s], h.bytes[s]);
			at += h.bytes[s];
		}
	}
	k_spin_unlock(&lock, key);
}

static void told(const struct cats_result *result, void *user)
{
	const struct told t = {
		.inference = result->inference,
		.silent = result->silent,
		.lost = result->lost,
		.fragments = result->fragments,
		.started_us = result->started_us,
		.ended_us = result->ended_us,
		.values = result->rows * result->columns,
		.sample = (int16_t)group_told(result->submitted),
		.led = result->led,
	};
	const size_t output = t.values * sizeof(int16_t);
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint8_t *at = append(TOLD, sizeof(t) + output);

	ARG_UNUSED(user);
	if (at != NULL) {
		memcpy(at, &t, sizeof(t));
		memcpy(at + sizeof(t), result->output, output);
	}
	k_spin_unlock(&lock, key);
	k_sem_give(&ended);
}

void record_begin(const struct cats_instance *instance)
{
	cats_on_available(instance, arrived, NULL);
	cats_on_result(instance, told, NULL);
}

void record_wait(void)
{
	(void)k_sem_take(&ended, K_FOREVER);
}

/* A line at once: every call of the shell waits for the port. */
static char line[LINE];

static size_t add_hex(size_t at, const uint8_t *bytes, size_t size)
{
	return at + (at < sizeof(line) ? bin2hex(bytes, size, line + at, sizeof(line) - at) : 0);
}

static void show_heard(const struct shell *sh, const uint8_t *at)
{
	struct heard h;
	size_t end;

	memcpy(&h, at, sizeof(h));
	at += sizeof(h);
	end = snprintf(line, sizeof(line), "heard %u %u %u", h.inference, h.gather, h.tile);
	for (uint8_t s = 0; s < h.nodes && end + 2 < sizeof(line); s++) {
		end += snprintf(line + end, sizeof(line) - end, " .");
		end = add_hex(end, at, h.bytes[s]);
		at += h.bytes[s];
	}
	shell_print(sh, "%s", line);
}

static void show_told(const struct shell *sh, const uint8_t *at)
{
	struct told t;
	size_t end;

	memcpy(&t, at, sizeof(t));
	at += sizeof(t);
	end = snprintf(line, sizeof(line), "result %u %d %d %u %u %u %u %u ", t.inference, t.sample,
		       t.led, t.lost, t.fragments, t.silent, t.started_us, t.ended_us);
	/* Little-endian. */
	(void)add_hex(end, at, t.values * sizeof(int16_t));
	shell_print(sh, "%s", line);
}

static int cmd_record(const struct shell *sh, size_t argc, char **argv)
{
	k_spinlock_key_t key = k_spin_lock(&lock);
	const size_t end = used;
	const uint32_t lacking = dropped;
	size_t at = 0;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	k_spin_unlock(&lock, key);
	while (at < end) {
		struct head head;

		memcpy(&head, records + at, sizeof(head));
		at += sizeof(head);
		(head.kind == HEARD ? show_heard : show_told)(sh, records + at);
		at += head.size;
	}
	key = k_spin_lock(&lock);
	used -= end;
	memmove(records, records + end, used);
	dropped -= lacking;
	k_spin_unlock(&lock, key);
	if (lacking != 0) {
		shell_error(sh, "no room for %u: raise CONFIG_HIL_RECORD_SIZE", lacking);
	}
	return lacking != 0 ? -ENOSPC : 0;
}

SHELL_SUBCMD_ADD((cats), record, NULL,
		 SHELL_HELP("Show, and forget, what arrived and what came of it", ""), cmd_record,
		 1, 0);
