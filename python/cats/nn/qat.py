# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware training: the integer model's roundings inside the float model.

Every tensor that the integer model holds in 8 or 16 bits is rounded half up to its scale and
clamped; weights take one scale for each output column from the columns that are read, as
``cats.integer.quantize`` does. Gradients pass a rounding as if it were not there, and stop at a
clamp. What is left out is small beside it: the softmax's table, the bits of multipliers, of biases
and of a norm's gain (``doc/numerics.rst`` bounds them).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.integer.model import MAX_BIAS
from cats.integer.quantize import Scales
from cats.integer.reference import averages
from cats.schema import convert
from cats.shape.config import ModelConfig
from cats.shape.partition import Kind, gather_count, gather_kind


def scales_from_json(data: Mapping, config: ModelConfig) -> Scales:
    """Inverse of ``to_json`` for Scales; CatsError where they do not fit the model."""
    lengths = {name: config.blocks for name in ("query", "key", "value", "up")}
    lengths |= {"sent": gather_count(config), "norm": gather_count(config) - 1}
    lengths |= {"residual": None, "mean": None, "embed": None, "input": None}
    scales = convert(data, Scales, "a run's configuration", root="$.scales")
    for name, length in lengths.items():
        values = [getattr(scales, name)] if length is None else getattr(scales, name)
        if len(values) != (length or 1) or not all(0 < v < math.inf for v in values):
            raise CatsError(f"scales of {name}: {length or 1} positive numbers are wanted")
    return scales


def rounded(x: Tensor, step: float, low: int, high: int) -> Tensor:
    """``step * clamp(round half up(x / step))``; the gradient is that of the clamp alone."""
    inside = x.clamp(low * step, high * step)
    return inside + (torch.floor(inside.detach() / step + 0.5) * step - inside.detach())


class Rounded:
    """Rounds the tensors of a model (``CatsTransformer.rounding``) to ``scales``.

    ``only``: names of the parts that are rounded (None: all), of those that ``parts`` lists.
    """

    def __init__(
        self, config: ModelConfig, scales: Scales, only: Collection[str] | None = None
    ) -> None:
        config.check_integers()
        self.config, self.scales, self.only = config, scales, only
        self.steps = {"residual": scales.residual, "output": scales.sent[-1]}
        if config.pool == "mean_of_norm":
            self.steps["mean"] = scales.mean
        if config.stem:
            self.steps["input"] = scales.input
        if config.embed_layers == 2:
            self.steps["embed"] = scales.embed
        for g in range(gather_count(config) - 1):
            self.steps[f"gather{g}"] = scales.sent[g]
            self.steps[f"norm{g}"] = scales.norm[g]
        for b in range(config.blocks):
            for name, values in zip("qkv", (scales.query, scales.key, scales.value), strict=True):
                self.steps[f"{name}{b}"] = values[b]
            if config.activation == "gelu":
                self.steps[f"up{b}"] = scales.up[b]
        self.normed = {
            g
            for g in range(gather_count(config))
            if gather_kind(config, g)[0] in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT)
        }

    def active(self, name: str) -> bool:
        """Whether the part of that name is rounded."""
        return self.only is None or name in self.only

    def norms(self, g: int) -> bool:
        """See ``forward_pass.Rounding``."""
        return self.active(f"norm{g}") or (averages(self.config, g) and self.active("mean"))

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """See ``forward_pass.Rounding``."""
        if name not in self.steps or not self.active(name):
            return x
        bits = 15 if name in ("residual", "output") else 7
        return rounded(x, self.steps[name], -(1 << bits), (1 << bits) - 1)

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor, path: str = "") -> Tensor:
        """See ``forward_pass.Rounding``; the scales are those of ``cats.integer.quantize``."""
        if not self.active(path or f"weight{g}"):
            return weight
        with torch.no_grad():
            values = torch.where(read, weight, 0)
            step = values.abs().amax(1, keepdim=True) / 127  # [O, 1]
            entering = self.scales.norm[g] if g in self.normed else self.scales.sent[g]
            if averages(self.config, g):
                entering = self.scales.mean
            entering = {"embed_out": self.scales.embed, "stem": self.scales.input}.get(
                path, entering
            )
            last = "embed_out" if self.config.embed_layers == 2 else ""  # of the embedding
            tabled = g == 0 and path == last  # its bias stands in a table
            step = torch.maximum(step, step.max() * 2.0**-16)
            if not tabled:
                step = torch.maximum(step, bias.abs()[:, None] / (entering * (MAX_BIAS - 1)))
            step = step.clamp_min(torch.finfo(step.dtype).tiny)
            error = (values / step).round().clamp(-127, 127) * step - values
        return torch.where(read, weight, 0) + error
