# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a model's shape, split and keep sets to a plan: tiles, fragments, slots, arenas.

What the planner may choose: how many rows a tile of each gather has, whether it has one buffer or
two (with two, computing hides behind the air), whether the last three gathers of a block take turns
tile by tile (then the hidden columns need one tile instead of N rows), and whether attention
gathers are held whole so that q, k and v stand in memory for a few heads at a time. It tries the
four ways of the last two, starts each with the fastest tiles, and gives time away for memory where
memory is fullest, step by step. Of all it saw it takes the least memory among what is nearly as
fast as the fastest (``slack``), under ``ram_limit``. Time is air plus the computing that does not
hide behind it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.plan.arena import ALIGN, ARENA_ALIGN, Buffer, lower_bound, pack, round_up, ticks
from cats.plan.cost import exchange, last_rows, queried, share
from cats.plan.plan import Arena, GatherPlan, Plan, counts_bytes, exchange_us
from cats.plan.radio import FRAME_HEADER, Radio
from cats.plan.radio import radio as radio_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    Fragmenting,
    KeepSets,
    Kind,
    check_keep,
    element_bytes,
    fragmenting,
    gather_count,
    gather_kind,
    gather_rows,
    send_widths,
    view_width,
)

#: Most fragments of one source in one tile (CATS_MAX_FRAGMENTS).
MAX_FRAGMENTS = 128
#: A frame's tile number is one byte, and so is its gather number.
MAX_TILES = 256
MAX_GATHERS = 255
#: Bytes of one tile buffer, at most.
MAX_TILE = 65535
#: Most repair rounds, and rows normalised and multiplied together.
MAX_ROUNDS = 3
MAX_BLOCK_ROWS = 4
#: Gathers of a block that may take turns tile by tile, in their order.
ROW_LOCAL = (Kind.HEADS, Kind.FORWARD, Kind.HIDDEN)


# Computing


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


# Lifetimes


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


@functools.lru_cache(maxsize=256)
def lifetimes(gathers: tuple[tuple[int, int, int, int, int], ...], held: bool) -> dict[str, int]:
    """The ticks during which each buffer is in use, from (kind, block, phase, tiles, buffers) of
    each gather; ``tileG.B`` is tile buffer B of gather G.

    Exchange e has three ticks: produce, exchange (fill and receive), consume; the inference begins
    one tick before the first. Frames of an exchange may arrive while the one before it is consumed.
    With two tile buffers produce and exchange of a gather's next tile may come before consume of
    this one, so that consume may last until then. Of many tiles only four (or three) are looked at,
    which shows every overlap: first, middle and last, the last in the buffer where it really is.
    """
    short = [(phase, tiles if tiles <= 4 else 4 - tiles % 2) for _, _, phase, tiles, _ in gathers]
    order = exchange_order(short)
    last = 3 * len(order) + 1
    live: dict[str, int] = {}
    first: dict[tuple, int] = {}

    def use(name: str, begin: int, end: int, instance: object = 0) -> None:
        """In use from the first tick that was named for this instance until ``end``."""
        begin = first.setdefault((name, instance), begin)
        live[name] = live.get(name, 0) | ticks(begin, end)

    use("residual", 0, 0)
    use("input", 0, 0)
    for e, (g, tile) in enumerate(order):
        kind, block, phase, _, buffers = gathers[g]
        produce, consume = 1 + 3 * e, 3 + 3 * e
        overlap = buffers == 2 and e + 1 < len(order) and order[e + 1][0] == g
        late = consume + 2 if overlap else consume
        use(f"tile{g}.{tile % buffers}", consume - 3, late, tile)
        if kind <= Kind.HIDDEN:
            use("residual", 0, late)
        if kind != Kind.RESULT:
            use("rows", consume, late, e)
        if kind == Kind.INPUT:
            use("input", 0, late)
        elif kind == Kind.ATTENTION:
            for name in ("query", "key", "value"):
                use(name, consume, late, block)
            if held:
                use("scores", consume, late, e)
        elif kind == Kind.HEADS:
            use("query", produce, late, block)  # the heads, row by row
            if not held:
                use("key", produce, produce, block)
                use("value", produce, produce, block)
                use("scores", produce, produce, e)
        elif kind == Kind.FORWARD:
            use("hidden", consume, late, (block, tile if gathers[g + 1][2] == phase else -1))
        elif kind == Kind.HIDDEN:
            use("hidden", produce, late, (block, tile if gathers[g - 1][2] == phase else -1))
        elif kind == Kind.OUTPUT:
            use("residual", 0, produce)
            use("pooled", produce, late)
            use("output", consume, late)
    use("output", last, last)
    return live


def lifetimes_of(config: ModelConfig, gathers: Sequence[GatherPlan], held: bool) -> dict[str, int]:
    """lifetimes() of a plan."""
    key = tuple(
        (*map(int, gather_kind(config, g)), p.phase, p.tiles, p.buffers)
        for g, p in enumerate(gathers)
    )
    return lifetimes(key, held)


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


def buffer_sizes(
    config: ModelConfig,
    split: SplitConfig,
    gathers: Sequence[GatherPlan],
    node: int,
    mode: Mode,
    stride: int,
) -> dict[str, int]:
    """Bytes of each buffer of one node, by the names of lifetimes(); ``stride``: largest_stride()
    of the node."""
    n, width = config.tokens, config.head_width
    own, heads = split.heads[node] * width, mode.passes(split.heads[node])
    sizes = {
        "residual": 2 * n * own,
        "query": n * own,
        "key": heads * n * width,
        "value": heads * width * round_up(n, 4),
        "hidden": hidden_rows(config, gathers, mode) * split.hidden[node],
        "rows": 2 * mode.block_rows * stride,
        "scores": 4 * round_up(n, 4),
        "input": config.tokens_in * split.inputs[node],
        "pooled": config.output_rows * own,
        "output": 2 * config.output_rows * config.outputs,
    }
    for g, plan in enumerate(gathers):
        size = plan.tile_rows * sum(f.width for s, f in enumerate(plan.sources) if s != node)
        for b in range(plan.buffers):
            sizes[f"tile{g}.{b}"] = size
    return sizes


def largest_stride(config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int) -> int:
    """Columns of the widest view of a node, rounded up to a multiple of 4."""
    widest = max(view_width(config, split, keep, g, node) for g in range(len(keep)))
    return round_up(widest, 4)


def hidden_rows(config: ModelConfig, gathers: Sequence[GatherPlan], mode: Mode) -> int:
    """Rows of the hidden buffer."""
    if not mode.interleave:
        return config.tokens
    return max(p.tile_rows for g, p in enumerate(gathers) if gather_kind(config, g)[0] == 4)


def node_buffers(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    gathers: Sequence[GatherPlan],
    node: int,
    mode: Mode,
) -> list[Buffer]:
    """The buffers of one node's arena. Rows and scores are scratch of one thread and take turns,
    also where attention is held: it follows when q, k and v of all rows are there."""
    live = lifetimes_of(config, gathers, mode.held)
    turns = {"rows": "scratch", "scores": "scratch"}
    stride = largest_stride(config, split, keep, node)
    sizes = buffer_sizes(config, split, gathers, node, mode, stride)
    return [Buffer(name, size, live[name], turns.get(name, "")) for name, size in sizes.items()]


@functools.lru_cache(maxsize=4096)
def _packed(buffers: tuple[Buffer, ...], kinds: tuple[int, ...]) -> tuple[dict[str, int], int, int]:
    """(offsets, size, lower bound). Tile buffers of one kind and size get one place in all blocks,
    which makes the search short and its result regular; where that misses the lower bound each
    tile buffer is also tried on its own."""
    bound = lower_bound(buffers)
    merged: dict[tuple, Buffer] = {}
    member: dict[str, str] = {}
    for b in buffers:
        gather, _, which = b.name.removeprefix("tile").partition(".")
        key = (kinds[int(gather)], which, b.size) if which else (b.name,)
        seen = merged.setdefault(key, b)
        merged[key] = dataclasses.replace(seen, live=seen.live | b.live)
        member[b.name] = seen.name
    places, size = pack(list(merged.values()))
    offsets = {name: places[of] for name, of in member.items()}
    if size > bound and len(merged) < len(buffers):
        alone, alone_size = pack(buffers)
        if alone_size < size:
            return alone, alone_size, bound
    return offsets, size, bound


def plan_arena(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    gathers: Sequence[GatherPlan],
    node: int,
    mode: Mode,
) -> Arena:
    """Lay a node's buffers down."""
    buffers = node_buffers(config, split, keep, gathers, node, mode)
    kinds = tuple(int(gather_kind(config, g)[0]) for g in range(len(gathers)))
    places, size, bound = _packed(tuple(buffers), kinds)
    offsets = {b.name: places[b.name] for b in buffers if not b.name.startswith("tile")}
    offsets["heads"] = offsets["query"]
    tiles = tuple(
        (places[f"tile{g}.0"], places.get(f"tile{g}.1", places[f"tile{g}.0"]))
        for g in range(len(gathers))
    )
    return Arena(offsets, tiles, max(size, ARENA_ALIGN), max(bound, ARENA_ALIGN))


# Choosing


@dataclass(frozen=True)
class _Option:
    """A way to run a group of gathers: rows a tile, tile buffers, bytes (of all tile buffers of the
    node that needs most, hidden rows included), microseconds of all the group's exchanges."""

    rows: int
    buffers: int
    size: int
    time: float


class _Planner:
    """One call of make_plan."""

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        air: Radio,
        payload: int,
        rounds: int,
        tile_rows: int | Sequence[int] | None,
        compute: Compute,
    ) -> None:
        self.config, self.split, self.keep = config, split, keep
        self.air, self.payload, self.rounds = air, payload, rounds
        self.tile_rows, self.compute = tile_rows, compute
        self.count = gather_count(config)
        self.kinds = [gather_kind(config, g) for g in range(self.count)]
        self.rows = [gather_rows(config, g)[1] for g in range(self.count)]
        self.widths = [send_widths(config, split, keep, g) for g in range(self.count)]
        self.shares = [
            [share(config, split, keep, g, d) for d in range(split.nodes)]
            for g in range(self.count)
        ]
        self.views = [[s.view for s in shares] for shares in self.shares]
        self.strides = [
            round_up(max(views[d] for views in self.views), 4) for d in range(split.nodes)
        ]
        # The first gather that is the same but for its block: most blocks are alike.
        seen: dict[tuple, int] = {}
        self.like = [
            seen.setdefault((self.kinds[g][0], self.rows[g], *self.widths[g], *self.views[g]), g)
            for g in range(self.count)
        ]
        self._gathers: dict[tuple, GatherPlan] = {}
        self._computing: dict[tuple, float] = {}

    # Groups and their options

    def groups(self, mode: Mode) -> list[tuple[int, ...]]:
        """Gathers that share one tile height: a kind over all blocks, or all row-local kinds."""
        found: dict[tuple, list[int]] = {}
        for g, (kind, _) in enumerate(self.kinds):
            together = "row-local" if mode.interleave and kind in ROW_LOCAL else kind
            fixed = None if self.tile_rows is None else self.asked(g)
            found.setdefault((together, self.rows[g], fixed), []).append(g)
        return [tuple(gathers) for gathers in found.values()]

    def asked(self, g: int) -> int:
        """The tile height that the caller asked for."""
        asked = self.tile_rows
        height = asked if isinstance(asked, int) else asked[g]
        return min(height, self.rows[g])

    def heights(self, group: Sequence[int], mode: Mode) -> list[int]:
        """Tile heights to try: those that spread the rows evenly over a number of tiles, and those
        that are whole blocks of rows, which are cheapest to compute; at most one frame for the
        widest source (or one block)."""
        rows = self.rows[group[0]]
        if mode.held and self.kinds[group[0]][0] == Kind.ATTENTION:
            return [rows]
        if self.tile_rows is not None:
            return [self.asked(group[0])]
        widest = max(max(self.widths[g]) for g in group)
        most = max(self.payload // widest, mode.block_rows) if widest else rows
        least = -(-rows // MAX_TILES)
        even = {max(-(-rows // t), least) for t in range(-(-rows // most), rows + 1)}
        whole = range(round_up(least, mode.block_rows), min(most, rows) + 1, mode.block_rows)
        return sorted(even | set(whole), reverse=True)

    def options(self, group: Sequence[int], mode: Mode) -> list[_Option]:
        """Fastest first, each of the others smaller than all before it."""
        together = self.turns(group[0], mode)
        found, refused = [], None
        for rows in self.heights(group, mode):
            several = rows < self.rows[group[0]]
            for buffers in {1 + (together and several)} if together else {1, 1 + several}:
                try:
                    plans = [self.gather(g, 0, rows, buffers, mode) for g in group]
                except CatsError as error:
                    refused = error
                    continue
                size = max(
                    buffers * rows * (sum(w) - least)
                    for w in (self.widths[g] for g in group)
                    for least in (min(w),)
                )
                if together:
                    size += rows * max(self.split.hidden)
                time = sum(self.gather_time(g, p, mode) for g, p in zip(group, plans, strict=True))
                found.append(_Option(rows, buffers, size, time))
        if not found:
            raise refused
        found.sort(key=lambda option: (option.time, option.size, option.buffers))
        kept: list[_Option] = []
        for option in found:
            if not kept or option.size < kept[-1].size:
                kept.append(option)
        return kept

    def gather(self, g: int, phase: int, rows: int, buffers: int, mode: Mode) -> GatherPlan:
        """The plan of one gather; CatsError where it cannot be cut like that."""
        passes = mode.heads_per_pass if mode.held else 0
        key = (self.like[g], rows, buffers, passes, mode.block_rows, self.turns(g, mode))
        if key not in self._gathers:
            self._gathers[key] = self._gather(g, rows, buffers, mode)
        return dataclasses.replace(self._gathers[key], phase=phase)

    def _gather(self, g: int, rows: int, buffers: int, mode: Mode) -> GatherPlan:
        kind, _ = self.kinds[g]
        sources = []
        for s, width in enumerate(self.widths[g]):
            cut = _cut(width, rows, self.payload, element_bytes(kind))
            if cut.fragments(rows) > MAX_FRAGMENTS or cut.segments > 255:
                raise CatsError(
                    f"gather {g} ({kind.name}), source {s}: {width} bytes a row and {rows} rows a "
                    f"tile make {cut.fragments(rows)} fragments of {self.payload} bytes, at most "
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
        largest = max(f.fragment_rows * f.segment_width for f in sources)
        plan = GatherPlan(
            phase=0,
            row_begin=gather_rows(self.config, g)[0],
            rows=self.rows[g],
            tile_rows=rows,
            buffers=buffers,
            rounds=self.rounds,
            slot_us=self.air.slot_us(FRAME_HEADER + largest),
            control_us=self.air.slot_us(FRAME_HEADER + counts_bytes(self.split.nodes)),
            turn_us=math.ceil(self.air.turn_us),
            spacing_us=0,
            sources=tuple(sources),
        )
        # The next exchange opens when the slowest node has computed: beside the next tile's air
        # where that has its own buffer, behind this one's where it has not.
        spacing = math.ceil(self.computing(g, rows, mode))
        if buffers == 1 or self.turns(g, mode):
            spacing += exchange_us(plan, rows)
        return dataclasses.replace(plan, spacing_us=spacing)

    def turns(self, g: int, mode: Mode) -> bool:
        """Whether gather g takes turns with others tile by tile."""
        return mode.interleave and self.kinds[g][0] in ROW_LOCAL

    def computing(self, g: int, rows: int, mode: Mode) -> float:
        """Microseconds that the slowest node computes for an exchange of ``rows`` rows."""
        key = (self.like[g], rows, mode.block_rows, mode.held and mode.heads_per_pass)
        if key not in self._computing:
            heads = self.split.heads
            self._computing[key] = 0.0
            for d in self.distinct:
                parts = exchange(
                    self.config, self.shares[g][d], last_rows(self.config, g, rows),
                    block_rows=mode.block_rows,
                    heads_per_pass=mode.passes(heads[d]) if mode.held else 0,
                    queries=queried(self.config, g),
                )  # fmt: skip
                work = self.compute.microseconds(sum(parts))
                self._computing[key] = max(self._computing[key], work)
        return self._computing[key]

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
        tail = plan.rows - (plan.tiles - 1) * plan.tile_rows
        hides = plan.buffers == 2 and not self.turns(g, mode)
        total = 0.0
        for rows, times in ((plan.tile_rows, plan.tiles - 1), (tail, 1)):
            if times:
                air, work = exchange_us(plan, rows), self.computing(g, rows, mode)
                air += self.air.lead_us if air else 0  # to open the next one
                total += times * (max(air, work) if hides else air + work)
        return total + (self.computing(g, tail, mode) if hides else 0)

    def inference_time(self, gathers: Sequence[GatherPlan], mode: Mode) -> float:
        """Microseconds of one inference."""
        return sum(self.gather_time(g, plan, mode) for g, plan in enumerate(gathers))

    # The search

    def gathers(self, mode: Mode, chosen: dict[tuple[int, ...], _Option]) -> tuple[GatherPlan, ...]:
        """All gathers with the options that were chosen for their groups."""
        of = {g: option for group, option in chosen.items() for g in group}
        plans, phase = [], -1
        for g, (kind, _) in enumerate(self.kinds):
            if not (mode.interleave and kind in ROW_LOCAL[1:]):
                phase += 1
            plans.append(self.gather(g, phase, of[g].rows, of[g].buffers, mode))
        return tuple(plans)

    def walk(self, mode: Mode) -> Iterator[tuple[int, float, tuple[GatherPlan, ...]]]:
        """(lower bound of the largest arena, microseconds, gathers) from the fastest tiles on, each
        time with the option exchanged that frees memory at the fullest tick at the least price."""
        options = {group: self.options(group, mode) for group in self.groups(mode)}
        at = dict.fromkeys(options, 0)
        while True:
            chosen = {group: options[group][i] for group, i in at.items()}
            gathers = self.gathers(mode, chosen)
            bound, full = self.fullest(gathers, mode)
            yield bound, sum(option.time for option in chosen.values()), gathers
            best = None
            for group, i in at.items():
                names = {f"tile{g}.{b}" for g in group for b in (0, 1)}
                if self.turns(group[0], mode):
                    names.add("hidden")
                if i + 1 < len(options[group]) and names & full:
                    old, new = options[group][i], options[group][i + 1]
                    price = (new.time - old.time) / (old.size - new.size)
                    if best is None or price < best[0]:
                        best = (price, group)
            if best is None:
                return
            at[best[1]] += 1

    def fullest(self, gathers: tuple[GatherPlan, ...], mode: Mode) -> tuple[int, set[str]]:
        """(lower bound of the largest arena, buffers in use when that arena is fullest)."""
        live = lifetimes_of(self.config, gathers, mode.held)
        names = list(live)
        matrix = _live_matrix(tuple(live.values()))
        best = (-1, set())
        for d in self.distinct:
            sizes = buffer_sizes(self.config, self.split, gathers, d, mode, self.strides[d])
            room = np.array([round_up(sizes[name], ALIGN) for name in names])
            total = room @ matrix
            pair = [names.index("rows"), names.index("scores")]  # they take turns
            total -= (room[pair, None] * matrix[pair]).min(0)
            tick = int(total.argmax())
            if total[tick] > best[0]:
                best = (int(total[tick]), {n for n, on in zip(names, matrix[:, tick]) if on})
        return max(round_up(best[0], ARENA_ALIGN), ARENA_ALIGN), best[1]

    def finish(self, mode: Mode, gathers: tuple[GatherPlan, ...]) -> Plan:
        """The plan with every node's arena."""
        config, split, keep = self.config, self.split, self.keep
        return Plan(
            radio=self.air.name,
            payload=self.payload,
            rounds=self.rounds,
            block_rows=mode.block_rows,
            held=mode.held,
            heads_per_pass=tuple(mode.passes(heads) for heads in split.heads),
            hidden_rows=hidden_rows(config, gathers, mode),
            gathers=gathers,
            arenas=tuple(
                plan_arena(config, split, keep, gathers, d, mode) for d in range(split.nodes)
            ),
        )


@functools.lru_cache(maxsize=65536)
def _cut(width: int, rows: int, payload: int, element: int) -> Fragmenting:
    return fragmenting(width, rows, payload, element)


@functools.lru_cache(maxsize=64)
def _live_matrix(live: tuple[int, ...]) -> np.ndarray:
    """int64 [buffers, distinct ticks]: 1 where a buffer is in use."""
    length = max(v.bit_length() for v in live)
    rows = [
        np.unpackbits(
            np.frombuffer(v.to_bytes(-(-length // 8), "little"), np.uint8), bitorder="little"
        )
        for v in live
    ]
    return np.unique(np.stack(rows), axis=1).astype(np.int64)


def inference_us(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> int:
    """Microseconds that one inference is estimated to take, nothing lost: air, and the computing
    that does not hide behind it."""
    planner = _Planner(
        config, split, keep, radio_named(plan.radio), plan.payload, plan.rounds, None,
        compute or Compute(),
    )  # fmt: skip
    return math.ceil(planner.inference_time(plan.gathers, mode_of(plan)))


def mode_of(plan: Plan) -> Mode:
    """What the planner chose for all gathers."""
    interleave = plan.gathers[2].phase == plan.gathers[3].phase
    return Mode(interleave, plan.held, max(plan.heads_per_pass), plan.block_rows)


def make_plan(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    *,
    radio: str = "ieee802154",
    rounds: int = 0,
    payload: int | None = None,
    tile_rows: int | Sequence[int] | None = None,
    interleave: bool | None = None,
    held: bool | None = None,
    heads_per_pass: int | None = None,
    block_rows: int | None = None,
    ram_limit: int | None = None,
    slack: float = 0.05,
    compute: Compute | None = None,
) -> Plan:
    """Plan a deployment; None leaves a choice to the planner.

    ``payload``: bytes of payload of the largest frame, at most the radio's. ``tile_rows``: rows of
    a tile, one number for all gathers or one for each. ``ram_limit``: bytes that no node's arena
    may exceed. ``slack``: how much longer than the fastest an inference may take to save memory.
    """
    if not slack >= 0:
        raise CatsError(f"slack of {slack}: at least 0")
    planner, interleave = _prepare(
        config, split, keep, radio, rounds, payload, tile_rows, interleave, heads_per_pass,
        block_rows, compute,
    )  # fmt: skip
    least: int | None = None
    refused: CatsError | None = None
    for rows in (block_rows,) if block_rows else (MAX_BLOCK_ROWS, 2, 1):
        seen, refused = _seen(planner, _modes(split, interleave, held, heads_per_pass, rows))
        fits = [s for s in seen if ram_limit is None or s[1] <= ram_limit]
        while fits:
            limit = min(s[0] for s in fits) * (1 + slack)
            best = min((s for s in fits if s[0] <= limit), key=lambda s: (s[1], s[0]))
            plan = planner.finish(best[2], best[3])
            largest = max(arena.size for arena in plan.arenas)
            if ram_limit is None or largest <= ram_limit:
                return plan
            least = min(least or largest, largest)
            fits.remove(best)
        if not seen:
            raise refused or CatsError("no plan")
        least = min(least or seen[0][1], *(s[1] for s in seen))
    raise CatsError(
        f"no plan fits into an arena of {ram_limit} bytes, the least found is {least}: use more "
        "nodes, prune more columns, or allow more RAM"
    )


def tradeoffs(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    *,
    radio: str = "ieee802154",
    rounds: int = 0,
    payload: int | None = None,
    compute: Compute | None = None,
) -> list[Plan]:
    """Plans from the fastest to the one that needs least RAM: each is faster than all with no more
    RAM."""
    planner, _ = _prepare(
        config, split, keep, radio, rounds, payload, None, None, None, None, compute
    )
    seen = []
    for rows in (MAX_BLOCK_ROWS, 2, 1):
        seen += _seen(planner, _modes(split, None, None, None, rows))[0]
    seen.sort(key=lambda s: (s[0], s[1]))
    front: list = []
    for s in seen:
        if not front or s[1] < front[-1][1]:
            front.append(s)
    return [planner.finish(mode, gathers) for _, _, mode, gathers in front]


def _seen(
    planner: _Planner, modes: Sequence[Mode]
) -> tuple[list[tuple[float, int, Mode, tuple[GatherPlan, ...]]], CatsError | None]:
    """Every (microseconds, lower bound of the largest arena, mode, gathers) that the modes lead to,
    and why one of them leads nowhere."""
    seen, refused = [], None
    for mode in modes:
        try:
            seen += [(time, bound, mode, gathers) for bound, time, gathers in planner.walk(mode)]
        except CatsError as error:
            refused = error
    return seen, refused


def _prepare(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    radio: str,
    rounds: int,
    payload: int | None,
    tile_rows: int | Sequence[int] | None,
    interleave: bool | None,
    heads_per_pass: int | None,
    block_rows: int | None,
    compute: Compute | None,
) -> tuple[_Planner, bool | None]:
    """Check everything; (planner, whether gathers may take turns: None is open)."""
    config.check()
    split.check(config)
    check_keep(config, split, keep)
    air = radio_named(radio)
    payload = air.payload if payload is None else payload
    if not 1 <= payload <= air.payload:
        raise CatsError(f"payload of {payload} bytes: radio {radio} carries 1 to {air.payload}")
    if not 0 <= rounds <= MAX_ROUNDS:
        raise CatsError(f"{rounds} repair rounds: choose 0 to {MAX_ROUNDS}")
    if block_rows is not None and not 1 <= block_rows <= MAX_BLOCK_ROWS:
        raise CatsError(f"{block_rows} rows a block: choose 1 to {MAX_BLOCK_ROWS}")
    if heads_per_pass is not None and heads_per_pass < 1:
        raise CatsError(f"{heads_per_pass} heads a pass: at least 1")
    count = gather_count(config)
    if count > MAX_GATHERS:
        raise CatsError(f"{config.blocks} blocks: at most {(MAX_GATHERS - 3) // 4}")
    if tile_rows is not None:
        heights = [tile_rows] if isinstance(tile_rows, int) else list(tile_rows)
        if not isinstance(tile_rows, int) and len(heights) != count:
            raise CatsError(f"tile rows for {len(heights)} gathers, the model has {count}")
        if min(heights) < 1:
            raise CatsError(f"tiles of {min(heights)} rows: at least 1")
        uneven = any(len(set(heights[g : g + 3])) > 1 for g in range(2, len(heights) - 2, 4))
        if uneven and interleave:
            raise CatsError("gathers that take turns need tiles of the same height")
        if uneven:
            interleave = False

    planner = _Planner(config, split, keep, air, payload, rounds, tile_rows, compute or Compute())
    return planner, interleave


def _modes(
    split: SplitConfig,
    interleave: bool | None,
    held: bool | None,
    heads_per_pass: int | None,
    block_rows: int,
) -> list[Mode]:
    """Simplest first."""
    most = max(split.heads)
    passes = sorted({min(1 << i, most) for i in range(most.bit_length() + 1)}, reverse=True)
    if heads_per_pass is not None:
        passes = [min(heads_per_pass, most)]
    found = []
    for hold in (False, True) if held is None else (held,):
        for turn in (False, True) if interleave is None else (interleave,):
            found += [Mode(turn, hold, p, block_rows) for p in (passes if hold else [most])]
    return found
