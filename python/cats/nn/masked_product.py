# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The product of what every node has with its columns of the weights, for all nodes and samples at
once: its closed form and its derivative."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence

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
    eps; mask bool [P, T, D, K] with ``bounds`` as in ``Heard``; reader [D, O] and its layout
    (``CatsTransformer.layout``).
    Samples of one pattern and one row block lack the same columns, so P x T masked copies of the
    weights do for all of them. For the norm, with m the mask of the node that computes column j and
    n its count,

        norm(x) . W[j] + b[j] = rstd (x . (m gain W[j]) - mean sum(m gain W[j]))
                                + sum(m offset W[j]) + b[j]

    where mean and rstd of a row are two products of x and x squared with m / n. Below, q runs over
    the groups of samples of some row blocks of equal height and M over a group's rows.

    Under autocast the large products are taken in its dtype, and what a norm measures in float32.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, gain, offset, eps, mask, bounds, reader, layout):
        """The product of all patterns, nodes and rows; keeps what its derivative needs."""
        ctx.dtype, low = x.dtype, _autocast_dtype(x.device) or x.dtype
        with _as_written(x.device):
            out, ctx.kept, tensors = _forward(
                x, weight, bias, gain, offset, eps, mask, bounds, reader, layout, low
            )
        ctx.save_for_backward(weight, gain, offset, *tensors)
        ctx.bounds, ctx.layout = bounds, layout
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        """The derivatives of x, weight, bias, gain and offset, in that order."""
        with _as_written(gradient.device):
            d_x, *rest = _backward(gradient, ctx.kept, *ctx.saved_tensors, ctx.bounds, ctx.layout)
        return d_x.to(ctx.dtype), *rest, None, None, None, None, None


def _autocast_dtype(device: torch.device) -> torch.dtype | None:
    """What autocast computes in, None where it is off or the device knows none."""
    if torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return None


def _as_written(device: torch.device) -> contextlib.AbstractContextManager:
    """Autocast is off inside."""
    off = _autocast_dtype(device) is None
    return contextlib.nullcontext() if off else torch.autocast(device.type, enabled=False)


def _forward(x, weight, bias, gain, offset, eps, mask, bounds, reader, layout, low):
    """See MaskedProduct: the product in dtype ``low``, and what the derivative needs of it."""
    patterns, inner = mask.shape[0], x.shape[-1]
    mask = mask.transpose(0, 1).to(weight.dtype).contiguous()  # [T, P, D, K]
    reader = reader.to(weight.dtype)
    groups, owner = layout
    spread = mask if owner is None else mask.index_select(2, owner)
    spread = spread[:, :, None, :, None]  # [T, P, 1, groups, 1, K]
    scaled = weight if gain is None else weight * gain
    masked = weight.new_empty(*mask.shape[:2], *weight.shape, dtype=low)  # [T, P, O, K]
    torch.mul(scaled.view(*groups, inner), spread, out=masked.view(*mask.shape[:2], *groups, inner))
    share = total = None
    if gain is not None:
        x = x.to(weight.dtype)
        x = x - x.mean(-1, keepdim=True)  # changes nothing but the rounding of the variance
        share = mask / mask.sum(-1, keepdim=True)  # [T, P, D, K]
        bias = bias + ((mask * offset) @ weight.T * reader).sum(2)  # [T, P, O]
        total = (mask @ scaled.T) * reader  # [T, P, D, O]
    else:
        bias = bias.expand(*masked.shape[:3])
    bias = bias.to(low)
    kept, outs = [], []
    for blocks, rows in row_runs(bounds, x.device):
        part = grouped(x[:, rows], patterns, blocks)  # [q, M, K]
        weights, offsets = masked[blocks].flatten(0, 1), bias[blocks].flatten(0, 1)[:, None]
        if gain is None:
            part = part.to(low)
            out = torch.baddbmm(offsets, part, weights.transpose(1, 2))
            kept.append((part, None, None, None))
        else:
            shares = share[blocks].flatten(0, 1).transpose(1, 2)
            mean = part @ shares  # [q, M, D]
            square = (part * part) @ shares
            rstd = (square - mean * mean).clamp_min_(0).add_(eps).rsqrt_()
            centred = part.to(low) @ weights.transpose(1, 2)
            centred.baddbmm_(mean.to(low), total[blocks].flatten(0, 1).to(low), alpha=-1)
            factor = _to_columns(rstd.to(low), layout)
            out = torch.addcmul(
                offsets.unflatten(-1, groups), centred.unflatten(-1, groups), factor
            ).flatten(2)  # [q, M, O]
            kept.append((part, centred, mean, rstd))
        outs.append(ungrouped(out, patterns, len(x)))
    tensors = (masked, spread, mask, reader, share, total)
    return outs[0] if len(outs) == 1 else torch.cat(outs, 1), kept, tensors


def _backward(
    gradient, kept, weight, gain, offset, masked, spread, mask, reader, share, total, bounds, layout
):
    """See MaskedProduct: the derivatives of x, weight, bias, gain and offset."""
    groups, _ = layout
    patterns, inner, low = mask.shape[1], weight.shape[1], masked.dtype
    d_masked, d_bias = torch.empty_like(masked), weight.new_empty(masked.shape[:3])
    d_total = torch.empty_like(d_bias)
    d_rows = []
    runs = row_runs(bounds, gradient.device)
    for (part, centred, mean, rstd), (blocks, rows) in zip(kept, runs, strict=True):
        slope = grouped(gradient[:, rows], patterns, blocks)  # [q, M, O]
        d_bias[blocks] = slope.sum(1, dtype=weight.dtype).view_as(d_bias[blocks])
        if gain is not None:
            d_rstd = ((slope * centred) @ reader.T.to(low)).to(weight)  # [q, M, D]
            factor = _to_columns(rstd.to(low), layout)
            slope = (slope.unflatten(-1, groups) * factor).flatten(2)
            d_variance = -0.5 * rstd**3 * d_rstd
            totals = total[blocks].flatten(0, 1).transpose(1, 2).to(low)
            d_mean = -(slope @ totals).to(weight) - 2 * mean * d_variance
            sums = (mean.transpose(1, 2).to(low) @ slope).to(weight) * reader
            d_total[blocks] = -sums.sum(1).view_as(d_total[blocks])
        d_weights = d_masked[blocks].flatten(0, 1)
        torch.bmm(slope.transpose(1, 2), part.to(low), out=d_weights)
        d_part = slope @ masked[blocks].flatten(0, 1)
        if gain is not None:
            shares = share[blocks].flatten(0, 1)
            d_part = d_part.to(weight).baddbmm_(d_mean, shares)
            d_part.addcmul_(part, d_variance @ shares, value=2)
        d_rows.append(ungrouped(d_part, patterns, len(gradient)))
    d_x = d_rows[0] if len(d_rows) == 1 else torch.cat(d_rows, 1)
    d_masked = d_masked.view(*mask.shape[:2], *groups, inner).mul_(spread)
    d_weight = d_masked.sum((0, 1), dtype=weight.dtype).view_as(weight)
    if gain is None:
        return d_x, d_weight, d_bias.sum((0, 1)), None, None
    d_weight += _spread_sum(d_total, spread, groups)
    d_gain = (d_weight * weight).sum(0)
    heard = _spread_sum(d_bias, spread, groups)
    d_offset = (heard * weight).sum(0)
    d_weight = torch.addcmul(heard * offset, d_weight, gain)
    return d_x, d_weight, d_bias.sum((0, 1)), d_gain, d_offset


def row_runs(bounds: Sequence[int], device: torch.device) -> list[tuple[slice, slice]]:
    """Row blocks in runs that are computed at once, (their numbers, their rows) of each: on a GPU,
    where launches are dear, all that are equally high and stand together; else one by one."""
    heights = [end - top for top, end in itertools.pairwise(bounds)]
    found, first = [], 0
    for _, run in itertools.groupby(heights) if device.type != "cpu" else enumerate(heights):
        last = first + (1 if isinstance(run, int) else len(list(run)))
        found.append((slice(first, last), slice(bounds[first], bounds[last])))
        first = last
    return found


def grouped(x: Tensor, patterns: int, blocks: slice) -> Tensor:
    """Rows [B, rows, K] of a run to groups [blocks x P, B / P x rows / blocks, K]."""
    count = blocks.stop - blocks.start
    if count == 1:
        return x.reshape(patterns, -1, x.shape[-1])
    x = x.unflatten(0, (patterns, -1)).unflatten(2, (count, -1))
    return x.permute(2, 0, 1, 3, 4).flatten(2, 3).flatten(0, 1)


def ungrouped(x: Tensor, patterns: int, batch: int) -> Tensor:
    """Inverse of ``grouped``."""
    if len(x) == patterns:
        return x.view(batch, -1, x.shape[-1])
    height = x.shape[1] * patterns // batch
    x = x.unflatten(0, (-1, patterns)).unflatten(2, (-1, height))
    return x.permute(1, 2, 0, 3, 4).flatten(2, 3).flatten(0, 1)


def layout(reader: Tensor) -> tuple[tuple[int, int, int], bool]:
    """How the O output columns share the D masks: (copies, groups, width), whose product is O, and
    whether the groups are the nodes.

    Groups are nodes where all own equally many columns (copies: q, k and v); else every column is a
    group of its own.
    """
    nodes, outputs = reader.shape
    owner = reader.argmax(0)
    for copies in (1, 3):
        width = outputs // (nodes * copies)
        even = torch.arange(nodes).repeat_interleave(width).repeat(copies)
        if torch.equal(owner, even.to(owner)):
            return (copies, nodes, width), True
    return (1, outputs, 1), False


def _to_columns(values: Tensor, layout: tuple[tuple[int, int, int], Tensor | None]) -> Tensor:
    """What each node has, [q, M, D], as what each output column has, to be taken [q, M, groups]."""
    _, owner = layout
    values = values if owner is None else values.index_select(-1, owner)
    return values[:, :, None, :, None]


def _spread_sum(values: Tensor, spread: Tensor, groups: tuple[int, int, int]) -> Tensor:
    """Sum over T and P of values [T, P, O] times the mask: [O, K]."""
    copies, count, width = groups
    values = values.flatten(0, 1).unflatten(1, groups).permute(2, 1, 3, 0)  # [g, c, w, T P]
    mask = spread.flatten(0, 1)[:, 0, :, 0].transpose(0, 1)  # [g, T P, K]
    out = values.reshape(count, copies * width, -1) @ mask
    return out.view(count, copies, width, -1).transpose(0, 1).reshape(-1, out.shape[-1])
