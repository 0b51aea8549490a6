# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``.ts`` files of the UEA and UCR archives, as sktime and aeon define them.

Statements that begin with ``@`` come first, then, below ``@data``, a line for each series: channels
set apart by colons, each its values set apart by commas, and the label at the end. Lines that begin
with ``#`` or ``%`` are remarks. The format:
https://www.aeon-toolkit.org/en/stable/api_reference/data_format.html
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.tasks.recordings import Recordings
from cats.tasks.values import numbers, read_text

_FLAGS = ("timestamps", "missing", "univariate", "equallength", "targetlabel")
_COUNTS = ("dimensions", "serieslength")
_Fail = Callable[[str], CatsError]


def read_ts(path: Path, targets: Sequence[str] | None = None) -> Recordings:
    """All series of a file; CatsError names the line that breaks the format or a statement of the
    header, and files that are not for classification, or with ``targets`` (the name of the number
    that is to be estimated) not for regression."""
    text, sha256 = read_text(path)
    header: dict[str, object] = {}
    data = False
    series, labels, places = [], [], []
    for place, line in enumerate(io.StringIO(text, newline=None), 1):
        line = line.strip()
        if not line or line[0] in "#%":
            continue

        def fail(what: str, place: int = place) -> CatsError:
            return CatsError(f"{path}, line {place}: {what}")

        if data:
            values, label = _series(line, header, fail)
            series.append(values)
            labels.append(label)
            places.append(f"line {place}")
        elif line.lower() == "@data":
            _check_header(header, path, targets is not None)
            data = True
        elif line.startswith("@"):
            _statement(line, header, fail)
        else:
            raise fail("values before @data")
    if not series:
        raise CatsError(f"{path} holds no series")
    names = tuple(f"channel {i}" for i in range(series[0].shape[1]))
    if targets is None:
        return Recordings(path, names, series, labels, places, sha256)
    values = torch.tensor(labels, dtype=torch.float64)[:, None]
    return Recordings(path, names, series, (), places, sha256, values=values)


def _statement(line: str, header: dict[str, object], fail: _Fail) -> None:
    """Take in ``@name value...``; names that the format does not know are left alone."""
    name, *values = line[1:].split() or [""]
    name = {"dimension": "dimensions"}.get(name.lower(), name.lower())
    said = values[0].lower() if values else ""
    if name in (*_FLAGS, "classlabel") and said not in ("true", "false"):
        raise fail(f"@{name} is true or false")
    if name in _FLAGS:
        header[name] = said == "true"
    elif name in _COUNTS:
        if not said.isdecimal() or int(said[:9]) < 1:
            raise fail(f"@{name} is a number of at least 1")
        header[name] = int(said[:9])
    elif name == "classlabel":
        header[name] = values[1:] if said == "true" else []
        if said == "true" and not values[1:]:
            raise fail("@classLabel true is followed by the names of the classes")


def _check_header(header: dict[str, object], path: Path, numbers: bool) -> None:
    def fail(what: str) -> CatsError:
        return CatsError(f"{path}: {what}")

    if header.get("targetlabel") and not numbers:
        raise fail("@targetLabel true: numbers to be estimated, no classes: --task regression")
    if numbers and header.get("classlabel"):
        raise fail("@classLabel true: classes, no numbers to be estimated: --task classify")
    if numbers and not header.get("targetlabel"):
        raise fail("no @targetLabel true: series without a number cannot be learned from")
    if not numbers and not header.get("classlabel"):
        said = "@classLabel false" if "classlabel" in header else "no @classLabel"
        raise fail(f"{said}: series without labels cannot be learned from; if they have labels, "
                   "write @classLabel true and all class names")  # fmt: skip
    if header.get("timestamps"):
        raise fail("@timeStamps true: values with time stamps are not read; write values alone")
    if header.get("univariate") and header.get("dimensions", 1) != 1:
        raise fail(f"@univariate true and {header['dimensions']} dimensions contradict each other")
    if header.get("univariate"):
        header["dimensions"] = 1


def _series(line: str, header: dict, fail: _Fail) -> tuple[Tensor, str | float]:
    """(values float32 [steps, channels], label or number) of a line."""
    *texts, label = line.split(":")
    label = label.strip()
    dimensions = header.setdefault("dimensions", len(texts))  # by the first line
    if len(texts) != dimensions or not texts:
        raise fail(f"{len(texts)} channels and a label, not {max(dimensions, 1)} and a label")
    if not label:
        raise fail("the label at the end is missing")
    if header.get("targetlabel"):
        label = _number(label, fail)
    elif label not in header["classlabel"]:
        classes = " ".join(header["classlabel"])
        raise fail(f"label {label!r} is not one of @classLabel: {classes}")
    channels = [_channel(text, i, fail) for i, text in enumerate(texts)]
    steps = {len(channel) for channel in channels}
    if len(steps) > 1:
        raise fail(f"channels of {', '.join(map(str, sorted(steps)))} steps in one series")
    if header.get("equallength"):
        length = header.setdefault("serieslength", *steps)
        if steps != {length}:
            raise fail(f"{steps.pop()} steps; by @equalLength true and @seriesLength or the first "
                       f"series there are {length}")  # fmt: skip
    return torch.tensor(channels).T, label


def _number(text: str, fail: _Fail) -> float:
    try:
        (value,) = numbers([text])
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise fail(f"{text!r} at the end is no number")
    return value


def _channel(text: str, channel: int, fail: _Fail) -> list[float]:
    try:
        values = numbers(text.split(","))
    except ValueError as error:
        raise fail(f"channel {channel}: {error}") from None
    if not math.isfinite(sum(values)):
        step = next(i for i, value in enumerate(values) if math.isnan(value))
        raise fail(f"channel {channel}, step {step}: {text.split(',')[step]!r} is a missing value: "
                   "fill it, or drop the series")  # fmt: skip
    return values
