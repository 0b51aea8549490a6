/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* A text of a language model. Reports
 *
 *	token POSITION TOKEN CHOSEN TOLD TIME
 */

#include <zephyr/kernel.h>

#include "bs_types.h"
#include "bs_tracing.h"

#include <cats/cats.h>

#include "host.h"

static K_SEM_DEFINE(heard, 0, K_SEM_MAX_LIMIT);
static bool last;

static void on_token(const struct cats_token *token, void *user)
{
	ARG_UNUSED(user);
	report("token %u %u %d %d %llu\n", token->position, token->token, token->chosen,
	       token->told, (unsigned long long)host_time());
	last = cats_token_last(token);
	k_sem_give(&heard);
}

bool text_write(const struct cats_instance *node)
{
	struct cats_generation generation = {.tokens = (uint16_t)options.tokens};
	size_t size;

	cats_on_token(node, on_token, NULL);
	if (options.author == options.node) {
		generation.prompt = host_file(options.prompt, &size);
		generation.count = size / sizeof(*generation.prompt);
		if (cats_generate_begin(node, &generation) != 0) {
			bs_trace_error("node %u writes no text\n", options.node);
		}
	}
	while (!last) {
		if (k_sem_take(&heard, K_USEC(options.quiet_us)) != 0) {
			return false;
		}
	}
	return true;
}
