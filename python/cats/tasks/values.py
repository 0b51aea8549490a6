# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a file of data holds: its text, and numbers that can be computed with."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cats.errors import CatsError

#: Texts, in small letters, that stand for a value that was not measured.
MISSING = frozenset({"", "?", "-", "nan", "na", "n/a", "null", "none"})
#: Largest value that is taken: its square must be a float32.
LARGEST = 1e18
#: Beside a value so many times as far from the median as 99 of 100 are, the others are lost in the
#: 24 bits of a float32.
FARTHEST = float(1 << 24)


def read_bytes(path: Path) -> bytes:
    """A file of data; CatsError where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        moved = "; name it with --data FILE" if isinstance(error, FileNotFoundError) else ""
        raise CatsError(f"{path} cannot be read: {error.strerror}{moved}") from None
    except ValueError as error:  # a path with a NUL
        raise CatsError(f"{path} cannot be read: {error}") from None


def read_text(path: Path) -> tuple[str, str]:
    """(text, SHA-256 of the bytes) of a file in UTF-8, or where it is none in Latin-1; CatsError
    for one that is missing or no text."""
    content = read_bytes(path)
    if b"\0" in content:
        raise CatsError(f"{path} cannot be read: it is no text in UTF-8 or Latin-1")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text, hashlib.sha256(content).hexdigest()


def number(text: str, decimal: str = ".") -> float:
    """The number that ``text`` is, nan where it stands for a missing value; ValueError says what
    is wrong with it, infinite and larger than LARGEST included."""
    if text.lower() in MISSING:
        return math.nan
    value = _float(text, decimal)
    if math.isnan(value):
        other = "," if decimal == "." else "."
        asks = f": is {other!r} the decimal mark? --decimal {other}"
        swapped = not math.isnan(_float(text, other))
        raise ValueError(f"{text!r} is no number{asks if swapped else ''}")
    if abs(value) > LARGEST:
        what = "infinite" if "inf" in text.lower() else f"more than {LARGEST:g}"
        raise ValueError(f"{text!r} is {what}: take it out, or scale the column")
    return value


def numbers(texts: Sequence[str]) -> list[float]:
    """``number`` of many; the ValueError says which, from 0."""
    try:
        values = [float(text) for text in texts]
        if max(map(abs, values)) <= LARGEST and not any("_" in text for text in texts):
            return values
    except ValueError:
        pass
    values = []
    for i, text in enumerate(texts):
        try:
            values.append(number(text.strip()))
        except ValueError as error:
            raise ValueError(f"step {i}: {error}") from None
    return values


def _float(text: str, decimal: str) -> float:
    """nan where it is none; Python's 1_000 is none, nor is 1.234,5."""
    if decimal == ",":
        text = text.replace(".", "_").replace(",", ".")
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def outlier(values: np.ndarray) -> int | None:
    """Where in float64 [n] a value stands that is FARTHEST times as far from the median as 99 of
    100 are, None where none does: a sum that overflowed, or another unit."""
    distance = np.abs(values - np.median(values))
    usual = np.quantile(distance, 0.99)
    farthest = int(distance.argmax())
    return farthest if 0 < FARTHEST * usual < distance[farthest] else None
