# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Predicted instructions against those that QEMU counted."""

import re

import pytest

from bench import m4
from bench.m4 import SHAPES, Shape, build, count_shape, missing_tools
from cats.plan import cost
from cats.report import read_json
from cats.shape.config import ModelConfig

RECORDED = read_json(m4.RECORDED, "recorded counts")["counts"]["dsp"]

OTHERS = {
    "single": Shape(
        "one node, a class token",
        ModelConfig(tokens_in=16, inputs=4, outputs=10, features=64, heads=8, hidden=128, blocks=2,
                    pool="class"),
        1, 1.0, dict(tile_rows=4),
    ),
    "narrow": Shape(
        "two nodes, causal, one row at a time",
        ModelConfig(tokens_in=24, inputs=6, outputs=3, features=36, heads=6, hidden=70, blocks=2,
                    causal=True, activation="relu", pool="last", task="forecast"),
        2, 0.5, dict(tile_rows=1, block_rows=1),
    ),
    "eight": Shape(
        "eight nodes, tiles of seven rows",
        ModelConfig(tokens_in=49, inputs=16, outputs=10, features=128, heads=8, hidden=256,
                    blocks=3),
        8, 0.25, dict(tile_rows=7),
    ),
    "three": Shape(
        "three nodes, held, every row is read",
        ModelConfig(tokens_in=30, inputs=9, outputs=5, features=60, heads=6, hidden=100, blocks=1,
                    pool="all"),
        3, 0.7, dict(tile_rows=3, held=True, heads_per_pass=1),
    ),
    "long": Shape(
        "four nodes, causal, 200 tokens",
        ModelConfig(tokens_in=200, inputs=8, outputs=4, features=64, heads=4, hidden=128, blocks=2,
                    causal=True, pool="last"),
        4, 0.2, dict(tile_rows=8),
    ),
}  # fmt: skip


def predicted(shape: Shape) -> float:
    model, plan = shape.make()
    return cost.node_instructions(shape.config, model.split, model.keep, plan, 0)


def test_products():
    found = 0
    for name, count in RECORDED.items():
        if match := re.fullmatch(r"product/in(\d+)/out(\d+)", name):
            columns, outputs = map(int, match.groups())
            want = 16 * cost.product(4, -(-columns // 4) * 4, outputs, 22)  # 64 tokens
            assert count == pytest.approx(want, rel=0.01), name
            found += 1
    assert found == 30


@pytest.mark.parametrize("columns", range(128, 520, 8))
def test_four_rows_of_any_width(columns):
    """No width has an expensive rest."""
    assert cost.product(4, columns, 64, 22) / (4 * 64 * columns) <= 0.80


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_rows(rows):
    want = cost.product(rows, 168, 64, 22)
    assert RECORDED[f"product/in167/out64/rows{rows}"] == pytest.approx(want, rel=0.01)


@pytest.mark.parametrize("name", [n for n in RECORDED if n.startswith(("score/", "weigh/"))])
def test_attention(name):
    kernel, width, n = re.fullmatch(r"(\w+)/width(\d+)/n(\d+)", name).groups()
    want = getattr(cost, kernel)(int(width), int(n))
    assert RECORDED[name] == pytest.approx(want, rel=0.05)


@pytest.mark.parametrize("columns", [32, 64, 128, 167, 512])
def test_norm(columns):
    assert RECORDED[f"norm/n{columns}"] / 4 == pytest.approx(cost.norm(columns), rel=0.05)


@pytest.mark.parametrize("name", SHAPES)
def test_inferences(name):
    assert RECORDED[f"{name}/inference"] == pytest.approx(predicted(SHAPES[name]), rel=0.05)


@pytest.mark.skipif(missing_tools() is not None, reason=str(missing_tools()))
def test_other_inferences(tmp_path, monkeypatch):
    """Shapes that nothing was fitted to."""
    monkeypatch.setattr(m4, "SHAPES", OTHERS)
    elf = build(tmp_path, "dsp")
    for name, shape in OTHERS.items():
        counted = count_shape(name, {"dsp": elf})["dsp"][f"{name}/inference"].instructions
        assert counted == pytest.approx(predicted(shape), rel=0.06), name
