# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that sleep between meetings, on BabbleSim: for how long their radios are on, by the channel
and not by their own word, and that every fault ends within the time that is stated. Crystals are
100 ppm apart; every output is the reference's for what arrived."""

import csv
import json

import pytest

from cats.cli import main
from cats.deploy.export import export, load_deploy
from cats.integer.random_models import random_inputs
from cats.plan.sleep import Rhythm, meeting
from cats.zephyr import bsim
from cats.zephyr.workspace import source_tree
from report import radio_cells as cells
from report import sleep_cells as sleep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
S, MINUTE = 1_000_000, 60_000_000
NRF, SEALED = "nrf_radio", "nrf_radio+secure"
#: What a node's own statistics, and the plan, may differ from what the channel says.
CLOSE = 0.1
#: And the plan from meetings a minute apart, in which clocks differ by more or less.
CLOSE_MINUTE = 0.15
#: The most of the time that a radio is on at (radio, period).
MOST = {
    (NRF, S): 0.0025, (NRF, MINUTE): 0.0005, ("ieee802154", S): 0.006,
    ("ieee802154", MINUTE): 0.0005, ("ble", S): 0.022, ("ble", MINUTE): 0.0005,
}  # fmt: skip
#: Those that go by a driver of Zephyr's, and what their statistics may differ from what the channel
#: says: a scan by Bluetooth has gaps of which a node does not know.
DRIVERS = {"ieee802154": CLOSE, "ble": 0.15}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A function: a small deployment for a transport, once."""
    made = {}

    def get(radio=NRF, nodes=4, seed=7):
        key = radio, nodes, seed
        if key not in made:
            folder = tmp_path_factory.mktemp("deploy")
            made[key] = cells.deploy(folder, cells.small(nodes), nodes, radio, seed, rounds=2)
        return made[key]

    return get


@pytest.fixture
def sleepers(program, tmp_path):
    """A function: a run of ``report.sleep_cells.scenario``, with the program for a radio."""

    def play(made, fault="drift", **options):
        node = program(f"{made.radio}+sleep")
        return sleep.scenario(node, made, fault, tmp_path / "results", **options)

    return play


def settled_us(run):
    """They have found each other, and learned each other's drift twice."""
    period = run.period_us
    return sleep.search_us(run.made, period) + max(2 * 16 * S, 3 * period) + 2 * period


def check_shares(run, most, planned, close=CLOSE):
    """Radios are on at most so much; the node's own statistics and the plan say the same."""
    rhythm = Rhythm(run.period_us, run.period_us, cells.DRIFT_PPM)
    windows = meeting(load_deploy(run.made.folder)[1])
    shares = run.shares(settled_us(run))
    duties = windows.leader(begins=False), windows.follower(rhythm, begins=False)
    plans = [duty.radio_us / run.period_us for duty in duties]
    followers = [on for on, _ in shares[1:]]
    print(
        f"{run.made.radio}, {run.made.nodes} nodes, T {run.period_us / S:g} s: leader "
        f"{shares[0][0]:.4%} (plan {plans[0]:.4%}, own {shares[0][1]:.4%}), followers "
        f"{min(followers):.4%} to {max(followers):.4%} (plan {plans[1]:.4%}, own "
        f"{shares[1][1]:.4%})"
    )
    assert max(on for on, _ in shares) <= most
    for number, (on, own) in enumerate(shares):
        assert own == pytest.approx(on, rel=close), number
    if planned:
        mean = sum(followers) / len(followers)
        assert plans == pytest.approx(
            [shares[0][0], mean], rel=CLOSE if run.period_us == S else CLOSE_MINUTE
        )


@pytest.mark.short
@pytest.mark.parametrize("loss", [0.0, cells.LOSS])
@pytest.mark.parametrize("nodes", [4, 16])
def test_radios_are_off(sleepers, deployed, nodes, loss):
    """A thousand meetings without an inference, one a second."""
    (run,) = sleepers(deployed(NRF, nodes), loss=loss)
    check_shares(run, MOST[NRF, S], planned=loss == 0)
    assert loss or all(log.meetings[-1].missed == 0 for log in run.logs)


@pytest.mark.parametrize("loss", [0.0, cells.LOSS])
@pytest.mark.parametrize("nodes", [4, 16])
def test_radios_are_off_for_a_minute(sleepers, deployed, nodes, loss):
    (run,) = sleepers(deployed(NRF, nodes), loss=loss, period_us=MINUTE)
    check_shares(run, MOST[NRF, MINUTE], planned=loss == 0)


@pytest.mark.parametrize("loss", [0.0, cells.LOSS])
@pytest.mark.parametrize("nodes", [4, 16])
@pytest.mark.parametrize("period", [S, MINUTE])
@pytest.mark.parametrize("radio", DRIVERS)
def test_radios_of_drivers_are_off(sleepers, deployed, radio, period, nodes, loss):
    (run,) = sleepers(deployed(radio, nodes), loss=loss, period_us=period)
    check_shares(run, MOST[radio, period], planned=loss == 0, close=DRIVERS[radio])


def check_back(run, fault, loss):
    """All are back in time, and nobody is away at another time."""
    apart = run.apart()
    print(fault, [f"{b / S:.0f} s: {(e - b) / run.period_us:.0f} periods" for b, e in apart],
          "missed", [log.meetings[-1].missed for log in run.logs])  # fmt: skip
    search = sleep.search_us(run.made, run.period_us)
    end = run.until_us - 2 * run.period_us
    for begin, back in apart:
        if begin < search:
            assert back <= search + 3 * run.period_us
        else:
            moment = sleep.ASLEEP * run.period_us < run.at_us <= begin + 2 * run.period_us
            behind = begin - run.at_us
            near = moment and behind < 4 * run.period_us
            assert loss or near, (begin, back)
            assert back - begin <= (sleep.allowed_us(run, fault) if near else 5 * run.period_us)
            assert back < end
    for log in run.logs:
        assert log.stopped in ("done", "killed")
        assert loss or run.without(log) <= 3 or fault == "change"


@pytest.mark.parametrize("loss", [0.0, cells.LOSS])
@pytest.mark.parametrize("fault", sleep.FAULTS)
def test_faults(sleepers, deployed, fault, loss):
    """A thousand meetings, one a second."""
    other = deployed(NRF, 4, 8) if fault == "neighbour" else None
    runs = sleepers(deployed(), fault, loss=loss, other=other)
    for run in runs:
        check_back(run, fault, loss or fault == "loss")


@pytest.mark.parametrize("fault", ["leader killed", "leader reset", "late"])
def test_faults_of_sixteen(sleepers, deployed, fault):
    (run,) = sleepers(deployed(NRF, 16), fault, meetings=300)
    check_back(run, fault, 0)


def begun(run):
    """Inferences of which a device began and did not end any but its last one."""
    return [
        number
        for log in run.logs
        for number in list(dict.fromkeys(key[0] for key in log.heard))[:-1]
        if number not in {result.number for result in log.results}
    ]


def asking(made, nodes, every_us, meetings=300, period_us=S):
    """All nodes, of which ``nodes`` submit an input so long behind the last result."""
    return [
        sleep.with_options(device, submit=int(device.node in nodes), gap=int(every_us))
        for device in sleep.devices(made, period_us, meetings)
    ]


#: (who submits, so long behind the last result, the least inferences of 300 seconds).
ASKED = {
    "leader": ({0}, 9.5 * S, 28),
    "follower": ({2}, 9.5 * S, 26),
    "any": ({0, 1, 2, 3}, 7.3 * S, 35),
    "each meeting": ({0}, 0.1 * S, 280),
}


@pytest.mark.parametrize("loss", [0.0, cells.LOSS])
@pytest.mark.parametrize("who", ASKED)
def test_inferences(program, deployed, tmp_path, who, loss):
    """On demand at any node, and at each meeting: soon, whole, the reference's."""
    nodes, gap, least = ASKED[who]
    made = deployed()
    devices = asking(made, nodes, gap)
    (run,) = sleep.play(program(f"{NRF}+sleep"), made, devices, tmp_path / "run", loss=loss)
    count, wrong = sleep.compared(run)
    results = [result for log in run.logs for result in log.results]
    delivered = 1 - sum(r.lost for r in results) / sum(r.fragments for r in results)
    waits = [
        result.time_us - dict(log.submitted)[result.sample]
        for log in run.logs
        for result in log.results
        if result.sample >= 0
    ]
    print(who, loss, [len(log.results) for log in run.logs], count, f"{delivered:.2%}",
          f"{max(waits) / S:.2f} s at most")  # fmt: skip
    assert wrong == 0 and not begun(run) and count == len(results)
    assert len(run.logs[0].results) >= least * (0.9 if loss else 1)
    assert delivered >= (0.98 if loss else 1.0)
    assert max(waits) < (20 if loss else 12) * S
    if not loss:
        assert len({len(log.results) for log in run.logs}) == 1
        assert all(log.meetings[-1].missed == 0 for log in run.logs)


@pytest.mark.parametrize("fault", ["loss", "steps", "reset", "leader reset", "leader killed",
                                   "leader late", "neighbour"])  # fmt: skip
def test_inferences_through_faults(sleepers, deployed, fault):
    """All ask every ten seconds, on a lossy air: no output is wrong, no inference hangs."""
    other = deployed(NRF, 4, 8) if fault == "neighbour" else None
    options = {"submit": 1, "gap": int(9.5 * S)}
    runs = sleepers(deployed(), fault, loss=cells.LOSS, other=other, meetings=600, **options)
    for run in runs:
        count, wrong = sleep.compared(run)
        last = [log.results[-1].time_us for log in run.logs if log.stopped == "done"]
        print(fault, count, wrong, [len(log.results) for log in run.logs])
        assert count > 100 and wrong == 0 and not begun(run)
        assert min(last) > run.until_us - 60 * S


def numbers(run, device):
    """Numbers of the sealed frames that a device sent: bytes 2 and 3 of the header, and the three
    behind it."""
    with (run.results / f"d_2G4_{device:02}.Tx.csv").open(newline="") as file:
        frames = [bytes.fromhex(row["packet"])[2:] for row in csv.DictReader(file)]
    return [int.from_bytes(frame[2:4] + frame[10:13], "little") for frame in frames]


@pytest.mark.parametrize("fault", ["drift", "loss", "leader killed", "late"])
def test_sealed(sleepers, deployed, fault):
    """A number a frame of all together, each node's ascending, and no write to the flash but those
    of the start."""
    (run,) = sleepers(deployed(SEALED), fault)
    check_back(run, fault, fault == "loss")
    every = [numbers(run, device) for device in range(len(run.logs))]
    for device, log in enumerate(run.logs):
        used = every[device]
        assert used == sorted(set(used)) and sum(log.refused.values()) == 0
        if log.stopped == "done":
            print(fault, device, len(used), log.writes)
            assert log.writes <= 4
    spoken = [used for used in every if used]
    assert max(map(max, spoken)) - min(map(min, spoken)) <= sum(map(len, spoken)) < 1300


def test_numbers_are_set_aside_by_strides(tmp_path, deployed):
    """A stride of 64 frames: the leader writes once for each, the others for what they hear."""
    node = bsim.build(f"{SEALED}+sleep", tmp_path / "build", ["CONFIG_CATS_SECURE_STRIDE=64"])
    (run,) = sleep.scenario(node, deployed(SEALED), "drift", tmp_path / "run", meetings=640)
    print([(len(numbers(run, n)), log.writes) for n, log in enumerate(run.logs)])
    for log in run.logs:
        assert log.writes <= 640 / 64 * 2 + 5


@pytest.mark.parametrize(("period", "meetings"), [(S, 5000), (10 * MINUTE, 40)])
def test_time_wraps(sleepers, deployed, period, meetings):
    """Beyond the 71 minutes of 32 bits, with inferences in between."""
    (run,) = sleepers(deployed(), period_us=period, meetings=meetings, submit=1,
                      gap=int(min(period * 7.5, 4 * 10 * MINUTE)))  # fmt: skip
    check_back(run, "drift", 0)
    count, wrong = sleep.compared(run)
    print(period, run.until_us / MINUTE, count, [log.meetings[-1].missed for log in run.logs])
    assert run.until_us > 80 * MINUTE and count > 10 and wrong == 0 and not begun(run)
    assert all(log.meetings[-1].missed == 0 for log in run.logs)


def test_digits(program, tmp_path, capsys):
    """An inference of the sample every ten seconds: radios are on for as long as the plan says."""
    sample = source_tree() / "samples" / "node" / "deploy"
    file = tmp_path / "plan.json"
    assert main(["plan", str(sample), "--period", "10s", "--battery", "CR2477",
                 "--json", str(file)]) == 0  # fmt: skip
    capsys.readouterr()
    told = json.loads(file.read_text())
    life = next(d for d in told["deployments"] if d["nodes"] == 4)["radios"][NRF]["life"]
    model = load_deploy(sample)[0]
    export(model, tmp_path / "deploy", formats="image", radio=NRF, rounds=told["rounds"])
    made = cells.prepare(tmp_path / "deploy", random_inputs(1, model.config, 8))
    devices = asking(made, {0, 1, 2, 3}, 5 * S, meetings=60, period_us=10 * S)
    (run,) = sleep.play(program(f"{NRF}+sleep"), made, devices, tmp_path / "run")
    count, wrong = sleep.compared(run)
    assert count >= 4 * 50 and wrong == 0
    planned = [life[role]["beginning_meeting_radio_us"] + life[role]["inference_radio_us"]
               for role in ("leader", "follower")]  # fmt: skip
    shares = run.shares(settled_us(run))
    on, own = ([part[i] * run.period_us for part in shares] for i in (0, 1))
    days = life["node_days"]
    print(f"digits: on {[round(us) for us in on]} us of 10 s, own {[round(us) for us in own]}, "
          f"plan {planned}, {days:.0f} days")  # fmt: skip
    assert days >= 900
    assert on[0] == pytest.approx(planned[0], rel=CLOSE)
    assert max(on[1:]) == pytest.approx(planned[1], rel=CLOSE)
    assert own == pytest.approx(on, rel=CLOSE)
