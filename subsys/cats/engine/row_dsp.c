/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "product_dsp.h"

#if CATS_DSP && CATS_FAST_ROW

_Static_assert(offsetof(struct cats_product, y) == 0 && offsetof(struct cats_product, out) == 16 &&
		       offsetof(struct cats_product, output_step) == 24 &&
		       offsetof(struct cats_product, stride) == 30 &&
		       offsetof(struct cats_product, outputs) == 32 &&
		       offsetof(struct cats_product, shift) == 34,
	       "row_dsp.S must say the same");

/* row_dsp.S */
const int8_t *cats_row_sums(struct cats_sums *sums, const int8_t *w);
void cats_row_int8(const struct cats_product *p);

/* So many outputs are summed before they are requantised. */
#define BATCH 24
/* cats_sum_1() and cats_four_bits_1() leave four words for each. */
#define WIDTH CATS_MAX_BLOCK_ROWS

/* Where results go, and what they are made of. */
struct target {
	const struct cats_image_channel *channel;
	const struct cats_image_channel *end;
	const int32_t *sum;
	uint32_t width; /* words from one sum to the next */
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
	const uint32_t width = t->width;
	const int32_t *sum = t->sum;
	int8_t *out = t->out;

	do {
		store8(out, cats_smmla(*sum, channel->multiplier, half) >> shift, table, kind);
		sum += width;
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
	const uint32_t width = t->width;
	const int32_t *sum = t->sum;
	int16_t *out = t->out;
	const int16_t *from = out;

	if (kind == CATS_STORE_EMBED) {
		from = (const int16_t *)p->table + (out - (int16_t *)p->out);
	}
	do {
		store16(out, cats_smmla(*sum, channel->multiplier, half) >> shift, *from, kind);
		sum += width;
		out += step;
		from += step;
		channel++;
	} while (channel != t->end);
	return out;
}

static void *finish(const struct cats_product *p, const struct target *t)
{
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
	default:
		return finish16(p, t, CATS_STORE_EMBED);
	}
}

/* The sums of the next outputs, those that share the loads of the row before those that do not. */
CATS_INLINE const int8_t *add_up(const struct cats_product *p, struct cats_sums *sums,
				 struct target *t, int32_t *buffer, const int8_t *w)
{
	const uint32_t left = (uint32_t)(p->channels + p->outputs - t->channel);
	uint32_t outputs = left > BATCH ? BATCH : left;

	sums->at = (int32_t (*)[WIDTH])buffer;
	t->sum = buffer;
	t->width = 1;
#ifndef CATS_NO_FOUR_BITS
	if (p->scales != NULL) {
		outputs = left > BATCH / 3 ? BATCH / 3 : left;
		t->width = WIDTH;
		t->end = t->channel + outputs;
		sums->last = sums->at + outputs;
		return cats_four_bits_1(sums, w);
	}
#endif
	if (outputs < 3 || p->stride < 8) {
		outputs = outputs > 2 ? 2 : outputs;
		t->width = WIDTH;
		t->end = t->channel + outputs;
		sums->last = sums->at + outputs;
		return cats_sum_1(sums, w);
	}
	outputs -= outputs % 3;
	t->end = t->channel + outputs;
	sums->channel = t->channel;
	sums->last = (int32_t (*)[WIDTH])(buffer + outputs);
	w = cats_row_sums(sums, w);
	sums->channel = t->end;
	return w;
}

void cats_multiply_row(const struct cats_product *p)
{
	int32_t buffer[BATCH / 3 * WIDTH];
	struct cats_sums sums;
	struct target t;
	const int8_t *w = p->weights;

	if (p->store == CATS_STORE_INT8 && p->outputs >= 3 && p->stride >= 8 && !CATS_SCALED(p)) {
		cats_row_int8(p);
		return;
	}
	sums.begin = p->y;
	sums.channel = p->channels;
	sums.rounds = p->y + p->stride / 32 * 32;
	sums.end = p->y + p->stride;
#ifndef CATS_NO_FOUR_BITS
	sums.scales = p->scales;
#endif
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

#endif /* CATS_DSP && CATS_FAST_ROW */
