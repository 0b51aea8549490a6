# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Sealed frames on BabbleSim, an intruder, and the radio's settings. Every output is
the reference's for what arrived, and every inference ends."""

import dataclasses

import pytest

from cats.zephyr import bsim
from cats.zephyr.bsim import Device
from report import radio_cells as cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]


@pytest.fixture(scope="module", params=["nrf_radio+secure", "ieee802154+secure"])
def node(request, program, tmp_path_factory):
    """(program, deployment) of four nodes."""
    folder = tmp_path_factory.mktemp("deploy")
    return program(request.param), cells.deploy(folder, cells.small(4), 4, request.param, rounds=2)


@pytest.mark.parametrize("fault", ["drift", "loss"])
def test_sealed(node, fault):
    found = cells.outcome(cells.scenario(*node, fault, 6))
    assert found.good and found.refused == 0 and found.inferences == 6
    assert found.delivered >= (1.0 if fault == "drift" else 0.98)


@pytest.mark.parametrize("radio", cells.TRANSPORTS)
def test_new_boards(program, tmp_path, radio):
    """Boards that never sealed a frame count from random numbers, and who hears a higher one does
    not send before it is in the settings: it costs frames of the first inference, no more."""
    made = cells.deploy(tmp_path, cells.small(4), 4, f"{radio}+secure", rounds=2)
    nodes = cells.devices(made, 6, numbers=0)
    logs = bsim.run(program(made.radio), made.folder, nodes, seconds=300.0)
    found = cells.outcome(cells.Run(made, cells.Fault("clean"), logs, set(range(4))))
    assert found.good and found.missed == 0
    assert all(result.lost == 0 for log in logs for result in log.results[1:])


def intruded(node, pause_us, quiet_us):
    """(What came of it, its logs, frames that the intruder sent)."""
    program, made = node
    nodes = cells.devices(made, 6, cells.DRIFT_PPM)
    attack = {"intrude": pause_us, "quiet": quiet_us}
    intruder = Device(0, made.folder, cells.DRIFT_PPM, 0, attack)
    *logs, last = bsim.run(program, made.folder, [*nodes, intruder], seconds=300.0)
    found = cells.outcome(cells.Run(made, cells.Fault("intruder"), logs, set(range(4))))
    assert found.inferences == 6 and found.different == 0, found
    return found, logs, last.attacks


def test_intruder(node):
    """Recorded, changed, renamed, unsealed and random frames, eight in a row as fast as the radio
    can, then a pause in which the deployment's own arrive."""
    found, logs, attacks = intruded(node, cells.INTRUDE_US, 1_000_000)
    assert found.good and found.missed == 0, found
    assert attacks > 100 and found.refused > 100
    for reason in ("plain", "source", "key", "replay", "forged"):
        assert all(log.refused[reason] for log in logs), reason
    assert found.delivered > 0.75


def test_intruder_without_a_pause(node):
    """The same all the time. Where nothing else gets through nodes miss inferences; every one that
    is begun ends, and no output is wrong."""
    found, logs, attacks = intruded(node, 0, 10_000_000)
    assert cells.hung(logs, set())[0] == 0 and logs[0].stopped == "done"
    assert attacks > 1000 and found.refused > 1000
    assert all(log.refused["forged"] for log in logs)


def on_channel(node, channels, **options):
    """Logs of one inference of nodes with the setting cats/radio/channel."""
    program, made = node
    nodes = [
        dataclasses.replace(d, options={**d.options, "channel": channel, **options})
        for d, channel in zip(cells.devices(made, 1), channels, strict=True)
    ]
    return bsim.run(program, made.folder, nodes, seconds=100.0)


def test_settings(node):
    """A channel that is stored is used: who has another hears nobody."""
    assert all(log.results[0].lost == 0 for log in on_channel(node, [15] * 4))
    logs = on_channel(node, [15, 15, 15, 16])
    assert all(log.results[0].silent == 1 << 3 for log in logs[:3])
    assert not logs[3].heard


def test_wrong_settings(node):
    """One of another size stops the start, and says so."""
    for log in on_channel(node, [15] * 4, bad_power=3):
        assert "cats/radio/power: 2 bytes, not 3" in log.text
        assert "does not start: -22" in log.text and not log.results
