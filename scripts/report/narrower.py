#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/narrower.rst: a tenth of the columns against narrower models of the same bytes.

``make narrower-report ARGS="images=cifar10.npz text=tinyshakespeare.txt forecast=ETTh1.csv"``
trains what the recipes of scripts/narrower/ name with several seeds, and scores their integers on
the same test samples. What is done is kept in build/narrower/ and not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cats import schema, tasks
from cats.arguments import whole
from cats.errors import CatsError
from cats.files import write_atomic
from cats.nn.to_integer import calibration_inputs, quantize
from cats.plan.predict import parameters
from cats.report import table
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.tasks import Part, Task, baselines
from cats.training.evaluate import outputs_at
from cats.training.loop import train
from report.accuracy import literal
from report.intervals import interval
from report.sensor_cells import Compared, keep, meta_of
from report.sensors import RADIO, cost_of, filled

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "scripts" / "narrower"
LOSSES = (0.0, 0.1)
PRUNED = "a tenth"
#: How a metric is told: its value times this, with so many digits.
FIGURES = {"accuracy": (100.0, 1), "bits_per_byte": (1.0, 3), "mse": (1.0, 4)}


@dataclass(frozen=True)
class Recipe(Compared):
    """What is compared: scripts/narrower/NAME.yaml. The kind called "a tenth" is pruned and the
    others are not; ``samples`` of the test part, spread evenly, are told."""

    samples: int = 1000

    def shape(self, task: Task, kind: str) -> tuple[ModelConfig, SplitConfig]:
        """Model and split of a kind."""
        model = self.model_of(task, kind)
        return model, SplitConfig.even(model, self.nodes, output_split="single")


@dataclass(frozen=True, eq=False)
class Kind:
    """A line of the table: ``values`` [seeds, losses, n] is the metric of each test sample."""

    name: str
    parameters: int
    cost: dict[str, Any]
    validation: float
    values: np.ndarray


def read_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    path = RECIPES / f"{name}.yaml"
    if not path.exists():
        raise CatsError(f"recipe {name!r}: one of {', '.join(names())}")
    return schema.convert(schema.read(path, "a recipe"), Recipe, str(path))


def names() -> list[str]:
    """Of all recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def metric_of(task: Task, outputs: torch.Tensor, part: Part) -> np.ndarray:
    """The task's metric of each sample of ``part`` by itself, float64 [n]."""
    return np.array([
        task.score(outputs[i : i + 1], part.at(slice(i, i + 1)))[task.metric]
        for i in range(len(part))
    ])  # fmt: skip


def file_of(work: Path, name: str, kind: str, seed: int) -> Path:
    """Where answers are kept."""
    slug = "".join(c if c.isalnum() else "_" for c in kind)
    return work / name / f"{slug}-{seed}.npz"


def about(recipe: Recipe, kind: str) -> dict[str, Any]:
    """What the answers of a kind depend on."""
    shared = (recipe.task, recipe.options, recipe.nodes, recipe.samples, recipe.model)
    return json.loads(json.dumps([*shared, recipe.training, recipe.kinds[kind]]))


def is_done(work: Path, name: str, kind: str, seed: int) -> bool:
    """Whether answers are there, by the recipe of now."""
    path = file_of(work, name, kind, seed)
    return path.exists() and meta_of(path)["about"] == about(read_recipe(name), kind)


def do(task: Task, work: Path, name: str, kind: str, seed: int) -> str:
    """Train and score one; what it says of itself."""
    torch.set_num_threads(1)
    begin, recipe = time.monotonic(), read_recipe(name)
    config, split = recipe.shape(task, kind)
    training = recipe.options_of(task, seed, kind)
    model, metrics = train(task, config, split, training)
    integer = quantize(model, calibration_inputs(task).numpy())
    part = task.test.spaced(recipe.samples)
    values = [
        metric_of(task, outputs_at(integer, part.inputs, loss, seed, payload=training.payload,
                                   every_row=task.scores_rows), part)
        for loss in LOSSES
    ]  # fmt: skip
    validation = metrics["validation"][task.metric]
    known = {
        "about": about(recipe, kind), "config": to_json(config), "split": to_json(split),
        "keep": model.keep, "validation": validation,
    }  # fmt: skip
    path = file_of(work, name, kind, seed)
    keep(path, known, {"values": np.stack(values)})
    return f"{path.stem} of {name}: {validation:.4f}, {time.monotonic() - begin:.0f} s"


def kinds_of(name: str, seeds: Sequence[int], work: Path) -> list[Kind]:
    """What is done of a recipe, with the seeds of which all of it is."""
    recipe = read_recipe(name)
    there = [s for s in seeds if all(is_done(work, name, kind, s) for kind in recipe.kinds)]
    found = []
    for kind in recipe.kinds if there else ():
        files = [file_of(work, name, kind, seed) for seed in there]
        meta = [meta_of(file) for file in files]
        config = schema.convert(meta[0]["config"], ModelConfig, kind)
        costs = [cost_of(one) for one in meta]
        cost = {key: float(np.mean([cost[key] for cost in costs])) for key in costs[0]}
        values = np.stack([np.load(file)["values"] for file in files])
        validation = float(np.mean([one["validation"] for one in meta]))
        found.append(Kind(kind, parameters(config), cost, validation, values))
    return found


def shown(values: np.ndarray, metric: str, base: np.ndarray | None = None) -> str:
    """As text."""
    factor, digits = FIGURES[metric]
    sign = "+" if base is not None else ""
    mean, low, high = (f"{factor * v:{sign}.{digits}f}" for v in interval(values, base))
    return f"{mean} ({low} to {high})"


def comparisons(found: Sequence[Kind], task: Task) -> list[str]:
    """A tenth of the columns against each other kind, and whether it beats all that are narrower,
    of at least its bytes or up to a tenth less."""
    metric, sign = task.metric, 1 if task.higher_is_better else -1
    pruned = next(kind for kind in found if kind.name == PRUNED)
    size = pruned.cost["bytes_on_air"]
    lines, wins = [], []
    for kind in found:
        if kind is pruned:
            continue
        points = [
            f"{shown(pruned.values[:, i], metric, kind.values[:, i])} at {100 * loss:g} % lost"
            for i, loss in enumerate(LOSSES)
        ]
        lines.append(f"* against {kind.name} ({kind.cost['bytes_on_air']:,.0f} bytes): "
                     f"{', '.join(points)}")  # fmt: skip
        if 0.9 * size <= kind.cost["bytes_on_air"] <= 1.1 * size:
            wins += [min(sign * v for v in interval(pruned.values[:, i], kind.values[:, i])[1:]) > 0
                     for i in range(len(LOSSES))]  # fmt: skip
    said = "yes" if all(wins) and wins else "**no**"
    return [
        f"A tenth of the columns ({size:,.0f} bytes) less another kind, {metric.replace('_', ' ')}"
        + (" in points" if metric == "accuracy" else "") + ":",
        "",
        *lines,
        "",
        f"Better than every narrower model of its bytes (within a tenth), by more than the "
        f"interval, with nothing lost and with a tenth lost: {said}.",
    ]  # fmt: skip


def section(name: str, task: Task, seeds: Sequence[int], work: Path) -> str:
    """A recipe's part of the page; "" where no seed is done."""
    recipe, found = read_recipe(name), kinds_of(name, seeds, work)
    if not found:
        return ""
    factor, digits = FIGURES[task.metric]
    rows = [
        [kind.name, f"{kind.parameters:,}", f"{kind.cost['bytes_on_air']:,.0f}",
         f"{kind.cost['inference_us'] / 1e3:.1f}", f"{kind.cost['energy_mj']:.2f}",
         f"{factor * kind.validation:.{digits}f}",
         *(shown(kind.values[:, i], task.metric) for i in range(len(LOSSES)))]
        for kind in found
    ]  # fmt: skip
    head = ("model", "parameters", "bytes", "ms", "mJ", "validation",
            *(f"{100 * loss:g} % lost" if loss else "clean" for loss in LOSSES))  # fmt: skip
    beside = baselines.scores(task, "test")["test"]
    better = "higher" if task.higher_is_better else "lower"
    seeds_done, _, count = found[0].values.shape
    told = (f"{recipe.nodes} nodes, {seeds_done} trainings of each, {count:,} test samples; "
            f"{task.metric.replace('_', ' ')}, {better} is better. {recipe.about}")  # fmt: skip
    return "\n".join([
        recipe.title, "*" * len(recipe.title), "", filled(told), "", *literal(table(head, rows)),
        "Beside it, on the whole test part:", "",
        *literal(table(("", task.metric.replace("_", " ")),
                       [(n, f"{factor * f[task.metric]:.{digits}f}") for n, f in beside.items()])),
        *comparisons(found, task), "", filled(recipe.verdict), "",
    ])  # fmt: skip


HEAD = f"""\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/narrower.py: do not edit.

A tenth of the columns, or a narrower model
###########################################

Two ways to fewer bytes on the air: a wide model of which each node sends few columns (``--keep
0.1``), and a narrow model that sends all of its. Which answers better for the same bytes? All have
the same split, epochs and message dropout; **int8** answers, packets lost singly, by source and by
receiver, without repair; in brackets the 95 % interval by bootstrap over samples and trainings.
**bytes**, **ms** and **mJ** (of the node that needs most) are of an inference with nothing lost
over {RADIO} on nRF52840s by the planner. Sensors have theirs in :doc:`sensors`. Recipes:
``scripts/narrower/``; ``make narrower-report`` trains what is missing and writes this page.

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("data", nargs="*", metavar="RECIPE=FILE", help=f"of {', '.join(names())}")
    parser.add_argument("--seeds", type=whole(), default=5, help="trainings of each")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "narrower", help="answers")
    parser.add_argument("--only", choices=("train", "page"), help="one of the two steps")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "doc" / "narrower.rst")
    args = parser.parse_args(argv)
    try:
        sections = []
        for given in args.data:
            name, equals, file = given.partition("=")
            if not equals:
                raise CatsError(f"{given!r}: give RECIPE=FILE, the data of a recipe")
            recipe = read_recipe(name)
            task = tasks.load(recipe.task, **recipe.options, data=str(Path(file).resolve()))
            for seed in range(args.seeds) if args.only != "page" else ():
                for kind in recipe.kinds:
                    if not is_done(args.work, name, kind, seed):
                        print(do(task, args.work, name, kind, seed), flush=True)
            sections.append(section(name, task, range(args.seeds), args.work))
        if args.only != "train":
            if len(sections) < len(names()) or not all(sections):
                raise CatsError(f"the page needs the data of {', '.join(names())}")
            write_atomic(args.out, (HEAD + "\n".join(sections)).encode())
            print(args.out)
    except CatsError as error:
        print(f"narrower.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
