# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Series of several channels with one answer each: what a body-worn or machine-mounted sensor
records.

A token holds ``patch`` steps of every channel, channel by channel, so that nodes can each bring
channels of their own (``--input-split channels``). Channels are normalised by mean and deviation of
the training part. Data comes as a ``.ts`` file of the UEA and UCR archives, with its test part in a
second file, or as a CSV file of its own kind.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata, units_of
from cats.tasks import Part, Task, same_data, stored_path
from cats.tasks.parts import fold_of, split, split_fold
from cats.tasks.read_sensors import read_csv
from cats.tasks.read_ts import read_ts
from cats.tasks.recordings import LENGTHS, Recordings

#: Training, validation and test, where the test part is a file of its own, and where not.
WITH_TEST, WITHOUT = (0.8, 0.2, 0.0), (0.6, 0.15, 0.25)


class SensorTask(Task):
    """Series of one length in tokens of ``patch`` steps; the oldest steps that fill no token are
    left out.

    ``data``: ``NAME_TRAIN.ts`` (``NAME_TEST.ts`` beside it is the test part), a CSV file, or
    ``aeon:NAME``, a data set inside the package aeon. Of the training samples, or of all where no
    test part is given, a share is set aside, by ``split_seed``: 20 % to validate, and without a
    test part 25 % to test and 15 % to validate. ``group`` is a column of the CSV file, a person or
    a recording: all series of one group are in one part (``cats.tasks.parts``). ``fold``, K/N, is
    for cross-validation: the K-th of N equal parts tests, and 20 % of the others validate; where
    there is a test part N is 2, and in the second fold the two change places. ``channels`` are the
    columns to take, by default as ``cats.tasks.read_sensors`` says; ``units`` theirs, one for
    all or one for each, for people. ``lengths`` is what to do with series of unequal lengths:
    ``refuse``, or ``pad`` to the longest of ``data`` by repeating a series' first step before it,
    or ``crop`` to the shortest by leaving out the oldest steps; a test part gets the length of the
    other. With ``sha256`` another content of the files is refused.

    ``fitted`` is the metadata of a run: its answers, length, means and deviations are used in place
    of those of this data.

    ``augment``: training series are shifted by up to half a patch, and each channel is scaled by up
    to 10 % and gets noise of a tenth of its deviation.
    """

    #: Of each sample of the test part, where there are groups.
    test_groups: Sequence[str] | None = None
    training = {"epochs": 100, "lr": 3e-3, "batch": 32, "patterns": 1, "threads": 1}

    def _use(
        self,
        known: Recordings,
        test: Recordings | None,
        options: dict[str, Any],
        fitted: Metadata | None,
    ) -> None:
        """Cut and normalise what was read; ``options`` as the class takes them."""
        data, patch, lengths = options["data"], options["patch"], options["lengths"]
        if patch < 1:
            raise CatsError(f"patch is {patch}: at least 1")
        if lengths not in LENGTHS:
            raise CatsError(f"lengths is {lengths!r}: one of {', '.join(LENGTHS)}")
        known.check()
        steps = fitted.width if fitted else known.length(lengths)
        self.channel_names, self.channels = known.channels, len(known.channels)
        self.units = units_of(self.channels, options["units"])
        self.patch, self.augment = patch, options["augment"]
        if patch > steps:
            raise CatsError(f"patch of {patch} steps: a series has {steps}")
        if fitted:
            _check_channels(known, fitted)
        self.options = {
            **options,
            "data": stored_path(data),
            "sha256": same_data(data, _sha256(known, test), options["sha256"]),
        }
        strata = self._understand(known, test, fitted)
        if (fold := options.get("fold")) and test is None:
            parts = split_fold(strata, fold, WITH_TEST[0], options["split_seed"], known.groups)
        else:
            shares = WITH_TEST if test else WITHOUT
            parts = split(strata, shares, options["split_seed"], known.groups)
        self._trained, validation, rest = parts
        train = self._trained
        if not len(train) or not len(validation) or not (test or len(rest)):
            raise CatsError(f"{data}: {len(strata)} series are too few for all parts")
        self.notes, self.warnings = known.notes, known.warnings
        if known.groups:
            counts = [len({known.groups[i] for i in part.tolist()}) for part in parts if len(part)]
            self.notes += (f"groups by {options['group']}, training:validation:test "
                           f"{':'.join(map(str, counts))}",)  # fmt: skip
            self.test_groups = [known.groups[i] for i in rest.tolist()]
        series = known.stacked(steps, lengths)
        learned = series[train].double()
        self.mean = learned.mean((0, 1)).float()
        self.deviation = learned.std((0, 1), correction=0).float()
        if fitted:
            self.mean = torch.from_numpy(fitted.mean).float()
            self.deviation = torch.from_numpy(fitted.deviation).float()
        if not (self.deviation > 0).all():
            constant = known.channels[int((self.deviation <= 0).nonzero()[0])]
            raise CatsError(f"{data}: channel {constant!r} never changes in the training part")
        self.metadata = fitted or Metadata(
            self._described(series[train]), 1, steps, (1, patch), **self._answers(known, train)
        )
        self.model = self._shape()
        targets = self._targets(known)
        series = self._normal(series)
        self._series = series[train]
        self.train = Part(self._tokens(series[train]), targets[train])
        self.validation = Part(self._tokens(series[validation]), targets[validation])
        if test:
            self.test = Part(
                self._tokens(self._normal(test.stacked(steps, lengths))), self._targets(test)
            )
        else:
            self.test = Part(self._tokens(series[rest]), targets[rest])

    def _shape(self) -> ModelConfig:
        """The model that suits it."""
        metadata = self.metadata
        assert metadata is not None
        return ModelConfig(
            tokens_in=metadata.tokens_in,
            inputs=metadata.inputs,
            outputs=len(metadata.classes or metadata.values or ()),
            features=32,
            heads=8,
            hidden=64,
            blocks=2,
            activation="gelu",
            pool="mean",
            task="forecast" if metadata.classes is None else "classify",
        )

    @abstractmethod
    def _understand(
        self, known: Recordings, test: Recordings | None, fitted: Metadata | None
    ) -> Tensor:
        """Look at the answers; numbers int64 [n] of ``known`` of which each part gets its share."""

    @abstractmethod
    def _answers(self, known: Recordings, train: Tensor) -> dict[str, Any]:
        """What the metadata says of the outputs, by the samples that ``train``."""

    @abstractmethod
    def _targets(self, recordings: Recordings) -> Tensor:
        """Targets as a Part has them."""

    def _described(self, train: Tensor) -> tuple[Channel, ...]:
        """``train`` [n, steps, channels] as it was read."""
        low, high = train.amin((0, 1)).tolist(), train.amax((0, 1)).tolist()
        numbers = zip(self.mean.tolist(), self.deviation.tolist(), low, high, strict=True)
        return tuple(
            Channel(name, unit, *four)
            for name, unit, four in zip(self.channel_names, self.units, numbers, strict=True)
        )

    def _normal(self, series: Tensor) -> Tensor:
        return (series - self.mean) / self.deviation

    def _tokens(self, series: Tensor) -> Tensor:
        """[n, steps, channels] to [n, tokens, channels * patch]: a channel's steps are together."""
        series = series[:, series.shape[1] % self.patch :]
        return series.unflatten(1, (-1, self.patch)).transpose(2, 3).flatten(2)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        series = self._series[index]
        if self.augment:
            count, steps, channels = series.shape
            most = self.patch // 2
            shift = torch.randint(-most, most + 1, (count, 1), generator=generator)
            place = (torch.arange(steps) + shift).clamp(0, steps - 1)[..., None]
            series = series.gather(1, place.expand(-1, -1, channels))
            scale = torch.rand(count, 1, channels, generator=generator) * 0.2 + 0.9
            series = series * scale + 0.1 * torch.randn(series.shape, generator=generator)
        return self._tokens(series), self.train.targets[index]


def read_recordings(
    data: str,
    group: str | None,
    channels: Sequence[str] | None,
    separator: str,
    decimal: str,
    targets: Sequence[str] | None = None,
    fold: str | None = None,
) -> tuple[Recordings, Recordings | None]:
    """(recordings, those of the test part or None) of what ``data`` names; ``targets``: columns of
    numbers that are to be estimated, none where series have labels. In ``fold`` 2/2 the two have
    changed places."""
    second, folds = fold_of(fold) if fold else (0, 2)
    path = _inside_aeon(data.partition(":")[2]) if data.startswith("aeon:") else Path(data)
    if path.suffix.lower() != ".ts":
        return read_csv(path, separator, decimal, group, channels, targets), None
    if group or (separator, decimal) != (",", "."):
        raise CatsError(f"{path}: --group, --separator and --decimal are of CSV files")
    if targets and len(targets) > 1:
        raise CatsError(f"{path}: series of .ts files have one number each: one --target, its name")
    known = _taken(read_ts(path, targets), channels)
    other = path.with_name(path.name.replace("_TRAIN.", "_TEST."))
    if other == path or not other.exists():
        return known, None
    test = _taken(read_ts(other, targets), channels)
    if len(test.channels) != len(known.channels):
        raise CatsError(f"{other}: {len(test.channels)} channels in the test part, "
                        f"{len(known.channels)} in {path.name}")  # fmt: skip
    if folds != 2:
        raise CatsError(f"fold is {fold!r}: {path.name} has a test part, so there are two folds")
    return (test, known) if second else (known, test)


def _taken(known: Recordings, names: Sequence[str] | None) -> Recordings:
    """Recordings of a .ts file with these channels alone, in this order (None: as they are)."""
    if names is None:
        return known
    lost = [name for name in names if name not in known.channels]
    if lost or not names or len(set(names)) < len(names):
        raise CatsError(f"{known.path}: --channels {','.join(names)}: each once, of "
                        f"{', '.join(known.channels)}")  # fmt: skip
    at = [known.channels.index(name) for name in names]
    series = [values[:, at] for values in known.series]
    return replace(known, channels=tuple(names), series=series)


def _check_channels(known: Recordings, fitted: Metadata) -> None:
    channels = [channel.name for channel in fitted.channels]
    if list(known.channels) != channels:
        raise CatsError(f"{known.path} has channels {', '.join(known.channels)}; trained was with "
                        f"{', '.join(channels)}")  # fmt: skip


def _sha256(known: Recordings, test: Recordings | None) -> str:
    """That of the file; of two files that of both theirs, one after the other."""
    if test is None:
        return known.sha256
    return hashlib.sha256((known.sha256 + test.sha256).encode()).hexdigest()


def _inside_aeon(name: str) -> Path:
    """The training file of a data set that the package aeon brings; aeon is not imported."""
    package = util.find_spec("aeon")
    if package is None or not package.submodule_search_locations:
        raise CatsError(f"data set {name} lies inside the package aeon: pip install --no-deps aeon")
    folder = Path(package.submodule_search_locations[0]) / "datasets" / "data" / name
    for stem in (f"{name}_eq", name):  # series cut to equal length, where there are both
        path = folder / f"{stem}_TRAIN.ts"
        if path.exists():
            return path
    raise CatsError(f"the installed package aeon holds no data set {name!r}")
