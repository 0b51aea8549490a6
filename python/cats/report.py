# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What every command prints and writes: tables for people, JSON for machines, plots from the JSON
(files as :mod:`cats.files` writes them)."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from cats import schema
from cats.errors import CatsError
from cats.files import json_file, write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T")


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, indent: str = "") -> str:
    """An aligned plain text table; numbers to the right, text to the left, None as "-"."""
    rows = [list(row) for row in rows]
    cells = [[_cell(value) for value in row] for row in rows]
    right = [
        all(isinstance(row[c], (int, float)) or row[c] is None for row in rows) and bool(rows)
        for c in range(len(header))
    ]
    widths = [max(len(line[c]) for line in [list(header), *cells]) for c in range(len(header))]

    def line(values: Sequence[str]) -> str:
        padded = [v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right)]
        return (indent + "  ".join(padded)).rstrip()

    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, cells)])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number_text(value)
    return str(value)


def number_text(value: float) -> str:
    """A number for people: four significant digits, whole ones from 1,000 on, never an exponent
    (48,660, 975, 23.05, 0.00012)."""
    if not math.isfinite(value):
        return str(value)
    digits = 3 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{min(max(digits, 0), 9)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def figures_table(
    title: str, found: Mapping[str, Mapping[str, float]]
) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of figures by name, a row for each of ``found``, which need not have the
    same ones; ``title`` stands above their names."""
    known = list(dict.fromkeys(name for figures in found.values() for name in figures))
    rows = [[name, *map(figures.get, known)] for name, figures in found.items()]
    return [title, *known], rows


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table, with a blank line before its title."""
    if title:
        print(f"\n{title}")
    print(table(header, rows))


def size_text(size: int) -> str:
    """A number of bytes for people: 8,192 bytes is "8.0 KiB"."""
    if abs(size) < 1024:
        return f"{size} B"
    if abs(size) < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.2f} MiB"


def parse_size(text: str) -> int:
    """Bytes from "262144", "0x40000", "256K" or "1M" (binary multiples)."""
    match = re.fullmatch(r"\s*(0[xX][0-9a-fA-F]+|\d+)\s*([kKmM]?)(?:i?[bB])?\s*", text)
    if not match or len(match[1]) > 12:
        raise argparse.ArgumentTypeError(f"'{text:.40}' is not a size: write 262144, 256K or 1M")
    number = int(match[1], 16 if match[1][:2].lower() == "0x" else 10)
    return number << {"": 0, "k": 10, "m": 20}[match[2].lower()]


def print_notes(notes: Iterable[str] = (), warnings: Iterable[str] = ()) -> None:
    """What people should know beside the figures, a line each on stderr."""
    for line in (*notes, *(f"warning: {warning}" for warning in warnings)):
        print(line, file=sys.stderr)


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """The option ``--json FILE`` that every command with a table has; where the file is "-", what
    is for people goes away (``json_alone``)."""
    parser.add_argument(
        "--json", type=json_file, metavar="FILE",
        help="write the figures as JSON; - for stdout, which then has nothing else",
    )  # fmt: skip


@contextlib.contextmanager
def json_alone(file: object) -> Iterator[None]:
    """Where ``file`` is "-", nothing but what ``write_json`` writes there reaches stdout while the
    block runs."""
    if file != "-":
        yield
        return
    with contextlib.redirect_stdout(_Muted(sys.stdout)):
        yield


class _Muted(io.TextIOBase):
    """Takes what is for people and forgets it."""

    def __init__(self, stdout: TextIO) -> None:
        self.stdout = stdout

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


def to_json(data: Any) -> str:
    """``data`` as indented JSON, keys in their order; numpy scalars and arrays, sets and paths are
    written as what they hold."""
    return json.dumps(data, indent=2, default=_plain, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_json(path: str | os.PathLike[str], data: Any) -> None:
    """Write ``data`` to a file, whole or not at all; "-" is stdout."""
    if str(path) == "-":
        text = to_json(data)
        stdout = sys.stdout.stdout if isinstance(sys.stdout, _Muted) else sys.stdout
        stdout.write(text)
        stdout.flush()
    else:
        write_atomic(path, to_json(data).encode())


def read_json(path: str | os.PathLike[str], what: str = "JSON") -> dict[str, Any]:
    """Read one JSON object; raises CatsError with ``what`` the file should have been."""
    return schema.load(path, dict[str, Any], what)


def draw_range(
    axes: Axes, where: Sequence[float], figures: Sequence[Mapping[str, float]], label: str = ""
) -> None:
    """A line through the means of ``figures`` (``mean``, ``least``, ``largest``) and a band from
    the least to the largest values."""
    means, least, largest = ([f[name] for f in figures] for name in ("mean", "least", "largest"))
    (line,) = axes.plot(where, means, marker="o", label=label)
    axes.fill_between(where, least, largest, color=line.get_color(), alpha=0.2)


@dataclass(frozen=True)
class Panel:
    """One pair of axes of a figure: what draws on it, and what stands beside it."""

    draw: Callable[[Axes], None]
    xlabel: str
    ylabel: str


def save_plot(
    path: str | os.PathLike[str],
    draw: Callable[[Axes], None],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """save_plots() of one panel."""
    save_plots(path, [Panel(draw, xlabel, ylabel)], title=title)


def save_plots(
    path: str | os.PathLike[str], panels: Sequence[Panel], *, title: str = "", columns: int = 2
) -> None:
    """Draw panels, at most so many beside each other, and save as the file's suffix says (.png,
    .svg, .pdf); needs no display, and the same data gives the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "cats"
    from matplotlib.figure import Figure

    suffix = Path(path).suffix
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(7 if columns == 1 else 5 * columns, 4.5 if rows == 1 else 3.5 * rows),
                    layout="constrained")  # fmt: skip
    figure.suptitle(title)
    for i, panel in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, i)
        panel.draw(axes)
        axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix)
    content = io.BytesIO()
    try:
        figure.savefig(content, format=suffix[1:] or "-", dpi=150, metadata=metadata)
    except ValueError as error:
        raise CatsError(f"cannot draw {path}: let its name end in .png, .svg or .pdf") from error
    write_atomic(path, content.getvalue())


def trace_names(nodes: Iterable[int], lanes: Sequence[str]) -> list[dict[str, Any]]:
    """Events of a Chrome or Perfetto trace that name a process for each node, and its lanes."""

    def name(kind: str, node: int, lane: int, text: str) -> dict[str, Any]:
        return {"ph": "M", "name": kind, "pid": node, "tid": lane, "args": {"name": text}}

    found = []
    for node in nodes:
        found.append(name("process_name", node, 0, f"node {node}"))
        found += [name("thread_name", node, at, lane) for at, lane in enumerate(lanes)]
    return found


def progress(items: Iterable[T], **options: Any) -> Iterable[T]:
    """``items`` with a progress bar on stderr, where stderr is a terminal (options as of tqdm)."""
    from tqdm import tqdm

    return tqdm(items, disable=not sys.stderr.isatty(), **options)


class GrowingText:
    """A text on stdout, as it grows token by token; a line ends it."""

    def __init__(self, decode: Callable[[list[int]], str], prompt: Iterable[int]) -> None:
        self.tokens, self._decode, self._text = list(prompt), decode, ""

    def __enter__(self) -> GrowingText:
        return self

    def __exit__(self, failed: type | None, *_: object) -> None:
        if failed is None:
            print(self._decode(self.tokens)[len(self._text) :])

    def add(self, token: int) -> None:
        """Show what a further token makes certain."""
        self.tokens.append(token)
        now = self._decode(self.tokens)
        whole = now.rstrip("\N{REPLACEMENT CHARACTER}")  # perhaps half a character
        if whole.startswith(self._text):
            print(whole[len(self._text) :], end="", flush=True)
            self._text = whole
