# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``samples/calibrate``: what it prints, and that ``cats plan --board`` takes it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import vectors
from calibrated import SAMPLES, build, printed_board
from cats import cli
from cats.plan.cost import node_instructions
from cats.plan.plan import plan_from_json
from cats.plan.radio import RADIOS
from cats.report import read_json

ROOT = Path(__file__).resolve().parents[3]
PLAN = ["plan", "--features", "32", "--tokens", "8", "--heads", "4", "--nodes", "2"]


def test_the_instructions_are_those_of_the_planner():
    text = (SAMPLES / "calibrate" / "src" / "compute.c").read_text()
    name = re.search(r'#define CASE +"(\w+)"', text)[1]
    case = next(one for one in vectors.cases() if one.name == name)
    plan = plan_from_json(read_json(ROOT / "tests" / "vectors" / name / "plan.json"))
    wanted = node_instructions(case.config, case.split, case.model.keep, plan, 0)
    assert int(re.search(r"#define INSTRUCTIONS (\d+)", text)[1]) == round(wanted)


def test_frames_take_the_planners_time_on_the_air():
    """Bytes around a frame and the time of one, by transport, as cats.plan.radio has them."""
    text = (SAMPLES / "calibrate" / "src" / "calibrate.h").read_text()
    for radio, overhead, byte_ns in re.findall(
        r"cats_(\w+)\n#define AIR_OVERHEAD +(\d+)\n#define AIR_BYTE_NS +(\d+)\n", text
    ):
        assert RADIOS[radio].overhead == int(overhead)
        assert RADIOS[radio].byte_us * 1000 == int(byte_ns)
    assert text.count("#define AIR_OVERHEAD") == 4


@pytest.mark.slow
@pytest.mark.zephyr
def test_without_a_radio(tmp_path, capsys):
    """All of it in one process over the loopback; what a simulation cannot know is null."""
    program = build(tmp_path / "build", "native_sim")
    done = subprocess.run(
        [program, "-stop_at=100", "-no-rt"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert "code takes no time here" in done.stdout
    wake = re.search(r"wake-up: 100 times, (-?\d+) to (\d+) us late", done.stdout)
    assert 0 <= int(wake[1]) <= int(wake[2]) <= 200  # two ticks
    assert "round trip: 100 of 100 answered, 0 us late (0 to 0) over both ways" in done.stdout
    assert "calibration done" in done.stdout
    path = printed_board(done.stdout, tmp_path)
    assert json.loads(path.read_text())["radios"] is None
    assert cli.main([*PLAN, "--board", str(path)]) == 2
    assert "board.json does not say it: give --ram" in capsys.readouterr().err
    known = ["--ram", "256K", "--flash", "1M", "--clock", "64"]
    assert cli.main([*PLAN, "--board", str(path), *known]) == 0
