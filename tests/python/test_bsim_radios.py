# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""802.15.4 and Bluetooth LE on BabbleSim: real drivers, drifting crystals, losses and faults. Every
output is the reference's for what arrived, and every inference ends."""

from types import SimpleNamespace

import pytest

from cats.config import ModelConfig, SplitConfig
from cats.export import export, load_deploy
from cats.partition import full_keep
from cats.vectors import random_inputs, random_model

bsim = pytest.importorskip("cats.bsim")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
#: Every option, so that no default of the program's matters.
OPTIONS = {
    "compute": "compute.bin", "start": 0, "gap": 5000, "quiet": 20_000_000, "loss": 0, "seed": 0,
    "first": 0, "inferences": 10,
}  # fmt: skip

#: CONFIG_CATS_LEAD_US: the first frame of an exchange comes so late.
LEAD_US = {"ieee802154": 120, "ble": 4200}


def deployment(folder, radio, nodes, seed=1):
    """A random model on ``nodes`` nodes, two repair rounds; its images, inputs and job times."""
    config = ModelConfig(
        tokens_in=8, inputs=2 * nodes, outputs=4, features=8 * nodes, heads=nodes,
        hidden=8 * nodes, blocks=1, activation="relu", pool="mean",
    )  # fmt: skip
    rest = (0,) * (nodes - 1)
    split = SplitConfig((1,) * nodes, (8,) * nodes, (4, *rest), (2 * nodes, *rest))
    model = random_model(seed, config, split, full_keep(config, split))
    meta = export(model, folder, radio=radio, rounds=2)
    inputs = random_inputs(seed, config, 8)
    bsim.write_inputs(model, folder, inputs)
    bsim.write_compute(model, load_deploy(folder)[1], folder)
    return SimpleNamespace(folder=folder, inputs=inputs, nodes=nodes, meta=meta)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """A function: (program, deployment of 4 nodes) of a radio, made once."""
    made = {}

    def get(radio):
        if radio not in made:
            folder = tmp_path_factory.mktemp(radio)
            made[radio] = (
                bsim.build(radio, folder / "build"),
                deployment(folder / "deploy", radio, 4),
            )
        return made[radio]

    return get


def devices(deploy, drift=0.0, **special):
    """Devices of a deployment; ``special``: options of node N by name ``nN``."""
    return [
        bsim.Device(
            node,
            deploy=deploy.folder,
            drift_ppm=drift if node % 2 else -drift,
            options={**OPTIONS, **special.get(f"n{node}", {})},
        )
        for node in range(deploy.nodes)
    ]


def run(program, deploy, which, **options):
    """Run, and compare each output with the reference."""
    logs = bsim.run(program, deploy.folder, which, **options)
    own = [log for log in logs if log.device.deploy == deploy.folder]
    compared, wrong = bsim.check(deploy.folder, deploy.inputs, own)
    assert compared and not wrong
    return logs


def lost(logs):
    """Share of fragments that stayed missing."""
    results = [result for log in logs for result in log.results]
    return sum(r.lost for r in results) / sum(r.fragments for r in results)


@pytest.mark.parametrize("radio", ["ieee802154", "ble"])
def test_clean_and_lossy(nodes, radio):
    """Crystals 100 ppm apart lose nothing, the plan's time is right, repair restores."""
    program, deploy = nodes(radio)
    logs = run(program, deploy, devices(deploy, drift=50.0))
    assert [len(log.results) for log in logs] == [10] * 4 and lost(logs) == 0
    assert all(log.send_failed == log.takeovers == 0 for log in logs)
    clean = sum(result.latency_us for result in logs[0].results) / 10
    exchanges = sum(gather.tiles for gather in load_deploy(deploy.folder)[1].gathers)
    planned = deploy.meta["air"][radio]["inference_us"] + exchanges * LEAD_US[radio]
    assert clean == pytest.approx(planned, rel=0.1)

    logs = run(program, deploy, devices(deploy), modem=["Magic", "-PER=0.1"])
    assert [len(log.results) for log in logs] == [10] * 4 and lost(logs) < 0.02
    assert sum(log.total("repaired") for log in logs) > 0


def test_faults(nodes):
    """A leader that dies, another node that does and comes again, one that starts late."""
    program, deploy = nodes("ieee802154")
    die = {"kill_inference": 3, "kill_us": 40_000}
    begin = {"submit": 1}
    logs = run(program, deploy, devices(deploy, n0=die, n1=begin), seconds=120)
    assert [len(log.results) for log in logs[1:]] == [10] * 3 and logs[1].takeovers == 1

    long = {"inferences": 30}
    which = devices(deploy, n0=long, n1=long, n2={**long, "start": 900_000}, n3={**long, **die})
    again = bsim.Device(3, deploy.folder, on_us=1_800_000, options={**OPTIONS, "inferences": 3})
    logs = run(program, deploy, [*which, again], seconds=120)
    assert [len(logs[n].results) for n in (0, 1)] == [30] * 2
    assert 0 < len(logs[2].results) < 30 and len(logs[3].results) == 3
    assert len(logs[4].results) == 3, "restarted, it takes part again"


def test_two_deployments_on_one_channel(nodes, tmp_path):
    """They cost each other frames, never an output."""
    program, deploy = nodes("ieee802154")
    other = deployment(tmp_path / "other", "ieee802154", 4, seed=7)
    logs = run(program, deploy, devices(deploy) + devices(other), seconds=120)
    assert len(logs[0].results) == 10 and logs[0].rejected["check"] > 0
    compared, wrong = bsim.check(other.folder, other.inputs, logs[4:])
    assert compared and not wrong
