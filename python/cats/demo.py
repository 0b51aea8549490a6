# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The whole chain on handwritten digits in minutes: train, export, run D nodes over a lossy air.

Trains the same transformer once with and once without message dropout, splits both over the nodes,
and lets the C code of the devices run them on a simulated radio, without and with repair. It says
what repair costs, and whether one board would have been enough. Every figure comes out of this run;
``summary.json`` holds them all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cats import tasks
from cats.deploy import export
from cats.errors import CatsError
from cats.files import FolderKind, check_folder, is_empty
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs
from cats.plan.answer import answer, sentences
from cats.plan.boards import BOARDS
from cats.plan.planner import make_plan
from cats.plan.predict import deployment
from cats.report import Panel, print_table, save_plots, size_text, write_json
from cats.shape.config import SplitConfig
from cats.shape.partition import full_keep
from cats.sim.compare import check
from cats.sim.faults import Faults
from cats.sim.figures import node_energy
from cats.sim.simulate import simulate
from cats.training import run_folder
from cats.training.loop import train
from cats.training.options import Training
from cats.training.run_folder import quantise_run

#: Packet loss of the air, and repair rounds, that are simulated.
LOSSES = (0.0, 0.05, 0.1, 0.2)
ROUNDS = (0, 2)
#: Runs of the test part under each loss, each with losses of its own: the band of the picture.
DRAWS = 3
#: The loss at which the picture sets accuracy against time.
PRICED = (0.1, 0.2)
#: The board that one and several are compared on.
BOARD = BOARDS["nrf52840"]
#: The two models: message dropout's range of loss probability.
KINDS = {"message_dropout": (0.0, 0.3), "plain": (0.0, 0.0)}
COLOURS = {"message_dropout": "tab:blue", "plain": "tab:orange"}
#: The model of the demo of sensors (``cats.demo_sensors``).
JOINT = "joint"
SUMMARY, PLOT = "summary.json", "accuracy_vs_loss.svg"
#: A demo's folder: what is the program's in it.
FOLDER = FolderKind(
    "a demo",
    (
        SUMMARY, PLOT,
        *(f"run_{kind}/{name}" for kind in (*KINDS, JOINT) for name in run_folder.FOLDER.names),
        *(f"deploy_{kind}/{name}" for kind in (*KINDS, JOINT) for name in export.FOLDER.names),
    ),
    {SUMMARY: "accuracy_by_loss", f"run_{next(iter(KINDS))}/{run_folder.CONFIG}": "task_options"},
)  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """What the demo runs; ``epochs`` of each training (None: what suits the task), ``samples`` of
    the test part through every simulation (None: all)."""

    nodes: int = 4
    keep: float = 0.5
    epochs: int | None = None
    samples: int | None = None
    radio: str = "ieee802154"
    seed: int = 0


def run(options: Demo, out: Path, force: bool = False, say: Callable[[str], Any] = print) -> dict:
    """Run the demo into the folder ``out``; returns what ``summary.json`` holds."""
    task = tasks.load("digits")
    split = SplitConfig.even(task.model, options.nodes, output_split="single")
    trainings = {kind: _training(options, task, dropout) for kind, dropout in KINDS.items()}
    for training in trainings.values():
        training.check()
    make_plan(task.model, split, full_keep(task.model, split), radio=options.radio)
    if options.samples is not None and options.samples < 1:
        raise CatsError(f"{options.samples} samples: at least 1")
    check_room(out, force)
    FOLDER.clear(out)
    seconds: dict[str, float] = {}
    metrics, curves, silent, metas, rows = {}, {}, {}, {}, []
    equal = {"clean": True, "lossy": True}
    tested = task.test.spaced(options.samples or len(task.test))
    test, labels = tested.inputs.numpy(), tested.targets.numpy()

    for kind, training in trainings.items():
        name = kind.replace("_", " ")
        say(f"{name}: training for {options.nodes} nodes, keep {options.keep:g} ...")
        with clock(seconds, f"train_{kind}"):
            _, metrics[kind] = train(task, task.model, split, training, out / f"run_{kind}")
        with clock(seconds, "export"):
            integer, source = quantise_run(out / f"run_{kind}")
            metas[kind] = export.export(
                integer, out / f"deploy_{kind}", run=source, radio=options.radio
            )
        say(f"{name}: running {split.nodes} nodes over a lossy {options.radio} ...")
        inputs = quantize_inputs(integer, test)
        curves[kind] = {}
        for rounds in ROUNDS:
            curve = curves[kind][f"repair_{rounds}"] = {}
            for loss in LOSSES:
                faults = Faults(loss=loss)
                result = simulated(integer, inputs, labels, options, rounds, faults, seconds)
                equal["lossy" if loss else "clean"] &= result.pop("equal_to_reference")
                curve[f"{loss:g}"] = result
                rows.append((name, rounds, loss, *_columns(result)))
        silent[kind] = {}
        for node in range(1, split.nodes):
            faults = Faults(off=[node])
            result = simulated(integer, inputs, labels, options, 0, faults, seconds)
            equal["lossy"] &= result["equal_to_reference"]
            silent[kind][str(node)] = result["accuracy"]

    first = next(iter(KINDS))
    meta = metas[first]
    summary = {
        "task": task.name,
        "nodes": split.nodes,
        "keep": options.keep,
        "seed": options.seed,
        "radio": options.radio,
        "test_samples": len(labels),
        "parameters": metrics[first]["parameters"],
        "accuracy_float": {kind: m["test"][task.metric] for kind, m in metrics.items()},
        "accuracy_int8": {kind: c["repair_0"]["0"]["accuracy"] for kind, c in curves.items()},
        "accuracy_by_loss": curves,
        "accuracy_by_silent_node": silent,
        "equal_to_reference": equal,
        "bytes_on_air": {name: air["bytes_on_air"] for name, air in meta["air"].items()},
        "time_on_air_us": {name: air["time_on_air_us"] for name, air in meta["air"].items()},
        "ram_bytes": [node["arena_bytes"] for node in meta["nodes"]],
        "flash_bytes": [node["image_bytes"] for node in meta["nodes"]],
        "single_device": {
            "ram_bytes": meta["single_device"]["arena_bytes"],
            "flash_bytes": meta["single_device"]["image_bytes"],
        },
        "board": against_one(integer, options),
        "seconds": {name: round(spent, 2) for name, spent in seconds.items()},
    }
    summary["seconds"]["total"] = round(sum(seconds.values()), 2)
    write_json(out / SUMMARY, summary)
    plot(summary, out / PLOT)
    _print(summary, rows)
    print(
        f"\n{out / PLOT} shows the accuracy and what repair costs, {out / SUMMARY} holds all "
        "figures."
    )
    return summary


def _training(options: Demo, task: tasks.Task, message_dropout: tuple[float, float]) -> Training:
    epochs = {} if options.epochs is None else {"epochs": options.epochs}
    return Training(
        **{**task.training, **epochs},
        keep=options.keep,
        message_dropout=message_dropout,
        seed=options.seed,
    )


def simulated(
    model: IntegerModel,
    inputs: np.ndarray,
    labels: np.ndarray,
    options: Demo,
    rounds: int,
    faults: Faults,
    seconds: dict[str, float],
) -> dict:
    """Run int8 ``inputs`` [B, tokens_in, P] over an air with these faults, ``DRAWS`` times where
    losses are drawn.

    Accuracy is that of node 0, which asked, the mean over the draws, with the least and the
    largest; energy that of the node that needs most. The answers of all nodes in the first draw
    are compared with the integer reference under the same losses.
    """
    with clock(seconds, "simulate"):
        plan = make_plan(model.config, model.split, model.keep, radio=options.radio, rounds=rounds)
        seeds = range(options.seed, options.seed + (DRAWS if faults.loss else 1))
        results = [simulate(model, plan, inputs, faults, seed=seed) for seed in seeds]
    for result in results:
        if result.hung:
            where = f"inference {result.hung[0]} hung on node {result.hung[1]}"
            raise CatsError(f"{where}: please report")
    with clock(seconds, "reference"):
        differ = check(model, plan, inputs, results[0])
    right = [float((r.outputs[:, 0, -1].argmax(axis=-1) == labels).mean()) for r in results]
    nodes = range(model.split.nodes)
    return {
        # Of equal draws the mean may lie beside them by a rounding.
        "accuracy": float(np.clip(np.mean(right), min(right), max(right))),
        "accuracy_least": min(right),
        "accuracy_largest": max(right),
        "delivered": float(np.mean([result.delivered for result in results])),
        "bytes_on_air": float(np.mean([result.bytes.mean() for result in results])),
        "time_on_air_us": float(np.mean([result.air_us.mean() for result in results])),
        "inference_us": float(np.mean([result.span_us.mean() for result in results])),
        "energy_mj": max(node_energy(model, plan, results[0], d)["mj"] for d in nodes),
        "equal_to_reference": not differ,
    }


def against_one(model: IntegerModel, options: Demo) -> dict:
    """The deployment against the whole model on one board, as ``cats plan`` sets them."""
    alone = SplitConfig.even(model.config, 1)
    shares = [(alone, full_keep(model.config, alone))]
    if model.split.nodes > 1:
        shares.append((model.split, model.keep))
    radios = tuple(dict.fromkeys([*BOARD.radios, options.radio]))
    rows = [deployment(model.config, *share, BOARD, radios=radios) for share in shares]
    fits = [row["nodes"] for row in rows if row["radios"][options.radio]["fits"]]
    return {
        "board": dataclasses.asdict(BOARD),
        "radio": options.radio,
        "rounds": 0,
        "least_nodes": min(fits, default=None),
        "one_board": rows[0],
        "deployments": rows,
        "answer": answer(rows, rows[0], model.split.nodes, options.radio, {}),
    }


def plot(summary: dict, path: Path) -> None:
    """Accuracy against loss, a line for each kind of training and repair with a band over the
    draws; and what repair costs: accuracy against the time of an inference."""

    def by_loss(axes: Any) -> None:
        for kind, curves in summary["accuracy_by_loss"].items():
            for repair, curve in curves.items():
                losses = [100 * float(loss) for loss in curve]
                mean, least, largest = (
                    [100 * point[f"accuracy{which}"] for point in curve.values()]
                    for which in ("", "_least", "_largest")
                )
                axes.plot(
                    losses,
                    mean,
                    color=COLOURS[kind],
                    linestyle="--" if repair == "repair_0" else "-",
                    marker="o",
                    label=f"{kind.replace('_', ' ')}, {repair[-1]} repair rounds",
                )
                axes.fill_between(losses, least, largest, color=COLOURS[kind], alpha=0.2)

    def by_time(axes: Any) -> None:
        for kind, curves in summary["accuracy_by_loss"].items():
            for loss, marker in zip(PRICED, "os", strict=True):
                points = [curve[f"{loss:g}"] for curve in curves.values()]
                right = [100 * point["accuracy"] for point in points]
                below = [100 * (p["accuracy"] - p["accuracy_least"]) for p in points]
                above = [100 * (p["accuracy_largest"] - p["accuracy"]) for p in points]
                axes.errorbar(
                    [point["inference_us"] / 1e3 for point in points],
                    right,
                    (below, above),
                    color=COLOURS[kind],
                    linestyle=":",
                    marker=marker,
                    capsize=3,
                    label=f"{kind.replace('_', ' ')}, {100 * loss:g} % loss",
                )
        axes.set_xlim(left=0)

    rounds = " and ".join(map(str, ROUNDS))
    title = f"Digits on {summary['nodes']} nodes, {summary['keep']:.0%} of the columns sent"
    save_plots(
        path,
        [
            Panel(by_loss, "packet loss, %", f"accuracy, % ({DRAWS} draws: mean and range)"),
            Panel(by_time, f"an inference with {rounds} rounds of repair, ms", "accuracy, %"),
        ],
        title=title,
    )


def _columns(result: dict) -> list:
    """A result's figures as the table shows them."""
    milliseconds = [result[name] / 1e3 for name in ("time_on_air_us", "inference_us")]
    return [
        *(result[f"accuracy{which}"] for which in ("", "_least", "_largest")),
        result["delivered"],
        round(result["bytes_on_air"]),
        *milliseconds,
        result["energy_mj"],
    ]


def _print(summary: dict, rows: list[tuple]) -> None:
    header = ("training", "repair", "loss", "accuracy", "least", "largest", "delivered", "bytes",
              "air ms", "all ms", "mJ a node")  # fmt: skip
    print_table(header, rows, f"C code on a simulated air, means of {DRAWS} draws of the losses")
    silent = summary["accuracy_by_silent_node"]
    print_table(
        ("node", *(kind.replace("_", " ") for kind in silent)),
        [
            (node, *(accuracy[str(node)] for accuracy in silent.values()))
            for node in range(1, summary["nodes"])
        ],
        "Accuracy where this node is off and nothing else is lost, no repair",
    )
    alone, ram, flash = summary["single_device"], summary["ram_bytes"], summary["flash_bytes"]
    print_table(
        ("", "arena (RAM)", "partition (flash)"),
        [
            (f"each of {summary['nodes']} nodes", size_text(max(ram)), size_text(max(flash))),
            ("one device alone", size_text(alone["ram_bytes"]), size_text(alone["flash_bytes"])),
        ],
        f"{summary['parameters']:,} parameters",
    )
    print_table(
        ("training", "float", "int8", "equal to reference"),
        [
            (
                kind.replace("_", " "),
                summary["accuracy_float"][kind],
                summary["accuracy_int8"][kind],
                all(summary["equal_to_reference"].values()),
            )
            for kind in summary["accuracy_float"]
        ],
        f"Accuracy with nothing lost, {summary['test_samples']} test images",
    )
    print("\n" + "\n".join(sentences(summary["board"])))
    print(f"\n{summary['seconds']['total']:.0f} seconds in all")


def check_room(out: Path, force: bool) -> None:
    """Raise CatsError unless the demo may write into ``out``: it is not there, is empty or a
    demo's own or, with ``force``, holds no file of others under a name that the demo writes."""
    check_folder(out)
    if is_empty(out) or FOLDER.is_one(out):
        return
    if not force:
        raise CatsError(f"{out} holds something else: choose another folder, or use --force")
    if taken := FOLDER.files(out):
        raise CatsError(f"{taken[0]} is not of a demo: choose another folder")


@contextlib.contextmanager
def clock(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Add the time of the block to ``seconds[phase]``, without what other phases count in it."""
    begin, inner = time.perf_counter(), sum(seconds.values())
    yield
    spent = time.perf_counter() - begin - (sum(seconds.values()) - inner)
    seconds[phase] = seconds.get(phase, 0.0) + spent
