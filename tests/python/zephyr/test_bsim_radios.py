# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""All transports on BabbleSim: real drivers, drifting crystals, losses and every fault. Every
output is the reference's for what arrived, every inference ends, the plan's times are the air's."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cats.deploy.export import export, load_deploy
from cats.integer.random_models import random_inputs, random_model
from cats.plan.radio import RADIOS, SEALED
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep, local_keep
from cats.sim.simulate import simulate
from cats.zephyr import bsim
from report import radio as report
from report import radio_cells as cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
INTRUDED = "nrf_radio+secure"
#: Receivers that are off where nothing comes.
OFF = "nrf_radio+off"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A function: a small deployment for a transport, once."""
    made = {}

    def get(radio, nodes=4, seed=7, model=cells.small):
        key = radio, nodes, seed, model
        if key not in made:
            folder = tmp_path_factory.mktemp("deploy")
            made[key] = cells.deploy(folder, model(nodes), nodes, radio, seed, rounds=2)
        return made[key]

    return get


def good(run, delivered=0.0):
    """What came of a run in which nothing hung and every output is the reference's."""
    found = cells.outcome(run)
    assert found.good and found.delivered >= delivered, found
    return found


LEAST = {"clean": 1.0, "drift": 1.0, "loss": 0.98}
#: What `make test` runs of the faults.
SHORT = ("drift", "loss")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[pytest.mark.short] if fault in SHORT else [])
        for fault in cells.FAULTS
        if fault != "intruder"
    ],
)
@pytest.mark.parametrize("radio", [*cells.TRANSPORTS, OFF])
def test_faults(program, deployed, radio, fault):
    """Four nodes, with each fault; crystals are 100 ppm apart in all but the first."""
    plain = radio.removesuffix("+off")
    other = deployed(plain, 2, 8) if fault == "neighbour" else None
    run = cells.scenario(program(radio), deployed(plain), fault, 6, other)
    found = good(run, LEAST.get(fault, 0.4))
    assert found.inferences >= 6
    assert fault not in ("clean", "drift") or found.late == 0
    if fault in ("clean", "drift", "loss"):
        assert found.takeovers == 0 and all(len(log.results) == 6 for log in run.logs)
    if fault == "loss":
        assert sum(log.total("repaired") for log in run.logs) > 0
    if fault == "leader killed":
        assert found.takeovers > 0
    if fault == "late":
        assert 0 < len(run.logs[3].results) < 6
    if "reset" in fault:
        assert run.logs[4].results, "restarted, it takes part again"
    if fault == "neighbour" and radio != "ble":
        assert found.foreign > 0


@pytest.mark.short
@pytest.mark.parametrize("sealed", ["", SEALED])
@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_nothing_is_late(program, tmp_path, radio, sealed):
    """Code takes time, and every frame is ready for its slot: of a small model, and of a gather
    with many fragments a source. As long as the simulated air has it, and longer than without."""
    latency = {}
    for code_time in (True, False):
        made = cells.deploy(
            tmp_path, cells.small(4), 4, radio + sealed, code_time=code_time, rounds=2
        )
        found = good(cells.scenario(program(radio + sealed), made, "clean", 3), 1.0)
        assert found.late == 0 and found.missed == 0
        model, plan, _, images = load_deploy(made.folder)
        settings = report.settings(made)
        expected = simulate(model, plan, made.inputs, settings=settings, images=images)
        latency[code_time] = found.latency_us
        assert found.latency_us == pytest.approx(expected.latency_us[1:, 0].mean(), rel=0.03)
    assert latency[True] > latency[False]
    made = cells.deploy(
        tmp_path, cells.wide(4, 832), 4, radio + sealed, rounds=2, tile_rows=16, interleave=False
    )
    found = good(cells.scenario(program(radio + sealed), made, "drift", 2), 1.0)
    assert found.late == 0


@pytest.mark.short
@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_each_node_senses(program, tmp_path, radio):
    """What a node computes of its own input when it hears of an inference is ready for its slot:
    without repair the hub has the columns of every stem."""
    config = ModelConfig(
        tokens_in=8, inputs=64, outputs=4, features=32, heads=4, hidden=64, blocks=1,
        embed="stem", embed_hidden=32, signed_stem=True,
    )  # fmt: skip
    split = SplitConfig.by_shares(config, (1, 0, 0, 0), "channels", "single", 4)
    keep = local_keep(config, full_keep(config, split), config.blocks)
    keep[-2] = [()] * split.nodes
    model = random_model(7, config, split, keep)
    export(model, tmp_path, formats="image", radio=radio)
    made = cells.prepare(tmp_path, random_inputs(7, config, 4))
    found = good(cells.scenario(program(radio), made, "drift", 4), 1.0)
    assert found.late == 0 and found.missed == 0 and found.inferences == 4


def listens(run):
    """Share of their inferences in which the nodes' radios were on."""
    spans = sum(result.latency_us for log in run.logs for result in log.results)
    return sum(log.sent_us + log.listened_us for log in run.logs) / spans


@pytest.mark.short
@pytest.mark.parametrize(
    ("model", "nodes", "share"),
    [
        (cells.small, 4, 0.7),
        (cells.small, 16, 0.8),
        (cells.deep, 4, 0.77),
        (cells.deep, 16, 0.82),
    ],
)
def test_receiver_off(program, deployed, model, nodes, share):
    """It is off where nothing comes: everything is delivered, as fast as before, with drift. Of 16
    nodes somebody speaks nearly always, in slots too short for a rest between two."""
    made = deployed("nrf_radio", nodes, model=model)
    runs = {radio: cells.scenario(program(radio), made, "drift", 4) for radio in ("nrf_radio", OFF)}
    before, off = (good(run, 1.0) for run in runs.values())
    assert off.latency_us == pytest.approx(before.latency_us, rel=0.01) and off.late == 0
    shares = [listens(run) for run in runs.values()]
    print(nodes, shares)
    assert 0.99 < shares[0] < 1.01 and shares[1] < share


@pytest.mark.parametrize("fault", ["drift", "intruder"])
def test_sealed(program, deployed, fault):
    """Forged, replayed, changed and foreign frames change no output and stop nothing."""
    found = good(cells.scenario(program(INTRUDED), deployed(INTRUDED), fault, 6), 0.9)
    assert (found.attacks > 100 and found.refused > 100) == (fault == "intruder")


@pytest.mark.parametrize(
    ("radio", "nodes"), [("nrf_radio", 2), ("nrf_radio", 16), ("ieee802154", 2), ("ieee802154", 8)]
)
def test_sizes(program, deployed, radio, nodes):
    """The fewest and the most nodes."""
    found = good(cells.scenario(program(radio), deployed(radio, nodes), "drift", 2), 1.0)
    assert found.late == 0


def test_goals(program, tmp_path):
    """A large gather within 1.25 times the air time of its frames; ten times faster than 260 ms."""
    matrix = report.Matrix(report.Options(tmp_path, inferences=2))
    matrix.programs = {"nrf_radio": program("nrf_radio")}
    for nodes, size in report.GATHERS:
        row = matrix.gather("nrf_radio", nodes, size, 0).work()
        assert row["good"] and row["drift_delivered"] == 1.0
        assert row["ratio"] <= 1.25
        assert size != 832 or row["drift_us"] < report.PROTOTYPE_US / 10


#: (board, transport, repair rounds, runs, inferences of each): 1,000 preemptions and more on the
#: nRF52.
PREEMPTED = {
    "nrf52": (bsim.BOARD, "nrf_radio", 0, 4, 400),
    "repaired": (bsim.BOARD, "nrf_radio", 2, 1, 100),
    "off": (bsim.BOARD, OFF, 2, 1, 200),
    "nrf5340": (bsim.NETWORK_CORE, "nrf_radio", 0, 1, 200),
}


@pytest.mark.parametrize("case", PREEMPTED)
def test_preempted(program, tmp_path, case):
    """Something more urgent holds the driver of nrf_radio for 5 to 500 us at a random place: the
    node is whole again within two exchanges, and the others never stop."""
    board, radio, rounds, runs, inferences = PREEMPTED[case]
    made = cells.deploy(tmp_path, cells.small(4), 4, "nrf_radio", rounds=rounds)
    total, preempted = cells.Recovery(), 0
    for seed in range(1, runs + 1):
        run, found = cells.preempted(program(f"{radio}+preempt", board), made, inferences, seed)
        outcome = good(run, 0.98)
        assert outcome.missed == 0 and outcome.takeovers == 0
        total.add(found)
        preempted += sum(len(log.preempted) for log in run.logs)
    print(case, preempted, total.judged, sorted(total.lasted.items()), len(total.places))
    assert max(total.lasted) <= 2, total.lasted
    assert total.lasted[1] or rounds, "some cost a frame"
    assert total.judged > 0.6 * preempted and len(total.places) > 50
    assert case != "nrf52" or total.judged >= 1000


def test_preempted_while_it_sets_an_alarm(program, tmp_path):
    """Until the alarm has passed: a driver that then waits for it is silent for 71 minutes."""
    made = cells.deploy(tmp_path, cells.small(4), 4, "nrf_radio", rounds=2)
    run, found = cells.held_at_alarms(program("nrf_radio+preempt"), made, 60, one_in=30)
    outcome = good(run, 0.98)
    assert outcome.missed == 0 and outcome.takeovers == 0
    assert found.judged > 20 and max(found.lasted) <= 2, found
    assert len({each.us for each in run.logs[1].preempted}) > 3


def test_network_core(program, deployed):
    """An nRF5340's network core, with DPPI: clean, drifting and with losses."""
    node = program("nrf_radio", bsim.NETWORK_CORE)
    for fault in ("clean", "drift", "loss"):
        found = good(cells.scenario(node, deployed("nrf_radio"), fault, 6), LEAST[fault])
        assert found.inferences == 6 and found.missed == 0
        assert fault == "loss" or found.late == 0


@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_one_frame_in_ten_is_lost(program, tmp_path, radio):
    """What the lossy channel does to frames, where nothing repairs: within three deviations."""
    made = cells.deploy(
        tmp_path, cells.wide(4, 832), 4, radio, rounds=0, tile_rows=16, interleave=False
    )
    found = good(cells.scenario(program(radio), made, "loss", 15))
    deviation = math.sqrt(cells.LOSS * (1 - cells.LOSS) / found.fragments)
    assert abs(1 - found.delivered - cells.LOSS) < 3 * deviation, found


def test_ble_beside_an_application(program, tmp_path):
    """An application at each node advertises, sees its neighbours and is connected to by a phone;
    what that costs is repaired or lost, and told."""
    made = cells.deploy(tmp_path, cells.small(4), 4, "ble", rounds=2)
    run, phone = cells.beside(program("ble+beside"), made, 30)
    found = good(run, 0.9)
    print(found, phone.beside, [log.beside for log in run.logs])
    assert found.inferences == 30
    assert phone.beside[0] >= 3 and sum(log.beside[0] for log in run.logs) >= phone.beside[0]
    assert all(log.beside[1] > 10 for log in run.logs)


def test_chained_advertising(tmp_path, monkeypatch):
    """Frames of 250 bytes, which take two packets with data each."""
    plain = RADIOS["ble"]
    monkeypatch.setitem(RADIOS, "ble", replace(plain, frame=251, guard_us=5000.0))
    made = cells.deploy(
        tmp_path / "deploy", cells.wide(4, 960), 4, "ble", tile_rows=16, interleave=False
    )
    program = bsim.build(
        "ble", tmp_path / "build",
        ["CONFIG_BT_CTLR_ADV_DATA_CHAIN=y", "CONFIG_BT_CTLR_ADV_DATA_LEN_MAX=255",
         "CONFIG_CATS_BLE_MTU=251"],
    )  # fmt: skip
    gathers = load_deploy(made.folder)[1].gathers
    assert max(gather.slot_us for gather in gathers) == RADIOS["ble"].slot_us(250)
    good(cells.scenario(program, made, "drift", 5), 1.0)


@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_slow_node(program, tmp_path, radio):
    """What a node has not computed when its slots come is lost, and it misses whole inferences
    while it computes; the others wait for neither."""
    made = cells.deploy(tmp_path, cells.small(4), 4, radio, rounds=2)
    file = tmp_path / "compute.bin"
    times = np.frombuffer(file.read_bytes(), "<u4").copy()
    node = times[1:].reshape(4, int(times[0]), 2)[3]
    node += load_deploy(made.folder)[1].gathers[1].slot_us * 20
    file.write_bytes(times.tobytes())
    run = cells.scenario(program(radio), made, "drift", 6)
    found = good(run)
    assert found.missed > 0
    for log in run.logs[:3]:
        assert log.total("lost") > 0 and len(log.results) == 6


@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_times_of_plan_and_simulation(program, deployed, tmp_path, radio):
    """`cats plan` and `cats simulate` agree with the air within a tenth."""
    matrix = report.Matrix(report.Options(tmp_path, inferences=3))
    matrix.programs = {radio: program(radio)}
    matrix.made = {("small", radio, 4, 7): deployed(radio)}
    row = matrix.times(radio, 4).work()
    assert row["good"]
    for name, of in (("planned_us", "inference_us"), ("simulated_us", "inference_us"),
                     ("planned_air_us", "air_us"), ("simulated_air_us", "air_us")):  # fmt: skip
        assert row[name] == pytest.approx(row[of], rel=0.1), row
