# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats links``: files that the other commands read, and what floods deliver."""

import json

import numpy as np
import pytest

from cats.cli import main
from cats.shape.flooding import delivery
from cats.shape.links import read_links
from cats.shape.topologies import PathLoss, topology


def test_an_arrangement_is_written_and_read(tmp_path, capsys):
    links, decibels = tmp_path / "links.csv", tmp_path / "decibels.csv"
    words = ["links", "star:5", "-o", links, "--attenuation", decibels, "--loss", 0.2, "--wall", 30]
    assert main([*map(str, words), "--hops", "2", "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    model = PathLoss(loss=0.2, wall=30)
    wanted = topology("star:5", model)
    assert read_links(links) == pytest.approx(wanted.links, abs=1e-6)
    written = np.loadtxt(decibels, delimiter=",", skiprows=1)
    assert written == pytest.approx(wanted.attenuation, abs=0.005)
    assert model.heard(written) == pytest.approx(wanted.links, abs=0.002)
    found = delivery(wanted.links, 2)
    assert said["delivered"] == found.has.tolist() and said["loss"] == found.loss
    assert said["depth"] == 2 and said["error"] == 0 and said["nodes"] == 5
    assert said["correlation"][1][2][3] == pytest.approx(found.correlation()[1, 2, 3])

    assert main(["links", str(links), "--hops", "2"]) == 0
    out = capsys.readouterr().out
    assert "5 nodes, 2 hops" in out and f"{100 * found.loss:.2f} % of what" in out
    assert f"{found.has[1, 3]:.3f}" in out


def test_many_nodes_are_estimated(monkeypatch, capsys):
    monkeypatch.setattr("cats.shape.flooding.FLOODS", 400)
    assert main(["links", "line:9", "--hops", "3"]) == 0
    assert "standard error up to 0.0250" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ring:4"], "write line:4"),
        (["line:17"], "2 to 16 nodes"),
        (["missing.csv"], "cannot read missing.csv"),
        (["file.csv", "--wall", "3"], "--wall goes with an arrangement"),
        (["file.csv", "--attenuation", "a.csv"], "--attenuation goes with an arrangement"),
        (["bad.csv"], "a row for each sender"),
        (["line:3", "--loss", "0"], "no number above 0"),
        (["line:3", "--hops", "16"], "no whole number from 1 to 15"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.csv").write_text("1,1\n1,1\n")
    (tmp_path / "bad.csv").write_text("1,1\n1\n")
    before = sorted(tmp_path.iterdir())
    try:
        status = main(["links", *words])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2 and message in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_one_is_one(tmp_path, capsys):
    links = tmp_path / "links.csv"
    links.write_text("1,0.9\n0.9,1\n")
    assert main(["links", str(links)]) == 0
    assert "2 nodes, 1 hop over links" in capsys.readouterr().out
