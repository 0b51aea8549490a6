# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Which columns are worth sending.

By magnitude, a column's importance is the sum of ``|W|`` over the weights through which *other*
nodes read it; where a norm stands before the product, its gain counts as part of W. By activation
it is that sum times the root mean square of what the column carries. By the first-order Taylor term
it is how much the loss would change to first order if these weights were zero, so it can be
compared from gather to gather.

By default every source keeps the same share of its own columns, because its slot on the air is as
long as anybody's: a source that keeps more makes all slots longer. ``scope="gather"`` ranks all
columns of a gather together instead, which spends the same bytes unevenly, and ``within_budget``
ranks the columns of all gathers against what they cost on the air.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.model import CatsTransformer
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    PRUNABLE,
    KeepSets,
    Kind,
    full_keep,
    gather_kind,
    gather_rows,
    own_ranges,
)
from cats.tasks import Task, generator_of

SCOPES = ("source", "gather")
CRITERIA = ("magnitude", "activation", "taylor")
#: Batches of training samples that the Taylor term and activations are taken over.
BATCHES = 16


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
        scores.append((weight * from_afar(model, kind)).sum(0))
    return scores


def from_afar(model: CatsTransformer, kind: Kind) -> Tensor:
    """float [O, K]: 1 where the node that computes output o does not own column k."""
    reader, own = getattr(model, f"reader_{kind.name}"), getattr(model, f"own_{kind.name}")
    return 1 - reader.T @ own.to(reader)


@torch.no_grad()
def by_activation(model: CatsTransformer, task: Task, batch: int = 64, seed: int = 0) -> list:
    """For each gather float [K]: ``importance`` times the root mean square of the column over
    ``BATCHES`` batches of training samples, nothing lost, behind the norm of its row where one
    stands before the product; None where nothing is pruned."""
    generator = generator_of(seed)
    power: dict[str, Tensor] = {}

    def count(name: str, x: Tensor) -> None:
        if name.startswith("gather"):
            if reading(model, int(name[6:]))[1] is not None:
                x = functional.layer_norm(x, x.shape[-1:])
            power[name] = power.get(name, 0) + x.square().mean((0, 1)) / BATCHES

    training = model.training
    model.eval()
    for x, _ in task.draws(BATCHES, batch, model.config.output_rows, generator):
        model(x.to(model.device), observe=count)
    model.train(training)
    return [
        None if score is None else score * power[f"gather{g}"].sqrt()
        for g, score in enumerate(importance(model))
    ]


def taylor(model: CatsTransformer, task: Task, batch: int = 64, seed: int = 0) -> list:
    """For each gather float [K]: the mean over ``BATCHES`` batches of training samples of
    ``|sum of W times its gradient|`` over the weights through which other nodes read the column,
    nothing lost; None where nothing is pruned. Leaves the model's gradients empty."""
    generator = generator_of(seed)
    prunable = [gather_kind(model.config, g)[0] in PRUNABLE for g in range(len(model.keep))]
    scores: list = [0.0 if prune else None for prune in prunable]
    training = model.training
    model.eval()
    for x, targets in task.draws(BATCHES, batch, model.config.output_rows, generator):
        model.zero_grad()
        task.loss(model(x.to(model.device)), targets.to(model.device)).backward()
        for g, prune in enumerate(prunable):
            if prune:
                linear, _ = reading(model, g)
                term = linear.weight.detach() * linear.weight.grad
                term = (term * from_afar(model, gather_kind(model.config, g)[0])).sum(0)
                scores[g] = scores[g] + term.abs() / BATCHES
    model.zero_grad()
    model.train(training)
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
            counts = [_count(ratios[kind], width) for width in own]
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


def even_bytes(
    config: ModelConfig, split: SplitConfig, ratios: Mapping[Kind, float], radio: str = "ieee802154"
) -> int:
    """Bytes that an inference puts on the air where every source keeps these shares."""
    from cats.plan.plan import plan_air
    from cats.plan.planner import make_plan

    keep = full_keep(config, split)
    for g, sources in enumerate(keep):
        share = ratios.get(gather_kind(config, g)[0], 1.0)
        keep[g] = [columns[: _count(share, len(columns))] for columns in sources]
    return plan_air(make_plan(config, split, keep, radio=radio)).bytes


def _count(share: float, width: int) -> int:
    """Columns that a source of so many keeps."""
    return min(width, max(1, round(share * width)))


def within_budget(
    model: CatsTransformer,
    scores: Sequence[Tensor | None],
    budget: int,
    radio: str = "ieee802154",
    config: ModelConfig | None = None,
) -> KeepSets:
    """The keep sets of the largest worth whose inference puts at most ``budget`` bytes on the air,
    nothing lost, headers included; of the columns that ``model`` still broadcasts. ``config``: the
    model as it will be used, where fewer rows are read than in training (None: as it is).

    A column's worth is its score (float [K] for each gather, comparable from gather to gather:
    ``taylor``) over the rows in which it is sent. Columns are taken in this order as far as the
    budget reaches; every source keeps one. CatsError where not even these fit.
    """
    from cats.plan.plan import plan_air
    from cats.plan.planner import make_plan

    config = config or model.config
    first: dict[tuple[int, int], int] = {}
    rest: list[tuple[float, int, int, int]] = []
    for g, sources in enumerate(model.keep):
        if scores[g] is None:
            continue
        rows, score = gather_rows(config, g)[1], scores[g].tolist()
        for s, columns in enumerate(sources):
            ranked = sorted(columns, key=lambda c: (-score[c], c))
            if ranked:
                first[g, s] = ranked[0]
            rest += [(-score[c] / rows, g, s, c) for c in ranked[1:]]
    rest.sort()

    def keep_of(count: int) -> KeepSets:
        kept = {place: [column] for place, column in first.items()}
        for _, g, s, column in rest[:count]:
            kept[g, s].append(column)
        return [
            list(sources)
            if scores[g] is None
            else [tuple(sorted(kept.get((g, s), ()))) for s in range(len(sources))]
            for g, sources in enumerate(model.keep)
        ]

    def air(count: int) -> int:
        return plan_air(make_plan(config, model.split, keep_of(count), radio=radio)).bytes

    if air(0) > budget:
        raise CatsError(f"air budget of {budget} bytes: the least possible is {air(0)}")
    low, high = 0, len(rest)
    while low < high:
        middle = (low + high + 1) // 2
        if air(middle) <= budget:
            low = middle
        else:
            high = middle - 1
    return keep_of(low)
