# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The report on quality against nodes: its recipes, intervals and what it says."""

import numpy as np
import pytest
import torch

from cats import tasks
from cats.errors import CatsError
from cats.tasks import Part
from cats.tasks.arrays import ClassTask
from report import command, nodes


@pytest.mark.parametrize("path", sorted(nodes.RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_can_be_trained(path, tmp_path):
    study = nodes.Study(path.stem, tmp_path)
    for count in study.recipe.nodes:
        first = study.training(count, study.recipe.epochs, "cpu", lossy=False)
        then = study.training(count, study.recipe.lossy_epochs, "cpu", lossy=True)
        first.check(), then.check()
        assert first.message_dropout == (0, 0)
        assert then.lr == first.lr * study.recipe.lossy_rate
        assert (then.message_dropout == (0, 0)) == (count == 1)
    with pytest.raises(CatsError, match="recipe 'none': one of cifar10"):
        nodes.Study("none")


def test_an_interval_of_pairs_is_narrower_than_that_of_each():
    base, better = (nodes.numbers(told) for told in ("0011" * 250, "0111" * 250))
    mean, low, high = nodes.interval(base)
    assert mean == 50 and 46 < low < 48 and 52 < high < 54
    mean, low, high = nodes.interval(better, base)
    assert mean == 25 and 21 < low < 24 and 26 < high < 29


def test_each_sample_is_told_by_its_own_metric(tmp_path):
    (tmp_path / "a.txt").write_text("ab" * 500)
    task = tasks.load("text", data=str(tmp_path / "a.txt"), context=4)
    part = task.test.at(slice(3))
    outputs = np.full((3, 4, 2), np.nan)
    outputs[0] = 0
    outputs[1] = 50 * np.eye(2)[part.targets[1]]
    assert nodes.told(task, outputs, part) == "1.0000 0.0000 1.0000"  # a lost one knows nothing
    mean, low, high = nodes.interval(nodes.numbers("1.0000 2.0000 " * 50))
    assert mean == 1.5 and 1.3 < low < 1.5 < high < 1.7

    class Known(ClassTask):
        def __init__(self):
            pass

    part = Part(torch.zeros(3, 1, 1), torch.tensor([0, 0, 1]))
    outputs = np.array([[[2.0, 1.0]], [[np.nan, np.nan]], [[1.0, 0.0]]])
    assert nodes.told(Known(), outputs, part) == "100"


def shaped(count):
    """What is known of a shape on so many nodes."""
    model = {"tokens_in": 4, "inputs": 4, "outputs": 4, "blocks": 6, "features": 16, "heads": 16,
             "hidden": 16}  # fmt: skip
    return {"nodes": count, "model": model, "parameters": 9, "image_bytes": 9, "arena_bytes": 9,
            "bytes_on_air": 9, "inference_ms": 9.0, "energy_mj": 1.0}  # fmt: skip


def test_fewer_bits_are_better(tmp_path):
    study = nodes.Study("shakespeare", tmp_path)
    assert study.training(1, 2, "cpu", lossy=False).dropout == 0
    assert study.training(16, 2, "cpu", lossy=False).dropout == 0.2
    study.result["shapes"] = {f"{n:02}-{b}": shaped(n) for n in (1, 16) for b in (6, 7)}
    done = {"whole": 2.5, "float": 2.5, "seconds": 1.0, "device": "a card"}
    study.result["trained"] = {
        name: {**done, "validation": 2.0 + int(name[-1]) / 10} for name in study.result["shapes"]
    }
    assert study.chosen() == ["01-6", "16-6"]
    assert "float: +0.000 bits; wanted are fewer" in nodes.section(study)
    cases = [f"{loss}-{rounds}" for loss, rounds in nodes.CASES]
    study.result["scores"] = {"01-6": {cases[0]: "2.5 2.7 " * 50},
                              "16-6": dict.fromkeys(cases, "2.2 2.5 " * 50)}  # fmt: skip
    study.result["baselines"] = {"bigram": {"bits_per_byte": 3.5}, "bzip2": {"bits_per_byte": 2.6}}
    page = nodes.section(study)
    assert "-0.250 bits, -0.250 bits, -0.250 bits" in page and "interval: reached" in page
    assert "bits per byte" in page and "2.600 [2.5" in page and "3.500" in page
    study.result["scores"]["16-6"][cases[1]] = "2.9 2.9 " * 50
    assert "**not reached**" in nodes.section(study)


def test_the_page_says_whether_what_is_wanted_is_reached(tmp_path):
    study = nodes.Study("cifar10", tmp_path)
    study.result["shapes"] = {f"{n:02}-6": shaped(n) for n in (1, 16)}
    page = nodes.section(study)
    assert "**Not trained yet**" in page
    assert "16 boards" in page and "one larger board" in page and "a gateway" in page
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


def test_trainings_are_taken_together(tmp_path):
    study = nodes.Study("shakespeare-small", tmp_path)
    study.result["shapes"] = {f"{n:02}-2": shaped(n) for n in (1, 16)}
    done = {"whole": 2.5, "float": 2.5, "seconds": 1.0, "device": "cpu"}
    study.result["trained"] = {
        nodes.run_name(name, seed): {**done, "validation": 2.0 + seed}
        for name in study.result["shapes"] for seed in range(3)
    }  # fmt: skip
    assert study.runs("16-2") == ["16-2", "16-2.1", "16-2.2"]
    assert study.mean("16-2", "validation") == 3.0
    case = f"{nodes.CASES[0][0]}-{nodes.CASES[0][1]}"
    assert study.values("16-2", case) is None
    study.result["scores"] = {"16-2": {case: "1.0 2.0"}, "16-2.1": {case: "3.0 4.0"}}
    assert study.values("16-2", case).tolist() == [[1, 2], [3, 4]]
    rows = [line.split() for line in nodes.section(study).splitlines()]
    assert ["16", "3", "3.000", "2.500"] in [row[:4] for row in rows]


def test_options_of_one_number_of_nodes_are_known_again(tmp_path):
    study = nodes.Study("shakespeare-small", tmp_path)
    assert study.training(1, 2, "cpu", lossy=False).lr == 8e-3
    assert study.training(16, 2, "cpu", lossy=True).lr == 6e-3
    study.keep()
    nodes.Study("shakespeare-small", tmp_path)  # of another recipe it would say so


def test_what_no_recipe_has_is_said_in_a_line(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("to be, or not to be " * 300)
    words = ["shakespeare-small", "--data", str(tmp_path / "a.txt"), "--only", "train"]
    study = nodes.Study("shakespeare-small", tmp_path / "out")
    study.result["shapes"] = {f"{n:02}-2": shaped(n) for n in study.recipe.nodes}
    study.keep()
    with pytest.raises(CatsError, match=r"--nodes 3: of \[1, 2, 4, 8, 16\], as the recipe says"):
        nodes.main([*words, "--out", str(study.out), "--nodes", "3"])
    for option in ("--samples", "--jobs", "--nodes"):
        with pytest.raises(SystemExit, match="2"):
            nodes.main([*words, option, "0"])
        assert "'0' is no whole number from 1" in capsys.readouterr().err


def test_what_goes_wrong_is_a_line_and_status_two(capsys):
    def wrong():
        raise CatsError("no such thing")

    with pytest.raises(SystemExit) as ended:
        command.exit_with("a-report", wrong)
    assert ended.value.code == 2 and capsys.readouterr().err == "a-report: no such thing\n"
    with pytest.raises(SystemExit) as ended:
        command.exit_with("a-report", lambda: 0)
    assert ended.value.code == 0
