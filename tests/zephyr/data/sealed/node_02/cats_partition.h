/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 2 of 4, deployment b17d79bb.
 * 1 blocks, 5 tokens, 16 features, 4 heads, 16 hidden.
 * 2144 bytes of flash, 336 bytes of arena.
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

#define CATS_PARTITION_NODE 2 /* this node */
#define CATS_PARTITION_NODES 4 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0xb17d79bbu /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 336 /* bytes of RAM */
#define CATS_PARTITION_SIZE 2144 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[7];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[7][4];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[5][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1094[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1442[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_1546[2];
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
	uint8_t pad_1958[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_2062[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[1][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[1];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[1];
	uint8_t pad_2142[2];
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
		.crc32 = 0x0ccedfeau,
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
		.own_inputs = 0,
		.own_outputs = 1,
		.first_output = 4,
		.first_input = 3,
		.first_head = 2,
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
		.arena_input = 0,
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
			.own_keep = 0,
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
			.outbox = { 168, 168 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 110,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 13,
			.stride = 16,
			.products = 1,
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
	.input_table = {
		{ 3124, -1881, 5752, -430 },
		{ 4278, -4642, -475, 5888 },
		{ 1595, 1851, 4092, -4337 },
		{ 4805, -5432, -5945, 2040 },
		{ 1114, 4402, -5447, -5865 },
	},
	.input_weights = {
		{ 94, -74, 20, -11 },
		{ -78, -78, 98, 63 },
		{ -100, 12, 55, -92 },
		{ 112, 64, 53, 107 },
	},
	.input_channels = {
		{ 0, 916581983 }, { 0, 1108749743 }, { 0, 888630309 }, { 0, 865337247 },
	},
	.block0_attention_own_keep = {
		0, 1, 3,
	},
	.pad_1094 = { 0, 0 },
	.block0_attention_norm = {
		{ 7947, -3707 }, { -6282, 1530 }, { 8069, 1628 }, { 6428, -3146 },
		{ 9057, -13 }, { 10941, 2252 }, { -6643, 1091 }, { 9225, -1600 },
		{ 8153, 2218 }, { 10567, -2237 }, { -6794, -615 }, { 10952, -1711 },
		{ 11193, -1792 },
	},
	.block0_attention_weights = {
		{ -100, 67, -82, -124, -71, -13, -95, -64, 72, -103, -121, 82, 68,
		  0, 0, 0 },
		{ -59, -98, -73, -119, 62, -106, 46, -53, 109, 27, -62, 45, -46,
		  0, 0, 0 },
		{ -108, 114, 12, -125, -38, -127, 45, 80, 86, -21, 20, -108, 68,
		  0, 0, 0 },
		{ -8, -98, 105, 57, 13, -118, 58, 96, -94, -23, -20, -25, 3,
		  0, 0, 0 },
		{ 101, -74, 83, -87, 111, 41, -43, -39, 48, -119, 114, 41, -100,
		  0, 0, 0 },
		{ 89, 56, -103, 27, 101, 58, -14, -31, 57, -10, -63, -114, 20,
		  0, 0, 0 },
		{ -57, 66, -125, -121, -115, -50, 6, 118, 19, -80, 96, -9, -16,
		  0, 0, 0 },
		{ 82, -120, -6, 105, -127, -23, 35, -107, -94, 97, 20, -93, -14,
		  0, 0, 0 },
		{ -125, 41, 110, -112, -95, -61, -30, -57, 67, 17, -101, 124, 71,
		  0, 0, 0 },
		{ -107, -107, -114, -116, -1, 117, 123, -54, 18, 42, -100, -89, 101,
		  0, 0, 0 },
		{ -106, 16, 22, -114, 20, 58, 21, -9, -6, 117, 99, 32, -100,
		  0, 0, 0 },
		{ -99, -67, -114, -48, 84, 73, -74, 88, 30, 79, 32, 118, 126,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 9926, 1803132341 }, { -2127, 1731741355 }, { -4749, 1097381447 },
		{ 3665, 1423740242 }, { -9799, 1399263333 }, { 3834, 1378865908 },
		{ -3145, 1417621015 }, { 7668, 1215686511 }, { -1582, 1743979810 },
		{ 1443, 1299315952 }, { -7701, 1794973371 }, { 320, 1191209601 },
	},
	.block0_heads_own_keep = {
		0, 1, 2,
	},
	.pad_1442 = { 0, 0 },
	.block0_heads_weights = {
		{ 66, 111, -59, 68, -77, -111, 11, -15, 77, 91, 95, -124, 10,
		  0, 0, 0 },
		{ 80, 6, 95, 64, -31, -43, 46, 3, 76, -50, -100, -39, 19,
		  0, 0, 0 },
		{ -9, -57, -124, -92, 42, -123, 71, -66, -11, 33, -43, 73, 69,
		  0, 0, 0 },
		{ 36, 53, 7, 40, 26, -51, 55, -96, -79, -27, 78, 35, 15, 0, 0,
		  0 },
	},
	.block0_heads_channels = {
		{ -9113, 958519605 }, { -5684, 1119866421 }, { -11, 762513102 },
		{ 3501, 652558235 },
	},
	.block0_forward_own_keep = {
		0, 1, 3,
	},
	.pad_1546 = { 0, 0 },
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
		{ 7918, 3228 }, { 11908, 3330 }, { 6799, 2972 }, { 10191, -2815 },
		{ 8623, -3467 }, { -7491, -2441 }, { 8225, -2552 }, { 10316, 1229 },
		{ 8429, -3894 },
	},
	.block0_forward_weights = {
		{ -97, 75, -99, 42, 115, -48, 39, -108, -95, 126, -35, -12, 72,
		  0, 0, 0 },
		{ -21, 19, -114, -87, -117, 87, 15, -104, 91, -1, -41, -46, 50,
		  0, 0, 0 },
		{ -38, -65, 105, -121, 100, -47, 17, -17, 111, 5, 10, -16, -120,
		  0, 0, 0 },
		{ -122, -50, 44, 113, -81, -111, -113, 75, -21, -81, -103, -3, -19,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 9525, 1044348143 }, { 9089, 1913278434 }, { -3951, 1148375009 },
		{ 2148, 1242203163 },
	},
	.block0_hidden_own_keep = {
		0, 1, 2,
	},
	.pad_1958 = { 0, 0 },
	.block0_hidden_weights = {
		{ 30, 18, 69, -90, 36, 84, 74, -11, 42, 78, -96, -28, 53, 0, 0,
		  0 },
		{ 59, 113, -47, 124, -24, -77, 123, 114, 55, 62, -108, -65, -37,
		  0, 0, 0 },
		{ -38, 52, -32, -126, 15, 41, -34, -63, -16, -100, 100, 108, -30,
		  0, 0, 0 },
		{ 114, 87, 94, 104, 38, 102, 75, 2, 71, 77, 97, 88, -69, 0, 0,
		  0 },
	},
	.block0_hidden_channels = {
		{ 6082, 1132057069 }, { 6256, 1269739686 }, { -4023, 1487737162 },
		{ -4377, 1730594000 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_2062 = { 0, 0 },
	.output_norm = {
		{ 11998, -2497 }, { 11726, 3520 }, { 8034, 1809 }, { 7023, -821 },
		{ 6295, -1106 }, { -6585, -1089 }, { 8668, -3322 }, { 8943, 30 },
		{ 7712, 3440 }, { -10373, -2318 }, { 6036, 2681 }, { 6128, 3655 },
		{ 6762, -1546 },
	},
	.output_weights = {
		{ -66, -101, 27, -10, -74, 122, -120, 79, 32, 113, -127, 17, 103,
		  0, 0, 0 },
	},
	.output_channels = {
		{ -10458, 1392761653 },
	},
	.result_own_keep = {
		0,
	},
	.pad_2142 = { 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
