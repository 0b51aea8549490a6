/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Log-mel features on a Cortex-M in QEMU: NumPy's bytes, and instructions of a frame. The rest of
 * the program is that of tests/benchmarks/m4, the sounds are those of tests/zephyr/log_mel.
 */

#include <cats/log_mel.h>

#include "bench.h"
#include "crc32.h"
#include "vectors.h"

static int16_t kept[CATS_LOG_MEL_FRAME];
static int32_t work[CATS_LOG_MEL_FRAME];
static int16_t bands[CATS_LOG_MEL_MELS];
static struct cats_log_mel mel;
static const int16_t *next;

static void feed(void)
{
	(void)cats_log_mel_feed(&mel, next, CATS_LOG_MEL_FRAME / 2);
}

static void feed_one(void *argument)
{
	(void)argument;
	feed();
}

static void take(void *argument)
{
	(void)argument;
	(void)cats_log_mel_take(&mel, bands);
}

static void begin(const int16_t *samples)
{
	if (cats_log_mel_init(&mel, &cats_log_mel_tables, kept, work) != 0) {
		stop(1);
	}
	next = samples;
	feed();
	next += CATS_LOG_MEL_FRAME / 2;
}

static void refill(void)
{
	begin(next - CATS_LOG_MEL_FRAME / 2);
	feed();
}

int main(void)
{
	for (size_t sound = 0; sound < ARRAY_SIZE(sounds); sound++) {
		const uint32_t size = sizeof(bands);
		uint32_t wanted;
		uint32_t found;

		begin(sounds[sound].samples);
		for (int frame = 0; frame < FRAMES; frame++) {
			feed();
			next += CATS_LOG_MEL_FRAME / 2;
			take(NULL);
			wanted = cats_crc32(sounds[sound].features[frame], size);
			found = cats_crc32(bands, size);
			if (found != wanted) {
				report("differs", (uint32_t)sound, (uint32_t)frame, found);
				stop(1);
			}
		}
		next = sounds[sound].samples + CATS_LOG_MEL_FRAME / 2;
		report(sounds[sound].name, count_after(refill, take, NULL), CATS_LOG_MEL_FRAME,
		       found);
	}
	begin(sounds[0].samples);
	report("feed", count(feed_one, NULL), CATS_LOG_MEL_FRAME / 2, 0);
	return 0;
}
