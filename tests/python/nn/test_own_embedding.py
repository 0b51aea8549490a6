# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Each node embeds its own inputs: what its columns are made of, in floats and in integers, over
any number of nodes."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from cats.errors import CatsError
from cats.integer import model as integer
from cats.integer.reference import run_batch
from cats.nn.deal import deal
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import select
from cats.nn.to_integer import quantize
from cats.plan.predict import parameters
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.shape.partition import check_keep, full_keep

CONFIG = ModelConfig(
    tokens_in=5, inputs=12, outputs=4, features=16, heads=8, hidden=16, blocks=1, pool="class",
    embed="own",
)  # fmt: skip
SPLIT = SplitConfig.even(CONFIG, 4, "channels", "single")
#: Node 3 has no sensor.
BLIND = dataclasses.replace(SPLIT, inputs=(3, 5, 4, 0))
HIDDEN = [0, 20]


def made(hidden, split=SPLIT, seed=0):
    """A model whose embedding is its first, the rest anything."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CatsTransformer(dataclasses.replace(CONFIG, embed_hidden=hidden), split).eval()
        with torch.no_grad():
            for name, value in model.named_parameters():
                if "embed" not in name:
                    value.add_(0.2 * torch.randn_like(value))
    return model


def samples(count=40):
    return torch.randn(count, 5, 12, generator=torch.Generator().manual_seed(3))


def embedded(model, x):
    seen = {}
    with torch.no_grad():
        model(x, observe=lambda name, tensor: seen.setdefault(name, tensor))
    return seen["residual"]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("split", [SPLIT, BLIND])
def test_columns_are_made_of_own_inputs(hidden, split):
    """A node's input moves its own columns and no others; without one they are a constant."""
    model, x = made(hidden, split), samples()
    start = embedded(model, x)
    begin = 0
    for node, count in enumerate(split.inputs):
        other = x.clone()
        other[..., begin : begin + count] += 1
        begin += count
        moved = (embedded(model, other) != start).any(0).any(0).reshape(4, 4).any(1)
        assert moved.tolist() == [d == node and count > 0 for d in range(4)]
    if not split.inputs[3]:
        torch.testing.assert_close(start[:, :, 12:], start[:1, :, 12:].expand(40, -1, -1))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_others_weights_are_zero_and_stay_so(hidden):
    model = made(hidden, BLIND).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    losses = MessageDropout(model.config, BLIND, model.keep, (0.3, 0.3))
    for _ in range(3):
        optimiser.zero_grad()
        generator = torch.Generator().manual_seed(0)
        model(samples(), losses.draw(40, generator)).square().mean().backward()
        optimiser.step()
    own = torch.zeros(model.embed.weight.shape, dtype=torch.bool)
    columns = 5 * hidden // 12 if hidden else 4
    assert model.embed.weight.count_nonzero() > 0
    for row, column in zip(model.reader_INPUT, model.own_INPUT):
        own |= row.bool()[:, None] & column[None]
    assert not model.embed.weight[~own].any() and columns
    if hidden:
        assert not model.embed_out.weight[~model.embed_out_blocks].any()
    total = sum(p.count_nonzero().item() for p in model.parameters())
    assert parameters(model.config, BLIND) == pytest.approx(total, abs=3)
    assert parameters(model.config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("nodes", [1, 2])
def test_fewer_nodes_compute_the_same(hidden, nodes):
    """One node, or two with two sensors each: the same function, the same integers to the bit."""
    model, x = made(hidden), samples()
    dealt, changed = deal(model, SplitConfig.even(CONFIG, nodes, "channels", "single"))
    assert changed == []
    with torch.no_grad():
        torch.testing.assert_close(dealt(x), model(x), rtol=1e-5, atol=1e-5)
    ours, theirs = (quantize(one, x) for one in (model, dealt))
    given = np.clip(np.rint(x.numpy() / ours.input_scale), -128, 127).astype(np.int8)
    assert (run_batch(ours, given)[:, 0] == run_batch(theirs, given)[:, 0]).all()


def test_more_nodes_would_need_others_inputs():
    with pytest.raises(CatsError, match="reads its own inputs alone"):
        deal(made(0), SplitConfig.even(CONFIG, 8, "channels", "single"))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_integers_are_near_the_floats(hidden):
    """Pruned, and some of what is sent lost: as near as in a model of all inputs."""
    errors = []
    for embed in ("own", "full"):
        config = dataclasses.replace(CONFIG, embed=embed)
        torch.manual_seed(1)
        model = made(hidden) if embed == "own" else CatsTransformer(config, SPLIT).eval()
        model.set_keep(select(model, 0.5))
        x = samples(200)
        ours = quantize(model, x)
        given = np.clip(np.rint(x.numpy() / ours.input_scale), -128, 127).astype(np.int8)
        with torch.no_grad():
            want = model(x).numpy()
        got = run_batch(ours, given)[:, 0] * ours.output_scale
        errors.append(((got - want) ** 2).mean() / want.var())
    assert errors[0] < max(0.01, 3 * errors[1])


@pytest.mark.parametrize("hidden", HIDDEN)
def test_files_of_the_integers(hidden, tmp_path):
    model = made(hidden, BLIND)
    ours = quantize(model, samples())
    integer.save(ours, tmp_path)
    again = integer.load(tmp_path)
    assert integer.to_files(again) == integer.to_files(ours)
    if hidden:
        stolen = ours.embed_out.weight.copy()
        stolen[0, -1] = 1  # node 0's hidden column to node 3's residual
        product = dataclasses.replace(ours.embed_out, weight=stolen)
        with pytest.raises(CatsError, match="another node's"):
            integer.check_integer(dataclasses.replace(ours, embed_out=product))
    with pytest.raises(CatsError, match="second product of the embedding"):
        other = None if hidden else ours.steps[0].product
        integer.check_integer(dataclasses.replace(ours, embed_out=other))


def test_models_of_before_say_nothing_of_it():
    before = dataclasses.replace(CONFIG, embed="full")
    assert not {"embed", "embed_hidden"} & set(to_json(before))
    now = json.loads(json.dumps(to_json(dataclasses.replace(CONFIG, embed_hidden=9))))
    assert (now["embed"], now["embed_hidden"]) == ("own", 9)


def test_what_is_refused():
    for change, message in (
        ({"embed": "some"}, "one of full, own"),
        ({"embed": "full", "embed_hidden": 8}, "use embed 'own'"),
        ({"embed_hidden": -1}, "0 to 4096"),
    ):
        with pytest.raises(CatsError, match=message):
            dataclasses.replace(CONFIG, **change).check()
    with pytest.raises(CatsError, match="3 hidden columns of the embedding for 4 nodes"):
        SPLIT.check(dataclasses.replace(CONFIG, embed_hidden=3))
    assert BLIND.embed_hidden(dataclasses.replace(CONFIG, embed_hidden=13)) == (3, 6, 4, 0)
    keep = full_keep(CONFIG, SPLIT)
    assert keep[0] == [(), (), (), ()]
    with pytest.raises(CatsError, match="sends none"):
        check_keep(CONFIG, SPLIT, [[(0, 1, 2), (), (), ()], *keep[1:]])
