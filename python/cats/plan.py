# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The plan: everything static about a deployment beside its weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from cats.errors import CatsError
from cats.partition import Fragmenting
from cats.radio import FRAME_HEADER
from cats.radio import radio as radio_named


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

    def tile_height(self, tile: int) -> int:
        """Rows of a tile: tile_rows, or fewer in the last."""
        return min(self.tile_rows, self.rows - tile * self.tile_rows)


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


@dataclass(frozen=True)
class Air:
    """What goes over the air: frames, bytes (headers, preamble and checksum included), and
    microseconds of the slots that they take."""

    frames: int = 0
    bytes: int = 0
    us: int = 0

    def __add__(self, other: Air) -> Air:
        return Air(self.frames + other.frames, self.bytes + other.bytes, self.us + other.us)


def control_frames(plan: GatherPlan) -> int:
    """Control frames of one exchange in which nothing is lost: the opening; with repair a report
    of every node but the leader, and the leader's grant and its copy, which say that nobody lacks
    anything."""
    return 1 + (len(plan.sources) + 1 if plan.rounds else 0) if any_frames(plan) else 0


def any_frames(plan: GatherPlan) -> bool:
    """Whether anybody sends anything in this gather."""
    return any(cut.width for cut in plan.sources)


def exchange_us(plan: GatherPlan, rows: int) -> int:
    """Microseconds on air of one exchange of ``rows`` rows in which nothing is lost."""
    data = sum(cut.fragments(rows) for cut in plan.sources)
    return data * plan.slot_us + control_frames(plan) * plan.control_us


def gather_air(plan: GatherPlan, radio: str, control_payload: int = 16) -> Air:
    """One whole gather on air, nothing lost."""
    air = radio_named(radio)
    total = Air()
    for tile in range(plan.tiles):
        rows = plan.tile_height(tile)
        frames = payload = 0
        for cut in plan.sources:
            frames += cut.fragments(rows)
            payload += cut.width * rows
        control = control_frames(plan)
        payload += control * control_payload
        frames += control
        size = payload + frames * (FRAME_HEADER + air.overhead)
        total += Air(frames, size, exchange_us(plan, rows))
    return total


def plan_air(plan: Plan) -> Air:
    """One inference on air, nothing lost."""
    return sum((gather_air(gather, plan.radio) for gather in plan.gathers), Air())


def plan_to_json(plan: Plan) -> dict:
    """A plan as plain JSON types."""
    data = dataclasses.asdict(plan)
    for gather, row in zip(plan.gathers, data["gathers"], strict=True):
        row["sources"] = [list(dataclasses.astuple(cut)) for cut in gather.sources]
    return data


def plan_from_json(data: dict) -> Plan:
    """Inverse of plan_to_json; CatsError for what is not such a plan."""
    try:
        gathers = tuple(
            GatherPlan(**{**row, "sources": tuple(Fragmenting(*cut) for cut in row["sources"])})
            for row in data["gathers"]
        )
        arenas = tuple(
            Arena(**{**row, "tiles": tuple(tuple(pair) for pair in row["tiles"])})
            for row in data["arenas"]
        )
        fixed = {"gathers": gathers, "arenas": arenas}
        return Plan(**{**data, **fixed, "heads_per_pass": tuple(data["heads_per_pass"])})
    except (KeyError, TypeError, AttributeError) as error:
        raise CatsError(f"plan does not fit this version ({error}): export again") from None
