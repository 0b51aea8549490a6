# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What code takes is an upper line of what was counted, and not far above it."""

import json
from pathlib import Path

import pytest

from cats.plan.code_time import (
    FOUR_NODES,
    FRAME_HEADER,
    SEALED_BYTES,
    SIXTEEN_NODES,
    Frame,
    code_time,
    combined,
)
from cats.plan.radio import RADIOS, SEALED, radio

RECORDED = Path(__file__).parents[3] / "tests" / "benchmarks" / "m4" / "recorded.json"
#: Fragments of an exchange, by shape and radio.
COLUMNS = {
    ("4x832", "nrf_radio"): (FOUR_NODES, 16), ("4x832", "ieee802154"): (FOUR_NODES, 36),
    ("16x512", "nrf_radio"): (SIXTEEN_NODES, 48), ("16x512", "ieee802154"): (SIXTEEN_NODES, 96),
    ("small", "nrf_radio"): (SIXTEEN_NODES, 16), ("small", "ieee802154"): (SIXTEEN_NODES, 16),
}  # fmt: skip
WAITING, SYNC, DATA, NEED, CODED, OVER = range(6)


@pytest.fixture(scope="module")
def recorded():
    found = json.loads(RECORDED.read_text())
    return {
        part: {
            name: (count, found["units"][part][name])
            for name, count in found["counts"][part].items()
        }
        for part in ("gather", "zephyr")
    }


def heard(code, kind, frame, fragments=0):
    payload = frame - FRAME_HEADER
    coded = fragments * code.coded + combined(fragments) * code.coded_byte * payload
    return code.parse + code.parse_byte * frame + code.take[kind] + code.take_byte * payload + coded


def built(code, kind, frame, fragments, phase):
    payload = frame - FRAME_HEADER
    filled = code.copy_byte * payload
    if kind == Frame.CODED:
        filled = fragments * code.coded + combined(fragments) * code.coded_byte * payload
    return code.poll[phase] + code.build[kind] + filled + code.seal + code.seal_byte * frame


@pytest.mark.parametrize("shape, air", COLUMNS)
def test_the_gather(recorded, shape, air):
    code, fragments = COLUMNS[shape, air]
    counted = {
        name.split("/", 2)[2]: found
        for name, found in recorded["gather"].items()
        if name.startswith(f"{shape}/{air}/")
    }

    def holds(name, line, slack=1.0):
        count, _ = counted[name]
        assert count <= line, name
        assert slack * line <= 3 * count, name  # an upper line, not any line

    for kind in (Frame.SYNC, Frame.DATA, Frame.NEED):
        name = kind.name.lower()
        holds(f"receive/{name}", heard(code, kind, counted[f"receive/{name}"][1]))
    count, frame = counted["receive/coded"]
    line = heard(code, Frame.CODED, frame, fragments)
    # Where many lack; and of many frames one combines more than the line's two standard deviations.
    holds("receive/coded", line if fragments <= 24 else 1.1 * line)
    # Who has not heard that the round takes place lays the exchange out first.
    assert counted["receive/first"][0] <= line + code.lay * fragments
    for name, kind, phase in (
        ("sync", Frame.SYNC, WAITING), ("data", Frame.DATA, DATA), ("need", Frame.NEED, NEED),
        ("coded", Frame.CODED, CODED),
    ):  # fmt: skip
        if f"poll/{name}" not in counted:
            assert (name, shape) == ("coded", "small")  # a node has none of so few turns
            continue
        line = built(code, kind, counted[f"poll/{name}"][1], fragments, phase)
        if name == "need":  # and lays it out
            line += code.lay * fragments
        holds(f"poll/{name}", line)
    for phase, name in enumerate(("waiting", "sync", "data", "need", "coded", "over")):
        if f"poll/idle/{name}" in counted:
            holds(f"poll/idle/{name}", code.poll[phase])
    for name in ("coded", "data", "need", "waiting"):
        if f"poll/end/{name}" in counted:
            assert counted[f"poll/end/{name}"][0] <= code.close + code.lay * fragments, name
    switch = recorded["zephyr"]["kernel/job"][0]
    assert counted["job/begin"][0] + counted["job/end"][0] + switch <= code.job


@pytest.mark.parametrize("shape, fragments", [("hops48", 48), ("hops16", 16)])
def test_hops(recorded, shape, fragments):
    """Of all fragments of an exchange; the worst receiver is of one in which nearly all lacks."""
    code = SIXTEEN_NODES

    def counted(name):
        return recorded["gather"][f"{shape}/nrf_radio/{name}"]

    def holds(count, base, per_fragment):
        line = base + fragments * per_fragment
        assert count <= line <= 2.5 * count

    count, frame = counted("receive/coded")
    payload = frame - FRAME_HEADER
    taken = code.relay + code.relay_byte * payload
    holds(count, heard(code, Frame.DATA, frame), taken)
    count, frame = counted("poll/coded")
    payload = frame - FRAME_HEADER
    base = built(code, Frame.DATA, frame, 0, DATA) - code.copy_byte * payload
    holds(count, base, code.relay_build + code.relay_build_byte * payload)
    holds(counted("poll/end/data")[0], code.close, code.lay)
    assert counted("poll/idle/data")[0] <= max(code.poll)


def test_the_kernel_and_sealing(recorded):
    kernel = {name: count for name, (count, _) in recorded["zephyr"].items()}
    wake = kernel["kernel/wake"] + kernel["kernel/lock"] + kernel["kernel/reschedule"]
    assert wake <= FOUR_NODES.wake <= 1.05 * wake
    expire = kernel["kernel/expire"] + kernel["kernel/lock"]
    assert expire <= FOUR_NODES.expire <= 1.05 * expire
    for name, (count, size) in recorded["zephyr"].items():
        if name.startswith("aes/"):
            line = FOUR_NODES.aes + FOUR_NODES.aes_byte * (size - SEALED_BYTES - FRAME_HEADER)
            assert count <= line <= 1.15 * count, name


def test_groups_between():
    """Linear in the number of nodes, and as fast as the clock."""
    for four, ten, sixteen in zip(
        code_time(4).take, code_time(10).take, code_time(16).take, strict=True
    ):
        assert four + sixteen == pytest.approx(2 * ten)
    assert code_time(4) == FOUR_NODES and code_time(16) == SIXTEEN_NODES
    fast, slow = code_time(16, 128e6), code_time(16, 64e6)
    assert 2 * fast.closed_us() == pytest.approx(slow.closed_us())
    assert slow.closed_us() == pytest.approx(SIXTEEN_NODES.close * SIXTEEN_NODES.cycles / 64)


@pytest.mark.parametrize("sealed", ["", SEALED])
@pytest.mark.parametrize("name", sorted(RADIOS))
def test_a_slower_processor_has_longer_slots(name, sealed):
    usual, slow = radio(name + sealed), radio(name + sealed, code_time(16, 8e6))
    assert slow.lead_us > usual.lead_us
    for frame in (30, slow.frame):
        assert slow.slot_us(frame, 3) >= usual.slot_us(frame, 3)
        assert slow.coded_slot_us(frame, 24) >= usual.coded_slot_us(frame, 24)
        assert slow.turn_us(frame) > usual.turn_us(frame)
        assert slow.coded_turn_us(frame, 24) > usual.coded_turn_us(frame, 24)
