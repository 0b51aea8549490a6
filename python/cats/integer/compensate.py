# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Weights rounded column by column, each error made up for by the columns that follow (Frantar and
others, "GPTQ", arXiv:2210.17323), so that the product's result changes least over what it reads.

Letters: K columns that a product reads, O output columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Added to the squares of columns, as a part of their mean: so few rows say little of the rest.
_DAMPING = 0.01


def compensated(
    weight: np.ndarray, read: np.ndarray, rounded: Callable[[int, np.ndarray], np.ndarray]
) -> np.ndarray:
    """weight float [K, O] as ``rounded`` makes it, which is given a column's number and its weights
    [O] and gives them as the integers have them, in real values. read [rows, K]: what the product
    reads. Columns that are zero in every row are rounded by themselves."""
    order = np.argsort(-(read * read).sum(0), kind="stable")  # those that matter most first
    read = read[:, order]
    square = read.T @ read
    square[np.diag_indices_from(square)] += _DAMPING * max(np.trace(square) / len(square), 1e-30)
    factor = np.linalg.cholesky(np.linalg.inv(square)).T  # upper: inverse = factor.T @ factor
    left, out = weight[order].astype(np.float64), np.empty_like(weight, np.float64)
    for i, j in enumerate(order):
        out[j] = rounded(j, left[i])
        error = (left[i] - out[j]) / factor[i, i]
        left[i + 1 :] -= factor[i, i + 1 :, None] * error
    return out
