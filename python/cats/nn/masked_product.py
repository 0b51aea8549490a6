# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The product of what every node has with its columns of the weights, for all nodes and samples at
once: its closed form and its derivative."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from cats.nn.message_dropout import Heard


def worth_masking(heard: Heard, x: Tensor, reader: Tensor) -> bool:
    """Whether masked weights are less work than views of x: measured, the weights' elements count
    an eighth. Few patterns a batch are (training), losses of each sample's own often are not."""
    patterns, blocks, nodes, _ = heard.columns.shape
    return patterns * blocks * reader.shape[1] <= 8 * x.shape[0] * x.shape[1] * nodes


class MaskedProduct(torch.autograd.Function):
    """``ForwardPass.by_views`` by masked weights, for all samples and nodes at once.

    Arguments: x [B, rows, K]; weight [O, K], bias [O]; gain and offset [K] of the norm, or None;
    eps; mask bool [P, T, D, K] with ``bounds`` as in ``Heard``; reader [D, O] and its ``layout``.
    Samples of one pattern and one row block lack the same columns, so P x T masked copies of the
    weights do for all of them. For the norm, with m the mask of the node that computes column j and
    n its count,

        norm(x) . W[j] + b[j] = rstd (x . (m gain W[j]) - mean sum(m gain W[j]))
                                + sum(m offset W[j]) + b[j]

    where mean and rstd of a row are two products of x and x squared with m / n. Below, q runs over
    the P groups of samples of one row block and M over their rows.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, gain, offset, eps, mask, bounds, reader, layout):
        """The product of all patterns, nodes and rows; keeps what its derivative needs."""
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
    def backward(ctx, gradient):
        """The derivatives of x, weight, bias, gain and offset, in that order."""
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


def layout(reader: Tensor) -> tuple[tuple[int, int, int], Tensor | None]:
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
