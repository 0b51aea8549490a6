# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Sealed frames: the frames that tests/zephyr/secure compares with are those of AES-CCM, and a plan
for them leaves room and time for what they add."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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
    """A nonce has the key's number, the source, the counter and the deployment: each one counts."""
    case = {"key": bytes(16), "key_id": 1, "counter": 5, "model_id": 7, "tag": 8}
    frames = [bytes([0x11, source]) + bytes(8) + bytes(20) for source in (0, 1)]
    sealed = {sealing.seal(frames[0], **case)[14:]}
    for change in ({"key_id": 2}, {"counter": 6}, {"counter": 5 + 2**32}, {"model_id": 7 + 2**31}):
        sealed.add(sealing.seal(frames[0], **(case | change))[14:])
    sealed.add(sealing.seal(frames[1], **case)[14:])
    assert len({one[:20] for one in sealed}) == 6
