# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats plan --board``: every board that is named, and files as samples/calibrate prints them."""

import json

import pytest

from cats.cli import main
from cats.plan.boards import BOARDS, Board, Latency, board_named, read_board
from cats.plan.energy import NRF52832, Currents, Duty
from cats.plan.radio import RADIOS

SHAPE = ["--features", "64", "--tokens", "16", "--heads", "4", "--nodes", "2"]
FILE = {
    "board": "nrf52840dk/nrf52840",
    "ram": 262144,
    "flash": 1048576,
    "clock_hz": 64000000,
    "cycles_per_instruction": 1.5,
    "radios": {"ieee802154": {"hand_us": 35, "tick_us": 61}},
}


def plan(capsys, *words):
    status = main(["plan", *SHAPE, *words, "--json", "-"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_planned_for_its_own_radios(capsys, name):
    status, result = plan(capsys, "--board", name)
    board = BOARDS[name]
    assert status == 0 and result["board"]["name"] == name
    (row,) = result["deployments"]
    assert set(row["radios"]) == set(board.radios) and result["radio"] in board.radios
    assert result["board"]["ram"] == board.ram
    assert main(["plan", *SHAPE, "--board", name]) == 0
    assert f"{name}: {board.ram:,} bytes of RAM" in capsys.readouterr().out


def test_what_is_not_known_is_not_told(capsys):
    """Energy where a current is missing; where none that counts is, it is there."""
    _, result = plan(capsys, "--board", "nrf5340")
    assert all(f["energy_mj"] is None for f in result["deployments"][0]["radios"].values())
    _, result = plan(capsys, "--board", "nrf54l15")
    radios = result["deployments"][0]["radios"]
    assert radios["ieee802154"]["energy_mj"] is None and radios["ble"]["energy_mj"] > 0
    assert Duty(1e6, 0.0, 1e6).millijoules(NRF52832, "ble") == pytest.approx(3 * (7.1 + 2.7))
    assert Duty(0.0, 0.0, 1e6).millijoules(NRF52832, "ble") is None
    alone = Currents(volts=2.0, transmit_ma=1.0, compute_ma=3.0)
    assert Duty(1e6, 0.0, 1e6).millijoules(alone, "ble") == pytest.approx(2 * (1 + 3))


def test_a_radio_that_a_board_has_not(capsys):
    assert main(["plan", *SHAPE, "--board", "nrf52832", "--radio", "ieee802154"]) == 2
    said = capsys.readouterr().err
    assert "nrf52832 has no ieee802154: one of nrf_radio, ble, ble_2m" in said
    assert main(["plan", *SHAPE, "--board", "nrf53"]) == 2
    assert "board 'nrf53': one of nrf52840, nrf52833" in capsys.readouterr().err


def test_a_file_counts(tmp_path, capsys):
    path = tmp_path / "board.json"
    path.write_text(json.dumps(FILE))
    assert read_board(path) == Board(
        "nrf52840dk/nrf52840", 262144, 1048576, 64e6, cycles_per_instruction=1.5,
        radios=("ieee802154",), measured={"ieee802154": Latency(35, 61)},
    )  # fmt: skip
    _, result = plan(capsys, "--board", str(path))
    _, usual = plan(capsys)
    ours, theirs = (r["deployments"][0]["radios"]["ieee802154"] for r in (result, usual))
    assert result["warnings"] == usual["warnings"] == []
    assert ours["compute_us"] == pytest.approx(theirs["compute_us"] * 1.5 / 1.8, rel=1e-3)
    assert ours["energy_mj"] is None
    currents = {"transmit_ma": 6, "receive_802154_ma": 6, "compute_ma": 0}
    path.write_text(json.dumps(FILE | {"currents": currents}))
    _, result = plan(capsys, "--board", str(path))
    ours = result["deployments"][0]["radios"]["ieee802154"]
    on = ours["energy_of"]["transmit_us"] + ours["energy_of"]["listen_us"]
    assert ours["energy_mj"] == pytest.approx(3 * 6 * on * 1e-6)
    path.write_text(json.dumps(FILE | {"cycles_per_instruction": None}))
    assert read_board(path).cycles_per_instruction == 1.8


def test_slots_that_a_board_cannot_keep_are_told(tmp_path, capsys):
    path = tmp_path / "board.json"
    slow = {"hand_us": RADIOS["ieee802154"].hand_us + 1, "tick_us": 400}
    path.write_text(json.dumps(FILE | {"radios": {"ieee802154": slow}}))
    assert main(["plan", *SHAPE, "--board", str(path)]) == 0
    said = capsys.readouterr().out
    assert "ieee802154: a frame is sent 41 us on this board, slots are planned for 40" in said
    assert "ieee802154: a wake-up is late by 400 us on this board, slots are planned for 61" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rom": 1}, "$.rom: unknown, one of board, ram"),
        ({"board": 7}, "$.board: expected str, got int"),
        ({"ram": None}, "board.json does not say it: give --ram"),
        ({"clock_hz": None}, "board.json does not say it: give --clock"),
        ({"ram": "256K"}, "$.ram: expected int, got str"),
        ({"clock_hz": 0}, "$.clock_hz: expected float > 0.0"),
        ({"flash": True}, "$.flash: expected int, got bool"),
        ({"cycles_per_instruction": float("inf")}, "JSON is malformed"),
        ({"radios": ["ble"]}, "$.radios: expected a mapping, got a list"),
        ({"radios": {"lora": {}}}, "$.radios[...].hand_us: missing"),
        ({"radios": {"ble": {"hand_us": 3}}}, "$.radios[...].tick_us: missing"),
        (
            {"radios": {"ble": {"hand_us": -3, "tick_us": 1}}},
            "$.radios[...].hand_us: expected float >= 0",
        ),
        ({"currents": {"sleep_ma": 1}}, "$.currents.sleep_ma: unknown, one of volts, transmit_ma"),
    ],
)
def test_bad_files_are_refused_in_a_line(tmp_path, capsys, change, said):
    path = tmp_path / "board.json"
    path.write_text(json.dumps(FILE | change))
    assert main(["plan", *SHAPE, "--board", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_file_that_is_not_there(capsys):
    assert main(["plan", *SHAPE, "--board", "nowhere.json"]) == 2
    assert (
        "a board's file (samples/calibrate) nowhere.json: it is missing" in capsys.readouterr().err
    )
    assert board_named("nrf52840").clock_hz == 64e6
