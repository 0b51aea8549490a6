/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 3 of 4, deployment 081804c2.
 * 2 blocks, 7 tokens, 16 features, 4 heads, 24 hidden.
 * 3728 bytes of flash, 400 bytes of arena.
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
#define CATS_PARTITION_MODEL_ID 0x081804c2u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 400 /* bytes of RAM */
#define CATS_PARTITION_SIZE 3728 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[11];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[11][4];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[7][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1606[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1954[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_2058[2];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[5][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[5];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[3];
	uint8_t pad_2614[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[3];
	uint8_t pad_2962[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[3];
	uint8_t pad_3066[2];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[5][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[5];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_3622[2];
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
		.crc32 = 0x91b8af71u,
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
		.own_hidden = 5,
		.own_inputs = 0,
		.own_outputs = 2,
		.first_output = 8,
		.first_input = 5,
		.first_head = 3,
		.flags = CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 7,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 344,
		.arena_query = 240,
		.arena_key = 304,
		.arena_value = 208,
		.arena_heads = 240,
		.arena_hidden = 196,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 0,
		.arena_pooled = 212,
		.arena_output = 192,
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
			.tile = { 160, 196 },
			.outbox = { 0, 0 },
			.own_keep = 0,
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
			.tile = { 160, 268 },
			.outbox = { 196, 332 },
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
			.tile = { 160, 268 },
			.outbox = { 196, 332 },
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
			.tile = { 160, 300 },
			.outbox = { 232, 288 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 455,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 5,
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
			.tile = { 232, 232 },
			.outbox = { 288, 288 },
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
			.tile = { 160, 268 },
			.outbox = { 196, 332 },
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
			.tile = { 164, 164 },
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
			.tile = { 268, 268 },
			.outbox = { 160, 160 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1419,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 5,
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
			.tile = { 172, 172 },
			.outbox = { 188, 188 },
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
			.tile = { 160, 160 },
			.outbox = { 188, 188 },
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
			.tile = { 172, 172 },
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
	.input_table = {
		{ 1233, 5431, 3947, 1267 },
		{ -5194, -649, -1931, 2911 },
		{ 1098, 4710, 839, -2203 },
		{ 3021, -4705, 5574, -657 },
		{ -4213, 2864, -160, 3503 },
		{ -4114, -2428, 85, 3956 },
		{ -1777, -3169, -2536, 571 },
	},
	.input_weights = {
		{ 89, 72, 126, -1, -113, 0, 0, 0 },
		{ 13, 96, -23, 11, -33, 0, 0, 0 },
		{ -100, 51, 115, -72, 33, 0, 0, 0 },
		{ 117, 114, -121, -16, 117, 0, 0, 0 },
	},
	.input_channels = {
		{ 0, 1166701080 }, { 0, 1425042034 }, { 0, 1652132065 }, { 0, 1345873032 },
	},
	.block0_attention_own_keep = {
		1, 2, 3,
	},
	.pad_1606 = { 0, 0 },
	.block0_attention_norm = {
		{ -6896, 1828 }, { -11825, 3417 }, { -10518, -964 }, { 8434, -3031 },
		{ 10675, 3602 }, { 6106, 2252 }, { 6517, 281 }, { -7707, 2809 },
		{ 10692, -3503 }, { 6816, -330 }, { 10537, 529 }, { 7534, -2878 },
		{ 7314, 2211 },
	},
	.block0_attention_weights = {
		{ 99, -67, 45, -45, 5, -47, 64, 19, 121, -75, -48, 84, 106, 0, 0,
		  0 },
		{ 32, 70, 59, -11, -119, -114, 78, -48, 125, 44, 116, 83, -15,
		  0, 0, 0 },
		{ -108, 123, 2, 75, -87, 44, -49, 23, -90, -28, 66, -116, 110,
		  0, 0, 0 },
		{ 40, -99, -43, -77, 126, -25, 113, -70, 24, -49, 37, 46, -84, 0, 0,
		  0 },
		{ -88, 85, -99, 62, -42, -63, 45, 14, 116, -85, 73, 63, -27, 0, 0,
		  0 },
		{ 124, 59, -71, 32, 123, 111, -14, -14, -92, -122, 3, -38, 24,
		  0, 0, 0 },
		{ 29, 106, 86, -116, -70, 100, 71, 76, 3, -43, 100, 76, 37,
		  0, 0, 0 },
		{ 84, -31, -59, 17, -3, -119, 14, 126, -31, -124, 83, 20, 60,
		  0, 0, 0 },
		{ -84, -88, 105, -124, -84, 9, -45, -33, -32, -92, -2, -55, -53,
		  0, 0, 0 },
		{ -75, -59, 113, -43, -71, -49, -112, 88, -119, 14, 8, -79, -79,
		  0, 0, 0 },
		{ -49, -58, 113, 107, -86, -45, 93, -84, -77, 34, 40, -105, 126,
		  0, 0, 0 },
		{ 103, 66, 2, -102, -19, 102, 109, 39, 35, 29, -107, -28, -38,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 2906, 1495131229 }, { 5798, 1886761782 }, { -8613, 1397223590 },
		{ 2820, 1162653206 }, { 8267, 1680747793 }, { 409, 2072378347 },
		{ -509, 2017305300 }, { -2787, 1593038867 }, { 543, 1076984023 },
		{ -7699, 1352349256 }, { 8152, 1087182735 }, { 9454, 1211607026 },
	},
	.block0_heads_own_keep = {
		1, 2, 3,
	},
	.pad_1954 = { 0, 0 },
	.block0_heads_weights = {
		{ 1, 12, 74, -124, -98, -54, 103, -125, 65, -117, -122, 71, -61,
		  0, 0, 0 },
		{ 108, -86, -100, -76, -8, 0, 4, 91, -27, 7, 51, -17, -99,
		  0, 0, 0 },
		{ 108, 52, -50, -84, -67, 6, -33, -25, 118, -113, 49, -26, -40,
		  0, 0, 0 },
		{ -76, -74, 117, 46, 74, -1, -42, -80, -111, 121, -119, -116, 88,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ -480, 622679195 }, { -7924, 1121061583 }, { -5479, 675266305 },
		{ -5810, 1075645442 },
	},
	.block0_forward_own_keep = {
		0, 2, 3,
	},
	.pad_2058 = { 0, 0 },
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
		{ 10753, -309 }, { 7480, -3367 }, { 6160, -1291 }, { -8640, -1434 },
		{ 8129, 2271 }, { 10393, -481 }, { -9676, 2915 }, { 11891, -3291 },
		{ 7404, 3404 },
	},
	.block0_forward_weights = {
		{ 11, 79, 75, 55, -24, 23, 101, -63, -118, -68, 102, 15, -78,
		  0, 0, 0 },
		{ 68, 122, 77, 57, 51, 45, -1, -118, 86, 95, -99, 37, -102,
		  0, 0, 0 },
		{ -115, -16, 21, -3, -1, -121, 91, -63, -87, -15, 20, 127, -103,
		  0, 0, 0 },
		{ 6, -125, 24, 17, -104, -35, -13, -1, -1, -11, 52, -26, 81,
		  0, 0, 0 },
		{ -62, 87, -125, 31, -34, 108, -81, -3, -22, -67, -70, -41, 41,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 3419, 1056586598 }, { 3368, 1064745568 }, { 629, 1568561957 },
		{ -3420, 1825569508 }, { 2553, 1892881010 },
	},
	.block0_hidden_own_keep = {
		0, 2, 3, 4,
	},
	.block0_hidden_weights = {
		{ -118, -118, -47, -5, 122, -119, -21, 114, -114, -21, 59, 53, 61,
		  87, 36, -89, 45, 86, 124, 0 },
		{ -84, 3, -65, 0, -59, -113, 81, -104, 105, 41, -34, 5, 19,
		  70, -114, 31, 96, 81, -53, 0 },
		{ 123, -99, 66, 99, 60, 83, -90, -60, 85, -120, -119, 88, -70,
		  114, 31, -56, -88, -8, 82, 0 },
		{ -123, -100, 8, 40, 5, -117, 55, -87, 120, 96, 47, 48, 107,
		  -58, 69, 96, 121, -39, -100, 0 },
	},
	.block0_hidden_channels = {
		{ -1310, 1416833458 }, { 7690, 1461543110 }, { -6580, 1116199591 },
		{ -297, 871067360 },
	},
	.block1_attention_own_keep = {
		0, 1, 3,
	},
	.pad_2614 = { 0, 0 },
	.block1_attention_norm = {
		{ -9556, 2315 }, { 8265, 2498 }, { -6045, -1621 }, { -6284, -2837 },
		{ -9801, -2645 }, { 10529, 3072 }, { -7176, 686 }, { -10456, 2912 },
		{ 11542, -1634 }, { 7715, -336 }, { 10769, 2222 }, { 6392, 2594 },
		{ 6461, -3395 },
	},
	.block1_attention_weights = {
		{ 30, -42, -39, 16, 45, 88, -90, -119, -76, -116, 84, 108, 17,
		  0, 0, 0 },
		{ -67, -94, -51, 60, 46, 11, 22, 1, -116, 33, -94, -88, -62,
		  0, 0, 0 },
		{ -88, -49, 54, 72, 54, -43, 125, -102, 50, 107, 126, -106, 71,
		  0, 0, 0 },
		{ 31, 76, -10, 28, -84, -55, 94, -120, -104, 79, 48, -44, 101,
		  0, 0, 0 },
		{ -110, -111, 30, 80, 67, -22, 46, -2, -9, 93, -57, -111, 8,
		  0, 0, 0 },
		{ -113, 77, 31, -75, 65, -101, 120, -26, -68, -122, 121, -31, -59,
		  0, 0, 0 },
		{ 52, -71, 95, -64, -101, -6, 100, 73, 102, -76, 58, -25, -66,
		  0, 0, 0 },
		{ 23, -14, -86, 81, 36, -9, -95, 76, 48, 66, -55, 24, 95, 0, 0,
		  0 },
		{ -10, 33, 111, -42, -96, 3, -84, 69, -49, -89, 114, 78, -116,
		  0, 0, 0 },
		{ -94, 37, -55, -79, -103, 107, -126, 108, 54, 64, 53, -109, 71,
		  0, 0, 0 },
		{ 12, 53, 66, -39, -64, -88, -79, -75, -74, 116, -106, 72, -67,
		  0, 0, 0 },
		{ -59, -101, 116, 84, 75, -106, 127, -66, 81, -53, 126, -81, -11,
		  0, 0, 0 },
	},
	.block1_attention_channels = {
		{ 9494, 2066259119 }, { 4454, 1882682297 }, { -1115, 1564482472 },
		{ -7426, 1774575947 }, { 10512, 1968351481 }, { 8519, 1719502900 },
		{ 502, 1342150544 }, { 3427, 1727661870 }, { 667, 1886761782 },
		{ -7700, 1650151656 }, { -9536, 1956113026 }, { -6869, 2066259119 },
	},
	.block1_heads_own_keep = {
		0, 2, 3,
	},
	.pad_2962 = { 0, 0 },
	.block1_heads_weights = {
		{ 60, 58, 5, 106, 64, -127, 61, 17, 25, -38, 93, -20, -39,
		  0, 0, 0 },
		{ -6, 43, 108, 58, -91, -73, -98, 72, 114, -60, 86, -38, 70, 0, 0,
		  0 },
		{ 5, 6, 44, 119, -121, 28, -123, -38, -41, -82, -16, -23, 53,
		  0, 0, 0 },
		{ -127, 107, 61, -112, 110, 84, 53, -47, 70, 20, 29, -74, 20,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ -114, 920274434 }, { 10399, 1220259996 }, { 5724, 812709889 },
		{ -10057, 952543797 },
	},
	.block1_forward_own_keep = {
		0, 1, 2,
	},
	.pad_3066 = { 0, 0 },
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
		{ -7194, 1005 }, { 8450, 1638 }, { -11169, 3101 }, { 7603, 2855 },
		{ 7635, -2105 }, { -10331, -1840 }, { 9156, 2117 }, { 6601, 1085 },
		{ 11147, -633 },
	},
	.block1_forward_weights = {
		{ -86, -56, 25, -7, 4, -66, -62, 101, -121, 71, 102, 122, -86,
		  0, 0, 0 },
		{ -27, -73, -34, 4, -99, 12, -96, -88, 91, -87, -75, 86, 105, 0, 0,
		  0 },
		{ -65, -18, 86, 104, -93, -39, -28, -18, 97, -49, -14, -85, 51, 0, 0,
		  0 },
		{ -61, -42, -67, 106, 121, -23, -64, -90, -97, -69, -120, 23, 40,
		  0, 0, 0 },
		{ 112, 65, 71, 10, 3, -99, 15, 70, 124, 10, -103, 32, -29,
		  0, 0, 0 },
	},
	.block1_forward_channels = {
		{ -1545, 1464535092 }, { -9013, 2084616802 }, { 5738, 1746019552 },
		{ -1484, 1079023765 }, { 6543, 1835768221 },
	},
	.block1_hidden_own_keep = {
		0, 1, 2, 4,
	},
	.block1_hidden_weights = {
		{ -81, 124, -83, 103, -109, 79, -36, 56, 106, -15, -33, -53, 41,
		  36, 105, -56, -78, -86, 105, 0 },
		{ -58, -94, 70, -99, -60, 64, 13, 103, -51, 101, -76, 15, 114,
		  -82, 63, 31, -23, -117, -50, 0 },
		{ 20, -78, 104, 95, -13, 45, 1, 61, 8, -6, -99, -68, -105,
		  76, 98, -104, 93, 63, 56, 0 },
		{ -90, -36, -86, 71, -57, 65, -115, 24, 82, 107, 96, 11, -60,
		  72, -89, -3, 108, 30, -72, 0 },
	},
	.block1_hidden_channels = {
		{ 6622, 1489293929 }, { -7948, 1358248397 }, { -3508, 1395249488 },
		{ -460, 1103865893 },
	},
	.output_own_keep = {
		0, 2, 3,
	},
	.pad_3622 = { 0, 0 },
	.output_norm = {
		{ -6486, -931 }, { -8811, 684 }, { 10706, -3883 }, { 9124, -262 },
		{ 7105, 1614 }, { -11471, 1402 }, { 8287, 906 }, { 7357, -2892 },
		{ 6664, 298 }, { 11426, -2849 }, { -8585, -1658 }, { 6133, -2055 },
		{ -8823, 3891 },
	},
	.output_weights = {
		{ -4, 2, -35, 5, 91, 119, -106, -121, -49, 31, 53, -97, -94,
		  0, 0, 0 },
		{ -12, -125, -106, -22, -123, -79, -9, 1, 96, -97, -44, 83, -51,
		  0, 0, 0 },
	},
	.output_channels = {
		{ -9070, 1134606747 }, { -7300, 889200232 },
	},
	.result_own_keep = {
		0, 1,
	},
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
