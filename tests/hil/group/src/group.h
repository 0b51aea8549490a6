/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief One node of a group of boards that a test drives by their shells.
 */

#ifndef CATS_HIL_GROUP_H_
#define CATS_HIL_GROUP_H_

#include <cats/cats.h>

/** @brief The node of this board. */
const struct cats_instance *group_node(void);

/** Of results: no input of this board, one that its shell submitted. */
#define SAMPLE_NONE -1
#define SAMPLE_OTHER -2

/** @brief An inference has ended here; the number of the input that it had of this board. */
int group_told(bool submitted);

/** @brief Record results and what arrived from now on, for `cats record`. */
void record_begin(const struct cats_instance *instance);

/** @brief Wait until an inference has ended here that began without an input of this board. */
void record_wait(void);

#endif /* CATS_HIL_GROUP_H_ */
