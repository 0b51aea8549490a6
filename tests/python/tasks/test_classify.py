# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Sensor streams: series become tokens channel by channel, and bad files are named."""

import argparse
from importlib import util
from pathlib import Path
from unittest import mock

import pytest
import torch

from cats import tasks
from cats.commands import train as command
from cats.errors import CatsError
from cats.tasks.classify import Classify
from cats.tasks.read_ts import read_ts
from cats.training.run_folder import load_run

AEON = util.find_spec("aeon") is not None


def _ts(path, count, channels=3, steps=8, seed=0):
    """Two classes that differ in the slope of channel 1."""
    generator = torch.Generator().manual_seed(seed)
    lines = ["# comment", "@problemName waves", "@classLabel true up down", "@data"]
    for i in range(count):
        values = torch.randn(channels, steps, generator=generator)
        values[1] += (1 if i % 2 else -1) * torch.linspace(-2, 2, steps)
        texts = [",".join(f"{v:.4f}" for v in channel) for channel in values.tolist()]
        lines.append(":".join([*texts, "up" if i % 2 else "down"]))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def pair(tmp_path):
    """NAME_TRAIN.ts with its test part beside it."""
    _ts(tmp_path / "waves_TEST.ts", 12, seed=1)
    return _ts(tmp_path / "waves_TRAIN.ts", 40)


def test_parts_are_stratified_and_normalised_by_the_training_part(pair):
    task = tasks.load("classify", data=pair, patch=4)
    assert [len(p) for p in (task.train, task.validation, task.test)] == [32, 8, 12]
    for part in (task.train, task.validation, task.test):
        assert part.targets.bincount().tolist() == [len(part) // 2] * 2
        assert part.inputs.shape[1:] == (2, 12)
    by_channel = task.train.inputs.unflatten(2, (3, 4))
    mean, deviation = by_channel.mean((0, 1, 3)), by_channel.std((0, 1, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviation, torch.ones(3), atol=1e-4, rtol=0)
    assert task.classes == ["down", "up"] and task.channels == 3


def test_a_token_holds_a_channel_s_steps_together(pair):
    task = Classify(pair, patch=3)  # the two oldest of 8 steps fill no token
    read = read_ts(Path(pair))
    series, labels = torch.stack(read.series), read.labels
    assert series.shape == (40, 8, 3) and labels[:2] == ["down", "up"]
    normal = (series - task.mean) / task.deviation
    part = task.train
    where = next(
        i for i in range(40) if torch.allclose(normal[i, 2:5, 1], part.inputs[5, 0, 3:6], atol=1e-5)
    )
    for token in range(2):
        for channel in range(3):
            steps = normal[where, 2 + 3 * token : 5 + 3 * token, channel]
            got = part.inputs[5, token, 3 * channel : 3 * channel + 3]
            torch.testing.assert_close(got, steps)


def test_units_are_one_for_all_or_one_for_each(pair):
    for given, wanted in (
        (None, ["", "", ""]),
        (["g"], ["g"] * 3),
        (["g", "", "V"], ["g", "", "V"]),
    ):
        task = tasks.load("classify", data=str(pair), patch=2, units=given)
        assert [channel.unit for channel in task.metadata.channels] == wanted
        again = tasks.load("classify", **task.options)
        assert again.metadata == task.metadata
    with pytest.raises(CatsError, match="2 units for 3 channels"):
        tasks.load("classify", data=str(pair), patch=2, units=["g", "V"])


def test_augmentation_repeats_and_changes_little(pair):
    task, index = Classify(pair, patch=4), torch.arange(16)
    one, labels = task.batch(index, 1, torch.Generator().manual_seed(0))
    two, _ = task.batch(index, 1, torch.Generator().manual_seed(0))
    plain, _ = Classify(pair, patch=4, augment=False).batch(index, 1, torch.Generator())
    assert torch.equal(one, two) and torch.equal(labels, task.train.targets[index])
    assert torch.equal(plain, task.train.inputs[index]) and not torch.equal(one, plain)
    assert torch.cosine_similarity(one.flatten(), plain.flatten(), 0) > 0.3


def test_score_counts_right_answers(pair):
    task = Classify(pair, patch=4)
    output = torch.nn.functional.one_hot(task.test.targets, 2).float()
    output[:3] = -output[:3]
    assert task.score(output, task.test) == {"accuracy": 0.75}


def test_other_bad_input_is_named(pair, tmp_path):
    with pytest.raises(CatsError, match="cannot be read"):
        Classify(str(tmp_path / "none.ts"))
    with pytest.raises(CatsError, match="patch of 9 steps: a series has 8"):
        Classify(pair, patch=9)
    with pytest.raises(CatsError, match="at least 1"):
        Classify(pair, patch=0)
    absent = mock.patch("cats.tasks.sensors.util.find_spec", return_value=None)
    with absent, pytest.raises(CatsError, match="pip install --no-deps aeon"):
        Classify("aeon:BasicMotions")
    flat = tmp_path / "flat.csv"
    rows = [f"s{i},{'ab'[i % 2]},{i * i % 7},7" for i in range(20)]
    flat.write_text("\n".join(["sample,label,x,y", *rows]) + "\n")
    with pytest.raises(CatsError, match="channel 'y' never changes"):
        Classify(str(flat), patch=1)
    _ts(tmp_path / "waves_TEST.ts", 4, channels=2)
    with pytest.raises(CatsError, match="2 channels in the test part"):
        Classify(pair, patch=4)


@pytest.mark.skipif(not AEON, reason="package aeon is not there")
def test_presets_are_inside_aeon():
    motions = tasks.load("classify", **tasks.preset("classify", "basicmotions"))
    assert [len(p) for p in (motions.train, motions.validation, motions.test)] == [32, 8, 40]
    assert motions.channels == 6 and motions.model.tokens_in == 10 and len(motions.classes) == 4
    vowels = tasks.load("classify", **tasks.preset("classify", "japanesevowels"))
    assert len(vowels.test) == 370 and vowels.channels == 12 and len(vowels.classes) == 9
    with pytest.raises(CatsError, match="no data set 'Nothing'"):
        tasks.load("classify", data="aeon:Nothing")


def test_command_gives_each_node_whole_channels(pair, tmp_path):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    text = (
        f"--task classify --data {pair} --patch 4 --nodes 2 --input-split channels --features 16 "
        f"--heads 4 --hidden 16 --blocks 1 --epochs 80 --lr 0.01 --keep 0.5 -o {tmp_path / 'run'}"
    )
    assert command.run(parser.parse_args(text.split())) == 0
    model, run = load_run(tmp_path / "run")
    assert run.split.inputs == (8, 4)
    task = tasks.load("classify", **run.extra["task_options"])
    with torch.no_grad():
        score = task.score(model(task.test.inputs)[:, -1], task.test)
    assert score["accuracy"] > 0.7
    with pytest.raises(CatsError, match="needs --data FILE or --preset"):
        command.run(parser.parse_args(["--task", "classify", "-o", str(tmp_path / "other")]))
