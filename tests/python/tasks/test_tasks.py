# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tasks: parts that do not overlap, normalisation that looks back only, bad data by name."""

import math
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
import torch

from cats import tasks
from cats.errors import CatsError
from cats.tasks import baselines
from cats.tasks.digits import Digits
from cats.tasks.forecast import PRESETS

ETT = Path(__file__).parents[4] / "shared" / "data" / "ETTh1.csv"


@pytest.fixture(scope="module")
def digits():
    return tasks.load("digits")


def test_digits_parts_are_stratified_and_apart(digits):
    parts = digits.train, digits.validation, digits.test
    assert [len(part) for part in parts] == [1078, 269, 450]
    for part in parts:
        shares = part.targets.bincount(minlength=10) / len(part)
        assert (shares - 0.1).abs().max() < 0.01
        assert part.inputs.shape[1:] == (8, 8) and part.inputs.abs().max() <= 1
    images = [{tuple(image.flatten().tolist()) for image in part.inputs} for part in parts]
    assert not images[0] & images[2] and not images[1] & images[2] and not images[0] & images[1]


def test_digits_split_is_fixed_by_its_seed(digits):
    assert torch.equal(Digits().test.inputs, digits.test.inputs)
    assert not torch.equal(Digits(split_seed=1).test.targets, digits.test.targets)


def test_digits_patches_are_where_the_pixels_were(digits):
    patched = Digits(patch_rows=2, patch_columns=4)
    assert patched.model.tokens_in == 8 and patched.model.inputs == 8
    image = digits.test.inputs[3]  # rows are tokens: [8, 8]
    token = patched.test.inputs[3, 5]  # third band of rows, right half
    assert torch.equal(token, image[4:6, 4:8].flatten())


def test_digits_augmentation_moves_little_and_repeats(digits):
    index = torch.arange(64)
    one, labels = digits.batch(index, 1, torch.Generator().manual_seed(0))
    two, _ = digits.batch(index, 1, torch.Generator().manual_seed(0))
    plain, _ = Digits(augment=False).batch(index, 1, torch.Generator())
    assert torch.equal(one, two) and torch.equal(labels, digits.train.targets[index])
    assert torch.equal(plain, digits.train.inputs[index])
    assert 0.05 < (one - plain).abs().mean() < 0.5
    alike = torch.cosine_similarity(one.flatten(1) + 1, plain.flatten(1) + 1)
    assert alike.min() > 0.65 and alike.mean() > 0.85  # other images: 0.69 in the mean
    assert one.min() >= -1 and one.max() <= 1


def test_digits_score_counts_right_answers(digits):
    output = torch.nn.functional.one_hot(digits.test.targets, 10).float()
    output[:45] = -output[:45]
    assert digits.score(output, digits.test) == {"accuracy": 0.9}


def _hour(i):
    return datetime(2024, 1, 1) + timedelta(hours=i)


def _csv(tmp_path, values, header="date,other,load", first=_hour):
    path = tmp_path / "data.csv"
    lines = [f"{first(i)},{-i},{v}" for i, v in enumerate(values)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return str(path)


def _forecast(path, **options):
    options = {"context": 8, "horizon": 3, "patch": 2, **options}
    return tasks.load("forecast", data=path, target="load", **options)


def _wave(count=100):
    return [10 + 3 * math.sin(i / 5) + 0.01 * i for i in range(count)]


def test_forecast_windows_are_the_series(tmp_path):
    values = _wave()
    task = _forecast(_csv(tmp_path, values), parts="60:20:20")
    known = torch.tensor(values[:60], dtype=torch.float64)
    torch.testing.assert_close(task.mean, known.mean()[None])
    torch.testing.assert_close(task.deviation, known.std(correction=0)[None])
    # Training windows end inside the training part; the others may look back, never forward.
    assert [len(p) for p in (task.train, task.validation, task.test)] == [50, 18, 18]
    for part, start in ((task.train, 0), (task.validation, 52), (task.test, 72)):
        for i in (0, len(part) - 1):
            past = (part.inputs[i].flatten() * part.spread[i] + part.offset[i]).double()
            future = (part.targets[i] * part.spread[i] + part.offset[i]).double()
            got = torch.cat((past, future)) * task.deviation + task.mean
            expected = torch.tensor(values[start + i : start + i + 11], dtype=torch.float64)
            torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_forecast_normalisation_uses_the_past_only(tmp_path):
    values = _wave()
    task = _forecast(_csv(tmp_path, values), parts="60:20:20")
    changed = values[:80] + [v * 100 for v in values[80:]]
    other = _forecast(_csv(tmp_path, changed), parts="60:20:20")
    assert torch.equal(task.train.inputs, other.train.inputs)
    assert torch.equal(task.validation.targets, other.validation.targets)
    assert torch.equal(task.test.inputs[0], other.test.inputs[0])  # its context ends at row 80
    assert not torch.equal(task.test.targets[0], other.test.targets[0])


def test_forecast_targets_of_every_token(tmp_path):
    task = _forecast(_csv(tmp_path, _wave()), parts="60:20:20", stride=4)
    index = torch.tensor([2, 5])
    x, targets = task.batch(index, 4, torch.Generator())
    assert x.shape == (2, 4, 2) and targets.shape == (2, 4, 4)
    torch.testing.assert_close(targets[:, -1, :3], task.train.targets[index])
    line = torch.cat((x[0].flatten(), targets[0, -1, :3]))
    for t in range(4):
        torch.testing.assert_close(targets[0, t, :3], line[2 * t + 2 : 2 * t + 5])
    last_only = task.batch(index, 1, torch.Generator())[1]
    torch.testing.assert_close(last_only, targets[:, -1:])


def test_forecast_figures_are_in_units_of_the_training_part(tmp_path):
    task = _forecast(_csv(tmp_path, _wave()), parts="60:20:20")
    part = task.test
    output = part.targets + 2.0 / part.spread[:, None]
    assert task.score(output, part) == pytest.approx({"mse": 4.0, "mae": 2.0}, rel=1e-5)
    targets = torch.cat((part.targets, part.spread[:, None]), 1)[:, None]
    assert task.loss(output[:, None], targets).item() == pytest.approx(4.0, rel=1e-5)


def test_forecast_parts(tmp_path):
    path = _csv(tmp_path, _wave(4 * 720))
    assert [len(p) for p in _parts(_forecast(path, parts="2m:1m:1m"))] == [1430, 718, 718]
    assert [len(p) for p in _parts(_forecast(path, parts="0.5:0.25:0.25"))] == [1430, 718, 718]
    assert [len(p) for p in _parts(_forecast(path, stride=7))] == [246, 574, 574]


def _parts(task):
    return task.train, task.validation, task.test


@pytest.mark.parametrize("parts", ["1:2", "a:b:c", "0.5:0.5:0.5", "0:10:10", "0.5:0:0.5", "1m:2:3"])
def test_forecast_wrong_parts_are_refused(tmp_path, parts):
    with pytest.raises(CatsError, match="give TRAIN:VALIDATION:TEST"):
        _forecast(_csv(tmp_path, _wave()), parts=parts)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        *((value, f"row 42: column 'load': '{value}' is a missing value; fill it, or take .*hold")
          for value in ("", "nan", "NaN", "NULL", "n/a")),
        ("?", r"row 42: column 'load': '\?' is a missing value"),
        ("inf", "row 42: column 'load': 'inf' is infinite"),
        ("three", "row 42: column 'load': 'three' is no number$"),
    ],
)  # fmt: skip
def test_forecast_missing_values_are_named(tmp_path, value, message):
    values = _wave()
    values[41] = value
    with pytest.raises(CatsError, match=message):
        _forecast(_csv(tmp_path, values))


def test_forecast_missing_values_may_be_held(tmp_path):
    """What is held is the value before, never one that comes later."""
    values = [*_wave(40), "", "NaN", *_wave()[42:]]
    held = [*_wave(40), _wave()[39], _wave()[39], *_wave()[42:]]
    got = _forecast(_csv(tmp_path, values), parts="60:20:20", missing="hold")
    want = _forecast(_csv(tmp_path, held), parts="60:20:20")
    assert torch.equal(got.train.inputs, want.train.inputs)
    assert tasks.load("forecast", **want.options).options == want.options
    with pytest.raises(CatsError, match="row 1: column 'load'.*no value before it"):
        _forecast(_csv(tmp_path, ["", *_wave()]), missing="hold")
    with pytest.raises(CatsError, match="row 3: column 'load': 'three' is no number"):
        _forecast(_csv(tmp_path, [1, 2, "three", *_wave()]), missing="hold")


def test_baselines_know_what_they_should(tmp_path):
    """A wave of one day's period: the last day is exact, and so is a linear model."""
    values = [math.sin(2 * math.pi * i / 24) + 3 for i in range(400)]
    path = _csv(tmp_path, values)
    task = _forecast(path, context=48, horizon=30, patch=8, parts="200:100:100")
    assert task.period == 24
    scores = baselines.scores(task, "test")["test"]
    assert list(scores) == ["context mean", "last day repeated", "linear", "persistence"]
    assert scores["last day repeated"]["mse"] < 1e-9 and scores["linear"]["mse"] < 1e-4
    hold = torch.stack([torch.tensor(values[348 - 48 + i : 348 - 18 + i]) for i in range(71)])
    before = torch.tensor(values[299:370])[:, None]
    error = (hold - before) / task.deviation
    assert scores["persistence"]["mse"] == pytest.approx(error.square().mean().item(), rel=1e-3)
    assert scores["context mean"]["mse"] == pytest.approx(1.0, rel=0.05)
    undated = _forecast(_csv(tmp_path, values, first=str), context=48, parts="200:100:100")
    assert undated.period is None and "last day repeated" not in baselines.fitted(undated)


def test_baselines_of_classes(digits):
    """The majority by counting, the nearest neighbour by all distances; all from training data."""
    found = baselines.scores(digits, "validation", "test")
    assert list(found) == ["validation", "test"]
    for part, scores in found.items():
        assert list(scores) == ["majority class", "nearest neighbour", "logistic regression"]
        samples = getattr(digits, part)
        most = digits.train.targets.bincount().argmax()
        assert (
            scores["majority class"]["accuracy"] == (samples.targets == most).double().mean().item()
        )
        apart = torch.cdist(samples.inputs.flatten(1), digits.train.inputs.flatten(1))
        right = digits.train.targets[apart.argmin(1)] == samples.targets
        assert scores["nearest neighbour"]["accuracy"] == pytest.approx(
            right.double().mean().item(), abs=0.01
        )
        assert 0.9 < scores["logistic regression"]["accuracy"] < 1


def test_baselines_of_much_data_learn_from_a_part_of_it(digits):
    assert baselines.thinned(digits) == 1
    with mock.patch.object(baselines, "MOST_NUMBERS", digits.train.inputs.numel() // 2):
        assert baselines.thinned(digits) == 2
        thin = baselines.scores(digits, "test")["test"]
    assert 0.8 < thin["nearest neighbour"]["accuracy"] < 1


def test_linear_baseline_is_the_best_linear_map(tmp_path):
    """No other weights do better on what it was fitted to (here without a ridge to speak of)."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(300, generator=generator).cumsum(0).tolist()
    task = _forecast(_csv(tmp_path, noise), parts="200:50:50")
    with mock.patch.object(baselines, "RIDGES", (1e-12,)):
        (best,) = baselines.linear(task)

    def error(weights):
        design = baselines.design(task, task.train)[:, 0]
        return task.score((design @ weights).float(), task.train)["mse"]

    for _ in range(5):
        other = best + 0.01 * torch.randn(best.shape, dtype=torch.float64, generator=generator)
        assert error(other) > error(best)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "guess"}, "missing is 'guess': one of refuse, hold"),
        ({"target": "price"}, "no column 'price': its columns are date, other, load"),
        ({"data": "no/such/file.csv"}, "cannot be read: No such file.*--data FILE"),
        ({"context": 9}, "no multiple of the patch"),
        ({"horizon": 0}, "horizon is 0"),
        ({"context": 80}, "the training part has 60 rows: context and horizon need 83"),
        ({"parts": "90:20:20"}, "need 130 rows, the file has 100"),
        ({"parts": "1m:1m:1m"}, "need 2160 rows, the file has 100"),
        ({"strid": 2}, r"options\.strid: unknown, one of data"),
    ],
)
def test_forecast_bad_options_are_named(tmp_path, options, message):
    options = {"data": _csv(tmp_path, _wave()), "target": "load", "parts": "60:20:20", **options}
    with pytest.raises(CatsError, match=message):
        tasks.load("forecast", **{"context": 8, "horizon": 3, "patch": 2, **options})


def test_forecast_empty_constant_and_undated_files(tmp_path):
    with pytest.raises(CatsError, match="no rows"):
        _forecast(_csv(tmp_path, []))
    with pytest.raises(CatsError, match="never changes"):
        _forecast(_csv(tmp_path, [5.0] * 100))
    with pytest.raises(CatsError, match="parts in months need dates in the file"):
        _forecast(_csv(tmp_path, _wave(), first=str), parts="1m:1m:1m")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatsError, match="cannot be read: it is no text"):
        _forecast(str(tmp_path / "bytes.csv"))


def test_unknown_task_is_refused():
    with pytest.raises(CatsError, match="one of digits, forecast"):
        tasks.load("chess")


@pytest.mark.skipif(not ETT.exists(), reason="ETTh1.csv is not there")
def test_ett_follows_the_literature():
    task = tasks.load("forecast", data=str(ETT), **PRESETS["ett"])
    assert [len(p) for p in (task.train, task.validation, task.test)] == [8033, 2785, 2785]
    assert task.period == 24
    scores = baselines.scores(task, "test")["test"]
    assert 0.055 < scores["linear"]["mse"] < 0.06
    for name in ("persistence", "context mean", "last day repeated"):
        assert 0.065 < scores[name]["mse"] < 0.075


def test_samples_evenly_spread():
    """From the first to the last, each at most once, of every field."""
    part = tasks.Part(torch.arange(10.0)[:, None, None], torch.arange(10), spread=torch.arange(10))
    for count, wanted in ((1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, list(range(10))),
                          (99, list(range(10)))):  # fmt: skip
        some = part.spaced(count)
        assert some.targets.tolist() == some.spread.tolist() == wanted and some.offset is None
        assert some.inputs.flatten().tolist() == wanted


def _columns(tmp_path, count=200):
    """A file of three columns; b follows a by three rows, c is noise."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, count + 3, generator=generator).tolist()
    a = [math.sin(i / 5) + 0.3 * noise[0][i] for i in range(count + 3)]
    lines = [f"{_hour(i)},{a[i + 3]:.5f},{100 + 10 * a[i]:.4f},{noise[1][i]:.5f}"
             for i in range(count)]  # fmt: skip
    (tmp_path / "abc.csv").write_text("\n".join(["date,a,b,c", *lines]) + "\n")
    rows = [[float(v) for v in line.split(",")[1:]] for line in lines]
    return str(tmp_path / "abc.csv"), torch.tensor(rows, dtype=torch.float64)


SEVERAL = {"context": 8, "horizon": 3, "patch": 2, "parts": "120:40:40"}


def test_forecasts_of_many_targets_with_outside_channels(tmp_path):
    """Columns of a token channel by channel, targets first; each normalised by its own window."""
    path, rows = _columns(tmp_path)
    task = tasks.load("forecast", data=path, target="b,a", channels=["c"], **SEVERAL)
    assert task.channels == 3 and task.metadata.targets == 2
    assert [c.name for c in task.metadata.channels] == ["b", "a", "c"]
    assert (task.model.inputs, task.model.outputs) == (6, 6)
    rows = rows[:, [1, 0, 2]]
    mean, deviation = rows[:120].mean(0), rows[:120].std(0, correction=0)
    torch.testing.assert_close(task.mean, mean)
    part = task.validation
    assert part.offset.shape == part.spread.shape == (len(part), 2)
    for i in (0, len(part) - 1):
        seen = (rows[112 + i : 120 + i] - mean) / deviation
        normal = (seen - seen.mean(0)) / (seen.var(0, correction=0) + 1e-5).sqrt()
        wanted = normal.reshape(4, 2, 3).transpose(1, 2).reshape(4, 6)
        torch.testing.assert_close(part.inputs[i].double(), wanted, rtol=1e-4, atol=1e-4)
        future = part.targets[i].reshape(2, 3) * part.spread[i, :, None] + part.offset[i, :, None]
        future = future.T.double() * deviation[:2] + mean[:2]
        torch.testing.assert_close(future, rows[120 + i : 123 + i, :2], rtol=1e-4, atol=1e-4)
    again = tasks.load("forecast", **task.options)
    assert torch.equal(again.test.inputs, task.test.inputs) and again.options == task.options
    x, targets = task.batch(torch.tensor([3, 9]), 4, torch.Generator())
    assert x.shape == (2, 4, 6) and targets.shape == (2, 4, 8)
    torch.testing.assert_close(targets[:, -1, :6], task.train.targets[[3, 9]])
    line = torch.cat((task.contexts(task.train)[3, 1], task.train.targets[3, 3:]))
    for t in range(4):
        torch.testing.assert_close(targets[0, t, 3:6], line[2 * t + 2 : 2 * t + 5])


def test_figures_of_many_targets_are_their_means(tmp_path):
    path, _ = _columns(tmp_path)
    task = tasks.load("forecast", data=path, target=["a", "b"], **SEVERAL)
    part = task.test
    error = torch.tensor([2.0, 4.0])  # deviations of the training part
    output = part.targets + (error / part.spread).repeat_interleave(3, 1)
    assert task.score(output, part) == pytest.approx({"mse": 10.0, "mae": 3.0}, rel=1e-4)
    targets = torch.cat((part.targets, part.spread), 1)[:, None]
    assert task.loss(output[:, None], targets).item() == pytest.approx(10.0, rel=1e-4)
    alone = [tasks.load("forecast", data=path, target=name, **SEVERAL) for name in "ab"]
    scores = [baselines.scores(one, "test")["test"] for one in alone]
    together = baselines.scores(task, "test")["test"]
    for name in ("persistence", "linear", "context mean"):
        mean = sum(one[name]["mse"] for one in scores) / 2
        assert together[name]["mse"] == pytest.approx(mean, rel=1e-4)
    assert "linear, all channels" not in scores[0]
    # b is what a was three rows before, which its own window does not tell.
    assert together["linear, all channels"]["mse"] < 0.8 * together["linear"]["mse"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "a,b,a"}, "columns a, b, a: each once"),
        ({"target": "a", "channels": ["a"]}, "each once"),
        ({"target": "a", "channels": ["d"]}, "no column 'd'"),
        ({"target": "a,"}, "no column ''"),
        ({"target": ["a", "b"], "units": ["K"] * 3}, "3 units for 2 channels"),
    ],
)
def test_wrong_columns_of_a_forecast_are_named(tmp_path, options, message):
    path, _ = _columns(tmp_path)
    with pytest.raises(CatsError, match=message):
        tasks.load("forecast", data=path, **SEVERAL, **options)


@pytest.mark.skipif(not ETT.exists(), reason="ETTh1.csv is not there")
def test_ett_of_all_columns_has_the_baselines_of_the_literature():
    """Multivariate, horizon 96: there the last value held is at 1.295 (Zeng et al., "Are
    Transformers Effective for Time Series Forecasting?"), linear maps of 96 values below 0.40."""
    columns = "HUFL,HULL,MUFL,MULL,LUFL,LULL,OT"
    options = {**PRESETS["ett"], "target": columns, "context": 96, "stride": 2}
    task = tasks.load("forecast", data=str(ETT), **options)
    assert task.channels == 7 and task.model.outputs == 7 * 96
    scores = baselines.scores(task, "test")["test"]
    assert 0.37 < scores["linear"]["mse"] < 0.40
    assert scores["persistence"]["mse"] == pytest.approx(1.29, abs=0.01)
