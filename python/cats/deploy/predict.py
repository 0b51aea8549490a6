# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Answers for new data, from a RUN or a DEPLOY folder alone."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cats.deploy.export import PLAN, load_deploy
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.reference import run_batch
from cats.integer.samples import CountWindow, forecast_int32, quantize_int16, values_int32
from cats.integer.steps import window_of
from cats.plan.plan import Plan
from cats.shape.metadata import Metadata
from cats.shape.windows import Window, real_forecast, real_inputs, real_values, softmax
from cats.tasks import telling
from cats.tasks.answers import Answers

__all__ = ["PLAN", "by_deployment", "by_run", "csv_text"]

#: What runs a deployment: (model, plan, images, int8 [n, tokens_in, P]) to int16 [n, C].
Engine = Callable[[IntegerModel, Plan, Sequence[bytes], np.ndarray], np.ndarray]


def csv_text(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def _values(metadata: Metadata, outputs: np.ndarray, window: Window | None) -> np.ndarray:
    """Probabilities, or values in their units, of real outputs [n, C]; else these."""
    if metadata.classes is not None:
        return softmax(outputs)
    if metadata.values is not None:
        return real_values(metadata, outputs)
    if window is not None and metadata.horizon is not None:
        return real_forecast(metadata, outputs, window)
    return outputs  # the task knows what they are


def _check_samples(path: Path, of_tokens: bool) -> None:
    """CatsError for a language model that has tokens and no samples."""
    if of_tokens:
        raise CatsError(f"{path} is a language model, which has no samples: 'cats generate' lets "
                        "it write")  # fmt: skip


def _marks(options: Mapping[str, Any] | None, marks: Mapping[str, str | None]) -> tuple[str, str]:
    """Separator and decimal mark: those that were named, else those of the training's file."""
    both = {**(options or {}), **{k: v for k, v in marks.items() if v is not None}}
    return both.get("separator", ","), both.get("decimal", ".")


def by_run(path: Path, file: Path, every: bool = False, **marks: str | None) -> Answers:
    """The float model of a RUN folder; ``marks``: ``separator`` and ``decimal`` of a CSV file, None
    as they were in training."""
    import torch

    from cats.training.evaluate import answers
    from cats.training.run_folder import load_run, run_metadata

    trained, run = load_run(path)
    _check_samples(path, trained.config.is_llama and run.extra.get("metadata") is None)
    metadata = run_metadata(run)
    task = telling(run.task)
    data = task.read_new(file, metadata, every, *_marks(run.extra.get("task_options"), marks))
    inputs, window = real_inputs(metadata, data.samples)
    chunks = [answers(trained, chunk) for chunk in torch.from_numpy(inputs).split(64)]
    outputs = torch.cat(chunks).double().numpy()
    return task.tell(metadata, data, _values(metadata, outputs, window))


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
    _check_samples(path, model.config.by_token)
    metadata = model.metadata
    if metadata is None:
        raise CatsError(f"{path} does not say what its samples mean: export it again, from a run "
                        "of 'cats train'")  # fmt: skip
    source = meta.get("run") or {}
    task = telling(source.get("task"))
    data = task.read_new(file, metadata, every, *_marks(source.get("task_options"), marks))
    window: Window | CountWindow | None
    if counts:
        samples = np.rint(data.samples)
        if (samples != data.samples).any() or abs(samples + 0.5).max() > 32768:
            raise CatsError(f"{file} holds values that are no int16 counts: leave --counts out")
        inputs, window = quantize_int16(model, samples.astype(np.int16))
        targets = metadata.channels[: metadata.targets]
        per_unit = np.repeat([c.counts_per_unit for c in targets], metadata.horizon or 1)
        following = data.following
        if following is not None and metadata.horizon is not None:
            following = following / per_unit
        data = dataclasses.replace(data, following=following)
    else:
        real, window = real_inputs(metadata, data.samples)
        inputs = quantize_inputs(model, real)
    outputs = (engine or _reference)(model, plan, images, inputs)
    if metadata.horizon is not None and isinstance(window, CountWindow):
        forecast = forecast_int32(model, outputs, window) / per_unit
        values = np.where(outputs == -32768, np.nan, forecast)
    elif counts and metadata.values is not None:
        per_unit = np.array([value.counts_per_unit for value in metadata.values])
        values = np.where(outputs == -32768, np.nan, values_int32(model, outputs) / per_unit)
    else:
        real = None if isinstance(window, CountWindow) else window
        values = _values(metadata, real_outputs(model, outputs), real)
    return task.tell(metadata, data, values)


def _reference(
    model: IntegerModel, plan: Plan, images: Sequence[bytes], inputs: np.ndarray
) -> np.ndarray:
    """Nothing is lost, so all nodes have the same; of a stream what a window's last step gives."""
    whole = window_of(model)
    chunks = [inputs[i : i + 64] for i in range(0, len(inputs), 64)]
    return np.concatenate([run_batch(whole, chunk)[:, 0, -1] for chunk in chunks])
