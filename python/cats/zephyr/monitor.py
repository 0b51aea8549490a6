# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What all nodes of a group do, from their shells: read live, recorded, and read again.

A thread a port asks for ``cats stats json`` again and again; what it hears are *records*, which
``Group`` takes in, one after the other, and which a recording has, one JSON object a line::

    {"time": 1790000000.1, "port": "/dev/ttyACM0", "node": {...}}   what a node said
    {"time": 1790000001.2, "port": "/dev/ttyACM0", "gone": "..."}   why its shell is not reached
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from cats import schema
from cats.errors import CatsError
from cats.zephyr.console import Console

#: First line of a recording.
FORMAT = {"cats_monitor": 1}
#: Seconds of a node's own clock over which its inferences a second are told.
_WINDOW_S = 10.0
#: Of less, one inference more or less would tell anything.
_LEAST_S = 1.0
#: Before a port that is gone is tried again, and for an answer, of a slow simulation too.
_RETRY_S, _ANSWER_S = 1.0, 30.0
_NEW = "not heard yet"

Record = dict[str, Any]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Last(msgspec.Struct):
    """The last inference, of what a node says."""

    inference: _Count = 0
    answer: int | None = msgspec.field(name="class", default=None)
    latency_us: _Count = 0
    fragments: _Count = 0
    lost: _Count = 0
    silent: _Count = 0


class _Said(msgspec.Struct):
    """What is used of a node's answer to ``cats stats json`` (subsys/cats/shell/stats.c)."""

    instance: str = ""
    runs: bool = False
    node: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    uptime_ms: _Count = 0
    inferences: _Count = 0
    sent: _Count = 0
    twin: _Count = 0
    microjoules: _Count = 0
    link_fragments: list[_Count] = []
    link_lost: list[_Count] = []
    last: _Last | None = None


class _Heard(msgspec.Struct):
    """A line of a recording."""

    time: float
    port: str
    node: _Said | None = None
    gone: str | None = None


@dataclass
class Link:
    """Fragments that one source had for a node since the watch began, and how many were lost."""

    fragments: int = 0
    lost: int = 0

    @property
    def share(self) -> float | None:
        """Lost of all; None where there was none."""
        return self.lost / self.fragments if self.fragments else None


@dataclass
class Node:
    """One node as it was heard last. ``expected``: its number by the map. ``said``: its last line;
    ``gone``: why it is not heard. ``restarts`` since the watch began."""

    port: str
    expected: int | None = None
    said: Record = field(default_factory=dict)
    gone: str | None = _NEW
    heard: float | None = None
    restarts: int = 0
    inferences: int = 0
    links: dict[int, Link] = field(default_factory=dict)
    _window: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def number(self) -> int | None:
        """Its number by its own word, or by the map."""
        return self.said.get("node", self.expected)

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.gone is not None:
            return "gone" if self.said else "silent"
        if not self.said.get("runs"):
            return "stopped"
        if self.expected is not None and self.number != self.expected:
            return f"is node {self.number}"
        return "twin" if self.said.get("twin") else "alive"

    @property
    def rate(self) -> float | None:
        """Inferences a second by its own clock."""
        if self.gone is not None or len(self._window) < 2:
            return None
        (since, first), (until, last) = self._window[0], self._window[-1]
        return (last - first) / (until - since) if until - since >= _LEAST_S else None

    @property
    def lost(self) -> float | None:
        """Share of the fragments of all others that were lost."""
        return Link(
            sum(link.fragments for link in self.links.values()),
            sum(link.lost for link in self.links.values()),
        ).share

    def take(self, said: Record, at: float) -> None:
        """What it says now."""
        before, self.said = self.said, said
        self.gone, self.heard = None, at
        uptime, count = said.get("uptime_ms", 0) / 1000, said.get("inferences", 0)
        # A board that was reset, or an instance that was stopped and started, counts from 0.
        reset = uptime < before.get("uptime_ms", 0) / 1000
        anew = reset or count < before.get("inferences", 0)
        self.restarts += reset
        if anew:
            before = {}
            self._window.clear()
        first = not before and not anew
        if not first:
            self.inferences += count - before.get("inferences", 0)
            self._take_links(before, said)
        if said.get("runs"):
            self._window.append((uptime, count))
            while len(self._window) > 2 and self._window[1][0] <= uptime - _WINDOW_S:
                self._window.popleft()

    def _take_links(self, before: Record, said: Record) -> None:
        for name in ("fragments", "lost"):
            had = before.get(f"link_{name}", [])
            for source, count in enumerate(said.get(f"link_{name}", [])):
                link = self.links.setdefault(source, Link())
                delta = count - (had[source] if source < len(had) else 0)
                setattr(link, name, getattr(link, name) + delta % 2**32)

    def summary(self) -> Record:
        """For a JSON file."""
        last = self.said.get("last", {})
        return {
            "node": self.number, "port": self.port, "state": self.state, "why": self.gone,
            "restarts": self.restarts, "inferences": self.inferences,
            "inferences_per_second": self.rate, "latency_us": last.get("latency_us"),
            "class": last.get("class"), "microjoules": self.said.get("microjoules"),
            "lost": self.lost,
            "links": [
                {"source": source, "fragments": link.fragments, "lost": link.lost}
                for source, link in sorted(self.links.items()) if source != self.number
            ],
        }  # fmt: skip


class Group:
    """All nodes by their ports: ``ports`` are those that are watched, with a node's number where it
    is known; a port may turn out to have several nodes."""

    def __init__(self, ports: Mapping[str, int | None]):
        self._ports = dict(ports)
        self._nodes: dict[tuple[str, str], Node] = {
            (port, ""): Node(port, number) for port, number in ports.items()
        }

    @property
    def nodes(self) -> list[Node]:
        """By number; those without one behind."""
        return sorted(
            self._nodes.values(),
            key=lambda node: (node.number is None, node.number or 0, node.port),
        )

    def take(self, record: Record) -> str | None:
        """Take a record in; what happened, in a line, where a node came or went."""
        port = record["port"]
        if "gone" in record:
            return self._lose(port, str(record["gone"]))
        said = record["node"]
        key = (port, str(said.get("instance", "")))
        node = self._nodes.get(key) or self._nodes.pop((port, ""), None)
        if node is None:
            node = Node(port)
        self._nodes[key] = node
        if len([one for one in self._nodes.values() if one.port == port]) > 1:
            # The map knows one node a port.
            for one in self._nodes.values():
                one.expected = None if one.port == port else one.expected
        was, restarts = node.state, node.restarts
        node.take(said, record["time"])
        if node.restarts > restarts:
            return f"node {node.number} was reset ({port})"
        return f"node {node.number}: {node.state} ({port})" if node.state != was else None

    def _lose(self, port: str, why: str) -> str | None:
        lost = [node for node in self._nodes.values() if node.port == port]
        told = None
        for node in lost:
            if node.gone is None:
                told = f"node {node.number} is gone: {why}"
            elif node.gone == _NEW:
                told = why
            node.gone = why
        return told

    def summary(self) -> Record:
        """For a JSON file."""
        return {"ok": self.ok, "nodes": [node.summary() for node in self.nodes]}

    @property
    def ok(self) -> bool:
        """Whether every node is alive."""
        return all(node.state == "alive" for node in self._nodes.values())


def parse(lines: Sequence[str]) -> list[Record]:
    """The nodes of an answer to ``cats stats json``; what the log printed is left out."""
    found = []
    for line in lines:
        if line.startswith("{"):
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict) and "runs" in said:
                found.append(said)
    return found


class Watch:
    """Asks all ports, ``bauds`` of each, every ``period_s`` seconds until it is closed."""

    def __init__(self, bauds: Mapping[str, int], period_s: float):
        self._period_s = period_s
        self._stop = threading.Event()
        self._records: queue.Queue[Record] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._ask, args=(port, baud), daemon=True)
            for port, baud in bauds.items()
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_ANSWER_S)

    def records(self, wait_s: float) -> list[Record]:
        """What came in the meantime; waits so long for the first."""
        found = []
        try:
            found.append(self._records.get(timeout=wait_s))
            while True:
                found.append(self._records.get_nowait())
        except queue.Empty:
            return found

    def _ask(self, port: str, baud: int) -> None:
        while not self._stop.is_set():
            try:
                with Console(port, baud) as console:
                    console.wait_for_prompt(_ANSWER_S)
                    self._ask_open(port, console)
            except CatsError as error:
                self._tell(port, gone=str(error))
                self._stop.wait(_RETRY_S)

    def _ask_open(self, port: str, console: Console) -> None:
        unheard = 0
        while not self._stop.is_set():
            said = parse(console.ask("cats stats json", _ANSWER_S))
            unheard = 0 if said else unheard + 1
            if unheard == 3:
                raise CatsError(f"{port}: no cats stats json: CONFIG_CATS_SHELL=y?")
            for node in said:
                self._tell(port, node=node)
            self._stop.wait(self._period_s)

    def _tell(self, port: str, **what: Any) -> None:
        self._records.put({"time": round(time.time(), 3), "port": port} | what)


def read_recording(path: Path) -> Iterator[Record]:
    """The records of a file; CatsError where it is none. A last line that is cut short is left
    out, as a recording that was killed leaves it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, ValueError) as error:
        raise CatsError(f"cannot read the recording {path}: {error}") from error
    if not lines or _load(lines[0]) != FORMAT:
        raise CatsError(f"{path} is no recording of cats monitor, or of another version")
    for number, line in enumerate(lines[1:], 2):
        record = _load(line)
        if not line.endswith("\n"):
            return
        heard = schema.convert(record, _Heard, f"{path}: line {number}")
        if heard.node is None and heard.gone is None:
            raise CatsError(f"{path}: line {number} is no record")
        yield {name: value for name, value in record.items() if value is not None}


def _load(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
