# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Weights of four bits: what an image holds, what a product sums, how scales are chosen."""

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.four_bits import GROUP, accumulate, groups, pack, quantize, unpack


@pytest.mark.parametrize("columns", [1, 7, 8, 32, 33, 172])
def test_pack(columns):
    rng = np.random.default_rng(columns)
    weight = rng.integers(-8, 8, (columns, 5)).astype(np.int8)
    packed = pack(weight)
    assert packed.shape == (5, -(-columns // 8) * 4) and packed.dtype == np.uint8
    assert (unpack(packed, columns) == weight).all()


def test_order_within_a_word():
    """doc/numerics.rst: column 2 i is nibble i, column 2 i + 1 nibble 4 + i."""
    word = pack(np.arange(-4, 4, dtype=np.int8)[:, None])[0].view("<u4")[0]
    found = [(int(word) >> 4 * nibble) & 15 for nibble in range(8)]
    assert found == [v & 15 for v in (-4, -2, 0, 2, -3, -1, 1, 3)]


def test_sums_are_of_the_page():
    """Column by column, in Python's integers; the page's bounds with the largest numbers."""
    rng = np.random.default_rng(0)
    y = rng.integers(-128, 128, (3, 77)).astype(np.int8)
    weight = rng.integers(-8, 8, (77, 4)).astype(np.int8)
    scale = rng.integers(-127, 128, (groups(77), 4)).astype(np.int8)
    wanted = [
        [
            sum(int(y[r, j]) * int(weight[j, o]) * int(scale[j // GROUP, o]) for j in range(77))
            for o in range(4)
        ]
        for r in range(3)
    ]
    assert accumulate(y, weight, scale).tolist() == wanted
    y, weight = np.full((1, 4096), -128, np.int8), np.full((4096, 1), -8, np.int8)
    top = accumulate(y, weight, np.full((groups(4096), 1), 127, np.int8))
    assert top.item() == 4096 * 128 * 8 * 127 < 1 << 29
    assert top.item() + (1 << 30) < 1 << 31


def test_quantize():
    """Real numbers of a matrix come back within what four bits of normal weights can do, and each
    part that is left out of the search makes it worse."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((288, 64)) * rng.uniform(0.1, 10, 64)
    found = quantize(weight)
    assert found.weight.shape == weight.shape and found.scale.shape == (9, 64)
    assert found.weight.min() == -8 and found.weight.max() == 7
    assert (np.abs(found.scale.astype(int)).max(0) > 118).all()
    error = ((found.real() - weight) ** 2).sum() / (weight**2).sum()
    assert error < 0.0068
    grouped = weight.reshape(9, GROUP, 64)
    step = np.abs(grouped).max(1, keepdims=True) / 7
    plain = np.rint(grouped / step) * step
    assert error < 0.75 * ((plain - grouped) ** 2).sum() / (weight**2).sum()


def test_quantize_minds_what_matters():
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((64, 32))
    matter = np.where(np.arange(64) % 4 == 0, 100.0, 1.0)
    errors = [
        (((quantize(weight, importance).real() - weight) ** 2).mean(1) * matter).sum()
        for importance in (None, matter)
    ]
    assert errors[1] < 0.95 * errors[0]


def test_quantize_zeros_and_faults():
    weight = np.random.default_rng(2).standard_normal((70, 3))
    weight[:, 1] = 0
    weight[32:64, 2] = 0
    found = quantize(weight)
    assert not found.weight[:, 1].any() and not found.weight[32:64, 2].any()
    assert not found.real()[:, 1].any()
    weight[3, 0] = np.nan
    with pytest.raises(CatsError, match="NaN"):
        quantize(weight)
