# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Which columns are worth sending.

A column's importance is the sum of |W| over the weights through which *other* nodes read it; where
a norm stands before the product, its gain counts as part of W. By default every source keeps the
same share of its own columns, because its slot on the air is as long as anybody's: a source that
keeps more makes all slots longer. ``scope="gather"`` ranks all columns of a gather together
instead, which spends the same bytes unevenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from cats.errors import CatsError
from cats.model import CatsTransformer
from cats.partition import PRUNABLE, KeepSets, Kind, gather_kind, own_ranges

SCOPES = ("source", "gather")


def reading(model: CatsTransformer, g: int) -> tuple[nn.Linear, nn.LayerNorm | None]:
    """The product that reads gather g, and the norm before it; not for RESULT."""
    kind, b = gather_kind(model.config, g)
    block = model.blocks[b]
    return {
        Kind.INPUT: (model.embed, None),
        Kind.ATTENTION: (block.qkv, block.norm1),
        Kind.HEADS: (block.out, None),
        Kind.FORWARD: (block.up, block.norm2),
        Kind.HIDDEN: (block.down, None),
        Kind.OUTPUT: (model.head, model.norm),
    }[kind]


@torch.no_grad()
def importance(model: CatsTransformer) -> list[Tensor | None]:
    """For each gather float [K], the importance of its columns; None where nothing is pruned."""
    scores: list[Tensor | None] = []
    for g in range(len(model.keep)):
        kind, _ = gather_kind(model.config, g)
        if kind not in PRUNABLE:
            scores.append(None)
            continue
        linear, norm = reading(model, g)
        weight = linear.weight.abs()  # [O, K]
        if norm is not None:
            weight = weight * norm.weight.abs()
        reader = getattr(model, f"reader_{kind.name}").to(weight)  # [D, O]
        own = getattr(model, f"own_{kind.name}").to(weight)  # [D, K]
        scores.append((weight * (1 - reader.T @ own)).sum(0))
    return scores


def select(
    model: CatsTransformer,
    ratio: float | Mapping[Kind, float],
    scores: Sequence[Tensor | None] | None = None,
    scope: str = "source",
) -> KeepSets:
    """Keep sets of the best columns among those that ``model`` still broadcasts.

    ``ratio``: kept share of a source's own columns, one for all gathers or one for each kind (a
    kind that is absent stays as it is). ``scores``: float [K] for each gather, by default
    ``importance(model)``; another criterion can be handed in. A source always keeps one column.
    """
    if scope not in SCOPES:
        raise CatsError(f"pruning scope is {scope!r}: one of {', '.join(SCOPES)}")
    ratios = ratio if isinstance(ratio, Mapping) else dict.fromkeys(PRUNABLE, ratio)
    for kind, share in ratios.items():
        if kind not in PRUNABLE:
            raise CatsError(f"{kind.name} is never pruned")
        if not 0 < share <= 1:
            raise CatsError(f"keep ratio is {share}: give more than 0 and at most 1")
    scores = importance(model) if scores is None else scores
    keep = []
    for g, sources in enumerate(model.keep):
        kind, _ = gather_kind(model.config, g)
        if kind not in ratios:
            keep.append(list(sources))
            continue
        own = [end - begin for begin, end in own_ranges(model.config, model.split, kind)]
        score = scores[g].tolist()
        ranked = [sorted(columns, key=lambda c: (-score[c], c)) for columns in sources]
        if scope == "source":
            counts = [max(1, round(ratios[kind] * width)) for width in own]
        else:
            first = [columns[0] for columns in ranked if columns]
            rest = sorted((c for r in ranked for c in r[1:]), key=lambda c: (-score[c], c))
            best = {*first, *rest[: max(0, round(ratios[kind] * sum(own)) - len(first))]}
            counts = [sum(c in best for c in columns) for columns in ranked]
        keep.append([tuple(sorted(r[:n])) for r, n in zip(ranked, counts, strict=True)])
    return keep


def step_ratios(ratio: float, steps: int) -> list[float]:
    """Keep ratios that lead from 1 down to ``ratio`` in equal steps."""
    return [1 - (1 - ratio) * (i + 1) / steps for i in range(steps)]
