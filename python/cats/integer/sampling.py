# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The next token by integers, from a shared seed, so that all nodes draw the same:
doc/numerics-llama.rst, "The next token"."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.reference import OUTPUT_MISSING, softmax

_MASK = (1 << 64) - 1
#: log2(e), Q32.
_LOG2_E = 6196328019
#: Bits of a multiplier: times a difference of 16 bits it fits an int64.
_MULTIPLIER_BITS = 47


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: ``multiplier`` of differences of logits, 0 for the likeliest token;
    of the ``top_k`` likeliest alone (0: of all); by ``seed``, 64 bits."""

    multiplier: int = 0
    top_k: int = 0
    seed: int = 0


def sampling(output_scale: float, temperature: float, top_k: int = 0, seed: int = 0) -> Sampling:
    """That of a model whose logits have this scale, at a temperature to the thousandth; CatsError
    where that is too low for the integers."""
    if temperature == 0:
        return Sampling()
    thousandths = round(1000 * temperature)
    multiplier = 0
    if thousandths > 0:
        mantissa, exponent = math.frexp(float(np.float32(output_scale)))
        product, shift = int(mantissa * 2**24) * _LOG2_E, 16 - exponent
        one = (product + (1 << shift >> 1)) >> shift if shift > 0 else 0
        multiplier = (1000 * one + thousandths // 2) // thousandths
    if not 0 < multiplier < 1 << _MULTIPLIER_BITS:
        raise CatsError(
            f"temperature {temperature:g} is beyond the integers: give one near 1, or 0"
        )
    return Sampling(multiplier, top_k, seed % 2**64)


def noise(seed: int, position: int) -> int:
    """32 bits of the token behind that position: SplitMix64 (Steele and others, OOPSLA 2014)."""
    z = (seed + (position + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 32


def choose(outputs: np.ndarray, position: int, how: Sampling) -> int:
    """The token behind ``position`` by a node's outputs int16 [T]; CatsError where none arrived."""
    tokens = np.flatnonzero(outputs != OUTPUT_MISSING)
    if not len(tokens):
        raise CatsError("no output arrived: nothing says which token is next")
    if not how.multiplier:
        return int(outputs.argmax())
    if 0 < how.top_k < len(tokens):
        best = np.argsort(-outputs[tokens].astype(np.int64), kind="stable")[: how.top_k]
        tokens = np.sort(tokens[best])
    logits = outputs[tokens].astype(np.int64)
    weights = softmax(logits, np.ones(len(logits), bool), how.multiplier)
    drawn = (noise(how.seed, position) * int(weights.sum())) >> 32
    return int(tokens[np.searchsorted(np.cumsum(weights), drawn, "right")])
