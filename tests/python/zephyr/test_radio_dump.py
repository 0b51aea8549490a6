# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""When radios were on, from the dumps of BabbleSim's channel: without BabbleSim."""

import pytest

from cats.zephyr import bsim

NEVER = 2**64 - 1
TX = "start_time,end_time,center_freq,abort_time,packet"
RX = "start_time,scan_duration,center_freq,abort_time,tx_nbr,payload_end,status,RSSI,packet"


@pytest.fixture
def results(tmp_path):
    """A device's dump: it hears a frame and goes on listening, rests, listens in vain, sends, and
    another frame is cut off by the end of its reception."""
    rx = [
        f"1000,{2**32 - 1},78,{NEVER},1,1499,1,-60.0,00 01",
        f"1505,{2**32 - 1},78,2000,-1,0,4,nan,",
        f"5000,300,78,{NEVER},-1,0,4,nan,",
        f"9000,{2**32 - 1},78,9100,1,9499,2,-60.0,",
    ]
    tx = [f"6000,6399,78,{NEVER},00 01", "7000,7399,78,7100,00 01"]
    (tmp_path / "d_2G4_00.Rx.csv").write_text("\n".join([RX, *rx, ""]))
    (tmp_path / "d_2G4_00.Tx.csv").write_text("\n".join([TX, *tx, ""]))
    return tmp_path


def test_what_radios_did(results):
    assert bsim.sent_us(results, 0) == [(6000, 6400), (7000, 7100)]
    assert bsim.listened_us(results, 0) == [
        (1000, 1500), (1505, 2000), (5000, 5300), (9000, 9100),
    ]  # fmt: skip
    assert bsim.sent_us(results, 1) == bsim.listened_us(results, 1) == []


def test_radio_on(results):
    """A gap that no radio can be off in is no gap; each stretch begins with a ramp-up."""
    assert bsim.radio_on_us(results, 0, 0, 10_000, ramp_us=0) == 995 + 300 + 400 + 100 + 100
    assert bsim.radio_on_us(results, 0, 0, 10_000) == 1000 + 300 + 400 + 100 + 100 + 5 * 40
    assert bsim.radio_on_us(results, 0, 1400, 5100) == 600 + 40 + 100 + 40
    assert bsim.radio_on_us(results, 0, 2000, 5000) == bsim.radio_on_us(results, 1, 0, 9000) == 0
