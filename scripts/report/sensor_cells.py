# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What doc/sensors.rst is written from: trainings of the recipes in scripts/sensors/ and of the
rivals of ``cats.training.rivals``, each with its answers in a file of its own."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cats import schema, tasks
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs
from cats.nn.message_dropout import MODES, parse_probability
from cats.nn.to_integer import calibration_inputs, quantize
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.sim.faults import Faults
from cats.sim.figures import owners
from cats.sim.simulate import Settings, simulate
from cats.tasks import Baseline, Part, Task, baselines
from cats.training import rivals
from cats.training.evaluate import outputs_at
from cats.training.loop import train
from cats.training.options import Training, suited
from cats.training.rivals import Rival

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "scripts" / "sensors"
#: In the page's order, which is that in which they are trained.
SETS = ("direction", "natops", "robot", "ring")
LOSSES = (0.0, 0.1, 0.2)
#: What bytes, times and energy are of, and the transport that sends such frames.
RADIO, TRANSPORT = "ble_2m", "nrf_radio"


def _late(values: int) -> tuple[Rival, ...]:
    shapes = ((32, 1), (32, 2), (64, 1))
    return tuple(Rival("late", values, features, blocks=blocks) for features, blocks in shapes)


#: What a rival may be, of which the validation part chooses; the ``FIRST`` matter most.
CANDIDATES: dict[str, tuple[Rival, ...]] = {
    "late fusion, 24 values": _late(24),
    "alone": (Rival("alone"), Rival("alone", blocks=2)),
    "raw to a hub": (Rival("raw"), Rival("raw", features=64)),
    "4 columns to a hub": (Rival("tokens", 4), Rival("tokens", 4, 64)),
    "2 columns to a hub": (Rival("tokens", 2), Rival("tokens", 2, 64)),
    "late fusion, 8 values": _late(8),
    "late fusion, 48 values": _late(48),
    "1 columns to a hub": (Rival("tokens", 1), Rival("tokens", 1, 64)),
}
FIRST = 4
#: The method of what learns no transformer, all of it at once.
BASELINES = "baselines"


@dataclass(frozen=True)
class Compared:
    """What is trained on a task and compared: ``kinds``, each with ``model``, ``training`` and
    ``keep`` beside those of all. ``about`` begins its section, ``verdict`` ends it."""

    title: str
    task: str
    nodes: int
    kinds: dict[str, dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    about: str = ""
    verdict: str = ""

    def own(self, kind: str) -> dict[str, Any]:
        """What a kind has beside that of all."""
        return self.kinds.get(kind, {})

    def model_of(self, task: Task, kind: str) -> ModelConfig:
        """The model of a kind."""
        own = {**self.model, **self.own(kind).get("model", {})}
        return schema.convert({**dataclasses.asdict(task.model), **own}, ModelConfig, kind)

    def options_of(self, task: Task, seed: int, kind: str = "") -> Training:
        """Options of a training of a kind, without one those of all."""
        own = self.own(kind)
        given = {"threads": 1, **suited(task), **self.training, **own.get("training", {})}
        given["message_dropout"] = parse_probability(str(given["message_dropout"]))
        return Training(**given, keep=own.get("keep", 1.0), seed=seed)


@dataclass(frozen=True)
class Recipe(Compared):
    """A data set and what is trained on it: scripts/sensors/NAME.yaml. A kind has ``options`` of
    the task and the number of ``nodes`` or their ``shares`` as well, and ``like`` another has all
    that is not given of it; with ``rounds`` of repair it is told by the nodes' C code on simulated
    air. The ``first`` matter most. ``folds``: of the task, each trained with every seed; "" is its
    own split. ``rivals``: in place of ``CANDIDATES``, each the candidates of that which it is
    ``like``, with its own ``options`` of the task and ``nodes``."""

    first: int = 5
    folds: tuple[str, ...] = ("",)
    rivals: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """Kinds, then rivals."""
        return [*self.kinds, *(self.rivals or CANDIDATES)]

    def own(self, kind: str) -> dict[str, Any]:
        """What a kind or rival has beside that of all."""
        own = self.kinds.get(kind) or self.rivals.get(kind) or {}
        return {**self.kinds.get(own.get("like", ""), {}), **own}

    def candidates(self, method: str) -> tuple[Rival, ...]:
        """What a rival may be; of a kind none."""
        return CANDIDATES.get(self.own(method).get("like", method), ())

    def nodes_of(self, method: str) -> int:
        """Nodes of a kind or rival."""
        return self.own(method).get("nodes", self.nodes)

    def shape(self, task: Task, kind: str) -> tuple[ModelConfig, SplitConfig]:
        """Model and split of a kind."""
        model = self.model_of(task, kind)
        shares = self.own(kind).get("shares", (1,) * self.nodes_of(kind))
        return model, SplitConfig.by_shares(model, shares, "channels", "single", task.channels)


@dataclass(frozen=True)
class Job:
    """One training: a kind of the recipe, or a candidate (its number) of a rival."""

    name: str
    method: str
    candidate: int
    seed: int
    fold: str = ""

    @property
    def rival(self) -> Rival | None:
        """Which rival it is."""
        found = read_recipe(self.name).candidates(self.method)
        return found[self.candidate] if found else None

    def file(self, work: Path) -> Path:
        """Where its answers are."""
        slug = "".join(c if c.isalnum() else "_" for c in self.method)
        fold = f"-{self.fold.replace('/', 'of')}" if self.fold else ""
        return work / self.name / f"{slug}-{self.candidate}-{self.seed}{fold}.npz"

    def about(self, recipe: Recipe) -> dict[str, Any]:
        """What its answers depend on, as JSON."""
        options = {**recipe.options, "fold": self.fold} if self.fold else recipe.options
        shared = {"task": recipe.task, "options": options, "training": recipe.training}
        rival = self.rival
        if self.method == BASELINES:
            return json.loads(json.dumps({"task": recipe.task, "options": options}))
        own: Any = [recipe.model, recipe.own(self.method)]
        if rival:
            own = {**dataclasses.asdict(rival), "modes": MODES, **recipe.own(self.method)}
        return json.loads(json.dumps({**shared, "nodes": recipe.nodes, "own": own}))


def is_done(job: Job, work: Path) -> bool:
    """Whether its answers are there, by the recipe of now."""
    path = job.file(work)
    return path.exists() and meta_of(path)["job"] == job.about(read_recipe(job.name))


@functools.cache
def read_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    path = RECIPES / f"{name}.yaml"
    return schema.convert(schema.read(path, "a recipe"), Recipe, str(path))


@functools.cache
def load(name: str, folder: Path, fold: str = "", kind: str = "") -> tuple[Recipe, Task]:
    """A recipe and its task in that fold, as a ``kind`` or rival has it where that is given, with
    the data that it names in ``folder``."""
    recipe = read_recipe(name)
    options = {**recipe.options, **recipe.own(kind).get("options", {})}
    if "data" in options:
        options["data"] = str((folder / options["data"]).resolve())
    if fold:
        options["fold"] = fold
    return recipe, tasks.load(recipe.task, **options)


def methods_of(recipe: Recipe, first: bool) -> list[str]:
    """Kinds and rivals of a recipe, those that matter most or the others."""
    kinds, others = list(recipe.kinds), list(recipe.rivals or CANDIDATES)
    if first:
        return [*kinds[:2], *others[:FIRST], *kinds[2 : recipe.first]]
    return [*kinds[recipe.first :], *others[FIRST:]]


def jobs(names: Sequence[str], seeds: Sequence[int], work: Path) -> Iterator[list[Job]]:
    """What is to be trained, most important first: of what matters most and then of the others
    each with every seed, every candidate with the first seed, and what was chosen with the other
    seeds."""
    recipes = {name: read_recipe(name) for name in names}

    def each(first: bool, seeds: Sequence[int]) -> Iterator[Job]:
        for name, recipe in recipes.items():
            for seed in seeds:
                for method in methods_of(recipe, first):
                    yield from (Job(name, method, 0, seed, fold) for fold in recipe.folds)

    for first in (True, False):
        yield list(each(first, seeds))
        if first:
            yield [
                Job(name, BASELINES, 0, 0, fold)
                for name, recipe in recipes.items()
                for fold in recipe.folds
                if not recipe.rivals
            ]
        yield [
            dataclasses.replace(job, candidate=candidate)
            for job in each(first, seeds[:1])
            for candidate in range(1, len(recipes[job.name].candidates(job.method)))
        ]
        yield [
            dataclasses.replace(job, candidate=chosen(job, seeds[0], work))
            for job in each(first, seeds[1:])
        ]


def chosen(job: Job, seed: int, work: Path) -> int:
    """The candidate of a job's method that answers the validation part of its fold best, of those
    that are done with ``seed``."""

    def right(candidate: int) -> float:
        one = dataclasses.replace(job, candidate=candidate, seed=seed)
        done = is_done(one, work)
        return float(np.load(one.file(work))["validation"].mean()) if done else -1.0

    return max(range(len(read_recipe(job.name).candidates(job.method)) or 1), key=right)


def do(job: Job, work: Path, folder: Path, until: float = math.inf) -> str | None:
    """Train and score one; what it says of itself, None where time.monotonic() is past ``until``:
    then it is not begun."""
    torch.set_num_threads(1)
    begin = time.monotonic()
    if begin >= until:
        return None
    own = "options" in read_recipe(job.name).own(job.method)
    recipe, task = load(job.name, folder, job.fold, job.method if own else "")
    if job.method == BASELINES:
        found, meta = _fit_baselines(task), {}
    else:
        found, meta = (_train_rival if job.rival else _train_kind)(job, recipe, task)
    meta = {"job": job.about(recipe), **meta}
    path = job.file(work)
    keep(path, meta, found)
    validation = f"{100 * found['validation'].mean():.1f} %, " if "validation" in found else ""
    return f"{path.stem} of {job.name}: {validation}{time.monotonic() - begin:.0f} s"


def _fit_baselines(task: Task) -> dict[str, np.ndarray]:
    """Whether each baseline answers right: bool [n] of both parts, under its name."""

    def right(said: Baseline, part: Part) -> np.ndarray:
        return (said(part).argmax(1) == part.targets).numpy()

    return {
        f"{name} {which}": right(said, part)
        for which, said in baselines.fitted(task).items()
        for name, part in (("validation", task.validation), ("test", task.test))
    }


def _train_kind(job: Job, recipe: Recipe, task: Task) -> tuple[dict[str, np.ndarray], dict]:
    """(whether the integer model answers right: ``validation`` bool [n], nothing lost, and
    ``test`` bool [losses, n], what is known of it)."""
    config, split = recipe.shape(task, job.method)
    training = recipe.options_of(task, job.seed, job.method)
    model, metrics = train(task, config, split, training)
    integer = quantize(model, calibration_inputs(task).numpy())

    def right(part: Part, loss: float) -> np.ndarray:
        outputs = outputs_at(integer, part.inputs, loss, job.seed, payload=training.payload)
        return (outputs.argmax(1) == part.targets).numpy()

    known = {"config": to_json(config), "split": to_json(split), "keep": model.keep}
    known["parameters"] = metrics["parameters"]
    if rounds := recipe.own(job.method).get("rounds", 0):
        told = [repaired(integer, task.test, loss, job.seed, rounds) for loss in LOSSES]
        test = [one for one, _ in told]
        known |= {"rounds": rounds, "bytes": [size for _, size in told]}
    else:
        test = [right(task.test, loss) for loss in LOSSES]
    return {"validation": right(task.validation, 0.0), "test": np.stack(test)}, known


def repaired(
    model: IntegerModel, part: Part, loss: float, seed: int, rounds: int
) -> tuple[np.ndarray, float]:
    """(whether nodes with so many rounds of repair answer right on simulated air, bool [n], bytes
    on the air of an inference)."""
    plan = make_plan(model.config, model.split, model.keep, radio=TRANSPORT, rounds=rounds)
    inputs, (owner,) = quantize_inputs(model, part.inputs.numpy()), owners(model)
    result = simulate(model, plan, inputs, Faults(loss=loss), seed, Settings(compute="plan"))
    right = result.outputs[:, owner, -1].argmax(-1) == part.targets.numpy()
    return right & result.done[:, owner], float(result.bytes.mean())


def _train_rival(job: Job, recipe: Recipe, task: Task) -> tuple[dict[str, np.ndarray], dict]:
    """The same of a rival; of sensors alone each ``validation`` and ``test`` of ``rivals.ALONE``
    stands under its name."""
    training = recipe.options_of(task, job.seed)
    model, known = rivals.train(job.rival, task, training, recipe.nodes_of(job.method))

    def right(part: Part, loss: float) -> dict[str, np.ndarray]:
        found = rivals.answers(model, part.inputs, loss, job.seed, training.payload, training.modes)
        return {name: (said == part.targets).numpy() for name, said in found.items()}

    validation = right(task.validation, 0.0)
    tests = [right(task.test, loss) for loss in LOSSES]
    if job.rival.way != "alone":
        (way,) = validation
        found = {"validation": validation[way], "test": np.stack([test[way] for test in tests])}
        return found, known
    found = {"validation": validation["probabilities"]}
    best = int(validation["own answer"].mean(1).argmax())
    for name in rivals.ALONE:
        where = "own answer" if name == "best sensor" else name
        for part, lines in (("validation", [validation]), ("test", tests)):
            rows = np.stack([line[where] for line in lines])
            rows = rows[:, best] if name == "best sensor" else rows
            found[f"{part} {name}"] = rows if part == "test" else rows[0]
    return found, known


def work_off(
    names: Sequence[str], seeds: Sequence[int], work: Path, folder: Path, count: int, seconds: float
) -> None:
    """Train what is not there yet in ``count`` processes; none begins after so many seconds."""
    from joblib import Parallel, delayed

    until = time.monotonic() + seconds

    for stage in jobs(names, seeds, work):
        todo = [job for job in stage if not is_done(job, work)]
        print(f"{len(stage)} trainings, {len(stage) - len(todo)} of them are there", flush=True)
        for said in Parallel(n_jobs=count, return_as="generator_unordered")(
            delayed(do)(job, work, folder, until) for job in todo
        ):
            if said:
                print(f"  {said}", flush=True)


def keep(path: Path, meta: dict[str, Any], found: dict[str, np.ndarray]) -> None:
    """Write answers, and what is known of them, as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, meta=json.dumps(meta), **found)
    part.replace(path)


def meta_of(path: Path) -> dict[str, Any]:
    """What is known of a training beside its answers."""
    return json.loads(str(np.load(path)["meta"]))
