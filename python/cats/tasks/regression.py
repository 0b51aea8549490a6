# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Regression: a number, or several, for each series that sensors recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.metadata import Metadata
from cats.tasks.arrays import ValueTask, values_of
from cats.tasks.recordings import Recordings
from cats.tasks.sensors import SensorTask, read_recordings
from cats.tasks.values import outlier


class Regression(SensorTask, ValueTask):
    """Numbers of each series, normalised by mean and deviation of the training part.

    ``target``: of a CSV file the columns that hold them, by default ``label``; every row of a
    sample has the same. A ``.ts`` file (``@targetLabel true``) has one number a series, which
    ``target`` may give a name. ``target_units``: theirs, one for all or one for each, for people.
    The other options are those of ``SensorTask``; augmentation is off, since a number may be in
    what it changes.
    """

    name = "regression"

    def __init__(
        self,
        data: str,
        target: Sequence[str] | None = None,
        target_units: Sequence[str] | None = None,
        patch: int = 10,
        split_seed: int = 0,
        augment: bool = False,
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
        self.target = list(target or ["label"])
        options = {
            "data": data,
            "target": None if target is None else list(target),
            "target_units": None if target_units is None else list(target_units),
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
        read = read_recordings(data, group, channels, separator, decimal, self.target, fold)
        self._use(*read, options, fitted)

    def _understand(
        self, known: Recordings, test: Recordings | None, fitted: Metadata | None
    ) -> Tensor:
        for recordings in (known, *([test] if test else [])):
            for t, name in enumerate(self.target):
                values = recordings.values[:, t].numpy()
                at = next(iter((values != values).nonzero()[0]), outlier(values))
                if at is not None:
                    raise CatsError(
                        f"{recordings.path}, {recordings.places[at]}, {name}: {values[at]:g} is "
                        "missing, or out of all proportion to the others: take it out"
                    )
        return torch.zeros(len(known.series), dtype=torch.int64)

    def _answers(self, known: Recordings, train: Tensor) -> dict[str, Any]:
        values = known.values[train].numpy()
        return {"values": values_of(values, self.target, self.options["target_units"] or [""])}

    def _targets(self, recordings: Recordings) -> Tensor:
        return self.normalised(recordings.values)
