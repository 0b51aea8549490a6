# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What printing a model shows: its shape, what each node has of it, which columns are sent."""

from __future__ import annotations

from typing import Protocol

from cats.plan.predict import image_size, parameters
from cats.report import table
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, full_keep, gather_kind, gather_rows, send_widths


class Shaped(Protocol):
    """A model over nodes: ``cats.nn.model.CatsTransformer``, ``cats.integer.model.IntegerModel``,
    or what was planned for one."""

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets


def same_shape(one: Shaped, other: Shaped) -> bool:
    """Whether two are of one shape, over the same nodes, with the same columns sent."""

    def shape(of: Shaped) -> tuple:
        return of.config, of.split, [[tuple(columns) for columns in sources] for sources in of.keep]

    return shape(one) == shape(other)


def shape_line(model: Shaped) -> str:
    """Parameters, nodes and shape in one line."""
    config, nodes = model.config, model.split.nodes
    count = parameters(config, model.split)
    tokens = f"{config.tokens} of {config.context}" if config.context else config.tokens
    return (
        f"{count:,} parameters on {nodes} {'node' if nodes == 1 else 'nodes'}: "
        f"{config.blocks} {'block' if config.blocks == 1 else 'blocks'}, {tokens} tokens, "
        f"{config.features} features, {config.heads} heads, {config.hidden} hidden, "
        f"{config.inputs} inputs, {config.outputs} outputs"
    )


def summary(model: Shaped) -> str:
    """The tables for people. ``flash`` is a node's image in bytes; ``bytes`` are what all nodes
    together broadcast in one inference, without headers and repair."""
    config, split, keep = model.config, model.split, model.keep
    nodes = [
        [d, split.heads[d], split.hidden[d], split.inputs[d], split.outputs[d],
         image_size(config, split, keep, d)[0] if config.has_integers else "-"]
        for d in range(split.nodes)
    ]  # fmt: skip
    lines = [
        shape_line(model),
        "",
        table(["node", "heads", "hidden", "inputs", "outputs", "flash"], nodes),
    ]
    if split.nodes == 1:
        return "\n".join(lines)
    full = full_keep(config, split)
    sums = {gather_kind(config, g)[0]: [0, 0, 0] for g in range(len(keep))}
    for g, (sent, all_of_it) in enumerate(zip(keep, full, strict=True)):
        row = sums[gather_kind(config, g)[0]]
        row[0] += sum(map(len, sent))
        row[1] += sum(map(len, all_of_it))
        row[2] += gather_rows(config, g)[1] * sum(send_widths(config, split, keep, g))
    rows = [[kind.name.lower(), *row] for kind, row in sums.items()]
    rows.append(["all", *map(sum, zip(*sums.values()))])
    return "\n".join([*lines, "", table(["gather", "columns sent", "of", "bytes"], rows)])
