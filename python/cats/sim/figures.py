# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What came of a simulation, for people and programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cats.integer.model import IntegerModel
from cats.integer.quantize import real_outputs
from cats.plan.energy import NRF52840
from cats.plan.plan import Plan
from cats.plan.predict import planned_duty
from cats.shape.flooding import mean_loss
from cats.sim.compare import check, save_availability
from cats.sim.compare_steps import check_steps, comparable, in_windows
from cats.sim.faults import Faults
from cats.sim.simulate import Result, Settings, simulate
from cats.sim.trace import Trace

if TYPE_CHECKING:
    from cats.tasks import Part, Task

#: Figures of a run's row in the table, in their order.
COLUMNS = (
    "loss", "dead", "quality", "delivered", "results", "equal", "frames", "late", "bytes", "air ms",
    "ms", "mJ", "takeovers",
)  # fmt: skip


def owners(model: IntegerModel) -> list[int]:
    """Nodes whose answer counts: the one that owns all output columns (nothing of its answer can be
    lost on its way), or every node where the columns are spread."""
    outputs = model.split.outputs
    alone = [d for d, count in enumerate(outputs) if count == model.config.outputs]
    return alone or list(range(len(outputs)))


def quality(
    model: IntegerModel,
    task: Task,
    part: Part,
    result: Result,
    nodes: Sequence[int] | None = None,
) -> dict[str, float]:
    """Figures of ``task`` over the samples that were run, ``part``, as ``nodes`` (by default
    ``owners``) give them: the mean over these nodes. A missing class never wins; a missing value of
    a forecast is the mean of what was seen (zero, as inputs are normalised)."""
    import torch

    fill = -1e30 if task.model.task == "classify" else 0.0
    given = result.outputs if task.scores_rows else result.outputs[:, :, -1]
    outputs = np.nan_to_num(real_outputs(model, given), nan=fill)
    totals: dict[str, float] = {}
    weights = 0
    for d in owners(model) if nodes is None else nodes:
        chosen = torch.from_numpy(np.flatnonzero(result.done[:, d]))
        if not len(chosen):
            continue
        scores = task.score(torch.from_numpy(outputs[:, d])[chosen].float(), part.at(chosen))
        for name, value in scores.items():
            totals[name] = totals.get(name, 0.0) + value * len(chosen)
        weights += len(chosen)
    return {name: value / weights for name, value in totals.items()}


def node_energy(
    model: IntegerModel, plan: Plan, result: Result, node: int, settings: Settings | None = None
) -> dict[str, float]:
    """Duty and millijoules of a node for one inference, on an nRF52840. Where computing took no
    simulated time, its energy is that of the plan's estimate."""
    duty = result.duty(node)
    if (settings or Settings()).compute == "none":
        planned = planned_duty(model.config, model.split, model.keep, plan, node)
        duty = dataclasses.replace(duty, compute_us=planned.compute_us)
    return {**dataclasses.asdict(duty), "mj": duty.millijoules(NRF52840, plan.radio)}


def _loss_name(faults: Faults) -> float | str:
    if faults.changes:
        return "in time"
    loss = np.asarray(faults.loss)
    return float(loss) if loss.ndim == 0 else f"links, mean {mean_loss(1 - loss):.3f}"


def report(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    faults: Faults,
    seed: int = 0,
    settings: Settings | None = None,
    images: Sequence[bytes] | None = None,
    *,
    check_outputs: bool = True,
    task: Task | None = None,
    part: Part | None = None,
    save: Path | None = None,
    trace: Trace | None = None,
) -> dict:
    """Simulate and say what came of it (``figures_of``)."""
    result = simulate(model, plan, inputs, faults, seed, settings, images, trace)
    if save is not None:
        save_availability(save, plan, result)
    return figures_of(
        model, plan, inputs, faults, result, settings, check_outputs=check_outputs, task=task,
        part=part,
    )  # fmt: skip


def figures_of(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    faults: Faults,
    result: Result,
    settings: Settings | None = None,
    *,
    check_outputs: bool = True,
    task: Task | None = None,
    part: Part | None = None,
) -> dict:
    """What came of a simulation, as JSON; ``columns`` is the row of the table. ``task`` and the
    ``part`` of it that ``inputs`` are give the quality."""
    stream = bool(model.config.context)
    compared = check_steps if stream else check
    wrong = compared(model, plan, inputs, result) if check_outputs and not result.hung else None
    known = comparable(model.config, result) if stream else ~result.mixed
    answers = in_windows(model.config, result) if stream and not result.hung else result
    counts = task is not None and part is not None and not result.hung
    scores = quality(model, task, part, answers) if counts else {}
    every = quality(model, task, part, answers, range(model.split.nodes)) if counts else {}
    energy = [node_energy(model, plan, result, d, settings) for d in range(model.split.nodes)]
    loss = np.asarray(faults.loss)
    ended = result.span_us[: result.hung[0]] if result.hung else result.span_us
    alive = bool(result.done.any())
    figures = {
        "loss": float(loss) if loss.ndim == 0 else loss.tolist(),
        "dead": list(faults.off),
        "quality": scores,
        "quality_of": owners(model),
        "quality_all_nodes": every,
        "delivered": result.delivered,
        "results": float(result.done.sum() / max(1, result.on.sum())),
        "equal_to_reference": None if wrong is None or not alive else not wrong,
        "different": wrong or [],
        "not_compared": int((~known).sum()),
        "hung": result.hung,
        "radio_on_between": [float(on) for on in result.idle_on[1:].mean(0)]
        if len(result.idle_on) > 1
        else [],
        "frames": float(result.frames.mean()),
        "control_frames": float(result.control.mean()),
        "coded_frames": float(result.coded.mean()),
        "collisions": int(result.collisions.sum()),
        "late_frames": int(result.late.sum()),
        "overrun_frames": int(result.overrun.sum()),
        "bytes_on_air": float(result.bytes.mean()),
        "time_on_air_us": float(result.air_us.mean()),
        # The first waits while its leader listens.
        "inference_us": float(ended[1:].mean() if len(ended) > 1 else ended.sum())
        if alive
        else None,
        "takeovers": result.takeovers,
        "energy_mj": max(node["mj"] for node in energy),
        "energy_by_node": energy,
        "gathers": result.kinds,
        "rejected": result.rejected,
    }
    if stream:
        took, rows = result.numbers >= 0, model.config.tokens_in
        whole = result.numbers % (model.config.context // rows) * rows + rows
        figures["rows_known"] = float((result.known[took] / whole[took]).mean()) if alive else None
    main = next(iter(scores.values())) if scores else None
    figures["columns"] = dict(
        zip(
            COLUMNS,
            (
                _loss_name(faults), ",".join(map(str, faults.off)), main,
                figures["delivered"], figures["results"], figures["equal_to_reference"],
                figures["frames"], figures["late_frames"], round(figures["bytes_on_air"]),
                figures["time_on_air_us"] / 1e3, figures["inference_us"] / 1e3 if alive else None,
                figures["energy_mj"] if alive else None, figures["takeovers"],
            ),
            strict=True,
        )
    )  # fmt: skip
    return figures


def table_of(records: Sequence[dict], metric: str = "quality") -> tuple[list[str], list[list]]:
    """Figures of some runs for people: header and rows."""
    header = [metric if name == "quality" else name for name in COLUMNS]
    return header, [[record["columns"][name] for name in COLUMNS] for record in records]
