# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of narrower models by trainings of seconds, and its intervals."""

import json

import numpy as np
import pytest

from cats import tasks
from report import intervals, narrower


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """NAME.yaml in the folder of recipes, of seconds."""
    text = {
        "title": "Four channels", "task": "classify", "nodes": 2, "samples": 12,
        "verdict": "All alike.", "options": {"patch": 2},
        "model": {"features": 16, "heads": 2, "hidden": 16, "blocks": 1},
        "training": {"epochs": 2, "message_dropout": "0:0.1", "payload": 200},
        "kinds": {
            "all columns": {},
            "a tenth": {"keep": 0.1},
            "2 features": {"model": {"features": 2, "hidden": 4}},
        },
    }  # fmt: skip
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "four.yaml").write_text(json.dumps(text))
    monkeypatch.setattr(narrower, "RECIPES", tmp_path / "recipes")
    return "four"


def test_page(recipe, series, tmp_path, capsys):
    out = tmp_path / "narrower.rst"
    arguments = ["--seeds", "2", "--work", str(tmp_path / "work"), "-o", str(out)]
    assert narrower.main([f"{recipe}={series}", *arguments]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7  # six trainings and the page
    assert narrower.main([f"{recipe}={series}", *arguments]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # nothing is done twice
    text = out.read_text()
    rows = {line[3:14].strip(): line[14:].split() for line in text.splitlines()
            if line.startswith("   ")}  # fmt: skip
    assert int(rows["a tenth"][1]) < int(rows["all columns"][1])
    assert int(rows["2 features"][0]) < int(rows["a tenth"][0].replace(",", ""))
    assert "All alike." in text and "* against 2 features (" in text
    assert narrower.main([recipe, *arguments]) == 2
    assert "RECIPE=FILE" in capsys.readouterr().err
    assert narrower.main(arguments) == 2
    assert "needs the data of four" in capsys.readouterr().err


def test_the_metric_is_of_each_sample(recipe, series, tmp_path):
    task = tasks.load("classify", data=str(series), patch=2)
    outputs = np.eye(4)[task.test.targets.numpy()]
    outputs[3] = np.roll(outputs[3], 1)
    found = narrower.metric_of(task, narrower.torch.from_numpy(outputs), task.test)
    assert found.tolist() == [float(i != 3) for i in range(len(task.test))]


def test_intervals_are_over_samples_and_trainings():
    rng = np.random.default_rng(1)
    alike = np.repeat(rng.random((1, 400)) < 0.8, 5, 0).astype(float)
    mean, low, high = intervals.interval(alike)
    assert mean == alike.mean() and low < mean < high
    spread = (0.8 * 0.2 / 400) ** 0.5
    assert abs((high - low) / 3.92 - spread) < 0.003  # trainings that agree add nothing
    apart = np.stack([np.full(400, i % 2) for i in range(4)]).astype(float)
    assert abs(intervals.drawn(apart).std() - 0.25) < 0.02  # no more of samples that agree
    assert intervals.interval(alike, alike) == (0, 0, 0)  # over the same samples
    mean, low, high = intervals.interval(apart, apart)
    assert mean == 0 and high - low > 1  # whose trainings have nothing in common


def test_recipes_of_the_repository():
    for name in narrower.names():
        recipe = narrower.read_recipe(name)
        assert recipe.kinds[narrower.PRUNED]["keep"] == 0.1
        assert all("keep" not in own for kind, own in recipe.kinds.items()
                   if kind != narrower.PRUNED)  # fmt: skip
