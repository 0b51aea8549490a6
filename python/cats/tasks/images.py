# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Images in classes: a folder with a sub-folder a class, or a NumPy archive.

Tokens are square patches, left to right and down, perhaps with some pixels around them; a token's
columns are channel by channel, in a channel row by row. Channels are normalised by mean and
deviation of the training part.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import MAX_OVERLAP, Channel, Metadata, sorted_labels
from cats.tasks import Part, same_data, stored_path
from cats.tasks import read_images as read
from cats.tasks.arrays import ClassTask
from cats.tasks.augment import cut_out, mixed, moved_pixels, parse_augment, recoloured
from cats.tasks.parts import split

#: Training, validation and test, where the data has a test part of its own, and where not.
WITH_TEST, WITHOUT = (0.9, 0.1, 0.0), (0.7, 0.1, 0.2)
NAMES = {1: ("grey",), 3: ("red", "green", "blue")}


class Images(ClassTask):
    """Images of ``data``, one size all, in tokens of ``patch`` x ``patch`` pixels and
    ``patch_overlap`` pixels around them; beyond the image's edge is the mean of the channel.

    ``data``: a folder with a sub-folder a class, or with such folders in ``train`` and ``test``, or
    an ``.npz`` file (``cats.tasks.read_images``). ``size``, "HEIGHTxWIDTH", is what images are
    resized to. Of the training images, or of all where there is no test part, a share of
    every class is set aside, by ``split_seed``: 10 % to validate, and without a test part 20 % to
    test. ``augment`` is what is done to training images, as ``cats.tasks.augment`` takes it; by
    default they are shifted by up to an eighth of their height. With ``sha256`` another content is
    refused. ``fitted`` is the metadata of a run: its classes, means and deviations are used in
    place of those of this data.
    """

    name = "images"
    training = {"epochs": 60, "lr": 1e-3, "batch": 128, "patterns": 1}

    def __init__(
        self,
        data: str,
        patch: int = 4,
        patch_overlap: int = 0,
        size: str | None = None,
        split_seed: int = 0,
        augment: str | None = None,
        sha256: str | None = None,
        fitted: Metadata | None = None,
    ) -> None:
        known, test = read.read_images(data, _parsed_size(size))
        channels, height, width = known.pixels.shape[1:]
        if patch < 1 or height % patch or width % patch:
            raise CatsError(f"{data}: patch of {patch} pixels does not divide {height}x{width}")
        if not 0 <= patch_overlap <= MAX_OVERLAP:
            raise CatsError(f"overlap of {patch_overlap} pixels: 0 to {MAX_OVERLAP}")
        augment = augment or f"shift={height // 8}"
        self.augment, self.patch, self.overlap = parse_augment(augment), patch, patch_overlap
        self.classes = _classes(data, known, test, fitted)
        self.options = {
            "data": stored_path(data),
            "patch": patch,
            "patch_overlap": patch_overlap,
            "size": size,
            "split_seed": split_seed,
            "augment": augment,
            "sha256": same_data(data, read.sha256_of(known, test), sha256),
        }
        self.model = ModelConfig(
            tokens_in=height * width // patch**2,
            inputs=channels * (patch + 2 * patch_overlap) ** 2,
            outputs=len(self.classes),
            features=64,
            heads=8,
            hidden=128,
            blocks=4,
            activation="gelu",
            pool="mean",
            task="classify",
        )
        labels = self._numbers(known)
        train, validation, rest = split(labels, WITH_TEST if test else WITHOUT, split_seed)
        if not len(validation) or not (test or len(rest)):
            raise CatsError(f"{data}: {len(labels)} images are too few for all parts")
        pixels = torch.from_numpy(known.pixels)
        self._pixels, self._labels = pixels[train], labels[train]
        self.metadata = fitted or self._metadata(self._pixels)
        self._mean = torch.from_numpy(self.metadata.mean).float()[:, None, None]
        self._deviation = torch.from_numpy(self.metadata.deviation).float()[:, None, None]
        self.train = Part(self._tokens(self._normal(self._pixels)), self._labels)
        self.validation = Part(self._tokens(self._normal(pixels[validation])), labels[validation])
        if test:
            tested = torch.from_numpy(test.pixels)
            self.test = Part(self._tokens(self._normal(tested)), self._numbers(test))
        else:
            self.test = Part(self._tokens(self._normal(pixels[rest])), labels[rest])

    def _metadata(self, pixels: Tensor) -> Metadata:
        """``pixels`` [n, C, H, W] of the training part."""
        names = NAMES.get(pixels.shape[1]) or [f"channel {c}" for c in range(pixels.shape[1])]
        channels = []
        for name, values in zip(names, pixels.numpy().swapaxes(0, 1), strict=True):
            mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
            if not deviation > 0:
                raise CatsError(f"{self.options['data']}: all pixels of {name} are {mean:g}")
            span = float(values.min()), float(values.max())
            channels.append(Channel(name, "", float(mean), float(deviation), *span))
        height, width = pixels.shape[2:]
        patch = (self.patch, self.patch)
        classes = tuple(self.classes)
        return Metadata(tuple(channels), height, width, patch, classes, overlap=self.overlap)

    def _numbers(self, images: read.Images) -> Tensor:
        number = {name: i for i, name in enumerate(self.classes)}
        return torch.tensor([number[label] for label in images.labels])

    def _normal(self, pixels: Tensor) -> Tensor:
        return (pixels - self._mean) / self._deviation

    def _tokens(self, images: Tensor) -> Tensor:
        """Normalised [n, C, H, W] to [n, tokens, C * side * side], side of a patch and what is
        around it."""
        side = self.patch + 2 * self.overlap
        images = functional.pad(images, (self.overlap,) * 4)
        tiles = images.unfold(2, side, self.patch).unfold(3, side, self.patch)  # [n, C, Y, X, r, c]
        return tiles.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)

    def to(self, device: torch.device) -> None:
        self._pixels, self._labels = self._pixels.to(device), self._labels.to(device)
        self._mean, self._deviation = self._mean.to(device), self._deviation.to(device)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        change = self.augment
        pixels, inside = moved_pixels(self._pixels, index, change, generator)
        images = self._normal(pixels) * inside
        targets = self._labels[index.to(self._labels.device)]
        if change.colour:
            images = recoloured(images, change.colour, generator)
        if change.mixes:
            targets = functional.one_hot(targets, len(self.classes)).float()
            images, targets = mixed(images, targets, change, generator)
        if change.cutout:
            images = cut_out(images, change.cutout, generator)
        return self._tokens(images), targets


def _parsed_size(text: str | None) -> tuple[int, int] | None:
    """ "32" or "24x32", height first, to (height, width)."""
    if text is None:
        return None
    try:
        height, _, width = text.partition("x")
        size = int(height), int(width or height)
    except ValueError:
        size = 0, 0
    if not all(1 <= side < 2**16 for side in size):
        raise CatsError(f"size {text!r}: give pixels, as in 32 or 24x32 (height first)")
    return size


def _classes(
    data: str, known: read.Images, test: read.Images | None, fitted: Metadata | None
) -> list[str]:
    """Names of the classes in their order, those of the training."""
    classes = sorted_labels(set(known.labels))
    if fitted is not None:
        classes = list(fitted.classes or ())
    for part in (known, test):
        strange = set(part.labels if part else ()) - set(classes)
        if strange:
            raise CatsError(f"{data}: class {min(strange)!r} is not one of those trained")
    if len(classes) < 2:
        raise CatsError(f"{data} holds one class: there is nothing to tell apart")
    return classes
