#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What decides how much a loss costs a model that was trained without message dropout.

``loss_cost.py RUN`` scores one trained model with all columns sent (a plain transformer: its
weights do not depend on the number of nodes) on its test part, for several numbers of nodes, whole
messages or packets, and three rules for what is missing: the norm over the columns that a node has
(this project's), the same with each product scaled up by all columns over those that it has, or the
norm over all columns with zeros for the missing ones, as a plain transformer would take it.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import statistics
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.arguments import whole
from cats.errors import CatsError
from cats.nn.forward_pass import ForwardPass
from cats.nn.message_dropout import Heard
from cats.nn.model import CatsTransformer
from cats.report import table, write_json
from cats.shape.config import SplitConfig
from cats.shape.partition import full_keep
from cats.training.evaluate import score_at
from cats.training.run_folder import load_run, load_task


class ScaledUp(ForwardPass):
    """Each product is made up for what is missing."""

    def masks(self, heard: Heard, x: Tensor, reader: Tensor) -> bool:
        """Never: the rule is one of views."""
        return False

    def by_views(
        self,
        g: int,
        x: Tensor,
        mask: Tensor,
        reader: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm: nn.LayerNorm | None,
        average: bool = False,
    ) -> Tensor:
        """This project's, scaled by all columns over those that a node has."""
        out = super().by_views(g, x, mask, reader, weight, bias, norm) - bias
        scale = mask.shape[-1] / mask.sum(-1).clamp_min(1).to(x)  # [B, rows, D]
        out = out * (scale @ reader) + bias
        return out.mean(1, keepdim=True) if average else out


class Zeros(ScaledUp):
    """An ordinary norm over columns of which the missing ones are zero."""

    def by_views(
        self,
        g: int,
        x: Tensor,
        mask: Tensor,
        reader: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm: nn.LayerNorm | None,
        average: bool = False,
    ) -> Tensor:
        """A plain transformer's."""
        view = torch.where(mask, x[:, :, None, :], 0)
        view = view if norm is None else norm(view)
        out = x.new_empty(*x.shape[:2], len(weight))
        for d, columns in enumerate(reader.bool()):
            out[:, :, columns] = functional.linear(view[:, :, d], weight[columns], bias[columns])
        return out.mean(1, keepdim=True) if average else out


RULES = {
    "columns it has": ForwardPass,
    "products scaled up": ScaledUp,
    "zeros for the missing": Zeros,
}


def costs(
    path: Path, nodes: list[int], losses: list[float], step: int, repeats: int, every: bool
) -> dict:
    """The figures of one RUN; ``every``: over the forecasts after every token."""
    trained, info = load_run(path)
    config = dataclasses.replace(trained.config, pool="all") if every else trained.config
    task = load_task(info)
    if trained.keep != full_keep(config, trained.split):
        raise CatsError(f"{path} is pruned: its weights would not fit other numbers of nodes")
    part = task.test.every(step)
    records = []
    for count, granularity, name in itertools.product(nodes, ("packet", "message"), RULES):
        if count > config.heads:
            continue
        split = SplitConfig.even(config, count, output_split="single")
        model = CatsTransformer(config, split)
        model.load_state_dict(trained.state_dict())
        model.forward_pass = RULES[name]
        scores = []
        for loss in losses:
            seeds = range(repeats if loss else 1)
            found = [
                score_at(model, task, part, loss, seed, granularity, every_token=every)
                for seed in seeds
            ]
            scores.append(statistics.fmean(figures[task.metric] for figures in found))
        records.append({"nodes": count, "granularity": granularity, "rule": name, "scores": scores})
        print(json.dumps(records[-1]), flush=True)
    return {"run": path.name, "metric": task.metric, "samples": len(part), "losses": losses,
            "records": records}  # fmt: skip


def main() -> None:
    """Score, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("run", type=Path, metavar="RUN", help="trained without message dropout")
    parser.add_argument("--nodes", type=whole(), nargs="+", default=[4, 8, 16])
    parser.add_argument("--losses", type=float, nargs="+", default=[0, 0.1])
    parser.add_argument(
        "--step", type=whole(), default=1, help="score every so manieth test sample"
    )
    parser.add_argument("--repeats", type=whole(), default=1, help="draws of the losses")
    parser.add_argument(
        "--every-token", action="store_true", help="score the forecasts after every token"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = costs(args.run, args.nodes, args.losses, args.step, args.repeats, args.every_token)
    rows = [
        (r["nodes"], r["granularity"], r["rule"], *(f"{v:.4f}" for v in r["scores"]),
         f"{100 * (r['scores'][-1] / r['scores'][0] - 1):+.0f} %")
        for r in result["records"]
    ]  # fmt: skip
    losses = [f"{100 * loss:g} % loss" for loss in args.losses]
    print(table(("nodes", "lost", "what is missing", *losses, "cost"), rows))
    if args.json:
        write_json(args.json, result)


if __name__ == "__main__":
    main()
