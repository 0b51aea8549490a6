/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The tokens of a deployment. Written by `cats export`: do not edit, export again. For one C file
 * of an application.
 */

#ifndef CATS_TOKENIZER_TABLES_H_
#define CATS_TOKENIZER_TABLES_H_

#include <cats/tokenizer.h>

#define CATS_TOKENIZER_COUNT 65
#define CATS_TOKENIZER_LONGEST 1 /* bytes of a token's text */

static const uint8_t cats_tokenizer_bytes[] = {
	10, 32, 33, 36, 38, 39, 44, 45, 46, 51, 58, 59, 63, 65, 66, 67, 68,
	69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85,
	86, 87, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108,
	109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122,
};

static const uint16_t cats_tokenizer_offset[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65,
};

static const uint16_t cats_tokenizer_sorted[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
};

static const struct cats_tokenizer cats_tokenizer = {
	.text = cats_tokenizer_bytes,
	.offset = cats_tokenizer_offset,
	.sorted = cats_tokenizer_sorted,
	.rank = NULL,
	.count = CATS_TOKENIZER_COUNT,
	.known = 65,
	.begin = CATS_TOKENIZER_NONE,
	.ends = { CATS_TOKENIZER_NONE, CATS_TOKENIZER_NONE },
	.first_byte = CATS_TOKENIZER_NONE,
	.spaced = false,
};

#endif /* CATS_TOKENIZER_TABLES_H_ */
