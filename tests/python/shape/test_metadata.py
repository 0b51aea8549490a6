# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a model says of its samples and outputs: JSON both ways, every key checked."""

import dataclasses
import json

import pytest

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata, from_json, sorted_labels, to_json

CLASSES = Metadata(
    (Channel("x", "m/s²", 0.5, 2.0, -8.0, 8.0, 1024.0), Channel("y")), 1, 23, (1, 5),
    ("walk", "run", "2"),
)  # fmt: skip
IMAGES = Metadata((Channel("pixel", "", 8.0, 8.0),), 8, 8, (2, 4), ("0", "1"))
FORECAST = Metadata(
    (Channel("OT", "°C", 17.1, 9.2, -4.0, 46.0),), 1, 512, (1, 16), None, 96, "window", 3600.0
)
VALUES = Metadata(
    (Channel("x"), Channel("y")),
    1,
    23,
    (1, 5),
    values=(Channel("load", "kW", 3.0, 2.0, 0, 9, 1e3),),
)
SEVERAL = dataclasses.replace(
    FORECAST, channels=tuple(Channel(name) for name in "abc"), targets=2, horizon=8
)


@pytest.mark.parametrize("metadata", [CLASSES, IMAGES, FORECAST, VALUES, SEVERAL])
def test_json_both_ways(metadata: Metadata) -> None:
    assert from_json(json.loads(json.dumps(to_json(metadata)))) == metadata


def test_shape_of_the_input() -> None:
    assert (CLASSES.tokens_in, CLASSES.inputs) == (4, 10)
    assert (IMAGES.tokens_in, IMAGES.inputs) == (8, 8)
    assert (FORECAST.tokens_in, FORECAST.inputs) == (32, 16)
    config = ModelConfig(tokens_in=4, inputs=10, outputs=3)
    CLASSES.check(config)
    VALUES.check(dataclasses.replace(config, outputs=1))
    SEVERAL.check(dataclasses.replace(config, tokens_in=32, inputs=48, outputs=16))
    for change in ({"inputs": 9}, {"tokens_in": 5}, {"outputs": 4}):
        with pytest.raises(CatsError, match="metadata: .* the model's"):
            CLASSES.check(dataclasses.replace(config, **change))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"width": 0}, "width"),
        ({"width": "23"}, "width"),
        ({"height": 70000}, "height"),
        ({"height": True}, "height"),
        ({"patch": [1, 24]}, "patch"),
        ({"patch": [2, 5]}, "patch"),
        ({"patch": [1]}, "patch"),
        ({"patch": [0, 5]}, "patch"),
        ({"classes": "abc"}, "classes"),
        ({"classes": ["a", 2]}, r"classes\[1\]"),
        ({"classes": ["a\0", "b"]}, "zero byte"),
        ({"channels": []}, "channels"),
        ({"channels": {}}, "channels"),
        ({"channels": [3]}, r"channels\[0\]"),
        ({"channels": [{"name": "x"}]}, r"channels\[0\] lacks"),
        ({"classes": None, "horizon": 0, "normalisation": "window"}, "horizon"),
        ({"classes": None, "horizon": 3}, "normalisation"),
        ({"targets": 2}, "targets is 2: it must be 1 to 1"),
        ({"classes": None, "horizon": 3, "normalisation": "window", "targets": 3}, "1 to 2"),
        ({"targets": 0}, "targets"),
        ({"values": []}, "values"),
        ({"values": [{"name": "x"}]}, r"values\[0\] lacks"),
        ({"values": [dataclasses.asdict(Channel("v"))]}, "classes and values"),
        ({"horizon": 3, "normalisation": "window"}, "classes and horizon"),
        ({"normalisation": "none"}, "normalisation"),
        ({"step": -1}, "step"),
        ({"step": float("inf")}, "step"),
        ({"colour": 3}, "unknown colour"),
    ],
)
def test_wrong_keys_are_named(change: dict, named: str) -> None:
    with pytest.raises(CatsError, match=f"metadata: .*{named}"):
        from_json({**to_json(CLASSES), **change})


@pytest.mark.parametrize(
    ("key", "value"),
    [("mean", "0"), ("mean", 1e39), ("deviation", 0), ("deviation", -1), ("deviation", 1e-40),
     ("name", 3), ("unit", None), ("counts_per_unit", 0), ("counts_per_unit", [1])],
)  # fmt: skip
def test_wrong_channels_are_named(key: str, value: object) -> None:
    data = to_json(CLASSES)
    data["channels"][1][key] = value
    with pytest.raises(CatsError, match=f"metadata: .*{key}"):
        from_json(data)


def test_a_missing_key_is_named() -> None:
    old = to_json(CLASSES)
    del old["targets"], old["values"]  # of a version before there were these
    assert from_json(old) == CLASSES
    for key in old:
        data = to_json(CLASSES)
        del data[key]
        with pytest.raises(CatsError, match=f"lacks {key}"):
            from_json(data)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ({"10", "2", "1", "11"}, ["1", "2", "10", "11"]),
        ({"-1", "1.5", "0"}, ["-1", "0", "1.5"]),
        ({"10", "2", "a"}, ["10", "2", "a"]),
        ({"nan", "2", "10"}, ["10", "2", "nan"]),
    ],
)
def test_order_of_classes(labels: set[str], order: list[str]) -> None:
    assert sorted_labels(labels) == order
