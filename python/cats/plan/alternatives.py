# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What one may do in place of several boards: weights in a flash chip beside one board, a larger
board, or the raw input on its way to a gateway (doc/performance.rst has formulas and sources)."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass

from cats.plan.boards import Board
from cats.plan.cost import product_width, view_width
from cats.plan.energy import Duty
from cats.plan.radio import FRAME_HEADER, Radio
from cats.plan.radio import radio as radio_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep, gather_count, gather_rows


@dataclass(frozen=True)
class FlashChip:
    """A flash chip on a quad SPI bus, its weights read where they lie. ``megabytes_per_second``: of
    the bus, the default 32 MHz times four bits. ``current_ma``: of chip and interface while they
    are read; the default is an assumption."""

    megabytes_per_second: float = 16.0
    current_ma: float = 10.0


def with_flash_chip(one: dict, radio: str, board: Board, chip: FlashChip) -> list[dict]:
    """One board with the whole model's weights in a chip, as JSON: ``one`` is its deployment().

    The processor waits for what it reads. First as the engine reads (all weights of a product for
    each block of rows), then as if each weight were read once, which no engine can undercut.
    """
    figures, currents = one["radios"][radio], board.currents
    found = []
    for reads, size in (
        ("engine", figures["weights_read_bytes"]),
        ("once", one["weight_bytes"]),
    ):
        waits = size / chip.megabytes_per_second
        energy = None
        if figures["energy_mj"] is not None and currents.compute_ma is not None:
            charge = waits * (chip.current_ma + currents.compute_ma)
            energy = figures["energy_mj"] + charge * currents.volts * 1e-6
        found.append(
            {
                "reads": reads,
                "read_bytes": size,
                "fits": figures["fits_ram"],
                "inference_us": round(figures["inference_us"] + waits),
                "energy_mj": energy,
            }
        )
    return found


@dataclass(frozen=True)
class LargerBoard:
    """A board that holds the whole model in its memory, by default of the class of an ESP32-S3 with
    8 MB of RAM. ``mega_macs_per_second``: int8 products of one core; ``milliwatts``: of the board
    while it computes. The defaults are not measurements of this model there."""

    mega_macs_per_second: float = 229.0
    milliwatts: float = 300.0


def macs(config: ModelConfig) -> int:
    """Multiplications of an inference of the whole model: its products, and scores and weighing of
    the attention."""
    split = SplitConfig.even(config, 1)
    keep = full_keep(config, split)
    products = sum(
        gather_rows(config, g)[1]
        * view_width(config, split, keep, g, 0)
        * product_width(config, split, g, 0)
        for g in range(gather_count(config))
    )
    rows = config.tokens
    seen = rows * (rows + 1) // 2 if config.causal else rows * rows
    seen += rows * (config.positions - rows)  # of a stream, in its last step
    attention = 2 * config.blocks * seen * config.features
    embed_out = config.tokens_in * config.embed_hidden * config.features
    linear = config.window * config.outputs if config.linear else 0
    return products + attention + embed_out + linear


def on_larger_board(config: ModelConfig, board: LargerBoard) -> dict:
    """The whole model on one larger board, nothing but its multiplications, as JSON."""
    count = macs(config)
    us = count / board.mega_macs_per_second
    return {"macs": count, "inference_us": round(us), "energy_mj": us * board.milliwatts * 1e-6}


def raw_bytes(values: int, tokens: int, senders: int, air: Radio) -> tuple[int, int]:
    """(frames, bytes on the air) of the raw input of ``senders`` nodes, each ``values`` values of
    one byte a token: bytes = senders (tokens values + frames a node (header + overhead))."""
    size = tokens * values
    frames = math.ceil(size / air.payload)
    return senders * frames, senders * (size + frames * (FRAME_HEADER + air.overhead))


def raw_crossover(
    config: ModelConfig, split: SplitConfig, radio: str, bytes_on_air: int
) -> int | None:
    """The least number of raw values a token and node with which sending the raw input puts more
    than ``bytes_on_air`` on the air, those of the nodes' own inference, which do not grow with it;
    None where they do: where every node embeds all inputs, these are broadcast too."""
    if config.embed == "full":
        return None
    senders, air = sum(columns > 0 for columns in split.inputs), radio_named(radio)
    # Bytes grow with the values, by at least one a token and sender.
    most = bytes_on_air // (config.tokens_in * senders) + 1
    return 1 + bisect.bisect_right(
        range(1, most + 1),
        bytes_on_air,
        key=lambda values: raw_bytes(values, config.tokens_in, senders, air)[1],
    )


def to_gateway(config: ModelConfig, split: SplitConfig, radio: str, board: Board) -> dict:
    """The raw input, one byte a value, sent to a gateway once by each node that has some of it, as
    JSON; frame behind frame with the radio's guard time. Repair, the answer and what the gateway
    needs are not in it."""
    sizes = {node: config.tokens_in * columns for node, columns in enumerate(split.inputs)}
    return to_one(sizes, radio, board)


def to_one(sizes: Mapping[int, int], radio: str, board: Board) -> dict:
    """So many bytes of each node, by its number, sent to one that listens, as JSON: as
    ``to_gateway``."""
    air = radio_named(radio)
    nodes = []
    for node, size in sizes.items():
        if not size:
            continue
        frames, sent = raw_bytes(1, size, 1, air)
        sends = frames * air.air_us(FRAME_HEADER) + size * air.byte_us
        nodes.append(
            {
                "node": node,
                "input_bytes": size,
                "frames": frames,
                "bytes_on_air": sent,
                "time_on_air_us": round(sends),
                "energy_mj": Duty(sends, 0.0, 0.0).millijoules(board.currents, radio),
            }
        )
    spent = [node["energy_mj"] for node in nodes]
    frames = sum(node["frames"] for node in nodes)
    on_air = sum(node["time_on_air_us"] for node in nodes)
    return {
        "nodes": nodes,
        "frames": frames,
        "bytes_on_air": sum(node["bytes_on_air"] for node in nodes),
        "inference_us": round(on_air + frames * air.guard_us),
        "energy_mj": None if None in spent else max(spent, default=0.0),
        "energy_all_mj": None if None in spent else sum(spent),
    }
