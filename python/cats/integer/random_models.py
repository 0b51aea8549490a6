# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random integer models and inputs, for a run without a task, for tests and benchmarks.

Draws come from ``numpy.random.RandomState``, whose stream is frozen, and are whole numbers, so that
a seed gives the same model everywhere and for ever.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from cats.integer.model import (
    MAX_BIAS,
    IntegerModel,
    Norm,
    Product,
    Step,
    embed_out_blocks,
    fixed_point,
    product_outputs,
    stem_blocks,
)
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    PRUNABLE,
    KeepSets,
    Kind,
    full_keep,
    gather_count,
    gather_kind,
    gather_width,
    own_ranges,
)

#: Typical size (standard deviation) of a random model's tensors, in their integers.
_INT8, _RESIDUAL, _OUTPUT = 40, 3000, 8000


def _random(seed: int) -> np.random.RandomState:
    """Of a seed of up to 64 bits."""
    return np.random.RandomState(seed if seed < 2**32 else [seed % 2**32, seed >> 32])


def random_split(seed: int, config: ModelConfig, nodes: int) -> SplitConfig:
    """An uneven split; inputs and outputs may leave nodes with nothing. With a linear path some
    node has all of both."""
    rng = _random(seed)

    def cut(total: int, least: int) -> tuple[int, ...]:
        free = total - least * nodes
        marks = np.sort(rng.randint(0, free + 1, nodes - 1))
        parts = np.diff(np.concatenate(([0], marks, [free]))) + least
        return tuple(int(part) for part in parts)

    split = SplitConfig(
        heads=cut(config.heads, 1),
        hidden=cut(config.hidden, 1),
        outputs=cut(config.outputs, 0),
        inputs=cut(config.inputs, 0),
    )
    if config.linear:
        holder = np.eye(nodes, dtype=int)[rng.randint(nodes)]
        outputs, inputs = (tuple((n * holder).tolist()) for n in (config.outputs, config.inputs))
        split = dataclasses.replace(split, outputs=outputs, inputs=inputs)
    return split


def random_keep(
    seed: int, config: ModelConfig, split: SplitConfig, ratio: float, empty: float = 0.0
) -> KeepSets:
    """Each source keeps about ``ratio`` of its columns, at least one, in each prunable gather; but
    nothing is kept in about ``empty`` of these gathers, and by half as many sources of the rest."""
    rng, empties = _random(seed), _random(seed + 1)
    keep = full_keep(config, split)
    for g, sources in enumerate(keep):
        if gather_kind(config, g)[0] not in PRUNABLE:
            continue
        for s, columns in enumerate(sources):
            count = max(1, round(ratio * len(columns)))
            sources[s] = tuple(sorted(rng.permutation(columns)[:count].tolist()))
        if empty:
            none = empties.random_sample() < empty
            drawn = empties.random_sample(len(sources)) < empty / 2
            keep[g] = [() if none or drawn[s] else columns for s, columns in enumerate(sources)]
    return keep


def random_inputs(seed: int, config: ModelConfig, samples: int = 1) -> np.ndarray:
    """int8 [samples, tokens_in, P], all 256 values; of a model that is given tokens' numbers, the
    bytes of these."""
    if config.by_token or config.is_llama:
        tokens = _random(seed).randint(config.inputs, size=(samples, config.tokens_in, 1))
        return tokens.astype("<u4").view(np.int8)
    shape = (samples, config.tokens_in, config.inputs)
    return _random(seed).randint(-128, 128, shape).astype(np.int8)


def random_model(
    seed: int,
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets | None = None,
    wild: bool = False,
) -> IntegerModel:
    """An integer model of random weights whose tensors use their ranges and saturate now and then.

    ``wild``: legal but extreme numbers instead (weights of -127 and 127, large biases, gains of
    both ends, multipliers and shifts over their whole range, epsilon 0 and 2^32 - 1); much of what
    they give saturates or vanishes.
    """
    config.check()
    split.check(config)
    keep = full_keep(config, split) if keep is None else keep
    steps = tuple(
        _random_step(np.random.RandomState([seed, g]), config, split, keep, g, wild)
        for g in range(gather_count(config))
    )
    linear = None
    if config.linear:
        rng = np.random.RandomState([seed, len(steps)])
        typical = math.sqrt(config.window) * 74 * 73
        linear = _random_product(
            rng, config.window, config.outputs, Kind.OUTPUT, _OUTPUT / typical, typical, wild
        )
    embed_out = stem = None
    if config.stem:
        rng = np.random.RandomState([seed, len(steps) + 2])
        typical = math.sqrt(max(split.inputs)) * 74 * 73
        shape = config.inputs, config.embed_hidden
        stem = _random_product(rng, *shape, Kind.FORWARD, _INT8 / typical, typical, wild)
        own = np.where(stem_blocks(config, split), stem.weight, 0).astype(np.int8)
        stem = dataclasses.replace(stem, weight=own)
    if config.embed_layers == 2:
        rng = np.random.RandomState([seed, len(steps) + 1])
        columns = max(split.embed_hidden(config))
        typical = math.sqrt(columns) * 25 * 73
        shape = config.embed_hidden, config.features
        embed_out = _random_product(rng, *shape, Kind.INPUT, _RESIDUAL / typical, typical, wild)
        own = np.where(embed_out_blocks(config, split), embed_out.weight, 0).astype(np.int8)
        embed_out = dataclasses.replace(embed_out, weight=own)
    return IntegerModel(
        config, split, keep, 1 / 64, 1 / 4096, steps, linear=linear, embed_out=embed_out, stem=stem
    )


def _random_step(
    rng: np.random.RandomState,
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    wild: bool,
) -> Step:
    kind, block = gather_kind(config, g)
    if kind == Kind.RESULT:
        return Step()
    fields: dict = {}
    width = gather_width(config, kind)
    outputs = product_outputs(config, kind)

    # The largest view of any node, for the size of the sums.
    kept = sum(len(columns) for columns in keep[g])
    ranges = own_ranges(config, split, kind)
    view = max(
        kept + end - begin - len(own) for (begin, end), own in zip(ranges, keep[g], strict=True)
    )
    target = {
        Kind.INPUT: _RESIDUAL,
        Kind.HEADS: _RESIDUAL / 2,
        Kind.HIDDEN: _RESIDUAL / 2,
        Kind.OUTPUT: _OUTPUT,
    }.get(kind, _INT8)
    given = 25 if config.stem else 74
    size = {Kind.INPUT: given, Kind.HIDDEN: 25}.get(kind, _INT8)
    typical = math.sqrt(max(view, 1)) * size * 73  # 73: of a weight uniform in -127..127
    hides = kind == Kind.INPUT and config.embed_layers == 2  # what follows is as behind FORWARD
    fields["product"] = _random_product(
        rng, width, outputs, Kind.FORWARD if hides else kind,
        (_INT8 if hides else target) / typical, typical, wild,
    )  # fmt: skip

    if kind == Kind.INPUT:
        size = 20000 if wild else _RESIDUAL
        table = rng.randint(-2 * size, 2 * size + 1, (config.tokens, config.features))
        fields["table"] = np.clip(table, -32768, 32767).astype(np.int16)
    if kind == Kind.FORWARD and config.activation == "gelu":
        fields["table"] = _random_table(rng, wild)
    if kind in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT):
        fields["norm"] = _random_norm(rng, config.features, wild)
        factor = _INT8 / (_RESIDUAL * math.sqrt(1 + block / 2))
        if kind == Kind.OUTPUT and config.pool == "mean":
            factor /= config.tokens**0.75
        multiplier, shift = fixed_point(np.array([factor]))
        fields["send_multiplier"] = int(multiplier[0])
        fields["send_shift"] = shift
        if wild:
            fields["send_multiplier"] = int(rng.randint(1, 1 << 31))
            fields["send_shift"] = int(rng.randint(24, 45))
    if kind == Kind.OUTPUT and config.pool == "mean_of_norm":
        multiplier, shift = fixed_point(np.array([1 / config.tokens**0.75]))
        fields["value_multiplier"], fields["value_shift"] = int(multiplier[0]), shift
        if wild:
            fields["value_shift"] = int(rng.choice([1, 24, 30, 33, 37, 62]))
    if kind == Kind.HEADS:
        score = 512 / (math.sqrt(config.head_width) * _INT8 * _INT8)  # one sigma: two log2 units
        fields["score_multiplier"] = int(2.0**32 * min(score, 0.99))
        fields["value_multiplier"] = int(rng.randint(1 << 30, 1 << 31))
        fields["value_shift"] = 44 if config.tokens < 64 else 43
        if wild:
            fields["score_multiplier"] = int(rng.randint(0, 1 << 32)) >> int(rng.randint(0, 33))
            fields["value_shift"] = int(rng.choice([1, 30, 43, 44, 45, 50, 62]))
    return Step(**fields)


def _random_product(
    rng: np.random.RandomState,
    width: int,
    outputs: int,
    kind: Kind,
    factor: float,
    typical: float,
    wild: bool,
) -> Product:
    weight = rng.randint(-127, 128, (width, outputs))
    bias = rng.randint(-int(typical), int(typical) + 1, outputs)
    columns = factor * rng.randint(512, 1025, outputs) / 1024
    multiplier, shift = fixed_point(columns)
    if wild:
        weight = np.where(rng.randint(0, 2, weight.shape), np.sign(weight) * 127, weight)
        bias = rng.randint(-MAX_BIAS, MAX_BIAS + 1, outputs) >> rng.randint(0, 31, outputs)
        multiplier = 1 + (rng.randint(0, (1 << 31) - 1, outputs) >> rng.randint(0, 31, outputs))
        shift = int(rng.randint(36, 47) if rng.randint(0, 3) else rng.choice([1, 2, 31, 32, 62]))
    if kind == Kind.INPUT:
        bias = np.zeros(outputs, int)
    return Product(
        weight.astype(np.int8), bias.astype(np.int32), multiplier.astype(np.int32), shift
    )


def _random_table(rng: np.random.RandomState, wild: bool) -> np.ndarray:
    """int8 [256]: about GELU over -4..4 with steps of 1/32, or anything."""
    if wild:
        return rng.randint(-128, 128, 256).astype(np.int8)
    x = np.arange(-128, 128) / 32
    erf = np.array([math.erf(v / math.sqrt(2)) for v in x])
    return np.rint(16 * x * (1 + erf)).astype(np.int8)


def _random_norm(rng: np.random.RandomState, columns: int, wild: bool) -> Norm:
    gain = rng.randint(6000, 12000, columns) * rng.choice([-1, 1, 1, 1], columns)
    bias = rng.randint(-4000, 4001, columns)
    epsilon = int(rng.randint(1, 2000))
    if wild:
        gain = rng.choice([-32768, -1, 0, 1, 300, 8192, 32767], columns)
        bias = rng.choice([-32768, -256, 0, 1, 32767], columns)
        epsilon = int(rng.choice([0, 1, 65536, (1 << 32) - 1]))
    return Norm(gain.astype(np.int16), bias.astype(np.int16), epsilon)
