/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 0 of 3, deployment ce623342.
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

#define CATS_PARTITION_NODE 0 /* this node */
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
	uint16_t input_own_keep[2];
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
		.crc32 = 0xcd845f30u,
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
		.own_inputs = 2,
		.own_outputs = 2,
		.first_output = 0,
		.first_input = 0,
		.first_head = 0,
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
		0, 1,
	},
	.input_table = {
		{ 2529, 2227, -1536, 420 },
		{ 286, -3122, -1039, -3201 },
		{ -5586, -3516, -5464, 4293 },
		{ 1957, -3663, -1373, -3495 },
		{ -1773, -4271, 5145, 1702 },
	},
	.input_weights = {
		{ 6, -96, 33, -1 },
		{ 19, -67, -90, -104 },
		{ 82, -79, 22, 10 },
		{ -7, -103, -36, -66 },
	},
	.input_channels = {
		{ 0, 760518469 }, { 0, 672004834 }, { 0, 758189163 }, { 0, 850196757 },
	},
	.block0_attention_own_keep = {
		0, 1, 2,
	},
	.pad_1490 = { 0, 0 },
	.block0_attention_norm = {
		{ 10715, 2500 }, { 10909, 1587 }, { -7825, -3690 }, { 6189, -3568 },
		{ 10186, -2257 }, { 11719, 3081 }, { -9196, -3460 }, { -10191, -1908 },
		{ 8198, -3475 }, { 7065, 3046 }, { -7252, 2892 }, { 7549, -3118 },
		{ -10005, -3456 },
	},
	.block0_attention_weights = {
		{ 69, 108, -33, -54, -100, 23, 14, -97, 76, -57, 74, -107, 2,
		  0, 0, 0 },
		{ -5, 10, 39, 27, 35, 102, 13, 29, -18, 50, -19, -75, -67, 0, 0,
		  0 },
		{ -17, 99, 82, 11, -115, -66, 14, -88, -105, -6, -18, 10, 122,
		  0, 0, 0 },
		{ 34, 87, 67, -13, -122, 91, 123, 91, -48, 116, 62, -115, 101,
		  0, 0, 0 },
		{ 97, 112, 26, 33, 23, 7, 99, -46, -72, -8, -65, 8, 4, 0, 0,
		  0 },
		{ 17, 5, -52, -96, -123, -110, 89, -22, -116, -33, -6, 55, 26,
		  0, 0, 0 },
		{ -28, -114, -120, -106, 71, 52, -91, -51, 94, -34, -100, 9, -111,
		  0, 0, 0 },
		{ -87, 26, 44, 100, 89, -59, 124, -77, 79, -5, -103, -94, -116,
		  0, 0, 0 },
		{ -44, 105, 13, 33, 37, -61, 88, -89, 54, -109, 97, -88, 51,
		  0, 0, 0 },
		{ -112, -41, -72, -53, -6, -81, -30, -66, 8, -57, 98, -57, -109,
		  0, 0, 0 },
		{ 121, 65, -1, -29, 65, 66, -78, 69, -55, -48, -118, -79, -36,
		  0, 0, 0 },
		{ -18, 125, -87, -14, 44, -26, -127, -76, -107, 127, -99, 68, 8,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 1683, 1381778151 }, { -1217, 1171464834 }, { 4868, 1202913554 },
		{ 3280, 1888888767 }, { -7691, 1767024976 }, { -7229, 1816163601 },
		{ 6986, 1649092274 }, { 4705, 1220603459 }, { -9016, 1346398341 },
		{ 1443, 1277604265 }, { -2049, 1458434407 }, { 650, 1725748530 },
	},
	.stream = {
		.rows = 5,
		.reserved = 0,
	},
	.block0_heads_own_keep = {
		0, 1, 2,
	},
	.pad_1842 = { 0, 0 },
	.block0_heads_weights = {
		{ 35, -52, 42, 49, -57, 45, 82, -101, -102, -100, -93, 112, -21,
		  0, 0, 0 },
		{ -120, 111, 99, -109, 7, -35, 105, 4, 22, 71, -13, -63, 79,
		  0, 0, 0 },
		{ -7, -54, -67, -126, 100, -108, 30, -70, 122, -59, 85, 105, -16,
		  0, 0, 0 },
		{ -64, -19, -52, -44, -79, -66, 64, 4, 44, -65, -82, -108, 82,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ 289, 887950320 }, { -172, 1148231477 }, { 518, 671433251 },
		{ -2529, 729017578 },
	},
	.block0_forward_own_keep = {
		0, 1, 2,
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
		{ 10123, -2673 }, { 9466, 2799 }, { -6297, -3364 }, { -11693, -3210 },
		{ 8118, -538 }, { 7062, 1459 }, { 10873, -3667 }, { -10261, 905 },
		{ 7144, -1122 }, { 10324, 1979 }, { -11170, 2312 }, { 6123, 3915 },
		{ -11710, 2477 },
	},
	.block0_forward_weights = {
		{ 30, -125, 77, -70, 63, -108, 0, -85, -75, 81, 116, 120, -25,
		  0, 0, 0 },
		{ -104, -34, 95, 58, 79, -33, -46, -113, -16, 55, -26, 51, -14,
		  0, 0, 0 },
		{ -124, -118, -82, -8, -6, 53, -99, 107, 76, -72, 48, 42, -123,
		  0, 0, 0 },
		{ -73, 89, -12, -102, -17, -115, -4, -80, 116, -59, -57, -88, 21,
		  0, 0, 0 },
		{ 42, -65, -6, -96, -10, -70, -41, -39, 100, 31, -33, -93, 60, 0, 0,
		  0 },
	},
	.block0_forward_channels = {
		{ 10359, 1639264549 }, { 3858, 1181292559 }, { -10408, 1949820663 },
		{ 1345, 1554746113 }, { 7052, 1350329431 },
	},
	.block0_hidden_own_keep = {
		0, 1, 2, 4,
	},
	.block0_hidden_weights = {
		{ -100, 1, -51, -72, -74, -114, 51, 28, -15, -120, -92, 102, 87,
		  0, 0, 0 },
		{ 14, -62, -59, -127, 10, 3, 88, 47, 90, 30, -121, -92, -30,
		  0, 0, 0 },
		{ -115, -115, 72, 10, 56, 104, 85, 82, 62, 114, 87, 86, -40,
		  0, 0, 0 },
		{ 37, 95, 50, 66, -20, 85, 11, 96, -49, 2, -70, -21, 109, 0, 0,
		  0 },
	},
	.block0_hidden_channels = {
		{ -1581, 1026383042 }, { -3132, 996899866 }, { 3467, 1730293853 },
		{ -2425, 1573664484 },
	},
	.block1_attention_own_keep = {
		1, 2, 3,
	},
	.pad_2486 = { 0, 0 },
	.block1_attention_norm = {
		{ 7953, -566 }, { 11433, -444 }, { 11074, 3367 }, { 8521, -3537 },
		{ 10889, 1701 }, { 7114, -2512 }, { 6113, -3014 }, { -7054, -478 },
		{ 11950, -3054 }, { 10682, -3306 }, { 7274, -1900 }, { -11678, 3459 },
		{ 10415, -671 },
	},
	.block1_attention_weights = {
		{ -117, 65, -86, 82, -33, 62, -43, 103, -8, -37, -87, 54, -111,
		  0, 0, 0 },
		{ -52, -7, -79, -85, 51, 100, 21, -117, 15, 127, -105, 82, -77,
		  0, 0, 0 },
		{ 23, -84, -124, -67, -35, -89, 31, -88, 121, 58, 10, -102, -11,
		  0, 0, 0 },
		{ -80, -54, -36, 104, 118, -3, 81, -54, -21, 80, 20, 16, -91, 0, 0,
		  0 },
		{ 80, -121, -75, -11, 66, 43, -14, 49, -41, 66, 19, 119, -30,
		  0, 0, 0 },
		{ -48, 26, -15, -107, -32, 110, 123, 124, 109, 16, -39, 123, 79,
		  0, 0, 0 },
		{ -70, 124, -18, -34, 31, 127, -65, 23, -35, -10, 7, 2, -123,
		  0, 0, 0 },
		{ -55, -37, 10, 44, 14, -59, -96, 125, -117, -44, -121, -115, 111,
		  0, 0, 0 },
		{ 61, 25, -72, -90, -60, 61, 103, 52, 10, -25, -73, -18, 106, 0, 0,
		  0 },
		{ 125, -56, -5, -110, -96, 105, 78, 102, 64, 70, -28, -121, -127,
		  0, 0, 0 },
		{ -92, -30, -105, -95, -80, 67, 13, -8, 67, -45, -76, -127, 84,
		  0, 0, 0 },
		{ -57, 6, 56, -17, 75, -61, 91, -95, 57, -25, 64, 98, 2, 0, 0,
		  0 },
	},
	.block1_attention_channels = {
		{ -4259, 1625505734 }, { -5749, 1639264549 }, { 4596, 1928199668 },
		{ 7072, 1772921611 }, { 3467, 1861371137 }, { 3922, 1890854312 },
		{ 9820, 1853508957 }, { 5439, 1947855118 }, { -6051, 1387674786 },
		{ -2685, 1774887156 }, { 6512, 1924268578 }, { 7994, 1778818246 },
	},
	.block1_heads_own_keep = {
		0, 1, 3,
	},
	.pad_2834 = { 0, 0 },
	.block1_heads_weights = {
		{ 57, -53, 68, -99, 52, -17, -50, -18, -28, -92, 99, 93, 26, 0, 0,
		  0 },
		{ 76, 96, 29, -28, -43, -8, -54, 67, -120, 125, 9, 116, 66,
		  0, 0, 0 },
		{ -125, -32, 68, -77, -90, -30, 94, 92, -19, -74, 98, 53, -62,
		  0, 0, 0 },
		{ 7, -49, -1, 13, -123, -101, -28, 77, -57, 95, 23, -54, -115,
		  0, 0, 0 },
	},
	.block1_heads_channels = {
		{ -10434, 734776011 }, { 212, 1046883062 }, { 7598, 1033062824 },
		{ -8924, 863764903 },
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
		{ 7401, -114 }, { 10707, 3299 }, { -8116, -1195 }, { 6723, 2661 },
		{ -9995, 1889 }, { 9734, 2053 }, { 6003, 1156 }, { 10582, 275 },
		{ 8616, 1201 }, { 7866, 1132 }, { -10440, -3165 }, { 9912, 3638 },
		{ 8313, -3751 },
	},
	.block1_forward_weights = {
		{ 60, 38, 59, -50, 19, 17, -27, -121, -126, 57, 43, -120, 9,
		  0, 0, 0 },
		{ 88, -3, 18, 108, -43, 58, 111, 65, 93, -43, -94, -74, -74, 0, 0,
		  0 },
		{ 12, -44, -64, 66, -113, -94, 29, 122, 18, 2, -29, -73, -31,
		  0, 0, 0 },
		{ -9, -34, 71, 93, 7, -4, -92, -25, -50, -56, 26, -31, 7, 0, 0,
		  0 },
		{ 123, -26, 29, -102, 108, -15, -107, 27, -117, -126, -20, 95, 43,
		  0, 0, 0 },
	},
	.block1_forward_channels = {
		{ 3327, 1425020142 }, { 10019, 1289397535 }, { -2863, 1597988104 },
		{ -4253, 1572436018 }, { 9166, 1208810189 },
	},
	.block1_hidden_own_keep = {
		1, 2, 3, 4,
	},
	.block1_hidden_weights = {
		{ 18, 117, 57, -40, 3, 20, -48, 58, 24, 116, 72, 63, -26, 0, 0,
		  0 },
		{ -21, -29, 106, 122, 127, 42, -4, 106, 19, -58, 21, -20, -116,
		  0, 0, 0 },
		{ 102, 43, 118, -121, 86, 58, -76, -13, 10, 10, -27, -22, -96,
		  0, 0, 0 },
		{ -101, -1, -17, 119, -99, 102, 37, -44, -88, -42, -123, -16, -40,
		  0, 0, 0 },
	},
	.block1_hidden_channels = {
		{ -442, 1304630509 }, { 5051, 1745035441 }, { 1307, 1019012248 },
		{ 3676, 1763462425 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_3478 = { 0, 0 },
	.output_norm = {
		{ -6163, -2793 }, { -11168, -3260 }, { 6726, 2140 }, { 9124, -115 },
		{ 9429, 1511 }, { 11886, 444 }, { 11286, -311 }, { 8364, 3118 },
		{ 8602, -3380 }, { -9744, 1863 }, { -6405, -1151 }, { -6585, -3883 },
		{ 6820, -152 },
	},
	.output_weights = {
		{ -1, -31, 17, 0, 44, 15, 126, 102, 49, -60, -58, 124, 8, 0, 0,
		  0 },
		{ 114, 81, 34, 9, -58, -114, -59, -103, -56, -112, -11, 30, -72,
		  0, 0, 0 },
	},
	.output_channels = {
		{ 3299, 1484907842 }, { 65, 1225394475 },
	},
	.result_own_keep = {
		0, 1,
	},
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
