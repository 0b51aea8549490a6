# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Data that moved or changed: --data counts on every path, and what a file holds is what it is."""

import dataclasses
import json
import math
import shutil
from pathlib import Path
from unittest import mock

import pytest
import torch

from cats import tasks
from cats.cli import main
from cats.errors import CatsError
from cats.shape.metadata import Channel
from cats.training.loop import train
from cats.training.run_folder import CHECKPOINT, CONFIG, METRICS, load_run, load_task, run_metadata

SHAPE = {"nodes": 2, "features": 8, "heads": 2, "hidden": 8, "blocks": 1, "threads": 1}
TASK = {"task": "forecast", "target": "load", "context": 16, "horizon": 4, "patch": 4, "epochs": 2}
SHAPE, TASK = ([f"--{k}={v}" for k, v in options.items()] for options in (SHAPE, TASK))


def _write(path, period, count=300):
    path.write_text("load\n" + "".join(f"{math.sin(i / period):.5f}\n" for i in range(count)))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder with RUN and DEPLOY, its data, which is then moved away, other data)."""
    folder = tmp_path_factory.mktemp("moved")
    data = _write(folder / "waves.csv", 3)
    assert main(["train", *TASK, *SHAPE, "--data", str(data), "-o", str(folder / "RUN")]) == 0
    assert main(["export", str(folder / "RUN"), "-o", str(folder / "DEPLOY")]) == 0
    moved = folder / "elsewhere" / "w.csv"
    moved.parent.mkdir()
    return folder, data.rename(moved), _write(folder / "other.csv", 1.1)


def _figures(capsys, *arguments):
    path = Path(arguments[-1])
    assert main([*map(str, arguments[:-1]), "--json", str(path)]) == 0
    return json.loads(path.read_text()), capsys.readouterr().err


def test_path_is_absolute_and_content_has_a_hash(trained, tmp_path, monkeypatch):
    options = load_run(trained[0] / "RUN")[1].extra["task_options"]
    assert options["data"] == str(trained[0] / "waves.csv") and len(options["sha256"]) == 64
    monkeypatch.chdir(tmp_path)
    shutil.copy(trained[1], "near.csv")
    task = tasks.load("forecast", **{**options, "data": "near.csv"})
    assert task.options == {**options, "data": str(tmp_path / "near.csv")}


@pytest.mark.parametrize(
    "command", [["evaluate", "RUN"], ["simulate", "DEPLOY"], ["export", "RUN", "-o", "NEW"]]
)
def test_every_command_asks_where_the_data_is(trained, command, capsys, monkeypatch):
    monkeypatch.chdir(trained[0])
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "waves.csv cannot be read" in error and "--data FILE" in error
    assert not Path("NEW").exists()


@pytest.mark.parametrize("model", ["float", "int8"])
def test_evaluate_takes_the_data_that_it_is_given(trained, tmp_path, capsys, model):
    folder, moved, other = trained
    options = ["evaluate", folder / "RUN", "--model", model, "--loss", "0", "--data"]
    same, quiet = _figures(capsys, *options, moved, tmp_path / "same.json")
    changed, told = _figures(capsys, *options, other, tmp_path / "other.json")
    assert not quiet and f"warning: {other} is not the data of the training" in told
    assert (same["data"], changed["data"]) == (str(moved), str(other))
    one, another = (document["records"][0]["mse"]["mean"] for document in (same, changed))
    assert another != one
    if model == "float":
        assert one == json.loads((folder / "RUN" / METRICS).read_text())["test"]["mse"]


def test_int8_report_and_baselines_take_it_too(trained, tmp_path, capsys):
    folder, moved, other = trained
    for option in ("--int8-report", "--baselines"):
        losses = [] if option == "--int8-report" else ["--loss", "0"]
        options = ["evaluate", folder / "RUN", *losses, option, "--data"]
        same, _ = _figures(capsys, *options, moved, tmp_path / "same.json")
        changed, _ = _figures(capsys, *options, other, tmp_path / "other.json")
        key = "float" if option == "--int8-report" else "baselines"
        assert same[key] != changed[key]


def test_simulate_takes_the_data_that_it_is_given(trained, tmp_path, capsys):
    folder, moved, other = trained
    options = ["simulate", folder / "DEPLOY", "--samples", "8", "--data"]
    same, quiet = _figures(capsys, *options, moved, tmp_path / "same.json")
    changed, told = _figures(capsys, *options, other, tmp_path / "other.json")
    assert not quiet and "is not the data of the training" in told
    one, another = (document["results"][0]["quality"]["mse"] for document in (same, changed))
    assert one != another
    assert main([*map(str, options), str(moved), "--random-inputs"]) == 2
    assert "--random-inputs are no --data" in capsys.readouterr().err


def test_export_calibrates_with_the_data_that_it_is_given(trained, tmp_path):
    folder, moved, other = trained
    assert main(["export", *map(str, (folder / "RUN", "-o", tmp_path / "A", "--data", moved))]) == 0
    for name in ("cats_partition.bin", "cats_partition.h"):
        files = [f / "node_00" / name for f in (folder / "DEPLOY", tmp_path / "A")]
        assert files[0].read_bytes() == files[1].read_bytes()
    source = json.loads((tmp_path / "A" / "plan.json").read_text())["run"]
    assert source["task_options"]["data"] == str(moved)  # where simulate looks
    assert main(["export", *map(str, (folder / "RUN", "-o", tmp_path / "B", "--data", other))]) == 0
    files = [tmp_path / name / "node_00" / "cats_partition.bin" for name in "AB"]
    assert files[0].read_bytes() != files[1].read_bytes()


def test_tasks_without_a_file_take_no_data(tmp_path, capsys):
    task = tasks.load("digits")
    with pytest.raises(CatsError, match="task digits takes no --data"):
        tasks.reload("digits", task.options, task.model, "x.csv")


def test_another_content_under_the_same_name_is_refused(trained, tmp_path, capsys):
    folder, moved, other = trained
    out = shutil.copytree(folder / "RUN", tmp_path / "RUN")
    config = json.loads((out / CONFIG).read_text())
    config["task_options"]["data"] = str(shutil.copy(other, tmp_path / "waves.csv"))
    (out / CONFIG).write_text(json.dumps(config))
    assert main(["evaluate", str(out), "--loss", "0"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "waves.csv is not what it was: its SHA-256 is" in error and "--data FILE" in error


def _interrupted(folder, data):
    """A RUN on ``data`` that was cut short after its first epoch."""

    def cut(*arguments, **options):
        def stop(epoch, record):
            raise KeyboardInterrupt

        return train(*arguments, **options, checkpoint_seconds=0, after_epoch=stop)

    with mock.patch("cats.training.loop.train", cut):
        assert main(["train", *TASK, *SHAPE, "--data", str(data), "-o", str(folder)]) == 130
    assert (folder / CHECKPOINT).exists()
    return folder


def test_resume_goes_on_with_the_same_content(trained, tmp_path, capsys):
    folder, moved, other = trained
    out = _interrupted(tmp_path / "RUN", shutil.copy(moved, tmp_path / "first.csv"))
    renamed = (tmp_path / "first.csv").rename(tmp_path / "second.csv")
    resume = ["train", *TASK, *SHAPE, "-o", str(out), "--resume", "--data"]
    assert main([*resume, str(other)]) == 2
    assert "was trained with another data or task_options: use --force" in capsys.readouterr().err
    assert (out / CHECKPOINT).exists()
    assert main([*resume, str(renamed)]) == 0
    whole, again = (load_run(path)[0].state_dict() for path in (folder / "RUN", out))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert load_run(out)[1].extra["task_options"]["data"] == str(renamed)
    assert main([*resume, str(moved)]) == 0  # it is done


def test_resume_of_a_run_older_than_the_hash(trained, tmp_path):
    """It has neither the hash nor newer options: the path counts, relative or not."""
    moved = trained[1]
    out = _interrupted(tmp_path / "RUN", moved)
    config = json.loads((out / CONFIG).read_text())
    for name in ("sha256", "separator", "decimal", "time_format", "time_zone"):
        del config["task_options"][name]
    (out / CONFIG).write_text(json.dumps(config))
    copy = shutil.copy(moved, tmp_path / "copy.csv")
    resume = ["train", *TASK, *SHAPE, "-o", str(out), "--resume", "--data"]
    assert main([*resume, str(copy)]) == 2
    assert main([*resume, str(moved)]) == 0


def test_data_of_another_shape_is_refused(tmp_path):
    lines = [f"s{i},{i * i % 7},{i % 5},{'abc'[i % 3]}" for i in range(60)]
    (tmp_path / "x.csv").write_text("\n".join(["sample,x,y,label", *lines]))
    task = tasks.load("classify", data=str(tmp_path / "x.csv"), patch=1)
    lines = [line for line in lines if not line.endswith("c")]
    (tmp_path / "x.csv").write_text("\n".join(["sample,x,y,label", *lines]))
    with pytest.raises(CatsError, match="the model has 3 outputs, the data gives 2: name the data"):
        tasks.reload("classify", task.options, task.model, str(tmp_path / "x.csv"))
    (tmp_path / "x.csv").write_text("\n".join(["sample,x,label", *(
        f"s{i},{i * i % 7},{'abc'[i % 3]}" for i in range(60))]))  # fmt: skip
    with pytest.raises(CatsError, match="the model has 2 inputs, the data gives 1"):
        tasks.reload("classify", task.options, task.model, str(tmp_path / "x.csv"))


def test_other_data_is_normalised_as_the_training_was(tmp_path):
    """``fitted`` gives classes, means and deviations: another file's own would say other things."""
    known = tmp_path / "known.csv"
    rows = [f"s{i},{i * i % 7},{'abc'[i % 3]}" for i in range(60)]
    known.write_text("\n".join(["sample,x,label", *rows]))
    task = tasks.load("classify", data=str(known), patch=1)
    other = tmp_path / "other.csv"
    rows = [f"s{i},{100 + i % 5},{'bc'[i % 2]}" for i in range(60)]
    other.write_text("\n".join(["sample,x,label", *rows]))
    given = (task.options, task.model, str(other), task.metadata)
    got = tasks.reload("classify", *given)
    assert got.classes == ["a", "b", "c"] and set(got.test.targets.tolist()) == {1, 2}
    values = got.test.inputs.flatten() * task.deviation + task.mean
    assert set(values.round().int().tolist()) <= {100, 101, 102, 103, 104}
    assert "normalised by the training's mean and deviation" in got.warnings[-1]
    other.write_text(other.read_text().replace("c\n", "d\n"))
    with pytest.raises(CatsError, match="label 'd' is not one of those trained: a, b, c"):
        tasks.reload("classify", *given)
    other.write_text(known.read_text().replace("sample,x", "sample,y"))
    with pytest.raises(CatsError, match="has channels y; trained was with x"):
        tasks.reload("classify", *given)


def test_another_series_is_normalised_as_the_training_was(trained):
    _, run = load_run(trained[0] / "RUN")
    options = run.extra["task_options"]
    fitted = dataclasses.replace(run_metadata(run), channels=(Channel("load", "", 5.0, 2.0),))
    task = tasks.reload("forecast", options, run.model, str(trained[2]), fitted)
    assert (task.mean.item(), task.deviation.item()) == (5.0, 2.0) and task.metadata == fitted
    part = task.test
    past = (part.inputs[0].flatten() * part.spread[0] + part.offset[0]) * 2 + 5
    wanted = torch.tensor([math.sin(i / 1.1) for i in range(240 - 16, 240)])
    torch.testing.assert_close(past, wanted, atol=1e-4, rtol=1e-4)
    assert load_task(run, str(trained[1])).warnings == ()


def test_channels_that_were_taken_are_printed(tmp_path, capsys):
    rows = [f"{i},p{i % 6},s{i},{i * i % 7},{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "x.csv").write_text("\n".join(["time,person,sample,x,label", *rows]))
    command = ["train", "--task", "classify", "--data", str(tmp_path / "x.csv"), "--patch", "1",
               *SHAPE, "--epochs", "1", "--force", "-o", str(tmp_path / "RUN")]  # fmt: skip
    assert main(command) == 0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "channels: x; left out: time (a time), person (tells recordings apart)",
        "warning: column 'person' is not used: without --group person the same person may be in "
        "training and test, and the figure too good",
    ]
    assert main([*command, "--group", "person"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "channels: x; left out: time (a time)",
        "groups by person, training:validation:test 3:1:2",
    ]
    options = load_run(tmp_path / "RUN")[1].extra["task_options"]
    assert options["group"] == "person"
    assert main([*command, "--channels", "x,time"]) == 0
    assert "channels: x, time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--task", "digits", "--group", "a"],
        ["--task", "digits", "--time-zone", "UTC"],
        ["--task", "forecast", "--data", "x", "--target", "y", "--group", "a"],
        ["--task", "classify", "--data", "x", "--time-zone", "UTC"],
        ["--task", "classify", "--data", "x\0y"],
        ["--task", "classify", "--data", "."],
        ["--task", "forecast", "--data", "", "--target", "y"],
    ],
)
def test_what_does_not_fit_is_one_line(options, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *options, "-o", "RUN"]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not Path("RUN").exists()
