# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a choice of the planner takes: a gather cut into frames and slots, air, and computing."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cats.errors import CatsError
from cats.native import lib
from cats.plan.code_time import FRAME_HEADER, code_time
from cats.plan.cost import exchange, last_rows, queried, share
from cats.plan.hop import MAX_FRAGMENTS as MAX_HOP_FRAGMENTS
from cats.plan.hop import Need, plan_turns
from cats.plan.plan import (
    ROW_LOCAL,
    GatherPlan,
    Mode,
    Plan,
    coded_bytes,
    exchange_us,
    mode_of,
    opening_us,
    repair_bytes,
)
from cats.plan.radio import Radio, spread_us
from cats.plan.radio import radio as radio_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import TEXT_BYTES
from cats.shape.partition import (
    Fragmenting,
    KeepSets,
    Kind,
    element_bytes,
    fragmenting,
    gather_count,
    gather_kind,
    gather_rows,
    send_widths,
    silent,
)

#: Most fragments of one source in one tile.
MAX_FRAGMENTS: int = lib.CATS_MAX_FRAGMENTS
#: Most of all sources in an exchange that is repaired.
MAX_CODED_FRAGMENTS: int = lib.CATS_MAX_CODED_FRAGMENTS
#: An image has 16 bits for a turn.
MAX_TURN_US = 2**16 - 1
#: A frame's tile number is one byte.
MAX_TILES = 256
#: Bytes of one tile buffer, at most.
MAX_TILE = 65535


@dataclass(frozen=True)
class Compute:
    """How long instructions take (``cost`` counts them): the clock, and cycles of one. The default
    is what the products need by the timing table of the Cortex-M4 reference manual, wait states of
    weights in flash included; no other kernel needs more."""

    clock_hz: float = 64e6
    cycles_per_instruction: float = 1.8

    def microseconds(self, instructions: float) -> float:
        """Time of that many instructions."""
        return instructions * self.cycles_per_instruction / self.clock_hz * 1e6


def exchange_instructions(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    rows: int,
    node: int,
    *,
    block_rows: int,
    held: bool,
    heads_per_pass: int,
) -> tuple[float, float]:
    """Instructions of (produce, consume) of an exchange of ``rows`` rows on one node, those that
    take longest."""
    return exchange(
        config, share(config, split, keep, g, node), last_rows(config, g, rows),
        block_rows=block_rows, heads_per_pass=heads_per_pass if held else 0,
        queries=queried(config, g),
    )  # fmt: skip


def row_us(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, compute: Compute | None = None
) -> float:
    """Of a stream of tokens: by how many microseconds the slowest node's attention is shorter for
    each row that is not in its window yet."""
    compute = compute or Compute()
    ends = [
        max(
            exchange_instructions(
                shape, split, keep, 2, 1, d, block_rows=1, held=False, heads_per_pass=0
            )[0]
            for d in range(split.nodes)
        )
        for shape in (config, dataclasses.replace(config, context=1))
    ]
    return compute.microseconds(ends[0] - ends[1]) / max(config.context - 1, 1)


#: Of a step of one token.
_ONE_ROW = Mode(False, False, 0, 1)


class _Frames(NamedTuple):
    """Microseconds of an exchange's frames: in their slots; of a node's processor from the last
    one's end to that of the exchange; and of its processor for all of them."""

    air_us: int
    ending_us: float
    handled_us: float


class Timing:
    """The gathers of one deployment on one radio: how each may be cut, and what that takes."""

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        air: Radio,
        payload: int,
        rounds: int,
        compute: Compute,
        links: np.ndarray | None = None,
    ) -> None:
        self.config, self.split = config, split
        #: ``cats.plan.hop.planned_links`` where nodes relay.
        self.links = links if split.nodes > 1 else None
        self.air, self.payload, self.rounds, self.compute = air, payload, rounds, compute
        count = gather_count(config)
        self.kinds = [gather_kind(config, g) for g in range(count)]
        self.rows = [gather_rows(config, g)[1] for g in range(count)]
        self.widths = [send_widths(config, split, keep, g) for g in range(count)]
        self.shares = [
            [share(config, split, keep, g, d) for d in range(split.nodes)] for g in range(count)
        ]
        #: Whether nothing of a gather is ever sent.
        self.quiet = [
            silent(config, g) or (split.nodes > 1 and not any(widths))
            for g, widths in enumerate(self.widths)
        ]
        # The first gather that is the same but for its block: most blocks are alike.
        seen: dict[tuple, int] = {}
        self.like = [
            seen.setdefault(
                (
                    self.kinds[g][0],
                    self.rows[g],
                    *self.widths[g],
                    *(s.view for s in shares),
                    self._leads_to_air(g) and g,
                    self._by_token(g) and self.kinds[g + 1][0],
                ),
                g,
            )  # fmt: skip
            for g, shares in enumerate(self.shares)
        ]
        self._gathers: dict[tuple, GatherPlan] = {}
        self._computing: dict[tuple, float] = {}
        self._cuts: dict[tuple[int, int], GatherPlan] = {}
        self._times: dict[tuple, _Frames] = {}

    def gather(self, g: int, phase: int, rows: int, buffers: int, mode: Mode) -> GatherPlan:
        """The plan of one gather; CatsError where it cannot be cut like that."""
        passes = self.passes(g, mode)
        key = (self.like[g], rows, buffers, passes, mode.block_rows, self.turns(g, mode))
        if key not in self._gathers:
            self._gathers[key] = self._gather(g, rows, buffers, mode)
        found = self._gathers[key]
        return found if phase == found.phase else dataclasses.replace(found, phase=phase)

    def _gather(self, g: int, rows: int, buffers: int, mode: Mode) -> GatherPlan:
        if (self.like[g], rows) not in self._cuts:
            self._cuts[self.like[g], rows] = self._cut_up(g, rows)
        plan = self._cuts[self.like[g], rows]
        turn_us = plan.turn_us + self._begun_us(g, plan, mode)
        if (buffers, turn_us) != (plan.buffers, plan.turn_us):
            plan = dataclasses.replace(plan, buffers=buffers, turn_us=turn_us)
        # The next exchange opens when the slowest node has computed: beside the next tile's air
        # where that has its own buffer, behind this one's where it has not.
        work = self.computing(g, rows, mode)
        if self._by_token(g):  # a single row: what is sent of it was made ahead of its opening
            work = self._slowest(g, rows, mode, slice(1, 2))
            work += self._slowest(g + 1, rows, mode, slice(1))
        work += self.handling(g, plan, rows, mode)
        if not self.hides(g, plan, mode):
            work += self._frames(g, plan, rows).air_us
        if self._leads_to_air(g) and not self._by_token(g):
            work += self._produced(g + 1, mode)
        if plan.turns:  # it ends with its last slot; to lay out the next one takes more than a lead
            frames = self._frames(g, plan, rows)
            work = max(work, frames.air_us + self.air.lead_us + frames.ending_us)
        return dataclasses.replace(plan, spacing_us=math.ceil(work))

    def _leads_to_air(self, g: int) -> bool:
        """Whether gather g is on no air and the next one is: who leads cannot tell by an exchange
        when the others have made what they send in that."""
        air = self.split.nodes > 1 and 0 < g < len(self.quiet) - 1
        return air and self.quiet[g] and not self.quiet[g + 1]

    def _passed_over(self, g: int) -> bool:
        """Whether gather g is computed in the job that makes what is sent in the next one that is
        on the air (doc/protocol.rst, "Computing")."""
        return bool(self.config.replicated) and g > 0 and self.quiet[g] and self.split.nodes > 1

    def _by_token(self, g: int) -> bool:
        """Whether gather g is of a step of one token, and another one follows."""
        return self.config.by_token and g + 1 < len(self.kinds)

    def _produced(self, g: int, mode: Mode) -> float:
        """Microseconds until the slowest node has made what it sends of gather g's first tile, in
        tiles of about a frame."""
        rows = max(self.payload // max(self.widths[g]), mode.block_rows)
        return self._slowest(g, min(rows, self.rows[g]), mode, of=slice(1))

    def _cut_up(self, g: int, rows: int) -> GatherPlan:
        """A gather in tiles of so many rows, one buffer, without its spacing."""
        repaired = self.rounds > 0 and not self.quiet[g] and self.split.nodes > 1
        if self.links is None and not repaired:
            return self._cut_for(g, rows, self.payload)
        payload, size = self.payload, repair_bytes if self.links is None else coded_bytes
        while payload > 0:  # in front of a combination stands what it combines
            plan = self._cut_for(g, rows, payload)
            over = size(plan.sources, rows) - self.payload
            if over <= 0:
                return (
                    self._with_repair(g, rows, plan)
                    if repaired
                    else (self._with_turns(g, rows, plan))
                )
            payload -= over
        raise CatsError(
            f"gather {g}: {self.payload} bytes of payload have no room for what says which "
            "fragments a frame combines: choose a larger payload"
        )

    def _with_repair(self, g: int, rows: int, plan: GatherPlan) -> GatherPlan:
        """A gather that is cut up, with slots for coded frames."""
        total = self._fragments(g, rows, plan)
        if total > MAX_CODED_FRAGMENTS:
            raise CatsError(
                f"gather {g} ({self.kinds[g][0].name}): {total} fragments in a tile of {rows} "
                f"rows, with repair at most {MAX_CODED_FRAGMENTS}: choose smaller tiles"
            )
        frame = FRAME_HEADER + repair_bytes(plan.sources, rows)
        coded_us = max(self.air.coded_slot_us(frame, total) - plan.slot_us, 0)
        turn_us = max(plan.turn_us, self.air.coded_turn_us(frame, total))
        return dataclasses.replace(plan, coded_us=coded_us, turn_us=turn_us)

    def _fragments(self, g: int, rows: int, plan: GatherPlan) -> int:
        """Fragments of an exchange of ``rows`` rows, at most."""
        fragments = [cut.fragments(rows) for cut in plan.sources]
        return max(fragments) if self.config.sends_rows and g == 0 else sum(fragments)

    def _with_turns(self, g: int, rows: int, plan: GatherPlan) -> GatherPlan:
        """A gather that is cut up, over several hops."""
        fragments = tuple(cut.fragments(rows) for cut in plan.sources)
        total = sum(fragments)
        if total > MAX_HOP_FRAGMENTS:
            raise CatsError(
                f"gather {g} ({self.kinds[g][0].name}): {total} fragments in a tile of {rows} "
                f"rows, over several hops at most {MAX_HOP_FRAGMENTS}: choose smaller tiles"
            )
        need = Need(fragments)
        if self.config.sends_rows and g == 0:  # any node may be the owner
            need = Need((total,) * self.split.nodes, any_owner=True)
        opens = total > 0 or g == 0
        turns = plan_turns(self.links, need) if opens else ()
        frame = FRAME_HEADER + coded_bytes(plan.sources, rows)
        return dataclasses.replace(
            plan,
            turns=turns,
            slot_us=self.air.hop_slot_us(frame, total),
            turn_us=self.air.hop_turn_us(frame, total) + self._named_us(g),
        )

    def _cut_for(self, g: int, rows: int, payload: int) -> GatherPlan:
        kind, _ = self.kinds[g]
        sources = []
        for s, width in enumerate(self.widths[g]):
            cut = _cut(width, rows, payload, element_bytes(kind, self.config.candidates))
            if cut.fragments(rows) > MAX_FRAGMENTS or cut.segments > 255:
                raise CatsError(
                    f"gather {g} ({kind.name}), source {s}: {width} bytes a row and {rows} rows a "
                    f"tile make {cut.fragments(rows)} fragments of {payload} bytes, at most "
                    f"{MAX_FRAGMENTS}: choose smaller tiles, more nodes or a larger payload"
                )
            sources.append(cut)
        if rows * sum(self.widths[g]) > MAX_TILE:
            raise CatsError(
                f"gather {g} ({kind.name}): a tile of {rows * sum(self.widths[g])} bytes, at most "
                f"{MAX_TILE}: choose smaller tiles"
            )
        if -(-self.rows[g] // rows) > MAX_TILES:
            raise CatsError(
                f"gather {g} ({kind.name}): {-(-self.rows[g] // rows)} tiles, at most {MAX_TILES}: "
                "choose larger tiles"
            )
        frame = _longest_frame(sources)
        most = max(f.fragments(rows) for f in sources)
        return GatherPlan(
            phase=g,
            row_begin=gather_rows(self.config, g)[0],
            rows=self.rows[g],
            tile_rows=rows,
            buffers=1,
            rounds=0 if self.quiet[g] else self.rounds,
            slot_us=self.air.slot_us(frame, most),
            control_us=self.air.control_us(FRAME_HEADER + self._control(g)),
            turn_us=self.air.turn_us(frame) + self._named_us(g),
            spacing_us=0,
            sources=tuple(sources),
        )

    def _begun_us(self, g: int, plan: GatherPlan, mode: Mode) -> int:
        """Microseconds that a node lacks, from when it knows of an inference, until its first slot
        of gather INPUT: it begins and produces before that. Node 0 has done so when it opens the
        exchange. Over several hops, where slots have another order, as if none were before it."""
        if g or self.config.sends_rows or self.split.nodes == 1:
            return 0
        lacks, before = 0.0, 0.0
        for d, cut in enumerate(plan.sources):
            if d and cut.width:
                made = self.compute.microseconds(self._parts(g, d, plan.tile_rows, mode)[0])
                lacks = max(lacks, 2 * self.air.code.job_us() + made - before)
            if plan.turns is None:
                before += plan.slot_us * cut.fragments(plan.tile_rows)
        if plan.turn_us + lacks > MAX_TURN_US:
            raise CatsError(
                f"gather {g}: a node takes {lacks / 1e3:.0f} ms to make what it sends of a tile of "
                f"{plan.tile_rows} rows: choose smaller tiles"
            )
        return math.ceil(lacks)

    def _named_us(self, g: int) -> int:
        """Microseconds from when a node knows that it owns the token of a step until it sends of
        that, before the first slot of gather INPUT: it begins, produces, and, having nothing to
        wait for, consumes before its frames are asked for."""
        if not (self.config.sends_rows and g == 0):
            return 0
        return math.ceil(3 * self.air.code.job_us() + self._slowest(g, 1, _ONE_ROW))

    def _control(self, g: int) -> int:
        """Bytes of the payload of gather g's longest control frame: of the first one of a language
        model what its step takes."""
        return TEXT_BYTES if self.config.by_token and g == 0 else 0

    def _frames(self, g: int, plan: GatherPlan, rows: int) -> _Frames:
        """What the frames of an exchange of ``rows`` rows take."""
        key = (self.like[g], plan.tile_rows, rows, plan.slot_us, plan.turn_us)
        if key not in self._times:
            frame, code = _longest_frame(plan.sources), self.air.code
            last = self.air.ended_us(frame, plan.rounds)
            fragments = [f.fragments(rows) for f in plan.sources]
            handled = self.air.handled_us(frame, fragments, plan.rounds)
            closed = code.closed_us()
            if plan.turns is not None:
                frame, total = FRAME_HEADER + coded_bytes(plan.sources, rows), sum(fragments)
                most = max(Counter(plan.turns).values(), default=0)
                last = self.air.hop_heard_us(frame, total)
                closed += code.laid_us(total)
                handled = self.air.hop_handled_us(frame, total, len(plan.turns), most)
            air_us = exchange_us(plan, rows, self.air)
            self._times[key] = _Frames(air_us, closed + last, closed + handled)
        return self._times[key]

    def hides(self, g: int, plan: GatherPlan, mode: Mode) -> bool:
        """Whether a tile is computed while the next one is on the air."""
        return plan.buffers == 2 and not self.turns(g, mode)

    def handling(self, g: int, plan: GatherPlan, rows: int, mode: Mode) -> float:
        """Microseconds that an exchange's frames and its two jobs take a node's processor, beside
        what is computed: all frames where that hides behind the air, else the last one."""
        if self._passed_over(g):
            return 0.0
        if self.quiet[g] and self.split.nodes > 1 and not plan.opens:
            return 2 * self.air.code.job_us() + self.air.code.closed_us()
        frames = self._frames(g, plan, rows)
        spent = frames.handled_us if self.hides(g, plan, mode) else frames.ending_us
        return (1 if self.config.by_token else 2) * self.air.code.job_us() + spent

    def turns(self, g: int, mode: Mode) -> bool:
        """Whether gather g takes turns with others tile by tile."""
        return mode.interleave and self.kinds[g][0] in ROW_LOCAL

    def passes(self, g: int, mode: Mode) -> int:
        """Heads a pass where attention is held, as far as gather g depends on it: ATTENTION on how
        many, HEADS on whether; else 0."""
        if not mode.held or self.kinds[g][0] not in (Kind.ATTENTION, Kind.HEADS):
            return 0
        return mode.heads_per_pass if self.kinds[g][0] == Kind.ATTENTION else 1

    def computing(self, g: int, rows: int, mode: Mode) -> float:
        """Microseconds that the slowest node computes for an exchange of ``rows`` rows."""
        key = (self.like[g], rows, mode.block_rows, self.passes(g, mode))
        if key not in self._computing:
            self._computing[key] = self._slowest(g, rows, mode)
        return self._computing[key]

    def _slowest(self, g: int, rows: int, mode: Mode, of: slice = slice(2)) -> float:
        """Microseconds of the slowest node for parts ``of`` (produce, consume) of an exchange."""
        return max(
            self.compute.microseconds(sum(self._parts(g, d, rows, mode)[of])) for d in self.distinct
        )

    def _parts(self, g: int, d: int, rows: int, mode: Mode) -> tuple[float, float]:
        """Instructions of node d to (produce, consume) an exchange."""
        return exchange(
            self.config, self.shares[g][d], last_rows(self.config, g, rows),
            block_rows=mode.block_rows,
            heads_per_pass=mode.passes(self.split.heads[d]) if mode.held else 0,
            queries=queried(self.config, g),
        )  # fmt: skip

    @functools.cached_property
    def distinct(self) -> list[int]:
        """One node of each size."""
        seen = {}
        for d in range(self.split.nodes):
            sizes = (
                self.split.heads[d], self.split.hidden[d], self.split.outputs[d],
                self.split.inputs[d], *(w[d] for w in self.widths),
            )  # fmt: skip
            seen.setdefault(sizes, d)
        return list(seen.values())

    def gather_time(self, g: int, plan: GatherPlan, mode: Mode) -> float:
        """Microseconds of all exchanges of a gather, computing included."""
        total = sum(times * self._tile_time(g, plan, rows, mode) for rows, times in plan.heights)
        # The last tile is computed behind the air.
        rows, _ = plan.heights[-1]
        return total + (self.computing(g, rows, mode) if self.hides(g, plan, mode) else 0)

    def _tile_time(self, g: int, plan: GatherPlan, rows: int, mode: Mode) -> float:
        """Microseconds from the opening of an exchange to that of the next one."""
        frames = self._frames(g, plan, rows)
        air: float = frames.air_us
        # The next one is opened when the last frame has been taken in.
        air += self.air.lead_us + frames.ending_us if air else 0
        work = self.computing(g, rows, mode)
        if self._passed_over(g):
            return work
        if self.hides(g, plan, mode):
            return max(air, work + self.handling(g, plan, rows, mode))
        # Of the two jobs one begins ahead of the repair; of a single row both are one.
        both = plan.rounds or self.config.by_token
        return air + work + (1 if both else 2) * self.air.code.job_us()

    def listening_time(self, gathers: Sequence[GatherPlan], mode: Mode, node: int) -> float:
        """Microseconds that a node's receiver is on in one inference in which it is off when
        nothing comes that the node needs (doc/protocol.rst, "Listening"), nothing lost. A leader's
        is on until it has heard somebody, and through the first exchange."""
        opening = node == 0
        total: float = gathers[0].control_us if opening else 0.0  # opened twice
        for g, plan in enumerate(gathers):
            for rows, times in plan.heights if any(self.widths[g]) else ():
                opened = 0
                if opening:
                    heard = any(cut.width for cut in plan.sources[1:])
                    opened, opening = 1 if heard or g else times, not heard
                    total += opened * self._open_time(g, plan, rows, mode)
                total += (times - opened) * self._listening(g, plan, rows, mode, node)
        return total

    def _open_time(self, g: int, plan: GatherPlan, rows: int, mode: Mode) -> float:
        """Microseconds of an exchange in which the leader does not send."""
        cut = plan.sources[0]
        sent = (1 + cut.fragments(rows)) * self.air.air_us(FRAME_HEADER)
        return self._tile_time(g, plan, rows, mode) - sent - cut.width * rows * self.air.byte_us

    def _listening(self, g: int, plan: GatherPlan, rows: int, mode: Mode, node: int) -> float:
        """Microseconds of an exchange that the receiver is on of a node that knows its slots."""
        air, others = self.air, [cut for s, cut in enumerate(plan.sources) if s != node]
        spread = spread_us(air.name, plan.slot_us)
        early = spread - air.before_us
        control = early + air.air_us(FRAME_HEADER)
        control += air.control_heard_us()
        on = 0.0
        if plan.rounds and air.senses:  # whether the air is busy, once
            on += air.start_us + air.sense_us
        if plan.turns is not None:  # any frame may tell of anybody's
            return (
                air.start_us
                + 2 * spread
                + air.code.woken_us()
                + air.code.closed_us()
                + plan.slot_us * len(plan.turns)
            )
        if node == 0 or not (plan.rounds and air.senses):
            # From a spread before the end of the data until that was looked at, as late as a frame.
            on += air.start_us + 2 * spread + air.code.woken_us() + air.code.closed_us()
        for count, size in ((cut.fragments(rows), cut.width * rows) for cut in others):
            frame = math.ceil(FRAME_HEADER + size / max(count, 1))
            taken = min(early + air.air_us(frame) + air.heard_us(frame), plan.slot_us)
            on += count * (taken + air.pause_us(plan.slot_us - taken))
        if node != 0:  # the opening, from where the leader may be ready
            on += air.start_us + control + self._waits(g, plan, rows, mode)
        if plan.rounds and not air.senses:  # the others say that they lack nothing
            taken = min(control, plan.control_us)
            on += (self.split.nodes - 1) * (taken + air.pause_us(plan.control_us - taken))
        return on

    def _waits(self, g: int, plan: GatherPlan, rows: int, mode: Mode) -> float:
        """Microseconds from where an exchange's spacing ends until the next one is opened."""
        frames = self._frames(g, plan, rows)
        opened = frames.air_us + self.air.lead_us + frames.ending_us
        if self.hides(g, plan, mode):
            work = self.computing(g, rows, mode) + self.handling(g, plan, rows, mode)
            return max(opened - max(work, frames.air_us), 0.0)
        return self.air.lead_us

    def inference_time(self, gathers: Sequence[GatherPlan], mode: Mode) -> float:
        """Microseconds of one inference, whose first exchange is opened twice."""
        opened = opening_us(gathers[0], self.air)
        return opened + sum(self.gather_time(g, plan, mode) for g, plan in enumerate(gathers))


def _longest_frame(sources: Sequence[Fragmenting]) -> int:
    """Bytes of a gather's longest CATS frame."""
    return FRAME_HEADER + max(f.fragment_rows * f.segment_width for f in sources)


@functools.lru_cache(maxsize=65536)
def _cut(width: int, rows: int, payload: int, element: int) -> Fragmenting:
    return fragmenting(width, rows, payload, element)


def timing_of(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> Timing:
    """What a plan's exchanges take on its radio, with the code's time: of an nRF52840 where no
    ``compute`` is given."""
    compute = compute or Compute()
    air = radio_named(plan.radio, code_time(split.nodes, compute.clock_hz))
    return Timing(config, split, keep, air, plan.payload, plan.rounds, compute)


def listening_us(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> list[float]:
    """Microseconds that each node's receiver is on in one inference, nothing lost, where it is off
    when nothing comes."""
    if split.nodes == 1:
        return [0.0]
    timing, mode = timing_of(config, split, keep, plan, compute), mode_of(plan)
    return [timing.listening_time(plan.gathers, mode, node) for node in range(split.nodes)]


def inference_us(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> int:
    """Microseconds that one inference is estimated to take, nothing lost: air, and the computing
    that does not hide behind it."""
    timing = timing_of(config, split, keep, plan, compute)
    return math.ceil(timing.inference_time(plan.gathers, mode_of(plan)))
