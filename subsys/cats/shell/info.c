/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* cats info, use, start, stop */

#include <errno.h>

#include <zephyr/shell/shell.h>

#include <cats/cats.h>
#ifdef CONFIG_CATS_IMAGE_FLASH
#include <cats/update.h>
#endif

#include "shell_internal.h"

/* What a stopped instance would start with, if that is valid. */
static bool find_image(const struct cats_instance *instance, struct cats_image *image)
{
	const void *data = instance->image;
	size_t size = instance->image_size;

#ifdef CONFIG_CATS_IMAGE_FLASH
	if (data == NULL && instance->flash && cats_flash_map(&data, &size) != 0) {
		return false;
	}
#endif
	return data != NULL && cats_image_verify(data, size, image) == CATS_IMAGE_OK &&
	       cats_image_expect(image, instance->node, 0) == CATS_IMAGE_OK;
}

static void print_image(const struct shell *sh, const struct cats_instance *instance,
			const struct cats_image *image)
{
	const struct cats_image_header *h = image->header;
	const struct cats_image_model *m = image->model;

	shell_fprintf(sh, SHELL_NORMAL, "  node %u of %u", h->node, h->nodes);
	if (cats_running(instance) != NULL) {
		shell_fprintf(sh, SHELL_NORMAL, " in group %x", cats_group(instance));
	}
	shell_print(sh, ", model %08x, format %u, image %u bytes at %p", h->model_id,
		    h->format_version, h->image_size, (const void *)image->base);
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
		struct cats_image stopped = {0};

		shell_print(sh, "%c%zu %s on %s: %s", at == cats_shell_selected ? '*' : ' ', at,
			    instance->name, instance->transport->name,
			    image != NULL              ? "runs"
			    : refused != CATS_IMAGE_OK ? "image refused"
						       : "stopped");
		if (image != NULL) {
			print_image(sh, instance, image);
		} else if (refused != CATS_IMAGE_OK) {
			shell_print(sh, "  %s", cats_image_strerror(refused));
		} else if (find_image(instance, &stopped)) {
			print_image(sh, instance, &stopped);
		}
		at++;
	}
	return cats_shell_instance(sh) != NULL ? 0 : -ENOENT;
}

static int cmd_use(const struct shell *sh, size_t argc, char **argv)
{
	unsigned long value;

	ARG_UNUSED(argc);
	if (cats_shell_number(sh, argv[1], UINT8_MAX, &value) != 0) {
		return -EINVAL;
	}
	if (cats_shell_instance_at(value) == NULL) {
		shell_error(sh, "no instance %lu: see cats info", value);
		return -ENOENT;
	}
	cats_shell_selected = value;
	return 0;
}

static int cmd_start(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
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
	case -ENOTSUP:
		shell_error(sh, "it is planned for another radio than %s: cats export --radio",
			    instance->transport->name);
		break;
	case -EMSGSIZE:
		shell_error(sh, "the plan's frames are too large for %s",
			    instance->transport->name);
		break;
	case -EACCES:
		shell_error(sh, "there is no key: cats key set");
		break;
	case -EBUSY:
		shell_error(sh, "an update is open, or %s takes no more nodes, or is in use",
			    instance->transport->name);
		break;
	case -ENOBUFS:
		shell_error(sh, "no advertising set is free: raise CONFIG_BT_EXT_ADV_MAX_ADV_SET");
		break;
	default:
		shell_error(sh, "%s does not start (%d)", instance->transport->name, ret);
		break;
	}
	return ret;
}

static int cmd_stop(const struct shell *sh, size_t argc, char **argv)
{
	const struct cats_instance *instance = cats_shell_instance(sh);
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

SHELL_SUBCMD_ADD((cats), info, NULL, SHELL_HELP("Show the instances and their images", ""),
		 cmd_info, 1, 0);
SHELL_SUBCMD_ADD((cats), use, NULL,
		 SHELL_HELP("Choose the instance for other commands", "<number>"), cmd_use, 2, 0);
SHELL_SUBCMD_ADD((cats), start, NULL, SHELL_HELP("Start it with its own image", ""), cmd_start, 1,
		 0);
SHELL_SUBCMD_ADD((cats), stop, NULL, SHELL_HELP("Stop it", ""), cmd_stop, 1, 0);
