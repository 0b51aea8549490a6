/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Whatever a node hears, and whenever: no access leaves its image, its arena or itself, its calls
 * keep their promises, and once the air is silent it ends its inference.
 *
 * The input is a script, a byte of what to do and its arguments: frames of any bytes, frames with a
 * right check and nearly right fields, time that passes, inputs, texts, jobs that begin and end.
 * Images are those of tests/vectors, and of images/ such of streams and of texts, with tokens' rows
 * as well (run it from the top of the tree), with repair rounds.
 *
 * clang -fsanitize=fuzzer makes a libFuzzer target of this file; with -DCATS_FUZZ_FILES it has a
 * main() instead that runs each file named.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cats/node.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static const char *const files[] = {
	"tests/vectors/four_even/node_00.bin",
	"tests/vectors/four_even/node_02.bin",
	"tests/vectors/three_segments/node_01.bin",
	"tests/vectors/four_held/node_03.bin",
	"tests/vectors/one_node/node_00.bin",
	"tests/vectors/two_class/node_01.bin",
	"tests/fuzz/images/text_0.bin",
	"tests/fuzz/images/text_2.bin",
	"tests/fuzz/images/headless_4.bin",
	"tests/fuzz/images/stream_1.bin",
	"tests/fuzz/images/rows_0.bin",
	"tests/fuzz/images/rows_2.bin",
	"tests/fuzz/images/tied_0.bin",
	"tests/fuzz/images/tied_2.bin",
	"tests/fuzz/images/replicated_1.bin",
};

#define PROMPT 3 /* tokens */

struct script {
	const uint8_t *data;
	size_t size;
};

static uint8_t next(struct script *script)
{
	if (script->size == 0) {
		return 0;
	}
	script->size--;
	return *script->data++;
}

static uint16_t next16(struct script *script)
{
	uint8_t low = next(script);

	return (uint16_t)(low | next(script) << 8);
}

/* A verified image with that many repair rounds, in memory of its exact size. */
static void *load(const char *name, uint8_t rounds, struct cats_image *image)
{
	FILE *file = fopen(name, "rb");
	long size;
	uint8_t *data;

	if (file == NULL) {
		perror(name);
		exit(1);
	}
	CHECK(fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0);
	rewind(file);
	data = malloc((size_t)size);
	CHECK(data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size);
	fclose(file);
	CHECK(cats_image_verify(data, (size_t)size, image) == CATS_IMAGE_OK);
	for (uint16_t g = 0; g < image->header->gathers; g++) {
		struct cats_image_gather *gather =
			(struct cats_image_gather *)(data + image->header->gather_table) + g;

		gather->rounds = rounds;
	}
	return data;
}

struct bench {
	struct cats_image image;
	struct cats_node node;
	struct cats_job job;
	struct cats_todo todo;
	uint16_t key;
	bool computing;
	uint8_t sending; /* frames that were handed out */
	uint32_t now_us;
	uint32_t finals; /* exchanges of the inference that runs whose availability was told */
	int8_t *input;
	uint16_t prompt[PROMPT];
	bool quiet; /* takes part in no text any more */
};

static bool is_text(const struct bench *bench)
{
	return (bench->image.model->flags & CATS_FLAG_LLAMA) != 0;
}

/* Exchanges but those of a replicated residual in which nobody sends anything. */
static uint32_t exchanges_told(const struct cats_image *image)
{
	const struct cats_image_llama *llama =
		(const void *)(image->base + image->gathers[0].table);
	const bool all = (image->model->flags & CATS_FLAG_LLAMA) == 0 ||
			 (llama->flags & CATS_LLAMA_REPLICATED) == 0;
	struct cats_exchange x = {.gather = 0};
	uint32_t told = 0;

	do {
		bool sent = all || x.gather == 0;

		for (uint8_t s = 0; s < image->header->nodes; s++) {
			sent |= cats_fragment_count(image, x, s) != 0;
		}
		told += sent;
	} while (cats_exchange_next(image, &x));
	return told;
}

static void available(void *user, uint16_t inference, struct cats_exchange x,
		      const struct cats_availability *a)
{
	struct bench *bench = user;

	(void)inference;
	(void)a;
	if (x.gather == 0 && x.tile == 0) {
		bench->finals = 0;
	}
	bench->finals++;
}

static void begin_job(struct bench *bench)
{
	int error = cats_node_compute_begin(&bench->node, &bench->job, bench->now_us);

	CHECK(error == 0 || bench->computing || !bench->todo.compute);
	bench->computing = bench->computing || error == 0;
}

static void end_job(struct bench *bench)
{
	if (bench->computing) {
		cats_job_run(&bench->job);
		CHECK(cats_node_compute_end(&bench->node, &bench->job, bench->now_us) == 0);
		bench->computing = false;
	}
}

static void poll_node(struct bench *bench)
{
	struct cats_todo *todo = &bench->todo;
	struct cats_listen listen;

	cats_node_poll(&bench->node, bench->now_us, todo);
	cats_node_listen(&bench->node, bench->now_us, 35, &listen);
	if (todo->what == CATS_TODO_SEND) {
		struct cats_frame frame;
		uint8_t *copy = malloc(todo->length);

		CHECK(copy != NULL && bench->sending < 2);
		memcpy(copy, todo->frame, todo->length);
		/* What it sends, another node takes; but for the sender's number, which is its own.
		 */
		CHECK(cats_frame_parse(&bench->image, bench->key, copy, todo->length, &frame) ==
		      -1 - CATS_REJECT_SOURCE);
		free(copy);
		bench->sending++;
	} else if (todo->what == CATS_TODO_SENSE) {
		if ((todo->at & 3) != 0) { /* else its driver is too late */
			cats_node_sensed(&bench->node, (todo->at & 1) != 0);
		}
	} else if (todo->what == CATS_TODO_DONE) {
		const struct cats_result *result = &todo->result;
		volatile int16_t seen;

		CHECK(result->lost <= result->fragments);
		CHECK(result->replayed ? bench->finals < exchanges_told(&bench->image)
				       : bench->finals == exchanges_told(&bench->image));
		for (uint32_t i = 0; i < (uint32_t)result->rows * result->columns; i++) {
			seen = result->output[i];
		}
		(void)seen;
		CHECK(!result->has_token || result->token.token < bench->image.model->inputs);
		if (is_text(bench) && !bench->quiet) {
			(void)cats_node_next(&bench->node, bench->now_us);
		}
	}
}

static void sent(struct bench *bench, bool ok, int16_t off_us)
{
	int error = cats_node_sent(&bench->node, ok, bench->now_us + (uint32_t)off_us);

	CHECK((error == 0) == (bench->sending != 0));
	bench->sending -= error == 0;
}

static void hear(struct bench *bench, const uint8_t *data, size_t length, uint32_t age_us)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);

	CHECK(copy != NULL);
	memcpy(copy, data, length);
	(void)cats_node_receive(&bench->node, copy, length, bench->now_us - age_us, bench->now_us);
	free(copy);
}

static uint8_t *put(uint8_t *to, uint32_t value, uint32_t bytes)
{
	for (; bytes != 0; bytes--, value >>= 8) {
		*to++ = (uint8_t)value;
	}
	return to;
}

/* What a SYNC or an ASK tells of a text: near what the node knows of it. */
static void put_text(const struct bench *bench, struct script *script, uint8_t *to)
{
	const struct cats_text *text = &bench->node.texts.text;
	uint8_t what = next(script);

	to = put(to, next(script) % (bench->image.model->inputs + 1u), 2);
	to = put(to, what & 1 ? UINT16_MAX : next(script) % 4, 2);
	to = put(to, text->position + (what >> 1 & 3) - (what & 128 ? 4u : 1u), 4);
	to = put(to, text->text + (what >> 3 & 1u), 2);
	to = put(to, what, 4);                /* seed */
	to = put(to, next(script) * 257u, 2); /* temperature */
	to = put(to, what >> 4 & 3u, 1);      /* top_k */
	(void)put(to, what >> 5 & 7u, 1);     /* flags, of which one is of rows of before */
}

/* Candidates of a RESULT, or nearly: columns that the model may have, and results. */
static void put_candidates(const struct bench *bench, struct script *script, uint8_t *to,
			   uint32_t size)
{
	for (; size >= 4; size -= 4) {
		to = put(to, next(script) % (bench->image.model->outputs + 1u), 2);
		to = put(to, next16(script), 2);
	}
}

/* A frame that may well be right. */
static void hear_likely(struct bench *bench, struct script *script)
{
	const struct cats_image *image = &bench->image;
	const struct cats_node *node = &bench->node;
	uint8_t nodes = image->header->nodes;
	uint8_t what = next(script);
	uint8_t where = next(script);
	uint8_t source;
	uint8_t buffer[CATS_FRAME_HEADER + CATS_FRAME_MAX];
	struct cats_frame frame = {
		.type = what % (cats_node_period(node) != 0 ? 6 : 5),
		.source = (what >> 4) % (nodes > 1 ? nodes : 2),
		.round = where >> 6,
		.inference = node->number,
		.x = node->reception[node->air].x,
		.index = next(script),
		.slot = next(script),
	};

	if (where & 1) {
		frame.inference += next(script) % 4;
	}
	if (where & 2) {
		frame.x.gather = next(script) % image->header->gathers;
		frame.x.tile = next(script) % 4;
	} else if (where & 4) {
		cats_exchange_next(image, &frame.x);
	}
	if (frame.x.tile * image->gathers[frame.x.gather].tile_rows >=
	    image->gathers[frame.x.gather].rows) {
		frame.x.tile = 0;
	}
	if (frame.x.gather != 0) {
		frame.x.owner = 0;
	} else if (where & 2) {
		frame.x.owner = (where >> 3) % nodes;
	}
	source = frame.source < nodes ? frame.source : 0;
	switch (frame.type) {
	case CATS_FRAME_DATA:
		frame.round = 0;
		frame.slot = (uint8_t)((frame.slot & (CATS_DULL | CATS_EFFORT)) |
				       (frame.slot & 15) % nodes);
		frame.length = cats_fragment_size(image, frame.x, source, frame.index);
		break;
	case CATS_FRAME_NEED:
		frame.index = (uint8_t)((frame.index & (CATS_NEEDED | CATS_EFFORT)) |
					(frame.index & 15) % nodes);
		frame.slot %= cats_need_slots(image);
		break;
	case CATS_FRAME_CODED:
		frame.index = (uint8_t)((frame.index & CATS_EFFORT) | (frame.index & 15) % nodes);
		frame.length = cats_coded_size(image, frame.x);
		break;
	case CATS_FRAME_SYNC:
		frame.round = 0;
		frame.index &= CATS_DULL | CATS_EFFORT;
		frame.slot %= 3;
		break;
	case CATS_FRAME_ASK:
		frame.round = 0;
		frame.x = (struct cats_exchange){.gather = 0};
		frame.index %= 2;
		frame.slot = 0;
		break;
	case CATS_FRAME_BEACON:
		frame.round = 0;
		frame.x = (struct cats_exchange){.gather = 0};
		frame.index %= 4;
		frame.slot %= CATS_ANSWERS + 1;
		frame.length = CATS_BEACON_SIZE;
		break;
	default:
		break;
	}
	if (is_text(bench) && frame.type == CATS_FRAME_DATA && frame.x.gather != 0) {
		frame.lack = next(script);
	}
	if (where & 8) {
		frame.length += next(script) % 3;
	}
	if (frame.length > CATS_FRAME_MAX) {
		frame.length = CATS_FRAME_MAX;
	}
	memset(buffer, next(script), sizeof(buffer));
	if (frame.type == CATS_FRAME_CODED) { /* what it combines */
		for (uint32_t i = 0; i < 4; i++) {
			buffer[CATS_FRAME_HEADER + i] = next(script);
		}
	}
	if (is_text(bench) && (frame.type == CATS_FRAME_SYNC || frame.type == CATS_FRAME_ASK) &&
	    (where & 16) != 0) {
		frame.length = CATS_TEXT_SIZE;
		put_text(bench, script, buffer + CATS_FRAME_HEADER);
	}
	if (is_text(bench) && frame.type == CATS_FRAME_DATA &&
	    frame.x.gather + 1u == image->header->gathers) {
		put_candidates(bench, script, buffer + CATS_FRAME_HEADER, frame.length);
	}
	if (frame.type == CATS_FRAME_BEACON) {
		const struct cats_beacon beacon = {
			.next_us = (uint32_t)next(script) << 22 | 0xfffff,
			.period_us = (uint32_t)next(script) << 20 | 0xffff,
			.meeting = node->sleep.meeting + next(script) % 4 - 2,
		};

		cats_beacon_pack(&beacon, buffer + CATS_FRAME_HEADER);
	}
	hear(bench, buffer, cats_frame_seal(bench->key, &frame, buffer), next(script) * 16u);
}

/* What an application does with a stream: an input, a window or a text that begins or ends. */
static void apply(struct bench *bench, struct script *script, uint8_t what)
{
	struct cats_node *node = &bench->node;
	const struct cats_generation generation = {
		.prompt = bench->prompt,
		.count = what >> 4 & 3,
		.tokens = what & 64 ? next(script) % 4 : UINT16_MAX,
		.goes_on = what >> 7,
		.how = {.seed = what, .temperature = what & 64 ? next16(script) : 0, .top_k = 2},
	};

	switch (next(script) % 5) {
	case 0:
		if (!cats_node_runs(node) && !node->pending) {
			(void)put((uint8_t *)bench->input, next(script), 4);
		}
		(void)cats_node_submit(node, what & 16 ? bench->input : NULL, bench->now_us);
		break;
	case 1:
		(void)cats_node_rewind(node);
		break;
	case 2:
		/* The prompt is the node's until it has been read, or the text is stopped. */
		if (node->texts.prompt.count == 0) {
			for (uint32_t i = 0; i < PROMPT; i++) {
				bench->prompt[i] = next(script) % (bench->image.model->inputs + 1u);
			}
		}
		if (cats_node_generate(node, &generation) == 0) {
			(void)cats_node_next(node, bench->now_us);
		}
		break;
	case 3:
		if (cats_node_replay(node) == 0) {
			(void)cats_node_next(node, bench->now_us);
		}
		break;
	default:
		(void)cats_node_generate_stop(node);
		break;
	}
	CHECK(!is_text(bench) || cats_context_rows(&bench->image) != 0);
}

static void step(struct bench *bench, struct script *script)
{
	uint8_t raw[300];
	size_t length;
	uint8_t what = next(script);

	switch (what % 10) {
	case 0:
	case 1:
	case 2:
		hear_likely(bench, script);
		break;
	case 3:
		length = next16(script) % sizeof(raw);
		for (size_t i = 0; i < length; i++) {
			raw[i] = next(script);
		}
		hear(bench, raw, length, next(script));
		break;
	case 4:
		bench->now_us += next(script) * 64u;
		break;
	case 5:
		/* To the time that it asked for. */
		if (!bench->todo.forever && bench->todo.what == CATS_TODO_WAIT) {
			bench->now_us = bench->todo.at;
		}
		break;
	case 6:
		if (cats_context_rows(&bench->image) != 0) {
			apply(bench, script, what);
			break;
		}
		(void)cats_node_submit(&bench->node, what & 16 ? bench->input : NULL,
				       bench->now_us);
		break;
	case 7:
		begin_job(bench);
		if (what & 16) {
			end_job(bench);
		}
		break;
	case 8:
		end_job(bench);
		break;
	default:
		if (what & 16) {
			(void)cats_node_withdraw(&bench->node);
		}
		if (what & 64) {
			cats_node_sensed(&bench->node, (what & 128) != 0);
		}
		sent(bench, what & 32, (int16_t)(next(script) - 128));
		break;
	}
	poll_node(bench);
}

/* Nobody is heard any more: it comes to its end, in a number of steps that has a bound. */
static void settle(struct bench *bench)
{
	uint32_t exchanges = cats_exchange_count(&bench->image);
	uint32_t bound = 100 + exchanges * (64 + 16 * CATS_MAX_FRAGMENTS);

	bench->quiet = true;
	(void)cats_node_withdraw(&bench->node);
	while (cats_node_runs(&bench->node) || bench->computing) {
		CHECK(bound-- > 0);
		end_job(bench);
		while (bench->sending != 0) {
			sent(bench, true, 0);
		}
		poll_node(bench);
		if (bench->todo.compute && !bench->computing) {
			begin_job(bench);
		} else if (bench->todo.what == CATS_TODO_WAIT && cats_node_runs(&bench->node)) {
			CHECK(!bench->todo.forever || bench->computing);
			if (!bench->todo.forever) {
				bench->now_us = bench->todo.at;
			}
		}
	}
}

/* And whatever text was being told, behind a silence another one may begin. */
static void begin_text(struct bench *bench)
{
	const uint16_t prompt = 0;
	const struct cats_generation generation = {.prompt = &prompt, .count = 1, .tokens = 1};

	(void)cats_node_generate_stop(&bench->node);
	bench->now_us = bench->node.heard_us + bench->node.config.timeout_us;
	poll_node(bench);
	CHECK(cats_node_generate(&bench->node, &generation) == (is_text(bench) ? 0 : -ENOTSUP));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {data, size};
	uint8_t first = next(&script);
	struct bench *bench = calloc(1, sizeof(*bench));
	struct cats_node_config config = {0};
	void *memory;

	CHECK(bench != NULL);
	memory = load(files[first % (sizeof(files) / sizeof(*files))], first >> 6, &bench->image);
	bench->now_us = (uint32_t)next(&script) << 24 | 0xfffff0;
	bench->input =
		calloc(bench->image.model->tokens_in + 4u, bench->image.model->own_inputs + 1u);
	config.image = &bench->image;
	config.arena_size = bench->image.header->arena_size;
	config.arena = malloc(config.arena_size);
	config.lead_us = first & 32 ? 200 : 0;
	if ((first & 24) == 24) {
		config.period_us = 1000000;
		config.clock_ppm = 50;
		config.jitter_us = 61;
	}
	config.available = available;
	config.user = bench;
	bench->key = cats_frame_key(&bench->image, config.group);
	CHECK(config.arena != NULL && bench->input != NULL);
	memset(config.arena, 0xa5, config.arena_size);
	CHECK(cats_node_init(&bench->node, &config, bench->now_us) == 0);
	poll_node(bench);
	while (script.size > 0) {
		step(bench, &script);
	}
	settle(bench);
	begin_text(bench);
	free(config.arena);
	free(bench->input);
	free(bench);
	free(memory);
	return 0;
}

#ifdef CATS_FUZZ_FILES
#include "fuzz_files.h"

int main(int argc, char **argv)
{
	if (!run_files(argc - 1, argv + 1)) {
		return 1;
	}
	printf("%d run\n", argc - 1);
	return 0;
}
#endif
