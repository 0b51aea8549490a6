# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What each node of a language model had best compute all of: ``cats export --replicate auto``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cats.deploy.export import as_stream
from cats.errors import CatsError
from cats.integer.llama_model import LlamaModel
from cats.integer.llama_stream import NOTHING
from cats.integer.model import IntegerModel
from cats.plan.boards import Board
from cats.plan.planner import PlanOptions
from cats.plan.predict import deployment
from cats.plan.radio import SEALED
from cats.report import number_text
from cats.shape.config import MAX_NODES, REPLICATED, ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, full_keep

#: From what needs least flash: of two that are as fast the first is chosen.
CHOICES = (NOTHING, *REPLICATED[1:])


@dataclass(frozen=True)
class Choice:
    """What to ``replicate``, as ``export()`` takes it, and a line for people that says why."""

    replicate: str
    why: str


@dataclass(frozen=True)
class _Tried:
    """One of CHOICES as it would be written: milliseconds of a step, why it is not to be had (None:
    it is), and what of the board is short where it is that."""

    name: str
    ms: float | None = None
    but: str | None = None
    short: tuple[str, ...] = ()

    def __str__(self) -> str:
        time = "" if self.ms is None else f" {number_text(self.ms)} ms"
        return f"{self.name.replace('_', '-')}{time}" + (f", but {self.but}" if self.but else "")


def choose(
    model: IntegerModel | LlamaModel,
    board: Board,
    *,
    candidates: int | None = None,
    token_rows: bool = False,
    **options: Any,
) -> Choice:
    """Of CHOICES that whose step, the window full and nothing lost, is shortest by the plan, among
    those whose images and arenas fit every node's ``board`` beside firmware. Arguments are those of
    ``export()``, which is given the choice. CatsError where every explicit value but NOTHING is
    refused, or nothing fits."""
    chosen = PlanOptions(**options)
    nodes, radio = model.split.nodes, chosen.radio
    if nodes == 1:
        as_stream(model, candidates, token_rows, NOTHING)
        return Choice(NOTHING, f"replicate {NOTHING}: one node computes all")
    if radio.removesuffix(SEALED) not in board.radios:
        raise CatsError(f"{board.name} has no {radio}: one of {', '.join(board.radios)}")
    for what in ("ram", "flash", "clock_hz"):
        if not getattr(board, what):
            raise CatsError(f"{board.name} does not say its {what}: write it into the board's file")
    streams: dict[str, IntegerModel] = {}
    refused: dict[str, CatsError] = {}
    for name in CHOICES:
        try:
            streams[name] = as_stream(model, candidates, token_rows, name)
        except CatsError as error:
            refused[name] = error
    if NOTHING in refused or len(streams) < 2:
        raise next(iter(refused.values()))
    tried = [_try(name, _shape(stream), board, chosen) for name, stream in streams.items()]
    if all(one.ms is None for one in tried):
        chosen.plan(*_shape(streams[NOTHING]))  # raises what it was
    tried += [_Tried(name, but=str(error).split(": ")[0]) for name, error in refused.items()]
    fits = [one for one in tried if one.but is None]
    if not fits:
        reasons = "; ".join(map(str, tried))
        advice = _advice(streams[NOTHING], board, chosen, tried)
        raise CatsError(f"{board.name} has room for none, {advice}: {reasons}")
    best = min(fits, key=lambda one: one.ms)
    return Choice(
        best.name,
        f"replicate {best}: the shortest step by the plan that fits {board.name}; "
        + "; ".join(str(one) for one in tried if one is not best),
    )


def _advice(
    least: IntegerModel, board: Board, options: PlanOptions, tried: Sequence[_Tried]
) -> str:
    """What would give room where there is none: more nodes, or another board. (A step has one row,
    so no plan has a smaller arena.)"""
    config, split, keep = _shape(least)
    whole = keep == full_keep(config, split)  # what was pruned for some nodes is of these
    for count in range(split.nodes + 1, MAX_NODES + 1) if whole else ():
        dealt = split.deal(config, (1,) * count, output_split="even")
        dealt = dealt.with_rows(config) if config.token_rows else dealt
        if _try(NOTHING, (config, dealt, full_keep(config, dealt)), board, options).but is None:
            return f"{count} nodes have: export its run with --nodes {count}"
    short = next((one.short for one in tried if one.short), ())
    return f"take a board with more {' and '.join(short)}"


def _shape(stream: IntegerModel) -> tuple[ModelConfig, SplitConfig, KeepSets]:
    return stream.config, stream.split, stream.keep


def _try(
    name: str,
    shape: tuple[ModelConfig, SplitConfig, KeepSets],
    board: Board,
    options: PlanOptions,
) -> _Tried:
    """Planned as ``export()`` would, with the time that the board takes."""
    try:
        plan = options.plan(*shape)
    except CatsError as error:
        return _Tried(name, but=str(error))
    radios, rounds = (plan.radio,), plan.rounds
    figures = deployment(*shape, board, radios=radios, rounds=rounds, options=options, given=plan)
    found = figures["radios"][plan.radio]
    short = {
        word: f"{found[f'{what}_bytes']:,} bytes of {word} of {limit:,}"
        for what, word, limit in (("flash", "flash", board.flash), ("ram", "RAM", board.ram))
        if not found[f"fits_{what}"]
    }
    reason = " and ".join(short.values()) or None
    return _Tried(name, found["inference_us"] / 1e3, reason, tuple(short))
