# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Message dropout: which columns of which rows each node hears, gather by gather.

Training loses what the air loses, so losses are drawn in the air's units: whole messages (all that
one source sends in one gather) or packets (the fragments that the exporter cuts, see
``cats.shape.partition``). A batch shares ``patterns`` loss patterns among its samples; that is what
makes message dropout cheap (``doc/training.rst``) and it is exact for every sample.

Losses are either alike on all links, in three modes, or those of links that differ, over one hop or
several (``cats.shape.flooding``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.flooding import Flooding, check_hops
from cats.shape.links import Links, check_links
from cats.shape.partition import (
    Fragmenting,
    KeepSets,
    element_bytes,
    fragmenting,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)

#: Payload of an IEEE 802.15.4 frame that is left after the headers, in bytes.
PAYLOAD = 106

GRANULARITIES = ("message", "packet")
#: Ways to lose: each link alone; a receiver that hears nobody; a source that nobody hears.
MODES = ("links", "receiver", "source")
#: Random numbers of floods that are held at a time.
MOST_DRAWS = 1 << 22


@dataclass(frozen=True)
class Heard:
    """What arrived in one gather, constant inside a row block and shared by groups of samples.

    ``columns`` bool [P, T, D, K]: in pattern p and row block t, whether receiver d heard column c.
    Entries of own and of pruned columns are ignored: own columns are always there, pruned never.
    ``bounds`` (T + 1 numbers): row block t is rows ``bounds[t] .. bounds[t + 1]`` of the gather.
    Samples are dealt to patterns in order: sample b of B follows pattern ``b * P // B``.
    """

    columns: Tensor
    bounds: tuple[int, ...]

    def dense(self, batch: int) -> Tensor:
        """The same as an exact pattern: bool [B, rows, D, K]."""
        repeat = batch // self.columns.shape[0]
        blocks = zip(self.columns.split(1, 1), pairwise(self.bounds), strict=True)
        rows = [block.expand(-1, end - top, -1, -1) for block, (top, end) in blocks]
        return torch.cat(rows, 1).repeat_interleave(repeat, 0)

    def of(self, columns: Tensor) -> Tensor:
        """Whether each receiver heard one column in each row, long [B, rows]: [B, rows, D]."""
        patterns, blocks = self.columns.shape[:2]
        heights = torch.tensor([end - top for top, end in pairwise(self.bounds)])
        block = torch.arange(blocks).repeat_interleave(heights).to(columns.device)
        pattern = torch.arange(patterns, device=columns.device)
        pattern = pattern.repeat_interleave(len(columns) // patterns)
        return self.columns[pattern[:, None], block, :, columns]


#: One entry for each gather: None (all heard), a Heard, or an exact pattern as a bool tensor
#: [B or 1, rows, D, K] (row, receiver, column), which is slow and serves as oracle and replay.
Losses = Sequence[Heard | Tensor | None]


def parse_probability(text: str) -> tuple[float, float]:
    """``P`` or ``LO:HI`` to (lo, hi); CatsError outside 0..1 or out of order."""
    parts = text.split(":")
    try:
        low, high = float(parts[0]), float(parts[-1])
    except ValueError:
        low = high = math.nan
    if len(parts) > 2 or not 0 <= low <= high <= 1:
        raise CatsError(f"loss probability {text!r}: give P or LO:HI with 0 <= LO <= HI <= 1")
    return low, high


def default_tile_rows(widths: Sequence[int], rows: int, payload: int) -> int:
    """As many rows as the widest source (``widths``: bytes a row) fits into one frame."""
    return max(1, min(rows, payload // max(max(widths), 1)))


@dataclass(frozen=True)
class _Cut:
    """How one gather is cut: row blocks t within which a column belongs to one fragment."""

    bounds: tuple[int, ...]
    fragment: Tensor  # long [T, K]: fragment of (row block, column), over all sources
    source: Tensor  # long [fragments]: who sends it
    tile: Tensor  # long [fragments]
    tiles: int


class MessageDropout:
    """Draws the losses of a batch.

    ``probability`` (lo, hi): each batch draws its loss probability from this range. In every mode
    each message or packet is lost with that probability; modes differ in what is lost together:

    * ``links``: every (source, receiver) link loses on its own;
    * ``receiver``: a receiver loses all that reaches it in this gather (packets: in this tile);
    * ``source``: all receivers lose what a source sends in this gather (packets: in this tile).

    Each (pattern, gather) draws one of ``modes``. ``payload`` is the bytes a frame carries and
    ``tile_rows`` the rows a tile has: one number, one for each gather, or None for as many rows as
    fit into one frame of the widest source.

    With ``links`` [D, D], the probability that the column's node hears the row's, each message or
    packet is a frame that floods by itself for ``hops`` rounds: one hop is each link on its own;
    of more, a relay's losses are those of all behind it. Every link then loses ``probability`` on
    top, and ``modes`` say nothing.

    Fates of fragments are drawn on the CPU, so that a seed means the same losses on every device;
    a few thousand bits then go to ``device``, where they are spread over rows and columns.
    """

    def __init__(
        self,
        model: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        probability: tuple[float, float],
        granularity: str = "packet",
        modes: Sequence[str] = MODES,
        patterns: int = 4,
        payload: int = PAYLOAD,
        tile_rows: int | Sequence[int] | None = None,
        device: torch.device | str = "cpu",
        links: Links | None = None,
        hops: int = 1,
    ) -> None:
        if granularity not in GRANULARITIES:
            raise CatsError(f"granularity is {granularity!r}: one of {', '.join(GRANULARITIES)}")
        if not modes or any(mode not in MODES for mode in modes):
            raise CatsError(f"loss modes are {list(modes)}: some of {', '.join(MODES)}")
        if patterns < 1:
            raise CatsError(f"{patterns} loss patterns a batch: at least 1")
        self.probability, self.patterns = probability, patterns
        self.modes = torch.tensor([MODES.index(mode) for mode in modes])
        self.nodes = split.nodes
        count = gather_count(model)
        if tile_rows is None or isinstance(tile_rows, int):
            tile_rows = [tile_rows] * count
        if len(tile_rows) != count:
            raise CatsError(f"tile rows for {len(tile_rows)} gathers, the model has {count}")
        self._cuts = [
            _cut(model, split, keep, g, granularity, payload, tile_rows[g]) for g in range(count)
        ]
        self._places = _places(self._cuts, self.nodes).to(device)
        self._floods = None
        if check_hops(hops) > 1 and links is None:
            raise CatsError(f"{hops} hops go with links: who hears whom")
        if links is not None and self.nodes > 1:
            self._floods = _Floods(self._cuts, check_links(links, self.nodes), hops)
        self._choices: dict[int, tuple[Tensor, Tensor, int]] = {}

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Losses:
        """Losses of one batch: one Heard for each gather, or nothing but None where nothing can be
        lost; ``generator`` is of the CPU."""
        arrived = self.arrived(batch, generator)
        if arrived is None:
            return [None] * len(self._cuts)
        return self.spread(arrived.to(self._places.device))

    def arrived(self, batch: int, generator: torch.Generator | None = None) -> Tensor | None:
        """Fates of one batch, bool [P, sum over gathers of D x fragments], on the CPU; None where
        nothing can be lost.

        As many patterns P as asked for where they divide ``batch``, else the next smaller number
        that does, so that every pattern serves equally many samples.
        """
        low, high = self.probability
        lost = low + (high - low) * torch.rand((), generator=generator).item()
        patterns = max(p for p in range(1, min(self.patterns, batch) + 1) if batch % p == 0)
        if self.nodes == 1 or (high == 0 and self._floods is None):
            return None
        if self._floods is not None:
            return self._floods.draw(patterns, lost, generator)
        if patterns not in self._choices:
            self._choices[patterns] = _choices(self._cuts, self.nodes, patterns)
        gather, choices, draws = self._choices[patterns]
        shape = (len(self._cuts), patterns)
        modes = self.modes[torch.randint(len(self.modes), shape, generator=generator)]
        survives = torch.rand(draws, generator=generator) >= lost
        return survives[choices.gather(0, modes[gather].T[None])[0]]

    def spread(self, arrived: Tensor) -> Losses:
        """What ``arrived`` drew, moved to the device beforehand, as one Heard for each gather."""
        columns = arrived.index_select(1, self._places)  # [P, sum over gathers of D x T x K]
        sizes = [self.nodes * cut.fragment.numel() for cut in self._cuts]
        return [
            Heard(part.unflatten(1, (self.nodes, *cut.fragment.shape)).transpose(1, 2), cut.bounds)
            for part, cut in zip(columns.split(sizes, 1), self._cuts, strict=True)
        ]


class _Floods:
    """Fates of every fragment by floods; drawn in parts, so that memory is bounded."""

    def __init__(self, cuts: Sequence[_Cut], links: np.ndarray, hops: int) -> None:
        self.flooding = Flooding(links, hops)
        self.source = np.concatenate([cut.source.numpy() for cut in cuts])  # [fragments]
        # Floods say who has a fragment; fates are sorted by gather, then receiver, then fragment.
        order = np.arange(len(links) * len(self.source)).reshape(len(links), -1)
        ends = np.cumsum([len(cut.source) for cut in cuts])
        parts = np.split(order, ends[:-1], axis=1)
        self.order = torch.from_numpy(np.concatenate([part.ravel() for part in parts]))

    def draw(self, patterns: int, loss: float, generator: torch.Generator | None) -> Tensor:
        """As ``MessageDropout.arrived``; each link loses ``loss`` on top."""
        source = np.tile(self.source, patterns)
        step = max(1, MOST_DRAWS // max(self.flooding.draws, 1))
        parts = []
        for first in range(0, len(source), step):
            part = source[first : first + step]
            uniform = torch.rand(self.flooding.draws, len(part), generator=generator).numpy()
            parts.append(self.flooding.has(uniform, part, loss))
        has = torch.from_numpy(np.concatenate(parts, 1))  # [D, P x fragments]
        return has.unflatten(1, (patterns, -1)).transpose(0, 1).flatten(1)[:, self.order]


def _choices(cuts: Sequence[_Cut], nodes: int, patterns: int) -> tuple[Tensor, Tensor, int]:
    """Which draw decides the fate of (receiver, fragment): (long [E] the gather that it is of, long
    [modes, P, E] the draw in each mode and pattern, number of draws), with E as in
    ``MessageDropout.arrived``."""
    gathers, choices, first = [], [], 0
    pattern = torch.arange(patterns)[:, None, None]
    receiver = torch.arange(nodes)[:, None]
    for g, cut in enumerate(cuts):
        fragments = len(cut.source)
        links = first + (pattern * nodes + receiver) * fragments + torch.arange(fragments)
        first += links.numel()
        tiles = first + (pattern * cut.tiles + cut.tile) * nodes  # [P, 1, fragments]
        first += 2 * patterns * cut.tiles * nodes
        deaf, mute = tiles + receiver, tiles + patterns * cut.tiles * nodes + cut.source
        choices.append(torch.stack((links, deaf, mute.expand_as(links))).flatten(2))
        gathers.append(torch.full((nodes * fragments,), g))
    return torch.cat(gathers), torch.cat(choices, 2), first


def _places(cuts: Sequence[_Cut], nodes: int) -> Tensor:
    """long [sum over gathers of D x T x K]: where ``MessageDropout.arrived`` has each entry."""
    places, first = [], 0
    for cut in cuts:
        fragments = len(cut.source)
        receiver = first + fragments * torch.arange(nodes)  # [D]
        places.append((cut.fragment + receiver[:, None, None]).flatten())
        first += nodes * fragments
    return torch.cat(places)


def _cut(
    model: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    granularity: str,
    payload: int,
    tile_rows: int | None,
) -> _Cut:
    """Row blocks, fragments and tiles of gather g."""
    kind, _ = gather_kind(model, g)
    rows, width = gather_rows(model, g)[1], gather_width(model, kind)
    ranges, element = own_ranges(model, split, kind), element_bytes(kind)
    source = torch.empty(width, dtype=torch.long)
    for s, (begin, end) in enumerate(ranges):
        source[begin:end] = s
    if granularity == "message":
        everyone = torch.arange(split.nodes)
        return _Cut((0, rows), source[None], everyone, torch.zeros_like(everyone), 1)

    widths = [len(columns) * element for columns in keep[g]]
    height = min(tile_rows or default_tile_rows(widths, rows, payload), rows)
    cuts: dict[tuple[int, int], Fragmenting] = {}
    bounds = {rows}
    for top in range(0, rows, height):
        tile = min(height, rows - top)
        for s, bytes_a_row in enumerate(widths):
            cuts[top, s] = fragmenting(bytes_a_row, tile, payload, element)
            step = cuts[top, s].fragment_rows or tile
            bounds.update(range(top, top + tile, step))
    tops = sorted(bounds)
    fragment = torch.zeros(len(tops) - 1, width, dtype=torch.long)
    sources, tiles = [], []
    for (top, s), cut in cuts.items():
        tile = min(height, rows - top)
        for f in range(cut.fragments(tile)):
            first, last, begin, end = cut.region(f, tile)
            columns = list(keep[g][s][begin // element : end // element])
            blocks = [t for t, row in enumerate(tops[:-1]) if first <= row - top < last]
            for t in blocks:
                fragment[t, columns] = len(sources)
            sources.append(s)
            tiles.append(top // height)
    if not sources:  # nobody sends: one fragment that nobody reads
        sources, tiles = [0], [0]
    tile_count = -(-rows // height)
    return _Cut(tuple(tops), fragment, torch.tensor(sources), torch.tensor(tiles), tile_count)
