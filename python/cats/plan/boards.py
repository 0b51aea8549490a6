# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Boards that a deployment may run on: what each has, what firmware takes of it, and what was
measured there (``samples/calibrate``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from cats.errors import CatsError
from cats.plan.energy import NRF54L15, NRF52832, NRF52840, Currents
from cats.plan.radio import RADIOS, SEALED
from cats.schema import convert, read


@dataclass(frozen=True)
class Reserve:
    """Bytes of a node's firmware beside image and arena: kernel, drivers, transport, engine, node
    state, stacks."""

    ram: int
    flash: int


#: samples/node on nrf52840dk/nrf52840 by transport, Zephyr 4.3, gcc 12.2, minimal C library.
#: ``make scaling ARGS=--firmware`` measures it again; its test compares.
FIRMWARE = {
    "loopback": Reserve(ram=15912, flash=61984),
    "nrf_radio": Reserve(ram=17024, flash=65352),
    "ieee802154": Reserve(ram=21916, flash=90472),
    "ble": Reserve(ram=34492, flash=129340),
}


def firmware_of(radio: str, nodes: int) -> Reserve:
    """What firmware with the transport of a radio takes; one node alone needs none. Encryption of
    frames, the shell and the application come on top."""
    plain = radio.removesuffix(SEALED)
    name = "nrf_radio" if plain == "ble_2m" else plain
    return FIRMWARE["loopback" if nodes == 1 else name]


@dataclass(frozen=True)
class Latency:
    """Microseconds that a transport was measured to need on a board: from having a frame to its
    start, and by which a wake-up comes late, at most."""

    hand_us: Annotated[float, msgspec.Meta(ge=0)]
    tick_us: Annotated[float, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class Board:
    """What one device has, and what of it firmware takes beside image and arena (None: as measured,
    see FIRMWARE). ``radios``: those that its transports can have, of cats.plan.radio."""

    name: str
    ram: int
    flash: int
    clock_hz: float
    currents: Currents = Currents()
    reserve_ram: int | None = None
    reserve_flash: int | None = None
    cycles_per_instruction: float = 1.8
    radios: tuple[str, ...] = tuple(RADIOS)
    measured: Mapping[str, Latency] = field(default_factory=dict)

    def reserve(self, radio: str, nodes: int) -> Reserve:
        """What firmware takes."""
        usual = firmware_of(radio, nodes)
        return Reserve(
            usual.ram if self.reserve_ram is None else self.reserve_ram,
            usual.flash if self.reserve_flash is None else self.reserve_flash,
        )

    def arena_limit(self, radio: str, nodes: int) -> int:
        """Bytes that an arena may have."""
        return max(self.ram - self.reserve(radio, nodes).ram, 0)

    def image_limit(self, radio: str, nodes: int) -> int:
        """Bytes that an image may have."""
        return max(self.flash - self.reserve(radio, nodes).flash, 0)

    def warnings(self) -> list[str]:
        """What was measured to take longer than the slots of a plan leave for it, a line each."""
        found = []
        for name, latency in self.measured.items():
            planned = RADIOS[name]
            for word, took, left in (
                ("a frame is sent", latency.hand_us, planned.hand_us),
                ("a wake-up is late by", latency.tick_us, planned.tick_us),
            ):
                if took > left:
                    found.append(
                        f"{name}: {word} {took:g} us on this board, slots are planned for "
                        f"{left:g}: such frames are not sent, and count as lost"
                    )
        return found


#: RAM and flash as Zephyr's devicetree of the SoC gives them to the processor (dts/arm/nordic and
#: dts/vendor/nordic), the clock as Zephyr leaves it after a reset. The nRF5340 has two: "nrf5340",
#: the application core, without the 64 KiB that it shares with the other, and "nrf5340net". That a
#: Cortex-M33 needs the cycles of a Cortex-M4 is an assumption: samples/calibrate measures it.
BOARDS = {
    board.name: board
    for board in (
        Board("nrf52840", 256 << 10, 1024 << 10, 64e6, NRF52840),
        Board("nrf52833", 128 << 10, 512 << 10, 64e6),
        Board(
            "nrf52832", 64 << 10, 512 << 10, 64e6, NRF52832, radios=("nrf_radio", "ble", "ble_2m")
        ),
        Board("nrf5340", 448 << 10, 1024 << 10, 64e6, radios=("ieee802154", "ble")),
        Board("nrf5340net", 64 << 10, 256 << 10, 64e6),
        Board("nrf54l15", 188 << 10, 1428 << 10, 128e6, NRF54L15, radios=("ieee802154", "ble")),
    )
}

Above0 = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True)
class BoardFile:
    """What a board's file holds; 0: not known."""

    board: str
    ram: Annotated[int, msgspec.Meta(gt=0)] = 0
    flash: Annotated[int, msgspec.Meta(gt=0)] = 0
    clock_hz: Above0 = 0.0
    cycles_per_instruction: Above0 = Board.cycles_per_instruction
    radios: dict[str, Latency] = field(default_factory=dict)
    currents: Currents = Currents()


def board_named(text: str) -> Board:
    """One of BOARDS, or what a file says: that of ``samples/calibrate``, or one like it."""
    if text in BOARDS:
        return BOARDS[text]
    if not text.endswith(".json"):
        names = ", ".join(BOARDS)
        raise CatsError(f"board {text!r}: one of {names}, or FILE.json of samples/calibrate")
    return read_board(Path(text))


def read_board(path: Path) -> Board:
    """A board from JSON: ``board`` (its name), and where they are known (else null, or left out)
    ``ram``, ``flash`` (bytes, else 0), ``clock_hz`` (else 0), ``cycles_per_instruction``,
    ``radios`` (by name, each with ``hand_us`` and ``tick_us``), ``currents`` (the names of
    Currents)."""
    file = convert(_known(read(path, "a board's file (samples/calibrate)")), BoardFile, path)
    if strange := [name for name in file.radios if name not in RADIOS]:
        raise CatsError(f"{path}: $.radios.{strange[0]}: unknown, one of {', '.join(RADIOS)}")
    more = {"radios": tuple(file.radios), "measured": file.radios} if file.radios else {}
    return Board(
        file.board, file.ram, file.flash, file.clock_hz, file.currents,
        cycles_per_instruction=file.cycles_per_instruction, **more,
    )  # fmt: skip


def _known(data: Any) -> Any:
    """Without what is null."""
    if not isinstance(data, dict):
        return data
    return {name: _known(value) for name, value in data.items() if value is not None}
