/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_secure Group keys
 * @ingroup cats
 * @brief Group keys: encryption and authentication of every frame. With CONFIG_CATS_SECURE.
 *
 * All nodes of a deployment share a key of 128 bits with a number of its own. A node keeps two: the
 * one that it sends with, and another that it also hears, so that a new key reaches all nodes
 * before the first one uses it. They stand in the settings below "cats/secure", together with the
 * number of the last frame, so that a board uses no number twice, whenever it is reset;
 * doc/security.rst describes bytes, promises and limits.
 *
 * Keys belong to the process: all instances use the same ones. All functions may be called from any
 * thread, while instances run or not. Each loads the settings if nobody has yet.
 *
 * @{
 */

#ifndef CATS_SECURE_H_
#define CATS_SECURE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a group key. */
#define CATS_KEY_SIZE 16
/** Keys that a node keeps. */
#define CATS_KEYS 2

/** Why a frame from the air was dropped before the node saw it; each reason has its counter. */
enum cats_secure_reject {
	CATS_SECURE_SHORT = 0,  /**< fewer bytes than a sealed frame has, or more */
	CATS_SECURE_PLAIN = 1,  /**< not sealed, or of another version */
	CATS_SECURE_SOURCE = 2, /**< from no node of the deployment, or from this one */
	CATS_SECURE_KEY = 3,    /**< sealed with a key that this node has not */
	CATS_SECURE_REPLAY = 4, /**< not newer than what was heard from its source */
	CATS_SECURE_FORGED =
		5, /**< changed, made without the key, of another deployment or group */
	CATS_SECURE_REASONS = 6,
};

/** What a node keeps of its keys. */
struct cats_key_info {
	uint8_t ids[CATS_KEYS]; /**< numbers of the keys */
	uint8_t count;          /**< of them */
	uint8_t sending;        /**< number of the one that frames are sealed with, if count > 0 */
};

/**
 * @brief Keep a key, in the settings too. The first one is used for sending at once.
 *
 * A key that has this number is replaced; else the place is free, or the one that is not used for
 * sending goes. What is heard with it is to be newer than all that was heard before.
 *
 * @param id  its number, the same on all nodes
 * @param key CATS_KEY_SIZE random bytes, never used in another deployment
 * @retval 0 on success
 * @retval -EIO    the crypto library refuses
 * @retval -EOVERFLOW no number of a frame is left
 * @retval -errno  of the settings: the key is used, but lost at the next start
 */
int cats_key_set(uint8_t id, const uint8_t key[CATS_KEY_SIZE]);

/**
 * @brief Seal frames with this key from now on.
 *
 * @retval 0 on success
 * @retval -ENOENT there is no such key
 * @retval -errno  of the settings
 */
int cats_key_use(uint8_t id);

/**
 * @brief Forget a key: its frames are dropped from now on.
 *
 * @retval 0 on success
 * @retval -ENOENT there is no such key
 * @retval -EBUSY  it is used for sending, and there is another
 * @retval -errno  of the settings
 */
int cats_key_forget(uint8_t id);

/** @brief Which keys there are; the keys themselves are not told. */
void cats_key_info(struct cats_key_info *info);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_SECURE_H_ */
