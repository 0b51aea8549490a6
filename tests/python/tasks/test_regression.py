# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Regression: numbers in their units, from files to the device's counts."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from cats import tasks
from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.tasks import baselines
from cats.tasks.read_ts import read_ts
from cats.tasks.sensors import SensorTask
from cats.training.evaluate import answers
from cats.training.run_folder import load_run
from command_line import status

SMALL = ["--features", 16, "--heads", 4, "--hidden", 16, "--blocks", 1, "--nodes", 2]


def _data(path, count=80, seed=0, header="sample,label,height,x,y", known=True):
    """Waves about the number: label in 20 +- 5, height ten times that and 7 more."""
    rng = np.random.default_rng(seed)
    lines = [header if known else "sample,x,y"]
    for s in range(count):
        value = 20 + 5 * rng.uniform(-1, 1)
        about = f"{value:.4f},{10 * value + 7:.3f}," if known else ""
        for t in range(12):
            x = value - 20 + math.sin(t) + rng.normal(0, 0.3)
            lines.append(f"{s},{about}{x:.4f},{rng.normal():.4f}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_targets_are_normalised_by_the_training_part(tmp_path):
    task = tasks.load("regression", data=_data(tmp_path / "a.csv"), patch=4,
                      target=["label", "height"], target_units=["kg", "mm"],
                      channels=["x", "y"])  # fmt: skip
    assert [len(p) for p in (task.train, task.validation, task.test)] == [48, 12, 20]
    torch.testing.assert_close(task.train.targets.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(task.train.targets.std(0, correction=0), torch.ones(2))
    label, height = task.metadata.values
    assert (label.name, label.unit, height.name, height.unit) == ("label", "kg", "height", "mm")
    assert height.mean == pytest.approx(10 * label.mean + 7, abs=1e-3)
    assert label.low >= 15 and label.high <= 25 and 2 < label.deviation < 4
    assert task.model.outputs == 2 and task.model.task == "forecast"
    again = tasks.load("regression", **task.options)
    assert again.metadata == task.metadata and torch.equal(again.test.inputs, task.test.inputs)


def test_figures_are_in_the_unit(tmp_path):
    task = tasks.load("regression", data=_data(tmp_path / "a.csv"), patch=4, channels=["x"])
    (value,) = task.metadata.values
    part = task.test
    output = part.targets + 2.0 / value.deviation  # two units too much
    variance = (part.targets * value.deviation).var(correction=0).item()
    wanted = {"rmse": 2.0, "mae": 2.0, "mse": 4.0, "r2": 1 - 4 / variance}
    assert task.score(output, part) == pytest.approx(wanted, rel=1e-4)
    assert task.loss(output[:, None], part.targets).item() == pytest.approx(
        4 / value.deviation**2, rel=1e-4
    )
    assert task.score(output[:1], part.at(slice(1)))["r2"] == 0.0


def test_baselines(tmp_path):
    """The number is the mean of a wave, so ridge is nearly exact."""
    task = tasks.load("regression", data=_data(tmp_path / "a.csv"), patch=4, channels=["x"])
    found = baselines.scores(task, "test")["test"]
    assert list(found) == ["mean", "ridge", "nearest neighbour"]
    known = task.train.targets.double()
    test = task.test.targets.double()
    deviation = task.metadata.values[0].deviation
    apart = torch.cdist(task.test.inputs.flatten(1), task.train.inputs.flatten(1)).argmin(1)
    for name, guess in (("mean", known.mean()), ("nearest neighbour", known[apart])):
        error = (guess - test) * deviation
        assert found[name]["mse"] == pytest.approx(error.square().mean().item(), rel=1e-5)
    assert found["ridge"]["rmse"] < 0.3 and found["ridge"]["r2"] > 0.99
    assert abs(found["mean"]["r2"]) < 0.2


def _ts(path, count=40, seed=0, flags="@targetLabel true"):
    rng = np.random.default_rng(seed)
    rows = []
    for value in rng.uniform(-1, 1, count):
        wave = value * np.sin(np.arange(10)) + rng.normal(0, 0.01, 10)
        rows.append(",".join(f"{v:.4f}" for v in wave) + f":{value:.5f}")
    path.write_text("\n".join(["@problemName w", flags, "@data", *rows]) + "\n")
    return str(path)


def test_ts_files_of_the_archives(tmp_path):
    data = _ts(tmp_path / "w_TRAIN.ts")
    _ts(tmp_path / "w_TEST.ts", 9, 1)
    task = tasks.load("regression", data=data, patch=5, target=["depth"], target_units=["m"])
    assert [len(p) for p in (task.train, task.validation, task.test)] == [32, 8, 9]
    assert (task.metadata.values[0].name, task.metadata.values[0].unit) == ("depth", "m")
    values = read_ts(Path(data), ["depth"]).values
    assert values.shape == (40, 1) and values.dtype == torch.float64
    for what, change, said in (
        ("classify", {}, "@targetLabel true: .* --task regression"),
        ("regression", {"target": ["a", "b"]}, "have one number each"),
    ):
        with pytest.raises(CatsError, match=said):
            tasks.load(what, data=data, **change)
    for flags, said in (
        ("@classLabel true 1 2", "@classLabel true: .* --task classify"),
        ("# nothing", "no @targetLabel true"),
    ):
        with pytest.raises(CatsError, match=said):
            tasks.load("regression", data=_ts(tmp_path / "v.ts", flags=flags))
    text = (tmp_path / "w_TEST.ts").read_text()
    for value in ("x", "?", "inf", "1e30"):
        (tmp_path / "w_TEST.ts").write_text(text.rstrip()[:-3] + "\n" + "1,2" * 5 + f":{value}\n")
        with pytest.raises(CatsError, match="w_TEST.ts, line "):
            tasks.load("regression", data=data, patch=5)


@pytest.mark.parametrize(
    ("old", "new", "options", "said"),
    [
        ("label", "weight", {}, "no columns sample and label"),
        ("", "", {"target": ["depth"]}, "no columns sample and depth"),
        ("", "", {"target": ["label", "label"]}, "columns of their own"),
        ("", "", {"target": ["sample"]}, "columns of their own"),
        ("", "", {"channels": ["label"]}, "channels are columns beside sample, label or targets"),
        ("", "", {"target_units": ["a", "b"]}, "2 units for 1"),
        ("\n0,", "\n0,x", {}, "row 1: column 'label': 'x.*' is no number"),
        ("\n0,", "\n0,1", {}, "sample '0' has two labels"),
    ],
)
def test_wrong_files_are_named(tmp_path, old, new, options, said):
    path = Path(_data(tmp_path / "a.csv"))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(CatsError, match=said):
        tasks.load("regression", data=str(path), patch=4, **options)


def test_a_constant_or_absurd_target_is_named(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f"{s},{7},{s * t % 5}" for s in range(30) for t in range(4)]
    path.write_text("\n".join(["sample,label,x", *lines]))
    with pytest.raises(CatsError, match="'label' never changes in the training part"):
        tasks.load("regression", data=str(path), patch=2)
    lines = [f"{s},{1e17 if s == 3 else s % 7},{s * t % 5}" for s in range(200) for t in range(2)]
    path.write_text("\n".join(["sample,label,x", *lines]))
    with pytest.raises(CatsError, match="sample '3', label: 1e.17 is missing, or out of all"):
        tasks.load("regression", data=str(path), patch=2)


def test_groups_stay_together(tmp_path):
    lines = [f"{s},{s % 7},p{s % 6},{s * t % 5}" for s in range(60) for t in range(4)]
    (tmp_path / "a.csv").write_text("\n".join(["sample,label,person,x", *lines]))
    task = tasks.load("regression", data=str(tmp_path / "a.csv"), patch=2, group="person")
    assert task.notes[-1] == "groups by person, training:validation:test 4:1:1"


def test_from_files_to_values_in_their_units(tmp_path, monkeypatch):
    """Through every command; the device's counts and the float model say nearly the same."""
    monkeypatch.chdir(tmp_path)
    words = ["train", "--task", "regression", "--data", _data(tmp_path / "a.csv"), "--target",
             "label,height", "--target-units", "kg,mm", "--channels", "x,y", "--patch", 4,
             "--epochs", 40, "--lr", 0.01, "--message-dropout", 0, *SMALL, "-o", "RUN",
             "--json", "t.json"]  # fmt: skip
    assert status(*words) == 0
    metrics = json.loads(Path("t.json").read_text())
    assert metrics["test"]["r2"] > 0.8
    assert metrics["test"]["rmse"] < metrics["baselines"]["test"]["mean"]["rmse"]
    assert status("evaluate", "RUN", "--loss", "0,0.3", "--repeats", 1, "--model", "int8") == 0
    assert status("export", "RUN", "-o", "DEPLOY", "--counts-per-unit", 1000) == 0
    assert status("simulate", "DEPLOY", "--samples", 10, "--json", "s.json") == 0
    figures = json.loads(Path("s.json").read_text())["results"][0]
    assert figures["quality"]["rmse"] > 0 and figures["equal_to_reference"]

    new, plain = (
        _data(tmp_path / "new.csv", 20, 5),
        _data(tmp_path / "plain.csv", 20, 5, known=False),
    )
    task = tasks.load("regression", **load_run("RUN")[1].extra["task_options"])
    model = load_deploy("DEPLOY")[0]
    assert [v.counts_per_unit for v in model.metadata.values] == [1e7, 1e6]
    results = {}
    for folder, file in (("RUN", new), ("DEPLOY", new), ("DEPLOY", plain)):
        assert status("predict", folder, file, "--json", "p.json", "--csv", "p.csv") == 0
        found = json.loads(Path("p.json").read_text())
        results[folder, file] = found
        rows = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
        header = ["sample", "label, kg", "height, mm"]
        more = [f"labelled {name}" for name in header[1:]] if file == new else []
        assert list(rows[0]) == header + more and len(rows) == 20
    assert "rmse" not in results["DEPLOY", plain] and results["RUN", new]["r2"] > 0.5
    one, other = ([row["label"] for row in results[key]["answers"]]
                  for key in (("RUN", new), ("DEPLOY", plain)))  # fmt: skip
    assert one == pytest.approx(other, abs=0.5)
    read = tasks.Task.read_new(Path(new), task.metadata, False, ",", ".")
    inputs = tasks.load("regression", data=new, patch=4, target=["label", "height"],
                        channels=["x", "y"], fitted=task.metadata)  # fmt: skip
    together = torch.cat([p.inputs for p in (inputs.train, inputs.validation, inputs.test)])
    outputs = answers(load_run("RUN")[0], together).double().numpy()
    wanted = sorted(outputs[:, 0] * task.metadata.values[0].deviation
                    + task.metadata.values[0].mean)  # fmt: skip
    assert sorted(one) == pytest.approx(wanted, abs=1e-3) and read.following.shape == (20, 2)

    text = Path(plain).read_text().splitlines()
    counts = [",".join([s, *(str(round(1000 * float(v))) for v in (x, y))])
              for s, x, y in (line.split(",") for line in text[1:])]  # fmt: skip
    Path("counts.csv").write_text("\n".join([text[0], *counts]))
    assert status("predict", "DEPLOY", "counts.csv", "--counts", "--json", "p.json") == 0
    counted = [row["label"] for row in json.loads(Path("p.json").read_text())["answers"]]
    assert counted == pytest.approx(other, abs=0.2)


def test_what_series_have_in_common_stands_once():
    """Classify and Regression read, cut and change series by the same code."""
    for name in ("classify", "regression"):
        assert issubclass(tasks.find(name), SensorTask)
