# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``samples/survey`` on BabbleSim: the matrix that boards print is that of their channel."""

import re

import numpy as np
import pytest

from calibrated import build
from cats.zephyr import bsim

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
#: A line of boards, by how many apart two are: attenuation, dB. Two apart is the edge.
ATTENUATION = {1: 60.0, 2: 93.5, 3: 110.0}
NODES = 4


def tables(said, name):
    """All squares that were printed under a name."""
    said = re.sub(r"(?m)^d_\d+: @[\d:.]+ *", "", said)
    found = []
    for part in said.split(f"{name}:")[1:]:
        rows = [row.split(",") for row in part.split("\n\n")[0].strip().splitlines()]
        found.append(np.array(rows, float)[len(rows) - NODES :])
    return found


@pytest.mark.parametrize("radio", ["nrf-radio"])
def test_a_line_of_boards(tmp_path, radio):
    overlay = f"EXTRA_CONF_FILE=overlay-{radio}.conf"
    program = build(tmp_path / "build", bsim.BOARD, overlay, sample="survey")
    apart = abs(np.subtract.outer(np.arange(NODES), np.arange(NODES)))
    channel = bsim.attenuated(tmp_path, np.vectorize((ATTENUATION | {0: 0.0}).get)(apart))
    commands = [
        [str(program), f"-rs={node + 1}", f"-xo_drift={(20 - 10 * node) * 1e-6:g}"]
        for node in range(NODES)
    ]
    said, _ = bsim.simulate(commands, seconds=17, phy=bsim.phy_options(**channel))
    for node, text in enumerate(said):
        assert f"columns of {NODES} of {NODES} nodes" in text, text[-2000:]
        links, power = tables(text, "links.csv")[-1], tables(text, "dBm")[-1]
        print(links, power)
        assert (links[apart == 0] == 1).all()
        assert (links[apart == 1] > 0.95).all()
        assert (links[apart == 3] == 0).all()
        assert 0 < links[apart == 2].mean() < 1
        np.testing.assert_allclose(power[apart == 1], -ATTENUATION[1], atol=8)
        assert f"time of node 0 over {min(node, 1)}" in text or node > 1
