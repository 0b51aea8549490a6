/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_node Node
 * @ingroup cats
 * @brief Engine and gather joined in a state machine without input or output.
 *
 * Whoever drives a node (a Zephyr thread, the simulator, a test) gives it frames and the time, and
 * does what it asks for. The node waits for nothing, allocates nothing and calls nobody but its
 * optional callback.
 *
 * @code{.unparsed}
 *	lock();
 *	for (;;) {
 *		cats_node_poll(node, now(), &todo);
 *		if (todo.compute) {
 *			wake_worker();
 *		}
 *		switch (todo.what) {
 *		case CATS_TODO_SEND:
 *			... transmit todo.frame so that it starts at todo.at, then cats_node_sent()
 *		case CATS_TODO_DONE:
 *			... use todo.result before the next poll
 *		case CATS_TODO_SENSE:
 *			... is the air busy behind todo.at? then cats_node_sensed()
 *		case CATS_TODO_WAIT:
 *			unlock(); sleep until todo.at, a frame, a finished job, or a submit; lock();
 *		}
 *	}
 *
 *	receive callback:    lock(); cats_node_receive(node, ...); unlock(); wake the loop above
 *
 *	worker:              lock(); r = cats_node_compute_begin(node, &job, now()); unlock();
 *	                     cats_job_run(&job);                     (long, without the lock)
 *	                     lock(); cats_node_compute_end(node, &job, now()); unlock();
 *	                     wake the loop
 * @endcode
 *
 * Loop and worker may be one thread: then frames heard while a job runs wait in the driver, with
 * their time of arrival, and slots that fall into it are lost, which the protocol survives.
 *
 * All functions on one node exclude each other (the driver's lock), but for cats_job_run(), which
 * runs beside all others. Different nodes share nothing.
 *
 * Time: uint32_t microseconds of the node's own clock, wrapping; any origin. "Start of a frame" is
 * one fixed point of it, the same for sending and receiving (say, the first bit on the air).
 *
 * @{
 */

#ifndef CATS_NODE_H_
#define CATS_NODE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/engine.h>
#include <cats/gather.h>
#include <cats/image.h>
#include <cats/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Number of enum cats_gather_kind values. */
#define CATS_GATHER_KINDS 7

/**
 * @brief Told when what a node has of an exchange is final, before it is consumed; under the lock.
 *
 * Not of exchanges that are passed over: on no air, of an image with CATS_LLAMA_REPLICATED.
 *
 * @param available bits of other sources; valid during the call
 */
typedef void (*cats_available_cb)(void *user, uint16_t inference, struct cats_exchange x,
				  const struct cats_availability *available);

/** How a node is set up. Zero is a sensible value for every optional field. */
struct cats_node_config {
	const struct cats_image
		*image;    /**< verified; the structure and its image outlive the node */
	void *arena;       /**< aligned to 8 bytes; the node's alone */
	size_t arena_size; /**< at least image->header->arena_size bytes */
	/** largest frame that the transport carries, bytes, header included; 0: CATS_FRAME_MAX */
	uint16_t mtu;
	/** tells two installations of one model in one room apart: the same on all nodes of one,
	 * another on those of another
	 */
	uint32_t group;
	/** number of the first inference that this node opens, where it heard none before. Best
	 * random, or counted over restarts: see doc/protocol.rst, "Numbers"
	 */
	uint16_t first_inference;
	/** frames are handed out this long before their slot; optional. Time to lock, build, load
	 * the radio
	 */
	uint32_t lead_us;
	/** a round of repair is entered this long before it begins, since its first frame is built
	 * then; optional. At most lead_us, and less than what is left of a slot when its frame has
	 * been received
	 */
	uint32_t early_us;
	/** a frame that would be handed out later than this behind its slot is not sent; 0: 1/32 of
	 * a data slot
	 */
	uint32_t late_us;
	/** silence after which a leader is taken for gone; 0: cats_silence_us() */
	uint32_t timeout_us;
	/** how long a submitted input waits, in silence, for the leader to open its inference
	 * before this node does (times its rank among the nodes alive): an idle leader and a dead
	 * one sound alike. Longer than applications on different nodes are apart; 0: ten timeouts,
	 * at most a minute
	 */
	uint32_t start_us;
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	uint8_t replay; /**< of a language model: enum cats_replay */
#endif
#ifndef CATS_NO_SLEEP
	/** nodes sleep and meet so often: CATS_PERIOD_MIN_US to CATS_PERIOD_MAX_US; what a beacon
	 * says goes before. 0: they are always awake
	 */
	uint32_t period_us;
	/** period_us: by how many millionths the clock of a node that sleeps is wrong at most; 0:
	 * 50
	 */
	uint16_t clock_ppm;
	/** period_us: how exactly a clock tells the time behind a sleep, microseconds */
	uint16_t jitter_us;
#endif
	cats_available_cb available; /**< optional */
	void *user;                  /**< for the callback */
};

/** What the driver shall do next. */
enum cats_todo_what {
	CATS_TODO_WAIT = 0, /**< nothing before the time `at`, unless something happens */
	CATS_TODO_SEND = 1, /**< transmit; then call cats_node_sent() */
	CATS_TODO_DONE = 2, /**< an inference has ended; told once */
	/** tell whether anybody sends at the time `at`; then call cats_node_sensed() */
	CATS_TODO_SENSE = 3,
};

/** How an inference ended. It always does, with whatever arrived. */
struct cats_result {
	/** [rows][columns], CATS_OUTPUT_MISSING where a column did not arrive; valid until the next
	 * cats_node_poll()
	 */
	const int16_t *output;
	uint16_t rows;       /**< cats_output_rows() */
	uint16_t columns;    /**< C */
	uint16_t inference;  /**< its number */
	bool submitted;      /**< it ran with this node's submitted input (else with zeros) */
	bool led;            /**< this node led its last exchange */
	uint16_t silent;     /**< bit s: nothing was heard of node s during the inference */
	uint32_t fragments;  /**< of other nodes, in all exchanges */
	uint32_t lost;       /**< of these, did not arrive and were not repaired */
	uint32_t started_us; /**< when this node opened or joined it */
	uint32_t ended_us;   /**< when its last job ended */
#ifndef CATS_NO_STREAM
	uint32_t position; /**< of a stream: of the step's first row in its window */
	/** of a stream: rows of the window that this node has, those of this step included. It
	 * lacks those of steps in which it took no part
	 */
	uint16_t known;
#endif
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	bool has_token; /**< of a language model: the step's token is known, and was not told yet */
	/** of a language model: the step was of a row of before, once more, and has no output: what
	 * stands there is of another one
	 */
	bool replayed;
	struct cats_token token; /**< has_token: which one */
#endif
};

/** What to do. */
struct cats_todo {
	enum cats_todo_what what;  /**< what is asked for */
	bool compute;              /**< a job is ready and none runs: cats_node_compute_begin() */
	bool forever;              /**< WAIT: no time is set, only an event ends it */
	uint32_t at;               /**< WAIT: poll again then. SEND, SENSE: start of the frame */
	const uint8_t *frame;      /**< SEND: bytes; unchanged until its cats_node_sent() */
	uint16_t length;           /**< SEND: of them */
	struct cats_result result; /**< DONE */
};

/** Statistics of all gathers of one kind, since cats_node_init(). */
struct cats_gather_stats {
	uint32_t exchanges;  /**< consumed */
	uint32_t sent;       /**< frames handed out, control frames included */
	uint32_t heard;      /**< fragments that arrived in DATA frames */
	uint32_t repaired;   /**< fragments restored from CODED frames */
	uint32_t lost;       /**< fragments that stayed missing */
	uint32_t duplicates; /**< DATA and CODED frames that were not needed */
	uint64_t air_us;     /**< from opening to closing of exchanges */
	uint64_t compute_us; /**< in jobs, by the times given to begin and end */
};

/** Statistics of a node, since cats_node_init(). Counters wrap. */
struct cats_node_stats {
	uint32_t inferences;                    /**< ended */
	uint32_t takeovers;                     /**< times this node began to lead for another */
	uint32_t rejected[CATS_REJECT_REASONS]; /**< frames dropped, by enum cats_reject */
	struct cats_gather_stats gather[CATS_GATHER_KINDS]; /**< by enum cats_gather_kind */
#ifndef CATS_NO_SLEEP
	uint32_t meetings; /**< of nodes that sleep: opened or heard */
	uint32_t missed;   /**< meetings for which it was awake, and of which it heard nothing */
	uint32_t searches; /**< times that it knew of no meeting */
#endif
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	uint32_t replays;  /**< of a language model: times that rows of before were run once more */
	uint32_t replayed; /**< steps of that in which it took part */
	uint32_t refilled; /**< of these, whose row it lacked before */
#endif
};

/** A piece of computing: filled by cats_node_compute_begin(), private but for reading. */
struct cats_job {
	/** What is computed. */
	enum {
		CATS_JOB_BEGIN = 0,   /**< the input is taken */
		CATS_JOB_PRODUCE = 1, /**< own rows of an exchange */
		CATS_JOB_CONSUME = 2, /**< what arrived of it */
	} what;
	struct cats_exchange x; /**< of which exchange */
				/** @cond INTERNAL_HIDDEN */
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	struct cats_exchange next; /* both: of which own rows are computed behind it */
	bool both;                 /* CONSUME */
	/* PRODUCE, both: so many gathers, one tile each, are computed ahead of it */
	uint8_t passed;
#endif
	struct cats_engine *engine;
	const int8_t *input;                    /* BEGIN */
	const struct cats_reception *reception; /* CONSUME */
	uint32_t began_us;
	/** @endcond */
};

/** What a node is doing; the diagram is in doc/protocol.rst, "A node". */
enum cats_node_phase {
	CATS_NODE_STARTING,  /**< new: an inference that others are in may have been its own */
	CATS_NODE_LISTENING, /**< others are in an inference that is not its own */
	CATS_NODE_WAITING,   /**< it joins the next inference, or begins one for its input */
	CATS_NODE_RUNNING,   /**< in an inference */
	CATS_NODE_DONE,      /**< the last job has ended; the next poll() says DONE */
	CATS_NODE_TOLD,      /**< the output is the driver's until the poll() after DONE */
};

/** Where an exchange is; the diagram is in doc/protocol.rst, "An exchange". */
enum cats_exchange_phase {
	CATS_EXCHANGE_WAITING, /**< not opened, or not heard of yet: its clock is not known */
	CATS_EXCHANGE_SYNC,    /**< leader: opened, copies of its SYNC are left to send */
	CATS_EXCHANGE_DATA,    /**< data slots */
	CATS_EXCHANGE_NEED,    /**< a round of repair, until it is known whether it takes place */
	CATS_EXCHANGE_CODED,   /**< its turns */
	CATS_EXCHANGE_OVER, /**< nothing is sent or taken; kept until this node's jobs are done */
};

/** Where a node that sleeps is outside inferences: doc/protocol.rst, "Meetings". */
enum cats_meeting_phase {
	CATS_MEETING_SEARCH, /**< it knows of none: it listens, and at last founds one */
	CATS_MEETING_ASLEEP, /**< until the next one, and while it waits for its beacon */
	CATS_MEETING_ASK,    /**< the beacon was: slots for asking, and the answer */
	CATS_MEETING_BEGIN,  /**< an inference follows */
};

/** @cond INTERNAL_HIDDEN */
/* Of a node that sleeps. Times are of its own clock. */
struct cats_sleep {
	uint8_t phase;    /* enum cats_meeting_phase */
	uint8_t missed;   /* meetings in a row without a beacon */
	uint8_t attempts; /* meetings in a row in which it asked in vain */
	uint8_t beacons;  /* bit i: frame[i] is one */
	uint8_t to;   /* leader: whose meetings its own become with the next beacon; else self */
	bool asks;    /* it asks in this meeting, and has not yet */
	uint8_t turn; /* of this node, the last one that was looked for, */
	uint8_t turn_slot; /* and its slot */
	bool asked;        /* leader, or who passes it on: somebody did */
	uint8_t answers;   /* sent in this meeting; over several hops rounds that are over */
	uint8_t calls; /* leader: beacons before the first meeting; SEARCH: times to listen for */
	bool sure;     /* leader: nobody else led its last meeting */
	bool company;  /* leader: somebody was heard since it leads */
	bool complete; /* leader: all others were, in the last inference */
	bool steady;   /* drift and error were learned */
	bool scans;    /* leader: listens for others between two meetings */
	uint16_t meeting; /* number of the next one, and of that of `to` */
	uint16_t to_meeting;
	uint16_t lonely;     /* leader: meetings since all others were heard */
	uint16_t scan_after; /* leader: so many of them, before it looks for other meetings */
	uint32_t period_us;
	uint32_t next_us; /* the next meeting, and that of `to` */
	uint32_t to_us;
	uint32_t to_period_us;
	uint32_t begun_us;   /* start of the beacon of this one */
	uint32_t until_us;   /* SEARCH, BEGIN: so long */
	uint32_t elapsed_us; /* from the last meeting that was heard of to the next one */
	uint32_t since_us;   /* a meeting from which on drift is learned */
	uint32_t leader_us;  /* from then to the next one, by the leader's clock */
	int32_t drift;       /* of the own clock to the leader's, in units of 2^-30 */
	uint32_t error;      /* of the drift, likewise */
#ifndef CATS_NO_HOPS
	uint32_t said_us; /* from this meeting to the next one, as its beacon says */
#endif
};
/** @endcond */

#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
/** @cond INTERNAL_HIDDEN */
/* Of a language model. */
struct cats_texts {
	struct cats_text text;         /* of the step that runs, or ran last */
	struct cats_text heard;        /* told: of the one that is about to begin */
	struct cats_text next;         /* that this node would begin behind it */
	struct cats_generation prompt; /* what of this node's is still to be read: count != 0 */
	uint32_t word;                 /* the token of the step, or CATS_TOKEN_NONE: an input */
	uint32_t offered;              /* the token of `next`, submitted as an input */
	uint16_t own;                  /* begun: the text of this node's prompt */
	bool known;                    /* the token of `text` was */
	bool told;                     /* a frame told of the step that is about to begin */
	bool sure;                     /* `text` is the leader's word */
	bool again;                    /* `text` is the step that was before */
	bool has_next;                 /* `next` is chosen, and not submitted */
	bool begun;                    /* the prompt's first token was taken */
	bool stops;                    /* leader: the next token is the last */
	/* Replay: gather/replay.c. `text` stays the newest step's. */
	uint32_t row;     /* replays: that the step runs, or ran last, once more */
	uint32_t due;     /* wants: that is to be run once more next */
	uint32_t forgone; /* rows before it are not asked for any more */
	uint16_t rest;    /* so many steps, before a replay begins again */
	uint8_t lacks;    /* the most that nodes say in this step: cats_replay_hear() */
	uint8_t own_lack; /* what this one says */
	bool replays;     /* the step that runs, or ran last, is of a row of before */
	bool wants;       /* row `due` is to be run once more, before `next` */
	bool wanted;      /* what is submitted is row `due`: `next` is not */
	bool holds;       /* leader: `next` waits for who knows the tokens of rows to ask */
};
/** @endcond */
#endif

/** @cond INTERNAL_HIDDEN */
#ifdef CATS_NO_HOPS
#define CATS_CODE_COLUMNS 32
#define CATS_CODE_WORDS 2
#else
#define CATS_CODE_COLUMNS 64
#define CATS_CODE_WORDS 4
#endif
/* Coding over the exchange on the air: gather/code.c. */
struct cats_code {
	uint8_t columns;
	uint8_t total; /* fragments of all sources; 0: not laid out, or more lack than columns */
	uint8_t width; /* the longest one's bytes */
	uint8_t fragment[CATS_CODE_COLUMNS];              /* of a column, ascending; */
	uint8_t source[CATS_CODE_COLUMNS];                /* whose it is, */
	uint8_t index[CATS_CODE_COLUMNS];                 /* and which of these */
	uint32_t row[CATS_CODE_COLUMNS][CATS_CODE_WORDS]; /* coefficients, two bits each */
	uint8_t *place[CATS_MAX_CODED_FRAGMENTS];         /* where a fragment stands */
	uint8_t size[CATS_MAX_CODED_FRAGMENTS];
};
/** @endcond */

/** The state of one node. Its owner allocates it; but for `stats` the fields are private. */
struct cats_node {
	/** @cond INTERNAL_HIDDEN */
	/* What is used most stands first: short offsets make short code. A flag says why it is one:
	 * why nothing else here tells the same.
	 */

	/* The exchange on the air: x, reception[air]; the one before it is reception[air ^ 1]. */
	uint8_t air;
	uint8_t exchange; /* enum cats_exchange_phase */
	uint8_t leader;
	uint8_t round;   /* 0 data, 1..R repair */
	bool clocked;    /* base_us is the leader's word; a time does not tell whose it is */
	bool needed;     /* something lacks somewhere: this round's turns take place */
	bool told;       /* silence was sensed: they do not */
	uint8_t effort;  /* the leader's word: how many turns rounds have, 0 to 3 */
	uint8_t losses;  /* how much of the data it misses of late, in 64ths */
	uint8_t trouble; /* leader: how often a second round took place of late */

	/* Inference. */
	uint8_t phase;   /* enum cats_node_phase */
	bool pending;    /* an input waits; `input` may be NULL, which is one as well */
	bool used_input; /* this inference took one, for `input` is then the driver's again */
	bool numbered;   /* number and seen mean something: every number is a valid one */
	bool silence;    /* nothing was heard for the timeout; kept, for a time difference wraps */
	uint8_t lonely;  /* exchanges in a row that it led and in which it heard nobody */
	uint8_t dull;    /* how much less than a third of the data it hears: DULL_LIMIT */
	bool abandon;    /* the others are at the next inference, which no exchange can name */

	/* Jobs: what counts is from the exchange on the air, or from the one before it, on. */
	bool job_running; /* between compute_begin() and compute_end(), which the driver calls */
	uint8_t produced; /* exchanges from x on whose own rows are made: 0, 1 or 2 */
	/* exchanges from the one before x on that are used up: 0, 1 or 2; before the first
	 * exchange stands the input
	 */
	uint8_t consumed;

	/* Transmission. */
	uint8_t sending; /* how many of `frame` are the driver's */
	uint8_t oldest;  /* of these, the first that was handed out */
	uint8_t opening; /* bit i: frame[i] opened the exchange on the air, whose start it is */

	uint16_t next;       /* own frames of this phase handed out or passed over */
	uint16_t first_slot; /* data slots before the own ones, and all of this exchange: by x, */
	uint16_t slots;      /* but no poll is to add them up again */
	uint16_t answers;    /* bit s: node s said in this round whether it lacks anything */
	uint16_t number;     /* of the inference that runs or that ran last */
	uint16_t seen;       /* the newest number heard or used */
	uint16_t left;       /* the one before, where this node gave way to an older one */
	uint16_t key;        /* cats_frame_key() */
	uint16_t heard;      /* bit s: node s was heard in this inference */
	uint16_t dullards;   /* bit s: node s said CATS_DULL in its last DATA */
	struct cats_exchange front; /* the furthest that others were heard in: all before it end */
	struct cats_exchange x;
	uint16_t taken; /* DATA frames of this exchange: what repair adds does not count */
	const struct cats_image_gather *gather; /* of x */
	uint32_t base_us;                       /* start of the data slots */
	uint32_t limit_us;                      /* latest end of the exchange */
	uint32_t not_before_us;                 /* leader: earliest opening of the next exchange */
	uint32_t opened_us;
	uint32_t heard_us; /* when anything was heard last */
	uint32_t born_us;  /* STARTING: inferences that began before are not this node's */
	uint32_t alone_us; /* lonely: when it sent a SYNC last */
	uint32_t ask_us;   /* pending: when it asks the leader next */
	uint32_t submitted_us;
	uint32_t started_us;
	uint32_t ended_us;
	uint32_t fragments;
	uint32_t lost;
	const int8_t *input;
	struct cats_node_config config;
	struct cats_engine engine;
	/* Exchanges that node s let pass unheard, up to 255. */
	uint8_t quiet[CATS_MAX_NODES];
	struct cats_reception reception[2];
#ifndef CATS_NO_SLEEP
	struct cats_sleep sleep;
#endif
	/** @endcond */
	struct cats_node_stats stats; /**< counters, to be read at any time */
	/** @cond INTERNAL_HIDDEN */
	uint8_t frame[2][CATS_FRAME_MAX];
	struct cats_code code;
#ifndef CATS_NO_HOPS
	uint8_t turn;          /* of this node, the last one that was looked for, */
	uint8_t turn_slot;     /* and its slot */
	bool asked;            /* an ASK was heard that is to be passed on, */
	uint16_t asked_number; /* for this number */
#endif
#ifndef CATS_NO_STREAM
	uint16_t step;   /* number of the step that its keys and values end with */
	bool stepped;    /* there is one */
	bool begins;     /* the next one is to begin a window */
	uint8_t unheard; /* leader: steps in a row that nobody followed, up to 2 */
#endif
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	struct cats_texts texts;
#endif
	/** @endcond */
};

/**
 * @brief Set a node up. It listens first, for the timeout, so that it disturbs no inference.
 *
 * @param now_us the time
 * @retval 0 on success
 * @retval -EINVAL a pointer is missing, the arena is not aligned to 8 bytes, or the period is none
 *                 that cats_period_valid() takes
 * @retval -ENOMEM the arena is too small
 * @retval -EMSGSIZE a frame of the plan exceeds the MTU: export for this transport
 * @retval -ENOTSUP the plan of nodes that relay has no rounds for beacons: export again, or no
 *                  period
 */
int cats_node_init(struct cats_node *node, const struct cats_node_config *config, uint32_t now_us);

/**
 * @brief Give this node's input for the next inference.
 *
 * The leader opens an inference for it as soon as the one that runs has ended. Another node keeps
 * it for the inference that the leader opens; opens it none, it asks for one, after an exchange's
 * time and again after each timeout; hears it none for start_us (times its rank among the nodes
 * alive), it leads. A node that owns no input columns need not submit: it takes part in
 * whatever is opened.
 *
 * @param input int8 [tokens_in][own_inputs], unchanged until the inference that uses it is DONE;
 *              NULL stands for zeros
 * @retval 0 on success
 * @retval -EBUSY another input is waiting
 * @retval -EOVERFLOW a stream whose context has ended: cats_node_rewind()
 */
int cats_node_submit(struct cats_node *node, const int8_t *input, uint32_t now_us);

/**
 * @brief Of a stream: the next step begins a new window, at position 0.
 *
 * The leader's word counts: of another node it is a wish that its ASK carries, for an input of its
 * own that no leader opens an inference for. With CONFIG_CATS_STREAM.
 *
 * @retval 0 on success
 * @retval -ENOTSUP the image is of no stream
 */
int cats_node_rewind(struct cats_node *node);

/**
 * @brief Of a stream: position of the next step's first row, as far as this node knows.
 *
 * cats_context_rows() where the context has ended: cats_node_rewind(); that of a language model
 * never ends. With CONFIG_CATS_STREAM.
 */
uint32_t cats_node_position(const struct cats_node *node);

/**
 * @brief Take a submitted input back.
 *
 * @retval 0 the buffer is the caller's again
 * @retval -EALREADY its inference has begun; it will be DONE
 * @retval -ENOENT none is waiting
 */
int cats_node_withdraw(struct cats_node *node);

/**
 * @brief Give a frame that was heard.
 *
 * Any bytes are safe; what does not fit is counted in stats.rejected. Not kept after the call.
 *
 * @param start_us start of the frame on this node's clock
 * @param now_us   the time, at or after the frame's end
 * @retval 0 it was used, or was a duplicate
 * @retval -EBADMSG it was dropped
 */
int cats_node_receive(struct cats_node *node, const uint8_t *frame, size_t length,
		      uint32_t start_us, uint32_t now_us);

/**
 * @brief Say what became of the oldest frame that a SEND handed out.
 *
 * To be called as soon as its buffer is free. At most two frames are the driver's at a time, so
 * that the next is ready while one is on the air.
 *
 * @param sent     false where it could not be transmitted (the slot is lost)
 * @param start_us its true start: the others' clocks follow it, so the leader's does as well
 * @retval 0 on success
 * @retval -EINVAL there was no such frame
 */
int cats_node_sent(struct cats_node *node, bool sent, uint32_t start_us);

/**
 * @brief Say whether the air was busy at the time of a SENSE: with one frame, with several at once
 *        or with anything else.
 *
 * @param busy whether it was; true where that is not known
 */
void cats_node_sensed(struct cats_node *node, bool busy);

/** @brief Ask what to do. Call it after every other call, and at the time that WAIT said. */
void cats_node_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo);

/**
 * @brief Whether nodes of an image can meet so often: within the limits, and a meeting takes at
 *        most half of it.
 */
bool cats_period_valid(const struct cats_image *image, uint32_t period_us);

/**
 * @brief Set how often nodes meet, from the meeting behind the next one on. The leader's word
 *        counts: its beacons tell it to the others, whose own setting they replace.
 *
 * @retval 0 on success
 * @retval -EINVAL none that cats_period_valid() takes
 * @retval -ENOTSUP the node does not sleep: cats_node_config.period_us was 0
 * @retval -EACCES another node leads
 */
int cats_node_set_period(struct cats_node *node, uint32_t period_us);

/** @brief From one meeting to the next, as the leader has it, microseconds; 0: always awake. */
uint32_t cats_node_period(const struct cats_node *node);

/**
 * @brief The next meeting: when an input that waits then may begin its inference.
 *
 * @param at_us its start on this node's clock, as far as it is known
 * @retval 0 on success
 * @retval -ENOTSUP the node does not sleep
 * @retval -EAGAIN it knows of no meeting yet
 */
int cats_node_next_meeting(const struct cats_node *node, uint32_t *at_us);

/** What a receiver is to do: cats_node_listen(). */
struct cats_listen {
	bool off; /**< nothing for this node comes before from_us */
	bool ask; /**< ask again at ask_us, if nothing happens before */

	uint32_t from_us; /**< off: listen from then on */
	/** ask: if nothing is being received then, nothing comes before again_us */
	uint32_t ask_us;
	/** ask: listen from then on, until told otherwise; perhaps before ask_us */
	uint32_t again_us;
};

/**
 * @brief Whether the receiver may be off: between slots, while nobody sends anything, and from one
 *        meeting to the next.
 *
 * To be asked after each poll that said WAIT, for a radio that takes less without its receiver. It
 * is never wrong to listen. A frame that is being received is received to its end, whatever this
 * says.
 *
 * @param now_us    the time
 * @param detect_us so long behind its start a frame is known to be received; 0: only at its end
 */
void cats_node_listen(const struct cats_node *node, uint32_t now_us, uint32_t detect_us,
		      struct cats_listen *listen);

/**
 * @brief Fetch a job.
 *
 * @retval 0 on success: run it, then call cats_node_compute_end()
 * @retval -EBUSY a job runs
 * @retval -EAGAIN there is none now
 */
int cats_node_compute_begin(struct cats_node *node, struct cats_job *job, uint32_t now_us);

/** @brief Compute. Long; needs no lock; touches the engine, its arena and nothing else. */
void cats_job_run(const struct cats_job *job);

/**
 * @brief Hand a job back.
 *
 * @retval 0 on success
 * @retval -EINVAL no job runs
 */
int cats_node_compute_end(struct cats_node *node, const struct cats_job *job, uint32_t now_us);

/** @brief Whether this node leads: its frames give the others their slots. */
bool cats_node_leads(const struct cats_node *node);

/** @brief Whether this node is in an inference: from its first frame to the poll() after DONE. */
static inline bool cats_node_runs(const struct cats_node *node)
{
	return node->phase >= CATS_NODE_RUNNING;
}

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_NODE_H_ */
