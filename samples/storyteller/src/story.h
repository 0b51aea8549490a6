/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STORY_H_
#define STORY_H_

#include <cats/cats.h>

/**
 * @brief Have the nodes tell a story; another one that is being told ends.
 *
 * @param node   the instance that begins it
 * @param prompt what it begins with; may be changed behind the call
 * @param tokens that follow
 * @param how    they are chosen
 * @retval 0 it is told, on all nodes
 * @retval -ENOSPC the prompt has more than CONFIG_STORY_PROMPT_TOKENS tokens
 * @retval -EINVAL an empty one, or one with a character that the model has not
 * @retval -errno  of cats_generate_begin()
 */
int story_tell(const struct cats_instance *node, const char *prompt, uint16_t tokens,
	       const struct cats_sampling *how);

#endif /* STORY_H_ */
