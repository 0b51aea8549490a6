# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of the engine with its DSP kernels, from sizes alone.

The inner loops are assembly (``product_dsp.S``, ``dot_dsp.S`` in ``subsys/cats/engine``), so theirs
are exact; what surrounds them is fitted to ``tests/benchmarks/m4/recorded.json``.
``tests/python/plan/test_cost.py`` compares with what QEMU counted: products within 1 %, whole
inferences within 5 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cats.plan.plan import Plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import CHANNEL
from cats.shape.partition import (
    NORMED,
    KeepSets,
    Kind,
    gather_count,
    gather_kind,
    gather_rows,
    product_width,
    residual_width,
    scale_bytes,
    view_width,
    weight_bytes,
)

#: product_dsp.S: instructions of eight columns, and of four at the end, by rows of a block.
_EIGHT = {1: 10, 2: 15, 3: 19, 4: 24}
_FOUR = {1: 7, 2: 10, 3: 11, 4: 14}
#: How many eights of columns a round has.
_ROUND = {1: 4, 2: 2, 3: 2}

#: product_dsp.S: requantising and storing the (up to four) sums of one output, by what follows.
_STORE = {
    Kind.INPUT: 34,
    Kind.ATTENTION: 22,
    Kind.HEADS: 30,
    Kind.FORWARD: 29,  # GELU's table; ReLU 22
    Kind.HIDDEN: 30,
    Kind.OUTPUT: 29,
}
_RELU = 22


def product(rows: int, stride: int, outputs: int, store: float) -> float:
    """One ``cats_multiply()``: a block of 1 to 4 rows of ``stride`` columns."""
    eights = stride // 8
    if rows == 4:
        long, eights = divmod(eights, 3)  # 24 columns, in rounds of three; before them, eights
        each = eights * (_EIGHT[4] + 1) if eights else 4
        if long:
            each += 71 * long + 3 * -(-long // 3) - 1 + (2 if long <= 3 else 0)
    else:
        each = 4 + rows + eights * _EIGHT[rows] + 3 * -(-eights // _ROUND[rows])
        if eights:
            each += 1 + (rows == 2)
    each += stride // 4 % 2 * _FOUR[rows]
    return (101 if rows == 4 else 87) + outputs * (each + store)


def unpack(columns: int) -> float:
    """int8 columns of one source into a row, and finding them."""
    return 49 + 2.5 * columns


def unpack_residual(columns: int) -> float:
    """Own columns of the residual, requantised, into a row."""
    return 40 + 6.5 * columns


def norm(columns: int) -> float:
    """One row."""
    return 99 + 11.5 * columns


def score(width: int, n: int) -> float:
    """One query times n keys."""
    if width == 8:
        return 52 + n // 4 * 45 + n % 4 * 15
    if width in (16, 32):
        return 36 + width // 2 + n * (24 if width == 16 else 47)
    if width % 4 or width > 64:
        return 40 + n * (18 + width // 4 * 9 + width % 4 * 6)
    return 100 + 2 * width + n % 2 * 25 + -(-n // 2) * (7 + _two_rows(width))


def softmax(n: int) -> float:
    """n scores to weights, and the division."""
    return 60 + 10.7 * n


def weigh(width: int, n: int) -> float:
    """n weights times values, ``width`` columns."""
    pairs = width // 2 + width % 2
    return 38 + 39 * -(-width // 16) + 6 * width + pairs * _two_rows(-(-n // 4) * 4)


def _two_rows(columns: int) -> float:
    """dot_dsp.S: two rows of a multiple of four columns."""
    sixteens, rest = divmod(columns, 16)
    around = 10 if rest == 0 else 14 if sixteens else 11
    return around + 40 * sixteens + 14 * (rest // 4)


@lru_cache(maxsize=65536)
def attend(width: int, n: int) -> float:
    """One row of one head over n tokens."""
    return 25 + score(width, n) + softmax(n) + weigh(width, n)


@dataclass(frozen=True)
class Share:
    """What one node has of one gather: own ``heads``, columns of the ``residual``; columns of
    its ``view``, of which ``kept`` come from ``others`` sources; columns that it sends and output
    columns of its product; columns of the ``window`` that its linear path reads here; residual
    columns (``embedded``) that a second product of the embedding makes of the ``outputs`` of the
    first; inputs (``stemmed``) of which its stem makes what it sends; whether the product's weights
    have four bits; hidden columns of parallel blocks (``beside``), gates and ups of which are among
    the ``outputs`` of ATTENTION."""

    kind: Kind
    nodes: int
    heads: int
    residual: int
    view: int
    kept: int
    others: int
    sent: int
    outputs: int
    window: int = 0
    embedded: int = 0
    stemmed: int = 0
    four_bits: bool = False
    beside: int = 0


def share(config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int, node: int) -> Share:
    """The share of a node."""
    kind = gather_kind(config, g)[0]
    others = [len(k) for s, k in enumerate(keep[g]) if s != node and k]
    direct = config.linear and kind == Kind.INPUT and node == split.holder(config)
    return Share(
        kind=kind,
        nodes=split.nodes,
        heads=split.heads[node],
        residual=residual_width(config, split, node),
        view=view_width(config, split, keep, g, node),
        kept=sum(others),
        others=len(others),
        sent=0 if split.nodes == 1 else len(keep[g][node]),
        outputs=product_width(config, split, g, node),
        window=config.window if direct else 0,
        embedded=split.heads[node] * config.head_width
        if kind == Kind.INPUT and config.embed_layers == 2 and split.inputs[node]
        else 0,
        stemmed=split.inputs[node] if kind == Kind.INPUT and config.stem else 0,
        four_bits=g in config.four_bits,
        beside=split.hidden[node] if config.parallel_blocks else 0,
    )


def queried(config: ModelConfig, g: int) -> range:
    """Of ATTENTION, the rows that the HEADS gather behind it moves; no query is computed for
    others."""
    begin, rows = gather_rows(config, min(g + 1, gather_count(config) - 1))
    return range(begin, begin + rows)


def last_rows(config: ModelConfig, g: int, rows: int) -> range:
    """The last so many residual rows of a gather, which with causal attention take longest."""
    begin, count = gather_rows(config, g)
    return range(begin + count - rows, begin + count)


@lru_cache(maxsize=1 << 17)
def exchange(
    config: ModelConfig,
    share: Share,
    rows: range,
    *,
    block_rows: int,
    heads_per_pass: int,
    queries: range,
) -> tuple[float, float]:
    """(produce, consume) of an exchange of these residual rows. ``heads_per_pass``: where ATTENTION
    is held, else 0; ``queries``: of queried()."""
    if config.by_token:
        from cats.plan.llama_cost import exchange as of_llama

        return of_llama(config, share)
    kind, own, width, n = share.kind, share.heads, config.head_width, config.tokens
    count = len(rows)
    before = config.positions - n  # rows of a stream, in its last step

    def attention(of: range) -> float:
        each = (
            sum(attend(width, before + row + 1) for row in of)
            if config.causal
            else len(of) * attend(width, n)
        )
        return 60.0 * len(of) + own * each

    residual = kind in (Kind.ATTENTION, Kind.FORWARD)
    produce = 150.0
    if residual or share.sent != share.view - share.kept:  # else it stands there as it is sent
        produce += count * (83 + share.sent * (8.2 if residual else 4.3))
    whole, rest = divmod(count, block_rows)
    blocks = [block_rows] * whole + [rest] * (rest > 0)
    if kind == Kind.HEADS and not heads_per_pass:
        produce += attention(rows)
    elif share.stemmed:
        produce += rows_of(share.stemmed, share.view - share.kept, blocks, _RELU)
    elif kind == Kind.OUTPUT:
        produce += count * own * width * (6.6 * n if config.pool == "mean" else 30)
    if kind == Kind.RESULT:
        return produce, 400 + 190.0 * share.nodes + 25 * (count - 1) * config.outputs
    if share.outputs == 0:
        return produce, 80.0

    row = 105.0 + share.others * unpack(0) + share.kept * (unpack(1) - unpack(0))
    if residual:
        row += unpack_residual(share.view - share.kept)
    elif share.view > share.kept:
        row += unpack(share.view - share.kept)
    if kind in NORMED:
        row += 15 + norm(share.view)

    stride = -(-share.view // 4) * 4
    hides = share.embedded > 0 or (kind == Kind.FORWARD and config.activation == "relu")
    store = _RELU if hides else _STORE[kind]
    passes = -(-own // heads_per_pass) if heads_per_pass and kind == Kind.ATTENTION else 1
    consume = 120.0 + 60 * (share.nodes - 1) + passes * count * row
    outputs = width if kind == Kind.ATTENTION else share.outputs
    if kind == Kind.OUTPUT and config.pool == "mean_of_norm":
        # Each row is added up; the product, with the last, is spread over them.
        whole = 15 * share.view + product(1, stride, outputs, store)
        return produce, consume + count * (6 * share.view + whole / config.tokens)
    each = {n: product(n, stride, outputs, store) for n in {blocks[0], blocks[-1]}}
    if kind == Kind.ATTENTION:
        for first, height in zip(rows[::block_rows], blocks, strict=True):
            read = first < queries.stop and queries.start < first + height
            consume += own * (120 + (3 if read else 2) * each[height])
        if heads_per_pass:
            consume += attention(queries)
    else:
        consume += sum(60 + each[height] for height in blocks)
    if share.embedded:
        consume += rows_of(share.outputs, share.embedded, blocks, _STORE[kind])
    return produce, consume + linear(share.window, count * config.outputs / config.tokens_in)


def rows_of(columns: int, outputs: int, blocks: Sequence[int], store: float) -> float:
    """Blocks of rows of a node's own int8 columns, unpacked and multiplied."""
    stride = -(-columns // 4) * 4
    unpacked = sum(blocks) * (105 + unpack(columns))
    return unpacked + sum(60 + product(n, stride, outputs, store) for n in blocks)


def linear(window: int, outputs: float) -> float:
    """A tile's share of the linear path's outputs."""
    if not window:
        return 0.0
    stride = -(-window // 4) * 4
    return unpack(window) + product(1, stride, 1, _STORE[Kind.OUTPUT]) * outputs


def node_instructions(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int
) -> float:
    """One inference of one node in which nothing is lost; of a stream its last step."""
    passes = plan.heads_per_pass[node] if plan.held else 0
    return sum(
        _gather_instructions(
            config, share(config, split, keep, g, node), queried(config, g),
            range(gather.row_begin, gather.row_begin + gather.rows), gather.tile_rows,
            plan.block_rows, passes,
        )
        for g, gather in enumerate(plan.gathers)
    )  # fmt: skip


def weights_read(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int
) -> int:
    """Bytes of weights that a node reads in one inference: those of a product, with what stands
    beside each output column, for every block of rows."""
    total = 0
    for g, gather in enumerate(plan.gathers):
        blocks = sum(tiles * -(-rows // plan.block_rows) for rows, tiles in gather.heights)
        view = view_width(config, split, keep, g, node)
        column = weight_bytes(config, g, view) + scale_bytes(config, g, view) + CHANNEL.itemsize
        total += blocks * product_width(config, split, g, node) * column
        if gather_kind(config, g)[0] == Kind.INPUT:
            total += blocks * local_bytes(config, split, node)
    return total + linear_bytes(config, split, node)


def local_bytes(config: ModelConfig, split: SplitConfig, node: int) -> int:
    """Weights of a node's stem, or of the second product of its embedding, with what stands beside
    each output column."""
    columns = split.embed_hidden(config)[node]
    outputs = split.heads[node] * config.head_width
    if not columns:
        return 0
    if config.stem:
        columns, outputs = split.inputs[node], columns
    return outputs * (-(-columns // 4) * 4 + CHANNEL.itemsize)


def linear_bytes(config: ModelConfig, split: SplitConfig, node: int) -> int:
    """Weights of a node's linear path, with what stands beside each output column."""
    if not config.linear or node != split.holder(config):
        return 0
    return config.outputs * (-(-config.window // 4) * 4 + CHANNEL.itemsize)


@lru_cache(maxsize=4096)
def _gather_instructions(
    config: ModelConfig,
    share: Share,
    queries: range,
    rows: range,
    tile_rows: int,
    block_rows: int,
    heads_per_pass: int,
) -> float:
    """All exchanges of a gather of these residual rows; nodes of the same share take the same."""
    tiles = [rows[first : first + tile_rows] for first in range(0, len(rows), tile_rows)]
    alike = not config.causal and len(queries) == config.tokens
    times = Counter(range(len(tile)) if alike else tile for tile in tiles)
    return sum(
        count
        * sum(
            exchange(
                config, share, tile, block_rows=block_rows, heads_per_pass=heads_per_pass,
                queries=queries,
            )
        )
        for tile, count in times.items()
    )  # fmt: skip
