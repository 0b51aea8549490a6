# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The buffers of a node's arena: when each is in use, how large it is, where it lies."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from cats.plan.arena import ALIGN, ARENA_ALIGN, Buffer, lower_bound, pack, round_up, ticks
from cats.plan.plan import Arena, GatherPlan, Mode, exchange_order
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import TOKEN_BYTES
from cats.shape.partition import (
    READY,
    KeepSets,
    Kind,
    gather_kind,
    hidden_width,
    key_heads,
    own_ranges,
    residual_width,
    stride_of,
    view_width,
)

#: Buffers of which one is in use at a time.
SCRATCH = ("rows", "scores", "window")
#: Buffers of a stream that hold what comes of its earlier rows.
KEPT = ("key", "value", "sums")


@functools.lru_cache(maxsize=256)
def lifetimes(
    gathers: tuple[tuple[int, int, int, int, int], ...],
    held: bool,
    stem: bool = False,
    stream: bool = False,
    rows: bool = False,
    passed: tuple[int, ...] = (),
) -> dict[str, int]:
    """The ticks during which each buffer is in use, from (kind, block, phase, tiles, buffers) of
    each gather; ``stem``: rows are multiplied before INPUT is sent, too; ``stream``: what is kept
    from step to step is in use all the time; ``rows``: so is a token, and its row in a tile buffer
    of INPUT; ``passed`` over are these gathers: frames of the one behind them may arrive from the
    consume of the one before them on. ``tileG.B`` is tile buffer B of gather G, ``outboxG.B`` holds
    what the node sends of that tile.

    Exchange e has three ticks: produce, exchange (send and receive), consume; the inference begins
    one tick before the first. Frames of an exchange may arrive while the one before it is consumed,
    and be sent while it is consumed itself, but where attention is held. With two tile buffers
    produce and exchange of a gather's next tile may come before consume of this one, so that
    consume may last until then. Of many tiles only four (or three) are looked at, which shows every
    overlap: first, middle and last, the last in the buffer where it really is.
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
        before = next((i for i in range(1, e) if order[e - i][0] not in passed), 1)
        use(f"tile{g}.{tile % buffers}", consume - 3 * before, late, tile)
        sent = consume - 1 if held and kind == Kind.ATTENTION else late
        use(f"outbox{g}.{tile % buffers}", produce, sent, tile)
        if kind <= Kind.HIDDEN:
            use("residual", 0, late)
        if kind != Kind.RESULT:
            use("rows", produce if stem and kind == Kind.INPUT else consume, late, e)
        if kind == Kind.INPUT:
            use("input", 0, late)
            use("stem", produce, late)
            use("embed", consume, late, e)
            use("window", consume, late, e)
            use("linear", consume, late)
        elif kind == Kind.ATTENTION:
            for name in ("query", "key", "value"):
                use(name, consume, late, block)
            if held:
                use("scores", consume, late, e)
            if gathers[g + 1][0] == Kind.HIDDEN:  # of parallel blocks
                use("hidden", consume, late, (block, -1))
        elif kind == Kind.HEADS or gathers[g - 1][0] == Kind.ATTENTION:
            if kind == Kind.HEADS:
                use("query", produce, late, block)  # the heads, row by row
            else:
                use("query", produce, produce, block)
                use("hidden", produce, late, (block, -1))
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
            use("sums", consume, late)
            use("output", consume, late)
            use("linear", consume, late)
    use("output", last, last)
    if stream:
        live |= dict.fromkeys(KEPT, ticks(0, last))
    if rows:
        live |= dict.fromkeys(("input", "tile0.0"), ticks(0, last))
    return live


def lifetimes_of(config: ModelConfig, gathers: Sequence[GatherPlan], held: bool) -> dict[str, int]:
    """lifetimes() of a plan."""
    key = tuple(
        (*map(int, gather_kind(config, g)), p.phase, p.tiles, p.buffers)
        for g, p in enumerate(gathers)
    )
    passed = ()
    if config.replicated:
        passed = tuple(
            g for g, p in enumerate(gathers) if g and not any(s.width for s in p.sources)
        )
    return lifetimes(key, held, config.stem, bool(config.context), config.sends_rows, passed)


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
    residual = residual_width(config, split, node)
    rows = config.positions  # that a row attends to
    caches = heads * (config.blocks if config.context else 1)
    sizes = {
        "residual": 2 * n * residual,
        "query": n * own,
        "key": caches * rows * width,
        "value": caches * width * round_up(rows, 4),
        "hidden": hidden_rows(config, gathers, mode) * hidden_width(config, split, node),
        "rows": 2 * mode.block_rows * stride,
        "scores": 4 * round_up(rows, 4),
        "input": config.tokens_in * split.inputs[node],
        "pooled": gathers[-2].rows * residual,
        "output": 2 * config.output_rows * config.outputs,
        "linear": 0,
        "window": 0,
        "sums": 0,
    }
    if config.embed_layers == 2:
        sizes["embed"] = mode.block_rows * split.embed_hidden(config)[node]
    if config.stem:
        sizes["stem"] = config.tokens_in * split.embed_hidden(config)[node]
    if config.linear and node == split.holder(config):
        sizes["linear"] = 2 * config.outputs
        sizes["window"] = 2 * round_up(config.window, 4)
    if config.pool == "mean_of_norm" and split.outputs[node]:
        sizes["sums"] = 4 * config.features  # of a view it is as much or less
    if config.pool == "mean" and config.context:
        sizes["sums"] = 4 * own
    if config.by_token:
        sizes |= llama_sizes(config, split, node)
    for g, plan in enumerate(gathers):
        for of, size in tile_sizes(config, split, g, plan, node).items():
            sizes |= {f"{of}{g}.{b}": size for b in range(plan.buffers)}
    return sizes


def llama_sizes(config: ModelConfig, split: SplitConfig, node: int) -> dict[str, int]:
    """Bytes of what is otherwise in a stream of the Llama family: keys and values of the key/value
    heads that a node computes, queries, keys and turns as they leave their product, gates and ups,
    and where in the window each row stands and which token's it is."""
    width, rows = config.head_width, config.context
    beside = split.heads[node] * width if config.parallel_blocks else 0  # heads, before the hidden
    begin, end = key_heads(config, split)[node]
    keys = (end - begin) * width
    return {
        "key": config.blocks * keys * rows * (2 if config.wide_keys else 1),
        "value": config.blocks * keys * round_up(rows, 4),
        "query": 2 * (split.heads[node] * width + keys) + 4 * (width // 2),
        "hidden": beside + 2 * 2 * hidden_width(config, split, node),
        "input": TOKEN_BYTES,
        "sums": 2 * (2 * rows + 1),
    }


def tile_sizes(
    config: ModelConfig, split: SplitConfig, g: int, plan: GatherPlan, node: int
) -> dict[str, int]:
    """Bytes of each of gather g's buffers of one node: of what others send of a tile, and of what
    the node sends, where that does not stand in the arena just so."""
    cut, kind = plan.sources[node], gather_kind(config, g)[0]
    if kind == Kind.INPUT and config.sends_rows:  # of whichever node; its own stand in its image
        return {"tile": config.row_bytes, "outbox": 0}
    begin, end = own_ranges(config, split, kind)[node]
    in_place = kind in READY and cut.segments == 1 and cut.width == end - begin
    heard = sum(other.width for other in plan.sources) - cut.width
    return {
        "tile": plan.tile_rows * heard,
        "outbox": 0 if in_place else plan.tile_rows * cut.width,
    }


def largest_stride(config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int) -> int:
    """Columns of the widest view of a node, of the embedding's hidden columns, or of what its stem
    reads, padded as its weights are."""
    widest = max(
        stride_of(config, g, view_width(config, split, keep, g, node)) for g in range(len(keep))
    )
    local = split.inputs[node] if config.stem else split.embed_hidden(config)[node]
    return round_up(max(widest, local), 4)


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
    """The buffers of one node's arena. Rows, the linear path's window and scores are scratch of one
    thread and take turns, scores also where attention is held: it follows when q, k and v of all
    rows are there."""
    live = lifetimes_of(config, gathers, mode.held)
    turns = dict.fromkeys(SCRATCH, "scratch")
    stride = largest_stride(config, split, keep, node)
    sizes = buffer_sizes(config, split, gathers, node, mode, stride)
    return [Buffer(name, size, live[name], turns.get(name, "")) for name, size in sizes.items()]


@functools.lru_cache(maxsize=4096)
def _packed(buffers: tuple[Buffer, ...], kinds: tuple[int, ...]) -> tuple[dict[str, int], int, int]:
    """(offsets, size, lower bound). Buffers of tiles of one kind and size get one place in all
    blocks, which makes the search short and its result regular; where that misses the lower bound
    each of them is also tried on its own."""
    bound = lower_bound(buffers)
    merged: dict[tuple, Buffer] = {}
    member: dict[str, str] = {}
    for b in buffers:
        gather, _, which = b.name.partition(".")
        of = gather.rstrip("0123456789")
        key = (of, kinds[int(gather.removeprefix(of))], which, b.size) if which else (b.name,)
        while (seen := merged.setdefault(key, b)) is not b and seen.live & b.live:
            key = (*key, "other")  # both are in use at once
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
    offsets = {b.name: places[b.name] for b in buffers if "." not in b.name}
    offsets["heads"] = offsets["query"]
    tiles, outboxes = (
        tuple((places[f"{of}{g}.0"], places.get(f"{of}{g}.1", places[f"{of}{g}.0"]))
              for g in range(len(gathers)))
        for of in ("tile", "outbox")
    )  # fmt: skip
    return Arena(offsets, tiles, outboxes, max(size, ARENA_ALIGN), max(bound, ARENA_ALIGN))


def fullest(
    config: ModelConfig,
    split: SplitConfig,
    gathers: Sequence[GatherPlan],
    mode: Mode,
    strides: Mapping[int, int],
) -> tuple[int, set[str]]:
    """(lower bound of the largest arena, buffers in use when that arena is fullest) of the nodes in
    ``strides``, each with its largest_stride()."""
    live = lifetimes_of(config, gathers, mode.held)
    names = list(live)
    matrix = _live_matrix(tuple(live.values()))
    best = (-1, set())
    for d, stride in strides.items():
        sizes = buffer_sizes(config, split, gathers, d, mode, stride)
        room = np.array([round_up(sizes.get(name, 0), ALIGN) for name in names])
        total = room @ matrix
        scratch = [names.index(name) for name in SCRATCH]
        turns = room[scratch, None] * matrix[scratch]
        total -= turns.sum(0) - turns.max(0)  # they take turns
        tick = int(total.argmax())
        if total[tick] > best[0]:
            best = (int(total[tick]), {n for n, on in zip(names, matrix[:, tick]) if on})
    return max(round_up(best[0], ARENA_ALIGN), ARENA_ALIGN), best[1]


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
