# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Gives boards what their deployment's group shares, over their shells: group, radio, keys.

A board is stopped, asked which node it is, given everything, read back and started. A key is
typed to the shell as ``cats key set`` asks for it, and is in no command line, answer or error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr import fleet as fleets
from cats.zephyr.boards import Board, Outcome
from cats.zephyr.console import PROMPT, Console
from cats.zephyr.fleet import RADIO_SETTINGS, Fleet, Key

#: An image is verified when a node starts or tells what it is, settings are written to flash.
_TIMEOUT_S = 30.0
_NODE = re.compile(r"node (\d+) of (\d+)(?: in group ([0-9a-f]+))?, model ([0-9a-f]{8})")
_KEY = re.compile(r"key (\d+)(, frames are sealed with it)?$")
_REFUSED = re.compile(r"^cats: |subcommand|not found|wrong parameter", re.IGNORECASE)


@dataclass(frozen=True)
class Deployment:
    """Which boards these should be: ``model`` as ``cats info`` writes it, ``radio`` of the plan
    without "+secure", and whether frames are ``sealed``."""

    model: str
    radio: str
    sealed: bool


class _Failed(CatsError):
    """Why a board is not provisioned."""


class Shell:
    """``cats`` on one board's console."""

    def __init__(self, console: Console):
        self.console = console

    def say(self, command: str, pattern: str | None = None) -> list[str]:
        """The answer; with ``pattern``, asked again once where no line has it, for a line of the
        log can come between."""
        for _ in range(2):
            lines = self.console.ask(command, _TIMEOUT_S)
            if pattern is None or any(re.search(pattern, line) for line in lines):
                return lines
        raise _Failed(f"{command}: {_reason(lines)}")

    def info(self) -> re.Match[str]:
        """Node, nodes, group, model of its first instance."""
        lines = self.say("cats info", _NODE.pattern)
        return next(found for line in lines if (found := _NODE.search(line)))

    def keys(self) -> tuple[set[int], int | None]:
        """Numbers of the keys, and the one that seals."""
        found = [_KEY.search(line) for line in self.say("cats key", rf"{_KEY.pattern}|^no key")]
        numbers = {int(one[1]) for one in found if one}
        return numbers, next((int(one[1]) for one in found if one and one[2]), None)

    def set_key(self, key: Key) -> None:
        """Type a key; the same one again changes nothing."""
        self.console.send(f"cats key set {key.number}")
        self._expect("which are not shown:", f"cats key set {key.number}")
        self.console.send(key.typed())
        lines: list[str] = []
        # The log may come first, with a prompt behind it.
        while not (said := _unlogged(lines)):
            lines = self.console.read_until(PROMPT, _TIMEOUT_S)
        if f"key {key.number} is kept" not in said:
            raise _Failed(f"cats key set {key.number}: {_reason(lines)}")

    def _expect(self, words: str, command: str) -> None:
        # Without CONFIG_CATS_SECURE there is no such command, and a prompt comes.
        try:
            self.console.read_until(words, 5, anywhere=True)
        except CatsError:
            self.console.wait_for_prompt()
            raise _Failed(f"{command}: is the firmware built with CONFIG_CATS_SECURE?") from None

    def use_key(self, number: int) -> None:
        """Seal with a key that it has."""
        self.say(f"cats key use {number}")

    def forget_key(self, number: int) -> None:
        """Forget a key that it has."""
        self.say(f"cats key forget {number}")


def _unlogged(lines: list[str]) -> list[str]:
    said = (line.removeprefix(PROMPT) for line in lines)
    return [line for line in said if not line.startswith("[")]


def _reason(lines: list[str]) -> str:
    said = _unlogged(lines)
    if any(_REFUSED.search(line) for line in said):
        return "the shell has no such command: CONFIG_CATS_SHELL=y and CONFIG_SETTINGS=y?"
    return said[-1] if said else "no answer"


def _identify(shell: Shell, node: int, deployment: Deployment) -> None:
    found = shell.info()
    if found[4] != deployment.model:
        raise _Failed(f"it has model {found[4]}, the deployment is {deployment.model}: cats flash")
    if int(found[1]) != node:
        raise _Failed(f"it is node {found[1]}, the map says {node}: put the map in order")


def _set_radio(shell: Shell, deployment: Deployment, fleet: Fleet) -> None:
    for name, value in fleet.radio.items():
        text = f"0x{value:x}" if RADIO_SETTINGS[deployment.radio][name][2] else str(value)
        shell.say(f"cats radio {name} {text}", rf"^{name} {text}$")
    if fleet.radio:
        had = dict(line.split() for line in shell.say("cats radio") if len(line.split()) == 2)
        for name, value in fleet.radio.items():
            if name not in had or int(had[name], 0) != value:
                raise _Failed(f"cats radio {name}: not kept")


def _set_keys(shell: Shell, fleet: Fleet) -> None:
    ordered = sorted(fleet.keys, key=lambda key: key.number != fleet.use)
    for key in ordered:
        shell.set_key(key)
        if key.number == fleet.use:
            shell.use_key(key.number)
    wanted = {key.number for key in ordered}
    for number in shell.keys()[0] - wanted:
        shell.forget_key(number)
    if (had := shell.keys()) != (wanted, fleet.use):
        raise _Failed(f"cats key: it has {sorted(had[0])} and seals with {had[1]}")


def _everything(shell: Shell, node: int, deployment: Deployment, fleet: Fleet) -> tuple[str, ...]:
    _identify(shell, node, deployment)
    shell.say("cats stop")
    done = [f"group {fleet.group:x}"]
    shell.say(f"cats group {fleet.group:x}", rf"^group {fleet.group:x}\b")
    _set_radio(shell, deployment, fleet)
    done += fleet.radio and ["radio"] or []
    if deployment.sealed:
        _set_keys(shell, fleet)
        done.append(f"key {fleet.use}")
    lines = shell.say("cats start")
    found = shell.info()
    if found[3] is None:
        raise _Failed(f"cats start: {_reason(lines)}")
    if int(found[3], 16) != fleet.group:
        raise _Failed(f"it started in group {found[3]}, not {fleet.group:x}")
    return tuple(done)


def _at_all(
    boards: Mapping[int, Board],
    what: Callable[[Shell, int], tuple[str, ...]],
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Do ``what`` on all boards at once."""

    def one(node: int, board: Board) -> Outcome:
        start, done, failed = time.monotonic(), (), None
        try:
            if not board.serial:
                raise _Failed("the map has no serial port of it")
            with Console(board.serial, board.baud) as console:
                console.wait_for_prompt(_TIMEOUT_S)
                done = what(Shell(console), node)
        except CatsError as error:
            failed = str(error)
        result = Outcome(node, board, tuple(done), time.monotonic() - start, failed)
        report(result)
        return result

    with ThreadPoolExecutor(len(boards)) as pool:
        return list(pool.map(one, boards, boards.values()))


def provision(
    boards: Mapping[int, Board],
    deployment: Deployment,
    fleet: Fleet,
    *,
    report: Callable[[Outcome], None] = lambda one: None,
) -> list[Outcome]:
    """Give every board the group, the radio's settings and the keys, and start it."""
    if deployment.sealed and not fleet.keys:
        raise CatsError("frames of this deployment are sealed, the fleet file has no key: --new")
    return _at_all(boards, lambda shell, node: _everything(shell, node, deployment, fleet), report)


def rotate(
    boards: Mapping[int, Board],
    deployment: Deployment,
    path: Path,
    *,
    report: Callable[[Outcome], None] = lambda one: None,
) -> tuple[Fleet, list[Outcome]]:
    """Change the key of a group that runs, without losing an inference: every board gets the new
    one, then every board uses it, then every board forgets the old one.

    Each step begins when all boards are through with the one before. The file has the new key
    before any board, so whoever is interrupted, or has a board that fails, calls it again, and it
    goes on where it ended. Returns the fleet as it then is.
    """
    fleet = fleets.read(path, deployment.radio)
    if not deployment.sealed or not fleet.keys:
        raise CatsError("there is no key to change: the deployment's frames are not sealed")
    if len(fleet.keys) == 1:
        fleet = fleet.rotated()
        fleets.write(path, fleet)
    new, results = fleet.keys[-1], []

    def hand_out(shell: Shell, node: int) -> tuple[str, ...]:
        _identify(shell, node, deployment)
        if not shell.keys()[0] & {key.number for key in fleet.keys}:
            raise _Failed("it has no key of this fleet: cats provision without --rotate")
        shell.set_key(new)
        if new.number not in shell.keys()[0]:
            raise _Failed(f"key {new.number} is not kept")
        return (f"has key {new.number}",)

    def use(shell: Shell, node: int) -> tuple[str, ...]:
        shell.use_key(new.number)
        if shell.keys()[1] != new.number:
            raise _Failed(f"does not seal with key {new.number}")
        return (f"uses key {new.number}",)

    def forget(shell: Shell, node: int) -> tuple[str, ...]:
        for number in shell.keys()[0] - {new.number}:
            shell.forget_key(number)
        if shell.keys() != ({new.number}, new.number):
            raise _Failed("has another key still")
        return (f"key {new.number} alone",)

    for step, after in (
        (hand_out, fleet), (use, fleet.using(new.number)), (forget, fleet.using(new.number).alone())
    ):  # fmt: skip
        if step is hand_out and fleet.use == new.number:
            continue  # an earlier call came so far
        results = _at_all(boards, step, report)
        if any(one.failed for one in results):
            return fleet, results
        if after != fleet:
            fleets.write(path, after)
        fleet = after
    return fleet, results
