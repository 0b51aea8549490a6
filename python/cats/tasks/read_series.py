# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Columns of a CSV file as series with a step: their times rise evenly, or the row is named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from cats.errors import CatsError
from cats.tasks.read_table import Table, names_time
from cats.tasks.values import number, outlier

#: What to do where a value or a row is missing: name it and stop, or take the value before it.
MISSING = ("refuse", "hold")
_EPOCH = datetime(1970, 1, 1)
_CLOCKS = "; where clocks were changed, name their zone: --time-zone Europe/Berlin"


@dataclass(frozen=True)
class Series:
    """``values`` float64 [steps, columns]; ``step`` is the median of the times between rows, None
    where the file has no dates. ``notes`` say what was taken of the file."""

    values: np.ndarray
    step: timedelta | None
    sha256: str
    notes: tuple[str, ...] = ()


def read_series(
    path: Path,
    names: Sequence[str],
    missing: str = "refuse",
    separator: str = ",",
    decimal: str = ".",
    time_format: str | None = None,
    time_zone: str | None = None,
) -> Series:
    """Columns ``names``. The time of a row stands in the columns ``date`` and ``time``, in the
    first other column whose name says so, or in the first column if it begins with a date.

    Dates are ISO 8601, or as ``time_format`` says (``datetime.strptime``; ``none``: there are no
    times, rows are evenly spaced). Those without an offset from UTC are of ``time_zone`` (an IANA
    name), without it of a clock that is never changed. Numbers in place of dates only have to rise.

    Times must rise, and each row comes within half a step of where the row before it puts it.
    Where rows or a value are missing, ``missing`` says what to do: ``refuse`` names the row,
    ``hold`` takes the last value before, which is all that is known then; it never adds more rows
    than there are. A value that is no number, infinite, too large to compute
    with, or out of all proportion to the others is refused either way.
    """
    table = Table(path, separator, decimal)
    columns = [table.column(name) for name in names]
    if len(set(columns)) < len(columns):
        raise CatsError(f"columns {', '.join(names)}: each once")
    clock = _Clock(table, columns, time_format, time_zone)
    values: list[list[float]] = []
    rows: list[int] = []
    for row, cells in table.rows():
        clock.take(row, cells)
        found = [table.value(row, cells, column) for column in columns]
        for i, column in enumerate(columns):
            if not math.isnan(found[i]):
                continue
            advice = "there is no value before it to hold"
            if missing == "refuse" or values:
                advice = "fill it, or take the value before it with --missing hold"
            if missing == "refuse" or not values:
                what = f"column {names[i]!r}: {cells[column]!r} is a missing value; {advice}"
                raise table.error(row, cells, what)
            found[i] = values[-1][i]
        values.append(found)
        rows.append(row)
    if not values:
        raise CatsError(f"{path} has a header and no rows")
    series = np.array(values)
    for i, name in enumerate(names):
        at = outlier(series[:, i])
        if at is not None:
            raise CatsError(f"{path}, row {rows[at]}, column {name!r}: {series[at, i]:g} is out of "
                            "all proportion to the other values: take it out")  # fmt: skip
    if clock.times is None and _is_sum(series[:, 0].tolist()):
        raise CatsError(f"{path}, row {rows[-1]}: it holds the sum of all rows above it, like a "
                        "row of totals: take it out")  # fmt: skip
    counts, step = clock.counts(rows, missing)
    notes = () if counts.sum() == len(series) else (
        f"{counts.sum() - len(series)} of {counts.sum()} rows are not in the file: they hold the "
        "value before",
    )  # fmt: skip
    return Series(np.repeat(series, counts, 0), step, table.sha256, notes)


class _Clock:
    """Times of rows in seconds; ``times`` is None where rows have none."""

    def __init__(
        self,
        table: Table,
        taken: Sequence[int],
        time_format: str | None,
        time_zone: str | None,
    ) -> None:
        self.table, self.format, self.zone = table, time_format, _zone(time_zone)
        lower = [name.lower() for name in table.header]
        named = [i for i, name in enumerate(lower) if i not in taken and names_time(name)]
        if "date" in lower and "time" in lower:
            named = [lower.index("date"), lower.index("time")]
        else:
            named = named[:1]
        self.columns = named or ([] if 0 in taken else [0])
        self.sure = bool(named) or time_format is not None
        self.times: list[float] | None = None if time_format == "none" or not self.columns else []
        self.dates = self.aware = None  # until the first row

    def take(self, row: int, cells: list[str]) -> None:
        """Read a row's time, which must be later than that before it."""
        if self.times is None:
            return
        text = " ".join(cells[i] for i in self.columns)
        moment = self._moment(text)
        if moment is None and not self.times and not self.sure:
            self.times = None
            return
        if moment is None or (self.times and isinstance(moment, datetime) != self.dates):
            raise self.table.error(row, cells, self._unread(text))
        before = self.times[-1] if self.times else -math.inf
        self.dates = isinstance(moment, datetime)
        time = self._seconds(moment, before) if self.dates else moment
        if self.dates and self.times and self.aware != (moment.tzinfo is not None):
            raise self.table.error(row, cells, f"{text!r}: only some times have an offset from UTC")
        self.aware = self.dates and moment.tzinfo is not None
        if time <= before:
            what = "the time of" if time == before else "an earlier time than"
            clocks = self.dates and not (self.aware or self.zone) and before - time <= 3600
            raise self.table.error(
                row, cells,
                f"{text!r} is {what} the row before it: times must rise{_CLOCKS * bool(clocks)}",
            )  # fmt: skip
        self.times.append(time)

    def _moment(self, text: str) -> datetime | float | None:
        try:
            if self.format is not None:
                return datetime.strptime(text, self.format)
            if self.sure or not text.isdecimal():  # 20240101 is a date only where the name says so
                return datetime.fromisoformat(text)
        except ValueError:
            pass
        try:
            value = number(text, self.table.decimal) if self.sure and not self.format else math.nan
        except ValueError:
            return None
        return None if math.isnan(value) else value

    def _seconds(self, moment: datetime, before: float) -> float:
        if moment.tzinfo is not None:
            return moment.timestamp()
        if self.zone is None:
            return (moment - _EPOCH).total_seconds()
        # An hour that was there twice is first that in summer time, then that in winter time.
        first, second = (moment.replace(tzinfo=self.zone, fold=f).timestamp() for f in (0, 1))
        return second if first <= before else first

    def _unread(self, text: str) -> str:
        names = " and ".join(repr(self.table.header[i]) for i in self.columns)
        if self.format is not None:
            return f"column {names}: {text!r} is not as --time-format says"
        if self.times:
            return f"column {names}: {text!r} is no time like those above"
        return (f"column {names}: {text!r} is no ISO date: say how it is written, --time-format "
                "'%d.%m.%Y %H:%M', or that it is no time, --time-format none")  # fmt: skip

    def counts(self, rows: list[int], missing: str) -> tuple[np.ndarray, timedelta | None]:
        """(for how many steps each row stands, the median step)."""
        counts = np.ones(len(rows), int)
        if self.times is None or len(rows) < 2:
            return counts, None
        between = np.diff(self.times)
        step = float(np.median(between))
        early = np.flatnonzero(between < step / 2)
        if len(early):
            raise self._uneven(rows[early[0] + 1], f"only {between[early[0]]:g} later than the row "
                               f"before it, the step is {step:g}")  # fmt: skip
        steps = np.rint(between / step)
        gaps = np.flatnonzero(steps > 1)
        lack = steps.sum() - len(between)
        if len(gaps) and missing == "refuse":
            clocks = self.dates and not (self.aware or self.zone)
            hour = _CLOCKS * bool(clocks and abs(between[gaps[0]] - step - 3600) < 1)
            raise self._uneven(rows[gaps[0] + 1], f"{steps[gaps[0]] - 1:.0f} rows are missing "
                               f"before it: add them, or take the value before with --missing "
                               f"hold{hour}")  # fmt: skip
        if lack > len(rows):
            raise self._uneven(rows[gaps[0] + 1], f"{lack:.0f} rows are missing in all, more than "
                               "there are: choose a part of the file without gaps")  # fmt: skip
        counts[:-1] = steps
        return counts, timedelta(seconds=step) if self.dates else None

    def _uneven(self, row: int, what: str) -> CatsError:
        return CatsError(f"{self.table.path}, row {row}: {what}; --time-format none takes rows as "
                         "evenly spaced")  # fmt: skip


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CatsError(f"time zone {name!r} is unknown: Europe/Berlin is one") from None


def _is_sum(values: list[float]) -> bool:
    """Whether the last value is the sum of all before it, at least three of them not zero."""
    *before, last = values
    enough = sum(1 for value in before if value) >= 3
    return enough and math.isclose(math.fsum(before), last, rel_tol=1e-9)
