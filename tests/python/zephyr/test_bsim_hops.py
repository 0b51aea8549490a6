# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Exchanges over several hops on BabbleSim: each link with its own attenuation, one frame in ten
lost on top. Every output is the reference's for what arrived, and no inference hangs."""

import dataclasses

import numpy as np
import pytest

from cats.plan.radio import SEALED
from cats.shape.links import audible
from cats.shape.topologies import PathLoss, topology
from cats.zephyr import bsim
from report import radio_cells as cells
from report import sleep_cells as sleep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
#: Attenuation of the links that an arrangement is made of, dB: a node two hops away is below what
#: the modem hears.
NEAR = 84.0
MODEL = PathLoss(exponent=4.0)
#: So many dB more, and the modem loses one frame in ten.
EDGE = 10.0


def deployed(folder, name, radio="nrf_radio", **options):
    """(A small model over an arrangement's links, their attenuation)."""
    found = topology(name, MODEL)
    links = audible(found.links)
    nodes = len(links)
    made = cells.deploy(folder / "deploy", cells.small(nodes), nodes, radio, links=links, **options)
    attenuation = found.attenuation + NEAR - found.attenuation[found.attenuation > 0].min()
    if name.startswith("grid"):  # made of the diagonals
        attenuation -= attenuation[0, 5] - NEAR
    return made, attenuation


def run(program, folder, name, radio="nrf_radio", inferences=10, change=None, links=None,
        **options):  # fmt: skip
    """(devices' logs, what came of them). ``change``: a function of the devices before they start;
    ``links``: one of the attenuation, what it is later."""
    made, attenuation = deployed(folder, name, radio, **options)
    devices = cells.devices(made, inferences, cells.DRIFT_PPM, loss=100_000, seed=5)
    if change is not None:
        devices = change(devices)
    later = links(attenuation) if links else ()
    logs = bsim.run(
        program, made.folder, devices, seconds=36000,
        **bsim.attenuated(folder / "links", attenuation, later),
    )  # fmt: skip
    came = cells.outcome(cells.Run(made, cells.Fault("clean"), logs, set()))
    assert came.good, came
    return logs, came


@pytest.mark.parametrize("name", ["line:2", "line:3", "line:4", "line:5", "star:7", "grid:4x4"])
def test_arrangements(program, tmp_path, name):
    """Nearly all is delivered, in the time that the plan says."""
    logs, came = run(program("nrf_radio+hops"), tmp_path, name)
    assert all(len(log.results) == 10 for log in logs) and came.takeovers == 0
    assert came.delivered >= 0.985
    assert came.latency_us == pytest.approx(came.planned_us, rel=0.1)


def test_802154(program, tmp_path):
    logs, came = run(program("ieee802154+hops"), tmp_path, "line:3", "ieee802154", 6)
    assert all(len(log.results) == 6 for log in logs) and came.delivered >= 0.985


def test_sealed(program, tmp_path):
    radio = "nrf_radio" + SEALED
    logs, came = run(program(radio + "+hops"), tmp_path, "line:3", radio, 6)
    assert all(len(log.results) == 6 for log in logs) and came.delivered >= 0.985


def test_a_relay_dies(program, tmp_path):
    """One in the middle of a grid, in the middle of an inference: all others go on."""

    def dies(devices):
        dying = {**devices[5].options, "kill_inference": 4, "kill_us": 100_000}
        devices[5] = dataclasses.replace(devices[5], options=dying)
        return devices

    logs, came = run(program("nrf_radio+hops"), tmp_path, "grid:4x4", change=dies)
    for node, log in enumerate(logs):
        assert node == 5 or len(log.results) == 10
    assert 0.8 < came.delivered < 1


def test_the_leader_dies(program, tmp_path):
    """Its neighbour takes over, and the line of those that are left goes on."""

    def dies(devices):
        dying = {**devices[0].options, "kill_inference": 4, "kill_us": 20_000}
        devices[0] = dataclasses.replace(devices[0], options=dying)
        devices[1] = dataclasses.replace(devices[1], options={**devices[1].options, "submit": 1})
        return devices

    logs, came = run(program("nrf_radio+hops"), tmp_path, "line:4", change=dies)
    assert came.takeovers >= 1
    assert min(len(log.results) for log in logs[1:]) > 4


def test_links_come_and_go(program, tmp_path):
    """Every 0.8 seconds the links of a line are others: all there, one after the other gone, a way
    round in its place; at last all there. The plan is that of the line."""

    def others(attenuation):
        far, tables = 120.0, []
        for gone, new in ((None, None), ((1, 2), None), (None, None), ((2, 3), (0, 3)),
                          ((0, 1), (0, 2)), (None, None)):  # fmt: skip
            table = attenuation.copy()
            for link, value in ((gone, far), (new, NEAR)):
                if link is not None:
                    table[link] = table[link[::-1]] = value
            tables.append(table)
        return [(0.8e6 * i, tables[i % len(tables)]) for i in range(1, len(tables) + 1)]

    logs, came = run(program("nrf_radio+hops"), tmp_path, "line:4", inferences=100, links=others)
    print(came, [len(log.results) for log in logs])
    lost = [np.array([result.lost for result in log.results]) for log in logs]
    assert came.hung == 0 and came.different == 0 and came.compared > 300
    assert any((each > 5).any() for each in lost)  # what was behind a link that was gone
    assert all((each[-5:] < 3).all() for each in lost)  # and it is all there again
    assert 0.75 < came.delivered < 0.98


def test_sleep(program, tmp_path):
    """Nodes of a line meet every second, and have an inference every five or so, for which the last
    one asks; crystals are 100 ppm apart, and one frame in ten is lost by its power."""
    made, attenuation = deployed(tmp_path, "line:3")
    meetings, period = 240, 1_000_000
    devices = [
        sleep.with_options(device, submit=int(device.node == 2), gap=int(4.5 * period))
        for device in sleep.devices(made, period, meetings)
    ]
    (slept,) = sleep.play(
        program("nrf_radio+hops+sleep"), made, devices, tmp_path / "results",
        **bsim.attenuated(tmp_path / "links", attenuation + EDGE),
    )  # fmt: skip
    count, wrong = sleep.compared(slept)
    results = [result for log in slept.logs for result in log.results]
    lost, due = sum(r.lost for r in results), sum(r.fragments for r in results)
    last = [log.meetings[-1] for log in slept.logs]
    shares = slept.shares(60 * period)
    print([len(log.results) for log in slept.logs], f"{1 - lost / due:.2%}", shares, last)
    assert wrong == 0 and count == len(results) and count > 3 * 30
    assert all(log.stopped == "done" and look.takeovers == 0 for log, look in zip(slept.logs, last))
    assert min(len(log.results) for log in slept.logs) >= 0.95 * len(slept.logs[2].results)
    assert lost / due < 0.03 and max(look.missed for look in last) < 0.1 * meetings
    for on, own in shares:
        assert own == pytest.approx(on, rel=0.1)
