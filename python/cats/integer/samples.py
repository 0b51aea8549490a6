# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Raw samples to inputs, outputs to answers, by a model's metadata.

What ``include/cats/metadata.h`` offers on a device, here for many windows at once. The integer
functions give the bytes of the device (subsys/cats/engine/metadata.c); doc/numerics.rst defines
them. Samples are [n, height, width, channels], inputs [n, tokens_in, P].
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cats.errors import CatsError
from cats.integer.model import IntegerModel, fixed_point
from cats.shape.image_layout import SENSOR
from cats.shape.metadata import EPSILON, MAX_WINDOW, Metadata

#: A probability of one.
ONE = 65536
MISSING = -32768
#: A forecast of ``forecast_int32`` that did not arrive.
FORECAST_MISSING = -(2**31)
_LOG2_E = 3098164009  # Q31
#: 2^-(2^-i) in Q32, i from 1.
_HALVES = (3037000500, 3611622603, 3938502376, 4112874773, 4202935003, 4248701965, 4271771996,
           4283353945, 4289156690, 4292061010, 4293513907, 4294240540, 4294603903, 4294785595,
           4294876445, 4294921870)  # fmt: skip


# Tokens and real numbers


def tokens(metadata: Metadata, samples: np.ndarray) -> np.ndarray:
    """Samples to inputs, values as they are."""
    wanted = (metadata.height, metadata.width, len(metadata.channels))
    if samples.ndim != 4 or samples.shape[1:] != wanted:
        raise CatsError(
            f"samples of {list(samples.shape[1:])}: the model takes {list(wanted)} "
            "(height, width or steps, channels)"
        )
    (rows, columns), count = metadata.patch, len(samples)
    samples = samples[:, :, metadata.width % columns :]
    down, across = metadata.height // rows, metadata.width // columns
    cut = samples.reshape(count, down, rows, across, columns, wanted[2])
    return cut.transpose(0, 1, 3, 5, 2, 4).reshape(count, metadata.tokens_in, metadata.inputs)


@dataclass(frozen=True)
class Window:
    """Mean and deviation float64 [n] of each window, of samples normalised by their channel."""

    mean: np.ndarray
    deviation: np.ndarray


def real_inputs(metadata: Metadata, samples: np.ndarray) -> tuple[np.ndarray, Window | None]:
    """Samples in their units to real inputs float32, as the task normalises them; the windows'
    statistics where it normalises by them."""
    normal = (np.asarray(samples, np.float64) - metadata.mean) / metadata.deviation
    values = tokens(metadata, normal).astype(np.float32)
    if metadata.normalisation == "fixed":
        return values, None
    exact = values.astype(np.float64)
    window = Window(exact.mean((1, 2)), np.sqrt(exact.var((1, 2)) + EPSILON))
    mean, deviation = (v[:, None, None] for v in (window.mean, window.deviation))
    return ((exact - mean) / deviation).astype(np.float32), window


def softmax(outputs: np.ndarray) -> np.ndarray:
    """Probabilities of real outputs [n, C]; NaN where a class did not arrive."""
    power = np.exp(outputs - np.nanmax(outputs, 1, keepdims=True, initial=-np.inf))
    return power / np.nansum(power, 1, keepdims=True)


def real_forecast(metadata: Metadata, outputs: np.ndarray, window: Window) -> np.ndarray:
    """Real outputs [n, C] to values in the channel's unit."""
    channel = metadata.channels[0]
    normal = outputs * window.deviation[:, None] + window.mean[:, None]
    return normal * channel.deviation + channel.mean


# Coefficients of the image


def with_counts(metadata: Metadata, counts: Sequence[float] = ()) -> Metadata:
    """The metadata with counts per unit: one number for all channels, one for each, or none for the
    largest power of two with which the values of the training part fit int16."""
    channels = metadata.channels
    if not counts:
        counts = [_fitting(max(abs(c.low), abs(c.high))) for c in channels]
    elif len(counts) == 1:
        counts = list(counts) * len(channels)
    if len(counts) != len(channels):
        raise CatsError(f"{len(counts)} counts per unit for {len(channels)} channels: give one, or "
                        "one for each")  # fmt: skip
    changed = [dataclasses.replace(c, counts_per_unit=n) for c, n in zip(channels, counts)]
    changed = dataclasses.replace(metadata, channels=tuple(changed))
    changed.check()
    for channel in changed.channels:
        reach = (abs(channel.mean) + channel.deviation) * channel.counts_per_unit
        if reach > 32767:
            raise CatsError(
                f"channel {channel.name}: with {channel.counts_per_unit:g} counts a unit what is "
                f"usual in training makes {reach:.0f}: int16 ends at 32767, take fewer"
            )
    return changed


def _fitting(most: float) -> float:
    """The largest power of two by which ``most`` stays within int16."""
    return 2.0 ** math.floor(math.log2(32767 / most)) if most > 0 else 1.0


def sensors(model: IntegerModel) -> np.ndarray:
    """The SENSOR record of each channel, but for the places of its texts."""
    metadata = _metadata(model)
    found = np.zeros(len(metadata.channels), SENSOR)
    scale = float(np.float32(model.input_scale))
    for row, channel in zip(found, metadata.channels, strict=True):
        if channel.counts_per_unit is None:
            raise CatsError(f"channel {channel.name} has no counts per unit: export again")
        numbers = (channel.mean, channel.deviation, channel.counts_per_unit)
        mean, deviation, counts = (float(np.float32(v)) for v in numbers)
        for name, value in zip(("mean", "deviation", "counts_per_unit"), numbers, strict=True):
            row[name] = np.float32(value).view(np.uint32)
        if metadata.normalisation == "window":
            steps = metadata.tokens_in * metadata.inputs
            if steps > MAX_WINDOW:
                raise CatsError(f"a window of {steps} steps that is normalised by its own mean: at "
                                f"most {MAX_WINDOW}")  # fmt: skip
            addend = round(Fraction(EPSILON) * Fraction(counts * deviation * steps) ** 2 * 2**16)
            addend = min(addend, 2**62 - 1)
        else:
            multiplier, shift = fixed_point(np.array([1 / (counts * deviation * scale)]))
            row["multiplier"], row["shift"] = multiplier[0], shift
            exact = -Fraction(mean) / (Fraction(deviation) * Fraction(scale)) * 2**shift
            addend = max(-(2**62), min(round(exact) + 2 ** (shift - 1), 2**62 - 1))
        row["addend_low"], row["addend_high"] = addend & 0xFFFFFFFF, addend >> 32
    return found


def _metadata(model: IntegerModel) -> Metadata:
    if model.metadata is None:
        raise CatsError(
            "this deployment does not say how its inputs are made: export again, from a run of "
            "'cats train'"
        )
    return model.metadata


# Integers, as the device computes them


def to_counts(metadata: Metadata, samples: np.ndarray) -> np.ndarray:
    """Samples in their units to int16 counts, saturated, as a sensor would give them."""
    counts = np.array([channel.counts_per_unit for channel in metadata.channels], np.float64)
    return np.clip(np.rint(samples * counts), -32768, 32767).astype(np.int16)


@dataclass(frozen=True)
class CountWindow:
    """struct cats_window of each window: int64 [n] each."""

    sum: np.ndarray
    root: np.ndarray
    root_shift: np.ndarray


def _addends(rows: np.ndarray) -> np.ndarray:
    return rows["addend_high"].astype(np.int64) * 2**32 + rows["addend_low"]


def _scale(value: float) -> tuple[int, int]:
    """(mantissa 2^23..2^24-1, exponent) of float32 bits: mantissa * 2^(exponent - 150)."""
    bits = int(np.float32(value).view(np.uint32))
    return (bits & 0x7FFFFF) | 0x800000, bits >> 23


def quantize_int16(
    model: IntegerModel, counts: np.ndarray
) -> tuple[np.ndarray, CountWindow | None]:
    """cats_input_quantize_int16() of all columns: int16 samples to int8 inputs."""
    metadata, rows = _metadata(model), sensors(model)
    values = tokens(metadata, counts).astype(np.int64)
    if metadata.normalisation == "fixed":
        patch = metadata.patch[0] * metadata.patch[1]
        multiplier, shift, addend = (
            np.repeat(v.astype(np.int64), patch)
            for v in (rows["multiplier"], rows["shift"], _addends(rows))
        )
        return np.clip((values * multiplier + addend) >> shift, -128, 127).astype(np.int8), None
    window = _count_windows(values, int(_addends(rows)[0]))
    mantissa, exponent = _scale(model.input_scale)
    steps = metadata.tokens_in * metadata.inputs
    quantized = np.empty(values.shape, np.int8)
    for i, (total, root, root_shift) in enumerate(
        zip(window.sum.tolist(), window.root.tolist(), window.root_shift.tolist(), strict=True)
    ):
        factor = ((2**63 // mantissa) << 22) // root
        shift = exponent - 65 - root_shift
        distance = steps * values[i] - total
        if shift < 1:
            exact = distance * 254
        elif shift > 62:
            exact = np.zeros_like(distance)
        else:
            exact = (distance * factor + (1 << (shift - 1))) >> shift
        quantized[i] = np.clip(exact, -128, 127)
    return quantized, window


def _count_windows(values: np.ndarray, epsilon: int) -> CountWindow:
    """Statistics of counts int64 [n, tokens_in, P]."""
    flat = values.reshape(len(values), -1)
    sums, squares = flat.sum(1), (flat * flat).sum(1)
    roots, shifts = [], []
    for total, square in zip(sums.tolist(), squares.tolist(), strict=True):
        variance, shift = flat.shape[1] * square - total * total, 0
        if variance < 2**46:
            variance, shift = (variance << 16) + epsilon, 8
        else:
            variance += epsilon >> 16
        variance = variance or 1
        more = (64 - variance.bit_length()) // 2
        roots.append(math.isqrt(variance << 2 * more))
        shifts.append(shift + more)
    return CountWindow(sums, np.array(roots, np.int64), np.array(shifts, np.int64))


def probability(model: IntegerModel, outputs: np.ndarray) -> np.ndarray:
    """cats_output_probability() of each class: int16 [n, C] to int64 [n, C], ONE is certainty; -1
    where a class did not arrive."""
    mantissa, exponent = _scale(model.output_scale)
    best = outputs.max(1, keepdims=True).astype(np.int64)
    product = ((mantissa * _LOG2_E) >> 24) * (best - outputs)
    shift = 141 - exponent
    weight = np.full(outputs.shape, 1 << 30, np.int64)
    if shift < 0:
        weight[product > 0] = 0
    elif shift <= 63:
        power = product >> shift
        for i, half in enumerate(_HALVES):
            # Below 2^62: weight is at most 2^30.
            weight = np.where(power >> (15 - i) & 1, (weight * half) >> 32, weight)
        whole = power >> 16
        weight = np.where(whole > 30, 0, weight >> np.minimum(whole, 30))
    arrived = outputs != MISSING
    total = np.where(arrived, weight, 0).sum(1, keepdims=True)
    return np.where(arrived, ((weight << 16) + total // 2) // np.maximum(total, 1), -1)


def forecast_int32(model: IntegerModel, outputs: np.ndarray, window: CountWindow) -> np.ndarray:
    """cats_output_forecast_int32(): int16 [n, C] to int64 [n, C] in counts; FORECAST_MISSING where
    a value did not arrive."""
    metadata = _metadata(model)
    mantissa, exponent = _scale(model.output_scale)
    steps = metadata.tokens_in * metadata.inputs * 65536
    found = np.empty(outputs.shape, np.int64)
    for i, row in enumerate(outputs.tolist()):
        factor = int(window.root[i]) * mantissa >> 25
        shift = 125 + int(window.root_shift[i]) - exponent - 16
        for c, output in enumerate(row):
            product = output * factor
            if shift > 62:
                product = 0
            elif shift > 0:
                product = (product + (1 << (shift - 1))) >> shift
            elif shift >= -15:
                product <<= -shift
            else:
                product = ((product > 0) - (product < 0)) * (2**63 - 1) // 2
            value = (product + int(window.sum[i]) * 65536 + steps // 2) // steps
            value = max(-(2**31 - 1), min(value, 2**31 - 1))
            found[i, c] = FORECAST_MISSING if output == MISSING else value
    return found
