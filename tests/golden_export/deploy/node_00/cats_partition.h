/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 0 of 2, deployment 545718f4.
 * 1 blocks, 4 tokens, 6 features, 3 heads, 5 hidden.
 * 1808 bytes of flash, 136 bytes of arena.
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
#define CATS_PARTITION_NODES 2 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0x545718f4u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_IEEE802154 /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 136 /* bytes of RAM */
#define CATS_PARTITION_SIZE 1808 /* bytes of flash */

struct cats_partition_image {
	/* identity, sizes, checksum */
	struct cats_image_header header;
	/* shape, this node's share, arena */
	struct cats_image_model model;
	/* the exchanges in their order */
	struct cats_image_gather gathers[7];
	/* how each source cuts its rows: [G][D] */
	struct cats_image_source sources[7][2];
	/* own columns that are broadcast: [kept] */
	uint16_t input_own_keep[2];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[4][4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[4][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[5];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[12][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[12];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[4][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[2];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[5];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[2][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[2];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[1];
	uint8_t pad_1570[2];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[4][4];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[4];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[2];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[5];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[3][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[3];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[3];
	uint8_t pad_1698[2];
	/* what samples and outputs mean */
	struct cats_image_metadata metadata;
	/* each channel of a sample */
	struct cats_image_sensor metadata_sensors[1];
	/* places in the text */
	uint16_t metadata_class_names[3];
	uint8_t pad_1786[2];
	/* names and units */
	char metadata_text[15];
	uint8_t pad_1803[5];
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
		.crc32 = 0x435ea2bcu,
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
		.own_heads = 2,
		.own_hidden = 2,
		.own_inputs = 2,
		.own_outputs = 3,
		.first_output = 0,
		.first_input = 0,
		.first_head = 0,
		.flags = CATS_FLAG_HELD | CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_CLASS,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 4,
		.input_scale = 0x3c800000u, /* 0.015625 */
		.output_scale = 0x39800000u, /* 0.00024414062 */
		.arena_residual = 64,
		.arena_query = 96,
		.arena_key = 112,
		.arena_value = 120,
		.arena_heads = 96,
		.arena_hidden = 96,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 96,
		.arena_pooled = 96,
		.arena_output = 64,
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
			.tile = { 0, 0 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(input_own_keep),
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 2,
			.stride = 4,
			.products = 4,
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
			.tile = { 128, 128 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 1354,
			.weights = CATS_PARTITION_AT(block0_attention_weights),
			.channels = CATS_PARTITION_AT(block0_attention_channels),
			.view = 5,
			.stride = 8,
			.products = 12,
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
			.tile = { 132, 132 },
			.outbox = { 112, 112 },
			.own_keep = CATS_PARTITION_AT(block0_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_heads_weights),
			.channels = CATS_PARTITION_AT(block0_heads_channels),
			.view = 5,
			.stride = 8,
			.products = 4,
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
			.tile = { 116, 116 },
			.outbox = { 104, 104 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 981,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 5,
			.stride = 8,
			.products = 2,
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
			.tile = { 108, 108 },
			.outbox = { 104, 104 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 4,
			.stride = 4,
			.products = 4,
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
			.tile = { 112, 112 },
			.outbox = { 100, 100 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 1570,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 5,
			.stride = 8,
			.products = 3,
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
			.tile = { 0, 0 },
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
	.input_own_keep = {
		0, 1,
	},
	.input_table = {
		{ -4090, 4944, 1506, 3357 },
		{ -2470, 3930, -3712, -4658 },
		{ 3706, -4251, 3067, 1874 },
		{ -1192, 1114, 2833, -553 },
	},
	.input_weights = {
		{ 77, 0, 103, 0 },
		{ -86, 0, -122, 0 },
		{ 89, 0, -89, 0 },
		{ -106, 0, -106, 0 },
	},
	.input_channels = {
		{ 0, 1607538561 }, { 0, 1638832856 }, { 0, 1584479606 }, { 0, 1553185310 },
	},
	.block0_attention_own_keep = {
		0, 1,
	},
	.block0_attention_norm = {
		{ 11439, -1921 }, { 7235, 3006 }, { 7141, -2622 }, { 6536, -2054 },
		{ 11727, -928 },
	},
	.block0_attention_weights = {
		{ -44, 93, -121, -92, -61, 0, 0, 0 },
		{ -79, 74, -64, -13, 35, 0, 0, 0 },
		{ 77, -82, -35, -113, -53, 0, 0, 0 },
		{ -3, -76, 95, 82, 94, 0, 0, 0 },
		{ 8, -37, -72, 20, -79, 0, 0, 0 },
		{ 79, 118, 115, -96, -44, 0, 0, 0 },
		{ 5, 71, 65, 59, -124, 0, 0, 0 },
		{ -16, 59, 77, 60, -27, 0, 0, 0 },
		{ -38, 55, 85, 121, -6, 0, 0, 0 },
		{ 5, -41, -65, 78, 89, 0, 0, 0 },
		{ 87, 87, 46, -33, 58, 0, 0, 0 },
		{ -105, 123, -41, -117, 71, 0, 0, 0 },
	},
	.block0_attention_channels = {
		{ 3034, 878159236 }, { 3192, 1590224684 }, { -171, 1073853897 },
		{ -698, 975184320 }, { 4159, 1062342446 }, { 5085, 991629250 },
		{ -1840, 996562728 }, { 4762, 1547467867 }, { -1793, 1356706685 },
		{ -2971, 1162656516 }, { 4941, 1478399163 }, { -3008, 1493199600 },
	},
	.block0_heads_own_keep = {
		0, 3,
	},
	.block0_heads_weights = {
		{ -1, -122, 121, -20, -115, 0, 0, 0 },
		{ -84, -42, 111, 108, 39, 0, 0, 0 },
		{ 87, 72, 7, 71, 116, 0, 0, 0 },
		{ -24, -55, -1, 39, -124, 0, 0, 0 },
	},
	.block0_heads_channels = {
		{ 5011, 994404331 }, { 1638, 1616870609 }, { -5584, 1670830534 },
		{ -3730, 1387540928 },
	},
	.block0_forward_own_keep = {
		1, 3,
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
		{ 9668, 1348 }, { 6663, -3840 }, { 9803, -3198 }, { 10734, -2709 },
		{ 7649, -969 },
	},
	.block0_forward_weights = {
		{ -87, -8, 124, 124, 47, 0, 0, 0 },
		{ -79, 96, -87, 37, -30, 0, 0, 0 },
	},
	.block0_forward_channels = {
		{ 732, 1016296644 }, { -3038, 988340264 },
	},
	.block0_hidden_own_keep = {
		0,
	},
	.pad_1570 = { 0, 0 },
	.block0_hidden_weights = {
		{ -46, 26, 82, 11 },
		{ -63, -54, -121, -51 },
		{ 76, -39, -11, 13 },
		{ 114, 54, 5, -82 },
	},
	.block0_hidden_channels = {
		{ -2174, 1347922902 }, { -2435, 1041106692 }, { 1227, 1251396454 },
		{ -914, 956646049 },
	},
	.output_own_keep = {
		0, 2,
	},
	.output_norm = {
		{ 7994, 3961 }, { 10349, -3996 }, { 11620, -2255 }, { 8291, 3696 },
		{ 9152, 2121 },
	},
	.output_weights = {
		{ -66, 44, -36, 62, -71, 0, 0, 0 },
		{ 82, -53, 68, 2, -28, 0, 0, 0 },
		{ -13, 66, -95, -11, -8, 0, 0, 0 },
	},
	.output_channels = {
		{ -5741, 850511198 }, { 6149, 1107463222 }, { -2979, 935305366 },
	},
	.result_own_keep = {
		0, 1, 2,
	},
	.pad_1698 = { 0, 0 },
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
	.pad_1786 = { 0, 0 },
	.metadata_text =
		"x\0"
		"m/s\302\262\0"
		"1\0"
		"2\0"
		"10",
	.pad_1803 = { 0, 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
