# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Llama models on simulated nodes: whatever is lost and whoever restarts, what nodes answer is the
integer reference's."""

import dataclasses

import numpy as np
import pytest

from cats.integer.llama_stream import gathers_of, stream_of
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_inputs, random_keep
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare_steps import check_steps, comparable, in_steps
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate

CONFIG = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=2, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    vocabulary=True,
)  # fmt: skip


def deployment(nodes=4, share=1.0, **options):
    split = SplitConfig.even(CONFIG, nodes)
    keep = random_keep(1, CONFIG, split, share)
    model = gathers_of(stream_of(random_llama(5, CONFIG, split, keep)))
    return model, make_plan(model.config, split, model.keep, **options)


def run(model, plan, windows, faults, **settings):
    inputs = in_steps(model.config, random_inputs(3, model.config.whole, windows))
    result = simulate(model, plan, inputs, faults, 1, Settings(**settings))
    assert result.hung is None
    assert not check_steps(model, plan, inputs, result)
    return inputs, result


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154+secure"])
@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_nothing_is_lost(nodes, radio):
    model, plan = deployment(nodes, radio=radio)
    inputs, result = run(model, plan, 2, Faults())
    assert result.done.all()
    assert comparable(model.config, result).all()
    assert (result.known[:, 0] == np.tile(np.arange(8) + 1, 2)).all()
    wrong = np.array(inputs)
    wrong[5, 0, 0] ^= 1
    assert check_steps(model, plan, wrong, result)


@pytest.mark.parametrize("rounds", [0, 1])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_frames_are_lost(rounds, share):
    model, plan = deployment(4, share, radio="nrf_radio", rounds=rounds)
    _, result = run(model, plan, 6, Faults(loss=0.1))
    assert result.done.mean() > 0.9
    assert comparable(model.config, result).mean() > 0.5


def test_nodes_restart():
    model, plan = deployment(4, radio="nrf_radio")
    times = [Event(2, False, 40_000), Event(2, True, 60_000), Event(1, False, 150_000),
             Event(1, True, 151_000)]  # fmt: skip
    _, result = run(model, plan, 6, Faults(loss=0.05, events=times))
    rows = result.known[result.numbers >= 0]
    assert (rows < 9).all()
    assert not (result.numbers >= 0).all()
    assert result.done[-8:].all()


def test_a_node_without_the_token_is_not_compared():
    model, plan = deployment(2, radio="nrf_radio")
    inputs, result = run(model, plan, 2, Faults())
    submitted = np.array(result.submitted)
    submitted[3, 1] = False
    outputs = np.array(result.outputs)
    outputs[4] += 1
    less = dataclasses.replace(result, submitted=submitted, outputs=outputs)
    assert not check_steps(model, plan, inputs, less)
    outputs[9] += 1
    assert {i for i, _ in check_steps(model, plan, inputs, less)} == {9}
