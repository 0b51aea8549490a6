# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Classification of what sensors recorded; two data sets lie inside the package aeon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.metadata import Metadata, sorted_labels
from cats.tasks.arrays import ClassTask
from cats.tasks.recordings import Recordings
from cats.tasks.sensors import SensorTask, read_recordings

#: Options by name of a data set that lies inside the package aeon.
PRESETS = {
    "basicmotions": {"data": "aeon:BasicMotions", "patch": 10},
    "japanesevowels": {"data": "aeon:JapaneseVowels", "patch": 5},
}


class Classify(SensorTask, ClassTask):
    """The class of each series; parts have their share of every class. Options are those of
    ``SensorTask``."""

    name = "classify"
    presets = PRESETS

    def __init__(
        self,
        data: str,
        patch: int = 10,
        split_seed: int = 0,
        augment: bool = True,
        lengths: str = "refuse",
        group: str | None = None,
        fold: str | None = None,
        channels: Sequence[str] | None = None,
        units: Sequence[str] | None = None,
        separator: str = ",",
        decimal: str = ".",
        sha256: str | None = None,
        fitted: Metadata | None = None,
    ) -> None:
        options = {
            "data": data,
            "patch": patch,
            "split_seed": split_seed,
            "augment": augment,
            "lengths": lengths,
            "group": group,
            "fold": fold,
            "channels": None if channels is None else list(channels),
            "units": None if units is None else list(units),
            "separator": separator,
            "decimal": decimal,
            "sha256": sha256,
        }
        known, test = read_recordings(data, group, channels, separator, decimal, fold=fold)
        self._use(known, test, options, fitted)
        self.warnings = (*self.warnings, *_unseen(known, test))

    def _understand(
        self, known: Recordings, test: Recordings | None, fitted: Metadata | None
    ) -> Tensor:
        self.classes = _fitting(known, test, fitted) if fitted else _classes(known, test)
        return self._targets(known)

    def _answers(self, known: Recordings, train: Tensor) -> dict[str, Any]:
        lost = set(range(len(self.classes))) - set(self._targets(known)[train].tolist())
        if lost:
            name = self.classes[min(lost)]
            raise CatsError(f"{known.path}: no series of class {name!r} is left to train with")
        return {"classes": tuple(self.classes)}

    def _targets(self, recordings: Recordings) -> Tensor:
        return torch.tensor([self.classes.index(label) for label in recordings.labels])


def _classes(known: Recordings, test: Recordings | None) -> list[str]:
    """Class names in order; those of the test part are all in the other."""
    try:
        classes = sorted_labels({*known.labels, *(test.labels if test else ())})
    except CatsError as error:
        raise CatsError(f"{known.path}: {error}") from None
    if len(classes) < 2:
        raise CatsError(f"{known.path} holds one class: there is nothing to tell apart")
    alone = set(classes) - set(known.labels)
    if test and alone:
        raise CatsError(f"{test.path}: label {min(alone)!r} is not in {known.path.name}, so it "
                        "cannot be learned: is it written alike in both?")  # fmt: skip
    return classes


def _fitting(known: Recordings, test: Recordings | None, fitted: Metadata) -> list[str]:
    """The classes of a run; CatsError where labels are not those of its training."""
    for part in (known, *([test] if test else [])):
        strange = set(part.labels) - set(fitted.classes)
        if strange:
            raise CatsError(f"{part.path}: label {min(strange)!r} is not one of those trained: "
                            f"{', '.join(fitted.classes)}")  # fmt: skip
    return list(fitted.classes)


def _unseen(known: Recordings, test: Recordings | None) -> list[str]:
    """A warning of labels that the test part lacks."""
    absent = sorted_labels(set(known.labels) - set(test.labels)) if test else []
    return [f"{test.path.name} has no series of class {', '.join(absent)}"] if absent else []
