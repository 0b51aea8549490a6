# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Training repeats itself to the bit, survives interruption, and guards its folders."""

import argparse
import dataclasses
import errno
import json
import math
import os
import random
import shutil
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cats import tasks
from cats.cli import main
from cats.commands import train as command
from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.integer.random_models import random_inputs
from cats.integer.reference import run_batch
from cats.nn.message_dropout import MessageDropout
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.shape.links import as_tuples, write_links
from cats.shape.partition import Kind, full_keep, local_blocks
from cats.shape.topologies import topology
from cats.sim.simulate import simulate
from cats.tasks import baselines
from cats.training.loop import train
from cats.training.options import Training
from cats.training.run_folder import (
    CHECKPOINT,
    CONFIG,
    METRICS,
    RUN_FORMAT,
    WEIGHTS,
    load_run,
    load_task,
    quantise_run,
)

TRAINING = Training(
    epochs=4,
    batch=32,
    lr=1e-2,
    message_dropout=(0.0, 0.4),
    dropout=0.1,
    keep=0.5,
    prune_steps=2,
    threads=1,
)


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "waves.csv"
    values = [math.sin(i / 3) + 0.3 * math.sin(i / 1.7) for i in range(300)]
    path.write_text("step,value\n" + "".join(f"{i},{v:.6f}\n" for i, v in enumerate(values)))
    return path


@pytest.fixture(scope="module")
def task(series):
    return tasks.load(
        "forecast", data=str(series), target="value", context=16, horizon=4, patch=4, stride=2
    )


def _shape(task):
    model = dataclasses.replace(task.model, features=8, heads=4, hidden=8, blocks=1)
    return model, SplitConfig.even(model, 3)


def _train(task, out=None, training=TRAINING, **options):
    return train(task, *_shape(task), training, out, **options)


@pytest.fixture(scope="module")
def finished(task, tmp_path_factory):
    """A finished RUN, to be copied before it is changed."""
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, *_train(task, out)


def _copy(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "copy")


def _equal(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_learns_and_prunes(finished):
    _, model, metrics = finished
    losses = [record["loss"] for record in metrics["history"]]
    assert losses[-1] < 0.7 * losses[0]
    assert math.isfinite(metrics["test"]["mse"]) and metrics["metric"] == "mse"
    assert [len(columns) for columns in model.keep[1]] == [2, 1, 1]
    assert model.config.pool == "last" and not model.training


def test_same_seed_same_weights_another_seed_others(task, finished):
    torch.manual_seed(12345)  # the caller's state plays no part
    before = torch.get_rng_state()
    again, _ = _train(task)
    assert torch.equal(torch.get_rng_state(), before)
    assert _equal(again, finished[1]) and again.keep == finished[1].keep
    other, _ = _train(task, training=dataclasses.replace(TRAINING, seed=1))
    assert not _equal(other, finished[1])


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_interrupted_and_resumed_run_ends_the_same(task, finished, tmp_path, cut):
    """Cut after every epoch but the last: before, between and after pruning."""
    out = tmp_path / "run"

    def interrupt(epoch, record):
        if epoch == cut:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train(task, out, checkpoint_seconds=0, after_epoch=interrupt)
    with pytest.raises(CatsError, match="--resume"):
        load_run(out)
    with pytest.raises(CatsError, match="exists: continue it with --resume"):
        _train(task, out)
    seen = []
    model, metrics = _train(task, out, resume=True, after_epoch=lambda e, r: seen.append(e))
    assert seen == list(range(cut + 1, 4))
    assert _equal(model, finished[1]) and model.keep == finished[1].keep
    assert metrics["history"] == finished[2]["history"]
    assert not (out / CHECKPOINT).exists()
    assert _equal(load_run(out)[0], model)


@pytest.mark.parametrize("budget", [None, 700])
def test_local_blocks(task, tmp_path, budget):
    """The first block sends nothing from the first epoch on, a kind of share 0 from its last step
    on; the rest is pruned, lost and rounded as ever, and its integers are the air's."""
    model = dataclasses.replace(_shape(task)[0], blocks=2)
    split = SplitConfig.even(model, 3)
    keep = {"hidden": 0.0, "attention": 0.5} if budget is None else 1.0
    training = dataclasses.replace(TRAINING, local_blocks=1, keep=keep, air_budget=budget, qat=1)
    seen = []
    net, _ = train(
        task, model, split, training, tmp_path / "run",
        after_epoch=lambda epoch, record: seen.append(record["loss"]),
    )  # fmt: skip
    assert all(map(math.isfinite, seen)) and local_blocks(model, net.keep) == 1
    if budget is None:
        assert [any(sources) for sources in net.keep[5:]] == [True, True, True, False, True, True]
    plan = make_plan(model, split, net.keep)
    assert budget is None or plan_air(plan).bytes <= budget
    again, _ = load_run(tmp_path / "run")
    assert again.keep == net.keep
    integers = quantise_run(tmp_path / "run")[0]
    inputs = random_inputs(0, model, 2)
    result = simulate(integers, plan, inputs)
    assert (result.outputs == run_batch(integers, inputs)).all()
    assert (result.bytes == plan_air(plan).bytes).all()


def test_links_on_the_command_line(series, tmp_path, capsys):
    """The run keeps the links that it was trained with, and goes on under no others."""
    links, out = tmp_path / "links.csv", tmp_path / "run"
    row = topology("line:3").links
    write_links(links, row)
    words = [
        "train", "--task", "forecast", "--data", series, "--target", "value", "--context", "16",
        "--horizon", "4", "--patch", "4", "--features", "8", "--heads", "4", "--hidden", "8",
        "--blocks", "1", "--epochs", "2", "--nodes", "3", "-o", out, "--links", links,
    ]  # fmt: skip
    words = [str(word) for word in words]
    assert main([*words, "--hops", "2"]) == 0
    stored = load_run(out)[1].extra["training"]
    assert np.array(stored["links"]) == pytest.approx(row, abs=1e-5)
    assert stored["hops"] == 2 and stored["message_dropout"] == [0, 0]
    assert (out / CONFIG).read_text().count("\n") < 200
    capsys.readouterr()
    assert main([*words, "--resume"]) == 2
    assert "another training" in capsys.readouterr().err
    assert main([*words, "--hops", "2", "--resume"]) == 0
    links.write_text("0,1\n1,1\n")
    assert main([*words, "--force"]) == 2
    assert "is of 2 nodes, here are 3" in capsys.readouterr().err


def test_links_are_lost_in_training(task):
    """A node that nobody hears: the others never have its columns, and all of theirs."""
    mute = np.ones((3, 3))
    mute[2, :2] = 0
    training = dataclasses.replace(
        TRAINING, epochs=1, keep=1.0, message_dropout=(0, 0), links=as_tuples(mute), hops=2
    )
    seen, spread = [], MessageDropout.spread

    def watched(self, arrived):
        losses = spread(self, arrived)
        seen.append(losses[1].columns)
        return losses

    with mock.patch.object(MessageDropout, "spread", watched):
        _train(task, training=training)
    # Of 8 columns nodes 0 to 2 own 4, 2 and 2.
    assert seen and not any(columns[..., :2, 6:].any() for columns in seen)
    assert all(columns[..., :6].all() for columns in seen)
    with pytest.raises(CatsError, match="here are 3"):
        _train(task, training=dataclasses.replace(training, links=((1.0,),)))


def test_local_blocks_on_the_command_line(series, tmp_path, capsys):
    options = ["train", "--task", "forecast", "--data", str(series), "--target", "value",
               "--context", "16", "--horizon", "4", "--patch", "4", "--epochs", "1",
               "--features", "8", "--heads", "4", "--hidden", "8", "--blocks", "1"]  # fmt: skip
    assert main([*options, "-o", str(tmp_path / "run"), "--local-blocks", "2"]) == 2
    error = capsys.readouterr().err
    assert error == "cats: error: --local-blocks 2: the model's blocks are 1\n"
    assert main([*options, "-o", str(tmp_path / "run"), "--local-blocks", "1"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert not any(map(any, load_run(tmp_path / "run")[0].keep[1:5]))
    assert main([*options, "-o", str(tmp_path / "alone"), "--keep", "0"]) == 0
    assert "nothing is sent to the head" in capsys.readouterr().err
    assert not any(map(any, load_run(tmp_path / "alone")[0].keep[1:-1]))


LINEAR = dataclasses.replace(TRAINING, message_dropout=(0.2, 0.2), dropout=0.0, qat=1)


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    """A series that a linear map does not know all of."""
    path, chance = tmp_path_factory.mktemp("data") / "rough.csv", random.Random(0)
    values = [abs(math.sin(i / 3)) + 0.3 * chance.gauss(0, 1) for i in range(300)]
    path.write_text("step,value\n" + "".join(f"{i},{v:.6f}\n" for i, v in enumerate(values)))
    return tasks.load(
        "forecast", data=str(path), target="value", context=16, horizon=4, patch=4, stride=2
    )


def _linear(task):
    config = dataclasses.replace(_shape(task)[0], linear=True)
    return config, SplitConfig.even(config, 2, output_split="single")


def test_a_linear_path_is_the_best_linear_map_and_never_lost(rough):
    """A step too small to change anything leaves the baseline, and its figures."""
    config, split = _linear(rough)
    still = dataclasses.replace(LINEAR, lr=1e-30, weight_decay=0.0)
    model, metrics = train(rough, config, split, still)
    for part in ("validation", "test"):
        want = baselines.scores(rough, part)[part]["linear"]
        assert metrics[part] == pytest.approx(want, rel=1e-5)
    losses = MessageDropout(config, split, model.keep, (1.0, 1.0)).draw(8)
    inputs = rough.test.inputs[:8]
    torch.testing.assert_close(model(inputs, losses), model(inputs))


def test_a_linear_path_is_not_undercut_on_the_validation_part(rough):
    """However badly the epochs go: with a rate that ruins what is learned, epoch 0 is kept."""
    config, split = _linear(rough)
    want = baselines.scores(rough, "validation")["validation"]["linear"]["mse"]
    for lr in (1e-3, 50.0):
        wild = dataclasses.replace(LINEAR, lr=lr)
        model, metrics = train(rough, config, split, wild)
        assert metrics["validation"]["mse"] <= want * (1 + 1e-5)
        weights = baselines.best_linear(rough)
        torch.testing.assert_close(model.linear.weight, weights[:-1].T.float())
        torch.testing.assert_close(model.linear.bias, weights[-1].float())
    assert metrics["best_epoch"] == 0


def test_interrupted_beside_a_linear_path(rough, tmp_path):
    """The best epoch of before the interruption counts as it would have."""
    config, split = _linear(rough)
    whole, metrics = train(rough, config, split, LINEAR, tmp_path / "whole")

    def stop(epoch, record):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(
            rough, config, split, LINEAR, tmp_path / "cut", checkpoint_seconds=0, after_epoch=stop
        )
    again, resumed = train(
        rough, config, split, LINEAR, tmp_path / "cut", resume=True, checkpoint_seconds=0
    )
    assert resumed["best_epoch"] == metrics["best_epoch"]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_resume_of_a_finished_or_absent_run(task, finished, tmp_path):
    out = _copy(finished, tmp_path)
    before = (out / WEIGHTS).read_bytes()
    model, metrics = _train(task, out, resume=True)
    assert _equal(model, finished[1]) and metrics == finished[2]
    assert (out / WEIGHTS).read_bytes() == before
    fresh, _ = _train(task, tmp_path / "fresh", resume=True)
    assert _equal(fresh, finished[1])


def test_resume_with_other_options_is_refused(task, finished, tmp_path):
    out = _copy(finished, tmp_path)
    with pytest.raises(CatsError, match="another training: use --force"):
        _train(task, out, dataclasses.replace(TRAINING, lr=1e-3), resume=True)


@pytest.mark.parametrize("before", [False, True])
def test_a_disk_that_fills_up_at_the_start(task, finished, tmp_path, monkeypatch, before):
    """Nothing of a new run is left, and nothing of an old one lost."""
    out = _copy(finished, tmp_path) if before else tmp_path / "run"
    old = {path.name: path.read_bytes() for path in out.glob("*")}

    def full(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(CatsError, match="No space left"):
        patch.setattr(Path, "write_bytes", full)
        _train(task, out, force=before)
    assert {path.name: path.read_bytes() for path in out.glob("*")} == old
    assert out.exists() == before


def test_a_folder_of_others_is_not_continued(task, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for options in ({"resume": True}, {"force": True}, {}):
        with pytest.raises(CatsError, match=r"than a run \(thesis.txt\): choose another folder"):
            _train(task, tmp_path, **options)


def test_damaged_checkpoint_is_refused(task, tmp_path):
    out = tmp_path / "run"

    def interrupt(epoch, record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train(task, out, checkpoint_seconds=0, after_epoch=interrupt)
    tensors = load_file(out / CHECKPOINT)
    save_file(tensors, out / CHECKPOINT)  # without its state
    with pytest.raises(CatsError, match="no checkpoint of this run"):
        _train(task, out, resume=True)
    (out / CHECKPOINT).write_bytes(b"half a file")
    with pytest.raises(CatsError, match="cannot be read"):
        _train(task, out, resume=True)


def test_force_starts_again(task, finished, tmp_path):
    out = _copy(finished, tmp_path)
    short = dataclasses.replace(TRAINING, epochs=1)
    _train(task, out, short, force=True)
    assert len(json.loads((out / METRICS).read_text())["history"]) == 1
    assert load_run(out)[1].extra["training"]["epochs"] == 1


def test_run_can_be_loaded_with_its_task(finished, task):
    model, run = load_run(finished[0])
    assert _equal(model, finished[1]) and model.keep == finished[1].keep
    assert (run.task, run.seed, run.model, run.split) == ("forecast", 0, *_shape(task))
    rebuilt = load_task(run)
    assert torch.equal(rebuilt.test.inputs, task.test.inputs)
    with pytest.raises(CatsError, match="cannot be read"):
        load_task(run, data="elsewhere.csv")


def _edit(name, change):
    def act(out):
        data = json.loads((out / name).read_text())
        change(data)
        (out / name).write_text(json.dumps(data))

    return act


def _shrink(out):
    tensors = load_file(out / WEIGHTS)
    tensors["position"] = tensors["position"][:-1].contiguous()
    save_file(tensors, out / WEIGHTS)


def _lose_tensor(out):
    tensors = load_file(out / WEIGHTS)
    del tensors["head.bias"]
    save_file(tensors, out / WEIGHTS)


def _spoil(out):
    tensors = load_file(out / WEIGHTS)
    tensors["head.bias"][0] = math.nan
    save_file(tensors, out / WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "is no RUN folder"),
        (lambda out: (out / CONFIG).unlink(), "was not made by 'cats train'"),
        (lambda out: (out / CONFIG).write_text("{"), "cannot be read as a run's configuration"),
        (lambda out: (out / CONFIG).write_text("[]"), r"json: \$: expected a mapping, got a list"),
        (lambda out: (out / CONFIG).write_text("{}"), r"json: \$\.format: missing"),
        (lambda out: (out / WEIGHTS).unlink(), "no model.safetensors: train again with --force"),
        (lambda out: (out / METRICS).unlink(), "finish the training with --resume"),
        (lambda out: (out / METRICS).write_text(""), "it is empty; train again with --force"),
        (lambda out: (out / WEIGHTS).write_bytes(b"\0" * 20), "cannot be read.*; train again"),
        (_shrink, "does not fit config.json: size mismatch for position"),
        (_lose_tensor, "does not fit config.json: Missing key"),
        (_edit(CONFIG, lambda c: c.update(format=RUN_FORMAT + 1)), "upgrade"),
        (_edit(CONFIG, lambda c: c.pop("keep")), r"\$\.keep: missing"),
        (_edit(CONFIG, lambda c: c.update(keep=3)), r"\$\.keep: expected a list, got int"),
        (_edit(CONFIG, lambda c: c["keep"].pop()), "keep sets for 6 gathers"),
        (_edit(CONFIG, lambda c: c["model"].update(width=3)), r"\$\.model\.width: unknown"),
        (
            _edit(CONFIG, lambda c: c["model"].update(blocks="2")),
            r"\$\.model\.blocks: expected int",
        ),
        (_edit(CONFIG, lambda c: c["training"].update(payload="x")), r"\$\.training\.payload: "),
        (_edit(CONFIG, lambda c: c.update(task_options=[1])), r"\$\.task_options: expected a mapp"),
        (_spoil, "model.safetensors: head.bias holds NaN or infinity"),
        (_edit(CONFIG, lambda c: c["model"].update(features=9)), "cannot be split into 4 heads"),
        (_edit(CONFIG, lambda c: c["split"].update(heads=[4])), "split has 3 parts for 1 nodes"),
    ],
)
def test_bad_run_folders_are_named(finished, tmp_path, damage, message):
    out = _copy(finished, tmp_path)
    damage(out)
    with pytest.raises(CatsError, match=message):
        load_run(out)


def test_out_must_not_be_a_file(task, tmp_path):
    (tmp_path / "file").write_text("mine")
    for options in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(CatsError, match="is a file"):
            _train(task, tmp_path / "file", **options)
    assert (tmp_path / "file").read_text() == "mine"


def test_model_must_fit_the_task(task):
    model, split = _shape(task)
    with pytest.raises(CatsError, match="task forecast gives 4 x 4"):
        train(task, dataclasses.replace(model, tokens_in=5), split, TRAINING)
    with pytest.raises(CatsError, match="needs 4"):
        train(task, dataclasses.replace(model, outputs=5), split, TRAINING)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch": 0},
        {"lr": 0.0},
        {"lr": math.nan},
        {"dropout": 1.0},
        {"message_dropout": (0.5, 0.1)},
        {"hops": 2},
        {"hops": 16},
        {"links": ((1, 2), (1, 1))},
        {"links": ((1, 1, 1),) * 3, "modes": ("links",)},
        {"keep": -0.1},
        {"prune_steps": 0},
        {"prune_from": 0.9},
        {"granularity": "bit"},
        {"prune_scope": "node"},
        {"threads": 0},
    ],
)
def test_options_are_checked(task, change):
    with pytest.raises(CatsError):
        _train(task, training=dataclasses.replace(TRAINING, **change))


def test_divergence_is_reported(task, monkeypatch):
    monkeypatch.setattr(type(task), "loss", lambda self, output, _: math.nan * output.sum())
    with pytest.raises(CatsError, match="diverged in epoch 1"):
        _train(task)


def test_schedule_warms_up_and_ends_near_zero():
    training = Training(epochs=10, lr=1.0, warmup=0.1, keep=0.5, prune_steps=3)
    rates = [training.rate(step, 100) for step in range(100)]
    assert rates[0] == 0.1 and max(rates) == rates[9] == 1.0 and rates[-1] < 0.01
    assert list(training.prune_at()) == [3, 4, 6]
    ratios = [steps[Kind.HEADS] for steps in training.prune_at().values()]
    assert ratios == pytest.approx([1 - 0.5 / 3, 1 - 1 / 3, 0.5])
    assert Training(epochs=10).prune_at() == {}
    late = Training(epochs=3, keep=0.5, prune_from=1.0, prune_until=1.0)
    assert late.prune_at()[2][Kind.OUTPUT] == 0.5


def test_keep_by_kind_of_gather(task):
    training = dataclasses.replace(TRAINING, epochs=1, prune_from=0.0, prune_until=0.0)
    keep = {"heads": 0.25, "hidden": 0.7}
    model, _ = _train(task, training=dataclasses.replace(training, keep=keep))
    counts = [[len(columns) for columns in sources] for sources in model.keep]
    assert counts == [[4, 0, 0], [4, 2, 2], [1, 1, 1], [4, 2, 2], [2, 2, 1], [4, 2, 2], [2, 1, 1]]
    with pytest.raises(CatsError, match="keep 'tails': one of attention, heads"):
        _train(task, training=dataclasses.replace(training, keep={"tails": 0.5}))


def test_progress_bar_on_a_terminal_only(task, capsys):
    training = dataclasses.replace(TRAINING, epochs=1)
    _train(task, training=training)
    assert capsys.readouterr().err == ""
    with mock.patch("sys.stderr.isatty", return_value=True):
        _train(task, training=training)
    assert "1/1" in capsys.readouterr().err


def test_command_trains_and_reports(series, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    text = (
        f"--task forecast --data {series} --target value --context 16 --horizon 4 --patch 4 "
        "--nodes 2 --features 8 --heads 4 --hidden 8 --blocks 1 --epochs 1 --keep heads=0.5 "
        "--message-dropout 0.1 --threads 1 --loss-payload 20 --loss-rows 2 "
        f"-o {tmp_path / 'run'} --json {tmp_path / 'figures.json'}"
    )
    assert command.run(parser.parse_args(text.split())) == 0
    assert "test: mse" in capsys.readouterr().out
    _, run = load_run(tmp_path / "run")
    assert run.split.outputs == (4, 0) and run.split.inputs == (4, 0)
    training = run.extra["training"]
    assert training["message_dropout"] == [0.1, 0.1] and training["payload"] == 20
    assert training["tile_rows"] == 2 and training["keep"] == {"heads": 0.5}
    assert (tmp_path / "figures.json").read_text() == (tmp_path / "run" / METRICS).read_text()
    for wrong in (
        ["--task", "digits", "--data", "x.csv"],
        ["--task", "digits", "--preset", "ett"],
        ["--task", "forecast", "--preset", "ett"],
        ["--task", "forecast", "--target", "value"],
        ["--task", "digits", "--nodes", "9"],
        ["--task", "digits", "--features", "63"],
        ["--task", "digits", "--message-dropout", "2"],
        ["--task", "digits", "--epochs", "0"],
        ["--task", "digits", "--keep", "much"],
        ["--task", "digits", "--keep", "heads=2"],
    ):
        with pytest.raises((CatsError, SystemExit)):
            command.run(parser.parse_args([*wrong, "-o", str(tmp_path / "other")]))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "options",
    [{"prune_by": "taylor"}, {"prune_by": "activation"}, {"keep": 1.0, "air_budget": 1050}],
)
def test_pruning_by_worth_repeats(task, options):
    """By what the data says, down to a share or a budget of bytes; the same seed, the same run."""
    training = dataclasses.replace(TRAINING, **options)
    config = dataclasses.replace(task.model, features=32, heads=4, hidden=32, blocks=1)
    split = SplitConfig.even(config, 4)
    one, metrics = train(task, config, split, training)
    two, _ = train(task, config, split, training)
    assert _equal(one, two) and one.keep == two.keep and metrics["test"]["mse"] < 10
    if "air_budget" in options:
        full, pruned = (
            plan_air(make_plan(config, split, keep)).bytes
            for keep in (full_keep(config, split), one.keep)
        )
        assert 0.9 * options["air_budget"] < pruned <= options["air_budget"] < full
    else:
        assert [len(columns) for columns in one.keep[1]] == [4] * 4


def test_a_budget_is_reached_in_steps():
    training = Training(epochs=10, air_budget=400, prune_steps=3, prune_from=0.2, prune_until=0.6)
    assert training.budget_at(1000) == {2: 800, 4: 600, 6: 400}
    assert training.budget_at(400) == {} and Training().budget_at(1000) == {}
    with pytest.raises(CatsError, match="give one of them"):
        Training(keep=0.5, air_budget=400).check()


def test_command_presets_are_defaults_of_the_data(series, tmp_path):
    """What is given beside a preset counts more."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    text = (
        f"--task forecast --preset ett --data {series} --target value --context 16 --horizon 4 "
        "--patch 4 --parts 0.6:0.2:0.2 --missing hold --features 8 --heads 4 --hidden 8 --epochs 1 "
        f"--threads 1 -o {tmp_path / 'run'}"
    )
    assert command.run(parser.parse_args(text.split())) == 0
    options = load_run(tmp_path / "run")[1].extra["task_options"]
    assert options["target"] == "value" and options["stride"] == 1 and options["missing"] == "hold"


def test_command_deals_a_run_to_other_nodes(series, finished, tmp_path, capsys):
    """The same integers out, over any number of nodes; where they would not be, a way is named."""
    data = f"--task forecast --data {series} --target value --context 16 --horizon 4 --patch 4"
    shape = "--features 8 --heads 4 --hidden 8 --blocks 1 --batch 32 --threads 1 --epochs 1"
    run = tmp_path / "run"
    text = f"train {data} {shape} --nodes 2 --keep heads=0.5,hidden=0.5 --output-split even"
    assert main([*text.split(), "-o", str(run)]) == 0
    wanted = None
    for options in ("", "--nodes 1", "--shares 2,1,1", "--nodes 4 --output-split single"):
        deploy = tmp_path / f"deploy{len(options)}"
        assert main(["export", str(run), "-o", str(deploy), *options.split()]) == 0
        model, _, meta, _ = load_deploy(deploy)
        assert ("trained_split" in meta["run"]) == bool(options)
        inputs = random_inputs(1, model.config, 20)
        outputs = run_batch(model, inputs)[:, 0]
        wanted = outputs if wanted is None else wanted
        assert (outputs == wanted).all()
        if options == "--shares 2,1,1":
            assert model.split == SplitConfig((2, 1, 1), (4, 2, 2), (2, 1, 1), (4, 0, 0))
    assert model.split.outputs == (4, 0, 0, 0)
    capsys.readouterr()

    for options, named in (("--nodes 2", "--nodes 2"), ("--shares 3,1", "--shares 3,1")):
        command = ["export", str(finished[0]), "-o", str(tmp_path / "no"), *options.split()]
        assert main(command) == 2
        err = capsys.readouterr().err
        assert f"'cats train --init {finished[0]} {named}'" in err and err.count("\n") == 1
        assert "attention, forward, output" in err and not (tmp_path / "no").exists()
    text = f"train {data} {shape} --shares 3,1 --init {finished[0]} -o {tmp_path / 'again'}"
    assert main(text.split()) == 0
    assert load_run(tmp_path / "again")[0].split.heads == (3, 1)
    for options in (
        "--nodes 5", "--nodes 2 --shares 1,1,1", "--shares 0,0", "--shares a", "--four-bits 0.1",
    ):  # fmt: skip
        command = ["export", str(run), "-o", str(tmp_path / "no"), *options.split()]
        assert main(command) == 2
        err = capsys.readouterr().err
        assert err.startswith("cats: error: ") and err.count("\n") == 1
