# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Packing of buffers into one arena."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from cats.plan.arena import ARENA_ALIGN, Buffer, clash, lower_bound, pack, round_up, ticks


@st.composite
def buffer_lists(draw, most: int = 12) -> list[Buffer]:
    count = draw(st.integers(0, most))
    found = []
    for i in range(count):
        first = draw(st.integers(0, 12))
        live = ticks(first, first + draw(st.integers(0, 6)))
        if draw(st.booleans()):  # in use twice
            again = draw(st.integers(0, 18))
            live |= ticks(again, again)
        turns = draw(st.sampled_from(["", "", "", "scratch"]))
        found.append(Buffer(f"b{i}", draw(st.integers(0, 200)), live, turns))
    return found


def brute_force(buffers: list[Buffer]) -> int:
    """The least arena of first-fit over all orders, which includes an optimal one."""
    return min(
        max((at[b.name] + b.room for b in order), default=0)
        for order in itertools.permutations(buffers)
        for at in [first_fit(order)]
    )


def first_fit(order: tuple[Buffer, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    for i, b in enumerate(order):
        rivals = [o for o in order[:i] if clash(b, o)]
        for at in sorted([0, *(places[o.name] + o.room for o in rivals)]):
            if all(at + b.room <= places[o.name] or places[o.name] + o.room <= at for o in rivals):
                places[b.name] = at
                break
    return places


@settings(max_examples=150, deadline=None)
@given(buffer_lists())
def test_no_clash_overlaps(buffers: list[Buffer]) -> None:
    places, size = pack(buffers)
    assert size % ARENA_ALIGN == 0 and size >= lower_bound(buffers)
    for b in buffers:
        assert places[b.name] % 4 == 0 and places[b.name] + b.size <= size
    for a, b in itertools.combinations([b for b in buffers if b.size], 2):
        if clash(a, b):
            apart = places[a.name] + a.size, places[b.name] + b.size
            assert apart[0] <= places[b.name] or apart[1] <= places[a.name]


@settings(max_examples=40, deadline=None)
@given(buffer_lists(most=5))
def test_small_cases_are_optimal(buffers: list[Buffer]) -> None:
    solid = [b for b in buffers if b.size]
    assert pack(buffers)[1] == round_up(brute_force(solid), ARENA_ALIGN)


def test_lower_bound_counts_turns_once() -> None:
    rows = Buffer("rows", 100, ticks(0, 2), "scratch")
    scores = Buffer("scores", 40, ticks(1, 3), "scratch")
    other = Buffer("other", 8, ticks(0, 3))
    assert lower_bound([rows, scores, other]) == 112
    assert pack([rows, scores, other])[1] == 112
    apart = [Buffer(b.name, b.size, b.live) for b in (rows, scores, other)]
    assert lower_bound(apart) == 152


def test_buffers_that_never_meet_share_memory() -> None:
    buffers = [Buffer(f"b{i}", 64, ticks(i, i)) for i in range(10)]
    assert pack(buffers)[1] == 64


def test_same_buffers_give_same_places() -> None:
    buffers = [Buffer(f"b{i}", 17 * i % 90 + 4, ticks(i % 7, i % 7 + i % 3)) for i in range(20)]
    assert pack(buffers) == pack(list(buffers))


def test_nothing_to_pack() -> None:
    assert pack([]) == ({}, 0)
    assert pack([Buffer("empty", 0, ticks(0, 1))]) == ({"empty": 0}, 0)
