# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The planner: arenas that hold what they must, legal tiles and fragments, and what it reaches."""

import dataclasses
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.code_time import code_time
from cats.plan.plan import Air, exchange_us, gather_air, plan_air, plan_from_json, plan_to_json
from cats.plan.planner import make_plan
from cats.plan.radio import FRAME_HEADER, RADIOS, radio
from cats.plan.timing import MAX_FRAGMENTS, MAX_TILES, Compute, inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import PRUNABLE, Fragmenting, Kind, full_keep, gather_kind, own_ranges
from cats.sim.engine import state_bytes
from cats.sim.simulate import Settings, simulate
from planned import exchanges, plans, run_arena


def keep_some(config: ModelConfig, split: SplitConfig, columns: int):
    """The first ``columns`` of each source in every gather that may be pruned."""
    return [
        [kept[:columns] if gather_kind(config, g)[0] in PRUNABLE else kept for kept in sources]
        for g, sources in enumerate(full_keep(config, split))
    ]


@pytest.mark.no_cover
@settings(max_examples=40, deadline=None)
@given(plans(), st.integers(0, 2**32))
def test_arena_holds_what_the_engine_needs(planned, seed: int) -> None:
    config, split, keep, plan = planned
    chance = random.Random(seed)
    for node in {0, split.nodes // 2, split.nodes - 1}:
        for early in (lambda: False, lambda: True, lambda: chance.random() < 0.5):
            run_arena(config, split, keep, plan, node, early)


def test_the_arena_check_sees_an_overlap() -> None:
    config = ModelConfig(tokens_in=6, inputs=3, outputs=2, features=8, heads=4, hidden=8)
    split = SplitConfig.even(config, 2)
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep, tile_rows=2, interleave=False, held=False)
    run_arena(config, split, keep, plan, 0, lambda: True)
    places = plan.arenas[0].offsets
    for name, over in (
        ("key", "query"),
        ("residual", "value"),
        ("rows", "query"),
        ("hidden", "residual"),
        ("output", "pooled"),
        ("scores", "key"),
    ):
        offsets = {**places, name: places[over]}
        arena = dataclasses.replace(plan.arenas[0], offsets=offsets, size=4096)
        with pytest.raises(AssertionError, match="overwritten"):
            run_arena(config, split, keep, dataclasses.replace(plan, arenas=(arena,)), 0,
                      lambda: True)  # fmt: skip
    for buffers in ("tiles", "outboxes"):
        arena = dataclasses.replace(plan.arenas[0], size=4096, **{buffers: ((0, 0),) * 11})
        with pytest.raises(AssertionError, match="overwritten"):
            run_arena(config, split, keep, dataclasses.replace(plan, arenas=(arena,)), 0,
                      lambda: True)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(plans())
def test_every_kept_byte_is_in_one_fragment(planned) -> None:
    config, split, keep, plan = planned
    air = radio(plan.radio, code_time(split.nodes))
    for g, gather in enumerate(plan.gathers):
        kind, _ = gather_kind(config, g)
        assert 1 <= gather.tile_rows <= gather.rows and gather.tiles <= MAX_TILES
        for s, cut in enumerate(gather.sources):
            element = 2 if kind == Kind.RESULT else 1
            width = len(keep[g][s]) * element if split.nodes > 1 else 0
            assert cut.width == width
            for tile in {0, gather.tiles - 1}:
                rows = gather.tile_height(tile)
                seen = np.zeros((rows, width), int)
                assert cut.fragments(rows) <= MAX_FRAGMENTS
                for f in range(cut.fragments(rows)):
                    top, bottom, begin, end = cut.region(f, rows)
                    assert begin % element == 0 and end % element == 0
                    size = (bottom - top) * (end - begin)
                    assert 0 < size <= plan.payload
                    assert air.slot_us(FRAME_HEADER + size) <= gather.slot_us
                    seen[top:bottom, begin:end] += 1
                assert (seen == 1).all()


@settings(max_examples=40, deadline=None)
@given(plans())
def test_plans_are_whole(planned) -> None:
    config, split, keep, plan = planned
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
    seen = {(g, t) for g, gather in enumerate(plan.gathers) for t in range(gather.tiles)}
    order = exchanges(plan)
    assert len(order) == len(seen) and set(order) == seen
    for g, gather in enumerate(plan.gathers):
        if g and gather.phase == plan.gathers[g - 1].phase:
            assert gather_kind(config, g)[0] in (Kind.FORWARD, Kind.HIDDEN)
            assert (gather.tile_rows, gather.rows) == (
                plan.gathers[g - 1].tile_rows, plan.gathers[g - 1].rows)  # fmt: skip
    for node, arena in enumerate(plan.arenas):
        assert arena.size % 8 == 0 and arena.size >= arena.lower_bound
        assert plan.heads_per_pass[node] <= split.heads[node]
        assert plan.held or plan.heads_per_pass[node] == split.heads[node]
        assert arena.offsets["heads"] == arena.offsets["query"]
        for places in (arena.tiles, arena.outboxes):
            for gather, (a, b) in zip(plan.gathers, places, strict=True):
                assert gather.buffers == 2 or a == b


def paper_shape(columns: int | None):
    """64 tokens, 128 features, 16 heads, hidden 128, 16 nodes."""
    config = ModelConfig(
        tokens_in=64, inputs=16, outputs=16, features=128, heads=16, hidden=128, blocks=2
    )
    split = SplitConfig.even(config, 16, "channels")
    return config, split, keep_some(config, split, columns) if columns else full_keep(config, split)


@pytest.mark.parametrize("radio", sorted(RADIOS))
@pytest.mark.parametrize(("columns", "limit"), [(None, 5120), (2, 3584)])
def test_ram_of_sixteen_nodes(radio: str, columns: int | None, limit: int) -> None:
    config, split, keep = paper_shape(columns)
    plan = make_plan(config, split, keep, radio=radio, ram_limit=limit)
    assert max(arena.size for arena in plan.arenas) <= limit
    run_arena(config, split, keep, plan, 3, lambda: True)


@pytest.mark.parametrize("radio", sorted(RADIOS))
def test_ram_of_the_prototype_shape(radio: str) -> None:
    config = ModelConfig(
        tokens_in=64, inputs=16, outputs=8, features=512, heads=16, hidden=512, blocks=1
    )
    split = SplitConfig.even(config, 4)
    keep = keep_some(config, split, 13)
    limit = 36 * 1024 - state_bytes()  # with the state of engine and gather and all frames
    plan = make_plan(config, split, keep, radio=radio, ram_limit=limit)
    assert max(arena.size for arena in plan.arenas) <= limit
    run_arena(config, split, keep, plan, 1, lambda: True)


def test_arenas_reach_their_lower_bound() -> None:
    for blocks in (1, 2, 6):
        for columns in (None, 2):
            config, split, keep = paper_shape(columns)
            config = dataclasses.replace(config, blocks=blocks)
            keep = keep_some(config, split, columns or 128)
            plan = make_plan(config, split, keep)
            assert [a.size for a in plan.arenas] == [a.lower_bound for a in plan.arenas]


def test_less_ram_costs_air() -> None:
    config, split, keep = paper_shape(None)
    found = []
    for limit in (16384, 5120, 4096, 3584):
        plan = make_plan(config, split, keep, ram_limit=limit)
        found.append((plan_air(plan).slots_us, max(arena.size for arena in plan.arenas)))
        assert found[-1][1] <= limit
    assert found == sorted(found, key=lambda f: (f[0], -f[1]))
    assert found[0][0] < found[-1][0]


def test_ram_falls_with_nodes() -> None:
    config = dataclasses.replace(paper_shape(None)[0], inputs=16)
    sizes = []
    for nodes in (1, 2, 4, 8, 16):
        split = SplitConfig.even(config, nodes, "channels")
        plan = make_plan(config, split, full_keep(config, split), ram_limit=49152, slack=9.0)
        sizes.append(max(arena.size for arena in plan.arenas))
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] * 6 < sizes[0]


def test_one_node_sends_nothing() -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=8, heads=2, hidden=5)
    split = SplitConfig.even(config, 1)
    for rounds in (0, 2):
        plan = make_plan(config, split, full_keep(config, split), rounds=rounds)
        assert plan_air(plan) == Air()
        assert all(cut.width == 0 for gather in plan.gathers for cut in gather.sources)
        assert inference_us(config, split, full_keep(config, split), plan) > 0


def test_air_by_hand() -> None:
    config = ModelConfig(tokens_in=10, inputs=3, outputs=2, features=8, heads=4, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    plan = make_plan(
        config, split, full_keep(config, split), tile_rows=4, payload=9, rounds=1, held=False
    )
    # 4 bytes a row and source: two rows a frame, and a byte for the four that one may combine.
    gather = plan.gathers[1]
    assert (gather.tiles, [cut.fragment_rows for cut in gather.sources]) == (3, [2, 2])
    air = RADIOS["ieee802154"]
    assert gather.slot_us == air.slot_us(18)
    assert gather.control_us == air.control_us(10)
    # Opening, the data behind it, a turn, and the part of the need slot that tells silence.
    one = gather.control_us + gather.turn_us + round(air.sense_us)
    assert exchange_us(gather, 4, air) == 4 * gather.slot_us + one
    total = gather_air(gather, "ieee802154")
    # The last tile's two fragments are so few that it is opened three times, with a turn behind.
    assert total.frames == 10 + 3 + 2
    more = 2 * gather.control_us + gather.turn_us
    assert total.slots_us == 10 * gather.slot_us + 3 * one + more
    assert total.bytes == 2 * 10 * 4 + total.frames * (10 + air.overhead)
    assert total.us == total.frames * 40 + total.bytes * 32
    single = gather_air(dataclasses.replace(gather, rounds=0), "ieee802154")
    assert single.frames == 13
    assert single.slots_us == 10 * gather.slot_us + 3 * gather.control_us
    # Over ble a turn, and each node says that it lacks nothing; sealed, or where node 0 sends
    # nothing, there is a turn in front of the data.
    ble = RADIOS["ble"]
    needs = 3 * gather.control_us + gather.turn_us
    assert exchange_us(gather, 4, ble) == 4 * gather.slot_us + needs
    assert gather_air(gather, "ble").frames == 10 + 3 + 2 + 3 * 2
    sealed = exchange_us(gather, 4, radio("ieee802154+secure"))
    quiet = dataclasses.replace(gather, sources=(Fragmenting(0, 0, 0, 0), gather.sources[1]))
    assert sealed == exchange_us(gather, 4, air) + gather.turn_us
    # Of two fragments, so with two more openings.
    assert exchange_us(quiet, 4, air) == sealed - 2 * gather.slot_us + 2 * gather.control_us


def test_slower_nodes_get_time() -> None:
    config, split, keep = paper_shape(None)
    fast = make_plan(config, split, keep, tile_rows=8, interleave=False, held=False)
    slow = make_plan(config, split, keep, tile_rows=8, interleave=False, held=False,
                     compute=Compute(clock_hz=16e6))  # fmt: skip
    for a, b in zip(fast.gathers, slow.gathers, strict=True):
        assert b.spacing_us > a.spacing_us and b.turn_us > a.turn_us
    for gather in fast.gathers:
        if gather.buffers == 1:  # nothing hides behind the next tile's air
            assert gather.spacing_us > exchange_us(gather, gather.tile_rows, RADIOS[fast.radio])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radio": "lora"}, "radio 'lora'"),
        ({"payload": 0}, "payload of 0 bytes"),
        ({"payload": 300}, "payload of 300 bytes"),
        ({"payload": 1}, "holds no column, which has 2: raise --payload"),
        ({"rounds": 4}, "4 repair rounds"),
        ({"tile_rows": 0}, "tiles of 0 rows"),
        ({"tile_rows": [1, 2]}, "tile rows for 2 gathers"),
        ({"tile_rows": [1, 2, 3, 4, 5, 6, 7], "interleave": True}, "same height"),
        ({"block_rows": 5}, "5 rows a block"),
        ({"heads_per_pass": 0}, "0 heads a pass"),
        ({"ram_limit": 100}, "no plan fits into an arena of 100 bytes"),
        ({"slack": -0.1}, "slack of -0.1"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=8, heads=4, hidden=5, blocks=1)
    split = SplitConfig.even(config, 2)
    with pytest.raises(CatsError, match=message):
        make_plan(config, split, full_keep(config, split), **options)


def test_too_many_fragments() -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=512, heads=2, hidden=8)
    split = SplitConfig.even(config, 2)
    keep = full_keep(config, split)
    with pytest.raises(CatsError, match="at most 128"):
        make_plan(config, split, keep, payload=1 + 1, tile_rows=2)
    plan = make_plan(config, split, keep, payload=2, tile_rows=1)
    assert max(cut.fragments(1) for gather in plan.gathers for cut in gather.sources) == 128


def test_too_many_tiles() -> None:
    config = ModelConfig(tokens_in=1000, inputs=1, outputs=1, features=4, heads=2, hidden=4)
    split = SplitConfig.even(config, 2)
    keep = full_keep(config, split)
    with pytest.raises(CatsError, match="500 tiles, at most 256"):
        make_plan(config, split, keep, tile_rows=2)
    assert max(gather.tiles for gather in make_plan(config, split, keep).gathers) <= 256


def test_heights_by_gather() -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=8, heads=4, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    heights = [1, 2, 3, 4, 5, 6, 7]
    plan = make_plan(config, split, full_keep(config, split), tile_rows=heights, held=False)
    assert [g.tile_rows for g in plan.gathers] == [1, 2, 3, 4, 5, 1, 1]
    assert len({g.phase for g in plan.gathers}) == 7


def test_keep_sets_are_checked() -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=8, heads=4, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    keep = full_keep(config, split)
    for g, columns, wrong in (
        (1, (4,), "leaves columns 0..4"),
        (1, (1, 0), "leaves columns 0..4"),
        (0, (), "INPUT is never pruned"),
        (6, (), "RESULT is never pruned"),
    ):
        bad = [list(sources) for sources in keep]
        bad[g][0] = columns
        with pytest.raises(CatsError, match=wrong):
            make_plan(config, split, bad)
    assert own_ranges(config, split, Kind.HEADS) == [(0, 4), (4, 8)]


def test_damaged_plan_is_refused() -> None:
    config = ModelConfig(tokens_in=9, inputs=3, outputs=2, features=8, heads=4, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    good = plan_to_json(make_plan(config, split, full_keep(config, split)))
    for damage in ({}, {"gathers": [{}]}, {"arenas": 3}, {"other": 1}, {"heads_per_pass": None}):
        with pytest.raises(CatsError, match="export again"):
            plan_from_json({**good, **damage} if damage else {})


@pytest.mark.parametrize("radio", sorted(RADIOS))
@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("nodes", [2, 5])
def test_air_is_what_the_simulation_spends(radio: str, rounds: int, nodes: int) -> None:
    config = ModelConfig(
        tokens_in=13, inputs=4, outputs=10, features=40, heads=10, hidden=60, blocks=2
    )
    split = SplitConfig.even(config, nodes)
    keep = random_keep(1, config, split, 0.5)
    plan = make_plan(config, split, keep, radio=radio, rounds=rounds)
    found = simulate(
        random_model(1, config, split, keep), plan, random_inputs(0, config, 2),
        settings=Settings(compute="plan"),
    )  # fmt: skip
    air = plan_air(plan)
    assert found.lost.sum() == 0
    assert found.frames == pytest.approx(air.frames, rel=0.1)
    assert found.bytes == pytest.approx(air.bytes, rel=0.1)
    assert found.air_us == pytest.approx(air.us, rel=0.1)
    # The first inference also waits until the air is known to be free.
    assert found.span_us[1] == pytest.approx(inference_us(config, split, keep, plan), rel=0.1)


def test_where_packing_misses_the_bound() -> None:
    config = ModelConfig(
        tokens_in=36, inputs=6, outputs=5, features=4, heads=4, hidden=16, blocks=1, pool="class"
    )
    split = SplitConfig.even(config, 2)
    keep = random_keep(1, config, split, 0.5)
    fast = {"radio": "ieee802154", "slack": 0.0}
    plan = make_plan(config, split, keep, **fast)
    arena = plan.arenas[0]
    assert arena.lower_bound < arena.size <= 1.1 * arena.lower_bound
    run_arena(config, split, keep, plan, 0, lambda: True)
    limit = arena.lower_bound + 8
    plan = make_plan(config, split, keep, ram_limit=limit, **fast)
    assert max(arena.size for arena in plan.arenas) <= limit


def test_too_many_blocks() -> None:
    config = ModelConfig(tokens_in=2, inputs=1, outputs=1, features=2, heads=2, hidden=2, blocks=64)
    split = SplitConfig.even(config, 2)
    with pytest.raises(CatsError, match="blocks is 64: at most 63"):
        make_plan(config, split, full_keep(config, split))
    config = dataclasses.replace(config, blocks=63)
    plan = make_plan(config, split, full_keep(config, split))
    assert len(plan.gathers) == 255 and plan.gathers[-1].phase <= 255
