# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats predict``: what a task makes of its data is made again from DEPLOY and raw values."""

import csv
import json
import shutil
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch

from cats import cli
from cats.deploy.export import load_deploy
from cats.integer import samples
from cats.integer.quantize import quantize_inputs
from cats.integer.reference import run_batch
from cats.native import ffi, lib
from cats.shape import windows
from cats.shape.metadata import from_json
from cats.sim.engine import Engine
from cats.tasks import load, preset
from cats.training.evaluate import answers
from cats.training.run_folder import load_run

NODES = 2


def cats(*words: object) -> int:
    return cli.main([str(word) for word in words])


def made(folder: Path, *words: object, counts: tuple = ()) -> tuple[Path, Path]:
    """(RUN, DEPLOY) of a small training."""
    run, deploy = folder / "run", folder / "deploy"
    shape = ("--features", 16, "--heads", 4, "--hidden", 16, "--blocks", 1, "--nodes", NODES)
    assert cats("train", *words, *shape, "--epochs", 2, "-o", run) == 0
    assert cats("export", run, "-o", deploy, *counts) == 0
    return run, deploy


@pytest.fixture(scope="module")
def vowels(tmp_path_factory) -> tuple[Path, Path, Path]:
    """(RUN, DEPLOY, the test part's file) of JapaneseVowels."""
    found = util.find_spec("aeon")
    if found is None:
        pytest.skip("pip install --no-deps aeon")
    data = Path(found.submodule_search_locations[0]) / "datasets/data/JapaneseVowels"
    folder = tmp_path_factory.mktemp("vowels")
    words = ("--task", "classify", "--preset", "japanesevowels")
    return *made(folder, *words), data / "JapaneseVowels_eq_TEST.ts"


def raw(path: Path) -> tuple[np.ndarray, list[str]]:
    """Samples [n, 1, steps, channels] and labels of a .ts file, read as plainly as can be."""
    lines = path.read_text().split("@data", 1)[1].split()
    parts = [line.split(":") for line in lines]
    values = [[[float(v) for v in text.split(",")] for text in row[:-1]] for row in parts]
    return np.array(values).transpose(0, 2, 1)[:, None], [row[-1] for row in parts]


def classes_of(outputs: np.ndarray, names: tuple[str, ...]) -> list[str]:
    return [names[c] for c in outputs.argmax(1)]


def test_deploy_and_raw_values_give_what_the_task_gives(vowels) -> None:
    """The float path and the device's single precision: the labels and the accuracy of the task."""
    run, deploy, file = vowels
    model, _, meta, images = load_deploy(deploy)
    metadata = from_json(meta["metadata"], model.config)
    assert metadata.classes == tuple("123456789")
    values, labels = raw(file)
    task = load("classify", **preset("classify", "japanesevowels"))
    wanted = run_batch(model, quantize_inputs(model, task.test.inputs.numpy()))[:, 0, -1]
    expected = classes_of(wanted, metadata.classes)
    accuracy = task.score(torch.from_numpy(wanted.astype(np.float32)), task.test)["accuracy"]
    assert accuracy == np.mean([a == b for a, b in zip(expected, labels, strict=True)]) > 0.3

    mine = quantize_inputs(model, windows.real_inputs(metadata, values)[0])
    assert classes_of(run_batch(model, mine)[:, 0, -1], metadata.classes) == expected

    node = Engine(images[0])
    record = ffi.new("struct cats_metadata *")
    assert lib.cats_metadata(node.image, record) == 0
    device = np.zeros(mine.shape, np.int8)
    for sample, row in zip(values.astype(np.float32), device, strict=True):
        given = ffi.from_buffer("float[]", np.ascontiguousarray(sample))
        into = ffi.from_buffer("int8_t[]", row, require_writable=True)
        assert lib.cats_input_quantize_float(record, given, 12, ffi.NULL, into) == 0
    assert abs(device.astype(int) - mine).max() <= 1 and (device != mine).mean() < 1e-4
    assert classes_of(run_batch(model, device)[:, 0, -1], metadata.classes) == expected
    names = [ffi.string(lib.cats_class_name(record, c)).decode() for c in range(9)]
    assert tuple(names) == metadata.classes

    counts = samples.quantize_int16(model, samples.to_counts(metadata, values))[0]
    assert abs(counts.astype(int) - mine).max() <= 1
    right = [a == b for a, b in zip(classes_of(run_batch(model, counts)[:, 0, -1],
                                               metadata.classes), labels)]  # fmt: skip
    assert abs(np.mean(right) - accuracy) <= 0.01


def test_unlike_what_the_scale_alone_gives(vowels) -> None:
    """Raw values over input_scale are no input: that is what the metadata is for."""
    _, deploy, file = vowels
    model = load_deploy(deploy)[0]
    values = windows.tokens(model.metadata, raw(file)[0])
    normal = windows.real_inputs(model.metadata, raw(file)[0])[0]
    assert (quantize_inputs(model, values) != quantize_inputs(model, normal)).mean() > 0.8


def test_tables_of_run_and_deploy(vowels, tmp_path, capsys) -> None:
    run, deploy, file = vowels
    alone = shutil.copytree(deploy, tmp_path / "elsewhere")
    task = load("classify", **preset("classify", "japanesevowels"))
    trained, _ = load_run(run)
    expected = task.score(answers(trained, task.test.inputs), task.test)["accuracy"]
    for folder, words in ((run, ()), (alone, ()), (alone, ("--simulate",))):
        out, table = tmp_path / "out.json", tmp_path / "a.csv"
        assert cats("predict", folder, file, *words, "--json", out, "--csv", table) == 0
        found = json.loads(out.read_text())
        rows = list(csv.DictReader(table.open()))
        assert len(rows) == len(found["answers"]) == 370
        assert list(rows[0]) == ["sample", "class", "probability", "label"]
        assert all(1 / 9 <= float(row["probability"]) <= 1 for row in rows)
        right = np.mean([row["class"] == row["label"] for row in rows])
        assert right == pytest.approx(found["accuracy"])
        if folder == run:
            assert found["accuracy"] == pytest.approx(expected)
        said = capsys.readouterr().out
        assert f"accuracy {found['accuracy']:.4f}" in said and "320 more rows" in said
    assert found["answers"][0].keys() == {"sample", "class", "probability", "label"}
    assert cats("predict", alone, file, "--simulate", "--loss", 0.3, "--json", out) == 0
    assert json.loads(out.read_text())["accuracy"] != found["accuracy"]


def test_without_labels_and_by_windows(vowels, tmp_path, capsys) -> None:
    _, deploy, file = vowels
    values, _ = raw(file)
    plain = tmp_path / "plain.ts"
    lines = [":".join(",".join(map(str, c)) for c in sample[0].T) for sample in values[:3]]
    plain.write_text("@data\n" + "\n".join(lines) + "\n")
    assert cats("predict", deploy, plain, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert "accuracy" not in found and len(found["answers"]) == 3
    # The same as one recording of a sensor: its newest window, or all.
    names = [f"channel {i}" for i in range(12)]
    table = tmp_path / "sensor.csv"
    with table.open("w", newline="") as into:
        writer = csv.writer(into)
        writer.writerow(["time", *names])
        for i, step in enumerate(values[:3, 0].reshape(-1, 12).tolist()):
            writer.writerow([i, *step])
    other = tmp_path / "other.csv"
    other.write_text(table.read_text().replace(",", ";").replace(".", ","))
    marks = ("--separator", ";", "--decimal", ",")
    for file, words, wanted in ((table, (), found["answers"][2:]),
                                (table, ("--all",), found["answers"]),
                                (other, ("--all", *marks), found["answers"])):  # fmt: skip
        assert cats("predict", deploy, file, "--json", "-", *words) == 0
        again = json.loads(capsys.readouterr().out)["answers"]
        assert [row["class"] for row in again] == [row["class"] for row in wanted]
        assert [row["probability"] for row in again] == [row["probability"] for row in wanted]


def test_forecasts(tmp_path, capsys) -> None:
    """In units and with times; the error over all windows of the test part is the task's."""
    rng = np.random.default_rng(0)
    count, context, horizon = 240, 16, 4
    series = 20 + 5 * np.sin(np.arange(count) / 4) + rng.normal(0, 0.3, count)
    data = tmp_path / "t.csv"
    stamps = [f"2024-01-{1 + i // 24:02} {i % 24:02}:00:00" for i in range(count)]
    data.write_text("date,T\n" + "".join(f"{t},{v:.4f}\n" for t, v in zip(stamps, series)))
    options = {"context": context, "horizon": horizon, "patch": 4}
    words = [w for k, v in options.items() for w in (f"--{k}", v)]
    run, deploy = made(tmp_path, "--task", "forecast", "--data", data, "--target", "T", *words,
                       counts=("--counts-per-unit", 100))  # fmt: skip
    capsys.readouterr()
    task = load("forecast", data=str(data), target="T", **options)
    model = load_deploy(deploy)[0]
    assert model.metadata.step == 3600 and model.metadata.channels[0].counts_per_unit == 100

    last = tmp_path / "last.csv"
    rows = data.read_text().splitlines()
    last.write_text("\n".join([rows[0], *rows[-20:]]) + "\n")
    data.rename(tmp_path / "gone.csv")
    assert cats("predict", deploy, last, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)["answers"]
    assert [row["step"] for row in found] == [f"2024-01-11 {h:02}:00:00" for h in range(4)]
    assert all(10 < row["T"] < 30 for row in found)

    part = tmp_path / "test.csv"
    first = int(0.8 * count) - context
    part.write_text("\n".join([rows[0], *rows[1 + first :]]) + "\n")
    wanted = task.score(answers(load_run(run)[0], task.test.inputs), task.test)["mse"]
    assert cats("predict", run, part, "--all", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mse"] == pytest.approx(wanted, rel=1e-3)
    assert len(found["answers"]) == horizon * (count - first - context + 1)
    assert cats("predict", deploy, part, "--all", "--json", "-") == 0
    real = json.loads(capsys.readouterr().out)
    assert real["mse"] == pytest.approx(wanted, rel=0.05)

    counted = tmp_path / "counts.csv"
    counted.write_text("date,T\n" + "".join(
        f"{t},{round(100 * float(f'{v:.4f}'))}\n" for t, v in zip(stamps[first:], series[first:])
    ))  # fmt: skip
    assert cats("predict", deploy, counted, "--all", "--counts", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mse"] == pytest.approx(real["mse"], rel=0.02)


def test_images(tmp_path, capsys) -> None:
    run, deploy = made(tmp_path, "--task", "digits")
    capsys.readouterr()
    task = load("digits")
    pixels = (task.test.inputs[:9].numpy() * 8 + 8).reshape(9, 8, 8)
    labels = task.test.targets[:9].numpy()
    np.savez(tmp_path / "a.npz", samples=pixels, labels=labels)
    np.save(tmp_path / "a.npy", pixels)
    head = ",".join([*(f"p{i}" for i in range(64)), "label"])
    np.savetxt(tmp_path / "a.csv", np.c_[pixels.reshape(9, 64), labels], "%d", ",", header=head,
               comments="")  # fmt: skip
    results = []
    for name in ("a.npz", "a.npy", "a.csv"):
        assert cats("predict", run, tmp_path / name, "--json", "-") == 0
        found = json.loads(capsys.readouterr().out)
        results.append([row["class"] for row in found["answers"]])
        if name != "a.npy":
            right = [row["class"] == str(v) for row, v in zip(found["answers"], labels)]
            assert found["accuracy"] == pytest.approx(np.mean(right))
    assert results[0] == results[1] == results[2]
    expected = answers(load_run(run)[0], task.test.inputs[:9]).argmax(1)
    assert results[0] == [str(int(c)) for c in expected]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.ts", "@data\n1,2:3\n", "2 parts, not 12 channels"),
        ("a.ts", "@data\n" + ":".join(["1,x"] * 12), "line 2: could not convert"),
        ("a.ts", "@data\n" + ":".join(["1,2"] * 12), "2 steps, a window has 25"),
        ("a.ts", "@data\n" + ":".join([",".join(["1"] * 25)] * 12 + ["ten"]), "'ten' is no class"),
        ("a.ts", "@data\n" + ":".join([",".join(["nan"] * 25)] * 12), "missing or infinite"),
        ("a.ts", "@data\n", "holds no samples"),
        ("a.csv", "x,y\n1,2\n", "has no column 'channel 0'"),
        ("a.csv", "", "its columns are none"),
        ("a.npz", "no zip", "cannot be read"),
        ("b.csv", None, "cannot be read"),
        ("a.npy", "", "cannot be read"),
    ],
)
def test_wrong_files(vowels, tmp_path, capsys, name, content, said) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    assert cats("predict", vowels[1], tmp_path / name) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1


def test_contradicting_options(vowels, tmp_path, capsys) -> None:
    run, deploy, file = vowels
    for words, said in (
        ((deploy, file, "--loss", 0.1), "go with --simulate"),
        ((run, file, "--simulate"), "is no deployment"),
        ((run, file, "--counts"), "is no deployment"),
        ((tmp_path, file), "config.json"),
        ((deploy, file, "--counts"), "no int16 counts"),
    ):
        assert cats("predict", *words) == 2
        assert said in capsys.readouterr().err


def test_runs_without_metadata(vowels, tmp_path, capsys) -> None:
    """It is rebuilt from the task; where classes would now stand in another order, told."""
    run = shutil.copytree(vowels[0], tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    stored = config.pop("metadata")
    (run / "config.json").write_text(json.dumps(config))
    assert cats("export", run, "-o", tmp_path / "deploy") == 0
    model = load_deploy(tmp_path / "deploy")[0]
    assert [c.mean for c in model.metadata.channels] == [c["mean"] for c in stored["channels"]]
    data = tmp_path / "many.csv"
    rows = [f"{i},{i % 11},{i % 7 + j}\n" for i in range(110) for j in range(4)]
    data.write_text("sample,label,x\n" + "".join(rows))
    made(tmp_path / "many", "--task", "classify", "--data", data, "--patch", 2)
    config = json.loads((tmp_path / "many/run/config.json").read_text())
    assert config["metadata"]["classes"] == [str(i) for i in range(11)]
    assert config["metadata"]["channels"][0]["name"] == "x"
    del config["metadata"]
    (tmp_path / "many/run/config.json").write_text(json.dumps(config))
    assert cats("export", tmp_path / "many/run", "-o", tmp_path / "other") == 2
    assert "sorted classes as text" in capsys.readouterr().err


def test_forecasts_of_many_targets(tmp_path, capsys) -> None:
    """A column for each target, in its unit; over a file of counts the device's integers."""
    rng = np.random.default_rng(0)
    t = np.arange(240)
    lines = np.c_[20 + 5 * np.sin(t / 4), 3 + np.cos(t / 4), np.sin(t / 9)]
    lines = (lines + rng.normal(0, 0.05, lines.shape)).round(3)
    data = tmp_path / "t.csv"
    data.write_text("T,H,x\n" + "".join(",".join(map(str, row)) + "\n" for row in lines))
    options = {"context": 16, "horizon": 4, "patch": 4}
    words = [w for k, v in options.items() for w in (f"--{k}", v)]
    run, deploy = made(tmp_path, "--task", "forecast", "--data", data, "--target", "T,H",
                       "--channels", "x", "--units", "C,%,", "--input-split", "channels", *words,
                       counts=("--counts-per-unit", 1000))  # fmt: skip
    task = load("forecast", **load_run(run)[1].extra["task_options"])
    assert load_run(run)[1].split.inputs == (8, 4)  # whole sensors
    model = load_deploy(deploy)[0]
    assert model.metadata.targets == 2
    part = tmp_path / "test.csv"
    first = int(0.8 * len(t)) - 16
    head, *rows = data.read_text().splitlines()
    part.write_text("\n".join([head, *rows[first:]]))
    wanted = task.score(answers(load_run(run)[0], task.test.inputs), task.test)["mse"]
    capsys.readouterr()
    found = {}
    for folder in (run, deploy):
        assert cats("predict", folder, part, "--all", "--json", "-") == 0
        found[folder] = json.loads(capsys.readouterr().out)
        assert list(found[folder]["answers"][0]) == ["window_until", "step", "T", "H"]
        assert len(found[folder]["answers"]) == 4 * (len(t) - first - 15)
    assert found[run]["mse"] == pytest.approx(wanted, rel=1e-3)
    assert found[deploy]["mse"] == pytest.approx(wanted, rel=0.1)
    counted = tmp_path / "counts.csv"
    cells = (",".join(str(round(1000 * float(v))) for v in row.split(",")) for row in rows[first:])
    counted.write_text("\n".join([head, *cells]))
    assert cats("predict", deploy, counted, "--all", "--counts", "--json", "-") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["mse"] == pytest.approx(found[deploy]["mse"], rel=0.05)
    assert cats("simulate", deploy, "--samples", 5, "--loss", 0.1) == 0
    assert cats("evaluate", run, "--loss", 0, "--baselines") == 0
    assert "linear, all channels" in capsys.readouterr().out
