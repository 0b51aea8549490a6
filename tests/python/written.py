# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A small language model on some nodes, their texts, and one of them that hears frames."""

import dataclasses
import struct

from cats.deploy import image
from cats.integer.llama_stream import gathers_of, stream_of
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_keep
from cats.native import lib
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare_steps import check_steps
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate
from driven import SYNC, Driven

CONFIG = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=2, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    vocabulary=True,
)  # fmt: skip


def deployment(nodes=4, share=1.0, candidates=0, parallel=False, replicate="", **options):
    config = dataclasses.replace(CONFIG, parallel_blocks=parallel)
    split = SplitConfig.even(config, nodes)
    keep = random_keep(1, config, split, share)
    llama = random_llama(5, config, split, keep)
    model = gathers_of(stream_of(llama, candidates, replicate=replicate))
    return model, make_plan(model.config, split, model.keep, **options)


def write(model, plan, steps, prompts, faults=None, seed=1, **settings):
    """So many steps of texts; what nodes compute is the reference's."""
    result = simulate(
        model, plan, steps, faults or Faults(), seed, Settings(**settings), prompts=prompts
    )
    assert result.hung is None
    assert not check_steps(model, plan, None, result)
    return result


def told(token=5, left=0, position=0, text=7, temperature=0, flags=0):
    """What a frame tells of a step."""
    return struct.pack("<HHIHIHBB", token, left, position, text, 1, temperature, 0, flags)


def driven(number):
    model, plan = deployment(2, radio="nrf_radio")
    ident = image.model_id(model, plan)
    made = [image.pack(model, plan, d, ident) for d in range(2)], plan
    return Driven(number, made=made)


def stepped(node, inference, payload):
    """A step that node 0 opens; whether its token is then told."""
    at = node.now + node.silence
    node.hear(at, SYNC, 0, payload=payload, inference=inference)
    done = len(node.results)
    node.until(at + 50 * node.silence)
    assert len(node.results) == done + 1 and not node.runs
    texts = node.node.texts
    return texts.word != lib.CATS_TOKEN_NONE and not texts.again and not texts.replays
