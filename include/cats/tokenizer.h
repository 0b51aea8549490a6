/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_tokenizer Tokenizer
 * @ingroup cats
 * @brief Text to the tokens of a language model, and back.
 *
 * @code
 *	#include <cats_tokenizer.h> // of `cats export`: cats_tokenizer
 *
 *	uint16_t tokens[128];
 *	int count = cats_tokenizer_encode(&cats_tokenizer, "Once upon", tokens, ARRAY_SIZE(tokens));
 * @endcode
 *
 * Byte pair encoding as llama2.c's program has it (SentencePiece's), or tokens that are single
 * characters or bytes: the numbers that cats/tasks/tokenizers.py gives. The tables are those of the
 * deployment, in flash: 2 bytes and its text for each token that is looked up, and up to 4 bytes
 * more. CONFIG_CATS_TOKENIZER.
 *
 * No state, no heap. Time grows with the square of a text's length. Portable C11 without an
 * operating system.
 *
 * @{
 */

#ifndef CATS_TOKENIZER_H_
#define CATS_TOKENIZER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No token. */
#define CATS_TOKENIZER_NONE 0xFFFFu

/** The tokens of a deployment: constant, in its cats_tokenizer.h. */
struct cats_tokenizer {
	const uint8_t *text;    /**< texts of all tokens, one behind the other */
	const uint16_t *offset; /**< [count + 1] where each begins, and where the last one ends */
	const uint16_t *sorted; /**< [known] tokens that are looked up, by their bytes */
	/** [count] of two neighbours that could merge those go first that become the token with the
	 * larger one; NULL: none do
	 */
	const uint16_t *rank;
	uint16_t count;      /**< tokens */
	uint16_t known;      /**< entries of sorted */
	uint16_t begin;      /**< begins every text, or CATS_TOKENIZER_NONE */
	uint16_t ends[2];    /**< end a text, or CATS_TOKENIZER_NONE */
	uint16_t first_byte; /**< of 256 that are single bytes, or CATS_TOKENIZER_NONE */
	bool spaced;         /**< a text begins with a space that is none of it */
};

/**
 * @brief The tokens of a text, what begins every text first.
 *
 * @param text   UTF-8, ends with a zero byte
 * @param tokens where they go; the room that is needed at first is one a character (of characters
 *               without a token of their own, a byte) and two
 * @param room   tokens that fit there
 * @return how many there are; 0 of an empty text that nothing begins
 * @retval -ENOSPC there is no room
 * @retval -EINVAL a character that the model has no token for
 */
int cats_tokenizer_encode(const struct cats_tokenizer *tokenizer, const char *text,
			  uint16_t *tokens, size_t room);

/**
 * @brief The text of a token.
 *
 * Bytes of a character may come one by one; there is no zero byte behind them.
 *
 * @param before the token before it, or CATS_TOKENIZER_NONE
 * @param text   set to its first byte, in the tables
 * @return bytes; 0 where the token has no text, or is none
 */
size_t cats_tokenizer_decode(const struct cats_tokenizer *tokenizer, uint16_t before,
			     uint16_t token, const char **text);

/** @brief Whether this token ends a text. */
static inline bool cats_tokenizer_ends(const struct cats_tokenizer *tokenizer, uint16_t token)
{
	return token == tokenizer->ends[0] || token == tokenizer->ends[1];
}

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_TOKENIZER_H_ */
