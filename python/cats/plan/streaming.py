# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a step of a stream takes beside the whole window that it ends."""

from __future__ import annotations

from cats.plan.boards import Board
from cats.plan.plan import Plan
from cats.plan.planner import PlanOptions
from cats.plan.predict import deployment
from cats.report import table
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets

#: Figures that are set side by side, of one radio of ``deployment``.
FIGURES = (
    "frames", "bytes_on_air", "time_on_air_us", "inference_us", "instructions", "arena_bytes",
    "energy_mj", "energy_all_mj",
)  # fmt: skip


def beside_window(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    board: Board,
    radio: str,
    rounds: int,
    options: PlanOptions | None = None,
    given: Plan | None = None,
) -> dict:
    """A step (the last of a window, which takes longest) and the whole window, as JSON, both
    planned for this radio: FIGURES of each, and ``times``: so many steps cost what a window does.
    ``given`` is the plan of the stream."""
    common = {"radios": (radio,), "rounds": rounds, "options": options}
    found = {
        "context": config.context,
        "rows": config.tokens_in,
        "step": deployment(config, split, keep, board, **common, given=given)["radios"][radio],
        "window": deployment(config.whole, split, keep, board, **common)["radios"][radio],
    }
    for name in ("step", "window"):
        found[name] = {figure: found[name][figure] for figure in FIGURES}
    found["times"] = {
        figure: found["window"][figure] / found["step"][figure] if found["step"][figure] else None
        for figure in FIGURES
    }
    return found


def table_beside(figures: dict) -> list[str]:
    """Lines for people."""
    rows = []
    for name, label in (("step", "a step"), ("window", "a whole window"), ("times", "times")):
        f, unit = figures[name], 1 if name == "times" else 1e3
        milli = [f[key] and f[key] / unit for key in ("time_on_air_us", "inference_us")]
        rows.append([label, f["frames"], f["bytes_on_air"], *milli, f["energy_mj"],
                     f["energy_all_mj"], f["arena_bytes"]])  # fmt: skip
    count, context = figures["rows"], figures["context"]
    each = "row" if count == 1 else f"{count} rows"
    return [
        f"a stream: a result each {each}, with what is kept of up to {context} in all; the last "
        "step of a window takes longest",
        table(["", "frames", "bytes on air", "air ms", "ms", "mJ a node", "mJ all", "arena"], rows),
    ]  # fmt: skip
