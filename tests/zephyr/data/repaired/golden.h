/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* What cats.reference says of deployment repaired. Written by generate.py. */

#ifndef GOLDEN_REPAIRED_H_
#define GOLDEN_REPAIRED_H_

#include <stdint.h>

#define GOLDEN_NODES 3
#define GOLDEN_SAMPLES 3
#define GOLDEN_MODEL_ID 0x13ff30d9u
#define GOLDEN_TOKENS 7
#define GOLDEN_INPUTS 3
#define GOLDEN_OUTPUTS 28
#define GOLDEN_ARENA 344

/* [sample][token][input column], all nodes' columns */
static const int8_t golden_inputs[3][7][3] = {
	{
		{ 1, -93, 57 },
		{ 40, 73, 104 },
		{ 82, -60, 69 },
		{ 52, 1, 23 },
		{ 126, -93, -73 },
		{ 113, 65, 48 },
		{ 93, -69, 102 },
	},
	{
		{ -21, 116, 87 },
		{ 2, 64, 12 },
		{ 40, 72, -108 },
		{ 121, -69, -89 },
		{ -49, 122, -81 },
		{ -101, -66, 101 },
		{ 110, 100, 108 },
	},
	{
		{ 121, -66, -111 },
		{ -55, 32, -107 },
		{ 111, 41, -29 },
		{ -109, -106, 26 },
		{ 50, 59, -123 },
		{ 12, -32, 124 },
		{ 53, 91, -127 },
	},
};

/* [sample][output], the same at every node */
static const int16_t golden_outputs[3][28] = {
	{ 5127, -10437, 6019, 6204, -10285, -8280, 6349, 4060, -5466, -15563, 3421, 4456, -1052, 2833, 13729, 7088, 3236, -5276, 11700, 6506, -568, -6188, 7401, -878, -11872, -4300, 10178, 6565 },
	{ 5906, -9517, -2213, -6196, -8221, -9064, 4675, 1773, 42, -12775, 263, -1952, 3121, 2618, 14889, 7927, 34, -5276, 1343, -4848, -11789, -11352, 2746, 158, -8948, -2429, 7739, 908 },
	{ 7071, -5624, 7427, 5769, -6136, -8839, 4814, 2615, -860, -12229, 2628, 601, -5061, 146, 10814, 6895, 4913, -4879, 5420, -2245, -11188, -11225, 4700, 1862, -2338, -1009, 6566, -4468 },
};

#endif /* GOLDEN_REPAIRED_H_ */
