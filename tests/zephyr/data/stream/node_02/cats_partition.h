/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 2 of 3, deployment ce623342.
 * 2 blocks, 1 of 5 tokens, 16 features, 4 heads, 16 hidden.
 * 3584 bytes of flash, 288 bytes of arena.
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
#define CATS_PARTITION_NODES 3 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0xce623342u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 288 /* bytes of RAM */
#define CATS_PARTITION_SIZE 3584 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[11];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[11][3];
	/* own columns that are broadcast: [kept] */
	uint16_t input_own_keep[1];
	uint8_t pad_1394[2];
	/* position and bias, residual units: [C][own features] */
	int16_t input_table[5][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[3];
	uint8_t pad_1490[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* an inference is a step */
	struct cats_image_stream stream;
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[3];
	uint8_t pad_1842[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[3];
	uint8_t pad_1946[2];
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
	int8_t block0_hidden_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[3];
	uint8_t pad_2486[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[13];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[12][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[3];
	uint8_t pad_2834[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[3];
	uint8_t pad_2938[2];
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
	int8_t block1_hidden_weights[4][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[3];
	uint8_t pad_3478[2];
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
		.crc32 = 0xbb34d6b7u,
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
		.tokens = 1,
		.tokens_in = 1,
		.features = 16,
		.heads = 4,
		.hidden = 16,
		.blocks = 2,
		.inputs = 4,
		.outputs = 6,
		.head_width = 4,
		.own_heads = 1,
		.own_hidden = 5,
		.own_inputs = 1,
		.own_outputs = 2,
		.first_output = 4,
		.first_input = 3,
		.first_head = 3,
		.flags = CATS_FLAG_CAUSAL | CATS_FLAG_STREAM | CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_MEAN,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 1,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 64,
		.arena_query = 72,
		.arena_key = 120,
		.arena_value = 0,
		.arena_heads = 72,
		.arena_hidden = 92,
		.arena_rows = 160,
		.arena_scores = 160,
		.arena_input = 72,
		.arena_pooled = 72,
		.arena_output = 92,
		.arena_linear = 0,
		.arena_window = 0,
		.arena_sums = 76,
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
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 207,
			.control_us = 184,
			.turn_us = 374,
			.spacing_us = 1333,
			.tile = { 92, 92 },
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
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1395,
			.tile = { 108, 108 },
			.outbox = { 92, 92 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = CATS_PARTITION_AT(stream),
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 1772,
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
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1380,
			.tile = { 96, 96 },
			.outbox = { 92, 92 },
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
			.value_multiplier = 1310164215,
			.value_shift = 44,
			.coded_us = 0,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 0,
			.phase = 3,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1353,
			.tile = { 108, 108 },
			.outbox = { 72, 72 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 1987,
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
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 208,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1343,
			.tile = { 100, 100 },
			.outbox = { 72, 72 },
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
			.kind = CATS_GATHER_ATTENTION,
			.block = 1,
			.phase = 5,
			.rounds = 0,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 209,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1395,
			.tile = { 108, 108 },
			.outbox = { 92, 92 },
			.own_keep = CATS_PARTITION_AT(block1_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block1_attention_norm),
			.norm_epsilon = 1605,
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
			.spacing_us = 1380,
			.tile = { 96, 96 },
			.outbox = { 92, 92 },
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
			.value_multiplier = 1235559584,
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
			.spacing_us = 1353,
			.tile = { 108, 108 },
			.outbox = { 72, 72 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1388,
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
			.slot_us = 208,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1343,
			.tile = { 100, 100 },
			.outbox = { 72, 72 },
			.own_keep = CATS_PARTITION_AT(block1_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_hidden_weights),
			.channels = CATS_PARTITION_AT(block1_hidden_channels),
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
			.spacing_us = 1346,
			.tile = { 108, 108 },
			.outbox = { 104, 104 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1212,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 13,
			.stride = 16,
			.products = 2,
			.shift = 31,
			.send_shift = 39,
			.send_multiplier = 1789927476,
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
			.slot_us = 208,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1338,
			.tile = { 64, 64 },
			.outbox = { 72, 72 },
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
		{ { 2, 2, 1, 1, 2 }, { 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 4, 4, 1, 1, 5 }, { 4, 4, 1, 1, 6 }, { 4, 4, 1, 1, 5 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 4, 4, 1, 1, 5 }, { 4, 4, 1, 1, 6 }, { 4, 4, 1, 1, 5 } },
		{ { 3, 3, 1, 1, 4 }, { 6, 6, 1, 1, 8 }, { 3, 3, 1, 1, 4 } },
		{ { 4, 4, 1, 1, 2 }, { 4, 4, 1, 1, 2 }, { 4, 4, 1, 1, 2 } },
	},
	.input_own_keep = {
		0,
	},
	.pad_1394 = { 0, 0 },
	.input_table = {
		{ -5699, 4161, 5280, -3072 },
		{ 3132, 5235, -4575, -2057 },
		{ -1504, 4986, 5442, 1063 },
		{ 2783, -1668, 5268, 4958 },
		{ -46, 1321, -199, 2681 },
	},
	.input_weights = {
		{ -77, 97, 84, -3 },
		{ 26, -28, 56, -83 },
		{ 17, 52, -56, -43 },
		{ -99, 90, -34, 85 },
	},
	.input_channels = {
		{ 0, 623089404 }, { 0, 1042364517 }, { 0, 863007941 }, { 0, 829233001 },
	},
	.block0_attention_own_keep = {
		1, 2, 3,
	},
	.pad_1490 = { 0, 0 },
	.block0_attention_norm = {
		{ 10715, 2500 }, { 10909, 1587 }, { -7825, -3690 }, { 10186, -2257 },
		{ 11719, 3081 }, { -9196, -3460 }, { -10191, -1908 }, { 8198, -3475 },
		{ 7065, 3046 }, { 10203, 1876 }, { -7252, 2892 }, { 7549, -3118 },
		{ -10005, -3456 },
	},
	.block0_attention_weights = {
		{ -62, -71, -22, -120, 87, 25, -14, 36, -121, 80, 52, -105, 102,
		  0, 0, 0 },
		{ 92, -70, 89, 57, 18, -38, 104, -65, 12, -115, 11, 105, 88,
		  0, 0, 0 },
		{ -14, 57, 39, 59, 78, -38, -10, -17, -117, -89, 4, -53, 105,
		  0, 0, 0 },
		{ -67, -15, 126, -107, 118, -93, 35, 93, -29, -80, 3, -96, 79,
		  0, 0, 0 },
		{ -34, -110, -57, -82, 74, -117, 106, 34, -67, 60, 123, 72, 83,
		  0, 0, 0 },
		{ -124, -79, -2, 98, 112, -25, 105, -106, 115, 51, 20, 70, -46,
		  0, 0, 0 },
		{ -66, -22, -105, 27, -40, 7, -1, 2, 55, -69, -3, -116, -125,
		  0, 0, 0 },
		{ -2, 77, -84, -14, 25, 51, 68, -45, 42, 64, -18, 8, 50, 0, 0,
		  0 },
		{ 62, 6, -114, -10, -96, -122, -88, -35, -5, -117, 75, 72, -94,
		  0, 0, 0 },
		{ 13, 127, 110, -123, -125, 10, -115, 7, -10, 42, 61, 32, 40,
		  0, 0, 0 },
		{ -3, -8, 17, 47, 38, -19, -11, 20, -27, -59, -16, 87, -72, 0, 0,
		  0 },
		{ 84, 122, -64, 26, 12, -3, 81, -2, 93, 49, 76, 111, 22, 0, 0,
		  0 },
	},
	.block0_attention_channels = {
		{ 5036, 1022083412 }, { 6893, 1234362275 }, { -9954, 1814198056 },
		{ -2996, 1379812606 }, { -2681, 1275638720 }, { -1956, 1033876682 },
		{ -5219, 1855474502 }, { -3883, 1930165213 }, { 5303, 1975372748 },
		{ 1025, 1356226066 }, { -294, 1020117867 }, { 5375, 1959648388 },
	},
	.stream = {
		.rows = 5,
		.reserved = 0,
	},
	.block0_heads_own_keep = {
		1, 2, 3,
	},
	.pad_1842 = { 0, 0 },
	.block0_heads_weights = {
		{ -99, -34, -106, 70, 80, -50, 106, -71, 60, 6, 120, 39, -100,
		  0, 0, 0 },
		{ -76, 36, 57, -79, 102, -93, -76, -26, -68, -84, 3, -23, 23, 0, 0,
		  0 },
		{ -28, 93, -50, 84, 109, -74, -44, -56, -122, 109, -6, -21, -20,
		  0, 0, 0 },
		{ -81, -6, 12, -87, -126, 113, 26, 87, -77, -122, 43, 74, 64,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ -3292, 977781870 }, { 9295, 616152297 }, { 6686, 648399520 },
		{ -2941, 1089495464 },
	},
	.block0_forward_own_keep = {
		0, 2, 3,
	},
	.pad_1946 = { 0, 0 },
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
		{ 10123, -2673 }, { 9466, 2799 }, { -6297, -3364 }, { 8118, -538 },
		{ 7062, 1459 }, { 10873, -3667 }, { -10261, 905 }, { 7144, -1122 },
		{ 10324, 1979 }, { -11170, 2312 }, { -10056, 2314 }, { 6123, 3915 },
		{ -11710, 2477 },
	},
	.block0_forward_weights = {
		{ 27, 99, 15, 77, -123, -42, -81, -52, -118, -90, -32, 110, 56,
		  0, 0, 0 },
		{ 55, 24, 126, 102, 92, 111, -124, -104, -66, 104, 29, -42, 83,
		  0, 0, 0 },
		{ 83, -123, -14, 25, -18, 1, 78, -24, -17, 11, -18, 109, 44,
		  0, 0, 0 },
		{ 94, 28, -34, -72, 36, 13, -51, -72, 64, -88, 31, 9, -95, 0, 0,
		  0 },
		{ -33, -95, -83, -59, -61, 108, -57, 112, 58, 87, 93, 66, -104,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 5913, 1637299004 }, { -10283, 1963579478 }, { -10765, 1710024170 },
		{ -6888, 1672678815 }, { 182, 1248121090 },
	},
	.block0_hidden_own_keep = {
		0, 1, 2, 3,
	},
	.block0_hidden_weights = {
		{ 54, 31, 114, 24, -41, -21, 32, 25, -16, -116, -29, -86, 89,
		  0, 0, 0 },
		{ 3, -105, 100, -122, 39, 3, -96, -70, 86, 70, -60, -3, -61,
		  0, 0, 0 },
		{ -73, 72, -76, -61, 32, -105, 76, 104, 0, -123, -35, 3, -101,
		  0, 0, 0 },
		{ 115, -37, 117, -24, -80, -97, 47, 115, -100, -99, -70, 60, -100,
		  0, 0, 0 },
	},
	.block0_hidden_channels = {
		{ -4469, 1606833056 }, { -4061, 1061394312 }, { 4038, 1240136063 },
		{ -6251, 1538653213 },
	},
	.block1_attention_own_keep = {
		0, 1, 2,
	},
	.pad_2486 = { 0, 0 },
	.block1_attention_norm = {
		{ 11433, -444 }, { 11074, 3367 }, { 8521, -3537 }, { 10889, 1701 },
		{ 7114, -2512 }, { 6113, -3014 }, { -7054, -478 }, { 11950, -3054 },
		{ 10682, -3306 }, { 7274, -1900 }, { -11678, 3459 }, { 10415, -671 },
		{ 8418, 3872 },
	},
	.block1_attention_weights = {
		{ 95, -117, -16, -5, -32, 109, -72, 83, -44, 118, 103, -4, -22,
		  0, 0, 0 },
		{ 46, 82, 33, 49, -18, 12, 54, 126, -60, -96, -125, -33, -76,
		  0, 0, 0 },
		{ -14, 25, 35, 56, -117, 87, 90, -32, -16, -1, -107, 66, 67,
		  0, 0, 0 },
		{ -29, -74, -26, 24, -26, 117, 109, 34, -75, -101, 75, -17, 72,
		  0, 0, 0 },
		{ 97, -125, 58, -15, -7, 53, -7, -38, 70, 122, -68, 8, 120,
		  0, 0, 0 },
		{ -8, 23, 9, -98, -109, -23, 17, -74, -5, -53, 102, 24, -24,
		  0, 0, 0 },
		{ -41, -114, 9, 44, -49, -14, -57, 71, 80, 66, 16, -4, 67,
		  0, 0, 0 },
		{ 22, -45, 29, -38, 99, 19, 37, -8, 81, 15, 102, -29, 115, 0, 0,
		  0 },
		{ -19, -111, -22, 7, -103, 49, -44, -31, 52, -19, -123, -49, 110,
		  0, 0, 0 },
		{ 45, 4, -94, -47, -102, 64, -39, 105, -118, 6, -17, -89, -13,
		  0, 0, 0 },
		{ 28, -117, -13, 26, 54, 106, 53, -42, -74, 61, -14, 108, 10,
		  0, 0, 0 },
		{ -124, -1, 112, -101, 29, 122, -105, 34, 90, -38, 42, -115, -58,
		  0, 0, 0 },
	},
	.block1_attention_channels = {
		{ -8871, 1336570616 }, { 2735, 1961613933 }, { -5371, 1250086635 },
		{ -3873, 1544918388 }, { -699, 1385709241 }, { -8687, 1633367914 },
		{ -2396, 1228465639 }, { 10531, 1627471279 }, { 3173, 1653023364 },
		{ 6630, 1161637109 }, { -6674, 1271707630 }, { -6491, 1352294976 },
	},
	.block1_heads_own_keep = {
		0, 1, 3,
	},
	.pad_2834 = { 0, 0 },
	.block1_heads_weights = {
		{ -41, 99, 122, -90, -49, 95, -93, 48, -28, 118, 49, 75, -89, 0, 0,
		  0 },
		{ -20, 101, 107, -102, 46, -39, -90, -55, -29, 115, 5, -4, -19,
		  0, 0, 0 },
		{ -81, 70, -103, 14, -18, 6, 124, -31, -24, 79, 29, -118, 45,
		  0, 0, 0 },
		{ 71, -36, -50, -101, 19, -63, 95, 42, 79, 49, -95, -97, 112,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ -703, 1052641495 }, { -1005, 699073728 }, { -861, 1103315702 },
		{ -3217, 770478293 },
	},
	.block1_forward_own_keep = {
		0, 1, 2,
	},
	.pad_2938 = { 0, 0 },
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
		{ 7401, -114 }, { 10707, 3299 }, { -8116, -1195 }, { -9995, 1889 },
		{ 9734, 2053 }, { 6003, 1156 }, { 10582, 275 }, { 8616, 1201 },
		{ 7866, 1132 }, { -10440, -3165 }, { 9912, 3638 }, { 8313, -3751 },
		{ -7641, -910 },
	},
	.block1_forward_weights = {
		{ 42, 41, -20, 81, 18, 20, 123, 81, -104, 54, 44, -90, -92,
		  0, 0, 0 },
		{ 23, 54, -29, 53, -69, 22, -5, -112, 27, -51, 127, 42, 72,
		  0, 0, 0 },
		{ -81, 37, -46, -76, 66, -69, 84, -102, 24, -73, -110, 89, -72,
		  0, 0, 0 },
		{ -120, -49, 62, 95, -36, -76, -108, 50, -45, 11, -117, -82, 98,
		  0, 0, 0 },
		{ 86, -30, -79, -75, 117, -21, 27, 63, 59, -87, 61, -16, -22, 0, 0,
		  0 },
	},
	.block1_forward_channels = {
		{ 7161, 1711989715 }, { 320, 1218637914 }, { 2456, 1717886350 },
		{ 8312, 1596022559 }, { 1496, 1965545023 },
	},
	.block1_hidden_own_keep = {
		0, 1, 3, 4,
	},
	.block1_hidden_weights = {
		{ -55, 107, -44, -65, -107, -71, -77, -84, 85, -44, 44, -94, -125,
		  0, 0, 0 },
		{ 13, -124, -20, 126, 10, -114, 45, -76, 5, -93, -94, 125, -41,
		  0, 0, 0 },
		{ 50, 103, -119, 24, 40, -123, 22, -5, 86, 21, -27, -69, -27,
		  0, 0, 0 },
		{ 112, 125, -96, 85, -96, 32, -45, -104, 10, -18, 120, 54, -95,
		  0, 0, 0 },
	},
	.block1_hidden_channels = {
		{ 4605, 1496271149 }, { -3794, 985843676 }, { -3642, 1612361152 },
		{ 147, 1452046386 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_3478 = { 0, 0 },
	.output_norm = {
		{ -11168, -3260 }, { 6726, 2140 }, { 9124, -115 }, { 9429, 1511 },
		{ 11886, 444 }, { 11286, -311 }, { 8364, 3118 }, { 8602, -3380 },
		{ -9744, 1863 }, { -9869, 1491 }, { -6405, -1151 }, { -6585, -3883 },
		{ 6820, -152 },
	},
	.output_weights = {
		{ 45, -99, 112, -47, -40, -85, 12, 52, -19, -81, 18, -20, 26, 0, 0,
		  0 },
		{ -33, 5, -115, 100, -127, -13, -92, -13, 89, 57, -88, 112, 11,
		  0, 0, 0 },
	},
	.output_channels = {
		{ 3692, 1311387070 }, { -6795, 1120974896 },
	},
	.result_own_keep = {
		0, 1,
	},
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
