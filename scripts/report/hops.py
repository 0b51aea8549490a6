# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What relaying over several hops takes and delivers, beside one hop: writes doc/hops/table.inc,
and of nodes that sleep doc/hops/sleep.inc.

A small model over the links of each arrangement of ``cats links``, on the simulated air with code
time and computing; all outputs are compared with the integer reference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cats.arguments import whole
from cats.integer.random_models import random_inputs, random_model
from cats.plan.planner import make_plan
from cats.plan.sleep import Rhythm, meeting
from cats.report import table
from cats.shape.links import audible, depth
from cats.shape.partition import full_keep
from cats.shape.topologies import topology
from cats.sim.compare import check
from cats.sim.faults import Faults
from cats.sim.simulate import Result, Settings, simulate
from report.radio_cells import even_split, small

FOLDER = Path(__file__).parents[2] / "doc" / "hops"
NAMES = ("line:2", "line:3", "line:4", "line:5", "star:7", "grid:4x4")
RADIOS = ("nrf_radio", "ieee802154")
HEADER = [
    "links", "hops", "radio", "slots", "one hop ms", "hops ms", "times", "delivered", "hung",
]  # fmt: skip


def _ms(result: Result) -> float:
    """Of an inference, the first one aside, in which the leader listens before it opens."""
    return float(result.span_us[1:].mean()) / 1e3


def row(name: str, radio: str, samples: int) -> list[object]:
    """One arrangement on one radio."""
    links = audible(topology(name).links)
    config = small(len(links))
    split = even_split(config, len(links))
    keep = full_keep(config, split)
    model = random_model(7, config, split, keep)
    inputs, settings = random_inputs(3, config, samples), Settings(compute="plan")
    one = make_plan(config, split, keep, radio=radio, rounds=2)
    near = simulate(model, one, inputs, Faults(loss=0.1, named=True), 1, settings)
    plan = make_plan(config, split, keep, radio=radio, links=links)
    far = simulate(model, plan, inputs, Faults(loss=1 - links, named=True), 1, settings)
    if check(model, plan, inputs, far):
        raise SystemExit(f"{name}, {radio}: an output is not the reference's")
    slots = max(len(gather.turns or ()) for gather in plan.gathers)
    times = _ms(far) / _ms(near)
    return [
        name, depth(links), radio, slots, f"{_ms(near):.1f}", f"{_ms(far):.1f}", f"{times:.2f}",
        f"{100 * (far.delivered or 0):.2f} %", "none" if far.hung is None else "some",
    ]  # fmt: skip


SLEEP_HEADER = [
    "links", "hops", "rounds", "leader", "nearest", "farthest", "simulated, most", "meeting",
]  # fmt: skip
S_US = 1_000_000


def sleep_row(name: str, meetings: int) -> list[object]:
    """Milliseconds that radios are on in a meeting of one arrangement, and what it takes."""
    links = audible(topology(name).links)
    config = small(len(links))
    split = even_split(config, len(links))
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep, radio="nrf_radio", links=links)
    windows, rhythm = meeting(plan), Rhythm(S_US, S_US)
    others = [
        windows.follower(rhythm, begins=False, heard=heard).radio_us for heard in plan.heard[1:]
    ]
    found = simulate(
        random_model(7, config, split, keep), plan, random_inputs(3, config, 2),
        Faults(loss=1 - links, drift_ppm=[50.0 * (-1) ** n for n in range(len(links))]), 1,
        Settings(compute="plan", period_us=S_US, gap_us=meetings * S_US),
    )  # fmt: skip
    times = [windows.leader(begins=False).radio_us, min(others), max(others),
             found.idle_on[-1].max() * S_US, windows.whole_us]  # fmt: skip
    return [name, depth(links), plan.repeats, *(f"{us / 1e3:.1f}" for us in times)]


def _write(name: str, header: Sequence[str], rows: list[list[object]], below: str) -> None:
    lines = table(header, rows).splitlines()
    (FOLDER / name).write_text(
        ".. SPDX-FileCopyrightText: Copyright The CATS Project\n"
        ".. SPDX-License-Identifier: Apache-2.0\n\n"
        ".. Written by scripts/report/hops.py: do not edit.\n\n"
        ".. code-block:: text\n\n" + "".join(f"   {line}\n" for line in lines) + f"\n{below}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("samples", type=whole(), nargs="?", default=1000,
                        help="meetings, and inferences, of each (default: 1000)")  # fmt: skip
    samples = parser.parse_args(arguments).samples
    _write(
        "sleep.inc", SLEEP_HEADER, [sleep_row(name, samples) for name in NAMES],
        f"Leader, nearest and farthest node by the plan; the node that needs most, {samples:,} "
        "simulated meetings.",
    )  # fmt: skip
    _write(
        "table.inc", HEADER, [row(name, radio, samples) for radio in RADIOS for name in NAMES],
        f"{samples:,} inferences each; *times*: an inference over hops by one over one hop.",
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
