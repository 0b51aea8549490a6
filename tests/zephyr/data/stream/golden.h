/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What cats.reference says of deployment stream. Written by generate.py. */

#ifndef GOLDEN_STREAM_H_
#define GOLDEN_STREAM_H_

#include <stdint.h>

#define GOLDEN_NODES 3
#define GOLDEN_SAMPLES 5
#define GOLDEN_MODEL_ID 0xce623342u
#define GOLDEN_TOKENS 1
#define GOLDEN_INPUTS 4
#define GOLDEN_OUTPUTS 6
#define GOLDEN_ARENA 416

/* [sample][token][input column], all nodes' columns */
static const int8_t golden_inputs[5][1][4] = {
	{
		{ 1, -93, 57, 40 },
	},
	{
		{ 73, 104, 82, -60 },
	},
	{
		{ 69, 52, 1, 23 },
	},
	{
		{ 126, -93, -73, 113 },
	},
	{
		{ 65, 48, 93, -69 },
	},
};

/* [sample][output], the same at every node */
static const int16_t golden_outputs[5][6] = {
	{ 4497, -873, 8444, -776, 2882, -10047 },
	{ 9062, 1459, 4538, -4249, 7846, -8083 },
	{ 7984, 2825, 6157, -2750, 7839, -11042 },
	{ 9100, 1348, 7148, -811, 6708, -12617 },
	{ 9824, 1893, 4234, 877, 7561, -12686 },
};

#define GOLDEN_AWAY 2
#define GOLDEN_FIRST_AWAY 1
#define GOLDEN_BACK 3
/* [sample][node][output]: that node is away from a step on, back without a row */
static const int16_t golden_missed[5][3][6] = {
	{
		{ 4497, -873, 8444, -776, 2882, -10047 },
		{ 4497, -873, 8444, -776, 2882, -10047 },
		{ 4497, -873, 8444, -776, 2882, -10047 },
	},
	{
		{ 7469, -3094, 6681, -1394, -32768, -32768 },
		{ 7469, -3094, 6681, -1394, -32768, -32768 },
		{ -32768, -32768, -32768, -32768, -32768, -32768 },
	},
	{
		{ 8233, -1826, 9008, 896, -32768, -32768 },
		{ 8233, -1826, 9008, 896, -32768, -32768 },
		{ -32768, -32768, -32768, -32768, -32768, -32768 },
	},
	{
		{ 3153, -5313, 11411, 2742, 3854, -11891 },
		{ 3153, -5313, 11411, 2742, 3854, -11891 },
		{ 3153, -5313, 11411, 2742, 3854, -11891 },
	},
	{
		{ 6403, -3686, 8339, 5024, 6081, -11821 },
		{ 6403, -3686, 8339, 5024, 6081, -11821 },
		{ 6403, -3686, 8339, 5024, 6081, -11821 },
	},
};

#endif /* GOLDEN_STREAM_H_ */
