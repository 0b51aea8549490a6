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
ranks the columns of all gathers against what they cost on the air, frames and all: a gather that is
worth less than its frames keeps nothing, and is not on the air.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.forward_pass import LinearView, Norm
from cats.nn.model import CatsTransformer
from cats.plan.radio import FRAME_HEADER, Radio
from cats.plan.radio import radio as radio_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    PRUNABLE,
    KeepSets,
    Kind,
    full_keep,
    gather_kind,
    gather_rows,
    kept_count,
    own_ranges,
)
from cats.tasks import Task, generator_of

SCOPES = ("source", "gather")
CRITERIA = ("magnitude", "activation", "taylor")
#: Batches of training samples that the Taylor term and activations are taken over.
BATCHES = 16


def reading(model: CatsTransformer, g: int) -> tuple[nn.Linear | LinearView, Norm | None]:
    """The product that reads gather g, and the norm before it; not for RESULT."""
    kind, b = gather_kind(model.config, g)
    if kind == Kind.INPUT:
        return model.embed, None
    if kind == Kind.OUTPUT:
        return model.classifier, model.norm
    product, norm = {
        Kind.ATTENTION: ("qkv", "norm1"),
        Kind.HEADS: ("out", None),
        Kind.FORWARD: ("up", "norm2"),
        Kind.HIDDEN: ("down", None),
    }[kind]
    block = model.blocks[b]
    return getattr(block, product), norm and getattr(block, norm)


def computing(model: CatsTransformer, kind: Kind) -> Tensor:
    """float [D, O]: 1 where node d computes row o of the weights behind gathers of this kind. More
    than one node does where heads of several share keys and values."""
    reader, rows = getattr(model, f"reader_{kind.name}"), model.rows_ATTENTION
    if kind != Kind.ATTENTION or rows is None:
        return reader
    empty = reader.new_zeros(len(reader), len(model.blocks[0].qkv.weight))
    return empty.index_add(1, rows, reader)


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
    """float [O, K]: how many nodes compute row o of the weights and do not own column k: one or
    none, unless they share keys and values."""
    reader = computing(model, kind)
    return reader.T @ (~getattr(model, f"own_{kind.name}")).to(reader)


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
                rms = model.config.norm == "rms"
                x = (functional.rms_norm if rms else functional.layer_norm)(x, x.shape[-1:])
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
    if model.config.tied:
        raise CatsError(
            "gradients of a tied head are the embedding's as well, so Taylor's term says nothing "
            "of it: prune by magnitude or by activation"
        )
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
    ``importance(model)``; another criterion can be handed in. A source keeps one column at least,
    but at a ratio of 0 none: such a gather is not on the air.
    """
    if scope not in SCOPES:
        raise CatsError(f"pruning scope is {scope!r}: one of {', '.join(SCOPES)}")
    ratios = ratio if isinstance(ratio, Mapping) else dict.fromkeys(PRUNABLE, ratio)
    for kind, share in ratios.items():
        if kind not in PRUNABLE:
            raise CatsError(f"{kind.name} is never pruned")
        if not 0 <= share <= 1:
            raise CatsError(f"keep ratio is {share}: give 0 to 1")
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
        if scope == "source" or not ratios[kind]:
            counts = [kept_count(ratios[kind], width) for width in own]
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
        keep[g] = [columns[: kept_count(share, len(columns))] for columns in sources]
    return plan_air(make_plan(config, split, keep, radio=radio)).bytes


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
    ``taylor``). A gather takes its best columns first, in steps: so many at a time as are worth
    most for their bytes, with the frames that they take, and the first step pays for the frames
    that open the exchanges. The steps of all gathers are taken in this order as far as the budget
    reaches; what is left goes to columns of the step that did not fit, or of gathers that are on
    the air, whichever is worth more. A gather whose first step is not reached keeps nothing.
    CatsError where not even input and result fit.
    """
    from cats.plan.plan import plan_air
    from cats.plan.planner import make_plan

    config = config or model.config
    steps: list[tuple[float, int, int, int]] = []  # (-worth a byte, gather, first, last column)
    ranked: dict[int, list[int]] = {}
    for g, sources in enumerate(model.keep):
        if scores[g] is None:
            continue
        score = scores[g].tolist()
        ranked[g] = sorted((c for columns in sources for c in columns), key=lambda c: -score[c])
        cost = _bytes(config, model.split, g, ranked[g], radio_named(radio))
        steps += _steps(g, [score[c] for c in ranked[g]], cost)
    steps.sort()

    def keep_of(counts: Mapping[int, int]) -> KeepSets:
        kept = {g: set(columns[: counts.get(g, 0)]) for g, columns in ranked.items()}
        return [
            [tuple(c for c in columns if g not in kept or c in kept[g]) for columns in sources]
            for g, sources in enumerate(model.keep)
        ]

    def air(counts: Mapping[int, int]) -> int:
        return plan_air(make_plan(config, model.split, keep_of(counts), radio=radio)).bytes

    def reach(most: int, counts: Callable[[int], dict[int, int]]) -> tuple[int, dict[int, int]]:
        """The largest number, up to ``most``, whose counts the budget allows; and these."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if air(counts(middle)) <= budget else (low, middle - 1)
        return low, counts(low)

    if air({}) > budget:
        raise CatsError(f"air budget of {budget} bytes: the least possible is {air({})}")

    def filled(taken: dict[int, int]) -> dict[int, int]:
        """As many more columns of gathers that are on the air as fit."""
        rest = sorted(
            (-scores[g][c].item() / gather_rows(config, g)[1], g, i)
            for g, count in taken.items()
            for i, c in enumerate(ranked[g][count:], count)
        )
        return reach(len(rest), lambda n: taken | {g: i + 1 for _, g, i in rest[:n]})[1]

    def worth(counts: Mapping[int, int]) -> float:
        return sum(float(scores[g][ranked[g][:count]].sum()) for g, count in counts.items())

    number, taken = reach(len(steps), lambda n: {g: last for _, g, _, last in steps[:n]})
    found = [filled(taken)]
    if number < len(steps):
        _, g, first, last = steps[number]
        _, part = reach(last - first, lambda n: taken | ({g: first + n} if n else {}))
        found.append(filled(part))
    return keep_of(max(found, key=worth))


def _bytes(
    config: ModelConfig, split: SplitConfig, g: int, columns: Sequence[int], radio: Radio
) -> list[int]:
    """Bytes on the air, about, of gather g with none, the first, the first two .. of these columns:
    as if tiles were as high as one frame of the widest source allows."""
    rows, payload, header = gather_rows(config, g)[1], radio.payload, FRAME_HEADER + radio.overhead
    ranges = own_ranges(config, split, gather_kind(config, g)[0])
    source = {c: s for s, (begin, end) in enumerate(ranges) for c in range(begin, end)}
    widths = [0] * split.nodes
    found = [0]
    for n, column in enumerate(columns, 1):
        widths[source[column]] += 1
        height = min(rows, max(1, payload // max(widths)))
        frames = 1 + sum(math.ceil(height * width / payload) for width in widths)
        found.append(max(found[-1], n * rows + math.ceil(rows / height) * frames * header))
    return found


def _steps(
    g: int, worth: Sequence[float], cost: Sequence[int]
) -> list[tuple[float, int, int, int]]:
    """(-worth a byte, g, columns before, columns behind) of the steps by which a gather takes its
    columns: the edges of the hull above the points (cost, worth of the best columns)."""
    total = [0.0, *itertools.accumulate(worth)]
    hull = [0]
    for n in range(1, len(total)):
        while len(hull) > 1 and _slope(total, cost, hull[-1], n) >= _slope(total, cost, *hull[-2:]):
            hull.pop()
        hull.append(n)
    return [(-_slope(total, cost, a, b), g, a, b) for a, b in itertools.pairwise(hull)]


def _slope(total: Sequence[float], cost: Sequence[int], a: int, b: int) -> float:
    """Worth a byte of the columns from a to b; as much as there is where they cost nothing."""
    return (total[b] - total[a]) / (cost[b] - cost[a]) if cost[b] > cost[a] else math.inf
