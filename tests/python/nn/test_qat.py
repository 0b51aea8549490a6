# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The float model with the integer model's roundings: equal to it but for the small print, good to
train with, and able to say where int8 loses."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from cats import tasks
from cats.cli import main
from cats.errors import CatsError
from cats.integer import quantize
from cats.integer.reference import run_batch
from cats.nn import qat, to_integer
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import select
from cats.nn.qat import Rounded
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.shape.partition import gather_count
from cats.training import int8_report
from cats.training.evaluate import answers
from cats.training.loop import train
from cats.training.options import Training
from cats.training.run_folder import CHECKPOINT, CONFIG, METRICS, WEIGHTS, load_run, quantise_run

CONFIGS = {
    pool: ModelConfig(
        tokens_in=7, inputs=5, outputs=3, features=24, heads=6, hidden=20, blocks=2,
        causal=pool == "last", activation=activation, pool=pool,
        task="forecast" if pool == "last" else "classify", linear=pool == "mean_of_norm",
    )
    for pool, activation in (
        ("last", "gelu"), ("mean", "relu"), ("class", "gelu"), ("mean_of_norm", "relu")
    )
}  # fmt: skip


CONFIGS["own"] = dataclasses.replace(CONFIGS["class"], embed="own", embed_hidden=21)
CONFIGS["stem"] = dataclasses.replace(CONFIGS["class"], embed="stem", embed_hidden=12)


def _model(config, nodes=3, keep=0.6):
    torch.manual_seed(0)
    where = "single" if config.linear else "even"
    inputs = "single" if config.embed == "full" else "channels"
    model = CatsTransformer(config, SplitConfig.even(config, nodes, inputs, where))
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" not in name:
                value.mul_(1.5).add_(0.1 * torch.randn_like(value))
    if nodes > 1:
        model.set_keep(select(model, keep))
    return model.eval()


def _inputs(config, samples=64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, config.tokens_in, config.inputs, generator=generator)


def _snr(exact, got):
    return 10 * math.log10(exact.square().sum() / (got - exact).square().sum())


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("pool", CONFIGS)
@torch.no_grad()
def test_as_much_noise_as_in_the_integers(pool, loss):
    """A step of difference here or there goes its own way later, so powers are compared."""
    config = CONFIGS[pool]
    model, x = _model(config), _inputs(config, 200)
    scales = to_integer.scales_for(model, config, x)
    integers = to_integer.quantize(model, x, scales)
    losses = None
    if loss:
        draw = MessageDropout(config, model.split, model.keep, (loss, loss), patterns=50)
        losses = draw.draw(len(x), torch.Generator().manual_seed(2))
    exact, got = answers(model, x, losses), answers(integers, x, losses)
    model.rounding = Rounded(config, scales)
    near = answers(model, x, losses)
    assert _snr(exact, near) == pytest.approx(_snr(exact, got), abs=1.0)
    assert _snr(got, near) > _snr(got, exact) - 1.5  # -3 were they unrelated


@pytest.mark.parametrize("pool", CONFIGS)
@torch.no_grad()
def test_first_tensors_are_the_integers(pool):
    """Before differences add up, nearly every value is the very integer."""
    config = CONFIGS[pool]
    model, x = _model(config, nodes=1), _inputs(config)
    scales = to_integer.scales_for(model, config, x)
    integers, floats = {}, {}
    run_batch(
        to_integer.quantize(model, x, scales),
        quantize.quantize_inputs(to_integer.quantize(model, x, scales), x.numpy()),
        trace=integers.__setitem__,
    )

    class Watched(Rounded):
        def __call__(self, name, x):
            y = super().__call__(name, x)
            if name in self.steps:
                floats.setdefault(name, y.numpy() / self.steps[name])
            return y

    model.rounding = Watched(config, scales)
    model(x)
    for name, of, differ in (
        ("gather0", "sent0", 0.005 * config.stem), ("residual", "residual0", 0.5),
        ("gather1", "sent1", 0.02), ("norm1", "norm1.all", 0.1), ("q0", "q0", 0.25),
        ("v0", "v0", 0.25),
    ):  # fmt: skip
        error = np.abs(floats[name].ravel() - integers[of].ravel())
        assert (error > 0.5).mean() <= differ, name
        # A step of a stem's columns is many of the residual's.
        assert error.max() < (100 if config.stem else 6), name


def test_weights_are_the_exporter_s():
    config = CONFIGS["class"]
    model = _model(config)
    with torch.no_grad():
        model.blocks[0].up.weight[3] = 0
        model.blocks[0].up.weight[4] *= 1e-7
        model.blocks[0].up.bias[5] = 3e4
    scales = to_integer.scales_for(model, config, _inputs(config))
    integers = to_integer.quantize(model, _inputs(config), scales)
    seen = {}

    class Watched(Rounded):
        def weight(self, g, weight, bias, read):
            seen[g] = super().weight(g, weight, bias, read)
            return seen[g]

    model.rounding = Watched(config, scales)
    model(_inputs(config, 2))
    assert len(seen) == gather_count(config) - 1
    for g, values in seen.items():
        product = integers.steps[g].product
        # real value of one step of a column: multiplier * 2^-shift * out_scale / in_scale
        whole = values.detach().double().numpy().T
        for o in range(whole.shape[1]):
            column = product.weight[:, o].astype(float)
            if not column.any():
                assert not whole[:, o].any()
                continue
            step = (whole[:, o] @ column) / (column @ column)
            np.testing.assert_allclose(whole[:, o], step * column, atol=1e-4 * step)


def test_gradient_passes_inside_and_stops_at_the_clamp():
    x = torch.tensor([-2.0, -1.28, -0.5, 0.004, 0.005, 1.0, 1.5], requires_grad=True)
    y = qat.rounded(x, 0.01, -128, 127)
    torch.testing.assert_close(y, torch.tensor([-1.28, -1.28, -0.5, 0.0, 0.01, 1.0, 1.27]))
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 0]


def test_one_part_alone():
    """Only what is named is rounded; a pruned column's weight stays without effect."""
    config = CONFIGS["last"]
    model, x = _model(config), _inputs(config)
    scales = to_integer.scales_for(model, config, x)
    plain = model(x)
    names = int8_report.parts(config)
    assert len(names) == len(Rounded(config, scales, ()).steps) + gather_count(config) - 1 - 5
    for name in names:
        model.rounding = Rounded(config, scales, {name})
        assert not torch.equal(model(x), plain), name
    model.rounding = Rounded(config, scales, ())
    torch.testing.assert_close(model(x), plain, rtol=1e-4, atol=1e-5)


# Training with it


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "waves.csv"
    values = [math.sin(i / 3) + 0.3 * math.sin(i / 1.7) for i in range(300)]
    path.write_text("step,value\n" + "".join(f"{i},{v:.6f}\n" for i, v in enumerate(values)))
    return path


@pytest.fixture(scope="module")
def task(series):
    return tasks.load("forecast", data=str(series), target="value", context=16, horizon=4, patch=4)


SHAPE = {"features": 16, "heads": 4, "hidden": 16, "blocks": 1}
TRAINING = Training(
    epochs=4, batch=32, lr=1e-2, message_dropout=(0.0, 0.3), keep=0.5, prune_steps=1,
    qat=2, threads=1,
)  # fmt: skip


def _shape(task):
    config = dataclasses.replace(task.model, **SHAPE)
    return config, SplitConfig.even(config, 2)


@pytest.fixture(scope="module")
def done(task, tmp_path_factory):
    out = tmp_path_factory.mktemp("qat") / "run"
    train(task, *_shape(task), TRAINING, out)
    return out


def test_a_run_brings_its_scales(task, done):
    _, info = load_run(done)
    scales = qat.scales_from_json(info.extra["scales"], info.model)
    integers, _ = quantise_run(done, samples=3)
    assert integers.input_scale == scales.sent[0]
    assert integers.output_scale == scales.sent[-1]
    model, _ = train(task, *_shape(task), dataclasses.replace(TRAINING, qat=0))
    assert not torch.equal(load_run(done)[0].embed.weight, model.embed.weight)
    assert model.rounding is None


def test_interrupted_with_roundings_ends_the_same(task, done, tmp_path):
    class Stop(Exception):
        pass

    def stop(epoch, record):
        if epoch == 2:
            raise Stop

    out = tmp_path / "run"
    with pytest.raises(Stop):
        train(task, *_shape(task), TRAINING, out, checkpoint_seconds=0, after_epoch=stop)
    assert (out / CHECKPOINT).exists()
    train(task, *_shape(task), TRAINING, out, resume=True)
    assert (out / WEIGHTS).read_bytes() == (done / WEIGHTS).read_bytes()
    assert (out / CONFIG).read_bytes() == (done / CONFIG).read_bytes()


def test_finetuning_makes_up_for_coarse_scales(task, monkeypatch):
    """Steps sixteen times too coarse: much of what they cost is learned away, and not by training
    longer alone."""
    config, split = _shape(task)
    plain = dataclasses.replace(TRAINING, epochs=30, qat=0, keep=1.0, message_dropout=(0.0, 0.0))
    model, metrics = train(task, config, split, plain)
    fine = to_integer.scales_for(model, config, task.train.inputs)
    coarse = dataclasses.replace(
        fine,
        sent=(*(16 * s for s in fine.sent[:-1]), fine.sent[-1]),
        norm=tuple(16 * s for s in fine.norm),
    )

    def error(model):
        integers = to_integer.quantize(model, task.train.inputs, coarse)
        return task.score(answers(integers, task.validation.inputs), task.validation)["mse"]

    monkeypatch.setattr("cats.training.loop.scales_for", lambda *arguments: coarse)
    longer = dataclasses.replace(plain, epochs=15, lr=3e-3)
    again = dataclasses.replace(longer, qat=15)
    errors = [
        error(one)
        for one in (
            model,
            train(task, config, split, longer, init=model)[0],
            train(task, config, split, again, init=model)[0],
        )
    ]
    before, without, tuned = (value - metrics["validation"]["mse"] for value in errors)
    assert tuned < 0.6 * min(before, without)


def test_cli_starts_from_a_run(series, done, tmp_path, capsys):
    shape = [f"--{name}={value}" for name, value in SHAPE.items()]
    data = f"--task forecast --data {series} --target value --context 16 --horizon 4 --patch 4"
    options = [*data.split(), *shape, "--nodes=2", "--epochs=1", "--lr=1e-3", f"--init={done}"]
    options += ["--output-split=even"]
    assert main(["train", "-o", str(tmp_path / "a"), *options, "--qat=1"]) == 0
    model, info = load_run(tmp_path / "a")
    assert model.keep == load_run(done)[0].keep and info.extra["scales"]
    assert main(["train", "-o", str(tmp_path / "b"), *options, "--features=8"]) == 2
    assert main(["train", "-o", str(tmp_path / "c"), *options, "--qat=2"]) == 2
    error = capsys.readouterr().err
    assert (
        "another shape: features " in error
        and ", not 8" in error
        and "2 epochs with roundings: 0 to all 1" in error
    )


def test_pruning_ends_before_roundings_begin():
    with pytest.raises(CatsError, match="pruning must end before"):
        dataclasses.replace(TRAINING, qat=3, prune_steps=2).check()
    dataclasses.replace(TRAINING, qat=4, keep=1.0).check()


# Where int8 loses


def test_a_bad_scale_is_found(task, done):
    model, _ = load_run(done)
    inputs = task.train.inputs
    fine = to_integer.scales_for(model, model.config, inputs)
    bad = dataclasses.replace(fine, value=tuple(20 * s for s in fine.value))
    result = int8_report.where_int8_loses(model, task, task.test, inputs, bad)
    names = [record["part"] for record in result["parts"]]
    assert names == list(int8_report.parts(model.config))
    worst = min(
        (r for r in result["parts"] if r["snr"] is not None), key=lambda record: record["snr"]
    )
    assert worst["part"] == "v0" and worst["snr"] < 20
    assert result["float"] == json.loads((done / METRICS).read_text())["test"]["mse"]
    assert result["int8"] == pytest.approx(result["rounded"], rel=0.1)
    _, rows = int8_report.table_of(result)
    costs = [abs(float(row[3]) - result["float"]) for row in rows[3:]]
    assert costs == sorted(costs, reverse=True)


def test_int8_report_by_the_program(done, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert main(["evaluate", str(done), "--int8-report", "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    document = json.loads(out.read_text())
    assert "rounded alone" in shown and "weights behind output" in shown
    assert {"float", "rounded", "int8"} <= set(document)
    heads = {r["part"]: r for r in document["parts"]}["gather2"]
    assert heads["what"] == "heads as sent, block 0"
    assert 15 < heads["snr"] < 60 and 15 < heads["snr_all"] < 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sent": [1.0]}, "scales of sent: 7 positive numbers"),
        ({"residual": 0.0}, "scales of residual: 1 positive"),
        ({"key": None}, r"\$\.scales\.key: expected a list, got null"),
        ({"norm": [math.nan] * 5 + [1.0]}, r"\$\.scales\.norm\[0\]: expected a finite number"),
    ],
)
def test_damaged_scales_are_refused(task, change, message):
    config, split = _shape(task)
    model = CatsTransformer(config, split)
    good = to_json(to_integer.scales_for(model, config, task.train.inputs))
    assert qat.scales_from_json(good, config)
    with pytest.raises(CatsError, match=message):
        qat.scales_from_json({**good, **change}, config)
