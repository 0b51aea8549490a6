# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""When the radio of a node that sleeps between inferences is on: the windows of a meeting, as
``subsys/cats/gather/sleep.c`` keeps them (doc/sleep.rst)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cats.native import lib
from cats.plan.code_time import FRAME_HEADER, Frame, code_time
from cats.plan.energy import Duty
from cats.plan.plan import Plan
from cats.plan.radio import KERNEL_TICKS_US, Radio, spread_us
from cats.plan.radio import radio as radio_named

#: Payload of a beacon.
BEACON: int = lib.CATS_BEACON_SIZE
#: Slots behind an idle beacon in which others may ask for an inference; of two nodes one can.
ASK_SLOTS = 2
#: Control slots from the answer to the end of a meeting: it is sent twice, with a slot between,
#: and the second one has begun by then.
ANSWER_SLOTS = 2.0
#: What a node that is switched on listens for at most before it founds a rhythm, in eighths of a
#: period, and what each node listens longer than that of the number below.
SEARCH_EIGHTHS, SEARCH_MORE = 26, 3
#: A leader listens for a whole period after so many meetings in which nothing was asked for, since
#: an inference in which it heard all others. (Where it did not hear all, after 4, 8, 16 and so on.)
SCAN_MEETINGS = 4096
#: Beacons of who founds meetings, in the first period: over several hops one of them is to be
#: over before the next.
CALLS = 8
#: Drift is learned over at least so long.
LEARN_US = 16e6
#: What of a clock's ppm drift that was learned counts as not known.
LEARNED = 1 / 8


@dataclass(frozen=True)
class Rhythm:
    """A meeting every ``period_us``, and an inference every ``every_us``, which is at least that.
    Sleep clocks are within ``ppm`` of the true time, and tell it across a sleep to ``jitter_us``
    (struct cats_transport)."""

    period_us: float
    every_us: float
    ppm: float = 50.0
    jitter_us: float = KERNEL_TICKS_US

    def drift_us(self, *, learned: bool = True) -> float:
        """By how much the next beacon may come earlier or later than expected, period * q. Not
        ``learned``: q is 2 * ppm, for both clocks may drift. Then ppm / 8 for what temperature
        changes, and 2 * jitter over the time in which it was learned, the first whole number of
        periods that is 16 s or more."""
        if not learned:
            return 2e-6 * self.ppm * self.period_us
        over = self.period_us * math.ceil(LEARN_US / self.period_us)
        unknown = LEARNED * 1e-6 * self.ppm + 2 * self.jitter_us / over
        return self.period_us * min(unknown, 2e-6 * self.ppm)

    def search_us(self, node: int) -> float:
        """The longest that a node which is switched on listens before it has found a group, or
        founds one: 3.25 periods, and 0.375 for each node of a lower number."""
        return (SEARCH_EIGHTHS + SEARCH_MORE * node) / 8 * self.period_us


@dataclass(frozen=True)
class Meeting:
    """The windows of a meeting in which every node is heard. ``control_us``, ``turn_us`` and
    ``slot_us`` are those of the plan's first gather: c, turn and slot below; the leader is node 0.

    b is the start of the beacon. Slots to ask in begin at b + 2 c + turn + a c; what was asked for,
    or nothing, follows at w = b + 2 c + turn + A c + turn, A the number of these slots.
    """

    radio: Radio
    nodes: int
    control_us: float
    turn_us: float
    slot_us: float
    #: Over several hops (doc/hops.rst, "Sleep").
    repeats: int = 0

    @property
    def ask_slots(self) -> int:
        """A: in so many slots nodes may ask."""
        if self.repeats:
            return self.nodes - 1
        return min(ASK_SLOTS, self.nodes - 1)

    @property
    def spread_us(self) -> float:
        """By so much a frame may begin beside its time: late + 16 us."""
        return spread_us(self.radio.name, self.slot_us) * max(self.repeats, 1)

    @property
    def repeat_us(self) -> float:
        """Over several hops, from a slot in which a beacon is repeated to the next one: 2 c + turn;
        there are D of them in each round, behind that of the leader."""
        return 2 * self.control_us + self.turn_us

    @property
    def begin_us(self) -> float:
        """From b to where an inference that begins is opened: 2 c + turn."""
        if self.repeats:
            return self.repeat_us * (1 + self.repeats * self.nodes)
        return 2 * self.control_us + self.turn_us

    @property
    def answer_us(self) -> float:
        """w - b; over several hops nothing is answered, and w is the end."""
        if self.repeats:
            return self.begin_us + self.ask_slots * (self.control_us + self.turn_us)
        return self.begin_us + self.ask_slots * self.control_us + self.turn_us

    @property
    def whole_us(self) -> float:
        """From b to the end of a meeting, w - b + 2 c."""
        return self.answer_us + (0.0 if self.repeats else ANSWER_SLOTS * self.control_us)

    @property
    def least_period_us(self) -> float:
        """A period is at least so long."""
        return self.whole_us * (CALLS if self.repeats else 2)

    def guard_us(self, rhythm: Rhythm, *, learned: bool = True) -> float:
        """u: so long before the expected beacon a receiver opens, spread + 2 * jitter + drift, at
        most a quarter of the period."""
        most = self.spread_us + 2 * rhythm.jitter_us + rhythm.drift_us(learned=learned)
        return min(most, rhythm.period_us / 4)

    def leader(self, *, begins: bool) -> Duty:
        """The leader's radio and processor in a meeting: it sends the beacon. Where an inference
        ``begins``, its receiver is on from a lead before that until it opens the inference; else in
        the slots to ask in, from b + 2 c + turn - spread until it would make the answer, a lead
        before w. And what the radio needs to start, and to send its beacon."""
        beacon = self.radio.air_us(FRAME_HEADER + BEACON) * (1 + self.repeats)
        if begins:
            listens = self.radio.lead_us + self.begin_us - beacon
        elif self.repeats:
            return Duty(beacon, self._asked_us + self._starts_us, self._busy_us)
        else:
            listens = self.answer_us - self.radio.lead_us - self.begin_us + self.spread_us
            listens += self._woken_us
            listens += self.radio.start_us
            if self.radio.start_to_send:
                listens += self.radio.pause_us(self.begin_us - self.spread_us - beacon)
        return Duty(beacon, max(listens, 0.0), 2 * self._woken_us + self._built_us)

    @property
    def _asked_us(self) -> float:
        """Over several hops all listen for those who ask."""
        asked = self.answer_us - self.begin_us + self.spread_us
        return self.radio.start_us + asked + self._woken_us

    @property
    def _starts_us(self) -> float:
        """Over several hops: before each own beacon."""
        return self.radio.start_us * self.repeats if self.radio.start_to_send else 0.0

    @property
    def _busy_us(self) -> float:
        return 2 * self._woken_us + (1 + self.repeats) * self._built_us

    def follower(
        self, rhythm: Rhythm, *, begins: bool, learned: bool = True, heard: float = 0.0
    ) -> Duty:
        """Of any other node: it listens from b - u until the beacon was taken in, which comes where
        it is expected in the mean. Where an inference ``begins``, until that is opened; else again
        from w - spread to w + 2 c + spread. And what the radio needs to start and cannot rest. Over
        several hops the beacon is that of the slot ``heard``, on average, and the node repeats it
        in each round; then it listens for those who ask."""
        listens = self.radio.start_us + self.guard_us(rhythm, learned=learned)
        sent = 0.0
        if self.repeats:
            sent = self.radio.air_us(FRAME_HEADER + BEACON) * self.repeats
        if begins:
            listens += self.begin_us - sent
        elif self.repeats:
            listens += heard * self.repeat_us + self.radio.air_us(FRAME_HEADER + BEACON)
            listens += self._heard_us - self.radio.before_us
            listens += self._asked_us + self.spread_us + self._starts_us
        else:
            beacon = self.radio.air_us(FRAME_HEADER + BEACON) - self.radio.before_us
            beacon += self._heard_us
            listens += beacon + self.radio.pause_us(self.answer_us - self.spread_us - beacon)
            listens += ANSWER_SLOTS * self.control_us + 2 * self.spread_us + self._woken_us
        built = self.repeats * self._built_us
        return Duty(sent, listens, 2 * self._woken_us + self._heard_us + built)

    @property
    def _heard_us(self) -> float:
        return self.radio.code.heard_us(Frame.SYNC, FRAME_HEADER + BEACON, self.radio.sealed)

    @property
    def _built_us(self) -> float:
        return self.radio.code.built_us(Frame.SYNC, FRAME_HEADER + BEACON, self.radio.sealed)

    @property
    def _woken_us(self) -> float:
        return self.radio.code.woken_us()


def meeting(plan: Plan, clock_hz: float = 64e6) -> Meeting:
    """The meeting of a plan's nodes, whose processors run at ``clock_hz``."""
    first, nodes = plan.gathers[0], len(plan.arenas)
    radio = radio_named(plan.radio, code_time(nodes, clock_hz))
    return Meeting(radio, nodes, first.control_us, first.turn_us, first.slot_us, plan.repeats)
