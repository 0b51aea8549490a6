# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CSV of a series to forecast: the step is the median, times rise evenly, faulty rows are named."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cats import tasks
from cats.errors import CatsError
from cats.tasks.read_series import read_series

HOUR = timedelta(hours=1)
DAYS = 5 * 24


def _stamps(count=DAYS, step=HOUR, begin=datetime(2024, 1, 1)):
    return [begin + i * step for i in range(count)]


def _wave(i):
    return f"{10 + 3 * math.sin(i / 3):.4f}"


def _write(tmp_path, stamps, values=None, header="date,load", between=","):
    path = tmp_path / "data.csv"
    values = values or [_wave(i) for i in range(len(stamps))]
    lines = [f"{stamp}{between}{value}" for stamp, value in zip(stamps, values)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def _load(path, **options):
    options = {"context": 8, "horizon": 3, "patch": 2, **options}
    return tasks.load("forecast", data=str(path), target="load", **options)


def test_step_is_the_median(tmp_path):
    """One early first stamp does not halve the parts, and jitter is no period of 23."""
    stamps = _stamps(31 * 24)
    plain = _load(_write(tmp_path, stamps), parts="0.6:0.2:0.2")
    stamps[0] -= timedelta(minutes=29)
    path = _write(tmp_path, stamps)
    assert read_series(path, ["load"]).step == HOUR
    assert _load(path).period == plain.period == 24
    random.seed(0)
    jittered = [t + timedelta(milliseconds=random.randint(-400, 400)) for t in _stamps(90 * 24)]
    task = _load(_write(tmp_path, jittered), parts="1m:1m:1m")
    assert task.period == 24
    assert [len(part) for part in (task.train, task.validation, task.test)] == [710, 718, 718]


def test_a_first_stamp_a_step_early_is_a_gap(tmp_path):
    stamps = _stamps(90 * 24)
    stamps[0] -= HOUR
    path = _write(tmp_path, stamps)
    with pytest.raises(CatsError, match="row 2: 1 rows are missing before it: .*--missing hold"):
        _load(path)
    task = _load(path, parts="1m:1m:1m", missing="hold")
    assert task.period == 24
    assert [len(part) for part in (task.train, task.validation, task.test)] == [710, 718, 718]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.insert(50, t.pop(40)), "row 51: .*an earlier time"),
        (lambda t: t.__setitem__(30, t[29]), "row 31: .*is the time of the row before it"),
        (lambda t: t.__setitem__(30, t[10]), "row 31: .*an earlier time than the row before it"),
        (lambda t: t.reverse(), "row 2: .*an earlier time than the row before it: times must rise"),
        (lambda t: t.pop(30), "row 31: 1 rows are missing before it"),
        (lambda t: t.insert(31, t[30] + HOUR / 6), "row 32: only 600 later than the row before"),
        (lambda t: t.__setitem__(30, "soon"), "row 31: column 'date': 'soon' is no time like"),
        (lambda t: t.__setitem__(30, ""), "row 31: column 'date': '' is no time like those"),
        (lambda t: t.__setitem__(30, "17"), "row 31: column 'date': '17' is no time like those"),
        (lambda t: t.__setitem__(30, f"{t[30]}+00:00"), "row 31: .*only some times have an offset"),
        (lambda t: t.__setitem__(0, "01.02.2024"), "row 1: .*is no ISO date: .*--time-format"),
        (lambda t: t.__setitem__(slice(40, None), t[20:]), "row 41"),
    ],
)
def test_times_that_do_not_rise_evenly_are_named(tmp_path, change, message):
    stamps = _stamps()
    change(stamps)
    path = _write(tmp_path, stamps)
    with pytest.raises(CatsError, match=message) as caught:
        read_series(path, ["load"])
    assert "\n" not in str(caught.value)
    assert len(read_series(path, ["load"], time_format="none").values) == len(stamps)


def test_gaps_are_held_where_asked(tmp_path):
    stamps = _stamps()
    values = [str(i % 17) for i in range(DAYS)]
    del stamps[30:33], values[30:33]
    del stamps[60], values[60]
    read = read_series(_write(tmp_path, stamps, values), ["load"], missing="hold")
    want = [i % 17 for i in range(DAYS)]
    want[30:33], want[63] = [want[29]] * 3, want[62]
    assert read.values[:, 0].tolist() == want and read.step == HOUR
    assert read.notes == ("4 of 120 rows are not in the file: they hold the value before",)


def test_a_gap_longer_than_the_file_is_not_filled(tmp_path):
    """A year 9999 among minutes would be four thousand million rows."""
    stamps = [*_stamps(step=timedelta(minutes=1)), datetime(9999, 1, 1)]
    with pytest.raises(CatsError, match="row 121: .* rows are missing in all, more than there are"):
        read_series(_write(tmp_path, stamps), ["load"], missing="hold")


def _berlin(count, begin):
    """Local times without an offset, an hour apart, as a logger in Berlin writes them."""
    zone = ZoneInfo("Europe/Berlin")
    begin = begin.replace(tzinfo=UTC)
    return [(begin + i * HOUR).astimezone(zone).replace(tzinfo=None) for i in range(count)]


def test_daylight_saving(tmp_path):
    """An hour that is there twice, one that is not there: refused, unless the zone is named."""
    autumn, spring = _berlin(96, datetime(2024, 10, 26)), _berlin(96, datetime(2024, 3, 30))
    for stamps, message in (
        (autumn, "row 26: '2024-10-27 02:00:00' is the time of the row.*--time-zone Europe/Berlin"),
        (spring, "row 26: 1 rows are missing before it.*--time-zone Europe/Berlin"),
    ):
        path = _write(tmp_path, stamps)
        with pytest.raises(CatsError, match=message):
            read_series(path, ["load"])
        read = read_series(path, ["load"], time_zone="Europe/Berlin")
        assert len(read.values) == 96 and read.step == HOUR and not read.notes
    quarters = [
        (datetime(2024, 10, 27, tzinfo=UTC) + i * HOUR / 4).astimezone(ZoneInfo("Europe/Berlin"))
        for i in range(96)
    ]
    path = _write(tmp_path, [t.replace(tzinfo=None) for t in quarters])
    with pytest.raises(CatsError, match="an earlier time than the row before .*--time-zone"):
        read_series(path, ["load"])
    assert read_series(path, ["load"], time_zone="Europe/Berlin").step == HOUR / 4
    path = _write(tmp_path, quarters)  # with their offsets
    assert read_series(path, ["load"]).step == HOUR / 4
    with pytest.raises(CatsError, match="time zone 'Mars/Olympus' is unknown"):
        read_series(path, ["load"], time_zone="Mars/Olympus")


def test_times_in_other_words(tmp_path):
    german = [f"{t:%d.%m.%Y %H:%M}" for t in _stamps()]
    path = _write(tmp_path, german)
    with pytest.raises(CatsError, match="row 1: .*--time-format '%d.%m.%Y %H:%M'"):
        read_series(path, ["load"])
    assert read_series(path, ["load"], time_format="%d.%m.%Y %H:%M").step == HOUR
    with pytest.raises(CatsError, match="row 1: .* is not as --time-format says"):
        read_series(path, ["load"], time_format="%Y")
    two = [f"{t:%d/%m/%Y},{t:%H:%M:%S}" for t in _stamps()]
    path = _write(tmp_path, two, header="Date,Time,load")
    assert read_series(path, ["load"], time_format="%d/%m/%Y %H:%M:%S").step == HOUR
    path = _write(tmp_path, [f"9,{t.isoformat()}Z" for t in _stamps()], header="a,Timestamp,load")
    assert read_series(path, ["load"]).step == HOUR


def test_files_without_dates(tmp_path):
    """Numbers only have to rise where their name says time; other columns are no time."""
    path = _write(tmp_path, [i * 10 for i in range(50)], header="time,load")
    assert read_series(path, ["load"]).step is None
    path = _write(tmp_path, [i * 10 for i in [*range(30), 31, *range(33, 50)]], header="time,load")
    with pytest.raises(CatsError, match="row 31: 1 rows are missing"):
        read_series(path, ["load"])
    for stamps in ([i % 7 for i in range(50)], ["a"] * 50, [20240101 + i // 9 for i in range(50)]):
        read = read_series(_write(tmp_path, stamps, header="other,load"), ["load"])
        assert len(read.values) == 50 and read.step is None
    path = tmp_path / "data.csv"
    path.write_text("load\n" + "".join(f"{_wave(i)}\n" for i in range(50)))
    assert len(read_series(path, ["load"]).values) == 50


@pytest.mark.parametrize("where", [3, 60, 118])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1e300", r"column 'load': '1e300' is more than 1e\+18: take it out, or scale"),
        ("1e30", "column 'load': '1e30' is more than"),
        ("-1e30", "column 'load': '-1e30' is more than"),
        ("1e999", "column 'load': '1e999' is more than"),
        ("1e17", r"column 'load': 1e\+17 is out of all proportion to the other values"),
        ("9999999999", r"column 'load': 1e\+10 is out of all proportion"),
        ("inf", "column 'load': 'inf' is infinite"),
        ("1_000", "column 'load': '1_000' is no number"),
        ("0x10", "column 'load': '0x10' is no number"),
    ],
)
def test_values_that_cannot_be_computed_with_are_named(tmp_path, value, message, where):
    values = [_wave(i) for i in range(DAYS)]
    values[where] = value
    with pytest.raises(CatsError, match=rf"row {where + 1}[:,] {message}"):
        _load(_write(tmp_path, _stamps(), values))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "Total,{total}",
            "row 121: column 'date': 'Total' is no time .*looks like a row of totals",
        ),
        ("Summe,{total}", "row 121: .*looks like a row of totals: take it out"),
        (",{total}", "row 121: column 'date': '' is no time like those above"),
    ],
)
def test_a_row_of_totals_is_named(tmp_path, row, message):
    path = _write(tmp_path, _stamps())
    total = sum(float(_wave(i)) for i in range(DAYS))
    path.write_text(path.read_text() + row.format(total=total) + "\n")
    with pytest.raises(CatsError, match=message):
        read_series(path, ["load"])


def test_totals_without_a_name_are_found_by_their_value(tmp_path):
    path = tmp_path / "data.csv"
    values = [float(_wave(i)) for i in range(50)]
    path.write_text("load\n" + "".join(f"{value}\n" for value in [*values, sum(values)]))
    with pytest.raises(CatsError, match="row 51: it holds the sum of all rows above it"):
        read_series(path, ["load"])
    path.write_text("load\n" + "0\n" * 50 + "1\n1\n")  # a sum by chance
    assert len(read_series(path, ["load"]).values) == 52


def test_separators_and_decimal_marks(tmp_path):
    values = [_wave(i).replace(".", ",") for i in range(DAYS)]
    path = _write(tmp_path, _stamps(), values, header="date;load", between=";")
    with pytest.raises(CatsError, match="no column 'load'.*is ';' the separator.*--separator ';'"):
        read_series(path, ["load"])
    with pytest.raises(CatsError, match="row 1: .* is no number: is ',' the decimal mark"):
        read_series(path, ["load"], separator=";")
    read = read_series(path, ["load"], separator=";", decimal=",")
    assert read.values[:, 0].tolist() == [float(_wave(i)) for i in range(DAYS)]
    task = _load(path, separator=";", decimal=",")
    assert tasks.load("forecast", **task.options).options == task.options
    path = _write(tmp_path, _stamps(), values, between="\t", header="date\tload")
    with pytest.raises(CatsError, match="is 'tab' the separator.*--separator 'tab'"):
        read_series(path, ["load"])
    assert (
        read_series(path, ["load"], separator="tab", decimal=",").values.tolist()
        == read.values.tolist()
    )
    path = _write(tmp_path, _stamps(), values)
    with pytest.raises(CatsError, match="row 1: 3 cells, the header has 2: is ',' the decimal"):
        read_series(path, ["load"])
    path = _write(tmp_path, _stamps(), ["1.234,5"] * DAYS, between=";", header="date;load")
    with pytest.raises(CatsError, match="row 1: column 'load': '1.234,5' is no number$"):
        read_series(path, ["load"], separator=";", decimal=",")
    path = _write(tmp_path, _stamps(), between=";", header="date;load")
    with pytest.raises(CatsError, match="is '.' the decimal mark[?] --decimal [.]"):
        read_series(path, ["load"], separator=";", decimal=",")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": "::"}, "separator '::': one character, or tab"),
        ({"separator": '"'}, "one character, or tab"),
        ({"decimal": "'"}, 'decimal mark "\'": . or ,'),
        ({"decimal": ","}, "cannot both separate cells and be the decimal mark"),
    ],
)
def test_marks_that_cannot_be_are_refused(tmp_path, options, message):
    with pytest.raises(CatsError, match=message):
        read_series(_write(tmp_path, _stamps()), ["load"], **options)


def test_columns_twice_are_refused(tmp_path):
    path = _write(tmp_path, [f"{t},1" for t in _stamps()], header="date,load,load")
    with pytest.raises(CatsError, match="column 'load' twice"):
        read_series(path, ["load"])
