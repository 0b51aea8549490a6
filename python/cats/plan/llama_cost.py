# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of a step of a Llama model, one row: DSP kernels, CONFIG_CATS_FAST_ROW.

Beside what ``cats.plan.cost`` has; fitted to ``tests/benchmarks/m4/recorded.json``, to which
``tests/python/plan/test_llama_cost.py`` holds it.
"""

from __future__ import annotations

from functools import lru_cache

from cats.plan.cost import Share, softmax, unpack, unpack_residual, weigh
from cats.shape.config import ModelConfig
from cats.shape.image_layout import SCALE_GROUP, WORD_COLUMNS
from cats.shape.partition import NORMED, Kind

#: What an output takes more to store where it is int16: most are.
_INT16 = 10.9


def product_of_row(stride: int, outputs: int, store: float = 0.0) -> float:
    """One ``cats_multiply()`` of a row (row_dsp.S); what it stores as int8 is included."""
    return 60 + outputs * (9.6 + store + 1.18 * stride)


def four_bits_of_row(view: int, outputs: int) -> float:
    """The same with weights of four bits (four_bits_dsp.S)."""
    groups, rest = divmod(-(-view // WORD_COLUMNS), SCALE_GROUP // WORD_COLUMNS)
    return 60 + outputs * (21.1 + 44 * groups + (4 + 13 * rest if rest else 0))


def rms_norm(columns: int) -> float:
    """One row."""
    return 90 + 17.01 * columns


def score_turned(width: int, n: int, wide: bool) -> float:
    """One turned query times n keys of one byte or two."""
    return 20 + n * (12 + 1.75 * width if wide else max(24.5, 10 + 1.28 * width))


def gate(columns: int) -> float:
    """Hidden columns of gates and ups."""
    return 30 + 17.0 * columns


def angles(pairs: int) -> float:
    """Cosine and sine for each."""
    return 12 + 55.0 * pairs


def turn(columns: int) -> float:
    """A query, or a wide key."""
    return 13 + 6.0 * columns


@lru_cache(maxsize=4096)
def exchange(config: ModelConfig, share: Share) -> tuple[float, float]:
    """(produce, consume) of an exchange, in a step whose window is full."""
    kind, width, rows = share.kind, config.head_width, config.context
    own = share.heads * width
    residual = kind in (Kind.ATTENTION, Kind.FORWARD)
    tables = 60.0 * share.residual * config.layer_tables  # added to the residual
    produce = 150.0
    if residual or share.sent != share.view - share.kept:  # else it stands there as it is sent
        produce += 83 + share.sent * (8.2 if residual else 4.3)
    if kind == Kind.INPUT:
        if config.sends_rows and config.tied and not config.layer_tables:
            produce += 12.0 * config.features  # a row out of weights
        return produce, 80.0 + 57 * share.residual + tables
    if kind == Kind.RESULT:
        return produce, 400 + 190.0 * share.nodes + 10 * config.outputs
    if kind == (Kind.HIDDEN if config.parallel_blocks else Kind.HEADS):
        scores = score_turned(width, rows, config.wide_keys)
        produce += 60 + share.heads * (110 + scores + softmax(rows) + weigh(width, rows))
    elif kind == Kind.OUTPUT:
        produce += 30 * share.residual
    if not share.outputs:
        return produce, 80.0
    consume = 240.0 + 60 * (share.nodes - 1) + share.others * unpack(0)
    consume += share.kept * (unpack(1) - unpack(0))
    mine = share.view - share.kept
    consume += unpack_residual(mine) if residual else unpack(mine)
    if kind in NORMED:
        consume += 15 + rms_norm(share.view)
    if share.four_bits:
        consume += four_bits_of_row(share.view, share.outputs)
    else:
        consume += product_of_row(-(-share.view // 4) * 4, share.outputs, _INT16)
    if kind == Kind.ATTENTION:
        keys = (share.outputs - own) // 2 - share.beside
        heads = (own + keys) // width
        consume += angles(width // 2) + heads * turn(width) + keys // width * (60 + width)
        consume += gate(share.beside) if share.beside else 0
    elif kind == Kind.FORWARD:
        consume += gate(share.outputs // 2)
    elif kind == Kind.HIDDEN:
        consume += tables
    return produce, consume
