# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that sleep: the windows of a meeting, batteries, ``cats plan --period``."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cats.arguments import duration
from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.plan.battery import BATTERIES, Battery, battery_named, life, peak_ma
from cats.plan.boards import BOARDS
from cats.plan.code_time import code_time
from cats.plan.energy import NRF52840, Currents, Duty
from cats.plan.planner import make_plan
from cats.plan.predict import planned_duty, quiet_duties
from cats.plan.radio import KERNEL_TICKS_US, RADIOS
from cats.plan.sleep import Meeting, Rhythm, meeting
from cats.plan.timing import listening_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from command_line import status

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "samples/node/deploy"
TRANSPORTS = ROOT / "subsys/cats/transport"
SPLIT = ("meeting_ua", "inference_ua", "computing_ua", "sleep_ua", "searching_ua",
         "self_discharge_ua")  # fmt: skip
#: A round radio: code takes no time.
QUICK = replace(RADIOS["nrf_radio"], code=replace(code_time(), cycles=0.0))
EVERY_10_S = Rhythm(10e6, 10e6, ppm=50.0, jitter_us=61.0)


def small(nodes: int, radio: str = "nrf_radio"):
    config = ModelConfig(
        tokens_in=8, inputs=8, outputs=10, features=32, heads=4, hidden=64, blocks=1
    )
    split = SplitConfig.even(config, nodes)
    return make_plan(config, split, full_keep(config, split), radio=radio)


def planned(capsys: pytest.CaptureFixture, *options: str) -> dict:
    assert status("plan", *options, "--json", "-") == 0
    return json.loads(capsys.readouterr().out)


def test_guard_time() -> None:
    """36 us of spread, twice 61 of jitter; 2 * 50 ppm of 10 s, or what is left when 20 s have told
    the drift: 6.25 ppm, and 122 us in 20 s."""
    own = Meeting(QUICK, 4, control_us=250, turn_us=100, slot_us=320)
    assert own.spread_us == 20 + 16
    assert own.guard_us(EVERY_10_S, learned=False) == pytest.approx(36 + 122 + 1000)
    assert own.guard_us(EVERY_10_S) == pytest.approx(36 + 122 + 62.5 + 61)
    minute = Rhythm(60e6, 60e6)
    assert own.guard_us(minute) == pytest.approx(36 + 122 + 375 + 122)
    # Where nothing is to be learned it never gets worse than not knowing, nor than a quarter.
    assert own.guard_us(Rhythm(10e6, 10e6, ppm=1.0)) == pytest.approx(36 + 122 + 20)
    assert own.guard_us(Rhythm(400.0, 400.0)) == 100
    assert replace(own, radio=RADIOS["ieee802154"]).spread_us == 320 / 32 + 16


def test_windows_of_a_meeting() -> None:
    """A beacon of 20 bytes and 11 around it takes 164 us, 40 of them before its start."""
    own = Meeting(QUICK, 4, control_us=250, turn_us=100, slot_us=320)
    lead, guard = QUICK.lead_us, own.guard_us(EVERY_10_S)
    assert (own.begin_us, own.answer_us, own.whole_us) == (600, 1200, 1700)
    assert own.leader(begins=False) == Duty(164, 600 - lead + 36 + 48, 0)
    assert own.leader(begins=True) == Duty(164, lead + 600 - 164, 0)
    idle = own.follower(EVERY_10_S, begins=False)
    assert (idle.transmit_us, idle.listen_us) == (0, guard + 124 + 500 + 72 + 2 * 48)
    assert own.follower(EVERY_10_S, begins=True).listen_us == guard + 600 + 48
    # Of two nodes only one can ask.
    assert replace(own, nodes=2).answer_us == own.answer_us - 250


def test_what_a_radio_needs_to_start() -> None:
    """A gap that is too short for a rest is none; one before an own frame may be one, too."""
    coarse = replace(QUICK, start_us=100.0, rest_us=300.0)
    assert [coarse.pause_us(gap) for gap in (-5, 50, 400, 401)] == [0, 50, 400, 100]
    own = Meeting(QUICK, 4, control_us=250, turn_us=100, slot_us=320)
    gap = 600 - 36 - 164
    for radio, more in (
        (coarse, 100),
        (replace(coarse, start_to_send=True), 100 + gap),
        (replace(coarse, start_to_send=True, rest_us=299.0), 100 + 100),
    ):
        idle = replace(own, radio=radio).leader(begins=False)
        assert idle.listen_us == 600 - QUICK.lead_us + 36 + more


def test_radios_start_as_transports_do() -> None:
    def of(name: str, file: str) -> float:
        text = (TRANSPORTS / file).read_text()
        return float(re.search(rf"#define {name} +(\d+)", text)[1])

    def default(name: str, file: str) -> float:
        text = (TRANSPORTS / file).read_text().split(f"config {name}\n")[1]
        return float(re.search(r"default (\d+)", text)[1])

    nrf, ieee, ble = (RADIOS[name] for name in ("nrf_radio", "ieee802154", "ble"))
    assert (nrf.start_us, nrf.rest_us) == (
        of("LISTEN_US", "nrf_radio.c"),
        of("REST_US", "nrf_radio.c"),
    )
    alarm = 2.5 * KERNEL_TICKS_US
    started = default("CATS_IEEE802154_START_US", "Kconfig.ieee802154")
    assert ieee.start_us == pytest.approx(started + alarm)
    assert ieee.rest_us == of("REST_US", "ieee802154.c")
    assert ble.start_us == default("CATS_BLE_START_US", "Kconfig.ble") / 2
    assert ble.rest_us == of("REST_US", "ble.c")


@pytest.mark.parametrize(
    ("radio", "most"), [("nrf_radio", 0.0025), ("ieee802154", 0.006), ("ble", 0.02)]
)
@pytest.mark.parametrize("nodes", [2, 4])
def test_radio_is_hardly_on(radio: str, most: float, nodes: int) -> None:
    own = meeting(small(nodes, radio))
    for period, share in ((1e6, most), (60e6, 0.0005)):
        rhythm = Rhythm(period, period)
        for duty in (own.leader(begins=False), own.follower(rhythm, begins=False)):
            assert 0 < duty.radio_us < share * period


def test_days_by_hand() -> None:
    """One node: 10 ms of 3 mA every 10 s, and 2 uA for the rest."""
    currents = Currents(compute_ma=3.0, sleep_ua=2.0)
    own = life(
        small(1),
        *[[Duty(0, 0, 10_000)]] * 2,
        10_000,
        currents,
        EVERY_10_S,
        battery_named("1000mAh"),
    )
    assert own["follower"] is None
    assert [own["leader"][name] for name in SPLIT] == pytest.approx([0, 0, 3, 2 * 0.999, 0, 0])
    assert own["node_days"] == pytest.approx(1000 / 4.998e-3 / 24)
    # 1 % of 1,000 mAh a year is 1.14 uA.
    cell = BATTERIES["CR2477"]
    assert cell.self_discharge_ua == pytest.approx(10_000 / 24 / 365.25)
    longer = life(small(1), *[[Duty(0, 0, 10_000)]] * 2, 10_000, currents, EVERY_10_S, cell)
    assert longer["node_days"] == pytest.approx(1000 / 6.1388e-3 / 24, rel=1e-4)


def test_days_of_several_by_hand() -> None:
    """All currents of the radio are 10 mA, so microseconds on are microcoulombs by hundred."""
    plan, rhythm = small(4), Rhythm(1e6, 10e6)
    currents = Currents(3.0, 10.0, 10.0, 10.0, 5.0, 0.0, sleep_ua=2.0)
    duties = [Duty(1000, 9000, 500)] * 4
    own = life(plan, duties, duties, 10_000, currents, rhythm, Battery("full", 100))
    windows = meeting(plan)
    for role, begins, idle in (
        ("leader", windows.leader(begins=True), windows.leader(begins=False)),
        (
            "follower",
            windows.follower(rhythm, begins=True),
            windows.follower(rhythm, begins=False),
        ),
    ):
        node = own[role]
        met = begins.radio_us + 9 * idle.radio_us
        assert node["meeting_ua"] == pytest.approx(met * 1e-3)
        assert node["inference_ua"] == pytest.approx(10.0)
        assert node["computing_ua"] == 0
        searched = 3.25 + 0.375 * node["node"]
        assert node["searching_ua"] == pytest.approx(searched * 1e4 / (365.25 * 86400))
        assert node["sleep_ua"] == pytest.approx(2 * (1 - (met + 10_000) / 1e7), rel=1e-6)
        assert node["average_ua"] == pytest.approx(sum(node[name] for name in SPLIT))
        assert node["days"] == pytest.approx(100e3 / node["average_ua"] / 24)
    # With an inference a day a leader looks around for a period after 4,096 meetings: 21 times.
    rare = life(plan, duties, duties, 10_000, currents, Rhythm(1e6, 86400e6), Battery("full", 100))
    assert rare["leader"]["searching_ua"] == pytest.approx(21 * 1e4 / 86400, rel=1e-3)


def test_what_is_not_known_is_not_told() -> None:
    plan, duties = small(4), [Duty(1000, 9000, 500)] * 4
    cell = BATTERIES["CR2477"]

    def reason(currents: Currents = NRF52840, rhythm: Rhythm = EVERY_10_S) -> str:
        own = life(plan, duties, duties, 10_000, currents, rhythm, cell)
        assert own["node_days"] is own["leader"] is own["follower"] is None
        return own["reason"]

    assert "sleep" in reason(BOARDS["nrf52833"].currents)
    assert "a current of the board" in reason(Currents(sleep_ua=1.0))
    assert "longer than until the next" in reason(rhythm=Rhythm(9000, 9000))
    assert "too much of the period" in reason(rhythm=Rhythm(1000, 1e6))


def test_batteries() -> None:
    assert battery_named("cr2477").capacity_mah == 1000
    assert battery_named("1200mAh") == Battery("1200mAh", 1200)
    for text in ("CR", "0mAh", "mAh", "1e9mAh", "9999999999mAh", "CR2477 "):
        with pytest.raises(CatsError, match="one of CR2032"):
            battery_named(text)
    assert peak_ma(NRF52840, "nrf_radio", 4) == pytest.approx(6.40 + 2.34)
    assert peak_ma(NRF52840, "ieee802154+secure", 4) == pytest.approx(6.53 + 2.34)
    assert peak_ma(NRF52840, "nrf_radio", 1) == 3.3
    (line,) = BATTERIES["CR2032"].warnings(8.6, 30_000)
    assert "6.8 mA" in line and "8.6 mA for up to 30 ms" in line
    assert "no pulse current" in BATTERIES["CR2477"].warnings(8.6, 30_000)[0]
    assert not BATTERIES["CR2450"].warnings(8.6, 30_000)
    assert not BATTERIES["2xAA"].warnings(100.0, 30_000)


#: Of the digits' leader and node 1 on the simulated air: microseconds with the radio on in an
#: inference, own frames not counted, where receivers are off when nothing comes.
SIMULATED = {0: (14_083, 18_391), 2: (16_464, 18_723)}


@pytest.mark.parametrize("rounds", SIMULATED)
def test_receivers_off_in_an_inference(rounds: int) -> None:
    model, *_ = load_deploy(DEPLOY)
    shape = (model.config, model.split, model.keep)
    plan = make_plan(*shape, radio="nrf_radio", rounds=rounds)
    on, quiet = listening_us(*shape, plan), quiet_duties(*shape, plan)
    for node, simulated in enumerate(SIMULATED[rounds]):
        assert on[node] == pytest.approx(simulated, rel=0.1)
        assert quiet[node].listen_us == on[node]
        assert on[node] < 0.9 * planned_duty(*shape, plan, node).listen_us


@pytest.mark.parametrize("radio", ["ieee802154", "ble"])
def test_drivers_listen_in_an_inference(radio: str) -> None:
    model, *_ = load_deploy(DEPLOY)
    shape = (model.config, model.split, model.keep)
    plan = make_plan(*shape, radio=radio)
    assert quiet_duties(*shape, plan) == [planned_duty(*shape, plan, node) for node in range(4)]


@pytest.mark.parametrize(
    ("text", "us"),
    [("10ms", 1e4), ("2.5s", 2.5e6), ("10 s", 1e7), ("5min", 3e8), ("1h", 3.6e9), ("2d", 1.728e11)],
)
def test_durations(text: str, us: float) -> None:
    assert duration("1ms", "365d")(text) == us


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--period", "10", "--battery", "CR2477"], "no duration from 10ms to 10min: write 10ms"),
        (["--period", "5ms", "--battery", "CR2477"], "'5ms' is no duration from 10ms to 10min"),
        (["--period", "1h", "--battery", "CR2477"], "no duration"),
        (["--period", "nans", "--battery", "CR2477"], "no duration"),
        (["--period=-1s", "--battery", "CR2477"], "no duration"),
        (["--period", "10s", "--every", "1e3s", "--battery", "CR2477"], "no duration"),
        (["--period", "10s"], "--period goes with --battery"),
        (["--battery", "CR2477"], "--battery goes with --period"),
        (["--every", "10s"], "--every goes with --period"),
        (["--period", "10s", "--battery", "PP3"], "battery 'PP3': one of CR2032"),
        (["--period", "10s", "--every", "1s", "--battery", "CR2477"], "every 1 s, but nodes meet"),
        (["--period", "10s", "--battery", "CR2477", "--clock-ppm=-1"], "no number from 1 to 500"),
    ],
)
def test_wrong_input_is_told_in_a_line(
    capsys: pytest.CaptureFixture, options: list[str], says: str
) -> None:
    assert status("plan", DEPLOY, *options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert says in line


def test_digits_last_years(capsys: pytest.CaptureFixture) -> None:
    """An inference of the digits every 10 s on 4 nodes over nrf_radio: at least 900 days of a
    CR2477."""
    found = planned(
        capsys, str(DEPLOY), "--radio", "nrf_radio", "--nodes", "4", "--period", "10s",
        "--battery", "CR2477",
    )  # fmt: skip
    sleep = found["sleep"]
    assert sleep["node_days"] >= 900
    assert (sleep["nodes"], sleep["radio"]) == (4, "nrf_radio")
    assert (sleep["period_s"], sleep["every_s"], sleep["clock_ppm"]) == (10, 10, 50)
    assert sleep["battery"]["capacity_mah"] == 1000 and sleep["sleep_ua"] == 3.16
    own = found["deployments"][0]["radios"]["nrf_radio"]["life"]
    assert own["node_days"] == sleep["node_days"]
    assert own["receiver_in_inference"] == "off where nothing comes"
    other = found["deployments"][0]["radios"]["ieee802154"]["life"]
    assert other["receiver_in_inference"] == "on"
    assert other["node_days"] == other["receiver_on_in_inference_days"]
    for role in ("leader", "follower"):
        assert {"node", "days", "average_ua", *SPLIT} <= own[role].keys()
        assert own["node_days"] <= own[role]["days"]
    # Receivers that are always on empty it in a week; one board needs no radio at all.
    rivals = sleep["rivals"]
    assert 6 < rivals["receivers_always_on_days"] < 7
    assert 900 < rivals["receiver_on_in_inference_days"] < 0.9 * own["node_days"]
    assert own["node_days"] < rivals["one_board_days"]
    assert rivals["input_to_gateway_days"] > own["node_days"]
    assert any("CR2477" in line for line in found["warnings"])


def test_tables_for_people(capsys: pytest.CaptureFixture) -> None:
    shape = ["--features", "32", "--tokens", "8", "--heads", "4", "--nodes", "1,2"]
    words = [*shape, "--period", "1s", "--every", "1min", "--battery", "2xAA"]
    assert status("plan", *words) == 0
    said = capsys.readouterr().out
    for text in ("days of a 2xAA (2,500 mAh)", "self-discharge", "follower", "no board was"):
        assert text in said
    # Without the options nothing changes; a board's own current counts.
    plain = planned(capsys, *shape)
    assert "sleep" not in plain and "life" not in plain["one_board"]["radios"]["nrf_radio"]
    ours, worse = (
        planned(capsys, *words, *more)["sleep"]["node_days"]
        for more in ((), ("--sleep-current", "100"))
    )
    assert 1 / worse - 1 / ours == pytest.approx((100 - 3.16) * 24 / 2.5e6, rel=0.01)
    assert status("plan", *words, "--board", "nrf52833") == 0
    assert "in its sleep is not known" in capsys.readouterr().out
