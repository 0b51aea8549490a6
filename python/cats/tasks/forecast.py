# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Forecasting one column of a CSV file: patches of a time series in, the next values out.

The series is cut in order of time, and its mean and deviation are those of the training part alone;
the metric is taken in these units. Each window is normalised once more by the mean and deviation of
its own context, and the forecast is scaled back (reversible instance normalisation): all that it
needs is past when the forecast is made.
"""

from __future__ import annotations

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata
from cats.tasks import Part, Task

#: Most floats of training windows that are laid out in memory (1 GiB).
MOST_FLOATS = 1 << 28
#: A month of the literature's splits.
MONTH = timedelta(days=30)
#: What to do where a value is missing: name its row and stop, or take the value before it.
MISSING = ("refuse", "hold")
#: Options by name of a published protocol; ``ett``: one column of the ETT hourly files.
PRESETS = {
    "ett": {
        "target": "OT",
        "context": 512,
        "horizon": 96,
        "patch": 16,
        "stride": 1,
        "parts": "12m:4m:4m",
    }
}


class Forecast(Task):
    """Windows of ``context`` values in tokens of ``patch``, followed by ``horizon`` to forecast.

    ``parts``: training, validation and test as shares (``0.6:0.2:0.2``), as numbers of rows
    (``8640:2880:2880``, the rest is unused) or in months of 30 days (``12m:4m:4m``), which takes
    the time between rows from the first column. A validation or test window may look back into
    the part before, as it would in use. ``stride`` is between training windows; validation and
    test windows start at every row. ``missing`` is what to do where a value is missing: ``refuse``
    names its row, ``hold`` takes the last value before it, which is all that is known then.

    ``period`` is the number of rows a day, or None where the first column holds no dates.
    """

    name = "forecast"
    metric = "mse"
    higher_is_better = False
    training = {"epochs": 4, "lr": 1e-3, "patterns": 1, "threads": 1}

    def __init__(
        self,
        data: str,
        target: str,
        context: int = 512,
        horizon: int = 96,
        patch: int = 16,
        stride: int = 1,
        parts: str = "0.6:0.2:0.2",
        missing: str = "refuse",
    ) -> None:
        numbers = {"context": context, "horizon": horizon, "patch": patch, "stride": stride}
        for name, value in numbers.items():
            if value < 1:
                raise CatsError(f"{name} is {value}: at least 1")
        if context % patch:
            raise CatsError(f"context of {context} values is no multiple of the patch of {patch}")
        if missing not in MISSING:
            raise CatsError(f"missing is {missing!r}: one of {', '.join(MISSING)}")
        self.options = {"data": str(data), "target": target, **numbers, "parts": parts}
        self.options["missing"] = missing
        self.context, self.horizon, self.patch = context, horizon, patch
        self.model = ModelConfig(
            tokens_in=context // patch,
            inputs=patch,
            outputs=horizon,
            features=64,
            heads=8,
            hidden=128,
            blocks=2,
            causal=True,
            activation="gelu",
            pool="last",
            task="forecast",
        )
        values, times = read_column(Path(data), target, missing)
        self.period = _rows_a_day(times)
        counts = _part_rows(parts, len(values), times)
        series = torch.tensor(values, dtype=torch.float64)
        known = series[: counts[0]]
        self.mean, self.deviation = known.mean().item(), known.std(correction=0).item()
        if not self.deviation > 0:
            raise CatsError(f"column {target!r} never changes in its first {counts[0]} rows")
        low, high = known.min().item(), known.max().item()
        step = _step(times)
        self.metadata = Metadata(
            channels=(Channel(target, "", self.mean, self.deviation, low, high),),
            height=1,
            width=context,
            patch=(1, patch),
            horizon=horizon,
            normalisation="window",
            step=None if step is None else step.total_seconds(),
        )
        series = ((series - self.mean) / self.deviation).float()
        ends = [counts[0], sum(counts[:2]), sum(counts)]
        self.train = self._part(self._cut("training", series[: ends[0]], stride))
        self.validation = self._part(
            self._cut("validation", series[max(0, ends[0] - context) : ends[1]], 1)
        )
        self.test = self._part(self._cut("test", series[max(0, ends[1] - context) : ends[2]], 1))

    def _cut(self, part: str, series: Tensor, stride: int) -> Tensor:
        """View [n, context + horizon] of a series."""
        length = self.context + self.horizon
        if len(series) < length:
            raise CatsError(
                f"the {part} part has {len(series)} rows: context and horizon need {length}"
            )
        windows = series.unfold(0, length, stride)
        if windows.shape[0] * self.context > MOST_FLOATS:
            raise CatsError(f"{windows.shape[0]} {part} windows do not fit memory: raise --stride")
        return windows

    def _part(self, windows: Tensor) -> Part:
        offset, spread = _statistics(windows[:, : self.context])
        normal = (windows - offset[:, None]) / spread[:, None]
        inputs = normal[:, : self.context].unflatten(1, (-1, self.patch))
        return Part(inputs.contiguous(), normal[:, self.context :].contiguous(), offset, spread)

    def every_row(self, part: Part, index: Tensor | slice = slice(None)) -> Tensor:
        """What follows each token of samples of ``part``: [n, tokens, C], normalised as they are.

        All but the last row see statistics of the whole context, so of values after their token:
        good to learn from, not to be judged by.
        """
        line = torch.cat((part.inputs[index].flatten(1), part.targets[index]), 1)
        return line[:, self.patch :].unfold(1, self.horizon, self.patch)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Targets [B, rows, C + 1]: what follows each of the last ``rows`` tokens, and in the last
        column the spread of the window, by which the loss weighs it."""
        targets = self.every_row(self.train, index)[:, -rows:]  # [B, rows, C]
        weight = self.train.spread[index, None, None].expand(-1, targets.shape[1], 1)
        return self.train.inputs[index], torch.cat((targets, weight), -1)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        return ((output - targets[..., :-1]) * targets[..., -1:]).square().mean()

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """``output`` [n, rows, C] is scored over the forecasts after every token."""
        targets, spread = part.targets, part.spread[:, None]
        if output.dim() == 3:
            targets, spread = self.every_row(part), spread[:, None]
        error = ((output - targets) * spread).double()
        return {"mse": error.square().mean().item(), "mae": error.abs().mean().item()}


def _statistics(context: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation [n] of contexts [n, context]; a constant one has deviation 0.003."""
    variance, mean = torch.var_mean(context, 1, correction=0)
    return mean, (variance + 1e-5).sqrt()


def read_column(path: Path, target: str, missing: str = "refuse") -> tuple[list[float], list[str]]:
    """(values of the column, texts of the first column); what is missing is replaced by the value
    before it (``hold``), else CatsError names its row and column. Rows count from 1 below the
    header. What is there and is no number is refused either way."""
    values, times = [], []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if target not in header:
                names = ", ".join(header) or "none"
                raise CatsError(f"{path} has no column {target!r}: its columns are {names}")
            column = header.index(target)
            for number, row in enumerate(reader, 1):
                if not row:
                    continue
                text = row[column].strip() if column < len(row) else ""
                try:
                    value = float(text)
                except ValueError:
                    value = math.nan
                if text.lower() in ("", "nan", "na", "null") and missing == "hold" and values:
                    value = values[-1]
                if not math.isfinite(value):
                    advice = "there is no value before it to hold"
                    if missing == "refuse" or values:
                        advice = "fill or drop missing values first, or hold the last value"
                    raise CatsError(
                        f"{path}, row {number}, column {target!r}: {text!r} is no number; {advice}"
                    )
                values.append(value)
                times.append(row[0].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatsError(f"{path} cannot be read as CSV: {error}") from None
    if not values:
        raise CatsError(f"{path} has a header and no rows")
    return values, times


def _part_rows(parts: str, rows: int, times: list[str]) -> list[int]:
    """Rows of the three parts."""
    texts = parts.split(":")
    wrong = CatsError(
        f"parts {parts!r}: give TRAIN:VALIDATION:TEST as shares, as rows or as months (12m:4m:4m)"
    )
    try:
        if len(texts) != 3:
            raise wrong
        if all(text.endswith("m") for text in texts):
            counts = [int(text[:-1]) * _rows_a_month(times) for text in texts]
        elif all(text.isdigit() for text in texts):
            counts = [int(text) for text in texts]
        else:
            shares = [float(text) for text in texts]
            if not all(0 < share < 1 for share in shares) or sum(shares) > 1 + 1e-9:
                raise wrong
            ends = [int(sum(shares[: i + 1]) * rows + 1e-6) for i in range(3)]
            counts = [ends[0], ends[1] - ends[0], ends[2] - ends[1]]
    except ValueError:
        raise wrong from None
    if min(counts) < 1:
        raise wrong
    if sum(counts) > rows:
        raise CatsError(f"parts {parts!r} need {sum(counts)} rows, the file has {rows}")
    return counts


def _step(times: list[str]) -> timedelta | None:
    """Time between rows by the first two of them, or None where they hold no dates."""
    try:
        step = datetime.fromisoformat(times[1]) - datetime.fromisoformat(times[0])
    except (ValueError, IndexError):
        return None
    return step if step > timedelta(0) else None


def _rows_a_month(times: list[str]) -> int:
    step = _step(times)
    if step is None:
        raise CatsError("parts in months need dates in the first column of the file")
    return MONTH // step


def _rows_a_day(times: list[str]) -> int | None:
    step = _step(times)
    return None if step is None else timedelta(days=1) // step or None
