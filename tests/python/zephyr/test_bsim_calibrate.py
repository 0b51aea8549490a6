# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``samples/calibrate`` over BabbleSim: one device measures, another answers, over each radio."""

import json
import re

import pytest

from calibrated import build, printed_board
from cats import cli
from cats.zephyr import bsim

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]

#: By transport: the sample's overlay, and the most microseconds that a round trip may be off. Ticks
#: of the simulated 32.768 kHz clock have 30.5 us, and the alarm for a frame is set one ahead.
RADIOS = {"nrf_radio": ("nrf-radio", 10), "ieee802154": ("802154", 70), "ble": ("ble", 230)}


@pytest.mark.parametrize("radio", RADIOS)
def test_two_devices(radio, tmp_path, capsys):
    overlay, most_us = RADIOS[radio]
    commands = []
    for role, drift in (("y", 20), ("n", -20)):
        program = build(
            tmp_path / role, bsim.BOARD, f"EXTRA_CONF_FILE=overlay-{overlay}.conf",
            f"CONFIG_CALIBRATE_ANSWER={role}",
        )  # fmt: skip
        commands.append([str(program), f"-xo_drift={drift}e-6", f"-rs={len(commands) + 1}"])
    (_, said), _ = bsim.simulate(commands, seconds=30)
    assert "code takes no time here" in said and "calibration done" in said
    assert "wake-up: 100 times" in said
    late = re.search(r"round trip: 100 of 100 answered, (-?\d+) us late", said)
    assert abs(int(late[1])) <= most_us
    # The clocks differ by 40 ppm: a tick, where starts are told by ticks, is 8 of 100 pings' 4 s.
    most_ppm = 5 if radio == "nrf_radio" else 10
    assert abs(int(re.search(r"the other's is (-?\d+) ppm faster", said)[1]) - 40) <= most_ppm
    path = printed_board(said, tmp_path)
    (name, figures), *others = json.loads(path.read_text())["radios"].items()
    assert name == radio and not others and 0 < figures["hand_us"] < 10_000
    # What the simulation cannot know is to be given.
    words = ["plan", "--features", "32", "--tokens", "8", "--heads", "4", "--nodes", "2"]
    assert cli.main([*words, "--board", str(path)]) == 2
    known = ["--ram", "128K", "--flash", "512K", "--clock", "64"]
    capsys.readouterr()
    assert cli.main([*words, "--board", str(path), *known, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["board"]["clock_hz"] == 64e6
