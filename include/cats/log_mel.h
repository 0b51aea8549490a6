/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_log_mel Log-mel features
 * @ingroup cats
 * @brief From a microphone's samples to what a speech model looks at.
 *
 * @code
 *	#include <cats_log_mel.h> // of `cats export`: cats_log_mel_tables, CATS_LOG_MEL_FRAME, ..
 *
 *	static int16_t kept[CATS_LOG_MEL_FRAME];
 *	static int32_t work[CATS_LOG_MEL_FRAME];
 *	static int16_t window[STEPS][CATS_LOG_MEL_MELS]; // for cats_input_quantize_int16()
 *	struct cats_log_mel mel;
 *
 *	cats_log_mel_init(&mel, &cats_log_mel_tables, kept, work);
 *	while (count != 0) { // a block of the microphone
 *		size_t taken = cats_log_mel_feed(&mel, samples, count);
 *
 *		samples += taken;
 *		count -= taken;
 *		if (cats_log_mel_take(&mel, window[step])) {
 *			step++;
 *		}
 *	}
 * @endcode
 *
 * A *frame* is a power of two of samples, and begins half a frame after the one before it. Hann
 * window, FFT, triangles on the mel scale (HTK's), power, logarithm: one int16 a band, in 1/256 of
 * a doubling of the power (3 dB); 0 is silence. CONFIG_CATS_LOG_MEL.
 *
 * Integers only: the same samples give the same bytes on every processor and in Python
 * (cats/tasks/log_mel.py), where the models are trained with them. doc/numerics.rst defines every
 * bit and says how far that is from the exact value.
 *
 * RAM: 6 bytes a sample of a frame and the state, of the caller; no heap. Stack: below 200 bytes.
 * One thread at a time may use a state; it may be in an interrupt. Portable C11 without an
 * operating system.
 *
 * @{
 */

#ifndef CATS_LOG_MEL_H_
#define CATS_LOG_MEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Fewest samples of a frame. */
#define CATS_LOG_MEL_MIN_FRAME 64
/** Most samples of a frame. */
#define CATS_LOG_MEL_MAX_FRAME 1024
/** Counts of a feature for each doubling of the power. */
#define CATS_LOG_MEL_COUNTS 256

/** What the features of a model are made by; cats_log_mel.h of `cats export` has them. */
struct cats_log_mel_tables {
	uint32_t rate;          /**< samples a second, for whoever sets the microphone up */
	uint16_t frame;         /**< samples of a frame: 64, 128, .. 1024 */
	uint16_t mels;          /**< bands, 1..255: int16 of a frame of features */
	const int32_t *sine;    /**< [frame / 4 + 1], Q30: a quarter of a wave */
	const uint16_t *rising; /**< [frame / 2], Q16: the share of a bin that the upper band has */
	const uint16_t *begins; /**< [mels + 2]: the first bin above each band's lower edge */
};

/** State of one microphone. Filled by cats_log_mel_init(); 16 bytes on 32-bit processors. */
struct cats_log_mel {
	/** @cond INTERNAL_HIDDEN */
	const struct cats_log_mel_tables *tables;
	int16_t *samples;
	int32_t *work;
	uint16_t filled; /* samples that are there */
			 /** @endcond */
};

/**
 * @brief Begin with no samples; again after a gap in the recording.
 *
 * @param mel     filled on success, untouched otherwise
 * @param tables  must outlive it
 * @param samples int16 [frame], must outlive it; touched by no one else
 * @param work    int32 [frame], the same; it holds nothing between calls, so that several
 *                microphones of one thread may share it, or others use it
 * @retval 0 on success
 * @retval -EINVAL the tables contradict themselves
 */
int cats_log_mel_init(struct cats_log_mel *mel, const struct cats_log_mel_tables *tables,
		      int16_t *samples, int32_t *work);

/**
 * @brief Take samples, until a frame is full.
 *
 * @param samples int16 [count], oldest first
 * @return how many of them were taken: fewer than @p count where a frame is full, 0 where one
 *         waits for cats_log_mel_take()
 */
size_t cats_log_mel_feed(struct cats_log_mel *mel, const int16_t *samples, size_t count);

/**
 * @brief Features of the frame that is full.
 *
 * @param bands int16 [mels], lowest band first; untouched where no frame is full
 * @retval true  they are there, and the next frame begins
 * @retval false samples are lacking: feed more
 */
bool cats_log_mel_take(struct cats_log_mel *mel, int16_t *bands);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_LOG_MEL_H_ */
