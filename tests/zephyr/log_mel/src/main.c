/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Log-mel features are NumPy's to the bit on this processor, in whatever blocks samples come. */

#include <errno.h>

#include <zephyr/ztest.h>

#include <cats/log_mel.h>

#include "vectors.h"

static int16_t kept[CATS_LOG_MEL_FRAME];
static int32_t work[CATS_LOG_MEL_FRAME];
static struct cats_log_mel mel;

/* Samples in blocks; every frame as it should be. */
static void hear(int sound, size_t block)
{
	int16_t bands[CATS_LOG_MEL_MELS];
	int frames = 0;

	zassert_ok(cats_log_mel_init(&mel, &cats_log_mel_tables, kept, work));
	for (size_t at = 0; at < SAMPLES;) {
		at += cats_log_mel_feed(&mel, sounds[sound].samples + at, MIN(block, SAMPLES - at));
		if (cats_log_mel_take(&mel, bands)) {
			zassert_true(frames < FRAMES);
			zassert_mem_equal(bands, sounds[sound].features[frames], sizeof(bands),
					  "%s, frame %d", sounds[sound].name, frames);
			frames++;
		}
	}
	zassert_equal(frames, FRAMES);
}

ZTEST(log_mel, test_features)
{
	static const size_t blocks[] = {1, 100, CATS_LOG_MEL_FRAME / 2, SAMPLES};

	for (int sound = 0; sound < (int)ARRAY_SIZE(sounds); sound++) {
		for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
			hear(sound, blocks[b]);
		}
	}
}

ZTEST(log_mel, test_tables_are_checked)
{
	struct cats_log_mel_tables tables = cats_log_mel_tables;

	tables.frame = 100;
	zassert_equal(cats_log_mel_init(&mel, &tables, kept, work), -EINVAL);
	tables.frame = CATS_LOG_MEL_FRAME / 2; /* the bands end behind it */
	zassert_equal(cats_log_mel_init(&mel, &tables, kept, work), -EINVAL);
}

ZTEST_SUITE(log_mel, NULL, NULL, NULL, NULL, NULL);
