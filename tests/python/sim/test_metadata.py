# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C functions of include/cats/metadata.h against cats.integer.samples: equal to the bit where
they are integers, and against real numbers where they are not."""

import dataclasses
import errno
import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.deploy import image, image_reader
from cats.errors import CatsError
from cats.integer import samples
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs
from cats.integer.random_models import random_keep, random_model
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.shape import image_layout as layout
from cats.shape import windows
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.metadata import Channel, Metadata
from cats.sim.engine import Engine

#: Nearer to the middle of two steps single precision may round to the other one.
TIE = 1e-3


def deployed(
    metadata: Metadata, nodes: int = 1, input_split: str = "single", **scales: float
) -> tuple[IntegerModel, list["Device"]]:
    """A random model of this metadata, and its nodes."""
    outputs = len(metadata.classes or metadata.values or ())
    outputs = outputs or metadata.horizon * metadata.targets
    config = ModelConfig(
        tokens_in=metadata.tokens_in, inputs=metadata.inputs, outputs=outputs, features=8, heads=4,
        hidden=4, blocks=1,
    )  # fmt: skip
    split = SplitConfig.even(config, nodes, input_split=input_split)
    model = random_model(5, config, split, random_keep(5, config, split, 0.5))
    model = dataclasses.replace(model, metadata=metadata, **scales)
    plan = make_plan(config, split, model.keep)
    ident = image.model_id(model, plan)
    return model, [Device(image.pack(model, plan, node, ident)) for node in range(nodes)]


class Device:
    """One node as its application sees it."""

    def __init__(self, packed: bytes) -> None:
        self.packed, self.engine = packed, Engine(packed)
        self.metadata = ffi.new("struct cats_metadata *")
        self.error = lib.cats_metadata(self.engine.image, self.metadata)
        self.windows = ffi.new("struct cats_window[]", 8)
        self.window = self.windows[0]

    def quantize(self, values: np.ndarray, channels: int | None = None) -> np.ndarray | int:
        """int8 [tokens_in, own inputs] of samples [height, width, channels], or the error."""
        kind = {"int16": "int16", "float32": "float"}[values.dtype.name]
        shape = (self.engine.model.tokens_in, self.engine.model.own_inputs)
        out = np.zeros(shape, np.int8)
        pointer = ffi.from_buffer("float[]" if kind == "float" else "int16_t[]",
                                  np.ascontiguousarray(values))  # fmt: skip
        error = getattr(lib, f"cats_input_quantize_{kind}")(
            self.metadata, pointer, values.shape[-1] if channels is None else channels,
            self.windows, ffi.from_buffer("int8_t[]", out, require_writable=True),
        )  # fmt: skip
        return error or out

    def probabilities(self, outputs: np.ndarray) -> list[int]:
        pointer = ffi.from_buffer("int16_t[]", outputs)
        return [lib.cats_output_probability(self.metadata, pointer, c) for c in range(len(outputs))]

    def forecast(self, outputs: np.ndarray, kind: str = "int32", window: int = 0) -> np.ndarray:
        """Of the channel whose window was the so manieth."""
        steps = self.metadata.record.horizon
        out = np.zeros(steps, {"int32": np.int32, "float": np.float32}[kind])
        pointer = ffi.from_buffer("int32_t[]" if kind == "int32" else "float[]", out,
                                  require_writable=True)  # fmt: skip
        function = getattr(lib, f"cats_output_forecast_{kind}")
        given = ffi.from_buffer("int16_t[]", outputs)
        assert function(self.metadata, self.windows + window, given, pointer) == 0
        return out

    def values(self, outputs: np.ndarray, kind: str = "int32") -> list[float]:
        """The values of one row; errors as they are."""
        given = ffi.from_buffer("int16_t[]", outputs)
        found = []
        for v in range(len(outputs)):
            value = ffi.new({"int32": "int32_t *", "float": "float *"}[kind])
            error = getattr(lib, f"cats_output_value_{kind}")(self.metadata, given, v, value)
            found.append(error or value[0])
        return found


def text(pointer: object) -> str:
    return ffi.string(pointer).decode()


numbers = st.floats(-1e6, 1e6, width=32)
deviations = st.floats(2**-20, 1e6, width=32)
counts = st.floats(2**-10, 2**20, width=32)
input_scales = st.floats(2**-12, 8, width=32)


@st.composite
def channels(draw: st.DrawFn) -> Channel:
    """Any, but so that int16 reaches its mean."""
    deviation, per_unit = draw(deviations), draw(counts)
    most = 32000 / per_unit
    mean = float(np.float32(draw(st.floats(-most, most))))
    return Channel("x", "m/s²", mean, deviation, counts_per_unit=per_unit)


@st.composite
def layouts(draw: st.DrawFn) -> Metadata:
    """Series and images of some channels, their patches perhaps larger than tokens are apart."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    height = rows * draw(st.integers(1, 2))
    width = draw(st.integers(columns, 3 * columns + 2))
    found = tuple(draw(st.lists(channels(), min_size=1, max_size=4)))
    overlap = 0 if width % columns else draw(st.integers(0, 3))
    classes = ("1", "2", "10")
    return Metadata(found, height, width, (rows, columns), classes, overlap=overlap)


def extremes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """int16 of any size, the ends of the range among them."""
    values = rng.integers(-32768, 32768, shape) >> rng.integers(0, 16, shape)
    ends = rng.choice([-32768, 32767, 0, 1, -1], shape)
    return np.where(rng.random(shape) < 0.2, ends, values).astype(np.int16)


@pytest.mark.no_cover
@settings(max_examples=20, deadline=None)
@given(layouts(), input_scales, st.integers(1, 4), st.sampled_from(["single", "channels"]),
       st.integers(0, 2**32))  # fmt: skip
def test_fixed_counts_equal_the_reference(metadata, scale, nodes, input_split, seed) -> None:
    """Also of a node that has sensors of its own and gives only those."""
    try:
        model, devices = deployed(metadata, nodes, input_split, input_scale=scale)
    except CatsError as error:
        assert "scale ratio" in str(error)
        return
    rng = np.random.default_rng(seed)
    values = extremes(rng, 3, metadata.height, metadata.width, len(metadata.channels))
    wanted, _ = samples.quantize_int16(model, values)
    first = 0
    for device, own in zip(devices, model.split.inputs, strict=True):
        assert device.error == 0
        for i, sample in enumerate(values):
            got = device.quantize(sample)
            if own == 0:
                assert got == -errno.ENODATA
                continue
            assert (got == wanted[i, :, first : first + own]).all()
            begin = device.metadata.first_channel
            alone = sample[..., begin : begin + device.metadata.own_channels]
            assert (device.quantize(alone) == got).all()
        first += own


@pytest.mark.parametrize("patch", [(1, 5), (2, 3)])
def test_columns_are_those_of_the_tasks(patch: tuple[int, int]) -> None:
    """Channel, then row of the patch, then step; the oldest steps that fill no token are left out:
    sample number s becomes input s at a scale of one."""
    height, width, count = 2 * (patch[0] - 1) or 1, 11, 3
    found = tuple(Channel(f"c{i}", counts_per_unit=1.0) for i in range(count))
    metadata = Metadata(found, height, width, patch, ("a", "b"))
    values = np.arange(height * width * count).reshape(height, width, count).astype(np.int16)
    _, (device,) = deployed(metadata, input_scale=1.0)
    rows = []
    for y in range(0, height, patch[0]):
        for x in range(width % patch[1], width, patch[1]):
            tile = values[y : y + patch[0], x : x + patch[1]]
            rows.append(tile.transpose(2, 0, 1).reshape(-1))
    assert (device.quantize(values) == np.array(rows)).all()
    assert (device.quantize(values.astype(np.float32)) == np.array(rows)).all()


shapes = st.tuples(st.integers(1, 8), st.integers(1, 6), channels())


def forecaster(steps: int, patch: int, channel: Channel, horizon: int = 5) -> Metadata:
    return Metadata((channel,), 1, steps * patch + patch - 1, (1, patch), None, horizon, "window")


@pytest.mark.no_cover
@settings(max_examples=30, deadline=None)
@given(shapes, input_scales, input_scales, st.integers(0, 2**32))
def test_window_counts_equal_the_reference(window, scale, output_scale, seed) -> None:
    metadata = forecaster(*window)
    model, (device,) = deployed(metadata, input_scale=scale, output_scale=output_scale / 256)
    rng = np.random.default_rng(seed)
    values = extremes(rng, 4, 1, metadata.width, 1)
    values[1] = values[1, 0, 0]  # constant
    values[2] = values[2, 0, 0] // 2 + rng.integers(0, 2, values[2].shape)  # nearly so
    wanted, statistics = samples.quantize_int16(model, values)
    outputs = extremes(rng, 4, 5)
    forecasts = samples.forecast_int32(model, outputs, statistics)
    for i, sample in enumerate(values):
        assert (device.quantize(sample) == wanted[i]).all()
        assert device.window.sum == statistics.sum[i]
        assert device.window.root == statistics.root[i]
        assert (device.forecast(outputs[i]) == forecasts[i]).all()
    assert not wanted[1].any()


@pytest.mark.no_cover
@settings(max_examples=20, deadline=None)
@given(st.lists(channels(), min_size=2, max_size=5), st.data(), input_scales, input_scales)
def test_windows_of_several_channels_equal_the_reference(found, data, scale, output) -> None:
    """Each by its own mean and variance; a node that has sensors of its own gives only those, and
    scales the forecasts of these."""
    targets = data.draw(st.integers(1, len(found)))
    metadata = Metadata(tuple(found), 1, 14, (1, 4), None, 3, "window", None, targets)
    nodes = data.draw(st.integers(1, 4))
    model, devices = deployed(metadata, nodes, "channels", input_scale=scale,
                              output_scale=output / 256)  # fmt: skip
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    samples_ = extremes(rng, 3, 1, 14, len(found))
    samples_[1, ..., 0] = 7  # constant
    wanted, statistics = samples.quantize_int16(model, samples_)
    outputs = extremes(rng, 3, 3 * targets)
    forecasts = samples.forecast_int32(model, outputs, statistics).reshape(3, targets, 3)
    for i, sample in enumerate(samples_):
        first = 0
        for device, own in zip(devices, model.split.inputs, strict=True):
            if own == 0:
                continue
            got = wanted[i, :, first : first + own]
            first += own
            begin, count = device.metadata.first_channel, device.metadata.own_channels
            assert (device.quantize(sample) == got).all()
            assert [device.windows[c].sum for c in range(len(found))] == statistics.sum[i].tolist()
            assert [device.windows[c].channel for c in range(len(found))] == [*range(len(found))]
            assert (device.quantize(sample[..., begin : begin + count]) == got).all()
            for w, channel in enumerate(range(begin, begin + count)):
                assert device.windows[w].channel == channel
                assert device.windows[w].root == statistics.root[i, channel]
                if channel < targets:
                    assert (device.forecast(outputs[i], window=w) == forecasts[i, channel]).all()
                else:
                    pointer = ffi.new("int32_t[3]"), ffi.from_buffer("int16_t[]", outputs[i])
                    assert (
                        lib.cats_output_forecast_int32(
                            device.metadata, device.windows + w, *pointer[::-1]
                        )
                        == -errno.ENOTSUP
                    )


@pytest.mark.no_cover
@settings(max_examples=40, deadline=None)
@given(st.lists(channels(), min_size=1, max_size=4), input_scales, st.integers(0, 2**32))
def test_values_equal_the_reference(found, scale, seed) -> None:
    """Integers to the bit, single precision within rounding, whatever means and deviations are."""
    metadata = Metadata((Channel("x", counts_per_unit=1.0),), 1, 4, (1, 2), values=tuple(found))
    try:
        model, (device,) = deployed(metadata, output_scale=scale / 256)
    except CatsError as error:
        assert "scale ratio" in str(error) or "are too many" in str(error)
        return
    assert device.error == 0
    outputs = extremes(np.random.default_rng(seed), 6, len(found))
    outputs[0] = 0
    wanted = samples.values_int32(model, outputs)
    real = windows.real_values(metadata, outputs * np.float64(np.float32(scale / 256)))
    for i, row in enumerate(outputs):
        there = row != -32768
        got = device.values(row)
        assert got == np.where(there, wanted[i], -errno.ENODATA).tolist()
        assert wanted[i][~there].tolist() == [samples.FORECAST_MISSING] * int((~there).sum())
        close = np.array(device.values(row, "float"))[there]
        assert close == pytest.approx(real[i][there], rel=1e-5, abs=1e-5 * abs(real[i]).max())
        for v in np.flatnonzero(there):
            exact = real[i, v] * found[v].counts_per_unit
            step = found[v].deviation * scale / 256 * found[v].counts_per_unit
            half = 0.51 + min(step / 2**30, 0.5)  # a multiplier has 31 bits, the mean its unit
            if abs(exact) < 2**31 - 1:
                assert (
                    abs(wanted[i, v] - exact) <= half + abs(row[v]) * 2.0**-20 + abs(exact) * 1e-6
                )


def test_counts_of_a_value_are_decimal_places() -> None:
    value = Channel("t", "°C", 21.0, 4.0, -10.0, 36.6)
    metadata = Metadata((Channel("x"),), 1, 4, (1, 2), values=(value,))
    metadata = samples.with_counts(metadata)
    assert metadata.values[0].counts_per_unit == 1e7
    model, (device,) = deployed(metadata, output_scale=2**-12)
    for real in (21.0, 36.6, -9.87):
        output = np.array([round((real - 21) / 4 * 2**12)], np.int16)
        assert device.values(output)[0] / 1e7 == pytest.approx(real, abs=0.001)
    m = device.metadata
    assert [text(lib.cats_value_name(m, v)) for v in (-1, 0, 1)] == ["?", "t", "?"]
    assert [text(lib.cats_value_unit(m, v)) for v in (-1, 0, 1)] == ["", "°C", ""]
    assert image_reader.parse(device.packed).value_names == (("t", "°C"),)
    given = ffi.new("int16_t[1]"), ffi.new("int32_t *")
    for v in (-1, 1):
        assert lib.cats_output_value_int32(m, given[0], v, given[1]) == -errno.EINVAL
    assert lib.cats_output_forecast_int32(m, device.windows, *given) == -errno.ENOTSUP
    _, (other,) = deployed(TWO)
    assert lib.cats_output_value_int32(other.metadata, given[0], 0, given[1]) == -errno.EINVAL


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e8, 1e30])
def test_windows_at_the_ends_of_what_scales_can_be(scale: float) -> None:
    metadata = forecaster(4, 3, Channel("x", counts_per_unit=1.0, deviation=100.0))
    model, (device,) = deployed(metadata, input_scale=scale, output_scale=scale)
    rng = np.random.default_rng(1)
    values, outputs = extremes(rng, 3, 1, metadata.width, 1), extremes(rng, 3, 5)
    wanted, statistics = samples.quantize_int16(model, values)
    forecasts = samples.forecast_int32(model, outputs, statistics)
    for i, sample in enumerate(values):
        assert (device.quantize(sample) == wanted[i]).all()
        assert (device.forecast(outputs[i]) == forecasts[i]).all()


def test_the_longest_window() -> None:
    """32767 steps from end to end of int16."""
    channel = Channel("x", counts_per_unit=1.0, deviation=10000.0)
    metadata = Metadata((channel,), 1, 32767, (1, 217), None, 2, "window")
    model, (device,) = deployed(metadata, input_scale=1 / 64)
    values = np.full((3, 1, 32767, 1), 32767, np.int16)
    values[0, 0, 0] = values[1, 0, ::2] = values[2] = -32768
    wanted, _ = samples.quantize_int16(model, values)
    assert all((device.quantize(v) == w).all() for v, w in zip(values, wanted, strict=True))
    assert (wanted[0] == [[127]]).sum() == 0 and wanted[0, 0, 0] == -128
    longer = dataclasses.replace(metadata, width=32768, patch=(1, 256))
    with pytest.raises(CatsError, match="at most 32767"):
        deployed(longer)


# Real numbers


def steps_of(model: IntegerModel, values: np.ndarray) -> np.ndarray:
    """Real inputs in steps, before they are rounded, of samples in units."""
    metadata = model.metadata
    normal = windows.tokens(metadata, (values - metadata.mean) / metadata.deviation)
    if metadata.normalisation == "window":
        spread = np.sqrt(normal.var((1, 2), keepdims=True) + 1e-5)
        normal = (normal - normal.mean((1, 2), keepdims=True)) / spread
    return normal / model.input_scale


@pytest.mark.parametrize("normalisation", ["fixed", "window"])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_single_precision_equals_training(normalisation: str, offset: float) -> None:
    """cats_input_quantize_float() and quantize_inputs() of the task's inputs, but where a value is
    next to the middle of two steps; and the integer function within one step of both."""
    rng = np.random.default_rng(3)
    count = 1 if normalisation == "window" else 3
    found = tuple(
        Channel(f"c{i}", "", offset + i, 2.0**i, counts_per_unit=8192 / (offset + 8))
        for i in range(count)
    )
    metadata = Metadata(found, 1, 64, (1, 4), None if count == 1 else ("a", "b"),
                        5 if count == 1 else None, normalisation)  # fmt: skip
    model, (device,) = deployed(metadata, input_scale=0.031)
    values = rng.normal(size=(40, 1, 64, count)) * metadata.deviation + metadata.mean
    values = values.astype(np.float32)
    wanted = quantize_inputs(model, windows.real_inputs(metadata, values)[0])
    exact = steps_of(model, values.astype(np.float64))
    near = abs(exact - np.floor(exact) - 0.5) < TIE * (1 + offset / 100)
    got = np.stack([device.quantize(sample) for sample in values])
    assert (got == wanted)[~near].all() and near.mean() < 0.05
    assert abs(got.astype(int) - wanted).max() <= 1
    counted = samples.quantize_int16(model, samples.to_counts(metadata, values))[0]
    rounding = 0.5 / (metadata.deviation.min() * found[0].counts_per_unit * 0.031)
    assert abs(counted - np.clip(exact, -128, 127)).max() <= 0.5 + 2**-10 + 2 * rounding


def test_numbers_that_are_none() -> None:
    found = (Channel("x", counts_per_unit=1.0),)
    for metadata in (Metadata(found, 1, 6, (1, 2), ("a", "b")), forecaster(3, 2, found[0])):
        _, (device,) = deployed(metadata)
        for value in (np.nan, np.inf, -np.inf):
            values = np.zeros((1, metadata.width, 1), np.float32)
            values[0, -1] = value
            assert device.quantize(values) == -errno.EDOM
    values[0, -1] = 3e38  # its square is infinite
    assert device.quantize(values) == -errno.EDOM


def test_forecasts_come_back_in_units() -> None:
    """A window that is repeated as its own forecast is what it was, in counts and in units."""
    channel = Channel("t", "K", 290.0, 8.0, counts_per_unit=64.0)
    metadata = forecaster(8, 4, channel, 32)
    model, (device,) = deployed(metadata, output_scale=2**-12)
    values = np.random.default_rng(4).normal(288, 5, (1, 1, metadata.width, 1))
    normal, window = windows.real_inputs(metadata, values)
    outputs = np.rint(normal[0].reshape(-1) / model.output_scale).astype(np.int16)
    real = values[0, 0, metadata.width % 4 :, 0]
    assert windows.real_forecast(metadata, normal.reshape(1, -1), window)[0] == pytest.approx(real)
    device.quantize(values[0].astype(np.float32))
    assert device.forecast(outputs, "float") == pytest.approx(real, abs=0.01)
    device.quantize(samples.to_counts(metadata, values)[0])
    assert device.forecast(outputs) == pytest.approx(real * 64, abs=1)
    outputs[3] = -32768
    assert device.forecast(outputs)[3] == lib.CATS_FORECAST_MISSING == -(2**31)
    assert math.isnan(device.forecast(outputs, "float")[3])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-32768, 32767), min_size=4, max_size=4), st.floats(2**-14, 4, width=32))
def test_probabilities(outputs: list[int], scale: float) -> None:
    metadata = Metadata((Channel("x", counts_per_unit=1.0),), 1, 2, (1, 2), ("a", "b", "c", "d"))
    model, (device,) = deployed(metadata, output_scale=scale)
    row = np.array(outputs, np.int16)
    got = device.probabilities(row)
    wanted = samples.probability(model, row[None])[0]
    there = row != -32768
    assert [p if here else -1 for p, here in zip(got, there, strict=True)] == wanted.tolist()
    assert all(p == -errno.ENODATA for p, here in zip(got, there, strict=True) if not here)
    if there.any():
        real = np.where(there, row * np.float64(np.float32(scale)), np.nan)[None]
        exact = np.nan_to_num(windows.softmax(real)[0]) * samples.ONE
        assert abs(np.where(there, got, 0) - exact).max() <= 2
    pointer = ffi.from_buffer("int16_t[]", row)
    for c in (-1, 4):
        assert lib.cats_output_probability(device.metadata, pointer, c) == -errno.EINVAL


# The record


TWO = Metadata(
    (Channel("ax", "m/s²", 0.1, 0.5, counts_per_unit=4096.0), Channel("b", "", 0, 1, 0, 0, 1.0)),
    1, 7, (1, 2), ("gehen", "laufen", "stürzen"),
)  # fmt: skip


def test_names() -> None:
    _, (device,) = deployed(TWO)
    m = device.metadata
    assert [text(lib.cats_class_name(m, c)) for c in range(-1, 4)] == ["?", *TWO.classes, "?"]
    assert [text(lib.cats_channel_name(m, c)) for c in range(-1, 3)] == ["?", "ax", "b", "?"]
    assert [text(lib.cats_channel_unit(m, c)) for c in range(-1, 3)] == ["", "m/s²", "", ""]
    assert lib.cats_window_samples(m, 2) == 14
    found = image_reader.parse(device.packed)
    assert found.class_names == TWO.classes
    assert found.channel_names == (("ax", "m/s²"), ("b", ""))
    values = np.zeros((1, 7, 2), np.int16)
    assert [device.quantize(values, c) for c in (0, 1, 3)] == [-errno.EINVAL] * 3
    given = ffi.new("int16_t[3]"), ffi.new("int32_t[3]"), ffi.new("float[3]")
    assert lib.cats_output_forecast_int32(m, device.windows, *given[:2]) == -errno.ENOTSUP
    assert lib.cats_output_forecast_float(m, device.windows, given[0], given[2]) == -errno.ENOTSUP


def test_an_image_without() -> None:
    config = ModelConfig(tokens_in=3, inputs=2, outputs=3, features=8, heads=4, hidden=4, blocks=1)
    split = SplitConfig.even(config, 2)
    model = random_model(5, config, split)
    plan = make_plan(config, split, model.keep)
    device = Device(image.pack(model, plan, 0, image.model_id(model, plan)))
    assert device.error == -errno.ENODATA
    with pytest.raises(CatsError, match="export again"):
        samples.quantize_int16(model, np.zeros((1, 1, 6, 1), np.int16))


#: Fields of the record that may be anything, where they stay in range.
FREE = {"step_s", "step_ns", "mean", "deviation", "counts_per_unit", "multiplier", "shift", "unit",
        "addend_low", "addend_high", "name", "text", "sensors",
        "class_names", "values", "reserved_2"}  # fmt: skip
VALUE = Metadata(TWO.channels, 1, 7, (1, 2), values=(Channel("v", "K", 290, 8, 0, 0, 64.0),))


@pytest.mark.parametrize(
    "metadata", [TWO, VALUE, forecaster(3, 2, Channel("t", counts_per_unit=1.0), 3)]
)
def test_wrong_fields_are_refused(metadata: Metadata) -> None:
    """Each number of the record at the edges of its range, the CRC right. (That what is taken does
    no harm is for the fuzzer of images.)"""
    _, (device,) = deployed(metadata)
    good = device.packed
    head = image_reader.parse(good)
    refused = 0
    for dtype, at, names in (
        (layout.HEADER, 0, ["metadata"]),
        (layout.METADATA, head.header["metadata"], layout.METADATA.names),
        (layout.SENSOR, head.metadata["sensors"], layout.SENSOR.names),
        (layout.SENSOR, head.metadata["values"], layout.SENSOR.names if metadata.values else ()),
    ):
        for name in names:
            kind, offset = dtype.fields[name][:2]
            info, place = np.iinfo(kind), slice(at + offset, at + offset + kind.itemsize)
            old = int(np.frombuffer(good, kind, 1, at + offset)[0])
            for new in {info.min, info.max, old + 1, old - 1, len(good), len(good) - 4} - {old}:
                if not info.min <= new <= info.max:
                    continue
                bad = bytearray(good)
                bad[place] = int(new).to_bytes(kind.itemsize, "little", signed=new < 0)
                bad[12:16] = zlib.crc32(memoryview(bad)[16:]).to_bytes(4, "little")
                error = Device(bytes(bad)).error
                if name == "metadata" and new == 0:
                    assert error == -errno.ENODATA
                    continue
                assert error == -errno.EINVAL or (error == 0 and name in FREE | LOOSE), (name, new)
                refused += error != 0
    assert refused > 50


#: And these, where the number of tokens stays the same, or no answer is named.
LOOSE = {"width", "classes", "horizon", "text_size", "targets"}


def test_counts_per_unit() -> None:
    found = (Channel("a", "", 0.0, 1.0, -2.0, 1.5), Channel("b", "", 0.0, 20.0, -100.0, 300.0))
    metadata = Metadata(found, 1, 4, (1, 2), ("x", "y"))
    per_unit = [c.counts_per_unit for c in samples.with_counts(metadata).channels]
    assert per_unit == [8192.0, 64.0]
    assert [c.counts_per_unit for c in samples.with_counts(metadata, [16.0]).channels] == [16, 16]
    with pytest.raises(CatsError, match="3 counts per unit for 2 channels"):
        samples.with_counts(metadata, [1.0, 2.0, 3.0])
    with pytest.raises(CatsError, match="channel b: with 16384 counts"):
        samples.with_counts(metadata, [16384.0])
