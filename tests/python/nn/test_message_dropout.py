# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Message dropout: the right rate in every mode, in the units that the air loses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.nn import message_dropout
from cats.nn.message_dropout import MODES, MessageDropout, default_tile_rows, parse_probability
from cats.nn.model import dropout as ordinary
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.flooding import delivery
from cats.shape.partition import Kind, fragmenting, full_keep, gather_kind, gather_rows, own_ranges

CONFIG = ModelConfig(tokens_in=9, inputs=4, outputs=6, features=16, heads=4, hidden=20, blocks=1)
SPLIT = SplitConfig.even(CONFIG, 4)
KEEP = full_keep(CONFIG, SPLIT)


def _draw(batch=4, seed=0, probability=(0.3, 0.3), **options):
    dropout = MessageDropout(CONFIG, SPLIT, KEEP, probability, **options)
    return dropout.draw(batch, torch.Generator().manual_seed(seed))


def _links(heard, g):
    """bool [P, T, D, D]: what receiver d heard of the first and of the last column of source s."""
    ranges = own_ranges(CONFIG, SPLIT, gather_kind(CONFIG, g)[0])
    first = torch.stack([heard.columns[..., b] for b, _ in ranges], -1)
    last = torch.stack([heard.columns[..., e - 1] for _, e in ranges], -1)
    return first, last


@pytest.mark.parametrize("granularity", ["message", "packet"])
@pytest.mark.parametrize("modes", [*((m,) for m in MODES), MODES])
def test_every_mode_loses_at_the_asked_rate(granularity, modes):
    losses = _draw(2000, patterns=2000, granularity=granularity, modes=modes, payload=8)
    for g in range(1, len(losses)):
        rate = 1 - losses[g].columns.float().mean().item()
        assert abs(rate - 0.3) < 0.03, f"gather {g} loses {rate}"


def test_probability_range_is_drawn_for_each_batch():
    dropout = MessageDropout(CONFIG, SPLIT, KEEP, (0.1, 0.9), "message", ("links",), patterns=200)
    generator = torch.Generator().manual_seed(0)
    rates = [1 - dropout.draw(200, generator)[1].columns.float().mean().item() for _ in range(40)]
    assert min(rates) < 0.25 and max(rates) > 0.75 and abs(sum(rates) / 40 - 0.5) < 0.12
    assert all(0.05 < rate < 0.95 for rate in rates)


def test_message_is_lost_whole():
    for g, heard in enumerate(_draw(64, patterns=64, granularity="message")[1:], 1):
        first, last = _links(heard, g)
        assert heard.bounds == (0, gather_rows(CONFIG, g)[1])
        assert torch.equal(first, last)


def test_modes_lose_together_what_they_say():
    deaf, _ = _links(_draw(64, patterns=64, granularity="message", modes=("receiver",))[1], 1)
    assert (deaf == deaf[..., :1]).all() and not deaf.all() and deaf.any()
    mute, _ = _links(_draw(64, patterns=64, granularity="message", modes=("source",))[1], 1)
    assert (mute == mute[:, :, :1]).all() and not mute.all() and mute.any()
    links, _ = _links(_draw(64, patterns=64, granularity="message", modes=("links",))[1], 1)
    assert (links != links[..., :1]).any() and (links != links[:, :, :1]).any()


@settings(max_examples=40, deadline=None)
@given(
    payload=st.integers(2, 40),
    tile_rows=st.sampled_from([None, 1, 2, 4, 9]),
    ratio=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 99),
)
def test_packets_are_the_exporters_fragments(payload, tile_rows, ratio, seed):
    """Each fragment of shape.partition is lost as a whole, and different ones are lost apart."""
    keep = [
        [c if gather_kind(CONFIG, g)[0] in (Kind.INPUT, Kind.RESULT) else c[::ratio] for c in s]
        for g, s in enumerate(KEEP)
    ]
    dropout = MessageDropout(
        CONFIG, SPLIT, keep, (0.5, 0.5), "packet", ("links",), 200, payload, tile_rows
    )
    losses = dropout.draw(200, torch.Generator().manual_seed(seed))
    for g, heard in enumerate(losses):
        element = 2 if gather_kind(CONFIG, g)[0] == Kind.RESULT else 1
        rows = gather_rows(CONFIG, g)[1]
        widths = [len(columns) * element for columns in keep[g]]
        height = tile_rows or default_tile_rows(widths, rows, payload)
        dense = heard.dense(200)
        assert dense.shape[1] == rows
        fates = []
        for top in range(0, rows, height):
            tile = min(height, rows - top)
            for s, width in enumerate(widths):
                cut = fragmenting(width, tile, payload, element)
                for f in range(cut.fragments(tile)):
                    first, last, begin, end = cut.region(f, tile)
                    columns = list(keep[g][s][begin // element : end // element])
                    fate = dense[:, top + first : top + last][..., columns].flatten(3)
                    assert (fate == fate[:, :1, :, :1]).all()
                    fates.append(fate[:, 0, :, 0])
        for i, one in enumerate(fates):
            assert not any(torch.equal(one, other) for other in fates[:i])


def test_packet_modes_act_tile_by_tile():
    losses = _draw(200, patterns=200, modes=("source",), payload=8, tile_rows=3)
    heard = losses[1].dense(200)  # [200, 9, D, 16]
    tiles = heard.unflatten(1, (3, 3))
    assert (tiles == tiles[:, :, :1]).all()
    assert (tiles[:, 0] != tiles[:, 1]).any()


def test_samples_share_patterns_in_order():
    heard = _draw(12, patterns=5, granularity="message")[1]
    assert heard.columns.shape[0] == 4  # the largest number up to 5 that divides 12
    dense = heard.dense(12)
    assert torch.equal(dense[0:12:3], dense[2:12:3])
    assert torch.equal(dense[0:12:3, :1], heard.columns)


#: Who hears whom of four nodes; from 0 to 3 there are two ways, of two and of three links.
LINKS = [[1, 0.8, 0.3, 0], [0.5, 1, 0.6, 0.2], [0.4, 0, 1, 0.9], [0, 0.7, 1, 1]]


@pytest.mark.parametrize("granularity", ["message", "packet"])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_losses_of_links_are_those_of_floods(granularity, hops, monkeypatch):
    """Of each source at each receiver, and of two receivers at a time, in every gather; also where
    they are drawn in parts."""
    monkeypatch.setattr(message_dropout, "MOST_DRAWS", 5000)
    losses = _draw(
        4000, probability=(0.1, 0.1), patterns=4000, granularity=granularity, payload=8,
        links=LINKS, hops=hops,
    )  # fmt: skip
    wanted = delivery(0.9 * np.array(LINKS), hops)
    for g in (1, 2, 4):
        first, last = _links(losses[g], g)  # [P, T, receiver, source]
        for heard in (first, last):
            heard = heard[:, -1].transpose(1, 2).double().numpy()  # [P, source, receiver]
            both = np.einsum("psr,psq->srq", heard, heard) / len(heard)
            assert both == pytest.approx(wanted.both, abs=0.04)
        assert granularity == "packet" or torch.equal(first, last)


def test_links_that_lose_nothing_and_that_lose_all():
    clean = _draw(8, probability=(0, 0), links=np.ones((4, 4)))
    assert all(heard.columns.all() for heard in clean)
    line = np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)
    for hops in (1, 2, 3):
        first, _ = _links(_draw(8, probability=(0, 0), links=line, hops=hops)[1], 1)
        near = np.abs(np.arange(4)[:, None] - np.arange(4)) <= hops
        assert (first.numpy() == near).all()


def test_links_spread_over_rows_and_columns_as_other_losses():
    """What Heard says of each packet's rows and columns is the same for floods and for links that
    are alike: one packet, one fate."""
    heard = _draw(200, probability=(0, 0), patterns=200, payload=8, links=LINKS, hops=2)[1]
    alike = _draw(200, modes=("links",), patterns=200, payload=8)[1]
    assert heard.columns.shape == alike.columns.shape and heard.bounds == alike.bounds
    pairs = [(b, b + 1) for begin, end in own_ranges(CONFIG, SPLIT, Kind.ATTENTION)
             for b in range(begin, end - 1)]  # fmt: skip
    same = [[(h.columns[..., a] == h.columns[..., b]).all().item() for a, b in pairs]
            for h in (heard, alike)]  # fmt: skip
    assert same[0] == same[1]


def test_same_seed_same_losses():
    first, again, other = ([h.columns for h in _draw(seed=seed)] for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_nothing_to_lose():
    assert _draw(probability=(0.0, 0.0)) == [None] * len(KEEP)
    single = SplitConfig.even(CONFIG, 1)
    dropout = MessageDropout(CONFIG, single, full_keep(CONFIG, single), (0.5, 0.5))
    assert dropout.draw(4) == [None] * len(KEEP)


def test_options_are_checked():
    for options in (
        {"granularity": "bit"},
        {"modes": ()},
        {"modes": ("storm",)},
        {"patterns": 0},
        {"tile_rows": [1, 2]},
        {"payload": 1},
        {"links": np.ones((3, 3))},
        {"links": LINKS, "hops": 0},
        {"hops": 2},
    ):
        with pytest.raises(CatsError):
            _draw(**options)
    assert parse_probability("0.1") == (0.1, 0.1) and parse_probability("0:0.3") == (0.0, 0.3)
    for text in ("x", "0.3:0.1", "-0.1", "1.5", "0:1:2", ""):
        with pytest.raises(CatsError, match="loss probability"):
            parse_probability(text)


def test_ordinary_dropout_keeps_the_mean():
    torch.manual_seed(0)
    x = torch.ones(333, 101, requires_grad=True)
    y = ordinary(x, 0.1)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert abs((y == 0).float().mean().item() - 0.1) < 0.005
    torch.testing.assert_close(y[y > 0].max().item(), 1 / 0.9, rtol=1e-4, atol=0)
