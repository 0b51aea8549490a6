/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Nodes that tell a story: a language model, of which each has a part. Who types a prompt into the
 * shell of any of them reads on all how it goes on.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/sys/printk.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>
#include <cats_tokenizer.h>

#include "story.h"

LOG_MODULE_REGISTER(app, LOG_LEVEL_INF);

/* What one node heard of a story: lines, since several nodes may share a console. */
struct teller {
	const struct cats_instance *node;
	uint8_t number;
	uint16_t before; /* the token before */
	bool ended;      /* the model has ended the text itself */
	size_t length;
	char line[80];
};

static struct teller tellers[CATS_MAX_NODES];

/* The prompt of the story that this process began; it must not change while it is read. */
static uint16_t prompt_tokens[CONFIG_STORY_PROMPT_TOKENS];
static const struct cats_instance *began;

/* The line up to there; the rest of it, without the space between, begins the next one. */
static void print_line(struct teller *teller, size_t end)
{
	size_t rest = end + (end < teller->length && teller->line[end] == ' ');

	printk("node %u: %.*s\n", teller->number, (int)end, teller->line);
	teller->length -= rest;
	memmove(teller->line, teller->line + rest, teller->length);
}

static size_t last_space(const struct teller *teller)
{
	for (size_t i = teller->length; i > 0; i--) {
		if (teller->line[i - 1] == ' ') {
			return i - 1;
		}
	}
	return teller->length;
}

static void tell(struct teller *teller, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n') {
			print_line(teller, teller->length);
			continue;
		}
		if (teller->length == sizeof(teller->line)) {
			print_line(teller, last_space(teller));
		}
		teller->line[teller->length++] = text[i];
	}
}

/* On the thread of the instance. */
static void on_token(const struct cats_token *token, void *user)
{
	struct teller *teller = user;
	const char *text;
	size_t size;

	if (token->position == 0) {
		teller->before = CATS_TOKENIZER_NONE;
		teller->length = 0;
		teller->ended = false;
	}
	teller->ended |= token->chosen && cats_tokenizer_ends(&cats_tokenizer, token->token);
	if (!teller->ended) {
		size = cats_tokenizer_decode(&cats_tokenizer, teller->before, token->token, &text);
		tell(teller, text, size);
	}
	teller->before = token->token;
	if (cats_token_last(token)) {
		print_line(teller, teller->length);
		printk("node %u: the end\n", teller->number);
	}
}

int story_tell(const struct cats_instance *node, const char *prompt, uint16_t tokens,
	       const struct cats_sampling *how)
{
	struct cats_generation generation = {
		.prompt = prompt_tokens,
		.tokens = tokens,
		.how = *how,
	};
	int count;

	if (began != NULL) {
		(void)cats_generate_stop(began);
	}
	count = cats_tokenizer_encode(&cats_tokenizer, prompt, prompt_tokens,
				      ARRAY_SIZE(prompt_tokens));
	if (count < 0) {
		return count;
	}
	generation.count = (size_t)count;
	began = node;
	return cats_generate_begin(node, &generation);
}

static int start_all(void)
{
	const struct cats_instance *node;
	int started = 0;

	while ((node = cats_local(started)) != NULL) {
		struct teller *teller = &tellers[started];
		int ret = cats_start(node, NULL, 0);

		if (ret != 0) {
			LOG_ERR("%s does not start: %d", node->name, ret);
			return ret;
		}
		teller->node = node;
		teller->number = cats_running(node)->header->node;
		cats_on_token(node, on_token, teller);
		started++;
	}
	return started;
}

int main(void)
{
	static const struct cats_sampling likeliest;
	const struct cats_image_header *header;
	int started = start_all();
	int ret;

	if (started <= 0) {
		return 0;
	}
	header = cats_running(cats_local(0))->header;
	printk("node %u of %u, deployment %08x, %d here\n", header->node, header->nodes,
	       header->model_id, started);
	if (CONFIG_STORY_PROMPT[0] == '\0') {
		return 0;
	}
	ret = story_tell(cats_local(MIN(CONFIG_STORY_NODE, started - 1)), CONFIG_STORY_PROMPT,
			 CONFIG_STORY_TOKENS, &likeliest);
	if (ret != 0) {
		LOG_ERR("no story: %d", ret);
	}
	return 0;
}
