# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Rotary positions (Su and others, RoFormer, arXiv:2104.09864): in row n columns 2i and 2i + 1 of a
query or key are turned by the angle n / base^(2i / E), so a score knows how far apart two rows are
and nothing else of where they stand."""

from __future__ import annotations

import torch
from torch import Tensor


def turns(first: int, rows: int, width: int, base: float, like: Tensor) -> Tensor:
    """Cosines and sines [2, rows, width / 2] for rows from ``first`` on of heads ``width`` wide, of
    the kind of ``like``."""
    row = torch.arange(first, first + rows, dtype=torch.float64, device=like.device)
    pair = torch.arange(0, width, 2, dtype=torch.float64, device=like.device)
    angle = row[:, None] * base ** (-pair / width)
    return torch.stack((angle.cos(), angle.sin())).to(like.dtype)


def turn(x: Tensor, by: Tensor) -> Tensor:
    """Queries or keys x [B, H, rows, E], turned ``by`` what ``turns`` gave."""
    cosine, sine = by
    even, odd = x[..., ::2], x[..., 1::2]
    turned = (even * cosine - odd * sine, even * sine + odd * cosine)
    return torch.stack(turned, -1).flatten(-2)
