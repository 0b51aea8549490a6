# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a flood over lossy links delivers: who has a frame after some hops, without repair.

A frame spreads in rounds, ``hops`` of them. In the first its source sends it; in each that follows
every node sends it that has it since the round before. Node j hears node i with probability
``links[i, j]``, frame by frame and link by link independently. This is the independent cascade.
Each node sends a frame once, so each link (i, j) decides about it once: flip all coins beforehand,
and the nodes that get it are those to which a way of at most ``hops`` links leads from the source,
among the links whose coin said yes (Kempe, Kleinberg and Tardos, "Maximizing the spread of
influence through a social network", KDD 2003, where ways may have any length). Losses of two nodes
are correlated, since ways share links: what a relay misses, all behind it miss.

``Flooding`` draws floods by those coins, for training and for estimates. ``exact`` computes the
distribution: who has the frame, S, and who has it since the last round, N, are a Markov chain, in
which outside of S all nodes hear independently,

.. math::

   P(j \\text{ hears} \\mid S, N) = 1 - \\prod_{i \\in N} (1 - p_{ij}).

It has up to 3\\ :sup:`D - 1` states, so it is for few nodes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.shape.config import MAX_NODES
from cats.shape.links import Links, check_links

#: Up to so many nodes ``delivery`` is exact.
EXACT = 8
#: Floods of each source otherwise.
FLOODS = 100_000


class Flooding:
    """Floods over ``links`` [D, D] (sender, receiver) of ``hops`` rounds, at most D - 1 of which
    count. What it draws are uniform random numbers of somebody else's: ``draws`` a frame."""

    def __init__(self, links: Links, hops: int = 1) -> None:
        self.links = check_links(links)
        self.nodes = len(self.links)
        self.hops = check_hops(hops)
        ways = (self.links > 0) & ~np.eye(self.nodes, dtype=bool)
        self._arcs = list(zip(*np.nonzero(ways), strict=True))
        self._heard = np.array([self.links[arc] for arc in self._arcs], np.float32)[:, None]
        self.draws = self.nodes if self.hops == 1 else len(self._arcs)

    def has(self, uniform: np.ndarray, source: np.ndarray, loss: float = 0.0) -> np.ndarray:
        """Who has each of n frames, bool [D, n], by ``uniform`` float32 [draws, n] in [0, 1):
        ``source`` int [n] sent them. ``loss``: what every link loses on top."""
        heard = 1 - loss
        if self.hops == 1:
            has = uniform < (heard * self.links).astype(np.float32)[source].T
            has[source, np.arange(len(source))] = True
            return has
        live = uniform < self._heard * np.float32(heard)
        has = np.zeros((self.nodes, len(source)), bool)
        has[source, np.arange(len(source))] = True
        for _ in range(min(self.hops, self.nodes - 1)):
            before = has.copy()
            for coin, (i, j) in zip(live, self._arcs, strict=True):
                has[j] |= before[i] & coin
        return has


def check_hops(hops: int) -> int:
    """The number of rounds; CatsError where there are none, or more than nodes could need."""
    if not 1 <= hops < MAX_NODES:
        raise CatsError(f"{hops} hops: 1 to {MAX_NODES - 1}")
    return hops


def exact(links: np.ndarray, hops: int, source: int) -> np.ndarray:
    """Probability that just the nodes of set S have a frame of ``source``, float64 [2**D]: bit r of
    the index stands for node r."""
    nodes = len(links)
    states = {(1 << source, 1 << source): 1.0}
    for _ in range(min(hops, nodes - 1)):
        after: dict[tuple[int, int], float] = defaultdict(float)
        for (has, new), chance in states.items():
            senders = [i for i in range(nodes) if new >> i & 1]
            missed = np.prod(1 - links[senders], axis=0)
            sets, odds = np.zeros(1, int), np.array([chance])
            for j in range(nodes):
                if not has >> j & 1 and missed[j] < 1:
                    sets = np.concatenate([sets, sets | 1 << j])
                    odds = np.concatenate([odds * missed[j], odds * (1 - missed[j])])
            for reached, share in zip(sets.tolist(), odds.tolist(), strict=True):
                after[has | reached, reached] += share
        states = after
    found = np.zeros(1 << nodes)
    for (has, _), chance in states.items():
        found[has] += chance
    return found


@dataclass(frozen=True)
class Delivery:
    """What floods deliver: ``has`` float64 [D, D], the probability that the row's frames reach the
    column; ``both`` float64 [D, D, D], that a frame of s reaches receivers r and q. ``error``: the
    standard error of an estimate, at most; 0 where they are exact."""

    has: np.ndarray
    both: np.ndarray
    error: float

    @property
    def loss(self) -> float:
        """Mean over all pairs of nodes of the share that is lost."""
        return mean_loss(self.has)

    def correlation(self) -> np.ndarray:
        """Of the losses of receivers r and q of frames of s, float64 [D, D, D]; nan where one of
        them loses nothing or all."""
        spread = np.sqrt(np.maximum(self.has * (1 - self.has), 0))
        together = self.both - self.has[:, :, None] * self.has[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            found = together / (spread[:, :, None] * spread[:, None])
        return np.where(np.isfinite(found), found, np.nan)


def mean_loss(has: np.ndarray) -> float:
    """Mean of what is lost over all pairs of nodes, of [D, D] that arrives; 0 for one node."""
    other = ~np.eye(len(has), dtype=bool)
    return float((1 - has[other]).mean()) if other.any() else 0.0


def delivery(links: Links, hops: int = 1, seed: int = 0) -> Delivery:
    """What floods of ``hops`` rounds deliver: exact up to EXACT nodes and for one hop, else
    estimated from FLOODS floods of each source, drawn by ``seed``."""
    links, nodes = check_links(links), len(links)
    check_hops(hops)
    if hops == 1:
        both = links[:, :, None] * links[:, None]
        both[:, range(nodes), range(nodes)] = links
        return Delivery(links, both, 0.0)
    members = np.arange(1 << EXACT)[:, None] >> np.arange(EXACT) & 1  # [2**EXACT, EXACT]
    flooding, generator = Flooding(links, hops), np.random.default_rng(seed)
    both = np.empty((nodes, nodes, nodes))
    for s in range(nodes):
        if nodes <= EXACT:
            sets, weights = members[: 1 << nodes, :nodes], exact(links, hops, s)
        else:
            uniform = generator.random((flooding.draws, FLOODS), np.float32)
            sets = flooding.has(uniform, np.full(FLOODS, s)).T
            weights = np.full(FLOODS, 1 / FLOODS)
        both[s] = (sets.T * weights) @ sets
    both = both.clip(0, 1)  # but for rounding it is
    has = both[:, range(nodes), range(nodes)]
    return Delivery(has, both, 0.0 if nodes <= EXACT else 0.5 / FLOODS**0.5)
