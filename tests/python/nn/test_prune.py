# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Pruning keeps what other nodes read most."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.nn.model import CatsTransformer
from cats.nn.prune import (
    SCOPES,
    by_activation,
    even_bytes,
    from_afar,
    importance,
    reading,
    select,
    step_ratios,
    taylor,
    within_budget,
)
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    PRUNABLE,
    Kind,
    check_keep,
    full_keep,
    gather_kind,
    local_keep,
    own_ranges,
)
from cats.tasks import Task

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
    for ratio in (1.1, -0.5, {Kind.INPUT: 0.5}):
        with pytest.raises(CatsError):
            select(_model(), ratio)
    with pytest.raises(CatsError, match="scope"):
        select(_model(), 0.5, scope="node")


def test_steps_lead_to_the_ratio():
    assert step_ratios(0.5, 4) == [0.875, 0.75, 0.625, 0.5]


class _Quadratic(Task):
    """As a task: the loss is half the square of the one output, for one input."""

    def __init__(self, tokens, inputs):
        self.x = torch.randn(1, tokens, inputs, generator=torch.Generator().manual_seed(1))
        self.train = range(8)

    def batch(self, index, rows, generator):
        return self.x.expand(len(index), -1, -1), torch.zeros(len(index))

    def loss(self, output, targets):
        return output.square().mean() / 2

    def score(self, output, part):
        raise NotImplementedError


def test_taylor_term_is_the_first_order_of_the_loss():
    """Shrinking the weights by which others read a column changes the loss by its score."""
    model, task = _model().double(), _Quadratic(3, 4)
    task.x = task.x.double()
    scores = taylor(model, task, batch=2)
    assert [s is None for s in scores] == [s is None for s in importance(model)]
    assert all(p.grad is None for p in model.parameters())
    for g, column in ((1, 0), (2, 23), (3, 7), (4, 19), (9, 5)):
        linear, _ = reading(model, g)
        afar = from_afar(model, gather_kind(CONFIG, g)[0])[:, column].double()
        step, losses = 1e-5, []
        for sign in (1, -1):
            with torch.no_grad():
                before = linear.weight[:, column].clone()
                linear.weight[:, column] *= 1 + sign * step * afar
                losses.append(task.loss(model(task.x), None).item())
                linear.weight[:, column] = before
        slope = (losses[0] - losses[1]) / (2 * step)
        assert scores[g][column].item() == pytest.approx(abs(slope), rel=1e-4, abs=1e-9)


def test_activation_counts_what_a_column_carries():
    """Scaling a column up and its readers' weights down changes no result, and no score."""
    model, task = _model().double(), _Quadratic(3, 4)
    task.x = task.x.double()
    before, out = by_activation(model, task, batch=2), model(task.x)
    assert [s is None for s in before] == [s is None for s in importance(model)]
    with torch.no_grad():
        model.blocks[0].qkv.weight[48 + 5] *= 4  # a column of the heads
        model.blocks[0].qkv.bias[48 + 5] *= 4
        model.blocks[0].out.weight[:, 5] /= 4
    after = by_activation(model, task, batch=2)
    assert torch.allclose(before[2], after[2])
    assert importance(model)[2][5] < 0.3 * importance(_model())[2][5]
    norm = torch.nn.functional.layer_norm
    seen = []
    model(task.x, observe=lambda name, x: seen.append(x) if name == "gather3" else None)
    level = norm(seen[0], (24,)).square().mean((0, 1)).sqrt()
    assert torch.allclose(after[3], importance(model)[3] * level)
    assert torch.allclose(model(task.x), out)


def _air(model, keep):
    return plan_air(make_plan(model.config, model.split, keep)).bytes


def test_a_budget_of_bytes_is_kept_and_used():
    model = _model()
    scores = [None if s is None else torch.rand(len(s)) for s in importance(model)]
    full = _air(model, model.keep)
    assert within_budget(model, scores, full) == model.keep
    for share in (0.45, 0.6, 0.75, 0.85, 0.95):
        keep = within_budget(model, scores, int(share * full))
        check_keep(CONFIG, SPLIT, keep)
        assert 0.85 * share * full < _air(model, keep) <= share * full
    with pytest.raises(CatsError, match="the least possible is"):
        within_budget(model, scores, 10)


def test_a_budget_empties_what_is_not_worth_its_frames():
    """A gather of little worth goes as a whole, and what its frames took buys columns of others."""
    model = _model()
    scores = [None if s is None else torch.ones(len(s)) for s in importance(model)]
    for g in range(1, 5):  # the first block
        scores[g] *= 0.01
    local = local_keep(CONFIG, model.keep, 1)
    assert within_budget(model, scores, _air(model, local)) == local
    keep = within_budget(model, scores, _air(model, local) - 1)
    assert not any(map(any, keep[1:5])) and all(map(any, keep[5:9]))
    scores[9] *= 100  # the head keeps what it needs for as long as anything is sent
    least = _air(model, local_keep(CONFIG, model.keep, CONFIG.blocks))
    assert within_budget(model, scores, least) == local_keep(CONFIG, model.keep, CONFIG.blocks)
    model.set_keep(keep)
    again = within_budget(model, scores, 10**6)
    assert again == model.keep  # what is gone does not come back


def test_a_share_of_nothing_is_nothing():
    model = _model()
    for scope in SCOPES:
        keep = select(model, {Kind.HIDDEN: 0.0, Kind.ATTENTION: 0.01}, scope=scope)
        assert not any(map(any, (keep[4], keep[8])))
        assert all(len(columns) == 1 for columns in keep[1])
        assert keep[9] == model.keep[9]
    assert step_ratios(0.0, 3)[-1] == 0
    model.set_keep(select(model, 0.0))
    assert not any(map(any, model.keep[1:-1])) and model.keep[0] == full_keep(CONFIG, SPLIT)[0]
    assert select(model, 1.0) == model.keep


def test_the_bytes_of_an_even_ratio():
    model = _model()
    for ratio in (1.0, 0.5, 0.1):
        even = even_bytes(CONFIG, SPLIT, dict.fromkeys(PRUNABLE, ratio))
        assert even == _air(model, select(model, ratio))


def test_a_budget_counts_the_rows_of_the_model_in_use():
    """Trained on every row and used for the last one: the last block's columns are cheap."""
    shape = {"tokens_in": 20, "causal": True, "task": "forecast"}
    trained, used = (dataclasses.replace(CONFIG, pool=pool, **shape) for pool in ("all", "last"))
    model = CatsTransformer(trained, SPLIT)
    scores = [None if s is None else torch.ones(len(s)) for s in importance(model)]
    full = plan_air(make_plan(used, SPLIT, model.keep)).bytes
    keep = within_budget(model, scores, int(0.6 * full), config=used)
    assert plan_air(make_plan(used, SPLIT, keep)).bytes <= 0.6 * full
    last = range(4 * CONFIG.blocks - 2, 4 * CONFIG.blocks + 2)
    assert [keep[g] for g in last] == [model.keep[g] for g in last]
    as_trained = within_budget(model, scores, int(0.6 * full))
    assert [as_trained[g] for g in last] != [model.keep[g] for g in last]


def test_a_budget_goes_where_columns_are_worth_most():
    """A column that matters a hundred times as much stays, in whichever gather it is."""
    model = _model()
    scores = [None if s is None else torch.full((len(s),), 1.0) for s in importance(model)]
    scores[4][[1, 3, 11]] = 100.0
    keep = within_budget(model, scores, int(0.8 * _air(model, model.keep)))
    assert {1, 3, 11} <= {column for columns in keep[4] for column in columns}
    # The head reads the mean over rows, one row: its columns cost a third and go last.
    assert keep[9] == model.keep[9] and keep[8] != model.keep[8]
