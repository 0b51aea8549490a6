# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Weights of four bits, whose groups share scales: doc/numerics.rst, "Weights of four bits".

Letters: K columns that a product reads, in the order of the reader's view, O output columns, G
groups, B samples, R rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.reference import dot
from cats.shape.image_layout import SCALE_GROUP, WORD_COLUMNS

#: Columns that share a scale.
GROUP = SCALE_GROUP
#: A scale is -MAX_SCALE..MAX_SCALE, a weight LOWEST..HIGHEST.
MAX_SCALE, LOWEST, HIGHEST = 127, -8, 7
#: The nibble in which each column of a word stands.
_NIBBLES = np.arange(WORD_COLUMNS) // 2 + np.arange(WORD_COLUMNS) % 2 * 4
#: Scales that the search tries for a group, as parts of the one that clips nothing.
_CLIPS = np.linspace(0.7, 1.05, 15)


@dataclass(frozen=True)
class FourBits:
    """A matrix: ``weight * scale * step`` is the real one.

    weight int8 [K, O], scale int8 [G, O], step float64 [O], the real value of one.
    """

    weight: np.ndarray
    scale: np.ndarray
    step: np.ndarray

    def real(self) -> np.ndarray:
        """float64 [K, O]."""
        scale = np.repeat(self.scale.astype(np.float64), GROUP, 0)[: len(self.weight)]
        return self.weight * scale * self.step


def groups(columns: int) -> int:
    """Groups of so many columns; the last may be shorter."""
    return -(-columns // GROUP)


def accumulate(y: np.ndarray, weight: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """What a product sums, bias excluded: y int8 [..., R, K], weight int8 [K, O], scale [G, O] ->
    int64 [..., R, O]."""
    total = np.zeros((*y.shape[:-1], weight.shape[1]), np.int64)
    for g in range(groups(len(weight))):
        columns = slice(g * GROUP, (g + 1) * GROUP)
        total += dot(y[..., columns], weight[columns]) * scale[g].astype(np.int64)
    return total


def quantize(weight: np.ndarray, importance: np.ndarray | None = None) -> FourBits:
    """The matrix nearest to weight, float [K, O], by squared error.

    importance [K], not negative, says how much an error in a column matters: the mean square of
    what the column carries. Each group tries several scales, clipping the largest weights or not;
    an output's step is the largest of its groups' scales over 127. CatsError where a weight is NaN
    or infinite.
    """
    weight = np.asarray(weight, np.float64)
    if not np.isfinite(weight).all():
        raise CatsError("weights hold NaN or infinity: did training diverge?")
    columns, outputs = weight.shape
    count = groups(columns)
    matter = np.ones(columns) if importance is None else np.asarray(importance, np.float64)
    padded = np.zeros((count * GROUP, outputs))
    padded[:columns] = weight
    cared = np.zeros(count * GROUP)
    cared[:columns] = matter
    w = padded.reshape(count, GROUP, outputs)
    m = cared.reshape(count, GROUP, 1)

    # a group's scale in real numbers, [G, O]; a negative one gives -8 to the largest weight
    tried = [
        sign * clip * np.maximum((sign * w).max(1) / HIGHEST, (sign * w).min(1) / LOWEST)
        for sign in (1, -1)
        for clip in _CLIPS
    ]
    best = _least(w, m, tried)
    step = np.abs(best).max(0) / MAX_SCALE
    step = np.where(step > 0, step, 1.0)
    # the same search among the whole numbers: rounding a small scale may want another
    scale = _least(w, m, [_whole(t / step) * step for t in tried])
    rounded = _rounded(w, scale).reshape(-1, outputs)[:columns]
    return FourBits(rounded.astype(np.int8), _whole(scale / step).astype(np.int8), step)


def _whole(scale: np.ndarray) -> np.ndarray:
    """The nearest scales that an image can hold."""
    return np.clip(np.rint(scale), -MAX_SCALE, MAX_SCALE)


def _rounded(w: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """w [G, GROUP, O] in steps of scale [G, O]; 0 where that is 0."""
    steps = np.where(scale != 0, scale, np.inf)[:, None]
    return np.clip(np.rint(w / steps), LOWEST, HIGHEST)


def _least(w: np.ndarray, m: np.ndarray, tried: list[np.ndarray]) -> np.ndarray:
    """Of scales [G, O], for each group that with the least squared error, weighted by m."""
    errors = [((_rounded(w, t) * t[:, None] - w) ** 2 * m).sum(1) for t in tried]
    return np.take_along_axis(np.stack(tried), np.argmin(errors, 0)[None], 0)[0]


def pack(weight: np.ndarray) -> np.ndarray:
    """As the image has them: int8 [K, O] -> uint8 [O, K / 2 rounded up to words of 8 columns]."""
    columns, outputs = weight.shape
    words = -(-columns // WORD_COLUMNS)
    padded = np.zeros((outputs, words * WORD_COLUMNS), np.uint32)
    padded[:, :columns] = weight.T.astype(np.int64) & 15
    padded = padded.reshape(outputs, words, WORD_COLUMNS)
    packed = (padded << (4 * _NIBBLES).astype(np.uint32)).sum(-1, dtype=np.uint32)
    return packed.astype("<u4").view(np.uint8)


def unpack(packed: np.ndarray, columns: int) -> np.ndarray:
    """What :func:`pack` packed: uint8 [O, bytes] -> int8 [columns, O]."""
    words = np.ascontiguousarray(packed).view("<u4")[..., None]
    nibbles = (words >> (4 * _NIBBLES).astype(np.uint32)) & 15
    signed = (nibbles.astype(np.int8) ^ 8) - 8
    return signed.reshape(len(packed), -1)[:, :columns].T.astype(np.int8)
