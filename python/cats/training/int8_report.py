# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Where int8 loses: what each rounding of the integer model costs on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cats.integer.model import IntegerModel
from cats.integer.quantize import Scales, report
from cats.nn.model import CatsTransformer
from cats.nn.qat import Rounded
from cats.nn.to_integer import parameters_of, quantize, scales_for
from cats.shape.config import ModelConfig
from cats.shape.partition import Kind, gather_count, gather_kind
from cats.tasks import Part, Task
from cats.training.evaluate import answers


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
        if kind == Kind.INPUT and config.stem:
            found["input"] = "what the stem reads"
            found["stem"] = "weights of the stem"
        if kind == Kind.INPUT and config.embed_layers == 2:
            found["embed"] = "hidden columns of the embedding"
            found["embed_out"] = "weights behind them"
        if kind == Kind.ATTENTION:
            names = (("q", "queries"), ("k", "keys"), ("v", "values"))
            found |= {f"{name}{b}": f"{what}{of}" for name, what in names}
        if kind == Kind.FORWARD and config.activation == "gelu":
            found[f"up{b}"] = f"GELU's argument{of}"
    if config.pool == "mean_of_norm":
        found["mean"] = "mean of the normed rows"
    if config.linear:
        found["linear"] = "weights of the linear path"
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

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor, path: str = "") -> Tensor:
        values = super().weight(g, weight, bias, read, path)
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
            out = [
                answers(model, chunk, None, task.scores_rows) for chunk in part.inputs.split(batch)
            ]
        finally:
            model.rounding = None
        return task.score(torch.cat(out), part)[metric]

    exact, every = scored(None), scored(Rounded(model.config, scales))
    integers = quantize(model, inputs, scales)
    reached = _reached(model, integers, inputs)
    out = [answers(integers, x, None, task.scores_rows) for x in part.inputs.split(batch)]
    whole = task.score(torch.cat(out), part)[metric]
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
