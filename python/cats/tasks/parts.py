# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Which samples train, validate and test: shares of every class, and no group on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.tasks import generator_of


def split(
    labels: Tensor,
    shares: Sequence[float],
    seed: int,
    groups: Sequence[str] | None = None,
) -> list[Tensor]:
    """Indices of each part, in order: these ``shares`` of every class of ``labels`` int64 [n],
    drawn by ``seed``. With ``groups`` all samples of one group are in one part, and shares are met
    as far as that allows."""
    generator = generator_of(seed)
    if groups is not None:
        return _split_groups(labels, shares, generator, groups)
    ends = torch.tensor(shares[:-1], dtype=torch.float64).cumsum(0).tolist()
    parts: list[list[Tensor]] = [[] for _ in shares]
    for label in labels.unique():
        members = (labels == label).nonzero()[:, 0]
        members = members[torch.randperm(len(members), generator=generator)]
        chunks = members.tensor_split([round(end * len(members)) for end in ends])
        for part, chunk in zip(parts, chunks, strict=True):
            part.append(chunk)
    return [torch.cat(part).sort().values for part in parts]


def _split_groups(
    labels: Tensor, shares: Sequence[float], generator: torch.Generator, groups: Sequence[str]
) -> list[Tensor]:
    """The largest group first (equal ones in random order), each goes where it brings the part's
    number of every class nearest to its share, by squares relative to that share; the last groups
    go to parts that are still empty."""
    names = sorted(set(groups))
    used = [p for p, share in enumerate(shares) if share > 0]
    if len(names) < len(used):
        raise CatsError(f"{len(names)} groups: at least {len(used)}, one for each part")
    number = {name: i for i, name in enumerate(names)}
    group = torch.tensor([number[name] for name in groups])
    classes = int(labels.max()) + 1
    counts = torch.stack(
        [labels[group == g].bincount(minlength=classes) for g in range(len(names))]
    )
    want = torch.tensor(shares, dtype=torch.float64)[:, None] * counts.sum(0).clamp(min=1)
    held, where = torch.zeros_like(want), {}
    order = torch.randperm(len(names), generator=generator)
    order = order[counts.sum(1)[order].argsort(descending=True, stable=True)]
    for done, g in enumerate(order.tolist()):
        empty = [p for p in used if not held[p].any()]

        def cost(p: int, g: int = g) -> float:
            before, after = (held[p] / want[p] - 1), (held[p] + counts[g]) / want[p] - 1
            return (after.square() - before.square()).sum().item()

        where[g] = min(empty if len(names) - done <= len(empty) else used, key=cost)
        held[where[g]] += counts[g]
    part = torch.tensor([where[g] for g in range(len(names))])[group]
    return [(part == p).nonzero()[:, 0] for p in range(len(shares))]
