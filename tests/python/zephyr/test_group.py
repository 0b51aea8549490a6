# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A group of boards of a hardware map: their ports, their power, and what they record."""

import os

import numpy as np
import pytest
import yaml

from cats.errors import CatsError
from cats.zephyr.bsim import Device, Log
from cats.zephyr.group import MapBoards, record

RELAY = """#!/bin/sh
[ "$1 $2" = "3 on" ] && ln -s /dev/null {port}
[ "$1 $2" = "3 off" ] && rm {port}
[ "$1" = 3 ] || {{ echo "no such\nchannel" >&2; exit 1; }}
"""


@pytest.fixture
def boards(tmp_path):
    """Boards 0, whose relay takes its serial port with it, 1 without one, 2 with a wrong one."""
    port = tmp_path / "port"
    port.symlink_to(os.devnull)
    relay = tmp_path / "relay"
    relay.write_text(RELAY.format(port=port))
    relay.chmod(0o755)
    fixtures = [[f"cats_power:{relay} 3", "ble"], ["ble"], [f"cats_power: {relay} 4"]]
    entries = [
        {
            "connected": True, "id": f"{n}", "platform": "nrf52840dk/nrf52840", "product": "J-Link",
            "runner": "jlink", "serial": str(port) if n == 0 else f"/dev/no{n}", "baud": 1000000,
            "fixtures": found,
        }
        for n, found in enumerate(fixtures)
    ]  # fmt: skip
    path = tmp_path / "map.yaml"
    path.write_text(yaml.safe_dump(entries))
    return MapBoards(path, 3)


def test_ports_and_relays_of_a_map(boards, tmp_path):
    assert boards.port(1) == "/dev/no1" and boards.baud(1) == 1000000
    assert [boards.has_power(node) for node in range(3)] == [True, False, True]
    boards.power_off(0)
    assert not (tmp_path / "port").is_symlink()
    boards.power_on(0)
    assert (tmp_path / "port").exists()


def test_relays_that_fail(boards, tmp_path):
    with pytest.raises(CatsError, match="node 2: cannot switch its power off: no such channel$"):
        boards.power_off(2)
    (tmp_path / "relay").unlink()
    with pytest.raises(CatsError, match="node 0: cannot switch its power on: .*No such file"):
        boards.power_on(0)


def test_boards_without_a_serial_port(boards, tmp_path):
    path = tmp_path / "map.yaml"
    entries = yaml.safe_load(path.read_text())
    del entries[1]["serial"]
    path.write_text(yaml.safe_dump(entries))
    with pytest.raises(CatsError, match="board 1, node 1, has no serial port"):
        MapBoards(path, 3)


def test_what_a_board_has_recorded():
    log = Log(Device(1), "")
    lines = [
        "heard 65535 2 0 .ff01 . .80",
        "[00:00:01.000,000] <wrn> cats: late",
        "result 65535 -1 0 3 40 4 1000 2000 0100feff",
        "result 0 -2 1 0 40 0 3000 4000 0300",
    ]
    assert record(lines, log, sample=7) == 1
    assert log.heard == {(65535, 2, 0): [b"\xff\x01", b"", b"\x80"]}
    first, second = log.results
    assert (first.number, first.sample, first.led, first.lost, first.silent) == (65535, -1, 0, 3, 4)
    np.testing.assert_array_equal(first.output, np.array([1, -2], np.int16))
    assert (second.sample, second.led, second.latency_us) == (7, True, 1000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("result 0 -2 1 0 40 0 3000 4000", "node 1: an output is too long for cats record"),
        ("no room for 3", "node 1: no room for 3"),
    ],
)
def test_what_a_board_could_not_record(line, said):
    with pytest.raises(CatsError, match=said):
        record([line], Log(Device(1), ""), 0)
