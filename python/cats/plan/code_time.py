# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a node's code takes beside its jobs: frames received, built and sealed, and the node polled.

Slots, turns and leads of ``cats.plan.radio`` follow from it, and the simulated air lets it pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Bytes of the CATS header in front of every payload (doc/protocol.rst).
FRAME_HEADER = 10

#: Bytes that a sealed frame has on top: key and counter, and the tag (doc/security.rst).
SEALED_BYTES = 4 + 8

#: Values of enum cats_exchange_phase.
PHASES = 8


@dataclass(frozen=True)
class CodeTime:
    """Instructions of the code that runs on the air queue, by what it does.

    A name without ``_byte`` is for each time, one with it for each byte of a whole CATS frame
    (``parse``, ``seal``, ``aes``) or of a payload (``take``, ``fill``); ``coded_byte`` is for a
    byte of each fragment of the source, ``solve_byte`` for a byte of each coded frame held and each
    fragment. One cycle an instruction: the code is in the flash's cache and loads little.

    Provisional: estimates by reading, until ``make bench-m4`` counts them in QEMU
    (``tests/benchmarks/m4/recorded.json``). ``aes`` is the upper line of what doc/security.rst
    counts, AES-CCM of Mbed TLS in software. ``wake`` and ``send`` come from no count of this
    repository: Zephyr's interrupt entry, the switch to a work queue and a mutex on a Cortex-M4, and
    the copy into a driver's buffer.
    """

    #: An interrupt, the switch to the work queue, the instance's lock: for a frame that was heard,
    #: one that was sent, a time that has come; and for the switch to a job.
    wake: float = 700.0
    #: cats_frame_parse(), the check included.
    parse: float = 200.0
    parse_byte: float = 10.0
    #: The rest of cats_node_receive(): whose it is, its place, its copy.
    take: float = 150.0
    take_byte: float = 1.2
    #: cats_node_poll() that hands nothing out, by enum cats_exchange_phase.
    poll: tuple[float, ...] = (1500.0,) * PHASES
    #: cats_engine_fill() of a DATA frame, from the columns that the job has requantised.
    fill: float = 60.0
    fill_byte: float = 1.2
    #: cats_code_own() of a CODED frame, from the same.
    coded: float = 300.0
    coded_byte: float = 8.0
    #: What is lacking and granted: the payload of REPORT and GRANT.
    control: float = 900.0
    #: cats_frame_seal(): the header and the check.
    seal: float = 150.0
    seal_byte: float = 10.0
    #: AES-CCM, sealing or opening.
    aes: float = 14500.0
    aes_byte: float = 215.0
    #: The transport's send().
    send: float = 500.0
    #: cats_reception_solve(), in the job.
    solve_byte: float = 8.0
    cycles_per_instruction: float = 1.0
    clock_hz: float = 64e6

    def at(self, clock_hz: float) -> CodeTime:
        """The same on a processor with another clock."""
        return replace(self, clock_hz=clock_hz)

    def microseconds(self, instructions: float) -> float:
        """Time of that many instructions."""
        return instructions * self.cycles_per_instruction / self.clock_hz * 1e6

    def heard_us(self, frame: int, sealed: bool) -> float:
        """From a frame's end until the node has looked at what it changes."""
        payload = frame - FRAME_HEADER
        return self.microseconds(
            self.wake + self._aes(frame, sealed) + self.parse + self.parse_byte * frame
            + self.take + self.take_byte * payload + max(self.poll)
        )  # fmt: skip

    def control_us(self, frame: int, sealed: bool) -> float:
        """From a wake-up until a SYNC, REPORT or GRANT is the transport's."""
        return self._sent_us(self.control, frame, sealed)

    def payload_us(self, frame: int, fragments: int, sealed: bool) -> float:
        """The same of a DATA frame, or of one coded from so many ``fragments`` if any."""
        payload = frame - FRAME_HEADER
        data = self.fill + self.fill_byte * payload
        coded = self.coded + self.coded_byte * payload * fragments if fragments else 0.0
        return self._sent_us(max(data, coded), frame, sealed)

    def _sent_us(self, payload: float, frame: int, sealed: bool) -> float:
        return self.microseconds(
            self.wake + max(self.poll) + payload + self.seal + self.seal_byte * frame
            + self._aes(frame, sealed) + self.send
        )  # fmt: skip

    def _aes(self, frame: int, sealed: bool) -> float:
        return self.aes + self.aes_byte * (frame - FRAME_HEADER) if sealed else 0.0
