# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Many trainings from one file: quality against loss and against the share of columns sent, over
seeds.

A sweep trains every kind of training at every keep ratio with every seed, and evaluates each run
under every loss, as floats and as the integers that are exported. ``OUT/runs/NAME/`` is a RUN
folder with ``figures.json`` beside the weights; what is there is not computed again, so a sweep
that was cut short goes on where it was. joblib shares the runs among processes, or among machines
by a backend of its choice. The
results are of one state of the data and of the package's code: where either has changed since, they
are not used, and the sweep says so. The file::

    task: forecast               # a task of cats train, or package.module:Class
    preset: ett                  # optional: options by a name of the task's
    options: {data: ETTh1.csv, stride: 2}    # of the task; a file beside this one
    nodes: 4                     # 1 to 16
    model: {features: 64}        # optional: other than the task suggests
    input_split: single          # or channels
    training: {epochs: 4}        # of all kinds, beside what the task suggests
    kinds:                       # by name: options of cats.training.options.Training
      plain: {message_dropout: 0}
      one model: {message_dropout: 0:0.2}    # or [0, 0.2]
    keep: [1, 0.5, 0.1]          # shares of the columns sent
    seeds: [0, 1, 2]
    losses: [0, 0.1, 0.2]        # probabilities that each run is scored under
    repeats: 1                   # draws of the losses a run is scored under
    granularity: packet          # what is lost at once, in training and scoring: packet or message
    links: links.csv             # optional: score under these links, which lose losses on top
    hops: 1                      # over so many hops of them
    thin: 1                      # score every so manieth test sample
    every_token: false           # score the forecasts after every token (model: {pool: all})

``task`` and ``kinds`` are needed; what else is left out is as above, but for ``preset``,
``options``, ``model`` and ``training``, which are empty, and ``keep``, which is [1]. Numbers are
numbers as YAML or Python writes them: ``1e-3`` is one, in quotes as well. A kind may also name
``nodes``, and a ``model`` that counts more than that of all. With one node it is the plain
transformer: it gathers nothing, so it is trained with all columns only and nothing is lost.
``uneven: true`` takes the bytes on air of an even keep ratio as ``air_budget`` in its place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

import cats
from cats import schema, tasks
from cats.errors import CatsError
from cats.files import FolderKind
from cats.nn.message_dropout import parse_probability
from cats.nn.prune import even_bytes
from cats.report import draw_range, read_json, save_plot, table, write_json
from cats.shape.config import MAX_NODES, ModelConfig, SplitConfig
from cats.shape.links import as_tuples, check_links, read_links
from cats.training import run_folder
from cats.training.device import pick_device
from cats.training.evaluate import ranges
from cats.training.evaluate import sweep as evaluate
from cats.training.loop import train
from cats.training.options import Training, suited
from cats.training.run_folder import load_run, quantise_run

RECIPE, SUMMARY, FIGURES = "recipe.json", "sweep.json", "figures.json"
LOSS_PLOT, KEEP_PLOT = "quality_vs_loss.svg", "quality_vs_keep.svg"
FORMS = ("float", "int8")
#: A sweep's folder: what is the program's in it.
FOLDER = FolderKind(
    "a sweep",
    (
        RECIPE, SUMMARY, LOSS_PLOT, KEEP_PLOT,
        *(f"runs/*/{name}" for name in (FIGURES, *run_folder.FOLDER.names)),
    ),
    {RECIPE: "kinds"},
)  # fmt: skip


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**6)]
Nodes = Annotated[int, msgspec.Meta(ge=1, le=MAX_NODES)]


@dataclass(frozen=True)
class Sweep:
    """What a sweep's file says; its keys are these names."""

    task: str
    kinds: Annotated[dict[str, dict[str, Any] | None], msgspec.Meta(min_length=1)]
    preset: str | None = None
    options: dict[str, Any] | None = None
    nodes: Nodes = 4
    model: dict[str, Any] | None = None
    input_split: Literal["single", "channels"] = "single"
    training: dict[str, Any] | None = None
    keep: Annotated[tuple[Share, ...], msgspec.Meta(min_length=1)] = (1.0,)
    seeds: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (0, 1, 2)
    losses: Annotated[tuple[Share, ...], msgspec.Meta(min_length=1)] = (0.0, 0.1, 0.2)
    repeats: Count = 1
    granularity: Literal["packet", "message"] = "packet"
    links: tuple[tuple[float, ...], ...] | None = None
    hops: Annotated[int, msgspec.Meta(ge=1, lt=MAX_NODES)] = 1
    thin: Count = 1
    every_token: bool = False

    @classmethod
    def of(cls, data: object, where: object = "sweep", folder: Path = Path()) -> Sweep:
        """From a file's content, in which files of links are relative to ``folder``; CatsError
        names the key that does not fit."""
        data = _links_read(data, folder)
        sweep = schema.convert(data, cls, str(where), lax=True)
        try:
            tasks.find(sweep.task)
            for name in ("keep", "seeds", "losses"):
                if len(set(getattr(sweep, name))) < len(getattr(sweep, name)):
                    raise CatsError(f"$.{name}: one of them is there twice")
            for kind, keep in itertools.product(sweep.kinds, sweep.keep):
                sweep.kind(kind)
                training = sweep.training_of(kind, keep, 0)
                training.check()
                for links in (training.links, sweep.links_of(kind).get("links")):
                    if links is not None:
                        check_links(links, sweep.nodes_of(kind), f"links of kind {kind!r}")
            if sweep.hops > 1 and sweep.links is None:
                raise CatsError(f"$.hops: {sweep.hops} hops go with links: who hears whom")
            for kind in set(sweep.kinds) - {kind for kind, _, _ in sweep.runs()}:
                raise CatsError(f"kind {kind!r} has one node, so all columns: keep lacks 1")
        except CatsError as error:
            raise CatsError(f"{where}: {error}") from None
        return sweep

    def kind(self, name: str) -> Kind:
        """What a kind says beside its options of the training."""
        given = {key: v for key, v in (self.kinds[name] or {}).items() if key in OWN}
        return schema.convert(given, Kind, "", root=f"$.kinds.{name}", lax=True)

    def nodes_of(self, kind: str) -> int:
        """Nodes of the runs of a kind."""
        return self.kind(kind).nodes or self.nodes

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

    def links_of(self, kind: str) -> dict[str, Any]:
        """The links that the runs of a kind are scored under, and over how many hops."""
        return {"links": self.links, "hops": self.hops} if self.nodes_of(kind) > 1 else {}

    def load(self) -> tasks.Task:
        """The task."""
        given = tasks.preset(self.task, self.preset) if self.preset else {}
        return tasks.load(self.task, **{**given, **(self.options or {})})

    def shape(self, task: tasks.Task, kind: str) -> tuple[ModelConfig, SplitConfig]:
        """Model and split of the runs of a kind."""
        own = self.kind(kind).model or {}
        given = {**dataclasses.asdict(task.model), **(self.model or {}), **own}
        model = schema.convert(given, ModelConfig, "sweep", root="$.model", lax=True)
        model.check()
        return model, SplitConfig.even(
            model, self.nodes_of(kind), self.input_split, "single", task.channels
        )

    def training_of(
        self, kind: str, keep: float, seed: int, suited: dict | None = None
    ) -> Training:
        """Options of one run; ``suited`` are those that the task suggests."""
        own = {key: v for key, v in (self.kinds[kind] or {}).items() if key not in OWN}
        given = {"threads": 1, "granularity": self.granularity, **(suited or {})}
        given |= _options(self.training or {}, "$.training") | _options(own, f"$.kinds.{kind}")
        if self.nodes_of(kind) == 1:  # nothing to hear
            given |= {"links": None, "hops": 1}
        return Training(**{**given, "keep": keep, "seed": seed})


def _links_read(data: Any, folder: Path) -> Any:
    """A sweep's content with what its files of links hold in their places."""
    if not isinstance(data, dict):
        return data
    found = dict(data)
    if isinstance(found.get("links"), str):
        found["links"] = as_tuples(read_links(folder / found["links"]))
    if "training" in found:
        found["training"] = _links_read(found["training"], folder)
    if isinstance(found.get("kinds"), dict):
        kinds = found["kinds"].items()
        found["kinds"] = {name: _links_read(kind, folder) for name, kind in kinds}
    return found


def _options(given: dict[str, Any], root: str) -> dict[str, Any]:
    """Options of a training as a file has them; CatsError names the one that does not fit."""
    if clash := {"keep", "seed"} & set(given):
        raise CatsError(f"{root}.{min(clash)}: the sweep says it for all kinds")
    if isinstance(given.get("message_dropout"), (str, int, float)):
        given = {**given, "message_dropout": parse_probability(str(given["message_dropout"]))}
    training = schema.convert(given, Training, "", root=root, lax=True)
    return {name: getattr(training, name) for name in given}


@dataclass(frozen=True)
class Kind:
    """What a kind of training may say beside options of the training."""

    nodes: Nodes | None = None
    uneven: bool = False
    model: dict[str, Any] | None = None


#: Its names.
OWN = tuple(field.name for field in dataclasses.fields(Kind))


def read(path: Path) -> Sweep:
    """The sweep that a YAML file describes; the paths in it are relative to the file's folder."""
    sweep = Sweep.of(schema.read(path, "a sweep", yaml=True), path, path.parent)
    file = (sweep.options or {}).get("data")
    if isinstance(file, str) and ":" not in file and not Path(file).is_absolute():
        options = {**sweep.options, "data": str((path.parent / file).resolve())}
        sweep = dataclasses.replace(sweep, options=options)
    return sweep


def made_with(sweep: Sweep) -> dict[str, str]:
    """What results depend on beside the file: hashes of the package's code and of the data."""
    code = hashlib.sha256(cats.__version__.encode())
    package = Path(cats.__file__).parent
    for file in sorted(package.rglob("*.py")):
        code.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    code.update(tasks.source_of(sweep.task))
    return {"code": f"{cats.__version__} {code.hexdigest()[:16]}", "data": _data_hash(sweep)}


def _data_hash(sweep: Sweep) -> str:
    """Of the files of the task's data; empty where they come with a package."""
    given = tasks.preset(sweep.task, sweep.preset) if sweep.preset else {}
    file = Path(str({**given, **(sweep.options or {})}.get("data", "")))
    digest = hashlib.sha256()
    try:
        for part in sorted({file, Path(str(file).replace("_TRAIN.", "_TEST."))}):
            if part.is_file():
                digest.update(hashlib.sha256(part.read_bytes()).digest())
    except OSError as error:
        raise CatsError(f"cannot read {file}: {error.strerror}") from error
    return digest.hexdigest()[:16] if file.is_file() else ""


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

    A folder that holds another sweep, or results of other data or code, is refused, or with
    ``force`` emptied. ``jobs`` processes (-1: one a core) of joblib's ``backend`` (None: its own),
    or with NAME:ADDRESS of a cluster of Ray (``ray``), Dask (``dask``) or, by its partition, Slurm
    (``slurm``). Without ``new`` the summary is of what is there, and ``missing`` names the rest.
    """
    from joblib import Parallel, delayed, parallel_config

    name, address = _find_backend(backend)
    stamp = made_with(sweep)
    recipe = json.loads(json.dumps({**dataclasses.asdict(sweep), "made_with": stamp}))
    before = out / RECIPE
    FOLDER.check(out, True)
    if before.exists() and not force:
        old = read_json(before)
        if _common(old) != _common(recipe):
            raise CatsError(f"{out} holds another sweep: choose another folder, or use --force")
        if changed := _changed(old.get("made_with"), stamp):
            if new:
                raise CatsError(
                    f"{out} has results of other {changed}, which are not used: choose another "
                    "folder, or compute them again with --force"
                )
            say(f"{out} has results of other {changed}")
            recipe["made_with"] = old.get("made_with")
    task = sweep.load()
    for kind in sweep.kinds:
        sweep.shape(task, kind)
    if force:
        FOLDER.clear(out)
    write_json(out / RECIPE, recipe)
    runs = sweep.runs()
    left = [one for one in runs if not _scored(sweep, out, *one)]
    say(f"{len(runs)} runs, {len(runs) - len(left)} of them are there")
    missing = [] if new else [folder_of(out, *one).name for one in left]
    if len(missing) == len(runs):
        raise CatsError(f"{out} holds no finished run of this sweep yet")
    if not new:
        runs, left = [one for one in runs if one not in left], []
    jobs = min(jobs, max(len(left), 1))
    with (
        _connected(name, address, jobs if jobs > 0 else len(left)) as joblib_name,
        parallel_config(backend=joblib_name, n_jobs=jobs),
    ):
        for done, seconds in Parallel(return_as="generator_unordered")(
            delayed(_one)(sweep, out, *one) for one in left
        ):
            say(f"  {done}: {seconds:.0f} s")
    records = [
        {"kind": kind, "keep": keep, "seed": seed}
        | msgspec.to_builtins(schema.load(folder_of(out, kind, keep, seed) / FIGURES, Figures))
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


#: Backends beside joblib's own: the package that each needs.
CLUSTERS = {"ray": "ray", "dask": "distributed", "slurm": "dask-jobqueue"}


def _find_backend(text: str | None) -> tuple[str, str]:
    """(name, address) of ``NAME[:ADDRESS]``; CatsError where joblib has none of that name, or it
    lacks a package."""
    from joblib.parallel import BACKENDS

    name, _, address = (text or "loky").partition(":")
    modules = {"ray": "ray.util.joblib", "dask": "distributed", "slurm": "dask_jobqueue"}
    if name in modules:
        try:
            importlib.import_module(modules[name])
        except ImportError:
            raise CatsError(
                f"backend {name!r} needs a package: pip install {CLUSTERS[name]}"
            ) from None
    elif name not in BACKENDS:
        names = ", ".join(sorted({*BACKENDS, *CLUSTERS}))
        raise CatsError(f"joblib has no backend {name!r}: it has {names}")
    elif address:
        raise CatsError(f"backend {name!r} is of this machine: it takes no address")
    return name, address


@contextlib.contextmanager
def _connected(name: str, address: str, jobs: int) -> Iterator[str]:
    """joblib's name of a backend, connected to the cluster at ``address``."""
    try:
        if name == "ray":
            if address:
                importlib.import_module("ray").init(address=address)
            importlib.import_module("ray.util.joblib").register_ray()
        if name not in ("dask", "slurm"):
            yield name
            return
        where: Any = address or None
        if name == "slurm":  # one worker a job; what else a job needs is in Dask's own settings
            jobqueue = importlib.import_module("dask_jobqueue")
            where = jobqueue.SLURMCluster(queue=address or None, cores=1, memory="4GB")
            where.scale(jobs=jobs)
        client = importlib.import_module("distributed").Client(where)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CatsError(f"cannot reach {name} {address}: {reason:.200}") from error
    with client:
        yield "dask"


def _common(recipe: dict) -> dict:
    """What all runs of a sweep share: where it is equal, kinds, ratios and seeds may be added."""
    recipe = {"links": None, "hops": 1, **recipe}  # newer than some
    left_out = ("keep", "seeds", "kinds", "made_with")
    training = _without_device(recipe.get("training"))
    return {name: v for name, v in recipe.items() if name not in left_out} | {"training": training}


def _without_device(options: dict[str, Any] | None) -> dict[str, Any]:
    """Options of a training but for where it computes."""
    return {name: v for name, v in (options or {}).items() if name != "device"}


def _changed(before: object, now: dict[str, str]) -> str:
    """What results were made with that is not as it was: "code", "data" or both."""
    known = before if isinstance(before, dict) else {}
    return " and ".join(name for name, value in now.items() if known.get(name) != value)


def folder_of(out: Path, kind: str, keep: float, seed: int) -> Path:
    """Of a run: another for every kind, also where only signs tell two names apart."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in kind)[:40]
    if name != kind:
        name += "-" + hashlib.sha256(kind.encode()).hexdigest()[:6]
    return out / "runs" / f"{name}-keep_{keep:.15g}-seed_{seed}"


class Figures(msgspec.Struct):
    """What ``figures.json`` holds of a run."""

    training: dict[str, Any] | None
    parameters: int
    seconds: float
    cpu_seconds: float
    validation: float
    scores: dict[str, list[dict[str, float]]]


def _scored(sweep: Sweep, out: Path, kind: str, keep: float, seed: int) -> bool:
    path = folder_of(out, kind, keep, seed) / FIGURES
    if not path.exists():
        return False
    now = json.loads(json.dumps(sweep.kinds[kind]))
    return _without_device(schema.load(path, Figures).training) == _without_device(now)


def _one(sweep: Sweep, out: Path, kind: str, keep: float, seed: int) -> tuple[str, float]:
    """Train and evaluate one run; (its name, seconds of the training)."""
    import torch

    torch.set_num_threads(1)
    folder = folder_of(out, kind, keep, seed)
    task = sweep.load()
    model, split = sweep.shape(task, kind)
    training = sweep.training_of(kind, keep, seed, suited(task))
    if sweep.kind(kind).uneven:
        budget = even_bytes(model, split, training.keep_ratios(), training.air_radio)
        training = dataclasses.replace(training, keep=1.0, air_budget=budget)
    _, metrics = train(task, model, split, training, folder, resume=True)
    begin = time.process_time()
    trained, _ = load_run(folder)
    trained.to(pick_device(training.device))
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
            **sweep.links_of(kind),
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
