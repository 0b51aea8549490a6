/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>
#include <zephyr/sys/base64.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>
#ifdef CONFIG_CATS_SELFTEST
#include <cats/selftest.h>
#endif
#ifdef CONFIG_CATS_IMAGE_FLASH
#include <cats/update.h>
#endif

#define TIMEOUT K_SECONDS(CONFIG_CATS_SHELL_TIMEOUT_S)

/* The whole input, and each node's own columns of it one after the other. */
static int8_t input[CONFIG_CATS_SHELL_INPUT_SIZE];
static int8_t columns[CONFIG_CATS_SHELL_INPUT_SIZE];
static size_t input_size;
static int16_t output[CONFIG_CATS_SHELL_OUTPUT_COUNT];

/* Which instance the commands are about: `cats use`. */
static size_t selected;

static const struct cats_instance *instance_at(size_t number)
{
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		if (number-- == 0) {
			return instance;
		}
	}
	return NULL;
}

static const struct cats_instance *current(const struct shell *sh)
{
	const struct cats_instance *instance = instance_at(selected);

	if (instance == NULL) {
		shell_error(sh, "this firmware has no instance");
	}
	return instance;
}

/* The current instance's image, or NULL and the reason. */
static const struct cats_image *current_image(const struct shell *sh)
{
	const struct cats_instance *instance = current(sh);
	const struct cats_image *image;

	if (instance == NULL) {
		return NULL;
	}
	image = cats_running(instance);
	if (image == NULL) {
		int refused = cats_refused(instance);

		shell_error(sh, "%s does not run%s%s", instance->name,
			    refused != CATS_IMAGE_OK ? ", its image was refused: " : ": cats start",
			    refused != CATS_IMAGE_OK ? cats_image_strerror(refused) : "");
	}
	return image;
}

static int number(const struct shell *sh, const char *text, unsigned long most,
		  unsigned long *value)
{
	int err = 0;

	*value = shell_strtoul(text, 10, &err);
	if (err != 0 || *value > most) {
		shell_error(sh, "%s: a whole number from 0 to %lu is wanted", text, most);
		return -EINVAL;
	}
	return 0;
}

/*
 * cats info, use, start, stop
 */

static void print_image(const struct shell *sh, const struct cats_instance *instance,
			const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;

	shell_print(sh, "  node %u of %u, model %08x, format %u, image %u bytes at %p", h->node,
		    h->nodes, h->model_id, h->format_version, h->image_size,
		    (const void *)image->base);
	shell_print(sh, "  %u tokens, %u features, %u heads, %u hidden, %u blocks", m->tokens,
		    m->features, m->heads, m->hidden, m->blocks);
	shell_print(sh, "  input %u x %u, %u columns here from %u; output %u x %u", m->tokens_in,
		    m->inputs, m->own_inputs, m->first_input, cats_output_rows(image), m->outputs);
	shell_print(sh, "  arena %u of %zu bytes, %u exchanges in %u gathers", h->arena_size,
		    instance->arena_size, cats_exchange_count(image), h->gathers);
}

static int cmd_info(const struct shell *sh, size_t argc, char **argv)
{
	size_t at = 0;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *image = cats_running(instance);
		int refused = cats_refused(instance);

		shell_print(sh, "%c%zu %s on %s: %s", at == selected ? '*' : ' ', at,
			    instance->name, instance->transport->name,
			    image != NULL              ? "runs"
			    : refused != CATS_IMAGE_OK ? "image refused"
						       : "stopped");
		if (image != NULL) {
			print_image(sh, instance, image);
		} else if (refused != CATS_IMAGE_OK) {
			shell_print(sh, "  %s", cats_image_strerror(refused));
		}
		at++;
	}
	return current(sh) != NULL ? 0 : -ENOENT;
}

static int cmd_use(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long value;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT8_MAX, &value) != 0) {
		return -EINVAL;
	}
	if (instance_at(value) == NULL) {
		shell_error(sh, "no instance %lu: see cats info", value);
		return -ENOENT;
	}
	selected = value;
	return 0;
}

static int cmd_start(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = current(sh);
	int ret;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (instance == NULL) {
		return -ENOENT;
	}
	ret = cats_start(instance, NULL, 0);
	switch (ret) {
	case 0:
		break;
	case -EALREADY:
		shell_error(sh, "it runs already");
		break;
	case -ENOENT:
		shell_error(sh, "no image is linked: the application starts this instance");
		break;
	case -EBADMSG:
		shell_error(sh, "image refused: %s", cats_image_strerror(cats_refused(instance)));
		break;
	case -ENOMEM:
		shell_error(sh, "the image needs more arena than %zu bytes", instance->arena_size);
		break;
	case -EMSGSIZE:
		shell_error(sh, "the plan's frames are too large for %s",
			    instance->transport->name);
		break;
	case -EACCES:
		shell_error(sh, "there is no key: cats key set");
		break;
	case -EBUSY:
		shell_error(sh, "an update is open, or %s takes no more nodes",
			    instance->transport->name);
		break;
	default:
		shell_error(sh, "%s does not start (%d)", instance->transport->name, ret);
		break;
	}
	return ret;
}

static int cmd_stop(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = current(sh);
	int ret;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (instance == NULL) {
		return -ENOENT;
	}
	ret = cats_stop(instance);
	if (ret != 0) {
		shell_error(sh, "it does not run");
	}
	return ret;
}

/*
 * cats infer
 */

static void print_result(const struct shell *sh, const struct cats_image *image,
			 const struct cats_result *r)
{
	shell_print(sh, "inference %u node %u: lost %u of %u fragments, %u outputs missing, %u us",
		    r->inference, image->header->node, r->lost, r->fragments,
		    cats_result_missing(r), r->ended_us - r->started_us);
	if (r->silent != 0) {
		shell_print(sh, "silent nodes (bits): 0x%04x", r->silent);
	}
	for (uint16_t row = 0; row < r->rows; row++) {
		int class = cats_result_class(r, row);

		shell_fprintf(sh, SHELL_NORMAL, "output");
		for (uint16_t c = 0; c < r->columns; c++) {
			shell_fprintf(sh, SHELL_NORMAL, " %d", r->output[row * r->columns + c]);
		}
		shell_fprintf(sh, SHELL_NORMAL, "\n");
		if (class >= 0) {
			shell_print(sh, "class %d", class);
		} else {
			shell_print(sh, "class none: no output arrived");
		}
	}
}

/* The columns of one node; also a node without inputs submits, or nobody opens the inference. */
static const int8_t *cut(const struct cats_image *image, const int8_t *whole, size_t *used)
{
	const struct cats_image_model *m = image->model;
	int8_t *own = columns + *used;

	for (uint16_t t = 0; t < m->tokens_in; t++) {
		memcpy(own + (size_t)t * m->own_inputs,
		       whole + (size_t)t * m->inputs + m->first_input, m->own_inputs);
	}
	*used += cats_input_size(image);
	return cats_input_size(image) != 0 ? own : NULL;
}

/* Submit to all nodes of this process and show the result of the current one. */
static int infer(const struct shell *sh, const int8_t *whole)
{
	const struct cats_instance *shown = current(sh);
	const struct cats_image *image = current_image(sh);
	struct cats_result result;
	size_t used = 0;
	int ret;

	if (image == NULL) {
		return -ENOTCONN;
	}
	if (cats_output_count(image) > ARRAY_SIZE(output)) {
		shell_error(sh, "%zu outputs: raise CONFIG_CATS_SHELL_OUTPUT_COUNT",
			    cats_output_count(image));
		return -ENOSPC;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *other = cats_running(instance);

		(void)cats_withdraw(instance);
		if (instance == shown || other == NULL ||
		    other->header->model_id != image->header->model_id) {
			continue;
		}
		ret = cats_submit(instance, whole != NULL ? cut(other, whole, &used) : NULL,
				  TIMEOUT);
		if (ret != 0) {
			shell_error(sh, "%s takes no input (%d)", instance->name, ret);
			return ret;
		}
	}
	ret = cats_infer(shown, whole != NULL ? cut(image, whole, &used) : NULL, output,
			 ARRAY_SIZE(output), &result, TIMEOUT);
	if (ret == -ETIMEDOUT) {
		shell_error(sh, "no result in %d s: another input is in use",
			    CONFIG_CATS_SHELL_TIMEOUT_S);
	} else if (ret != 0) {
		shell_error(sh, "no result (%d)", ret);
	} else {
		print_result(sh, image, &result);
	}
	return ret;
}

/* What the model takes, all nodes' columns; 0 and the reason where it is more than fits. */
static size_t whole_size(const struct shell *sh, const struct cats_image *image)
{
	size_t size = (size_t)image->model->tokens_in * image->model->inputs;

	if (size > sizeof(input)) {
		shell_error(sh, "the input has %zu bytes: raise CONFIG_CATS_SHELL_INPUT_SIZE",
			    size);
		return 0;
	}
	return size;
}

static int infer_bytes(const struct shell *sh)
{
	const struct cats_image *image = current_image(sh);
	size_t wanted = image != NULL ? whole_size(sh, image) : 0;

	if (wanted == 0) {
		return image != NULL ? -ENOSPC : -ENOTCONN;
	}
	if (input_size != wanted) {
		shell_error(sh, "%zu bytes given, the model takes %u x %u = %zu", input_size,
			    image->model->tokens_in, image->model->inputs, wanted);
		return -EINVAL;
	}
	return infer(sh, input);
}

/* What was given is used once, whatever comes of it. */
static int infer_once(const struct shell *sh)
{
	int ret = infer_bytes(sh);

	input_size = 0;
	return ret;
}

static int append_hex(const struct shell *sh, const char *text)
{
	size_t length = strlen(text);
	size_t added =
		hex2bin(text, length, (uint8_t *)input + input_size, sizeof(input) - input_size);

	if (length == 0 || length % 2 != 0 || added != length / 2) {
		shell_error(sh, "hexadecimal digits in pairs are wanted, at most %zu bytes in all",
			    sizeof(input));
		return -EINVAL;
	}
	input_size += added;
	return 0;
}

static int append_base64(const struct shell *sh, const char *text)
{
	size_t added;

	if (base64_decode((uint8_t *)input + input_size, sizeof(input) - input_size, &added, text,
			  strlen(text)) != 0) {
		shell_error(sh, "base64 is wanted, at most %zu bytes in all", sizeof(input));
		return -EINVAL;
	}
	input_size += added;
	return 0;
}

static int cmd_hex(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	input_size = 0;
	return append_hex(sh, argv[1]) == 0 ? infer_once(sh) : -EINVAL;
}

static int cmd_base64(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	input_size = 0;
	return append_base64(sh, argv[1]) == 0 ? infer_once(sh) : -EINVAL;
}

static int cmd_add(const struct shell *sh, size_t argc, char **argv)
{
	int ret;

	if (argc < 2) {
		input_size = 0;
		return 0;
	}
	ret = append_base64(sh, argv[1]);
	if (ret == 0) {
		shell_print(sh, "%zu bytes", input_size);
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
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return infer(sh, NULL);
}

static int cmd_sample(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_image *image = current_image(sh);
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
	if (s->tokens != image->model->tokens_in || s->inputs != image->model->inputs) {
		shell_error(sh, "the samples are %u x %u, the model takes %u x %u", s->tokens,
			    s->inputs, image->model->tokens_in, image->model->inputs);
		return -EINVAL;
	}
	if (whole_size(sh, image) == 0) {
		return -ENOSPC;
	}
	if (number(sh, argv[1], s->count - 1u, &n) != 0) {
		return -EINVAL;
	}
	ret = infer(sh, s->data + n * s->tokens * s->inputs);
	if (ret == 0 && s->labels != NULL) {
		shell_print(sh, "label %d", s->labels[n]);
	}
	return ret;
}

/*
 * cats stats
 */

static int cmd_stats(const struct shell *sh, size_t argc, char **argv)
{
	static const char *const gathers[CATS_GATHER_KINDS] = {
		"input", "attention", "heads", "forward", "hidden", "output", "result",
	};
	static const char *const rejects[] = {
		"short",    "version", "check",     "type", "source", "exchange",
		"fragment", "length",  "inference", "late", "busy",   "leader",
	};
	const struct cats_instance *instance = current(sh);
	static struct cats_stats stats;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	BUILD_ASSERT(ARRAY_SIZE(rejects) == CATS_REJECT_REASONS);
	if (instance == NULL) {
		return -ENOENT;
	}
	cats_stats(instance, &stats);
	shell_print(sh,
		    "%s: %u inferences, %u takeovers, %u frames not sent, %u dropped on purpose",
		    instance->name, stats.node.inferences, stats.node.takeovers,
		    stats.glue.send_failed, stats.glue.dropped);
	shell_print(sh, "%-10s %9s %7s %7s %8s %6s %5s %10s %10s", "gather", "exchanges", "sent",
		    "heard", "repaired", "lost", "twice", "air us", "compute us");
	for (size_t k = 0; k < ARRAY_SIZE(gathers); k++) {
		const struct cats_gather_stats *g = &stats.node.gather[k];

		shell_print(sh, "%-10s %9u %7u %7u %8u %6u %5u %10u %10u", gathers[k], g->exchanges,
			    g->sent, g->heard, g->repaired, g->lost, g->duplicates, g->air_us,
			    g->compute_us);
	}
#ifdef CONFIG_CATS_ENERGY
	const struct cats_energy_stats *e = &stats.energy;
	uint32_t count = MAX(e->inferences, 1u);

	shell_print(sh,
		    "an inference: %u us sending, %u us listening, %u us computing, %u microjoules",
		    (uint32_t)(e->transmit_us / count), (uint32_t)(e->listen_us / count),
		    (uint32_t)(e->compute_us / count), (uint32_t)(e->microjoules / count));
#endif
	shell_fprintf(sh, SHELL_NORMAL, "rejected");
	for (size_t r = 0; r < ARRAY_SIZE(rejects); r++) {
		shell_fprintf(sh, SHELL_NORMAL, " %s %u", rejects[r], stats.node.rejected[r]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "\n");
#ifdef CONFIG_CATS_SECURE
	static const char *const refusals[] = {
		"short", "plain", "source", "key", "replay", "forged",
	};

	BUILD_ASSERT(ARRAY_SIZE(refusals) == CATS_SECURE_REASONS);
	shell_fprintf(sh, SHELL_NORMAL, "refused");
	for (size_t r = 0; r < ARRAY_SIZE(refusals); r++) {
		shell_fprintf(sh, SHELL_NORMAL, " %s %u", refusals[r], stats.glue.refused[r]);
	}
	shell_fprintf(sh, SHELL_NORMAL, "\n");
#endif
	return 0;
}

/*
 * cats key
 */

#ifdef CONFIG_CATS_SECURE

static int cmd_key(const struct shell *sh, size_t argc, char **argv)
{
	struct cats_key_info info;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	cats_key_info(&info);
	if (info.count == 0) {
		shell_print(sh, "no key: cats key set");
	}
	for (uint8_t k = 0; k < info.count; k++) {
		shell_print(sh, "key %u%s", info.ids[k],
			    info.ids[k] == info.sending ? ", frames are sealed with it" : "");
	}
	return 0;
}

static int key_done(const struct shell *sh, int ret)
{
	switch (ret) {
	case 0:
		break;
	case -ENOENT:
		shell_error(sh, "there is no such key: cats key");
		break;
	case -EBUSY:
		shell_error(sh, "frames are sealed with it: cats key use another");
		break;
	default:
		shell_error(sh, "the settings or the crypto library fail (%d)", ret);
		break;
	}
	return ret;
}

static int cmd_key_set(const struct shell *sh, size_t argc, char **argv)
{
	uint8_t key[CATS_KEY_SIZE];
	unsigned long id;
	int ret;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	if (strlen(argv[2]) != 2 * sizeof(key) ||
	    hex2bin(argv[2], strlen(argv[2]), key, sizeof(key)) != sizeof(key)) {
		shell_error(sh, "a key has %zu hexadecimal digits", 2 * sizeof(key));
		return -EINVAL;
	}
	ret = cats_key_set((uint8_t)id, key);
	memset(key, 0, sizeof(key));
	return key_done(sh, ret);
}

static int cmd_key_use(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long id;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	return key_done(sh, cats_key_use((uint8_t)id));
}

static int cmd_key_forget(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long id;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT8_MAX, &id) != 0) {
		return -EINVAL;
	}
	return key_done(sh, cats_key_forget((uint8_t)id));
}

#endif /* CONFIG_CATS_SECURE */

/*
 * cats loss
 */

#ifdef CONFIG_CATS_LOSS

/* "12.5" percent as millionths; false for anything else than 0..100 with up to four decimals. */
static bool parse_percent(const char *text, uint32_t *ppm)
{
	uint32_t value = 0;
	int decimals = -1;

	if (!isdigit((unsigned char)text[0])) {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (*text == '.' && decimals < 0) {
			decimals = 0;
		} else if (isdigit((unsigned char)*text) && decimals < 4 && value <= 1000000) {
			value = value * 10 + (uint32_t)(*text - '0');
			decimals += decimals >= 0;
		} else {
			return false;
		}
	}
	for (int d = MAX(decimals, 0); d < 4; d++) {
		if (value > 1000000) {
			return false;
		}
		value *= 10;
	}
	*ppm = value;
	return value <= 1000000;
}

static void print_loss(const struct shell *sh, const struct cats_instance *instance)
{
	const struct cats_image *image = cats_running(instance);
	uint8_t nodes = image != NULL ? image->header->nodes : CATS_MAX_NODES;
	uint32_t seed = 0;
	uint32_t ppm;

	shell_fprintf(sh, SHELL_NORMAL, "%s: per cent by source", instance->name);
	for (uint8_t s = 0; s < nodes; s++) {
		cats_loss_get(instance, s, &seed, &ppm);
		shell_fprintf(sh, SHELL_NORMAL, " %u.%04u", ppm / 10000, ppm % 10000);
	}
	shell_fprintf(sh, SHELL_NORMAL, ", seed %u\n", seed);
}

static int cmd_loss(const struct shell *sh, size_t argc, char **argv)
{
	int source = CATS_NODE_ANY;
	int receiver = CATS_NODE_ANY;
	unsigned long value;
	uint32_t ppm = 0;

	if (argc > 1 && !parse_percent(argv[1], &ppm)) {
		shell_error(sh, "%s: per cent from 0 to 100 with up to four decimals are wanted",
			    argv[1]);
		return -EINVAL;
	}
	if (argc > 2) {
		if (number(sh, argv[2], CATS_MAX_NODES - 1, &value) != 0) {
			return -EINVAL;
		}
		source = (int)value;
	}
	if (argc > 3) {
		if (number(sh, argv[3], CATS_MAX_NODES - 1, &value) != 0) {
			return -EINVAL;
		}
		receiver = (int)value;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		const struct cats_image *image = cats_running(instance);

		if (argc > 1 && (receiver == CATS_NODE_ANY ||
				 (image != NULL && image->header->node == receiver))) {
			(void)cats_loss(instance, source, ppm);
		}
		print_loss(sh, instance);
	}
	return 0;
}

static int cmd_loss_seed(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long seed;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT32_MAX, &seed) != 0) {
		return -EINVAL;
	}
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		cats_loss_seed(instance, (uint32_t)seed);
	}
	return 0;
}

#endif /* CONFIG_CATS_LOSS */

/*
 * cats selftest
 */

#ifdef CONFIG_CATS_SELFTEST

static int check_golden(const struct shell *sh, const struct cats_instance *instance)
{
	struct cats_golden_failure failure;
	int failed = 0;

	STRUCT_SECTION_FOREACH(cats_golden, golden) {
		int ret =
			cats_golden_check(golden, instance->arena, instance->arena_size, &failure);

		switch (ret) {
		case 0:
			shell_print(sh, "%s: %u nodes, %u runs: every byte is right", golden->name,
				    golden->nodes, golden->run_count);
			break;
		case -ENOMEM:
			shell_warn(sh, "%s: skipped, needs %zu bytes and the arena has %zu",
				   golden->name, cats_golden_scratch(golden), instance->arena_size);
			break;
		case -EILSEQ:
			shell_error(sh, "%s: run %s: an output of node %u is wrong", golden->name,
				    failure.run, failure.node);
			failed = ret;
			break;
		default:
			shell_error(sh, "%s: image of node %u: %s", golden->name, failure.node,
				    cats_image_strerror(failure.reason));
			failed = ret;
			break;
		}
	}
	return failed;
}

static int time_steps(const struct shell *sh, const struct cats_instance *instance,
		      const struct cats_image *image)
{
	struct cats_step_times times;
	int ret = cats_time_steps(image, instance->arena, instance->arena_size, &times);

	if (ret != 0) {
		return ret;
	}
	shell_print(sh, "%-10s %9s %12s %12s", "step", "exchanges", "produce us", "consume us");
	for (unsigned int k = 0; k < CATS_GATHER_KINDS; k++) {
		if (times.exchanges[k] != 0) {
			shell_print(sh, "%-10s %9u %12u %12u", cats_gather_name(k),
				    times.exchanges[k], times.produce_ns[k] / 1000,
				    times.consume_ns[k] / 1000);
		}
	}
	shell_print(sh, "computing of one inference: %u us", times.total_ns / 1000);
	return 0;
}

static int cmd_selftest(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = current(sh);
	struct cats_image image = {0};
	bool ran;
	int ret;
	int again;

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (instance == NULL) {
		return -ENOENT;
	}
	ran = cats_running(instance) != NULL;
	if (ran) {
		/* The arena is what the test runs in. */
		image = *cats_running(instance);
		(void)cats_stop(instance);
	}
	ret = check_golden(sh, instance);
	if (ran) {
		if (ret == 0) {
			ret = time_steps(sh, instance, &image);
		}
		again = cats_start(instance, image.base, image.header->image_size);
		if (again != 0) {
			shell_error(sh, "%s does not start again (%d)", instance->name, again);
			ret = again;
		}
	}
	if (ret == 0) {
		shell_print(sh, "self test passed");
	} else {
		shell_error(sh, "self test failed");
	}
	return ret;
}

#endif /* CONFIG_CATS_SELFTEST */

/*
 * cats update
 */

#ifdef CONFIG_CATS_IMAGE_FLASH

static int cmd_update_begin(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long size;
	int ret;

	ARG_UNUSED(argc);
	if (number(sh, argv[1], UINT32_MAX, &size) != 0) {
		return -EINVAL;
	}
	ret = cats_update_begin(size);
	switch (ret) {
	case 0:
		break;
	case -EBUSY:
		shell_error(sh, "an instance runs from the partition (cats stop), or another "
				"update is open (cats update abort)");
		break;
	case -EFBIG:
		shell_error(sh, "larger than the partition");
		break;
	case -EINVAL:
		shell_error(sh, "smaller than an image's header");
		break;
	default:
		shell_error(sh, "the flash driver fails (%d)", ret);
		break;
	}
	return ret;
}

static int cmd_update_add(const struct shell *sh, size_t argc, char **argv)
{
	int ret;

	ARG_UNUSED(argc);
	input_size = 0;
	ret = append_base64(sh, argv[1]);
	if (ret != 0) {
		return ret;
	}
	ret = cats_update_write(input, input_size);
	input_size = 0;
	if (ret == -EPERM) {
		shell_error(sh, "no update is open: cats update begin");
	} else if (ret == -EFBIG) {
		shell_error(sh, "more bytes than were announced");
	} else if (ret != 0) {
		shell_error(sh, "the flash driver fails (%d)", ret);
	}
	return ret;
}

static int cmd_update_finish(const struct shell *sh, size_t argc, char **argv)
{
	int reason = 0;
	int ret = cats_update_finish(&reason);

	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	if (ret == 0) {
		shell_print(sh, "the new image is valid: cats start");
	} else if (ret == -EPERM) {
		shell_error(sh, "no update is open: cats update begin");
	} else if (ret == -EBADMSG) {
		shell_error(sh, "image refused: %s", cats_image_strerror(reason));
	} else {
		shell_error(sh, "the flash driver fails (%d)", ret);
	}
	return ret;
}

static int cmd_update_abort(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	cats_update_abort();
	return 0;
}

SHELL_STATIC_SUBCMD_SET_CREATE(
	update_commands,
	SHELL_CMD_ARG(begin, NULL,
		      SHELL_HELP("Erase the partition's image and expect another", "<bytes>"),
		      cmd_update_begin, 2, 0),
	SHELL_CMD_ARG(add, NULL, SHELL_HELP("Append bytes of it", "<base64>"), cmd_update_add, 2,
		      0),
	SHELL_CMD_ARG(finish, NULL, SHELL_HELP("Verify it and write its header", ""),
		      cmd_update_finish, 1, 0),
	SHELL_CMD_ARG(abort, NULL, SHELL_HELP("Leave the partition without an image", ""),
		      cmd_update_abort, 1, 0),
	SHELL_SUBCMD_SET_END);

#endif /* CONFIG_CATS_IMAGE_FLASH */

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

/* What is configured out is not there. */
#ifdef CONFIG_CATS_LOSS
SHELL_STATIC_SUBCMD_SET_CREATE(loss_commands,
			       SHELL_CMD_ARG(seed, NULL,
					     SHELL_HELP("Set the seed of the losses", "<number>"),
					     cmd_loss_seed, 2, 0),
			       SHELL_SUBCMD_SET_END);
#define LOSS_COMMAND                                                                               \
	SHELL_CMD_ARG(loss, &loss_commands,                                                        \
		      SHELL_HELP("Show or set the frames dropped on purpose",                      \
				 "[<per cent> [<source> [<receiver>]]]"),                          \
		      cmd_loss, 1, 3),
#else
#define LOSS_COMMAND
#endif

#ifdef CONFIG_CATS_SECURE
SHELL_STATIC_SUBCMD_SET_CREATE(
	key_commands,
	SHELL_CMD_ARG(set, NULL, SHELL_HELP("Keep a group key", "<number> <32 digits>"),
		      cmd_key_set, 3, 0),
	SHELL_CMD_ARG(use, NULL, SHELL_HELP("Seal frames with a key", "<number>"), cmd_key_use, 2,
		      0),
	SHELL_CMD_ARG(forget, NULL, SHELL_HELP("Forget a key", "<number>"), cmd_key_forget, 2, 0),
	SHELL_SUBCMD_SET_END);
#define KEY_COMMAND                                                                                \
	SHELL_CMD_ARG(key, &key_commands, SHELL_HELP("Show the numbers of the group keys", ""),    \
		      cmd_key, 1, 0),
#else
#define KEY_COMMAND
#endif

#ifdef CONFIG_CATS_SELFTEST
#define SELFTEST_COMMAND                                                                           \
	SHELL_CMD_ARG(selftest, NULL,                                                              \
		      SHELL_HELP("Check the engine against golden answers, time its steps", ""),   \
		      cmd_selftest, 1, 0),
#else
#define SELFTEST_COMMAND
#endif

#ifdef CONFIG_CATS_IMAGE_FLASH
#define UPDATE_COMMAND                                                                             \
	SHELL_CMD(update, &update_commands, SHELL_HELP("Replace the image in flash", ""), NULL),
#else
#define UPDATE_COMMAND
#endif

SHELL_STATIC_SUBCMD_SET_CREATE(
	cats_commands,
	SHELL_CMD_ARG(info, NULL, SHELL_HELP("Show the instances and their images", ""), cmd_info,
		      1, 0),
	SHELL_CMD_ARG(use, NULL, SHELL_HELP("Choose the instance for other commands", "<number>"),
		      cmd_use, 2, 0),
	SHELL_CMD_ARG(start, NULL, SHELL_HELP("Start it with its own image", ""), cmd_start, 1, 0),
	SHELL_CMD_ARG(stop, NULL, SHELL_HELP("Stop it", ""), cmd_stop, 1, 0),
	SHELL_CMD(infer, &infer_commands, SHELL_HELP("Run an inference and show its output", ""),
		  NULL),
	SHELL_CMD_ARG(stats, NULL, SHELL_HELP("Show counters of frames and time", ""), cmd_stats, 1,
		      0),
	KEY_COMMAND LOSS_COMMAND SELFTEST_COMMAND UPDATE_COMMAND SHELL_SUBCMD_SET_END);

SHELL_CMD_REGISTER(cats, &cats_commands, "One transformer on several nodes", NULL);
