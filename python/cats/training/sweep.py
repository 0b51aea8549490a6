# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Many trainings from one file: quality against loss and against the share of columns sent, over
seeds.

A sweep trains every kind of training at every keep ratio with every seed, and evaluates each run
under every loss, as floats and as the integers that are exported. ``OUT/runs/NAME/`` is a RUN
folder with ``figures.json`` beside the weights; what is there is not computed again, so a sweep
that was cut short goes on where it was. joblib shares the runs among processes, or among machines
by a backend of its choice. The file::

    task: forecast
    preset: ett                  # optional, and options of the task:
    options: {data: ETTh1.csv, stride: 2}
    nodes: 4
    model: {features: 64}        # optional: other than the task suggests
    input_split: single          # or channels
    training: {epochs: 4}        # of all kinds, beside what the task suggests
    kinds:                       # by name: options of cats.training.options.Training
      plain: {message_dropout: [0, 0]}
      one model: {message_dropout: [0, 0.2]}
    keep: [1, 0.5, 0.1]
    seeds: [0, 1, 2]
    losses: [0, 0.1, 0.2]
    repeats: 1                   # draws of the losses a run is scored under
    granularity: packet          # what is lost at once, in training and scoring: packet or message
    thin: 1                      # score every so manieth test sample
    every_token: false           # score the forecasts after every token (model: {pool: all})

A kind may also name ``nodes``. With one node it is the plain transformer: it gathers nothing, so it
is trained with all columns only and nothing is lost. ``uneven: true`` takes the bytes on air of an
even keep ratio as ``air_budget`` in its place.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cats import tasks
from cats.errors import CatsError
from cats.nn.prune import even_bytes
from cats.report import draw_range, read_json, save_plot, table, write_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.training.evaluate import ranges
from cats.training.evaluate import sweep as evaluate
from cats.training.loop import train
from cats.training.options import Training
from cats.training.run_folder import load_run, quantise_run

RECIPE, SUMMARY, FIGURES = "recipe.json", "sweep.json", "figures.json"
LOSS_PLOT, KEEP_PLOT = "quality_vs_loss.svg", "quality_vs_keep.svg"
FORMS = ("float", "int8")
#: What a kind may say beside options of the training.
OWN = ("nodes", "uneven")


@dataclass(frozen=True)
class Sweep:
    """What a sweep's file says; its keys are these names."""

    task: str
    kinds: dict[str, dict]
    preset: str | None = None
    options: dict = field(default_factory=dict)
    nodes: int = 4
    model: dict = field(default_factory=dict)
    input_split: str = "single"
    training: dict = field(default_factory=dict)
    keep: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = (0, 1, 2)
    losses: tuple[float, ...] = (0.0, 0.1, 0.2)
    repeats: int = 1
    granularity: str = "packet"
    thin: int = 1
    every_token: bool = False

    @classmethod
    def of(cls, data: object) -> Sweep:
        """From a file's content; CatsError names what it lacks or does not know."""
        known = {field.name: field for field in dataclasses.fields(cls)}
        if not isinstance(data, dict) or not {"task", "kinds"} <= set(data):
            raise CatsError("a sweep names its task and its kinds of training")
        for name in data:
            if name not in known:
                raise CatsError(f"a sweep has no {name!r}: it has {', '.join(known)}")
        values = {
            name: tuple(value) if name in ("keep", "seeds", "losses") else value
            for name, value in data.items()
        }
        if not isinstance(values["kinds"], dict) or not values["kinds"]:
            raise CatsError("a sweep's kinds are options of the training by name")
        for name in ("keep", "seeds", "losses"):
            if name in values and not values[name]:
                raise CatsError(f"a sweep's {name} is empty: give at least one")
        sweep = cls(**values)
        for kind, keep in itertools.product(sweep.kinds, sweep.keep):
            sweep.training_of(kind, keep, 0).check()
        for kind in set(sweep.kinds) - {kind for kind, _, _ in sweep.runs()}:
            raise CatsError(f"kind {kind!r} has one node, so all columns: keep lacks 1")
        if sweep.thin < 1:
            raise CatsError(f"a sweep's thin is {sweep.thin}: at least 1")
        return sweep

    def nodes_of(self, kind: str) -> int:
        """Nodes of the runs of a kind."""
        return self.kinds[kind].get("nodes", self.nodes)

    def runs(self) -> list[tuple[str, float, int]]:
        """(kind, keep, seed) of every run."""
        return [
            (kind, keep, seed)
            for kind in self.kinds
            for keep in self.keep
            if keep == 1 or self.nodes_of(kind) > 1
            for seed in self.seeds
        ]

    def losses_of(self, kind: str) -> tuple[float, ...]:
        """Losses that the runs of a kind are scored under."""
        return self.losses if self.nodes_of(kind) > 1 else (0.0,)

    def load(self) -> tasks.Task:
        """The task."""
        given = tasks.preset(self.task, self.preset) if self.preset else {}
        return tasks.load(self.task, **{**given, **self.options})

    def shape(self, task: tasks.Task, kind: str) -> tuple[ModelConfig, SplitConfig]:
        """Model and split of the runs of a kind."""
        try:
            model = dataclasses.replace(task.model, **self.model)
        except TypeError as error:
            raise CatsError(f"a sweep's model: {error}") from None
        return model, SplitConfig.even(
            model, self.nodes_of(kind), self.input_split, "single", task.channels
        )

    def training_of(
        self, kind: str, keep: float, seed: int, suited: dict | None = None
    ) -> Training:
        """Options of one run; ``suited`` are those that the task suggests."""
        given = {"granularity": self.granularity, **(suited or {}), **self.training}
        given |= {name: v for name, v in self.kinds[kind].items() if name not in OWN}
        given = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        try:
            return Training(**{"threads": 1, **given, "keep": keep, "seed": seed})
        except TypeError as error:
            raise CatsError(f"kind {kind!r}: {error}") from None


def read(path: Path) -> Sweep:
    """The sweep that a YAML file describes; the paths in it are relative to the file's folder."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CatsError(f"{path} cannot be read as YAML: {reason}") from None
    try:
        sweep = Sweep.of(data)
    except CatsError as error:
        raise CatsError(f"{path}: {error}") from None
    file = sweep.options.get("data")
    if file and ":" not in file and not Path(file).is_absolute():
        options = {**sweep.options, "data": str((path.parent / file).resolve())}
        sweep = dataclasses.replace(sweep, options=options)
    return sweep


def run(
    sweep: Sweep,
    out: Path,
    jobs: int = -1,
    backend: str | None = None,
    force: bool = False,
    say: Callable[[str], Any] = print,
    new: bool = True,
) -> dict:
    """Run what is not there yet, write summary and plots; returns the summary.

    A folder that holds another sweep is refused, or with ``force`` emptied. ``jobs`` processes
    (-1: one a core) of joblib's ``backend`` (None: its own), so also of one that a package like Ray
    or Dask registers. Without ``new`` the summary is of what is there, and ``missing`` names the
    rest.
    """
    from joblib import Parallel, delayed, parallel_config

    _find_backend(backend)
    recipe = json.loads(json.dumps(dataclasses.asdict(sweep)))
    before = out / RECIPE
    if out.exists() and not before.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CatsError(f"{out} is no folder of a sweep: choose another")
    if before.exists() and force:
        shutil.rmtree(out)
    elif before.exists() and _common(read_json(before)) != _common(recipe):
        raise CatsError(f"{out} holds another sweep: choose another folder, or use --force")
    task = sweep.load()
    for kind in sweep.kinds:
        sweep.shape(task, kind)
    write_json(out / RECIPE, recipe)
    runs = sweep.runs()
    left = [one for one in runs if not _scored(sweep, out, *one)]
    say(f"{len(runs)} runs, {len(runs) - len(left)} of them are there")
    missing = [] if new else [_folder(out, *one).name for one in left]
    if len(missing) == len(runs):
        raise CatsError(f"{out} holds no finished run of this sweep yet")
    if not new:
        runs, left = [one for one in runs if one not in left], []
    with parallel_config(backend=backend or "loky", n_jobs=min(jobs, max(len(left), 1))):
        for name, seconds in Parallel(return_as="generator_unordered")(
            delayed(_one)(sweep, out, *one) for one in left
        ):
            say(f"  {name}: {seconds:.0f} s")
    records = [
        {"kind": kind, "keep": keep, "seed": seed}
        | read_json(_folder(out, kind, keep, seed) / FIGURES)
        for kind, keep, seed in runs
    ]
    summary = {
        "format": 1,
        "recipe": recipe,
        "metric": task.metric,
        "higher_is_better": task.higher_is_better,
        "parameters": records[0]["parameters"],
        "baselines": _baselines(task),
        "points": points(sweep, records),
        "runs": records,
        "missing": missing,
    }
    write_json(out / SUMMARY, summary)
    plot(summary, out)
    return summary


def _find_backend(name: str | None) -> None:
    """Make joblib know its backend of that name; CatsError where there is none."""
    from joblib.parallel import BACKENDS, EXTERNAL_BACKENDS

    if name == "ray" and name not in BACKENDS:
        try:
            importlib.import_module("ray.util.joblib").register_ray()
        except ImportError:
            raise CatsError("backend 'ray' needs the package: pip install ray") from None
    if name not in (None, *BACKENDS, *EXTERNAL_BACKENDS):
        names = ", ".join(sorted({*BACKENDS, *EXTERNAL_BACKENDS, "ray"}))
        raise CatsError(f"joblib has no backend {name!r}: it has {names}")


def _common(recipe: dict) -> dict:
    """What all runs of a sweep share: where it is equal, kinds, ratios and seeds may be added."""
    return {name: v for name, v in recipe.items() if name not in ("keep", "seeds", "kinds")}


def _folder(out: Path, kind: str, keep: float, seed: int) -> Path:
    name = "".join(c if c.isalnum() else "_" for c in kind)
    return out / "runs" / f"{name}-keep_{keep:g}-seed_{seed}"


def _scored(sweep: Sweep, out: Path, kind: str, keep: float, seed: int) -> bool:
    path = _folder(out, kind, keep, seed) / FIGURES
    return path.exists() and read_json(path).get("training") == json.loads(
        json.dumps(sweep.kinds[kind])
    )


def _one(sweep: Sweep, out: Path, kind: str, keep: float, seed: int) -> tuple[str, float]:
    """Train and evaluate one run; (its name, seconds of the training)."""
    import torch

    torch.set_num_threads(1)
    folder = _folder(out, kind, keep, seed)
    task = sweep.load()
    model, split = sweep.shape(task, kind)
    training = sweep.training_of(kind, keep, seed, task.training)
    if sweep.kinds[kind].get("uneven"):
        budget = even_bytes(model, split, training.keep_ratios(), training.air_radio)
        training = dataclasses.replace(training, keep=1.0, air_budget=budget)
    _, metrics = train(task, model, split, training, folder, resume=True)
    begin = time.process_time()
    trained, _ = load_run(folder)
    scores = {}
    for form, tested in (("float", trained), ("int8", quantise_run(folder)[0])):
        records = evaluate(
            tested,
            task,
            sweep.losses_of(kind),
            sweep.repeats,
            thin=sweep.thin,
            granularity=sweep.granularity,
            payload=training.payload,
            every_token=sweep.every_token,
        )
        scores[form] = [
            {name: value["mean"] for name, value in record.items() if isinstance(value, dict)}
            for record in records
        ]
    write_json(
        folder / FIGURES,
        {
            "training": sweep.kinds[kind],
            "parameters": metrics["parameters"],
            "seconds": metrics["seconds"],
            "cpu_seconds": round(metrics["cpu_seconds"] + time.process_time() - begin, 1),
            "validation": metrics["validation"][task.metric],
            "scores": scores,
        },
    )
    return folder.name, metrics["seconds"]


def _baselines(task: tasks.Task) -> dict[str, dict[str, float]]:
    from cats.tasks import baselines

    return baselines.scores(task, "test")["test"]


def points(sweep: Sweep, records: Sequence[dict]) -> list[dict]:
    """For each kind, keep ratio, form and loss: of every figure mean, least and largest value over
    the seeds."""
    result = []
    for kind, keep, form in itertools.product(sweep.kinds, sweep.keep, FORMS):
        runs = [r for r in records if r["kind"] == kind and r["keep"] == keep]
        for i, loss in enumerate(sweep.losses_of(kind) if runs else ()):
            scores = [r["scores"][form][i] for r in runs]
            point = {"kind": kind, "keep": keep, "model": form, "loss": loss, "seeds": len(runs)}
            result.append({**point, **ranges(scores)})
    return result


def point_at(
    summary: dict, kind: str, keep: float, loss: float = 0.0, form: str = FORMS[-1]
) -> dict | None:
    """The point of that place, None where there is none."""
    place = (kind, keep, loss, form)
    for point in summary["points"]:
        if (point["kind"], point["keep"], point["loss"], point["model"]) == place:
            return point
    return None


def tables(summary: dict, metric: str | None = None, forms: Sequence[str] = FORMS) -> str:
    """The points for people: a row for each kind, keep ratio and form, a column for each loss."""
    metric, recipe = metric or summary["metric"], summary["recipe"]
    losses = recipe["losses"]
    header = ["training", "keep", "model", *(f"{100 * loss:g} % loss" for loss in losses)]
    rows = []
    for kind, keep, form in itertools.product(recipe["kinds"], recipe["keep"], forms):
        chosen = [point_at(summary, kind, keep, loss, form) for loss in losses]
        if any(chosen):
            rows.append([kind, keep, form, *(_range(p[metric]) if p else "-" for p in chosen)])
    return table(header, rows)


def _range(figure: dict) -> str:
    half = (figure["largest"] - figure["least"]) / 2
    return f"{figure['mean']:.4f}" + (f" ±{half:.4f}" if half else "")


def plot(summary: dict, out: Path) -> None:
    """Quality of the integer model against loss (at the first keep ratio), and against the share of
    columns sent (at the first loss): mean and range over seeds, a line for each kind."""
    metric, recipe = summary["metric"], summary["recipe"]
    form = FORMS[-1]
    for name, axis, fixed, label in (
        (LOSS_PLOT, "loss", "keep", "packet loss, %"),
        (KEEP_PLOT, "keep", "loss", "columns sent, %"),
    ):
        value = recipe["keep" if fixed == "keep" else "losses"][0]

        def draw(axes: Any, axis: str = axis, fixed: str = fixed, value: float = value) -> None:
            for kind in recipe["kinds"]:
                chosen = [
                    p
                    for p in summary["points"]
                    if p["kind"] == kind and p["model"] == form and math.isclose(p[fixed], value)
                ]
                chosen.sort(key=lambda p: p[axis])
                where = [100 * p[axis] for p in chosen]
                draw_range(axes, where, [p[metric] for p in chosen], kind)

        given = f"{100 * value:g} % " + ("of the columns sent" if fixed == "keep" else "loss")
        title = f"{recipe['task']}, {recipe['nodes']} nodes, {given}"
        save_plot(out / name, draw, title=title, xlabel=label, ylabel=f"{metric} (integer model)")
