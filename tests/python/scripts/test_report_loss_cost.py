# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The script that tells what a loss costs compares rules, and computes this project's as it is."""

import dataclasses
import math

import pytest

from cats import tasks
from cats.errors import CatsError
from cats.shape.config import SplitConfig
from cats.training.evaluate import every_token, score_at
from cats.training.loop import train
from cats.training.options import Training
from report import loss_cost


def test_rules_differ_where_something_is_lost(tmp_path):
    path, run = tmp_path / "wave.csv", tmp_path / "run"
    values = [f"{i},{math.sin(i / 4) + i / 200}" for i in range(160)]
    path.write_text("\n".join(["step,v", *values]) + "\n")
    task = tasks.load("forecast", data=str(path), target="v", context=12, horizon=3, patch=4)
    config = dataclasses.replace(task.model, features=8, heads=2, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2, output_split="single")
    model, _ = train(task, config, split, Training(epochs=1, threads=1), run)
    given = {"nodes": [1, 2, 4], "losses": [0, 0.5], "step": 1, "repeats": 1}
    found = loss_cost.costs(run, **given, every=False)["records"]
    assert [(r["nodes"], r["rule"]) for r in found[:3]] == [(1, rule) for rule in loss_cost.RULES]
    assert {r["nodes"] for r in found} == {1, 2}  # of two heads, four nodes have not enough
    clean = score_at(model, task, task.test, 0)["mse"]
    assert all(r["scores"][0] == pytest.approx(clean, rel=1e-5) for r in found)
    for first in (6, 9):  # two nodes: packets, then messages
        lossy = {r["rule"]: r["scores"][1] for r in found[first : first + 3]}
        granularity = found[first]["granularity"]
        own = score_at(model, task, task.test, 0.5, granularity=granularity)["mse"]
        assert lossy["columns it has"] == own
        assert len(set(lossy.values())) == 3 and all(map(math.isfinite, lossy.values()))
    tokens = loss_cost.costs(run, **{**given, "nodes": [2]}, every=True)["records"][0]["scores"][0]
    assert tokens == pytest.approx(every_token(model, task, task.test)["mse"], rel=1e-6)
    train(task, config, split, Training(epochs=2, keep=0.5, threads=1), run, force=True)
    with pytest.raises(CatsError, match="is pruned"):
        loss_cost.costs(run, **given, every=False)
