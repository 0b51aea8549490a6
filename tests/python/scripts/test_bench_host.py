# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make bench-host`` measures what it says."""

import json

from bench import host


def test_figures(capsys):
    words = ["--features", "32", "--tokens", "8", "--nodes", "3", "--samples", "2", "--blocks", "1"]
    assert host.main([*words, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"] == 3 and found["parameters"] > 6 * 32 * 32
    for name in ("clean", "lossy"):
        run = found[name]
        rate = found["bare_inferences_a_second"] / run["over_bare"]
        assert abs(run["inferences_a_second"] / rate - 1) < 1e-6
    assert host.main(words) == 0
    assert "simulation, 10 % lost" in capsys.readouterr().out
