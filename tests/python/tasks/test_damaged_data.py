# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Whatever is in a file of data, it is a task or one line that says what is wrong."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cats import tasks
from cats.errors import CatsError

TS = "@problemName x\n@equalLength true\n@classLabel true 1 2\n@data\n" + "".join(
    f"{i},2,{i % 5}:4,{i % 3},6:{i % 2 + 1}\n" for i in range(20)
)
SENSORS = "index,person,sample,x,y,label\n" + "".join(
    f"{i},p{i // 6},s{i // 2},{i % 5},{i % 3}.5,{i // 2 % 2}\n" for i in range(40)
)
SERIES = "date,load\n" + "".join(
    f"2024-01-{i // 24 + 1:02d} {i % 24:02d}:00:00,{i % 7}.25\n" for i in range(60)
)
NUMBERS = SENSORS.replace("label", "load")
COLUMNS = "date,load,heat,wind\n" + "".join(
    f"2024-01-{i // 24 + 1:02d} {i % 24:02d}:00:00,{i % 7}.25,{i % 5},{i % 3}\n" for i in range(60)
)
KINDS = {
    "numbers.ts": (
        TS.replace("@classLabel true 1 2", "@targetLabel true"),
        "regression",
        {"patch": 1, "lengths": "pad"},
    ),
    "numbers.csv": (NUMBERS, "regression", {"patch": 1, "target": ["load"], "group": "person"}),
    "columns.csv": (
        COLUMNS,
        "forecast",
        {"target": "load,heat", "channels": ["wind"], "context": 4, "horizon": 1, "patch": 2},
    ),
    "x.ts": (TS, "classify", {"patch": 1, "lengths": "pad"}),
    "sensors.csv": (SENSORS, "classify", {"patch": 1, "group": "person", "lengths": "crop"}),
    "series.csv": (
        SERIES,
        "forecast",
        {"target": "load", "context": 4, "horizon": 1, "patch": 2, "missing": "hold"},
    ),
}
PIECES = st.sampled_from(
    ["", ",", ";", ":", "\n", "\r", '"', "?", "nan", "-inf", "1e300", "1e18", "-", "\t", "@", "#",
     "%", "@data\n", "@classLabel false\n", "@seriesLength 9\n", "9999-12-31 23:59:59", "Total",
     "\0", "\ufeff", "\u00e9", "\u0661", "1_0", "2024-01-01", "2024-01-01T00:00Z", " "]
)  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files(name, data, tmp_path):
    text, task, options = KINDS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = min(len(text), begin + data.draw(st.integers(0, 12)))
        text = text[:begin] + data.draw(PIECES) + text[end:]
    (tmp_path / name).write_text(text, newline="")
    try:
        loaded = tasks.load(task, data=str(tmp_path / name), **options)
    except CatsError as error:
        assert "\n" not in str(error)
    else:
        for part in (loaded.train, loaded.validation, loaded.test):
            assert part.inputs.isfinite().all() and part.targets.isfinite().all()


def test_files_are_whole_to_begin_with(tmp_path):
    for name, (text, task, options) in KINDS.items():
        (tmp_path / name).write_text(text)
        assert tasks.load(task, data=str(tmp_path / name), **options).test
