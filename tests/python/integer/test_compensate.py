# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Weights that make up for each other's rounding."""

import numpy as np

from cats.integer.compensate import compensated


def rounded(j, weight):
    return np.clip(np.rint(weight), -8, 7)


def test_the_result_changes_less_than_by_rounding_each_weight():
    rng = np.random.default_rng(0)
    read = rng.normal(size=(500, 5)) @ rng.normal(size=(5, 24)) + rng.normal(size=(500, 24)) / 8
    weight = rng.normal(size=(24, 10)) * 3
    got = compensated(weight, read, rounded)
    assert (got == np.clip(np.rint(got), -8, 7)).all()
    error, plain = (
        np.square(read @ (w - weight)).sum() for w in (got, np.clip(np.rint(weight), -8, 7))
    )
    assert error < plain / 3


def test_columns_that_know_nothing_of_each_other_are_rounded_each():
    weight = np.random.default_rng(1).normal(size=(6, 4)) * 3
    read = np.diag(np.arange(1.0, 7))
    assert (compensated(weight, read, rounded) == rounded(0, weight)).all()


def test_what_is_never_read_is_rounded_by_itself():
    rng = np.random.default_rng(2)
    read = rng.normal(size=(50, 6))
    read[:, 2] = 0
    weight = rng.normal(size=(6, 4)) * 3
    assert (compensated(weight, read, rounded)[2] == rounded(2, weight[2])).all()
    assert np.isfinite(compensated(weight, np.zeros((3, 6)), rounded)).all()
