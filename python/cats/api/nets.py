# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nets: one of a shape, one over nodes, and the losses that it trains with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from cats.errors import CatsError
from cats.nn.deal import deal
from cats.nn.message_dropout import PAYLOAD, MessageDropout, parse_probability
from cats.nn.model import CatsTransformer
from cats.nn.prune import select
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import Links
from cats.shape.partition import heard_keep, local_keep
from cats.training.evaluate import MODE_SETS
from cats.training.options import Training

#: A loss probability 0..1, or the range that it is drawn from: 0.2, (0, 0.3), "0:0.3".
LossRange = float | str | Sequence[float]


def check_net(net: object) -> CatsTransformer:
    """The net, or CatsError for anything else."""
    if isinstance(net, CatsTransformer):
        return net
    raise CatsError(f"a {type(net).__name__} is no net of this package: import a module with "
                    "cats.from_torch(module), or make a cats.Transformer")  # fmt: skip


def Transformer(  # noqa: N802 (it stands for a class)
    tokens_in: int,
    inputs: int,
    outputs: int,
    *,
    features: int = 64,
    heads: int = 8,
    hidden: int = 128,
    blocks: int = 2,
    activation: str = "gelu",
    pool: str = "mean",
    causal: bool = False,
    dropout: float = 0.0,
    seed: int | None = None,
    **more: Any,
) -> CatsTransformer:
    """A transformer with random weights, on one node: [B, tokens_in, inputs] to [B, 1, outputs].

    ``features`` must be a multiple of ``heads``; as many nodes can share it as it has heads.
    ``pool`` says what the head reads: the ``mean`` over tokens, a ``class`` token, the ``last``
    token, or ``all`` (one output row a token). ``dropout`` is ordinary dropout, 0 to below 1.
    ``seed`` (None: PyTorch's random state) fixes the weights. ``more``: other fields of
    :class:`cats.shape.config.ModelConfig`. CatsError for a shape that cannot be built.
    """
    try:
        config = ModelConfig(
            tokens_in=tokens_in, inputs=inputs, outputs=outputs, features=features, heads=heads,
            hidden=hidden, blocks=blocks, activation=activation, pool=pool, causal=causal, **more,
        )  # fmt: skip
    except TypeError as error:
        raise CatsError(f"Transformer: {error}") from None
    config.check()
    if not 0 <= dropout < 1:
        raise CatsError(f"dropout is {dropout}: at least 0 and less than 1")
    split = SplitConfig.even(config, 1)
    if seed is None:
        return CatsTransformer(config, split, dropout=dropout)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed % 2**64)
        return CatsTransformer(config, split, dropout=dropout)


def partition(
    model: CatsTransformer,
    nodes: int | None = None,
    *,
    shares: Sequence[float] | None = None,
    keep: float | Mapping[str, float] = 1.0,
    local_blocks: int = 0,
    input_split: str = "single",
    output_split: str = "single",
    sensors: int = 1,
    prune_scope: str = "source",
) -> CatsTransformer:
    """The model over ``nodes`` (1 to 16), a module of its own; ``model`` stays as it is.

    ``shares``: uneven parts, a number for each node, in whole heads; a node of 0 only senses.
    ``keep``: the share of columns that is broadcast, 0 to 1, one for all gathers or by kind
    (``{"attention": 0.5, "heads": ..., "forward": ..., "hidden": ..., "output": ...}``; with 0 such
    a gather is not on the air, every node goes on with its own columns); the columns that other
    nodes read with the largest weights are kept, a share of every source's or,
    with ``prune_scope="gather"``, the best of all. To prune step by step while it learns, leave it
    at 1 and give ``keep`` to ``fit``. The first ``local_blocks`` blocks send nothing: where that is
    all of them, one exchange at the end is left, late fusion. ``input_split``: node 0 has the raw
    input (``single``), or its columns are spread (``channels``; with several ``sensors``, equal
    parts of the columns, each stays whole). ``output_split``: node 0 computes the result
    (``single``), or its columns are spread (``even``).

    While nothing is pruned it computes what ``model`` computes. The forward takes what each node
    heard, ``net(x, losses)`` (``message_dropout`` draws it); without, nothing is lost.
    """
    check_net(model)
    if (nodes is None) == (shares is None):
        raise CatsError("give the number of nodes, or shares, a number for each node")
    shares = (1,) * nodes if shares is None else tuple(shares)
    options = Training(keep=_keep(keep), prune_scope=prune_scope, local_blocks=local_blocks)
    options.check()
    split = SplitConfig.by_shares(model.config, shares, input_split, output_split, sensors)
    with torch.random.fork_rng([]):
        net, changed = deal(model, split)
    net.to(model.device)
    if changed:
        warnings.warn(
            f"the model is pruned in {', '.join(changed)}, where a norm reads: over other nodes it "
            "computes something else until it is trained on",
            stacklevel=2,
        )
    if any(ratio < 1 for ratio in options.keep_ratios().values()) and split.nodes > 1:
        keep = select(net, options.keep_ratios(), scope=prune_scope)
        net.set_keep(heard_keep(net.config, split, keep))
        net.scales = None
    if local_blocks and split.nodes > 1:
        keep = local_keep(net.config, net.keep, local_blocks)
        net.set_keep(heard_keep(net.config, split, keep))
        net.scales = None
    return net


def _keep(keep: float | Mapping[str, float]) -> float | dict[str, float]:
    values = keep.values() if isinstance(keep, Mapping) else [keep]
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise CatsError(f"keep is {keep!r}: give a share, 0 to 1, or one by kind")
    return dict(keep) if isinstance(keep, Mapping) else keep


def message_dropout(
    net: CatsTransformer,
    losses: LossRange | None = None,
    *,
    granularity: str = "packet",
    modes: str | Sequence[str] = "mixed",
    patterns: int = 4,
    payload: int = PAYLOAD,
    tile_rows: int | Sequence[int] | None = None,
    links: Links | None = None,
    hops: int = 1,
) -> MessageDropout:
    """Draws what each node hears, for a training loop of one's own::

        dropout = cats.message_dropout(net, "0:0.3")
        for x, y in loader:
            loss = criterion(net(x, dropout.draw(len(x)))[:, 0], y)

    It is of the keep sets and the device that ``net`` has now. Options as of ``fit``, ``links`` and
    ``hops`` among them; :class:`cats.nn.message_dropout.MessageDropout` says what is drawn.
    """
    check_net(net)
    return MessageDropout(
        net.config, net.split, net.keep, loss_range(losses, links), granularity,
        loss_modes(modes), patterns, payload, tile_rows, net.device, links, hops,
    )  # fmt: skip


def loss_range(losses: LossRange | None, links: Links | None = None) -> tuple[float, float]:
    """(lo, hi) of a probability or a range of it; of None what suits."""
    if losses is None:
        losses = "0:0.3" if links is None else 0
    if isinstance(losses, str):
        return parse_probability(losses)
    try:
        values = [float(v) for v in losses] if isinstance(losses, Sequence) else [float(losses)]
    except (TypeError, ValueError):
        values = []
    if len(values) not in (1, 2):
        raise CatsError(f'losses are {losses!r}: give a probability, or a range: "0:0.3"')
    return parse_probability(":".join(map(repr, values)))


def loss_modes(modes: str | Sequence[str]) -> tuple[str, ...]:
    """Ways to lose by one name, or those that are given."""
    if not isinstance(modes, str):
        return tuple(modes)
    if modes not in MODE_SETS:
        raise CatsError(f"modes are {modes!r}: one of {', '.join(MODE_SETS)}")
    return MODE_SETS[modes]
