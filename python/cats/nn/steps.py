# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A causal model step by step: some new rows at a time, keys and values of earlier rows are kept.

Rows that are computed one by one are those of the whole window. What a row lacked of lost messages,
its keys and values lack for ever, as on a device.
"""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.nn.forward_pass import ForwardPass
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer


class Steps:
    """Rows of ``model`` from position 0 on, ``position`` of them until now.

    The model's window is its context: with rotary positions it slides, and the oldest rows drop
    out; learned positions end with it. ``loss``: probability that a packet is lost, in each gather
    of each step, drawn by ``seed`` as ``MessageDropout`` does.
    """

    def __init__(self, model: CatsTransformer, loss: float = 0.0, seed: int = 0) -> None:
        config = model.config
        if not config.causal or config.embed != "full" or config.linear:
            raise CatsError(
                "steps are of causal models that read each row by itself: train with --causal, "
                "embed 'full' and without a linear path"
            )
        self.model = copy.copy(model)  # the same parameters, but each row has an output
        self.model.config = dataclasses.replace(config, pool="all")
        self.model.training = False
        self.position = 0
        self._past: list[tuple[Tensor, Tensor] | None] = [None] * config.blocks
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self._dropout = None
        if loss > 0:
            row = dataclasses.replace(self.model.config, tokens_in=1)
            self._dropout = MessageDropout(
                row, model.split, model.keep, (loss, loss), device=model.device
            )

    def begin(self) -> None:
        """From position 0 on, as if there had been no row."""
        self.position, self._past = 0, [None] * len(self._past)

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """Outputs [B, r, C] of r more rows: token numbers [B, r] or inputs [B, r, P]. Where
        messages are lost, or the window slides, they are steps of one row each."""
        window = self.model.config.tokens
        if self.model.config.position == "learned" and self.position + x.shape[1] > window:
            raise CatsError(f"the model's context ends after {window} rows: ask for fewer")
        if x.shape[1] > 1 and (self._dropout or self.position + x.shape[1] > window):
            return torch.cat([self.step(row) for row in x.split(1, 1)], 1)
        losses = [None] * len(self.model.keep)
        if self._dropout is not None:
            losses = self._dropout.draw(1, self._generator)
        out = self.model.compute(_Step(self.model, losses, self, window), x)
        self.position += x.shape[1]
        return out


class _Step(ForwardPass):
    """One step; its keys and values go to those of the rows before."""

    def __init__(self, model: CatsTransformer, losses: list, steps: Steps, window: int) -> None:
        super().__init__(model, losses, None)
        self.first, self._past, self._window = steps.position, steps._past, window

    def remember(self, b: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        past = self._past[b]
        if past is not None:
            old = max(0, past[0].shape[2] + k.shape[2] - self._window)
            k, v = (torch.cat((a[:, :, old:], b), 2) for a, b in zip(past, (k, v), strict=True))
        self._past[b] = k, v
        return k, v
