# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Evaluation: figures fall with loss, repeat with the seed, and come as table, JSON and plot."""

import argparse
import dataclasses
import json

import pytest

from cats import tasks
from cats.commands import evaluate as command
from cats.config import SplitConfig
from cats.errors import CatsError
from cats.evaluate import parse_losses, score_at, sweep
from cats.train import Training, predict, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(RUN folder, model, task) of a small digits model trained without message dropout."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    task = tasks.load("digits", augment=False)
    config = dataclasses.replace(task.model, features=16, hidden=16, heads=4, blocks=1)
    training = Training(epochs=12, lr=1e-2, threads=1, payload=50)
    return out, train(task, config, SplitConfig.even(config, 4), training, out)[0], task


def test_no_loss_is_the_plain_score(run):
    _, model, task = run
    expected = task.score(predict(model, task.test.inputs), task.test)
    assert score_at(model, task, task.test, 0.0) == expected
    assert expected["accuracy"] > 0.6


def test_loss_costs_quality_and_repeats_by_seed(run):
    _, model, task = run
    records = sweep(model, task, [0.0, 0.3, 0.9], repeats=2, seed=5)
    means = [record["accuracy"]["mean"] for record in records]
    assert means[0] > means[1] > means[2]
    assert [record["repeats"] for record in records] == [1, 2, 2]
    assert records == sweep(model, task, [0.0, 0.3, 0.9], repeats=2, seed=5)
    assert records[1] != sweep(model, task, [0.3], repeats=2, seed=6)[0]


def test_losses_are_parsed():
    assert parse_losses("0:0.2:0.1") == [0.0, 0.1, 0.2]
    assert parse_losses("0:0.3:0.1") == [0.0, 0.1, 0.2, 0.3]
    assert parse_losses("0.05") == [0.05] and parse_losses("0,0.1") == [0.0, 0.1]
    for text in ("", "x", "0:1", "0:1:0", "0.5:0.1:0.1", "2", "0:2:0.5", "-0.1", "0:1:1e-9", "nan"):
        with pytest.raises(CatsError, match="loss"):
            parse_losses(text)


def _run(arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(argument) for argument in arguments]))


def test_command_writes_table_json_and_plots(run, tmp_path, capsys):
    files = {name: tmp_path / name for name in ("e.json", "e.png", "e.svg", "again.svg")}
    options = [run[0], "--loss", "0,0.2", "--repeats", 2, "--modes", "links"]
    assert _run([*options, "--json", files["e.json"], "--plot", files["e.svg"]]) == 0
    out = capsys.readouterr().out
    assert "4 nodes, float model, test part, packet loss, links" in out and "20.0 %" in out
    document = json.loads(files["e.json"].read_text())
    assert document["metric"] == "accuracy" and document["modes"] == "links"
    assert [record["loss"] for record in document["records"]] == [0.0, 0.2]
    _run([*options, "--plot", files["e.png"]])
    _run([*options, "--plot", files["again.svg"]])
    assert files["e.png"].read_bytes().startswith(b"\x89PNG")
    assert files["e.svg"].read_bytes() == files["again.svg"].read_bytes()


def test_command_refuses_bad_input(run, tmp_path):
    for options in (
        [tmp_path / "none"],
        [run[0], "--loss", "2"],
        [run[0], "--repeats", "0"],
        [run[0], "--loss", "0", "--json", tmp_path / "no" / "such.json"],
        [run[0], "--loss", "0", "--plot", tmp_path / "plot.doc"],
    ):
        with pytest.raises(CatsError):
            _run(options)
