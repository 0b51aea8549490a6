# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The transformer in PyTorch, computed as D nodes compute it together.

One set of weights; node d computes its own output columns of every product from what it has: its
own columns and the kept columns of other nodes that arrived. No copy of the activations for each
receiver is made: what a node lacks is masked in the weights (``_MaskedProduct``), which is exact,
and the norm over available columns follows in closed form (``doc/training.rst``). ``_Run.by_views``
says the same step by step; tests hold one against the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.message_dropout import Heard, Losses
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    KeepSets,
    Kind,
    check_keep,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)

Observe = Callable[[str, Tensor], None]


class Rounding(Protocol):
    """What the integer model's roundings do to the float model (``cats.nn.qat``)."""

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """The tensor of that name as the integers hold it."""

    def weight(self, g: int, weight: Tensor, bias: Tensor, read: Tensor) -> Tensor:
        """Weights [O, K] of the product behind gather g; ``read`` bool [O, K]: which count."""

    def norms(self, g: int) -> bool:
        """Whether what the norm behind gather g gives is rounded."""


class Block(nn.Module):
    """The weights of one block; shapes as in ``torch.nn.TransformerEncoderLayer``.

    ``qkv.weight`` [3F, F]: rows are all q, then all k, then all v, head by head inside each.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        features, hidden = config.features, config.hidden
        self.norm1 = nn.LayerNorm(features, config.norm_eps)
        self.qkv = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)
        self.norm2 = nn.LayerNorm(features, config.norm_eps)
        self.up = nn.Linear(features, hidden)
        self.down = nn.Linear(hidden, features)


class CatsTransformer(nn.Module):
    """Pre-norm transformer over D nodes.

    ``keep`` are the columns that each source broadcasts in each gather (None: all of them);
    ``dropout`` is ordinary dropout, at the places where ``nn.TransformerEncoderLayer`` has it.
    ``rounding``, where it is set, rounds as the integer model will.
    """

    rounding: Rounding | None = None

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        config.check()
        split.check(config)
        self.config, self.split, self.dropout = config, split, dropout
        self.embed = nn.Linear(config.inputs, config.features)
        self.position = nn.Parameter(torch.empty(config.tokens, config.features))
        if config.pool == "class":
            self.class_token = nn.Parameter(torch.empty(config.features))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.features, config.norm_eps)
        self.head = nn.Linear(config.features, config.outputs)
        self._initialise()

        self.layouts: dict[Kind, tuple] = {}
        for kind in Kind:
            own = torch.zeros(split.nodes, gather_width(config, kind), dtype=torch.bool)
            for d, (begin, end) in enumerate(own_ranges(config, split, kind)):
                own[d, begin:end] = True
            self.register_buffer(f"own_{kind.name}", own, persistent=False)
        for kind, target, copies in (
            (Kind.INPUT, Kind.HEADS, 1),
            (Kind.ATTENTION, Kind.HEADS, 3),
            (Kind.HEADS, Kind.HEADS, 1),
            (Kind.FORWARD, Kind.HIDDEN, 1),
            (Kind.HIDDEN, Kind.HEADS, 1),
            (Kind.OUTPUT, Kind.RESULT, 1),
        ):  # reader[d, j]: node d computes column j of the product behind this kind of gather
            reader = getattr(self, f"own_{target.name}").float().repeat(1, copies)
            self.register_buffer(f"reader_{kind.name}", reader, persistent=False)
            self.layouts[kind] = _layout(reader)
        self.set_keep(full_keep(config, split) if keep is None else keep)

    def _initialise(self) -> None:
        nn.init.normal_(self.position, std=0.02)
        if self.config.pool == "class":
            nn.init.normal_(self.class_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def set_keep(self, keep: KeepSets) -> None:
        """Broadcast only these columns from now on."""
        check_keep(self.config, self.split, keep)
        self.keep = [[tuple(columns) for columns in sources] for sources in keep]
        for g, sources in enumerate(self.keep):
            kind, _ = gather_kind(self.config, g)
            kept = torch.zeros(gather_width(self.config, kind), dtype=torch.bool)
            kept[[column for columns in sources for column in columns]] = True
            own = getattr(self, f"own_{kind.name}")
            self.register_buffer(f"kept_{g}", kept.to(own.device), persistent=False)
            self.register_buffer(f"view_{g}", own | kept.to(own.device), persistent=False)

    def forward(
        self, x: Tensor, losses: Losses | None = None, observe: Observe | None = None
    ) -> Tensor:
        """x [B, tokens_in, P] to [B, output_rows, C].

        ``losses``: what each node heard in each gather (None: everything). ``observe(name,
        tensor)`` sees the tensors that quantisation has to scale; the slow path is taken for it.
        """
        config = self.config
        if x.dim() != 3 or x.shape[1:] != (config.tokens_in, config.inputs):
            raise CatsError(
                f"input of shape {list(x.shape)}: the model takes [batch, {config.tokens_in}, "
                f"{config.inputs}]"
            )
        if losses is None:
            losses = [None] * gather_count(config)
        if len(losses) != gather_count(config):
            raise CatsError(
                f"losses of {len(losses)} gathers, the model has {gather_count(config)}"
            )
        run = _Run(self, losses, observe)
        run.see("input", x)
        x = run.product(0, x, self.embed)
        if config.pool == "class":
            x = torch.cat((self.class_token.expand(len(x), 1, -1), x), 1)
        x = run.see("residual", x + self.position)
        for b in range(config.blocks):
            x = self._block(run, b, x)
        if config.pool == "mean":
            x = x.mean(1, keepdim=True)
        return run.see("output", run.product(4 * config.blocks + 1, x, self.head, self.norm))

    def _block(self, run: _Run, b: int, x: Tensor) -> Tensor:
        """Residual [B, N, F] to [B, rows, F]: rows is N, or 1 where only one is read later."""
        config, block = self.config, self.blocks[b]
        g = 1 + 4 * b
        qkv = run.product(g, x, block.qkv, block.norm1)
        q, k, v = (
            part.unflatten(-1, (config.heads, -1)).transpose(1, 2) for part in qkv.chunk(3, -1)
        )  # [B, H, N, E]
        q, k, v = (run.see(f"{name}{b}", x) for name, x in zip("qkv", (q, k, v), strict=True))
        first, rows = gather_rows(config, g + 1)
        if rows < config.tokens:
            q, x = q[:, :, first : first + rows], x[:, first : first + rows]
        heads = self._attend(q, k, v, config.causal and rows == config.tokens)
        heads = heads.transpose(1, 2).flatten(2)
        x = run.see("residual", x + self._drop(run.product(g + 1, heads, block.out)))
        hidden = run.see(f"up{b}", run.product(g + 2, x, block.up, block.norm2))
        act = functional.relu if config.activation == "relu" else functional.gelu
        hidden = self._drop(act(hidden))
        return run.see("residual", x + self._drop(run.product(g + 3, hidden, block.down)))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
        """softmax(q k^T / sqrt(E)) v; q [B, H, rows, E], k and v [B, H, N, E]."""
        if not (self.dropout and self.training):
            return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        # PyTorch's fast kernel on a CPU knows no dropout.
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
        if causal:
            scores = scores + torch.full_like(scores[0, 0], -torch.inf).triu(1)
        return self._drop(scores.softmax(-1)) @ v

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout) if self.dropout and self.training else x


def dropout(x: Tensor, probability: float) -> Tensor:
    """Ordinary dropout, several times as fast as PyTorch's on a CPU: 16 random bits an element
    decide, so the probability is rounded to a multiple of 1 / 65536."""
    lost = round(probability * 65536)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = bits.view(torch.int16)[: x.numel()] >= lost - 32768
    return x * kept.view(x.shape).to(x).mul_(65536 / (65536 - lost))


class _Run:
    """One forward pass: the losses and the observer."""

    def __init__(self, model: CatsTransformer, losses: Losses, observe: Observe | None) -> None:
        self.model, self.losses, self.observe = model, losses, observe

    def see(self, name: str, x: Tensor) -> Tensor:
        """Show the tensor of that name; as it is, or as the integers would hold it."""
        if self.observe is not None:
            self.observe(name, x)
        return x if self.model.rounding is None else self.model.rounding(name, x)

    def product(
        self, g: int, x: Tensor, linear: nn.Linear, norm: nn.LayerNorm | None = None
    ) -> Tensor:
        """Gather g of x [B, rows, K], the norm if there is one, then the product [B, rows, O]."""
        model, losses, rounding = self.model, self.losses[g], self.model.rounding
        x = self.see(f"gather{g}", x)
        kind, _ = gather_kind(model.config, g)
        reader, view = getattr(model, f"reader_{kind.name}"), getattr(model, f"view_{g}")
        weight, bias = linear.weight, linear.bias
        if rounding is not None:
            weight = rounding.weight(g, weight, bias, (reader.T @ view.to(reader)).bool())
        if isinstance(losses, Heard) and not _worth_masking(losses, x, reader):
            losses = losses.dense(len(x))
        seen = self.observe is not None or (norm and rounding is not None and rounding.norms(g))
        if not seen and not isinstance(losses, Tensor):
            if losses is None and bool(view.all()):  # one view is all views
                return functional.linear(x if norm is None else norm(x), weight, bias)
            if losses is None:
                mask, bounds = view[None, None], (0, x.shape[1])
            else:
                mask, bounds = self._mask(g, kind, losses.columns), losses.bounds
            affine = (None, None, 0.0) if norm is None else (norm.weight, norm.bias, norm.eps)
            return _MaskedProduct.apply(
                x, weight, bias, *affine, mask, bounds, reader, model.layouts[kind]
            )
        if isinstance(losses, Heard):
            losses = losses.dense(len(x))
        if losses is None and self.observe is None and bool(view.all()):  # one view is all views
            view, reader = view[:1], reader.new_ones(1, len(weight))
        mask = view[None, None] if losses is None else self._mask(g, kind, losses)
        return self.by_views(g, x, mask, reader, weight, bias, norm)

    def _mask(self, g: int, kind: Kind, heard: Tensor) -> Tensor:
        """bool [.., D, K]: own columns, and kept columns that were heard."""
        own, kept = getattr(self.model, f"own_{kind.name}"), getattr(self.model, f"kept_{g}")
        return own | (kept & heard)

    def by_views(
        self,
        g: int,
        x: Tensor,
        mask: Tensor,
        reader: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm: nn.LayerNorm | None,
    ) -> Tensor:
        """The definition: mask bool [B or 1, rows or 1, D, K], a view of x for every node."""
        view = torch.where(mask, x[:, :, None, :], 0)  # [B, rows, D, K]
        if norm is not None:
            count = mask.sum(-1, keepdim=True)
            mean = view.sum(-1, keepdim=True) / count
            centred = torch.where(mask, view - mean, 0)
            variance = centred.square().sum(-1, keepdim=True) / count
            view = centred / (variance + norm.eps).sqrt() * norm.weight + norm.bias
            view = self.see(f"norm{g}", torch.where(mask, view, 0))
        out = x.new_empty(*x.shape[:2], len(weight))
        for d, columns in enumerate(reader.bool()):
            out[:, :, columns] = functional.linear(view[:, :, d], weight[columns], bias[columns])
        return out


def _worth_masking(heard: Heard, x: Tensor, reader: Tensor) -> bool:
    """Whether masked weights are less work than views of x: measured, the weights' elements count
    an eighth. Few patterns a batch are (training), losses of each sample's own often are not."""
    patterns, blocks, nodes, _ = heard.columns.shape
    return patterns * blocks * reader.shape[1] <= 8 * x.shape[0] * x.shape[1] * nodes


class _MaskedProduct(torch.autograd.Function):
    """``by_views`` by masked weights, for all samples and nodes at once, and its derivative.

    Arguments: x [B, rows, K]; weight [O, K], bias [O]; gain and offset [K] of the norm, or None;
    eps; mask bool [P, T, D, K] with ``bounds`` as in ``Heard``; reader [D, O] and its ``_layout``.
    Samples of one pattern and one row block lack the same columns, so P x T masked copies of the
    weights do for all of them. For the norm, with m the mask of the node that computes column j and
    n its count,

        norm(x) . W[j] + b[j] = rstd (x . (m gain W[j]) - mean sum(m gain W[j]))
                                + sum(m offset W[j]) + b[j]

    where mean and rstd of a row are two products of x and x squared with m / n. Below, q runs over
    the P groups of samples of one row block and M over their rows.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, gain, offset, eps, mask, bounds, reader, layout):  # noqa: D102
        patterns, inner = mask.shape[0], x.shape[-1]
        mask = mask.transpose(0, 1).to(x.dtype).contiguous()  # [T, P, D, K]
        reader = reader.to(x.dtype)
        groups, owner = layout
        spread = mask if owner is None else mask.index_select(2, owner)
        spread = spread[:, :, None, :, None]  # [T, P, 1, groups, 1, K]
        scaled = weight if gain is None else weight * gain
        masked = x.new_empty(*mask.shape[:2], *weight.shape)  # [T, P, O, K]
        torch.mul(
            scaled.view(*groups, inner), spread, out=masked.view(*mask.shape[:2], *groups, inner)
        )
        if gain is not None:
            x = x - x.mean(-1, keepdim=True)  # changes nothing but the rounding of the variance
            share = mask / mask.sum(-1, keepdim=True)  # [T, P, D, K]
            bias = bias + ((mask * offset) @ weight.T * reader).sum(2)  # [T, P, O]
            total = (mask @ scaled.T) * reader  # [T, P, D, O]
        else:
            bias = bias.expand(*masked.shape[:3])
        rows, product, moments, outs = [], [], [], []
        for t, (top, end) in enumerate(itertools.pairwise(bounds)):
            part = x[:, top:end].reshape(patterns, -1, inner)  # [q, M, K]
            rows.append(part)
            if gain is None:
                out = torch.baddbmm(bias[t, :, None], part, masked[t].transpose(1, 2))
            else:
                mean = part @ share[t].transpose(1, 2)  # [q, M, D]
                square = (part * part) @ share[t].transpose(1, 2)
                rstd = (square - mean * mean).clamp_min_(0).add_(eps).rsqrt_()
                centred = part @ masked[t].transpose(1, 2)
                centred.baddbmm_(mean, total[t], alpha=-1)  # [q, M, O]
                out = torch.addcmul(bias[t, :, None], centred, rstd @ reader)
                product.append(centred)
                moments.append((mean, rstd))
            outs.append(out.view(len(x), end - top, -1))
        ctx.save_for_backward(weight, gain, offset, masked, spread, mask, reader)
        ctx.rows, ctx.product, ctx.moments = rows, product, moments
        if gain is not None:
            ctx.share, ctx.total = share, total
        ctx.bounds, ctx.groups = bounds, groups
        return outs[0] if len(outs) == 1 else torch.cat(outs, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):  # noqa: D102
        weight, gain, offset, masked, spread, mask, reader = ctx.saved_tensors
        patterns, inner = mask.shape[1], weight.shape[1]
        d_masked, d_bias = torch.empty_like(masked), masked.new_empty(masked.shape[:3])
        d_total = torch.empty_like(d_bias)
        d_rows = []
        for t, (top, end) in enumerate(itertools.pairwise(ctx.bounds)):
            part = ctx.rows[t]
            slope = gradient[:, top:end].reshape(patterns, -1, weight.shape[0])  # [q, M, O]
            d_bias[t] = slope.sum(1)
            if gain is not None:
                mean, rstd = ctx.moments[t]
                d_rstd = (slope * ctx.product[t]) @ reader.T  # [q, M, D]
                slope = slope * (rstd @ reader)
                d_variance = -0.5 * rstd**3 * d_rstd
                d_mean = -(slope @ ctx.total[t].transpose(1, 2)) - 2 * mean * d_variance
                d_total[t] = -((mean.transpose(1, 2) @ slope) * reader).sum(1)
            torch.bmm(slope.transpose(1, 2), part, out=d_masked[t])
            d_part = slope @ masked[t]
            if gain is not None:
                d_part.baddbmm_(d_mean, ctx.share[t])
                d_part.addcmul_(part, d_variance @ ctx.share[t], value=2)
            d_rows.append(d_part.view(-1, end - top, inner))
        d_x = d_rows[0] if len(d_rows) == 1 else torch.cat(d_rows, 1)
        d_masked = d_masked.view(*mask.shape[:2], *ctx.groups, inner).mul_(spread)
        d_weight = d_masked.sum((0, 1)).view_as(weight)
        if gain is None:
            return d_x, d_weight, d_bias.sum((0, 1)), None, None, None, None, None, None, None
        d_weight += _spread_sum(d_total, spread, ctx.groups)
        d_gain = (d_weight * weight).sum(0)
        heard = _spread_sum(d_bias, spread, ctx.groups)
        d_offset = (heard * weight).sum(0)
        d_weight = torch.addcmul(heard * offset, d_weight, gain)
        return d_x, d_weight, d_bias.sum((0, 1)), d_gain, d_offset, None, None, None, None, None


def _layout(reader: Tensor) -> tuple[tuple[int, int, int], Tensor | None]:
    """How the O output columns share the D masks: (copies, groups, width), whose product is O.

    Groups are nodes where all own equally many columns (copies: q, k and v); else every column is a
    group of its own, and its owner's mask is to be picked by the index [O] that comes second.
    """
    nodes, outputs = reader.shape
    owner = reader.argmax(0)
    for copies in (1, 3):
        width = outputs // (nodes * copies)
        even = torch.arange(nodes).repeat_interleave(width).repeat(copies)
        if torch.equal(owner, even.to(owner)):
            return (copies, nodes, width), None
    return (1, outputs, 1), owner


def _spread_sum(values: Tensor, spread: Tensor, groups: tuple[int, int, int]) -> Tensor:
    """Sum over T and P of values [T, P, O] times the mask: [O, K]."""
    copies, count, width = groups
    values = values.flatten(0, 1).unflatten(1, groups).permute(2, 1, 3, 0)  # [g, c, w, T P]
    mask = spread.flatten(0, 1)[:, 0, :, 0].transpose(0, 1)  # [g, T P, K]
    out = values.reshape(count, copies * width, -1) @ mask
    return out.view(count, copies, width, -1).transpose(0, 1).reshape(-1, out.shape[-1])
