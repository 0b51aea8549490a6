# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page of message dropout against repair, by a sweep of seconds."""

import re

import pytest

from report import repair


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Two kinds of a tiny model, read at the second call."""
    (tmp_path / "tiny.yaml").write_text(
        "task: digits\nnodes: 3\nkeep: [0.5]\nseeds: [0, 1]\nlosses: [0]\ntraining: {epochs: 1}\n"
        "model: {features: 12, heads: 3, hidden: 12, blocks: 1}\n"
        "kinds: {without: {message_dropout: 0}, with it: {message_dropout: 0.2}}\n"
    )
    monkeypatch.setattr(repair, "RECIPES", tmp_path)
    monkeypatch.setattr(repair, "ROUNDS", (0, 2))
    few = {name: repair.FAULTS[name] for name in ("nothing lost", "10 %", "20 %", "a node off")}
    monkeypatch.setattr(repair, "FAULTS", few)
    return tmp_path


def test_page(recipe, capsys):
    options = ["tiny", "--samples", "10", "--work", str(recipe / "work"), "--jobs", "1"]
    page = recipe / "doc" / "repair.rst"
    assert repair.main([*options, "-o", str(page)]) == 0
    rows = re.findall(r"^   (with\S*(?: it)?) +(\d) +[\d.]+ / ", page.read_text(), re.MULTILINE)
    assert rows == [(kind, rounds) for kind in ("without", "with it") for rounds in "02"]
    assert (recipe / "doc" / "repair" / "repair.svg").exists()
    study = repair.Study("tiny", recipe / "work", None, 1)
    found = study.figures(10)
    for kind in ("without", "with it"):
        clean = [found[kind, rounds, "nothing lost"] for rounds in (0, 2)]
        assert clean[0]["right"] == clean[1]["right"]  # nothing is there to repair
        lossy = [found[kind, rounds, "20 %"] for rounds in (0, 2)]
        assert lossy[1]["ms"] > lossy[0]["ms"] and lossy[1]["mj"] > lossy[0]["mj"]
    capsys.readouterr()
    assert repair.main(["none", "-o", str(page)]) == 2
    assert "recipe 'none': one of tiny" in capsys.readouterr().err
