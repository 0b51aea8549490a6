/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Byte pair encoding as llama2.c's run.c has it: characters, then the best pair of neighbours
 * becomes one token until none is one. cats/tasks/tokenizers.py is the same in Python.
 */

#include <errno.h>
#include <string.h>

#include <cats/tokenizer.h>

/* Bytes. */
struct piece {
	const uint8_t *bytes;
	size_t size;
};

static struct piece piece_of(const struct cats_tokenizer *tokenizer, uint16_t token)
{
	const uint16_t begin = tokenizer->offset[token];

	return (struct piece){tokenizer->text + begin, tokenizer->offset[token + 1] - begin};
}

static bool is_byte(const struct cats_tokenizer *tokenizer, uint16_t token)
{
	return tokenizer->first_byte != CATS_TOKENIZER_NONE && token >= tokenizer->first_byte &&
	       token < tokenizer->first_byte + 256u;
}

/* Order of two: below, at or above 0. */
static int compare(struct piece text, struct piece piece)
{
	const size_t common = text.size < piece.size ? text.size : piece.size;
	const int order = memcmp(text.bytes, piece.bytes, common);

	return order != 0 ? order : (int)(text.size > piece.size) - (int)(text.size < piece.size);
}

/* The same of a text and two pieces, one behind the other. */
static int compare_pair(struct piece text, struct piece first, struct piece second)
{
	struct piece rest = {text.bytes + first.size, text.size - first.size};
	int order;

	if (text.size < first.size) {
		order = memcmp(text.bytes, first.bytes, text.size);
		return order != 0 ? order : -1;
	}
	order = memcmp(text.bytes, first.bytes, first.size);
	return order != 0 ? order : compare(rest, second);
}

/* The token whose text these two are together, or CATS_TOKENIZER_NONE. */
static uint16_t find(const struct cats_tokenizer *tokenizer, struct piece first,
		     struct piece second)
{
	uint16_t low = 0;
	uint16_t high = tokenizer->known;

	while (low < high) {
		const uint16_t middle = (uint16_t)((low + high) / 2u);
		const uint16_t token = tokenizer->sorted[middle];
		const int order = compare_pair(piece_of(tokenizer, token), first, second);

		if (order == 0) {
			return token;
		}
		if (order < 0) {
			low = middle + 1u;
		} else {
			high = middle;
		}
	}
	return CATS_TOKENIZER_NONE;
}

/* Bytes of the character that begins here, which ends before the zero byte. */
static size_t character_size(const uint8_t *text)
{
	size_t size = 1;

	if (text[0] >= 0xC0) {
		while (size < 4 && (text[size] & 0xC0) == 0x80) {
			size++;
		}
	}
	return size;
}

/* Tokens of characters, or of their bytes; how many, or an error. */
static int split(const struct cats_tokenizer *tokenizer, const uint8_t *text, uint16_t *tokens,
		 size_t room)
{
	const struct piece nothing = {text, 0};
	size_t count = 0;

	while (*text != 0) {
		const size_t size = character_size(text);
		const uint16_t known = find(tokenizer, (struct piece){text, size}, nothing);
		const size_t more = known != CATS_TOKENIZER_NONE ? 1 : size;

		if (known == CATS_TOKENIZER_NONE && tokenizer->first_byte == CATS_TOKENIZER_NONE) {
			return -EINVAL;
		}
		if (room - count < more) {
			return -ENOSPC;
		}
		for (size_t i = 0; i < more; i++) {
			tokens[count + i] = known != CATS_TOKENIZER_NONE
						    ? known
						    : (uint16_t)(tokenizer->first_byte + text[i]);
		}
		count += more;
		text += size;
	}
	return (int)count;
}

/* Merge the best pair of neighbours, of equals the first; whether there was one. */
static bool merge(const struct cats_tokenizer *tokenizer, uint16_t *tokens, size_t count)
{
	uint16_t best = CATS_TOKENIZER_NONE;
	size_t place = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		uint16_t merged = CATS_TOKENIZER_NONE;

		if (!is_byte(tokenizer, tokens[i]) && !is_byte(tokenizer, tokens[i + 1])) {
			merged = find(tokenizer, piece_of(tokenizer, tokens[i]),
				      piece_of(tokenizer, tokens[i + 1]));
		}
		if (merged != CATS_TOKENIZER_NONE &&
		    (best == CATS_TOKENIZER_NONE ||
		     tokenizer->rank[merged] > tokenizer->rank[best])) {
			best = merged;
			place = i;
		}
	}
	if (best == CATS_TOKENIZER_NONE) {
		return false;
	}
	tokens[place] = best;
	memmove(&tokens[place + 1], &tokens[place + 2], (count - place - 2) * sizeof(*tokens));
	return true;
}

int cats_tokenizer_encode(const struct cats_tokenizer *tokenizer, const char *text,
			  uint16_t *tokens, size_t room)
{
	size_t begun = 0;
	size_t count;
	int ret;

	if (tokenizer->begin != CATS_TOKENIZER_NONE) {
		if (room == 0) {
			return -ENOSPC;
		}
		tokens[begun++] = tokenizer->begin;
	}
	count = begun;
	if (tokenizer->spaced && text[0] != '\0') {
		ret = split(tokenizer, (const uint8_t *)" ", tokens + count, room - count);
		if (ret < 0) {
			return ret;
		}
		count += (size_t)ret;
	}
	ret = split(tokenizer, (const uint8_t *)text, tokens + count, room - count);
	if (ret < 0) {
		return ret;
	}
	count += (size_t)ret;
	while (tokenizer->rank != NULL && merge(tokenizer, tokens + begun, count - begun)) {
		count--;
	}
	return (int)count;
}

size_t cats_tokenizer_decode(const struct cats_tokenizer *tokenizer, uint16_t before,
			     uint16_t token, const char **text)
{
	const bool first = before == CATS_TOKENIZER_NONE || before == tokenizer->begin;
	struct piece piece;

	if (token >= tokenizer->count || token == tokenizer->begin) {
		return 0;
	}
	piece = piece_of(tokenizer, token);
	if (first && tokenizer->spaced && piece.size > 0 && piece.bytes[0] == ' ') {
		piece.bytes++;
		piece.size--;
	}
	*text = (const char *)piece.bytes;
	return piece.size;
}
