# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Stems at the nodes that hold inputs: what INPUT then carries, in floats and in integers."""

import dataclasses

import numpy as np
import pytest
import torch

from cats.errors import CatsError
from cats.integer import model as integer
from cats.integer.reference import run_batch
from cats.nn.deal import deal
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.to_integer import quantize
from cats.plan.predict import parameters
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import Kind, full_keep, input_ranges, own_ranges

CONFIG = ModelConfig(
    tokens_in=5, inputs=12, outputs=4, features=16, heads=8, hidden=16, blocks=1, pool="class",
    embed="stem", embed_hidden=10,
)  # fmt: skip
SINGLE = SplitConfig.even(CONFIG, 4, "single", "single")
#: Node 3 has no input.
SPREAD = dataclasses.replace(SINGLE, inputs=(3, 5, 4, 0))


def made(split, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CatsTransformer(CONFIG, split).eval()
        with torch.no_grad():
            for value in model.parameters():
                value.add_(0.1 * torch.randn_like(value))
    return model


def samples(count=40):
    return torch.randn(count, 5, 12, generator=torch.Generator().manual_seed(3))


def seen(model, x, losses=None):
    found = {}
    with torch.no_grad():
        model(x, losses, observe=lambda name, tensor: found.setdefault(name, tensor))
    return found


@pytest.mark.parametrize(
    ("split", "columns"),
    [(SINGLE, (10, 0, 0, 0)), (SPREAD, (3, 4, 3, 0))],
    ids=["single", "spread"],
)
def test_what_is_sent(split, columns):
    """ReLU of a linear map of the node's own inputs; all of it, and nothing else."""
    model, x = made(split), samples()
    found = seen(model, x)
    begin = 0
    sources = own_ranges(CONFIG, split, Kind.INPUT)
    for count, (sent, end), (low, high) in zip(columns, sources, input_ranges(split), strict=True):
        assert (sent, end) == (begin, begin + count)
        weight, bias = model.stem.weight[sent:end, low:high], model.stem.bias[sent:end]
        wanted = torch.relu(x[..., low:high] @ weight.T + bias)
        torch.testing.assert_close(found["gather0"][..., sent:end], wanted)
        begin = end
    assert [len(source) for source in full_keep(CONFIG, split)[0]] == list(columns)
    assert begin == CONFIG.embed_hidden


def test_losing_it():
    """A node that heard nothing embeds its own columns alone."""
    model, x = made(SPREAD), samples(8)
    losses = MessageDropout(CONFIG, SPREAD, model.keep, (1.0, 1.0)).draw(8)
    residual = seen(model, x, losses)["residual"]
    for d, (begin, end) in enumerate(own_ranges(CONFIG, SPREAD, Kind.INPUT)):
        mine = slice(2 * d * 2, 2 * (d + 1) * 2)
        sent = seen(model, x)["gather0"][..., begin:end]
        wanted = sent @ model.embed.weight[mine, begin:end].T + model.embed.bias[mine]
        torch.testing.assert_close(residual[:, 1:, mine], wanted + model.position[1:, mine])


@pytest.mark.parametrize("split", [SINGLE, SPREAD], ids=["single", "spread"])
def test_integers_follow(split, tmp_path):
    """Near the float model, saved and read again, and of as many parameters as are counted."""
    model, x = made(split), samples(200)
    ours = quantize(model, x)
    integer.save(ours, tmp_path)
    again = integer.load(tmp_path)
    given = np.clip(np.rint(x.numpy() / ours.input_scale), -128, 127).astype(np.int8)
    got = run_batch(again, given)
    assert (got == run_batch(ours, given)).all()
    with torch.no_grad():
        wanted = model(x).numpy()
    error = got[:, 0] * ours.output_scale - wanted
    assert np.abs(error).mean() < 0.06 * np.abs(wanted).mean()
    values = dict(model.named_parameters())
    unused = int((~model.stem_blocks).sum())
    assert parameters(CONFIG, split) == sum(v.numel() for v in values.values()) - unused
    if split is SPREAD:
        stem = dataclasses.replace(ours.stem, weight=np.ones_like(ours.stem.weight))
        with pytest.raises(CatsError, match="stem reads another's inputs"):
            integer.check_integer(dataclasses.replace(ours, stem=stem))


def test_over_other_nodes():
    """Where node 0 has all inputs any number of nodes is the same; else only whole nodes."""
    model, x = made(SINGLE), samples()
    for split in (SplitConfig.even(CONFIG, 1), SplitConfig.even(CONFIG, 8)):
        dealt, changed = deal(model, split)
        assert not changed
        torch.testing.assert_close(dealt(x), model(x))
    spread = made(SPREAD)
    dealt, _ = deal(spread, SplitConfig.even(CONFIG, 1))
    torch.testing.assert_close(dealt(x), spread(x))
    with pytest.raises(CatsError, match="reads its own inputs alone"):
        deal(spread, SplitConfig.even(CONFIG, 8, "channels"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"embed_hidden": 0}, "a stem without columns"),
        ({"embed_hidden": 4097}, "0 to 4096"),
        ({"linear": True}, "a linear path reads inputs"),
        ({"embed": "full"}, "use embed 'own' or 'stem'"),
    ],
)
def test_refused(change, said):
    with pytest.raises(CatsError, match=said):
        dataclasses.replace(CONFIG, **change).check()
