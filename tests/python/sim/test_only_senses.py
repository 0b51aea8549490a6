# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that only sense: a hub has all heads, others send it what a stem makes of their inputs, or
the inputs."""

import dataclasses

import pytest
import torch

from cats.errors import CatsError
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_model
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.plan.timing import inference_us
from cats.shape.config import ModelConfig, SplitConfig, node_shares
from cats.shape.partition import Kind, answers_alone, full_keep, local_keep, own_ranges
from cats.sim.compare import check
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate

SHAPE = ModelConfig(
    tokens_in=9, inputs=24, outputs=4, features=32, heads=4, hidden=24, blocks=2, embed="stem",
    embed_hidden=8,
)  # fmt: skip
SIGNED = dataclasses.replace(SHAPE, signed_stem=True)
RAW = dataclasses.replace(SHAPE, embed="full", embed_hidden=0)
HUB = (0, 1, 0, 0)


def hub(config=SHAPE, keep=0.0, shares=HUB, **options):
    """(model, plan) of a transformer that is on the nodes with a share alone."""
    split = SplitConfig.by_shares(config, shares, "channels", "single", 4)
    sets = full_keep(config, split)
    if not keep:
        sets = local_keep(config, sets, config.blocks)
        sets[-2] = [()] * split.nodes
    model = random_model(5, config, split, sets)
    return model, make_plan(config, split, sets, **options)


def run(model, plan, samples=3, faults=None):
    inputs = random_inputs(0, model.config, samples)
    result = simulate(model, plan, inputs, faults, 0, Settings(compute="plan"))
    assert result.hung is None and check(model, plan, inputs, result) == []
    return inputs, result


def test_a_share_of_none():
    """It has its sensor, and no part of the transformer; the sensors are spread evenly."""
    split = SplitConfig.by_shares(SHAPE, node_shares(None, "0,1,0,0"), "channels", "single", 4)
    assert (split.heads, split.hidden) == ((0, 4, 0, 0), (0, 24, 0, 0))
    assert (split.outputs, split.inputs) == ((0, 4, 0, 0), (6, 6, 6, 6))
    assert SplitConfig.by_shares(SHAPE, (1, 0, 1)).heads == (2, 0, 2)
    assert split.deal(SHAPE, split.heads) == split
    assert not answers_alone(split, hub()[0].keep)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": (1, 3, 0, 0)}, "node 0 owns 1 heads, 0 hidden columns"),
        ({"outputs": (4, 0, 0, 0)}, "node 0 owns 0 heads, 0 hidden columns and 4 outputs"),
        ({"heads": (-1, 5, 0, 0)}, "no node owns less than 0"),
    ],
)
def test_what_cannot_be(change, message):
    """Half a node, an answer of a node that computes nothing, inputs that nobody embeds."""
    split = hub()[0].split
    with pytest.raises(CatsError, match=message):
        dataclasses.replace(split, **change).check(SHAPE)
    with pytest.raises(CatsError, match="a signed stem, and no stem"):
        dataclasses.replace(RAW, signed_stem=True).check()
    with pytest.raises(CatsError, match="with embed 'own' nobody else embeds them"):
        split.check(dataclasses.replace(SHAPE, embed="own"))
    for shares in ("0,0", "1,-1", "1,inf"):
        with pytest.raises(CatsError, match="0 for one that only senses"):
            node_shares(None, shares)


@pytest.mark.parametrize(
    ("config", "options"),
    [(SHAPE, {}), (SIGNED, {"held": True, "heads_per_pass": 2}), (RAW, {"interleave": True})],
)
def test_nothing_lost(config, options):
    """On the air are what nodes sense and the result, as planned; all hear the answer of one
    node."""
    model, plan = hub(config, radio="ble_2m", **options)
    inputs, result = run(model, plan)
    assert (result.outputs == reference.run_batch(model, inputs)).all() and result.done.all()
    assert [g for g, gather in enumerate(plan.gathers) if any(c.width for c in gather.sources)] == [
        0, 10,
    ]  # fmt: skip
    assert [cut.width > 0 for cut in plan.gathers[0].sources] == [True, False, True, True]
    assert (result.bytes == plan_air(plan).bytes).all()
    planned = inference_us(config, model.split, model.keep, plan)
    assert result.span_us[1:].max() == pytest.approx(planned, rel=0.15)
    alone = SplitConfig.even(config, 1)
    one = dataclasses.replace(model, split=alone, keep=full_keep(config, alone))
    assert (result.outputs[:, 2] == reference.run_batch(one, inputs)[:, 0]).all()


@pytest.mark.parametrize("config", [SHAPE, RAW])
def test_a_hub_may_send_its_own(config):
    """As deployments did whose keep sets have its columns, which nobody reads."""
    model, _ = hub(config)
    begin, end = own_ranges(config, model.split, Kind.INPUT)[1]
    keep = [[*model.keep[0]], *model.keep[1:]]
    keep[0][1] = tuple(range(begin, end))
    other = dataclasses.replace(model, keep=keep)
    plans = [make_plan(config, model.split, sets, radio="ble_2m") for sets in (model.keep, keep)]
    more = plan_air(plans[1]).bytes - plan_air(plans[0]).bytes
    assert more == (end - begin) * config.tokens_in + 21  # and a frame's overhead
    assert (run(other, plans[1])[1].outputs == run(model, plans[0])[1].outputs).all()


@pytest.mark.parametrize(
    ("shares", "keep", "rounds"), [(HUB, 0.0, 2), (HUB, 1.0, 0), ((2, 0, 1, 0), 1.0, 2)]
)
def test_losses(shares, keep, rounds):
    """Lost frames are asked for by those who hear them, also where two nodes compute."""
    model, plan = hub(shares=shares, keep=keep, rounds=rounds)
    _, result = run(model, plan, 12, Faults(loss=0.5))
    assert any(kinds["input"]["lost"] for kinds in result.kinds)


@pytest.mark.parametrize("config", [SHAPE, SIGNED, dataclasses.replace(RAW, pool="class")])
def test_training(config):
    """The hub computes what one node with the same weights does; gradients are finite where a node
    has no column to norm, with frames lost and with all views looked at."""
    split = hub(config)[0].split
    torch.manual_seed(0)
    model = CatsTransformer(config, split)
    one = CatsTransformer(config, SplitConfig.even(config, 1))
    one.load_state_dict(model.state_dict())
    x = torch.randn(6, config.tokens_in, config.inputs)
    for keep in (hub(config)[0].keep, model.keep):
        model.set_keep(keep)
        torch.testing.assert_close(model(x), one(x))
        seen = {}
        torch.testing.assert_close(model(x, observe=seen.__setitem__), one(x))
        assert all(tensor.isfinite().all() for tensor in seen.values())
        losses = MessageDropout(config, split, keep, (0.3, 0.3), payload=40, patterns=2).draw(6)
        model.zero_grad()
        model(x, losses).square().sum().backward()
        assert all(value.grad.isfinite().all() for value in model.parameters())


@pytest.mark.parametrize("hub_at", [0, 1])
@pytest.mark.parametrize("config", [SIGNED, RAW, dataclasses.replace(SIGNED, embed_hidden=64)],
                         ids=["stem", "raw", "large stem"])  # fmt: skip
@pytest.mark.parametrize("radio", ["nrf_radio", "nrf_radio+secure", "ieee802154", "ble"])
def test_all_is_made_in_time(radio, config, hub_at):
    """What a node makes when it hears of an inference is made in front of its slot: code and
    computing in time nothing lacks, and repair that nobody needs is not on the air."""
    shares = [int(d == hub_at) for d in range(4)]
    for rounds in (0, 2):
        model, plan = hub(config, shares=shares, radio=radio, rounds=rounds)
        inputs, settings = random_inputs(0, model.config, 3), Settings("plan", code_time="plan")
        result = simulate(model, plan, inputs, None, 0, settings)
        assert result.hung is None and check(model, plan, inputs, result) == []
        assert result.delivered == 1.0
        assert not result.late.any()
        assert result.bytes[1:].max() <= plan_air(plan).bytes


def test_what_takes_too_long_to_make():
    slow = dataclasses.replace(SIGNED, tokens_in=128, inputs=4096, embed_hidden=256)
    with pytest.raises(CatsError, match="gather 0: a node takes .* ms to make .* smaller tiles"):
        hub(slow, radio="nrf_radio", tile_rows=128)
