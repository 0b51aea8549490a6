#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/sensors.rst: eight sensors on a body, one a node, and what the embedding reads.

``PYTHONPATH=scripts python -m report.sensors --data FOLDER`` runs the sweeps of scripts/sensors/ on
NATOPS_TRAIN.ts and NATOPS_TEST.ts of that folder, or reads them where they are done. The data is
not this project's to give away.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.files import write_atomic
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.report import table
from cats.training import sweep
from cats.training.run_folder import load_run

ROOT = Path(__file__).resolve().parents[2]
SWEEPS = ("wide", "narrow")
RADIO = "ble_2m"
COLUMNS = ("embedding", "sent", "parameters", "raw", "bytes", "validation", "clean", "10 % lost")
HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/sensors.py: do not edit.

A sensor a node
###############

Eight sensors on a body, one a node (NATOPS: {channels} channels, {classes} classes, {tests} test
samples): what is gained, and lost, where each node embeds its own inputs (``--embed own``,
:doc:`training`). **sent** is the share of columns sent; **raw** and **bytes** are what an inference
puts on the air of {radio}, headers included, for the input and in all. Of an own embedding the
input is two frames that begin the inference. Accuracies are per cent; on the test part those of the
exported integers, with nothing lost and with a tenth of the packets lost, without repair; means
over {seeds} seeds, in brackets the least and the largest.

{training}. Recipes: ``scripts/sensors/``.

.. code-block:: text

"""


def row(name: str, summary: dict, runs: Path, kind: str, keep: float) -> list[str]:
    """The figures of the runs of a kind at a keep ratio."""
    records = [r for r in summary["runs"] if (r["kind"], r["keep"]) == (kind, keep)]
    model, _ = load_run(sweep.folder_of(runs, kind, keep, records[0]["seed"]))
    plan = make_plan(model.config, model.split, model.keep, radio=RADIO)
    first = dataclasses.replace(plan, gathers=plan.gathers[:1])

    def shown(values: Sequence[float]) -> str:
        least, most = (f"{100 * v:.1f}" for v in (min(values), max(values)))
        return f"{100 * statistics.mean(values):.1f} ({least} to {most})"

    scores = [[s[summary["metric"]] for s in r["scores"]["int8"]] for r in records]
    return [
        kind,
        "all" if keep == 1 else f"{keep:g}",
        f"{records[0]['parameters']:,}",
        f"{plan_air(first).bytes:,}",
        f"{plan_air(plan).bytes:,}",
        shown([r["validation"] for r in records]),
        *map(shown, zip(*scores, strict=True)),
    ]


def page(results: dict[str, tuple[dict, Path]]) -> str:
    """The page, from each sweep's summary and folder."""
    rows = [
        row(name, summary, out, kind, keep)
        for name, (summary, out) in results.items()
        for keep in summary["recipe"]["keep"]
        for kind in summary["recipe"]["kinds"]
    ]
    summary, _ = results[SWEEPS[0]]
    recipe = summary["recipe"]
    task = sweep.Sweep.of({k: v for k, v in recipe.items() if k != "made_with"}).load()
    metadata = task.metadata
    given = ", ".join(f"{key} {value}" for key, value in recipe["training"].items())
    head = HEAD.format(
        channels=len(metadata.channels),
        classes=len(metadata.classes),
        tests=len(task.test.inputs),
        radio=RADIO,
        seeds=len(recipe["seeds"]),
        training=f"Training: {given}",
    )
    lines = table(list(COLUMNS), rows).splitlines()
    beside = ", ".join(
        f"{name} {100 * scores['accuracy']:.1f}" for name, scores in summary["baselines"].items()
    )
    return (
        head
        + "\n".join(f"   {line}".rstrip() for line in lines)
        + (f"\n\nBaselines on the test part, from all inputs at one place: {beside}.\n")
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of NATOPS_TRAIN.ts")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "sensors", help="sweeps")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (one a core)")
    parser.add_argument("--read", action="store_true", help="read what is there, train nothing")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "doc" / "sensors.rst")
    args = parser.parse_args(argv)
    try:
        results = {}
        for name in SWEEPS:
            recipe = sweep.read(ROOT / "scripts" / "sensors" / f"{name}.yaml")
            data = str((args.data / "NATOPS_TRAIN.ts").resolve())
            recipe = dataclasses.replace(recipe, options={**recipe.options, "data": data})
            out = args.work / name
            results[name] = sweep.run(recipe, out, args.jobs, new=not args.read), out
        write_atomic(args.out, page(results).encode())
    except CatsError as error:
        print(f"sensors.py: {error}", file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
