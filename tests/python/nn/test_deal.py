# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A model dealt to other nodes gives the same outputs, or says that it cannot."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer.random_models import random_keep, random_split
from cats.integer.reference import run_batch
from cats.nn.deal import deal
from cats.nn.model import CatsTransformer
from cats.nn.to_integer import quantize, scales_for
from cats.plan.planner import make_plan
from cats.shape.config import POOLS, ModelConfig, SplitConfig, node_shares, share_out
from cats.shape.partition import (
    NORMED,
    Kind,
    full_keep,
    gather_kind,
    local_blocks,
    local_keep,
)
from cats.sim.simulate import simulate

CONFIG = ModelConfig(
    tokens_in=3, inputs=6, outputs=5, features=16, heads=8, hidden=11, blocks=1, pool="class"
)
SHARES = {1: (1,), 2: (1, 1), 3: (2, 1, 1), 4: (1,) * 4, 8: (1,) * 8}


def test_more_nodes_than_heads():
    """Of the Llama family alone: one head each, as long as there are some, and even weights."""
    with pytest.raises(CatsError, match="9 nodes cannot share 8 heads"):
        SplitConfig.even(CONFIG, 9)
    config = ModelConfig(
        8, 64, 64, features=64, heads=8, hidden=172, blocks=1, causal=True, activation="silu",
        pool="all", norm="rms", position="rotary", feed_forward="gated", bias=False,
        vocabulary=True,
    )  # fmt: skip
    split = SplitConfig.even(config, 12)
    assert split.heads == (1,) * 8 + (0,) * 4
    assert (set(split.hidden[:8]), set(split.hidden[8:])) == ({5, 6}, {32})
    assert (min(split.outputs), max(split.outputs), sum(split.hidden)) == (5, 6, 172)
    assert min(SplitConfig.even(config, 16).hidden) == 1
    large = SplitConfig.by_shares(config, (1,) * 8 + (2, 0), "single", "even")
    assert large.heads == (1,) * 7 + (0, 1, 0)
    assert large.hidden[8] > large.hidden[0] and large.hidden[9] == large.outputs[9] == 0
    SplitConfig((8, 0), (1, 171), (64, 0), (64, 0)).check(config)
    outputs_alone = SplitConfig((8, 0), (172, 0), (55, 9), (64, 0))
    outputs_alone.check(config)
    with pytest.raises(CatsError, match="node 1 owns 0 heads, 0 hidden columns and 9 outputs"):
        outputs_alone.check(dataclasses.replace(CONFIG, outputs=64, hidden=172, inputs=64))


def trained(split, keep=None, config=CONFIG, seed=0):
    """A model whose norms, biases and weights are anything but their first values."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CatsTransformer(config, split, keep).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def samples(config=CONFIG, count=3):
    generator = torch.Generator().manual_seed(7)
    return torch.randn((count, config.tokens_in, config.inputs), generator=generator)


def pruned(split, *kinds, config=CONFIG):
    """Every other column of gathers of these kinds."""
    return [
        [columns[::2] if gather_kind(config, g)[0] in kinds else columns for columns in sources]
        for g, sources in enumerate(full_keep(config, split))
    ]


def assert_same(model, dealt):
    """Floats to rounding, integers and the C code's answers to the bit."""
    x = samples(model.config)
    with torch.no_grad():
        torch.testing.assert_close(dealt(x), model(x), rtol=1e-5, atol=1e-5)
    scales = scales_for(model, model.config, x)
    answers = []
    for one in (model, dealt):
        integer = quantize(one, x, scales)
        given_ = np.clip(np.rint(x.numpy() / integer.input_scale), -128, 127).astype(np.int8)
        want = run_batch(integer, given_)
        plan = make_plan(integer.config, integer.split, integer.keep)
        np.testing.assert_array_equal(simulate(integer, plan, given_).outputs, want)
        assert (want == want[:, :1]).all()  # every node has the whole result
        answers.append(want[:, 0])
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("before", [1, 4])
@pytest.mark.parametrize("after", SHARES)
def test_all_columns_kept(before, after):
    model = trained(SplitConfig.even(CONFIG, before, output_split="single"))
    dealt, changed = deal(model, model.split.deal(CONFIG, SHARES[after]))
    assert changed == [] and dealt.split.nodes == after and dealt.split.outputs[0] == 5
    assert dealt.keep == full_keep(CONFIG, dealt.split)
    assert_same(model, dealt)


@pytest.mark.parametrize("after", SHARES)
def test_pruned_without_a_norm(after):
    """What a node did not read has no weight; what others read is sent, and no more."""
    split = SplitConfig.even(CONFIG, 4)
    model = trained(split, pruned(split, Kind.HEADS, Kind.HIDDEN))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    dealt, changed = deal(model, split.deal(CONFIG, SHARES[after]))
    assert changed == []
    assert_same(model, dealt)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    if after == 2:  # two nodes are one now: of their columns others read what they read before
        assert dealt.keep[2] == [model.keep[2][0] + model.keep[2][1],
                                 model.keep[2][2] + model.keep[2][3]]  # fmt: skip
        lost = sorted(set(range(4)) - set(model.keep[2][0]))
        assert not dealt.blocks[0].out.weight[4:8, lost].any()
        assert dealt.blocks[0].out.weight[:4, lost].all()


@pytest.mark.parametrize("kind", NORMED)
@pytest.mark.parametrize("nodes", [1, 2, 8])
def test_pruned_before_a_norm(kind, nodes):
    """Its mean and deviation are over what a node has: other columns, another function."""
    split = SplitConfig.even(CONFIG, 4)
    model = trained(split, pruned(split, kind))
    dealt, changed = deal(model, split.deal(CONFIG, (1,) * nodes))
    assert changed == [kind.name.lower()]
    with torch.no_grad():
        assert (dealt(samples()) - model(samples())).abs().max() > 1e-3


def test_one_reader_of_a_pruned_norm():
    """Node 0 alone computes the result: smaller, it is sent what it had of its own before. A node
    of whose columns it read none sends none."""
    split = SplitConfig.even(CONFIG, 4, output_split="single")
    model = trained(split, pruned(split, Kind.OUTPUT))
    dealt, changed = deal(model, split.deal(CONFIG, (1,) * 8))
    assert changed == [] and dealt.keep[-2][1] == (2, 3) and dealt.keep[-2][0] == ()
    assert_same(model, dealt)
    assert deal(model, split.deal(CONFIG, (1, 1)))[1] == ["output"]
    model.set_keep([*model.keep[:-2], [(0,), (4,), (8,), (12,)], model.keep[-1]])
    dealt, changed = deal(model, split.deal(CONFIG, (1,) * 8))
    assert changed == [] and sum(map(len, dealt.keep[-2])) == 5
    assert_same(model, dealt)


def test_local_blocks_stay_local():
    """Over nodes of whole heads of before nothing more is sent, but what they had themselves."""
    config = dataclasses.replace(CONFIG, blocks=2)
    split = SplitConfig.even(config, 4)
    model = trained(split, local_keep(config, full_keep(config, split), 1), config)
    dealt, changed = deal(model, split)
    assert changed == [] and dealt.keep == model.keep
    dealt, changed = deal(model, split.deal(config, (1, 1)))
    assert changed == ["attention", "forward"] and local_blocks(config, dealt.keep) == 1


def test_same_nodes_are_the_same_model():
    split = SplitConfig.even(CONFIG, 4)
    model = trained(split, random_keep(1, CONFIG, split, 0.25))
    dealt, changed = deal(model, split)
    assert changed == [] and dealt.keep == model.keep
    with torch.no_grad():
        assert torch.equal(dealt(samples()), model(samples()))


@pytest.mark.no_cover
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), data=st.data())
def test_same_function_or_told(seed, data):
    """Random splits and keep sets: no change told, no change there."""
    nodes = st.integers(1, 8)
    pool = data.draw(st.sampled_from(POOLS))
    config = dataclasses.replace(CONFIG, pool=pool)
    split, other = (random_split(seed + i, config, data.draw(nodes)) for i in (0, 1))
    keep = random_keep(seed, config, split, data.draw(st.sampled_from([1.0, 0.8, 0.4])))
    normed = data.draw(st.booleans())
    keep = [
        sources if normed or gather_kind(config, g)[0] not in NORMED else all_columns
        for g, (sources, all_columns) in enumerate(zip(keep, full_keep(config, split), strict=True))
    ]
    model = trained(split, keep, config, seed)
    dealt, changed = deal(model, other)
    assert normed or not changed
    x = samples(config)
    with torch.no_grad():
        if not changed:
            torch.testing.assert_close(dealt(x), model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("total", "shares", "least", "counts"),
    [
        (10, (1, 1, 1), 0, (4, 3, 3)),
        (8, (2, 1, 1), 1, (4, 2, 2)),
        (5, (2, 1, 1), 1, (3, 1, 1)),
        (3, (100, 1, 1), 1, (1, 1, 1)),
        (4, (100, 1, 1), 1, (2, 1, 1)),
        (0, (2, 1), 0, (0, 0)),
        (7, (1e308, 1e308), 1, (4, 3)),
        (7, (0.1, 0.2, 0.4), 0, (1, 2, 4)),
    ],
)
def test_shares(total, shares, least, counts):
    assert share_out(total, shares, least) == counts


def test_whole_heads_and_whole_sensors():
    split = SplitConfig.by_shares(CONFIG, (2, 1, 1), "channels", "even", sensors=3)
    assert split == SplitConfig((4, 2, 2), (5, 3, 3), (3, 1, 1), (2, 2, 2))
    dealt = split.deal(CONFIG, (3, 1), sensors=3)
    assert dealt == SplitConfig((6, 2), (8, 3), (4, 1), (4, 2))
    assert dealt.deal(CONFIG, (1, 1), "single", "single").inputs == (6, 0)


def test_options_that_contradict_each_other():
    assert node_shares(None, None) is None
    assert node_shares(3, None) == (1, 1, 1) and node_shares(3, "2,1,1") == (2, 1, 1)
    for nodes, text in ((2, "2,1,1"), (None, "2,x"), (None, "0,0"), (None, "1,-1"), (None, "nan,1"),
                        (None, ""), (0, None), (17, None)):  # fmt: skip
        with pytest.raises(CatsError):
            node_shares(nodes, text)
    for shares in ((1,) * 9, (1,) * 17, (1, float("inf"))):
        with pytest.raises(CatsError):
            SplitConfig.by_shares(CONFIG, shares)
