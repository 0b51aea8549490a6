# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Who hears whom: the links file, which the simulator, training and evaluation read alike.

A links file is a square CSV. Row s, column r is the probability, 0 to 1, that node r hears a frame
that node s sends. The diagonal says nothing and may be empty. One line of node numbers may stand
above, ``#`` begins a remark::

    0,1,2
    1,0.9,0.04      # node 0 sends: node 1 hears nine frames in ten, node 2 one in 25
    0.9,1,0.9
    0.04,0.9,1
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cats.errors import CatsError
from cats.files import write_atomic
from cats.shape.config import MAX_NODES

#: [D, D] (sender, receiver): the probability that a node hears another.
Links = Sequence[Sequence[float]] | np.ndarray
#: What all errors end with.
_FORM = "give a row for each sender, in it a probability 0..1 for each receiver"


#: What is heard more rarely carries nothing, and disturbs nobody.
UNHEARD = 1e-4


def read_links(path: str | os.PathLike[str], nodes: int | None = None) -> np.ndarray:
    """float64 [D, D] (sender, receiver) of a links file, the diagonal 1; CatsError names the line
    that does not fit, or where it is not of so many ``nodes``."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CatsError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise CatsError(f"{path} is no links file: it is no text; {_FORM}") from None
    lines = [(n, line.partition("#")[0].strip()) for n, line in enumerate(text.splitlines(), 1)]
    rows = [(n, [cell.strip() for cell in line.split(",")]) for n, line in lines if line]
    if not rows:
        raise CatsError(f"{path} is no links file: it is empty; {_FORM}")
    count = len(rows[0][1])
    if len(rows) == count + 1:  # one line more than a square has
        if rows[0][1] != [str(node) for node in range(count)]:
            raise CatsError(
                f"{path}, line {rows[0][0]}: of {count + 1} lines the first names the nodes, "
                f"{_few(count)}; {_FORM}"
            )
        del rows[0]
    table = np.ones((len(rows), count))
    for sender, (line, cells) in enumerate(rows):
        if len(cells) != count:
            raise CatsError(f"{path}, line {line} has {len(cells)} numbers, not {count}; {_FORM}")
        for receiver, cell in enumerate(cells):
            if sender == receiver:
                continue
            try:
                value = float(cell)
            except ValueError:
                value = math.nan
            if not 0 <= value <= 1:
                raise CatsError(f"{path}, line {line}: {cell[:20]!r} is no probability; {_FORM}")
            table[sender, receiver] = value
    return check_links(table, nodes, str(path))


def check_links(links: Links, nodes: int | None = None, where: str = "links") -> np.ndarray:
    """The same float64 [D, D], the diagonal 1; CatsError where it is no square of probabilities, or
    not of so many ``nodes``."""
    try:
        table = np.array(links, np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or not 1 <= len(table) <= MAX_NODES or table.shape[0] != table.shape[1]:
        raise CatsError(f"{where}: no square for 1 to {MAX_NODES} nodes; {_FORM}")
    np.fill_diagonal(table, 1)
    if not ((table >= 0) & (table <= 1)).all():
        raise CatsError(f"{where}: a probability is a number from 0 to 1")
    if nodes not in (None, len(table)):
        raise CatsError(f"{where} is of {len(table)} nodes, here are {nodes}; {_FORM}")
    return table


def as_tuples(links: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Links as options of a training hold them."""
    return tuple(map(tuple, links.tolist()))


def write_links(path: str | os.PathLike[str], links: np.ndarray, digits: int = 6) -> None:
    """A links file that ``read_links`` gives back, to so many digits behind the point; of another
    square, as decibels, too."""
    rows = [",".join(map(str, range(len(links))))]
    rows += [",".join(f"{round(value, digits):g}" for value in row) for row in links.tolist()]
    write_atomic(path, ("\n".join(rows) + "\n").encode())


def audible(links: np.ndarray) -> np.ndarray:
    """Links [D, D] without those that are heard more rarely than ``UNHEARD``."""
    return np.where(links < UNHEARD, 0, links)


def distances(links: np.ndarray, least: float = 0.5) -> np.ndarray:
    """Hops [D, D] of the shortest ways over links that are heard at least so often; D where there
    is none."""
    nodes = len(links)
    far = np.where(np.asarray(links) >= least, 1, nodes)
    np.fill_diagonal(far, 0)
    for via in range(nodes):
        far = np.minimum(far, far[:, [via]] + far[[via]])
    return far


def depth(links: np.ndarray, least: float = 0.5) -> int | None:
    """Hops of the longest of all shortest ways (``distances``); None where some pair has no way."""
    longest = int(distances(links, least).max())
    return None if longest == len(links) else longest


def _few(count: int) -> str:
    return ",".join(map(str, range(count))) if count < 5 else f"0,1,..,{count - 1}"
