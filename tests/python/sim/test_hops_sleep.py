# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that sleep and do not all hear each other (doc/protocol.rst, "Meetings over several
hops"): links lose one frame in ten, clocks are 100 ppm apart."""

from functools import cache

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.native import ffi, lib
from cats.plan.hop import flood, plan_repeats, planned_links, repeat_order
from cats.plan.planner import make_plan
from cats.plan.sleep import Rhythm, meeting
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import audible
from cats.shape.topologies import topology
from cats.sim.compare import check
from cats.sim.faults import Change, Event, Faults
from cats.sim.simulate import Settings, simulate
from driven import BEACON, Driven

S = 1_000_000
PPM = 50.0
LONG = {"samples": 150}


@cache
def made(name, radio="nrf_radio"):
    links = audible(topology(name).links)
    nodes = len(links)
    config = ModelConfig(
        tokens_in=4, inputs=4, outputs=4, features=2 * nodes, heads=nodes, hidden=2 * nodes,
        blocks=1,
    )  # fmt: skip
    split = SplitConfig.even(config, nodes)
    model = random_model(1, config, split, random_keep(1, config, split, 0.8))
    return model, make_plan(config, split, model.keep, radio=radio, links=links), links


def run(name="line:4", radio="nrf_radio", period=S, pause=5 * S, samples=20, idle=(), seed=1,
        whole=False, **faults):  # fmt: skip
    """Inferences with a pause between them; every output is the reference's, nothing hangs."""
    model, plan, links = made(name, radio)
    inputs = random_inputs(2, model.config, samples)
    faults.setdefault("drift_ppm", [PPM * (-1) ** d for d in range(len(links))])
    faults.setdefault("loss", 1 - ((links > 0.5) if whole else links))
    settings = Settings(compute="plan", period_us=period, gap_us=pause, idle=idle)
    result = simulate(model, plan, inputs, Faults(**faults), seed, settings)
    assert result.hung is None and check(model, plan, inputs, result) == []
    return result


def back(found, at, pause=5 * S, period=S, within=3):
    """Whether all who are on have nearly every result of what is submitted so many meetings behind
    a moment of the run."""
    ends = np.cumsum(found.span_us + pause)
    behind = ends - found.span_us > at + within * period
    assert behind.sum() > 40
    return (found.done[behind] == found.on[behind]).mean() > 0.98 and found.done[behind][-3:].any()


def search(nodes):
    """Periods of a search."""
    return Rhythm(S, S).search_us(nodes - 1) / S


@pytest.mark.parametrize("radio", ["nrf_radio", "nrf_radio+secure", "ieee802154"])
@pytest.mark.parametrize("name", ["line:3", "line:4", "star:5", "grid:3x3"])
def test_all_arrives(name, radio):
    """An inference every sixth meeting, at every node, nearly whole."""
    found = run(name, radio, samples=60)
    assert found.done.mean() > 0.995 and found.delivered > 0.99 and found.takeovers == 0
    assert found.latency_us[1:].max() < 2.1 * S
    nothing = run(name, radio, whole=True)
    assert nothing.done.all() and nothing.delivered > 0.998


@pytest.mark.parametrize("name", ["line:3", "line:4", "star:5", "grid:3x3"])
def test_radios_are_off(name):
    """Idle meetings take what the plan says, by the way to each node."""
    for period in (S, 60 * S):
        _, plan, _ = made(name)
        found = run(name, period=period, pause=500 * period, samples=2)
        windows, rhythm = meeting(plan), Rhythm(period, period, PPM)
        duties = [windows.leader(begins=False)]
        duties += [windows.follower(rhythm, begins=False, heard=h) for h in plan.heard[1:]]
        planned = [(duty.transmit_us + duty.listen_us) / period for duty in duties]
        assert planned == pytest.approx(found.idle_on[-1], rel=0.15)
        assert found.idle_on[-1].max() < (0.01 if period == S else 0.0005)


@pytest.mark.parametrize(("name", "who"), [("line:4", 3), ("line:4", 1), ("star:5", 4),
                                           ("grid:3x3", 8)])  # fmt: skip
def test_one_asks(name, who):
    """The wish of a node far from the leader goes there hop by hop: it takes a meeting more."""
    nodes = len(made(name)[2])
    others = [n for n in range(nodes) if n != who]
    found = run(name, idle=others, whole=True)
    assert found.done.all() and found.submitted[:, who].all() and not found.led[:, who].any()
    assert found.latency_us[1:].max() < 2.1 * S
    lossy = run(name, idle=others, samples=60)
    assert lossy.done.mean() > 0.98 and np.median(lossy.latency_us[1:, who]) < 2.1 * S


def test_many_ask():
    for name in ("line:4", "star:5"):
        found = run(name, idle=[0], samples=60)
        assert found.done.mean() > 0.98 and np.median(found.latency_us[1:]) < 2.1 * S


def test_leader_dies_in_its_sleep():
    """The next one leads, and the rest of the line follows."""
    found = run(**LONG, events=[Event(0, False, 100 * S + 300_000)])
    assert back(found, 100 * S, within=5) and found.led[-1].tolist() == [False, True, False, False]


def test_a_relay_dies_in_its_sleep():
    """Of a grid: the others' beacons go other ways. Of a line: each side goes on by itself, and
    they are one group again when it comes back."""
    found = run("grid:3x3", **LONG, events=[Event(4, False, 100 * S + 300_000)])
    assert back(found, 100 * S, within=5) and found.led[-1, 0]
    off, on = 100 * S + 300_000, 200 * S
    found = run(**LONG, events=[Event(1, False, off), Event(1, True, on)])
    parted = int(np.searchsorted(np.cumsum(found.span_us + 5 * S), on)) - 2
    assert found.led[parted].sum() == 2
    assert back(found, on, within=40) and found.led[-5:].sum(0).tolist() == [5, 0, 0, 0]


@pytest.mark.parametrize("radio", ["nrf_radio", "nrf_radio+secure"])
@pytest.mark.parametrize("node", [0, 1, 3])
def test_reset(node, radio):
    """It finds the group again, by whomever it hears."""
    events = [Event(node, False, 100 * S + 300_000), Event(node, True, 100 * S + 310_000)]
    found = run(radio=radio, **LONG, events=events)
    assert back(found, 100 * S, within=3 + search(4)) and found.done[-1].all()


def test_late():
    """Who is switched on finds a group that sleeps, one after the other along the line."""
    found = run(**LONG, off=(2, 3), events=[Event(3, True, 90 * S), Event(2, True, 120 * S)])
    assert back(found, 120 * S, within=40) and found.done[-1].all()


def test_links_come_and_go():
    """The middle link of a line breaks for a minute."""
    links = made("line:4")[2]
    broken = links.copy()
    broken[1, 2] = broken[2, 1] = 0
    changes = [Change(100 * S, 1 - broken), Change(160 * S, 1 - links)]
    found = run(**LONG, changes=changes)
    assert back(found, 160 * S, within=40) and found.done[-1].all()


def test_clocks_wrap():
    found = run(period=600 * S, pause=1800 * S, samples=12)
    assert found.done.all() and found.delivered > 0.99


def test_short_periods():
    plan = made("line:4")[1]
    least = int(np.ceil(meeting(plan).least_period_us))
    assert run(period=least + 1, pause=S).done.mean() > 0.98
    with pytest.raises(CatsError, match="over in time"):
        run(period=least - 1)


# The plan


def test_repeats():
    """As many rounds as it takes from the worst leader to the last node, and no more."""
    for name in ("line:2", "line:4", "star:7", "grid:3x3"):
        links = planned_links(audible(topology(name).links))
        repeats, heard = plan_repeats(links)
        everyone = range(len(links))
        shares = [
            min(flood(links, n, repeat_order(len(links), count), 9)[0].min() for n in everyone)
            for count in (repeats, repeats - 1)
        ]
        assert shares[0] > 0.975 and shares[1] < 0.985
        assert heard[0] == 0 and len(heard) == len(links)
    assert repeat_order(3, 2) == [0, 1, 2, 2, 1, 0]


# One node


def beacon(at, period=S, number=0):
    return b"".join(
        value.to_bytes(size, "little") for value, size in ((at, 4), (period, 4), (number, 2))
    )


@cache
def partitions():
    from cats.deploy import image

    model, plan, _ = made("line:4")
    return tuple(image.pack(model, plan, d, 77) for d in range(4)), plan


def test_what_was_heard_is_repeated():
    """Node 2 hears node 1 repeat node 0's beacon: it knows when that was, and repeats it in its own
    slots, with all that it says."""
    node = Driven(2, made=partitions(), period_us=S, clock_ppm=50)
    first = node.plan.gathers[0]
    apart = 2 * first.control_us + first.turn_us
    at = 700_000
    said = beacon(3 * S, 2 * S, 5)
    assert node.hear(at + 2 * apart, BEACON, 1, slot=2, index=0, payload=said) is None
    next_us = ffi.new("uint32_t *")
    assert lib.cats_node_next_meeting(node.node, next_us) == 0
    assert next_us[0] == at + 3 * S and lib.cats_node_period(node.node) == 2 * S
    sent = [frame for frame in node.until(at + S) if frame.type == BEACON]
    slots = [1 + turn * 4 + (1 if turn % 2 else 2) for turn in range(node.plan.repeats)]
    assert [frame.slot for frame in sent] == slots
    assert [frame.at for frame in sent] == [at + slot * apart for slot in slots]
    assert all(frame.data[10:] == said and frame.data[1] & 15 == 2 for frame in sent)
    assert {frame.index >> 4 for frame in sent} == {0}
    # Once more it is the same; of a higher leader, or its own passed on, it is none.
    assert node.hear(node.now + 9, BEACON, 1, slot=3, payload=said) == "late"
    assert node.hear(node.now + 9, BEACON, 3, slot=0, index=3 << 4, payload=beacon(S)) == "leader"
    assert node.hear(node.now + 9, BEACON, 1, slot=9, index=2 << 4, payload=said) == "late"
    many = 4 * node.plan.repeats + 1
    assert node.hear(node.now + 9, BEACON, 1, slot=many, payload=said) == "fragment"
    assert node.hear(node.now + 9, BEACON, 1, index=4 << 4, payload=said) == "fragment"
