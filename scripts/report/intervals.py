# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""95 % intervals by bootstrap over test samples and trainings."""

from __future__ import annotations

import numpy as np

RESAMPLES = 1000


def drawn(values: np.ndarray, other: bool = False) -> np.ndarray:
    """Means of ``values`` float [trainings, n] over draws of samples, always the same ones, and of
    trainings, which differ where it is the ``other`` of two: float [RESAMPLES]."""
    trainings, count = values.shape
    samples = np.random.default_rng(0).multinomial(count, [1 / count] * count, RESAMPLES) / count
    picked = np.random.default_rng(1 + other).multinomial(
        trainings, [1 / trainings] * trainings, RESAMPLES
    )
    return ((picked / trainings @ values) * samples).sum(1)


def interval(values: np.ndarray, base: np.ndarray | None = None) -> tuple[float, float, float]:
    """(mean, low, high) of ``values`` [trainings, n], or [n] of one, or of the difference to
    ``base`` [its trainings, n] over the same samples."""
    mean, draws = np.mean(values), drawn(np.atleast_2d(values))
    if base is not None:
        mean, draws = mean - np.mean(base), draws - drawn(np.atleast_2d(base), other=True)
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(mean), float(low), float(high)
