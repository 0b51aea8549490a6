/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/**
 * @file
 *
 * @defgroup cats_gather SomeGather
 * @ingroup cats
 * @brief Frames, schedule and repair of one exchange. Portable C11, sans-IO.
 *
 * An exchange is one tile of one gather. This header holds what nodes agree on: the bytes of a
 * frame, the slots of an exchange, and the code that repairs it. It knows no radio, no thread and
 * no state; cats/node.h holds the state. doc/protocol.rst tells the same as a specification.
 *
 * Times are uint32_t microseconds that wrap around; two times compare by the sign of their
 * difference (cats_time_diff()), so no wait may exceed 2^31 - 1 microseconds (35 minutes).
 *
 * @{
 */

#ifndef CATS_GATHER_H_
#define CATS_GATHER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cats/engine.h>
#include <cats/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Protocol version, the high nibble of a frame's first byte. */
#define CATS_PROTOCOL_VERSION 3
/** Bytes in front of every payload. */
#define CATS_FRAME_HEADER 10
/** Largest frame of any transport, header included. */
#define CATS_FRAME_MAX 255
/** Most coded frames of one source in one repair round: a count is a nibble. */
#define CATS_MAX_CODED 15
/** Most coded frames of one source that follow its data unasked. */
#define CATS_MAX_AHEAD 3
/** Exchanges that a node waits in silence before it takes its leader for gone. */
#define CATS_SILENT_EXCHANGES 3
/** Coded frames that a node can hold back until an exchange is solved, over all sources. */
#define CATS_MAX_HELD 64

/** What a frame is, the low nibble of its first byte. */
enum cats_frame_type {
	CATS_FRAME_SYNC = 0,   /**< the leader opens an exchange */
	CATS_FRAME_DATA = 1,   /**< one fragment */
	CATS_FRAME_REPORT = 2, /**< what the sender, and those it heard, lack of each source */
	CATS_FRAME_GRANT = 3, /**< the leader gives each source its coded slots; none: it is over */
	/** a linear combination of all fragments of one source; over several hops of any */
	CATS_FRAME_CODED = 4,
	CATS_FRAME_ASK = 5,    /**< an input waits: the idle leader is to begin an inference */
	CATS_FRAME_BEACON = 6, /**< the leader of nodes that sleep opens a meeting */
};

/** Added to the index of a BEACON: an inference follows at once. */
#define CATS_BEACON_BEGIN 1
/** Added to it: the number of the newest inference is a guess. */
#define CATS_BEACON_GUESS 2
/** Over several hops the leader whom the sender follows stands that many bits higher. */
#define CATS_BEACON_LEADER 4
/** Copies of a BEACON that answer those who asked. */
#define CATS_ANSWERS 2
/** Bytes of a BEACON's payload. */
#define CATS_BEACON_SIZE 10
/** The shortest time from one meeting to the next, microseconds. */
#define CATS_PERIOD_MIN_US 10000u
/** The longest. */
#define CATS_PERIOD_MAX_US 600000000u

/** Added to a coded index: no further round follows. */
#define CATS_CODED_LAST 0x40
/** Coded index of the first coded frame ahead. */
#define CATS_CODED_AHEAD 0x30

/** Added to the slot of DATA: the sender hears so little that it often misses its own slots. Where
 * it does, nobody asks for what it did not send. Added to the index of a SYNC of the first
 * exchange: the leader hears nobody, so only who has no other one follows it.
 */
#define CATS_DULL 0x80

/** What follows a grant. */
enum cats_grant {
	CATS_GRANT_ROUND = 0, /**< its slots, and where it has any, another round if one is left */
	CATS_GRANT_AGAIN = 1, /**< another round, even without slots */
	CATS_GRANT_LAST = 2,  /**< its slots, and nothing else */
};

/** Why a frame was dropped; each reason has its counter. */
enum cats_reject {
	CATS_REJECT_SHORT = 0,    /**< fewer bytes than a header, or more than CATS_FRAME_MAX */
	CATS_REJECT_VERSION = 1,  /**< another protocol version */
	CATS_REJECT_CHECK = 2,    /**< damaged, or of another deployment */
	CATS_REJECT_TYPE = 3,     /**< no such type */
	CATS_REJECT_SOURCE = 4,   /**< no such node, or this very node (a number given twice?) */
	CATS_REJECT_EXCHANGE = 5, /**< no such gather or tile, or no such repair round */
	CATS_REJECT_FRAGMENT = 6, /**< no such fragment, slot or coded index */
	CATS_REJECT_LENGTH = 7,   /**< not the length that the plan gives this frame */
	CATS_REJECT_INFERENCE =
		8,             /**< of an inference that is over, or that this node does not join */
	CATS_REJECT_LATE = 9,  /**< of an exchange that is over here */
	CATS_REJECT_BUSY = 10, /**< ahead of this node: the buffer is still in use */
	CATS_REJECT_LEADER = 11, /**< SYNC or GRANT of a node that this one does not follow */
	CATS_REJECT_REASONS = 12,
};

/** A frame's header, decoded. Byte layout: doc/protocol.rst. */
struct cats_frame {
	uint8_t type;           /**< enum cats_frame_type */
	uint8_t source;         /**< sender, 0..D-1 */
	uint8_t round;          /**< 0: data; 1..R: repair round */
	uint16_t inference;     /**< number of the inference, wraps */
	struct cats_exchange x; /**< gather and tile */
	/** DATA: fragment, or from the number of fragments a coded frame ahead. CODED: coded index,
	 * (round - 1) * 16 + 0..14, and CATS_CODED_LAST; over several hops as REPORT. REPORT: the
	 * leader whom the sender follows. GRANT: enum cats_grant. SYNC: coded frames ahead,
	 * 0..CATS_MAX_AHEAD, and CATS_DULL. ASK: 1 where the number is a guess. BEACON:
	 * CATS_BEACON_BEGIN and CATS_BEACON_GUESS, over several hops CATS_BEACON_LEADER
	 */
	uint8_t index;
	/** DATA: the leader whom the sender follows, and in the high nibble coded frames ahead,
	 * and CATS_DULL. REPORT: 0..D-2, its slot in the round. GRANT: 0 or 1, the copy. CODED:
	 * coded slots of this round after this one; over several hops the slot. SYNC: 0, or 1 for
	 * its copy.
	 * BEACON: 0, or 1 and more for its copies; over several hops for the slots in which it is
	 * repeated. ASK: 0
	 */
	uint8_t slot;
#if !defined(CATS_NO_STREAM) && !defined(CATS_NO_LLAMA)
	/** DATA of a language model: from the oldest row on that the sender lacks, rows up to the
	 * newest one, in units of a 255th of the window, rounded up; 0: it lacks none
	 */
	uint8_t lack;
#endif
	const uint8_t *payload; /**< in the frame that was parsed */
	uint16_t length;        /**< bytes of payload */
};

/** @brief Of SYNC and DATA: coded frames of each source that are ahead. */
static inline uint8_t cats_frame_ahead(const struct cats_frame *frame)
{
	return (frame->type == CATS_FRAME_SYNC ? frame->index : frame->slot >> 4) & CATS_MAX_AHEAD;
}

/** @brief a - b of two wrapping times: negative where @p a is earlier. */
static inline int32_t cats_time_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/** @brief Whether exchange @p a comes before @p b in an inference. */
bool cats_exchange_before(const struct cats_image *image, struct cats_exchange a,
			  struct cats_exchange b);

/**
 * @brief What the check of every frame begins with: the model and the group of nodes that run it.
 *
 * @param group tells two installations of one model in one room apart
 */
uint16_t cats_frame_key(const struct cats_image *image, uint32_t group);

/**
 * @brief Write the header in front of a payload that already stands in the buffer.
 *
 * @param key    cats_frame_key()
 * @param buffer CATS_FRAME_HEADER bytes for the header, then frame->length bytes of payload
 *               (frame->payload is not read)
 * @return bytes of the whole frame
 */
uint16_t cats_frame_seal(uint16_t key, const struct cats_frame *frame, uint8_t *buffer);

/**
 * @brief Decode a frame and check every field against the plan.
 *
 * @param key    cats_frame_key()
 * @param data   bytes from the air, any; not kept, but frame->payload points into them
 * @param length of them
 * @param frame  filled on success, of no use otherwise
 * @return 0, or -1 - reason (enum cats_reject)
 */
int cats_frame_parse(const struct cats_image *image, uint16_t key, const uint8_t *data,
		     size_t length, struct cats_frame *frame);

/** @brief Bytes of the payload of REPORT and GRANT: a nibble for each node. */
uint16_t cats_counts_size(const struct cats_image *image);

/** @brief Pack one count (0..15) a node: node 2 i in the low nibble of byte i. */
void cats_counts_pack(const struct cats_image *image, const uint8_t counts[CATS_MAX_NODES],
		      uint8_t *payload);

/**
 * @brief Raise each count to the one in a payload where that is larger.
 *
 * @param spare so many more than its fragments may be asked of a source; what is above that is not
 *              believed
 */
void cats_counts_merge(const struct cats_image *image, struct cats_exchange x,
		       const uint8_t *payload, uint8_t spare, uint8_t counts[CATS_MAX_NODES]);

/** @brief Data slots before the first one of @p source; with source = D: all of the exchange. */
uint32_t cats_slot_first(const struct cats_image *image, struct cats_exchange x, uint8_t source);

/** @brief From an exchange's opening to its first data slot: one SYNC, two in the first. */
uint32_t cats_sync_us(const struct cats_image *image, struct cats_exchange x);

/** @brief The same with @p ahead coded frames behind the data of each source that has any. */
uint32_t cats_data_slot(const struct cats_image *image, struct cats_exchange x, uint8_t ahead,
			uint8_t source);

/** @brief From an exchange's opening to the end of its data slots, none ahead, microseconds. */
uint32_t cats_data_us(const struct cats_image *image, struct cats_exchange x);

/** @brief From a repair round's start to a report; with slot D-1 to the grant, with D its copy. */
uint32_t cats_report_us(const struct cats_image *image, struct cats_exchange x, uint8_t slot);

/** @brief From a repair round's start to its first coded slot, microseconds. */
uint32_t cats_round_us(const struct cats_image *image, struct cats_exchange x);

/** @brief The longest that an exchange can last, all rounds with all coded slots, microseconds. */
uint32_t cats_exchange_us(const struct cats_image *image, struct cats_exchange x);

/**
 * @brief How long a node hears nothing before it takes the others, or their leader, for gone.
 *
 * CATS_SILENT_EXCHANGES times the longest exchange without coded slots, spacing included, and that
 * of those behind it that are on no air: who loses every frame of an exchange must not disturb the
 * others.
 */
uint32_t cats_silence_us(const struct cats_image *image);

/** What a BEACON says. */
struct cats_beacon {
	uint32_t next_us;   /**< from this meeting to the next one */
	uint32_t period_us; /**< from that one to the one behind it, and so on */
	uint16_t meeting;   /**< number of this meeting, wraps */
};

/** @brief Write a BEACON's payload: CATS_BEACON_SIZE bytes. */
void cats_beacon_pack(const struct cats_beacon *beacon, uint8_t *payload);

/** @brief Read it; false where a time is none that a leader may set. */
bool cats_beacon_unpack(const uint8_t *payload, struct cats_beacon *beacon);

/** @brief Slots of a meeting in which a node may ask for an inference. */
uint8_t cats_ask_slots(const struct cats_image *image);

/**
 * @brief From a meeting to the beacon of @p leader, microseconds.
 *
 * Each leader has its own place, so that who leads in another's place hears that one first.
 */
uint32_t cats_beacon_us(const struct cats_image *image, uint32_t period_us, uint8_t leader);

/** @brief From the start of a beacon to slot @p slot for asking, microseconds. */
uint32_t cats_ask_us(const struct cats_image *image, uint8_t slot);

/** @brief From the start of a beacon to its copy number @p copy, which says that somebody asked. */
uint32_t cats_answer_us(const struct cats_image *image, uint8_t copy);

/** @brief From the start of a beacon to the end of its meeting, if no inference follows. */
uint32_t cats_meeting_us(const struct cats_image *image);

#ifndef CATS_NO_HOPS
/**
 * @brief Over several hops the slot of a turn of @p source, from 0 on; the number of all slots
 *        where it has no such turn.
 */
uint32_t cats_hop_slot(const struct cats_image *image, uint8_t gather, uint8_t source,
		       uint32_t turn);
#endif

/** @brief Bytes of a coded frame's payload: the longest fragment of @p source. */
uint16_t cats_coded_size(const struct cats_image *image, struct cats_exchange x, uint8_t source);

/** @brief The Cauchy coefficient of @p fragment in the coded frame @p index: 1 / (x + y). */
uint8_t cats_coefficient(uint8_t index, uint8_t fragment);

/** @brief Product in GF(256), polynomial 0x11d. */
uint8_t cats_gf_multiply(uint8_t a, uint8_t b);

/** @brief Inverse in GF(256); of 0 it is 0. */
uint8_t cats_gf_invert(uint8_t a);

/** @brief y[i] += factor * x[i] in GF(256), for @p length bytes. */
void cats_gf_add(uint8_t *y, const uint8_t *x, uint8_t factor, uint16_t length);

/** @brief y[i] = factor * y[i] in GF(256), for @p length bytes. */
void cats_gf_scale(uint8_t *y, uint8_t factor, uint16_t length);

/** A coded frame that stands in the place of a fragment that is missing. */
struct cats_held {
	uint8_t source;   /**< of whose fragments */
	uint8_t fragment; /**< in whose place */
	uint8_t index;    /**< which combination */
};

/** What a node has of one exchange. */
struct cats_reception {
	struct cats_exchange x; /**< of which exchange */
	bool final;             /**< nothing is added any more; consume() may read it */
	uint16_t lacking; /**< fragments that neither arrived nor are replaced by a coded frame */
	uint8_t lack[CATS_MAX_NODES]; /**< the same, by source; once final, what stays missing */
	uint8_t held_count;           /**< used places of `held` */
	struct cats_held held[CATS_MAX_HELD]; /**< in no order */
	struct cats_availability available;   /**< fragments that arrived, or were restored */
};

/** @brief Forget everything and receive exchange @p x. */
void cats_reception_begin(const struct cats_image *image, struct cats_reception *r,
			  struct cats_exchange x);

/**
 * @brief Store a DATA frame's payload in its place in the arena.
 *
 * @return false where the fragment is there already
 */
bool cats_reception_data(const struct cats_image *image, struct cats_reception *r, uint8_t *arena,
			 const struct cats_frame *frame);

/**
 * @brief Store a CODED frame's payload, cut to size, in the place of a missing fragment.
 *
 * @return false where it is not needed, is there already, or CATS_MAX_HELD are held
 */
bool cats_reception_coded(const struct cats_image *image, struct cats_reception *r, uint8_t *arena,
			  const struct cats_frame *frame);

/**
 * @brief Close the reception: mark what can be solved as available and let go of the rest.
 *
 * Cheap; the arithmetic is cats_reception_solve()'s.
 *
 * @param repaired set to the number of fragments that coded frames restore
 * @return fragments that stay missing
 */
uint16_t cats_reception_finish(struct cats_reception *r, uint16_t *repaired);

/**
 * @brief Turn held coded frames into the fragments in whose places they stand.
 *
 * Time: for each held frame, all fragments of its source once; stack below 600 bytes.
 */
void cats_reception_solve(const struct cats_image *image, const struct cats_reception *r,
			  uint8_t *arena);

/**
 * @brief Write the payload of a coded frame of this node's own fragments.
 *
 * @param payload cats_coded_size() bytes
 * @return the bytes written
 */
uint16_t cats_code_own(const struct cats_engine *engine, struct cats_exchange x, uint8_t index,
		       uint8_t *payload);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_GATHER_H_ */
