# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A task of one's own: is a machine's bearing good, worn or loose? Two accelerometers tell."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.tasks.arrays import ClassTask

STEPS = 64
RATE = 400.0  # samples a second


class Bearings(ClassTask):
    """``count`` recordings of 64 steps by two accelerometers, ``noise`` in m/s2, made by ``seed``.

    Its parameters are its options, by name and type: ``cats train --task own_task:Bearings
    --task-option noise=2``.
    """

    training = {"epochs": 40, "lr": 3e-3, "batch": 32, "patterns": 1}

    def __init__(self, count: int = 300, noise: float = 1.0, patch: int = 8, seed: int = 0) -> None:
        if count < 30:
            raise CatsError(f"count is {count}: at least 30")
        samples, labels = recordings(count, noise, seed)
        self.use(samples, labels, patch=patch, channels=("frame", "shaft"), units="m/s2")

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Each recording a little louder or quieter, every time anew."""
        inputs, targets = super().batch(index, rows, generator)
        loudness = 0.8 + 0.4 * torch.rand(len(index), 1, 1, generator=generator)
        return inputs * loudness, targets


def recordings(count: int, noise: float, seed: int) -> tuple[np.ndarray, list[str]]:
    """Samples float [count, STEPS, 2] in m/s2, and what each bearing is."""
    rng = np.random.default_rng(seed)
    time = np.arange(STEPS) / RATE
    labels = [("good", "worn", "loose")[i % 3] for i in range(count)]
    samples = np.empty((count, STEPS, 2))
    for recording, label in zip(samples, labels, strict=True):
        turning = np.sin(2 * np.pi * (25 * time + rng.random()))
        recording[:] = turning[:, None]
        if label == "worn":  # the balls ring
            recording[:, 1] += np.sin(2 * np.pi * (117 * time + rng.random()))
        if label == "loose":  # the frame is lifted once a turn
            recording[:, 0] += 2 * np.maximum(turning, 0) ** 2
    return samples + rng.normal(0, noise, samples.shape), labels


if __name__ == "__main__":  # ten new recordings for cats predict
    new, known = recordings(10, noise=0.5, seed=1)
    np.savez("new.npz", samples=new, labels=known)
