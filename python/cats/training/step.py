# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradients of one batch: shared among processes, in parts, in any precision, and on a GPU
as one recorded graph.

Message dropout is many small kernels, whose launches would take longer than their work; recorded,
they cost a GPU nothing but the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.training.device import autocast, moved
from cats.training.distributed import average

#: Runs before a recording: what is made at first use is made then.
WARM_UP = 3
#: Inputs, targets and fates of messages of some samples, on the model's device.
Share = Sequence[Tensor | None]


class Gradients:
    """Adds up gradients of a batch in the ``grad`` of a model's parameters.

    ``share`` (number, count): of every batch, cut into as many parts, this process takes
    ``accumulate`` from part ``number * accumulate`` on, one after the other. Model, keep sets and
    rounding stay as they are while an object of this class is in use.
    """

    def __init__(
        self,
        model: CatsTransformer,
        loss: Callable[[Tensor, Tensor], Tensor],
        dropout: MessageDropout | None = None,
        precision: str = "fp32",
        accumulate: int = 1,
        share: tuple[int, int] = (0, 1),
        scaler: torch.amp.GradScaler | None = None,
        record: bool = True,
    ) -> None:
        self.model, self.loss, self.dropout = model, loss, dropout
        self.precision, self.accumulate, self.scaler = precision, accumulate, scaler
        self.first, self.parts = share[0] * accumulate, share[1] * accumulate
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.recording = Recording(self) if record and model.device.type == "cuda" else None

    def __call__(self, x: Tensor, targets: Tensor, arrived: Tensor | None = None) -> Tensor:
        """The mean loss of this process's share of a batch, float64 on the model's device, which
        is not waited for: x [B, tokens_in, P] and targets of the whole batch as ``Task.batch``
        gives them, ``arrived`` as ``MessageDropout.arrived``. The gradients are means over all
        processes, times the factor of ``scaler``."""
        size = len(x) // self.parts
        shares = []
        for part in range(self.first, self.first + self.accumulate):
            rows = slice(part * size, (part + 1) * size)
            own = None if arrived is None else patterns_of(arrived, len(x), rows)
            share = (x[rows], targets[rows], own)
            shares.append([None if t is None else moved(t, self.model.device) for t in share])
        if self.recording is not None:
            loss = self.recording.play(shares)
        else:
            self.model.zero_grad()
            loss = self.run(shares)
        average([p.grad for p in self.parameters if p.grad is not None])
        return loss

    def run(self, shares: Sequence[Share]) -> Tensor:
        """Forward and backward of some parts, one after the other; their mean loss."""
        total = torch.zeros((), dtype=torch.float64, device=self.model.device)
        for x, targets, arrived in shares:
            losses = None if arrived is None else self.dropout.spread(arrived)
            with autocast(self.model.device, self.precision):
                loss = self.loss(self.model(x, losses), targets)
            scaled = loss if self.scaler is None else self.scaler.scale(loss)
            (scaled if len(shares) == 1 else scaled / len(shares)).backward()
            total += loss.detach()
        return total / len(shares)


class Recording:
    """``Gradients.run`` as a CUDA graph, recorded at its first call."""

    def __init__(self, of: Gradients) -> None:
        self.of = of
        self.graph: torch.cuda.CUDAGraph | None = None
        self.shares: list[Share] = []  # what the graph reads
        self.gradients: list[Tensor | None] = []  # what it writes
        self.loss: Tensor | None = None

    def play(self, shares: list[Share]) -> Tensor:
        """See ``Gradients.run``."""
        if self.graph is None:
            self.record(shares)
        for held, new in zip(self.shares, shares, strict=True):
            for old, value in zip(held, new, strict=True):
                if old is not None:
                    old.copy_(value)
        self.graph.replay()
        for parameter, gradient in zip(self.of.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        return self.loss

    def record(self, shares: list[Share]) -> None:
        """Leaves the random state as if nothing had been run."""
        device = self.of.model.device
        state = torch.cuda.get_rng_state(device)
        self.shares = [[None if t is None else t.clone() for t in share] for share in shares]
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.of.model.zero_grad()
                self.of.run(self.shares)
        torch.cuda.current_stream(device).wait_stream(stream)
        self.of.model.zero_grad()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self.of.run(self.shares)
        self.gradients = [parameter.grad for parameter in self.of.parameters]
        torch.cuda.set_rng_state(state, device)


def patterns_of(arrived: Tensor, batch: int, rows: slice) -> Tensor:
    """What samples ``rows`` of a batch need of ``arrived`` [P, ..], dealt to them in order."""
    patterns, size = len(arrived), rows.stop - rows.start
    if size == batch:
        return arrived
    group = math.gcd(batch // patterns, size)  # all these follow the same pattern
    first = torch.arange(rows.start, rows.stop, group)
    return arrived[first * patterns // batch]
