# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a model's shape, split and keep sets to a plan: tiles, fragments, slots, arenas."""

from __future__ import annotations

from collections.abc import Sequence

from cats.arena import ARENA_ALIGN, Buffer, lower_bound, pack, round_up, ticks
from cats.config import ModelConfig, SplitConfig
from cats.errors import CatsError
from cats.partition import (
    Fragmenting,
    KeepSets,
    Kind,
    check_keep,
    fragmenting,
    gather_count,
    gather_kind,
    gather_rows,
    own_ranges,
)
from cats.plan import Arena, GatherPlan, Plan
from cats.radio import FRAME_HEADER, Radio
from cats.radio import radio as radio_named

#: Most fragments of one source in one tile (CATS_MAX_FRAGMENTS).
MAX_FRAGMENTS = 128
#: A frame's tile number is one byte.
MAX_TILES = 256
#: Bytes of one tile buffer, at most.
MAX_TILE = 65535
#: Payload of the longest control frame: sixteen nodes' counts in nibbles, and times.
CONTROL_PAYLOAD = 16
#: Gathers whose tiles may take turns.
ROW_LOCAL = (Kind.HEADS, Kind.FORWARD, Kind.HIDDEN)


def element_bytes(kind: Kind) -> int:
    """Bytes a column on air: RESULT 2, all others 1."""
    return 2 if kind == Kind.RESULT else 1


def send_widths(config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int) -> list[int]:
    """Bytes a row that each source broadcasts in gather g; zeros where there is one node only."""
    kind, _ = gather_kind(config, g)
    if split.nodes == 1:
        return [0]
    return [len(columns) * element_bytes(kind) for columns in keep[g]]


def node_view(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int, node: int
) -> list[int]:
    """Columns of node's view of gather g, in view order: by source, its own all, others' kept."""
    ranges = own_ranges(config, split, gather_kind(config, g)[0])
    view: list[int] = []
    for source in range(split.nodes):
        view += range(*ranges[source]) if source == node else keep[g][source]
    return view


def node_buffers(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    gathers: Sequence[GatherPlan],
    node: int,
    *,
    block_rows: int,
    held: bool,
    heads_per_pass: int,
    hidden_rows: int,
) -> list[Buffer]:
    """The buffers of one node's arena and when the engine may touch them.

    Exchange e has three ticks: produce, exchange (fill and receive), consume. Frames of an exchange
    may arrive while the one before it is consumed. With two tile buffers produce and exchange of a
    gather's next tile may also come before consume of this one, so consume may last until then.
    """
    n, width = config.tokens, config.head_width
    own = split.heads[node] * width
    order = exchange_order(shorten(gathers))
    last = 3 * len(order) + 1  # ticks: 0 begin, 1 + 3e produce, 2 + 3e exchange, 3 + 3e consume
    live: dict[str, int] = {}
    tile_live = [[0, 0] for _ in gathers]

    def use(name: str, when: int) -> None:
        live[name] = live.get(name, 0) | when

    first_seen: dict[tuple[str, int], int] = {}

    def until(name: str, key: int, first: int, end: int) -> None:
        """In use from the first tick named for ``key`` until ``end``."""
        first = first_seen.setdefault((name, key), first)
        use(name, ticks(first, end))

    for e, (g, tile) in enumerate(order):
        kind, block = gather_kind(config, g)
        produce, consume = 1 + 3 * e, 3 + 3 * e
        both = gathers[g].buffers == 2
        late = consume + 2 if both and e + 1 < len(order) and order[e + 1][0] == g else consume
        tile_live[g][tile % 2 if both else 0] |= ticks(consume - 3, late)
        if kind <= Kind.HIDDEN:
            until("residual", 0, 0, late)
        if kind != Kind.RESULT:
            use("rows", ticks(consume, late))
        if kind == Kind.INPUT:
            until("input", 0, 0, late)
        elif kind == Kind.ATTENTION:
            for name in ("query", "key", "value"):
                until(name, block, consume, late)
            if held:
                until("heads", block, consume, late)
                use("scores", ticks(consume, late))
        elif kind == Kind.HEADS:
            if held:
                until("heads", block, produce, late)
            else:
                until("query", block, produce, late)
                until("key", block, produce, produce)
                until("value", block, produce, produce)
                use("scores", ticks(produce, produce))
        elif kind == Kind.FORWARD:
            until(
                "hidden",
                (block, tile) if gathers[g].phase == gathers[g + 1].phase else block,
                consume,
                late,
            )
        elif kind == Kind.HIDDEN:
            until(
                "hidden",
                (block, tile) if gathers[g].phase == gathers[g - 1].phase else block,
                produce,
                late,
            )
        elif kind == Kind.OUTPUT:
            until("residual", 0, 0, produce)
            until("pooled", 0, produce, late)
            until("output", 0, consume, last)
    until("output", 0, last, last)
    views = [
        len(node_view(config, split, keep, g, node))
        for g in range(len(gathers))
        if gather_kind(config, g)[0] != Kind.RESULT
    ]
    passes = heads_per_pass
    sizes = {
        "residual": 2 * n * own,
        "query": n * passes * width,
        "key": passes * n * width,
        "value": passes * width * round_up(n, 4),
        "hidden": hidden_rows * split.hidden[node],
        "rows": 2 * block_rows * round_up(max(views), 4),
        "scores": 4 * round_up(n, 4),
        "input": config.tokens_in * split.inputs[node],
        "pooled": config.output_rows * own,
        "output": 2 * config.output_rows * config.outputs,
    }
    if held:
        sizes["heads"] = n * own
    # Rows and scores are scratch of one thread; a held pass may still want both.
    turns = {} if held else {"rows": "scratch", "scores": "scratch"}
    buffers = [Buffer(k, size, live[k], turns.get(k, "")) for k, size in sizes.items()]
    for g, plan in enumerate(gathers):
        size = tile_bytes(plan, node)
        buffers += [Buffer(f"tile{g}.{b}", size, tile_live[g][b]) for b in range(plan.buffers)]
    return buffers


def shorten(gathers: Sequence[GatherPlan]) -> list[tuple[int, int]]:
    """(phase, tiles) of each gather with tiles cut to four at most, which shows every overlap of
    lifetimes: first, middle and last tile, the last in the buffer where it really stands."""
    return [(p.phase, p.tiles if p.tiles <= 4 else 3 + (p.tiles + 1) % 2) for p in gathers]


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


def tile_bytes(plan: GatherPlan, node: int) -> int:
    """Bytes of one tile buffer of a node: the others' kept bytes of tile_rows rows."""
    return plan.tile_rows * sum(f.width for s, f in enumerate(plan.sources) if s != node)


def plan_arena(buffers: Sequence[Buffer], gathers: int, held: bool) -> Arena:
    """Lay a node's buffers down (node_buffers)."""
    places, size = pack(buffers)
    names = [b.name for b in buffers if not b.name.startswith("tile")]
    offsets = {name: places[name] for name in names}
    if not held:
        offsets["heads"] = offsets["query"]
    tiles = tuple(
        (places[f"tile{g}.0"], places.get(f"tile{g}.1", places[f"tile{g}.0"]))
        for g in range(gathers)
    )
    return Arena(offsets, tiles, max(size, ARENA_ALIGN), lower_bound(buffers))


def make_plan(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    *,
    radio: str = "ieee802154",
    rounds: int = 0,
    payload: int | None = None,
    tile_rows: int | Sequence[int] | None = None,
    interleave: bool = True,
    held: bool = False,
    heads_per_pass: int | None = None,
    block_rows: int = 4,
) -> Plan:
    """Plan a deployment. See the module's text for what is chosen where None is given."""
    config.check()
    split.check(config)
    check_keep(config, split, keep)
    air = radio_named(radio)
    payload = air.payload if payload is None else payload
    if not 1 <= payload <= air.payload:
        raise CatsError(f"payload of {payload} bytes: radio {radio} carries 1 to {air.payload}")
    if not 0 <= rounds <= 3:
        raise CatsError(f"{rounds} repair rounds: choose 0 to 3")
    if not 1 <= block_rows <= 4:
        raise CatsError(f"{block_rows} rows a block: choose 1 to 4")
    count = gather_count(config)
    if count > 255:
        raise CatsError(f"{config.blocks} blocks: at most 63, a frame numbers gathers in a byte")
    heights = []
    for g in range(count):
        kind, _ = gather_kind(config, g)
        _, rows = gather_rows(config, g)
        widest = max(send_widths(config, split, keep, g))
        if tile_rows is None:
            height = max(1, payload // widest) if widest else block_rows
        else:
            height = tile_rows if isinstance(tile_rows, int) else tile_rows[g]
        if held and kind == Kind.ATTENTION:
            height = rows
        heights.append(max(1, min(rows, height), -(-rows // MAX_TILES)))
    plans: list[GatherPlan] = []
    phase = -1
    for g in range(count):
        kind, _ = gather_kind(config, g)
        if not (interleave and kind in (Kind.FORWARD, Kind.HIDDEN)):
            phase += 1
        if interleave and kind == Kind.HEADS:
            heights[g : g + 3] = [min(heights[g : g + 3])] * 3
        plans.append(
            _gather_plan(
                config,
                split,
                keep,
                g,
                phase,
                heights[g],
                payload,
                air,
                rounds,
                double=not (interleave and kind in ROW_LOCAL),
            )
        )
    hidden_rows = config.tokens
    if interleave:
        hidden_rows = max(
            p.tile_rows for g, p in enumerate(plans) if gather_kind(config, g)[0] == Kind.HIDDEN
        )
    passes = tuple(min(h, heads_per_pass or 1) if held else h for h in split.heads)
    arenas = tuple(
        plan_arena(
            node_buffers(
                config,
                split,
                keep,
                plans,
                d,
                block_rows=block_rows,
                held=held,
                heads_per_pass=passes[d],
                hidden_rows=hidden_rows,
            ),
            count,
            held,
        )
        for d in range(split.nodes)
    )
    return Plan(radio, payload, rounds, block_rows, held, passes, hidden_rows, tuple(plans), arenas)


def _gather_plan(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    phase: int,
    height: int,
    payload: int,
    air: Radio,
    rounds: int,
    double: bool,
) -> GatherPlan:
    kind, _ = gather_kind(config, g)
    begin, rows = gather_rows(config, g)
    widths = send_widths(config, split, keep, g)
    sources = []
    for s, width in enumerate(widths):
        cut = fragmenting(width, height, payload, element_bytes(kind))
        if cut.fragments(height) > MAX_FRAGMENTS or cut.segments > 255:
            raise CatsError(
                f"gather {g}, source {s}: {cut.fragments(height)} fragments for {height} rows of "
                f"{width} bytes, at most {MAX_FRAGMENTS}: choose smaller tiles or a larger payload"
            )
        sources.append(cut)
    if height * sum(widths) > MAX_TILE:
        raise CatsError(f"gather {g}: a tile of {height * sum(widths)} bytes, at most {MAX_TILE}")
    largest = max((f.fragment_rows * f.segment_width for f in sources), default=0)
    return GatherPlan(
        phase=phase,
        row_begin=begin,
        rows=rows,
        tile_rows=height,
        buffers=2 if double and height < rows else 1,
        rounds=rounds,
        slot_us=air.slot_us(FRAME_HEADER + largest),
        control_us=air.slot_us(FRAME_HEADER + CONTROL_PAYLOAD),
        spacing_us=0,
        sources=tuple(sources),
    )


__all__ = ["Fragmenting", "make_plan", "node_buffers", "node_view", "exchange_order"]
