/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* With -DCATS_FUZZ_FILES a fuzz target runs each file that its command line names. */

#ifndef CATS_FUZZ_FILES_H_
#define CATS_FUZZ_FILES_H_

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False where a file cannot be read, which it says. */
static int run_files(int count, char **files)
{
	for (int i = 0; i < count; i++) {
		static uint8_t data[1 << 20];
		FILE *file = fopen(files[i], "rb");
		size_t size;

		if (file == NULL) {
			perror(files[i]);
			return 0;
		}
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	return 1;
}

#endif /* CATS_FUZZ_FILES_H_ */
