# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that embed their own inputs, on the simulated air: nobody sends any, and the inference
begins all the same."""

import dataclasses

import numpy as np
import pytest

from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.plan import gather_air, plan_air
from cats.plan.planner import make_plan
from cats.plan.predict import air_by_gather
from cats.plan.radio import FRAME_HEADER, radio
from cats.plan.timing import inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import check
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate

SHAPE = ModelConfig(
    tokens_in=9, inputs=10, outputs=4, features=32, heads=8, hidden=24, blocks=2, embed="own"
)


def deployment(hidden=0, inputs=(3, 4, 3, 0), ratio=0.5, **options):
    config = dataclasses.replace(SHAPE, embed_hidden=hidden)
    split = dataclasses.replace(SplitConfig.even(config, len(inputs)), inputs=inputs)
    model = random_model(7, config, split, random_keep(7, config, split, ratio))
    return model, make_plan(config, split, model.keep, **options)


def run(model, plan, samples=4, faults=None, settings=None, seed=0):
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings)
    assert result.hung is None and check(model, plan, inputs, result) == []
    return inputs, result


@pytest.mark.parametrize("hidden", [0, 30])
@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("name", ["ieee802154", "nrf_radio"])
def test_nothing_lost(hidden, rounds, name):
    """The air is the plan's: of INPUT the two frames that begin an inference."""
    model, plan = deployment(hidden, radio=name, rounds=rounds)
    inputs, result = run(model, plan, settings=Settings(compute="plan"))
    assert (result.outputs == reference.run_batch(model, inputs)).all()
    assert result.done.all() and result.delivered == 1.0 and result.takeovers == 0
    assert all(not any(reasons.values()) for reasons in result.rejected)
    assert result.submitted.all()
    assert (result.frames == plan_air(plan).frames).all()
    assert (result.bytes == plan_air(plan).bytes).all()
    opening = air_by_gather(model.config, plan)["input"]
    assert opening == gather_air(plan.gathers[0], name)
    assert (opening.frames, opening.bytes) == (2, 2 * (FRAME_HEADER + radio(name).overhead))
    assert not any(kinds["input"]["heard"] for kinds in result.kinds)
    planned = inference_us(model.config, model.split, model.keep, plan)
    assert result.span_us[1:].max() == pytest.approx(planned, rel=0.15)


def test_less_air_than_sending_inputs():
    """Beside the same model whose inputs go to all: no data of INPUT, no buffer for it."""
    own, plan = deployment(ratio=1.0)
    full = dataclasses.replace(own.config, embed="full")
    other = make_plan(full, own.split, random_model(7, full, own.split).keep)
    sent = sum(cut.width for cut in other.gathers[0].sources) * SHAPE.tokens_in
    assert plan_air(other).bytes - plan_air(plan).bytes > sent == 90
    assert plan.gathers[0].tiles == 1 and plan.gathers[0].rounds == 0
    assert {tile for arena in plan.arenas for tile in arena.tiles[0]} <= {
        place for arena in plan.arenas for place in (0, *arena.tiles[0])
    }


def test_one_node_gives_the_same():
    """With nothing pruned any number of nodes gives the bytes of one."""
    for hidden in (0, 30):
        model, plan = deployment(hidden, inputs=(3, 4, 3, 0), ratio=1.0)
        alone = SplitConfig.even(model.config, 1)
        first = model.steps[0]
        read = np.zeros(first.product.weight.shape, bool)
        columns = np.cumsum([0, *model.split.inputs])
        outputs = np.cumsum([0, *(model.split.embed_hidden(model.config) if hidden else (8,) * 4)])
        for d in range(4):
            read[columns[d] : columns[d + 1], outputs[d] : outputs[d + 1]] = True
        weight = np.where(read, first.product.weight, 0).astype(np.int8)
        first = dataclasses.replace(
            first, product=dataclasses.replace(first.product, weight=weight)
        )
        keep = [
            [tuple(c for columns in sources for c in columns)] if g else [()]
            for g, sources in enumerate(model.keep)
        ]
        one = dataclasses.replace(model, split=alone, keep=keep, steps=(first, *model.steps[1:]))
        inputs, result = run(one, make_plan(one.config, alone, keep), 2)
        np.testing.assert_array_equal(result.outputs[:, 0], run(model, plan, 2)[1].outputs[:, 0])


@pytest.mark.parametrize("loss", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("rounds", [0, 3])
def test_losses(loss, rounds):
    """Own inputs are never lost. Who misses the opening joins with the first data, but for a node
    that has just started: it waits for the next one."""
    model, plan = deployment(30, rounds=rounds, radio="nrf_radio")
    settings = Settings(compute="plan", receiver_off=True)
    _, result = run(model, plan, 8, Faults(loss=loss), settings, 1)
    assert result.done[1:].all()
    assert not any(kinds["input"]["lost"] for kinds in result.kinds)


def test_without_its_leader():
    """Node 0 dies: the next one begins inferences, and so do nodes that wait for others' inputs."""
    model, plan = deployment(rounds=1)
    _, result = run(model, plan, 5, Faults(events=[Event(0, False, 200_000)]))
    assert result.takeovers >= 1 and result.done[-1, 1:].all() and not result.done[-1, 0]
    _, result = run(model, plan, 4, settings=Settings(idle=(0, 2)))
    assert result.done.all() and not result.submitted[:, [0, 2]].any()
