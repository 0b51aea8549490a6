/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 1 of 3, deployment ce623342.
 * 2 blocks, 1 of 5 tokens, 16 features, 4 heads, 16 hidden.
 * 4728 bytes of flash, 416 bytes of arena.
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
#define CATS_PARTITION_NODES 3 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0xce623342u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_BLE_2M /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 416 /* bytes of RAM */
#define CATS_PARTITION_SIZE 4728 /* bytes of flash */

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
	int16_t input_table[5][8];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[8][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[6];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[14];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[24][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[24];
	/* an inference is a step */
	struct cats_image_stream stream;
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[6];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[8][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[6];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[14];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[6][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[6];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[8][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[6];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[14];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[24][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[24];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[6];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[8][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[6];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[14];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[6][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[6];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[8][16];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[6];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[14];
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
		.crc32 = 0xdb3ca256u,
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
		.own_heads = 2,
		.own_hidden = 6,
		.own_inputs = 1,
		.own_outputs = 2,
		.first_output = 2,
		.first_input = 2,
		.first_head = 1,
		.flags = CATS_FLAG_CAUSAL | CATS_FLAG_STREAM | CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_MEAN,
		.block_rows = 4,
		.heads_per_pass = 2,
		.hidden_rows = 1,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 368,
		.arena_query = 384,
		.arena_key = 256,
		.arena_value = 0,
		.arena_heads = 384,
		.arena_hidden = 384,
		.arena_rows = 128,
		.arena_scores = 128,
		.arena_input = 384,
		.arena_pooled = 384,
		.arena_output = 368,
		.arena_linear = 0,
		.arena_window = 0,
		.arena_sums = 336,
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
			.tile = { 388, 388 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(input_own_keep),
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 4,
			.stride = 4,
			.products = 8,
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
			.tile = { 392, 392 },
			.outbox = { 400, 400 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = CATS_PARTITION_AT(stream),
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 1772,
			.weights = CATS_PARTITION_AT(block0_attention_weights),
			.channels = CATS_PARTITION_AT(block0_attention_channels),
			.view = 14,
			.stride = 16,
			.products = 24,
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
			.tile = { 408, 408 },
			.outbox = { 392, 392 },
			.own_keep = CATS_PARTITION_AT(block0_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_heads_weights),
			.channels = CATS_PARTITION_AT(block0_heads_channels),
			.view = 14,
			.stride = 16,
			.products = 8,
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
			.tile = { 400, 400 },
			.outbox = { 392, 392 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 1987,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 14,
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
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 208,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1343,
			.tile = { 408, 408 },
			.outbox = { 400, 400 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 14,
			.stride = 16,
			.products = 8,
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
			.tile = { 392, 392 },
			.outbox = { 400, 400 },
			.own_keep = CATS_PARTITION_AT(block1_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block1_attention_norm),
			.norm_epsilon = 1605,
			.weights = CATS_PARTITION_AT(block1_attention_weights),
			.channels = CATS_PARTITION_AT(block1_attention_channels),
			.view = 14,
			.stride = 16,
			.products = 24,
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
			.tile = { 408, 408 },
			.outbox = { 392, 392 },
			.own_keep = CATS_PARTITION_AT(block1_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_heads_weights),
			.channels = CATS_PARTITION_AT(block1_heads_channels),
			.view = 14,
			.stride = 16,
			.products = 8,
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
			.tile = { 400, 400 },
			.outbox = { 392, 392 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 1388,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 14,
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
			.slot_us = 208,
			.control_us = 184,
			.turn_us = 260,
			.spacing_us = 1343,
			.tile = { 408, 408 },
			.outbox = { 400, 400 },
			.own_keep = CATS_PARTITION_AT(block1_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_hidden_weights),
			.channels = CATS_PARTITION_AT(block1_hidden_channels),
			.view = 14,
			.stride = 16,
			.products = 8,
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
			.tile = { 392, 392 },
			.outbox = { 400, 400 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1212,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 14,
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
			.tile = { 408, 408 },
			.outbox = { 128, 128 },
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
		{ 1453, 2563, 5786, -3625, -928, 1330, -3236, 653 },
		{ 2478, 5380, -4164, 3949, -1030, 3607, 4386, 1511 },
		{ -4328, 5113, 1958, 85, -359, 2202, 4375, -2997 },
		{ 4353, -1352, 5476, -4248, 4091, -5799, 3955, -640 },
		{ 4867, 3395, -5463, 5805, 5774, -3057, 3267, 2255 },
	},
	.input_weights = {
		{ -71, -26, 122, -48 },
		{ -122, 106, 25, 62 },
		{ 81, -55, -57, 5 },
		{ -82, 2, 91, 65 },
		{ -37, 95, -33, -46 },
		{ 29, 39, -106, 59 },
		{ 113, 116, 88, 22 },
		{ -80, 92, 67, 106 },
	},
	.input_channels = {
		{ 0, 725578876 }, { 0, 1100597171 }, { 0, 810598552 }, { 0, 1127384193 },
		{ 0, 1173970316 }, { 0, 797787368 }, { 0, 750036591 }, { 0, 1055175701 },
	},
	.block0_attention_own_keep = {
		0, 1, 2, 4, 5, 6,
	},
	.block0_attention_norm = {
		{ 10715, 2500 }, { 10909, 1587 }, { -7825, -3690 }, { 10186, -2257 },
		{ 11719, 3081 }, { -9196, -3460 }, { 10395, -1443 }, { -10191, -1908 },
		{ 8198, -3475 }, { 7065, 3046 }, { -10514, -3911 }, { -7252, 2892 },
		{ 7549, -3118 }, { -10005, -3456 },
	},
	.block0_attention_weights = {
		{ 17, -23, 0, 16, 90, -81, -65, 6, 17, 3, -75, 49, -60, 0, -79,
		  0 },
		{ -20, 44, -109, 29, -94, -29, -103, 111, -25, 53, -44, -80, 15,
		  0, -73, 0 },
		{ -19, -30, 36, -91, 25, -5, 85, 37, -69, 69, 105, 94, 85, 0, -22,
		  0 },
		{ 127, 121, 81, 111, 86, -36, 47, 35, -27, 38, 93, -100, 52,
		  0, 99, 0 },
		{ -68, -43, 50, -25, 106, -1, 85, -93, 29, 71, -3, -63, -63, 0, 35,
		  0 },
		{ 14, 66, -78, 108, 83, 124, -48, 117, -36, -105, -23, 124, -68,
		  0, 36, 0 },
		{ 92, -126, -46, 45, -48, -22, -30, -121, 127, 97, 55, 47, -35,
		  0, -25, 0 },
		{ -96, 7, 56, 75, -28, 1, -23, 43, 9, -85, 122, -113, -5,
		  0, 62, 0 },
		{ -30, 117, 44, 3, -66, 34, 85, -102, 26, 53, 28, 63, -103,
		  0, -124, 0 },
		{ -39, -35, 77, 11, -46, -31, -65, 15, -120, -87, -55, -25, -7,
		  0, -45, 0 },
		{ 13, 123, -61, 95, 0, -34, 97, 101, 1, -100, -8, 123, -2,
		  0, -102, 0 },
		{ 17, -42, 46, 58, -36, 70, -95, 41, -86, 56, 75, 21, -11, 0, 13,
		  0 },
		{ 35, 7, 91, -24, 108, -13, -54, 70, -100, -80, -55, 41, 50,
		  0, -49, 0 },
		{ -82, 93, 101, 61, 80, -73, -88, 52, 110, -104, -81, -92, 57,
		  0, -17, 0 },
		{ -126, 103, 122, -69, 14, 4, 63, 60, 87, 15, -50, 102, 49,
		  0, -61, 0 },
		{ -66, -54, 119, -48, 123, -28, 108, -68, 73, -44, 0, 59, 8, 0, -5,
		  0 },
		{ -101, -8, 114, 11, 79, 89, 39, -101, -12, 73, 48, -94, -23,
		  0, 47, 0 },
		{ 100, -122, 19, 8, 123, -53, 9, 89, -55, 116, 20, -62, 49,
		  0, 24, 0 },
		{ 94, 104, 20, 79, 97, 12, -24, -58, -48, 125, 116, -126, 27,
		  0, 22, 0 },
		{ -93, 112, 105, -107, -10, -120, 90, 24, 108, 100, 87, 72, -55,
		  0, -70, 0 },
		{ 84, -28, -3, -44, -25, 92, -77, 94, 38, 88, -33, -11, 112, 0, 127,
		  0 },
		{ -20, -127, 94, 122, -30, 41, -88, 25, -122, 85, -116, 91, -2,
		  0, -102, 0 },
		{ 119, -24, -124, 27, -121, -56, 78, -61, -40, -20, -120, -29, -35,
		  0, -96, 0 },
		{ 115, 61, 5, -114, -52, 82, -104, -109, 126, 119, 46, -75, 40,
		  0, -116, 0 },
	},
	.block0_attention_channels = {
		{ -2755, 1678575450 }, { 3683, 1564573838 }, { 8881, 1126257298 },
		{ -8686, 1886923222 }, { 8302, 1096774123 }, { -6475, 1130188388 },
		{ 5527, 1649092274 }, { 8705, 1016186777 }, { 10320, 1542952843 },
		{ 8072, 1780783791 }, { 7689, 1603884739 }, { -4324, 1112498483 },
		{ 9073, 1257948815 }, { -5184, 1702161990 }, { -4038, 1892819857 },
		{ 1146, 1680540995 }, { 2965, 1057463222 }, { 10881, 1401433601 },
		{ 6247, 1979303838 }, { -7167, 1995028198 }, { -4909, 1601919194 },
		{ -1339, 1892819857 }, { -3919, 1590125924 }, { 9716, 1987166018 },
	},
	.stream = {
		.rows = 5,
		.reserved = 0,
	},
	.block0_heads_own_keep = {
		0, 3, 4, 5, 6, 7,
	},
	.block0_heads_weights = {
		{ 23, -121, -64, -99, 89, -7, 70, -57, 51, -56, 46, 74, -57,
		  0, 17, 0 },
		{ 70, 59, 25, -38, 4, 1, 107, -48, 8, 49, 74, 72, -71, 0, 120,
		  0 },
		{ 86, -67, 56, 123, 37, 74, -98, 36, -90, 17, 1, 47, 110, 0, -22,
		  0 },
		{ -51, -111, 33, 71, -103, -63, -106, -93, -34, -58, 13, -72, -56,
		  0, 111, 0 },
		{ 66, 76, -84, -10, -49, -113, 39, 77, -2, -112, -96, -84, -22,
		  0, 37, 0 },
		{ 5, 1, -53, -22, 57, -122, -52, -63, 11, 92, -118, 110, -97,
		  0, 32, 0 },
		{ -13, -19, 100, -112, 51, -114, -114, 110, 86, -123, 77, 64, -19,
		  0, 112, 0 },
		{ 80, -117, 11, -40, -58, -84, 83, -101, 60, -13, -79, 120, 87,
		  0, -68, 0 },
	},
	.block0_heads_channels = {
		{ -4395, 1060703301 }, { -5636, 1084888718 }, { 4485, 1159748343 },
		{ 9076, 611545551 }, { 5314, 974326810 }, { 2919, 978933556 },
		{ -10122, 672584938 }, { 3894, 720955772 },
	},
	.block0_forward_own_keep = {
		1, 2, 3, 5, 6, 7,
	},
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
		{ 10123, -2673 }, { 9466, 2799 }, { -6297, -3364 }, { 8633, -992 },
		{ 8118, -538 }, { 7062, 1459 }, { 10873, -3667 }, { -7504, 3324 },
		{ -10261, 905 }, { 7144, -1122 }, { 10324, 1979 }, { -11170, 2312 },
		{ 6123, 3915 }, { -11710, 2477 },
	},
	.block0_forward_weights = {
		{ -16, 52, -13, -27, -3, 111, 68, 62, -44, -14, 37, -103, 34,
		  0, 49, 0 },
		{ 65, -111, 116, 43, -100, -119, -125, 8, 27, 73, -79, 65, 67,
		  0, -72, 0 },
		{ 4, 88, 97, -82, 71, -54, -95, 67, -77, 12, -46, -98, -8, 0, 71,
		  0 },
		{ 85, -121, 108, 5, 64, -25, -45, 115, 12, -108, -5, -64, 86,
		  0, 44, 0 },
		{ -63, -60, 92, 72, 57, -126, 117, -35, -117, 85, -10, 121, 84,
		  0, 67, 0 },
		{ -124, 88, 65, -75, -83, 75, 28, -45, 120, -8, -56, 84, 42,
		  0, 94, 0 },
	},
	.block0_forward_channels = {
		{ -10241, 1173430379 }, { -3216, 1232396729 }, { 7276, 1894785402 },
		{ -8071, 1362122701 }, { 5106, 1460399952 }, { -1218, 1397502511 },
	},
	.block0_hidden_own_keep = {
		0, 1, 3, 5,
	},
	.block0_hidden_weights = {
		{ 21, 43, 107, 44, 3, -38, -107, -57, -97, 44, -23, 122, 113,
		  0, -42, 0 },
		{ -29, 98, -29, -20, -55, -30, -8, 82, -121, -54, 105, -122, -121,
		  0, -66, 0 },
		{ 97, 70, 40, -63, -114, 104, -1, -64, -1, 97, -43, 88, 126,
		  0, 27, 0 },
		{ -12, -111, 36, 6, -79, -114, -74, -34, 97, -99, -113, 33, 76,
		  0, -91, 0 },
		{ -6, 96, 78, -106, -95, 38, 75, -57, -63, 3, 6, -50, 76,
		  0, 34, 0 },
		{ 96, -86, 24, -24, -1, -122, 111, -2, -11, -6, -127, 105, -18,
		  0, 127, 0 },
		{ -79, -97, -91, -67, 88, -47, -24, -14, -109, -91, 57, 50, 115,
		  0, 82, 0 },
		{ -122, 69, -108, 94, 1, -103, 119, -65, -88, -12, 85, 65, 112,
		  0, 48, 0 },
	},
	.block0_hidden_channels = {
		{ 382, 1041124629 }, { -1276, 1136944949 }, { -3490, 1822428776 },
		{ 3466, 1105619076 }, { 193, 1669484804 }, { 3713, 1048495423 },
		{ 2817, 1319372097 }, { -611, 1833484967 },
	},
	.block1_attention_own_keep = {
		1, 2, 3, 4, 5, 7,
	},
	.block1_attention_norm = {
		{ 11433, -444 }, { 11074, 3367 }, { 8521, -3537 }, { 6509, 3504 },
		{ 10889, 1701 }, { 7114, -2512 }, { 6113, -3014 }, { -7054, -478 },
		{ 11950, -3054 }, { 11700, -3186 }, { 10682, -3306 }, { 7274, -1900 },
		{ -11678, 3459 }, { 10415, -671 },
	},
	.block1_attention_weights = {
		{ -45, 3, -76, 117, 27, 93, -22, 13, -20, 64, -71, 83, 126,
		  0, -125, 0 },
		{ -87, 119, 51, 62, -110, 113, 12, -72, 101, -99, 34, -111, -82,
		  0, -117, 0 },
		{ -41, 62, -26, -71, 52, -33, 117, 4, -53, 55, 71, 101, -86, 0, -36,
		  0 },
		{ 4, 90, 122, -114, 57, 114, 114, -3, 52, 104, -22, -42, -66,
		  0, -15, 0 },
		{ -42, -103, 86, 13, 74, 58, -80, -108, 57, 12, 39, -59, -51,
		  0, -76, 0 },
		{ -8, -12, 100, -19, 114, -19, -127, 119, -39, 61, -39, -114, -103,
		  0, 79, 0 },
		{ 28, 115, 40, 103, 123, 69, -57, 117, -45, -30, 60, -83, -56,
		  0, -121, 0 },
		{ 27, 40, -117, 69, -121, 59, -30, -12, 44, -93, -56, -8, 77,
		  0, 1, 0 },
		{ 96, 114, -109, 37, -3, -62, 123, 108, 46, -88, 77, -98, -121,
		  0, 65, 0 },
		{ -65, -62, 76, -7, -30, 56, -125, -112, 38, 47, 93, -50, -19,
		  0, -74, 0 },
		{ -10, 125, 48, 8, -7, 95, -73, -70, -5, -43, 17, -112, 122,
		  0, -112, 0 },
		{ 66, -8, 18, 112, 61, 48, -89, -52, -87, -100, -31, -65, -86,
		  0, -43, 0 },
		{ 118, -50, -94, 100, 98, -88, -10, -126, -83, 110, 80, -57, -40,
		  0, 107, 0 },
		{ 27, -49, -47, -2, 26, -59, -80, 115, 98, -89, -79, -39, 119, 0, 88,
		  0 },
		{ -102, -2, 63, 71, 13, 92, 67, 66, 123, 115, 10, 126, -27,
		  0, -38, 0 },
		{ 25, 30, -46, -1, 12, 81, 31, 69, 76, 98, -42, 94, 123, 0, -54,
		  0 },
		{ -64, -35, 72, 97, 89, 41, -32, -48, -9, -50, -33, 22, -64, 0, 64,
		  0 },
		{ 3, 100, -43, 45, -127, 24, 63, -8, 52, -78, -4, -34, -42,
		  0, -116, 0 },
		{ -122, 26, -6, -27, 117, -109, 69, -15, -118, -1, 72, -95, 60,
		  0, 50, 0 },
		{ -82, 77, 118, 66, 102, 21, -101, -16, -87, 126, -19, 114, 59,
		  0, 110, 0 },
		{ 59, -102, -127, -45, 104, -67, -44, 80, -32, -26, -62, 113, 52,
		  0, 67, 0 },
		{ 70, -119, 66, -102, 34, 48, -108, -19, 125, -119, -104, 89, 66,
		  0, 124, 0 },
		{ -84, 104, 103, -108, 109, -54, 19, -68, -127, -4, 82, 81, -126,
		  0, -92, 0 },
		{ 74, 88, 92, 68, 10, -101, 92, -15, -24, 115, -121, 112, -76,
		  0, 38, 0 },
	},
	.block1_attention_channels = {
		{ 6213, 1521331848 }, { -9531, 1926234123 }, { -4191, 1825991326 },
		{ -3920, 1120360663 }, { -9991, 1934096303 }, { 10142, 1483986492 },
		{ 7822, 1800439241 }, { 7963, 1183258104 }, { -10228, 1936061848 },
		{ -8950, 1890854312 }, { 1862, 1452537772 }, { -285, 1896750947 },
		{ -4129, 1979303838 }, { 5529, 1890854312 }, { -7077, 1827956872 },
		{ -9191, 1658920000 }, { -41, 1578332654 }, { -1579, 1126257298 },
		{ -1504, 1898716492 }, { -5157, 1542952843 }, { 1349, 1307087440 },
		{ 4809, 1733610710 }, { 2746, 1234362275 }, { 7416, 1835819052 },
	},
	.block1_heads_own_keep = {
		0, 1, 2, 4, 5, 7,
	},
	.block1_heads_weights = {
		{ 57, -37, 98, -24, -75, 37, 67, 66, 114, -70, 107, 124, -30, 0, -92,
		  0 },
		{ 106, 21, -126, -24, 8, 92, 63, 81, -62, 15, 88, 60, -80,
		  0, -36, 0 },
		{ 3, -105, 32, -118, 126, 121, 68, -85, -75, -15, 84, 3, -2,
		  0, 33, 0 },
		{ -24, 53, -116, -66, -100, -95, 79, 72, 16, -57, 44, -53, 93,
		  0, 105, 0 },
		{ 54, -41, 117, 91, -28, 97, -101, 50, 48, 62, 120, 113, 5,
		  0, -8, 0 },
		{ -107, 99, -63, 108, 38, 34, -20, 41, 13, -25, 14, 109, 61,
		  0, -116, 0 },
		{ -111, 6, 63, -106, 121, 68, 61, 8, -69, 116, -67, -2, 21,
		  0, 87, 0 },
		{ 88, 113, -16, -43, 0, 112, -35, 101, -1, 33, -91, -2, 117, 0, -54,
		  0 },
	},
	.block1_heads_channels = {
		{ -5980, 1174720268 }, { 7036, 1006574033 }, { 6595, 996208854 },
		{ -7610, 1026152704 }, { -7980, 1099860643 }, { -6515, 953596453 },
		{ -8574, 839579485 }, { -443, 831517680 },
	},
	.block1_forward_own_keep = {
		0, 2, 3, 4, 5, 6,
	},
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
		{ 6564, 3437 }, { 9734, 2053 }, { 6003, 1156 }, { 10582, 275 },
		{ 8616, 1201 }, { 7866, 1132 }, { 8262, 1306 }, { -10440, -3165 },
		{ 9912, 3638 }, { 8313, -3751 },
	},
	.block1_forward_weights = {
		{ 44, 85, 117, -4, -96, -6, -2, -48, 108, 19, 50, 14, -117,
		  0, -115, 0 },
		{ -17, 99, 118, -24, 47, 113, 47, -118, -9, -104, 23, -74, 121,
		  0, -55, 0 },
		{ -72, 68, 31, 42, 68, -57, 36, -46, 53, 109, -49, 12, 72, 0, 56,
		  0 },
		{ 107, 41, 26, -92, 49, 52, 122, -28, 113, -111, -86, -115, -22,
		  0, 83, 0 },
		{ -64, -112, 6, -5, -101, 8, -10, 65, -86, 124, 59, -71, 107,
		  0, -66, 0 },
		{ 35, -69, 41, -114, 114, 15, 43, 83, -4, 100, -55, -82, 36,
		  0, -20, 0 },
	},
	.block1_forward_channels = {
		{ 10311, 1747369526 }, { 8017, 1910509762 }, { 1844, 1063359858 },
		{ -6085, 1810266966 }, { 6662, 1248121090 }, { 5025, 1939992938 },
	},
	.block1_hidden_own_keep = {
		0, 1, 4, 5,
	},
	.block1_hidden_weights = {
		{ 73, 69, 11, 72, 60, 25, 9, -117, 109, 42, 126, -48, -125,
		  0, 27, 0 },
		{ -17, 91, 80, -43, -37, -52, 112, -17, 76, 119, 108, -40, -83, 0, 114,
		  0 },
		{ 105, -101, 85, 12, -59, -102, 117, -48, -32, -29, 103, -25, 12,
		  0, 10, 0 },
		{ -92, -104, -81, 52, 13, 115, -67, 115, 117, 50, -78, 33, 114,
		  0, 62, 0 },
		{ 69, -18, -125, 20, -45, -51, -32, -82, 97, 66, -106, -101, -15,
		  0, 107, 0 },
		{ 74, 97, -8, 51, -22, -29, 127, -79, 79, 87, -21, 18, -56, 0, 62,
		  0 },
		{ 79, 76, 99, 117, -77, -76, 65, 120, -127, 92, -18, -35, 77,
		  0, 26, 0 },
		{ 13, -111, -10, -65, 56, 7, 23, 23, -44, -115, -64, -64, 109,
		  0, 22, 0 },
	},
	.block1_hidden_channels = {
		{ -1512, 1442832894 }, { 4202, 1785574807 }, { 2094, 1312001303 },
		{ 150, 1238293365 }, { -5867, 1148001140 }, { -2509, 1772675918 },
		{ -3024, 1448360989 }, { 6685, 1199596697 },
	},
	.output_own_keep = {
		0, 2, 3, 4, 5, 7,
	},
	.output_norm = {
		{ -11168, -3260 }, { 6726, 2140 }, { 9124, -115 }, { 9429, 1511 },
		{ 11292, 1950 }, { 11886, 444 }, { 11286, -311 }, { 8364, 3118 },
		{ 8602, -3380 }, { 8309, 1950 }, { -9744, 1863 }, { -6405, -1151 },
		{ -6585, -3883 }, { 6820, -152 },
	},
	.output_weights = {
		{ -51, -1, -66, -86, 47, -71, 11, -113, 87, -14, 91, 62, -103,
		  0, 76, 0 },
		{ 64, 19, 38, -67, 51, 76, 115, 30, -123, -46, -107, 51, 8,
		  0, 4, 0 },
	},
	.output_channels = {
		{ 9909, 901386663 }, { -3697, 1392772919 },
	},
	.result_own_keep = {
		0, 1,
	},
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
