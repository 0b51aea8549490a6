# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make radio-report``: deployments on BabbleSim, clean and with every fault, in a table.

Each scenario runs until all inferences have ended, and every output of every node is compared with
the integer reference for what arrived there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cats import bsim
from cats.bsim import Device, Log
from cats.config import ModelConfig, SplitConfig
from cats.export import export, load_deploy
from cats.partition import Kind, full_keep, gather_kind
from cats.plan import Plan, gather_air
from cats.planner import inference_us
from cats.predict import BOARDS, energy_mj
from cats.report import print_table, save_plot, write_json
from cats.vectors import random_inputs, random_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A channel that loses one frame in ten at each receiver, headers and all.
LOSSY = ("Magic", "-PER=0.1")
DRIFT_PPM = 50.0
#: Faults: what happens beside the inferences.
FAULTS = ("clean", "drift", "loss", "reset", "killed", "leader killed", "late", "neighbour")
#: Simulated microseconds that a node waits for a leader before it gives up.
_QUIET_US = 30_000_000


@dataclass(frozen=True)
class Deployment:
    """An exported folder and what it was made of."""

    folder: Path
    inputs: np.ndarray
    nodes: int
    radio: str


@dataclass(frozen=True)
class Outcome:
    """Figures of one scenario. ``ended``: every node that lived saw all inferences to their end.
    ``clean_us`` is what the plan says, ``latency_us`` the mean at node 0 (or who leads)."""

    radio: str
    nodes: int
    shape: str
    fault: str
    inferences: int
    compared: int
    different: int
    ended: bool
    delivered: float
    latency_us: float
    planned_us: float
    takeovers: int
    seconds: float


def even_split(config: ModelConfig, nodes: int) -> SplitConfig:
    """Even shares; node 0 has the inputs and the outputs."""

    def share(total: int) -> tuple[int, ...]:
        return tuple(total // nodes + (d < total % nodes) for d in range(nodes))

    rest = (0,) * (nodes - 1)
    return SplitConfig(
        share(config.heads), share(config.hidden), (config.outputs, *rest), (config.inputs, *rest)
    )


def small(nodes: int) -> ModelConfig:
    """A small model whose heads are enough for ``nodes``."""
    return ModelConfig(
        tokens_in=6, inputs=5, outputs=10, features=2 * max(nodes, 8), heads=max(nodes, 8),
        hidden=48, blocks=1, pool="class", activation="gelu",
    )  # fmt: skip


def wide(nodes: int, size: int) -> ModelConfig:
    """A model each of whose nodes sends ``size`` bytes in the gather behind its input."""
    return ModelConfig(
        tokens_in=16, inputs=4, outputs=10, features=nodes * size // 16, heads=nodes, hidden=16,
        blocks=1, pool="mean", activation="relu",
    )  # fmt: skip


def deploy(
    folder: Path, config: ModelConfig, nodes: int, radio: str, seed: int = 7, **options: object
) -> Deployment:
    """Export a random model of this shape, with inputs and times of computing beside it."""
    split = even_split(config, nodes)
    model = random_model(seed, config, split, full_keep(config, split))
    export(model, folder, formats="image", force=True, radio=radio, **options)
    inputs = random_inputs(seed, config, 8)
    bsim.write_inputs(model, folder, inputs)
    bsim.write_compute(model, load_deploy(folder)[1], folder)
    return Deployment(folder, inputs, nodes, radio)


def devices(
    made: Deployment, inferences: int, drift_ppm: float = 0.0, **options: object
) -> list[Device]:
    """All nodes, every second crystal too fast and the others too slow."""
    common = {
        "inferences": inferences, "compute": "compute.bin", "quiet": _QUIET_US, **options
    }  # fmt: skip
    return [
        Device(n, made.folder, drift_ppm if n % 2 else -drift_ppm, 0, common)
        for n in range(made.nodes)
    ]


def _with(device: Device, **options: object) -> Device:
    return Device(
        device.node, device.deploy, device.drift_ppm, device.on_us, {**device.options, **options}
    )


def scenario(
    program: Path,
    made: Deployment,
    fault: str,
    inferences: int = 10,
    other: Deployment | None = None,
    folder: Path | None = None,
    seed: int = 1,
) -> tuple[list[Log], bool]:
    """Run one; (logs of this deployment's devices, whether all ended that had to)."""
    options: dict = {"folder": folder, "seconds": 3600.0, "seed": seed}
    nodes = devices(made, inferences, DRIFT_PPM if fault != "clean" else 0.0)
    last, middle = made.nodes - 1, inferences // 2
    needed = set(range(made.nodes))
    extra: list[Device] = []
    if fault == "loss":
        options["modem"] = LOSSY
    elif fault in ("reset", "killed", "leader killed"):
        # Dead in the middle of the inference: when, a clean run says.
        before = bsim.run(program, made.folder, nodes, **options)[0]
        long = int(np.median([r.latency_us for r in before.results]))
        victim = 0 if fault == "leader killed" else last
        nodes[victim] = _with(nodes[victim], kill_inference=middle, kill_us=long // 2)
        needed.discard(victim)
        if fault == "leader killed":
            nodes[1] = _with(nodes[1], submit=1)
        if fault == "reset":
            after = before.results[middle].time_us + long // 3
            few = {**devices(made, 1)[last].options, "quiet": 1_000_000}
            extra = [Device(last, made.folder, -DRIFT_PPM, after, few)]
            needed.add(made.nodes)
    elif fault == "late":
        # The others have begun: they wait for node 0 alone.
        before = bsim.run(program, made.folder, nodes, **options)[0]
        nodes[last] = _with(nodes[last], start=before.results[middle].time_us, inferences=1)
    elif fault == "neighbour":
        extra = devices(other, inferences, DRIFT_PPM)
        needed |= set(range(made.nodes, made.nodes + other.nodes))
    logs = bsim.run(program, made.folder, [*nodes, *extra], **options)
    ended = all(logs[n].stopped == "done" for n in needed)
    if other is not None and fault == "neighbour":
        compared, wrong = bsim.check(other.folder, other.inputs, logs[made.nodes :])
        ended = ended and bool(compared) and not wrong
        logs = logs[: made.nodes]
    return logs, ended


def figures(
    made: Deployment, logs: Sequence[Log], ended: bool, shape: str, fault: str, seconds: float
) -> Outcome:
    """What came of a scenario."""
    compared, wrong = bsim.check(made.folder, made.inputs, logs)
    model, plan, _, _ = load_deploy(made.folder)
    results = [result for log in logs for result in log.results]
    due = sum(result.fragments for result in results)
    leader = logs[0].results or logs[1].results
    return Outcome(
        radio=made.radio,
        nodes=made.nodes,
        shape=shape,
        fault=fault,
        inferences=max(len(log.results) for log in logs),
        compared=compared,
        different=len(wrong),
        ended=ended,
        delivered=1 - sum(result.lost for result in results) / due if due else 1.0,
        latency_us=float(np.mean([r.latency_us for r in leader])) if leader else float("nan"),
        planned_us=float(inference_us(model.config, model.split, model.keep, plan)),
        takeovers=sum(log.takeovers for log in logs),
        seconds=round(seconds, 1),
    )


def matrix(
    program: Path, radio: str, out: Path, nodes: Sequence[int], inferences: int
) -> Iterator[Outcome]:
    """Every fault on every size."""
    for count in nodes:
        made = deploy(out / f"{radio}_{count}", small(count), count, radio, rounds=2)
        other = deploy(out / f"{radio}_{count}_other", small(count), count, radio, 8, rounds=2)
        for fault in FAULTS:
            if count == 2 and fault in ("killed", "leader killed"):
                continue  # one node alone gathers with nobody
            start = time.monotonic()
            logs, ended = scenario(program, made, fault, inferences, other)
            yield figures(made, logs, ended, "small", fault, time.monotonic() - start)


def bound_us(plan: Plan, gather: int) -> int:
    """Air time with preamble, address, header, checksum and ramp-up of a gather's frames."""
    return gather_air(plan.gathers[gather], plan.radio).us


def gathers(program: Path, radio: str, out: Path, inferences: int) -> Iterator[dict]:
    """The gathers of the goals: 16 nodes x 512 bytes and 4 nodes x 832 bytes, each one exchange."""
    for nodes, size in ((16, 512), (4, 832)):
        for rounds in (0, 2):
            made = deploy(
                out / f"{radio}_{nodes}x{size}_{rounds}", wide(nodes, size), nodes, radio,
                rounds=rounds, tile_rows=16, interleave=False,
            )  # fmt: skip
            model, plan, _, _ = load_deploy(made.folder)
            at = next(
                g for g in range(len(plan.gathers))
                if gather_kind(model.config, g)[0] == Kind.ATTENTION
            )  # fmt: skip
            row: dict = {"radio": radio, "nodes": nodes, "bytes": size, "rounds": rounds}
            row["bound_us"] = bound_us(plan, at)
            for fault in ("drift", *(("loss",) if rounds else ())):
                logs, ended = scenario(program, made, fault, inferences)
                outcome = figures(made, logs, ended, f"{nodes} x {size}", fault, 0.0)
                kind = logs[0].kinds[int(gather_kind(model.config, at)[0])]
                row[f"{fault}_us"] = kind["air_us"] / kind["exchanges"]
                row[f"{fault}_delivered"] = outcome.delivered
                row[f"{fault}_good"] = ended and not outcome.different
            row["ratio"] = row["drift_us"] / row["bound_us"]
            if rounds:
                row["slower"] = row["loss_us"] / row["drift_us"]
            yield row


def energy(made: Deployment) -> float:
    """Millijoules of the node that spends most on one clean inference, by the plan."""
    model, plan, _, _ = load_deploy(made.folder)
    board = BOARDS["nrf52840"]
    return max(
        energy_mj(model.config, model.split, model.keep, plan, n, board) for n in range(made.nodes)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all of it and write report.json and the plots."""
    parser = argparse.ArgumentParser(prog="radio-report", description=__doc__.splitlines()[0])
    parser.add_argument("--radio", nargs="+", default=["nrf_radio"], help="transports")
    parser.add_argument("--nodes", nargs="+", type=int, default=[2, 4, 8, 16])
    parser.add_argument("--inferences", type=int, default=20, help="in each scenario (default 20)")
    parser.add_argument("--long", type=int, default=1000, help="in the long run (default 1000)")
    parser.add_argument("-o", "--out", type=Path, default=Path("build/radio-report"))
    args = parser.parse_args(arguments)
    reason = bsim.missing()
    if reason:
        print(f"radio-report: {reason}", file=sys.stderr)
        return 2
    outcomes: list[Outcome] = []
    shapes: list[dict] = []
    for radio in args.radio:
        program = bsim.build(radio, args.out / f"build_{radio}")
        for outcome in matrix(program, radio, args.out, args.nodes, args.inferences):
            outcomes.append(outcome)
            _say(outcome)
        if args.long:
            made = deploy(args.out / f"{radio}_long", small(4), 4, radio, rounds=2)
            start = time.monotonic()
            logs, ended = scenario(program, made, "loss", args.long)
            taken = time.monotonic() - start
            outcomes.append(figures(made, logs, ended, "small", "loss", taken))
            _say(outcomes[-1])
        shapes += gathers(program, radio, args.out, args.inferences)
    _write(args.out, outcomes, shapes)
    return int(any(o.different or not o.ended for o in outcomes))


def _say(o: Outcome) -> None:
    print(
        f"{o.radio} {o.nodes} nodes, {o.fault}: {o.inferences} inferences, {o.compared} outputs "
        f"compared, {o.different} differ, {100 * o.delivered:.2f} % delivered, "
        f"{o.latency_us / 1e3:.1f} ms{'' if o.ended else ', NOT ALL ENDED'} ({o.seconds} s)",
        flush=True,
    )


def _write(out: Path, outcomes: Sequence[Outcome], shapes: Sequence[dict]) -> None:
    rows = [
        [o.radio, o.nodes, o.fault, o.inferences, o.compared, o.different, o.ended,
         f"{100 * o.delivered:.2f} %", o.latency_us / 1e3, o.planned_us / 1e3, o.takeovers]
        for o in outcomes
    ]  # fmt: skip
    print_table(
        ["radio", "nodes", "fault", "inferences", "outputs", "differ", "ended", "delivered", "ms",
         "planned ms", "takeovers"],
        rows,
    )  # fmt: skip
    if shapes:
        print_table(
            ["radio", "nodes", "bytes", "rounds", "bound ms", "ms", "ratio", "lossy ms", "times",
             "delivered"],
            [
                [s["radio"], s["nodes"], s["bytes"], s["rounds"], s["bound_us"] / 1e3,
                 s["drift_us"] / 1e3, s["ratio"], s.get("loss_us", 0) / 1e3, s.get("slower", ""),
                 f"{100 * s['loss_delivered']:.2f} %" if "loss_delivered" in s else ""]
                for s in shapes
            ],
        )  # fmt: skip
    write_json(out / "report.json", {"scenarios": [asdict(o) for o in outcomes], "gathers": shapes})
    _plots(out, outcomes)


def _plots(out: Path, outcomes: Sequence[Outcome]) -> None:
    radios = sorted({o.radio for o in outcomes})
    wanted = (("latency_us", "ms an inference", 1e-3), ("delivered", "% delivered", 100.0))
    for value, label, scale in wanted:

        def draw(axes: Axes, value: str = value, scale: float = scale) -> None:
            for radio in radios:
                for fault in ("clean", "loss"):
                    points = {
                        o.nodes: getattr(o, value) * scale for o in outcomes
                        if o.radio == radio and o.fault == fault
                    }  # fmt: skip
                    nodes = sorted(points)
                    axes.plot(
                        nodes, [points[n] for n in nodes], marker="o", label=f"{radio}, {fault}"
                    )

        save_plot(
            out / f"{value.removesuffix('_us')}.svg", draw, title="BabbleSim", xlabel="nodes",
            ylabel=label,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
