# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Quantisation: the float inference, the scales, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer import model as integer
from cats.integer import quantize, reference
from cats.integer.random_models import random_keep, random_model, random_split
from cats.nn import to_integer
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import full_keep

CONFIG = ModelConfig(7, 5, 3, features=24, heads=4, hidden=30, blocks=2)
SPLIT = SplitConfig.even(CONFIG, 2)


def variant(pool, activation):
    return dataclasses.replace(
        CONFIG, pool=pool, activation=activation, causal=pool in ("last", "all"),
        linear=pool in ("last", "mean_of_norm"),
    )  # fmt: skip


def parameters(config=CONFIG, seed=0, size=1.0):
    """As after a training: weights of about 1 / sqrt(inputs), gains near 1."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in quantize.parameter_shapes(config).items():
        values[name] = size * rng.normal(0, 1 / math.sqrt(shape[-1]), shape)
        if "norm" in name:
            values[name] = name.endswith("weight") + rng.normal(0, 0.2, shape)
    return values


def inputs(config=CONFIG, samples=40, seed=1):
    return np.random.default_rng(seed).normal(size=(samples, config.tokens_in, config.inputs))


def float_outputs(config, split, keep, values, x, availability=None):
    return quantize.FloatInference(config, split, keep, values, availability).run(x)


def output_snr(config, split, keep, values, x, model):
    exact = float_outputs(config, split, keep, values, x)
    got = reference.run_batch(model, quantize.quantize_inputs(model, x))
    error = quantize.real_outputs(model, got[:, 0]) - exact
    return 10 * math.log10((exact**2).sum() / (error**2).sum())


# The float inference


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_float_inference_is_the_torch_model(pool, activation):
    torch = pytest.importorskip("torch")
    from cats.nn.model import CatsTransformer

    config = variant(pool, activation)
    split = random_split(3, config, 3)
    keep = random_keep(3, config, split, 0.5)
    values = parameters(config)
    model = CatsTransformer(config, split, keep).double()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    x = inputs(config, 3)
    clean = float_outputs(config, split, keep, values, x)
    assert np.allclose(clean, model(torch.from_numpy(x)).detach().numpy(), atol=1e-12)
    for name, value in to_integer.parameters_of(model).items():
        assert (value == values[name]).all()

    whole = random_model(0, config, split, keep)
    lossy = reference.random_availability(whole, 0.4, np.random.default_rng(0))
    losses = [torch.from_numpy(gather)[None] for gather in lossy.gathers]
    wanted = model(torch.from_numpy(x), losses).detach().numpy()
    assert np.allclose(float_outputs(config, split, keep, values, x, lossy), wanted, atol=1e-12)
    assert not np.allclose(wanted, clean, atol=1e-3)


def test_quantize_takes_a_torch_model():
    pytest.importorskip("torch")
    from cats.nn.model import CatsTransformer

    model = CatsTransformer(CONFIG, SPLIT, random_keep(0, CONFIG, SPLIT, 0.5))
    got = to_integer.quantize(model, inputs().astype(np.float32))
    wanted = quantize.quantize_parameters(
        CONFIG, SPLIT, model.keep, to_integer.parameters_of(model), inputs().astype(np.float32)
    )
    assert_same(got, wanted)


# Scales


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50))
def test_best_scale_is_no_worse_than_the_range(values):
    values = np.array(values)
    largest = np.abs(values).max()
    if largest < 1e-12:
        assert quantize.best_scale(values) == 1 / 127
        return

    def error(step):
        return ((np.clip(np.rint(values / step), -128, 127) * step - values) ** 2).sum()

    scale = quantize.best_scale(values)
    assert largest / 127 / 16.1 <= scale <= largest / 127 * 1.0001
    assert error(scale) <= error(largest / 127) * (1 + 1e-9) + 1e-25


def test_best_scale_clips_outliers_and_follows_weights():
    rng = np.random.default_rng(0)
    values = rng.normal(size=100000)
    clipped = quantize.best_scale(values)
    assert 3.2 < clipped * 127 < np.abs(values).max()
    columns = np.stack((values[:5000], 20 * values[5000:10000]), 1)
    small = quantize.best_scale(columns, np.array([1, 1e-9]))
    large = quantize.best_scale(columns, np.array([1e-9, 1]))
    assert small < large / 3


def test_all_bytes_are_told_apart():
    values = np.arange(-127, 128) / 127 * 3.0
    assert quantize.best_scale(values) == pytest.approx(3 / 127)


# The integer model against the float model


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_int8_is_near_float(pool, activation):
    config = variant(pool, activation)
    split = random_split(1, config, 2)
    keep = random_keep(1, config, split, 0.7)
    values = parameters(config)
    model = quantize.quantize_parameters(config, split, keep, values, inputs(config))
    fresh = inputs(config, seed=2)
    assert output_snr(config, split, keep, values, fresh, model) > 20
    report = quantize.report(model, values, fresh)
    assert {"sent0", "residual0", "q0", "norm1.1", "sent4", "residual8", "sent10"} <= set(report)
    assert min(report.values()) > 20


def test_lossy_int8_is_near_lossy_float():
    """The same losses do the same to both."""
    keep = random_keep(1, CONFIG, SPLIT, 0.7)
    values, x = parameters(), inputs()
    model = quantize.quantize_parameters(CONFIG, SPLIT, keep, values, x)
    lossy = reference.random_availability(model, 0.3, np.random.default_rng(0))
    lossy = reference.Availability(
        (*lossy.gathers[:-1], reference.everything(CONFIG, SPLIT, keep).gathers[-1])
    )
    exact = float_outputs(CONFIG, SPLIT, keep, values, x, lossy)
    got = reference.run_batch(model, quantize.quantize_inputs(model, x), lossy)
    error = quantize.real_outputs(model, got[:, 0]) - exact
    assert 10 * math.log10((exact**2).sum() / (error**2).sum()) > 22


def assert_same(a, b):
    assert (a.config, a.split, a.input_scale, a.output_scale) == (
        b.config,
        b.split,
        b.input_scale,
        b.output_scale,
    )
    assert (a.linear is None) == (b.linear is None)
    parts = [[*m.steps, m.linear or integer.Step()] for m in (a, b)]
    for one, other in zip(*parts, strict=True):
        np.testing.assert_equal(dataclasses.asdict(one), dataclasses.asdict(other))


def test_unpruned_numbers_do_not_depend_on_the_split():
    values, x = parameters(), inputs()
    alone = SplitConfig.even(CONFIG, 1)
    one = quantize.quantize_parameters(CONFIG, alone, None, values, x)
    many = quantize.quantize_parameters(CONFIG, SPLIT, None, values, x)
    assert_same(dataclasses.replace(one, split=SPLIT), many)


def test_weights_that_nobody_reads_are_zero():
    keep = random_keep(0, CONFIG, SPLIT, 0.5)
    values = parameters()
    model = quantize.quantize_parameters(CONFIG, SPLIT, keep, values, inputs())
    pruned = next(c for c in range(12) if c not in keep[2][0])
    (own,), (other,) = (reference.outputs_of(CONFIG, SPLIT, 2, d) for d in range(2))
    weight = model.steps[2].product.weight
    assert weight[pruned, own].any()
    assert not weight[pruned, other].any()
    # They do not stretch the scales either.
    values["blocks.0.out.weight"][other, pruned] = 1e6
    again = quantize.quantize_parameters(CONFIG, SPLIT, keep, values, inputs())
    assert (again.steps[2].product.weight == weight).all()


@pytest.mark.slow
def test_digits_keep_their_accuracy():
    """A quickly trained model, pruned at random: int8 within half a point of float."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from cats.nn.model import CatsTransformer
    from cats.tasks.digits import Digits

    torch.manual_seed(0)
    task = Digits()
    split = SplitConfig.even(task.model, 4)
    model = CatsTransformer(task.model, split, random_keep(0, task.model, split, 0.5))
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(10):
        for index in torch.randperm(len(task.train.inputs)).split(64):
            loss = task.loss(model(task.train.inputs[index]), task.train.targets[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    integers = to_integer.quantize(model, task.train.inputs[:256])
    x, y = task.test.inputs, task.test.targets.numpy()
    with torch.no_grad():
        exact = model(x)[:, 0].argmax(-1).numpy()
    got = reference.run_batch(integers, quantize.quantize_inputs(integers, x))[:, 0, 0].argmax(-1)
    assert (exact == y).mean() > 0.93
    assert abs((exact == y).mean() - (got == y).mean()) <= 0.005
    assert (exact == got).mean() > 0.99


# Degenerate models


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    zeroed=st.sets(st.sampled_from(sorted(quantize.parameter_shapes(CONFIG)))),
    size=st.sampled_from((1e-30, 1e-8, 1.0, 3.0)),
    input_size=st.sampled_from((0.0, 1e-20, 1.0, 1e6)),
)
def test_any_finite_model_is_quantised(seed, zeroed, size, input_size):
    values = parameters(seed=seed, size=size)
    for name in zeroed:
        values[name] = np.zeros_like(values[name])
    x = inputs(samples=4) * input_size
    try:
        model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, x)
    except CatsError as error:
        assert size == 3.0
        assert "queries and keys are" in str(error)
        return
    got = reference.run_batch(model, quantize.quantize_inputs(model, x))
    assert np.isfinite(quantize.real_outputs(model, got)).all()


def test_all_zero_model_gives_zero():
    values = {name: np.zeros(s) for name, s in quantize.parameter_shapes(CONFIG).items()}
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())
    x = quantize.quantize_inputs(model, inputs())
    assert not reference.run_batch(model, x).any()


def test_zero_and_tiny_columns_keep_their_bias():
    values = parameters()
    values["head.weight"][0] = 0
    values["head.weight"][1] *= 1e-9
    values["head.bias"][:] = (0.5, -0.7, 0.1)
    x = inputs()
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, x)
    got = reference.run_batch(model, quantize.quantize_inputs(model, x))[:, 0, 0]
    real = quantize.real_outputs(model, got)
    assert np.abs(real[:, :2] - [0.5, -0.7]).max() < 1e-3


def test_every_multiplier_has_bits():
    values = parameters()
    values["blocks.0.up.weight"][:10] *= np.geomspace(1e-12, 1, 10)[:, None]
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())
    assert model.steps[3].product.multiplier.min() >= 1 << 13


def test_a_column_that_does_not_matter_does_not_stretch_the_scale():
    """An outlier column behind a gain of nearly nothing is clipped, where one that is read is
    not."""
    scales = []
    for gain in (1e-4, 1.0):
        values = parameters()
        values["position"][:, 5] += 30 * np.random.default_rng(0).normal(size=7)
        values["blocks.0.norm1.weight"][5] = gain
        keep = full_keep(CONFIG, SPLIT)
        got = quantize.calibrate(CONFIG, SPLIT, keep, values, inputs())
        scales.append(got.sent[1])
    assert scales[0] < scales[1] / 3


@pytest.mark.parametrize("size", [1.5e-12, 1e-9])
def test_values_of_next_to_nothing(size):
    """Values just count, and their means may not."""
    values = parameters()
    values["blocks.0.qkv.weight"][48:] *= size / 4
    values["blocks.0.qkv.bias"][48:] = 0
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())
    assert 31 <= model.steps[2].value_shift <= 45


def test_large_gain_fits():
    values = parameters()
    values["norm.weight"][3] = 40
    values["blocks.0.norm2.bias"][2] = -300
    keep = full_keep(CONFIG, SPLIT)
    model = quantize.quantize_parameters(CONFIG, SPLIT, keep, values, inputs())
    gain, bias = model.steps[9].norm.gain, model.steps[3].norm.bias
    assert gain[3] > 20000
    assert bias[2] < -20000
    assert output_snr(CONFIG, SPLIT, keep, values, inputs(), model) > 10


def test_too_large_scores_clip_then_are_refused():
    values = parameters()
    values["blocks.1.qkv.weight"][:48] *= 5
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())
    assert model.steps[6].score_multiplier >= int(2**32 * 0.99)
    assert output_snr(CONFIG, SPLIT, full_keep(CONFIG, SPLIT), values, inputs(), model) > 10
    values["blocks.1.qkv.weight"][:48] *= 10
    with pytest.raises(CatsError, match="block 1: queries and keys are .* times as large"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())


# Bad input


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_parameters_that_are_no_numbers(bad):
    values = parameters()
    values["blocks.1.up.weight"][2, 3] = bad
    with pytest.raises(CatsError, match=r"blocks\.1\.up\.weight holds NaN or infinity"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())


def test_missing_and_misshapen_parameters():
    values = parameters()
    del values["head.bias"]
    with pytest.raises(CatsError, match=r"parameter head\.bias is missing"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())
    values["head.bias"] = np.zeros(4)
    with pytest.raises(CatsError, match=r"head\.bias has shape \[4\], not \[3\]"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, values, inputs())


@pytest.mark.parametrize("bad", [np.zeros((0, 7, 5)), np.zeros((7, 5)), np.zeros((3, 7, 4))])
def test_misshapen_inputs(bad):
    with pytest.raises(CatsError, match="calibration inputs of shape"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, parameters(), bad)


def test_inputs_that_are_no_numbers():
    x = inputs()
    x[0, 0, 0] = math.nan
    with pytest.raises(CatsError, match="calibration inputs hold NaN"):
        quantize.quantize_parameters(CONFIG, SPLIT, None, parameters(), x)
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, parameters(), inputs())
    with pytest.raises(CatsError, match="inputs hold NaN"):
        quantize.quantize_inputs(model, x)


def test_views_beyond_the_limit():
    config = dataclasses.replace(CONFIG, features=4100, heads=4)
    with pytest.raises(CatsError, match="features is 4100: at most 4096"):
        quantize.quantize_parameters(config, SPLIT, None, {}, inputs())


def test_inputs_saturate_and_missing_outputs_are_nan():
    model = quantize.quantize_parameters(CONFIG, SPLIT, None, parameters(), inputs())
    assert quantize.quantize_inputs(model, np.array([-1e9, 0, 1e9])).tolist() == [-128, 0, 127]
    real = quantize.real_outputs(model, np.array([-32768, 2], np.int16))
    assert np.isnan(real[0])
    assert real[1] == 2 * model.output_scale


# Files


def saved(tmp_path, config=CONFIG, **changes):
    split = random_split(0, config, 3)
    model = random_model(0, config, split, random_keep(0, config, split, 0.5))
    tmp_path.mkdir(exist_ok=True)
    integer.save(dataclasses.replace(model, **changes), tmp_path)
    return model


@pytest.mark.parametrize("config", [CONFIG, variant("mean_of_norm", "relu")])
def test_save_and_load(tmp_path, config):
    model = saved(tmp_path / "a", config)
    loaded = integer.load(tmp_path / "a")
    assert_same(model, loaded)
    assert loaded.keep == model.keep
    (tmp_path / "b").mkdir()
    integer.save(loaded, tmp_path / "b")
    for name in (integer.INTEGER_JSON, integer.INTEGER_TENSORS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("name", [integer.INTEGER_JSON, integer.INTEGER_TENSORS])
def test_missing_files(tmp_path, name):
    saved(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CatsError, match=name):
        integer.load(tmp_path)


def test_damaged_files(tmp_path):
    saved(tmp_path)
    path = tmp_path / integer.INTEGER_TENSORS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CatsError, match="damaged"):
        integer.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": 1', '"format": 2', "has format 2, this version reads 1"),
        ('"keep"', '"kept"', r"\$\.keep: missing; export again"),
        ('"blocks": 2', '"blocks": 3', "keep sets for 11 gathers"),
        ('"shift": ', '"shift": 100', "shift is 100"),
        ('"epsilon"', '"delta"', r"norm\.epsilon: missing; export again"),
    ],
)
def test_files_of_another_version(tmp_path, old, new, message):
    saved(tmp_path)
    path = tmp_path / integer.INTEGER_JSON
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CatsError, match=message):
        integer.load(tmp_path)


@pytest.mark.parametrize(
    ("g", "part", "changes", "message"),
    [
        (1, "product", {"shift": 63}, "shift is 63: 1 to 62"),
        (1, "product", {"weight": np.zeros((24, 72), np.int16)}, "weight is int16"),
        (1, "product", {"weight": np.full((24, 72), -128, np.int8)}, "weight holds -128"),
        (1, "product", {"multiplier": np.zeros(72, np.int32)}, "multiplier holds 0: at least 1"),
        (1, "product", {"bias": np.full(72, 1 << 30, np.int32) + 1}, "product's bias holds"),
        (0, "product", {"bias": np.ones(24, np.int32)}, "product's bias belongs into the table"),
        (1, "norm", {"gain": np.zeros(3, np.int16)}, r"gain is int16 \[3\]"),
        (1, "norm", {"epsilon": 1 << 32}, "epsilon is 4294967296"),
        (1, None, {"norm": None}, "norm is missing"),
        (2, None, {"table": np.zeros(256, np.int8)}, "table is of no use"),
        (2, None, {"score_multiplier": 1 << 32}, "score_multiplier is"),
        (2, None, {"value_multiplier": 1}, "value_multiplier is 1"),
        (4, None, {"send_shift": 1}, "send_shift is 1: 0 to 0"),
    ],
)
def test_numbers_out_of_range(tmp_path, g, part, changes, message):
    split = random_split(0, CONFIG, 3)
    model = random_model(0, CONFIG, split)
    step = model.steps[g]
    if part:
        changes = {part: dataclasses.replace(getattr(step, part), **changes)}
    steps = list(model.steps)
    steps[g] = dataclasses.replace(step, **changes)
    with pytest.raises(CatsError, match=f"step of gather {g}: {message}"):
        integer.save(dataclasses.replace(model, steps=tuple(steps)), tmp_path)


def test_a_linear_path_out_of_range():
    config = variant("last", "gelu")
    model = random_model(0, config, random_split(0, config, 3))
    for changes, message in (
        ({"weight": np.zeros((35, 4), np.int8)}, r"weight is int8 \[35, 4\], not int8 \[35, 3\]"),
        ({"shift": 0}, "shift is 0: 1 to 62"),
        ({"multiplier": np.zeros(3, np.int32)}, "multiplier holds 0"),
    ):
        linear = dataclasses.replace(model.linear, **changes)
        with pytest.raises(CatsError, match=f"linear path: {message}"):
            integer.check_integer(dataclasses.replace(model, linear=linear))
    with pytest.raises(CatsError, match="the linear path is missing"):
        integer.check_integer(dataclasses.replace(model, linear=None))
    plain = random_model(0, CONFIG, SPLIT)
    with pytest.raises(CatsError, match="the linear path is of no use"):
        integer.check_integer(dataclasses.replace(plain, linear=model.linear))


def test_random_models_are_legal():
    for seed in range(4):
        integer.check_integer(random_model(seed, CONFIG, SPLIT, wild=seed % 2 == 1))
    model = random_model(0, CONFIG, SPLIT)
    with pytest.raises(CatsError, match="10 steps, the model has 11 gathers"):
        integer.check_integer(dataclasses.replace(model, steps=model.steps[1:]))
    with pytest.raises(CatsError, match="output_scale is 0"):
        integer.check_integer(dataclasses.replace(model, output_scale=0.0))


def test_scale_ratios_beyond_fixed_point():
    with pytest.raises(CatsError, match="not a positive number"):
        integer.fixed_point(np.array([1.0, math.nan]))
    with pytest.raises(CatsError, match="is beyond"):
        integer.fixed_point(np.array([2.0**31]))
