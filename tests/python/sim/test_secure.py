# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Sealed frames: the frames that tests/zephyr/secure compares with are those of AES-CCM, and a plan
for them leaves room and time for what they add."""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cats.commands.export import add_plan_arguments, plan_options
from cats.deploy.image import model_id, pack
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_model
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.plan.radio import FRAME_HEADER, RADIOS, SEALED, SEALED_BYTES, radio
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import FLAG_SEALED, HEADER, MODEL
from cats.shape.partition import full_keep
from cats.sim.compare import check
from cats.sim.engine import Engine
from cats.sim.faults import Faults
from cats.sim.simulate import simulate

ROOT = Path(__file__).resolve().parents[3]
GENERATE = ROOT / "tests" / "zephyr" / "secure" / "generate.py"


@pytest.fixture(scope="module")
def sealing():
    spec = importlib.util.spec_from_file_location("sealing", GENERATE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_frames_of_the_zephyr_test():
    """If not: python tests/zephyr/secure/generate.py"""
    done = subprocess.run([sys.executable, GENERATE, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_aes(sealing):
    """FIPS 197, appendix C.1."""
    key, plain = bytes(range(16)), bytes(17 * i for i in range(16))
    assert sealing.aes(key, plain).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize(
    ("key", "nonce", "data", "plain", "tag", "expected"),
    [
        # RFC 3610, packet vectors 1 and 2.
        (range(0xC0, 0xD0), "00000003020100a0a1a2a3a4a5", range(8), range(8, 31), 8,
         "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"),
        (range(0xC0, 0xD0), "00000004030201a0a1a2a3a4a5", range(8), range(8, 32), 8,
         "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916"),
        # NIST SP 800-38C, example 1.
        (range(0x40, 0x50), "10111213141516", range(8), range(0x20, 0x24), 4, "7162015b4dac255d"),
    ],
)  # fmt: skip
def test_ccm(sealing, key, nonce, data, plain, tag, expected):
    made = sealing.ccm(bytes(key), bytes.fromhex(nonce), bytes(data), bytes(plain), tag)
    assert made.hex() == expected


def test_nonces_differ(sealing):
    """A nonce has the deployment, the group, the source, the counter, the inference and the gather:
    each one counts."""
    case = {"key": bytes(16), "key_id": 1, "counter": 5, "model_id": 7, "group": 9, "tag": 8}
    frame = bytes([0x31, 0]) + bytes(8) + bytes(20)
    sealed = {sealing.seal(frame, **case)[14:]}
    for change in ({"counter": 6}, {"counter": 5 + 2**32}, {"model_id": 7 + 2**31}, {"group": 8}):
        sealed.add(sealing.seal(frame, **(case | change))[14:])
    for at in (1, 4, 5, 6):
        other = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        sealed.add(sealing.seal(other, **case)[14:])
    assert len({one[:20] for one in sealed}) == 9


@pytest.mark.parametrize("name", sorted(RADIOS))
def test_room_and_time_for_a_seal(name):
    """Frames are cut so that sealed ones fit; every slot lasts as long as a sealed frame does."""
    plain, sealed = radio(name), radio(name + SEALED)
    assert sealed.frame + SEALED_BYTES == plain.frame
    assert sealed.air_us(50) == plain.air_us(50 + SEALED_BYTES)
    config = ModelConfig(
        tokens_in=8, inputs=4, outputs=3, features=32, heads=4, hidden=32, blocks=1
    )
    split = SplitConfig.even(config, 4)
    keep = full_keep(config, split)
    plans = [make_plan(config, split, keep, radio=r, rounds=1) for r in (name, name + SEALED)]
    assert plans[1].payload <= sealed.payload
    for gather in plans[1].gathers:
        size = 0
        for cut in gather.sources:
            for fragment in range(cut.fragments(gather.tile_rows)):
                top, bottom, begin, end = cut.region(fragment, gather.tile_rows)
                size = max(size, FRAME_HEADER + (bottom - top) * (end - begin))
        assert gather.slot_us >= plain.air_us(size + SEALED_BYTES) + plain.guard_us
        assert gather.control_us >= plain.control_us(FRAME_HEADER + SEALED_BYTES)
        code = sealed.code.aes_us(FRAME_HEADER)  # for what is heard, and for the answer
        free = sealed.guard_us + sealed.before_us
        assert gather.turn_us + free >= 2 * code + sealed.hand_us
        assert gather.slot_us >= code
    assert plan_air(plans[1]).slots_us > plan_air(plans[0]).slots_us


def test_an_image_says_so():
    config = ModelConfig(tokens_in=4, inputs=4, outputs=3, features=8, heads=2, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    keep = full_keep(config, split)
    model = random_model(1, config, split, keep)
    for name, flag in (("ble_2m", 0), ("ble_2m" + SEALED, FLAG_SEALED)):
        plan = make_plan(config, split, keep, radio=name)
        packed = pack(model, plan, 0, model_id(model, plan))
        at = np.frombuffer(packed, HEADER, 1)[0]["model"]
        assert np.frombuffer(packed, MODEL, 1, at)[0]["flags"] & FLAG_SEALED == flag
        Engine(packed)  # takes it


def test_options():
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    for words, expected in (
        (["--radio", "ble_2m"], "ble_2m"),
        (["--radio", "ble_2m", "--secure"], "ble_2m+secure"),
        (["--radio", "ble_2m+secure", "--secure"], "ble_2m+secure"),
    ):
        assert plan_options(parser.parse_args(words))["radio"] == expected
    with pytest.raises(CatsError, match="wifi"):
        radio("wifi+secure")


def test_simulated_with_sealed_frames():
    """The plan's slots suffice on the simulated air, and it is slower than without seals."""
    config = ModelConfig(tokens_in=4, inputs=4, outputs=3, features=8, heads=2, hidden=8, blocks=1)
    split = SplitConfig.even(config, 2)
    model = random_model(1, config, split, full_keep(config, split))
    inputs = random_inputs(1, config, 2)
    took = []
    for name in ("ieee802154", "ieee802154" + SEALED):
        plan = make_plan(config, split, model.keep, radio=name, rounds=1)
        result = simulate(model, plan, inputs, Faults(), 0)
        assert not check(model, plan, inputs, result) and not result.hung
        took.append(plan_air(plan).slots_us)
    assert took[0] < took[1]
