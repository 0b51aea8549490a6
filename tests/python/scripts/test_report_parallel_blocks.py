# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The report on what parallel blocks cost a trained text model."""

import dataclasses

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.llama_stream import gathers_of, stream_of
from cats.plan.planner import make_plan
from cats.report import read_json
from cats.sim.compare_steps import check_steps
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate
from cats.training.evaluate import score_at
from cats.training.run_folder import load_run, load_task
from cats.training.text_integers import quantise_llama_run
from report import parallel_blocks as report


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The same options with a smaller model and fewer steps; the text."""
    values = {
        "--features": "16", "--heads": "4", "--hidden": "16", "--blocks": "2", "--context": "8",
        "--windows": "64", "--epochs": "2", "--parts": "0.8:0.2",
    }  # fmt: skip
    for name in ("DATA", "MODEL", "FIRST", "LAST"):
        words = getattr(report, name)
        changed = [values.get(before, word) for before, word in zip(("", *words), words)]
        monkeypatch.setattr(report, name, tuple(changed))
    (tmp_path / "text.txt").write_text("the cat sat on the mat, and that was that. " * 30)
    return str(tmp_path / "text.txt")


def test_both_are_trained_told_and_kept(small, tmp_path, capsys):
    words = [small, "--seeds", "0", "--samples", "5", "--out", str(tmp_path / "out")]
    assert report.main(words) == 0
    out = capsys.readouterr().out
    result = read_json(tmp_path / "out" / "result.json")
    shapes = [load_run(tmp_path / "out" / f"{blocks}-0")[1] for blocks in report.BLOCKS]
    assert dataclasses.replace(shapes[1].model, parallel_blocks=False) == shapes[0].model
    for blocks, run in zip(report.BLOCKS, shapes, strict=True):
        assert run.model.parallel_blocks == (blocks == "parallel")
        found = result[f"{blocks}-0"]
        assert [len(values) for values in found["bits"].values()] == [5] * 3
        speed = found["speed"]
        assert speed["no repair"] > speed["2 rounds"]
        assert speed["no repair, residual replicated"] > speed["no repair"]
    assert result["parallel-0"]["speed"]["no repair"] > result["sequential-0"]["speed"]["no repair"]
    table = out[out.index("=====") :]
    assert "parallel less sequential" in table and "tokens a second" in table
    assert report.main(words) == 0
    assert capsys.readouterr().out == table  # nothing is done again


def test_what_is_told_is_what_the_nodes_gave(small, tmp_path):
    """Near the float model's, and every output is the integer reference's."""
    run = report.train(small, "parallel", 3, tmp_path / "out")
    trained, info = load_run(run)
    task = load_task(info)
    count = len(task.validation)
    found = report.bits(run, count, 1, {})
    assert np.mean(found["0.0-0"]) == pytest.approx(
        score_at(trained, task, task.validation, 0)["bits_per_byte"], rel=0.02
    )
    model = gathers_of(stream_of(quantise_llama_run(run, output_split="single")[0], 0))
    plan = make_plan(model.config, model.split, model.keep, radio=report.RADIO, rounds=2)
    tokens = task.validation.inputs[0].argmax(-1).numpy()
    steps = tokens.astype("<u4").view(np.int8).reshape(-1, 1, 4)
    result = simulate(model, plan, steps, Faults(loss=0.1), 0, Settings(compute="plan"))
    assert not check_steps(model, plan, steps, result)
    given = report.window(model, plan, tokens, 0.1, 0)
    np.testing.assert_allclose(
        given, np.where(result.done[:, :1], result.outputs[:, 0, 0] * model.output_scale, np.nan)
    )


def test_a_text_that_is_too_short_is_refused(small, tmp_path):
    (tmp_path / "short.txt").write_text("ab")
    with pytest.raises(CatsError, match="parallel-0-first is not trained"):
        report.train(str(tmp_path / "short.txt"), "parallel", 0, tmp_path / "out")
