# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that sleep and meet every period (doc/protocol.rst, "Meetings")."""

import errno
from functools import cache

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_model
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.plan.sleep import Rhythm, meeting
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import check
from cats.sim.faults import (
    Change,
    ClockJump,
    DriftStep,
    Event,
    Faults,
    Neighbour,
    loss_matrix,
)
from cats.sim.simulate import Settings, simulate
from driven import BEACON, Driven

S = 1_000_000
#: Of node 3 at most, in periods.
SEARCH_PERIODS = Rhythm(S, S).search_us(3) / S
PPM = 50.0


@cache
def made(nodes, radio):
    config = ModelConfig(
        tokens_in=4, inputs=4, outputs=4, features=2 * nodes, heads=nodes, hidden=2 * nodes,
        blocks=1,
    )  # fmt: skip
    split = SplitConfig.even(config, nodes)
    model = random_model(1, config, split)
    return model, make_plan(config, split, model.keep, radio=radio, rounds=2)


def run(nodes=4, radio="nrf_radio", period=S, pause=5 * S, samples=20, idle=(), seed=1, **faults):
    """Inferences with a pause between them; every output is the reference's, nothing hangs."""
    model, plan = made(nodes, radio)
    inputs = random_inputs(2, model.config, samples)
    faults.setdefault("drift_ppm", [PPM * (-1) ** d for d in range(nodes)])
    settings = Settings(compute="plan", period_us=period, gap_us=pause, idle=idle)
    result = simulate(model, plan, inputs, Faults(**faults), seed, settings)
    assert result.hung is None and check(model, plan, inputs, result) == []
    return result


@pytest.mark.parametrize("loss", [0.0, 0.1])
@pytest.mark.parametrize("nodes", [4, 16])
@pytest.mark.parametrize(
    ("radio", "period", "most"),
    [
        ("nrf_radio", S, 0.0025), ("nrf_radio", 60 * S, 0.0005), ("nrf_radio+secure", S, 0.0035),
        ("ieee802154", S, 0.006), ("ieee802154", 60 * S, 0.0005), ("ble", S, 0.03),
    ],
)  # fmt: skip
def test_radios_are_off(nodes, radio, period, most, loss):
    """A thousand meetings without an inference, clocks 100 ppm apart."""
    found = run(nodes, radio, period, 1000 * period, samples=2, loss=loss)
    assert found.delivered > (0.98 if loss else 0.9999)
    on = found.idle_on[1]
    print(nodes, radio, period, loss, on)
    assert on.max() <= most
    if loss:
        return
    windows, rhythm = meeting(made(nodes, radio)[1]), Rhythm(period, period, PPM)
    expected = [windows.leader(begins=False), windows.follower(rhythm, begins=False)]
    for node, duty in enumerate(expected):
        planned = (duty.transmit_us + duty.listen_us) / period
        assert on[node] == pytest.approx(planned, rel=0.1), ("leader", "follower")[node]


@pytest.mark.parametrize("who", [0, 2])
def test_one_asks(who):
    """Any node's input begins an inference at the next meeting."""
    found = run(idle=[n for n in range(4) if n != who])
    assert found.done.all() and found.delivered == 1.0
    assert found.submitted[:, who].all() and found.submitted.sum() == len(found.done)
    assert found.latency_us[1:].max() < 1.1 * S


@pytest.mark.parametrize("nodes", [4, 16])
def test_many_ask_at_once(nodes):
    """All followers ask in the same two slots: one of them is heard, soon."""
    found = run(nodes, idle=[0])
    assert found.done.all() and found.delivered == 1.0
    assert found.latency_us[1:].max() < 12 * S
    lossy = [run(nodes, idle=[0], loss=0.1, seed=seed).done.mean() for seed in range(1, 5)]
    assert min(lossy) > 0.92 and np.mean(lossy) > 0.96


def test_every_meeting():
    """An input for each meeting, and inferences that take longer than a period."""
    found = run(pause=0, samples=50)
    assert found.done.all() and found.latency_us[2:].max() < 1.1 * S
    slow = run(period=20_000, pause=0, samples=50, radio="ieee802154")
    assert slow.done.all() and slow.delivered == 1.0


def back(found, at, pause=5 * S, period=S, within=3):
    """Whether all who are on have a result of each inference that is submitted so many meetings
    behind a moment of the run."""
    ends = np.cumsum(found.span_us + pause)
    begins = ends - found.span_us
    behind = begins > at + within * period
    assert behind.sum() > 100
    return (found.done[behind] == found.on[behind]).all() and found.on[behind].any(1).all()


LONG = {"samples": 200}


def test_leader_dies_in_its_sleep():
    found = run(**LONG, events=[Event(0, False, 100 * S + 300_000)])
    assert back(found, 100 * S) and found.takeovers == 1
    assert found.led[-1].tolist() == [False, True, False, False]


def test_leader_dies_and_comes_again():
    """It finds the others' meetings, and follows who leads now."""
    off, on = 100 * S + 300_000, 150 * S
    found = run(**LONG, events=[Event(0, False, off), Event(0, True, on)])
    assert back(found, on, within=SEARCH_PERIODS) and found.done[-1].all()


@pytest.mark.parametrize("node", [0, 3])
def test_reset(node):
    """Within a search."""
    events = [Event(node, False, 100 * S + 300_000), Event(node, True, 100 * S + 310_000)]
    found = run(**LONG, events=events)
    assert back(found, 100 * S, within=3 + SEARCH_PERIODS)


def test_late():
    """Who is switched on, leader or not, finds a group that sleeps."""
    found = run(**LONG, off=(0, 1), events=[Event(0, True, 90 * S), Event(1, True, 120 * S)])
    assert back(found, 120 * S, within=SEARCH_PERIODS) and found.done[-1].all()


@pytest.mark.parametrize("node", [0, 3])
def test_out_of_reach(node):
    """A node that nobody hears for a minute leads meetings of its own, in the same rhythm."""
    cut = loss_matrix(4, deaf=[node], mute=[node])
    found = run(**LONG, changes=[Change(100 * S, cut), Change(160 * S, 0.0)])
    assert back(found, 160 * S) and found.done[-1].all()
    assert found.lost[-1].sum() == 0


def test_nobody_hears_anybody():
    found = run(**LONG, changes=[Change(100 * S, 1.0), Change(160 * S, 0.0)])
    assert back(found, 160 * S) and found.lost[-1].sum() == 0


def test_two_parties():
    """Two halves that cannot hear each other are one group again."""
    parted = [[float((i < 2) != (j < 2)) for j in range(4)] for i in range(4)]
    found = run(**LONG, changes=[Change(100 * S, parted), Change(200 * S, 0.0)])
    assert found.takeovers and found.lost[-1].sum() == 0 and found.done[-1].all()


def test_parties_far_apart():
    """Two halves that were switched on at other times meet at other times: their leaders, who do
    not hear all others, look for them."""
    parted = [[float((i < 2) != (j < 2)) for j in range(4)] for i in range(4)]
    found = run(
        samples=60, pause=20 * S, loss=parted, off=(2, 3),
        events=[Event(2, True, 40 * S + 400_000), Event(3, True, 40 * S + 400_000)],
        changes=[Change(300 * S, 0.0)],
    )  # fmt: skip
    assert found.lost[5].sum() != 0
    assert found.lost[-1].sum() == 0 and found.done[-1].all()


def test_losses():
    """One frame in ten is lost in 1,000 meetings."""
    found = run(**LONG, loss=0.1)
    assert found.done.mean() > 0.99 and found.delivered > 0.99
    lossy = run(16, **LONG, loss=0.1)
    assert lossy.done.mean() > 0.98 and lossy.delivered > 0.98


def test_temperature():
    """Clocks that were learned change by 100 ppm to each other, and back."""
    steps = [
        DriftStep(node, sign * (-1) ** node * PPM, at * S)
        for node in range(4) for at, sign in ((3000, -1), (9000, 1))
    ]  # fmt: skip
    found = run(period=60 * S, pause=300 * S, samples=60, drift_steps=steps)
    assert found.done.all() and found.delivered == 1.0
    assert found.idle_on[2:].max() < 0.001


def test_clocks_wrap():
    """71 minutes pass between two meetings' times, and within a search."""
    found = run(period=600 * S, pause=1800 * S, samples=12)
    assert found.done.all() and found.delivered == 1.0
    assert found.idle_on[3:].max() < 1e-4


def test_short_periods():
    found = run(period=10_000, pause=S)
    assert found.done.all() and found.delivered == 1.0
    assert run(16, period=20_000, pause=S).done.all()


def test_a_clock_that_jumps():
    """A node whose clock is wrong by more than any crystal finds the others again."""
    for by in (3000, -3000, 400_000):
        found = run(samples=120, jumps=[ClockJump(2, by, 50 * S)])
        assert found.done[-1].all() and found.lost[-1].sum() == 0, by


def test_two_groups():
    """Another group in the room, whose meetings drift through the own ones."""
    found = run(samples=60, neighbour=Neighbour(every_us=8 * S), pause=10 * S)
    assert found.done.mean() > 0.98 and found.delivered > 0.95


def test_frames_are_late_or_damaged():
    found = run(samples=60, duplicate=0.1, flip=0.02, loss=0.05)
    assert found.done.mean() > 0.98


def test_periods():
    model, plan = made(4, "ble")
    inputs = random_inputs(2, model.config, 1)
    for period, why in ((20_000, "at least"), (600 * S + 1, "cannot meet so often, or so seldom")):
        with pytest.raises(CatsError, match=why):
            simulate(model, plan, inputs, settings=Settings(period_us=period))


def test_one_node_does_not_meet():
    model, plan = made(1, "nrf_radio")
    inputs = random_inputs(2, model.config, 1)
    found = simulate(model, plan, inputs, settings=Settings(period_us=S))
    assert found.done.all()
    node = Driven(0, nodes=1, period_us=S)
    assert lib.cats_node_period(node.node) == 0
    assert lib.cats_node_set_period(node.node, S) == -errno.ENOTSUP
    assert lib.cats_node_next_meeting(node.node, ffi.new("uint32_t *")) == -errno.ENOTSUP


def beacon(at, period=S, meeting=0):
    return b"".join(
        value.to_bytes(size, "little") for value, size in ((at, 4), (period, 4), (meeting, 2))
    )


def test_who_hears_a_beacon_knows_when():
    node = Driven(2, period_us=S, clock_ppm=50)
    next_us = ffi.new("uint32_t *")
    assert lib.cats_node_next_meeting(node.node, next_us) == -errno.EAGAIN
    assert lib.cats_node_set_period(node.node, 2 * S) == 0  # not knowing better
    said = beacon(3 * S, 5 * S)
    assert node.hear(700_000, BEACON, 0, payload=said) is None
    assert lib.cats_node_next_meeting(node.node, next_us) == 0
    assert next_us[0] == 3_700_000 and lib.cats_node_period(node.node) == 5 * S
    assert lib.cats_node_set_period(node.node, 2 * S) == -errno.EACCES
    # Not again, nor an older one, nor a time that none is.
    assert node.hear(900_000, BEACON, 0, payload=said) == "late"
    assert node.hear(910_000, BEACON, 0, payload=beacon(S, S, 2**16 - 1)) == "late"
    for at, (next_at, period) in enumerate(((10, S), (2**32 - 1, S), (S, 9_999), (S, 600 * S + 1))):
        payload = beacon(next_at, period, 1)
        assert node.hear(3_600_000 + 1000 * at, BEACON, 0, payload=payload) == "inference"
    assert node.hear(3_610_000, BEACON, 0, payload=said[:-1]) == "length"
    assert node.hear(3_611_000, BEACON, 0, index=4, payload=said) == "fragment"
    assert node.hear(3_612_000, BEACON, 0, (1, 0), payload=said) == "exchange"
    # Of a higher leader only where the own one is not heard.
    assert node.hear(3_700_000, BEACON, 1, payload=beacon(S, S, 1)) == "leader"
    assert lib.cats_node_next_meeting(node.node, next_us) == 0 and next_us[0] == 3_700_000


def test_awake_nodes_know_no_beacons():
    assert Driven(2).hear(700_000, BEACON, 0, payload=beacon(S)) == "inference"


def test_period_changes():
    """The leader's word counts from the meeting behind the next one on."""
    node = Driven(0, period_us=S)
    starts = [frame.at for frame in node.until(10 * S)]
    assert node.sent[0].type == BEACON and starts[0] >= Rhythm(S, S).search_us(0)
    # Eight calls within the first period, then meetings.
    assert np.diff(starts).tolist() == [S // 8] * 8 + [S] * (len(starts) - 9)
    assert lib.cats_node_set_period(node.node, 1) == -errno.EINVAL
    assert lib.cats_node_set_period(node.node, 2 * S) == 0
    more = [frame.at for frame in node.until(20 * S)]
    assert np.diff(more).tolist() == [2 * S] * (len(more) - 1) and more[0] == starts[-1] + S
