# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats.plan``: a deployment planned, and what it takes of a board."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cats.errors import CatsError
from cats.plan.boards import Board, board_named
from cats.plan.plan import Plan
from cats.plan.planner import PlanOptions
from cats.plan.predict import deployment, node_size, ratio_keep
from cats.plan.radio import secured
from cats.plan.summary import Shaped, shape_line
from cats.report import number_text, parse_size, table
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets


@dataclass(frozen=True)
class Planned:
    """A deployment's plan, with the shape that it is of and the board that its figures are for."""

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    plan: Plan
    options: PlanOptions
    board: Board

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What an inference in which nothing is lost takes, as ``cats plan --json`` has it for a
        radio: ``ram_bytes``, ``flash_bytes`` (the node that needs most, firmware included),
        ``fits``, ``frames``, ``bytes_on_air``, ``inference_us``, ``energy_mj`` and
        ``energy_all_mj`` (None where a current of the board is not known) and others."""
        radio = self.plan.radio
        found = deployment(
            self.config, self.split, self.keep, self.board, radios=(radio,),
            rounds=self.plan.rounds, options=self.options, given=self.plan,
        )  # fmt: skip
        return found["radios"][radio]

    @property
    def nodes(self) -> list[dict[str, int]]:
        """Of each node its bytes of flash (image, of it weights) and RAM (arena), without
        firmware."""
        sizes = [
            node_size(self.config, self.split, self.keep, self.plan, d)
            for d in range(self.split.nodes)
        ]
        return [
            {"node": d, "heads": self.split.heads[d], "image_bytes": size.image_bytes,
             "weight_bytes": size.weight_bytes, "arena_bytes": size.arena_bytes}
            for d, size in enumerate(sizes)
        ]  # fmt: skip

    def __str__(self) -> str:
        own, radio = self.figures, self.plan.radio
        rounds = f"{self.plan.rounds} repair rounds"
        mj = "energy not known"
        if own["energy_mj"] is not None:
            mj = f"{number_text(own['energy_mj'])} mJ on the node that needs most"
            mj += f", {number_text(own['energy_all_mj'])} mJ on all"
        fits = "fits" if own["fits"] else "does not fit"
        return "\n".join(
            [
                shape_line(self),
                "",
                table(["node", "heads", "flash", "of it weights", "arena"],
                      [list(node.values()) for node in self.nodes]),
                "",
                f"{radio}, {rounds}: {own['frames']:,} frames, {own['bytes_on_air']:,} bytes on "
                f"air, {number_text(own['inference_us'] / 1e3)} ms an inference; {mj}",
                f"{fits} on {self.board.name}: with firmware {own['ram_bytes']:,} bytes of RAM of "
                f"{self.board.ram:,}, {own['flash_bytes']:,} of flash of {self.board.flash:,}",
            ]
        )  # fmt: skip


def plan(
    model: Shaped | ModelConfig,
    *,
    radio: str = "ieee802154",
    rounds: int = 0,
    ram: int | str | None = None,
    payload: int | None = None,
    tile_rows: int | Sequence[int] | None = None,
    slack: float = 0.05,
    secure: bool = False,
    board: str | Board = "nrf52840",
    nodes: int | None = None,
    keep: float | None = None,
) -> Planned:
    """Plan the exchanges and buffers of a model over its nodes.

    ``model``: what ``cats.partition``, ``cats.fit`` or ``cats.quantize`` gave; or a bare shape
    (``ModelConfig``) with a number of ``nodes`` and the share of columns to ``keep`` (1), before
    anything is trained. ``radio``: ``ieee802154``, ``nrf_radio``, ``ble`` or ``ble_2m``;
    ``secure`` leaves room and time for sealed frames. ``rounds``: of coded repair, 0 to 3.
    ``ram``: most bytes of a node's arena (8192, "48K"). ``payload``: bytes of the largest frame's
    payload (the radio's). ``tile_rows``: rows of a tile, one number or one for each gather (the
    planner's choice). ``slack``: how much longer than the fastest an inference may take to save
    RAM. ``board``: what the figures are for, by name or a board file of ``samples/calibrate``.
    CatsError where no plan is possible.
    """
    if isinstance(model, ModelConfig):
        model.check()
        split = SplitConfig.even(model, 1 if nodes is None else nodes)
        kept = ratio_keep(model, split, 1.0 if keep is None else keep)
        config = model
    elif nodes is not None or keep is not None:
        raise CatsError("nodes and keep are of a bare shape: this model has them, see partition()")
    elif not all(hasattr(model, name) for name in ("config", "split", "keep")):
        raise CatsError(f"a {type(model).__name__} cannot be planned: give a net, an integer model "
                        "or a ModelConfig")  # fmt: skip
    else:
        config, split, kept = model.config, model.split, model.keep
    if isinstance(ram, str):
        try:
            ram = parse_size(ram)
        except argparse.ArgumentTypeError as error:
            raise CatsError(f"ram: {error}") from None
    options = PlanOptions(
        radio=secured(radio) if secure else radio,
        rounds=rounds,
        payload=payload,
        tile_rows=tile_rows,
        ram_limit=ram,
        slack=slack,
    )
    where = board if isinstance(board, Board) else board_named(board)
    return Planned(config, split, kept, options.plan(config, split, kept), options, where)
