# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""scripts/bench/faults.py: some cases of the sweep, and those that once failed."""

import json

import pytest

from bench import faults
from cats.integer.random_models import random_inputs
from cats.sim.compare import check
from cats.sim.simulate import simulate

#: What a record held of two inferences, as if it were one: a node that restarted in one of them and
#: whom another leader called under the same number; an input that waited for the next record.
RECORDS = (1286, 2500, 0, 13192)


@pytest.mark.parametrize("number", [*range(30), *RECORDS])
def test_case(number):
    assert faults.run(number) == (faults.INFERENCES, "")


def test_a_record_of_two_inferences_is_not_compared():
    made, wrong, settings = faults.draw(2)
    inputs = random_inputs(0, made.model.config, faults.INFERENCES)
    result = simulate(made.model, made.plan, inputs, wrong, 0, settings, made.images)
    assert result.mixed[3] and not result.mixed.all()
    assert check(made.model, made.plan, inputs, result) == []


def test_command(tmp_path, capsys):
    out = tmp_path / "found.json"
    assert faults.main(["--first", "7", "--cases", "3", "--show", "--json", str(out)]) == 0
    assert "15 inferences of 3 cases from 7: 0 hung, 0 wrong" in capsys.readouterr().out
    assert json.loads(out.read_text())["inferences"] == 15


def test_what_fails_is_told(monkeypatch, capsys):
    monkeypatch.setattr(faults, "check", lambda *_: [(1, 0)])
    assert faults.main(["--cases", "1"]) == 1
    said = capsys.readouterr().out
    assert "case 0: wrong [(1, 0)]" in said and "0 hung, 1 wrong" in said
