# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What training knows of samples and outputs, and whoever uses the model must know: how raw samples
become inputs, and what outputs mean.

It travels with the model: RUN/config.json, plan.json, the C header, the partition image. TFLite
calls the same thing metadata.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cats.errors import CatsError
from cats.shape.config import ModelConfig, later

#: How a sample becomes a real input; enum cats_normalisation. ``fixed``: (value - mean) / deviation
#: of its channel. ``window``: so, and then by mean m and variance v of the window itself:
#: (value - m) / sqrt(v + EPSILON).
NORMALISATIONS = ("fixed", "window")
#: Of the window's variance.
EPSILON = 1e-5
#: Most pixels around a patch.
MAX_OVERLAP = 255
#: Most steps of a window that is normalised by itself: the device sums in 64 bits.
MAX_WINDOW = 32767


@dataclass(frozen=True)
class Channel:
    """One channel of a sample: mean and deviation (> 0) of the training part in ``unit``, and the
    least and the largest value there. An int16 sample counts ``counts_per_unit`` to the unit; None
    until the model is exported, unless the task knows it."""

    name: str
    unit: str = ""
    mean: float = 0.0
    deviation: float = 1.0
    low: float = 0.0
    high: float = 0.0
    counts_per_unit: float | None = None


@dataclass(frozen=True)
class Metadata:
    """A window of samples is [height, width, channels]: a series has height 1 and width steps, an
    image may have one channel.

    A token is a patch of (rows, columns), tokens go left to right and down; its input columns are
    channel by channel, in a channel row by row of the patch. The oldest steps that fill no token
    are left out; rows must fill. A token of an image also has the ``overlap`` pixels around its
    patch on all sides; beyond the edge they are real inputs of 0, the channel's mean.

    Outputs are one of three things. ``classes``: their names in their order. ``values``: numbers,
    each with its name, unit, mean and deviation; an integer counts ``counts_per_unit`` to the unit.
    ``horizon``: so many further steps of the first ``targets`` channels, of one behind those of
    another, each normalised as its own window is; then ``step`` is the time between two steps in
    seconds, None where it is not known.
    """

    channels: tuple[Channel, ...]
    height: int
    width: int
    patch: tuple[int, int]
    classes: tuple[str, ...] | None = None
    horizon: int | None = None
    normalisation: str = "fixed"
    step: float | None = None
    targets: int = 1
    values: tuple[Channel, ...] | None = None
    overlap: int = later(0)

    @property
    def tokens_in(self) -> int:
        """Rows of the model's input."""
        return (self.height // self.patch[0]) * (self.width // self.patch[1])

    @property
    def inputs(self) -> int:
        """P: columns of the model's input."""
        rows, columns = self.seen
        return len(self.channels) * rows * columns

    @property
    def seen(self) -> tuple[int, int]:
        """(rows, columns) of what a token sees: its patch and what is around it."""
        return self.patch[0] + 2 * self.overlap, self.patch[1] + 2 * self.overlap

    @property
    def mean(self) -> np.ndarray:
        """float64 [channels]."""
        return np.array([channel.mean for channel in self.channels])

    @property
    def deviation(self) -> np.ndarray:
        """float64 [channels]."""
        return np.array([channel.deviation for channel in self.channels])

    def check(self, model: ModelConfig | None = None) -> None:
        """Raise CatsError unless this can be, and describes ``model``."""
        for key, value in (("height", self.height), ("width", self.width)):
            _demand(key, 1 <= value < 2**16, value, "1 to 65535")
        _demand("channels", 1 <= len(self.channels) < 2**16, len(self.channels), "1 to 65535")
        rows, columns = self.patch
        fits = 1 <= rows <= self.height and 1 <= columns <= self.width and not self.height % rows
        _demand("patch", fits, list(self.patch), f"to fit {self.height} x {self.width}")
        _demand("overlap", 0 <= self.overlap <= MAX_OVERLAP, self.overlap, f"0 to {MAX_OVERLAP}")
        fits = not self.overlap or (self.normalisation == "fixed" and not self.width % columns)
        _demand(
            "overlap", fits, self.overlap, "0 where a window is normalised or its steps left out"
        )
        named = [(f"channels[{i}]", channel) for i, channel in enumerate(self.channels)]
        named += [(f"values[{i}]", value) for i, value in enumerate(self.values or ())]
        for key, channel in named:
            with np.errstate(over="ignore"):
                numbers = np.float32([channel.mean, channel.deviation])
            fine = np.isfinite(numbers).all() and numbers[1] >= np.finfo(np.float32).tiny
            shown = [channel.mean, channel.deviation]
            _demand(f"{key}.mean, .deviation", fine, shown, "float32, the latter above 0")
            counts = channel.counts_per_unit
            fine = counts is None or (math.isfinite(counts) and 1e-30 < counts < 1e30)
            _demand(f"{key}.counts_per_unit", fine, counts, "a number above 0")
        texts = [text for _, c in named for text in (c.name, c.unit)] + list(self.classes or ())
        _demand("names", not any("\0" in text for text in texts), "a zero byte", "text")
        said = [key for key in ("classes", "horizon", "values") if getattr(self, key) is not None]
        _demand("outputs", len(said) < 2, " and ".join(said), "one of them")
        _demand("values", self.values is None or len(self.values) > 0, "empty", "one at least")
        most = len(self.channels) if self.horizon is not None else 1
        _demand("targets", 1 <= self.targets <= most, self.targets, f"1 to {most}")
        if self.horizon is not None:
            _demand("horizon", self.horizon >= 1, self.horizon, "at least 1")
            wanted = "window where there is a horizon"
            _demand("normalisation", self.normalisation == "window", self.normalisation, wanted)
        if self.step is not None:
            fine = math.isfinite(self.step) and 1e-9 <= self.step < 2**32
            _demand("step", fine, self.step, "seconds, 1e-9 to 2^32")
        if model is not None:
            self._check_model(model)

    def _check_model(self, model: ModelConfig) -> None:
        for key, mine in (("tokens_in", self.tokens_in), ("inputs", self.inputs)):
            _demand(f"height, width, patch: {key}", mine == getattr(model, key), mine,
                    f"the model's {getattr(model, key)}")  # fmt: skip
        counts = {
            "classes": len(self.classes or ()),
            "horizon": (self.horizon or 0) * self.targets,
            "values": len(self.values or ()),
        }
        for key, count in counts.items():
            if getattr(self, key) is not None:
                _demand(key, count == model.outputs, count, f"the model's {model.outputs}")


def _demand(key: str, fine: bool, value: object, wanted: str) -> None:
    if not fine:
        raise CatsError(f"metadata: {key} is {value}: it must be {wanted}")


def units_of(channels: int, units: Sequence[str] | None) -> tuple[str, ...]:
    """The unit of each channel: "" where none is known, one of all, or one of each."""
    given = list(units or [""])
    if len(given) == 1:
        given *= channels
    if len(given) != channels:
        raise CatsError(f"{len(given)} units for {channels} channels: one for all, or one for each")
    return tuple(given)


def sorted_labels(labels: set[str] | frozenset[str]) -> list[str]:
    """Class names in their order: as numbers where all are finite ones (1, 2, 10), else as text.
    CatsError where two are the same number (1 and 1.0)."""
    try:
        numbers = {label: float(label) for label in labels}
    except ValueError:
        return sorted(labels)
    if not all(map(math.isfinite, numbers.values())):
        return sorted(labels)
    names = sorted(labels, key=lambda label: (numbers[label], label))
    for one, other in itertools.pairwise(names):
        if numbers[one] == numbers[other]:
            raise CatsError(f"labels {one!r} and {other!r} are the same number: write them alike")
    return names


def to_json(metadata: Metadata) -> dict:
    """Plain JSON types."""
    data = dataclasses.asdict(metadata)
    if not metadata.overlap:
        del data["overlap"]  # files of before have none
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def from_json(data: object, model: ModelConfig | None = None) -> Metadata:
    """Inverse of to_json; CatsError names the key that does not fit."""
    number, text = _number, _type("text", str)
    channel = {"name": text, "unit": text, "mean": number, "deviation": number, "low": number,
               "high": number, "counts_per_unit": _optional(number)}  # fmt: skip
    whole = _type("a whole number", int)
    channels = _list(lambda key, v: Channel(**_object(key, v, channel)))
    if isinstance(data, dict):  # of a version before there were these
        data = {"targets": 1, "values": None, "overlap": 0, **data}
    values = _object("metadata", data, {
        "channels": channels, "targets": whole, "values": _optional(channels), "overlap": whole,
        "height": whole, "width": whole, "patch": _list(whole),
        "classes": _optional(_list(text)), "horizon": _optional(whole), "normalisation": text,
        "step": _optional(number),
    })  # fmt: skip
    _demand("patch", len(values["patch"]) == 2, list(values["patch"]), "two whole numbers")
    legal = values["normalisation"] in NORMALISATIONS
    _demand("normalisation", legal, values["normalisation"], " or ".join(NORMALISATIONS))
    metadata = Metadata(**values)
    metadata.check(model)
    return metadata


Reader = Callable[[str, object], Any]


def _object(key: str, value: object, fields: Mapping[str, Reader]) -> dict:
    if not isinstance(value, dict):
        raise CatsError(f"metadata: {key} is {value!r}: it must be an object")
    for name in fields.keys() ^ value.keys():
        raise CatsError(f"metadata: {key} {'lacks' if name in fields else 'has an unknown'} {name}")
    return {name: read(name, value[name]) for name, read in fields.items()}


def _type(what: str, kind: type) -> Reader:
    def read(key: str, value: object) -> object:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise CatsError(f"metadata: {key} is {value!r}: it must be {what}")
        return value

    return read


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise CatsError(f"metadata: {key} is {value!r}: it must be a number")
    return float(value)


def _optional(read: Reader) -> Reader:
    return lambda key, value: None if value is None else read(key, value)


def _list(read: Reader) -> Reader:
    def read_all(key: str, value: object) -> tuple:
        if not isinstance(value, list):
            raise CatsError(f"metadata: {key} is {value!r}: it must be a list")
        return tuple(read(f"{key}[{i}]", item) for i, item in enumerate(value))

    return read_all
