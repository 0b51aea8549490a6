# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of accuracy: its recipes can be run, and it says what was and what was not."""

import importlib.util
import itertools
from pathlib import Path

import pytest

from cats import sweep
from cats.errors import CatsError
from cats.train import Training

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "scripts" / "accuracy").glob("*/*.yaml"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "accuracy_report", ROOT / "scripts" / "accuracy_report.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recipes_can_be_run(path, script):
    recipe = sweep.read(path)
    assert recipe.losses[0] == 0 and len(recipe.kinds) >= 2 and path.stem in script.TITLES
    for kind, keep, seed in itertools.product(recipe.kinds, recipe.keep, recipe.seeds):
        assert isinstance(recipe.training_of(kind, keep, seed), Training)
    try:
        task = recipe.load()
    except CatsError as error:  # the data is not on this machine
        assert "aeon" in str(error) or "cannot be read" in str(error)
        return
    model, split = recipe.shape(task)
    model.check()
    split.check(model)


def test_both_presets_have_the_same_sweeps(script):
    names = {
        preset: {p.stem for p in RECIPES if p.parent.name == preset} for preset in script.PRESETS
    }
    assert names["quick"] == names["full"] == set(script.TITLES)


def _summary(**changes):
    recipe = {
        "task": "digits", "nodes": 4, "seeds": [0, 1], "training": {"epochs": 3},
        "kinds": {"plain": {}}, "keep": [1.0], "losses": [0, 0.1],
    }  # fmt: skip
    points = [
        {
            "kind": "plain", "keep": 1.0, "model": form, "loss": loss,
            "accuracy": {"mean": 0.9 - loss, "least": 0.88 - loss, "largest": 0.92 - loss},
        }
        for form in sweep.FORMS
        for loss in recipe["losses"]
    ]  # fmt: skip
    runs = [{"seconds": 60.0, "cpu_seconds": 120.0}, {"seconds": 120.0}]
    return {
        "recipe": recipe, "metric": "accuracy", "higher_is_better": True, "parameters": 1234,
        "baselines": {}, "points": points, "runs": runs, **changes,
    }  # fmt: skip


def test_page_holds_figures_plots_and_what_was_left_out(script):
    text = script.report("full", {"digits": _summary()}, ["ett (no file)"])
    assert "2 runs, 3 minutes of training by the clock" in text
    assert "1 of them took 2 minutes of CPU time" in text
    assert "``make accuracy-report PRESET=full``" in text
    assert "1,234 parameters, 2 seeds; accuracy, higher is better; epochs 3." in text
    rows = [line.split() for line in text.splitlines() if line.startswith("   plain")]
    assert rows == [
        ["plain", "1", form, "0.9000", "±0.0200", "0.8000", "±0.0200"] for form in sweep.FORMS
    ]
    assert text.count(".. image:: accuracy/digits_") == 2 and "Not run: ett (no file)." in text
    beside = {"persistence": {"mse": 0.5, "mae": 0.25}}
    assert "persistence" in script.report("quick", {"ett": _summary(baselines=beside)}, [])
