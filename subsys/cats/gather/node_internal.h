/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * The files of a node, each calling those above it only:
 *
 *	frame.c schedule.c gf4.c                bytes, slots and arithmetic: no state
 *	repair.c                                what arrived of an exchange, and what is needed
 *	code.c                                  coded frames: what this node has of all sources
 *	stream.c                                numbers of a stream
 *	replay.c                                rows of a text that are run once more
 *	text.c                                  what steps of a language model take
 *	exchange.c                              phases, rounds and clock of the exchange on the air
 *	meeting.c                               when nodes that sleep meet
 *	hop.c                              over several hops, this node's turns in it
 *	send.c                                  this node's frames in it
 *	inference.c                             from exchange to exchange, and the jobs between
 *	sleep.c                                 what is due at meetings of nodes that sleep
 *	receive.c                               frames of others: joining, following, taking
 *	listen.c                                when the receiver may be off
 *	node.c                                  phases of a node, leaders that are gone, poll()
 */

#ifndef CATS_NODE_INTERNAL_H_
#define CATS_NODE_INTERNAL_H_

#include <cats/node.h>

/* Whether an image may have nothing to send of its input (CONFIG_CATS_OWN_EMBEDDING, _LLAMA). */
#ifdef CATS_NO_OWN_EMBEDDING
#define MAY_SEND_NO_INPUT 0
#else
#define MAY_SEND_NO_INPUT 1
#endif

/* Whether gathers may be on no air (CONFIG_CATS_EMPTY_GATHERS). */
#ifdef CATS_NO_EMPTY_GATHERS
#define MAY_BE_EMPTY 0
#else
#define MAY_BE_EMPTY 1
#endif

/* Whether images may be of language models (CONFIG_CATS_LLAMA). */
#if defined(CATS_NO_LLAMA) || defined(CATS_NO_STREAM)
#define CATS_TEXTS 0
#else
#define CATS_TEXTS 1
#endif

/* Whether nodes may relay (CONFIG_CATS_HOPS). */
#ifdef CATS_NO_HOPS
#define HOPS 0
#else
#define HOPS 1
#endif

/* How far behind the newest number a late frame may be. */
#define STALE_NUMBERS 64

/* Numbers are serial numbers (RFC 1982): of two, one is newer, however they wrap. */
static inline bool newer(uint16_t number, uint16_t than)
{
	return (uint16_t)(number - than - 1) < INT16_MAX;
}

/* Exchanges without a sign of life after which a source is no longer asked for repair. */
#define GONE_EXCHANGES 4
/* Exchanges in a row in which node 0 hears nobody until it takes itself for alone. */
#define ALONE_EXCHANGES 12
/* A node that hears less than a third of the data asks for no repair: it would take everybody's
 * time. Each fragment that it missed counts one, each that it heard takes two off, at most so many
 * an exchange.
 */
#define DULL_LIMIT 12
#define DULL_STEP 4

static inline const struct cats_image *image_of(const struct cats_node *node)
{
	return node->config.image;
}

static inline uint8_t nodes_of(const struct cats_node *node)
{
	return node->config.image->header->nodes;
}

static inline uint8_t self_of(const struct cats_node *node)
{
	return node->config.image->header->node;
}

static inline bool leads(const struct cats_node *node)
{
	return node->leader == self_of(node);
}

/* Whether nodes relay. */
static inline bool relays(const struct cats_image *image)
{
	return HOPS && (image->model->flags & CATS_FLAG_HOPS) != 0;
}

#if HOPS
/* frame.c: the turns of a gather. */
const struct cats_image_hop *cats_hop_of(const struct cats_image *image, uint32_t gather);
#else
#define cats_hop_of(image, gather) cats_hops(image)
#endif

/* Rounds in which a beacon is repeated; 0 of one hop. */
static inline uint32_t repeats_of(const struct cats_image *image)
{
	return relays(image) ? cats_hops(image)->repeats : 0;
}

/* From a slot in which a beacon is repeated to the next one: who hears it there answers here. */
static inline uint32_t repeat_us(const struct cats_image *image)
{
	return 2u * image->gathers[0].control_us + image->gathers[0].turn_us;
}

static inline struct cats_reception *current_of(struct cats_node *node)
{
	return &node->reception[node->air];
}

static inline struct cats_reception *previous_of(struct cats_node *node)
{
	return &node->reception[node->air ^ 1];
}

#if CATS_TEXTS
/* Whether INPUT carries the row of a token, from the node that has it: its owner. */
static inline bool has_rows(const struct cats_image *image)
{
	return (image->model->flags & CATS_FLAG_ROWS) != 0;
}

/* exchange.c: who sends in INPUT, before it is opened. */
void cats_exchange_own(struct cats_node *node, uint8_t owner);
#endif

/* Fragments of a source in the exchange on the air. */
static inline uint16_t fragments_of(const struct cats_node *node, uint8_t source)
{
	return cats_fragment_count(image_of(node), node->x, source);
}

static inline bool same_exchange(struct cats_exchange a, struct cats_exchange b)
{
	return a.gather == b.gather && a.tile == b.tile;
}

static inline bool first_exchange(struct cats_exchange x)
{
	return x.gather == 0 && x.tile == 0;
}

/* Whether an own step waits for who knows the tokens of rows that this node lacks: replay.c. */
static inline bool holds(const struct cats_node *node)
{
#if CATS_TEXTS
	return node->pending && node->texts.holds;
#else
	(void)node;
	return false;
#endif
}

/* Whether an inference that runs a row once more ends with an exchange: with the first one of the
 * last block that is on the air, whose keys and values are made by then.
 */
static inline bool ends_replay(const struct cats_node *node, struct cats_exchange x)
{
#if CATS_TEXTS
	const struct cats_image *image = image_of(node);
	const struct cats_image_gather *gather = &image->gathers[x.gather];

	return node->texts.replays && gather->kind != CATS_GATHER_INPUT &&
	       gather->block + 1u == image->model->blocks;
#else
	(void)node;
	(void)x;
	return false;
#endif
}

/* No exchange is behind the one on the air. */
static inline bool last_exchange(const struct cats_node *node)
{
	struct cats_exchange next = node->x;

	return ends_replay(node, next) || !cats_exchange_next(image_of(node), &next);
}

/* Whether the exchange on the air is opened and not over. */
static inline bool exchange_open(const struct cats_node *node)
{
	return node->exchange != CATS_EXCHANGE_WAITING && node->exchange != CATS_EXCHANGE_OVER;
}

/* Whether this node may ask for what it lacks, and lead in place of one whom it does not hear. */
static inline bool hears_enough(const struct cats_node *node)
{
	return node->dull < DULL_LIMIT;
}

/* A source that is not asked for repair any more, until it is heard. */
static inline bool source_gone(const struct cats_node *node, uint8_t source)
{
	return node->quiet[source] >= GONE_EXCHANGES;
}

/* A leader that hears nobody, or too little where it leads in another's place: it keeps quiet but
 * for a SYNC now and then, since others may lead meanwhile.
 */
static inline bool leads_alone(const struct cats_node *node)
{
	if (!leads(node) || self_of(node) == 0) {
		return leads(node) && node->lonely >= ALONE_EXCHANGES;
	}
	return node->lonely >= CATS_SILENT_EXCHANGES || !hears_enough(node);
}

static inline bool source_dull(const struct cats_node *node, uint8_t source)
{
	return (node->dullards >> source & 1) != 0;
}

static inline bool past(uint32_t now_us, uint32_t at)
{
	return cats_time_diff(now_us, at) >= 0;
}

/* How far a frame, or the processing of one, may be behind its slot. */
static inline uint32_t late_us(const struct cats_node *node)
{
	return node->config.late_us != 0 ? node->config.late_us : node->gather->slot_us / 32;
}

/* repair.c */

/* Whether this node asks for repair of the exchange on the air. */
bool cats_needs(const struct cats_node *node);

/* code.c */

/* The fragments of the exchange on the air, and as columns those that are to be solved for. */
void cats_code_lay(struct cats_node *node);
/* A combination of what this node has; its bytes, 0 where that is nothing. */
uint16_t cats_code_build(struct cats_node *node, const struct cats_frame *frame, uint8_t *payload);
/* A frame with a payload was heard: fragments that are there now are counted; false where it tells
 * nothing new.
 */
bool cats_code_take(struct cats_node *node, const struct cats_frame *frame, uint32_t *counter);

/* hop.c */

#if HOPS
/* An ASK was heard. Unless it leads, or did so lately, this node asks for that number as well when
 * it is idle; each in its own time.
 */
void cats_hop_pass(struct cats_node *node, const struct cats_frame *frame, uint32_t now_us);
/* This node's next turn that is not over: its frame and its time; false where there is none. */
bool cats_hop_next(struct cats_node *node, uint32_t late, struct cats_frame *frame, uint32_t *at);
#else
#define cats_hop_slot(image, gather, source, turn) 0u
#define cats_hop_pass(node, frame, now_us)
#define cats_hop_next(node, late, frame, at) false
#endif

/* stream.c */

#ifndef CATS_NO_STREAM
/* The number behind the newest one; of a stream that is to begin, the first of the next window. */
uint16_t cats_next_number(const struct cats_node *node);
/* That of an inference of a stream that this node founds; whether nobody followed its last. */
uint16_t cats_inference_number(struct cats_node *node, bool unheard);
/* The input of an inference is about to be taken: the engine is told its position. */
void cats_inference_seek(struct cats_node *node);

static inline bool is_stream(const struct cats_node *node)
{
	return (node->config.image->model->flags & CATS_FLAG_STREAM) != 0;
}
#else
#define cats_next_number(node) ((uint16_t)((node)->seen + 1))
#endif

/* replay.c, text.c; whether a frame carries what a step takes: frame.c */

#if CATS_TEXTS
static inline bool is_text(const struct cats_node *node)
{
	return (node->config.image->model->flags & CATS_FLAG_LLAMA) != 0;
}

/* What frames of this node say that it lacks; and a frame of another, of the step that runs. */
uint8_t cats_replay_tell(const struct cats_node *node);
void cats_replay_hear(struct cats_node *node, const struct cats_frame *frame);
/* The step that runs row @p row of the text once more; whether its token is known. */
bool cats_replay_row(const struct cats_node *node, uint32_t row, struct cats_text *text);
/* Whether a frame may tell of such a step. */
bool cats_replay_valid(const struct cats_node *node, const struct cats_text *text);
/* Such a step is about to begin, or another one: the engine is told its position. */
void cats_replay_begin(struct cats_node *node, const struct cats_text *text);
void cats_replay_seek(struct cats_node *node, const struct cats_text *text);
/* A step has ended: whether rows are to be run once more. */
void cats_replay_end(struct cats_node *node);
/* Whether the leader's next step waits for who knows the tokens of rows that are. */
bool cats_replay_holds(struct cats_node *node, uint32_t now_us, struct cats_todo *todo);
bool cats_tells_text(const struct cats_image *image, const struct cats_frame *frame);
/* The payload of an own SYNC or ASK; its bytes, 0 where there is nothing to tell. */
uint16_t cats_text_tell(const struct cats_node *node, const struct cats_frame *frame,
			uint8_t *payload);
/* A frame of another, of the inference that runs. */
void cats_text_hear(struct cats_node *node, const struct cats_frame *frame);
/* The input of a step is about to be taken: which one, and the engine is told its position. */
const int8_t *cats_text_begin(struct cats_node *node);
/* A step has ended: what comes next. */
void cats_text_end(struct cats_node *node);
/* The next step's token, into texts.offered; false where there is none. */
bool cats_text_next(struct cats_node *node);
/* Whether what this node's input is, is that of all others that know the text. */
bool cats_text_common(const struct cats_node *node);
/* The exchange on the air is over: the next one may be opened sooner while the window fills. */
void cats_text_hurry(struct cats_node *node, const struct cats_image_gather *gather);
/* What its result tells. */
void cats_text_result(const struct cats_node *node, struct cats_result *result);
#else
#define is_text(node) false
#define cats_tells_text(image, frame) false
#define cats_text_hear(node, frame)
#define cats_text_end(node)
#define cats_replay_hear(node, frame)
#endif

/* When a round of repair of the exchange on the air begins; with R + 1 when it ends. */
static inline uint32_t round_at(const struct cats_node *node, uint8_t round)
{
	return node->base_us +
	       cats_repair_us(image_of(node), node->gather, node->slots, node->effort, round);
}

/* exchange.c */

/* Where what happens in exchanges of its kind is counted. */
struct cats_gather_stats *cats_stats_of(struct cats_node *node, struct cats_exchange x);

/* Wait for exchange x to be opened. */
void cats_exchange_enter(struct cats_node *node, struct cats_exchange x);
/* The leader opens it at @p at_us. */
void cats_exchange_open(struct cats_node *node, uint32_t at_us);
/* When the first data slot was, by a frame of its exchange; in a round, of that on the air. */
uint32_t cats_exchange_base(const struct cats_node *node, const struct cats_frame *frame,
			    uint32_t start_us);
/* Take the clock, and what it says of repair, from a frame of the exchange on the air. */
void cats_exchange_clock(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us,
			 uint32_t now_us);
/* This round takes place: somebody lacks something. */
void cats_exchange_need(struct cats_node *node);
/* The start of a data slot. */
uint32_t cats_exchange_data_at(const struct cats_node *node, uint32_t slot);
/* Phases as time passes. */
void cats_exchange_tick(struct cats_node *node, uint32_t now_us);
/* Earliest time at which cats_exchange_tick() has something to do; false where there is none. */
bool cats_exchange_wake(struct cats_node *node, uint32_t *at);
/* Nothing is added to what the node has of it. */
void cats_exchange_finish(struct cats_node *node);
/* It is over. */
void cats_exchange_close(struct cats_node *node, uint32_t now_us);

/* send.c */

/* This node's next frame and the start of its slot; false where none is to be sent now. */
bool cats_send_next(struct cats_node *node, uint32_t now_us, struct cats_frame *frame,
		    uint32_t *at);
/* Which of node->frame is free; at most one of them is the driver's. */
uint8_t cats_send_slot(const struct cats_node *node);
/* The driver takes that frame: write it there. Its length, or 0: it is not needed. */
uint16_t cats_send_build(struct cats_node *node, struct cats_frame *frame, uint32_t at);

/* sleep.c and node.c: here, for a function of one file is smaller than one that others call. */

/* poll() is to be called at that time. */
static void __attribute__((__noinline__, __unused__)) consider(struct cats_todo *todo, uint32_t at)
{
	if (todo->forever || cats_time_diff(at, todo->at) < 0) {
		todo->at = at;
	}
	todo->forever = false;
}

/* Whether a time has come; else poll() is to be called then. */
static inline bool reached(struct cats_todo *todo, uint32_t now_us, uint32_t at)
{
	if (past(now_us, at)) {
		return true;
	}
	consider(todo, at);
	return false;
}

/* Place in the order in which nodes take over from a leader that is gone, from 1. */
static inline uint32_t rank(const struct cats_node *node)
{
	uint32_t before = 0;

	for (uint32_t s = 0; s < self_of(node); s++) {
		before += s != node->leader && !source_gone(node, s);
	}
	return before + 1;
}

static inline void take_over(struct cats_node *node)
{
	node->leader = self_of(node);
	node->stats.takeovers++;
}

/* Build a frame, and have the driver send it. */
static inline void hand_out(struct cats_node *node, struct cats_frame *frame, uint32_t at,
			    struct cats_todo *todo)
{
	uint8_t slot = cats_send_slot(node);

	todo->length = cats_send_build(node, frame, at);
	if (todo->length == 0) {
		if (frame->type == CATS_FRAME_NEED) {
			todo->what = CATS_TODO_SENSE;
			todo->at = at;
		}
	} else {
		todo->what = CATS_TODO_SEND;
		todo->at = at;
		todo->frame = node->frame[slot];
		cats_stats_of(node, frame->x)->sent++;
	}
}

/* inference.c */

/* Take part in an inference, from its first exchange on. */
void cats_inference_begin(struct cats_node *node, uint16_t number, uint32_t now_us);
/* Begin one, as its leader. */
void cats_inference_found(struct cats_node *node, uint32_t now_us);
/* A number is the newest one from now on. */
void cats_inference_see(struct cats_node *node, uint16_t number);
/* Go on to the next exchange as far as the jobs have come; end the inference after the last. */
void cats_inference_settle(struct cats_node *node, uint32_t now_us);
/* The job that is due, into @p job; false where there is none. */
bool cats_inference_job(struct cats_node *node, struct cats_job *job);

/* meeting.c, sleep.c */

#ifndef CATS_NO_SLEEP
/* Beacons by which who founds meetings calls, within the first period: all others listen. */
#define CATS_CALLS 8u

/* How far from its time a frame may begin, in a meeting. */
uint32_t cats_meeting_spread(const struct cats_node *node);
/* How much earlier or later than expected the next meeting may be. */
uint32_t cats_meeting_guard(const struct cats_node *node);
/* From a meeting to a leader's beacon. */
uint32_t cats_meeting_place(const struct cats_node *node, uint8_t leader);
/* Whether it leads in another's place: it listens for that one before and behind its beacon. */
bool cats_meeting_stands_in(const struct cats_node *node);
/* When a follower has missed the next one. */
uint32_t cats_meeting_closes(const struct cats_node *node);
/* The meeting behind the next one is the next, so much later by the leader's clock. */
void cats_meeting_advance(struct cats_sleep *s, uint32_t us);
/* The leader's drift is not known; it is learned from the meeting at @p at on. */
void cats_meeting_forget(struct cats_sleep *s, uint32_t at);

static inline bool sleeps(const struct cats_node *node)
{
	return node->sleep.period_us != 0;
}
/* It knows of no meeting yet: 0, or -EINVAL where the period is none. */
int cats_sleep_init(struct cats_node *node, uint32_t now_us);
/* Outside inferences: what is due. */
void cats_sleep_poll(struct cats_node *node, uint32_t now_us, struct cats_todo *todo);
/* An inference has ended. */
void cats_sleep_resume(struct cats_node *node, uint32_t now_us);
/* A BEACON, or an ASK, of another: 0, or -1 - reason. */
int cats_sleep_beacon(struct cats_node *node, const struct cats_frame *frame, uint32_t start_us);
int cats_sleep_asked(struct cats_node *node);
/* The fields and the payload of an own BEACON. */
void cats_sleep_build(struct cats_node *node, struct cats_frame *frame, uint8_t *payload);
/* What became of the oldest frame that is the driver's, if it is a BEACON. */
void cats_sleep_sent(struct cats_node *node, bool sent, uint32_t start_us);
/* cats_node_listen() outside inferences. */
void cats_sleep_listen(const struct cats_node *node, uint32_t now_us, struct cats_listen *listen);
#else
#define sleeps(node) false
#define cats_sleep_init(node, now_us) 0
#define cats_sleep_poll(node, now_us, todo)
#define cats_sleep_resume(node, now_us)
#define cats_sleep_asked(node) 0
#define cats_sleep_sent(node, sent, start_us)
#define cats_sleep_listen(node, now_us, listen)
#endif

#endif /* CATS_NODE_INTERNAL_H_ */
