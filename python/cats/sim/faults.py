# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What the simulated air and its nodes do wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.sim._native import ffi

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
class Faults:
    """What the air and the nodes do wrong. Probabilities are for each frame at each receiver.

    ``loss``: one number, or [D, D] (row: source, column: receiver). ``burst``: mean length of a
    loss burst in frames, at the same mean loss (a Gilbert-Elliott channel that hears all in its
    good and nothing in its bad state); 0: losses are independent. ``delay``: heard up to
    ``delay_us`` late, so out of order. ``flip``: bits change and no checksum below CATS notices.
    ``drift_ppm``: error of each node's clock. ``off``: nodes that are off at the start. ``named``:
    losses without bursts are drawn from what a frame is, as a device's cats_loss() draws them, so
    that equal seeds lose equal frames there and here.
    """

    loss: float | Sequence[Sequence[float]] | np.ndarray = 0.0
    burst: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_us: float = 5000.0
    flip: float = 0.0
    drift_ppm: Sequence[float] = ()
    off: Sequence[int] = ()
    named: bool = False
    frames: Sequence[FrameFault] = ()
    events: Sequence[Event] = ()


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
    if burst < 1:
        raise CatsError(f"burst of {burst} frames: at least 1, or 0 for independent losses")
    leave = 1.0 / burst
    # The share of time in the bad state is the mean loss.
    enter = np.divide(table * leave, 1 - table, out=np.ones_like(table), where=table < 1)
    if (enter > 1).any():
        raise CatsError(f"loss of {table.max()} needs bursts longer than {burst} frames")
    links[..., 0] = np.where(table >= 1, 1, 0)
    links[..., 1] = np.where(table > 0, 1, 0)
    links[..., 2] = enter
    links[..., 3] = np.where(table >= 1, 0, leave)
    return links


def write_faults(config: object, faults: Faults, nodes: int) -> list:
    """Fill in struct air_config; what must live as long as it is used."""
    for name in ("duplicate", "delay", "flip"):
        if not 0 <= getattr(faults, name) <= 1:
            raise CatsError(f"{name}: a probability is a number from 0 to 1")
    for event in faults.events:
        if not 0 <= event.node < nodes:
            raise CatsError(f"node {event.node}: there are nodes 0 to {nodes - 1}")
    if len(faults.drift_ppm) not in (0, nodes):
        raise CatsError(f"drift_ppm for {len(faults.drift_ppm)} nodes, there are {nodes}")
    for fault in faults.frames:
        if fault.kind not in FRAME_FAULTS:
            raise CatsError(f"fault {fault.kind!r}: one of {', '.join(FRAME_FAULTS)}")

    links = link_table(faults.loss, faults.burst, nodes)
    frames = ffi.new("struct air_fault[]", max(1, len(faults.frames)))
    for slot, fault in zip(frames, faults.frames, strict=False):
        slot.kind, slot.receiver = FRAME_FAULTS[fault.kind], fault.receiver
        slot.frame, slot.value = fault.frame, fault.value
    events = ffi.new("struct air_event[]", max(1, len(faults.events)))
    for slot, event in zip(events, faults.events, strict=False):
        slot.node, slot.on, slot.by_frame, slot.at = event.node, event.on, event.by_frame, event.at
    for d in range(nodes):
        config.on[d] = d not in faults.off
        config.drift_ppm[d] = faults.drift_ppm[d] if faults.drift_ppm else 0
        for r in range(nodes):
            link = config.link[d][r]
            link.loss, link.bad_loss, link.enter, link.leave = links[d, r]
    config.named, config.duplicate, config.flip = faults.named, faults.duplicate, faults.flip
    config.delay, config.delay_us = faults.delay, faults.delay_us
    config.faults, config.fault_count = frames, len(faults.frames)
    config.events, config.event_count = events, len(faults.events)
    return [frames, events]
