# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a training step with message dropout and pruning costs: ``python -m bench.training``.

Side by side in one process, taking turns step by step: a plain PyTorch transformer
(``nn.TransformerEncoderLayer``), this package's model with half of the columns pruned, without and
with message dropout, and the same losses by the definition (every receiver's own norm). All have
the same shape, ordinary dropout 0.1, loss and optimiser; the drawing of losses is part of the step,
and on a GPU all are recorded as ``cats train`` records them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cats.arguments import add_device_argument
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import select
from cats.shape.config import ModelConfig, SplitConfig
from cats.training.device import PRECISIONS, device_name, pick_device
from cats.training.step import Gradients

#: What the steps by definition are called.
SLOW = ", each receiver its own norm"


class PlainTransformer(nn.Module):
    """The same shape out of PyTorch's own layers; [B, N, P] to [B, N, C]."""

    def __init__(self, config: ModelConfig, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Linear(config.inputs, config.features)
        self.position = nn.Parameter(torch.randn(config.tokens, config.features) * 0.02)
        layer = nn.TransformerEncoderLayer(
            config.features,
            config.heads,
            config.hidden,
            dropout,
            config.activation,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, config.blocks, nn.LayerNorm(config.features), enable_nested_tensor=False
        )
        self.head = nn.Linear(config.features, config.outputs)
        mask = nn.Transformer.generate_square_subsequent_mask(config.tokens)
        self.register_buffer("mask", mask if config.causal else None)

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.position.device

    def forward(self, x: Tensor, losses: None = None) -> Tensor:
        x = self.embed(x) + self.position
        x = self.layers(x, mask=self.mask, is_causal=self.mask is not None)
        return self.head(x)


def step_of(
    model: nn.Module,
    x: Tensor,
    targets: Tensor,
    loss: MessageDropout | None = None,
    dense: bool = False,
    **options: Any,
) -> Callable[[], None]:
    """One training step of ``model`` as a function without arguments; ``dense``: each receiver's
    own norm."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    model.train()
    gradients = Gradients(model, nn.functional.mse_loss, loss, **options)
    if dense:
        spread = loss.spread
        loss.spread = lambda arrived: [heard.dense(len(x)) for heard in spread(arrived)]

    def step() -> None:
        gradients(x, targets, loss.arrived(len(x)) if loss else None)
        optimizer.step()

    return step


def measure(
    steps: dict[str, Callable[[], None]], repeats: int, warmup: int, group: int = 1
) -> dict[str, dict]:
    """Milliseconds a step (median, least), and the median of the ratios to the first function's
    step of the same round, of functions that take turns, ``group`` steps each, at the end of which
    a GPU is waited for; slow ones run in every fifth round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    ratios: dict[str, list[float]] = {name: [] for name in steps}
    first = next(iter(steps))
    wait = torch.cuda.synchronize if torch.cuda.is_initialized() else lambda: None
    for i in range(-warmup, repeats):
        for name, step in steps.items():
            if name.endswith(SLOW) and i % 5:
                continue
            wait()
            begin = time.perf_counter()
            for _ in range(group):
                step()
            wait()
            if i >= 0:
                times[name].append(1e3 * (time.perf_counter() - begin) / group)
                ratios[name].append(times[name][-1] / times[first][-1])
    return {
        name: {
            "median_ms": statistics.median(values),
            "least_ms": min(values),
            "over_plain": statistics.median(ratios[name]),
        }
        for name, values in times.items()
    }


def build(
    config: ModelConfig,
    nodes: int,
    keep: float,
    batch: int,
    patterns: int,
    naive: bool,
    dropout: float = 0.1,
    device: str = "cpu",
    precision: str = "fp32",
    record: bool = True,
) -> dict[str, Callable[[], None]]:
    """The steps that are compared, by name."""
    torch.manual_seed(0)
    place = pick_device(device)
    x = torch.randn(batch, config.tokens_in, config.inputs)
    targets = torch.randn(batch, config.output_rows, config.outputs)
    options = {"precision": precision, "record": record}
    plain = PlainTransformer(config, dropout).to(place)
    steps = {"plain": step_of(plain, x, targets, **options)}
    split = SplitConfig.even(config, nodes)
    links = np.full((nodes, nodes), 0.9)  # all of them lose, which is the most work
    kinds = {"nothing lost": {}, "message": {}, "packet": {}}
    kinds |= {f"packet, links, hops: {hops}": {"links": links, "hops": hops} for hops in (1, 3)}
    for name, lose in kinds.items():
        for dense in (False, True) if naive and name == "message" else (False,):
            model = CatsTransformer(config, split, dropout=dropout)
            model.set_keep(select(model, keep))
            model.to(place)
            loss = None
            if name != "nothing lost":
                loss = MessageDropout(
                    config,
                    split,
                    model.keep,
                    (0.0, 0.2),
                    name.partition(",")[0],
                    patterns=patterns,
                    device=place,
                    **lose,
                )
            step = step_of(model, x, targets, loss, dense, **options)
            steps[name + (SLOW if dense else "")] = step
    return steps


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.training", description=__doc__.split("\n")[0], allow_abbrev=False
    )
    parser.add_argument("--nodes", type=int, default=8, help="devices (default 8)")
    parser.add_argument("--keep", type=float, default=0.5, help="share of columns sent")
    parser.add_argument("--batch", type=int, default=64, help="samples a step (default 64)")
    parser.add_argument("--patterns", type=int, default=4, help="loss patterns a batch (default 4)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    parser.add_argument("--repeats", type=int, default=30, help="timed steps of each (default 30)")
    parser.add_argument(
        "--outputs", type=int, default=984, help="outputs (default 984: 0.73 million parameters)"
    )
    parser.add_argument(
        "--dropout", type=float, default=0.1, help="ordinary dropout of all models (default 0.1)"
    )
    parser.add_argument("--no-naive", action="store_true", help="leave the slow definition out")
    add_device_argument(parser)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="fp32")
    parser.add_argument(
        "--no-record", action="store_true", help="on a GPU: launch kernels one by one"
    )
    parser.add_argument("--features", type=int, default=128, help="(default 128)")
    parser.add_argument("--hidden", type=int, default=128, help="(default 128)")
    parser.add_argument(
        "--group", type=int, default=1, help="steps in a row, timed together (default 1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = ModelConfig(
        tokens_in=32,
        inputs=16,
        outputs=args.outputs,
        features=args.features,
        heads=16,
        hidden=args.hidden,
        blocks=6,
        causal=True,
        activation="gelu",
        pool="all",
        task="forecast",
    )
    steps = build(
        config,
        args.nodes,
        args.keep,
        args.batch,
        args.patterns,
        not args.no_naive,
        args.dropout,
        args.device,
        args.precision,
        not args.no_record,
    )
    times = measure(steps, args.repeats, warmup=3, group=args.group)
    parameters = sum(p.numel() for p in PlainTransformer(config, 0.0).parameters())
    print(f"{args.nodes} nodes, batch {args.batch}, keep {args.keep}, {parameters} parameters")
    where = device_name(pick_device(args.device))
    print(f"ordinary dropout {args.dropout}, {args.precision}, {where}, {args.threads} threads")
    print(f"{'training step':40s} {'median':>10s} {'least':>10s} {'over plain':>11s}")
    for name, figures in times.items():
        print(
            f"{name:40s} {figures['median_ms']:7.1f} ms {figures['least_ms']:7.1f} ms "
            f"{figures['over_plain']:10.2f}x"
        )
    if args.json:
        record = {"parameters": parameters, **vars(args), "json": str(args.json)}
        record |= {"card": where, "steps": times}
        args.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
