# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Exchanges over several hops on BabbleSim: each link with its own attenuation, one frame in ten
lost on top. Every output is the reference's for what arrived, and no inference hangs."""

import dataclasses

import pytest

from cats.plan.radio import SEALED
from cats.shape.links import audible
from cats.shape.topologies import PathLoss, topology
from cats.zephyr import bsim
from report import radio_cells as cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
#: Attenuation of the links that an arrangement is made of, dB: a node two hops away is below what
#: the modem hears.
NEAR = 84.0
MODEL = PathLoss(exponent=4.0)


def run(program, folder, name, radio="nrf_radio", inferences=10, change=None, **options):
    """(devices' logs, what came of them): a small model over an arrangement's links; ``change``: a
    function of the devices before they start."""
    found = topology(name, MODEL)
    links = audible(found.links)
    nodes = len(links)
    made = cells.deploy(folder / "deploy", cells.small(nodes), nodes, radio, links=links, **options)
    attenuation = found.attenuation + NEAR - found.attenuation[found.attenuation > 0].min()
    if name.startswith("grid"):  # made of the diagonals
        attenuation -= attenuation[0, 5] - NEAR
    (folder / "links.txt").write_text(
        "".join(
            f"{a} {b} : {attenuation[a, b]:.2f}\n"
            for a in range(nodes)
            for b in range(nodes)
            if a != b
        )
    )
    devices = cells.devices(made, inferences, cells.DRIFT_PPM, loss=100_000, seed=5)
    if change is not None:
        devices = change(devices)
    logs = bsim.run(
        program, made.folder, devices, seconds=36000,
        channel=["multiatt", f"-file={folder / 'links.txt'}"], modem=["BLE_simple"],
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
