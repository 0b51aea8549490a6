# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The plan: everything static about a deployment beside its weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cats.native import lib
from cats.plan.hop import coefficient_bytes
from cats.plan.radio import FRAME_HEADER, Radio
from cats.plan.radio import radio as radio_named
from cats.schema import convert
from cats.shape.partition import Fragmenting, Kind

#: Of so few fragments an exchange with rounds of repair is opened three times.
FEW_FRAGMENTS: int = lib.CATS_FEW_FRAGMENTS
#: Gathers of a block that may take turns tile by tile, in their order.
ROW_LOCAL = (Kind.HEADS, Kind.FORWARD, Kind.HIDDEN)


@dataclass(frozen=True)
class GatherPlan:
    """How one gather is exchanged; the fields of struct cats_image_gather of the same names.

    sources[s] is the cutting of source s's bytes (two bytes a column in RESULT, four a candidate).
    ``turns``: over several hops who speaks in which slot (``cats.plan.hop``).
    """

    phase: int
    row_begin: int
    rows: int
    tile_rows: int
    buffers: int
    rounds: int
    slot_us: int
    control_us: int
    turn_us: int
    spacing_us: int
    sources: tuple[Fragmenting, ...]
    coded_us: int = 0
    turns: tuple[int, ...] | None = None

    @property
    def sends(self) -> bool:
        """Whether anybody sends data in it."""
        return any(cut.width for cut in self.sources)

    @property
    def opens(self) -> bool:
        """Whether its exchanges are opened on the air: where anybody sends, and the first gather of
        more than one node, since that begins an inference."""
        return self.sends or (self.phase == 0 and len(self.sources) > 1)

    @property
    def tiles(self) -> int:
        """Tiles of the gather."""
        return -(-self.rows // self.tile_rows)

    def tile_height(self, tile: int) -> int:
        """Rows of a tile: tile_rows, or fewer in the last."""
        return min(self.tile_rows, self.rows - tile * self.tile_rows)

    @property
    def heights(self) -> list[tuple[int, int]]:
        """(rows, tiles of that height): all but the last one, and the last."""
        before = self.tiles - 1
        last = (self.rows - before * self.tile_rows, 1)
        return [(self.tile_rows, before), last] if before else [last]


@dataclass(frozen=True)
class Arena:
    """Byte offsets of one node's buffers (names of struct cats_image_model without ``arena_``),
    ``tiles[g]`` and ``outboxes[g]`` = the two buffers of gather g for what others and the node
    itself send of a tile, and the size of all."""

    offsets: dict[str, int]
    tiles: tuple[tuple[int, int], ...]
    outboxes: tuple[tuple[int, int], ...]
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
    #: Over several hops: rounds in which nodes that sleep repeat a beacon, and the slot, on
    #: average, in which each of them hears one of node 0 (``cats.plan.hop``).
    repeats: int = 0
    heard: tuple[float, ...] = ()


def exchange_order(gathers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(gather, tile) of every exchange of an inference in order, from (phase, tiles) of each
    gather: consecutive gathers of one phase take turns tile by tile."""
    order: list[tuple[int, int]] = []
    g = 0
    while g < len(gathers):
        end = g + 1
        while end < len(gathers) and gathers[end][0] == gathers[g][0]:
            end += 1
        for tile in range(gathers[g][1]):
            order += [(k, tile) for k in range(g, end)]
        g = end
    return order


@dataclass(frozen=True)
class Mode:
    """What holds for all gathers; ``heads_per_pass`` is cut to each node's heads."""

    interleave: bool
    held: bool
    heads_per_pass: int
    block_rows: int

    def passes(self, heads: int) -> int:
        """Heads of a node with ``heads`` heads whose q, k, v stand in memory at once."""
        return min(heads, self.heads_per_pass) if self.held else heads


def mode_of(plan: Plan) -> Mode:
    """What the planner chose for all gathers."""
    interleave = plan.gathers[2].phase == plan.gathers[3].phase
    return Mode(interleave, plan.held, max(plan.heads_per_pass), plan.block_rows)


@dataclass(frozen=True)
class Air:
    """What goes over the air: frames, bytes (headers, preamble and checksum included),
    microseconds that somebody transmits, and microseconds of the slots and rounds, guard times and
    silent slots included."""

    frames: int = 0
    bytes: int = 0
    us: int = 0
    slots_us: int = 0

    def __add__(self, other: Air) -> Air:
        return Air(
            self.frames + other.frames,
            self.bytes + other.bytes,
            self.us + other.us,
            self.slots_us + other.slots_us,
        )


def openings(plan: GatherPlan, rows: int) -> int:
    """How often an exchange of ``rows`` rows is opened (cats_openings() of the C code); the first
    one of an inference twice at least."""
    few = sum(cut.fragments(rows) for cut in plan.sources) <= FEW_FRAGMENTS
    return 3 if plan.rounds and few else 1


def _leads_on(plan: GatherPlan, rows: int, air: Radio) -> bool:
    """Whether node 0's data follow its only opening at once."""
    if plan.turns is not None:
        return False
    return plan.sources[0].width != 0 and not air.sealed and openings(plan, rows) == 1


def opening_us(plan: GatherPlan, air: Radio) -> int:
    """By how many microseconds an inference's first exchange is longer than ``exchange_us()``."""
    if not plan.opens or openings(plan, plan.heights[0][0]) > 1:
        return 0
    leads_on = _leads_on(plan, plan.heights[0][0], air)
    return plan.control_us + (plan.turn_us if leads_on else 0)


def exchange_us(plan: GatherPlan, rows: int, air: Radio) -> int:
    """Microseconds of one exchange of ``rows`` rows in which nothing is lost: the opening, or
    three, a turn where node 0 has nothing to send or frames are sealed, and the data slots; with
    repair a turn and the part of the need slot in which silence is told, or, where the radio cannot
    tell it, a need slot of each node. Nothing where it is not opened. (An inference's first
    exchange takes ``opening_us()`` more.)"""
    if not plan.opens:
        return 0
    data = sum(cut.fragments(rows) for cut in plan.sources)
    data = data if plan.turns is None else len(plan.turns)
    us = data * plan.slot_us + openings(plan, rows) * plan.control_us
    us += 0 if _leads_on(plan, rows, air) else plan.turn_us
    if plan.rounds and air.senses:
        us += plan.turn_us + math.ceil(air.sense_us)
    elif plan.rounds:
        us += len(plan.sources) * plan.control_us + plan.turn_us
    return us


def gather_air(plan: GatherPlan, radio: str, told: int = 0) -> Air:
    """One whole gather on air, nothing lost. ``told``: payload of what begins an inference."""
    air = radio_named(radio)
    frames = payload = slots = 0
    for rows, tiles in plan.heights if plan.opens else ():
        fragments = sum(cut.fragments(rows) for cut in plan.sources)
        frames += tiles * (fragments + openings(plan, rows))
        payload += tiles * sum(cut.width * rows for cut in plan.sources)
        if plan.turns is not None:  # nobody is silent
            relayed = tiles * (len(plan.turns) - sum(cut.fragments(rows) for cut in plan.sources))
            frames += relayed
            payload += relayed * coded_bytes(plan.sources, rows)
        if plan.rounds and not air.senses:  # each node says that it lacks nothing
            frames += len(plan.sources) * tiles
        slots += tiles * exchange_us(plan, rows, air)
    if plan.phase == 0 and frames:  # the inference's first exchange is opened twice
        opened = openings(plan, plan.heights[0][0])
        frames += opened == 1
        slots += opening_us(plan, air)
        payload += max(opened, 2) * told
    size = payload + frames * (FRAME_HEADER + air.overhead)
    return Air(frames, size, round(frames * air.ramp_us + size * air.byte_us), slots)


def plan_air(plan: Plan) -> Air:
    """One inference on air, nothing lost."""
    return sum((gather_air(gather, plan.radio) for gather in plan.gathers), Air())


def coded_bytes(sources: Sequence[Fragmenting], rows: int) -> int:
    """Payload of a combination of an exchange of ``rows`` rows over several hops."""
    return coefficient_bytes(sum(cut.fragments(rows) for cut in sources)) + _longest(sources, rows)


def repair_bytes(sources: Sequence[Fragmenting], rows: int) -> int:
    """Payload of a coded frame of repair (cats_coded_size() of the C code): a bit for each fragment
    of the exchange, and as many bytes as the longest has."""
    fragments = sum(cut.fragments(rows) for cut in sources)
    return -(-fragments // 8) + _longest(sources, rows)


def _longest(sources: Sequence[Fragmenting], rows: int) -> int:
    return max(min(cut.fragment_rows, rows) * cut.segment_width for cut in sources)


def plan_dict(plan: Plan) -> dict:
    """A plan's fields; turns and repeats are none of plans of one hop."""
    data = dataclasses.asdict(plan)
    if not plan.repeats:
        del data["repeats"], data["heard"]
    for gather in data["gathers"]:
        if gather["turns"] is None:
            del gather["turns"]
    return data


def plan_to_json(plan: Plan) -> dict:
    """A plan as plain JSON types."""
    data = plan_dict(plan)
    for gather, row in zip(plan.gathers, data["gathers"], strict=True):
        row["sources"] = [list(dataclasses.astuple(cut)) for cut in gather.sources]
    return data


class _Cuts(msgspec.Struct):
    sources: list[tuple[int, int, int, int]]


class _Gathers(msgspec.Struct):
    gathers: list[_Cuts]


def plan_from_json(data: Any, where: object = "plan") -> Plan:
    """Inverse of plan_to_json; CatsError names ``where``, and what there is not a plan's."""
    common = {"where": str(where), "root": "$.plan", "again": "export again"}
    names = [field.name for field in dataclasses.fields(Fragmenting)]
    cuts = [row.sources for row in convert(data, _Gathers, **common).gathers]
    gathers = [
        {**row, "sources": [dict(zip(names, cut)) for cut in sources]}
        for row, sources in zip(data["gathers"], cuts)
    ]
    return convert({**data, "gathers": gathers}, Plan, **common)
