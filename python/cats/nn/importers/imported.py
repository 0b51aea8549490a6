# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What an import gives: the model, and what was taken for what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.model import CatsTransformer
from cats.shape.config import ModelConfig, SplitConfig

#: Of the largest output: where the outputs of original and import differ by more, it is refused.
LARGEST_DIFFERENCE = 1e-4
#: What the feed-forward of an encoder may have.
ACTIVATIONS = ("relu", "gelu")


@dataclass
class Imported:
    """A model, and where its parts come from: ``str()`` gives the notes, one a line.

    ``order``: int64 [tokens_in, P], which value of a flattened sample of the original is which
    input column. ``sample``: the shape of one, as images are [channels, height, width].
    ``difference``: the largest between both outputs relative to the largest output, None where
    the original could not be run.
    """

    model: CatsTransformer
    notes: tuple[str, ...]
    order: Tensor
    sample: tuple[int, ...]
    difference: float | None = None

    def __str__(self) -> str:
        compared = "not compared: there is no module to run"
        if self.difference is not None:
            compared = f"equal to the original's to {self.difference:.1e} of the largest"
        return "\n".join((*self.notes, f"outputs: {compared}"))

    def rows(self, samples: Tensor) -> Tensor:
        """The model's input [B, tokens_in, P] of samples [B, ...] as the original takes them."""
        return samples.flatten(1)[:, self.order.to(samples.device)]

    @torch.no_grad()
    def verify(self, original: Callable[[Tensor], Tensor], example: Tensor) -> None:
        """Run both on ``example`` [B, ...] and on noise of its shape, and keep the difference;
        CatsError where it is more than LARGEST_DIFFERENCE."""
        noise = torch.randn((2, *example.shape[1:]), generator=torch.Generator().manual_seed(0))
        samples = torch.cat((example.float(), noise))
        wanted = original(samples)
        found = self.model(self.rows(samples)).flatten(1)
        if wanted.flatten(1).shape != found.shape:
            raise CatsError(
                f"the module returns {list(wanted.shape)}, its import {list(found.shape)} values"
            )
        wanted = wanted.flatten(1)
        largest = wanted.abs().max().item()
        self.difference = (found - wanted).abs().max().item() / max(largest, 1e-30)
        if not self.difference <= LARGEST_DIFFERENCE:
            raise CatsError(
                f"the import's outputs differ by {self.difference:.1e} of the largest from the "
                f"original's (at most {LARGEST_DIFFERENCE:g}): it does something that was not seen"
            )


def assemble(config: ModelConfig, tensors: dict[str, Tensor]) -> CatsTransformer:
    """A model on one node from its parameters by name, each of which must be there."""
    config.check()
    model = CatsTransformer(config, SplitConfig.even(config, 1))
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CatsError(f"{name} holds NaN or infinity")
    try:
        model.load_state_dict({name: tensor.detach().float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CatsError(f"the tensors do not fit each other: {reason}") from None
    return model.eval()


def in_order(values: Iterable[object]) -> str:
    """Different values, as people list them."""
    return ", ".join(map(str, dict.fromkeys(values)))


def activation_name(function: Callable[[Tensor], Tensor]) -> str:
    """The name in ``ModelConfig`` of what this computes; CatsError where it is another."""
    x = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    values = function(x)
    for name, known in (("relu", functional.relu), ("gelu", functional.gelu)):
        if (values - known(x)).abs().max() < 1e-6:
            return name
    named = getattr(function, "__name__", type(function).__name__)
    if (values - functional.gelu(x, approximate="tanh")).abs().max() < 1e-6:
        named = "GELU by tanh"
    raise CatsError(f"activation {named}: only {' and '.join(ACTIVATIONS)} (exact) can be imported")
