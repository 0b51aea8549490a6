# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random integer models of the Llama family, for tests and benchmarks; draws as in
``random_models``."""

from __future__ import annotations

import math

import numpy as np

from cats.integer.four_bits import HIGHEST, LOWEST, MAX_SCALE, groups
from cats.integer.llama_model import Block, FourBitProduct, LlamaModel, RmsNorm
from cats.integer.model import Product, fixed_point
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, full_keep

#: Typical size (standard deviation) of tensors, in their integers.
_INT8, _INT16, _RESIDUAL, _OUTPUT = 40, 8000, 3000, 8000


def random_config(
    seed: int, parallel_blocks: bool = False, layer_tables: bool = False
) -> ModelConfig:
    """A small shape of the family."""
    rng = np.random.RandomState(seed)
    keys = int(rng.randint(1, 4))
    heads = keys * int(rng.randint(1, 4))
    tokens = int(rng.randint(2, 20))
    return ModelConfig(
        tokens_in=int(rng.randint(1, 9)), inputs=tokens, outputs=tokens,
        features=heads * 2 * int(rng.randint(1, 5)), heads=heads,
        hidden=int(rng.randint(heads, 30)),
        blocks=int(rng.randint(1, 3)), causal=True, activation="silu", pool="all", norm="rms",
        position="rotary", feed_forward="gated", kv_heads=keys, bias=False,
        tied=bool(rng.randint(2)), parallel_blocks=parallel_blocks,
        layer_tables=layer_tables, vocabulary=True,
    )  # fmt: skip


def random_llama(
    seed: int,
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets | None = None,
    wide_keys: bool = True,
    wild: bool = False,
    in_four_bits: float = 0.0,
) -> LlamaModel:
    """An integer model of random weights whose tensors use their ranges and saturate now and then;
    ``wild``: legal but extreme multipliers, gains and tables; ``in_four_bits``: of the products but
    a tied head that share, drawn, has weights of four bits."""
    rng = np.random.RandomState([seed, 18])
    drawn = np.random.RandomState([seed, 4])
    features, hidden, tokens = config.features, config.hidden, config.inputs

    def product(inputs: int, outputs: int, size: int, to: np.ndarray | float) -> Product:
        weight = rng.randint(-127, 128, (inputs, outputs)).astype(np.int8)
        zeros = np.zeros(outputs, np.int32)
        factor = to / (math.sqrt(inputs) * size * 73) * rng.randint(512, 1025, outputs) / 1024
        multiplier, shift = fixed_point(factor)
        if wild:
            multiplier = 1 + (rng.randint(0, (1 << 31) - 1, outputs) >> rng.randint(0, 31, outputs))
            multiplier, shift = (
                multiplier.astype(np.int32),
                int(rng.choice([1, 20, 31, 36, 40, 62])),
            )
        if drawn.random_sample() < in_four_bits:
            weight = rng.randint(LOWEST, HIGHEST + 1, weight.shape).astype(np.int8)
            scale = rng.randint(-MAX_SCALE, MAX_SCALE + 1, (groups(inputs), outputs))
            scale = scale.astype(np.int8)
            return FourBitProduct(weight, zeros, np.maximum(multiplier // 4, 1), shift, scale)
        return Product(weight, zeros, multiplier, shift)

    def norm() -> RmsNorm:
        gain = rng.randint(6000, 8500, features) * rng.choice([-1, 1, 1, 1], features)
        epsilon, factor = int(rng.randint(1, 2000)), _INT8 / _RESIDUAL / 2
        if wild:
            gain = rng.choice([-32768, -1, 0, 1, 300, 8192, 32767], features)
            epsilon = int(rng.choice([0, 1, 65536, (1 << 32) - 1]))
        multiplier, shift = fixed_point(np.array([factor]))
        return RmsNorm(gain.astype(np.int16), epsilon, int(multiplier[0]), shift)

    def block() -> Block:
        keys = config.key_heads * config.head_width
        qkv = np.repeat((_INT16, _INT16 / 2, _INT8), (features, keys, keys))
        x = np.arange(-128, 129) / 16
        table = np.rint(4000 * x / (1 + np.exp(-x))).astype(np.int16)
        if wild:
            table = rng.randint(-32768, 32768, 257).astype(np.int16)
        score = 2.0**32 * 256 * 2 / (math.sqrt(config.head_width) * 256 * _INT8)
        score = score / 16 if wide_keys else score
        value, value_shift = fixed_point(np.array([1.5]))
        factor, factor_shift = fixed_point(np.array([_INT8 / _INT16**2]))
        half = _RESIDUAL / 2
        if config.parallel_blocks:
            qkv = np.concatenate((qkv, np.full(2 * hidden, _INT16)))
            return Block(
                norm(), product(features, len(qkv), 170, qkv), int(score), int(value[0]),
                value_shift + 14, None, None, None, table, int(factor[0]), factor_shift,
                product(features + hidden, features, 30, half),
            )  # fmt: skip
        return Block(
            norm(), product(features, features + 2 * keys, 170, qkv), int(score),
            int(value[0]), value_shift + 14, product(features, features, _INT8, half), norm(),
            product(features, 2 * hidden, 170, _INT16), table, int(factor[0]), factor_shift,
            product(hidden, features, 25, half),
        )  # fmt: skip

    rows = rng.randint(-127, 128, (tokens, features)).astype(np.int8)
    multiplier, shift = fixed_point(_RESIDUAL / 73 * rng.randint(512, 1025, tokens) / 1024)
    if config.tied:
        power = round(math.log2(math.sqrt(features) * 170 * _RESIDUAL / _OUTPUT))
        head = Product(rows.T.copy(), np.zeros(tokens, np.int32), multiplier, shift + power)
    else:
        head = product(features, config.outputs, 170, _OUTPUT)
    tables = ()
    if config.layer_tables:
        of = np.random.RandomState([seed, 12])
        shape = config.blocks, tokens
        factors = multiplier[0] * of.randint(256, 1025, shape) / 4096
        columns = of.randint(-127, 128, (*shape, features)).astype(np.int8)
        tables = columns, np.maximum(factors, 1).astype(np.int32)
    turn = rng.randint(0, 1 << 32, config.head_width // 2, dtype=np.int64).astype(np.uint32)
    return LlamaModel(
        config, split, full_keep(config, split) if keep is None else keep, rows, multiplier, shift,
        rng.randint(0, 4, features).astype(np.int8), turn, wide_keys,
        tuple(block() for _ in range(config.blocks)), norm(), head, 1 / 1024, *tables,
    )  # fmt: skip
