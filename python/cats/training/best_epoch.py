# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The epoch with the best figure of the validation part (``Training.best_epoch``); a model with a
fitted linear path ends with the best one that is ahead of the path alone, all the time.

Ahead in the mean of the validation part may be behind on what comes later: an epoch counts where it
is ahead in each quarter of that part, which is in order of time.

The path is the best linear map from the window to the result (``Task.linear_map``), and stays as it
is; the head begins at zero, so the transformer learns what is to be added.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cats.nn.model import CatsTransformer

HEAD = ("head.weight", "head.bias")


@torch.no_grad()
def set_linear(model: CatsTransformer, weights: Tensor) -> None:
    """Make the linear path ``weights`` [window + 1, C], the last row the offset, and the head
    zero."""
    model.linear.weight.copy_(weights[:-1].T)
    model.linear.bias.copy_(weights[-1])
    model.head.weight.zero_()
    model.head.bias.zero_()


class BestEpoch:
    """The best state so far by the figure of the validation part, of which higher or lower is
    better. With a linear ``path`` epoch 0 is that alone, with the figures ``alone`` that
    ``score()`` takes of the model: of the part, then of each quarter of it."""

    def __init__(self, score: Callable[[], list[float]], higher: bool, path: bool = False) -> None:
        self.score, self.sign, self.path = score, 1 if higher else -1, path
        self.epoch, self.value, self.alone, self.state = 0, -math.inf * self.sign, [], {}

    def restart(self, model: CatsTransformer) -> None:
        """Forget epochs of before: keep sets or roundings are others now. The path alone is
        left."""
        if not self.path:
            self.epoch, self.value, self.state = 0, -math.inf * self.sign, {}
            return
        now = _copy(model)
        alone = {name: torch.zeros_like(t) if name in HEAD else t for name, t in now.items()}
        model.load_state_dict(alone)
        self.alone = self.score()
        self.epoch, self.value, self.state = 0, self.alone[0], alone
        model.load_state_dict(now)

    def offer(self, epoch: int, model: CatsTransformer, values: list[float]) -> None:
        """Keep the model as it is behind this epoch, with these figures, where it is better than
        all before, and with each of them than the path alone."""
        pairs = zip(values, self.alone, strict=True) if self.path else ()
        ahead = all((v - a) * self.sign > 0 for v, a in pairs)
        if ahead and (values[0] - self.value) * self.sign > 0:
            self.epoch, self.value, self.state = epoch, values[0], _copy(model)


def _copy(model: CatsTransformer) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
