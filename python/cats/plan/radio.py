# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Air time of one frame on each radio, from the PHY's own timing, and the time around it that a
node's code needs."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cats.errors import CatsError
from cats.plan.code_time import (
    FRAME_HEADER,
    SEALED_BYTES,
    CodeTime,
    Frame,
    code_time,
)

#: The suffix of a radio that carries sealed frames (doc/security.rst).
SEALED = "+secure"
#: Slots by which a coded frame is built ahead of its own (gather/node.c).
CODED_EARLY = 3
#: A node's clock tells whole microseconds.
CLOCK_US = 1.0
#: A slot over several hops may be so much longer than its frame needs on the air.
HOP_WAIT = 1.3


@dataclass(frozen=True)
class Radio:
    """A physical layer, and the transport that drives it.

    ``overhead`` bytes stand on the air around a CATS frame at ``byte_us`` a byte, ``ramp_us`` for
    the transmitter's start, of which ``before_us`` lie before what counts as the frame's;
    ``guard_us`` more are left free in every slot for receivers to rearm and for clocks to differ,
    by ``clock_us`` at most in an exchange. ``frame`` is the largest CATS frame, header included.
    The transport must have a frame ``hand_us`` before its start, else it cannot be sent, and wakes
    the node up to ``tick_us`` late. ``sealed``: frames are sealed and opened by AES-CCM.
    ``receiver_off``: inside inferences its receiver is off where nothing comes. A receiver that was
    off is on ``start_us`` before it hears, alarm and ramp-up included, with ``start_to_send``
    before an own frame as well, and it goes off for more than ``rest_us`` only. Whether the air is
    busy a transport tells ``sense_us`` behind the start of a frame; 0: it cannot.

    What follows from that and from ``code``: ``lead_us`` (CONFIG_CATS_LEAD_US, so much earlier a
    frame is built; an exchange opens that much behind what it waited for), ``turn_us()`` (left
    where a frame answers the one before it) and ``slot_us()``.
    """

    name: str
    frame: int
    overhead: int
    byte_us: float
    ramp_us: float
    guard_us: float
    before_us: float = 0.0
    hand_us: float = 0.0
    tick_us: float = 0.0
    clock_us: float = 25.0
    sealed: bool = False
    detect_us: float = 0.0
    receiver_off: bool = False
    start_us: float = 0.0
    start_to_send: bool = False
    rest_us: float = 0.0
    sense_us: float = 0.0
    code: CodeTime = code_time()

    @property
    def payload(self) -> int:
        """Bytes of payload in the largest frame."""
        return self.frame - FRAME_HEADER

    @property
    def senses(self) -> bool:
        """Whether a round of repair begins with a need slot (cats_senses() of the C code)."""
        return self.sense_us > 0

    def air_us(self, frame: int) -> float:
        """Microseconds on air of a CATS frame of ``frame`` bytes, ramp-up included."""
        return self.ramp_us + (self.overhead + frame) * self.byte_us

    def pause_us(self, gap_us: float) -> float:
        """Microseconds that a receiver is on in a gap of so many in which nothing comes."""
        rests = gap_us - self.start_us > self.rest_us
        return self.start_us if rests else max(gap_us, 0.0)

    def slot_us(self, frame: int, fragments: int = 1) -> int:
        """Whole microseconds of the slot for a payload of a frame of that size, of which a source
        has so many: a node takes frames in, or makes its own, at that rate. Its first one is due a
        lead and a slot before it starts, behind a frame that is being taken in; the second is made
        at once behind it; the third one when the first has ended, behind another frame that was
        heard meanwhile."""
        heard = self._heard(Frame.DATA, frame)
        built = self._built(Frame.DATA, frame)
        first = heard + self._woken + built - self.lead_us
        work = [heard, self._woken + built, first]
        if self.receiver_off:  # a window that ends wakes the node as well
            work.append(heard + self._woken)
        work += [(first + built) / 2] if fragments > 1 else []
        work += [(first + heard + 2 * built) / 3] if fragments > 2 else []
        return math.ceil(max(self.air_us(frame) + self.guard_us, *work))

    def coded_slot_us(self, frame: int, fragments: int) -> int:
        """The same for a coded frame of repair, in an exchange of so many ``fragments``: one is
        taken in in each slot, and an own one is built CODED_EARLY slots ahead."""
        heard = self.coded_heard_us(frame, fragments)
        built = self._woken + self._built(Frame.CODED, frame, fragments)
        work = [heard, heard + built / (CODED_EARLY + 1)]
        return math.ceil(max(self.air_us(frame) + self.guard_us, *work))

    def hop_slot_us(self, frame: int, fragments: int) -> int:
        """The same over several hops, where any node may have the next slots as well: one is taken
        in, and one built, in each slot. Where that costs little, so long that who hears its first
        frame in one speaks in the second behind it (HOP_WAIT)."""
        heard = self.hop_heard_us(frame, fragments)
        built = self._woken + self._hop_built(frame, fragments)
        work = [heard, built, heard + built - self.lead_us, (heard + 2 * built) / 2]
        air = self.air_us(frame) + self.guard_us
        return math.ceil(max(air, min(heard + built, HOP_WAIT * air), *work))

    def hop_turn_us(self, frame: int, fragments: int) -> int:
        """turn_us() over several hops: a frame behind the opening."""
        answer = max(
            self._heard(Frame.SYNC, FRAME_HEADER) + self._hop_built(frame, fragments),
            self.lead_us + self.tick_us,
        )
        return math.ceil(max(answer - (self.guard_us + self.before_us - self.clock_us), 0))

    def hop_handled_us(self, frame: int, fragments: int, slots: int, turns: int) -> float:
        """handled_us() over several hops: of so many ``slots``, and ``turns`` of the node that has
        most of them."""
        sent = self._woken + self.code.sent_us()
        total = self._heard(Frame.SYNC, FRAME_HEADER)
        total += (slots - turns) * self.hop_heard_us(frame, fragments)
        return total + turns * (sent + self._hop_built(frame, fragments))

    def hop_heard_us(self, frame: int, fragments: int) -> float:
        """heard_us() over several hops."""
        more = self.code.relayed_us(fragments, frame - FRAME_HEADER, taken=True)
        return self._heard(Frame.DATA, frame) + more

    def _hop_built(self, frame: int, fragments: int) -> float:
        more = self.code.relayed_us(fragments, frame - FRAME_HEADER, taken=False)
        return self._built(Frame.DATA, frame) + more

    def coded_heard_us(self, frame: int, fragments: int) -> float:
        """heard_us() of a frame that combines so many fragments."""
        return self._heard(Frame.CODED, frame, fragments)

    def control_us(self, frame: int) -> int:
        """Whole microseconds of the slot for a control frame: taken in, or made."""
        work = max(self._heard(Frame.NEED, frame), self._woken + self._built(Frame.NEED, frame))
        return math.ceil(max(self.air_us(frame) + self.guard_us, work))

    @functools.cached_property
    def lead_us(self) -> int:
        """A control frame before it is taken in, then the own one is made; or an exchange is ended
        and the next one opened at once; in tens. One firmware serves groups of any size, so as for
        16 nodes."""
        most = replace(self, code=replace(code_time(), clock_hz=self.code.clock_hz))
        work = max(
            most._heard(Frame.NEED, FRAME_HEADER) + most._built(Frame.NEED, FRAME_HEADER),
            most.code.closed_us() + most._built(Frame.SYNC, FRAME_HEADER),
        )
        return 10 * math.ceil((CLOCK_US + self.tick_us + work) / 10)

    @functools.cached_property
    def early_us(self) -> int:
        """CONFIG_CATS_EARLY_US: so long before its begin a round may be entered, since the frame
        before has been taken in; at most the lead, in tens."""
        most = replace(self, code=replace(code_time(), clock_hz=self.code.clock_hz))
        free = self.guard_us + self.before_us - self.clock_us
        free -= most._heard(Frame.DATA, self.frame)
        return min(self.lead_us, 10 * math.floor(max(free, 0.0) / 10))

    def turn_us(self, frame: int) -> int:
        """Whole microseconds between a frame and its answer, beside the guard time: a NEED behind a
        payload of a frame of that size, or a payload behind a sync."""
        answer = max(
            self._heard(Frame.DATA, frame) + self._built(Frame.NEED, FRAME_HEADER),
            self._heard(Frame.SYNC, FRAME_HEADER) + self._built(Frame.DATA, frame),
            self.lead_us + self.tick_us,
        )
        free = self.guard_us + self.before_us - self.clock_us
        return math.ceil(max(answer - free, self.lead_us - self.early_us, 0))

    def coded_turn_us(self, frame: int, fragments: int) -> int:
        """turn_us() of which two lie between a coded frame and a NEED (cats_need_us())."""
        answer = self._heard(Frame.CODED, frame, fragments)
        answer += self._built(Frame.NEED, FRAME_HEADER)
        return math.ceil(max(answer - (self.guard_us + self.before_us - self.clock_us), 0) / 2)

    def handled_us(self, frame: int, fragments: Sequence[int], rounds: int) -> float:
        """What an exchange's frames take a node's processor in all, that node which sends most of
        them: ``fragments`` by source, of frames of at most that size."""
        most = max(fragments)
        sent = self._woken + self.code.sent_us()
        total = self._heard(Frame.SYNC, FRAME_HEADER)
        total += (sum(fragments) - most) * self._heard(Frame.DATA, frame)
        total += most * (sent + self._built(Frame.DATA, frame))
        if rounds and self.senses:
            total += self.code.sensed_us()
        elif rounds:
            total += (len(fragments) - 1) * self._heard(Frame.NEED, FRAME_HEADER)
            total += sent + self._built(Frame.NEED, FRAME_HEADER)
        return total

    def heard_us(self, frame: int) -> float:
        """What is left to do for a payload of a frame of that size when it ends."""
        return self._heard(Frame.DATA, frame)

    def control_heard_us(self) -> float:
        """The same for a control frame."""
        return self._heard(Frame.NEED, FRAME_HEADER)

    def ended_us(self, frame: int, rounds: int) -> float:
        """What is left to do behind the last that comes of an exchange in which nothing is lost: a
        payload of a frame of that size, silence, or what the last node says."""
        if not rounds:
            return self.heard_us(frame)
        return self.code.sensed_us() if self.senses else self.control_heard_us()

    def _heard(self, kind: Frame, frame: int, fragments: int = 0) -> float:
        return self.code.heard_us(kind, frame, self.sealed, fragments)

    @property
    def _woken(self) -> float:
        return self.tick_us + self.code.woken_us()

    def _built(self, kind: Frame, frame: int, fragments: int = 0) -> float:
        return self.code.built_us(kind, frame, self.sealed, fragments) + self.hand_us


#: A wake-up by Zephyr's kernel is up to two of its ticks late, 30.5 us each.
KERNEL_TICKS_US = 61.0

RADIOS = {
    # IEEE 802.15.4-2020, O-QPSK at 2.4 GHz: 32 us a byte; 5 bytes of preamble and SFD, 1 of
    # length; PSDU of at most 127 with 7 bytes of MAC header (frame control, sequence number,
    # PAN id, short destination) and 2 of FCS. nRF52840 ramp-up 40 us (fast mode). A
    # thread above the air queue calls the driver, which starts in 150 us of a running crystal
    # (CONFIG_CATS_IEEE802154_START_US), behind an alarm of up to five ticks. It asks for a clear
    # channel 300 us behind a frame's start: ramp-up, and eight symbols of 16 us.
    "ieee802154": Radio(
        "ieee802154", 127 - 9, 6 + 9, 32.0, 40.0, 200.0,
        hand_us=40.0, tick_us=KERNEL_TICKS_US, clock_us=100.0,
        start_us=150.0 + 2.5 * KERNEL_TICKS_US, start_to_send=True, rest_us=500.0,
        sense_us=500.0,
    ),
    # Bluetooth LE 2M framing (Core specification vol 6 part B): 4 us a byte; 2 bytes of preamble,
    # 4 of access address, 2 of header, 3 of CRC; payload of at most 255.
    "ble_2m": Radio(
        "ble_2m", 255, 11, 4.0, 40.0, 60.0, receiver_off=True, start_us=48.0, rest_us=24.0,
        sense_us=180.0,
    ),
    # The same, as the transport nrf_radio does it, whose frames start with the first bit. From the
    # end of one frame to the next there are ramp-up and guard time, 100 us: it stops the receiver
    # 62 us before its own frame and must have that 8 us earlier, the end of a frame is known 5 us
    # after it, and clocks may be 25 us apart, which crystals of 50 ppm need 250 ms for.
    # LISTEN_US and REST_US of nrf_radio.c.
    "nrf_radio": Radio(
        "nrf_radio", 255, 11, 4.0, 40.0, 60.0, before_us=40.0, hand_us=70.0, detect_us=35.0,
        receiver_off=True, start_us=48.0, rest_us=24.0, sense_us=140.0,
    ),
    # Extended advertising by a Bluetooth controller, data at 2 Mbit/s: 11 bytes as above, 10 of
    # extended header, 4 of advertising data's. In place of the ramp-up the three packets on the
    # primary channels, at 1 Mbit/s, and the offset behind them; the guard time is mostly what host
    # and controller need from one event to the next (doc/transports.rst). A scan is asked for 4 ms
    # ahead (CONFIG_CATS_BLE_START_US), and Zephyr's controller begins it about half way.
    "ble": Radio(
        "ble", 191 - 4, 25, 4.0, 1250.0, 4000.0,
        before_us=1250.0, hand_us=4000.0, tick_us=KERNEL_TICKS_US, clock_us=200.0,
        start_us=2000.0, rest_us=12000.0,
    ),
}  # fmt: skip


#: CONFIG_CATS_LATE_US by radio; of others the 32nd part of a data slot.
LATE_US = {"nrf_radio": 20.0}
#: Beyond that, two clocks may differ by so much within an exchange or a meeting.
GUARD_US = 16.0


def spread_us(name: str, slot_us: float) -> float:
    """By so much a frame may begin beside its time, over the radio of that name with data slots of
    so many microseconds (gather/listen.c)."""
    return LATE_US.get(name.removesuffix(SEALED), slot_us / 32) + GUARD_US


def secured(name: str) -> str:
    """The same radio with sealed frames."""
    return name if name.endswith(SEALED) else name + SEALED


def radio(name: str, code: CodeTime | None = None) -> Radio:
    """The radio of that name, or CatsError. With "+secure" behind it, of frames that are sealed.
    ``code``: of another processor than the nRF52840's at 64 MHz."""
    plain = name.removesuffix(SEALED)
    try:
        found = RADIOS[plain]
    except KeyError:
        raise CatsError(f"radio {name!r}: one of {', '.join(RADIOS)}") from None
    if code is not None:
        found = replace(found, code=code)
    return found if plain == name else _sealed(found)


def _sealed(plain: Radio) -> Radio:
    return replace(
        plain,
        name=plain.name + SEALED,
        frame=plain.frame - SEALED_BYTES,
        overhead=plain.overhead + SEALED_BYTES,
        sealed=True,
    )
