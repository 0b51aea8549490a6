/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief sleep.c: how a node sleeps.
 */

#ifndef CATS_NODE_SLEEP_H_
#define CATS_NODE_SLEEP_H_

#include <cats/cats.h>

#ifdef CONFIG_CATS_SLEEP
/**
 * @brief The period from the settings, and the clocks.
 *
 * @retval 0 on success
 * @retval -EINVAL nodes of this image cannot meet so often
 * @return or what reading the settings gave
 */
int cats_sleep_configure(const struct cats_instance *instance, struct cats_node_config *config);
#else
static inline int cats_sleep_configure(const struct cats_instance *instance,
				       struct cats_node_config *config)
{
	(void)instance;
	(void)config;
	return 0;
}
#endif

#endif /* CATS_NODE_SLEEP_H_ */
