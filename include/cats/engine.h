/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_engine Engine
 * @ingroup cats
 * @brief The partitioned inference engine of one node. Portable C11, integers only.
 *
 * The engine knows no radio and no time. For every exchange (one tile of one gather), in the order
 * of cats_exchange_next(), its caller
 *
 *   1. cats_engine_produce()  makes the node's own rows of the exchange, and its fragments, ready,
 *   2. cats_engine_fragment() says where each own fragment stands that is to be broadcast,
 *      cats_fragment_place()  where in the arena each fragment heard belongs,
 *   3. cats_engine_consume()  computes with what arrived.
 *
 * produce() of an exchange may run before consume() of the one before it where both belong to the
 * same gather (with two tile buffers the next tile fills while this one is computed); otherwise
 * consume() comes first. All calls on one engine come from one thread at a time; reading own
 * fragments, and writing to the place of a later exchange, may happen while produce() of the next
 * or consume() runs. Only where ATTENTION is held (CATS_FLAG_HELD), its consume() writes over the
 * node's fragments of it: nobody may ask for them any more.
 *
 * RAM: struct cats_engine and the arena; nothing else, no heap. Stack: below 768 bytes (gcc 12,
 * Cortex-M4, any -O).
 * Errors: only cats_engine_init() can fail; everything later was checked by cats_image_verify().
 *
 * @{
 */

#ifndef CATS_ENGINE_H_
#define CATS_ENGINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks an output column that did not arrive. */
#define CATS_OUTPUT_MISSING INT16_MIN

/** One tile of one gather. */
struct cats_exchange {
	uint16_t gather; /**< 0..G-1 */
	uint8_t tile;    /**< 0..tiles of the gather - 1, which fit the byte of a frame */
	/** of INPUT with CATS_FLAG_ROWS: the node that sends a token's row, see cats_row_owner() */
	uint8_t owner;
};

/** Which fragments of one exchange a node has; its own source's bits are not read. 256 bytes. */
struct cats_availability {
	uint8_t bits[CATS_MAX_NODES][CATS_MAX_FRAGMENTS / 8]; /**< [source], bit f of byte f / 8 */
};

/** @brief Whether a fragment of @p source is there. */
static inline bool cats_has(const struct cats_availability *available, uint8_t source,
			    uint16_t fragment)
{
	return (available->bits[source][fragment / 8] >> (fragment % 8)) & 1;
}

/** The state of one node's engine. Its owner allocates it; the fields are private. */
struct cats_engine {
	/** @cond INTERNAL_HIDDEN */
	const struct cats_image *image;
	uint8_t *arena;
#ifndef CATS_NO_STREAM
	uint32_t position; /* of the first row of this step in its window */
	uint16_t rows;     /* of the window before this step that the node has */
	uint16_t had;      /* the same behind this step */
#endif
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	uint16_t held; /* of a Llama model: rows of the window that it has, also behind this one */
	uint16_t slot; /* where this step's row stands among them */
	uint32_t top;  /* the newest row */
	bool kept;     /* replay: this step's row was there, and stays as it was */
	bool passing;  /* replay: this step's row is dropped behind the step */
#endif
	/** @endcond */
};

/** @brief The first exchange of an inference is {0, 0}; false where @p x was the last one. */
bool cats_exchange_next(const struct cats_image *image, struct cats_exchange *x);

/** @brief All exchanges of one inference. */
uint32_t cats_exchange_count(const struct cats_image *image);

/** @brief Rows of exchange @p x: tile_rows, or fewer in a gather's last tile. */
uint16_t cats_exchange_rows(const struct cats_image *image, struct cats_exchange x);

/** @brief Fragments that @p source sends in exchange @p x, 0..CATS_MAX_FRAGMENTS. */
uint16_t cats_fragment_count(const struct cats_image *image, struct cats_exchange x,
			     uint8_t source);

/** @brief Payload bytes of one fragment; 0 where there is no such fragment. */
uint16_t cats_fragment_size(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			    uint16_t fragment);

/**
 * @brief The sizes of all fragments of @p source, of frames of at most 255 bytes.
 *
 * @param sizes set to cats_fragment_count() bytes
 * @return how many there are
 */
uint16_t cats_fragment_sizes(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			     uint8_t *sizes);

/**
 * @brief Where a received fragment belongs: one run of cats_fragment_size() bytes.
 *
 * @param source another node than this one, with at least one fragment
 * @return offset in the arena
 */
uint32_t cats_fragment_place(const struct cats_image *image, struct cats_exchange x, uint8_t source,
			     uint16_t fragment);

/**
 * @brief Bind an engine to an image and an arena.
 *
 * @param image verified; must outlive the engine
 * @param arena aligned to 8 bytes, at least image->header->arena_size bytes
 * @retval 0 on success
 * @retval -ENOMEM the arena is too small
 * @retval -EINVAL the arena is not aligned
 */
int cats_engine_init(struct cats_engine *engine, const struct cats_image *image, void *arena,
		     size_t arena_size);

/**
 * @brief Of a stream: say which rows the next inference computes; before cats_engine_begin().
 *
 * Without it no row is known, and the rows are the first ones. For an image without
 * CATS_FLAG_STREAM it does nothing. With CONFIG_CATS_STREAM.
 *
 * @param position of the first row, a multiple of the rows of a step, below those of the context;
 *                 of a Llama model any number that grows, also past 2^32, as its window slides;
 *                 the one before again replaces its row
 * @param follows  whether the steps before were of this window; else, and where the position is not
 *                 behind theirs, the node has no row any more
 */
void cats_engine_seek(struct cats_engine *engine, uint32_t position, bool follows);

/**
 * @brief Of a Llama model: as cats_engine_seek(), where the next inference computes a row of
 *        before once more, so that who lacks it has it then.
 *
 * It sees the rows before it. Where the node has the row it stays as it was, with what it lacked
 * then; only what the node sends is computed. Rows behind it stay as well. With CONFIG_CATS_LLAMA.
 *
 * @param position of the row
 * @param top      the newest row of the text, up to which the window reaches: less than the
 *                 context's rows behind @p position; what the node has of later ones it loses
 * @param follows  as of cats_engine_seek()
 * @param told     false where the position is a guess: a row that was not there is none then either
 * @retval 0 on success
 * @retval -EINVAL the row is not of the window, or the image of no Llama model
 */
int cats_engine_replay(struct cats_engine *engine, uint32_t position, uint32_t top, bool follows,
		       bool told);

/**
 * @brief Of a Llama model: from the oldest row of the next step's window that the node lacks on,
 *        rows up to the newest one; 0: it lacks none, or has no head that could miss them.
 *
 * @param from a position: rows before it do not count
 */
uint16_t cats_engine_lacks(const struct cats_engine *engine, uint32_t from);

/** @brief Of a Llama model: remember which token this step's row is of, UINT32_MAX: not known. */
void cats_engine_note(struct cats_engine *engine, uint32_t token);

/** @brief Of a Llama model: the token of a row of the window, UINT32_MAX where it is not known. */
uint32_t cats_engine_noted(const struct cats_engine *engine, uint32_t position);

/**
 * @brief Of a stream: rows of the window that the node has, those of the step that runs, or ran
 *        last, included; in a replay those behind it as well.
 */
uint16_t cats_engine_rows(const struct cats_engine *engine);

/**
 * @brief Start an inference.
 *
 * @param input int8 [tokens_in][own_inputs], copied; NULL stands for zeros, of a Llama model for
 *              no token: the node has nothing of it in its residual
 */
void cats_engine_begin(struct cats_engine *engine, const int8_t *input);

/**
 * @brief Compute what the node broadcasts in exchange @p x (attention rows, pooling), and put it
 * down as cats_engine_fragment() gives it.
 */
void cats_engine_produce(struct cats_engine *engine, struct cats_exchange x);

/**
 * @brief One own fragment's payload, from produce() of exchange @p x until it is over: nobody asks
 * for any of it, and the next one is on the air.
 *
 * @param size set to its bytes, cats_fragment_size(); 0 where there is no such fragment
 * @return where it stands in the arena, or NULL where there is none
 */
const uint8_t *cats_engine_fragment(const struct cats_engine *engine, struct cats_exchange x,
				    uint16_t fragment, uint16_t *size);

/** @brief Compute exchange @p x with the fragments that are there. */
void cats_engine_consume(struct cats_engine *engine, struct cats_exchange x,
			 const struct cats_availability *available);

/**
 * @brief The result, valid after the last exchange was consumed and until the next begin().
 *
 * @return int16 [output rows][C]; CATS_OUTPUT_MISSING where a column did not arrive
 */
const int16_t *cats_engine_output(const struct cats_engine *engine);

/**
 * @brief With CATS_FLAG_ROWS the node that has a token's row: the owner of the exchange INPUT.
 *
 * @return its number; 0 where there is no such token. CONFIG_CATS_LLAMA
 */
uint8_t cats_row_owner(const struct cats_image *image, uint32_t token);

/** @brief Rows of the context of a stream; 0: the image takes whole windows. CONFIG_CATS_STREAM. */
uint16_t cats_context_rows(const struct cats_image *image);

/** @brief Rows of the result: N with CATS_POOL_ALL, else 1. */
uint16_t cats_output_rows(const struct cats_image *image);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_ENGINE_H_ */
