# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Offsets in one arena from lifetimes.

A buffer is in use during a set of ticks, kept as the bits of a whole number; two buffers that are
in use during the same tick must not overlap in memory. No packing can be smaller than the most
bytes in use during one tick: that is the lower bound which is printed beside every size. The search
is deterministic.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

#: Offsets are multiples of this, sizes are rounded up to it.
ALIGN = 4
#: The arena's size is a multiple of this.
ARENA_ALIGN = 8


@dataclass(frozen=True)
class Buffer:
    """``size`` bytes in use during the ticks whose bits are set in ``live``.

    Buffers of the same ``turns`` (a name) share ticks but are never in use at the same moment, so
    they may overlap: scratch memory that one thread uses for one thing after the other.
    """

    name: str
    size: int
    live: int
    turns: str = ""

    @property
    def room(self) -> int:
        """Bytes that the buffer takes in the arena."""
        return round_up(self.size, ALIGN)


def round_up(value: int, step: int) -> int:
    """The least multiple of ``step`` that is not below ``value``."""
    return -(-value // step) * step


def ticks(first: int, last: int) -> int:
    """The set of ticks first..last, both included."""
    return (1 << (last + 1)) - (1 << first)


def clash(a: Buffer, b: Buffer) -> bool:
    """Whether two buffers must not overlap."""
    return bool(a.live & b.live) and not (a.turns and a.turns == b.turns)


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """Most bytes in use during one tick, rounded up to ARENA_ALIGN."""
    most = 0
    for tick in range(max((b.live.bit_length() for b in buffers), default=0)):
        turns: dict[str, int] = {}
        total = 0
        for b in buffers:
            if b.live >> tick & 1:
                if b.turns:
                    turns[b.turns] = max(turns.get(b.turns, 0), b.room)
                else:
                    total += b.room
        most = max(most, total + sum(turns.values()))
    return round_up(most, ARENA_ALIGN)


def pack(buffers: Sequence[Buffer], tries: int = 400) -> tuple[dict[str, int], int]:
    """({name: offset}, size): no two buffers that clash overlap.

    Buffers are laid down one after the other, each at the lowest offset that is free; the order
    starts with the largest and is then changed by ``tries`` random swaps (of a fixed seed) that are
    kept where they do not make the arena larger. Stops at the lower bound. Empty buffers get 0.
    """
    solid = [b for b in buffers if b.size]
    bound = lower_bound(solid)
    rooms, lives = [b.room for b in solid], [b.live.bit_count() for b in solid]
    against = [{j for j, b in enumerate(solid) if clash(a, b)} for a in solid]

    def lay(order: Sequence[int]) -> tuple[int, list[int]]:
        spans: dict[int, tuple[int, int]] = {}  # buffer -> (begin, end)
        for i in order:
            at, room = 0, rooms[i]
            for begin, end in sorted([spans[j] for j in against[i] & spans.keys()]):
                if at + room <= begin:
                    break
                at = max(at, end)
            spans[i] = at, at + room
        ends = [end for _, end in spans.values()]
        return max(ends, default=0), [spans[i][0] for i in range(len(solid))]

    starts = [
        sorted(range(len(solid)), key=lambda i: (-rooms[i], i)),
        sorted(range(len(solid)), key=lambda i: (-lives[i], -rooms[i], i)),
        sorted(range(len(solid)), key=lambda i: (-rooms[i] * lives[i], i)),
    ]
    laid = [(*lay(order), order) for order in starts]
    size, offsets, order = min(laid, key=lambda item: item[0])
    chance = random.Random(0)
    for _ in range(tries if len(solid) > 1 else 0):
        if round_up(size, ARENA_ALIGN) <= bound:
            break
        other = list(order)
        i, j = chance.sample(range(len(solid)), 2)
        other.insert(j, other.pop(i))
        new_size, new_offsets = lay(other)
        if new_size <= size:
            size, offsets, order = new_size, new_offsets, other
    places = {b.name: 0 for b in buffers}
    places.update({b.name: offsets[i] for i, b in enumerate(solid)})
    return places, round_up(size, ARENA_ALIGN)
