# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Simulated boards: when they start, and what the runner for them says."""

import subprocess
import sys

import pytest
import yaml

from cats.errors import CatsError
from cats.zephyr import bsim, sim_desk
from cats.zephyr.boards import read_map
from cats.zephyr.sim_desk import Desk, flash


class Recorded:
    """In place of ``SimBoards``: which programs it was given, and whether it is on."""

    all: list["Recorded"] = []

    def __init__(self, programs, *, folder):
        self.programs = [path.read_text() for path in programs]
        self.on = True
        self.all.append(self)

    def process(self, node):
        return None

    def close(self):
        self.on = False


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(sim_desk, "SimBoards", Recorded)
    monkeypatch.setattr(sim_desk, "_SETTLE_S", 0)
    monkeypatch.setattr(sim_desk, "_START_S", 0.3)
    Recorded.all.clear()
    with Desk(tmp_path / "boards", 2) as found:
        yield found


def program(tmp_path, text):
    path = tmp_path / "zephyr.exe"
    path.write_text(text)
    return path


def test_boards_start_when_each_has_firmware_and_again_with_another(desk, tmp_path):
    desk.step()
    assert Recorded.all == []
    flash(program(tmp_path, "a"), desk.folder, 0)
    desk.step()
    assert Recorded.all == []
    # The last one waits, and nobody starts it here.
    with pytest.raises(CatsError, match="board 1 does not start"):
        flash(program(tmp_path, "b"), desk.folder, 1)
    desk.step()
    desk.step()
    assert [one.programs for one in Recorded.all] == [["a", "b"]]
    with pytest.raises(CatsError, match="does not start"):
        flash(program(tmp_path, "b"), desk.folder, 1)
    desk.step()
    # The same program again is a reset.
    assert len(Recorded.all) == 2 and [one.on for one in Recorded.all] == [False, True]
    desk.close()
    assert not Recorded.all[-1].on


def test_a_desk_has_one_keeper(desk, tmp_path):
    with pytest.raises(CatsError, match="another cats boards keeps these boards"):
        Desk(desk.folder, 2)
    desk.close()
    with pytest.raises(CatsError, match="nobody keeps the boards in .*: cats boards"):
        flash(program(tmp_path, "a"), desk.folder, 0)
    with Desk(desk.folder, 1), pytest.raises(CatsError, match="no program .*none: cats build"):
        flash(tmp_path / "none", desk.folder, 0)


def test_a_map_of_real_boards_is_left_alone(desk, tmp_path):
    path = tmp_path / "map.yaml"
    desk.write_map(path)
    desk.write_map(path)
    boards = read_map(path)
    assert [board.serial for board in boards] == [str(desk.folder / f"tty_0{n}") for n in range(2)]
    assert boards[1].is_a(bsim.BOARD) and boards[1].runner_params == (str(desk.folder), "1")
    real = yaml.safe_load(path.read_text())
    real[0]["runner"] = "jlink"
    path.write_text(yaml.safe_dump(real))
    with pytest.raises(CatsError, match="not of simulated boards: choose another name"):
        desk.write_map(path)
    assert yaml.safe_load(path.read_text()) == real


def test_the_runner_says_why_not_in_a_line(tmp_path):
    command = [sys.executable, "-m", "cats.zephyr.sim_desk", "a", str(tmp_path), "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (
        done.returncode == 1
        and done.stderr == f"nobody keeps the boards in {tmp_path}: cats boards\n"
    )
