# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make sweep-faults``: many inferences of small random deployments, with every fault of the
simulated air at random.

A case follows from its number alone, so a failing one is run again by ``--first N --cases 1``. It
fails where a node hangs, or where an output differs from the integer reference's with what arrived.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from cats.arguments import whole
from cats.deploy import image
from cats.integer.model import IntegerModel
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.radio import RADIOS, SEALED
from cats.plan.sleep import meeting
from cats.report import write_json
from cats.shape.config import ModelConfig
from cats.sim.compare import check
from cats.sim.faults import (
    BABBLES,
    FRAME_FAULTS,
    Babble,
    Change,
    ClockJump,
    Event,
    Faults,
    FrameFault,
    Neighbour,
)
from cats.sim.simulate import Settings, simulate

#: Deployments, which the cases take in turn.
SHAPES = 60
#: Inferences of a case.
INFERENCES = 5


@dataclass(frozen=True)
class Deployment:
    """A random model, its plan, and about how long an inference takes and how many frames."""

    model: IntegerModel
    plan: Plan
    images: tuple[bytes, ...]
    inference_us: int
    frames: int


@cache
def deployment(number: int) -> Deployment:
    """One of the deployments."""
    rng = np.random.default_rng(number)
    nodes = int(rng.choice([1, 2, 2, 3, 3, 3, 4, 4, 5, 7]))
    heads = nodes + int(rng.integers(0, 3))
    config = ModelConfig(
        tokens_in=int(rng.integers(1, 7)), inputs=int(rng.integers(1, 5)),
        outputs=int(rng.integers(1, 5)), features=heads * int(rng.integers(1, 4)), heads=heads,
        hidden=int(rng.integers(nodes, 16)), blocks=1,
        pool=str(rng.choice(["mean", "class", "all"])),
    )  # fmt: skip
    empty = 0.0
    if number % 3 == 0:  # some gathers keep nothing, or nobody sends inputs
        drawn = np.random.default_rng([number, 2])
        empty = float(drawn.choice([0.2, 0.6, 1.0]))
        blocks, embed = int(drawn.integers(1, 3)), str(drawn.choice(["own", "full"]))
        config = replace(config, blocks=blocks, embed=embed)
    split = random_split(number, config, nodes)
    keep = random_keep(number, config, split, float(rng.choice([1.0, 0.6])), empty)
    radio = str(rng.choice([*RADIOS, "nrf_radio", "ieee802154", "nrf_radio" + SEALED]))
    plan = make_plan(
        config, split, keep, radio=radio, rounds=int(rng.integers(0, 4)),
        payload=int(rng.choice([6, 16, 64])), tile_rows=int(rng.integers(1, 5)),
    )  # fmt: skip
    model = random_model(number, config, split, keep)
    ident = image.model_id(model, plan)
    images = tuple(image.pack(model, plan, d, ident) for d in range(nodes))
    clean = simulate(model, plan, random_inputs(0, config, 2), images=images)
    return Deployment(model, plan, images, int(clean.span_us[-1]), int(clean.frames[-1]))


def draw(number: int) -> tuple[Deployment, Faults, Settings]:
    """Case ``number``."""
    made = deployment(number % SHAPES)
    rng = np.random.default_rng([number, 1])
    nodes, long = made.model.split.nodes, max(made.inference_us, 1000)
    run = INFERENCES * long
    chosen: dict = {}

    def some(share: float) -> bool:
        return bool(rng.random() < share)

    def moment() -> dict:
        if some(0.5):
            return {"at": int(rng.integers(0, INFERENCES * max(made.frames, 1))), "by_frame": True}
        return {"at": int(rng.integers(0, 3 * run))}

    def loss() -> float | np.ndarray:
        kind = rng.integers(0, 4)
        if kind == 0:
            return float(rng.choice([0.0, 0.02, 0.1, 0.4]))
        table = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0], (nodes, nodes), p=[0.6, 0.1, 0.1, 0.1, 0.1])
        if kind == 1:  # a receiver or a transmitter that does little
            table = np.zeros((nodes, nodes))
            table[(slice(None), int(rng.integers(nodes)))[:: 1 - 2 * int(some(0.5))]] = float(
                rng.choice([0.8, 0.9, 1.0])
            )
        elif kind == 2:  # groups that do not hear each other
            group = rng.integers(0, 2, nodes)
            table = (group[:, None] != group[None]).astype(float)
        return table

    def events() -> list[Event]:
        found = []
        for _ in range(int(rng.integers(1, 4))):
            node, when = int(rng.integers(nodes)), moment()
            found.append(Event(node, False, **when))
            if some(0.8):
                after = (
                    int(rng.choice([1, 3, 20]))
                    if "by_frame" in when
                    else int(rng.choice([1, long // 3, 3 * long]))
                )
                found.append(Event(node, True, **{**when, "at": when["at"] + after}))
        return found

    def babble() -> list[Babble]:
        return [
            Babble(
                str(rng.choice(list(BABBLES))), int(rng.integers(nodes)),
                int(rng.choice([max(long // 9, 500), long, 100_000])), int(rng.integers(0, run)),
                int(rng.integers(1, 60)), int(rng.choice([-20000, -70, -5, 0, 1, 2, 20000])),
            )
            for _ in range(int(rng.integers(1, 3)))
        ]  # fmt: skip

    def frames() -> list[FrameFault]:
        return [
            FrameFault(
                str(rng.choice(list(FRAME_FAULTS))), int(rng.integers(0, 3 * made.frames + 1)),
                int(rng.integers(-1, nodes)), int(rng.integers(0, 1 << 16)),
            )
            for _ in range(int(rng.integers(1, 9)))
        ]  # fmt: skip

    draws: dict[str, tuple[float, Callable[[], object]]] = {
        "loss": (0.5, loss),
        "changes": (0.2, lambda: [
            Change(int(at), loss()) for at in np.sort(rng.integers(0, 2 * run, rng.integers(1, 4)))
        ]),
        "duplicate": (0.2, lambda: float(rng.choice([0.1, 0.5]))),
        "delay": (0.2, lambda: float(rng.choice([0.05, 0.4]))),
        "delay_us": (1.0, lambda: float(rng.choice([500, long // 5 + 1, 3 * long]))),
        "flip": (0.2, lambda: 0.1),
        "drift_ppm": (0.3, lambda: rng.uniform(-100, 100, nodes).tolist()),
        "off": (0.1, lambda: [int(rng.integers(nodes))]),
        "events": (0.4, events),
        "jumps": (0.1, lambda: [
            ClockJump(int(rng.integers(nodes)), int(rng.integers(-long, 4 * long)), **moment())
        ]),
        "babble": (0.25, babble),
        "frames": (0.3, frames),
        "neighbour": (0.15, lambda: Neighbour(
            int(rng.integers(long // 2 + 1, 4 * long)), 1, float(rng.choice([0.0, 0.3])))),
    }  # fmt: skip
    for name, (share, make) in draws.items():
        if some(share) and (name != "neighbour" or 2 * nodes <= 16):
            chosen[name] = make()
    settings = Settings(
        compute=str(rng.choice(["none", "plan"])),
        code_time="none" if some(0.15) else "plan",
        slower=rng.choice([1.0, 1.0, 3.0, 20.0], nodes).tolist() if some(0.2) else (),
        idle=[d for d in range(nodes) if some(0.5)][: nodes - 1] if some(0.2) else (),
        first_inference=int(rng.choice([0, 1, 32767, 65534])),
        clock_us=rng.integers(0, 2**32, nodes).tolist() if some(0.3) else (),
        gap_us=int(rng.choice([0, 0, long // 3, 5 * long])),
        receiver_off=some(0.5),
    )
    if nodes > 1 and some(0.25):
        least = max(10_000, math.ceil(meeting(made.plan).least_period_us))
        period = int(least * rng.uniform(1, 20))
        pause = int(period * rng.choice([0, 0.5, 5, 50]))
        settings = replace(settings, period_us=period, gap_us=pause)
    return made, Faults(**chosen), settings


def run(number: int) -> tuple[int, str]:
    """(inferences, what is wrong with a case or nothing)."""
    made, faults, settings = draw(number)
    inputs = random_inputs(number, made.model.config, INFERENCES)
    result = simulate(made.model, made.plan, inputs, faults, number, settings, made.images)
    if result.hung:
        return result.hung[0] + 1, f"hung {result.hung}"
    wrong = check(made.model, made.plan, inputs, result)
    return INFERENCES, f"wrong {wrong}" if wrong else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where a case failed."""
    parser = argparse.ArgumentParser(
        prog="sweep-faults", description=main.__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--cases", type=whole(), default=2000, help=f"of {INFERENCES} inferences each"
    )
    parser.add_argument("--first", type=whole(0), default=0, help="number of the first case")
    parser.add_argument("--show", action="store_true", help="print each case")
    parser.add_argument("--json", metavar="FILE", help="write what came of it")
    options = parser.parse_args(arguments)
    failed: dict[int, str] = {}
    inferences, begin = 0, time.monotonic()
    for number in range(options.first, options.first + options.cases):
        if options.show:
            print(number, *draw(number)[1:], flush=True)
        count, wrong = run(number)
        inferences += count
        if wrong:
            failed[number] = wrong
            print(f"case {number}: {wrong}", flush=True)
        if (number + 1 - options.first) % 1000 == 0:
            print(f"{number + 1 - options.first} cases, {inferences} inferences, {len(failed)} "
                  f"failed, {time.monotonic() - begin:.0f} s", flush=True)  # fmt: skip
    hung = sum(text.startswith("hung") for text in failed.values())
    print(f"{inferences} inferences of {options.cases} cases from {options.first}: {hung} hung, "
          f"{len(failed) - hung} wrong")  # fmt: skip
    if options.json:
        figures = {"first": options.first, "cases": options.cases, "inferences": inferences,
                   "hung": hung, "wrong": len(failed) - hung, "failed": failed}  # fmt: skip
        write_json(options.json, figures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
