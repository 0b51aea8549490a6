/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include <cats/gather.h>

#include "survey.h"

#define MAGIC 0x56525553u /* "SURV" */

/* A frame is handed over so long before its slot. */
#define LEAD_US 8000

/* Whose time this board follows may be silent for so many periods. */
#define PATIENCE 8

/* As it is on the air, filled up to the largest frame: longer frames are lost more often. */
struct frame {
	uint8_t magic[4];
	uint8_t nodes;
	uint8_t sender;
	uint8_t root;
	uint8_t hops;
	struct column own;
	struct column other;
};

BUILD_ASSERT(sizeof(struct frame) <= 116, "larger than a frame of 802.15.4");

/* The frame is copied by send(), and all boards of a process have one queue. */
static uint8_t out[CATS_FRAME_MAX];

static void wait_for_slot(struct survey *survey)
{
	uint32_t at = survey->slot_us - LEAD_US;

	if (TRANSPORT.wake != NULL) {
		TRANSPORT.wake(&survey->port, &survey->due, at);
	} else {
		int32_t us = cats_time_diff(at, TRANSPORT.now());

		(void)k_work_reschedule_for_queue(&cats_air_queue, &survey->due,
						  K_USEC(MAX(us, 0)));
	}
}

/*
 * Columns
 */

static uint8_t count_ones(uint64_t bits)
{
	return (uint8_t)(POPCOUNT((uint32_t)bits) + POPCOUNT((uint32_t)(bits >> 32)));
}

/* A period has passed. */
static void update_own_column(struct survey *survey)
{
	struct column *own = &survey->columns[survey->self];
	uint64_t window = UINT64_MAX;

	own->periods = MIN(own->periods + 1, CONFIG_SURVEY_PERIODS);
	window >>= 64 - own->periods;
	survey->period++;
	sys_put_le16(survey->period, own->stamp);
	for (int s = 0; s < CONFIG_SURVEY_NODES; s++) {
		own->heard[s] = count_ones(survey->history[s] & window);
		survey->history[s] <<= 1;
	}
}

static void take_column(struct survey *survey, const struct column *column, uint8_t sender)
{
	struct column *known;

	if (column->periods == 0 || column->owner >= CONFIG_SURVEY_NODES ||
	    column->owner == survey->self) {
		return;
	}
	known = &survey->columns[column->owner];
	/* Its owner's word goes before: it may have restarted. */
	if (column->owner == sender || known->periods == 0 ||
	    (int16_t)(sys_get_le16(column->stamp) - sys_get_le16(known->stamp)) > 0) {
		*known = *column;
	}
}

/* Another board's column, by turns. */
static const struct column *next_column(struct survey *survey)
{
	for (int i = 0; i < CONFIG_SURVEY_NODES; i++) {
		survey->told = (survey->told + 1) % CONFIG_SURVEY_NODES;
		if (survey->told != survey->self && survey->columns[survey->told].periods != 0) {
			break;
		}
	}
	return &survey->columns[survey->told];
}

/*
 * Time
 */

static void follow_nobody(struct survey *survey)
{
	survey->root = survey->self;
	survey->hops = 0;
	survey->parent = survey->self;
}

/* A frame started in its sender's slot. */
static void follow(struct survey *survey, const struct frame *frame, uint32_t start)
{
	uint8_t hops = frame->hops + 1;
	bool better =
		frame->root < survey->root || (frame->root == survey->root && hops < survey->hops);

	if ((!better && frame->sender != survey->parent) || frame->root >= survey->self ||
	    hops >= CONFIG_SURVEY_NODES) {
		return;
	}
	survey->root = frame->root;
	survey->hops = hops;
	survey->parent = frame->sender;
	survey->silent = 0;
	survey->slot_us = start + (survey->self + CONFIG_SURVEY_NODES - frame->sender) %
					  CONFIG_SURVEY_NODES * SLOT_US;
	if (cats_time_diff(survey->slot_us - LEAD_US, TRANSPORT.now()) <= 0) {
		survey->slot_us += PERIOD_US; /* its frame is on its way */
	}
	wait_for_slot(survey);
}

/* Boards that all hear nobody may have slots at the same time: until they do, each has another
 * period.
 */
static uint32_t period_us(const struct survey *survey)
{
	uint64_t heard = 0;

	for (int s = 0; s < CONFIG_SURVEY_NODES; s++) {
		heard |= survey->history[s] & BIT64_MASK(PATIENCE);
	}
	return PERIOD_US + (heard == 0 ? survey->self * SLOT_US / 2 : 0);
}

/*
 * The air queue
 */

static void slot_due(struct k_work *work)
{
	struct k_work_delayable *due = k_work_delayable_from_work(work);
	struct survey *survey = CONTAINER_OF(due, struct survey, due);
	struct frame *frame = (struct frame *)out;

	(void)k_mutex_lock(&survey->lock, K_FOREVER);
	update_own_column(survey);
	survey->silent++;
	if (survey->silent > PATIENCE) {
		follow_nobody(survey);
	}
	sys_put_le32(MAGIC, frame->magic);
	frame->nodes = CONFIG_SURVEY_NODES;
	frame->sender = survey->self;
	frame->root = survey->root;
	frame->hops = survey->hops;
	frame->own = survey->columns[survey->self];
	frame->other = *next_column(survey);
	(void)k_mutex_unlock(&survey->lock);

	(void)TRANSPORT.send(&survey->port, out, TRANSPORT.mtu, survey->slot_us);
	survey->slot_us += period_us(survey);
	wait_for_slot(survey);
}

static void received(struct cats_port *port, const uint8_t *data, uint16_t size, uint32_t start)
{
	struct survey *survey = CONTAINER_OF(port, struct survey, port);
	const struct frame *frame = (const struct frame *)data;

	if (size < sizeof(*frame) || sys_get_le32(frame->magic) != MAGIC ||
	    frame->nodes != CONFIG_SURVEY_NODES || frame->sender >= CONFIG_SURVEY_NODES ||
	    frame->sender == survey->self) {
		return;
	}
	(void)k_mutex_lock(&survey->lock, K_FOREVER);
	survey->history[frame->sender] |= 1;
	survey->columns[survey->self].power[frame->sender] = port->power;
	take_column(survey, &frame->own, frame->sender);
	take_column(survey, &frame->other, frame->sender);
	(void)k_mutex_unlock(&survey->lock);
	follow(survey, frame, start);
}

static void sent(struct cats_port *port, bool ok, uint32_t start)
{
	ARG_UNUSED(port);
	ARG_UNUSED(ok);
	ARG_UNUSED(start);
}

int survey_start(struct survey *survey, uint8_t self)
{
	int ret;

	survey->self = self;
	survey->columns[self].owner = self;
	survey->port.received = received;
	survey->port.sent = sent;
	follow_nobody(survey);
	(void)k_mutex_init(&survey->lock);
	k_work_init_delayable(&survey->due, slot_due);
	ret = TRANSPORT.attach(&survey->port);
	if (ret != 0) {
		return ret;
	}
	/* Who was on before is heard first. */
	survey->slot_us = TRANSPORT.now() + 2 * PERIOD_US;
	(void)k_work_schedule_for_queue(&cats_air_queue, &survey->due,
					K_USEC(2 * PERIOD_US - LEAD_US));
	return 0;
}

void survey_read(struct survey *survey, struct column columns[CONFIG_SURVEY_NODES])
{
	(void)k_mutex_lock(&survey->lock, K_FOREVER);
	memcpy(columns, survey->columns, sizeof(survey->columns));
	(void)k_mutex_unlock(&survey->lock);
}
