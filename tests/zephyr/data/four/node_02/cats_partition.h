/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 2 of 4, deployment 081804c2.
 * 2 blocks, 7 tokens, 16 features, 4 heads, 24 hidden.
 * 3688 bytes of flash, 400 bytes of arena.
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
#define CATS_PARTITION_MODEL_ID 0x081804c2u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 400 /* bytes of RAM */
#define CATS_PARTITION_SIZE 3688 /* bytes of flash */

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
	uint16_t input_own_keep[3];
	uint8_t pad_1486[2];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[7][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1614[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1962[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_2066[2];
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
	uint8_t pad_2478[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[3];
	uint8_t pad_2598[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[3];
	uint8_t pad_2946[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[3];
	uint8_t pad_3050[2];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[3];
	uint8_t pad_3462[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_3582[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[2][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[2];
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
		.crc32 = 0xd8257817u,
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
		.own_hidden = 4,
		.own_inputs = 3,
		.own_outputs = 2,
		.first_output = 6,
		.first_input = 2,
		.first_head = 2,
		.flags = CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 7,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 220,
		.arena_query = 344,
		.arena_key = 372,
		.arena_value = 312,
		.arena_heads = 344,
		.arena_hidden = 348,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 160,
		.arena_pooled = 208,
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
			.tile = { 180, 188 },
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
			.tile = { 276, 160 },
			.outbox = { 196, 208 },
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
			.tile = { 276, 160 },
			.outbox = { 196, 208 },
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
			.tile = { 276, 312 },
			.outbox = { 160, 376 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 455,
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
			.rows = 7,
			.tile_rows = 4,
			.element = 1,
			.buffers = 1,
			.slot_us = 248,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 2027,
			.tile = { 160, 160 },
			.outbox = { 312, 312 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 19,
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
			.tile = { 276, 160 },
			.outbox = { 196, 208 },
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
			.tile = { 196, 196 },
			.outbox = { 160, 160 },
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
			.tile = { 176, 176 },
			.outbox = { 188, 188 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1419,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 4,
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
			.tile = { 160, 160 },
			.outbox = { 176, 176 },
			.own_keep = CATS_PARTITION_AT(block1_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_hidden_weights),
			.channels = CATS_PARTITION_AT(block1_hidden_channels),
			.view = 19,
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
			.tile = { 196, 196 },
			.outbox = { 212, 212 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1953,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 13,
			.stride = 16,
			.products = 2,
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
		0, 1, 2,
	},
	.pad_1486 = { 0, 0 },
	.input_table = {
		{ 786, 391, 3582, -1665 },
		{ 2879, 3247, -3435, 795 },
		{ -1532, 5030, -5354, 3266 },
		{ -91, 1630, -1971, 917 },
		{ 5534, 4914, 3941, 2598 },
		{ -838, -1087, 1546, 2330 },
		{ -5371, 562, -4169, 4930 },
	},
	.input_weights = {
		{ -112, -113, 29, -96, 65, 0, 0, 0 },
		{ -77, -60, 10, 3, 71, 0, 0, 0 },
		{ -57, 84, 95, 85, 71, 0, 0, 0 },
		{ 14, 44, 110, 71, 7, 0, 0, 0 },
	},
	.input_channels = {
		{ 0, 1341706242 }, { 0, 1683382987 }, { 0, 1902139440 }, { 0, 1362540190 },
	},
	.block0_attention_own_keep = {
		1, 2, 3,
	},
	.pad_1614 = { 0, 0 },
	.block0_attention_norm = {
		{ -6896, 1828 }, { -11825, 3417 }, { -10518, -964 }, { 8434, -3031 },
		{ 10675, 3602 }, { 6106, 2252 }, { 7583, -3747 }, { 6517, 281 },
		{ -7707, 2809 }, { 10692, -3503 }, { 10537, 529 }, { 7534, -2878 },
		{ 7314, 2211 },
	},
	.block0_attention_weights = {
		{ 79, 120, 44, 95, 38, -101, 47, -26, 15, -115, 50, 52, 59,
		  0, 0, 0 },
		{ -100, 56, -56, -45, 9, -9, -10, -63, 90, 1, -46, -80, -46,
		  0, 0, 0 },
		{ 18, 24, -126, -3, -101, 82, -62, 94, -96, -4, -55, 30, -103,
		  0, 0, 0 },
		{ -107, -103, -58, -27, -98, 63, -72, -108, -113, 4, 68, -27, -33,
		  0, 0, 0 },
		{ -15, 39, 71, 98, 51, -80, -127, -19, -93, 56, 40, -79, -96,
		  0, 0, 0 },
		{ 12, -11, -11, -102, -121, -91, 29, 105, 99, -58, 17, 68, 8,
		  0, 0, 0 },
		{ -47, -81, 63, 48, -71, 55, -123, -78, 80, -121, -6, 80, 60,
		  0, 0, 0 },
		{ -17, -99, 24, -85, -102, -89, 21, 115, 109, -34, 9, 60, 94,
		  0, 0, 0 },
		{ -103, 5, 112, -29, -110, -46, 14, 2, -58, 82, 91, -125, 95,
		  0, 0, 0 },
		{ 104, -44, -7, -10, -3, -1, 118, 87, 56, -25, 101, 72, 126, 0, 0,
		  0 },
		{ 127, 101, -118, -83, 35, -87, 20, 1, -104, 55, 96, -44, 127,
		  0, 0, 0 },
		{ -90, -104, 27, 75, -63, 113, -105, -97, -68, 119, -115, 3, -7,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ -3724, 1250362132 }, { 7542, 1374786423 }, { 1008, 1099421190 },
		{ 7628, 1064745568 }, { 3260, 1896960495 }, { -956, 1301355694 },
		{ 8414, 1884722040 }, { 752, 2049941180 }, { 2947, 1792933629 },
		{ -9653, 1892881010 }, { 7961, 1511449168 }, { -8409, 1658310626 },
	},
	.block0_heads_own_keep = {
		0, 1, 2,
	},
	.pad_1962 = { 0, 0 },
	.block0_heads_weights = {
		{ -112, 50, -47, 124, -46, -31, 124, 68, 34, -49, 98, 39, -3,
		  0, 0, 0 },
		{ -119, -67, -4, 7, -96, 74, 66, -25, -110, 115, -65, -26, -73,
		  0, 0, 0 },
		{ 49, -109, 15, 49, -107, -120, -48, 100, 103, 99, -37, 82, -64,
		  0, 0, 0 },
		{ -127, 122, -6, -118, -76, 67, 43, -47, -126, -87, -50, -61, -31,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ 5499, 1000350261 }, { 9962, 676461467 }, { -2496, 986008322 },
		{ 4725, 871272808 },
	},
	.block0_forward_own_keep = {
		1, 2, 3,
	},
	.pad_2066 = { 0, 0 },
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
		{ 9309, -3032 }, { -6861, 1860 }, { 9831, 564 }, { 6172, 1204 },
		{ 10753, -309 }, { 7480, -3367 }, { 10332, -2545 }, { 6160, -1291 },
		{ -8640, -1434 }, { 8129, 2271 }, { 10393, -481 }, { 11891, -3291 },
		{ 7404, 3404 },
	},
	.block0_forward_weights = {
		{ 66, -117, 98, 35, 43, 9, 7, -20, -61, -68, 24, 74, 127,
		  0, 0, 0 },
		{ -8, 113, -2, 16, 123, -22, 24, -43, 8, 94, -105, 19, 1,
		  0, 0, 0 },
		{ -104, 85, 102, 13, 53, -45, 60, -4, -29, 97, 53, -114, 41,
		  0, 0, 0 },
		{ 26, 110, 56, -95, 46, -12, -22, -111, 124, -69, -25, -75, 15,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 2082, 1970391223 }, { -4053, 1750099037 }, { -9760, 1562442730 },
		{ 9152, 1089222478 },
	},
	.block0_hidden_own_keep = {
		0, 1, 2,
	},
	.pad_2478 = { 0, 0 },
	.block0_hidden_weights = {
		{ -59, 14, 51, 91, -51, -52, 111, -37, 88, -10, 17, 71, -17, -70, -48,
		  4, -62, -42, 25, 0 },
		{ -106, 56, 29, -3, -102, -13, 71, -11, -52, -84, 94, -39, -117,
		  -22, -62, -108, 81, 87, 102, 0 },
		{ -123, 119, -35, -100, -102, -22, 42, -60, 15, 45, 58, 91, 69,
		  -107, 58, -95, -82, 68, 67, 0 },
		{ -84, 74, 119, -42, 52, -117, 6, -13, -67, 19, -81, 77, 103,
		  29, -62, -106, 73, 11, -33, 0 },
	},
	.block0_hidden_channels = {
		{ 7596, 1352081548 }, { 2706, 1365956958 }, { 2933, 1228744577 },
		{ -4246, 1372123806 },
	},
	.block1_attention_own_keep = {
		1, 2, 3,
	},
	.pad_2598 = { 0, 0 },
	.block1_attention_norm = {
		{ -9556, 2315 }, { 8265, 2498 }, { -6045, -1621 }, { -6284, -2837 },
		{ -9801, -2645 }, { 10529, 3072 }, { 8351, 2397 }, { -7176, 686 },
		{ -10456, 2912 }, { 11542, -1634 }, { 7715, -336 }, { 10769, 2222 },
		{ 6461, -3395 },
	},
	.block1_attention_weights = {
		{ 82, 26, -41, 124, 45, 23, -77, -70, 36, 7, 86, -102, 54,
		  0, 0, 0 },
		{ -41, 15, -87, 63, -47, 33, -47, -103, -17, -89, 50, -49, 41,
		  0, 0, 0 },
		{ 51, 13, 12, -59, -102, -119, 108, 87, 58, -46, -13, 41, 55,
		  0, 0, 0 },
		{ -29, -69, 49, 70, -22, -78, 78, -8, 99, -43, -121, 116, -90,
		  0, 0, 0 },
		{ -9, -6, -122, 103, 34, -67, -91, -40, -105, -22, -73, -64, 44,
		  0, 0, 0 },
		{ 41, -66, -9, -89, -22, 63, 42, -12, 15, -27, -14, 10, -65, 0, 0,
		  0 },
		{ 89, -61, -97, 99, -48, -81, 73, 124, -9, -104, 77, 103, -21,
		  0, 0, 0 },
		{ 127, 4, -35, 121, -51, 98, 14, -28, -11, -17, 93, 99, 24, 0, 0,
		  0 },
		{ 67, -96, 3, -1, 47, 49, -10, 101, 56, -8, 67, -8, 60, 0, 0,
		  0 },
		{ -122, -108, 108, 118, 60, 120, 40, -91, 6, 25, 14, -52, -59,
		  0, 0, 0 },
		{ -117, 72, 82, -6, -3, -100, 51, -99, -113, -77, 101, -19, 66,
		  0, 0, 0 },
		{ 67, 78, -89, -77, -66, -106, 121, 19, 115, -110, -78, -105, 41,
		  0, 0, 0 },
	},
	.block1_attention_channels = {
		{ -433, 1556323503 }, { 6937, 2003027103 }, { 9774, 1741940067 },
		{ -4984, 1476773546 }, { 1511, 1907159207 }, { -1079, 1374786423 },
		{ 2943, 1837807963 }, { 4718, 1619555519 }, { -4514, 1931636117 },
		{ -7479, 1174891661 }, { 9209, 1401303075 }, { 397, 1739900325 },
	},
	.block1_heads_own_keep = {
		0, 2, 3,
	},
	.pad_2946 = { 0, 0 },
	.block1_heads_weights = {
		{ -107, 43, -44, 11, -119, -26, 30, -123, 47, 58, 39, 74, 92,
		  0, 0, 0 },
		{ -26, 78, -65, -112, -62, -96, 82, 66, 99, 52, 46, -5, -84,
		  0, 0, 0 },
		{ 55, 6, 23, -105, 53, 26, -36, -22, 114, -108, -84, 35, -119,
		  0, 0, 0 },
		{ 1, -15, 64, -18, 99, 125, -75, -6, 3, 45, -127, 82, -94,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ -5873, 895176040 }, { -5285, 1086401896 }, { -9077, 835417960 },
		{ -10196, 902347009 },
	},
	.block1_forward_own_keep = {
		0, 2, 3,
	},
	.pad_3050 = { 0, 0 },
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
		{ 7423, -2976 }, { 7462, -2248 }, { -8106, -3943 }, { 10149, 3993 },
		{ -7194, 1005 }, { 8450, 1638 }, { -11169, 3101 }, { 11818, -2307 },
		{ 7603, 2855 }, { 7635, -2105 }, { -10331, -1840 }, { 9156, 2117 },
		{ 6601, 1085 },
	},
	.block1_forward_weights = {
		{ 41, -14, -101, 62, 109, 13, 31, -48, 118, 101, 66, -5, 8,
		  0, 0, 0 },
		{ 104, 58, -50, -85, -99, -37, -10, -28, 58, -67, -74, 85, -98, 0, 0,
		  0 },
		{ -35, -114, -38, -66, -72, 25, 60, 71, 127, -110, -13, 8, -78,
		  0, 0, 0 },
		{ -108, 36, 59, 120, 126, -103, -7, 1, -84, -71, 30, -116, 83,
		  0, 0, 0 },
	},
	.block1_forward_channels = {
		{ -6524, 1554283760 }, { -3733, 2060139892 }, { 6199, 2043821952 },
		{ -3738, 1146335267 },
	},
	.block1_hidden_own_keep = {
		1, 2, 3,
	},
	.pad_3462 = { 0, 0 },
	.block1_hidden_weights = {
		{ -50, -69, -102, -95, 115, -59, -16, 59, -70, 118, -16, 95, -58,
		  -51, -34, -82, 100, -45, -13, 0 },
		{ 107, -105, -77, -51, 120, -60, -21, 37, -110, 110, 89, -99, -88,
		  -94, -27, -51, -69, 50, 79, 0 },
		{ 80, -75, -51, 56, -41, 55, -105, 92, 46, 56, 118, -29, -43,
		  87, 8, 111, -94, -93, 81, 0 },
		{ 65, -22, 123, 47, 114, 108, 95, 62, 87, 33, -103, 81, 68,
		  88, 90, 24, -46, -118, 123, 0 },
	},
	.block1_hidden_channels = {
		{ -6889, 966653513 }, { 3708, 1253411971 }, { 5122, 1228744577 },
		{ 4323, 1258037108 },
	},
	.output_own_keep = {
		0, 2, 3,
	},
	.pad_3582 = { 0, 0 },
	.output_norm = {
		{ -6486, -931 }, { -8811, 684 }, { 10706, -3883 }, { 9124, -262 },
		{ 7105, 1614 }, { -11471, 1402 }, { 8287, 906 }, { 10009, 2471 },
		{ 7357, -2892 }, { 6664, 298 }, { 11426, -2849 }, { 6133, -2055 },
		{ -8823, 3891 },
	},
	.output_weights = {
		{ -82, 50, -9, -35, -88, 63, -76, -120, -92, -38, -65, -125, 27,
		  0, 0, 0 },
		{ -104, 47, -52, 3, 84, 33, 66, 17, 85, 121, 90, -31, 110,
		  0, 0, 0 },
	},
	.output_channels = {
		{ 823, 1112297064 }, { 9625, 967284123 },
	},
	.result_own_keep = {
		0, 1,
	},
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
