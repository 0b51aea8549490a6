/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Steps of language models: doc/protocol.rst, "Texts". What a step takes is the leader's word,
 * which stands in the SYNCs that open it; who heard neither goes by what it knows itself.
 */

#include <errno.h>

#include "node_internal.h"

#if CATS_TEXTS

static uint8_t *put(uint8_t *to, uint32_t value, uint32_t bytes)
{
	for (; bytes != 0; bytes--, value >>= 8) {
		*to++ = (uint8_t)value;
	}
	return to;
}

static uint32_t get(const uint8_t **from, uint32_t bytes)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		value |= (uint32_t)*(*from)++ << (8 * i);
	}
	return value;
}

static uint16_t pack(const struct cats_text *text, uint8_t *payload)
{
	payload = put(payload, text->token, 2);
	payload = put(payload, text->left, 2);
	payload = put(payload, text->position, 4);
	payload = put(payload, text->text, 2);
	payload = put(payload, text->how.seed, 4);
	payload = put(payload, text->how.temperature, 2);
	payload = put(payload, text->how.top_k, 1);
	(void)put(payload, text->flags, 1);
	return CATS_TEXT_SIZE;
}

static void unpack(const uint8_t *payload, struct cats_text *text)
{
	text->token = (uint16_t)get(&payload, 2);
	text->left = (uint16_t)get(&payload, 2);
	text->position = get(&payload, 4);
	text->text = (uint16_t)get(&payload, 2);
	text->how.seed = get(&payload, 4);
	text->how.temperature = (uint16_t)get(&payload, 2);
	text->how.top_k = (uint8_t)get(&payload, 1);
	text->flags = (uint8_t)get(&payload, 1);
}

/* Whether what is submitted is this node's own word: a prompt's token, or what it chose. */
static bool by_text(const struct cats_node *node)
{
	return node->pending && node->input == (const int8_t *)&node->texts.offered;
}

/* Whether a prompt of this node is in front of what is to be chosen. */
static bool prompting(const struct cats_node *node)
{
	return node->texts.prompt.count != 0;
}

/* Whether the text is the one that this node's prompt began. */
static bool own_text(const struct cats_node *node)
{
	const struct cats_texts *texts = &node->texts;

	return texts->begun && texts->own == texts->text.text;
}

bool cats_text_common(const struct cats_node *node)
{
	return by_text(node) && (node->texts.wanted || !prompting(node));
}

/* A text that is told of steps that were not, goes on behind them. */
static bool goes_on(const struct cats_node *node)
{
	return node->stepped && !node->begins;
}

/* A name that the text before has not, which may be of a node that knew no number. */
static uint16_t new_name(const struct cats_node *node)
{
	const uint16_t number = cats_next_number(node);

	return number + (node->stepped && number == node->texts.text.text);
}

/* The same text, a step further; or a new one. */
static struct cats_text behind(const struct cats_node *node, bool same)
{
	struct cats_text text = node->texts.text;

	text.position = same ? text.position + 1 : 0;
	text.text = same ? text.text : new_name(node);
	text.left = 0;
	text.flags = 0;
	return text;
}

/* The number of the token that an application submitted. */
static uint32_t number_of(const int8_t *input)
{
	const uint8_t *bytes = (const uint8_t *)input;

	return input == NULL ? CATS_TOKEN_NONE : get(&bytes, 4);
}

static bool is_token(const struct cats_node *node, uint32_t number)
{
	return number < image_of(node)->model->inputs;
}

/* What this node's input stands for; false where that is no token. */
static bool submitted(const struct cats_node *node, struct cats_text *text)
{
	if (by_text(node) && node->texts.wanted) {
		return cats_replay_row(node, node->texts.due, text);
	}
	if (by_text(node)) {
		*text = node->texts.next;
		return true;
	}
	*text = behind(node, goes_on(node));
	if (!node->pending || !is_token(node, number_of(node->input))) {
		return false;
	}
	text->token = (uint16_t)number_of(node->input);
	return true;
}

uint16_t cats_text_tell(const struct cats_node *node, const struct cats_frame *frame,
			uint8_t *payload)
{
	struct cats_text text = node->texts.text;

	if (!is_text(node) || !first_exchange(frame->x)) {
		return 0;
	}
	if (frame->type == CATS_FRAME_ASK ? !submitted(node, &text)
					  : node->texts.word == CATS_TOKEN_NONE) {
		return 0;
	}
	if (frame->type != CATS_FRAME_ASK && node->texts.replays) {
		(void)cats_replay_row(node, node->texts.row, &text);
	}
	return pack(&text, payload);
}

/* Whether two are one step of one text. */
static bool same_step(const struct cats_text *a, const struct cats_text *b)
{
	return a->text == b->text && a->position == b->position;
}

/* What an ASK wants of the text that this node has done more of; false: nothing that it could. */
static bool asked_for(const struct cats_node *node, struct cats_text *text)
{
	const struct cats_text *mine = &node->texts.text;

	if (!node->stepped || text->text != mine->text) {
		return true;
	}
	if ((text->flags & CATS_TEXT_REPLAY) != 0) {
		if (cats_time_diff(mine->position, text->position + text->left) > 0) {
			text->left = (uint16_t)(mine->position - text->position);
		}
		return mine->position - text->position <= UINT16_MAX &&
		       cats_replay_valid(node, text);
	}
	if (cats_time_diff(text->position, mine->position) <= 0) {
		*text = *mine; /* the asker missed this step: once more */
		return node->texts.known;
	}
	return true;
}

void cats_text_hear(struct cats_node *node, const struct cats_frame *frame)
{
	struct cats_text text;

	/* Not once the input is taken, and no wish in place of an own input that is not held. */
	if ((frame->type == CATS_FRAME_ASK && node->pending && !node->texts.holds) ||
	    !cats_tells_text(image_of(node), frame) ||
	    (cats_node_runs(node) &&
	     (node->consumed != 0 || node->job_running || !first_exchange(node->x)))) {
		return;
	}
	unpack(frame->payload, &text);
	if (!is_token(node, text.token) || !cats_replay_valid(node, &text)) {
		return;
	}
	if (frame->type == CATS_FRAME_ASK && !asked_for(node, &text)) {
		return;
	}
	node->texts.heard = text;
	node->texts.told = true;
}

/* The step that is about to begin; whether its token is known. */
static bool decide(const struct cats_node *node, struct cats_text *text)
{
	const struct cats_texts *texts = &node->texts;
	const uint32_t last = texts->replays ? texts->row : texts->text.position;
	const uint32_t expected = last + (uint16_t)(node->number - node->step);
	bool known;

	if (texts->told) {
		*text = texts->heard;
		return true;
	}
	known = submitted(node, text);
	if (leads(node) || !node->stepped) {
		return known;
	}
	/* A guess: the text goes on, or its replay, by a step each inference. */
	if (texts->replays && cats_time_diff(expected, texts->text.position) <= 0) {
		return cats_replay_row(node, expected, text);
	}
	if (texts->wanted && texts->has_next && texts->next.position == expected) {
		*text = texts->next; /* this node would have run another row first */
		return true;
	}
	if (by_text(node) && (text->text != texts->text.text || text->position != expected)) {
		known = false;
	}
	if (!known || text->position != expected) {
		const uint16_t given = text->token;

		*text = behind(node, true);
		text->position = expected;
		text->token = given;
	}
	return known;
}

/* What of this node was to begin has begun, or is of no use; but a prompt waits for its turn. */
static void take(struct cats_node *node, const struct cats_text *text)
{
	struct cats_texts *texts = &node->texts;
	bool mine = by_text(node) && same_step(text, &texts->next);

	if (by_text(node) && texts->wanted) {
		node->pending = false;
		texts->wanted = false;
		return;
	}
	if (by_text(node) && prompting(node)) {
		if (!mine) {
			return;
		}
		texts->own = text->text;
		texts->begun = true;
		texts->prompt.prompt++;
		texts->prompt.count--;
	} else if (by_text(node) && (text->flags & CATS_TEXT_REPLAY) != 0) {
		texts->has_next = true; /* it comes behind */
	}
	node->pending = false;
}

const int8_t *cats_text_begin(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;
	struct cats_text text;
	bool known = decide(node, &text);

	node->used_input = node->pending && !by_text(node);
	take(node, &text);
	texts->sure = texts->told || leads(node);
	if ((text.flags & CATS_TEXT_REPLAY) != 0) {
		cats_replay_begin(node, &text);
	} else {
		cats_replay_seek(node, &text);
		texts->again = node->stepped && texts->known && same_step(&text, &texts->text);
		texts->text = text;
		texts->known = known;
		texts->has_next = false;
	}
	texts->word = known ? text.token : CATS_TOKEN_NONE;
	if (texts->sure) {
		cats_engine_note(&node->engine, texts->word);
	}
	node->stepped = true;
	node->step = node->number;
	node->begins = false;
	return known ? (const int8_t *)&texts->word : NULL;
}

void cats_text_hurry(struct cats_node *node, const struct cats_image_gather *gather)
{
	const uint32_t rows = cats_context_rows(image_of(node));
	const uint32_t last = node->texts.replays ? node->texts.row : node->texts.text.position;

	if (is_text(node) && gather->kind == CATS_GATHER_ATTENTION && last + 1 < rows) {
		node->not_before_us -= cats_unseen_us(gather, rows - last - 1);
	}
}

void cats_text_end(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;
	const struct cats_text *text = &texts->text;
	int32_t token;

	if (!is_text(node)) {
		return;
	}
	cats_replay_end(node);
	if (texts->replays || text->left == 0) {
		return;
	}
	token = cats_choose(image_of(node), cats_engine_output(&node->engine), text->position,
			    &text->how);
	if (token < 0) {
		return;
	}
	texts->next = *text;
	texts->next.token = (uint16_t)token;
	texts->next.left = texts->stops ? 0 : text->left - 1;
	texts->next.position++;
	texts->next.flags = CATS_TEXT_CHOSEN;
	texts->has_next = true;
	texts->stops = false;
}

void cats_text_result(const struct cats_node *node, struct cats_result *result)
{
	const struct cats_texts *texts = &node->texts;
	const struct cats_text *text = &texts->text;

	result->replayed = is_text(node) && texts->replays;
	result->has_token =
		is_text(node) && texts->word != CATS_TOKEN_NONE && !texts->again && !texts->replays;
	result->token = (struct cats_token){
		.position = text->position,
		.token = text->token,
		.left = text->left,
		.chosen = (text->flags & CATS_TEXT_CHOSEN) != 0,
		.more = (text->flags & CATS_TEXT_MORE) != 0,
		.told = texts->sure,
		.own = own_text(node),
	};
}

/* Whether more tokens of the text were to come. */
static bool unfinished(const struct cats_node *node)
{
	const struct cats_texts *texts = &node->texts;

	return node->stepped &&
	       (texts->text.left != 0 || (texts->text.flags & CATS_TEXT_MORE) != 0);
}

/* Whether they do. From one meeting to the next it is always silent. */
static bool writes(const struct cats_node *node)
{
	return unfinished(node) && (!node->silence || (sleeps(node) && by_text(node)));
}

bool cats_node_writes(const struct cats_node *node)
{
	return prompting(node) || writes(node);
}

/* The next token of this node's prompt; false where another text is in front of it. */
static bool next_of_prompt(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;
	const struct cats_generation *prompt = &texts->prompt;
	bool begun = own_text(node);

	if (!begun && writes(node)) {
		return false;
	}
	texts->next = behind(node, begun || (prompt->goes_on && goes_on(node)));
	texts->next.token = prompt->prompt[0];
	texts->next.left = prompt->count == 1 ? prompt->tokens : 0;
	texts->next.flags = prompt->count == 1 ? 0 : CATS_TEXT_MORE;
	texts->next.how = prompt->how;
	return true;
}

/* Whether a prompt of this node begins another text: rows of the one before are of no use. */
static bool reads_anew(const struct cats_node *node)
{
	return prompting(node) && !node->texts.prompt.goes_on && !own_text(node);
}

bool cats_text_next(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;

	texts->wanted = texts->wants && !node->begins && !reads_anew(node);
	if (texts->wanted) {
		texts->wants = false;
		texts->offered = cats_engine_noted(&node->engine, texts->due);
		return true;
	}
	if (!(prompting(node) && next_of_prompt(node)) && !texts->has_next) {
		return false;
	}
	texts->has_next = false;
	texts->offered = texts->next.token;
	return true;
}

int cats_node_generate(struct cats_node *node, const struct cats_generation *generation)
{
	uint64_t multiplier;

	if (!is_text(node)) {
		return -ENOTSUP;
	}
	if (generation->count == 0 ||
	    cats_temperature(image_of(node), generation->how.temperature, &multiplier) != 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < generation->count; i++) {
		if (!is_token(node, generation->prompt[i])) {
			return -EINVAL;
		}
	}
	if (cats_node_writes(node)) {
		return -EBUSY;
	}
	if (by_text(node)) {
		node->pending = false; /* of a text that nobody goes on with */
	}
	node->texts.prompt = *generation;
	node->texts.begun = false;
	node->texts.wanted = false;
	node->texts.has_next = false;
	node->texts.stops = false;
	return 0;
}

int cats_node_generate_stop(struct cats_node *node)
{
	struct cats_texts *texts = &node->texts;

	if (prompting(node)) {
		if (own_text(node)) {
			texts->text.flags &= (uint8_t)~CATS_TEXT_MORE; /* nobody else has them */
		}
		texts->prompt.count = 0;
		node->pending = node->pending && !by_text(node);
		return 0;
	}
	if (!is_text(node) || !unfinished(node)) {
		return -EALREADY;
	}
	if (!leads(node)) {
		return -EACCES;
	}
	texts->wants = false;
	if (by_text(node) && texts->wanted) {
		texts->wanted = false;
		node->pending = texts->has_next;
		texts->has_next = false;
		texts->offered = texts->next.token;
	}
	/* One more token, which tells the others that it is the last. */
	texts->stops = !by_text(node) && !texts->has_next;
	texts->next.left = 0;
	return 0;
}

bool cats_node_generate_over(const struct cats_node *node, uint32_t now_us)
{
#ifndef CATS_NO_SLEEP
	if (sleeps(node) && !past(now_us, node->ended_us + 2 * node->sleep.period_us)) {
		return false;
	}
#else
	(void)now_us;
#endif
	return node->silence && !cats_node_runs(node) && !node->pending && !prompting(node) &&
	       !node->texts.has_next && !node->texts.wants;
}

#endif /* CATS_TEXTS */
