# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The Llama family: RMS norms, rotary positions, gated feed-forwards, shared keys and values, no
biases, a tied head, tokens by number; whole windows and step by step.

That masked weights equal the definition with all of these is tested in test_model.py."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.deal import deal
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import by_activation, computing, importance, select, taylor
from cats.nn.qat import Rounded
from cats.nn.steps import Steps
from cats.nn.to_integer import scales_for
from cats.plan.planner import make_plan
from cats.plan.predict import parameters
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.shape.partition import (
    Kind,
    full_keep,
    gather_count,
    gather_kind,
    key_heads,
    own_ranges,
)

CONFIG = ModelConfig(
    tokens_in=6, inputs=11, outputs=11, features=24, heads=6, hidden=10, blocks=2, causal=True,
    activation="silu", pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3,
    bias=False, tied=True, vocabulary=True,
)  # fmt: skip


def llama(nodes=1, keep=None, seed=0, **change):
    config = dataclasses.replace(CONFIG, **change)
    torch.manual_seed(seed)
    model = CatsTransformer(config, SplitConfig.even(config, nodes), keep).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def tokens(batch=4, rows=6, seed=1):
    return torch.randint(11, (batch, rows), generator=torch.Generator().manual_seed(seed))


def by_hand(model, numbers):
    """The model in plain PyTorch, rotary positions by complex numbers as Llama's first code has
    them."""
    config, rows = model.config, numbers.shape[1]
    width = config.head_width

    def norm(x, weight):
        return x * (x.square().mean(-1, keepdim=True) + config.norm_eps).rsqrt() * weight

    angle = torch.outer(
        torch.arange(rows, dtype=torch.float64),
        config.rotary_base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width),
    )
    parallel, keys = config.parallel_blocks, config.key_heads * width
    turn = torch.polar(torch.ones_like(angle), angle)[:, None]

    def turned(x):
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * turn).flatten(-2)

    mask = torch.full((rows, rows), -torch.inf, dtype=torch.float64).triu(1)
    x = model.embed.weight.T[numbers]
    for b, block in enumerate(model.blocks):
        x = x + model.tables[b][numbers] if config.layer_tables else x
        q, k, v, *up = (norm(x, block.norm1.weight) @ block.qkv.weight.T).split(
            (config.features, keys, keys, *[2 * config.hidden] * parallel), -1
        )
        q, k, v = (part.unflatten(-1, (-1, width)) for part in (q, k, v))
        k, v = (part.repeat_interleave(config.heads // config.key_heads, 2) for part in (k, v))
        scores = torch.einsum("bnhe,bmhe->bhnm", turned(q), turned(k)) / width**0.5
        heads = torch.einsum("bhnm,bmhe->bnhe", (scores + mask).softmax(-1), v).flatten(2)
        if parallel:
            down = block.down.weight[:, torch.argsort(model.parallel_columns)]
            gate, up = up[0].chunk(2, -1)
            x = x + torch.cat((heads, functional.silu(gate) * up), -1) @ down.T
            continue
        x = x + heads @ block.out.weight.T
        gate, up = (norm(x, block.norm2.weight) @ block.up.weight.T).chunk(2, -1)
        x = x + functional.silu(gate) * up @ block.down.weight.T
    return norm(x, model.norm.weight) @ model.embed.weight


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 6])
def test_d_nodes_that_hear_everything_are_a_plain_llama(nodes, parallel):
    """Also where nodes share a key/value head: 4 and 6 nodes of 6 heads, 2 for one key."""
    model = llama(nodes, parallel_blocks=parallel)
    torch.testing.assert_close(model(tokens()), by_hand(model, tokens()), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("parallel", [False, True])
def test_embeddings_of_each_block_are_added_in_front_of_it(parallel):
    """They begin as if there were none, and one-hot rows give the same."""
    for nodes in (1, 3):
        model = llama(nodes, parallel_blocks=parallel, layer_tables=True)
        want = by_hand(model, tokens())
        torch.testing.assert_close(model(tokens()), want, rtol=1e-9, atol=1e-9)
        rows = functional.one_hot(tokens(), 11).double()
        torch.testing.assert_close(model(rows), want, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(Steps(model).step(tokens()), want, rtol=1e-9, atol=1e-9)
    config = dataclasses.replace(CONFIG, layer_tables=True)
    assert not CatsTransformer(config, SplitConfig.even(config, 2)).tables.any()
    assert parameters(config) == parameters(CONFIG) + 2 * 11 * 24
    for change, message in (
        ({"bias": True}, "of each block are of the Llama family"),
        ({"context": 6, "tokens_in": 1}, "they need token_rows"),
        ({"context": 6, "tokens_in": 1, "token_rows": True, "blocks": 63, "features": 1200,
          "heads": 6}, "fewer blocks or features"),
    ):  # fmt: skip
        with pytest.raises(CatsError, match=message):
            dataclasses.replace(config, **change).check()


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_row_is_lost_in_all_blocks(lost):
    """Node 1 does not hear whose token it is: its columns of the residual lack all that it adds."""
    config = dataclasses.replace(CONFIG, layer_tables=True)
    split = SplitConfig.even(config, 2, "channels")
    model = llama(2, layer_tables=True)
    dealt = CatsTransformer(config, split).double().eval()
    dealt.load_state_dict(model.state_dict())
    numbers = tokens()
    losses = [None] * gather_count(config)
    heard = torch.ones(1, 6, 2, 11, dtype=torch.bool)
    heard[:, :, 1] = not lost
    losses[0] = heard
    with torch.no_grad():
        got = dealt(numbers, losses)
        begin, end = own_ranges(config, split, Kind.ATTENTION)[1]
        at = slice(begin, end)
        there = torch.tensor([t >= split.inputs[0] or not lost for t in range(11)])
        model.tables[:, ~there, at] = 0
        untied = nn.Linear(24, 11, bias=False).double()
        untied.weight.copy_(model.embed.weight.T)
        model.config = dataclasses.replace(config, tied=False)
        model.head = untied
        model.embed.weight[at, ~there] = 0
        torch.testing.assert_close(got, model(numbers), rtol=1e-9, atol=1e-9)


def test_parameters_are_those_of_the_family_and_counted():
    names = [f"blocks.{b}.{part}.weight" for b in (0, 1)
             for part in ("down", "norm1", "norm2", "out", "qkv", "up")]  # fmt: skip
    model = llama(4)
    assert sorted(model.state_dict()) == sorted([*names, "embed.weight", "norm.weight"])
    assert model.blocks[0].qkv.weight.shape == (24 + 2 * 12, 24)
    assert model.blocks[0].up.weight.shape == (20, 24)
    assert sum(p.numel() for p in model.parameters()) == parameters(CONFIG)
    untied = llama(tied=False, bias=True, norm="layer", position="learned")
    assert sum(p.numel() for p in untied.parameters()) == parameters(untied.config)
    parallel = llama(4, parallel_blocks=True)
    count = sum(p.numel() for p in parallel.parameters())
    assert count == parameters(parallel.config) == parameters(CONFIG) - 2 * 24
    assert "6 heads" in str(model)  # says what it is, though nothing can be planned of it


def test_a_key_head_is_computed_by_each_node_that_needs_it():
    model = llama(4)  # heads 2, 2, 1, 1: nodes 2 and 3 share the last key/value head
    assert model.split.heads == (2, 2, 1, 1)
    assert key_heads(CONFIG, model.split) == [(0, 1), (1, 2), (2, 3), (2, 3)]
    computed = computing(model, Kind.ATTENTION)
    assert computed.sum(0).tolist() == [1] * 24 + ([1] * 8 + [2] * 4) * 2
    # Node 3 hears nobody before the first product: node 2 has its own key of the shared head.
    losses = [None] * gather_count(CONFIG)
    losses[1] = torch.ones(1, 6, 4, 24, dtype=torch.bool)
    losses[1][:, :, 3] = False
    whole, lacking = {}, {}
    model(tokens(), observe=whole.__setitem__)
    model(tokens(), losses, lacking.__setitem__)
    assert whole["k0"].shape[1] == 4
    torch.testing.assert_close(lacking["k0"][:, :3], whole["k0"][:, :3])
    assert not torch.allclose(lacking["k0"][:, 3], whole["k0"][:, 3])


def test_rms_norm_is_over_the_columns_that_a_node_has():
    model = llama(3)
    losses = [None] * gather_count(CONFIG)
    losses[3] = torch.ones(1, 6, 3, 24, dtype=torch.bool)
    losses[3][:, :, 2] = False  # node 2 hears nobody before the feed-forward
    seen = {}
    model(tokens(), losses, seen.__setitem__)
    own = seen["gather3"][..., 16:]
    normed = functional.rms_norm(own, (8,), eps=CONFIG.norm_eps) * model.blocks[0].norm2.weight[16:]
    begin, end = own_ranges(CONFIG, model.split, Kind.HIDDEN)[2]
    gate, up = model.blocks[0].up.weight[:, 16:].chunk(2)
    torch.testing.assert_close(seen["gate0"][..., begin:end], normed @ gate[begin:end].T)
    torch.testing.assert_close(seen["up0"][..., begin:end], normed @ up[begin:end].T)


@pytest.mark.parametrize("granularity", ["message", "packet"])
@pytest.mark.parametrize("input_split", ["single", "channels"])
def test_a_token_s_number_is_its_one_hot_row(granularity, input_split):
    """With losses too, as they are drawn and spread over samples; each gradient as well."""
    config = dataclasses.replace(CONFIG, bias=True, tied=False)
    torch.manual_seed(0)
    model = CatsTransformer(config, SplitConfig.even(config, 4, input_split)).double().eval()
    nn.init.normal_(model.embed.bias)
    dropout = MessageDropout(
        config, model.split, model.keep, (0.5, 0.5), granularity, patterns=2, payload=7
    )
    heard = dropout.draw(4, torch.Generator().manual_seed(3))
    dense = [of.dense(4) for of in heard]
    rows = functional.one_hot(tokens(), 11).double()
    for losses in (None, heard, dense):
        results = []
        for x in (rows, tokens()):
            model.zero_grad()
            out = model(x, losses)
            out.square().sum().backward()
            results.append((out, *(p.grad.clone() for p in model.parameters())))
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    lost = model(tokens(), heard)
    assert not torch.allclose(lost, model(tokens()))
    with pytest.raises(CatsError, match=r"a token outside 0\.\.10"):
        model(tokens() + 1)
    with pytest.raises(CatsError, match=r"input of shape \[4, 5\]"):
        model(tokens(rows=5))


def test_pruned_columns_are_read_by_nobody_else():
    model = llama(4)
    with pytest.raises(CatsError, match="tied head are the embedding's as well"):
        taylor(model, None)
    scores = importance(model)
    # Of the shared head two nodes read; node 3's own columns are read by three others.
    weight = (model.blocks[0].qkv.weight * model.blocks[0].norm1.weight).abs()
    width, node = CONFIG.head_width, 3
    others = computing(model, Kind.ATTENTION)[:node].sum(0)
    torch.testing.assert_close(scores[1][-width:], (weight * others[:, None]).sum(0)[-width:])
    model.set_keep(select(model, 0.5))
    before = model(tokens())
    with torch.no_grad():  # the first column that node 0 does not send
        column = next(c for c in range(8) if c not in model.keep[1][0])
        model.blocks[0].qkv.weight[~computing(model, Kind.ATTENTION)[0].bool(), column] += 9.0
    torch.testing.assert_close(model(tokens()), before)


def test_activation_of_an_rms_norm_is_not_centred():
    class Constant:
        def draws(self, count, size, rows, generator):
            yield torch.zeros(2, 6, dtype=torch.long), None

    model = llama(2, blocks=1)
    with torch.no_grad():
        model.embed.weight.fill_(3.0)
    score = by_activation(model, Constant())[1]
    torch.testing.assert_close(score, importance(model)[1] / 4)  # one batch of BATCHES


def test_heads_and_hidden_columns_are_one_message():
    """Of parallel blocks: who does not hear a node lacks both."""
    model = llama(3, parallel_blocks=True)
    assert [gather_kind(model.config, g)[0] for g in range(gather_count(model.config))] == [
        Kind.INPUT, *[Kind.ATTENTION, Kind.HIDDEN] * 2, Kind.OUTPUT, Kind.RESULT
    ]  # fmt: skip
    assert own_ranges(model.config, model.split, Kind.HIDDEN) == [(0, 12), (12, 23), (23, 34)]
    losses = [None] * gather_count(model.config)
    losses[2] = torch.ones(1, 6, 3, 34, dtype=torch.bool)
    losses[2][:, :, 2, :12] = False  # node 2 does not hear node 0
    whole, lacking = {}, {}
    model(tokens(), observe=whole.__setitem__)
    model(tokens(), losses, lacking.__setitem__)
    lost = whole["gather2"][..., :12] @ model.blocks[0].down.weight[16:, :12].T
    torch.testing.assert_close(lacking["gather2"], whole["gather2"])
    difference = whole["gather3"] - lacking["gather3"]
    torch.testing.assert_close(difference[..., 16:], lost)
    torch.testing.assert_close(difference[..., :16], torch.zeros_like(difference[..., :16]))


@pytest.mark.parametrize("granularity", ["message", "packet"])
def test_parallel_blocks_lose_what_is_drawn(granularity):
    """Masked weights are the definition, forwards and backwards."""
    model = llama(4, parallel_blocks=True)
    model.set_keep(select(model, 0.7))
    dropout = MessageDropout(
        model.config, model.split, model.keep, (0.5, 0.5), granularity, patterns=2, payload=7
    )
    heard = dropout.draw(4, torch.Generator().manual_seed(3))
    results = []
    for losses in (heard, [of.dense(4) for of in heard]):
        model.zero_grad()
        out = model(tokens(), losses)
        out.square().sum().backward()
        results.append((out, *(p.grad.clone() for p in model.parameters())))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(results[0][0], model(tokens()))


@pytest.mark.parametrize("parallel", [False, True])
def test_dealt_to_other_nodes_it_computes_the_same(parallel):
    one = llama(parallel_blocks=parallel)
    for nodes in (2, 4, 6):
        dealt, changed = deal(one, SplitConfig.even(CONFIG, nodes, "channels"))
        assert changed == []
        torch.testing.assert_close(dealt.double()(tokens()), one(tokens()), rtol=1e-4, atol=1e-4)
    four = llama(4, parallel_blocks=parallel).float()
    four.set_keep(select(four, {Kind.HEADS: 0.5, Kind.HIDDEN: 0.5}))
    two, changed = deal(four, SplitConfig.even(CONFIG, 2))
    assert changed == []
    torch.testing.assert_close(two(tokens()), four(tokens()), rtol=1e-4, atol=1e-4)
    four.set_keep(select(four, {Kind.ATTENTION: 0.5}))
    assert "attention" in deal(four, SplitConfig.even(CONFIG, 2))[1]
    four.set_keep(select(llama(4, parallel_blocks=parallel), {Kind.OUTPUT: 0.5}))
    with pytest.raises(CatsError, match="embedding's weights and is pruned"):
        deal(four, SplitConfig.even(CONFIG, 2))


@pytest.mark.parametrize("nodes", [1, 4])
@pytest.mark.parametrize(
    "change", [{}, {"position": "learned"}, {"pool": "last"}, {"parallel_blocks": True}]
)
def test_steps_give_the_rows_of_the_whole_window(nodes, change):
    model = llama(nodes, **change)
    whole = dataclasses.replace(model.config, pool="all")
    wanted = CatsTransformer(whole, model.split).double()
    wanted.load_state_dict(model.state_dict())
    steps = Steps(model)
    parts = [steps.step(part) for part in tokens().split([2, 1, 3], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), wanted(tokens()))
    assert steps.position == 6


def test_a_window_slides_where_positions_are_rotary():
    """One block: a row behind the window is the last of the window that ends with it."""
    model, numbers = llama(blocks=1), tokens(rows=9)
    wanted = model(numbers[:, 3:])[:, -1]
    for parts in ([9], [1] * 9, [4, 5]):
        steps = Steps(model)
        last = [steps.step(part) for part in numbers.split(parts, 1)][-1]
        torch.testing.assert_close(last[:, -1], wanted)
    with pytest.raises(CatsError, match="context ends after 6 rows"):
        Steps(llama(position="learned")).step(numbers)
    with pytest.raises(CatsError, match="steps are of causal models"):
        Steps(llama(causal=False))


def test_steps_lose_what_a_seed_says():
    model, one = llama(4), tokens(batch=1)
    runs = [Steps(model, 0.3, seed).step(one) for seed in (5, 5, 6)]
    assert torch.equal(runs[0], runs[1]) and not torch.allclose(runs[0], runs[2])
    torch.testing.assert_close(Steps(llama(1), 0.3).step(one), llama(1)(one))
    losses = MessageDropout(
        dataclasses.replace(CONFIG, tokens_in=1), model.split, model.keep, (0.3, 0.3)
    ).draw(1, torch.Generator().manual_seed(5))
    dense = [of.dense(1) for of in losses]  # of the first row, by the definition
    first = CatsTransformer(dataclasses.replace(CONFIG, tokens_in=1), model.split).double()
    first.load_state_dict(model.state_dict())
    torch.testing.assert_close(first(one[:, :1], dense), runs[0][:, :1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kv_heads": 4}, "6 heads cannot share 4 key/value heads evenly"),
        ({"kv_heads": 7}, "kv_heads is 7: a whole number, 0 to the 6 heads"),
        ({"parallel_blocks": True, "pool": "last"}, "of the Llama family: norm 'rms', "),
        ({"parallel_blocks": True, "bias": True}, "of the Llama family: norm 'rms', "),
        ({"parallel_blocks": True, "hidden": 4080}, "24 features and 4080 hidden columns: "),
        ({"features": 18}, "rotary positions turn pairs: heads of 3 columns"),
        ({"rotary_base": 0.0}, "rotary_base is 0.0: more than 0"),
        ({"outputs": 12}, "as many outputs as inputs"),
        ({"norm": "batch"}, "norm is 'batch': one of layer, rms"),
        ({"feed_forward": "moe"}, "feed_forward is 'moe': one of plain, gated"),
        ({"inputs": 65537, "outputs": 65537}, "inputs is 65537: at most 65536"),
        ({"inputs": 4097, "vocabulary": False, "tied": False}, "inputs is 4097: at most 4096"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(change, reason):
    with pytest.raises(CatsError, match=reason):
        dataclasses.replace(CONFIG, **change).check()


def test_what_has_no_integers_yet_is_refused_by_name():
    plain = ModelConfig(4, 3, 2)
    plain.check_integers()
    assert set(to_json(plain)) & set(to_json(CONFIG)) == set(to_json(plain))
    assert not {"norm", "tied", "vocabulary"} & set(to_json(plain))  # as files of before
    model = llama(2)
    keep = full_keep(CONFIG, model.split)
    for refused in (
        lambda: make_plan(CONFIG, model.split, keep),
        lambda: scales_for(model, CONFIG, torch.zeros(1, 6, 11)),
        lambda: Rounded(CONFIG, None),
    ):
        with pytest.raises(CatsError, match="no integers yet for RMS norms, rotary positions, "):
            refused()
    for change in ({"norm": "layer"}, {"bias": True}, {"kv_heads": 0}):
        assert not dataclasses.replace(CONFIG, **change).has_integers
