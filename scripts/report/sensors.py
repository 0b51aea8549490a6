#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/sensors.rst: nodes with a sensor each, joint inference against what else they may do.

``make sensors-report ARGS="--data FOLDER"`` trains what the recipes in scripts/sensors/ name, and
the rivals of ``cats.training.rivals``, with several seeds, and scores all on the same test part.
What is done is kept in build/sensors/ and not done again. ``--only train`` is for a machine with
many cores; its folder is then read by ``--only page`` anywhere.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cats import schema
from cats.arguments import whole
from cats.errors import CatsError
from cats.files import write_atomic
from cats.plan.boards import BOARDS
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.predict import deployment, quiet_duties
from cats.report import Panel, save_plots, table
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep, heard_keep
from cats.tasks import Task
from cats.training import rivals
from cats.training.rivals import Rival
from report import sensor_cells as cells
from report.sensor_cells import (
    LOSSES,
    RADIO,
    ROOT,
    SETS,
    Job,
    Recipe,
    load,
    meta_of,
    read_recipe,
    work_off,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOARD = BOARDS["nrf52840"]
#: Behind the name of a kind that is told with these rounds of repair.
REPAIRED = ", 2 repair rounds"
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Method:
    """A row: what it costs, the share of the validation part that it answers right, and ``right``
    bool [seeds, losses, n], of all folds' test parts, or where not all are done (``whole``) of the
    first's, the published split's; ``published`` of that with every seed, where there are folds;
    ``ours``: SomeGather; ``seeds``: trainings of each fold (0: none is drawn)."""

    name: str
    ours: bool
    cost: dict[str, Any]
    validation: float
    right: np.ndarray
    seeds: int = 0
    whole: bool = True
    published: np.ndarray | None = None

    @property
    def repaired(self) -> bool:
        """Whether it is told with repair."""
        return self.name.endswith(REPAIRED)

    def first(self, tested: Tested) -> Method:
        """Of the first fold alone."""
        if self.published is not None:
            return replace(self, right=self.published)
        return replace(self, right=self.right[..., tested.fold == 0]) if self.whole else self


@dataclass(frozen=True, eq=False)
class Tested:
    """Of each sample of all test parts, one behind the other, int64 [n]: its ``fold``, and the
    ``group`` of samples that are drawn together (each its own, where there are no groups)."""

    fold: np.ndarray
    group: np.ndarray

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Tested:
        """Those of a task's folds."""
        fold = np.repeat(np.arange(len(tasks)), [len(task.test) for task in tasks])
        groups = [getattr(task, "test_groups", None) for task in tasks]
        if None in groups:
            return cls(fold, np.arange(len(fold)))
        return cls(fold, np.unique(np.concatenate(groups), return_inverse=True)[1])

    def first(self) -> Tested:
        """The first fold's."""
        own = self.fold == 0
        return Tested(self.fold[own], np.unique(self.group[own], return_inverse=True)[1])


def methods(name: str, seeds: Sequence[int], work: Path, folder: Path) -> list[Method]:
    """All that is there of a data set, with the seeds with which every fold is, or else with which
    the published split is."""
    recipe = read_recipe(name)
    tasks = [load(name, folder, fold)[1] for fold in recipe.folds]
    found = []
    for method in recipe.methods:
        jobs = [Job(name, method, 0, seeds[0], fold) for fold in recipe.folds]
        jobs = [replace(job, candidate=cells.chosen(job, seeds[0], work)) for job in jobs]
        published = _files(jobs[:1], seeds, work) if tasks[1:] and not recipe.folds[0] else []
        all_folds = _files(jobs, seeds, work)
        files = all_folds or published
        if not files:
            continue
        for answer in rivals.ALONE if method == "alone" else ("",):
            key = f" {answer}" if answer else ""
            right = _right(files, f"test{key}")
            known = [np.load(path)[f"validation{key}"].mean() for paths in files for path in paths]
            costs = [
                rivals.cost(job.rival, load(name, folder, "", method)[1].model,
                            recipe.nodes_of(method), RADIO, BOARD, answer, True)
                if job.rival else cost_of(meta_of(path))
                for job, path in zip(jobs, files[0])
            ]  # fmt: skip
            cost = {key: np.mean([cost[key] for cost in costs]) for key in costs[0]}
            cost["bytes_on_air"] = round(cost["bytes_on_air"])
            cost.setdefault("bytes_most", cost["bytes_on_air"])
            ours = jobs[0].rival is None
            first = _right(published, f"test{key}") if published else None
            found.append(
                Method(answer or method, ours, cost, float(np.mean(known)), right, len(files),
                       bool(all_folds), first)
            )  # fmt: skip
    if recipe.rivals:
        return found
    raw = rivals.cost(Rival("raw"), tasks[0].model, recipe.nodes, RADIO, BOARD, served=True)
    hub = {key: raw[key] if key in ("bytes_on_air", "frames") else None for key in raw}
    fitted = [np.load(_baselines(name, fold, work, folder)) for fold in recipe.folds]
    for key in fitted[0].files:
        if key.startswith("test "):
            baseline = key.removeprefix("test ")
            right = np.concatenate([answers[key] for answers in fitted])[None, None]
            score = float(np.mean([answers[f"validation {baseline}"].mean() for answers in fitted]))
            found.append(Method(f"{baseline}, raw to a hub", False, hub, score, right))
    return found


def _baselines(name: str, fold: str, work: Path, folder: Path) -> Path:
    """Where the answers of what learns no transformer are, made if need be."""
    job = Job(name, cells.BASELINES, 0, 0, fold)
    if not cells.is_done(job, work):
        cells.do(job, work, folder)
    return job.file(work)


def _files(jobs: Sequence[Job], seeds: Sequence[int], work: Path) -> list[list[Path]]:
    """Of each seed with which all these jobs are done, their files."""
    each = [[replace(job, seed=seed) for job in jobs] for seed in seeds]
    return [[job.file(work) for job in ones] for ones in each
            if all(cells.is_done(job, work) for job in ones)]  # fmt: skip


def _right(files: Sequence[Sequence[Path]], key: str) -> np.ndarray:
    """Answers ``key`` of files by seed and fold: bool [seeds, losses, n]."""
    right = np.stack([np.concatenate([np.load(path)[key] for path in paths], -1)
                      for paths in files])  # fmt: skip
    if right.ndim == 4:  # [seeds, losses, sensors, n]: each node for itself
        right = right.transpose(0, 2, 1, 3).reshape(-1, *right.shape[1::2])
    return right


def cost_of(meta: dict[str, Any]) -> dict[str, Any]:
    """What an inference of a deployment costs, by the planner: as ``rivals.cost``."""
    config = schema.convert(meta["config"], ModelConfig, "config")
    split = schema.convert(meta["split"], SplitConfig, "split")
    keep = [[tuple(columns) for columns in sources] for sources in meta["keep"]]
    keep[0] = full_keep(config, split)[0]  # never pruned
    keep = heard_keep(config, split, keep)
    plan: Plan = make_plan(config, split, keep, radio=RADIO, rounds=meta.get("rounds", 0))
    made = deployment(config, split, keep, BOARD, radios=(RADIO,), given=plan)["radios"][RADIO]
    duties = quiet_duties(config, split, keep, plan)
    spent = [duty.millijoules(BOARD.currents, RADIO) for duty in duties]
    known = {key: made[key] for key in ("bytes_on_air", "frames", "inference_us", "fits")}
    most = max(meta.get("bytes", [known["bytes_on_air"]]))
    return {**known, "bytes_most": most, "energy_mj": max(spent), "energy_all_mj": sum(spent)}


def resampled(right: np.ndarray, tested: Tested, seed: int = 0) -> np.ndarray:
    """Means of bool [seeds, n] over draws of groups of samples, and of each fold's seeds:
    [draws]."""
    rng = np.random.default_rng(seed)
    groups, count = tested.group.max() + 1, len(right)
    every = rng.multinomial(groups, [1 / groups] * groups, RESAMPLES)[:, tested.group]
    total = np.zeros(RESAMPLES)
    for fold in range(tested.fold.max() + 1):
        seeds = rng.multinomial(count, [1 / count] * count, RESAMPLES) / count
        own = tested.fold == fold
        total += ((seeds @ right[:, own]) * every[:, own]).sum(1)
    return total / every.sum(1)


def shown(right: np.ndarray, tested: Tested) -> str:
    """Per cent, and the 95 % interval, of bool [seeds, n]."""
    low, high = np.percentile(100 * resampled(right, tested), (2.5, 97.5))
    return f"{100 * right.mean():.1f} ({low:.1f} to {high:.1f})"


def interval(one: Method, other: Method, loss: int, tested: Tested) -> tuple[float, float, float]:
    """Points between two methods, and the 95 % interval's ends, over the same samples."""
    if not (one.whole and other.whole):
        one, other, tested = one.first(tested), other.first(tested), tested.first()
    pair = [m.right[:, min(loss, m.right.shape[1] - 1)] for m in (one, other)]
    # Equal draws of samples, for the seed is the same; seeds of the two have nothing in common.
    draws = resampled(pair[0], tested) - resampled(pair[1], tested)
    low, high = np.percentile(100 * draws, (2.5, 97.5))
    return 100 * (pair[0].mean() - pair[1].mean()), low, high


def difference(one: Method, other: Method, loss: int, tested: Tested) -> str:
    """As text."""
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*interval(one, other, loss, tested))


def row(method: Method, tested: Tested, published: bool) -> list[Any]:
    """A method's line of the table; ``published``: with the accuracy of the first fold alone, which
    is the published split, behind it."""
    cost = method.cost

    def scaled(key: str, by: float, digits: int) -> str:
        return "-" if cost[key] is None else f"{cost[key] * by:,.{digits}f}"

    lossy = method.right.shape[1] == len(LOSSES)
    lost = method.name in ("best sensor", "own answer")
    figures = [
        "-" if not method.whole
        else shown(method.right[:, i], tested) if i == 0 or (lossy and not lost)
        else "same" if lost else "-"
        for i in range(len(LOSSES))
    ]  # fmt: skip
    if published:
        figures.append(shown(method.first(tested).right[:, 0], tested.first()))
    return [
        ("SomeGather, " if method.ours else "") + method.name,
        f"{cost['bytes_on_air']:,}",
        scaled("inference_us", 1e-3, 1),
        scaled("energy_mj", 1, 2),
        scaled("energy_all_mj", 1, 2),
        str(method.seeds or "-"),
        f"{100 * method.validation:.1f}",
        *figures,
    ]


COLUMNS = (
    "method", "bytes", "ms", "mJ", "mJ all", "seeds", "validation",
    *(f"{100 * loss:g} % lost" if loss else "clean" for loss in LOSSES),
)  # fmt: skip


def section(name: str, seeds: Sequence[int], work: Path, folder: Path) -> tuple[str, list[Method]]:
    """A data set's part of the page, and what is in its table."""
    recipe = read_recipe(name)
    tasks = [load(name, folder, fold)[1] for fold in recipe.folds]
    tested, task = Tested.of(tasks), tasks[0]
    found = methods(name, seeds, work, folder)
    published = len(tasks) > 1 and not recipe.folds[0]
    columns = (*COLUMNS, "published") if published else COLUMNS
    lines = table(columns, [row(method, tested, published) for method in found]).splitlines()
    parts = ":".join(f"{len(part):,}" for part in (task.train, task.validation, task.test))
    raw = task.model.tokens_in * task.model.inputs
    folds = f" in the first of {len(tasks)} folds" if len(tasks) > 1 else ""
    told = (
        f"Training, validation and test part have {parts} samples{folds}; a sample of "
        f"{recipe.nodes} nodes is {raw:,} raw values. {recipe.about}"
    )
    head = f"{recipe.title}\n{'*' * len(recipe.title)}\n\n{filled(told)}\n\n.. code-block:: text\n"
    made = "\n".join(f"   {line}".rstrip() for line in lines)
    compared = by_nodes(found, recipe, tested) if recipe.rivals else comparisons(found, tested)
    said = "\n".join((*compared, "", filled(recipe.verdict))).strip()
    return f"{head}\n{made}\n\n{said}\n", found


def filled(text: str) -> str:
    """A paragraph in lines of at most 100 characters."""
    return textwrap.fill(text.strip(), 100, break_on_hyphens=False, break_long_words=False)


def comparisons(found: Sequence[Method], tested: Tested) -> list[str]:
    """Each family of rivals and each narrower model against SomeGather, of each the best by
    validation, and against that of at most as many bytes, with and without repair; narrower ones
    against a tenth of the columns, too. Of both those with the most trainings. Then where
    SomeGather is behind, for at most the rival's bytes."""
    lines, behind = [], []
    own = [m for m in found if m.ours and "features" not in m.name and "dropout" not in m.name]
    most = max(((m.whole, m.seeds) for m in own), default=None)
    ours = [m for m in own if (m.whole, m.seeds) == most and not m.repaired]
    for family in ("late fusion", "vote", "probabilities", "best sensor", "raw to a hub",
                   "columns to a hub", "16 features", "8 features"):  # fmt: skip
        of = [m for m in found if m.name.endswith(family) or m.name.startswith(family)]
        of = [m for m in of if m.cost["inference_us"] is not None]
        if not of or not ours:
            continue
        rival = best([m for m in of if (m.whole, m.seeds) == max((m.whole, m.seeds) for m in of)])
        size = rival.cost["bytes_on_air"]
        cheap = [m for m in own if m.whole and m.cost["bytes_most"] <= size]
        chosen = [best(ours)]
        if cheap:
            clean, lossy = at_most(cheap)
            chosen += [m for m in dict.fromkeys((clean, lossy)) if m is not best(ours)]
            behind += [
                f"{rival.name} at {100 * loss:g} % lost"
                for i, loss in enumerate(LOSSES[: rival.right.shape[1]])
                if interval(lossy if loss else clean, rival, i, tested)[2] < 0
            ]
        if "features" in family:  # pruned, or narrower
            chosen += [m for m in own if m.name == "a tenth" and m not in chosen]
        for one in sorted(chosen, key=lambda m: m.cost["bytes_most"]):
            where = "" if one.whole and rival.whole else ", published split alone"
            up_to = f", at most {one.cost['bytes_most']:,.0f}" if one.repaired else ""
            lines.append(
                f"* against {rival.name} ({size:,} bytes): SomeGather, {one.name} "
                f"({one.cost['bytes_on_air']:,} bytes{up_to}){where}, {_points(one, rival, tested)}"
            )
    return [
        "Points of accuracy, SomeGather less a rival, each the best by validation; of SomeGather",
        "among those with the most trainings, and the best of at most the rival's bytes, repaired",
        "where these bytes hold what that takes with a fifth lost:",
        "",
        *lines,
        "",
        "Of the rivals that are trained, for at most their bytes SomeGather is behind by more than "
        "the interval: " + (f"{', '.join(behind)}." if behind else "nowhere."),
    ]


def at_most(cheap: Sequence[Method]) -> tuple[Method, Method]:
    """(the best with nothing lost, the best where packets are: with repair, if one so validates
    within half a point of it) of these."""
    plain = [m for m in cheap if not m.repaired]
    clean = best(plain)
    repaired = [m for m in cheap if m.repaired and m.validation >= clean.validation - 0.005]
    return clean, best(repaired) if repaired else clean


def by_nodes(found: Sequence[Method], recipe: Recipe, tested: Tested) -> list[str]:
    """Each rival of a recipe against SomeGather on as many nodes."""
    named = {m.name: m for m in found}
    ours = {recipe.nodes_of(m.name): m for m in found if m.ours}
    return [
        "Points of accuracy, SomeGather less a rival on as many nodes:",
        "",
        *(f"* against {name}: {_points(ours[recipe.nodes_of(name)], named[name], tested)}"
          for name in recipe.rivals if name in named and recipe.nodes_of(name) in ours),
    ]  # fmt: skip


def _points(one: Method, rival: Method, tested: Tested) -> str:
    """The difference at each share lost of which both are told."""
    losses = LOSSES[: min(one.right.shape[1], rival.right.shape[1])]
    return ", ".join(
        f"{difference(one, rival, i, tested)} at {100 * loss:g} % lost"
        for i, loss in enumerate(losses)
    )


def best(found: Sequence[Method]) -> Method:
    """The one of fewest bytes of those within half a point of the best by validation."""
    enough = max(m.validation for m in found) - 0.005
    return min((m for m in found if m.validation >= enough), key=lambda m: m.cost["bytes_on_air"])


def plot(all_found: dict[str, list[Method]], path: Path) -> None:
    """Accuracy with nothing lost against bytes on air."""

    def panel(name: str, found: Sequence[Method]) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            groups = {"SomeGather": [], "late fusion": [], "columns to a hub": [],
                      "raw to a hub": [], "a vote, one sensor": []}  # fmt: skip
            for m in found:
                if m.cost["inference_us"] is not None and "dropout" not in m.name:
                    way = "SomeGather" if m.ours else "a vote, one sensor"
                    group = next((g for g in groups if g in m.name), way)
                    groups[group].append((max(m.cost["bytes_on_air"], 1), m.right[:, 0].mean()))
            for (group, points), marker in zip(groups.items(), "osD^x", strict=True):
                if points:
                    points.sort()
                    x, y = zip(*points, strict=True)
                    line = ":" if group == "late fusion" else ""
                    axes.plot(x, [100 * v for v in y], line, marker=marker, label=group)
            axes.set_xscale("log")
            axes.set_title(read_recipe(name).title.partition(" (")[0])

        return draw

    save_plots(
        path,
        [Panel(panel(name, found), "bytes on air", "accuracy, %")
         for name, found in all_found.items()],
    )  # fmt: skip


LICENSE = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/sensors.py: do not edit.

"""
HEAD = """\
A sensor a node
###############

What is gained where each node has a sensor and the answer may lie between them? Joint inference
(**SomeGather**: each node embeds its own inputs, ``--embed own``, :doc:`training`) against what
else such nodes may do. **hub** is an end of joint inference itself: one node has the transformer
(``--shares 1,0,0,0,0,0,0,0 --keep 0``), the others send it what a stem makes of their inputs, so
many columns each, and hear the answer. Fewer bytes than a frame of every node has who leaves
sensors out (**of 4**, **six sensors**), and a token may be the whole window (**one row**): so the
curve goes on down to the bytes of a vote. The rivals had all sensors; fewer would be fewer bytes
for a vote as well. **one sensor** is CATS on one node: nothing is on the air. Sensors are chosen by
what **alone** tells of the validation part. **both blocks local** is late fusion with CATS: all
nodes' last columns but those of node 0, which has the result, go out once. Over {radio} that is 63
bytes more than a vote of as many nodes: two exchanges are opened by a frame of 21 bytes each, and
seven nodes send four columns, not one class. The rivals:

* **late fusion**: each node its own transformer, whose vector it sends to a hub once;
* **columns to a hub**: each node embeds its samples, and sends these columns of every token once;
  the hub computes the whole transformer, which must fit it;
* **raw to a hub**: every sample, one byte a value;
* **vote**, **probabilities**: each node its own transformer, its class or its classes'
  probabilities to a hub; **best sensor**: that of one node which validates best; **own answer**:
  each for itself, the mean over nodes;
* **narrower** models with every column sent (of 8 and 16 features), message dropout left out, or
  ordinary dropout in its place;
* what learns no transformer, from raw data at one place.

All have the same split, epochs and losses in training, in the same ways: of single links, of all
that a receiver should hear at a time, of all that a source sends (``--modes``). Where several
shapes of a rival were trained the validation part of the fold chooses. SomeGather is scored by its
exported integers, rivals by floats. All give the same service: the hub or the leader opens an
inference, and all nodes are told the answer; of a rival that are three frames, 63 bytes and two a
class, which who needs neither may leave out. **bytes**, **ms**, **mJ** (of the node that needs
most) and **mJ all** (of all nodes) are of an inference with nothing lost over {radio} on an
nRF52840 by the planner, with headers, receivers off where nothing comes. Accuracies are per cent of
the test part with that share of the packets lost, without repair, means over **seeds** trainings,
in brackets the 95 % interval by bootstrap over samples and seeds (of one training, over samples
alone). Where test parts are small there are **folds**: each is trained with every seed, accuracies
are of all their test parts together, intervals draw each fold's seeds and, where samples of one
stretch are alike, whole stretches. That was settled before a second fold was trained. The best by
validation is the one of fewest bytes of those within half a point of it. No test figure chooses
anything here; but while the simulated task was made, and 24 values of late fusion settled, its test
figures were in sight, and so were the first folds' when folds were settled. Rows with repair were
added when raw samples were seen ahead where packets are lost, eight columns of each microphone when
these were 0.7 points (0.3 to 1.1) ahead of four. What learns no transformer is told with nothing
lost alone. Recipes: ``scripts/sensors/``, where ``robot.py`` makes robot.csv of the file that UCI
gives; ``make sensors-report`` trains what is missing, and other candidates of a rival, and writes
this page again.

.. image:: sensors/accuracy_vs_bytes.svg
   :alt: Accuracy against bytes on air, SomeGather and its rivals, by data set

"""


def write(names: Sequence[str], seeds: Sequence[int], work: Path, folder: Path, out: Path) -> None:
    """The page ``out`` and its picture; what compares numbers of nodes goes to nodes/NAME.inc
    beside it, which doc/nodes.rst includes."""
    made = {name: section(name, seeds, work, folder) for name in names}
    counted = {name: text for name, (text, _) in made.items() if read_recipe(name).rivals}
    for name, text in counted.items():
        file = out.parent / "nodes" / f"{name}.inc"
        file.parent.mkdir(exist_ok=True)
        write_atomic(file, (LICENSE + text).encode())
        print(file)
    shown = {name: pair for name, pair in made.items() if name not in counted}
    if shown:
        picture = out.parent / "sensors" / "accuracy_vs_bytes.svg"
        picture.parent.mkdir(exist_ok=True)
        plot({name: found for name, (_, found) in shown.items()}, picture)
        text = HEAD.format(radio=RADIO) + "\n".join(text for text, _ in shown.values())
        write_atomic(out, (LICENSE + text).encode())
        print(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, default=Path(), help="folder of the recipes' files")
    parser.add_argument("--sets", default=",".join(SETS), help=f"some of {','.join(SETS)}")
    parser.add_argument("--seeds", type=whole(), default=5, help="trainings of each")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "sensors", help="answers")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (one a core)")
    parser.add_argument("--time", type=float, default=1e9, help="seconds after which none begins")
    parser.add_argument("--only", choices=("train", "page"), help="one of the two steps")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "doc" / "sensors.rst")
    args = parser.parse_args(argv)
    names, seeds = args.sets.split(","), range(args.seeds)
    try:
        for name in names:  # before hours of training
            if "data" in read_recipe(name).options:
                load(name, args.data)
        if args.only != "page":
            work_off(names, seeds, args.work, args.data, args.jobs, args.time)
        if args.only != "train":
            write(names, seeds, args.work, args.data, args.out)
    except CatsError as error:
        print(f"sensors.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
