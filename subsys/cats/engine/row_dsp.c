/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "product_dsp.h"
#include "requantize.h"

#if CATS_DSP && CATS_FAST_ROW

/* row_dsp.S */
const int8_t *cats_row_sums(struct cats_sums *sums, const int8_t *w);
void cats_row_int8(const struct cats_product *p);

/* So many outputs are summed before they are requantised. */
#define BATCH 24
/* cats_sum() leaves four words, the sum and garbage. */
#define SPARE 3

/* Where results go, and what they are made of. */
struct target {
	const struct cats_image_channel *channel;
	const struct cats_image_channel *end;
	const int32_t *sum;
	void *out;
};

/* kind is a constant. Returns where the next result goes. */
CATS_INLINE void *finish8(const struct cats_product *p, const struct target *t, const uint32_t kind)
{
	const struct cats_image_channel *channel = t->channel;
	const uint32_t shift = p->shift - 32u;
	const int32_t half = 1 << (shift - 1);
	const int8_t *const table = p->table;
	const uint32_t step = p->output_step;
	const int32_t *sum = t->sum;
	int8_t *out = t->out;

	do {
		store8(out, cats_smmla(*sum++, channel->multiplier, half) >> shift, table, kind);
		out += step;
		channel++;
	} while (channel != t->end);
	return out;
}

CATS_INLINE void *finish16(const struct cats_product *p, const struct target *t,
			   const uint32_t kind)
{
	const struct cats_image_channel *channel = t->channel;
	const uint32_t shift = p->shift - 32u;
	const int32_t half = (kind == CATS_STORE_INT16 ? -1 : 1) * (1 << (shift - 1));
	const uint32_t step = p->output_step;
	const int32_t *sum = t->sum;
	int16_t *out = t->out;
	const int16_t *from = out;

	if (kind == CATS_STORE_EMBED) {
		from = (const int16_t *)p->table + (out - (int16_t *)p->out);
	}
	do {
		store16(out, cats_smmla(*sum++, channel->multiplier, half) >> shift, *from, kind);
		out += step;
		from += step;
		channel++;
	} while (channel != t->end);
	return out;
}

/* The same for any shift. */
static void *finish_any(const struct cats_product *p, const struct target *t)
{
	const int32_t *sum = t->sum;
	const uint32_t kind = p->store;
	size_t at = (size_t)(t->channel - p->channels) * p->output_step;

	for (const struct cats_image_channel *channel = t->channel; channel != t->end; channel++) {
		const int32_t v = cats_requantize(*sum++, channel->multiplier, p->shift);
		int16_t *const out = (int16_t *)p->out + at;

		if (kind <= CATS_STORE_TABLE) {
			store8((int8_t *)p->out + at, v, p->table, kind);
		} else if (kind == CATS_STORE_EMBED) {
			store16(out, v, ((const int16_t *)p->table)[at], kind);
		} else {
			store16(out, v - (kind == CATS_STORE_INT16), *out, kind);
		}
		at += p->output_step;
	}
	return NULL;
}

static void *finish(const struct cats_product *p, const struct target *t)
{
	if (p->shift <= 32) {
		return finish_any(p, t);
	}
	switch (p->store) {
	case CATS_STORE_INT8:
		return finish8(p, t, CATS_STORE_INT8);
	case CATS_STORE_RELU:
		return finish8(p, t, CATS_STORE_RELU);
	case CATS_STORE_TABLE:
		return finish8(p, t, CATS_STORE_TABLE);
	case CATS_STORE_INT16:
		return finish16(p, t, CATS_STORE_INT16);
	case CATS_STORE_ADD:
		return finish16(p, t, CATS_STORE_ADD);
#ifndef CATS_NO_LLAMA
	case CATS_STORE_SAT16:
		return finish16(p, t, CATS_STORE_SAT16);
#endif
	default:
		return finish16(p, t, CATS_STORE_EMBED);
	}
}

/* The sums of the next outputs. Returns the weights behind them. */
CATS_INLINE const int8_t *add_up(const struct cats_product *p, struct cats_sums *sums,
				 struct target *t, int32_t *buffer, const int8_t *w)
{
	const uint32_t left = (uint32_t)(p->channels + p->outputs - t->channel);
	uint32_t outputs = left > BATCH ? BATCH : left;

	if (!CATS_SCALED(p)) {
		/* Those that cannot share loads come last, one by one. */
		outputs = outputs < 3 || p->stride < 8 ? 1 : outputs - outputs % 3;
	}
	t->sum = buffer;
	t->end = t->channel + outputs;
	sums->channel = t->channel;
	sums->at = (int32_t (*)[CATS_MAX_BLOCK_ROWS])buffer;
	sums->last = (int32_t (*)[CATS_MAX_BLOCK_ROWS])(buffer + outputs);
#ifndef CATS_NO_FOUR_BITS
	if (CATS_SCALED(p)) {
		return cats_four_bits_1(sums, w);
	}
#endif
	if (outputs == 1) {
		sums->last = sums->at + 1;
		return cats_sum(p, sums, w);
	}
	return cats_row_sums(sums, w);
}

/* Not inlined: cats_row_int8() needs none of its registers and stack. */
static void __attribute__((__noinline__)) multiply_sums(const struct cats_product *p)
{
	int32_t buffer[BATCH + SPARE];
	struct cats_sums sums;
	struct target t;
	const int8_t *w = p->weights;

	cats_sums_begin(&sums, p, 1);
	t.channel = p->channels;
	t.out = p->out;
	while (t.channel != p->channels + p->outputs) {
		w = add_up(p, &sums, &t, buffer, w);
		CATS_BARRIER();
		t.out = finish(p, &t);
		t.channel = t.end;
		CATS_BARRIER();
	}
}

void cats_multiply_row(const struct cats_product *p)
{
	if (p->store == CATS_STORE_INT8 && p->shift > 32 && p->outputs >= 3 && p->stride >= 8 &&
	    !CATS_SCALED(p)) {
		cats_row_int8(p);
	} else {
		multiply_sums(p);
	}
}

#endif /* CATS_DSP && CATS_FAST_ROW */
