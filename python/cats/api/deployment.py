# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a trained net to nodes: integers, a DEPLOY folder, and the nodes simulated."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from cats.api.data import (
    Data,
    Metric,
    OwnTask,
    check_metadata,
    inputs_of,
    is_pair,
    spread_inputs,
)
from cats.api.nets import check_net
from cats.deploy import export as deploy
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.samples import with_counts
from cats.nn.model import CatsTransformer
from cats.nn.to_integer import quantize as quantize_net
from cats.plan.boards import BOARDS
from cats.plan.planned import Planned
from cats.plan.planned import plan as plan_model
from cats.plan.planner import options_from_json
from cats.plan.summary import same_shape
from cats.report import table
from cats.shape.metadata import Metadata
from cats.shape.metadata import from_json as metadata_from_json
from cats.sim.compare_steps import in_steps, in_windows
from cats.sim.faults import Faults
from cats.sim.figures import figures_of, owners, table_of
from cats.sim.simulate import Result, Settings
from cats.sim.simulate import simulate as simulate_nodes
from cats.training import run_folder


def quantize(
    net: CatsTransformer, calibration: Data, *, samples: int = 256, metadata: Metadata | None = None
) -> IntegerModel:
    """The integers that nodes compute with, 8 bits a weight and a sent activation.

    ``calibration``: inputs [n, tokens_in, P] like those to come, with or without targets, of which
    at most ``samples`` are looked at, evenly spread (of a loader its first); a net that was trained
    with roundings (``qat``) brings its scales along. ``metadata`` (the net's) says what samples and
    outputs mean. The same net and inputs give the same bytes.
    """
    check_net(net)
    if samples < 1:
        raise CatsError(f"{samples} calibration samples: at least 1")
    inputs = spread_inputs(calibration, net.config, samples)
    model = quantize_net(net, inputs.cpu().numpy(), net.scales)
    metadata = net.metadata if metadata is None else metadata
    return model if metadata is None else described(model, metadata)


def described(
    model: IntegerModel, metadata: Metadata, counts_per_unit: Sequence[float] = ()
) -> IntegerModel:
    """The model with what its samples and outputs mean; CatsError where that is another's."""
    check_metadata(metadata, model.config)
    return dataclasses.replace(model, metadata=with_counts(metadata, counts_per_unit))


@dataclass(frozen=True)
class Deployment:
    """A DEPLOY folder: the integers, the plan, what ``plan.json`` says, each node's image."""

    path: Path
    model: IntegerModel
    plan: Planned
    meta: dict[str, Any]
    images: tuple[bytes, ...]

    def __str__(self) -> str:
        return deploy.render(self.meta)


def export(
    model: IntegerModel,
    plan: Planned,
    out: str | os.PathLike[str],
    *,
    metadata: Metadata | None = None,
    counts_per_unit: Sequence[float] = (),
    formats: str = "both",
    flash_address: int | None = None,
    force: bool = False,
) -> Deployment:
    """Write a partition for each node into the folder ``out``, as ``cats export`` does.

    ``plan``: what ``cats.plan`` gave for this model. ``metadata`` (the model's): normalisation,
    classes, units, with the counts of an int16 sample that make one unit (``counts_per_unit``, one
    or one for each channel; by default what the training's values need). ``formats``: ``header``,
    ``image`` or ``both``; ``flash_address``: write Intel HEX for that address as well. ``force``
    replaces a deployment that is there. The same arguments give the same bytes.
    """
    _check_integers(model)
    _check_plan(model, plan)
    if metadata is not None or counts_per_unit:
        metadata = metadata or model.metadata
        if metadata is None:
            raise CatsError("counts_per_unit without metadata: give both")
        model = described(model, metadata, counts_per_unit)
    deploy.export(
        model,
        out,
        formats=formats,
        flash_address=flash_address,
        force=force,
        **vars(plan.options),
    )
    return _load_deployment(Path(out))


def load(path: str | os.PathLike[str]) -> CatsTransformer | Deployment:
    """What a RUN folder (``cats train``, ``fit(out=)``) or a DEPLOY folder (``cats export``,
    ``export``) holds: a trained net, or a deployment. CatsError where it is neither, or damaged."""
    path = Path(path)
    if (path / deploy.PLAN).exists():
        return _load_deployment(path)
    net, run = run_folder.load_run(path)
    if (stored := run.extra.get("metadata")) is not None:
        net.metadata = metadata_from_json(stored, net.config)
    return net


def _load_deployment(path: Path) -> Deployment:
    model, plan, meta, images = deploy.load_deploy(path)
    options = options_from_json(meta, plan)
    planned = Planned(model.config, model.split, model.keep, plan, options, BOARDS["nrf52840"])
    return Deployment(path, model, planned, meta, images)


def _check_integers(model: object) -> None:
    if isinstance(model, CatsTransformer):
        raise CatsError("nodes compute with integers: cats.quantize(net, calibration) first")
    if not isinstance(model, IntegerModel):
        raise CatsError(f"a {type(model).__name__} is no integer model: give what cats.quantize "
                        "gives")  # fmt: skip


def _check_plan(model: IntegerModel, plan: object) -> None:
    if not isinstance(plan, Planned):
        raise CatsError(f"the plan is a {type(plan).__name__}: give what cats.plan(model) gives")
    if not same_shape(model, plan):
        raise CatsError("the plan is of another model, other nodes or other columns: plan again")


@dataclass(frozen=True)
class Simulation:
    """What simulated nodes answered.

    ``outputs`` float64 [n, C]: the last output row in real numbers, as the node has it that owns
    the result (node 0 where it is spread), NaN where a column did not arrive or nothing was
    answered; ``by_node`` [n, D, rows, C] all of it. ``figures``: as ``cats simulate --json`` has
    them for a loss; ``result``: everything that was counted.
    """

    outputs: np.ndarray
    by_node: np.ndarray
    figures: dict[str, Any]
    result: Result
    metric: str = "quality"

    @property
    def equal_to_reference(self) -> bool | None:
        """Whether every answer is that of the integer reference under the same losses, to the bit;
        None where that was not looked at."""
        return self.figures["equal_to_reference"]

    @property
    def quality(self) -> float | None:
        """The figure of ``metric``; None without targets."""
        return next(iter(self.figures["quality"].values()), None)

    def __str__(self) -> str:
        return table(*table_of([self.figures], self.metric))


def simulate(
    model: IntegerModel | Deployment | str | os.PathLike[str],
    data: Data,
    plan: Planned | None = None,
    *,
    loss: float | Sequence[Sequence[float]] = 0.0,
    burst: float = 0.0,
    dead: Sequence[int] = (),
    faults: Faults | None = None,
    seed: int = 0,
    radio: str | None = None,
    rounds: int | None = None,
    compute: str = "none",
    metric: str | Metric | None = None,
    check: bool = True,
) -> Simulation:
    """Run the devices' C code on simulated nodes over a lossy air, one inference a sample; of a
    stream all steps of a window a sample.

    ``model``: what ``quantize`` gave (with its ``plan``, by default one for ``radio`` and
    ``rounds``), a deployment, or its folder, which other ``radio`` or repair ``rounds`` plan
    again. ``data``: inputs [n, tokens_in, P], or inputs and targets as ``fit`` takes them, by which
    ``metric`` tells the quality. ``loss``: probability that a receiver loses a frame, or [D][D]
    (sender, receiver); ``burst``: mean length of a loss burst in frames; ``dead``: nodes that are
    off; or all that can go wrong as ``faults`` (``cats.Faults``). ``compute="plan"``: computing
    takes the planner's estimate of time. ``check``: hold every answer against the integer
    reference. The same arguments give the same run to the bit.
    """
    images: tuple[bytes, ...] | None = None
    if isinstance(model, (str, os.PathLike)):
        model = _load_deployment(Path(model))
    if isinstance(model, Deployment):
        if plan is not None:
            raise CatsError("a deployment has its plan: leave plan out, or give its model")
        model, plan, images = model.model, model.plan, model.images
    _check_integers(model)
    if plan is None:
        plan = plan_model(model, radio=radio or "ieee802154", rounds=rounds or 0)
    else:
        _check_plan(model, plan)
        if radio not in (None, plan.plan.radio) or rounds not in (None, plan.plan.rounds):
            options = plan.options.on(radio, rounds)
            other = options.plan(model.config, model.split, model.keep)
            plan, images = dataclasses.replace(plan, plan=other, options=options), None
    if faults is None:
        faults = Faults(loss=loss, burst=burst, off=list(dead), named=True)
    elif loss or burst or dead:
        raise CatsError("faults say what is lost and who is off: leave loss, burst and dead out")
    if not set(faults.off) <= set(range(model.split.nodes)):
        raise CatsError(f"dead: there are nodes 0 to {model.split.nodes - 1}")
    task, part, inputs = _inputs(model, data, metric)
    settings, integers = Settings(compute=compute), quantize_inputs(model, inputs)
    if model.config.context:
        integers = in_steps(model.config, integers)
    result = simulate_nodes(model, plan.plan, integers, faults, seed, settings, images)
    figures = figures_of(
        model, plan.plan, integers, faults, result, settings, check_outputs=check, task=task,
        part=part,
    )  # fmt: skip
    told = in_windows(model.config, result) if model.config.context else result
    real = real_outputs(model, told.outputs)
    real[~told.done] = np.nan
    first = owners(model)[0]
    name = "quality" if task is None else task.metric
    return Simulation(real[:, first, -1], real, figures, result, name)


def _inputs(model: IntegerModel, data: Data, metric: str | Metric | None) -> tuple:
    """(task, its part, inputs float32 [n, tokens_in, P]); no task where there are no targets."""
    if not (is_pair(data) or isinstance(data, (Dataset, DataLoader))):
        if metric is not None:
            raise CatsError("a metric needs targets: give a pair (inputs, targets)")
        return None, None, inputs_of(data, model.config.whole).cpu().numpy()
    task = OwnTask(model.config.whole, test=data, metric=metric)
    return task, task.test, task.test.inputs.numpy()
