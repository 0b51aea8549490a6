/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Command lines of any kind: right ones, nearly right ones, numbers out of range, long texts,
 * bytes. Under ASan and UBSan nothing is touched that is none of theirs, a command that fails says
 * so in one line, and what has begun afterwards answers as ever.
 */

#include <errno.h>
#include <string.h>

#include <zephyr/sys/util.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "../../shell_line.h"

#define SEEDS 8
#define LINES 8000 /* of a seed */

/* A byte that is no letter of a command stands for an argument: see argument(). */
static const char *const commands[] = {
	"cats info",
	"cats use #",
	"cats start",
	"cats stop",
	"cats infer sample #",
	"cats infer hex $",
	"cats infer base64 ~",
	"cats infer zeros",
	"cats infer add ~",
	"cats infer add",
	"cats infer run",
	"cats step begin",
	"cats step position",
	"cats step hex $",
	"cats step base64 ~",
	"cats step zeros",
	"cats stats",
	"cats stats json",
	"cats links",
	"cats loss",
	"cats loss %",
	"cats loss % #",
	"cats loss % # #",
	"cats loss seed #",
	"cats group",
	"cats group $",
	"cats radio",
	"cats radio channel #",
	"cats radio power #",
	"cats selftest",
	"cats key",
	"cats key set #",
	"cats key use #",
	"cats key forget #",
	"cats period",
	"cats period #",
	"cats update begin #",
	"cats update add ~",
	"cats update finish",
	"cats update abort",
};

static uint32_t state;

/* Xorshift: 0..below - 1. */
static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

struct line {
	char text[CONFIG_SHELL_CMD_BUFF_SIZE];
	size_t length;
};

static void put(struct line *line, char c)
{
	if (line->length < sizeof(line->text) - 1) {
		line->text[line->length++] = c;
	}
}

static void put_all(struct line *line, const char *text)
{
	while (*text != '\0') {
		put(line, *text++);
	}
}

static void put_number(struct line *line)
{
	static const char *const edges[] = {
		"0",     "1",          "2",           "3",     "4",
		"15",    "16",         "-1",          "255",   "256",
		"32767", "65535",      "65536",       "1e3",   "100",
		"+7",    "4294967295", "4294967296",  "0x1f",  "18446744073709551615",
		"007",   "1.5",        "-2147483648", "16384", "99999999999999999999999",
	};
	char text[12];

	if (draw(2) == 0) {
		put_all(line, edges[draw(ARRAY_SIZE(edges))]);
		return;
	}
	snprintk(text, sizeof(text), "%u", draw(1u << draw(31)));
	put_all(line, text);
}

static void put_from(struct line *line, const char *alphabet, size_t length)
{
	const uint32_t letters = strlen(alphabet);

	while (length-- > 0) {
		put(line, alphabet[draw(letters)]);
	}
}

/* Rarely as long as a line can be. */
static size_t length_of(size_t fitting)
{
	switch (draw(4)) {
	case 0:
		return fitting;
	case 1:
		return draw(3 * CONFIG_SHELL_CMD_BUFF_SIZE / 2);
	default:
		return draw(2 * fitting);
	}
}

#define BYTES "\"'\\\t%sn\x01\x1b\x7f\x80\xff*?[]{}|;&$()~^!"

/* # a number, $ hexadecimal digits, ~ base64, % per cent; now and then something else. */
static void argument(struct line *line, char kind)
{
	static const char kinds[] = "#$~%b";

	switch (draw(12) == 0 ? kinds[draw(sizeof(kinds) - 1)] : kind) {
	case '#':
		put_number(line);
		break;
	case '$':
		put_from(line, draw(8) == 0 ? "0123456789abcdefxg" : "0123456789abcdefABCDEF",
			 length_of(2 * CONFIG_CATS_SHELL_INPUT_SIZE));
		break;
	case '~':
		put_from(line, "AZaz09+/", 4 * (length_of(24) / 4));
		put_from(line, "=", draw(4) == 0 ? draw(4) : 0);
		break;
	case '%':
		put_number(line);
		put_from(line, "0123456789.", draw(3) == 0 ? draw(8) : 0);
		break;
	default:
		put_from(line, BYTES, 1 + draw(20));
		break;
	}
}

static void make(struct line *line)
{
	const char *command = commands[draw(ARRAY_SIZE(commands))];

	line->length = 0;
	for (; *command != '\0'; command++) {
		if (draw(400) == 0) {
			continue;
		}
		if (strchr("#$~%", *command) != NULL) {
			argument(line, *command);
		} else {
			put(line, draw(400) == 0 ? BYTES[draw(sizeof(BYTES) - 1)] : *command);
		}
	}
	for (uint32_t more = draw(12) == 0 ? 1 + draw(4) : 0; more > 0; more--) {
		put(line, ' ');
		argument(line, "#$~%b"[draw(5)]);
	}
	line->text[line->length] = '\0';
}

static unsigned int lines_of(const char *text)
{
	unsigned int lines = 0;

	for (bool fresh = true; *text != '\0'; text++) {
		const bool end = *text == '\n' || *text == '\r';

		lines += fresh && !end;
		fresh = end;
	}
	return lines;
}

/* What a terminal types where a command reads beside the shell. */
static void type(const struct shell *sh)
{
	struct line line = {0};

	for (uint32_t parts = draw(4); parts > 0; parts--) {
		line.length = 0;
		argument(&line, '$');
		if (sh->ctx->bypass != NULL) {
			sh->ctx->bypass(sh, (uint8_t *)line.text, line.length);
		}
	}
	for (const char *end = draw(2) != 0 ? "\r\x03" : "\x03"; sh->ctx->bypass != NULL; end++) {
		zassert_not_equal(*end, '\0', "it goes on reading");
		sh->ctx->bypass(sh, (uint8_t *)end, 1);
	}
}

static void random_line(const struct shell *sh, uint32_t seed, uint32_t number)
{
	char before[CONFIG_SHELL_CMD_BUFF_SIZE];
	struct line line;
	const char *said;
	size_t size;
	int ret;

	make(&line);
	memcpy(before, line.text, line.length + 1);
	shell_backend_dummy_clear_output(sh);
	ret = shell_execute_cmd(sh, line.text);
	said = shell_backend_dummy_get_output(sh, &size);
	if (sh->ctx->bypass != NULL) {
		type(sh);
		return;
	}
	/* Zephyr's shell itself says more, and names a command that there is none of. */
	if (ret < 0 && ret != -ENOEXEC && strstr(said, "wrong parameter count") == NULL &&
	    strstr(before, "selftest") == NULL) {
		zassert_equal(lines_of(said), 1, "seed %u, line %u, \"%s\": %d, [%s]", seed, number,
			      before, ret, said);
	}
}

ZTEST(shell_random, test_lines)
{
	const struct shell *sh = shell_backend_dummy_get_ptr();

	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		state = seed * 2654435761u;
		for (uint32_t number = 0; number < LINES; number++) {
			random_line(sh, seed, number);
		}
		TC_PRINT("seed %u: %u lines\n", seed, LINES);
		EXPECT(0, "", "cats use 0");
		EXPECT(0, "*0 cats_local_0 on loopback", "cats info");
	}
}

#if CONFIG_CATS_LOCAL_NODES > 1
/* What is left of it all: nodes that start, and compute. */
ZTEST(shell_random, test_still_works)
{
	int ret;

	(void)run(&ret, "cats loss 0");
	for (int n = 0; n < CONFIG_CATS_LOCAL_NODES; n++) {
		(void)cats_stop(cats_local(n));
		(void)run(&ret, "cats use %d", n);
		EXPECT(0, "", "cats start");
	}
	EXPECT(0, "lost 0 of", "cats infer zeros");
	EXPECT(0, "runs", "cats info");
}
#endif

ZTEST_SUITE(shell_random, NULL, wait_for_shell, NULL, NULL, NULL);
