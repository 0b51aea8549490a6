/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_image Partition image
 * @ingroup cats
 * @brief The partition image: plan and weights of one node, as bytes.
 *
 * `cats export` writes one image a node, as a C header (a const structure of these types) and as a
 * binary for a flash partition; both hold the same bytes. All numbers are little-endian, all
 * structures naturally aligned, the image itself aligned to CATS_IMAGE_ALIGN. Offsets count bytes
 * from the image's first byte; offset 0 means "none".
 *
 * Letters: N tokens, F features, H heads, M hidden, L blocks, P inputs, C outputs, D nodes,
 * E = F / H, G = 4 L + 3 gathers, of parallel blocks 2 L + 3. doc/partition-format.rst tells the
 * same with a picture, doc/numerics.rst defines what every number does.
 *
 * @{
 */

#ifndef CATS_IMAGE_H_
#define CATS_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** First four bytes of an image: "CATS"; a big-endian machine reads another number. */
#define CATS_IMAGE_MAGIC 0x53544143u
/** Layout version. An image of another version is refused. */
#define CATS_FORMAT_VERSION 6
/** Alignment of an image in memory, bytes. */
#define CATS_IMAGE_ALIGN 8
/** Largest number of nodes. */
#define CATS_MAX_NODES 16
/** Largest number of tokens N. */
#define CATS_MAX_TOKENS 1023
/** Largest number of columns of a view, and of F and M. */
#define CATS_MAX_COLUMNS 4096
/** Most fragments that one source may send in one tile. */
#define CATS_MAX_FRAGMENTS 128
/** Most tiles of one gather: a frame numbers them in a byte. */
#define CATS_MAX_TILES 256
/** Most repair rounds of one exchange. */
#define CATS_MAX_ROUNDS 3
/** Longest slot, microseconds: so that no time of an exchange leaves 31 bits. */
#define CATS_MAX_SLOT_US 200000
/** Longest data slots of an exchange and spacing behind it, together, microseconds: so that no wait
 * for others leaves 31 bits.
 */
#define CATS_MAX_EXCHANGE_US 43000000
/** Rows that the engine normalises and multiplies together, at most. */
#define CATS_MAX_BLOCK_ROWS 4

/** What a gather carries. */
enum cats_gather_kind {
	CATS_GATHER_INPUT = 0, /**< raw tokens, or a stem's, or none; for the embedding */
	/** residual; norm, then q, k, v of the own heads; of parallel blocks hidden columns too */
	CATS_GATHER_ATTENTION = 1,
	CATS_GATHER_HEADS = 2,   /**< attention heads; consumed by the output projection */
	CATS_GATHER_FORWARD = 3, /**< residual; norm, then the own hidden columns */
	/** hidden columns, of parallel blocks behind a node's heads; for the down projection */
	CATS_GATHER_HIDDEN = 4,
	CATS_GATHER_OUTPUT = 5, /**< pooled residual; norm, then the own output columns */
	CATS_GATHER_RESULT = 6, /**< output columns, int16; consumed by the application */
};

/** Which rows the head reads. */
enum cats_pool {
	CATS_POOL_MEAN = 0,  /**< mean over all rows; one result row */
	CATS_POOL_CLASS = 1, /**< row 0, the class token; one result row */
	CATS_POOL_LAST = 2,  /**< row N - 1; one result row */
	CATS_POOL_ALL = 3,   /**< every row; N result rows */
	/** mean over all rows, taken behind the norm of each; one result row */
	CATS_POOL_MEAN_OF_NORM = 4,
};

/** Flags of struct cats_image_model. */
#define CATS_FLAG_CAUSAL 0x0001u        /**< row i attends to rows 0..i only */
#define CATS_FLAG_HELD 0x0002u          /**< ATTENTION gathers are held whole: see heads_per_pass */
#define CATS_FLAG_SEALED 0x0004u        /**< slots are long enough for sealed frames */
#define CATS_FLAG_OWN_EMBEDDING 0x0008u /**< each node embeds its own inputs, nobody sends any */
#define CATS_FLAG_EMPTY_GATHERS 0x0080u /**< some source keeps no column of a gather */
#define CATS_FLAG_RADIO 0x0070u         /**< enum cats_radio, CATS_RADIO_SHIFT bits to the left */
#define CATS_RADIO_SHIFT 4              /**< places of enum cats_radio in the flags */
#define CATS_FLAG_STEM 0x0100u          /**< INPUT carries what stems make of the inputs */
#define CATS_FLAG_STREAM 0x0200u        /**< an inference is a step: struct cats_image_stream */
#define CATS_FLAG_SIGNED_STEM 0x0400u   /**< stems have no ReLU */
#define CATS_FLAG_LLAMA 0x0800u         /**< of the Llama family: struct cats_image_llama */
#define CATS_FLAG_ROWS 0x1000u          /**< of the Llama family: INPUT carries a token's row */
#define CATS_FLAG_FOUR_BITS 0x2000u     /**< some weights have four bits: scales of such */
#define CATS_FLAG_HOPS 0x4000u          /**< nodes relay: struct cats_image_hop */
#define CATS_FLAG_PARALLEL 0x8000u      /**< of the Llama family: blocks are parallel */

/** Whose frames the slots of a plan are made for: `cats export --radio`. */
enum cats_radio {
	CATS_RADIO_ANY = 0, /**< any: nothing is sent, or it is not said */
	CATS_RADIO_IEEE802154 = 1,
	CATS_RADIO_NRF_RADIO = 2,
	CATS_RADIO_BLE = 3,
	CATS_RADIO_BLE_2M = 4, /**< framing of Bluetooth LE, no transport of this module */
};

/** First bytes of every image; 44 bytes. */
struct cats_image_header {
	uint32_t magic;          /**< CATS_IMAGE_MAGIC */
	uint16_t format_version; /**< CATS_FORMAT_VERSION */
	uint16_t header_size;    /**< sizeof(struct cats_image_header) */
	uint32_t image_size;     /**< all bytes, header included; a multiple of 8 */
	uint32_t crc32;          /**< CRC-32 (IEEE 802.3) of bytes 16..image_size-1 */
	/** hash of the whole deployment, the same on all nodes; frames carry its low 16 bits */
	uint32_t model_id;
	uint8_t node;          /**< this node, 0..nodes-1 */
	uint8_t nodes;         /**< D, 1..CATS_MAX_NODES */
	uint16_t gathers;      /**< G = 4 L + 3; with CATS_FLAG_PARALLEL 2 L + 3 */
	uint32_t arena_size;   /**< bytes of RAM that the engine needs, a multiple of 8 */
	uint32_t model;        /**< offset of one struct cats_image_model */
	uint32_t gather_table; /**< offset of struct cats_image_gather [G] */
	uint32_t source_table; /**< offset of struct cats_image_source [G][D] */
	uint32_t metadata;     /**< offset of one struct cats_image_metadata; 0: none */
};

/** The model's shape and this node's share; buffers in the arena. */
struct cats_image_model {
	uint16_t tokens;     /**< N, rows of the residual; of a stream R, rows of a step */
	uint16_t tokens_in;  /**< rows of the input: N, or N - 1 with a class token */
	uint16_t features;   /**< F */
	uint16_t heads;      /**< H */
	uint16_t hidden;     /**< M */
	uint16_t blocks;     /**< L */
	uint16_t inputs;     /**< P */
	uint16_t outputs;    /**< C */
	uint16_t head_width; /**< E = F / H */
	/** heads of this node, 0 where it only senses; own features = own_heads * E */
	uint16_t own_heads;
	uint16_t own_hidden;   /**< hidden columns of this node, 0 where it has no heads */
	uint16_t own_inputs;   /**< input columns of this node, 0 where it has none */
	uint16_t own_outputs;  /**< output columns of this node, 0 where it has none */
	uint16_t first_output; /**< the first of them */
	uint16_t first_input;  /**< the first own input column */
	uint16_t first_head;   /**< the first own head */
	uint16_t flags;        /**< CATS_FLAG_* */
	uint8_t pool;          /**< enum cats_pool */
	uint8_t block_rows;    /**< rows normalised and multiplied together, 1..4 */
	/** own heads whose k, v stand in the arena at once: all, or fewer with CATS_FLAG_HELD */
	uint16_t heads_per_pass;
	/** rows of the hidden buffer: N; one tile where the last gathers are interleaved */
	uint16_t hidden_rows;
	/* Scales, for the application: real value = integer * scale. IEEE 754 single precision,
	 * as bits, because the engine has no float.
	 */
	uint32_t input_scale;  /**< of the int8 input */
	uint32_t output_scale; /**< of the int16 output */

	/* Offsets in the arena, bytes, each a multiple of 4. Lifetimes let them overlap. */
	uint32_t arena_residual; /**< int16 [N][own_heads * E] */
	/**
	 * = arena_heads: a row of q is overwritten by that row of h. Of a Llama model int16 [own
	 * features], then [own key/value heads * E], then the turns of [E / 2] pairs
	 */
	uint32_t arena_query;
	/**
	 * int8 [heads_per_pass][N][E]; of a stream [L][own_heads][rows of the context][E]; of a
	 * Llama model [L][own key/value heads][rows of the context][E], int16 with wide keys
	 */
	uint32_t arena_key;
	/**
	 * int8 [heads_per_pass][E][N rounded up to 4]; of a stream [L][own_heads][E][rows of the
	 * context rounded up to 4]
	 */
	uint32_t arena_value;
	uint32_t arena_heads; /**< int8 [N][own_heads * E] */
	/**
	 * int8 [hidden_rows][own_hidden]; of a Llama model int16 [2 * own_hidden], of parallel
	 * blocks int8 [own features] in front of these
	 */
	uint32_t arena_hidden;
	uint32_t arena_rows;   /**< int16 [block_rows][largest stride of a product] */
	uint32_t arena_scores; /**< int32 [N, or rows of the context, rounded up to 4] */
	uint32_t arena_input;  /**< int8 [tokens_in][own_inputs] */
	uint32_t arena_pooled; /**< int8 [rows of OUTPUT][own_heads * E] */
	uint32_t arena_output; /**< int16 [output rows][C] */
	uint32_t arena_linear; /**< linear path: int16 [C], its result until OUTPUT's is there */
	uint32_t arena_window; /**< linear path: int16 [window], window = tokens_in * P */
	/**
	 * CATS_POOL_MEAN_OF_NORM: int32 [view of OUTPUT]; of a stream with CATS_POOL_MEAN int32
	 * [own_heads * E]; of a Llama model uint16 [rows of the context + 1]
	 */
	uint32_t arena_sums;

	/**
	 * Linear path, on the node that has all of the input and of the result, else 0: offset of
	 * int8 [C][window rounded up to 4], in the order of all weights
	 */
	uint32_t linear_weights;
	uint32_t linear_channels; /**< offset of struct cats_image_channel [C] */
	uint32_t linear_shift;    /**< right shift of its requantisation, 1..62 */
};

/** One gather: its rows, its exchange, and the step that consumes it. */
struct cats_image_gather {
	uint8_t kind;       /**< enum cats_gather_kind */
	uint8_t block;      /**< 0..L-1 */
	uint8_t phase;      /**< consecutive gathers of equal phase run tile by tile in turn */
	uint8_t rounds;     /**< R, repair rounds, 0..3 */
	uint16_t row_begin; /**< first residual row that the gather moves */
	uint16_t rows;      /**< rows that it moves */
	uint16_t tile_rows; /**< r, rows of a tile; the last may be shorter */
	uint8_t element;    /**< bytes a column: 1, RESULT 2, or 4: struct cats_candidate */
	uint8_t buffers;    /**< tile buffers: 1, or 2 where the next tile fills meanwhile */

	/* Exchange timing, microseconds. */
	uint32_t slot_us;    /**< one data frame, guard time included */
	uint16_t control_us; /**< one sync or need frame, guard time included */
	uint16_t turn_us;    /**< more where a frame answers the one before it */
	/**
	 * least time from one opening of this gather's exchanges to the next exchange's, so that
	 * the slowest node can compute
	 */
	uint32_t spacing_us;

	/**
	 * arena offsets of the tile buffers (equal where buffers is 1): for each other source in
	 * ascending order, for each of its segments, int8 [rows of the tile][segment width]
	 */
	uint32_t tile[2];
	/**
	 * arena offsets of what this node sends of a tile, for each of its segments
	 * [rows of the tile][segment width] bytes; not used where that stands in the arena anyway:
	 * see cats_engine_fragment()
	 */
	uint32_t outbox[2];
	/**
	 * offset of uint16 [own kept columns], ascending, counted from the node's first own column;
	 * these are broadcast
	 */
	uint32_t own_keep;

	/* The step: y = norm(view); acc = bias + y . W; requantise. 0, unused where not named. */

	/**
	 * INPUT: offset of int16 [N][own features], position and bias in residual units; of a
	 * stream [rows of the context][own features]; of a Llama model offset of one struct
	 * cats_image_llama. ATTENTION of block 0 of a stream: offset of one struct
	 * cats_image_stream.
	 * FORWARD: offset of int8 [256], the activation of the pre-activation v at [v + 128];
	 * 0 for ReLU; of a Llama model int16 [257], the activation of the gate, which of
	 * parallel blocks stands at HIDDEN
	 */
	uint32_t table;
	/**
	 * ATTENTION, FORWARD, OUTPUT: offset of struct cats_image_norm [view columns]. INPUT with
	 * CATS_FLAG_OWN_EMBEDDING: offset of one struct cats_image_embed, 0 for one layer; with
	 * CATS_FLAG_STEM: the same of a node with inputs, 0 of others
	 */
	uint32_t norm;
	uint32_t norm_epsilon; /**< epsilon over the squared int8 step, Q16 */
	uint32_t weights;      /**< offset of int8 [outputs][stride]; see below */
	uint32_t channels;     /**< offset of struct cats_image_channel [outputs] */
	uint16_t view;         /**< columns of the view: own and kept by others; 0 for RESULT */
	uint16_t stride;       /**< view rounded up to a multiple of 4, with four bits of 8 */
	uint16_t products;     /**< output columns of the product on this node; 0 for none */
	uint8_t shift;         /**< right shift of the product's requantisation, 1..62 */
	uint8_t send_shift;    /**< right shift of the sender's requantisation, 1..62 */
	/**
	 * ATTENTION, FORWARD, OUTPUT: int16 residual (OUTPUT with the mean: int32 sum over rows) to
	 * int8
	 */
	int32_t send_multiplier;
	/**
	 * HEADS: score difference to log2 units, Q8: (d * this) >> 32. ATTENTION of a Llama model:
	 * by how much spacing_us is less for each row that the window has not yet, in 2^-16 us
	 */
	uint32_t score_multiplier;
	/**
	 * HEADS: value scale over heads scale, 2^30..2^31-1. OUTPUT with CATS_POOL_MEAN_OF_NORM:
	 * sum over normed rows to int8. FORWARD of a Llama model: gate times up to int8
	 */
	int32_t value_multiplier;
	uint16_t value_shift; /**< total right shift, HEADS: 14 + exponent; 1..62 */
	uint16_t coded_us;    /**< of repair: a coded frame's slot is so much longer than slot_us */
};

/*
 * The view of node d: sources 0..D-1 in order, the node's own columns (all of them) in its own
 * place, of every other source its kept columns. Weight row o holds W[., o] in view order, padded
 * with zeros to the stride; within each group of four the order is 0, 2, 1, 3, so that one SXTB16
 * of a word gives columns 0 and 1, and one of the word rotated by 8 gives columns 2 and 3.
 * The product of ATTENTION has, for each own head, E columns of q, E of k, E of v.
 * Weights of four bits: uint8 [outputs][stride / 2], words of eight columns, and scales int8
 * [outputs][groups of 32 columns]; doc/numerics.rst.
 */

/** How one source's kept bytes of one tile are cut into fragments; 8 bytes. */
struct cats_image_source {
	uint16_t width;         /**< bytes a row that the source broadcasts; 0 where it is silent */
	uint16_t segment_width; /**< bytes a row of one segment; the last may be narrower */
	uint8_t segments;       /**< 0 where the source is silent */
	/** rows of one fragment; fragment f = segment * row groups + group */
	uint8_t fragment_rows;
	uint16_t columns; /**< columns that the source owns */
};

/**
 * Gain and bias of one view column, in units of the norm's output step; Q8. Of an RMS norm the
 * gain, Q5, and by how much the column's scale is shifted.
 */
struct cats_image_norm {
	int16_t gain; /**< factor of the normalised value */
	int16_t bias; /**< added to that; of an RMS norm c, 0..3 */
};

/** Accumulator start and requantisation of one output column. */
struct cats_image_channel {
	int32_t bias;       /**< the accumulator's start */
	int32_t multiplier; /**< 1..2^31-1; with the gather's shift */
};

/**
 * A product of what a node itself has, beside that behind INPUT; 16 bytes. With
 * CATS_FLAG_OWN_EMBEDDING the second of an embedding of two layers: from the hidden columns (the
 * products of INPUT, through ReLU) to the residual. With CATS_FLAG_STEM the stem: from the own
 * inputs, through ReLU but with CATS_FLAG_SIGNED_STEM, to the own columns of INPUT.
 */
struct cats_image_embed {
	/**
	 * offset of int8 [own features][products of INPUT up to 4]; of a stem int8
	 * [own columns of INPUT][own inputs up to 4]
	 */
	uint32_t weights;
	uint32_t channels; /**< offset of struct cats_image_channel [as weights] */
	uint32_t shift;    /**< right shift of its requantisation, 1..62 */
	/**
	 * arena offset of int8 [block_rows][products of INPUT]; of a stem int8 [tokens_in]
	 * [own columns of INPUT]
	 */
	uint32_t arena_hidden;
};

/**
 * With CATS_FLAG_STREAM an inference is a step: R new rows (tokens) of a window of causal
 * attention, which attend to those before as well. What must be kept of these stays in the arena,
 * so nothing else may write there between steps; 4 bytes.
 */
struct cats_image_stream {
	uint16_t rows;     /**< of the context, a multiple of R, at most CATS_MAX_TOKENS */
	uint16_t reserved; /**< 0 */
};

/**
 * With CATS_FLAG_LLAMA a step is one row, and its window slides: doc/numerics-llama.rst. What the
 * application gives is a token's number, so own_inputs is 4, little-endian, on each node; nobody
 * sends anything in INPUT. 24 bytes.
 *
 * With CATS_FLAG_ROWS a token is of one node: each has as many as its source has columns of INPUT,
 * one node's behind those of another. A token's row is P parts of 4 + F bytes: its multiplier M,
 * int32, little-endian, and E. The first part begins the residual, the others, one a block, are
 * added to it in front of that. INPUT has one tile, and its sources' width is that of such a row;
 * in a step the owner of the token (struct cats_exchange) alone sends.
 */
struct cats_image_llama {
	/**
	 * offset of int8 [inputs][own features]: E, own columns; with CATS_FLAG_ROWS of
	 * [own tokens][P] parts, 0 where the node owns no token, or where the row of each is read
	 * out of the weights of its output: then P is 1, own tokens are own outputs, OUTPUT's view
	 * is F columns, its weights have eight bits, and M is the output's multiplier
	 */
	uint32_t rows;
	uint32_t multipliers; /**< offset of int32 [inputs]: M; with CATS_FLAG_ROWS P: 1 or 1 + L */
	uint32_t exponents;   /**< offset of uint8 [own features]: c of own columns, 0..3 */
	uint32_t turn;        /**< offset of uint32 [E / 2] */
	/**
	 * With CATS_FLAG_FOUR_BITS offset of uint32 [G]: of each gather the offset of its weights'
	 * scales, or 0 where they have eight bits. Else 0
	 */
	uint32_t scales;
	uint16_t key_heads;  /**< of the model; divides H */
	uint8_t embed_shift; /**< 1..59 */
	uint8_t flags;       /**< CATS_LLAMA_* */
};

/** Flags of struct cats_image_llama. */
#define CATS_LLAMA_WIDE_KEYS 0x01u /**< keys are int16 */
/**
 * The residual is replicated: each node has all F columns of it, of each token's row and of the
 * exponents, and computes all of the products behind HEADS and HIDDEN. ATTENTION, FORWARD and
 * OUTPUT keep nothing, and each of their sources owns F columns.
 */
#define CATS_LLAMA_REPLICATED 0x02u
/** With the one before: so are hidden columns; HIDDEN keeps nothing, and own_hidden is M. */
#define CATS_LLAMA_REPLICATED_FORWARD 0x04u

/** With CATS_FLAG_LLAMA, in RESULT: an output that is one of the largest of its node; 4 bytes. */
struct cats_candidate {
	uint16_t column; /**< counted from the first column of its node */
	int16_t result;  /**< that output */
};

/** @brief Of ATTENTION of a Llama model: how much less spacing_us is while rows are not there. */
static inline uint32_t cats_unseen_us(const struct cats_image_gather *gather, uint32_t rows)
{
	return (uint32_t)(((uint64_t)rows * gather->score_multiplier) >> 16);
}

/** How a sample becomes a real input. */
enum cats_normalisation {
	CATS_NORMALISATION_FIXED = 0, /**< by mean and deviation of its channel */
	/** so, and then by mean m and variance v of the window: (value - m) / sqrt(v + 1e-5) */
	CATS_NORMALISATION_WINDOW = 1,
};

/**
 * What the application needs beside the engine: see cats/metadata.h. cats_image_verify() does not
 * look at it, cats_metadata() checks it.
 */
struct cats_image_metadata {
	uint8_t normalisation; /**< enum cats_normalisation */
	uint8_t overlap;       /**< pixels around a patch that a token has as well */
	uint16_t channels;     /**< of a sample */
	uint16_t height;       /**< a window is [height][width][channels]; 1 for a series */
	uint16_t width;        /**< steps of a series */
	uint16_t patch_height; /**< a token is so many rows */
	uint16_t patch_width;  /**< of so many columns, or steps */
	uint16_t classes;      /**< C, or 0 where outputs are no classes */
	uint16_t horizon;      /**< steps to come of each target; 0: outputs are none */
	uint32_t step_s;       /**< between two steps of a series, seconds and */
	uint32_t step_ns;      /**< nanoseconds; both 0: it is not known */
	uint32_t sensors;      /**< offset of struct cats_image_sensor [channels] */
	uint32_t class_names;  /**< offset of uint16_t [classes]: places in the text */
	uint32_t text;         /**< offset of char [text_size]: names, units, each ends with 0 */
	uint32_t text_size;    /**< bytes, at least 1 */
	uint32_t values;     /**< offset of struct cats_image_sensor [targets] without a horizon */
	uint16_t targets;    /**< first channels that are forecast, or C values; 0: classes */
	uint16_t reserved_2; /**< 0 */
};

/** One channel of a sample, or one value of an output. */
struct cats_image_sensor {
	uint16_t name;            /**< place in the text */
	uint16_t unit;            /**< place in the text */
	uint32_t mean;            /**< IEEE 754 single as bits, in the unit */
	uint32_t deviation;       /**< the same, > 0 */
	uint32_t counts_per_unit; /**< the same, > 0: int16 samples, int32 values are counts */
	/**
	 * FIXED: int8 input = (count * multiplier + addend) >> shift, rounding included. WINDOW: 0.
	 * Of a value: count = (int16 output * multiplier + addend) >> shift
	 */
	uint32_t multiplier;
	uint32_t shift; /**< FIXED, a value: 1..62. WINDOW: 0 */
	/**
	 * low and high half of 64 bits. FIXED, a value: as above. WINDOW, of n steps: the
	 * variance's 1e-5 as n * n counts * counts, Q16
	 */
	uint32_t addend_low;
	int32_t addend_high; /**< -2^30..2^30-1 */
};

/**
 * With CATS_FLAG_HOPS, of each gather, in an array [G] right behind the source table: who speaks in
 * which slot of its exchanges. In its first turns a source sends its fragments, in all others a
 * combination of all that it has; 8 bytes.
 */
struct cats_image_hop {
	uint32_t list;  /**< offset of uint8 [slots]: whose turn it is */
	uint16_t slots; /**< 0 where nobody opens this gather, at most CATS_MAX_HOP_SLOTS */
	/** of the first gather: rounds in which nodes that sleep repeat a beacon, at most
	 * CATS_MAX_REPEATS; 0: they do not sleep. Of others 0
	 */
	uint8_t repeats;
	/** bytes of a combination: two bits for each fragment of all sources, and the longest */
	uint8_t size;
};

/** Most slots of an exchange over several hops: a frame numbers them in a byte. */
#define CATS_MAX_HOP_SLOTS 255
/** Most rounds in which a beacon is repeated: a frame numbers its slots in a byte. */
#define CATS_MAX_REPEATS 15
/** Most fragments, of all sources, of an exchange over several hops. */
#define CATS_MAX_HOP_FRAGMENTS 64

/** A verified image. Filled by cats_image_verify(); the image must outlive it, unchanged. */
struct cats_image {
	const uint8_t *base;                     /**< first byte; offsets count from here */
	const struct cats_image_header *header;  /**< at base */
	const struct cats_image_model *model;    /**< shape and buffers */
	const struct cats_image_gather *gathers; /**< [G] */
	const struct cats_image_source *sources; /**< [G][D] */
};

/** Why an image was refused. */
enum cats_image_error {
	CATS_IMAGE_OK = 0,
	CATS_IMAGE_TRUNCATED = 1, /**< fewer bytes than the header or than it says */
	CATS_IMAGE_FOREIGN = 2,   /**< no "CATS" at the front, or not aligned */
	CATS_IMAGE_VERSION = 3, /**< another format version: export again, or update the firmware */
	CATS_IMAGE_CORRUPT = 4, /**< the CRC does not match */
	CATS_IMAGE_INVALID = 5, /**< the CRC matches, but a field does not fit: exporter's bug */
	CATS_IMAGE_NODE = 6,    /**< for another node than asked for */
	CATS_IMAGE_MODEL = 7,   /**< of another deployment than asked for */
	CATS_IMAGE_PHASE = 8,   /**< phase does not ascend: equal ones are not neighbours */
	CATS_IMAGE_SLOT = 9, /**< slot_us is longer than CATS_MAX_SLOT_US or _EXCHANGE_US allow */
	CATS_IMAGE_SPACING = 10, /**< spacing_us is longer than CATS_MAX_EXCHANGE_US allows */
	/**
	 * needs what this firmware leaves out: CONFIG_CATS_LINEAR, CONFIG_CATS_MEAN_OF_NORM,
	 * CONFIG_CATS_OWN_EMBEDDING, CONFIG_CATS_EMPTY_GATHERS, CONFIG_CATS_STREAM,
	 * CONFIG_CATS_LLAMA, CONFIG_CATS_FOUR_BITS or CONFIG_CATS_HOPS
	 */
	CATS_IMAGE_FEATURE = 11,
};

/** @brief With CATS_FLAG_HOPS: the turns of each gather, [G]. */
static inline const struct cats_image_hop *cats_hops(const struct cats_image *image)
{
	return (const struct cats_image_hop *)(image->sources + (uint32_t)image->header->gathers *
									image->header->nodes);
}

/**
 * @brief Check an image completely and fill @p image with pointers into it.
 *
 * After success no index that the engine or the gather derives from the image can leave the image
 * or an arena of header->arena_size bytes. Time: one CRC over the image plus the tables.
 *
 * @param data  first byte, aligned to CATS_IMAGE_ALIGN
 * @param size  bytes that may be read; more than the image is fine (a flash partition)
 * @param image filled on success, untouched otherwise
 * @return CATS_IMAGE_OK, or why it was refused (enum cats_image_error, positive)
 */
int cats_image_verify(const void *data, size_t size, struct cats_image *image);

/**
 * @brief Refuse a verified image that is not for this node or not of this deployment.
 *
 * @param node     expected node, or -1 for any
 * @param model_id expected model id, or 0 for any
 * @return CATS_IMAGE_OK, CATS_IMAGE_NODE or CATS_IMAGE_MODEL
 */
int cats_image_expect(const struct cats_image *image, int node, uint32_t model_id);

/** @brief A one-line reason, with what to do, for a return value of the two functions above. */
const char *cats_image_strerror(int error);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_IMAGE_H_ */
