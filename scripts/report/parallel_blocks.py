#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What parallel blocks cost a trained text model, beside what they save: tables of doc/streams.rst.

``make parallel-report ARGS=tinyshakespeare.txt`` trains the model of ``samples/storyteller`` with
half its context as ``cats train`` does, once of sequential and once of parallel blocks: the same
seeds, windows and steps, with nothing lost first and with message dropout at last. Exported to
integers on four nodes, C code on simulated air, with code and computing in time, says what comes
next behind each character of the validation part's windows. What is done is kept in build/parallel/
and not done again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from cats.arguments import whole
from cats.cli import main as cats_main
from cats.errors import CatsError
from cats.integer.llama_stream import gathers_of, stream_of
from cats.integer.model import IntegerModel
from cats.integer.quantize import real_outputs
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.timing import inference_us
from cats.report import read_json, write_json
from cats.sim.faults import Faults
from cats.sim.figures import owners
from cats.sim.simulate import Settings, simulate
from cats.training.run_folder import load_run, load_task
from cats.training.text_integers import quantise_llama_run
from report.command import exit_with
from report.intervals import interval
from report.nodes import numbers, told
from report.page import rst_table

ROOT = Path(__file__).resolve().parents[2]
RADIO, NODES, CANDIDATES = "nrf_radio", 4, 8
#: (share of packets lost, rounds of repair).
CASES = ((0.0, 0), (0.1, 0), (0.1, 2))
BLOCKS: Mapping[str, Sequence[str]] = {"sequential": (), "parallel": ("--parallel-blocks",)}
#: As the storyteller was trained, but for context and steps.
DATA = ("--task", "text", "--context", "128", "--parts", "0.95:0.05", "--windows", "3200")
MODEL = (
    "--nodes", str(NODES), "--output-split", "even", "--features", "96", "--heads", "8",
    "--kv-heads", "4", "--hidden", "256", "--blocks", "4", "--norm", "rms", "--position", "rotary",
    "--feed-forward", "gated", "--activation", "silu", "--no-bias", "--tied", "--batch", "16",
    "--threads", "1",
)  # fmt: skip
FIRST = ("--lr", "2e-3", "--epochs", "22", "--message-dropout", "0")
LAST = ("--lr", "1e-3", "--epochs", "6", "--message-dropout", "0:0.15")


def train(data: str, blocks: str, seed: int, out: Path) -> Path:
    """The RUN folder of these blocks: trained where that is not done, with all that is printed."""
    run = out / f"{blocks}-{seed}"
    first = out / f"{run.name}-first"
    common = ["train", *DATA, "--data", data, *MODEL, *BLOCKS[blocks], "--seed", str(seed)]
    for words in (
        [*common, *FIRST, "-o", str(first)],
        [*common, *LAST, "--init", str(first), "-o", str(run)],
    ):
        if not (Path(words[-1]) / "metrics.json").exists() and cats_main([*words, "--resume"]):
            raise CatsError(f"{words[-1]} is not trained")
    return run


def bits(run: Path, samples: int, jobs: int, known: dict) -> dict[str, list[float]]:
    """Of each of CASES bits a character of so many windows, spread evenly over the validation part;
    ``known``: those of before. Node 0 gives the results of all characters, none are on the air."""
    from joblib import Parallel, delayed

    task = load_task(load_run(run)[1])
    part = task.validation.spaced(samples)
    model = gathers_of(stream_of(quantise_llama_run(run, output_split="single")[0], 0))
    found = {}
    for loss, rounds in CASES:
        case = f"{loss}-{rounds}"
        if len(known.get(case, ())) != len(part):
            plan = make_plan(model.config, model.split, model.keep, radio=RADIO, rounds=rounds)
            outputs = Parallel(n_jobs=jobs)(
                delayed(window)(model, plan, part.inputs[i].argmax(-1).numpy(), loss, i)
                for i in range(len(part))
            )
            known[case] = numbers(told(task, np.array(outputs), part)).tolist()
            print(run.name, case, f"{np.mean(known[case]):.4f}", flush=True)
        found[case] = known[case]
    return found


def window(
    model: IntegerModel, plan: Plan, tokens: np.ndarray, loss: float, seed: int
) -> np.ndarray:
    """Node 0's real outputs behind each of a window's tokens, [tokens, C]; NaN without a result."""
    steps = tokens.astype("<u4").view(np.int8).reshape(-1, 1, 4)
    result = simulate(model, plan, steps, Faults(loss=loss), seed, Settings(compute="plan"))
    (owner,) = owners(model)
    outputs = real_outputs(model, result.outputs[:, owner, 0])
    return np.where(result.done[:, owner, None], outputs, np.nan)


def speed(run: Path, rounds: int, replicate: str) -> float:
    """Tokens a second by the plan, the window full and nothing lost."""
    stream = stream_of(quantise_llama_run(run)[0], CANDIDATES, replicate=replicate)
    shape = (stream.config, stream.split, stream.keep)
    return 1e6 / inference_us(*shape, make_plan(*shape, radio=RADIO, rounds=rounds))


def _text(values: list[float], base: list[float] | None = None) -> str:
    found = interval(np.array(values), np.array(base) if base else None)
    mean, low, high = (f"{v:{'+' if base else ''}.3f}" for v in found)
    return f"{mean} [{low}, {high}]"


def _case(loss: float, rounds: int) -> str:
    lost = f"{100 * loss:g} % lost" if loss else "nothing lost"
    return f"{lost}, {rounds} rounds" if rounds else lost


def tables(result: Mapping[str, Mapping], seeds: Sequence[int]) -> str:
    """What is told: bits a character, and tokens a second of the first seed's models."""
    rows = []
    for seed in seeds:
        both = [result[f"{blocks}-{seed}"] for blocks in BLOCKS]
        for blocks, own in zip(BLOCKS, both, strict=True):
            cells = [_text(own["bits"][f"{loss}-{rounds}"]) for loss, rounds in CASES]
            rows.append([f"{blocks}, seed {seed}", f"{own['float']:.3f}", *cells])
        sequential, parallel = (own["bits"] for own in both)
        cells = [_text(parallel[case], sequential[case]) for case in sequential]
        rows.append(
            ["parallel less sequential", f"{both[1]['float'] - both[0]['float']:+.3f}", *cells]
        )
    head = ["bits a character", "float", *(_case(*case) for case in CASES)]
    speeds = [[blocks, *(f"{v:.1f}" for v in result[f"{blocks}-{seeds[0]}"]["speed"].values())]
              for blocks in BLOCKS]  # fmt: skip
    names = list(result[f"sequential-{seeds[0]}"]["speed"])
    return "\n\n".join([rst_table(head, rows), rst_table(["tokens a second", *names], speeds)])


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m report.parallel_blocks``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("data", help="text that is learned")
    parser.add_argument("--seeds", type=whole(0), nargs="+", default=[0], help="(0)")
    parser.add_argument("--samples", type=whole(), default=435, help="windows that are told (435)")
    parser.add_argument("--jobs", type=whole(), default=1, help="simulations at a time (1)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "parallel", metavar="FOLDER")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    file = args.out / "result.json"
    result = read_json(file) if file.exists() else {}
    for seed in args.seeds:
        for blocks in BLOCKS:
            run = train(args.data, blocks, seed, args.out)
            own = result.setdefault(run.name, {})
            metrics = read_json(run / "metrics.json")
            own["float"] = metrics["validation"]["bits_per_byte"]
            own["bits"] = bits(run, args.samples, args.jobs, own.get("bits", {}))
            own["speed"] = {
                f"{repair}{where}": speed(run, rounds, replicate)
                for where, replicate in (("", ""), (", residual replicated", "residual"))
                for repair, rounds in (("no repair", 0), ("2 rounds", 2))
            }
            write_json(file, result)
    print(tables(result, args.seeds))
    return 0


if __name__ == "__main__":
    exit_with("parallel-report", main)
