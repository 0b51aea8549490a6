# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Boards on BabbleSim: a process and a pseudo-terminal each, in place of a board and a serial port.

``SimBoards`` starts the program of every node, the channel, and a device that keeps the simulation
from running ahead of the clock on the wall::

    with SimBoards(programs, folder="boards") as boards, Console(boards.port(1)) as console:
        console.wait_for_prompt()
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
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

    ``programs``: one a board. ``folder``: logs, and ``flash_NN.bin`` of each board; where that
    exists the board has it.
    """

    def __init__(self, programs: Sequence[Path], *, folder: Path | str):
        self._programs = [Path(program).resolve() for program in programs]
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ident = f"cats_{uuid.uuid4().hex[:12]}"
        self._where = Path(bsim.environment()["BSIM_OUT_PATH"]) / "bin"
        self._boards: list[subprocess.Popen] = []
        self._others: list[subprocess.Popen] = []
        for program in self._programs:
            if not program.is_file():
                raise CatsError(f"no program {program}: build it for {bsim.BOARD}")
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        count = len(self._programs)
        for node, program in enumerate(self._programs):
            board = [str(program), f"-s={self._ident}", f"-d={node}", f"-rs={node + 1}", "-v=2"]
            board += ["-no-color", "-disconnect_on_exit=1", "-uart0_pty"]
            board += [f"-uart_pty_pollT={_POLL_US}"]
            board.append(f"-flash={self.folder / f'flash_{node:02}.bin'}")
            self._boards.append(self._run(board, self._log(node)))
        phy = [f"./{bsim.PHY}", f"-s={self._ident}", f"-D={count + 1}", "-nodump", "-v=1"]
        phy += [f"-sim_length={_LENGTH_S * 1e6:.0f}", "-rs=1"]
        brake = [f"./{_HANDBRAKE}", f"-s={self._ident}", f"-d={count}", "-r=1", f"-pp={_STALL_US}"]
        for name, command in (("brake", brake), ("channel", phy)):
            self._others.append(self._run(command, self.folder / f"{name}.log"))
        for node in range(count):
            self._boot(node)

    def _run(self, command: Sequence[str], log: Path) -> subprocess.Popen:
        with log.open("w") as output:
            return subprocess.Popen(
                command, cwd=self._where, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def _log(self, node: int) -> Path:
        return self.folder / f"node_{node:02}.log"

    def __enter__(self) -> SimBoards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def port(self, node: int) -> str:
        """Where a board's serial port is, whichever pseudo-terminal it is now."""
        return str(self.folder / f"tty_{node:02}")

    def process(self, node: int) -> subprocess.Popen:
        """A board's process."""
        return self._boards[node]

    def _boot(self, node: int) -> None:
        log, until = self._log(node), time.monotonic() + _BOOT_S
        while not (found := _PTY.search(log.read_text(errors="replace"))):
            if self._boards[node].poll() is not None or time.monotonic() > until:
                raise CatsError(f"node {node} does not start, see {log}")
            time.sleep(0.02)
        Path(self.port(node)).unlink(missing_ok=True)
        Path(self.port(node)).symlink_to(found[1])

    def close(self) -> None:
        """Switch all off and end the channel; logs and flash files stay."""
        processes = [*self._boards, *self._others]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        self._others.clear()
        for node in range(len(self._programs)):
            Path(self.port(node)).unlink(missing_ok=True)
        # Pipes of processes that were killed stay behind.
        shutil.rmtree(f"/tmp/bs_{getpass.getuser()}/{self._ident}", ignore_errors=True)
