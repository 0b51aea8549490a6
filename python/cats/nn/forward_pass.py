# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The gathers of one forward pass, and the product behind each.

What a node lacks is masked in the weights (``masked_product``), which is exact, and the norm over
available columns follows in closed form (``doc/training.rst``). ``ForwardPass.by_views`` says the
same step by step; tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.nn.masked_product import MaskedProduct, worth_masking
from cats.nn.message_dropout import Heard, Losses
from cats.shape.partition import Kind, gather_kind

if TYPE_CHECKING:
    from cats.nn.model import CatsTransformer

Norm = nn.LayerNorm | nn.RMSNorm
Observe = Callable[[str, Tensor], None]


@dataclass(frozen=True)
class LinearView:
    """Weights [O, K] and bias [O] that no layer of their own holds: they are made of others'."""

    weight: Tensor
    bias: Tensor | None = None


class Rounding(Protocol):
    """What the integer model's roundings do to the float model (``cats.nn.qat``)."""

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """The tensor of that name as the integers hold it."""

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor, path: str = "") -> Tensor:
        """Weights [O, K] of the product behind gather g, or of a ``path`` beside it ("linear",
        "embed_out", "stem"); ``read`` bool [O, K]: which count."""

    def norms(self, g: int) -> bool:
        """Whether what the norm behind gather g gives is rounded."""


class ForwardPass:
    """One forward pass: the losses and the observer. Its first row stands at position ``first``."""

    first = 0

    def __init__(self, model: CatsTransformer, losses: Losses, observe: Observe | None) -> None:
        self.model, self.losses, self.observe = model, losses, observe

    def see(self, name: str, x: Tensor) -> Tensor:
        """Show the tensor of that name; as it is, or as the integers would hold it."""
        if self.observe is not None:
            self.observe(name, x)
        return x if self.model.rounding is None else self.model.rounding(name, x)

    def remember(self, b: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [B, heads, rows, E] that queries of block b attend over: these alone, or
        those of earlier rows before them (``cats.nn.steps``)."""
        return k, v

    def tokens(self, numbers: Tensor, embed: nn.Linear) -> Tensor:
        """What ``product`` gives behind gather INPUT of the one-hot rows of tokens [B, rows], by
        looking the weights' columns up: [B, rows, O]."""
        model = self.model
        if self.observe is not None or model.rounding is not None:
            rows = functional.one_hot(numbers, model.config.inputs).to(embed.weight)
            return self.product(0, self.see("input", rows), embed)
        out = self.of_owner(functional.embedding(numbers, embed.weight.T), numbers)
        return out if embed.bias is None else out + embed.bias

    def table(self, b: int, numbers: Tensor) -> Tensor:
        """What embeddings of block b of tokens [B, rows] add to the residual, [B, rows, F]: lost
        with the token's own."""
        return self.of_owner(functional.embedding(numbers, self.model.tables[b]), numbers)

    def of_owner(self, out: Tensor, numbers: Tensor) -> Tensor:
        """Residual columns [B, rows, F] of tokens [B, rows], zero at nodes that did not hear those
        from their owner."""
        model, losses = self.model, self.losses[0]
        if losses is not None and model.sends[0]:
            own, kept = model.own_INPUT.T, model.kept_0  # [K, D], [K]
            if isinstance(losses, Heard):
                heard = losses.of(numbers)
            else:
                place = numbers[:, :, None, None].expand(-1, -1, losses.shape[2], 1)
                heard = losses.expand(len(numbers), -1, -1, -1).gather(3, place)[..., 0]
            has = own[numbers] | (kept[numbers][..., None] & heard)  # [B, rows, D]
            out = out * has[..., model.owner_INPUT]
        return out

    def linear(self, x: Tensor, linear: nn.Linear) -> Tensor:
        """The linear path: x [B, tokens_in, P] to [B, 1, O], at the node that has all of x."""
        rounding, weight = self.model.rounding, linear.weight
        if rounding is not None:
            read = torch.ones_like(weight, dtype=torch.bool)
            x = rounding("gather0", x)
            weight = rounding.weight(0, weight, linear.bias, read, "linear")
        return functional.linear(x.flatten(1)[:, None], weight, linear.bias)

    def own(self, name: str, x: Tensor, linear: nn.Linear, read: Tensor) -> Tensor:
        """A product of what each node has itself: x [B, rows, K] to [B, rows, O], ``read`` bool
        [O, K]."""
        weight = torch.where(read, linear.weight, 0)
        if self.model.rounding is not None:
            weight = self.model.rounding.weight(0, weight, linear.bias, read, name)
        return functional.linear(x, weight, linear.bias)

    def product(
        self,
        g: int,
        x: Tensor,
        linear: nn.Linear | LinearView,
        norm: Norm | None = None,
        average: bool = False,
    ) -> Tensor:
        """Gather g of x [B, rows, K], the norm if there is one, then the product [B, rows, O]; with
        ``average`` that of the mean over rows, [B, 1, O]."""
        model, losses, rounding = self.model, self.losses[g], self.model.rounding
        x = self.see(f"gather{g}", x)
        kind, _ = gather_kind(model.config, g)
        reader, view = getattr(model, f"reader_{kind.name}"), getattr(model, f"view_{g}")
        weight, bias = linear.weight, linear.bias
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        if rounding is not None:
            weight = rounding.weight(g, weight, bias, (reader.T @ view.to(reader)).bool())
        if not model.sends[g]:
            losses = None
        if isinstance(losses, Heard) and not self.masks(losses, x, reader):
            losses = losses.dense(len(x))
        seen = self.observe is not None or (norm and rounding is not None and rounding.norms(g))
        if not seen and not isinstance(losses, Tensor):
            if losses is None and model.whole[g]:  # one view is all views
                x = x if norm is None else norm(x)
                return functional.linear(x.mean(1, keepdim=True) if average else x, weight, bias)
            if losses is None:
                mask, bounds = view[None, None], (0, x.shape[1])
            else:
                mask, bounds = self._mask(g, kind, losses.columns), losses.bounds
            affine = (None, None, 0.0)
            if norm is not None:
                affine = (norm.weight, getattr(norm, "bias", None), norm.eps)
            x = MaskedProduct.apply(
                x, weight, bias, *affine, mask, bounds, reader, model.layout(kind)
            )
            return x.mean(1, keepdim=True) if average else x
        if isinstance(losses, Heard):
            losses = losses.dense(len(x))
        if losses is None and self.observe is None and model.whole[g]:  # one view is all views
            view, reader = view.new_ones(1, view.shape[1]), reader.new_ones(1, len(weight))
        mask = view[None, None] if losses is None else self._mask(g, kind, losses)
        return self.by_views(g, x, mask, reader, weight, bias, norm, average)

    def _mask(self, g: int, kind: Kind, heard: Tensor) -> Tensor:
        """bool [.., D, K]: own columns, and kept columns that were heard."""
        own, kept = getattr(self.model, f"own_{kind.name}"), getattr(self.model, f"kept_{g}")
        return own | (kept & heard)

    def masks(self, heard: Heard, x: Tensor, reader: Tensor) -> bool:
        """Whether masked weights are taken in place of views of x."""
        return worth_masking(heard, x, reader)

    def by_views(
        self,
        g: int,
        x: Tensor,
        mask: Tensor,
        reader: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm: Norm | None,
        average: bool = False,
    ) -> Tensor:
        """The definition: mask bool [B or 1, rows or 1, D, K], a view of x for every node."""
        view = torch.where(mask, x[:, :, None, :], 0)  # [B, rows, D, K]
        if norm is not None:
            count = mask.sum(-1, keepdim=True).clamp(min=1)  # a node that only senses may have none
            if isinstance(norm, nn.LayerNorm):
                mean = view.sum(-1, keepdim=True) / count
                view = torch.where(mask, view - mean, 0)
            square = view.square().sum(-1, keepdim=True) / count
            view = view / (square + norm.eps).sqrt() * norm.weight
            if isinstance(norm, nn.LayerNorm):
                view = view + norm.bias
            view = self.see(f"norm{g}", torch.where(mask, view, 0))
        if average:
            view = self.see("mean", view.mean(1, keepdim=True))
        if len(reader) == 1:
            return functional.linear(view[:, :, 0], weight, bias)
        kind, _ = gather_kind(self.model.config, g)
        order, counts = getattr(self.model, f"order_{kind.name}"), self.model.counts[kind]
        parts = zip(weight[order].split(counts), bias[order].split(counts), strict=True)
        out = [functional.linear(view[:, :, d], *part) for d, part in enumerate(parts)]
        return torch.cat(out, -1).index_select(-1, order.argsort())
