/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Log-mel features. doc/numerics.rst defines every bit, cats/tasks/log_mel.py is the same in NumPy.
 *
 * A real FFT of `frame` samples is a complex one of half as many, of even samples as real and odd
 * ones as imaginary parts, radix 2, decimated in time (Cooley and Tukey, 1965). Nothing is scaled
 * between its stages: samples come in with so many bits less as all stages together may add. One
 * table, a quarter of a sine, is window and twiddles.
 */

#include <errno.h>
#include <string.h>

#include <cats/log_mel.h>

#define ONE (INT32_C(1) << 30) /* of the sine table */
#define HALF (INT64_C(1) << 29)
#define MAX_MELS 255
#define LOG2_SQUARES 9 /* bits of a logarithm's fraction that are computed; 8 are kept */

/* A direction, Q30. */
struct turn {
	int32_t cos;
	int32_t sin;
};

/* By i parts of `frame` of a whole turn, i up to half of it. */
static struct turn turn(const struct cats_log_mel_tables *tables, uint32_t i)
{
	const uint32_t quarter = tables->frame / 4u;

	if (i <= quarter) {
		return (struct turn){tables->sine[quarter - i], tables->sine[i]};
	}
	return (struct turn){-tables->sine[i - quarter], tables->sine[2 * quarter - i]};
}

static uint32_t order_of(uint32_t frame)
{
	uint32_t order = 0;

	while (frame >> order > 1) {
		order++;
	}
	return order;
}

int cats_log_mel_init(struct cats_log_mel *mel, const struct cats_log_mel_tables *tables,
		      int16_t *samples, int32_t *work)
{
	const uint32_t frame = tables->frame;

	if (frame < CATS_LOG_MEL_MIN_FRAME || frame > CATS_LOG_MEL_MAX_FRAME ||
	    (frame & (frame - 1)) != 0 || tables->mels == 0 || tables->mels > MAX_MELS ||
	    tables->begins[0] == 0 || tables->begins[tables->mels + 1] > frame / 2) {
		return -EINVAL;
	}
	for (uint32_t i = 0; i <= tables->mels; i++) {
		if (tables->begins[i] > tables->begins[i + 1]) {
			return -EINVAL;
		}
	}
	*mel = (struct cats_log_mel){.tables = tables, .samples = samples, .work = work};
	return 0;
}

size_t cats_log_mel_feed(struct cats_log_mel *mel, const int16_t *samples, size_t count)
{
	const size_t room = (size_t)mel->tables->frame - mel->filled;

	if (count > room) {
		count = room;
	}
	memcpy(mel->samples + mel->filled, samples, count * sizeof(*samples));
	mel->filled += (uint16_t)count;
	return count;
}

/* Sample n behind the periodic Hann window, (1 - cos) / 2, as 2^(16 - order) counts. */
static int32_t windowed(const struct cats_log_mel *mel, uint32_t n, uint32_t order)
{
	const uint32_t frame = mel->tables->frame;
	const uint32_t place = n <= frame / 2 ? n : frame - n;
	/* 0..2^31 before it is halved */
	const uint32_t twice = (uint32_t)ONE - (uint32_t)turn(mel->tables, place).cos;
	const uint32_t shift = 14 + order;

	return (int32_t)(((int64_t)mel->samples[n] * (int32_t)(twice >> 1) +
			  (INT64_C(1) << (shift - 1))) >>
			 shift);
}

/* Even and odd samples as complex numbers, in the order of reversed bits. */
static void load(const struct cats_log_mel *mel, uint32_t order)
{
	const uint32_t points = mel->tables->frame / 2u;
	uint32_t reversed = 0;

	for (uint32_t n = 0; n < points; n++) {
		uint32_t bit = points >> 1;

		mel->work[2 * reversed] = windowed(mel, 2 * n, order);
		mel->work[2 * reversed + 1] = windowed(mel, 2 * n + 1, order);
		while ((reversed & bit) != 0) {
			reversed ^= bit;
			bit >>= 1;
		}
		reversed |= bit;
	}
}

static void transform(const struct cats_log_mel *mel)
{
	const uint32_t points = mel->tables->frame / 2u;

	for (uint32_t half = 1; half < points; half *= 2) {
		for (uint32_t j = 0; j < half; j++) {
			const struct turn w = turn(mel->tables, j * (points / half));

			for (uint32_t at = j; at < points; at += 2 * half) {
				int32_t *a = mel->work + 2 * at;
				int32_t *b = a + 2 * half;
				const int64_t re = (int64_t)b[0] * w.cos + (int64_t)b[1] * w.sin;
				const int64_t im = (int64_t)b[1] * w.cos - (int64_t)b[0] * w.sin;
				const int32_t x = (int32_t)((re + HALF) >> 30);
				const int32_t y = (int32_t)((im + HALF) >> 30);

				b[0] = a[0] - x;
				b[1] = a[1] - y;
				a[0] += x;
				a[1] += y;
			}
		}
	}
}

/* Power of bin k of the real FFT, 1..frame/2 - 1: below 2^61. */
static uint64_t power(const struct cats_log_mel *mel, uint32_t k)
{
	const int32_t *z = mel->work + 2 * k;
	const int32_t *mirror = mel->work + mel->tables->frame - 2 * k;
	const struct turn w = turn(mel->tables, k);
	/* twice the spectra of even and of odd samples */
	const int64_t even_re = (int64_t)z[0] + mirror[0];
	const int64_t even_im = (int64_t)z[1] - mirror[1];
	const int64_t odd_re = (int64_t)z[1] + mirror[1];
	const int64_t odd_im = (int64_t)mirror[0] - z[0];
	const int64_t re = (even_re * ONE + odd_re * w.cos + odd_im * w.sin + ONE) >> 31;
	const int64_t im = (even_im * ONE + odd_im * w.cos - odd_re * w.sin + ONE) >> 31;

	return (uint64_t)(re * re) + (uint64_t)(im * im);
}

/* 256 log2(v), rounded; v >= 1. Each squaring gives a bit (Turner, IEEE Signal Processing
 * Magazine 2010, 10.1109/MSP.2010.937503).
 */
static int32_t logarithm(uint64_t v)
{
	int32_t exponent = 0;
	uint32_t mantissa; /* Q31, 1..2 */

	for (int32_t step = 32; step != 0; step /= 2) {
		exponent += v >> (exponent + step) != 0 ? step : 0;
	}
	mantissa = (uint32_t)(v << (63 - exponent) >> 32);
	for (int i = 0; i < LOG2_SQUARES; i++) {
		const uint64_t square = (uint64_t)mantissa * mantissa;
		const uint32_t bit = (uint32_t)(square >> 63);

		exponent = 2 * exponent + (int32_t)bit;
		mantissa = (uint32_t)(square >> (31 + bit));
	}
	return (exponent + 1) >> 1;
}

bool cats_log_mel_take(struct cats_log_mel *mel, int16_t *bands)
{
	const struct cats_log_mel_tables *tables = mel->tables;
	const uint32_t half = tables->frame / 2u;
	const uint32_t order = order_of(tables->frame);
	const uint32_t unit = 32 - 2 * order; /* log2 of the power of one count */
	uint64_t below = 0;                   /* what the band that falls has of its rise */

	if (mel->filled < tables->frame) {
		return false;
	}
	load(mel, order);
	transform(mel);
	for (uint32_t i = 0; i <= tables->mels; i++) {
		uint64_t rises = 0;

		for (uint32_t k = tables->begins[i]; k < tables->begins[i + 1]; k++) {
			const uint64_t all = power(mel, k);
			const uint32_t share = tables->rising[k];
			const uint64_t upper = ((all >> 32) * share << 16) +
					       ((uint64_t)(uint32_t)all * share >> 16);

			rises += upper;
			below += all - upper;
		}
		if (i != 0) {
			below += UINT64_C(1) << unit;
			bands[i - 1] =
				(int16_t)(logarithm(below) - (int32_t)(unit * CATS_LOG_MEL_COUNTS));
		}
		below = rises;
	}
	memmove(mel->samples, mel->samples + half, half * sizeof(*mel->samples));
	mel->filled = (uint16_t)half;
	return true;
}
