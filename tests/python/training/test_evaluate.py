# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Evaluation: figures fall with loss, repeat with the seed, and come as table, JSON and plot."""

import argparse
import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from cats import tasks
from cats.cli import main
from cats.commands import evaluate as command
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.quantize import quantize_inputs
from cats.integer.random_models import random_keep, random_model
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import write_links
from cats.shape.topologies import topology
from cats.tasks import Part
from cats.training.evaluate import answers, every_token, parse_losses, score_at, sweep
from cats.training.loop import predict, train
from cats.training.options import Training
from cats.training.run_folder import CONFIG, quantise_run


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


def test_integers_under_the_same_losses(run):
    """The integer model loses what the float model loses, and answers nearly alike."""
    path, model, task = run
    integer, _ = quantise_run(path)
    part = Part(task.test.inputs[:60], task.test.targets[:60])
    dropout = MessageDropout(model.config, model.split, model.keep, (0.3, 0.3), patterns=60)
    losses = dropout.draw(60, torch.Generator().manual_seed(1))
    exact, clean = (answers(model, part.inputs, lost) for lost in (losses, None))
    for lost, want, other in ((losses, exact, clean), (None, clean, exact)):
        got = answers(integer, part.inputs, lost)
        assert got.shape == want.shape
        assert (got - want).abs().mean() < 0.2 * (got - other).abs().mean()
    scores = [score_at(m, task, task.test, 0.2, seed=3)["accuracy"] for m in (model, integer)]
    assert abs(scores[0] - scores[1]) < 0.03


@pytest.mark.parametrize("output_split", ["single", "even"])
def test_integers_answer_as_the_reference_says(output_split):
    """Column by column as its owner computed it, whoever else heard it."""
    config = ModelConfig(tokens_in=4, inputs=3, outputs=5, features=12, heads=6, hidden=9, blocks=1)
    split = SplitConfig.even(config, 3, output_split=output_split)
    integer = random_model(2, config, split, random_keep(2, config, split, 0.5))
    inputs = torch.randn(8, 4, 3, generator=torch.Generator().manual_seed(0))
    dropout = MessageDropout(config, split, integer.keep, (0.5, 0.5), patterns=8)
    losses = dropout.draw(8, torch.Generator().manual_seed(3))
    got = answers(integer, inputs, losses)
    assert got.isfinite().all()
    gathers = [
        losses[g].dense(8).numpy() & everything | own
        for g, (everything, own) in enumerate(_views(integer))
    ]
    given = reference.Availability(tuple(gathers))
    out = reference.run_batch(integer, quantize_inputs(integer, inputs.numpy()), given)
    for c in range(5):
        owner = [d for d in range(3) if _views(integer)[-1][1][0, d, c]][0]
        assert torch.equal(
            got[:, c], torch.tensor(out[:, owner, 0, c] * integer.output_scale).float()
        )


def _views(model):
    """(own or kept, own) bool [1, D, K] of every gather."""
    full = reference.everything(model.config, model.split, model.keep).gathers
    nothing = [[() for _ in sources] for sources in model.keep]
    own = reference.everything(model.config, model.split, nothing).gathers
    return list(zip(full, own, strict=True))


def test_every_token_counts_all_forecasts(tmp_path):
    values = [math.sin(i / 4) + i / 200 for i in range(160)]
    path = tmp_path / "wave.csv"
    path.write_text("step,v\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values)))
    task = tasks.load("forecast", data=str(path), target="v", context=12, horizon=3, patch=4)
    config = dataclasses.replace(task.model, features=8, heads=2, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    model = CatsTransformer(config, split)
    rows = CatsTransformer(dataclasses.replace(config, pool="all"), split)
    rows.load_state_dict(model.state_dict())
    with torch.no_grad():
        output = rows(task.test.inputs)  # [n, tokens, C]
    series = (torch.tensor(values[96:160], dtype=torch.float64)[-len(task.test) - 14 :]
              - task.mean) / task.deviation  # fmt: skip
    errors = []
    for i in range(len(task.test)):
        real = output[i].double() * task.test.spread[i] + task.test.offset[i]
        for t in range(3):
            errors.append(real[t] - series[i + 4 * t + 4 : i + 4 * t + 7])
    figures = every_token(model, task, task.test)
    assert figures["mse"] == pytest.approx(torch.stack(errors).square().mean().item(), rel=1e-4)
    assert figures["mae"] == pytest.approx(torch.stack(errors).abs().mean().item(), rel=1e-4)
    with pytest.raises(CatsError, match="only a causal forecaster"):
        every_token(
            CatsTransformer(dataclasses.replace(config, causal=False), split), task, task.test
        )


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


def test_links_cost_what_they_lose(run, tmp_path, capsys):
    """Of nodes in a row, more where there are no relays; links that lose nothing cost nothing, and
    links that are alike as much as that loss."""
    out, model, task = run
    row = topology("line:4").links

    def at(**options):
        return sweep(model, task, [0], repeats=2, seed=5, **options)[0]["accuracy"]["mean"]

    clean, one, three = at(), at(links=row), at(links=row, hops=3)
    assert one < three < clean
    assert at(links=np.ones((4, 4))) == clean == at(links=row > 0.5, hops=3)
    alike = sweep(model, task, [0.4], repeats=4, modes=("links",))[0]["accuracy"]["mean"]
    on_top = sweep(model, task, [0.2], repeats=4, links=np.full((4, 4), 0.75))[0]
    assert on_top["accuracy"]["mean"] == pytest.approx(alike, abs=0.03)

    write_links(tmp_path / "links.csv", row)
    command = ["evaluate", str(out), "--links", str(tmp_path / "links.csv"), "--hops", "3"]
    assert main([*command, "--repeats", "2", "--seed", "5", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["records"][0]["accuracy"]["mean"] == pytest.approx(three, abs=0.01)
    assert found["hops"] == 3 and found["modes"] == "links"
    assert np.array(found["links"]) == pytest.approx(row, abs=1e-5)
    (tmp_path / "links.csv").write_text("1,1\n1,1\n")
    assert main(command) == 2
    assert "is of 2 nodes, here are 4" in capsys.readouterr().err


def test_command_sets_baselines_beside_a_forecast(tmp_path, capsys):
    path, out = tmp_path / "wave.csv", tmp_path / "run"
    lines = [f"{i},{math.sin(i / 4)}" for i in range(160)]
    path.write_text("\n".join(["step,v", *lines]) + "\n")
    task = tasks.load("forecast", data=str(path), target="v", context=12, horizon=3, patch=4)
    config = dataclasses.replace(task.model, features=8, heads=2, hidden=8, blocks=1)
    train(task, config, SplitConfig.even(config, 2), Training(epochs=1, threads=1), out)
    figures = tmp_path / "figures.json"
    options = [out, "--loss", "0", "--baselines", "--model", "int8", "--json", figures]
    assert _run(options) == 0
    shown = capsys.readouterr().out
    assert "int8 model" in shown and "persistence" in shown and "all tokens, float" in shown
    document = json.loads(figures.read_text())
    assert document["model"] == "int8" and set(document["baselines"]["linear"]) == {"mse", "mae"}


def test_command_refuses_bad_input(run, tmp_path):
    for options in (
        [tmp_path / "none"],
        [run[0], "--loss", "2"],
        [run[0], "--repeats", "0"],
        [run[0], "--loss", "0", "--json", run[0] / CONFIG / "such.json"],
        [run[0], "--loss", "0", "--plot", tmp_path / "plot.doc"],
    ):
        with pytest.raises((CatsError, SystemExit)):
            _run(options)
