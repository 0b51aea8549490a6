# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A deployment on boards with the firmware ``tests/hil/group``, driven by all their shells.

``BoardGroup`` gives the nodes an input, lets them infer, and reads back what arrived and what
came of it, as logs that ``cats.zephyr.bsim.check`` compares with the integer reference. The boards
are those of a hardware map (``MapBoards``) or of BabbleSim (``cats.zephyr.sim_boards``).
"""

from __future__ import annotations

import base64
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.plan.timing import inference_us
from cats.zephyr.boards import boards_of
from cats.zephyr.bsim import Device, Inference, Log, check
from cats.zephyr.console import PROMPT, Console
from cats.zephyr.fleet import Key
from cats.zephyr.provision import Shell

#: Bytes of an input in one line of base64.
_PIECE = 96
#: Real seconds for an answer: simulated boards may be slow.
_PATIENCE_S = 600.0
#: The number of the key that a group without one is given.
_KEY = 1
#: The sample that ``cats record`` tells where the shell submitted it.
_BY_SHELL = -2


class Boards(Protocol):
    """Where boards' serial ports are, and their power."""

    def port(self, node: int) -> str:
        """A board's serial port, now."""

    def baud(self, node: int) -> int:
        """Its bits a second."""

    def resets(self, node: int) -> None:
        """A board was told to reset: return when its serial port is there again."""

    def power_off(self, node: int) -> None:
        """Cut a board's power."""

    def power_on(self, node: int) -> None:
        """Give it power; returns when its serial port is there."""

    def has_power(self, node: int) -> bool:
        """Whether its power can be cut."""


class MapBoards:
    """The boards of a hardware map: node i is the i-th that is connected."""

    def __init__(self, path: Path, nodes: int):
        self._boards = boards_of(path, range(nodes))
        for node, board in self._boards.items():
            if not board.serial:
                raise CatsError(f"{path}: board {board.id}, node {node}, has no serial port")

    def port(self, node: int) -> str:
        """A board's serial port."""
        return self._boards[node].serial or ""

    def baud(self, node: int) -> int:
        """Its bits a second."""
        return self._boards[node].baud

    def resets(self, node: int) -> None:
        """The port is the debugger's, and stays."""

    def power_off(self, node: int) -> None:
        """By the relay."""
        self._relay(node, "off")

    def power_on(self, node: int) -> None:
        """By the relay; waits for the serial port, which may be on the same power."""
        self._relay(node, "on")
        until = time.monotonic() + 30
        while not Path(self.port(node)).exists():
            if time.monotonic() > until:
                raise CatsError(f"node {node}: {self.port(node)} did not come back with the power")
            time.sleep(0.1)

    def has_power(self, node: int) -> bool:
        """Whether the map has a command for it."""
        return self._boards[node].power is not None

    def _relay(self, node: int, word: str) -> None:
        command = [*shlex.split(self._boards[node].power or ""), word]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CatsError(f"node {node}: cannot switch its power {word}: {error}") from error
        if done.returncode:
            reason = " ".join(done.stderr.split()) or f"status {done.returncode}"
            raise CatsError(f"node {node}: cannot switch its power {word}: {reason}")


class BoardGroup:
    """All nodes of the deployment in ``deploy``, one a board. ``inputs``: int8 [B, tokens_in, P],
    which inferences are of by number. Close it, or use it as a context."""

    def __init__(self, boards: Boards, deploy: Path, inputs: np.ndarray):
        self.boards, self.deploy, self.inputs = boards, deploy, inputs
        self.model, self.plan, self.meta, _ = load_deploy(deploy)
        if self.model.config.context:
            raise CatsError(
                f"{deploy} is a stream: boards are tested with whole windows, export without "
                "--stream"
            )
        self.nodes = self.model.split.nodes
        #: Microseconds that an inference is to take.
        self.planned_us = inference_us(
            self.model.config, self.model.split, self.model.keep, self.plan
        )
        self.consoles: dict[int, Console] = {}
        self._pool = ThreadPoolExecutor(self.nodes)
        self._sample = -1
        try:
            self.everyone(self._connect, range(self.nodes))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> BoardGroup:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the serial ports back."""
        for node in list(self.consoles):
            self._disconnect(node)
        self._pool.shutdown()

    def everyone(self, do: Callable[[int], Any], nodes: Collection[int] | None = None) -> list[Any]:
        """``do`` with each of ``nodes`` (those that are on), all at the same time."""
        return list(self._pool.map(do, sorted(self.consoles) if nodes is None else nodes))

    def ask(self, node: int, command: str) -> list[str]:
        """What a node's shell says to ``command``."""
        return self.consoles[node].ask(command, _PATIENCE_S)

    def tell(self, command: str) -> None:
        """Type ``command`` at all nodes."""
        self.everyone(lambda node: self.ask(node, command))

    def _connect(self, node: int) -> None:
        console = Console(self.boards.port(node), self.boards.baud(node))
        try:
            console.wait_for_prompt(_PATIENCE_S)
        except BaseException:
            console.close()
            raise
        self.consoles[node] = console

    def _disconnect(self, node: int) -> None:
        self.consoles.pop(node).close()

    def give_key(self, key: bytes) -> None:
        """Group key 1, to boards none of which has a key; where they have one it stays."""
        had = self.everyone(lambda node: Shell(self.consoles[node]).keys()[0])
        without = [node for node, keys in enumerate(had) if not keys]
        if not without:
            return
        if len(without) < self.nodes:
            names = ", ".join(map(str, without))
            raise CatsError(f"nodes {names} have no key, the others have: cats key set {_KEY}")

        shared = Key(_KEY, key)

        def give(node: int) -> None:
            shell = Shell(self.consoles[node])
            shell.set_key(shared)
            shell.use_key(_KEY)

        self.everyone(give)

    def wait_until_running(self, nodes: Collection[int] | None = None) -> list[str]:
        """Wait until the nodes run; what each says of its image."""

        def runs(node: int) -> str:
            until = time.monotonic() + _PATIENCE_S
            while True:
                lines = self.ask(node, "cats info")
                if any(line.endswith(": runs") for line in lines):
                    return "\n".join(lines)
                if time.monotonic() > until or any("refused" in line for line in lines):
                    raise CatsError(f"node {node} does not run: {' '.join(lines)}")
                time.sleep(0.1)

        return self.everyone(runs, nodes)

    def uptime_us(self, node: int) -> int:
        """How long a node is on, by its own clock."""
        (found,) = re.findall(r"Uptime: (\d+) ms", "\n".join(self.ask(node, "kernel uptime")))
        return int(found) * 1000

    def loss(self, per_cent: float, seed: int = 0) -> None:
        """Drop frames on purpose at all nodes."""
        self.tell(f"cats loss seed {seed}")
        self.tell(f"cats loss {per_cent:g}")

    def reset(self, node: int) -> None:
        """Reset a node by its shell; returns when it runs again."""
        self.consoles[node].send("kernel reboot cold")
        self.boards.resets(node)
        self._disconnect(node)
        self._connect(node)
        self.wait_until_running([node])

    def power_off(self, node: int) -> None:
        """Cut a node's power."""
        self.boards.power_off(node)
        self._disconnect(node)

    def power_on(self, node: int) -> None:
        """Give a node power; returns when it runs."""
        self.boards.power_on(node)
        self._connect(node)
        self.wait_until_running([node])

    def start(self, sample: int, through: int | None = None) -> None:
        """Begin an inference of the first of the nodes that are on, or ``through`` another, alone,
        and let all begin one together when that ends."""
        text = self.inputs[sample].astype(np.int8).tobytes()
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]

        def add(node: int) -> None:
            self.ask(node, "cats infer add")
            for piece in pieces:
                self.ask(node, f"cats infer add {base64.b64encode(piece).decode()}")

        def load(node: int) -> None:
            add(node)
            until = time.monotonic() + _PATIENCE_S
            while said := self.ask(node, f"cats next {sample}"):
                if "in use" not in said[0] or time.monotonic() > until:
                    raise CatsError(f"node {node}: {' '.join(said)}")
                time.sleep(0.1)

        self.everyone(load)
        first = min(self.consoles) if through is None else through
        self._sample = sample
        add(first)
        self.consoles[first].send("cats infer run")

    def finish(self, logs: Sequence[Log], through: int | None = None) -> str:
        """Wait for what ``start`` began, and add it to ``logs``; what the first node's shell said.

        Ends when every node that is on has told of an inference with its own input, or when by the
        first node's clock three times what two inferences take and three seconds are over.
        """
        first = min(self.consoles) if through is None else through
        said = self.consoles[first].read_until(PROMPT, _PATIENCE_S, "cats infer run")
        until = self.uptime_us(first) + 6 * self.planned_us + 3_000_000
        waiting = set(self.consoles)
        wanted = {node: 2 if node == first else 1 for node in waiting}
        while True:
            for node, own in zip(waiting, self.everyone(self._read(logs), waiting), strict=True):
                wanted[node] -= own
            waiting = {node for node in waiting if wanted[node] > 0}
            if not waiting or self.uptime_us(first) > until:
                break
        # Whose result was the last one to come may still have something to tell.
        self.everyone(self._read(logs))
        return "\n".join(said)

    def infer(self, sample: int, logs: Sequence[Log]) -> str:
        """``start`` and ``finish``."""
        self.start(sample)
        return self.finish(logs)

    def _read(self, logs: Sequence[Log]) -> Callable[[int], int]:
        def read(node: int) -> int:
            return record(self.ask(node, "cats record"), logs[node], self._sample)

        return read

    def new_logs(self) -> list[Log]:
        """Empty ones, and the boards' own forgotten."""
        self.tell("cats record")
        return [Log(Device(node), "") for node in range(self.nodes)]

    def check(self, logs: Sequence[Log]) -> tuple[int, list[tuple[int, int]]]:
        """(outputs that were compared with the reference's; (inference, node) that differ)."""
        return check(self.deploy, self.inputs, logs)


def record(lines: Sequence[str], log: Log, sample: int) -> int:
    """Add what ``cats record`` says to a log; the results that had an input of this board.
    ``sample``: what its shell submitted."""
    own = 0
    for line in lines:
        what, *words = line.split()
        if what == "heard":
            log.add_heard(words)
        elif what == "result":
            if len(words) < 9:
                raise CatsError(f"node {log.device.node}: an output is too long for cats record")
            number, used, led, lost, fragments, silent, started, ended = map(int, words[:8])
            output = np.frombuffer(bytes.fromhex(words[8]), "<i2").astype(np.int16)
            used = sample if used == _BY_SHELL else used
            log.results.append(
                Inference(
                    number, used, bool(led), lost, fragments, silent,
                    started, ended, 0, output,
                )
            )  # fmt: skip
            own += used >= 0
        elif line.startswith("no room"):
            raise CatsError(f"node {log.device.node}: {line}")
    return own


__all__ = ["Boards", "BoardGroup", "MapBoards", "record"]
