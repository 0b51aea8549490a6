# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The PyTorch model: an ordinary transformer on one node; the fast path equals its definition."""

import dataclasses
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bench import training as bench
from cats.errors import CatsError
from cats.nn.forward_pass import ForwardPass
from cats.nn.masked_product import worth_masking
from cats.nn.message_dropout import Heard, MessageDropout
from cats.nn.model import CatsTransformer
from cats.shape.config import (
    ACTIVATIONS,
    FEED_FORWARDS,
    NORMS,
    POOLS,
    POSITIONS,
    ModelConfig,
    SplitConfig,
)
from cats.shape.partition import (
    Kind,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)


def _config(**change):
    base = ModelConfig(
        tokens_in=5, inputs=3, outputs=7, features=12, heads=4, hidden=10, blocks=2, pool="all"
    )
    return dataclasses.replace(base, **change)


def _model(config, nodes=4, keep=None, input_split="single", seed=0):
    torch.manual_seed(seed)
    model = CatsTransformer(config, SplitConfig.even(config, nodes, input_split), keep).double()
    for parameter in model.parameters():  # so that gains are not 1 and biases not 0
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


def _half(config, split):
    return [
        [c if gather_kind(config, g)[0] in (Kind.INPUT, Kind.RESULT) else c[::2] for c in sources]
        for g, sources in enumerate(full_keep(config, split))
    ]


def _input(config, batch=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, config.tokens_in, config.inputs)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def _dense(losses, batch):
    return [h.dense(batch) if isinstance(h, Heard) else h for h in losses]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("nodes", [1, 4])
def test_equals_torch_encoder_layers(activation, causal, nodes):
    """One node, or four that send and hear everything, are an ordinary pre-norm transformer."""
    config = _config(activation=activation, causal=causal)
    model = _model(config, nodes)
    x = _input(config)
    expected = model.embed(x) + model.position
    mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(
            12, 4, 10, 0.0, activation, batch_first=True, norm_first=True, dtype=torch.float64
        ).eval()
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": block.qkv.weight,
                "self_attn.in_proj_bias": block.qkv.bias,
                "self_attn.out_proj.weight": block.out.weight,
                "self_attn.out_proj.bias": block.out.bias,
                "linear1.weight": block.up.weight,
                "linear1.bias": block.up.bias,
                "linear2.weight": block.down.weight,
                "linear2.bias": block.down.bias,
                "norm1.weight": block.norm1.weight,
                "norm1.bias": block.norm1.bias,
                "norm2.weight": block.norm2.weight,
                "norm2.bias": block.norm2.bias,
            }
        )
        expected = layer(expected, src_mask=mask if causal else None, is_causal=causal)
    expected = model.head(model.norm(expected))
    torch.testing.assert_close(model(x), expected, rtol=1e-9, atol=1e-9)


def test_state_dict_names_are_the_documented_ones():
    model = CatsTransformer(_config(pool="class", blocks=1), SplitConfig.even(_config(), 2))
    parts = ["norm1", "qkv", "out", "norm2", "up", "down"]
    modules = ["embed", *(f"blocks.0.{part}" for part in parts), "norm", "head"]
    names = [f"{module}.{kind}" for module in modules for kind in ("weight", "bias")]
    assert sorted(model.state_dict()) == sorted([*names, "position", "class_token"])


@pytest.mark.parametrize("pool", ["class", "last", "mean", "mean_of_norm"])
def test_pool_reads_the_rows_it_names(pool):
    """Computing one row in the last block equals computing all of them and reading that one."""
    config = _config(pool=pool, causal=pool == "last")
    model = _model(config)
    x = _input(config)
    out = model(x)
    assert out.shape == (4, 1, 7)
    if pool == "last":
        wide = CatsTransformer(dataclasses.replace(config, pool="all"), model.split).double().eval()
        wide.load_state_dict(model.state_dict())
        torch.testing.assert_close(out, wide(x)[:, -1:], rtol=1e-10, atol=1e-10)
    elif pool.startswith("mean"):
        seen = []
        model(x, observe=lambda name, t: seen.append(t) if name == "residual" else None)
        if pool == "mean":
            expected = model.head(model.norm(seen[-1].mean(1, keepdim=True)))
        else:
            expected = model.head(model.norm(seen[-1]).mean(1, keepdim=True))
        torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
    else:
        rows = []
        model(x, observe=lambda name, t: rows.append(t) if name == "residual" else None)
        assert rows[0].shape == (4, 6, 12) and rows[-1].shape == (4, 1, 12)
        start = (model.class_token + model.position[0]).expand(4, -1)
        torch.testing.assert_close(rows[0][:, 0], start)
        config = dataclasses.replace(config, pool="all", tokens_in=6, inputs=12)
        wide = CatsTransformer(config, SplitConfig.even(config, 4)).double()
        state = {k: v for k, v in model.state_dict().items() if k != "class_token"}
        state |= {
            "embed.weight": torch.eye(12, dtype=torch.float64),
            "embed.bias": torch.zeros(12, dtype=torch.float64),
            "position": torch.zeros(6, 12, dtype=torch.float64),
        }
        wide.load_state_dict(state)
        torch.testing.assert_close(out, wide.eval()(rows[0])[:, :1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pool", ["class", "last", "mean", "mean_of_norm"])
def test_a_linear_path_is_added_whatever_is_lost(pool):
    config = _config(pool=pool, linear=True)
    split = SplitConfig.even(config, 4, output_split="single")
    torch.manual_seed(0)
    model = CatsTransformer(config, split).double()
    x = _input(config)
    losses = MessageDropout(config, split, model.keep, (1.0, 1.0)).draw(4)
    plain = CatsTransformer(dataclasses.replace(config, linear=False), split).double()
    missing = plain.load_state_dict(model.state_dict(), strict=False).unexpected_keys
    assert missing == ["linear.weight", "linear.bias"]
    torch.testing.assert_close(model(x), plain(x), rtol=0, atol=0)  # it starts at zero
    nn.init.normal_(model.linear.weight)
    nn.init.normal_(model.linear.bias)
    direct = x.reshape(4, 1, 15) @ model.linear.weight.T + model.linear.bias
    for lost in (None, losses):
        torch.testing.assert_close(model(x, lost), plain(x, lost) + direct)


@pytest.mark.parametrize(
    ("change", "split", "reason"),
    [
        ({"pool": "all"}, {}, "one output row: use pool 'last'"),
        ({"tokens_in": 1000, "inputs": 5}, {}, "1000 x 5 inputs: at most 4096"),
        ({}, {"output_split": "even"}, "output split 'single'"),
        ({}, {"input_split": "channels"}, "input split 'single'"),
    ],
)
def test_a_linear_path_that_cannot_be_is_refused(change, split, reason):
    config = _config(**{"pool": "last", "linear": True, **change})
    with pytest.raises(CatsError, match=reason):
        CatsTransformer(config, SplitConfig.even(config, 3, **{"output_split": "single", **split}))


@st.composite
def _cases(draw):
    nodes = draw(st.integers(1, 6))
    width = draw(st.integers(1, 3))
    heads = draw(st.lists(st.integers(1, 2), min_size=nodes, max_size=nodes))
    hidden = draw(st.lists(st.integers(1, 4), min_size=nodes, max_size=nodes))
    outputs = draw(st.lists(st.integers(0, 2), min_size=nodes, max_size=nodes))
    inputs = draw(st.lists(st.integers(0, 2), min_size=nodes, max_size=nodes))
    outputs[-1] += not sum(outputs)
    inputs[0] += not sum(inputs)
    pool = draw(st.sampled_from(POOLS))
    position = draw(st.sampled_from(POSITIONS)) if width % 2 == 0 else "learned"
    sharing = [n for n in range(1, sum(heads) + 1) if sum(heads) % n == 0]
    config = ModelConfig(
        tokens_in=draw(st.integers(1, 5)),
        inputs=sum(inputs),
        outputs=sum(outputs),
        features=width * sum(heads),
        heads=sum(heads),
        hidden=sum(hidden),
        blocks=draw(st.integers(1, 2)),
        causal=pool != "class" and draw(st.booleans()),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        pool=pool,
        norm=draw(st.sampled_from(NORMS)),
        position=position,
        feed_forward=draw(st.sampled_from(FEED_FORWARDS)),
        kv_heads=draw(st.sampled_from([0, *sharing])),
        bias=draw(st.booleans()),
    )
    split = SplitConfig(tuple(heads), tuple(hidden), tuple(outputs), tuple(inputs))
    keep = [
        [
            columns
            if gather_kind(config, g)[0] in (Kind.INPUT, Kind.RESULT)
            else tuple(sorted(draw(st.sets(st.sampled_from(columns), min_size=1))))
            for columns in sources
        ]
        for g, sources in enumerate(full_keep(config, split))
    ]
    dropout = MessageDropout(
        config,
        split,
        keep,
        (0.0, draw(st.sampled_from([0.3, 1.0]))),
        granularity=draw(st.sampled_from(["message", "packet"])),
        patterns=draw(st.integers(1, 4)),
        payload=draw(st.integers(2, 20)),
        tile_rows=draw(st.sampled_from([None, 1, 2, 3])),
    )
    return config, split, keep, dropout, draw(st.integers(0, 999))


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_masked_weights_equal_the_definition(case):
    """Output and every gradient of the fast path equal those of the step-by-step path."""
    config, split, keep, dropout, seed = case
    torch.manual_seed(seed)
    model = CatsTransformer(config, split, keep).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = _input(config, 4, seed)
    losses = dropout.draw(4, torch.Generator().manual_seed(seed))
    results = []
    for given_losses in (losses, _dense(losses, 4)):
        model.zero_grad()
        leaf = x.clone().requires_grad_()
        with mock.patch.object(ForwardPass, "masks", return_value=True):
            out = model(leaf, given_losses)
        out.square().sum().backward()
        gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        results.append([out, leaf.grad, *gradients])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-7, atol=1e-7)


def test_as_many_columns_as_nodes_need_not_be_one_each():
    config = _config(outputs=4)
    split = dataclasses.replace(SplitConfig.even(config, 4), outputs=(2, 0, 1, 1))
    torch.manual_seed(0)
    model = CatsTransformer(config, split).double().eval()
    x, dropout = _input(config), MessageDropout(config, split, model.keep, (0.5, 0.5))
    losses = dropout.draw(4, torch.Generator().manual_seed(0))
    with mock.patch.object(ForwardPass, "masks", return_value=True):
        torch.testing.assert_close(model(x, losses), model(x, _dense(losses, 4)))


def test_losses_of_each_sample_own_take_the_cheaper_path():
    """Many patterns of many row blocks are computed by views, with the same result."""
    config = _config(tokens_in=12)
    model = _model(config)
    dropout = MessageDropout(config, model.split, model.keep, (0.4, 0.4), patterns=8, tile_rows=1)
    losses = dropout.draw(8, torch.Generator().manual_seed(0))
    x = _input(config, 8)
    results = []
    for many in (False, True):
        with mock.patch.object(ForwardPass, "masks", return_value=not many):
            results.append(model(x, losses))
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)
    wide = dropout.draw(8, torch.Generator().manual_seed(0))[1]
    assert not worth_masking(wide, x, model.reader_ATTENTION)
    few = Heard(wide.columns[:1], wide.bounds)
    assert worth_masking(few, x, model.reader_ATTENTION)


def test_float32_norm_survives_a_large_common_offset():
    """The closed form of the variance does not cancel where a row's mean dwarfs its deviation."""
    config = _config(pool="last")
    model = _model(config)
    with torch.no_grad():
        model.position += 300.0
    losses = MessageDropout(config, model.split, model.keep, (0.5, 0.5)).draw(
        4, torch.Generator().manual_seed(2)
    )
    x = _input(config)
    exact = model(x, losses)
    single = model.float()(x.float(), losses)
    assert torch.isfinite(single).all()
    torch.testing.assert_close(single.double(), exact, rtol=5e-3, atol=5e-3)


def test_node_that_hears_nobody_uses_its_own_columns_only():
    """Node 2 alone in one gather: its outputs equal a product with its own columns."""
    config = _config()
    model = _model(config)
    seen = {}
    model(_input(config), observe=seen.__setitem__)
    losses = [None] * gather_count(config)
    heard = torch.ones(1, 5, 4, 12, dtype=torch.bool)
    heard[:, :, 2] = False
    losses[3] = heard
    got = {}
    model(_input(config), losses, got.__setitem__)
    own = seen["gather3"][..., 6:9]
    normed = torch.nn.functional.layer_norm(own, (3,), eps=config.norm_eps)
    normed = normed * model.blocks[0].norm2.weight[6:9] + model.blocks[0].norm2.bias[6:9]
    up = model.blocks[0].up
    begin, end = own_ranges(config, model.split, Kind.HIDDEN)[2]
    expected = normed @ up.weight[begin:end, 6:9].T + up.bias[begin:end]
    torch.testing.assert_close(got["up0"][..., begin:end], expected)
    assert (got["norm3"][:, :, 2, :6] == 0).all() and (got["norm3"][:, :, 2, 9:] == 0).all()
    others = [c for c in range(10) if not begin <= c < end]
    torch.testing.assert_close(got["up0"][..., others], seen["up0"][..., others])


def test_pruned_columns_never_reach_other_nodes():
    config = _config()
    split = SplitConfig.even(config, 4)
    model = _model(config, keep=_half(config, split))
    x = _input(config)
    before = model(x)
    with torch.no_grad():  # column 1 of gather 1 is pruned: only node 0 may read it
        model.blocks[0].qkv.weight[:, 1][~model.reader_ATTENTION[0].bool()] += 5.0
    assert torch.equal(model(x), before)
    with torch.no_grad():
        model.blocks[0].qkv.weight[0, 1] += 5.0
    assert not torch.allclose(model(x), before)


def test_result_losses_do_not_change_the_value():
    config = _config()
    model = _model(config)
    losses = [None] * gather_count(config)
    losses[-1] = Heard(torch.zeros(1, 1, 4, 7, dtype=torch.bool), (0, 5))
    assert torch.equal(model(_input(config), losses), model(_input(config)))


def test_observer_sees_every_documented_name():
    config = _config(pool="mean")
    seen = {}
    _model(config)(_input(config), observe=seen.__setitem__)
    expected = {"input", "residual", "output"}
    expected |= {f"gather{g}" for g in range(gather_count(config) - 1)}
    expected |= {f"norm{g}" for g in (1, 3, 5, 7, 9)}
    expected |= {f"{name}{b}" for name in ("q", "k", "v", "up") for b in range(2)}
    assert set(seen) == expected
    for g in range(gather_count(config) - 1):
        rows = gather_rows(config, g)[1]
        assert seen[f"gather{g}"].shape == (
            4,
            rows,
            gather_width(config, gather_kind(config, g)[0]),
        )
    assert seen["norm1"].shape == (4, 5, 4, 12)
    assert seen["q1"].shape == (4, 4, 5, 3)


def test_wrong_shapes_are_refused():
    config = _config()
    model = _model(config)
    with pytest.raises(CatsError, match=r"takes \[batch, 5, 3\]"):
        model(torch.zeros(2, 3, 5, dtype=torch.float64))
    with pytest.raises(CatsError, match="losses of 3 gathers"):
        model(_input(config), [None] * 3)
    with pytest.raises(CatsError, match="keep sets"):
        model.set_keep([])


def test_benchmark_compares_like_with_like():
    """Plain and CATS steps have equally many parameters, and every step runs."""
    config = _config(causal=True)
    plain = bench.PlainTransformer(config, 0.1)
    ours = CatsTransformer(config, SplitConfig.even(config, 4))
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in ours.parameters())
    state = ours.state_dict()
    x = torch.randn(2, 5, 3)
    with torch.no_grad():
        for block, layer in zip(range(2), plain.layers.layers, strict=True):
            layer.self_attn.in_proj_weight.copy_(state[f"blocks.{block}.qkv.weight"])
            layer.self_attn.in_proj_bias.copy_(state[f"blocks.{block}.qkv.bias"])
            for name, module in (
                ("out", layer.self_attn.out_proj),
                ("up", layer.linear1),
                ("down", layer.linear2),
            ):
                module.weight.copy_(state[f"blocks.{block}.{name}.weight"])
                module.bias.copy_(state[f"blocks.{block}.{name}.bias"])
        plain.position.copy_(state["position"])
        plain.embed.load_state_dict(ours.embed.state_dict())
        plain.head.load_state_dict(ours.head.state_dict())
    torch.testing.assert_close(plain.eval()(x), ours.eval()(x), rtol=1e-4, atol=1e-5)
    steps = bench.build(config, 2, 0.5, 4, 2, naive=True)
    figures = bench.measure(steps, repeats=2, warmup=1)
    names = ["plain", "nothing lost", "message", "message" + bench.SLOW, "packet"]
    names += ["packet, links, hops: 1", "packet, links, hops: 3"]
    assert list(figures) == names
    assert figures["plain"]["over_plain"] == 1 and figures["packet"]["least_ms"] > 0
