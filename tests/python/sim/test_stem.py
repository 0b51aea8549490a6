# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Stems on the simulated air: INPUT carries their columns in place of the inputs."""

import dataclasses

import numpy as np
import pytest

from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.cost import local_bytes
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.plan.timing import inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import check
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate

SHAPE = ModelConfig(
    tokens_in=9, inputs=75, outputs=4, features=32, heads=8, hidden=24, blocks=2, embed="stem",
    embed_hidden=11,
)  # fmt: skip


def deployment(inputs=(75, 0, 0, 0), ratio=0.5, config=SHAPE, **options):
    split = dataclasses.replace(SplitConfig.even(config, len(inputs)), inputs=inputs)
    model = random_model(7, config, split, random_keep(7, config, split, ratio))
    return model, make_plan(config, split, model.keep, **options)


def run(model, plan, samples=4, faults=None, settings=None, seed=0):
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings)
    assert result.hung is None and check(model, plan, inputs, result) == []
    return inputs, result


@pytest.mark.parametrize("inputs", [(75, 0, 0, 0), (20, 0, 45, 10)])
@pytest.mark.parametrize(("name", "rounds"), [("ieee802154", 0), ("nrf_radio", 2)])
def test_nothing_lost(inputs, name, rounds):
    """The air is the plan's, of INPUT the stem's columns alone; the time nearly so."""
    model, plan = deployment(inputs, radio=name, rounds=rounds)
    given, result = run(model, plan, settings=Settings(compute="plan"))
    assert (result.outputs == reference.run_batch(model, given)).all()
    assert (result.bytes == plan_air(plan).bytes).all()
    widths = [cut.width for cut in plan.gathers[0].sources]
    assert sum(widths) == 11 and [w > 0 for w in widths] == [n > 0 for n in inputs]
    planned = inference_us(model.config, model.split, model.keep, plan)
    assert result.span_us[1:].max() == pytest.approx(planned, rel=0.15)


@pytest.mark.parametrize(("loss", "rounds"), [(0.1, 0), (0.5, 2)])
def test_losses(loss, rounds):
    """What a stem sends is lost as all else is, and asked for again."""
    model, plan = deployment((20, 0, 45, 10), rounds=rounds, radio="nrf_radio")
    _, result = run(model, plan, 8, Faults(loss=loss), Settings(compute="plan"))
    assert any(kinds["input"]["lost"] for kinds in result.kinds)


def test_one_node_gives_the_same():
    """With nothing pruned any number of nodes gives the bytes of one, which sends nothing."""
    model, plan = deployment(ratio=1.0)
    alone = SplitConfig.even(SHAPE, 1)
    keep = [[tuple(c for columns in sources for c in columns)] for sources in model.keep]
    one = dataclasses.replace(model, split=alone, keep=keep)
    inputs, result = run(one, make_plan(SHAPE, alone, keep), 2)
    assert not result.bytes.any()
    np.testing.assert_array_equal(result.outputs[:, 0], run(model, plan, 2)[1].outputs[:, 0])


def test_less_air_than_sending_inputs():
    """Beside the same model whose inputs go to all; the stem's weights are where the inputs are."""
    model, plan = deployment()
    full = dataclasses.replace(SHAPE, embed="full", embed_hidden=0)
    _, other = deployment(config=full)
    assert plan_air(other).bytes - plan_air(plan).bytes > (75 - 11) * SHAPE.tokens_in
    held = [local_bytes(SHAPE, model.split, d) for d in range(4)]
    assert held == [11 * (76 + 8), 0, 0, 0]
