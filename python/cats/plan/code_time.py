# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a node's code takes beside its jobs: frames received, built and sealed, and the node polled.

Slots, turns and leads of ``cats.plan.radio`` follow from it, and the simulated air and the nodes on
BabbleSim let it pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

#: Bytes of the CATS header in front of every payload (doc/protocol.rst).
FRAME_HEADER = 10

#: Bytes that a sealed frame has on top: key and counter, and the tag (doc/security.rst).
SEALED_BYTES = 4 + 8

#: Values of enum cats_exchange_phase.
PHASES = 8


class Frame(IntEnum):
    """enum cats_frame_type."""

    SYNC = 0
    DATA = 1
    REPORT = 2
    GRANT = 3
    CODED = 4
    ASK = 5


#: enum cats_exchange_phase of a node that is polled when it has heard such a frame.
_PHASE = {
    Frame.SYNC: 2, Frame.DATA: 2, Frame.REPORT: 3, Frame.GRANT: 5, Frame.CODED: 5, Frame.ASK: 0,
}  # fmt: skip


@dataclass(frozen=True)
class CodeTime:
    """Instructions of the code that runs on the air queue, by what it does; two tuples by the type
    of the frame.

    A name without ``_byte`` is for each time, one with it for each byte of a whole CATS frame
    (``parse``, ``seal``), of a payload (``take``, ``copy``, ``aes``) or of a frame (``send``);
    ``coded_byte`` is for a byte of each fragment of the source, ``solve_byte`` for a byte of each
    coded frame held and each fragment.

    Upper lines of what ``make bench-m4`` counts in QEMU for 4 and 16 nodes
    (``tests/benchmarks/m4/recorded.json``; a test holds them to that), compiled for size, memory
    copied byte by byte. Counted by reading, since no board was: ``isr`` and ``send``, a transport's
    interrupt and its send().

    ``cycles``: of a Cortex-M4 an instruction of such code, by the timings of the Arm Cortex-M4
    Technical Reference Manual (DDI 0439) with pipeline refills of 2 cycles and no wait states,
    1.83 for the gather; ``aes_cycles``: 1.41 for AES-CCM (doc/performance.rst).
    """

    #: A transport's interrupt.
    isr: float = 250.0
    #: An interrupt, the switch to the work queue, the instance's lock: for a frame that was heard,
    #: one that was sent, a time that has come.
    wake: float = 1100.0
    #: A job is begun, and its thread has the processor.
    job: float = 2500.0
    #: cats_frame_parse(), the check included.
    parse: float = 270.0
    parse_byte: float = 10.0
    #: The rest of cats_node_receive(): whose it is, its place, its copy.
    take: tuple[float, ...] = (3900.0, 1400.0, 1250.0, 1500.0, 4200.0, 1500.0)
    take_byte: float = 5.0
    #: cats_node_poll() that hands nothing out, by enum cats_exchange_phase.
    poll: tuple[float, ...] = (1650.0,) * PHASES
    #: One that ends an exchange.
    close: float = 7200.0
    #: What cats_node_poll() that hands a frame out takes on top, its bytes aside.
    build: tuple[float, ...] = (1050.0, 320.0, 700.0, 1950.0, 2650.0, 1000.0)
    copy_byte: float = 5.0
    coded_byte: float = 13.2
    #: cats_frame_seal(): the header and the check.
    seal: float = 30.0
    seal_byte: float = 10.0
    #: AES-CCM, sealing or opening.
    aes: float = 12300.0
    aes_byte: float = 209.0
    #: The transport's send().
    send: float = 300.0
    send_byte: float = 5.0
    #: cats_reception_solve(), in the job: a coded frame held.
    solve: float = 2900.0
    solve_byte: float = 21.0
    cycles: float = 1.83
    aes_cycles: float = 1.41
    clock_hz: float = 64e6

    def at(self, clock_hz: float) -> CodeTime:
        """The same on a processor with another clock."""
        return replace(self, clock_hz=clock_hz)

    def microseconds(self, instructions: float) -> float:
        """Time of that many instructions."""
        return instructions * self.cycles / self.clock_hz * 1e6

    def aes_us(self, frame: int) -> float:
        """Sealing or opening a CATS frame of so many bytes."""
        instructions = self.aes + self.aes_byte * (frame - FRAME_HEADER)
        return instructions * self.aes_cycles / self.clock_hz * 1e6

    def heard_us(self, kind: Frame, frame: int, sealed: bool) -> float:
        """From a frame's end until the node has looked at what it changes."""
        payload = frame - FRAME_HEADER
        return (self.aes_us(frame) if sealed else 0.0) + self.microseconds(
            self.isr + self.wake + self.parse + self.parse_byte * frame
            + self.take[kind] + self.take_byte * payload + self.poll[_PHASE[kind]]
        )  # fmt: skip

    def woken_us(self) -> float:
        """From a time that has come until the node has been looked at."""
        return self.microseconds(self.wake + max(self.poll))

    def built_us(self, kind: Frame, frame: int, sealed: bool, fragments: int = 0) -> float:
        """From there until a frame, CODED from so many ``fragments``, is the transport's."""
        payload = frame - FRAME_HEADER
        filled = self.coded_byte * fragments if kind == Frame.CODED else self.copy_byte
        return (self.aes_us(frame) if sealed else 0.0) + self.microseconds(
            self.build[kind] + filled * payload + self.seal + self.seal_byte * frame
            + self.send + self.send_byte * frame
        )  # fmt: skip
