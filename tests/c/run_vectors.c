/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Runs golden vectors (tests/vectors/README.rst): run_vectors [-n REPEATS] FOLDER...
 * Prints one line a folder; exits with 1 at the first difference. With -n it prints the time too.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lockstep.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

struct record {
	struct bytes bits; /* [exchange][receiver][source][row] */
	uint8_t nodes;
	size_t row;
};

static bool read_file(const char *folder, const char *name, struct bytes *found)
{
	char path[1024];
	FILE *file;
	long size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL) {
		return false;
	}
	if (fseek(file, 0, SEEK_END) != 0) {
		abort();
	}
	size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
		abort();
	}
	found->size = (size_t)size;
	found->data = malloc(found->size + 1);
	if (found->data == NULL || fread(found->data, 1, found->size, file) != found->size) {
		abort();
	}
	fclose(file);
	return true;
}

static bool recorded(void *context, uint32_t exchange, uint8_t receiver, uint8_t source,
		     uint16_t fragment)
{
	const struct record *r = context;
	const size_t at = ((exchange * r->nodes + receiver) * r->nodes + source) * r->row;

	return (r->bits.data[at + fragment / 8] >> fragment % 8) & 1;
}

static int compare(const struct lockstep *all, const struct bytes *expected, const char *folder,
		   const char *run)
{
	const size_t size = expected->size / all->nodes;

	for (uint8_t d = 0; d < all->nodes; d++) {
		const struct cats_image *image = &all->image[d];

		if (size != 2u * cats_output_rows(image) * image->model->outputs ||
		    memcmp(cats_engine_output(&all->engine[d]), expected->data + d * size, size)) {
			printf("%s: %s: node %u differs\n", folder, run, d);
			return 1;
		}
	}
	return 0;
}

static int run_folder(const char *folder, int repeats)
{
	static const char *const runs[] = {"clean", "lossy", "deaf"};
	struct lockstep all = {0};
	struct bytes input, image;
	char name[32];
	int failed = 0;

	for (int d = 0; d < CATS_MAX_NODES; d++) {
		snprintf(name, sizeof(name), "node_%02d.bin", d);
		if (read_file(folder, name, &image)) {
			const int error = lockstep_add(&all, image.data, image.size);

			free(image.data);
			if (error != 0) {
				printf("%s: %s: %s\n", folder, name, cats_image_strerror(error));
				lockstep_free(&all);
				return 1;
			}
		}
	}
	if (all.nodes == 0 || !read_file(folder, "input.bin", &input)) {
		printf("%s: no case here\n", folder);
		lockstep_free(&all);
		return 1;
	}
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		struct record record = {.nodes = all.nodes};
		struct bytes output;

		snprintf(name, sizeof(name), "%s.available.bin", runs[i]);
		if (!read_file(folder, name, &record.bits)) {
			printf("%s: no %s\n", folder, name);
			failed = 1;
			continue;
		}
		record.row = record.bits.size / cats_exchange_count(&all.image[0]) /
			     (all.nodes * all.nodes);
		snprintf(name, sizeof(name), "%s.output.bin", runs[i]);
		if (!read_file(folder, name, &output)) {
			abort();
		}
		for (int n = 0; n < repeats; n++) {
			lockstep_run(&all, (const int8_t *)input.data, recorded, &record);
		}
		failed |= compare(&all, &output, folder, runs[i]);
		free(output.data);
		free(record.bits.data);
	}
	if (!failed) {
		printf("%s: %u nodes, equal\n", folder, all.nodes);
	}
	free(input.data);
	lockstep_free(&all);
	return failed;
}

int main(int argc, char **argv)
{
	int repeats = 1, first = 1, failed = 0;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		repeats = atoi(argv[2]);
		first = 3;
	}
	for (int i = first; i < argc; i++) {
		const clock_t start = clock();

		failed |= run_folder(argv[i], repeats);
		if (first == 3) {
			printf("\t%.1f us an inference of all nodes\n",
			       1e6 * (double)(clock() - start) / CLOCKS_PER_SEC / repeats / 3);
		}
	}
	return failed;
}
