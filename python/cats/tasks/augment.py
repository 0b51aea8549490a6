# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random changes of images, a batch at once, on the device that holds them.

All draws are made on the CPU, a few numbers an image, so that a seed means the same changes on
every device.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from cats.errors import CatsError


@dataclass(frozen=True)
class Augment:
    """What is done to training images, in this order; 0 is nothing.

    ``shift``: by up to so many pixels down and across, what comes in from outside is the mean;
    ``flip``: left to right, of every second image; ``colour``: brightness and contrast times up to
    1 +- this, and the colours' distance from grey; ``mixup``: of so great a share of the batches
    each image is mixed with another, ``l`` of one and ``1 - l`` of the other, and so are their
    classes (arXiv:1710.09412); ``cutmix``: of a share, a rectangle of the area ``1 - l`` is another
    image's (arXiv:1905.04899); l is uniform over 0..1, drawn for each batch; ``cutout``: a square
    of so many pixels is the mean (arXiv:1708.04552).
    """

    shift: int = 0
    flip: int = 0
    colour: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    cutout: int = 0

    def __post_init__(self) -> None:
        for name, most in (("flip", 1), ("colour", 1), ("mixup", 1), ("cutmix", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise CatsError(f"augment {name}={getattr(self, name)}: 0 to {most}")
        if self.shift < 0 or self.cutout < 0:
            raise CatsError("augment shift and cutout: pixels, 0 or more")
        if self.mixup + self.cutmix > 1:
            raise CatsError(
                "augment mixup and cutmix are shares of all batches: at most 1 together"
            )

    @property
    def mixes(self) -> bool:
        """Whether a sample may be of two classes."""
        return self.mixup + self.cutmix > 0


def parse_augment(text: str) -> Augment:
    """``none``, or ``NAME=VALUE,...`` of Augment's fields; CatsError where unusable."""
    if text == "none":
        return Augment()
    kinds = {field.name: float if field.type == "float" else int for field in fields(Augment)}
    values = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in kinds:
            raise CatsError(f"augment {name!r}: none, or NAME=VALUE,... of {', '.join(kinds)}")
        try:
            values[name] = kinds[name](value)
        except ValueError:
            raise CatsError(f"augment {part!r}: a number is wanted, as in {name}=1") from None
    return Augment(**values)


def moved_pixels(
    images: Tensor, index: Tensor, augment: Augment, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images ``index`` [B] of all [n, C, H, W], shifted and flipped: [B, C, H, W], and bool
    [B, 1, H, W], false where a pixel comes from outside."""
    count, (height, width) = len(index), images.shape[2:]
    shift = torch.randint(-augment.shift, augment.shift + 1, (2, count, 1), generator=generator)
    rows, columns = torch.arange(height) + shift[0], torch.arange(width) + shift[1]  # [B, H]
    if augment.flip:
        flip = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    index, rows, columns = (t.to(images.device, non_blocking=True) for t in (index, rows, columns))
    across = (columns >= 0) & (columns < width)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & across[:, None]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    channels = torch.arange(images.shape[1], device=images.device)
    found = images[
        index[:, None, None, None],
        channels[:, None, None],
        rows[:, None, :, None],
        columns[:, None, None],
    ]
    return found, inside[:, None]


def recoloured(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Normalised images [B, C, H, W] with other brightness, contrast and saturation."""
    draws = 1 + strength * (2 * torch.rand(3, len(images), generator=generator) - 1)
    light, contrast, colour = draws.to(images.device)[..., None, None, None]
    images = images * contrast + (light - 1)
    if images.shape[1] == 1:
        return images
    grey = images.mean(1, keepdim=True)
    return grey + (images - grey) * colour


def mixed(
    images: Tensor, targets: Tensor, augment: Augment, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch [B, C, H, W] and its classes [B, K], each 1 at one, after mix-up or cut-mix."""
    height, width = images.shape[2:]
    choice, share = torch.rand(2, generator=generator).tolist()
    corner = torch.rand(2, generator=generator).tolist()
    if choice >= augment.mixup + augment.cutmix:
        return images, targets
    other = images.roll(1, 0)
    if choice < augment.mixup:
        images = torch.lerp(other, images, share)
    else:
        tall, wide = (round(side * (1 - share) ** 0.5) for side in (height, width))
        top, left = int(corner[0] * (height - tall + 1)), int(corner[1] * (width - wide + 1))
        images = images.clone()
        box = (..., slice(top, top + tall), slice(left, left + wide))
        images[box] = other[box]
        share = 1 - tall * wide / (height * width)
    return images, torch.lerp(targets.roll(1, 0), targets, share)


def cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Normalised images [B, C, H, W] with a square at a place of each set to the mean."""
    far = []
    for length in images.shape[2:]:
        centre = torch.randint(length, (len(images), 1), generator=generator)
        place = torch.arange(length) - centre + side // 2
        far.append(((place < 0) | (place >= side)).to(images.device))
    return images * (far[0][:, None, :, None] | far[1][:, None, None, :])
