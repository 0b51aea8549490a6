# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random shapes with their plans, and a check of arenas that knows nothing of lifetimes.

``run_arena`` plays an inference as include/cats/engine.h and include/cats/image.h describe it, with
labels in place of numbers: each byte of the arena remembers what was written there last, and every
read asks for the label it must find. ``early`` decides, exchange by exchange, whether its frames
arrive (and, where the engine allows it, whether it is produced) before the exchange in front of it
is consumed.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer.random_models import random_keep, random_split
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, Kind, gather_kind, own_ranges, view_width


@st.composite
def shapes(draw, nodes: int = 16) -> tuple[ModelConfig, SplitConfig, KeepSets]:
    """A model of odd sizes, an uneven split, keep sets."""
    heads = draw(st.integers(1, nodes))
    count = draw(st.integers(1, heads))
    config = ModelConfig(
        tokens_in=draw(st.integers(1, 13)),
        inputs=draw(st.integers(1, 9)),
        outputs=draw(st.integers(1, 7)),
        features=heads * draw(st.integers(1, 6)),
        heads=heads,
        hidden=draw(st.integers(count, 40)),
        blocks=draw(st.integers(1, 3)),
        activation=draw(st.sampled_from(["relu", "gelu"])),
        pool=draw(st.sampled_from(POOLS)),
    )
    embed = draw(st.sampled_from(["full", "own", "stem"]))
    if config.pool != "all" and embed != "stem" and draw(st.booleans()):
        config = dataclasses.replace(config, linear=True)
    if embed != "full":
        hidden = st.integers(count, 40)
        hidden = draw(hidden if embed == "stem" else st.one_of(st.just(0), hidden))
        config = dataclasses.replace(config, embed=embed, embed_hidden=hidden)
    seed = draw(st.integers(0, 2**31))
    split = random_split(seed, config, count)
    keep = random_keep(seed, config, split, draw(st.sampled_from([1.0, 0.5, 0.1])))
    return config, split, keep


@st.composite
def plans(
    draw, nodes: int = 16, radios: tuple[str, ...] = ("ieee802154", "ble_2m", "ble")
) -> tuple[ModelConfig, SplitConfig, KeepSets, Plan]:
    """Such a shape and a plan of it."""
    config, split, keep = draw(shapes(nodes))
    options = {
        "radio": draw(st.sampled_from(radios)),
        "rounds": draw(st.integers(0, 3)),
        "payload": draw(st.sampled_from([None, None, 9, 17, 40])),
        "tile_rows": draw(st.sampled_from([None, None, 1, 2, 3, 5, 100])),
        "interleave": draw(st.sampled_from([None, False, True])),
        "held": draw(st.sampled_from([None, False, True])),
        "block_rows": draw(st.sampled_from([None, 1, 2, 3, 4])),
        "slack": draw(st.sampled_from([0.0, 0.05, 1.0])),
    }
    try:
        return config, split, keep, make_plan(config, split, keep, **options)
    except CatsError:  # no room for what coded frames combine, or more than they may
        if not options["rounds"]:
            raise
    return config, split, keep, make_plan(config, split, keep, **options | {"rounds": 0})


def exchanges(plan: Plan) -> list[tuple[int, int]]:
    """(gather, tile) in running order, straight from the definition of a phase."""
    order, g = [], 0
    while g < len(plan.gathers):
        same = [
            k for k in range(g, len(plan.gathers)) if plan.gathers[k].phase == plan.gathers[g].phase
        ]
        same = [k for i, k in enumerate(same) if k == g + i]
        order += [(k, tile) for tile in range(plan.gathers[g].tiles) for k in same]
        g = same[-1] + 1
    return order


class _Memory:
    def __init__(self, size: int) -> None:
        self.labels = np.zeros(size, np.int64)
        self.names: dict[tuple, int] = {}

    def write(self, where: np.ndarray, *label: object) -> None:
        self.labels[where] = self.names.setdefault(label, len(self.names) + 1)

    def read(self, where: np.ndarray, *label: object) -> None:
        assert (self.labels[where] == self.names[label]).all(), f"{label} was overwritten"


def run_arena(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    node: int,
    early: Callable[[], bool],
) -> None:
    """Play one inference of a node; AssertionError where a buffer does not hold what it must."""
    arena, n, width = plan.arenas[node], config.tokens, config.head_width
    heads, per_pass = split.heads[node], plan.heads_per_pass[node]
    own, hidden = heads * width, split.hidden[node]
    up4 = -(-n // 4) * 4
    memory = _Memory(arena.size)
    at = arena.offsets
    layer = split.embed_hidden(config)[node]
    views = [view_width(config, split, keep, g, node) for g in range(len(plan.gathers))]
    read = split.inputs[node] if config.stem else layer
    stride = -(-max(*views, read) // 4) * 4

    direct = config.linear and node == split.holder(config)
    window = 2 * (-(-config.window // 4) * 4)

    def run(name: str, size: int, begin: int = 0) -> np.ndarray:
        assert at[name] + begin + size <= arena.size
        return np.arange(at[name] + begin, at[name] + begin + size)

    def rows_of(name: str, bytes_a_row: int, row: int) -> np.ndarray:
        return run(name, bytes_a_row, row * bytes_a_row)

    def key(head: int, row: int) -> np.ndarray:
        return run("key", width, (head * n + row) * width)

    def value(head: int, row: int) -> np.ndarray:
        return at["value"] + (head * width + np.arange(width)) * up4 + row

    def tile(g: int, t: int) -> np.ndarray:
        gather = plan.gathers[g]
        bytes_a_row = sum(cut.width for s, cut in enumerate(gather.sources) if s != node)
        place = arena.tiles[g][t & 1]
        assert place + bytes_a_row * gather.tile_height(t) <= arena.size
        return np.arange(place, place + bytes_a_row * gather.tile_height(t))

    def outbox(g: int, t: int) -> np.ndarray | None:
        """What the node sends of a tile; None where that stands in its source just so."""
        gather, (kind, _) = plan.gathers[g], gather_kind(config, g)
        cut, (begin, end) = gather.sources[node], own_ranges(config, split, kind)[node]
        ready = kind in (Kind.INPUT, Kind.HEADS, Kind.HIDDEN, Kind.OUTPUT)
        if ready and cut.segments == 1 and cut.width == end - begin:
            return None
        place, size = arena.outboxes[g][t & 1], cut.width * gather.tile_height(t)
        assert place + size <= arena.size
        return np.arange(place, place + size)

    def span(g: int, t: int) -> range:
        gather = plan.gathers[g]
        first = gather.row_begin + t * gather.tile_rows
        return range(first, first + gather.tile_height(t))

    def hidden_row(g: int, t: int, row: int) -> np.ndarray:
        """Row of the hidden buffer: of all rows, or of the tile where it has room for no more."""
        first = plan.gathers[g].row_begin if plan.hidden_rows == n else span(g, t)[0]
        return rows_of("hidden", hidden, row - first)

    residual = {row: 0 for row in range(n)}  # how often each row was written

    def check_residual(row: int) -> None:
        memory.read(rows_of("residual", 2 * own, row), "residual", row, residual[row])

    def write_residual(row: int) -> None:
        residual[row] += 1
        memory.write(rows_of("residual", 2 * own, row), "residual", row, residual[row])

    def scratch(e: int) -> None:
        memory.write(run("rows", 2 * plan.block_rows * stride), "rows", e)

    def attend(b: int, row: int, head: int, of: int) -> None:
        """Row of head ``of`` (own number), whose q, k, v stand at place ``head``."""
        memory.read(run("query", width, row * own + of * width), "q", b, row, of)
        for j in range(n):
            memory.read(key(head, j), "k", b, j, of)
            memory.read(value(head, j), "v", b, j, of)
        memory.write(run("scores", 4 * up4), "scores", row, of)
        memory.write(run("heads", width, row * own + of * width), "h", b, row, of)

    def produce(g: int, t: int) -> None:
        kind, b = gather_kind(config, g)
        if kind == Kind.HEADS and not plan.held:
            for row in span(g, t):
                for head in range(heads):
                    attend(b, row, head, head)
        elif kind == Kind.INPUT and config.stem and read:
            for row in span(g, t):
                i = row - plan.gathers[g].row_begin
                memory.read(rows_of("input", read, i), "input", i)
                memory.write(run("rows", 2 * plan.block_rows * stride), "stem's rows", i)
                memory.write(rows_of("stem", layer, i), "stem", i)
        elif kind == Kind.OUTPUT:
            for row in range(n) if config.pool == "mean" else span(g, t):
                check_residual(row)
            for row in span(g, t):
                pooled = row - plan.gathers[g].row_begin
                memory.write(rows_of("pooled", own, pooled), "pooled", pooled)
        box = outbox(g, t)
        if box is not None:
            own_rows(g, t)
            memory.write(box, "sent", g, t)

    def send(g: int, t: int) -> None:
        """Read what the node broadcasts."""
        box = outbox(g, t)
        if box is None:
            own_rows(g, t)
        else:
            memory.read(box, "sent", g, t)

    def own_rows(g: int, t: int) -> None:
        """Read what the node broadcasts, or takes into the product, where it stands."""
        kind, b = gather_kind(config, g)
        for row in span(g, t):
            i = row - plan.gathers[g].row_begin
            if kind == Kind.INPUT and config.stem:
                if layer:
                    memory.read(rows_of("stem", layer, i), "stem", i)
            elif kind == Kind.INPUT:
                memory.read(rows_of("input", split.inputs[node], i), "input", i)
            elif kind in (Kind.ATTENTION, Kind.FORWARD):
                check_residual(row)
            elif kind == Kind.HEADS:
                for head in range(heads):
                    memory.read(run("heads", width, row * own + head * width), "h", b, row, head)
            elif kind == Kind.HIDDEN:
                memory.read(hidden_row(g, t, row), "hidden", b, row)
            elif kind == Kind.OUTPUT:
                memory.read(rows_of("pooled", own, i), "pooled", i)
            else:
                memory.read(rows_of("output", 2 * config.outputs, i), "output", i)

    def receive(g: int, t: int) -> None:
        memory.write(tile(g, t), "tile", g, t)

    def consume(e: int, g: int, t: int) -> None:
        kind, b = gather_kind(config, g)
        own_rows(g, t)
        memory.read(tile(g, t), "tile", g, t)
        if kind != Kind.RESULT:
            scratch(e)
        if kind == Kind.ATTENTION and plan.held:
            for first in range(0, heads, per_pass):
                passed = range(min(per_pass, heads - first))
                for row in span(g, t):
                    own_rows(g, t)
                    memory.read(tile(g, t), "tile", g, t)
                    scratch(e)
                    for head in passed:
                        q_k_v(b, row, head, first + head)
                    memory.read(run("rows", 2 * plan.block_rows * stride), "rows", e)
                for row in range(n):
                    for head in passed:
                        attend(b, row, head, first + head)
            return
        averaged = kind == Kind.OUTPUT and config.pool == "mean_of_norm"
        if averaged:
            average(g, t)
        for row in span(g, t) if not averaged else ():
            i = row - plan.gathers[g].row_begin
            if kind == Kind.INPUT and layer and not config.stem:
                memory.write(run("embed", plan.block_rows * layer), "embed", i)
                memory.read(run("rows", 2 * plan.block_rows * stride), "rows", e)
                scratch(e)
                memory.read(run("embed", plan.block_rows * layer), "embed", i)
            if kind in (Kind.INPUT, Kind.HEADS, Kind.HIDDEN):
                if kind != Kind.INPUT:
                    check_residual(row)
                write_residual(row)
            elif kind == Kind.ATTENTION:
                for head in range(heads):
                    q_k_v(b, row, head, head)
            elif kind == Kind.FORWARD:
                memory.write(hidden_row(g, t, row), "hidden", b, row)
            else:
                memory.write(rows_of("output", 2 * config.outputs, i), "output", i)
        if kind != Kind.RESULT:
            memory.read(run("rows", 2 * plan.block_rows * stride), "rows", e)
        if direct and kind == Kind.INPUT:
            for i in range(config.tokens_in):
                memory.read(rows_of("input", split.inputs[node], i), "input", i)
            memory.write(run("window", window), "window", e)
            memory.write(run("linear", 2 * config.outputs), "linear")
            memory.read(run("window", window), "window", e)
        if direct and kind == Kind.OUTPUT:
            memory.read(run("linear", 2 * config.outputs), "linear")
        own_rows(g, t)
        memory.read(tile(g, t), "tile", g, t)

    def average(g: int, t: int) -> None:
        """Add normed rows up; behind the last one the result."""
        if split.outputs[node]:
            sums = run("sums", 4 * view_width(config, split, keep, g, node))
            if t:
                memory.read(sums, "sums", t - 1)
            memory.write(sums, "sums", t)
        if t == plan.gathers[g].tiles - 1:
            memory.write(rows_of("output", 2 * config.outputs, 0), "output", 0)

    def q_k_v(b: int, row: int, head: int, of: int) -> None:
        memory.write(run("query", width, row * own + of * width), "q", b, row, of)
        memory.write(key(head, row), "k", b, row, of)
        memory.write(value(head, row), "v", b, row, of)

    for i in range(config.tokens_in):
        memory.write(rows_of("input", split.inputs[node], i), "input", i)
    if config.pool == "class":
        write_residual(0)
    order = exchanges(plan)
    produced, received = set(), set()
    for e, (g, t) in enumerate(order):
        if e not in produced:
            produce(g, t)
        send(g, t)
        if e not in received:
            receive(g, t)
        over = plan.held and gather_kind(config, g)[0] == Kind.ATTENTION
        if e + 1 < len(order):
            after, then = order[e + 1]
            apart = after != g or plan.gathers[g].buffers == 2
            if after == g and plan.gathers[g].buffers == 2 and early():
                produce(after, then)
                produced.add(e + 1)
            send(g, t)  # a repair frame
            if apart and early():
                receive(after, then)
                received.add(e + 1)
                over = True
        consume(e, g, t)
        if not over:
            send(g, t)  # one that is asked for meanwhile
    for i in range(config.output_rows):
        memory.read(rows_of("output", 2 * config.outputs, i), "output", i)
