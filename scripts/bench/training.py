# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a training step with message dropout and pruning costs: ``python -m bench.training``.

Side by side in one process, taking turns step by step: a plain PyTorch transformer
(``nn.TransformerEncoderLayer``), this package's model with message dropout and half of the columns
pruned, and the same losses by the definition (every receiver's own norm). All have the same shape,
ordinary dropout 0.1, loss and optimiser; the drawing of losses is part of the step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from cats.nn.message_dropout import Heard, MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import select
from cats.shape.config import ModelConfig, SplitConfig

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

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x) + self.position
        x = self.layers(x, mask=self.mask, is_causal=self.mask is not None)
        return self.head(x)


def step_of(model: nn.Module, forward: Callable[[], Tensor], targets: Tensor) -> Callable[[], None]:
    """One training step of ``model`` as a function without arguments."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(forward(), targets).backward()
        optimizer.step()

    return step


def measure(steps: dict[str, Callable[[], None]], repeats: int, warmup: int) -> dict[str, dict]:
    """Milliseconds a step (median, least), and the median of the ratios to the first function's
    step of the same round, of functions that take turns; slow ones run in every fifth round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    ratios: dict[str, list[float]] = {name: [] for name in steps}
    first = next(iter(steps))
    for i in range(-warmup, repeats):
        for name, step in steps.items():
            if name.endswith(SLOW) and i % 5:
                continue
            begin = time.perf_counter()
            step()
            if i >= 0:
                times[name].append(1e3 * (time.perf_counter() - begin))
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
) -> dict[str, Callable[[], None]]:
    """The steps that are compared, by name."""
    torch.manual_seed(0)
    x = torch.randn(batch, config.tokens_in, config.inputs)
    targets = torch.randn(batch, config.output_rows, config.outputs)
    plain = PlainTransformer(config, dropout)
    steps = {"plain": step_of(plain, lambda: plain(x), targets)}
    split = SplitConfig.even(config, nodes)
    for granularity in ("message", "packet"):
        for dense in (False, True) if naive and granularity == "message" else (False,):
            model = CatsTransformer(config, split, dropout=dropout)
            model.set_keep(select(model, keep))
            loss = MessageDropout(
                config, split, model.keep, (0.0, 0.2), granularity, patterns=patterns
            )

            def forward(model=model, loss=loss, dense=dense) -> Tensor:
                losses = loss.draw(batch)
                if dense:
                    losses = [h.dense(batch) if isinstance(h, Heard) else h for h in losses]
                return model(x, losses)

            name = granularity + (SLOW if dense else "")
            steps[name] = step_of(model, forward, targets)
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = ModelConfig(
        tokens_in=32,
        inputs=16,
        outputs=args.outputs,
        features=128,
        heads=16,
        hidden=128,
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
    )
    times = measure(steps, args.repeats, warmup=3)
    parameters = sum(p.numel() for p in PlainTransformer(config, 0.0).parameters())
    print(f"{args.nodes} nodes, batch {args.batch}, keep {args.keep}, {parameters} parameters")
    print(f"ordinary dropout {args.dropout}, {args.threads} threads")
    print(f"{'training step':40s} {'median':>10s} {'least':>10s} {'over plain':>11s}")
    for name, figures in times.items():
        print(
            f"{name:40s} {figures['median_ms']:7.1f} ms {figures['least_ms']:7.1f} ms "
            f"{figures['over_plain']:10.2f}x"
        )
    if args.json:
        record = {"parameters": parameters, **vars(args), "json": str(args.json), "steps": times}
        args.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
