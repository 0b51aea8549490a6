# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A recording of ``cats monitor`` as a trace for Perfetto or Chrome (the "JSON object format" of
Chrome's trace events), beside that of a simulation (:mod:`cats.sim.trace`).

A process a node, in it the lanes ``state`` and ``inferences``, and tracks of counters: frames,
losses by source, energy. A node tells sums, so an event is what happened between two answers, at
the times of the machine that asked. The last inference before an answer is drawn with its own
latency, its end where the answer came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cats.report import trace_names
from cats.zephyr.monitor import Group, Node, Record

LANES = ("state", "inferences")
#: Of ``cats stats json``: counters of frames, told a second.
FRAMES = ("sent", "heard", "repaired", "lost", "not_sent", "rejected")


def trace(records: Iterable[Record], ports: Mapping[str, int | None]) -> dict[str, Any]:
    """The trace of a recording: times in microseconds since its first record."""
    group = Group(ports)
    events: list[dict[str, Any]] = []
    begin = now = None
    states: dict[int, tuple[str, float]] = {}
    for record in records:
        begin = record["time"] if begin is None else begin
        now = 1e6 * (record["time"] - begin)
        before = {id(node): (node.said, node.heard) for node in group.nodes}
        group.take(record)
        for node in group.nodes:
            if node.number is None:
                continue
            _state(events, states, node, now)
            said, heard = before.get(id(node), ({}, None))
            if node.heard == record["time"] and node.said is not said:
                since = None if heard is None else 1e6 * (heard - begin)
                events += _counters(node, said, since, now)
    for number, (state, since) in states.items():
        events.append(_slice(number, 0, state, since, now))
    return {"displayTimeUnit": "ms", "traceEvents": [*trace_names(sorted(states), LANES), *events]}


def _state(
    events: list[dict[str, Any]], states: dict[int, tuple[str, float]], node: Node, now: float
) -> None:
    """A slice for each time in one state."""
    state, since = states.setdefault(node.number, (node.state, now))
    if state != node.state:
        events.append(_slice(node.number, 0, state, since, now))
        states[node.number] = (node.state, now)


def _counters(node: Node, before: Record, since: float | None, now: float) -> list[dict[str, Any]]:
    """What a node's answer adds to the one before it."""
    said, pid = node.said, node.number
    again = "uptime_ms" in before and said.get("uptime_ms", 0) >= before["uptime_ms"]
    found = []
    if "microjoules" in said:
        found.append(_counter(pid, "microjoules an inference", now, {"": said["microjoules"]}))
    if not again or since is None or now <= since:
        return found

    def more(name: str) -> int:
        return (said.get(name, 0) - before.get(name, 0)) % 2**32

    seconds = (now - since) / 1e6
    rates = {name: round(more(name) / seconds, 3) for name in FRAMES}
    found.append(_counter(pid, "frames a second", now, rates))
    links = zip(said.get("link_lost", []), before.get("link_lost", []))
    lost = {f"from {source}": (new - old) % 2**32 for source, (new, old) in enumerate(links)}
    lost.pop(f"from {pid}", None)
    if lost:
        found.append(_counter(pid, "fragments lost", now, lost))
    last = said.get("last", {})
    latency = last.get("latency_us")
    if more("inferences") and latency is not None:
        name = f"inference {last.get('inference', '')}"
        event = _slice(pid, 1, name, max(now - latency, 0), now)
        event["args"] = {**last, "inferences since the last answer": more("inferences")}
        found.append(event)
    return found


def _slice(node: int, lane: int, name: str, begin: float, end: float) -> dict[str, Any]:
    return {"ph": "X", "name": name, "pid": node, "tid": lane, "ts": begin, "dur": end - begin}


def _counter(node: int, name: str, at: float, values: Mapping[str, float]) -> dict[str, Any]:
    return {"ph": "C", "name": name, "pid": node, "ts": at, "args": dict(values)}
