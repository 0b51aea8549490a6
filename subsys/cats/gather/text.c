/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <cats/node.h>
#include <cats/text.h>
int cats_node_generate(struct cats_node *node, const struct cats_generation *generation){return -ENOTSUP;}
int cats_node_next(struct cats_node *node, uint32_t now_us){return -ENODATA;}
int cats_node_generate_stop(struct cats_node *node){return -EALREADY;}
