#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/nodes.rst: quality against the number of nodes, each with the largest model it holds.

``make nodes-report ARGS="cifar10-small --data cifar10.npz"`` trains what a recipe of
scripts/nodes/ names, exports the best of each number of nodes by the validation part to integers,
and lets the simulator's C nodes answer test samples, with packets lost and without. All that is
done is kept in build/nodes/RECIPE/ and not done again. ``--only train`` with ``--device cuda`` is
for a machine with a GPU; its folder is then scored by ``--only score`` anywhere.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import yaml

from cats import tasks
from cats.arguments import add_device_argument, whole
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.plan.alternatives import (
    FlashChip,
    LargerBoard,
    on_larger_board,
    to_gateway,
    with_flash_chip,
)
from cats.plan.boards import BOARDS, Board
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.predict import deployment, image_size, parameters
from cats.plan.radio import radio as radio_named
from cats.report import (
    read_json,
    save_plot,
    table,
    write_atomic,
    write_json,
)
from cats.shape.config import MAX_COLUMNS, ModelConfig, SplitConfig, later, to_json
from cats.shape.partition import full_keep
from cats.tasks import Part, Task, baselines
from cats.training.loop import train
from cats.training.options import Training
from cats.training.run_folder import quantise_run
from report.accuracy import literal
from report.command import exit_with
from report.intervals import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "scripts" / "nodes"
#: What has been done of each recipe, and its figure.
PAGES = ROOT / "doc" / "nodes"
BOARD, RADIO = "nrf52840", "nrf_radio"
#: (share of packets lost, rounds of repair); the first says what latency and energy are of.
CASES = ((0.0, 0), (0.1, 0), (0.1, 2))
#: Samples that a process simulates at a time.
CHUNK = 20


@dataclass(frozen=True)
class Figure:
    """How a metric is told: its value times ``factor`` with so many ``digits``, ``what`` that is,
    in which ``unit`` it differs, by how much of it 16 whole boards have to be better than one, and
    the ``label`` of an axis."""

    what: str
    unit: str
    wanted: float
    label: str
    factor: float = 1.0
    digits: int = 3

    def text(self, value: float, sign: str = "") -> str:
        """A value of the task."""
        return f"{self.factor * value:{sign}.{self.digits}f}"


FIGURES = {
    "accuracy": Figure(
        "Per cent of the test part told right",
        "points",
        2.0,
        "test samples told right, %",
        factor=100.0,
        digits=1,
    ),  # fmt: skip
    "bits_per_byte": Figure("Bits a byte of the test part", "bits", 0.0, "bits a byte"),
}
HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/nodes.py: do not edit.

Quality against nodes
#####################

Does a model that one node cannot hold answer better? For each number of nodes the largest model
that they hold, as ``cats plan --largest`` finds it: as many heads as fit into flash and RAM of an
nRF52840 beside its firmware, then as many hidden columns; node 0 has the sensor, every column is
sent. All are trained for as many epochs, by the same options but for what a recipe says of a number
of nodes, those of several nodes at last with message dropout; where a recipe gives several depths,
the validation part chooses. **int8** is what the exported nodes answer in the simulator, C code on
lossy air, to test samples spread evenly over the test part; in brackets the 95 % interval by
bootstrap over these samples and the trainings, of a difference over pairs of samples. Milliseconds
and millijoules are the planner's, over nrf_radio, of the node that needs most, with nothing lost
and no repair.
"""


@dataclass(frozen=True)
class Recipe:
    """What is compared: scripts/nodes/NAME.yaml. ``share``: boards have room for an image of only
    this part of an nRF52840's; ``most``: parameters of a model at most; ``epochs`` with nothing
    lost, then ``lossy_epochs`` from ``lossy_rate`` times the rate with ``message_dropout``;
    ``training_of``: by number of nodes what differs from ``training``; ``model``: fields of every
    shape; ``seeds``: trainings of each."""

    title: str
    task: str
    nodes: tuple[int, ...]
    blocks: tuple[int, ...]
    epochs: int
    lossy_epochs: int
    options: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    head_width: int = 16
    share: int = 1
    most: int = sys.maxsize
    message_dropout: tuple[float, float] = (0.0, 0.15)
    samples: int = 1000
    note: str = ""
    training_of: dict | None = later(None)
    model: dict | None = later(None)
    seeds: int = later(1)
    lossy_rate: float = later(0.5)


def run_name(name: str, seed: int) -> str:
    """Of a training of a shape."""
    return f"{name}.{seed}" if seed else name


def read_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    path = RECIPES / f"{name}.yaml"
    if not path.exists():
        names = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml")))
        raise CatsError(f"recipe {name!r}: one of {names}")
    try:
        recipe = Recipe(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except (TypeError, yaml.YAMLError) as error:
        raise CatsError(f"{path}: {error}") from None
    # As JSON has it, to be compared with what was stored.
    own = {str(nodes): options for nodes, options in (recipe.training_of or {}).items()}
    return dataclasses.replace(
        recipe, nodes=tuple(recipe.nodes), blocks=tuple(recipe.blocks), training_of=own or None
    )


def board_of(recipe: Recipe, nodes: int) -> Board:
    """A board that has nothing but the room for a node's image and arena."""
    whole, radio = BOARDS[BOARD], RADIO if nodes > 1 else "loopback"
    return dataclasses.replace(
        whole,
        ram=whole.arena_limit(radio, nodes),
        flash=whole.image_limit(radio, nodes) // recipe.share,
        reserve_ram=0,
        reserve_flash=0,
    )


def largest(recipe: Recipe, model: ModelConfig, nodes: int, blocks: int) -> ModelConfig:
    """The model of so many blocks with the most features, then the most hidden columns, of twice
    to four times as many, that ``nodes`` boards hold; inputs and outputs are those of ``model``."""
    from report.scaling import last

    board = board_of(recipe, nodes)

    @functools.cache
    def fits(heads: int, hidden: int) -> bool:
        shape = shaped(heads, hidden)
        split = SplitConfig.even(shape, nodes, output_split="single")
        keep = full_keep(shape, split)
        if parameters(shape) > recipe.most or image_size(shape, split, keep, 0)[0] > board.flash:
            return False
        try:
            make_plan(shape, split, keep, radio=RADIO, ram_limit=board.ram)
        except CatsError:
            return False
        return True

    def shaped(heads: int, hidden: int) -> ModelConfig:
        features = heads * recipe.head_width
        return dataclasses.replace(
            model, blocks=blocks, heads=heads, features=features, hidden=hidden
        )

    # Every node as many heads as any other.
    sizes = range(nodes, MAX_COLUMNS // (4 * recipe.head_width) + 1, nodes)
    heads = last(lambda h: fits(h, 2 * h * recipe.head_width), sizes)
    if heads is None:
        raise CatsError(f"{nodes} nodes of this recipe hold no model of {blocks} blocks")
    features = heads * recipe.head_width
    hidden = last(lambda m: fits(heads, m), range(2 * features, 4 * features + 1, 4 * nodes))
    return shaped(heads, hidden or 2 * features)


class Study:
    """A recipe and the folder that holds what has been done of it, or else what the page tells."""

    def __init__(self, name: str, out: Path | None = None) -> None:
        self.name, self.recipe = name, read_recipe(name)
        self.out = out or ROOT / "build" / "nodes" / name
        self.file = self.out / "result.json"
        stored_at = [self.file] if out else [self.file, PAGES / f"{name}.json"]
        self.result = next((read_json(file) for file in stored_at if file.exists()), {})
        self.kind = tasks.find(self.recipe.task)
        self.figure = FIGURES[self.kind.metric]
        #: Of differences: whether more is better.
        self.sign = 1 if self.kind.higher_is_better else -1
        stored = to_json(self.recipe)
        if self.result.get("recipe", stored) != stored:
            raise CatsError(f"{self.file} is of another recipe: move the folder away")
        self.result |= {"recipe": stored, "shapes": self.result.get("shapes", {})}

    def keep(self) -> None:
        """Write what has been done."""
        self.out.mkdir(parents=True, exist_ok=True)
        write_json(self.file, self.result)

    def plan(self, model: ModelConfig) -> None:
        """Find the shapes, and what the planner says of them."""
        for nodes, blocks in itertools.product(self.recipe.nodes, self.recipe.blocks):
            name = f"{nodes:02}-{blocks}"
            if name in self.result["shapes"]:
                continue
            shape = largest(self.recipe, model, nodes, blocks)
            split = SplitConfig.even(shape, nodes, output_split="single")
            board = board_of(self.recipe, nodes)
            made = deployment(shape, split, full_keep(shape, split), board, radios=(RADIO,))
            own = made["radios"][RADIO]
            self.result["shapes"][name] = {
                "nodes": nodes,
                "model": to_json(shape),
                "parameters": parameters(shape),
                "image_bytes": made["image_bytes"],
                "arena_bytes": own["arena_bytes"],
                "bytes_on_air": own["bytes_on_air"],
                "inference_ms": own["inference_us"] / 1e3,
                "energy_mj": own["energy_mj"],
            }
            print(f"{name}: {parameters(shape):,} parameters", flush=True)
            self.keep()

    def shape(self, name: str) -> tuple[ModelConfig, SplitConfig]:
        """Model and split of that name."""
        entry = self.result["shapes"][name]
        model = ModelConfig(**entry["model"])
        return model, SplitConfig.even(model, entry["nodes"], output_split="single")

    def training(
        self, nodes: int, epochs: int, device: str, lossy: bool, seed: int = 0
    ) -> Training:
        """How the model of so many nodes is trained: from scratch, or, ``lossy``, after that."""
        dropout = self.recipe.message_dropout if lossy and nodes > 1 else (0.0, 0.0)
        training = Training(
            **{
                **self.recipe.training,
                **(self.recipe.training_of or {}).get(str(nodes), {}),
                "epochs": epochs,
                "message_dropout": tuple(dropout),
                "payload": radio_named(RADIO).payload,
                "device": device,
                "seed": seed,
            }
        )
        rate = training.lr * (self.recipe.lossy_rate if lossy else 1.0)
        return dataclasses.replace(training, lr=rate)

    def train(self, task: Task, device: str, nodes: Sequence[int] | None) -> None:
        """Train what is not trained, of these numbers of nodes (None: all), in this order."""
        shapes = self.result["shapes"]
        known = sorted({shape["nodes"] for shape in shapes.values()})
        order = nodes or known
        if not set(order) <= set(known):
            raise CatsError(f"--nodes {' '.join(map(str, order))}: of {known}, as the recipe says")
        names = sorted(
            (name for name, shape in shapes.items() if shape["nodes"] in order),
            key=lambda name: order.index(shapes[name]["nodes"]),
        )
        for seed, name in itertools.product(range(self.recipe.seeds), names):
            self._train_one(task, device, name, seed)

    def _train_one(self, task: Task, device: str, name: str, seed: int) -> None:
        (model, split), run = self.shape(name), run_name(name, seed)
        first = self.training(split.nodes, self.recipe.epochs, device, False, seed)
        whole, before = train(task, model, split, first, self.out / f"{run}-whole", resume=True)
        then = self.training(split.nodes, self.recipe.lossy_epochs, device, True, seed)
        _, metrics = train(task, model, split, then, self.out / run, resume=True, init=whole)
        trained = {
            "whole": before["validation"][task.metric],
            "validation": metrics["validation"][task.metric],
            "float": metrics["test"][task.metric],
            "seconds": before["seconds"] + metrics["seconds"],
            "device": metrics["device"],
        }
        self.result.setdefault("trained", {})[run] = trained
        self.keep()
        print(run, trained, flush=True)

    def runs(self, name: str) -> list[str]:
        """The trainings of a shape that are there."""
        every = (run_name(name, seed) for seed in range(self.recipe.seeds))
        return [run for run in every if run in self.result.get("trained", {})]

    def mean(self, name: str, figure: str) -> float:
        """Of all trainings of a shape."""
        return float(np.mean([self.result["trained"][run][figure] for run in self.runs(name)]))

    def values(self, name: str, case: str) -> np.ndarray | None:
        """The metric of each training and test sample, [trainings, n], accuracies in points; None
        where nothing is told."""
        scores = self.result.get("scores", {})
        told_of = [scores[run][case] for run in self.runs(name) if case in scores.get(run, {})]
        return np.stack([numbers(one) for one in told_of]) if told_of else None

    def chosen(self) -> list[str]:
        """For each number of nodes what is best on the validation part, of all that are trained."""
        best: dict[int, str] = {}
        for name in sorted(filter(self.runs, self.result["shapes"])):
            nodes = self.result["shapes"][name]["nodes"]
            before = best.get(nodes)
            ahead = 1.0
            if before is not None:
                ahead = self.mean(name, "validation") - self.mean(before, "validation")
            if before is None or self.sign * ahead > 0:
                best[nodes] = name
        return [best[nodes] for nodes in sorted(best)]

    def score(self, task: Task, data: str, samples: int, jobs: int) -> None:
        """Let exported nodes answer test samples."""
        part = task.test.spaced(samples)
        scores = self.result.setdefault("scores", {})
        for name in (run for chosen in self.chosen() for run in self.runs(chosen)):
            model, _ = quantise_run(self.out / name, data=data)
            nodes = model.split.nodes
            for loss, rounds in CASES if nodes > 1 else CASES[:1]:
                case = f"{loss}-{rounds}"
                if len(numbers(scores.get(name, {}).get(case, ""))) == len(part):
                    continue
                plan = make_plan(
                    model.config, model.split, model.keep, radio=RADIO, rounds=rounds,
                    ram_limit=board_of(self.recipe, nodes).ram,
                )  # fmt: skip
                inputs = quantize_inputs(model, part.inputs.numpy())
                found = told(task, answers(model, plan, inputs, loss, jobs), part)
                scores.setdefault(name, {})[case] = found
                self.keep()
                print(name, case, f"{numbers(found).mean():.4f}", flush=True)
        if "baselines" not in self.result:
            self.result["baselines"] = baselines.scores(task, "test")["test"]
            self.keep()


def answers(
    model: IntegerModel, plan: Plan, inputs: np.ndarray, loss: float, jobs: int
) -> np.ndarray:
    """The result's owner's real outputs for each of int8 ``inputs``, [n, rows, C]; NaN without a
    result."""
    from joblib import Parallel, delayed

    chunks = np.array_split(inputs, max(1, len(inputs) // CHUNK))
    parts = Parallel(n_jobs=jobs)(
        delayed(_answers)(model, plan, chunk, loss, seed) for seed, chunk in enumerate(chunks)
    )
    return np.concatenate(parts)


def _answers(
    model: IntegerModel, plan: Plan, inputs: np.ndarray, loss: float, seed: int
) -> np.ndarray:
    from cats.sim.faults import Faults
    from cats.sim.figures import owners
    from cats.sim.simulate import simulate

    (owner,) = owners(model)
    result = simulate(model, plan, inputs, Faults(loss=loss), seed)
    outputs = real_outputs(model, result.outputs[:, owner])
    return np.where(result.done[:, owner, None, None], outputs, np.nan)


def told(task: Task, outputs: np.ndarray, part: Part) -> str:
    """The metric of each sample of ``part``, as ``numbers`` reads it; one without a result is not
    told right, or its outputs say nothing."""
    values = []
    for i, rows in enumerate(torch.from_numpy(outputs).float()):
        given = torch.nan_to_num(rows if task.scores_rows else rows[-1], nan=-1e30)[None]
        value = task.score(given, part.at(slice(i, i + 1)))[task.metric]
        values.append(0.0 if rows.isnan().all() and task.higher_is_better else value)
    if task.metric == "accuracy":
        return "".join("01"[int(value)] for value in values)
    return " ".join(f"{value:.4f}" for value in values)


def numbers(values: str) -> np.ndarray:
    """The metric of each sample, [n]: written out one after the other, or of accuracies 0 or 1 for
    each, which are points."""
    if "." in values:
        return np.array([float(value) for value in values.split()])
    return np.array([100.0 * (c == "1") for c in values])


def _text(values: np.ndarray | None, digits: int, base: np.ndarray | None = None) -> str:
    if values is None:
        return "-"
    sign = "+" if base is not None else ""
    mean, low, high = (f"{value:{sign}.{digits}f}" for value in interval(values, base))
    return f"{mean} [{low}, {high}]"


def section(study: Study) -> str:
    """One recipe as text."""
    result, recipe = study.result, study.recipe
    shapes = result["shapes"]
    trained = result.get("trained", {})
    names = study.chosen()
    lines = [recipe.title, "*" * len(recipe.title)]
    if trained:
        cards = sorted({entry["device"] for entry in trained.values()})
        seconds = sum(entry["seconds"] for entry in trained.values())
        low, high = recipe.message_dropout
        lines += [
            f"{recipe.epochs} epoch{'s' * (recipe.epochs > 1)} with nothing lost, then "
            f"{recipe.lossy_epochs} with message dropout {low:g} to {high:g}, on "
            f"{', '.join(cards)} in {seconds:.0f} s together; "
            f"recipe ``scripts/nodes/{study.name}.yaml``. {recipe.note}".rstrip()
        ]
    else:
        lines += [f"**Not trained yet**: the shapes alone; recipe "
                  f"``scripts/nodes/{study.name}.yaml``."]  # fmt: skip
    rows = []
    for name in sorted(shapes):
        shape, model = shapes[name], shapes[name]["model"]
        rows.append(
            [shape["nodes"], model["blocks"], model["features"], model["hidden"],
             f"{shape['parameters']:,}", f"{shape['image_bytes']:,}", f"{shape['arena_bytes']:,}",
             f"{shape['bytes_on_air']:,}", f"{shape['inference_ms']:.0f}",
             f"{shape['energy_mj']:.2f}"]
        )  # fmt: skip
    header = ("nodes", "blocks", "features", "hidden", "parameters", "image", "arena", "on air",
              "ms", "mJ a node")  # fmt: skip
    lines += ["", *literal(table(header, rows))]
    if recipe.share == 1:
        lines += beside(study)
    if not trained:
        return "\n".join(lines)
    clean, lossy, repaired = (f"{loss}-{rounds}" for loss, rounds in CASES)
    base = study.values(names[0], clean) if shapes[names[0]]["nodes"] == 1 else None
    rows, verdict, figure = [], "", study.figure
    for name in names:
        own = {case: study.values(name, case) for case in (clean, lossy, repaired)}
        rows.append(
            [shapes[name]["nodes"], len(study.runs(name)),
             figure.text(study.mean(name, "validation")),
             figure.text(study.mean(name, "float")),
             *(_text(values, figure.digits) for values in own.values()),
             "-" if base is None or name == names[0]
             else _text(own[clean], figure.digits, base)]
        )  # fmt: skip
        if shapes[name]["nodes"] == max(recipe.nodes) > shapes[names[0]]["nodes"] == 1:
            by_float = study.mean(name, "float") - study.mean(names[0], "float")
            verdict = _verdict(study, own, base, by_float)
    header = ("nodes", "trainings", "validation", "test, float", "int8, nothing lost", "10 % lost",
              "10 %, 2 repair rounds", "against one node")  # fmt: skip
    scored = "**not scored as integers yet**"
    if base is not None:
        scored = f"int8: of {base.shape[1]:,} samples"
    lines += [f"{figure.what}, {scored}:", "",
              *literal(table(header, rows)), verdict, ""]  # fmt: skip
    if result.get("baselines"):
        metric = study.kind.metric
        rows = [(n, figure.text(f[metric])) for n, f in result["baselines"].items()]
        header = ("", "right" if metric == "accuracy" else metric.replace("_", " "))
        lines += ["Beside it, on the whole test part:", "", *literal(table(header, rows))]
    if base is not None:
        lines += [f".. image:: nodes/{study.name}.svg", f"   :alt: {recipe.title}", ""]
    return "\n".join(lines)


def beside(study: Study) -> list[str]:
    """What else may hold the largest model of the table, as text."""
    shapes = study.result["shapes"]
    config, split = study.shape(max(shapes, key=lambda name: shapes[name]["nodes"]))
    board = BOARDS[BOARD]
    deployed = {
        nodes: deployment(config, cut, full_keep(config, cut), board, radios=(RADIO,))
        for nodes, cut in ((split.nodes, split), (1, SplitConfig.even(config, 1)))
    }
    own = deployed[split.nodes]["radios"][RADIO]
    rows = [[f"{split.nodes} boards", own]]
    said = {"engine": "as the engine reads it", "once": "if it is read once"}
    rows += [
        [f"one board with a flash chip, {said[chip['reads']]}", chip]
        for chip in with_flash_chip(deployed[1], RADIO, board, FlashChip())
        if chip["fits"]
    ]
    rows.append(["one larger board (ESP32-S3 class)", on_larger_board(config, LargerBoard())])
    rows.append(["the input to a gateway", to_gateway(config, split, RADIO, board)])
    told = table(
        ("", "ms", "mJ a node", "mJ all"),
        [
            [name, f"{cost['inference_us'] / 1e3:.0f}", f"{cost['energy_mj']:.2f}",
             f"{cost.get('energy_all_mj', cost['energy_mj']):.2f}"]
            for name, cost in rows
        ],
    )  # fmt: skip
    return [
        'What else may hold the largest of these, by :doc:`performance`, "In place of several '
        'boards", which has the sources of its figures (of a gateway what the nodes do):',
        "",
        *literal(told),
    ]


def _verdict(
    study: Study, own: dict[str, np.ndarray | None], base: np.ndarray | None, by_float: float
) -> str:
    """What the most nodes reach against one."""
    cases = [f"{loss}-{rounds}" for loss, rounds in CASES]
    figure, sign = study.figure, study.sign
    # So much is asked of whole boards, of parts of them that they are better at all.
    least = figure.wanted if study.recipe.share == 1 else 0.0
    better = f"at least {least:g}" if least else "fewer" if sign < 0 else "more"
    wanted = f"wanted are {better} as integers in every case, beyond the interval"
    if base is None or any(own[case] is None for case in cases):
        differs = figure.text(by_float, "+")
        return f"The most nodes against one, float: {differs} {figure.unit}; {wanted}."
    tried = [interval(own[case], base) for case in cases]
    shown = ", ".join(f"{mean:+.{figure.digits}f} {figure.unit}" for mean, _, _ in tried)
    good = all(
        min(sign * low, sign * high) > 0 and sign * mean >= least for mean, low, high in tried
    )
    return (
        "The most nodes against one, with nothing lost, 10 % lost, and 10 % lost with repair: "
        f"{shown}; {wanted}: {'reached' if good else '**not reached**'}."
    )


def draw(study: Study, axes: Axes) -> None:
    """The metric of each case against the number of nodes."""
    names = study.chosen()
    for (loss, rounds), style in zip(CASES, ("o-", "s--", "^:"), strict=True):
        told_of = {name: study.values(name, f"{loss}-{rounds}") for name in names}
        points = [(study.result["shapes"][name]["nodes"], interval(values))
                  for name, values in told_of.items() if values is not None]  # fmt: skip
        if not points:
            continue
        nodes, values = zip(*points, strict=True)
        mean, low, high = np.array(values).T
        label = f"{loss:.0%} lost" + (f", {rounds} repair rounds" if rounds else "")
        axes.errorbar(nodes, mean, (mean - low, high - mean), fmt=style, label=label, capsize=3)
    axes.set_xscale("log", base=2)
    axes.set_xticks([study.result["shapes"][n]["nodes"] for n in names])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def write_page(studies: Sequence[Study]) -> None:
    """doc/nodes.rst and its figures."""
    PAGES.mkdir(exist_ok=True)
    for study in studies:
        write_json(PAGES / f"{study.name}.json", study.result)
        if study.result.get("scores"):
            save_plot(PAGES / f"{study.name}.svg", functools.partial(draw, study),
                      title=study.recipe.title, xlabel="nodes",
                      ylabel=study.figure.label)  # fmt: skip
    parts = [HEAD, *map(section, studies)]
    if (PAGES / "ring.inc").exists():  # scripts/report/sensors.py
        parts.append(".. include:: nodes/ring.inc\n")
    text = "\n".join(parts)
    write_atomic(ROOT / "doc" / "nodes.rst", text.encode())
    print("doc/nodes.rst is written")


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m report.nodes``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("recipe", nargs="?", help="of scripts/nodes/; without one only the page")
    parser.add_argument("--data", metavar="FILE", help="the task's data")
    parser.add_argument("--only", choices=("plan", "train", "score"), help="do no more than this")
    add_device_argument(parser)
    parser.add_argument(
        "--nodes", type=whole(), nargs="+", help="train these, in this order (the recipe's)"
    )
    parser.add_argument("--samples", type=whole(), help="test samples (the recipe's)")
    parser.add_argument("--jobs", type=whole(), default=1, help="simulations at a time (1)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="(build/nodes/RECIPE)")
    args = parser.parse_args(arguments)
    if args.recipe:
        if not args.data:
            raise CatsError("a recipe needs --data")
        study = Study(args.recipe, args.out)
        task = tasks.load(study.recipe.task, data=args.data, **study.recipe.options)
        study.plan(dataclasses.replace(task.model, **(study.recipe.model or {})))
        if args.only in (None, "train"):
            study.train(task, args.device, args.nodes)
        if args.only in (None, "score"):
            study.score(task, args.data, args.samples or study.recipe.samples, args.jobs)
    if not args.out:
        recipes = sorted(path.stem for path in RECIPES.glob("*.yaml"))
        studies = [study for study in map(Study, recipes) if study.result["shapes"]]
        write_page(studies)
    return 0


if __name__ == "__main__":
    exit_with("nodes-report", main)
