# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a node's code takes beside its jobs: frames received, built and sealed, and the node polled.

Slots, turns and leads of ``cats.plan.radio`` follow from it, and the simulated air and the nodes on
BabbleSim let it pass.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from functools import cache

from cats.native import lib

#: Bytes of the CATS header in front of every payload (doc/protocol.rst).
FRAME_HEADER: int = lib.CATS_FRAME_HEADER

#: Bytes that a sealed frame has on top: key and counter, and the tag (doc/security.rst).
SEALED_BYTES = 4 + 8

#: Values of enum cats_exchange_phase.
PHASES = 6


class Frame(IntEnum):
    """enum cats_frame_type."""

    SYNC = 0
    DATA = 1
    NEED = 2
    CODED = 3
    ASK = 4


#: enum cats_exchange_phase of a node that is polled when it has heard such a frame.
_PHASE = {
    Frame.SYNC: 2, Frame.DATA: 2, Frame.NEED: 3, Frame.CODED: 4, Frame.ASK: 0,
}  # fmt: skip


#: Of more fragments an exchange each coded frame combines about every second one.
DENSE: int = lib.CATS_DENSE_FRAGMENTS


def combined(fragments: int) -> int:
    """How many of an exchange's fragments a coded frame of repair combines: half of many, and what
    that may be more by chance."""
    return fragments if fragments <= DENSE else math.ceil(fragments / 2 + math.sqrt(fragments))


@dataclass(frozen=True)
class CodeTime:
    """Instructions of the code that runs on the air queue, by what it does: ``take`` and ``build``
    by the type of the frame, ``poll`` by enum cats_exchange_phase.

    A name without ``_byte`` is for each time, one with it for each byte of a whole CATS frame
    (``parse``, ``seal``, ``send``) or of a payload (``take``, ``copy``, ``aes``). ``lay`` and
    ``coded`` are for each fragment of an exchange, ``coded_byte`` for a byte of each that is
    combined.
    """

    #: A transport's interrupt.
    isr: float
    #: For a frame that was heard or sent: the switch to the work queue, the instance's lock, and
    #: the next wake-up set.
    wake: float
    #: The same for a time that has come.
    expire: float
    #: A job: begun, its thread woken and back, and ended.
    job: float
    #: cats_frame_parse(), the check included.
    parse: float
    parse_byte: float
    #: The rest of cats_node_receive(): whose it is, its place, its copy.
    take: tuple[float, ...]
    take_byte: float
    #: cats_node_poll() that hands nothing out.
    poll: tuple[float, ...]
    #: One that ends an exchange.
    close: float
    #: What cats_node_poll() that hands a frame out takes on top, its bytes aside.
    build: tuple[float, ...]
    copy_byte: float
    #: cats_frame_seal(): the header and the check.
    seal: float
    seal_byte: float
    #: AES-CCM, sealing or opening.
    aes: float
    aes_byte: float
    #: The transport's send().
    send: float
    send_byte: float
    #: cats_code_lay(): where a round of repair takes place, and over several hops as each exchange
    #: begins.
    lay: float
    #: A frame that combines them is built, or taken.
    coded: float
    coded_byte: float
    #: Over several hops a frame with a payload that is taken has so much on top for each fragment
    #: of the exchange, and for each of its bytes; and one that is built.
    relay: float
    relay_byte: float
    relay_build: float
    relay_build_byte: float
    #: Of the processor, an instruction; and one of AES-CCM.
    cycles: float
    aes_cycles: float
    clock_hz: float

    def microseconds(self, instructions: float) -> float:
        """Time of that many instructions."""
        return instructions * self.cycles / self.clock_hz * 1e6

    def aes_us(self, frame: int) -> float:
        """Sealing or opening a CATS frame of so many bytes."""
        instructions = self.aes + self.aes_byte * (frame - FRAME_HEADER)
        return instructions * self.aes_cycles / self.clock_hz * 1e6

    def heard_us(self, kind: Frame, frame: int, sealed: bool, fragments: int = 0) -> float:
        """From a frame's end until the node has looked at what it changes; CODED: of an exchange of
        so many ``fragments``."""
        payload = frame - FRAME_HEADER
        return (self.aes_us(frame) if sealed else 0.0) + self.microseconds(
            self.isr + self.wake + self.parse + self.parse_byte * frame
            + self.take[kind] + self.take_byte * payload + self._combining(fragments, payload)
            + self.poll[_PHASE[kind]]
        )  # fmt: skip

    def woken_us(self) -> float:
        """From a time that has come until the node has been looked at."""
        return self.microseconds(self.expire + max(self.poll))

    def sent_us(self) -> float:
        """From an own frame's end until the node has been looked at."""
        return self.microseconds(self.wake + max(self.poll))

    def sensed_us(self) -> float:
        """From when the radio has sensed whether the air is busy until the node has been looked
        at."""
        return self.microseconds(self.isr + self.wake + self.poll[3])

    def closed_us(self) -> float:
        """An exchange is ended."""
        return self.microseconds(self.close)

    def built_us(self, kind: Frame, frame: int, sealed: bool, fragments: int = 0) -> float:
        """From there until a frame, CODED of an exchange of so many ``fragments``, is the
        transport's."""
        payload = frame - FRAME_HEADER
        filled = self.copy_byte * payload if kind != Frame.CODED else 0.0
        return (self.aes_us(frame) if sealed else 0.0) + self.microseconds(
            self.build[kind] + filled + self._combining(fragments, payload)
            + self.seal + self.seal_byte * frame + self.send + self.send_byte * frame
        )  # fmt: skip

    def _combining(self, fragments: int, payload: int) -> float:
        """Instructions for a combination in an exchange of so many fragments."""
        return self.coded * fragments + self.coded_byte * combined(fragments) * payload

    def relayed_us(self, fragments: int, payload: int, taken: bool) -> float:
        """What a frame of so many bytes of payload has on top over several hops, where it is taken
        or built."""
        each = self.relay_build + self.relay_build_byte * payload
        if taken:
            each = self.relay + self.relay_byte * payload
        return self.microseconds(each * fragments)

    def laid_us(self, fragments: int) -> float:
        """So many fragments of an exchange are laid out."""
        return self.microseconds(fragments * self.lay)

    def job_us(self) -> float:
        """A job, what it computes aside."""
        return self.microseconds(self.job + self.wake + max(self.poll))


#: Upper lines of what ``make bench-m4`` counts in QEMU (tests/benchmarks/m4/recorded.json; a test
#: holds them to that), compiled for size, memory copied byte by byte. Estimates by reading, since
#: no board was measured: ``isr`` and ``send``. ``cycles`` of a Cortex-M4, by the timings of its
#: Technical Reference Manual (Arm DDI 0439) with pipeline refills of two cycles and flash without
#: wait states: of the gather and of AES-CCM (``python -m bench.cycles``, doc/performance.rst).
FOUR_NODES = CodeTime(
    isr=250, wake=1310, expire=1560, job=2450,
    parse=105, parse_byte=10,
    take=(1480, 930, 370, 14300, 1500), take_byte=5,
    poll=(930, 750, 900, 1470, 1420, 560), close=2410,
    build=(900, 310, 275, 2600, 900), copy_byte=5,
    seal=30, seal_byte=10, aes=13300, aes_byte=206, send=300, send_byte=5,
    lay=175, coded=78, coded_byte=1.1,
    relay=535, relay_byte=1.85, relay_build=250, relay_build_byte=0.8,
    cycles=2.0, aes_cycles=1.4, clock_hz=64e6,
)  # fmt: skip
SIXTEEN_NODES = replace(
    FOUR_NODES, job=4500, close=5800,
    take=(3030, 1550, 400, 7900, 2500),
    build=(1850, 310, 780, 2600, 1850),
)  # fmt: skip


@cache
def code_time(nodes: int = 16, clock_hz: float = 64e6) -> CodeTime:
    """What code takes in a group of so many nodes: linear between what was counted."""

    def between(four: float, sixteen: float) -> float:
        return four + (sixteen - four) * (nodes - 4) / 12

    values = {}
    for name, four in asdict(FOUR_NODES).items():
        sixteen = getattr(SIXTEEN_NODES, name)
        if isinstance(four, tuple):
            values[name] = tuple(map(between, four, sixteen))
        else:
            values[name] = between(four, sixteen)
    return replace(CodeTime(**values), clock_hz=clock_hz)
