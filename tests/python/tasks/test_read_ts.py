# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``.ts`` files: statements of the header are obeyed, and what cannot be used is named."""

from importlib import util
from pathlib import Path

import pytest
import torch

from cats import tasks
from cats.errors import CatsError
from cats.tasks.classify import Classify
from cats.tasks.read_ts import read_ts

DATA = Path(__file__).parents[4] / "shared" / "data"
AEON = util.find_spec("aeon") is not None
HEADER = "@problemName x\n@timeStamps false\n@classLabel true a b\n"


def _write(tmp_path, text, name="x.ts"):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    return path


def test_all_of_the_format(tmp_path):
    """Remarks of both kinds, statements in any case, Latin-1 in a remark, blanks, CRLF."""
    read = read_ts(_write(tmp_path, "\r\n".join([
        "% one remark", "# another, by Pierre-Fran\xe7ois", "@ProblemName waves",
        "@timestamps False", "@missing false", "@univariate false", "@dimension 2",
        "@equallength true", "@serieslength 3", "@classlabel true up Down", "@source somewhere",
        "@data", "1, 2,3 : -1,-2e1,.5:up", "", "% between", "4,5,6:7,8,9: Down ", "",
    ])))  # fmt: skip
    assert read.labels == ["up", "Down"] and read.places == ["line 13", "line 16"]
    assert read.channels == ("channel 0", "channel 1") and len(read.sha256) == 64
    assert [values.tolist() for values in read.series] == [
        [[1, -1], [2, -20], [3, 0.5]],
        [[4, 7], [5, 8], [6, 9]],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2:3,4:a\n", "line 1: values before @data"),
        (HEADER + "@data\n", "no series"),
        (HEADER + "@data\n% nothing\n", "no series"),
        # what cannot be used
        ("@targetLabel true\n@data\n1,2:0.7\n", "@targetLabel true: numbers to be estimated"),
        ("@classLabel false\n@data\n1,2:3,4\n", "@classLabel false: series without labels"),
        ("@problemName x\n@data\n1,2:3,4:a\n", "no @classLabel: series without labels"),
        ("@classLabel true\n@data\n1,2:a\n", "line 1: @classLabel true is followed by the names"),
        ("@timeStamps true\n@classLabel true a b\n@data\n(0,1):a\n", "@timeStamps true"),
        ("@timeStamps maybe\n@data\n", "line 1: @timestamps is true or false"),
        ("@missing\n@data\n", "line 1: @missing is true or false"),
        ("@dimensions many\n", "line 1: @dimensions is a number of at least 1"),
        ("@\n1:a\n", "line 2: values before @data"),
        ("@seriesLength 0\n", "line 1: @serieslength is a number of at least 1"),
        (HEADER + "@univariate true\n@dimensions 2\n@data\n1:2:a\n", "contradict each other"),
        # lines against the header
        (HEADER + "@univariate true\n@data\n1,2:3,4:a\n", "line 6: 2 channels and a label, not 1"),
        (HEADER + "@dimensions 3\n@data\n1,2:3,4:a\n", "line 6: 2 channels and a label, not 3"),
        (HEADER + "@data\n1,2:3,4:a\n1,2:b\n", "line 6: 1 channels and a label, not 2"),
        (HEADER + "@data\n1,2:3,4:a\n5,6:7,8\n", "line 6: 1 channels and a label, not 2"),
        (HEADER + "@data\n1,2\n", "line 5: 0 channels and a label, not 1 and a label"),
        (HEADER + "@data\n1,2:\n", "line 5: the label at the end is missing"),
        (HEADER + "@data\n1,2:c\n", "line 5: label 'c' is not one of @classLabel: a b"),
        (HEADER + "@equalLength true\n@data\n1,2:a\n1:b\n", "line 7: 1 steps; .* there are 2"),
        (HEADER + "@equalLength true\n@seriesLength 3\n@data\n1,2:a\n", "line 7: 2 steps; .* 3"),
        (HEADER + "@data\n1,2:3:a\n", "line 5: channels of 1, 2 steps in one series"),
        # values
        (HEADER + "@data\n1,2:3,x:a\n", "line 5: channel 1: step 1: 'x' is no number"),
        (HEADER + "@data\n1,2:3,1_0:a\n", "line 5: channel 1: step 1: '1_0' is no number"),
        (HEADER + "@data\n1,2::a\n", "line 5: channel 1, step 0: '' is a missing value"),
        (
            HEADER + "@data\n1,?:3,4:a\n",
            r"line 5: channel 0, step 1: '\?' is a missing value: fill",
        ),
        (HEADER + "@data\n1,2:3,NaN:a\n", "line 5: channel 1, step 1: 'NaN' is a missing value"),
        (HEADER + "@data\n1,inf:3,4:a\n", "line 5: channel 0: step 1: 'inf' is infinite"),
        (HEADER + "@data\n1,1e30:3,4:a\n", "line 5: channel 0: step 1: '1e30' is more than 1e"),
        (HEADER + "@data\n1,1e999:3,4:a\n", "line 5: channel 0: step 1: '1e999' is more than 1e"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(CatsError, match=message) as caught:
        read_ts(_write(tmp_path, text))
    assert "\n" not in str(caught.value)


def _pair(tmp_path, known, test, labels="1 2"):
    """A training part of these labels and a test part of those, one random channel."""
    generator = torch.Generator().manual_seed(0)
    for name, part in (("TRAIN", known), ("TEST", test)):
        lines = [f"{','.join(f'{v:.3f}' for v in torch.randn(4, generator=generator))}:{label}"
                 for label in part]  # fmt: skip
        text = "\n".join([f"@classLabel true {labels}", "@data", *lines])
        path = _write(tmp_path, text, f"x_{name}.ts")
    return str(path).replace("_TEST", "_TRAIN")


def test_labels_are_the_same_in_both_parts(tmp_path):
    known = ["1", "2"] * 10
    assert Classify(_pair(tmp_path, known, ["2", "1"]), 2).classes == ["1", "2"]
    with pytest.raises(CatsError, match=r"x_TRAIN.ts: labels '1' and '1.0' are the same number"):
        Classify(_pair(tmp_path, known, ["1.0", "2"], "1 2 1.0"), 2)
    with pytest.raises(CatsError, match="x_TEST.ts: label '3' is not in x_TRAIN.ts"):
        Classify(_pair(tmp_path, known, ["1", "3"], "1 2 3"), 2)
    with pytest.raises(CatsError, match="line 3: label '1' is not one of @classLabel: 1.0 2.0"):
        Classify(_pair(tmp_path, known, ["1.0"], "1.0 2.0"), 2)
    task = Classify(_pair(tmp_path, known, ["1"]), 2)
    assert task.warnings == ("x_TEST.ts has no series of class 2",)


def test_numbers_that_are_labels_are_in_order(tmp_path):
    labels = [str(i) for i in range(1, 13)]
    task = Classify(_pair(tmp_path, labels * 4, labels, " ".join(labels)), 2)
    assert task.classes == labels
    assert [task.classes[i] for i in task.test.targets] == labels


def test_unequal_lengths_are_padded_or_cropped_at_their_oldest_end(tmp_path):
    known = [[9, 8, 7, 6], [1, 2], [4, 5, 6], [3, 1, 2]] * 5
    lines = [f"{','.join(map(str, values))}:{'ab'[i % 2]}" for i, values in enumerate(known)]
    path = _write(tmp_path, "\n".join([HEADER + "@data", *lines]), "x_TRAIN.ts")
    lines = ["5:a", "1,2,3,4,5:b"]
    _write(tmp_path, "\n".join([HEADER + "@data", *lines]), "x_TEST.ts")
    with pytest.raises(CatsError, match="line 6: 2 steps, the first series has 4: give --lengths"):
        Classify(str(path), 1)
    for lengths, first, test in (
        ("pad", [1, 1, 1, 2], [[5, 5, 5, 5], [2, 3, 4, 5]]),
        ("crop", [1, 2], [[5, 5], [4, 5]]),
    ):
        read = read_ts(path)
        steps = read.length(lengths)
        assert read.stacked(steps, lengths)[1, :, 0].tolist() == first
        task = Classify(str(path), 1, lengths=lengths)
        got = task.test.inputs[:, :, 0] * task.deviation + task.mean
        torch.testing.assert_close(got, torch.tensor(test, dtype=torch.float32))
        assert Classify(**task.options).options == task.options
    with pytest.raises(CatsError, match="lengths is 'cut': one of refuse, pad, crop"):
        Classify(str(path), 1, lengths="cut")


def test_test_series_of_another_length_are_refused_by_default(tmp_path):
    path = _pair(tmp_path, ["1", "2"] * 10, [])
    _write(tmp_path, "@classLabel true 1 2\n@data\n1,2:1\n", "x_TEST.ts")
    with pytest.raises(CatsError, match="x_TEST.ts, line 3: 2 steps, not 4 as in the training"):
        Classify(path, 2)


def test_options_of_csv_are_refused(tmp_path):
    path = _pair(tmp_path, ["1", "2"] * 10, ["1", "2"])
    for options in ({"group": "a"}, {"separator": ";"}, {"decimal": ","}):
        with pytest.raises(CatsError, match="are of CSV files"):
            Classify(path, 2, **options)


@pytest.mark.skipif(not (DATA / "NATOPS_TRAIN.ts").exists(), reason="NATOPS is not there")
def test_natops():
    """Its remarks are in Latin-1."""
    data = str(DATA / "NATOPS_TRAIN.ts")
    task = tasks.load("classify", data=data, patch=3)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [144, 36, 180]
    assert task.channels == 24 and task.classes == [f"{i}.0" for i in range(1, 7)]
    few = tasks.load("classify", data=data, patch=3, channels=["channel 7", "channel 0"])
    assert few.channel_names == ("channel 7", "channel 0") and few.model.inputs == 6
    every = task.test.inputs.unflatten(2, (24, 3))
    assert torch.equal(few.test.inputs.unflatten(2, (2, 3)), every[:, :, [7, 0]])
    for wrong in (["channel 24"], ["channel 0", "channel 0"]):
        with pytest.raises(CatsError, match="each once, of channel 0, channel 1"):
            tasks.load("classify", data=data, patch=3, channels=wrong)


@pytest.mark.skipif(not AEON, reason="package aeon is not there")
def test_files_of_the_archive():
    inside = Path(util.find_spec("aeon").submodule_search_locations[0]) / "datasets" / "data"
    vowels = inside / "JapaneseVowels" / "JapaneseVowels_TRAIN.ts"  # 7 to 29 steps
    read = read_ts(vowels)
    counts = {len(values) for values in read.series}
    assert (min(counts), max(counts), read.length("pad"), read.length("crop")) == (7, 26, 26, 7)
    gesture = inside / "PickupGestureWiimoteZ" / "PickupGestureWiimoteZ_eq_TRAIN.ts"
    assert Classify(str(gesture)).classes == [str(i) for i in range(1, 11)]  # text: 1, 10, 2
    for name in ("CardanoSentiment/CardanoSentiment", "UnitTest/UnitTestTimeStamps"):
        with pytest.raises(CatsError, match="@targetLabel true|@timeStamps true"):
            read_ts(inside / f"{name}_TRAIN.ts")
