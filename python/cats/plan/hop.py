# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Exchanges over several hops: who speaks in which slot, from the links of an installation.

A *turn* is a node's in one slot. In its first turns a source sends its fragments, in all others a
random combination, over GF(4), of all that it has of the exchange; a node that has not heard a
frame of it stays silent, since it does not know the time. The list of turns is fixed by the plan.
It is made slot by slot, with many exchanges drawn side by side (Monte Carlo): each slot goes to the
node whose frame tells most others something new, on average over what the draws so far have come
to. It ends when what is asked for has been delivered. Then turns are moved, and left out, for as
long as it still is. doc/hops.rst says why, and what comes of it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.native import ffi, lib
from cats.shape.links import Links, audible, check_links, depth, distances

#: Most fragments of all sources, and most slots, of an exchange.
MAX_FRAGMENTS: int = lib.CATS_MAX_HOP_FRAGMENTS
MAX_SLOTS: int = lib.CATS_MAX_HOP_SLOTS

#: A link is planned to lose so much at least.
LOSS = 0.1
#: Exchanges drawn side by side, times their nodes and fragments: as a turn is chosen, and as
#: delivery is judged.
CHOOSING, JUDGING = 10_000, 120_000
#: Share of the fragments that is to be delivered.
DELIVERED = 0.998
#: Exchanges drawn as turns are left out, and others, by which a list is judged.
PRUNING, PROVING = 1500, 20_000
#: What a shorter list may deliver less where a relay is gone, and others can do without.
WORSE = 0.01
#: Most that is drawn to leave turns out, in exchanges times nodes and slots; and so many changes of
#: a list bring nothing before it is taken to be the shortest.
WORK, CHANGES = 400_000_000, 300
#: Share of the beacons that is to reach each node, whoever leads; exchanges drawn for it, and the
#: most rounds.
BEACONS, FLOODS, MAX_REPEATS = 0.98, 4000, lib.CATS_MAX_REPEATS
#: How much a node counts that lacks what is told, and is nearer to who hears it.
BEHIND = 0.7
#: What of the news that a node did not get to tell counts in the next slot as well: else one of few
#: would wait for all others.
KEEP = 0.9


@dataclass(frozen=True)
class Need:
    """What one kind of exchange moves: fragments of each source; ``any_owner``: of one source
    alone, any of them."""

    fragments: tuple[int, ...]
    any_owner: bool = False

    @property
    def total(self) -> int:
        """Fragments of an exchange."""
        return max(self.fragments) if self.any_owner else sum(self.fragments)


def coefficient_bytes(fragments: int) -> int:
    """Bytes in front of a combination's content: two bits for each fragment of the exchange."""
    return -(-fragments // 4)


def planned_links(links: Links, hops: int | None = None) -> np.ndarray:
    """Links as they are planned with, float64 [D, D]; CatsError where some node does not reach
    another, or not in so many ``hops``."""
    table = check_links(links)
    found = depth(table, 0.5)
    if found is None:
        raise CatsError(
            "links: some nodes reach others over no links that are heard at least every second "
            "time: move nodes closer, or add one between them"
        )
    if hops is not None and found > hops:
        raise CatsError(f"links: the way between some nodes has {found} hops, not {hops}")
    table = audible(np.minimum(table, 1 - LOSS))
    np.fill_diagonal(table, 0)
    return table


class Draws:
    """Exchanges of one kind side by side, by what each node has: [exchange, node, fragment] rows of
    coefficients in reduced echelon form, two bit planes, row n with its pivot at n."""

    def __init__(self, links: np.ndarray, need: Need, count: int, seed: int) -> None:
        self.links, self.need, self.count = links, need, count
        self.random = np.random.default_rng(seed)
        nodes, total = len(links), need.total
        self.low = np.zeros((count, nodes, total), np.uint64)
        self.high = np.zeros((count, nodes, total), np.uint64)
        self.bit = np.uint64(1) << np.arange(total, dtype=np.uint64)
        #: [exchange, node]: fragments that are the node's own, and the first of them.
        self.own = np.tile(np.array(need.fragments), (count, 1))
        if need.any_owner:
            self.own *= np.arange(nodes) == (np.arange(count) % nodes)[:, None]
        self.first = np.cumsum(self.own, 1) - self.own
        mine = np.arange(total) - self.first[:, :, None]
        self.mine = (mine >= 0) & (mine < self.own[:, :, None])
        self.low[self.mine] = np.broadcast_to(self.bit, self.low.shape)[self.mine]
        #: [exchange, node]: whether a node knows the time. The leader's opening tells it.
        self.knows = self.random.random((count, nodes)) < links[0]
        self.knows[:, 0] = True
        self.taken = np.zeros(nodes, int)
        #: What is sent was built two slots ago, behind a frame that was heard one ago at latest.
        self.built = [(self.low.copy(), self.high.copy())] * 3
        self.ready = [self.knows.copy()] * 2
        #: What each node's frames would have brought since it spoke.
        self.credit = np.zeros(nodes)
        far = distances(links)
        #: [node, hearer, node]: whether that one is nearer to the hearer.
        self.behind = (far[None] < far[:, None]).astype(float)

    def unfinished(self) -> tuple[np.ndarray, float]:
        """Some exchanges in which something is lacking, and the share of such."""
        if self.need.total:
            lacks = ((self.low != self.bit) | (self.high != 0)).any(2).any(1)
        else:
            lacks = ~self.knows.all(1)
        found = np.nonzero(lacks)[0]
        most = max(CHOOSING // max(len(self.links) * self.need.total, 1), 32)
        picked = self.random.permutation(found)[:most]
        return picked, len(found) / self.count

    def frames(
        self, node: int, picked: slice | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What it would send now: (low, high) [exchange], and whether it would."""
        low, high = (plane[picked, node] for plane in self.built[0])
        speaks = self.ready[0][picked, node].copy()
        if not self.need.total:
            return np.zeros(len(low), np.uint64), np.zeros(len(low), np.uint64), speaks
        factor = self.random.integers(1, 4, low.shape)
        found_low, found_high = self._sum(factor & 1 != 0, factor & 2 != 0, low, high)
        fragment = self.first[picked, node] + self.taken[node]
        plain = self.taken[node] < self.own[picked, node]
        unit = self.bit[np.where(plain, fragment, 0)]
        found_low, found_high = np.where(plain, unit, found_low), np.where(plain, 0, found_high)
        return found_low, found_high, speaks  # a frame of nothing tells the time

    @staticmethod
    def _sum(
        one: np.ndarray, two: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of rows times factors with bits ``one`` and ``two``, all [n, fragment]."""
        return (
            np.bitwise_xor.reduce(np.where(one, low, 0) ^ np.where(two, high, 0), 1),
            np.bitwise_xor.reduce(np.where(one, high, 0) ^ np.where(two, high ^ low, 0), 1),
        )

    def reduced(
        self, low: np.ndarray, high: np.ndarray, rows_low: np.ndarray, rows_high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Frames (low, high) [n] without what rows [n, fragment] tell of them."""
        there = (rows_low >> np.arange(self.need.total, dtype=np.uint64)) & np.uint64(1) != 0
        one = ((low[:, None] & self.bit) != 0) & there
        two = ((high[:, None] & self.bit) != 0) & there
        told_low, told_high = self._sum(one, two, rows_low, rows_high)
        return low ^ told_low, high ^ told_high

    def news(self, node: int, picked: np.ndarray) -> np.ndarray:
        """[exchange, node]: what a frame of ``node`` would bring, of exchanges that are ``picked``:
        1 for a row that is new to who hears it, half as much for the time alone, and a share of
        both for each node that lacks it as well and is nearer to who hears it."""
        low, high, speaks = self.frames(node, picked)
        found = 0.5 * ~self.knows[picked]
        if self.need.total:
            rows = (self.low[picked], self.high[picked])
            every = np.repeat(low, len(self.links)), np.repeat(high, len(self.links))
            left = self.reduced(*every, *(row.reshape(-1, self.need.total) for row in rows))
            found += ((left[0] | left[1]) != 0).reshape(found.shape)
        found *= 1 + BEHIND * (found @ self.behind[node].T)
        return np.where(speaks[:, None], found, 0)

    def speak(self, node: int) -> None:
        """One slot."""
        low, high, speaks = self.frames(node, slice(None))
        heard = self.random.random(self.knows.shape) < self.links[node]
        heard &= speaks[:, None]
        self.knows |= heard
        self.taken[node] += 1
        exchange, other = np.nonzero(heard)
        if self.need.total and len(exchange):
            self._take(low[exchange], high[exchange], exchange, other)
        self.built = [*self.built[1:], (self.low.copy(), self.high.copy())]
        self.ready = [*self.ready[1:], self.knows.copy()]

    def _take(
        self, low: np.ndarray, high: np.ndarray, exchange: np.ndarray, other: np.ndarray
    ) -> None:
        low, high = self.reduced(low, high, self.low[exchange, other], self.high[exchange, other])
        new = (low | high) != 0
        low, high, exchange, other = low[new], high[new], exchange[new], other[new]
        left = low | high
        pivot = np.log2((left & (~left + np.uint64(1))).astype(np.float64)).astype(np.uint64)
        one = (low >> pivot & np.uint64(1)) != 0
        two = (high >> pivot & np.uint64(1)) != 0
        for times in (two, two & ~one):  # w w w = 1: w takes two more, w w takes one
            low, high = np.where(times, high, low), np.where(times, high ^ low, high)
        rows_low, rows_high = self.low[exchange, other], self.high[exchange, other]
        one = (rows_low >> pivot[:, None] & np.uint64(1)) != 0
        two = (rows_high >> pivot[:, None] & np.uint64(1)) != 0
        rows_low ^= np.where(one, low[:, None], 0) ^ np.where(two, high[:, None], 0)
        rows_high ^= np.where(one, high[:, None], 0) ^ np.where(two, (high ^ low)[:, None], 0)
        at = np.arange(len(low)), pivot.astype(int)
        rows_low[at], rows_high[at] = low, high
        self.low[exchange, other], self.high[exchange, other] = rows_low, rows_high

    def delivered(self) -> float:
        """Share of the fragments that are where they are to be; without any, of nodes that know of
        the exchange."""
        if not self.need.total:
            return float(self.knows.mean())
        has = (self.low == self.bit) & (self.high == 0)
        return float(has[~self.mine].mean())


def _next(draws: Draws) -> int:
    """Whose the next slot is."""
    picked, share = draws.unfinished()
    for node, links in enumerate(draws.links):
        news = draws.news(node, picked).mean(0)
        draws.credit[node] = KEEP * draws.credit[node] + share * float(news @ links)
    chosen = int(draws.credit.argmax())
    draws.credit[chosen] = 0
    return chosen


def plan_turns(links: np.ndarray, need: Need, seed: int = 0) -> tuple[int, ...]:
    """The turns of one kind of exchange over ``planned_links``."""
    return _plan_turns(tuple(map(tuple, links.tolist())), need, seed)


@functools.lru_cache(maxsize=256)
def _plan_turns(links: tuple[tuple[float, ...], ...], need: Need, seed: int) -> tuple[int, ...]:
    table = np.array(links)
    if need.total > MAX_FRAGMENTS:
        raise CatsError(
            f"{need.total} fragments in one exchange: over several hops at most {MAX_FRAGMENTS}; "
            "choose smaller tiles or a larger payload"
        )
    count = max(JUDGING // max(len(table) * need.total, len(table) * 16), 192)
    draws = Draws(table, need, count, seed)
    proof = Shares(table, need, seed + 1, PROVING)
    turns: list[int] = []
    while draws.delivered() < DELIVERED or proof.of(turns)[1] < DELIVERED:
        if len(turns) == MAX_SLOTS:
            raise CatsError(
                f"{need.total} fragments do not reach all nodes in {MAX_SLOTS} slots over these "
                "links: choose smaller tiles"
            )
        turns.append(_next(draws))
        draws.speak(turns[-1])
    bars = [(proof, DELIVERED)]
    for node in _dispensable(table):
        there = np.arange(len(table)) != node
        own = tuple(int(n * here) for n, here in zip(need.fragments, there, strict=True))
        links_left, rest = table * np.outer(there, there), dataclasses.replace(need, fragments=own)
        without = Shares(links_left, rest, seed + 1, PRUNING)
        bars.append((without, without.of(turns)[1] - WORSE))
    return tuple(_shortened(turns, Shares(table, need, seed, PRUNING), bars))


def _dispensable(links: np.ndarray) -> list[int]:
    """Nodes behind the leader that pass things on, and without which all others still can."""
    found = []
    for node in range(1, len(links)):
        rest = np.delete(np.delete(links, node, 0), node, 1)
        if (links[node] > 0).sum() > 1 and depth(rest, 0.5) is not None:
            found.append(node)
    return found


class Shares:
    """What lists of turns bring: the same ``count`` exchanges for each (relay_draw() of the C code,
    which draws what Draws does)."""

    def __init__(self, links: np.ndarray, need: Need, seed: int, count: int) -> None:
        self._links = ffi.new("uint32_t[]", np.rint(links.ravel() * 65536).astype(int).tolist())
        self._fragments = ffi.new("uint8_t[]", need.fragments)
        self._relay = ffi.new(
            "struct relay *",
            {
                "nodes": len(links), "links": self._links, "fragments": self._fragments,
                "any_owner": need.any_owner, "count": count, "seed": seed,
            },
        )  # fmt: skip
        #: Exchanges times nodes and slots: what is drawn for each slot, and was for all.
        self.each, self.work = count * len(links), 0

    def of(self, turns: Sequence[int]) -> tuple[float, float]:
        """Shares of what nodes need of which they have equations, and which they have."""
        self.work += len(turns) * self.each
        shares = lib.relay_draw(self._relay, bytes(turns), len(turns))
        return shares.rank, shares.delivered


def _shortened(turns: list[int], draws: Shares, bars: Sequence[tuple[Shares, float]]) -> list[int]:
    """Turns that are fewer, and deliver what they are to by ``draws``, and by others at least what
    is beside these: hill climbing."""
    random = np.random.default_rng(0)
    while len(turns) > 1 and draws.work + len(turns) ** 2 * draws.each < WORK:
        shorter = [turns[:n] + turns[n + 1 :] for n in range(len(turns))]
        value, at = max((sum(draws.of(found)), -n) for n, found in enumerate(shorter))
        found, left, tried = shorter[-at], CHANGES, 0.0
        while left and draws.work < WORK:
            if value > tried and all(
                drawn.of(found)[1] >= least for drawn, least in ((draws, DELIVERED), *bars)
            ):
                break
            tried = value
            changed, left = _changed(found, random), left - 1
            better = sum(draws.of(changed)) - value
            if better >= 0:
                found, value = changed, value + better
                left = max(left, CHANGES // 2) if better > 0 else left
        else:
            return turns
        turns = found
    return turns


def _changed(turns: list[int], random: np.random.Generator) -> list[int]:
    """Two turns swapped, one moved, or one given to a node that has another."""
    kind, (n, m) = random.random(), random.integers(len(turns), size=2)
    turns = list(turns)
    if kind < 0.3:
        turns[n], turns[m] = turns[m], turns[n]
    elif kind < 0.7:
        turns.insert(m, turns.pop(n))
    else:
        turns[n] = turns[m]
    return turns


def repeat_order(nodes: int, repeats: int) -> list[int]:
    """Whose the slots are in which a beacon is repeated: all in order, then back again."""
    way = list(range(nodes))
    return [node for turn in range(repeats) for node in (way[::-1] if turn % 2 else way)]


def flood(
    links: np.ndarray, leader: int, order: Sequence[int], seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Share of a leader's beacons that each node hears [D], and in which slot on average: who has
    heard one repeats it."""
    random = np.random.default_rng(seed)
    knows = np.zeros((FLOODS, len(links)), bool)
    knows[:, leader] = True
    slots = np.zeros(knows.shape)
    for slot, node in enumerate((leader, *order)):
        news = (random.random(knows.shape) < links[node]) & knows[:, node, None] & ~knows
        slots[news] = slot
        knows |= news
    return knows.mean(0), slots.sum(0) / np.maximum(knows.sum(0), 1)


def plan_repeats(links: np.ndarray) -> tuple[int, tuple[float, ...]]:
    """The fewest rounds of repeated beacons by which BEACONS of them arrive over ``planned_links``,
    and the slot in which each node hears those of node 0, on average."""
    return _plan_repeats(tuple(map(tuple, links.tolist())))


@functools.lru_cache(maxsize=64)
def _plan_repeats(links: tuple[tuple[float, ...], ...]) -> tuple[int, tuple[float, ...]]:
    table, nodes = np.array(links), range(len(links))
    found = []
    for repeats in range(1, MAX_REPEATS + 1):
        order = repeat_order(len(links), repeats)
        found = [flood(table, leader, order) for leader in nodes]
        if min(share.min() for share, _ in found) >= BEACONS:
            break
    return repeats, tuple(round(float(slot), 2) for slot in found[0][1])


def judge(links: np.ndarray, need: Need, turns: Sequence[int], seed: int, count: int) -> float:
    """Share that a list of turns delivers over ``links`` [D, D], drawn anew."""
    return Shares(links, need, seed, count).of(turns)[1]
