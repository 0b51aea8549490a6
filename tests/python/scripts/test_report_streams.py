# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""scripts/report/streams.py: its parts are the plan's time, and the page has its tables."""

import pytest

from cats.plan.timing import inference_us
from cats.shape.config import SplitConfig
from report import streams


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154", "ble"])
@pytest.mark.parametrize("replicate", ["", "residual"])
@pytest.mark.parametrize("blocks", streams.BLOCKS)
def test_parts_are_all_that_a_token_takes(radio, replicate, blocks):
    split = SplitConfig.even(streams.SMALL, 4)
    model, plan, takes = streams.planned(streams.SMALL, split, radio, blocks, replicate=replicate)
    told = streams.parts(model, plan)
    us = inference_us(model.config, split, model.keep, plan)
    assert sum(told.values()) == pytest.approx(us / 1e3, abs=2e-3)
    assert us == takes["inference_us"]
    assert all(part >= 0 for part in told.values())
    air = [told[part] for part in ("payload on the air", "headers, preambles, checks")]
    assert 0 < sum(air) < takes["time_on_air_us"] / 1e3  # which has the openings as well


def test_page_is_up_to_date(tmp_path, monkeypatch):
    page = tmp_path / "streams.rst"
    page.write_bytes(streams.PAGE.read_bytes())
    monkeypatch.setattr(streams, "PAGE", page)
    wanted = page.read_text()
    page.write_text(wanted.replace("sequential", "else"))
    assert streams.main([]) == 0
    made = page.read_text()
    for name in ("parallel", "trained", "large", "parts", "stored", "window"):
        table = made.split(f".. streams-report: {name}\n")[1].split(".. streams-report: end")[0]
        assert table in wanted, "make streams-report"
