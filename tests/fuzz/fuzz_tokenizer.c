/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Whatever tokens a model has and whatever a text is: encoding leaves neither the tables nor the
 * room for tokens, writes no other tokens than those of the tables, and where each byte has a token
 * decoding gives the text.
 *
 * The input is a script: flags, pieces (a length and bytes each), and behind them the text. Tables
 * are made of the pieces as python/cats/deploy/tokenizer_header.py makes them.
 *
 * clang -fsanitize=fuzzer makes a libFuzzer target of this file; with -DCATS_FUZZ_FILES it has a
 * main() instead that runs each file named.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cats/tokenizer.h>

#define BYTES 256
#define PIECES 40
#define LONGEST 7

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum flags {
	HAS_BYTES = 1,
	MERGES = 2,
	SPACED = 4,
	BEGINS = 8,
};

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

/* In memory of their exact size. */
struct tables {
	struct cats_tokenizer of;
	uint8_t *text;
	uint16_t *offset;
	uint16_t *sorted;
	uint16_t *rank;
};

static void *allocate(size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	CHECK(memory != NULL);
	return memory;
}

static int order(const struct tables *t, uint16_t a, uint16_t b)
{
	const size_t size_a = t->offset[a + 1] - t->offset[a];
	const size_t size_b = t->offset[b + 1] - t->offset[b];
	const int found = memcmp(t->text + t->offset[a], t->text + t->offset[b],
				 size_a < size_b ? size_a : size_b);

	return found != 0 ? found : (int)size_a - (int)size_b;
}

/* Into the tokens that are looked up, unless there is one of the same text. */
static void insert(struct tables *t, uint16_t token)
{
	uint16_t at = 0;

	while (at < t->of.known && order(t, t->sorted[at], token) < 0) {
		at++;
	}
	if (at < t->of.known && order(t, t->sorted[at], token) == 0) {
		return;
	}
	memmove(&t->sorted[at + 1], &t->sorted[at], (t->of.known - at) * sizeof(*t->sorted));
	t->sorted[at] = token;
	t->of.known++;
}

static void make(struct tables *t, struct script *script, uint8_t flags)
{
	const uint16_t pieces = 1 + next(script) % PIECES;
	const uint16_t bytes = flags & HAS_BYTES ? BYTES : 0;
	const uint16_t count = pieces + bytes;
	uint8_t text[PIECES * LONGEST + BYTES];
	uint16_t size = 0;

	memset(t, 0, sizeof(*t));
	t->offset = allocate((count + 1u) * sizeof(*t->offset));
	t->sorted = allocate((count + 1u) * sizeof(*t->sorted));
	t->rank = allocate(count * sizeof(*t->rank));
	for (uint16_t token = 0; token < count; token++) {
		uint8_t length = token < pieces ? next(script) % (LONGEST + 1) : 1;

		t->offset[token] = size;
		t->rank[token] = token < pieces ? next(script) % 8 : 0;
		for (uint8_t i = 0; i < length; i++) {
			text[size++] = token < pieces ? next(script) : (uint8_t)(token - pieces);
		}
	}
	t->offset[count] = size;
	t->text = allocate(size);
	memcpy(t->text, text, size);
	t->of.count = count;
	for (uint16_t token = 0; token < pieces; token++) {
		insert(t, token);
	}
	t->of.text = t->text;
	t->of.offset = t->offset;
	t->of.sorted = t->sorted;
	t->of.rank = flags & MERGES ? t->rank : NULL;
	t->of.begin = flags & BEGINS ? 0 : CATS_TOKENIZER_NONE;
	t->of.ends[0] = CATS_TOKENIZER_NONE;
	t->of.ends[1] = CATS_TOKENIZER_NONE;
	t->of.first_byte = bytes != 0 ? pieces : CATS_TOKENIZER_NONE;
	t->of.spaced = (flags & SPACED) != 0;
}

/* Decoding begins where the text does. */
static void check_text(const struct cats_tokenizer *of, const uint16_t *tokens, int count,
		       const char *text)
{
	uint16_t before = CATS_TOKENIZER_NONE;
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		const char *piece = NULL;
		const size_t size = cats_tokenizer_decode(of, before, tokens[i], &piece);

		/* What begins a text has none, though it may be found in one. */
		if (tokens[i] == of->begin && i > 0) {
			return;
		}
		CHECK(size == 0 ||
		      (strlen(text) - at >= size && memcmp(text + at, piece, size) == 0));
		at += size;
		before = tokens[i];
	}
	CHECK(text[at] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {data, size};
	uint8_t flags = next(&script);
	struct tables t;
	size_t room;
	uint16_t *tokens;
	char *text;
	int count;

	make(&t, &script, flags);
	text = allocate(script.size + 1);
	memcpy(text, script.data, script.size);
	text[script.size] = '\0';
	room = flags & 128 ? flags >> 4 & 7u : strlen(text) + 2;
	tokens = allocate(room * sizeof(*tokens));
	count = cats_tokenizer_encode(&t.of, text, tokens, room);
	CHECK(count >= 0 || count == -ENOSPC || count == -EINVAL);
	CHECK(count != -EINVAL || !(flags & HAS_BYTES));
	CHECK(count != -ENOSPC || flags & 128);
	for (int i = 0; i < count; i++) {
		CHECK((size_t)count <= room && tokens[i] < t.of.count);
	}
	if (count >= 0) {
		check_text(&t.of, tokens, count, text);
	}
	free(tokens);
	free(text);
	free(t.text);
	free(t.offset);
	free(t.sorted);
	free(t.rank);
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
