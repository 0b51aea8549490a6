# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a model says of new data, as a table, as figures and as JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cats.errors import CatsError
from cats.shape.metadata import Channel, Metadata
from cats.tasks.new_data import NewData, steps_to_come


@dataclass(frozen=True)
class Answers(ABC):
    """``values`` float64 [n, C]: probabilities of classes, or values in their units; NaN where an
    output did not arrive."""

    metadata: Metadata
    data: NewData
    values: np.ndarray

    @abstractmethod
    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Header and rows."""

    @abstractmethod
    def scores(self) -> dict[str, float]:
        """Figures where the file says what is right, else none."""

    def figures(self) -> list[str]:
        """The scores for people."""
        return [f"{name} {value:.4g}" for name, value in self.scores().items()]

    def details(self) -> dict[str, Any]:
        """What the JSON holds beside the table."""
        return {}

    def document(self, model: str, file: str) -> dict[str, Any]:
        """All of it for programs."""
        header, rows = self.table()
        found: dict[str, Any] = {"format": 1, "model": model, "file": file, **self.scores()}
        keys = [name.partition(",")[0].replace(" ", "_") for name in header]
        answers = [dict(zip(keys, row, strict=True)) for row in rows]
        return {**found, **self.details(), "answers": answers}


class Classes(Answers):
    """The likeliest class of each sample: a row for each."""

    @property
    def names(self) -> Sequence[str]:
        """Of the classes."""
        return self.metadata.classes or ()

    @property
    def chosen(self) -> list[str | None]:
        """The likeliest class of each sample; None where none arrived."""
        found = np.where(np.isnan(self.values), -1, self.values)
        best = found.argmax(1)
        return [self.names[c] if found[i, c] >= 0 else None for i, c in enumerate(best)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Class, probability and label, where there are labels."""
        data = self.data
        header = ["sample", "class", "probability", *(["label"] if data.labels else [])]
        return header, [
            [name, chosen, None if chosen is None else float(np.nanmax(row))]
            + ([data.labels[i]] if data.labels else [])
            for i, (name, chosen, row) in enumerate(zip(data.names, self.chosen, self.values))
        ]

    def scores(self) -> dict[str, float]:
        """The accuracy."""
        if not self.data.labels:
            return {}
        right = [a == b for a, b in zip(self.chosen, self.data.labels, strict=True)]
        return {"accuracy": sum(right) / len(right)}

    def figures(self) -> list[str]:
        """With how many of how many."""
        count = len(self.data.names)
        return [
            f"accuracy {value:.4f}: {round(value * count)} of {count} as labelled"
            for value in self.scores().values()
        ]

    def details(self) -> dict[str, Any]:
        """Every class's probability."""
        rows = [[number(v) for v in row] for row in self.values]
        return {"classes": list(self.names), "probabilities": rows}


class Values(Answers):
    """Numbers that are estimated: a row for each sample, beside them what the file says."""

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Each value, and what it is known to be."""
        titles, known = [title(value) for value in self.metadata.values or ()], self.data.following
        header = ["sample", *titles]
        rows = [[name, *map(number, row)] for name, row in zip(self.data.names, self.values)]
        if known is not None:
            header += [f"labelled {name}" for name in titles]
            rows = [[*row, *map(number, beside)] for row, beside in zip(rows, known, strict=True)]
        return header, rows

    def scores(self) -> dict[str, float]:
        """Errors in the values' units (of several their means), and R2 where the labels differ."""
        if self.data.following is None:
            return {}
        error = self.values - self.data.following
        there = np.isfinite(error).all(1)
        if not there.any():
            return {}
        mse = (error[there] ** 2).mean(0)
        found = {"rmse": float(np.sqrt(mse).mean()), "mae": float(abs(error[there]).mean())}
        variance = self.data.following[there].var(0)
        if (variance > 0).all():
            found["r2"] = float((1 - mse / variance).mean())
        return found


class Forecasts(Answers):
    """The steps to come behind each window: a row for each step."""

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """The value of each step."""
        data, rows = self.data, []
        forecasts = self.values.reshape(len(self.values), self.metadata.targets, -1)
        for i, name in enumerate(data.names):
            steps = steps_to_come(self.metadata, data.times[i] if data.times else None)
            rows += [[name, step, *map(number, v)] for step, v in zip(steps, forecasts[i].T)]
        targets = self.metadata.channels[: self.metadata.targets]
        return ["window until", "step", *map(title, targets)], rows

    def scores(self) -> dict[str, float]:
        """``mse`` in units of the training part's deviation as the task counts it, and the mean
        absolute error in the channels' units; of several targets their means."""
        if self.data.following is None:
            return {}
        error = self.values - self.data.following
        error = error[np.isfinite(error).all(1)]
        if not len(error):
            return {}
        deviation = self.metadata.deviation[: self.metadata.targets]
        normal = error / np.repeat(deviation, self.metadata.horizon or 1)
        return {"mse": float((normal**2).mean()), "mean absolute error": float(abs(error).mean())}


def answers_of(metadata: Metadata) -> type[Answers]:
    """How a model of this metadata tells its answers."""
    if metadata.classes is not None:
        return Classes
    if metadata.values is not None:
        return Values
    if metadata.horizon is not None:
        return Forecasts
    raise CatsError("this model neither tells classes apart nor forecasts")


def title(channel: Channel) -> str:
    """A channel's name with its unit."""
    return channel.name + (f", {channel.unit}" if channel.unit else "")


def number(value: float) -> float | None:
    """For JSON: None in place of NaN."""
    return None if np.isnan(value) else float(value)
