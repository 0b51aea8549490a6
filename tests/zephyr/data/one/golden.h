/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What cats.reference says of deployment one. Written by generate.py. */

#ifndef GOLDEN_ONE_H_
#define GOLDEN_ONE_H_

#include <stdint.h>

#define GOLDEN_NODES 1
#define GOLDEN_SAMPLES 3
#define GOLDEN_MODEL_ID 0x528342abu
#define GOLDEN_TOKENS 4
#define GOLDEN_INPUTS 3
#define GOLDEN_OUTPUTS 5
#define GOLDEN_ARENA 192

/* [sample][token][input column], all nodes' columns */
static const int8_t golden_inputs[3][4][3] = {
	{
		{ 1, -93, 57 },
		{ 40, 73, 104 },
		{ 82, -60, 69 },
		{ 52, 1, 23 },
	},
	{
		{ 126, -93, -73 },
		{ 113, 65, 48 },
		{ 93, -69, 102 },
		{ -21, 116, 87 },
	},
	{
		{ 2, 64, 12 },
		{ 40, 72, -108 },
		{ 121, -69, -89 },
		{ -49, 122, -81 },
	},
};

/* [sample][output], the same at every node */
static const int16_t golden_outputs[3][5] = {
	{ -6444, 1350, 3757, 5142, 12811 },
	{ -8491, -1942, 4084, 2221, 11037 },
	{ -4888, 3985, 987, 1003, 14950 },
};

#endif /* GOLDEN_ONE_H_ */
