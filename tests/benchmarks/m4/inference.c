/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Whole inferences of one node by the real engine, with what the other nodes sent on tape:
 *
 *	u32 inferences, of a stream its steps; of each: int8 input [tokens_in][own_inputs]; for each
 *	exchange in order, for each other node, for each of its fragments: u8 1 and the payload,
 *	or u8 0 where it was lost
 *
 * Counted by kind of gather: producing and consuming; and what sending takes from it, finding each
 * fragment. Checked by the CRC over all payloads that the node would send, and over the output.
 */

#include <string.h>

#include <cats/engine.h>

#include "bench.h"
#include "crc32.h"

#define ARENA_SIZE (512 * 1024)
#define STACK_SIZE 8192
#define PAINT 0x5ca1ab1eu

enum step {
	PRODUCE,
	CONSUME,
	FRAGMENT,
	STEPS,
};

#define KINDS (CATS_GATHER_RESULT + 1)

static uint64_t arena[ARENA_SIZE / 8];
static uint8_t sent[ARENA_SIZE];
static uint32_t taken[KINDS][STEPS]; /* ticks */
static uint32_t calls[KINDS][STEPS];

static struct cats_image image;
static struct cats_engine engine;
static struct cats_availability available;
static uint32_t stack_used;

/*
 * Each call with the stack below it painted. Painting costs much more than most calls: it is done
 * in the first inference only, and the ticks of the last are what is reported.
 */
static bool watch_stack;

/* The stack below the caller's frame, as far as STACK_SIZE. */
static volatile uint32_t *below(void)
{
	return (volatile uint32_t *)__builtin_frame_address(0) - STACK_SIZE / 4;
}

/* From the lowest word up to what these two functions need themselves. */
#define PAINTED (STACK_SIZE / 4 - 16)

static void __attribute__((__noinline__)) paint(void)
{
	volatile uint32_t *const area = below();

	for (size_t i = 0; i < PAINTED; i++) {
		area[i] = PAINT;
	}
}

static uint32_t __attribute__((__noinline__)) bytes_used(void)
{
	volatile uint32_t *const area = below();
	size_t i = 0;

	while (i < PAINTED && area[i] == PAINT) {
		i++;
	}
	return STACK_SIZE - 4 * i;
}

/* Of FRAGMENT: where it stands, and in size its bytes. */
static const uint8_t *step(enum step step, struct cats_exchange x, uint16_t fragment,
			   uint16_t *size)
{
	const uint8_t kind = image.gathers[x.gather].kind;
	const uint8_t *place = NULL;
	uint32_t begin;

	if (watch_stack) {
		paint();
	}
	begin = ticks_now();
	switch (step) {
	case PRODUCE:
		cats_engine_produce(&engine, x);
		break;
	case CONSUME:
		cats_engine_consume(&engine, x, &available);
		break;
	default:
		place = cats_engine_fragment(&engine, x, fragment, size);
		break;
	}
	taken[kind][step] += (ticks_now() - begin) & 0xffffff;
	calls[kind][step]++;
	if (watch_stack) {
		const uint32_t used = bytes_used();

		stack_used = used > stack_used ? used : stack_used;
	}
	return place;
}

/* What the other nodes sent in one exchange. */
static const uint8_t *receive(const uint8_t *tape, struct cats_exchange x)
{
	memset(&available, 0, sizeof(available));
	for (uint8_t source = 0; source < image.header->nodes; source++) {
		const uint16_t fragments =
			source == image.header->node ? 0 : cats_fragment_count(&image, x, source);

		for (uint16_t f = 0; f < fragments; f++) {
			const uint16_t size = cats_fragment_size(&image, x, source, f);

			if (*tape++ != 0) {
				memcpy(engine.arena + cats_fragment_place(&image, x, source, f),
				       tape, size);
				tape += size;
				available.bits[source][f / 8] |= (uint8_t)(1 << f % 8);
			}
		}
	}
	return tape;
}

static const uint8_t *run(const uint8_t *tape, uint32_t number, uint32_t *crc)
{
	struct cats_exchange x = {0};
	uint32_t size = 0;

	memset(taken, 0, sizeof(taken));
	memset(calls, 0, sizeof(calls));
	cats_engine_seek(&engine, number * image.model->tokens, number > 0);
	cats_engine_begin(&engine, (const int8_t *)tape);
	if ((image.model->flags & CATS_FLAG_ROWS) != 0) {
		uint32_t token;

		memcpy(&token, tape, sizeof(token));
		x.owner = cats_row_owner(&image, token);
	}
	tape += (uint32_t)image.model->tokens_in * image.model->own_inputs;
	do {
		const uint16_t fragments = cats_fragment_count(&image, x, image.header->node);

		step(PRODUCE, x, 0, NULL);
		for (uint16_t f = 0; f < fragments; f++) {
			uint16_t length;
			const uint8_t *payload = step(FRAGMENT, x, f, &length);

			memcpy(sent + size, payload, length);
			size += length;
		}
		tape = receive(tape, x);
		step(CONSUME, x, 0, NULL);
	} while (cats_exchange_next(&image, &x));
	*crc = cats_crc32(sent, size);
	return tape;
}

void bench_inference(void)
{
	static const char *const kinds[KINDS] = {"input",  "attention", "heads", "forward",
						 "hidden", "output",    "result"};
	static const char *const steps[STEPS] = {"/produce", "/consume", "/fragment"};
	const uint8_t *tape = (const uint8_t *)TAPE_ADDRESS + 4;
	const uint32_t runs = *(const uint32_t *)TAPE_ADDRESS;
	uint32_t begin;
	int error;

	ticks_begin();
	begin = ticks_now();
	error = cats_image_verify((const void *)IMAGE_ADDRESS, TAPE_ADDRESS - IMAGE_ADDRESS,
				  &image);
	report("verify", instructions_of((ticks_now() - begin) & 0xffffff), 1, (uint32_t)error);
	if (error != 0 || cats_engine_init(&engine, &image, arena, sizeof(arena)) != 0) {
		stop(4);
	}
	for (uint32_t i = 0; i < runs; i++) {
		const size_t columns = image.model->outputs;
		uint32_t crc;

		watch_stack = i == 0 && runs > 1;
		tape = run(tape, i, &crc);
		report("sent", 0, i, crc);
		report("output", 0, i,
		       cats_crc32((const uint8_t *)cats_engine_output(&engine),
				  cats_output_rows(&image) * columns * sizeof(int16_t)));
	}
	for (uint32_t k = 0; k < KINDS; k++) {
		for (uint32_t s = 0; s < STEPS; s++) {
			if (calls[k][s] != 0) {
				print(s < FRAGMENT ? "step/" : "send/");
				print(kinds[k]);
				report(steps[s], instructions_of(taken[k][s]), calls[k][s], 0);
			}
		}
	}
	report("stack", stack_used, 1, 0);
}
