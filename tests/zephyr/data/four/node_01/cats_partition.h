/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 1 of 4, deployment 081804c2.
 * 2 blocks, 7 tokens, 16 features, 4 heads, 24 hidden.
 * 3968 bytes of flash, 400 bytes of arena.
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
#define CATS_PARTITION_MODEL_ID 0x081804c2u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 400 /* bytes of RAM */
#define CATS_PARTITION_SIZE 3968 /* bytes of flash */

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
	int8_t block0_forward_weights[9][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[9];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[7];
	uint8_t pad_2598[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[3];
	uint8_t pad_2718[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[3];
	uint8_t pad_3066[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[3];
	uint8_t pad_3170[2];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[9][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[9];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[7];
	uint8_t pad_3710[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[4][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_3830[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[3][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[3];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[3];
	uint8_t pad_3962[6];
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
		.crc32 = 0x8b586c07u,
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
		.own_hidden = 9,
		.own_inputs = 0,
		.own_outputs = 3,
		.first_output = 3,
		.first_input = 2,
		.first_head = 1,
		.flags = CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 7,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 0,
		.arena_query = 92,
		.arena_key = 348,
		.arena_value = 316,
		.arena_heads = 92,
		.arena_hidden = 56,
		.arena_rows = 156,
		.arena_scores = 156,
		.arena_input = 0,
		.arena_pooled = 60,
		.arena_output = 0,
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
			.tile = { 72, 56 },
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
			.tile = { 120, 56 },
			.outbox = { 376, 388 },
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
			.tile = { 120, 56 },
			.outbox = { 388, 376 },
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
			.tile = { 316, 360 },
			.outbox = { 120, 132 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 455,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 9,
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
			.tile = { 316, 316 },
			.outbox = { 360, 360 },
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
			.tile = { 120, 56 },
			.outbox = { 376, 388 },
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
			.tile = { 120, 120 },
			.outbox = { 56, 56 },
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
			.tile = { 140, 140 },
			.outbox = { 120, 120 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1419,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 13,
			.stride = 16,
			.products = 9,
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
			.tile = { 128, 128 },
			.outbox = { 120, 120 },
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
			.tile = { 140, 140 },
			.outbox = { 56, 56 },
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
			.tile = { 20, 20 },
			.outbox = { 36, 36 },
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
		{ 4233, 4895, -393, -9 },
		{ 1883, 202, -5276, 5454 },
		{ -2481, 950, 3055, -709 },
		{ 4825, 3929, -1044, -237 },
		{ 1204, -5765, -1958, -4812 },
		{ -5503, -4239, 3545, 708 },
		{ -426, 363, -2960, -287 },
	},
	.input_weights = {
		{ 79, -122, -22, 39, -127, 0, 0, 0 },
		{ -55, 106, -21, 33, 8, 0, 0, 0 },
		{ -38, 67, 42, -39, -110, 0, 0, 0 },
		{ -90, -12, 80, 29, 125, 0, 0, 0 },
	},
	.input_channels = {
		{ 0, 1927140177 }, { 0, 1381290743 }, { 0, 1766718779 }, { 0, 1691716566 },
	},
	.block0_attention_own_keep = {
		1, 2, 3,
	},
	.pad_1606 = { 0, 0 },
	.block0_attention_norm = {
		{ -6896, 1828 }, { -11825, 3417 }, { -10518, -964 }, { -6209, -2742 },
		{ 8434, -3031 }, { 10675, 3602 }, { 6106, 2252 }, { 6517, 281 },
		{ -7707, 2809 }, { 10692, -3503 }, { 10537, 529 }, { 7534, -2878 },
		{ 7314, 2211 },
	},
	.block0_attention_weights = {
		{ 89, -88, -69, -77, 43, 125, 126, 19, -63, 107, -46, -86, -52, 0, 0,
		  0 },
		{ -98, 2, -22, 46, 21, 121, -3, 47, -16, -113, -28, -28, -28,
		  0, 0, 0 },
		{ -108, 74, -47, 29, -58, -2, -125, -14, -86, -71, -67, -19, 94,
		  0, 0, 0 },
		{ 33, 67, -66, 73, 1, -98, -86, 77, 20, 57, 75, -124, 77,
		  0, 0, 0 },
		{ 110, 9, 104, -69, 3, -64, -67, 91, -120, 91, -43, 16, -107,
		  0, 0, 0 },
		{ 21, 35, -65, 22, -35, 16, -76, -74, 23, -66, 116, 13, -108,
		  0, 0, 0 },
		{ 54, -118, -102, 41, 114, 58, 100, -28, -63, 69, 21, 26, 20,
		  0, 0, 0 },
		{ -40, 35, -82, 65, 36, 6, 82, -126, 76, -102, 6, 77, -77,
		  0, 0, 0 },
		{ -76, 77, 30, 103, 115, 104, -89, -36, -82, 6, -11, -88, -49, 0, 0,
		  0 },
		{ -76, 101, -82, 40, 37, 3, 73, -76, 99, -76, -77, -91, 66, 0, 0,
		  0 },
		{ 56, 121, -7, 114, 39, -108, 48, 88, -17, 117, -116, 52, -70,
		  0, 0, 0 },
		{ 117, 83, -93, -47, 61, 102, -59, -113, -24, -37, -108, 25, -50,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 6550, 1395183848 }, { 8793, 1358468483 }, { 8862, 1344190286 },
		{ 5470, 1595078609 }, { -1994, 1435978697 }, { 9773, 1378865908 },
		{ -10283, 1931636117 }, { -6544, 1174891661 }, { -8364, 2049941180 },
		{ -5234, 2005066845 }, { -2750, 1988748906 }, { -6835, 1203448056 },
	},
	.block0_heads_own_keep = {
		0, 1, 3,
	},
	.pad_1954 = { 0, 0 },
	.block0_heads_weights = {
		{ 31, -34, 66, -77, -116, 96, -58, -73, 115, 11, -112, 66, -90,
		  0, 0, 0 },
		{ -122, -45, 86, -126, -19, 74, -70, -32, -21, -55, 10, -24, 46,
		  0, 0, 0 },
		{ 116, -24, 17, -93, -6, 18, 45, -68, 57, -106, 27, -58, 82,
		  0, 0, 0 },
		{ 109, 43, 67, 0, 40, -48, -19, -57, 64, -8, 105, 4, 20, 0, 0,
		  0 },
	},
	.block0_heads_channels = {
		{ 7475, 644192103 }, { 6933, 622679195 }, { 9318, 1113890613 },
		{ -3876, 1033814786 },
	},
	.block0_forward_own_keep = {
		0, 1, 3,
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
		{ 10753, -309 }, { 9620, 1891 }, { 7480, -3367 }, { 6160, -1291 },
		{ -8640, -1434 }, { 8129, 2271 }, { 10393, -481 }, { 11891, -3291 },
		{ 7404, 3404 },
	},
	.block0_forward_weights = {
		{ -76, 6, 6, -86, -83, -56, 55, 26, -102, -5, -73, 92, -108,
		  0, 0, 0 },
		{ 113, -72, -89, 0, -43, -87, -114, 109, 45, -50, 127, 81, -116,
		  0, 0, 0 },
		{ -44, 127, -102, 120, -48, -118, 56, -69, 51, -12, -4, -114, -111,
		  0, 0, 0 },
		{ 10, -13, -8, -113, 37, 108, -54, 115, -60, -123, 123, 119, 92,
		  0, 0, 0 },
		{ 71, -80, 102, -1, 78, -72, -84, 39, -8, -72, 20, 104, -73, 0, 0,
		  0 },
		{ 45, -43, -1, -22, 44, -12, -76, -65, 61, 13, -8, 4, -11, 0, 0,
		  0 },
		{ -17, -2, 17, -41, -121, 12, 73, -97, -46, 37, -114, -114, -18,
		  0, 0, 0 },
		{ -1, -83, 8, 116, -62, -2, 32, 81, -55, -75, -55, -72, 32, 0, 0,
		  0 },
		{ 83, 95, -10, 59, -125, 106, -85, 58, 26, 15, -54, 127, 25,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 6354, 1054546856 }, { -9177, 1517568396 }, { -4046, 1480853031 },
		{ -10517, 1560402988 }, { -642, 1639952944 }, { -1546, 1850046418 },
		{ 6723, 1527767108 }, { 9341, 1366627453 }, { 5645, 1586919640 },
	},
	.block0_hidden_own_keep = {
		0, 3, 4, 5, 6, 7, 8,
	},
	.pad_2598 = { 0, 0 },
	.block0_hidden_weights = {
		{ -17, 98, 24, -2, -31, 98, -107, 77, 77, -64, 120, 15, 8,
		  -91, 2, -4, -125, 96, 31, -100 },
		{ 58, 114, 1, -28, 21, 14, -35, -37, 45, 77, -80, 121, -121,
		  -121, -87, -89, -91, -109, -86, 66 },
		{ -89, 125, -67, -15, 7, -77, 57, 104, -64, -3, 109, 0, -110,
		  -83, 68, 111, 119, 68, -17, 75 },
		{ 85, -67, 93, -80, 39, -39, -83, 106, -117, -31, -83, 110, 121,
		  116, 14, -11, -50, 72, -118, -51 },
	},
	.block0_hidden_channels = {
		{ 5054, 1052989393 }, { -5151, 806315450 }, { 744, 1535545293 },
		{ 2450, 1083823636 },
	},
	.block1_attention_own_keep = {
		0, 1, 3,
	},
	.pad_2718 = { 0, 0 },
	.block1_attention_norm = {
		{ -9556, 2315 }, { 8265, 2498 }, { -6045, -1621 }, { -6284, -2837 },
		{ -9801, -2645 }, { 8336, -1970 }, { 10529, 3072 }, { -7176, 686 },
		{ -10456, 2912 }, { 11542, -1634 }, { 7715, -336 }, { 10769, 2222 },
		{ 6461, -3395 },
	},
	.block1_attention_weights = {
		{ 85, -125, -14, -45, 52, -96, 53, 68, 123, 31, -5, -74, 23,
		  0, 0, 0 },
		{ 54, 98, -89, -72, -54, 20, -54, -40, -31, -6, 96, 113, 54, 0, 0,
		  0 },
		{ 8, -93, -56, 72, 95, -69, -75, 111, -29, -118, 48, -64, -28,
		  0, 0, 0 },
		{ 114, 64, -22, -82, 106, 67, 91, -117, 88, 39, 92, 52, -74,
		  0, 0, 0 },
		{ -110, -23, 46, 81, -44, 8, 7, -12, 48, 84, 66, -22, -60,
		  0, 0, 0 },
		{ -33, -41, -17, 18, 102, 115, -27, 0, -30, 31, -58, -36, 118, 0, 0,
		  0 },
		{ 68, -88, 116, -34, 116, 23, 34, -110, 33, 50, -103, 108, -119,
		  0, 0, 0 },
		{ 81, 103, 32, -39, 35, -60, -23, 0, 80, 66, -29, 77, -127,
		  0, 0, 0 },
		{ -9, 30, 87, -1, 14, 15, 102, -27, 49, 51, -51, 19, -24, 0, 0,
		  0 },
		{ -49, -124, 75, -53, 36, -80, 109, 11, -15, 1, -46, 125, 70,
		  0, 0, 0 },
		{ -17, -35, -109, 18, -91, 25, -93, 69, -61, -14, 108, -72, 122,
		  0, 0, 0 },
		{ -64, 87, -90, 125, 3, 81, 84, -72, -82, -78, 49, -52, -36, 0, 0,
		  0 },
	},
	.block1_attention_channels = {
		{ 9160, 1713383673 }, { -3929, 1415581272 }, { 9112, 1778655432 },
		{ -5871, 1905119465 }, { -3148, 1748059295 }, { -9024, 1821490023 },
		{ 1317, 1888801525 }, { -6798, 2031583497 }, { 4430, 2015265558 },
		{ 9986, 1727661870 }, { 316, 1978550193 }, { 1545, 1495131229 },
	},
	.block1_heads_own_keep = {
		0, 2, 3,
	},
	.pad_3066 = { 0, 0 },
	.block1_heads_weights = {
		{ -98, -82, -80, -14, 112, 1, 1, 33, 37, 83, 23, 76, -7, 0, 0,
		  0 },
		{ 26, -77, -73, -16, 67, -58, -3, 83, 114, -71, 89, 91, -81, 0, 0,
		  0 },
		{ -60, 58, 6, -39, 6, -79, -43, 124, -72, 99, -20, 56, -16, 0, 0,
		  0 },
		{ -11, 44, -114, -7, 20, -27, -47, -120, -4, 88, 20, 122, -101,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ 5443, 654948558 }, { -8166, 823466344 }, { 5060, 1180819663 },
		{ 6599, 868882485 },
	},
	.block1_forward_own_keep = {
		0, 1, 3,
	},
	.pad_3170 = { 0, 0 },
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
		{ -7194, 1005 }, { 8787, 3117 }, { 8450, 1638 }, { -11169, 3101 },
		{ 7603, 2855 }, { 7635, -2105 }, { -10331, -1840 }, { 9156, 2117 },
		{ 6601, 1085 },
	},
	.block1_forward_weights = {
		{ 42, -9, -64, -119, 92, -63, -15, 69, 29, 95, -85, 82, -7,
		  0, 0, 0 },
		{ -103, -4, 75, 66, 5, 61, -1, -121, 86, 69, -82, 20, -121,
		  0, 0, 0 },
		{ 80, -26, -101, -94, 6, 76, -112, -4, 24, 66, -111, -83, 15,
		  0, 0, 0 },
		{ 15, -24, -66, 88, 71, 36, 113, 45, -54, 46, -23, 121, 55, 0, 0,
		  0 },
		{ -19, 97, -27, 57, -23, -20, -83, -121, 119, -73, 47, 59, 111,
		  0, 0, 0 },
		{ 19, -38, 42, -87, 21, 8, -70, 23, 3, -114, 76, -100, 113,
		  0, 0, 0 },
		{ 102, -25, -60, 45, -28, 84, 73, 0, 92, 91, 105, -83, -76, 0, 0,
		  0 },
		{ -11, -38, -71, -127, -101, 80, 4, 2, 105, -49, -73, -18, -2,
		  0, 0, 0 },
		{ 40, 10, 90, 11, -117, -53, 6, 3, -73, -53, -84, 35, 124,
		  0, 0, 0 },
	},
	.block1_forward_channels = {
		{ -2859, 1215686511 }, { 4066, 2019345043 }, { 6745, 1709304188 },
		{ -7069, 1878602812 }, { 1378, 1864324615 }, { 2344, 1074944280 },
		{ 4770, 1121858357 }, { 3026, 1229964708 }, { -7140, 1827609251 },
	},
	.block1_hidden_own_keep = {
		1, 2, 3, 4, 6, 7, 8,
	},
	.pad_3710 = { 0, 0 },
	.block1_hidden_weights = {
		{ -21, -13, -125, -85, -42, 34, 39, -59, -24, -66, -113, 60, 3,
		  -11, 10, 14, 3, 46, -107, -62 },
		{ 96, -13, 127, -123, 25, -43, 72, 109, 9, -92, 47, -95, -11,
		  -42, -40, 127, -34, 77, -30, -20 },
		{ -53, -27, 7, -79, 81, 92, 97, 29, -121, -14, -14, 65, 114,
		  13, -114, -62, 96, -122, -96, -53 },
		{ 113, -58, 121, 17, -8, 18, -83, -38, -71, -46, 51, 62, -63,
		  -102, -51, -86, 107, -123, 36, -111 },
	},
	.block1_hidden_channels = {
		{ -7441, 1566379536 }, { -7854, 1037572271 }, { 6781, 983612346 },
		{ -4062, 1500085914 },
	},
	.output_own_keep = {
		0, 1, 2,
	},
	.pad_3830 = { 0, 0 },
	.output_norm = {
		{ -6486, -931 }, { -8811, 684 }, { 10706, -3883 }, { 9124, -262 },
		{ 7105, 1614 }, { -11471, 1402 }, { 6922, 425 }, { 8287, 906 },
		{ 7357, -2892 }, { 6664, 298 }, { 11426, -2849 }, { 6133, -2055 },
		{ -8823, 3891 },
	},
	.output_weights = {
		{ -33, -103, 64, 50, -78, -77, 16, 84, 35, -61, -20, 9, -47,
		  0, 0, 0 },
		{ -57, 12, -121, 12, -27, -102, 123, -39, -74, -13, -83, 77, -1,
		  0, 0, 0 },
		{ -88, 98, -50, -78, -6, -10, 85, -43, -52, 10, -115, -9, 23,
		  0, 0, 0 },
	},
	.output_channels = {
		{ 8213, 1622232681 }, { -562, 1038993819 }, { -4836, 831832475 },
	},
	.result_own_keep = {
		0, 1, 2,
	},
	.pad_3962 = { 0, 0, 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
