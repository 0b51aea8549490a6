/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 3 of 4, deployment b17d79bb.
 * 1 blocks, 5 tokens, 16 features, 4 heads, 16 hidden.
 * 2152 bytes of flash, 336 bytes of arena.
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

#define CATS_PARTITION_NODE 3 /* this node */
#define CATS_PARTITION_NODES 4 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0xb17d79bbu /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 336 /* bytes of RAM */
#define CATS_PARTITION_SIZE 2152 /* bytes of flash */

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
	int8_t output_weights[1][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[1];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[1];
	uint8_t pad_2146[6];
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
		.crc32 = 0x840c6fc2u,
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
		.own_outputs = 1,
		.first_output = 5,
		.first_input = 3,
		.first_head = 3,
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
	.input_own_keep = {
		0,
	},
	.pad_1002 = { 0, 0 },
	.input_table = {
		{ -4913, -1408, 5221, 4204 },
		{ -3255, 3863, 5840, -3934 },
		{ -1563, -2174, -2973, -4151 },
		{ -4885, 3647, 5044, 1366 },
		{ -2330, -3605, -5329, 4185 },
	},
	.input_weights = {
		{ 65, -22, 10, -71 },
		{ 19, 124, -27, 124 },
		{ -97, -69, 63, 25 },
		{ 125, -26, 27, 15 },
	},
	.input_channels = {
		{ 0, 952686229 }, { 0, 757024509 }, { 0, 1104091131 }, { 0, 750036591 },
	},
	.block0_attention_own_keep = {
		0, 1, 3,
	},
	.pad_1098 = { 0, 0 },
	.block0_attention_norm = {
		{ 7947, -3707 }, { -6282, 1530 }, { 8069, 1628 }, { 6428, -3146 },
		{ 9057, -13 }, { 10941, 2252 }, { -6643, 1091 }, { 9225, -1600 },
		{ 10567, -2237 }, { -6794, -615 }, { 10952, -1711 }, { -11698, 2359 },
		{ 11193, -1792 },
	},
	.block0_attention_weights = {
		{ -85, -57, 100, 18, 97, 11, -109, 29, -11, -75, -53, -10, 55,
		  0, 0, 0 },
		{ 70, 26, -79, -110, 36, 61, 17, 0, 99, -65, -42, -55, 116,
		  0, 0, 0 },
		{ -123, -115, -51, -101, 8, -36, 120, -127, 34, 113, -18, 83, 44,
		  0, 0, 0 },
		{ 111, 7, -59, 106, -21, 91, 63, 39, -20, -28, -11, -38, 17, 0, 0,
		  0 },
		{ -54, -81, 41, 19, 14, -3, 58, -60, -24, -15, -28, 47, -118,
		  0, 0, 0 },
		{ -79, -101, -31, -115, -7, -29, -89, -44, -127, -14, 22, 0, -81,
		  0, 0, 0 },
		{ -52, 73, 45, -110, -46, -55, 1, 109, -115, -46, -15, -84, 82,
		  0, 0, 0 },
		{ -58, -17, 43, 117, -62, -31, -123, -4, 90, 41, -28, -53, 119,
		  0, 0, 0 },
		{ 58, 101, 46, -32, 43, -32, -118, 10, -94, 119, 3, -63, 52,
		  0, 0, 0 },
		{ 102, -5, -72, -72, -105, 1, 90, 94, -82, -79, 114, -88, -39,
		  0, 0, 0 },
		{ -101, -77, 35, -110, 31, -125, -95, 95, 10, 93, 98, -4, -35,
		  0, 0, 0 },
		{ -12, -14, 115, -84, -12, 111, -35, 66, -116, -36, -27, 31, -10,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 8965, 1519608138 }, { 10134, 1715423415 }, { 3637, 1939795086 },
		{ 4853, 1996907876 }, { 9630, 1511449168 }, { -1596, 1323792861 },
		{ 4438, 2011186073 }, { -705, 1195289086 }, { 5818, 1868404100 },
		{ -5548, 1593038867 }, { 7455, 1960192511 }, { -8061, 2007106588 },
	},
	.block0_heads_own_keep = {
		1, 2, 3,
	},
	.pad_1446 = { 0, 0 },
	.block0_heads_weights = {
		{ -40, -90, 94, -24, 48, -73, 92, 65, 25, -36, -51, 7, 96, 0, 0,
		  0 },
		{ 43, 47, 73, -34, 98, -64, 31, 119, 122, 56, 121, 48, -79, 0, 0,
		  0 },
		{ 68, -3, 70, -58, -90, -42, 124, 45, -23, -126, 105, 29, -30,
		  0, 0, 0 },
		{ -113, 82, 77, 36, 18, 119, -27, 115, -12, 1, -69, 80, -33,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ -4837, 1161697077 }, { 4017, 677656628 }, { -10074, 741000193 },
		{ 7116, 690803406 },
	},
	.block0_forward_own_keep = {
		1, 2, 3,
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
		{ 7918, 3228 }, { 11908, 3330 }, { 6799, 2972 }, { 10191, -2815 },
		{ -7491, -2441 }, { 9008, 1822 }, { 8225, -2552 }, { 10316, 1229 },
		{ 8429, -3894 },
	},
	.block0_forward_weights = {
		{ -47, -109, -92, -65, 63, -84, -124, 114, 36, -93, -40, 35, 77,
		  0, 0, 0 },
		{ 89, 2, 121, 80, -48, -92, -108, 19, -31, -127, 102, 69, -66,
		  0, 0, 0 },
		{ -9, -57, -63, 33, -34, -18, -10, -122, 85, 5, -108, 22, -34,
		  0, 0, 0 },
		{ -35, 39, -78, 102, -53, 35, -3, 59, -16, -73, -48, -111, 63,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ -6741, 1650151656 }, { -621, 1729701612 }, { 2059, 1978550193 },
		{ -863, 1550204275 },
	},
	.block0_hidden_own_keep = {
		1, 2, 3,
	},
	.pad_1962 = { 0, 0 },
	.block0_hidden_weights = {
		{ 21, -100, -67, 17, 44, 86, -23, -17, -10, -51, 24, 66, 66,
		  0, 0, 0 },
		{ -37, 116, -115, -74, -112, -111, 51, 103, -92, -124, -108, 10, -50,
		  0, 0, 0 },
		{ 47, 23, 21, -21, -12, -10, -98, -94, -125, 42, -31, -53, 59,
		  0, 0, 0 },
		{ -95, -101, 66, 100, 105, -34, -11, -63, -31, -73, 63, -75, -112,
		  0, 0, 0 },
	},
	.block0_hidden_channels = {
		{ -3268, 1524070075 }, { -16, 1906521787 }, { 6049, 1415071337 },
		{ -2579, 1147355138 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_2066 = { 0, 0 },
	.output_norm = {
		{ 11998, -2497 }, { 11726, 3520 }, { 8034, 1809 }, { 7023, -821 },
		{ 6295, -1106 }, { -6585, -1089 }, { 8943, 30 }, { 7712, 3440 },
		{ -10373, -2318 }, { 6897, -3761 }, { 6036, 2681 }, { 6128, 3655 },
		{ 6762, -1546 },
	},
	.output_weights = {
		{ 19, -39, 84, -107, -15, 59, 121, 18, 13, 107, 115, -23, -1,
		  0, 0, 0 },
	},
	.output_channels = {
		{ 7206, 1319458409 },
	},
	.result_own_keep = {
		0,
	},
	.pad_2146 = { 0, 0, 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
