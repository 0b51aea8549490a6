# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CSV of sensors: times and counters are no channels, groups stay together, faults are named."""

from pathlib import Path

import pytest
import torch

from cats.errors import CatsError
from cats.tasks.classify import Classify
from cats.tasks.read_sensors import read_csv


def _write(tmp_path, header, rows):
    path = tmp_path / "data.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _noise(tmp_path, extra="", of=lambda i, t: "", samples=20, steps=4):
    """Random x and y; ``extra`` columns in front hold ``of(sample, step)``."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for i in range(samples):
        for t in range(steps):
            x, y = torch.randn(2, generator=generator).tolist()
            rows.append(f"{of(i, t)}s{i},{x:.4f},{y:.4f},{'ab'[i % 2]}")
    return _write(tmp_path, extra + "sample,x,y,label", rows)


def test_rows_become_series(tmp_path):
    rows = [f"s{i},{(7 * i + t) % 5},{t - i},{'ab'[i % 2]}" for i in range(20) for t in range(4)]
    read = read_csv(_write(tmp_path, "sample,x,y,label", rows))
    assert len(read.series) == 20 and read.labels[:3] == ("a", "b", "a")
    assert read.series[3].tolist() == [[1, -3], [2, -2], [3, -1], [4, 0]]
    assert read.channels == ("x", "y") and read.notes == ("channels: x, y",) and not read.warnings
    task = Classify(str(tmp_path / "data.csv"), patch=2)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [12, 4, 4]
    assert task.channel_names == ("x", "y")
    assert Classify(**task.options).options == task.options


@pytest.mark.parametrize(
    ("name", "of", "why"),
    [
        ("time", lambda i, t: f"{i * 4 + t}.5", "a time"),
        ("Timestamp (ms)", lambda i, t: f"{t * 10}", "a time"),
        ("sample_time", lambda i, t: f"2024-01-01 00:00:{t:02d}", "a time"),
        ("date", lambda i, t: f"{i % 12 + 1:02d}/31/2024", "a time"),
        ("datetime", lambda i, t: "", "a time"),
        ("index", lambda i, t: f"{i * 4 + t}", "counts up"),
        ("", lambda i, t: f"{i * 4 + t}", "counts up"),  # as pandas writes its index
        ("Unnamed: 0", lambda i, t: f"{i * 4 + t}", "counts up"),
        ("row_id", lambda i, t: f"{i * 4 + t}", "counts up"),
        ("t", lambda i, t: f"{t / 50}", "counts up"),  # begins anew with each sample
        ("id", lambda i, t: f"{i}", "counts up"),  # of the sample
        ("id", lambda i, t: f"r{i}", "no numbers"),
        ("Subject", lambda i, t: f"{i % 3}", "tells recordings apart"),
        ("user_id", lambda i, t: f"u{i % 3}", "tells recordings apart"),
    ],
)
def test_what_is_no_channel(tmp_path, name, of, why):
    read = read_csv(_noise(tmp_path, f"{name},", lambda i, t: f"{of(i, t)},"))
    shown = name or "a column without a name"
    assert read.channels == ("x", "y")
    assert read.notes == (f"channels: x, y; left out: {shown} ({why})",)


def test_columns_that_only_sound_alike_are_channels(tmp_path):
    """A t that falls is no index; --channels takes what it is told, in its order."""
    path = _noise(tmp_path, "t,index_finger,", lambda i, t: f"{(i + t) % 3},{(i * t) % 5},")
    assert read_csv(path).channels == ("t", "index_finger", "x", "y")
    path = _noise(tmp_path, "time,", lambda i, t: f"{t},")
    read = read_csv(path, channels=["y", "time"])
    assert read.channels == ("y", "time") and read.series[0][:, 1].tolist() == [0, 1, 2, 3]
    for wrong in (["x", "x"], ["sample"], []):
        with pytest.raises(CatsError, match="channels are columns beside sample"):
            read_csv(path, channels=wrong)
    with pytest.raises(CatsError, match="has no column 'z': its columns are time, sample, x, y"):
        read_csv(path, channels=["z"])


def test_a_channel_that_never_falls_is_asked_about(tmp_path):
    path = _noise(tmp_path, "uptime_of_it,", lambda i, t: f"{i * 4 + t},")
    (warning,) = read_csv(path).warnings
    assert warning.startswith("channel 'uptime_of_it' never falls in the whole file")


def test_time_tells_nothing_of_noise(tmp_path):
    """Labels change once in the file: a time as a channel told them all."""
    rows = [f"{i},s{i},{(i * 7919) % 101},{'ab'[i >= 20]}" for i in range(40)]
    task = Classify(str(_write(tmp_path, "time,sample,x,label", rows)), patch=1)
    assert task.channel_names == ("x",) and task.model.inputs == 1


def _people(tmp_path, count=12):
    """Three samples a person, both classes."""
    return _noise(tmp_path, "person,", lambda i, t: f"p{i // 3},", samples=3 * count)


def test_no_group_is_in_two_parts(tmp_path):
    path = str(_people(tmp_path))
    people = read_csv(Path(path), group="person").groups
    assert people[:4] == ("p0", "p0", "p0", "p1")
    task = Classify(path, patch=2, group="person")
    by_sample = {}
    for part in (task.train, task.validation, task.test):
        for series in part.inputs:
            by_sample[tuple(series.flatten().tolist())] = id(part)
    whole = Classify(path, patch=2, group="sample")
    assert len(by_sample) == sum(map(len, (whole.train, whole.validation, whole.test))) == 36
    assert [len(part) for part in (task.train, task.validation, task.test)] == [21, 6, 9]
    assert task.notes[-1] == "groups by person, training:validation:test 7:2:3"
    assert task.notes[0] == "channels: x, y" and not task.warnings
    again = Classify(**task.options)
    assert torch.equal(again.test.inputs, task.test.inputs)
    other = Classify(path, patch=2, group="person", split_seed=1)
    assert not torch.equal(other.test.inputs, task.test.inputs)


@pytest.mark.parametrize(
    "name", ["subject", "person", "user", "speaker", "recording", "session", "group", "Subject_ID"]
)
def test_a_group_that_is_not_used_is_told(tmp_path, name):
    read = read_csv(_noise(tmp_path, f"{name},", lambda i, t: f"{i % 4},"))
    (warning,) = read.warnings
    assert warning.startswith(f"column {name!r} is not used: without --group {name} the same")
    assert not read_csv(tmp_path / "data.csv", group=name).warnings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,x\n0,1\n", "has no columns sample and label: its columns are time, x"),
        ("sample;label;x\na;k;1\n", "is ';' the separator.* --separator ';'"),
        ('"sample\nlabel",x\na,1\n', "its columns are sample label, x$"),
        ("sample\tlabel\tx\na\tk\t1\n", "is 'tab' the separator.* --separator 'tab'"),
        ("sample,label,x,y,x\n", "column 'x' twice: rename or drop one"),
        ("sample,label\na,k\n", "no columns of channels"),
        ("sample,label,time\na,k,1\n", "no columns of channels"),
        ("sample,label,x,\na,k,1,2\na,k,1,1\n", "column 4 has no name"),
        ("sample,label,x\n", "no rows"),
        ("", "no columns sample and label: its columns are none"),
        ("sample,label,x\na,k,1\na,k,\n", "row 2: column 'x': a value is missing: fill it"),
        ("sample,label,x\na,k,1\na,k,nan\n", "row 2: column 'x': a value is missing"),
        ("sample,label,t\na,k,3\na,k,?\na,k,2\n", "missing in column 't': fill it"),
        ("sample,label,x\na,k\n", "row 1: column 'x': a value is missing"),
        ("sample,label,x\na,k,1,2\n", "row 1: 4 cells, the header has 3: is ',' the decimal"),
        ('sample,label,x\na,k,"1,5"\n', "row 1: .*'1,5' is no number: is ',' the decimal mark"),
        ("sample,label,x\na,k,one\n", "row 1: column 'x': 'one' is no number"),
        ("sample,label,x\na,k,1e30\n", r"row 1: column 'x': '1e30' is more than 1e\+18"),
        ("sample,label,x\na,k,-inf\n", "row 1: column 'x': '-inf' is infinite"),
        ("sample,label,x\na,,1\n", "row 1: column 'label' is empty"),
        ("sample,label,x\na,k,1\n,k,1\n", "row 2: column 'sample' is empty"),
        ("sample,label,x\na,k,1\na,nan,1\n", "row 2: column 'label' is empty"),
        ("sample,label,x\na,k,1\nTotal,,1\n", "row 2: .*empty; it looks like a row of totals"),
        ("sample,label,x\na,k,1\na,l,1\n", "row 2: sample 'a' has two labels: k, l"),
        ("sample,label,x\na,k,1\nb,k,1\na,k,1\n", "row 3: rows of sample 'a' stand apart"),
        ("sample,label,x\na,k,1\na,k,1\nb,k,1\n", "sample 'b': 1 steps, the first series has 2"),
        ("sample,label,x\na,k,1\nb,k,2\n", "one class"),
        ("sample,label,x\na,1,1\nb,1.0,2\n", "labels '1' and '1.0' are the same number"),
        ("sample,label,x\na,k,1\nb,l,2\n", "too few"),
        ('sample,label,x\na,"k,1\nb,l,2\n', "row 1: no CSV: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(CatsError, match=message) as caught:
        Classify(str(path), patch=1)
    assert "\n" not in str(caught.value)


def test_faults_of_groups_are_named(tmp_path):
    path = _write(tmp_path, "sample,who,label,x", ["a,p,k,1", "a,q,k,2"])
    with pytest.raises(CatsError, match="row 2: sample 'a' has two groups: p, q"):
        read_csv(path, group="who")
    path = _write(tmp_path, "sample,who,label,x", ["a,p,k,1", "b,,k,2"])
    with pytest.raises(CatsError, match="row 2: column 'who' is empty"):
        read_csv(path, group="who")
    with pytest.raises(CatsError, match="has no column 'whom': its columns are sample, who"):
        read_csv(path, group="whom")
    path = _noise(tmp_path, "who,", lambda i, t: f"{i % 2},")
    with pytest.raises(CatsError, match="2 groups: at least 3, one for each part"):
        Classify(str(path), patch=1, group="who")


def test_one_value_out_of_all_proportion_is_named(tmp_path):
    path = _noise(tmp_path, samples=200)
    lines = path.read_text().splitlines()
    lines[10] = "s2,1e17,0,a"
    path.write_text("\n".join(lines))
    with pytest.raises(CatsError, match="sample 's2', step 1, x: 1e.17 is out of all proportion"):
        Classify(str(path), patch=1)


def test_separators_and_decimal_commas(tmp_path):
    rows = ["a;k;1,5;-2", "a;k;2,25e1;,5", "", "b;l;0;1"]
    path = _write(tmp_path, "sample;label;x;y", rows)
    read = read_csv(path, separator=";", decimal=",")
    assert read.labels == ("k", "l") and read.series[1].tolist() == [[0, 1]]
    with pytest.raises(CatsError, match="row 1: column 'x': '1,5' is no number: .*--decimal ,"):
        read_csv(path, separator=";")


def test_series_of_unequal_length_are_cropped(tmp_path):
    rows = [f"s{i},{'ab'[i % 2]},{(i * 5 + t) % 7}" for i in range(20) for t in range(3 + i % 2)]
    path = _write(tmp_path, "sample,label,x", rows)
    assert Classify(str(path), 3, lengths="crop").model.tokens_in == 1
    assert Classify(str(path), 2, lengths="pad").model.tokens_in == 2
