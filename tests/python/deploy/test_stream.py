# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Streams as deployments: exported, planned, simulated by the commands."""

import dataclasses
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import cats
from cats.cli import main
from cats.deploy import image, image_reader
from cats.deploy.export import export, load_deploy, render
from cats.errors import CatsError
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.random_models import random_model
from cats.integer.reference import run_batch
from cats.integer.steps import stream_of, window_of
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.metadata import Channel, Metadata

FUZZ = Path(__file__).resolve().parents[2] / "fuzz"
CONFIG = ModelConfig(
    8, 6, 2, features=24, heads=4, hidden=17, blocks=2, causal=True, pool="last", task="classify"
)


def model(metadata=None, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    made = random_model(3, config, SplitConfig.even(config, 2, "channels"))
    return dataclasses.replace(made, metadata=metadata)


def described(**changes):
    channels = tuple(Channel(name, "g", 0.5, 2.0, -4.0, 4.0, 1000.0) for name in "xyz")
    given = {"height": 1, "width": 16, "patch": (1, 2), "classes": ("no", "yes")} | changes
    return Metadata(channels, **given)


@pytest.fixture(scope="module")
def deploy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream") / "DEPLOY"
    meta = export(stream_of(model(described())), folder, radio="ble_2m")
    return folder, meta


def test_folder(deploy):
    folder, meta = deploy
    stream, plan, read, images = load_deploy(folder)
    assert stream.config.context == 8 and stream.config.tokens_in == 1
    assert stream.metadata.width == 16  # of the whole window, as training had it
    record = image_reader.parse(images[0])
    assert record.stream["rows"] == 8
    assert record.metadata["width"] == record.metadata["patch_width"] == 2
    assert images[0] == image.pack(stream, plan, 0, int(meta["model_id"], 16))
    assert read["stream"]["times"]["time_on_air_us"] > 1
    text = render(read)
    assert "a stream: a result each row, with what is kept of up to 8" in text
    assert "a whole window" in text


def test_a_window_is_as_it_was(tmp_path):
    """No word of streams where there is none: files of before are the same."""
    meta = export(model(described()), tmp_path / "DEPLOY")
    assert "stream" not in meta and "context" not in meta["model"]
    assert "context" not in (tmp_path / "DEPLOY" / "integer.json").read_text()


def test_simulated(deploy, tmp_path, capsys):
    folder, _ = deploy
    out = tmp_path / "figures.json"
    given = ["simulate", str(folder), "--random-inputs", "--samples", "3", "--loss", "0,0.1",
             "--json", str(out)]  # fmt: skip
    assert main(given) == 0
    assert "24 steps of 3 windows" in capsys.readouterr().out
    document = json.loads(out.read_text())
    for record in document["results"]:
        assert record["equal_to_reference"] is True
        assert record["rows_known"] == 1
    given[given.index("0,0.1")] = "0.05"
    assert main([*given, "--kill", "1@190", "--restart", "1@191"]) == 0
    (record,) = json.loads(out.read_text())["results"]
    assert record["equal_to_reference"] is True
    assert 0.5 < record["rows_known"] < 1


def test_planned(deploy, tmp_path, capsys):
    folder, meta = deploy
    out = tmp_path / "plan.json"
    assert main(["plan", str(folder), "--json", str(out)]) == 0
    assert "a whole window" in capsys.readouterr().out
    found = json.loads(out.read_text())["stream"]
    assert found["step"] == meta["stream"]["step"]


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
def test_a_step_takes_a_tenth_of_a_window(radio, tmp_path, capsys):
    """64 tokens of 128 features on 4 nodes, all columns sent."""
    out = tmp_path / "plan.json"
    shape = ["--features", "128", "--tokens", "64", "--heads", "16", "--blocks", "2"]
    assert main(["plan", *shape, "--pool", "last", "--stream", "--nodes", "4", "--radio", radio,
                 "--json", str(out)]) == 0  # fmt: skip
    times = json.loads(out.read_text())["stream"]["times"]
    assert times["time_on_air_us"] >= 10
    assert times["energy_all_mj"] >= 10
    assert times["energy_mj"] >= 10
    capsys.readouterr()


def test_windows_that_are_normalised_by_themselves(tmp_path):
    """A step does not know the rest of its window, so the image does not say how."""
    window = described(normalisation="window", classes=None, horizon=2)
    meta = export(stream_of(model(window)), tmp_path / "DEPLOY")
    assert "the application keeps a mean and a deviation" in render(meta)
    _, _, read, images = load_deploy(tmp_path / "DEPLOY")
    assert image_reader.parse(images[0]).metadata is None
    assert read["metadata"]["horizon"] == 2
    assert "the application keeps" not in render(export(model(window), tmp_path / "WINDOWS"))


def test_answers(deploy, tmp_path, capsys):
    """Of new data: the last step of each window, by the reference and by nodes."""
    folder, _ = deploy
    data = tmp_path / "new.csv"
    rng = np.random.default_rng(1)
    rows = [",".join("xyz"), *(",".join(f"{v:.2f}" for v in rng.normal(size=3)) for _ in range(40))]
    data.write_text("\n".join(rows) + "\n")
    whole = tmp_path / "WINDOWS"
    export(model(described()), whole, radio="ble_2m")
    said = []
    for given in ([str(folder)], [str(folder), "--simulate"], [str(whole)]):
        assert main(["predict", given[0], str(data), *given[1:], "--all"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2] != ""


def test_python_all_the_way(tmp_path):
    stream = cats.stream_of(model(), 2)
    planned = cats.plan(stream, radio="ble_2m")
    assert "2 of 8 tokens" in str(planned)
    deployment = cats.export(stream, planned, tmp_path / "DEPLOY")
    data = np.random.default_rng(0).normal(size=(3, 8, 6)).astype(np.float32), np.array([0, 1, 1])
    found = cats.simulate(deployment, data, loss=0.1)
    assert found.equal_to_reference and found.quality is not None
    assert len(found.outputs) == 3 and len(found.result.outputs) == 12


def test_simulated_by_python(deploy):
    folder, _ = deploy
    stream, plan, *_ = load_deploy(folder)
    inputs = np.random.default_rng(0).normal(size=(2, 8, 6)).astype(np.float32) / 4
    found = cats.simulate(folder, inputs)
    assert found.equal_to_reference
    integers = quantize_inputs(stream, inputs)
    want = real_outputs(stream, run_batch(window_of(stream), integers))[:, 0, -1]
    assert (found.outputs == want).all()


def test_refusals(deploy, capsys):
    folder, _ = deploy
    with pytest.raises(CatsError, match="train with --causal"):
        stream_of(model(causal=False))
    shape = ["plan", "--features", "24", "--tokens", "8", "--heads", "4"]
    assert main([*shape, "--stream", "3"]) == 2
    assert "do not fill a context of 8" in capsys.readouterr().err
    assert main([*shape, "--stream", "--linear", "--pool", "last"]) == 2
    assert "linear path" in capsys.readouterr().err
    assert main(["plan", str(folder), "--stream"]) == 2
    assert "--stream" in capsys.readouterr().err


def test_the_mean_of_rows_so_far_is_of_all_at_last(tmp_path):
    """As the commands run it, too."""
    stream = stream_of(model(pool="mean"), 2)
    export(stream, tmp_path / "DEPLOY")
    assert main(["simulate", str(tmp_path / "DEPLOY"), "--random-inputs", "--samples", "2"]) == 0
    assert np.all(load_deploy(tmp_path / "DEPLOY")[0].steps[0].table == stream.steps[0].table)


def test_images_of_the_fuzzer_are_what_their_program_writes():
    made = runpy.run_path(FUZZ / "generate.py")["files"]()
    assert {path.name: path.read_bytes() for path in (FUZZ / "images").iterdir()} == made
