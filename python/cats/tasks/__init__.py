# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What is learned: data cut into training, validation and test parts, a loss and a metric.

``load(name, **options)`` gives a Task. A task never looks at its test part before it is asked to
score it, and its options (plain JSON types) rebuild it exactly.

May import ``cats.shape`` and what it may import.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Metadata

TASK_NAMES = ("digits", "forecast", "classify")


@dataclass(frozen=True)
class Part:
    """Samples of one part of a task.

    ``inputs`` float32 [n, tokens_in, P]; ``targets`` classify: int64 [n], forecast: float32
    [n, C], the values after the whole context, normalised as the inputs are. Forecast only:
    ``offset`` and ``spread`` float32 [n], so that ``value * spread + offset`` is in the units in
    which the metric is taken.
    """

    inputs: Tensor
    targets: Tensor
    offset: Tensor | None = None
    spread: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def every(self, step: int) -> Part:
        """Every ``step``-th sample, from the first."""
        return self.at(slice(None, None, step))

    def spaced(self, count: int) -> Part:
        """At most ``count`` samples, evenly spread from the first to the last: parts are in order
        of time or of class, so the first ones stand for no others."""
        last = len(self) - 1
        return self.at(torch.linspace(0, last, min(count, last + 1), dtype=torch.float64).long())

    def at(self, index: slice | Tensor) -> Part:
        """The samples of an index."""
        values = (getattr(self, field.name) for field in fields(self))
        return Part(*(None if value is None else value[index] for value in values))


class Task(ABC):
    """Data, loss and metric; ``metric`` is the name of the figure that ``score`` gives first."""

    name: str
    options: dict
    model: ModelConfig  # the shape that suits the task, for the command line's defaults
    training: dict[str, object]  # options of cats.training.options.Training that suit it, likewise
    metadata: Metadata  # how raw samples become inputs, and what outputs mean
    channels: int = 1  # sensors: equal parts of the input columns, each of which stays together
    train: Part
    validation: Part
    test: Part
    metric: str
    higher_is_better: bool

    @abstractmethod
    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Training samples ``index`` int64 [B]: inputs [B, tokens_in, P], augmented by
        ``generator``, and targets for a model with ``rows`` output rows."""

    @abstractmethod
    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Scalar to minimise; ``output`` [B, rows, C] and targets as ``batch`` gives them."""

    @abstractmethod
    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """Figures of ``output`` [n, C], the last output row of every sample of ``part``."""


def load(name: str, **options: object) -> Task:
    """The task of that name; CatsError for an unknown name, option or unusable data."""
    if name == "digits":
        from cats.tasks.digits import Digits as factory
    elif name == "forecast":
        from cats.tasks.forecast import Forecast as factory
    elif name == "classify":
        from cats.tasks.classify import Classify as factory
    else:
        raise CatsError(f"task is {name!r}: one of {', '.join(TASK_NAMES)}")
    try:
        return factory(**options)
    except TypeError as error:
        raise CatsError(f"task {name} does not take these options: {error}") from None


def preset(task: str, name: str) -> dict[str, object]:
    """Options of a published protocol or data set of a task, for ``load``."""
    from cats.tasks import classify, forecast

    known = {"forecast": forecast.PRESETS, "classify": classify.PRESETS}.get(task, {})
    if name not in known:
        raise CatsError(f"task {task} has no preset {name!r}: {', '.join(known) or 'it has none'}")
    return dict(known[name])
