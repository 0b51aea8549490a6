#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/repair.rst: learning to live with losses (message dropout) against repairing them.

``make repair-report`` trains the kinds of scripts/repair/NAME.yaml, a sweep, or reads them where
they are done, and lets exported nodes, C code on simulated air, answer test samples with each
number of repair rounds under every fault of ``FAULTS``.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cats.arguments import whole
from cats.errors import CatsError
from cats.files import write_atomic
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.plan.planner import make_plan
from cats.report import Panel, read_json, save_plots, table, write_json
from cats.sim.faults import Faults
from cats.sim.figures import node_energy, owners
from cats.sim.simulate import Settings, simulate
from cats.tasks import Task
from cats.training import sweep
from cats.training.run_folder import quantise_run
from report.intervals import interval
from report.nodes import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "scripts" / "repair"
RADIO, ROUNDS = "nrf_radio", (0, 1, 2, 3)
#: How unequal links are: what one node hears and says is lost as often as the first, all else as
#: the second.
FAR, NEAR = 0.4, 0.02


def _far_node(nodes: int) -> Faults:
    """The last node is far from all others."""
    loss = np.full((nodes, nodes), NEAR)
    loss[-1] = loss[:, -1] = FAR
    np.fill_diagonal(loss, 0)
    return Faults(loss=loss)


#: By name, what goes wrong among so many nodes: one run for each of the list, which share the
#: samples.
FAULTS: Mapping[str, Callable[[int], list[Faults]]] = {
    "nothing lost": lambda nodes: [Faults()],
    "10 %": lambda nodes: [Faults(loss=0.1)],
    "20 %": lambda nodes: [Faults(loss=0.2)],
    "10 %, bursts": lambda nodes: [Faults(loss=0.1, burst=5)],
    "a far node": lambda nodes: [_far_node(nodes)],
    "a node off": lambda nodes: [Faults(off=[d], named=True) for d in range(1, nodes)],
}
DRAWN = ("10 %", "20 %")
HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/repair.py: do not edit.

Learning to live with losses, or repairing them
###############################################

Message dropout (:doc:`training`) makes a model live with what is lost; repair rounds
(:doc:`protocol`) send it again, in time and energy. Side by side: the same model trained without
and with message dropout, exported with 0 to 3 rounds of repair over nrf_radio; {samples} test
samples a seed are answered by the nodes' C code on simulated air. Task {task}, {nodes} nodes,
{seeds} seeds, recipe ``scripts/repair/{recipe}.yaml``.

Per cent told right by the node that owns the result; in brackets the 95 % interval by bootstrap
over seeds and samples. **bursts**: losses come five frames at a time; **a far node**: the last
node loses {far:.0f} % of what it hears and says, all other links {near:.0f} %; **a node off**: each
node but the result's owner in turn. **ms** and **mJ** (of the node that needs most) are those of an
inference, computing included, with nothing lost and with 10 % lost.

"""


def answer(
    model: IntegerModel, task: Task, rounds: int, samples: int, name: str, seed: int
) -> dict[str, object]:
    """What exported nodes do with ``samples`` of the test part under one fault of ``FAULTS``:
    ``hits`` as a string of 0 and 1, ``ms`` and ``mj`` an inference."""
    part = task.test.spaced(samples)
    nodes = model.split.nodes
    plan = make_plan(model.config, model.split, model.keep, radio=RADIO, rounds=rounds)
    settings, (owner,) = Settings(compute="plan"), owners(model)
    runs = FAULTS[name](nodes)
    hits, spans, joules = [], [], []
    for i, faults in enumerate(runs):
        chosen = part.at(slice(i, None, len(runs)))
        inputs = quantize_inputs(model, chosen.inputs.numpy())
        result = simulate(model, plan, inputs, faults, seed, settings)
        if result.hung:
            raise CatsError(f"{name}, {rounds} rounds: an inference did not end")
        outputs = np.nan_to_num(real_outputs(model, result.outputs[:, owner, -1]), nan=-np.inf)
        told = np.where(result.done[:, owner], outputs.argmax(-1), -1)
        hits += (told == chosen.targets.numpy()).tolist()
        spans += result.span_us[1:].tolist()
        alive = [d for d in range(nodes) if d not in faults.off]
        joules.append(max(node_energy(model, plan, result, d, settings)["mj"] for d in alive))
    return {
        "hits": "".join("01"[hit] for hit in hits),
        "ms": float(np.mean(spans)) / 1e3,
        "mj": float(np.mean(joules)),
    }


Key = tuple[str, int, str]


class Study:
    """A recipe, its sweep's folder, and what its nodes have answered so far."""

    def __init__(self, name: str, work: Path, data: str | None, jobs: int) -> None:
        path = RECIPES / f"{name}.yaml"
        if not path.exists():
            names = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml")))
            raise CatsError(f"recipe {name!r}: one of {names}")
        recipe = sweep.read(path)
        if data:
            recipe = dataclasses.replace(recipe, options={**(recipe.options or {}), "data": data})
        self.name, self.recipe, self.out, self.jobs = name, recipe, work / name, jobs
        self.summary = sweep.run(recipe, self.out, jobs)
        self.file = self.out / "answers.json"
        self.answers: dict[str, dict] = read_json(self.file) if self.file.exists() else {}

    def score(self, samples: int) -> None:
        """Let nodes answer what they have not."""
        from joblib import Parallel, delayed

        task, keep = self.recipe.load(), self.recipe.keep[0]
        for kind, seed in itertools.product(self.recipe.kinds, self.recipe.seeds):
            model, _ = quantise_run(sweep.folder_of(self.out, kind, keep, seed))
            cases = [
                (rounds, name)
                for rounds, name in itertools.product(ROUNDS, FAULTS)
                if self._name(kind, rounds, name, seed, samples) not in self.answers
            ]
            found = Parallel(n_jobs=self.jobs)(
                delayed(answer)(model, task, rounds, samples, name, seed) for rounds, name in cases
            )
            for (rounds, name), figures in zip(cases, found, strict=True):
                self.answers[self._name(kind, rounds, name, seed, samples)] = figures
            write_json(self.file, self.answers)

    @staticmethod
    def _name(kind: str, rounds: int, name: str, seed: int, samples: int) -> str:
        return f"{kind}; {rounds} rounds; {name}; seed {seed}; {samples} samples"

    def figures(self, samples: int) -> dict[Key, dict]:
        """Of (kind, rounds, fault): mean, low, high per cent right, ms, mJ, over the seeds."""
        result = {}
        for kind, rounds, name in itertools.product(self.recipe.kinds, ROUNDS, FAULTS):
            found = [
                self.answers[self._name(kind, rounds, name, seed, samples)]
                for seed in self.recipe.seeds
            ]
            result[kind, rounds, name] = {
                "right": interval(np.stack([numbers(f["hits"]) for f in found])),
                "ms": float(np.mean([f["ms"] for f in found])),
                "mj": float(np.mean([f["mj"] for f in found])),
            }
        return result


def text(study: Study, figures: Mapping[Key, dict], samples: int) -> str:
    """The page."""
    rows = []
    for kind, rounds in itertools.product(study.recipe.kinds, ROUNDS):
        own = {name: figures[kind, rounds, name] for name in FAULTS}
        clean, lossy = own["nothing lost"], own["10 %"]
        rows.append(
            [kind, rounds, f"{clean['ms']:.1f} / {lossy['ms']:.1f}",
             f"{clean['mj']:.2f} / {lossy['mj']:.2f}",
             *("{:.1f} [{:.1f}, {:.1f}]".format(*own[name]["right"]) for name in FAULTS)]
        )  # fmt: skip
    head = HEAD.format(
        samples=samples, task=study.recipe.task, nodes=study.recipe.nodes,
        seeds=len(study.recipe.seeds), recipe=study.name, far=100 * FAR, near=100 * NEAR,
    )  # fmt: skip
    lines = table(["training", "rounds", "ms", "mJ", *FAULTS], rows).splitlines()
    return (
        head
        + ".. code-block:: text\n\n"
        + "\n".join(f"   {line}".rstrip() for line in lines)
        + "\n\n.. image:: repair/repair.svg\n   :alt: accuracy against milliseconds and "
        "millijoules, with 0 to 3 repair rounds\n"
    )


def draw(study: Study, figures: Mapping[Key, dict], unit: str, axes: Axes) -> None:
    """Accuracy against ms or mJ; a point a number of rounds."""
    for kind, name in itertools.product(study.recipe.kinds, DRAWN):
        own = [figures[kind, rounds, name] for rounds in ROUNDS]
        mean, low, high = np.array([f["right"] for f in own]).T
        axes.errorbar(
            [f[unit] for f in own], mean, (mean - low, high - mean), capsize=2,
            fmt="o-" if name == DRAWN[0] else "s--", label=f"{kind}, {name} lost",
        )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("recipe", nargs="?", default="direction", help="of scripts/repair/")
    parser.add_argument("--data", metavar="FILE", help="the task's data, where it needs some")
    parser.add_argument(
        "--samples", type=whole(), default=400, help="of the test part, a seed (400)"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "repair", help="sweeps")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (one a core)")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "doc" / "repair.rst")
    args = parser.parse_args(argv)
    try:
        study = Study(args.recipe, args.work, args.data, args.jobs)
        study.score(args.samples)
        figures = study.figures(args.samples)
        folder = args.out.parent / "repair"
        folder.mkdir(parents=True, exist_ok=True)
        panels = [
            Panel(partial(draw, study, figures, unit), f"{unit} an inference", "right, %")
            for unit in ("ms", "mj")
        ]
        save_plots(folder / "repair.svg", panels)
        write_atomic(args.out, text(study, figures, args.samples).encode())
    except CatsError as error:
        print(f"repair.py: {error}", file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
