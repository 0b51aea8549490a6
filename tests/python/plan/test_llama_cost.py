# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Predicted instructions of Llama kernels beside those that QEMU counted."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from cats.plan import llama_cost
from cats.plan.cost import node_instructions, share, weights_read
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import Kind, full_keep, gather_kind

RECORDED = Path(__file__).parents[2] / "benchmarks" / "m4" / "recorded.json"


def recorded():
    """{name: instructions} of the DSP kernels."""
    found = {}

    def walk(value):
        if isinstance(value, dict):
            for name, part in value.items():
                if isinstance(part, int):
                    found.setdefault(name, part)
                walk(part)

    walk(json.loads(RECORDED.read_text()))
    return found


@pytest.mark.parametrize(
    ("kernel", "predicted"),
    [
        (r"rms-norm/n(\d+)", llama_cost.rms_norm),
        (r"score-turned/width(\d+)", lambda width: llama_cost.score_turned(width, 64, False)),
        (r"score-wide/width(\d+)", lambda width: llama_cost.score_turned(width, 64, True)),
        (r"gate/n(\d+)", llama_cost.gate),
        (r"turn/angles/pairs(\d+)", llama_cost.angles),
        (r"turn/query/n(\d+)", llama_cost.turn),
    ],
)
def test_kernels(kernel, predicted):
    counted = {name: n for name, n in recorded().items() if re.fullmatch(kernel, name)}
    assert len(counted) > 2
    for name, instructions in counted.items():
        size = int(re.fullmatch(kernel, name)[1])
        assert predicted(size) == pytest.approx(instructions, rel=0.05), name


def test_a_product_of_one_row():
    """doc/performance.rst: 64 outputs, instructions a MAC."""
    for stride, a_mac in {32: 1.52, 64: 1.35, 128: 1.26, 256: 1.22, 512: 1.20}.items():
        found = llama_cost.product_of_row(stride, 64) / (64 * stride)
        assert found == pytest.approx(a_mac, rel=0.03), stride


def test_a_product_of_four_bits():
    counted = json.loads(RECORDED.read_text())["counts"]["fast"]
    for columns in (32, 64, 128, 167, 256, 512):
        instructions = counted[f"four-bits-row/in{columns}/out64"]
        found = llama_cost.four_bits_of_row(columns, 64)
        assert found == pytest.approx(instructions, rel=0.01), columns


def test_four_bits_take_longer_and_read_less():
    config = ModelConfig(
        1, 512, 512, features=128, heads=8, hidden=344, blocks=2, causal=True, activation="silu",
        pool="all", norm="rms", position="rotary", feed_forward="gated", bias=False,
        vocabulary=True, context=64,
    )  # fmt: skip
    four = dataclasses.replace(config, four_bits=tuple(range(1, 10)))
    split, found = SplitConfig.even(config, 4), []
    keep = full_keep(config, split)
    for shape in (config, four):
        plan = make_plan(shape, split, keep)
        found.append((node_instructions(shape, split, keep, plan, 0),
                      weights_read(shape, split, keep, plan, 0)))  # fmt: skip
    assert found[0][0] < found[1][0] < 1.2 * found[0][0]
    assert found[1][1] < 0.6 * found[0][1]


#: Instructions that QEMU counted with ``bench.m4.replay()``, Cortex-M4, CONFIG_CATS_FAST_ROW:
#: (produce, consume) of a block's exchanges on one of 16 nodes, of a window of 8 rows.
COUNTED = {
    False: {
        Kind.ATTENTION: (520, 58960), Kind.HEADS: (1800, 19040), Kind.FORWARD: (480, 101160),
        Kind.HIDDEN: (160, 49360),
    },
    True: {Kind.ATTENTION: (520, 149080), Kind.HIDDEN: (1760, 65680)},
}  # fmt: skip


@pytest.mark.parametrize("parallel", [False, True])
def test_exchanges_of_a_block(parallel):
    config = ModelConfig(
        1, 256, 256, features=448, heads=16, hidden=1280, blocks=1, causal=True,
        activation="silu", pool="all", norm="rms", position="rotary", feed_forward="gated",
        bias=False, tied=True, parallel_blocks=parallel, vocabulary=True, context=8,
        wide_keys=True, candidates=8,
    )  # fmt: skip
    split = SplitConfig.even(config, 16)
    keep = full_keep(config, split)
    for g, (kind, counted) in enumerate(COUNTED[parallel].items(), 1):
        assert gather_kind(config, g)[0] == kind
        found = llama_cost.exchange(config, share(config, split, keep, g, 0))
        assert found == pytest.approx(counted, rel=0.03, abs=60), kind


def test_a_step_is_the_sum_of_its_exchanges():
    config = ModelConfig(
        1, 512, 512, features=64, heads=8, hidden=172, blocks=5, causal=True, activation="silu",
        pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=4, bias=False,
        tied=True, vocabulary=True, context=512, wide_keys=True,
    )  # fmt: skip
    for nodes in (1, 4):
        split = SplitConfig.even(config, nodes)
        keep = full_keep(config, split)
        plan = make_plan(config, split, keep)
        whole = node_instructions(config, split, keep, plan, nodes - 1)
        parts = [
            llama_cost.exchange(config, share(config, split, keep, g, nodes - 1))
            for g in range(len(plan.gathers))
        ]
        assert whole == pytest.approx(sum(map(sum, parts)))
        heads = sum(p[0] for g, p in enumerate(parts) if gather_kind(config, g)[0] == Kind.HEADS)
        assert heads > whole / 2  # a window of 512 rows
