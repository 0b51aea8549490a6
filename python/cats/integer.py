# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The quantised model as a whole, before it is cut into partitions. doc/numerics.rst says what each
number does; quantize.py makes it, reference.py runs it, image.py packs a node's share of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cats.config import ModelConfig, SplitConfig
from cats.errors import CatsError
from cats.partition import KeepSets


@dataclass(frozen=True)
class Product:
    """``out[o] = rq(bias[o] + sum_j y[j] weight[j, o], multiplier[o], shift)``.

    weight int8 [columns of the gathered tensor, output columns], bias int32 [outputs],
    multiplier int32 [outputs] (1..2^31-1), shift 1..62. The output columns of an ATTENTION step are
    all q (F), then all k (F), then all v (F), head by head inside each.
    """

    weight: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: int


@dataclass(frozen=True)
class Norm:
    """gain and bias int16 [columns] in Q8 of the output step; epsilon: Q16, see norm_epsilon."""

    gain: np.ndarray
    bias: np.ndarray
    epsilon: int


@dataclass(frozen=True)
class Step:
    """What one gather carries and what consumes it; fields that do not apply are None or 0.

    table: INPUT int16 [N, F]; FORWARD int8 [256] for GELU, None for ReLU.
    """

    product: Product | None = None
    norm: Norm | None = None
    table: np.ndarray | None = None
    send_multiplier: int = 0
    send_shift: int = 0
    score_multiplier: int = 0
    value_multiplier: int = 0
    value_shift: int = 0


@dataclass(frozen=True)
class IntegerModel:
    """The deployment without its plan: ``steps[g]`` for each gather g (RESULT's is empty).

    Real values: input = int8 * input_scale, output = int16 * output_scale.
    """

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    input_scale: float
    output_scale: float
    steps: tuple[Step, ...]


#: Largest |bias| of a product: with 4096 columns of 127 * 128 the sum then fits int32.
MAX_BIAS = 1 << 30


def fixed_point(factors: np.ndarray) -> tuple[np.ndarray, int]:
    """Real factors > 0 as ``multiplier * 2^-shift``: (int32 of the same shape, one shift).

    The shift is the largest that keeps the largest multiplier below 2^31, at most 62; a factor that
    is too small beside the largest becomes multiplier 1.
    """
    factors = np.asarray(factors, np.float64)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise CatsError("a scale ratio is not a positive number: are parameters or inputs damaged?")
    largest = float(factors.max())
    shift = min(31 - math.frexp(largest)[1], 62)  # largest * 2^shift in [2^30, 2^31)
    if np.rint(math.ldexp(largest, shift)) >= 2**31:
        shift -= 1
    if shift < 1:
        raise CatsError(f"a scale ratio of {largest:g} is beyond 2^30: are parameters damaged?")
    multiplier = np.maximum(np.rint(np.ldexp(factors, shift)), 1)
    return multiplier.astype(np.int32), shift
