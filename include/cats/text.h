/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_text Text
 * @ingroup cats
 * @brief Language models: tokens that nodes are given, and those that they write behind them.
 *
 * Each step of a stream of the Llama family takes one token. Which one, and what the nodes know of
 * the text beside, stands in the frame that opens the step (struct cats_text): so a node that
 * heard it knows all that it takes to go on, also in the leader's place. Where tokens are to be
 * written, each node chooses the next one by what it heard of the results, and all choose alike
 * where nothing was lost. The leader's choice counts: the step behind tells it. A node that heard
 * no opening takes its own choice. doc/streams.rst, "Language models".
 *
 * Portable; with CONFIG_CATS_LLAMA.
 *
 * @{
 */

#ifndef CATS_TEXT_H_
#define CATS_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The number of no token: a node that is given none has nothing of that row in its residual. */
#define CATS_TOKEN_NONE UINT32_MAX

/** Bytes of struct cats_text in a frame: doc/protocol.rst, "Streams". */
#define CATS_TEXT_SIZE 18

/** Flags of struct cats_text. */
#define CATS_TEXT_CHOSEN 0x01u /**< the nodes chose this token; else it was given */
#define CATS_TEXT_MORE 0x02u   /**< more tokens are given behind it: none is chosen */
/** the step runs a row of before once more, without a result, and none is chosen; `left` is how far
 * the text's newest row is ahead
 */
#define CATS_TEXT_REPLAY 0x04u

/** How tokens are chosen: the same on all nodes, from a shared seed and the position. */
struct cats_sampling {
	uint32_t seed; /**< texts of different seeds differ, where the temperature is not 0 */
	/** thousandths; 0: always the likeliest token, the first of equals */
	uint16_t temperature;
	uint8_t top_k; /**< only the so many likeliest; 0: all that nodes tell in RESULT */
};

/** What is known of the step of a text. */
struct cats_text {
	uint16_t token;    /**< that the step takes */
	uint16_t left;     /**< tokens that are still to be chosen, this one not counted */
	uint32_t position; /**< in the text, from 0 on; it never ends, as the window slides */
	uint16_t text;     /**< names the text: rows of another one are forgotten */
	uint8_t flags;     /**< CATS_TEXT_* */
	struct cats_sampling how; /**< by which those behind it are chosen */
};

/**
 * When rows of a text are run once more, so that who lacks them has them: a node that restarted, or
 * missed steps. Each step of it takes about as long as one of the text. All nodes decide alike, by
 * what those that lack rows say in their frames; the leader's word counts.
 */
enum cats_replay {
	/** when at least as many tokens are still to be written as rows are to be run again, and at
	 * most half of all steps are of replays
	 */
	CATS_REPLAY_WORTH = 0,
	CATS_REPLAY_ALWAYS = 1, /**< also when fewer, or behind the text */
	CATS_REPLAY_ASKED = 2,  /**< never but by cats_node_replay() */
};

/** What cats_generate_begin() is to do: a prompt, and how to go on. */
struct cats_generation {
	const uint16_t *prompt; /**< tokens; unchanged until all of them were taken */
	size_t count;           /**< of these, at least 1 */
	/** that are to be written behind them, 0..65535: 0 only has the prompt read */
	uint16_t tokens;
	bool goes_on; /**< the prompt stands behind the text before; else a new one begins */
	struct cats_sampling how; /**< how tokens are chosen */
};

/** A token of a text, in its order: what a node shows. */
struct cats_token {
	uint32_t position; /**< in its text; 0 begins one */
	uint16_t token;    /**< its number */
	uint16_t left;     /**< tokens that are still to be written, this one not counted */
	bool chosen;       /**< written by the nodes; else of a prompt */
	bool more;         /**< more of the prompt comes behind it */
	/** by the leader; else a guess of this node's, since no frame that tells it was heard: by
	 * what it has of the results of the step before
	 */
	bool told;
	bool own; /**< of a text that was begun on this node */
};

/** @brief Whether @p token is the last one of its text for now. */
static inline bool cats_token_last(const struct cats_token *token)
{
	return token->left == 0 && !token->more;
}

/**
 * @brief By what differences of results are multiplied at a temperature.
 *
 * @param temperature thousandths; 0 gives 0
 * @retval 0 on success
 * @retval -EINVAL it is so low, or the image's output_scale such, that the number leaves 47 bits
 */
int cats_temperature(const struct cats_image *image, uint16_t temperature, uint64_t *multiplier);

/**
 * @brief The token behind @p position, by the results of its step.
 *
 * Time: each result is looked at three times, or about eighteen times with top_k.
 *
 * @param results int16 [C], as cats_engine_output() gives them: those that are missing do not count
 * @return the token; -ENODATA where all are missing
 */
int32_t cats_choose(const struct cats_image *image, const int16_t *results, uint32_t position,
		    const struct cats_sampling *how);

struct cats_node;

/**
 * @brief Of a node of cats/node.h: have a text written. See cats_generate_begin().
 *
 * The driver then calls cats_node_next(), as after each DONE.
 *
 * @retval 0 on success
 * @retval -ENOTSUP the image is of no language model
 * @retval -EINVAL  no prompt, a token that the vocabulary has not, or a temperature too low for the
 *                  integers
 * @retval -EBUSY   cats_node_writes()
 */
int cats_node_generate(struct cats_node *node, const struct cats_generation *generation);

/**
 * @brief Submit the token that is next as far as this node knows, as cats_node_submit() does an
 *        input: the prompt's, or what it chooses by the results of the step that was DONE.
 *
 * To be called behind each DONE of a node that is to take part in texts, before its next poll().
 *
 * @retval 0 it waits for its step now
 * @retval -ENODATA no text is being written, or another one is before that of this node
 * @retval -EBUSY   an input is waiting
 */
int cats_node_next(struct cats_node *node, uint32_t now_us);

/**
 * @brief Whether a text is being written, here or on another node, as far as this node knows.
 *
 * Of another node's it is until the text's last token, or until nothing was heard for timeout_us of
 * struct cats_node_config: a text that is stopped within its prompt has no last token.
 */
bool cats_node_writes(const struct cats_node *node);

/**
 * @brief End the text that is being written. See cats_generate_stop().
 *
 * @retval 0 on success
 * @retval -EALREADY no text is being written
 * @retval -EACCES   the prompt is read, and another node leads
 */
int cats_node_generate_stop(struct cats_node *node);

/**
 * @brief Have the rows run once more that a node lacks, as far as this one knows; then the text
 *        goes on. See cats_replay().
 *
 * The driver then calls cats_node_next(), as after each DONE.
 *
 * @retval 0 on success
 * @retval -ENOTSUP the image is of no language model
 * @retval -ENODATA nobody lacks any, or this node does not know their tokens
 * @retval -EALREADY rows are being run once more, or are about to be
 * @retval -EBUSY   an input of the application is waiting, or a prompt is being read
 */
int cats_node_replay(struct cats_node *node);

/**
 * @brief Whether a text that began here goes on no more, as far as this node knows, though it may
 *        not have heard of its last token: all is silent, and it has none to go on with. Where
 *        nodes sleep, two meetings have had no step of it.
 */
bool cats_node_generate_over(const struct cats_node *node, uint32_t now_us);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_TEXT_H_ */
