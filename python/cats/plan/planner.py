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

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from cats.errors import CatsError
from cats.plan.arena import round_up
from cats.plan.buffers import fullest, hidden_rows, largest_stride, plan_arena, tile_sizes
from cats.plan.code_time import code_time
from cats.plan.hop import plan_repeats, planned_links
from cats.plan.plan import ROW_LOCAL, GatherPlan, Mode, Plan
from cats.plan.radio import SEALED, Radio
from cats.plan.radio import radio as radio_named
from cats.plan.timing import MAX_TILES, Compute, Timing
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import Links, check_links, depth
from cats.shape.partition import KeepSets, Kind, check_keep, gather_count

#: A frame's gather number is one byte.
MAX_GATHERS = 255
#: Most repair rounds, and rows normalised and multiplied together.
MAX_ROUNDS = 3
MAX_BLOCK_ROWS = 4
#: The numbers of them that are tried, one after the other until a plan fits.
BLOCK_ROWS = (MAX_BLOCK_ROWS, 2, 1)


@dataclass(frozen=True)
class _Option:
    """A way to run a group of gathers: rows a tile, tile buffers, bytes (of all buffers of tiles of
    the node that needs most, hidden rows included), microseconds of all the group's exchanges."""

    rows: int
    buffers: int
    size: int
    time: float


class _Seen(NamedTuple):
    """A way to run a deployment: microseconds, lower bound of the largest arena."""

    time: float
    bound: int
    mode: Mode
    gathers: tuple[GatherPlan, ...]


class _Search:
    """The ways to run one deployment over one radio; each is looked at once."""

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        timing: Timing,
        tile_rows: int | Sequence[int] | None,
    ) -> None:
        self.config, self.split, self.keep = config, split, keep
        self.timing, self.tile_rows = timing, tile_rows
        self.strides = {d: largest_stride(config, split, keep, d) for d in timing.distinct}
        self._options: dict[tuple, list[_Option]] = {}
        self._seen: dict[Mode, list[_Seen] | CatsError] = {}

    # Groups and their options

    def groups(self, mode: Mode) -> list[tuple[int, ...]]:
        """Gathers that share one tile height: a kind over all blocks, or all row-local kinds; those
        of which nothing is sent apart from the others."""
        found: dict[tuple, list[int]] = {}
        for g, (kind, block) in enumerate(self.timing.kinds):
            turns = self.timing.turns(g, mode)
            together = "row-local" if turns else kind
            phase = range(2 + 4 * block, 5 + 4 * block) if turns else (g,)
            quiet = all(self.timing.quiet[k] for k in phase)
            fixed = None if self.tile_rows is None else self.asked(g)
            found.setdefault((together, self.timing.rows[g], fixed, quiet), []).append(g)
        return [tuple(gathers) for gathers in found.values()]

    def asked(self, g: int) -> int:
        """The tile height that the caller asked for."""
        asked = self.tile_rows
        height = asked if isinstance(asked, int) else asked[g]
        return min(height, self.timing.rows[g])

    def heights(self, group: Sequence[int], mode: Mode) -> list[int]:
        """Tile heights to try: those that spread the rows evenly over a number of tiles, and those
        that are whole blocks of rows, which are cheapest to compute; at most one frame for the
        widest source (or one block)."""
        rows = self.timing.rows[group[0]]
        if mode.held and self.timing.kinds[group[0]][0] == Kind.ATTENTION:
            return [rows]
        if self.timing.quiet[group[0]] and not self.timing.turns(group[0], mode):
            return [rows]
        if self.tile_rows is not None:
            return [self.asked(group[0])]
        widest = max(max(self.timing.widths[g]) for g in group)
        most = max(self.timing.payload // widest, mode.block_rows) if widest else rows
        least = -(-rows // MAX_TILES)
        even = {max(-(-rows // t), least) for t in range(-(-rows // most), rows + 1)}
        whole = range(round_up(least, mode.block_rows), min(most, rows) + 1, mode.block_rows)
        return sorted(even | set(whole), reverse=True)

    def options(self, group: tuple[int, ...], mode: Mode) -> list[_Option]:
        """Fastest first, each of the others smaller than all before it. Most modes differ in what
        other groups do."""
        passes = tuple({self.timing.passes(g, mode) for g in group})
        key = (group, self.timing.turns(group[0], mode), mode.block_rows, passes)
        if key not in self._options:
            self._options[key] = self._find_options(group, mode)
        return self._options[key]

    def _find_options(self, group: tuple[int, ...], mode: Mode) -> list[_Option]:
        together = self.timing.turns(group[0], mode)
        found, refused = [], None
        for rows in self.heights(group, mode):
            several = rows < self.timing.rows[group[0]]
            for buffers in {1 + (together and several)} if together else {1, 1 + several}:
                try:
                    plans = [self.timing.gather(g, 0, rows, buffers, mode) for g in group]
                except CatsError as error:
                    refused = error
                    continue
                size = buffers * max(
                    sum(tile_sizes(self.config, self.split, g, p, d).values())
                    for g, p in zip(group, plans, strict=True)
                    for d in self.strides
                )
                if together:
                    size += rows * max(self.split.hidden)
                time = sum(
                    self.timing.gather_time(g, p, mode) for g, p in zip(group, plans, strict=True)
                )
                found.append(_Option(rows, buffers, size, time))
        if not found:
            raise refused
        found.sort(key=lambda option: (option.time, option.size, option.buffers))
        kept: list[_Option] = []
        for option in found:
            if not kept or option.size < kept[-1].size:
                kept.append(option)
        return kept

    # The search

    def gathers(self, mode: Mode, chosen: dict[tuple[int, ...], _Option]) -> tuple[GatherPlan, ...]:
        """All gathers with the options that were chosen for their groups."""
        of = {g: option for group, option in chosen.items() for g in group}
        plans, phase = [], -1
        for g, (kind, _) in enumerate(self.timing.kinds):
            if not (mode.interleave and kind in ROW_LOCAL[1:]):
                phase += 1
            plans.append(self.timing.gather(g, phase, of[g].rows, of[g].buffers, mode))
        return tuple(plans)

    def seen(self, modes: Sequence[Mode]) -> tuple[list[_Seen], CatsError | None]:
        """What the modes lead to, and why one of them leads nowhere."""
        found, refused = [], None
        for mode in modes:
            if mode not in self._seen:
                try:
                    self._seen[mode] = list(self.walk(mode))
                except CatsError as error:
                    self._seen[mode] = error
            led = self._seen[mode]
            if isinstance(led, CatsError):
                refused = led
            else:
                found += led
        return found, refused

    def walk(self, mode: Mode) -> Iterator[_Seen]:
        """From the fastest tiles on, each time with the option exchanged that frees memory at the
        fullest tick at the least price."""
        options = {group: self.options(group, mode) for group in self.groups(mode)}
        at = dict.fromkeys(options, 0)
        while True:
            chosen = {group: options[group][i] for group, i in at.items()}
            gathers = self.gathers(mode, chosen)
            bound, full = fullest(self.config, self.split, gathers, mode, self.strides)
            yield _Seen(sum(option.time for option in chosen.values()), bound, mode, gathers)
            best = None
            for group, i in at.items():
                names = {f"{of}{g}.{b}" for of in ("tile", "outbox") for g in group for b in (0, 1)}
                if self.timing.turns(group[0], mode):
                    names.add("hidden")
                if i + 1 < len(options[group]) and names & full:
                    old, new = options[group][i], options[group][i + 1]
                    price = (new.time - old.time) / (old.size - new.size)
                    if best is None or price < best[0]:
                        best = (price, group)
            if best is None:
                return
            at[best[1]] += 1

    def finish(self, mode: Mode, gathers: tuple[GatherPlan, ...]) -> Plan:
        """The plan with every node's arena."""
        config, split, keep = self.config, self.split, self.keep
        links = self.timing.links
        repeats, heard = (0, ()) if links is None else plan_repeats(links)
        return Plan(
            radio=self.timing.air.name,
            payload=self.timing.payload,
            rounds=self.timing.rounds,
            block_rows=mode.block_rows,
            held=mode.held,
            heads_per_pass=tuple(mode.passes(heads) for heads in split.heads),
            hidden_rows=hidden_rows(config, gathers, mode),
            gathers=gathers,
            arenas=tuple(
                plan_arena(config, split, keep, gathers, d, mode) for d in range(split.nodes)
            ),
            repeats=repeats,
            heard=heard,
        )


#: Options of a plan that are never left to the planner.
_NEEDED = ("radio", "rounds", "slack")


@dataclass(frozen=True)
class PlanOptions:
    """What ``make_plan`` was asked for, under its names; ``plan.json`` keeps it, so that another
    radio or other repair rounds are planned with the rest as it was."""

    radio: str = "ieee802154"
    rounds: int = 0
    payload: int | None = None
    tile_rows: int | Sequence[int] | None = None
    interleave: bool | None = None
    held: bool | None = None
    heads_per_pass: int | None = None
    block_rows: int | None = None
    ram_limit: int | None = None
    slack: float = 0.05
    links: Sequence[Sequence[float]] | None = field(default=None, metadata={"later": True})
    hops: int | None = field(default=None, metadata={"later": True})

    def on(self, radio: str | None = None, rounds: int | None = None) -> PlanOptions:
        """The same on another radio, whose payload may be smaller, or with other repair rounds."""
        payload = self.payload
        if payload is not None and radio is not None:
            payload = min(payload, radio_named(radio).payload)
        return replace(
            self,
            radio=radio or self.radio,
            rounds=self.rounds if rounds is None else rounds,
            payload=payload,
        )

    def plan(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        compute: Compute | None = None,
    ) -> Plan:
        """``make_plan`` with these options."""
        return make_plan(config, split, keep, compute=compute, **vars(self))


def options_from_json(data: dict, plan: Plan | None = None) -> PlanOptions:
    """What plan.json says under ``options``; of a deployment that does not say it, what its plan
    shows. CatsError for what are no such options."""
    given = data.get("options")
    if given is None and plan is None:
        raise CatsError("plan.json does not say by which options it was planned: export again")
    if given is None:
        payload = None if plan.payload == radio_named(plan.radio).payload else plan.payload
        given = {"radio": plan.radio, "rounds": plan.rounds, "payload": payload}
    try:
        options = PlanOptions(**given)
    except TypeError as error:
        raise CatsError(f"plan options do not fit this version ({error}): export again") from None
    for name, value in vars(options).items():
        legal: tuple[type, ...] = {"radio": (str,), "slack": (int, float)}.get(name, (int,))
        if name == "links":  # whoever plans looks at them
            continue
        values = value if name == "tile_rows" and isinstance(value, list) else [value]
        if not all(isinstance(v, legal) or (v is None and name not in _NEEDED) for v in values):
            raise CatsError(f"plan option {name} is {value!r}: the plan is damaged, export again")
    if isinstance(options.tile_rows, list):
        options = replace(options, tile_rows=tuple(options.tile_rows))
    return options


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
    links: Links | None = None,
    hops: int | None = None,
) -> Plan:
    """Plan a deployment; None leaves a choice to the planner.

    ``payload``: bytes of payload of the largest frame, at most the radio's. ``tile_rows``: rows of
    a tile, one number for all gathers or one for each. ``ram_limit``: bytes that no node's arena
    may exceed. ``slack``: how much longer than the fastest an inference may take to save memory.

    ``links``: float [D, D], the probability that the column's node hears the row's, over which
    nodes relay; None: all hear each other. ``hops``: refuse links with longer ways.
    """
    if not slack >= 0:
        raise CatsError(f"slack of {slack}: at least 0")
    search, interleave = _prepare(
        config, split, keep, radio, rounds, payload, tile_rows, interleave, heads_per_pass,
        block_rows, compute, held, links, hops,
    )  # fmt: skip
    if config.context:
        held = False
    least: int | None = None
    for rows in (block_rows,) if block_rows else BLOCK_ROWS:
        seen, refused = search.seen(_modes(split, interleave, held, heads_per_pass, rows))
        fits = [s for s in seen if ram_limit is None or s.bound <= ram_limit]
        while fits:
            limit = min(s.time for s in fits) * (1 + slack)
            best = min((s for s in fits if s.time <= limit), key=lambda s: (s.bound, s.time))
            plan = search.finish(best.mode, best.gathers)
            largest = max(arena.size for arena in plan.arenas)
            if ram_limit is None or largest <= ram_limit:
                return plan
            least = min(least or largest, largest)
            fits.remove(best)
        if not seen:
            raise refused or CatsError("no plan")
        least = min(least or seen[0].bound, *(s.bound for s in seen))
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
    search, _ = _prepare(
        config, split, keep, radio, rounds, payload, None, None, None, None, compute
    )
    seen = []
    for rows in BLOCK_ROWS:
        seen += search.seen(_modes(split, None, False if config.context else None, None, rows))[0]
    seen.sort(key=lambda s: (s.time, s.bound))
    front: list[_Seen] = []
    for s in seen:
        if not front or s.bound < front[-1].bound:
            front.append(s)
    return [search.finish(s.mode, s.gathers) for s in front]


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
    held: bool | None = None,
    links: Links | None = None,
    hops: int | None = None,
) -> tuple[_Search, bool | None]:
    """Check everything; (search, whether gathers may take turns: None is open)."""
    config.check()
    config.check_integers()
    split.check(config)
    check_keep(config, split, keep)
    compute = compute or Compute()
    air = radio_named(radio, code_time(split.nodes, compute.clock_hz))
    payload = air.payload if payload is None else payload
    if not 1 <= payload <= air.payload:
        raise CatsError(f"payload of {payload} bytes: radio {radio} carries 1 to {air.payload}")
    if not 0 <= rounds <= MAX_ROUNDS:
        raise CatsError(f"{rounds} repair rounds: choose 0 to {MAX_ROUNDS}")
    if links is None and hops is not None:
        raise CatsError("several hops: over which links? Give --links FILE (cats links)")
    if links is not None and rounds:
        raise CatsError("over several hops nodes relay in place of repair: no repair rounds")
    if links is not None and radio.removesuffix(SEALED) == "ble":
        raise CatsError("radio ble has no slots short enough to relay in: choose another one")
    table = None
    if links is not None and split.nodes > 1:
        found = planned_links(check_links(links, split.nodes), hops)
        if config.vocabulary and (depth(found, 0.5) or 0) > 1:
            raise CatsError(
                "links: only who hears the leader knows which token a step takes: a language model "
                "needs nodes that all hear each other"
            )
        table = tuple(map(tuple, found.tolist()))
    if block_rows is not None and not 1 <= block_rows <= MAX_BLOCK_ROWS:
        raise CatsError(f"{block_rows} rows a block: choose 1 to {MAX_BLOCK_ROWS}")
    if heads_per_pass is not None and heads_per_pass < 1:
        raise CatsError(f"{heads_per_pass} heads a pass: at least 1")
    count = gather_count(config)
    if count > MAX_GATHERS:
        most = (MAX_GATHERS - 3) // config.block_gathers
        raise CatsError(f"{config.blocks} blocks: at most {most}")
    if tile_rows is not None:
        heights = [tile_rows] if isinstance(tile_rows, int) else list(tile_rows)
        if not isinstance(tile_rows, int) and len(heights) != count:
            raise CatsError(f"tile rows for {len(heights)} gathers, the model has {count}")
        if min(heights) < 1:
            raise CatsError(f"tiles of {min(heights)} rows: at least 1")
        uneven = not config.parallel_blocks and any(
            len(set(heights[g : g + 3])) > 1 for g in range(2, len(heights) - 2, 4)
        )
        if uneven and interleave:
            raise CatsError("gathers that take turns need tiles of the same height")
        if uneven:
            interleave = False

    heights = tile_rows if tile_rows is None or isinstance(tile_rows, int) else tuple(tile_rows)
    if config.parallel_blocks:  # what may take turns is one gather
        interleave = False
    if config.context and held:
        raise CatsError("a stream keeps keys and values of all its heads: attention is not held")

    columns = tuple(tuple(map(tuple, sources)) for sources in keep)
    return (
        _search(config, split, columns, air, payload, rounds, compute, heights, table),
        interleave,
    )


@functools.lru_cache(maxsize=16)
def _search(
    config: ModelConfig,
    split: SplitConfig,
    keep: tuple[tuple[tuple[int, ...], ...], ...],
    air: Radio,
    payload: int,
    rounds: int,
    compute: Compute,
    tile_rows: int | tuple[int, ...] | None,
    links: tuple[tuple[float, ...], ...] | None,
) -> _Search:
    """The same deployment is often planned again under another limit."""
    sets = [list(sources) for sources in keep]
    table = None if links is None else np.array(links)
    timing = Timing(config, split, sets, air, payload, rounds, compute, table)
    return _Search(config, split, sets, timing, tile_rows)


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
