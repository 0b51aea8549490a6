# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What is learned: data cut into training, validation and test parts, a loss and a metric.

``load(name, **options)`` gives a Task. A task never looks at its test part before it is asked to
score it, and its options (plain JSON types) rebuild it exactly.

May import ``cats.shape`` and what it may import.
"""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from cats import schema
from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Metadata

TASK_NAMES = ("digits", "forecast", "classify", "images")


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
    notes: tuple[str, ...] = ()  # what was taken of the data, for people
    warnings: tuple[str, ...] = ()  # what may be wrong with it
    train: Part
    validation: Part
    test: Part
    metric: str
    higher_is_better: bool

    def to(self, device: torch.device) -> None:  # noqa: B027
        """Let ``batch`` make its samples on this device, where that pays: not here."""

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


def generator_of(seed: int) -> torch.Generator:
    """A source of random numbers by any whole number, of which 64 bits count."""
    return torch.Generator().manual_seed(seed % 2**64)


def load(name: str, **options: object) -> Task:
    """The task of that name; CatsError for an unknown name, option or unusable data."""
    factory = _factory(name)
    fitted = {key: options.pop(key) for key in ("fitted",) if key in options}
    checked = schema.arguments(factory, options, f"task {name}", root="options", lax=True)
    return factory(**checked, **fitted)


def _factory(name: str) -> type[Task]:
    if name == "digits":
        from cats.tasks.digits import Digits as factory
    elif name == "forecast":
        from cats.tasks.forecast import Forecast as factory
    elif name == "classify":
        from cats.tasks.classify import Classify as factory
    elif name == "images":
        from cats.tasks.images import Images as factory
    else:
        raise CatsError(f"task is {name!r}: one of {', '.join(TASK_NAMES)}")
    return factory


def stored_path(data: str) -> str:
    """What a run notes of the path of its data: it is absolute, ``aeon:NAME`` stays."""
    return data if str(data).startswith("aeon:") else os.path.abspath(data)


def same_data(data: str, found: str, wanted: str | None) -> str:
    """``found``, the SHA-256 of the data; CatsError where another one is ``wanted``."""
    if wanted not in (None, found):
        raise CatsError(
            f"{data} is not what it was: its SHA-256 is {found[:12]}..., not {wanted[:12]}...; "
            "put the old file back, or give --data FILE to take this one, or another"
        )
    return found


def reload(
    name: str,
    options: Mapping,
    model: ModelConfig,
    data: str | None = None,
    fitted: Metadata | None = None,
) -> Task:
    """The task of a trained ``model`` by its stored options, or with other ``data`` in place of its
    own. That may have another content: then a warning of the task says so, and classes and
    normalisation are those of the run's metadata, ``fitted``, where it has it. CatsError where
    samples do not have the model's shape."""
    if data is None:
        task = load(name, **options)
    elif "data" not in options:
        raise CatsError(f"task {name} takes no --data")
    else:
        task = load(name, **{**options, "data": data, "sha256": None, "fitted": fitted})
    if data and options.get("sha256") not in (None, task.options["sha256"]):
        by = "the training's" if fitted else "its own"
        task.warnings += (
            f"{data} is not the data of the training; normalised by {by} mean and deviation",
        )
    for what in ("tokens_in", "inputs", "outputs"):
        wanted, found = getattr(model, what), getattr(task.model, what)
        if wanted != found:
            raise CatsError(
                f"the model has {wanted} {what}, the data gives {found}: name the data that it was "
                "trained with, or train again"
            )
    return task


def complete(name: str, options: Mapping) -> dict:
    """Stored options with the defaults of those that are newer than they."""
    known = inspect.signature(_factory(name)).parameters.items()
    defaults = {key: p.default for key, p in known if p.default is not p.empty and key != "fitted"}
    return {**defaults, **options}


def preset(task: str, name: str) -> dict[str, object]:
    """Options of a published protocol or data set of a task, for ``load``."""
    from cats.tasks import classify, forecast

    known = {"forecast": forecast.PRESETS, "classify": classify.PRESETS}.get(task, {})
    if name not in known:
        raise CatsError(f"task {task} has no preset {name!r}: {', '.join(known) or 'it has none'}")
    return dict(known[name])
