# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The report on quality against nodes: its recipes, intervals and what it says."""

import pytest

from cats.errors import CatsError
from report import nodes


@pytest.mark.parametrize("path", sorted(nodes.RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_can_be_trained(path, tmp_path):
    study = nodes.Study(path.stem, tmp_path)
    for count in study.recipe.nodes:
        first = study.training(count, study.recipe.epochs, "cpu", lossy=False)
        then = study.training(count, study.recipe.lossy_epochs, "cpu", lossy=True)
        first.check(), then.check()
        assert first.message_dropout == (0, 0) and then.lr == first.lr / 2
        assert (then.message_dropout == (0, 0)) == (count == 1)
    with pytest.raises(CatsError, match="recipe 'none': one of cifar10"):
        nodes.Study("none")


def test_an_interval_of_pairs_is_narrower_than_that_of_each():
    base, better = "0011" * 250, "0111" * 250
    mean, low, high = nodes.interval(base)
    assert mean == 50 and 46 < low < 48 and 52 < high < 54
    mean, low, high = nodes.interval(better, base)
    assert mean == 25 and 21 < low < 24 and 26 < high < 29
    assert nodes.interval(base, base) == (0, 0, 0)


def test_the_page_says_whether_what_is_wanted_is_reached(tmp_path):
    study = nodes.Study("cifar10", tmp_path)
    shape = {"model": {"blocks": 6, "features": 8, "hidden": 8}, "parameters": 9, "image_bytes": 9,
             "arena_bytes": 9, "bytes_on_air": 9, "inference_ms": 9.0,
             "energy_mj": 1.0}  # fmt: skip
    study.result["shapes"] = {f"{n:02}-6": {"nodes": n, **shape} for n in (1, 16)}
    assert "**Not trained yet**" in nodes.section(study)
    done = {"whole": 0.5, "validation": 0.5, "float": 0.5, "seconds": 1.0, "device": "a card"}
    study.result["trained"] = dict.fromkeys(study.result["shapes"], done)
    page = nodes.section(study)
    assert "not scored as integers yet" in page and "float: +0.0 points" in page
    cases = [f"{loss}-{rounds}" for loss, rounds in nodes.CASES]
    study.result["scores"] = {"01-6": {cases[0]: "0011" * 50},
                              "16-6": dict.fromkeys(cases, "0111" * 50)}  # fmt: skip
    page = nodes.section(study)
    assert "+25.0 points, +25.0 points, +25.0 points" in page and "interval: reached" in page
    study.result["scores"]["16-6"][cases[1]] = "0011" * 50
    assert "**not reached**" in nodes.section(study)
