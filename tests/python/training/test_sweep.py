# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A sweep computes what is missing and nothing twice, and says what it found."""

import dataclasses
import json
import math
import sys
import types

import joblib
import pytest
import yaml

from cats.cli import main
from cats.errors import CatsError
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.training import sweep
from cats.training.run_folder import load_run

RECIPE = {
    "task": "forecast",
    "options": {
        "data": "wave.csv", "target": "v", "context": 12, "horizon": 3, "patch": 4,
        "parts": "0.5:0.2:0.3",
    },
    "nodes": 2,
    "model": {"features": 8, "heads": 2, "hidden": 8, "blocks": 1},
    "training": {"epochs": 2, "lr": 0.01},
    "kinds": {"plain": {"message_dropout": [0, 0]}, "one model": {"message_dropout": [0, 0.3]}},
    "keep": [1, 0.5],
    "seeds": [0, 1],
    "losses": [0, 0.5],
}  # fmt: skip
SMALLEST = {"features": 2, "heads": 2, "hidden": 2, "blocks": 1}


def _write(folder, **changes):
    lines = [f"2024-01-{1 + i // 24:02d} {i % 24:02d}:00,{math.sin(i / 4)}" for i in range(160)]
    (folder / "wave.csv").write_text("\n".join(["date,v", *lines]) + "\n")
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, **changes}))
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(the file, OUT, summary) of a finished sweep."""
    folder = tmp_path_factory.mktemp("sweep")
    path, out = _write(folder), folder / "out"
    assert main(["sweep", str(path), "-o", str(out), "--jobs", "1"]) == 0
    return path, out, json.loads((out / sweep.SUMMARY).read_text())


def test_every_run_is_there_and_counted(done):
    _, out, summary = done
    assert len(summary["runs"]) == 8 and len(summary["points"]) == 2 * 2 * 2 * 2
    for run in summary["runs"]:
        name = f"{run['kind'].replace(' ', '_')}-keep_{run['keep']:g}-seed_{run['seed']}"
        model, config = load_run(out / "runs" / name)
        assert config.seed == run["seed"] and config.extra["training"]["epochs"] == 2
        assert config.extra["training"]["message_dropout"] == (
            [0, 0] if run["kind"] == "plain" else [0, 0.3]
        )
        assert len(model.keep[1][0]) == 4 * run["keep"]
    for point in summary["points"]:
        assert point["seeds"] == 2
        for name in ("mse", "mae"):
            values = [
                run["scores"][point["model"]][[0, 0.5].index(point["loss"])][name]
                for run in summary["runs"]
                if (run["kind"], run["keep"]) == (point["kind"], point["keep"])
            ]
            assert point[name]["mean"] == pytest.approx(sum(values) / 2)
            assert (point[name]["least"], point[name]["largest"]) == (min(values), max(values))
    assert summary["baselines"]["persistence"]["mse"] > 0
    for name in (sweep.LOSS_PLOT, sweep.KEEP_PLOT):
        assert (out / name).read_text().lstrip().startswith("<?xml")


def test_table_has_a_row_for_each_kind_keep_and_form(done, capsys):
    path, out, summary = done
    lines = sweep.tables(summary).splitlines()
    assert len(lines) == 2 + 8 and "50 % loss" in lines[0]
    assert main(["sweep", str(path), "-o", str(out), "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert "8 runs, 8 of them are there" in shown and "±" in shown and "persistence" in shown


def test_what_is_there_is_not_computed_again(done, tmp_path, monkeypatch):
    path, out, summary = done
    (out / "runs" / "plain-keep_1-seed_1" / sweep.FIGURES).unlink()
    trained = []
    real = sweep.train

    def watched(*arguments, **options):
        trained.append(arguments[4].name)
        return real(*arguments, **options)

    monkeypatch.setattr(sweep, "train", watched)
    again = sweep.run(sweep.read(path), out, jobs=1, say=lambda text: None)
    assert trained == ["plain-keep_1-seed_1"]  # its weights were there: it is only scored
    for one in (*again["runs"], *summary["runs"]):
        assert one.pop("cpu_seconds") > 0
    assert again == summary
    more = dataclasses.replace(sweep.read(path), seeds=(0, 1, 2), keep=(1,))
    assert len(sweep.run(more, out, jobs=1, say=lambda text: None)["runs"]) == 6
    assert sorted(trained[1:]) == ["one_model-keep_1-seed_2", "plain-keep_1-seed_2"]


def test_what_is_there_can_be_shown_as_it_is(done, tmp_path):
    path, out, _ = done
    more = dataclasses.replace(sweep.read(path), seeds=(0, 7), keep=(1, 0.25))
    summary = sweep.run(more, out, say=lambda text: None, new=False)
    names = [f"{kind}-keep_{run}" for kind in ("plain", "one_model") for run in (
        "1-seed_7", "0.25-seed_0", "0.25-seed_7")]  # fmt: skip
    assert sorted(summary["missing"]) == sorted(names) and len(summary["runs"]) == 2
    assert len(sweep.tables(summary).splitlines()) == 2 + 2 * 2
    with pytest.raises(CatsError, match="no finished run"):
        sweep.run(more, tmp_path / "out", say=lambda text: None, new=False)


def test_a_plain_transformer_and_an_uneven_budget(tmp_path):
    kinds = {"alone": {"nodes": 1}, "even": {}, "uneven": {"uneven": True}}
    path, out = _write(tmp_path, kinds=kinds, seeds=[0]), tmp_path / "out"
    given = sweep.read(path)
    summary = sweep.run(given, out, jobs=1, say=lambda text: None)
    assert [(run["kind"], run["keep"]) for run in summary["runs"]] == [
        ("alone", 1), ("even", 1), ("even", 0.5), ("uneven", 1), ("uneven", 0.5)
    ]  # fmt: skip
    alone, _ = load_run(out / "runs" / "alone-keep_1-seed_0")
    assert alone.split.nodes == 1
    lines = {tuple(line.split()[:3]): line.split()[3:] for line in
             sweep.tables(summary, "mae", ["int8"]).splitlines()}  # fmt: skip
    assert lines["alone", "1", "int8"][1:] == ["-"] and len(lines["even", "0.5", "int8"]) == 2
    even, uneven = (load_run(out / "runs" / f"{kind}-keep_0.5-seed_0") for kind in list(kinds)[1:])
    air = [plan_air(make_plan(m.config, m.split, m.keep)).bytes for m, _ in (even, uneven)]
    assert uneven[1].extra["training"]["air_budget"] == air[0] >= air[1] > 0.8 * air[0]
    with pytest.raises(CatsError, match="keep lacks 1"):
        sweep.read(_write(tmp_path, kinds=kinds, keep=[0.5]))
    with pytest.raises(CatsError, match="thin is 0"):
        sweep.read(_write(tmp_path, thin=0))


def test_every_token_and_whole_messages(tmp_path):
    changes = {"keep": [1], "seeds": [0], "kinds": {"one": {"message_dropout": [0, 0.3]}}}
    last = {**RECIPE["model"], "pool": "last"}
    every = {**RECIPE["model"], "pool": "all"}
    summaries = {}
    for name, more in (
        ("last", {"model": last}),
        ("every", {"model": every, "every_token": True}),
        ("thin", {"model": every, "every_token": True, "thin": 2, "granularity": "message"}),
    ):
        given = sweep.read(_write(tmp_path, **changes, **more))
        summaries[name] = sweep.run(given, tmp_path / name, jobs=1, say=lambda text: None)
    clean = {name: s["runs"][0]["scores"]["int8"][0]["mse"] for name, s in summaries.items()}
    assert len(set(clean.values())) == 3
    training = load_run(tmp_path / "thin" / "runs" / "one-keep_1-seed_0")[1].extra["training"]
    assert training["granularity"] == "message"


def test_another_sweep_s_folder_is_refused_or_emptied(tmp_path):
    path, out = _write(tmp_path, seeds=[0], keep=[1]), tmp_path / "out"
    small = sweep.read(path)
    sweep.run(small, out, jobs=1, say=lambda text: None)
    other = dataclasses.replace(small, training={"epochs": 1})
    with pytest.raises(CatsError, match="holds another sweep"):
        sweep.run(other, out, jobs=1, say=lambda text: None)
    sweep.run(other, out, jobs=1, force=True, say=lambda text: None)
    assert load_run(out / "runs" / "plain-keep_1-seed_0")[1].extra["training"]["epochs"] == 1
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter").write_text("mine")
    for force in (False, True):
        with pytest.raises(CatsError, match="no folder of a sweep"):
            sweep.run(small, foreign, jobs=1, force=force)


@pytest.mark.slow
def test_two_processes_give_the_same_figures(done, tmp_path):
    _, _, summary = done
    path = _write(tmp_path, keep=[1], seeds=[0])
    other = sweep.run(sweep.read(path), tmp_path / "out", jobs=2, say=lambda text: None)
    for run in other["runs"]:
        (same,) = [
            r
            for r in summary["runs"]
            if (r["kind"], r["keep"], r["seed"]) == (run["kind"], run["keep"], run["seed"])
        ]
        assert run["scores"] == same["scores"]


def test_another_backend_by_its_name_alone(tmp_path, monkeypatch):
    """What packages such as Ray register with joblib is all that is needed."""
    started = []

    class Farm(joblib.parallel.ThreadingBackend):
        def configure(self, n_jobs=1, **options):
            started.append(n_jobs)
            return super().configure(n_jobs=n_jobs, **options)

    def register_ray():
        monkeypatch.setitem(joblib.parallel.BACKENDS, "ray", Farm)

    path, out = _write(tmp_path, keep=[1], kinds={"plain": {}}, model=SMALLEST), tmp_path / "out"
    monkeypatch.setitem(sys.modules, "ray.util.joblib", None)
    with pytest.raises(CatsError, match="pip install ray"):
        sweep.run(sweep.read(path), out, backend="ray", say=lambda text: None)
    package = types.SimpleNamespace(register_ray=register_ray)
    monkeypatch.setitem(sys.modules, "ray.util.joblib", package)
    sweep.run(sweep.read(path), out, jobs=2, backend="ray", say=lambda text: None)
    assert started == [2]
    assert all((folder / sweep.FIGURES).exists() for folder in (out / "runs").iterdir())
    with pytest.raises(CatsError, match="no backend 'none': it has .*loky"):
        sweep.run(sweep.read(path), out, backend="none", force=True, say=lambda text: None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": {}}, "has no 'kind'"),
        ({"kinds": {}}, "kinds are options"),
        ({"seeds": []}, "seeds is empty"),
        ({"kinds": {"a": {"speed": 1}}}, "kind 'a'"),
        ({"kinds": {"a": {"message_dropout": [0, 2]}}}, "message dropout is 0:2"),
        ({"keep": [2]}, "more than 0 and at most 1"),
    ],
)
def test_bad_files_are_named(tmp_path, changes, message):
    path = _write(tmp_path, **changes)
    with pytest.raises(CatsError, match=message):
        sweep.read(path)


def test_other_bad_input_is_named(tmp_path, capsys):
    for text in ("[1, 2]", "task: [", "task: digits"):
        (tmp_path / "bad.yaml").write_text(text)
        assert main(["sweep", str(tmp_path / "bad.yaml"), "-o", str(tmp_path / "out")]) == 2
    path = _write(tmp_path, model={"wings": 2})
    assert main(["sweep", str(path), "-o", str(tmp_path / "out")]) == 2
    assert main(["sweep", str(path), "-o", str(tmp_path / "out"), "--jobs", "0"]) == 2
    assert main(["sweep", str(tmp_path / "none.yaml"), "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("cats: error: ") == error.count("\n") == 6
