/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What a node has of an exchange, and how coded frames complete it: doc/protocol.rst, "Repair". */

#include <string.h>

#include <cats/gather.h>

static void set(struct cats_reception *r, uint8_t source, uint16_t fragment)
{
	r->available.bits[source][fragment / 8] |= (uint8_t)(1 << (fragment % 8));
}

/* Held frame that stands in the place of a fragment, or -1. */
static int held_in(const struct cats_reception *r, uint8_t source, uint16_t fragment)
{
	for (uint32_t i = 0; i < r->held_count; i++) {
		if (r->held[i].source == source && r->held[i].fragment == fragment) {
			return i;
		}
	}
	return -1;
}

void cats_reception_begin(const struct cats_image *image, struct cats_reception *r,
			  struct cats_exchange x)
{
	r->x = x;
	r->final = false;
	r->lacking = 0;
	r->held_count = 0;
	for (uint32_t s = 0; s < image->header->nodes; s++) {
		uint16_t fragments = cats_fragment_count(image, x, s);

		memset(r->available.bits[s], 0, (fragments + 7u) / 8);
		r->lack[s] = s != image->header->node ? (uint8_t)fragments : 0;
		r->lacking += r->lack[s];
	}
}

bool cats_reception_data(const struct cats_image *image, struct cats_reception *r, uint8_t *arena,
			 const struct cats_frame *frame)
{
	int held;

	if (r->final || cats_has(&r->available, frame->source, frame->index)) {
		return false;
	}
	memcpy(arena + cats_fragment_place(image, r->x, frame->source, frame->index),
	       frame->payload, frame->length);
	set(r, frame->source, frame->index);
	held = held_in(r, frame->source, frame->index);
	if (held >= 0) {
		r->held[held] = r->held[--r->held_count];
	} else {
		r->lack[frame->source]--;
		r->lacking--;
	}
	return true;
}

static uint8_t coded_index(const struct cats_frame *frame, uint16_t fragments)
{
	if (frame->type == CATS_FRAME_CODED) {
		return frame->index;
	}
	return (uint8_t)(CATS_CODED_AHEAD + frame->index - fragments);
}

bool cats_reception_coded(const struct cats_image *image, struct cats_reception *r, uint8_t *arena,
			  const struct cats_frame *frame)
{
	uint16_t fragments = cats_fragment_count(image, r->x, frame->source);
	uint16_t fragment = 0;

	uint8_t index = coded_index(frame, fragments);

	if (r->final || r->held_count == CATS_MAX_HELD) {
		return false;
	}
	for (uint32_t i = 0; i < r->held_count; i++) {
		if (r->held[i].source == frame->source && r->held[i].index == index) {
			return false;
		}
	}
	while (fragment < fragments && (cats_has(&r->available, frame->source, fragment) ||
					held_in(r, frame->source, fragment) >= 0)) {
		fragment++;
	}
	if (fragment == fragments) {
		return false;
	}
	memcpy(arena + cats_fragment_place(image, r->x, frame->source, fragment), frame->payload,
	       cats_fragment_size(image, r->x, frame->source, fragment));
	r->held[r->held_count++] = (struct cats_held){
		.source = frame->source,
		.fragment = (uint8_t)fragment,
		.index = index,
	};
	r->lack[frame->source]--;
	r->lacking--;
	return true;
}

uint16_t cats_reception_finish(struct cats_reception *r, uint16_t *repaired)
{
	uint16_t lost = r->lacking;
	uint8_t i = 0;

	/* As many equations as unknowns, or none that helps. */
	while (i < r->held_count) {
		const struct cats_held *held = &r->held[i];

		if (r->lack[held->source] == 0) {
			set(r, held->source, held->fragment);
			i++;
		} else {
			r->lack[held->source]++;
			lost++;
			r->held[i] = r->held[--r->held_count];
		}
	}
	r->final = true;
	*repaired = r->held_count;
	return lost;
}

static uint8_t divide(uint8_t a, uint8_t b)
{
	return cats_gf_multiply(a, cats_gf_invert(b));
}

/* Take the fragments that arrived out of the n held frames of one source, bytes [low, high). */
static void reduce(const struct cats_image *image, const struct cats_reception *r, uint8_t *arena,
		   const struct cats_held *held, uint8_t n, uint16_t low, uint16_t high)
{
	uint8_t source = held[0].source;
	uint16_t fragments = cats_fragment_count(image, r->x, source);

	for (uint32_t f = 0; f < fragments; f++) {
		uint16_t size = cats_fragment_size(image, r->x, source, f);
		const uint8_t *known = arena + cats_fragment_place(image, r->x, source, f) + low;

		if (!cats_has(&r->available, source, f) || size <= low ||
		    held_in(r, source, f) >= 0) {
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			uint32_t row = cats_fragment_place(image, r->x, source, held[i].fragment);

			cats_gf_add(arena + row + low, known,
				    cats_coefficient(held[i].index, (uint8_t)f),
				    (size < high ? size : high) - low);
		}
	}
}

/*
 * Solve n held frames of one source for the n fragments in whose places they stand, bytes
 * [low, high): Gauss-Jordan elimination. Row i of the matrix is 1 / (x[i] + y[j]), and each step
 * leaves it in the form g[i] * b[j] / (u[i] + y[j]), where u[i] is x[i] below the pivot and y[i]
 * above; so three vectors stand for the matrix, and no pivot is ever zero.
 */
static void eliminate(const struct cats_image *image, const struct cats_reception *r,
		      uint8_t *arena, const struct cats_held *held, uint8_t n, uint16_t low,
		      uint16_t high)
{
	uint8_t u[CATS_MAX_HELD];
	uint8_t g[CATS_MAX_HELD];
	uint8_t b[CATS_MAX_HELD];
	uint16_t length = high - low;

	for (uint32_t i = 0; i < n; i++) {
		u[i] = 0x80 + held[i].index;
		g[i] = 1;
		b[i] = 1;
	}
	for (uint32_t k = 0; k < n; k++) {
		uint8_t x = u[k];
		uint8_t y = held[k].fragment;
		uint8_t *pivot = arena + low + cats_fragment_place(image, r->x, held[k].source, y);

		cats_gf_scale(pivot, divide(x ^ y, cats_gf_multiply(g[k], b[k])), length);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t row =
				cats_fragment_place(image, r->x, held[i].source, held[i].fragment);

			if (i == k) {
				continue;
			}
			cats_gf_add(arena + row + low, pivot,
				    divide(cats_gf_multiply(g[i], b[k]), u[i] ^ y), length);
			g[i] = divide(cats_gf_multiply(g[i], u[i] ^ x), u[i] ^ y);
		}
		for (uint32_t j = k + 1; j < n; j++) {
			uint8_t other = held[j].fragment;

			b[j] = divide(cats_gf_multiply(b[j], other ^ y), x ^ other);
		}
		g[k] = divide(x ^ y, b[k]);
		u[k] = y;
	}
}

void cats_reception_solve(const struct cats_image *image, const struct cats_reception *r,
			  uint8_t *arena)
{
	for (uint32_t s = 0; s < image->header->nodes; s++) {
		uint16_t low = 0;

		/* Fragments differ in size: a byte position has as many unknowns as there are
		 * missing fragments that reach it, and as many equations stand in their places.
		 */
		for (;;) {
			struct cats_held held[CATS_MAX_HELD];
			uint16_t high = UINT16_MAX;
			uint8_t n = 0;

			for (uint32_t i = 0; i < r->held_count; i++) {
				uint16_t size = 0;

				if (r->held[i].source == s) {
					size = cats_fragment_size(image, r->x, s,
								  r->held[i].fragment);
				}
				if (size > low) {
					held[n++] = r->held[i];
					high = size < high ? size : high;
				}
			}
			if (n == 0) {
				break;
			}
			reduce(image, r, arena, held, n, low, high);
			eliminate(image, r, arena, held, n, low, high);
			low = high;
		}
	}
}

uint16_t cats_coded_size(const struct cats_image *image, struct cats_exchange x, uint8_t source)
{
	/* The first fragment: first segment, first rows; none is longer. */
	return cats_fragment_size(image, x, source, 0);
}

uint16_t cats_code_own(const struct cats_engine *engine, struct cats_exchange x, uint8_t index,
		       uint8_t *payload)
{
	const struct cats_image *image = engine->image;
	uint8_t node = image->header->node;
	uint16_t fragments = cats_fragment_count(image, x, node);
	uint16_t size = cats_coded_size(image, x, node);

	memset(payload, 0, size);
	for (uint16_t f = 0; f < fragments; f++) {
		uint16_t length;
		const uint8_t *part = cats_engine_fragment(engine, x, f, &length);

		cats_gf_add(payload, part, cats_coefficient(index, (uint8_t)f), length);
	}
	return size;
}
