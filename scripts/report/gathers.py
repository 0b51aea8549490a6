# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What repair of a large gather takes on the simulated air: writes doc/radio/simulated.inc.

The gathers of doc/radio.rst, "Large gathers", with two rounds of repair, code and computing in time
and crystals 50 ppm off either way; all outputs are compared with the integer reference. BabbleSim
(``make radio-report``) measures the same with the real drivers, and takes far longer.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_model
from cats.plan.plan import gather_air
from cats.plan.planner import make_plan
from cats.report import table
from cats.shape.partition import full_keep
from cats.sim.compare import check
from cats.sim.faults import Faults
from cats.sim.simulate import Result, Settings, simulate
from report.radio_cells import even_split, wide

PAGE = Path(__file__).parents[2] / "doc" / "radio" / "simulated.inc"
RADIOS = tuple(
    name + seal for seal in ("", "+secure") for name in ("nrf_radio", "ieee802154", "ble")
)
SHAPES = ((16, 512), (4, 832))
#: The gather behind the input.
GATHER, KIND = 1, "attention"
LOSS, ROUNDS, DRIFT_PPM = 0.1, 2, 50.0
HEADER = [
    "radio", "nodes x bytes", "bound ms", "nothing lost ms", "times", "10 % lost ms", "times",
    "delivered", "late",
]  # fmt: skip


def _ms(result: Result) -> float:
    """Of the exchange at the leader, from its opening to its end."""
    stats = result.kinds[0][KIND]
    return stats["air_us"] / stats["exchanges"] / 1e3


def row(radio: str, nodes: int, size: int, samples: int) -> list[object]:
    """One shape on one radio."""
    config = wide(nodes, size)
    split = even_split(config, nodes)
    keep = full_keep(config, split)
    model = random_model(7, config, split, keep)
    try:
        plan = make_plan(
            config, split, keep, radio=radio, rounds=ROUNDS, tile_rows=16, interleave=False
        )
    except CatsError:  # more fragments than repair takes in one exchange
        return [radio, f"{nodes} x {size}", *(None,) * (len(HEADER) - 2)]
    inputs, drift = random_inputs(7, config, samples), [DRIFT_PPM, -DRIFT_PPM] * (nodes // 2)
    results = []
    for loss in (0.0, LOSS):
        faults = Faults(loss=loss, drift_ppm=drift)
        result = simulate(model, plan, inputs, faults, 1, Settings("plan", code_time="plan"))
        if result.hung or check(model, plan, inputs, result):
            raise SystemExit(f"{radio}, {nodes} x {size}: hangs, or is not the reference's")
        results.append(result)
    clean, lossy = results
    bound = gather_air(plan.gathers[GATHER], radio).us / 1e3
    return [
        radio, f"{nodes} x {size}", f"{bound:.1f}", f"{_ms(clean):.1f}",
        f"{_ms(clean) / bound:.2f}", f"{_ms(lossy):.1f}", f"{_ms(lossy) / _ms(clean):.2f}",
        f"{100 * (lossy.delivered or 0):.2f} %", int(clean.late.sum()),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table of so many inferences each (the argument, 100)."""
    given = sys.argv[1:] if arguments is None else arguments
    samples = int(given[0]) if given else 100
    rows = [row(radio, *shape, samples) for radio in RADIOS for shape in SHAPES]
    lines = table(HEADER, rows).splitlines()
    PAGE.write_text(
        ".. SPDX-FileCopyrightText: Copyright The CATS Project\n"
        ".. SPDX-License-Identifier: Apache-2.0\n\n"
        ".. Written by scripts/report/gathers.py: do not edit.\n\n"
        ".. code-block:: text\n\n"
        + "".join(f"   {line}\n" for line in lines)
        + f"\n{samples:,} inferences each; *times*: of the bound, and of the time with nothing "
        "lost; *late*:\nframes too late for their slots where nothing is lost; -: more fragments "
        'than repair takes in one\nexchange (:doc:`partition-format`, "Source").\n'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
