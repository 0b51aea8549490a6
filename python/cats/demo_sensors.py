# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The whole chain where it is needed: eight nodes with a microphone each tell by radio from where a
sound comes (task ``direction``, simulated by physics), which none of them hears alone.

Trains one transformer over the nodes, each of which embeds its own samples, exports it, and lets
the C code of the devices run it on a simulated lossy radio; beside it what else the nodes may do:
late fusion, the best sensor by itself, raw samples to a hub. ``summary.json`` holds all figures.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cats import tasks
from cats.demo import (
    BOARD,
    DRAWS,
    FOLDER,
    JOINT,
    PLOT,
    SUMMARY,
    check_room,
    clock,
    simulated,
)
from cats.demo import Demo as Options
from cats.deploy import export
from cats.errors import CatsError
from cats.integer.quantize import quantize_inputs
from cats.plan.planner import make_plan
from cats.plan.radio import radio
from cats.report import Panel, print_table, save_plots, write_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.sim.faults import Faults
from cats.tasks.direction import RATE, STEPS
from cats.training import rivals
from cats.training.device import threads
from cats.training.loop import train
from cats.training.options import Training
from cats.training.rivals import Rival
from cats.training.run_folder import quantise_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = (0.0, 0.1, 0.2)
ROUNDS = (0, 2)
#: By name, and the name that their answers have.
RIVALS = {
    "late fusion": (Rival("late", 24), "late"),
    "best sensor": (Rival("alone"), "best sensor"),
    "raw to a hub": (Rival("raw"), "raw"),
}
#: Only what the hidden columns read is sent: once, with all its columns, and from the first epoch.
#: So more of them cost no byte.
HIDDEN = 256
KEEP = {"attention": 0.0, "heads": 0.0, "hidden": 0.0}
AT_ONCE = {"prune_from": 0.0, "prune_until": 0.0, "prune_steps": 1}


@dataclass(frozen=True)
class Demo(Options):
    """As ``cats.demo.Demo``; ``keep`` is the share of the columns that hidden columns read, and
    ``jobs`` how many of the four trainings run side by side, each on one core (-1: one a core)."""

    nodes: int = 8
    keep: float = 1.0
    epochs: int | None = 12
    samples: int | None = 300
    jobs: int = -1


def run(options: Demo, out: Path, force: bool = False, say: Callable[[str], Any] = print) -> dict:
    """Run the demo into the folder ``out``; returns what ``summary.json`` holds."""
    from joblib import Parallel, delayed

    begin = time.perf_counter()
    task = tasks.load("direction")
    model = dataclasses.replace(task.model, hidden=HIDDEN)
    split = SplitConfig.even(model, options.nodes, "channels", "single", task.channels)
    epochs = {} if options.epochs is None else {"epochs": options.epochs}
    training = Training(
        **{**task.training, **epochs, **AT_ONCE},
        keep={**KEEP, "forward": options.keep},
        message_dropout=(0.0, 0.2),
        payload=radio(options.radio).payload,
        seed=options.seed,
    )
    training.check()
    make_plan(model, split, full_keep(model, split), radio=options.radio)
    if options.samples is not None and options.samples < 1:
        raise CatsError(f"{options.samples} samples: at least 1")
    if task.channels % split.nodes:
        raise CatsError(f"{split.nodes} nodes: {task.channels} microphones are shared evenly")
    check_room(out, force)
    FOLDER.clear(out)

    say(f"one transformer over {split.nodes} nodes, {options.radio}, and its rivals: training ...")
    ways = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(_way)(name, model, split, training, options, out) for name in (JOINT, *RIVALS)
    )
    curves: dict[str, dict[str, dict]] = {}
    seconds: dict[str, float] = {"processor": 0.0}
    known: dict[str, Any] = {}
    for name, (found, others, spent) in zip((JOINT, *RIVALS), ways, strict=True):
        say(f"{name}: done")
        curves |= found
        known |= others
        for phase, time_of in spent.items():
            seconds[phase] = seconds.get(phase, 0.0) + time_of
    seconds["total"] = time.perf_counter() - begin
    summary = {
        "task": task.name,
        "nodes": split.nodes,
        "keep": options.keep,
        "seed": options.seed,
        "radio": options.radio,
        "test_samples": options.samples or len(task.test),
        **known,
        "recording_ms": 1e3 * STEPS / RATE,
        "accuracy_by_loss": curves,
        "seconds": {name: round(spent, 2) for name, spent in seconds.items()},
    }
    write_json(out / SUMMARY, summary)
    plot(summary, out / PLOT)
    _print(summary)
    print(f"\n{out / PLOT} shows it, {out / SUMMARY} holds all figures.")
    return summary


#: Of one way: curves by name and loss, what else is known, seconds by phase.
_Way = tuple[dict[str, dict[str, dict]], dict[str, Any], dict[str, float]]


def _way(
    name: str, model: ModelConfig, split: SplitConfig, training: Training, options: Demo, out: Path
) -> _Way:
    """All of one way, in a process of its own; its processor time is one of its seconds."""
    begin = time.process_time()
    task = tasks.load("direction")
    tested = task.test.spaced(options.samples or len(task.test))
    with threads(training.threads):
        if name == JOINT:
            found, known, seconds = _joint(task, tested, model, split, training, options, out)
        else:
            found, known, seconds = _rival(name, task, tested, split, training, options)
    return found, known, {**seconds, "processor": time.process_time() - begin}


def _joint(
    task: tasks.Task,
    tested: tasks.Part,
    model: ModelConfig,
    split: SplitConfig,
    training: Training,
    options: Demo,
    out: Path,
) -> _Way:
    """The transformer over the nodes, exported, its C code on the simulated air."""
    seconds: dict[str, float] = {}
    with clock(seconds, "train_joint"):
        _, metrics = train(task, model, split, training, out / f"run_{JOINT}")
    with clock(seconds, "export"):
        integer, source = quantise_run(out / f"run_{JOINT}")
        export.export(integer, out / f"deploy_{JOINT}", run=source, radio=options.radio)
    inputs, labels = quantize_inputs(integer, tested.inputs.numpy()), tested.targets.numpy()
    curves: dict[str, dict[str, dict]] = {}
    equal = {"clean": True, "lossy": True}
    for rounds in ROUNDS:
        curve = curves[f"joint, {rounds} repair rounds" if rounds else "joint"] = {}
        for loss in LOSSES:
            faults = Faults(loss=loss)
            result = simulated(integer, inputs, labels, options, rounds, faults, seconds)
            equal["lossy" if loss else "clean"] &= result.pop("equal_to_reference")
            curve[f"{loss:g}"] = result
    known = {"parameters": metrics["parameters"], "equal_to_reference": equal}
    return curves, known, seconds


def _rival(
    name: str,
    task: tasks.Task,
    tested: tasks.Part,
    split: SplitConfig,
    training: Training,
    options: Demo,
) -> _Way:
    """One of ``RIVALS``, scored by its floats."""
    rival, answer = RIVALS[name]
    seconds: dict[str, float] = {}
    with clock(seconds, "train_rivals"):
        # As the simulated air loses them.
        alone = dataclasses.replace(training, modes=("links",))
        trained, _ = rivals.train(rival, task, alone, split.nodes)
        cost = rivals.cost(rival, task.model, split.nodes, options.radio, BOARD, answer)
        right = functools.partial(_right, trained, task, answer, training.payload)
        curve = {f"{loss:g}": {**cost, **right(tested, loss, options.seed)} for loss in LOSSES}
    return {name: curve}, {}, seconds


def _right(
    model: rivals.RivalModel,
    task: tasks.Task,
    answer: str,
    payload: int,
    part: tasks.Part,
    loss: float,
    seed: int,
) -> dict[str, float]:
    """Accuracy of a rival, of as many draws as a simulation has; the best sensor is that of the
    validation part."""

    def found(part: tasks.Part, seed: int) -> np.ndarray:
        name = "own answer" if answer == "best sensor" else answer
        said = rivals.answers(model, part.inputs, loss, seed, payload)[name]
        return (said == part.targets).double().mean(-1).numpy()

    best = found(task.validation, seed).argmax() if answer == "best sensor" else ...
    draws = [found(part, seed + i)[best] for i in range(DRAWS if loss else 1)]
    return {
        "accuracy": float(np.clip(np.mean(draws), min(draws), max(draws))),
        "accuracy_least": float(min(draws)),
        "accuracy_largest": float(max(draws)),
    }


def plot(summary: dict, path: Path) -> None:
    """Accuracy against loss, a line for each way with a band over the draws; and what it costs."""
    curves = summary["accuracy_by_loss"]

    def by_loss(axes: Axes) -> None:
        for name, curve in curves.items():
            mean, least, largest = (
                [100 * point[f"accuracy{which}"] for point in curve.values()]
                for which in ("", "_least", "_largest")
            )
            losses = [100 * float(loss) for loss in curve]
            style = "-" if name.startswith("joint") else "--"
            (line,) = axes.plot(losses, mean, style, marker="o", label=name)
            axes.fill_between(losses, least, largest, color=line.get_color(), alpha=0.2)
        axes.set_ylim(0, 100)

    def by_cost(axes: Axes) -> None:
        for name, curve in curves.items():
            point = curve["0.1"]
            axes.plot(point["bytes_on_air"], 100 * point["accuracy"], "o", label=name)
        axes.set_xscale("symlog", linthresh=100)
        axes.set_ylim(0, 100)

    save_plots(
        path,
        [
            Panel(by_loss, "packet loss, %", f"accuracy, % ({DRAWS} draws: mean and range)"),
            Panel(by_cost, "bytes on air of an inference", "accuracy at 10 % loss, %"),
        ],
        title=f"From where a sound comes, {summary['nodes']} nodes with a microphone each",
    )


def _print(summary: dict) -> None:
    curves = summary["accuracy_by_loss"]
    rows = [
        (
            name,
            float(loss),
            *(point[f"accuracy{which}"] for which in ("", "_least", "_largest")),
            round(point["bytes_on_air"]),
            point["inference_us"] / 1e3,
            point["energy_mj"],
        )
        for name, curve in curves.items()
        for loss, point in curve.items()
    ]
    header = ("way", "loss", "accuracy", "least", "largest", "bytes", "ms", "mJ a node")
    print_table(header, rows, f"{summary['test_samples']} test sounds; joint: the nodes' C code")
    print("\n" + "\n".join(sentences(summary)))
    took = summary["seconds"]
    print(f"\n{took['total']:.0f} seconds, {took['processor']:.0f} of processors")


def sentences(summary: dict) -> list[str]:
    """What the figures say, in words."""
    curves = summary["accuracy_by_loss"]
    least, most = f"{LOSSES[0]:g}", f"{LOSSES[-1]:g}"

    def told(name: str) -> str:
        accuracies = (100 * curves[name][loss]["accuracy"] for loss in (least, most))
        clean = curves[name][least]
        return (
            "{:.1f} % right, {:.1f} % where a fifth of the packets is lost".format(*accuracies)
            + f", for {clean['bytes_on_air']:,.0f} bytes on air and at most "
            f"{clean['energy_mj']:.2f} mJ a node"
        )

    lines = [f"The best sensor by itself: {told('best sensor')}."]
    lines += [f"Late fusion, a vector of each node at a hub: {told('late fusion')}."]
    lines += [f"Raw samples of all at one hub: {told('raw to a hub')}."]
    lines += [f"Joint, {summary['nodes']} nodes run one transformer: {told('joint')}."]
    repaired = curves[f"joint, {ROUNDS[-1]} repair rounds"][most]
    lines.append(
        f"With {ROUNDS[-1]} rounds of repair it is {100 * repaired['accuracy']:.1f} % right where "
        f"a fifth is lost, for {repaired['bytes_on_air']:,.0f} bytes and "
        f"{repaired['energy_mj']:.2f} mJ."
    )
    sent = curves["raw to a hub"][least]["inference_us"] / 1e3
    if sent > summary["recording_ms"]:
        lines.append(
            f"Raw samples need {sent:.0f} ms over {summary['radio']}, more than the "
            f"{summary['recording_ms']:.0f} ms in which they are recorded: that hub cannot keep up."
        )
    return lines
