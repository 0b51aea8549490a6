# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CSV files with a header line, as spreadsheets and loggers write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from cats.errors import CatsError
from cats.tasks.values import number, read_text

#: What may stand between cells where the one that was named does not.
_SEPARATORS = (";", "\t", "|", ",")
_SPOKEN = {"tab": "\t", "\\t": "\t"}
_TOTALS = re.compile(r"((grand|sub)[ -]?)?(totals?|sums?|summe|averages?|means?|count)\b.*", re.I)
_UNIT = r"(?:[\W_]*(?:s|secs?|seconds?|ms|us|ns|utc|local|iso|unix|epoch)\W*)?"
_TIME = re.compile(
    r"(?:(?:sample|sensor|device|system|local|start|end|event|log|recording|unix|utc)[ _-]?)?"
    rf"(?:date|time|date[ _-]?time|time[ _-]?stamp|epoch|utc|clock|uptime){_UNIT}",
    re.I,
)


def names_time(name: str) -> bool:
    """Whether a column of this name says when its row was: time, Timestamp (ms), sample_time."""
    return _TIME.fullmatch(name) is not None


class Table:
    """The rows of a CSV file, one by one. ``separator``: one character, or ``tab``; ``decimal``:
    ``.`` or ``,``. Rows count from 1 below the header; every error names its row."""

    def __init__(self, path: Path, separator: str = ",", decimal: str = ".") -> None:
        separator = _SPOKEN.get(separator, separator)
        if len(separator) != 1 or separator in '"\r\n':
            raise CatsError(f"separator {separator!r}: one character, or tab")
        if decimal not in (".", ","):
            raise CatsError(f"decimal mark {decimal!r}: . or ,")
        if separator == decimal:
            raise CatsError(f"{separator!r} cannot both separate cells and be the decimal mark")
        self.path, self.separator, self.decimal = path, separator, decimal
        text, self.sha256 = read_text(path)
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        self.header = next(self.rows(), (0, []))[1]
        for name in self.header:
            if name and self.header.count(name) > 1:
                raise CatsError(f"{path} has column {name!r} twice: rename or drop one")

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(number, cells without blanks around them) of each row that is not blank; cells that a
        row lacks at its end are empty."""
        header = getattr(self, "header", [])
        begun = 0
        try:
            for begun, row in enumerate(self._reader, 1):
                cells = [_one_line(cell) for cell in row]
                if not any(cells) and len(cells) < 2:
                    continue
                if header and any(cells[len(header) :]):
                    comma = ": is ',' the decimal mark as well?" if self.separator == "," else ""
                    raise self.error(
                        begun, cells, f"{len(cells)} cells, the header has {len(header)}{comma}"
                    )
                yield begun, cells + [""] * (len(header) - len(cells))
        except csv.Error as error:
            raise CatsError(f"{self.path}, row {begun + 1}: no CSV: {error}") from None

    def column(self, name: str) -> int:
        """Where the column of that name is."""
        if name not in self.header:
            raise self.lacks(f"column {name!r}")
        return self.header.index(name)

    def lacks(self, what: str) -> CatsError:
        """An error that asks for another separator where the header looks like it."""
        line = " ".join(self.header)
        other = max(
            (mark for mark in _SEPARATORS if mark != self.separator), key=line.count, default=","
        )
        hint = ""
        if len(self.header) < 3 and line.count(other):
            spoken = "tab" if other == "\t" else other
            hint = f"; is {spoken!r} the separator? --separator {spoken!r}"
        names = ", ".join(self.header) or "none"
        return CatsError(f"{self.path} has no {what}: its columns are {names}{hint}")

    def value(self, row: int, cells: list[str], column: int) -> float:
        """A cell's number, nan where it stands for a missing value."""
        try:
            return number(cells[column], self.decimal)
        except ValueError as error:
            raise self.error(row, cells, f"column {self.header[column]!r}: {error}") from None

    def error(self, row: int, cells: list[str], what: str) -> CatsError:
        """What is wrong with a row."""
        totals = any(_TOTALS.fullmatch(cell) for cell in cells)
        hint = "; it looks like a row of totals: take it out" if totals else ""
        return CatsError(f"{self.path}, row {row}: {what}{hint}")


def _one_line(cell: str) -> str:
    """A cell without blanks around it; one in quotes may hold several lines."""
    return " ".join(cell.split()) if "\n" in cell or "\r" in cell else cell.strip()
