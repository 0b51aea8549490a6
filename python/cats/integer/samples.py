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
from cats.shape.metadata import EPSILON, MAX_WINDOW, Channel, Metadata
from cats.shape.windows import by_channel, tokens

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


# Coefficients of the image


def with_counts(metadata: Metadata, counts: Sequence[float] = ()) -> Metadata:
    """The metadata with counts per unit: one number for all channels, one for each, or none for the
    task's own, or else the largest power of two with which the values of the training part fit
    int16. Of values that are estimated it is the largest power of ten with which they fit 30
    bits."""
    channels = metadata.channels
    if not counts:
        counts = [c.counts_per_unit or _fitting(max(abs(c.low), abs(c.high))) for c in channels]
    elif len(counts) == 1:
        counts = list(counts) * len(channels)
    if len(counts) != len(channels):
        raise CatsError(f"{len(counts)} counts per unit for {len(channels)} channels: give one, or "
                        "one for each")  # fmt: skip
    changed = [dataclasses.replace(c, counts_per_unit=n) for c, n in zip(channels, counts)]
    changed = dataclasses.replace(metadata, channels=tuple(changed))
    if metadata.values is not None:
        values = (dataclasses.replace(v, counts_per_unit=_decimal(v)) for v in metadata.values)
        changed = dataclasses.replace(changed, values=tuple(values))
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


def _decimal(value: Channel) -> float:
    """The largest power of ten by which a value of the training part stays within 30 bits."""
    most = max(abs(value.low), abs(value.high), abs(value.mean) + value.deviation)
    return 10.0 ** max(-9, min(math.floor(math.log10(2**30 / most)), 9))


def _numbers(row: np.void, channel: Channel) -> tuple[float, float, float]:
    """(mean, deviation, counts per unit) in single precision, as the record has them."""
    if channel.counts_per_unit is None:
        raise CatsError(f"channel {channel.name} has no counts per unit: export again")
    numbers = [np.float32(v) for v in (channel.mean, channel.deviation, channel.counts_per_unit)]
    for name, value in zip(("mean", "deviation", "counts_per_unit"), numbers, strict=True):
        row[name] = value.view(np.uint32)
    mean, deviation, counts = map(float, numbers)
    return mean, deviation, counts


def _halves(row: np.void, addend: int) -> None:
    addend = max(-(2**62), min(addend, 2**62 - 1))
    row["addend_low"], row["addend_high"] = addend & 0xFFFFFFFF, addend >> 32


def value_records(model: IntegerModel) -> np.ndarray:
    """The SENSOR record of each value that is estimated, but for the places of its texts."""
    values = _metadata(model).values or ()
    found = np.zeros(len(values), SENSOR)
    scale = float(np.float32(model.output_scale))
    for row, value in zip(found, values, strict=True):
        mean, deviation, counts = _numbers(row, value)
        ratio = counts * deviation * scale
        (multiplier,), shift = fixed_point(np.array([ratio]))
        spare = 61 - (int(abs(mean) * counts) + 1).bit_length()  # for the mean beside it
        if spare < 1:
            raise CatsError(f"value {value.name}: {counts:g} counts a unit are too many")
        if shift > spare:
            multiplier, shift = max(round(ratio * 2**spare), 1), spare
        row["multiplier"], row["shift"] = multiplier, shift
        _halves(row, round(Fraction(mean) * Fraction(counts) * 2**shift) + 2 ** (shift - 1))
    return found


def sensors(model: IntegerModel) -> np.ndarray:
    """The SENSOR record of each channel, but for the places of its texts."""
    metadata = _metadata(model)
    found = np.zeros(len(metadata.channels), SENSOR)
    scale = float(np.float32(model.input_scale))
    for row, channel in zip(found, metadata.channels, strict=True):
        mean, deviation, counts = _numbers(row, channel)
        if metadata.normalisation == "window":
            steps = _steps(metadata)
            if steps > MAX_WINDOW:
                raise CatsError(f"a window of {steps} steps that is normalised by its own mean: at "
                                f"most {MAX_WINDOW}")  # fmt: skip
            addend = round(Fraction(EPSILON) * Fraction(counts * deviation * steps) ** 2 * 2**16)
        else:
            multiplier, shift = fixed_point(np.array([1 / (counts * deviation * scale)]))
            row["multiplier"], row["shift"] = multiplier[0], shift
            exact = -Fraction(mean) / (Fraction(deviation) * Fraction(scale)) * 2**shift
            addend = round(exact) + 2 ** (shift - 1)
        _halves(row, addend)
    return found


def _steps(metadata: Metadata) -> int:
    """Samples of one channel that its window's statistics are of."""
    return metadata.tokens_in * metadata.patch[0] * metadata.patch[1]


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
    """struct cats_window of each window and channel: int64 [n, channels] each."""

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
        columns = metadata.seen[0] * metadata.seen[1]
        multiplier, shift, addend = (
            np.repeat(v.astype(np.int64), columns)
            for v in (rows["multiplier"], rows["shift"], _addends(rows))
        )
        inside = tokens(metadata, np.ones_like(counts[:1]))  # beyond an image's edge is 0
        steps = np.clip((values * multiplier + addend) >> shift, -128, 127) * inside
        return steps.astype(np.int8), None
    cut = by_channel(metadata, values)
    window = _count_windows(cut, _addends(rows).tolist())
    mantissa, exponent = _scale(model.input_scale)
    steps = _steps(metadata)
    quantized = np.empty(cut.shape, np.int8)
    for place in np.ndindex(window.sum.shape):
        total, root, root_shift = (int(v[place]) for v in (window.sum, window.root,
                                                           window.root_shift))  # fmt: skip
        factor = ((2**63 // mantissa) << 22) // root
        shift = exponent - 65 - root_shift
        distance = steps * cut[place[0], :, place[1]] - total
        if shift < 1:
            exact = distance * 254
        elif shift > 62:
            exact = np.zeros_like(distance)
        else:
            exact = (distance * factor + (1 << (shift - 1))) >> shift
        quantized[place[0], :, place[1]] = np.clip(exact, -128, 127)
    return quantized.reshape(values.shape), window


def _count_windows(values: np.ndarray, epsilons: Sequence[int]) -> CountWindow:
    """Statistics of counts int64 [n, tokens_in, channels, columns]."""
    steps = values.shape[1] * values.shape[3]
    sums, squares = values.sum((1, 3)), (values * values).sum((1, 3))
    roots, shifts = np.empty_like(sums), np.empty_like(sums)
    for place in np.ndindex(sums.shape):
        total, square, epsilon = int(sums[place]), int(squares[place]), epsilons[place[1]]
        variance, shift = steps * square - total * total, 0
        if variance < 2**46:
            variance, shift = (variance << 16) + epsilon, 8
        else:
            variance += epsilon >> 16
        variance = variance or 1
        more = (64 - variance.bit_length()) // 2
        roots[place], shifts[place] = math.isqrt(variance << 2 * more), shift + more
    return CountWindow(sums, roots, shifts)


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
    """cats_output_forecast_int32() of each target: int16 [n, C] to int64 [n, C] in counts;
    FORECAST_MISSING where a value did not arrive."""
    metadata = _metadata(model)
    mantissa, exponent = _scale(model.output_scale)
    steps = _steps(metadata) * 65536
    cut = outputs.reshape(len(outputs), metadata.targets, -1)
    found = np.empty(cut.shape, np.int64)
    for place in np.ndindex(cut.shape[:2]):
        total, factor = int(window.sum[place]), int(window.root[place]) * mantissa >> 25
        shift = 125 + int(window.root_shift[place]) - exponent - 16
        for c, output in enumerate(cut[place].tolist()):
            product = output * factor
            if shift > 62:
                product = 0
            elif shift > 0:
                product = (product + (1 << (shift - 1))) >> shift
            elif shift >= -15:
                product <<= -shift
            else:
                product = ((product > 0) - (product < 0)) * (2**63 - 1) // 2
            value = (product + total * 65536 + steps // 2) // steps
            value = max(-(2**31 - 1), min(value, 2**31 - 1))
            found[(*place, c)] = FORECAST_MISSING if output == MISSING else value
    return found.reshape(outputs.shape)


def values_int32(model: IntegerModel, outputs: np.ndarray) -> np.ndarray:
    """cats_output_value_int32() of each output: int16 [n, C] to int64 [n, C] in counts;
    FORECAST_MISSING where a value did not arrive."""
    rows = value_records(model)
    multiplier, shift = (rows[name].astype(np.int64) for name in ("multiplier", "shift"))
    found = (outputs.astype(np.int64) * multiplier + _addends(rows)) >> shift
    found = np.clip(found, -(2**31 - 1), 2**31 - 1)
    return np.where(outputs == MISSING, FORECAST_MISSING, found)
