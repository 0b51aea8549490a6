# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Labelled series of sensors as a file holds them, before they become samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.tasks.values import outlier

#: What becomes of series of unequal lengths.
LENGTHS = ("refuse", "pad", "crop")


@dataclass(frozen=True)
class Recordings:
    """``series`` float32 [steps, channels] each, of any length; of each its label, its place in the
    file for messages (``line 7``), and its group where there are groups. ``channels`` are names.
    Where numbers are to be estimated, ``values`` float64 [n, T] stand in place of labels.
    ``notes`` say what was taken of the file, ``warnings`` what may be wrong with it."""

    path: Path
    channels: tuple[str, ...]
    series: Sequence[Tensor]
    labels: Sequence[str]
    places: Sequence[str]
    sha256: str
    groups: Sequence[str] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    values: Tensor | None = None

    def check(self) -> None:
        """CatsError where one value dwarfs all others of its channel."""
        steps = [0, *torch.tensor([len(values) for values in self.series]).cumsum(0).tolist()]
        together = torch.cat(list(self.series)).double().numpy()
        for c, name in enumerate(self.channels):
            at = outlier(together[:, c])
            if at is not None:
                i = next(i for i, end in enumerate(steps[1:]) if at < end)
                raise CatsError(
                    f"{self.path}, {self.places[i]}, step {at - steps[i]}, {name}: "
                    f"{together[at, c]:g} is out of all proportion to the others: take it out"
                )

    def length(self, lengths: str) -> int:
        """Steps that all series shall have: those that they have; where they differ, the longest
        (``pad``) or the shortest (``crop``)."""
        counts = [len(values) for values in self.series]
        if lengths == "refuse" and min(counts) < max(counts):
            odd = next(i for i, count in enumerate(counts) if count != counts[0])
            raise CatsError(
                f"{self.path}, {self.places[odd]}: {counts[odd]} steps, the first series has "
                f"{counts[0]}: give --lengths pad or crop, or cut them yourself"
            )
        return min(counts) if lengths == "crop" else max(counts)

    def stacked(self, steps: int, lengths: str) -> Tensor:
        """float32 [n, steps, channels]. Unless lengths are refused, a longer series loses its
        oldest steps, and a shorter one begins with its first step repeated, so that the newest step
        is always the last."""
        found = []
        for values, place in zip(self.series, self.places):
            lack = steps - len(values)
            if lack and lengths == "refuse":
                raise CatsError(
                    f"{self.path}, {place}: {len(values)} steps, not {steps} as in the training "
                    "part: give --lengths pad or crop"
                )
            found.append(torch.cat((values[:1].expand(max(0, lack), -1), values[max(0, -lack) :])))
        return torch.stack(found)
