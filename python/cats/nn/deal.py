# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A trained model over other nodes.

Where nothing was pruned, every node reads all columns, so D nodes compute the same function for
every D. Where columns were pruned, the nodes differ in what they read:

* Without a norm (HEADS, HIDDEN) an output is a sum over the columns that it reads. What it did not
  read before keeps out of the sum by weights of zero, and its new owner broadcasts what any other
  node reads: the same function for every split.
* With a norm (ATTENTION, FORWARD, OUTPUT) mean and variance are taken over all that a node has. It
  is the same function exactly where every output's node has the very columns that it had before,
  and all nodes that share a key/value head have the same.
"""

from __future__ import annotations

import torch

from cats.errors import CatsError
from cats.nn.model import CatsTransformer
from cats.nn.prune import computing, reading
from cats.shape.config import SplitConfig
from cats.shape.partition import PRUNABLE, Kind, full_keep, gather_kind, own_ranges


def _check_own(model: CatsTransformer, dealt: CatsTransformer) -> None:
    """CatsError where a node's stem or own embedding would read inputs, or hidden columns, that are
    another's. What no node of before read becomes zero."""
    if model.config.stem:
        layers = [(dealt.stem, model.stem_blocks, dealt.stem_blocks)]
    else:
        reads = [(m.reader_INPUT.T @ m.own_INPUT.float()).bool() for m in (model, dealt)]
        layers = [(dealt.embed, *reads)]
    if model.config.embed_layers == 2:
        layers.append((dealt.embed_out, model.embed_out_blocks, dealt.embed_out_blocks))
    for linear, before, _ in layers:
        linear.weight.mul_(before)
    if any(linear.weight[~after].any() for linear, _, after in layers):
        raise CatsError(
            "each node of this model reads its own inputs alone: over these nodes one would need "
            "another's; give each node whole nodes of before, or train with embed 'full'"
        )


@torch.no_grad()
def deal(model: CatsTransformer, split: SplitConfig) -> tuple[CatsTransformer, list[str]]:
    """(the model over ``split``, kinds of gathers whose norm there is over other columns).

    Where the second is empty both compute the same outputs while nothing is lost, but for the order
    of floats' sums; else it is where finetuning starts. Keep sets are the least that it takes; a
    gather that broadcast everything still does. ``model`` itself is left as it is.
    """
    dealt = CatsTransformer(model.config, split, dropout=model.dropout)
    dealt.load_state_dict(model.state_dict())
    columns = torch.arange(0)
    if model.config.parallel_blocks:  # of each of a gather HIDDEN, its place in that of before
        columns = model.parallel_columns.argsort()[dealt.parallel_columns]
        for block in dealt.blocks:
            block.down.weight.copy_(block.down.weight[:, columns])
    dealt.train(model.training)
    dealt.metadata, dealt.scales = model.metadata, model.scales
    if split == model.split:
        dealt.set_keep(model.keep)
        return dealt, []
    all_before, keep = full_keep(model.config, model.split), full_keep(model.config, split)
    changed: dict[str, None] = {}
    for g in range(len(keep)):
        kind, _ = gather_kind(model.config, g)
        unpruned = model.split.nodes == 1 or model.keep[g] == all_before[g]
        if kind == Kind.INPUT and model.config.embed != "full":
            _check_own(model, dealt)
        if kind not in PRUNABLE or unpruned:
            continue
        if kind == Kind.OUTPUT and model.config.tied:
            raise CatsError(
                "the head of this model has the embedding's weights and is pruned: it cannot be "
                "dealt to other nodes"
            )
        linear, norm = reading(dealt, g)
        before, after = (computing(m, kind) for m in (model, dealt))  # [D, O]
        own = getattr(dealt, f"own_{kind.name}")  # [D, K]
        view = getattr(model, f"view_{g}")  # [D, K]
        if kind == Kind.HIDDEN and model.config.parallel_blocks:
            view = view[:, columns]
        read = (before.T @ view.float()).bool()  # [O, K]
        linear.weight.mul_(read)
        needed = (after @ read.float()).bool()  # [D, K]
        sent = (needed & ~own).any(0)
        if split.nodes > 1:
            keep[g] = [
                tuple(c for c in range(begin, end) if sent[c])
                for begin, end in own_ranges(model.config, split, kind)
            ]
        sent[[column for columns in keep[g] for column in columns]] = True
        has = after.T @ (own | sent).float()  # [O, K]: by how many nodes
        alike = (has == after.sum(0)[:, None] * read).all()
        shared = before.T @ (~view).float()
        if norm is not None and not (alike and not (read & shared.bool()).any()):
            changed[kind.name.lower()] = None
    dealt.set_keep(keep)
    return dealt, list(changed)
