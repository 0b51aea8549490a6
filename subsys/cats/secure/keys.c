/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Keys, numbers of frames, and what was heard: in the settings below "cats/secure". */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/cats.h>
#include <cats/secure.h>

#include "seal.h"
#include "secure.h"

LOG_MODULE_DECLARE(cats, CONFIG_CATS_LOG_LEVEL);

#define STRIDE CONFIG_CATS_SECURE_STRIDE
#define TAG CONFIG_CATS_SECURE_TAG

BUILD_ASSERT(TAG == 4 || TAG == 8);
BUILD_ASSERT(sizeof(CONFIG_CATS_SECURE_TEST_KEY) == 1 ||
		     sizeof(CONFIG_CATS_SECURE_TEST_KEY) == 2 * CATS_KEY_SIZE + 1,
	     "CATS_SECURE_TEST_KEY has 32 hexadecimal digits");

#define TREE "cats/secure"
#define NAME_SIZE sizeof(TREE "/heard/4294967295")

/* The bytes of a number of a frame. */
#define COUNTER_SIZE 5

/* cats/secure/key/PLACE. Keys differ in `since`: the limit of numbers when one was set. */
struct stored_key {
	uint8_t id;
	uint8_t since[COUNTER_SIZE];
#ifndef CONFIG_CATS_SECURE_STORE_PSA
	uint8_t key[CATS_KEY_SIZE];
#endif
};

/* cats/secure/numbers */
struct stored_numbers {
	uint8_t limit[COUNTER_SIZE];
	uint8_t newest[COUNTER_SIZE];
};

/* cats/secure/heard/NODE */
struct stored_heard {
	uint8_t since[CATS_KEYS][COUNTER_SIZE]; /* of the keys; 0: none */
	uint8_t counters[CATS_KEYS][CATS_MAX_NODES][COUNTER_SIZE];
};

/* One at a time writes settings; taken before `lock` and never on cats_air_queue. */
static K_MUTEX_DEFINE(saving);
/* Everything below. */
static K_MUTEX_DEFINE(lock);

static struct {
	uint64_t since; /* 0: there is none */
	struct cats_secure_key key;
} keys[CATS_KEYS];
static uint8_t sending; /* the place of the key */
static bool loaded;

/* The last number of a frame that was sealed, or a newer one that was heard; the last one that may
 * be used; the newest one that was heard. The settings hold the latter two.
 */
static uint64_t last;
static uint64_t limit;
static uint64_t newest;

static void save_counter(struct k_work *work);
static K_WORK_DEFINE(counter_work, save_counter);

/* The frame that was sealed or opened last: both on cats_air_queue, one after the other. */
static uint8_t buffer[CATS_FRAME_MAX];

/* What is being loaded or saved. With `saving`. */
static struct stored_heard heard;
static struct stored_key stored;

static int place_of(uint8_t id)
{
	for (int k = 0; k < CATS_KEYS; k++) {
		if (keys[k].since != 0 && keys[k].key.id == id) {
			return k;
		}
	}
	return -ENOENT;
}

static void drop(int place)
{
	if (keys[place].since != 0) {
		(void)psa_destroy_key(keys[place].key.handle);
		keys[place].since = 0;
	}
}

static void place_key(int place, uint8_t id, uint64_t since, psa_key_id_t handle)
{
	keys[place].since = since;
	keys[place].key = (struct cats_secure_key){.handle = handle, .id = id, .tag = TAG};
}

static int import_bytes(const uint8_t bytes[CATS_KEY_SIZE], psa_key_id_t persistent,
			psa_key_id_t *handle)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	if (persistent != PSA_KEY_ID_NULL) {
		psa_set_key_id(&attributes, persistent);
	}
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
	psa_set_key_algorithm(&attributes, CATS_SECURE_ALG(TAG));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_bits(&attributes, 8 * CATS_KEY_SIZE);
	return psa_import_key(&attributes, bytes, CATS_KEY_SIZE, handle) == PSA_SUCCESS ? 0 : -EIO;
}

/* For this run of the program. */
static int import(int place, uint8_t id, uint64_t since, const uint8_t bytes[CATS_KEY_SIZE])
{
	psa_key_id_t handle;

	if (import_bytes(bytes, PSA_KEY_ID_NULL, &handle) != 0) {
		return -EIO;
	}
	drop(place);
	place_key(place, id, since, handle);
	return 0;
}

/*
 * Where the bytes of keys are kept: the crypto library's storage, or the settings.
 */

#ifdef CONFIG_CATS_SECURE_STORE_PSA

static psa_key_id_t persistent_id(int place)
{
	return CONFIG_CATS_SECURE_PSA_KEY_ID + place;
}

/* A key that the settings name and the crypto library has. */
static void load_key(int place)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	if (psa_get_key_attributes(persistent_id(place), &attributes) == PSA_SUCCESS) {
		place_key(place, stored.id, sys_get_le40(stored.since), persistent_id(place));
	} else {
		LOG_ERR("secure: key %u is not in the crypto library; set it again", stored.id);
	}
}

/* Nobody reads keys back: equal ones encrypt equally. No frame has this nonce, whose source is no
 * node's.
 */
static int fingerprint(psa_key_id_t handle, uint8_t print[CATS_KEY_SIZE + TAG])
{
	static const uint8_t zeros[CATS_KEY_SIZE];
	uint8_t nonce[CATS_SECURE_NONCE];
	size_t size;

	memset(nonce, 0xff, sizeof(nonce));
	return psa_aead_encrypt(handle, CATS_SECURE_ALG(TAG), nonce, sizeof(nonce), NULL, 0, zeros,
				sizeof(zeros), print, CATS_KEY_SIZE + TAG, &size) == PSA_SUCCESS
		       ? 0
		       : -EIO;
}

static bool same_bytes(int place, const uint8_t bytes[CATS_KEY_SIZE])
{
	uint8_t had[CATS_KEY_SIZE + TAG];
	uint8_t given[CATS_KEY_SIZE + TAG];
	psa_key_id_t handle;
	bool same;

	if (import_bytes(bytes, PSA_KEY_ID_NULL, &handle) != 0) {
		return false;
	}
	same = fingerprint(handle, given) == 0 && fingerprint(keys[place].key.handle, had) == 0 &&
	       memcmp(given, had, sizeof(had)) == 0;
	(void)psa_destroy_key(handle);
	return same;
}

/* The settings name no key while the crypto library changes it. Without `lock`. */
static int prepare(const char *name)
{
	return settings_delete(name);
}

/* In place of the one that is there. */
static int keep(int place, uint8_t id, uint64_t since, const uint8_t bytes[CATS_KEY_SIZE])
{
	psa_key_id_t handle;

	drop(place);
	/* Also one that a reset left without its name. */
	(void)psa_destroy_key(persistent_id(place));
	if (import_bytes(bytes, persistent_id(place), &handle) != 0) {
		return -EIO;
	}
	place_key(place, id, since, handle);
	return 0;
}

static void write_stored(const uint8_t bytes[CATS_KEY_SIZE])
{
	ARG_UNUSED(bytes);
}

#else

static void load_key(int place)
{
	(void)import(place, stored.id, sys_get_le40(stored.since), stored.key);
}

static bool same_bytes(int place, const uint8_t bytes[CATS_KEY_SIZE])
{
	ARG_UNUSED(place);
	return memcmp(stored.key, bytes, sizeof(stored.key)) == 0;
}

static int prepare(const char *name)
{
	ARG_UNUSED(name);
	return 0;
}

static int keep(int place, uint8_t id, uint64_t since, const uint8_t bytes[CATS_KEY_SIZE])
{
	return import(place, id, since, bytes);
}

static void write_stored(const uint8_t bytes[CATS_KEY_SIZE])
{
	memcpy(stored.key, bytes, sizeof(stored.key));
}

#endif /* CONFIG_CATS_SECURE_STORE_PSA */

/* settings_load_subtree_direct() tells each value below TREE; the rest of its name is `name`. */
static int load_one(const char *name, size_t length, settings_read_cb read, void *argument,
		    void *parameter)
{
	struct stored_numbers numbers;
	uint8_t place;

	ARG_UNUSED(parameter);
	if (name == NULL) {
		return 0;
	}
	if (strncmp(name, "key/", 4) == 0 && name[4] >= '0' && name[4] < '0' + CATS_KEYS) {
		if (length == sizeof(stored) &&
		    read(argument, &stored, sizeof(stored)) == sizeof(stored)) {
			load_key(name[4] - '0');
		}
		memset(&stored, 0, sizeof(stored));
	} else if (strcmp(name, "use") == 0) {
		if (length == 1 && read(argument, &place, 1) == 1 && place < CATS_KEYS) {
			sending = place;
		}
	} else if (strcmp(name, "numbers") == 0) {
		if (length == sizeof(numbers) &&
		    read(argument, &numbers, sizeof(numbers)) == sizeof(numbers)) {
			limit = sys_get_le40(numbers.limit);
			last = limit;
			newest = sys_get_le40(numbers.newest);
		}
	}
	return 0;
}

/* One value by its whole name, if it has that size; zeros where there is none. */
struct one {
	void *to;
	size_t size;
};

static int load_value(const char *name, size_t length, settings_read_cb read, void *argument,
		      void *parameter)
{
	const struct one *one = parameter;

	if (name == NULL &&
	    (length != one->size || read(argument, one->to, one->size) != (ssize_t)one->size)) {
		memset(one->to, 0, one->size);
	}
	return 0;
}

static int read_one(const char *name, void *to, size_t size)
{
	struct one one = {.to = to, .size = size};

	memset(to, 0, size);
	return settings_load_subtree_direct(name, load_value, &one);
}

/* A board that has no number begins where hardly any has been: one of the same source may have used
 * its key. Half of the numbers remain.
 */
static int begin_anew(void)
{
	uint8_t start[COUNTER_SIZE];

	if (psa_generate_random(start, sizeof(start)) != PSA_SUCCESS) {
		LOG_ERR("secure: no random numbers");
		return -EIO;
	}
	limit = sys_get_le40(start) / 2 + 1;
	last = limit;
	return 0;
}

/* The keys and the numbers, once. With `saving`; without `lock`. */
static int load(void)
{
	uint8_t key[CATS_KEY_SIZE];
	int ret;

	if (loaded) {
		return 0;
	}
	if (psa_crypto_init() != PSA_SUCCESS) {
		LOG_ERR("secure: the crypto library does not start");
		return -EIO;
	}
	ret = settings_subsys_init();
	if (ret == 0) {
		/* Nobody else looks at what this changes before `loaded`. */
		ret = settings_load_subtree_direct(TREE, load_one, NULL);
	}
	if (ret != 0) {
		LOG_ERR("secure: no settings (%d)", ret);
		return ret;
	}
	for (int k = 0; k < CATS_KEYS; k++) {
		if (limit < keys[k].since) {
			/* Numbers might come twice. */
			LOG_ERR("secure: the counter is lost; set a new key");
			drop(k);
		}
	}
	if (limit == 0) {
		ret = begin_anew();
		if (ret != 0) {
			return ret;
		}
	}
	if (keys[0].since == 0 && keys[1].since == 0 &&
	    hex2bin(CONFIG_CATS_SECURE_TEST_KEY, strlen(CONFIG_CATS_SECURE_TEST_KEY), key,
		    sizeof(key)) == sizeof(key)) {
		LOG_WRN("secure: the test key is in use");
		(void)import(0, 0, 1, key);
	}
	if (keys[sending].since == 0 && keys[!sending].since != 0) {
		sending = !sending;
	}
	loaded = true;
	return 0;
}

static int save_numbers(uint64_t to)
{
	struct stored_numbers numbers;
	int ret;

	(void)k_mutex_lock(&lock, K_FOREVER);
	sys_put_le40(to, numbers.limit);
	sys_put_le40(newest, numbers.newest);
	(void)k_mutex_unlock(&lock);
	ret = settings_save_one(TREE "/numbers", &numbers, sizeof(numbers));
	if (ret != 0) {
		LOG_ERR("secure: the counter cannot be saved (%d)", ret);
	}
	return ret;
}

/* Set the next numbers aside, in the settings first. */
static int reserve(void)
{
	uint64_t to;
	int ret;

	(void)k_mutex_lock(&lock, K_FOREVER);
	to = MAX(limit, last) + STRIDE;
	(void)k_mutex_unlock(&lock);
	if (to >= CATS_SECURE_COUNTER_END) {
		LOG_ERR("secure: no number is left");
		return -EOVERFLOW;
	}
	ret = save_numbers(to);
	if (ret == 0) {
		(void)k_mutex_lock(&lock, K_FOREVER);
		limit = to;
		(void)k_mutex_unlock(&lock);
	}
	return ret;
}

static bool running_low(void)
{
	bool low;

	(void)k_mutex_lock(&lock, K_FOREVER);
	low = limit < last + STRIDE / 2;
	(void)k_mutex_unlock(&lock);
	return low;
}

/* In time, by the system work queue. */
static void set_aside(void)
{
	if (running_low()) {
		(void)k_work_submit(&counter_work);
	}
}

static void save_counter(struct k_work *work)
{
	ARG_UNUSED(work);
	(void)k_mutex_lock(&saving, K_FOREVER);
	if (running_low()) {
		(void)reserve();
	}
	(void)k_mutex_unlock(&saving);
}

/* Write what an instance has heard. */
static void save_heard(struct cats_secure_state *state)
{
	char name[NAME_SIZE];
	int ret;

	(void)k_mutex_lock(&saving, K_FOREVER);
	(void)k_mutex_lock(&lock, K_FOREVER);
	for (int k = 0; k < CATS_KEYS; k++) {
		sys_put_le40(keys[k].since, heard.since[k]);
		for (int s = 0; s < CATS_MAX_NODES; s++) {
			sys_put_le40(state->heard[k][s], heard.counters[k][s]);
		}
	}
	state->unsaved = 0;
	(void)k_mutex_unlock(&lock);
	snprintf(name, sizeof(name), TREE "/heard/%u", state->node);
	ret = settings_save_one(name, &heard, sizeof(heard));
	if (ret != 0) {
		LOG_ERR("secure: what was heard cannot be saved (%d)", ret);
	}
	(void)k_mutex_unlock(&saving);
}

static void heard_work(struct k_work *work)
{
	save_heard(CONTAINER_OF(work, struct cats_secure_state, save));
}

int cats_secure_start(struct cats_secure_state *state, uint8_t node, uint32_t group)
{
	char name[NAME_SIZE];
	int ret;

	(void)k_mutex_lock(&saving, K_FOREVER);
	ret = load();
	if (ret == 0 && keys[sending].since == 0) {
		LOG_ERR("secure: no key");
		ret = -EACCES;
	}
	if (ret == 0 && running_low()) {
		ret = reserve();
	}
	if (ret != 0) {
		goto out;
	}
	memset(state, 0, sizeof(*state));
	k_work_init(&state->save, heard_work);
	state->node = node;
	state->group = group;
	snprintf(name, sizeof(name), TREE "/heard/%u", node);
	ret = read_one(name, &heard, sizeof(heard));
	(void)k_mutex_lock(&lock, K_FOREVER);
	for (int k = 0; k < CATS_KEYS && ret == 0; k++) {
		bool same = sys_get_le40(heard.since[k]) == keys[k].since;

		for (int s = 0; s < CATS_MAX_NODES; s++) {
			state->heard[k][s] = same ? sys_get_le40(heard.counters[k][s]) : newest;
		}
	}
	(void)k_mutex_unlock(&lock);
out:
	(void)k_mutex_unlock(&saving);
	return ret;
}

void cats_secure_stop(struct cats_secure_state *state)
{
	struct k_work_sync sync;

	(void)k_work_cancel_sync(&state->save, &sync);
	save_heard(state);
}

uint16_t cats_secure_send(struct cats_secure_state *state, const struct cats_image *image,
			  const uint8_t *frame, uint16_t size, const uint8_t **sealed)
{
	uint16_t length = 0;

	(void)k_mutex_lock(&lock, K_FOREVER);
	if (last < limit && keys[sending].since != 0) {
		/* From 1 on: nothing heard is 0. */
		last++;
		length = cats_secure_seal(&keys[sending].key, last, image, state->group, frame,
					  size, buffer);
	}
	set_aside();
	(void)k_mutex_unlock(&lock);
	*sealed = buffer;
	return length;
}

/* Which frame this is, and whether it may be. Locked; the place of its key, or -1 - reason. */
static int admit(const struct cats_secure_state *state, const struct cats_image *image,
		 const uint8_t *sealed, uint16_t size, struct cats_secure_name *name)
{
	int ret = cats_secure_peek(sealed, size, TAG, name);

	if (ret != 0) {
		return ret;
	}
	if (name->source >= image->header->nodes || name->source == image->header->node) {
		return -1 - CATS_SECURE_SOURCE;
	}
	ret = place_of(name->key_id);
	if (ret < 0) {
		return -1 - CATS_SECURE_KEY;
	}
	return name->counter > state->heard[ret][name->source] ? ret : -1 - CATS_SECURE_REPLAY;
}

/* What is sealed next has a higher number than all that was heard. A board that is far behind has
 * just begun, at random: it leaves a gap, since nobody may have heard the last frames of the one
 * that was here before. Locked.
 */
static void follow(uint64_t number)
{
	newest = MAX(newest, number);
	if (number > last) {
		last = number + (number - last > UINT32_MAX ? (uint32_t)last : 0);
		set_aside();
	}
}

int cats_secure_receive(struct cats_secure_state *state, const struct cats_image *image,
			const uint8_t *sealed, uint16_t size, const uint8_t **frame)
{
	struct cats_secure_name name;
	int place;
	int ret;

	(void)k_mutex_lock(&lock, K_FOREVER);
	place = admit(state, image, sealed, size, &name);
	ret = place < 0 ? place
			: cats_secure_open(&keys[place].key, image, state->group, sealed, size,
					   buffer);
	if (ret > 0) {
		state->heard[place][name.source] = name.counter;
		follow(name.counter);
		if (++state->unsaved == STRIDE) {
			(void)k_work_submit(&state->save);
		}
	} else if (ret == 0) {
		ret = -1 - CATS_SECURE_FORGED;
	}
	(void)k_mutex_unlock(&lock);
	*frame = buffer;
	return ret;
}

/*
 * Keys
 */

/* A key is set at a place. It may be one that was forgotten, so only what is newer than all that
 * was heard is taken. Locked.
 */
static void forget_heard(int place)
{
	STRUCT_SECTION_FOREACH(cats_instance, instance) {
		for (int s = 0; s < CATS_MAX_NODES; s++) {
			instance->data->secure.heard[place][s] = newest;
		}
	}
}

static int save_use(void)
{
	return settings_save_one(TREE "/use", &sending, sizeof(sending));
}

int cats_key_set(uint8_t id, const uint8_t key[CATS_KEY_SIZE])
{
	char name[NAME_SIZE];
	uint64_t since;
	int place;
	int ret;

	(void)k_mutex_lock(&saving, K_FOREVER);
	ret = load();
	if (ret != 0) {
		goto out;
	}
	place = place_of(id);
	if (place < 0) {
		place = keys[sending].since != 0 ? !sending : sending;
	}
	snprintf(name, sizeof(name), TREE "/key/%d", place);
	ret = read_one(name, &stored, sizeof(stored));
	if (ret == 0 && keys[place].since != 0 && sys_get_le40(stored.since) == keys[place].since &&
	    stored.id == id && same_bytes(place, key)) {
		/* The same again: what was heard with it still counts. */
		goto out;
	}
	/* The counter first: a key without one is not used. */
	ret = reserve();
	if (ret == 0) {
		ret = prepare(name);
	}
	if (ret != 0) {
		goto out;
	}
	(void)k_mutex_lock(&lock, K_FOREVER);
	since = limit;
	ret = keep(place, id, since, key);
	if (ret == 0) {
		forget_heard(place);
	}
	(void)k_mutex_unlock(&lock);
	if (ret == 0) {
		stored.id = id;
		sys_put_le40(since, stored.since);
		write_stored(key);
		ret = settings_save_one(name, &stored, sizeof(stored));
	}
	if (ret == 0) {
		ret = save_use();
	}
out:
	memset(&stored, 0, sizeof(stored));
	(void)k_mutex_unlock(&saving);
	return ret;
}

int cats_key_use(uint8_t id)
{
	int place;
	int ret;

	(void)k_mutex_lock(&saving, K_FOREVER);
	ret = load();
	if (ret == 0) {
		(void)k_mutex_lock(&lock, K_FOREVER);
		place = place_of(id);
		if (place >= 0) {
			sending = (uint8_t)place;
		}
		(void)k_mutex_unlock(&lock);
		ret = place < 0 ? place : save_use();
	}
	(void)k_mutex_unlock(&saving);
	return ret;
}

int cats_key_forget(uint8_t id)
{
	char name[NAME_SIZE];
	int place;
	int ret;

	(void)k_mutex_lock(&saving, K_FOREVER);
	ret = load();
	if (ret != 0) {
		goto out;
	}
	(void)k_mutex_lock(&lock, K_FOREVER);
	place = place_of(id);
	if (place < 0) {
		ret = place;
	} else if (place == sending && keys[!place].since != 0) {
		ret = -EBUSY;
	} else {
		drop(place);
	}
	(void)k_mutex_unlock(&lock);
	if (ret == 0) {
		/* What was heard with it is old for ever, should it be set again. */
		ret = save_numbers(limit);
	}
	if (ret == 0) {
		snprintf(name, sizeof(name), TREE "/key/%d", place);
		ret = settings_delete(name);
	}
out:
	(void)k_mutex_unlock(&saving);
	return ret;
}

void cats_key_info(struct cats_key_info *info)
{
	(void)k_mutex_lock(&saving, K_FOREVER);
	(void)load();
	memset(info, 0, sizeof(*info));
	for (int k = 0; k < CATS_KEYS; k++) {
		if (keys[k].since != 0) {
			info->ids[info->count++] = keys[k].key.id;
		}
	}
	info->sending = keys[sending].key.id;
	(void)k_mutex_unlock(&saving);
}

#ifdef CONFIG_ZTEST
/* As after a reset: what is not in the settings is gone. All instances are stopped. */
void cats_secure_reset_testonly(void)
{
	(void)k_mutex_lock(&saving, K_FOREVER);
	for (int k = 0; k < CATS_KEYS; k++) {
		if (IS_ENABLED(CONFIG_CATS_SECURE_STORE_PSA)) {
			keys[k].since = 0;
		} else {
			drop(k);
		}
	}
	sending = 0;
	last = 0;
	limit = 0;
	newest = 0;
	loaded = false;
	(void)k_mutex_unlock(&saving);
}
#endif
