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
 * frame, the slots of an exchange, and what repairs it. It knows no radio, no thread and
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
#define CATS_PROTOCOL_VERSION 4
/** Bytes in front of every payload. */
#define CATS_FRAME_HEADER 10
/** Largest frame of any transport, header included. */
#define CATS_FRAME_MAX 255
/** Exchanges that a node waits in silence before it takes its leader for gone. */
#define CATS_SILENT_EXCHANGES 3
/** Most fragments of all sources in an exchange that is repaired. */
#define CATS_MAX_CODED_FRAGMENTS 96
/** Of so many all are combined in each turn of repair, of more one half in each. */
#define CATS_DENSE_FRAGMENTS 40

/** What a frame is, the low nibble of its first byte. */
enum cats_frame_type {
	CATS_FRAME_SYNC = 0,   /**< the leader opens an exchange */
	CATS_FRAME_DATA = 1,   /**< one fragment */
	CATS_FRAME_NEED = 2,   /**< whether the sender, or one that it heard, lacks anything */
	CATS_FRAME_CODED = 3,  /**< a linear combination of fragments of all sources */
	CATS_FRAME_ASK = 4,    /**< an input waits: the idle leader is to begin an inference */
	CATS_FRAME_BEACON = 5, /**< the leader of nodes that sleep opens a meeting */
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

/** Added to the index of NEED: something lacks. Without, the sender only says that nothing does. */
#define CATS_NEEDED 0x80
/** In the index of SYNC, NEED and CODED and the slot of DATA, of an exchange with several rounds of
 * repair: the leader's word how many turns they have, 0 few to 3; see cats_repair_turns().
 */
#define CATS_EFFORT 0x60
/** Where it stands there. */
#define CATS_EFFORT_SHIFT 5
/** The most of it. */
#define CATS_EFFORT_MAX (CATS_EFFORT >> CATS_EFFORT_SHIFT)

/** Added to the slot of DATA: the sender hears so little that it often misses its own slots. Where
 * it does, nobody asks for what it did not send. Added to the index of a SYNC of the first
 * exchange: the leader hears nobody, so only who has no other one follows it.
 */
#define CATS_DULL 0x80

/** Why a frame was dropped; each reason has its counter. */
enum cats_reject {
	CATS_REJECT_SHORT = 0,    /**< fewer bytes than a header, or more than CATS_FRAME_MAX */
	CATS_REJECT_VERSION = 1,  /**< another protocol version */
	CATS_REJECT_CHECK = 2,    /**< damaged, or of another deployment */
	CATS_REJECT_TYPE = 3,     /**< no such type */
	CATS_REJECT_SOURCE = 4,   /**< no such node, or this very node (a number given twice?) */
	CATS_REJECT_EXCHANGE = 5, /**< no such gather or tile, or no such repair round */
	CATS_REJECT_FRAGMENT = 6, /**< no such fragment or slot */
	CATS_REJECT_LENGTH = 7,   /**< not the length that the plan gives this frame */
	CATS_REJECT_INFERENCE =
		8,             /**< of an inference that is over, or that this node does not join */
	CATS_REJECT_LATE = 9,  /**< of an exchange that is over here */
	CATS_REJECT_BUSY = 10, /**< ahead of this node: the buffer is still in use */
	CATS_REJECT_LEADER = 11, /**< SYNC of a node that this one does not follow */
	CATS_REJECT_REASONS = 12,
};

/** A frame's header, decoded. Byte layout: doc/protocol.rst. */
struct cats_frame {
	uint8_t type;           /**< enum cats_frame_type */
	uint8_t source;         /**< sender, 0..D-1 */
	uint8_t round;          /**< 0: data; 1..R: repair round */
	uint16_t inference;     /**< number of the inference, wraps */
	struct cats_exchange x; /**< gather and tile */
	/** DATA: fragment. NEED and CODED: the leader whom the sender follows, and CATS_EFFORT;
	 * NEED: and CATS_NEEDED. SYNC: 0, CATS_EFFORT and CATS_DULL. ASK: 1 where the number is a
	 * guess. BEACON: CATS_BEACON_BEGIN and CATS_BEACON_GUESS, over several hops
	 * CATS_BEACON_LEADER
	 */
	uint8_t index;
	/** DATA: the leader whom the sender follows, CATS_EFFORT and CATS_DULL. NEED: its slot in
	 * the round. CODED: its turn in the round; over several hops the slot. SYNC: 0, or 1 and 2
	 * for its copies.
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

/** @brief Data slots before the first one of @p source; with source = D: all of the exchange. */
uint32_t cats_slot_first(const struct cats_image *image, struct cats_exchange x, uint8_t source);

/** Of so few fragments an exchange may be missed as a whole: then nobody asks for its repair. */
#define CATS_FEW_FRAGMENTS 2

/**
 * @brief How often an exchange is opened: its SYNCs. Twice the first one of an inference, three
 *        times one of at most CATS_FEW_FRAGMENTS with rounds of repair.
 *
 * @param fragments of all its sources
 */
uint8_t cats_openings(const struct cats_image *image, struct cats_exchange x, uint32_t fragments);

/**
 * @brief From an exchange's opening by @p leader to its first data slot: its SYNCs, and a turn, but
 *        where they are one, and node 0 leads and has data of its own.
 */
uint32_t cats_sync_us(const struct cats_image *image, struct cats_exchange x, uint8_t leader,
		      uint32_t fragments);

/** @brief From an exchange's opening to the end of its data slots at the latest. */
uint32_t cats_data_us(const struct cats_image *image, struct cats_exchange x);

/**
 * @brief Whether a round of repair begins with a need slot: whoever lacks something sends in it,
 *        all at once, and silence ends the exchange. Not where a radio cannot tell silence: ble.
 */
bool cats_senses(const struct cats_image *image);

/** @brief Slots of a round in which nodes say whether they lack anything: 1 for all, or D. */
uint8_t cats_need_slots(const struct cats_image *image);

/**
 * @brief Turns of repair round @p round, 1..R, one slot each, in an exchange of T @p fragments of
 *        all sources.
 *
 * With effort e of 1 to 3 the first of several rounds has 4 + e (T - T / D) / 6, the second
 * 5 e + T / (4 D). With effort 0 the first has 2 + T / 24, and the second so many more than with
 * effort 1. A third has 4 + T / 8, a single one 4 + (T - T / D) / 6. All nodes have theirs one
 * after the other, from the one behind the leader on; the next round goes on where the one before
 * ended.
 *
 * @param effort of CATS_EFFORT
 */
uint32_t cats_repair_turns(const struct cats_image *image, const struct cats_image_gather *gather,
			   uint32_t fragments, uint8_t effort, uint8_t round);

/** @brief The slot of a coded frame of repair, microseconds. */
static inline uint32_t cats_coded_us(const struct cats_image_gather *gather)
{
	return gather->slot_us + gather->coded_us;
}

/** @brief From a repair round's start to its need slot number @p slot, microseconds. */
uint32_t cats_need_us(const struct cats_image_gather *gather, uint8_t round, uint8_t slot);

/**
 * @brief From a repair round's start to its first turn, microseconds: behind the need slots two
 *        times turn_us or a coded slot, whichever is shorter; over ble a coded slot.
 */
uint32_t cats_round_us(const struct cats_image *image, const struct cats_image_gather *gather,
		       uint8_t round);

/**
 * @brief From the first data slot of such an exchange to the start of repair round @p round, 1..R,
 *        where all before it took place, microseconds; with R + 1 to the end.
 */
uint32_t cats_repair_us(const struct cats_image *image, const struct cats_image_gather *gather,
			uint32_t fragments, uint8_t effort, uint8_t round);

/** @brief The longest that an exchange can last, all rounds, microseconds. */
uint32_t cats_exchange_us(const struct cats_image *image, struct cats_exchange x);

/**
 * @brief How long a node hears nothing before it takes the others, or their leader, for gone.
 *
 * CATS_SILENT_EXCHANGES times the longest exchange without repair, spacing included, and that
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

/**
 * @brief Bytes of a coded frame's payload: a bit for each fragment of the exchange, and as many as
 *        the longest of them; over several hops the plan's.
 */
uint16_t cats_coded_size(const struct cats_image *image, struct cats_exchange x);

/** What a node has of one exchange. */
struct cats_reception {
	struct cats_exchange x;             /**< of which exchange */
	bool final;                         /**< nothing is added any more; consume() may read it */
	uint16_t lacking;                   /**< fragments that neither arrived nor were restored */
	uint8_t lack[CATS_MAX_NODES];       /**< the same, by source */
	struct cats_availability available; /**< fragments that arrived, or were restored */
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

/** @brief Fragment @p fragment of @p source, which lacked, is in its place. */
void cats_reception_has(struct cats_reception *r, uint8_t source, uint16_t fragment);

#ifdef __cplusplus
}
#endif

/** @} */

#endif /* CATS_GATHER_H_ */
