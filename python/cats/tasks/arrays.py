# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tasks of arrays: what a task of one's own derives from, and what those of this package share.

The constructor makes or reads samples and calls ``use``, which cuts them into parts and tokens,
normalises them by the training part and describes them for the deployment. doc/own-task.rst shows
one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata, sorted_labels, units_of
from cats.shape.windows import real_inputs
from cats.tasks import Baseline, Part, Task, baselines
from cats.tasks.parts import split

#: Training, validation and test.
SHARES = (0.6, 0.15, 0.25)
#: The shape where a task says no other.
SHAPE = {"features": 32, "heads": 8, "hidden": 64, "blocks": 2, "pool": "mean"}


class _Thinned(Task):
    """Generic baselines learn from a part of much data."""

    @property
    def thinned(self) -> int:
        """As ``cats.tasks.baselines`` thins it."""
        return baselines.thinned(self)


class ClassTask(_Thinned):
    """Classes: cross entropy, accuracy, and the generic baselines. Targets are numbers of classes,
    or their shares [B, C]."""

    metric = "accuracy"
    higher_is_better = True

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy, with labels that are a little unsure."""
        return functional.cross_entropy(output[:, -1], targets, label_smoothing=0.05)

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """The accuracy."""
        right = output.argmax(-1) == part.targets
        return {"accuracy": right.double().mean().item()}

    def baselines(self) -> Mapping[str, Baseline]:
        """The most frequent class, the nearest neighbour, logistic regression."""
        return baselines.classifiers(self)

    def use(
        self,
        samples: np.ndarray,
        labels: Sequence[str],
        *,
        fitted: Metadata | None = None,
        split_seed: int = 0,
        groups: Sequence[str] | None = None,
        **layout: Any,
    ) -> None:
        """Learn ``labels`` [n], names of classes, from ``samples`` float [n, steps, channels], of
        images [n, height, width, channels], in their units.

        60 % of every class train, 15 % validate, 25 % test, drawn by ``split_seed``; all samples of
        one of the ``groups`` [n] are in one part. ``layout``: as ``described`` takes it. With
        ``fitted`` classes and normalisation are those of a run.
        """
        classes = sorted_labels(set(labels))
        if fitted is not None and fitted.classes:
            classes = list(fitted.classes)
        number = {name: i for i, name in enumerate(classes)}
        if strange := set(labels) - set(classes):
            raise CatsError(f"label {min(strange)!r} is not one of those trained")
        targets = torch.tensor([number[label] for label in labels])
        parts = split(targets, SHARES, split_seed, groups)
        metadata = fitted or described(samples[parts[0].numpy()], **layout)
        metadata = dataclasses.replace(metadata, classes=tuple(classes))
        fill(self, samples, targets, parts, metadata, "classify", len(classes))


class ValueTask(_Thinned):
    """Numbers that are estimated, each normalised by its mean and deviation in the training part:
    mean squared error, and figures in their units (of several their means)."""

    metric = "rmse"
    higher_is_better = False

    @property
    def _rows(self) -> Sequence[Channel]:
        """What each number is, with its mean and deviation."""
        return self.metadata.values or () if self.metadata else ()

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error, in deviations."""
        return functional.mse_loss(output[:, -1], targets)

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """Errors in the values' units, and R2, the share of the part's variance that is explained
        (0 where it has none)."""
        deviation = torch.tensor([row.deviation for row in self._rows], dtype=torch.float64)
        error = (output - part.targets).double() * deviation
        mse = error.square().mean(0)
        variance = (part.targets.double() * deviation).var(0, correction=0)
        explained = torch.where(variance > 0, 1 - mse / variance, 0.0)
        return {
            "rmse": mse.sqrt().mean().item(),
            "mae": error.abs().mean().item(),
            "mse": mse.mean().item(),
            "r2": explained.mean().item(),
        }

    def normalised(self, values: Tensor) -> Tensor:
        """Numbers float64 [n, T] in their units as targets."""
        rows = self._rows
        mean, deviation = ([getattr(row, key) for row in rows] for key in ("mean", "deviation"))
        return ((values - torch.tensor(mean)) / torch.tensor(deviation)).float()

    def baselines(self) -> Mapping[str, Baseline]:
        """The mean, ridge regression on the window, the nearest neighbour."""
        return baselines.estimators(self)

    def use(
        self,
        samples: np.ndarray,
        values: np.ndarray,
        *,
        targets: Sequence[str] = ("value",),
        target_units: str | Sequence[str] = "",
        fitted: Metadata | None = None,
        split_seed: int = 0,
        groups: Sequence[str] | None = None,
        **layout: Any,
    ) -> None:
        """Learn ``values`` [n] or [n, T], named ``targets``, from ``samples`` as ``ClassTask.use``
        takes them."""
        numbers = np.asarray(values, np.float64).reshape(len(samples), -1)
        if not np.isfinite(numbers).all():
            raise CatsError("a value is missing or infinite: fill it, or leave the sample out")
        parts = split(torch.zeros(len(samples)).long(), SHARES, split_seed, groups)
        train = parts[0].numpy()
        units = [target_units] if isinstance(target_units, str) else target_units
        described_by = fitted or dataclasses.replace(
            described(samples[train], **layout), values=values_of(numbers[train], targets, units)
        )
        self.metadata = described_by
        made = self.normalised(torch.from_numpy(numbers))
        fill(self, samples, made, parts, described_by, "forecast", numbers.shape[1])


def values_of(
    values: np.ndarray, names: Sequence[str], units: Sequence[str]
) -> tuple[Channel, ...]:
    """What the training part's ``values`` [n, T] say of what is estimated."""
    if len(names) != values.shape[1]:
        raise CatsError(f"{len(names)} names for {values.shape[1]} values")
    rows = []
    for name, unit, column in zip(names, units_of(len(names), units), values.T, strict=True):
        if not column.std() > 0:
            raise CatsError(f"{name!r} never changes in the training part")
        span = float(column.min()), float(column.max())
        rows.append(Channel(name, unit, float(column.mean()), float(column.std()), *span))
    return tuple(rows)


def described(
    samples: np.ndarray,
    *,
    patch: int | tuple[int, int],
    channels: Sequence[str] | None = None,
    units: str | Sequence[str] = "",
) -> Metadata:
    """What the training part's ``samples`` [n, (height,) width, channels] say of their channels: a
    token is ``patch`` steps of every channel, or (rows, columns) of an image."""
    values = _four(samples)
    _, height, width, count = values.shape
    names = channels or [f"channel {c}" for c in range(count)]
    if len(names) != count:
        raise CatsError(f"{len(names)} names for {count} channels")
    rows = []
    given = units_of(count, [units] if isinstance(units, str) else units)
    for name, unit, column in zip(names, given, values.reshape(-1, count).T, strict=True):
        deviation = float(column.std())
        if not deviation > 0:
            raise CatsError(f"channel {name!r} never changes in the training part")
        span = float(column.min()), float(column.max())
        rows.append(Channel(name, unit, float(column.mean()), deviation, *span))
    shape = (1, patch) if isinstance(patch, int) else patch
    return Metadata(tuple(rows), height, width, shape)


def fill(
    task: Task,
    samples: np.ndarray,
    targets: Tensor,
    parts: Sequence[Tensor],
    metadata: Metadata,
    kind: str,
    outputs: int,
) -> None:
    """Give ``task`` its metadata, model and parts: samples ``parts`` (indices of training,
    validation, test), as ``metadata`` says, with ``targets`` of a model of ``kind``."""
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        if not len(part):
            raise CatsError(f"{len(samples)} samples are too few: none is left for {name}")
    metadata.check()
    task.metadata, task.channels = metadata, len(metadata.channels)
    if not hasattr(task, "model"):
        task.model = ModelConfig(
            metadata.tokens_in, metadata.inputs, outputs, activation="gelu", task=kind, **SHAPE
        )
    inputs = torch.from_numpy(real_inputs(metadata, _four(samples))[0])
    made = (Part(inputs[part], targets[part]) for part in parts)
    task.train, task.validation, task.test = made


def _four(samples: np.ndarray) -> np.ndarray:
    """float64 [n, height, width, channels]."""
    values = np.asarray(samples, np.float64)
    values = values[:, None] if values.ndim == 3 else values
    if values.ndim != 4 or not values.size:
        raise CatsError(
            f"samples of {list(values.shape)}: [n, steps, channels] or, of images, "
            "[n, height, width, channels]"
        )
    if not np.isfinite(values).all():
        raise CatsError("a sample is missing or infinite: fill it, or leave it out")
    return values
