# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Exchanges over several hops on the simulated air: what is delivered, that every output is the
reference's, and that leaders, restarts and sealed frames do as over one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.deploy import image
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.native import ffi, lib
from cats.plan.hop import DELIVERED, MAX_FRAGMENTS, Draws, Need, judge, plan_turns, planned_links
from cats.plan.plan import plan_air, plan_from_json, plan_to_json
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import audible
from cats.shape.partition import full_keep
from cats.shape.topologies import topology
from cats.sim.compare import check
from cats.sim.engine import aligned
from cats.sim.faults import Change, Event, Faults
from cats.sim.simulate import Settings, simulate

TOPOLOGIES = ("line:2", "line:3", "line:4", "line:5", "star:5", "grid:3x3")


def shape(nodes, **other):
    return ModelConfig(
        tokens_in=8, inputs=8, outputs=4, features=8 * nodes, heads=nodes, hidden=8 * nodes,
        blocks=1, **other,
    )  # fmt: skip


def links_of(name):
    return audible(topology(name).links)


def deployed(name, seed=5, radio="nrf_radio", links=None, **options):
    links = links_of(name) if links is None else links
    config = shape(len(links))
    split = SplitConfig.even(config, len(links), "single", "single")
    model = random_model(seed, config, split, full_keep(config, split))
    return model, make_plan(config, split, model.keep, radio=radio, links=links, **options), links


def run(model, plan, links, samples=10, seed=1, faults=None, settings=None):
    """With these links; every output is the reference's for what each node heard."""
    faults = faults or Faults(loss=1 - links, named=True)
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings or Settings(compute="plan"))
    assert result.hung is None and check(model, plan, inputs, result) == []
    return result


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_topologies(name):
    """At 10 % loss a link nearly all is delivered, as the plan says, in the time that it says."""
    model, plan, links = deployed(name)
    result = run(model, plan, links, samples=100)
    assert result.done.all() and result.delivered >= 0.995 and result.takeovers == 0
    nothing = run(model, plan, (links > 0.5).astype(float), samples=3)
    assert nothing.delivered == 1.0 and nothing.late.sum() == 0


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio+secure", "ble_2m"])
def test_radios(radio):
    model, plan, links = deployed("line:3", radio=radio)
    result = run(model, plan, links, samples=20)
    assert result.done.all() and result.delivered >= 0.98


def test_without_relays_nothing_arrives():
    """What the plan of one hop comes to over the same links."""
    model, _, links = deployed("line:4")
    plan = make_plan(model.config, model.split, model.keep, radio="nrf_radio", rounds=2)
    result = run(model, plan, links, samples=10)
    assert result.delivered < 0.7


def test_code_that_takes_no_time_changes_no_slot():
    model, plan, links = deployed("line:4")
    result = run(model, plan, links, samples=40, settings=Settings(code_time="none"))
    assert result.delivered >= 0.99 and result.late.sum() == 0


def test_what_is_on_the_air_is_the_plans():
    """Over links that lose nothing every turn is a frame."""
    model, plan, links = deployed("line:3")
    whole = (links > 0.5).astype(float)
    result = run(model, plan, whole, samples=3, faults=Faults(loss=1 - whole))
    assert (result.frames == plan_air(plan).frames).all()
    assert (result.bytes == plan_air(plan).bytes).all()


def test_many_fragments_of_odd_sizes():
    """Sources that send different amounts, tiles whose last is shorter, two buffers."""
    links = links_of("line:4")
    config = dataclasses.replace(shape(8), tokens_in=11, hidden=50)
    split = random_split(3, config, 4)
    model = random_model(9, config, split, random_keep(4, config, split, 0.6))
    for rows in (4, 6):
        plan = make_plan(config, split, model.keep, radio="ieee802154", links=links,
                         tile_rows=rows, payload=60)  # fmt: skip
        assert any(sum(cut.fragments(rows) for cut in g.sources) > 8 for g in plan.gathers)
        result = run(model, plan, links, samples=40)
        assert result.delivered >= 0.99


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 6), st.floats(0.0, 0.6))
def test_any_shape_any_links(seed, nodes, loss):
    """Whatever is lost, each output is the reference's for what arrived, and nothing hangs."""
    rng = np.random.default_rng(seed)
    links = np.where(rng.random((nodes, nodes)) < 0.6, 0.9, 0.0)
    links[range(nodes - 1), range(1, nodes)] = links[range(1, nodes), range(nodes - 1)] = 0.9
    np.fill_diagonal(links, 1)
    config = dataclasses.replace(shape(6), tokens_in=int(rng.integers(1, 12)))
    split = random_split(seed % 1000, config, nodes)
    model = random_model(seed % 1000, config, split, random_keep(seed % 99, config, split, 0.7))
    plan = make_plan(config, split, model.keep, radio="nrf_radio", links=links)
    run(model, plan, links, samples=2, faults=Faults(loss=1 - (1 - loss) * links, named=True))


def test_the_leader_goes_and_comes_again():
    """The next node takes over, over hops as over one; who hears the leader through others only
    does not."""
    model, plan, links = deployed("line:4")
    at = 400_000
    faults = Faults(
        loss=1 - links, named=True, events=[Event(0, False, at), Event(0, True, 8 * at)]
    )
    result = run(model, plan, links, samples=60, faults=faults)
    assert result.takeovers >= 1
    assert result.led[:2, 0].all() and result.led[:, 1].any()
    assert result.done[-1].all()


def test_a_relay_dies_in_the_middle():
    """Others than the line's: of a 3x3 grid its middle goes for good, and the rest goes on."""
    model, plan, links = deployed("grid:3x3")
    faults = Faults(loss=1 - links, named=True, events=[Event(4, False, 150_000)])
    result = run(model, plan, links, samples=20, faults=faults)
    alive = [d for d in range(9) if d != 4]
    assert result.done[-5:, alive].all()
    lost = result.lost[-5:][:, alive].mean() / (result.fragments[-5:].mean() / 9)
    assert lost < 0.3  # its own fragments are an eighth


def test_links_come_and_go():
    """The middle link of a line breaks, and comes again."""
    model, plan, links = deployed("line:4")
    broken = links.copy()
    broken[1, 2] = broken[2, 1] = 0
    faults = Faults(
        loss=1 - links, named=True,
        changes=[Change(500_000, 1 - broken), Change(1_500_000, 1 - links)],
    )  # fmt: skip
    result = run(model, plan, links, samples=80, faults=faults)
    assert result.done[-3:].all() and result.lost[-3:].sum() < 10


@pytest.mark.parametrize("name, who", [("line:4", 3), ("star:5", 4), ("grid:3x3", 8)])
def test_who_asks_far_from_the_leader(name, who):
    """An idle leader begins for a node that it does not hear: what that asks for is passed on."""
    model, plan, links = deployed(name)
    others = [n for n in range(len(links)) if n != who]
    faults = Faults(loss=1 - links)
    settings = Settings(compute="plan", idle=others, gap_us=2_000_000)
    result = run(model, plan, links, samples=20, faults=faults, settings=settings)
    assert result.done.mean() > 0.98 and result.takeovers == 0
    assert result.led[:, 0].all() and result.submitted[:, who].all()
    assert np.median(result.latency_us[:, who]) < 2.5 * np.median(run(model, plan, links).span_us)


@pytest.mark.parametrize("node", [1, 3])
def test_a_node_restarts_far_from_the_leader(node):
    """What its neighbours say of the inferences lets it in: nobody needs to ask."""
    model, plan, links = deployed("line:4")
    events = [Event(node, False, 400_000), Event(node, True, 600_000)]
    faults = Faults(loss=1 - links, events=events)
    result = run(model, plan, links, samples=60, faults=faults)
    assert result.done[-30:].all() and result.led[-30:].sum(0).tolist() == [30, 0, 0, 0]
    assert result.lost[-30:].sum() < 0.02 * result.fragments[-30:].sum()


# The plan


def test_turns():
    links = planned_links(links_of("line:4"))
    need = Need((2, 2, 2, 2))
    turns = plan_turns(links, need)
    assert turns == plan_turns(links, need)
    assert judge(links, need, turns, seed=9, count=500) >= 0.995
    assert judge(links, need, turns[: len(turns) // 2], seed=9, count=500) < 0.95


def test_draws_by_hand():
    links = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])  # a line that loses nothing
    need = Need((1, 1, 1))
    turns = [1, 0, 2, 0, 0, 1]  # the last one is built behind the third
    assert judge(links, need, turns, seed=1, count=50) == 1
    assert judge(links, need, turns[:-1], seed=1, count=50) == pytest.approx(4 / 6)
    assert judge(links, need, [1, 0, 2, 1], seed=1, count=50) == pytest.approx(4 / 6)
    assert judge(links, need, [2, 1], seed=1, count=50) == pytest.approx(2 / 6)  # 2 is silent
    assert judge(links, Need((0, 0, 0)), [], seed=1, count=50) == pytest.approx(2 / 3)
    assert judge(links, Need((0, 0, 0)), [1], seed=1, count=50) == 1
    # Of one owner: each in turn.
    owner = Need((1, 1, 1), any_owner=True)
    assert judge(links, owner, [0, 1, 2], seed=1, count=300) == pytest.approx(3 / 6)


@pytest.mark.parametrize("name", ("line:4", "grid:4x4"))
def test_draws_are_alike(name):
    """Those of C, which judge a list, and those by which its turns are chosen."""
    links = planned_links(links_of(name))
    need = Need((2,) + (1,) * (len(links) - 1))
    turns = plan_turns(links, need)
    for share in (0.4, 0.7, 1.0):
        some = turns[: int(share * len(turns))]
        draws = Draws(links, need, 400, 5)
        for node in some:
            draws.speak(node)
        found = judge(links, need, some, seed=9, count=4000)
        assert draws.delivered() == pytest.approx(found, abs=0.02 if share < 1 else 0.003)


def test_turns_are_left_out():
    for name, most in (
        ("line:2", 6),
        ("line:3", 14),
        ("line:4", 25),
        ("line:5", 41),
        ("star:7", 24),
    ):
        links = planned_links(links_of(name))
        need = Need((1,) * len(links))
        turns = plan_turns(links, need)
        assert len(turns) <= most
        assert judge(links, need, turns, seed=9, count=50_000) >= DELIVERED - 0.001


def test_one_hop_needs_fewer():
    full = np.full((4, 4), 0.9)
    need = Need((2, 2, 2, 2))
    assert len(plan_turns(planned_links(full), need)) < 0.6 * len(
        plan_turns(planned_links(links_of("line:4")), need)
    )


def test_what_cannot_be_planned():
    links = links_of("line:4")
    with pytest.raises(CatsError, match="3 hops, not 2"):
        planned_links(links, 2)
    assert planned_links(links, 3).max() == pytest.approx(0.9)
    parted = np.eye(4)
    words = dict(embed="full", norm="rms", position="rotary", feed_forward="gated", bias=False)
    text = ModelConfig(
        tokens_in=1, inputs=16, outputs=16, features=32, heads=4, hidden=32, blocks=1, causal=True,
        pool="all", vocabulary=True, activation="silu", tied=True, context=8, **words,
    )  # fmt: skip
    for name, refused in (("line:3", True), ("line:2", False)):
        links = links_of(name)
        split = SplitConfig.even(text, len(links))
        options = dict(radio="nrf_radio", links=links)
        if refused:
            with pytest.raises(CatsError, match="nodes that all hear each other"):
                make_plan(text, split, full_keep(text, split), **options)
        else:
            make_plan(text, split, full_keep(text, split), **options)
    with pytest.raises(CatsError, match="move nodes closer"):
        planned_links(parted)
    with pytest.raises(CatsError, match=f"at most {MAX_FRAGMENTS}"):
        plan_turns(planned_links(links), Need((40, 40, 40, 40)))
    model, _, _ = deployed("line:4")
    for options, what in (
        ({"rounds": 1}, "no repair rounds"), ({"radio": "ble"}, "choose another"),
        ({"links": None, "hops": 2}, "--links"), ({"links": np.ones((3, 3))}, "3 nodes"),
    ):  # fmt: skip
        with pytest.raises(CatsError, match=what):
            make_plan(model.config, model.split, model.keep, **{"links": links} | options)


def test_the_plan_as_json():
    _, plan, _ = deployed("line:3")
    assert plan_from_json(plan_to_json(plan)) == plan
    model = deployed("line:3")[0]
    one = make_plan(model.config, model.split, model.keep)
    assert all("turns" not in gather for gather in plan_to_json(one)["gathers"])


# The image


def verify(data):
    memory = aligned(data)
    found = ffi.new("struct cats_image *")
    return lib.cats_image_verify(memory, len(data), found), found, memory


def test_the_image_has_the_turns():
    model, plan, _ = deployed("line:3")
    data = image.pack(model, plan, 1, 7)
    error, found, _kept = verify(data)
    assert error == lib.CATS_IMAGE_OK
    for g, gather in enumerate(plan.gathers):
        turns = dict.fromkeys(range(3), 0)
        for slot, node in enumerate(gather.turns):
            assert lib.cats_hop_slot(found, g, node, turns[node]) == slot
            turns[node] += 1
        for node, count in turns.items():
            assert lib.cats_hop_slot(found, g, node, count) == len(gather.turns)


def test_a_plan_without_repeats_does_not_sleep():
    """As exports of before are."""
    model, plan, _ = deployed("line:3")
    plan = dataclasses.replace(plan, repeats=0, heard=())
    with pytest.raises(CatsError, match="-95|sleep|cannot start"):
        simulate(model, plan, random_inputs(1, model.config, 1),
                 settings=Settings(period_us=1_000_000))  # fmt: skip
