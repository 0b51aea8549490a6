# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Pruning keeps what other nodes read most."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.config import ModelConfig, SplitConfig
from cats.errors import CatsError
from cats.model import CatsTransformer
from cats.partition import PRUNABLE, Kind, check_keep, gather_kind, own_ranges
from cats.prune import importance, select, step_ratios

CONFIG = ModelConfig(tokens_in=3, inputs=4, outputs=6, features=24, heads=6, hidden=20, blocks=2)
SPLIT = SplitConfig((1, 3, 2), (5, 5, 10), (2, 0, 4), (4, 0, 0))


def _model():
    torch.manual_seed(0)
    return CatsTransformer(CONFIG, SPLIT)


def test_importance_counts_readers_on_other_nodes_only():
    model = _model()
    with torch.no_grad():
        weight = model.blocks[1].up.weight
        weight.zero_()
        weight[0:5, 2] = 9.0  # node 0 reads its own column 2
        weight[7, 3] = -2.0  # node 1 reads column 3 of node 0
        weight[12, 3] = 1.0  # so does node 2
        weight[1, 20] = 4.0  # node 0 reads column 20 of node 2, but its gain is small
        model.blocks[1].norm2.weight[20] = -0.25
    scores = importance(model)[7]
    expected = torch.zeros(24)
    expected[3], expected[20] = 3.0, 1.0
    assert torch.equal(scores, expected)
    assert importance(model)[0] is None and importance(model)[-1] is None


def test_qkv_counts_all_three():
    model = _model()
    with torch.no_grad():
        weight = model.blocks[0].qkv.weight
        weight.zero_()
        weight[[0, 24, 48], 5] = 1.0  # node 0's q, k and v read column 5 of node 1
        weight[[4, 28, 52], 5] = 1.0  # node 1 reads its own
    assert importance(model)[1][5] == 3.0


@settings(max_examples=30, deadline=None)
@given(ratio=st.floats(0.01, 1.0), scope=st.sampled_from(["source", "gather"]))
def test_keep_sets_are_legal_and_of_the_asked_size(ratio, scope):
    model = _model()
    keep = select(model, ratio, scope=scope)
    check_keep(CONFIG, SPLIT, keep)
    for g, sources in enumerate(keep):
        kind, _ = gather_kind(CONFIG, g)
        own = [end - begin for begin, end in own_ranges(CONFIG, SPLIT, kind)]
        kept = [len(columns) for columns in sources]
        if kind not in PRUNABLE:
            assert kept == own
        elif scope == "source":
            assert kept == [max(1, round(ratio * width)) for width in own]
        else:
            assert sum(kept) == max(round(ratio * sum(own)), 3)


def test_best_columns_stay():
    model = _model()
    scores = importance(model)
    keep = select(model, 0.5)
    for g, (sources, score) in enumerate(zip(keep, scores, strict=True)):
        if score is None:
            continue
        for columns, (begin, end) in zip(
            sources, own_ranges(CONFIG, SPLIT, gather_kind(CONFIG, g)[0]), strict=True
        ):
            dropped = [c for c in range(begin, end) if c not in columns]
            assert min(score[list(columns)]) >= max(score[dropped], default=0)


def test_pruned_columns_do_not_come_back():
    model = _model()
    model.set_keep(select(model, 0.5))
    before = model.keep
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    after = select(model, 0.25)
    for old, new in zip(before[1:-1], after[1:-1], strict=True):
        assert all(set(n) < set(o) for o, n in zip(old, new, strict=True) if len(o) > 1)


def test_a_ratio_for_each_kind_and_another_criterion():
    model = _model()
    reverse = [None if s is None else -s for s in importance(model)]
    keep = select(model, {Kind.HIDDEN: 0.2}, reverse)
    full = _model().keep
    assert keep[1] == full[1] and keep[4] != full[4]
    worst = importance(model)[4][:5].argmin().item()
    assert keep[4][0] == (worst,)


def test_wrong_ratios_are_refused():
    for ratio in (0, 1.1, -0.5, {Kind.INPUT: 0.5}):
        with pytest.raises(CatsError):
            select(_model(), ratio)
    with pytest.raises(CatsError, match="scope"):
        select(_model(), 0.5, scope="node")


def test_steps_lead_to_the_ratio():
    assert step_ratios(0.5, 4) == [0.875, 0.75, 0.625, 0.5]
