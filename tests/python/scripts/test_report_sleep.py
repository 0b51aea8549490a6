# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The page about sleeping nodes holds what the plan says."""

import pytest

from cats.report import read_json
from report import sleep
from report.page import fill, rst_table


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("sleep")
    assert sleep.main(["-o", str(out)]) == 0
    assert (out / "days.svg").stat().st_size > 1000
    return read_json(out / "report.json")


def test_longer_periods_last_longer(found: dict) -> None:
    assert len(found["curves"]) == 2 * len(sleep.RADIOS) * len(sleep.SIZES)
    for curve in found["curves"]:
        days = [d for d in curve["node_days"] if d is not None]
        assert len(days) >= 10
        if curve["every"] == "period":
            assert days == sorted(days)
    assert found["digits"]["nrf_radio"]["life"]["node_days"] > 900


def test_page_is_up_to_date(found: dict) -> None:
    page = sleep.DOC.read_text(encoding="utf-8")
    tables = sleep.tables(found)
    assert len(tables) == 4
    texts = {name: rst_table(head, rows) for name, (head, rows) in tables.items()}
    assert fill(page, texts) == page, "python -m report.sleep --doc"
