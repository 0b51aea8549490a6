#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/accuracy.rst: the sweeps of scripts/accuracy/PRESET/ run, or read where they are done.

``make accuracy-report`` (``PRESET=full`` for the long one). A sweep whose data is not on this
machine is left out, and the page says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cats import sweep
from cats.errors import CatsError
from cats.report import table, write_atomic

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("quick", "full")
TITLES = {
    "digits": "Handwritten digits",
    "ett": "Forecasting: ETTh1, column OT",
    "pruning": "How to choose columns: ETTh1, less data and fewer figures",
    "motions": "Sensor streams: BasicMotions, two channels a node",
    "vowels": "Sensor streams: JapaneseVowels, three channels a node",
}
HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/accuracy_report.py: do not edit.

Accuracy
########

Quality on the test part against packet loss and against the share of columns sent, by kind of
training. Each figure is the mean over seeds, behind it half of the range; **float** is the trained
model, **int8** the integer model that ``cats export`` writes, run by the integer reference, whose
bytes are the device's. Loss is drawn for each sample at packet granularity, the three modes of
:doc:`training` mixed, without repair. The plots show the integer model.

Preset ``{preset}`` (``make accuracy-report{option}``): {time}. Recipes:
``scripts/accuracy/{preset}/``. How long the presets take is in :doc:`training`.
"""


def section(name: str, summary: dict, images: str) -> str:
    """One sweep as text; ``images`` is where its plots are."""
    recipe, metric = summary["recipe"], summary["metric"]
    better = "higher" if summary["higher_is_better"] else "lower"
    title = TITLES.get(name, name)
    training = ", ".join(f"{key} {value}" for key, value in recipe["training"].items())
    lines = [
        title,
        "*" * len(title),
        f"{recipe['nodes']} nodes, {summary['parameters']:,} parameters, {len(recipe['seeds'])} "
        f"seed{'s' * (len(recipe['seeds']) > 1)}; {metric}, {better} is better"
        + (f"; {training}." if training else "."),
        "",
        *literal(sweep.tables(summary)),
    ]
    if summary.get("missing"):
        names = ", ".join(f"``{name}``" for name in summary["missing"])
        lines += [f"Not run yet, so not in these means: {names}.", ""]
    if summary["baselines"]:
        figures = list(next(iter(summary["baselines"].values())))
        rows = [(key, *values.values()) for key, values in summary["baselines"].items()]
        lines += [
            "Beside it, on the same part (``cats/tasks/baselines.py``):",
            "",
            *literal(table(("forecast", *figures), rows)),
        ]
    for plot, what in ((sweep.LOSS_PLOT, "packet loss"), (sweep.KEEP_PLOT, "columns sent")):
        lines += [f".. image:: {images}/{name}_{plot}", f"   :alt: {title}: {metric}, {what}", ""]
    return "\n".join(lines)


def literal(text: str) -> list[str]:
    """A table as a literal block."""
    return [".. code-block:: text", "", *(f"   {line.rstrip()}" for line in text.splitlines()), ""]


def duration(runs: Sequence[dict]) -> str:
    """How long training and scoring took, as far as it was measured."""
    known = [run["cpu_seconds"] for run in runs if "cpu_seconds" in run]
    text = f"{len(runs)} runs, {sum(run['seconds'] for run in runs) / 60:.0f} minutes of training"
    text += " by the clock, one thread a run"
    if known:
        minutes = sum(known) / 60
        text += f"; with the scoring, {len(known)} of them took {minutes:.0f} minutes of CPU time"
    return text


def report(preset: str, summaries: dict[str, dict], missing: Sequence[str]) -> str:
    """The page."""
    runs = [run for s in summaries.values() for run in s["runs"]]
    option = "" if preset == PRESETS[0] else f" PRESET={preset}"
    parts = [HEAD.format(preset=preset, option=option, time=duration(runs))]
    parts += [section(name, summary, "accuracy") for name, summary in summaries.items()]
    if missing:
        parts.append("Not run: " + "; ".join(missing) + ".\n")
    return "\n".join(parts)


def main() -> int:
    """Run what is missing, write the page and its plots."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0])
    parser.add_argument("--jobs", type=int, default=-1, help="runs at a time (default: one a core)")
    parser.add_argument("--backend", help="another backend of joblib, such as ray or dask")
    parser.add_argument(
        "--as-is", action="store_true", help="run nothing: the page of what has been run so far"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these sweeps (default: all)")
    args = parser.parse_args()
    summaries, missing = {}, []
    for path in sorted((ROOT / "scripts" / "accuracy" / args.preset).glob("*.yaml")):
        out = ROOT / "build" / f"accuracy-{args.preset}" / path.stem
        if args.only and path.stem not in args.only:
            missing.append(f"{path.stem} (left out by --only)")
            continue
        print(f"{path.stem}:", flush=True)
        try:
            recipe = sweep.read(path)
            recipe.load()
        except CatsError as error:
            reason = str(error).replace(f"{ROOT.parent}{os.sep}", "")
            print(f"  left out: {reason}")
            missing.append(f"{path.stem} ({reason})")
            continue
        try:
            summaries[path.stem] = sweep.run(
                recipe, out, args.jobs, args.backend, new=not args.as_is
            )
        except CatsError as error:
            if not args.as_is:
                raise
            print(f"  left out: {error}")
            missing.append(f"{path.stem} (no run is finished)")
            continue
        for plot in (sweep.LOSS_PLOT, sweep.KEEP_PLOT):
            target = ROOT / "doc" / "accuracy" / f"{path.stem}_{plot}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(out / plot, target)
    page = ROOT / "doc" / "accuracy.rst"
    write_atomic(page, report(args.preset, summaries, missing).encode())
    print(f"{page.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CatsError as error:
        sys.exit(f"accuracy-report: {error}")
