# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The same training on every device, in every precision, in parts, by several processes."""

import copy
import dataclasses
import json
import math
import subprocess
import sys
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file, save_file

from cats import tasks
from cats.cli import main
from cats.errors import CatsError
from cats.nn.masked_product import by_group, grouped, row_runs
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import CRITERIA
from cats.nn.qat import Rounded
from cats.nn.to_integer import scales_for
from cats.shape.config import ModelConfig, SplitConfig
from cats.training.device import device_name, pick_device
from cats.training.evaluate import score_at
from cats.training.loop import predict, train
from cats.training.options import Training
from cats.training.run_folder import CHECKPOINT, CONFIG, METRICS, WEIGHTS, load_run
from cats.training.step import Gradients, Recording, patterns_of

TRAINING = Training(
    epochs=3, batch=24, lr=1e-2, message_dropout=(0.0, 0.4), keep=0.5, prune_steps=2, threads=1
)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_gpu)]


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "waves.csv"
    values = [math.sin(i / 3) + 0.3 * math.sin(i / 1.7) for i in range(200)]
    path.write_text("step,value\n" + "".join(f"{i},{v:.6f}\n" for i, v in enumerate(values)))
    return path


@pytest.fixture(scope="module")
def task(series):
    return tasks.load(
        "forecast", data=str(series), target="value", context=16, horizon=4, patch=4, stride=2
    )


def _train(task, training=TRAINING, out=None, **options):
    model = dataclasses.replace(task.model, features=8, heads=4, hidden=8, blocks=1)
    return train(task, model, SplitConfig.even(model, 3), training, out, **options)


def _losses(metrics):
    return [record["loss"] for record in metrics["history"]]


@pytest.fixture(scope="module")
def plain(task):
    """Of a run on the CPU in float32: the model and its metrics."""
    return _train(task)


@needs_gpu
def test_a_gpu_trains_as_a_cpu_does(task, plain):
    """The seed means the same samples, keep sets and losses of messages."""
    model, metrics = _train(task, dataclasses.replace(TRAINING, device="cuda"))
    assert model.keep == plain[0].keep and model.device.type == "cpu"
    assert _losses(metrics) == pytest.approx(_losses(plain[1]), rel=1e-3)
    assert metrics["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_learns_the_same(task, plain, device, precision):
    training = dataclasses.replace(TRAINING, device=device, precision=precision)
    model, metrics = _train(task, training)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    # fp16 leaves out its first steps until the factor of the loss fits
    last = _losses(plain[1])[-1]
    assert metrics["history"][-1]["loss"] == pytest.approx(
        last, rel=0.05 if precision == "bf16" else 0.4
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("parts", [2, 4, 8])
def test_parts_of_a_batch_add_up(task, plain, device, parts):
    model, metrics = _train(task, dataclasses.replace(TRAINING, device=device, accumulate=parts))
    assert model.keep == plain[0].keep
    assert _losses(metrics) == pytest.approx(
        _losses(plain[1]), rel=1e-3 if device == "cuda" else 1e-5
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("change", [{}, {"dropout": 0.2}, {"qat": 1}, {"precision": "fp16"}])
def test_a_run_repeats_and_resumes_on_every_device(task, tmp_path, device, change):
    training = dataclasses.replace(TRAINING, device=device, **change)
    whole = tmp_path / "whole"
    _train(task, training, whole)

    def interrupt(epoch, record):
        if epoch == 1:
            raise KeyboardInterrupt

    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        _train(task, training, cut, checkpoint_seconds=0, after_epoch=interrupt)
    elsewhere = dataclasses.replace(training, device="auto")  # a run may go on where it can
    _train(task, elsewhere if device == "cuda" or not torch.cuda.is_available() else training, cut,
           resume=True)  # fmt: skip
    one, two = (load_file(out / WEIGHTS) for out in (whole, cut))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert load_run(whole)[0].keep == load_run(cut)[0].keep


def test_a_run_older_than_devices_loads_and_resumes(task, tmp_path):
    training = dataclasses.replace(TRAINING, epochs=1, keep=1.0)

    def interrupt(epoch, record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _train(task, training, tmp_path, checkpoint_seconds=0, after_epoch=interrupt)
    config = json.loads((tmp_path / CONFIG).read_text())
    for name in ("device", "precision", "accumulate"):
        del config["training"][name]
    (tmp_path / CONFIG).write_text(json.dumps(config))
    state = load_file(tmp_path / CHECKPOINT)
    old = {"config": config, "epoch": 1, "seconds": 1.0, "cpu_seconds": 1.0, "history": []}
    save_file(state, tmp_path / CHECKPOINT, {"state": json.dumps(old)})
    trained, _ = _train(task, training, tmp_path, resume=True)
    (tmp_path / CONFIG).write_text(json.dumps(config))
    loaded = load_run(tmp_path)[0].state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in trained.state_dict().items())
    again, _ = _train(task, dataclasses.replace(training, device="auto"), tmp_path, resume=True)
    assert torch.equal(next(again.parameters()), next(trained.parameters()))
    with pytest.raises(CatsError, match="another training"):
        _train(task, dataclasses.replace(training, precision="bf16"), tmp_path, resume=True)


@pytest.mark.parametrize("device", DEVICES)
def test_evaluation_on_every_device(task, plain, device):
    model = copy.deepcopy(plain[0])
    expected = score_at(model, task, task.test, 0.3, 5)
    found = score_at(model.to(pick_device(device)), task, task.test, 0.3, 5)
    assert found == pytest.approx(expected, rel=1e-4)


def test_no_gpu_is_told_in_one_line(task, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    assert device_name(torch.device("cpu")) == "cpu"
    run, recipe = tmp_path / "run", tmp_path / "sweep.yaml"
    _train(task, dataclasses.replace(TRAINING, epochs=1, keep=1.0), run)
    recipe.write_text("task: digits\nkinds: {plain: {}}\ntraining: {epochs: 1}\nseeds: [0]\n")
    for command in (
        ["train", "--task", "digits", "-o", str(tmp_path / "new")],
        ["evaluate", str(run)],
        ["sweep", str(recipe), "-o", str(tmp_path / "sweep"), "--jobs", "1"],
    ):
        assert main([*command, "--device", "cuda"]) == 2
        error = capsys.readouterr().err
        assert "finds no GPU: choose the device cpu or auto" in error and error.count("\n") == 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(CatsError, match="process 2 finds no GPU of its own, there are 2"):
        pick_device("auto")


@pytest.mark.parametrize(
    "change",
    [
        {"device": "tpu"},
        {"precision": "fp8"},
        {"accumulate": 0},
        {"accumulate": 10**7},
        {"batch": 10, "accumulate": 4},
    ],
)
def test_options_are_checked(task, change):
    with pytest.raises(CatsError):
        _train(task, dataclasses.replace(TRAINING, **change))


@pytest.mark.parametrize("patterns", [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize("shares", [1, 2, 3, 4, 6, 12])
def test_samples_keep_their_patterns_in_every_share(patterns, shares):
    batch, arrived = 12, torch.arange(patterns)[:, None]
    whole = arrived.repeat_interleave(batch // patterns, 0)
    size = batch // shares
    for share in range(shares):
        rows = slice(share * size, (share + 1) * size)
        own = patterns_of(arrived, batch, rows)
        assert torch.equal(own.repeat_interleave(size // len(own), 0), whole[rows])


@pytest.mark.parametrize("bounds", [(0, 7), (0, 3, 6, 7), (0, 1, 2, 5, 8, 9), (0, 2, 4, 6)])
def test_row_blocks_of_equal_height_go_together(bounds):
    x = torch.arange(4.0 * bounds[-1] * 3).view(4, -1, 3)
    alone, runs = (row_runs(bounds, torch.device(name)) for name in ("cpu", "cuda"))
    assert len(alone) == len(bounds) - 1 >= len(runs)
    for blocks, rows in runs:
        groups = grouped(x[:, rows], 2, blocks)
        assert torch.equal(by_group(x[:, rows], 2, blocks).flatten(), groups.flatten())
        one_by_one = [grouped(x[:, r], 2, b) for b, r in alone[blocks]]
        assert torch.equal(groups, torch.cat(one_by_one))


CONFIGS = [
    ModelConfig(tokens_in=5, inputs=3, outputs=6, features=12, heads=4, hidden=10, blocks=1),
    ModelConfig(tokens_in=5, inputs=4, outputs=6, features=16, heads=4, hidden=16, blocks=1,
                pool="class", activation="gelu"),
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("rounds", [False, True])
def test_nothing_stays_behind_on_the_cpu_and_no_value_is_waited_for(config, rounds):
    """A step with tensors that have no values: an operation that mixes devices or asks for a value
    is an error there, as it would be, or would make a GPU wait, on one."""
    split = SplitConfig.even(config, 4)
    model = CatsTransformer(config, split, dropout=0.1)
    if rounds:
        inputs = torch.randn(8, config.tokens_in, config.inputs)
        model.rounding = Rounded(config, scales_for(model, config, inputs))
    model.to("meta").train()
    dropout = MessageDropout(
        config, split, model.keep, (0.3, 0.3), payload=9, patterns=2, device="meta"
    )
    gradients = Gradients(model, torch.nn.functional.mse_loss, dropout, accumulate=2)
    x = torch.randn(8, config.tokens_in, config.inputs)
    targets = torch.randn(8, config.output_rows, config.outputs)
    for arrived in (dropout.arrived(8), None):
        assert gradients(x, targets, arrived).device.type == "meta"
        assert all(p.grad.shape == p.shape for p in model.parameters())


class _Graph:
    """Stands in for a CUDA graph: a replay runs again what was recorded, into the same memory."""

    def replay(self):
        of, held = _Graph.of, _Graph.of.recording
        of.model.zero_grad()
        held.loss.copy_(of.run(held.shares))
        for parameter, memory in zip(of.parameters, held.gradients):
            if parameter.grad is not None:
                memory.copy_(parameter.grad)
            parameter.grad = None


@pytest.mark.parametrize("parts", [1, 2])
def test_a_recorded_step_does_what_it_does_launch_by_launch(monkeypatch, parts):
    """The order of things around a recording, without a GPU."""
    config = CONFIGS[0]
    split = SplitConfig.even(config, 4)
    for name in ("Stream", "current_stream", "stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, mock.MagicMock())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", _Graph)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.get_rng_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda s, device: torch.set_rng_state(s))
    results = []
    for record in (False, True):
        torch.manual_seed(0)
        model = CatsTransformer(config, split, dropout=0.1).train()
        dropout = MessageDropout(config, split, model.keep, (0.3, 0.3))
        steps = Gradients(
            model, torch.nn.functional.mse_loss, dropout, accumulate=parts, record=False
        )
        if record:
            _Graph.of, steps.recording = steps, Recording(steps)
        generator = torch.Generator().manual_seed(1)
        for _ in range(3):
            x = torch.randn(8, config.tokens_in, config.inputs, generator=generator)
            targets = torch.randn(8, config.output_rows, config.outputs, generator=generator)
            loss = steps(x, targets, dropout.arrived(8, generator)).clone()
            results.append([loss, *(p.grad.clone() for p in model.parameters())])
    for alone, recorded in zip(results[:3], results[3:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(alone, recorded, strict=True))


SEVERAL = """
import dataclasses, sys
from pathlib import Path
from cats import tasks
from cats.shape.config import SplitConfig
from cats.training.loop import train
from cats.training.options import Training

task = tasks.load(
    "forecast", data=sys.argv[1], target="value", context=16, horizon=4, patch=4, stride=2
)
model = dataclasses.replace(task.model, features=8, heads=4, hidden=8, blocks=1)
for criterion, parts in (("magnitude", 1), ("activation", 2), ("taylor", 3)):
    training = Training(epochs=3, batch=24, lr=1e-2, message_dropout=(0.0, 0.4), keep=0.5,
                        prune_steps=2, threads=1, prune_by=criterion, accumulate=parts)
    train(task, model, SplitConfig.even(model, 3), training, Path(sys.argv[2]) / criterion)
"""


def test_two_processes_do_what_one_does(series, task, tmp_path):
    """The same keep sets; to float rounding the same losses and forecasts."""
    script = tmp_path / "several.py"
    script.write_text(SEVERAL)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    arguments = [str(script), str(series), str(tmp_path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    for criterion in CRITERIA:
        one, metrics = _train(task, dataclasses.replace(TRAINING, prune_by=criterion))
        two = load_run(tmp_path / criterion)[0]
        figures = json.loads((tmp_path / criterion / METRICS).read_text())
        assert figures["processes"] == 2 and two.keep == one.keep
        assert _losses(figures) == pytest.approx(_losses(metrics), rel=1e-5)
        forecasts = (predict(model, task.test.inputs) for model in (one, two))
        torch.testing.assert_close(*forecasts, rtol=1e-3, atol=1e-4)
