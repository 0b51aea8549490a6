/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Partition of node 0 of 4, deployment 96ef5c40.
 * 2 blocks, 8 tokens, 32 features, 4 heads, 64 hidden.
 * 6640 bytes of flash, 928 bytes of arena.
 * Written by `cats export`: do not edit, export again.
 */

#ifndef CATS_PARTITION_H_
#define CATS_PARTITION_H_

#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#if CATS_FORMAT_VERSION != 5
#error "this partition has format 5: export it again with the cats program of this source tree"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a partition is little-endian"
#endif

#define CATS_PARTITION_NODE 0 /* this node */
#define CATS_PARTITION_NODES 4 /* nodes of the deployment */
#define CATS_PARTITION_MODEL_ID 0x96ef5c40u /* the same on all its nodes */
#define CATS_PARTITION_RADIO CATS_RADIO_IEEE802154 /* that it is planned for */
#define CATS_PARTITION_ARENA_SIZE 928 /* bytes of RAM */
#define CATS_PARTITION_SIZE 6640 /* bytes of flash */

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
	uint16_t input_own_keep[8];
	/* position and bias, residual units: [N][own features] */
	int16_t input_table[8][8];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t input_weights[8][8];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel input_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_attention_own_keep[4];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_attention_norm[20];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_attention_weights[24][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_attention_channels[24];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_heads_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_heads_weights[8][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_heads_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_forward_own_keep[4];
	/* activation of v at [v + 128] */
	int8_t block0_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block0_forward_norm[20];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_forward_weights[16][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_forward_channels[16];
	/* own columns that are broadcast: [kept] */
	uint16_t block0_hidden_own_keep[8];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block0_hidden_weights[8][40];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block0_hidden_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_attention_own_keep[4];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_attention_norm[20];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_attention_weights[24][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_attention_channels[24];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_heads_own_keep[4];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_heads_weights[8][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_heads_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_forward_own_keep[4];
	/* activation of v at [v + 128] */
	int8_t block1_forward_table[256];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm block1_forward_norm[20];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_forward_weights[16][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_forward_channels[16];
	/* own columns that are broadcast: [kept] */
	uint16_t block1_hidden_own_keep[8];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t block1_hidden_weights[8][40];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel block1_hidden_channels[8];
	/* own columns that are broadcast: [kept] */
	uint16_t output_own_keep[4];
	/* gain and bias of each view column, Q8: [view] */
	struct cats_image_norm output_norm[20];
	/* [outputs][stride], each four columns as 0, 2, 1, 3 */
	int8_t output_weights[10][20];
	/* bias and multiplier of each output: [outputs] */
	struct cats_image_channel output_channels[10];
	/* own columns that are broadcast: [kept] */
	uint16_t result_own_keep[10];
	/* what samples and outputs mean */
	struct cats_image_metadata metadata;
	/* each channel of a sample */
	struct cats_image_sensor metadata_sensors[1];
	/* places in the text */
	uint16_t metadata_class_names[10];
	/* names and units */
	char metadata_text[27];
	uint8_t pad_6635[5];
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
		.crc32 = 0x8dfd2827u,
		.model_id = CATS_PARTITION_MODEL_ID,
		.node = CATS_PARTITION_NODE,
		.nodes = CATS_PARTITION_NODES,
		.gathers = 11,
		.arena_size = CATS_PARTITION_ARENA_SIZE,
		.model = CATS_PARTITION_AT(model),
		.gather_table = CATS_PARTITION_AT(gathers),
		.source_table = CATS_PARTITION_AT(sources),
		.metadata = CATS_PARTITION_AT(metadata),
	},
	.model = {
		.tokens = 8,
		.tokens_in = 8,
		.features = 32,
		.heads = 4,
		.hidden = 64,
		.blocks = 2,
		.inputs = 8,
		.outputs = 10,
		.head_width = 8,
		.own_heads = 1,
		.own_hidden = 16,
		.own_inputs = 8,
		.own_outputs = 10,
		.first_output = 0,
		.first_input = 0,
		.first_head = 0,
		.flags = CATS_PARTITION_RADIO << CATS_RADIO_SHIFT,
		.pool = CATS_POOL_MEAN,
		.block_rows = 4,
		.heads_per_pass = 1,
		.hidden_rows = 8,
		.input_scale = 0x3c010204u, /* 0.007874016 */
		.output_scale = 0x39d68a87u, /* 0.00040920472 */
		.arena_residual = 512,
		.arena_query = 416,
		.arena_key = 640,
		.arena_value = 704,
		.arena_heads = 416,
		.arena_hidden = 640,
		.arena_rows = 0,
		.arena_scores = 0,
		.arena_input = 320,
		.arena_pooled = 340,
		.arena_output = 320,
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
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 3152,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 5294,
			.tile = { 0, 0 },
			.outbox = { 0, 0 },
			.own_keep = CATS_PARTITION_AT(input_own_keep),
			.table = CATS_PARTITION_AT(input_table),
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(input_weights),
			.channels = CATS_PARTITION_AT(input_channels),
			.view = 8,
			.stride = 8,
			.products = 8,
			.shift = 34,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_ATTENTION,
			.block = 0,
			.phase = 1,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10903,
			.tile = { 768, 768 },
			.outbox = { 480, 480 },
			.own_keep = CATS_PARTITION_AT(block0_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block0_attention_norm),
			.norm_epsilon = 2386,
			.weights = CATS_PARTITION_AT(block0_attention_weights),
			.channels = CATS_PARTITION_AT(block0_attention_channels),
			.view = 20,
			.stride = 20,
			.products = 24,
			.shift = 38,
			.send_shift = 36,
			.send_multiplier = 1946675184,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_HEADS,
			.block = 0,
			.phase = 2,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10865,
			.tile = { 320, 320 },
			.outbox = { 480, 480 },
			.own_keep = CATS_PARTITION_AT(block0_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_heads_weights),
			.channels = CATS_PARTITION_AT(block0_heads_channels),
			.view = 20,
			.stride = 20,
			.products = 8,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 512612692,
			.value_multiplier = 1448035732,
			.value_shift = 44,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 0,
			.phase = 3,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10857,
			.tile = { 768, 768 },
			.outbox = { 864, 864 },
			.own_keep = CATS_PARTITION_AT(block0_forward_own_keep),
			.table = CATS_PARTITION_AT(block0_forward_table),
			.norm = CATS_PARTITION_AT(block0_forward_norm),
			.norm_epsilon = 1303,
			.weights = CATS_PARTITION_AT(block0_forward_weights),
			.channels = CATS_PARTITION_AT(block0_forward_channels),
			.view = 20,
			.stride = 20,
			.products = 16,
			.shift = 38,
			.send_shift = 36,
			.send_multiplier = 1438609445,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_HIDDEN,
			.block = 0,
			.phase = 4,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 3152,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 14871,
			.tile = { 320, 320 },
			.outbox = { 864, 864 },
			.own_keep = CATS_PARTITION_AT(block0_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block0_hidden_weights),
			.channels = CATS_PARTITION_AT(block0_hidden_channels),
			.view = 40,
			.stride = 40,
			.products = 8,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_ATTENTION,
			.block = 1,
			.phase = 5,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10903,
			.tile = { 768, 768 },
			.outbox = { 480, 480 },
			.own_keep = CATS_PARTITION_AT(block1_attention_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(block1_attention_norm),
			.norm_epsilon = 884,
			.weights = CATS_PARTITION_AT(block1_attention_weights),
			.channels = CATS_PARTITION_AT(block1_attention_channels),
			.view = 20,
			.stride = 20,
			.products = 24,
			.shift = 38,
			.send_shift = 36,
			.send_multiplier = 1184749367,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_HEADS,
			.block = 1,
			.phase = 6,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10865,
			.tile = { 320, 320 },
			.outbox = { 480, 480 },
			.own_keep = CATS_PARTITION_AT(block1_heads_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_heads_weights),
			.channels = CATS_PARTITION_AT(block1_heads_channels),
			.view = 20,
			.stride = 20,
			.products = 8,
			.shift = 33,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 653120823,
			.value_multiplier = 1275164712,
			.value_shift = 44,
		},
		{
			.kind = CATS_GATHER_FORWARD,
			.block = 1,
			.phase = 7,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 2128,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 10857,
			.tile = { 768, 768 },
			.outbox = { 864, 864 },
			.own_keep = CATS_PARTITION_AT(block1_forward_own_keep),
			.table = CATS_PARTITION_AT(block1_forward_table),
			.norm = CATS_PARTITION_AT(block1_forward_norm),
			.norm_epsilon = 519,
			.weights = CATS_PARTITION_AT(block1_forward_weights),
			.channels = CATS_PARTITION_AT(block1_forward_channels),
			.view = 20,
			.stride = 20,
			.products = 16,
			.shift = 38,
			.send_shift = 37,
			.send_multiplier = 1815449146,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
		},
		{
			.kind = CATS_GATHER_HIDDEN,
			.block = 1,
			.phase = 8,
			.rounds = 0,
			.row_begin = 0,
			.rows = 8,
			.tile_rows = 8,
			.element = 1,
			.buffers = 1,
			.slot_us = 3152,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 14871,
			.tile = { 320, 320 },
			.outbox = { 864, 864 },
			.own_keep = CATS_PARTITION_AT(block1_hidden_own_keep),
			.table = 0,
			.norm = 0,
			.norm_epsilon = 0,
			.weights = CATS_PARTITION_AT(block1_hidden_weights),
			.channels = CATS_PARTITION_AT(block1_hidden_channels),
			.view = 40,
			.stride = 40,
			.products = 8,
			.shift = 32,
			.send_shift = 0,
			.send_multiplier = 0,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
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
			.slot_us = 1232,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 7019,
			.tile = { 768, 768 },
			.outbox = { 348, 348 },
			.own_keep = CATS_PARTITION_AT(output_own_keep),
			.table = 0,
			.norm = CATS_PARTITION_AT(output_norm),
			.norm_epsilon = 476,
			.weights = CATS_PARTITION_AT(output_weights),
			.channels = CATS_PARTITION_AT(output_channels),
			.view = 20,
			.stride = 20,
			.products = 10,
			.shift = 32,
			.send_shift = 40,
			.send_multiplier = 1738528976,
			.score_multiplier = 0,
			.value_multiplier = 0,
			.value_shift = 0,
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
			.slot_us = 1744,
			.control_us = 1168,
			.turn_us = 360,
			.spacing_us = 3810,
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
		},
	},
	.sources = {
		{ { 8, 8, 1, 8, 8 }, { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 8, 8, 1, 8, 16 }, { 8, 8, 1, 8, 16 }, { 8, 8, 1, 8, 16 },
		  { 8, 8, 1, 8, 16 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 }, { 4, 4, 1, 8, 8 } },
		{ { 8, 8, 1, 8, 16 }, { 8, 8, 1, 8, 16 }, { 8, 8, 1, 8, 16 },
		  { 8, 8, 1, 8, 16 } },
		{ { 4, 4, 1, 1, 8 }, { 4, 4, 1, 1, 8 }, { 4, 4, 1, 1, 8 }, { 4, 4, 1, 1, 8 } },
		{ { 20, 20, 1, 1, 10 }, { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 },
		  { 0, 0, 0, 0, 0 } },
	},
	.input_own_keep = {
		0, 1, 2, 3, 4, 5, 6, 7,
	},
	.input_table = {
		{ 118, 59, 672, 328, -889, 734, 402, 852 },
		{ 337, 371, 86, -170, -126, 507, 400, 508 },
		{ -48, 595, -320, -482, 897, 581, 675, -416 },
		{ -36, 17, -395, -657, 668, -528, 504, -712 },
		{ -365, 132, -459, 11, 105, -602, 439, -792 },
		{ -1064, 502, -574, 19, -548, -233, 669, -199 },
		{ -756, -159, -354, 271, -71, 86, 104, 328 },
		{ -805, -180, 391, 104, 4, 257, 431, 1036 },
	},
	.input_weights = {
		{ -36, -74, -3, -18, -44, 20, -127, -106 },
		{ -56, 107, -37, 37, -73, -6, 127, 47 },
		{ 34, 29, -31, 127, 23, -30, -92, -42 },
		{ 72, -90, 11, -59, 127, -34, 32, -75 },
		{ -37, -8, 95, 66, 127, 99, 4, 15 },
		{ -38, 23, -53, -5, 83, -37, 127, -14 },
		{ -47, 126, 109, 127, 87, 4, 73, -74 },
		{ -93, -101, -110, 127, -57, 92, 110, 80 },
	},
	.input_channels = {
		{ 0, 770267142 }, { 0, 1387775273 }, { 0, 1461045300 }, { 0, 1123163876 },
		{ 0, 843707342 }, { 0, 1317236384 }, { 0, 941216995 }, { 0, 890721436 },
	},
	.block0_attention_own_keep = {
		0, 2, 4, 7,
	},
	.block0_attention_norm = {
		{ 11239, -792 }, { 11175, -520 }, { 11448, -155 }, { 10526, -629 },
		{ 11524, 460 }, { 10531, -652 }, { 10521, -375 }, { 11544, -50 },
		{ 10596, -420 }, { 10713, 302 }, { 9003, 1458 }, { 9392, 2185 },
		{ 7510, 1266 }, { 9563, -510 }, { 7856, 1063 }, { 9078, 824 },
		{ 9677, 295 }, { 9088, 618 }, { 10961, -766 }, { 8238, -175 },
	},
	.block0_attention_weights = {
		{ -19, 5, 40, -79, -18, -90, 22, 127, -7, 80, 3, -16, -36, -16, 15,
		  26, 33, -7, 59, -29 },
		{ -5, -94, -5, 127, -46, 81, 82, -62, 32, 5, -56, -91, -65, -47, -92,
		  -31, -74, 72, -29, 1 },
		{ -45, -76, -35, 64, 55, -34, -59, -27, 127, 28, 13, -4, -57, 27, -3,
		  80, -53, 67, -12, 41 },
		{ 118, 38, 4, -119, 14, -45, 12, -127, 41, 81, 1, 51, 86,
		  29, 66, -36, 26, 67, 72, 50 },
		{ 32, -85, -38, 65, -45, -68, 127, -58, 71, -80, 17, -56, 15, 17, -56,
		  -96, -57, 8, 101, 53 },
		{ 110, -102, 41, 43, -127, -89, 13, -8, 95, -47, -43, -59, -5,
		  -19, 29, 11, 4, 2, -15, 22 },
		{ 94, 58, 94, -75, -126, 124, 15, -127, -88, -76, -48, 10, 25,
		  62, 29, 7, 69, -93, 48, 81 },
		{ -78, 14, -109, 106, 8, -94, 104, 121, -71, 54, 73, 33, 19,
		  -54, -127, -63, -108, 32, 14, -62 },
		{ 96, 71, 110, -96, -70, -51, -78, 21, -37, -41, 98, -107, -27,
		  64, 127, 68, 76, 76, -51, 15 },
		{ -80, -127, 55, 118, -77, -22, 28, 54, 73, 54, -39, -36, 19,
		  -7, 16, 63, -20, -5, -16, -18 },
		{ -57, 57, -127, 94, -69, -32, -23, 107, 77, 34, -31, 13, 45,
		  -10, -42, 48, -83, -19, 58, 22 },
		{ 100, 19, -5, 28, 127, -87, 41, -78, 24, 36, 46, -58, -63,
		  -94, 35, -33, 17, 20, -25, -108 },
		{ 72, -88, 127, -27, -3, -63, -27, 83, -34, -29, 29, 22, -13, -8, 27,
		  -14, 11, 35, -68, 21 },
		{ 122, -101, 37, -17, -77, -96, -100, 61, 70, 43, 74, 76, 17,
		  -8, -27, 4, 29, -5, 127, -9 },
		{ 53, -53, 25, 39, 69, 14, -4, -127, 13, -49, 35, 71, -11,
		  -66, 0, 16, -5, 45, 10, -20 },
		{ 12, 35, 127, -32, -83, 27, 30, 116, -56, 53, -9, -18, 21, 63, -43,
		  -29, -47, -56, -58, -96 },
		{ -58, 127, 22, 70, -91, -52, 15, -22, 55, 26, 33, -45, 7, 33, -57,
		  -9, 54, 104, -37, 10 },
		{ 52, 125, 16, -35, -88, -127, -92, -91, -53, -113, 95, 55, 32,
		  15, 48, 54, 5, -10, 84, -75 },
		{ 6, 82, 32, -34, 9, 127, 17, -44, 41, -34, -27, 36, -4, 47, -69,
		  36, -22, 23, -39, 40 },
		{ -70, 44, -127, 71, -18, 18, 68, 77, -51, -17, 3, 23, -46,
		  43, -38, 3, 26, -32, 23, -5 },
		{ 30, -101, 18, 47, 97, -4, 127, -53, -3, 21, -90, -4, -55,
		  -55, -54, -59, 37, -36, -8, -76 },
		{ 14, -68, -9, 101, -33, -31, -55, -90, -13, 17, -25, 39, 38,
		  22, 6, 43, 38, -127, 85, 72 },
		{ -40, -36, 127, -45, -74, 47, -34, 50, 90, -12, -2, -66, -29, 47, -9,
		  33, -37, 26, -39, 35 },
		{ 20, -115, -56, 25, -77, 33, 75, -127, 3, -44, -4, 80, -49,
		  27, -39, -3, -43, 118, -117, 40 },
	},
	.block0_attention_channels = {
		{ 1061, 871254571 }, { -129, 670207359 }, { -2785, 913835381 },
		{ 3294, 440713799 }, { 3600, 501178817 }, { 2437, 681101383 },
		{ 4122, 710038162 }, { -1543, 486779712 }, { -59, 786210459 },
		{ 112, 816108148 }, { -192, 872885550 }, { -66, 601108123 },
		{ 231, 580140631 }, { -75, 822510877 }, { 86, 1135152379 },
		{ 111, 695451657 }, { -826, 942351798 }, { -799, 739992700 },
		{ 208, 1002149155 }, { 418, 1190970503 }, { -275, 773232636 },
		{ 1198, 988736326 }, { -61, 991801956 }, { -610, 616246316 },
	},
	.block0_heads_own_keep = {
		3, 4, 5, 7,
	},
	.block0_heads_weights = {
		{ -61, -20, -28, 127, 65, -57, 0, -49, 21, -14, 34, 41, 52, 58, 9,
		  -45, -61, 8, 3, -27 },
		{ 95, 5, -61, 127, -22, -7, -47, 28, -20, -54, 18, -15, 17, 7, 44,
		  -40, 54, 12, 5, -57 },
		{ 53, 68, 118, -6, -39, -127, 44, -18, 0, 42, -70, -50, -68,
		  71, -12, 98, -27, -46, 35, -10 },
		{ 42, 127, 7, 57, 38, 5, -62, 4, 22, -71, -65, -38, 25, -35, 55,
		  78, 5, -15, 22, -4 },
		{ -78, -9, 30, 21, 75, -32, 127, 48, -44, 28, 42, -67, -107,
		  126, 7, -74, -40, -70, 57, 32 },
		{ -70, -53, 117, -127, -90, 45, 70, -72, -84, -93, 74, -45, -77,
		  69, 126, -70, -76, -14, -104, 81 },
		{ 63, -29, 18, 53, -20, -127, -43, -74, -47, -32, -4, 26, 48,
		  -55, 15, 22, -50, 70, 31, -28 },
		{ 75, -117, 127, -24, 84, -61, -3, 33, -44, -28, -127, -101, -22,
		  15, 56, 126, -33, -5, 88, -77 },
	},
	.block0_heads_channels = {
		{ 132, 1235334251 }, { -65, 1116356770 }, { -1120, 831967774 },
		{ 1882, 879027475 }, { 1252, 704886587 }, { -2105, 601927963 },
		{ 386, 941230887 }, { -3622, 704007440 },
	},
	.block0_forward_own_keep = {
		2, 3, 5, 7,
	},
	.block0_forward_table = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -2,
		-2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -3, -3, -3, -3,
		-3, -3, -3, -3, -3, -4, -4, -4, -4, -4, -4, -4, -4, -4, -5, -5,
		-5, -5, -5, -5, -5, -5, -6, -6, -6, -6, -6, -6, -6, -6, -6, -7,
		-7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7,
		-7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -6, -6, -6, -6, -6,
		-6, -5, -5, -5, -5, -4, -4, -4, -3, -3, -3, -2, -2, -1, -1, 0,
		0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9,
		10, 10, 11, 12, 13, 14, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22,
		23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
		39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55,
		56, 57, 58, 59, 60, 61, 62, 63, 64, 66, 67, 68, 69, 70, 71, 72,
		73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 88, 89,
		90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105,
		106, 107, 108, 109, 110, 111, 112, 112, 113, 114, 115, 116, 117, 118, 119, 120,
	},
	.block0_forward_norm = {
		{ 9007, -683 }, { 8477, -248 }, { 9266, -295 }, { 8292, -71 },
		{ 8405, 638 }, { 8265, -506 }, { 7622, -432 }, { 10363, -755 },
		{ 7867, -90 }, { 7890, -233 }, { 9504, -428 }, { 8698, -243 },
		{ 8236, 525 }, { 8408, 256 }, { 7848, -778 }, { 8714, -167 },
		{ 8582, 558 }, { 8841, 176 }, { 9250, 1241 }, { 10087, 264 },
	},
	.block0_forward_weights = {
		{ 104, 0, -47, -121, -71, 8, -31, -44, -27, 44, 51, 22, 39,
		  -7, 89, -53, -22, 67, -84, 127 },
		{ -6, 127, -32, -77, 2, 33, -76, -36, 8, 16, 54, -14, 9, -35, 30,
		  -92, -97, -59, -5, 24 },
		{ 46, -56, 43, -13, -24, 32, -20, 113, 45, 42, -6, -31, -66,
		  42, -127, -2, -84, 97, -96, -34 },
		{ 3, -113, 127, -22, 16, -49, -3, 57, 22, 44, 27, 33, -106,
		  86, 6, -50, 3, -8, -27, 81 },
		{ 49, 30, -113, 18, 60, 31, 5, -127, -45, 21, 63, 2, -45,
		  61, 60, 36, -61, 30, 89, -90 },
		{ 14, -51, 7, -25, 43, -22, 20, 127, 5, -39, -24, 24, -72, 38, -2,
		  -26, 54, 19, -42, -11 },
		{ -78, -55, 27, -77, -34, -102, 37, 44, 127, -38, 16, -8, -52,
		  57, 17, -27, 36, -75, -27, 38 },
		{ -49, -36, -90, -92, 127, -9, -43, -95, 31, -29, -5, 104, -62, 51, 45,
		  -34, 47, -89, -29, 55 },
		{ -52, -83, 50, 10, -127, -58, 33, 43, 68, 113, 70, -83, -58,
		  -6, -20, 63, -61, 28, 25, 37 },
		{ -127, 38, -80, -8, 49, 49, 20, -19, -8, 19, 74, -33, -77,
		  34, 50, -5, 36, -35, 14, 10 },
		{ -127, 7, 7, 52, -1, 16, 31, 14, 10, 6, 47, 60, -17,
		  -36, 8, -39, -50, -7, 14, 24 },
		{ 77, -14, -127, 56, 65, 16, 34, 4, 21, 17, 53, 40, 7,
		  14, 63, -25, -69, 41, -23, 22 },
		{ -11, 127, 25, -7, -10, -1, -68, -74, -67, -6, -16, 48, 85,
		  -22, 17, -38, -75, -47, -126, 3 },
		{ 49, 6, -66, 1, -52, -53, -5, 0, 59, 18, -30, 21, -30, -41, 15,
		  -3, -47, 16, 11, 127 },
		{ -32, 20, 74, -25, 127, 47, 15, 1, -20, -26, 16, 0, -18, 37, -9,
		  -3, 28, -74, 8, -36 },
		{ 31, -49, -27, 27, 40, -18, 22, 127, 42, 13, -12, -28, -31,
		  48, -41, -103, -54, -53, -93, -44 },
	},
	.block0_forward_channels = {
		{ -737, 1105766756 }, { -1144, 1249142416 }, { -2321, 879235349 },
		{ -1741, 1020161757 }, { -343, 841581238 }, { -774, 1577700880 },
		{ -1515, 1229346230 }, { -1451, 1219356684 }, { -1870, 926663069 },
		{ 41, 1426603532 }, { -295, 1550906193 }, { -741, 955447276 },
		{ -1305, 1132738937 }, { -656, 1626522760 }, { -434, 1621514416 },
		{ -1358, 1127640493 },
	},
	.block0_hidden_own_keep = {
		0, 1, 4, 5, 6, 7, 8, 14,
	},
	.block0_hidden_weights = {
		{ 64, -46, 84, -17, -61, -66, 38, 1, -38, 31, -18, 4, 16, 45, 68,
		  74, 49, 49, 109, 21, 8, 66, -9, -86, 77, -32, 30, 44, -16, -16,
		  56, -53, 5, 127, 4, -28, 37, 46, -33, -14 },
		{ -10, 75, 41, -75, -55, 17, 18, 33, -22, 100, 93, -3, 35,
		  -6, -107, 53, -45, 98, 2, 10, -53, -61, 55, 6, 12, 3,
		  -19, 16, -6, -29, 21, 116, 39, 127, -92, 6, -59, -26, 28,
		  -13 },
		{ 57, 1, -83, -62, 37, -42, 45, 87, 18, 89, 118, -101, -127,
		  -3, -1, -19, 82, 37, 3, -67, -1, -26, 27, -19, 46, -46,
		  32, -8, -5, -83, -10, 50, -1, -45, -37, -19, -88, -26, 65,
		  10 },
		{ 20, 7, 38, 65, -11, 81, 58, -98, 25, -127, -48, -52, 83,
		  -21, 25, 55, 29, -59, -23, 24, -30, -3, -32, 55, 98, 62,
		  7, 26, -25, 63, 62, -16, -61, 59, 116, -74, -22, 10, 42,
		  -64 },
		{ -37, -81, 49, 4, 56, 127, 40, -70, 3, 10, 21, -12, 37,
		  32, -115, -99, 8, 44, -5, 19, 15, -19, -75, -42, -15, 47,
		  -50, -11, -7, 46, 30, -94, -8, 23, 36, -24, -112, 95, 33,
		  63 },
		{ 8, 35, -69, -30, -53, -5, -9, 127, -23, 71, 63, -18, -40, -44, -84,
		  7, 0, 3, 4, 21, -13, 4, 23, -61, 38, -13, -3, 30, 48, 16,
		  63, 27, 91, 24, -24, 9, 0, 25, 24, -18 },
		{ -17, 18, 70, 60, -22, -14, 127, -65, -83, 42, -35, -29, 83,
		  7, -81, 32, 21, -94, 23, 52, 52, -99, 11, 20, -44, 3,
		  116, -70, -89, -4, 61, -76, 4, -8, 26, 70, 1, -10, -18,
		  -102 },
		{ -72, 49, -78, -67, 33, -2, 49, 79, -50, 55, -63, -26, -9,
		  66, -33, 10, 86, 23, -19, -71, -69, -70, 6, 70, 83, 29,
		  8, 63, 85, 40, -64, 41, -74, 69, -22, 29, -88, 65, -127,
		  13 },
	},
	.block0_hidden_channels = {
		{ -146, 1344432152 }, { -329, 1508261854 }, { 118, 1438089603 },
		{ 145, 1510858338 }, { 418, 1259975759 }, { -676, 1691872191 },
		{ 411, 1548693951 }, { -836, 1164002593 },
	},
	.block1_attention_own_keep = {
		1, 2, 4, 7,
	},
	.block1_attention_norm = {
		{ 9358, -360 }, { 11429, -928 }, { 10479, 209 }, { 10147, 239 },
		{ 10700, 172 }, { 9952, -135 }, { 10004, 655 }, { 10189, -2072 },
		{ 10403, -1500 }, { 10575, -284 }, { 11005, 426 }, { 9931, -713 },
		{ 9847, -727 }, { 10463, -1235 }, { 11077, 350 }, { 10767, 633 },
		{ 10020, 109 }, { 9687, -497 }, { 9453, 691 }, { 10851, -1622 },
	},
	.block1_attention_weights = {
		{ 44, 54, -50, -65, -7, -74, 36, 127, -4, 20, 29, 62, -5, 47, -28,
		  48, 23, -29, -46, -17 },
		{ 13, -85, 11, 80, 13, -21, -11, -4, -127, 15, -26, -52, -14,
		  94, -7, 13, 75, -42, -93, 80 },
		{ -19, 30, 0, 127, 22, 100, -32, -88, 18, -66, -83, -84, -20, -4, -50,
		  -39, 12, 0, -55, 73 },
		{ 90, -57, 32, -127, 39, -49, -56, 68, 11, -1, 48, 47, 61,
		  -47, 12, -24, 6, -44, -19, -32 },
		{ -18, -17, -74, -121, 36, -127, -72, 83, 42, 0, 89, 40, 18,
		  18, 47, 4, -2, -70, 81, 42 },
		{ -13, -62, -39, -9, 50, -12, -83, 74, 127, 124, 87, -37, -15, 32, 94,
		  -58, 124, -7, -6, -26 },
		{ -127, 88, -16, 58, -17, -31, 27, -26, 41, 11, -68, -48, -94,
		  15, 40, 25, 66, -40, 120, -67 },
		{ 1, 96, -71, -69, 15, -36, -58, 43, 105, 59, 33, -77, -3, -35, 127,
		  -35, 125, 27, 97, -43 },
		{ 27, 61, 19, -67, -37, 25, -127, 8, -35, 18, 6, -81, -48,
		  34, 18, 31, -17, -29, -25, 19 },
		{ -86, -25, -34, -48, 36, -127, 59, 68, 52, -77, -33, 20, -50,
		  -12, -52, 59, 67, 9, 8, 105 },
		{ -6, -118, -127, 84, 9, -90, 110, -1, 48, -105, -19, 16, -3,
		  98, -113, -91, 61, 57, -51, 8 },
		{ -36, 90, 74, -94, 33, 37, -5, 27, 11, 127, 55, -35, -22, -50, 125,
		  22, -64, -2, 31, -58 },
		{ -62, 95, 127, -56, -4, -3, -58, -56, -24, 45, 73, -111, -24,
		  -78, 13, 56, -82, 50, 67, -110 },
		{ -45, 49, 125, -85, 22, 53, 0, 58, 55, 24, 43, -127, -91,
		  -48, -12, -37, -41, -12, 67, -39 },
		{ -2, -28, -25, 83, -28, 49, -65, 9, 18, -52, -2, 0, 28,
		  17, -127, 1, 0, 75, 7, 53 },
		{ 8, 53, 127, -59, -53, 85, -6, -3, 13, -67, 74, 11, -85,
		  -80, -90, -10, -118, 75, 9, -81 },
		{ 22, 3, -127, -76, -64, -7, -15, 0, 43, -45, -7, -1, 51,
		  -24, -11, 55, -27, -52, -8, 18 },
		{ 9, 97, 114, 37, -101, 79, -2, 2, -42, 7, 80, -19, 80,
		  -108, -117, -127, 81, -38, 46, -114 },
		{ -16, 10, -75, 16, -38, 41, -17, 52, -12, 53, -101, -3, -3,
		  11, -68, 127, -25, 50, 14, 9 },
		{ -43, 127, -24, 21, -72, 64, -116, 9, 31, -6, 3, -57, 84,
		  -50, -35, 66, -26, 35, 70, -36 },
		{ 18, -76, -9, 15, 16, -32, 22, -37, -15, 49, -26, -10, -22, -2, 18,
		  127, -50, 23, -7, 5 },
		{ -9, -9, -127, -31, -21, 39, 81, 63, 27, -72, -23, 82, 15,
		  -43, 66, -21, -2, -5, 46, 24 },
		{ 20, -2, -43, -11, 91, 125, -61, -40, 127, 7, -75, -68, -46,
		  -10, 19, -10, 36, -111, 0, 41 },
		{ 13, -81, 79, 59, 83, -78, -100, -127, 38, -63, 10, 61, 32,
		  16, 115, -107, -30, 73, 35, -78 },
	},
	.block1_attention_channels = {
		{ -184, 796325411 }, { 2600, 682376689 }, { 5872, 459849259 },
		{ -5521, 701025674 }, { -8084, 702153306 }, { -6188, 587983669 },
		{ 3430, 817378831 }, { -2869, 513687448 }, { 23, 938961405 },
		{ 29, 864408947 }, { -48, 567210630 }, { 37, 907637115 },
		{ 117, 778243671 }, { -9, 720335189 }, { -57, 1123688617 },
		{ 6, 564227287 }, { 110, 1118879462 }, { -1172, 623991938 },
		{ -659, 877271583 }, { 176, 720724537 }, { -816, 1114940744 },
		{ -866, 939379747 }, { 230, 653925268 }, { 622, 588257792 },
	},
	.block1_heads_own_keep = {
		0, 2, 5, 6,
	},
	.block1_heads_weights = {
		{ 127, 64, 9, 123, -6, 113, -9, -58, -57, 97, -33, 74, -76, -12, 13,
		  -33, -26, -10, -43, -82 },
		{ 91, -4, 0, 93, -66, -45, 54, -88, 71, 127, 46, 69, -57, 99, -23,
		  44, -50, -56, 47, -49 },
		{ 24, 59, -27, -98, 93, 66, -21, -63, -20, -23, -33, 60, 2,
		  -50, 72, -54, -127, 21, -32, -14 },
		{ -49, 127, 14, 72, 29, 5, -63, -89, -62, -20, -3, 66, 31, 46, -35,
		  -67, -47, 69, 91, 66 },
		{ 27, 14, -127, 10, 51, -47, -84, 17, -20, -58, 92, 83, 47,
		  13, 72, -68, -80, -12, -54, -49 },
		{ -101, 37, 127, 8, 33, -114, -44, -45, -29, -92, -22, 105, 17,
		  19, 25, 23, -11, -99, -66, 108 },
		{ -34, -77, -81, 16, 5, 28, -80, -2, -69, -1, -9, -28, -25,
		  4, -76, 30, 29, -127, -61, 46 },
		{ -32, 120, -127, -40, 9, 74, -30, -1, -47, -97, -51, 102, -7,
		  -112, 85, 60, 45, 120, -70, 11 },
	},
	.block1_heads_channels = {
		{ -408, 883854045 }, { -68, 1122985923 }, { -646, 987467965 },
		{ -544, 1017758942 }, { 385, 1111036305 }, { -2163, 781633790 },
		{ 231, 846455082 }, { 822, 704140586 },
	},
	.block1_forward_own_keep = {
		2, 4, 5, 6,
	},
	.block1_forward_table = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -2, -2, -2, -2, -2,
		-2, -2, -2, -2, -2, -3, -3, -3, -3, -3, -3, -3, -3, -4, -4, -4,
		-4, -4, -4, -4, -4, -5, -5, -5, -5, -5, -5, -5, -5, -5, -6, -6,
		-6, -6, -6, -6, -6, -6, -6, -6, -6, -6, -6, -6, -6, -6, -5, -5,
		-5, -5, -5, -5, -4, -4, -4, -4, -3, -3, -3, -2, -2, -1, -1, 0,
		0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
		27, 28, 29, 30, 31, 32, 33, 35, 36, 37, 38, 39, 40, 41, 43, 44,
		45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 59, 60, 61, 62,
		63, 64, 65, 66, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 80,
		81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96,
		97, 98, 99, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
		114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 127, 127,
	},
	.block1_forward_norm = {
		{ 9115, 178 }, { 10034, 1488 }, { 11184, -428 }, { 9608, 824 },
		{ 11116, -502 }, { 11385, -987 }, { 11492, 1734 }, { 10004, -118 },
		{ 9576, 402 }, { 10912, -17 }, { 10407, 598 }, { 10606, 1 },
		{ 10715, 1434 }, { 13002, -358 }, { 10529, 102 }, { 10405, -963 },
		{ 9941, -975 }, { 12664, 227 }, { 10111, 2675 }, { 10502, 90 },
	},
	.block1_forward_weights = {
		{ 17, 82, 2, -10, 66, 3, -20, 64, 12, -26, 126, -91, -106,
		  -30, -50, -36, 49, -94, -68, -127 },
		{ 8, -72, -11, -45, -58, -55, 34, -9, 23, -15, 6, 18, -118,
		  12, 127, -32, 32, -76, 113, -77 },
		{ -127, 113, 63, -44, -21, -101, 79, -22, 61, -36, -14, -36, -80,
		  -38, -27, 9, -75, -96, 69, -14 },
		{ -70, 68, -89, -127, 92, 26, -43, 19, -70, 52, 71, -38, 2,
		  42, -26, 71, 42, -49, 25, -13 },
		{ 29, 67, 100, 64, 57, -23, 12, 12, -83, 1, 8, -52, 127, 37, 23,
		  114, 13, 88, 38, 8 },
		{ 67, 34, -15, -2, -21, -1, -27, 60, 22, -62, -22, 114, 26,
		  -18, 29, 34, -127, 29, -38, 35 },
		{ 10, -6, 2, 17, -67, -91, 6, -5, 60, -59, 54, 2, -77, 32, 127,
		  -21, 32, -10, 75, -9 },
		{ 2, -78, -33, 25, 59, -127, -51, 106, 62, -36, 21, 21, 32,
		  39, 79, 49, 10, -9, 32, -14 },
		{ 10, 12, -83, 14, 4, 40, 38, 58, -17, 66, -15, 127, -35, 66, 41,
		  -16, -54, -89, -52, -37 },
		{ -87, -11, 70, -65, -41, -125, 127, -19, 75, -54, 7, -40, -57,
		  83, -30, 0, -62, -20, 22, -22 },
		{ 14, -101, -20, -35, 127, -68, -46, 125, -48, -45, -28, -10, -88,
		  47, -55, 73, 6, -68, -45, 90 },
		{ 8, 127, -49, -63, 88, -24, -5, 104, 5, 82, -11, 30, -86,
		  -32, -100, 15, -9, -47, 34, -33 },
		{ 0, -127, -22, 19, 65, -31, -56, 30, 49, -21, -39, 40, -59,
		  31, -26, -11, 0, 83, 41, 63 },
		{ 55, 58, -127, -79, 100, 80, 15, 58, 5, -23, 34, -56, -36,
		  3, 91, 35, -45, -21, -54, 43 },
		{ 127, 34, -61, 71, 35, -57, 3, 47, -98, -29, -53, -55, -99,
		  41, 67, -64, -112, -125, 3, 28 },
		{ 72, 1, -53, -41, -127, -70, -22, -36, 40, 69, 32, 5, -17,
		  -59, -48, 121, -49, 37, 61, -6 },
	},
	.block1_forward_channels = {
		{ -1385, 407637366 }, { -974, 714291069 }, { -238, 738043991 },
		{ -1119, 739884986 }, { -1250, 569481364 }, { -258, 769437055 },
		{ -876, 798354289 }, { -928, 713640460 }, { -1293, 815854544 },
		{ -1722, 690081711 }, { -2091, 523760345 }, { -1332, 691386207 },
		{ -1313, 914923136 }, { -1905, 652231343 }, { -1998, 403178166 },
		{ -1288, 846061021 },
	},
	.block1_hidden_own_keep = {
		1, 2, 7, 9, 10, 11, 14, 15,
	},
	.block1_hidden_weights = {
		{ -72, 33, 47, 42, 14, 46, 43, 52, -66, 48, 11, -1, -49,
		  41, 13, 98, -17, 35, -25, -38, 25, 58, 45, 20, 82, -40,
		  47, 127, 17, -66, 8, 51, 11, -44, 8, 88, -47, -104, 54,
		  1 },
		{ 47, 31, -69, 124, 39, -75, 80, -54, 9, -16, -13, 76, -64,
		  -28, 127, -106, -98, -44, -92, 22, 59, -33, -43, -28, -25, 71,
		  -14, -41, 45, 44, -127, -6, -124, 78, -40, 95, 93, 61, -73,
		  -1 },
		{ -16, 9, 1, 64, 13, 15, 38, 24, -1, -29, -46, 93, 22, -29, 58,
		  19, -9, -55, 41, 7, 85, -15, -30, -13, -66, 105, -91, -62, 127, -78,
		  -27, -45, 47, -38, 13, 21, -10, 38, 99, 114 },
		{ 6, -127, 5, 14, -63, 28, 31, 77, -78, 4, -27, -53, 28,
		  38, 18, 51, -71, 24, -26, 119, 68, 0, -31, -49, -58, -36,
		  54, -51, -104, 39, -30, -78, -8, 1, -84, -2, 43, -52, -39,
		  14 },
		{ 29, 19, 63, 11, 4, 127, -44, -8, -108, 16, 22, -61, -29,
		  24, -33, -97, 49, -42, -33, 2, 50, 10, -45, -12, -67, -6,
		  28, 57, -39, 57, 46, 122, 44, 21, 64, -48, 15, 12, -72,
		  -20 },
		{ 50, 27, -58, 25, -82, -8, 127, -40, -32, 24, 12, 18, 53, -44, 22,
		  24, -85, -58, 8, -79, -28, 21, -30, 43, 64, 22, 30, 10, 77, 19,
		  45, -25, 44, 0, 64, 12, -7, 33, 123, 95 },
		{ -8, -20, -29, 2, 47, -46, 67, 74, 66, 84, -52, 60, 109,
		  23, 3, -18, 29, 36, 9, -16, -60, -127, 45, 40, -71, 38,
		  -63, -18, 53, 6, 25, 53, -37, 0, -61, 36, -26, 47, -5,
		  27 },
		{ 5, 15, -84, -126, 12, -84, 34, -5, 120, 15, 51, -62, -91,
		  11, 20, 92, -37, 25, 50, 82, 99, -21, -32, -90, 85, -127,
		  42, 15, -24, 27, -54, 6, -58, 59, 62, 53, -10, -98, -88,
		  -6 },
	},
	.block1_hidden_channels = {
		{ -297, 886213387 }, { -700, 644886208 }, { -161, 891299877 },
		{ -1041, 1046779317 }, { 358, 962592569 }, { -1137, 804673341 },
		{ -618, 948067099 }, { 808, 910861248 },
	},
	.output_own_keep = {
		0, 1, 2, 3,
	},
	.output_norm = {
		{ 10709, 189 }, { 10619, 18 }, { 11478, -578 }, { 10343, 167 },
		{ 9943, -33 }, { 9236, -235 }, { 11039, 217 }, { 10171, -383 },
		{ 7620, 555 }, { 7420, -21 }, { 8113, -571 }, { 7265, -176 },
		{ 6270, -791 }, { 8075, 726 }, { 7231, 70 }, { 7623, -38 },
		{ 7100, -4 }, { 7573, 918 }, { 6915, -431 }, { 6646, 39 },
	},
	.output_weights = {
		{ -4, -16, 48, -127, 57, -92, 73, 24, 12, 2, 83, -10, -35,
		  39, -2, 32, 22, -18, 49, -50 },
		{ 57, -70, 70, 60, -49, 127, 62, -127, 100, -41, -42, -64, -81,
		  -110, 62, -113, 17, -81, 77, 77 },
		{ 95, 19, 62, -54, 114, 82, -127, 3, -43, -24, 47, -42, 72,
		  25, -77, -35, -98, 27, -42, 31 },
		{ -80, -127, -82, -51, 56, 75, -98, -39, -44, -57, 75, 39, 16,
		  -68, -62, 64, 81, 69, -29, 45 },
		{ 106, -45, -85, 15, -2, -127, -45, -85, 28, 61, -31, 42, -42,
		  27, -47, -22, 86, 66, 46, -6 },
		{ -127, 84, 5, -12, 23, 12, 36, -18, -30, 45, -30, 37, 57,
		  -39, -85, -6, 56, -63, -1, -30 },
		{ 23, 5, 127, -40, -109, -94, 35, -46, -7, 33, -26, -45, 40,
		  -21, -70, -57, 50, 11, -102, -6 },
		{ 60, -1, -87, -66, -127, 73, -1, 110, -68, 52, -37, 26, -10,
		  31, -9, -80, 39, 77, 49, -77 },
		{ -76, -127, 127, 61, -99, -27, -66, -47, -99, -50, -14, 88, -26,
		  76, -11, 64, -42, -31, 53, -80 },
		{ -61, -87, -39, 126, 78, -25, -49, 127, 21, 81, 12, 5, -39, -44, -42,
		  67, 48, -50, 42, -81 },
	},
	.output_channels = {
		{ 155, 1910878031 }, { 600, 1294820739 }, { -46, 1590177842 },
		{ 29, 1560970182 }, { 47, 1733808120 }, { -80, 2006424004 },
		{ -705, 1852049754 }, { -197, 1490586164 }, { 570, 1448763254 },
		{ -177, 1468276345 },
	},
	.result_own_keep = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
	},
	.metadata = {
		.normalisation = CATS_NORMALISATION_FIXED,
		.overlap = 0,
		.channels = 1,
		.height = 8,
		.width = 8,
		.patch_height = 1,
		.patch_width = 8,
		.classes = 10,
		.horizon = 0,
		.step_s = 0,
		.step_ns = 0,
		.sensors = CATS_PARTITION_AT(metadata_sensors),
		.class_names = CATS_PARTITION_AT(metadata_class_names),
		.text = CATS_PARTITION_AT(metadata_text),
		.text_size = 27,
		.values = 0,
		.targets = 0,
		.reserved_2 = 0,
	},
	.metadata_sensors = {
		{
			.name = 0,
			.unit = 6,
			.mean = 0x41000000u, /* 8.0 */
			.deviation = 0x41000000u, /* 8.0 */
			.counts_per_unit = 0x44800000u, /* 1024.0 */
			.multiplier = 2130706440,
			.shift = 37,
			.addend_low = 0xffff0200u,
			.addend_high = -4049,
		},
	},
	.metadata_class_names = {
		7, 9, 11, 13, 15, 17, 19, 21, 23, 25,
	},
	.metadata_text =
		"pixel\0"
		"\0"
		"0\0"
		"1\0"
		"2\0"
		"3\0"
		"4\0"
		"5\0"
		"6\0"
		"7\0"
		"8\0"
		"9",
	.pad_6635 = { 0, 0, 0, 0, 0 },
};

#undef CATS_PARTITION_AT

#endif /* CATS_PARTITION_H_ */
