# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of sensors by a sweep of seconds, and what a model of own inputs goes through from
training to the simulated air."""

import json

import numpy as np
import pytest

from cats.training import sweep
from command_line import status
from report import sensors


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


def test_page(series, tmp_path):
    kinds = {"full": {}, "own": {"model": {"embed": "own", "embed_hidden": 8}}}
    recipe = {
        "task": "classify", "options": {"data": str(series), "patch": 2}, "nodes": 4,
        "input_split": "channels", "kinds": kinds, "keep": [1, 0.5], "seeds": [0],
        "losses": [0, 0.1], "model": {"features": 8, "heads": 4, "hidden": 8, "blocks": 1},
        "training": {"epochs": 2, "message_dropout": 0.1},
    }  # fmt: skip
    summary = sweep.run(sweep.Sweep.of(recipe), tmp_path, jobs=1, say=lambda text: None)
    text = sensors.page({"wide": (summary, tmp_path)})
    rows = [line.split() for line in text.splitlines() if line.startswith(("   full ", "   own "))]
    assert [row[:2] for row in rows] == [
        ["full", "all"], ["own", "all"], ["full", "0.5"], ["own", "0.5"]
    ]  # fmt: skip
    raw, total = ([int(row[i].replace(",", "")) for row in rows] for i in (3, 4))
    assert raw[1] == raw[3] == 42 < raw[0] == raw[2]
    assert total[1] < total[0] and total[3] < total[2]


@pytest.mark.parametrize("hidden", [0, 9])
def test_from_training_to_the_air(series, tmp_path, hidden):
    run, deploy, found = (tmp_path / name for name in ("run", "deploy", "found.json"))
    assert status(
        "train", "--task", "classify", "--data", series, "--patch", 2, "--nodes", 4, "--embed",
        "own", "--embed-hidden", hidden, "--features", 8, "--heads", 4, "--hidden", 8, "--blocks",
        1, "--epochs", 4, "--keep", 0.5, "--qat", 1, "-o", run,
    ) == 0  # fmt: skip
    config = json.loads((run / "config.json").read_text())
    assert config["split"]["inputs"] == [2, 2, 2, 2]
    assert status("export", run, "-o", deploy, "--radio", "nrf_radio") == 0
    assert status("simulate", deploy, "--samples", 4, "--loss", 0.1, "--json", found) == 0
    result = json.loads(found.read_text())["results"][0]
    assert result["equal_to_reference"] and result["hung"] is None
    assert status("plan", deploy, "--nodes", 4) == 0
    assert status("evaluate", run, "--int8-report") == 0


def test_options(capsys):
    shape = ("plan", "--features", 32, "--tokens", 8, "--heads", 4, "--inputs", 8, "--nodes", 4)
    assert status(*shape, "--embed", "own", "--embed-hidden", 16) == 0
    assert status(*shape, "--embed-hidden", 16) == 2
    assert "use embed 'own'" in capsys.readouterr().err


def test_without_its_data(tmp_path, capsys):
    assert sensors.main(["--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 2
    assert "NATOPS_TRAIN.ts" in capsys.readouterr().err
