/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 * @brief A simulated air with one node of the C code behind each antenna. Host only.
 *
 * Event driven, in nanoseconds of one simulated time; nodes see microseconds of their own drifting
 * clocks. One channel that all nodes share: transmissions that overlap destroy each other, where
 * both are heard at all, and who transmits hears nothing. Every random draw comes from a stream of
 * its own purpose (and link), so a run is replayed by its seed, and a change of one fault leaves
 * the draws of the others alone.
 */

#ifndef CATS_AIR_H_
#define CATS_AIR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "air_code.h"

#define AIR_NODES 16

/** One directed link; a Gilbert-Elliott channel, stepped with every frame that is sent on it. */
struct air_link {
	double loss;     /**< in the good state (the only one where enter is 0) */
	double bad_loss; /**< in the bad state */
	double enter;    /**< probability of good to bad, a frame */
	double leave;    /**< probability of bad to good, a frame */
};

/** What happens to chosen frames. */
enum air_fault_kind {
	AIR_DROP = 0,
	AIR_DUPLICATE = 1, /**< heard once more, `value` microseconds later */
	AIR_DELAY = 2,     /**< heard `value` microseconds later than it should be */
	AIR_FLIP = 3,      /**< byte `value >> 8` is xored with `value & 255` */
};

/** One fault: frame number `frame` of the run (from 0, in the order of their starts). */
struct air_fault {
	int kind;     /**< enum air_fault_kind */
	int receiver; /**< node, or -1: at every receiver */
	uint32_t frame;
	uint32_t value;
};

/** What happens to a node. */
enum air_event_kind {
	AIR_OFF = 0, /**< its state is lost */
	AIR_ON = 1,
	AIR_JUMP = 2,  /**< its clock shows `value` microseconds more */
	AIR_DRIFT = 3, /**< its clock is wrong by `value` billionths from then on */
};

struct air_event {
	int kind; /**< enum air_event_kind */
	int node;
	bool by_frame; /**< when frame number `at` starts; else `at` microseconds into the run */
	uint64_t at;
	int32_t value;
};

/** From some microseconds into the run on, the links are these. */
struct air_change {
	uint64_t at_us;
	struct air_link link[AIR_NODES][AIR_NODES];
};

/** What somebody sends who keeps to no slot, valid by every check, in the name of a node. */
enum air_babble_kind {
	AIR_REPEAT = 0, /**< what that node sent last */
	AIR_STALE = 1,  /**< what it sent first in the run */
	AIR_SYNC = 2,   /**< a SYNC whose number is `value` from the newest */
	AIR_NEED = 3,   /**< a NEED of the round that runs, which says that something lacks */
};

struct air_babble {
	int kind; /**< enum air_babble_kind */
	int node;
	int32_t value;
	uint64_t from_us;
	uint64_t every_us;
	uint32_t count; /**< so many times; 0: without end */
};

/** What a span of a trace is. */
enum air_span_kind {
	AIR_SPAN_INFERENCE = 0, /**< of a node, to its result */
	AIR_SPAN_FRAME = 1,     /**< is sent, ramp-up included */
	AIR_SPAN_MISSED = 2,    /**< a moment: that frame is not heard here */
	AIR_SPAN_LATE = 3,      /**< a moment: a frame was not ready in time, and is not sent */
	AIR_SPAN_JOB = 4,       /**< enum cats_job_what; code that interrupts it included */
	AIR_SPAN_CODE = 5,      /**< all other code */
	AIR_SPAN_OFF = 6,
};

/** Something that took time at a node; `start_ns` and `end_ns` are simulated time. */
struct air_span {
	uint64_t start_ns;
	uint64_t end_ns;
	uint16_t inference;
	uint16_t length; /**< of a frame, bytes */
	uint8_t kind;    /**< enum air_span_kind */
	uint8_t node;
	uint8_t what;   /**< enum cats_frame_type, or enum cats_job_what */
	uint8_t source; /**< of a frame */
	uint8_t gather;
	uint8_t tile;
	uint8_t round; /**< of a frame */
	uint8_t index; /**< of a frame */
};

struct air_config {
	int nodes;
	const void *image[AIR_NODES]; /**< aligned; must outlive the air */
	size_t image_size[AIR_NODES];
	uint64_t seed;
	/* radio */
	double ramp_us;
	double before_us; /**< of the ramp: before what counts as a frame's start */
	double byte_us;
	uint32_t overhead; /**< bytes around a frame */
	/* faults */
	struct air_link link[AIR_NODES][AIR_NODES]; /**< [source][receiver], antennas */
	double duplicate;                           /**< probability at each receiver */
	double delay;                               /**< the same: heard late, so out of order */
	double delay_us;                            /**< by up to this */
	double blind; /**< the same: silence is sensed, whatever is on the air */
	double flip;  /**< the same: one to three bits wrong, no checksum below CATS notices */
	const struct air_fault *faults;
	size_t fault_count;
	const struct air_event *events;
	size_t event_count;
	const struct air_change *changes; /**< in their order */
	size_t change_count;
	const struct air_babble *babbles; /**< at most AIR_NODES */
	size_t babble_count;
	/** another set of the same images in the room, antennas `nodes` to 2 `nodes` - 1, begins an
	 * inference of zeros so often; 0: there is none
	 */
	uint64_t neighbour_us;
	/* nodes */
	bool on[AIR_NODES];   /**< at the start of the run */
	bool idle[AIR_NODES]; /**< has no input, and asks for no inference */
	double drift_ppm[AIR_NODES];
	uint32_t clock_us[AIR_NODES]; /**< what a node's clock shows at the start */
	bool named; /**< losses without bursts are those of subsys/cats/transport/loss.h */
	uint32_t group;
	uint32_t neighbour_group;
	uint16_t first_inference;
	uint32_t lead_us;
	uint32_t early_us;
	uint32_t late_us;
	uint32_t timeout_us;
	uint32_t start_us;
	uint8_t replay;             /**< of struct cats_node_config */
	const uint32_t *compute_us; /**< [nodes][gathers][2]: produce, consume; NULL: none */
	/** inside inferences, receivers are on when cats_node_listen() says so, not always */
	bool listens;
	uint32_t period_us; /**< 0: nodes do not sleep */
	uint16_t clock_ppm;
	uint16_t jitter_us; /**< so exactly a node wakes up at the time that its clock shows */
	double detect_us;   /**< a frame is noticed so long behind its first bit */
	/** a receiver that was off is on so long before it hears */
	double start_ns;
	bool start_to_send; /**< before its own frames, too */
	double rest_ns;     /**< it is not off for less */
	bool code_counted;  /**< else code takes no time, what stands below is not used */
	struct air_code code;
	double sense_ns; /**< so long behind a frame's start it is told whether one came */
	double hand_ns;  /**< so long before its start the transport must have a frame */
	double tick_ns;  /**< wake-ups wait for the next but one of these; 0: they are exact */
	/* records */
	size_t bits_bytes;      /**< bytes of fragment bits a source in struct air_record */
	struct air_span *spans; /**< where a trace is written, or NULL; must outlive the air */
	size_t span_count;      /**< so many fit: what comes behind them is left out */
};

/** What one inference gave; arrays are the caller's. */
struct air_record {
	int16_t *outputs;    /**< [nodes][output rows * C] */
	uint8_t *flags;      /**< [nodes], AIR_FLAG_* */
	uint32_t *lost;      /**< [nodes] fragments that stayed missing */
	int64_t *latency_us; /**< [nodes] from submit to the result, -1 without one */
	/** [exchanges: gather, tile][receiver][source][bits_bytes], bit f of byte f / 8 */
	uint8_t *bits;
	uint32_t fragments; /**< due: for every receiver that is on, of every other source */
	uint32_t frames;
	uint32_t control;     /**< of these, SYNC and NEED */
	uint32_t coded;       /**< of these, CODED */
	uint32_t collisions;  /**< frames destroyed by others */
	uint32_t late;        /**< frames that the code had too late for their slots: not sent */
	uint32_t unheard;     /**< frames, by receiver, that came while that was off */
	uint32_t overrun;     /**< frames that came while too many waited for a node's processor */
	uint64_t bytes;       /**< on air, overhead included */
	uint64_t air_ns;      /**< on air */
	uint64_t span_ns;     /**< from submit to the last node's result */
	uint64_t idle_ns;     /**< the pause before */
	uint64_t *idle_on_ns; /**< [nodes] of that, with the radio on */
	uint64_t *on_ns;      /**< [nodes] with the radio on from submit to the last result */
	/**
	 * a node took part in two inferences, before and after a restart or a start of its own:
	 * one record cannot hold both
	 */
	bool mixed;
	int32_t *number;    /**< [nodes] of the inference in which a node took part; -1: in none */
	uint16_t *known;    /**< [nodes] of a stream: rows that it had then, these included */
	uint32_t *position; /**< [nodes] of a stream: of the first of these rows */
	uint32_t *token;    /**< [nodes] of a language model: what its step took */
	uint32_t *top;      /**< [nodes] of a language model: position of the text's newest row */
	uint16_t *text;     /**< [nodes] of a language model: the name of the text */
	int hung;           /**< a node without a result at the deadline, or -1 */
};

#define AIR_FLAG_DONE 1    /**< the node gave a result */
#define AIR_FLAG_INPUT 2   /**< it ran with its input (else with zeros), even if it did not end */
#define AIR_FLAG_LED 4     /**< it led at the end */
#define AIR_FLAG_ON 8      /**< it was on when the input was submitted */
#define AIR_FLAG_REPLAY 16 /**< of a language model: it ran a row of before once more */
#define AIR_FLAG_TOLD 32   /**< of a language model: the leader's word told it which step it was */

struct air;

/** @brief Make an air; NULL and a text where a node cannot be set up. The config is copied. */
struct air *air_open(const struct air_config *config, const char **error);

void air_close(struct air *air);

/**
 * @brief Run one inference: submit each node's input, and wait for all results.
 *
 * @param inputs [nodes] int8 [tokens_in][own inputs] each, or NULL entries for zeros
 * @param gap_us pause before
 * @param deadline_us simulated time after which a missing result counts as a hang
 * @return 0, or -1 where record->hung is set
 */
int air_infer(struct air *air, const int8_t *const *inputs, uint64_t gap_us, uint64_t deadline_us,
	      struct air_record *record);

/** @brief Of a stream: the next step begins a window, by the word of all nodes that are on. */
void air_rewind(struct air *air);

/** @brief The node's state, for its statistics. */
struct cats_node *air_node(struct air *air, int node);

/** @brief Node 0's image, for the plan that all share. */
const struct cats_image *air_image(const struct air *air);

/** @brief Frames started in this run so far: the number of the next one. */
uint32_t air_frames(const struct air *air);

/** @brief Spans of the trace so far, perhaps more than fit. */
size_t air_spans(const struct air *air);

/** @brief Simulated time, nanoseconds. */
uint64_t air_now_ns(const struct air *air);

/** @brief Time that a node transmitted, that it computed, and of its other code, nanoseconds. */
uint64_t air_sent_ns(const struct air *air, int node);
uint64_t air_computed_ns(const struct air *air, int node);
uint64_t air_code_ns(const struct air *air, int node);

/** @brief Time that a node's receiver was off inside inferences, nanoseconds. */
uint64_t air_off_ns(const struct air *air, int node);

/** @brief Time for which a node's radio was on, in or outside inferences, nanoseconds. */
uint64_t air_on_ns(const struct air *air, int node);

#endif /* CATS_AIR_H_ */
