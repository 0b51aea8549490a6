# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of accuracy: its recipes can be run, and it says what was and what was not."""

from pathlib import Path

import pytest

from cats.errors import CatsError
from cats.training import sweep
from cats.training.options import Training
from report import accuracy

ROOT = Path(__file__).resolve().parents[3]
RECIPES = sorted((ROOT / "scripts" / "accuracy").glob("*/*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recipes_can_be_run(path):
    recipe = sweep.read(path)
    assert recipe.losses[0] == 0 and len(recipe.kinds) >= 2 and path.stem in accuracy.TITLES
    for kind, keep, seed in recipe.runs():
        assert isinstance(recipe.training_of(kind, keep, seed), Training)
    try:
        task = recipe.load()
    except CatsError as error:  # the data is not on this machine
        assert "aeon" in str(error) or "cannot be read" in str(error)
        return
    for kind in recipe.kinds:
        model, split = recipe.shape(task, kind)
        model.check()
        split.check(model)


def test_both_presets_have_the_same_sweeps():
    names = {
        preset: {p.stem for p in RECIPES if p.parent.name == preset} for preset in accuracy.PRESETS
    }
    assert names["quick"] == names["full"] == set(accuracy.TITLES)


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
    runs = [{"cpu_seconds": 120.0}, {"cpu_seconds": 60.0}]
    return {
        "recipe": recipe, "metric": "accuracy", "higher_is_better": True, "parameters": 1234,
        "baselines": {}, "points": points, "runs": runs, **changes,
    }  # fmt: skip


def test_page_holds_figures_plots_and_what_was_left_out():
    text = accuracy.report("full", {"digits": _summary()}, ["ett (no file)"])
    assert "2 runs, 3 minutes of CPU time for training and scoring" in text
    assert ["digits", "2", "3.0"] in [line.split() for line in text.splitlines()]
    assert "``make accuracy-report PRESET=full``" in text
    assert "1,234 parameters, 2 seeds; accuracy, higher is better; epochs 3." in text
    rows = [line.split() for line in text.splitlines() if line.startswith("   plain")]
    assert rows == [
        ["plain", "1", form, "0.9000", "±0.0200", "0.8000", "±0.0200"] for form in sweep.FORMS
    ]
    assert text.count(".. image:: accuracy/digits_") == 2 and "Not run: ett (no file)." in text
    beside = {"persistence": {"mse": 0.5, "mae": 0.25}}
    assert "persistence" in accuracy.report("quick", {"ett": _summary(baselines=beside)}, [])


def _rows(figures, better="lower", **changes):
    """What ``reached`` says of {(kind, keep, loss): (int8, float)}."""
    recipe = {
        "preset": "ett", "training": {}, "keep": [1, 0.1], "losses": [0, 0.1],
        "kinds": {
            "plain": {"nodes": 1, "message_dropout": [0, 0]},
            "without": {"message_dropout": [0, 0]},
            "one": {"message_dropout": [0, 0.2]},
        },
        **changes,
    }  # fmt: skip
    points = [
        {
            "kind": kind, "keep": keep, "loss": loss, "model": form,
            "f": {"mean": mean, "least": mean - 0.001, "largest": mean + 0.001},
        }
        for (kind, keep, loss), pair in figures.items()
        for form, mean in zip(("int8", "float"), pair, strict=True)
    ]  # fmt: skip
    summary = {
        "recipe": recipe, "metric": "f", "higher_is_better": better == "higher", "points": points
    }  # fmt: skip
    return {what: tuple(rest) for what, *rest in accuracy.reached(summary)}


def test_what_is_reached_is_said_and_what_is_not():
    good = {
        ("plain", 1, 0): (0.06, 0.06),
        ("without", 1, 0): (0.06, 0.06), ("without", 1, 0.1): (0.082, 0.082),
        ("one", 1, 0): (0.061, 0.061), ("one", 1, 0.1): (0.062, 0.062),
        ("one", 0.1, 0): (0.062, 0.062),
    }  # fmt: skip
    rows = _rows(good)
    assert [row[-1] for row in rows.values()] == ["yes"] * 7
    assert rows["without: what 10 % loss costs"][1] == "+36.7 %"
    assert rows["the same where 10 % is lost, against nothing lost"][1] == "+3.3 %"
    bad = {
        ("plain", 1, 0): (0.059, 0.059),
        ("without", 1, 0): (0.06, 0.06), ("without", 1, 0.1): (0.079, 0.079),
        ("one", 1, 0): (0.0625, 0.0625), ("one", 1, 0.1): (0.063, 0.063),
        ("one", 0.1, 0): (0.064, 0.0632),
    }  # fmt: skip
    assert [row[-1] for row in _rows(bad).values()] == ["no"] * 7
    assert "one: a tenth of the columns" not in _rows(
        {place: pair for place, pair in good.items() if place[1] == 1}
    )


def test_accuracy_is_judged_in_points():
    figures = {
        ("without", 1, 0): (0.99, 0.99), ("without", 1, 0.1): (0.90, 0.90),
        ("one", 1, 0): (0.98, 0.98), ("one", 1, 0.1): (0.94, 0.94),
    }  # fmt: skip
    rows = _rows(figures, "higher", preset=None)
    assert [row[1:] for row in rows.values()] == [
        ("+1.0 points", "yes"), ("+5.0 points", "no"), ("+9.0 points", ""), ("0.00 %", "yes")
    ]  # fmt: skip
