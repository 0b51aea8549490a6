# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Parts of a task: shares of every class, and groups that stay together."""

import random
import re

import pytest
import torch

from cats.errors import CatsError
from cats.tasks.parts import rows_of_parts, split, split_fold

SHARES = (0.6, 0.15, 0.25)


def test_every_class_has_its_shares():
    labels = torch.arange(200) % 4
    parts = split(labels, SHARES, 0)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(200))
    for part, count in zip(parts, (30, 8, 12)):  # 7.5 validate
        assert labels[part].bincount().tolist() == [count] * 4


@pytest.mark.parametrize("seed", range(20))
def test_groups_stay_together_whatever_they_are(seed):
    random.seed(seed)
    count = random.randint(3, 12)
    groups = [f"g{random.randint(0, count)}" for _ in range(100)] + ["a", "b", "c"]
    labels = torch.tensor([random.randint(0, 4) for _ in groups])
    shares = random.choice([SHARES, (0.8, 0.2, 0.0)])
    parts = split(labels, shares, seed, groups)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(103))
    names = [{groups[i] for i in part.tolist()} for part in parts]
    assert not names[0] & names[1] and not names[0] & names[2] and not names[1] & names[2]
    assert [bool(part) for part in names] == [share > 0 for share in shares]
    again = split(labels, shares, seed, groups)
    assert all(torch.equal(*pair) for pair in zip(parts, again))


def test_shares_are_met_as_far_as_groups_allow():
    """40 persons, each with some of every class but one."""
    groups = [f"p{i % 40}" for i in range(1200)]
    labels = torch.tensor([(i // 40 + i % 40) % 3 for i in range(1200)])
    for seed in range(5):
        parts = split(labels, SHARES, seed, groups)
        for part, share in zip(parts, SHARES):
            assert len(part) / 1200 == pytest.approx(share, abs=0.03)
            counts = labels[part].bincount(minlength=3) / len(part)
            assert (counts - 1 / 3).abs().max() < 0.03
    one, other = (split(labels, SHARES, seed, groups)[2] for seed in (0, 1))
    assert not torch.equal(one, other)


def test_a_class_of_one_person_trains():
    groups = [f"p{i % 10}" for i in range(100)] + ["only"] * 5
    labels = torch.tensor([i % 2 for i in range(100)] + [2] * 5)
    for seed in range(10):
        train, _, _ = split(labels, SHARES, seed, groups)
        assert 2 in labels[train]


def test_too_few_groups_are_refused():
    with pytest.raises(CatsError, match="2 groups: at least 3, one for each part"):
        split(torch.tensor([0, 1, 0, 1]), SHARES, 0, ["a", "a", "b", "b"])
    parts = split(torch.tensor([0, 1, 0, 1]), (0.8, 0.2, 0.0), 0, ["a", "a", "b", "b"])
    assert [len(part) for part in parts] == [2, 2, 0]


@pytest.mark.parametrize("grouped", [False, True])
def test_in_folds_each_sample_tests_once(grouped):
    labels = torch.arange(120) % 3
    groups = [f"p{i % 20}" for i in range(120)] if grouped else None
    tested = []
    for k in (1, 2, 3, 4):
        parts = split_fold(labels, f"{k}/4", 0.8, 0, groups)
        assert torch.equal(torch.cat(parts).sort().values, torch.arange(120))
        assert [len(part) for part in parts] == pytest.approx([72, 18, 30], abs=6)
        if grouped:
            train, validation, test = ({groups[i] for i in part.tolist()} for part in parts)
            assert not train & validation and not train & test and not validation & test
        tested.append(parts[2])
    assert torch.equal(torch.cat(tested).sort().values, torch.arange(120))


@pytest.mark.parametrize("fold", ["0/4", "5/4", "1/1", "1", "a/b", "1/2/3", "-1/2"])
def test_folds_that_cannot_be(fold):
    with pytest.raises(CatsError, match="the K-th of N parts"):
        split_fold(torch.arange(10) % 2, fold, 0.8, 0)


@pytest.mark.parametrize("parts", ["0.9:0.05:0.05", "0.6:0.2:0.2", "0.501:0.3:0.1"])
@pytest.mark.parametrize("each", [1, 65])
def test_so_many_rows_as_are_asked_for_are_enough(parts, each):
    with pytest.raises(CatsError, match="2 rows are too few for parts") as error:
        rows_of_parts(parts, 2, each=each)
    enough = int(
        re.search(r"take ([0-9,]+) or more, or other", str(error.value))[1].replace(",", "")
    )
    assert min(rows_of_parts(parts, enough, each=each)) == each
