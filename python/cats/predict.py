# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a deployment will need, from its shape alone: flash and RAM of each node, air and time.

The sizes are those of the files and of the ELF to the byte; the tests compare them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cats.arena import round_up
from cats.config import ModelConfig, SplitConfig
from cats.image import CHANNEL, GATHER, HEADER, IMAGE_ALIGN, MODEL, NORM, SOURCE
from cats.partition import KeepSets, Kind, full_keep, gather_kind
from cats.plan import Air, Plan, gather_air
from cats.planner import (
    NORMED,
    Compute,
    element_bytes,
    exchange_instructions,
    inference_us,
    make_plan,
    product_width,
    view_width,
)


@dataclass(frozen=True)
class NodeSize:
    """Bytes of one node: the image in flash, of which weights (weights, biases and multipliers,
    norms, tables), and the arena in RAM with the least that its lifetimes allow."""

    image_bytes: int
    weight_bytes: int
    arena_bytes: int
    arena_lower_bound: int


def node_size(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int
) -> NodeSize:
    """Sizes of one node's image and arena."""
    count = len(plan.gathers)
    image = HEADER.itemsize + MODEL.itemsize
    image += count * (GATHER.itemsize + split.nodes * SOURCE.itemsize)
    weights = 0
    for g, gather in enumerate(plan.gathers):
        kind, _ = gather_kind(config, g)
        kept = gather.sources[node].width // element_bytes(kind)
        image += round_up(2 * kept, 4)
        view = view_width(config, split, keep, g, node)
        outputs = product_width(config, split, g, node)
        if kind == Kind.INPUT:
            table = 2 * config.tokens * split.heads[node] * config.head_width
            weights += table
            image += round_up(table, 4) - table
        elif kind == Kind.FORWARD and config.activation == "gelu":
            weights += 256
        if kind in NORMED:
            weights += NORM.itemsize * view
        weights += outputs * (round_up(view, 4) + CHANNEL.itemsize)
    arena = plan.arenas[node]
    return NodeSize(round_up(image + weights, IMAGE_ALIGN), weights, arena.size, arena.lower_bound)


def node_instructions(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    node: int,
    compute: Compute | None = None,
) -> float:
    """Instructions of one inference on one node, estimated."""
    total = 0.0
    for g, gather in enumerate(plan.gathers):
        for tile in range(gather.tiles):
            total += sum(
                exchange_instructions(
                    config, split, keep, g, gather.tile_height(tile), node, compute or Compute(),
                    block_rows=plan.block_rows, held=plan.held,
                    heads_per_pass=plan.heads_per_pass[node],
                )
            )  # fmt: skip
    return total


def air_by_gather(config: ModelConfig, plan: Plan) -> dict[str, Air]:
    """What each kind of gather puts on the air in one inference in which nothing is lost."""
    found: dict[str, Air] = {}
    for g, gather in enumerate(plan.gathers):
        name = gather_kind(config, g)[0].name.lower()
        found[name] = found.get(name, Air()) + gather_air(gather, plan.radio)
    return found


def air_json(config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan) -> dict:
    """Air and time of one inference of a plan, nothing lost, as JSON."""
    parts = air_by_gather(config, plan)
    return {
        **_figures(sum(parts.values(), Air())),
        "inference_us": inference_us(config, split, keep, plan),
        "by_gather": {name: _figures(air) for name, air in parts.items()},
    }


def _figures(air: Air) -> dict[str, int]:
    return {
        "frames": air.frames,
        "bytes_on_air": air.bytes,
        "time_on_air_us": air.us,
        "slots_us": air.slots_us,
    }


def single_device(config: ModelConfig) -> tuple[NodeSize, int]:
    """One device with the whole model: its sizes, and microseconds of an inference (estimated)."""
    split = SplitConfig.even(config, 1)
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep)
    size = node_size(config, split, keep, plan, 0)
    return size, inference_us(config, split, keep, plan)


def parameters(config: ModelConfig) -> int:
    """Trained numbers of the model."""
    f, m = config.features, config.hidden
    block = 4 * f * f + 2 * f * m + 4 * f + f + m + 4 * f  # products, their biases, two norms
    total = f * config.inputs + f + config.tokens * f + config.blocks * block
    total += 2 * f + config.outputs * (f + 1)
    return total + (f if config.pool == "class" else 0)
