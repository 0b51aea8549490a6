/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 1 of 4, deployment b17d79bb.
 * 1 blocks, 5 tokens, 16 features, 4 heads, 16 hidden.
 * 2176 bytes of flash, 336 bytes of arena.
 * Written by `cats export`: do not edit, export again.
 */

#ifndef CATS_PARTITION_H_
#define CATS_PARTITION_H_

#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#if CATS_FORMAT_VERSION != 6
#error "this partition has format 6: export it again with the cats program of this source tree"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a partition is little-endian"
#endif

#define CATS_PARTITION_NODE 1 /* this node */
#define CATS_PARTITION_NODES 4 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0xb17d79bbu /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 336 /* bytes of RAM */
#define CATS_PARTITION_SIZE 2176 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[7];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[7][4];
	/* own columns that are broadcast: [kept] */
	uint16_t input_own_keep[1];
	uint8_t pad_1002[2];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[5][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1098[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1446[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_1550[2];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[3];
	uint8_t pad_1962[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_2066[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[2][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[2];
	uint8_t pad_2172[4];
};

#define CATS_PARTITION_AT(member) offsetof(struct cats_partition_image, member)

#ifdef __cplusplus
static_assert(sizeof(struct cats_partition_image) == CATS_PARTITION_SIZE,
	      "the compiler lays a partition out in another way");
alignas(CATS_IMAGE_ALIGN)
#else
_Static_assert(sizeof(struct cats_partition_image) == CATS_PARTITION_SIZE,
	       "the compiler lays a partition out in another way");
_Alignas(CATS_IMAGE_ALIGN)
#endif
static const struct cats_partition_image cats_partition = {
	.header = {
		.magic = CATS_IMAGE_MAGIC,
		.format_version = CATS_FORMAT_VERSION,
		.header_size = sizeof(struct cats_image_header),
		.image_size = CATS_PARTITION_SIZE,
		.crc32 = 0xed631d78u,
		.model_id = CATS_PARTITION_MODEL_ID,
		.node = CATS_PARTITION_NODE,
		.nodes = CATS_PARTITION_NODES,
		.gathers = 7,
		.arena_size = CATS_PARTITION_ARENA_SIZE,
		.model = CATS_PARTITION_AT(model),
		.gather_table = CATS_PARTITION_AT(gathers),
		.source_table = CATS_PARTITION_AT(sources),
		.metadata = 0,
	},
	.model = {
		.tokens = 5,
		.tokens_in = 5,
		.features = 16,
		.heads = 4,
		.hidden = 16,
		.blocks = 1,
		.inputs = 4,
		.outputs = 6,
		.head_width = 4,
		.own_heads = 1,
		.own_hidden = 4,
		.own_inputs = 1,
		.own_outputs = 2,
		.first_output = 2,
		.first_input = 2,
		.first_head = 1,
		.flags = CATS_FLAG_HELD | CATS_FLAG_SEALED | CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_MEAN,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 5,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 224,
		.arena_query = 296,
		.arena_key = 316,
		.arena_value = 264,
		.arena_heads = 296,
		.arena_hidden = 264,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 192,
		.arena_pooled = 140,
		.arena_output = 128,
		.arena_linear = 0,
		.arena_window = 0,
		.arena_sums = 0,
		.linear_weights = 0,
		.linear_channels = 0,
		.linear_shift = 0,
	},
	.gathers = {
		{
			.kind = CATS_GATHER_INPUT,
			.block = 0,
			.phase = 0,
			.rounds = 0,
			.row_begin = 0,
			.rows = 5,
			.tile_rows = 5,
			.element = 1,
			.buffers = 1,
			.slot_us = 548,
			.control_us = 410,
			.turn_us = 753,
			.spacing_us = 3732,
			.tile = { 176, 176 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(input_own_keep),
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 4,
			.stride = 4,
			.products = 4,
			.shift = 32,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_ATTENTION,
			.block = 0,
			.phase = 1,
			.rounds = 0,
			.row_begin = 0,
			.rows = 5,
			.tile_rows = 5,
			.element = 1,
			.buffers = 1,
			.slot_us = 573,
			.control_us = 410,
			.turn_us = 779,
			.spacing_us = 4624,
			.tile = { 128, 128 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 605,
			.weights = CATS_PARTITION_AT(block0_attention_weights),
			.channels = CATS_PARTITION_AT(block0_attention_channels),
			.view = 13,
			.stride = 16,
			.products = 12,
			.shift = 39,
			.send_shift = 37,
			.send_multiplier = 1832519380,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_HEADS,
			.block = 0,
			.phase = 2,
			.rounds = 0,
			.row_begin = 0,
			.rows = 5,
			.tile_rows = 5,
			.element = 1,
			.buffers = 1,
			.slot_us = 573,
			.control_us = 410,
			.turn_us = 779,
			.spacing_us = 4459,
			.tile = { 176, 176 },
			.outbox = { 264, 264 },
			.own_keep = CATS_PARTITION_AT(block0_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_heads_weights),
			.channels = CATS_PARTITION_AT(block0_heads_channels),
			.view = 13,
			.stride = 16,
			.products = 4,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 687194767,
			.value_multiplier = 2051888851,
			.value_shift = 44,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 0,
			.phase = 3,
			.rounds = 0,
			.row_begin = 0,
			.rows = 5,
			.tile_rows = 5,
			.element = 1,
			.buffers = 1,
			.slot_us = 573,
			.control_us = 410,
			.turn_us = 779,
			.spacing_us = 4498,
			.tile = { 128, 128 },
			.outbox = { 284, 284 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 1326,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 4,
			.shift = 39,
			.send_shift = 37,
			.send_multiplier = 1832519380,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_HIDDEN,
			.block = 0,
			.phase = 4,
			.rounds = 0,
			.row_begin = 0,
			.rows = 5,
			.tile_rows = 5,
			.element = 1,
			.buffers = 1,
			.slot_us = 573,
			.control_us = 410,
			.turn_us = 779,
			.spacing_us = 4459,
			.tile = { 176, 176 },
			.outbox = { 128, 128 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 13,
			.stride = 16,
			.products = 4,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_OUTPUT,
			.block = 0,
			.phase = 5,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 513,
			.control_us = 410,
			.turn_us = 740,
			.spacing_us = 4066,
			.tile = { 144, 144 },
			.outbox = { 164, 164 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 110,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 13,
			.stride = 16,
			.products = 2,
			.shift = 31,
			.send_shift = 38,
			.send_multiplier = 1096102248,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_RESULT,
			.block = 0,
			.phase = 6,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 2,
			.buffers = 1,
			.slot_us = 518,
			.control_us = 410,
			.turn_us = 740,
			.spacing_us = 4087,
			.tile = { 156, 156 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(result_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = 0,
			.channels = 0,
			.view = 0,
			.stride = 0,
			.products = 0,
			.shift = 0,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
	},
	.sources = {
		{ { 2, 2, 1, 5, 2 }, { 1, 1, 1, 5, 1 }, { 0, 0, 0, 0, 0 }, { 1, 1, 1, 5, 1 } },
		{ { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 } },
		{ { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 } },
		{ { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 } },
		{ { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 }, { 3, 3, 1, 5, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 } },
		{ { 4, 4, 1, 1, 2 }, { 4, 4, 1, 1, 2 }, { 2, 2, 1, 1, 1 }, { 2, 2, 1, 1, 1 } },
	},
	.input_own_keep = {
		0,
	},
	.pad_1002 = { 0, 0 },
	.input_table = {
		{ 1117, 3684, 2016, 1459 },
		{ -840, 4191, -4850, -5886 },
		{ 4742, 2541, -1545, -4679 },
		{ -284, 3247, 653, -3867 },
		{ 1961, -5397, -1351, -5354 },
	},
	.input_weights = {
		{ -6, -29, 122, -41 },
		{ 124, -96, 25, 46 },
		{ -29, -109, 26, -62 },
		{ -113, 59, -3, -89 },
	},
	.input_channels = {
		{ 0, 1091279947 }, { 0, 1119231621 }, { 0, 723249570 }, { 0, 1118066968 },
	},
	.block0_attention_own_keep = {
		0, 1, 2,
	},
	.pad_1098 = { 0, 0 },
	.block0_attention_norm = {
		{ 7947, -3707 }, { -6282, 1530 }, { 8069, 1628 }, { 6428, -3146 },
		{ 9057, -13 }, { 10941, 2252 }, { 11213, 1466 }, { -6643, 1091 },
		{ 9225, -1600 }, { 10567, -2237 }, { -6794, -615 }, { 10952, -1711 },
		{ 11193, -1792 },
	},
	.block0_attention_weights = {
		{ 68, -103, 43, 85, 12, 83, 30, 53, -127, 23, -53, -82, -99,
		  0, 0, 0 },
		{ -38, 54, 70, -86, 119, 13, 72, -62, 115, 75, -102, -91, 65,
		  0, 0, 0 },
		{ -7, -48, -102, -52, -93, -32, 116, 81, 89, 50, -12, -42, -102,
		  0, 0, 0 },
		{ 65, 97, 69, 97, 25, -29, -56, -114, 59, -78, -52, 94, 37,
		  0, 0, 0 },
		{ 35, 56, 77, -118, -17, 82, -71, -114, -70, 84, -60, -103, 105,
		  0, 0, 0 },
		{ -117, 17, 72, -34, 52, -74, 16, -2, -2, -118, 19, 42, 35,
		  0, 0, 0 },
		{ -87, -89, -35, 118, -39, 64, 124, -15, 38, -95, -20, -8, -113,
		  0, 0, 0 },
		{ 104, -28, 69, -105, 55, 122, 46, 25, -35, 81, -15, -114, 122,
		  0, 0, 0 },
		{ 50, 25, 45, 17, 87, 101, -50, -98, 40, -63, 62, 6, 126, 0, 0,
		  0 },
		{ 44, 2, 28, 13, 53, -93, -105, 38, 37, -78, -83, 78, 120,
		  0, 0, 0 },
		{ 88, 85, -33, 37, 76, 13, 64, 59, -41, -12, -10, 84, 8, 0, 0,
		  0 },
		{ 6, 109, 49, 40, 2, -38, 4, 30, -54, 59, 95, 14, -27, 0, 0,
		  0 },
	},
	.block0_attention_channels = {
		{ -2997, 1878602812 }, { 793, 1896960495 }, { -2192, 1313594149 },
		{ -10017, 2064219377 }, { 313, 1172851919 }, { -6657, 1244242905 },
		{ -828, 1982629678 }, { 6355, 1688906763 }, { 785, 1164692949 },
		{ 7255, 1674628566 }, { 10401, 1839847706 }, { -890, 2021384785 },
	},
	.block0_heads_own_keep = {
		1, 2, 3,
	},
	.pad_1446 = { 0, 0 },
	.block0_heads_weights = {
		{ -14, 39, 58, -93, 125, 113, -98, 57, -90, 55, -93, -38, -65, 0, 0,
		  0 },
		{ -79, 5, 14, 62, -8, -115, -24, -27, -70, 6, 22, 90, -64,
		  0, 0, 0 },
		{ -122, -123, -126, 5, 55, -47, -6, -104, -41, -106, -68, -47, 102,
		  0, 0, 0 },
		{ 20, 45, 47, -51, -41, -86, -15, -69, 56, -46, 52, 105, 111, 0, 0,
		  0 },
	},
	.block0_heads_channels = {
		{ 2197, 1178429340 }, { -10428, 1129427714 }, { -9232, 828246990 },
		{ 7615, 846174414 },
	},
	.block0_forward_own_keep = {
		0, 1, 3,
	},
	.pad_1550 = { 0, 0 },
	.block0_forward_table = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -3, -3, -3, -3, -3,
		-3, -3, -3, -4, -4, -4, -4, -4, -4, -4, -4, -5, -5, -5, -5, -5,
		-5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5,
		-5, -5, -5, -4, -4, -4, -4, -4, -3, -3, -3, -2, -2, -1, -1, 0,
		0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
		27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38, 39, 40, 41, 43, 44,
		45, 46, 47, 48, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
		63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
		80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
		96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
		112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
	},
	.block0_forward_norm = {
		{ 11909, 2608 }, { 7938, -3931 }, { 10084, 1655 }, { 11569, -391 },
		{ 7918, 3228 }, { 6330, 2843 }, { 11908, 3330 }, { 6799, 2972 },
		{ 10191, -2815 }, { -7491, -2441 }, { 8225, -2552 }, { 10316, 1229 },
		{ 8429, -3894 },
	},
	.block0_forward_weights = {
		{ 15, 4, 4, -83, 54, -19, -89, -12, 91, 65, 76, -19, -56, 0, 0,
		  0 },
		{ 122, 16, -10, -92, 8, -101, -121, -90, -66, -3, -81, -4, -43,
		  0, 0, 0 },
		{ -49, -57, 114, 43, 9, 90, -28, 49, 19, 78, 79, -59, -94, 0, 0,
		  0 },
		{ 125, -104, -15, 4, 94, 101, -92, -29, -11, 110, -92, 76, -112,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 4067, 1315633891 }, { 3045, 1525727366 }, { -5976, 1513488911 },
		{ 639, 1705224703 },
	},
	.block0_hidden_own_keep = {
		0, 2, 3,
	},
	.pad_1962 = { 0, 0 },
	.block0_hidden_weights = {
		{ 40, 14, 97, -90, 27, -42, 89, 119, -73, 7, 75, -116, -65,
		  0, 0, 0 },
		{ -66, -116, -67, 41, 106, 55, 16, -9, -121, -67, 47, 108, -54,
		  0, 0, 0 },
		{ -82, -18, 94, 10, -114, -101, -89, 30, 88, 6, -26, 27, 1,
		  0, 0, 0 },
		{ -110, 14, 11, 21, 95, -118, 33, 78, -89, -43, -123, -93, 124,
		  0, 0, 0 },
	},
	.block0_hidden_channels = {
		{ -2588, 1816645635 }, { -205, 1487737162 }, { 334, 1529806851 },
		{ 6442, 1359615838 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_2066 = { 0, 0 },
	.output_norm = {
		{ 11998, -2497 }, { 11726, 3520 }, { 8034, 1809 }, { 7964, -3898 },
		{ 7023, -821 }, { 6295, -1106 }, { -6585, -1089 }, { 8943, 30 },
		{ 7712, 3440 }, { -10373, -2318 }, { 6036, 2681 }, { 6128, 3655 },
		{ 6762, -1546 },
	},
	.output_weights = {
		{ 17, -32, -16, -106, -43, -119, 55, -15, -72, -119, 55, -19, -23,
		  0, 0, 0 },
		{ -88, -67, -85, 5, 28, 42, 20, 121, 16, -126, 111, -109, -34,
		  0, 0, 0 },
	},
	.output_channels = {
		{ -10353, 1284400335 }, { 7197, 1552116534 },
	},
	.result_own_keep = {
		0, 1,
	},
	.pad_2172 = { 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
