# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The transport nrf_radio on BabbleSim: every output is the reference's for what arrived, every
inference ends, and the plan's times are those of the air."""

import numpy as np
import pytest

from cats import bsim
from cats import radio_report as report
from cats.export import load_deploy
from cats.plan import plan_air
from cats.planner import inference_us
from cats.simulate import Faults, Settings, simulate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
RADIO = "nrf_radio"
LEAD_US = 200


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return bsim.build(RADIO, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    return report.deploy(tmp_path_factory.mktemp("four"), report.small(4), 4, RADIO, rounds=2)


def good(made, logs, ended, delivered=0.0):
    """The figures of a run in which nothing hung and every output is the reference's."""
    figures = report.figures(made, logs, ended, "", "", 0.0)
    assert figures.ended and figures.compared and not figures.different
    assert figures.delivered >= delivered
    return figures


@pytest.mark.parametrize("fault", [f for f in report.FAULTS if f not in ("drift", "neighbour")])
def test_faults(program, four, fault):
    """Four nodes, with each fault; crystals are 100 ppm apart in all but the first."""
    logs, ended = report.scenario(program, four, fault)
    least = {"clean": 1.0, "loss": 0.995}.get(fault, 0.5)
    figures = good(four, logs, ended, least)
    assert (figures.takeovers > 0) == (fault == "leader killed")
    if fault == "late":
        assert 0 < len(logs[3].results) < 10
    if fault == "reset":
        assert logs[4].results, "restarted, it takes part again"


def test_two_deployments_on_one_channel(program, four, tmp_path):
    """They cost each other frames, never an output."""
    other = report.deploy(tmp_path, report.small(2), 2, RADIO, seed=8, rounds=1)
    logs, ended = report.scenario(program, four, "neighbour", other=other)
    good(four, logs, ended)
    assert logs[0].rejected["check"] > 0


@pytest.mark.parametrize(("nodes", "rounds"), [(2, 2), (16, 0)])
def test_sizes(program, tmp_path, nodes, rounds):
    """The fewest and the most nodes."""
    made = report.deploy(tmp_path, report.small(nodes), nodes, RADIO, rounds=rounds)
    logs, ended = report.scenario(program, made, "drift", inferences=3)
    good(made, logs, ended, 1.0)


def test_goals(program, tmp_path):
    """A large gather within 1.25 times the air time of its frames; ten times faster than 260 ms."""
    for nodes, size in ((16, 512), (4, 832)):
        made = report.deploy(
            tmp_path / str(nodes), report.wide(nodes, size), nodes, RADIO, rounds=0, tile_rows=16,
            interleave=False,
        )  # fmt: skip
        logs, ended = report.scenario(program, made, "drift", inferences=2)
        good(made, logs, ended, 1.0)
        kind = logs[0].kinds[1]
        taken = kind["air_us"] / kind["exchanges"]
        plan = load_deploy(made.folder)[1]
        assert taken <= 1.25 * report.bound_us(plan, 1)
        assert size != 832 or taken < 26_000


def test_times_of_plan_and_simulation(program, four):
    """`cats plan` and `cats simulate` agree with the air within a tenth."""
    model, plan, _, images = load_deploy(four.folder)
    logs, ended = report.scenario(program, four, "clean")
    good(four, logs, ended, 1.0)
    measured = np.mean([result.latency_us for result in logs[0].results])
    planned = inference_us(model.config, model.split, model.keep, plan)
    assert planned == pytest.approx(measured, rel=0.1)

    settings = Settings(compute="plan", lead_us=LEAD_US, gap_us=5000)
    result = simulate(model, plan, four.inputs, Faults(), 1, settings, images)
    assert result.latency_us[1:, 0].mean() == pytest.approx(measured, rel=0.1)
    assert result.air_us[1:].mean() == pytest.approx(plan_air(plan).us, rel=0.1)
    frames = sum(log.total("sent") for log in logs) / len(logs[0].results)
    assert frames == pytest.approx(result.frames[1:].mean(), rel=0.1)
