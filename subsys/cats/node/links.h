/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief Who listens to what arrives: the application, and the statistics by link before it.
 */

#ifndef CATS_NODE_LINKS_H_
#define CATS_NODE_LINKS_H_

#include <cats/cats.h>

#ifdef CONFIG_CATS_LINKS

/** It was started. */
void cats_links_reset(struct cats_instance_data *d);

/** The node's callback: counts, then tells the application. */
void cats_links_available(void *user, uint16_t inference, struct cats_exchange x,
			  const struct cats_availability *available);

/** A frame was heard that the node took. */
void cats_links_heard(struct cats_instance_data *d, const uint8_t *frame);

/** An inference has ended. */
void cats_links_done(struct cats_instance_data *d, const struct cats_result *result);

/** Let the node tell what arrives. */
static inline void cats_links_listen(struct cats_instance_data *d, struct cats_node_config *config)
{
	config->available = cats_links_available;
	config->user = d;
}

#else

static inline void cats_links_reset(struct cats_instance_data *d)
{
	ARG_UNUSED(d);
}

static inline void cats_links_heard(struct cats_instance_data *d, const uint8_t *frame)
{
	ARG_UNUSED(d);
	ARG_UNUSED(frame);
}

static inline void cats_links_done(struct cats_instance_data *d, const struct cats_result *result)
{
	ARG_UNUSED(d);
	ARG_UNUSED(result);
}

static inline void cats_links_listen(struct cats_instance_data *d, struct cats_node_config *config)
{
	config->available = d->available;
	config->user = d->available_user;
}

#endif

#endif /* CATS_NODE_LINKS_H_ */
