# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Standard arrangements of nodes, as links: a line, a grid, a star with a wall.

Attenuation is that of the log-distance model, 10 n log10(distance) decibels more than at a
distance of one, and of a wall where one stands between. A frame's power at a receiver varies about
that by a normal deviation of some decibels, frame by frame, and the frame is heard where the
attenuation is at most the radios' budget, B:

.. math::

   p_{ij} = \\Phi\\Bigl(\\frac{B - A_{ij}}{\\sigma}\\Bigr), \\qquad
   A_{ij} = A_1 + 10\\,n \\log_{10} d_{ij} + W_{ij}

(:math:`\\Phi` is the normal distribution; Rappaport, "Wireless Communications", chapter 4.9.) Nodes
stand as far apart that the links the arrangement is made of lose what is asked for; all others
follow from that.

========  =======================================================================================
line:N    N nodes in a row; made of the links between neighbours, so it has N - 1 hops
grid:RxC  R rows of C nodes; made of the links to all eight neighbours, so 4x4 has 3 hops
star:N    node 0 in a door, the others on a circle around it, half of them on either side of a wall
          that node 0 does not stand behind; made of the links of node 0; 2 hops
========  =======================================================================================
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from cats.errors import CatsError
from cats.shape.config import MAX_NODES


@dataclass(frozen=True)
class PathLoss:
    """``loss``: of the links that the arrangement is made of, more than 0 and less than 1;
    ``exponent`` n; ``spread`` sigma, dB; ``wall``: what one attenuates, dB; ``budget``: the
    attenuation at which half of the frames are heard, dB (power that is sent over the receiver's
    sensitivity)."""

    loss: float = 0.1
    exponent: float = 3.0
    spread: float = 1.5
    wall: float = 20.0
    budget: float = 95.0

    def attenuation(self, places: np.ndarray, walls: np.ndarray, longest: float) -> np.ndarray:
        """dB [D, D] between nodes at ``places`` [D, 2], behind ``walls`` [D, D] of each other,
        where links of length ``longest`` lose ``loss``; the diagonal is 0."""
        margin = -self.spread * NormalDist().inv_cdf(self.loss)
        length = np.linalg.norm(places[:, None] - places, axis=-1)
        np.fill_diagonal(length, longest)
        found = self.budget - margin + 10 * self.exponent * np.log10(length / longest)
        found += self.wall * walls
        np.fill_diagonal(found, 0)
        return found

    def heard(self, attenuation: np.ndarray) -> np.ndarray:
        """The links [D, D] of an attenuation [D, D] in dB, the diagonal 1."""
        normal = NormalDist(self.budget, self.spread)
        links = np.array([[1 - normal.cdf(decibels) for decibels in row] for row in attenuation])
        np.fill_diagonal(links, 1)
        return links


@dataclass(frozen=True)
class Topology:
    """``links`` and ``attenuation`` (dB), float64 [D, D] (sender, receiver), symmetric."""

    links: np.ndarray
    attenuation: np.ndarray


def topology(name: str, model: PathLoss | None = None) -> Topology:
    """The arrangement of that name (``line:4``, ``grid:4x4``, ``star:7``); CatsError names those
    that there are."""
    model = model or PathLoss()
    match = re.fullmatch(r"(?:(line|star):(\d{1,2})|grid:(\d{1,2})x(\d{1,2}))", name)
    if not match:
        raise CatsError(f"no arrangement {name!r}: write line:4, grid:4x4 or star:7")
    kind = match[1] or "grid"
    count = int(match[2]) if match[1] else int(match[3]) * int(match[4])
    if not 2 <= count <= MAX_NODES or (kind == "star" and count < 3):
        raise CatsError(f"{name}: {3 if kind == 'star' else 2} to {MAX_NODES} nodes")
    if not 0 < model.loss < 1 or model.spread <= 0:
        raise CatsError("loss of a link: above 0 and below 1; spread: more than 0 dB")
    walls = np.zeros((count, count))
    longest = 1.0
    if kind == "line":
        places = np.stack([np.arange(count), np.zeros(count)], 1)
    elif kind == "grid":
        rows, columns = int(match[3]), int(match[4])
        places = np.stack(np.divmod(np.arange(count), columns), 1).astype(float)
        longest = math.sqrt(2) if min(rows, columns) > 1 else 1.0
    else:
        angle = 2 * math.pi * (np.arange(count - 1) + 0.5) / (count - 1)
        places = np.vstack([np.zeros(2), np.stack([np.cos(angle), np.sin(angle)], 1)])
        side = np.array([0, *(1 if a < math.pi else -1 for a in angle)])
        walls = (side[:, None] * side < 0).astype(float)
    attenuation = model.attenuation(places, walls, longest)
    return Topology(model.heard(attenuation), attenuation)
