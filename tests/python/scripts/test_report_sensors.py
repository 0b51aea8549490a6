# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of sensors by trainings of seconds, and what a model of own inputs goes through from
training to the simulated air."""

import dataclasses
import json
import re

import numpy as np
import pytest

from cats.training.rivals import Rival
from command_line import status
from report import sensor_cells as cells
from report import sensors


@pytest.fixture
def recipe(series, tmp_path, monkeypatch):
    """A recipe of seconds, NAME.yaml in the folder of recipes, and few candidates."""
    text = {
        "title": "Four channels", "task": "classify", "nodes": 4, "verdict": "All alike.",
        "options": {"data": series.name, "patch": 2},
        "model": {"features": 8, "heads": 4, "hidden": 8, "blocks": 1, "embed": "own"},
        "training": {"epochs": 2, "message_dropout": "0:0.1", "payload": 4},
        "kinds": {
            "all columns": {},
            "a half": {"keep": 0.5},
            "hub": {
                "shares": [0, 1, 0, 0],
                "model": {"embed": "stem", "embed_hidden": 4, "signed_stem": True},
                "keep": 0,
            },
            "hub, 2 repair rounds": {"like": "hub", "rounds": 2},
            "one sensor": {"options": {"channels": ["a"]}, "nodes": 1},
        },
    }  # fmt: skip
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "four.yaml").write_text(json.dumps(text))
    monkeypatch.setattr(cells, "RECIPES", tmp_path / "recipes")
    small = {"features": 8, "heads": 2}
    candidates = {
        "alone": (Rival("alone", **small),),
        "late fusion, 2 values": (Rival("late", 2, **small), Rival("late", 2, 4, 2)),
        "raw to a hub": (Rival("raw", **small),),
        "1 columns to a hub": (Rival("tokens", 1, **small),),
    }
    monkeypatch.setattr(cells, "CANDIDATES", candidates)
    cells.load.cache_clear()
    cells.read_recipe.cache_clear()
    return "four"


def costs(page):
    """Of each method in the page's table its bytes on the air."""
    rows = (re.split("  +", line.strip()) for line in page.read_text().splitlines()
            if line.startswith("   "))  # fmt: skip
    sizes = {name: size[0].replace(",", "") for name, *size in rows if size}
    return {name: int(size) for name, size in sizes.items() if size.isdigit()}


def test_page(recipe, series, tmp_path, capsys):
    out = tmp_path / "doc" / "sensors.rst"
    arguments = ["--data", str(series.parent), "--sets", recipe, "--seeds", "2", "--jobs", "1",
                 "--work", str(tmp_path / "work"), "-o", str(out)]  # fmt: skip
    out.parent.mkdir()
    assert sensors.main([*arguments, "--only", "train", "--time", "0"]) == 0
    assert not (tmp_path / "work").exists()  # none began in no time
    assert sensors.main(arguments) == 0
    trained = sorted((tmp_path / "work" / recipe).iterdir())
    # Every candidate once, what was chosen once more, and the baselines.
    assert len(trained) == 10 + 9 + 1
    times = [path.stat().st_mtime_ns for path in trained]
    assert sensors.main(arguments) == 0
    assert times == [path.stat().st_mtime_ns for path in trained]  # nothing is done twice
    assert "19 trainings" not in capsys.readouterr().out
    cost = costs(out)
    assert cost["best sensor"] == cost["own answer"] == 0
    assert cost["vote"] < cost["probabilities"] < cost["late fusion, 2 values"] + 9
    assert cost["1 columns to a hub"] < cost["raw to a hub"]
    assert cost["SomeGather, hub"] < cost["SomeGather, a half"] / 2
    assert cost["SomeGather, one sensor"] == 0
    assert cost["SomeGather, hub"] < cost["SomeGather, hub, 2 repair rounds"]
    assert (
        "Of the rivals that are trained, for at most their bytes SomeGather is " in out.read_text()
    )
    assert cost["SomeGather, a half"] < cost["SomeGather, all columns"]
    assert "All alike." in out.read_text() and "Points of accuracy" in out.read_text()
    assert (out.parent / "sensors" / "accuracy_vs_bytes.svg").exists()


def test_numbers_of_nodes_have_a_page_of_their_own(recipe, series, tmp_path):
    file = cells.RECIPES / f"{recipe}.yaml"
    text = json.loads(file.read_text())
    two = {"options": {"channels": ["a", "b"]}, "nodes": 2}
    text["kinds"] = {"2 nodes": two, "4 nodes": {}}
    text["rivals"] = {"late fusion, 2 nodes": {"like": "late fusion, 2 values", **two}}
    file.write_text(json.dumps(text))
    out = tmp_path / "doc" / "sensors.rst"
    out.parent.mkdir()
    assert sensors.main(["--data", str(series.parent), "--sets", recipe, "--seeds", "1", "--jobs",
                         "1", "--work", str(tmp_path / "work"), "-o", str(out)]) == 0  # fmt: skip
    assert not out.exists()
    made = out.parent / "nodes" / f"{recipe}.inc"
    assert "* against late fusion, 2 nodes: " in made.read_text()
    few, many = (costs(made)[f"SomeGather, {n} nodes"] for n in (2, 4))
    assert few < many and "raw to a hub" not in made.read_text()


def test_repair_is_on_the_air(recipe, series, tmp_path):
    """The same model, told by nodes that repair: right as with nothing lost, for more bytes."""
    one, again = (cells.Job(recipe, kind, 0, 0) for kind in ("hub", "hub, 2 repair rounds"))
    for job in (one, again):
        cells.do(job, tmp_path, series.parent)
    plain, repaired = (np.load(job.file(tmp_path)) for job in (one, again))
    assert (plain["validation"] == repaired["validation"]).all()
    assert (plain["test"][0] == repaired["test"][0]).all()
    assert (repaired["test"] == repaired["test"][0]).mean() > 0.9
    meta = cells.meta_of(again.file(tmp_path))
    clean, *lossy = meta["bytes"]
    cost = sensors.cost_of(meta)
    assert clean == cost["bytes_on_air"] < min(lossy) and cost["bytes_most"] == max(lossy)


def test_where_it_is_behind():
    """Fewest bytes of those as right by validation; with repair where packets are lost."""
    tested = sensors.Tested(np.zeros(400, int), np.arange(400))

    def method(name, ours, size, shares, most=0):
        right = np.stack([np.arange(400) % 100 < 100 * share for share in shares])[None]
        cost = {"bytes_on_air": size, "bytes_most": most or size, "inference_us": 1}
        return sensors.Method(name, ours, cost, shares[0], right, 1)

    hub = method("hub", True, 300, (0.9, 0.8, 0.7))
    repaired = method("hub" + sensors.REPAIRED, True, 320, (0.9, 0.9, 0.9), 600)
    raw, late = (method(name, False, size, (0.9, 0.88, 0.86))
                 for name, size in (("raw to a hub", 1000), ("late fusion", 400)))  # fmt: skip
    lines = sensors.comparisons([hub, repaired, raw, late], tested)
    assert lines[-1].endswith("interval: late fusion at 10 % lost, late fusion at 20 % lost.")
    assert any("hub, 2 repair rounds (320 bytes, at most 600)" in line for line in lines)
    assert sensors.comparisons([hub, repaired, raw], tested)[-1].endswith("nowhere.")


def test_what_another_recipe_made_is_made_again(recipe, series, tmp_path):
    job = cells.Job(recipe, "alone", 0, 0)
    cells.do(job, tmp_path, series.parent)
    made = cells.read_recipe(recipe)
    assert cells.meta_of(job.file(tmp_path))["job"] == job.about(made)
    longer = dataclasses.replace(made, training={**made.training, "epochs": 3})
    assert cells.meta_of(job.file(tmp_path))["job"] != job.about(longer)


def test_intervals_are_over_samples_and_seeds():
    rng = np.random.default_rng(1)
    alike = np.repeat(rng.random((1, 400)) < 0.8, 5, 0)
    every = sensors.Tested(np.zeros(400, int), np.arange(400))
    draws = sensors.resampled(alike, every)
    assert abs(draws.mean() - alike.mean()) < 0.005
    assert abs(draws.std() - (0.8 * 0.2 / 400) ** 0.5) < 0.002  # seeds that agree add nothing
    apart = np.stack([np.full(400, i % 2) for i in range(4)]).astype(bool)
    assert abs(sensors.resampled(apart, every).std() - 0.25) < 0.02  # no more of samples that agree
    one, same = (sensors.Method(name, True, {}, 0.0, alike[:, None]) for name in "ab")
    assert sensors.difference(one, same, 0, every) == "+0.0 (+0.0 to +0.0)"
    # Groups of four that agree tell as much as a quarter of the samples.
    grouped = np.repeat(alike[:1, :100], 4, 1)
    four = sensors.Tested(every.fold, np.repeat(np.arange(100), 4))
    one = sensors.resampled(grouped, four).std() / sensors.resampled(grouped, every).std()
    assert abs(one - 2) < 0.2
    # Seeds of two folds have nothing in common: their means vary less than those of one.
    folds = sensors.Tested(np.arange(400) % 2, every.group)
    assert abs(sensors.resampled(apart, folds).std() - 0.25 / 2**0.5) < 0.02


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
