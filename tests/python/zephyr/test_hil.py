# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What tests/hil expects of a device is what the reference says."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

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


def test_page_shows_a_map_of_four_boards():
    page = (ROOT / "doc" / "hil.rst").read_text()
    boards = yaml.safe_load(re.search(r"::\n\n(    - connected: .*\n(?:    .*\n)*)", page)[1])
    assert len(boards) == 4
    assert all(
        set(board) == {"connected", "id", "platform", "product", "runner", "serial", "baud"}
        for board in boards
    )
    for key in ("id", "serial"):
        assert len({board[key] for board in boards}) == 4
    flashed = re.findall(r"west flash -d \S+/node_(\d\d) --dev-id (\d+)", page)
    assert [(f"{n:02}", board["id"].lstrip("0")) for n, board in enumerate(boards)] == flashed
