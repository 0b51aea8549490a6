/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 0 of 4, deployment b17d79bb.
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

#define CATS_PARTITION_NODE 0 /* this node */
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
	uint16_t input_own_keep[2];
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
		.crc32 = 0x27e63a4bu,
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
		.own_inputs = 2,
		.own_outputs = 2,
		.first_output = 0,
		.first_input = 0,
		.first_head = 0,
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
		.arena_input = 176,
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
			.tile = { 188, 188 },
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
		0, 1,
	},
	.input_table = {
		{ 3475, -5933, 2492, -5089 },
		{ 5984, 143, 5947, -1454 },
		{ -4712, 2695, -203, 1222 },
		{ -1572, 4782, -41, -2566 },
		{ 5482, -4241, 2363, 3844 },
	},
	.input_weights = {
		{ -48, 57, -26, 104 },
		{ -10, 114, -98, -51 },
		{ -106, 121, 30, -100 },
		{ 16, -127, 51, -116 },
	},
	.input_channels = {
		{ 0, 956180188 }, { 0, 776823612 }, { 0, 764012428 }, { 0, 787305490 },
	},
	.block0_attention_own_keep = {
		0, 1, 2,
	},
	.pad_1098 = { 0, 0 },
	.block0_attention_norm = {
		{ 7947, -3707 }, { -6282, 1530 }, { 8069, 1628 }, { 11887, 2805 },
		{ 6428, -3146 }, { 9057, -13 }, { 10941, 2252 }, { -6643, 1091 },
		{ 9225, -1600 }, { 10567, -2237 }, { -6794, -615 }, { 10952, -1711 },
		{ 11193, -1792 },
	},
	.block0_attention_weights = {
		{ 120, 69, -88, -83, -9, 36, 4, -63, 98, -18, 49, -113, -109,
		  0, 0, 0 },
		{ 14, -65, -92, -47, 82, -9, -33, 1, 117, -125, 72, 43, -73,
		  0, 0, 0 },
		{ -7, -76, -61, -119, 110, -47, -4, 33, 43, -125, -82, -57, 12,
		  0, 0, 0 },
		{ -82, -112, 37, 102, -116, 69, 66, 29, 19, 3, 42, 83, -34,
		  0, 0, 0 },
		{ 52, -38, -100, -62, 89, 46, 106, 43, 103, -55, -118, -80, -31,
		  0, 0, 0 },
		{ -4, -23, -94, 33, 103, -38, -25, 102, 79, 12, -46, -122, -94,
		  0, 0, 0 },
		{ -105, -26, -126, -49, -99, 67, -44, -16, -10, -119, -19, -59, 101,
		  0, 0, 0 },
		{ 110, 125, -41, -28, -2, 73, -29, 93, -112, -56, -4, 113, 27,
		  0, 0, 0 },
		{ 57, -5, 48, -83, 58, 110, -33, 75, 18, -117, 69, 110, 105,
		  0, 0, 0 },
		{ 18, -91, -104, -34, -41, -110, 97, -118, 111, 0, -103, -37, 33,
		  0, 0, 0 },
		{ -8, -93, -58, -15, 108, -71, 12, -4, 37, -27, -27, 39, 65, 0, 0,
		  0 },
		{ -76, 42, 33, -52, 43, -44, 7, 30, -100, 46, 104, -56, -10,
		  0, 0, 0 },
	},
	.block0_attention_channels = {
		{ -928, 1393144105 }, { 6888, 1111659645 }, { 566, 1768456719 },
		{ -2862, 1758258007 }, { 759, 1178971146 }, { 1532, 1156533979 },
		{ -15, 1956113026 }, { 6589, 1843927190 }, { -7669, 1081063508 },
		{ 4911, 1554283760 }, { 731, 1168772434 }, { -1378, 1303395437 },
	},
	.block0_heads_own_keep = {
		1, 2, 3,
	},
	.pad_1446 = { 0, 0 },
	.block0_heads_weights = {
		{ 94, 68, 27, -119, 34, -79, -110, -6, 107, -126, -124, -88, 0,
		  0, 0, 0 },
		{ 5, 49, -41, 29, -93, 84, 63, 92, 28, 51, 60, 26, -50, 0, 0,
		  0 },
		{ -52, 80, -49, -122, 103, 89, 28, 60, -74, -53, -77, -5, 108,
		  0, 0, 0 },
		{ -89, -24, -1, -23, -51, -127, 19, -94, -59, -25, -71, 90, 98,
		  0, 0, 0 },
	},
	.block0_heads_channels = {
		{ 3135, 841393768 }, { -9789, 1173648693 }, { 8492, 872467969 },
		{ 1392, 754146971 },
	},
	.block0_forward_own_keep = {
		0, 1, 2,
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
		{ 11909, 2608 }, { 7938, -3931 }, { 10084, 1655 }, { 8796, -3614 },
		{ 11569, -391 }, { 7918, 3228 }, { 11908, 3330 }, { 6799, 2972 },
		{ 10191, -2815 }, { -7491, -2441 }, { 8225, -2552 }, { 10316, 1229 },
		{ 8429, -3894 },
	},
	.block0_forward_weights = {
		{ 62, 1, 50, -121, 102, -63, -2, 72, -52, 4, -30, 102, -45,
		  0, 0, 0 },
		{ -124, 22, 4, 120, -73, -6, -25, -50, 70, -24, 108, -87, 39,
		  0, 0, 0 },
		{ -69, -125, -11, 25, 101, -60, 93, 117, 1, 65, 50, -69, -29,
		  0, 0, 0 },
		{ 92, -79, -7, 22, 74, -50, -18, -10, -41, 37, 93, -126, -119,
		  0, 0, 0 },
	},
	.block0_forward_channels = {
		{ -8258, 1240163420 }, { -3946, 1183050631 }, { 1049, 1513488911 },
		{ 5292, 1462495349 },
	},
	.block0_hidden_own_keep = {
		0, 1, 2,
	},
	.pad_1962 = { 0, 0 },
	.block0_hidden_weights = {
		{ 41, -61, 115, 9, 70, -31, 8, -70, -32, -99, -60, -13, -112,
		  0, 0, 0 },
		{ -60, 60, 59, 63, -108, -43, 77, 93, -58, 84, 5, -90, 50,
		  0, 0, 0 },
		{ 4, 50, 69, -92, -10, -17, 45, -45, -107, -61, 54, -75, -73,
		  0, 0, 0 },
		{ -67, -126, -83, -51, -38, -67, -88, 58, 122, -22, 9, -9, -34,
		  0, 0, 0 },
	},
	.block0_hidden_channels = {
		{ -1405, 1948591476 }, { -1272, 1464790059 }, { -549, 1166477724 },
		{ -3902, 1602472676 },
	},
	.output_own_keep = {
		1, 2, 3,
	},
	.pad_2066 = { 0, 0 },
	.output_norm = {
		{ 7694, -1575 }, { 11998, -2497 }, { 11726, 3520 }, { 8034, 1809 },
		{ 7023, -821 }, { 6295, -1106 }, { -6585, -1089 }, { 8943, 30 },
		{ 7712, 3440 }, { -10373, -2318 }, { 6036, 2681 }, { 6128, 3655 },
		{ 6762, -1546 },
	},
	.output_weights = {
		{ -78, -81, -73, -102, -34, -30, 48, 68, -113, -38, 63, 90, -61,
		  0, 0, 0 },
		{ 34, 88, 48, 127, -32, 22, -57, 109, 74, 63, 96, 95, 10, 0, 0,
		  0 },
	},
	.output_channels = {
		{ 6543, 1601516547 }, { 2134, 1301929372 },
	},
	.result_own_keep = {
		0, 1,
	},
	.pad_2172 = { 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
