/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Rows of a text that are run once more, for nodes that lack them: doc/protocol.rst, "Texts". The
 * newest step stays what it was, and the text goes on behind it.
 */

#include <errno.h>

#include "node_internal.h"

#if CATS_TEXTS

/* So many timeouts a leader waits for who knows the tokens that it does not. */
#define HOLD_TIMEOUTS 2

/* Rows of the window, in a byte. */
static uint32_t lack_unit(const struct cats_node *node)
{
	return (cats_context_rows(image_of(node)) + UINT8_MAX - 1u) / UINT8_MAX;
}

static uint32_t newest(const struct cats_node *node)
{
	return node->texts.text.position;
}

uint8_t cats_replay_tell(const struct cats_node *node)
{
	return is_text(node) ? node->texts.own_lack : 0;
}

void cats_replay_hear(struct cats_node *node, const struct cats_frame *frame)
{
	/* Who hears little would take everybody's time, and lack them all the same. */
	if (is_text(node) && frame->lack > node->texts.lacks && !source_dull(node, frame->source)) {
		node->texts.lacks = frame->lack;
	}
}

bool cats_replay_row(const struct cats_node *node, uint32_t row, struct cats_text *text)
{
	const uint32_t token = cats_engine_noted(&node->engine, row);

	*text = node->texts.text;
	text->token = (uint16_t)token;
	text->left = (uint16_t)(newest(node) - row);
	text->position = row;
	text->flags = CATS_TEXT_REPLAY;
	return token != CATS_TOKEN_NONE;
}

bool cats_replay_valid(const struct cats_node *node, const struct cats_text *text)
{
	return (text->flags & CATS_TEXT_REPLAY) == 0 ||
	       text->left < cats_context_rows(image_of(node));
}

/* Whether a step is of the text that this node has rows of. */
static bool same_text(const struct cats_node *node, const struct cats_text *text)
{
	return node->stepped && text->text == node->texts.text.text;
}

/* What this node says from now on that it lacks. */
static void look(struct cats_node *node)
{
	const uint32_t lack = cats_engine_lacks(&node->engine, node->texts.forgone);
	const uint32_t unit = lack_unit(node);

	node->texts.own_lack = (uint8_t)((lack + unit - 1) / unit);
}

/* Of what is run once more, no row is asked for again once it was run. */
void cats_replay_begin(struct cats_node *node, const struct cats_text *text)
{
	struct cats_texts *texts = &node->texts;
	const bool same = same_text(node, text);
	const uint32_t top = text->position + text->left;

	node->stats.replays += !texts->replays;
	if (!texts->replays) {
		texts->forgone = text->position;
	}
	(void)cats_engine_replay(&node->engine, text->position, top, same, texts->sure);
	if (!same) {
		texts->text = *text;
		texts->text.left = 0;
		texts->text.flags = 0;
		texts->known = false;
		texts->has_next = false;
	}
	if (texts->text.position != top) {
		texts->known = false;
		texts->has_next = false;
	}
	texts->text.position = top;
	texts->row = text->position;
	texts->replays = true;
	texts->wants = false;
	texts->rest += texts->rest != UINT16_MAX;
	if (texts->sure) {
		texts->forgone = text->position + 1;
	}
	node->stats.replayed++;
	node->stats.refilled += !node->engine.kept;
	look(node);
}

void cats_replay_seek(struct cats_node *node, const struct cats_text *text)
{
	struct cats_texts *texts = &node->texts;
	const bool follows =
		same_text(node, text) && cats_time_diff(text->position, newest(node)) >= 0;

	cats_engine_seek(&node->engine, text->position, follows);
	if (!same_text(node, text)) {
		texts->forgone = 0;
		texts->rest = 0;
	} else if (texts->replays) {
		texts->forgone = text->position; /* at most once */
	}
	texts->replays = false;
	texts->wants = false;
	texts->rest -= texts->rest != 0;
	look(node);
}

/* A row is to be run once more, or the next one whose token is known; but those that this node
 * lacks itself it leaves to others, who may know their tokens.
 */
static bool want(struct cats_node *node, uint32_t from)
{
	struct cats_texts *texts = &node->texts;

	while (cats_time_diff(from, newest(node)) <= 0) {
		if (cats_engine_noted(&node->engine, from) != CATS_TOKEN_NONE) {
			texts->due = from;
			texts->wants = true;
			return true;
		}
		if (texts->own_lack != 0) {
			break;
		}
		from++;
	}
	return false;
}

/* Rows up to the newest one, from the oldest on that anybody lacks. */
static uint32_t lacking(const struct cats_node *node)
{
	const struct cats_texts *texts = &node->texts;
	const uint32_t most = cats_context_rows(image_of(node)) - 1u;
	uint32_t lack = texts->own_lack > texts->lacks ? texts->own_lack : texts->lacks;

	lack *= lack_unit(node);
	lack = lack < most ? lack : most;
	return lack <= newest(node) ? lack : newest(node) + 1;
}

/* Whether so many rows are worth it now. */
static bool worth(const struct cats_node *node, uint32_t rows)
{
	const struct cats_texts *texts = &node->texts;

	if (rows == 0 || texts->rest != 0 || (texts->text.flags & CATS_TEXT_MORE) != 0) {
		return false;
	}
	return node->config.replay == CATS_REPLAY_ALWAYS ||
	       (node->config.replay == CATS_REPLAY_WORTH && texts->text.left >= rows);
}

void cats_replay_end(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;
	const uint32_t rows = lacking(node);
	bool goes_on = texts->replays ? rows != 0 && texts->row != newest(node) : worth(node, rows);

	texts->holds = false;
	if (!goes_on || want(node, texts->replays ? texts->row + 1 : newest(node) + 1 - rows)) {
		return;
	}
	/* Somebody may know the tokens, who is to ask for the step. */
	texts->holds = texts->own_lack != 0;
	texts->rest = (uint16_t)rows;
}

bool cats_replay_holds(struct cats_node *node, uint32_t now_us, struct cats_todo *todo)
{
	struct cats_texts *texts = &node->texts;

	texts->holds = texts->holds && is_text(node) &&
		       !reached(todo, now_us,
				node->submitted_us + HOLD_TIMEOUTS * node->config.timeout_us);
	return texts->holds;
}

int cats_node_replay(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;
	uint32_t rows;

	if (!is_text(node)) {
		return -ENOTSUP;
	}
	if (texts->wants || texts->wanted || (texts->replays && cats_node_runs(node))) {
		return -EALREADY;
	}
	if (node->pending &&
	    (node->input != (const int8_t *)&texts->offered || texts->prompt.count != 0)) {
		return -EBUSY;
	}
	rows = node->stepped && !node->begins ? lacking(node) : 0;
	if (rows == 0 || !want(node, newest(node) + 1 - rows)) {
		return -ENODATA;
	}
	if (node->pending) {
		node->pending = false; /* it comes behind */
		texts->has_next = true;
	}
	return 0;
}

#endif /* CATS_TEXTS */
