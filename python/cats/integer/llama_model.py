# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The quantised model of the Llama family as a whole. doc/numerics-llama.rst says what each number
does; llama_quantize.py makes it, llama.py runs it.

Letters as in ``cats.integer.reference``; T tokens of the vocabulary, G key/value heads.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.four_bits import HIGHEST, LOWEST, MAX_SCALE, groups
from cats.integer.model import Product, check_array, check_number, check_product
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    KeepSets,
    Kind,
    check_keep,
    gather_width,
    hidden_ranges,
    key_heads,
    output_ranges,
    own_ranges,
    residual_ranges,
)

#: How one comes by a model of this family, and what is said of an option that others do not have.
LLAMA_HOW = (
    "'cats import' one, or train one with --task text --norm rms --position rotary --feed-forward "
    "gated --activation silu --no-bias"
)
LLAMA_ONLY = f"for models of the Llama family: {LLAMA_HOW}"
#: Largest exponent of a residual column's scale.
MAX_EXPONENT = 3
#: Widest head whose scores fit 32 bits with wide keys.
MAX_WIDE_HEAD = 128
#: Most columns behind a norm whose sums fit 32 bits with weights of four bits.
MAX_FOUR_BITS = 1024
#: Products of a block, and of a parallel one, in running order.
PARTS, PARALLEL_PARTS = ("qkv", "out", "up", "down"), ("qkv", "down")
#: Bytes of gather INPUT in front of a token's row: its multiplier.
MULTIPLIER_BYTES = 4


@dataclass(frozen=True)
class FourBitProduct(Product):
    """One whose weights are -8..7, with scales int8 [groups, O]: ``cats.integer.four_bits``."""

    scale: np.ndarray


@dataclass(frozen=True)
class RmsNorm:
    """The residual as a gather carries it, and its norm: gain int16 [F], Q5 of the output's step;
    epsilon Q16 of the square of the gather's."""

    gain: np.ndarray
    epsilon: int
    send_multiplier: int
    send_shift: int


@dataclass(frozen=True)
class Block:
    """One block. Output columns of ``qkv`` are all queries (F), all keys (G E), all values, head by
    head inside each; those of ``up`` the M gates, then the M that they are of. table: int16 [257].

    A parallel one has no ``out``, ``norm2`` and ``up``: the columns of ``up`` stand behind the
    others of ``qkv``, and what ``down`` reads is as gather HIDDEN has it.
    """

    norm1: RmsNorm
    qkv: Product
    score_multiplier: int
    value_multiplier: int
    value_shift: int
    out: Product | None
    norm2: RmsNorm | None
    up: Product | None
    table: np.ndarray
    hidden_multiplier: int
    hidden_shift: int
    down: Product


@dataclass(frozen=True)
class LlamaModel:
    """The deployment without its plan.

    ``rows`` int8 [T, F] and ``multiplier`` int32 [T] are the embedding's, with ``embed_shift``;
    ``exponent`` int8 [F] of the residual's columns; ``turn`` uint32 [E / 2]: by how much a row
    turns each pair of columns, in 2^-32 of a turn. A tied ``head`` is those rows and multipliers
    with a shift of its own. Real outputs are int16 * output_scale. With ``layer_tables`` of the
    shape: ``tables`` int8 [L, T, F] and ``table_multiplier`` int32 [L, T], as the embedding's.
    """

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    rows: np.ndarray
    multiplier: np.ndarray
    embed_shift: int
    exponent: np.ndarray
    turn: np.ndarray
    wide_keys: bool
    blocks: tuple[Block, ...]
    norm: RmsNorm
    head: Product
    output_scale: float
    tables: np.ndarray | None = None
    table_multiplier: np.ndarray | None = None


def token_rows(model: LlamaModel, tokens: np.ndarray) -> np.ndarray:
    """The row of each token [...], as its owner sends it: uint8 [..., bytes of a row]."""
    multipliers, columns = model.multiplier[tokens][None], model.rows[tokens][None]
    if model.tables is not None:
        multipliers = np.concatenate((multipliers, model.table_multiplier[:, tokens]))
        columns = np.concatenate((columns, model.tables[:, tokens]))
    first = multipliers.astype("<i4")[..., None].view(np.uint8)
    parts = np.concatenate((first, columns.view(np.uint8)), -1)  # [P, ..., 4 + F]
    return np.moveaxis(parts, 0, -2).reshape(*np.shape(tokens), model.config.row_bytes)


def parts_of(config: ModelConfig) -> tuple[str, ...]:
    """Names of a block's products, in running order."""
    return PARALLEL_PARTS if config.parallel_blocks else PARTS


def check_config(config: ModelConfig) -> None:
    """Raise CatsError unless it is of the family that has these integers."""
    config.check()
    lacking = [
        what
        for what, there in {
            "RMS norms": config.norm == "rms",
            "rotary positions": config.position == "rotary",
            "a gated feed-forward": config.feed_forward == "gated",
            "products without biases": not config.bias,
            "a vocabulary": config.vocabulary,
            "a causal mask": config.causal,
            "pool 'all'": config.pool == "all",
            "as many outputs as tokens": config.inputs == config.outputs,
        }.items()
        if not there
    ]
    if lacking:
        raise CatsError(
            f"integers of the Llama family are of models with {', '.join(lacking)}: {LLAMA_HOW}"
        )


def columns_of(config: ModelConfig, split: SplitConfig, kind: Kind, d: int) -> np.ndarray:
    """Output columns that node d computes of the product behind such a gather, in its order."""
    if kind == Kind.OUTPUT:
        return np.arange(*output_ranges(split)[d])
    if kind in (Kind.HEADS, Kind.HIDDEN):
        return np.arange(*residual_ranges(config, split)[d])
    mine = np.arange(*own_ranges(config, split, Kind.HEADS)[d])
    hidden = np.arange(*hidden_ranges(config, split)[d])
    up = np.concatenate((hidden, hidden + config.hidden))
    if kind == Kind.FORWARD:
        return up
    begin, end = key_heads(config, split)[d]
    count = config.key_heads * config.head_width
    keys = np.arange(begin * config.head_width, end * config.head_width) + config.features
    qkv = np.concatenate((mine, keys, keys + count))
    if not config.parallel_blocks:
        return qkv
    return np.concatenate((qkv, up + config.features + 2 * count))


def key_copies(config: ModelConfig, split: SplitConfig) -> tuple[list[tuple[int, int]], list[int]]:
    """(node, key/value head) of each copy of these, node by node; and for each head of the model
    the copy that it attends over."""
    ranges = key_heads(config, split)
    copies = [(d, head) for d, (begin, end) in enumerate(ranges) for head in range(begin, end)]
    shared = config.heads // config.key_heads
    owner = np.repeat(np.arange(split.nodes), split.heads)
    return copies, [copies.index((int(owner[h]), h // shared)) for h in range(config.heads)]


def product_of(model: LlamaModel, name: str) -> Product:
    """The product of that name: ``blocks.0.up``, or ``head``."""
    if name == "head":
        return model.head
    _, b, part = name.split(".")
    return getattr(model.blocks[int(b)], part)


def with_products(model: LlamaModel, other: LlamaModel, names: Collection[str]) -> LlamaModel:
    """``model`` with some products of ``other``, which has the same scales."""
    blocks = [
        dataclasses.replace(
            block,
            **{
                part: product_of(other, f"blocks.{b}.{part}")
                for part in parts_of(model.config)
                if f"blocks.{b}.{part}" in names
            },
        )
        for b, block in enumerate(model.blocks)
    ]
    head = other.head if "head" in names else model.head
    return dataclasses.replace(model, blocks=tuple(blocks), head=head)


def check_llama(model: LlamaModel) -> None:
    """Raise CatsError unless every number is in the range that doc/numerics-llama.rst proves
    safe."""
    config = model.config
    check_config(config)
    model.split.check(config)
    check_keep(config, model.split, model.keep)
    features, keys = config.features, config.key_heads * config.head_width
    check_array("rows", model.rows, np.int8, (config.inputs, features), low=-127)
    check_array("multiplier", model.multiplier, np.int32, (config.inputs,), low=1)
    check_number("embed_shift", model.embed_shift, 1, 62 - MAX_EXPONENT)
    if (model.tables is None) == config.layer_tables or (
        (model.tables is None) != (model.table_multiplier is None)
    ):
        raise CatsError("tables contradict whether the model has embeddings of each block")
    if model.tables is not None:
        shape = config.blocks, config.inputs
        check_array("tables", model.tables, np.int8, (*shape, features), low=-127)
        check_array("table_multiplier", model.table_multiplier, np.int32, shape, low=1)
    check_array("exponent", model.exponent, np.int8, (features,), 0, MAX_EXPONENT)
    if int((4 ** model.exponent.astype(np.int64)).sum()) << 14 >= 1 << 32:
        raise CatsError("exponents of the residual are so large that a norm's sum leaves 32 bits")
    check_array("turn", model.turn, np.uint32, (config.head_width // 2,))
    if model.wide_keys and config.head_width > MAX_WIDE_HEAD:
        raise CatsError(f"wide keys of {config.head_width} columns: at most {MAX_WIDE_HEAD}")
    if not (math.isfinite(model.output_scale) and np.float32(model.output_scale) > 0):
        raise CatsError(f"output_scale is {model.output_scale}: it must be positive")
    if len(model.blocks) != config.blocks:
        raise CatsError(f"{len(model.blocks)} blocks, the model has {config.blocks}")
    parallel = 2 * config.hidden if config.parallel_blocks else 0
    shapes = {
        "qkv": (features, features + 2 * keys + parallel, True),
        "out": (features, features, False),
        "up": (features, 2 * config.hidden, True),
        "down": (gather_width(config, Kind.HIDDEN), features, False),
    }
    for b, block in enumerate(model.blocks):
        try:
            _check_norm(block.norm1, features)
            if block.norm2 is not None:
                _check_norm(block.norm2, features)
            for name, shape in shapes.items():
                product = getattr(block, name)
                if (product is None) != (name not in parts_of(config)):
                    raise CatsError(f"{name} contradicts whether blocks are parallel")
                if product is not None:
                    _check_biasless(product, *shape)
            if (block.norm2 is None) != config.parallel_blocks:
                raise CatsError("norm2 contradicts whether blocks are parallel")
            check_array("table", block.table, np.int16, (257,))
            check_number("score_multiplier", block.score_multiplier, 0, 2**32 - 1)
            for name in ("value", "hidden"):
                multiplier = getattr(block, f"{name}_multiplier")
                check_number(f"{name}_multiplier", multiplier, 2**30, 2**31 - 1)
                check_number(f"{name}_shift", getattr(block, f"{name}_shift"), 1, 62)
        except CatsError as error:
            raise CatsError(f"block {b}: {error}") from None
    _check_norm(model.norm, features)
    _check_biasless(model.head, features, config.outputs, True)
    if config.tied and not (
        np.array_equal(model.head.weight, model.rows.T)
        and np.array_equal(model.head.multiplier, model.multiplier)
    ):
        raise CatsError("a tied head has the embedding's rows and multipliers")


def _check_norm(norm: RmsNorm, features: int) -> None:
    check_array("gain", norm.gain, np.int16, (features,))
    check_number("epsilon", norm.epsilon, 0, 2**32 - 1)
    check_number("send_multiplier", norm.send_multiplier, 1, 2**31 - 1)
    check_number("send_shift", norm.send_shift, 1, 62)


def _check_biasless(product: Product, inputs: int, outputs: int, normed: bool) -> None:
    check_product(product, inputs, outputs)
    if isinstance(product, FourBitProduct):
        check_array("four bits", product.weight, np.int8, (inputs, outputs), LOWEST, HIGHEST)
        check_array("scale", product.scale, np.int8, (groups(inputs), outputs), -MAX_SCALE)
        if normed and inputs > MAX_FOUR_BITS:
            raise CatsError(
                f"weights of four bits behind a norm of {inputs} columns: at most {MAX_FOUR_BITS}"
            )
    if product.bias.any():
        raise CatsError("products of this family have no bias")
