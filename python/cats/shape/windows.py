# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Raw samples to real inputs, real outputs to answers, by a model's metadata.

Samples are [n, height, width, channels] in their units, inputs [n, tokens_in, P].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.shape.metadata import EPSILON, Metadata


def tokens(metadata: Metadata, samples: np.ndarray) -> np.ndarray:
    """Samples to inputs, values as they are; 0 beyond an image's edge."""
    wanted = (metadata.height, metadata.width, len(metadata.channels))
    if samples.ndim != 4 or samples.shape[1:] != wanted:
        raise CatsError(
            f"samples of {list(samples.shape[1:])}: the model takes {list(wanted)} "
            "(height, width or steps, channels)"
        )
    (rows, columns), around = metadata.patch, metadata.overlap
    samples = samples[:, :, metadata.width % columns :]
    edge = (around, around)
    samples = np.pad(samples, ((0, 0), edge, edge, (0, 0)))
    tiles = np.lib.stride_tricks.sliding_window_view(samples, metadata.seen, (1, 2))
    tiles = tiles[:, ::rows, ::columns]  # [n, down, across, channels, rows, columns]
    return tiles.reshape(len(samples), metadata.tokens_in, metadata.inputs)


@dataclass(frozen=True)
class Window:
    """Mean and deviation float64 [n, channels] of each window, of samples normalised by their
    channel."""

    mean: np.ndarray
    deviation: np.ndarray


def real_inputs(metadata: Metadata, samples: np.ndarray) -> tuple[np.ndarray, Window | None]:
    """Samples in their units to real inputs float32, as the task normalises them; the windows'
    statistics where it normalises by them."""
    normal = (np.asarray(samples, np.float64) - metadata.mean) / metadata.deviation
    values = tokens(metadata, normal).astype(np.float32)
    if metadata.normalisation == "fixed":
        return values, None
    exact = by_channel(metadata, values.astype(np.float64))
    window = Window(exact.mean((1, 3)), np.sqrt(exact.var((1, 3)) + EPSILON))
    mean, deviation = (v[:, None, :, None] for v in (window.mean, window.deviation))
    return ((exact - mean) / deviation).reshape(values.shape).astype(np.float32), window


def by_channel(metadata: Metadata, inputs: np.ndarray) -> np.ndarray:
    """Inputs [n, tokens_in, P] as [n, tokens_in, channels, columns of one]."""
    return inputs.reshape(*inputs.shape[:2], len(metadata.channels), -1)


def softmax(outputs: np.ndarray) -> np.ndarray:
    """Probabilities of real outputs [n, C]; NaN where a class did not arrive."""
    power = np.exp(outputs - np.nanmax(outputs, 1, keepdims=True, initial=-np.inf))
    return power / np.nansum(power, 1, keepdims=True)


def real_forecast(metadata: Metadata, outputs: np.ndarray, window: Window) -> np.ndarray:
    """Real outputs [n, C] to values in the channels' units, target by target."""
    targets = metadata.targets
    steps = outputs.reshape(len(outputs), targets, -1)
    mean, deviation = (v[:, :targets, None] for v in (window.mean, window.deviation))
    normal = steps * deviation + mean
    channels = (v[:targets, None] for v in (metadata.deviation, metadata.mean))
    scale, offset = channels
    return (normal * scale + offset).reshape(outputs.shape)


def real_values(metadata: Metadata, outputs: np.ndarray) -> np.ndarray:
    """Real outputs [n, C] to values in their units."""
    rows = metadata.values or ()
    return outputs * [row.deviation for row in rows] + [row.mean for row in rows]
