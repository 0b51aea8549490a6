# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The integer model's roundings inside the float model: to train with them, and to find out where
int8 loses.

Every tensor that the integer model holds in 8 or 16 bits is rounded half up to its scale and
clamped; weights take one scale for each output column from the columns that are read, as
``cats.quantize`` does. Gradients pass a rounding as if it were not there, and stop at a clamp. What
is left out is small beside it: the softmax's table, the bits of multipliers, of biases and of a
norm's gain (``doc/numerics.rst`` bounds them).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cats.config import ModelConfig
from cats.errors import CatsError
from cats.evaluate import answers
from cats.integer import MAX_BIAS, IntegerModel
from cats.model import CatsTransformer
from cats.partition import Kind, gather_count, gather_kind
from cats.quantize import Scales, calibrate, check_inputs, parameters_of, quantize, report
from cats.tasks import Part, Task


def scales_for(model: CatsTransformer, config: ModelConfig, inputs: Tensor) -> Scales:
    """Scales of the model as ``config`` uses it, over inputs [B, tokens_in, P]."""
    values = check_inputs(config, np.asarray(inputs))
    return calibrate(config, model.split, model.keep, parameters_of(model), values)


def scales_from_json(data: Mapping, config: ModelConfig) -> Scales:
    """Inverse of ``to_json`` for Scales; CatsError where they do not fit the model."""
    lengths = {name: config.blocks for name in ("query", "key", "value", "up")}
    lengths |= {"sent": gather_count(config), "norm": gather_count(config) - 1, "residual": None}
    try:
        fields = {
            name: float(data[name]) if length is None else tuple(map(float, data[name]))
            for name, length in lengths.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CatsError(f"scales are damaged: {error!r}") from None
    for name, length in lengths.items():
        values = [fields[name]] if length is None else fields[name]
        if len(values) != (length or 1) or not all(0 < v < math.inf for v in values):
            raise CatsError(f"scales of {name}: {length or 1} positive numbers are wanted")
    return Scales(**fields)


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
        self.scales, self.only = scales, only
        self.steps = {"residual": scales.residual, "output": scales.sent[-1]}
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
        """See ``cats.model.Rounding``."""
        return self.active(f"norm{g}")

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """See ``cats.model.Rounding``."""
        if name not in self.steps or not self.active(name):
            return x
        bits = 15 if name in ("residual", "output") else 7
        return rounded(x, self.steps[name], -(1 << bits), (1 << bits) - 1)

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor) -> Tensor:
        """See ``cats.model.Rounding``; the scales are those of ``cats.quantize``."""
        if not self.active(f"weight{g}"):
            return weight
        with torch.no_grad():
            values = torch.where(read, weight, 0)
            step = values.abs().amax(1, keepdim=True) / 127  # [O, 1]
            entering = self.scales.norm[g] if g in self.normed else self.scales.sent[g]
            step = torch.maximum(step, step.max() * 2.0**-16)
            if g:  # gather 0's bias stands in a table
                step = torch.maximum(step, bias.abs()[:, None] / (entering * (MAX_BIAS - 1)))
            step = step.clamp_min(torch.finfo(step.dtype).tiny)
            error = (values / step).round().clamp(-127, 127) * step - values
        return torch.where(read, weight, 0) + error


def parts(config: ModelConfig) -> dict[str, str]:
    """{name: what it is} of all that is rounded, in running order."""
    found = {"residual": "residual, int16"}
    for g in range(gather_count(config) - 1):
        kind, b = gather_kind(config, g)
        of = "" if kind in (Kind.INPUT, Kind.OUTPUT) else f", block {b}"
        found[f"gather{g}"] = f"{kind.name.lower()} as sent{of}"
        if kind in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT):
            found[f"norm{g}"] = f"norm behind {kind.name.lower()}{of}"
        found[f"weight{g}"] = f"weights behind {kind.name.lower()}{of}"
        if kind == Kind.ATTENTION:
            names = (("q", "queries"), ("k", "keys"), ("v", "values"))
            found |= {f"{name}{b}": f"{what}{of}" for name, what in names}
        if kind == Kind.FORWARD and config.activation == "gelu":
            found[f"up{b}"] = f"GELU's argument{of}"
    return found | {"output": "output, int16"}


class _Measured(Rounded):
    """Counts signal and error of what it rounds."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.power, self.error = 0.0, 0.0

    def __call__(self, name: str, x: Tensor) -> Tensor:
        y = super().__call__(name, x)
        if y is not x:
            self._count(x, y)
        return y

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor) -> Tensor:
        values = super().weight(g, weight, bias, read)
        if values is not weight:
            self._count(torch.where(read, weight, 0), values)
        return values

    def _count(self, x: Tensor, y: Tensor) -> None:
        self.power += x.double().square().sum().item()
        self.error += (y - x).double().square().sum().item()

    def snr(self) -> float | None:
        """Signal to rounding error, dB; None where there is no signal or no error."""
        return 10 * math.log10(self.power / self.error) if self.power and self.error else None


@torch.no_grad()
def where_int8_loses(
    model: CatsTransformer,
    task: Task,
    part: Part,
    inputs: Tensor,
    scales: Scales | None = None,
    batch: int = 256,
) -> dict:
    """What each rounding costs on ``part``, nothing lost on the air; ``inputs`` [B, tokens_in, P]
    calibrate where no ``scales`` are given.

    ``float``: the metric of the float model, ``rounded`` with every part rounded, ``int8`` of the
    integer model, which adds the softmax's table and the bits of multipliers. ``parts``: for
    each part its name, what it is, ``snr`` in dB of its own rounding alone, ``snr_all`` in dB of
    the tensor in the integer model, errors of earlier ones included (None where there is none),
    and the metric where only this part is rounded.
    """
    scales = scales or scales_for(model, model.config, inputs)
    metric = task.metric

    def scored(rounding: Rounded | None) -> float:
        model.rounding = rounding
        try:
            out = [model.eval()(chunk)[:, -1] for chunk in part.inputs.split(batch)]
        finally:
            model.rounding = None
        return task.score(torch.cat(out), part)[metric]

    exact, every = scored(None), scored(Rounded(model.config, scales))
    integers = quantize(model, inputs, scales)
    reached = _reached(model, integers, inputs)
    out = torch.cat([answers(integers, chunk) for chunk in part.inputs.split(batch)])
    whole = task.score(out, part)[metric]
    records = []
    for name, what in parts(model.config).items():
        rounding = _Measured(model.config, scales, {name})
        value = scored(rounding)
        record = {"part": name, "what": what, "snr": rounding.snr(), "snr_all": reached.get(name)}
        records.append({**record, metric: value})
    return {"metric": metric, "float": exact, "rounded": every, "int8": whole, "parts": records}


def _reached(model: CatsTransformer, integers: IntegerModel, inputs: Tensor) -> dict[str, float]:
    """dB of each tensor of the integer model against the float model, by the names of ``parts``;
    of several that share a name the least."""
    found: dict[str, float] = {}
    last = gather_count(model.config) - 1
    for name, value in report(integers, parameters_of(model), np.asarray(inputs)).items():
        name = name.partition(".")[0].replace("sent", "gather")
        name = "output" if name == f"gather{last}" else name
        name = "residual" if name.startswith("residual") else name
        if math.isfinite(value):
            found[name] = min(value, found.get(name, math.inf))
    return found


def table_of(result: Mapping) -> tuple[Sequence[str], list[tuple]]:
    """``where_int8_loses`` for people: header and rows, the costliest part first."""
    metric, exact = result["metric"], result["float"]

    def change(value: float) -> str:
        return f"{100 * (value / exact - 1):+.3f} %" if exact else "-"

    def dB(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    rows = [("nothing: float", "", "", f"{exact:.6f}", "")]
    for name, key in (("all", "rounded"), ("all, in integers", "int8")):
        rows.append((name, "", "", f"{result[key]:.6f}", change(result[key])))
    order = sorted(result["parts"], key=lambda r: -abs(r[metric] - exact))
    rows += [
        (r["what"], dB(r["snr"]), dB(r["snr_all"]), f"{r[metric]:.6f}", change(r[metric]))
        for r in order
    ]
    return ("rounded alone", "own dB", "all dB", metric, "change"), rows
