# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Integers of language models beside their float: how far they are, what they write."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cats.errors import CatsError
from cats.integer.llama import run_batch
from cats.integer.llama_quantize import four_bit_names
from cats.nn.deal import deal
from cats.nn.model import CatsTransformer
from cats.nn.to_integer import quantize_text
from cats.shape.config import ModelConfig, SplitConfig
from cats.training.generate import generate
from cats.training.text_integers import (
    compare,
    four_bit_share,
    generate_integers,
    integers_of,
    mixed,
    written,
)
from command_line import status

STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K.bin"
CONFIG = ModelConfig(
    tokens_in=16, inputs=23, outputs=23, features=32, heads=4, hidden=40, blocks=2, causal=True,
    activation="silu", pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=2,
    bias=False, tied=True, vocabulary=True,
)  # fmt: skip


def llama(nodes=1, **change):
    config = dataclasses.replace(CONFIG, **change)
    torch.manual_seed(0)
    model = CatsTransformer(config, SplitConfig.even(config, nodes)).eval()
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("change", [{}, {"tied": False}, {"activation": "gelu", "kv_heads": 4},
                                    {"parallel_blocks": True}])  # fmt: skip
@pytest.mark.parametrize("wide", [False, True])
def test_integers_are_near_the_float_model(change, wide):
    model = llama(**change)
    integers = quantize_text(model, written(model, 128, 16, 1), wide_keys=wide)
    found = compare(model, integers, written(model, 8, 16, 2))
    assert found["tokens"] == 128
    assert 0 < found["kl"] < 0.004
    assert found["same"] > 0.9
    assert abs(found["int8"] - found["float"]) < 0.02


@pytest.mark.parametrize("parallel", [False, True])
def test_nodes_give_the_bits_of_one(parallel):
    model = llama(tied=False, parallel_blocks=parallel)
    text = written(model, 6, 16, 1)
    whole = quantize_text(model, text)
    one = run_batch(whole, text.numpy())
    for nodes in (2, 3, 4):  # of 3 and 4 some share a key/value head
        split = SplitConfig.even(model.config, nodes)
        dealt = quantize_text(deal(model, split)[0], text)
        # Scales are of floats' sums, whose order is another one here: those of one node.
        blocks = [
            dataclasses.replace(block, down=dataclasses.replace(block.down, weight=own.down.weight))
            for block, own in zip(whole.blocks, dealt.blocks, strict=True)
        ]
        many = dataclasses.replace(whole, split=split, keep=dealt.keep, blocks=blocks)
        assert (run_batch(many, text.numpy()) == one[:, :1]).all()


def test_text_begins_as_told_and_is_the_models_own():
    model = llama()
    text = written(model, 3, 16, 5, begin=4)
    assert text.shape == (3, 16)
    assert (text[:, 0] == 4).all()
    assert (written(model, 3, 16, 5, begin=4) == text).all()
    assert (written(model, 3, 16, 6, begin=4) != text).any()
    assert (written(model, 40, 1, 0) != 4).any()
    with pytest.raises(CatsError, match="window of 16"):
        written(model, 1, 17, 0)


def test_generate_in_integers_ends_where_the_float_model_does():
    model = llama()
    integers = integers_of(model)
    tokens = list(generate_integers(integers, [3, 1], 9))
    assert tokens == list(generate(model, [3, 1], 9, temperature=0))
    end = tokens[3]
    first = tokens.index(end)
    assert list(generate_integers(integers, [3, 1], 9, ends=(end,))) == tokens[:first]
    with pytest.raises(CatsError, match="no tokens"):
        next(generate_integers(integers, [], 9))


def test_only_the_family_has_them():
    model = llama(norm="layer", position="learned")
    with pytest.raises(CatsError, match="RMS norms, rotary positions"):
        integers_of(model)


@pytest.mark.skipif(not STORIES.exists(), reason="stories260K is not there")
def test_stories260k(tmp_path, capsys):
    """At most 0.010 nats a token from float, the same first choice in at least 95 %."""
    run, found = tmp_path / "r", tmp_path / "found.json"
    tokenizer = STORIES.with_name("tok512.bin")
    assert status("import", "llama2c", STORIES, "--tokenizer", tokenizer, "-o", run) == 0
    assert status("evaluate", run, "--written", "1024", "--json", found) == 0
    assert "1,024 tokens that the float model wrote" in capsys.readouterr().out
    told = json.loads(found.read_text())
    assert told["kl"] <= 0.010
    assert told["same"] >= 0.95
    words = ["generate", run, "--integer", "--temperature", "0", "--steps", "40"]
    assert status(*words) == 0
    text = capsys.readouterr().out
    assert text.startswith("Once upon a time, there was a little girl named Lily.")
    drawn = []
    for seed in ("1", "1", "2"):
        assert status(*words[:3], "--steps", "40", "--top-k", "40", "--seed", seed) == 0
        drawn.append(capsys.readouterr().out)
    assert drawn[0] == drawn[1] != drawn[2]


def test_four_bits_where_they_cost_least():
    model = llama()
    exact = compare(model, integers_of(model), written(model, 8, 16, 3))["kl"]
    found, costs = {}, {}
    for most in (0.02, 10):
        integers, chosen = mixed(model, most)
        found[most] = four_bit_share(integers), chosen
        costs[most] = compare(model, integers, written(model, 8, 16, 3))["kl"]
    assert 0 < len(found[0.02][1]) < len(four_bit_names(model.config)) == 8
    assert found[10][1] == four_bit_names(model.config)
    assert found[10][0] == 1 - 23 * 32 / sum(
        p.numel() for name, p in model.named_parameters() if "norm" not in name
    )
    assert exact < costs[0.02] < 0.03
    assert costs[0.02] < costs[10]
    with pytest.raises(CatsError, match="allow more"):
        mixed(model, 1e-6)


def test_four_bits_are_of_whole_rows():
    model = llama(2)
    keep = [list(sources) for sources in model.keep]
    keep[1][0] = keep[1][0][1:]
    model.set_keep(keep)
    with pytest.raises(CatsError, match="whole rows"):
        integers_of(model, in_four_bits=["blocks.0.up"])
    with pytest.raises(CatsError, match=r"no product blocks\.7\.up"):
        integers_of(model, in_four_bits=["blocks.7.up"])
    found = compare(model, integers_of(model), written(model, 8, 16, 3))
    assert found["kl"] < 0.01  # eight bits do not mind


def test_calibration_is_the_same_each_time():
    one, two = integers_of(llama()), integers_of(llama())
    assert np.array_equal(one.rows, two.rows)
    for a, b in zip(one.blocks, two.blocks, strict=True):
        assert np.array_equal(a.qkv.weight, b.qkv.weight)
        assert a.norm1.send_multiplier == b.norm1.send_multiplier
