# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Receivers that are off where nothing comes (doc/protocol.rst, "Listening")."""

import numpy as np
import pytest

from cats.integer.random_models import random_inputs, random_model
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import check
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate


def made(nodes, radio, **options):
    config = ModelConfig(
        tokens_in=8, inputs=8, outputs=10, features=64, heads=16, hidden=128, blocks=2
    )
    split = SplitConfig.even(config, nodes)
    model = random_model(1, config, split)
    return model, make_plan(config, split, model.keep, radio=radio, **options)


def both(model, plan, samples, faults, seed=1, **settings):
    """Without and with; every output is the reference's."""
    inputs = random_inputs(2, model.config, samples)
    found = []
    for off in (False, True):
        chosen = Settings(compute="plan", receiver_off=off, **settings)
        result = simulate(model, plan, inputs, faults, seed, chosen)
        assert result.hung is None and check(model, plan, inputs, result) == []
        found.append(result)
    assert not found[0].unheard.any() and not found[0].off_us.any()
    return found


def on(first, result):
    """Share in which the nodes' radios are on of all inferences but the first, before which its
    leader listens."""
    spans = result.latency_us[1:].sum(0)
    return ((spans - (result.off_us - first.off_us)) / spans).mean()


@pytest.mark.parametrize(
    ("nodes", "radio", "rounds", "share"),
    [
        (4, "nrf_radio", 0, 0.83), (4, "nrf_radio", 2, 0.79), (4, "ieee802154", 0, 0.98),
        (4, "ieee802154", 2, 0.99), (16, "nrf_radio", 0, 0.89), (16, "nrf_radio", 2, 0.86),
        (4, "nrf_radio+secure", 2, 0.7),
    ],
)  # fmt: skip
def test_nothing_is_missed(nodes, radio, rounds, share):
    """Clocks 100 ppm apart, nothing lost: all is heard, nothing takes longer, and much less
    listening."""
    model, plan = made(nodes, radio, rounds=rounds)
    faults = Faults(drift_ppm=[50.0 * (-1) ** d for d in range(nodes)])
    before, off = both(model, plan, 4, faults)
    first = both(model, plan, 1, faults)[1]
    assert off.delivered == 1.0
    # But for copies of a SYNC, which nobody needs: one of an inference's first, with repair two.
    assert off.unheard.max() <= (2 if rounds else 1) * (nodes - 1)
    assert off.span_us[1:].mean() <= 1.003 * before.span_us[1:].mean()
    assert on(first, off) < share
    assert off.duty(1).listen_us < before.duty(1).listen_us


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154"])
def test_losses(radio):
    """One frame in ten is lost: as much is delivered. What is not heard was not needed."""
    model, plan = made(4, radio, rounds=2)
    before, off = both(model, plan, 20, Faults(loss=0.1))
    assert off.unheard.any()
    assert off.delivered > 0.998 and before.delivered > 0.998
    assert off.span_us[1:].mean() <= 1.04 * before.span_us[1:].mean()


def test_leader_dies_and_comes_again():
    """The others lead on and follow it again, as they do where they always listen."""
    model, plan = made(4, "nrf_radio", rounds=1)
    faults = Faults(events=[Event(0, False, 100_000), Event(0, True, 700_000)], loss=0.05)
    before, off = both(model, plan, 25, faults)
    for result in (before, off):
        assert result.takeovers >= 1
        assert result.done[:, 1:].all() and result.done[-5:].all()
        assert np.asarray(result.led[-1]).tolist() == [True, False, False, False]
