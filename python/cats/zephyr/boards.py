# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The boards on a desk, from Twister's hardware map: which node each is, and how it is reached.

The file is what ``west twister --generate-hardware-map`` writes (Zephyr's documentation of Twister,
"Hardware map"). Of its boards those that are connected, in their order in the file, are node 0,
node 1 and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cats.errors import CatsError
from cats.report import print_table
from cats.schema import load

#: Twister's own time for flashing a board, seconds (its ``--device-flash-timeout``).
FLASH_TIMEOUT_S = 60
#: The fixture that names the command of a board's relay, run with ``off`` or ``on`` behind it.
POWER = "cats_power:"
#: How west's runners are told which of several boards is meant.
ID_OPTIONS = {
    "esp32": "--esp-device={}",
    "jlink": "--dev-id={}",
    "linkserver": "--probe={}",
    "nrfjprog": "--dev-id={}",
    "nrfutil": "--dev-id={}",
    "probe-rs": "--dev-id={}",
    "pyocd": "--dev-id={}",
    "silabs_commander": "--dev-id={}",
    "stm32cubeprogrammer": "--tool-opt=sn={}",
}
#: The same for OpenOCD, whose words depend on the debugger: ``product`` of the map.
OPENOCD_IDS = {
    "STM32 STLink": "hla_serial {}",
    "STLINK-V3": "hla_serial {}",
    "EDBG CMSIS-DAP": "cmsis_dap_serial {}",
    "LPC-LINK2 CMSIS-DAP": "adapter serial {}",
}
#: Runners that are given another file to flash by --file, the others by --hex-file.
FILE_RUNNERS = ("jlink", "linkserver", "probe-rs", "sftool", "silabs_commander")
#: Runner of the boards that ``cats boards`` simulates; their folder is in ``runner_params``.
SIMULATED = "cats-simulated"


@dataclass(frozen=True)
class Board:
    """A connected board: ``id`` of its debugger, Zephyr's names of it, west's runner for it.
    ``power``: the command of its relay, from the map's fixture ``cats_power:COMMAND``."""

    id: str
    platforms: tuple[str, ...]
    product: str
    runner: str
    runner_params: tuple[str, ...] = ()
    serial: str | None = None
    baud: int = 115200
    flash_timeout: int = FLASH_TIMEOUT_S
    power: str | None = None

    def is_a(self, platform: str) -> bool:
        """Whether firmware for ``platform`` runs on it; the map may leave qualifiers out."""
        return any(platform == one or platform.startswith(f"{one}/") for one in self.platforms)

    def runner_options(self, hex_file: Path | None = None) -> list[str]:
        """What ``west flash`` is told so that it flashes this board and none beside it;
        ``hex_file`` in place of the firmware that was built.

        Raises CatsError for a runner of which it is not known how, and the map does not say.
        """
        options = ["--runner", self.runner]
        if hex_file and self.runner in FILE_RUNNERS:
            options += ["--file", str(hex_file), "--file-type", "hex"]
        elif hex_file:
            options += ["--hex-file", str(hex_file)]
        if self.runner in ID_OPTIONS:
            options.append(ID_OPTIONS[self.runner].format(self.id))
        elif self.runner == "openocd" and self.product in OPENOCD_IDS:
            options += ["--cmd-pre-init", OPENOCD_IDS[self.product].format(self.id)]
        elif not self.runner_params:
            raise CatsError(
                f"board {self.id}: how the runner {self.runner} chooses it is not known: put "
                "west's option for it into runner_params of the map"
            )
        return [*options, *self.runner_params]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the map, as Twister's schema has it."""

    connected: bool
    id: str
    platform: str | list[str]
    product: str
    runner: str
    available: bool = True
    baud: int = Board.baud
    fixtures: list[str] = field(default_factory=list)
    flash_before: bool = False
    flash_timeout: int = FLASH_TIMEOUT_S
    flash_with_test: bool = False
    notes: str = ""
    post_flash_script: str = ""
    post_script: str = ""
    pre_script: str = ""
    probe_id: str = ""
    runner_params: list[str | int | float] = field(default_factory=list)
    script_param: dict[str, Any] = field(default_factory=dict)
    serial: str | None = None
    serial_pty: str = ""

    def board(self) -> Board:
        """What is used of it."""
        relays = [name for name in self.fixtures if name.startswith(POWER)]
        return Board(
            id=self.probe_id or self.id,
            platforms=(self.platform,) if isinstance(self.platform, str) else tuple(self.platform),
            product=self.product,
            runner=self.runner,
            runner_params=tuple(map(str, self.runner_params)),
            serial=self.serial,
            baud=self.baud,
            flash_timeout=self.flash_timeout,
            power=relays[0].removeprefix(POWER).strip() if relays else None,
        )


@dataclass(frozen=True)
class Outcome:
    """What came of one board: ``done`` in words; ``failed`` says why not, in a line; ``seconds`` of
    all that was done."""

    node: int
    board: Board
    done: tuple[str, ...]
    seconds: float
    failed: str | None = None


def print_outcomes(
    results: Sequence[Outcome],
    about: str,
    of: Callable[[Board], Any],
    done: str,
    success: str,
    between: str = ", ",
) -> tuple[bool, list[dict[str, Any]]]:
    """Print a table of all boards; whether nothing failed, and the same for a JSON file.

    ``about`` and ``done`` head the columns of what ``of`` says of a board and of what was done,
    whose words stand ``between``; ``success`` is the result's word where nothing failed.
    """
    rows: list[list[Any]] = []
    entries = []
    for one in results:
        first = {"node": one.node, "board": one.board.id, about: of(one.board)}
        seconds = round(one.seconds, 1)
        rows.append(
            [*first.values(), between.join(one.done) or None, seconds, one.failed or success]
        )
        entries.append(first | {done: list(one.done), "seconds": seconds, "failed": one.failed})
    print_table(["node", "board", about, done, "seconds", "result"], rows)
    return not any(one.failed for one in results), entries


def read_map(path: Path) -> list[Board]:
    """The connected boards of a hardware map, in the order of the file; raises CatsError."""
    if not path.exists():
        raise CatsError(f"no hardware map {path}: west twister --generate-hardware-map {path}")
    entries = load(path, list[Entry], "a hardware map", yaml=True)
    boards = [entry.board() for entry in entries if entry.connected]
    seen: set[str] = set()
    for board in boards:
        for name in filter(None, (board.id, board.serial)):
            if name in seen:
                raise CatsError(f"{path}: {name} is there twice: take one of the boards out")
            seen.add(name)
    return boards


def boards_of(path: Path, nodes: Collection[int]) -> dict[int, Board]:
    """The board of each of ``nodes``; raises CatsError where the map has too few."""
    boards = read_map(path)
    if max(nodes) >= len(boards):
        raise CatsError(
            f"{path} has {len(boards)} connected boards, node {max(nodes)} needs "
            f"{max(nodes) + 1}: connect more, or choose nodes with --node"
        )
    return {node: boards[node] for node in sorted(nodes)}
