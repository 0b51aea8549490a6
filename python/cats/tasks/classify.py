# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Classification of multichannel time series: what a body-worn or machine-mounted sensor records.

A token holds ``patch`` steps of every channel, channel by channel, so that nodes can each bring
channels of their own (``--input-split channels``). Channels are normalised by mean and deviation of
the training part. Data comes as a ``.ts`` file of the UEA and UCR archives, with its test part in a
second file, or as a CSV file of its own kind; two sets of the archive lie inside the package aeon.
"""

from __future__ import annotations

import csv
import math
from importlib import util
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata, sorted_labels
from cats.tasks import Part, Task

#: Options by name of a data set that lies inside the package aeon.
PRESETS = {
    "basicmotions": {"data": "aeon:BasicMotions", "patch": 10},
    "japanesevowels": {"data": "aeon:JapaneseVowels", "patch": 5},
}
#: Samples: series float32 [n, steps, channels], label of each.
Samples = tuple[Tensor, list[str]]


class Classify(Task):
    """Series of equal length in tokens of ``patch`` steps; the oldest steps that fill no token are
    left out.

    ``data``: ``NAME_TRAIN.ts`` (``NAME_TEST.ts`` beside it is the test part), a CSV file, or
    ``aeon:NAME``. Of the training samples, or of all where no test part is given, a share of every
    class is set aside, by ``split_seed``: 20 % to validate, and without a test part 25 % to test.
    ``augment``: training series are shifted by up to half a patch, and each channel is scaled by up
    to 10 % and gets noise of a tenth of its deviation.
    """

    name = "classify"
    metric = "accuracy"
    higher_is_better = True
    training = {"epochs": 100, "lr": 3e-3, "batch": 32, "patterns": 1, "threads": 1}

    def __init__(
        self, data: str, patch: int = 10, split_seed: int = 0, augment: bool = True
    ) -> None:
        if patch < 1:
            raise CatsError(f"patch is {patch}: at least 1")
        known, test = _read(data)
        steps, self.channels = known[0].shape[1:]
        self.channel_names = _channel_names(data, self.channels)
        if test is not None and test[0].shape[1:] != known[0].shape[1:]:
            raise CatsError(f"{data}: series of {list(test[0].shape[1:])} in the test part, not "
                            f"{list(known[0].shape[1:])}")  # fmt: skip
        if patch > steps:
            raise CatsError(f"patch of {patch} steps: a series has {steps}")
        self.classes = sorted_labels({*known[1], *(test[1] if test else ())})
        if len(self.classes) < 2:
            raise CatsError(f"{data} holds one class: there is nothing to tell apart")
        self.options = {
            "data": str(data),
            "patch": patch,
            "split_seed": split_seed,
            "augment": augment,
        }
        self.patch, self.augment = patch, augment
        self.model = ModelConfig(
            tokens_in=steps // patch,
            inputs=patch * self.channels,
            outputs=len(self.classes),
            features=32,
            heads=8,
            hidden=64,
            blocks=2,
            activation="gelu",
            pool="mean",
            task="classify",
        )
        series, labels = known[0], self._numbers(known[1])
        shares = (0.8, 0.2, 0.0) if test else (0.6, 0.15, 0.25)
        train, validation, rest = _split(labels, shares, split_seed)
        if not len(train) or not len(validation) or not (test or len(rest)):
            raise CatsError(f"{data}: {len(labels)} series are too few for all parts")
        self.mean = series[train].mean((0, 1))
        self.deviation = series[train].std((0, 1), correction=0)
        if not (self.deviation > 0).all():
            constant = int((self.deviation <= 0).nonzero()[0])
            raise CatsError(f"{data}: channel {constant} never changes in the training part")
        self.metadata = self._metadata(series[train])
        series = self._normal(series)
        self._series = series[train]
        self.train = Part(self._tokens(series[train]), labels[train])
        self.validation = Part(self._tokens(series[validation]), labels[validation])
        if test:
            self.test = Part(self._tokens(self._normal(test[0])), self._numbers(test[1]))
        else:
            self.test = Part(self._tokens(series[rest]), labels[rest])

    def _metadata(self, train: Tensor) -> Metadata:
        """``train`` [n, steps, channels] as it was read."""
        low, high = train.amin((0, 1)).tolist(), train.amax((0, 1)).tolist()
        numbers = zip(self.mean.tolist(), self.deviation.tolist(), low, high, strict=True)
        channels = tuple(
            Channel(name, "", *four) for name, four in zip(self.channel_names, numbers, strict=True)
        )
        return Metadata(channels, 1, train.shape[1], (1, self.patch), tuple(self.classes))

    def _numbers(self, labels: list[str]) -> Tensor:
        return torch.tensor([self.classes.index(label) for label in labels])

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

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(output[:, -1], targets, label_smoothing=0.05)

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        right = output.argmax(-1) == part.targets
        return {"accuracy": right.double().mean().item()}


def _split(labels: Tensor, shares: tuple[float, float, float], seed: int) -> list[Tensor]:
    """Indices of training, validation and test: these shares of every class."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[Tensor]] = [[], [], []]
    for label in labels.unique():
        members = (labels == label).nonzero()[:, 0]
        members = members[torch.randperm(len(members), generator=generator)]
        ends = [round(shares[0] * len(members)), round((shares[0] + shares[1]) * len(members))]
        for part, chunk in zip(parts, members.tensor_split(ends), strict=True):
            part.append(chunk)
    return [torch.cat(part).sort().values for part in parts]


def _read(data: str) -> tuple[Samples, Samples | None]:
    """(samples, test samples or None) of what ``data`` names."""
    if data.startswith("aeon:"):
        data = str(_inside_aeon(data.partition(":")[2]))
    path = Path(data)
    if path.suffix != ".ts":
        return read_csv(path), None
    samples = read_ts(path)
    if not path.stem.endswith("_TRAIN"):
        return samples, None
    test = path.with_name(path.name.replace("_TRAIN.ts", "_TEST.ts"))
    return samples, read_ts(test) if test.exists() else None


def _channel_names(data: str, channels: int) -> list[str]:
    if data.startswith("aeon:") or Path(data).suffix == ".ts":
        return [f"channel {i}" for i in range(channels)]
    header = [name.strip() for name in next(csv.reader(_lines(Path(data))))]
    return [name for name in header if name not in ("sample", "label")]


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


def read_ts(path: Path) -> Samples:
    """A ``.ts`` file: after ``@data`` a line for each sample, channels and the label at its end set
    apart by colons, values by commas."""
    series, labels, data = [], [], False
    for number, line in enumerate(_lines(path), 1):
        line = line.strip()
        if not line or line.startswith(("#", "@")):
            data = data or line.lower() == "@data"
            continue
        if not data:
            raise CatsError(f"{path}, line {number}: values before @data")
        *channels, label = line.split(":")
        try:
            values = torch.tensor([[float(v) for v in channel.split(",")] for channel in channels])
        except (TypeError, ValueError) as error:
            raise CatsError(f"{path}, line {number}: {error}") from None
        _check_series(path, f"line {number}", values.T, series)
        series.append(values.T)
        labels.append(label.strip())
    if not series:
        raise CatsError(f"{path} holds no series")
    return torch.stack(series), labels


def read_csv(path: Path) -> Samples:
    """A CSV file with a header: ``sample`` (rows of one sample stand together, in order of time),
    ``label``, and a column for each channel."""
    rows = csv.reader(_lines(path))
    header = [name.strip() for name in next(rows, [])]
    if "sample" not in header or "label" not in header or len(header) < 3:
        raise CatsError(f"{path} needs columns sample, label and one for each channel")
    sample, label = header.index("sample"), header.index("label")
    channels = [i for i in range(len(header)) if i not in (sample, label)]
    groups: dict[str, list[list[float]]] = {}
    labels: dict[str, str] = {}
    last = None
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        try:
            values = [float(row[i]) for i in channels]
            name, kind = row[sample].strip(), row[label].strip()
        except (ValueError, IndexError):
            raise CatsError(f"{path}, row {number}: a value is missing or no number") from None
        if not all(map(math.isfinite, values)):
            raise CatsError(f"{path}, row {number}: a value is missing or no number")
        if name in groups and name != last:
            raise CatsError(f"{path}, row {number}: rows of sample {name!r} stand apart")
        if labels.setdefault(name, kind) != kind:
            raise CatsError(f"{path}, row {number}: sample {name!r} has two labels")
        groups.setdefault(name, []).append(values)
        last = name
    if not groups:
        raise CatsError(f"{path} has a header and no rows")
    series: list[Tensor] = []
    for name, values in groups.items():
        _check_series(path, f"sample {name!r}", torch.tensor(values), series)
        series.append(torch.tensor(values))
    return torch.stack(series), list(labels.values())


def _check_series(path: Path, where: str, values: Tensor, before: list[Tensor]) -> None:
    """CatsError unless values [steps, channels] are finite and shaped as those before."""
    if not values.isfinite().all():
        raise CatsError(f"{path}, {where}: a value is missing: fill or drop it first")
    if before and values.shape != before[0].shape:
        raise CatsError(
            f"{path}, {where}: {len(values)} steps of {values.shape[1]} channels, the first series "
            f"has {len(before[0])} of {before[0].shape[1]}: cut or pad them to equal shape"
        )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CatsError(f"{path} cannot be read: {error}") from None
