# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Gathers that keep nothing, on the simulated air: nobody sends, nobody waits, and the rest is as
ever."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.plan.plan import gather_air, plan_air
from cats.plan.planner import make_plan
from cats.plan.predict import air_by_gather
from cats.plan.timing import inference_us
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import answers_alone, full_keep, heard_keep, local_keep
from cats.sim.compare import check
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate

SHAPE = ModelConfig(
    tokens_in=9, inputs=8, outputs=4, features=32, heads=8, hidden=24, blocks=2, embed="own"
)
SPLIT = SplitConfig.even(SHAPE, 4, "channels", "single")


def local(blocks, config=SHAPE, split=SPLIT):
    """A model whose first blocks are local, as random_model makes it."""
    return random_model(3, config, split, local_keep(config, full_keep(config, split), blocks))


def run(model, plan, samples=3, faults=None, settings=None, seed=0):
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings)
    assert result.hung is None and check(model, plan, inputs, result) == []
    return inputs, result


@pytest.mark.parametrize("embed", ["own", "full"])
@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("blocks", [1, 2])
def test_local_blocks(blocks, rounds, embed):
    """What is on the air is the plan's, of the local blocks nothing; and the time is what it
    says."""
    config = dataclasses.replace(SHAPE, embed=embed)
    model = local(blocks, config)
    plan = make_plan(config, SPLIT, model.keep, rounds=rounds)
    inputs, result = run(model, plan, settings=Settings(compute="plan"))
    assert (result.outputs == reference.run_batch(model, inputs)).all()
    assert result.done.all() and result.delivered == 1.0 and result.takeovers == 0
    assert all(not any(reasons.values()) for reasons in result.rejected)
    assert (result.frames == plan_air(plan).frames).all()
    assert (result.bytes == plan_air(plan).bytes).all()
    for g in range(1, 1 + 4 * blocks):
        assert gather_air(plan.gathers[g], plan.radio) == gather_air(plan.gathers[1], plan.radio)
        assert plan.gathers[g].rounds == 0 and not plan.gathers[g].sends
    assert gather_air(plan.gathers[1], plan.radio).bytes == 0
    assert air_by_gather(config, plan)["output"].bytes > 0
    planned = inference_us(config, SPLIT, model.keep, plan)
    assert result.span_us[1:].max() == pytest.approx(planned, rel=0.15)


def test_late_fusion_is_two_exchanges():
    """One vector of each node, and the result: beside them only the opening."""
    model = local(2)
    plan = make_plan(SHAPE, SPLIT, model.keep)
    assert [g for g, gather in enumerate(plan.gathers) if gather.sends] == [9, 10]
    assert plan_air(plan).frames == 2 + (1 + 4) + (1 + 1)
    assert all(gather.tiles == 1 for gather in plan.gathers[:9])


def test_what_nobody_reads_is_not_sent():
    """Node 0 alone has the result: of the last exchange it sends nothing, where an image says of
    gathers that they are empty anyway."""
    full = full_keep(SHAPE, SPLIT)
    late = local_keep(SHAPE, full, 2)
    heard = heard_keep(SHAPE, SPLIT, late)
    assert heard[-2] == [(), *late[-2][1:]] and heard[:-2] + heard[-1:] == late[:-2] + late[-1:]
    model = random_model(3, SHAPE, SPLIT, heard)
    plan = make_plan(SHAPE, SPLIT, heard)
    assert plan_air(plan).frames == 2 + (1 + 3) + (1 + 1)
    inputs, result = run(model, plan, settings=Settings(compute="plan"))
    assert (result.outputs == reference.run_batch(model, inputs)).all()
    assert (result.frames == plan_air(plan).frames).all()
    assert heard_keep(SHAPE, SPLIT, full) == full
    spread = SplitConfig.even(SHAPE, 4, "channels", "even")
    assert heard_keep(SHAPE, spread, late) == late


def test_alone():
    """Nothing of any gather: node 0 answers from its own columns; the others hear it."""
    model = random_model(3, SHAPE, SPLIT, random_keep(0, SHAPE, SPLIT, 1.0, empty=1.0))
    assert answers_alone(SPLIT, model.keep)
    plan = make_plan(SHAPE, SPLIT, model.keep)
    inputs, result = run(model, plan)
    assert (result.outputs == reference.run_batch(model, inputs)).all()
    assert plan_air(plan).frames == 4


@pytest.mark.parametrize("shares", [(1, 1, 1, 5), (5, 1, 1, 1)])
def test_the_slowest_node_is_waited_for(shares):
    """An exchange behind local blocks is not opened before every node has computed them."""
    split = SplitConfig.by_shares(SHAPE, shares, "channels")
    model = local(2, split=split)
    plan = make_plan(SHAPE, split, model.keep)
    _, result = run(model, plan, settings=Settings(compute="plan"))
    assert result.delivered == 1.0 and not any(any(r.values()) for r in result.rejected)


def test_a_long_silence_is_none():
    """Nobody is taken for gone while all compute what is on no air, ten times as slow as all else
    together."""
    model = local(2, dataclasses.replace(SHAPE, tokens_in=200))
    plan = make_plan(model.config, SPLIT, model.keep, radio="nrf_radio")
    quiet = sum(g.spacing_us for g in plan.gathers if not g.opens)
    assert quiet > 5 * plan_air(plan).slots_us
    _, result = run(model, plan, samples=2, settings=Settings(compute="plan"))
    assert result.takeovers == 0 and result.delivered == 1.0


@pytest.mark.parametrize("blocks", [1, 2])
def test_losses_and_a_dead_leader(blocks):
    """Who misses the opening joins by the next exchange on the air, however many gathers on; and
    when node 0 dies, another leads."""
    model = local(blocks)
    plan = make_plan(SHAPE, SPLIT, model.keep, rounds=1)
    _, result = run(model, plan, 20, Faults(loss=0.2))
    assert result.done.all() and result.delivered > 0.9
    _, result = run(model, plan, 8, Faults(events=[Event(0, False, 60_000)]))
    assert result.takeovers > 0 and result.done[-1, 1:].all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), data=st.data())
def test_random_deployments(seed, data):
    """Any gathers and any sources may keep nothing: to the bit what the reference computes, and
    the bytes of the plan where nothing is lost."""
    nodes = data.draw(st.integers(2, 6))
    config = dataclasses.replace(
        SHAPE,
        tokens_in=data.draw(st.integers(1, 9)),
        pool=data.draw(st.sampled_from(POOLS)),
        embed=data.draw(st.sampled_from(("own", "full"))),
    )
    split = random_split(seed, config, nodes)
    empty = data.draw(st.sampled_from([0.2, 0.5, 0.9]))
    keep = random_keep(seed, config, split, data.draw(st.sampled_from([1.0, 0.3])), empty)
    model = random_model(seed, config, split, keep)
    plan = make_plan(
        config, split, keep,
        rounds=data.draw(st.integers(0, 2)),
        payload=data.draw(st.sampled_from([None, 20])),
        interleave=data.draw(st.sampled_from([None, True])),
        held=data.draw(st.sampled_from([None, True])),
    )  # fmt: skip
    loss = data.draw(st.sampled_from([0.0, 0.2]))
    inputs, result = run(model, plan, 2, Faults(loss=loss) if loss else None, seed=seed % 1000)
    if not loss:
        assert (result.outputs == reference.run_batch(model, inputs)).all()
        assert (result.bytes == plan_air(plan).bytes).all()
