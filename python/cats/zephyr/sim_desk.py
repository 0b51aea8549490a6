# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A desk of simulated boards: from blank ones to a group that runs, with no hardware.

``Desk`` is what ``cats boards`` keeps going: as many boards as a deployment has nodes, a hardware
map of them, and BabbleSim, once each of them has firmware. The boards' runner is this module as a
program: ``python -m cats.zephyr.sim_desk PROGRAM FOLDER NUMBER`` puts a program on a board, as
``west flash`` would. BabbleSim's devices start together, so flashing one resets all; what is in
their flash files stays.

In the desk's folder, for board NN: ``program_NN.exe``, and what :mod:`cats.zephyr.sim_boards`
writes, its serial port ``tty_NN`` among that. ``desk`` is locked while somebody keeps it, ``size``
is the number of boards, ``runs`` counts the starts.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cats.errors import CatsError
from cats.files import write_atomic
from cats.schema import read
from cats.zephyr.boards import SIMULATED
from cats.zephyr.bsim import BOARD
from cats.zephyr.sim_boards import SimBoards

#: A desk waits so long for more programs before it starts with those it has, seconds.
_SETTLE_S = 1.0
#: A flashed board has started by then, seconds: all programs of a desk boot at once.
_START_S = 280.0


def _program(folder: Path, node: int) -> Path:
    return folder / f"program_{node:02}.exe"


class Desk:
    """``nodes`` blank boards in ``folder``, which nobody else keeps meanwhile.

    ``say`` hears a line of what happens.
    """

    def __init__(self, folder: Path, nodes: int, say: Callable[[str], None] = lambda line: None):
        self.folder, self.nodes, self._say = folder.resolve(), nodes, say
        self._boards: SimBoards | None = None
        self._ended: set[int] = set()
        self._programs: list[tuple[int, ...] | None] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "desk").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise CatsError(f"{folder}: another cats boards keeps these boards") from None
        for old in (*self.folder.glob("program_*.exe"), *self.folder.glob("flash_*.bin")):
            old.unlink()
        (self.folder / "size").write_text(str(nodes))
        (self.folder / "runs").write_text("0")

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_map(self, path: Path) -> None:
        """A hardware map with these boards alone; CatsError where it has others."""
        import yaml

        if path.exists():
            try:
                known = read(path, "a hardware map", yaml=True)
            except CatsError:
                known = None
            if not isinstance(known, list) or not all(
                isinstance(one, dict) and one.get("runner") == SIMULATED for one in known
            ):
                raise CatsError(f"{path} is there and not of simulated boards: choose another name")
        entries = [
            {
                "connected": True, "id": f"simulated-{node:02}", "platform": BOARD,
                "product": "BabbleSim", "runner": SIMULATED,
                "runner_params": [str(self.folder), str(node)],
                "serial": str(self.folder / f"tty_{node:02}"), "flash_timeout": 300,
            }
            for node in range(self.nodes)
        ]  # fmt: skip
        write_atomic(path, yaml.safe_dump(entries, sort_keys=False).encode())

    def step(self) -> None:
        """Look once: start when all have firmware, again when one has another."""
        programs = self._look()
        if None in programs or programs == self._programs:
            self._watch()
            return
        time.sleep(_SETTLE_S)
        if self._look() != programs:
            return
        self._stop()
        files = [_program(self.folder, node) for node in range(self.nodes)]
        self._boards = SimBoards(files, folder=self.folder)
        self._programs = programs
        runs = self.folder / "runs"
        runs.write_text(str(int(runs.read_text()) + 1))
        self._say(f"{self.nodes} boards are on")

    def _look(self) -> list[tuple[int, ...] | None]:
        found: list[tuple[int, ...] | None] = []
        for node in range(self.nodes):
            try:
                status = _program(self.folder, node).stat()
                found.append((status.st_mtime_ns, status.st_ino))
            except FileNotFoundError:
                found.append(None)
        return found

    def _watch(self) -> None:
        for node in range(self.nodes if self._boards else 0):
            process = self._boards.process(node) if self._boards else None
            if node not in self._ended and process and process.poll() is not None:
                self._ended.add(node)
                self._say(f"board {node} has ended, see {self.folder}/node_{node:02}.log")

    def _stop(self) -> None:
        if self._boards:
            self._boards.close()
        self._boards, self._ended = None, set()

    def close(self) -> None:
        """Switch all off. The map stays, its boards do not answer."""
        self._stop()
        self._lock.close()


def flash(program: Path, folder: Path, node: int) -> None:
    """Put a program on a board, and wait until it runs, unless another board has none yet."""
    runs = folder / "runs"
    if not _kept(folder):
        raise CatsError(f"nobody keeps the boards in {folder}: cats boards")
    if not program.is_file():
        raise CatsError(f"no program {program}: cats build -b {BOARD}")
    before = runs.read_text()
    partial = folder / f".program_{node:02}"
    shutil.copy2(program, partial)
    # The time of this, not of the build: the same program again is a reset.
    os.utime(partial)
    partial.replace(_program(folder, node))
    nodes = len({path.name for path in folder.glob("program_*.exe")})
    print(f"board {node} has {program}")
    until = time.monotonic() + _START_S
    while nodes == _size(folder) and runs.read_text() == before:
        if time.monotonic() > until or not _kept(folder):
            raise CatsError(f"board {node} does not start, see {folder}/node_{node:02}.log")
        time.sleep(0.1)


def _size(folder: Path) -> int:
    return int((folder / "size").read_text())


def _kept(folder: Path) -> bool:
    try:
        with (folder / "desk").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def main(words: list[str]) -> int:
    """The runner: PROGRAM FOLDER NUMBER."""
    try:
        program, folder, node = words
        flash(Path(program), Path(folder), int(node))
    except (CatsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
