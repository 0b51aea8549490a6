/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <zephyr/toolchain.h>

#include "images.h"

static const uint8_t __aligned(8) four_0[] = {
#include "four_0.inc"
};
static const uint8_t __aligned(8) four_1[] = {
#include "four_1.inc"
};
static const uint8_t __aligned(8) four_2[] = {
#include "four_2.inc"
};
static const uint8_t __aligned(8) four_3[] = {
#include "four_3.inc"
};
static const uint8_t __aligned(8) repaired_0[] = {
#include "repaired_0.inc"
};
static const uint8_t __aligned(8) repaired_1[] = {
#include "repaired_1.inc"
};
static const uint8_t __aligned(8) repaired_2[] = {
#include "repaired_2.inc"
};
static const uint8_t __aligned(8) one_0[] = {
#include "one_0.inc"
};

const struct bytes four[4] = {
	{four_0, sizeof(four_0)},
	{four_1, sizeof(four_1)},
	{four_2, sizeof(four_2)},
	{four_3, sizeof(four_3)},
};

const struct bytes repaired[3] = {
	{repaired_0, sizeof(repaired_0)},
	{repaired_1, sizeof(repaired_1)},
	{repaired_2, sizeof(repaired_2)},
};

const struct bytes one = {one_0, sizeof(one_0)};
