# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A sweep computes what is missing and nothing twice, and says what it found."""

import dataclasses
import json
import math
import re
import sys
import types

import joblib
import numpy as np
import pytest
import yaml

from cats.cli import main
from cats.errors import CatsError
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.training import sweep
from cats.training.evaluate import score_at
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
#: How the folders of its kinds begin.
FOLDERS = {"plain": "plain", "one model": "one_model-e7940c"}
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
        name = f"{FOLDERS[run['kind']]}-keep_{run['keep']:g}-seed_{run['seed']}"
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
        assert one.pop("cpu_seconds") >= 0  # to a tenth of a second
    assert again == summary
    here = ["sweep", str(path), "-o", str(out), "--jobs", "1", "--device"]
    assert main([*here, "cpu"]) == main([*here, "auto"]) == 0  # where it computes is not what
    assert len(trained) == 1
    more = dataclasses.replace(sweep.read(path), seeds=(0, 1, 2), keep=(1,))
    assert len(sweep.run(more, out, jobs=1, say=lambda text: None)["runs"]) == 6
    assert sorted(trained[1:]) == [f"{FOLDERS['one model']}-keep_1-seed_2", "plain-keep_1-seed_2"]


def test_what_is_there_can_be_shown_as_it_is(done, tmp_path):
    path, out, _ = done
    more = dataclasses.replace(sweep.read(path), seeds=(0, 7), keep=(1, 0.25))
    summary = sweep.run(more, out, say=lambda text: None, new=False)
    names = [f"{kind}-keep_{run}" for kind in FOLDERS.values() for run in (
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
    with pytest.raises(CatsError, match=r"\$\.thin: expected int >= 1"):
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


def test_links_in_training_and_scoring(tmp_path):
    """Files beside the sweep's; each kind may have its own; other links are another sweep."""
    (tmp_path / "near.csv").write_text("1,0.9\n0.9,1\n")
    (tmp_path / "none.csv").write_text("1,0\n0,1\n")
    kinds = {"one": {"nodes": 1}, "near": {"links": "near.csv", "hops": 2}, "none": None}
    changes = {
        "keep": [1], "seeds": [0], "losses": [0], "kinds": kinds, "links": "none.csv", "hops": 2,
        "training": {"epochs": 1, "links": "none.csv"},
    }  # fmt: skip
    path, out = _write(tmp_path, **changes), tmp_path / "out"
    recipe = sweep.read(path)
    assert recipe.links == ((1, 0), (0, 1)) and recipe.hops == 2
    known = {kind: recipe.training_of(kind, 1, 0) for kind in kinds}
    assert {kind: t.links for kind, t in known.items()} == {
        "one": None, "near": ((1, 0.9), (0.9, 1)), "none": ((1, 0), (0, 1)),
    }  # fmt: skip
    assert [t.hops for t in known.values()] == [1, 2, 1]
    summary = sweep.run(recipe, out, jobs=1)
    scores = {run["kind"]: run["scores"]["float"][0]["mse"] for run in summary["runs"]}
    assert len(set(scores.values())) == 3
    model, config = load_run(sweep.folder_of(out, "near", 1, 0))
    task, links = recipe.load(), np.eye(2)
    assert config.extra["training"]["links"] == [[1, 0.9], [0.9, 1]]
    alone = score_at(model, task, task.test, 0, 9, links=links)["mse"]  # by any seed
    assert scores["near"] == pytest.approx(alone)
    (tmp_path / "none.csv").write_text("1,0.5\n0,1\n")
    with pytest.raises(CatsError, match="holds another sweep"):
        sweep.run(sweep.read(path), out, jobs=1)
    (tmp_path / "none.csv").write_text("1,1,1\n1,1,1\n1,1,1\n")
    with pytest.raises(CatsError, match="links of kind 'near' is of 3 nodes, here are 2"):
        sweep.read(path)
    (tmp_path / "none.csv").unlink()
    with pytest.raises(CatsError, match=r"cannot read .*none\.csv"):
        sweep.read(path)


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
        with pytest.raises(CatsError, match=r"something else than a sweep \(letter\)"):
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


@pytest.mark.slow
def test_a_dask_cluster_gives_the_table_that_one_process_gives(done, tmp_path):
    """Two workers behind an address; joblib's processes are held against the same above."""
    distributed = pytest.importorskip("distributed")
    _, _, summary = done
    path = _write(tmp_path, seeds=[0], kinds={"one model": RECIPE["kinds"]["one model"]})
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        where = f"dask:{cluster.scheduler_address}"
        out = tmp_path / "out"
        assert main(["sweep", str(path), "-o", str(out), "--jobs", "2", "--backend", where]) == 0
    mine = json.loads((out / sweep.SUMMARY).read_text())
    (tmp_path / "one").mkdir()
    one = sweep.run(sweep.read(path), tmp_path / "one", jobs=1, say=lambda text: None)
    assert mine["points"] == one["points"] and sweep.tables(mine) == sweep.tables(one)
    same = {(r["keep"], r["seed"]): r["scores"] for r in summary["runs"] if r["kind"] != "plain"}
    assert all(same[r["keep"], r["seed"]] == r["scores"] for r in mine["runs"])


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
        ({"kind": {}}, r"\$\.kind: unknown, one of task, kinds"),
        ({"kinds": {}}, r"\$\.kinds: expected a mapping of length >= 1"),
        ({"seeds": []}, r"\$\.seeds: expected a list of length >= 1"),
        ({"kinds": {"a": {"speed": 1}}}, r"\$\.kinds\.a\.speed: unknown, one of epochs"),
        ({"kinds": {"a": {"message_dropout": [0, 2]}}}, r"message dropout is 0\.0:2\.0"),
        ({"keep": [2]}, r"\$\.keep\[0\]: expected float <= 1\.0"),
        ({"hops": 2}, r"\$\.hops: 2 hops go with links"),
        ({"links": [[1, 2], [1, 1]]}, "a probability is a number from 0 to 1"),
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


@pytest.mark.parametrize(
    ("text", "lr", "message_dropout"),
    [
        ("training: {lr: 1e-3}", 1e-3, (0.0, 0.0)),  # a text to YAML 1.1
        ("training: {lr: '0.5'}", 0.5, (0.0, 0.0)),
        ("kinds: {a: {message_dropout: 0:0.3}}", 6e-3, (0.0, 0.3)),  # 0.3, to the base 60
        ("kinds: {a: {message_dropout: 0.25}}", 6e-3, (0.25, 0.25)),
        ("kinds: {a: {message_dropout: [0, 0.1]}}", 6e-3, (0.0, 0.1)),
        ("options:", 6e-3, (0.0, 0.0)),
        ("options: {}", 6e-3, (0.0, 0.0)),
        ("kinds: {a: }", 6e-3, (0.0, 0.0)),
    ],
)
def test_what_people_write(tmp_path, text, lr, message_dropout):
    training = sweep.read(_file(tmp_path, text)).training_of("a", 0.5, 1)
    assert (training.lr, training.message_dropout) == (lr, message_dropout)
    assert (training.keep, training.seed) == (0.5, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("training: {lr: fast}", "$.training.lr: expected float, got str"),
        ("training: {epochs: .inf}", "$.training.epochs: expected a finite number"),
        ("training: {warmup: .nan}", "$.training.warmup: expected a finite number"),
        ("training: {keep: 0.5}", "$.training.keep: the sweep says it for all kinds"),
        ("training: 5", "$.training: expected a mapping | null, got int"),
        ("kinds: {a: {message_dropout: [0, x]}}", "$.kinds.a.message_dropout[1]: expected float"),
        ("kinds: {a: {message_dropout: 0:2}}", "loss probability '0:2'"),
        ("kinds: {a: {nodes: x}}", "$.kinds.a.nodes: expected int | null, got str"),
        ("kinds: {a: {nodes: 17}}", "$.kinds.a.nodes: expected int <= 16"),
        ("kinds: {a: {uneven: 0.5}}", "$.kinds.a.uneven: expected bool, got float"),
        ("kinds: {a: {modes: links}}", "$.kinds.a.modes: expected a list, got str"),
        ("kinds: {a: {modes: [air]}}", "mode 'air': one of links"),
        ("kinds: {a: {epochs: 1.5}}", "$.kinds.a.epochs: expected int, got float"),
        ("kinds: {a: {threads: 100000}}", "threads is 100000: at most"),
        ("kinds: {1: {}}", "$.kinds (a key): expected str, got int: put it in quotes"),
        ("kinds: [a, b]", "$.kinds: expected a mapping, got a list"),
        ("kinds: {a: {}, a: {lr: 1}}", "'a' is there twice"),
        ("keep: 0.5", "$.keep: expected a list, got float"),
        ("keep: [1, x]", "$.keep[1]: expected float, got str"),
        ("seeds: 3", "$.seeds: expected a list, got int"),
        ("seeds: [0, 1, 0]", "$.seeds: one of them is there twice"),
        ("losses: [0, 2]", "$.losses[1]: expected float <= 1.0"),
        ("losses: 0.1", "$.losses: expected a list, got float"),
        ("nodes: many", "$.nodes: expected int, got str"),
        ("repeats: 1e9", "$.repeats: expected int <= 1000000"),
        ("every_token: perhaps", "$.every_token: expected bool, got str"),
        ("granularity: bits", "$.granularity: invalid enum value 'bits'"),
        ("task: golf", "task is 'golf': one of digits, forecast"),
        ("options: [1]", "$.options: expected a mapping | null, got a list"),
        ("b: &b [*b]", "$.b: unknown, one of task, kinds"),
    ],
)
def test_what_a_file_cannot_say(tmp_path, text, reason):
    path = _file(tmp_path, text)
    with pytest.raises(CatsError) as refused:
        sweep.read(path)
    assert reason in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("options: {wings: 2}", "task digits: options.wings: unknown, one of patch_rows"),
        ("options: {patch_rows: two}", "task digits: options.patch_rows: expected int, got str"),
        ("model: {blocks: two}", "$.model.blocks: expected int, got str"),
        ("model: {blocks: 64}", "blocks is 64: at most 63"),
        ("model: {wings: 2}", "$.model.wings: unknown, one of tokens_in"),
    ],
)
def test_what_the_task_cannot_do(tmp_path, text, reason):
    with pytest.raises(CatsError, match=re.escape(reason)):
        sweep.run(sweep.read(_file(tmp_path, text)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _file(folder, text):
    """A sweep's file with this line among the least that there must be."""
    rest = [line for line in ("task: digits", "kinds: {a: {}}") if line[:4] != text[:4]]
    path = folder / "sweep.yaml"
    path.write_text("\n".join([*rest, text]) + "\n")
    return path


def test_results_of_other_code_or_data_are_not_used(tmp_path, monkeypatch):
    path = _write(tmp_path, keep=[1], seeds=[0], kinds={"plain": {}}, model=SMALLEST)
    out, said = tmp_path / "out", []
    sweep.run(sweep.read(path), out, jobs=1, say=said.append)
    with (tmp_path / "wave.csv").open("a") as file:
        file.write("2024-01-07 16:00,1\n")
    with pytest.raises(CatsError, match="results of other data, which are not used: .*--force"):
        sweep.run(sweep.read(path), out, jobs=1)
    assert (out / "runs" / "plain-keep_1-seed_0" / sweep.FIGURES).exists()
    sweep.run(sweep.read(path), out, jobs=1, say=said.append, new=False)
    assert f"{out} has results of other data" in said
    sweep.run(sweep.read(path), out, jobs=1, say=said.append, force=True)
    monkeypatch.setattr("cats.__version__", "99")
    with pytest.raises(CatsError, match="results of other code"):
        sweep.run(sweep.read(path), out, jobs=1)
    recipe = json.loads((out / sweep.RECIPE).read_text())
    del recipe["made_with"]
    (out / sweep.RECIPE).write_text(json.dumps(recipe))
    with pytest.raises(CatsError, match="results of other code and data"):
        sweep.run(sweep.read(path), out, jobs=1)


def test_every_run_has_a_folder_of_its_own(tmp_path):
    kinds = {name: {} for name in ("a b", "a_b", "a-b", "A", "a", "\u00e4", "x" * 300, "x" * 301)}
    given = sweep.read(_write(tmp_path, kinds=kinds, keep=[0.1234567, 0.1234568], seeds=[0, 2**63]))
    (tmp_path / "out").mkdir()
    folders = {sweep.folder_of(tmp_path / "out", *one).name for one in given.runs()}
    assert len(folders) == len(kinds) * 4 and max(map(len, folders)) < 128
    assert all(name.isascii() and "/" not in name for name in folders)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ray", "pip install ray"),
        ("dask:tcp://127.0.0.1:1", "pip install distributed"),
        ("slurm:short", "pip install dask-jobqueue"),
        ("loky:here", "takes no address"),
    ],
)
def test_a_backend_that_is_not_there(tmp_path, monkeypatch, text, reason):
    for name in ("ray.util.joblib", "distributed", "dask_jobqueue"):
        monkeypatch.setitem(sys.modules, name, None)
    given = sweep.read(_write(tmp_path))
    with pytest.raises(CatsError, match=reason):
        sweep.run(given, tmp_path / "out", backend=text)
    assert not (tmp_path / "out").exists()


def test_a_cluster_is_reached_at_its_address(tmp_path, monkeypatch):
    called = []

    class Client:
        def __init__(self, where):
            called.append(where)
            if where == "tcp://none:1":
                raise OSError("timed out\nafter 30 s")

        def __enter__(self):
            monkeypatch.setitem(joblib.parallel.BACKENDS, "dask", joblib.parallel.ThreadingBackend)

        def __exit__(self, *_):
            called.append("closed")

    def cluster(queue, cores, memory):
        return types.SimpleNamespace(name=queue, scale=lambda jobs: called.append((queue, jobs)))

    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(Client=Client))
    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=cluster))
    given = sweep.read(_write(tmp_path, keep=[1], seeds=[0], kinds={"a": {}}, model=SMALLEST))
    with pytest.raises(CatsError, match="cannot reach dask tcp://none:1: timed out after 30 s"):
        sweep.run(given, tmp_path / "out", backend="dask:tcp://none:1", say=lambda text: None)
    sweep.run(given, tmp_path / "out", backend="dask:tcp://h:8786", say=lambda text: None)
    assert called == ["tcp://none:1", "tcp://h:8786", "closed"]
    more = dataclasses.replace(given, seeds=(0, 1))
    sweep.run(more, tmp_path / "out", backend="slurm:short", say=lambda text: None)
    assert called[3] == ("short", 1) and called[4].name == "short"
