# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Files of new data, read by what a model's metadata says of its samples, with labels or without.

``.ts``: series of the UEA and UCR archives. ``.csv``: a column for each channel of the model, by
its name; rows of one ``sample`` are a series, with a ``label`` where there are labels. Images: a
row for each, its pixels in its columns. ``.wav``: one recording, of a model of speech. ``.npy``,
``.npz`` (``samples``, perhaps ``labels``): arrays [n, height, width, channels], without the axes
that are one. For a text model any file is text.
"""

from __future__ import annotations

import dataclasses
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from cats.errors import CatsError
from cats.shape.metadata import Metadata
from cats.tasks import log_mel
from cats.tasks.read_speech import placed, read_wav
from cats.tasks.read_table import Table
from cats.tasks.text_tokens import Vocabulary, text_of
from cats.tasks.values import number

#: Columns of a CSV file that are no channels.
SAMPLE, LABEL = "sample", "label"


@dataclass(frozen=True)
class NewData:
    """``samples`` float64 [n, height, width, channels], a name for each and, where the file has
    them, labels. ``following`` float64 [n, C] is what the file says of values that are estimated,
    or of a time to forecast, NaN where it ends before; ``times`` of each window's last step."""

    samples: np.ndarray
    names: Sequence[str]
    labels: Sequence[str] | None = None
    following: np.ndarray | None = None
    times: Sequence[datetime] | None = None


def read(
    path: Path, metadata: Metadata, every: bool = False, separator: str = ",", decimal: str = "."
) -> NewData:
    """All samples of a file; ``separator`` and ``decimal`` are of CSV files.

    Of a series that is longer than a window the newest window; with ``every`` all windows: of a
    forecaster one that ends at each row, else one behind the other.
    """
    vocabulary = Vocabulary.of(metadata)
    try:
        if vocabulary is not None:
            found = _read_text(path, vocabulary, metadata.width, every)
        elif path.suffix.lower() in (".npy", ".npz"):
            found = _read_arrays(path, metadata)
        elif path.suffix.lower() == ".ts":
            found = _cut(path, _read_ts(path, metadata), metadata, every)
        elif path.suffix.lower() == ".wav":
            found = _cut(path, _read_sound(path, metadata), metadata, every)
        else:
            table = Table(path, separator, decimal)
            if metadata.height > 1:
                found = _read_images(table, metadata)
            elif metadata.horizon is not None:
                found = _read_line(table, metadata, every)
            else:
                found = _cut(path, _read_series(table, metadata), metadata, every)
    except (OSError, UnicodeDecodeError) as error:
        raise CatsError(f"{path} cannot be read: {error}") from None
    if not len(found.samples):
        raise CatsError(f"{path} holds no samples")
    if not np.isfinite(found.samples).all():
        bad = found.names[int(np.argwhere(~np.isfinite(found.samples))[0][0])]
        raise CatsError(f"{path}, {bad}: a value is missing or infinite: fill it, or leave it out")
    if found.labels is not None and metadata.values is not None:
        found = _with_values(path, found, len(metadata.values), decimal)
    if found.labels is not None and metadata.classes is not None:
        unknown = sorted(set(found.labels) - set(metadata.classes))
        if unknown:
            raise CatsError(f"{path}: label {unknown[0]!r} is no class of the model: "
                            f"{', '.join(metadata.classes)}")  # fmt: skip
    return found


def _with_values(path: Path, found: NewData, count: int, decimal: str) -> NewData:
    """Labels as numbers [n, count]."""
    try:
        rows = [
            [number(text, decimal) for text in label.split("\t")] for label in found.labels or ()
        ]
        values = np.array(rows, np.float64).reshape(len(found.samples), count)
    except ValueError as error:
        raise CatsError(f"{path}: labels are no numbers: {error}") from None
    return dataclasses.replace(found, labels=None, following=values)


#: (name, values [steps, channels], label or None) of each series.
_Series = list[tuple[str, np.ndarray, str | None]]


def _cut(path: Path, series: _Series, metadata: Metadata, every: bool) -> NewData:
    """Windows of each series."""
    width = metadata.width
    windows, names, labels = [], [], []
    for name, values, label in series:
        if len(values) < width:
            raise CatsError(f"{path}, {name}: {len(values)} steps, a window has {width}")
        count = len(values) // width if every else 1
        for i in range(count):
            end = len(values) - (count - 1 - i) * width
            windows.append(values[end - width : end])
            names.append(name if count == 1 else f"{name}, steps {end - width} to {end - 1}")
            labels.append(label)
    known = None if not labels or None in labels else [str(label) for label in labels]
    return NewData(np.array(windows)[:, None], names, known)


def _read_text(path: Path, vocabulary: Vocabulary, width: int, every: bool) -> NewData:
    """The last window of a text, or all, side by side, with the token that follows each."""
    tokens = vocabulary.encode(text_of(path, vocabulary.unit), str(path))
    if len(tokens) < width + every:
        raise CatsError(f"{path}: {len(tokens)} {vocabulary.unit}s, a window has {width}"
                        + (" and one follows" if every else ""))  # fmt: skip
    begins = range(0, len(tokens) - width, width) if every else [len(tokens) - width]
    samples = np.zeros((len(begins), 1, width, len(vocabulary.names)))
    for sample, begin in zip(samples, begins, strict=True):
        sample[0, np.arange(width), tokens[begin : begin + width]] = 1
    names = [f"{vocabulary.unit}s {begin} to {begin + width - 1}" for begin in begins]
    labels = [vocabulary.names[tokens[begin + width]] for begin in begins] if every else None
    return NewData(samples, names, labels)


def _read_ts(path: Path, metadata: Metadata) -> _Series:
    """Lines behind ``@data``: the model's channels, and perhaps a label behind them."""
    channels, found, data = len(metadata.channels), [], False
    for at, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        line = line.strip()
        if not data or not line or line[0] in "#%":
            data = data or line.lower() == "@data"
            continue
        parts = line.split(":")
        if len(parts) not in (channels, channels + 1):
            raise CatsError(f"{path}, line {at}: {len(parts)} parts, not {channels} channels "
                            "and perhaps a label")  # fmt: skip
        try:
            values = [[float(v) for v in part.split(",")] for part in parts[:channels]]
            label = parts[channels].strip() if len(parts) > channels else None
            found.append((f"line {at}", np.array(values, np.float64).T, label))
        except ValueError as error:
            raise CatsError(f"{path}, line {at}: {error}") from None
    return found


def _read_sound(path: Path, metadata: Metadata) -> _Series:
    """Features of a recording; a shorter one lies in the middle of silence."""
    shape = log_mel.shape_of(metadata)
    if shape is None:
        raise CatsError(f"{path}: the model looks at no log-mel features: it takes no sound")
    rate, samples = read_wav(path)
    if rate != shape.rate:
        raise CatsError(f"{path} has {rate} samples a second, the model takes {shape.rate}")
    samples = placed(samples, max(len(samples), shape.samples(metadata.width)))
    return [(path.name, shape.features(samples) / log_mel.COUNTS, None)]


def _numbers(table: Table, row: int, cells: list[str], columns: Sequence[int]) -> list[float]:
    """Of these columns; CatsError names the row where a value is missing."""
    values = [table.value(row, cells, column) for column in columns]
    if any(map(math.isnan, values)):
        missing = table.header[columns[[*map(math.isnan, values)].index(True)]]
        raise table.error(row, cells, f"column {missing!r}: a value is missing: fill it first")
    return values


def _optional(table: Table, name: str) -> int | None:
    return table.header.index(name) if name in table.header else None


def _read_series(table: Table, metadata: Metadata) -> _Series:
    channels = [table.column(channel.name) for channel in metadata.channels]
    sample = _optional(table, SAMPLE)
    named = [LABEL] if metadata.values is None else [value.name for value in metadata.values]
    answers = [table.column(name) for name in named if name in table.header]
    values: dict[str, list[list[float]]] = {}
    labels: dict[str, str] = {}
    for at, row in table.rows():
        name = f"sample {row[sample]}" if sample is not None else table.path.name
        values.setdefault(name, []).append(_numbers(table, at, row, channels))
        label = "\t".join(row[column] for column in answers)
        if len(answers) == len(named) and labels.setdefault(name, label) != label:
            raise table.error(at, row, f"{name} has two labels")
    return [(name, np.array(rows), labels.get(name)) for name, rows in values.items()]


def _read_images(table: Table, metadata: Metadata) -> NewData:
    sample, label = _optional(table, SAMPLE), _optional(table, LABEL)
    pixels = [i for i in range(len(table.header)) if i not in (sample, label)]
    shape = (metadata.height, metadata.width, len(metadata.channels))
    if len(pixels) != math.prod(shape):
        raise table.lacks(f"{math.prod(shape)} columns of values")
    images, names, labels = [], [], []
    for at, row in table.rows():
        images.append(_numbers(table, at, row, pixels))
        names.append(f"row {at}" if sample is None else f"sample {row[sample]}")
        labels.append("" if label is None else row[label])
    known = None if label is None else labels
    return NewData(np.array(images, np.float64).reshape(-1, *shape), names, known)


def _read_line(table: Table, metadata: Metadata, every: bool) -> NewData:
    """The columns of a forecaster, with times in the first column where these are dates."""
    columns = [table.column(channel.name) for channel in metadata.channels]
    values, stamps = [], []
    for at, row in table.rows():
        values.append(_numbers(table, at, row, columns))
        stamps.append(row[0])
    width, horizon = metadata.width, metadata.horizon or 0
    if len(values) < width:
        raise CatsError(f"{table.path}: {len(values)} rows, a window has {width}")
    ends = range(width, len(values) + 1) if every else [len(values)]
    lines = np.array(values + [[math.nan] * len(columns)] * horizon)
    samples = np.stack([lines[end - width : end] for end in ends])[:, None]
    wanted = lines[:, : metadata.targets]
    following = np.stack([wanted[end : end + horizon].T.ravel() for end in ends])
    times = None if 0 in columns else _dates([stamps[end - 1] for end in ends])
    return NewData(samples, [f"row {end}" for end in ends], None, following, times)


def _dates(texts: Sequence[str]) -> list[datetime] | None:
    try:
        return [datetime.fromisoformat(text) for text in texts]
    except ValueError:
        return None


def _read_arrays(path: Path, metadata: Metadata) -> NewData:
    try:
        found = np.load(path, allow_pickle=False)
        arrays = {"samples": found} if isinstance(found, np.ndarray) else dict(found)
        if "samples" not in arrays:
            raise CatsError(f"{path} holds no array 'samples'")
        array = np.asarray(arrays["samples"], np.float64)
        labels = arrays["labels"].tolist() if "labels" in arrays else None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CatsError(f"{path} cannot be read: {error}") from None
    shape = (metadata.height, metadata.width, len(metadata.channels))
    if array.ndim < 1 or array.size != len(array) * math.prod(shape):
        raise CatsError(
            f"{path}: samples of {list(array.shape[1:])}, the model takes {list(shape)}"
        )
    if labels is not None and len(labels) != len(array):
        raise CatsError(f"{path}: {len(labels)} labels for {len(array)} samples")
    names = [f"sample {i}" for i in range(len(array))]
    return NewData(
        array.reshape(-1, *shape), names, None if labels is None else [*map(str, labels)]
    )


def steps_to_come(metadata: Metadata, time: datetime | None) -> list[str]:
    """The time of each forecast value, or how many steps ahead it is."""
    count = range(1, (metadata.horizon or 0) + 1)
    if time is None or metadata.step is None:
        return [f"+{i}" for i in count]
    return [(time + timedelta(seconds=metadata.step * i)).isoformat(" ") for i in count]
