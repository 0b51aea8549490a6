# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Handwritten digits: scikit-learn's 1797 images of 8 x 8 pixels, ten classes.

Real, small, and inside a package, so that a demonstration needs no download of its own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata
from cats.tasks import Part
from cats.tasks.arrays import ClassTask
from cats.tasks.parts import split

SIDE = 8
#: Training, validation and test.
SHARES = (0.6, 0.15, 0.25)


class Digits(ClassTask):
    """Patches of ``patch_rows`` x ``patch_columns`` pixels are the tokens, left to right and down;
    by default each row of the image is one.

    60 % of the images train, 15 % validate, 25 % test, stratified by class and fixed by
    ``split_seed``. Pixels 0..16 become -1..1, so that a lost token reads as middle grey.
    """

    name = "digits"
    training = {"epochs": 150, "lr": 6e-3, "patterns": 1, "threads": 1}

    def __init__(
        self, patch_rows: int = 1, patch_columns: int = 8, split_seed: int = 0, augment: bool = True
    ) -> None:
        if patch_rows < 1 or patch_columns < 1 or SIDE % patch_rows or SIDE % patch_columns:
            raise CatsError(f"patch of {patch_rows} x {patch_columns}: each must divide {SIDE}")
        self.patch = patch_rows, patch_columns
        self.augment = augment
        self.options = {
            "patch_rows": patch_rows,
            "patch_columns": patch_columns,
            "split_seed": split_seed,
            "augment": augment,
        }
        pixels = patch_rows * patch_columns
        self.model = ModelConfig(
            tokens_in=SIDE * SIDE // pixels,
            inputs=pixels,
            outputs=10,
            features=64,
            heads=8,
            hidden=128,
            blocks=2,
            activation="gelu",
            pool="mean",
            task="classify",
        )
        self.metadata = Metadata(
            channels=(Channel("pixel", "", 8.0, 8.0, 0.0, 16.0),),
            height=SIDE,
            width=SIDE,
            patch=self.patch,
            classes=tuple(map(str, range(10))),
        )
        images, labels = _load()
        train, validation, test = split(labels, SHARES, split_seed)
        self._images = images[train]
        self.train = Part(self._tokens(images[train]), labels[train])
        self.validation = Part(self._tokens(images[validation]), labels[validation])
        self.test = Part(self._tokens(images[test]), labels[test])

    def _tokens(self, images: Tensor) -> Tensor:
        """[n, 8, 8] to [n, tokens, pixels]."""
        rows, columns = self.patch
        tiles = images.unflatten(1, (-1, rows)).unflatten(3, (-1, columns))  # [n, Y, r, X, c]
        return tiles.transpose(2, 3).flatten(3).flatten(1, 2)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images = self._images[index]
        if self.augment:
            images = _jitter(images, generator)
        return self._tokens(images), self.train.targets[index]


def _load() -> tuple[Tensor, Tensor]:
    """Images float32 [1797, 8, 8] in -1..1 and labels int64 [1797]."""
    try:
        from sklearn.datasets import load_digits

        data = load_digits()
    except (ImportError, OSError) as error:
        raise CatsError(f"task digits needs scikit-learn with its data: {error}") from None
    images = torch.from_numpy(data.images).float() / 8 - 1
    return images, torch.from_numpy(data.target).long()


def _jitter(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image [n, 8, 8] turned by up to 10 degrees, sheared, scaled, stretched and made brighter
    or darker by up to 10 % each, and shifted by up to 0.7 pixels; what comes in from outside is
    background (-1)."""
    change = torch.rand(7, len(images), generator=generator) * 2 - 1
    turn, scale, across, down, shear, stretch, light = change.unbind()
    turn, shift = turn * math.radians(10), 0.7 * 2 / SIDE
    wide, high = (1 + 0.1 * scale) * (1 + 0.1 * stretch), (1 + 0.1 * scale) * (1 - 0.1 * stretch)
    cos, sin = turn.cos(), turn.sin()
    upper = torch.stack((cos * wide, 0.1 * shear - sin * high, across * shift), 1)
    lower = torch.stack((sin * wide, cos * high, down * shift), 1)
    grid = functional.affine_grid(
        torch.stack((upper, lower), 1), [len(images), 1, SIDE, SIDE], align_corners=False
    )
    moved = functional.grid_sample(images[:, None] + 1, grid, align_corners=False)[:, 0]
    return (moved * (1 + 0.1 * light)[:, None, None]).clamp_(0, 2) - 1
