# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Which samples train, validate and test: shares of every class, and no group on both sides; of a
series or a text its rows in their order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import timedelta

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.tasks import generator_of

#: A month of the literature's splits.
MONTH = timedelta(days=30)


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


def fold_of(text: str) -> tuple[int, int]:
    """(number from 0, how many) of ``K/N``, the K-th of N folds."""
    first, _, count = text.partition("/")
    if first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count) > 1:
        return int(first) - 1, int(count)
    raise CatsError(f"fold is {text!r}: K/N, the K-th of N parts tests, of at least two")


def split_fold(
    labels: Tensor, fold: str, share: float, seed: int, groups: Sequence[str] | None = None
) -> list[Tensor]:
    """Indices that train, validate and test, as ``split`` deals: all are dealt into as many equal
    parts as ``fold`` K/N says, of which the K-th tests; of the others this ``share`` trains. Over
    all K every sample tests once."""
    k, count = fold_of(fold)
    dealt = split(labels, [1 / count] * count, seed, groups)
    known = torch.cat(dealt[:k] + dealt[k + 1 :]).sort().values
    own = None if groups is None else [groups[i] for i in known.tolist()]
    train, validation, _ = split(labels[known], (share, 1 - share, 0.0), seed, own)
    return [known[train], known[validation], dealt[k]]


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


def rows_of_parts(
    parts: str,
    rows: int,
    step: timedelta | None = None,
    what: str = "rows",
    least: int = 3,
    each: int = 1,
    otherwise: str = "or other --parts",
) -> list[int]:
    """Rows of each part of ``rows`` in their order: TRAIN:VALIDATION:TEST (with ``least`` 2 there
    may be no TEST) as shares, as rows or in months of 30 days, ``step`` a row. ``what`` they are
    called. CatsError of shares that are less than ``each``, which says what else to do
    (``otherwise``)."""
    texts = parts.split(":")
    names = "TRAIN:VALIDATION" + ("[:TEST]" if least == 2 else ":TEST")
    months = " or as months (12m:4m:4m)" if least == 3 else ""
    several = f"as shares, as {what}" if months else f"as shares or as {what}"
    wrong = CatsError(f"parts {parts!r}: give {names} {several}{months}")
    try:
        if not least <= len(texts) <= 3:
            raise wrong
        if all(text.endswith("m") for text in texts):
            counts = [int(text[:-1]) * _rows_a_month(step) for text in texts]
        elif all(text.isdigit() for text in texts):
            counts = [int(text) for text in texts]
        else:
            shares = [float(text) for text in texts]
            if not all(0 < share < 1 for share in shares) or sum(shares) > 1 + 1e-9:
                raise wrong
            ends = [int(sum(shares[:i]) * rows + 1e-6) for i in range(len(shares) + 1)]
            counts = [end - begin for begin, end in itertools.pairwise(ends)]
            if min(counts) < each:
                enough = math.ceil(each / min(shares) - 1e-6)
                raise CatsError(
                    f"{rows:,} {what} are too few for parts {parts!r} of {each:,} or more each: "
                    f"take {enough:,} or more, {otherwise}"
                )
    except ValueError:
        raise wrong from None
    if min(counts) < 1:
        raise wrong
    if sum(counts) > rows:
        raise CatsError(f"parts {parts!r} need {sum(counts)} {what}, the file has {rows}")
    return counts


def _rows_a_month(step: timedelta | None) -> int:
    if step is None:
        raise CatsError("parts in months need dates in the file")
    return round(MONTH / step)
