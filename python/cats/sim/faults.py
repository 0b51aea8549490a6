# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What the simulated air and its nodes do wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cats.errors import CatsError
from cats.native import ffi, lib
from cats.schema import load

#: No moment of a run is later: three years, as microseconds far below 64 bits.
MOST_MS = 1e11
#: No clock is further off: 1 %, as cheap oscillators without a crystal.
MOST_PPM = 1e4
#: What happens to one frame at one receiver: enum air_fault_kind.
FRAME_FAULTS = {"drop": 0, "duplicate": 1, "delay": 2, "flip": 3}


@dataclass(frozen=True)
class FrameFault:
    """A fault of frame number ``frame`` of the run, at one ``receiver`` or at all (-1).

    ``value``: microseconds of delay (``duplicate``, ``delay``); ``flip``: byte number * 256 + the
    bits of that byte that change.
    """

    kind: str
    frame: int
    receiver: int = -1
    value: int = 0


@dataclass(frozen=True)
class Event:
    """A node goes on or off, ``at`` microseconds into the run or when frame ``at`` starts."""

    node: int
    on: bool
    at: int
    by_frame: bool = False


@dataclass(frozen=True)
class ClockJump:
    """A node's clock shows ``by_us`` more from a moment on, which is that of an ``Event``."""

    node: int
    by_us: int
    at: int
    by_frame: bool = False


@dataclass(frozen=True)
class DriftStep:
    """A node's clock is wrong by ``ppm`` from a moment on: a step of the temperature."""

    node: int
    ppm: float
    at: int
    by_frame: bool = False


@dataclass(frozen=True)
class Change:
    """From ``at_us`` microseconds into the run on, the links lose this: as ``Faults.loss``."""

    at_us: int
    loss: float | Sequence[Sequence[float]] | np.ndarray


#: What somebody sends who keeps to no slot: enum air_babble_kind.
BABBLES = {"repeat": 0, "stale": 1, "sync": 2, "need": 3}


@dataclass(frozen=True)
class Babble:
    """Frames in the name of ``node``, valid by every check, each ``every_us`` from ``from_us`` into
    the run on, ``count`` of them (0: without end), whatever else is on the air.

    ``repeat``: what that node sent last; ``stale``: what it sent first in the run; ``sync``: a SYNC
    whose number is ``value`` from the newest; ``need``: a NEED of the round that runs, which says
    that something lacks. The node itself need not be on.
    """

    kind: str
    node: int
    every_us: int
    from_us: int = 0
    count: int = 0
    value: int = 0


@dataclass(frozen=True)
class Neighbour:
    """A second set of the same product in the room, which begins an inference (of zeros) every
    ``every_us``. ``group``: its group id, ``Faults.group`` is that of the first set. ``loss``: of
    frames of one set at the other."""

    every_us: int
    group: int = 1
    loss: float = 0.0


@dataclass(frozen=True)
class Faults:
    """What the air and the nodes do wrong. Probabilities are for each frame at each receiver.

    ``loss``: one number, or [D, D] (row: source, column: receiver). ``burst``: mean length of a
    loss burst in frames, at the same mean loss (a Gilbert-Elliott channel that hears all in its
    good and nothing in its bad state); 0: losses are independent. ``delay``: heard up to
    ``delay_us`` late, so out of order. ``blind``: a node that looks whether the air is busy senses
    nothing of another one's frame. ``flip``: bits change and no checksum below CATS notices.
    ``drift_ppm``: error of each node's clock, at most MOST_PPM. ``off``: nodes that are off at the
    start. ``named``: losses without bursts are drawn from what a frame is, as a device's
    cats_loss() draws them, so that equal seeds lose equal frames there and here. ``changes``, in
    the order of their times: other losses from then on, so that links come and go, and groups part
    and meet again.
    """

    loss: float | Sequence[Sequence[float]] | np.ndarray = 0.0
    burst: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_us: float = 5000.0
    blind: float = 0.0
    flip: float = 0.0
    drift_ppm: Sequence[float] = ()
    off: Sequence[int] = ()
    named: bool = False
    frames: Sequence[FrameFault] = ()
    events: Sequence[Event] = ()
    jumps: Sequence[ClockJump] = ()
    drift_steps: Sequence[DriftStep] = ()
    changes: Sequence[Change] = ()
    babble: Sequence[Babble] = ()
    group: int = 0
    neighbour: Neighbour | None = None

    @property
    def shocks(self) -> int:
        """Moments at which somebody's state is lost or wrong."""
        return len(self.events) + len(self.jumps) + len(self.changes)


def loss_matrix(
    nodes: int,
    loss: float = 0.0,
    *,
    deaf: Sequence[int] = (),
    mute: Sequence[int] = (),
    bad: Mapping[int, float] | None = None,
) -> np.ndarray:
    """The same loss on all links, but for nodes that hear nothing, that nobody hears, and whose
    receivers lose more."""
    table = np.full((nodes, nodes), float(loss))
    for node, more in {**(bad or {}), **dict.fromkeys(deaf, 1.0)}.items():
        table[:, node] = more
    table[list(mute)] = 1.0
    return table


@dataclass(frozen=True)
class _Losses:
    """An entry of a file of losses in time."""

    at_ms: float
    loss: float | list[list[float]]


def load_changes(path: Path, nodes: int) -> list[Change]:
    """Losses in time from a file.

    ``.json``: a list of ``{"at_ms": 0, "loss": 0.1}``, where the loss may be a matrix of D rows (of
    senders) of D numbers. Else lines ``MS,SENDER,RECEIVER,LOSS``, where ``*`` stands for all nodes:
    each changes what the lines above it left; ``#`` begins a remark. What holds from 0 ms on may be
    among them; without, nothing is lost at first.
    """
    try:
        if path.suffix == ".json":
            rows = load(path, list[_Losses], "losses in time")
            found: list[tuple[float, Any]] = [(row.at_ms, row.loss) for row in rows]
        else:
            found = _csv_changes(path.read_text(encoding="utf-8"), nodes)
        times = [round(1000 * ms) for ms, _ in found]
        for _, loss in found:
            link_table(loss, 0, nodes)
    except OSError as error:
        raise CatsError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, IndexError, OverflowError) as error:
        raise CatsError(f"{path} has no losses in time: {error}") from None
    if not times:
        raise CatsError(f"{path} has no losses in time: it is empty")
    if times != sorted(times) or times[0] < 0 or times[-1] > 1000 * MOST_MS:
        raise CatsError(f"{path}: the times do not ascend from 0 to {MOST_MS:g} ms")
    return [Change(at, loss) for at, (_, loss) in zip(times, found, strict=True)]


def _csv_changes(text: str, nodes: int) -> list[tuple[float, np.ndarray]]:
    table = np.zeros((nodes, nodes))
    found: list[tuple[float, np.ndarray]] = []
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        ms, sender, receiver, loss = (part.strip() for part in line.split(","))
        rows, columns = (slice(None) if part == "*" else int(part) for part in (sender, receiver))
        if any(part != "*" and not 0 <= int(part) < nodes for part in (sender, receiver)):
            raise ValueError(f"{line}: there are nodes 0 to {nodes - 1}")
        table = table.copy()
        table[rows, columns] = float(loss)
        if found and found[-1][0] == float(ms):
            found.pop()
        found.append((float(ms), table))
    return found


def link_table(loss: object, burst: float, nodes: int) -> np.ndarray:
    """float [D, D, 4] of struct air_link: loss, bad_loss, enter, leave."""
    table = np.asarray(loss, np.float64)
    if table.ndim == 0:
        table = np.full((nodes, nodes), float(table))
    if table.shape != (nodes, nodes):
        raise CatsError(f"loss matrix of shape {list(table.shape)}: {nodes} nodes need a square")
    if not ((table >= 0) & (table <= 1)).all():
        raise CatsError("loss: a probability is a number from 0 to 1")
    links = np.zeros((nodes, nodes, 4))
    if burst == 0:
        links[..., 0] = table
        return links
    if not 1 <= burst < math.inf:
        raise CatsError(f"burst of {burst} frames: at least 1, or 0 for independent losses")
    leave = 1.0 / burst
    # The share of time in the bad state is the mean loss.
    enter = np.divide(table * leave, 1 - table, out=np.ones_like(table), where=table < 1)
    if (enter > 1).any():
        worst = table[table < 1].max()
        raise CatsError(
            f"loss of {worst:g} needs bursts of {worst / (1 - worst):.1f} frames and more"
        )
    links[..., 0] = np.where(table >= 1, 1, 0)
    links[..., 1] = np.where(table > 0, 1, 0)
    links[..., 2] = enter
    links[..., 3] = np.where(table >= 1, 0, leave)
    return links


def write_faults(config: object, faults: Faults, nodes: int) -> list:
    """Fill in struct air_config; what must live as long as it is used."""
    _check(faults, nodes)
    first = _antennas(faults, faults.loss, nodes)
    frames = ffi.new("struct air_fault[]", max(1, len(faults.frames)))
    for slot, fault in zip(frames, faults.frames, strict=False):
        slot.kind, slot.receiver = FRAME_FAULTS[fault.kind], fault.receiver
        slot.frame, slot.value = fault.frame, fault.value
    happen = [
        *((int(event.on), 0, event) for event in faults.events),
        *((lib.AIR_JUMP, jump.by_us, jump) for jump in faults.jumps),
        *((lib.AIR_DRIFT, round(1e3 * step.ppm), step) for step in faults.drift_steps),
    ]
    events = ffi.new("struct air_event[]", max(1, len(happen)))
    for slot, (kind, value, event) in zip(events, happen, strict=False):
        slot.kind, slot.value = kind, value
        slot.node, slot.by_frame, slot.at = event.node, event.by_frame, event.at
    changes = ffi.new("struct air_change[]", max(1, len(faults.changes)))
    for slot, change in zip(changes, faults.changes, strict=False):
        slot.at_us = change.at_us
        _write_links(slot.link, _antennas(faults, change.loss, nodes))
    babbles = ffi.new("struct air_babble[]", max(1, len(faults.babble)))
    for slot, babble in zip(babbles, faults.babble, strict=False):
        slot.kind, slot.node, slot.value = BABBLES[babble.kind], babble.node, babble.value
        slot.from_us, slot.every_us, slot.count = babble.from_us, babble.every_us, babble.count
    for d in range(nodes):
        config.on[d] = d not in faults.off
    for d in range(2 * nodes if faults.neighbour else nodes):
        config.drift_ppm[d] = faults.drift_ppm[d % nodes] if faults.drift_ppm else 0
    _write_links(config.link, first)
    config.named, config.duplicate, config.flip = faults.named, faults.duplicate, faults.flip
    config.blind = faults.blind
    config.delay, config.delay_us = faults.delay, faults.delay_us
    config.faults, config.fault_count = frames, len(faults.frames)
    config.events, config.event_count = events, len(happen)
    config.changes, config.change_count = changes, len(faults.changes)
    config.babbles, config.babble_count = babbles, len(faults.babble)
    config.group = faults.group
    if faults.neighbour:
        config.neighbour_us = faults.neighbour.every_us
        config.neighbour_group = faults.neighbour.group
    return [frames, events, changes, babbles]


def _check(faults: Faults, nodes: int) -> None:
    for name in ("duplicate", "delay", "blind", "flip"):
        if not 0 <= getattr(faults, name) <= 1:
            raise CatsError(f"{name}: a probability is a number from 0 to 1")
    for one in (*faults.events, *faults.jumps, *faults.drift_steps, *faults.babble):
        if not 0 <= one.node < nodes:
            raise CatsError(f"node {one.node}: there are nodes 0 to {nodes - 1}")
    if len(faults.drift_ppm) not in (0, nodes):
        raise CatsError(f"drift_ppm for {len(faults.drift_ppm)} nodes, there are {nodes}")
    for ppm in (*faults.drift_ppm, *(step.ppm for step in faults.drift_steps)):
        if not abs(ppm) <= MOST_PPM:
            raise CatsError(f"drift of {ppm:g} ppm: at most {MOST_PPM:g} either way")
    for fault in faults.frames:
        if fault.kind not in FRAME_FAULTS:
            raise CatsError(f"fault {fault.kind!r}: one of {', '.join(FRAME_FAULTS)}")
    if len(faults.babble) > lib.AIR_NODES:
        raise CatsError(f"{len(faults.babble)} who babble: at most {lib.AIR_NODES}")
    for babble in faults.babble:
        if babble.kind not in BABBLES:
            raise CatsError(f"babble {babble.kind!r}: one of {', '.join(BABBLES)}")
        if babble.every_us < 1:
            raise CatsError("who babbles needs a microsecond in between")
    if faults.neighbour and 2 * nodes > lib.AIR_NODES:
        raise CatsError(f"a neighbour of {nodes} nodes: there are {lib.AIR_NODES} antennas in all")
    if faults.neighbour and faults.neighbour.every_us < 1:
        raise CatsError("a neighbour needs a microsecond between its inferences")
    times = [change.at_us for change in faults.changes]
    if times != sorted(times):
        raise CatsError("changes of the links: their times do not ascend")


def _antennas(faults: Faults, loss: object, nodes: int) -> np.ndarray:
    """``link_table`` of the set, and of its neighbour, if there is one: the same, and its own loss
    between the two."""
    table = link_table(loss, faults.burst, nodes)
    if not faults.neighbour:
        return table
    between = link_table(faults.neighbour.loss, 0, nodes)
    rows = np.hstack([table, between]), np.hstack([between, table])
    return np.vstack(rows)


def _write_links(slots: object, table: np.ndarray) -> None:
    for s in range(len(table)):
        for r in range(len(table)):
            link = slots[s][r]
            link.loss, link.bad_loss, link.enter, link.leave = table[s, r]
