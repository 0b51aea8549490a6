/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The commands of samples/storyteller: which prompt a line is, and what a story is refused for. */

#include <errno.h>
#include <string.h>

#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"
#include "story.h"

static char told[CONFIG_SHELL_CMD_BUFF_SIZE];
static const struct cats_instance *author;
static struct cats_sampling sampling;
static uint16_t length;
static int answer;

int story_tell(const struct cats_instance *node, const char *prompt, uint16_t tokens,
	       const struct cats_sampling *how)
{
	strcpy(told, prompt);
	author = node;
	length = tokens;
	sampling = *how;
	return answer;
}

#define EXPECT_PROMPT(prompt, line)                                                                \
	do {                                                                                       \
		EXPECT(0, "", "%s", line);                                                         \
		zassert_str_equal(told, prompt);                                                   \
	} while (false)

ZTEST(story, test_prompts)
{
	answer = 0;
	EXPECT_PROMPT("ROMEO:", "story ROMEO:");
	EXPECT_PROMPT("My lord, it's he", "story My lord, it's he");
	EXPECT_PROMPT("What * is? \"Yes,\" he", "story What * is? \"Yes,\" he");
	EXPECT_PROMPT("a b c d e f g h i j k l m n o p q r s t u v w x y z",
		      "story a b c d e f g h i j k l m n o p q r s t u v w x y z");
	/* Quotes around all of it, and no others. */
	EXPECT_PROMPT("  two  spaces ", "story \"  two  spaces \"");
	EXPECT_PROMPT("it's", "story \"it's\"");
	EXPECT_PROMPT("a \"b\"", "story 'a \"b\"'");
	EXPECT_PROMPT("a \"b\\", "story \"a \\\"b\\\\\"");
	EXPECT_PROMPT("a\nb", "story \"a\\x0ab\"");
	EXPECT_PROMPT("axb", "story \"a\\xb\"");
	EXPECT_PROMPT("\"a\" and \"b\"", "story \"a\" and \"b\"");
	EXPECT_PROMPT("\"a", "story \"a");
	EXPECT_PROMPT("'a\\'", "story 'a\\'");
	EXPECT_PROMPT("", "story \"\"");
}

ZTEST(story, test_help)
{
	static const char *const lines[] = {"story", "story --help", "story -h"};

	strcpy(told, "nothing");
	ARRAY_FOR_EACH(lines, i) {
		EXPECT(SHELL_CMD_HELP_PRINTED, "begins with these words", "%s", lines[i]);
	}
	zassert_str_equal(told, "nothing");
}

ZTEST(story, test_errors)
{
	static const struct {
		int answer;
		const char *said;
	} cases[] = {
		{-ENOSPC, "CONFIG_STORY_PROMPT_TOKENS"},
		{-EINVAL, "no tokens for this prompt"},
		{-EBUSY, "another story"},
		{-ENOTSUP, "no language model"},
		{-ENOTCONN, "the node does not run: cats use 0, then cats start"},
		{-EIO, "no story"},
	};

	ARRAY_FOR_EACH(cases, i) {
		answer = cases[i].answer;
		EXPECT(answer, cases[i].said, "story a");
	}
	answer = 0;
}

ZTEST(story, test_set)
{
	answer = 0;
	EXPECT(0, "", "story_set temperature 0");
	EXPECT(0, "", "story_set top_k 9");
	EXPECT(0, "", "story_set seed 7");
	EXPECT(0, "", "story_set tokens 3");
	EXPECT(0, "", "story_set instance 3");
	EXPECT_PROMPT("a", "story a");
	zassert_equal(sampling.temperature, 0);
	zassert_equal(sampling.top_k, 9);
	zassert_equal(sampling.seed, 7);
	zassert_equal(length, 3);
	zassert_equal_ptr(author, cats_local(3));
	EXPECT(-ENOENT, "instance 4 is not here", "story_set instance 4");
	EXPECT(-EINVAL, "and a number", "story_set warmth 3");
	EXPECT(-EINVAL, "and a number", "story_set top_k 256");
	EXPECT_PROMPT("b", "story b");
	zassert_equal_ptr(author, cats_local(3));
	EXPECT(0, "", "story_set instance 0");
}

ZTEST_SUITE(story, NULL, wait_for_shell, NULL, NULL, NULL);
