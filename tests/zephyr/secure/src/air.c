/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Four sealed nodes in one process, and an intruder on their air. */

#include <string.h>

#include <zephyr/settings/settings.h>
#include <zephyr/sys/crc.h>
#include <zephyr/ztest.h>

#include <cats/cats.h>

#include "seal.h"

#include "golden.h"

#define TIMEOUT K_SECONDS(60)
#define TAG CONFIG_CATS_SECURE_TAG
#define STRIDE CONFIG_CATS_SECURE_STRIDE
#define GROUP CONFIG_CATS_GROUP
/* Frames that are kept for playing back. */
#define KEPT 512

/* keys.c */
void cats_secure_reset_testonly(void);

static const uint8_t key_one[CATS_KEY_SIZE] = "key number one.";
static const uint8_t key_two[CATS_KEY_SIZE] = "key number two.";

static int8_t inputs[GOLDEN_NODES][GOLDEN_TOKENS * GOLDEN_INPUTS];
static int16_t outputs[GOLDEN_NODES][GOLDEN_OUTPUTS];
static struct cats_result results[GOLDEN_NODES];
static struct k_sem told;

/*
 * The intruder: a port of the loopback transport. All its work is on cats_air_queue.
 */

enum attack {
	LISTEN,
	REPLAY,  /* each frame again, and one that was heard long ago */
	FLIP,    /* each frame with a bit turned */
	FORGE,   /* the next number of its source, with a tag made up */
	PLAIN,   /* what the node would take without a seal */
	FOREIGN, /* sealed with a key of one's own, under the same number */
	ALL,
};

static struct {
	struct cats_port port;
	enum attack attack;
	uint32_t heard;
	uint32_t sent;
	uint32_t not_sent;
	uint8_t frames[KEPT][CATS_FRAME_MAX]; /* the first ones */
	uint16_t sizes[KEPT];
	/* By source: the highest number, and whether one came twice or went down. */
	uint64_t highest[CATS_MAX_NODES];
	uint32_t repeated;
	uint8_t key_id;
} intruder;

static struct cats_secure_key own_key;

static void inject(const uint8_t *frame, uint16_t size)
{
	if (cats_loopback.send(&intruder.port, frame, size, cats_loopback.now()) == 0) {
		intruder.sent++;
	} else {
		intruder.not_sent++;
	}
}

static void attack(enum attack what, const uint8_t *frame, uint16_t size)
{
	const struct cats_image *image = cats_running(cats_local(0));
	uint8_t bad[CATS_FRAME_MAX];
	struct cats_frame header;

	memcpy(bad, frame, size);
	switch (what) {
	case REPLAY: {
		uint32_t old = intruder.heard / 2 % KEPT;

		inject(frame, size);
		inject(intruder.frames[old], intruder.sizes[old]);
		break;
	}
	case FLIP:
		bad[intruder.heard % size] ^= (uint8_t)BIT(intruder.heard / 7 % 8);
		inject(bad, size);
		break;
	case FORGE:
		bad[2]++;
		bad[3] += bad[2] == 0;
		bad[size - 1]++;
		inject(bad, size);
		/* A source that has nothing to say now, with the highest number of all. */
		bad[1] = (uint8_t)((bad[1] & 0xf0) | ((bad[1] + 1) % GOLDEN_NODES));
		memset(bad + CATS_FRAME_HEADER, 0xff, 3);
		inject(bad, size);
		break;
	case PLAIN:
		header = (struct cats_frame){
			.type = frame[0] & 15,
			.source = frame[1] & 15,
			.round = frame[1] >> 4,
			.inference = (uint16_t)(frame[4] | frame[5] << 8),
			.x = {frame[6], frame[7]},
			.index = frame[8],
			.slot = frame[9],
			.length = (uint16_t)(size - CATS_SECURE_HEADER - TAG),
		};
		inject(bad, cats_frame_seal(cats_frame_key(image, GROUP), &header, bad));
		break;
	case FOREIGN: {
		uint8_t sealed[CATS_FRAME_MAX];
		uint64_t number = intruder.highest[frame[1] & 15] + 1000;

		inject(sealed, cats_secure_seal(&own_key, number, image, GROUP, frame,
						size - 4 - TAG, sealed));
		break;
	}
	case ALL:
		for (enum attack each = REPLAY; each < ALL; each++) {
			attack(each, frame, size);
		}
		break;
	default:
		break;
	}
}

static void overhear(struct cats_port *port, const uint8_t *frame, uint16_t size, uint32_t start)
{
	struct cats_secure_name name;

	ARG_UNUSED(port);
	ARG_UNUSED(start);
	zassert_ok(cats_secure_peek(frame, size, TAG, &name));
	zassert_true(name.source < GOLDEN_NODES);
	if (name.counter <= intruder.highest[name.source]) {
		intruder.repeated++;
	}
	intruder.highest[name.source] = name.counter;
	intruder.key_id = name.key_id;
	memcpy(intruder.frames[intruder.heard % KEPT], frame, size);
	intruder.sizes[intruder.heard % KEPT] = size;
	intruder.heard++;
	if (cats_running(cats_local(0)) != NULL) {
		attack(intruder.attack, frame, size);
	}
}

static void sent(struct cats_port *port, bool ok, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(ok);
	ARG_UNUSED(start);
}

static void sensed(struct cats_port *port, bool busy)
{
	ARG_UNUSED(port);
	ARG_UNUSED(busy);
}

static uint32_t played;
static struct k_sem over;

static void play(struct k_work *work)
{
	uint32_t count = MIN(intruder.heard, KEPT);

	for (int i = 0; i < 16 && played < count; i++, played++) {
		uint32_t at = (intruder.heard - count + played) % KEPT;

		inject(intruder.frames[at], intruder.sizes[at]);
	}
	if (played < count) {
		(void)k_work_reschedule_for_queue(&cats_air_queue, k_work_delayable_from_work(work),
						  K_MSEC(10));
	} else {
		k_sem_give(&over);
	}
}

static K_WORK_DELAYABLE_DEFINE(playing, play);

/* All that was kept, once more; the air is otherwise quiet. */
static void play_back(void)
{
	played = 0;
	k_sem_init(&over, 0, 1);
	(void)k_work_reschedule_for_queue(&cats_air_queue, &playing, K_NO_WAIT);
	zassert_ok(k_sem_take(&over, TIMEOUT));
	k_msleep(100);
}

/*
 * The nodes
 */

static const int8_t *own_input(int node, int sample)
{
	const struct cats_image *image = cats_running(cats_local(node));
	int first = image->model->first_input;
	int own = image->model->own_inputs;

	for (int t = 0; t < GOLDEN_TOKENS; t++) {
		memcpy(inputs[node] + t * own, golden_inputs[sample][t] + first, own);
	}
	return own == 0 ? NULL : inputs[node];
}

static void on_result(const struct cats_result *result, void *user)
{
	int node = (int)(intptr_t)user;

	memcpy(outputs[node], result->output, sizeof(outputs[node]));
	results[node] = *result;
	k_sem_give(&told);
}

static void start_all(void)
{
	k_sem_init(&told, 0, GOLDEN_NODES);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_on_result(cats_local(n), on_result, (void *)(intptr_t)n);
		zassert_ok(cats_start(cats_local(n), NULL, 0));
	}
}

static void stop_all(void)
{
	for (int n = 0; n < GOLDEN_NODES; n++) {
		(void)cats_stop(cats_local(n));
	}
}

/* All samples; every byte right, nothing lost, and nothing wrong came as far as the node. */
static void infer_golden(void)
{
	struct cats_stats stats;

	for (int s = 0; s < GOLDEN_SAMPLES; s++) {
		for (int n = GOLDEN_NODES - 1; n >= 0; n--) {
			zassert_ok(cats_submit(cats_local(n), own_input(n, s), TIMEOUT));
		}
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_ok(k_sem_take(&told, TIMEOUT));
		}
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_equal(results[n].lost, 0, "node %d lost %u", n, results[n].lost);
			zassert_mem_equal(outputs[n], golden_outputs[s], sizeof(outputs[n]),
					  "node %d, sample %d", n, s);
		}
	}
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_stats(cats_local(n), &stats);
		zassert_equal(stats.glue.send_failed, 0);
		for (int r = 0; r < CATS_REJECT_REASONS; r++) {
			zassert_equal(stats.node.rejected[r], 0, "node %d: %u for reason %d", n,
				      stats.node.rejected[r], r);
		}
	}
}

/* Frames that a node refused for this reason. */
static uint32_t refused(int node, enum cats_secure_reject reason)
{
	struct cats_stats stats;

	cats_stats(cats_local(node), &stats);
	return stats.glue.refused[reason];
}

static void reset(void)
{
	stop_all();
	cats_secure_reset_testonly();
}

static void *setup(void)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	zassert_equal(psa_crypto_init(), PSA_SUCCESS);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
	psa_set_key_algorithm(&attributes, CATS_SECURE_ALG(TAG));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_bits(&attributes, 128);
	zassert_equal(psa_import_key(&attributes, "not the group's", 16, &own_key.handle),
		      PSA_SUCCESS);
	own_key.id = 1;
	own_key.tag = TAG;
	return NULL;
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	memset(&intruder, 0, sizeof(intruder));
	intruder.port.received = overhear;
	intruder.port.sent = sent;
	intruder.port.sensed = sensed;
	zassert_ok(cats_loopback.attach(&intruder.port));
	zassert_ok(cats_key_set(1, key_one));
	zassert_ok(cats_key_use(1));
	(void)cats_key_forget(2);
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	stop_all();
	cats_loopback.detach(&intruder.port);
	/* Its last frames are still on the air. */
	k_msleep(10);
}

ZTEST(air, test_golden)
{
	struct cats_stats stats;

	start_all();
	infer_golden();
	zassert_true(intruder.heard > 100);
	zassert_equal(intruder.repeated, 0);
	zassert_equal(intruder.key_id, 1);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_stats(cats_local(n), &stats);
		for (int r = 0; r < CATS_SECURE_REASONS; r++) {
			zassert_equal(stats.glue.refused[r], 0, "reason %d", r);
		}
	}
}

static void attacked(enum attack what)
{
	intruder.attack = what;
	start_all();
	infer_golden();
	zassert_true(intruder.heard > 100);
	zassert_true(intruder.sent >= intruder.heard, "%u sent, %u not", intruder.sent,
		     intruder.not_sent);
	zassert_equal(intruder.not_sent, 0);
}

ZTEST(air, test_replay)
{
	attacked(REPLAY);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_true(refused(n, CATS_SECURE_REPLAY) > intruder.heard / 2);
		zassert_equal(refused(n, CATS_SECURE_FORGED), 0);
	}
}

ZTEST(air, test_flipped_bits)
{
	attacked(FLIP);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_true(refused(n, CATS_SECURE_FORGED) + refused(n, CATS_SECURE_REPLAY) >
			     intruder.heard / 2);
	}
}

ZTEST(air, test_forged)
{
	attacked(FORGE);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_true(refused(n, CATS_SECURE_FORGED) > intruder.heard / 2);
		/* Those that claim to be of this very node. */
		zassert_true(refused(n, CATS_SECURE_SOURCE) > 0);
	}
}

ZTEST(air, test_plain)
{
	attacked(PLAIN);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_equal(refused(n, CATS_SECURE_PLAIN) + refused(n, CATS_SECURE_SHORT),
			      intruder.sent);
	}
}

ZTEST(air, test_foreign)
{
	attacked(FOREIGN);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_true(refused(n, CATS_SECURE_FORGED) > 0);
	}
	stop_all();
	own_key.id = 9;
	attacked(FOREIGN);
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_true(refused(n, CATS_SECURE_KEY) > 0);
	}
	own_key.id = 1;
}

ZTEST(air, test_all_at_once)
{
	attacked(ALL);
	zassert_true(intruder.sent > 5 * intruder.heard);
}

/* Nobody answers an old inference, and the next one is right. */
ZTEST(air, test_old_inference)
{
	struct cats_stats stats;

	start_all();
	infer_golden();
	play_back();
	for (int n = 0; n < GOLDEN_NODES; n++) {
		cats_stats(cats_local(n), &stats);
		zassert_equal(stats.node.inferences, GOLDEN_SAMPLES);
		zassert_true(stats.glue.refused[CATS_SECURE_REPLAY] > intruder.heard / 2);
	}
	infer_golden();
}

/* Whenever the board resets, numbers go up only, and what was heard before is refused. */
ZTEST(air, test_numbers_over_resets)
{
	uint64_t highest = 0;

	for (int i = 0; i < 5; i++) {
		start_all();
		if (i > 0) {
			/* The intruder has all of the last run. */
			play_back();
			for (int n = 0; n < GOLDEN_NODES; n++) {
				zassert_true(refused(n, CATS_SECURE_REPLAY) >
					     MIN(intruder.heard, KEPT) / 2);
				zassert_equal(refused(n, CATS_SECURE_FORGED), 0);
			}
		}
		infer_golden();
		zassert_equal(intruder.repeated, 0);
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_true(intruder.highest[n] > highest);
		}
		for (int n = 0; n < GOLDEN_NODES; n++) {
			highest = MAX(highest, intruder.highest[n]);
		}
		reset();
	}
}

/* The settings say more than was used, whenever power fails. */
ZTEST(air, test_numbers_are_set_aside_first)
{
	uint8_t saved[10];

	intruder.attack = LISTEN;
	start_all();
	for (int i = 0; i < 3; i++) {
		uint64_t limit;

		infer_golden();
		zassert_equal(settings_load_one("cats/secure/numbers", saved, sizeof(saved)),
			      sizeof(saved));
		limit = saved[0] | (uint32_t)saved[1] << 8 | (uint32_t)saved[2] << 16 |
			(uint64_t)saved[3] << 24 | (uint64_t)saved[4] << 32;
		for (int n = 0; n < GOLDEN_NODES; n++) {
			zassert_true(intruder.highest[n] <= limit);
		}
	}
	zassert_true(intruder.heard > 3 * STRIDE);
}

ZTEST(air, test_lost_counter)
{
	struct cats_key_info info;

	start_all();
	reset();
	zassert_ok(settings_delete("cats/secure/numbers"));
	zassert_equal(cats_start(cats_local(0), NULL, 0), -EACCES);
	cats_key_info(&info);
	zassert_equal(info.count, 0);
	zassert_ok(cats_key_set(1, key_two));
	start_all();
	infer_golden();
	/* The next test's key is another one again. */
	stop_all();
	zassert_ok(cats_key_set(1, key_one));
}

ZTEST(air, test_new_key)
{
	struct cats_key_info info;

	start_all();
	infer_golden();
	zassert_equal(cats_key_use(2), -ENOENT);
	zassert_equal(cats_key_forget(2), -ENOENT);
	zassert_ok(cats_key_set(2, key_two));
	cats_key_info(&info);
	zassert_equal(info.count, 2);
	zassert_equal(info.sending, 1);
	infer_golden();
	zassert_equal(intruder.key_id, 1);

	zassert_ok(cats_key_use(2));
	infer_golden();
	zassert_equal(intruder.key_id, 2);
	zassert_equal(intruder.repeated, 0);
	zassert_equal(cats_key_forget(2), -EBUSY);

	/* What was sealed with the old key is still known as old, and then is not known at all. */
	intruder.heard = KEPT;
	play_back();
	zassert_true(refused(0, CATS_SECURE_REPLAY) > 100);
	zassert_equal(refused(0, CATS_SECURE_KEY), 0);
	zassert_ok(cats_key_forget(1));
	play_back();
	zassert_true(refused(0, CATS_SECURE_KEY) > 100);

	/* It is the one after a reset. */
	reset();
	cats_key_info(&info);
	zassert_equal(info.count, 1);
	zassert_equal(info.ids[0], 2);
	start_all();
	infer_golden();
	zassert_equal(intruder.key_id, 2);

	/* Another key under the same number: frames of the one before are forged. */
	zassert_ok(cats_key_set(2, key_one));
	infer_golden();
	zassert_equal(refused(0, CATS_SECURE_FORGED), 0);
	stop_all();
	zassert_ok(cats_key_forget(2));
	zassert_equal(cats_start(cats_local(0), NULL, 0), -EACCES);
	reset();
	zassert_equal(cats_start(cats_local(0), NULL, 0), -EACCES);
}

/* As a spare board has it: the same key, and no settings. It begins where the others have not been.
 */
ZTEST(air, test_spare_board)
{
	uint64_t before[GOLDEN_NODES];
	char name[32];

	start_all();
	infer_golden();
	memcpy(before, intruder.highest, sizeof(before));
	reset();
	zassert_ok(settings_delete("cats/secure/numbers"));
	for (int n = 0; n < GOLDEN_NODES; n++) {
		snprintk(name, sizeof(name), "cats/secure/heard/%d", n);
		(void)settings_delete(name);
	}
	for (int k = 0; k < CATS_KEYS; k++) {
		snprintk(name, sizeof(name), "cats/secure/key/%d", k);
		(void)settings_delete(name);
	}
	memset(intruder.highest, 0, sizeof(intruder.highest));
	zassert_ok(cats_key_set(1, key_one));
	start_all();
	infer_golden();
	for (int n = 0; n < GOLDEN_NODES; n++) {
		uint64_t now = intruder.highest[n];
		uint64_t apart = now > before[n] ? now - before[n] : before[n] - now;

		/* One in some millions is nearer. */
		zassert_true(apart > 100000, "%llu and %llu", now, before[n]);
		zassert_true(now < CATS_SECURE_COUNTER_END / 2 + 100000);
	}
}

/* What a board seals is newer than all that it heard, so the others take it whoever spoke before.
 */
ZTEST(air, test_numbers_follow)
{
	const struct cats_image *image;
	uint8_t frame[CATS_FRAME_MAX];
	uint8_t sealed[CATS_FRAME_MAX];
	const uint64_t far = CATS_SECURE_COUNTER_END * 3 / 4;
	const struct cats_frame header = {.type = CATS_FRAME_ASK, .source = 3};
	struct cats_secure_key group_key = {.id = 1, .tag = TAG};
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	uint16_t size;

	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT);
	psa_set_key_algorithm(&attributes, CATS_SECURE_ALG(TAG));
	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_bits(&attributes, 128);
	zassert_equal(psa_import_key(&attributes, key_one, 16, &group_key.handle), PSA_SUCCESS);
	start_all();
	image = cats_running(cats_local(0));
	size = cats_frame_seal(cats_frame_key(image, GROUP), &header, frame);
	size = cats_secure_seal(&group_key, far, image, GROUP, frame, size, sealed);
	memcpy(intruder.frames[0], sealed, size);
	intruder.sizes[0] = size;
	intruder.heard = 1;
	play_back();
	stop_all();
	start_all();
	/* Node 3 has used that number, but is not refused: all of this board's are higher now. */
	for (int n = 0; n < GOLDEN_NODES; n++) {
		intruder.highest[n] = far;
	}
	infer_golden();
	zassert_equal(intruder.repeated, 0);
	(void)psa_destroy_key(group_key.handle);
}

/* A key that was forgotten and is set again takes nothing that was heard with it before. */
ZTEST(air, test_key_again)
{
	for (int over_reset = 0; over_reset < 2; over_reset++) {
		uint32_t old;

		start_all();
		infer_golden();
		zassert_ok(cats_key_set(2, key_two));
		zassert_ok(cats_key_use(2));
		zassert_ok(cats_key_forget(1));
		if (over_reset) {
			reset();
		}
		zassert_ok(cats_key_set(1, key_one));
		if (over_reset) {
			start_all();
		}
		old = refused(0, CATS_SECURE_REPLAY);
		play_back();
		zassert_true(refused(0, CATS_SECURE_REPLAY) - old > intruder.heard / 2);
		infer_golden();
		stop_all();
		zassert_ok(cats_key_use(1));
		zassert_ok(cats_key_forget(2));
		intruder.heard = 0;
	}
}

/* An image that was planned for frames without a seal: each would run into the next one. */
ZTEST(air, test_slots_too_short)
{
	static uint8_t __aligned(CATS_IMAGE_ALIGN) copy[16384];
	const struct cats_instance *node = cats_local(0);
	struct cats_image_header *header = (void *)copy;
	struct cats_image_model *model;

	zassert_true(node->image_size <= sizeof(copy));
	memcpy(copy, node->image, node->image_size);
	model = (void *)(copy + header->model);
	zassert_true((model->flags & CATS_FLAG_SEALED) != 0);
	model->flags &= (uint16_t)~CATS_FLAG_SEALED;
	header->crc32 =
		crc32_ieee(copy + offsetof(struct cats_image_header, model_id),
			   header->image_size - offsetof(struct cats_image_header, model_id));
	zassert_equal(cats_start(node, copy, node->image_size), -EMSGSIZE);
	zassert_is_null(cats_running(node));
}

/* Losses on purpose are those of frames without a seal. */
ZTEST(air, test_losses_by_seed)
{
	for (int l = 0; l < 2; l++) {
		for (int n = 0; n < GOLDEN_NODES; n++) {
			cats_loss_seed(cats_local(n), golden_losses[l][0]);
			for (uint32_t s = golden_losses[l][1]; s < GOLDEN_NODES; s++) {
				zassert_ok(cats_loss(cats_local(n), s, golden_losses[l][2]));
			}
		}
		start_all();
		for (int s = 0; s < GOLDEN_SAMPLES; s++) {
			for (int n = GOLDEN_NODES - 1; n >= 0; n--) {
				zassert_ok(cats_submit(cats_local(n), own_input(n, s), TIMEOUT));
			}
			for (int n = 0; n < GOLDEN_NODES; n++) {
				zassert_ok(k_sem_take(&told, TIMEOUT));
			}
			for (int n = 0; n < GOLDEN_NODES; n++) {
				zassert_mem_equal(outputs[n], golden_lossy[l][s][n],
						  sizeof(outputs[n]), "loss %d, node %d", l, n);
			}
		}
		stop_all();
	}
	for (int n = 0; n < GOLDEN_NODES; n++) {
		zassert_ok(cats_loss(cats_local(n), CATS_NODE_ANY, 0));
	}
}

ZTEST_SUITE(air, NULL, setup, before, after, NULL);
