# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of the engine with its DSP kernels, from sizes alone.

The inner loops are assembly (``subsys/cats/engine/sum_dsp.S``, ``dot_dsp.S``), so theirs are exact;
what surrounds them is fitted to ``bench/m4/recorded.json``. ``tests/python/test_cost.py`` compares
with what QEMU counted: products within 1 %, whole inferences within 5 %.
"""

from __future__ import annotations

from cats.config import ModelConfig, SplitConfig
from cats.partition import KeepSets, Kind, gather_kind
from cats.plan import Plan
from cats.planner import NORMED, product_width, view_width

#: sum_dsp.S: instructions of eight columns, and of four at the end, by rows of a block.
_EIGHT = {1: 10, 2: 15, 3: 21, 4: 25}
_FOUR = {1: 9, 2: 11, 3: 14, 4: 16}

#: product_dsp.c: requantising and storing the (up to four) sums of one output, by what follows.
_STORE = {
    Kind.INPUT: 42.6,
    Kind.ATTENTION: 30.3,
    Kind.HEADS: 43.8,
    Kind.FORWARD: 42.6,  # GELU's table; ReLU 30.3
    Kind.HIDDEN: 43.8,
    Kind.OUTPUT: 50.1,
}
_RELU = 30.3


def product(rows: int, stride: int, outputs: int, store: float) -> float:
    """One ``cats_multiply()``: a block of 1 to 4 rows of ``stride`` columns."""
    rounds, fours = divmod(stride, 32)
    each = rounds * (4 * _EIGHT[rows] + 3) + (2 if rounds else 3) + fours // 4 * _FOUR[rows]
    return 38 + 3.8 * -(-outputs // 8) + outputs * (each + 7 + rows + store)


def unpack(columns: int) -> float:
    """int8 columns of one source into a row, and finding them."""
    return 49 + 2.5 * columns


def unpack_residual(columns: int) -> float:
    """Own columns of the residual, requantised, into a row."""
    return 40 + 6.5 * columns


def norm(columns: int) -> float:
    """One row."""
    return 100 + 12 * columns


def score(width: int, n: int) -> float:
    """One query times n keys."""
    if width == 8:
        return 80 + 11.5 * n
    if width % 4 or width > 64:
        return 40 + n * (18 + width // 4 * 9 + width % 4 * 6)
    return 32 + 2 * width + -(-n // 2) * _two_rows(width)


def softmax(n: int) -> float:
    """n scores to weights, and the division."""
    return 60 + 10.7 * n


def weigh(width: int, n: int) -> float:
    """n weights times values, ``width`` columns."""
    pairs = width // 2 + width % 2
    return 31 + 54 * -(-width // 16) + 5.5 * width + pairs * _two_rows(-(-n // 4) * 4)


def _two_rows(columns: int) -> float:
    """dot_dsp.S: two rows of a multiple of four columns."""
    sixteens, rest = divmod(columns, 16)
    return 18 + 40 * sixteens + 14 * (rest // 4)


def attend(width: int, n: int) -> float:
    """One row of one head over n tokens."""
    return 25 + score(width, n) + softmax(n) + weigh(width, n)


def exchange(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    rows: range,
    node: int,
    *,
    block_rows: int,
    held: bool,
    heads_per_pass: int,
    queries: range,
) -> tuple[float, float]:
    """(produce and fill, consume) of an exchange of these residual rows. ``queries``: of ATTENTION,
    the rows that the HEADS gather behind it moves; no query is computed for others."""
    kind, _ = gather_kind(config, g)
    own, width, n = split.heads[node], config.head_width, config.tokens
    view = view_width(config, split, keep, g, node)
    outputs = product_width(config, split, g, node)
    stride = -(-view // 4) * 4
    sent = 0 if split.nodes == 1 else len(keep[g][node])
    count = len(rows)

    def attention(of: range) -> float:
        each = (attend(width, row + 1 if config.causal else n) for row in of)
        return 60.0 * len(of) + own * sum(each)

    int8 = kind in (Kind.INPUT, Kind.HEADS, Kind.HIDDEN)
    produce = 220.0 + count * sent * (18 if int8 else 37.5)
    if kind == Kind.HEADS and not held:
        produce += attention(rows)
    elif kind == Kind.OUTPUT:
        produce += count * own * width * (6.6 * n if config.pool == "mean" else 30)
    if kind == Kind.RESULT:
        return produce, 400 + 190.0 * split.nodes + 25 * (count - 1) * config.outputs
    if outputs == 0:
        return produce, 80.0

    others = [k for s, k in enumerate(keep[g]) if s != node and k]
    kept = sum(map(len, others))
    row = 105.0 + sum(unpack(len(k)) for k in others)
    if kind in (Kind.ATTENTION, Kind.FORWARD):
        row += unpack_residual(view - kept)
    elif view > kept:
        row += unpack(view - kept)
    if kind in NORMED:
        row += 15 + norm(view)

    store = _RELU if kind == Kind.FORWARD and config.activation == "relu" else _STORE[kind]
    passes = -(-own // heads_per_pass) if held and kind == Kind.ATTENTION else 1
    consume = 120.0 + 60 * (split.nodes - 1) + passes * count * row
    for begin in range(0, count, block_rows):
        block = rows[begin : begin + block_rows]
        if kind == Kind.ATTENTION:
            read = block[0] < queries.stop and queries.start <= block[-1]
            each = product(len(block), stride, width, store)
            consume += own * (120 + (3 if read else 2) * each)
        else:
            consume += 60 + product(len(block), stride, outputs, store)
    if kind == Kind.ATTENTION and held:
        consume += attention(queries)
    return produce, consume


def node_instructions(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int
) -> float:
    """One inference of one node in which nothing is lost."""
    total = 0.0
    for g, gather in enumerate(plan.gathers):
        after = plan.gathers[min(g + 1, len(plan.gathers) - 1)]
        for tile in range(gather.tiles):
            first = gather.row_begin + tile * gather.tile_rows
            total += sum(
                exchange(
                    config, split, keep, g, range(first, first + gather.tile_height(tile)), node,
                    block_rows=plan.block_rows, held=plan.held,
                    heads_per_pass=plan.heads_per_pass[node],
                    queries=range(after.row_begin, after.row_begin + after.rows),
                )
            )  # fmt: skip
    return total
