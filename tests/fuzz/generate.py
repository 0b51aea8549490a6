#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Write images/ again, nodes of streams whose frames are fuzzed, after a change of the format::

python tests/fuzz/generate.py
"""

import dataclasses
from pathlib import Path

from cats.deploy import image
from cats.integer import llama_stream, steps
from cats.integer.llama_model import LlamaModel
from cats.integer.model import IntegerModel
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_keep, random_model
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig

IMAGES = Path(__file__).parent / "images"
LLAMA = ModelConfig(
    4, 30, 30, features=12, heads=3, hidden=9, blocks=1, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    tied=True, vocabulary=True,
)  # fmt: skip
SENSOR = ModelConfig(
    tokens_in=5, inputs=4, outputs=3, features=12, heads=3, hidden=6, blocks=1, pool="mean",
    activation="relu", causal=True,
)  # fmt: skip


def _packed(name: str, model: IntegerModel | LlamaModel, nodes: tuple[int, ...]) -> dict:
    plan = make_plan(model.config, model.split, model.keep, payload=16)
    ident = image.model_id(model, plan)
    return {f"{name}_{node}.bin": image.pack(model, plan, node, ident) for node in nodes}


def files() -> dict[str, bytes]:
    """{name: image}: two nodes of a text with candidates, one that has no head, two of whose rows
    come from their owners, one that computes and one that does not, two such whose rows are those
    of the classifier, one that has the whole residual and feed-forward, one of a stream."""
    text = random_llama(7, LLAMA, SplitConfig.even(LLAMA, 3))
    wide = SplitConfig.even(LLAMA, 5, "single", "even")
    tables = dataclasses.replace(LLAMA, parallel_blocks=True, layer_tables=True)
    few = SplitConfig.by_shares(tables, (1, 1, 0), "channels", "even").with_rows(tables)
    rows = SplitConfig.even(LLAMA, 3, "channels", "even")
    split = SplitConfig(heads=(1, 1, 1), hidden=(2, 2, 2), outputs=(1, 1, 1), inputs=(2, 1, 1))
    sensor = random_model(7, SENSOR, split, random_keep(7, SENSOR, split, 0.75))
    return {
        **_packed("text", llama_stream.stream_of(text, 2), (0, 2)),
        **_packed("replicated", llama_stream.stream_of(text, 2, replicate="feed_forward"), (1,)),
        **_packed("headless", llama_stream.stream_of(random_llama(7, LLAMA, wide), 2), (4,)),
        **_packed("rows", llama_stream.stream_of(random_llama(7, tables, few), 2, True), (0, 2)),
        **_packed("tied", llama_stream.stream_of(random_llama(7, LLAMA, rows), 2, True), (0, 2)),
        **_packed("stream", steps.stream_of(sensor), (1,)),
    }


if __name__ == "__main__":
    for name, data in files().items():
        (IMAGES / name).write_bytes(data)
