/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 0 of 4, deployment 081804c2.
 * 2 blocks, 7 tokens, 16 features, 4 heads, 24 hidden.
 * 3808 bytes of flash, 400 bytes of arena.
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

#define CATS_PARTITION_NODE 0 /* this node */
#define CATS_PARTITION_NODES 4 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0x081804c2u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 400 /* bytes of RAM */
#define CATS_PARTITION_SIZE 3808 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[11];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[11][4];
	/* own columns that are broadcast: [kept] */
	uint16_t input_own_keep[2];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[7][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1610[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1958[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_2062[2];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[6][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[6];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[3];
	uint8_t pad_2642[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[3];
	uint8_t pad_2990[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[3];
	uint8_t pad_3094[2];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[6][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[6];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_3674[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[3][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[3];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[3];
	uint8_t pad_3806[2];
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
		.crc32 = 0x1ee356e5u,
		.model_id = CATS_PARTITION_MODEL_ID,
		.node = CATS_PARTITION_NODE,
		.nodes = CATS_PARTITION_NODES,
		.gathers = 11,
		.arena_size = CATS_PARTITION_ARENA_SIZE,
		.model = CATS_PARTITION_AT(model),
		.gather_table = CATS_PARTITION_AT(gathers),
		.source_table = CATS_PARTITION_AT(sources),
		.metadata = 0,
	},
	.model = {
		.tokens = 7,
		.tokens_in = 6,
		.features = 16,
		.heads = 4,
		.hidden = 24,
		.blocks = 2,
		.inputs = 5,
		.outputs = 10,
		.head_width = 4,
		.own_heads = 1,
		.own_hidden = 6,
		.own_inputs = 2,
		.own_outputs = 3,
		.first_output = 0,
		.first_input = 0,
		.first_head = 0,
		.flags = CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 7,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 160,
		.arena_query = 228,
		.arena_key = 268,
		.arena_value = 332,
		.arena_heads = 228,
		.arena_hidden = 332,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 228,
		.arena_pooled = 232,
		.arena_output = 160,
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
			.row_begin = 1,
			.rows = 6,
			.tile_rows = 3,
			.element = 1,
			.buffers = 2,
			.slot_us = 220,
			.control_us = 184,
			.turn_us = 372,
			.spacing_us = 903,
			.tile = { 240, 216 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(input_own_keep),
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 5,
			.stride = 8,
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
			.kind = CATS_GATHER_ATTENTION,
			.block = 0,
			.phase = 1,
			.rounds = 0,
			.row_begin = 0,
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 2,
			.slot_us = 232,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1229,
			.tile = { 296, 364 },
			.outbox = { 256, 216 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 1601,
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
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 2,
			.slot_us = 232,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1249,
			.tile = { 296, 364 },
			.outbox = { 256, 216 },
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
			.value_multiplier = 2136688858,
			.value_shift = 44,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 0,
			.phase = 3,
			.rounds = 0,
			.row_begin = 0,
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 2,
			.slot_us = 232,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1217,
			.tile = { 256, 292 },
			.outbox = { 216, 376 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 455,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 6,
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
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 1,
			.slot_us = 248,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 2027,
			.tile = { 216, 216 },
			.outbox = { 272, 272 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 20,
			.stride = 20,
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
			.kind = CATS_GATHER_ATTENTION,
			.block = 1,
			.phase = 5,
			.rounds = 0,
			.row_begin = 0,
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 2,
			.slot_us = 232,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1229,
			.tile = { 296, 364 },
			.outbox = { 256, 216 },
			.own_keep = CATS_PARTITION_AT(block1_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block1_attention_norm),
			.norm_epsilon = 345,
			.weights = CATS_PARTITION_AT(block1_attention_weights),
			.channels = CATS_PARTITION_AT(block1_attention_channels),
			.view = 13,
			.stride = 16,
			.products = 12,
			.shift = 39,
			.send_shift = 37,
			.send_multiplier = 1496245808,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_HEADS,
			.block = 1,
			.phase = 6,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1591,
			.tile = { 256, 256 },
			.outbox = { 296, 296 },
			.own_keep = CATS_PARTITION_AT(block1_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_heads_weights),
			.channels = CATS_PARTITION_AT(block1_heads_channels),
			.view = 13,
			.stride = 16,
			.products = 4,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 687194767,
			.value_multiplier = 1344287642,
			.value_shift = 44,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 1,
			.phase = 7,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1588,
			.tile = { 216, 216 },
			.outbox = { 228, 228 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1419,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 6,
			.shift = 39,
			.send_shift = 37,
			.send_multiplier = 1496245808,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_HIDDEN,
			.block = 1,
			.phase = 8,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 212,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1588,
			.tile = { 232, 232 },
			.outbox = { 228, 228 },
			.own_keep = CATS_PARTITION_AT(block1_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_hidden_weights),
			.channels = CATS_PARTITION_AT(block1_hidden_channels),
			.view = 20,
			.stride = 20,
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
			.block = 1,
			.phase = 9,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1581,
			.tile = { 216, 216 },
			.outbox = { 228, 228 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1953,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 13,
			.stride = 16,
			.products = 3,
			.shift = 31,
			.send_shift = 37,
			.send_multiplier = 1496245808,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_RESULT,
			.block = 1,
			.phase = 10,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 2,
			.buffers = 1,
			.slot_us = 210,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1581,
			.tile = { 180, 180 },
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
		{ { 2, 2, 1, 3, 2 }, { 0, 0, 0, 0, 0 }, { 3, 3, 1, 3, 3 }, { 0, 0, 0, 0, 0 } },
		{ { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 } },
		{ { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 } },
		{ { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 } },
		{ { 4, 4, 1, 4, 6 }, { 7, 7, 1, 2, 9 }, { 3, 3, 1, 4, 4 }, { 4, 4, 1, 4, 5 } },
		{ { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 }, { 3, 3, 1, 4, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 } },
		{ { 4, 4, 1, 1, 6 }, { 7, 7, 1, 1, 9 }, { 3, 3, 1, 1, 4 }, { 4, 4, 1, 1, 5 } },
		{ { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 }, { 3, 3, 1, 1, 4 } },
		{ { 6, 6, 1, 1, 3 }, { 6, 6, 1, 1, 3 }, { 4, 4, 1, 1, 2 }, { 4, 4, 1, 1, 2 } },
	},
	.input_own_keep = {
		0, 1,
	},
	.input_table = {
		{ -4154, -5136, -4911, -4376 },
		{ 4484, 2216, -1067, -2628 },
		{ -1642, -5914, 691, -2687 },
		{ 2307, 134, 512, 4011 },
		{ -682, 3642, -4571, 3321 },
		{ 810, 4513, 5796, -1834 },
		{ -5088, 2505, 4284, 1082 },
	},
	.input_weights = {
		{ 70, -21, 125, -30, 79, 0, 0, 0 },
		{ 62, 108, 126, 10, -110, 0, 0, 0 },
		{ -52, 121, 76, -38, 58, 0, 0, 0 },
		{ -6, -110, 100, 98, 99, 0, 0, 0 },
	},
	.input_channels = {
		{ 0, 1343789637 }, { 0, 1712550514 }, { 0, 1502127641 }, { 0, 1579213248 },
	},
	.block0_attention_own_keep = {
		0, 1, 2,
	},
	.pad_1610 = { 0, 0 },
	.block0_attention_norm = {
		{ -6896, 1828 }, { -11825, 3417 }, { -10518, -964 }, { 8987, -1217 },
		{ 8434, -3031 }, { 10675, 3602 }, { 6106, 2252 }, { 6517, 281 },
		{ -7707, 2809 }, { 10692, -3503 }, { 10537, 529 }, { 7534, -2878 },
		{ 7314, 2211 },
	},
	.block0_attention_weights = {
		{ -98, -122, 62, -49, -108, 124, -43, 10, -24, 38, 86, -59, 39,
		  0, 0, 0 },
		{ 115, -101, -6, 12, 103, -18, 52, 96, -47, -69, -68, -68, 25,
		  0, 0, 0 },
		{ 51, 8, 83, 15, 90, -115, -62, 50, -85, -122, -117, 121, -21,
		  0, 0, 0 },
		{ 87, 75, -63, 33, 107, 127, -51, -103, -79, -84, 84, 100, -12,
		  0, 0, 0 },
		{ 67, -82, 0, 36, -100, -118, 73, -45, -34, 81, -49, 114, -53,
		  0, 0, 0 },
		{ 72, -79, 40, 67, 69, 106, 36, -25, -58, 72, 105, -14, 40, 0, 0,
		  0 },
		{ -37, -35, -107, 2, -114, -76, -93, -75, 119, -81, -15, 47, 5,
		  0, 0, 0 },
		{ -27, -19, 34, 0, 40, -20, 35, 111, 27, -85, 83, 70, -127,
		  0, 0, 0 },
		{ 97, -25, 74, -23, -83, 42, -61, 73, -63, 44, 94, -2, -10, 0, 0,
		  0 },
		{ 17, -127, 82, 68, -111, -97, 8, -63, 92, 43, 121, -7, 119,
		  0, 0, 0 },
		{ -44, 37, -17, 110, 79, -120, 85, 30, 5, 93, 96, -65, -35,
		  0, 0, 0 },
		{ 20, -75, -88, -46, -12, 102, -9, 25, 64, -81, -87, -58, 49, 0, 0,
		  0 },
	},
	.block0_attention_channels = {
		{ 907, 1827609251 }, { -6663, 1980589936 }, { 7573, 1244242905 },
		{ -10134, 1046387886 }, { 6078, 1756218264 }, { 8695, 1931636117 },
		{ -8737, 2070338604 }, { -8140, 1156533979 }, { -5298, 1313594149 },
		{ 5908, 1540005563 }, { -10477, 1792933629 }, { 1694, 1741940067 },
	},
	.block0_heads_own_keep = {
		0, 1, 3,
	},
	.pad_1958 = { 0, 0 },
	.block0_heads_weights = {
		{ 81, 71, -28, 124, 44, 98, -8, -34, 103, 63, -75, -101, 36,
		  0, 0, 0 },
		{ 88, 105, 98, -33, -74, 15, -57, 94, -92, -111, 67, 123, -127,
		  0, 0, 0 },
		{ -102, 126, 120, -60, -55, 92, -82, -125, 67, -54, 99, -22, -62,
		  0, 0, 0 },
		{ 116, -77, 7, 114, 86, 109, -35, 49, -36, 110, -115, 64, -36,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ -9514, 931030888 }, { 8979, 625069518 }, { 1024, 922664757 },
		{ 266, 904737333 },
	},
	.block0_forward_own_keep = {
		0, 1, 3,
	},
	.pad_2062 = { 0, 0 },
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
		{ 9309, -3032 }, { -6861, 1860 }, { -11818, 945 }, { 9831, 564 },
		{ 6172, 1204 }, { 10753, -309 }, { 7480, -3367 }, { 6160, -1291 },
		{ -8640, -1434 }, { 8129, 2271 }, { 10393, -481 }, { 11891, -3291 },
		{ 7404, 3404 },
	},
	.block0_forward_weights = {
		{ 101, -41, 113, -25, -112, -103, -127, 77, -84, -127, 26, 93, -51,
		  0, 0, 0 },
		{ 115, 125, -76, -3, -127, -78, 0, -85, -51, 77, -8, -27, -48,
		  0, 0, 0 },
		{ -123, -86, -102, -85, 23, 29, 3, 96, 57, 37, -118, 6, 16,
		  0, 0, 0 },
		{ 47, 57, -30, -61, 86, -7, -30, 127, -12, 40, 21, 50, -113,
		  0, 0, 0 },
		{ -69, 117, -91, -37, -64, 51, 54, -2, 21, -107, 86, 89, 75,
		  0, 0, 0 },
		{ -59, 38, -19, 33, -13, -40, 96, 112, -43, -7, 96, -30, -9, 0, 0,
		  0 },
	},
	.block0_forward_channels = {
		{ -137, 1739900325 }, { -4855, 1340110801 }, { 2711, 1162653206 },
		{ 7144, 1387024878 }, { -6179, 2003027103 }, { -8243, 1629754231 },
	},
	.block0_hidden_own_keep = {
		0, 1, 4, 5,
	},
	.block0_hidden_weights = {
		{ 22, 29, 13, -12, 27, -17, 96, -8, 104, 39, 53, -1, -28,
		  -121, -24, 3, -57, -28, -91, -81 },
		{ -63, -68, 86, -46, 22, -121, -125, 37, -75, -37, 11, -59, 49,
		  41, 39, -124, 124, 103, -84, -124 },
		{ -68, 73, 65, 46, -117, 14, -88, -112, 18, -118, 97, 94, -103,
		  -46, -17, -35, -83, -27, 110, -88 },
		{ 70, 126, 24, -79, 21, 21, 23, -33, 45, 79, -114, 71, 28,
		  89, -51, 93, 71, 127, -108, -74 },
	},
	.block0_hidden_channels = {
		{ 1409, 1415291746 }, { 4342, 986695771 }, { -6403, 851025102 },
		{ -4319, 1225661153 },
	},
	.block1_attention_own_keep = {
		0, 1, 3,
	},
	.pad_2642 = { 0, 0 },
	.block1_attention_norm = {
		{ -9556, 2315 }, { 8265, 2498 }, { 11456, 1016 }, { -6045, -1621 },
		{ -6284, -2837 }, { -9801, -2645 }, { 10529, 3072 }, { -7176, 686 },
		{ -10456, 2912 }, { 11542, -1634 }, { 7715, -336 }, { 10769, 2222 },
		{ 6461, -3395 },
	},
	.block1_attention_weights = {
		{ 54, -23, 103, 40, -32, -27, 65, 56, -110, -104, -25, -99, 48,
		  0, 0, 0 },
		{ 9, 51, 12, -56, 48, -5, 67, 21, 80, 74, -9, -35, -66, 0, 0,
		  0 },
		{ 11, -126, 59, -127, 122, 11, -22, -92, -64, -111, -34, -47, 43,
		  0, 0, 0 },
		{ -59, 4, 19, 10, 53, 69, 5, 50, 37, 15, -97, 98, -111,
		  0, 0, 0 },
		{ 83, 102, 50, -106, 30, 85, 87, -52, -99, -90, -115, -18, -78,
		  0, 0, 0 },
		{ -61, 30, -72, 34, -13, -114, 62, -10, 6, 104, -68, 36, -50,
		  0, 0, 0 },
		{ -124, -42, 97, -13, 87, 121, -14, -50, -38, 7, 20, 75, -73,
		  0, 0, 0 },
		{ -103, 43, -79, -117, -36, -107, 98, 50, 10, -33, -89, 80, -76,
		  0, 0, 0 },
		{ -108, 62, 54, 1, -53, -93, 116, 43, -48, -14, 108, -16, -95,
		  0, 0, 0 },
		{ 102, 125, 72, 97, -32, 33, 74, 93, -125, -95, -38, -75, 9,
		  0, 0, 0 },
		{ -34, 97, -56, -94, 38, -125, -37, -79, -89, 52, 44, -106, -7,
		  0, 0, 0 },
		{ 76, -119, 85, -49, 105, 86, 30, -29, 75, -119, -99, -84, 60,
		  0, 0, 0 },
	},
	.block1_attention_channels = {
		{ 9888, 1578760670 }, { -4796, 2084616802 }, { -3214, 2007106588 },
		{ -7867, 1631793974 }, { -5813, 1843927190 }, { -4658, 1756218264 },
		{ -6950, 1968351481 }, { 1925, 1711343930 }, { 7008, 1274839042 },
		{ -1093, 2060139892 }, { 7490, 1788854144 }, { -1409, 1348269771 },
	},
	.block1_heads_own_keep = {
		0, 1, 2,
	},
	.pad_2990 = { 0, 0 },
	.block1_heads_weights = {
		{ -40, 113, 33, 100, 91, 92, 31, 10, 98, -68, 120, -105, -66,
		  0, 0, 0 },
		{ -71, 17, -103, 3, -81, 50, 102, -54, 38, 45, -48, 5, -80,
		  0, 0, 0 },
		{ 42, -62, -18, -64, 91, -35, 111, 36, -109, -126, 120, 3, 76,
		  0, 0, 0 },
		{ 9, 57, 93, -39, 42, -90, 99, -126, 45, 39, -26, 118, -106,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ 6142, 914298626 }, { -5396, 755342132 }, { 3853, 1177234178 },
		{ -4814, 1014692200 },
	},
	.block1_forward_own_keep = {
		0, 2, 3,
	},
	.pad_3094 = { 0, 0 },
	.block1_forward_table = {
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
	.block1_forward_norm = {
		{ 7423, -2976 }, { 7995, -3755 }, { 7462, -2248 }, { -8106, -3943 },
		{ 10149, 3993 }, { -7194, 1005 }, { 8450, 1638 }, { -11169, 3101 },
		{ 7603, 2855 }, { 7635, -2105 }, { -10331, -1840 }, { 9156, 2117 },
		{ 6601, 1085 },
	},
	.block1_forward_weights = {
		{ 31, -66, -55, 106, -29, 115, -53, -93, 9, 119, 90, 49, -28, 0, 0,
		  0 },
		{ -78, -39, -110, -85, 6, -29, 58, -102, -106, -47, 62, 90, -94,
		  0, 0, 0 },
		{ 28, 56, 48, 18, -118, 21, -17, 113, 117, 29, -46, -88, -50,
		  0, 0, 0 },
		{ -121, -38, -3, -40, -78, 23, 53, 73, 17, -81, 107, -75, -81,
		  0, 0, 0 },
		{ 58, -33, 24, -72, -120, 95, 4, 83, 3, -74, -34, -64, 93,
		  0, 0, 0 },
		{ 93, -26, -39, 104, -82, 36, 27, -34, -15, -64, 67, 38, -26, 0, 0,
		  0 },
	},
	.block1_forward_channels = {
		{ -10154, 1384985135 }, { -6332, 1181010889 }, { -3035, 1533886335 },
		{ 9368, 1764377234 }, { -632, 2080537317 }, { 2280, 1931636117 },
	},
	.block1_hidden_own_keep = {
		0, 1, 3, 5,
	},
	.block1_hidden_weights = {
		{ -99, -36, 65, -2, 53, 108, -60, 88, 108, -119, 80, -61, -17,
		  -58, -59, 57, 101, -75, 82, -107 },
		{ -82, -10, -3, 2, -16, -120, -39, 36, -46, -118, 75, 45, 78,
		  21, -66, -89, -54, -74, -41, -110 },
		{ -90, 78, -70, -84, 93, 116, 53, -10, -54, -58, 66, 33, -9,
		  -53, 108, -103, 80, 10, -20, 62 },
		{ -17, -37, 45, 101, 31, -113, -58, -123, -84, 17, 97, 56, 15,
		  90, -8, -100, -71, -83, 21, -102 },
	},
	.block1_hidden_channels = {
		{ 1108, 1327414154 }, { -8159, 1103865893 }, { -4764, 871067360 },
		{ -1116, 872609072 },
	},
	.output_own_keep = {
		0, 1, 2,
	},
	.pad_3674 = { 0, 0 },
	.output_norm = {
		{ -6486, -931 }, { -8811, 684 }, { 10706, -3883 }, { 10262, -3415 },
		{ 9124, -262 }, { 7105, 1614 }, { -11471, 1402 }, { 8287, 906 },
		{ 7357, -2892 }, { 6664, 298 }, { 11426, -2849 }, { 6133, -2055 },
		{ -8823, 3891 },
	},
	.output_weights = {
		{ -11, -75, 123, 37, 72, -11, -109, -125, -78, -81, -41, 14, -51,
		  0, 0, 0 },
		{ -14, -19, -93, -56, -51, -40, 16, -56, 23, 97, -22, 86, 39, 0, 0,
		  0 },
		{ -68, 62, 35, 53, -127, 22, -51, 51, 86, -87, -98, -48, 40,
		  0, 0, 0 },
	},
	.output_channels = {
		{ -1300, 1415071337 }, { 8831, 954535733 }, { -5205, 903542171 },
	},
	.result_own_keep = {
		0, 1, 2,
	},
	.pad_3806 = { 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
