# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Forecasting columns of a CSV file: patches of time series in, the next values out.

The series is cut in order of time, and its mean and deviation are those of the training part alone;
the metric is taken in these units. Each window is normalised once more by the mean and deviation of
its own context, channel by channel, and the forecast is scaled back (reversible instance
normalisation): all that it needs is past when the forecast is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata, units_of
from cats.tasks import Baseline, Part, Task, baselines, same_data, stored_path
from cats.tasks.parts import rows_of_parts
from cats.tasks.read_series import MISSING, read_series

#: Most floats of training windows that are laid out in memory (1 GiB).
MOST_FLOATS = 1 << 28
DAY = timedelta(days=1)
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

    ``target`` names the column to forecast, or several (a list, or with commas); ``channels`` are
    further columns that are seen and not forecast. A token holds ``patch`` steps of each, channel
    by channel, targets first, so that with ``--input-split channels`` a node has its own sensor's.
    Outputs are ``horizon`` steps of each target, target by target, and figures are means over all.

    ``parts``: training, validation and test as shares (``0.6:0.2:0.2``), as numbers of rows
    (``8640:2880:2880``, the rest is unused) or in months of 30 days (``12m:4m:4m``) of the file's
    times. A validation or test window may look back into the part before, as it would in use.
    ``stride`` is between training windows; validation and test windows start at every row. How the
    file is read, ``missing`` and ``separator`` to ``time_zone``: ``cats.tasks.read_series``.
    ``units``: the columns', one for all or one for
    each, targets first, for people. With ``sha256`` another
    content of the file is refused. ``fitted`` is the metadata of a run: its mean and
    deviation are used in place of those of this data.

    ``mean`` and ``deviation`` float64 [channels] are the training part's;
    ``period`` is the number of rows a day, or None where the file holds no dates or days.
    """

    name = "forecast"
    presets = PRESETS
    metric = "mse"
    higher_is_better = False
    all_rows = True
    training = {"epochs": 4, "lr": 1e-3, "patterns": 1, "threads": 1}

    def __init__(
        self,
        data: str,
        target: str | Sequence[str],
        context: int = 512,
        horizon: int = 96,
        patch: int = 16,
        stride: int = 1,
        parts: str = "0.6:0.2:0.2",
        missing: str = "refuse",
        channels: Sequence[str] | None = None,
        units: Sequence[str] | None = None,
        separator: str = ",",
        decimal: str = ".",
        time_format: str | None = None,
        time_zone: str | None = None,
        sha256: str | None = None,
        fitted: Metadata | None = None,
    ) -> None:
        numbers = {"context": context, "horizon": horizon, "patch": patch, "stride": stride}
        for name, value in numbers.items():
            if value < 1:
                raise CatsError(f"{name} is {value}: at least 1")
        if context % patch:
            raise CatsError(f"context of {context} values is no multiple of the patch of {patch}")
        if missing not in MISSING:
            raise CatsError(f"missing is {missing!r}: one of {', '.join(MISSING)}")
        reading = {
            "missing": missing,
            "separator": separator,
            "decimal": decimal,
            "time_format": time_format,
            "time_zone": time_zone,
        }
        targets = target.split(",") if isinstance(target, str) else list(target)
        columns = [*targets, *(channels or ())]
        found = read_series(Path(data), columns, **reading)
        self.notes = found.notes
        self.targets, self.channels = len(targets), len(columns)
        self.options = {
            "data": stored_path(data),
            "target": targets[0] if self.targets == 1 else targets,
            **numbers,
            "parts": parts,
            "channels": list(channels) if channels else None,
        }
        self.options["units"] = None if units is None else list(units)
        self.options |= {**reading, "sha256": same_data(data, found.sha256, sha256)}
        self.context, self.horizon, self.patch = context, horizon, patch
        self.model = ModelConfig(
            tokens_in=context // patch,
            inputs=patch * self.channels,
            outputs=horizon * self.targets,
            features=64,
            heads=8,
            hidden=128,
            blocks=2,
            causal=True,
            activation="gelu",
            pool="last",
            task="forecast",
        )
        self.period = _rows_a_day(found.step)
        counts = rows_of_parts(parts, len(found.values), found.step)
        series = torch.from_numpy(found.values)
        known = [column.contiguous() for column in series[: counts[0]].T]
        described = []
        for name, unit, column in zip(columns, units_of(len(columns), units), known, strict=True):
            mean, deviation = column.mean().item(), column.std(correction=0).item()
            if not (deviation > 0 or fitted):
                raise CatsError(f"column {name!r} never changes in its first {counts[0]} rows")
            span = column.min().item(), column.max().item()
            described.append(Channel(name, unit, mean, deviation, *span))
        self.metadata = fitted or Metadata(
            channels=tuple(described),
            targets=self.targets,
            height=1,
            width=context,
            patch=(1, patch),
            horizon=horizon,
            normalisation="window",
            step=None if found.step is None else found.step.total_seconds(),
        )
        self.mean = torch.from_numpy(self.metadata.mean)
        self.deviation = torch.from_numpy(self.metadata.deviation)
        series = ((series - self.mean) / self.deviation).float()
        ends = [counts[0], sum(counts[:2]), sum(counts)]
        self.train = self._part(self._cut("training", series[: ends[0]], stride))
        self.validation = self._part(
            self._cut("validation", series[max(0, ends[0] - context) : ends[1]], 1)
        )
        self.test = self._part(self._cut("test", series[max(0, ends[1] - context) : ends[2]], 1))

    def _cut(self, part: str, series: Tensor, stride: int) -> Tensor:
        """View [n, channels, context + horizon] of series [rows, channels]."""
        length = self.context + self.horizon
        if len(series) < length:
            raise CatsError(
                f"the {part} part has {len(series)} rows: context and horizon need {length}"
            )
        windows = series.unfold(0, length, stride)
        if windows.shape[0] * self.context * self.channels > MOST_FLOATS:
            raise CatsError(f"{windows.shape[0]} {part} windows do not fit memory: raise --stride")
        return windows

    def _part(self, windows: Tensor) -> Part:
        offset, spread = _statistics(windows[..., : self.context])
        normal = (windows - offset[..., None]) / spread[..., None]
        tokens = normal[..., : self.context].unflatten(2, (-1, self.patch))
        inputs = tokens.transpose(1, 2).flatten(2)  # channel by channel
        targets = normal[:, : self.targets, self.context :].flatten(1)
        kept = (v[:, : self.targets].squeeze(1) for v in (offset, spread))
        return Part(inputs.contiguous(), targets.contiguous(), *kept)

    def contexts(self, part: Part, index: Tensor | slice = slice(None)) -> Tensor:
        """What samples of ``part`` see of the targets: [n, targets, context], normalised."""
        channels = part.inputs[index].unflatten(2, (self.channels, self.patch))
        return channels[:, :, : self.targets].transpose(1, 2).flatten(2)

    def by_target(self, values: Tensor) -> Tensor:
        """Outputs or targets [..., C] as [..., targets, horizon]."""
        return values.unflatten(-1, (self.targets, self.horizon))

    def linear_map(self) -> Tensor:
        """That of the baselines which validation finds best."""
        from cats.tasks import baselines

        return baselines.best_linear(self)

    def every_row(self, part: Part, index: Tensor | slice = slice(None)) -> Tensor:
        """What follows each token of samples of ``part``: [n, tokens, C], normalised as they are.

        All but the last row see statistics of the whole context, so of values after their token:
        good to learn from, not to be judged by.
        """
        line = torch.cat((self.contexts(part, index), self.by_target(part.targets[index])), 2)
        following = line[..., self.patch :].unfold(2, self.horizon, self.patch)
        return following.transpose(1, 2).flatten(2)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Targets [B, rows, C + targets]: what follows each of the last ``rows`` tokens, and in the
        last columns the spread of each target's window, by which the loss weighs it."""
        targets = self.every_row(self.train, index)[:, -rows:]  # [B, rows, C]
        spread = self.train.spread[index].reshape(len(index), 1, self.targets)
        weight = spread.expand(-1, targets.shape[1], -1)
        return self.train.inputs[index], torch.cat((targets, weight), -1)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        wanted, weight = targets.split([output.shape[-1], self.targets], -1)
        return (self.by_target(output - wanted) * weight[..., None]).square().mean()

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """``output`` [n, rows, C] is scored over the forecasts after every token."""
        targets, spread = part.targets, part.spread.reshape(len(part), self.targets)
        if output.dim() == 3:
            targets, spread = self.every_row(part), spread[:, None]
        error = (self.by_target(output - targets) * spread[..., None]).double()
        return {"mse": error.square().mean().item(), "mae": error.abs().mean().item()}

    def baselines(self) -> Mapping[str, Baseline]:
        return baselines.forecasts(self)


def _statistics(context: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation [n, channels] of contexts [n, channels, context]; a constant one has
    deviation 0.003."""
    variance, mean = torch.var_mean(context, 2, correction=0)
    return mean, (variance + 1e-5).sqrt()


def _rows_a_day(step: timedelta | None) -> int | None:
    return None if step is None or step > DAY else round(DAY / step)
