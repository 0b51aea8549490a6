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

    Arguments: x [B, rows, K]; weight [O, K], bias [O]; gain and offset [K] of the norm, both None
    without one, offset None of an RMS norm; eps; mask bool [P, T, D, K] with ``bounds`` as in
    ``Heard``; reader [D, O] and its layout (``CatsTransformer.layout``).
    Samples of one pattern and one row block lack the same columns, so P x T masked copies of the
    weights do for all of them. For the norm, with m the mask of the node that computes column j and
    n its count,

        norm(x) . W[j] + b[j] = rstd (x . (m gain W[j]) - mean sum(m gain W[j]))
                                + sum(m offset W[j]) + b[j]

    where mean and rstd of a row are two products of x and x squared with m / n; an RMS norm has
    neither mean nor offset. Below, q runs over
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
    """See MaskedProduct: the product in dtype ``low``, and what the derivative needs of it.

    With a norm, each node's mean is one column more of x, whose weight is minus the sum of the
    node's weights: so one product takes off the means and, in the derivative, gives their slopes.
    """
    patterns, inner, normed = mask.shape[0], x.shape[-1], gain is not None
    centres = offset is not None
    mask = mask.transpose(0, 1).to(weight.dtype).contiguous()  # [T, P, D, K]
    reader = reader.to(weight.dtype)
    groups, owner = layout
    spread = mask if owner is None else mask.index_select(2, owner)
    spread = spread[:, :, None, :, None]  # [T, P, 1, groups, 1, K]
    scaled = weight * gain if normed else weight
    width = inner + (len(reader) if centres else 0)
    masked = weight.new_empty(*mask.shape[:2], len(weight), width, dtype=low)  # [T, P, O, K or K+D]
    columns = masked[..., :inner].unflatten(2, groups)
    torch.mul(scaled.view(*groups, inner), spread, out=columns)
    runs = row_runs(bounds, x.device)
    share, stats, centred = None, [], []
    if normed:
        x = x.to(weight.dtype)
        share = mask / mask.sum(-1, keepdim=True).clamp(min=1)  # [T, P, D, K]
    if centres:
        x = x - x.mean(-1, keepdim=True)  # changes nothing but the rounding of the variance
        bias = bias + ((mask * offset) @ weight.T * reader).sum(2)  # [T, P, O]
        torch.mul(scaled @ mask.transpose(2, 3), -reader.T, out=masked[..., inner:])
    else:
        bias = bias.expand(*masked.shape[:3])
    bias = bias.to(low)
    parts = [grouped(x[:, rows], patterns, blocks) for blocks, rows in runs]  # [q, M, K] each
    if normed:
        shares = [share[blocks].flatten(0, 1) for blocks, _ in runs]
        stats = _norm_stats(parts, shares, eps, centres)
    if centres:
        parts = [
            torch.cat((part.to(low), mean.to(low)), -1)
            for part, (mean, _) in zip(parts, stats, strict=True)
        ]
    out = x.new_empty(*x.shape[:2], len(weight), dtype=low)
    for i, (blocks, rows) in enumerate(runs):
        parts[i] = parts[i].to(low)
        weights, offsets = masked[blocks].flatten(0, 1), bias[blocks].flatten(0, 1)[:, None]
        if normed:
            centred.append(parts[i] @ weights.transpose(1, 2))  # [q, M, O]
            factor = _to_columns(stats[i][1].to(low), layout)
            product, offsets = centred[-1].unflatten(-1, groups), offsets.unflatten(-1, groups)
            product = torch.addcmul(offsets, product, factor)
        else:
            product = torch.baddbmm(offsets, parts[i], weights.transpose(1, 2))
        place = by_group(out[:, rows], patterns, blocks)
        place.copy_(product.view(place.shape))
    return out, (parts, centred, stats), (masked, spread, mask, reader, share)


def _norm_stats(parts, shares, eps, centres):
    """(mean, 1 / deviation) [q, M, D] of each run's rows [q, M, K] over the columns that each node
    has, whose shares of one are [q, D, K]; unless it ``centres`` the mean is 0."""
    sizes = [part.shape[:2].numel() for part in parts]
    sums = parts[0].new_empty(2, sum(sizes), shares[0].shape[1])
    views = [
        [of.view(*part.shape[:2], -1) for of, part in zip(kind.split(sizes), parts, strict=True)]
        for kind in sums
    ]
    for part, share, mean, square in zip(parts, shares, *views, strict=True):
        if centres:
            torch.bmm(part, share.transpose(1, 2), out=mean)
        else:
            mean.zero_()
        torch.bmm(part * part, share.transpose(1, 2), out=square)
    sums[1].addcmul_(sums[0], sums[0], value=-1).clamp_min_(0).add_(eps).rsqrt_()
    return list(zip(*views, strict=True))


def _backward(
    gradient, kept, weight, gain, offset, masked, spread, mask, reader, share, bounds, layout
):
    """See MaskedProduct: the derivatives of x, weight, bias, gain and offset."""
    groups, _ = layout
    patterns, inner, low = mask.shape[1], weight.shape[1], masked.dtype
    d_masked, d_bias = torch.empty_like(masked), weight.new_empty(masked.shape[:3])
    d_x = weight.new_empty(*gradient.shape[:2], inner, dtype=low if gain is None else weight.dtype)
    parts, centred, stats = kept
    for i, (blocks, rows) in enumerate(row_runs(bounds, gradient.device)):
        slope = grouped(gradient[:, rows], patterns, blocks)  # [q, M, O]
        d_bias[blocks] = slope.sum(1, dtype=weight.dtype).view_as(d_bias[blocks])
        if gain is not None:
            mean, rstd = stats[i]
            d_rstd = ((slope * centred[i]) @ reader.T.to(low)).to(weight)  # [q, M, D]
            factor = _to_columns(rstd.to(low), layout)
            slope = (slope.unflatten(-1, groups) * factor).flatten(2)
            d_variance = -0.5 * rstd**3 * d_rstd
        torch.bmm(slope.transpose(1, 2), parts[i], out=d_masked[blocks].flatten(0, 1))
        d_part = slope @ masked[blocks].flatten(0, 1)  # [q, M, K or K + D]
        if gain is not None:
            shares = share[blocks].flatten(0, 1)
            d_part = d_part.to(weight)
            if offset is not None:
                d_mean = torch.addcmul(d_part[..., inner:], mean, d_variance, value=-2)
                d_part = d_part[..., :inner].baddbmm(d_mean, shares)
            d_part.addcmul_(parts[i][..., :inner], d_variance @ shares, value=2)
        place = by_group(d_x[:, rows], patterns, blocks)
        place.copy_(d_part.view(place.shape))
    d_weights = d_masked[..., :inner].unflatten(2, groups) * spread
    d_weight = d_weights.sum((0, 1), dtype=weight.dtype).view_as(weight)
    if gain is None:
        return d_x, d_weight, d_bias.sum((0, 1)), None, None
    if offset is None:
        return d_x, d_weight * gain, d_bias.sum((0, 1)), (d_weight * weight).sum(0), None
    d_total = -(d_masked[..., inner:] * reader.T.to(low)).sum(-1, dtype=weight.dtype)
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


def by_group(x: Tensor, patterns: int, blocks: slice) -> Tensor:
    """Rows [B, rows, K] of a run as a view [blocks, P, B / P, rows / blocks, K]."""
    x = x.unflatten(0, (patterns, -1)).unflatten(2, (blocks.stop - blocks.start, -1))
    return x.permute(2, 0, 1, 3, 4)


def grouped(x: Tensor, patterns: int, blocks: slice) -> Tensor:
    """Rows [B, rows, K] of a run to groups [blocks x P, B / P x rows / blocks, K]."""
    return by_group(x, patterns, blocks).flatten(2, 3).flatten(0, 1)


def layout(reader: Tensor) -> tuple[tuple[int, int, int], bool]:
    """How the O output columns share the D masks: (copies, groups, width), whose product is O, and
    whether the groups are the nodes.

    Groups are nodes where all own equally many columns (copies: q, k and v; a gate and what it is
    of); else every column is a group of its own.
    """
    nodes, outputs = reader.shape
    owner = reader.argmax(0)
    for copies in (1, 2, 3):
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
