/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 1 of 2, deployment 545718f4.
 * 1 blocks, 4 tokens, 6 features, 3 heads, 5 hidden.
 * 1512 bytes of flash, 88 bytes of arena.
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
#define CATS_PARTITION_NODES 2 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0x545718f4u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_IEEE802154 /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 88 /* bytes of RAM */
#define CATS_PARTITION_SIZE 1512 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[7];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[7][2];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[4][2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[2][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[1];
	uint8_t pad_930[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[6][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[6];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[1];
	uint8_t pad_1022[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[2][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[1];
	uint8_t pad_1050[2];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[3][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[3];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[2][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[1];
	uint8_t pad_1390[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[4];
	/* what samples and outputs mean */
	struct cats_image_metadata metadata;
	/* each channel of a sample */
	struct cats_image_sensor metadata_sensors[1];
	/* places in the text */
	uint16_t metadata_class_names[3];
	uint8_t pad_1494[2];
	/* names and units */
	char metadata_text[15];
	uint8_t pad_1511[1];
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
		.crc32 = 0x84edf4a9u,
		.model_id = CATS_PARTITION_MODEL_ID,
		.node = CATS_PARTITION_NODE,
		.nodes = CATS_PARTITION_NODES,
		.gathers = 7,
		.arena_size = CATS_PARTITION_ARENA_SIZE,
		.model = CATS_PARTITION_AT(model),
		.gather_table = CATS_PARTITION_AT(gathers),
		.source_table = CATS_PARTITION_AT(sources),
		.metadata = CATS_PARTITION_AT(metadata),
	},
	.model = {
		.tokens = 4,
		.tokens_in = 3,
		.features = 6,
		.heads = 3,
		.hidden = 5,
		.blocks = 1,
		.inputs = 2,
		.outputs = 3,
		.head_width = 2,
		.own_heads = 1,
		.own_hidden = 3,
		.own_inputs = 0,
		.own_outputs = 0,
		.first_output = 3,
		.first_input = 2,
		.first_head = 2,
		.flags = CATS_FLAG_HELD | CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 4,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 32,
		.arena_query = 48,
		.arena_key = 56,
		.arena_value = 64,
		.arena_heads = 48,
		.arena_hidden = 48,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 0,
		.arena_pooled = 48,
		.arena_output = 32,
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
			.rounds = 1,
			.row_begin = 1,
			.rows = 3,
			.tile_rows = 2,
			.element = 1,
			.buffers = 2,
			.slot_us = 1168,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 918,
			.tile = { 48, 52 },
			.outbox = { 0, 0 },
			.own_keep = 0,
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 2,
			.stride = 4,
			.products = 2,
			.shift = 32,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_ATTENTION,
			.block = 0,
			.phase = 1,
			.rounds = 1,
			.row_begin = 0,
			.rows = 4,
			.tile_rows = 4,
			.element = 1,
			.buffers = 1,
			.slot_us = 1296,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 7563,
			.tile = { 72, 72 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 1354,
			.weights = CATS_PARTITION_AT(block0_attention_weights),
			.channels = CATS_PARTITION_AT(block0_attention_channels),
			.view = 4,
			.stride = 4,
			.products = 6,
			.shift = 38,
			.send_shift = 37,
			.send_multiplier = 1832519380,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_HEADS,
			.block = 0,
			.phase = 2,
			.rounds = 1,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 1104,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 7034,
			.tile = { 80, 80 },
			.outbox = { 56, 56 },
			.own_keep = CATS_PARTITION_AT(block0_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_heads_weights),
			.channels = CATS_PARTITION_AT(block0_heads_channels),
			.view = 4,
			.stride = 4,
			.products = 2,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 971840159,
			.value_multiplier = 1523725824,
			.value_shift = 44,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 0,
			.phase = 3,
			.rounds = 1,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 1104,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 7036,
			.tile = { 60, 60 },
			.outbox = { 64, 64 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 981,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 4,
			.stride = 4,
			.products = 3,
			.shift = 38,
			.send_shift = 37,
			.send_multiplier = 1832519380,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_HIDDEN,
			.block = 0,
			.phase = 4,
			.rounds = 1,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 1104,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 7033,
			.tile = { 68, 68 },
			.outbox = { 60, 60 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 4,
			.stride = 4,
			.products = 2,
			.shift = 32,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_OUTPUT,
			.block = 0,
			.phase = 5,
			.rounds = 1,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 1,
			.buffers = 1,
			.slot_us = 1104,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 7041,
			.tile = { 64, 64 },
			.outbox = { 52, 52 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1570,
			.weights = 0,
			.channels = 0,
			.view = 4,
			.stride = 4,
			.products = 0,
			.shift = 30,
			.send_shift = 37,
			.send_multiplier = 1832519380,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
			.coded_us = 32,
		},
		{
			.kind = CATS_GATHER_RESULT,
			.block = 0,
			.phase = 6,
			.rounds = 1,
			.row_begin = 0,
			.rows = 1,
			.tile_rows = 1,
			.element = 2,
			.buffers = 1,
			.slot_us = 1232,
			.control_us = 1040,
			.turn_us = 360,
			.spacing_us = 6059,
			.tile = { 40, 40 },
			.outbox = { 0, 0 },
			.own_keep = 0,
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
			.coded_us = 32,
		},
	},
	.sources = {
		{ { 2, 2, 1, 2, 2 }, { 0, 0, 0, 0, 0 } },
		{ { 2, 2, 1, 4, 4 }, { 1, 1, 1, 4, 2 } },
		{ { 2, 2, 1, 1, 4 }, { 1, 1, 1, 1, 2 } },
		{ { 2, 2, 1, 1, 4 }, { 1, 1, 1, 1, 2 } },
		{ { 1, 1, 1, 1, 2 }, { 2, 2, 1, 1, 3 } },
		{ { 2, 2, 1, 1, 4 }, { 1, 1, 1, 1, 2 } },
		{ { 6, 6, 1, 1, 3 }, { 0, 0, 0, 0, 0 } },
	},
	.input_table = {
		{ 3979, 1082 },
		{ -755, -4881 },
		{ -1401, -1147 },
		{ 1441, -2282 },
	},
	.input_weights = {
		{ -113, 0, 89, 0 },
		{ 91, 0, -71, 0 },
	},
	.input_channels = {
		{ 0, 868004940 }, { 0, 1600950288 },
	},
	.block0_attention_own_keep = {
		0,
	},
	.pad_930 = { 0, 0 },
	.block0_attention_norm = {
		{ 11439, -1921 }, { 7235, 3006 }, { 11727, -928 }, { 6168, -820 },
	},
	.block0_attention_weights = {
		{ -125, 80, 21, -1 },
		{ -3, 50, -20, 117 },
		{ 97, -80, -45, 25 },
		{ -12, -37, -111, 12 },
		{ -40, -122, 9, 104 },
		{ 78, 92, 112, -71 },
	},
	.block0_attention_channels = {
		{ -2697, 1616536571 }, { -4832, 1037675052 }, { 6074, 1619825557 },
		{ 1100, 1049186503 }, { -161, 1387952051 }, { -164, 1493199600 },
	},
	.block0_heads_own_keep = {
		1,
	},
	.pad_1022 = { 0, 0 },
	.block0_heads_weights = {
		{ 32, -114, -96, -11 },
		{ 83, 27, -25, -114 },
	},
	.block0_heads_channels = {
		{ 5620, 1792240365 }, { -1595, 1441500853 },
	},
	.block0_forward_own_keep = {
		0,
	},
	.pad_1050 = { 0, 0 },
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
		{ 6663, -3840 }, { 10734, -2709 }, { 7649, -969 }, { 9196, -2947 },
	},
	.block0_forward_weights = {
		{ 113, 84, 90, 63 },
		{ 21, -124, 35, 19 },
		{ -127, 84, 100, -70 },
	},
	.block0_forward_channels = {
		{ 1742, 901182137 }, { -3380, 1387952051 }, { -358, 1022874616 },
	},
	.block0_hidden_own_keep = {
		0, 2,
	},
	.block0_hidden_weights = {
		{ 31, -120, 46, 7 },
		{ 8, 29, -77, 72 },
	},
	.block0_hidden_channels = {
		{ 2268, 887698586 }, { 95, 1041106692 },
	},
	.output_own_keep = {
		1,
	},
	.pad_1390 = { 0, 0 },
	.output_norm = {
		{ 7994, 3961 }, { 11620, -2255 }, { 6641, 2410 }, { 9152, 2121 },
	},
	.metadata = {
		.normalisation = CATS_NORMALISATION_FIXED,
		.overlap = 0,
		.channels = 1,
		.height = 1,
		.width = 7,
		.patch_height = 1,
		.patch_width = 2,
		.classes = 3,
		.horizon = 0,
		.step_s = 0,
		.step_ns = 0,
		.sensors = CATS_PARTITION_AT(metadata_sensors),
		.class_names = CATS_PARTITION_AT(metadata_class_names),
		.text = CATS_PARTITION_AT(metadata_text),
		.text_size = 15,
		.values = 0,
		.targets = 0,
		.reserved_2 = 0,
	},
	.metadata_sensors = {
		{
			.name = 0,
			.unit = 2,
			.mean = 0x3f000000u, /* 0.5 */
			.deviation = 0x40000000u, /* 2.0 */
			.counts_per_unit = 0x44800000u, /* 1024.0 */
			.multiplier = 1073741824,
			.shift = 35,
			.addend_low = 0x00000000u,
			.addend_high = -124,
		},
	},
	.metadata_class_names = {
		8, 10, 12,
	},
	.pad_1494 = { 0, 0 },
	.metadata_text =
		"x\0"
		"m/s\302\262\0"
		"1\0"
		"2\0"
		"10",
	.pad_1511 = { 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
