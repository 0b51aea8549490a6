# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Boards on BabbleSim: a process and a pseudo-terminal each, in place of a board and a serial port.

``SimBoards`` starts the program of every node, the channel, and a device that keeps the simulation
from running ahead of the clock on the wall::

    with SimBoards(programs, folder="boards") as boards, Console(boards.port(1)) as console:
        console.wait_for_prompt()

A board can be switched off (its process is killed) and on again: its flash is a file. BabbleSim
wants all its devices at the start, so a board's next life is a process that waits for power from
the beginning; only programs that have the option ``power`` of ``tests/hil/group`` can.
"""

from __future__ import annotations

import contextlib
import getpass
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr import bsim

_HANDBRAKE = "bs_device_handbrake"
#: The pseudo-terminal's backend says it so.
_PTY = re.compile(r"connected to pseudotty: (\S+)")
#: Real seconds that a board may take to boot.
_BOOT_S = 60.0
#: Simulated microseconds between two looks at the pseudo-terminal, between two stalls: each look
#: stops the channel, which costs more than what the nodes do.
_POLL_US, _STALL_US = 20_000, 50_000
#: Simulated seconds after which a forgotten simulation ends.
_LENGTH_S = 24 * 3600


class SimBoards:
    """Boards of BabbleSim and the channel between them.

    ``programs``: one a board. ``options``: of each board's program, without the dash. ``folder``:
    logs, and ``flash_NN.bin`` of each board; where that exists the board has it. ``lives``: how
    often a board can be switched on, by node; 1 where it is not told.
    """

    def __init__(
        self,
        programs: Sequence[Path],
        options: Sequence[Mapping[str, object]] = (),
        *,
        folder: Path | str,
        lives: Mapping[int, int] | None = None,
    ):
        self._programs = [Path(program).resolve() for program in programs]
        self._options = options or [{}] * len(programs)
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ident = f"cats_{uuid.uuid4().hex[:12]}"
        self._where = Path(bsim.environment()["BSIM_OUT_PATH"]) / "bin"
        self._on: dict[int, subprocess.Popen] = {}
        #: Lives to come, and what each waits for.
        self._waiting: dict[int, list[tuple[subprocess.Popen, Path, Path]]] = {}
        self._others: list[subprocess.Popen] = []
        for program in self._programs:
            if not program.is_file():
                raise CatsError(f"no program {program}: build it for {bsim.BOARD}")
        try:
            self._start(lives or {})
        except BaseException:
            self.close()
            raise

    def _start(self, lives: Mapping[int, int]) -> None:
        device = 0
        for node in range(len(self._programs)):
            self._waiting[node] = []
            for life in range(lives.get(node, 1)):
                self._waiting[node].append(self._life(node, life, device, node in lives))
                device += 1
        phy = [f"./{bsim.PHY}", f"-s={self._ident}", f"-D={device + 1}", "-nodump", "-v=1"]
        phy += [f"-sim_length={_LENGTH_S * 1e6:.0f}", "-rs=1"]
        brake = [f"./{_HANDBRAKE}", f"-s={self._ident}", f"-d={device}", "-r=1", f"-pp={_STALL_US}"]
        for name, command in (("brake", brake), ("channel", phy)):
            self._others.append(self._run(command, self.folder / f"{name}.log"))
        booting = [self._switch_on(node) for node in self._waiting]
        for node, log in enumerate(booting):
            self._boot(node, log)

    def _life(
        self, node: int, life: int, device: int, more: bool
    ) -> tuple[subprocess.Popen, Path, Path]:
        power = self.folder / f"node_{node:02}.{life}.on"
        log = self.folder / (f"node_{node:02}.{life}.log" if more else f"node_{node:02}.log")
        power.unlink(missing_ok=True)
        board = [str(self._programs[node]), f"-s={self._ident}", f"-d={device}"]
        board += [f"-rs={device + 1}", "-v=2", "-no-color", "-disconnect_on_exit=1", "-uart0_pty"]
        board += [f"-uart_pty_pollT={_POLL_US}"]
        board.append(f"-flash={self.folder / f'flash_{node:02}.bin'}")
        board += [f"-power={power}"] if more else []
        board += [f"-{name}={value}" for name, value in self._options[node].items()]
        return self._run(board, log), log, power

    def _run(self, command: Sequence[str], log: Path) -> subprocess.Popen:
        with log.open("w") as output:
            return subprocess.Popen(
                command, cwd=self._where, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def __enter__(self) -> SimBoards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def port(self, node: int) -> str:
        """Where a board's serial port is, whichever pseudo-terminal it is now."""
        return str(self.folder / f"tty_{node:02}")

    def baud(self, node: int) -> int:
        """Bits a second, for which a pseudo-terminal does not care."""
        return 115200

    def process(self, node: int) -> subprocess.Popen | None:
        """A board's process while it is on."""
        return self._on.get(node)

    def has_power(self, node: int) -> bool:
        """Whether a board can be switched on once more."""
        return bool(self._waiting[node])

    def resets(self, node: int, timeout_s: float = 60.0) -> None:
        """Wait until a board's process has ended by itself, and give it its next life."""
        try:
            self._on[node].wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise CatsError(f"node {node} did not reset within {timeout_s:g} s") from None
        del self._on[node]
        self.power_on(node)

    def power_off(self, node: int) -> None:
        """Kill a board's process at once, wherever it is. Its flash keeps what was written."""
        if process := self._on.pop(node, None):
            process.kill()
            process.wait()

    def power_on(self, node: int) -> None:
        """The board's next life; returns when its serial port is there."""
        if node in self._on:
            raise CatsError(f"node {node} is on: power_off it first")
        if not self._waiting[node]:
            raise CatsError(f"node {node} has no life left: give it more in lives")
        self._boot(node, self._switch_on(node))

    def _switch_on(self, node: int) -> Path:
        self._on[node], log, power = self._waiting[node].pop(0)
        power.touch()
        return log

    def _boot(self, node: int, log: Path) -> None:
        until = time.monotonic() + _BOOT_S
        while not (found := _PTY.search(log.read_text(errors="replace"))):
            if self._on[node].poll() is not None or time.monotonic() > until:
                raise CatsError(f"node {node} does not start, see {log}")
            time.sleep(0.02)
        Path(self.port(node)).unlink(missing_ok=True)
        Path(self.port(node)).symlink_to(found[1])

    def close(self) -> None:
        """Switch all off and end the channel; logs and flash files stay."""
        waiting = [process for lives in self._waiting.values() for process, *_ in lives]
        processes = [*self._on.values(), *waiting, *self._others]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        for gone in (self._on, self._waiting, self._others):
            gone.clear()
        for node in range(len(self._programs)):
            Path(self.port(node)).unlink(missing_ok=True)
        # Pipes of processes that were killed stay behind.
        with contextlib.suppress(KeyError, OSError):  # a user without a name
            shutil.rmtree(f"/tmp/bs_{getpass.getuser()}/{self._ident}")
