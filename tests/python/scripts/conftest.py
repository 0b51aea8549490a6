# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Data for reports that are made in seconds."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Four channels of which the first two say the class: NAME_TRAIN.csv."""
    path = tmp_path_factory.mktemp("data") / "two.csv"
    rng = np.random.default_rng(0)
    lines = ["sample,label,a,b,c,d"]
    for i in range(60):
        values = rng.normal(0, 0.3, (8, 4))
        values[:, 0] += i % 2
        values[:, 1] += i // 2 % 2
        label = i % 4
        lines += [f"{i},{label}," + ",".join(f"{v:.4f}" for v in row) for row in values]
    path.write_text("\n".join(lines) + "\n")
    return path
