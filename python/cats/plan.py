# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The plan: everything static about a deployment beside its weights."""

from __future__ import annotations

from dataclasses import dataclass

from cats.partition import Fragmenting


@dataclass(frozen=True)
class GatherPlan:
    """How one gather is exchanged; the fields of struct cats_image_gather of the same names.

    sources[s] is the cutting of source s's bytes (two bytes a column in RESULT).
    """

    phase: int
    row_begin: int
    rows: int
    tile_rows: int
    buffers: int
    rounds: int
    slot_us: int
    control_us: int
    spacing_us: int
    sources: tuple[Fragmenting, ...]

    @property
    def tiles(self) -> int:
        """Tiles of the gather."""
        return -(-self.rows // self.tile_rows)


@dataclass(frozen=True)
class Arena:
    """Byte offsets of one node's buffers (names of struct cats_image_model without ``arena_``),
    ``tiles[g]`` = the two tile buffers of gather g, and the size of all."""

    offsets: dict[str, int]
    tiles: tuple[tuple[int, int], ...]
    size: int
    lower_bound: int


@dataclass(frozen=True)
class Plan:
    """A deployment's plan for one radio; ``arenas[d]`` differs by node, the rest is common."""

    radio: str
    payload: int
    rounds: int
    block_rows: int
    held: bool
    heads_per_pass: tuple[int, ...]
    hidden_rows: int
    gathers: tuple[GatherPlan, ...]
    arenas: tuple[Arena, ...]
