/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats CATS for Zephyr
 *
 * @defgroup cats_api Instances
 * @ingroup cats
 * @brief CATS on Zephyr: a node as an instance with a thread.
 *
 * @code
 *	#include <cats/cats.h>
 *
 *	int16_t output[10];
 *	struct cats_result result;
 *	const struct cats_instance *node = cats_local(0);
 *
 *	cats_start(node, NULL, 0);
 *	cats_infer(node, input, output, ARRAY_SIZE(output), &result, K_SECONDS(5));
 *	printk("class %d\n", cats_result_class(&result, 0));
 * @endcode
 *
 * An instance has an arena, a thread that computes, and a port of a transport. All its radio work
 * runs on one work queue that the instances share (cats_air_queue), so computing never keeps a
 * frame waiting. Several instances in one process are normal.
 *
 * Unless said otherwise, functions may be called from any thread, several at once, but neither from
 * interrupts nor from result callbacks; a bug of the caller's (a NULL instance) is an assertion,
 * what air, flash or other threads do is a negative errno.
 *
 * @{
 */

#ifndef CATS_CATS_H_
#define CATS_CATS_H_

#include <stddef.h>
#include <stdint.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/iterable_sections.h>
#include <zephyr/sys/slist.h>

#include <cats/image.h>
#include <cats/node.h>
#include <cats/secure.h>
#include <cats/text.h>
#include <cats/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Any node, in struct cats_instance and in cats_loss(). */
#define CATS_NODE_ANY (-1)

/**
 * @brief Told when an inference has ended at this node, whoever submitted it.
 *
 * Runs on the instance's thread. Until it returns the node takes no part in the next inference, so
 * it should copy what it needs, or give a semaphore. Of this header it may call the cats_result_
 * functions only.
 *
 * @param result valid during the call, its output too
 */
typedef void (*cats_result_cb)(const struct cats_result *result, void *user);

#if defined(CONFIG_CATS_LLAMA) || defined(__DOXYGEN__)
/**
 * @brief Told of each token of a text when its step has ended at this node: those of prompts, and
 *        those that the nodes write, on all nodes, whoever began the text.
 *
 * Runs on the instance's thread, in front of the callback of cats_on_result(). Until it returns the
 * node takes no part in the next step. It may call nothing of this header. Tokens of steps in which
 * the node took no part are not told: positions leave them out.
 *
 * @param token valid during the call
 */
typedef void (*cats_token_cb)(const struct cats_token *token, void *user);
#endif

/** What an instance counts beyond its node, since cats_start(). */
struct cats_glue_stats {
	uint32_t send_failed; /**< frames that the transport refused or could not send */
	uint32_t dropped;     /**< frames that cats_loss() dropped on purpose */
#ifdef CONFIG_CATS_SECURE
	uint32_t refused[CATS_SECURE_REASONS]; /**< frames, by enum cats_secure_reject */
#endif
};

/**
 * What CONFIG_CATS_ENERGY counts since cats_start(), by the transport's clock: all inferences that
 * ended here, then what was between them. Where there is one node, it sleeps when it does not
 * compute.
 */
struct cats_energy_stats {
	uint32_t inferences;  /**< ended */
	uint64_t transmit_us; /**< on the air with own frames, ramp-up and framing included */
	uint64_t listen_us;   /**< the rest of them, but for where the receiver was off */
	uint64_t compute_us;  /**< in jobs, beside both */
	uint64_t microjoules; /**< of all that, by the currents of CONFIG_CATS_ENERGY_... */

	uint64_t elapsed_us;          /**< since cats_start() */
	uint64_t between_transmit_us; /**< on the air outside inferences */
	uint64_t between_listen_us;   /**< outside of them with the receiver on */
	uint64_t sleep_us;            /**< with the radio off, inside inferences as well */
	uint64_t all_microjoules;     /**< of everything since cats_start() */
	uint32_t average_na;          /**< mean current since then, nanoamperes */
};

/** How an inference went that ended here; CONFIG_CATS_LINKS. */
struct cats_last_inference {
	uint16_t inference;  /**< its number */
	uint16_t silent;     /**< bit s: nothing was heard of node s */
	int32_t answer;      /**< cats_result_class() of the last row; -1: it is missing */
	uint32_t fragments;  /**< of other nodes */
	uint32_t lost;       /**< of these */
	uint32_t latency_us; /**< from where this node opened or joined it to its end */
};

/** So many of its units of power are a dBm. */
#define CATS_POWER_UNIT 16

/** What CONFIG_CATS_LINKS counts, since cats_start(). */
struct cats_link_stats {
	uint32_t fragments[CATS_MAX_NODES]; /**< that each source had for this node */
	uint32_t lost[CATS_MAX_NODES];      /**< of these, did not arrive and were not repaired */
	uint32_t heard[CATS_MAX_NODES];     /**< data frames of each source that it heard */
	/** power of these, averaged, CATS_POWER_UNIT a dBm; 0: none, or it is not known */
	int16_t power[CATS_MAX_NODES];
	struct cats_last_inference last; /**< zeros before the first */
};

/** Everything that cats_stats() tells. */
struct cats_stats {
	struct cats_node_stats node; /**< what its node counts */
	struct cats_glue_stats glue; /**< and the instance beyond it */
#ifdef CONFIG_CATS_ENERGY
	struct cats_energy_stats energy; /**< what that cost */
#endif
#ifdef CONFIG_CATS_LINKS
	struct cats_link_stats links; /**< what came from whom */
#endif
};

/** @cond INTERNAL_HIDDEN */

/* What CONFIG_CATS_ENERGY adds to an instance. */
struct cats_energy_state {
	struct cats_energy_stats stats;
	uint64_t computed_us; /* until the last inference ended */
	int64_t between_us;   /* outside of inferences with the radio on */
	uint32_t sent_us;     /* since the last inference ended, but for what is between */
	uint32_t off_us;      /* in the one that runs, with the receiver off */
	uint32_t looked_us;   /* when it was looked at last, by the transport */
	uint32_t rested_us;   /* until then, by the transport */
	bool inside;          /* since then an inference runs */
};

/* What CONFIG_CATS_SECURE adds to an instance. */
struct cats_secure_state {
	uint64_t heard[CATS_KEYS][CATS_MAX_NODES]; /* highest number, by place of the key */
	uint32_t unsaved;                          /* frames heard since that was saved */
	struct k_work save;
	uint32_t group;
	uint8_t node;
};

/** @endcond */

/** State of an instance; all fields are private. */
struct cats_instance_data {
	/** @cond INTERNAL_HIDDEN */
	struct k_thread thread;
	struct k_mutex control; /* start and stop exclude each other */
	struct k_mutex lock;    /* node and all below */
	struct k_sem work;      /* wakes the thread */
	struct k_sem slot;      /* the right to have an input submitted */
	struct k_condvar event; /* an input is no longer needed */
	struct k_work_delayable air;
	struct cats_port port;
	const struct cats_instance *self;
	sys_slist_t waiters;
	cats_result_cb callback;
	void *user;
	cats_available_cb available;
	void *available_user;
	struct cats_glue_stats glue;
#ifdef CONFIG_CATS_ENERGY
	struct cats_energy_state energy;
#endif
#ifdef CONFIG_CATS_LINKS
	struct cats_link_stats links;
#endif
	struct cats_image image;
	struct cats_result result;
	uint32_t group;
	/* The node's frames that the transport has: their bytes, the first of them, how many. */
	uint16_t sizes[CATS_TRANSPORT_FRAMES];
	uint8_t oldest;
	uint8_t handed;
	bool refused_behind; /* the transport refused the next one: told when it is its turn */
	bool stopping;
	bool result_ready;
	bool input_held; /* a submitted input is still read */
	bool running;
	bool in_flash;
	uint8_t refused; /* enum cats_image_error of the last cats_start() */
	bool slot_taken; /* by an input, until it is told or withdrawn */
	bool submitted;  /* that was cats_submit() */
	uint32_t run;    /* counts starts */
#ifdef CONFIG_CATS_LOSS
	uint32_t loss_seed;
	uint32_t loss[CATS_MAX_NODES]; /* millionths, by source */
#endif
#ifdef CONFIG_CATS_SECURE
	struct cats_secure_state secure;
#endif
#ifdef CONFIG_CATS_LLAMA
	cats_token_cb token_callback;
	void *token_user;
	bool writing; /* a text of cats_generate_begin() has not ended */
	bool begun;   /* the last token told was of it */
	bool behind;  /* it began when a result was still to be told, which is not of it */
	int *written; /* how it ended: of who waits for that, else NULL */
#endif
	struct cats_node node;
	/** @endcond */
};

/** An instance: constant, and in an iterable section, so that the shell finds it. */
struct cats_instance {
	const char *name;                       /**< in the shell and in the log */
	const struct cats_transport *transport; /**< what carries its frames */
	uint8_t *arena;                         /**< aligned to 8 bytes */
	size_t arena_size;                      /**< bytes */
	k_thread_stack_t *stack;                /**< of the thread that computes */
	size_t stack_size;                      /**< bytes */
	const void *image;                      /**< the linked image, or NULL */
	size_t image_size;                      /**< its bytes */
	bool flash;  /**< without a linked image: the one in the flash partition */
	int8_t node; /**< node that images must be for, or CATS_NODE_ANY */
	struct cats_instance_data *data; /**< its state */
};

/** @cond INTERNAL_HIDDEN */
#define Z_CATS_INSTANCE_DEFINE(_name, _transport, _arena_size, _image, _image_size, _flash, _node) \
	static uint8_t __noinit __aligned(8) _name##_arena[_arena_size];                           \
	static K_KERNEL_STACK_DEFINE(_name##_stack, CONFIG_CATS_THREAD_STACK_SIZE);                \
	static struct cats_instance_data _name##_data;                                             \
	const STRUCT_SECTION_ITERABLE(cats_instance, _name) = {                                    \
		.name = STRINGIFY(_name), .transport = (_transport), .arena = _name##_arena,       \
				  .arena_size = (_arena_size), .stack = _name##_stack,             \
				  .stack_size = K_KERNEL_STACK_SIZEOF(_name##_stack),              \
				  .image = (_image), .image_size = (_image_size),                  \
				  .flash = (_flash), .node = (_node), .data = &_name##_data,       \
		}
/** @endcond */

/**
 * @brief Define an instance that cats_start() gives an image.
 *
 * RAM: the arena, CONFIG_CATS_THREAD_STACK_SIZE, and struct cats_instance_data. Declare it
 * elsewhere with `extern const struct cats_instance name;`.
 *
 * @param _name       C identifier, and its name in the shell
 * @param _transport  const struct cats_transport *, a constant
 * @param _arena_size bytes, at least the arena_size of any image it is to run
 */
#define CATS_INSTANCE_DEFINE(_name, _transport, _arena_size)                                       \
	Z_CATS_INSTANCE_DEFINE(_name, _transport, _arena_size, NULL, 0, false, CATS_NODE_ANY)

/**
 * @brief An instance that the module itself defines, by number.
 *
 * With CONFIG_CATS_IMAGE_HEADER there are CONFIG_CATS_LOCAL_NODES of them (0: all), for nodes from
 * CONFIG_CATS_NODE_ID on; with CONFIG_CATS_IMAGE_FLASH there is one. Their transport is the one
 * that Kconfig chooses.
 *
 * @return the instance, or NULL where there is none of that number
 */
const struct cats_instance *cats_local(unsigned int number);

/**
 * @brief Verify an image, attach to the transport and take part from now on.
 *
 * The node listens for a while before it opens an inference itself.
 *
 * @param image aligned to CATS_IMAGE_ALIGN, unchanged until cats_stop(); NULL: the instance's own,
 *              linked or in flash
 * @param size  bytes that may be read; ignored with NULL
 * @retval 0 on success
 * @retval -EALREADY it runs
 * @retval -ENOENT   no image was given and the instance has none
 * @retval -EBADMSG  the image was refused: cats_refused() and the log tell why
 * @retval -ENOMEM   the arena is too small for it
 * @retval -ENOTSUP  it is planned for another radio than the transport's: cats export --radio
 * @retval -EMSGSIZE its frames are too large for the transport: export it for this one, with
 *                   `--secure` where CONFIG_CATS_SECURE is set
 * @retval -EACCES   CONFIG_CATS_SECURE, and there is no key: cats_key_set()
 * @retval -EBUSY    the flash partition is being updated, the transport takes no more ports, or
 *                   somebody else scans for Bluetooth
 * @retval -ENOBUFS  no Bluetooth advertising set is free
 * @retval -errno    of the transport
 */
int cats_start(const struct cats_instance *instance, const void *image, size_t size);

/**
 * @brief Leave: whoever waits gets -ESHUTDOWN, the thread ends, the image and the arena are free.
 *
 * Waits for a job that is being computed.
 *
 * @retval 0 on success
 * @retval -EALREADY it does not run
 */
int cats_stop(const struct cats_instance *instance);

/**
 * @brief Why the last cats_start() refused the image.
 *
 * @return enum cats_image_error; cats_image_strerror() has words for it
 */
int cats_refused(const struct cats_instance *instance);

/**
 * @brief The image that runs.
 *
 * @return valid until cats_stop(), or NULL where the instance does not run
 */
const struct cats_image *cats_running(const struct cats_instance *instance);

/**
 * @brief The group of nodes to which it belongs, of the last cats_start().
 *
 * Nodes of one group hear each other and nobody else: two sets of one deployment within range of
 * each other are two groups. It is the setting cats/group (4 bytes, in the processor's order), or
 * CONFIG_CATS_GROUP where that is not set.
 */
uint32_t cats_group(const struct cats_instance *instance);

#if defined(CONFIG_CATS_SLEEP) || defined(__DOXYGEN__)

/**
 * @brief From one meeting of the nodes to the next.
 *
 * Between meetings the radio is off, and an input waits for the next one. The leader's period is
 * everybody's; before a node has heard of it, it is the setting cats/period (4 bytes, milliseconds,
 * in the processor's order), or CONFIG_CATS_PERIOD_MS where that is not set.
 *
 * @return milliseconds; 0 where the instance does not run or has no other node
 */
uint32_t cats_period(const struct cats_instance *instance);

/**
 * @brief Set it from the meeting behind the next one on, on the node that leads. Not kept over
 *        cats_stop(): that is what the setting is for.
 *
 * @param ms 10 to 600000, and at least twice what a meeting takes
 * @retval 0 on success
 * @retval -ENOTCONN it does not run
 * @retval -EINVAL a period that nodes cannot keep
 * @retval -ENOTSUP the deployment has one node
 * @retval -EACCES another node leads, whose word counts
 */
int cats_set_period(const struct cats_instance *instance, uint32_t ms);

/**
 * @brief When the nodes meet next: an input that is submitted before is used then.
 *
 * @param us microseconds from now
 * @retval 0 on success
 * @retval -ENOTCONN it does not run
 * @retval -ENOTSUP the deployment has one node
 * @retval -EAGAIN it knows of no meeting yet
 */
int cats_next_meeting(const struct cats_instance *instance, uint32_t *us);

#endif /* CONFIG_CATS_SLEEP */

#if defined(CONFIG_CATS_STREAM) || defined(__DOXYGEN__)

/**
 * @brief Of a stream: the next step begins a new window at position 0; earlier rows are forgotten.
 *
 * A node begins with a new window after cats_start(). The leader's word counts: of another node it
 * is a wish, which is heard where the leader has no input of its own.
 *
 * @retval 0 on success
 * @retval -ENOTCONN the instance does not run
 * @retval -ENOTSUP  its image takes whole windows: cats export --stream
 */
int cats_stream_begin(const struct cats_instance *instance);

/**
 * @brief Submit the next rows of a stream and wait for their result.
 *
 * As cats_infer(), which takes a step as well where the image is of a stream. Of the result,
 * `position` says which rows these were in their window, `known` to how many the node could attend:
 * those of steps in which it took no part it lacks until the next window.
 *
 * @param input int8 [rows of a step][own_inputs]; NULL stands for zeros
 * @retval 0 on success, whatever was lost
 * @retval -ENOTSUP   the image takes whole windows: cats export --stream
 * @retval -EOVERFLOW the context has ended: cats_stream_begin()
 * @retval -errno     all others as of cats_infer()
 */
int cats_step(const struct cats_instance *instance, const int8_t *input, int16_t *output,
	      size_t count, struct cats_result *result, k_timeout_t timeout);

/**
 * @brief Of a stream: position of the next step's first row, as far as this node has heard.
 *
 * @return rows of the window so far; cats_context_rows() where it has ended
 * @retval -ENOTCONN the instance does not run
 * @retval -ENOTSUP  its image takes whole windows
 */
int cats_stream_position(const struct cats_instance *instance);

#endif /* CONFIG_CATS_STREAM */

#if defined(CONFIG_CATS_LLAMA) || defined(__DOXYGEN__)

/** @brief Set the callback for every token from now on; NULL for none. */
void cats_on_token(const struct cats_instance *instance, cats_token_cb callback, void *user);

/**
 * @brief Have a text written: the prompt is read token by token, then tokens are chosen.
 *
 * Any node may begin one, also where another one leads. Returns at once; cats_on_token() tells how
 * it goes on, its last token is the one of which cats_token_last() says so. Where this node does
 * not hear of that one, the text is over here once all nodes are silent. No other node needs to
 * know of it before, and losses, restarts and another leader do not end it.
 *
 * @param generation copied, but for the prompt's tokens, which must stay unchanged until the last
 *                   of them was told, or cats_generate_stop()
 * @retval 0 on success
 * @retval -ENOTCONN the instance does not run
 * @retval -ENOTSUP  its image is of no language model
 * @retval -EINVAL   no prompt, a token that the vocabulary has not, or a temperature too low for
 *                   the integers
 * @retval -EBUSY    a text is being written, here or on another node. One that was stopped within
 *                   its prompt is over on the others when these have heard nothing for the time
 *                   of cats_silence_us()
 */
int cats_generate_begin(const struct cats_instance *instance,
			const struct cats_generation *generation);

/**
 * @brief End the text that is being written.
 *
 * A text that this node began, and whose prompt is not yet read, ends there. One of which all nodes
 * know ends where this node leads; else the leader goes on.
 *
 * @retval 0 nothing more of it is begun here, and the prompt's tokens are the caller's again
 * @retval -ENOTCONN the instance does not run
 * @retval -EALREADY no text is being written
 * @retval -EACCES   the prompt is read, and another node leads
 */
int cats_generate_stop(const struct cats_instance *instance);

/**
 * @brief Have rows of the text run once more that a node lacks, as far as this node knows: it
 *        restarted, or missed their steps. Then the text goes on where it was.
 *
 * Nodes do that by themselves as CONFIG_CATS_REPLAY says. Each row takes about as long as a step of
 * the text; no token is told of it, and cats_result.replayed is set. Where another node leads this
 * one asks for each.
 *
 * @retval 0 it begins with the next step
 * @retval -ENOTCONN the instance does not run
 * @retval -ENOTSUP  its image is of no language model
 * @retval -ENODATA  nobody lacks any, or this node does not know their tokens
 * @retval -EALREADY it does already
 * @retval -EBUSY    an input is waiting, or a prompt is being read
 */
int cats_replay(const struct cats_instance *instance);

/**
 * @brief cats_generate_begin(), and wait for the last token; after an error the text is stopped.
 *
 * @retval 0 on success, whatever was lost
 * @retval -ENODATA   it is over, and this node did not hear of its last token
 * @retval -ETIMEDOUT not written in time; what another node leads may still go on
 * @retval -ECANCELED another text began, or cats_generate_stop() was called
 * @retval -ESHUTDOWN cats_stop() was called meanwhile
 * @retval -errno     all others as of cats_generate_begin()
 */
int cats_generate(const struct cats_instance *instance, const struct cats_generation *generation,
		  k_timeout_t timeout);

#endif /* CONFIG_CATS_LLAMA */

/** @brief Bytes of an input of this image: tokens_in * own_inputs; 0 where it has none. */
size_t cats_input_size(const struct cats_image *image);

/**
 * @brief Take the node's own columns out of an input that has all nodes' columns.
 *
 * @param whole int8 [tokens_in][inputs]
 * @param own   int8 [tokens_in][own_inputs], as cats_infer() and cats_submit() take it
 */
void cats_input_own(const struct cats_image *image, const int8_t *whole, int8_t *own);

/** @brief Values of an output of this image: output rows * outputs. */
size_t cats_output_count(const struct cats_image *image);

/**
 * @brief Submit an input and wait for its result.
 *
 * Where several threads do, they take turns. The input is read for as long as the call lasts.
 *
 * @param input   int8 [tokens_in][own_inputs]; NULL stands for zeros, or for a node without inputs
 * @param output  int16 [rows][columns], CATS_OUTPUT_MISSING where a column did not arrive; or NULL
 * @param count   values that fit there
 * @param result  how it went, its output pointing to @p output; or NULL
 * @param timeout for all of it. Begun inferences end by themselves; this limits the wait for others
 * @retval 0 on success, whatever was lost
 * @retval -ENOTCONN  the instance does not run
 * @retval -ENOSPC    cats_output_count() exceeds @p count
 * @retval -EOVERFLOW a stream whose context has ended: cats_stream_begin()
 * @retval -EBUSY     a text is being written, whose tokens the nodes choose: cats_generate_stop()
 * @retval -ETIMEDOUT no result in time; the input is no longer read
 * @retval -ESHUTDOWN cats_stop() was called meanwhile
 */
int cats_infer(const struct cats_instance *instance, const int8_t *input, int16_t *output,
	       size_t count, struct cats_result *result, k_timeout_t timeout);

/**
 * @brief Submit an input; the instance's callback tells the result.
 *
 * @param input   as for cats_infer(), but unchanged until the callback with result->submitted
 * @param timeout wait so long for the input before it to be used
 * @retval 0 on success
 * @retval -ENOTCONN  the instance does not run
 * @retval -EBUSY     another input is in use, with K_NO_WAIT; or a text is being written
 * @retval -EOVERFLOW a stream whose context has ended: cats_stream_begin()
 * @retval -ETIMEDOUT another input is still in use
 * @retval -ESHUTDOWN cats_stop() was called meanwhile
 */
int cats_submit(const struct cats_instance *instance, const int8_t *input, k_timeout_t timeout);

/**
 * @brief Take the input of cats_submit() back; when this returns, nobody reads it any more.
 *
 * @retval 0 its inference will not be
 * @retval -EALREADY its inference has begun and will be told
 * @retval -ENOENT  none is submitted, or a call of cats_infer() owns it
 * @retval -ENOTCONN the instance does not run
 */
int cats_withdraw(const struct cats_instance *instance);

/**
 * @brief Wait for the next inference that ends at this node, whoever submitted it.
 *
 * Arguments and errors as for cats_infer().
 */
int cats_wait(const struct cats_instance *instance, int16_t *output, size_t count,
	      struct cats_result *result, k_timeout_t timeout);

/** @brief Set the callback for every result from now on; NULL for none. */
void cats_on_result(const struct cats_instance *instance, cats_result_cb callback, void *user);

/**
 * @brief Set a callback for what arrived of each exchange; for tests and logs. NULL for none.
 *
 * It runs on cats_air_queue with the node locked: no call of this header, no waiting.
 */
void cats_on_available(const struct cats_instance *instance, cats_available_cb callback,
		       void *user);

/** @brief Copy the statistics since cats_start(); after cats_stop() those of the last run. */
void cats_stats(const struct cats_instance *instance, struct cats_stats *stats);

/**
 * @brief The largest output of one row.
 *
 * @return its column, the first of equals; -ENODATA where every column of the row is missing
 */
int cats_result_class(const struct cats_result *result, uint16_t row);

/** @brief Outputs that did not arrive, over all rows. */
uint32_t cats_result_missing(const struct cats_result *result);

/** Inputs that the application brings along for `cats infer sample`; one object at most. */
struct cats_samples {
	uint16_t count;        /**< inputs */
	uint16_t tokens;       /**< tokens_in of the model */
	uint16_t inputs;       /**< P, all nodes' columns */
	const int8_t *data;    /**< [count][tokens][inputs] */
	const int16_t *labels; /**< [count] classes, or NULL */
};

/** The application's, or NULL. */
extern const struct cats_samples *cats_samples;

#if defined(CONFIG_CATS_LOSS) || defined(__DOXYGEN__)

/**
 * @brief Drop frames that this instance hears, as if the air had lost them.
 *
 * Which frames is a function of the seed, of the link and of what the frame is, not of time: equal
 * seeds and probabilities give equal losses in every run, on every platform, over every transport
 * and in `cats simulate`. Stays set over cats_stop().
 *
 * @param source the node whose frames are dropped, or CATS_NODE_ANY
 * @param ppm    probability in millionths, 0..1000000
 * @retval 0 on success
 * @retval -EINVAL a number out of range
 */
int cats_loss(const struct cats_instance *instance, int source, uint32_t ppm);

/** @brief The seed of the losses; CONFIG_CATS_LOSS_SEED at first. */
void cats_loss_seed(const struct cats_instance *instance, uint32_t seed);

/** @brief What is set: the seed, and the probability for one source in millionths. */
void cats_loss_get(const struct cats_instance *instance, uint8_t source, uint32_t *seed,
		   uint32_t *ppm);

#endif /* CONFIG_CATS_LOSS */

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_CATS_H_ */
