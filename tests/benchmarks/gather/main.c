/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include "gather.h"

/* The exchange in which a node sends most bytes. */
static struct cats_exchange largest(const struct cats_image *image)
{
	struct cats_exchange found = {0};
	uint32_t most = 0;
	struct cats_exchange x = {0};

	do {
		const uint32_t bytes =
			(uint32_t)cats_fragment_count(image, x, image->header->node) *
			cats_fragment_size(image, x, image->header->node, 0);

		if (bytes > most) {
			most = bytes;
			found = x;
		}
	} while (cats_exchange_next(image, &x));
	return found;
}

int main(void)
{
	const struct deployment *deployment = (const struct deployment *)IMAGE_ADDRESS;
	const uint32_t last = deployment->nodes - 1;

	for (uint32_t loss = 0; loss < LOSSES; loss++) {
		/* The one that leads, and the one that has all others before it. */
		air_infer(deployment, 0, loss);
		air_infer(deployment, last, loss);
	}
	pieces(air_engine(last), largest(air_engine(last)->image));
	report_worst();
	return 0;
}
