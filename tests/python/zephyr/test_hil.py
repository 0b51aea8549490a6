# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What tests/hil expects of a device is what the reference says."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from cats.zephyr.boards import read_map

ROOT = Path(__file__).resolve().parents[3]
HIL = ROOT / "tests" / "hil"


def test_expected_answers_are_those_of_the_reference():
    """If not: python tests/hil/generate.py"""
    done = subprocess.run([sys.executable, str(HIL / "generate.py"), "--check"])
    assert done.returncode == 0


def test_every_golden_case_is_run_on_the_device():
    cases = {path.parent.name for path in (ROOT / "tests/vectors").glob("*/case.json")}
    text = (HIL / "CMakeLists.txt").read_text()
    linked = re.search(r"cats_golden\(app\n([^)]*)\)", text)[1].split()
    # The module links this one itself.
    assert {*linked, "two_class"} == cases
    asked = re.search(r"GOLDEN = \{([^}]*)\}", (HIL / "pytest/test_device.py").read_text())[1]
    assert set(re.findall(r'"(\w+)"', asked)) == cases


def test_page_names_the_platforms_that_are_tested():
    page = (ROOT / "doc" / "hil.rst").read_text()
    (test,) = yaml.safe_load((HIL / "testcase.yaml").read_text())["tests"].values()
    assert test["harness"] == "pytest"
    for platform in test["platform_allow"]:
        assert f"``{platform}``" in page


def test_page_shows_a_map_of_four_boards(tmp_path):
    page = (ROOT / "doc" / "hil.rst").read_text()
    shown = re.search(r"::\n\n(    - connected: .*\n(?:    .*\n)*)", page)[1]
    (tmp_path / "map.yaml").write_text(shown)
    boards = read_map(tmp_path / "map.yaml")
    assert len({board.id for board in boards}) == len({board.serial for board in boards}) == 4
    built = re.search(r"west cats-build DEPLOY -b (\S+) .*\n +west cats-flash DEPLOY --map", page)
    assert all(board.is_a(built[1]) and board.id in board.serial for board in boards)
