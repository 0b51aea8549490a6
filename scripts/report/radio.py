# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make radio-report``: every transport, size and fault on BabbleSim, in tables and plots.

Every output of every node is compared with the integer reference for what arrived there. A cell of
the matrix that is done is kept with a hash of what it was made of (the sources of the program, the
deployment, its options, this package's code that runs it) and not run again while that is the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import itertools
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import cats
from cats.deploy.export import export, load_deploy
from cats.errors import CatsError
from cats.files import write_atomic
from cats.integer.quantize import quantize_inputs
from cats.plan.boards import BOARDS
from cats.plan.energy import Duty
from cats.plan.plan import plan_air
from cats.plan.predict import planned_duty
from cats.plan.radio import SEALED
from cats.plan.timing import inference_us
from cats.report import print_table, read_json, save_plot, write_json
from cats.shape.partition import Kind, gather_kind
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate
from cats.zephyr import bsim
from cats.zephyr.workspace import source_tree, workspace
from report import radio_cells
from report.page import fill, rst_table
from report.radio_cells import (
    FAULTS,
    TRANSPORTS,
    Deployment,
    Outcome,
    bound_us,
    deploy,
    measured_air_us,
    outcome,
    prepare,
    scenario,
    small,
    wide,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cats.tasks import Task

GROUPS = ("gather", "times", "demo", "matrix", "long")
SIZES = (2, 4, 8, 16)
#: Nodes and bytes of each in one gather; the paper's prototype plans 260 ms for the second.
GATHERS = ((16, 512), (4, 832))
PROTOTYPE_US = 260_000
#: Pause between an inference's end and the next submit: the default of tests/bsim/node.
GAP_US = 5000
EPOCHS = 100
#: An exchange of 16 x 512 bytes over the air times of its frames. Elsewhere it is only measured:
#: Bluetooth LE has silent times of its own, sealing takes longer than the air (doc/transports.rst).
OVER_BOUND = dict.fromkeys(("nrf_radio", "ieee802154"), 1.12)
#: Of the time with nothing lost, at 10 % loss; elsewhere OVER_CLEAN_ELSEWHERE.
OVER_CLEAN = dict.fromkeys(OVER_BOUND, 1.35)
OVER_CLEAN_ELSEWHERE = 1.7
DOC = Path("doc") / "radio.rst"
#: Modules of cats that figures depend on.
GATHER_SOURCES = ("plan/code_time", "plan/plan", "plan/radio")
TIMES_SOURCES = (*GATHER_SOURCES, "plan/planner", "plan/timing", "sim/faults", "sim/simulate")
DEMO_SOURCES = (*TIMES_SOURCES, "plan/energy", "plan/predict")


@dataclass(frozen=True)
class Options:
    """What is run; ``long``: inferences of each fault in the long run, by transport; ``only``: the
    groups of which cells are run, of the others those that are kept are used; ``code_time``: code
    takes time beside the jobs."""

    out: Path
    radios: tuple[str, ...] = TRANSPORTS
    nodes: tuple[int, ...] = SIZES
    inferences: int = 10
    long: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TRANSPORTS, 1000))
    gathers: tuple[tuple[int, int], ...] = GATHERS
    demo_nodes: tuple[int, ...] = (4, 16)
    samples: int = 50
    jobs: int = 1
    only: tuple[str, ...] = GROUPS
    code_time: bool = True


#: --quick.
QUICK = {
    "nodes": (4,), "inferences": 5, "long": dict.fromkeys(TRANSPORTS, 40), "gathers": ((4, 832),),
    "demo_nodes": (), "samples": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One thing to run: ``work`` gives its figures as JSON; ``made``: the deployments it is for."""

    group: str
    name: str
    radio: str
    made: tuple[Deployment, ...]
    sources: tuple[str, ...]
    options: tuple
    work: Callable[[], dict]


# Cells


class Matrix:
    """Programs and deployments, each made once, the first when needed, and the cells for them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.programs: dict[str, Path] = {}
        self.made: dict[tuple, Deployment] = {}
        self._building = threading.Lock()

    def program(self, radio: str) -> Path:
        """The node for a transport, sealed or not."""
        with self._building:
            if radio not in self.programs:
                _say(f"building the node for {radio}")
                self.programs[radio] = bsim.build(radio, self.options.out / f"build_{radio}")
            return self.programs[radio]

    def small(self, radio: str, nodes: int, seed: int = 7) -> Deployment:
        """A small model on some nodes."""
        key = "small", radio, nodes, seed
        if key not in self.made:
            folder = self.options.out / "deploy" / f"{radio}_{nodes}_{seed}"
            self.made[key] = deploy(
                folder, small(nodes), nodes, radio, seed, self.options.code_time, rounds=2
            )
        return self.made[key]

    def cells(self) -> Iterable[Cell]:
        """All of them; of the largest networks fewer inferences."""
        o = self.options
        plain_and_sealed = (*o.radios, *(radio + SEALED for radio in o.radios))
        for radio in plain_and_sealed:
            for nodes, size in o.gathers:
                for rounds in (0, 2):
                    try:
                        yield self.gather(radio, nodes, size, rounds)
                    except CatsError as error:  # more fragments than repair takes
                        _say(f"gather {radio}_{nodes}x{size}_{rounds} is left out: {error}")
        for radio in plain_and_sealed:
            for nodes in o.nodes:
                yield self.times(radio, nodes)
        for nodes in o.demo_nodes:  # without its trained model no cell of the demo is kept either
            if "demo" in o.only or (self._run(nodes) / "metrics.json").is_file():
                yield from self.demo(nodes)
        for radio in o.radios:
            for nodes in o.nodes:
                count = o.inferences if nodes <= 8 else -(-o.inferences // 2)
                yield from self.faults("matrix", radio, nodes, count)
        for radio in o.radios:
            if o.long.get(radio):
                yield from self.faults("long", radio, 4, o.long[radio])

    def faults(self, group: str, radio: str, nodes: int, inferences: int) -> Iterable[Cell]:
        """Every fault on one size, in one run or (long) in many."""
        for fault in FAULTS:
            sealed = radio + SEALED if fault == "intruder" else radio
            made = self.small(sealed, nodes)
            other = self.small(radio, nodes, 8) if fault == "neighbour" else None

            def work(
                sealed: str = sealed, made: Deployment = made, fault: str = fault,
                other: Deployment | None = other,
            ) -> dict:  # fmt: skip
                program = self.program(sealed)
                if group == "long":
                    found = radio_cells.many(program, made, fault, inferences, other)
                else:
                    found = outcome(scenario(program, made, fault, inferences, other))
                return figures_of(found)

            yield Cell(
                group, f"{radio}_{nodes}_{fault}", sealed, (made, other) if other else (made,), (),
                (fault, inferences), work,
            )  # fmt: skip

    def times(self, radio: str, nodes: int) -> Cell:
        """One size without a fault: plan, simulator and BabbleSim."""
        made = self.small(radio, nodes)
        count = self.options.inferences
        return Cell(
            "times", f"{radio}_{nodes}", radio, (made,), TIMES_SOURCES, (count,),
            lambda: _times(self.program(radio), made, count),
        )  # fmt: skip

    def gather(self, radio: str, nodes: int, size: int, rounds: int) -> Cell:
        """One large gather, in one exchange."""
        key = "wide", radio, nodes, size, rounds
        if key not in self.made:
            self.made[key] = deploy(
                self.options.out / "deploy" / f"{radio}_{nodes}x{size}_{rounds}", wide(nodes, size),
                nodes, radio, code_time=self.options.code_time, rounds=rounds, tile_rows=16,
                interleave=False,
            )  # fmt: skip
        # As many fragments of a few nodes as of many: one exchange missed is no share of them.
        made, count = self.made[key], self.options.inferences * (6 if nodes > 4 else 12)
        return Cell(
            "gather", f"{radio}_{nodes}x{size}_{rounds}", radio, (made,), GATHER_SOURCES,
            (count,), lambda: _gather(self.program(radio), made, size, rounds, count),
        )  # fmt: skip

    def _run(self, nodes: int) -> Path:
        return self.options.out / "runs" / f"digits_{nodes}"

    def demo(self, nodes: int) -> Iterable[Cell]:
        """The digits model on some nodes, over each transport, clean and with losses."""
        model, task = _trained(self._run(nodes), nodes)
        inputs = quantize_inputs(model, task.test.inputs.numpy())
        for radio in self.options.radios:
            folder = self.options.out / "deploy" / f"{radio}_digits_{nodes}"
            export(model, folder, formats="image", force=True, radio=radio, rounds=2)
            made = prepare(folder, inputs[: self.options.samples], self.options.code_time)
            for fault in ("drift", "loss"):
                yield Cell(
                    "demo", f"{radio}_{nodes}_{fault}", radio, (made,),
                    DEMO_SOURCES, (fault,),
                    lambda radio=radio, made=made, fault=fault: _demo(
                        self.program(radio), made, task, inputs, fault
                    ),
                )  # fmt: skip


def figures_of(found: Outcome) -> dict:
    return {**asdict(found), "delivered": found.delivered, "good": found.good}


def settings(made: Deployment) -> Settings:
    """By which the simulator does the same."""
    code = "plan" if made.code_time else "none"
    return Settings(compute="plan", code_time=code, gap_us=GAP_US)


def _times(program: Path, made: Deployment, count: int) -> dict:
    """Microseconds of an inference and on air, by plan, by simulator and on BabbleSim."""
    model, plan, _, images = load_deploy(made.folder)
    nodes = radio_cells.devices(made, count, radio_cells.DRIFT_PPM)
    logs = bsim.run(program, made.folder, nodes, seconds=36000.0, packets=True)
    found = outcome(radio_cells.Run(made, radio_cells.Fault("drift"), logs, set(range(made.nodes))))
    simulated = simulate(model, plan, made.inputs, Faults(), 1, settings(made), images)
    plain = made.radio.removesuffix(SEALED)
    return {
        "radio": made.radio,
        "nodes": made.nodes,
        "inference_us": float(np.mean([r.latency_us for r in logs[0].results])),
        "planned_us": int(inference_us(model.config, model.split, model.keep, plan)),
        "simulated_us": float(simulated.latency_us[1:, 0].mean()),
        "air_us": measured_air_us(logs, plain) / len(logs[0].results),
        "planned_air_us": plan_air(plan).us,
        "simulated_air_us": float(simulated.air_us[1:].mean()),
        "delivered": found.delivered,
        "late": found.late,
        "good": found.good and all(log.stopped == "done" for log in logs),
    }


def _gather(program: Path, made: Deployment, size: int, rounds: int, count: int) -> dict:
    """What one gather takes against the sum of its frames' air times."""
    model, plan, _, _ = load_deploy(made.folder)
    at = next(
        g for g in range(len(plan.gathers)) if gather_kind(model.config, g)[0] == Kind.ATTENTION
    )
    row: dict[str, Any] = {
        "radio": made.radio, "nodes": made.nodes, "bytes": size, "rounds": rounds,
        "bound_us": bound_us(plan, at),
    }  # fmt: skip
    for fault in ("drift", "loss"):
        run = scenario(program, made, fault, count)
        found = outcome(run)
        if not found.good:
            return {**row, "good": False}
        kind = run.logs[0].kinds[int(gather_kind(model.config, at)[0])]
        row[f"{fault}_us"] = kind["air_us"] / kind["exchanges"]
        row[f"{fault}_delivered"] = found.delivered
        row[f"{fault}_fragments"] = found.fragments
        row[f"{fault}_late"] = found.late
    row["ratio"] = row["drift_us"] / row["bound_us"]
    row["slower"] = row["loss_us"] / row["drift_us"]
    return {**row, "good": True}


def _trained(run: Path, nodes: int) -> tuple[Any, Task]:
    """The demo's model for some nodes, trained once: (integer model, task)."""
    from cats import tasks
    from cats.shape.config import SplitConfig
    from cats.training.loop import train
    from cats.training.options import Training
    from cats.training.run_folder import quantise_run

    task = tasks.load("digits")
    if not (run / "metrics.json").is_file():
        _say(f"training the digits model for {nodes} nodes, {EPOCHS} epochs: some minutes")
        config = dataclasses.replace(task.model, heads=max(task.model.heads, nodes))
        split = SplitConfig.even(config, nodes, output_split="single")
        training = Training(
            **{**task.training, "epochs": EPOCHS}, keep=0.5, message_dropout=(0.0, 0.3), seed=0
        )
        train(task, config, split, training, run)
    return quantise_run(run)[0], task


def _demo(program: Path, made: Deployment, task: Task, inputs: np.ndarray, fault: str) -> dict:
    """Latency, energy and accuracy of whole inferences; the rest of the test part by the
    simulator."""
    count = len(made.inputs)
    labels = task.test.targets.numpy()
    run = scenario(program, made, fault, count)
    found = outcome(run)
    first = run.logs[0].results
    right = [r.output.reshape(-1, 10)[-1].argmax() == labels[r.sample % count] for r in first]

    model, plan, _, images = load_deploy(made.folder)
    losses = Faults(loss=0.1 if fault == "loss" else 0.0)
    rest = simulate(model, plan, inputs, losses, 1, settings(made), images)
    answers = rest.outputs[:, 0, -1].argmax(axis=-1)
    energy = []
    for node, log in enumerate(run.logs):
        duty = planned_duty(model.config, model.split, model.keep, plan, node)
        long = float(np.mean([r.latency_us for r in log.results]))
        duty = Duty(duty.transmit_us, max(long - duty.transmit_us, 0.0), duty.compute_us)
        energy.append(duty.millijoules(BOARDS["nrf52840"].currents, made.radio))
    return {
        **figures_of(found),
        "samples": len(first),
        "accuracy": float(np.mean(right)),
        "energy_mj": max(energy),
        "test_samples": len(labels),
        "test_accuracy": float((answers == labels).mean()),
        "test_latency_us": float(rest.latency_us[1:, 0].mean()),
        "test_delivered": rest.delivered,
    }


# Running them

_voice = threading.Lock()


def _say(text: str) -> None:
    with _voice:
        print(text, flush=True)


def _hash(files: Iterable[Path], start: str = "") -> str:
    digest = hashlib.sha256(start.encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def program_key() -> str:
    """A hash of what the programs are built from: the module, the node, Zephyr's version. The
    engine is left out: its code takes no simulated time, and other tests hold its bytes."""
    root, zephyr = source_tree(), workspace().zephyr
    folders = ("subsys/cats", "include/cats", "tests/bsim/node")
    files = [f for folder in folders for f in sorted((root / folder).rglob("*")) if f.is_file()]
    files += sorted((root / "python/cats/native").glob("air_code.*"))
    chosen = [
        f for f in files
        if f.suffix not in (".sh", ".source", ".yaml") and f.parent.name != "engine"
    ]  # fmt: skip
    return _hash([*chosen, zephyr / "VERSION"])


def key(cell: Cell, program: str) -> str:
    """A hash of everything that a cell's figures depend on; ``program``: that of program_key()."""
    package = Path(cats.__file__).parent
    files = [package / f"{name}.py" for name in ("zephyr/bsim", *cell.sources)]
    files.append(Path(radio_cells.__file__))
    for made in cell.made:
        files += sorted(made.folder.rglob("*.bin"))
    return _hash(files, repr((cell.group, cell.name, cell.options, program)))


def _processor() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _stay(number: int) -> None:
    """Keep this thread, and the programs it starts, on one processor: nodes and channel of a
    simulation wait for each other, and a fifth of their time goes into waking another one."""
    mine = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {mine[number % len(mine)]})


def run(options: Options) -> list[dict]:
    """Run what is not done yet; all figures, each with its group."""
    matrix = Matrix(options)
    cells = list(matrix.cells())
    program = program_key()
    keys = [key(cell, program) for cell in cells]
    done = 0

    def one(cell: Cell, wanted: str) -> dict | None:
        nonlocal done
        path = options.out / "cells" / cell.group / f"{cell.name.replace(' ', '_')}.json"
        kept = read_json(path) if path.is_file() else {}
        if kept.get("key") == wanted:
            text = "as before"
        elif cell.group not in options.only:
            return None
        else:
            start, used = time.monotonic(), _processor()
            kept = {"key": wanted, "figures": cell.work()}
            kept["seconds"] = round(time.monotonic() - start, 1)
            kept["processor"] = round((_processor() - used) / options.jobs, 1)
            write_json(path, kept)
            text = f"{kept['seconds']} s"
        done += 1
        verdict = "" if kept["figures"]["good"] else ", NOT AS IT SHOULD BE"
        _say(f"[{done}/{len(cells)}] {cell.group} {cell.name}: {text}{verdict}")
        spent = {name: kept[name] for name in ("seconds", "processor")}
        return {"group": cell.group, **spent, **kept["figures"]}

    numbers = itertools.count()
    with ThreadPoolExecutor(options.jobs, initializer=lambda: _stay(next(numbers))) as pool:
        return [figures for figures in pool.map(one, cells, keys) if figures]


# For people


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _ms(us: float) -> str:
    return f"{us / 1e3:.1f}"


def tables(found: Sequence[dict]) -> dict[str, tuple[tuple, list[tuple]]]:
    """(header, rows) by name."""
    group = {
        name: [f for f in found if f["group"] == name and (name != "gather" or f["good"])]
        for name in GROUPS
    }
    result: dict[str, tuple[tuple, list[tuple]]] = {}
    for name in ("matrix", "long"):
        rows = [
            (
                f["radio"].removesuffix(SEALED), str(f["nodes"]), f["fault"], str(f["inferences"]),
                str(f["compared"]), str(f["different"]), str(f["hung"]), str(f["missed"]),
                str(f["late"]), _percent(f["delivered"]), _ms(f["latency_us"]), _ms(f["worst_us"]),
            )
            for f in group[name]
        ]  # fmt: skip
        head = ("transport", "nodes", "fault", "inferences", "outputs", "differ", "hung", "missed",
                "late", "delivered", "ms", "worst ms")  # fmt: skip
        if name == "long":
            head = (*head[:3], "runs", *head[3:])
            runs = [str(f["runs"]) for f in group[name]]
            rows = [(*row[:3], n, *row[3:]) for row, n in zip(rows, runs, strict=True)]
        result[name] = head, rows
    result["gather"] = (
        ("transport", "nodes x bytes", "rounds", "bound ms", "ms", "times", "delivered", "late",
         "10 % loss ms", "times", "delivered"),
        [
            (
                f["radio"], f"{f['nodes']} x {f['bytes']}", str(f["rounds"]), _ms(f["bound_us"]),
                _ms(f["drift_us"]), f"{f['ratio']:.2f}", _percent(f["drift_delivered"]),
                str(f["drift_late"]),
                _ms(f["loss_us"]), f"{f['slower']:.2f}", _percent(f["loss_delivered"], 3),
            )
            for f in group["gather"]
        ],
    )  # fmt: skip
    result["demo"] = (
        ("transport", "nodes", "loss", "ms", "mJ a node", "right", "delivered", "equal",
         "right, all", "delivered, all"),
        [
            (
                f["radio"], str(f["nodes"]), "10 %" if f["fault"] == "loss" else "0",
                _ms(f["latency_us"]), f"{f['energy_mj']:.2f}",
                f"{round(f['accuracy'] * f['samples'])} of {f['samples']}",
                _percent(f["delivered"]), "no" if f["different"] else "yes",
                _percent(f["test_accuracy"], 1), _percent(f["test_delivered"]),
            )
            for f in group["demo"]
        ],
    )  # fmt: skip
    result["times"] = (
        ("transport", "nodes", "delivered", "late", "ms", "plan", "simulate", "air ms", "plan",
         "simulate"),
        [
            (
                f["radio"], str(f["nodes"]), _percent(f["delivered"]), str(f["late"]),
                _ms(f["inference_us"]),
                *(f"{100 * (f[n] / f['inference_us'] - 1):+.1f} %"
                  for n in ("planned_us", "simulated_us")),
                _ms(f["air_us"]),
                *(f"{100 * (f[n] / f['air_us'] - 1):+.1f} %"
                  for n in ("planned_air_us", "simulated_air_us")),
            )
            for f in group["times"]
        ],
    )  # fmt: skip
    result["goals"] = _goals(group)
    return {name: (head, rows) for name, (head, rows) in result.items() if rows}


def _goals(group: dict[str, list[dict]]) -> tuple[tuple, list[tuple]]:
    """What was to be reached, and what was."""
    rows: list[tuple] = []

    def goal(what: str, wanted: str, value: str, reached: bool | None) -> None:
        verdict = "n/a" if reached is None else "yes" if reached else "no"
        rows.append((what, wanted, value, verdict))

    for f in group["gather"]:
        shape = f"{f['nodes']} nodes x {f['bytes']} bytes, {f['radio']}"
        if f["nodes"] == 16 and f["rounds"] == 2:
            most = OVER_BOUND.get(f["radio"])
            goal(f"{shape}, over the bound", f"at most {most}" if most else "", f"{f['ratio']:.2f}",
                 f["ratio"] <= most if most else None)  # fmt: skip
        if f["nodes"] == 4 and f["rounds"] == 0 and f["radio"] == "nrf_radio":
            goal(f"{shape}", "below 17 ms", f"{_ms(f['drift_us'])} ms", f["drift_us"] < 17_000)
        if f["rounds"] == 2:
            goal(f"{shape}, 10 % loss, delivered", "at least 99.9 %",
                 _percent(f["loss_delivered"], 3), f["loss_delivered"] >= 0.999)  # fmt: skip
        if f["nodes"] == 16 and f["rounds"] == 2:
            most = OVER_CLEAN.get(f["radio"], OVER_CLEAN_ELSEWHERE)
            goal(f"{shape}, 10 % loss, over clean", f"at most {most}", f"{f['slower']:.2f}",
                 f["slower"] <= most)  # fmt: skip
    for radio in dict.fromkeys(f["radio"].removesuffix(SEALED) for f in group["long"]):
        part = [f for f in group["long"] if f["radio"].removesuffix(SEALED) == radio]
        fewest = min(f["inferences"] for f in part)
        goal(f"hung, {fewest} inferences with each of {len(part)} faults, {radio}", "0",
             str(sum(f["hung"] for f in part)), not any(f["hung"] for f in part))  # fmt: skip
    clean = [f["late"] for name in ("matrix", "long", "demo") for f in group[name]
             if f["fault"] in ("clean", "drift")]  # fmt: skip
    clean += [f["drift_late"] for f in group["gather"]] + [f["late"] for f in group["times"]]
    if clean:
        goal("frames too late where nothing is lost", "0", str(sum(clean)), not any(clean))
    every = group["matrix"] + group["long"] + group["demo"]
    differ, total = (sum(f[name] for f in every) for name in ("different", "compared"))
    if every:
        goal(f"outputs that differ from the reference, of {total:,}", "0", str(differ), not differ)
    if group["times"]:
        worst = max(
            abs(f[name] / f[of] - 1)
            for f in group["times"]
            for name, of in (
                ("planned_us", "inference_us"), ("simulated_us", "inference_us"),
                ("planned_air_us", "air_us"), ("simulated_air_us", "air_us"),
            )
        )  # fmt: skip
        goal("plan and simulate against BabbleSim, worst", "within 10 %", _percent(worst, 1),
             worst <= 0.1)  # fmt: skip
    return ("goal", "wanted", "measured", "reached"), rows


def plots(out: Path, found: Sequence[dict]) -> list[Path]:
    """Latency by nodes, clean and with losses; delivered fragments by fault."""
    matrix = [f for f in found if f["group"] == "matrix"]
    if not matrix:
        return []

    def latency(axes: Axes) -> None:
        for colour, radio in zip(("tab:blue", "tab:orange", "tab:green"), TRANSPORTS, strict=True):
            for fault, style in (("drift", "-"), ("loss", "--")):
                points = {
                    f["nodes"]: f["latency_us"] / 1e3
                    for f in matrix if f["radio"] == radio and f["fault"] == fault
                }  # fmt: skip
                if points:
                    label = f"{radio}, {'10 % loss' if fault == 'loss' else 'clean'}"
                    axes.plot(list(points), list(points.values()), style, color=colour, marker="o",
                              label=label)  # fmt: skip
        axes.set_yscale("log")
        axes.set_xticks(sorted({f["nodes"] for f in matrix}), minor=False)

    def delivered(axes: Axes) -> None:
        radios = [r for r in TRANSPORTS if any(f["radio"] == r for f in matrix)]
        for i, radio in enumerate(radios):
            shares = [
                [f["delivered"] for f in matrix
                 if f["radio"].removesuffix(SEALED) == radio and f["fault"] == fault]
                for fault in FAULTS
            ]  # fmt: skip
            where = np.arange(len(FAULTS)) + 0.8 * (i + 0.5) / len(radios) - 0.4
            axes.barh(where, [100 * float(np.mean(s)) if s else 0 for s in shares],
                      0.8 / len(radios), label=radio)  # fmt: skip
        axes.set_yticks(range(len(FAULTS)), list(FAULTS))
        axes.invert_yaxis()

    made = [out / "radio_latency.svg", out / "radio_delivered.svg"]
    save_plot(made[0], latency, title="A small inference on BabbleSim", xlabel="nodes", ylabel="ms")
    save_plot(made[1], delivered, title="Mean over sizes", xlabel="fragments delivered, %")
    return made


def write(options: Options, found: list[dict], page: Path | None = None) -> bool:
    """report.json, report.rst and plots; ``page``: where the same goes in the documentation.
    Whether all is as it should be."""
    made = tables(found)
    for name, (head, rows) in made.items():
        print_table(head, rows, name)
    spent = sum(f["processor"] for f in found)
    good = all(f["good"] for f in found)
    write_json(options.out / "report.json", {"processor": spent, "good": good, "cells": found})
    texts = {name: rst_table(head, rows) for name, (head, rows) in made.items()}
    texts["seconds"] = (
        f"{len(found)} cells, {spent / 60:.0f} minutes of processor time; building the programs "
        "comes on top."
    )
    report = "\n\n".join(f"{name}\n{'*' * len(name)}\n\n{text}" for name, text in texts.items())
    write_atomic(options.out / "report.rst", (report + "\n").encode())
    files = plots(options.out, found)
    if page is not None:
        write_atomic(page, fill(page.read_text(encoding="utf-8"), texts).encode())
        for path in files:
            write_atomic(page.with_suffix("") / path.name, path.read_bytes())
    print(f"\n{options.out / 'report.json'} holds all figures. {texts['seconds']}")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix; exit status 1 where an output differs or a node hangs, 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="make radio-report ARGS=...", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--quick", action="store_true", help="4 nodes, few inferences, no training")
    parser.add_argument("--radio", nargs="+", choices=TRANSPORTS, default=TRANSPORTS)
    parser.add_argument("--nodes", nargs="+", type=int, help=f"sizes of the matrix ({SIZES})")
    parser.add_argument("--inferences", type=int, help="in each cell of the matrix (10)")
    parser.add_argument(
        "--only", nargs="+", choices=(*GROUPS, "none"), default=GROUPS,
        help="run these, and take from the others what is kept",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2),
                        help="cells at a time; one keeps more than one processor busy")  # fmt: skip
    parser.add_argument("--no-code-time", action="store_true",
                        help="for comparison: only jobs take time")  # fmt: skip
    parser.add_argument("--doc", action="store_true", help="write doc/radio.rst's tables and plots")
    parser.add_argument("-o", "--out", type=Path, default=Path("build") / "radio-report")
    args = parser.parse_args(arguments)
    given = {"radios": tuple(args.radio), "jobs": args.jobs, "only": tuple(args.only)}
    given |= {"code_time": not args.no_code_time}
    given |= QUICK if args.quick else {}
    given |= {"nodes": tuple(args.nodes)} if args.nodes else {}
    given |= {"inferences": args.inferences} if args.inferences else {}
    try:
        reason = bsim.missing()
        if reason:
            raise CatsError(reason)
        if args.doc and args.no_code_time:
            raise CatsError("--doc: figures without the time of code are not published")
        if args.nodes and not all(2 <= nodes <= 16 for nodes in args.nodes):
            raise CatsError("--nodes: each from 2 to 16")
        options = Options(out=args.out, **given)
        return 0 if write(options, run(options), DOC if args.doc else None) else 1
    except CatsError as error:
        print(f"radio-report: error: {error}", file=sys.stderr)
        return 2


__all__ = ["Options", "fill", "key", "main", "plots", "rst_table", "run", "tables", "write"]


if __name__ == "__main__":
    sys.exit(main())
