/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief What the parts of an instance have of each other.
 */

#ifndef CATS_NODE_INSTANCE_H_
#define CATS_NODE_INSTANCE_H_

#include <stdbool.h>
#include <stdint.h>

#include <cats/cats.h>

/** @brief Take the instance's lock: the node, and all that stands below it in its data. */
void cats_lock(struct cats_instance_data *d);

/** @brief Give it back. */
void cats_unlock(struct cats_instance_data *d);

/** @brief The transport's time. */
static inline uint32_t cats_now(const struct cats_instance_data *d)
{
	return d->self->transport->now();
}

/** @brief Does it run, and is to go on? Locked. */
static inline bool cats_alive(const struct cats_instance_data *d)
{
	return d->running && !d->stopping;
}

/** @brief air.c: look at the node; of the instance's work item. */
void cats_air_work(struct k_work *work);

/** @brief air.c: a frame was heard; of the instance's port. */
void cats_air_received(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t start);

/** @brief air.c: a frame was sent, or could not be; of the instance's port. */
void cats_air_sent(struct cats_port *port, bool ok, uint32_t start);
void cats_air_sensed(struct cats_port *port, bool busy);

/** @brief air.c: from any thread: the node changed, look at it. */
void cats_air_kick(struct cats_instance_data *d);

/** @brief compute.c: entry of the instance's thread; p1 is its data. */
void cats_instance_thread(void *p1, void *p2, void *p3);

/** @brief infer.c: give the result to whom it may concern. Locked, but while the callback runs. */
void cats_result_tell(struct cats_instance_data *d);

#ifdef CONFIG_CATS_LLAMA
/** @brief text.c: tell of the result's token, and go on with its text. Locked but in callbacks. */
void cats_token_tell(struct cats_instance_data *d);

/** @brief text.c: nothing is to be done for now: a text may be over. Locked. */
void cats_text_look(struct cats_instance_data *d);
#endif

/** @brief infer.c: nobody waits any longer: -ESHUTDOWN. Locked. */
void cats_waiters_stop(struct cats_instance_data *d);

/** @brief infer.c: the next may submit an input, if one is submitted. Locked. */
void cats_slot_release(struct cats_instance_data *d);

/** @brief infer.c: an input that nobody reads any more may go. Locked. */
void cats_input_release(struct cats_instance_data *d);

/** @brief loss.c: set the losses that Kconfig asks for. */
void cats_loss_init(const struct cats_instance *instance);

/** @brief loss.c: is this frame to be dropped on purpose? With the instance locked and running. */
bool cats_lost(const struct cats_instance_data *d, const uint8_t *frame, uint16_t size);

#endif /* CATS_NODE_INSTANCE_H_ */
