# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Answers for new data, from a RUN or a DEPLOY folder alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cats.deploy.export import PLAN, load_deploy
from cats.deploy.new_data import NewData, read, steps_to_come
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.reference import run_batch
from cats.integer.samples import (
    CountWindow,
    Window,
    forecast_int32,
    quantize_int16,
    real_forecast,
    real_inputs,
    softmax,
)
from cats.plan.plan import Plan
from cats.shape.metadata import Metadata

__all__ = ["PLAN", "Answers", "by_deployment", "by_run", "csv_text"]

#: What runs a deployment: (model, plan, images, int8 [n, tokens_in, P]) to int16 [n, C].
Engine = Callable[[IntegerModel, Plan, Sequence[bytes], np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Answers:
    """``values`` float64 [n, C]: probabilities of classes, or forecasts in the channel's unit; NaN
    where an output did not arrive."""

    metadata: Metadata
    data: NewData
    values: np.ndarray

    @property
    def chosen(self) -> list[str | None]:
        """The likeliest class of each sample; None where none arrived."""
        found = np.where(np.isnan(self.values), -1, self.values)
        best = found.argmax(1)
        return [self.metadata.classes[c] if found[i, c] >= 0 else None for i, c in enumerate(best)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Header and rows: a row for each sample, or for each value of a forecast."""
        data, values = self.data, self.values
        if self.metadata.classes is not None:
            header = ["sample", "class", "probability", *(["label"] if data.labels else [])]
            rows = [
                [name, chosen, None if chosen is None else float(np.nanmax(row))]
                + ([data.labels[i]] if data.labels else [])
                for i, (name, chosen, row) in enumerate(zip(data.names, self.chosen, values))
            ]
            return header, rows
        channel = self.metadata.channels[0]
        title = channel.name + (f", {channel.unit}" if channel.unit else "")
        rows = []
        for i, name in enumerate(data.names):
            steps = steps_to_come(self.metadata, data.times[i] if data.times else None)
            rows += [[name, step, _number(v)] for step, v in zip(steps, values[i])]
        return ["window until", "step", title], rows

    def scores(self) -> dict[str, float]:
        """Figures where the file says what is right: accuracy; or errors of forecasts, ``mse`` in
        units of the training part's deviation as the task counts it."""
        if self.metadata.classes is not None:
            if not self.data.labels:
                return {}
            right = [a == b for a, b in zip(self.chosen, self.data.labels, strict=True)]
            return {"accuracy": sum(right) / len(right)}
        error = self.values - self.data.following
        error = error[np.isfinite(error).all(1)]
        if not len(error):
            return {}
        normal = error / self.metadata.channels[0].deviation
        return {"mse": float((normal**2).mean()), "mean absolute error": float(abs(error).mean())}

    def figures(self) -> list[str]:
        """The scores for people."""
        scores = self.scores()
        if "accuracy" in scores:
            count = len(self.data.names)
            right = round(scores["accuracy"] * count)
            return [f"accuracy {scores['accuracy']:.4f}: {right} of {count} as labelled"]
        return [f"{name} {value:.4g}" for name, value in scores.items()]

    def document(self, model: str, file: str) -> dict[str, Any]:
        """All of it for programs."""
        header, rows = self.table()
        found: dict[str, Any] = {"format": 1, "model": model, "file": file, **self.scores()}
        if self.metadata.classes is not None:
            found["classes"] = list(self.metadata.classes)
            found["probabilities"] = [[_number(v) for v in row] for row in self.values]
        keys = [name.partition(",")[0].replace(" ", "_") for name in header]
        return {**found, "answers": [dict(zip(keys, row, strict=True)) for row in rows]}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def csv_text(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def _answers(
    metadata: Metadata, data: NewData, outputs: np.ndarray, window: Window | None
) -> Answers:
    """From real outputs [n, C]."""
    if metadata.classes is not None:
        return Answers(metadata, data, softmax(outputs))
    if window is None:
        raise CatsError("this model neither tells classes apart nor forecasts")
    return Answers(metadata, data, real_forecast(metadata, outputs, window))


def _marks(options: Mapping[str, Any] | None, marks: Mapping[str, str | None]) -> dict[str, str]:
    """Separator and decimal mark: those that were named, else those of the training's file."""
    both = {**(options or {}), **{k: v for k, v in marks.items() if v is not None}}
    return {key: both[key] for key in ("separator", "decimal") if key in both}


def by_run(path: Path, file: Path, every: bool = False, **marks: str | None) -> Answers:
    """The float model of a RUN folder; ``marks``: ``separator`` and ``decimal`` of a CSV file, None
    as they were in training."""
    import torch

    from cats.training.evaluate import answers
    from cats.training.run_folder import load_run, run_metadata

    trained, run = load_run(path)
    metadata = run_metadata(run)
    data = read(file, metadata, every, **_marks(run.extra.get("task_options"), marks))
    inputs, window = real_inputs(metadata, data.samples)
    outputs = [answers(trained, chunk) for chunk in torch.from_numpy(inputs).split(64)]
    return _answers(metadata, data, torch.cat(outputs).double().numpy(), window)


def by_deployment(
    path: Path,
    file: Path,
    every: bool = False,
    counts: bool = False,
    engine: Engine | None = None,
    **marks: str | None,
) -> Answers:
    """The integers of a DEPLOY folder, run by the integer reference or by ``engine``. ``counts``:
    the file holds int16 samples, which the device's integer functions make an input. ``marks`` as
    for ``by_run``."""
    model, plan, meta, images = load_deploy(path)
    metadata = model.metadata
    if metadata is None:
        raise CatsError(f"{path} does not say what its samples mean: export it again, from a run "
                        "of 'cats train'")  # fmt: skip
    options = (meta.get("run") or {}).get("task_options")
    data = read(file, metadata, every, **_marks(options, marks))
    window: Window | CountWindow | None
    if counts:
        samples = np.rint(data.samples)
        if (samples != data.samples).any() or abs(samples + 0.5).max() > 32768:
            raise CatsError(f"{file} holds values that are no int16 counts: leave --counts out")
        inputs, window = quantize_int16(model, samples.astype(np.int16))
        per_unit = np.array([c.counts_per_unit for c in metadata.channels])
        following = None if data.following is None else data.following / per_unit
        data = NewData(data.samples, data.names, data.labels, following, data.times)
    else:
        real, window = real_inputs(metadata, data.samples)
        inputs = quantize_inputs(model, real)
    outputs = (engine or _reference)(model, plan, images, inputs)
    if isinstance(window, CountWindow):
        forecast = forecast_int32(model, outputs, window) / per_unit
        return Answers(metadata, data, np.where(outputs == -32768, np.nan, forecast))
    return _answers(metadata, data, real_outputs(model, outputs), window)


def _reference(
    model: IntegerModel, plan: Plan, images: Sequence[bytes], inputs: np.ndarray
) -> np.ndarray:
    """Nothing is lost, so all nodes have the same."""
    chunks = [inputs[i : i + 64] for i in range(0, len(inputs), 64)]
    return np.concatenate([run_batch(model, chunk)[:, 0, -1] for chunk in chunks])
