/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The next token of a text, the same on all nodes that have the same results:
 * doc/numerics-llama.rst, "The next token". Without memory of its own, so results are looked at
 * several times.
 */

#include <errno.h>

#include <cats/text.h>

#include "engine_internal.h"
#include "kernels.h"

#if CATS_LLAMA

#define LOG2_E UINT64_C(6196328019) /* round(2^32 * log2(e)) */
#define MULTIPLIER_BITS 47          /* of a difference 16: the product fits an int64 */

/* Which tokens may be drawn, and how likely each is. */
struct draw {
	const int16_t *results;
	uint32_t tokens;
	uint64_t multiplier;
	uint32_t ties; /* so many of the results that are `least` count, the first ones */
	int32_t least;
	int32_t top;
};

int cats_temperature(const struct cats_image *image, uint16_t temperature, uint64_t *multiplier)
{
	/* A single is mantissa * 2^(exponent - 150). */
	const uint32_t scale = image->model->output_scale;
	const uint32_t exponent = scale >> 23;
	const uint64_t product = LOG2_E * ((scale & 0x7fffff) | 0x800000);
	uint64_t one;

	*multiplier = 0;
	if (temperature == 0) {
		return 0;
	}
	if (exponent < 85 || exponent > 141) {
		return -EINVAL;
	}
	one = (product + (UINT64_C(1) << (141 - exponent))) >> (142 - exponent);
	if (one >> 54 != 0) { /* too much at any temperature, and 1000 times as much for 64 bits */
		return -EINVAL;
	}
	*multiplier = (one * 1000 + temperature / 2) / temperature;
	return *multiplier != 0 && *multiplier >> MULTIPLIER_BITS == 0 ? 0 : -EINVAL;
}

/* Results of at least that much; a missing one is less than any. */
static uint32_t count(const struct draw *d, int32_t least)
{
	uint32_t found = 0;

	for (uint32_t t = 0; t < d->tokens; t++) {
		found += d->results[t] >= least;
	}
	return found;
}

/* Only the k largest count. */
static void limit(struct draw *d, uint32_t k)
{
	int32_t beyond = d->top + 1;

	if (k == 0 || count(d, d->least) <= k) {
		return;
	}
	while (beyond - d->least > 1) {
		const int32_t middle = d->least + (beyond - d->least) / 2;

		if (count(d, middle) >= k) {
			d->least = middle;
		} else {
			beyond = middle;
		}
	}
	d->ties = k - count(d, beyond);
}

/* The first token whose weight, with those of all before, passes a number; the sum is so far. */
static uint32_t find(const struct draw *d, uint32_t passes, uint32_t *sum)
{
	uint32_t ties = d->ties;
	uint32_t t;

	*sum = 0;
	for (t = 0; t < d->tokens && *sum <= passes; t++) {
		const uint32_t below = (uint32_t)(d->top - d->results[t]);
		const uint32_t u = (uint32_t)((below * d->multiplier) >> 32);

		if (d->results[t] < d->least || (d->results[t] == d->least && ties == 0)) {
			continue;
		}
		ties -= d->results[t] == d->least;
		*sum += u >= 15 * 256 ? 0 : cats_exp2[u & 255] >> (u >> 8);
	}
	return t - 1;
}

/* SplitMix64 (Steele and others, OOPSLA 2014), of which the upper half. */
static uint32_t noise(uint32_t seed, uint32_t position)
{
	uint64_t s = seed + (position + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);

	s = (s ^ (s >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	s = (s ^ (s >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)((s ^ (s >> 31)) >> 32);
}

int32_t cats_choose(const struct cats_image *image, const int16_t *results, uint32_t position,
		    const struct cats_sampling *how)
{
	struct draw d = {
		.results = results,
		.tokens = image->model->outputs,
		.ties = UINT32_MAX,
		.least = CATS_OUTPUT_MISSING + 1,
		.top = CATS_OUTPUT_MISSING,
	};
	uint32_t first = 0;
	uint32_t sum;

	for (uint32_t t = 0; t < d.tokens; t++) {
		if (results[t] > d.top) {
			d.top = results[t];
			first = t;
		}
	}
	if (d.top == CATS_OUTPUT_MISSING) {
		return -ENODATA;
	}
	if (cats_temperature(image, how->temperature, &d.multiplier) != 0 || d.multiplier == 0) {
		return (int32_t)first;
	}
	limit(&d, how->top_k);
	(void)find(&d, UINT32_MAX, &sum);
	return (int32_t)find(&d, (uint32_t)((uint64_t)noise(how->seed, position) * sum >> 32),
			     &sum);
}

#endif /* CATS_LLAMA */
