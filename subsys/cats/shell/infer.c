/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats infer, cats step */

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>

#include "shell_internal.h"

#define TIMEOUT K_SECONDS(CONFIG_CATS_SHELL_TIMEOUT_S)

/* Each node's own columns of the input, one after the other. */
static int8_t columns[CONFIG_CATS_SHELL_INPUT_SIZE];
static int16_t output[CONFIG_CATS_SHELL_OUTPUT_COUNT];

/* Whether a step's input is a token's number, which every node is given. */
static bool reads_tokens(const struct cats_image *image)
{
	return IS_ENABLED(CONFIG_CATS_LLAMA) && (image->model->flags & CATS_FLAG_LLAMA) != 0;
}

/* Bytes of a row of the input, all nodes' columns. */
static size_t row_size(const struct cats_image *image)
{
	return reads_tokens(image) ? sizeof(uint32_t) : image->model->inputs;
}

static void print_answer(const struct shell *sh, const struct cats_image *image, int answer)
{
	if (answer >= 0) {
		shell_print(sh, "%s %d", reads_tokens(image) ? "token" : "class", answer);
	} else {
		shell_print(sh, "%s none: no output arrived",
			    reads_tokens(image) ? "token" : "class");
	}
}

/* Of a result whose outputs nobody kept: the last row's answer. */
static void print_kept_answer(const struct shell *sh, const struct cats_image *image,
			      const struct cats_instance *instance, uint16_t inference)
{
#ifdef CONFIG_CATS_LINKS
	struct cats_stats stats;

	cats_stats(instance, &stats);
	if (stats.links.last.inference == inference) {
		print_answer(sh, image, stats.links.last.answer);
	}
#else
	ARG_UNUSED(instance);
	ARG_UNUSED(inference);
#endif
	shell_print(sh, "%zu outputs are not shown: raise CONFIG_CATS_SHELL_OUTPUT_COUNT",
		    cats_output_count(image));
}

static void print_result(const struct shell *sh, const struct cats_instance *instance,
			 const struct cats_image *image, const struct cats_result *r)
{
	shell_fprintf(sh, SHELL_NORMAL, "inference %u node %u: lost %u of %u fragments, ",
		      r->inference, image->header->node, r->lost, r->fragments);
	if (r->output != NULL) {
		shell_fprintf(sh, SHELL_NORMAL, "%u outputs missing, ", cats_result_missing(r));
	}
	shell_print(sh, "%u us", r->ended_us - r->started_us);
#ifdef CONFIG_CATS_STREAM
	if (cats_context_rows(image) != 0) {
		shell_print(sh, "position %u of %u, %u rows known", r->position,
			    cats_context_rows(image), r->known);
	}
#endif
	if (r->silent != 0) {
		shell_print(sh, "silent nodes (bits): 0x%04x", r->silent);
	}
	if (r->output == NULL) {
		print_kept_answer(sh, image, instance, r->inference);
		return;
	}
	for (uint16_t row = 0; row < r->rows; row++) {
		shell_fprintf(sh, SHELL_NORMAL, "output");
		for (uint16_t c = 0; c < r->columns; c++) {
			shell_fprintf(sh, SHELL_NORMAL, " %d", r->output[row * r->columns + c]);
		}
		shell_fprintf(sh, SHELL_NORMAL, "\n");
		print_answer(sh, image, cats_result_class(r, row));
	}
}

/* The columns of one node; also a node without inputs submits, or nobody opens the inference. */
static const int8_t *cut(const struct cats_image *image, const int8_t *whole, size_t *used)
{
	int8_t *own = columns + *used;

	if (reads_tokens(image)) {
		return whole;
	}
	cats_input_own(image, whole, own);
	*used += cats_input_size(image);
	return cats_input_size(image) != 0 ? own : NULL;
}

/* What was submitted here and is in no inference is of no use to another one. */
static void withdraw(uint32_t submitted)
{
	uint32_t at = 0;

	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		if ((submitted >> at++ & 1) != 0) {
			(void)cats_withdraw(instance);
		}
	}
}

/* Why an instance took no input, or gave no result for it. */
static void say(const struct shell *sh, const char *name, int ret)
{
	if (IS_ENABLED(CONFIG_CATS_STREAM) && ret == -EOVERFLOW) {
		shell_error(sh, "the context has ended: cats step begin");
	} else if (IS_ENABLED(CONFIG_CATS_LLAMA) && ret == -EBUSY) {
		shell_error(sh, "a text is being written: wait for its end");
	} else if (ret == -ETIMEDOUT) {
		shell_error(sh, "no result in %d s: another input is in use",
			    CONFIG_CATS_SHELL_TIMEOUT_S);
	} else {
		shell_error(sh, "%s: no inference (%d)", name, ret);
	}
}

/* Submit to all nodes of this process and show the result of the current one. Waits for the inputs
 * of an application, which stay.
 */
static int infer(const struct shell *sh, const int8_t *whole)
{
	const struct cats_instance *shown = cats_shell_instance(sh);
	const struct cats_image *image = cats_shell_image(sh);
	struct cats_result result;
	uint32_t submitted = 0;
	uint32_t at = 0;
	size_t used = 0;
	bool fits;
	int ret;

	if (image == NULL) {
		return -ENOTCONN;
	}
	/* Without them there is still the answer. */
	fits = cats_output_count(image) <= ARRAY_SIZE(output);
	if (!fits && !IS_ENABLED(CONFIG_CATS_LINKS)) {
		shell_error(sh, "%zu outputs: raise CONFIG_CATS_SHELL_OUTPUT_COUNT",
			    cats_output_count(image));
		return -ENOSPC;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *other = cats_running(instance);
		uint32_t bit = BIT(at++);

		if (instance == shown || other == NULL ||
		    other->header->model_id != image->header->model_id) {
			continue;
		}
		ret = cats_submit(instance, whole != NULL ? cut(other, whole, &used) : NULL,
				  TIMEOUT);
		if (ret != 0) {
			say(sh, instance->name, ret);
			withdraw(submitted);
			return ret;
		}
		submitted |= bit;
	}
	ret = cats_infer(shown, whole != NULL ? cut(image, whole, &used) : NULL,
			 fits ? output : NULL, ARRAY_SIZE(output), &result, TIMEOUT);
	withdraw(submitted);
	if (ret != 0) {
		say(sh, shown->name, ret);
	} else {
		print_result(sh, shown, image, &result);
	}
	return ret;
}

/* What the model takes, all nodes' columns; 0 and the reason where it is more than fits. */
static size_t whole_size(const struct shell *sh, const struct cats_image *image)
{
	size_t size = (size_t)image->model->tokens_in * row_size(image);

	if (size > sizeof(cats_shell_given.data)) {
		shell_error(sh, "the input has %zu bytes: raise CONFIG_CATS_SHELL_INPUT_SIZE",
			    size);
		return 0;
	}
	return size;
}

static int infer_bytes(const struct shell *sh)
{
	const struct cats_image *image = cats_shell_image(sh);
	size_t wanted = image != NULL ? whole_size(sh, image) : 0;

	if (wanted == 0) {
		return image != NULL ? -ENOSPC : -ENOTCONN;
	}
	if (cats_shell_given.size != wanted && reads_tokens(image)) {
		shell_error(sh, "%zu bytes given, a step takes a token: %zu bytes, little-endian",
			    cats_shell_given.size, wanted);
		return -EINVAL;
	}
	if (cats_shell_given.size != wanted) {
		shell_error(sh, "%zu bytes given, the model takes %u x %u = %zu",
			    cats_shell_given.size, image->model->tokens_in, image->model->inputs,
			    wanted);
		return -EINVAL;
	}
	if (reads_tokens(image) && sys_get_le32(cats_shell_given.data) >= image->model->inputs) {
		shell_error(sh, "token %u: the model has 0 to %u",
			    sys_get_le32(cats_shell_given.data), image->model->inputs - 1u);
		return -EINVAL;
	}
	return infer(sh, (const int8_t *)cats_shell_given.data);
}

/* What was given is used once, whatever comes of it. */
static int infer_once(const struct shell *sh)
{
	int ret = infer_bytes(sh);

	cats_shell_given.size = 0;
	return ret;
}

static int append_hex(const struct shell *sh, const char *text)
{
	size_t length = strlen(text);
	size_t added = hex2bin(text, length, cats_shell_given.data + cats_shell_given.size,
			       sizeof(cats_shell_given.data) - cats_shell_given.size);

	if (length == 0 || length % 2 != 0 || added != length / 2) {
		shell_error(sh, "hexadecimal digits in pairs are wanted, at most %zu bytes in all",
			    sizeof(cats_shell_given.data));
		return -EINVAL;
	}
	cats_shell_given.size += added;
	return 0;
}

static int cmd_hex(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	cats_shell_given.size = 0;
	return append_hex(sh, argv[1]) == 0 ? infer_once(sh) : -EINVAL;
}

static int cmd_base64(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	cats_shell_given.size = 0;
	return cats_shell_add_base64(sh, argv[1]) == 0 ? infer_once(sh) : -EINVAL;
}

static int cmd_add(const struct shell *sh, size_t argc, char **argv)
{
	int ret;

	if (argc < 2) {
		cats_shell_given.size = 0;
		return 0;
	}
	ret = cats_shell_add_base64(sh, argv[1]);
	if (ret == 0) {
		shell_print(sh, "%zu bytes", cats_shell_given.size);
	}
	return ret;
}

static int cmd_run(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return infer_once(sh);
}

static int cmd_zeros(const struct shell *sh, size_t argc, char **argv)
{
	static const int8_t first_token[sizeof(uint32_t)];
	const struct cats_image *image = cats_shell_image(sh);

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (image == NULL) {
		return -ENOTCONN;
	}
	return infer(sh, reads_tokens(image) ? first_token : NULL);
}

static int cmd_sample(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_image *image = cats_shell_image(sh);
	const struct cats_samples *s = cats_samples;
	unsigned long n;
	int ret;

	ARG_UNUSED(argc);
	if (image == NULL) {
		return -ENOTCONN;
	}
	if (s == NULL || s->count == 0) {
		shell_error(sh, "this firmware has no samples built in");
		return -ENOENT;
	}
	if (s->tokens != image->model->tokens_in || s->inputs != row_size(image)) {
		shell_error(sh, "the samples are %u x %u, the model takes %u x %zu", s->tokens,
			    s->inputs, image->model->tokens_in, row_size(image));
		return -EINVAL;
	}
	if (whole_size(sh, image) == 0) {
		return -ENOSPC;
	}
	if (cats_shell_number(sh, argv[1], s->count - 1u, &n) != 0) {
		return -EINVAL;
	}
	ret = infer(sh, s->data + n * s->tokens * s->inputs);
	if (ret == 0 && s->labels != NULL) {
		shell_print(sh, "label %d", s->labels[n]);
	}
	return ret;
}

SHELL_STATIC_SUBCMD_SET_CREATE(
	infer_commands,
	SHELL_CMD_ARG(sample, NULL, SHELL_HELP("Run a sample that is built in", "<number>"),
		      cmd_sample, 2, 0),
	SHELL_CMD_ARG(hex, NULL,
		      SHELL_HELP("Run an input: int8 of all tokens and all nodes' columns",
				 "<digits>"),
		      cmd_hex, 2, 0),
	SHELL_CMD_ARG(base64, NULL, SHELL_HELP("Run an input given in base64", "<text>"),
		      cmd_base64, 2, 0),
	SHELL_CMD_ARG(zeros, NULL, SHELL_HELP("Run an input of zeros", ""), cmd_zeros, 1, 0),
	SHELL_CMD_ARG(add, NULL,
		      SHELL_HELP("Append base64 to a long input; without it, begin anew",
				 "[<text>]"),
		      cmd_add, 1, 1),
	SHELL_CMD_ARG(run, NULL, SHELL_HELP("Run the input that was added", ""), cmd_run, 1, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), infer, &infer_commands,
		 SHELL_HELP("Run an inference and show its output", ""), NULL, 0, 0);

#ifdef CONFIG_CATS_STREAM

/* At all nodes of this process that run it. */
static int cmd_begin(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_image *image = cats_shell_image(sh);
	int ret;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (image == NULL) {
		return -ENOTCONN;
	}
	ret = cats_stream_begin(cats_shell_instance(sh));
	if (ret != 0) {
		shell_error(sh, "no stream: cats export --stream (%d)", ret);
		return ret;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *other = cats_running(instance);

		if (other != NULL && other->header->model_id == image->header->model_id) {
			(void)cats_stream_begin(instance);
		}
	}
	return 0;
}

static int cmd_position(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_image *image = cats_shell_image(sh);
	int position;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (image == NULL) {
		return -ENOTCONN;
	}
	position = cats_stream_position(cats_shell_instance(sh));
	if (position < 0) {
		shell_error(sh, "no stream: cats export --stream (%d)", position);
		return position;
	}
	shell_print(sh, "position %d of %u", position, cats_context_rows(image));
	return 0;
}

#ifdef CONFIG_CATS_LLAMA
static int cmd_replay(const struct shell *sh, size_t argc, char **argv)
{
	int ret;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (cats_shell_image(sh) == NULL) {
		return -ENOTCONN;
	}
	ret = cats_replay(cats_shell_instance(sh));
	switch (ret) {
	case 0:
		break;
	case -ENOTSUP:
		shell_error(sh, "no language model");
		break;
	case -ENODATA:
		shell_error(sh, "no row is lacking whose token this node knows");
		break;
	default:
		shell_error(sh, "rows are run once more already, or an input waits (%d)", ret);
		break;
	}
	return ret;
}
#else
#define cmd_replay NULL /* SHELL_COND_CMD_ARG() names it all the same */
#endif

SHELL_STATIC_SUBCMD_SET_CREATE(
	step_commands,
	SHELL_CMD_ARG(begin, NULL, SHELL_HELP("The next step begins a new window", ""), cmd_begin,
		      1, 0),
	SHELL_CMD_ARG(position, NULL, SHELL_HELP("Which row is next", ""), cmd_position, 1, 0),
	SHELL_COND_CMD_ARG(CONFIG_CATS_LLAMA, replay, NULL,
			   SHELL_HELP("Run rows of the text once more that a node lacks", ""),
			   cmd_replay, 1, 0),
	SHELL_CMD_ARG(hex, NULL,
		      SHELL_HELP("Run a step: int8 of its tokens and all nodes' columns; of a "
				 "language model a token, 4 bytes, little-endian",
				 "<digits>"),
		      cmd_hex, 2, 0),
	SHELL_CMD_ARG(base64, NULL, SHELL_HELP("Run a step given in base64", "<text>"), cmd_base64,
		      2, 0),
	SHELL_CMD_ARG(zeros, NULL, SHELL_HELP("Run a step of zeros", ""), cmd_zeros, 1, 0),
	SHELL_SUBCMD_SET_END);

SHELL_SUBCMD_ADD((cats), step, &step_commands,
		 SHELL_HELP("Run a step of a stream and show its output", ""), NULL, 0, 0);

#endif /* CONFIG_CATS_STREAM */
