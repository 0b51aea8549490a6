# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a task is: parts, a loss, a metric, what it has to beat, and how its answers are told.

Imports no PyTorch, so that a command can name tasks without it.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cats.errors import CatsError
from cats.files import check_name

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from cats.shape.config import ModelConfig
    from cats.shape.metadata import Metadata
    from cats.tasks.answers import Answers
    from cats.tasks.new_data import NewData
    from cats.tasks.tokenizers import TokenizerFile


@dataclass(frozen=True)
class Part:
    """Samples of one part of a task.

    ``inputs`` float32 [n, tokens_in, P]; ``targets`` [n] or [n, C], one row a sample: of classes
    int64 [n], else float32, normalised as the outputs are. Forecasts only: ``offset`` and
    ``spread`` float32 [n] or [n, C], so that ``value * spread + offset`` is in the units in which
    the metric is taken.
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
        import torch

        last = len(self) - 1
        return self.at(torch.linspace(0, last, min(count, last + 1), dtype=torch.float64).long())

    def at(self, index: slice | Tensor) -> Part:
        """The samples of an index."""
        values = (getattr(self, field.name) for field in fields(self))
        return Part(*(None if value is None else value[index] for value in values))


#: What stands for a model: a part of the task to outputs [n, C].
Baseline = Callable[[Part], "Tensor"]


class Task(ABC):
    """Data, loss and metric; ``metric`` is the name of the figure that ``score`` gives first.

    A class that derives from this one is a task of every command: ``--task package.module:Class``,
    or an entry point of the group ``cats.tasks``; doc/own-task.rst shows one. The parameters of its
    constructor are its options: those without a default are needed, their annotations are the types
    that a command line and a sweep are held against. Three names have a meaning: ``data`` is the
    path that ``--data`` replaces, ``sha256`` refuses another content of it, and ``fitted`` is no
    option but the metadata of a trained run, by which other data is normalised.
    """

    #: By which it is found again; a plug-in's is set when it is loaded.
    name: str
    #: Plain JSON types that rebuild it; unless the constructor sets it, what that was given.
    options: dict
    #: The shape that suits the task, for the command line's defaults.
    model: ModelConfig
    #: Options of :class:`cats.training.options.Training` that suit it, likewise.
    training: Mapping[str, object] = {}
    #: Options by the name of a published protocol or data set, for ``--preset``.
    presets: Mapping[str, Mapping[str, object]] = {}
    #: How raw samples become inputs, and what outputs mean; without it ``cats predict`` refuses.
    metadata: Metadata | None = None
    #: Sensors: equal parts of the input columns, each of which stays together.
    channels: int = 1
    #: What was taken of the data, for people, and what may be wrong with it.
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    #: The tokenizer's file of a language model, which a run keeps.
    tokenizer: TokenizerFile | None = None
    train: Part
    validation: Part
    test: Part
    metric: str
    higher_is_better: bool
    #: Of a causal model with pool "last" every row is learned from, and may be scored: ``batch``
    #: gives targets for all of them, and ``score`` takes [n, rows, C].
    all_rows: bool = False
    #: ``score`` takes all rows that the model gives, [n, rows, C], where these are several.
    scores_rows: bool = False

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    @property
    def size(self) -> int:
        """Samples of one pass over the training part."""
        return len(self.train)

    def batches(
        self, size: int, rows: int, order: torch.Generator, noise: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass over the training part: batches of ``size`` samples as ``batch`` gives them,
        drawn by ``order`` and augmented by ``noise``; what fills no batch is left out."""
        import torch

        indices = torch.randperm(self.size, generator=order)
        for index in indices[: self.size // size * size].split(size):
            yield self.batch(index, rows, noise)

    def draws(
        self, count: int, size: int, rows: int, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """``count`` batches of training samples, drawn with repetition."""
        import torch

        for _ in range(count):
            index = torch.randint(self.size, (size,), generator=generator)
            yield self.batch(index, rows, generator)

    def to(self, device: torch.device) -> None:  # noqa: B027
        """Let ``batch`` make its samples on this device, where that pays: not here."""

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Training samples ``index`` int64 [B]: inputs [B, tokens_in, P], augmented by
        ``generator``, and targets for a model with ``rows`` output rows. Here as they are."""
        return self.train.inputs[index], self.train.targets[index]

    @abstractmethod
    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Scalar to minimise; ``output`` [B, rows, C] and targets as ``batch`` gives them."""

    @abstractmethod
    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """Figures of ``output`` [n, C], the last output row of every sample of ``part`` (see
        ``scores_rows``)."""

    def sample(self, epoch: int, outputs: Callable[[Tensor], Tensor]) -> str | None:
        """Something to show of the model behind an epoch (counted from 1) while it trains, or None;
        ``outputs``: inputs [n, tokens_in, P] to [n, rows, C], both on the CPU."""
        return None

    def linear_map(self) -> Tensor | None:
        """The best linear map from the window to the output, [tokens_in * P + 1, C], the last row
        the offset; None where there is none: a linear path begins at zero then, and learns."""
        return None

    def baselines(self) -> Mapping[str, Baseline]:
        """What it has to beat, by name, learned from the training part alone."""
        return {}

    def beside(self, part: str) -> Mapping[str, dict[str, float]]:
        """Figures by name, for ``part``, of what gives no outputs: none here."""
        return {}

    @property
    def thinned(self) -> int:
        """Baselines learn from every n-th training sample, this n."""
        return 1

    @classmethod
    def read_new(
        cls, path: Path, metadata: Metadata, every: bool, separator: str, decimal: str
    ) -> NewData:
        """Samples of a file for ``cats predict``, which has a RUN or a DEPLOY and not the task:
        here by what its metadata says (``cats.tasks.new_data``)."""
        from cats.tasks import new_data

        return new_data.read(path, metadata, every, separator, decimal)

    @classmethod
    def tell(cls, metadata: Metadata, data: NewData, values: np.ndarray) -> Answers:
        """What ``cats predict`` says of ``data``; ``values`` float64 [n, C] are probabilities of
        classes, else values in their units; NaN where an output did not arrive. Here by what its
        metadata says (``cats.tasks.answers``)."""
        from cats.tasks import answers

        return answers.answers_of(metadata)(metadata, data, values)


def generator_of(seed: int) -> torch.Generator:
    """A source of random numbers by any whole number, of which 64 bits count."""
    import torch

    return torch.Generator().manual_seed(seed % 2**64)


def stored_path(data: str) -> str:
    """What a run notes of the path of its data: it is absolute, ``aeon:NAME`` stays."""
    if str(data).startswith("aeon:"):
        return data
    path = os.path.abspath(data)
    check_name(path)
    return path


def same_data(data: str, found: str, wanted: str | None) -> str:
    """``found``, the SHA-256 of the data; CatsError where another one is ``wanted``."""
    if wanted not in (None, found):
        raise CatsError(
            f"{data} is not what it was: its SHA-256 is {found[:12]}..., not {wanted[:12]}...; "
            "put the old file back, or give --data FILE to take this one, or another"
        )
    return found
