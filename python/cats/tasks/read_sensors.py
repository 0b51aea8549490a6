# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CSV files of sensors: columns ``sample``, ``label`` and one for each channel; in place of labels
there may be columns of numbers that are to be estimated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cats.errors import CatsError
from cats.tasks.read_table import Table, names_time
from cats.tasks.recordings import Recordings

_NUMBERED = r"(?:[ _-]?(?:id|no|nr|num|number|name|index))?"
_INDEX = re.compile(
    rf"|unnamed: \d+|#|t|n|i|s|ms|us|id|no|nr|num|number|idx|ticks?|counter|seq|sequence"
    rf"|(?:row|index|step|frame|sample|count){_NUMBERED}",
    re.I,
)
_GROUP = re.compile(
    "(?:subject|person|user|speaker|participant|patient|volunteer|recording|session|group)"
    + _NUMBERED,
    re.I,
)
_ADVICE = "fill it, drop the sample, or name the columns to take with --channels"


def read_csv(
    path: Path,
    separator: str = ",",
    decimal: str = ".",
    group: str | None = None,
    channels: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
) -> Recordings:
    """Rows of one sample stand together, in order of time, and have one label and one ``group``;
    with ``targets``, names of columns, one number in each of these in place of the label.

    ``channels`` names the columns to take. Without it all are taken but ``sample``, ``label``, the
    group, those that by their name hold a time or tell persons or recordings apart, and those that
    are named like an index and count up.
    """
    table = Table(path, separator, decimal)
    named = ["label"] if targets is None else list(targets)
    if "sample" not in table.header or not set(named) <= set(table.header):
        raise table.lacks(f"columns sample and {' and '.join(named)}")
    sample, answers = table.column("sample"), [table.column(name) for name in named]
    grouped = None if group is None else table.column(group)
    own = (sample, *answers, grouped)
    if len({sample, *answers}) <= len(answers):
        raise CatsError("sample and each target are columns of their own")
    left_out: dict[int, str] = {}
    if channels is None:
        for i, name in enumerate(table.header):
            if i not in own and names_time(name):
                left_out[i] = "a time"
            elif i not in own and _GROUP.fullmatch(name):
                left_out[i] = "tells recordings apart"
        taken = [i for i in range(len(table.header)) if i not in own and i not in left_out]
    else:
        taken = [table.column(name) for name in channels]
        if set(taken) & set(own) or len(set(taken)) < len(taken) or not taken:
            raise CatsError(
                "channels are columns beside sample, label or targets, and group, each once"
            )
    # Until all is read an index may be a channel, and need not be a number.
    maybe = [] if channels else [i for i in taken if _INDEX.fullmatch(table.header[i])]
    values: list[list[float]] = []
    starts: list[int] = []
    found: list[list[float]] = []
    samples: dict[str, tuple[str, ...]] = {}
    last = None
    for row, cells in table.rows():
        name, about = (
            cells[sample],
            (
                "" if grouped is None else cells[grouped],
                *(cells[column] for column in answers),
            ),
        )
        for column in own:
            if column is not None and cells[column].lower() in ("", "?", "nan"):
                raise table.error(row, cells, f"column {table.header[column]!r} is empty")
        if name in samples and name != last:
            raise table.error(row, cells, f"rows of sample {name!r} stand apart")
        for before, now, what in zip(samples.setdefault(name, about), about, ("group", *named)):
            if before != now:
                raise table.error(row, cells, f"sample {name!r} has two {what}s: {before}, {now}")
        if name != last:
            starts.append(len(values))
            found.append([table.value(row, cells, i) for i in answers] if targets else [])
        values.append([_value(table, row, cells, i, i in maybe) for i in taken])
        last = name
    if not values:
        raise CatsError(f"{path} has a header and no rows")
    array = np.array(values)
    for i in maybe:
        reason = _no_channel(array[:, taken.index(i)], starts)
        if reason:
            left_out[i] = reason
        elif np.isnan(array[:, taken.index(i)]).any():
            raise CatsError(f"{path}: a value is missing in column {table.header[i]!r}: {_ADVICE}")
    keep = [k for k, i in enumerate(taken) if i not in left_out]
    if not keep:
        raise table.lacks("columns of channels")
    names = tuple(table.header[taken[k]] for k in keep)
    if "" in names:
        raise CatsError(f"{path}: column {taken[keep[names.index('')]] + 1} has no name")
    series = torch.from_numpy(array[:, keep]).float().split(np.diff([*starts, len(array)]).tolist())
    groups, labels, *_ = zip(*samples.values())
    return Recordings(
        path, names, series, () if targets else labels, [f"sample {name!r}" for name in samples],
        table.sha256, groups if group else None,
        notes=(_taken(names, {table.header[i]: why for i, why in sorted(left_out.items())}),),
        warnings=tuple(_warnings(table.header, array[:, keep], names, starts, group)),
        values=torch.tensor(found, dtype=torch.float64) if targets else None,
    )  # fmt: skip


def _value(table: Table, row: int, cells: list[str], column: int, maybe: bool) -> float:
    try:
        value = table.value(row, cells, column)
    except CatsError:
        if maybe:
            return np.nan
        raise
    if np.isnan(value) and not maybe:
        raise table.error(
            row, cells, f"column {table.header[column]!r}: a value is missing: {_ADVICE}"
        )
    return value


def _no_channel(values: np.ndarray, starts: list[int]) -> str | None:
    """Why a column [rows] that is named like an index is none, or None."""
    if np.isnan(values).all():
        return "no numbers"
    rises = np.diff(values)
    inside = np.delete(rises, np.array(starts[1:], int) - 1)
    if (len(inside) and (inside > 0).all()) or (len(rises) and (rises >= 0).all()):
        return "counts up"
    return None


def _taken(names: Sequence[str], left_out: dict[str, str]) -> str:
    others = ", ".join(f"{name or 'a column without a name'} ({why})" for name, why in
                       left_out.items())  # fmt: skip
    return f"channels: {', '.join(names)}" + (f"; left out: {others}" if others else "")


def _warnings(
    header: list[str], values: np.ndarray, names: Sequence[str], starts: list[int],
    group: str | None,
) -> list[str]:  # fmt: skip
    found = []
    if group is None:
        groups = [name for name in header if _GROUP.fullmatch(name)]
        if groups:
            found.append(
                f"column {groups[0]!r} is not used: without --group {groups[0]} the same "
                f"{groups[0]} may be in training and test, and the figure too good"
            )
    if len(starts) > 1:
        rising = (np.diff(values, axis=0) >= 0).all(0) & (values[-1] > values[0])
        found += [
            f"channel {names[c]!r} never falls in the whole file: if it is a clock or a counter, "
            "leave it out with --channels"
            for c in np.flatnonzero(rising)
        ]
    return found
